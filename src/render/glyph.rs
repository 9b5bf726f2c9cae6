//! Characters and their widths: the two sets that ladders are drawn with, and text cut and wrapped by display columns.

use super::Terminal;
use crate::base::Safe;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthChar;

/// The characters that a ladder is drawn with.
pub(super) struct Glyphs {
    pub lifeline: char,
    pub line: char,
    pub line_across: char,
    pub heavy: char,
    pub heavy_across: char,
    pub to_right: char,
    pub to_left: char,
    /// Ends of a message that one participant sends to itself: right above, right below, left above, left below.
    pub turns: [char; 4],
    /// Left of a message's text under its arrow.
    pub gutter: char,
    pub ellipsis: &'static str,
}

const UNICODE: Glyphs = Glyphs {
    lifeline: '│',
    line: '─',
    line_across: '┼',
    heavy: '═',
    heavy_across: '╪',
    to_right: '▶',
    to_left: '◀',
    turns: ['╮', '╯', '╭', '╰'],
    gutter: '┆',
    ellipsis: "…",
};

const ASCII: Glyphs = Glyphs {
    lifeline: '|',
    line: '-',
    line_across: '+',
    heavy: '=',
    heavy_across: '+',
    to_right: '>',
    to_left: '<',
    turns: ['.', '\'', '.', '\''],
    gutter: ':',
    ellipsis: "...",
};

impl Terminal {
    /// The set that this terminal can show.
    pub(super) fn glyphs(self) -> &'static Glyphs {
        if self.unicode { &UNICODE } else { &ASCII }
    }

    /// Bytes of the network or of a report, safe to show in this terminal's characters.
    pub(super) fn show(self, bytes: &[u8]) -> String {
        self.spell(Safe(bytes).to_string())
    }

    /// Our own words in this terminal's characters: they are written with `·`, `→`, `×`, `…`, `▲` and `§` everywhere.
    pub(super) fn spell(self, text: String) -> String {
        if self.unicode || text.is_ascii() {
            return text;
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                ' '..='~' => out.push(c),
                '·' | '–' | '—' => out.push('-'),
                '→' => out.push_str("->"),
                '←' => out.push_str("<-"),
                '×' => out.push('x'),
                '…' => out.push_str("..."),
                '▲' | '△' => out.push('^'),
                '│' => out.push('|'),
                '≥' => out.push_str(">="),
                '≤' => out.push_str("<="),
                '§' => out.push_str("section "),
                '“' | '”' => out.push('"'),
                '‘' | '’' => out.push('\''),
                other => {
                    // A String takes whatever is written to it.
                    let _ = write!(out, "\\u{{{:04x}}}", u32::from(other));
                }
            }
        }
        out
    }
}

/// Columns that one character takes: 0 for a combining one, 2 for a wide one.
pub(super) fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char_width).sum() }
}

/// `text` in at most `columns`, its end replaced by an ellipsis where it is longer.
pub(super) fn fit(text: &str, columns: usize, terminal: Terminal) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let ellipsis = terminal.glyphs().ellipsis;
    let Some(room) = columns.checked_sub(width(ellipsis)) else {
        return head(text, columns).to_owned();
    };
    let mut out = head(text, room).trim_end().to_owned();
    out.push_str(ellipsis);
    out
}

/// The longest start of `text` that takes at most `columns`.
pub(super) fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += char_width(c);
        if used > columns {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// `text` broken at spaces into lines of at most `columns`; a word that is longer is broken where it must be.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let mut word = word;
        let mut wide = width(word);
        let space = usize::from(!line.is_empty());
        if used + space + wide > columns && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        while wide > columns {
            let part = head(word, columns);
            if part.is_empty() {
                break;
            }
            lines.push(part.to_owned());
            word = word.get(part.len()..).unwrap_or("");
            wide -= width(part);
        }
        if !line.is_empty() {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += wide;
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{fit, head, width, wrap};
    use crate::render::Terminal;

    const UNICODE: Terminal = Terminal { width: 80, unicode: true, colour: false };
    const ASCII: Terminal = Terminal { width: 80, unicode: false, colour: false };

    #[test]
    fn wide_and_combining_characters_are_measured_as_shown() {
        assert_eq!(width("山田"), 4);
        assert_eq!(width("e\u{301}"), 1);
        assert_eq!(head("山田太郎", 5), "山田");
        assert_eq!(fit("山田太郎", 6, UNICODE), "山田…");
        assert_eq!(fit("Proxy Authentication", 11, UNICODE), "Proxy Auth…");
        assert_eq!(fit("Proxy Authentication", 11, ASCII), "Proxy Au...");
        assert_eq!(fit("abcdef", 2, ASCII), "ab");
        assert_eq!(fit("abc", 3, ASCII), "abc");
    }

    #[test]
    fn wraps_at_spaces_and_breaks_what_has_none() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("山田", 1), ["山田"], "what cannot be broken is kept");
    }

    #[test]
    fn ascii_terminals_get_ascii_only() {
        assert_eq!(ASCII.show("a → b · 山 §1".as_bytes()), "a -> b - \\u{5c71} section 1");
        assert_eq!(UNICODE.show(b"\x1b[2J"), "\\x1b[2J");
    }
}
