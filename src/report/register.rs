//! What `register` found. CONTRACT §4

mod build;
mod judge;
#[cfg(test)]
mod tests;

pub use super::active::Judgement;
pub use build::{Trial, account, attempts, report};
pub use judge::judge;

use super::active::{Challenge, Resolution, Timing, Tls, Verdict};
use super::decode::{Finding, Message, Stream};
use super::text::Text;
use schemars::JsonSchema;
use serde::Serialize;

/// The name and version of the document.
pub const SCHEMA: &str = "sipctl.register/1";

/// The document of `sipctl register`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// `sipctl.register/1`
    pub schema: &'static str,
    /// The address of record.
    pub target: String,
    /// What was asked for: `trial`, `query`, `remove`, `remove_all`, `keep`.
    pub mode: &'static str,
    /// Where the registrar is, and which candidate was used.
    pub resolution: Resolution,
    /// Every transaction, in order.
    pub attempts: Vec<Attempt>,
    /// How it ended.
    pub result: Verdict,
    /// Where the time went.
    pub timing: Timing,
    /// What TLS agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The challenges that were answered, one a realm.
    pub challenges: Vec<Challenge>,
    /// The Contact that we registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Text<'static>>,
    /// Seconds that the registrar grants our binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u32>,
    /// What a 423 said is the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_expires: Option<u32>,
    /// The bindings of the address of record: with ours, or as they were found.
    pub bindings: Vec<Binding>,
    /// The bindings after ours was removed; absent where nothing was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bindings_after: Option<Vec<Binding>>,
    /// Whether our binding is gone; absent where nothing was to be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<bool>,
    /// How often the binding was refreshed.
    pub refreshes: u64,
    /// Path, as the registrar gave it back. RFC 3327
    pub path: Vec<Text<'static>>,
    /// Service-Route. RFC 3608
    pub service_route: Vec<Text<'static>>,
    /// Contacts of a redirection.
    pub redirects: Vec<Text<'static>>,
    /// Server, or User-Agent, of the last response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Text<'static>>,
    /// The accounts of `--users`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Account>,
    /// All messages, sent and received.
    pub messages: Vec<Message<'static>>,
    /// Media streams: none.
    pub streams: Vec<Stream>,
    /// What `decode` would find in them.
    pub findings: Vec<Finding>,
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Attempt {
    /// `register`, `refresh`, `query`, `remove`, `remove_all`, `check`
    pub purpose: &'static str,
    /// Position of the candidate in `resolution.candidates`.
    pub candidate: usize,
    /// CSeq number.
    pub cseq: u32,
    /// How often it was sent.
    pub sends: u32,
    /// Status code of the final response; absent where none came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Milliseconds from its first sending to the final response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_ms: Option<f64>,
}

/// A binding.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Binding {
    /// Where the address of record is.
    pub uri: Text<'static>,
    /// Seconds left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u32>,
    /// Preference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<Text<'static>>,
    /// `+sip.instance`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<Text<'static>>,
    /// `reg-id`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reg_id: Option<u32>,
    /// Whether it is ours.
    pub own: bool,
}

/// An account of `--users`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Account {
    /// The address of record.
    pub target: String,
    /// How it ended.
    pub result: Verdict,
    /// Status code of the last final response that counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The challenges that were answered.
    pub challenges: Vec<Challenge>,
    /// Seconds that the registrar grants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u32>,
    /// Whether our binding is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<bool>,
    /// Milliseconds from the first request to the answer that counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_ms: Option<f64>,
}
