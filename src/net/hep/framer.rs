//! HEP3 packets cut from a byte stream.

use super::MAGIC;
use memchr::memmem;

/// Bytes before the chunks: the four letters and the length of the packet.
const HEADER: usize = 6;

/// Cuts HEP3 packets from one direction of a TCP connection. Each packet says how long it is, in 16 bits, so that never
/// more than 64 KiB wait; what does not start a packet is passed over to the next that does.
#[derive(Debug, Default)]
pub struct Framer {
    waiting: Vec<u8>,
    skipped: u64,
}

impl Framer {
    /// A framer at the start of a stream, or anywhere in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bytes of the stream, and hands every whole packet to `sink`.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8])) {
        let mut rest = bytes;
        // The packet that waits is completed first; it takes no more than it lacks, so that whole packets are not copied.
        while !self.waiting.is_empty() && !rest.is_empty() {
            let lacking = match packet_len(&self.waiting) {
                Some(total) => total.saturating_sub(self.waiting.len()),
                None => HEADER.saturating_sub(self.waiting.len()),
            };
            let (head, tail) = rest.split_at(lacking.clamp(1, rest.len()));
            self.waiting.extend_from_slice(head);
            rest = tail;
            self.settle(sink);
        }
        if self.waiting.is_empty() {
            let left = self.cut(rest, sink);
            self.waiting.extend_from_slice(rest.get(left..).unwrap_or(&[]));
        }
    }

    /// Says that bytes are missing here: the packet that waits cannot be completed.
    pub fn gap(&mut self) {
        self.skipped = self.skipped.saturating_add(self.waiting.len() as u64);
        self.waiting.clear();
    }

    /// How many bytes wait for the rest of their packet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many bytes belonged to no packet.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Cuts what waits, as far as it is complete.
    fn settle(&mut self, sink: &mut dyn FnMut(&[u8])) {
        let mut waiting = std::mem::take(&mut self.waiting);
        let left = self.cut(&waiting, sink);
        waiting.drain(..left.min(waiting.len()));
        self.waiting = waiting;
    }

    /// Hands on the whole packets in `bytes`, and says where the first incomplete one starts.
    fn cut(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8])) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if !starts_packet(rest) {
                let garbage = next_start(rest);
                self.skipped = self.skipped.saturating_add(garbage as u64);
                at += garbage;
                continue;
            }
            let Some(packet) = packet_len(rest).and_then(|total| rest.get(..total)) else { break };
            sink(packet);
            at += packet.len();
        }
        at
    }
}

/// Length of the packet at the start of `bytes`, if its header is complete and possible.
fn packet_len(bytes: &[u8]) -> Option<usize> {
    let (header, _) = bytes.split_first_chunk::<HEADER>()?;
    let total = usize::from(u16::from_be_bytes([header[4], header[5]]));
    (total >= HEADER).then_some(total)
}

/// Whether a packet can start here, as far as its header is there.
fn starts_packet(bytes: &[u8]) -> bool {
    let seen = bytes.len().min(MAGIC.len());
    bytes.get(..seen) == MAGIC.get(..seen) && (bytes.len() < HEADER || packet_len(bytes).is_some())
}

/// How many bytes to pass over to the next place where a packet can start; at least one.
fn next_start(bytes: &[u8]) -> usize {
    let from = bytes.get(1..).unwrap_or(&[]);
    match memmem::find(from, MAGIC) {
        Some(found) => found + 1,
        None => (bytes.len().saturating_sub(MAGIC.len() - 1).max(1)..bytes.len())
            .find(|&at| bytes.get(at..).is_some_and(|tail| MAGIC.starts_with(tail)))
            .unwrap_or(bytes.len()),
    }
}
