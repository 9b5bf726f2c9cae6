//! What the messages of a conversation have at all: looked at once, so that a rule which asks for what none of them has is done with it.

use crate::sip::{HeaderName, Method};
use crate::trace::{Conversation, Transport};

/// What at least one message of a conversation has.
#[derive(Clone, Copy, Default, Debug)]
pub struct Seen {
    /// A defect.
    pub malformed: bool,
    /// Sent again.
    pub sent_again: bool,
    /// Captured again.
    pub copied: bool,
    /// A To without tag, though it is a response other than 100 whose header section is whole.
    pub untagged: bool,
    /// Bytes of the longest request over UDP.
    pub longest_udp_request: u32,
    /// Requests: a bit for each method.
    asked: u64,
    /// Responses: a bit for each status code.
    answered: [u64; STATUSES / 64],
    /// Kept header fields: a bit for each name.
    fields: [u64; 256 / 64],
}

/// Status codes that are told apart, more than there are.
const STATUSES: usize = 704;

impl Seen {
    /// What the messages of `c` have.
    #[must_use]
    pub fn of(c: &Conversation) -> Seen {
        let mut seen = Seen::default();
        for f in &c.facts {
            seen.malformed |= f.malformed;
            seen.copied |= f.copy;
            seen.sent_again |= f.repeats.is_some() && !f.copy;
            if f.is_request() {
                seen.asked |= 1 << (f.method as u32 % u64::BITS);
                if f.transport == Transport::Udp {
                    seen.longest_udp_request = seen.longest_udp_request.max(f.size);
                }
            } else {
                seen.untagged |= f.status > 100 && f.to_tag.is_empty() && !f.head_cut;
                set(&mut seen.answered, status_bit(f.status));
            }
        }
        for field in &c.fields {
            set(&mut seen.fields, field.name as usize);
        }
        seen
    }

    /// Whether there is a request of `method`.
    #[must_use]
    pub fn asks(&self, method: Method) -> bool {
        self.asked & 1 << (method as u32 % u64::BITS) != 0
    }

    /// Whether there is a response with `status`.
    #[must_use]
    pub fn answers(&self, status: u16) -> bool {
        is_set(&self.answered, status_bit(status))
    }

    /// Whether a header field `name` was kept of any message.
    #[must_use]
    pub fn has(&self, name: HeaderName) -> bool {
        is_set(&self.fields, name as usize)
    }
}

/// The bit of a status code; those beyond the standard's share the last one.
fn status_bit(status: u16) -> usize {
    usize::from(status).min(STATUSES - 1)
}

fn set(words: &mut [u64], bit: usize) {
    if let Some(word) = words.get_mut(bit / 64) {
        *word |= 1 << (bit % 64);
    }
}

fn is_set(words: &[u64], bit: usize) -> bool {
    words.get(bit / 64).is_some_and(|word| word & 1 << (bit % 64) != 0)
}

#[cfg(test)]
mod tests {
    use super::{Seen, set, status_bit};
    use crate::sip::{HeaderName, Method};

    #[test]
    fn each_method_status_and_field_has_a_bit_of_its_own() {
        let mut seen = Seen::default();
        for status in [100, 422, 699] {
            set(&mut seen.answered, status_bit(status));
        }
        assert!([100, 422, 699].iter().all(|&s| seen.answers(s)));
        assert!((0..700).filter(|&s| seen.answers(s)).count() == 3 && !seen.answers(u16::MAX));
        set(&mut seen.fields, HeaderName::Identity as usize);
        assert!(seen.has(HeaderName::Identity) && !seen.has(HeaderName::RSeq));
        assert!(Method::ALL.iter().all(|&m| (m as u32) < u64::BITS));
    }
}
