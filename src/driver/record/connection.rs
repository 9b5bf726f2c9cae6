//! TCP connections as a capture shows them: handshake, numbered bytes, acknowledgements, the end.

use super::veil::Veil;
use crate::net::assemble::{self, Segment, flag};
use std::net::SocketAddr;

/// Bytes of one segment: below what a loopback device takes, and above any SIP message that is not meant to hurt.
const MOST: usize = 16_384;
/// Bytes that stay without acknowledgement before a segment of its own tells of them: half the window.
const UNACKNOWLEDGED: u32 = 32_768;

/// Takes one packet.
pub type Out<'a> = &'a mut dyn FnMut(&[u8]);

/// A connection.
#[derive(Debug)]
pub struct Connection {
    /// The client first.
    sides: [Side; 2],
    packet: Vec<u8>,
    /// What is to be struck out of its bytes.
    pub veil: Veil,
}

#[derive(Clone, Copy, Debug)]
struct Side {
    address: SocketAddr,
    /// Number of its next byte.
    next: u32,
    /// What it has acknowledged of the other side.
    acked: u32,
    closed: bool,
}

impl Connection {
    /// A connection from `client` to `server`, whose numbers start at `first`.
    #[must_use]
    pub fn new(client: SocketAddr, server: SocketAddr, first: u32, veil: Veil) -> Self {
        let side = |address, next, acked| Side { address, next, acked, closed: false };
        let other = first ^ 0x8000_0000;
        Connection { sides: [side(client, first, other), side(server, other, first)], packet: Vec::new(), veil }
    }

    /// SYN, SYN and ACK, ACK. RFC 9293 §3.5
    pub fn open(&mut self, out: Out<'_>) {
        for side in &mut self.sides {
            side.next = side.next.wrapping_sub(1);
            side.acked = side.acked.wrapping_sub(1);
        }
        self.segment(0, flag::SYN, &[], out);
        self.segment(1, flag::SYN | flag::ACK, &[], out);
        self.segment(0, flag::ACK, &[], out);
    }

    /// The attempt that a reset answered.
    pub fn refuse(&mut self, out: Out<'_>) {
        for side in &mut self.sides {
            side.next = side.next.wrapping_sub(1);
            side.acked = side.acked.wrapping_sub(1);
        }
        self.segment(0, flag::SYN, &[], out);
        // It has no number of its own. RFC 9293 §3.10.7.1
        self.sides[1].next = 0;
        self.segment(1, flag::RST | flag::ACK, &[], out);
    }

    /// Which side that is; `None` for a stranger.
    #[must_use]
    pub fn side_of(&self, address: SocketAddr) -> Option<usize> {
        self.sides.iter().position(|side| side.address == address)
    }

    /// Bytes that `from` sent.
    pub fn data(&mut self, from: usize, bytes: &[u8], out: Out<'_>) {
        if self.sides.get(from).is_none_or(|side| side.closed) {
            return;
        }
        let mut chunks = bytes.chunks(MOST).peekable();
        while let Some(chunk) = chunks.next() {
            let push = if chunks.peek().is_none() { flag::PSH } else { 0 };
            self.segment(from, flag::ACK | push, chunk, out);
            let to = 1 - from;
            if self.sides[from].next.wrapping_sub(self.sides[to].acked) >= UNACKNOWLEDGED {
                self.segment(to, flag::ACK, &[], out);
            }
        }
    }

    /// One side ends it; `true` where nothing more can come.
    pub fn close(&mut self, from: usize, reset: bool, out: Out<'_>) -> bool {
        if self.sides.get(from).is_none_or(|side| side.closed) {
            return false;
        }
        if reset {
            self.segment(from, flag::RST | flag::ACK, &[], out);
            return true;
        }
        self.segment(from, flag::FIN | flag::ACK, &[], out);
        self.sides[from].closed = true;
        let is_over = self.sides[1 - from].closed;
        if is_over {
            self.segment(1 - from, flag::ACK, &[], out);
        }
        is_over
    }

    fn segment(&mut self, from: usize, flags: u8, payload: &[u8], out: Out<'_>) {
        let (me, other) = (self.sides[from], self.sides[1 - from]);
        let segment = Segment { seq: me.next, ack: other.next, flags };
        self.packet.clear();
        if assemble::tcp(me.address, other.address, segment, payload, &mut self.packet) {
            out(&self.packet);
        }
        let counted = u32::from(flags & (flag::SYN | flag::FIN) != 0);
        let me = &mut self.sides[from];
        me.next = me.next.wrapping_add(payload.len() as u32).wrapping_add(counted);
        if flags & flag::ACK != 0 {
            me.acked = other.next;
        }
    }
}
