//! The classic pcap format in all its dialects: both byte orders, micro- and nanoseconds, the record headers of Kuznetzov's
//! patches (SuSE 6, Red Hat 6), of Nokia's firewalls, Ixia's file header, the swapped lengths of files before version 2.3.

use super::file::{Found, MAX_PACKET, Record};
use super::info::SourceInfo;
use super::input::Input;
use crate::base::Timestamp;
use crate::net::LinkType;
use std::io;

/// What the file header says about every record.
#[derive(Debug)]
pub(super) struct PcapFile {
    big_endian: bool,
    /// What a unit of the sub-second field is in nanoseconds.
    unit: i64,
    link: LinkType,
    record_header: usize,
    lengths: Lengths,
    max_packet: u32,
    /// Bytes of the record handed over last, still in the window.
    pending: usize,
}

/// In which order a record header holds its two lengths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    /// Version 2.3 was written both ways; a captured length beyond the original one betrays the older order.
    Unsure,
}

/// How the first four bytes of a file read where it is a pcap file.
#[derive(Clone, Copy, Debug)]
struct Magic {
    big_endian: bool,
    nanoseconds: bool,
    /// Kuznetzov's second patch: record headers of 24 or 28 bytes.
    modified: bool,
    /// Ixia: four more bytes behind the file header.
    ixia: bool,
}

impl Magic {
    fn of(bytes: [u8; 4]) -> Option<Magic> {
        let plain = |nanoseconds, modified, ixia| Magic { big_endian: false, nanoseconds, modified, ixia };
        let read = |n: u32| match n {
            0xa1b2_c3d4 => Some(plain(false, false, false)),
            0xa1b2_3c4d => Some(plain(true, false, false)),
            0xa1b2_cd34 => Some(plain(false, true, false)),
            0x1c00_01ab => Some(plain(false, false, true)),
            0x1c00_01ac => Some(plain(true, false, true)),
            _ => None,
        };
        read(u32::from_le_bytes(bytes))
            .or_else(|| read(u32::from_be_bytes(bytes)).map(|magic| Magic { big_endian: true, ..magic }))
    }
}

/// Whether `bytes` start as a pcap file does.
pub(super) fn is_pcap(bytes: &[u8]) -> bool {
    bytes.first_chunk().is_some_and(|&b| Magic::of(b).is_some())
}

impl PcapFile {
    /// Reads the file header. `None` where the file ends before it does.
    pub(super) fn open(input: &mut Input, info: &mut SourceInfo) -> io::Result<Option<PcapFile>> {
        if !input.need(24)? {
            return Ok(None);
        }
        let Some(magic) = input.window().first_chunk().and_then(|&b| Magic::of(b)) else { return Ok(None) };
        let field = |at| u32_at(input.window(), at, magic.big_endian);
        let version = field(4);
        let (major, minor) = match magic.big_endian {
            true => (version >> 16, version & 0xffff),
            false => (version & 0xffff, version >> 16),
        };
        let (snaplen, network) = (field(16), field(20));
        if network & 0x03ff_0000 != 0 {
            info.note("the file header has unknown bits set in its link type; they were ignored");
        }
        let lengths = match (major, minor) {
            (2, 0..=2) | (543, _) => Lengths::OriginalFirst,
            (2, 3) => Lengths::Unsure,
            _ => Lengths::CapturedFirst,
        };
        let mut file = PcapFile {
            big_endian: magic.big_endian,
            unit: if magic.nanoseconds { 1 } else { 1000 },
            link: link_type(network, magic, (major, minor)),
            record_header: 16,
            lengths,
            max_packet: snaplen.clamp(262_144, MAX_PACKET),
            pending: 0,
        };
        if !input.need(if magic.ixia { 28 } else { 24 })? {
            return Ok(None);
        }
        input.consume(if magic.ixia { 28 } else { 24 });
        if (major, minor) == (2, 4) && !magic.nanoseconds && !magic.ixia {
            file.recognise_record_header(input, magic.modified)?;
        }
        if file.record_header != 16 {
            info.format = format!("{} (modified)", info.format);
        }
        Ok(Some(file))
    }

    /// Finds the length of the record headers, which no field of the file tells: the one under which the first records
    /// make sense.
    fn recognise_record_header(&mut self, input: &mut Input, modified: bool) -> io::Result<()> {
        let candidates: &[usize] = if modified { &[24, 28] } else { &[16, 24, 20] };
        self.record_header = candidates.first().copied().unwrap_or(16);
        // Only the first record is waited for: input from a pipe may not have more yet.
        if !input.need(self.record_header)? {
            return Ok(());
        }
        let length = u32_at(input.window(), 8, self.big_endian).min(self.max_packet) as usize;
        input.need(self.record_header.saturating_add(length).saturating_add(16))?;
        let judged = candidates.iter().map(|&length| (self.nonsense(input.window(), length), length));
        if let Some((_, best)) = judged.min_by_key(|&(nonsense, _)| nonsense) {
            self.record_header = best;
        }
        Ok(())
    }

    /// How much about the first records of `window` makes no sense if their headers have `header` bytes.
    fn nonsense(&self, window: &[u8], header: usize) -> u32 {
        let (mut found, mut at, mut before) = (0, 0, None);
        for _ in 0..4 {
            let Some(record) = window.get(at..).filter(|rest| rest.len() >= header) else { break };
            let field = |place| u32_at(record, place, self.big_endian);
            let (seconds, fraction, captured, original) = (field(0), field(4), field(8), field(12));
            found += u32::from(fraction >= 1_000_000) + u32::from(captured > original);
            found += u32::from(original > 262_144);
            found += u32::from(before.is_some_and(|before: u32| before.abs_diff(seconds) > 86_400 * 30));
            if captured > self.max_packet {
                return found + 5;
            }
            before = Some(seconds);
            at = at.saturating_add(header).saturating_add(captured as usize);
        }
        found
    }

    /// Finds the next record; its bytes stay in the window until the next call.
    #[inline]
    pub(super) fn advance(&mut self, input: &mut Input, info: &mut SourceInfo) -> io::Result<Option<Found>> {
        input.consume(std::mem::take(&mut self.pending));
        let header = self.record_header;
        if !input.need(header)? {
            info.truncated |= !input.window().is_empty();
            return Ok(None);
        }
        let window = input.window();
        let field = |at| u32_at(window, at, self.big_endian);
        let (seconds, fraction) = (field(0), field(4));
        let (mut captured, mut original) = (field(8), field(12));
        if self.lengths != Lengths::CapturedFirst && (self.lengths == Lengths::OriginalFirst || captured > original) {
            (captured, original) = (original, captured);
        }
        if captured > self.max_packet {
            return Ok(damaged(input, info, captured));
        }
        let len = captured as usize;
        if !input.need(header.saturating_add(len))? {
            info.truncated = true;
            return Ok(None);
        }
        self.pending = header.saturating_add(len);
        let time = Timestamp(i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * self.unit);
        info.count(self.link, len, Some(time));
        let at = input.place().saturating_add(header);
        Ok(Some(Found::Packet(Record { time, link: self.link, at, len, original_len: original.max(captured) })))
    }
}

/// Notes that a length is impossible, so that nothing behind it can be found.
#[cold]
fn damaged(input: &Input, info: &mut SourceInfo, length: u32) -> Option<Found> {
    info.truncated = true;
    info.note(format!(
        "damaged at byte {}: packet {} claims {length} bytes; nothing behind it can be read",
        input.offset(),
        info.packets + 1
    ));
    None
}

/// The link type behind the header's field, which AIX (version 2.2) fills with interface types of its own.
fn link_type(network: u32, magic: Magic, version: (u32, u32)) -> LinkType {
    let link = (network & 0xffff) as u16;
    match (version, magic.modified, network) {
        ((2, 2), false, 6) => LinkType(1),
        ((2, 2), false, 9) => LinkType(6),
        ((2, 2), false, 15) => LinkType(10),
        ((2, 2), false, 24) => LinkType(0),
        _ => LinkType(link),
    }
}

/// Four bytes at `at` as a number; 0 where they are not there.
#[inline]
pub(super) fn u32_at(bytes: &[u8], at: usize, big_endian: bool) -> u32 {
    match bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        Some(&four) if big_endian => u32::from_be_bytes(four),
        Some(&four) => u32::from_le_bytes(four),
        None => 0,
    }
}

/// Two bytes at `at` as a number; 0 where they are not there.
#[inline]
pub(super) fn u16_at(bytes: &[u8], at: usize, big_endian: bool) -> u16 {
    match bytes.get(at..).and_then(|rest| rest.first_chunk::<2>()) {
        Some(&two) if big_endian => u16::from_be_bytes(two),
        Some(&two) => u16::from_le_bytes(two),
        None => 0,
    }
}
