//! What is kept of one message: numbers and places of text, not the message.

use crate::base::{Flow, Span, Timestamp};
use crate::sip::{HeaderName, Method};

/// What a message travelled over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Transport {
    /// UDP
    Udp,
    /// TCP
    Tcp,
    /// TLS over TCP
    Tls,
    /// WebSocket
    Ws,
    /// WebSocket over TLS
    Wss,
    /// SCTP
    Sctp,
}

impl Transport {
    /// Every transport, in order of its number.
    pub const ALL: [Transport; 6] =
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss, Transport::Sctp];

    /// The word of the JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
            Transport::Sctp => "sctp",
        }
    }

    /// Whether the transport itself repeats what is lost, so that SIP does not. RFC 3261 §17
    #[must_use]
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }
}

/// A defect of a message with the line it stands in, kept for showing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDefect {
    /// What is wrong.
    pub defect: crate::sip::Defect,
    /// The line that holds its first byte, without line end, at most 240 bytes.
    pub line: Box<[u8]>,
    /// 1-based number of that line.
    pub line_number: u32,
    /// Offset of the defect's first byte in `line`.
    pub column: u32,
}

/// A header field value that is kept because something above asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptField {
    /// Which header field.
    pub name: HeaderName,
    /// Its value, in the texts of the conversation.
    pub value: Span,
}

/// What few messages have.
#[derive(Clone, Debug)]
pub(super) struct Rare {
    pub(super) method_text: Span,
    pub(super) fragment: Span,
    pub(super) digit: Option<char>,
    pub(super) defects: Box<[KeptDefect]>,
    pub(super) body_hash: Option<Box<str>>,
}

impl Rare {
    /// Itself, where there is anything in it.
    pub(super) fn kept(self) -> Option<Box<Rare>> {
        let has_text = !self.method_text.is_empty() || !self.fragment.is_empty();
        let has_more = self.digit.is_some() || self.body_hash.is_some();
        let is_there = has_text || has_more || !self.defects.is_empty();
        is_there.then(|| Box::new(self))
    }
}

/// What is kept of one message: small, since open calls hold millions of them. Texts are spans into [`super::texts::Texts`] of its conversation.
#[derive(Clone, Debug)]
pub struct Facts {
    /// 0, 1, … over the whole run.
    pub index: u64,
    /// Frame in which it ended.
    pub frame: u64,
    /// When.
    pub time: Timestamp,
    /// From where to where.
    pub flow: Flow,
    /// Number of its source.
    pub source: u16,
    /// How it travelled.
    pub transport: Transport,
    /// Method of the request, or of the request it answers (from CSeq).
    pub method: Method,
    /// Status code; 0 for a request.
    pub status: u16,
    /// IP identification; 0 where unknown.
    pub ip_id: u32,
    /// CSeq number; 0 where it cannot be read.
    pub cseq: u32,
    /// Whether CSeq could be read.
    pub has_cseq: bool,
    /// Method of CSeq.
    pub cseq_method: Method,
    /// Whether a mirroring protocol (HEP) brought it.
    pub mirrored: bool,
    /// Whether it is an earlier message captured again or at a second point: it was not sent again.
    pub copy: bool,
    /// Whether it has a defect.
    pub malformed: bool,
    /// Whether the snap length cut it.
    pub cut: bool,
    /// Whether it came in IP fragments.
    pub fragmented: bool,
    /// Whether it was cut within its header section: then what it does not say proves nothing.
    pub head_cut: bool,
    /// Request-URI of a request, reason phrase of a response.
    pub uri_or_reason: Span,
    /// Number of Via values.
    pub vias: u16,
    /// Max-Forwards, where there is one (255 for more).
    pub max_forwards: Option<u8>,
    /// Tag of From.
    pub from_tag: Span,
    /// Tag of To.
    pub to_tag: Span,
    /// Content-Type.
    pub content_type: Span,
    /// Bytes of the message.
    pub size: u32,
    /// Bytes of its body.
    pub body_len: u32,
    /// Position of its SDP in the conversation's `sdps`.
    pub sdp: Option<u8>,
    /// Position of its transaction in the conversation's `transactions`.
    pub transaction: u32,
    /// Position of the message before it in its transaction; its own where there is none.
    pub before: u32,
    /// Position, in the conversation, of the message that it repeats.
    pub repeats: Option<u32>,
    /// First of its fields in the conversation's `fields`.
    pub fields_start: u32,
    /// How many they are.
    pub fields_len: u16,
    /// What few messages have: see [`Rare::kept`].
    pub(super) rare: Option<Box<Rare>>,
}

/// Open calls hold millions of them.
const _: () = assert!(size_of::<Facts>() <= 160);

impl Facts {
    /// Text of the method where it is [`Method::Other`].
    #[must_use]
    pub fn method_text(&self) -> Span {
        self.rare.as_ref().map_or(Span::NONE, |rare| rare.method_text)
    }

    /// First line of a `message/sipfrag` body: what a NOTIFY reports of a transferred call. RFC 3420
    #[must_use]
    pub fn fragment(&self) -> Span {
        self.rare.as_ref().map_or(Span::NONE, |rare| rare.fragment)
    }

    /// The key of the telephone that the body of an INFO request tells of.
    #[must_use]
    pub fn digit(&self) -> Option<char> {
        self.rare.as_ref()?.digit
    }

    /// Hash of the body, in hexadecimal digits, where credentials with qop `auth-int` vouch for it. RFC 7616 §3.4.3
    #[must_use]
    pub fn body_hash(&self) -> Option<&str> {
        self.rare.as_ref().and_then(|rare| rare.body_hash.as_deref())
    }

    /// Its defects.
    #[must_use]
    pub fn defects(&self) -> &[KeptDefect] {
        self.rare.as_ref().map_or(&[], |rare| &rare.defects)
    }
    /// Whether it is a request.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.status == 0
    }

    /// 1xx
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        (100..200).contains(&self.status)
    }

    /// 2xx to 6xx
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.status >= 200
    }

    /// 2xx
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A request of `method`.
    #[must_use]
    pub fn asks(&self, method: Method) -> bool {
        self.is_request() && self.method == method
    }

    /// Whether it is no first sight of a message: a retransmission or a captured copy.
    #[must_use]
    pub fn is_repeat(&self) -> bool {
        self.repeats.is_some()
    }
}
