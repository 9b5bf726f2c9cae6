//! Requests made as large as wanted, without changing what they ask.

use crate::agent::Identity;

/// The header field that fills: unknown header fields are ignored (RFC 3261 §8.2.2), while a body could be refused with 415.
const FIELD: &str = "X-Padding";
/// Bytes of that field with a value of one byte.
const LEAST: usize = FIELD.len() + ": x\r\n".len();
/// Bytes of one such field at most, so that no line is longer than receivers are used to.
const MOST: usize = 1000;

/// What is added to a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Padding {
    /// Lengths of the values of the header fields.
    fields: Vec<usize>,
    /// Bytes behind the Call-ID: what is too little for a header field.
    call_id: usize,
    /// The identity with the header fields.
    identity: Option<Identity>,
}

impl Padding {
    /// From a request of `bare` bytes to one of `size`; `None` where it is larger already.
    pub(super) fn from(bare: usize, size: usize) -> Option<Self> {
        let mut left = size.checked_sub(bare)?;
        let mut fields = Vec::new();
        while left >= LEAST {
            let mut piece = left.min(MOST);
            // What would be left behind must be nothing, or enough for a field of its own.
            if left - piece > 0 && left - piece < LEAST {
                piece -= LEAST;
            }
            fields.push(piece - LEAST + 1);
            left -= piece;
        }
        Some(Padding { fields, call_id: left, identity: None })
    }

    /// Makes the identity that [`Padding::identity`] gives.
    pub(super) fn prepare(&mut self, identity: &Identity) {
        let mut padded = identity.clone();
        padded.headers.extend(self.fields.iter().map(|&length| (FIELD.to_owned(), "x".repeat(length))));
        self.identity = Some(padded);
    }

    /// The identity to send with.
    pub(super) fn identity<'a>(&'a self, plain: &'a Identity) -> &'a Identity {
        self.identity.as_ref().unwrap_or(plain)
    }

    /// The Call-ID to send with.
    pub(super) fn call_id(&self, token: &str) -> String {
        format!("{token}{}", "0".repeat(self.call_id))
    }
}

#[cfg(test)]
mod tests {
    use super::{FIELD, LEAST, MOST, Padding};

    #[test]
    fn every_size_is_reached_exactly() {
        assert_eq!(LEAST, b"X-Padding: x\r\n".len());
        for missing in (0..4100).chain([60_000, 65_507]) {
            let padding = Padding::from(400, 400 + missing).unwrap();
            let fields: usize = padding.fields.iter().map(|value| FIELD.len() + 4 + value).sum();
            assert_eq!(fields + padding.call_id, missing);
            assert!(padding.fields.iter().all(|&value| (1..=MOST).contains(&value)));
            assert!(padding.call_id < LEAST);
        }
        assert!(Padding::from(400, 399).is_none());
    }
}
