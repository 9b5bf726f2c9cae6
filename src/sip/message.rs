//! A message as its bytes and the outline of them: what the rest of the crate asks.

use super::lex::{self, Parts};
use super::multipart::{Bodies, Part};
use super::{Address, CSeq, Field, HeaderName, Method, Outline, StartLine, Via};
use crate::base::Span;

/// A view of a message. Costs nothing to make; every answer borrows from the bytes.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The message.
    pub bytes: &'a [u8],
    /// Where its parts stand; must have been read from `bytes`.
    pub outline: &'a Outline,
}

impl<'a> Message<'a> {
    /// The view of `bytes`, which `outline` was read from.
    #[inline]
    #[must_use]
    pub fn new(bytes: &'a [u8], outline: &'a Outline) -> Self {
        Message { bytes, outline }
    }

    /// The bytes of a span of the outline.
    #[inline]
    #[must_use]
    pub fn text(&self, span: Span) -> &'a [u8] {
        span.of(self.bytes)
    }

    /// Where a slice that this view gave stands; [`Span::NONE`] for any other.
    #[must_use]
    pub fn span_of(&self, part: &[u8]) -> Span {
        lex::span_of(part, self.bytes)
    }

    /// Whether it is a request.
    #[inline]
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(self.outline.start, StartLine::Request { .. })
    }

    /// The method; of a response, that of its CSeq.
    #[inline]
    #[must_use]
    pub fn method(&self) -> Method {
        match (self.outline.start, self.outline.cseq) {
            (StartLine::Request { method, .. }, _) => method,
            (_, Some(cseq)) => cseq.method,
            _ => Method::of(self.method_text()),
        }
    }

    /// The method as spelled; of a response, that of its CSeq. Empty where there is none.
    #[must_use]
    pub fn method_text(&self) -> &'a [u8] {
        match (self.outline.start, self.outline.cseq) {
            (StartLine::Request { method_span, .. }, _) => self.text(method_span),
            (_, Some(cseq)) => self.text(cseq.method_span),
            // A sequence number out of range hides no method.
            _ => {
                let value = self.header(HeaderName::CSeq).unwrap_or_default();
                let last = value.iter().rposition(|&b| lex::is(b, lex::LWS)).map_or(value.len(), |at| at + 1);
                &value[last..]
            }
        }
    }

    /// The status code of a response; 0 where it is no number of three digits.
    #[inline]
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.outline.start {
            StartLine::Response { status, .. } => Some(status),
            StartLine::Request { .. } => None,
        }
    }

    /// The Request-URI of a request.
    #[must_use]
    pub fn uri(&self) -> Option<&'a [u8]> {
        match self.outline.start {
            StartLine::Request { uri, .. } => Some(self.text(uri)),
            StartLine::Response { .. } => None,
        }
    }

    /// The reason phrase of a response.
    #[must_use]
    pub fn reason(&self) -> Option<&'a [u8]> {
        match self.outline.start {
            StartLine::Response { reason, .. } => Some(self.text(reason)),
            StartLine::Request { .. } => None,
        }
    }

    /// The value of the first header field of that name.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&'a [u8]> {
        self.headers(name).next()
    }

    /// The values of all header fields of that name, each as it stands (a comma list in one field is one).
    pub fn headers(&self, name: HeaderName) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        self.outline.fields.iter().filter(move |f| f.name == name).map(move |f| f.value.of(bytes))
    }

    /// The values of all header fields of that name, comma lists taken apart, empty ones passed over.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        // A separator that no value holds leaves a value whole.
        let separator = if name.is_list() { b',' } else { b'\n' };
        self.headers(name).flat_map(move |value| {
            let whole = (separator != b',' && !value.is_empty()).then_some(value);
            let parts = (separator == b',').then(|| Parts::new(value, b','));
            whole.into_iter().chain(parts.into_iter().flatten().filter(|v| !v.is_empty()))
        })
    }

    /// The first header field so named, for names that are not registered. Case does not count.
    #[must_use]
    pub fn header_named(&self, name: &str) -> Option<&'a [u8]> {
        let same = |f: &&Field| self.text(f.name_span).eq_ignore_ascii_case(name.as_bytes());
        self.outline.fields.iter().find(same).map(|f| self.text(f.value))
    }

    /// Every header field as spelled, in wire order: name and value.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let bytes = self.bytes;
        self.outline.fields.iter().map(move |f| (f.name_span.of(bytes), f.value.of(bytes)))
    }

    /// The body, as Content-Length says where that can be.
    #[inline]
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.text(self.outline.body)
    }

    /// The From tag; empty where there is none.
    #[inline]
    #[must_use]
    pub fn from_tag(&self) -> &'a [u8] {
        self.text(self.outline.from_tag)
    }

    /// The To tag; empty where there is none.
    #[inline]
    #[must_use]
    pub fn to_tag(&self) -> &'a [u8] {
        self.text(self.outline.to_tag)
    }

    /// The Call-ID; empty where there is none.
    #[inline]
    #[must_use]
    pub fn call_id(&self) -> &'a [u8] {
        self.text(self.outline.call_id)
    }

    /// The branch of the top Via; empty where there is none.
    #[inline]
    #[must_use]
    pub fn branch(&self) -> &'a [u8] {
        self.text(self.outline.branch)
    }

    /// The sent-by of the top Via; empty where there is none.
    #[inline]
    #[must_use]
    pub fn sent_by(&self) -> &'a [u8] {
        self.text(self.outline.sent_by)
    }

    /// The CSeq, where it can be read.
    #[inline]
    #[must_use]
    pub fn cseq(&self) -> Option<CSeq> {
        self.outline.cseq
    }

    /// From, taken apart.
    #[must_use]
    pub fn from(&self) -> Address<'a> {
        Address::parse(self.text(self.outline.from))
    }

    /// To, taken apart.
    #[must_use]
    pub fn to(&self) -> Address<'a> {
        Address::parse(self.text(self.outline.to))
    }

    /// The top Via, taken apart.
    #[must_use]
    pub fn top_via(&self) -> Option<Via<'a>> {
        (!self.outline.via.is_empty()).then(|| Via::parse(self.text(self.outline.via)))
    }

    /// The first Contact value, taken apart.
    #[must_use]
    pub fn contact(&self) -> Option<Address<'a>> {
        self.values(HeaderName::Contact).next().map(Address::parse)
    }

    /// The bodies: the parts of a multipart body (and of multiparts in it), or the body itself, with their types.
    #[must_use]
    pub fn bodies(&self) -> Bodies<'a> {
        Bodies::new(self.text(self.outline.content_type), self.body())
    }

    /// The first session description: an `application/sdp` body or part, or a body without a type that looks like one.
    #[must_use]
    pub fn sdp_body(&self) -> Option<&'a [u8]> {
        if self.outline.body.is_empty() {
            return None;
        }
        self.bodies().find(Part::is_sdp).map(|part| part.bytes)
    }
}

#[cfg(test)]
mod tests {
    use crate::sip::{HeaderName, Message, Method, Outline};

    const RESPONSE: &[u8] =
        b"SIP/2.0 183 Session Progress\r\nv: SIP/2.0/UDP a:5061;branch=z9hG4bK7 , SIP/2.0/TCP b\r\n\
        Via: SIP/2.0/TCP c\r\nf: \"A\" <sip:a@x>;tag=1\r\nt: <sip:b@y;tag=no>;tag=2\r\ni: id@x\r\nCSeq: 7 INVITE\r\n\
        m: <sip:b,c@y>, <sip:d@y>\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT\r\nX-Mine: 1\r\nl: 4\r\n\r\nabcdefg";

    #[test]
    fn a_response_answers_what_is_asked_of_it() {
        let mut outline = Outline::new();
        assert!(outline.read(RESPONSE));
        let message = Message::new(RESPONSE, &outline);
        assert!(!message.is_request());
        assert_eq!((message.status(), message.reason()), (Some(183), Some(&b"Session Progress"[..])));
        assert_eq!((message.method(), message.method_text(), message.uri()), (Method::Invite, &b"INVITE"[..], None));
        assert_eq!((message.from_tag(), message.to_tag()), (&b"1"[..], &b"2"[..]));
        assert_eq!((message.branch(), message.sent_by()), (&b"z9hG4bK7"[..], &b"a:5061"[..]));
        assert_eq!((message.call_id(), message.body()), (&b"id@x"[..], &b"abcd"[..]));
        assert_eq!(message.values(HeaderName::Via).count(), 3);
        assert_eq!(message.headers(HeaderName::Via).count(), 2);
        let contacts: Vec<_> = message.values(HeaderName::Contact).collect();
        assert_eq!(contacts, [&b"<sip:b,c@y>"[..], b"<sip:d@y>"]);
        assert_eq!(message.values(HeaderName::Date).collect::<Vec<_>>(), [b"Sat, 13 Nov 2010 23:29:00 GMT"]);
        assert_eq!(message.header_named("x-mine"), Some(&b"1"[..]));
        assert_eq!(message.fields().count(), 10);
        assert_eq!(&*message.from().display_name(), b"A");
        assert_eq!(message.top_via().unwrap().port(), Some(5061));
    }

    #[test]
    fn a_sequence_number_out_of_range_hides_no_method() {
        let bytes = b"SIP/2.0 503 x\r\nCSeq: 9292394834772304023312 OPTIONS\r\n\r\n";
        let mut outline = Outline::new();
        assert!(outline.read(bytes));
        assert_eq!(Message::new(bytes, &outline).method(), Method::Options);
    }
}
