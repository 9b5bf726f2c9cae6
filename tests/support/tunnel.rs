//! What SIP is wrapped in: GRE, VXLAN, WebSocket frames, HEP.

use super::message::Host;
use super::wire;
use std::net::{IpAddr, SocketAddr};

/// An IP packet in GRE. RFC 2784 §2
pub fn gre(src: IpAddr, dst: IpAddr, id: u16, inner: &[u8]) -> Vec<u8> {
    wire::ip(src, dst, wire::GRE, id, &[&[0, 0, 0x08, 0x00], inner].concat())
}

/// An Ethernet frame in VXLAN. RFC 7348 §5
pub fn vxlan(src: SocketAddr, dst: SocketAddr, id: u16, network: u32, inner: &[u8]) -> Vec<u8> {
    let head = [&[0x08, 0, 0, 0][..], &(network << 8).to_be_bytes()].concat();
    wire::ip(src.ip(), dst.ip(), wire::UDP, id, &wire::udp(src, dst, &[&head, inner].concat()))
}

/// A WebSocket text frame; a client masks what it sends. RFC 6455 §5.2
pub fn websocket(payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![0x81];
    if payload.len() < 126 {
        frame.push(masked | payload.len() as u8);
    } else {
        frame.push(masked | 126);
        frame.extend((payload.len() as u16).to_be_bytes());
    }
    match mask {
        None => frame.extend(payload),
        Some(mask) => {
            frame.extend(mask);
            frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
        }
    }
    frame
}

/// The handshake of a WebSocket for SIP: request and response. RFC 7118 §4.1
pub const HANDSHAKE: [&str; 2] = [
    "GET / HTTP/1.1\r\nHost: ws.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
];

/// A message in HEP 3, as a capture agent sends it. `time` is in microseconds since the epoch.
pub fn hep3(from: &Host, to: &Host, time: u64, payload: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    let mut chunk = |kind: u16, value: &[u8]| {
        chunks.extend([0, 0]);
        chunks.extend(kind.to_be_bytes());
        chunks.extend((value.len() as u16 + 6).to_be_bytes());
        chunks.extend(value);
    };
    let octets = |address: IpAddr| match address {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    };
    chunk(1, &[2]);
    chunk(2, &[17]);
    chunk(3, &octets(from.at.ip()));
    chunk(4, &octets(to.at.ip()));
    chunk(7, &from.at.port().to_be_bytes());
    chunk(8, &to.at.port().to_be_bytes());
    chunk(9, &((time / 1_000_000) as u32).to_be_bytes());
    chunk(10, &((time % 1_000_000) as u32).to_be_bytes());
    chunk(11, &[1]);
    chunk(12, &2001u32.to_be_bytes());
    chunk(15, payload);
    let mut packet = b"HEP3".to_vec();
    packet.extend((chunks.len() as u16 + 6).to_be_bytes());
    packet.extend(chunks);
    packet
}
