//! What is known of a source while and after it is read.

use crate::base::Timestamp;
use crate::net::LinkType;

/// At most this many notes are kept of one source.
const MAX_NOTES: usize = 16;

/// Counts and properties of one source. Complete when the source has said `None`.
#[derive(Clone, Debug, Default)]
pub struct SourceInfo {
    /// As it was named; `-` for standard input, the device's name for a live capture.
    pub path: String,
    /// `pcap`, `pcapng`, `netmon`, with the compression behind it (`pcapng (zstd)`); `device`; `hep`.
    pub format: String,
    /// Link-layer header types in order of first use.
    pub link_types: Vec<LinkType>,
    /// Packets handed over.
    pub packets: u64,
    /// Bytes of their data as captured.
    pub bytes: u64,
    /// Earliest time of a packet.
    pub first_time: Option<Timestamp>,
    /// Latest time of a packet.
    pub last_time: Option<Timestamp>,
    /// Whether the input ends, or becomes unreadable, before its last packet is complete.
    pub truncated: bool,
    /// Whether it is a text without times, or with whole seconds only: known from the start on.
    pub coarse_times: bool,
    /// What else a person should know, a sentence each.
    pub notes: Vec<String>,
}

impl SourceInfo {
    /// Nothing read yet.
    pub(super) fn new(path: &str, format: &str) -> Self {
        SourceInfo { path: path.to_owned(), format: format.to_owned(), ..SourceInfo::default() }
    }

    /// Counts a packet. `time` is `None` where the format gives it none.
    #[inline]
    pub(super) fn count(&mut self, link: LinkType, bytes: usize, time: Option<Timestamp>) {
        self.packets += 1;
        self.bytes += bytes as u64;
        if self.link_types.last() != Some(&link) {
            self.meet(link);
        }
        let Some(time) = time else { return };
        match (&mut self.first_time, &mut self.last_time) {
            (Some(first), Some(last)) => {
                *first = (*first).min(time);
                *last = (*last).max(time);
            }
            _ => (self.first_time, self.last_time) = (Some(time), Some(time)),
        }
    }

    /// Remembers a link type. There are at most 65,536, each kept once.
    #[cold]
    fn meet(&mut self, link: LinkType) {
        if !self.link_types.contains(&link) && self.link_types.len() < 256 {
            self.link_types.push(link);
        }
    }

    /// Keeps a note, once, as long as there are few.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }
}
