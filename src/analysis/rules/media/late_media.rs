//! `late-media`: sound that begins long after the answer.

use super::{agreed, is_voice, talk};
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Severity, words};
use crate::trace::MediaStream;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "late-media",
    severity: Severity::Warning,
    meaning: "The call was answered, and the first RTP in one direction came seconds later: the first words of one side are lost.",
    noticed: "\"Hello?\" is cut off: callers miss the beginning of a greeting, or call back because nobody seems to speak.",
    causes: &[
        "A gateway or B2BUA opens its media only after a second negotiation, or after the far end answered.",
        "ICE, DTLS or a key exchange takes long before media may flow.",
        "A NAT lets packets in only after its own side has sent some.",
        "The sender waits for the ACK, and the ACK is slow.",
    ],
    confirm: "Look at what stands between the 200 OK and the first packet in the ladder: an ACK, a re-INVITE, STUN or DTLS.",
    fix: "Let the answering side start its media with the 200 OK, and keep re-INVITEs away from the first seconds.",
    settings: &[
        (Product::Asterisk, "pjsip.conf endpoint: direct_media=no (no re-INVITE after the answer), rtp_keepalive"),
        (Product::FreeSwitch, "variable bypass_media_after_bridge=false; sofia profile: inbound-late-negotiation"),
    ],
    rule: "RFC 3264 §5.1, §6.1",
}];

/// What is later than this is noticed by everybody.
const LATE_NS: i64 = 2_500_000_000;
/// So few packets are no sound.
const PACKETS: u64 = 25;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    if case.streams.is_empty() {
        return;
    }
    let Some((answered, _)) = talk(case) else { return };
    let Some(agreed) = agreed(case).filter(|a| a.to_caller && a.to_callee) else { return };
    let first = |to_caller: bool| {
        let streams = case.streams.iter().filter(move |s| s.to_caller == Some(to_caller));
        streams.min_by_key(|s| s.start)
    };
    let late = |s: &MediaStream| s.start.since(answered);
    let is_late = |s: &&MediaStream| late(s) > LATE_NS && s.receiver.packets() >= PACKETS && is_voice(s);
    // Where both begin late together, the capture may have been started late for media: one cause, one finding.
    let found = [true, false].into_iter().filter_map(first).filter(is_late).max_by_key(|s| late(s));
    let Some(stream) = found else { return };
    let deaf = if stream.to_caller == Some(true) { "caller" } else { "callee" };
    let after = words::duration(late(stream));
    let mut f = ENTRIES[0].finding(format!(
        "the {deaf} heard nothing for {after} after the answer: the first RTP from {} came so late",
        stream.flow.src
    ));
    let other = first(stream.to_caller != Some(true)).map(late);
    match other {
        Some(ns) if ns <= LATE_NS => {
            f.confidence = Confidence::Certain;
            f.ruled_out.push(
                "The other direction was captured from the beginning, so the capture did not start late.".to_owned(),
            );
        }
        Some(ns) => {
            f.confidence = Confidence::Likely;
            f.detail.push(format!("The other direction begins late, too: {} after the answer.", words::duration(ns)));
        }
        None => f.confidence = Confidence::Likely,
    }
    f.ruled_out.push("No hold and no one-sided direction was agreed on.".to_owned());
    agreed.show(&mut f);
    f.positions.splice(0..0, case.outcome().answer);
    f.positions.sort_unstable();
    f.positions.dedup();
    f.stream = Some(stream.id);
    findings.push(f);
}
