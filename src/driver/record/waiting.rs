//! Packets that wait for the secrets of a TLS handshake.
//!
//! TLS tells its secrets after the bytes that need them first have passed the socket; readers of a capture file want them
//! before. So while a handshake goes on, packets wait: not for long, and not many.

use super::store::Store;
use crate::base::{Endpoint, Timestamp};

/// Bytes that may wait.
const MOST: usize = 1 << 20;
/// Handshakes that are waited for at once.
const HANDSHAKES: usize = 256;
/// How long a handshake may hold packets up, in nanoseconds.
const LONGEST: i64 = 5_000_000_000;

/// Where the client random of a ClientHello stands: behind a record header, a handshake header and a version. RFC 8446 §4.1.2
const RANDOM: std::ops::Range<usize> = 11..43;

/// The random of the ClientHello that `bytes` begin with.
pub fn client_random(bytes: &[u8]) -> Option<[u8; 32]> {
    match bytes {
        [0x16, 3, _, _, _, 1, ..] => bytes.get(RANDOM)?.try_into().ok(),
        _ => None,
    }
}

struct Handshake {
    connection: (Endpoint, Endpoint),
    random: [u8; 32],
    begun: Timestamp,
}

/// Packets on their way into a store.
#[derive(Default)]
pub struct Waiting {
    handshakes: Vec<Handshake>,
    bytes: Vec<u8>,
    /// Time and end of each packet in `bytes`.
    packets: Vec<(Timestamp, usize)>,
}

impl Waiting {
    /// A handshake begins: what comes from now on waits for its secrets.
    pub fn handshake(&mut self, connection: (Endpoint, Endpoint), random: [u8; 32], now: Timestamp) {
        if self.handshakes.len() < HANDSHAKES {
            self.handshakes.push(Handshake { connection, random, begun: now });
        }
    }

    /// A packet.
    pub fn packet(&mut self, now: Timestamp, packet: &[u8], store: &mut Store) {
        if self.handshakes.is_empty() && self.packets.is_empty() {
            store.packet(now, packet);
            return;
        }
        self.bytes.extend_from_slice(packet);
        self.packets.push((now, self.bytes.len()));
        self.handshakes.retain(|handshake| now.since(handshake.begun) < LONGEST);
        if self.handshakes.is_empty() || self.bytes.len() > MOST {
            self.release(store);
        }
    }

    /// A line of a key log: written at once, and maybe the one that was waited for. RFC 9850 §2
    pub fn secret(&mut self, line: &str, _: Timestamp, store: &mut Store) {
        store.secrets(format!("{line}\n").as_bytes());
        let mut words = line.split_ascii_whitespace();
        // The last two that a client learns, and the only one up to TLS 1.2.
        let is_last = matches!(words.next(), Some("SERVER_TRAFFIC_SECRET_0" | "CLIENT_RANDOM"));
        let Some(random) = words.next().and_then(unhex).filter(|_| is_last) else { return };
        self.handshakes.retain(|handshake| handshake.random != random);
        if self.handshakes.is_empty() {
            self.release(store);
        }
    }

    /// A connection has ended, with or without secrets.
    pub fn closed(&mut self, connection: (Endpoint, Endpoint)) {
        self.handshakes.retain(|handshake| handshake.connection != connection);
    }

    /// Lets all go on that wait.
    pub fn release(&mut self, store: &mut Store) {
        self.handshakes.clear();
        let mut start = 0;
        for &(time, end) in &self.packets {
            store.packet(time, self.bytes.get(start..end).unwrap_or_default());
            start = end;
        }
        self.bytes.clear();
        self.packets.clear();
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut random = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (n, byte) in random.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(random)
}
