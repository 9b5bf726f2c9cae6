//! A traceroute of SIP: requests with Max-Forwards 0, 1, 2 …, each refused with 483 by the hop that it reaches, until one is
//! answered by the target. RFC 3261 §16.3 step 3, §8.1.1.6, §21.4.21

mod answer;

pub use answer::Answer;

use super::{Account, Action, Authenticator, Draft, Exchange, Identity, Machine, Outcome};
use crate::base::Entropy;
use crate::transaction::{Ignored, Timers};
use crate::transport::{LineFacts, TransportError};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The status of a hop that forwards no further. RFC 3261 §21.4.21
pub const TOO_MANY_HOPS: u16 = 483;
/// The status of a hop that saw the request before. RFC 3261 §21.4.20
pub const LOOP_DETECTED: u16 = 482;
/// Hops without any answer, one after the other, after which nothing further is asked.
const MAX_SILENT: u32 = 3;
/// Hops in a row at which the same server answers, and it is a loop: a path may well lead through a server twice.
const MAX_SAME: u32 = 4;

/// What is asked of a [`Trace`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Method.
    pub method: String,
    /// Request-URI, and the URI of To.
    pub uri: String,
    /// Hops that are asked at most.
    pub max_hops: u8,
    /// Requests a hop.
    pub probes: u32,
    /// How long an answer may take, and the opening of a line.
    pub timeout: Duration,
    /// T1, T2, T4.
    pub timers: Timers,
    /// How many candidates the plan has.
    pub candidates: usize,
}

/// One request with its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probe {
    /// The hop, from 1: Max-Forwards and one.
    pub hop: u8,
    /// The candidate that it was sent to.
    pub candidate: usize,
    /// How often its last request was sent.
    pub sends: u32,
    /// From the first sending of the request that was answered to its answer.
    pub rtt: Option<Duration>,
    /// From the first sending to the first response of any kind.
    pub first_response: Option<Duration>,
    /// The answer; `None` where none came in time.
    pub answer: Option<Answer>,
    /// Whether credentials were given and refused.
    pub refused: bool,
}

/// How a trace ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// A final response that is neither 483 nor 482.
    Reached,
    /// Every hop up to the last that was to be asked forwarded no further.
    TooFar,
    /// A hop said that it saw the request before (482).
    LoopDetected,
    /// The same server answers at every hop since this one.
    SameSince(u8),
    /// Nothing answered any more after this hop (0: nothing at all).
    SilentAfter(u8),
    /// There is no way there, or no longer.
    Failed(TransportError),
    /// Somebody wished to stop.
    Stopped,
}

/// What the machine tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A request came to its end.
    Probe(Box<Probe>),
    /// A candidate failed before anything answered: on to the next. RFC 3263 §4.3
    Moved {
        /// From which.
        from: usize,
        /// Why.
        why: String,
    },
    /// A message came that is not ours; `None` where it is no SIP.
    Ignored(Option<Ignored>),
    /// All is over.
    Ended(End),
}

#[derive(Debug)]
enum State {
    /// A line is being opened.
    Connecting,
    /// A request waits for its answer.
    Asking(Box<Exchange>),
    Finished,
}

/// What the hops said so far.
#[derive(Debug, Default)]
struct Course {
    /// Hops in a row, up to now, without an answer.
    silent: u32,
    /// Who answered at the last hop that did, at how many hops in a row, and since which.
    same: Option<(Vec<u8>, u32, u8)>,
    /// The present hop: any answer, who, and what it means.
    answered: bool,
    identity: Option<Vec<u8>>,
    reached: bool,
    loop_detected: bool,
}

/// The agent.
#[derive(Debug)]
pub struct Trace {
    options: Options,
    identity: Identity,
    entropy: Entropy,
    authenticator: Option<Authenticator>,
    account: Option<Account>,
    state: State,
    line: Option<LineFacts>,
    /// The line that was opened first at the present candidate.
    first_line: Option<LineFacts>,
    /// Whether the open line brought any message.
    line_proven: bool,
    candidate: usize,
    /// Max-Forwards of the present request.
    max_forwards: u8,
    /// Requests of this hop that have ended.
    done: u32,
    /// Whether anything at all was answered.
    answered: bool,
    course: Course,
    from: Option<SocketAddr>,
    actions: VecDeque<Action<Event>>,
}

impl Trace {
    /// Starts with the first candidate.
    #[must_use]
    pub fn new(options: Options, identity: Identity, account: Option<Account>, entropy: Entropy) -> Self {
        let mut trace = Trace {
            options,
            identity,
            entropy,
            authenticator: None,
            account,
            state: State::Connecting,
            line: None,
            first_line: None,
            line_proven: false,
            candidate: 0,
            max_forwards: 0,
            done: 0,
            answered: false,
            course: Course::default(),
            from: None,
            actions: VecDeque::new(),
        };
        trace.connect();
        trace
    }

    /// The line that was opened first at the candidate that was used: how long that took, and what TLS agreed on.
    #[must_use]
    pub fn line(&self) -> Option<&LineFacts> {
        self.first_line.as_ref()
    }

    fn tell(&mut self, event: Event) {
        self.actions.push_back(Action::Tell(event));
    }

    fn connect(&mut self) {
        (self.line, self.line_proven, self.state) = (None, false, State::Connecting);
        self.actions.push_back(Action::Connect(self.candidate));
    }

    fn ask(&mut self, now: Instant) {
        let Some(line) = &self.line else { return self.connect() };
        // Call-ID and tag of its own for each: a hop must not take the next request for the same one come back.
        let to = format!("<{}>", self.options.uri);
        let mut draft = Draft::new(&self.options.method, &self.options.uri, &to, &mut self.entropy);
        draft.max_forwards = self.max_forwards;
        if self.options.method == "REGISTER" {
            // RFC 3261 §10.2.3: without Contact it asks for the bindings and makes none.
            draft.contact_user = None;
        }
        let authenticator = self.authenticator.take().unwrap_or_else(|| Authenticator::new(self.account.clone()));
        let Options { timers, timeout, .. } = self.options;
        let entropy = &mut self.entropy;
        let exchange = Exchange::new(draft, &self.identity, line, authenticator, timers, timeout, entropy, now);
        self.state = State::Asking(Box::new(exchange));
    }

    /// Takes the exchange apart where it has ended, and goes on.
    fn settle(&mut self, now: Instant) {
        let State::Asking(exchange) = &self.state else { return };
        let Some(outcome) = exchange.outcome().cloned() else { return };
        let State::Asking(mut exchange) = std::mem::replace(&mut self.state, State::Finished) else { return };
        // The ACK of a refusal, where the request is one that wants it.
        while let Some(bytes) = exchange.poll_transmit(now) {
            self.actions.push_back(Action::Send(bytes));
        }
        let probe = self.probe(&exchange, &outcome);
        self.authenticator = Some(exchange.into_authenticator());
        if !self.answered && self.moves_on(&probe, &outcome) {
            return;
        }
        if let Outcome::Failed(error) = outcome {
            self.fail(error);
            return;
        }
        self.course.note(&probe);
        self.answered |= probe.answer.is_some();
        self.tell(Event::Probe(Box::new(probe)));
        self.next(now);
    }

    fn probe(&self, exchange: &Exchange, outcome: &Outcome) -> Probe {
        let attempts = exchange.attempts();
        let last = attempts.last();
        let since = |at: Option<Instant>| at.zip(last).map(|(at, a)| at.saturating_duration_since(a.first_sent));
        let answer = match outcome {
            Outcome::Final { status, response } => Some(Answer::of(*status, response, self.from)),
            Outcome::Timeout | Outcome::Failed(_) => None,
        };
        Probe {
            hop: self.max_forwards.saturating_add(1),
            candidate: self.candidate,
            sends: last.map_or(0, |a| a.sends),
            rtt: since(last.and_then(|a| a.final_response).map(|(at, _)| at)),
            first_response: since(last.and_then(|a| a.first_response)),
            answer,
            refused: exchange.challenge() == Some(&super::Answered::Refused),
        }
    }

    /// Goes to the next candidate where the first request found nobody. RFC 3263 §4.3
    fn moves_on(&mut self, probe: &Probe, outcome: &Outcome) -> bool {
        let why = match (outcome, &probe.answer) {
            (Outcome::Failed(error), _) => error.message.clone(),
            (Outcome::Timeout, _) => format!("no answer in {} s", self.options.timeout.as_secs_f64()),
            (_, Some(answer)) if answer.status == 503 => "503".to_owned(),
            _ => return false,
        };
        self.elsewhere(why)
    }

    fn elsewhere(&mut self, why: String) -> bool {
        if self.done > 0 || self.answered || self.candidate + 1 >= self.options.candidates {
            return false;
        }
        self.tell(Event::Moved { from: self.candidate, why });
        self.candidate += 1;
        (self.authenticator, self.first_line) = (None, None);
        self.connect();
        true
    }

    fn fail(&mut self, error: TransportError) {
        if self.line_proven {
            // A server may close a connection that has served its purpose: once more over a new one.
            return self.connect();
        }
        self.end(End::Failed(error));
    }

    fn end(&mut self, end: End) {
        self.state = State::Finished;
        self.tell(Event::Ended(end));
    }

    /// The next request: at this hop or the one behind it.
    fn next(&mut self, now: Instant) {
        self.done += 1;
        if self.done < self.options.probes.max(1) {
            return self.ask(now);
        }
        let hop = self.max_forwards.saturating_add(1);
        self.course.close_hop(hop);
        if self.course.reached {
            self.end(End::Reached);
        } else if self.course.loop_detected {
            self.end(End::LoopDetected);
        } else if let Some((_, _, since)) = self.course.same.as_ref().filter(|(_, times, _)| *times >= MAX_SAME) {
            self.end(End::SameSince(*since));
        } else if self.course.silent >= MAX_SILENT || hop >= self.options.max_hops && self.course.silent > 0 {
            let silent = u8::try_from(self.course.silent).unwrap_or(hop);
            self.end(End::SilentAfter(hop.saturating_sub(silent)));
        } else if hop >= self.options.max_hops {
            self.end(End::TooFar);
        } else {
            (self.done, self.max_forwards) = (0, hop);
            self.ask(now);
        }
    }
}

impl Course {
    fn note(&mut self, probe: &Probe) {
        let Some(answer) = &probe.answer else { return };
        self.answered = true;
        match answer.status {
            TOO_MANY_HOPS => self.identity = answer.instance.clone(),
            LOOP_DETECTED => self.loop_detected = true,
            _ => self.reached = true,
        }
    }

    /// The hop is done.
    fn close_hop(&mut self, hop: u8) {
        self.silent = if std::mem::take(&mut self.answered) { 0 } else { self.silent + 1 };
        self.same = match (self.identity.take(), self.same.take()) {
            (Some(now), Some((before, times, since))) if now == before => Some((before, times + 1, since)),
            (Some(now), _) => Some((now, 1, hop)),
            // A lost answer says nothing; one without an identity ends the row.
            (None, before) if self.silent > 0 => before,
            (None, _) => None,
        };
    }
}

impl Machine for Trace {
    type Event = Event;

    fn handle_connected(&mut self, line: &LineFacts, now: Instant) {
        if matches!(self.state, State::Connecting) {
            self.line = Some(line.clone());
            self.first_line.get_or_insert_with(|| line.clone());
            self.ask(now);
        }
    }

    fn handle_message(&mut self, bytes: &[u8], from: SocketAddr, now: Instant) {
        let taken = match &mut self.state {
            State::Asking(exchange) => exchange.handle_message(bytes, &mut self.entropy, now),
            // Between two lines nothing can come but what belongs to the old one.
            State::Connecting | State::Finished => Err(Some(Ignored::Repeat)),
        };
        match taken {
            Ok(()) => (self.from, self.line_proven) = (Some(from), true),
            Err(reason) => self.tell(Event::Ignored(reason)),
        }
        self.settle(now);
    }

    fn handle_timer(&mut self, now: Instant) {
        if let State::Asking(exchange) = &mut self.state {
            exchange.handle_timer(now);
        }
        self.settle(now);
    }

    fn handle_transport_error(&mut self, error: &TransportError, now: Instant) {
        match &mut self.state {
            State::Asking(exchange) => {
                exchange.handle_transport_error(error);
                self.line = None;
                self.settle(now);
            }
            State::Connecting => {
                if !self.elsewhere(error.message.clone()) {
                    self.end(End::Failed(error.clone()));
                }
            }
            State::Finished => {}
        }
    }

    fn handle_stop(&mut self, _now: Instant) {
        if !self.is_finished() && !matches!(self.state, State::Finished) {
            self.end(End::Stopped);
        }
    }

    fn poll_action(&mut self, now: Instant) -> Option<Action<Event>> {
        self.actions.pop_front().or_else(|| match &mut self.state {
            State::Asking(exchange) => exchange.poll_transmit(now).map(Action::Send),
            State::Connecting | State::Finished => None,
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Asking(exchange) => exchange.poll_timeout(),
            State::Connecting | State::Finished => None,
        }
    }

    fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished) && self.actions.is_empty()
    }

    fn connect_timeout(&self) -> Duration {
        self.options.timeout
    }
}

#[cfg(test)]
mod tests;
