//! What `demo` did: the JSON of `sipctl demo`.

use super::active::Verdict;
use super::decode::{Call, Finding, Message, Stream};
use super::invite::Loop;
use schemars::JsonSchema;
use serde::Serialize;

/// The name and version of the document.
pub const SCHEMA: &str = "sipctl.demo/1";

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
