//! What `sipctl lint` tells: the defects of messages, each at its bytes.

use super::decode::{FindingCounts, Instant, Severity};
use super::text::Text;
use crate::analysis::rules::{self, sdp};
use crate::base::Span;
use crate::media::sdp::Session;
use crate::sip::multipart::Part;
use crate::sip::{Defect, DefectKind, Message, Outline, StartLine, check};
use schemars::JsonSchema;
use serde::Serialize;

/// The name of this form of output.
pub const SCHEMA: &str = "sipctl.lint/1";

/// Defects that a document holds; what is beyond is counted.
const MOST: usize = 10_000;
/// The longest part of a line that is kept around a defect.
const LINE: usize = 2400;

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// `sipctl.lint/1`
    pub schema: &'static str,
    /// How it went.
    pub summary: Summary,
    /// What was found, in the order of the messages: at most 10,000.
    pub defects: Vec<Fault>,
}

/// How it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Summary {
    /// The inputs as they were named.
    pub sources: Vec<String>,
    /// Messages that were judged.
    pub messages: u64,
    /// Messages without a defect.
    pub clean: u64,
    /// Defects by severity.
    pub defects: FindingCounts,
}

/// A defect of a message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Fault {
    /// The finding's code that it is in `decode`: `header-malformed`.
    pub code: &'static str,
    /// How grave.
    pub severity: Severity,
    /// What is wrong with the bytes.
    pub what: &'static str,
    /// The rule: `RFC 3261 §20.10`.
    pub rule: &'static str,
    /// In which message.
    #[serde(flatten)]
    pub place: Place,
    /// Offset of the first byte at fault in the message.
    pub start: u32,
    /// Offset behind the last one; the same as `start` where something is missing.
    pub end: u32,
    /// 1-based number of the line of the message.
    pub line: u32,
    /// 1-based number of the byte in that line.
    pub column: u32,
    /// That line, or as much of it as stands around the bytes.
    pub text: Text<'static>,
    /// Offset of the bytes in `text`.
    #[serde(skip)]
    pub text_column: u32,
}

/// Where a message was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Place {
    /// The input as it was named.
    pub source: String,
    /// 1-based number of the message in it.
    pub message: u64,
    /// How the message begins: its method, or its status code and reason phrase.
    pub begins: Text<'static>,
    /// In a text, the 1-based number of the line that the message starts in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_line: Option<u64>,
    /// In a capture, the 1-based number of the packet that completed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
    /// When it was captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Instant>,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src: Option<String>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst: Option<String>,
    /// Over what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<&'static str>,
}

/// Judges messages, one after the other.
#[derive(Debug, Default)]
pub struct Linter {
    outline: Outline,
    found: Vec<Defect>,
    /// How it goes.
    pub summary: Summary,
}

impl Linter {
    /// Judges a message; `cut`: whether the capture lacks its end; `line_feeds`: whether its lines ended with LF alone before they were
    /// put into `bytes`. Gives its defects in the order of their places.
    pub fn message(&mut self, mut place: Place, bytes: &[u8], cut: bool, line_feeds: bool) -> Vec<Fault> {
        let read = if cut { self.outline.read_cut(bytes) } else { self.outline.read(bytes) };
        if !read {
            return Vec::new();
        }
        let message = Message::new(bytes, &self.outline);
        self.found.clear();
        check::defects(&message, &mut self.found);
        if line_feeds && let Some(end) = memchr::memchr(b'\r', bytes) {
            self.found.push(Defect {
                kind: DefectKind::BareLineFeed,
                span: crate::base::Span::new(end, end),
                what: "every line ends with LF alone; the rest is judged as if with CRLF",
                rule: "RFC 3261 §7",
            });
        }
        place.begins = Text::new(&begins(&message)).into_owned();
        let mut faults: Vec<Fault> = self.found.iter().map(|defect| Wrong::of(defect).fault(&place, bytes)).collect();
        // Half a body proves nothing.
        if !cut {
            let bodies = message.bodies().filter(Part::is_sdp);
            faults.extend(bodies.flat_map(|body| of_sdp(body.bytes, &message)).map(|wrong| wrong.fault(&place, bytes)));
        }
        self.summary.messages += 1;
        self.summary.clean += u64::from(faults.is_empty());
        for fault in &faults {
            let FindingCounts { error, warning, info } = &mut self.summary.defects;
            *match fault.severity {
                Severity::Error => error,
                Severity::Warning => warning,
                Severity::Info => info,
            } += 1;
        }
        faults
    }
}

impl Report {
    /// The document of what was judged.
    #[must_use]
    pub fn new(summary: Summary, defects: Vec<Fault>) -> Self {
        Report { schema: SCHEMA, summary, defects }
    }

    /// Keeps defects while there is room.
    pub fn keep(kept: &mut Vec<Fault>, faults: Vec<Fault>) {
        let room = MOST.saturating_sub(kept.len());
        kept.extend(faults.into_iter().take(room));
    }
}

/// `INVITE`, `486 Busy Here`, as spelled.
fn begins(message: &Message<'_>) -> Vec<u8> {
    const MOST: usize = 80;
    let text = match message.outline.start {
        StartLine::Request { method_span, .. } => message.text(method_span).to_vec(),
        StartLine::Response { status_span, reason, .. } => {
            [message.text(status_span), b" ", message.text(reason)].concat().trim_ascii_end().to_vec()
        }
    };
    text.into_iter().take(MOST).collect()
}

/// What breaks a rule, of the message or of a session description in it.
struct Wrong {
    code: &'static str,
    severity: Severity,
    what: &'static str,
    rule: &'static str,
    span: Span,
}

/// What is wrong with a session description; spans are those of the message.
fn of_sdp(body: &[u8], message: &Message<'_>) -> Vec<Wrong> {
    let start = message.span_of(body).start;
    let wrong = |defect: &crate::media::sdp::Defect| Wrong {
        code: sdp::malformed::CODE,
        severity: sdp::malformed::severity(defect.kind).into(),
        what: sdp::malformed::words(defect.kind),
        rule: defect.kind.rule(),
        // What is missing is missed where the description begins.
        span: if defect.span.is_empty() { Span { start, end: start } } else { defect.span.shifted(start) },
    };
    Session::parse(body).defects.iter().map(wrong).collect()
}

impl Wrong {
    fn of(defect: &Defect) -> Wrong {
        let Defect { kind, span, what, rule } = *defect;
        Wrong { code: kind.code(), severity: severity(defect), what, rule, span }
    }

    fn fault(&self, place: &Place, bytes: &[u8]) -> Fault {
        let at = (self.span.start as usize).min(bytes.len());
        let line_start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |n| n + 1);
        let line_end = memchr::memchr(b'\n', &bytes[line_start..]).map_or(bytes.len(), |n| line_start + n);
        let line = &bytes[line_start..line_end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let column = at - line_start;
        let skip = if line.len() > LINE { column.saturating_sub(LINE / 2).min(line.len() - LINE) } else { 0 };
        let text: Vec<u8> = line[skip..].iter().copied().take(LINE).collect();
        Fault {
            code: self.code,
            severity: self.severity,
            what: self.what,
            rule: self.rule,
            place: place.clone(),
            start: self.span.start,
            end: self.span.end,
            line: memchr::memchr_iter(b'\n', &bytes[..line_start]).count() as u32 + 1,
            column: column as u32 + 1,
            text: Text::new(&text).into_owned(),
            text_column: (column - skip) as u32,
        }
    }
}

/// As grave as the finding that the defect becomes.
fn severity(defect: &Defect) -> Severity {
    rules::grammar::defects::severity(defect).into()
}

#[cfg(test)]
mod tests {
    use super::{Linter, Place};
    use crate::report::decode::Severity;

    #[test]
    fn a_defect_names_its_line_column_and_severity() {
        let bytes = b"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nTo: <sip:b@example.com>>\r\nFrom: <sip:a@example.com>;tag=1\r\n\
            Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
        let mut linter = Linter::default();
        let faults = linter.message(Place::default(), bytes, false, false);
        let shown: Vec<_> = faults.iter().map(|f| (f.code, f.severity, f.line, f.column)).collect();
        assert!(
            shown.contains(&("header-missing", Severity::Warning, 2, 1))
                || shown.iter().any(|s| s.0 == "header-missing" && s.1 == Severity::Warning),
            "{shown:?}"
        );
        assert!(shown.contains(&("header-malformed", Severity::Error, 3, 24)), "{shown:?}");
        assert_eq!((linter.summary.messages, linter.summary.clean), (1, 0));
        assert_eq!(faults[0].place.begins.bytes(), b"OPTIONS");
    }

    #[test]
    fn a_session_description_is_judged_in_its_message() {
        let body = "v=0\r\no=- 1 1 IN IP4\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
        let head = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nTo: <sip:b@example.com>;tag=2\r\n\
            From: <sip:a@example.com>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:b@192.0.2.1>\r\n\
            Content-Type: application/sdp\r\n";
        let message = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        let mut linter = Linter::default();
        let faults = linter.message(Place::default(), message.as_bytes(), false, false);
        let shown: Vec<_> = faults.iter().map(|f| (f.code, f.severity, f.line, f.what)).collect();
        assert_eq!(
            shown,
            [
                ("sdp-malformed", Severity::Error, 12, "its o= line has not six fields"),
                ("sdp-malformed", Severity::Error, 15, "a medium has no c= line, and neither has the session"),
            ]
        );
        assert_eq!(&message[faults[0].start as usize..faults[0].end as usize], "o=- 1 1 IN IP4");
        assert_eq!((faults[0].text.bytes(), faults[0].rule), (&b"o=- 1 1 IN IP4"[..], "RFC 8866 §5.2"));
        // Where the capture lacks the end of the message, half a description proves nothing.
        let faults = linter.message(Place::default(), &message.as_bytes()[..message.len() - 30], true, false);
        assert!(faults.iter().all(|f| f.code != "sdp-malformed"), "{faults:?}");
    }

    #[test]
    fn what_is_no_message_is_not_counted() {
        let mut linter = Linter::default();
        assert!(linter.message(Place::default(), b"GET / HTTP/1.1\r\n\r\n", false, false).is_empty());
        assert_eq!(linter.summary.messages, 0);
    }
}
