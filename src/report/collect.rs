//! Takes what the trace hands over, has it judged, counts it, and tells an outlet what it wants to hear.

use super::build;
use super::decode::{Call, Exchange, Finding, Message, Registration, Severity, Stream};
use super::select::Selection;
use super::tally::Tally;
use crate::analysis::{self, Case, Recall, Settings, Watch};
use crate::base::Timestamp;
use crate::sip::{Message as View, Outline};
use crate::trace::{Conversation, Incident, Kind, MediaStream, Observed, Sink};
use std::borrow::Cow;

/// Where the findings of a run go, each piece as soon as it is complete.
pub trait Outlet {
    /// Whether anything but counts is wanted.
    fn wants_details(&self) -> bool {
        true
    }
    /// How it wants to hear of messages.
    fn messages(&self) -> Messages {
        Messages::OneByOne
    }
    /// A message.
    fn message(&mut self, message: &Message<'_>);
    /// Messages that its [`Scribe`] wrote, in the place of [`Outlet::message`] for each.
    fn written(&mut self, messages: &[u8]) {
        let _ = messages;
    }
    /// A finding; it has the number `position` among all findings.
    fn finding(&mut self, position: u64, finding: Finding);
    /// A call with its messages, where [`Outlet::wants_messages_of`] said so.
    fn call(&mut self, call: Call, messages: Vec<Message<'static>>);
    /// A registration with its messages likewise.
    fn registration(&mut self, registration: Registration, messages: Vec<Message<'static>>);
    /// An exchange with its messages likewise.
    fn exchange(&mut self, exchange: Exchange, messages: Vec<Message<'static>>);
    /// A media stream.
    fn stream(&mut self, stream: Stream);
    /// Whether nobody reads any more.
    fn is_closed(&self) -> bool {
        false
    }
    /// Whether the messages of a conversation are to come with it, once more and owned; `worst` is its gravest finding.
    fn wants_messages_of(&self, kind: Kind, id: u64, worst: Option<Severity>) -> bool {
        let _ = (kind, id, worst);
        false
    }
}

/// Writes a message behind others.
pub type Scribe = Box<dyn FnMut(&Message<'_>, &mut Vec<u8>)>;

/// How an outlet wants to hear of messages.
pub enum Messages {
    /// Not at all.
    No,
    /// Each, when it is seen.
    OneByOne,
    /// Each when it is seen, or written by a scribe.
    Written(Scribe),
}

/// An outlet for which the counts are enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Outlet for Quiet {
    fn wants_details(&self) -> bool {
        false
    }
    fn messages(&self) -> Messages {
        Messages::No
    }
    fn message(&mut self, _: &Message<'_>) {}
    fn finding(&mut self, _: u64, _: Finding) {}
    fn call(&mut self, _: Call, _: Vec<Message<'static>>) {}
    fn registration(&mut self, _: Registration, _: Vec<Message<'static>>) {}
    fn exchange(&mut self, _: Exchange, _: Vec<Message<'static>>) {}
    fn stream(&mut self, _: Stream) {}
}

/// What is told of each message beside its facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail {
    /// Every header field.
    pub headers: bool,
    /// The whole message.
    pub raw: bool,
    /// Whether secrets in either are shown: see [`crate::sip::secrets`].
    pub secrets: bool,
}

impl Detail {
    /// The bytes of a message as they may be shown. Every byte keeps its place.
    fn shown(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        if self.secrets { Cow::Borrowed(bytes) } else { crate::sip::secrets::hide(bytes) }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Time of the first message.
    origin: Option<Timestamp>,
    /// The latest time of a message or an incident.
    now: Timestamp,
    /// The run's clock when it was last told.
    clock: Timestamp,
}

impl Default for Times {
    fn default() -> Self {
        Times { origin: None, now: Timestamp(i64::MIN), clock: Timestamp(i64::MIN) }
    }
}

impl Times {
    pub(super) fn message(&mut self, time: Timestamp) {
        self.origin.get_or_insert(time);
        self.now = self.now.max(time);
    }

    pub(super) fn incident(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
    }

    pub(super) fn clock(&mut self, now: Timestamp) {
        self.clock = self.clock.max(now);
    }
}

/// The sink of a decode run.
pub struct Collector<'a> {
    outlet: &'a mut dyn Outlet,
    selection: &'a Selection,
    detail: Detail,
    settings: &'a Settings,
    watch: Watch,
    /// The latest messages, where findings are shown.
    recall: Recall,
    /// The counts.
    pub tally: Tally,
    /// How each address answered; collected only where details are wanted.
    pub peers: super::peers::Peers,
    /// What of the input belongs to the selection, for writing it.
    pub chosen: super::select::Chosen,
    pub(super) times: Times,
    tells_messages: bool,
    findings: u64,
    outline: Outline,
}

impl<'a> Collector<'a> {
    /// A collector that tells `outlet` of what `selection` takes, judged by what `settings` say.
    pub fn new(outlet: &'a mut dyn Outlet, selection: &'a Selection, detail: Detail, settings: &'a Settings) -> Self {
        let tells_messages = outlet.wants_details() && !matches!(outlet.messages(), Messages::No);
        Collector {
            outlet,
            selection,
            detail,
            settings,
            watch: Watch::new(settings),
            recall: Recall::default(),
            tally: Tally::default(),
            peers: super::peers::Peers::default(),
            chosen: super::select::Chosen::default(),
            times: Times::default(),
            tells_messages,
            findings: 0,
            outline: Outline::default(),
        }
    }

    /// Hands on messages that were written where they were seen.
    pub(super) fn written(&mut self, messages: &[u8]) {
        if !messages.is_empty() {
            self.outlet.written(messages);
        }
    }

    /// Remembers a message that findings may quote.
    pub(super) fn recall(&mut self, index: u64, message: &[u8], is_cut: bool) {
        self.recall.add(index, message, is_cut);
    }

    /// Notes that a call rings, or is answered.
    pub(super) fn promising(&mut self, promise: (std::net::IpAddr, Timestamp)) {
        self.watch.promising(promise);
    }

    /// Tells a message of a conversation that is complete.
    fn tell_kept(&mut self, c: &Conversation, position: u32) {
        let shown;
        let Some(mut message) = build::message(c, position, self.times.origin.unwrap_or_default()) else { return };
        if (self.detail.headers || self.detail.raw)
            && let Some(raw) = c.raw.get(position as usize)
        {
            self.outline.read(raw);
            shown = self.detail.shown(raw);
            add_detail(&mut message, self.detail, &shown, &self.outline);
        }
        self.outlet.message(&message);
    }

    /// The messages of a conversation, owned, for an outlet that draws them.
    fn owned_messages(&mut self, c: &Conversation) -> Vec<Message<'static>> {
        let origin = self.times.origin.unwrap_or_default();
        let mut all = Vec::with_capacity(c.facts.len());
        for position in 0..c.facts.len() as u32 {
            let shown;
            let Some(mut message) = build::message(c, position, origin) else { continue };
            if let Some(raw) = c.raw.get(position as usize) {
                self.outline.read(raw);
                shown = self.detail.shown(raw);
                add_detail(&mut message, self.detail, &shown, &self.outline);
            }
            all.push(message.into_owned());
        }
        all
    }

    fn hand_out(&mut self, c: &Conversation, streams: &[MediaStream], findings: Vec<analysis::Finding>) {
        let worst = findings.first().map(|f| f.severity.into());
        let first = self.findings;
        self.findings += findings.len() as u64;
        let positions: Vec<u64> = (first..self.findings).collect();
        let messages = match self.outlet.wants_messages_of(c.kind, c.id, worst) {
            true => self.owned_messages(c),
            false => Vec::new(),
        };
        for stream in streams {
            self.outlet.stream(build::stream(stream));
        }
        for (finding, &position) in findings.into_iter().zip(&positions) {
            self.outlet.finding(position, build::finding(Some(c), finding));
        }
        match c.kind {
            Kind::Call => self.outlet.call(build::call(c, streams, positions), messages),
            Kind::Registration => self.outlet.registration(build::registration(c, positions), messages),
            Kind::Exchange => self.outlet.exchange(build::exchange(c, positions), messages),
        }
    }

    /// Tells what concerns no single conversation.
    fn tell_of_run(&mut self, findings: Vec<analysis::Finding>) {
        for finding in findings {
            if !finding.is_update {
                self.tally.finding(finding.severity.into());
            }
            if self.outlet.wants_details() {
                self.outlet.finding(self.findings, build::finding(None, finding));
            }
            self.findings += 1;
        }
    }

    fn count(&mut self, case: &Case<'_>, findings: &[analysis::Finding]) {
        match case.conversation.kind {
            Kind::Call => {
                self.tally.calls += 1;
                let word = super::decode::CallState::from(case.outcome().state).as_str();
                *self.tally.calls_by_state.entry(word).or_default() += 1;
            }
            Kind::Registration => self.tally.registrations += 1,
            Kind::Exchange => self.tally.exchanges += 1,
        }
        for stream in case.streams {
            self.tally.streams += 1;
            self.tally.rtp_packets += stream.receiver.packets();
        }
        for finding in findings {
            self.tally.finding(finding.severity.into());
        }
    }
}

/// Gives `to` a message that has just been seen.
pub(super) fn tell(
    c: &Conversation,
    position: u32,
    times: Times,
    detail: Detail,
    observed: &Observed<'_>,
    to: impl FnOnce(&Message<'_>),
) {
    let shown;
    let Some(mut message) = build::message(c, position, times.origin.unwrap_or_default()) else { return };
    if detail.headers || detail.raw {
        shown = detail.shown(observed.bytes);
        add_detail(&mut message, detail, &shown, observed.outline);
    }
    to(&message);
}

fn add_detail<'m>(message: &mut Message<'m>, detail: Detail, bytes: &'m [u8], outline: &'m Outline) {
    if detail.headers {
        message.headers = Some(build::headers(&View::new(bytes, outline)));
    }
    if detail.raw {
        message.raw = Some(super::Text::new(bytes));
    }
}

impl Sink for Collector<'_> {
    fn message(&mut self, c: &Conversation, position: u32, observed: &Observed<'_>) {
        self.times.message(observed.sight.time);
        if let Some(promise) = Watch::promise(self.settings, c, position) {
            self.watch.promising(promise);
        }
        if self.outlet.wants_details()
            && let Some(facts) = c.at(position)
        {
            self.recall.add(facts.index, observed.bytes, facts.cut);
        }
        if self.selection.is_everything() {
            self.tally.observed(observed, c, position);
            if self.tells_messages {
                tell(c, position, self.times, self.detail, observed, |message| self.outlet.message(message));
            }
        }
    }

    fn clock(&mut self, now: Timestamp) {
        self.times.clock(now);
        if self.settings.read_along && self.selection.is_everything() {
            let due = self.watch.due(now);
            self.tell_of_run(due);
        }
    }

    fn conversation(&mut self, c: &Conversation, streams: &[MediaStream]) {
        let due = self.watch.due(self.times.now);
        if self.selection.is_everything() {
            self.tell_of_run(due);
        }
        // Packets that are no messages pass the time, too. Where messages bring times of their own (HEP), only what passed here counts.
        let quiet = std::time::Duration::from_nanos(self.times.clock.since(c.touched).max(0) as u64);
        let case = Case::new(c, streams, self.times.now.max(c.end().after(quiet)), self.settings);
        let mut findings = analysis::judge(&case, &mut self.watch);
        if !self.selection.takes(c, streams, &findings) {
            return;
        }
        if !self.selection.is_everything() {
            for position in 0..c.facts.len() as u32 {
                if let Some(facts) = c.at(position) {
                    self.tally.message(c, facts);
                }
                if self.tells_messages {
                    self.tell_kept(c, position);
                }
            }
        }
        self.chosen.add(c, streams);
        self.count(&case, &findings);
        if self.outlet.wants_details() {
            self.peers.add(c);
            findings.iter_mut().for_each(|finding| self.recall.show(c, finding));
            self.hand_out(c, streams, findings);
        }
        if self.selection.is_everything() {
            let established = self.watch.established();
            self.tell_of_run(established);
        }
    }

    fn incident(&mut self, incident: &Incident) {
        self.times.incident(incident.time);
        let findings = self.watch.incident(incident);
        if self.selection.is_everything() {
            self.tell_of_run(findings);
        }
    }

    fn orphan(&mut self, stream: MediaStream) {
        if !self.selection.is_everything() {
            return;
        }
        let findings = self.watch.orphan(&stream);
        self.chosen.add_stream(&stream);
        self.tally.streams += 1;
        self.tally.rtp_packets += stream.receiver.packets();
        if self.outlet.wants_details() {
            self.outlet.stream(build::stream(&stream));
        }
        self.tell_of_run(findings);
    }

    fn finish(&mut self) {
        let findings = self.watch.finish();
        if self.selection.is_everything() {
            self.tell_of_run(findings);
        }
    }

    fn is_closed(&self) -> bool {
        self.outlet.is_closed()
    }
}
