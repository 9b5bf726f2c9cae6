//! Where the parts of a message stand: spans, found in one pass over the bytes.

use super::{Defect, HeaderName, Method};
use crate::base::Span;

/// The first line of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartLine {
    /// RFC 3261 §7.1
    Request {
        /// The method; [`Method::Other`] where it is none of the registered ones (its text is at `method_span`).
        method: Method,
        /// Where the method stands.
        method_span: Span,
        /// The Request-URI.
        uri: Span,
        /// `SIP/2.0`, as spelled.
        version: Span,
    },
    /// RFC 3261 §7.2
    Response {
        /// The status code; 0 where it is no number of three digits.
        status: u16,
        /// Where the status code stands.
        status_span: Span,
        /// The reason phrase.
        reason: Span,
        /// `SIP/2.0`, as spelled.
        version: Span,
    },
}

/// The CSeq header field. RFC 3261 §20.16
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CSeq {
    /// The sequence number (a value beyond 32 bits is a defect and gives none).
    pub number: u32,
    /// The method.
    pub method: Method,
    /// Where the method stands.
    pub method_span: Span,
}

/// One header field, in wire order. A comma-separated list in one field is one `Field`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Which header field it is, compact forms resolved; [`HeaderName::Other`] for one that is not registered.
    pub name: HeaderName,
    /// The name as spelled.
    pub name_span: Span,
    /// The value without leading and trailing white space; folded lines included as they stand.
    pub value: Span,
}

/// What was found in a message: spans and numbers only, so that one outline can be reused for message after message
/// without allocating. Of a header field that is there more than once, the named fields describe the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outline {
    /// The first line.
    pub start: StartLine,
    /// The header section, from the first header field to its last byte before the empty line.
    pub head: Span,
    /// The body: as Content-Length says where that can be, else all that is left.
    pub body: Span,
    /// Every header field, up to [`MAX_FIELDS`](super::MAX_FIELDS).
    pub fields: Vec<Field>,
    /// How many header fields there were beyond that.
    pub fields_lost: u32,
    /// Value of the top Via only (up to the first comma outside quotes).
    pub via: Span,
    /// Its sent-by: `host:port` as spelled.
    pub sent_by: Span,
    /// Its branch parameter.
    pub branch: Span,
    /// How many Via values there are, lists counted.
    pub vias: u16,
    /// From: the whole value.
    pub from: Span,
    /// From: the URI inside.
    pub from_uri: Span,
    /// From: the tag.
    pub from_tag: Span,
    /// To: the whole value.
    pub to: Span,
    /// To: the URI inside.
    pub to_uri: Span,
    /// To: the tag.
    pub to_tag: Span,
    /// Call-ID.
    pub call_id: Span,
    /// CSeq, where it can be read.
    pub cseq: Option<CSeq>,
    /// First Contact: the whole field value.
    pub contact: Span,
    /// Content-Type: the whole value.
    pub content_type: Span,
    /// Content-Length, where it can be read.
    pub content_length: Option<u32>,
    /// Max-Forwards, where it can be read.
    pub max_forwards: Option<u32>,
    /// What is wrong, in order of place. Empty (and without allocation) for a well-formed message.
    pub defects: Vec<Defect>,
}
