//! What the layers hand to each other: bytes with their length on the wire, and how to read them.

use crate::base::Flow;

/// The bytes of one layer: those that were captured, and how many there were on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a> {
    /// What was captured of them.
    pub data: &'a [u8],
    /// How many there were; more than `data.len()` where the snap length cut the packet.
    pub wire: usize,
}

/// How the bytes of a layer are to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layer {
    /// Destination and source address, then a type or length.
    Ethernet,
    /// What an Ethernet type says, or an IEEE 802.3 length.
    Ethertype(u16),
    /// A PPP frame, with or without address and control field.
    Ppp,
    /// An MPLS label stack.
    Mpls,
    /// IPv4 or IPv6, whichever the first four bits say.
    Ip,
    /// What an IP protocol number says.
    Protocol(u8),
}

/// Why the walk through the layers ends before a transport payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// Fewer bytes than the header needs.
    Short,
    /// A header contradicts itself.
    Malformed,
    /// An encapsulation that is not opened here.
    UnknownTunnel,
    /// ESP that is not NULL encryption.
    Encrypted,
    /// Nothing that could carry a SIP message: ARP, spanning tree, routing protocols.
    Nothing,
}

/// The next layer and its bytes.
pub(super) type Step<'a> = Result<(Layer, Bytes<'a>), Stop>;

/// What the innermost IP header said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Path {
    /// Addresses; the ports are 0.
    pub flow: Flow,
    /// IPv4 identification or IPv6 fragment identification.
    pub id: u32,
    /// Time to live or hop limit.
    pub ttl: u8,
}

impl Path {
    /// The addresses with these ports.
    #[inline]
    pub fn with_ports(&self, src: u16, dst: u16) -> Flow {
        Flow { src: self.flow.src.with_port(src), dst: self.flow.dst.with_port(dst) }
    }
}

impl<'a> Bytes<'a> {
    /// Bytes of a packet that had `wire` of them (at least those that are here).
    #[inline]
    pub fn new(data: &'a [u8], wire: usize) -> Self {
        Bytes { data, wire: wire.max(data.len()) }
    }

    /// What follows the first `n` bytes.
    #[inline]
    pub fn skip(self, n: usize) -> Result<Self, Stop> {
        let data = self.data.get(n..).ok_or(Stop::Short)?;
        Ok(Bytes { data, wire: self.wire - n })
    }

    /// The first `n` bytes, by a length field: padding after them goes, and what was not captured of them is missing.
    #[inline]
    pub fn limit(self, n: usize) -> Self {
        Bytes { data: self.data.get(..n).unwrap_or(self.data), wire: n }
    }

    /// As `limit`, for a length that cannot be true where it is more than the layer around it had.
    #[inline]
    pub fn limit_within(self, n: usize) -> Self {
        self.limit(n.min(self.wire))
    }

    /// Whether bytes at the end were not captured.
    #[inline]
    pub fn is_cut(self) -> bool {
        self.data.len() < self.wire
    }

    /// The `N` bytes at `at`.
    #[inline]
    pub fn at<const N: usize>(self, at: usize) -> Result<[u8; N], Stop> {
        self.data.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().ok_or(Stop::Short)
    }

    /// The byte at `at`.
    #[inline]
    pub fn u8(self, at: usize) -> Result<u8, Stop> {
        self.data.get(at).copied().ok_or(Stop::Short)
    }

    /// The two bytes at `at`, big-endian.
    #[inline]
    pub fn u16(self, at: usize) -> Result<u16, Stop> {
        self.at(at).map(u16::from_be_bytes)
    }

    /// The four bytes at `at`, big-endian.
    #[inline]
    pub fn u32(self, at: usize) -> Result<u32, Stop> {
        self.at(at).map(u32::from_be_bytes)
    }
}
