//! Responses to a request that came: what every one of them copies, and where it goes. RFC 3261 §8.2.6, §18.2

use super::uri::ip_of;
use super::{HeaderName, Message, Method, Via, status};
use std::io::Write;
use std::net::SocketAddr;

/// A response being written into a buffer. What is copied from the request is copied as it stands, save that folded lines
/// are joined: no value can start a header field of its own.
#[derive(Debug)]
pub struct Reply<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Reply<'o> {
    /// Starts a response to `request`, which came from the address `source`, in `out` (emptied first): status line, Via in
    /// order with `received` and `rport` of the top one filled in, Record-Route where a dialog may come of it, From, To with
    /// `tag` unless there is one, Call-ID, CSeq, and the Timestamp in a 100. Without a reason the registered one stands.
    pub fn to(
        request: &Message<'_>,
        source: SocketAddr,
        code: u16,
        reason: Option<&str>,
        tag: &str,
        out: &'o mut Vec<u8>,
    ) -> Self {
        out.clear();
        // Writing into memory does not fail.
        let _ = write!(out, "SIP/2.0 {code:03} ");
        text(out, reason.unwrap_or_else(|| status::reason(code)).as_bytes());
        out.extend_from_slice(b"\r\n");
        let mut reply = Reply { out };
        reply.vias(request, source);
        // RFC 3261 §12.1.1: whoever answers with a dialog repeats the route set.
        if (101..300).contains(&code) && makes_dialogs(request.method()) {
            request.headers(HeaderName::RecordRoute).for_each(|value| {
                reply.field(HeaderName::RecordRoute, value);
            });
        }
        reply.field(HeaderName::From, request.text(request.outline.from));
        reply.put_to(request, code, tag);
        reply.field(HeaderName::CallId, request.call_id());
        reply.field(HeaderName::CSeq, request.header(HeaderName::CSeq).unwrap_or_default());
        // RFC 3261 §8.2.6.1
        if code == 100
            && let Some(timestamp) = request.header(HeaderName::Timestamp)
        {
            reply.field(HeaderName::Timestamp, timestamp);
        }
        reply
    }

    /// Appends a header field under its full name.
    pub fn field(&mut self, name: HeaderName, value: impl AsRef<[u8]>) -> &mut Self {
        self.named(name.canonical(), value)
    }

    /// Appends a header field under any name.
    pub fn named(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Self {
        text(self.out, name.as_bytes());
        self.out.extend_from_slice(b": ");
        text(self.out, value.as_ref());
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Ends the response, which has no body. RFC 3261 §20.14
    pub fn finish(&mut self) {
        self.out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    }

    /// Ends the response with a body. RFC 3261 §20.14
    pub fn finish_with(&mut self, content_type: &str, body: &[u8]) {
        self.field(HeaderName::ContentType, content_type);
        let _ = write!(self.out, "Content-Length: {}\r\n\r\n", body.len());
        self.out.extend_from_slice(body);
    }

    fn vias(&mut self, request: &Message<'_>, source: SocketAddr) {
        let top = request.outline.via;
        for value in request.headers(HeaderName::Via) {
            let at = request.span_of(value);
            self.out.extend_from_slice(b"Via: ");
            // The field that holds the top Via may hold others behind it.
            if top.start >= at.start && top.end <= at.end && !top.is_empty() {
                let behind = crate::base::Span { start: top.end, end: at.end };
                put_via(self.out, request.text(top), source);
                text(self.out, request.text(behind));
            } else {
                text(self.out, value);
            }
            self.out.extend_from_slice(b"\r\n");
        }
    }

    /// RFC 3261 §8.2.6.2: every response but 100 has a To tag.
    fn put_to(&mut self, request: &Message<'_>, code: u16, tag: &str) {
        self.out.extend_from_slice(b"To: ");
        text(self.out, request.text(request.outline.to));
        if code != 100 && request.to_tag().is_empty() {
            self.out.extend_from_slice(b";tag=");
            self.out.extend_from_slice(tag.as_bytes());
        }
        self.out.extend_from_slice(b"\r\n");
    }
}

/// Requests whose success starts a dialog. RFC 3261 §12.1, RFC 6665 §4.4.1, RFC 3515 §2.4.6
fn makes_dialogs(method: Method) -> bool {
    matches!(method, Method::Invite | Method::Subscribe | Method::Notify | Method::Refer)
}

/// Where a response goes: over a connection back on it, as a datagram to where the request came from, to the port of
/// `rport` where the client asked for that, else to the one that sent-by names. RFC 3261 §18.2.2, RFC 3581 §4
///
/// `maddr` is not followed: whoever writes it could have our answers sent to others.
#[must_use]
pub fn destination(request: &Message<'_>, source: SocketAddr) -> SocketAddr {
    let Some(via) = request.top_via().filter(|via| via.param("rport").is_none()) else { return source };
    let named = match via.port() {
        // Port 0 cannot be sent to.
        Some(0) => source.port(),
        Some(port) => port,
        None => 5060,
    };
    SocketAddr::new(source.ip(), named)
}

/// The top Via with what the server adds. RFC 3261 §18.2.1, RFC 3581 §4
pub(super) fn put_via(out: &mut Vec<u8>, value: &[u8], source: SocketAddr) {
    let via = Via::parse(value);
    let ip = source.ip().to_canonical();
    let asks = via.param("rport").is_some();
    let spoken_for = via.param("received").is_some();
    let wants_received = asks || ip_of(via.host()).is_none_or(|host| host.to_canonical() != ip);
    if !asks && !spoken_for {
        text(out, value);
    } else {
        let head = value.len() - via.params.len().min(value.len());
        text(out, value.get(..head).unwrap_or_default());
        let mut filled = false;
        for param in via.params() {
            // What the client says of its own address is no evidence of it.
            if param.is("received") || param.is("rport") && filled {
                continue;
            }
            out.push(b';');
            text(out, param.name);
            if param.is("rport") {
                filled = true;
                let _ = write!(out, "={}", source.port());
            } else if let Some(set) = param.value {
                out.push(b'=');
                text(out, set);
            }
        }
    }
    if wants_received {
        // RFC 3261 §25.1, via-received: an IPv6 address stands without brackets.
        let _ = write!(out, ";received={ip}");
    }
}

/// Appends text; line ends and zero bytes in it become spaces.
pub(super) fn text(out: &mut Vec<u8>, text: &[u8]) {
    if memchr::memchr3(b'\r', b'\n', 0, text).is_none() {
        out.extend_from_slice(text);
    } else {
        out.extend(text.iter().map(|&b| if matches!(b, b'\r' | b'\n' | 0) { b' ' } else { b }));
    }
}

#[cfg(test)]
mod tests;
