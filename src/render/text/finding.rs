//! Findings: what is wrong, the messages and bytes that prove it, what to do, and the rule.

use crate::render::Terminal;
use crate::render::glyph::{head, width, wrap};
use crate::render::name::Label;
use crate::render::quantity::{count, counted, offset};
use crate::render::style::Tone;
use crate::report::decode::{EvidenceSpan, Finding, Instant, Message, Severity};
use std::io::{self, Write};

/// Messages named in one line of evidence.
const MOST_MESSAGES: usize = 8;
/// Lines of a message shown for one finding.
const MOST_SPANS: usize = 4;
/// Bytes before, in and behind the evidence of which a source line can be made: more than any terminal shows.
const WINDOW: usize = 1200;

/// The messages that a finding may point to.
#[derive(Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// In order of index.
    pub messages: &'a [&'a Message<'a>],
    /// The instant that is +0.000.
    pub start: Option<Instant>,
}

impl<'a> Evidence<'a> {
    fn of(&self, index: u64) -> Option<&'a Message<'a>> {
        self.messages.binary_search_by_key(&index, |m| m.index).ok().and_then(|at| self.messages.get(at).copied())
    }
}

/// Writes a finding with its evidence.
///
/// # Errors
/// Those of `out`.
pub fn finding(finding: &Finding, evidence: &Evidence<'_>, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let tone = Tone::of_severity(finding.severity);
    let sign = if finding.severity == Severity::Info { "△" } else { "▲" };
    let name = terminal.spell(format!("{sign} {}[{}]", finding.severity.as_str(), finding.code));
    let sure = if finding.confidence == "certain" { String::new() } else { format!(" ({})", finding.confidence) };
    let title = terminal.show(finding.title.as_bytes()) + &sure;
    let indent = if width(&name) + 2 + width(&title) <= terminal.columns() { width(&name) + 2 } else { 4 };
    write!(out, "{}", terminal.paint(tone, &name))?;
    let mut lines = wrap(&title, terminal.columns().saturating_sub(indent)).into_iter();
    if indent > 4
        && let Some(line) = lines.next()
    {
        write!(out, "  {}", terminal.paint(Tone::Strong, &line))?;
    }
    writeln!(out)?;
    for line in lines {
        writeln!(out, "    {}", terminal.paint(Tone::Strong, &line))?;
    }
    place(finding, evidence, terminal, out)?;
    let spans: Vec<&EvidenceSpan> = finding.spans.iter().filter(|span| span.line_number > 0).collect();
    for span in spans.iter().take(MOST_SPANS) {
        source_line(span, tone, terminal, out)?;
    }
    if spans.len() > MOST_SPANS {
        let more = terminal.spell(format!("… and {}", counted((spans.len() - MOST_SPANS) as u64, "more place")));
        writeln!(out, "    {}", terminal.paint(Tone::Faint, &more))?;
    }
    paragraph("", &finding.detail, terminal, out)?;
    paragraph("ruled out", &finding.ruled_out.join("\n"), terminal, out)?;
    paragraph("fix", &finding.fix, terminal, out)?;
    let rule = terminal.show(finding.rule.as_bytes());
    let more = format!("more  sipctl explain {}", finding.code);
    let line = match rule.as_str() {
        "" => more,
        _ if 4 + width(&rule) + 11 + width(&more) <= terminal.columns() => format!("rule  {rule}     {more}"),
        _ => {
            writeln!(out, "    {}", terminal.paint(Tone::Faint, &format!("rule  {rule}")))?;
            more
        }
    };
    writeln!(out, "    {}", terminal.paint(Tone::Faint, &line))
}

/// `messages 10, 11, 12 · 10.20.0.1:5060 → 10.20.0.10:5060 · at +2.511, +3.011, +4.011`; one message is named in full.
fn place(finding: &Finding, evidence: &Evidence<'_>, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let named = |index: u64| evidence.of(index);
    let Some(&first) = finding.messages.first() else { return Ok(()) };
    let text = if let ([index], Some(message)) = (finding.messages.as_slice(), named(first)) {
        let label = Label::of_message(message, terminal).fit(40, terminal);
        let at = evidence.start.map(|start| format!(" · at {}", offset(message.time, start))).unwrap_or_default();
        format!(
            "message {index} · frame {} · {} → {} {} · {label}{at}",
            message.frame,
            message.src,
            message.dst,
            message.transport.to_uppercase()
        )
    } else {
        let shown = || finding.messages.iter().take(MOST_MESSAGES);
        let more = match finding.messages.len().saturating_sub(MOST_MESSAGES) {
            0 => String::new(),
            n => format!(" … {} more", count(n as u64)),
        };
        let numbers = shown().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let mut text = format!("messages {numbers}{more}");
        let ends = |m: &Message<'_>| (m.src.clone(), m.dst.clone());
        let all: Vec<&Message<'_>> = shown().filter_map(|&index| named(index)).collect();
        if let Some((src, dst)) = all.first().map(|m| ends(m))
            && all.iter().all(|m| m.src == src && m.dst == dst)
        {
            text.push_str(&format!(" · {src} → {dst}"));
        }
        if let (Some(start), false) = (evidence.start, all.is_empty()) {
            let times = all.iter().map(|m| offset(m.time, start)).collect::<Vec<_>>().join(", ");
            let dots = if more.is_empty() { "" } else { " …" };
            text.push_str(&format!(" · at {times}{dots}"));
        }
        text
    };
    for line in wrap(&terminal.show(text.as_bytes()), terminal.columns().saturating_sub(4)) {
        writeln!(out, "    {}", terminal.paint(Tone::Faint, &line))?;
    }
    Ok(())
}

/// Sentences, one a line, wrapped and indented under an optional word.
fn paragraph(word: &str, text: &str, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let indent = if word.is_empty() { 4 } else { 4 + word.len() + 2 };
    let mut first = true;
    for sentence in text.lines().filter(|line| !line.trim().is_empty()) {
        for line in wrap(&terminal.show(sentence.as_bytes()), terminal.columns().saturating_sub(indent)) {
            if first && !word.is_empty() {
                writeln!(out, "    {}  {line}", terminal.paint(Tone::Strong, word))?;
            } else {
                writeln!(out, "{}{line}", " ".repeat(indent))?;
            }
            first = false;
        }
    }
    Ok(())
}

/// A line of a message with carets under the bytes at fault, and below or beside them what is wrong.
pub(super) fn source_line(span: &EvidenceSpan, tone: Tone, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let line = span.line.strip_suffix(b"\n").unwrap_or(&span.line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let from = usize::try_from(span.column).unwrap_or(usize::MAX).min(line.len());
    let length = usize::try_from(span.end.saturating_sub(span.start)).unwrap_or(usize::MAX);
    let to = from.saturating_add(length).min(line.len());
    let (before, rest) = line.split_at(from);
    let (marked, after) = rest.split_at(to - from);

    let number = format!("{:>5}", span.line_number);
    let bar = String::from(terminal.glyphs().lifeline);
    let room = terminal.columns().saturating_sub(number.len() + 3).max(20);
    let marked = terminal.show(clip_end(marked));
    let after = terminal.show(clip_end(after));
    let before = window(&terminal.show(clip_start(before)), width(&marked), width(&after), room, terminal);
    let ellipsis = terminal.glyphs().ellipsis;
    let mut text = format!("{before}{marked}{after}");
    if width(&text) > room {
        text = format!("{}{ellipsis}", head(&text, room - width(ellipsis)));
    }
    let carets_at = width(&before);
    let carets = width(&marked).clamp(1, room.saturating_sub(carets_at).max(1));

    let text = if text.trim_end().is_empty() { text } else { format!(" {}", text.trim_end()) };
    writeln!(out, "{}{text}", terminal.paint(Tone::Faint, &format!("{number} {bar}")))?;
    let gutter = format!("{} {bar}", " ".repeat(number.len()));
    let label = terminal.show(span.label.as_bytes());
    let beside = carets_at + carets + 1 + width(&label) <= room;
    write!(out, "{} {}", terminal.paint(Tone::Faint, &gutter), " ".repeat(carets_at))?;
    write!(out, "{}", terminal.paint(tone, &"^".repeat(carets)))?;
    if beside || label.is_empty() {
        let label = if label.is_empty() { label } else { format!(" {label}") };
        return writeln!(out, "{}", terminal.paint(tone, &label));
    }
    writeln!(out)?;
    for part in wrap(label.trim_end(), room) {
        // Flush right with the carets where the label fits before them, else from the start of the line.
        let at = (carets_at + carets).saturating_sub(width(&part));
        write!(out, "{} {}", terminal.paint(Tone::Faint, &gutter), " ".repeat(at))?;
        writeln!(out, "{}", terminal.paint(tone, &part))?;
    }
    Ok(())
}

/// The text before the evidence, cut at its start so that the evidence is on the line.
fn window(before: &str, marked: usize, after: usize, room: usize, terminal: Terminal) -> String {
    let wide = width(before);
    if wide + marked + after <= room || wide + marked.min(room / 2) <= room * 2 / 3 {
        return before.to_owned();
    }
    let ellipsis = terminal.glyphs().ellipsis;
    let keep = (room / 2).saturating_sub(width(ellipsis));
    let mut skip = wide.saturating_sub(keep);
    let mut rest = before;
    while skip > 0 {
        let Some(c) = rest.chars().next() else { break };
        skip = skip.saturating_sub(crate::render::glyph::char_width(c).max(1));
        rest = rest.get(c.len_utf8()..).unwrap_or("");
    }
    format!("{ellipsis}{rest}")
}

/// The first bytes, not cut within a character.
fn clip_end(bytes: &[u8]) -> &[u8] {
    let mut end = WINDOW.min(bytes.len());
    while end > 0 && end < bytes.len() && WINDOW - end < 3 && is_continuation(bytes.get(end)) {
        end -= 1;
    }
    bytes.get(..end).unwrap_or(bytes)
}

/// The last bytes, not cut within a character.
fn clip_start(bytes: &[u8]) -> &[u8] {
    let cut = bytes.len().saturating_sub(WINDOW);
    let mut start = cut;
    while start > 0 && start < bytes.len() && start - cut < 3 && is_continuation(bytes.get(start)) {
        start += 1;
    }
    bytes.get(start..).unwrap_or(bytes)
}

fn is_continuation(byte: Option<&u8>) -> bool {
    byte.is_some_and(|b| b & 0xc0 == 0x80)
}
