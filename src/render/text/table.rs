//! Tables that fit the width: the least important columns go, and what can be shortened is.

use crate::render::Terminal;
use crate::render::glyph::{fit, width};
use crate::render::style::Tone;
use std::io::{self, Write};

/// Spaces between columns.
const GAP: usize = 2;

/// How one column behaves.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub title: &'static str,
    pub right: bool,
    /// Least width it can be shortened to; `None` keeps it whole.
    pub least: Option<usize>,
    /// The higher, the earlier it goes where the width is short; 0 stays.
    pub spare: u8,
}

impl Field {
    pub(super) const fn left(title: &'static str) -> Field {
        Field { title, right: false, least: None, spare: 0 }
    }

    pub(super) const fn right(title: &'static str) -> Field {
        Field { title, right: true, least: None, spare: 0 }
    }

    pub(super) const fn least(self, least: usize) -> Field {
        Field { least: Some(least), ..self }
    }

    pub(super) const fn spare(self, spare: u8) -> Field {
        Field { spare, ..self }
    }
}

/// One cell.
pub(super) type Cell = (String, Tone);

/// Writes a table. Columns that are empty in every row are left out.
pub(super) fn write(fields: &[Field], rows: &[Vec<Cell>], terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let mut widths: Vec<usize> = vec![0; fields.len()];
    for row in rows {
        for (wide, (text, _)) in widths.iter_mut().zip(row) {
            *wide = (*wide).max(width(text));
        }
    }
    for (wide, field) in widths.iter_mut().zip(fields) {
        if *wide > 0 {
            *wide = (*wide).max(width(field.title));
        }
    }
    squeeze(&mut widths, fields, terminal.columns());
    let heads: Vec<Cell> = fields.iter().map(|f| (f.title.to_owned(), Tone::Faint)).collect();
    for row in std::iter::once(&heads).chain(rows) {
        // Spaces are written only before text, so that no line ends in them.
        let mut pending = 0;
        let mut first = true;
        for ((text, tone), (&wide, field)) in row.iter().zip(widths.iter().zip(fields)) {
            if wide == 0 {
                continue;
            }
            if !first {
                pending += GAP;
            }
            first = false;
            let text = fit(text, wide, terminal);
            let rest = wide.saturating_sub(width(&text));
            if text.is_empty() {
                pending += wide;
                continue;
            }
            let (before, behind) = if field.right { (rest, 0) } else { (0, rest) };
            write!(out, "{:pad$}{}", "", terminal.paint(*tone, &text), pad = pending + before)?;
            pending = behind;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Makes the columns fit: spare ones go until the others have a fair width, then the longest are shortened.
fn squeeze(widths: &mut [usize], fields: &[Field], total: usize) {
    let fair = |(&wide, field): (&usize, &Field)| field.least.map_or(wide, |least| wide.min(least + least / 2));
    while excess(widths.iter().zip(fields).map(fair), total) > 0 {
        let spare = widths.iter().zip(fields).enumerate().filter(|(_, (wide, field))| **wide > 0 && field.spare > 0);
        match spare.max_by_key(|(_, (_, field))| field.spare) {
            Some((at, _)) => widths[at] = 0,
            None => break,
        }
    }
    loop {
        let over = excess(widths.iter().copied(), total);
        let long = widths.iter().zip(fields).enumerate();
        let longest = long.filter_map(|(at, (&wide, field))| {
            field.least.filter(|&least| wide > least).map(|least| (wide - least, at))
        });
        match longest.max() {
            Some((room, at)) if over > 0 => widths[at] -= over.min(room / 4 + 1),
            _ => break,
        }
    }
}

/// Columns by which a table of these widths is too wide.
fn excess(widths: impl Iterator<Item = usize>, total: usize) -> usize {
    let (sum, shown) = widths.filter(|&wide| wide > 0).fold((0, 0), |(sum, n), wide| (sum + wide, n + 1usize));
    (sum + shown.saturating_sub(1) * GAP).saturating_sub(total)
}
