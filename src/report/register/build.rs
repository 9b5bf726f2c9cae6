//! From what the agent told to plain data.

use super::{Account, Attempt, Binding, Judgement, Report, SCHEMA};
use crate::agent::Outcome;
use crate::agent::register::{Binding as Listed, Event, Mode, Purpose, Step};
use crate::report::Text;
use crate::report::active::{Challenge, Timing, Verdict};
use crate::sip::{HeaderName, Message, Outline};
use std::time::Instant;

/// Values of a header field that are kept.
const MAX_VALUES: usize = 32;

/// What one account's run told.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The address of record.
    pub aor: String,
    /// What was wanted.
    pub mode: Mode,
    /// All that was told, in order.
    pub events: Vec<Event>,
    /// The URI of our Contact; empty where no line was ever open.
    pub contact: Vec<u8>,
    /// How often the binding was refreshed.
    pub refreshes: u64,
    /// What it means.
    pub judgement: Judgement,
}

impl Trial {
    fn steps(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.events.iter().filter_map(|event| if let Event::Done(step) = event { Some(&**step) } else { None })
    }

    /// The step whose answer the user asked for: the last that is not cleaning up.
    fn main(&self) -> Option<&Step> {
        let cleaning = |s: &&Step| matches!(s.purpose, Purpose::Check | Purpose::Remove);
        self.steps().rfind(|s| !cleaning(s)).or_else(|| self.steps().rfind(|s| s.purpose == Purpose::Remove))
    }

    fn first_sent(&self) -> Option<Instant> {
        self.steps().flat_map(|s| &s.attempts).map(|a| a.first_sent).next()
    }

    /// Milliseconds to the first response and to the final one that counted, challenges included.
    fn times(&self) -> (Option<f64>, Option<f64>) {
        let Some(begun) = self.first_sent() else { return (None, None) };
        let ms = |at: Instant| at.saturating_duration_since(begun).as_secs_f64() * 1e3;
        let first = self.steps().flat_map(|s| &s.attempts).find_map(|a| a.first_response).map(ms);
        let counted = self.steps().find(|s| s.is_success()).or(self.main());
        let last = counted.and_then(|s| s.attempts.last()).and_then(|a| a.final_response).map(|(at, _)| ms(at));
        (first, last)
    }

    fn verdict(&self) -> Verdict {
        let code = self.judgement.exit.code();
        Verdict { ok: code == 0, code, reason: self.judgement.reason.clone() }
    }

    /// Whether our binding is gone; `None` where nothing was to be removed.
    fn removed(&self) -> Option<bool> {
        let tried = self.steps().any(|s| matches!(s.purpose, Purpose::Remove | Purpose::RemoveAll));
        let all = self.mode == Mode::RemoveAll;
        let gone = |s: &Step| if all { s.bindings.is_empty() } else { s.own().is_none() };
        let check = self.steps().rfind(|s| s.purpose == Purpose::Check && s.is_success());
        let removal =
            self.steps().rfind(|s| matches!(s.purpose, Purpose::Remove | Purpose::RemoveAll) && s.is_success());
        tried.then(|| check.or(removal).is_some_and(gone))
    }

    fn challenges(&self) -> Vec<Challenge> {
        let told = self.steps().last().map(|s| s.challenges.as_slice()).unwrap_or_default();
        told.iter().map(|(challenge, by_proxy)| Challenge::of(challenge, *by_proxy, "registrar")).collect()
    }

    fn granted(&self) -> Option<u32> {
        self.steps().filter(|s| s.purpose.binds()).filter_map(Step::own).filter_map(|b| b.expires_s).next_back()
    }
}

/// The report of one account; resolution, TLS and messages are filled in by who has them.
#[must_use]
pub fn report(trial: &Trial) -> Report {
    let main = trial.main();
    let (first_response_ms, final_ms) = trial.times();
    let check = trial.steps().rfind(|s| s.purpose == Purpose::Check && s.is_success());
    let listed = trial.steps().rfind(|s| s.is_success() && s.purpose != Purpose::Check && s.purpose != Purpose::Remove);
    let main_response = main.and_then(response);
    let values = |name| main_response.map(|r| values(r, name)).unwrap_or_default();
    let is_redirection = main.and_then(Step::status).is_some_and(|s| (300..400).contains(&s));
    let last_response = trial.steps().rev().find_map(response);
    let server = last_response.and_then(|r| one(r, HeaderName::Server).or_else(|| one(r, HeaderName::UserAgent)));
    Report {
        schema: SCHEMA,
        target: trial.aor.clone(),
        mode: word(trial.mode),
        resolution: crate::report::active::Resolution::default(),
        attempts: trial.steps().flat_map(attempts).collect(),
        result: trial.verdict(),
        timing: Timing { first_response_ms, final_ms, ..Timing::default() },
        tls: None,
        challenges: trial.challenges(),
        contact: (!trial.contact.is_empty()).then(|| Text::new(&trial.contact).into_owned()),
        expires_s: trial.granted(),
        min_expires: trial.steps().filter_map(|s| s.min_expires).next_back(),
        bindings: listed.map(|s| bindings(&s.bindings)).unwrap_or_default(),
        bindings_after: check.map(|s| bindings(&s.bindings)),
        removed: trial.removed(),
        refreshes: trial.refreshes,
        path: values(HeaderName::Path),
        service_route: values(HeaderName::ServiceRoute),
        redirects: if is_redirection { values(HeaderName::Contact) } else { Vec::new() },
        server,
        accounts: Vec::new(),
        messages: Vec::new(),
        streams: Vec::new(),
        findings: Vec::new(),
    }
}

/// One account among many.
#[must_use]
pub fn account(trial: &Trial) -> Account {
    Account {
        target: trial.aor.clone(),
        result: trial.verdict(),
        status: trial.main().and_then(Step::status),
        challenges: trial.challenges(),
        expires_s: trial.granted(),
        removed: trial.removed(),
        final_ms: trial.times().1,
    }
}

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Trial => "trial",
        Mode::Query => "query",
        Mode::Remove => "remove",
        Mode::RemoveAll => "remove_all",
        Mode::Keep(_) => "keep",
    }
}

/// The transactions of a request that came to its end.
pub fn attempts(step: &Step) -> impl Iterator<Item = Attempt> {
    step.attempts.iter().map(|a| Attempt {
        purpose: step.purpose.word(),
        candidate: step.candidate,
        cseq: a.cseq,
        sends: a.sends,
        status: a.final_response.map(|(_, status)| status),
        reply_ms: a.final_response.map(|(at, _)| at.saturating_duration_since(a.first_sent).as_secs_f64() * 1e3),
    })
}

fn bindings(listed: &[Listed]) -> Vec<Binding> {
    let text = |bytes: &Vec<u8>| Text::new(bytes).into_owned();
    let told = listed.iter().map(|b| Binding {
        uri: text(&b.uri),
        expires_s: b.expires_s,
        q: b.q.as_ref().map(text),
        instance: b.instance.as_ref().map(text),
        reg_id: b.reg_id,
        own: b.own,
    });
    told.collect()
}

fn response(step: &Step) -> Option<&[u8]> {
    match &step.outcome {
        Outcome::Final { response, .. } => Some(response),
        Outcome::Timeout | Outcome::Failed(_) => None,
    }
}

fn values(response: &[u8], name: HeaderName) -> Vec<Text<'static>> {
    let mut outline = Outline::new();
    if !outline.read(response) {
        return Vec::new();
    }
    let message = Message::new(response, &outline);
    message.values(name).take(MAX_VALUES).map(|v| Text::new(v).into_owned()).collect()
}

fn one(response: &[u8], name: HeaderName) -> Option<Text<'static>> {
    let mut outline = Outline::new();
    let read = outline.read(response);
    read.then(|| Message::new(response, &outline).header(name).map(|v| Text::new(v).into_owned())).flatten()
}
