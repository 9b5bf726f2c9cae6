//! The first line, and the totals of a summary.

use crate::render::Terminal;
use crate::render::glyph::{fit, width, wrap};
use crate::render::quantity::{count, counted, range};
use crate::render::style::Tone;
use crate::report::decode::{Source, Summary};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Sources that get a line of their own.
const MOST_SOURCES: usize = 20;
/// Entries of one line of totals.
const MOST_COUNTS: usize = 30;

/// Writes what was read and found, in one line where the width allows it, and below it what could not be decoded.
///
/// # Errors
/// Those of `out`.
pub fn overview(sources: &[Source], summary: &Summary, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let mut items = Vec::new();
    match sources {
        [] => {}
        [one] => items.push((terminal.show(one.path.as_bytes()), Tone::Strong)),
        several => items.push((counted(several.len() as u64, "source"), Tone::Strong)),
    }
    if let (Some(first), Some(last)) = (summary.first_time, summary.last_time) {
        items.push((range(first, last), Tone::Plain));
    }
    items.push((counted(summary.packets, "packet"), Tone::Plain));
    items.push((messages(summary), Tone::Plain));
    if summary.calls > 0 {
        let states = ranked(&summary.calls_by_state, |state, n| format!("{} {state}", count(n)));
        items.push((format!("{}: {}", counted(summary.calls, "call"), states.join(", ")), Tone::Plain));
    }
    for (n, thing) in [(summary.registrations, "registration"), (summary.exchanges, "exchange")] {
        if n > 0 {
            items.push((counted(n, thing), Tone::Plain));
        }
    }
    if summary.calls == 0 && summary.streams > 0 {
        items.push((counted(summary.streams, "RTP stream"), Tone::Plain));
    }
    let found = summary.findings;
    for (n, word, tone) in [
        (found.error, "error", Tone::Error),
        (found.warning, "warning", Tone::Warning),
        (found.info, "info", Tone::Plain),
    ] {
        if n > 0 {
            items.push((counted(n, word), tone));
        }
    }
    line_of(&items, terminal, out)?;
    if sources.len() > 1 {
        for source in sources.iter().take(MOST_SOURCES) {
            source_line(source, terminal, out)?;
        }
        if sources.len() > MOST_SOURCES {
            let more = format!("  … {} more sources", sources.len() - MOST_SOURCES);
            writeln!(out, "{}", terminal.spell(more))?;
        }
    }
    remarks(sources, summary, terminal, out)
}

/// `20 messages (UDP)`, `20 messages (12 UDP, 8 TCP)`.
fn messages(summary: &Summary) -> String {
    let transports = match summary.transports.len() {
        0 => return counted(summary.messages, "message"),
        1 => summary.transports.keys().map(|name| name.to_uppercase()).collect(),
        _ => ranked(&summary.transports, |name, n| format!("{} {}", count(n), name.to_uppercase())),
    };
    format!("{} ({})", counted(summary.messages, "message"), transports.join(", "))
}

/// Items in one line, parted by ` · `, going on in an indented line where the width ends.
fn line_of(items: &[(String, Tone)], terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let total = terminal.columns();
    let dot = terminal.spell(" · ".to_owned());
    let mut used = 0;
    for (at, (text, tone)) in items.iter().enumerate() {
        let text = terminal.spell(fit(text, total.saturating_sub(2), terminal));
        let wide = width(&text);
        if at > 0 && used + width(&dot) + wide > total {
            write!(out, "\n  ")?;
            used = 2;
        } else if at > 0 {
            write!(out, "{}", terminal.paint(Tone::Faint, &dot))?;
            used += width(&dot);
        }
        write!(out, "{}", terminal.paint(*tone, &text))?;
        used += wide;
    }
    writeln!(out)
}

fn source_line(source: &Source, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let time = match (source.first_time, source.last_time) {
        (Some(first), Some(last)) => format!(" · {}", range(first, last)),
        _ => String::new(),
    };
    let rest = terminal.spell(format!(
        " · {} · {}{time}",
        terminal.show(source.format.as_bytes()),
        counted(source.packets, "packet")
    ));
    let room = terminal.columns().saturating_sub(width(&rest) + 2).max(12);
    let path = fit(&terminal.show(source.path.as_bytes()), room, terminal);
    writeln!(out, "  {path}{}", terminal.paint(Tone::Faint, &rest))
}

/// What limits the picture: cut files, drops, damaged messages, and what could not be decoded, each with what can be done.
fn remarks(sources: &[Source], summary: &Summary, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let note = |out: &mut dyn Write, what: &str, hint: &str| -> io::Result<()> {
        let mark = terminal.spell("▲ ".to_owned());
        write!(out, "{}{what}", terminal.paint(Tone::Warning, &mark))?;
        let used = width(&mark) + width(what);
        if hint.is_empty() {
            return writeln!(out);
        }
        let hint = terminal.show(hint.as_bytes());
        if used + 2 + width(&hint) <= terminal.columns() {
            return writeln!(out, "  {}", terminal.paint(Tone::Faint, &hint));
        }
        for line in wrap(&hint, terminal.columns().saturating_sub(4)) {
            write!(out, "\n    {}", terminal.paint(Tone::Faint, &line))?;
        }
        writeln!(out)
    };
    for source in sources {
        let path = || fit(&terminal.show(source.path.as_bytes()), 40, terminal);
        if source.truncated {
            note(out, &format!("{} ends in the middle of a packet: all whole packets were read", path()), "")?;
        }
        if let Some(dropped) = source.dropped.filter(|&n| n > 0) {
            let what = format!("{} dropped {} before they could be read", path(), counted(dropped, "packet"));
            note(out, &what, "give a narrower --filter, so that less has to be copied")?;
        }
    }
    if summary.malformed > 0 {
        let what = match summary.malformed {
            1 => "1 message breaks a rule of its grammar".to_owned(),
            n => format!("{} messages break a rule of their grammar", count(n)),
        };
        note(out, &what, "")?;
    }
    for (reason, &n) in &summary.undecoded {
        let what = format!("not decoded: {} × {}", count(n), reason.replace('_', " "));
        note(out, &terminal.show(what.as_bytes()), summary.hints.get(reason).map_or("", String::as_str))?;
    }
    Ok(())
}

/// Writes the counts behind an overview: requests, responses, transports, media.
///
/// # Errors
/// Those of `out`.
pub fn totals(summary: &Summary, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let pair = |name: &str, n: u64| format!("{} {}", terminal.show(name.as_bytes()), count(n));
    let calls = if summary.calls > 0 { ranked(&summary.calls_by_state, pair) } else { Vec::new() };
    let mut responses: Vec<String> = summary.responses.iter().map(|(code, &n)| pair(code, n)).collect();
    shorten(&mut responses);
    let media = match summary.streams {
        0 => Vec::new(),
        n => vec![counted(n, "stream"), format!("{} of RTP", counted(summary.rtp_packets, "packet"))],
    };
    for (title, items) in
        [("requests", ranked(&summary.requests, pair)), ("responses", responses), ("calls", calls), ("media", media)]
    {
        if items.is_empty() {
            continue;
        }
        let text = terminal.spell(items.join(" · "));
        for (at, line) in wrap(&text, terminal.columns().saturating_sub(13)).iter().enumerate() {
            let title = if at == 0 { title } else { "" };
            writeln!(out, "  {} {line}", terminal.paint(Tone::Faint, &format!("{title:<10}")))?;
        }
    }
    Ok(())
}

/// Counts as text, the largest first.
fn ranked(counts: &BTreeMap<String, u64>, show: impl Fn(&str, u64) -> String) -> Vec<String> {
    let mut pairs: Vec<(&String, u64)> = counts.iter().map(|(name, &n)| (name, n)).collect();
    pairs.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let mut items: Vec<String> = pairs.into_iter().map(|(name, n)| show(name, n)).collect();
    shorten(&mut items);
    items
}

fn shorten(items: &mut Vec<String>) {
    if items.len() > MOST_COUNTS {
        let more = items.len() - MOST_COUNTS;
        items.truncate(MOST_COUNTS);
        items.push(format!("… {more} more"));
    }
}
