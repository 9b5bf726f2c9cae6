//! Server transactions. RFC 3261 §17.2, RFC 6026 §7.1, RFC 4320 §4

use super::Timers;
use crate::sip::Message;
use std::time::Instant;

/// What a server transaction has to tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A repeat of the request: absorbed, the last response (if any) goes out again.
    Repeat,
    /// The ACK of a final response that is no 2xx.
    Acknowledged,
    /// No ACK came in time: Timer H.
    Timeout,
}

/// A server transaction.
#[derive(Debug)]
pub struct Server {
    _private: (),
}

impl Server {
    /// Starts a transaction for `request`.
    #[must_use]
    pub fn new(request: &Message<'_>, reliable: bool, timers: Timers, now: Instant) -> Self {
        let _ = (request, reliable, timers, now);
        todo!()
    }

    /// Whether `request` belongs to it: a repeat, or the ACK of its refusal. RFC 3261 §17.2.3
    #[must_use]
    pub fn matches(&self, request: &Message<'_>) -> bool {
        let _ = request;
        todo!()
    }

    /// Takes a request in that [`Server::matches`].
    pub fn handle_message(&mut self, request: &Message<'_>, now: Instant) -> Option<Event> {
        let _ = (request, now);
        todo!()
    }

    /// Sends a response: provisional or final as its status says.
    pub fn respond(&mut self, response: Vec<u8>, status: u16, now: Instant) {
        let _ = (response, status, now);
        todo!()
    }

    /// Lets the timers that are due fire.
    pub fn handle_timer(&mut self, now: Instant) -> Option<Event> {
        let _ = now;
        todo!()
    }

    /// What is to be sent now.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        todo!()
    }

    /// When [`Server::handle_timer`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// Whether it is in the Terminated state.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        todo!()
    }
}
