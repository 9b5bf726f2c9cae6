//! Capture files written here by hand, byte by byte, and read back.

use super::{FileSource, Source};
use crate::capture::{CaptureError, Event, SourceInfo};
use std::io::Write;

/// A number in either byte order.
pub(in crate::capture) fn n32(n: u32, big: bool) -> [u8; 4] {
    if big { n.to_be_bytes() } else { n.to_le_bytes() }
}

fn n16(n: u16, big: bool) -> [u8; 2] {
    if big { n.to_be_bytes() } else { n.to_le_bytes() }
}

/// The 24 bytes before the first record of a pcap file.
pub(in crate::capture) fn pcap_header(magic: u32, big: bool, minor: u16, link: u32) -> Vec<u8> {
    let mut out = n32(magic, big).to_vec();
    out.extend([n16(2, big), n16(minor, big)].concat());
    out.extend([n32(0, big), n32(0, big), n32(65535, big), n32(link, big)].concat());
    out
}

/// A record whose header has `extra` bytes more than usual.
pub(in crate::capture) fn pcap_record(
    big: bool,
    time: (u32, u32),
    data: &[u8],
    original: u32,
    extra: usize,
) -> Vec<u8> {
    let mut out = [n32(time.0, big), n32(time.1, big), n32(data.len() as u32, big), n32(original, big)].concat();
    out.extend(std::iter::repeat_n(7, extra));
    out.extend(data);
    out
}

/// A pcapng block around `body`.
pub(in crate::capture) fn block(kind: u32, big: bool, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let total = n32(12 + padded as u32, big);
    let mut out = [n32(kind, big), total].concat();
    out.extend(body);
    out.resize(8 + padded, 0);
    out.extend(total);
    out
}

fn section(big: bool) -> Vec<u8> {
    let mut body = n32(0x1a2b_3c4d, big).to_vec();
    body.extend([n16(1, big), n16(0, big)].concat());
    body.extend([0xff; 8]);
    block(0x0a0d_0d0a, big, &body)
}

fn interface(big: bool, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = [n16(link, big), [0; 2]].concat();
    body.extend(n32(snaplen, big));
    for (code, value) in options {
        body.extend([n16(*code, big), n16(value.len() as u16, big)].concat());
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(1, big, &body)
}

fn enhanced(big: bool, interface: u32, units: u64, data: &[u8], original: u32) -> Vec<u8> {
    let numbers = [interface, (units >> 32) as u32, units as u32, data.len() as u32, original];
    let mut body: Vec<u8> = numbers.iter().flat_map(|&n| n32(n, big)).collect();
    body.extend(data);
    block(6, big, &body)
}

fn obsolete(big: bool, interface: u16, units: u64, data: &[u8]) -> Vec<u8> {
    let mut body = [n16(interface, big), n16(3, big)].concat();
    for n in [(units >> 32) as u32, units as u32, data.len() as u32, data.len() as u32] {
        body.extend(n32(n, big));
    }
    body.extend(data);
    block(2, big, &body)
}

fn simple(big: bool, original: u32, data: &[u8]) -> Vec<u8> {
    block(3, big, &[&n32(original, big), data].concat())
}

fn secrets(big: bool, kind: u32, text: &[u8]) -> Vec<u8> {
    block(10, big, &[&n32(kind, big), &n32(text.len() as u32, big), text].concat())
}

/// What a packet was read as: time in nanoseconds, link type, bytes, original length.
type Seen = (i64, u16, Vec<u8>, u32);

/// Packets, secrets and what is said of the file.
type Contents = (Vec<Seen>, Vec<Vec<u8>>, SourceInfo);

/// Reads everything; frames must count from 1.
fn read(bytes: &[u8]) -> Result<Contents, CaptureError> {
    let mut file = FileSource::from_reader(Box::new(std::io::Cursor::new(bytes.to_vec())), "made", 3, 64)?;
    let (mut packets, mut keys) = (Vec::new(), Vec::new());
    while let Some(event) = file.next_event()? {
        match event {
            Event::Packet(p) => {
                packets.push((p.time.0, p.link.0, p.data.to_vec(), p.original_len));
                assert_eq!((p.frame, p.source), (packets.len() as u64, 3));
            }
            Event::Secrets(text) => keys.push(text.to_vec()),
            other => panic!("a file cannot say {other:?}"),
        }
    }
    assert!(file.next_event()?.is_none(), "the end is the end");
    let info = file.info().clone();
    assert_eq!(info.packets, packets.len() as u64);
    assert_eq!(info.bytes, packets.iter().map(|p| p.2.len() as u64).sum::<u64>());
    Ok((packets, keys, info))
}

fn pcap(magic: u32, big: bool, extra: usize) -> Vec<u8> {
    let mut file = pcap_header(magic, big, 4, 1);
    file.extend(pcap_record(big, (1_700_000_000, 250_000), b"first packet", 12, extra));
    file.extend(pcap_record(big, (1_700_000_001, 7), b"cut", 900, extra));
    file.extend(pcap_record(big, (1_700_000_002, 8), b"", 0, extra));
    file
}

#[test]
fn every_dialect_of_pcap_is_read_alike() {
    for big in [false, true] {
        let dialects = [(0xa1b2_c3d4, 0, 1000), (0xa1b2_3c4d, 0, 1), (0xa1b2_cd34, 8, 1000), (0xa1b2_c3d4, 8, 1000)];
        let more = [(0xa1b2_cd34, 12, 1000), (0xa1b2_c3d4, 4, 1000)];
        for (magic, extra, unit) in dialects.into_iter().chain(more) {
            let (packets, _, info) = read(&pcap(magic, big, extra)).unwrap();
            let second = 1_700_000_000 * 1_000_000_000;
            let expected = [
                (second + 250_000 * unit, 1, b"first packet".to_vec(), 12),
                (second + 1_000_000_000 + 7 * unit, 1, b"cut".to_vec(), 900),
                (second + 2_000_000_000 + 8 * unit, 1, Vec::new(), 0),
            ];
            assert_eq!(packets, expected, "{magic:x} {extra} {big}");
            let format = if extra > 0 { "pcap (modified)" } else { "pcap" };
            assert_eq!((info.format.as_str(), info.truncated), (format, false));
            assert_eq!(info.first_time.unwrap().0, expected[0].0);
            assert_eq!(info.last_time.unwrap().0, expected[2].0);
        }
    }
}

#[test]
fn old_versions_hold_their_lengths_the_other_way_round() {
    for minor in [2, 3] {
        let mut file = pcap_header(0xa1b2_c3d4, false, minor, 6);
        file.extend([n32(5, false), n32(6, false), n32(60, false), n32(4, false)].concat());
        file.extend(b"abcd");
        let (packets, ..) = read(&file).unwrap();
        // Link type 6 in version 2.2 is how AIX writes Ethernet.
        assert_eq!(packets, [(5_000_006_000, if minor == 2 { 1 } else { 6 }, b"abcd".to_vec(), 60)]);
    }
}

#[test]
fn ixia_files_have_four_more_bytes_before_the_first_record() {
    let mut file = pcap_header(0x1c00_01ac, true, 4, 1);
    file.extend([0; 4]);
    file.extend(pcap_record(true, (1, 2), b"xy", 2, 0));
    assert_eq!(read(&file).unwrap().0, [(1_000_000_002, 1, b"xy".to_vec(), 2)]);
}

/// Two sections of different byte order with everything that a section may hold.
fn pcapng() -> (Vec<u8>, Vec<Seen>) {
    let mut file = section(false);
    file.extend(interface(false, 1, 0, &[(2, b"eth0"), (0, b"")]));
    file.extend(secrets(false, 0x544c_534b, b"CLIENT_RANDOM 00 11\n"));
    file.extend(interface(false, 113, 96, &[(9, &[9]), (14, &2i64.to_le_bytes())]));
    file.extend(enhanced(false, 0, 1_700_000_000_000_001, b"micro", 5));
    file.extend(block(0x0bad, false, &[1; 40]));
    file.extend(secrets(false, 0x5747_4b4c, b"of WireGuard"));
    file.extend(enhanced(false, 1, 1_700_000_000_000_000_009, b"nano and later", 1500));
    file.extend(simple(false, 4, b"simp"));
    file.extend(section(true));
    file.extend(interface(true, 101, 3, &[(9, &[0x80 | 20])]));
    file.extend(enhanced(true, 0, (1_700_000_100 << 20) | (1 << 19), b"binary", 6));
    file.extend(obsolete(true, 0, 1_700_000_101 << 20, b"old"));
    file.extend(simple(true, 200, b"cut"));
    let s = 1_000_000_000;
    let expected = vec![
        (1_700_000_000 * s + 1000, 1, b"micro".to_vec(), 5),
        (1_700_000_002 * s + 9, 113, b"nano and later".to_vec(), 1500),
        (1_700_000_002 * s + 9, 1, b"simp".to_vec(), 4),
        (1_700_000_100 * s + s / 2, 101, b"binary".to_vec(), 6),
        (1_700_000_101 * s, 101, b"old".to_vec(), 3),
        (1_700_000_101 * s, 101, b"cut".to_vec(), 200),
    ];
    (file, expected)
}

#[test]
fn pcapng_sections_interfaces_and_block_kinds() {
    let (file, expected) = pcapng();
    let (packets, keys, info) = read(&file).unwrap();
    assert_eq!(packets, expected);
    assert_eq!(keys, [b"CLIENT_RANDOM 00 11\n"]);
    assert_eq!(info.link_types.iter().map(|l| l.0).collect::<Vec<_>>(), [1, 113, 101]);
    assert!(!info.truncated);
    assert!(info.notes.iter().any(|n| n == "2 sections"), "{:?}", info.notes);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn compressed_captures_are_recognised_whatever_they_are_called() {
    let (file, expected) = pcapng();
    let (head, tail) = file.split_at(200);
    let zstd = |bytes| zstd::encode_all(bytes, 1).unwrap();
    for (packed, format) in [
        (gzip(&file), "pcapng (gzip)"),
        ([gzip(head), gzip(tail)].concat(), "pcapng (gzip)"),
        (zstd(&file[..]), "pcapng (zstd)"),
        ([zstd(head), zstd(tail)].concat(), "pcapng (zstd)"),
    ] {
        let (packets, _, info) = read(&packed).unwrap();
        assert_eq!((packets, info.format.as_str(), info.truncated), (expected.clone(), format, false));
    }
    let twice = read(&gzip(&gzip(&file))).unwrap_err().to_string();
    assert_eq!(twice, "made: not a packet capture: data compressed twice; unpack it first");
    let text = read(&gzip(b"only some words in there")).unwrap_err().to_string();
    assert_eq!(text, "made: not a packet capture: text (gzip)");
}

/// Whatever the cut, the packets before it are all there, and only those.
#[test]
fn a_tail_cut_anywhere_leaves_all_whole_packets() {
    let (ng, expected_ng) = pcapng();
    let expected_pcap = read(&pcap(0xa1b2_c3d4, false, 0)).unwrap().0;
    for (file, expected) in [(ng, expected_ng), (pcap(0xa1b2_c3d4, false, 0), expected_pcap)] {
        let mut most = 0;
        for cut in 4..file.len() {
            let (packets, ..) = read(&file[..cut]).unwrap();
            assert_eq!(packets, expected[..packets.len()], "cut at {cut}");
            assert!(packets.len() >= most && packets.len() <= most + 1, "cut at {cut}");
            most = packets.len();
        }
        assert_eq!(most, expected.len() - 1);
    }
}

#[test]
fn a_cut_inside_a_record_is_told_and_one_between_records_is_not() {
    let file = pcap(0xa1b2_c3d4, false, 0);
    let first_end = 24 + 16 + 12;
    assert!(!read(&file[..first_end]).unwrap().2.truncated);
    for cut in [4, 23, first_end - 1, first_end + 1, first_end + 15, first_end + 17] {
        assert!(read(&file[..cut]).unwrap().2.truncated, "cut at {cut}");
    }
    let packed = gzip(&file);
    let (packets, _, info) = read(&packed[..packed.len() - 9]).unwrap();
    assert!(info.truncated && packets.len() <= 3);
}

/// The same numbers on every run.
fn seeded(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

#[test]
fn flipped_bits_neither_panic_nor_hang_nor_take_memory() {
    let files = [pcapng().0, pcap(0xa1b2_c3d4, true, 0), pcap(0xa1b2_cd34, false, 8), netmon(), gzip(&pcapng().0)];
    let mut random = seeded(5);
    for file in files {
        for _ in 0..4000 {
            let mut broken = file.clone();
            for _ in 0..=random() % 3 {
                let at = random() as usize % broken.len();
                broken[at] ^= 1 << (random() % 8);
            }
            if let Ok((packets, ..)) = read(&broken) {
                assert!(packets.iter().map(|p| p.2.len()).sum::<usize>() <= 8 * pcapng().0.len());
            }
        }
    }
}

#[test]
fn impossible_lengths_end_the_reading_with_a_note() {
    let mut file = pcap(0xa1b2_c3d4, false, 0);
    let at = file.len();
    file.extend([n32(1, false), n32(1, false), n32(0xffff_fff0, false), n32(0xffff_fff0, false)].concat());
    file.extend([0; 100]);
    let (packets, _, info) = read(&file).unwrap();
    assert_eq!((packets.len(), info.truncated), (3, true));
    assert!(info.notes[0].starts_with(&format!("damaged at byte {at}: packet 4 claims 4294967280 bytes")));

    let mut ng = section(false);
    ng.extend(interface(false, 1, 0, &[]));
    ng.extend(enhanced(false, 9, 1, b"no such interface", 17));
    ng.extend(enhanced(false, 0, 1_000_000, b"good", 4));
    let mut lying = enhanced(false, 0, 1, b"four", 4);
    lying[20] = 200;
    ng.extend(lying);
    ng.extend([n32(6, false), n32(8, false), n32(0, false)].concat());
    let (packets, _, info) = read(&ng).unwrap();
    assert_eq!(packets, [(1_000_000_000, 1, b"good".to_vec(), 4)]);
    assert!(info.truncated);
    assert!(info.notes.iter().any(|n| n.starts_with("2 packet blocks")), "{:?}", info.notes);
}

/// A file of Network Monitor 2.1 with two frames, one of them of another link type, and something that is no frame.
fn netmon() -> Vec<u8> {
    let mut file = b"GMBU\x01\x02\x01\0".to_vec();
    for field in [2005u16, 7, 0, 17, 15, 39, 20, 502] {
        file.extend(field.to_le_bytes());
    }
    file.resize(128, 0);
    let mut table = Vec::new();
    for (delta, data, network) in
        [(0u64, &b"ethernet"[..], 1u16), (5, b"names", 0xffff), (1_000_001, b"raw", 0xe000 + 101)]
    {
        table.extend((file.len() as u32).to_le_bytes());
        file.extend(delta.to_le_bytes());
        file.extend([n32(data.len() as u32 + 1, false), n32(data.len() as u32, false)].concat());
        file.extend(data);
        file.extend(network.to_le_bytes());
    }
    let (at, length) = (file.len() as u32, table.len() as u32);
    file[24..28].copy_from_slice(&at.to_le_bytes());
    file[28..32].copy_from_slice(&length.to_le_bytes());
    file.extend(table);
    file
}

#[test]
fn network_monitor_frames_are_found_through_their_table() {
    let (packets, _, info) = read(&netmon()).unwrap();
    // 2005-07-17T15:39:20.502Z
    let begun = 1_121_614_760_502_000_000;
    assert_eq!(packets, [(begun, 1, b"ethernet".to_vec(), 9), (begun + 1_000_001_000, 101, b"raw".to_vec(), 4)]);
    assert_eq!((info.format.as_str(), info.truncated), ("netmon", false));
    for cut in 4..netmon().len() {
        let (packets, _, info) = read(&netmon()[..cut]).unwrap();
        assert!(packets.len() < 3 && info.truncated, "cut at {cut}");
    }
}

#[test]
fn what_is_no_capture_is_refused_in_one_line() {
    let refused = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert_eq!(refused(b""), "made: not a packet capture: it is empty");
    assert_eq!(
        refused(b"snoop\0\0\0\0\0\0\x02\0\0\0\x04"),
        "made: not a packet capture: a snoop capture; convert it with: editcap -F pcapng IN OUT"
    );
    let missing = super::open("/nonexistent/x.pcap", 0).err().unwrap().to_string();
    assert_eq!(missing, "cannot open /nonexistent/x.pcap: No such file or directory");
    let directory = super::open("/", 0).err().unwrap().to_string();
    assert_eq!(directory, "cannot open /: it is a directory");
}
