//! Client transactions. RFC 3261 §17.1, RFC 6026 §7.2

use super::{Timers, ack};
use crate::sip::{Message, Method, Outline};
use std::time::{Duration, Instant};

/// What a client transaction has to tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A 1xx; the message is the one that was just handled.
    Provisional,
    /// The first final response, or (INVITE only, RFC 6026 §7.2) a further 2xx; the message that was just handled.
    Final,
    /// Nothing final came in time: Timer B or F.
    Timeout,
}

/// Why a message is not for this transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ignored {
    /// It is a request.
    Request,
    /// The branch of its top Via is another. RFC 3261 §17.1.3
    Branch,
    /// The method of its CSeq is another. RFC 3261 §17.1.3
    CseqMethod,
    /// Its CSeq number, Call-ID or From tag is not that of the request although the branch is.
    Dialog,
    /// No status code that could be a response's.
    Malformed,
    /// A final response was there already: a repeat that is absorbed. Also what comes after the transaction was given up.
    Repeat,
}

/// The states of both machines. RFC 3261 §17.1.1.2, §17.1.2.2, RFC 6026 §7.2
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Sent, nothing came: Calling (INVITE) or Trying.
    Calling,
    /// A 1xx came.
    Proceeding,
    /// A 2xx to an INVITE came: further ones are passed on, for they may be of another branch of a fork. RFC 6026 §7.2
    Accepted,
    /// A final response came: its repeats are absorbed.
    Completed,
    /// Over.
    Terminated,
}

/// What a response must have in common with the request.
#[derive(Debug)]
struct Key {
    branch: Vec<u8>,
    method: Vec<u8>,
    number: Option<u32>,
    call_id: Vec<u8>,
    from_tag: Vec<u8>,
}

/// A client transaction.
#[derive(Debug)]
pub struct Client {
    request: Vec<u8>,
    key: Key,
    is_invite: bool,
    reliable: bool,
    timers: Timers,
    state: State,
    /// Timer A or E.
    resend: Option<Instant>,
    /// What Timer A or E was last set to.
    pause: Duration,
    /// Timer B or F, then D, K or M.
    end: Option<Instant>,
    ack: Vec<u8>,
    request_due: bool,
    ack_due: bool,
    sends: u32,
}

impl Client {
    /// Starts a transaction for `request` (which stands complete, with its Via); the first [`Client::poll_transmit`] gives it.
    /// `reliable`: over TCP, TLS, WS or WSS nothing is sent twice. RFC 3261 §17.1.2.2
    #[must_use]
    pub fn new(request: Vec<u8>, reliable: bool, timers: Timers, now: Instant) -> Self {
        let mut outline = Outline::new();
        outline.read(&request);
        let message = Message::new(&request, &outline);
        let key = Key {
            branch: message.branch().to_vec(),
            method: message.method_text().to_vec(),
            number: message.cseq().map(|c| c.number),
            call_id: message.call_id().to_vec(),
            from_tag: message.from_tag().to_vec(),
        };
        let is_invite = message.method() == Method::Invite;
        Client {
            request,
            key,
            is_invite,
            reliable,
            timers,
            state: State::Calling,
            resend: if reliable { None } else { now.checked_add(timers.t1) },
            pause: timers.t1,
            end: now.checked_add(timers.give_up()),
            ack: Vec::new(),
            request_due: true,
            ack_due: false,
            sends: 0,
        }
    }

    /// Whether the request is an INVITE.
    #[must_use]
    pub fn is_invite(&self) -> bool {
        self.is_invite
    }

    /// The request as it is sent.
    #[must_use]
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// The branch by which responses find it.
    #[must_use]
    pub fn branch(&self) -> &[u8] {
        &self.key.branch
    }

    /// Takes a message in.
    ///
    /// # Errors
    /// Why it was ignored.
    pub fn handle_message(&mut self, message: &Message<'_>, now: Instant) -> Result<Event, Ignored> {
        let status = self.status_of(message)?;
        match (self.state, status) {
            (State::Terminated, _) => Err(Ignored::Repeat),
            (State::Calling | State::Proceeding, 100..=199) => {
                self.handle_provisional();
                Ok(Event::Provisional)
            }
            (State::Calling | State::Proceeding, _) => {
                self.handle_final(message, status, now);
                Ok(Event::Final)
            }
            // RFC 6026 §7.2: Timer M goes on, and the response is passed to who must acknowledge it.
            (State::Accepted, 200..=299) => Ok(Event::Final),
            (State::Completed, 300..=699) => {
                // RFC 3261 §17.1.1.2: its repeat says that the ACK was lost.
                self.ack_due = self.is_invite;
                Err(Ignored::Repeat)
            }
            _ => Err(Ignored::Repeat),
        }
    }

    /// The status code of a response to our request. RFC 3261 §17.1.3
    fn status_of(&self, message: &Message<'_>) -> Result<u16, Ignored> {
        let status = message.status().ok_or(Ignored::Request)?;
        let key = &self.key;
        if message.branch() != key.branch || key.branch.is_empty() {
            return Err(Ignored::Branch);
        }
        if message.method_text() != key.method {
            return Err(Ignored::CseqMethod);
        }
        let same_number = message.cseq().map(|c| c.number) == key.number;
        if !same_number || message.call_id() != key.call_id || message.from_tag() != key.from_tag {
            return Err(Ignored::Dialog);
        }
        // RFC 3261 §7.2: the first digit is 1 to 6.
        if (100..=699).contains(&status) { Ok(status) } else { Err(Ignored::Malformed) }
    }

    fn handle_provisional(&mut self) {
        self.state = State::Proceeding;
        if self.is_invite {
            // RFC 3261 §17.1.1.2: no more repeats, and how long it may ring is not ours to say.
            (self.resend, self.end, self.request_due) = (None, None, false);
        } else {
            // RFC 3261 §17.1.2.2: Timer E runs out as it was set, and is T2 from then on.
            self.pause = self.timers.t2;
        }
    }

    fn handle_final(&mut self, message: &Message<'_>, status: u16, now: Instant) {
        (self.resend, self.request_due) = (None, false);
        let linger = if self.is_invite && status < 300 {
            self.state = State::Accepted;
            self.timers.give_up()
        } else {
            self.state = State::Completed;
            if self.is_invite {
                self.ack = ack::of(&self.request, message);
                self.ack_due = true;
            }
            self.absorb()
        };
        self.end = now.checked_add(linger);
    }

    /// Timer D or K.
    fn absorb(&self) -> Duration {
        match (self.reliable, self.is_invite) {
            (true, _) => Duration::ZERO,
            // RFC 3261 §17.1.1.2: at least 32 seconds, for the server's T1 is not known.
            (false, true) => self.timers.give_up().max(Duration::from_secs(32)),
            (false, false) => self.timers.t4,
        }
    }

    /// Lets the timers that are due fire.
    pub fn handle_timer(&mut self, now: Instant) -> Option<Event> {
        if self.state == State::Terminated {
            return None;
        }
        if self.end.is_some_and(|at| at <= now) {
            let unanswered = matches!(self.state, State::Calling | State::Proceeding);
            self.handle_transport_error();
            return unanswered.then_some(Event::Timeout);
        }
        if let Some(at) = self.resend.filter(|&at| at <= now) {
            self.request_due = true;
            self.pause = self.next_pause();
            // From when it was due, so that lateness does not add up; but no repeats on top of each other.
            self.resend = at.checked_add(self.pause).filter(|&next| next > now).or_else(|| now.checked_add(self.pause));
        }
        None
    }

    /// What Timer A or E is set to when it has fired.
    fn next_pause(&self) -> Duration {
        let double = self.pause.saturating_mul(2);
        match (self.is_invite, self.state) {
            // RFC 3261 §17.1.1.2: Timer A has no bound but Timer B.
            (true, _) => double,
            (false, State::Proceeding) => self.timers.t2,
            (false, _) => double.min(self.timers.t2),
        }
    }

    /// The transport could not send: the transaction is over. RFC 3261 §17.1.4
    pub fn handle_transport_error(&mut self) {
        self.state = State::Terminated;
        (self.resend, self.end) = (None, None);
        (self.request_due, self.ack_due) = (false, false);
    }

    /// What is to be sent now: the request, its repeats, the ACK of a refusal.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        if std::mem::take(&mut self.request_due) {
            self.sends = self.sends.saturating_add(1);
            return Some(self.request.clone());
        }
        std::mem::take(&mut self.ack_due).then(|| self.ack.clone())
    }

    /// When [`Client::handle_timer`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.resend.into_iter().chain(self.end).min()
    }

    /// How often the request was sent.
    #[must_use]
    pub fn sends(&self) -> u32 {
        self.sends
    }

    /// Whether it is in the Terminated state.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }
}

#[cfg(test)]
mod tests;
