//! When a conversation that is over is handed over: when it can see no retransmission any more, or soon.
//!
//! A file is read faster than anyone waits, so its conversations stay open for 64·T1 after their last message. Somebody who
//! watches live traffic wants the call when it has ended: it is handed over after a moment, and stays on the shelf, told,
//! so that late repeats find their place instead of opening a conversation of their own.

use super::batch::Observed;
use super::call;
use super::conversation::{Conversation, Kind, Stage};
use super::shelf::Place;
use super::transaction::Transaction;
use crate::base::Timestamp;
use crate::sip::{Method, StartLine};
use std::collections::VecDeque;

/// When what is over is handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Linger {
    /// When no retransmission can come any more: 64·T1 after its last message. RFC 3261 §17.2.2
    #[default]
    Whole,
    /// A second after its last message; what comes later is counted, and shown as a message, but not in the conversation.
    Prompt,
}

/// How long a conversation that is over has to be quiet: twice T1, so that a first retransmission is still in it.
const SETTLE_NS: i64 = 1_000_000_000;

impl Linger {
    /// How often, in time of the input, one looks for what is complete.
    #[must_use]
    pub fn look_ns(self) -> i64 {
        match self {
            Linger::Whole => 1_000_000_000,
            Linger::Prompt => 200_000_000,
        }
    }
}

/// Conversations that seem to be over, in the order in which their moment of quiet ends.
#[derive(Debug, Default)]
pub struct Settling {
    queue: VecDeque<Waiting>,
}

/// One of them, with its kind and number: its place may be another's by then.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    due: Timestamp,
    place: Place,
    kind: Kind,
    id: u64,
}

impl Waiting {
    /// Where it stands, or stood.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whether `c` is the conversation that waits.
    #[must_use]
    pub fn is(&self, c: &Conversation) -> bool {
        (self.kind, self.id) == (c.kind, c.id) && c.stage == Stage::Settling
    }
}

impl Settling {
    /// Lets a conversation wait once for its moment of quiet, if it seems to be over.
    pub fn consider(&mut self, c: &mut Conversation, place: Place, now: Timestamp) {
        if c.stage == Stage::Open && is_over(c) {
            c.stage = Stage::Settling;
            self.wait(Waiting { due: now, place, kind: c.kind, id: c.id }, now);
        }
    }

    /// Lets one wait (again) that was last heard of at `since`.
    pub fn wait(&mut self, waiting: Waiting, since: Timestamp) {
        self.queue.push_back(Waiting { due: Timestamp(since.0.saturating_add(SETTLE_NS)), ..waiting });
    }

    /// Takes the next one whose wait is over by `now`.
    pub fn pop(&mut self, now: Timestamp) -> Option<Waiting> {
        if self.queue.front()?.due > now {
            return None;
        }
        self.queue.pop_front()
    }
}

/// Whether a conversation that was last heard of at `since` has been quiet long enough by `now`.
#[must_use]
pub fn is_quiet(since: Timestamp, now: Timestamp) -> bool {
    now.since(since) >= SETTLE_NS
}

/// Whether nothing but retransmissions is to be expected of a conversation.
#[must_use]
pub fn is_over(c: &Conversation) -> bool {
    let mut own = c.transactions.iter().filter(|t| t.method != Method::Ack);
    if c.transactions.is_empty() || !own.all(|t| is_done(c, t)) {
        return false;
    }
    match c.kind {
        Kind::Call => is_call_over(c),
        // A binding that stands is waited for: its refresh belongs to the same registration.
        Kind::Registration => {
            !is_challenged(c.transactions.last()) && super::path::granted_expires(c).unwrap_or(0) == 0
        }
        Kind::Exchange => !is_challenged(c.transactions.last()),
    }
}

/// Whether a transaction has its final response, and the ACK for it where the transaction waits for one: that to a
/// response other than 2xx. RFC 3261 §17.1.1.3
fn is_done(c: &Conversation, t: &Transaction) -> bool {
    let needs_ack = t.method == Method::Invite && t.final_status >= 300;
    let acked = || t.ack.is_some() || t.final_response.and_then(|p| c.at(p)).is_some_and(|f| f.mirrored);
    t.final_status >= 200 && (!needs_ack || acked())
}

fn is_call_over(c: &Conversation) -> bool {
    let answered = call::initial_invites(c).any(|(_, t)| t.final_status / 100 == 2);
    if answered {
        // A challenged BYE is sent again with credentials.
        return c.transactions.iter().rev().find(|t| t.method == Method::Bye).is_some_and(|t| !is_challenged(Some(t)));
    }
    let caller = call::initial_invites(c).next().map(|(_, t)| t.flow.src);
    let deciding = call::deciding_transaction(c, caller);
    // Without the INVITE there is no telling what the call waits for.
    deciding.is_some() && !is_challenged(deciding)
}

/// Whether the request is likely to come again with credentials.
fn is_challenged(t: Option<&Transaction>) -> bool {
    t.is_some_and(|t| matches!(t.final_status, 401 | 407))
}

/// Whether a message that found its place with a conversation that was handed over begins another one: a new INVITE
/// outside a dialog, or a new REGISTER. Everything else is a repeat, or too late to matter.
#[must_use]
pub fn begins_anew(c: &Conversation, observed: &Observed<'_>) -> bool {
    let StartLine::Request { method, .. } = observed.outline.start else { return false };
    let may_begin = match (c.kind, method) {
        (Kind::Call, Method::Invite) => observed.outline.to_tag.is_empty(),
        (Kind::Registration, Method::Register) => true,
        _ => false,
    };
    may_begin && matches!(c.stage, Stage::Told(_)) && !c.transaction_keys.contains(&observed.keys.transaction)
}

#[cfg(test)]
mod tests;
