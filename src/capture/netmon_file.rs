//! Microsoft Network Monitor files, versions 1 and 2. The table at their end says where each frame is, so the file is held
//! in memory while it is read.

use super::file::{Found, MAX_PACKET, Record};
use super::info::SourceInfo;
use super::input::Input;
use super::pcap_file::{u16_at, u32_at};
use crate::base::Timestamp;
use crate::net::LinkType;
use std::io;

/// The largest file that is read. Network Monitor itself stopped at 500 MB.
const MAX_FILE: usize = 512 << 20;
/// 1601-01-01 in seconds before 1970.
const FILETIME_EPOCH: i64 = -11_644_473_600;
/// From here on frame types are pcap link types moved up.
const PCAP_LINK_BASE: u16 = 0xe000;
/// From here on a "frame" is not one, but something that Network Monitor remembers: processes, names, a comment.
const NOT_A_FRAME: u16 = 0xfffb;

/// A file as its header describes it.
#[derive(Debug)]
pub(super) struct NetmonFile {
    version: (u8, u8),
    link: LinkType,
    begun: Timestamp,
    table: usize,
    frames: usize,
    next: usize,
}

/// Whether `bytes` start as such a file does.
pub(super) fn is_netmon(bytes: &[u8]) -> bool {
    bytes.starts_with(b"GMBU") || bytes.starts_with(b"RTSS")
}

impl NetmonFile {
    /// Reads the whole file into the window. `None` where not even the header is there.
    pub(super) fn open(input: &mut Input, info: &mut SourceInfo) -> io::Result<Option<NetmonFile>> {
        if !input.need(32)? {
            return Ok(None);
        }
        if input.need(MAX_FILE)? {
            return Err(io::Error::other("Network Monitor files above 512 MB cannot be read: convert it with editcap"));
        }
        let file = input.window();
        let (table, length) = (u32_at(file, 24, false) as usize, u32_at(file, 28, false) as usize);
        let reachable = file.len().saturating_sub(table).min(length) / 4;
        if reachable < length / 4 {
            info.truncated = true;
            info.note("the table of frames at the end of the file is missing or cut; frames not in it cannot be found");
        }
        info.note("times are taken as UTC, though the file may hold the local time of the machine that captured");
        Ok(Some(NetmonFile {
            version: (file[5], file[4]),
            link: LinkType(link_type(u16_at(file, 6, false)).unwrap_or(u16::MAX)),
            begun: begun(file),
            table,
            frames: reachable,
            next: 0,
        }))
    }

    /// Finds the next frame.
    pub(super) fn advance(&mut self, input: &Input, info: &mut SourceInfo) -> Option<Found> {
        let file = input.window();
        while self.next < self.frames {
            let entry = self.table.saturating_add(self.next.saturating_mul(4));
            self.next += 1;
            match self.frame(file, u32_at(file, entry, false) as usize) {
                Frame::Packet(mut record) => {
                    record.at = record.at.saturating_add(input.place());
                    info.count(record.link, record.len, Some(record.time));
                    return Some(Found::Packet(record));
                }
                Frame::Other => {}
                Frame::Outside => {
                    info.truncated = true;
                    info.note("the table of frames points outside the file");
                }
            }
        }
        None
    }

    /// The frame that starts at `at`.
    fn frame(&self, file: &[u8], at: usize) -> Frame {
        let (header, delta, original_len, len) = match self.version.0 {
            0 | 1 => {
                let lengths =
                    (u32::from(u16_at(file, at.saturating_add(4), false)), u16_at(file, at.saturating_add(6), false));
                (8, i64::from(u32_at(file, at, false)).saturating_mul(1_000_000), lengths.0, u32::from(lengths.1))
            }
            _ => {
                let microseconds = u64_at(file, at);
                let delta = i64::try_from(microseconds).unwrap_or(i64::MAX).saturating_mul(1000);
                (16, delta, u32_at(file, at.saturating_add(8), false), u32_at(file, at.saturating_add(12), false))
            }
        };
        let data = at.saturating_add(header);
        let end = data.saturating_add(len as usize);
        if len > MAX_PACKET || file.get(data..end).is_none() {
            return Frame::Outside;
        }
        let mut link = self.link;
        let mut time = Timestamp(self.begun.0.saturating_add(delta));
        if self.version >= (2, 1) {
            let own = u16_at(file, end, false);
            if own >= NOT_A_FRAME {
                return Frame::Other;
            }
            link = LinkType(link_type(own).unwrap_or(u16::MAX));
        }
        if self.version >= (2, 3) && file.len() >= end.saturating_add(15) {
            time = filetime(u64_at(file, end.saturating_add(6)));
        }
        let len = len as usize;
        Frame::Packet(Record { time, link, at: data, len, original_len: original_len.max(len as u32) })
    }
}

enum Frame {
    Packet(Record),
    Other,
    Outside,
}

/// The link type behind Network Monitor's number; `None` for one that no capture format of today has.
fn link_type(network: u16) -> Option<u16> {
    match network {
        1 => Some(1),
        2 => Some(6),
        3 => Some(10),
        6 => Some(105),
        PCAP_LINK_BASE..NOT_A_FRAME => Some(network - PCAP_LINK_BASE),
        _ => None,
    }
}

/// When the capture began: eight 16-bit fields from the year to the millisecond.
fn begun(file: &[u8]) -> Timestamp {
    let field = |n: usize| i64::from(u16_at(file, 8 + 2 * n, false));
    let days = days_since_1970(field(0), field(1), field(3));
    let seconds = ((days * 24 + field(4)) * 60 + field(5)) * 60 + field(6);
    Timestamp(seconds.saturating_mul(1_000_000_000).saturating_add(field(7) * 1_000_000))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day - 1 - 719_468
}

/// A Windows FILETIME: units of 100 ns since 1601.
fn filetime(units: u64) -> Timestamp {
    let seconds = i64::try_from(units / 10_000_000).unwrap_or(i64::MAX).saturating_add(FILETIME_EPOCH);
    Timestamp::from_parts(seconds, (units % 10_000_000) as u32 * 100)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at, false)) | u64::from(u32_at(bytes, at.saturating_add(4), false)) << 32
}
