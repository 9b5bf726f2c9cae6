//! RTP: the header, whether bytes are RTP at all, and what a receiver would have seen of a stream. RFC 3550 §5
//!
//! The header is read by hand, not by a library: a packet that the snap length cut short still counts, and only its first
//! twelve bytes are needed for that.

pub mod receiver;
pub mod sender;
mod sequence;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tshark_tests;

pub use receiver::{Receiver, Statistics};
pub use sender::Sender;
pub use sequence::Arrival;

use super::codec::StaticType;
use crate::base::Cursor;

/// Bytes of an RTP header without contributing sources and extension.
pub const FIXED_HEADER: usize = 12;

/// The header of one RTP packet, and where its payload lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Profile dependent; in speech it opens a talkspurt. RFC 3551 §4.1
    pub marker: bool,
    /// What the payload is, by static table or session description; 0 to 127.
    pub payload_type: u8,
    /// Whether everything that the header announces lay within the bytes given.
    pub whole: bool,
    /// Sequence number.
    pub sequence: u16,
    /// Sampling instant of the first byte, in units of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Number of contributing sources, 0 to 15.
    pub csrc_count: u8,
    /// Padding bytes after the payload.
    pub padding: u8,
    /// Offset of the first byte of the payload.
    pub payload_start: u16,
    /// Offset after the last byte of the payload.
    pub payload_end: u16,
}

impl Header {
    /// Reads a header; `None` for fewer than twelve bytes or another version than 2.
    ///
    /// What a cut packet or a lying length leaves out is not an error here: `whole` says so, and the payload is what is left.
    #[inline]
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Header> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED_HEADER>()?;
        let [first, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = *fixed;
        if first >> 6 != 2 {
            return None;
        }
        let mut header = Header {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            whole: true,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            csrc_count: first & 0x0f,
            padding: 0,
            payload_start: FIXED_HEADER as u16,
            payload_end: u16::try_from(bytes.len()).unwrap_or(u16::MAX),
        };
        // Version 2 and nothing else: what nearly every packet of a call looks like.
        if first != 0x80 {
            header.read_variable_part(first, rest);
        }
        Some(header)
    }

    /// Contributing sources, extension and padding. RFC 3550 §5.1, §5.3.1
    fn read_variable_part(&mut self, first: u8, rest: &[u8]) {
        let mut cursor = Cursor::new(rest);
        let mut passed = cursor.skip(usize::from(self.csrc_count) * 4).is_some();
        if passed && first & 0x10 != 0 {
            let words = cursor.u16().and_then(|_profile| cursor.u16());
            passed = words.is_some_and(|words| cursor.skip(usize::from(words) * 4).is_some());
        }
        if !passed {
            (self.whole, self.payload_start) = (false, self.payload_end);
            return;
        }
        self.payload_start = self.payload_end.saturating_sub(u16::try_from(cursor.rest().len()).unwrap_or(u16::MAX));
        if first & 0x20 != 0 {
            let padding = cursor.rest().last().copied().unwrap_or(0);
            if padding == 0 || usize::from(padding) > cursor.rest().len() {
                self.whole = false;
            } else {
                self.padding = padding;
                self.payload_end -= u16::from(padding);
            }
        }
    }

    /// The payload of the packet that the header was read from.
    #[inline]
    #[must_use]
    pub fn payload<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        packet.get(usize::from(self.payload_start)..usize::from(self.payload_end)).unwrap_or(&[])
    }

    /// Bytes of payload.
    #[inline]
    #[must_use]
    pub fn payload_len(&self) -> u16 {
        self.payload_end.saturating_sub(self.payload_start)
    }

    /// Whether this may be the packet after `earlier` in one stream: same source, a little further on. Two packets of a flow
    /// that stand like this are RTP beyond reasonable doubt.
    #[must_use]
    pub fn continues(&self, earlier: &Header) -> bool {
        let ahead = self.sequence.wrapping_sub(earlier.sequence);
        self.ssrc == earlier.ssrc && (1..=64).contains(&ahead)
    }
}

/// Whether the bytes of an unknown flow look like RTP, and its header if so.
///
/// Strict, since nothing but the bytes speaks for it: the first byte tells RTP from STUN, ZRTP, DTLS, TURN channel data and
/// QUIC (RFC 7983 §7, RFC 9443 §3), the second from RTCP (RFC 5761 §4); the payload type must be assigned or dynamic, every
/// length must fit, and there must be a payload. A DNS message whose identifier has the right bits is told by its counts.
#[must_use]
pub fn looks_like_rtp(bytes: &[u8]) -> Option<Header> {
    let header = Header::parse(bytes)?;
    let assigned = StaticType::of(header.payload_type).is_some() || header.payload_type >= 96;
    let filled = header.whole && header.payload_len() > 0 && header.ssrc != 0;
    (assigned && filled && !looks_like_dns(bytes)).then_some(header)
}

/// Whether bytes look like a (compound) RTCP packet: version 2, a known packet type, and a length that fits and is long
/// enough for what the type must hold. RFC 3550 §A.2; reduced-size packets as RFC 5506 allows them. True for SRTCP as well,
/// whose first header is in the clear.
#[must_use]
pub fn looks_like_rtcp(bytes: &[u8]) -> bool {
    let Some(&[first, kind, l0, l1]) = bytes.first_chunk::<4>() else { return false };
    let length = (usize::from(u16::from_be_bytes([l0, l1])) + 1) * 4;
    let count = usize::from(first & 0x1f);
    let least = match kind {
        200 => 28 + 24 * count,
        201 => 8 + 24 * count,
        202 | 203 => 4 + 4 * count,
        204..=206 => 12,
        207 => 8,
        _ => return false,
    };
    first >> 6 == 2 && length >= least && length <= bytes.len()
}

/// A query or response with one question and modest counts: as RTP it would have a timestamp and a source that are both
/// nearly zero in the same places.
fn looks_like_dns(bytes: &[u8]) -> bool {
    let mut cursor = Cursor::new(bytes);
    let _identifier_and_flags = cursor.u32();
    cursor.u16() == Some(1) && (0..3).all(|_| cursor.u16().is_some_and(|records| records < 64))
}
