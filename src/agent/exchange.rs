//! One request to its final response: the transaction, and the challenges on the way.

use super::{Answered, Authenticator, Draft, Identity};
use crate::base::Entropy;
use crate::sip::{HeaderName, Message, Outline};
use crate::transaction::{Client, Event, Ignored, Timers};
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

/// Transactions of one exchange: more challenges than any sane path has.
const MAX_ATTEMPTS: usize = 10;

/// One request to its final response. Like every machine here: no socket, no clock.
#[derive(Debug)]
pub struct Exchange {
    draft: Draft,
    identity: Identity,
    line: LineFacts,
    authenticator: Authenticator,
    timers: Timers,
    /// When the exchange is given up; `None` for never.
    deadline: Option<Instant>,
    client: Client,
    /// The transactions that ended in a challenge: they absorb its repeats, and acknowledge them again for an INVITE.
    challenged: Vec<Client>,
    attempts: Vec<Attempt>,
    outcome: Option<Outcome>,
    challenge: Option<Answered>,
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
        mut authenticator: Authenticator,
        timers: Timers,
        timeout: Duration,
        entropy: &mut Entropy,
        now: Instant,
    ) -> Self {
        // RFC 3261 §22.2: what answered the last challenge spares us the next.
        let credentials = authenticator.again(&draft.method, &draft.uri, &draft.body, entropy);
        let request = draft.compose(identity, line, &branch(entropy), &credentials);
        Exchange {
            identity: identity.clone(),
            line: line.clone(),
            authenticator,
            timers,
            deadline: now.checked_add(timeout),
            client: Client::new(request, line.protocol.is_reliable(), timers, now),
            challenged: Vec::new(),
            attempts: vec![Attempt::new(draft.cseq, now)],
            outcome: None,
            challenge: None,
            draft,
        }
    }

    /// Takes bytes that came; `Ok` where they were a response to this exchange.
    ///
    /// # Errors
    /// Why they were not: to be counted, and shown with `-v`. `None` where they are no SIP at all.
    pub fn handle_message(&mut self, bytes: &[u8], entropy: &mut Entropy, now: Instant) -> Result<(), Option<Ignored>> {
        let mut outline = Outline::new();
        if !outline.read(bytes) {
            return Err(None);
        }
        let message = Message::new(bytes, &outline);
        let event = match self.client.handle_message(&message, now) {
            Err(Ignored::Branch) => return Err(Some(self.handle_challenged(&message, now))),
            result => result.map_err(Some)?,
        };
        if self.outcome.is_some() {
            return Ok(());
        }
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.first_response.get_or_insert(now);
            if event == Event::Final {
                attempt.final_response = Some((now, message.status().unwrap_or_default()));
            }
        }
        if event == Event::Final {
            self.handle_final(&message, entropy, now);
        }
        Ok(())
    }

    /// A response that is not for the present transaction: perhaps for one that was challenged.
    fn handle_challenged(&mut self, message: &Message<'_>, now: Instant) -> Ignored {
        let results = self.challenged.iter_mut().map(|old| old.handle_message(message, now));
        // They have had their final response: whatever it is, it moves nothing.
        results.filter_map(Result::err).find(|&reason| reason != Ignored::Branch).unwrap_or(Ignored::Branch)
    }

    fn handle_final(&mut self, message: &Message<'_>, entropy: &mut Entropy, now: Instant) {
        let status = message.status().unwrap_or_default();
        match status {
            200..=299 => self.authenticator.handle_success(message),
            401 | 407 => match self.answer(message, entropy) {
                Answered::Credentials(credentials) => return self.try_again(&credentials, entropy, now),
                other => self.challenge = Some(other),
            },
            _ => {}
        }
        self.outcome = Some(Outcome::Final { status, response: message.bytes.to_vec() });
    }

    fn answer(&mut self, message: &Message<'_>, entropy: &mut Entropy) -> Answered {
        if self.attempts.len() >= MAX_ATTEMPTS {
            return Answered::TooOften;
        }
        let Draft { method, uri, body, .. } = &self.draft;
        self.authenticator.answer(message, method, uri, body, entropy)
    }

    /// The request again, with credentials: same Call-ID and From tag, next CSeq, a transaction of its own. RFC 3261 §22.2, §8.1.3.5
    fn try_again(&mut self, credentials: &[(HeaderName, String)], entropy: &mut Entropy, now: Instant) {
        self.draft.cseq = self.draft.cseq.saturating_add(1);
        let request = self.draft.compose(&self.identity, &self.line, &branch(entropy), credentials);
        let client = Client::new(request, self.line.protocol.is_reliable(), self.timers, now);
        self.challenged.push(std::mem::replace(&mut self.client, client));
        self.attempts.push(Attempt::new(self.draft.cseq, now));
    }

    /// A timer is due.
    pub fn handle_timer(&mut self, now: Instant) {
        for old in &mut self.challenged {
            old.handle_timer(now);
        }
        let event = self.client.handle_timer(now);
        let is_late = self.deadline.is_some_and(|at| at <= now);
        if self.outcome.is_none() && (event == Some(Event::Timeout) || is_late) {
            self.end(Outcome::Timeout);
        }
    }

    /// The line broke.
    pub fn handle_transport_error(&mut self, error: &TransportError) {
        if self.outcome.is_none() {
            self.end(Outcome::Failed(error.clone()));
        }
        // Nothing more goes out on it, the ACK of a refusal included.
        self.client.handle_transport_error();
        self.challenged.clear();
    }

    /// Nothing is sent any more.
    fn end(&mut self, outcome: Outcome) {
        self.client.handle_transport_error();
        self.outcome = Some(outcome);
    }

    /// What is to be sent now.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Vec<u8>> {
        // The ACK of a challenge goes before the request that answers it.
        if let Some(bytes) = self.challenged.iter_mut().find_map(Client::poll_transmit) {
            return Some(bytes);
        }
        let before = self.client.sends();
        let bytes = self.client.poll_transmit()?;
        let sends = self.client.sends();
        if let Some(attempt) = self.attempts.last_mut().filter(|_| sends > before) {
            if before == 0 {
                attempt.first_sent = now;
            }
            (attempt.last_sent, attempt.sends) = (now, sends);
        }
        Some(bytes)
    }

    /// When [`Exchange::handle_timer`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadline = self.deadline.filter(|_| self.outcome.is_none());
        let transactions = self.challenged.iter().chain([&self.client]).filter_map(Client::poll_timeout);
        transactions.chain(deadline).min()
    }

    /// The branch of the present transaction (for a table of exchanges).
    #[must_use]
    pub fn branch(&self) -> &[u8] {
        self.client.branch()
    }

    /// How it ended; `None` while it runs. After a final response the transaction may still absorb repeats, and acknowledge those
    /// of a refused INVITE: who owns the exchange keeps it for that, or drops it.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Its transactions so far.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Why a challenge that ended it could not be met.
    #[must_use]
    pub fn challenge(&self) -> Option<&Answered> {
        self.challenge.as_ref()
    }

    /// The draft as last sent (CSeq raised for each challenge).
    #[must_use]
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The request as it was last sent, with its Via and its credentials.
    #[must_use]
    pub fn request(&self) -> &[u8] {
        self.client.request()
    }

    /// The authenticator as it is now, for a request that goes to the same place while the exchange is still kept.
    #[must_use]
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// The authenticator, for the next request to the same place.
    #[must_use]
    pub fn into_authenticator(self) -> Authenticator {
        self.authenticator
    }
}

impl Attempt {
    fn new(cseq: u32, now: Instant) -> Self {
        Attempt { cseq, first_sent: now, last_sent: now, sends: 0, first_response: None, final_response: None }
    }
}

/// A branch that nobody has had before. RFC 3261 §8.1.1.7
pub(super) fn branch(entropy: &mut Entropy) -> String {
    format!("z9hG4bK{}", entropy.token())
}

#[cfg(test)]
mod tests;
