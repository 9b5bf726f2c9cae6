//! What happens beside messages, and keeps them from being sent or from arriving: refused and broken connections, TLS that fails, fragments that
//! never came.

use super::conversation::Unreachable;
use crate::base::{Endpoint, Flow, Timestamp};
use crate::net::Lost;
use crate::net::tls::{Alert, Version};
use crate::sip::Method;

/// Something that happened on the way of messages.
#[derive(Clone, Debug)]
pub struct Incident {
    /// What.
    pub what: What,
    /// When.
    pub time: Timestamp,
    /// Frame that showed it.
    pub frame: u64,
    /// From who opened the connection (or sent the datagram) to the other side.
    pub flow: Flow,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// A TCP connection was refused: an RST answered the SYN.
    Refused,
    /// A TCP connection was asked for again and again, and nothing came back.
    Unanswered(Opening),
    /// A TCP connection that carried SIP was reset.
    Reset(Reset),
    /// A TCP connection that carried SIP was closed before the side that was spoken to had answered, or within its answer.
    Closed(Close),
    /// TLS did not come about, or ended by an alert.
    TlsFailed(Box<TlsFailure>),
    /// TLS came about, and this is the certificate that the server showed.
    Certificate(Box<Shown>),
    /// TLS was begun on a port that speaks plain SIP.
    TlsOnPlain(Answer),
    /// Plain SIP was sent to a port that speaks TLS.
    PlainOnTls(Answer),
    /// A datagram that begins with SIP never became whole.
    FragmentLost(Box<Incomplete>),
    /// An ICMP error that quotes too little to say which message it is about, or the opening of a TCP connection.
    Unreachable(Unreachable),
}

/// The SYNs of a connection that nobody answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    /// How many were sent until that was certain.
    pub syns: u32,
    /// When the first was sent.
    pub since: Timestamp,
}

/// The certificate of a server that a client talked to over TLS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The name that the client asked for. RFC 6066 §3
    pub server_name: Option<Box<str>>,
    /// The certificate in DER.
    pub certificate: Box<[u8]>,
}

/// How a connection that carried SIP was reset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reset {
    /// Who sent the RST.
    pub by: Endpoint,
    /// Whether a message of the other side was under way.
    pub cut_message: bool,
}

/// How a connection was closed before an answer was whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Close {
    /// Who sent the FIN.
    pub by: Endpoint,
    /// When.
    pub at: Timestamp,
    /// In which frame.
    pub frame: u64,
    /// Bytes of a message of it that never became whole.
    pub left: usize,
}

/// What came back where the protocol was not the expected one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A line of text, at most 80 bytes of it.
    Line(Box<[u8]>),
    /// A TLS alert.
    Alert(Alert),
    /// The connection was closed.
    Closed,
    /// The connection was reset.
    Reset,
    /// Nothing, for seconds.
    Silence,
}

/// How TLS failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFailure {
    /// Who ended it.
    pub by: Endpoint,
    /// The alert, where it could be read.
    pub alert: Option<Alert>,
    /// Whether an alert was sent that could not be read.
    pub encrypted_alert: bool,
    /// Whether it ended by RST.
    pub reset: bool,
    /// Whether the server answered the ClientHello with TLS.
    pub answered: bool,
    /// Whether both sides had agreed on keys: with TLS 1.2, what follows can be read by nobody else.
    pub completed: bool,
    /// The version that was agreed on.
    pub version: Option<Version>,
    /// The name that the client asked for.
    pub server_name: Option<Box<str>>,
    /// The server's certificate in DER; empty where it was not seen.
    pub certificate: Box<[u8]>,
    /// Whether the port is known to be one of SIP.
    pub on_sip_port: bool,
}

/// A datagram of which fragments are missing.
#[derive(Clone, Debug)]
pub struct Incomplete {
    /// Whether its first fragment came: else nothing is known of what it said.
    pub has_head: bool,
    /// Method of the request, or of the request that it answers.
    pub method: Method,
    /// Status code; 0 for a request.
    pub status: u16,
    /// Call-ID; empty where the first fragment does not hold it.
    pub call_id: Box<[u8]>,
    /// Bytes of the datagram that came.
    pub came: u32,
    /// Bytes that it has; `None` where the last fragment is among the missing ones.
    pub of: Option<u32>,
    /// The conversation that it belongs to: kind and number.
    pub conversation: Option<(super::Kind, u64)>,
}

impl Incomplete {
    /// What is known of a datagram before its first fragment is read.
    #[must_use]
    pub fn of(lost: &Lost) -> Self {
        Incomplete {
            has_head: !lost.head.is_empty(),
            method: Method::Other,
            status: 0,
            call_id: Box::default(),
            came: lost.came,
            of: lost.of,
            conversation: None,
        }
    }
}
