//! A TCP connection: its two directions, who opened it, and how it ends.

use super::direction::{Account, Direction};
use super::event::{Kind, Out, StreamEvent};
use crate::base::{Endpoint, Flow, Timestamp};
use crate::net::Segment;

/// The two endpoints of a connection, the lower one first, so that both directions have the same key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Pair {
    low: Endpoint,
    high: Endpoint,
}

/// Which of the two endpoints sent something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Low,
    High,
}

impl Side {
    pub(super) fn other(self) -> Side {
        match self {
            Side::Low => Side::High,
            Side::High => Side::Low,
        }
    }
}

impl Pair {
    /// The key of `flow`, and which side its sender is.
    #[inline]
    pub(super) fn of(flow: Flow) -> (Pair, Side) {
        if flow.src <= flow.dst {
            (Pair { low: flow.src, high: flow.dst }, Side::Low)
        } else {
            (Pair { low: flow.dst, high: flow.src }, Side::High)
        }
    }

    fn flow(&self, sender: Side) -> Flow {
        match sender {
            Side::Low => Flow { src: self.low, dst: self.high },
            Side::High => Flow { src: self.high, dst: self.low },
        }
    }
}

/// The packet at hand.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) time: Timestamp,
    pub(super) frame: u64,
}

/// The SYNs of the opener, as long as nothing answers them.
#[derive(Clone, Copy, Debug, Default)]
struct Opening {
    syns: u32,
    first: Timestamp,
    last: Timestamp,
    /// Whether something came back, or its absence was told.
    is_settled: bool,
}

/// A SYN that follows another one so closely is a captured copy: it is sent again after a second. RFC 6298 §2.1
const COPY_NS: i64 = 400_000_000;
/// Nobody answers when the SYNs have been sent for so long: the second repeat comes after three seconds. RFC 6298 §5.5
const UNANSWERED_NS: i64 = 2_500_000_000;

impl Opening {
    fn add(&mut self, time: Timestamp) {
        if self.syns == 0 {
            (self.first, self.last) = (time, time);
        }
        if self.syns == 0 || time.since(self.last) >= COPY_NS {
            self.syns += 1;
            self.last = time;
        }
    }

    fn is_unanswered(&self, now: Timestamp) -> bool {
        !self.is_settled && self.syns > 1 && now.since(self.first) >= UNANSWERED_NS
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pair: Pair,
    id: u64,
    opener: Option<Side>,
    low: Direction,
    high: Direction,
    /// Whether it is listed among those that have a hole.
    pub(super) listed: bool,
    opening: Opening,
}

impl Connection {
    pub(super) fn new(pair: Pair, id: u64, opener: Option<Side>) -> Self {
        Connection {
            pair,
            id,
            opener,
            low: Direction::default(),
            high: Direction::default(),
            listed: false,
            opening: Opening::default(),
        }
    }

    fn direction(&self, sender: Side) -> &Direction {
        match sender {
            Side::Low => &self.low,
            Side::High => &self.high,
        }
    }

    #[inline]
    fn split<'s>(
        &mut self,
        sender: Side,
        at: At,
        sink: &'s mut dyn FnMut(StreamEvent<'_>),
    ) -> (&mut Direction, Out<'s>) {
        let out = Out {
            sink,
            connection: self.id,
            flow: self.pair.flow(sender),
            from_opener: self.opener.map(|opener| opener == sender),
            time: at.time,
            frame: at.frame,
        };
        (if sender == Side::Low { &mut self.low } else { &mut self.high }, out)
    }

    /// Says that the connection was met.
    pub(super) fn opened(&mut self, sender: Side, at: At, sink: &mut dyn FnMut(StreamEvent<'_>)) {
        self.split(sender, at, sink).1.emit(Kind::Opened);
    }

    /// Whether an RST of `sender` answers the SYN of the other side, and nothing else came of it.
    pub(super) fn is_refused_by(&self, sender: Side) -> bool {
        self.opener == Some(sender.other()) && self.direction(sender).next_seq().is_none()
    }

    /// Says that `sender` refused the connection.
    pub(super) fn refused(&mut self, sender: Side, at: At, sink: &mut dyn FnMut(StreamEvent<'_>)) {
        self.opening.is_settled = true;
        self.split(sender, at, sink).1.emit(Kind::Refused);
    }

    /// Says that nobody answers the opener, where that is certain.
    fn tell_unanswered(&mut self, at: At, sink: &mut dyn FnMut(StreamEvent<'_>)) {
        if self.opening.is_unanswered(at.time)
            && let Some(opener) = self.opener
        {
            self.opening.is_settled = true;
            let Opening { syns, first, .. } = self.opening;
            self.split(opener, at, sink).1.emit(Kind::Unanswered { syns, since: first });
        }
    }

    /// Takes in the acknowledgement, the data and the FIN of a segment.
    #[inline]
    pub(super) fn accept(
        &mut self,
        (sender, at): (Side, At),
        segment: &Segment<'_>,
        limit: usize,
        account: &mut Account,
        sink: &mut dyn FnMut(StreamEvent<'_>),
    ) {
        // Who goes on got an answer, wherever that was.
        self.opening.is_settled |= !segment.syn || segment.acks;
        if segment.acks {
            let (direction, mut out) = self.split(sender.other(), at, sink);
            direction.acknowledge(segment.ack, account, &mut out);
        }
        let (direction, mut out) = self.split(sender, at, sink);
        direction.accept(segment, limit, account, &mut out);
    }

    /// Whether a SYN belongs to this connection, and not to a later one on the same ports.
    pub(super) fn owns_syn(&self, sender: Side, segment: &Segment<'_>) -> bool {
        let direction = self.direction(sender);
        match direction.isn() {
            Some(isn) => isn == segment.seq,
            None => {
                direction.could_begin_at(segment.seq) && !(segment.acks && self.is_strange_ack(sender, segment.ack))
            }
        }
    }

    /// Takes in a SYN that belongs to this connection.
    pub(super) fn begin(&mut self, sender: Side, segment: &Segment<'_>, at: At, sink: &mut dyn FnMut(StreamEvent<'_>)) {
        self.opener = Some(if segment.acks { sender.other() } else { sender });
        let (own, other) = match sender {
            Side::Low => (&mut self.low, &mut self.high),
            Side::High => (&mut self.high, &mut self.low),
        };
        own.begin(segment.seq);
        // A SYN-ACK acknowledges exactly the other's SYN (RFC 9293 §3.5), which may not have been captured.
        if segment.acks && other.isn().is_none() && other.next_seq().is_none() {
            other.begin(segment.ack.wrapping_sub(1));
        }
        if !segment.acks {
            self.opening.add(at.time);
            self.tell_unanswered(at, sink);
        }
    }

    fn is_strange_ack(&self, sender: Side, ack: u32) -> bool {
        self.direction(sender.other()).is_strange(ack)
    }

    /// Whether neither number of a segment fits: another connection has taken the ports, and its SYN was not captured.
    #[inline]
    pub(super) fn is_foreign(&self, sender: Side, segment: &Segment<'_>) -> bool {
        self.direction(sender).is_strange(segment.seq) && segment.acks && self.is_strange_ack(sender, segment.ack)
    }

    /// Whether an RST can be meant for this connection. One that answers a SYN has sequence number 0 (RFC 9293 §3.5.2).
    pub(super) fn owns_reset(&self, sender: Side, seq: u32) -> bool {
        seq == 0 || !self.direction(sender).is_strange(seq)
    }

    /// Whether bytes wait behind a hole.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.low.is_waiting() || self.high.is_waiting()
    }

    /// Whether both directions have had their last event.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.low.is_closed() && self.high.is_closed()
    }

    /// The sequence numbers after the last byte of both sides, the lower one first.
    pub(super) fn positions(&self) -> [Option<u32>; 2] {
        [self.low.next_seq(), self.high.next_seq()]
    }

    /// Gives up holes: all of them, or those that nothing speaks against giving up.
    pub(super) fn give_up_holes(
        &mut self,
        all: bool,
        at: At,
        account: &mut Account,
        sink: &mut dyn FnMut(StreamEvent<'_>),
    ) {
        for side in [Side::Low, Side::High] {
            let (direction, mut out) = self.split(side, at, sink);
            match all {
                true => direction.flush(account, &mut out),
                false => direction.give_up_old(account, &mut out),
            }
        }
    }

    /// Gives out all that is left of both directions, `first` before the other, and `kind` last.
    pub(super) fn finish(
        &mut self,
        kind: Kind<'_>,
        first: Side,
        at: At,
        account: &mut Account,
        sink: &mut dyn FnMut(StreamEvent<'_>),
    ) {
        self.tell_unanswered(at, sink);
        for side in [first, first.other()] {
            let (direction, mut out) = self.split(side, at, sink);
            direction.finish(kind, account, &mut out);
        }
    }
}
