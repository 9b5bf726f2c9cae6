//! One arrow with its time on the left and its notes on the right or below.

use super::columns::{ARROW_REST, Columns, Heading};
use super::entries::{Entry, What};
use crate::render::Terminal;
use crate::render::glyph::{head, width, wrap};
use crate::render::row::Row;
use crate::render::style::Tone;
use std::io::{self, Write};

/// An arrow's length beyond its label where it is shortest: `─ ` before it, ` ▶` behind.
const LEAST_REST: usize = 4;
/// Lines that the notes of one arrow may take.
const MOST_NOTE_LINES: usize = 8;

/// A line of notes: pieces with their tones.
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
    if from < to {
        row.set(right.saturating_sub(1), glyphs.to_right, tone);
    } else {
        row.set(left + 1, glyphs.to_left, tone);
    }
    // A label stays before the first lifeline it meets, unless it is readable only across it.
    let first = x(from.min(to) + 1).saturating_sub(left + 1);
    let whole = right.saturating_sub(left + 1);
    let room = if first >= entry.label.width() + LEAST_REST { first } else { whole };
    let (lead, rest) = shaft(entry.label.width(), room);
    let label_at = left + 1 + lead + usize::from(from > to);
    put_label(&entry.label.fit(room.saturating_sub(rest), terminal), label_at, tone, row);
}

/// Lines before a label, and all columns that are not the label: a short arrow gives up its shaft before its label.
fn shaft(label: usize, room: usize) -> (usize, usize) {
    match room.saturating_sub(label) {
        ARROW_REST.. => (2, ARROW_REST),
        rest @ (5 | 6) => (2, rest),
        LEAST_REST => (1, LEAST_REST),
        _ if room < 16 => (1, LEAST_REST),
        _ => (2, 6),
    }
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
        let (lead, rest) = shaft(entry.label.width(), length);
        let label = entry.label.fit(length.saturating_sub(rest), terminal);
        put_label(&label, own.min(end) + 1 + lead, tone, row);
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
    for (text, tone) in line {
        at = row.put(at, text, *tone);
    }
    // Where a note is drawn over lifelines, it ends with a space so that it does not run into one.
    if !line.is_empty() {
        row.set(at, ' ', Tone::Plain);
    }
}

/// Notes wrapped: ` · ` between notes, two spaces before a mark of a finding. What stands between two ` · ` stays in one
/// line where it can, and the end of a line takes the place of the dot.
fn note_lines(notes: &[(String, Tone)], room: usize, terminal: Terminal) -> Vec<NoteLine> {
    let room = room.max(8);
    let dot = terminal.spell(" · ".to_owned());
    let marks = [terminal.spell("▲ ".to_owned()), terminal.spell("△ ".to_owned())];
    let mut lines: Vec<NoteLine> = Vec::new();
    let mut used = room;
    for (note, tone) in notes {
        let is_mark = marks.iter().any(|mark| note.starts_with(mark.as_str()));
        let gap = if is_mark { "  " } else { dot.as_str() };
        for part in note.split(dot.as_str()).filter(|part| !part.trim().is_empty()) {
            let wide = width(gap) + width(part);
            if used + wide <= room
                && let Some(line) = lines.last_mut()
            {
                line.push((gap.to_owned(), Tone::Faint));
                line.push((part.to_owned(), *tone));
                used += wide;
                continue;
            }
            for piece in wrap(part.trim(), room) {
                used = width(&piece);
                lines.push(vec![(piece, *tone)]);
            }
            if lines.len() > MOST_NOTE_LINES {
                lines.truncate(MOST_NOTE_LINES);
                if let Some((last, _)) = lines.last_mut().and_then(|line| line.last_mut()) {
                    let ellipsis = terminal.glyphs().ellipsis;
                    *last = format!("{}{ellipsis}", head(last, room.saturating_sub(width(ellipsis))));
                }
                return lines;
            }
        }
    }
    lines
}
