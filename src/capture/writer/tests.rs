//! What is written is read back, by our own reader and by other people's.

use super::{Rotation, Writer, WriterOptions, numbered};
use crate::base::Timestamp;
use crate::capture::{Event, Source, open};
use crate::net::{LinkType, Packet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn packet(seconds: i64, link: u16, data: &[u8], original_len: u32) -> Packet<'_> {
    let time = Timestamp(seconds * 1_000_000_000 + 123_456_789);
    Packet { time, source: 0, frame: 1, link: LinkType(link), data, original_len }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// An IPv4 packet of UDP from 192.0.2.1 to 192.0.2.2, port 9999.
const UDP: &[u8] = &[
    0x45, 0, 0, 30, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0x27, 0x0f, 0x27, 0x0f, 0, 10, 0, 0, b'h',
    b'i',
];

fn write_three(path: &Path) {
    let mut writer = Writer::create(&text(path), WriterOptions::default()).unwrap();
    let ethernet = [&[2; 12][..], &[8, 0], UDP].concat();
    writer.write_packet(&packet(1_700_000_000, 1, &ethernet, 44)).unwrap();
    writer.write_secrets(b"CLIENT_RANDOM 01 02\n").unwrap();
    writer.write_packet(&packet(1_700_000_001, 101, UDP, 1400)).unwrap();
    writer.write_packet(&packet(1_700_000_002, 1, &ethernet, 44)).unwrap();
    assert_eq!(writer.packets(), 3);
    writer.close().unwrap();
}

#[test]
fn packets_and_secrets_come_back_as_they_were_written() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("out.pcapng");
    write_three(&path);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut file = open(&text(&path), 0).unwrap();
    let mut seen = Vec::new();
    while let Some(event) = file.next_event().unwrap() {
        match event {
            Event::Packet(p) => seen.push((p.time.0, p.link.0, p.data.len(), p.original_len)),
            Event::Secrets(log) => assert_eq!((log, seen.len()), (&b"CLIENT_RANDOM 01 02\n"[..], 1)),
            other => panic!("{other:?}"),
        }
    }
    let at = |s: i64| (1_700_000_000 + s) * 1_000_000_000 + 123_456_789;
    assert_eq!(seen, [(at(0), 1, 44, 44), (at(1), 101, 30, 1400), (at(2), 1, 44, 44)]);
    assert!(!file.info().truncated);
}

#[test]
fn other_programs_read_it_alike() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("out.pcapng");
    write_three(&path);
    let fields = ["frame.time_epoch", "ip.src", "udp.port", "frame.cap_len", "frame.len"];
    let mut tshark = Command::new("tshark");
    tshark.args(["-r", &text(&path), "-T", "fields", "-E", "separator=,", "-E", "occurrence=f"]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let Ok(done) = tshark.output() else { return eprintln!("skipped: no tshark here") };
    let expected = "1700000000.123456789,192.0.2.1,9999,44,44\n\
                    1700000001.123456789,192.0.2.1,9999,30,1400\n\
                    1700000002.123456789,192.0.2.1,9999,44,44\n";
    assert_eq!(String::from_utf8_lossy(&done.stdout), expected, "{}", String::from_utf8_lossy(&done.stderr));
    let Ok(done) = Command::new("capinfos").arg(text(&path)).output() else { return eprintln!("skipped: no capinfos") };
    let shown = String::from_utf8_lossy(&done.stdout);
    assert!(shown.contains("pcapng") && shown.contains("sipctl") && shown.contains("nanoseconds"), "{shown}");
}

#[test]
fn a_rotation_keeps_the_newest_files_each_readable_alone() {
    let room = tempfile::tempdir().unwrap();
    let options = WriterOptions { rotation: Some(Rotation { mb: 1, files: 2 }), ..WriterOptions::default() };
    let mut writer = Writer::create(&text(&room.path().join("calls.pcapng")), options).unwrap();
    writer.write_secrets(b"KEYS\n").unwrap();
    let data = vec![7; 100_000];
    // Ten packets of 100,000 bytes fill a file of 1 MB: the 35 go into four.
    for n in 0..35 {
        writer.write_packet(&packet(n, 1, &data, 100_000)).unwrap();
    }
    assert!(writer.current_path().contains("calls_00004_"), "{}", writer.current_path());
    writer.close().unwrap();
    let mut names: Vec<_> = std::fs::read_dir(room.path()).unwrap().map(|e| text(&e.unwrap().path())).collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    let mut counts = Vec::new();
    for name in &names {
        assert_eq!(std::fs::metadata(name).unwrap().permissions().mode() & 0o777, 0o600);
        let mut file = open(name, 0).unwrap();
        let mut keys = 0;
        while let Some(event) = file.next_event().unwrap() {
            keys += usize::from(matches!(event, Event::Secrets(b"KEYS\n")));
        }
        counts.push((file.info().packets, keys));
    }
    assert_eq!(counts, [(10, 1), (5, 1)]);
}

#[test]
fn names_of_a_rotation_carry_number_and_time() {
    let time = Timestamp::from_parts(1_795_356_311, 0);
    assert_eq!(time.to_string(), "2026-11-22T14:05:11.000000000Z");
    assert_eq!(numbered("a.d/calls.pcapng", 1, time), "a.d/calls_00001_20261122140511.pcapng");
    assert_eq!(numbered("a.d/calls", 12, time), "a.d/calls_00012_20261122140511");
}

#[test]
fn a_full_disk_is_told_with_operation_and_path() {
    if !Path::new("/dev/full").exists() {
        return eprintln!("skipped: no /dev/full here");
    }
    let mut writer = Writer::create("/dev/full", WriterOptions::default()).unwrap();
    writer.write_packet(&packet(1, 1, b"data", 4)).unwrap();
    assert_eq!(writer.close().unwrap_err().to_string(), "cannot write /dev/full: No space left on device");
}
