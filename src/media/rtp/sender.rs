//! What a sender of RTP keeps: its source, its sequence, its clock. RFC 3550 §5.1

use crate::base::Entropy;

/// The sending half of one stream.
#[derive(Clone, Debug)]
pub struct Sender {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    packets: u64,
    octets: u64,
}

impl Sender {
    /// A new source. Source, first sequence number and first timestamp are random. RFC 3550 §5.1, §8.1
    pub fn new(entropy: &mut Entropy) -> Self {
        let mut random = [0; 10];
        entropy.fill(&mut random);
        let [a, b, c, d, e, f, g, h, i, j] = random;
        Sender {
            // 0 would be taken for "no source" by some.
            ssrc: u32::from_be_bytes([a, b, c, d]).max(1),
            // The upper half is left out: SRTP's rollover counter starts with both sides at 0. RFC 3711 §3.3.1
            sequence: u16::from_be_bytes([e, f]) & 0x7fff,
            timestamp: u32::from_be_bytes([g, h, i, j]),
            packets: 0,
            octets: 0,
        }
    }

    /// The source.
    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The timestamp of the packet that is due.
    #[must_use]
    pub fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// Packets sent.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Bytes of payload sent.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Lets time pass, whether or not something was sent: in units of the clock.
    pub fn advance(&mut self, units: u32) {
        self.timestamp = self.timestamp.wrapping_add(units);
    }

    /// Writes a packet into `out` (emptied first), with the timestamp given.
    pub fn write(&mut self, payload_type: u8, marker: bool, timestamp: u32, payload: &[u8], out: &mut Vec<u8>) {
        out.clear();
        out.extend([0x80, u8::from(marker) << 7 | payload_type & 0x7f]);
        out.extend(self.sequence.to_be_bytes());
        out.extend(timestamp.to_be_bytes());
        out.extend(self.ssrc.to_be_bytes());
        out.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += payload.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::Sender;
    use crate::base::Entropy;
    use rtp_types::RtpPacket;

    #[test]
    fn an_independent_reader_reads_what_is_written() {
        let mut sender = Sender::new(&mut Entropy::seeded(5));
        let (mut out, first) = (Vec::new(), sender.timestamp());
        let mut previous = None;
        for n in 0..3u32 {
            sender.write(8, n == 0, sender.timestamp(), &[0xd5; 160], &mut out);
            sender.advance(160);
            let packet = RtpPacket::parse(&out).unwrap();
            assert_eq!((packet.payload_type(), packet.marker_bit(), packet.ssrc()), (8, n == 0, sender.ssrc()));
            assert_eq!(packet.timestamp(), first.wrapping_add(n * 160));
            assert_eq!(packet.payload(), [0xd5; 160]);
            if let Some(before) = previous.replace(packet.sequence_number()) {
                assert_eq!(packet.sequence_number(), before + 1);
            }
        }
        assert_eq!((sender.packets(), sender.octets()), (3, 480));
    }
}
