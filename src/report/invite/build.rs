//! From the record of a call to plain data.

use super::facts::{
    Attempt, Cancel, Fork, ForkResponse, Problem, Request, Session, SessionTimer, Timing, problem_words,
};
use super::media::{Since, media};
use super::{Report, SCHEMA};
use crate::agent::invite::{self, EndedBy, Offered, Record};
use crate::driver::media::{Clock, Ended};
use crate::media::negotiator::Agreed;
use crate::report::active::{Challenge, Judgement, Resolution, milliseconds};
use crate::report::decode::CallState;
use crate::report::text::Text;
use crate::sip::{HeaderName, Message, Outline};
use crate::transport::{LineFacts, Plan};
use std::time::Instant;

/// A call, and what is known of it beside its record.
#[derive(Debug)]
pub struct Trial<'a> {
    /// Who was called, as it was typed.
    pub target: &'a str,
    /// Where it could go.
    pub plan: &'a Plan,
    /// The first way, once it was open.
    pub line: Option<&'a LineFacts>,
    /// What was done and what came of it.
    pub record: &'a Record,
    /// What the media came to.
    pub media: Option<&'a Ended>,
    /// The clock of the media.
    pub clock: Clock,
    /// What it means.
    pub judgement: &'a Judgement,
}

impl Trial<'_> {
    /// Milliseconds from the first INVITE.
    fn ms(&self, at: Option<Instant>) -> Option<f64> {
        Some(milliseconds(at?.saturating_duration_since(self.record.began?)))
    }

    fn timing(&self) -> Timing {
        let record = self.record;
        let line = crate::report::active::Timing::of(self.plan, self.line);
        let attempts = || record.tries.iter().flat_map(|t| &t.attempts);
        let last = attempts().filter_map(|a| a.final_response).map(|(at, _)| at).next_back();
        let since = Since { clock: self.clock, began: record.began };
        let first_packet = self.media.and_then(|m| media(&m.report, 0, None, since).received.first_ms);
        Timing {
            dns_ms: line.dns_ms,
            connect_ms: line.connect_ms,
            tls_ms: line.tls_ms,
            first_response_ms: self.ms(attempts().find_map(|a| a.first_response)),
            trying_ms: self.ms(record.trying),
            ringing_ms: self.ms(record.ringing),
            answer_ms: self.ms(record.answered),
            setup_ms: self.ms(record.acknowledged),
            media_start_ms: first_packet,
            final_ms: self.ms(record.answered.or(last)),
            duration_ms: record
                .answered
                .zip(record.ended)
                .map(|(from, to)| milliseconds(to.saturating_duration_since(from))),
        }
    }

    fn resolution(&self) -> Resolution {
        let mut resolution = Resolution::of(self.plan);
        let tried = self.record.tries.iter().filter_map(|t| t.candidate);
        resolution.used = tried.clone().next_back();
        for (at, candidate) in resolution.candidates.iter_mut().enumerate() {
            let last = self.record.tries.iter().rev().find(|t| t.candidate == Some(at));
            candidate.outcome = last.map(|t| match (&t.error, t.status) {
                (Some(error), _) => error.message.clone(),
                (None, Some(status)) => format!("answered {status}"),
                (None, None) => "no answer".to_owned(),
            });
        }
        resolution
    }
}

/// The report of a call; TLS and messages are filled in by who has them.
#[must_use]
pub fn report(trial: &Trial<'_>) -> Report {
    let record = trial.record;
    let response = record.last_response.as_ref();
    let header = |name| response.and_then(|(_, _, bytes)| one(bytes, name));
    let kept = record.forks.iter().find(|f| f.is_kept).or(record.forks.last());
    let server = kept.map(|f| &f.software).filter(|s| !s.is_empty()).map(|s| Text::new(s).into_owned());
    let since = Since { clock: trial.clock, began: record.began };
    let code = trial.judgement.exit.code();
    Report {
        schema: SCHEMA,
        target: trial.target.to_owned(),
        resolution: trial.resolution(),
        attempts: record.tries.iter().flat_map(attempts).collect(),
        result: crate::report::active::Verdict { ok: code == 0, code, reason: trial.judgement.reason.clone() },
        timing: trial.timing(),
        tls: trial.line.and_then(|line| line.tls.as_ref()).map(crate::report::active::Tls::of),
        state: state(record),
        final_status: response.map(|(status, ..)| *status),
        final_reason: response.map(|(_, reason, _)| Text::new(reason).into_owned()),
        warning: header(HeaderName::Warning),
        ended_by: record.ended_by.map(ended_by),
        release_reason: record
            .reason
            .as_ref()
            .map(|r| Text::new(r).into_owned())
            .or_else(|| header(HeaderName::Reason)),
        server: server.or_else(|| header(HeaderName::Server)).or_else(|| header(HeaderName::UserAgent)),
        call_id: record.call_id.clone(),
        challenges: record.challenges.iter().map(|(c, by_proxy)| Challenge::of(c, *by_proxy, "server")).collect(),
        forks: record.forks.iter().map(|f| fork(f, trial)).collect(),
        redirects: record.redirects.iter().map(|uri| Text::from(uri.clone())).collect(),
        offer_by: record.offered.map(|by| if by == Offered::Us { "us" } else { "them" }),
        session: record.agreed.as_ref().map(session),
        session_timer: record
            .session_timer
            .map(|(interval_s, ours)| SessionTimer { interval_s, refresher: if ours { "us" } else { "them" } }),
        inside: record.inside.iter().map(|r| inside(r, trial)).collect(),
        cancel: record.cancelled.map(|c| Cancel {
            at_ms: trial.ms(Some(c.at)).unwrap_or_default(),
            status: c.status,
            invite_status: c.invite_status,
        }),
        transfers: record.transfers.iter().map(|t| Text::new(&t.to).into_owned()).collect(),
        problems: record
            .problems
            .iter()
            .map(|problem| {
                let (code, detail) = problem_words(problem);
                Problem { code, detail }
            })
            .collect(),
        may_be_up: record.may_be_up,
        ignored: record.ignored,
        media: trial
            .media
            .map(|ended| media(&ended.report, ended.unsent, ended.recording.as_ref().map(ToString::to_string), since)),
        looped: None,
        messages: Vec::new(),
        streams: Vec::new(),
        findings: Vec::new(),
    }
}

/// The state of the call, as a capture of it would have it.
pub(super) fn state(record: &Record) -> CallState {
    let is_stopped = matches!(record.ended_by, Some(EndedBy::Cancel | EndedBy::Stop)) || record.cancelled.is_some();
    // An answer that crossed our CANCEL is one, too: it was acknowledged and hung up.
    if record.answered.is_some() || record.forks.iter().any(|fork| fork.answered.is_some()) {
        return if record.ended.is_some() { CallState::Completed } else { CallState::Answered };
    }
    // The last INVITE had no final response: what an earlier one had does not count.
    if let Some(last) = record.tries.last().filter(|last| last.status.is_none() && !is_stopped) {
        return if last.error.is_some() { CallState::Failed } else { CallState::Unanswered };
    }
    match record.last_response.as_ref().map(|(status, ..)| *status) {
        Some(300..=399) => CallState::Redirected,
        Some(401 | 407) => CallState::Unauthorized,
        Some(487) => CallState::Cancelled,
        _ if is_stopped => CallState::Cancelled,
        Some(486 | 600) => CallState::Busy,
        Some(408) => CallState::Unanswered,
        Some(480) if record.ringing.is_some() => CallState::Unanswered,
        Some(500..=599) => CallState::Failed,
        Some(_) => CallState::Rejected,
        None if record.ended_by == Some(EndedBy::Timeout) => CallState::Unanswered,
        None => CallState::Failed,
    }
}

pub(super) fn ended_by(by: EndedBy) -> &'static str {
    match by {
        EndedBy::Us => "us",
        EndedBy::Them => "them",
        EndedBy::Cancel => "cancel",
        EndedBy::Refusal => "refusal",
        EndedBy::Timeout => "timeout",
        EndedBy::Transport => "transport",
        EndedBy::SessionTimer => "session_timer",
        EndedBy::Unusable => "unusable",
        EndedBy::Stop => "stop",
    }
}

fn attempts(attempt: &invite::Try) -> Vec<Attempt> {
    let uri = || Text::from(attempt.uri.clone());
    let error = attempt.error.as_ref().map(|error| error.message.clone());
    if attempt.attempts.is_empty() {
        let candidate = attempt.candidate;
        return vec![Attempt { uri: uri(), candidate, cseq: None, sends: 0, status: None, reply_ms: None, error }];
    }
    let last = attempt.attempts.len() - 1;
    let told = attempt.attempts.iter().enumerate().map(|(at, a)| Attempt {
        uri: uri(),
        candidate: attempt.candidate,
        cseq: Some(a.cseq),
        sends: a.sends,
        status: a.final_response.map(|(_, status)| status),
        reply_ms: a.final_response.map(|(when, _)| milliseconds(when.saturating_duration_since(a.first_sent))),
        error: error.clone().filter(|_| at == last),
    });
    told.collect()
}

fn fork(fork: &invite::Fork, trial: &Trial<'_>) -> Fork {
    let some = |bytes: &Vec<u8>| (!bytes.is_empty()).then(|| Text::new(bytes).into_owned());
    let responses = fork
        .responses
        .iter()
        .map(|(at, status)| ForkResponse { status: *status, at_ms: trial.ms(Some(*at)).unwrap_or_default() });
    Fork {
        tag: Text::new(&fork.tag).into_owned(),
        contact: some(&fork.contact),
        software: some(&fork.software),
        responses: responses.collect(),
        pracked: fork.pracked,
        early_media_ms: trial.ms(fork.early_media),
        answered_ms: trial.ms(fork.answered),
        kept: fork.is_kept,
        bye_status: fork.bye_status,
    }
}

fn session(agreed: &Agreed) -> Session {
    Session {
        codec: agreed.law.codec().name(),
        payload_type: agreed.payload_type,
        event_type: agreed.event_type,
        remote: agreed.remote.map(|remote| remote.to_string()),
        sends: agreed.sends,
        receives: agreed.receives,
        held: agreed.is_held,
        ptime_ms: agreed.ptime_ms,
        rtcp_mux: agreed.has_mux,
        srtp: agreed.protection.as_ref().map(|p| p.suite.name()),
    }
}

fn inside(request: &invite::Inside, trial: &Trial<'_>) -> Request {
    Request {
        method: request.method.clone(),
        purpose: request.purpose.clone(),
        by: if request.is_ours { "us" } else { "them" },
        at_ms: trial.ms(Some(request.at)).unwrap_or_default(),
        status: request.status,
    }
}

fn one(response: &[u8], name: HeaderName) -> Option<Text<'static>> {
    let mut outline = Outline::new();
    let read = outline.read(response);
    read.then(|| Message::new(response, &outline).header(name).map(|v| Text::new(v).into_owned())).flatten()
}
