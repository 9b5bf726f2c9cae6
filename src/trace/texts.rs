//! The texts of one conversation, each kept once.

use crate::base::Span;

/// How far back a text is looked for before it is kept again: the messages of a call repeat what the last few said.
const LOOK_BACK: usize = 16;

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
    known: Vec<Span>,
    /// A print of each of `known`, side by side so that looking for one touches little memory.
    prints: Vec<u32>,
}

impl Texts {
    /// Keeps `text` and says where; the empty text is [`Span::NONE`].
    pub fn intern(&mut self, text: &[u8]) -> Span {
        if text.is_empty() {
            return Span::NONE;
        }
        let print = print(text);
        let mut alike = self.alike(print);
        while let Some(back) = alike.checked_ilog2() {
            alike ^= 1 << back;
            let at = (self.known.len() + back as usize).checked_sub(LOOK_BACK);
            if let Some(known) = at.and_then(|at| self.known.get(at)).filter(|known| known.of(&self.bytes) == text) {
                return *known;
            }
        }
        let span = self.append(text);
        self.known.push(span);
        self.prints.push(print);
        span
    }

    /// Which of the last texts have this print: a bit for each, the highest for the latest.
    #[inline]
    fn alike(&self, print: u32) -> u32 {
        let one = |(at, &known): (usize, &u32)| u32::from(known == print) << at;
        match self.prints.last_chunk::<LOOK_BACK>() {
            // All at once, whatever is found.
            Some(last) => last.iter().enumerate().map(one).fold(0, |all, bit| all | bit),
            None => {
                let behind = LOOK_BACK - self.prints.len().min(LOOK_BACK);
                self.prints.iter().enumerate().map(one).fold(0, |all, bit| all | bit) << behind
            }
        }
    }

    /// Keeps `text`, which is not likely to come again.
    pub fn append(&mut self, text: &[u8]) -> Span {
        if text.is_empty() {
            return Span::NONE;
        }
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(512);
            self.known.reserve(16);
            self.prints.reserve(16);
        }
        let start = self.bytes.len();
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
        let print = self.prints.last().copied().map_or(0, u64::from);
        let byte = self.bytes.last().copied().map_or(0, u64::from);
        self.known.last().map_or(0, |known| u64::from(known.end) + print + byte)
    }

    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.known.clear();
        self.prints.clear();
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
