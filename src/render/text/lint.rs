//! Defects of messages as a compiler shows them: the line, carets under the bytes, the rule.

use super::finding::source_line;
use crate::render::Terminal;
use crate::render::glyph::{width, wrap};
use crate::render::quantity::{count, counted};
use crate::render::style::Tone;
use crate::report::decode::EvidenceSpan;
use crate::report::lint::{Fault, Place, Summary};
use std::io::{self, Write};

/// Writes one defect.
///
/// # Errors
/// Those of `out`.
pub fn fault(fault: &Fault, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let tone = Tone::of_severity(fault.severity);
    let name = format!("{}[{}]", fault.severity.as_str(), fault.code);
    let place = terminal.show(place(fault).as_bytes());
    let mut lines = wrap(&place, terminal.columns().saturating_sub(width(&name) + 2)).into_iter();
    let first = lines.next().unwrap_or_default();
    writeln!(out, "{}  {}", terminal.paint(tone, &name), terminal.paint(Tone::Strong, &first))?;
    for line in lines {
        writeln!(out, "  {}", terminal.paint(Tone::Strong, &line))?;
    }
    let span = EvidenceSpan {
        message: fault.place.message,
        start: fault.start,
        end: fault.end,
        line: fault.text.bytes().to_vec(),
        line_number: fault
            .place
            .text_line
            .map_or(fault.line, |first| u32::try_from(first + u64::from(fault.line) - 1).unwrap_or(u32::MAX)),
        column: fault.text_column,
        label: fault.what.to_owned(),
    };
    source_line(&span, tone, terminal, out)?;
    let more = format!("more  sipctl explain {}", fault.code);
    let rule = terminal.show(fault.rule.as_bytes());
    writeln!(out, "  {}\n", terminal.paint(Tone::Faint, &format!("rule  {rule}     {more}")))
}

/// `malformed.sip:3:12 · message 1 · INVITE`, or in a capture `capture.pcap · message 4 · frame 17 · 10.0.0.1:5060 → 10.0.0.2:5060 UDP · INVITE`.
fn place(fault: &Fault) -> String {
    let Place { source, message, begins, text_line, frame, src, dst, transport, .. } = &fault.place;
    let name = if source == "-" { "standard input" } else { source };
    let mut text = match text_line {
        Some(first) => {
            let line = first + u64::from(fault.line) - 1;
            format!("{name}:{line}:{} · message {message}", fault.column)
        }
        None => format!("{name} · message {message} · frame {}", frame.unwrap_or_default()),
    };
    if let (Some(src), Some(dst), Some(transport)) = (src, dst, transport) {
        text.push_str(&format!(" · {src} → {dst} {}", transport.to_uppercase()));
    }
    // Bytes of the message go through `Terminal::show` with the rest.
    format!("{text} · {}", String::from_utf8_lossy(begins.bytes()))
}

/// Writes the last line: how many messages, and what was wrong with them.
///
/// # Errors
/// Those of `out`.
pub fn summary(summary: &Summary, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let messages = counted(summary.messages, "message");
    let wrong = summary.messages - summary.clean;
    if wrong == 0 {
        let text = terminal.spell(format!("{messages} · no defects"));
        return writeln!(out, "{}", terminal.paint(Tone::Good, &text));
    }
    let d = &summary.defects;
    let parts = [(d.error, "error"), (d.warning, "warning")].into_iter().filter(|(n, _)| *n > 0);
    let mut parts: Vec<String> = parts.map(|(n, word)| counted(n, word)).collect();
    if d.info > 0 {
        parts.push(format!("{} info", count(d.info)));
    }
    let text = terminal.spell(format!("{messages} · {} with defects · {}", count(wrong), parts.join(" · ")));
    let tone = match (d.error, d.warning) {
        (0, 0) => Tone::Pending,
        (0, _) => Tone::Warning,
        _ => Tone::Error,
    };
    for line in wrap(&text, terminal.columns()) {
        writeln!(out, "{}", terminal.paint(tone, &line))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{fault, summary};
    use crate::render::Terminal;
    use crate::render::sample::drawn;
    use crate::report::lint::{Linter, Place};

    const MESSAGE: &[u8] =
        b"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n\
        To: <sip:b@example.com>\x1b[2J>\r\nFrom: <sip:a@example.com>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";

    #[test]
    fn a_defect_stands_under_its_line_and_nothing_hostile_gets_through() {
        let mut linter = Linter::default();
        let place = Place { source: "x.sip".into(), message: 1, text_line: Some(10), ..Place::default() };
        let faults = linter.message(place, MESSAGE, false, false);
        let text = drawn(|out| faults.iter().try_for_each(|f| fault(f, Terminal::default(), out)));
        assert!(text.starts_with("error[header-malformed]  x.sip:13:"), "{text}");
        assert!(text.contains("· message 1 · OPTIONS\n   13 │ To: <sip:b@example.com>\\x1b[2J>\n      │ "), "{text}");
        assert!(
            text.contains("^")
                && text.contains("\n  rule  RFC 3261 §20.39     more  sipctl explain header-malformed\n\n"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'));
        let last = drawn(|out| summary(&linter.summary, Terminal::default(), out));
        assert_eq!(last, "1 message · 1 with defects · 1 error\n");
        let ascii = Terminal { unicode: false, width: 60, ..Terminal::default() };
        let text = drawn(|out| faults.iter().try_for_each(|f| fault(f, ascii, out)));
        assert!(text.is_ascii(), "{text}");
    }
}
