//! Session descriptions and RTP.

use super::scene::Scene;
use std::net::SocketAddr;

/// A session description with one audio stream. `formats` are payload types with their mapping, `a=` lines follow in `more`.
pub fn sdp(at: SocketAddr, version: u32, formats: &[(u8, &str)], more: &[&str]) -> String {
    let family = if at.is_ipv6() { "IP6" } else { "IP4" };
    let list: Vec<String> = formats.iter().map(|(pt, _)| pt.to_string()).collect();
    let mut text = format!(
        "v=0\r\no=- 1 {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {list}\r\n",
        ip = at.ip(),
        port = at.port(),
        list = list.join(" ")
    );
    for (pt, mapping) in formats {
        text.push_str(&format!("a=rtpmap:{pt} {mapping}\r\n"));
    }
    for line in more {
        text.push_str(&format!("a={line}\r\n"));
    }
    text
}

/// The formats that most scenes offer.
pub const OFFER: [(u8, &str); 3] = [(0, "PCMU/8000"), (8, "PCMA/8000"), (101, "telephone-event/8000")];
/// What most scenes answer.
pub const ANSWER: [(u8, &str); 2] = [(0, "PCMU/8000"), (101, "telephone-event/8000")];

/// A stream of RTP packets, 20 ms each.
pub struct Talk {
    /// Where from.
    pub src: SocketAddr,
    /// Where to.
    pub dst: SocketAddr,
    /// Its synchronisation source.
    pub ssrc: u32,
    /// Payload type.
    pub payload_type: u8,
    /// Every so many packets one is lost; 0 for none.
    pub lose_every: u16,
}

impl Talk {
    /// A stream of PCMU without loss.
    pub fn new(src: SocketAddr, dst: SocketAddr, ssrc: u32) -> Talk {
        Talk { src, dst, ssrc, payload_type: 0, lose_every: 0 }
    }

    /// Sends from `start` to `end` (milliseconds), some tenths of a millisecond early or late.
    pub fn run(&self, scene: &mut Scene, start: u64, end: u64) {
        let mut noise = u64::from(self.ssrc);
        for n in 0..(end - start) / 20 {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if self.lose_every != 0 && n % u64::from(self.lose_every) == 7 {
                continue;
            }
            let late = (noise >> 33) % 600;
            let at = (start + n * 20) * 1000 + late;
            let marker = if n == 0 { 0x80 } else { 0 };
            let packet = self.packet(marker, n as u16, n as u32 * 160, &[0xff; 160]);
            scene.at_us(at).udp(self.src, self.dst, &packet);
        }
    }

    /// A key of the telephone, as four packets of which the last two end it. RFC 4733 §2.5
    pub fn digit(&self, scene: &mut Scene, at: u64, event: u8, sequence: u16) {
        for n in 0..4u16 {
            let is_end = n >= 2;
            let duration = 160 * (n.min(2) + 1);
            let [high, low] = duration.to_be_bytes();
            let payload = [event, if is_end { 0x8a } else { 0x0a }, high, low];
            let marker = if n == 0 { 0x80 } else { 0 };
            let packet = self.packet(marker, sequence + n, u32::from(sequence) * 160, &payload);
            scene.at(at + u64::from(n) * 20).udp(self.src, self.dst, &packet);
        }
    }

    /// One packet of sound, wherever it stands in the stream.
    pub fn one(&self, scene: &mut Scene, at_us: u64, sequence: u16, timestamp: u32) {
        let packet = self.packet(0, sequence, timestamp, &[0xff; 160]);
        scene.at_us(at_us).udp(self.src, self.dst, &packet);
    }

    /// The first packet of a talkspurt. RFC 3551 §4.1
    pub fn marked(&self, scene: &mut Scene, at_us: u64, sequence: u16, timestamp: u32) {
        let packet = self.packet(0x80, sequence, timestamp, &[0xff; 160]);
        scene.at_us(at_us).udp(self.src, self.dst, &packet);
    }

    fn packet(&self, marker: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x80, marker | self.payload_type];
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend(payload);
        bytes
    }
}
