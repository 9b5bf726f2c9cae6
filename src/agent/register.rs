//! REGISTER: a trial that takes its binding away again, a query, a removal, a binding that is kept. RFC 3261 §10, RFC 5626

pub mod binding;
pub mod request;
#[cfg(test)]
mod tests;

pub use binding::{Binding, MAX_BINDINGS, Own};
pub use request::{Purpose, RegisterOptions};

use super::{Action, Answered, Attempt, Authenticator, Exchange, Machine, Outcome};
use crate::base::Entropy;
use crate::digest::Challenge;
use crate::sip::{HeaderName, Message, Outline};
use crate::transport::{LineFacts, TransportError};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What is wanted of the registrar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Register, see that the binding is there, remove it, see that it is gone.
    Trial,
    /// List the bindings.
    Query,
    /// Remove our Contact.
    Remove,
    /// Remove every binding. RFC 3261 §10.2.2
    RemoveAll,
    /// Register, refresh in time for this long, then remove the binding.
    Keep(Duration),
}

/// One request to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// What it was for.
    pub purpose: Purpose,
    /// The candidate that was asked.
    pub candidate: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// Its transactions.
    pub attempts: Vec<Attempt>,
    /// Why a challenge could not be met.
    pub refused: Option<Answered>,
    /// The challenges that were answered so far, each with whether a proxy asked.
    pub challenges: Vec<(Challenge, bool)>,
    /// The bindings that a 2xx lists.
    pub bindings: Vec<Binding>,
    /// Bindings beyond [`MAX_BINDINGS`].
    pub more_bindings: usize,
    /// Min-Expires of a 423.
    pub min_expires: Option<u32>,
    /// Seconds that were asked for.
    pub expires_s: u32,
}

impl Step {
    /// The status code of the final response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.outcome {
            Outcome::Final { status, .. } => Some(status),
            Outcome::Timeout | Outcome::Failed(_) => None,
        }
    }

    /// Whether the registrar did what it was asked to do.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status().is_some_and(|s| (200..300).contains(&s))
    }

    /// Our own binding, where the response lists it.
    #[must_use]
    pub fn own(&self) -> Option<&Binding> {
        self.bindings.iter().find(|b| b.own && b.expires_s != Some(0))
    }
}

/// What the machine tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A request goes out.
    Asking {
        /// What for.
        purpose: Purpose,
        /// To which candidate.
        candidate: usize,
    },
    /// A request came to its end.
    Done(Box<Step>),
    /// The line to a candidate could not be opened, or broke while nothing was asked.
    Failed {
        /// Which.
        candidate: usize,
        /// Why.
        error: TransportError,
    },
    /// The binding stands; it is refreshed after this long.
    Waiting(Duration),
    /// A message came that is not ours.
    Ignored,
}

#[derive(Debug)]
enum State {
    /// A line is wanted for this request.
    Connecting(Purpose),
    Asking(Purpose, Box<Exchange>),
    /// The binding stands until it has to be refreshed or removed.
    Waiting(Instant),
    Finished,
}

/// How long cleaning up may take once somebody wishes to stop.
const STOP_BOUND: Duration = Duration::from_secs(4);
/// How often one registrar may find our expiry too brief.
const MAX_BRIEF: u32 = 2;

/// The agent.
#[derive(Debug)]
pub struct Register {
    options: RegisterOptions,
    entropy: Entropy,
    state: State,
    actions: VecDeque<Action<Event>>,
    line: Option<LineFacts>,
    authenticator: Option<Authenticator>,
    candidate: usize,
    /// Candidates in a row that failed.
    failed: usize,
    dialogue: request::Dialogue,
    expires_s: u32,
    brief: u32,
    /// Whether a request went out that may have made a binding which was not removed since.
    bound: bool,
    /// When a kept binding has been kept long enough.
    until: Option<Instant>,
    /// When cleaning up has to be over.
    stop_by: Option<Instant>,
}

impl Register {
    /// Starts with the first of `candidates` places to try.
    #[must_use]
    pub fn new(options: RegisterOptions, mut entropy: Entropy) -> Self {
        let authenticator = Some(Authenticator::new(options.account.clone()));
        let dialogue = request::Dialogue::new(&options, &mut entropy);
        let first = match options.mode {
            Mode::Trial | Mode::Keep(_) => Purpose::Register,
            Mode::Query => Purpose::Query,
            Mode::Remove => Purpose::Remove,
            Mode::RemoveAll => Purpose::RemoveAll,
        };
        let mut machine = Register {
            expires_s: options.expires_s,
            options,
            entropy,
            state: State::Finished,
            actions: VecDeque::new(),
            line: None,
            authenticator,
            candidate: 0,
            failed: 0,
            dialogue,
            brief: 0,
            bound: false,
            until: None,
            stop_by: None,
        };
        if machine.options.candidates > 0 {
            machine.connect(first);
        }
        machine
    }

    /// Whether somebody wished to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop_by.is_some()
    }

    /// Whether a binding of ours may be left at the registrar.
    #[must_use]
    pub fn may_be_bound(&self) -> bool {
        self.bound
    }

    /// The URI of our Contact, once a line was open.
    #[must_use]
    pub fn contact(&self) -> &[u8] {
        &self.dialogue.own.uri
    }

    fn tell(&mut self, event: Event) {
        self.actions.push_back(Action::Tell(event));
    }

    fn connect(&mut self, purpose: Purpose) {
        self.line = None;
        self.state = State::Connecting(purpose);
        self.actions.push_back(Action::Connect(self.candidate));
    }

    fn ask(&mut self, purpose: Purpose, now: Instant) {
        let Some(line) = self.line.clone() else { return self.connect(purpose) };
        if purpose.binds() {
            self.bound = true;
        }
        let draft = self.dialogue.draft(purpose, self.expires_s, &self.options, &line);
        let authenticator =
            self.authenticator.take().unwrap_or_else(|| Authenticator::new(self.options.account.clone()));
        let timeout = match self.stop_by {
            Some(by) => by.saturating_duration_since(now).min(self.options.timeout),
            None => self.options.timeout,
        };
        let exchange = Exchange::new(
            draft,
            &self.options.identity,
            &line,
            authenticator,
            self.options.timers,
            timeout,
            &mut self.entropy,
            now,
        );
        self.state = State::Asking(purpose, Box::new(exchange));
        self.tell(Event::Asking { purpose, candidate: self.candidate });
    }

    /// Takes the exchange apart where it has ended, and goes on.
    fn settle(&mut self, now: Instant) {
        let State::Asking(_, exchange) = &self.state else { return };
        let Some(outcome) = exchange.outcome().cloned() else { return };
        let State::Asking(purpose, exchange) = std::mem::replace(&mut self.state, State::Finished) else { return };
        let step = self.close(purpose, *exchange, outcome);
        let next = self.after(&step, now);
        self.tell(Event::Done(Box::new(step)));
        match next {
            Next::Ask(purpose) => self.ask(purpose, now),
            Next::Elsewhere(purpose) => self.elsewhere(purpose),
            Next::Wait(pause) => {
                self.tell(Event::Waiting(pause));
                self.state = State::Waiting(now + pause);
            }
            Next::Finish => self.state = State::Finished,
        }
    }

    fn close(&mut self, purpose: Purpose, exchange: Exchange, outcome: Outcome) -> Step {
        self.dialogue.cseq = exchange.draft().cseq;
        let mut step = Step {
            purpose,
            candidate: self.candidate,
            attempts: exchange.attempts().to_vec(),
            refused: exchange.challenge().cloned(),
            outcome,
            challenges: Vec::new(),
            bindings: Vec::new(),
            more_bindings: 0,
            min_expires: None,
            expires_s: self.expires_s,
        };
        let mut authenticator = exchange.into_authenticator();
        let mut outline = Outline::new();
        if let Outcome::Final { status, response } = &step.outcome
            && outline.read(response)
        {
            let message = Message::new(response, &outline);
            if (200..300).contains(status) {
                (step.bindings, step.more_bindings) = binding::bindings(&message, &self.dialogue.own);
            }
            if *status == 423 {
                step.min_expires = message.header(HeaderName::MinExpires).and_then(binding::seconds);
            }
            if (200..300).contains(status) || *status == 423 {
                authenticator.handle_success(&message);
            }
        }
        step.challenges = authenticator.challenges().map(|(c, by_proxy)| (c.clone(), by_proxy)).collect();
        self.authenticator = Some(authenticator);
        step
    }

    /// What follows a request that ended so.
    fn after(&mut self, step: &Step, now: Instant) -> Next {
        let purpose = step.purpose;
        // RFC 3263 §4.3: a 503, silence and a broken line send us to the next candidate.
        if matches!(step.status(), None | Some(503)) {
            self.failed += 1;
            if step.status().is_none() {
                self.line = None;
            } else if purpose == Purpose::Register {
                self.bound = false;
            }
            let anywhere_left = self.failed < self.options.candidates && self.stop_by.is_none_or(|by| now < by);
            return if anywhere_left { Next::Elsewhere(purpose) } else { Next::Finish };
        }
        self.failed = 0;
        if let Some(least) = step.min_expires
            && purpose.binds()
            && least > self.expires_s
            && self.brief < MAX_BRIEF
            && self.stop_by.is_none()
        {
            // RFC 3261 §10.2.8
            self.brief += 1;
            self.expires_s = least;
            return Next::Ask(purpose);
        }
        if !step.is_success() {
            // A refresh that is refused leaves the earlier binding standing.
            let clean_up = purpose == Purpose::Refresh && self.bound;
            if purpose == Purpose::Register {
                self.bound = false;
            }
            return if clean_up { Next::Ask(Purpose::Remove) } else { Next::Finish };
        }
        match (purpose, self.options.mode) {
            (Purpose::Register | Purpose::Refresh, Mode::Keep(period)) if self.stop_by.is_none() => {
                let until = *self.until.get_or_insert(now + period);
                let pause = refresh_after(step.own().and_then(|b| b.expires_s).unwrap_or(self.expires_s));
                Next::Wait(pause.min(until.saturating_duration_since(now)))
            }
            (Purpose::Register | Purpose::Refresh, _) => Next::Ask(Purpose::Remove),
            (Purpose::Remove | Purpose::RemoveAll, _) => {
                self.bound = false;
                Next::Ask(Purpose::Check)
            }
            (Purpose::Check, _) => {
                self.bound = step.own().is_some();
                Next::Finish
            }
            (Purpose::Query, _) => Next::Finish,
        }
    }

    fn elsewhere(&mut self, purpose: Purpose) {
        // Another server may not know the nonces of this one, and its first challenge is no refusal.
        self.authenticator = None;
        self.candidate = (self.candidate + 1) % self.options.candidates.max(1);
        self.connect(purpose);
    }
}

enum Next {
    Ask(Purpose),
    Elsewhere(Purpose),
    Wait(Duration),
    Finish,
}

/// How long a binding of that many seconds is left alone: till ten minutes before its end, or for half of a brief one, as
/// 3GPP TS 24.229 §5.1.1.4.1 has it; never so short that the registrar is flooded.
fn refresh_after(expires_s: u32) -> Duration {
    let seconds = if expires_s > 1200 { f64::from(expires_s - 600) } else { f64::from(expires_s) / 2.0 };
    Duration::from_secs_f64(seconds.max(0.5))
}

impl Machine for Register {
    type Event = Event;

    fn handle_connected(&mut self, line: &LineFacts, now: Instant) {
        let State::Connecting(purpose) = self.state else { return };
        self.line = Some(line.clone());
        self.dialogue.connected(&self.options, line);
        self.ask(purpose, now);
    }

    fn handle_message(&mut self, bytes: &[u8], _from: SocketAddr, now: Instant) {
        let taken = match &mut self.state {
            State::Asking(_, exchange) => exchange.handle_message(bytes, &mut self.entropy, now).is_ok(),
            State::Connecting(_) | State::Waiting(_) | State::Finished => false,
        };
        if !taken {
            self.tell(Event::Ignored);
        }
        self.settle(now);
    }

    fn handle_timer(&mut self, now: Instant) {
        if self.stop_by.is_some_and(|by| now >= by) {
            self.state = State::Finished;
            return;
        }
        match &mut self.state {
            State::Asking(_, exchange) => exchange.handle_timer(now),
            State::Waiting(at) if now >= *at => {
                let over = self.until.is_some_and(|until| now >= until);
                self.ask(if over { Purpose::Remove } else { Purpose::Refresh }, now);
            }
            State::Connecting(_) | State::Waiting(_) | State::Finished => {}
        }
        self.settle(now);
    }

    fn handle_transport_error(&mut self, error: &TransportError, now: Instant) {
        match &mut self.state {
            State::Asking(_, exchange) => {
                exchange.handle_transport_error(error);
                self.settle(now);
            }
            State::Connecting(purpose) => {
                let purpose = *purpose;
                self.tell(Event::Failed { candidate: self.candidate, error: error.clone() });
                self.failed += 1;
                if self.failed < self.options.candidates {
                    self.elsewhere(purpose);
                } else {
                    self.state = State::Finished;
                }
            }
            State::Waiting(_) => {
                // The binding leads to a line that is gone: made anew over another one at once. RFC 5626 §4.5
                self.tell(Event::Failed { candidate: self.candidate, error: error.clone() });
                self.connect(Purpose::Refresh);
            }
            State::Finished => {}
        }
    }

    fn handle_stop(&mut self, now: Instant) {
        if self.stop_by.is_some() || self.is_finished() {
            return;
        }
        self.stop_by = Some(now + self.options.timeout.min(STOP_BOUND));
        let purpose = match &self.state {
            State::Asking(Purpose::Remove | Purpose::RemoveAll | Purpose::Check, _) => return,
            State::Asking(purpose, _) | State::Connecting(purpose) => *purpose,
            State::Waiting(_) => Purpose::Refresh,
            State::Finished => return,
        };
        if !self.bound || self.line.is_none() && purpose == Purpose::Register {
            self.state = State::Finished;
            return;
        }
        // The request that waits for its answer is let go. Should it reach the registrar after the removal, its lower CSeq
        // keeps it from binding anything. RFC 3261 §10.3 step 7
        if let State::Asking(_, exchange) = std::mem::replace(&mut self.state, State::Finished) {
            self.dialogue.cseq = exchange.draft().cseq;
            self.authenticator = Some(exchange.into_authenticator());
        }
        self.ask(Purpose::Remove, now);
    }

    fn poll_action(&mut self, now: Instant) -> Option<Action<Event>> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        match &mut self.state {
            State::Asking(_, exchange) => exchange.poll_transmit(now).map(Action::Send),
            State::Connecting(_) | State::Waiting(_) | State::Finished => None,
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let own = match &self.state {
            State::Asking(_, exchange) => exchange.poll_timeout(),
            State::Waiting(at) => Some(*at),
            State::Connecting(_) => None,
            State::Finished => return None,
        };
        own.into_iter().chain(self.stop_by).min()
    }

    fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished) && self.actions.is_empty()
    }

    fn connect_timeout(&self) -> Duration {
        self.options.timeout
    }
}
