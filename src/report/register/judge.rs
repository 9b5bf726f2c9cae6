//! What a run of `register` means: the exit code, one line, and what to do next. CONTRACT §3

use crate::agent::challenge::offered;
use crate::agent::register::{Event, Mode, Purpose, Step};
use crate::agent::{Answered, Outcome};
use crate::base::Safe;
use crate::digest::Qop;
use crate::report::Exit;
use crate::report::active::Judgement;
use crate::sip::{HeaderName, Message, Outline};
use crate::transport::TransportError;

/// What to do about a binding that is left.
const LEFT: &str = "it ends with its expiry; --remove with the same --contact takes it away at once";

/// Judges what was told. `stopped`: somebody wished to stop. `bound`: a binding of ours may be left.
#[must_use]
pub fn judge(mode: Mode, events: &[Event], stopped: bool, bound: bool) -> Judgement {
    let steps: Vec<&Step> =
        events.iter().filter_map(|e| if let Event::Done(step) = e { Some(&**step) } else { None }).collect();
    if stopped {
        return interrupted(&steps, bound);
    }
    let Some(last) = steps.last() else {
        return match broken(events) {
            Some(error) => failed(error),
            None => Judgement::new(Exit::Unreachable, "there was nobody to ask", ""),
        };
    };
    let wanted = steps.iter().rev().find(|s| is_asked_for(s.purpose));
    if let Some(step) = wanted.filter(|s| !s.is_success()) {
        let left =
            if bound && step.purpose == Purpose::Refresh { "; the earlier binding could not be removed" } else { "" };
        let mut judgement = refusal(step, events);
        judgement.reason.push_str(left);
        return judgement;
    }
    if let Some(missing) = missing(mode, &steps) {
        return missing;
    }
    if !last.is_success() {
        let told = refusal(last, events);
        let (what, hint) = match bound {
            // The registrar has answered us before: what would explain silence to a first request explains nothing here.
            true => ("our binding could not be removed", LEFT.to_owned()),
            false => ("the bindings could not be listed again", told.hint),
        };
        return Judgement::new(told.exit, format!("{what}: {}", told.reason), hint);
    }
    success(mode, last)
}

/// A 200 that does not list what it was asked to bind: whatever became of the removal, this is what is wrong.
fn missing(mode: Mode, steps: &[&Step]) -> Option<Judgement> {
    let register = steps.iter().find(|s| s.purpose.binds() && s.is_success())?;
    let wanted = matches!(mode, Mode::Trial | Mode::Keep(_)) && register.own().is_none();
    wanted.then(|| {
        Judgement::new(
            Exit::Unexpected,
            "the registrar says 200 and does not list our binding",
            "calls would not reach this Contact: see the bindings it lists, or a proxy that changes Contact (--contact sets ours)",
        )
    })
}

/// Whether this is what the user wanted, not the cleaning up behind it.
fn is_asked_for(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Register | Purpose::Refresh | Purpose::Query | Purpose::RemoveAll)
}

fn success(mode: Mode, last: &Step) -> Judgement {
    if last.purpose == Purpose::Check {
        let left = match mode {
            Mode::RemoveAll => !last.bindings.is_empty(),
            _ => last.own().is_some(),
        };
        if left {
            let what = if mode == Mode::RemoveAll { "bindings are" } else { "our binding is" };
            return Judgement::new(
                Exit::Unexpected,
                format!("{what} still there after the removal"),
                "the registrar accepted the removal and did not do it",
            );
        }
    }
    let reason = match mode {
        Mode::Trial | Mode::Keep(_) => "registered, and the binding removed again",
        Mode::Query => "the bindings were listed",
        Mode::Remove => "our binding is gone",
        Mode::RemoveAll => "every binding is gone",
    };
    Judgement::new(Exit::Good, reason, "")
}

fn interrupted(steps: &[&Step], bound: bool) -> Judgement {
    let removed = steps.iter().any(|s| s.purpose == Purpose::Remove && s.is_success());
    let reason = match (bound, removed) {
        (true, _) => "interrupted; a binding may be left at the registrar",
        (false, true) => "interrupted; the binding was removed",
        (false, false) => "interrupted; no binding was made",
    };
    Judgement::new(Exit::Interrupted, reason, if bound { LEFT } else { "" })
}

/// The last line that broke.
fn broken(events: &[Event]) -> Option<&TransportError> {
    events.iter().rev().find_map(|event| match event {
        Event::Failed { error, .. } => Some(error),
        Event::Done(step) => match &step.outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        },
        _ => None,
    })
}

/// A line that was opened in time and then said nothing is silence; all else could not be reached.
fn failed(error: &TransportError) -> Judgement {
    Judgement::new(Exit::Unreachable, Safe(error.message.as_bytes()).to_string(), error.hint.clone())
}

fn refusal(step: &Step, events: &[Event]) -> Judgement {
    match &step.outcome {
        Outcome::Timeout => {
            let sends: u32 = step.attempts.last().map_or(0, |a| a.sends);
            let times = if sends == 1 { "once".to_owned() } else { format!("{sends} times") };
            // Where one candidate was silent and a later one could not be reached, silence is not the whole of it.
            Judgement::new(
                Exit::NoAnswer,
                format!("no answer to REGISTER (sent {times})"),
                "a firewall, a wrong address, or a registrar that ignores unknown senders; --timeout waits longer",
            )
        }
        Outcome::Failed(error) => failed(error),
        Outcome::Final { status, response } => rejection(step, *status, response, events),
    }
}

fn rejection(step: &Step, status: u16, response: &[u8], _events: &[Event]) -> Judgement {
    let said = said(status, response);
    let answered = !step.challenges.is_empty();
    if let (401 | 407, Some(why)) = (status, &step.refused) {
        let (what, mut hint) = challenge_words(why, step);
        if let (Answered::Refused, Some(weaker)) = (why, weaker(step, response)) {
            hint.push_str(&format!("; it offers {weaker}, too: --algorithm {weaker} tries that"));
        }
        let qops = step.challenges.last().map(|(c, _)| c.qop.as_slice()).unwrap_or_default();
        if matches!((why, qops), (Answered::Refused, [Qop::AuthInt])) {
            // Kamailio and its kin compare with a hash of the body that they never compute.
            hint.push_str("; some registrars offer qop=auth-int and cannot check it: let yours offer auth");
        }
        return Judgement::new(Exit::Refused, format!("{said}: {what}"), hint);
    }
    match status {
        401 | 407 => Judgement::new(Exit::Refused, said, "the credentials were not accepted"),
        403 if answered => Judgement::new(
            Exit::Refused,
            format!("{said} after the credentials were sent"),
            "a wrong password on registrars that say so with 403, or an account that may not register",
        ),
        423 => Judgement::new(
            Exit::Unexpected,
            match step.min_expires {
                Some(least) => format!("{said}: {least} s is the least"),
                None => format!("{said}, and no Min-Expires says how long it may be"),
            },
            "--expires asks for longer",
        ),
        300..=399 => Judgement::new(
            Exit::Unexpected,
            format!("{said}: the registrar is elsewhere"),
            "register at one of the Contacts it names",
        ),
        404 => {
            Judgement::new(Exit::Unexpected, said, "the registrar knows no such user, or does not serve this domain")
        }
        503 => {
            let pause =
                header(response, HeaderName::RetryAfter).map(|s| format!("; Retry-After {s}")).unwrap_or_default();
            Judgement::new(Exit::Unexpected, format!("{said}{pause}"), "")
        }
        _ => Judgement::new(Exit::Unexpected, said, ""),
    }
}

/// Why a challenge was not met, and what to do about it.
fn challenge_words(why: &Answered, step: &Step) -> (String, String) {
    let realm =
        step.challenges.last().map(|(c, _)| format!(" (realm \"{}\")", Safe(c.realm.as_bytes()))).unwrap_or_default();
    let (what, hint): (String, &str) = match why {
        Answered::NoPassword => (
            "it asks for credentials, and there is no password".to_owned(),
            "give one with --password-file FILE, --password-stdin or SIPCTL_PASSWORD (and --auth-user NAME)",
        ),
        Answered::Refused => (
            format!("the credentials were refused{realm}"),
            "user name or password is wrong; --auth-user where the name for challenges differs from the AOR's",
        ),
        Answered::Unsupported(offered) => (
            format!("it offers only {offered}"),
            "sipctl answers Digest with MD5, SHA-256 and SHA-512-256, and their -sess forms",
        ),
        Answered::NoChallenge => {
            ("it asks for credentials without a challenge".to_owned(), "the registrar sends no WWW-Authenticate")
        }
        Answered::TooOften => (
            "it asks for credentials again and again".to_owned(),
            "its nonces expire at once, or several servers behind it do not share them",
        ),
        Answered::Credentials(_) => ("the credentials were not accepted".to_owned(), ""),
    };
    (what, hint.to_owned())
}

/// An algorithm that is offered beside the one whose answer was refused: registrars announce some that they cannot check.
fn weaker(step: &Step, response: &[u8]) -> Option<&'static str> {
    let tried = step.challenges.last()?.0.algorithm?;
    let mut outline = Outline::new();
    let offered = outline.read(response).then(|| offered(&Message::new(response, &outline)))?;
    offered.into_iter().find(|&a| a < tried).map(crate::digest::Algorithm::name)
}

/// `404 Not Found`, with the Warning or Reason that came along.
fn said(status: u16, response: &[u8]) -> String {
    let mut outline = Outline::new();
    if !outline.read(response) {
        return status.to_string();
    }
    let message = Message::new(response, &outline);
    let mut text = format!("{status} {}", Safe(message.reason().unwrap_or_default()));
    if let Some(warning) = message.header(HeaderName::Warning) {
        text.push_str(&format!(" (Warning: {})", Safe(warning)));
    }
    text.trim_end().to_owned()
}

pub(super) fn header(response: &[u8], name: HeaderName) -> Option<String> {
    let mut outline = Outline::new();
    let read = outline.read(response);
    read.then(|| Message::new(response, &outline).header(name).map(|v| Safe(v).to_string())).flatten()
}
