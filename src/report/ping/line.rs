//! What is told of a ping as it happens.

use crate::report::Text;
use schemars::JsonSchema;
use serde::Serialize;

/// How a ping ended, or what happened on the way. In NDJSON `type` says which: `reply`, `lost`, `error`, `ignored`, `moved`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line {
    /// A final response.
    Reply(LineReply),
    /// Nothing final in time.
    Lost(LineLost),
    /// No way there, or the way broke.
    Error(LineError),
    /// Something came that is no answer.
    Ignored(Ignored),
    /// A candidate failed before anything answered; the next is tried.
    Moved(Moved),
}

/// A final response.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LineReply {
    /// As the target was named.
    pub target: String,
    /// Which ping: 1, 2, …
    pub seq: u64,
    /// Status code.
    pub status: u16,
    /// Reason phrase.
    pub reason: Text<'static>,
    /// Who answered: `192.0.2.1:5060`
    pub from: String,
    /// From the last send to the final response. Where `sends_of_request` is above 1 it is the least that the round trip can have been.
    pub rtt_ms: f64,
    /// From the first send of the same request: the most that the round trip can have been.
    pub rtt_first_send_ms: f64,
    /// From the first send of all, challenges included.
    pub final_ms: f64,
    /// From the first send to the first response of any kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_response_ms: Option<f64>,
    /// How often the request that was answered was sent.
    pub sends_of_request: u32,
    /// How often requests were sent for this ping, challenges and failed candidates included.
    pub sends: u32,
    /// How many requests it took: one more for each challenge.
    pub requests: u32,
    /// Server, or User-Agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Text<'static>>,
    /// Why a challenge was not met, where that is the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// What was expected of it and is not so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexpected: Option<String>,
}

/// Nothing final in time.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LineLost {
    /// As the target was named.
    pub target: String,
    /// Which ping.
    pub seq: u64,
    /// How often it was sent.
    pub sends: u32,
    /// How long it was waited for.
    pub after_ms: f64,
    /// Whether a provisional response came.
    pub provisional: bool,
}

/// No way there, or the way broke.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LineError {
    /// As the target was named.
    pub target: String,
    /// Which ping; 0 where it failed before the first.
    pub seq: u64,
    /// The step that failed: `dns`, `connect`, `tls`, `websocket`, `send`, `receive`.
    pub phase: String,
    /// A stable word: `refused`, `timeout`, `cert-expired`, …
    pub kind: String,
    /// One line.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// Something came that is no answer.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Ignored {
    /// As the target was named.
    pub target: String,
    /// The word of `ignored`.
    pub reason: String,
    /// The words for people.
    pub detail: String,
    /// Who sent it.
    pub from: String,
    /// The ping that it would have answered, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// A candidate failed before anything answered.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Moved {
    /// As the target was named.
    pub target: String,
    /// Address of the one that failed.
    pub from: String,
    /// Address of the next.
    pub to: String,
    /// Transport of the next.
    pub transport: String,
    /// Why.
    pub why: String,
}
