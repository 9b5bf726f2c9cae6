//! Client transactions. RFC 3261 §17.1, RFC 6026 §7.2

use super::Timers;
use crate::sip::Message;
use std::time::Instant;

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
    /// A final response was there already: a repeat that is absorbed.
    Repeat,
}

/// A client transaction.
#[derive(Debug)]
pub struct Client {
    _private: (),
}

impl Client {
    /// Starts a transaction for `request` (which stands complete, with its Via); the first [`Client::poll_transmit`] gives it.
    /// `reliable`: over TCP, TLS, WS or WSS nothing is sent twice. RFC 3261 §17.1.2.2
    #[must_use]
    pub fn new(request: Vec<u8>, reliable: bool, timers: Timers, now: Instant) -> Self {
        let _ = (request, reliable, timers, now);
        todo!()
    }

    /// Whether the request is an INVITE.
    #[must_use]
    pub fn is_invite(&self) -> bool {
        todo!()
    }

    /// The request as it is sent.
    #[must_use]
    pub fn request(&self) -> &[u8] {
        todo!()
    }

    /// The branch by which responses find it.
    #[must_use]
    pub fn branch(&self) -> &[u8] {
        todo!()
    }

    /// Takes a message in.
    ///
    /// # Errors
    /// Why it was ignored.
    pub fn handle_message(&mut self, message: &Message<'_>, now: Instant) -> Result<Event, Ignored> {
        let _ = (message, now);
        todo!()
    }

    /// Lets the timers that are due fire.
    pub fn handle_timer(&mut self, now: Instant) -> Option<Event> {
        let _ = now;
        todo!()
    }

    /// The transport could not send: the transaction is over. RFC 3261 §17.1.4
    pub fn handle_transport_error(&mut self) {
        todo!()
    }

    /// What is to be sent now: the request, its repeats, the ACK of a refusal.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        todo!()
    }

    /// When [`Client::handle_timer`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// How often the request was sent.
    #[must_use]
    pub fn sends(&self) -> u32 {
        todo!()
    }

    /// Whether it is in the Terminated state.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        todo!()
    }
}
