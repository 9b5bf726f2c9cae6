//! Bytes from the network made safe to show.

use std::fmt;

/// Shows bytes so that no terminal can be steered by them: control, escape and bidirectional characters, line separators
/// and bytes that are not UTF-8 appear as `\x1b`, `\u{202e}`, `\xff`.
#[derive(Clone, Copy)]
pub struct Safe<'a>(pub &'a [u8]);

/// Whether a character can be shown as it stands.
#[must_use]
pub fn is_harmless(c: char) -> bool {
    !(c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'))
}

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            let valid = chunk.valid();
            let mut plain = 0;
            for (at, c) in valid.char_indices() {
                if is_harmless(c) {
                    continue;
                }
                f.write_str(&valid[plain..at])?;
                plain = at + c.len_utf8();
                match u32::from(c) {
                    code @ 0..=0xff => write!(f, "\\x{code:02x}")?,
                    code => write!(f, "\\u{{{code:04x}}}")?,
                }
            }
            f.write_str(&valid[plain..])?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Safe;

    #[test]
    fn control_and_bidirectional_characters_are_named_not_sent() {
        let shown = |b: &[u8]| Safe(b).to_string();
        assert_eq!(shown(b"plain \xc3\xa9"), "plain \u{e9}");
        assert_eq!(shown(b"\x1b]0;title\x07"), "\\x1b]0;title\\x07");
        assert_eq!(shown("a\u{202e}b\u{9b}c".as_bytes()), "a\\u{202e}b\\x9bc");
        assert_eq!(shown(b"\xff\r\n"), "\\xff\\x0d\\x0a");
    }
}
