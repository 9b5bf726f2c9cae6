//! Messages and streams folded into arrows: a retransmission joins the arrow of what it repeats.

use super::Ladder;
use crate::render::Terminal;
use crate::render::name::Label;
use crate::render::quantity::{duration, offset};
use crate::render::style::Tone;
use crate::report::decode::{Instant, Message, Severity, Stream};
use std::collections::HashMap;

/// What an arrow stands for.
#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    Message(&'a Message<'a>),
    Stream(&'a Stream),
}

/// One arrow.
pub(super) struct Entry<'a> {
    pub what: What<'a>,
    pub at: Instant,
    /// Time since the start of the ladder, as it is shown.
    pub time: String,
    pub label: Label,
    /// What stands on the right, in pieces that are wrapped by words.
    pub notes: Vec<(String, Tone)>,
    repeats: u64,
    last: Instant,
}

impl<'a> Entry<'a> {
    fn of_message(message: &'a Message<'a>, start: Instant, terminal: Terminal) -> Self {
        Entry {
            what: What::Message(message),
            at: message.time,
            time: offset(message.time, start),
            label: Label::of_message(message, terminal),
            notes: message.notes.iter().map(|note| (terminal.show(note.as_bytes()), Tone::Plain)).collect(),
            repeats: 1,
            last: message.time,
        }
    }

    fn of_stream(stream: &'a Stream, start: Instant, terminal: Terminal) -> Self {
        Entry {
            what: What::Stream(stream),
            at: stream.start,
            time: offset(stream.start, start),
            label: Label::of_stream(stream, terminal),
            notes: vec![(terminal.show(quality(stream).as_bytes()), Tone::Plain)],
            repeats: 1,
            last: stream.start,
        }
    }

    /// Addresses of both ends.
    pub(super) fn ends(&self) -> (&'a str, &'a str) {
        match self.what {
            What::Message(m) => (&m.src, &m.dst),
            What::Stream(s) => (&s.src, &s.dst),
        }
    }

    /// `×3 over 1.5 s`, once all repetitions are known.
    fn note_repeats(&mut self, terminal: Terminal) {
        if self.repeats > 1 {
            let over = duration(self.last.0.ms_since(self.at.0));
            self.notes.push((terminal.spell(format!("×{} over {over}", self.repeats)), Tone::Warning));
        }
    }

    fn mark(&mut self, code: &str, severity: Severity, terminal: Terminal) {
        let sign = if severity == Severity::Info { "△" } else { "▲" };
        let mark = terminal.spell(format!("{sign} {code}"));
        // A defect is told with its code already: the sign joins it.
        let told = |note: &str| note.strip_prefix(code).is_some_and(|rest| rest.starts_with(": "));
        if let Some((note, tone)) = self.notes.iter_mut().find(|(note, _)| told(note)) {
            *note = terminal.spell(format!("{sign} {note}"));
            *tone = Tone::of_severity(severity);
            return;
        }
        if self
            .notes
            .iter()
            .any(|(note, _)| note.strip_prefix(mark.as_str()).is_some_and(|rest| rest.starts_with(": ")))
        {
            return;
        }
        if self.notes.iter().all(|(note, _)| *note != mark) {
            self.notes.push((mark, Tone::of_severity(severity)));
        }
    }
}

/// `12.0 s · loss 0.0 % · jitter 0.3 ms · MOS 4.4`; of a stream of key presses alone `2.3 s · digits 12#*`.
pub(in crate::render) fn quality(stream: &Stream) -> String {
    // Between two key presses such a sender is silent and its numbers may jump: that is no loss.
    if stream.codec.as_deref() == Some("telephone-event") && !stream.dtmf.is_empty() {
        return format!("{} · digits {}", duration(stream.duration_ms), stream.dtmf);
    }
    let mut text = format!(
        "{} · loss {:.1} % · jitter {}",
        duration(stream.duration_ms),
        stream.loss_percent,
        duration(stream.jitter_ms)
    );
    if let Some(mos) = stream.mos {
        text.push_str(&format!(" · MOS {mos:.1}"));
    }
    if !stream.dtmf.is_empty() {
        text.push_str(&format!(" · digits {}", stream.dtmf));
    }
    text
}

/// What no arrow stands for.
#[derive(Default)]
pub(super) struct Undrawn {
    /// Messages beyond the limit, and the time of the last.
    pub left_out: Option<(u64, String)>,
    /// Messages that were captured more than once.
    pub copies: u64,
}

/// The arrows of a ladder in order of time, at most `limit`, and what they do not show.
pub(super) fn of<'a>(ladder: &Ladder<'a>, limit: usize, terminal: Terminal) -> (Vec<Entry<'a>>, Undrawn) {
    let mut entries: Vec<Entry<'a>> = Vec::new();
    let mut left_out = 0u64;
    let mut copies = 0u64;
    let mut last_left_out = None;
    // Position of the arrow that shows a message; `None` for one that is left out.
    let mut sights: HashMap<(u64, &str, &str), usize> = HashMap::new();
    let mut arrow_of: HashMap<u64, Option<usize>> = HashMap::with_capacity(ladder.messages.len());
    for &message in ladder.messages {
        let same_way = |entry: &Entry<'_>| entry.ends() == (message.src.as_str(), message.dst.as_str());
        // A second sight of a message between the same addresses is drawn already; behind a NAT it is an arrow of its own.
        let copied = message.copy_of.and_then(|first| arrow_of.get(&first).copied());
        let elsewhere = message.copy_of.and_then(|first| sights.get(&(first, &message.src, &message.dst)).copied());
        let drawn = copied.filter(|at| at.is_none_or(|at| entries.get(at).is_some_and(same_way)));
        if let Some(first) = drawn.or(elsewhere.map(Some)) {
            copies += 1;
            arrow_of.insert(message.index, first);
            continue;
        }
        if let Some(first) = message.copy_of {
            sights.insert((first, &message.src, &message.dst), entries.len());
        }
        let repeated = message.retransmission_of.and_then(|first| arrow_of.get(&first).copied());
        match repeated {
            Some(Some(at)) if entries.get(at).is_some_and(same_way) => {
                if let Some(entry) = entries.get_mut(at) {
                    entry.repeats += 1;
                    entry.last = message.time;
                }
                arrow_of.insert(message.index, Some(at));
            }
            _ if entries.len() >= limit => {
                left_out += 1;
                last_left_out = Some(message.time);
                arrow_of.insert(message.index, None);
            }
            _ => {
                arrow_of.insert(message.index, Some(entries.len()));
                let mut entry = Entry::of_message(message, ladder.start, terminal);
                if repeated.is_none() && message.retransmission_of.is_some() {
                    entry.notes.push(("retransmission".into(), Tone::Warning));
                }
                entries.push(entry);
            }
        }
    }
    entries.iter_mut().for_each(|entry| entry.note_repeats(terminal));
    let messages = entries.len();
    let streams = ladder.streams.iter().take(limit);
    entries.extend(streams.map(|stream| Entry::of_stream(stream, ladder.start, terminal)));
    for finding in ladder.findings {
        for index in &finding.messages {
            if let Some(Some(at)) = arrow_of.get(index)
                && let Some(entry) = entries.get_mut(*at)
            {
                entry.mark(finding.code, finding.severity, terminal);
            }
        }
        let of_this =
            |entry: &&mut Entry<'_>| matches!(entry.what, What::Stream(stream) if finding.stream == Some(stream.id));
        if let Some(entry) = entries.iter_mut().skip(messages).find(of_this) {
            entry.mark(finding.code, finding.severity, terminal);
        }
    }
    entries.sort_by_key(|entry| entry.at);
    (entries, Undrawn { left_out: last_left_out.map(|last| (left_out, offset(last, ladder.start))), copies })
}
