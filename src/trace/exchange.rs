//! What became of a request outside a call.

use super::conversation::Conversation;
use super::transaction::Transaction;

/// Where an exchange stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// 2xx.
    Answered,
    /// Any other final response.
    Rejected,
    /// No final response.
    Unanswered,
}

/// What became of a request outside a call.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Where it stands.
    pub state: State,
    /// Status code of the final response.
    pub status: Option<u16>,
    /// Nanoseconds from the first send of the request to its final response.
    pub reply_ns: Option<i64>,
}

/// The transaction that decides an exchange: the last one that its first sender began (the last attempt after a challenge).
#[must_use]
pub fn deciding_transaction(c: &Conversation) -> Option<&Transaction> {
    let sender = c.transactions.first()?.flow.src;
    c.transactions.iter().rev().find(|t| t.flow.src == sender)
}

impl Outcome {
    /// Judges an exchange by its messages so far.
    #[must_use]
    pub fn of(c: &Conversation) -> Outcome {
        let Some(t) = deciding_transaction(c) else {
            return Outcome { state: State::Unanswered, status: None, reply_ns: None };
        };
        let times = (t.request.and_then(|p| c.at(p)), t.final_response.and_then(|p| c.at(p)));
        let reply_ns = match times {
            (Some(request), Some(response)) => Some(response.time.since(request.time).max(0)),
            _ => None,
        };
        let state = match t.final_status {
            0 => State::Unanswered,
            200..=299 => State::Answered,
            _ => State::Rejected,
        };
        Outcome { state, status: (t.final_status != 0).then_some(t.final_status), reply_ns }
    }
}
