//! One call: its heading, ladder and findings; and one message in a line, for live use.

use super::finding::{Evidence, finding};
use crate::render::Terminal;
use crate::render::glyph::{fit, width, wrap};
use crate::render::ladder::{Bodies, Ladder};
use crate::render::name::{Label, final_status, party_in_full};
use crate::render::quantity::{clock, duration};
use crate::render::style::Tone;
use crate::report::decode::{Call, CallState, Finding, Message, Stream};
use std::io::{self, Write};

/// Call-IDs named in a heading.
const MOST_CALL_IDS: usize = 4;

/// A call with what belongs to it.
#[derive(Clone, Copy)]
pub struct CallParts<'a> {
    /// The call.
    pub call: &'a Call,
    /// Its messages in order.
    pub messages: &'a [&'a Message<'a>],
    /// Its streams.
    pub streams: &'a [&'a Stream],
    /// Its findings.
    pub findings: &'a [&'a Finding],
}

/// Writes a call: heading, ladder, findings.
///
/// # Errors
/// Those of `out`.
pub fn call(parts: &CallParts<'_>, bodies: Bodies, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let CallParts { call, messages, streams, findings } = *parts;
    heading(call, messages, terminal, out)?;
    joins(call, terminal, out)?;
    writeln!(out)?;
    let participants = &call.participants;
    Ladder { start: call.start, participants, messages, streams, findings, bodies }.draw(terminal, out)?;
    for one in findings {
        writeln!(out)?;
        finding(one, &Evidence { messages, start: Some(call.start) }, terminal, out)?;
    }
    Ok(())
}

/// `Call 1  completed  alice → bob  talk 12.0 s  PCMU  ended by the caller      1-8231@10.20.0.10`, in as many lines as it needs.
fn heading(call: &Call, messages: &[&Message<'_>], terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let parties = format!("{} → {}", party_in_full(&call.from, terminal), party_in_full(&call.to, terminal));
    let mut items = vec![
        (format!("Call {}", call.id), Tone::Strong),
        (call.state.as_str().to_owned(), Tone::of_state(call.state)),
        (terminal.spell(parties), Tone::Strong),
    ];
    let succeeded = matches!(call.state, CallState::Completed | CallState::Answered);
    if let Some(status) = final_status(call, messages, terminal).filter(|_| !succeeded) {
        items.push((status, Tone::of_state(call.state)));
    }
    if let Some(talk) = call.duration_ms {
        items.push((format!("talk {}", duration(talk)), Tone::Plain));
    }
    // What was only offered stands in the ladder.
    if succeeded && !call.codecs.is_empty() {
        items.push((terminal.show(call.codecs.join(" ").as_bytes()), Tone::Plain));
    }
    match call.ended_by {
        Some(who @ ("caller" | "callee")) => items.push((format!("ended by the {who}"), Tone::Plain)),
        Some(who) => items.push((format!("ended by {}", terminal.show(who.as_bytes())), Tone::Plain)),
        None => {}
    }
    let total = terminal.columns();
    let mut used = 0;
    for (at, (text, tone)) in items.iter().enumerate() {
        let text = fit(text, total.saturating_sub(2), terminal);
        if at > 0 && used + 2 + width(&text) > total {
            write!(out, "\n  ")?;
            used = 2;
        } else if at > 0 {
            write!(out, "  ")?;
            used += 2;
        }
        write!(out, "{}", terminal.paint(*tone, &text))?;
        used += width(&text);
    }
    let ids = call_ids(call, terminal);
    if !ids.is_empty() && used + 3 + width(&ids) <= total {
        return writeln!(out, "{}{}", " ".repeat(total - used - width(&ids)), terminal.paint(Tone::Faint, &ids));
    }
    writeln!(out)?;
    if !ids.is_empty() {
        for line in wrap(&ids, total.saturating_sub(2)) {
            writeln!(out, "  {}", terminal.paint(Tone::Faint, &line))?;
        }
    }
    Ok(())
}

/// `leg 77@b joined to 8231@a by X-CID gives the Call-ID · same SDP origin (score 145)`: one entry for each Call-ID that was joined.
fn joins(call: &Call, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let mut told: Vec<&[u8]> = Vec::new();
    for leg in &call.legs {
        let Some(join) = leg.joined.as_ref().filter(|_| !told.contains(&leg.call_id.bytes())) else { continue };
        told.push(leg.call_id.bytes());
        let evidence: Vec<&str> = join.evidence.iter().map(|e| e.detail.as_str()).collect();
        let [own, other] = [&leg.call_id, &join.call_id].map(|id| fit(&terminal.show(id.bytes()), 40, terminal));
        let text = format!("leg {own} joined to {other} by {} (score {})", evidence.join(" · "), join.score);
        for line in wrap(&terminal.spell(text), terminal.columns().saturating_sub(2)) {
            writeln!(out, "  {}", terminal.paint(Tone::Faint, &line))?;
        }
    }
    Ok(())
}

fn call_ids(call: &Call, terminal: Terminal) -> String {
    let shown = call.call_ids.iter().take(MOST_CALL_IDS);
    let mut ids: Vec<String> = shown.map(|id| fit(&terminal.show(id.bytes()), 80, terminal)).collect();
    if call.call_ids.len() > MOST_CALL_IDS {
        ids.push(format!("… {} more", call.call_ids.len() - MOST_CALL_IDS));
    }
    terminal.spell(ids.join(" · "))
}

/// Writes one message in one line, as it happens: time, way, transport, what it is, what to notice.
///
/// # Errors
/// Those of `out`.
pub fn message_line(message: &Message<'_>, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let label = Label::of_message(message, terminal);
    let way = terminal.spell(format!(
        "{:>21} → {:<21}",
        terminal.show(message.src.as_bytes()),
        terminal.show(message.dst.as_bytes())
    ));
    let time = clock(message.time);
    let transport = message.transport.to_uppercase();
    let head = label.fit(terminal.columns().saturating_sub(64).clamp(16, 34), terminal);
    write!(out, "{}  {way}  {transport:<4} {}", terminal.paint(Tone::Faint, &time), terminal.paint(label.tone, &head))?;
    let mut notes: Vec<String> = message.notes.iter().map(|note| terminal.show(note.as_bytes())).collect();
    if message.retransmission_of.is_some() {
        notes.push("retransmission".to_owned());
    }
    let used = width(&time) + width(&way) + width(&head) + 9;
    let notes = fit(&terminal.spell(notes.join(" · ")), terminal.columns().saturating_sub(used + 3), terminal);
    if notes.is_empty() { writeln!(out) } else { writeln!(out, "   {notes}") }
}
