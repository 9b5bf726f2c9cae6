//! What `trace` found: the JSON of `sipctl trace`, and the verdict.

#[cfg(test)]
mod tests;

use super::active::{Resolution, Timing, Tls, Verdict, milliseconds};
use super::decode::{Finding, Message};
use super::{Exit, Text};
use crate::agent::trace::{self as agent, End, Event, TOO_MANY_HOPS};
use schemars::JsonSchema;
use serde::Serialize;

/// The name and version of the document.
pub const SCHEMA: &str = "sipctl.trace/1";

/// The document of `sipctl trace`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Always `sipctl.trace/1`.
    #[schemars(extend("const" = "sipctl.trace/1"))]
    pub schema: &'static str,
    /// As it was named.
    pub target: String,
    /// Method of the requests.
    pub method: String,
    /// The RFC 3263 plan, and what of it was used.
    pub resolution: Resolution,
    /// The hops in order, the nearest first.
    pub hops: Vec<Hop>,
    /// How it ended.
    pub result: Verdict,
    /// Where the time went: the responses are those to the first request that was answered.
    pub timing: Timing,
    /// What TLS agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// What was sent and received, as `decode` tells it.
    pub messages: Vec<Message<'static>>,
    /// Judgements on the messages.
    pub findings: Vec<Finding>,
}

/// The last line of NDJSON: the document without what other lines have told.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// Always `sipctl.trace/1`.
    #[schemars(extend("const" = "sipctl.trace/1"))]
    pub schema: &'static str,
    /// As it was named.
    pub target: String,
    /// Method of the requests.
    pub method: String,
    /// The RFC 3263 plan, and what of it was used.
    pub resolution: Resolution,
    /// How many hops there are lines of.
    pub hops: usize,
    /// How it ended.
    pub result: Verdict,
    /// Where the time went.
    pub timing: Timing,
    /// What TLS agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// Who answered requests of one Max-Forwards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Hop {
    /// From 1: Max-Forwards and one.
    pub hop: u8,
    /// The requests, in order.
    pub probes: Vec<Probe>,
    /// Who answered, as well as can be told: the host of a Warning, the address of the first hop, a Server; null for a silent hop.
    pub who: Option<Text<'static>>,
    /// The earlier hop at which the same server answered, by its mark in the To tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<u8>,
}

/// One request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Probe {
    /// Milliseconds from its first sending to the final response; null where none came.
    pub rtt_ms: Option<f64>,
    /// Status code of the final response.
    pub status: Option<u16>,
    /// Its reason phrase.
    pub reason: Option<Text<'static>>,
    /// The address that it came from: that of the first hop, for responses come back the way the request went.
    pub from: Option<String>,
    /// Server, or User-Agent.
    pub server: Option<Text<'static>>,
    /// Our address as the first hop saw it: `received` and `rport` of our Via.
    pub via_received: Option<Text<'static>>,
    /// The first Warning.
    pub warning: Option<Text<'static>>,
    /// How often it was sent.
    pub sends: u32,
}

/// Gathers what the agent tells.
#[derive(Debug, Default)]
pub struct Gather {
    hops: Vec<Hop>,
    /// The mark of the server at each hop.
    instances: Vec<Option<Vec<u8>>>,
    /// How many hops were complete when last asked.
    told: usize,
    end: Option<End>,
    refused: bool,
    first_response: Option<f64>,
    final_response: Option<f64>,
    /// The candidate that was used last.
    pub used: usize,
    /// What became of the candidates that failed, by their number.
    pub failed: Vec<(usize, String)>,
    /// Messages that were not ours.
    pub ignored: u64,
}

impl Gather {
    /// Takes an event in; the hop that is complete with it, if one is.
    pub fn note(&mut self, event: &Event) -> Option<&Hop> {
        match event {
            Event::Probe(probe) => {
                let before = self.hops.len();
                self.probe(probe);
                // A request to the next hop says that the one before is complete.
                (self.hops.len() > before).then(|| self.complete(before)).flatten()
            }
            Event::Moved { from, why } => {
                self.failed.push((*from, why.clone()));
                self.used = from + 1;
                None
            }
            Event::Ignored(_) => {
                self.ignored += 1;
                None
            }
            Event::Ended(end) => {
                self.end = Some(end.clone());
                if let End::Failed(error) = end {
                    self.failed.push((self.used, error.message.clone()));
                }
                self.complete(self.hops.len())
            }
        }
    }

    /// The last of the first `count` hops, once.
    fn complete(&mut self, count: usize) -> Option<&Hop> {
        if count <= self.told {
            return None;
        }
        self.told = count;
        self.hops.get(count.checked_sub(1)?)
    }

    fn probe(&mut self, probe: &agent::Probe) {
        self.used = probe.candidate;
        self.refused |= probe.refused;
        if self.final_response.is_none() && probe.rtt.is_some() {
            (self.first_response, self.final_response) =
                (probe.first_response.map(milliseconds), probe.rtt.map(milliseconds));
        }
        let instance = probe.answer.as_ref().and_then(|a| a.instance.clone());
        if self.hops.last().is_none_or(|hop| hop.hop != probe.hop) {
            self.hops.push(Hop { hop: probe.hop, ..Hop::default() });
            self.instances.push(None);
        }
        let Some(hop) = self.hops.last_mut() else { return };
        hop.probes.push(Probe::of(probe));
        if let (None, Some(answer)) = (&hop.who, &probe.answer) {
            hop.who = who(hop.hop, answer);
            let at = instance.as_ref().and_then(|own| self.instances.iter().position(|i| i.as_ref() == Some(own)));
            hop.same_as = at.and_then(|at| u8::try_from(at + 1).ok()).filter(|earlier| *earlier < hop.hop);
            if let Some(place) = self.instances.last_mut() {
                *place = instance;
            }
        }
    }

    /// The hops so far.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    /// The verdict.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let (exit, reason) = self.judged();
        Verdict { ok: exit == Exit::Good, code: exit.code(), reason }
    }

    /// The exit code. CONTRACT §3
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.judged().0
    }

    fn judged(&self) -> (Exit, String) {
        let last = self.hops.len();
        match &self.end {
            Some(End::Reached) if self.refused => {
                (Exit::Refused, format!("{}: credentials refused", self.last_answer()))
            }
            Some(End::Reached) => (Exit::Good, format!("{} at hop {last}", self.last_answer())),
            Some(End::TooFar) => (Exit::Unexpected, format!("not reached in {last} hops: the last one still says 483")),
            Some(End::LoopDetected) => (Exit::Unexpected, format!("loop: hop {last} saw the request before (482)")),
            Some(End::SameSince(hop)) => {
                (Exit::Unexpected, format!("loop: hops {hop} to {last} are the same server again and again"))
            }
            Some(End::SilentAfter(0)) => (Exit::NoAnswer, "no answer".to_owned()),
            Some(End::SilentAfter(hop)) => (Exit::NoAnswer, format!("nothing answers behind hop {hop}")),
            Some(End::Failed(error)) => (Exit::Unreachable, error.message.clone()),
            Some(End::Stopped) | None => (Exit::Interrupted, "interrupted".to_owned()),
        }
    }

    /// `200 OK`: the answer that ended it.
    fn last_answer(&self) -> String {
        let probes = self.hops.last().map(|hop| &hop.probes[..]).unwrap_or_default();
        let is_target = |p: &&Probe| p.status.is_some_and(|s| s != TOO_MANY_HOPS);
        let Some(probe) = probes.iter().find(is_target) else { return String::new() };
        let reason = probe.reason.as_ref().map(|r| String::from_utf8_lossy(r.bytes()).into_owned()).unwrap_or_default();
        format!("{} {reason}", probe.status.unwrap_or_default()).trim_end().to_owned()
    }

    /// Times of the first request that was answered, beside what is known of the line.
    #[must_use]
    pub fn timing(&self, line: Timing) -> Timing {
        Timing { first_response_ms: self.first_response, final_ms: self.final_response, ..line }
    }

    /// The document, without the messages.
    #[must_use]
    pub fn report(&self, target: &str, method: &str, resolution: Resolution, line: Timing, tls: Option<Tls>) -> Report {
        Report {
            schema: SCHEMA,
            target: target.to_owned(),
            method: method.to_owned(),
            resolution: self.resolved(resolution),
            hops: self.hops.clone(),
            result: self.verdict(),
            timing: self.timing(line),
            tls,
            messages: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// The plan with what became of its candidates.
    fn resolved(&self, mut resolution: Resolution) -> Resolution {
        resolution.used = (!resolution.candidates.is_empty()).then_some(self.used);
        for (number, why) in &self.failed {
            if let Some(candidate) = resolution.candidates.get_mut(*number) {
                candidate.outcome = Some(why.clone());
            }
        }
        if let Some(candidate) = resolution.candidates.get_mut(self.used)
            && self.final_response.is_some()
        {
            candidate.outcome.get_or_insert_with(|| "answered".to_owned());
        }
        resolution
    }
}

impl Report {
    /// The last line of NDJSON.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            schema: self.schema,
            target: self.target.clone(),
            method: self.method.clone(),
            resolution: self.resolution.clone(),
            hops: self.hops.len(),
            result: self.result.clone(),
            timing: self.timing,
            tls: self.tls.clone(),
        }
    }
}

impl Probe {
    fn of(probe: &agent::Probe) -> Self {
        let bare = Probe { sends: probe.sends, ..Probe::default() };
        let Some(answer) = &probe.answer else { return bare };
        let text = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|b| Text::new(b).into_owned());
        Probe {
            rtt_ms: probe.rtt.map(milliseconds),
            status: Some(answer.status),
            reason: Some(Text::new(&answer.reason).into_owned()),
            from: answer.from.map(|from| from.to_string()),
            server: text(&answer.server),
            via_received: text(&answer.via_received),
            warning: text(&answer.warning),
            ..bare
        }
    }
}

/// Who answered: of the first hop its address is known; of one behind it only what it says of itself.
fn who(hop: u8, answer: &agent::Answer) -> Option<Text<'static>> {
    let address = answer.from.filter(|_| hop == 1).map(|from| from.to_string().into_bytes());
    let named = answer.agent.clone().or(address).or_else(|| answer.server.clone());
    named.map(|name| Text::new(&name).into_owned())
}
