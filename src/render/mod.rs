//! Reports made visible: text, ladders, JSON, NDJSON, and the schema of the JSON.
//!
//! A renderer decides nothing: what a call is, which finding matters and what a message's note says stands in the report.
//! It asks nothing either: width, character set and colour come in a [`Terminal`]. Every byte that came from the network
//! goes through [`crate::base::Safe`] before it is measured or shown.

pub mod json;
pub mod ladder;
pub mod ndjson;
pub mod schema;
pub mod style;
pub mod text;

mod escape;
mod glyph;
mod name;
mod quantity;
mod row;
#[cfg(test)]
mod sample;

/// What the renderer is told about the place where its text will be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Columns; what is outside 40 to 1000 is taken as the nearer of the two.
    pub width: usize,
    /// Whether box drawing and other characters outside ASCII can be shown.
    pub unicode: bool,
    /// Whether escape sequences for colour are written.
    pub colour: bool,
}

impl Default for Terminal {
    /// 120 columns of Unicode without colour: what a ticket or a file gets.
    fn default() -> Self {
        Terminal { width: 120, unicode: true, colour: false }
    }
}

impl Terminal {
    /// The width that is laid out for.
    pub(crate) fn columns(self) -> usize {
        self.width.clamp(40, 1000)
    }
}
