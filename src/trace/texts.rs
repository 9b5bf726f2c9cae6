//! The texts of one conversation, each kept once.

use crate::base::Span;

/// How far back a text is looked for before it is kept again: the messages of a call repeat what the last few said.
const LOOK_BACK: usize = 16;
/// Bytes that a store has room for at first.
const FIRST: usize = 512;

/// The ends of a text and its length, mixed: enough to tell most others apart without looking them up.
fn print(text: &[u8]) -> u32 {
    let ends = (text.first_chunk::<4>(), text.last_chunk::<4>());
    let (Some(first), Some(last)) = ends else {
        return text.iter().fold(0, |n, &b| n << 8 | u32::from(b));
    };
    u32::from_le_bytes(*first) ^ u32::from_le_bytes(*last).rotate_left(13) ^ (text.len() as u32).rotate_left(24)
}

/// An append-only store of short byte strings. Equal strings that follow each other closely share their bytes.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    /// The last texts, in a ring.
    known: [Span; LOOK_BACK],
    /// A print of each of `known`, side by side so that looking for one touches little memory.
    prints: [u32; LOOK_BACK],
    /// Where in the ring the next one goes.
    next: u8,
}

impl Texts {
    /// Keeps `text` and says where; the empty text is [`Span::NONE`].
    pub fn intern(&mut self, text: &[u8]) -> Span {
        if text.is_empty() {
            return Span::NONE;
        }
        let print = print(text);
        // All at once, whatever is found: a bit for each text with this print.
        let mut alike =
            self.prints.iter().zip(0..).fold(0u32, |all, (&known, at)| all | u32::from(known == print) << at);
        while alike != 0 {
            let known = self.known.get(alike.trailing_zeros() as usize);
            if let Some(known) = known.filter(|known| known.of(&self.bytes) == text) {
                return *known;
            }
            alike &= alike - 1;
        }
        let span = self.append(text);
        let at = usize::from(self.next) % LOOK_BACK;
        (self.known[at], self.prints[at]) = (span, print);
        self.next = (at + 1) as u8;
        span
    }

    /// Keeps `text`, which is not likely to come again.
    pub fn append(&mut self, text: &[u8]) -> Span {
        if text.is_empty() {
            return Span::NONE;
        }
        let start = self.bytes.len();
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(FIRST);
        }
        self.bytes.extend_from_slice(text);
        Span::new(start, self.bytes.len())
    }

    /// Takes in all that `other` keeps, and says by how much the spans of those texts move. What was taken in is not shared with later texts.
    pub fn absorb(&mut self, other: &Texts) -> u32 {
        let by = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&other.bytes);
        by
    }

    /// Something of the latest text, to have it near.
    #[must_use]
    pub fn latest(&self) -> u64 {
        self.bytes.last().copied().map_or(0, u64::from) + u64::from(self.prints[0]) + u64::from(self.known[0].end)
    }

    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        *self = Texts { bytes: std::mem::take(&mut self.bytes), ..Texts::default() };
        self.bytes.clear();
    }

    /// Keeps `text`, which is likely the one at `guess`.
    #[inline]
    pub fn intern_like(&mut self, guess: Span, text: &[u8]) -> Span {
        if guess.len() == text.len() && guess.of(&self.bytes) == text { guess } else { self.intern(text) }
    }

    /// The bytes that a span from [`Texts::intern`] names.
    #[must_use]
    pub fn of(&self, span: Span) -> &[u8] {
        span.of(&self.bytes)
    }

    /// Bytes kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{LOOK_BACK, Texts};
    use crate::base::Span;

    #[test]
    fn texts_taken_in_from_another_store_stand_behind_its_own() {
        let (mut t, mut other) = (Texts::default(), Texts::default());
        let a = t.intern(b"alice");
        let b = other.intern(b"bob");
        let by = t.absorb(&other);
        assert_eq!((t.of(a), t.of(b.shifted(by))), (&b"alice"[..], &b"bob"[..]));
    }

    #[test]
    fn a_text_is_found_among_the_last_ones_and_kept_again_behind_them() {
        for others in 0..40 {
            let mut t = Texts::default();
            let first = t.intern(b"alice@example.test");
            // Same ends, same length: the print is the same, and the text is not.
            let near = t.intern(b"aliceEexampleEtest");
            assert_ne!(first, near);
            for n in 0..others {
                t.intern(format!("text {n}").as_bytes());
            }
            assert_eq!(t.intern(b"alice@example.test") == first, others + 2 <= LOOK_BACK, "{others}");
        }
    }

    #[test]
    fn equal_texts_share_their_bytes() {
        let mut t = Texts::default();
        let a = t.intern(b"alice");
        let b = t.intern(b"bob");
        assert_eq!(t.intern(b"alice"), a);
        assert_eq!((t.of(a), t.of(b), t.len()), (&b"alice"[..], &b"bob"[..], 8));
        assert_eq!(t.intern(b""), Span::NONE);
        assert_eq!(t.of(Span::NONE), b"");
    }
}
