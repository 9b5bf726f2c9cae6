//! One direction of a TCP connection: where its next byte is, and what waits behind a hole.
//!
//! Sequence numbers are unwrapped to 64-bit positions as they come in, so that everything after compares plainly.

use super::event::{Kind, Out};
use crate::base::Timestamp;
use crate::net::{Reason, Segment, Undecoded};
use std::collections::VecDeque;

/// How far from the next byte a sequence number is believed without further evidence, in bytes. Larger than any
/// window in use, far smaller than the distance at which two unrelated numbers lie as a rule.
const WINDOW: u64 = 1 << 24;

/// How far the first segment may lie behind the number that the receiver acknowledged, to begin there, in bytes.
const START_SLACK: u32 = 1 << 16;

/// The longest segment that is believed, in bytes (offloading hands whole bursts to the capture).
const MAX_SEGMENT: usize = 1 << 20;

/// How many segments may wait in one direction.
const MAX_WAITING: usize = 512;

/// How long after an acknowledgement the acknowledged bytes may still turn up, in nanoseconds: captures of several
/// queues or devices show an ACK before its data, some by a good part of a second.
const ACK_GRACE: i64 = 500_000_000;

/// How many segments behind a hole, with the hole acknowledged, show that it will not be filled, whatever the clock.
const ACK_SEGMENTS: usize = 8;

/// The position that stands for sequence number 0 at the start, so that positions before it exist.
const BASE: u64 = 1 << 40;

/// Waiting bytes and losses, summed over all connections.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Bytes that wait behind holes.
    pub(super) held: usize,
    /// What was lost and why.
    pub(super) undecoded: Undecoded,
}

/// A segment, or the part of one that no other covers, that waits behind a hole.
#[derive(Debug)]
struct Held {
    start: u64,
    data: Vec<u8>,
    /// Bytes after `data` that the snap length cut.
    missing: u64,
    time: Timestamp,
    frame: u64,
}

impl Held {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.data.len() as u64).saturating_add(self.missing)
    }
}

/// The part of a segment that has not been dealt with yet.
struct Piece<'a> {
    start: u64,
    end: u64,
    data: &'a [u8],
}

impl<'a> Piece<'a> {
    /// Drops what lies before `next`.
    fn trim(&mut self, next: u64) {
        if self.start < next {
            self.data = self.data.get((next - self.start) as usize..).unwrap_or(&[]);
            self.start = next;
        }
    }

    /// The captured bytes in `from..to`, and how many of that range were cut.
    fn part(&self, from: u64, to: u64) -> (&'a [u8], u64) {
        let begin = from.saturating_sub(self.start).min(self.data.len() as u64) as usize;
        let end = to.saturating_sub(self.start).min(self.data.len() as u64) as usize;
        let data = self.data.get(begin..end).unwrap_or(&[]);
        (data, to.saturating_sub(from).saturating_sub(data.len() as u64))
    }
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Direction {
    /// Position of the next byte; 0 while no sequence number of this direction has been seen.
    next: u64,
    /// Position up to which the receiver has acknowledged; 0 for none.
    acked: u64,
    /// When `acked` went past `next`.
    passed_at: Timestamp,
    /// Position of the FIN.
    fin: Option<u64>,
    /// Initial sequence number, where the handshake showed it.
    isn: Option<u32>,
    /// What the receiver acknowledged before this direction showed a number of its own.
    ack_hint: Option<u32>,
    /// Where the last segment that fits nowhere ended.
    stray: Option<u32>,
    /// Whether the last event of this direction has been given out.
    closed: bool,
    waiting: VecDeque<Held>,
    waiting_bytes: usize,
}

impl Direction {
    /// Initial sequence number, where the handshake showed it.
    pub(super) fn isn(&self) -> Option<u32> {
        self.isn
    }

    /// Whether its last event has been given out.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether bytes wait behind a hole.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The sequence number of the next byte, if any number has been seen.
    pub(super) fn next_seq(&self) -> Option<u32> {
        (self.next != 0).then_some(self.next as u32)
    }

    /// Begins after the initial sequence number `isn`, unless this direction has begun already.
    pub(super) fn begin(&mut self, isn: u32) {
        self.isn = Some(isn);
        if self.next == 0 {
            self.next = BASE + u64::from(isn.wrapping_add(1));
        }
    }

    /// Whether `isn` can be the late handshake of this direction, which began without one.
    pub(super) fn could_begin_at(&self, isn: u32) -> bool {
        self.isn.is_none() && self.next_seq().is_none_or(|next| next.wrapping_sub(isn.wrapping_add(1)) <= START_SLACK)
    }

    /// Distance of `seq` from the next byte; `None` before the first.
    pub(super) fn distance(&self, seq: u32) -> Option<i32> {
        self.next_seq().map(|next| seq.wrapping_sub(next).cast_signed())
    }

    /// Whether `seq` lies so far from the next byte that it hardly belongs to this connection.
    pub(super) fn is_strange(&self, seq: u32) -> bool {
        self.distance(seq).is_some_and(|d| u64::from(d.unsigned_abs()) > WINDOW)
    }

    fn position(&self, seq: u32) -> u64 {
        self.next.saturating_add_signed(i64::from(seq.wrapping_sub(self.next as u32).cast_signed()))
    }

    /// Takes in that the receiver acknowledges everything before `ack`.
    #[inline]
    pub(super) fn acknowledge(&mut self, ack: u32, account: &mut Account, out: &mut Out<'_>) {
        if self.closed {
            return;
        }
        if self.next == 0 {
            self.ack_hint = Some(ack);
            return;
        }
        let position = self.position(ack);
        if position > self.acked && position <= self.next.saturating_add(WINDOW) {
            if self.acked <= self.next {
                self.passed_at = out.time;
            }
            self.acked = position;
        }
        if !self.waiting.is_empty() {
            while self.skip_acknowledged(u64::MAX, account, out) {
                self.drain(account, out);
            }
            self.close_at_fin(account, out);
        }
    }

    /// Takes in the data and the FIN of a segment. `limit` is how many bytes may wait.
    #[inline]
    pub(super) fn accept(&mut self, segment: &Segment<'_>, limit: usize, account: &mut Account, out: &mut Out<'_>) {
        let length = segment.data.len().max(segment.wire_len as usize).min(MAX_SEGMENT.max(segment.data.len())) as u64;
        if self.closed || (length == 0 && !segment.fin) {
            return;
        }
        let seq = segment.seq.wrapping_add(u32::from(segment.syn));
        if self.next == 0 && !self.start(seq, length) {
            return;
        }
        if self.is_strange(seq) && !self.follow_stray(seq, length, account, out) {
            return;
        }
        self.stray = None;
        let start = self.position(seq);
        let end = start.saturating_add(length);
        if length > 0 {
            if start == self.next && self.waiting.is_empty() && self.fin.is_none() {
                self.next = end;
                out.emit(Kind::Data(segment.data));
                self.count_cut(length.saturating_sub(segment.data.len() as u64), account, out);
            } else {
                self.place(Piece { start, end, data: segment.data }, limit, account, out);
            }
        }
        if segment.fin && end >= self.next {
            self.fin.get_or_insert(end);
        }
        self.close_at_fin(account, out);
    }

    /// Lets the first segment say where the direction starts. False for a keep-alive probe, which repeats a byte.
    fn start(&mut self, seq: u32, length: u64) -> bool {
        let mut first = seq;
        if let Some(acked) = self.ack_hint {
            // RFC 9293 §3.8.4
            if length == 1 && seq.wrapping_add(1) == acked {
                self.next = BASE + u64::from(acked);
                return false;
            }
            if seq.wrapping_sub(acked) <= START_SLACK {
                first = acked;
            }
        }
        self.next = BASE + u64::from(first);
        true
    }

    /// Decides over a segment that fits nowhere: the second of two that follow each other is believed, a single one is
    /// taken for damaged.
    fn follow_stray(&mut self, seq: u32, length: u64, account: &mut Account, out: &mut Out<'_>) -> bool {
        let follows = self.fin.is_none() && self.stray.is_some_and(|stray| seq.wrapping_sub(stray) <= START_SLACK);
        if follows {
            self.flush(account, out);
            let bytes = u64::try_from(self.distance(seq).unwrap_or(0)).unwrap_or(0);
            out.emit(Kind::Gap { bytes });
            self.next = BASE + u64::from(seq);
            self.acked = 0;
        } else {
            self.stray = Some(seq.wrapping_add(length as u32));
        }
        account.undecoded.count(Reason::TcpGap);
        follows
    }

    /// Delivers what is next of a segment and keeps what lies behind a hole. The first copy of a byte wins.
    fn place(&mut self, mut piece: Piece<'_>, limit: usize, account: &mut Account, out: &mut Out<'_>) {
        if let Some(fin) = self.fin {
            piece.end = piece.end.min(fin);
        }
        loop {
            self.drain(account, out);
            piece.trim(self.next);
            if piece.start >= piece.end {
                return;
            }
            if piece.start == self.next {
                let stop = self.waiting.front().map_or(piece.end, |held| held.start.min(piece.end));
                let (data, missing) = piece.part(self.next, stop);
                self.next = stop;
                if !data.is_empty() {
                    out.emit(Kind::Data(data));
                }
                self.count_cut(missing, account, out);
            } else if !self.skip_acknowledged(piece.start, account, out) {
                let bytes = self.waiting_bytes.saturating_add(piece.data.len());
                if bytes <= limit && self.waiting.len() < MAX_WAITING {
                    self.hold(&piece, account, out);
                    return;
                }
                let hole_end = self.waiting.front().map_or(piece.start, |held| held.start.min(piece.start));
                self.skip_to(hole_end, Reason::StreamBufferFull, account, out);
            }
        }
    }

    /// Keeps the parts of `piece` that nothing waiting covers.
    fn hold(&mut self, piece: &Piece<'_>, account: &mut Account, out: &Out<'_>) {
        let mut at = piece.start;
        let mut index = self.waiting.partition_point(|held| held.end() <= at);
        while at < piece.end {
            let stop = match self.waiting.get(index) {
                Some(held) if held.start <= at => {
                    at = held.end();
                    index += 1;
                    continue;
                }
                Some(held) => held.start.min(piece.end),
                None => piece.end,
            };
            let (data, missing) = piece.part(at, stop);
            account.held += data.len();
            self.waiting_bytes += data.len();
            let held = Held { start: at, data: data.to_vec(), missing, time: out.time, frame: out.frame };
            self.waiting.insert(index, held);
            at = stop;
            index += 1;
        }
    }

    /// Delivers everything that waits and is next.
    fn drain(&mut self, account: &mut Account, out: &mut Out<'_>) {
        while self.waiting.front().is_some_and(|held| held.start <= self.next) {
            let Some(held) = self.waiting.pop_front() else { return };
            account.held = account.held.saturating_sub(held.data.len());
            self.waiting_bytes = self.waiting_bytes.saturating_sub(held.data.len());
            self.next = self.next.max(held.end());
            if !held.data.is_empty() {
                out.emit_at(held.time, held.frame, Kind::Data(&held.data));
            }
            self.count_cut(held.missing, account, out);
        }
        if self.waiting.is_empty() && self.waiting.capacity() > 0 {
            self.waiting = VecDeque::new();
        }
    }

    /// Passes over bytes that the receiver has but the capture has not, up to `limit`. True where it did.
    fn skip_acknowledged(&mut self, limit: u64, account: &mut Account, out: &mut Out<'_>) -> bool {
        let certain = out.time.since(self.passed_at) >= ACK_GRACE || self.waiting.len() >= ACK_SEGMENTS;
        let hole_end = self.waiting.front().map_or(limit, |held| held.start.min(limit));
        let target = self.acked.min(hole_end);
        certain && target > self.next && self.skip_to(target, Reason::TcpGap, account, out)
    }

    fn skip_to(&mut self, target: u64, reason: Reason, account: &mut Account, out: &mut Out<'_>) -> bool {
        let bytes = target.saturating_sub(self.next);
        if bytes == 0 {
            return false;
        }
        self.next = target;
        account.undecoded.count(reason);
        out.emit(Kind::Gap { bytes });
        true
    }

    #[inline]
    fn count_cut(&mut self, missing: u64, account: &mut Account, out: &mut Out<'_>) {
        if missing > 0 {
            account.undecoded.count(Reason::CutBySnapLength);
            out.emit(Kind::Gap { bytes: missing });
        }
    }

    #[inline]
    fn close_at_fin(&mut self, account: &mut Account, out: &mut Out<'_>) {
        if !self.closed && self.fin.is_some_and(|fin| self.next >= fin) {
            self.end(Kind::Closed { reset: false }, account, out);
        }
    }

    /// Gives up a hole that has been open for long. Not where the receiver is seen to miss these bytes too: then they
    /// are sent again, or what waits behind the hole is not part of the stream.
    pub(super) fn give_up_old(&mut self, account: &mut Account, out: &mut Out<'_>) {
        if self.acked == 0 || self.acked > self.next {
            self.flush(account, out);
        }
    }

    /// Gives out everything that waits, with the holes before it as gaps.
    pub(super) fn flush(&mut self, account: &mut Account, out: &mut Out<'_>) {
        while let Some(start) = self.waiting.front().map(|held| held.start) {
            self.skip_to(start, Reason::TcpGap, account, out);
            self.drain(account, out);
        }
        self.close_at_fin(account, out);
    }

    /// Gives out everything that is left, and `kind` as the last event.
    pub(super) fn finish(&mut self, kind: Kind<'_>, account: &mut Account, out: &mut Out<'_>) {
        if self.closed {
            return;
        }
        self.flush(account, out);
        // An acknowledged FIN takes a number of its own, so one number alone shows no lost byte.
        let seen_by_receiver = self.fin.unwrap_or(self.acked.saturating_sub(1));
        if self.next != 0 && !self.closed {
            self.skip_to(seen_by_receiver, Reason::TcpGap, account, out);
            self.close_at_fin(account, out);
        }
        self.end(kind, account, out);
    }

    fn end(&mut self, kind: Kind<'_>, account: &mut Account, out: &mut Out<'_>) {
        if !self.closed {
            self.closed = true;
            // What claims to lie behind the FIN was never part of the stream.
            account.held = account.held.saturating_sub(std::mem::take(&mut self.waiting_bytes));
            self.waiting = VecDeque::new();
            out.emit(kind);
        }
    }
}
