//! What became of a registration. RFC 3261 §10

use super::conversation::Conversation;
use super::facts::Facts;
use super::path::{expires_param, granted_expires, number};
use super::transaction::Transaction;
use crate::sip::{Address, HeaderName};

/// Where a registration stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// 200, with a binding.
    Registered,
    /// 200 to Expires 0.
    Removed,
    /// 200 to a REGISTER without Contact.
    Queried,
    /// A final response other than 2xx, or credentials refused.
    Refused,
    /// Challenged, and no credentials followed.
    Challenged,
    /// No final response.
    Unanswered,
}

/// What became of a registration.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Where it stands.
    pub state: State,
    /// Seconds that the registrar granted.
    pub expires_s: Option<u64>,
    /// Position of the message whose Contacts are the bindings: the 200, else the request.
    pub bindings: Option<u32>,
}

impl Outcome {
    /// Judges a registration by its messages so far.
    #[must_use]
    pub fn of(c: &Conversation) -> Outcome {
        let Some(t) = deciding(c) else {
            return Outcome { state: State::Unanswered, expires_s: None, bindings: None };
        };
        let request = t.request.and_then(|p| c.at(p));
        let state = match t.final_status {
            0 => State::Unanswered,
            200..=299 => request.map_or(State::Registered, |r| state_of_success(c, r)),
            401 | 407 if !request.is_some_and(|r| has_credentials(c, r)) => State::Challenged,
            _ => State::Refused,
        };
        let with_contact =
            |p: Option<u32>| p.filter(|&p| c.at(p).is_some_and(|f| c.header(f, HeaderName::Contact).is_some()));
        Outcome {
            state,
            expires_s: if t.final_status / 100 == 2 { granted_expires(c) } else { None },
            bindings: with_contact(t.final_response).or_else(|| with_contact(t.request)),
        }
    }
}

/// The transaction that decides: the last one that the registering side began, so that a removal counts after a refresh. A
/// query changes nothing: it decides where there is nothing else.
fn deciding(c: &Conversation) -> Option<&Transaction> {
    let sender = c.transactions.first()?.flow.src;
    let begun = || c.transactions.iter().rev().filter(|t| t.flow.src.same_ip(&sender));
    let binds =
        |t: &&Transaction| t.request.and_then(|p| c.at(p)).is_none_or(|r| c.header(r, HeaderName::Contact).is_some());
    begun().find(binds).or_else(|| begun().next())
}

fn state_of_success(c: &Conversation, request: &Facts) -> State {
    if c.header(request, HeaderName::Contact).is_none() {
        State::Queried
    } else if asked_expires(c, request) == Some(0) {
        State::Removed
    } else {
        State::Registered
    }
}

/// Seconds that a REGISTER asks for: the longest of its Contacts, where Expires holds for those that say nothing. RFC 3261 §10.2.1.1
#[must_use]
pub fn asked_expires(c: &Conversation, request: &Facts) -> Option<u64> {
    let by_header = c.header(request, HeaderName::Expires).and_then(number);
    let contacts = c.headers(request, HeaderName::Contact).flat_map(Address::split);
    let asked: Option<Vec<u64>> = contacts.take(64).map(|contact| expires_param(contact).or(by_header)).collect();
    asked?.into_iter().max()
}

/// Whether a request carries credentials.
#[must_use]
pub fn has_credentials(c: &Conversation, f: &Facts) -> bool {
    c.header(f, HeaderName::Authorization).is_some() || c.header(f, HeaderName::ProxyAuthorization).is_some()
}
