//! `ack-mismatch`: an ACK that confirms no answer, since its tags or its CSeq number are those of none.
//!
//! Two things are needed: a 2xx that no ACK confirms, and an ACK after it that differs from it in one of the three by which the callee knows it. An ACK
//! for an answer that was not captured differs as well; what speaks against it is looked for.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::Safe;
use crate::sip::Method;
use crate::trace::{Conversation, Facts, Kind, dialog};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "ack-mismatch",
    severity: Severity::Error,
    meaning: "The caller did send an ACK, but with a From tag, To tag or CSeq number that fits no answer. The callee cannot tell what it confirms: it goes \
              on repeating its 200 and gives the call up after 32 seconds.",
    noticed: "Both talk, and the call breaks off after half a minute although an ACK is in the capture.",
    causes: &[
        "The caller took the To tag of another response: of a 180 of another branch of a fork, or of the call before.",
        "The caller counts its CSeq wrongly: after a 407 the ACK has to name the number of the second INVITE.",
        "A B2BUA or an ALG between the two changes tags in one direction only.",
        "A hand-written test script has a fixed tag or number in its ACK.",
    ],
    confirm: "Compare From tag, To tag and CSeq of the ACK with those of the 200: sipctl decode FILE --call N --messages headers.",
    fix: "Mend the program that sends the ACK: From tag, To tag and CSeq number are those of the 200 that it confirms, the method is ACK.",
    settings: &[(Product::Kamailio, "topoh: the same mask_key on every node that the calls of one cluster pass")],
    rule: "RFC 3261 §13.2.2.4, §12.2.1.1",
}];

/// ACKs that are looked at.
const ACKS: usize = 64;

/// What an ACK has other than the answer that it follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Differs {
    FromTag,
    ToTag,
    CSeq,
}

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call {
        return;
    }
    for (position, ack) in c.requests(Method::Ack).take(ACKS) {
        if let Some((answer, part)) = answer_meant(c, ack) {
            findings.extend(finding(c, answer, (position, ack), part));
            return;
        }
    }
}

/// The parts in which an ACK differs from an answer: `None` where it differs in several, or in none.
fn difference(c: &Conversation, answer: &Facts, ack: &Facts) -> Option<Differs> {
    let from = dialog::is_same_side(c, answer, ack);
    let to = c.text(answer.to_tag) == c.text(ack.to_tag);
    match (from, to, answer.cseq == ack.cseq) {
        (false, true, true) => Some(Differs::FromTag),
        (true, false, true) => Some(Differs::ToTag),
        (true, true, false) => Some(Differs::CSeq),
        _ => None,
    }
}

fn confirms(c: &Conversation, answer: &Facts, ack: &Facts) -> bool {
    answer.cseq == ack.cseq && dialog::is_same_way(c, answer, ack)
}

/// The answer that an ACK was meant for, where it confirms none.
fn answer_meant(c: &Conversation, ack: &Facts) -> Option<(u32, Differs)> {
    let refused = c.transaction(ack).is_some_and(|t| t.method == Method::Invite && t.final_status >= 300);
    if refused || ack.head_cut || !ack.has_cseq || dialog::answers(c).any(|(_, answer)| confirms(c, answer, ack)) {
        return None;
    }
    let (position, answer, part) = dialog::answers(c).filter(|(_, f)| !f.head_cut).find_map(|(p, f)| {
        let part = difference(c, f, ack)?;
        (f.time <= ack.time).then_some((p, f, part))
    })?;
    let is_confirmed = c.requests(Method::Ack).any(|(_, other)| confirms(c, answer, other));
    let repeated_after = c.repeats_of(position).any(|(_, f)| f.time > ack.time);
    let fits_another = match part {
        // The ACK of an INVITE whose answer was not captured.
        Differs::CSeq => {
            c.transactions.iter().any(|t| t.method == Method::Invite && t.cseq == ack.cseq && t.final_status == 0)
        }
        // One of a branch, or of a leg, whose answer was not captured.
        Differs::ToTag => c.facts.iter().any(|f| !f.is_request() && c.text(f.to_tag) == c.text(ack.to_tag)),
        Differs::FromTag => c.facts.iter().any(|f| !f.asks(Method::Ack) && dialog::is_same_side(c, f, ack)),
    };
    let is_acks_fault = !is_answers_fault(c, answer, ack, part) && (repeated_after || !fits_another);
    (!is_confirmed && is_acks_fault).then_some((position, part))
}

/// Whether the ACK fits the INVITE, and it is the answer that does not: `response-mismatch` tells that.
fn is_answers_fault(c: &Conversation, answer: &Facts, ack: &Facts, part: Differs) -> bool {
    let asked = c.transaction(answer).and_then(|t| t.request).and_then(|p| c.at(p));
    asked.is_some_and(|invite| match part {
        Differs::CSeq => invite.has_cseq && invite.cseq == ack.cseq,
        Differs::FromTag => dialog::is_same_side(c, invite, ack),
        Differs::ToTag => false,
    })
}

fn finding(c: &Conversation, position: u32, (at, ack): (u32, &Facts), part: Differs) -> Option<Finding> {
    let answer = c.at(position)?;
    let (what, has, should) = match part {
        Differs::FromTag => ("From tag", text(c, ack.from_tag), text(c, answer.from_tag)),
        Differs::ToTag => ("To tag", text(c, ack.to_tag), text(c, answer.to_tag)),
        Differs::CSeq => ("CSeq number", ack.cseq.to_string(), answer.cseq.to_string()),
    };
    let said = words::message(c, answer);
    let (sender, answerer) = (ack.flow.src, answer.flow.src);
    let title = format!("the ACK from {sender} has the {what} of no answer: {has} instead of {should}");
    let mut f = ENTRIES[0].finding(title);
    f.detail.push(format!("The {said} from {answerer} has the {what} {should}; no ACK with that was seen."));
    let repeats: Vec<u32> = c.repeats_of(position).filter(|(_, f)| f.time > ack.time).map(|(p, _)| p).collect();
    f.confidence = if repeats.is_empty() { Confidence::Likely } else { Confidence::Certain };
    if !repeats.is_empty() {
        let n = words::times(repeats.len() as u32);
        f.detail.push(format!(
            "{} did not take it for an answer: it sent its {said} {n} more after that ACK.",
            answer.flow.src
        ));
        f.ruled_out.push("A lost ACK: it is in the capture, and the repeats go on after it.".to_owned());
    } else {
        f.ruled_out.push("An ACK for another answer: no message with that value was captured.".to_owned());
    }
    let quoted = match part {
        Differs::FromTag => Part::FromTag,
        Differs::ToTag => Part::ToTag,
        Differs::CSeq => Part::CSeq,
    };
    f.quote(position, quoted.clone(), format!("the {what} of the answer"));
    f.quote(at, quoted, format!("the {what} of the ACK"));
    f.positions = [position, at].into_iter().chain(repeats).take(64).collect();
    Some(f)
}

fn text(c: &Conversation, span: crate::base::Span) -> String {
    match c.text(span) {
        b"" => "none".to_owned(),
        tag => Safe(tag).to_string(),
    }
}
