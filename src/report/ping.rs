//! What pings found: the JSON of `sipctl ping`, and the verdict.

mod expectation;
mod gather;
mod line;
mod statistics;
#[cfg(test)]
mod tests;

pub use expectation::{Expectation, HeaderWanted, StatusRange, Thresholds};
pub use gather::{Finished, Gather};
pub use line::{Ignored, Line, LineError, LineLost, LineReply, Moved};
pub use statistics::{Rtt, Statistics};

use super::Text;
use super::active::{Resolution, Timing, Tls, Verdict};
use super::decode::{Finding, Message, Stream};
use super::verdict::Exit;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The name of the schema.
pub const SCHEMA: &str = "sipctl.ping/1";

/// The document: of one target its report, of several a list of them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Report {
    /// One target.
    One(Box<Single>),
    /// Several targets.
    Several(Box<Several>),
}

/// The document where one target was named.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Single {
    /// Always `sipctl.ping/1`.
    #[schemars(extend("const" = "sipctl.ping/1"))]
    pub schema: &'static str,
    /// What was found of it.
    #[serde(flatten)]
    pub target: Target,
    /// What was sent and received, as `decode` tells it.
    pub messages: Vec<Message<'static>>,
    /// Always empty: a ping has no media.
    pub streams: Vec<Stream>,
    /// Judgements on the messages.
    pub findings: Vec<Finding>,
}

/// The document where several targets were named.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Several {
    /// Always `sipctl.ping/1`.
    #[schemars(extend("const" = "sipctl.ping/1"))]
    pub schema: &'static str,
    /// The worst of all: the order, worst first, is 130, 2, 4, 3, 5, 1, 6, 0.
    pub result: Verdict,
    /// Each target, in the order in which they were named.
    pub targets: Vec<Target>,
    /// What was sent and received, as `decode` tells it, all targets together.
    pub messages: Vec<Message<'static>>,
    /// Always empty: a ping has no media.
    pub streams: Vec<Stream>,
    /// Judgements on the messages.
    pub findings: Vec<Finding>,
}

/// What was found of one target.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Target {
    /// As it was named.
    pub target: String,
    /// Method of the requests.
    pub method: String,
    /// The RFC 3263 plan, and what of it was used.
    pub resolution: Resolution,
    /// Each ping in the order in which they ended; the first 1000.
    pub attempts: Vec<Line>,
    /// How many more there were.
    pub attempts_omitted: u64,
    /// How it ended.
    pub result: Verdict,
    /// Where the time of the first ping that was answered went.
    pub timing: Timing,
    /// What TLS agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Pings that were sent, or could not be for want of a way.
    pub sent: u64,
    /// Pings that were answered.
    pub received: u64,
    /// Pings that were under way when it was stopped; they are not counted as lost.
    pub abandoned: u64,
    /// Of those that were not abandoned, the share without an answer.
    pub loss_percent: f64,
    /// Round trips in milliseconds, of answers to requests that were sent once: after a repeat nobody can tell which of the
    /// sends was answered. Absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<Rtt>,
    /// Mean difference of consecutive round trips, milliseconds; absent with fewer than two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<f64>,
    /// Requests that a timer sent again.
    pub retransmissions: u64,
    /// Pings that were answered only after a repeat: they are in `received`, not in `rtt_ms`.
    pub answered_after_retransmission: u64,
    /// Server (or User-Agent) of the first answer.
    pub server: Option<Text<'static>>,
    /// Allow of the first answer.
    pub allow: Vec<Text<'static>>,
    /// Supported of the first answer.
    pub supported: Vec<Text<'static>>,
    /// Accept of the first answer.
    pub accept: Vec<Text<'static>>,
    /// Our address as the server saw it, by the Via of the first answer that tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat: Option<Nat>,
    /// Answers by status code.
    pub statuses: BTreeMap<String, u64>,
    /// What came and was no answer, by reason: `not-sip`, `request`, `malformed`, `branch`, `cseq-method`, `dialog`, `source`, `repeat`, `late`.
    pub ignored: BTreeMap<String, u64>,
}

/// Our address as the server saw it. RFC 3261 §18.2.1, RFC 3581 §4
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Nat {
    /// Address that our socket has.
    pub local: String,
    /// `received` of the Via.
    pub received: Option<Text<'static>>,
    /// `rport` of the Via.
    pub rport: Option<u16>,
    /// Whether it differs from the address of our socket.
    pub mapped: bool,
}

/// The worst of several, and its exit code.
#[must_use]
pub fn worst(all: &[Finished]) -> (Exit, Verdict) {
    let exit = all.iter().map(|f| f.exit).fold(Exit::Good, Exit::worst);
    let bad = all.iter().filter(|f| f.exit != Exit::Good).count();
    let reason = match all.iter().find(|f| f.exit == exit) {
        Some(f) if bad == 1 => format!("{}: {}", f.target.target, f.target.result.reason),
        Some(f) if bad > 1 => {
            format!("{bad} of {} not; the worst is {}: {}", all.len(), f.target.target, f.target.result.reason)
        }
        _ => "all as wanted".to_owned(),
    };
    (exit, verdict(exit, reason))
}

/// A verdict from its exit code.
#[must_use]
pub fn verdict(exit: Exit, reason: String) -> Verdict {
    Verdict { ok: exit == Exit::Good, code: exit.code(), reason }
}
