//! Requests that are too broken to be served: what is answered to them. RFC 3261 §8.2, §16.3, RFC 4475

use crate::sip::{DefectKind, HeaderName, Message, Method, StartLine, Uri};

/// Why a request is refused before anybody looks at what it wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// 400, 416 or 505.
    pub status: u16,
    /// The reason phrase, which says what is wrong.
    pub reason: String,
}

/// Whether a response can be made at all: it needs Via with a sent-by, From, To, Call-ID and CSeq. RFC 3261 §8.2.6.2
#[must_use]
pub fn is_answerable(request: &Message<'_>) -> bool {
    let outline = request.outline;
    let via = request.top_via().is_some_and(|via| via.fault.is_none());
    via && !outline.from.is_empty()
        && !outline.to.is_empty()
        && !outline.call_id.is_empty()
        && request.header(HeaderName::CSeq).is_some_and(|value| !value.is_empty())
}

/// What keeps a request from being served; `None` for one that can be, with all that a tolerant server overlooks: line
/// ends of LF, no Max-Forwards, a branch of RFC 2543, bytes after the body.
#[must_use]
pub fn of(request: &Message<'_>) -> Option<Fault> {
    let bad = |reason: String| Some(Fault { status: 400, reason: format!("Bad Request ({reason})") });
    let StartLine::Request { uri, version, .. } = request.outline.start else { return None };
    let version = request.text(version);
    // RFC 3261 §7.1: the version is case-insensitive.
    if !version.is_empty() && !version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Some(Fault { status: 505, reason: crate::sip::status::reason(505).to_owned() });
    }
    for defect in &request.outline.defects {
        match defect.kind {
            DefectKind::BareLineFeed | DefectKind::BranchWithoutCookie | DefectKind::VersionUnknown => {}
            DefectKind::HeaderMissing if defect.what.starts_with("Max-Forwards") => {}
            // RFC 3261 §18.3: what follows the body of a datagram is let fall.
            DefectKind::ContentLengthMismatch if defect.what.starts_with("bytes beyond") => {}
            _ => {
                let holds =
                    |f: &&crate::sip::Field| f.value.start <= defect.span.start && defect.span.end <= f.value.end;
                let name = request.outline.fields.iter().find(holds).map_or("", |f| f.name.canonical());
                let parting = if name.is_empty() { "" } else { ": " };
                return bad(format!("{name}{parting}{}", defect.what));
            }
        }
    }
    if request.outline.fields_lost > 0 {
        return bad("too many header fields".to_owned());
    }
    let text = request.text(uri);
    let parsed = Uri::parse(text);
    if parsed.scheme.is_empty() {
        return bad("the Request-URI has no scheme".to_owned());
    }
    // RFC 3261 §8.2.2.1; a tel URI names nobody here either.
    if !parsed.is_sip() && request.method() != Method::Ack {
        return Some(Fault { status: 416, reason: crate::sip::status::reason(416).to_owned() });
    }
    if parsed.is_sip() && parsed.host.is_empty() {
        return bad("the Request-URI has no host".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{is_answerable, of};
    use crate::sip::{Message, Outline};

    const GOOD: &str = "OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
        To: <sip:b@x>\r\nCall-ID: i\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

    fn told(text: &str) -> Option<(u16, String)> {
        let mut outline = Outline::new();
        assert!(outline.read(text.as_bytes()), "{text}");
        of(&Message::new(text.as_bytes(), &outline)).map(|f| (f.status, f.reason))
    }

    fn answerable(text: &str) -> bool {
        let mut outline = Outline::new();
        outline.read(text.as_bytes()) && is_answerable(&Message::new(text.as_bytes(), &outline))
    }

    #[test]
    fn what_is_wrong_is_said_in_the_reason_phrase() {
        for (from, to, status, reason) in [
            ("SIP/2.0\r\n", "SIP/7.0\r\n", 505, "Version Not Supported"),
            ("sip:bob@example.com", "nobodyKnowsThisScheme:x", 416, "Unsupported URI Scheme"),
            ("sip:bob@example.com", "tel:+12", 416, "Unsupported URI Scheme"),
            ("sip:bob@example.com", "<sip:bob@x>", 400, "Bad Request (the Request-URI has no scheme)"),
            ("sip:bob@example.com", "sip:bob@x; lr", 400, "Bad Request (white space in the Request-URI)"),
            ("1 OPTIONS", "1 INVITE", 400, "Bad Request (CSeq: not the method of the request)"),
            ("1 OPTIONS", "99999999999 OPTIONS", 400, "Bad Request (CSeq: no sequence number below 2^32)"),
            ("Length: 0", "Length: 9", 400, "Bad Request (Content-Length: more than there is in the message)"),
            ("Length: 0", "Length: -9", 400, "Bad Request (Content-Length: no number of bytes)"),
            ("Max-Forwards: 70", "Call-ID: j", 400, "Bad Request (Call-ID: there may be one only)"),
            ("Max-Forwards: 70", "no field", 400, "Bad Request (a line that is no header field)"),
            ("\r\n\r\n", "\r\n", 400, "Bad Request (no empty line ends the header)"),
        ] {
            assert_eq!(told(&GOOD.replacen(from, to, 1)), Some((status, reason.to_owned())), "{to}");
        }
    }

    #[test]
    fn what_hurts_nobody_is_overlooked() {
        for (from, to) in [
            ("\r\n", "\n"),
            ("Max-Forwards: 70\r\n", ""),
            ("z9hG4bK1", "1"),
            ("\r\n\r\n", "\r\n\r\nsurplus"),
            ("SIP/2.0\r\nVia", "sip/2.0\r\nVia"),
            ("To:", "X-Odd: \u{e9}\r\nTo:"),
        ] {
            assert_eq!(told(&GOOD.replace(from, to)), None, "{to}");
        }
    }

    #[test]
    fn without_what_a_response_copies_there_is_none() {
        assert!(answerable(GOOD));
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            assert!(!answerable(&GOOD.replace(&format!("{name}:"), "X:")), "{name}");
            let lines: String = GOOD
                .lines()
                .map(|l| match l.starts_with(&format!("{name}:")) {
                    true => format!("{name}:\r\n"),
                    false => format!("{l}\r\n"),
                })
                .collect();
            assert!(!answerable(&lines), "{name}");
        }
        assert!(!answerable(&GOOD.replace("SIP/2.0/UDP h", "SIP/2.0/UDP ")));
    }
}
