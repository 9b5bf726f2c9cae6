//! What `invite` found: the call, and what was heard. CONTRACT §4

mod build;
mod changes;
pub mod event;
mod facts;
mod heard;
mod judge;
pub mod looped;
pub mod media;
#[cfg(test)]
mod tests;

pub use build::{Trial, report};
pub use changes::{Change, changes};
pub use event::{Happened, happened};
pub use facts::{Attempt, Cancel, Fork, ForkResponse, Problem, Request, Session, SessionTimer, Timing, problem_words};
pub use heard::{Direction, Proof, proof};
pub use judge::{Gates, judge};
pub use looped::{Loop, Looped, judge_loop, looped};
pub use media::Media;

use super::active::{Challenge, Resolution, Tls, Verdict};
use super::decode::{CallState, Finding, Message, Stream};
use super::text::Text;
use schemars::JsonSchema;
use serde::Serialize;

/// The name and version of the document.
pub const SCHEMA: &str = "sipctl.invite/1";

/// The document of `sipctl invite`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// `sipctl.invite/1`
    pub schema: &'static str,
    /// Who was called, as it was typed.
    pub target: String,
    /// Where the call went first, and which candidate was used.
    pub resolution: Resolution,
    /// Every INVITE transaction that set up the call, in order.
    pub attempts: Vec<Attempt>,
    /// How it ended.
    pub result: Verdict,
    /// Where the time went.
    pub timing: Timing,
    /// What TLS agreed on, on the first way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The call's state at the end, as `decode` would have it.
    pub state: CallState,
    /// Status of the final response that counted; absent where none came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_status: Option<u16>,
    /// Its reason phrase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_reason: Option<Text<'static>>,
    /// Its Warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Text<'static>>,
    /// Who ended the call: `us`, `them`, `cancel`, `refusal`, `timeout`, `transport`, `session_timer`, `unusable`, `stop`; absent where it
    /// has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<&'static str>,
    /// The Reason that the other side gave for the end. RFC 3326
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_reason: Option<Text<'static>>,
    /// Server, or User-Agent, of who answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Text<'static>>,
    /// Call-ID of the last INVITE.
    pub call_id: String,
    /// The challenges that were answered, one a realm.
    pub challenges: Vec<Challenge>,
    /// The dialogs that the INVITE made: more than one where a proxy forked.
    pub forks: Vec<Fork>,
    /// Contacts that redirections named.
    pub redirects: Vec<Text<'static>>,
    /// Who made the offer: `us`, `them`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer_by: Option<&'static str>,
    /// What offer and answer came to last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The session timer that was agreed on. RFC 4028
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_timer: Option<SessionTimer>,
    /// Requests inside the call, ACK and BYE apart, of either side.
    pub inside: Vec<Request>,
    /// What became of our CANCEL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Cancel>,
    /// Whom REFERs asked us to call; they are refused.
    pub transfers: Vec<Text<'static>>,
    /// What went wrong on the way.
    pub problems: Vec<Problem>,
    /// Whether a call may be left up.
    pub may_be_up: bool,
    /// Messages that were not of this call.
    pub ignored: u64,
    /// Both directions of the media; absent where none was ever opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// The other end, where it is ours, too (`--loop`).
    #[serde(rename = "loop", skip_serializing_if = "Option::is_none")]
    pub looped: Option<Loop>,
    /// All messages, sent and received.
    pub messages: Vec<Message<'static>>,
    /// Media streams, as a capture of the call shows them.
    pub streams: Vec<Stream>,
    /// What `decode` would find in them.
    pub findings: Vec<Finding>,
}
