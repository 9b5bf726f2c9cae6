//! The parts of a call, as they are told.

use crate::agent::invite::Problem as Wrong;
use crate::base::Safe;
use crate::report::text::Text;
use schemars::JsonSchema;
use serde::Serialize;

/// Where the time went; milliseconds, absent where a step did not happen. From `first_response_ms` on they count from the first INVITE,
/// challenges and redirections included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Timing {
    /// All questions to the DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_ms: Option<f64>,
    /// The first TCP connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<f64>,
    /// Its TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_ms: Option<f64>,
    /// To the first response of any kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_response_ms: Option<f64>,
    /// To the first 100, or whatever provisional response came instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trying_ms: Option<f64>,
    /// To the first sign of ringing, 180 to 189.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ringing_ms: Option<f64>,
    /// To the 2xx.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_ms: Option<f64>,
    /// To our ACK: the call stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_ms: Option<f64>,
    /// To the first packet of media that came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_start_ms: Option<f64>,
    /// To the final response that counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_ms: Option<f64>,
    /// From the answer to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
}

/// One INVITE transaction, or a place to which none could be sent.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Attempt {
    /// Request-URI.
    pub uri: Text<'static>,
    /// Position of the candidate in `resolution.candidates`; absent where a redirection led elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<usize>,
    /// CSeq number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cseq: Option<u32>,
    /// How often it was sent.
    pub sends: u32,
    /// Status code of the final response; absent where none came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Milliseconds from its first sending to the final response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_ms: Option<f64>,
    /// Why the way was no good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A dialog that the INVITE made.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Fork {
    /// To tag.
    pub tag: Text<'static>,
    /// URI of its Contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Text<'static>>,
    /// Server, or User-Agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<Text<'static>>,
    /// What it said, repeats left out.
    pub responses: Vec<ForkResponse>,
    /// Reliable provisional responses that were acknowledged by PRACK.
    pub pracked: u32,
    /// Milliseconds from the first INVITE to an early session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_media_ms: Option<f64>,
    /// Milliseconds from the first INVITE to its 2xx.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_ms: Option<f64>,
    /// Whether it is the call that was kept.
    pub kept: bool,
    /// Status of the answer to our BYE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bye_status: Option<u16>,
}

/// What one dialog said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ForkResponse {
    /// Status code.
    pub status: u16,
    /// Milliseconds from the first INVITE.
    pub at_ms: f64,
}

/// What offer and answer came to.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Session {
    /// `PCMU`, `PCMA`
    pub codec: &'static str,
    /// Payload type with which we send it.
    pub payload_type: u8,
    /// Payload type with which we send telephone events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<u8>,
    /// Where the other side wants media.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Whether we may send.
    pub sends: bool,
    /// Whether the other side may send.
    pub receives: bool,
    /// Whether the other side holds us.
    pub held: bool,
    /// Milliseconds of audio in our packets.
    pub ptime_ms: u16,
    /// Whether RTP and RTCP share a port.
    pub rtcp_mux: bool,
    /// Suite of SRTP; absent in the clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srtp: Option<&'static str>,
}

/// A session timer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SessionTimer {
    /// Seconds.
    pub interval_s: u32,
    /// `us` or `them`
    pub refresher: &'static str,
}

/// A request inside the call.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Request {
    /// Method.
    pub method: String,
    /// What for, where it is ours: `hold`, `resume`, `session refresh`, `DTMF 5`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// Who sent it: `us`, `them`.
    pub by: &'static str,
    /// Milliseconds from the first INVITE.
    pub at_ms: f64,
    /// Status that answered it; absent where none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// What became of our CANCEL.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Cancel {
    /// Milliseconds from the first INVITE.
    pub at_ms: f64,
    /// Status of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Final status of the INVITE: 487 as a rule, 2xx where the answer crossed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite_status: Option<u16>,
}

/// Something that went wrong without ending the call at once.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Problem {
    /// A stable word: `media`, `no_contact`, `no_ports`, `redirect_loop`, `too_many_redirects`, `no_redirect_target`, `bye`, `no_way`,
    /// `gone`, `bad_extension`, `too_many_forks`.
    pub code: &'static str,
    /// In words.
    pub detail: String,
}

/// A problem as its code and in words.
#[must_use]
pub fn problem_words(problem: &Wrong) -> (&'static str, String) {
    match problem {
        Wrong::Media(why) => ("media", format!("offer and answer came to nothing: {why}")),
        Wrong::NoContact => {
            ("no_contact", "the 2xx has no Contact that could be used: the ACK went to the Request-URI".to_owned())
        }
        Wrong::NoPorts => ("no_ports", "no ports could be bound for media".to_owned()),
        Wrong::RedirectLoop(uri) => ("redirect_loop", format!("redirected to where we were already: {}", Safe(uri))),
        Wrong::TooManyRedirects => ("too_many_redirects", "redirected more often than is followed".to_owned()),
        Wrong::NoRedirectTarget => ("no_redirect_target", "redirected, and to nobody whom we can call".to_owned()),
        Wrong::Bye(Some(status)) => ("bye", format!("our BYE was refused with {status}")),
        Wrong::Bye(None) => ("bye", "our BYE was not answered".to_owned()),
        Wrong::NoWay(uri) => {
            ("no_way", format!("nobody was reached at {}: the way of the INVITE was taken", Safe(uri.as_bytes())))
        }
        Wrong::Gone(method, status) => {
            let came = status.map_or_else(|| "was not answered".to_owned(), |s| format!("was answered with {s}"));
            ("gone", format!("our {method} inside the call {came}: they know the call no more"))
        }
        Wrong::BadExtension(name) => {
            ("bad_extension", format!("a response demanded an extension that we have not: {}", Safe(name)))
        }
        Wrong::TooManyForks => ("too_many_forks", "more early dialogs than are followed".to_owned()),
    }
}
