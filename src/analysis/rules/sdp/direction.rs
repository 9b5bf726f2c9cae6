//! `direction-conflict`: directions that leave a stream without anybody who sends, or without anybody who listens.

use super::pairs;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity};
use crate::media::facts::MediaFacts;
use crate::media::negotiation::is_conflict;
use crate::media::sdp::Direction;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "direction-conflict",
    severity: Severity::Error,
    meaning: "Both sides say the same one-sided direction: both only send, or both only receive. Nothing that one sends is taken by the \
              other. An answer to sendonly is recvonly or inactive.",
    noticed: "Silence on both sides, most often after a call was put on hold by both, or could not be taken back from hold.",
    causes: &[
        "Both sides put the call on hold, and the second one answers with sendonly instead of inactive.",
        "A B2BUA answers a hold itself with the direction of its own music on hold.",
        "A direction that one medium has is copied to all of them.",
    ],
    confirm: "Look at the a= lines of offer and answer, and at which side asks for the next re-INVITE.",
    fix: "Let the answerer mirror the offer: recvonly to sendonly, sendonly to recvonly, or inactive.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf endpoint: moh_passthrough=yes hands hold through to the other leg instead of answering it",
        ),
        (Product::FreeSwitch, "sofia profile: disable-hold=true ignores hold"),
    ],
    rule: "RFC 3264 §6.1",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let conflict = pairs(case).find_map(|pair| {
        let mut media = pair.accepted();
        let (offered, _) = media.find(|(o, a)| {
            o.protocol.is_rtp() && is_conflict(o.direction, a.direction) && !is_group(o) && !is_group(a)
        })?;
        let (what, nobody) = match offered.direction {
            Direction::SendOnly => ("sendonly", "listens"),
            _ => ("recvonly", "sends"),
        };
        let (offerer, answerer) = (pair.offerer, pair.answerer);
        let kind = offered.kind.name();
        let mut f = ENTRIES[0].finding(format!("{offerer} and {answerer} both say {what} for {kind}: nobody {nobody}"));
        let right = if what == "sendonly" { "recvonly or inactive" } else { "sendonly or inactive" };
        f.detail.push(format!(
            "The offer says {what}, and the answer says {what} where {right} is the only thing that works."
        ));
        let line = Part::BodyLine(format!("a={what}").into_bytes());
        f.quote(pair.at.offer, line.clone(), "the offer");
        f.quote(pair.at.answer, line, "the answer");
        f.positions = vec![pair.at.offer, pair.at.answer];
        Some(f)
    });
    findings.extend(conflict);
}

/// Whether media goes to a group: then both sides say which part they take in it. RFC 3264 §5.2
fn is_group(media: &MediaFacts) -> bool {
    media.endpoint.is_some_and(|e| e.ip().is_multicast())
}
