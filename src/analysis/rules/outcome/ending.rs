//! How a call ended, where that is worth saying: `call-rejected`, `call-busy`, `call-cancelled`, `call-unanswered`,
//! `call-redirected`, `call-open`.

use crate::analysis::rules::{Entry, Rule, reach};
use crate::analysis::{Case, Finding, Severity, words};
use crate::base::Safe;
use crate::sip::HeaderName;
use crate::trace::call::{Outcome, State};
use crate::trace::{Facts, Kind};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

const REJECTED: usize = 0;
const BUSY: usize = 1;
const CANCELLED: usize = 2;
const UNANSWERED: usize = 3;
const REDIRECTED: usize = 4;
const OPEN: usize = 5;

static ENTRIES: [Entry; 6] = [
    Entry {
        code: "call-rejected",
        severity: Severity::Error,
        meaning: "The call was refused with a final response; the one who sent it first is the one who decided.",
        rule: "RFC 3261 §21.4",
        fix: "Look at the status, and at Reason and Warning, on the element that is named: it decided.",
        ..Entry::BLANK
    },
    Entry {
        code: "call-busy",
        severity: Severity::Info,
        meaning: "The called side is busy, on this phone (486) or everywhere (600).",
        rule: "RFC 3261 §21.4.24, §21.6.1",
        fix: "Nothing is broken. Call waiting, a second binding or voicemail would take such calls.",
        ..Entry::BLANK
    },
    Entry {
        code: "call-cancelled",
        severity: Severity::Info,
        meaning: "The caller gave up before anybody answered; 487 is the expected end of a cancelled INVITE.",
        rule: "RFC 3261 §9.1, §21.4.25",
        fix: "Nothing is broken. Where callers give up early, look at how long it rings and where.",
        ..Entry::BLANK
    },
    Entry {
        code: "call-unanswered",
        severity: Severity::Warning,
        meaning: "The call ran into a time-out: nobody picked up, or the called side is not there.",
        rule: "RFC 3261 §21.4.9, §21.4.18",
        fix: "See whether the called user is registered and rings; a forward on no answer would take such calls.",
        ..Entry::BLANK
    },
    Entry {
        code: "call-redirected",
        severity: Severity::Info,
        meaning: "The call was sent elsewhere with a 3xx response; its Contact says where.",
        rule: "RFC 3261 §21.3",
        fix: "Nothing is broken if the caller follows the Contact.",
        ..Entry::BLANK
    },
    Entry {
        code: "call-open",
        severity: Severity::Info,
        meaning: "The capture ends while the call is up: there is no BYE in it.",
        rule: "RFC 3261 §15",
        fix: "Capture for longer to see how the call ends.",
        ..Entry::BLANK
    },
];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call {
        return;
    }
    let outcome = case.outcome();
    let entry = match outcome.state {
        State::Rejected | State::Failed | State::Unauthorized => REJECTED,
        State::Busy => BUSY,
        State::Cancelled => CANCELLED,
        State::Unanswered => UNANSWERED,
        State::Redirected => REDIRECTED,
        State::Answered => OPEN,
        State::Completed | State::Trying | State::Ringing => return,
    };
    // Silence is a cause of its own, and already told.
    if outcome.final_response.is_none() && findings.iter().any(|f| reach::SILENCE.contains(&f.code)) {
        return;
    }
    findings.extend(finding(case, outcome, &ENTRIES[entry]));
}

fn finding(case: &Case<'_>, outcome: &Outcome, entry: &'static Entry) -> Option<Finding> {
    let c = case.conversation;
    let Some(response) = outcome.final_response.and_then(|p| c.at(p)) else {
        let title = if outcome.state == State::Cancelled {
            "the caller cancelled the call"
        } else {
            "the call was not answered"
        };
        let mut f = entry.finding(title.to_owned());
        f.positions.extend(outcome.invite);
        return Some(f);
    };
    let said = words::message(c, response);
    let (origin, position) = origin_of(case, response, outcome);
    let sender = origin.flow.src;
    let title = match outcome.state {
        State::Answered => "the capture ends while the call is up".to_owned(),
        State::Cancelled => "the caller cancelled the call".to_owned(),
        State::Unanswered => format!("nobody answered: {sender} gave up with {said}"),
        State::Redirected => format!("{sender} redirected the call: {said}"),
        State::Busy => format!("{sender} is busy: {said}"),
        State::Unauthorized => format!("{sender} asked for credentials and none were accepted: {said}"),
        _ => format!("{sender} refused the call: {said}"),
    };
    let mut f = entry.finding(title);
    for (name, label) in
        [(HeaderName::Reason, "Reason"), (HeaderName::Warning, "Warning"), (HeaderName::RetryAfter, "Retry-After")]
    {
        for value in c.headers(origin, name).take(3) {
            f.detail.push(format!("{label}: {}", Safe(value)));
        }
    }
    if outcome.state == State::Unanswered && outcome.ringing.is_none() {
        f.detail.push(format!("It never rang: nothing that {sender} asked answered in time."));
    }
    // From where it was decided to where the caller heard of it.
    f.positions = position.into_iter().chain(outcome.final_response).collect();
    f.positions.dedup();
    Some(f)
}

/// The response with which the decision began: the earliest final one of the same status, on the hop farthest from the caller.
fn origin_of<'a>(case: &Case<'a>, response: &'a Facts, outcome: &Outcome) -> (&'a Facts, Option<u32>) {
    let c = case.conversation;
    let same =
        |f: &&Facts| f.status == response.status && f.cseq_method == response.cseq_method && f.time <= response.time;
    let earliest = c.firsts().find(|(_, f)| same(f));
    earliest.map_or((response, outcome.final_response), |(p, f)| (f, Some(p)))
}
