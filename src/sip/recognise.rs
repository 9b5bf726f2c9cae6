//! What is SIP, by its first line: on any port, whatever its defects, and nothing else.

use super::lex;
use super::uri::split_scheme;
use super::{Method, StartLine};
use crate::base::{Span, scan};

/// Longest run of CR and LF before a start line that is passed over (keep-alives are two or four bytes).
const LEADING_LINE_ENDS: usize = 64;

/// What is wrong with a first line that was recognised all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct StartFault {
    pub(super) at: Span,
    pub(super) what: &'static str,
    pub(super) is_version: bool,
}

/// A recognised first line; spans count from the start of the bytes that were given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Start {
    pub(super) line: StartLine,
    /// Offset after the line end.
    pub(super) next: usize,
    /// Whether LF alone ends the line.
    pub(super) bare: bool,
    /// Up to two: of the line, and of its version.
    pub(super) faults: [Option<StartFault>; 2],
}

/// Whether the bytes start as a SIP message does, perhaps after line ends (keep-alives).
#[inline]
#[must_use]
pub fn is_sip(bytes: &[u8]) -> bool {
    start(bytes).is_some()
}

/// Offset of the first byte that is neither CR nor LF, if it may start a token: cheap enough to ask of every datagram.
#[inline]
pub(super) fn first_byte(bytes: &[u8]) -> Option<usize> {
    let at = bytes.iter().take(LEADING_LINE_ENDS).position(|&b| b != b'\r' && b != b'\n')?;
    lex::is(bytes[at], lex::TOKEN).then_some(at)
}

/// The first line of a message, `None` where this is no SIP.
#[inline]
pub(super) fn start(bytes: &[u8]) -> Option<Start> {
    let from = first_byte(bytes)?;
    let end = from + scan::find([b'\n'], &bytes[from..]).unwrap_or(bytes.len() - from);
    let next = (end + 1).min(bytes.len());
    let crlf = end > from && bytes[end - 1] == b'\r';
    let line = &bytes[from..end - usize::from(crlf)];
    let (line, faults) = read_line(line)?;
    let by = from as u32;
    let line = match line {
        StartLine::Request { method, method_span, uri, version } => StartLine::Request {
            method,
            method_span: method_span.shifted(by),
            uri: uri.shifted(by),
            version: version.shifted(by),
        },
        StartLine::Response { status, status_span, reason, version } => StartLine::Response {
            status,
            status_span: status_span.shifted(by),
            reason: reason.shifted(by),
            version: version.shifted(by),
        },
    };
    let faults = faults.map(|f| f.map(|f| StartFault { at: f.at.shifted(by), ..f }));
    Some(Start { line, next, bare: !crlf && end < bytes.len(), faults })
}

type Read = (StartLine, [Option<StartFault>; 2]);

/// A line without its line end.
#[inline]
pub(super) fn read_line(line: &[u8]) -> Option<Read> {
    if let Some(usual) = usual_response(line).or_else(|| usual_request(line)) {
        return Some((usual, [None; 2]));
    }
    if version_len(line).is_some() { response(line) } else { request(line) }
}

/// `INVITE sip:bob@example.com SIP/2.0` with nothing odd about it.
#[inline]
fn usual_request(line: &[u8]) -> Option<StartLine> {
    let before = line.strip_suffix(b" SIP/2.0")?;
    let space = scan::find([b' '], before)?;
    let (text, uri) = (&before[..space], &before[space + 1..]);
    let method = Method::of(text);
    let is_token = method != Method::Other || lex::all(text, lex::TOKEN);
    let is_usual = is_token && !uri.is_empty() && scan::find([b' ', b'\t'], uri).is_none();
    is_usual.then(|| StartLine::Request {
        method,
        method_span: Span::new(0, space),
        uri: Span::new(space + 1, before.len()),
        version: Span::new(before.len() + 1, line.len()),
    })
}

/// `SIP/2.0 200 OK` likewise.
#[inline]
fn usual_response(line: &[u8]) -> Option<StartLine> {
    let [a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', ..] = *line.strip_prefix(b"SIP/2.0 ")? else {
        return None;
    };
    let [a, b, c] = [a, b, c].map(|digit| u16::from(digit - b'0'));
    Some(StartLine::Response {
        status: a * 100 + b * 10 + c,
        status_span: Span::new(8, 11),
        reason: Span::new(12, line.len()),
        version: Span::new(0, 7),
    })
}

/// Length of the `SIP/x.y` that the text starts with, in whatever case and of whatever version.
pub(super) fn version_len(text: &[u8]) -> Option<usize> {
    let prefix = text.get(..4)?;
    if !prefix.eq_ignore_ascii_case(b"SIP/") || !text.get(4)?.is_ascii_digit() {
        return None;
    }
    let rest = &text[4..];
    Some(4 + rest.iter().position(|&b| !b.is_ascii_digit() && b != b'.').unwrap_or(rest.len()))
}

fn version_fault(version: &[u8], at: Span) -> Option<StartFault> {
    let what = match version {
        b"SIP/2.0" => return None,
        _ if version.eq_ignore_ascii_case(b"SIP/2.0") => "the version is not in upper case",
        _ => "a version that is not SIP/2.0",
    };
    Some(StartFault { at, what, is_version: true })
}

fn line_fault(at: Span, what: &'static str) -> Option<StartFault> {
    Some(StartFault { at, what, is_version: false })
}

/// Status-Line. RFC 3261 §7.2
fn response(line: &[u8]) -> Option<Read> {
    let version = version_len(line)?;
    let after = &line[version..];
    let gap = after.iter().position(|&b| b != b' ' && b != b'\t')?;
    let digits = after[gap..].iter().position(|b| !b.is_ascii_digit()).unwrap_or(after.len() - gap);
    if gap == 0 || digits == 0 {
        return None;
    }
    let status_start = version + gap;
    let status_end = status_start + digits;
    let number = if digits == 3 { lex::number(&line[status_start..status_end]) } else { None };
    let status = number.filter(|n| (100..700).contains(n)).and_then(|n| u16::try_from(n).ok()).unwrap_or(0);
    let status_span = Span::new(status_start, status_end);
    let (reason_start, glued) = match line.get(status_end) {
        Some(b' ') => (status_end + 1, false),
        // `200OK` and `200/x`: what follows is no reason phrase of a status line that anybody sent.
        Some(b) if *b != b'\t' => return None,
        _ => (status_end, true),
    };
    let fault = if status == 0 {
        line_fault(status_span, "a status code is three digits from 100 to 699")
    } else if gap != 1 || after[0] == b'\t' {
        line_fault(Span::new(version, status_start), "one space stands between version and status code")
    } else if glued {
        line_fault(Span::new(status_end, line.len()), "no space after the status code")
    } else {
        None
    };
    let version_span = Span::new(0, version);
    let reason = Span::new(reason_start, line.len());
    let read = StartLine::Response { status, status_span, reason, version: version_span };
    Some((read, [fault, version_fault(&line[..version], version_span)]))
}

/// Request-Line that is not as it should be. RFC 3261 §7.1
fn request(line: &[u8]) -> Option<Read> {
    let (method_text, rest) = lex::take(line, lex::TOKEN);
    if method_text.is_empty() || !rest.first().is_some_and(|&b| b == b' ' || b == b'\t') {
        return None;
    }
    let method = Method::of(method_text);
    let method_span = Span::new(0, method_text.len());
    let uri_start = line.len() - lex::trim_start(rest).len();
    let trimmed = lex::trim_end(line).len();
    if uri_start >= trimmed {
        return None;
    }
    let last = line[uri_start..trimmed].iter().rposition(|&b| b == b' ' || b == b'\t').map(|at| uri_start + at);
    let version_start = last.map_or(trimmed, |at| at + 1);
    let version = &line[version_start..trimmed];
    if version.is_empty() || version_len(version) != Some(version.len()) {
        return without_version(line, method, uri_start, trimmed);
    }
    let uri_end = uri_start + lex::trim_end(&line[uri_start..version_start]).len();
    if uri_end == uri_start {
        return None;
    }
    let inside = &line[uri_start..uri_end];
    let fault = if let Some(space) = inside.iter().position(|&b| lex::is(b, lex::LWS)) {
        line_fault(Span::new(uri_start + space, uri_end), "white space in the Request-URI")
    } else if uri_start != method_text.len() + 1 {
        line_fault(Span::new(method_text.len(), uri_start), "one space stands between method and Request-URI")
    } else if version_start != uri_end + 1 {
        line_fault(Span::new(uri_end, version_start), "one space stands between Request-URI and version")
    } else if trimmed != line.len() {
        line_fault(Span::new(trimmed, line.len()), "white space after the version")
    } else {
        None
    };
    let version_span = Span::new(version_start, trimmed);
    let uri = Span::new(uri_start, uri_end);
    let read = StartLine::Request { method, method_span, uri, version: version_span };
    Some((read, [fault, version_fault(version, version_span)]))
}

/// `INVITE sip:bob@example.com` and no more: only a known method and a URI of telephony make it SIP.
fn without_version(line: &[u8], method: Method, uri_start: usize, uri_end: usize) -> Option<Read> {
    let uri = &line[uri_start..uri_end];
    let (scheme, _) = split_scheme(uri)?;
    let known = [&b"sip"[..], b"sips", b"tel"].iter().any(|s| scheme.eq_ignore_ascii_case(s));
    if method == Method::Other || !known || uri.iter().any(|&b| lex::is(b, lex::LWS)) {
        return None;
    }
    let version = Span::new(uri_end, uri_end);
    let read = StartLine::Request {
        method,
        method_span: Span::new(0, method.text().len()),
        uri: Span::new(uri_start, uri_end),
        version,
    };
    Some((read, [line_fault(version, "no version after the Request-URI"), None]))
}

/// Whether this is the first line of HTTP or RTSP, request or response: what follows on the connection is not SIP.
#[must_use]
pub fn is_http_or_rtsp(line: &[u8]) -> bool {
    let line = lex::trim_end(line);
    let other = |text: &[u8]| text.starts_with(b"HTTP/") || text.starts_with(b"RTSP/");
    other(line) || line.iter().rposition(|&b| b == b' ').is_some_and(|at| other(&line[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::{is_http_or_rtsp, is_sip, start};
    use crate::sip::{Method, StartLine};

    #[test]
    fn what_is_sip_whatever_its_port_and_defects() {
        for line in [
            "INVITE sip:bob@example.com SIP/2.0\r\n",
            "SIP/2.0 200 OK\r\n",
            "SIP/2.0 100 \r\n",
            "SIP/2.0 200\r\n",
            "sip/2.0 200 ok\n",
            "OPTIONS sip:a@b SIP/7.0\r\n",
            "INVITE  sip:a@b  SIP/2.0\r\n",
            "INVITE sip:a@b; lr SIP/2.0\r\n",
            "OPTIONS sip:a@b SIP/2.0  \r\n",
            "SIP/2.0 4294967301 better not break the receiver\r\n",
            "\r\n\r\nINVITE <sip:a@b> SIP/2.0\r\n",
            "RE%47IST%45R sip:a SIP/2.0\r\n",
            "INVITE foo@bar SIP/2.0",
            "INVITE sip:alan@example.com\r\n",
        ] {
            assert!(is_sip(line.as_bytes()), "{line:?}");
        }
    }

    #[test]
    fn what_is_not_sip() {
        for line in [
            "GET / HTTP/1.1\r\n",
            "HTTP/1.1 200 OK\r\n\r\nSIP/2.0 200 OK\r\n",
            "DESCRIBE rtsp://a/b RTSP/1.0\r\n",
            "RTSP/1.0 200 OK\r\n",
            "SIP/2.0 OK\r\n",
            "SIP/2.0/UDP 200 OK\r\n",
            "INVITE foo@bar.com SIP\r\n",
            "INVITE\r\n",
            " sip:a@b SIP/2.0\r\n",
            "\u{e5} sip:a@b SIP/2.0\r\n",
            "GET sip:a\r\n",
            "\r\n\r\n",
            "",
            "\u{0}\u{1}\u{0}\u{0}",
        ] {
            assert!(!is_sip(line.as_bytes()), "{line:?}");
        }
        assert!(is_http_or_rtsp(b"GET / HTTP/1.1\r") && is_http_or_rtsp(b"RTSP/1.0 200 OK"));
        assert!(!is_http_or_rtsp(b"INVITE sip:a@b SIP/2.0"));
    }

    #[test]
    fn a_broken_line_is_read_and_its_fault_placed() {
        let bytes = b"\r\nINVITE  sip:a@b SIP/2.0\r\n";
        let start = start(bytes).unwrap();
        let StartLine::Request { method, uri, version, .. } = start.line else { unreachable!() };
        assert_eq!((method, uri.of(bytes), version.of(bytes)), (Method::Invite, &b"sip:a@b"[..], &b"SIP/2.0"[..]));
        assert_eq!(start.faults[0].unwrap().at.of(bytes), b"  ");
        assert_eq!(start.next, bytes.len());
    }

    #[test]
    fn a_status_of_ten_digits_is_no_status() {
        let bytes = b"SIP/2.0 4294967301 x\n";
        let start = start(bytes).unwrap();
        let StartLine::Response { status, reason, .. } = start.line else { unreachable!() };
        assert_eq!((status, reason.of(bytes), start.bare), (0, &b"x"[..], true));
        assert_eq!(start.faults[0].unwrap().at.of(bytes), b"4294967301");
    }
}
