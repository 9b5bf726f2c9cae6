//! What `decode` found, as plain data: no colour, no layout. The fields are the JSON of the contract, in its order.
//!
//! Durations are milliseconds; instants are RFC 3339 strings ([`Instant`]); indices name [`Message::index`].

mod message;
mod party;

pub use message::{Body, Cseq, Header, Kind, Message, Sdp, SdpMedia};
pub use party::{Join, JoinEvidence, Leg, Participant, Party};

use super::text::Text;
use crate::base::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// An instant; RFC 3339 in UTC with nanoseconds in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, JsonSchema)]
#[schemars(transparent)]
pub struct Instant(#[schemars(with = "String")] pub Timestamp);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.rfc3339();
        serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

/// The whole document.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Report {
    /// Always `sipctl.decode/1`.
    pub schema: &'static str,
    /// What was read.
    pub sources: Vec<Source>,
    /// Counts over everything.
    pub summary: Summary,
    /// Everything that an INVITE started, in order of first message.
    pub calls: Vec<Call>,
    /// REGISTER, one per AOR and Call-ID.
    pub registrations: Vec<Registration>,
    /// Other requests outside a call.
    pub exchanges: Vec<Exchange>,
    /// Every message, in order.
    pub messages: Vec<Message<'static>>,
    /// RTP.
    pub streams: Vec<Stream>,
    /// Judgements.
    pub findings: Vec<Finding>,
    /// Per address: how it answered.
    pub peers: Vec<Peer>,
}

/// One input.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Source {
    /// As it was named; `-` for standard input, the device's name for a live capture.
    pub path: String,
    /// `pcap`, `pcapng`, `pcap (gzip)`, `device`, `hep` …
    pub format: String,
    /// Link layers by name: `ethernet`, `linux_sll2`, `raw_ip` …
    pub link_types: Vec<String>,
    /// Packets read.
    pub packets: u64,
    /// Bytes of packet data read.
    pub bytes: u64,
    /// Time of the first packet.
    pub first_time: Option<Instant>,
    /// Time of the last packet.
    pub last_time: Option<Instant>,
    /// Whether the file ends in the middle of a packet.
    pub truncated: bool,
    /// Packets that a device dropped before they could be read (live capture only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
}

/// Findings by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingCounts {
    /// Something failed or will.
    pub error: u64,
    /// Works, but wrong or risky.
    pub warning: u64,
    /// Worth knowing.
    pub info: u64,
}

/// Counts over everything that was read.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Summary {
    /// Packets read.
    pub packets: u64,
    /// SIP messages found.
    pub messages: u64,
    /// Requests by method.
    pub requests: BTreeMap<String, u64>,
    /// Responses by status code.
    pub responses: BTreeMap<String, u64>,
    /// Messages by transport: `udp`, `tcp`, `tls`, `ws`, `wss`, `sctp`.
    pub transports: BTreeMap<String, u64>,
    /// Calls.
    pub calls: u64,
    /// Registrations.
    pub registrations: u64,
    /// Exchanges.
    pub exchanges: u64,
    /// RTP streams.
    pub streams: u64,
    /// RTP packets in them.
    pub rtp_packets: u64,
    /// Calls by state.
    pub calls_by_state: BTreeMap<String, u64>,
    /// Findings by severity.
    pub findings: FindingCounts,
    /// Messages with a defect.
    pub malformed: u64,
    /// What could not be decoded, by reason.
    pub undecoded: BTreeMap<String, u64>,
    /// What a person can do about each reason in `undecoded` (not in JSON).
    #[serde(skip)]
    pub hints: BTreeMap<String, String>,
    /// Time of the first packet.
    pub first_time: Option<Instant>,
    /// Time of the last packet.
    pub last_time: Option<Instant>,
}

/// State of a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// INVITE sent, no answer but 100.
    Trying,
    /// A provisional response other than 100.
    Ringing,
    /// Confirmed and still up.
    Answered,
    /// Answered, then BYE.
    Completed,
    /// 486 or 600.
    Busy,
    /// Ended by CANCEL.
    Cancelled,
    /// Any other 4xx to 6xx.
    Rejected,
    /// 3xx.
    Redirected,
    /// Nobody answered: 408, 480 after ringing, or no final response.
    Unanswered,
    /// Challenged, and never accepted.
    Unauthorized,
    /// 5xx from the network, or the request could not be delivered.
    Failed,
}

impl CallState {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CallState::Trying => "trying",
            CallState::Ringing => "ringing",
            CallState::Answered => "answered",
            CallState::Completed => "completed",
            CallState::Busy => "busy",
            CallState::Cancelled => "cancelled",
            CallState::Rejected => "rejected",
            CallState::Redirected => "redirected",
            CallState::Unanswered => "unanswered",
            CallState::Unauthorized => "unauthorized",
            CallState::Failed => "failed",
        }
    }
}

/// Everything that an INVITE started.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Call {
    /// 1, 2, … in order of first message.
    pub id: u64,
    /// More than one when legs were joined.
    pub call_ids: Vec<Text<'static>>,
    /// The caller.
    pub from: Party,
    /// The called.
    pub to: Party,
    /// Where it stands.
    pub state: CallState,
    /// Status code of the final response to the (last) initial INVITE.
    pub final_status: Option<u16>,
    /// Time of the first message.
    pub start: Instant,
    /// From the first INVITE to the first 100.
    pub trying_ms: Option<f64>,
    /// From the first INVITE to the first 180–183.
    pub ringing_ms: Option<f64>,
    /// From the first INVITE to the 2xx.
    pub answered_ms: Option<f64>,
    /// From the 2xx to the BYE.
    pub duration_ms: Option<f64>,
    /// `caller`, `callee`, or who else ended it; absent while it is up.
    pub ended_by: Option<&'static str>,
    /// Columns of its ladder, left to right.
    pub participants: Vec<Participant>,
    /// Its dialogs.
    pub legs: Vec<Leg>,
    /// Codecs agreed (or, before an answer, offered).
    pub codecs: Vec<String>,
    /// Indices of its messages.
    pub messages: Vec<u64>,
    /// Ids of its streams.
    pub streams: Vec<u64>,
    /// Positions in `findings` of the document (0, 1, …).
    pub findings: Vec<u64>,
}

/// State of a registration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationState {
    /// 200, with a binding.
    Registered,
    /// 200 to Expires 0.
    Removed,
    /// 200 to a REGISTER without Contact.
    Queried,
    /// A final response other than 2xx, 401 and 407; or credentials refused.
    Refused,
    /// Challenged, and no credentials followed.
    Challenged,
    /// No final response.
    Unanswered,
}

/// REGISTER of one AOR with one Call-ID.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Registration {
    /// 1, 2, … in order of first message.
    pub id: u64,
    /// The address-of-record: the URI of To.
    pub aor: Option<Text<'static>>,
    /// Its Call-ID.
    pub call_id: Option<Text<'static>>,
    /// Where it stands.
    pub state: RegistrationState,
    /// Contacts that were registered (from the 200, else from the request).
    pub contacts: Vec<Text<'static>>,
    /// Seconds that the registrar granted.
    pub expires_s: Option<u64>,
    /// Columns of its ladder (not in JSON).
    #[serde(skip)]
    pub participants: Vec<Participant>,
    /// Indices of its messages.
    pub messages: Vec<u64>,
    /// Positions in `findings` of the document.
    pub findings: Vec<u64>,
}

/// State of an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeState {
    /// 2xx.
    Answered,
    /// Any other final response.
    Rejected,
    /// No final response.
    Unanswered,
}

/// A request outside a call, with its responses, on every hop where it was seen.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Exchange {
    /// 1, 2, … in order of first message.
    pub id: u64,
    /// The method.
    pub method: Text<'static>,
    /// Its Call-ID.
    pub call_id: Option<Text<'static>>,
    /// Where it stands.
    pub state: ExchangeState,
    /// Status code of the final response.
    pub status: Option<u16>,
    /// From the request to its final response.
    pub reply_ms: Option<f64>,
    /// Columns of its ladder (not in JSON).
    #[serde(skip)]
    pub participants: Vec<Participant>,
    /// Indices of its messages.
    pub messages: Vec<u64>,
    /// Positions in `findings` of the document.
    pub findings: Vec<u64>,
}

/// One RTP stream in one direction.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Stream {
    /// 1, 2, … in order of first packet.
    pub id: u64,
    /// Its call; null for an orphan.
    pub call: Option<u64>,
    /// `0x1a2b3c4d`
    pub ssrc: String,
    /// From where.
    pub src: String,
    /// To where.
    pub dst: String,
    /// `PCMU` …; null where it cannot be known.
    pub codec: Option<String>,
    /// Payload type number of the first packet (the most used one, when they differ).
    pub payload_type: u8,
    /// Packets received.
    pub packets: u64,
    /// Packets lost, by sequence numbers.
    pub lost: u64,
    /// Lost of expected.
    pub loss_percent: f64,
    /// Interarrival jitter, mean. RFC 3550 §6.4.1
    pub jitter_ms: f64,
    /// Longest time between two packets that silence suppression does not explain.
    pub max_gap_ms: f64,
    /// Mean opinion score by the E-model; null for what is not speech.
    pub mos: Option<f64>,
    /// From first to last packet.
    pub duration_ms: f64,
    /// Digits sent as RFC 4733 events.
    pub dtmf: String,
    /// `caller_to_callee`, `callee_to_caller`, or null.
    pub direction: Option<&'static str>,
    /// Time of the first packet.
    pub start: Instant,
}

/// How grave a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Works, but wrong or risky.
    Warning,
    /// Something failed or will.
    Error,
}

impl Severity {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Bytes of a message that prove a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EvidenceSpan {
    /// Index of the message.
    pub message: u64,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
    /// The line that holds the bytes, for showing them (not in JSON).
    #[serde(skip)]
    pub line: Vec<u8>,
    /// 1-based number of that line (not in JSON).
    #[serde(skip)]
    pub line_number: u32,
    /// Offset of the first byte within `line` (not in JSON).
    #[serde(skip)]
    pub column: u32,
    /// What is said under the bytes (not in JSON).
    #[serde(skip)]
    pub label: String,
}

/// A judgement with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// Kebab-case name that never changes.
    pub code: &'static str,
    /// How grave.
    pub severity: Severity,
    /// How sure it is of its cause: `certain`, `likely`, `possible`.
    pub confidence: &'static str,
    /// One line.
    pub title: String,
    /// The evidence in sentences, one a line.
    pub detail: String,
    /// Other causes that would fit, each with what speaks against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ruled_out: Vec<String>,
    /// What to do.
    pub fix: String,
    /// `RFC 3261 §17.2.1`
    pub rule: String,
    /// The call it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
    /// The registration it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<u64>,
    /// The exchange it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<u64>,
    /// The stream it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<u64>,
    /// Indices of the messages that prove it.
    pub messages: Vec<u64>,
    /// The bytes that prove it.
    pub spans: Vec<EvidenceSpan>,
    /// Whether it says more of one that was told before, while the input went on: it is not counted again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub update: bool,
}

/// How one address answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Peer {
    /// The address.
    pub address: String,
    /// Requests sent to it (retransmissions and ACK not counted).
    pub attempts: u64,
    /// Requests that got a final response.
    pub answered: u64,
    /// Requests that got no response at all.
    pub no_reply: u64,
    /// Median time to the first response, over the first 4096.
    pub median_reply_ms: Option<f64>,
    /// Final responses by status code.
    pub codes: BTreeMap<String, u64>,
}
