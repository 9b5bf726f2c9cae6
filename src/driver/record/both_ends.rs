//! One recording of two ends: what goes from one straight to the other passes both, and is recorded once.

use crate::base::{Endpoint, Table};
use crate::transport::{Tap, Wire};
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Pairs of addresses that are remembered.
const FLOWS: usize = 1024;
/// Datagrams of the second end that are remembered until the first sees them.
const TOLD: usize = 256;

/// What both ends know of each other.
struct Shared {
    tap: Arc<dyn Tap>,
    seen: Mutex<Seen>,
}

struct Seen {
    /// From whom to whom datagrams passed the first end.
    by_first: Table<(Endpoint, Endpoint), ()>,
    /// Datagrams that the second end recorded on flows that the first did not know yet.
    by_second: VecDeque<(SocketAddr, SocketAddr, u64)>,
    hasher: foldhash::fast::FixedState,
}

impl Shared {
    /// A panic elsewhere while the lock was held leaves a datagram recorded twice at worst.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the two ends.
struct End {
    shared: Arc<Shared>,
    is_first: bool,
}

/// The taps of two ends whose traffic goes into one recording.
#[must_use]
pub fn both_ends(tap: Arc<dyn Tap>) -> (Arc<dyn Tap>, Arc<dyn Tap>) {
    let seen =
        Seen { by_first: Table::new(FLOWS), by_second: VecDeque::new(), hasher: foldhash::fast::FixedState::default() };
    let shared = Arc::new(Shared { tap, seen: Mutex::new(seen) });
    (Arc::new(End { shared: Arc::clone(&shared), is_first: true }), Arc::new(End { shared, is_first: false }))
}

impl Tap for End {
    fn wire(&self, time: SystemTime, wire: Wire<'_>) {
        if let Wire::Datagram { src, dst, bytes } = wire {
            let mut seen = self.shared.seen();
            let is_repeat = if self.is_first { seen.first(src, dst, bytes) } else { seen.second(src, dst, bytes) };
            if is_repeat {
                return;
            }
        }
        self.shared.tap.wire(time, wire);
    }
}

impl Seen {
    /// A datagram at the first end: whether the second recorded it already.
    fn first(&mut self, src: SocketAddr, dst: SocketAddr, bytes: &[u8]) -> bool {
        self.by_first.touch_or_insert(&(Endpoint::from(src), Endpoint::from(dst)), 0, || ());
        if self.by_second.is_empty() {
            return false;
        }
        let datagram = (src, dst, self.hasher.hash_one(bytes));
        let at = self.by_second.iter().position(|told| *told == datagram);
        at.and_then(|at| self.by_second.remove(at)).is_some()
    }

    /// A datagram at the second end: whether the first has recorded it, or will.
    fn second(&mut self, src: SocketAddr, dst: SocketAddr, bytes: &[u8]) -> bool {
        let (src_end, dst_end) = (Endpoint::from(src), Endpoint::from(dst));
        if self.by_first.get(&(src_end, dst_end)).is_some() || self.by_first.get(&(dst_end, src_end)).is_some() {
            return true;
        }
        if self.by_second.len() >= TOLD {
            self.by_second.pop_front();
        }
        let hash = self.hasher.hash_one(bytes);
        self.by_second.push_back((src, dst, hash));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::both_ends;
    use crate::transport::{Tap, Wire};
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};
    use std::time::SystemTime;

    #[derive(Default)]
    struct Kept(Mutex<Vec<Vec<u8>>>);

    impl Tap for Kept {
        fn wire(&self, _time: SystemTime, wire: Wire<'_>) {
            if let Wire::Datagram { bytes, .. } = wire {
                self.0.lock().unwrap().push(bytes.to_vec());
            }
        }
    }

    fn pass(tap: &Arc<dyn Tap>, src: &str, dst: &str, bytes: &[u8]) {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        tap.wire(SystemTime::UNIX_EPOCH, Wire::Datagram { src: address(src), dst: address(dst), bytes });
    }

    #[test]
    fn what_passes_both_ends_is_recorded_once_and_repeats_are_kept() {
        let (a, b, server) = ("192.0.2.1:4000", "192.0.2.2:4002", "192.0.2.9:5060");
        let kept = Arc::new(Kept::default());
        let (first, second) = both_ends(Arc::clone(&kept) as Arc<dyn Tap>);
        // The second end speaks before the first has ever seen it.
        pass(&second, b, a, b"1");
        pass(&first, b, a, b"1");
        pass(&first, a, b, b"2");
        pass(&second, a, b, b"2");
        pass(&second, b, a, b"3");
        pass(&first, b, a, b"3");
        // A server between them sees each for itself, and a message that is sent twice was sent twice.
        for _ in 0..2 {
            pass(&first, "192.0.2.1:4001", server, b"4");
            pass(&second, server, "192.0.2.2:4003", b"4");
        }
        let kept = kept.0.lock().unwrap().concat();
        assert_eq!(String::from_utf8(kept).unwrap(), "1234444");
    }
}
