//! What `demo` did: the JSON of `sipctl demo`.

use super::active::Verdict;
use super::decode::{Call, Finding, Message, Stream};
use super::invite::Loop;
use schemars::JsonSchema;
use serde::Serialize;

/// The name and version of the document.
pub const SCHEMA: &str = "sipctl.demo/1";

/// What is told as it is done.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happened {
    /// Registrar and proxy listen.
    Proxy {
        /// Where: `127.0.0.1:40000`
        address: String,
    },
    /// The OPTIONS ping is over.
    Ping {
        /// Its round trip; absent where it was not answered.
        #[serde(skip_serializing_if = "Option::is_none")]
        rtt_ms: Option<f64>,
    },
    /// Both phones are registered: the call begins.
    Registered,
    /// The call was answered.
    Answered {
        /// From the INVITE to its answer.
        after_ms: f64,
    },
    /// The call is over: both bindings are taken away.
    Ended,
}

/// One step: a line of NDJSON of the type `event`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Event {
    /// From the beginning of it all.
    pub at_ms: f64,
    /// What.
    #[serde(flatten)]
    pub happened: Happened,
}

/// The last line of NDJSON: the document without what stands in lines of its own.
#[derive(Clone, Debug, Serialize)]
pub struct Summary<'a> {
    /// See [`Report::schema`].
    pub schema: &'static str,
    /// See [`Report::proxy`].
    pub proxy: &'a str,
    /// See [`Report::result`].
    pub result: &'a Verdict,
    /// See [`Report::ping_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_ms: Option<f64>,
    /// See [`Report::answer_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_ms: Option<f64>,
    /// See [`Report::took_ms`].
    pub took_ms: f64,
    /// See [`Report::looped`].
    #[serde(rename = "loop")]
    pub looped: &'a Loop,
}

impl Report {
    /// The last line of NDJSON.
    #[must_use]
    pub fn summary(&self) -> Summary<'_> {
        Summary {
            schema: self.schema,
            proxy: &self.proxy,
            result: &self.result,
            ping_ms: self.ping_ms,
            answer_ms: self.answer_ms,
            took_ms: self.took_ms,
            looped: &self.looped,
        }
    }
}

/// The document of `sipctl demo`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Always `sipctl.demo/1`.
    #[schemars(extend("const" = "sipctl.demo/1"))]
    pub schema: &'static str,
    /// Where registrar and proxy listened.
    pub proxy: String,
    /// How it ended.
    pub result: Verdict,
    /// Round trip of the OPTIONS ping; absent where it was not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_ms: Option<f64>,
    /// From the INVITE to its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_ms: Option<f64>,
    /// All of it, from the beginning to the last answer.
    pub took_ms: f64,
    /// Both ends of the call.
    #[serde(rename = "loop")]
    pub looped: Loop,
    /// The call, as `decode` tells it.
    pub calls: Vec<Call>,
    /// All messages.
    pub messages: Vec<Message<'static>>,
    /// The media.
    pub streams: Vec<Stream>,
    /// What `decode` finds in it.
    pub findings: Vec<Finding>,
}
