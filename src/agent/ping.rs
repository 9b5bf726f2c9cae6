//! Pings of one target: requests at a steady pace, each an exchange of its own, over one line that is opened again when it
//! breaks; other candidates where the first ones fail. RFC 3261 §11, RFC 3263 §4.3

mod event;
mod padding;
#[cfg(test)]
mod tests;

pub use event::{Event, Lost, Reason, Reply};

use super::{Account, Action, Authenticator, Draft, Exchange, Identity, Machine, Outcome};
use crate::base::{Entropy, Table};
use crate::sip::{Message, Outline};
use crate::transaction::Timers;
use crate::transport::{LineFacts, TransportError};
use event::reply;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Finished pings that are remembered, so that what comes late is known as such.
const REMEMBERED: usize = 4096;
/// How long they are remembered: as long as a repeat can be under way. RFC 3261 §17.1.2.2, Timer F
const REMEMBERED_MS: i64 = 32_000;

/// What is asked of a [`Ping`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Method.
    pub method: String,
    /// Request-URI, and the URI of To.
    pub uri: String,
    /// How many pings; 0 until stopped.
    pub count: u64,
    /// From one ping to the next; zero sends the next as soon as fewer than `parallel` are under way.
    pub interval: Duration,
    /// How long an answer may take, and the opening of a line.
    pub wait: Duration,
    /// Most pings under way at once.
    pub parallel: usize,
    /// Max-Forwards.
    pub max_forwards: u8,
    /// Size of each request in bytes, credentials apart; `None` for as it comes.
    pub size: Option<usize>,
    /// T1, T2, T4.
    pub timers: Timers,
    /// How many candidates the plan has.
    pub candidates: usize,
}

/// Whether there is a line.
#[derive(Debug)]
enum Way {
    Closed,
    Opening,
    Open(Box<LineFacts>),
}

/// A ping that is to be sent, or sent again to another candidate.
#[derive(Debug)]
struct Due {
    seq: u64,
    /// Sends to earlier candidates.
    sends: u32,
    /// A 503 of an earlier candidate: the answer if no later one has another.
    held: Option<Box<Reply>>,
}

/// A ping under way.
#[derive(Debug)]
struct Flight {
    due: Due,
    exchange: Exchange,
    /// Its key in the table of branches.
    branch: Box<[u8]>,
}

/// What is remembered of a finished ping.
#[derive(Clone, Copy, Debug)]
struct Past {
    seq: u64,
    answered: bool,
}

/// Pings of one target.
#[derive(Debug)]
pub struct Ping {
    options: Options,
    identity: Identity,
    account: Option<Account>,
    entropy: Entropy,
    template: Draft,
    padding: padding::Padding,
    way: Way,
    candidate: usize,
    /// Whether any answer came: then the candidate is good, and kept.
    answered: bool,
    flights: Vec<Option<Flight>>,
    free: Vec<usize>,
    branches: HashMap<Box<[u8]>, usize, foldhash::fast::RandomState>,
    waiting: VecDeque<Due>,
    past: Table<Box<[u8]>, Past>,
    /// Those of finished exchanges, with the nonces that they know.
    authenticators: Vec<Authenticator>,
    launched: u64,
    next: Option<Instant>,
    begun: Option<Instant>,
    stopped: bool,
    actions: VecDeque<Action<Event>>,
    outline: Outline,
}

impl Ping {
    /// Pings as the options say. Nothing is sent before the first [`Machine::poll_action`].
    #[must_use]
    pub fn new(options: Options, identity: Identity, account: Option<Account>, mut entropy: Entropy) -> Self {
        let mut template = Draft::new(&options.method, &options.uri, &format!("<{}>", options.uri), &mut entropy);
        template.max_forwards = options.max_forwards;
        Ping {
            options,
            identity,
            account,
            entropy,
            template,
            padding: padding::Padding::default(),
            way: Way::Closed,
            candidate: 0,
            answered: false,
            flights: Vec::new(),
            free: Vec::new(),
            branches: HashMap::default(),
            waiting: VecDeque::new(),
            past: Table::new(REMEMBERED),
            authenticators: Vec::new(),
            launched: 0,
            next: None,
            begun: None,
            stopped: false,
            actions: VecDeque::new(),
            outline: Outline::new(),
        }
    }

    fn under_way(&self) -> usize {
        self.flights.len() - self.free.len() + self.waiting.len()
    }

    fn has_more(&self) -> bool {
        !self.stopped && (self.options.count == 0 || self.launched < self.options.count)
    }

    /// Whether the next ping may go as far as others are concerned: one alone waits for a line.
    fn has_room(&self) -> bool {
        let opened = matches!(self.way, Way::Open(_)) || self.waiting.is_empty();
        opened && self.under_way() < self.options.parallel.max(1)
    }

    /// Starts what is due. The pace is that of a clock, so that late wake-ups do not add up; only a ping that is late by more
    /// than an interval (the bound on those under way held it back) moves the ones behind it.
    fn launch(&mut self, now: Instant) {
        let mut next = *self.next.get_or_insert(now);
        self.begun.get_or_insert(now);
        while next <= now && self.has_more() && self.has_room() {
            self.launched += 1;
            let from = if now.duration_since(next) > self.options.interval { now } else { next };
            next = from + self.options.interval;
            self.begin(Due { seq: self.launched, sends: 0, held: None }, now);
        }
        self.next = Some(next);
    }

    fn begin(&mut self, due: Due, now: Instant) {
        match &self.way {
            Way::Open(_) => self.send(due, now),
            Way::Opening => self.waiting.push_back(due),
            Way::Closed => {
                self.waiting.push_back(due);
                self.connect();
            }
        }
    }

    fn connect(&mut self) {
        self.way = Way::Opening;
        self.actions.push_back(Action::Connect(self.candidate));
    }

    /// An exchange over the open line.
    fn exchange(&mut self, timeout: Duration, now: Instant) -> Option<Exchange> {
        let Way::Open(line) = &self.way else { return None };
        let mut draft = self.template.clone();
        draft.from_tag = self.entropy.token();
        draft.call_id = self.padding.call_id(&self.entropy.token());
        let account = &self.account;
        let authenticator = self.authenticators.pop().unwrap_or_else(|| Authenticator::new(account.clone()));
        let identity = self.padding.identity(&self.identity);
        let timers = self.options.timers;
        Some(Exchange::new(draft, identity, line, authenticator, timers, timeout, &mut self.entropy, now))
    }

    fn send(&mut self, due: Due, now: Instant) {
        let Some(exchange) = self.exchange(self.options.wait, now) else { return };
        let branch: Box<[u8]> = exchange.branch().into();
        let slot = self.free.pop().unwrap_or_else(|| {
            self.flights.push(None);
            self.flights.len() - 1
        });
        self.branches.insert(branch.clone(), slot);
        if let Some(place) = self.flights.get_mut(slot) {
            *place = Some(Flight { due, exchange, branch });
        }
        self.pump(slot, now);
    }

    /// Passes on what the exchange has to send, keeps its branch known, and ends it when it has ended.
    fn pump(&mut self, slot: usize, now: Instant) {
        let Some(Some(flight)) = self.flights.get_mut(slot) else { return };
        while let Some(bytes) = flight.exchange.poll_transmit(now) {
            self.actions.push_back(Action::Send(bytes));
        }
        if *flight.exchange.branch() != *flight.branch {
            self.branches.remove(&flight.branch);
            flight.branch = flight.exchange.branch().into();
            self.branches.insert(flight.branch.clone(), slot);
        }
        if flight.exchange.outcome().is_some() {
            self.end(slot, now);
        }
    }

    /// Takes a ping out of the table.
    fn take(&mut self, slot: usize) -> Option<Flight> {
        let flight = self.flights.get_mut(slot)?.take()?;
        self.branches.remove(&flight.branch);
        self.free.push(slot);
        Some(flight)
    }

    fn end(&mut self, slot: usize, now: Instant) {
        let Some(mut flight) = self.take(slot) else { return };
        let answered = matches!(flight.exchange.outcome(), Some(Outcome::Final { .. }));
        let age = self.begun.map_or(0, |b| i64::try_from(now.duration_since(b).as_millis()).unwrap_or(i64::MAX));
        let past = Past { seq: flight.due.seq, answered };
        let branch = std::mem::take(&mut flight.branch);
        self.past.touch_or_insert(&branch, age, || past);
        while self.past.pop_before(age - REMEMBERED_MS).is_some() {}
        match flight.exchange.outcome() {
            Some(Outcome::Final { status, .. }) => {
                let unavailable = *status == 503;
                let peer = match &self.way {
                    Way::Open(line) => Some(line.peer),
                    Way::Closed | Way::Opening => None,
                };
                if let Some(reply) = reply(flight.due.seq, flight.due.sends, self.candidate, peer, &flight.exchange) {
                    let (seq, sends) = (reply.seq, reply.sends);
                    if unavailable && self.can_move() {
                        let why = format!("{} {}", reply.status, String::from_utf8_lossy(&reply.reason));
                        self.move_on(Due { seq, sends, held: Some(Box::new(reply)) }, why.trim_end().to_owned(), now);
                    } else {
                        self.answered = true;
                        self.tell(Event::Reply(Box::new(reply)));
                    }
                }
                if self.authenticators.len() < self.options.parallel {
                    self.authenticators.push(flight.exchange.into_authenticator());
                }
            }
            Some(Outcome::Failed(error)) => {
                let error = error.clone();
                self.lose(flight, Some(&error), now);
            }
            Some(Outcome::Timeout) | None => self.lose(flight, None, now),
        }
    }

    /// No answer to a ping, or no way for it: the next candidate if nothing ever answered, else that is how it ends.
    fn lose(&mut self, mut flight: Flight, error: Option<&TransportError>, now: Instant) {
        let attempts = flight.exchange.attempts();
        flight.due.sends += attempts.iter().map(|a| a.sends).sum::<u32>();
        let after = attempts.first().map_or(Duration::ZERO, |a| now.saturating_duration_since(a.first_sent));
        let provisional = attempts.iter().any(|a| a.first_response.is_some() && a.final_response.is_none());
        if self.can_move() {
            let why = error.map_or_else(|| format!("no answer in {} s", after.as_secs_f64()), |e| e.message.clone());
            self.move_on(flight.due, why, now);
        } else {
            self.give_up(flight.due, error, after, provisional);
        }
    }

    fn give_up(&mut self, due: Due, error: Option<&TransportError>, after: Duration, provisional: bool) {
        let Due { seq, sends, held } = due;
        match (held, error) {
            (Some(reply), _) => self.tell(Event::Reply(reply)),
            (None, Some(error)) => {
                let (error, candidate) = (Box::new(error.clone()), self.candidate);
                self.tell(Event::Failed { seq, candidate, error });
            }
            (None, None) => self.tell(Event::Lost(Lost { seq, sends, after, candidate: self.candidate, provisional })),
        }
    }

    fn can_move(&self) -> bool {
        !self.answered && !self.stopped && self.candidate + 1 < self.options.candidates
    }

    /// Goes to the next candidate with all that is under way. RFC 3263 §4.3
    fn move_on(&mut self, due: Due, why: String, now: Instant) {
        let from = self.candidate;
        self.candidate += 1;
        self.tell(Event::Moved { from, to: self.candidate, why });
        self.waiting.push_back(due);
        for slot in 0..self.flights.len() {
            if let Some(mut flight) = self.take(slot) {
                flight.due.sends += flight.exchange.attempts().iter().map(|a| a.sends).sum::<u32>();
                self.waiting.push_back(flight.due);
            }
        }
        self.waiting.make_contiguous().sort_by_key(|due| due.seq);
        self.forget_unsent();
        self.next = Some(now + self.options.interval);
        self.connect();
    }

    /// What was to be sent on a line that is no more.
    fn forget_unsent(&mut self) {
        self.actions.retain(|action| matches!(action, Action::Tell(_)));
    }

    fn tell(&mut self, event: Event) {
        self.actions.push_back(Action::Tell(event));
    }

    fn ignore(&mut self, reason: Reason, from: SocketAddr, seq: Option<u64>) {
        self.tell(Event::Ignored { reason, from, seq });
    }

    /// Whose message this is, or why it is nobody's.
    fn place(&mut self, bytes: &[u8], from: SocketAddr) -> Result<usize, (Reason, Option<u64>)> {
        if !self.outline.read(bytes) {
            return Err((Reason::NotSip, None));
        }
        let message = Message::new(bytes, &self.outline);
        if message.is_request() {
            return Err((Reason::Request, None));
        }
        let branch = message.branch();
        let Some(&slot) = self.branches.get(branch) else {
            return Err(match self.past.get(&Box::from(branch)) {
                Some(past) if past.answered => (Reason::Repeat, Some(past.seq)),
                Some(past) => (Reason::Late, Some(past.seq)),
                None if branch.is_empty() => (Reason::Malformed, None),
                None => (Reason::Branch, None),
            });
        };
        let peer = match &self.way {
            Way::Open(line) => Some(line.peer),
            Way::Closed | Way::Opening => None,
        };
        // A response may only come from where the request went: RFC 3261 §18.2.2 sends it back the way it came, no address
        // translator would let another through, and anybody could have sent it.
        if peer.is_some_and(|peer| !is_same(peer, from)) {
            let seq = self.flights.get(slot).and_then(Option::as_ref).map(|f| f.due.seq);
            return Err((Reason::Source, seq));
        }
        Ok(slot)
    }
}

/// Whether two addresses are one; the scope of a link-local address is known on one side only.
fn is_same(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip().to_canonical() == b.ip().to_canonical()
}

impl Machine for Ping {
    type Event = Event;

    fn handle_connected(&mut self, line: &LineFacts, now: Instant) {
        self.way = Way::Open(Box::new(line.clone()));
        if let Some(size) = self.options.size {
            self.padding = padding::Padding::default();
            let bare = self.exchange(self.options.wait, now).and_then(|mut e| e.poll_transmit(now));
            let bare = bare.map_or(0, |bytes| bytes.len());
            match padding::Padding::from(bare, size) {
                Some(padding) => {
                    self.padding = padding;
                    self.padding.prepare(&self.identity);
                }
                None => {
                    self.tell(Event::TooSmall { least: bare });
                    self.stopped = true;
                    self.waiting.clear();
                    return;
                }
            }
        }
        if !self.waiting.is_empty() {
            self.next = Some(now + self.options.interval);
        }
        for due in std::mem::take(&mut self.waiting) {
            self.send(due, now);
        }
    }

    fn handle_message(&mut self, bytes: &[u8], from: SocketAddr, now: Instant) {
        match self.place(bytes, from) {
            Err((reason, seq)) => self.ignore(reason, from, seq),
            Ok(slot) => {
                let Some(Some(flight)) = self.flights.get_mut(slot) else { return };
                let seq = flight.due.seq;
                if let Err(reason) = flight.exchange.handle_message(bytes, &mut self.entropy, now) {
                    self.ignore(reason.map_or(Reason::NotSip, Reason::from), from, Some(seq));
                }
                self.pump(slot, now);
            }
        }
    }

    fn handle_timer(&mut self, now: Instant) {
        for slot in 0..self.flights.len() {
            let Some(Some(flight)) = self.flights.get_mut(slot) else { continue };
            if flight.exchange.poll_timeout().is_some_and(|at| at <= now) {
                flight.exchange.handle_timer(now);
                self.pump(slot, now);
            }
        }
    }

    fn handle_transport_error(&mut self, error: &TransportError, now: Instant) {
        self.way = Way::Closed;
        self.forget_unsent();
        let slots = 0..self.flights.len();
        let flights: Vec<Flight> = slots.filter_map(|slot| self.take(slot)).collect();
        let mut hurt: Vec<Due> = std::mem::take(&mut self.waiting).into();
        for mut flight in flights {
            flight.due.sends += flight.exchange.attempts().iter().map(|a| a.sends).sum::<u32>();
            hurt.push(flight.due);
        }
        hurt.sort_by_key(|due| due.seq);
        // A connection that is closed between two pings is opened again for the next.
        if hurt.is_empty() {
            return;
        }
        if self.can_move() {
            let mut hurt = hurt.into_iter();
            if let Some(first) = hurt.next() {
                self.waiting.extend(hurt);
                self.move_on(first, error.message.clone(), now);
            }
        } else {
            for due in hurt {
                self.give_up(due, Some(error), Duration::ZERO, false);
            }
        }
    }

    fn handle_stop(&mut self, now: Instant) {
        self.stopped = true;
        self.forget_unsent();
        let mut open: Vec<u64> = std::mem::take(&mut self.waiting).iter().map(|due| due.seq).collect();
        open.extend((0..self.flights.len()).filter_map(|slot| self.take(slot)).map(|flight| flight.due.seq));
        open.sort_unstable();
        for seq in open {
            self.tell(Event::Abandoned { seq });
        }
        self.next = Some(now);
    }

    fn poll_action(&mut self, now: Instant) -> Option<Action<Event>> {
        self.launch(now);
        self.actions.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let timers = self.flights.iter().flatten().filter_map(|f| f.exchange.poll_timeout()).min();
        let next = self.next.filter(|_| self.has_more() && self.has_room());
        [timers, next].into_iter().flatten().min()
    }

    fn is_finished(&self) -> bool {
        !self.has_more() && self.under_way() == 0 && self.actions.is_empty()
    }

    fn connect_timeout(&self) -> Duration {
        self.options.wait
    }
}
