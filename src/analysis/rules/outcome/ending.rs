//! How a call ended, where that is worth saying: `call-rejected`, `call-busy`, `call-cancelled`, `call-unanswered`,
//! `call-redirected`, `call-open`.
//!
//! A response passes back over every hop; who decided is the one on the farthest hop on which it was seen, where it was seen first.

use super::cause;
use super::entries::{BUSY, CANCELLED, ENTRIES, OPEN, REDIRECTED, REJECTED, UNANSWERED};
use crate::analysis::rules::{Entry, Rule, is_explained};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::{Endpoint, Safe};
use crate::reference;
use crate::sip::{Address, HeaderName, Method};
use crate::trace::call::{Outcome, State, deciding_transaction};
use crate::trace::{Conversation, Facts, Kind};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

/// Findings that say why a call was refused: the refusal is their consequence, and no finding of its own.
const CAUSES: &[&str] = &[
    "no-response",
    "icmp-unreachable",
    "fragment-lost",
    "loop",
    "media-not-acceptable",
    "session-interval-too-small",
    "sdp-malformed",
    "prack-missing",
    "identity-malformed",
    "identity-stale",
    "identity-unverified",
];
/// Grammar: what a receiver refuses with 400 or the like.
const BROKEN: &[&str] = &[
    "header-missing",
    "header-duplicate",
    "header-malformed",
    "content-length-mismatch",
    "cseq-method-mismatch",
    "start-line-malformed",
    "uri-malformed",
    "version-unknown",
];
/// No time-out is shorter than two rings.
const SHORT_RINGING_NS: i64 = 8_000_000_000;
/// Timer C: a proxy gives an INVITE up that rings for longer than three minutes. RFC 3261 §16.6
const TIMER_C_NS: i64 = 180_000_000_000;

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
        State::Completed => return,
        State::Trying | State::Ringing => {
            findings.extend(left_ringing(case, outcome));
            return;
        }
    };
    if !is_caused(case, outcome, findings) {
        findings.extend(finding(case, outcome, &ENTRIES[entry]));
    }
}

/// Whether an earlier finding says already why the call came to nothing.
fn is_caused(case: &Case<'_>, outcome: &Outcome, findings: &[Finding]) -> bool {
    if !matches!(outcome.state, State::Rejected | State::Failed | State::Unauthorized | State::Unanswered) {
        return false;
    }
    let grave = |f: &&Finding| f.severity == Severity::Error;
    let has = |codes: &[&str]| findings.iter().filter(grave).any(|f| codes.contains(&f.code));
    if has(CAUSES) {
        return true;
    }
    match outcome.final_status {
        // Nothing came back, and why is told.
        None => findings.iter().any(|f| grave(&f)),
        Some(401 | 403 | 407) => findings.iter().filter(grave).any(|f| f.code.starts_with("auth-")),
        Some(400 | 413 | 416 | 420 | 493 | 505 | 513) => {
            let broken = |p: u32| is_explained(findings, BROKEN, p);
            let deciding = deciding_transaction(case.conversation, outcome.caller);
            has(BROKEN) && (deciding.and_then(|t| t.request).is_some_and(broken) || outcome.final_status == Some(400))
        }
        _ => false,
    }
}

fn finding(case: &Case<'_>, outcome: &Outcome, entry: &'static Entry) -> Option<Finding> {
    let c = case.conversation;
    let Some(response) = outcome.final_response.and_then(|p| c.at(p)) else {
        return Some(without_response(case, outcome, entry));
    };
    let (origin, position) = origin_of(case, response, outcome);
    let said = words::message(c, origin);
    let sender = origin.flow.src;
    let title = match outcome.state {
        State::Answered => "the capture ends while the call is up".to_owned(),
        State::Cancelled => cancelled_title(c, outcome),
        State::Unanswered if !gave_up(outcome, origin) => {
            format!("{sender} turned the call away while it rang: {said}")
        }
        State::Unanswered if outcome.ringing.is_none() => {
            format!("the call never rang: {sender} got no answer for it, and gave up with {said}")
        }
        State::Unanswered => format!("nobody answered: {sender} gave up with {said}"),
        State::Redirected => format!("{sender} redirected the call: {said}"),
        State::Busy => format!("{sender} is busy: {said}"),
        State::Unauthorized => format!("{sender} asked for credentials and none were accepted: {said}"),
        _ => format!("{sender} refused the call: {said}"),
    };
    let mut f = entry.finding(title);
    f.detail.extend(explained(c, origin));
    match outcome.state {
        State::Answered => tell_open(case, response, &mut f),
        State::Unanswered => tell_unanswered(c, outcome, origin, &mut f),
        State::Redirected => tell_targets(c, origin, &mut f),
        State::Cancelled => tell_cancel(c, outcome, &mut f),
        State::Busy => {}
        _ => tell_decision(c, outcome, origin, &mut f),
    }
    // From where it was decided to where the caller heard of it.
    f.positions = position.into_iter().chain(outcome.final_response).collect();
    f.positions.dedup();
    quote_ending(c, outcome, position.or(outcome.final_response), &mut f);
    Some(f)
}

/// What the messages say themselves of the end.
fn quote_ending(c: &Conversation, outcome: &Outcome, decided: Option<u32>, f: &mut Finding) {
    let cancel = c.requests(Method::Cancel).next().filter(|_| outcome.state == State::Cancelled);
    if let Some((at, _)) = cancel {
        f.quote(at, Part::Name, "the call is given up");
        f.quote(at, Part::first(HeaderName::Reason), "why");
        return;
    }
    let Some(at) = decided else { return };
    match outcome.state {
        State::Answered => f.quote(at, Part::Name, "no BYE was seen after this"),
        State::Redirected => f.quote(at, Part::first(HeaderName::Contact), "where to call instead"),
        _ => {
            f.quote(at, Part::Name, "");
            for name in [HeaderName::Reason, HeaderName::Warning, HeaderName::RetryAfter] {
                f.quote(at, Part::first(name), "");
            }
        }
    }
}

fn without_response(case: &Case<'_>, outcome: &Outcome, entry: &'static Entry) -> Finding {
    let c = case.conversation;
    let mut f = match outcome.state {
        State::Cancelled => entry.finding(cancelled_title(c, outcome)),
        _ => entry.finding("the call was not answered".to_owned()),
    };
    if outcome.state == State::Cancelled {
        tell_cancel(c, outcome, &mut f);
        f.detail.push("The 487 that ends a cancelled INVITE was not seen.".to_owned());
    }
    f.positions.extend(outcome.invite);
    quote_ending(c, outcome, None, &mut f);
    f
}

/// What the response itself says, in words.
fn explained<'a>(c: &'a Conversation, origin: &Facts) -> impl Iterator<Item = String> + use<'a> {
    let reasons = c.headers(origin, HeaderName::Reason).take(3).map(|v| format!("Reason: {}.", cause::reason(v)));
    let warnings = c.headers(origin, HeaderName::Warning).take(3).map(|v| format!("Warning: {}.", cause::warning(v)));
    let after = c.header(origin, HeaderName::RetryAfter).map(|v| format!("Retry-After: {}.", Safe(v.trim_ascii())));
    reasons.chain(warnings).chain(after)
}

/// The response with which the decision began: the earliest final one of the same status, on the hop farthest from the caller.
fn origin_of<'a>(case: &Case<'a>, response: &'a Facts, outcome: &Outcome) -> (&'a Facts, Option<u32>) {
    let c = case.conversation;
    // Not before the INVITE that it answers: the attempt before may have ended in the same way.
    let asked = c.transaction(response).and_then(|t| t.request).and_then(|p| c.at(p)).map(|f| f.time);
    let same = |f: &Facts| {
        f.status == response.status
            && f.cseq_method == response.cseq_method
            && f.time <= response.time
            && asked.is_none_or(|asked| f.time >= asked)
    };
    let earliest = c.firsts().find(|(_, f)| same(f));
    earliest.map_or((response, outcome.final_response), |(p, f)| (f, Some(p)))
}

/// Who decided, and whether the one who is named passed the call on before.
fn tell_decision(c: &Conversation, outcome: &Outcome, origin: &Facts, f: &mut Finding) {
    let sender = origin.flow.src;
    if let Some((meaning, behind)) = reference::status::told(origin.status) {
        f.detail.push(format!("A {} says: {meaning} Usually behind it: {behind}", origin.status));
    }
    let passed = forwarded_by(c, sender, origin);
    match passed {
        // The answers of those whom it asked say why; a proxy chooses the best of them. RFC 3261 §16.7
        Some((to, Some(status))) => {
            f.detail.push(format!(
                "{sender} had passed the call on to {to}, which answered {status}; {} is its own word.",
                origin.status
            ));
            f.confidence = Confidence::Likely;
        }
        Some((to, None)) => {
            f.detail.push(format!("{sender} had passed the call on to {to}, and got no final response from there."))
        }
        None if outcome.caller.is_some_and(|caller| caller != origin.flow.dst) => {
            f.detail.push(format!("It decided itself: no hop behind {sender} was seen."));
        }
        None => {
            f.detail.push(format!("{sender} decided itself: it did not pass the call on, as far as the capture shows."))
        }
    }
    if origin.status == 503 || origin.status == 500 {
        f.detail.push(
            "A refusal of this class is a failure of the server that is named, not of the called user.".to_owned(),
        );
    }
}

/// Where a host had sent the INVITE on, and the final status that came from there.
fn forwarded_by(c: &Conversation, host: Endpoint, origin: &Facts) -> Option<(Endpoint, Option<u16>)> {
    let asked = c.transaction(origin).and_then(|t| t.request);
    let mut onward = c.transactions.iter().filter(|t| {
        t.method == Method::Invite
            && t.request >= asked
            && t.flow.src.same_ip(&host)
            && !t.flow.dst.same_ip(&origin.flow.dst)
    });
    onward.next_back().map(|t| (t.flow.dst, Some(t.final_status).filter(|&s| s != 0)))
}

/// Whether a time-out is behind the end of the ringing, and not somebody who pressed a key.
fn gave_up(outcome: &Outcome, origin: &Facts) -> bool {
    origin.status == 408 || outcome.ringing.is_none_or(|ringing| origin.time.since(ringing) >= SHORT_RINGING_NS)
}

fn tell_unanswered(c: &Conversation, outcome: &Outcome, origin: &Facts, f: &mut Finding) {
    let begun = outcome.invite.and_then(|p| c.at(p)).map(|i| i.time);
    match (outcome.ringing, begun) {
        (Some(ringing), _) => f.detail.push(format!("It rang for {}.", words::duration(origin.time.since(ringing)))),
        (None, begun) => {
            let sender = origin.flow.src;
            let after =
                begun.map_or(String::new(), |b| format!(" {} after the INVITE", words::duration(origin.time.since(b))));
            f.detail.push(format!("It never rang: nothing that {sender} asked answered in time; it gave up{after}."));
        }
    }
    if let Some((to, None)) = forwarded_by(c, origin.flow.src, origin) {
        f.detail.push(format!("It had sent the INVITE on to {to}."));
    }
}

/// The Contacts of a redirection.
fn tell_targets(c: &Conversation, origin: &Facts, f: &mut Finding) {
    let targets = c.headers(origin, HeaderName::Contact).flat_map(Address::split).take(4);
    let targets: Vec<String> = targets.map(|t| Safe(t.trim_ascii()).to_string()).collect();
    f.detail.push(match targets.is_empty() {
        true => "It has no Contact: there is nowhere to go.".to_owned(),
        false => format!("It says to try {}.", targets.join(", ")),
    });
    f.detail.push("No other INVITE of the caller followed under this Call-ID.".to_owned());
}

fn cancelled_title(c: &Conversation, outcome: &Outcome) -> String {
    let by_caller =
        c.requests(Method::Cancel).any(|(_, f)| outcome.caller.is_none_or(|caller| caller.same_ip(&f.flow.src)));
    match (by_caller, outcome.ended_by_caller) {
        (true, _) | (_, Some(true)) => "the caller cancelled the call".to_owned(),
        _ => "the call was cancelled".to_owned(),
    }
}

fn tell_cancel(c: &Conversation, outcome: &Outcome, f: &mut Finding) {
    let Some((_, cancel)) = c.requests(Method::Cancel).next() else { return };
    let begun = outcome.invite.and_then(|p| c.at(p)).map(|i| i.time);
    match (outcome.ringing, begun) {
        (Some(ringing), _) => {
            f.detail.push(format!("It had rung for {}.", words::duration(cancel.time.since(ringing))))
        }
        (None, Some(begun)) => {
            f.detail.push(format!(
                "The CANCEL came {} after the INVITE; it had not rung.",
                words::duration(cancel.time.since(begun))
            ));
        }
        _ => {}
    }
    f.detail.extend(
        c.headers(cancel, HeaderName::Reason)
            .take(2)
            .map(|v| format!("The CANCEL says: Reason: {}.", cause::reason(v))),
    );
}

fn tell_open(case: &Case<'_>, answer: &Facts, f: &mut Finding) {
    let up = words::duration(case.now.since(answer.time).max(0));
    f.detail.push(format!("It had been up for {up} when the input ended; no BYE was seen."));
}

/// A call that got provisional responses and then nothing, for longer than any proxy waits.
fn left_ringing(case: &Case<'_>, outcome: &Outcome) -> Option<Finding> {
    let c = case.conversation;
    let t = deciding_transaction(c, outcome.caller)?;
    let last = c.at(t.latest)?;
    let silence = case.now.since(last.time);
    if t.final_status != 0 || t.first_response.is_none() || silence < TIMER_C_NS {
        return None;
    }
    let who = t.flow.dst;
    let mut f = ENTRIES[UNANSWERED].finding(format!("{who} never gave a final response to the INVITE"));
    let said = words::message(c, last);
    f.detail.push(format!(
        "The last that was seen of it is {said}; in the {} after that came nothing.",
        words::duration(silence)
    ));
    f.confidence = Confidence::Possible;
    f.quote(t.latest, Part::Name, "nothing came after this");
    f.positions = t.request.into_iter().chain([t.latest]).collect();
    f.positions.dedup();
    Some(f)
}
