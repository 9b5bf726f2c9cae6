//! Transactions as they were seen: a request, its repeats, and its responses. RFC 3261 §17

use super::facts::Facts;
use crate::base::{Flow, Span, Timestamp};
use crate::sip::Method;

/// How a message stands to an earlier one of its transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repeat {
    /// Sent again by its sender.
    Retransmission,
    /// The same packet captured again, or seen at a second point: not sent again.
    Copy,
}

/// A request and all its responses (and the ACK, if the response was not 2xx), on one hop.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Method of the request (of ACK to a 2xx: ACK).
    pub method: Method,
    /// CSeq number.
    pub cseq: u32,
    /// Branch of the top Via, in the texts of the conversation.
    pub branch: Span,
    /// sent-by of the top Via.
    pub sent_by: Span,
    /// Whether the top Via asks for the answer at the port that the request came from. RFC 3581 §3
    pub asks_rport: bool,
    /// Position of its latest message.
    pub latest: u32,
    /// Where the request went; of a transaction first seen by a response, its reverse.
    pub flow: Flow,
    /// Position of the request in the conversation, if it was seen.
    pub request: Option<u32>,
    /// How often the request was sent (copies not counted).
    pub sends: u32,
    /// When it was last sent.
    pub last_send: Timestamp,
    /// Position of the first response of any kind.
    pub first_response: Option<u32>,
    /// Position of the first provisional response over 100.
    pub first_progress: Option<u32>,
    /// Position of the first final response.
    pub final_response: Option<u32>,
    /// Status code of it; 0 before.
    pub final_status: u16,
    /// How often the final response was sent.
    pub final_sends: u32,
    /// Position of the ACK that belongs to the transaction (non-2xx).
    pub ack: Option<u32>,
}

impl Transaction {
    /// A transaction that begins with `facts` at `position` of the conversation; `via` is branch and sent-by of its top Via.
    #[must_use]
    pub fn begin(facts: &Facts, via: (Span, Span), position: u32) -> Self {
        let flow = if facts.is_request() { facts.flow } else { facts.flow.reversed() };
        Transaction {
            method: facts.method,
            cseq: facts.cseq,
            branch: via.0,
            sent_by: via.1,
            asks_rport: false,
            latest: position,
            flow,
            request: facts.is_request().then_some(position),
            sends: u32::from(facts.is_request()),
            last_send: facts.time,
            first_response: None,
            first_progress: None,
            final_response: None,
            final_status: 0,
            final_sends: 0,
            ack: None,
        }
    }

    /// Takes in a response that is no repeat.
    pub fn respond(&mut self, facts: &Facts, position: u32) {
        self.first_response.get_or_insert(position);
        if facts.status > 100 && facts.status < 200 {
            self.first_progress.get_or_insert(position);
        }
        if facts.is_final() {
            self.final_sends = self.final_sends.saturating_add(1);
            // A 2xx from another branch of a fork may follow; the first final response is what the requester acted on.
            if self.final_response.is_none() {
                self.final_response = Some(position);
                self.final_status = facts.status;
            }
        }
    }
}

/// Two sights of one packet are at most this far apart; a sender waits at least T1 (500 ms) before it repeats itself.
const SAME_PACKET_NS: i64 = 5_000_000;

/// How a message that says the same as `earlier` stands to it.
///
/// The same packet shows up twice where a span port, the device `any` or two capture points are involved: then its IP
/// identification is the same, or it follows faster than any timer repeats.
#[must_use]
pub fn repeat(earlier: &Facts, later: &Facts) -> Repeat {
    if earlier.flow != later.flow || earlier.mirrored != later.mirrored || earlier.source != later.source {
        return Repeat::Copy;
    }
    if earlier.transport.is_reliable() {
        // Two agents on the way of one stream each mirror what it carries; nobody sends that again.
        return if earlier.mirrored { Repeat::Copy } else { Repeat::Retransmission };
    }
    let apart = later.time.since(earlier.time).abs();
    let same_id = earlier.ip_id != 0 && earlier.ip_id == later.ip_id;
    if apart < SAME_PACKET_NS || (same_id && apart < 100 * SAME_PACKET_NS) {
        Repeat::Copy
    } else {
        Repeat::Retransmission
    }
}
