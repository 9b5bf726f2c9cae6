//! `serve` for people: where it listens, each exchange as it happens, the bindings, the summary.

use super::table::{self, Field};
use crate::render::Terminal;
use crate::render::quantity::{count, counted, duration};
use crate::render::style::Tone;
use crate::report::serve::{Binding, CallMedia, Exchange, Listening, Passed, Relayed, Summary, Transfer};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes where it listens: `listening on udp:127.0.0.1:5060`.
///
/// # Errors
/// Those of `out`.
pub fn listening(listening: &Listening, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "listening on {}:{}", listening.transport, listening.address)
}

/// Writes one exchange: `12:00:01.123  udp 127.0.0.1:5070  OPTIONS sip:bob@example.com  → 200 OK  0.1 ms`.
///
/// # Errors
/// Those of `out`.
pub fn exchange(exchange: &Exchange<'_>, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let text = exchange.time.0.rfc3339();
    let time = std::str::from_utf8(text.get(11..23).unwrap_or_default()).unwrap_or_default();
    let asked = format!("{} {}", terminal.show(exchange.method.bytes()), terminal.show(exchange.uri.bytes()));
    let reason = terminal.show(exchange.reason.bytes());
    let (answer, tone) = match exchange.status {
        Some(status) => (format!("{status} {reason}"), Tone::of_status(status)),
        None => (format!("({reason})"), Tone::Warning),
    };
    let arrow = terminal.spell("→".to_owned());
    let (time, asked) = (terminal.paint(Tone::Faint, time), terminal.paint(Tone::Request, &asked));
    let answer = terminal.paint(tone, &answer);
    write!(out, "{time}  {} {}  {asked}  {arrow} {answer}", exchange.transport, exchange.peer)?;
    if let Some(ms) = exchange.took_ms {
        write!(out, "  {}", duration(ms))?;
    }
    writeln!(out, "{}", if exchange.repeat { "  (again)" } else { "" })
}

/// Writes what relayed media came to: `media of call 2: 500 packets from the caller (127.0.0.1:4000), none from the callee`.
///
/// # Errors
/// Those of `out`.
pub fn relayed(relayed: &Relayed, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let side = |passed: &Passed, who: &str| {
        let mut text = match passed.packets {
            0 => format!("none from the {who}"),
            n => format!("{} from the {who}", counted(n, "packet")),
        };
        if let Some(source) = &passed.source {
            text.push_str(&format!(" ({source})"));
        }
        if passed.refused > 0 {
            text.push_str(&format!(", {} of others refused", count(passed.refused)));
        }
        text
    };
    let is_silent = (relayed.from_caller.packets == 0) != (relayed.from_callee.packets == 0);
    let line = match relayed.line {
        0 => String::new(),
        n => format!(", line {}", n + 1),
    };
    let text = format!(
        "media of call {}{line}: {}, {}",
        relayed.call,
        side(&relayed.from_caller, "caller"),
        side(&relayed.from_callee, "callee")
    );
    let tone = if is_silent { Tone::Warning } else { Tone::Plain };
    writeln!(out, "{}", terminal.paint(tone, &text))
}

/// Writes what the media of a call came to: `media of call 2: heard caller mark, 500 packets PCMU, 0.0 % lost, jitter 0.1 ms,
/// MOS 4.4, DTMF 12; sent 500 packets PCMU`.
///
/// # Errors
/// Those of `out`.
pub fn media(told: &CallMedia, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let (received, sent) = (&told.media.received, &told.media.sent);
    let mark = received.mark.map_or_else(String::new, |whose| format!(" of {whose}"));
    let mut text =
        format!("media of call {}: heard {}{mark}, {}", told.call, received.heard, counted(received.packets, "packet"));
    if let Some(codec) = received.codec {
        text.push_str(&format!(" {codec}"));
    }
    if let Some(percent) = received.loss_percent {
        text.push_str(&format!(", {percent:.1} % lost"));
    }
    if let Some(jitter) = received.jitter_ms {
        text.push_str(&format!(", jitter {}", duration(jitter)));
    }
    if let Some(mos) = received.mos {
        text.push_str(&format!(", MOS {mos:.1}"));
    }
    if !received.dtmf.is_empty() {
        text.push_str(&format!(", DTMF {}", terminal.show(received.dtmf.as_bytes())));
    }
    text.push_str(&format!("; sent {} {}", counted(sent.packets, "packet"), sent.codec.unwrap_or_default()));
    if let Some(error) = &told.media.recording_error {
        text.push_str(&format!("; recording: {}", terminal.show(error.as_bytes())));
    }
    let tone = if received.packets == 0 { Tone::Warning } else { Tone::Plain };
    writeln!(out, "{}", terminal.paint(tone, text.trim_end()))
}

/// Writes that a transfer was declined: `call 2: asked to call sip:carol@example.com: declined`.
///
/// # Errors
/// Those of `out`.
pub fn transfer(transfer: &Transfer<'_>, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "call {}: asked to call {}: declined", transfer.call, terminal.show(transfer.to.bytes()))
}

/// Writes that exchanges were not shown because there were too many.
///
/// # Errors
/// Those of `out`.
pub fn held_back(exchanges: u64, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let text = terminal.spell(format!("… {} more within a second", counted(exchanges, "exchange")));
    writeln!(out, "{}", terminal.paint(Tone::Faint, &text))
}

/// Writes the table of bindings.
///
/// # Errors
/// Those of `out`.
pub fn bindings(bindings: &[Binding], terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    if bindings.is_empty() {
        return writeln!(out, "no bindings");
    }
    const FIELDS: [Field; 5] = [
        Field::left("address").least(16),
        Field::left("contact").least(20),
        Field::right("expires"),
        Field::right("q").spare(2),
        Field::left("path").least(10).spare(1),
    ];
    let row = |b: &Binding| {
        let path = b.path.as_ref().map(|p| terminal.show(p.bytes())).unwrap_or_default();
        let cells = [
            terminal.show(b.aor.bytes()),
            terminal.show(b.contact.bytes()),
            format!("{} s", b.expires_s),
            b.q.clone().unwrap_or_default(),
            path,
        ];
        cells.into_iter().map(|text| (text, Tone::Plain)).collect()
    };
    table::write(&FIELDS, &bindings.iter().map(row).collect::<Vec<_>>(), terminal, out)
}

/// Writes the summary.
///
/// # Errors
/// Those of `out`.
pub fn summary(summary: &Summary, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    if matches!(summary.role, "registrar" | "proxy" | "b2bua") {
        bindings(&summary.bindings, terminal, out)?;
        writeln!(out)?;
    }
    let mut head = format!("{} in {}", counted(summary.requests, "request"), duration(summary.duration_ms));
    if summary.repeats > 0 {
        head.push_str(&format!(", {}", counted(summary.repeats, "repeat")));
    }
    writeln!(out, "{}", terminal.paint(Tone::Strong, &head))?;
    for answers in &summary.answers {
        let words = crate::sip::status::reason(answers.status);
        let arrow = terminal.spell("→".to_owned());
        writeln!(out, "  {} {arrow} {} {words}  {}", answers.method, answers.status, times(answers.count, terminal))?;
    }
    if !summary.ignored.is_empty() {
        writeln!(out, "  not answered: {}", by_reason(&summary.ignored))?;
    }
    if summary.evicted > 0 {
        let text = format!("{} forgotten before 32 s had passed", counted(summary.evicted, "answer"));
        writeln!(out, "  {}", terminal.paint(Tone::Faint, &text))?;
    }
    if summary.crowded > 0 {
        let text =
            format!("{} refused with 503 because the table of calls was full", counted(summary.crowded, "request"));
        writeln!(out, "  {}", terminal.paint(Tone::Warning, &text))?;
    }
    if summary.unsent > 0 {
        let text = format!("{} could not be sent", counted(summary.unsent, "answer"));
        writeln!(out, "  {}", terminal.paint(Tone::Error, &text))?;
    }
    if !summary.closed.is_empty() {
        writeln!(out, "  connections closed: {}", by_reason(&summary.closed))?;
    }
    Ok(())
}

fn by_reason(counts: &BTreeMap<&'static str, u64>) -> String {
    counts.iter().map(|(why, n)| format!("{} {}", count(*n), why.replace('_', " "))).collect::<Vec<_>>().join(", ")
}

fn times(n: u64, terminal: Terminal) -> String {
    terminal.spell(format!("×{}", count(n)))
}

#[cfg(test)]
mod tests {
    use super::{bindings, exchange, relayed, summary, transfer};
    use crate::base::Timestamp;
    use crate::render::Terminal;
    use crate::report::Text;
    use crate::report::decode::Instant;
    use crate::report::serve::{Answers, Binding, Exchange, Passed, Relayed, SCHEMA, Summary, Transfer};
    use std::collections::BTreeMap;

    fn text(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn asked(status: Option<u16>, reason: &'static str) -> Exchange<'static> {
        Exchange {
            time: Instant(Timestamp::from_parts(43_201, 123_000_000)),
            transport: "udp",
            peer: "127.0.0.1:5070".to_owned(),
            method: Text::from("OPTIONS"),
            uri: Text::new(b"sip:b\x1b[2J@h"),
            status,
            reason: Text::from(reason),
            repeat: status.is_none(),
            took_ms: status.map(|_| 0.12),
        }
    }

    #[test]
    fn an_exchange_is_one_line_that_steers_no_terminal() {
        let line = text(|out| exchange(&asked(Some(200), "OK"), Terminal::default(), out));
        assert_eq!(line, "12:00:01.123  udp 127.0.0.1:5070  OPTIONS sip:b\\x1b[2J@h  → 200 OK  0.1 ms\n");
        let line =
            text(|out| exchange(&asked(None, "dropped"), Terminal { unicode: false, ..Terminal::default() }, out));
        assert!(line.is_ascii() && line.ends_with(" (dropped)  (again)\n"), "{line}");
    }

    #[test]
    fn the_summary_counts_by_method_and_status_and_by_reason() {
        let report = Summary {
            schema: SCHEMA,
            role: "uas",
            listening: Vec::new(),
            duration_ms: 2000.0,
            requests: 20_000,
            repeats: 2,
            answers: vec![Answers { method: "OPTIONS", status: 200, count: 20_000 }],
            ignored: BTreeMap::from([("not_sip", 3), ("ack", 1)]),
            evicted: 5,
            crowded: 2,
            unsent: 1,
            closed: BTreeMap::from([("does_not_read", 2)]),
            bindings: Vec::new(),
        };
        assert_eq!(
            text(|out| summary(&report, Terminal::default(), out)),
            "20,000 requests in 2.0 s, 2 repeats\n  OPTIONS → 200 OK  ×20,000\n  not answered: 1 ack, 3 not sip\n  \
             5 answers forgotten before 32 s had passed\n  2 requests refused with 503 because the table of calls was full\n  1 answer could not be sent\n  connections closed: 2 does not read\n"
        );
    }

    #[test]
    fn a_transfer_says_who_was_to_be_called() {
        let told = Transfer { call: 2, to: Text::new(b"sip:c\x1b@d") };
        let line = text(|out| transfer(&told, Terminal::default(), out));
        assert_eq!(line, "call 2: asked to call sip:c\\x1b@d: declined\n");
    }

    #[test]
    fn relayed_media_says_which_side_was_silent() {
        let heard = |packets, refused| Passed {
            packets,
            rtcp_packets: 0,
            refused,
            source: (packets > 0).then(|| "192.0.2.1:4000".to_owned()),
        };
        let told = Relayed { call: 2, line: 0, from_caller: heard(1500, 2), from_callee: heard(0, 0) };
        assert_eq!(
            text(|out| relayed(&told, Terminal::default(), out)),
            "media of call 2: 1,500 packets from the caller (192.0.2.1:4000), 2 of others refused, none from the callee\n"
        );
        let told = Relayed { line: 1, from_callee: heard(1, 0), ..told };
        assert!(text(|out| relayed(&told, Terminal::default(), out)).starts_with("media of call 2, line 2: "));
    }

    #[test]
    fn bindings_are_a_table() {
        let binding = Binding {
            aor: Text::from("alice@example.com"),
            contact: Text::from("sip:a@h"),
            expires_s: 60,
            q: Some("0.5".to_owned()),
            instance: None,
            reg_id: None,
            path: None,
        };
        let shown = text(|out| bindings(&[binding], Terminal::default(), out));
        assert!(shown.contains("alice@example.com") && shown.contains("sip:a@h") && shown.contains("60 s"), "{shown}");
        assert_eq!(text(|out| bindings(&[], Terminal::default(), out)), "no bindings\n");
    }
}
