//! `cseq-not-increasing`: a side of a dialog sends a request whose CSeq number is not higher than that of its request before.
//!
//! Only first sights count, so that a repeat, a copy, or the same request on the next hop is none. A lower number that follows the higher one closely may
//! have been overtaken on the way, which proves nothing; unless the receiver refused it.

use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::sip::Method;
use crate::trace::{Conversation, Facts, Kind, dialog};
use smallvec::SmallVec;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "cseq-not-increasing",
    severity: Severity::Error,
    meaning: "Each side of a dialog numbers its requests upwards with CSeq. Here one comes with a number that is not higher than the last: the receiver has \
              to take it for late or out of order, and refuses it with 500 or ignores it.",
    noticed: "Hold, transfer or hanging up has no effect, or is answered with 500 Server Internal Error.",
    causes: &[
        "A server in the middle (SBC, click-to-dial, a dialog module) sent a request of its own in this dialog, and the phone goes on counting where it was.",
        "The sender restarted, or moved to a standby node, with an old state of the dialog.",
        "The sender counts wrongly after a challenge: the repeated request with credentials has a number of its own.",
        "A hand-written test script has a fixed number.",
    ],
    confirm: "List the requests of that side with their CSeq: sipctl decode FILE --call N --messages headers. See who sent the one with the higher number \
              (User-Agent, source address, number of Via).",
    fix: "Mend the sender that is named: one counter for a side of a dialog, one higher for each new request (ACK and CANCEL keep that of their INVITE).",
    settings: &[],
    rule: "RFC 3261 §12.2.1.1, §12.2.2",
}];

/// Requests that follow each other faster than this may have changed places on the way.
const OVERTAKING_NS: i64 = 250_000_000;
/// Messages among which the same request on another hop is looked for.
const LOOKED_AT: usize = 512;
/// Sides of dialogs that are told apart.
const SIDES: usize = 16;

/// What one side of a dialog sent last.
#[derive(Clone, Copy)]
struct Side<'a> {
    sample: &'a Facts,
    position: u32,
}

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call {
        return;
    }
    let mut sides: SmallVec<[Side<'_>; 4]> = SmallVec::new();
    let counted =
        |f: &Facts| f.is_request() && f.has_cseq && !f.head_cut && !matches!(f.method, Method::Ack | Method::Cancel);
    for (position, f) in c.firsts().filter(|(_, f)| counted(f)) {
        let known = sides.iter_mut().find(|s| dialog::is_same_way(c, s.sample, f));
        match known {
            // The INVITE that starts the dialog may come again under the same number: with credentials, or on the next hop.
            Some(side) if f.cseq > side.sample.cseq => *side = Side { sample: f, position },
            Some(side) if !f.to_tag.is_empty() && is_wrong(c, side, position, f) => {
                findings.push(finding(c, side, position, f));
                return;
            }
            Some(_) => {}
            None => {
                // The first request of the caller inside the dialog comes after its INVITE.
                let first =
                    sides.iter().find(|s| s.sample.to_tag.is_empty() && dialog::is_same_side(c, s.sample, f)).copied();
                if let Some(invite) = first.filter(|i| f.cseq <= i.sample.cseq && !f.to_tag.is_empty())
                    && is_wrong(c, &invite, position, f)
                {
                    findings.push(finding(c, &invite, position, f));
                    return;
                }
                if sides.len() < SIDES {
                    sides.push(Side { sample: f, position });
                }
            }
        }
    }
}

/// Whether a request at `position` that does not count up is wrong, and not one that was seen before on another hop or overtaken.
fn is_wrong(c: &Conversation, side: &Side<'_>, position: u32, f: &Facts) -> bool {
    let is_again = |o: &Facts| {
        o.asks(f.method) && o.cseq == f.cseq && dialog::is_same_side(c, o, f) && o.method_text() == f.method_text()
    };
    let before = c.facts.iter().take(position as usize).rev();
    // Farther back than this nothing is known.
    let is_near = position - side.position < LOOKED_AT as u32;
    if !is_near || before.take(LOOKED_AT).any(is_again) {
        return false;
    }
    // Who got no answer to its last request, or has hung up, mostly knows no more of the dialog, and ends it as it can.
    let sample = side.sample;
    let answered = c.transaction(sample).is_some_and(|t| match sample.to_tag.is_empty() {
        // An INVITE that nobody answered begins no dialog.
        true => t.first_progress.is_some() || t.final_status / 100 == 2,
        false => t.final_status != 0,
    });
    if !answered || sample.asks(Method::Bye) {
        return false;
    }
    let refused = c.transaction(f).is_some_and(|t| t.final_status == 500);
    // A proxy that asks whether the dialog still stands counts nothing up, so as not to disturb it.
    if f.method == Method::Options && !refused {
        return false;
    }
    refused || f.time.since(side.sample.time) >= OVERTAKING_NS
}

fn finding(c: &Conversation, side: &Side<'_>, position: u32, f: &Facts) -> Finding {
    let (method, before) = (words::method(c, f), words::method(c, side.sample));
    let (who, earlier) = (f.flow.src, side.sample.flow.src);
    let mut found = ENTRIES[0]
        .finding(format!("{who} sent a {method} with CSeq {} after its {before} had {}", f.cseq, side.sample.cseq));
    let after = words::duration(f.time.since(side.sample.time));
    found.detail.push(format!("The {before} with CSeq {} came {after} before.", side.sample.cseq));
    if !earlier.same_ip(&who) {
        found.detail.push(format!(
            "That one came from {earlier}: two programs count for the same side of the dialog, and do not know of each other."
        ));
        found.confidence = Confidence::Likely;
    }
    match c.transaction(f).map_or(0, |t| t.final_status) {
        0 => found.detail.push(format!("No final response to the {method} was seen.")),
        status @ 200..=299 => {
            found
                .detail
                .push(format!("It was answered {status} all the same; another receiver would refuse it with 500."));
            found.severity = Severity::Warning;
        }
        status => found.detail.push(format!("It was refused with {status}.")),
    }
    found.ruled_out.push(format!("Overtaking on the way: {after} lie between the two."));
    found.quote(side.position, Part::CSeq, "the number before");
    found.quote(position, Part::CSeq, "has to be higher than that");
    found.positions = vec![side.position, position];
    found
}
