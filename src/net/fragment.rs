//! IP fragments put together, of both families, in any order.
//!
//! Of bytes that came twice the first are kept. A fragment that the snap length cut still holds its place: the datagram is
//! then delivered up to the missing bytes, and marked as cut.

use std::time::Duration;

use super::ip::Place;
use super::layer::{Bytes, Path};
use super::{Reason, Undecoded};
use crate::base::{Flow, Table, Timestamp};

/// Datagrams that wait for fragments, at most.
const MAX_DATAGRAMS: usize = 4096;
/// Bytes of fragments that wait, at most.
const MAX_BYTES: usize = 16 << 20;
/// Separate pieces of one datagram, at most (a datagram of 65,535 bytes in pieces of 64).
const MAX_PIECES: usize = 1024;
/// The largest datagram that IP can describe.
const MAX_LENGTH: usize = 65_535;
/// How long a datagram waits for its fragments, in capture time.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the fragments of one datagram have in common. RFC 791 §3.2, RFC 8200 §4.5.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    /// Addresses.
    pub flow: Flow,
    /// Identification.
    pub id: u32,
    /// Protocol of IPv4; 44 for IPv6, where it is no part of the key.
    pub protocol: u8,
    /// Source of the decode run: two captures of one datagram are two datagrams.
    pub source: u16,
}

/// One fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    /// What the IP header said.
    pub path: Path,
    /// What the datagram carries, as this fragment says.
    pub protocol: u8,
    /// Where it belongs.
    pub place: Place,
    /// Its bytes.
    pub bytes: Bytes<'a>,
    /// When it was captured.
    pub time: Timestamp,
    /// Frame number of its packet.
    pub frame: u64,
    /// Earlier frames, where it came in a packet that was itself in fragments.
    pub earlier: &'a [u64],
}

/// A datagram put together.
#[derive(Debug)]
pub(super) struct Whole {
    /// Its bytes, up to the first that was not captured.
    pub data: Vec<u8>,
    /// How many it had.
    pub wire: usize,
    /// Frame numbers of the fragments, the one that completed it left out.
    pub frames: Vec<u64>,
    /// What the IP header of the first fragment said.
    pub path: Path,
    /// What it carries.
    pub protocol: u8,
}

/// A datagram whose fragments did not all come.
#[derive(Clone, Debug)]
pub struct Lost {
    /// Addresses, and ports where the first fragment is there.
    pub flow: Flow,
    /// What the first fragment holds behind the UDP header, at most [`MAX_HEAD`] bytes; empty where that is the one that is missing.
    pub head: Vec<u8>,
    /// Bytes that came, and bytes that it has, where that is known; both with the UDP header.
    pub came: u32,
    /// See `came`.
    pub of: Option<u32>,
    /// When its first fragment came.
    pub since: Timestamp,
    /// Frame of that.
    pub frame: u64,
}

/// Bytes of the first fragment that are told of a datagram that was lost.
pub const MAX_HEAD: usize = 4096;
/// Datagrams that were lost and not asked for yet; more are only counted.
const MAX_LOST: usize = 256;

/// The datagrams that wait for fragments.
#[derive(Debug)]
pub(super) struct Fragments {
    waiting: Table<Key, Datagram>,
    held: usize,
    /// What was given up of late.
    lost: Vec<Lost>,
    /// Whether any fragment but a first one was seen: a capture with a port filter has none.
    later: bool,
    /// Time of the last fragment.
    last: Timestamp,
}

#[derive(Debug, Default)]
struct Datagram {
    /// What was captured, in order of arrival.
    arena: Vec<u8>,
    /// Which places are taken, in order of place, never overlapping.
    pieces: Vec<Piece>,
    /// Sum of the lengths of `pieces`.
    covered: usize,
    /// Length of the datagram, once its last fragment came.
    total: Option<usize>,
    frames: Vec<u64>,
    path: Path,
    protocol: u8,
    since: Timestamp,
    /// Whether a datagram with this key was delivered a moment ago: what comes now may be copies of its fragments, as a
    /// capture on several interfaces has them, and nobody misses the rest of those.
    delivered: bool,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    start: usize,
    end: usize,
    /// Where its captured bytes are in the arena, and how many.
    at: usize,
    len: usize,
}

/// What became of a fragment.
enum Added {
    Waits,
    Complete,
    Contradicts,
    /// It has the place of one that came before, and other bytes: the identification was used again.
    Another,
    TooManyPieces,
}

impl Default for Fragments {
    fn default() -> Self {
        Fragments {
            waiting: Table::new(MAX_DATAGRAMS),
            held: 0,
            lost: Vec::new(),
            later: false,
            last: Timestamp::default(),
        }
    }
}

impl Fragments {
    /// Takes in a fragment, and gives the datagram that it completes.
    pub(super) fn add(&mut self, key: &Key, fragment: &Fragment<'_>, undecoded: &mut Undecoded) -> Option<Whole> {
        let oldest_kept = fragment.time.0.saturating_sub(i64::try_from(PATIENCE.as_nanos()).unwrap_or(i64::MAX));
        self.later |= fragment.place.offset > 0;
        self.last = fragment.time;
        while let Some((key, gone)) = self.waiting.pop_before(oldest_kept) {
            self.lost(&key, &gone, Reason::FragmentMissing, undecoded);
        }
        let (datagram, gone) = self.waiting.touch_or_insert(key, fragment.time.0, Datagram::default);
        let before = datagram.arena.len();
        let outcome = datagram.take_in(fragment, oldest_kept, undecoded);
        self.held = (self.held + datagram.arena.len()).saturating_sub(before);
        let whole = match outcome {
            Added::Complete => {
                self.held = self.held.saturating_sub(datagram.arena.len());
                Some(datagram.assemble(fragment))
            }
            Added::TooManyPieces => {
                self.held = self.held.saturating_sub(datagram.arena.len());
                datagram.restart(fragment.time);
                undecoded.count(Reason::FragmentsEvicted);
                None
            }
            Added::Contradicts => {
                undecoded.count(Reason::MalformedPacket);
                None
            }
            Added::Waits | Added::Another => None,
        };
        if let Some((key, gone)) = gone {
            self.lost(&key, &gone, Reason::FragmentsEvicted, undecoded);
        }
        while self.held > MAX_BYTES {
            let Some((key, gone)) = self.waiting.pop_oldest() else { break };
            self.lost(&key, &gone, Reason::FragmentsEvicted, undecoded);
        }
        whole
    }

    /// Says that no fragment follows: what still waits is counted as missing.
    pub(super) fn finish(&mut self, undecoded: &mut Undecoded) {
        while let Some((key, gone)) = self.waiting.pop_oldest() {
            self.lost(&key, &gone, Reason::FragmentMissing, undecoded);
        }
    }

    fn lost(&mut self, key: &Key, gone: &Datagram, reason: Reason, undecoded: &mut Undecoded) {
        self.held = self.held.saturating_sub(gone.arena.len());
        undecoded.add(reason, u64::from(gone.is_missed()));
        if gone.is_missed() && reason == Reason::FragmentMissing && self.lost.len() < MAX_LOST {
            self.lost.extend(gone.told(key));
        }
    }

    /// Datagrams that were given up since this was asked last, and whether the input has later fragments at all.
    pub(super) fn take_lost(&mut self) -> (std::vec::Drain<'_, Lost>, bool) {
        (self.lost.drain(..), self.later)
    }

    /// Whether there is anything to take.
    #[inline]
    pub(super) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Bytes that wait.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        debug_assert_eq!(self.held, self.waiting.iter().map(|(_, d)| d.arena.len()).sum::<usize>());
        self.held
    }
}

impl Datagram {
    /// Whether the rest of it will be missed.
    fn is_missed(&self) -> bool {
        !self.pieces.is_empty() && !self.delivered
    }

    /// What is told of a UDP datagram that was given up.
    fn told(&self, key: &Key) -> Option<Lost> {
        if self.pieces.first().is_some_and(|p| p.start > 0) {
            let is_udp = key.protocol == super::ip::UDP;
            return is_udp.then(|| self.without_head(key.flow));
        }
        let first = self.pieces.first().filter(|p| p.start == 0 && self.protocol == super::ip::UDP)?;
        let bytes = self.arena.get(first.at..first.at + first.len)?;
        let &[src_high, src_low, dst_high, dst_low, length_high, length_low, _, _] = bytes.first_chunk::<8>()?;
        let [src, dst, length] =
            [[src_high, src_low], [dst_high, dst_low], [length_high, length_low]].map(u16::from_be_bytes);
        let head = bytes.get(8..).unwrap_or_default();
        Some(Lost {
            flow: Flow { src: key.flow.src.with_port(src), dst: key.flow.dst.with_port(dst) },
            head: head.get(..MAX_HEAD).unwrap_or(head).to_vec(),
            came: self.covered as u32,
            of: Some(u32::from(length)).filter(|&n| n > 0),
            since: self.since,
            frame: self.frames.first().copied().unwrap_or_default(),
        })
    }

    fn without_head(&self, flow: Flow) -> Lost {
        Lost {
            flow,
            head: Vec::new(),
            came: self.covered as u32,
            of: self.total.map(|n| n as u32),
            since: self.since,
            frame: self.frames.first().copied().unwrap_or_default(),
        }
    }

    /// Forgets what came so far.
    fn restart(&mut self, since: Timestamp) {
        let delivered = self.delivered;
        *self = Datagram { since, delivered, ..Datagram::default() };
    }

    fn take_in(&mut self, fragment: &Fragment<'_>, oldest_kept: i64, undecoded: &mut Undecoded) -> Added {
        if self.since.0 < oldest_kept {
            undecoded.add(Reason::FragmentMissing, u64::from(self.is_missed()));
            self.delivered = false;
            self.restart(fragment.time);
        }
        match self.add(fragment) {
            Added::Another => {
                undecoded.add(Reason::FragmentMissing, u64::from(self.is_missed()));
                self.delivered = false;
                self.restart(fragment.time);
                self.add(fragment)
            }
            outcome => outcome,
        }
    }

    fn add(&mut self, fragment: &Fragment<'_>) -> Added {
        let (start, length) = (fragment.place.offset, fragment.bytes.wire);
        let end = start.saturating_add(length);
        let last_end = self.pieces.last().map_or(0, |p| p.end);
        let fits = match (fragment.place.more, self.total) {
            // RFC 8200 §4.5: every fragment but the last is a multiple of eight bytes long.
            (true, total) => length.is_multiple_of(8) && total.is_none_or(|total| end <= total),
            (false, Some(total)) => end == total,
            (false, None) => end >= last_end,
        };
        if length == 0 || end > MAX_LENGTH || !fits {
            return Added::Contradicts;
        }
        if self.is_replaced_by(start, end, fragment.bytes.data) {
            return Added::Another;
        }
        if !fragment.place.more {
            self.total = Some(end);
        }
        let before = self.covered;
        if !self.fill(start, end, fragment.bytes.data) {
            return Added::TooManyPieces;
        }
        if start == 0 {
            (self.path, self.protocol) = (fragment.path, fragment.protocol);
        }
        if self.covered > before {
            self.frames.extend_from_slice(fragment.earlier);
            self.frames.push(fragment.frame);
        }
        if self.total == Some(self.covered) { Added::Complete } else { Added::Waits }
    }

    /// Whether the place `start..end` is taken as a whole by other bytes.
    fn is_replaced_by(&self, start: usize, end: usize, data: &[u8]) -> bool {
        let Ok(found) = self.pieces.binary_search_by_key(&start, |p| p.start) else { return false };
        let piece = self.pieces[found];
        let held = self.arena.get(piece.at..piece.at + piece.len).unwrap_or(&[]);
        let both = held.len().min(data.len());
        piece.end == end && held[..both] != data[..both]
    }

    /// Puts `data` where nothing is yet between `start` and `end`; false where that makes too many pieces.
    fn fill(&mut self, start: usize, end: usize, data: &[u8]) -> bool {
        let mut index = self.pieces.partition_point(|p| p.end <= start);
        let mut at = start;
        while at < end {
            let taken = self.pieces.get(index).copied();
            let gap_end = taken.map_or(end, |p| p.start.min(end));
            if at < gap_end {
                if self.pieces.len() >= MAX_PIECES {
                    return false;
                }
                let captured = data.get(at - start..).unwrap_or(&[]);
                let captured = captured.get(..gap_end - at).unwrap_or(captured);
                let piece = Piece { start: at, end: gap_end, at: self.arena.len(), len: captured.len() };
                self.arena.extend_from_slice(captured);
                self.pieces.insert(index, piece);
                self.covered += gap_end - at;
                index += 1;
            }
            index += 1;
            at = taken.map_or(end, |p| p.end);
        }
        true
    }

    /// The datagram, complete; what remains is the memory that it was delivered.
    fn assemble(&mut self, last: &Fragment<'_>) -> Whole {
        let done = std::mem::replace(self, Datagram { since: last.time, delivered: true, ..Datagram::default() });
        let in_order = done.pieces.iter().all(|p| p.at == p.start && p.len == p.end - p.start);
        let data = if in_order { done.arena } else { contiguous(&done.arena, &done.pieces) };
        let mut frames = done.frames;
        frames.retain(|&frame| frame != last.frame);
        Whole { data, wire: done.covered, frames, path: done.path, protocol: done.protocol }
    }
}

/// The bytes of `pieces` in order of place, up to the first that was not captured.
fn contiguous(arena: &[u8], pieces: &[Piece]) -> Vec<u8> {
    let mut data = Vec::with_capacity(arena.len());
    for piece in pieces {
        data.extend_from_slice(arena.get(piece.at..piece.at + piece.len).unwrap_or(&[]));
        if piece.len < piece.end - piece.start {
            break;
        }
    }
    data
}

#[cfg(test)]
mod tests;
