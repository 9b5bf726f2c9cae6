//! What happens later: answers that wait, and final answers of INVITE that go out again until they are acknowledged.

use super::repeats::Key;
use crate::sip::Method;
use crate::transport::listener::Way;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// Most that may wait.
pub const MOST: usize = 16_384;
/// Most bytes that they hold together.
pub const MOST_BYTES: usize = 32 << 20;

/// What is due at some time.
#[derive(Debug)]
pub enum Due {
    /// An answer that waits.
    Answer(Waiting),
    /// The final answer of an INVITE once more, unless it was acknowledged: Timer G. RFC 3261 §17.2.1
    Again {
        /// The transaction.
        key: Key,
        /// Where it goes.
        way: Way,
        /// The pause that follows.
        pause: Duration,
        /// When to give up: Timer H.
        end: Instant,
    },
}

/// An answer that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// The transaction; `None` where none is kept.
    pub key: Option<Key>,
    /// Where it goes.
    pub way: Way,
    /// The response.
    pub response: Vec<u8>,
    /// Its status.
    pub status: u16,
    /// What was asked.
    pub method: Method,
    /// Method and Request-URI as text, cut where they are long.
    pub line: Vec<u8>,
    /// When it was asked.
    pub since: Instant,
}

#[derive(Debug)]
struct Item {
    at: Instant,
    serial: u64,
    due: Due,
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    /// The earliest is the greatest: the heap gives it first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.serial).cmp(&(self.at, self.serial))
    }
}

/// A bounded heap of what is due.
#[derive(Debug, Default)]
pub struct Delays {
    heap: BinaryHeap<Item>,
    bytes: usize,
    serial: u64,
}

impl Delays {
    /// Puts something in; `false` (and it is let go) where there is no room.
    #[must_use]
    pub fn push(&mut self, at: Instant, due: Due) -> bool {
        let held = held(&due);
        if self.heap.len() >= MOST || self.bytes + held > MOST_BYTES {
            return false;
        }
        self.bytes += held;
        self.serial += 1;
        self.heap.push(Item { at, serial: self.serial, due });
        true
    }

    /// When the next is due.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|item| item.at)
    }

    /// The next that is due at `now`.
    pub fn pop(&mut self, now: Instant) -> Option<Due> {
        if self.next()? > now {
            return None;
        }
        let due = self.heap.pop()?.due;
        self.bytes = self.bytes.saturating_sub(held(&due));
        Some(due)
    }

    /// Takes out the answer that waits for a transaction. Looks at all: for CANCEL, which is rare.
    pub fn take(&mut self, wanted: Key) -> Option<Waiting> {
        let is_wanted = |due: &Due| matches!(due, Due::Answer(w) if w.key == Some(wanted));
        if !self.heap.iter().any(|item| is_wanted(&item.due)) {
            return None;
        }
        let mut found = None;
        let items = std::mem::take(&mut self.heap);
        for item in items {
            match item.due {
                Due::Answer(waiting) if waiting.key == Some(wanted) => found = Some(waiting),
                due => self.heap.push(Item { due, ..item }),
            }
        }
        if let Some(waiting) = &found {
            self.bytes = self.bytes.saturating_sub(waiting.response.capacity() + waiting.line.capacity());
        }
        found
    }

    /// Whether answers wait.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        self.heap.iter().any(|item| matches!(item.due, Due::Answer(_)))
    }
}

fn held(due: &Due) -> usize {
    match due {
        Due::Answer(waiting) => waiting.response.capacity() + waiting.line.capacity(),
        Due::Again { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Delays, Due, MOST, MOST_BYTES, Waiting};
    use crate::sip::Method;
    use crate::transport::Protocol;
    use crate::transport::listener::Way;
    use std::time::{Duration, Instant};

    fn waiting(key: u64, size: usize, now: Instant) -> Due {
        let at = "192.0.2.1:5060".parse().unwrap();
        let way = Way { protocol: Protocol::Udp, local: at, peer: at, connection: 0 };
        let (status, method) = (200, Method::Options);
        Due::Answer(Waiting {
            key: Some(key),
            way,
            response: vec![0; size],
            status,
            method,
            line: Vec::new(),
            since: now,
        })
    }

    fn key(due: Option<Due>) -> Option<u64> {
        match due? {
            Due::Answer(w) => w.key,
            Due::Again { key, .. } => Some(key),
        }
    }

    #[test]
    fn what_is_due_first_comes_first_and_not_before() {
        let (mut d, now) = (Delays::default(), Instant::now());
        let ms = |n| now + Duration::from_millis(n);
        for (key, at) in [(1, 30), (2, 10), (3, 10)] {
            assert!(d.push(ms(at), waiting(key, 9, now)));
        }
        assert_eq!((d.next(), key(d.pop(ms(9)))), (Some(ms(10)), None));
        assert_eq!([key(d.pop(ms(10))), key(d.pop(ms(10))), key(d.pop(ms(10)))], [Some(2), Some(3), None]);
        assert_eq!(d.take(1).and_then(|w| w.key), Some(1));
        assert_eq!((d.take(1), d.next(), d.bytes), (None, None, 0));
    }

    #[test]
    fn number_and_bytes_are_bounded() {
        let (mut d, now) = (Delays::default(), Instant::now());
        assert!(!d.push(now, waiting(1, MOST_BYTES + 1, now)));
        for n in 0..MOST {
            assert!(d.push(now, waiting(n as u64, 1, now)));
        }
        assert!(!d.push(now, waiting(0, 1, now)));
        assert!(d.pop(now).is_some());
        assert!(d.push(now, waiting(0, 1, now)));
    }
}
