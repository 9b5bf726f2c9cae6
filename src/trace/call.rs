//! What became of a call: its state, its times, who ended it.

use super::conversation::Conversation;
use super::facts::Facts;
use super::transaction::Transaction;
use crate::base::{Endpoint, Timestamp};
use crate::sip::Method;

/// Where a call stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum State {
    /// INVITE sent, no answer but 100.
    Trying,
    /// A provisional response other than 100.
    Ringing,
    /// Confirmed and still up.
    Answered,
    /// Answered, then BYE.
    Completed,
    /// 486 or 600.
    Busy,
    /// Ended by CANCEL.
    Cancelled,
    /// Any other 4xx or 6xx.
    Rejected,
    /// 3xx.
    Redirected,
    /// Nobody answered: 408, 480 after ringing, or no response for 64·T1.
    Unanswered,
    /// Challenged, and never accepted.
    Unauthorized,
    /// 5xx, or the request could not be delivered.
    Failed,
}

/// A sender gives an INVITE up after 64·T1 without a response (Timer B). RFC 3261 §17.1.1.2
const TIMER_B_NS: i64 = 32_000_000_000;
/// Sends of a request over UDP by Timer A until Timer B fires: at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s.
const TIMER_A_SENDS: u32 = 7;

/// Messages among which the INVITEs stand that start a call.
const LEGS_BEGIN: usize = 256;

/// What became of a call.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Where it stands.
    pub state: State,
    /// Status code of the final response that decided it.
    pub final_status: Option<u16>,
    /// Position of that response.
    pub final_response: Option<u32>,
    /// Position of the first initial INVITE.
    pub invite: Option<u32>,
    /// First 100.
    pub trying: Option<Timestamp>,
    /// First 180 to 183.
    pub ringing: Option<Timestamp>,
    /// First 2xx to an initial INVITE, as its first hop saw it.
    pub answered: Option<Timestamp>,
    /// Position of that 2xx.
    pub answer: Option<u32>,
    /// First BYE.
    pub bye: Option<u32>,
    /// Whether the caller sent the BYE (or the CANCEL); `None` while nobody ended it.
    pub ended_by_caller: Option<bool>,
    /// Where the caller's signalling came from.
    pub caller: Option<Endpoint>,
}

impl Outcome {
    /// Judges a call by its messages so far.
    #[must_use]
    pub fn of(c: &Conversation) -> Outcome {
        let invite = initial_invites(c).next();
        let caller = invite.and_then(|(_, t)| t.request).and_then(|p| c.at(p)).map(|f| f.flow.src);
        let mut outcome = Outcome {
            state: State::Trying,
            final_status: None,
            final_response: None,
            invite: invite.and_then(|(_, t)| t.request),
            trying: None,
            ringing: None,
            answered: None,
            answer: None,
            bye: None,
            ended_by_caller: None,
            caller,
        };
        outcome.note_progress(c);
        let bye = c.requests(Method::Bye).find(|(at, _)| c.leg_of(*at) == 0);
        outcome.bye = bye.map(|(at, _)| at);
        outcome.ended_by_caller = bye.map(|(_, f)| is_from_caller(c, f));
        outcome.decide(c);
        outcome
    }

    /// Times of the first 100, 18x and 2xx, by the caller's own hop where it was seen.
    fn note_progress(&mut self, c: &Conversation) {
        let mut on_first_hop = None;
        let mut ringing_on_first_hop = false;
        // Of a call of several legs that stands which the caller sees.
        let is_seen = |(at, f): &(u32, &Facts)| !f.is_request() && f.method == Method::Invite && c.leg_of(*at) == 0;
        for (at, f) in c.firsts().filter(is_seen) {
            let Some(t) = c.transaction(f) else { continue };
            if !is_initial(c, t) {
                continue;
            }
            let first_hop = self.caller.is_none_or(|caller| t.flow.src == caller);
            match f.status {
                100 => self.trying = self.trying.or(Some(f.time)),
                180..=183 if self.ringing.is_none() || (first_hop && !ringing_on_first_hop) => {
                    self.ringing = Some(f.time);
                    ringing_on_first_hop = first_hop;
                }
                200..=299 if (self.answer.is_none() || (first_hop && on_first_hop == Some(false))) => {
                    (self.answer, self.answered) = (Some(at), Some(f.time));
                    on_first_hop = Some(first_hop);
                }
                _ => {}
            }
        }
    }

    fn decide(&mut self, c: &Conversation) {
        if let Some(answer) = self.answer {
            self.final_response = Some(answer);
            self.final_status = c.at(answer).map(|f| f.status);
            self.state = if self.bye.is_some() { State::Completed } else { State::Answered };
            return;
        }
        let deciding = deciding_transaction(c, self.caller);
        // A CANCEL names the INVITE that it cancels by its branch. One behind a proxy may be the proxy's own: it tidies up the branches of a fork.
        // RFC 3261 §9.1, §16.7
        let cancel = c.requests(Method::Cancel).find(|(_, f)| {
            let own = c.transaction(f).is_some_and(|t| deciding.is_some_and(|d| c.text(d.branch) == c.text(t.branch)));
            own || self.caller.is_none_or(|caller| caller == f.flow.src)
        });
        if let Some(t) = deciding.filter(|t| t.final_status != 0) {
            self.final_response = t.final_response;
            self.final_status = Some(t.final_status);
            self.state = self.state_by_status(t.final_status, cancel.is_some());
        } else if cancel.is_some() {
            self.state = State::Cancelled;
        } else if self.ringing.is_some() {
            self.state = State::Ringing;
        } else if let Some(t) = deciding {
            self.state = without_final(c, t);
        }
        if self.state == State::Cancelled {
            self.ended_by_caller = cancel.map(|(_, f)| is_from_caller(c, f));
        }
    }

    fn state_by_status(&self, status: u16, cancelled: bool) -> State {
        match status {
            300..=399 => State::Redirected,
            401 | 407 => State::Unauthorized,
            487 => State::Cancelled,
            _ if cancelled => State::Cancelled,
            486 | 600 => State::Busy,
            408 => State::Unanswered,
            480 if self.ringing.is_some() => State::Unanswered,
            500..=599 => State::Failed,
            _ => State::Rejected,
        }
    }
}

/// State of a call whose deciding INVITE has no final response, and which nobody cancelled.
fn without_final(c: &Conversation, t: &Transaction) -> State {
    if t.first_response.is_some() {
        return State::Trying;
    }
    if c.unreachable.iter().any(|u| u.to == t.flow.dst) {
        return State::Failed;
    }
    let begun = t.request.and_then(|p| c.at(p)).map(|f| f.time).unwrap_or_default();
    let waited = t.last_send.since(begun);
    if t.sends >= TIMER_A_SENDS || waited >= TIMER_B_NS / 2 || c.end().since(begun) >= TIMER_B_NS {
        State::Unanswered
    } else {
        State::Trying
    }
}

/// Whether a transaction is of an INVITE that starts a call: one without To tag.
#[must_use]
pub fn is_initial(c: &Conversation, t: &Transaction) -> bool {
    if t.method != Method::Invite {
        return false;
    }
    match t.request.and_then(|p| c.at(p)) {
        Some(request) => request.to_tag.is_empty(),
        // Only responses were seen: taken for initial unless an earlier INVITE was answered under a lower CSeq.
        None => {
            !c.transactions.iter().any(|o| o.method == Method::Invite && o.cseq < t.cseq && o.final_status / 100 == 2)
        }
    }
}

/// INVITE transactions that start the call, each hop's on its own.
pub fn initial_invites(c: &Conversation) -> impl DoubleEndedIterator<Item = (usize, &Transaction)> {
    c.transactions.iter().enumerate().filter(|(_, t)| is_initial(c, t))
}

/// The transaction whose final response the caller acted on last: the last one that the caller itself began.
#[must_use]
pub fn deciding_transaction(c: &Conversation, caller: Option<Endpoint>) -> Option<&Transaction> {
    let is_first_leg = |t: &&Transaction| c.leg_of(t.request.unwrap_or(t.latest)) == 0;
    let begun = || initial_invites(c).rev().map(|(_, t)| t).filter(is_first_leg);
    begun().find(|t| caller.is_none_or(|e| t.flow.src == e)).or_else(|| begun().next())
}

/// Whether a request inside the call came from the caller's side: its From tag is that of an INVITE that started the call. There are several where a
/// B2BUA keeps the Call-ID.
#[must_use]
pub fn is_from_caller(c: &Conversation, f: &Facts) -> bool {
    let tag = c.text(f.from_tag);
    let first = c.facts.iter().find(|f| f.cseq_method == Method::Invite).or(c.facts.first());
    let is_caller = |o: &Facts| o.asks(Method::Invite) && o.to_tag.is_empty() && c.text(o.from_tag) == tag;
    first.is_none_or(|first| c.text(first.from_tag) == tag) || c.facts.iter().take(LEGS_BEGIN).any(is_caller)
}

/// From the 2xx to the BYE, in nanoseconds.
#[must_use]
pub fn talk_ns(c: &Conversation, outcome: &Outcome) -> Option<i64> {
    let bye = c.at(outcome.bye?)?;
    Some(bye.time.since(outcome.answered?).max(0))
}
