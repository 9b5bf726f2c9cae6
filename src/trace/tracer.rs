//! Messages to conversations: the half of the trace that remembers.

use super::batch::{Batch, Event, IcmpSeen, Observed};
use super::conversation::{Conversation, Kind, Unreachable};
use super::facts::Facts;
use super::shelf::{Place, Shelf};
use super::stream::{MediaStream, Streams};
use super::{keys, path, take_in};
use crate::base::Timestamp;
use crate::sip::{Method, Outline};

/// How much a tracer may hold, and what it is to keep.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open calls, registrations and exchanges.
    pub conversations: usize,
    /// Messages of one conversation; a longer one is handed over in parts.
    pub messages: usize,
    /// Media streams.
    pub streams: usize,
    /// Media endpoints that SDP announced.
    pub endpoints: usize,
    /// Registrations that only wait for their next refresh.
    pub idle_registrations: usize,
    /// Whether whole messages are kept.
    pub keep_raw: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            conversations: 65_536,
            messages: 8_192,
            streams: 32_768,
            endpoints: 262_144,
            idle_registrations: 4_096,
            keep_raw: false,
        }
    }
}

/// Takes what the tracer found, each as soon as it is complete.
pub trait Sink {
    /// A message was seen: the one at `position` of `conversation`, which is not complete yet.
    fn message(&mut self, conversation: &Conversation, position: u32, observed: &Observed<'_>);
    /// Nothing more is expected of a conversation. `streams` are those of a call.
    fn conversation(&mut self, conversation: &Conversation, streams: &[MediaStream]);
    /// A media stream that belongs to no call.
    fn orphan(&mut self, stream: MediaStream);
    /// Whether nobody listens any more: then the run can stop.
    fn is_closed(&self) -> bool {
        false
    }
}

/// What had to go because a table was full.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct LetGo {
    /// Conversations handed over before they were complete.
    pub conversations: u64,
    /// Media streams likewise.
    pub streams: u64,
    /// Announced media endpoints that were forgotten.
    pub endpoints: u64,
}

/// Puts messages together to conversations and media packets to streams.
#[derive(Debug)]
pub struct Tracer {
    limits: Limits,
    shelf: Shelf,
    streams: Streams,
    next_index: u64,
    next_ids: [u64; 3],
    now: Timestamp,
    looked_at: Timestamp,
    idle: std::collections::VecDeque<u64>,
    let_go: LetGo,
    /// The sum of what was looked at ahead of time: it means nothing, but keeps the look from being left out.
    warm: u64,
    /// Conversations that were handed over: their memory serves the next ones.
    spare: Vec<Conversation>,
}

/// Conversations whose memory is kept for the next.
const SPARE_CAP: usize = 256;

impl Tracer {
    /// A tracer that has seen nothing.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Tracer {
            limits,
            shelf: Shelf::new(limits.conversations),
            streams: Streams::new(limits.streams, limits.endpoints),
            next_index: 0,
            next_ids: [0; 3],
            now: Timestamp(i64::MIN),
            looked_at: Timestamp(i64::MIN),
            idle: std::collections::VecDeque::new(),
            let_go: LetGo::default(),
            warm: 0,
            spare: Vec::new(),
        }
    }

    /// Takes in a batch and hands over what is complete by its end.
    pub fn take(&mut self, batch: &Batch, sink: &mut impl Sink) {
        // The open calls are spread over more memory than the processor keeps near. Looking all of them up first lets it
        // fetch many at a time; one by one it would wait for each.
        self.warm = batch.call_keys().map(|key| self.shelf.warm(key)).fold(self.warm, u64::wrapping_add);
        for event in batch.events() {
            match event {
                Event::Message(observed) => self.message(&observed, sink),
                Event::Rtp(seen) => {
                    self.pass_time(seen.sight.time, sink);
                    self.streams.rtp(&seen, &self.shelf, &mut |stream| sink.orphan(stream));
                }
                Event::Rtcp(sight, bytes) => {
                    self.pass_time(sight.time, sink);
                    self.streams.rtcp(&sight, bytes);
                }
                Event::Icmp(seen, bytes) => self.unreachable(&seen, bytes),
            }
        }
        if !batch.is_empty() || batch.packets > 0 {
            self.pass_time(batch.last_time, sink);
        }
    }

    /// Hands over everything that is still open: the input is at its end.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        let mut rest: Vec<Conversation> = std::iter::from_fn(|| self.shelf.pop_first()).collect();
        rest.sort_unstable_by_key(|c| (c.kind, c.id));
        for conversation in rest {
            self.hand_over(conversation, sink);
        }
        self.streams.finish(&mut |stream| sink.orphan(stream));
    }

    /// What had to go so far because a table was full.
    #[must_use]
    pub fn let_go(&self) -> LetGo {
        LetGo { streams: self.streams.let_go(), endpoints: self.streams.endpoints_let_go(), ..self.let_go }
    }

    /// The latest instant that was seen.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Looks, at most once a second of the input's time, for what is complete.
    fn pass_time(&mut self, time: Timestamp, sink: &mut impl Sink) {
        if time <= self.now {
            return;
        }
        self.now = time;
        if time.since(self.looked_at) < 1_000_000_000 {
            return;
        }
        self.looked_at = time;
        while let Some(conversation) = self.shelf.pop_due(time, path::open_until) {
            self.hand_over(conversation, sink);
        }
        self.streams.age(time, &mut |stream| sink.orphan(stream));
    }

    fn hand_over(&mut self, conversation: Conversation, sink: &mut impl Sink) {
        let streams = if conversation.kind == Kind::Call { self.streams.of_call(&conversation) } else { Vec::new() };
        sink.conversation(&conversation, &streams);
        if self.spare.len() < SPARE_CAP {
            self.spare.push(conversation);
        }
    }

    fn message(&mut self, observed: &Observed<'_>, sink: &mut impl Sink) {
        self.pass_time(observed.sight.time, sink);
        let place = self.place_of(observed, sink);
        let keep_raw = self.limits.keep_raw;
        let index = self.next_index;
        self.next_index += 1;
        let Some(conversation) = self.shelf.at(place) else { return };
        let position = take_in::message(conversation, observed, index, keep_raw);
        let announces = conversation.kind == Kind::Call
            && conversation.at(position).is_some_and(|f: &Facts| f.sdp.is_some() && !f.is_repeat());
        if announces {
            self.streams.announce(conversation, place, position);
        }
        sink.message(conversation, position, observed);
        if conversation.facts.len() >= self.limits.messages {
            self.let_go.conversations += 1;
            if let Some(whole) = self.shelf.take_now(place) {
                self.hand_over(whole, sink);
            }
        } else if conversation.kind == Kind::Registration && position == 1 {
            let own = keys::conversation(Kind::Registration, observed.bytes, observed.outline);
            self.note_registration(own, sink);
        }
    }

    /// Registrations wait for their refresh for an hour and more: beyond a number, the one seen first goes.
    fn note_registration(&mut self, key: u64, sink: &mut impl Sink) {
        self.idle.push_back(key);
        if self.idle.len() <= self.limits.idle_registrations {
            return;
        }
        let Some(oldest) = self.idle.pop_front() else { return };
        let Some(place) = self.shelf.find(oldest) else { return };
        let is_quiet = self
            .shelf
            .at(place)
            .is_some_and(|c| c.kind == Kind::Registration && self.now.since(c.end()) > path::LINGER_NS);
        if is_quiet {
            if let Some(whole) = self.shelf.take_now(place) {
                self.hand_over(whole, sink);
            }
        } else {
            self.idle.push_back(oldest);
        }
    }

    /// Where the conversation of a message stands, put there if it is its first.
    fn place_of(&mut self, observed: &Observed<'_>, sink: &mut impl Sink) -> Place {
        let outline = observed.outline;
        let method = method_of(outline);
        let has_call_id = !outline.call_id.is_empty();
        let call_key = observed.keys.call;
        if has_call_id
            && method != Method::Register
            && let Some(place) = self.shelf.find(call_key)
        {
            return place;
        }
        let kind = match method {
            Method::Register => Kind::Registration,
            Method::Invite => Kind::Call,
            _ => Kind::Exchange,
        };
        let key = match kind {
            Kind::Call if has_call_id => call_key,
            other => keys::conversation(other, observed.bytes, outline),
        };
        if let Some(place) = self.shelf.find(key) {
            return place;
        }
        if kind == Kind::Exchange {
            let before = keys::challenged(observed.bytes, outline).and_then(|k| self.shelf.find(k));
            if let Some(place) = before
                && self.shelf.at(place).is_some_and(|c| path::was_challenged(c))
            {
                self.shelf.also(key, place);
                return place;
            }
        }
        if self.shelf.is_full()
            && let Some(first) = self.shelf.pop_first()
        {
            self.let_go.conversations += 1;
            self.hand_over(first, sink);
        }
        let slot = &mut self.next_ids[kind as usize];
        *slot += 1;
        let mut conversation = self.spare.pop().unwrap_or_else(|| Conversation::new(kind, 0));
        take_in::begin(&mut conversation, kind, *slot, observed);
        self.shelf.put(key, conversation, Timestamp(observed.sight.time.0.saturating_add(path::LINGER_NS)))
    }

    /// Remembers, with the conversation that it concerns, that a message could not be delivered.
    fn unreachable(&mut self, seen: &IcmpSeen, quoted: &[u8]) {
        let mut outline = Outline::default();
        if outline.read_cut(quoted) {
            let kinds = [Kind::Call, Kind::Registration, Kind::Exchange];
            let found = kinds.iter().find_map(|&kind| self.shelf.find(keys::conversation(kind, quoted, &outline)));
            if let Some(conversation) = found.and_then(|place| self.shelf.at(place))
                && conversation.unreachable.len() < 16
            {
                conversation.unreachable.push(Unreachable {
                    time: seen.sight.time,
                    from: seen.sight.flow.src.with_port(0),
                    to: seen.quoted.dst,
                    kind: seen.kind,
                    code: seen.code,
                    v6: seen.v6,
                });
            }
        } else {
            self.streams.unreachable(seen, quoted);
        }
    }
}

/// The method that says what conversation a message belongs to: that of the request, of a response that in CSeq.
fn method_of(outline: &Outline) -> Method {
    match outline.start {
        crate::sip::StartLine::Request { method, .. } => method,
        crate::sip::StartLine::Response { .. } => outline.cseq.as_ref().map_or(Method::Other, |c| c.method),
    }
}
