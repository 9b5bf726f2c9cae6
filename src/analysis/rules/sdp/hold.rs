//! `hold`: one side put the call on hold, and for how long.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::base::Timestamp;
use crate::sip::Method;
use crate::trace::call::is_from_caller;
use crate::trace::offer::is_held;
use crate::trace::{Conversation, Facts};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "hold",
    severity: Severity::Info,
    meaning: "One side put the call on hold: a new offer says sendonly or inactive, or the address 0.0.0.0. Its peer is to be silent, and hears \
              music or nothing until another offer says sendrecv.",
    noticed: "The other side hears music or silence for a while; in a graph of the streams one direction pauses.",
    causes: &["A person pressed hold.", "A transfer or a conference is being set up.", "A PBX parks the call."],
    confirm: "Look at the a= lines of the re-INVITE or UPDATE, and for the one that takes the call back.",
    fix: "Nothing is broken. Where a call stays on hold by itself, look at the offer that should have taken it back.",
    settings: &[
        (Product::Asterisk, "pjsip.conf endpoint: moh_suggest, moh_passthrough, rtp_timeout_hold"),
        (Product::FreeSwitch, "variables hold_music, media_hold_timeout; sofia profile: disable-hold"),
    ],
    rule: "RFC 3264 §8.4",
}];

/// One hold.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// Position of the offer that began it.
    pub begun: u32,
    /// When it began.
    pub from: Timestamp,
    /// Position of the offer that ended it, and when; `None` where none did.
    pub ended: Option<(u32, Timestamp)>,
}

/// Holds of one call that are told apart.
const MOST: usize = 16;

/// The holds of a call: an offer inside a dialog that asks the other side to be silent, until the same side offers otherwise.
#[must_use]
pub fn holds(c: &Conversation) -> Vec<Hold> {
    let mut all: Vec<(Hold, &Facts)> = Vec::new();
    let is_offer = |f: &Facts| matches!(f.method, Method::Invite | Method::Update) && f.is_request() && f.sdp.is_some();
    if c.sdps.len() < 2 {
        return Vec::new();
    }
    for (position, f) in c.firsts().filter(|(_, f)| is_offer(f) && !f.to_tag.is_empty()) {
        let held = is_held(c, f);
        let own = |(hold, by): &(Hold, &Facts)| hold.ended.is_none() && is_from_caller(c, by) == is_from_caller(c, f);
        let (open, is_room) = (all.iter().rposition(own), all.len() < MOST);
        match open.and_then(|at| all.get_mut(at)) {
            // The same offer on the next hop or leg, or a refresh of the session.
            Some(_) if held => {}
            Some((hold, by)) if by.cseq != f.cseq => hold.ended = Some((position, f.time)),
            Some(_) => {}
            None if held && is_room => {
                all.push((Hold { begun: position, from: f.time, ended: None }, f));
            }
            None => {}
        }
    }
    all.into_iter().map(|(hold, _)| hold).collect()
}

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let holds = holds(c);
    let Some(first) = holds.first() else { return };
    let who = c.at(first.begun).map(|f| f.flow.src).unwrap_or_default();
    let end = case.outcome().bye.and_then(|p| c.at(p)).map_or(c.end(), |f| f.time);
    let lasted = |hold: &Hold| words::duration(hold.ended.map_or(end, |(_, at)| at).since(hold.from).max(0));
    let title = match (holds.len(), first.ended) {
        (1, Some(_)) => format!("{who} held the call for {}", lasted(first)),
        (1, None) => format!("{who} held the call and did not take it back"),
        (n, _) => format!("the call was held {}, first by {who}", words::times(n as u32)),
    };
    let mut f = ENTRIES[0].finding(title);
    let start = c.start();
    for hold in &holds {
        let by = c.at(hold.begun).map(|f| f.flow.src).unwrap_or_default();
        let taken_back = if hold.ended.is_some() { "then taken back" } else { "not taken back" };
        let after = words::duration(hold.from.since(start).max(0));
        f.detail.push(format!("Held by {by} {after} after the first message, for {}, {taken_back}.", lasted(hold)));
        for way in ["a=sendonly", "a=inactive"] {
            f.quote(hold.begun, Part::BodyLine(way.as_bytes().to_vec()), "held by this");
        }
        f.positions.push(hold.begun);
        f.positions.extend(hold.ended.map(|(at, _)| at));
    }
    findings.push(f);
}
