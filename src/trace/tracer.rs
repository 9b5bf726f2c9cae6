//! Messages to conversations: the half of the trace that remembers.

use super::batch::{Batch, Event, IcmpSeen, Observed};
use super::conversation::{Conversation, Kind, Spare, Stage, Unreachable};
use super::incident::{Incident, What};
use super::join::{Completed, Joiner};
use super::linger::{self, Linger, Settling};
use super::shelf::{Place, Shelf};
use super::stream::{MediaStream, Streams};
use super::take_in::{self, Taken};
use super::{keys, path};
use crate::base::Timestamp;
use crate::sip::{Method, Outline, StartLine};

/// How much a tracer may hold, and what it is to keep.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open calls, registrations and exchanges.
    pub conversations: usize,
    /// Messages of one conversation; a longer one is handed over in parts.
    pub messages: usize,
    /// Bytes that the open conversations may keep together; beyond it, those that are due first are handed over.
    pub bytes: usize,
    /// Media streams.
    pub streams: usize,
    /// Media endpoints that SDP announced.
    pub endpoints: usize,
    /// Registrations that only wait for their next refresh.
    pub idle_registrations: usize,
    /// Whether whole messages are kept.
    pub keep_raw: bool,
    /// When what is over is handed over.
    pub linger: Linger,
    /// Whether calls that are legs of one are joined.
    pub join: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            conversations: 65_536,
            messages: 8_192,
            bytes: 256 << 20,
            streams: 32_768,
            endpoints: 262_144,
            idle_registrations: 2_048,
            keep_raw: false,
            linger: Linger::Whole,
            join: true,
        }
    }
}

/// Takes what the tracer found, each as soon as it is complete.
pub trait Sink {
    /// A message was seen: the one at `position` of `conversation`, which is not complete yet.
    fn message(&mut self, conversation: &Conversation, position: u32, observed: &Observed<'_>);
    /// The run's clock stands here: what has been silent since was silent although the input went on.
    fn clock(&mut self, now: Timestamp) {
        let _ = now;
    }
    /// Nothing more is expected of a conversation. `streams` are those of a call.
    fn conversation(&mut self, conversation: &Conversation, streams: &[MediaStream]);
    /// The same, of a conversation for which the trace has no use any more; gives back one, this or another, whose memory is free.
    fn take(&mut self, conversation: Box<Conversation>, streams: Vec<MediaStream>) -> Option<Box<Conversation>> {
        self.conversation(&conversation, &streams);
        Some(conversation)
    }
    /// Something happened beside messages.
    fn incident(&mut self, incident: &Incident) {
        let _ = incident;
    }
    /// A media stream that belongs to no call.
    fn orphan(&mut self, stream: MediaStream);
    /// Nothing follows.
    fn finish(&mut self) {}
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
    /// Messages that came for a conversation that had been handed over already: see [`Linger::Prompt`].
    pub late: u64,
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
    /// Bytes that the open conversations keep.
    held: usize,
    settling: Settling,
    /// Conversations that were handed over: their memory serves the next ones.
    spare: Spare,
    joiner: Joiner,
}

/// Conversations whose memory is kept for the next.
const SPARE_CAP: usize = 256;
/// What kept more than this gives its memory back.
const SPARE_WEIGHT: usize = 64 << 10;

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
            held: 0,
            settling: Settling::default(),
            spare: Vec::new(),
            joiner: Joiner::default(),
        }
    }

    /// Takes in a batch and hands over what is complete by its end.
    pub fn take(&mut self, batch: &Batch, sink: &mut impl Sink) {
        // The open calls are spread over more memory than the processor keeps near. Looking all of them up first lets it
        // fetch many at a time; one by one it would wait for each.
        self.shelf.warm(batch.keys());
        for event in batch.events() {
            match event {
                Event::Message(observed) => self.message(&observed, sink),
                Event::Rtp(seen) => {
                    self.pass_time(seen.sight.seen, sink);
                    self.streams.rtp(&seen, &self.shelf, &mut |stream| sink.orphan(stream));
                }
                Event::Rtcp(sight, bytes) => {
                    self.pass_time(sight.seen, sink);
                    self.streams.rtcp(&sight, bytes);
                }
                Event::Icmp(seen, bytes) => self.unreachable(&seen, bytes),
                Event::Incident(incident, head) => self.incident(incident, head, sink),
            }
        }
        if !batch.is_empty() || batch.packets > 0 {
            self.pass_time(batch.last_time, sink);
        }
        if let Some(clock) = batch.quiet_at {
            self.pass_time(clock, sink);
        }
    }

    /// Hands over everything that is still open: the input is at its end.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        sink.clock(self.now);
        for place in self.shelf.rest() {
            if let Some(conversation) = self.shelf.take_last(place) {
                self.hand_over(conversation, sink);
            }
        }
        self.streams.finish(&mut |stream| sink.orphan(stream));
        sink.finish();
    }

    /// What had to go so far because a table was full.
    #[must_use]
    pub fn let_go(&self) -> LetGo {
        LetGo { streams: self.streams.let_go(), endpoints: self.streams.endpoints_let_go(), ..self.let_go }
    }

    /// Bytes that the open conversations keep: their messages' facts and texts.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
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
        if time.since(self.looked_at) < self.limits.linger.look_ns() {
            return;
        }
        self.looked_at = time;
        sink.clock(time);
        self.tell_settled(sink);
        while let Some(conversation) = self.shelf.pop_due(time, path::open_until) {
            self.hand_over(conversation, sink);
        }
        self.streams.age(time, &mut |stream| sink.orphan(stream));
    }

    /// Tells of the conversations that are over and have been quiet for a moment. They stay on the shelf.
    fn tell_settled(&mut self, sink: &mut impl Sink) {
        while let Some(waiting) = self.settling.pop(self.now) {
            let Some(c) = self.shelf.at(waiting.place()).filter(|c| waiting.is(c)) else { continue };
            if !linger::is_over(c) {
                c.stage = Stage::Open;
                continue;
            }
            let media = if c.kind == Kind::Call { self.streams.last_of(c.id) } else { None };
            let since = media.map_or(c.touched, |m| m.max(c.touched)).min(self.now);
            if !linger::is_quiet(since, self.now) {
                self.settling.wait(waiting, since);
                continue;
            }
            c.stage = Stage::Told(c.facts.len());
            if c.kind == Kind::Call && self.joiner.is_joined(c.id) {
                let leg = Box::new(c.clone());
                self.held += leg.weight();
                self.complete(leg, sink);
                continue;
            }
            let streams = if c.kind == Kind::Call { self.streams.of_call(c) } else { Vec::new() };
            sink.conversation(c, &streams);
        }
    }

    /// Hands over a leg with the others of its call, if it is the last of them.
    fn complete(&mut self, leg: Box<Conversation>, sink: &mut impl Sink) {
        let (whole, weight) = match self.joiner.complete(leg) {
            Completed::Held => return,
            Completed::Whole(whole, weight) => (whole, weight),
            Completed::Alone(c) => {
                let weight = c.weight();
                (c, weight)
            }
        };
        self.held = self.held.saturating_sub(weight);
        let streams = self.streams.of_call(&whole);
        self.give(whole, streams, sink);
    }

    /// Gives a conversation away, and keeps the memory of one that is done with.
    fn give(&mut self, conversation: Box<Conversation>, streams: Vec<MediaStream>, sink: &mut impl Sink) {
        let free = sink.take(conversation, streams);
        self.spare.extend(free.filter(|free| self.spare.len() < SPARE_CAP && free.weight() < SPARE_WEIGHT));
    }

    fn hand_over(&mut self, conversation: Box<Conversation>, sink: &mut impl Sink) {
        if let Stage::Told(messages) = conversation.stage {
            self.held = self.held.saturating_sub(conversation.weight());
            self.let_go.late += conversation.facts.len().saturating_sub(messages) as u64;
            return;
        }
        if conversation.kind == Kind::Call && self.joiner.is_joined(conversation.id) {
            self.complete(conversation, sink);
            return;
        }
        self.held = self.held.saturating_sub(conversation.weight());
        let streams = if conversation.kind == Kind::Call { self.streams.of_call(&conversation) } else { Vec::new() };
        self.give(conversation, streams, sink);
    }

    fn message(&mut self, observed: &Observed<'_>, sink: &mut impl Sink) {
        self.pass_time(observed.sight.seen, sink);
        self.make_room(sink);
        let place = self.place_of(observed, sink);
        let keep_raw = self.limits.keep_raw;
        let index = self.next_index;
        self.next_index += 1;
        let Some(mut conversation) = self.shelf.at(place) else { return };
        let before = if conversation.facts.is_empty() { 0 } else { conversation.texts.len() };
        let Taken { position, is_repeat } = take_in::message(conversation, observed, index, keep_raw);
        self.held += conversation.weight_of_last(before);
        conversation.touched = self.now;
        if self.limits.join && conversation.kind == Kind::Call && !is_repeat && matters_to_joiner(observed.outline) {
            self.join(place, position, observed);
            let Some(again) = self.shelf.at(place) else { return };
            conversation = again;
        }
        if self.limits.linger == Linger::Prompt {
            self.settling.consider(conversation, place, self.now);
        }
        let announces = conversation.kind == Kind::Call
            && !matches!(conversation.stage, Stage::Told(_))
            && observed.sdp.is_some()
            && !is_repeat;
        if announces {
            self.streams.announce(conversation, place, position);
        }
        sink.message(conversation, position, observed);
        if conversation.facts.len() >= self.limits.messages {
            self.let_go.conversations += u64::from(!matches!(conversation.stage, Stage::Told(_)));
            if let Some(whole) = self.shelf.take_now(place) {
                self.hand_over(whole, sink);
            }
        } else if conversation.kind == Kind::Registration && position == 1 {
            let own = keys::conversation(Kind::Registration, observed.bytes, observed.outline);
            self.note_registration(own, sink);
        }
    }

    /// Looks whether a call is a leg of another: then it takes the number of that one, and its own is free again, since its first message has just
    /// come.
    fn join(&mut self, place: Place, position: u32, observed: &Observed<'_>) {
        if method_of(observed.outline) == Method::Refer {
            self.joiner.refer(&self.shelf, place, observed);
            return;
        }
        let joined = self.joiner.invite(&self.shelf, place, position, observed);
        if let (Some(call), Some(leg)) = (joined, self.shelf.at(place)) {
            self.next_ids[Kind::Call as usize] -= 1;
            leg.id = call;
        }
    }

    /// Messages of any length and number keep what they say; what all keep together is bounded.
    fn make_room(&mut self, sink: &mut impl Sink) {
        while self.held > self.limits.bytes {
            let Some(first) = self.shelf.pop_first() else { return };
            self.let_go.conversations += u64::from(!matches!(first.stage, Stage::Told(_)));
            self.hand_over(first, sink);
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

    /// Where the conversation of a key stands, unless it was handed over and the message begins another.
    fn find(&mut self, key: u64, observed: &Observed<'_>, sink: &mut impl Sink) -> Option<Place> {
        let place = self.shelf.find(key)?;
        if self.shelf.at(place).is_some_and(|c| linger::begins_anew(c, observed)) {
            let over = self.shelf.take_now(place)?;
            self.hand_over(over, sink);
            return None;
        }
        Some(place)
    }

    /// Where the conversation of a message stands, put there if it is its first.
    fn place_of(&mut self, observed: &Observed<'_>, sink: &mut impl Sink) -> Place {
        let outline = observed.outline;
        let method = method_of(outline);
        let has_call_id = !outline.call_id.is_empty();
        let call_key = observed.keys.call;
        if has_call_id
            && method != Method::Register
            && let Some(place) = self.find(call_key, observed, sink)
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
        if let Some(place) = self.find(key, observed, sink) {
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
        if has_call_id
            && matches!(outline.start, StartLine::Response { .. })
            && let Some(place) = self.shelf.waiting_for(observed.keys.transaction, outline.call_id.of(observed.bytes))
        {
            self.shelf.also(key, place);
            return place;
        }
        if self.shelf.is_full()
            && let Some(first) = self.shelf.pop_first()
        {
            self.let_go.conversations += u64::from(!matches!(first.stage, Stage::Told(_)));
            self.hand_over(first, sink);
        }
        let slot = &mut self.next_ids[kind as usize];
        *slot += 1;
        let mut conversation = self.spare.pop().unwrap_or_else(|| Box::new(Conversation::new(kind, 0)));
        take_in::begin(&mut conversation, kind, *slot, observed);
        self.shelf.put(key, conversation, Timestamp(self.now.0.saturating_add(path::LINGER_NS)))
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
                let key = keys::transaction(quoted, &outline);
                let transaction = conversation.transaction_keys.iter().rposition(|&k| k == key).map(|at| at as u32);
                let of_response = matches!(outline.start, StartLine::Response { .. });
                conversation.unreachable.push(Unreachable { transaction, of_response, ..Unreachable::of(seen) });
            }
        } else {
            self.streams.unreachable(seen, quoted);
        }
    }

    /// Joins an incident to the conversation that it concerns, where that is known, and hands it on.
    fn incident(&mut self, incident: &Incident, head: &[u8], sink: &mut impl Sink) {
        self.pass_time(incident.time, sink);
        let What::FragmentLost(incomplete) = &incident.what else {
            sink.incident(incident);
            return;
        };
        if head.is_empty() {
            sink.incident(incident);
            return;
        }
        let mut outline = Outline::default();
        if !outline.read_cut(head) {
            return;
        }
        let kinds = [Kind::Call, Kind::Registration, Kind::Exchange];
        let found = kinds.iter().find_map(|&kind| self.shelf.find(keys::conversation(kind, head, &outline)));
        let conversation = found.and_then(|place| self.shelf.peek(place));
        let key = keys::transaction(head, &outline);
        let known = conversation.and_then(|c| {
            let at = c.transaction_keys.iter().rposition(|&k| k == key)?;
            c.transactions.get(at)
        });
        let (method, status) = match outline.start {
            StartLine::Request { method, .. } => (method, 0),
            StartLine::Response { status, .. } => (method_of(&outline), status),
        };
        // What was answered did arrive: it is the capture that lacks the rest.
        let arrived =
            known.is_some_and(|t| if status == 0 { t.first_response.is_some() } else { t.final_status == status });
        if arrived {
            return;
        }
        let mut incomplete = incomplete.clone();
        (incomplete.method, incomplete.status) = (method, status);
        incomplete.call_id = outline.call_id.of(head).into();
        incomplete.conversation = conversation.map(|c| (c.kind, c.id));
        sink.incident(&Incident { what: What::FragmentLost(incomplete), ..incident.clone() });
    }
}

/// Whether a message may begin another leg of a call: an INVITE that begins a dialog, or a REFER. RFC 3261 §12.1, RFC 3515 §2.1
fn matters_to_joiner(outline: &Outline) -> bool {
    let StartLine::Request { method, .. } = outline.start else { return false };
    (method == Method::Invite && outline.to_tag.is_empty()) || method == Method::Refer
}

/// The method that says what conversation a message belongs to: that of the request, of a response that in CSeq.
fn method_of(outline: &Outline) -> Method {
    match outline.start {
        StartLine::Request { method, .. } => method,
        StartLine::Response { .. } => outline.cseq.as_ref().map_or(Method::Other, |c| c.method),
    }
}
