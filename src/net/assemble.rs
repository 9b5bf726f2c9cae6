//! IP packets around what passed a socket, with every length and checksum right: RFC 791, RFC 8200, RFC 768, RFC 9293, RFC 792, RFC 4443.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Protocol numbers.
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// Bytes of an IP packet that an ICMP error may quote: the whole error stays within 576 bytes. RFC 1812 §4.3.2.3
pub const QUOTED: usize = 548;
/// Hops that a packet of ours may pass.
const HOPS: u8 = 64;

/// TCP flags.
pub mod flag {
    /// Nothing follows.
    pub const FIN: u8 = 1;
    /// The sequence number is the first.
    pub const SYN: u8 = 2;
    /// The connection is gone.
    pub const RST: u8 = 4;
    /// To be handed on at once.
    pub const PSH: u8 = 8;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 16;
}

/// The fields of a TCP header that tell something here.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Sequence number of the first byte.
    pub seq: u32,
    /// The next byte that is expected.
    pub ack: u32,
    /// See [`flag`].
    pub flags: u8,
}

/// The addresses in a form that both sides share; `None` where one is IPv4 and the other IPv6.
fn families(src: SocketAddr, dst: SocketAddr) -> Option<(IpAddr, IpAddr)> {
    let (src, dst) = (src.ip().to_canonical(), dst.ip().to_canonical());
    (src.is_ipv4() == dst.is_ipv4()).then_some((src, dst))
}

/// Appends a UDP datagram to `out`. `false` (and nothing appended) where no packet can hold it.
pub fn udp(src: SocketAddr, dst: SocketAddr, payload: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(addresses) = families(src, dst) else { return false };
    let Some(length) = u16::try_from(payload.len() + 8).ok() else { return false };
    let Some(start) = begin(addresses, UDP, usize::from(length), out) else { return false };
    out.extend(src.port().to_be_bytes());
    out.extend(dst.port().to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend([0; 2]);
    out.extend_from_slice(payload);
    let sum = match checksum(addresses, UDP, out.get(start..).unwrap_or_default()) {
        // Zero says that there is none. RFC 768
        0 => 0xffff,
        sum => sum,
    };
    put(out, start + 6, sum);
    true
}

/// Appends a TCP segment to `out`. `false` (and nothing appended) where no packet can hold it.
pub fn tcp(src: SocketAddr, dst: SocketAddr, segment: Segment, payload: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(addresses) = families(src, dst) else { return false };
    let Some(start) = begin(addresses, TCP, payload.len() + 20, out) else { return false };
    out.extend(src.port().to_be_bytes());
    out.extend(dst.port().to_be_bytes());
    out.extend(segment.seq.to_be_bytes());
    out.extend(if segment.flags & flag::ACK == 0 { 0 } else { segment.ack }.to_be_bytes());
    // Five words of header, the flags, the largest window without scaling.
    out.extend([0x50, segment.flags, 0xff, 0xff, 0, 0, 0, 0]);
    out.extend_from_slice(payload);
    let sum = checksum(addresses, TCP, out.get(start..).unwrap_or_default());
    put(out, start + 16, sum);
    true
}

/// Appends the ICMP error "port unreachable" that `src` sends to `dst` about `quoted`, a whole IP packet or the head of one.
pub fn port_unreachable(src: SocketAddr, dst: SocketAddr, quoted: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(addresses) = families(src, dst) else { return false };
    let (protocol, kind, code) = if addresses.0.is_ipv4() { (ICMP, 3, 3) } else { (ICMPV6, 1, 4) };
    let quoted = quoted.get(..QUOTED).unwrap_or(quoted);
    let Some(start) = begin(addresses, protocol, quoted.len() + 8, out) else { return false };
    out.extend([kind, code, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(quoted);
    let body = out.get(start..).unwrap_or_default();
    // ICMPv6 alone sums its addresses. RFC 4443 §2.3
    let sum = if protocol == ICMP { !fold(add(0, body)) } else { checksum(addresses, protocol, body) };
    put(out, start + 2, sum);
    true
}

/// Appends an IP header for `length` bytes and says where they start.
fn begin((src, dst): (IpAddr, IpAddr), protocol: u8, length: usize, out: &mut Vec<u8>) -> Option<usize> {
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => header_v4(src, dst, protocol, u16::try_from(length + 20).ok()?, out),
        (IpAddr::V6(src), IpAddr::V6(dst)) => header_v6(src, dst, protocol, u16::try_from(length).ok()?, out),
        _ => return None,
    }
    Some(out.len())
}

fn header_v4(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, total: u16, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0x45, 0]);
    out.extend(total.to_be_bytes());
    // Not to be cut on the way: then its identification means nothing. RFC 6864 §4
    out.extend([0, 0, 0x40, 0, HOPS, protocol, 0, 0]);
    out.extend(src.octets());
    out.extend(dst.octets());
    let sum = !fold(add(0, out.get(start..).unwrap_or_default()));
    put(out, start + 10, sum);
}

fn header_v6(src: Ipv6Addr, dst: Ipv6Addr, protocol: u8, length: u16, out: &mut Vec<u8>) {
    out.extend([0x60, 0, 0, 0]);
    out.extend(length.to_be_bytes());
    out.extend([protocol, HOPS]);
    out.extend(src.octets());
    out.extend(dst.octets());
}

/// The checksum over the pseudo header and `body`, in which its own field is zero. RFC 9293 §3.1, RFC 8200 §8.1
fn checksum((src, dst): (IpAddr, IpAddr), protocol: u8, body: &[u8]) -> u16 {
    let mut sum = u64::from(protocol) + body.len() as u64;
    for address in [src, dst] {
        sum = match address {
            IpAddr::V4(address) => add(sum, &address.octets()),
            IpAddr::V6(address) => add(sum, &address.octets()),
        };
    }
    !fold(add(sum, body))
}

/// Adds the 16-bit words of `bytes`, the last filled up with a zero. RFC 1071
fn add(sum: u64, bytes: &[u8]) -> u64 {
    let words = bytes.chunks(2).map(|word| match *word {
        [high, low] => u64::from(u16::from_be_bytes([high, low])),
        [high] => u64::from(u16::from_be_bytes([high, 0])),
        _ => 0,
    });
    sum + words.sum::<u64>()
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn put(out: &mut [u8], at: usize, value: u16) {
    if let Some(place) = out.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_header_of_the_textbook_has_the_textbook_checksum() {
        // The worked example of the encyclopaedias: 0xb861.
        let mut header = vec![0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7];
        let sum = !fold(add(0, &header));
        assert_eq!(sum, 0xb861);
        put(&mut header, 10, sum);
        assert_eq!(fold(add(0, &header)), 0xffff, "a right checksum sums to all ones");
    }

    #[test]
    fn what_no_packet_can_hold_is_refused_and_nothing_is_left_behind() {
        let mut out = Vec::new();
        let big = vec![0; 65_508];
        assert!(!udp(at("192.0.2.1:1"), at("192.0.2.2:2"), &big, &mut out));
        assert!(udp(at("192.0.2.1:1"), at("192.0.2.2:2"), &big[1..], &mut out));
        assert_eq!(out.len(), 65_535);
        out.clear();
        assert!(udp(at("[2001:db8::1]:1"), at("[2001:db8::2]:2"), &vec![0; 65_527], &mut out));
        out.clear();
        assert!(!udp(at("[2001:db8::1]:1"), at("[2001:db8::2]:2"), &vec![0; 65_528], &mut out));
        assert!(!udp(at("[2001:db8::1]:1"), at("192.0.2.2:2"), b"x", &mut out));
        assert!(out.is_empty());
        assert!(udp(at("[::ffff:192.0.2.1]:1"), at("192.0.2.2:2"), b"x", &mut out), "mapped IPv4 is IPv4");
    }
}
