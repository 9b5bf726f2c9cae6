//! The one pass over a message that fills its [`Outline`].

use super::address::Address;
use super::header::{COUNT, Occurrence};
use super::lex;
use super::recognise::{self, Start};
use super::usual;
use super::via::{MAGIC_COOKIE, Via};
use super::{CSeq, Defect, DefectKind, Field, HeaderName, Method, Outline, StartLine};
use crate::base::{Span, scan};

/// Most header fields that are kept of one message; [`Outline::fields_lost`] counts the others.
pub const MAX_FIELDS: usize = 2048;
/// Most defects that are kept of one message.
pub const MAX_DEFECTS: usize = 64;

impl Default for Outline {
    fn default() -> Self {
        let span = Span::NONE;
        Outline {
            start: StartLine::Response { status: 0, status_span: span, reason: span, version: span },
            head: span,
            body: span,
            fields: Vec::new(),
            fields_lost: 0,
            via: span,
            sent_by: span,
            branch: span,
            vias: 0,
            from: span,
            from_uri: span,
            from_tag: span,
            to: span,
            to_uri: span,
            to_tag: span,
            call_id: span,
            cseq: None,
            contact: span,
            content_type: span,
            content_length: None,
            max_forwards: None,
            defects: Vec::new(),
        }
    }
}

impl Outline {
    /// An outline of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a message that is all there: a datagram, or what the [`Framer`](super::Framer) cut from a stream.
    /// `false` only where it is no SIP at all; the outline then says nothing.
    pub fn read(&mut self, bytes: &[u8]) -> bool {
        self.read_message(bytes, false)
    }

    /// Reads a message whose end the snap length of the capture cut off: what is missing is [`DefectKind::MessageTruncated`]
    /// and no fault of the sender.
    pub fn read_cut(&mut self, bytes: &[u8]) -> bool {
        self.read_message(bytes, true)
    }

    fn read_message(&mut self, bytes: &[u8], cut: bool) -> bool {
        let Some(start) = recognise::start(bytes) else { return false };
        let (fields, defects) = (std::mem::take(&mut self.fields), std::mem::take(&mut self.defects));
        *self = Outline { start: start.line, fields, defects, ..Outline::default() };
        self.fields.clear();
        self.defects.clear();
        let mut reader = Reader { bytes, outline: self, seen: [0; COUNT.div_ceil(64)], bare_seen: false, cut };
        reader.start_line(&start);
        let body_start = reader.head(start.next);
        reader.mandatory(body_start.is_some());
        reader.body(body_start);
        self.defects.sort_by_key(|d| d.span.start);
        true
    }
}

/// One bit a header field.
type Names = [u64; COUNT.div_ceil(64)];

/// Word and bit of a header field.
#[inline]
const fn place(name: HeaderName) -> (usize, u64) {
    (name as usize / 64, 1 << (name as usize % 64))
}

/// What is in every message: where all of it was there, nothing needs to be looked for.
const MANDATORY: Names = {
    use HeaderName::{CSeq, CallId, From, To, Via};
    let mut words = [0; COUNT.div_ceil(64)];
    let names = [Via, From, To, CallId, CSeq];
    let mut at = 0;
    while at < names.len() {
        let (word, bit) = place(names[at]);
        words[word] |= bit;
        at += 1;
    }
    words
};

struct Reader<'a, 'o> {
    bytes: &'a [u8],
    outline: &'o mut Outline,
    /// The header fields that were there.
    seen: Names,
    bare_seen: bool,
    cut: bool,
}

impl<'a> Reader<'a, '_> {
    #[cold]
    fn defect(&mut self, kind: DefectKind, span: Span, what: &'static str, rule: &'static str) {
        if self.outline.defects.len() < MAX_DEFECTS {
            self.outline.defects.push(Defect { kind, span, what, rule });
        }
    }

    #[inline]
    fn span(&self, part: &[u8]) -> Span {
        if part.is_empty() { Span::NONE } else { lex::span_of(part, self.bytes) }
    }

    fn start_line(&mut self, start: &Start) {
        for fault in start.faults.into_iter().flatten() {
            let kind = if fault.is_version { DefectKind::VersionUnknown } else { DefectKind::StartLineMalformed };
            let rule = match start.line {
                StartLine::Request { .. } => "RFC 3261 §7.1",
                StartLine::Response { .. } => "RFC 3261 §7.2",
            };
            self.defect(kind, fault.at, fault.what, rule);
        }
        if start.bare {
            self.bare_line_feed(start.next);
        }
    }

    /// `next` is the offset after the LF.
    #[cold]
    fn bare_line_feed(&mut self, next: usize) {
        if !self.bare_seen {
            self.bare_seen = true;
            self.defect(DefectKind::BareLineFeed, Span::new(next - 1, next), "lines end with LF alone", "RFC 3261 §7");
        }
    }

    /// The header fields from offset `from`; gives where the body starts, `None` where no empty line ends the header.
    fn head(&mut self, from: usize) -> Option<usize> {
        let bytes = self.bytes;
        let mut at = from;
        let body = loop {
            match bytes.get(at) {
                None => break None,
                Some(b'\n') => {
                    self.bare_line_feed(at + 1);
                    break Some(at + 1);
                }
                Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => break Some(at + 2),
                Some(_) => {}
            }
            let Some(end) = self.line_end(at) else {
                // A value that the snap length cut is no value.
                if !self.cut {
                    self.field(at, bytes.len());
                }
                break None;
            };
            self.field(at, end);
            at = end + 1;
        };
        self.outline.head = Span::new(from, at);
        body
    }

    /// Offset of the LF that ends the header field, folds passed over. RFC 3261 §7.3.1
    #[inline]
    fn line_end(&mut self, mut at: usize) -> Option<usize> {
        loop {
            at += scan::find([b'\n'], self.bytes.get(at..)?)?;
            if at == 0 || self.bytes[at - 1] != b'\r' {
                self.bare_line_feed(at + 1);
            }
            match self.bytes.get(at + 1) {
                Some(b' ' | b'\t') => at += 1,
                _ => return Some(at),
            }
        }
    }

    /// The header field in `start..end`.
    #[inline]
    fn field(&mut self, start: usize, end: usize) {
        let bytes = self.bytes;
        let Some(colon) = scan::find([b':'], &bytes[start..end]) else { return self.no_field(start, end) };
        let colon = start + colon;
        // RFC 3261 §25.1, HCOLON: white space may stand before the colon.
        let name_end = start + lex::trim_end(&bytes[start..colon]).len();
        // Nearly always one space stands before the value, and CR after it.
        let value = match &bytes[colon + 1..end] {
            [b' ', value @ .., b'\r'] if usual::is_tight(value) => value,
            other => lex::trim(other),
        };
        let name = HeaderName::of(&bytes[start..name_end]);
        if name == HeaderName::Other && !lex::all(&bytes[start..name_end], lex::TOKEN) {
            return self.no_field(start, end);
        }
        let value_span = match value.is_empty() {
            true => Span::new(end.min(colon + 1), end.min(colon + 1)),
            false => lex::span_of(value, bytes),
        };
        let field = Field { name, name_span: Span::new(start, name_end), value: value_span };
        if self.outline.fields.len() >= MAX_FIELDS {
            self.outline.fields_lost = self.outline.fields_lost.saturating_add(1);
            return;
        }
        self.outline.fields.push(field);
        if name != HeaderName::Other {
            self.registered(name, value, value_span);
        }
    }

    #[cold]
    fn no_field(&mut self, start: usize, end: usize) {
        let line = lex::trim_end(&self.bytes[start..end]);
        let span = Span::new(start, start + line.len());
        self.defect(DefectKind::HeaderMalformed, span, "a line that is no header field", "RFC 3261 §7.3");
    }

    #[inline]
    fn registered(&mut self, name: HeaderName, value: &'a [u8], at: Span) {
        let (word, bit) = place(name);
        let again = self.seen[word] & bit != 0;
        self.seen[word] |= bit;
        if again && name.occurrence() == Occurrence::Once {
            self.defect(DefectKind::HeaderDuplicate, at, "there may be one only", "RFC 3261 §7.3.1");
            return;
        }
        match name {
            HeaderName::Via => self.via(value, at),
            _ if again => {}
            HeaderName::From => self.from(value, at),
            HeaderName::To => self.to(value, at),
            HeaderName::CallId if value.is_empty() => self.malformed(at, "no Call-ID", "RFC 3261 §20.8"),
            HeaderName::CallId => self.outline.call_id = at,
            HeaderName::CSeq => self.cseq(value, at),
            HeaderName::Contact => self.outline.contact = at,
            HeaderName::ContentType => self.outline.content_type = at,
            HeaderName::ContentLength => {
                self.outline.content_length = self.small_number(value, at, "no number of bytes", "RFC 3261 §20.14");
            }
            HeaderName::MaxForwards => {
                self.outline.max_forwards = self.small_number(value, at, "no number of hops", "RFC 3261 §20.22");
            }
            _ => {}
        }
    }

    #[cold]
    fn malformed(&mut self, span: Span, what: &'static str, rule: &'static str) {
        self.defect(DefectKind::HeaderMalformed, span, what, rule);
    }

    fn small_number(&mut self, value: &[u8], at: Span, what: &'static str, rule: &'static str) -> Option<u32> {
        let number = lex::number(value).and_then(|n| u32::try_from(n).ok());
        if number.is_none() {
            self.malformed(at, what, rule);
        }
        number
    }

    fn via(&mut self, value: &'a [u8], at: Span) {
        if self.outline.vias == 0
            && let Some((sent_by, branch)) = usual::via(value)
            && value[branch.start as usize..].starts_with(MAGIC_COOKIE)
        {
            self.outline.via = at;
            self.outline.sent_by = sent_by.shifted(at.start);
            self.outline.branch = branch.shifted(at.start);
            self.outline.vias = 1;
            return;
        }
        if self.outline.vias > 0 && scan::find([b','], value).is_none() {
            self.outline.vias = self.outline.vias.saturating_add(1);
            return;
        }
        self.any_via(value, at);
    }

    fn any_via(&mut self, value: &'a [u8], at: Span) {
        let mut parts = lex::Parts::new(value, b',');
        let Some(first) = parts.next() else { return };
        if self.outline.vias == 0 {
            let via = Via::parse(first);
            let branch = via.branch();
            self.outline.via = self.span(first);
            self.outline.sent_by = self.span(via.sent_by);
            self.outline.branch = self.span(branch);
            if let Some(fault) = via.fault {
                self.malformed(at, fault.what, "RFC 3261 §20.42");
            } else if !branch.starts_with(MAGIC_COOKIE) && matches!(self.outline.start, StartLine::Request { .. }) {
                let (part, what) = match branch.is_empty() {
                    true => (first, "no branch"),
                    false => (branch, "the branch does not start with z9hG4bK"),
                };
                let span = self.span(part);
                self.defect(DefectKind::BranchWithoutCookie, span, what, "RFC 3261 §8.1.1.7");
            }
        }
        let more = 1 + parts.filter(|p| !p.is_empty()).count();
        self.outline.vias = self.outline.vias.saturating_add(u16::try_from(more).unwrap_or(u16::MAX));
    }

    fn from(&mut self, value: &'a [u8], at: Span) {
        self.outline.from = at;
        (self.outline.from_uri, self.outline.from_tag) = self.address(value, at, "RFC 3261 §20.20");
    }

    fn to(&mut self, value: &'a [u8], at: Span) {
        self.outline.to = at;
        (self.outline.to_uri, self.outline.to_tag) = self.address(value, at, "RFC 3261 §20.39");
    }

    /// URI and tag.
    #[inline]
    fn address(&mut self, value: &'a [u8], at: Span, rule: &'static str) -> (Span, Span) {
        if let Some((uri, tag)) = usual::address(value) {
            return (uri.shifted(at.start), tag.map_or(Span::NONE, |tag| tag.shifted(at.start)));
        }
        let address = Address::parse(value);
        if let Some(fault) = address.fault {
            self.malformed(at, fault.what, rule);
        }
        (self.span(address.uri), self.span(address.tag()))
    }

    fn cseq(&mut self, value: &'a [u8], at: Span) {
        let digits = value.iter().position(|b| !b.is_ascii_digit()).unwrap_or(value.len());
        let (number, rest) = value.split_at(digits);
        let text = lex::trim_start(rest);
        let Some(number) = lex::number(number).and_then(|n| u32::try_from(n).ok()) else {
            return self.malformed(at, "no sequence number below 2^32", "RFC 3261 §20.16");
        };
        if text.len() == rest.len() || !lex::all(text, lex::TOKEN) {
            return self.malformed(at, "no method after the sequence number", "RFC 3261 §20.16");
        }
        let method_span = self.span(text);
        self.outline.cseq = Some(CSeq { number, method: Method::of(text), method_span });
        if let StartLine::Request { method_span: requested, .. } = self.outline.start
            && requested.of(self.bytes) != text
        {
            let what = "not the method of the request";
            self.defect(DefectKind::CseqMethodMismatch, method_span, what, "RFC 3261 §8.1.1.5");
        }
    }

    fn has(&self, name: HeaderName) -> bool {
        let (word, bit) = place(name);
        self.seen[word] & bit != 0
    }

    /// RFC 3261 §8.1.1. What a cut message lacks, nobody knows.
    fn mandatory(&mut self, whole: bool) {
        if self.cut && !whole {
            return;
        }
        // Max-Forwards came with RFC 3261, as the cookie did: an RFC 2543 request need not have it.
        let request = matches!(self.outline.start, StartLine::Request { .. });
        let hops = request && self.outline.branch.of(self.bytes).starts_with(MAGIC_COOKIE);
        let is_there = (0..MANDATORY.len()).all(|word| self.seen[word] & MANDATORY[word] == MANDATORY[word]);
        if is_there && (!hops || self.has(HeaderName::MaxForwards)) {
            return;
        }
        for (name, what) in [
            (HeaderName::Via, "Via is missing"),
            (HeaderName::From, "From is missing"),
            (HeaderName::To, "To is missing"),
            (HeaderName::CallId, "Call-ID is missing"),
            (HeaderName::CSeq, "CSeq is missing"),
            (HeaderName::MaxForwards, "Max-Forwards is missing"),
        ] {
            if !self.has(name) && (name != HeaderName::MaxForwards || hops) {
                let end = self.outline.head.end;
                let place = Span { start: end, end };
                self.defect(DefectKind::HeaderMissing, place, what, "RFC 3261 §8.1.1");
            }
        }
    }

    fn body(&mut self, start: Option<usize>) {
        let len = self.bytes.len();
        let end = Span::new(len, len);
        let Some(start) = start else {
            self.outline.body = end;
            let what = if self.cut { "cut by the snap length" } else { "no empty line ends the header" };
            self.defect(DefectKind::MessageTruncated, end, what, "RFC 3261 §7");
            return;
        };
        let there = len - start;
        let said = self.outline.content_length.map_or(there, |n| n as usize);
        self.outline.body = Span::new(start, start + said.min(there));
        if said > there && !self.cut {
            let at = self.value_of(HeaderName::ContentLength);
            self.defect(DefectKind::ContentLengthMismatch, at, "more than there is in the message", "RFC 3261 §20.14");
        } else if self.cut && (said > there || self.outline.content_length.is_none()) {
            self.defect(DefectKind::MessageTruncated, end, "cut by the snap length", "RFC 3261 §7");
        } else if self.bytes[start + said..].iter().any(|&b| b != b'\r' && b != b'\n') {
            // Line ends after the body are a keep-alive or a habit, and hide nothing. RFC 3261 §18.3
            let surplus = Span::new(start + said, len);
            self.defect(DefectKind::ContentLengthMismatch, surplus, "bytes beyond Content-Length", "RFC 3261 §18.3");
        }
    }

    fn value_of(&self, name: HeaderName) -> Span {
        self.outline.fields.iter().find(|f| f.name == name).map_or(Span::NONE, |f| f.value)
    }
}

#[cfg(test)]
mod tests;
