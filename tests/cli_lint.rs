//! `sipctl lint`: texts and captures against the grammar, forms of output, exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::room::{Room, testdata};
use support::scenes::messages::MESSAGES;

/// Messages of testdata that are no error, with what is told of them.
const MILD: [(&str, i32); 4] =
    [("bare-line-feed", 0), ("branch-without-cookie", 0), ("message-truncated", 0), ("odd-but-valid", 0)];

#[test]
fn every_message_of_testdata_shows_the_defect_that_it_is_named_for() {
    let room = Room::new();
    for message in MESSAGES {
        let ran = room.run(&["lint", &format!("messages/{}.sip", message.name), "--json"]);
        let code = MILD.iter().find(|(name, _)| *name == message.name).map_or(1, |(_, code)| *code);
        assert_eq!(ran.code, Some(code), "{}: {ran:?}", message.name);
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let codes: Vec<&str> =
            document["defects"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap()).collect();
        let expected: &[&str] = if message.name == "odd-but-valid" { &[] } else { &[message.name] };
        assert_eq!(codes, expected, "{}", message.name);
        assert_eq!((&document["summary"]["messages"], ran.stderr.as_str()), (&1.into(), ""));
    }
}

#[test]
fn a_defect_stands_under_its_line_as_in_a_compiler() {
    let room = Room::new();
    let ran = room.run(&["lint", "messages/header-malformed.sip"]);
    assert_eq!(
        ran.ends(1, ""),
        "error[header-malformed]  messages/header-malformed.sip:6:40 · message 1 · OPTIONS\n    \
         6 │ Contact: \"Alice\" <sip:alice@192.0.2.10>>\n      \
           │                                        ^ a second '>' ends nothing\n  \
         rule  RFC 3261 §20.10     more  sipctl explain header-malformed\n\n\
         1 message · 1 with defects · 1 error\n"
    );
}

#[test]
fn a_capture_is_judged_message_by_message() {
    let room = Room::new();
    let ran = room.run(&["lint", "malformed.pcap", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let codes: std::collections::BTreeSet<&str> =
        document["defects"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap()).collect();
    assert_eq!(codes.len(), MESSAGES.len() - 1, "{codes:?}");
    let first = &document["defects"][0];
    assert!(first["frame"].is_u64() && first["src"].is_string() && first["transport"] == "udp", "{first}");
    room.run(&["lint", "basic-call.pcap", "--fail-on", "info"]).ends(0, "");
    let text = room.run(&["lint", "malformed.pcap"]).stdout;
    assert!(text.contains("malformed.pcap · message 1 · frame 1 · 192.0.2.10:5060 → 198.51.100.20:5060 UDP"), "{text}");
}

#[test]
fn the_severity_that_fails_a_run_can_be_chosen() {
    let room = Room::new();
    for (name, fails_on) in [("bare-line-feed", "warning"), ("branch-without-cookie", "info")] {
        let path = format!("messages/{name}.sip");
        assert_eq!(room.run(&["lint", &path]).code, Some(0), "{name}");
        assert_eq!(room.run(&["lint", &path, "--fail-on", fails_on]).code, Some(1), "{name}");
    }
    assert_eq!(room.run(&["lint", "messages/odd-but-valid.sip", "--fail-on", "info"]).code, Some(0));
}

#[test]
fn what_cannot_be_read_or_holds_no_message_is_exit_2() {
    let room = Room::new();
    room.run(&["lint", "missing.sip"]).ends(2, "sipctl: cannot open missing.sip: No such file or directory\n");
    room.run(&["lint", "not-a-capture.txt"]).ends(2, "sipctl: not-a-capture.txt: not a packet capture: text\n");
    assert_eq!(room.run(&["lint"]).code, Some(2));
    let empty = room.path("empty.pcap");
    std::fs::write(&empty, [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0])
        .unwrap();
    let ran = room.run(&["lint", empty.to_str().unwrap()]);
    assert!(ran.code == Some(2) && ran.stderr.contains("there is no SIP message in it"), "{ran:?}");
}

#[test]
fn standard_input_and_lines_of_json() {
    let room = Room::new();
    let message = std::fs::read(testdata("messages/uri-malformed.sip")).unwrap();
    let mut command = assert_cmd::Command::from_std(room.command(&["lint", "-", "-f", "ndjson"]));
    let ran = support::room::Ran::of(command.write_stdin(message).output().unwrap());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let kinds: Vec<String> = ran.lines().iter().map(|line| line["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["defect", "summary"]);
    assert_eq!(ran.lines()[0]["text"], "OPTIONS <sip:bob@example.com> SIP/2.0");
}

#[test]
fn nothing_hostile_reaches_the_terminal_and_ascii_is_ascii() {
    let room = Room::new();
    let ran = room.run(&["lint", "hostile-names.pcap", "malformed.pcap", "--ascii", "--width", "60"]);
    assert!(ran.stdout.is_ascii() && !ran.stdout.contains('\u{1b}'), "{ran:?}");
    let widest = ran.stdout.lines().filter(|l| !l.contains("rule  ")).map(str::len).max().unwrap();
    assert!(widest <= 60, "{widest}");
}
