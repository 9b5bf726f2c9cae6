//! What of a capture is taken, shown and saved.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::room::{Ran, Room, testdata};

/// Call-IDs of the calls, registrations and exchanges that were taken.
fn taken(ran: &Ran) -> Vec<String> {
    let report = ran.json();
    let mut ids = Vec::new();
    for call in report["calls"].as_array().unwrap() {
        ids.push(call["call_ids"][0].as_str().unwrap().trim_end_matches("@192.0.2.10").to_owned());
    }
    for list in ["registrations", "exchanges"] {
        for one in report[list].as_array().unwrap() {
            ids.push(one["call_id"].as_str().unwrap().trim_end_matches("@192.0.2.10").to_owned());
        }
    }
    ids
}

const FILES: [&str; 6] =
    ["busy.pcap", "rejected-488.pcap", "hold.pcap", "still-up.pcap", "registration.pcap", "options.pcap"];

#[test]
fn selections_keep_whole_conversations() {
    let room = Room::new();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--call-id", "hold@192.0.2.10"], &["hold"]),
        (&["--call-id", "hold@192.0.2.10", "--call-id", "busy@192.0.2.10"], &["busy", "hold"]),
        (&["--status", "486"], &["busy"]),
        (&["--status", "4xx"], &["busy", "rejected", "registration"]),
        (&["--state", "answered"], &["still-up", "ping"]),
        (&["--state", "removed"], &["registration"]),
        (&["--method", "BYE"], &["hold"]),
        (&["--method", "OPTIONS"], &["ping", "lost"]),
        (&["--user", "proxy"], &["ping"]),
        (&["--user", "proxy@example.com"], &["ping"]),
        (&["--ip", "192.0.2.1"], &["registration", "ping"]),
        (&["--finding", "call-busy"], &["busy"]),
        (&["--finding", "no-response"], &["lost"]),
        (&["--method", "INVITE", "--status", "488"], &["rejected"]),
        (&["--after", "2026-03-01T09:00:11Z"], &["hold", "registration", "lost"]),
        (&["--before", "2026-03-01T10:00:00+01:00"], &[]),
        (&["--before", "2026-03-01T10:00:00.05+01:00", "--method", "OPTIONS"], &["ping"]),
        (&["--call-id", "nobody"], &[]),
    ];
    for (args, wanted) in cases {
        let ran = room.decode(&[&FILES[..], &["--json"], args].concat());
        let mut found = taken(&ran);
        let mut wanted: Vec<String> = wanted.iter().map(|&w| w.to_owned()).collect();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{args:?}");
        // The summary counts what is shown, and every message belongs to it.
        let report = ran.json();
        let messages = report["messages"].as_array().unwrap();
        assert_eq!(report["summary"]["messages"], messages.len(), "{args:?}");
        for form in ["ndjson", "text"] {
            room.decode(&[&FILES[..], &["--format", form], args].concat()).ends(0, "");
        }
    }
}

#[test]
fn one_call_is_named_by_number_or_call_id() {
    let room = Room::new();
    let by_number = room.decode(&["many-calls.pcap", "--call", "5"]);
    let by_id = room.decode(&["many-calls.pcap", "--call", "call-05@192.0.2.10"]);
    assert!(by_number.ends(0, "").starts_with("Call 5  busy  alice → bob  486 Busy Here"), "{by_number:?}");
    assert_eq!(by_number, by_id);
    assert_eq!(taken(&room.decode(&["many-calls.pcap", "--call", "5", "--json"])), ["call-05"]);
}

#[test]
fn a_port_narrows_what_is_taken_for_sip() {
    let room = Room::new();
    let messages = |args: &[&str]| room.decode(&[&["websocket.pcap", "busy.pcap", "--json"], args].concat()).json();
    assert_eq!(messages(&[])["summary"]["messages"], 10);
    assert_eq!(messages(&["--port", "8080"])["summary"]["messages"], 6);
    assert_eq!(messages(&["--port", "5060", "--port", "8080"])["summary"]["messages"], 10);
    assert_eq!(messages(&["--port", "5061"])["summary"]["messages"], 0);
}

#[test]
fn a_filter_decides_on_packets_and_keeps_fragments() {
    let room = Room::new();
    let ran = room.decode(&["fragments.pcap", "busy.pcap", "--filter", "host 198.51.100.99", "--json"]);
    if ran.stderr.contains("need libpcap") {
        eprintln!("skipped: libpcap is not installed");
        return;
    }
    // What names a host holds for every fragment; what names a port only for the first.
    assert_eq!(ran.json()["summary"]["messages"], 0);
    let ran = room.decode(&["fragments.pcap", "busy.pcap", "--filter", "udp port 5060", "--json"]);
    let note = "sipctl: the filter was widened so that IP fragments are read: (udp port 5060) or \
                (ip[6:2] & 0x1fff != 0) or (ip6[6] = 44)\n";
    let report: serde_json::Value = serde_json::from_str(ran.ends(0, note)).unwrap();
    assert_eq!(report["summary"]["messages"], 6);
    let ran = room.decode(&["busy.pcap", "--filter", "no such thing"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.lines().count()), (Some(2), "", 1), "{ran:?}");
    assert!(ran.stderr.starts_with("sipctl: filter 'no such thing': "), "{ran:?}");
}

/// What is saved decodes to what was shown: calls, messages and media, but for the packets beside them.
fn saved_is_what_was_shown(files: &[&str], selection: &[&str]) {
    let room = Room::new();
    let path = room.path("saved.pcapng");
    let path = path.to_str().unwrap();
    let shown = room.decode(&[files, selection, &["--json", "--write", path]].concat());
    assert!(shown.code == Some(0) && shown.stderr.ends_with(&format!("packets saved in {path}\n")), "{shown:?}");
    let again = room.decode(&[path, "--json"]).json();
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    for key in ["messages", "calls", "registrations", "exchanges", "streams", "rtp_packets", "requests", "responses"] {
        assert_eq!(shown["summary"][key], again["summary"][key], "{key} of {files:?} {selection:?}");
    }
    for key in ["calls", "streams"] {
        let strip = |report: &serde_json::Value| -> Vec<serde_json::Value> {
            let mut list = report[key].as_array().unwrap().clone();
            for one in &mut list {
                // Numbers are given anew to what is left.
                for numbered in ["id", "messages", "findings", "call", "streams", "legs"] {
                    one.as_object_mut().unwrap().remove(numbered);
                }
            }
            list
        };
        assert_eq!(strip(&shown), strip(&again), "{key} of {files:?} {selection:?}");
    }
}

#[test]
fn saved_packets_decode_to_the_same_again() {
    for name in
        ["basic-call.pcap", "dtmf.pcap", "ipv6.pcap", "vlan-gre-vxlan.pcap", "two-interfaces.pcapng", "busy.pcap.gz"]
    {
        saved_is_what_was_shown(&[name], &[]);
    }
    saved_is_what_was_shown(&["tcp-split.pcap"], &[]);
    saved_is_what_was_shown(&["websocket.pcap"], &[]);
    saved_is_what_was_shown(&["hep3.pcap"], &[]);
    saved_is_what_was_shown(&["many-calls.pcap"], &["--status", "486"]);
    saved_is_what_was_shown(&["ipv6.pcap", "rtp-loss.pcap", "registration.pcap"], &["--call-id", "loss@192.0.2.10"]);
    saved_is_what_was_shown(&["fragments.pcap", "busy.pcap"], &["--method", "MESSAGE"]);
}

#[test]
fn packets_from_standard_input_are_saved_too_and_nothing_stays_behind() {
    let room = Room::new();
    let path = room.path("saved.pcapng");
    let bytes = std::fs::read(testdata("basic-call.pcap")).unwrap();
    let ran =
        room.decode_from(&bytes, &["-", "--summary", "--call-id", "8231@192.0.2.10", "-w", path.to_str().unwrap()]);
    ran.ends(0, &format!("sipctl: 320 packets saved in {}\n", path.display()));
    assert_eq!(room.decode(&[path.to_str().unwrap(), "--json"]).json()["summary"]["rtp_packets"], 300);
    let left: Vec<_> = std::fs::read_dir(room.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["saved.pcapng"]);
}

#[test]
fn a_selection_that_takes_nothing_saves_an_empty_capture() {
    let room = Room::new();
    let path = room.path("none.pcapng");
    let path = path.to_str().unwrap();
    let ran = room.decode(&["busy.pcap", "--summary", "--state", "completed", "-w", path]);
    ran.ends(0, &format!("sipctl: 0 packets saved in {path}\n"));
    assert_eq!(room.decode(&[path, "--json"]).json()["summary"]["packets"], 0);
}
