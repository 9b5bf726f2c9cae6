//! The walk from a packet to its transport payload.

use super::{Carried, Packet, Undecoded};

/// The network layers: link, tunnels, IP with its fragments, and the transport header.
#[derive(Debug, Default)]
pub struct Stack {
    undecoded: Undecoded,
}

impl Stack {
    /// Network layers that have seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens one packet and hands every transport payload in it to `sink`.
    pub fn decode(&mut self, packet: &Packet<'_>, sink: &mut dyn FnMut(Carried<'_>)) {
        let _ = (packet, sink);
    }

    /// What could not be decoded so far, waiting fragments not counted.
    #[must_use]
    pub fn undecoded(&self) -> &Undecoded {
        &self.undecoded
    }

    /// Says that no packet follows: fragments that still wait are counted as missing theirs.
    pub fn finish(&mut self) {}
}
