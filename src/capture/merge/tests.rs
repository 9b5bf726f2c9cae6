//! The order of packets from several files.

use super::Merged;
use crate::capture::file::FileSource;
use crate::capture::file::tests::{block, n32, pcap_header, pcap_record};
use crate::capture::{Event, Source};
use std::io::Cursor;

/// A file with packets at these seconds.
fn file(seconds: &[u32], source: u16) -> FileSource {
    let mut bytes = pcap_header(0xa1b2_c3d4, false, 4, 1);
    for &s in seconds {
        bytes.extend(pcap_record(false, (s, 0), &s.to_be_bytes(), 4, 0));
    }
    FileSource::new(Box::new(Cursor::new(bytes)), "made", source).unwrap()
}

/// Second, source and frame of every packet in the order of reading.
fn order(mut merged: Merged) -> Vec<(i64, u16, u64)> {
    let mut out = Vec::new();
    while let Some(event) = merged.next_event().unwrap() {
        if let Event::Packet(p) = event {
            assert_eq!(p.data, ((p.time.0 / 1_000_000_000) as u32).to_be_bytes());
            out.push((p.time.0 / 1_000_000_000, p.source, p.frame));
        }
    }
    assert!(merged.next_event().unwrap().is_none());
    let packets: u64 = merged.infos().map(|i| i.packets).sum();
    assert_eq!(packets, out.len() as u64);
    out
}

#[test]
fn files_are_merged_by_time_and_equal_times_in_order_of_naming() {
    let merged = Merged::new(vec![file(&[10, 20, 30], 0), file(&[5, 20, 25, 40], 1), file(&[], 2)]);
    let expected = [(5, 1, 1), (10, 0, 1), (20, 0, 2), (20, 1, 2), (25, 1, 3), (30, 0, 3), (40, 1, 4)];
    assert_eq!(order(merged), expected);
}

#[test]
fn a_file_whose_clock_goes_back_keeps_its_own_order() {
    let merged = Merged::new(vec![file(&[10, 8, 30], 0), file(&[9, 20], 1)]);
    assert_eq!(order(merged), [(9, 1, 1), (10, 0, 1), (8, 0, 2), (20, 1, 2), (30, 0, 3)]);
    assert_eq!(order(Merged::new(vec![file(&[3, 1, 2], 0)])), [(3, 0, 1), (1, 0, 2), (2, 0, 3)]);
    assert_eq!(order(Merged::new(Vec::new())), []);
}

#[test]
fn secrets_come_before_packets_of_other_files() {
    let magic = [&n32(0x1a2b_3c4d, false)[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    let log = [&n32(0x544c_534b, false)[..], &n32(4, false), b"keys"].concat();
    let bytes = [block(0x0a0d_0d0a, false, &magic), block(10, false, &log)].concat();
    let keys = FileSource::new(Box::new(Cursor::new(bytes)), "keys", 1).unwrap();
    let mut merged = Merged::new(vec![file(&[1], 0), keys]);
    assert!(matches!(merged.next_event(), Ok(Some(Event::Secrets(b"keys")))));
    assert!(matches!(merged.next_event(), Ok(Some(Event::Packet(_)))));
}
