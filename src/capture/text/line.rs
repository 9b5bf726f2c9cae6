//! What a line of a text can be: a start line, a header field, prose.

use super::MAX_LINE;
use crate::sip::{Method, recognise};

/// Spaces that FreeSWITCH puts before each line.
const INDENT: &[u8] = b"   ";

/// Whether nothing stands in a line but its end.
pub(super) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|b| matches!(b, b'\r' | b'\n'))
}

/// The line without the blanks that FreeSWITCH puts before it.
pub(super) fn unindented(line: &[u8], is_log: bool) -> &[u8] {
    if is_log { line.strip_prefix(INDENT).unwrap_or(line) } else { line }
}

/// Whether a line begins as a header field does.
pub(super) fn is_header(line: &[u8]) -> bool {
    let name = line.iter().take_while(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(b)).count();
    let after = line.get(name..).unwrap_or_default().trim_ascii_start();
    name > 0 && after.first() == Some(&b':')
}

/// Whether a line is a start line from its first byte on.
pub(super) fn is_start(line: &[u8]) -> bool {
    start_of(line) == Some(0)
}

/// Where in a line a start line begins: at its front, or behind what a log put before it.
pub(super) fn start_of(line: &[u8]) -> Option<usize> {
    let end = line.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |at| at + 1);
    let text = &line[..end];
    if text.len() > MAX_LINE || text.is_empty() {
        return None;
    }
    let first = text.first().is_some_and(|b| b.is_ascii_graphic());
    if first && recognise::is_sip(text) && !is_prose(text) {
        return Some(0);
    }
    if let Some(at) = memchr::memmem::find(text, b" SIP/2.0 ").map(|at| at + 1) {
        let status = text.get(at + 8..at + 11)?;
        return status.iter().all(u8::is_ascii_digit).then_some(at);
    }
    let before = text.strip_suffix(b" SIP/2.0")?;
    let uri = memchr::memrchr(b' ', before)?;
    let method = memchr::memrchr(b' ', &before[..uri])? + 1;
    let known = Method::of(&before[method..uri]) != Method::Other;
    known.then_some(method)
}

/// Whether a line that can be read as a start line is a sentence: a first word that is no method before one that is.
fn is_prose(text: &[u8]) -> bool {
    let words: Vec<&[u8]> = text.split(|&b| b == b' ').filter(|w| !w.is_empty()).take(12).collect();
    let is_method = |word: &[u8]| Method::of(word) != Method::Other;
    match words.as_slice() {
        [first, rest @ ..] if !first.starts_with(b"SIP/") => !is_method(first) && rest.iter().any(|w| is_method(w)),
        _ => false,
    }
}

/// The lines of a message that syslog has put into one: `#015#012` for CRLF.
pub(super) fn expand(line: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(line, b"#012")?;
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(b'#', rest) {
        let (byte, used) = match rest.get(at..at + 4) {
            Some(b"#012") => (b'\n', 4),
            Some(b"#015") => (b'\r', 4),
            Some(b"#011") => (b'\t', 4),
            _ => (b'#', 1),
        };
        out.extend_from_slice(&rest[..at]);
        out.push(byte);
        rest = &rest[at + used..];
    }
    out.extend_from_slice(rest);
    Some(out)
}
