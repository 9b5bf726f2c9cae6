//! Requests that were answered, so that a repeat gets the same bytes. RFC 3261 §17.2.2, §17.2.3

use crate::base::Table;
use crate::sip::{MAGIC_COOKIE, Message, Method};
use crate::transport::listener::Way;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

/// Most answers that are kept.
pub const MOST: usize = 65_536;
/// Most bytes that they hold together.
pub const MOST_BYTES: usize = 64 << 20;
/// How long an answer is kept: Timer J, 64·T1. RFC 3261 §17.2.2
pub const AGE: Duration = Duration::from_secs(32);

/// The name of a transaction: a hash under a key that changes with every run.
pub type Key = u64;

/// What is kept of a request.
#[derive(Debug, Default)]
pub struct Entry {
    /// What the hash was made of, so that two requests are never taken for one.
    name: Vec<u8>,
    /// The last response; empty while there is none yet.
    pub response: Vec<u8>,
    /// The status of that response.
    pub status: u16,
    /// Whether an INVITE's final answer was acknowledged, or given up.
    pub settled: bool,
}

/// The answers of the last 32 seconds. Bounded by number, bytes and age.
#[derive(Debug)]
pub struct Repeats {
    table: Table<Key, Entry>,
    hasher: foldhash::fast::RandomState,
    scratch: Vec<u8>,
    spare: Vec<Entry>,
    bytes: usize,
    most_bytes: usize,
    let_go: u64,
    begun: Instant,
}

impl Repeats {
    /// An empty table; `begun` is the instant from which ages are counted.
    #[must_use]
    pub fn new(begun: Instant) -> Self {
        Repeats::bounded(MOST, MOST_BYTES, begun)
    }

    /// One with other bounds.
    #[must_use]
    pub fn bounded(most: usize, most_bytes: usize, begun: Instant) -> Self {
        Repeats {
            table: Table::new(most),
            hasher: foldhash::fast::RandomState::default(),
            scratch: Vec::new(),
            spare: Vec::new(),
            bytes: 0,
            most_bytes,
            let_go: 0,
            begun,
        }
    }

    /// How many had to go before their time.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.let_go
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The key of a request: branch, sent-by and method as RFC 3261 §17.2.3 has it, beside the address it came from; without
    /// the cookie what RFC 2543 matched by. ACK and CANCEL have the key of the INVITE that they are about.
    #[must_use]
    pub fn key(&mut self, request: &Message<'_>, way: &Way, method: Method) -> Key {
        let name = &mut self.scratch;
        name.clear();
        match way.peer.ip().to_canonical() {
            std::net::IpAddr::V4(v4) => name.extend_from_slice(&v4.octets()),
            std::net::IpAddr::V6(v6) => name.extend_from_slice(&v6.octets()),
        }
        name.push(way.protocol as u8);
        let method = match method {
            Method::Other => request.method_text(),
            known => known.text().as_bytes(),
        };
        let mut part = |bytes: &[u8]| {
            name.extend_from_slice(bytes);
            name.push(0);
        };
        part(method);
        part(request.branch());
        part(request.sent_by());
        if !request.branch().starts_with(MAGIC_COOKIE) {
            part(request.uri().unwrap_or_default());
            part(request.call_id());
            part(request.from_tag());
            name.extend_from_slice(&request.cseq().map_or(0, |c| c.number).to_be_bytes());
        }
        self.hasher.hash_one(&name)
    }

    /// The entry under `key`, the one that [`Repeats::key`] gave last.
    pub fn find(&mut self, key: Key, now: Instant) -> Option<&mut Entry> {
        self.forget_before(now);
        let name = &self.scratch;
        let is_same = self.table.get(&key).is_some_and(|entry| entry.name == *name);
        if !is_same {
            return None;
        }
        self.entry(key)
    }

    /// The entry under a key that was put in earlier, if it is still there.
    pub fn entry(&mut self, key: Key) -> Option<&mut Entry> {
        self.table.get_mut(&key)
    }

    /// Puts the request in whose key [`Repeats::key`] gave last, without a response yet.
    pub fn insert(&mut self, key: Key, now: Instant) {
        let mut fresh = self.spare.pop().unwrap_or_default();
        fresh.name.clear();
        fresh.name.extend_from_slice(&self.scratch);
        fresh.response.clear();
        (fresh.status, fresh.settled) = (0, false);
        if let Some(old) = self.table.remove(&key) {
            self.put_away(old);
        }
        self.bytes += fresh.name.capacity() + fresh.response.capacity();
        let at = self.age(now);
        if let (_, Some((_, gone))) = self.table.touch_or_insert(&key, at, || fresh) {
            self.let_go += 1;
            self.put_away(gone);
        }
    }

    /// Keeps the response to the request under `key`.
    pub fn keep(&mut self, key: Key, response: &[u8], status: u16) {
        let Some(entry) = self.table.get_mut(&key) else { return };
        let before = entry.response.capacity();
        entry.response.clear();
        entry.response.extend_from_slice(response);
        entry.status = status;
        self.bytes = (self.bytes + entry.response.capacity()).saturating_sub(before);
        while self.bytes > self.most_bytes
            && let Some((_, gone)) = self.table.pop_oldest()
        {
            self.let_go += 1;
            self.bytes = self.bytes.saturating_sub(gone.name.capacity() + gone.response.capacity());
        }
    }

    /// Forgets what is older than [`AGE`].
    pub fn forget_before(&mut self, now: Instant) {
        let limit = self.age(now).saturating_sub(AGE.as_micros() as i64);
        while let Some((_, gone)) = self.table.pop_before(limit) {
            self.put_away(gone);
        }
    }

    /// Keeps the memory of a small entry for the next one.
    fn put_away(&mut self, entry: Entry) {
        let held = entry.name.capacity() + entry.response.capacity();
        self.bytes = self.bytes.saturating_sub(held);
        if self.spare.len() < 64 && held <= 4096 {
            self.spare.push(entry);
        }
    }

    fn age(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.begun).as_micros()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{AGE, Repeats};
    use crate::sip::{Message, Method, Outline};
    use crate::transport::Protocol;
    use crate::transport::listener::Way;
    use std::time::{Duration, Instant};

    fn way(peer: &str) -> Way {
        Way {
            protocol: Protocol::Udp,
            local: "192.0.2.2:5060".parse().unwrap(),
            peer: peer.parse().unwrap(),
            connection: 0,
        }
    }

    fn key(repeats: &mut Repeats, branch: &str, more: &str, peer: &str, method: Method) -> u64 {
        let text = format!(
            "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch={branch}\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n\
             Call-ID: i{more}\r\nCSeq: 1 OPTIONS\r\n\r\n"
        );
        let mut outline = Outline::new();
        assert!(outline.read(text.as_bytes()));
        repeats.key(&Message::new(text.as_bytes(), &outline), &way(peer), method)
    }

    #[test]
    fn matching_is_by_branch_sent_by_method_and_source() {
        let r = &mut Repeats::new(Instant::now());
        let first = key(r, "z9hG4bK1", "", "192.0.2.1:5060", Method::Options);
        assert_eq!(key(r, "z9hG4bK1", "other", "192.0.2.1:4000", Method::Options), first);
        assert_ne!(key(r, "z9hG4bK2", "", "192.0.2.1:5060", Method::Options), first);
        assert_ne!(key(r, "z9hG4bK1", "", "192.0.2.9:5060", Method::Options), first);
        assert_ne!(key(r, "z9hG4bK1", "", "192.0.2.1:5060", Method::Invite), first);
        // Without the cookie the Call-ID counts, too.
        let old = key(r, "1", "", "192.0.2.1:5060", Method::Options);
        assert_ne!(key(r, "1", "other", "192.0.2.1:5060", Method::Options), old);
    }

    #[test]
    fn an_answer_is_kept_for_timer_j() {
        let begun = Instant::now();
        let mut r = Repeats::new(begun);
        let k = key(&mut r, "z9hG4bK1", "", "192.0.2.1:5060", Method::Options);
        assert!(r.find(k, begun).is_none());
        r.insert(k, begun);
        r.keep(k, b"answer", 200);
        assert_eq!(r.find(k, begun + AGE).map(|e| e.response.clone()), Some(b"answer".to_vec()));
        assert!(r.find(k, begun + AGE + Duration::from_millis(1)).is_none());
        assert_eq!((r.len(), r.evicted()), (0, 0));
    }

    #[test]
    fn number_and_bytes_are_bounded_and_the_loss_is_counted() {
        let begun = Instant::now();
        let mut r = Repeats::bounded(3, 10_000, begun);
        for n in 0..5 {
            let k = key(&mut r, &format!("z9hG4bK{n}"), "", "192.0.2.1:5060", Method::Options);
            r.insert(k, begun);
        }
        assert_eq!((r.len(), r.evicted()), (3, 2));
        let k = key(&mut r, "z9hG4bKlarge", "", "192.0.2.1:5060", Method::Options);
        r.insert(k, begun);
        r.keep(k, &[b'x'; 20_000], 200);
        assert!(r.is_empty() && r.bytes == 0, "{r:?}");
        assert_eq!(r.evicted(), 6);
    }
}
