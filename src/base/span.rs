//! A half-open range of bytes in a message.

/// Bytes `start..end` of the message they are said of. The empty span at 0 stands for "absent".
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// No bytes at all: what a missing field has.
    pub const NONE: Span = Span { start: 0, end: 0 };

    /// The span `start..end`; offsets beyond `u32` saturate (no message is that long).
    #[inline]
    #[must_use]
    pub fn new(start: usize, end: usize) -> Span {
        let cap = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span { start: cap(start), end: cap(end) }
    }

    /// Number of bytes.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether there is no byte in it.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The bytes of `all` that the span names; empty where it lies outside.
    #[inline]
    #[must_use]
    pub fn of(self, all: &[u8]) -> &[u8] {
        all.get(self.start as usize..self.end as usize).unwrap_or(&[])
    }

    /// The same span seen from a place `by` bytes earlier.
    #[inline]
    #[must_use]
    pub fn shifted(self, by: u32) -> Span {
        Span { start: self.start.saturating_add(by), end: self.end.saturating_add(by) }
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn a_span_outside_its_bytes_is_empty_and_never_panics() {
        assert_eq!(Span::new(1, 3).of(b"abcd"), b"bc");
        assert_eq!(Span::new(3, 9).of(b"abcd"), b"");
        assert_eq!(Span { start: 3, end: 1 }.of(b"abcd"), b"");
        assert_eq!(Span { start: 3, end: 1 }.len(), 0);
    }
}
