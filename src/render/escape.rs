//! JSON in which no character steers a terminal: what `jq` and a parser read is the same, what a terminal shows is `\u202e`.

use crate::base::text::is_harmless;
use std::io::{self, Write};

/// Passes JSON on, with the characters that JSON allows and a terminal obeys written as escapes. They stand in texts only, and
/// a serialiser writes a text in pieces of whole characters, so that it is enough to look at each piece.
pub struct Escaping<W>(pub W);

/// Whether nothing in JSON has to be escaped for a terminal's sake: ASCII without DEL.
pub fn is_plain(json: &[u8]) -> bool {
    json.is_ascii() && memchr::memchr(0x7f, json).is_none()
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if is_plain(piece) {
            self.0.write_all(piece)?;
            return Ok(piece.len());
        }
        for chunk in piece.utf8_chunks() {
            let valid = chunk.valid();
            let mut plain = 0;
            // The line feeds of an indented document are no text.
            for (at, c) in valid.char_indices().filter(|&(_, c)| c != '\n' && !is_harmless(c)) {
                self.0.write_all(&valid.as_bytes()[plain..at])?;
                plain = at + c.len_utf8();
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(self.0, "\\u{unit:04x}")?;
                }
            }
            self.0.write_all(&valid.as_bytes()[plain..])?;
            self.0.write_all(chunk.invalid())?;
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::Escaping;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_reads_the_same() {
        let text = "J\u{fc}rgen \u{202e}\u{9b}31m\u{7f}\u{e0041} \u{1f600}\n";
        for pretty in [false, true] {
            let mut out = Vec::new();
            let value = serde_json::json!({ "a": text });
            if pretty {
                serde_json::to_writer_pretty(Escaping(&mut out), &value).unwrap();
            } else {
                serde_json::to_writer(Escaping(&mut out), &value).unwrap();
            }
            let written = String::from_utf8(out).unwrap();
            assert!(written.contains(r"Jürgen \u202e\u009b31m\u007f\udb40\udc41 😀\n"), "{written}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), value);
        }
    }
}
