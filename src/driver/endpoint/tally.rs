//! What an endpoint counts.

use crate::sip::Method;
use std::collections::BTreeMap;

/// Why a message was not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Ignored {
    /// Line ends alone, or nothing at all. RFC 3261 §7.5, RFC 5626 §3.5.1
    KeepAlive,
    /// A STUN message. RFC 5626 §4.4.2
    Stun,
    /// No SIP.
    NotSip,
    /// A response: nothing was asked.
    Response,
    /// An ACK: never answered. RFC 3261 §17.2.1
    Ack,
    /// A request that lacks what a response needs: Via, From, To, Call-ID or CSeq.
    Unanswerable,
    /// Let fall on purpose (`--drop`).
    Dropped,
    /// Too many answers wait already.
    TooMany,
}

impl Ignored {
    /// All of them.
    pub const ALL: [Ignored; 8] = [
        Ignored::KeepAlive,
        Ignored::Stun,
        Ignored::NotSip,
        Ignored::Response,
        Ignored::Ack,
        Ignored::Unanswerable,
        Ignored::Dropped,
        Ignored::TooMany,
    ];

    /// A stable word for scripts.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Ignored::KeepAlive => "keep_alive",
            Ignored::Stun => "stun",
            Ignored::NotSip => "not_sip",
            Ignored::Response => "response",
            Ignored::Ack => "ack",
            Ignored::Unanswerable => "unanswerable",
            Ignored::Dropped => "dropped",
            Ignored::TooMany => "too_many_waiting",
        }
    }

    /// The same for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Ignored::KeepAlive => "keep-alive",
            Ignored::Stun => "STUN",
            Ignored::NotSip => "no SIP",
            Ignored::Response => "response",
            Ignored::Ack => "ACK",
            Ignored::Unanswerable => "lacks what an answer needs",
            Ignored::Dropped => "dropped",
            Ignored::TooMany => "too many answers wait",
        }
    }
}

/// What an endpoint counts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Requests, repeats apart, and those without what was let fall.
    pub requests: u64,
    /// Repeats of requests. RFC 3261 §17.2.2
    pub repeats: u64,
    /// Answers by method and status.
    pub answers: BTreeMap<(Method, u16), u64>,
    ignored: [u64; Ignored::ALL.len()],
    /// Answers that were forgotten before their time because the table was full: a repeat of theirs is a new request.
    pub evicted: u64,
    /// Requests that were refused with 503 because too many were under way, or too many calls stood.
    pub crowded: u64,
    /// Messages that could not be sent.
    pub unsent: u64,
}

impl Tally {
    /// Counts a message that is not answered.
    pub fn ignore(&mut self, why: Ignored) {
        if let Some(n) = self.ignored.get_mut(why as usize) {
            *n += 1;
        }
    }

    /// Counts an answer.
    pub fn answer(&mut self, method: Method, status: u16) {
        *self.answers.entry((method, status)).or_default() += 1;
    }

    /// How many messages were not answered for that reason.
    #[must_use]
    pub fn ignored(&self, why: Ignored) -> u64 {
        self.ignored.get(why as usize).copied().unwrap_or_default()
    }
}
