//! The pcapng format: sections of either byte order, interfaces each with its own link type, snap length and clock,
//! packets in Enhanced, Simple and the obsolete Packet Blocks, and TLS secrets. Blocks of other kinds are passed over.

use super::file::{Found, MAX_PACKET, Record};
use super::info::SourceInfo;
use super::input::Input;
use super::pcap_file::{u16_at, u32_at};
use super::resolution::Resolution;
use crate::base::{Cursor, Timestamp};
use crate::net::LinkType;
use std::io;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;
/// `TLSK`: a TLS key log as NSS writes it.
const TLS_KEY_LOG: u32 = 0x544c_534b;

/// A block that is read whole may have this many bytes: a packet of the largest size with room for its options.
const MAX_BLOCK: u32 = MAX_PACKET + (1 << 20);
/// A section may describe this many interfaces.
const MAX_INTERFACES: usize = 4096;

/// The state of the current section.
#[derive(Debug, Default)]
pub(super) struct PcapngFile {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// Time of the last packet that had one: what a Simple Packet Block, which has none, is given.
    last: Timestamp,
    /// Bytes of the block handed over last, still in the window.
    pending: usize,
    /// Packets that name no described interface or claim more bytes than their block has.
    unreadable: u64,
    sections: u64,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    snaplen: u32,
    resolution: Resolution,
    offset: i64,
}

/// Whether `bytes` start as a pcapng file does.
pub(super) fn is_pcapng(bytes: &[u8]) -> bool {
    bytes.starts_with(&SECTION_HEADER.to_le_bytes())
        && matches!(bytes.get(8..12), Some([0x4d, 0x3c, 0x2b, 0x1a] | [0x1a, 0x2b, 0x3c, 0x4d]) | None)
}

impl PcapngFile {
    /// Finds the next packet or secrets; their bytes stay in the window until the next call.
    #[inline]
    pub(super) fn advance(&mut self, input: &mut Input, info: &mut SourceInfo) -> io::Result<Option<Found>> {
        loop {
            input.consume(std::mem::take(&mut self.pending));
            if !input.need(12)? {
                info.truncated |= !input.window().is_empty();
                self.finish(info);
                return Ok(None);
            }
            let kind = u32_at(input.window(), 0, self.big_endian);
            if kind == SECTION_HEADER && !self.begin_section(input, info) {
                return Ok(None);
            }
            let total = u32_at(input.window(), 4, self.big_endian);
            if total < 12 {
                return Ok(self.damaged(input, info, total));
            }
            // Some writers forget the padding in the length, but not in the file.
            let total = u64::from(total).next_multiple_of(4);
            let wanted = matches!(
                kind,
                SECTION_HEADER | INTERFACE_DESCRIPTION | PACKET | SIMPLE_PACKET | ENHANCED_PACKET | DECRYPTION_SECRETS
            );
            let unwanted = !wanted || (total > u64::from(MAX_BLOCK) && kind == DECRYPTION_SECRETS);
            if !unwanted && total > u64::from(MAX_BLOCK) {
                return Ok(self.damaged(input, info, u32::try_from(total).unwrap_or(u32::MAX)));
            }
            let whole = if unwanted { input.skip(total)? } else { input.need(total as usize)? };
            if !whole {
                info.truncated = true;
                self.finish(info);
                return Ok(None);
            }
            if unwanted {
                continue;
            }
            self.pending = total as usize;
            let place = input.place().saturating_add(8);
            let block = input.window().get(8..(total as usize).saturating_sub(4)).unwrap_or(&[]);
            let found = match kind {
                ENHANCED_PACKET => self.enhanced_packet(block, place, info),
                PACKET => self.obsolete_packet(block, place, info),
                SIMPLE_PACKET => self.simple_packet(block, place, info),
                DECRYPTION_SECRETS => self.secrets(block, place),
                INTERFACE_DESCRIPTION => self.describe_interface(block, info),
                _ => None,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Takes the byte order of a new section. `false` where its magic makes no sense.
    fn begin_section(&mut self, input: &Input, info: &mut SourceInfo) -> bool {
        match input.window().get(8..12) {
            Some([0x4d, 0x3c, 0x2b, 0x1a]) => self.big_endian = false,
            Some([0x1a, 0x2b, 0x3c, 0x4d]) => self.big_endian = true,
            _ => {
                info.truncated = true;
                info.note(format!("damaged at byte {}: a section without its byte order", input.offset()));
                self.finish(info);
                return false;
            }
        }
        self.interfaces.clear();
        self.sections += 1;
        true
    }

    fn describe_interface(&mut self, block: &[u8], info: &mut SourceInfo) -> Option<Found> {
        let mut interface = Interface {
            link: LinkType(u16_at(block, 0, self.big_endian)),
            snaplen: u32_at(block, 4, self.big_endian),
            resolution: Resolution::default(),
            offset: 0,
        };
        let mut options = Cursor::new(block.get(8..).unwrap_or(&[]));
        while let Some(head) = options.array::<4>() {
            let (code, len) = (u16_at(&head, 0, self.big_endian), usize::from(u16_at(&head, 2, self.big_endian)));
            let Some(value) = options.take(len).filter(|_| code != 0) else { break };
            let _ = options.skip(len.next_multiple_of(4) - len);
            match (code, value) {
                (9, &[resolution, ..]) => interface.resolution = Resolution::from_option(resolution),
                (14, value) => interface.offset = value.first_chunk().map_or(0, |&bytes| self.offset(bytes)),
                _ => {}
            }
        }
        if self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(interface);
        } else {
            info.note(format!(
                "more than {MAX_INTERFACES} interfaces in a section; packets of the others are left out"
            ));
        }
        None
    }

    fn offset(&self, bytes: [u8; 8]) -> i64 {
        if self.big_endian { i64::from_be_bytes(bytes) } else { i64::from_le_bytes(bytes) }
    }

    #[inline]
    fn enhanced_packet(&mut self, block: &[u8], place: usize, info: &mut SourceInfo) -> Option<Found> {
        let interface = u32_at(block, 0, self.big_endian) as usize;
        self.timed_packet(block, place, interface, info)
    }

    /// The obsolete Packet Block differs only in its first four bytes: an interface and a count of drops.
    fn obsolete_packet(&mut self, block: &[u8], place: usize, info: &mut SourceInfo) -> Option<Found> {
        let interface = usize::from(u16_at(block, 0, self.big_endian));
        self.timed_packet(block, place, interface, info)
    }

    #[inline]
    fn timed_packet(&mut self, block: &[u8], place: usize, interface: usize, info: &mut SourceInfo) -> Option<Found> {
        let field = |at| u32_at(block, at, self.big_endian);
        let units = u64::from(field(4)) << 32 | u64::from(field(8));
        let (len, original_len) = (field(12), field(16));
        let described = self.interfaces.get(interface).copied();
        let Some(of) = described.filter(|_| (20..=block.len()).contains(&(len as usize).saturating_add(20))) else {
            self.unreadable += 1;
            return None;
        };
        let time = of.resolution.instant(units, of.offset);
        self.last = time;
        let len = len as usize;
        info.count(of.link, len, Some(time));
        let at = place.saturating_add(20);
        Some(Found::Packet(Record { time, link: of.link, at, len, original_len: original_len.max(len as u32) }))
    }

    fn simple_packet(&mut self, block: &[u8], place: usize, info: &mut SourceInfo) -> Option<Found> {
        let Some(of) = self.interfaces.first().copied().filter(|_| block.len() >= 4) else {
            self.unreadable += 1;
            return None;
        };
        let original_len = u32_at(block, 0, self.big_endian);
        let limit = if of.snaplen == 0 { original_len } else { original_len.min(of.snaplen) };
        let len = (limit as usize).min(block.len() - 4);
        info.note("packets in Simple Packet Blocks have no time; each is given that of the packet before it");
        info.count(of.link, len, None);
        let at = place.saturating_add(4);
        Some(Found::Packet(Record { time: self.last, link: of.link, at, len, original_len }))
    }

    fn secrets(&mut self, block: &[u8], place: usize) -> Option<Found> {
        let len = u32_at(block, 4, self.big_endian) as usize;
        let whole = (8..=block.len()).contains(&len.saturating_add(8));
        (whole && u32_at(block, 0, self.big_endian) == TLS_KEY_LOG)
            .then_some(Found::Secrets { at: place.saturating_add(8), len })
    }

    #[cold]
    fn damaged(&mut self, input: &Input, info: &mut SourceInfo, length: u32) -> Option<Found> {
        info.truncated = true;
        info.note(format!(
            "damaged at byte {}: a block claims {length} bytes; nothing behind it can be read",
            input.offset()
        ));
        self.finish(info);
        None
    }

    fn finish(&mut self, info: &mut SourceInfo) {
        if self.unreadable > 0 {
            info.note(format!(
                "{} packet blocks name an unknown interface or are shorter than their packet; they were left out",
                self.unreadable
            ));
        }
        if self.sections > 1 {
            info.note(format!("{} sections", self.sections));
        }
    }
}
