//! What an endpoint saw and did.

use super::Text;
use super::decode::Instant;
use super::invite::Media;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The name of the schema.
pub const SCHEMA: &str = "sipctl.serve/1";

/// A socket that messages come to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Listening {
    /// `udp`, `tcp`, `tls`, `ws`, `wss`
    pub transport: &'static str,
    /// `127.0.0.1:5060`, with the real port.
    pub address: String,
}

/// A request and what became of it.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Exchange<'a> {
    /// When it was answered, or let be.
    pub time: Instant,
    /// `udp`, `tcp`, `tls`, `ws`, `wss`
    pub transport: &'static str,
    /// Who asked.
    pub peer: String,
    /// What.
    pub method: Text<'a>,
    /// Of whom.
    pub uri: Text<'a>,
    /// The answer; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Its reason phrase, or why there was no answer.
    pub reason: Text<'a>,
    /// Whether it was asked, or answered, before.
    pub repeat: bool,
    /// From request to answer, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<f64>,
}

/// What came from one side of a call whose media was relayed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Passed {
    /// Packets of RTP, or of whatever the line was for.
    pub packets: u64,
    /// Packets on the port of RTCP.
    pub rtcp_packets: u64,
    /// Packets of others than who was heard first.
    pub refused: u64,
    /// Who was heard: `192.0.2.1:4000`; absent where nobody was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What the relayed media of one `m=` line of a call came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Relayed {
    /// The call, by number.
    pub call: u64,
    /// The line, from 0.
    pub line: usize,
    /// What came from the caller.
    pub from_caller: Passed,
    /// What came from the callee.
    pub from_callee: Passed,
}

/// What the media of a call came to that was taken here.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct CallMedia {
    /// The call, by number.
    pub call: u64,
    /// Both directions.
    #[serde(flatten)]
    pub media: Media,
}

/// A call that was to be transferred by REFER, which was declined.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Transfer<'a> {
    /// The call, by number.
    pub call: u64,
    /// Whom to call it asked: the URI of its Refer-To.
    pub to: Text<'a>,
}

/// How often a method got an answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Answers {
    /// The method; `other` for those that are not registered.
    pub method: &'static str,
    /// The status.
    pub status: u16,
    /// How often, repeats apart.
    pub count: u64,
}

/// Where a user is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Binding {
    /// `alice@example.com`
    pub aor: Text<'static>,
    /// Contact URI.
    pub contact: Text<'static>,
    /// Seconds that are left.
    pub expires_s: u64,
    /// `0.5`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// `+sip.instance`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<Text<'static>>,
    /// `reg-id`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reg_id: Option<u32>,
    /// Path
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Text<'static>>,
}

/// What it amounts to: the JSON of `sipctl serve`.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// Always `sipctl.serve/1`.
    pub schema: &'static str,
    /// `uas`, `registrar`, `redirect`, `proxy`, `b2bua`
    pub role: &'static str,
    /// Where it listened.
    pub listening: Vec<Listening>,
    /// How long it ran, in milliseconds.
    pub duration_ms: f64,
    /// Requests, repeats apart.
    pub requests: u64,
    /// Repeats of requests.
    pub repeats: u64,
    /// Answers by method and status.
    pub answers: Vec<Answers>,
    /// Messages that were not answered, by reason.
    pub ignored: BTreeMap<&'static str, u64>,
    /// Answers that were forgotten before their time.
    pub evicted: u64,
    /// Requests that were refused with 503 because the table of calls was full; they are among `answers`.
    pub crowded: u64,
    /// Messages that could not be sent.
    pub unsent: u64,
    /// Connections that were closed before their time, by reason.
    pub closed: BTreeMap<&'static str, u64>,
    /// The bindings that stood at the end.
    pub bindings: Vec<Binding>,
}
