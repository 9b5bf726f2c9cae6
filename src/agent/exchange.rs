//! One request to its final response: the transaction, and the challenges on the way.

use super::{Answered, Authenticator, Draft, Identity};
use crate::base::Entropy;
use crate::transaction::{Ignored, Timers};
use crate::transport::{LineFacts, TransportError};
use std::time::{Duration, Instant};

/// How an exchange ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A final response that is no challenge (or a challenge that could not be met: then [`Exchange::challenge`] says why).
    Final {
        /// Its status code.
        status: u16,
        /// All of it.
        response: Vec<u8>,
    },
    /// Nothing final in time.
    Timeout,
    /// The line broke.
    Failed(TransportError),
}

/// One transaction of an exchange: the first, or one more for each challenge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// CSeq number.
    pub cseq: u32,
    /// When it was first sent.
    pub first_sent: Instant,
    /// When it was last sent: later than the first where it was repeated.
    pub last_sent: Instant,
    /// How often it was sent.
    pub sends: u32,
    /// When the first response of any kind came.
    pub first_response: Option<Instant>,
    /// When the final one came, and its status code.
    pub final_response: Option<(Instant, u16)>,
}

/// One request to its final response. Like every machine here: no socket, no clock.
#[derive(Debug)]
pub struct Exchange {
    _private: (),
}

impl Exchange {
    /// Starts: composes the draft for the line and begins its transaction. `timeout` bounds the whole exchange, challenges
    /// included, beside Timer F. The authenticator is taken along and given back by [`Exchange::into_authenticator`].
    #[must_use]
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        draft: Draft,
        identity: &Identity,
        line: &LineFacts,
        authenticator: Authenticator,
        timers: Timers,
        timeout: Duration,
        entropy: &mut Entropy,
        now: Instant,
    ) -> Self {
        let _ = (draft, identity, line, authenticator, timers, timeout, entropy, now);
        todo!()
    }

    /// Takes bytes that came; `Ok(true)` where they were a response to this exchange.
    ///
    /// # Errors
    /// Why they were not: to be counted, and shown with `-v`. `None` where they are no SIP at all.
    pub fn handle_message(&mut self, bytes: &[u8], entropy: &mut Entropy, now: Instant) -> Result<(), Option<Ignored>> {
        let _ = (bytes, entropy, now);
        todo!()
    }

    /// A timer is due.
    pub fn handle_timer(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// The line broke.
    pub fn handle_transport_error(&mut self, error: &TransportError) {
        let _ = error;
        todo!()
    }

    /// What is to be sent now.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Vec<u8>> {
        let _ = now;
        todo!()
    }

    /// When [`Exchange::handle_timer`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// Whether the branch of this response is one of ours (for a table of exchanges).
    #[must_use]
    pub fn branch(&self) -> &[u8] {
        todo!()
    }

    /// How it ended; `None` while it runs.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        todo!()
    }

    /// Its transactions so far.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        todo!()
    }

    /// Why a challenge that ended it could not be met.
    #[must_use]
    pub fn challenge(&self) -> Option<&Answered> {
        todo!()
    }

    /// The draft as last sent (CSeq raised for each challenge).
    #[must_use]
    pub fn draft(&self) -> &Draft {
        todo!()
    }

    /// The authenticator, for the next request to the same place.
    #[must_use]
    pub fn into_authenticator(self) -> Authenticator {
        todo!()
    }
}
