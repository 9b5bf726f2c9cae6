//! One line of a drawing, built cell by cell, so that wide names and escape sequences never shift what stands behind them.

use super::Terminal;
use super::glyph::char_width;
use super::style::Tone;
use std::io::{self, Write};

/// Stands in the second cell of a wide character.
const COVERED: char = '\0';
/// Combining characters kept on one cell: enough for every script, too few to paint over other lines.
const MARKS: usize = 3;

#[derive(Clone, Copy)]
struct Cell {
    glyph: char,
    tone: Tone,
}

const BLANK: Cell = Cell { glyph: ' ', tone: Tone::Plain };

/// A line of at most `limit` columns.
pub(super) struct Row {
    cells: Vec<Cell>,
    /// Combining characters with the column they stand on, in order of column.
    marks: Vec<(usize, char)>,
    limit: usize,
    /// The line as text, kept for its memory.
    text: String,
}

impl Row {
    pub(super) fn new(limit: usize) -> Self {
        Row { cells: Vec::with_capacity(limit), marks: Vec::new(), limit, text: String::new() }
    }

    /// Puts one character of width 1.
    pub(super) fn set(&mut self, column: usize, glyph: char, tone: Tone) {
        if column >= self.limit {
            return;
        }
        self.reach(column + 1);
        self.uncover(column);
        if let Some(cell) = self.cells.get_mut(column) {
            *cell = Cell { glyph, tone };
        }
    }

    /// Puts `text` from `column` on and returns the column behind it. What is behind the limit is left out.
    pub(super) fn put(&mut self, column: usize, text: &str, tone: Tone) -> usize {
        let mut at = column;
        let mut on_this_cell = 0;
        for c in text.chars() {
            let wide = char_width(c);
            if wide == 0 {
                if at > column && on_this_cell < MARKS {
                    self.marks.push((at - 1, c));
                    on_this_cell += 1;
                }
                continue;
            }
            if at + wide > self.limit {
                break;
            }
            on_this_cell = 0;
            self.set(at, c, tone);
            if wide == 2 {
                self.set(at + 1, ' ', tone);
                if let Some(cell) = self.cells.get_mut(at + 1) {
                    cell.glyph = COVERED;
                }
            }
            at += wide;
        }
        at
    }

    fn reach(&mut self, len: usize) {
        if self.cells.len() < len {
            self.cells.resize(len, BLANK);
        }
    }

    /// Blanks the other half of a wide character, and the marks, where a cell is about to be drawn over.
    fn uncover(&mut self, column: usize) {
        let covered = |cell: Option<&Cell>| cell.is_some_and(|c| c.glyph == COVERED);
        if covered(self.cells.get(column))
            && let Some(before) = column.checked_sub(1).and_then(|at| self.cells.get_mut(at))
        {
            before.glyph = ' ';
        }
        if covered(self.cells.get(column + 1))
            && let Some(after) = self.cells.get_mut(column + 1)
        {
            after.glyph = ' ';
        }
        if !self.marks.is_empty() {
            self.marks.retain(|&(at, _)| at != column);
        }
    }

    /// Writes the line without trailing spaces, and empties it.
    pub(super) fn flush(&mut self, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
        while self.cells.last().is_some_and(|c| c.glyph == ' ') {
            self.cells.pop();
        }
        self.marks.sort_by_key(|&(at, _)| at);
        let mut marks = self.marks.iter().peekable();
        let mut tone = Tone::Plain;
        self.text.clear();
        for (at, cell) in self.cells.iter().enumerate() {
            // A space has no colour of its own: it goes with what stands before it.
            if cell.tone != tone && cell.glyph != ' ' && cell.glyph != COVERED {
                write!(out, "{}", terminal.paint(tone, &self.text))?;
                self.text.clear();
                tone = cell.tone;
            }
            if cell.glyph != COVERED {
                self.text.push(cell.glyph);
            }
            while let Some(&(_, mark)) = marks.next_if(|&&(column, _)| column <= at) {
                self.text.push(mark);
            }
        }
        writeln!(out, "{}", terminal.paint(tone, &self.text))?;
        self.cells.clear();
        self.marks.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Row;
    use crate::render::{Terminal, style::Tone};

    fn drawn(row: &mut Row, colour: bool) -> String {
        let mut out = Vec::new();
        row.flush(Terminal { colour, ..Terminal::default() }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn wide_characters_take_two_cells_and_are_never_halved() {
        let mut row = Row::new(20);
        assert_eq!(row.put(1, "山田", Tone::Plain), 5);
        row.set(6, '|', Tone::Plain);
        assert_eq!(drawn(&mut row, false), " 山田 |\n");
        row.put(0, "山田", Tone::Plain);
        row.set(1, '|', Tone::Plain);
        row.set(2, '|', Tone::Plain);
        assert_eq!(drawn(&mut row, false), " || \n".trim_end().to_owned() + "\n");
    }

    #[test]
    fn combining_characters_stay_on_their_letter_and_are_few() {
        let mut row = Row::new(20);
        assert_eq!(row.put(0, "e\u{301}x", Tone::Plain), 2);
        assert_eq!(drawn(&mut row, false), "e\u{301}x\n");
        row.put(0, &format!("e{}", "\u{301}".repeat(50)), Tone::Plain);
        assert_eq!(drawn(&mut row, false).chars().count(), 5);
    }

    #[test]
    fn nothing_is_drawn_behind_the_limit_and_colour_groups_runs() {
        let mut row = Row::new(4);
        row.put(0, "abcdef", Tone::Good);
        row.set(9, '|', Tone::Plain);
        assert_eq!(drawn(&mut row, true), "\x1b[32mabcd\x1b[0m\n");
        row.put(0, "abc山", Tone::Plain);
        assert_eq!(drawn(&mut row, false), "abc\n");
    }
}
