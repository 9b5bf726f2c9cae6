//! One message, as it is told: what it is, what it belongs to, what it carries.

use super::Instant;
use crate::report::Text;
use schemars::JsonSchema;
use serde::Serialize;

/// `request` or `response`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A request.
    Request,
    /// A response.
    Response,
}

/// CSeq.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cseq<'a> {
    /// The number.
    pub number: u32,
    /// The method.
    pub method: Text<'a>,
}

/// A header field as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Header<'a> {
    /// The name, spelling kept.
    pub name: Text<'a>,
    /// The value.
    pub value: Text<'a>,
}

/// What an SDP body says, in short.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Sdp {
    /// Its place in the exchange: `offer`, `answer`, or absent while unknown.
    pub role: Option<&'static str>,
    /// Session-level origin line value.
    pub origin: Option<Text<'static>>,
    /// The media descriptions.
    pub media: Vec<SdpMedia>,
}

/// One `m=` line with what belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SdpMedia {
    /// `audio`, `video`, `image` …
    pub kind: Text<'static>,
    /// Connection address, with port: `192.0.2.1:4000`.
    pub address: Option<String>,
    /// Port of the `m=` line; 0 rejects.
    pub port: u16,
    /// `RTP/AVP`, `RTP/SAVP` …
    pub protocol: Text<'static>,
    /// Codec names in order: `PCMU`, `telephone-event` …
    pub codecs: Vec<String>,
    /// `sendrecv`, `sendonly`, `recvonly`, `inactive`.
    pub direction: &'static str,
}

/// A message body.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Body<'a> {
    /// Content-Type.
    pub content_type: Option<Text<'a>>,
    /// Bytes.
    pub length: u64,
    /// What its SDP says, if it is (or holds) SDP.
    pub sdp: Option<Sdp>,
}

/// One SIP message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Message<'a> {
    /// 0, 1, …
    pub index: u64,
    /// 1-based number, in its source, of the packet in which it ends.
    pub frame: u64,
    /// Position of its source in `sources`.
    pub source: u16,
    /// When.
    pub time: Instant,
    /// Milliseconds since the first message.
    pub offset_ms: f64,
    /// From where.
    pub src: String,
    /// To where.
    pub dst: String,
    /// `udp`, `tcp`, `tls`, `ws`, `wss`, `sctp`.
    pub transport: &'static str,
    /// Request or response.
    pub kind: Kind,
    /// Method of the request, or of the request that is answered.
    pub method: Option<Text<'a>>,
    /// Request-URI.
    pub uri: Option<Text<'a>>,
    /// Status code.
    pub status: Option<u16>,
    /// Reason phrase.
    pub reason: Option<Text<'a>>,
    /// Call-ID.
    pub call_id: Option<Text<'a>>,
    /// CSeq.
    pub cseq: Option<Cseq<'a>>,
    /// Tag of From.
    pub from_tag: Option<Text<'a>>,
    /// Tag of To.
    pub to_tag: Option<Text<'a>>,
    /// Branch of the top Via.
    pub branch: Option<Text<'a>>,
    /// Index of the message that this one repeats.
    pub retransmission_of: Option<u64>,
    /// Index of the message that this one is a second sight of: captured again, at another point, or mirrored by HEP. It
    /// was not sent again. Not in JSON, where `notes` says it.
    #[serde(skip)]
    pub copy_of: Option<u64>,
    /// Bytes.
    pub size: u64,
    /// The body; absent where there is none.
    pub body: Option<Body<'a>>,
    /// What a person should notice, and every defect, in words.
    pub notes: Vec<String>,
    /// Every header field in wire order, with `--headers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<Header<'a>>>,
    /// The whole message, with `--raw`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Text<'a>>,
}

impl Message<'_> {
    /// The same message, with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Message<'static> {
        let own = |text: Option<Text<'_>>| text.map(Text::into_owned);
        Message {
            method: own(self.method),
            uri: own(self.uri),
            reason: own(self.reason),
            call_id: own(self.call_id),
            cseq: self.cseq.map(|c| Cseq { number: c.number, method: c.method.into_owned() }),
            from_tag: own(self.from_tag),
            to_tag: own(self.to_tag),
            branch: own(self.branch),
            body: self.body.map(|b| Body { content_type: own(b.content_type), length: b.length, sdp: b.sdp }),
            headers: self.headers.map(|all| {
                let owned = |h: Header<'_>| Header { name: h.name.into_owned(), value: h.value.into_owned() };
                all.into_iter().map(owned).collect()
            }),
            raw: own(self.raw),
            index: self.index,
            frame: self.frame,
            source: self.source,
            time: self.time,
            offset_ms: self.offset_ms,
            src: self.src,
            dst: self.dst,
            transport: self.transport,
            kind: self.kind,
            status: self.status,
            retransmission_of: self.retransmission_of,
            copy_of: self.copy_of,
            size: self.size,
            notes: self.notes,
        }
    }
}
