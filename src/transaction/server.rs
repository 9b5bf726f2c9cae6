//! Server transactions. RFC 3261 §17.2, RFC 6026 §7.1, RFC 4320 §4

use super::{Timers, key::Key};
use crate::sip::{Message, Method, Outline};
use std::time::{Duration, Instant};

/// What a server transaction has to tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A repeat of the request: absorbed, the last response (if any) goes out again.
    Repeat,
    /// The ACK of a final response that is no 2xx (of a 2xx only from a client that does not give it a branch of its own).
    Acknowledged,
    /// No ACK came in time: Timer H.
    Timeout,
}

/// The states of both machines. RFC 3261 §17.2.1, §17.2.2, RFC 6026 §7.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing was answered: Trying; an INVITE starts in Proceeding, which differs in nothing until a 1xx is sent.
    Trying,
    /// A 1xx was sent.
    Proceeding,
    /// A 2xx to an INVITE was sent: its repeats are absorbed in silence, for who accepted it repeats the 2xx. RFC 6026 §7.1
    Accepted,
    /// A final response was sent.
    Completed,
    /// The ACK came.
    Confirmed,
    /// Over.
    Terminated,
}

/// A server transaction.
#[derive(Debug)]
pub struct Server {
    key: Key,
    reliable: bool,
    timers: Timers,
    state: State,
    started: Instant,
    /// The response that a repeat of the request is answered with.
    last: Vec<u8>,
    due: bool,
    /// Timer G.
    resend: Option<Instant>,
    pause: Duration,
    /// Timer H, I, J or L; before a final response to a request other than INVITE, the end of its client.
    end: Option<Instant>,
}

impl Server {
    /// Starts a transaction for `request`.
    #[must_use]
    pub fn new(request: &Message<'_>, reliable: bool, timers: Timers, now: Instant) -> Self {
        let key = Key::of(request);
        // RFC 4320 §4.2: when the client has given up, no response helps.
        let end = if key.is_invite() { None } else { now.checked_add(timers.give_up()) };
        let state = State::Trying;
        let (last, pause) = (Vec::new(), timers.t1);
        Server { key, reliable, timers, state, started: now, last, due: false, resend: None, pause, end }
    }

    /// Whether `request` belongs to it: a repeat, or the ACK of its refusal. RFC 3261 §17.2.3
    #[must_use]
    pub fn matches(&self, request: &Message<'_>) -> bool {
        self.key.matches(request)
    }

    /// Takes a request in that [`Server::matches`].
    pub fn handle_message(&mut self, request: &Message<'_>, now: Instant) -> Option<Event> {
        if self.key.is_invite() && request.method() == Method::Ack {
            return self.handle_ack(now);
        }
        match self.state {
            State::Trying | State::Accepted => Some(Event::Repeat),
            State::Proceeding | State::Completed => {
                self.due = true;
                Some(Event::Repeat)
            }
            State::Confirmed | State::Terminated => None,
        }
    }

    fn handle_ack(&mut self, now: Instant) -> Option<Event> {
        match self.state {
            State::Completed => {
                self.state = State::Confirmed;
                (self.resend, self.due) = (None, false);
                let absorb = if self.reliable { Duration::ZERO } else { self.timers.t4 };
                self.end = now.checked_add(absorb);
                Some(Event::Acknowledged)
            }
            State::Accepted => Some(Event::Acknowledged),
            _ => None,
        }
    }

    /// Sends a response: provisional or final as its status says. `false` where a rule forbids it, and nothing is sent:
    /// after a final response; to a request other than INVITE a 408, a 1xx other than 100, a 100 over UDP that could be
    /// spared, anything after its client gave up. RFC 3261 §17.2, RFC 4320 §4
    pub fn respond(&mut self, response: Vec<u8>, status: u16, now: Instant) -> bool {
        self.allows(status, now) && self.force(response, status, now)
    }

    /// Sends a response without asking RFC 4320, for an endpoint that breaks it on purpose. `false` where the transaction had a
    /// final response already.
    pub fn force(&mut self, response: Vec<u8>, status: u16, now: Instant) -> bool {
        match (self.state, status) {
            (State::Trying | State::Proceeding, 100..=199) => self.state = State::Proceeding,
            (State::Trying | State::Proceeding, _) => self.finish(&response, status, now),
            // RFC 6026 §7.1: the 2xx that is repeated until its ACK comes.
            (State::Accepted, 200..=299) => {}
            _ => return false,
        }
        self.last = response;
        self.due = true;
        true
    }

    /// Whether RFC 4320 §4 lets that status be sent now.
    fn allows(&self, status: u16, now: Instant) -> bool {
        if self.key.is_invite() {
            return true;
        }
        let age = now.saturating_duration_since(self.started);
        match status {
            // RFC 4320 §4.2
            408 => false,
            _ if age >= self.timers.give_up() => false,
            // RFC 4320 §4.1: over UDP a 100 says something only when the client's Timer E has come to T2.
            100 => self.reliable || age >= self.slowed(),
            101..=199 => false,
            _ => true,
        }
    }

    /// How long it takes until a client's Timer E is set to T2: after T1, 3·T1, 7·T1 … RFC 4320 §4.1
    fn slowed(&self) -> Duration {
        let (mut pause, mut at) = (self.timers.t1, Duration::ZERO);
        // Sixty-four times T1 is the end of it all: seven doublings.
        for _ in 0..7 {
            if pause >= self.timers.t2 {
                break;
            }
            at = at.saturating_add(pause);
            pause = pause.saturating_mul(2);
        }
        at
    }

    fn finish(&mut self, response: &[u8], status: u16, now: Instant) {
        let give_up = now.checked_add(self.timers.give_up());
        if !self.key.is_invite() {
            self.state = State::Completed;
            self.end = if self.reliable { Some(now) } else { give_up };
            return;
        }
        self.end = give_up;
        if (200..=299).contains(&status) {
            self.state = State::Accepted;
            return;
        }
        self.state = State::Completed;
        self.resend = if self.reliable { None } else { now.checked_add(self.timers.t1) };
        let mut outline = Outline::new();
        outline.read(response);
        self.key.expect_ack(Message::new(response, &outline).to_tag());
    }

    /// Lets the timers that are due fire.
    pub fn handle_timer(&mut self, now: Instant) -> Option<Event> {
        if self.end.is_some_and(|at| at <= now) {
            let unacknowledged = self.key.is_invite() && self.state == State::Completed;
            self.state = State::Terminated;
            (self.resend, self.end) = (None, None);
            return unacknowledged.then_some(Event::Timeout);
        }
        if let Some(at) = self.resend.filter(|&at| at <= now) {
            self.due = true;
            // RFC 3261 §17.2.1
            self.pause = self.pause.saturating_mul(2).min(self.timers.t2);
            self.resend = at.checked_add(self.pause).filter(|&next| next > now).or_else(|| now.checked_add(self.pause));
        }
        None
    }

    /// What is to be sent now.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        std::mem::take(&mut self.due).then(|| self.last.clone())
    }

    /// When [`Server::handle_timer`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.resend.into_iter().chain(self.end).min()
    }

    /// Whether it is in the Terminated state.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }
}

#[cfg(test)]
mod tests;
