//! Colour, which underlines what the words already say and never says anything alone.

use super::Terminal;
use crate::report::decode::{CallState, Severity};
use colored::Color;
use std::fmt;

/// Why a piece of text stands out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tone {
    /// It does not.
    #[default]
    Plain,
    /// Scenery: lifelines, times, rules of a table.
    Faint,
    /// Headings and addresses.
    Strong,
    /// A request.
    Request,
    /// A provisional response, or a state that is not the last.
    Pending,
    /// Success.
    Good,
    /// Wrong or risky.
    Warning,
    /// Failed.
    Error,
    /// Media.
    Media,
}

impl Tone {
    /// Bold or faint, and the colour, of this tone.
    fn look(self) -> (Option<&'static str>, Option<Color>) {
        match self {
            Tone::Plain => (None, None),
            Tone::Faint => (Some("2"), None),
            Tone::Strong => (Some("1"), None),
            Tone::Request => (None, Some(Color::Cyan)),
            Tone::Pending => (None, Some(Color::Blue)),
            Tone::Good => (None, Some(Color::Green)),
            Tone::Warning => (None, Some(Color::Yellow)),
            Tone::Error => (Some("1"), Some(Color::Red)),
            Tone::Media => (None, Some(Color::Magenta)),
        }
    }

    /// The tone of a status code.
    #[must_use]
    pub fn of_status(status: u16) -> Tone {
        match status {
            0..=199 => Tone::Pending,
            200..=299 => Tone::Good,
            300..=399 | 401 | 407 => Tone::Warning,
            _ => Tone::Error,
        }
    }

    /// The tone of a call's state.
    #[must_use]
    pub fn of_state(state: CallState) -> Tone {
        match state {
            CallState::Trying | CallState::Ringing => Tone::Pending,
            CallState::Answered | CallState::Completed => Tone::Good,
            CallState::Busy | CallState::Cancelled | CallState::Redirected | CallState::Unanswered => Tone::Warning,
            CallState::Rejected | CallState::Unauthorized | CallState::Failed => Tone::Error,
        }
    }

    /// The tone of a severity.
    #[must_use]
    pub fn of_severity(severity: Severity) -> Tone {
        match severity {
            Severity::Info => Tone::Pending,
            Severity::Warning => Tone::Warning,
            Severity::Error => Tone::Error,
        }
    }
}

/// Text in a tone; plain text where the terminal has no colour.
pub struct Painted<'a> {
    text: &'a str,
    tone: Tone,
    colour: bool,
}

impl Terminal {
    /// `text` in `tone`, for writing. The text has been made safe before.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> Painted<'_> {
        Painted { text, tone, colour: self.colour }
    }
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (weight, colour) = self.tone.look();
        if !self.colour || self.text.is_empty() || (weight.is_none() && colour.is_none()) {
            return f.write_str(self.text);
        }
        f.write_str("\x1b[")?;
        if let Some(weight) = weight {
            f.write_str(weight)?;
        }
        if let Some(colour) = colour {
            if weight.is_some() {
                f.write_str(";")?;
            }
            f.write_str(&colour.to_fg_str())?;
        }
        write!(f, "m{}\x1b[0m", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Tone;
    use crate::render::Terminal;

    #[test]
    fn colour_is_written_only_when_told() {
        let plain = Terminal { colour: false, ..Terminal::default() };
        let colour = Terminal { colour: true, ..plain };
        assert_eq!(plain.paint(Tone::Error, "no").to_string(), "no");
        assert_eq!(colour.paint(Tone::Error, "no").to_string(), "\x1b[1;31mno\x1b[0m");
        assert_eq!(colour.paint(Tone::Faint, "no").to_string(), "\x1b[2mno\x1b[0m");
        assert_eq!(colour.paint(Tone::Plain, "no").to_string(), "no");
        assert_eq!(colour.paint(Tone::Good, "").to_string(), "");
    }
}
