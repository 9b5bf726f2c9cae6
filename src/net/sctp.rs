//! SCTP DATA and I-DATA chunks put together to user messages.

use std::collections::VecDeque;

use super::layer::{Bytes, Path, Stop};
use super::{Reason, Undecoded};
use crate::base::{Flow, Table, Timestamp};

/// Directions of associations that are remembered, at most.
const MAX_DIRECTIONS: usize = 4096;
/// Unfinished stretches of one direction, at most.
const MAX_RUNS: usize = 64;
/// Bytes of one user message, at most.
const MAX_MESSAGE: usize = 1 << 20;
/// Bytes of chunks that wait, at most.
const MAX_BYTES: usize = 16 << 20;
/// How long a direction is remembered without a packet, in nanoseconds of capture time.
const PATIENCE: i64 = 300_000_000_000;

/// Chunk type DATA, RFC 9260 §3.3.1.
const DATA: u8 = 0;
/// Chunk type I-DATA, RFC 8260 §2.1.
const I_DATA: u8 = 64;

/// One direction of an association.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Key {
    flow: Flow,
    verification_tag: u32,
    source: u16,
}

/// Where a packet of an association came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    /// What the IP header said.
    pub path: &'a Path,
    /// When.
    pub time: Timestamp,
    /// Source of the decode run.
    pub source: u16,
    /// Frame number.
    pub frame: u64,
    /// Frames of the IP fragments that it was put together from.
    pub earlier: &'a [u64],
}

/// A user message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    /// Addresses and ports.
    pub flow: Flow,
    /// Its bytes.
    pub data: &'a [u8],
    /// Whether bytes at its end were not captured.
    pub cut: bool,
    /// Frames that it began in, the one that completed it left out.
    pub frames: &'a [u64],
}

/// The associations seen so far.
#[derive(Debug)]
pub(super) struct Associations {
    directions: Table<Key, Direction>,
    held: usize,
}

#[derive(Debug, Default)]
struct Direction {
    seen: Window,
    /// Stretches of consecutive fragments, oldest first.
    runs: Vec<Run>,
}

/// Consecutive fragments of one user message.
#[derive(Debug)]
struct Run {
    /// With I-DATA: stream, message identifier and whether it is unordered. DATA is told apart by its TSN alone.
    lane: Option<(u16, u32, bool)>,
    /// Number of the first fragment and the number after the last one.
    first: u32,
    next: u32,
    begins: bool,
    ends: bool,
    parts: VecDeque<(Box<[u8]>, bool)>,
    bytes: usize,
    frames: Vec<u64>,
}

/// The transmission sequence numbers that were seen of late: a retransmitted chunk is no second message.
#[derive(Debug, Default)]
struct Window {
    highest: Option<u32>,
    bits: u128,
}

/// One DATA or I-DATA chunk.
struct Chunk<'a> {
    tsn: u32,
    /// Place among the fragments of its message: the TSN, or the fragment sequence number.
    number: u32,
    lane: Option<(u16, u32, bool)>,
    begins: bool,
    ends: bool,
    data: Bytes<'a>,
}

impl Default for Associations {
    fn default() -> Self {
        Associations { directions: Table::new(MAX_DIRECTIONS), held: 0 }
    }
}

impl Associations {
    /// Reads a packet and hands every user message that is whole with it to `sink`.
    pub(super) fn decode(
        &mut self,
        arrival: &Arrival<'_>,
        bytes: Bytes<'_>,
        undecoded: &mut Undecoded,
        sink: &mut dyn FnMut(Message<'_>),
    ) -> Result<(), Stop> {
        let flow = arrival.path.with_ports(bytes.u16(0)?, bytes.u16(2)?);
        let key = Key { flow, verification_tag: bytes.u32(4)?, source: arrival.source };
        let mut rest = bytes.skip(12)?;
        while let Some((kind, flags, chunk)) = next_chunk(&mut rest)? {
            if kind != DATA && kind != I_DATA {
                continue;
            }
            let chunk = read_chunk(kind, flags, chunk)?;
            self.take_in(&key, arrival, &chunk, undecoded, sink);
        }
        Ok(())
    }

    /// Says that no packet follows: what still waits is counted as incomplete.
    pub(super) fn finish(&mut self, undecoded: &mut Undecoded) {
        while let Some((_, gone)) = self.directions.pop_oldest() {
            self.lost(&gone, undecoded);
        }
    }

    fn take_in(
        &mut self,
        key: &Key,
        arrival: &Arrival<'_>,
        chunk: &Chunk<'_>,
        undecoded: &mut Undecoded,
        sink: &mut dyn FnMut(Message<'_>),
    ) {
        let now = arrival.time.0;
        while let Some((_, gone)) = self.directions.pop_before(now.saturating_sub(PATIENCE)) {
            self.lost(&gone, undecoded);
        }
        let (direction, gone) = self.directions.touch_or_insert(key, now, Direction::default);
        if !direction.seen.admit(chunk.tsn) {
            return;
        }
        if chunk.begins && chunk.ends {
            let (data, cut) = (chunk.data.data, chunk.data.is_cut());
            sink(Message { flow: key.flow, data, cut, frames: arrival.earlier });
        } else {
            let before = direction.bytes();
            let whole = direction.add(chunk, arrival, undecoded);
            self.held = (self.held + direction.bytes()).saturating_sub(before);
            if let Some(run) = whole {
                let (data, cut) = run.assemble();
                let mut frames: Vec<u64> = run.frames.iter().copied().filter(|&f| f != arrival.frame).collect();
                frames.sort_unstable();
                sink(Message { flow: key.flow, data: &data, cut, frames: &frames });
            }
        }
        if let Some((_, gone)) = gone {
            self.lost(&gone, undecoded);
        }
        while self.held > MAX_BYTES {
            let Some((_, gone)) = self.directions.pop_oldest() else { break };
            self.lost(&gone, undecoded);
        }
    }

    fn lost(&mut self, gone: &Direction, undecoded: &mut Undecoded) {
        self.held = self.held.saturating_sub(gone.bytes());
        undecoded.add(Reason::SctpIncomplete, gone.runs.len() as u64);
    }

    /// Bytes that wait.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        debug_assert_eq!(self.held, self.directions.iter().map(|(_, d)| d.bytes()).sum::<usize>());
        self.held
    }
}

/// The next chunk: type, flags and value. RFC 9260 §3.2: the length counts the four bytes before the value, not the padding.
fn next_chunk<'a>(rest: &mut Bytes<'a>) -> Result<Option<(u8, u8, Bytes<'a>)>, Stop> {
    let Some(&kind) = rest.data.first() else {
        return if rest.is_cut() { Err(Stop::Short) } else { Ok(None) };
    };
    let flags = rest.u8(1)?;
    let length = usize::from(rest.u16(2)?);
    if length < 4 || length > rest.wire {
        return Err(Stop::Malformed);
    }
    let value = rest.skip(4)?.limit(length - 4);
    // The padding of the last chunk may be missing.
    let padded = length.next_multiple_of(4).min(rest.wire);
    *rest = rest.skip(padded).unwrap_or(Bytes::new(&[], rest.wire - padded));
    Ok(Some((kind, flags, value)))
}

fn read_chunk(kind: u8, flags: u8, value: Bytes<'_>) -> Result<Chunk<'_>, Stop> {
    let (begins, ends, unordered) = (flags & 2 != 0, flags & 1 != 0, flags & 4 != 0);
    let tsn = value.u32(0)?;
    if kind == DATA {
        return Ok(Chunk { tsn, number: tsn, lane: None, begins, ends, data: value.skip(12)? });
    }
    let lane = Some((value.u16(4)?, value.u32(8)?, unordered));
    // The first fragment has the payload protocol identifier where the others have their number.
    let number = if begins { 0 } else { value.u32(12)? };
    Ok(Chunk { tsn, number, lane, begins, ends, data: value.skip(16)? })
}

impl Direction {
    fn bytes(&self) -> usize {
        self.runs.iter().map(|run| run.bytes).sum()
    }

    /// Takes in a fragment of a message, and gives the message that it completes.
    fn add(&mut self, chunk: &Chunk<'_>, arrival: &Arrival<'_>, undecoded: &mut Undecoded) -> Option<Run> {
        let number = chunk.number;
        let before =
            self.runs.iter().position(|r| r.lane == chunk.lane && r.next == number && !r.ends && !chunk.begins);
        let after = self
            .runs
            .iter()
            .position(|r| r.lane == chunk.lane && r.first == number.wrapping_add(1) && !r.begins && !chunk.ends);
        let part = (Box::from(chunk.data.data), chunk.data.is_cut());
        let index = match (before, after) {
            (Some(index), _) => {
                self.runs[index].push_back(part, chunk.ends);
                index
            }
            (None, Some(index)) => {
                self.runs[index].push_front(part, chunk.begins);
                index
            }
            (None, None) => {
                if self.runs.len() >= MAX_RUNS {
                    self.runs.remove(0);
                    undecoded.count(Reason::SctpIncomplete);
                }
                self.runs.push(Run::new(chunk, part));
                self.runs.len() - 1
            }
        };
        let run = &mut self.runs[index];
        run.frames.extend_from_slice(arrival.earlier);
        if run.frames.last() != Some(&arrival.frame) {
            run.frames.push(arrival.frame);
        }
        let mut index = index;
        if let (Some(_), Some(after)) = (before, after) {
            let tail = self.runs.remove(after);
            index -= usize::from(after < index);
            self.runs[index].join(tail);
        }
        let run = &self.runs[index];
        if run.bytes > MAX_MESSAGE {
            self.runs.remove(index);
            undecoded.count(Reason::SctpIncomplete);
            return None;
        }
        (run.begins && run.ends).then(|| self.runs.remove(index))
    }
}

impl Run {
    fn new(chunk: &Chunk<'_>, part: (Box<[u8]>, bool)) -> Run {
        Run {
            lane: chunk.lane,
            first: chunk.number,
            next: chunk.number.wrapping_add(1),
            begins: chunk.begins,
            ends: chunk.ends,
            bytes: part.0.len() + PART_OVERHEAD,
            parts: VecDeque::from([part]),
            frames: Vec::new(),
        }
    }

    fn push_back(&mut self, part: (Box<[u8]>, bool), ends: bool) {
        self.bytes += part.0.len() + PART_OVERHEAD;
        self.next = self.next.wrapping_add(1);
        self.ends = ends;
        self.parts.push_back(part);
    }

    fn push_front(&mut self, part: (Box<[u8]>, bool), begins: bool) {
        self.bytes += part.0.len() + PART_OVERHEAD;
        self.first = self.first.wrapping_sub(1);
        self.begins = begins;
        self.parts.push_front(part);
    }

    fn join(&mut self, mut tail: Run) {
        self.bytes += tail.bytes;
        self.next = tail.next;
        self.ends = tail.ends;
        // The shorter stretch moves to the longer one, whichever order a sender makes up.
        if tail.parts.len() <= self.parts.len() {
            self.parts.extend(tail.parts);
        } else {
            for part in self.parts.drain(..).rev() {
                tail.parts.push_front(part);
            }
            self.parts = tail.parts;
        }
        if tail.frames.len() > self.frames.len() {
            std::mem::swap(&mut self.frames, &mut tail.frames);
        }
        self.frames.extend(tail.frames);
    }

    /// The message, up to the first bytes that were not captured.
    fn assemble(&self) -> (Vec<u8>, bool) {
        let mut data = Vec::with_capacity(self.bytes);
        for (part, cut) in &self.parts {
            data.extend_from_slice(part);
            if *cut {
                return (data, true);
            }
        }
        (data, false)
    }
}

/// What a fragment costs beside its bytes, so that fragments of nothing count too.
const PART_OVERHEAD: usize = 64;

impl Window {
    /// Whether `tsn` was not seen before, as far as is remembered.
    fn admit(&mut self, tsn: u32) -> bool {
        let Some(highest) = self.highest else {
            (self.highest, self.bits) = (Some(tsn), 1);
            return true;
        };
        let ahead = tsn.wrapping_sub(highest);
        if ahead != 0 && ahead < 1 << 31 {
            self.bits = self.bits.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = Some(tsn);
            return true;
        }
        let Some(bit) = 1u128.checked_shl(highest.wrapping_sub(tsn)) else { return true };
        let fresh = self.bits & bit == 0;
        self.bits |= bit;
        fresh
    }
}

#[cfg(test)]
mod tests;
