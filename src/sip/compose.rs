//! Messages that we send: a start line, header fields in the order given, a body with its length.

use super::HeaderName;
use std::io::Write;

/// A message being composed. What is given as text is sent as it stands, save that a line end in it becomes a space: no
/// value can start a header field of its own.
#[derive(Clone, Debug)]
pub struct Composer {
    bytes: Vec<u8>,
}

impl Composer {
    /// A request. RFC 3261 §7.1
    #[must_use]
    pub fn request(method: &str, uri: &str) -> Self {
        let mut composer = Composer { bytes: Vec::with_capacity(768) };
        composer.text(method.as_bytes());
        composer.bytes.push(b' ');
        composer.text(uri.as_bytes());
        composer.bytes.extend_from_slice(b" SIP/2.0\r\n");
        composer
    }

    /// A response. RFC 3261 §7.2
    #[must_use]
    pub fn response(status: u16, reason: &str) -> Self {
        let mut composer = Composer { bytes: Vec::with_capacity(768) };
        // Writing into memory does not fail.
        let _ = write!(composer.bytes, "SIP/2.0 {status:03} ");
        composer.text(reason.as_bytes());
        composer.bytes.extend_from_slice(b"\r\n");
        composer
    }

    /// Appends a header field under its full name.
    pub fn field(&mut self, name: HeaderName, value: impl AsRef<[u8]>) -> &mut Self {
        self.named(name.canonical(), value)
    }

    /// Appends a header field under any name.
    pub fn named(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.text(name.as_bytes());
        self.bytes.extend_from_slice(b": ");
        self.text(value.as_ref());
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// Ends the message with a body, whose type is given unless it is empty, and its length. RFC 3261 §20.14
    #[must_use]
    pub fn finish(mut self, content_type: &str, body: &[u8]) -> Vec<u8> {
        if !content_type.is_empty() {
            self.field(HeaderName::ContentType, content_type);
        }
        self.field(HeaderName::ContentLength, body.len().to_string());
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes.extend_from_slice(body);
        self.bytes
    }

    fn text(&mut self, text: &[u8]) {
        self.bytes.extend(text.iter().map(|&b| if matches!(b, b'\r' | b'\n' | 0) { b' ' } else { b }));
    }
}

#[cfg(test)]
mod tests {
    use super::Composer;
    use crate::sip::HeaderName;

    #[test]
    fn a_request_stands_as_the_rfc_writes_it() {
        let mut request = Composer::request("OPTIONS", "sip:bob@example.com");
        request.field(HeaderName::CallId, "a84b4c76e66710").named("X-Note", "one\r\nEvil: two");
        let bytes = request.finish("text/plain", b"hi");
        let expected = "OPTIONS sip:bob@example.com SIP/2.0\r\nCall-ID: a84b4c76e66710\r\nX-Note: one  Evil: two\r\n\
                        Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn a_response_without_body_says_so() {
        let bytes = Composer::response(404, "Not Found").finish("", b"");
        assert_eq!(bytes, b"SIP/2.0 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
}
