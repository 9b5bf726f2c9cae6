//! Ladders: a column a participant, an arrow a message, and on the right what a person should notice.
//!
//! Three passes: [`entries`] folds messages and streams into arrows, [`columns`] finds a layout that the width can hold,
//! [`arrow`] draws one arrow with its notes. The same ladder serves what was captured and what we sent ourselves.

mod arrow;
mod columns;
mod entries;
#[cfg(test)]
mod tests;

use super::Terminal;
use super::glyph::{fit, width};
use super::quantity::count;
use super::row::Row;
use super::style::Tone;
use crate::report::Text;
use crate::report::decode::{Finding, Instant, Kind, Message, Participant, Stream};
use columns::{Columns, Heading};
use entries::{Entry, What};
use std::io::{self, Write};

/// Arrows drawn in one ladder; more are counted below it.
const MOST_ARROWS: usize = 200;
/// Lines of the legend of letters.
const MOST_NAMES: usize = 100;

/// How much of each message stands under its arrow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Bodies {
    /// Nothing.
    #[default]
    None,
    /// Start line and header fields, where the report holds them.
    Headers,
    /// The whole message, where the report holds it.
    Full,
}

/// What one ladder shows.
#[derive(Clone, Copy)]
pub struct Ladder<'a> {
    /// The instant that is +0.000.
    pub start: Instant,
    /// Columns, left to right. An address that is not among them gets a column of its own.
    pub participants: &'a [Participant],
    /// Messages in order.
    pub messages: &'a [&'a Message<'a>],
    /// Streams, drawn at their first packet.
    pub streams: &'a [&'a Stream],
    /// Findings, named next to the messages that prove them.
    pub findings: &'a [&'a Finding],
    /// What stands under the arrows.
    pub bodies: Bodies,
}

impl Ladder<'_> {
    /// Draws the ladder.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn draw(&self, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
        let (entries, undrawn) = entries::of(self, MOST_ARROWS, terminal);
        if entries.is_empty() {
            return Ok(());
        }
        let columns = Columns::lay_out(self, &entries, terminal);
        let mut row = Row::new(terminal.columns());
        columns.draw_heading(&mut row, terminal, out)?;
        for entry in &entries {
            arrow::draw(entry, &columns, &mut row, terminal, out)?;
            if let What::Message(message) = entry.what {
                self.draw_body(message, &columns, terminal, out)?;
            }
        }
        let mut remark = |text: String| {
            let indent = " ".repeat(columns.time_end().saturating_sub(1));
            writeln!(out, "{indent}{}", terminal.paint(Tone::Faint, &terminal.spell(text)))
        };
        if let Some((more, last)) = undrawn.left_out {
            remark(format!("… {} more messages, until {last}", count(more)))?;
        }
        if undrawn.copies > 0 {
            let sights = if undrawn.copies == 1 { "more sight" } else { "more sights" };
            remark(format!("{} {sights} of these messages, captured again or mirrored", count(undrawn.copies)))?;
        }
        Ok(())
    }

    /// Writes what [`Bodies`] asks for under an arrow, one line of the message a line, nothing wrapped: it will be copied.
    fn draw_body(
        &self,
        message: &Message<'_>,
        columns: &Columns,
        terminal: Terminal,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let indent = " ".repeat(columns.time_end() + 2);
        let gutter = String::from(terminal.glyphs().gutter);
        let mut line = |bytes: &[u8]| {
            writeln!(out, "{indent}{} {}", terminal.paint(Tone::Faint, &gutter), terminal.show(bytes).trim_end())
        };
        match (self.bodies, &message.raw, &message.headers) {
            (Bodies::None, ..) => {}
            (Bodies::Full, Some(raw), _) => {
                let raw = raw.bytes();
                for part in raw.strip_suffix(b"\n").unwrap_or(raw).split(|&b| b == b'\n') {
                    line(part.strip_suffix(b"\r").unwrap_or(part))?;
                }
            }
            (_, _, Some(headers)) => {
                line(&start_line(message))?;
                for header in headers {
                    line(&[header.name.bytes(), b": ", header.value.bytes()].concat())?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The first line of a message, put together again from its parts. RFC 3261 §7
fn start_line(message: &Message<'_>) -> Vec<u8> {
    let text = |text: &Option<Text<'_>>| text.as_ref().map(|t| t.bytes().to_vec()).unwrap_or_default();
    match message.kind {
        Kind::Request => [text(&message.method), text(&message.uri), b"SIP/2.0".to_vec()].join(&b' '),
        Kind::Response => {
            let status = message.status.map(|s| s.to_string()).unwrap_or_default();
            [b"SIP/2.0".to_vec(), status.into_bytes(), text(&message.reason)].join(&b' ')
        }
    }
}

impl Columns {
    /// Names over the columns, or the legend of their letters, and a first line of lifelines.
    fn draw_heading(&self, row: &mut Row, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
        match self.heading {
            Heading::Names => {
                let lines = self.columns.iter().map(|c| c.lines.len()).max().unwrap_or(0);
                for line in 0..lines {
                    for column in &self.columns {
                        if let Some((text, tone)) = column.lines.get(line) {
                            row.put(column.x.saturating_sub(width(text) / 2), text, *tone);
                        }
                    }
                    row.flush(terminal, out)?;
                }
            }
            Heading::Letters | Heading::List => {
                let letters = self.columns.last().map_or(1, |last| last.letter.len());
                for column in self.columns.iter().take(MOST_NAMES) {
                    row.put(2, &column.letter, Tone::Strong);
                    let at = letters + 4;
                    let name = fit(&column.address, terminal.columns().saturating_sub(at), terminal);
                    let at = row.put(at, &name, Tone::Plain) + 2;
                    row.put(at, &fit(&column.role, terminal.columns().saturating_sub(at), terminal), Tone::Faint);
                    row.flush(terminal, out)?;
                }
                if self.columns.len() > MOST_NAMES {
                    let more = format!("… {} more addresses", self.columns.len() - MOST_NAMES);
                    row.put(2, &terminal.spell(more), Tone::Faint);
                    row.flush(terminal, out)?;
                }
                row.flush(terminal, out)?;
                if self.heading == Heading::Letters {
                    for column in &self.columns {
                        row.put(column.x, &column.letter, Tone::Strong);
                    }
                    row.flush(terminal, out)?;
                }
            }
        }
        if self.heading != Heading::List {
            self.draw_lifelines(row, terminal);
            row.flush(terminal, out)?;
        }
        Ok(())
    }

    fn draw_lifelines(&self, row: &mut Row, terminal: Terminal) {
        for column in &self.columns {
            row.set(column.x, terminal.glyphs().lifeline, Tone::Faint);
        }
    }
}

impl Entry<'_> {
    /// The time label's column is shared by all entries, so they are set flush right.
    fn draw_time(&self, columns: &Columns, row: &mut Row) {
        row.put(columns.time_end().saturating_sub(width(&self.time)), &self.time, Tone::Faint);
    }
}
