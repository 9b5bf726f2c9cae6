//! The same simple call in other wrappings.

use super::calls::plain_call;
use super::{alice, bob, file};
use crate::support::capture::{self, Packet};
use crate::support::message::{Host, Message};
use crate::support::scene::{BEGIN, Connection, Scene};
use crate::support::{tunnel, wire};
use std::net::SocketAddr;

/// Bytes of a call over a stream transport, in order, with the end (0 is the caller) that sends each.
fn over(transport: &'static str, id: &str) -> Vec<(u64, usize, Vec<u8>)> {
    let caller = alice();
    plain_call(id)
        .into_iter()
        .map(|(at, from, _, message)| (at, usize::from(from.at != caller.at), message.over(transport).bytes()))
        .collect()
}

fn client() -> SocketAddr {
    SocketAddr::new(alice().at.ip(), 49_152)
}

/// TCP as it comes in life.
pub fn tcp_split() -> Vec<u8> {
    let messages = over("TCP", "tcp-split@192.0.2.10");
    let mut s = Scene::new();
    s.at(0);
    let mut c = Connection::open(&mut s, client(), bob().at);
    // The INVITE is cut within its start line and within a header field.
    let (_, _, invite) = &messages[0];
    for piece in [&invite[..5], &invite[5..200], &invite[200..]] {
        c.send(&mut s, 0, piece);
    }
    // A keep-alive and its answer. RFC 5626 §3.5.1
    s.at(50);
    c.send(&mut s, 0, b"\r\n\r\n");
    c.send(&mut s, 1, b"\r\n");
    // The next two come in one segment, the last of them whole and sent twice.
    s.at(900);
    let both = [&messages[1].2[..], &messages[2].2].concat();
    c.send(&mut s, 1, &both);
    s.at(1100);
    c.again(&mut s, 1, &both);
    for (at, end, bytes) in &messages[3..] {
        s.at(*at + 300);
        c.send(&mut s, *end, bytes);
    }
    s.at(5000);
    c.close(&mut s);
    s.pcap()
}

/// SIP in WebSocket frames.
pub fn websocket() -> Vec<u8> {
    let messages = over("WS", "websocket@192.0.2.10");
    let mut s = Scene::new();
    let server = SocketAddr::new(bob().at.ip(), 8080);
    s.at(0);
    let mut c = Connection::open(&mut s, client(), server);
    for (end, text) in tunnel::HANDSHAKE.iter().enumerate() {
        c.send(&mut s, end, text.as_bytes());
    }
    let frame = |end: usize, bytes: &[u8]| tunnel::websocket(bytes, (end == 0).then_some([0x37, 0xfa, 0x21, 0x3d]));
    s.at(20);
    c.send(&mut s, 0, &frame(0, &messages[0].2));
    s.at(900);
    c.send(&mut s, 1, &[frame(1, &messages[1].2), frame(1, &messages[2].2)].concat());
    for (at, end, bytes) in &messages[3..] {
        s.at(*at + 20);
        c.send(&mut s, *end, &frame(*end, bytes));
    }
    s.at(5000);
    c.close(&mut s);
    s.pcap()
}

/// A request too long for a packet.
fn long(id: &str) -> Message {
    let note = "x".repeat(900);
    Message::request("MESSAGE", &alice(), &bob(), id, 1).body("text/plain", &note)
}

/// Fragments, in order and complete, and not.
pub fn fragments() -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    let whole = long("fragments@192.0.2.10");
    s.at(0).fragmented(&a, &b, &whole, 568, &[]);
    s.at(4).send(&b, &a, &whole.reply(200, "OK", &b));
    s.at(1000).fragmented(&a, &b, &long("incomplete@192.0.2.10"), 568, &[2]);
    s.pcap()
}

/// A capture agent tells a server.
pub fn hep3() -> Vec<u8> {
    let agent: SocketAddr = "203.0.113.5:41000".parse().unwrap();
    let server: SocketAddr = "203.0.113.9:9060".parse().unwrap();
    let mut s = Scene::new();
    for (at, from, to, message) in plain_call("hep3@192.0.2.10") {
        s.at(at);
        let packet = tunnel::hep3(&from, &to, s.now(), &message.bytes());
        s.at_us(at * 1000 + 300).udp(agent, server, &packet);
    }
    s.pcap()
}

/// VLAN, GRE, VXLAN.
pub fn tunnels() -> Vec<u8> {
    let (left, right) = ("203.0.113.1:50000".parse().unwrap(), "203.0.113.2:4789".parse().unwrap());
    let (left, right): (SocketAddr, SocketAddr) = (left, right);
    let mut s = Scene::new();
    for (n, id) in ["vlan@192.0.2.10", "gre@192.0.2.10", "vxlan@192.0.2.10"].into_iter().enumerate() {
        for (at, from, to, message) in plain_call(id) {
            s.at(n as u64 * 10_000 + at);
            let inner = s.udp_packet(from.at, to.at, &message.bytes());
            let id = s.next_id();
            let frame = match n {
                0 => wire::vlan(&inner, &[100, 200]),
                1 => wire::ethernet(&tunnel::gre(left.ip(), right.ip(), id, &inner)),
                _ => wire::ethernet(&tunnel::vxlan(left, right, id, 42, &wire::ethernet(&inner))),
            };
            s.frame(frame);
        }
    }
    s.pcap()
}

fn simple(id: &str) -> Scene {
    let mut s = Scene::new();
    for (at, from, to, message) in plain_call(id) {
        s.at(at).send(&from, &to, &message);
    }
    s
}

/// A snap length that cuts bodies and some header fields.
pub fn snap_length() -> Vec<u8> {
    simple("snap-length@192.0.2.10").pcap_cut(320)
}

/// The last packet is not whole.
pub fn truncated() -> Vec<u8> {
    let mut bytes = simple("truncated@192.0.2.10").pcap();
    bytes.truncate(bytes.len() - 100);
    bytes
}

/// Two interfaces with different link types in one file: requests on one, responses on the other.
pub fn two_interfaces() -> Vec<u8> {
    let mut packets: Vec<Packet> = Vec::new();
    let mut s = Scene::new();
    let caller: Host = alice();
    for (at, from, to, message) in plain_call("two-interfaces@192.0.2.10") {
        let inner = s.udp_packet(from.at, to.at, &message.bytes());
        let (interface, bytes) = if from.at == caller.at { (0, wire::ethernet(&inner)) } else { (1, inner) };
        let length = bytes.len();
        packets.push(Packet { time: BEGIN + at * 1000, interface, bytes, length });
    }
    capture::pcapng(&[capture::ETHERNET, capture::RAW], &packets)
}

/// One busy call on a cooked interface.
pub fn cooked() -> Vec<u8> {
    let mut s = Scene::new();
    for (at, from, to, message) in plain_call("cooked@192.0.2.10") {
        let inner = s.udp_packet(from.at, to.at, &message.bytes());
        s.at(at).frame(wire::cooked(&inner));
    }
    file(capture::SLL, &s.sorted())
}
