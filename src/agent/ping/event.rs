//! What pings tell.

use crate::agent::{Answered, Exchange, Outcome};
use crate::sip::{Message, Outline};
use crate::transaction::Ignored;
use crate::transport::TransportError;
use std::net::SocketAddr;
use std::time::Duration;

/// What pings tell, as it happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A final response.
    Reply(Box<Reply>),
    /// Nothing final came in time.
    Lost(Lost),
    /// The line could not be opened, or broke before an answer.
    Failed {
        /// Which ping.
        seq: u64,
        /// Number of the candidate.
        candidate: usize,
        /// Why.
        error: Box<TransportError>,
    },
    /// Something came that is no answer to anything that waits.
    Ignored {
        /// Why it is none.
        reason: Reason,
        /// Who sent it.
        from: SocketAddr,
        /// The ping that it would have answered, where that can be told.
        seq: Option<u64>,
    },
    /// A candidate failed before anything answered: the next is tried. RFC 3263 §4.3
    Moved {
        /// Number of the candidate that failed.
        from: usize,
        /// Number of the next.
        to: usize,
        /// Why.
        why: String,
    },
    /// The wish to stop came while this ping was under way.
    Abandoned {
        /// Which ping.
        seq: u64,
    },
    /// The request does not fit into the size that was asked for; nothing is sent.
    TooSmall {
        /// Its bytes without padding.
        least: usize,
    },
}

/// A final response to a ping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// Which ping: 1, 2, …
    pub seq: u64,
    /// Status code.
    pub status: u16,
    /// Reason phrase, as it came.
    pub reason: Vec<u8>,
    /// The peer's address; `None` where the line is gone already.
    pub from: Option<SocketAddr>,
    /// Number of the candidate.
    pub candidate: usize,
    /// From the last send of the request to its final response. After a repeat nobody can tell which of the sends was
    /// answered (Karn's ambiguity): then it is the least that the round trip can have been.
    pub rtt: Duration,
    /// From the first send of the same request: the most that it can have been.
    pub rtt_first: Duration,
    /// From the first send of the first request, challenges included.
    pub total: Duration,
    /// From the first send to the first response of any kind.
    pub first_response: Option<Duration>,
    /// How often the request that was answered was sent.
    pub last_sends: u32,
    /// How often requests were sent for this ping, all candidates and challenges together.
    pub sends: u32,
    /// How many of them were repeats by a timer.
    pub repeats: u32,
    /// How many requests it took: one more for each challenge.
    pub requests: u32,
    /// Why a challenge could not be met, where that is the answer.
    pub challenge: Option<Answered>,
    /// All of it.
    pub response: Vec<u8>,
}

/// A ping without a final answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lost {
    /// Which ping.
    pub seq: u64,
    /// How often it was sent.
    pub sends: u32,
    /// How long it was waited for.
    pub after: Duration,
    /// Number of the candidate.
    pub candidate: usize,
    /// Whether a provisional response came.
    pub provisional: bool,
}

/// Why a message is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Reason {
    /// It is no SIP.
    NotSip,
    /// It is a request.
    Request,
    /// It is a response without a status code or a branch.
    Malformed,
    /// It answers no request of ours. RFC 3261 §17.1.3
    Branch,
    /// The method of its CSeq is another. RFC 3261 §17.1.3
    CseqMethod,
    /// CSeq number, Call-ID or From tag are not those of the request.
    Dialog,
    /// It came from another address than the request went to.
    Source,
    /// The ping was answered before.
    Repeat,
    /// The ping was given up before.
    Late,
}

impl Reason {
    /// The word for scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Reason::NotSip => "not-sip",
            Reason::Request => "request",
            Reason::Malformed => "malformed",
            Reason::Branch => "branch",
            Reason::CseqMethod => "cseq-method",
            Reason::Dialog => "dialog",
            Reason::Source => "source",
            Reason::Repeat => "repeat",
            Reason::Late => "late",
        }
    }

    /// The words for people, after `ignored: `.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Reason::NotSip => "no SIP message",
            Reason::Request => "a request instead of a response",
            Reason::Malformed => "a response without a usable status code or Via branch",
            Reason::Branch => "a response whose Via branch is none of ours",
            Reason::CseqMethod => "a response whose CSeq has no method or another one",
            Reason::Dialog => "a response whose CSeq number, Call-ID or From tag is not that of the request",
            Reason::Source => "a response from another address than the request went to",
            Reason::Repeat => "a repeat of an answer",
            Reason::Late => "an answer that came too late",
        }
    }
}

impl From<Ignored> for Reason {
    fn from(ignored: Ignored) -> Self {
        match ignored {
            Ignored::Request => Reason::Request,
            Ignored::Branch => Reason::Branch,
            Ignored::CseqMethod => Reason::CseqMethod,
            Ignored::Dialog => Reason::Dialog,
            Ignored::Malformed => Reason::Malformed,
            Ignored::Repeat => Reason::Repeat,
        }
    }
}

/// What an exchange that ended with a response has to tell; `earlier` is the number of sends to other candidates.
pub(super) fn reply(
    seq: u64,
    earlier: u32,
    candidate: usize,
    from: Option<SocketAddr>,
    exchange: &Exchange,
) -> Option<Reply> {
    let Some(Outcome::Final { status, response }) = exchange.outcome() else { return None };
    let attempts = exchange.attempts();
    let (first, last) = (attempts.first()?, attempts.last()?);
    let (at, _) = last.final_response?;
    let mut outline = Outline::new();
    let is_sip = outline.read(response);
    let reason = Message::new(response, &outline).reason().filter(|_| is_sip).unwrap_or_default().to_vec();
    let sends = attempts.iter().map(|a| a.sends).sum::<u32>();
    Some(Reply {
        seq,
        status: *status,
        reason,
        from,
        candidate,
        rtt: at.saturating_duration_since(last.last_sent),
        rtt_first: at.saturating_duration_since(last.first_sent),
        total: at.saturating_duration_since(first.first_sent),
        first_response: first.first_response.map(|r| r.saturating_duration_since(first.first_sent)),
        last_sends: last.sends,
        sends: earlier + sends,
        repeats: sends.saturating_sub(u32::try_from(attempts.len()).unwrap_or(u32::MAX)),
        requests: u32::try_from(attempts.len()).unwrap_or(u32::MAX),
        challenge: exchange.challenge().cloned(),
        response: response.clone(),
    })
}
