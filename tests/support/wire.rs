//! Ethernet, IP, UDP and TCP, from the inside out. Addresses of the link layer follow those of the network layer.

use std::net::{IpAddr, SocketAddr};

/// Protocol numbers of IP.
pub const UDP: u8 = 17;
/// TCP.
pub const TCP: u8 = 6;
/// ICMP of IPv4.
pub const ICMP: u8 = 1;
/// Generic routing encapsulation.
pub const GRE: u8 = 47;

/// Flags of a TCP segment.
pub const FIN: u8 = 0x01;
/// Opens a connection.
pub const SYN: u8 = 0x02;
/// Breaks a connection off.
pub const RST: u8 = 0x04;
/// Data is here.
pub const PSH: u8 = 0x08;
/// The acknowledgment number counts.
pub const ACK: u8 = 0x10;

/// The Internet checksum. RFC 1071 §1
pub fn checksum(parts: &[&[u8]]) -> u16 {
    let bytes: Vec<u8> = parts.concat();
    let mut sum: u32 =
        bytes.chunks(2).map(|c| u32::from(u16::from_be_bytes([c[0], c.get(1).copied().unwrap_or(0)]))).sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    }
}

fn pseudo(src: IpAddr, dst: IpAddr, protocol: u8, length: usize) -> Vec<u8> {
    let mut bytes = [octets(src), octets(dst)].concat();
    bytes.extend((length as u32).to_be_bytes());
    bytes.extend([0, 0, 0, protocol]);
    bytes
}

/// A UDP datagram. RFC 768
pub fn udp(src: SocketAddr, dst: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len();
    let mut head = Vec::with_capacity(length);
    head.extend(src.port().to_be_bytes());
    head.extend(dst.port().to_be_bytes());
    head.extend((length as u16).to_be_bytes());
    head.extend([0, 0]);
    let sum = checksum(&[&pseudo(src.ip(), dst.ip(), UDP, length), &head, payload]);
    head[6..8].copy_from_slice(&sum.to_be_bytes());
    head.extend(payload);
    head
}

/// A TCP segment without options. RFC 9293 §3.1
pub fn tcp(src: SocketAddr, dst: SocketAddr, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(20 + payload.len());
    head.extend(src.port().to_be_bytes());
    head.extend(dst.port().to_be_bytes());
    head.extend(seq.to_be_bytes());
    head.extend(ack.to_be_bytes());
    head.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    let sum = checksum(&[&pseudo(src.ip(), dst.ip(), TCP, 20 + payload.len()), &head, payload]);
    head[16..18].copy_from_slice(&sum.to_be_bytes());
    head.extend(payload);
    head
}

/// An ICMP error that quotes an IPv4 packet, as much of it as a router does. RFC 792, RFC 1812 §4.3.2.3
pub fn icmp_error(from: IpAddr, kind: u8, code: u8, id: u16, packet: &[u8]) -> Vec<u8> {
    let quoted = &packet[..packet.len().min(548)];
    let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
    message.extend(quoted);
    let sum = checksum(&[&message]);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let to = IpAddr::from([packet[12], packet[13], packet[14], packet[15]]);
    ip(from, to, ICMP, id, &message)
}

/// An IP packet of either family, whole.
pub fn ip(src: IpAddr, dst: IpAddr, protocol: u8, id: u16, payload: &[u8]) -> Vec<u8> {
    match (src, dst) {
        (IpAddr::V4(_), _) => ipv4(src, dst, protocol, id, 0x4000, payload),
        _ => {
            let mut head = vec![0x60, 0, 0, 0];
            head.extend((payload.len() as u16).to_be_bytes());
            head.extend([protocol, 64]);
            head.extend(octets(src));
            head.extend(octets(dst));
            head.extend(payload);
            head
        }
    }
}

/// An IPv4 packet whose flags and fragment offset are given as they stand on the wire. RFC 791 §3.1
pub fn ipv4(src: IpAddr, dst: IpAddr, protocol: u8, id: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let mut head = vec![0x45, 0];
    head.extend(((20 + payload.len()) as u16).to_be_bytes());
    head.extend(id.to_be_bytes());
    head.extend(flags.to_be_bytes());
    head.extend([64, protocol, 0, 0]);
    head.extend(octets(src));
    head.extend(octets(dst));
    let sum = checksum(&[&head]);
    head[10..12].copy_from_slice(&sum.to_be_bytes());
    head.extend(payload);
    head
}

/// An IPv4 packet cut into fragments that carry at most `most` bytes each (a multiple of eight).
pub fn fragments(src: IpAddr, dst: IpAddr, protocol: u8, id: u16, most: usize, payload: &[u8]) -> Vec<Vec<u8>> {
    let count = payload.len().div_ceil(most);
    let piece = |(i, bytes): (usize, &[u8])| {
        let more = if i + 1 < count { 0x2000 } else { 0 };
        ipv4(src, dst, protocol, id, more | (i * most / 8) as u16, bytes)
    };
    payload.chunks(most).enumerate().map(piece).collect()
}

/// An Ethernet frame around an IP packet.
pub fn ethernet(packet: &[u8]) -> Vec<u8> {
    [&macs(packet)[..], &ether_type(packet), packet].concat()
}

/// An Ethernet frame with VLAN tags, the outermost first.
pub fn vlan(packet: &[u8], tags: &[u16]) -> Vec<u8> {
    let mut frame = macs(packet).to_vec();
    for tag in tags {
        frame.extend([0x81, 0x00]);
        frame.extend(tag.to_be_bytes());
    }
    frame.extend(ether_type(packet));
    frame.extend(packet);
    frame
}

/// Linux cooked capture, version 1.
pub fn cooked(packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 1, 0, 6];
    frame.extend(&macs(packet)[6..12]);
    frame.extend([0, 0]);
    frame.extend(ether_type(packet));
    frame.extend(packet);
    frame
}

fn ether_type(packet: &[u8]) -> [u8; 2] {
    if packet[0] >> 4 == 6 { [0x86, 0xdd] } else { [0x08, 0x00] }
}

/// Destination and source, made up from the last four bytes of the addresses.
fn macs(packet: &[u8]) -> [u8; 12] {
    let (src, dst) = if packet[0] >> 4 == 6 { (20, 36) } else { (12, 16) };
    let mut macs = [0u8; 12];
    macs[0] = 2;
    macs[2..6].copy_from_slice(&packet[dst..dst + 4]);
    macs[6] = 2;
    macs[8..12].copy_from_slice(&packet[src..src + 4]);
    macs
}
