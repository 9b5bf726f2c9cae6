//! The message that is being collected, line by line.

use super::heading::Heading;
use super::line::is_blank;
use crate::sip::HeaderName;

/// The message that is being collected.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub bytes: Vec<u8>,
    pub heading: Heading,
    pub line: u64,
    /// Whether it stands in a log, with the log's own lines around it.
    pub in_log: bool,
    pub in_body: bool,
    /// Whether a line ended with CRLF.
    pub has_cr: bool,
    pub length: Option<usize>,
    pub typed: bool,
    pub holds_sip: bool,
    pub body: usize,
}

impl Open {
    /// Bytes of the body that are still to come; none where no length is known.
    pub fn left(&self) -> usize {
        self.length.unwrap_or(0).saturating_sub(self.body)
    }

    pub fn take(&mut self, line: &[u8]) {
        if !self.in_body {
            self.in_body = is_blank(line);
            self.header(line);
            self.bytes.extend_from_slice(line);
            return;
        }
        // In a log the line end behind the last line of a body is the log's.
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let line = if self.in_log && self.length.is_some() && self.left() == content.len() { content } else { line };
        let lost = usize::from(!self.has_cr && line.ends_with(b"\n"));
        self.body = self.body.saturating_add(line.len() + lost);
        self.bytes.extend_from_slice(line);
    }

    /// Content-Length and Content-Type.
    fn header(&mut self, line: &[u8]) {
        let Some(colon) = memchr::memchr(b':', line) else { return };
        let value = line.get(colon + 1..).unwrap_or_default().trim_ascii();
        match HeaderName::of(line[..colon].trim_ascii()) {
            HeaderName::ContentLength if self.length.is_none() => {
                self.length = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
            }
            HeaderName::ContentType => {
                self.typed = !value.is_empty();
                let starts =
                    |kind: &str| value.get(..kind.len()).is_some_and(|v| v.eq_ignore_ascii_case(kind.as_bytes()));
                self.holds_sip = starts("message/") || starts("multipart/");
            }
            _ => {}
        }
    }

    /// Whether nothing more belongs to it.
    pub fn is_complete(&self) -> bool {
        self.in_body && if self.length.is_some() { self.left() == 0 } else { !self.typed }
    }

    /// Takes away blank lines behind a message that is complete without them.
    pub fn trim(&mut self) {
        let end = |bytes: &[u8]| bytes.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |at| at + 1);
        let text = end(&self.bytes);
        if !self.in_body {
            return;
        }
        let head = memchr::memmem::find(&self.bytes, b"\r\n\r\n").map(|at| at + 4);
        let head = head.or_else(|| memchr::memmem::find(&self.bytes, b"\n\n").map(|at| at + 2));
        let head = head.unwrap_or(self.bytes.len()).min(self.bytes.len());
        match self.length {
            // The length counts the bytes as they were sent; line ends beyond it were added later.
            Some(_) => {
                let surplus = self.body.saturating_sub(self.length.unwrap_or(0));
                let blank = self.bytes.len() - text.max(head);
                let most = if self.has_cr { surplus.min(blank) } else { blank_lines(surplus, blank) };
                self.bytes.truncate(self.bytes.len() - most);
            }
            None if text <= head => self.bytes.truncate(head),
            None => {}
        }
    }
}

/// Of `blank` line feeds that count twice, how many make up `surplus`.
fn blank_lines(surplus: usize, blank: usize) -> usize {
    surplus.div_ceil(2).min(blank)
}
