//! Capture files: pcap and pcapng, written byte by byte so that they are the same everywhere.

/// Link types.
pub const ETHERNET: u16 = 1;
/// IP without a link layer.
pub const RAW: u16 = 101;
/// Linux cooked capture.
pub const SLL: u16 = 113;

/// One packet of a scene.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Microseconds since the epoch.
    pub time: u64,
    /// Interface, for pcapng.
    pub interface: u32,
    /// What was captured.
    pub bytes: Vec<u8>,
    /// How long it was on the wire.
    pub length: usize,
}

/// A pcap file, little-endian, microseconds.
pub fn pcap(link: u16, snap: u32, packets: &[Packet]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(0xa1b2_c3d4_u32.to_le_bytes());
    out.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(snap.to_le_bytes());
    out.extend(u32::from(link).to_le_bytes());
    for p in packets {
        for field in [(p.time / 1_000_000) as u32, (p.time % 1_000_000) as u32, p.bytes.len() as u32, p.length as u32] {
            out.extend(field.to_le_bytes());
        }
        out.extend(&p.bytes);
    }
    out
}

/// A pcapng file with an interface for each link type.
pub fn pcapng(links: &[u16], packets: &[Packet]) -> Vec<u8> {
    let mut out =
        block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    for link in links {
        let [low, high] = link.to_le_bytes();
        out.extend(block(1, &[low, high, 0, 0, 0, 0, 4, 0]));
    }
    for p in packets {
        let mut body = Vec::new();
        for field in [p.interface, (p.time >> 32) as u32, p.time as u32, p.bytes.len() as u32, p.length as u32] {
            body.extend(field.to_le_bytes());
        }
        body.extend(&p.bytes);
        out.extend(block(6, &body));
    }
    out
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = (padded as u32 + 12).to_le_bytes();
    let mut out = [&kind.to_le_bytes()[..], &length, body].concat();
    out.resize(8 + padded, 0);
    out.extend(length);
    out
}
