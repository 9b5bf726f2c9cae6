//! A scene: who sends what to whom, and when. It becomes a capture.

use super::capture::{self, Packet};
use super::message::{Host, Message};
use super::wire::{self, ACK, FIN, PSH, RST, SYN};
use std::net::SocketAddr;

/// 2026-03-01 09:00:00 UTC: every scene begins here.
pub const BEGIN: u64 = 1_772_355_600_000_000;

/// Packets in the order in which they are written down, with a clock.
#[derive(Debug, Default)]
pub struct Scene {
    clock: u64,
    id: u16,
    /// What was sent so far.
    pub packets: Vec<Packet>,
}

impl Scene {
    /// An empty scene.
    pub fn new() -> Scene {
        Scene::default()
    }

    /// Sets the clock to so many milliseconds after the beginning.
    pub fn at(&mut self, ms: u64) -> &mut Scene {
        self.clock = ms * 1000;
        self
    }

    /// Sets the clock to so many microseconds after the beginning.
    pub fn at_us(&mut self, us: u64) -> &mut Scene {
        self.clock = us;
        self
    }

    /// A message over UDP.
    pub fn send(&mut self, from: &Host, to: &Host, message: &Message) -> &mut Scene {
        self.udp(from.at, to.at, &message.bytes())
    }

    /// Any bytes over UDP.
    pub fn udp(&mut self, src: SocketAddr, dst: SocketAddr, payload: &[u8]) -> &mut Scene {
        let packet = self.udp_packet(src, dst, payload);
        self.frame(wire::ethernet(&packet))
    }

    /// An IP packet with a UDP datagram, not sent yet.
    pub fn udp_packet(&mut self, src: SocketAddr, dst: SocketAddr, payload: &[u8]) -> Vec<u8> {
        let id = self.next_id();
        wire::ip(src.ip(), dst.ip(), wire::UDP, id, &wire::udp(src, dst, payload))
    }

    /// A UDP datagram in IPv4 fragments; `lost` of them are not in the capture.
    pub fn fragmented(&mut self, from: &Host, to: &Host, message: &Message, most: usize, lost: &[usize]) -> &mut Scene {
        let id = self.next_id();
        let datagram = wire::udp(from.at, to.at, &message.bytes());
        let pieces = wire::fragments(from.at.ip(), to.at.ip(), wire::UDP, id, most, &datagram);
        for (i, piece) in pieces.iter().enumerate() {
            if !lost.contains(&i) {
                self.frame(wire::ethernet(piece));
                self.clock += 10;
            }
        }
        self
    }

    /// A message over UDP that is answered by an ICMP error of some type and code, a moment later.
    pub fn undeliverable(&mut self, from: &Host, to: &Host, message: &Message, error: (u8, u8)) -> &mut Scene {
        let packet = self.udp_packet(from.at, to.at, &message.bytes());
        self.frame(wire::ethernet(&packet));
        self.clock += 60;
        self.icmp(to.at.ip(), error, &packet)
    }

    /// An ICMP error of some type and code that quotes a packet.
    pub fn icmp(&mut self, from: std::net::IpAddr, (kind, code): (u8, u8), packet: &[u8]) -> &mut Scene {
        let id = self.next_id();
        self.frame(wire::ethernet(&wire::icmp_error(from, kind, code, id, packet)))
    }

    /// A frame as it is.
    pub fn frame(&mut self, bytes: Vec<u8>) -> &mut Scene {
        self.frame_on(0, bytes)
    }

    /// A frame on one of several interfaces.
    pub fn frame_on(&mut self, interface: u32, bytes: Vec<u8>) -> &mut Scene {
        let length = bytes.len();
        self.packets.push(Packet { time: BEGIN + self.clock, interface, bytes, length });
        self
    }

    /// The clock, in microseconds since the epoch.
    pub fn now(&self) -> u64 {
        BEGIN + self.clock
    }

    /// The next identification of an IP packet.
    pub fn next_id(&mut self) -> u16 {
        self.id = self.id.wrapping_add(1);
        self.id
    }

    /// The packets by time.
    pub fn sorted(&self) -> Vec<Packet> {
        let mut packets = self.packets.clone();
        packets.sort_by_key(|p| p.time);
        packets
    }

    /// As a pcap file of Ethernet frames.
    pub fn pcap(&self) -> Vec<u8> {
        capture::pcap(capture::ETHERNET, 262_144, &self.sorted())
    }

    /// The same as a capture with a snap length would have it.
    pub fn pcap_cut(&self, snap: usize) -> Vec<u8> {
        let mut packets = self.sorted();
        packets.iter_mut().for_each(|p| p.bytes.truncate(snap));
        capture::pcap(capture::ETHERNET, snap as u32, &packets)
    }
}

/// Both ends of a TCP connection.
pub struct Connection {
    ends: [SocketAddr; 2],
    next: [u32; 2],
}

impl Connection {
    /// Opens a connection with three segments.
    pub fn open(scene: &mut Scene, client: SocketAddr, server: SocketAddr) -> Connection {
        let mut c = Connection { ends: [client, server], next: [1000, 9000] };
        c.segment(scene, 0, SYN, &[]);
        c.next[0] += 1;
        c.segment(scene, 1, SYN | ACK, &[]);
        c.next[1] += 1;
        c.segment(scene, 0, ACK, &[]);
        c
    }

    /// Bytes from one end (0 is the client), in one segment.
    pub fn send(&mut self, scene: &mut Scene, end: usize, bytes: &[u8]) {
        self.segment(scene, end, PSH | ACK, bytes);
        self.next[end] = self.next[end].wrapping_add(bytes.len() as u32);
    }

    /// A segment again that was sent before, so many bytes ago.
    pub fn again(&mut self, scene: &mut Scene, end: usize, bytes: &[u8]) {
        let next = self.next;
        self.next[end] = self.next[end].wrapping_sub(bytes.len() as u32);
        self.segment(scene, end, PSH | ACK, bytes);
        self.next = next;
    }

    /// Ends the connection from both sides.
    pub fn close(&mut self, scene: &mut Scene) {
        for end in [0, 1] {
            self.segment(scene, end, FIN | ACK, &[]);
            self.next[end] += 1;
        }
        self.segment(scene, 0, ACK, &[]);
    }

    /// Ends the connection from both sides, one of them first.
    pub fn close_by(&mut self, scene: &mut Scene, end: usize) {
        for end in [end, 1 - end] {
            self.segment(scene, end, FIN | ACK, &[]);
            self.next[end] += 1;
        }
    }

    /// Breaks the connection off from one end.
    pub fn reset(&mut self, scene: &mut Scene, end: usize) {
        self.segment(scene, end, RST | ACK, &[]);
    }

    /// A connection that nobody accepts: an RST answers the SYN.
    pub fn refused(scene: &mut Scene, client: SocketAddr, server: SocketAddr) {
        let mut c = Connection { ends: [client, server], next: [1000, 0] };
        c.segment(scene, 0, SYN, &[]);
        c.next[0] += 1;
        c.segment(scene, 1, RST | ACK, &[]);
    }

    /// The opening of a connection, sent at several instants; nothing answers.
    pub fn unanswered(scene: &mut Scene, client: SocketAddr, server: SocketAddr, at: &[u64]) -> Connection {
        let mut c = Connection { ends: [client, server], next: [1000, 9000] };
        for &at in at {
            scene.at(at);
            c.segment(scene, 0, SYN, &[]);
        }
        c.next[0] += 1;
        c
    }

    /// Accepts a connection that [`Connection::unanswered`] asked for, after all.
    pub fn accept(&mut self, scene: &mut Scene) {
        self.segment(scene, 1, SYN | ACK, &[]);
        self.next[1] += 1;
        self.segment(scene, 0, ACK, &[]);
    }

    fn segment(&mut self, scene: &mut Scene, end: usize, flags: u8, bytes: &[u8]) {
        let (src, dst) = (self.ends[end], self.ends[1 - end]);
        let ack = if flags & ACK == 0 { 0 } else { self.next[1 - end] };
        let segment = wire::tcp(src, dst, self.next[end], ack, flags, bytes);
        let id = scene.next_id();
        let packet = wire::ip(src.ip(), dst.ip(), wire::TCP, id, &segment);
        scene.frame(wire::ethernet(&packet));
        scene.clock += 50;
    }
}
