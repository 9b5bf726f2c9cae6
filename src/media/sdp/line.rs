//! Lines and words of a session description, as they lie in its bytes.

use crate::base::scan;

/// One line: `value` is what stands after `kind` and `=`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// The letter; 0 for a line that has no letter and `=`.
    pub kind: u8,
    pub value: &'a [u8],
    /// Offsets of the whole line, without its end, in the bytes that are iterated.
    pub start: usize,
    pub end: usize,
}

/// The lines of some bytes, ended by CRLF or LF alone.
#[derive(Clone, Debug)]
pub(super) struct Lines<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Lines { text, at: 0 }
    }

    /// Offset of the first byte not yet iterated.
    pub(super) fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    #[inline]
    fn next(&mut self) -> Option<Line<'a>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = scan::find([b'\n'], rest);
        let whole = rest.get(..length.unwrap_or(rest.len())).unwrap_or(rest);
        let start = self.at;
        self.at += length.map_or(rest.len(), |n| n + 1);
        let whole = whole.strip_suffix(b"\r").unwrap_or(whole);
        let (kind, value) = match whole {
            [kind, b'=', value @ ..] if kind.is_ascii_alphabetic() => (*kind, value),
            _ => (0, whole),
        };
        Some(Line { kind, value, start, end: start + whole.len() })
    }
}

/// The first word, and what follows the blanks after it.
#[inline]
pub(super) fn word(bytes: &[u8]) -> (&[u8], &[u8]) {
    let bytes = skip_blanks(bytes);
    let end = scan::find([b' ', b'\t'], bytes).unwrap_or(bytes.len());
    let (head, tail) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    (head, skip_blanks(tail))
}

#[inline]
fn skip_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// All words.
pub(super) fn words(bytes: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    bytes.split(|&b| b == b' ' || b == b'\t').filter(|w| !w.is_empty())
}

/// Number of words.
#[inline]
pub(super) fn count_words(bytes: &[u8]) -> usize {
    let (mut count, mut before) = (0, true);
    for &b in bytes {
        let blank = b == b' ' || b == b'\t';
        count += usize::from(before && !blank);
        before = blank;
    }
    count
}

/// What stands before and after the first `separator`; all of it and nothing where there is none.
#[inline]
pub(super) fn split_once(bytes: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match scan::find([separator], bytes).and_then(|at| bytes.split_at_checked(at)) {
        Some((head, tail)) => (head, tail.get(1..)),
        None => (bytes, None),
    }
}

/// A decimal number of digits alone; `None` for anything else or more than `u32` holds.
#[inline]
pub(super) fn number(bytes: &[u8]) -> Option<u32> {
    let digit = |n: u32, &b: &u8| {
        let digit = b.wrapping_sub(b'0');
        (digit < 10).then(|| n.checked_mul(10)?.checked_add(u32::from(digit))).flatten()
    };
    if bytes.is_empty() { None } else { bytes.iter().try_fold(0, digit) }
}
