//! What `sipctl resolve` found.

use super::active::{Candidate, Lookup, Resolution, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

/// The name of this form of output.
pub const SCHEMA: &str = "sipctl.resolve/1";

/// The document: one target as it is, several as a list.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Document {
    /// One target.
    One(Report),
    /// Several targets.
    Several(Reports),
}

/// One target.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// `sipctl.resolve/1`
    pub schema: &'static str,
    /// As it was typed.
    pub target: String,
    /// What was asked and what came of it.
    pub resolution: Resolution,
    /// With `--probe`: what became of each candidate, in their order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<Vec<Probe>>,
    /// Milliseconds that all questions took together; absent where none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_ms: Option<f64>,
    /// How it ended.
    pub result: Verdict,
}

/// Several targets, in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Reports {
    /// `sipctl.resolve/1`
    pub schema: &'static str,
    /// Each target.
    pub targets: Vec<Report>,
    /// The worst of them. CONTRACT §3
    pub result: Verdict,
}

/// What one OPTIONS to a candidate brought.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Probe {
    /// Position in `resolution.candidates`.
    pub candidate: usize,
    /// Whether anything answered: any final response is an answer.
    pub alive: bool,
    /// Status code of the final response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// From the last sending to the final response, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// Why nothing answered, in a stable word: `timeout`, `refused`, `cert-expired` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A line of NDJSON: a question to the DNS.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LookupLine<'a> {
    /// The target that it belongs to.
    pub target: &'a str,
    /// The question and what came back.
    #[serde(flatten)]
    pub lookup: &'a Lookup,
}

/// A line of NDJSON: a place to try.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CandidateLine<'a> {
    /// The target that it belongs to.
    pub target: &'a str,
    /// Where and how.
    #[serde(flatten)]
    pub candidate: &'a Candidate,
    /// With `--probe`: what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<&'a Probe>,
}

/// A line of NDJSON: how it ended, the last of each target.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SummaryLine<'a> {
    /// `sipctl.resolve/1`
    pub schema: &'static str,
    /// The target.
    pub target: &'a str,
    /// What a person should know.
    pub notes: &'a [String],
    /// Milliseconds that all questions took together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_ms: Option<f64>,
    /// How it ended.
    pub result: &'a Verdict,
}

impl Report {
    /// Judges the candidates that were probed: one that answers is enough (exit 0). Where none does, silence (exit 3) weighs
    /// less than not getting there at all (exit 4): a silent candidate may only be slow or filtered.
    pub fn judge(&mut self) {
        let Some(probes) = &self.probes else { return };
        let alive = probes.iter().filter(|p| p.alive).count();
        let silent = probes.iter().any(|p| p.failure.as_deref() == Some("timeout"));
        let (of, code) = (
            probes.len(),
            if alive > 0 {
                0
            } else if silent {
                3
            } else {
                4
            },
        );
        let reason = match (alive, silent) {
            (0, true) => format!("none of {of} answered in time"),
            (0, false) => format!("none of {of} could be reached"),
            _ if alive == of => format!("all {of} answered"),
            _ => format!("{alive} of {of} answered"),
        };
        self.result = Verdict { ok: code == 0, code, reason };
    }
}

/// The worst of several: 2, 4, 3, 5, 1, 6, 0. CONTRACT §3
#[must_use]
pub fn worst(reports: &[Report]) -> Verdict {
    const ORDER: [u8; 7] = [2, 4, 3, 5, 1, 6, 0];
    let rank = |r: &&Report| ORDER.iter().position(|&code| code == r.result.code).unwrap_or(0);
    let mut worst = reports.iter().min_by_key(rank).map(|r| r.result.clone()).unwrap_or_default();
    let good = reports.iter().filter(|r| r.result.ok).count();
    if reports.len() > 1 {
        worst.reason = format!("{good} of {} targets resolved", reports.len());
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::{Probe, Report, SCHEMA, worst};
    use crate::report::active::{Resolution, Verdict};

    fn report(failures: &[Option<&str>]) -> Report {
        let probe = |(candidate, failure): (usize, &Option<&str>)| Probe {
            candidate,
            alive: failure.is_none(),
            failure: failure.map(str::to_owned),
            ..Probe::default()
        };
        let mut report = Report {
            schema: SCHEMA,
            target: "sip:example.com".to_owned(),
            resolution: Resolution::default(),
            probes: Some(failures.iter().enumerate().map(probe).collect()),
            dns_ms: None,
            result: Verdict { ok: true, code: 0, reason: String::new() },
        };
        report.judge();
        report
    }

    #[test]
    fn one_that_answers_is_enough_and_silence_is_better_than_a_closed_door() {
        let code = |failures: &[Option<&str>]| report(failures).result.code;
        assert_eq!(code(&[None, None]), 0);
        assert_eq!(code(&[Some("refused"), None]), 0);
        assert_eq!(code(&[Some("refused"), Some("timeout")]), 3);
        assert_eq!(code(&[Some("refused"), Some("cert-expired")]), 4);
        assert_eq!(report(&[Some("refused"), None]).result.reason, "1 of 2 answered");
    }

    #[test]
    fn the_worst_target_decides() {
        let [good, silent, dead] = [report(&[None]), report(&[Some("timeout")]), report(&[Some("refused")])];
        assert_eq!(worst(&[good.clone(), silent.clone()]).code, 3);
        assert_eq!(worst(&[silent, dead, good.clone()]).code, 4);
        assert!(worst(&[good.clone(), good]).ok);
    }
}
