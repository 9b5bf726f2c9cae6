use super::{Framer, HepError, ProtocolType, looks_like, parse};
use crate::base::Timestamp;
use proptest::prelude::*;
use std::io::Write;

const SIP: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\n\r\n";

fn chunk(vendor: u16, kind: u16, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u16 + 6;
    [&vendor.to_be_bytes()[..], &kind.to_be_bytes(), &length.to_be_bytes(), body].concat()
}

fn hep3(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    [b"HEP3", &(body.len() as u16 + 6).to_be_bytes()[..], &body].concat()
}

fn full() -> Vec<u8> {
    hep3(&[
        chunk(0, 1, &[2]),
        chunk(0, 2, &[6]),
        chunk(0, 3, &[192, 0, 2, 1]),
        chunk(0, 4, &[192, 0, 2, 2]),
        chunk(0, 7, &[0x13, 0xc4]),
        chunk(0, 8, &[0x9c, 0x40]),
        chunk(0, 9, &1_700_000_000u32.to_be_bytes()),
        chunk(0, 10, &250_001u32.to_be_bytes()),
        chunk(0, 11, &[1]),
        chunk(0, 12, &2001u32.to_be_bytes()),
        chunk(0x0e, 0x0f, b"a vendor's payload is none"),
        chunk(0, 14, b"secret"),
        chunk(0, 15, SIP),
        chunk(0, 17, b"call-7"),
        chunk(0, 19, b"edge"),
    ])
}

#[test]
fn version_3_is_read_chunk_by_chunk() {
    let bytes = full();
    assert!(looks_like(&bytes));
    let hep = parse(&bytes).unwrap();
    assert_eq!((hep.version, hep.transport, hep.protocol), (3, 6, ProtocolType::Sip));
    assert_eq!(hep.flow.src.to_string(), "192.0.2.1:5060");
    assert_eq!(hep.flow.dst.to_string(), "192.0.2.2:40000");
    assert_eq!(hep.time, Some(Timestamp(1_700_000_000_250_001_000)));
    assert_eq!(&*hep.payload, SIP);
    assert_eq!((hep.correlation_id, hep.node, hep.node_name), (Some(&b"call-7"[..]), 2001, Some(&b"edge"[..])));
    assert!(hep.has_auth_key);
}

#[test]
fn version_3_with_ipv6_and_rtcp() {
    let (mut src, mut dst) = ([0u8; 16], [0u8; 16]);
    src[..2].copy_from_slice(&[0x20, 0x01]);
    dst[..2].copy_from_slice(&[0x20, 0x02]);
    let bytes = hep3(&[chunk(0, 5, &src), chunk(0, 6, &dst), chunk(0, 11, &[5]), chunk(0, 15, b"{}")]);
    let hep = parse(&bytes).unwrap();
    assert_eq!(hep.flow.src.to_string(), "[2001::]:0");
    assert_eq!(hep.flow.dst.to_string(), "[2002::]:0");
    assert_eq!((hep.protocol, hep.time, hep.has_auth_key), (ProtocolType::Rtcp, None, false));
}

#[test]
fn compressed_payloads_are_inflated_within_a_bound() {
    let zlib = |bytes: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(SIP).unwrap();
    let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    bare.write_all(SIP).unwrap();
    for compressed in [zlib(SIP), gzip.finish().unwrap(), bare.finish().unwrap()] {
        let bytes = hep3(&[chunk(0, 16, &compressed)]);
        assert_eq!(&*parse(&bytes).unwrap().payload, SIP);
    }
    assert_eq!(parse(&hep3(&[chunk(0, 16, b"\x78\x9cnonsense")])), Err(HepError::Inflate));
    let bomb = zlib(&vec![b'a'; (1 << 20) + 1]);
    assert_eq!(parse(&hep3(&[chunk(0, 16, &bomb)])), Err(HepError::Inflate));
}

#[test]
fn every_wrong_length_has_its_error() {
    let bytes = full();
    assert_eq!(parse(&bytes[..30]), Err(HepError::Short { needed: bytes.len(), have: 30 }));
    assert_eq!(parse(b"HEP3\0"), Err(HepError::Short { needed: 6, have: 5 }));
    assert_eq!(parse(b"HEP3\0\x05"), Err(HepError::Chunk { offset: 4 }));
    assert_eq!(parse(&hep3(&[])), Err(HepError::NoPayload));
    assert_eq!(parse(&hep3(&[chunk(0, 15, b"x"), vec![0, 0, 0, 1, 0, 5]])), Err(HepError::Chunk { offset: 13 }));
    assert_eq!(parse(&hep3(&[chunk(0, 3, &[1, 2, 3])])), Err(HepError::Chunk { offset: 6 }));
    assert_eq!(parse(&hep3(&[chunk(0, 7, &[1])])), Err(HepError::Chunk { offset: 6 }));
    assert_eq!(parse(b"INVITE sip:"), Err(HepError::NotHep));
    assert_eq!(parse(b""), Err(HepError::NotHep));
}

/// Version, length, family, protocol, ports 5060 and 40000, as siptrace writes them.
fn fixed(version: u8, family: u8, addresses: &[u8], rest: &[u8]) -> Vec<u8> {
    let length = 8 + addresses.len() as u8;
    [&[version, length, family, 17, 0x13, 0xc4, 0x9c, 0x40], addresses, rest].concat()
}

#[test]
fn version_1_is_ports_and_addresses() {
    let bytes = fixed(1, 2, &[192, 0, 2, 1, 192, 0, 2, 2], SIP);
    assert!(looks_like(&bytes));
    let hep = parse(&bytes).unwrap();
    assert_eq!((hep.version, hep.transport, hep.time), (1, 17, None));
    assert_eq!(hep.flow.src.to_string(), "192.0.2.1:5060");
    assert_eq!(hep.flow.dst.to_string(), "192.0.2.2:40000");
    assert_eq!(&*hep.payload, SIP);
}

#[test]
fn version_2_adds_a_little_endian_time_and_node() {
    let time = [0x00, 0xf1, 0x53, 0x65, 0x40, 0x42, 0x0f, 0x00, 0x05, 0x01, 0, 0];
    let addresses: Vec<u8> = (0..32).collect();
    let bytes = fixed(2, 10, &addresses, &[&time[..], SIP].concat());
    assert!(looks_like(&bytes));
    let hep = parse(&bytes).unwrap();
    assert_eq!(hep.time, Some(Timestamp(1_700_000_000_000_000_000 + 1_000_000_000)));
    assert_eq!(hep.node, 0x0105);
    assert_eq!(hep.flow.src.to_string(), "[1:203:405:607:809:a0b:c0d:e0f]:5060");
    assert_eq!(&*hep.payload, SIP);
    assert_eq!(parse(&bytes[..51]), Err(HepError::Short { needed: 52, have: 51 }));
    assert_eq!(parse(&bytes[..52]), Err(HepError::NoPayload));
    assert_eq!(parse(&fixed(2, 99, &addresses, SIP)), Err(HepError::Family { family: 99 }));
}

#[test]
fn other_protocols_do_not_look_like_hep() {
    assert!(!looks_like(SIP));
    assert!(!looks_like(b"HEP3\0\x05"));
    assert!(!looks_like(&[1, 1, 0, 44, 0x21, 0x12, 0xa4, 0x42]));
    assert!(!looks_like(&[2, 16, 2, 99, 0, 0]));
    assert!(!looks_like(&[]));
    let mut careless = fixed(2, 2, &[10, 0, 0, 1, 10, 0, 0, 2], &vec![b'x'; 600]);
    careless[1] = 2;
    assert!(looks_like(&careless));
}

fn framed(parts: &[&[u8]]) -> (Vec<Vec<u8>>, Framer) {
    let mut framer = Framer::new();
    let mut packets = Vec::new();
    for part in parts {
        framer.push(part, &mut |packet| packets.push(packet.to_vec()));
    }
    (packets, framer)
}

#[test]
fn packets_are_cut_from_a_stream_whatever_its_segments() {
    let stream = [full(), hep3(&[chunk(0, 15, b"x")]), full()].concat();
    let (whole, _) = framed(&[&stream]);
    assert_eq!(whole.len(), 3);
    assert_eq!(whole.concat(), stream);
    for step in [1, 2, 3, 7, 100] {
        let parts: Vec<&[u8]> = stream.chunks(step).collect();
        let (packets, framer) = framed(&parts);
        assert_eq!(packets, whole, "{step} bytes a segment");
        assert_eq!((framer.waiting(), framer.skipped()), (0, 0));
    }
}

#[test]
fn garbage_is_passed_over_and_counted() {
    let packet = full();
    for garbage in [&b"HEP"[..], b"HEHEP", b"\0\x01HEP3\0\x02", b"HEP2HEP"] {
        let stream = [garbage, &packet, garbage, &packet].concat();
        for step in [1, 5, 1000] {
            let parts: Vec<&[u8]> = stream.chunks(step).collect();
            let (packets, framer) = framed(&parts);
            assert_eq!(packets, [packet.clone(), packet.clone()], "{garbage:?} by {step}");
            assert_eq!(framer.skipped(), 2 * garbage.len() as u64);
        }
    }
}

#[test]
fn after_a_gap_the_next_packet_is_found() {
    let packet = full();
    let mut framer = Framer::new();
    let mut count = 0;
    framer.push(&packet[..40], &mut |_| count += 1);
    framer.gap();
    framer.push(&packet[60..], &mut |_| count += 1);
    framer.push(&packet, &mut |got| {
        assert_eq!(got, packet);
        count += 1;
    });
    assert_eq!(count, 1);
}

#[test]
fn the_corpus_reads_as_its_truth_says() {
    let shared = std::env::var_os("SIPCTL_SHARED")
        .map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), Into::into);
    let path = shared.join("corpus/captures/derived/hep-heplify-server-vectors.pcap");
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    // Two packets, each behind 24 bytes of file header, 16 of record header, 42 of Ethernet, IPv4 and UDP.
    let first = parse(&bytes[24 + 16 + 42..]).unwrap();
    assert_eq!(first.flow.src.to_string(), "192.168.247.250:5060");
    assert_eq!((first.payload.len(), first.time), (673, Some(Timestamp(1_520_606_104_119_540_000))));
    let second = &bytes[24 + 16 + 820 + 16 + 42..];
    assert!(looks_like(second));
    let second = parse(second).unwrap();
    assert_eq!((second.version, second.payload.len()), (1, 519));
    assert_eq!(second.flow.dst.to_string(), "192.168.0.254:5060");
}

proptest! {
    #[test]
    fn damaged_packets_never_panic(flips in prop::collection::vec((any::<usize>(), any::<u8>()), 1..12), cut in any::<usize>()) {
        for mut bytes in [full(), fixed(2, 2, &[10, 0, 0, 1, 10, 0, 0, 2], SIP)] {
            for &(at, value) in &flips {
                let len = bytes.len();
                bytes[at % len] ^= value;
            }
            bytes.truncate(cut % (bytes.len() + 1));
            if let Ok(hep) = parse(&bytes) {
                prop_assert!(hep.payload.len() <= 1 << 20);
            }
            let mut framer = Framer::new();
            let mut out = 0;
            framer.push(&bytes, &mut |packet| out += packet.len());
            prop_assert_eq!(out as u64 + framer.skipped() + framer.waiting() as u64, bytes.len() as u64);
        }
    }
}
