//! One arrow with its time on the left and its notes on the right or below.

use super::columns::{ARROW_REST, Columns, Heading};
use super::entries::{Entry, What};
use crate::render::Terminal;
use crate::render::glyph::{fit, head, width};
use crate::render::row::Row;
use crate::render::style::Tone;
use std::io::{self, Write};

/// Lines that the notes of one arrow may take.
const MOST_NOTE_LINES: usize = 8;

/// A line of notes: words with their tones.
type NoteLine = Vec<(String, Tone)>;

/// Draws `entry`.
pub(super) fn draw(
    entry: &Entry<'_>,
    columns: &Columns,
    row: &mut Row,
    terminal: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (src, dst) = entry.ends();
    let (from, to) = (columns.of(src), columns.of(dst));
    if columns.heading == Heading::List {
        return draw_listed(entry, (from, to), columns, row, terminal, out);
    }
    columns.draw_lifelines(row, terminal);
    entry.draw_time(columns, row);
    let to_itself = from == to;
    if to_itself {
        draw_turn(entry, from, columns, true, row, terminal);
    } else {
        draw_line(entry, from, to, columns, row, terminal);
    }
    let total = terminal.columns();
    let start = columns.notes.unwrap_or_else(|| under(columns, from.min(to), total));
    let notes = note_lines(&entry.notes, total.saturating_sub(start), terminal);
    let mut notes = notes.iter();
    if columns.notes.is_some()
        && let Some(line) = notes.next()
    {
        put_note(line, start, row);
    }
    row.flush(terminal, out)?;
    if to_itself {
        columns.draw_lifelines(row, terminal);
        draw_turn(entry, from, columns, false, row, terminal);
        if columns.notes.is_some()
            && let Some(line) = notes.next()
        {
            put_note(line, start, row);
        }
        row.flush(terminal, out)?;
    }
    for line in notes {
        columns.draw_lifelines(row, terminal);
        put_note(line, start, row);
        row.flush(terminal, out)?;
    }
    Ok(())
}

/// Where notes under an arrow start: beside its left end if enough of the line is behind that, else beside the first lifeline.
fn under(columns: &Columns, left: usize, total: usize) -> usize {
    let beside = |at: usize| columns.columns.get(at).map_or(0, |c| c.x) + 2;
    if beside(left) + 36 <= total { beside(left) } else { beside(0) }
}

/// The arrow between two lifelines, over those between.
fn draw_line(entry: &Entry<'_>, from: usize, to: usize, columns: &Columns, row: &mut Row, terminal: Terminal) {
    let glyphs = terminal.glyphs();
    let (line, across) = match entry.what {
        What::Message(_) => (glyphs.line, glyphs.line_across),
        What::Stream(_) => (glyphs.heavy, glyphs.heavy_across),
    };
    let tone = entry.label.tone;
    let x = |at: usize| columns.columns.get(at).map_or(0, |c| c.x);
    let (left, right) = (x(from.min(to)), x(from.max(to)));
    for column in left + 1..right {
        row.set(column, line, tone);
    }
    for between in from.min(to) + 1..from.max(to) {
        row.set(x(between), across, tone);
    }
    let label_at = if from < to {
        row.set(right.saturating_sub(1), glyphs.to_right, tone);
        left + 3
    } else {
        row.set(left + 1, glyphs.to_left, tone);
        left + 4
    };
    // A label stays before the first lifeline it meets, unless it is readable only across it.
    let first = x(from.min(to) + 1).saturating_sub(left + 1);
    let whole = right.saturating_sub(left + 1);
    let room = if first >= entry.label.width() + ARROW_REST { first } else { whole };
    put_label(&entry.label.fit(room.saturating_sub(ARROW_REST), terminal), label_at, tone, row);
}

fn put_label(label: &str, column: usize, tone: Tone, row: &mut Row) {
    if !label.is_empty() {
        row.set(column, ' ', tone);
        let end = row.put(column + 1, label, tone);
        row.set(end, ' ', tone);
    }
}

/// A message from a participant to itself: out and back in two lines, to the left where nothing is on the right.
fn draw_turn(entry: &Entry<'_>, at: usize, columns: &Columns, above: bool, row: &mut Row, terminal: Terminal) {
    let glyphs = terminal.glyphs();
    let line = if matches!(entry.what, What::Stream(_)) { glyphs.heavy } else { glyphs.line };
    let tone = entry.label.tone;
    let x = |at: usize| columns.columns.get(at).map(|c| c.x);
    let Some(own) = x(at) else { return };
    let alone = columns.columns.len() == 1;
    let to_right = alone || at + 1 < columns.columns.len();
    let step = if alone {
        columns.notes.map_or(26, |notes| notes.saturating_sub(own + 3))
    } else {
        x(1).unwrap_or(0).saturating_sub(x(0).unwrap_or(0))
    };
    let length = step.saturating_sub(3);
    let [right_above, right_below, left_above, left_below] = glyphs.turns;
    let end = if to_right { own + 1 + length } else { own.saturating_sub(1 + length) };
    for column in own.min(end) + 1..own.max(end) {
        row.set(column, line, tone);
    }
    let corner = match (to_right, above) {
        (true, true) => right_above,
        (true, false) => right_below,
        (false, true) => left_above,
        (false, false) => left_below,
    };
    row.set(end, corner, tone);
    if above {
        let label = entry.label.fit(length.saturating_sub(6), terminal);
        put_label(&label, own.min(end) + 3, tone, row);
    } else if to_right {
        row.set(own + 1, glyphs.to_left, tone);
    } else {
        row.set(own.saturating_sub(1), glyphs.to_right, tone);
    }
}

/// A line of the list that a crowd gets: `+0.000  A → B  INVITE bob  SDP   notes`.
fn draw_listed(
    entry: &Entry<'_>,
    (from, to): (usize, usize),
    columns: &Columns,
    row: &mut Row,
    terminal: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    entry.draw_time(columns, row);
    let letter = |at: usize| columns.columns.get(at).map_or("?", |c| c.letter.as_str());
    let way = terminal.spell(format!("{:>2} → {:<2}", letter(from), letter(to)));
    let at = row.put(columns.time_end() + 2, &way, Tone::Plain) + 2;
    let end = row.put(at, &entry.label.fit(30, terminal), entry.label.tone);
    let start = (at + 22).max(end + 3);
    for (n, line) in note_lines(&entry.notes, terminal.columns().saturating_sub(start), terminal).iter().enumerate() {
        if n > 0 {
            row.flush(terminal, out)?;
        }
        put_note(line, start, row);
    }
    row.flush(terminal, out)
}

fn put_note(line: &NoteLine, start: usize, row: &mut Row) {
    let mut at = start;
    for (word, tone) in line {
        if at > start {
            row.set(at, ' ', Tone::Plain);
            at += 1;
        }
        at = row.put(at, word, *tone);
    }
    // Where a note is drawn over lifelines, it ends with a space so that it does not run into one.
    if !line.is_empty() {
        row.set(at, ' ', Tone::Plain);
    }
}

/// Notes wrapped by words: ` · ` between notes, two spaces before a mark of a finding.
fn note_lines(notes: &[(String, Tone)], room: usize, terminal: Terminal) -> Vec<NoteLine> {
    let room = room.saturating_sub(1).max(8);
    let mut lines: Vec<NoteLine> = vec![Vec::new()];
    let mut used = 0;
    let dot = terminal.spell("·".to_owned());
    let mark = terminal.spell("▲".to_owned());
    let minor_mark = terminal.spell("△".to_owned());
    for (at, (note, tone)) in notes.iter().enumerate() {
        let is_mark = note.starts_with(&mark) || note.starts_with(&minor_mark);
        if at > 0 && !is_mark && used > 0 {
            if let Some(line) = lines.last_mut() {
                line.push((dot.clone(), Tone::Faint));
            }
            used += 2;
        }
        // A mark and its code stay together.
        let words: Vec<&str> = if is_mark { vec![note] } else { note.split(' ').filter(|w| !w.is_empty()).collect() };
        for mut word in words {
            loop {
                let space = usize::from(used > 0) + usize::from(is_mark && used > 0);
                let wide = width(word);
                if used > 0 && used + space + wide > room {
                    lines.push(Vec::new());
                    used = 0;
                    continue;
                }
                let part = if wide > room { head(word, room) } else { word };
                let spaced = if space == 2 { format!(" {part}") } else { part.to_owned() };
                used += space.min(1) + width(&spaced);
                if let Some(line) = lines.last_mut() {
                    line.push((spaced, *tone));
                }
                word = word.get(part.len()..).unwrap_or("");
                if word.is_empty() || part.is_empty() {
                    break;
                }
            }
            if lines.len() > MOST_NOTE_LINES {
                lines.truncate(MOST_NOTE_LINES);
                if let Some((last, _)) = lines.last_mut().and_then(|line| line.last_mut()) {
                    *last = fit(&format!("{last}{}", terminal.glyphs().ellipsis), room, terminal);
                }
                return lines;
            }
        }
    }
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}
