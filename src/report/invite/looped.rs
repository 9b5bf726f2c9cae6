//! A call from one end of ours to the other: what each heard of the other, and what lay between them did to it.

use super::changes::{Change, changes};
use super::judge::{Gates, missed_by};
use super::media::{Media, Since, media};
use crate::agent::invite::Record;
use crate::agent::register::Mode;
use crate::base::Timestamp;
use crate::driver::endpoint::callee::Taken;
use crate::driver::media::{Clock, Ended};
use crate::media::hearing::Heard;
use crate::media::mark::{Mark, PERIOD_MS};
use crate::media::session::MediaReport;
use crate::report::Exit;
use crate::report::active::{Judgement, Verdict};
use crate::report::register::judge as judge_registration;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// The end that was called, beside the report of the end that called.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Loop {
    /// Address of record of who called.
    pub caller: String,
    /// Address of record of who was called.
    pub callee: String,
    /// How the registrations of both went, and their removal.
    pub registrations: [Verdict; 2],
    /// Whether the call arrived at our callee.
    pub arrived: bool,
    /// Sound from caller to callee.
    pub to_callee: Passed,
    /// Sound from callee to caller.
    pub to_caller: Passed,
    /// Digits that were sent, as telephone events or by INFO, and those that arrived.
    pub dtmf_sent: String,
    /// See `dtmf_sent`.
    pub dtmf_arrived: String,
    /// What arrived otherwise than it was sent; what every hop changes by its office is left out.
    pub changes: Vec<Change>,
    /// The media of the callee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
}

/// One direction of sound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Passed {
    /// Whether the mark of the other end was heard.
    pub ok: bool,
    /// `mark`, `audio`, `silence`, `comfort-noise`, `own-tone`, `nothing`
    pub heard: &'static str,
    /// From the sending of a sound to its hearing; absent where it was too short to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<f64>,
    /// The codec in which it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<&'static str>,
}

/// Both ends of a call.
#[derive(Debug)]
pub struct Looped<'a> {
    /// Addresses of record of who called, and of who was called.
    pub aors: [&'a str; 2],
    /// What came of both ends beside the call.
    pub caller: &'a Taken,
    /// See `caller`.
    pub callee: &'a Taken,
    /// What was done and what came of the call.
    pub record: &'a Record,
    /// The last INVITE that the caller sent, and the 2xx that it received.
    pub sent: &'a [u8],
    /// The media of the caller.
    pub media: Option<&'a Ended>,
    /// The clock of both.
    pub clock: Clock,
    /// Whether the call was made at all.
    pub has_called: bool,
    /// Whether somebody wished to stop.
    pub stopped: bool,
}

impl Looped<'_> {
    fn callee_media(&self) -> Option<&Ended> {
        // A call that was set up by forks may have had several; the one that heard most is the call.
        self.callee.media.iter().max_by_key(|ended| ended.report.received.statistics.as_ref().map_or(0, |s| s.packets))
    }

    fn registrations(&self) -> [Judgement; 2] {
        [self.caller, self.callee].map(judge_kept)
    }
}

/// A registration that was kept while the call was made. A wish to stop is how each of them ends.
fn judge_kept(end: &Taken) -> Judgement {
    let mode = Mode::Keep(Duration::MAX);
    judge_registration(mode, &end.events, false, end.may_be_bound)
}

/// The digits that were sent by INFO.
fn signalled(record: &Record) -> String {
    let ours = record.inside.iter().filter(|asked| asked.is_ours && asked.method == "INFO");
    ours.filter_map(|asked| asked.purpose.strip_prefix("DTMF ")).collect()
}

/// The report of the end that was called.
#[must_use]
pub fn looped(looped: &Looped<'_>) -> Loop {
    let since = Since { clock: looped.clock, began: looped.record.began };
    let (ours, theirs) = (looped.media.map(|m| &m.report), looped.callee_media().map(|m| &m.report));
    let verdict = |judgement: &Judgement| {
        let code = judgement.exit.code();
        Verdict { ok: code == 0, code, reason: judgement.reason.clone() }
    };
    let registrations = looped.registrations();
    let mut changed = Vec::new();
    if let Some(arrived) = &looped.callee.invite {
        changed.extend(changes("INVITE", looped.sent, arrived));
    }
    if let (Some(answer), Some((200..=299, _, received))) = (&looped.callee.answer, &looped.record.last_response) {
        changed.extend(changes("200", answer, received));
    }
    let media = looped
        .callee_media()
        .map(|ended| media(&ended.report, ended.unsent, ended.recording.as_ref().map(ToString::to_string), since));
    Loop {
        caller: looped.aors[0].to_owned(),
        callee: looped.aors[1].to_owned(),
        registrations: [verdict(&registrations[0]), verdict(&registrations[1])],
        arrived: looped.callee.invite.is_some(),
        to_callee: direction(ours, theirs, Mark::Caller),
        to_caller: direction(theirs, ours, Mark::Callee),
        dtmf_sent: ours.map(|m| m.sent.digits.clone()).unwrap_or_default() + &signalled(looped.record),
        dtmf_arrived: theirs.map(|m| m.received.digits.clone()).unwrap_or_default(),
        changes: changed,
        media,
    }
}

/// What of the mark of the end that speaks was heard at the other.
fn direction(speaks: Option<&MediaReport>, hears: Option<&MediaReport>, mark: Mark) -> Passed {
    let Some(hears) = hears else { return Passed { heard: Heard::Nothing.name(), ..Passed::default() } };
    let received = &hears.received;
    let (ok, heard_at) = match received.heard {
        Heard::Mark { mark: heard, began } => (heard == mark, began),
        _ => (false, None),
    };
    let sent_at = speaks.and_then(|speaks| speaks.sent.tone_began);
    let delay = heard_at.zip(sent_at).map(|(heard, sent)| delay_ms(sent, heard));
    let codec = received.statistics.as_ref().and_then(|s| s.codec).map(|codec| codec.name());
    Passed { ok, heard: received.heard.name(), delay_ms: delay.filter(|_| ok), codec }
}

/// From sending to hearing: the rhythm of a mark tells it up to its period.
fn delay_ms(sent: Timestamp, heard: Timestamp) -> f64 {
    let period = PERIOD_MS as i64 * 1_000_000;
    heard.since(sent).rem_euclid(period) as f64 / 1e6
}

/// Judges both ends together: `call` is what the end that called comes to by itself, held against the `gates` that the sound of both ends
/// is held against.
#[must_use]
pub fn judge_loop(found: &Loop, looped: &Looped<'_>, call: Judgement, gates: &Gates) -> Judgement {
    let ends = ["the caller", "the callee"].into_iter().zip(looped.aors).zip(looped.registrations());
    if looped.stopped {
        let left = [looped.caller, looped.callee].iter().any(|end| end.may_be_bound);
        let reason = if left { format!("{}; a binding may be left", call.reason) } else { call.reason };
        return Judgement::new(Exit::Interrupted, reason, call.hint);
    }
    let mut registrations = ends.clone().filter(|(_, judgement)| judgement.exit != Exit::Good);
    if !looped.has_called
        && let Some(((end, aor), judgement)) = registrations.next()
    {
        let reason = format!("{end}, {aor}, is not registered: {}", judgement.reason);
        return Judgement::new(judgement.exit, reason, judgement.hint);
    }
    // A refusal may be what was expected. What is heard at neither end is worse than a threshold that is missed for it.
    if looped.record.answered.is_none() || !matches!(call.exit, Exit::Good | Exit::Missed) {
        return call;
    }
    let unexpected = |reason: String, hint: &str| Judgement::new(Exit::Unexpected, reason, hint);
    if !found.arrived {
        let hint =
            "another device may be registered there, or the call is routed elsewhere: --ladder shows who answered";
        return unexpected("the call was answered, and not by our callee".to_owned(), hint);
    }
    if let Some((reason, hint)) = deaf(found) {
        return unexpected(reason, hint);
    }
    if found.dtmf_sent != found.dtmf_arrived {
        let arrived = if found.dtmf_arrived.is_empty() { "none" } else { found.dtmf_arrived.as_str() };
        let reason = format!("the digits {} were sent, and {arrived} arrived", found.dtmf_sent);
        return unexpected(
            reason,
            "look at the payload types of telephone-event in both descriptions, or at what became of the INFO requests: --ladder shows them",
        );
    }
    if call.exit != Exit::Good {
        return call;
    }
    if let Some(reason) = missed_by(looped.callee_media().map(|ended| &ended.report), gates) {
        return Judgement::new(Exit::Missed, format!("at the callee: {reason}"), "");
    }
    if let Some(((end, _), judgement)) = registrations.next() {
        return Judgement::new(
            judgement.exit,
            format!("the call was good; {end}: {}", judgement.reason),
            judgement.hint,
        );
    }
    let took = looped.record.began.zip(looped.record.answered);
    let answered = took.map(|(from, to)| to.saturating_duration_since(from).as_secs_f64() * 1e3);
    let answered = answered.map(|ms| format!("answered after {ms:.0} ms; ")).unwrap_or_default();
    Judgement::new(Exit::Good, format!("{answered}both ends hear each other{}", delays(found)), "")
}

fn delays(found: &Loop) -> String {
    match (found.to_callee.delay_ms, found.to_caller.delay_ms) {
        (Some(there), Some(back)) => format!(", {there:.0} ms there and {back:.0} ms back"),
        _ => String::new(),
    }
}

/// Why an end does not hear the other.
fn deaf(found: &Loop) -> Option<(String, &'static str)> {
    let said = |heard: &Passed| match heard.heard {
        "own-tone" => "only its own tone come back".to_owned(),
        word => word.replace('-', " "),
    };
    let hint = "the SDP that arrived stands beside the one that was sent in the changes; a firewall, a NAT or a relay loses what goes there";
    match (found.to_callee.ok, found.to_caller.ok) {
        (true, true) => None,
        (false, true) => {
            Some((format!("one-way audio: the callee does not hear the caller ({})", said(&found.to_callee)), hint))
        }
        (true, false) => {
            Some((format!("one-way audio: the caller does not hear the callee ({})", said(&found.to_caller)), hint))
        }
        (false, false) => {
            let (callee, caller) = (said(&found.to_callee), said(&found.to_caller));
            Some((format!("no audio either way: the callee heard {callee}, the caller {caller}"), hint))
        }
    }
}

#[cfg(test)]
mod tests;
