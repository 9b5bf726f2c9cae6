//! The characters of RFC 3261 §25.1, and the few ways in which values are parted.

use crate::base::{Span, scan};

/// `token` of RFC 3261 §25.1.
pub(super) const TOKEN: u8 = 1;
/// `word` of RFC 3261 §25.1: what a Call-ID is made of.
pub(super) const WORD: u8 = 1 << 1;
/// What a user part may hold, `%` of an escape included.
pub(super) const USER: u8 = 1 << 2;
/// `paramchar`: name or value of a URI parameter, `%` included.
pub(super) const PARAM: u8 = 1 << 3;
/// Name or value of a header field in a URI, `%` included.
pub(super) const HEADER: u8 = 1 << 4;
/// `uric`: any character of an absolute URI, `%` included.
pub(super) const URIC: u8 = 1 << 5;
/// Host names and IPv4 addresses. The underscore is not in the grammar, but in half of all private domains.
pub(super) const HOST: u8 = 1 << 6;
/// White space, line ends of a folded value included.
pub(super) const LWS: u8 = 1 << 7;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut c = 0;
    while c < 256 {
        let byte = c as u8;
        let alnum = byte.is_ascii_alphanumeric();
        let mark = matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')');
        let unreserved = alnum || mark || byte == b'%';
        let token = alnum || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        let brackets = matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}');
        let word = token || brackets || matches!(byte, b':' | b'\\' | b'"' | b'/' | b'?');
        let user = unreserved || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/');
        let param = unreserved || matches!(byte, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$');
        let header = unreserved || matches!(byte, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$');
        let uric = user || matches!(byte, b':' | b'@');
        let host = alnum || matches!(byte, b'-' | b'.' | b'_');
        classes[c] = token as u8 * TOKEN
            + word as u8 * WORD
            + user as u8 * USER
            + param as u8 * PARAM
            + header as u8 * HEADER
            + uric as u8 * URIC
            + host as u8 * HOST
            + matches!(byte, b' ' | b'\t' | b'\r' | b'\n') as u8 * LWS;
        c += 1;
    }
    classes
};

/// Whether the byte is of the class.
#[inline]
pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// Whether there is at least one byte, and all are of the class.
#[inline]
pub(super) fn all(bytes: &[u8], class: u8) -> bool {
    // Without a way out in the middle: most are of the class to their end.
    !bytes.is_empty() && bytes.iter().fold(class, |left, &b| left & CLASSES[b as usize]) != 0
}

/// The longest start of `bytes` made of the class, and what follows it.
#[inline]
pub(super) fn take(bytes: &[u8], class: u8) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().position(|&b| !is(b, class)).unwrap_or(bytes.len()))
}

/// Whether the byte is white space: one comparison says no to nearly all that are asked.
#[inline]
fn is_space(byte: u8) -> bool {
    byte <= b' ' && matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without white space at the start.
#[inline]
pub(super) fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_space(*first)
    {
        bytes = rest;
    }
    bytes
}

/// Without white space at the end.
#[inline]
pub(super) fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., last] = bytes
        && is_space(*last)
    {
        bytes = rest;
    }
    bytes
}

/// Without white space at either end.
#[inline]
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    trim_end(trim_start(bytes))
}

/// Where `part`, a slice of `whole`, stands in it; [`Span::NONE`] for one that does not.
#[inline]
pub(super) fn span_of(part: &[u8], whole: &[u8]) -> Span {
    let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    match start.checked_add(part.len()) {
        Some(end) if end <= whole.len() => Span::new(start, end),
        _ => Span::NONE,
    }
}

/// The number that the digits say; `None` where there are none, others among them, or it is beyond 64 bits.
#[inline]
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let digit = |d: &u8| Some(u64::from(d.wrapping_sub(b'0'))).filter(|&digit| digit < 10);
    if digits.len() < 20 {
        // 19 digits fit: no step needs a look whether it still does.
        return digits.iter().try_fold(0u64, |n, d| Some(n * 10 + digit(d)?));
    }
    digits.iter().try_fold(0u64, |n, d| n.checked_mul(10)?.checked_add(digit(d)?))
}

/// The offset after the quote that ends the quoted string which `bytes` starts with.
pub(super) fn quoted_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += scan::find([b'"', b'\\'], bytes.get(at..)?)?;
        match bytes[at] {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// A value parted at a separator, where it stands neither in a quoted string nor between `<` and `>`. Empty parts are
/// given too; all are without white space around them.
#[derive(Clone, Debug)]
pub(super) struct Parts<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
    /// Off once a quote was found that nothing ends: from then on quotes are ordinary characters.
    quotes: bool,
    angles: bool,
}

impl<'a> Parts<'a> {
    #[inline]
    pub(super) fn new(value: &'a [u8], separator: u8) -> Self {
        Parts { rest: Some(value), separator, quotes: true, angles: true }
    }

    /// Offset of the next separator in `value`.
    #[inline]
    fn end(&mut self, value: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            at += scan::find([self.separator, b'"', b'<'], value.get(at..)?)?;
            let here = &value[at..];
            match value[at] {
                b'"' if self.quotes => match quoted_end(here) {
                    Some(end) => at += end,
                    None => self.quotes = false,
                },
                b'<' if self.angles => match scan::find([b'>'], here) {
                    Some(end) => at += end + 1,
                    None => self.angles = false,
                },
                c if c == self.separator => return Some(at),
                _ => at += 1,
            }
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let value = self.rest?;
        match self.end(value) {
            Some(end) => {
                self.rest = Some(&value[end + 1..]);
                Some(trim(&value[..end]))
            }
            None => {
                self.rest = None;
                Some(trim(value))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parts, number, quoted_end, span_of, trim};
    use crate::base::Span;

    fn parts(value: &str) -> Vec<&str> {
        Parts::new(value.as_bytes(), b',').map(|p| std::str::from_utf8(p).unwrap()).collect()
    }

    #[test]
    fn a_comma_in_quotes_or_brackets_parts_nothing() {
        assert_eq!(parts(r#""a,\"b" <sip:x,y>, <sip:z>"#), [r#""a,\"b" <sip:x,y>"#, "<sip:z>"]);
        assert_eq!(parts("a,,b , "), ["a", "", "b", ""]);
        assert_eq!(parts("\"never ends, a <b"), ["\"never ends", "a <b"]);
        assert_eq!(parts(""), [""]);
    }

    #[test]
    fn a_quoted_string_ends_at_its_first_bare_quote() {
        assert_eq!(quoted_end(br#""a\"b" c"#), Some(6));
        assert_eq!(quoted_end(br#""a\\" c"#), Some(5));
        assert_eq!(quoted_end(br#""a\"#), None);
        assert_eq!(quoted_end(b"\""), None);
    }

    #[test]
    fn a_number_beyond_64_bits_is_none() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"18446744073709551616"), None);
        assert_eq!(number(b"-9"), None);
        assert_eq!(number(b""), None);
    }

    #[test]
    fn a_span_is_found_from_the_slice_alone() {
        let whole = b"  ab  ".as_slice();
        assert_eq!(span_of(trim(whole), whole), Span::new(2, 4));
        assert_eq!(span_of(b"elsewhere", whole), Span::NONE);
    }
}
