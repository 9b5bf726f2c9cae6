//! `retransmission`: a request or a final response was sent again before its answer came.
//!
//! Repeats that another finding explains (nobody answered, the ACK is missing) are not reported here.

use crate::analysis::rules::{Entry, Rule, is_explained};
use crate::analysis::{Case, Finding, Severity, words};
use crate::sip::Method;
use crate::trace::{Conversation, Facts, Transaction};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "retransmission",
    severity: Severity::Warning,
    meaning: "A message was sent again because what it waits for did not come in time: a packet was lost, or the other side is slow.",
    rule: "RFC 3261 §17.1.1.2, §17.2.1",
    fix: "Capture on both sides of the hop that is named: the side where the message is missing shows which direction loses \
          packets. Where nothing is lost, the receiver is slow: look at its load.",
    ..Entry::BLANK
}];

/// Nobody repeats a message faster than this, T1 or not.
const SLOWEST_ANSWER_NS: i64 = 400_000_000;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let repeated = |f: &Facts| f.repeats.filter(|_| !f.copy);
    if !c.facts.iter().any(|f| repeated(f).is_some()) {
        return;
    }
    // Without an ACK the 2xx is repeated on every hop that it passes.
    let no_ack = findings.iter().any(|f| f.code == "ack-missing");
    let mut seen: Vec<u32> = Vec::new();
    for original in c.facts.iter().filter_map(repeated) {
        if seen.contains(&original) || seen.len() >= 256 {
            continue;
        }
        seen.push(original);
        if no_ack && c.at(original).is_some_and(|f| f.is_success() && f.method == Method::Invite) {
            continue;
        }
        if !is_explained(findings, &["no-response", "ack-missing"], original) && passed_on(c, original).is_none() {
            findings.extend(finding(case, original));
        }
    }
}

/// Repeats of a message, in order.
fn repeats_of(c: &Conversation, original: u32) -> impl Iterator<Item = (u32, &Facts)> {
    let repeats = c.facts.iter().enumerate().filter(move |(_, f)| f.repeats == Some(original) && !f.copy);
    repeats.map(|(i, f)| (i as u32, f))
}

/// The same message on the next hop, where that repeats it as often: a proxy passed each repeat on, and what is lost is lost behind it.
fn passed_on(c: &Conversation, original: u32) -> Option<&Facts> {
    let first = c.at(original)?;
    let sent = repeats_of(c, original).count();
    let next = c.firsts().find(|(at, f)| {
        let same = f.status == first.status && f.method == first.method && f.cseq == first.cseq;
        same && f.flow.src == first.flow.dst
            && f.flow.dst != first.flow.src
            && c.text(f.to_tag) == c.text(first.to_tag)
            && repeats_of(c, *at).count() >= sent
    });
    next.map(|(_, f)| f)
}

/// Who repeated the message before it came to this hop.
fn passed_from(c: &Conversation, original: u32) -> Option<&Facts> {
    let own = c.at(original)?.index;
    let mut all: Vec<u32> = c.facts.iter().filter(|f| !f.copy).filter_map(|f| f.repeats).collect();
    all.dedup();
    all.into_iter().filter(|&o| passed_on(c, o).is_some_and(|f| f.index == own)).find_map(|o| c.at(o))
}

fn finding(case: &Case<'_>, original: u32) -> Option<Finding> {
    let c = case.conversation;
    let first = c.at(original)?;
    // Provisional responses are repeated by design, and an ACK answers each repeated final response.
    if first.is_provisional() || first.asks(Method::Ack) {
        return None;
    }
    let t = c.transaction(first)?;
    let repeats: Vec<(u32, &Facts)> = repeats_of(c, original).collect();
    // A non-INVITE final response is repeated only because its request was.
    if first.is_final() && first.method != Method::Invite {
        return None;
    }
    let name = words::message(c, first);
    let n = repeats.len() as u32 + 1;
    let title = if first.is_request() {
        format!("the {name} was sent {} before a response came", words::times(n))
    } else {
        format!("the {name} to the {} was sent {} before its ACK came", words::method(c, first), words::times(n))
    };
    let mut f = ENTRIES[0].finding(title);
    f.detail.push(spacing(first, &repeats));
    if let Some(before) = passed_from(c, original) {
        let (from, by) = (before.flow.src, before.flow.dst);
        f.detail.push(format!("It is {from} that repeats it; {by} passed each one on, so none was lost before that."));
    }
    f.detail.extend(direction(case, first, t, &repeats));
    f.positions = std::iter::once(original).chain(repeats.iter().map(|(p, _)| *p)).take(64).collect();
    Some(f)
}

fn spacing(first: &Facts, repeats: &[(u32, &Facts)]) -> String {
    let mut before = first.time;
    let mut gaps = Vec::new();
    for (_, repeat) in repeats.iter().take(6) {
        gaps.push(words::duration(repeat.time.since(before)));
        before = repeat.time;
    }
    let more = if repeats.len() > gaps.len() { ", …" } else { "" };
    let apart = if more.is_empty() { words::list(&gaps) } else { gaps.join(", ") };
    format!("The repeats from {} to {} came {apart}{more} apart.", first.flow.src, first.flow.dst)
}

/// What came after the last repeat says what was lost.
fn direction(case: &Case<'_>, first: &Facts, t: &Transaction, repeats: &[(u32, &Facts)]) -> Option<String> {
    let c = case.conversation;
    let last = repeats.last()?.1;
    if !first.is_request() {
        let ack = c.requests(Method::Ack).map(|(_, f)| f).find(|f| f.cseq == first.cseq && f.time >= last.time)?;
        let after = words::duration(ack.time.since(last.time));
        return Some(format!(
            "The ACK came {after} after the last one: the responses before were lost, or the caller was slow."
        ));
    }
    let response = c.at(t.first_response?)?;
    let after = response.time.since(last.time);
    Some(if after < 0 {
        format!(
            "A response had been sent {} before the last repeat: it was lost, or crossed it.",
            words::duration(-after)
        )
    } else if after < SLOWEST_ANSWER_NS {
        format!(
            "A response came {} after the last one: the ones before were lost on the way there.",
            words::duration(after)
        )
    } else {
        format!(
            "A response came {} after the last one: the receiver is slow, or its response was lost.",
            words::duration(after)
        )
    })
}
