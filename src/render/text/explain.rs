//! What is said of a topic, under headings; and the list of all topics.

use super::table::{self, Cell, Field};
use crate::render::Terminal;
use crate::render::glyph::{width, wrap};
use crate::render::style::Tone;
use crate::report::explain::{Report, Topic};
use std::io::{self, Write};

const LIST: [Field; 4] =
    [Field::left("KIND"), Field::left("TOPIC"), Field::left("WHAT").least(20), Field::left("RULE").least(12).spare(1)];

/// Writes every topic of the report, an empty line between two.
///
/// # Errors
/// Those of `out`.
pub fn explain(report: &Report, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    for (at, topic) in report.topics.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        one(topic, terminal, out)?;
    }
    Ok(())
}

fn one(topic: &Topic, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let name = terminal.show(topic.name.as_bytes());
    let title = match topic.severity {
        Some(severity) => format!("{} (usually {})", topic.title, severity.as_str()),
        None if topic.kind == topic.title || topic.title.starts_with(topic.kind) => topic.title.clone(),
        None => format!("{} · {}", topic.title, kind_in_words(topic.kind)),
    };
    let tone = topic.severity.map_or(Tone::Strong, Tone::of_severity);
    writeln!(out, "{}  {}", terminal.paint(tone, &name), terminal.show(title.as_bytes()))?;
    let rule = ("rule", std::slice::from_ref(&topic.rule));
    let parts = topic.parts.iter().map(|part| (part.name, part.lines.as_slice())).chain([rule]);
    let widest = topic.parts.iter().map(|part| width(part.name)).max().unwrap_or(0).max(4);
    let indent = 2 + widest + 2;
    for (name, lines) in parts {
        let several = lines.len() > 1;
        for (at, line) in lines.iter().enumerate() {
            let head = if at == 0 { name } else { "" };
            let mark = if several { "- " } else { "" };
            let room = terminal.columns().saturating_sub(indent + mark.len());
            for (n, text) in wrap(&terminal.show(line.as_bytes()), room).iter().enumerate() {
                let (head, mark) = if n == 0 { (head, mark) } else { ("", if several { "  " } else { "" }) };
                let gap = " ".repeat(widest - width(head) + 2);
                let head = terminal.paint(Tone::Faint, head).to_string();
                writeln!(out, "{}", format!("  {head}{gap}{mark}{text}").trim_end())?;
            }
        }
    }
    Ok(())
}

/// What a kind is called in a heading.
fn kind_in_words(kind: &str) -> &str {
    match kind {
        "status" => "status code",
        "header" => "header field",
        "cause" => "release cause",
        "alert" => "TLS alert",
        "warning" => "warning code",
        "element" => "element of a SIP network",
        other => other,
    }
}

/// Writes all topics as a table.
///
/// # Errors
/// Those of `out`.
pub fn list(report: &Report, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let row = |topic: &Topic| -> Vec<Cell> {
        let what = match topic.kind {
            // The title of these is their kind: a few words of what they mean tell more.
            "finding" | "method" | "header" => {
                topic.parts.first().and_then(|part| part.lines.first()).map_or("", String::as_str)
            }
            _ => &topic.title,
        };
        let tone = topic.severity.map_or(Tone::Strong, Tone::of_severity);
        vec![
            (topic.kind.to_owned(), Tone::Faint),
            (terminal.show(topic.name.as_bytes()), tone),
            (terminal.show(what.as_bytes()), Tone::Plain),
            (terminal.show(topic.rule.as_bytes()), Tone::Faint),
        ]
    };
    let rows: Vec<Vec<Cell>> = report.topics.iter().map(row).collect();
    table::write(&LIST, &rows, terminal, out)
}

#[cfg(test)]
mod tests {
    use super::{explain, list};
    use crate::render::Terminal;
    use crate::render::sample::drawn;
    use crate::report::explain::{everything, of};

    #[test]
    fn a_topic_stands_under_headings_and_fits() {
        let terminal = Terminal { width: 60, ..Terminal::default() };
        let text = drawn(|out| explain(&of("487"), terminal, out));
        assert!(
            text.starts_with("487  Request Terminated · status code\n  class    client error: final here,"),
            "{text}"
        );
        assert!(
            text.contains("\n  means    The request was ended by CANCEL or BYE before it\n           was answered.\n"),
            "{text}"
        );
        assert!(text.ends_with("\n  rule     RFC 3261 §21.4.25\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    }

    #[test]
    fn several_meanings_are_parted_and_several_lines_marked() {
        let text = drawn(|out| explain(&of("b"), Terminal::default(), out));
        assert!(
            text.starts_with("Referred-By  header field, compact form b\n") && text.contains("\n\nTimer B  "),
            "{text}"
        );
    }

    #[test]
    fn the_list_has_a_line_for_each_topic_in_every_width() {
        let all = everything();
        for width in [60, 120, 200] {
            let text = drawn(|out| list(&all, Terminal { width, unicode: false, colour: false }, out));
            assert_eq!(text.lines().count(), all.topics.len() + 1);
            assert!(text.is_ascii() && text.lines().all(|l| l.len() <= width), "{width}");
        }
    }
}
