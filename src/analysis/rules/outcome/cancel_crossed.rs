//! `cancel-crossed-answer`: the caller gave up in the moment in which the callee picked up, and left the call standing.
//!
//! That a 2xx crosses a CANCEL is nobody's fault. The caller then has a call that it has to acknowledge and end.

use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::sip::Method;
use crate::trace::{Conversation, Facts, Kind, Transaction, dialog};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "cancel-crossed-answer",
    severity: Severity::Error,
    meaning: "The caller sent CANCEL while the 200 was on its way: the call is answered all the same. The caller has to send ACK and then BYE; here it did \
              not, and the callee stands in a call with nobody.",
    noticed: "The called user picks up, hears nothing, and the phone stays in the call for half a minute or longer; it may be billed.",
    causes: &[
        "The caller forgets the call with the CANCEL and ignores what comes after.",
        "A proxy or B2BUA in the middle destroyed its transaction with the CANCEL and did not pass the 200 on.",
        "The ACK or the BYE was lost, or could not be routed.",
    ],
    confirm: "See on the caller's own hop whether the 200 arrived there, and whether ACK and BYE left for it.",
    fix: "Mend the caller (or the B2BUA) that is named: a 2xx after its CANCEL is acknowledged, and the call ended with BYE.",
    settings: &[],
    rule: "RFC 3261 §9.1, §15",
}];

/// The caller gets so long to acknowledge and end the call.
const PATIENCE_NS: i64 = 5_000_000_000;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call || !case.seen().asks(Method::Cancel) {
        return;
    }
    let crossed = c.requests(Method::Cancel).find_map(|(position, cancel)| {
        let t = invite_of(c, cancel)?;
        let answer = c.at(t.final_response?)?;
        // The proxy of a fork cancels what it asked beside; that is no caller who gave up.
        let is_callers = case.outcome().caller.is_none_or(|caller| caller.same_ip(&cancel.flow.src));
        // Another INVITE of the same dialog goes on with the call: it was asked more than once, and only the others were cancelled.
        let goes_on = || dialog::answers(c).any(|(_, f)| f.cseq != answer.cseq && dialog::is_same_way(c, f, answer));
        (is_callers && answer.is_success() && !goes_on()).then_some((position, cancel, t, answer))
    });
    let Some((position, cancel, t, answer)) = crossed else { return };
    let acked = c.requests(Method::Ack).any(|(_, f)| f.cseq == answer.cseq && dialog::is_same_way(c, f, answer));
    let bye = c.requests(Method::Bye).find(|(_, f)| dialog::is_same(c, f, answer));
    let by_caller = bye.is_some_and(|(_, f)| dialog::is_same_side(c, f, answer));
    // With the BYE it ended what it had not meant to begin, acknowledged or not.
    if by_caller || case.now.since(answer.time) < PATIENCE_NS {
        return;
    }
    let caller = cancel.flow.src;
    let missing = match (acked, bye.is_some()) {
        (false, _) => "neither acknowledged nor ended it",
        (true, false) => "acknowledged it and did not end it",
        // The callee hung up: that the caller meant to is not known.
        (true, true) => return,
    };
    let apart = answer.time.since(cancel.time);
    let mut f = ENTRIES[0].finding(format!("the call was answered as {caller} cancelled it, and {caller} {missing}"));
    f.detail.push(match apart {
        0.. => format!(
            "The {} came {} after the CANCEL: the two crossed.",
            words::message(c, answer),
            words::duration(apart)
        ),
        _ => format!(
            "The CANCEL was sent {} after the {}: too late to cancel anything.",
            words::duration(apart.saturating_neg()),
            words::message(c, answer)
        ),
    });
    if t.final_sends > 1 {
        f.detail.push(format!(
            "{} sent its answer {} and waits for the ACK.",
            answer.flow.src,
            words::times(t.final_sends)
        ));
    }
    if let Some((at, bye)) = bye.filter(|_| !by_caller) {
        let after = words::duration(bye.time.since(answer.time));
        f.detail.push(format!("{} gave the call up {after} after it had answered.", bye.flow.src));
        f.positions.push(at);
    }
    f.quote(position, Part::Name, "the caller gives up");
    if let Some(answered) = t.final_response {
        f.quote(answered, Part::Name, "the callee answers");
    }
    f.positions.extend(t.request);
    f.positions.push(position);
    f.positions.extend(t.final_response);
    f.positions.extend(t.final_response.into_iter().flat_map(|p| c.repeats_of(p).map(|(p, _)| p)).take(32));
    f.positions.sort_unstable();
    findings.push(f);
}

/// The INVITE transaction that a CANCEL names: by its branch, on its hop. RFC 3261 §9.1
fn invite_of<'a>(c: &'a Conversation, cancel: &Facts) -> Option<&'a Transaction> {
    let own = c.transaction(cancel)?;
    c.transactions.iter().find(|t| {
        t.method == Method::Invite
            && t.cseq == cancel.cseq
            && t.flow.dst == own.flow.dst
            && c.text(t.branch) == c.text(own.branch)
    })
}
