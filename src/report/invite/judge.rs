//! What a trial call means: the exit code, one line, and what to do next. CONTRACT §3

use super::facts::problem_words;
use super::heard::{self, Direction};
use crate::agent::Answered;
use crate::agent::invite::{EndedBy, Problem, Record};
use crate::analysis::rules::outcome::cause;
use crate::base::Safe;
use crate::media::session::MediaReport;
use crate::reference;
use crate::report::Exit;
use crate::report::active::Judgement;
use crate::report::ping::StatusRange;
use crate::sip::{HeaderName, Message, Outline, Params, status};
use std::time::Duration;

/// What to do about a call that may be left up.
const LEFT: &str = "the other side ends it when its session timer or its user does";

/// What to do about answers that are none.
const ODD: &str = "-v shows them: another branch, Call-ID, tag or CSeq than ours, or what is no SIP";

/// What a call is held against.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    /// Statuses of which its set-up must end with one; any that means success where it is empty.
    pub statuses: Vec<StatusRange>,
    /// Directions in which sound must have passed.
    pub audio: Option<Direction>,
    /// Lowest mean opinion score of what came.
    pub min_mos: Option<f64>,
    /// Most loss of what came, in percent.
    pub max_loss: Option<f64>,
    /// Longest time to the answer.
    pub max_setup: Option<Duration>,
    /// Whether the call was to be cancelled.
    pub cancels: bool,
}

/// Judges a call. `stopped`: somebody wished to stop. A call that was cut off by a second wish has no end: it may be left up.
#[must_use]
pub fn judge(record: &Record, media: Option<&MediaReport>, gates: &Gates, stopped: bool) -> Judgement {
    if stopped {
        return interrupted(record);
    }
    let status = record.last_response.as_ref().map(|(status, ..)| *status);
    let status = if record.answered.is_some() { status.or(Some(200)) } else { status };
    if let (false, Some(status)) = (gates.statuses.is_empty(), status) {
        let wanted = gates.statuses.iter().any(|range| range.contains(status));
        let said = said(record, status);
        if !wanted {
            let all = gates.statuses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
            return Judgement::new(Exit::Unexpected, format!("{said}, and {all} was expected"), "");
        }
        if record.answered.is_none() {
            return Judgement::new(Exit::Good, format!("{said}, as expected"), "");
        }
    }
    match record.answered {
        Some(_) => answered(record, media, gates),
        None => unanswered(record, gates, status),
    }
}

fn interrupted(record: &Record) -> Judgement {
    let has_end = record.ended.is_some() || record.began.is_none();
    let (reason, hint) = match (record.answered, record.cancelled) {
        _ if record.may_be_up || !has_end => ("interrupted; a call may be left up", LEFT),
        (Some(_), _) => ("interrupted; the call was hung up", ""),
        (None, Some(_)) => ("interrupted; the call was cancelled", ""),
        (None, None) if record.began.is_none() => ("interrupted before anything was sent", ""),
        (None, None) => ("interrupted; no call was set up", ""),
    };
    Judgement::new(Exit::Interrupted, reason, hint)
}

/// A call that was answered: how it ended, then what was heard.
fn answered(record: &Record, media: Option<&MediaReport>, gates: &Gates) -> Judgement {
    if let Some(judgement) = bad_end(record) {
        return judgement;
    }
    let may_send = record.agreed.as_ref().is_some_and(|agreed| agreed.sends);
    if let Some((reason, hint)) = gates.audio.and_then(|wanted| heard::unheard(wanted, media, may_send)) {
        return Judgement::new(Exit::Unexpected, reason, hint);
    }
    if let Some(reason) = missed(record, media, gates) {
        return Judgement::new(Exit::Missed, reason, "");
    }
    let mut parts = Vec::new();
    if record.cancelled.is_some() {
        parts.push("the answer crossed our CANCEL and was hung up".to_owned());
    }
    if record.ended_by == Some(EndedBy::Them) {
        parts.push(format!("they hung up{}", reason_words(record)));
    }
    parts.extend(media.map(told));
    let after = after(record).map(|after| format!(" after {}", span(after))).unwrap_or_default();
    Judgement::new(Exit::Good, format!("answered{after}; {}", parts.join("; ")).trim_end_matches("; "), "")
}

/// What was heard, for a verdict that nobody gated.
fn told(media: &MediaReport) -> String {
    let heard = heard::heard(&media.received);
    match media.received.mos() {
        Some(mos) if media.received.heard.is_audio() => format!("{heard} (MOS {mos:.1})"),
        _ => heard,
    }
}

/// An end that was not as planned.
fn bad_end(record: &Record) -> Option<Judgement> {
    let bad = |reason: String, hint: &str| Some(Judgement::new(Exit::Unexpected, reason, hint));
    let problem = |found: &dyn Fn(&Problem) -> bool| record.problems.iter().rev().find(|p| found(p));
    let words = |problem: Option<&Problem>| problem.map(|p| problem_words(p).1).unwrap_or_default();
    let left = if record.may_be_up { ": the call may be left up" } else { "" };
    let bye = problem(&|p| matches!(p, Problem::Bye(_)));
    if record.ended_by == Some(EndedBy::Unusable) {
        let media = problem(&|p| matches!(p, Problem::Media(_) | Problem::NoPorts));
        let other = problem(&|p| !matches!(p, Problem::Bye(_) | Problem::NoWay(_)));
        let mut why = words(media.or(other));
        if why.is_empty() {
            why = "it lacks what a dialog needs (From, To and its tag, Call-ID, CSeq)".to_owned();
        }
        let bye = bye.map(|bye| format!("; {}{left}", words(Some(bye)))).unwrap_or_default();
        return bad(
            format!("answered with what cannot be used: {why}{bye}"),
            "-v shows what came, --ladder offer and answer",
        );
    }
    if let Some(Problem::Bye(status)) = bye {
        let hint = if status.is_some() { "they had forgotten the call, or hung up at the same moment" } else { LEFT };
        return bad(format!("answered, but {}{left}", words(bye)), hint);
    }
    if let Some(gone) = problem(&|p| matches!(p, Problem::Gone(..))) {
        return bad(format!("answered, but {}", words(Some(gone))), "--ladder shows what was asked");
    }
    match record.ended_by {
        Some(EndedBy::SessionTimer) => bad(
            "the call was ended: nobody refreshed its session in time".to_owned(),
            "the session timer was to be refreshed by them, or our refresh found no answer",
        ),
        Some(EndedBy::Transport) => bad(format!("the call stood, then {}", broken(record).0), LEFT),
        Some(EndedBy::Them) if is_abnormal(record) => bad(format!("they hung up{}", reason_words(record)), ""),
        _ if record.may_be_up => bad("answered, and a call may be left up".to_owned(), LEFT),
        _ => None,
    }
}

/// The first threshold that was missed.
fn missed(record: &Record, media: Option<&MediaReport>, gates: &Gates) -> Option<String> {
    let received = missed_by(media, gates);
    if received.is_some() {
        return received;
    }
    let slow = gates.max_setup.zip(after(record)).filter(|(most, took)| took > most);
    slow.map(|(most, took)| format!("answered after {}, and {} was wanted", span(took), span(most)))
}

/// The first threshold that is missed by what came to one end.
pub(super) fn missed_by(media: Option<&MediaReport>, gates: &Gates) -> Option<String> {
    let received = media.map(|media| &media.received);
    if let Some(least) = gates.min_mos {
        match received.and_then(|r| r.mos()) {
            None => return Some(format!("nothing came that has a MOS; at least {least} was wanted")),
            Some(mos) if mos < least => return Some(format!("MOS {mos:.2}, and at least {least} was wanted")),
            Some(_) => {}
        }
    }
    if let Some(most) = gates.max_loss {
        match received.and_then(|r| r.statistics.as_ref()) {
            None => return Some(format!("no RTP came; at most {most} % loss was wanted")),
            Some(s) if s.loss_percent > most => {
                return Some(format!(
                    "{:.1} % of the packets were lost, and at most {most} % was wanted",
                    s.loss_percent
                ));
            }
            Some(_) => {}
        }
    }
    None
}

/// A call that nobody answered.
fn unanswered(record: &Record, gates: &Gates, status: Option<u16>) -> Judgement {
    if record.problems.contains(&Problem::NoPorts) && record.began.is_none() {
        let (_, words) = problem_words(&Problem::NoPorts);
        return Judgement::new(Exit::Usage, words, "--media-ports names others; `ss -uln` lists those in use");
    }
    if let Some(cancel) = record.cancelled.filter(|_| gates.cancels && record.ended_by != Some(EndedBy::Timeout)) {
        return match cancel.invite_status {
            Some(487) => Judgement::new(Exit::Good, "cancelled as planned: 487 ended the call", ""),
            Some(status) => {
                Judgement::new(Exit::Unexpected, said(record, status), "it came before the CANCEL took effect")
            }
            None => Judgement::new(Exit::NoAnswer, "cancelled, and no final response came", "RFC 3261 §9.2 wants 487"),
        };
    }
    match record.ended_by {
        Some(EndedBy::Timeout) => timeout(record),
        Some(EndedBy::Transport) | None => {
            let (reason, hint) = broken(record);
            Judgement::new(Exit::Unreachable, reason, hint)
        }
        _ => match status {
            Some(status) => rejection(record, status),
            None => timeout(record),
        },
    }
}

fn timeout(record: &Record) -> Judgement {
    // How long it takes until a CANCEL that brings nothing is given up is not how long was waited for an answer.
    let until = record.cancelled.map(|cancel| cancel.at).or(record.ended);
    let waited = record.began.zip(until).map(|(from, to)| to.saturating_duration_since(from));
    let waited = waited.map(|w| format!(" in {}", span(w))).unwrap_or_default();
    let cancelled = match record.cancelled {
        Some(cancel) if cancel.invite_status.is_none() => "; the call was cancelled, and no final response came",
        Some(_) => "; the call was cancelled",
        None => "",
    };
    let (reason, hint) = match (record.ringing, record.trying) {
        (Some(_), _) => (format!("it rang, and nobody answered{waited}{cancelled}"), "--ring-timeout waits longer"),
        (None, Some(_)) => (
            format!("no answer{waited}: the call was taken (100) and never rang{cancelled}"),
            "a proxy that cannot reach the callee; --ring-timeout waits longer",
        ),
        (None, None) => {
            let sends = record.tries.last().and_then(|t| t.attempts.last()).map_or(0, |a| a.sends);
            let times = if sends == 1 { "once".to_owned() } else { format!("{sends} times") };
            let reason = format!("no answer to INVITE (sent {times})");
            match record.ignored {
                0 => (
                    reason,
                    "a firewall, a wrong address, or a server that ignores unknown callers; --timeout waits longer",
                ),
                1 => (format!("{reason}; a message came that does not answer it"), ODD),
                n => (format!("{reason}; {n} messages came that do not answer it"), ODD),
            }
        }
    };
    Judgement::new(Exit::NoAnswer, reason, hint)
}

/// Why there is no way: the last that was tried.
fn broken(record: &Record) -> (String, String) {
    match record.tries.iter().rev().find_map(|t| t.error.as_ref()) {
        Some(error) => (Safe(error.message.as_bytes()).to_string(), error.hint.clone()),
        None => ("there was nobody to call".to_owned(), String::new()),
    }
}

fn rejection(record: &Record, status: u16) -> Judgement {
    let said = said(record, status);
    if let (401 | 407, Some(why)) = (status, &record.refused) {
        let (what, hint) = challenge_words(why, record);
        return Judgement::new(Exit::Refused, format!("{said}: {what}"), hint);
    }
    match status {
        401 | 407 => Judgement::new(Exit::Refused, said, "the credentials were not accepted"),
        403 if !record.challenges.is_empty() => Judgement::new(
            Exit::Refused,
            format!("{said} after the credentials were sent"),
            "a wrong password on servers that say so with 403, or an account that may not call there",
        ),
        300..=399 => {
            let problem = record.problems.iter().rev().map(problem_words).find(|(code, _)| code.contains("redirect"));
            let why = problem.map(|(_, words)| format!(": {words}")).unwrap_or_default();
            Judgement::new(Exit::Unexpected, format!("{said}{why}"), "--max-redirects says how many are followed")
        }
        _ => {
            let (meaning, usually) = reference::status::told(status).unwrap_or_default();
            let meaning = meaning.trim_end_matches('.');
            let meaning = if meaning.is_empty() { String::new() } else { format!(": {}", lowered(meaning)) };
            Judgement::new(Exit::Unexpected, format!("{said}{meaning}"), usually)
        }
    }
}

/// Why a challenge was not met, and what to do about it.
fn challenge_words(why: &Answered, record: &Record) -> (String, &'static str) {
    let realm = record.challenges.last().map(|(c, _)| format!(" (realm \"{}\")", Safe(c.realm.as_bytes())));
    match why {
        Answered::NoPassword => (
            "it asks for credentials, and there is no password".to_owned(),
            "give one with --password-file FILE, --password-stdin or SIPCTL_PASSWORD, and say whose: --from or --auth-user",
        ),
        Answered::Refused => (
            format!("the credentials were refused{}", realm.unwrap_or_default()),
            "user name or password is wrong; --auth-user where the name for challenges differs from that of --from",
        ),
        Answered::Unsupported(offered) => (
            format!("it offers only {}", Safe(offered.as_bytes())),
            "sipctl answers Digest with MD5, SHA-256 and SHA-512-256, and their -sess forms",
        ),
        Answered::NoChallenge => ("it asks for credentials without a challenge".to_owned(), ""),
        Answered::TooOften => (
            "it asks for credentials again and again".to_owned(),
            "its nonces expire at once, or several servers behind it do not share them",
        ),
        Answered::Credentials(_) => ("the credentials were not accepted".to_owned(), ""),
    }
}

/// `486 Busy Here (Reason: Q.850;cause=17 (User busy))`.
fn said(record: &Record, code: u16) -> String {
    let (reason, bytes): (&[u8], &[u8]) = match &record.last_response {
        Some((told, reason, bytes)) if *told == code => (reason, bytes),
        _ => (status::reason(code).as_bytes(), b""),
    };
    let mut text = format!("{code} {}", Safe(reason)).trim_end().to_owned();
    let mut outline = Outline::new();
    if !outline.read(bytes) {
        return text;
    }
    let message = Message::new(bytes, &outline);
    let mut along = Vec::new();
    along.extend(message.header(HeaderName::Reason).map(|value| format!("Reason: {}", cause::reason(value))));
    along.extend(message.header(HeaderName::Warning).map(|value| format!("Warning: {}", cause::warning(value))));
    along.extend(message.header(HeaderName::RetryAfter).map(|value| format!("Retry-After: {}", Safe(value))));
    if !along.is_empty() {
        text.push_str(&format!(" ({})", along.join("; ")));
    }
    text
}

fn reason_words(record: &Record) -> String {
    record.reason.as_ref().map(|value| format!(" (Reason: {})", cause::reason(value))).unwrap_or_default()
}

/// Whether the Reason of their BYE names another cause than a user who hangs up. RFC 3326, ITU-T Q.850 §2.2.5: 16 and 31 are normal
fn is_abnormal(record: &Record) -> bool {
    let Some(value) = &record.reason else { return false };
    let cause = Params::new(value).find("cause").map(|p| p.text().trim_ascii().to_vec());
    cause.is_some_and(|cause| ![&b"16"[..], b"31", b"200"].contains(&cause.as_slice()))
}

/// From the first INVITE to the answer.
fn after(record: &Record) -> Option<Duration> {
    record.began.zip(record.answered).map(|(from, to)| to.saturating_duration_since(from))
}

/// `2.3 ms`, `4.5 s`.
fn span(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.1} s"),
    }
}

/// A sentence that goes on: its first letter small, unless its first word is a name (`SRTP`, `Max-Forwards`).
fn lowered(sentence: &str) -> String {
    let word = sentence.split(' ').next().unwrap_or_default();
    if word.chars().skip(1).any(char::is_uppercase) {
        return sentence.to_owned();
    }
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
