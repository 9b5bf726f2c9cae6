//! Where one message ends and the next begins on a stream. RFC 3261 §18.3

use super::lex;
use super::multipart::media_type;
use super::recognise;
use super::{HeaderName, Method, StartLine};
use memchr::memchr;

/// How much of a stream may be held back while a message is incomplete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Longest start line and header, in bytes.
    pub header: usize,
    /// Longest body, in bytes. A Content-Length beyond it is not believed.
    pub body: usize,
}

impl Default for Limits {
    /// 64 KiB of header, 16 MiB of body.
    fn default() -> Self {
        Limits { header: 64 << 10, body: 16 << 20 }
    }
}

/// What was cut from a stream. The sum of all lengths is what was pushed, less what is pending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    /// One message, start line to end of body; [`Outline::read`](super::Outline::read) says what is wrong with it.
    Message(&'a [u8]),
    /// So many bytes of CR and LF between messages. RFC 5626 §3.5.1
    KeepAlive(usize),
    /// So many bytes passed over, because no message starts there.
    Garbage(usize),
}

/// Cuts messages from the bytes of one direction of a stream.
///
/// A message that lies wholly in the pushed bytes is handed on without a copy; what is incomplete is kept, up to the limits.
/// A missing or lying Content-Length costs no more than the message it stands in: the next start line begins the next one.
#[derive(Clone, Debug)]
pub struct Framer {
    limits: Limits,
    partial: Vec<u8>,
    scan: Scan,
    /// Whether the bytes to come may start in the middle of anything.
    lost: bool,
    /// Whether the stream turned out to carry HTTP or RTSP.
    foreign: bool,
}

/// How far the incomplete message at the front was looked through, so that nothing is looked at twice.
#[derive(Clone, Copy, Default, Debug)]
struct Scan {
    /// No line that is known to be whole ends before this offset.
    at: usize,
    head: Option<Head>,
}

/// What the header of the incomplete message says.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Offset of the body.
    end: usize,
    /// Content-Length, where it is there, a number, and within the limit.
    length: Option<usize>,
    /// Whether the body may hold SIP itself (`message/sipfrag`, a multipart).
    holds_sip: bool,
    /// Whether there is a Content-Type: without one and without a length there is no body.
    typed: bool,
}

enum Step {
    /// The front is a message of so many bytes.
    Message(usize),
    KeepAlive(usize),
    Garbage(usize),
    /// More bytes are needed.
    Need,
}

/// What the first bytes are.
enum Front {
    Start,
    Maybe,
    Foreign,
    Nothing,
}

impl Framer {
    /// A framer for the first byte of a connection. One that was found in its middle starts with [`gap`](Framer::gap).
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Framer { limits, partial: Vec::new(), scan: Scan::default(), lost: false, foreign: false }
    }

    /// Takes the next bytes of the stream and gives `sink` what is complete, in order.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Frame<'_>)) {
        if self.partial.is_empty() {
            let used = self.cut(bytes, false, sink);
            self.partial.extend_from_slice(&bytes[used..]);
            return;
        }
        let mut held = std::mem::take(&mut self.partial);
        held.extend_from_slice(bytes);
        let used = self.cut(&held, false, sink);
        held.drain(..used);
        // One long body must not hold its memory for the rest of the connection.
        if held.is_empty() && held.capacity() > self.limits.header {
            held = Vec::new();
        }
        self.partial = held;
    }

    /// Bytes of the stream are missing here: the incomplete message is dropped, and the next start line looked for, be it
    /// in the middle of a segment. Gives how many bytes were dropped.
    pub fn gap(&mut self) -> usize {
        let dropped = self.partial.len();
        self.partial.clear();
        self.scan = Scan::default();
        self.lost = true;
        self.foreign = false;
        dropped
    }

    /// The stream has ended. What a wrong or missing Content-Length held back is given to `sink`; the number of bytes that
    /// remain (an incomplete message, or none) is returned.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Frame<'_>)) -> usize {
        let held = std::mem::take(&mut self.partial);
        let used = self.cut(&held, true, sink);
        self.scan = Scan::default();
        held.len() - used
    }

    /// How many bytes of an incomplete message are held.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.partial.len()
    }

    /// Hands on all that is complete at the front of `data`, and says how many bytes that was.
    fn cut(&mut self, data: &[u8], ended: bool, sink: &mut dyn FnMut(Frame<'_>)) -> usize {
        let mut at = 0;
        while at < data.len() {
            let rest = &data[at..];
            let length = match self.step(rest, ended) {
                Step::Message(length) => {
                    sink(Frame::Message(&rest[..length]));
                    self.lost = false;
                    length
                }
                Step::KeepAlive(length) => {
                    sink(Frame::KeepAlive(length));
                    length
                }
                Step::Garbage(length) => {
                    sink(Frame::Garbage(length));
                    length
                }
                Step::Need => break,
            };
            self.scan = Scan::default();
            at += length;
        }
        at
    }

    fn step(&mut self, data: &[u8], ended: bool) -> Step {
        if self.foreign {
            return Step::Garbage(data.len());
        }
        if let Some(head) = self.scan.head {
            return self.body(data, head, ended);
        }
        let line_ends = data.iter().take_while(|&&b| b == b'\r' || b == b'\n').count();
        if line_ends > 0 {
            return Step::KeepAlive(line_ends);
        }
        if self.scan.at == 0 {
            match front(data, self.lost) {
                Front::Start => {}
                Front::Maybe if data.len() <= MAX_LINE.min(self.limits.header) => return Step::Need,
                Front::Foreign => {
                    self.foreign = true;
                    return Step::Garbage(data.len());
                }
                Front::Maybe | Front::Nothing => return self.resynchronise(data),
            }
        }
        self.header(data, ended)
    }

    /// The front is a start line: looks for the end of the header.
    fn header(&mut self, data: &[u8], ended: bool) -> Step {
        while let Some(found) = memchr(b'\n', &data[self.scan.at.min(data.len())..]) {
            let next = self.scan.at + found + 1;
            let (first, second) = (data.get(next), data.get(next + 1));
            let end = match (first, second) {
                (Some(b'\n'), _) => next + 1,
                (Some(b'\r'), Some(b'\n')) => next + 2,
                // Whether the empty line follows, the next bytes will say.
                (None, _) | (Some(b'\r'), None) => break,
                _ => {
                    self.scan.at = next;
                    continue;
                }
            };
            let head = read_head(&data[..end], self.limits.body);
            self.scan = Scan { at: end, head: Some(head) };
            return self.body(data, head, ended);
        }
        if data.len() > self.limits.header {
            return self.resynchronise(data);
        }
        Step::Need
    }

    fn body(&mut self, data: &[u8], head: Head, ended: bool) -> Step {
        match head.length {
            Some(length) if data.len() - head.end >= length => self.whole(data, head, head.end + length),
            None if !head.typed => Step::Message(self.with_surplus(data, head.end)),
            _ => {
                // A start line in a session description is no part of it: the length lied. In a body that may hold SIP
                // it says nothing until the stream ends.
                if (!head.holds_sip || ended)
                    && let Some(start) = self.start_in_body(data, head)
                {
                    return Step::Message(start);
                }
                if head.length.is_none() && (ended || (data.len() > head.end && data.ends_with(b"\n"))) {
                    return Step::Message(data.len());
                }
                if data.len() > self.limits.header.saturating_add(self.limits.body) {
                    return Step::Garbage(data.len());
                }
                Step::Need
            }
        }
    }

    /// Offset of the first start line at or after the body's start; what was looked through is not looked through again.
    fn start_in_body(&mut self, data: &[u8], head: Head) -> Option<usize> {
        let from = self.scan.at.max(head.end);
        match find_start(data, from) {
            Found::At(at) => Some(at),
            Found::Perhaps(at) | Found::No(at) => {
                self.scan.at = at;
                None
            }
        }
    }

    /// All the bytes that Content-Length names are there. They are believed if a message may start after them.
    fn whole(&mut self, data: &[u8], head: Head, end: usize) -> Step {
        if matches!(front(&data[end..], true), Front::Start | Front::Maybe) {
            return Step::Message(end);
        }
        // `ITE sip:…` may be a method nobody knows, or what a length that is too great left of an INVITE.
        let unknown = matches!(front(&data[end..], false), Front::Start);
        match find_start(data, head.end) {
            Found::At(start) if start < end && !(unknown && head.holds_sip) => Step::Message(start),
            _ => Step::Message(self.with_surplus(data, end)),
        }
    }

    /// The end of a message together with the bytes after `end` that belong to no other: up to the next start line.
    fn with_surplus(&mut self, data: &[u8], end: usize) -> usize {
        if matches!(front(&data[end..], false), Front::Start | Front::Maybe) {
            return end;
        }
        match find_start(data, end) {
            Found::At(start) | Found::Perhaps(start) => start.max(end),
            Found::No(_) => data.len(),
        }
    }

    /// Passes over what is no message.
    fn resynchronise(&mut self, data: &[u8]) -> Step {
        self.lost = true;
        // The front itself was refused, or is a header without end: the search starts behind its first line.
        let from = memchr(b'\n', data).map_or(data.len(), |at| at + 1);
        let first = glued_start(&data[..from]).filter(|&at| at > 0);
        let length = match first.map_or_else(|| find_start(data, from), Found::At) {
            Found::At(start) | Found::Perhaps(start) => start,
            Found::No(_) => data.len(),
        };
        Step::Garbage(length.max(1))
    }
}

/// What `data` starts with. After a gap only a method that is known is believed: `E sip:x SIP/2.0` may be the end of a line.
fn front(data: &[u8], lost: bool) -> Front {
    match data.first() {
        None => return Front::Maybe,
        Some(b'\r' | b'\n') => return Front::Maybe,
        Some(&b) if !lex::is(b, lex::TOKEN) => return Front::Nothing,
        Some(_) => {}
    }
    let Some(end) = memchr(b'\n', data) else {
        return if may_become_start(data) { Front::Maybe } else { Front::Nothing };
    };
    let line = data[..end].strip_suffix(b"\r").unwrap_or(&data[..end]);
    match recognise::read_line(line) {
        Some((StartLine::Request { method, version, .. }, _)) if version.is_empty() || lost => {
            if method != Method::Other && !version.is_empty() && header_follows(&data[end + 1..]) {
                Front::Start
            } else {
                Front::Nothing
            }
        }
        Some(_) => Front::Start,
        None if recognise::is_http_or_rtsp(line) => Front::Foreign,
        None => Front::Nothing,
    }
}

/// Whether an unfinished line may still become a start line: no control characters, and a token first.
fn may_become_start(line: &[u8]) -> bool {
    let (token, rest) = lex::take(line, lex::TOKEN);
    let status = token.len() >= 3 && token[..3].eq_ignore_ascii_case(b"SIP") && rest.starts_with(b"/");
    !token.is_empty() && (rest.is_empty() || rest[0] == b' ' || status) && rest.iter().all(|&b| b >= b' ' || b == b'\r')
}

/// Whether the bytes after a start line are a header field, as far as they go.
fn header_follows(rest: &[u8]) -> bool {
    let (name, after) = lex::take(rest, lex::TOKEN);
    let after = lex::trim_start(after);
    rest.is_empty()
        || rest[0] == b'\r'
        || rest[0] == b'\n'
        || (!name.is_empty() && (after.is_empty() || after[0] == b':'))
}

enum Found {
    /// A message starts here.
    At(usize),
    /// The last line starts here, and may become a start line when the rest of it comes.
    Perhaps(usize),
    /// Nothing before this offset.
    No(usize),
}

/// The first start line whose line begins at or after `from`, or that stands at the end of such a line (a body need not
/// end with a line end).
fn find_start(data: &[u8], from: usize) -> Found {
    let mut at = from;
    while let Some(end) = data.get(at..).and_then(|rest| memchr(b'\n', rest)) {
        let next = at + end + 1;
        if let Some(start) = glued_start(&data[at..next])
            && header_follows(&data[next..])
        {
            return Found::At(at + start);
        }
        at = next;
    }
    let rest = data.get(at..).unwrap_or_default();
    if !rest.is_empty() && rest.len() <= MAX_LINE && may_become_start(rest) {
        Found::Perhaps(at)
    } else {
        Found::No(at)
    }
}

/// Longest unfinished line that is waited for because it may become a start line.
const MAX_LINE: usize = 8192;

/// Where in a line, LF included, a start line begins: at its front, or behind the end of a body that no line end closes.
fn glued_start(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if let Some(before) = strip_version(line) {
        let uri = memchr::memrchr(b' ', before)?;
        let end = &before[..uri];
        // The longest token, where that is a method; else a known method that the body's last word runs into.
        let token = end.iter().rposition(|&b| !lex::is(b, lex::TOKEN)).map_or(0, |at| at + 1);
        if token == 0 && !end.is_empty() && end.iter().all(|b| b.is_ascii_uppercase()) {
            return Some(0);
        }
        let known = Method::ALL.iter().filter(|m| end[token..].ends_with(m.text().as_bytes()));
        return known.map(|m| end.len() - m.text().len()).min();
    }
    let at = memchr::memmem::find(line, b"SIP/2.0 ")?;
    let status = line.get(at + 8..at + 12)?;
    (status[..3].iter().all(u8::is_ascii_digit) && status[3] == b' ').then_some(at)
}

/// The line without the space and version at its end.
fn strip_version(line: &[u8]) -> Option<&[u8]> {
    let at = line.len().checked_sub(8)?;
    line[at..].eq_ignore_ascii_case(b" SIP/2.0").then(|| &line[..at])
}

/// Content-Length and Content-Type of a header that is all there.
fn read_head(head: &[u8], longest: usize) -> Head {
    let mut found = Head { end: head.len(), length: None, holds_sip: false, typed: false };
    let mut at = memchr(b'\n', head).map_or(head.len(), |at| at + 1);
    let mut seen = false;
    while at < head.len() {
        let end = memchr(b'\n', &head[at..]).map_or(head.len(), |end| at + end + 1);
        let (name, rest) = lex::take(&head[at..end], lex::TOKEN);
        at = end;
        let Some(value) = lex::trim_start(rest).strip_prefix(b":") else { continue };
        let name = HeaderName::of(name);
        if name != HeaderName::ContentLength && name != HeaderName::ContentType {
            continue;
        }
        let mut value_end = end;
        while matches!(head.get(value_end), Some(b' ' | b'\t')) {
            value_end = memchr(b'\n', &head[value_end..]).map_or(head.len(), |fold| value_end + fold + 1);
        }
        let value = lex::trim(&head[end - value.len()..value_end]);
        match name {
            HeaderName::ContentLength if !seen => {
                seen = true;
                found.length = lex::number(value).and_then(|n| usize::try_from(n).ok()).filter(|&n| n <= longest);
            }
            HeaderName::ContentType => {
                found.typed = !value.is_empty();
                let kind = media_type(value);
                let is = |prefix: &[u8]| kind.get(..prefix.len()).is_some_and(|k| k.eq_ignore_ascii_case(prefix));
                found.holds_sip = is(b"message/") || is(b"multipart/");
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests;
