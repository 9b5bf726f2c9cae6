//! The files of `testdata/` are what the scenes in `tests/support/scenes` make, byte for byte.
//! `UPDATE_TESTDATA=1 cargo test --test testdata` writes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use sipctl::sip::{Defect, Message as View, Outline, check};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use support::room::{Room, testdata};
use support::scenes::messages::MESSAGES;
use support::scenes::{CAPTURES, Fixture, NOT_A_CAPTURE, Packing};

fn updates() -> bool {
    std::env::var_os("UPDATE_TESTDATA").is_some()
}

fn packed(fixture: &Fixture, bytes: &[u8]) -> Vec<u8> {
    match fixture.packing {
        Packing::Plain => bytes.to_vec(),
        Packing::Gzip => {
            let mut packed = Vec::new();
            flate2::read::GzEncoder::new(bytes, flate2::Compression::best()).read_to_end(&mut packed).unwrap();
            packed
        }
        Packing::Zstd => zstd::encode_all(bytes, 19).unwrap(),
    }
}

fn unpacked(fixture: &Fixture, bytes: &[u8]) -> Vec<u8> {
    match fixture.packing {
        Packing::Plain => bytes.to_vec(),
        Packing::Gzip => {
            let mut whole = Vec::new();
            flate2::read::GzDecoder::new(bytes).read_to_end(&mut whole).unwrap();
            whole
        }
        Packing::Zstd => zstd::decode_all(bytes).unwrap(),
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn captures_are_what_their_scenes_make() {
    for fixture in CAPTURES {
        let path = testdata(fixture.name);
        let made = (fixture.make)();
        assert!(made.len() < 100_000, "{} has {} bytes", fixture.name, made.len());
        // A compressed file stays as it is while it holds the same.
        let is_current = || std::fs::read(&path).is_ok_and(|f| unpacked(fixture, &f) == made);
        if updates() && !is_current() {
            write(&path, &packed(fixture, &made));
        }
        let found = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(unpacked(fixture, &found) == made, "{} is not what its scene makes", fixture.name);
    }
}

#[test]
fn messages_are_what_their_table_says() {
    for message in MESSAGES {
        let path = testdata(&format!("messages/{}.sip", message.name));
        if updates() {
            write(&path, message.bytes);
        }
        assert!(std::fs::read(&path).unwrap() == message.bytes, "{} differs", message.name);
    }
    let path = testdata("not-a-capture.txt");
    if updates() {
        write(&path, NOT_A_CAPTURE.as_bytes());
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), NOT_A_CAPTURE);
}

#[test]
fn nothing_else_lies_there_and_the_readme_names_everything() {
    let mut known: BTreeSet<PathBuf> = CAPTURES.iter().map(|c| testdata(c.name)).collect();
    known.extend(MESSAGES.iter().map(|m| testdata(&format!("messages/{}.sip", m.name))));
    known.extend(["README.md", "not-a-capture.txt"].map(testdata));
    let list = |dir: PathBuf| std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file());
    let found: BTreeSet<PathBuf> = list(testdata("")).chain(list(testdata("messages"))).collect();
    assert_eq!(found, known);

    let rows = CAPTURES.iter().map(|c| format!("| `{}` | {} |", c.name, c.shows));
    let rows = rows.chain(MESSAGES.iter().map(|m| format!("| `messages/{}.sip` | {} |", m.name, m.shows)));
    let readme = std::fs::read_to_string(testdata("README.md")).unwrap();
    let missing: Vec<String> = rows.filter(|row| !readme.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "testdata/README.md lacks:\n{}", missing.join("\n"));
}

/// The codes of defects, each once, in order of place.
fn codes(defects: &[Defect]) -> Vec<&'static str> {
    let mut codes: Vec<&str> = defects.iter().map(|d| d.kind.code()).collect();
    codes.dedup();
    codes
}

#[test]
fn messages_have_the_defects_they_are_named_for() {
    let mut outline = Outline::new();
    for message in MESSAGES {
        assert!(outline.read(message.bytes), "{}", message.name);
        let mut defects = Vec::new();
        check::defects(&View::new(message.bytes, &outline), &mut defects);
        assert_eq!(codes(&defects), message.findings, "{}: {defects:?}", message.name);
    }
}

/// Every defect is a finding, at the bytes at fault.
#[test]
fn decode_tells_every_defect() {
    let out = Room::new().decode(&["malformed.pcap", "--json"]).json();
    let all = out["findings"].as_array().unwrap();
    assert_eq!(out["messages"].as_array().unwrap().len(), MESSAGES.len());
    let mut outline = Outline::new();
    for (n, message) in MESSAGES.iter().enumerate() {
        outline.read(message.bytes);
        let mut defects = Vec::new();
        check::defects(&View::new(message.bytes, &outline), &mut defects);
        // Nothing answers these messages, which is told of some of them, too.
        let mut told: Vec<(&str, u64, u64)> = all
            .iter()
            .filter(|f| f["code"] != "no-response")
            .flat_map(|f| f["spans"].as_array().into_iter().flatten().map(move |span| (f, span)))
            .filter(|(_, span)| span["message"] == n)
            .map(|(f, s)| (f["code"].as_str().unwrap(), s["start"].as_u64().unwrap(), s["end"].as_u64().unwrap()))
            .collect();
        let span = |d: &Defect| (d.kind.code(), u64::from(d.span.start), u64::from(d.span.end));
        told.sort_unstable_by_key(|(_, start, _)| *start);
        assert_eq!(told, defects.iter().map(span).collect::<Vec<_>>(), "{}", message.name);
    }
}

/// What each capture amounts to: messages, and calls by state.
#[test]
fn captures_hold_what_they_are_named_for() {
    let table: &[(&str, u64, &str)] = &[
        ("basic-call.pcap", 20, "completed 1"),
        ("busy.pcap", 4, "busy 1"),
        ("busy.pcap.gz", 4, "busy 1"),
        ("busy.pcap.zst", 4, "busy 1"),
        ("cancelled.pcap", 7, "cancelled 1"),
        ("redirected.pcap", 4, "redirected 1"),
        ("rejected-488.pcap", 4, "rejected 1"),
        ("no-response.pcap", 7, "unanswered 1"),
        ("ack-missing.pcap", 15, "completed 1"),
        ("hold.pcap", 12, "completed 1"),
        ("prack.pcap", 12, "completed 1"),
        ("fork.pcap", 20, "completed 1"),
        ("late-offer.pcap", 6, "completed 1"),
        ("dtmf.pcap", 6, "completed 1"),
        ("rtp-loss.pcap", 6, "completed 1"),
        ("ipv6.pcap", 6, "completed 1"),
        ("still-up.pcap", 4, "answered 1"),
        ("many-calls.pcap", 140, "busy 5, completed 20"),
        ("registration.pcap", 6, ""),
        ("register-refused.pcap", 4, ""),
        ("options.pcap", 13, ""),
        ("tcp-split.pcap", 6, "completed 1"),
        ("websocket.pcap", 6, "completed 1"),
        ("fragments.pcap", 2, ""),
        ("hep3.pcap", 6, "completed 1"),
        ("vlan-gre-vxlan.pcap", 18, "completed 3"),
        ("snap-length.pcap", 6, "completed 1"),
        ("truncated.pcap", 5, "completed 1"),
        ("two-interfaces.pcapng", 6, "completed 1"),
        ("malformed.pcap", 12, ""),
        ("legs-b2bua.pcap", 13, "completed 1"),
        ("legs-sbc.pcap", 13, "completed 1"),
        ("legs-hunting.pcap", 16, "completed 1"),
        ("legs-two-calls.pcap", 26, "completed 2"),
        ("legs-ambiguous.pcap", 26, "completed 4"),
        ("legs-unrelated.pcap", 21, "busy 1, completed 3"),
        ("legs-transfer.pcap", 18, "completed 1"),
        ("legs-attended.pcap", 21, "completed 2"),
        ("hostile-names.pcap", 3, "rejected 1"),
    ];
    let room = Room::new();
    for fixture in CAPTURES {
        let (_, messages, calls) = table
            .iter()
            .find(|(name, ..)| *name == fixture.name)
            .unwrap_or_else(|| panic!("{} has no row", fixture.name));
        let summary = room.decode(&[fixture.name, "--json", "--summary"]).json()["summary"].clone();
        let states = summary["calls_by_state"].as_object().unwrap().iter();
        let told: Vec<String> = states.filter(|(_, n)| **n != 0).map(|(state, n)| format!("{state} {n}")).collect();
        assert_eq!(
            (summary["messages"].as_u64(), told.join(", ").as_str()),
            (Some(*messages), *calls),
            "{}",
            fixture.name
        );
    }
}
