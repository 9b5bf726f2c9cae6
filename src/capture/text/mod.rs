//! Messages in text: the logs of Asterisk, FreeSWITCH, Kamailio, OpenSIPS and SIPp, what sngrep saves as text, and pasted messages.
//!
//! A message begins with a start line that a header field follows, and ends with its body, with the line that its log puts behind it,
//! or before the next message. What logs put before it tells time, addresses and transport; what they leave out is filled in by
//! placeholders, and a note says so.

mod heading;
mod line;
mod open;
mod place;
mod stamp;

use super::event::Over;
use super::info::SourceInfo;
use super::input::Input;
use crate::base::{Flow, Timestamp};
use crate::net::LinkType;
use crate::sip::Outline;
use heading::{Heading, Line};
use line::{expand, is_blank, is_header, is_start, start_of, unindented};
use open::Open;
use place::Places;
use stamp::Clock;
use std::io;

/// The longest line that is held together.
const MAX_LINE: usize = 64 << 10;
/// The longest message: it has to fit a packet.
const MAX_MESSAGE: usize = 65_000;
/// How far into an input its first message is looked for.
const LOOK: usize = 1 << 20;
/// Lines after which a heading without a message is forgotten.
const HEADING_LIVES: u32 = 6;

/// Whether the input holds a message in text somewhere at its start.
pub(super) fn is_text(input: &mut Input) -> io::Result<bool> {
    input.need(LOOK)?;
    let window = input.window();
    let window = window.get(..LOOK).unwrap_or(window);
    let mut lines = window.split_inclusive(|&b| b == b'\n');
    let mut before: Option<usize> = None;
    for line in lines.by_ref() {
        if line.contains(&0) && before.is_none() {
            return Ok(false);
        }
        let expanded = expand(line);
        for line in expanded.as_deref().unwrap_or(line).split_inclusive(|&b| b == b'\n') {
            if before.is_some() && (is_header(unindented(line, true)) || is_blank(line)) {
                return Ok(true);
            }
            before = start_of(unindented(line, true));
        }
    }
    // A start line alone, without anything behind it.
    Ok(before.is_some())
}

/// Whether the start of a text, as [`is_text`] has read it, has times finer than a second.
pub(super) fn has_fine_times(input: &Input) -> bool {
    let window = input.window();
    let lines = window.get(..LOOK).unwrap_or(window).split(|&b| b == b'\n');
    lines.filter_map(|line| heading::read(unindented(line, true), true)).any(|line| match line {
        Line::Heading(Heading { time: Some(stamp), .. }) => stamp.is_fine(),
        _ => false,
    })
}

/// A message that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logged {
    pub time: Timestamp,
    pub flow: Flow,
    pub over: Over,
    /// 1-based number of the line that the message starts in.
    pub line: u64,
    /// Whether its lines ended with LF alone outside of a log, and CRLF was put back.
    pub restored: bool,
    /// Whether the addresses, or one of them, are placeholders.
    pub placeholder: bool,
}

/// A text that is read as a stream.
#[derive(Default)]
pub(super) struct TextFile {
    /// The line at hand, and its number.
    line: Vec<u8>,
    number: u64,
    /// Whether the line at hand has not been looked at.
    held: bool,
    /// Lines that stood escaped in one.
    spilt: Vec<u8>,
    heading: Heading,
    /// Lines that the heading still lives.
    lives: u32,
    in_block: bool,
    /// Whether any heading was seen: then what follows a message is the log's.
    is_log: bool,
    indented: bool,
    open: Option<Open>,
    clock: Clock,
    places: Places,
    outline: Outline,
    message: Vec<u8>,
    packet: Vec<u8>,
    cut: u64,
}

/// What a line did.
enum Step {
    /// It was taken, or passed over.
    Next,
    /// A message is complete; the line is still to be looked at.
    Message,
    /// A message is complete with this line.
    MessageWith,
}

impl TextFile {
    /// Finds the next message; [`TextFile::message`] and [`TextFile::packet`] hold it.
    pub fn advance(&mut self, input: &mut Input, info: &mut SourceInfo) -> io::Result<Option<Logged>> {
        loop {
            if !self.held && !self.next_line(input)? {
                let Some(open) = self.open.take() else { break };
                if let Some(logged) = self.finish(open, info) {
                    return Ok(Some(logged));
                }
                break;
            }
            self.held = false;
            let step = self.take_line();
            if matches!(step, Step::Message) {
                self.held = true;
            }
            if matches!(step, Step::Message | Step::MessageWith)
                && let Some(open) = self.open.take()
                && let Some(logged) = self.finish(open, info)
            {
                return Ok(Some(logged));
            }
        }
        self.notes(info);
        Ok(None)
    }

    /// The bytes of the message that was found last.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The packet that it would have been.
    pub fn packet(&self) -> &[u8] {
        &self.packet
    }

    /// Takes the next line into `line`, with its line end; `false` at the end.
    fn next_line(&mut self, input: &mut Input) -> io::Result<bool> {
        self.line.clear();
        if !self.spilt.is_empty() {
            let end = memchr::memchr(b'\n', &self.spilt).map_or(self.spilt.len(), |at| at + 1);
            self.line.extend(self.spilt.drain(..end));
            return Ok(true);
        }
        let mut looked = 0;
        let length = loop {
            let window = input.window();
            if let Some(at) = memchr::memchr(b'\n', window.get(looked..).unwrap_or_default()) {
                break looked + at + 1;
            }
            looked = window.len();
            if looked >= MAX_LINE || !input.need(looked + 1)? {
                break looked;
            }
        };
        let length = length.min(MAX_LINE);
        self.line.extend_from_slice(input.window().get(..length).unwrap_or_default());
        input.consume(length);
        self.number += 1;
        if let Some(lines) = expand(&self.line) {
            let end = memchr::memchr(b'\n', &lines).map_or(lines.len(), |at| at + 1);
            self.line.clear();
            self.line.extend_from_slice(&lines[..end]);
            self.spilt.extend_from_slice(&lines[end..]);
        }
        Ok(length > 0)
    }

    fn take_line(&mut self) -> Step {
        let line = std::mem::take(&mut self.line);
        let step = match self.open.take() {
            Some(open) => self.in_message(open, &line),
            None => self.outside(&line),
        };
        self.line = line;
        step
    }

    /// A line between messages.
    fn outside(&mut self, line: &[u8]) -> Step {
        if is_blank(line) {
            return Step::Next;
        }
        let text = unindented(line, self.is_log);
        if let Some(start) = start_of(text) {
            // What stands before a start line in the same line is the log's.
            if let Some(Line::Heading(heading)) = heading::read(&text[..start], false) {
                self.add(heading);
            }
            let in_log = self.is_log || start > 0;
            self.is_log |= start > 0;
            self.indented = text.len() < line.len();
            let bytes = text[start..].to_vec();
            let has_cr = bytes.ends_with(b"\r\n");
            let heading = std::mem::take(&mut self.heading);
            self.open = Some(Open { bytes, heading, line: self.number, in_log, has_cr, ..Open::default() });
            return Step::Next;
        }
        if heading::opens_block(text) {
            self.heading = Heading::default();
            self.in_block = true;
        }
        match heading::read(text, self.in_block) {
            Some(Line::Heading(heading)) => {
                // A rule of `~` closes the block before its message.
                self.in_block &= !text.starts_with(b"~");
                let tells = heading != Heading { time: heading.time, ..Heading::default() };
                self.is_log |= tells || self.in_block;
                self.add(heading);
            }
            Some(Line::End) => self.heading = Heading::default(),
            None => {
                self.lives = self.lives.saturating_sub(1);
                if self.lives == 0 {
                    self.heading = Heading::default();
                }
            }
        }
        Step::Next
    }

    fn add(&mut self, heading: Heading) {
        self.heading.add(heading);
        self.lives = HEADING_LIVES;
    }

    /// A line while a message is open.
    fn in_message(&mut self, mut open: Open, line: &[u8]) -> Step {
        let text = unindented(line, self.indented);
        let is_first = open.bytes.iter().filter(|&&b| b == b'\n').count() <= 1 && !open.in_body;
        if is_first && open.in_log && !is_header(text) && !is_blank(text) {
            // What looked like a start line was prose.
            self.held = true;
            return Step::Next;
        }
        // What a header field says, be it `a -> b`, is no line of the log.
        let is_field = !open.in_body && is_header(text) && !text.first().is_some_and(u8::is_ascii_digit);
        let told = heading::read(text, false);
        let ends = !is_field
            && (told.is_some_and(|told| is_end(told, self.is_log && open.left() == 0))
                || heading::opens_block(text)
                || (!(open.in_body && open.holds_sip && open.left() > 0) && is_start(text)));
        if ends {
            self.open = Some(open);
            return Step::Message;
        }
        open.has_cr |= line.ends_with(b"\r\n");
        let over = open.bytes.len() + text.len() > MAX_MESSAGE;
        if over {
            self.cut += u64::from(open.bytes.len() <= MAX_MESSAGE);
        } else {
            open.take(text);
        }
        let complete = open.in_log && open.is_complete();
        self.open = Some(open);
        if complete { Step::MessageWith } else { Step::Next }
    }

    fn finish(&mut self, mut open: Open, info: &mut SourceInfo) -> Option<Logged> {
        if open.heading.repeats {
            return None;
        }
        open.trim();
        let restored = !open.has_cr && memchr::memchr(b'\n', &open.bytes).is_some();
        self.message.clear();
        if restored {
            for line in open.bytes.split_inclusive(|&b| b == b'\n') {
                self.message.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
                if line.ends_with(b"\n") {
                    self.message.extend_from_slice(b"\r\n");
                }
            }
            // An empty line at the end of a header is the first that is lost.
            if !open.in_body && open.bytes.ends_with(b"\n") {
                self.message.extend_from_slice(b"\r\n");
            }
        } else {
            self.message.extend_from_slice(&open.bytes);
        }
        let flow = self.places.flow(&open.heading, &self.message, &mut self.outline);
        let over = open.heading.over.unwrap_or_else(|| self.over_of_via());
        if !self.places.packet(flow, over, &self.message, &mut self.packet) {
            self.cut += 1;
            return None;
        }
        let time = self.clock.instant(open.heading.time);
        info.count(LinkType::RAW_IP, self.packet.len(), Some(time));
        let placeholder = open.heading.src.is_none() || open.heading.dst.is_none();
        Some(Logged { time, flow, over, line: open.line, restored: restored && !open.in_log, placeholder })
    }

    /// The transport that the top Via names, where the log does not.
    fn over_of_via(&mut self) -> Over {
        if !self.outline.read(&self.message) {
            return Over::Udp;
        }
        let via = crate::sip::Message::new(&self.message, &self.outline).top_via();
        let named = |name: &str| via.as_ref().is_some_and(|v| v.transport.eq_ignore_ascii_case(name.as_bytes()));
        let known =
            [("TCP", Over::Tcp), ("TLS", Over::Tls), ("WS", Over::Ws), ("WSS", Over::Wss), ("SCTP", Over::Sctp)];
        known.iter().find(|(name, _)| named(name)).map_or(Over::Udp, |&(_, over)| over)
    }

    /// What a person should know of a text that left something out.
    fn notes(&self, info: &mut SourceInfo) {
        if info.packets == 0 {
            return;
        }
        if self.places.without_any {
            info.note("the text names no addresses: 0.0.0.1 stands for who wrote it or sent the first request, 0.0.0.2 for the other side");
        }
        if self.places.without_local {
            info.note("the log names the other side only: 0.0.0.1 (IPv6: 100::1) stands for the program that wrote it");
        }
        if self.clock.without_time {
            info.note("the text has no times: messages without one are set 1 ms apart");
        }
        if self.clock.without_date {
            info.note("the log does not give the whole date: its year, or day, is taken as of 1970-01-01");
        }
        if self.cut > 0 {
            info.note(format!("{} messages are longer than {MAX_MESSAGE} bytes and were cut or left out", self.cut));
        }
    }
}

/// Whether a line that tells something ends the message before it: a time alone may stand in a body.
fn is_end(line: Line, may_be_log: bool) -> bool {
    match line {
        Line::End => true,
        Line::Heading(h) => h.sent.is_some() || h.src.is_some() || h == Heading::default() || may_be_log,
    }
}

#[cfg(test)]
mod tests;
