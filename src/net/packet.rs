//! What goes into the network layers and what comes out of them.

use crate::base::{Endpoint, Flow, Timestamp};

/// A link-layer header type (the `LINKTYPE_` numbers of the capture file formats).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct LinkType(pub u16);

/// One packet as a capture source hands it over.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// When it was captured.
    pub time: Timestamp,
    /// Which source of a decode run it came from (0, 1, …).
    pub source: u16,
    /// Its 1-based number in that source.
    pub frame: u64,
    /// How `data` starts.
    pub link: LinkType,
    /// The bytes that were captured.
    pub data: &'a [u8],
    /// How many bytes it had on the wire; more than `data.len()` where the snap length cut it.
    pub original_len: u32,
}

/// What the network layers found in a packet (one packet may carry several, as SCTP bundles do).
#[derive(Clone, Copy, Debug)]
pub struct Carried<'a> {
    /// Capture time of the packet that completed it.
    pub time: Timestamp,
    /// Source of that packet.
    pub source: u16,
    /// Frame number of that packet.
    pub frame: u64,
    /// Addresses and ports.
    pub flow: Flow,
    /// IPv4 identification or IPv6 fragment identification; 0 where there is none.
    pub ip_id: u32,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Whether bytes at the end are missing because the snap length cut the packet.
    pub cut: bool,
    /// Frame numbers of the earlier IP fragments it was put together from; empty for a whole packet.
    pub fragments: &'a [u64],
    /// The contents.
    pub payload: Payload<'a>,
}

/// The transport contents of a packet.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// A UDP datagram.
    Udp(&'a [u8]),
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// One whole SCTP user message.
    Sctp(&'a [u8]),
    /// An ICMP or ICMPv6 error with what it quotes; `flow.src` is who sent the error.
    IcmpError(Quoted<'a>),
}

/// A TCP segment: the header fields that reassembly needs, and the data.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Sequence number of the first byte.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// SYN.
    pub syn: bool,
    /// FIN.
    pub fin: bool,
    /// RST.
    pub rst: bool,
    /// Whether `ack` is valid.
    pub acks: bool,
    /// The data.
    pub data: &'a [u8],
    /// Bytes of data that the segment had on the wire (more than `data.len()` where it was cut).
    pub wire_len: u32,
}

/// The packet that an ICMP error quotes.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a> {
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// Addresses and ports of the packet that could not be delivered.
    pub flow: Flow,
    /// IP protocol number of it (17 UDP, 6 TCP, 132 SCTP).
    pub protocol: u8,
    /// As much of its transport payload as is quoted.
    pub payload: &'a [u8],
}

impl Quoted<'_> {
    /// Who could not be reached.
    #[must_use]
    pub fn destination(&self) -> Endpoint {
        self.flow.dst
    }
}
