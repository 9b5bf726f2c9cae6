//! The header of a frame (RFC 6455 §5.2).

use crate::base::Cursor;

/// The longest header: two bytes, eight of extended length, four of mask.
pub(super) const MAX_HEADER: usize = 14;

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

/// The header is none that RFC 6455 §5.2 allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unsound;

/// A frame header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) fin: bool,
    /// Set on the first frame of a compressed message (RFC 7692 §6).
    pub(super) rsv1: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: Option<[u8; 4]>,
    /// Bytes of payload that follow.
    pub(super) length: u64,
    /// Whether the length is written in the fewest bytes.
    minimal: bool,
}

impl Header {
    /// The header at the start of `bytes` and its length, or `None` where more bytes are needed.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Header, usize)>, Unsound> {
        let mut cursor = Cursor::new(bytes);
        let Some(first) = cursor.u8() else { return Ok(None) };
        let opcode = match first & 0x0f {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            _ => return Err(Unsound),
        };
        if first & 0x30 != 0 {
            return Err(Unsound);
        }
        let Some(second) = cursor.u8() else { return Ok(None) };
        let (length, minimal) = match second & 0x7f {
            126 => (cursor.u16().map(u64::from), 126),
            127 => (cursor.u64(), 0x1_0000),
            short => (Some(u64::from(short)), 0),
        };
        let Some(length) = length else { return Ok(None) };
        let mask = match second & 0x80 {
            0 => None,
            _ => match cursor.array() {
                Some(mask) => Some(mask),
                None => return Ok(None),
            },
        };
        let (fin, rsv1) = (first & 0x80 != 0, first & 0x40 != 0);
        let header = Header { fin, rsv1, opcode, mask, length, minimal: length >= minimal };
        if length > i64::MAX as u64 || (header.is_control() && (!fin || rsv1 || length > 125)) {
            return Err(Unsound);
        }
        Ok(Some((header, bytes.len() - cursor.rest().len())))
    }

    pub(super) fn is_control(&self) -> bool {
        matches!(self.opcode, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }

    /// Whether the length is written as it must be.
    pub(super) fn is_sound(&self) -> bool {
        self.minimal
    }

    /// Unmasks `bytes`, of which the first is number `offset` of the payload (RFC 6455 §5.3).
    pub(super) fn unmask(&self, bytes: &mut [u8], offset: u64) {
        let Some(mut mask) = self.mask else { return };
        mask.rotate_left((offset % 4) as usize);
        for (byte, key) in bytes.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= key;
        }
    }
}
