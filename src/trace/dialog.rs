//! Dialogs of a call: the peer relations that its tags name. RFC 3261 §12

use super::conversation::Conversation;
use super::facts::Facts;
use crate::base::Span;
use crate::sip::uri::Uri;
use crate::sip::{Address, HeaderName, Method};
use std::net::IpAddr;

/// How far a dialog got.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DialogState {
    /// Asked for; nobody has answered with a tag.
    Trying,
    /// A provisional response with a To tag. RFC 3261 §12.1
    Early,
    /// A 2xx.
    Confirmed,
    /// Ended by BYE, or by a final response other than 2xx.
    Terminated,
}

/// One dialog, or the attempt at one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dialog {
    /// Tag of the side that sent the INVITE.
    pub from_tag: Span,
    /// Tag of the other; empty while none is known.
    pub to_tag: Span,
    /// How far it got.
    pub state: DialogState,
    /// Number of the leg that it belongs to: 0, unless calls were joined.
    pub leg: usize,
}

/// A call with more dialogs than this is not a call.
const DIALOGS_CAP: usize = 64;

/// The dialogs of a call, leg by leg, in order of appearance. A failed attempt without any dialog counts as one.
#[must_use]
pub fn dialogs(c: &Conversation) -> Vec<Dialog> {
    let legs = c.joined.as_ref().map_or(1, |joined| joined.legs.len());
    (0..legs).flat_map(|leg| of_leg(c, leg)).collect()
}

fn of_leg(c: &Conversation, leg: usize) -> Vec<Dialog> {
    let mut all: Vec<Dialog> = Vec::new();
    let own = |at: u32| c.leg_of(at) == leg;
    for (_, f) in c.firsts().filter(|(at, f)| f.method == Method::Invite && own(*at)) {
        let state = match f.status {
            0 => continue,
            100 => continue,
            101..=199 => DialogState::Early,
            200..=299 => DialogState::Confirmed,
            _ => DialogState::Terminated,
        };
        let known = all.iter().position(|d| same(c, d.from_tag, f.from_tag) && same(c, d.to_tag, f.to_tag));
        if let Some(d) = known.and_then(|at| all.get_mut(at)) {
            // A refused re-INVITE leaves the dialog as it was. RFC 3261 §14.1
            if !(d.state == DialogState::Confirmed && state == DialogState::Terminated) {
                d.state = d.state.max(state);
            }
        } else if all.len() < DIALOGS_CAP && (f.status < 300 || !f.to_tag.is_empty()) {
            all.push(Dialog { from_tag: f.from_tag, to_tag: f.to_tag, state, leg });
        }
    }
    // A hop-by-hop refusal (a challenge, a busy branch) makes no dialog beside one that was made.
    if all.iter().any(|d| d.state != DialogState::Terminated) {
        all.retain(|d| d.state != DialogState::Terminated);
    }
    for (_, bye) in c.requests(Method::Bye).filter(|(at, _)| own(*at)) {
        for d in &mut all {
            let forth = same(c, d.from_tag, bye.from_tag) && same(c, d.to_tag, bye.to_tag);
            let back = same(c, d.from_tag, bye.to_tag) && same(c, d.to_tag, bye.from_tag);
            if forth || back {
                d.state = DialogState::Terminated;
            }
        }
    }
    let mut positions = 0u32..;
    let first = c.facts.iter().find(|_| positions.next().is_some_and(own));
    if let (true, Some(first)) = (all.is_empty(), first) {
        all.push(Dialog { from_tag: first.from_tag, to_tag: Span::NONE, state: DialogState::Trying, leg });
    }
    all
}

fn same(c: &Conversation, a: Span, b: Span) -> bool {
    a == b || c.text(a) == c.text(b)
}

/// Whether two messages name the same dialog, whichever side sent them. RFC 3261 §12
#[must_use]
pub fn is_same(c: &Conversation, a: &Facts, b: &Facts) -> bool {
    is_same_way(c, a, b) || (same(c, a.from_tag, b.to_tag) && same(c, a.to_tag, b.from_tag))
}

/// Whether two messages name the same dialog, seen from the same side: a request and its responses do, and what that side asks later.
#[must_use]
pub fn is_same_way(c: &Conversation, a: &Facts, b: &Facts) -> bool {
    same(c, a.from_tag, b.from_tag) && same(c, a.to_tag, b.to_tag)
}

/// Whether the From tags of two messages are the same: both are of what one side asked.
#[must_use]
pub fn is_same_side(c: &Conversation, a: &Facts, b: &Facts) -> bool {
    same(c, a.from_tag, b.from_tag)
}

/// Every first sight of a 2xx to an INVITE, on each hop and from each branch of a fork, with its position.
pub fn answers(c: &Conversation) -> impl DoubleEndedIterator<Item = (u32, &Facts)> {
    c.firsts().filter(|(_, f)| f.method == Method::Invite && f.is_success())
}

/// The URI to which the one who got `response` sends the next request of the dialog: the last Record-Route, which is the first of its route set, else the
/// Contact. RFC 3261 §12.1.2
#[must_use]
pub fn first_stop<'a>(c: &'a Conversation, response: &Facts) -> Option<Uri<'a>> {
    let routes = c.headers(response, HeaderName::RecordRoute).flat_map(Address::split);
    let stop = routes.last().or_else(|| c.header(response, HeaderName::Contact))?;
    Some(Address::parse(stop).uri())
}

/// Whether what follows a 1xx or 2xx in its dialog has to pass the hop on which `response` was seen: it says itself that its sender is the next stop, or
/// later requests of the one who got it were seen there.
#[must_use]
pub fn stays_on_hop(c: &Conversation, response: &Facts) -> bool {
    let (asker, answerer) = (response.flow.dst, response.flow.src);
    let is_next = |ip: IpAddr| answerer.ip() == ip;
    if first_stop(c, response).and_then(|uri| uri.ip()).is_some_and(is_next) {
        return true;
    }
    let passes = |f: &Facts| {
        f.is_request()
            && !f.to_tag.is_empty()
            && f.time >= response.time
            && f.flow.src.same_ip(&asker)
            && f.flow.dst.same_ip(&answerer)
            && is_same_side(c, f, response)
    };
    c.facts.iter().any(passes)
}
