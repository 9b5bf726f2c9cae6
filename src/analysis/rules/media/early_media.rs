//! `early-media`: sound to the caller before the call was answered.

use super::is_voice;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "early-media",
    severity: Severity::Info,
    meaning: "The called side sends sound before it answers: a ringing tone of its own, an announcement, or the far network's message why the \
              call fails. A provisional response with SDP (183 mostly) opens the way for it.",
    noticed: "Callers hear another ringing tone than usual, or a spoken message, without being charged.",
    causes: &["The far network plays its own tone or announcement.", "A PBX plays music or a menu before it answers."],
    confirm: "See the 18x response with SDP, and the stream that begins after it.",
    fix: "Nothing is broken. Where callers hear silence instead, their phone or PBX plays its own tone and ignores early media.",
    settings: &[
        (Product::Asterisk, "pjsip.conf endpoint: inband_progress; dialplan: Progress()"),
        (Product::FreeSwitch, "variable ignore_early_media=true; dialplan: pre_answer"),
    ],
    rule: "RFC 3960 §1, RFC 3261 §13.2.1",
}];

/// A packet or two cross the answer.
const PACKETS: u64 = 10;
/// So long before the answer it has to begin.
const EARLY_NS: i64 = 100_000_000;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    if case.streams.is_empty() {
        return;
    }
    let c = case.conversation;
    let outcome = case.outcome();
    let until =
        outcome.answered.or_else(|| outcome.final_response.and_then(|p| c.at(p)).map(|f| f.time)).unwrap_or(case.now);
    let early = |s: &&crate::trace::MediaStream| {
        s.to_caller == Some(true) && until.since(s.start) > EARLY_NS && s.receiver.packets() >= PACKETS && is_voice(s)
    };
    let Some(stream) = case.streams.iter().filter(early).min_by_key(|s| s.start) else { return };
    // Without the INVITE the capture began in the middle: what was before the answer is not known.
    let Some(invite) = outcome.invite.and_then(|p| c.at(p)).filter(|f| f.time <= stream.start) else { return };
    let lasted = words::duration(until.min(stream.receiver.last()).since(stream.start));
    let mut f = ENTRIES[0].finding(format!("{} sent {lasted} of sound before the answer", stream.flow.src));
    let after = words::duration(stream.start.since(invite.time));
    f.detail.push(format!(
        "It began {after} after the INVITE; {}.",
        match outcome.answered {
            Some(_) => "the answer came later",
            None => "the call was never answered",
        }
    ));
    let opened = c.firsts().find(|(_, f)| f.is_provisional() && f.status > 100 && f.sdp.is_some());
    match opened {
        Some((position, response)) => {
            f.detail.push(format!("The {} with SDP opened the way for it.", words::message(c, response)));
            f.positions.push(position);
            f.quote(position, Part::Name, "before the answer");
        }
        None => f.detail.push("No provisional response with SDP announces it.".to_owned()),
    }
    f.positions.extend(outcome.answer);
    f.stream = Some(stream.id);
    findings.push(f);
}
