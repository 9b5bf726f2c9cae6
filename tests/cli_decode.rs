//! `sipctl decode`: inputs, exit codes, interruption, closed pipes. The real binary, everything that it writes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::UdpSocket;
use std::process::{Child, Stdio};
use support::room::{Ran, Room, testdata};
use support::scenes::calls::plain_call;
use support::scenes::{CAPTURES, proxy};
use support::{scene, tunnel};

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

fn calls(ran: &Ran) -> u64 {
    ran.json()["summary"]["calls"].as_u64().unwrap()
}

#[test]
fn every_capture_is_read_without_complaint() {
    let room = Room::new();
    for fixture in CAPTURES {
        let ran = room.decode(&[fixture.name, "--summary"]);
        let note = match fixture.name {
            "truncated.pcap" => {
                "sipctl: truncated.pcap: ends in the middle of a packet; all 5 whole packets were read\n"
            }
            _ => "",
        };
        let head = format!("{} · 2026-03-01 09:00:0", fixture.name);
        assert!(ran.ends(0, note).starts_with(&head), "{ran:?}");
    }
}

#[test]
fn standard_input_is_a_capture_compressed_or_not() {
    let room = Room::new();
    for name in ["busy.pcap", "busy.pcap.gz", "busy.pcap.zst", "two-interfaces.pcapng"] {
        let bytes = std::fs::read(testdata(name)).unwrap();
        let ran = room.decode_from(&bytes, &["-", "--json", "--summary"]);
        assert_eq!(calls(&ran), 1, "{name}");
        assert_eq!(ran.json()["sources"][0]["path"], "-", "{name}");
    }
}

#[test]
fn several_files_are_one_timeline() {
    let ran = Room::new().decode(&["still-up.pcap", "many-calls.pcap", "busy.pcap.gz", "--json"]);
    let report = ran.json();
    assert_eq!(report["summary"]["calls"], 27);
    assert_eq!(report["sources"].as_array().unwrap().len(), 3);
    let times: Vec<&str> = report["messages"].as_array().unwrap().iter().map(|m| m["time"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
    let sources: std::collections::BTreeSet<u64> =
        report["messages"].as_array().unwrap().iter().map(|m| m["source"].as_u64().unwrap()).collect();
    assert_eq!(sources.len(), 3);
}

#[test]
fn the_same_file_twice_is_one_set_of_calls_seen_twice() {
    let ran = Room::new().decode(&["busy.pcap", "busy.pcap", "--json", "--summary"]);
    assert_eq!((calls(&ran), ran.json()["summary"]["messages"].as_u64()), (1, Some(8)));
}

#[test]
fn a_truncated_tail_is_a_note_and_no_failure() {
    let ran = Room::new().decode(&["truncated.pcap", "--json", "--summary"]);
    ran.ends(0, "sipctl: truncated.pcap: ends in the middle of a packet; all 5 whole packets were read\n");
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["sources"][0]["truncated"], true);
}

#[test]
fn what_cannot_be_read_is_one_line_and_exit_2() {
    let room = Room::new();
    let cases: &[(&[&str], &str)] = &[
        (&["not-a-capture.txt"], "sipctl: not-a-capture.txt: not a packet capture: text\n"),
        (&["nowhere.pcap"], "sipctl: cannot open nowhere.pcap: No such file or directory\n"),
        (&["busy.pcap", "nowhere.pcap"], "sipctl: cannot open nowhere.pcap: No such file or directory\n"),
        (
            &["busy.pcap", "--keylog", "nowhere.log"],
            "sipctl: cannot read nowhere.log: No such file or directory\n",
        ),
        (
            &["busy.pcap", "--keylog", "not-a-capture.txt"],
            "sipctl: not-a-capture.txt: there is no TLS secret in it\n  a key log has lines like: CLIENT_RANDOM 52fd… 8a41…\n",
        ),
        (
            &["busy.pcap", "--call", "9"],
            "sipctl: there is no call '9' in it\n  sipctl decode FILE --list shows the calls\n",
        ),
        (
            &["busy.pcap", "--call", "x@y"],
            "sipctl: there is no call 'x@y' in it\n  sipctl decode FILE --list shows the calls\n",
        ),
    ];
    for (args, stderr) in cases {
        assert_eq!(room.decode(args).ends(2, stderr), "", "{args:?}");
    }
    let ran = room.decode(&["messages"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.lines().count()), (Some(2), "", 1), "{ran:?}");
    let ran = room.decode(&["busy.pcap", "--server-key", "not-a-capture.txt"]);
    assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "{ran:?}");
    assert!(ran.stderr.starts_with("sipctl: not-a-capture.txt: "), "{ran:?}");
    let ran = room.decode_from(b"", &["-"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.lines().count()), (Some(2), "", 1), "{ran:?}");
}

#[test]
fn what_was_typed_wrongly_is_exit_2_with_the_word() {
    let room = Room::new();
    let cases: &[(&[&str], &str)] = &[
        (&[], "<FILE>"),
        (&["busy.pcap", "--nonsense"], "--nonsense"),
        (&["busy.pcap", "--format", "xml"], "xml"),
        (&["busy.pcap", "--json", "--format", "text"], "--format"),
        (&["busy.pcap", "--list", "--summary"], "--summary"),
        (&["busy.pcap", "--all", "--summary"], "--all"),
        (&["busy.pcap", "-i", "lo"], "--interface"),
        (&["busy.pcap", "--hep-listen", "127.0.0.1:0"], "--hep-listen"),
        (&["busy.pcap", "--width", "39"], "39"),
        (&["busy.pcap", "--status", "7xx"], "7xx"),
        (&["busy.pcap", "--state", "happy"], "happy"),
        (&["busy.pcap", "--ip", "localhost"], "localhost"),
        (&["busy.pcap", "--after", "yesterday"], "yesterday"),
        (&["busy.pcap", "--duration", "5 parsecs"], "5 parsecs"),
        (&["busy.pcap", "--rotate-mb", "1"], "--write"),
        (&["busy.pcap", "--fail-on", "never"], "never"),
        (&["busy.pcap", "--expect", "summary.calls >"], "column 16"),
        (&["busy.pcap", "--port", "70000"], "70000"),
    ];
    for (args, word) in cases {
        let ran = room.decode(args);
        assert!(ran.code == Some(2) && ran.stdout.is_empty() && ran.stderr.contains(word), "{args:?} {ran:?}");
    }
}

#[test]
fn expectations_and_findings_decide_between_0_and_1() {
    let room = Room::new();
    let cases: &[(&str, &[&str], i32, &str)] = &[
        ("busy.pcap", &["--expect", "summary.calls == 1"], 0, ""),
        ("busy.pcap", &["--expect", "summary.calls_by_state.busy >= 1 && summary.malformed == 0"], 0, ""),
        ("busy.pcap", &["--expect", "calls[0].final_status == 486"], 0, ""),
        (
            "busy.pcap",
            &["--expect", "summary.calls > 5"],
            1,
            "sipctl: expected summary.calls > 5, found summary.calls = 1\n",
        ),
        (
            "busy.pcap",
            &["--expect", "summary.calls == 1", "--expect", "length(messages) == 3"],
            1,
            "sipctl: expected length(messages) == 3, found length(messages) = 4\n",
        ),
        ("busy.pcap", &["--fail-on", "info"], 1, ""),
        ("busy.pcap", &["--fail-on", "warning"], 0, ""),
        ("basic-call.pcap", &["--fail-on", "warning"], 1, ""),
        ("basic-call.pcap", &["--fail-on", "error"], 0, ""),
        ("no-response.pcap", &["--fail-on", "error"], 1, ""),
        ("no-response.pcap", &[], 0, ""),
    ];
    for (file, args, code, stderr) in cases {
        for form in ["text", "json", "ndjson"] {
            let all = [&[*file, "--format", form], *args].concat();
            assert!(!room.decode(&all).ends(*code, stderr).is_empty(), "{all:?}");
        }
        let all = [&[*file, "--summary"], *args].concat();
        room.decode(&all).ends(*code, stderr);
    }
}

#[test]
fn a_device_that_is_not_there_is_exit_4() {
    let ran = Room::new().decode(&["-i", "nosuchdevice0"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""), "{ran:?}");
    assert!(ran.stderr.starts_with("sipctl: ") && ran.stderr.lines().count() <= 2, "{ran:?}");
}

#[test]
fn an_address_that_cannot_be_listened_on_is_exit_4() {
    // TEST-NET-3 is no address of this machine.
    let ran = Room::new().decode(&["--hep-listen", "203.0.113.77:9060"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.lines().count()), (Some(4), "", 1), "{ran:?}");
    assert!(ran.stderr.contains("203.0.113.77:9060"), "{ran:?}");
}

/// A listener for HEP with what is needed to talk to it.
struct Listener {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    stderr: BufReader<std::process::ChildStderr>,
    address: String,
}

fn hep_listener(room: &Room, args: &[&str]) -> Listener {
    let args = [&["decode", "--hep-listen", "127.0.0.1:0"], args].concat();
    let mut command = room.command(&args);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    let address = line.split(' ').find(|word| word.starts_with("127.0.0.1:")).unwrap_or_else(|| panic!("{line}"));
    Listener { child, stdout, stderr, address: address.to_owned() }
}

/// The packets of a complete call, as a capture agent would send them.
fn hep_packets() -> Vec<Vec<u8>> {
    let call = plain_call("hep@192.0.2.10").into_iter();
    call.map(|(at, from, to, message)| tunnel::hep3(&from, &to, scene::BEGIN + at * 1000, &message.bytes())).collect()
}

#[test]
fn a_listener_is_interrupted_with_its_summary_and_130() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let room = Room::new();
        let mut listener = hep_listener(&room, &["--format", "ndjson"]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let packets = hep_packets();
        for packet in &packets {
            socket.send_to(packet, &listener.address).unwrap();
        }
        let mut lines = String::new();
        for _ in &packets {
            listener.stdout.read_line(&mut lines).unwrap();
        }
        kill(pid(&listener.child), signal).unwrap();
        listener.stdout.read_to_string(&mut lines).unwrap();
        assert_eq!(listener.child.wait().unwrap().code(), Some(130));
        let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        assert_eq!((&last["type"], &last["calls_by_state"]["completed"]), (&"summary".into(), &1.into()));
        let mut rest = String::new();
        listener.stderr.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

#[test]
fn a_listener_stops_by_itself_after_a_count_or_a_time() {
    let room = Room::new();
    let mut listener = hep_listener(&room, &["--count", "6"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for packet in hep_packets() {
        socket.send_to(&packet, &listener.address).unwrap();
    }
    let mut text = String::new();
    listener.stdout.read_to_string(&mut text).unwrap();
    assert_eq!(listener.child.wait().unwrap().code(), Some(0));
    assert!(text.contains("Call 1  completed  alice → bob") && text.contains("09:00:00.000"), "{text}");

    let mut listener = hep_listener(&room, &["--duration", "10ms", "--json"]);
    let mut text = String::new();
    listener.stdout.read_to_string(&mut text).unwrap();
    assert_eq!(listener.child.wait().unwrap().code(), Some(0));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["summary"]["messages"], 0);
}

#[test]
fn hep_comes_over_tcp_too() {
    let room = Room::new();
    let mut listener = hep_listener(&room, &["--format", "ndjson"]);
    let mut stream = std::net::TcpStream::connect(&listener.address).unwrap();
    // All packets back to back, cut in an odd place: where one ends is in its length, not in the segments.
    let bytes = hep_packets().concat();
    stream.write_all(&bytes[..777]).unwrap();
    let mut lines = String::new();
    listener.stdout.read_line(&mut lines).unwrap();
    stream.write_all(&bytes[777..]).unwrap();
    for _ in 1..6 {
        listener.stdout.read_line(&mut lines).unwrap();
    }
    kill(pid(&listener.child), Signal::SIGINT).unwrap();
    listener.stdout.read_to_string(&mut lines).unwrap();
    assert_eq!(listener.child.wait().unwrap().code(), Some(130));
    let count = |word: &str| lines.matches(&format!("{{\"type\":\"{word}\"")).count();
    assert_eq!((count("message"), count("call"), count("summary")), (6, 1, 1), "{lines}");
}

#[test]
fn hep_and_saving_packets_do_not_go_together() {
    let room = Room::new();
    let path = room.path("out.pcapng");
    let ran = room.decode(&["--hep-listen", "127.0.0.1:0", "--write", path.to_str().unwrap()]);
    assert_eq!((ran.code, ran.stdout.as_str(), path.exists()), (Some(2), "", false), "{ran:?}");
}

#[test]
fn a_count_ends_it_though_the_pipe_goes_on() {
    let room = Room::new();
    let mut command = room.command(&["decode", "-", "--format", "ndjson", "--count", "4"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&std::fs::read(testdata("many-calls.pcap")).unwrap()).unwrap();
    // Four packets are enough: it does not wait for the end of the input.
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let ran = Ran::of(output);
    ran.ends(0, "");
    assert_eq!(ran.lines().last().unwrap()["packets"], 4);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let room = Room::new();
    for args in [&["--format", "ndjson"][..], &["--json"], &["--all"], &["--list"]] {
        let args = [&["decode", "many-calls.pcap", "many-calls.pcap", "basic-call.pcap"], args].concat();
        let mut command = room.command(&args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran::of(child.wait_with_output().unwrap());
        ran.ends(0, "");
    }
}

#[test]
fn the_proxy_of_the_scenes_is_found_and_named() {
    let report = Room::new().decode(&["basic-call.pcap", "--json"]).json();
    let participants = report["calls"][0]["participants"].as_array().unwrap();
    let found = participants.iter().find(|p| p["address"] == proxy().at.to_string()).unwrap();
    assert_eq!((&found["role"], &found["software"]), (&"proxy".into(), &"ExampleProxy 5".into()));
}
