//! Numbers that are dialled: which of them leave the country, and which are one number behind different prefixes.

use std::hash::{BuildHasher, Hasher};

/// The digits of a number as it was dialled, at most so many.
const MOST_DIGITS: usize = 24;
/// Digits at the end by which a number is the same whatever was dialled before it.
const TAIL: usize = 9;
/// Digits that a number which leaves the country has at least.
const ABROAD: usize = 8;

/// A dialled number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialled {
    digits: [u8; MOST_DIGITS],
    len: u8,
    plus: bool,
}

impl Dialled {
    /// The number in the user part of a URI; `None` where it is a name.
    #[must_use]
    pub fn of(user: &[u8]) -> Option<Dialled> {
        let user = user.split(|&b| b == b';').next().unwrap_or_default();
        let mut number = Dialled { digits: [0; MOST_DIGITS], len: 0, plus: user.first() == Some(&b'+') };
        for &byte in user.get(usize::from(number.plus)..)? {
            match byte {
                b'0'..=b'9' => {
                    *number.digits.get_mut(usize::from(number.len))? = byte;
                    number.len += 1;
                }
                b'-' | b'.' | b'(' | b')' | b' ' => {}
                // Some dial plans begin with these.
                b'*' | b'#' if number.len == 0 => {}
                _ => return None,
            }
        }
        (number.len > 2).then_some(number)
    }

    /// Its digits.
    #[must_use]
    pub fn digits(&self) -> &[u8] {
        self.digits.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Whether it leaves the country whose calling code is `home`: it has an international prefix, and another code behind it.
    #[must_use]
    pub fn is_abroad(&self, home: &str) -> bool {
        let digits = self.digits();
        let international = match digits {
            _ if self.plus => Some(digits),
            // ITU-T E.164 recommends 00; North America dials 011.
            [b'0', b'0', rest @ ..] | [b'0', b'1', b'1', rest @ ..] => Some(rest),
            _ => None,
        };
        international.is_some_and(|number| number.len() >= ABROAD && !number.starts_with(home.as_bytes()))
    }

    /// What is the same for one number behind different prefixes; `None` for one that is too short.
    #[must_use]
    pub fn tail(&self) -> Option<&[u8]> {
        let digits = self.digits();
        digits.get(digits.len().checked_sub(TAIL)?..)
    }
}

/// A short print of a text, with which texts are told apart within one source. It is seeded anew in each run, so that nobody can choose texts that collide.
#[must_use]
pub fn print(text: &[u8]) -> u32 {
    static SEED: std::sync::OnceLock<foldhash::fast::RandomState> = std::sync::OnceLock::new();
    let mut hasher = SEED.get_or_init(foldhash::fast::RandomState::default).build_hasher();
    hasher.write(text);
    hasher.finish() as u32
}

#[cfg(test)]
mod tests {
    use super::Dialled;

    #[test]
    fn numbers_leave_the_country_by_their_prefix() {
        let abroad = |user: &str| Dialled::of(user.as_bytes()).is_some_and(|n| n.is_abroad("49"));
        assert!(abroad("+4420-79460000") && abroad("00442079460000") && abroad("011442079460000"));
        assert!(!abroad("+493012345678") && !abroad("00493012345678") && !abroad("03012345678") && !abroad("00123"));
        assert!(Dialled::of(b"alice").is_none() && Dialled::of(b"12").is_none() && Dialled::of(&[b'1'; 40]).is_none());
        let tails = ["00442079460000", "900442079460000", "+442079460000;phone-context=x"];
        assert!(tails.iter().all(|t| Dialled::of(t.as_bytes()).unwrap().tail() == Some(b"079460000")));
    }
}
