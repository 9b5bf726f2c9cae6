//! TCP segments put in order, as a bystander sees them: with loss, disorder, overlap, retransmissions, a start in the
//! middle, and ports that are used again.
//!
//! In-order segments are handed on as they are; only what waits behind a hole is copied, within [`Limits`]. A hole is
//! given up when the receiver has acknowledged past it, when too much waits behind it, when nothing has moved for
//! [`HOLE_AGE`], and at the end of the input. The first copy of a byte wins.

mod connection;
mod direction;
mod event;
#[cfg(test)]
mod tests;

pub use event::{Kind, Limits, StreamEvent};

use super::{Reason, Segment, Undecoded};
use crate::base::{Flow, Table, Timestamp};
use connection::{At, Connection, Pair, Side};
use direction::Account;
use std::time::Duration;

/// How long a hole may stay open without anything moving, by the clock of the capture.
pub const HOLE_AGE: Duration = Duration::from_secs(5);

/// How long a connection may be silent before it is forgotten, by the clock of the capture.
pub const IDLE_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// How long late copies of segments of an ended connection are recognised, by the clock of the capture.
pub const LINGER: Duration = Duration::from_secs(60);

/// How many connections a single packet can age: one damaged time stamp must not empty the tables.
const AGED_AT_ONCE: usize = 2;

/// An ended connection, remembered so that late copies of its segments do not look like a new one.
#[derive(Clone, Copy, Debug)]
struct Ended {
    /// The sequence numbers after the last byte of both sides.
    positions: [Option<u32>; 2],
    time: Timestamp,
}

impl Ended {
    /// Whether a segment of `sender` that ends at `end` was part of the connection.
    fn covers(&self, sender: Side, end: u32, now: Timestamp) -> bool {
        let position = if sender == Side::Low { self.positions[0] } else { self.positions[1] };
        let recent = now.0 <= self.time.after(LINGER).0;
        recent && position.is_some_and(|position| position.wrapping_sub(end) < 1 << 24)
    }
}

/// TCP connections put in order.
#[derive(Debug)]
pub struct Reassembly {
    limits: Limits,
    connections: Table<Pair, Connection>,
    /// Connections with a hole, the one whose hole has not moved for longest first.
    stalled: Table<Pair, ()>,
    ended: Table<Pair, Ended>,
    met: u64,
    last: Timestamp,
    last_frame: u64,
    account: Account,
}

impl Default for Reassembly {
    fn default() -> Self {
        Reassembly::new(Limits::default())
    }
}

impl Reassembly {
    /// A reassembly that has seen nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Reassembly {
            limits,
            connections: Table::new(limits.connections),
            stalled: Table::new(limits.connections),
            ended: Table::new(limits.connections),
            met: 0,
            last: Timestamp::default(),
            last_frame: 0,
            account: Account::default(),
        }
    }

    /// What could not be decoded so far: gaps, cut segments, connections given up.
    #[must_use]
    pub fn undecoded(&self) -> &Undecoded {
        &self.account.undecoded
    }

    /// How many connections are followed.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// How many bytes wait behind holes.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.account.held
    }

    /// Takes in one segment, and hands what is in order now to `sink`. `cut` says that the snap length cut the packet:
    /// only then is `segment.wire_len` looked at.
    pub fn push(
        &mut self,
        flow: Flow,
        segment: &Segment<'_>,
        time: Timestamp,
        frame: u64,
        cut: bool,
        sink: &mut dyn FnMut(StreamEvent<'_>),
    ) {
        let at = At { time, frame };
        (self.last, self.last_frame) = (time, frame);
        self.age(at, sink);
        let (pair, sender) = Pair::of(flow);
        let wire_len = if cut { segment.wire_len } else { 0 };
        let segment = &Segment { wire_len, ..*segment };
        if segment.rst {
            return self.reset(pair, sender, segment.seq, at, sink);
        }
        if segment.syn && !self.handshake(pair, sender, segment, at, sink) {
            return;
        }
        let mut known = self.connections.touch(&pair, time.0);
        if known.as_ref().is_none_or(|connection| connection.is_foreign(sender, segment)) {
            if segment.data.is_empty() || self.is_late_copy(pair, sender, segment, time) {
                return;
            }
            self.replace(pair, sender, None, at, sink);
            known = self.connections.touch(&pair, time.0);
        }
        let Some(connection) = known else { return };
        let before = connection.listed.then(|| connection.positions());
        let limit = self.limits.bytes_per_direction;
        connection.accept((sender, at), segment, limit, &mut self.account, sink);
        if connection.is_over() {
            self.retire(pair, time);
        } else if connection.listed || connection.is_waiting() {
            let moved = before != Some(connection.positions());
            self.list(pair, moved, at, sink);
        }
    }

    /// Says that other packets were captured until `now`: what has not come by then did not come.
    pub fn pass_time(&mut self, now: Timestamp) {
        self.last = self.last.max(now);
    }

    /// Says that no segment follows: gives out what waits, and ends every connection.
    pub fn finish(&mut self, sink: &mut dyn FnMut(StreamEvent<'_>)) {
        let at = At { time: self.last, frame: self.last_frame };
        while let Some((_, mut connection)) = self.connections.pop_oldest() {
            connection.finish(Kind::Evicted, Side::Low, at, &mut self.account, sink);
        }
        self.stalled = Table::new(self.limits.connections);
        self.ended = Table::new(self.limits.connections);
    }

    /// Takes in a SYN. False where it is a late copy, of no use.
    fn handshake(
        &mut self,
        pair: Pair,
        sender: Side,
        segment: &Segment<'_>,
        at: At,
        sink: &mut dyn FnMut(StreamEvent<'_>),
    ) -> bool {
        let known = self.connections.get(&pair);
        if known.is_none_or(|connection| !connection.owns_syn(sender, segment)) {
            if known.is_none() && self.is_late_copy(pair, sender, segment, at.time) {
                return false;
            }
            let opener = if segment.acks { sender.other() } else { sender };
            self.replace(pair, sender, Some(opener), at, sink);
        }
        if let Some(connection) = self.connections.touch(&pair, at.time.0) {
            connection.begin(sender, segment, at, sink);
        }
        true
    }

    fn is_late_copy(&self, pair: Pair, sender: Side, segment: &Segment<'_>, now: Timestamp) -> bool {
        let length = segment.data.len() as u32;
        let end = segment.seq.wrapping_add(length).wrapping_add(u32::from(segment.syn));
        self.ended.get(&pair).is_some_and(|ended| ended.covers(sender, end, now))
    }

    /// Opens a connection on `pair`, in the place of one that may be there.
    fn replace(
        &mut self,
        pair: Pair,
        sender: Side,
        opener: Option<Side>,
        at: At,
        sink: &mut dyn FnMut(StreamEvent<'_>),
    ) {
        if let Some(mut old) = self.connections.remove(&pair) {
            self.stalled.remove(&pair);
            old.finish(Kind::Evicted, sender, at, &mut self.account, sink);
        }
        self.ended.remove(&pair);
        let id = self.met;
        self.met += 1;
        let make = || Connection::new(pair, id, opener);
        let (connection, gone) = self.connections.touch_or_insert(&pair, at.time.0, make);
        connection.opened(sender, at, sink);
        if let Some((gone_pair, mut gone)) = gone {
            self.stalled.remove(&gone_pair);
            self.account.undecoded.count(Reason::ConnectionsEvicted);
            gone.finish(Kind::Evicted, Side::Low, at, &mut self.account, sink);
        }
    }

    fn reset(&mut self, pair: Pair, sender: Side, seq: u32, at: At, sink: &mut dyn FnMut(StreamEvent<'_>)) {
        let Some(connection) = self.connections.touch(&pair, at.time.0) else { return };
        if connection.owns_reset(sender, seq) {
            if connection.is_refused_by(sender) {
                connection.refused(sender, at, sink);
            }
            connection.finish(Kind::Closed { reset: true }, sender, at, &mut self.account, sink);
            self.retire(pair, at.time);
        }
    }

    /// Forgets a connection that is over, but for what recognises late copies.
    fn retire(&mut self, pair: Pair, now: Timestamp) {
        self.stalled.remove(&pair);
        if let Some(connection) = self.connections.remove(&pair) {
            let ended = Ended { positions: connection.positions(), time: now };
            *self.ended.touch_or_insert(&pair, now.0, || ended).0 = ended;
        }
    }

    /// Keeps the list of connections with holes, and the bound of what all of them hold.
    fn list(&mut self, pair: Pair, moved: bool, at: At, sink: &mut dyn FnMut(StreamEvent<'_>)) {
        let Some(connection) = self.connections.touch(&pair, at.time.0) else { return };
        match (connection.listed, connection.is_waiting()) {
            (true, false) => {
                connection.listed = false;
                self.stalled.remove(&pair);
            }
            (listed, true) if !listed || moved => {
                connection.listed = true;
                self.stalled.touch_or_insert(&pair, at.time.0, || ());
            }
            _ => {}
        }
        while self.account.held > self.limits.bytes_total {
            let Some((oldest, ())) = self.stalled.pop_oldest() else { return };
            self.account.undecoded.count(Reason::StreamBufferFull);
            self.give_up_holes(oldest, true, at, sink);
        }
    }

    /// Gives up the holes of a connection that has just been taken off the list.
    fn give_up_holes(&mut self, pair: Pair, all: bool, at: At, sink: &mut dyn FnMut(StreamEvent<'_>)) {
        let Some(connection) = self.connections.touch(&pair, at.time.0) else { return };
        connection.give_up_holes(all, at, &mut self.account, sink);
        connection.listed = connection.is_waiting();
        if connection.is_over() {
            self.retire(pair, at.time);
        } else if connection.listed {
            self.stalled.touch_or_insert(&pair, at.time.0, || ());
        }
    }

    #[inline]
    fn age(&mut self, at: At, sink: &mut dyn FnMut(StreamEvent<'_>)) {
        let before = |age: Duration| at.time.0.saturating_sub(i64::try_from(age.as_nanos()).unwrap_or(i64::MAX));
        for _ in 0..AGED_AT_ONCE {
            let Some((pair, ())) = self.stalled.pop_before(before(HOLE_AGE)) else { break };
            self.give_up_holes(pair, false, at, sink);
        }
        for _ in 0..AGED_AT_ONCE {
            let Some((pair, mut connection)) = self.connections.pop_before(before(IDLE_AGE)) else { break };
            self.stalled.remove(&pair);
            connection.finish(Kind::Evicted, Side::Low, at, &mut self.account, sink);
        }
    }
}
