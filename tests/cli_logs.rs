//! Logs and pasted messages as input of `decode` and `lint`: the same call out of every kind of log.
//!
//! `sipp.log`, `kamailio-sipdump.data` and `kamailio-xlog.log` were written by those programs, which knew nothing of this one; the
//! others hold the same messages as Asterisk, FreeSWITCH, OpenSIPS through syslog, and sngrep write them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::room::{Room, testdata};

/// What the call is in each log: messages, participants, whether the log has times and all addresses.
const LOGS: [(&str, usize, &[&str], bool); 8] = [
    ("asterisk-pjsip.log", 13, &["127.0.0.1:15073", "0.0.0.1:5060", "127.0.0.1:15074"], true),
    ("freeswitch.log", 13, &["127.0.0.1:15073", "0.0.0.1:5060", "127.0.0.1:15074"], true),
    ("kamailio-sipdump.data", 13, &["127.0.0.1:15073", "127.0.0.1:15071", "127.0.0.1:15074"], true),
    ("kamailio-xlog.log", 6, &["127.0.0.1:15073", "127.0.0.1:15071", "127.0.0.1:15074"], false),
    ("opensips-syslog.log", 13, &["127.0.0.1:15073", "127.0.0.1:15071", "127.0.0.1:15074"], true),
    ("pasted.txt", 7, &["0.0.0.1:5060", "0.0.0.2:5060"], false),
    ("sipp.log", 7, &["0.0.0.1:5060", "0.0.0.2:5060"], true),
    ("sngrep.txt", 13, &["127.0.0.1:15073", "127.0.0.1:15071", "127.0.0.1:15074"], true),
];

fn decoded(room: &Room, path: &str) -> (Value, String) {
    let ran = room.decode(&[path, "--json"]);
    assert_eq!(ran.code, Some(0), "{path}: {ran:?}");
    (serde_json::from_str(&ran.stdout).unwrap(), ran.stderr)
}

#[test]
fn the_same_call_comes_out_of_every_log() {
    let room = Room::new();
    for (name, messages, participants, timed) in LOGS {
        let (document, notes) = decoded(&room, &format!("logs/{name}"));
        let summary = &document["summary"];
        assert_eq!(document["sources"][0]["format"], "text", "{name}");
        assert_eq!(
            (summary["messages"].as_u64(), summary["calls"].as_u64()),
            (Some(messages as u64), Some(1)),
            "{name}"
        );
        let call = &document["calls"][0];
        assert_eq!((call["state"].as_str(), call["ended_by"].as_str()), (Some("completed"), Some("caller")), "{name}");
        let addresses: Vec<&str> =
            call["participants"].as_array().unwrap().iter().map(|p| p["address"].as_str().unwrap()).collect();
        assert_eq!(addresses, participants, "{name}");
        // A healthy call stays one, whatever the log has left out.
        assert_eq!((&summary["findings"]["error"], &summary["findings"]["warning"]), (&0.into(), &0.into()), "{name}");
        assert_eq!(summary["malformed"], 0, "{name}");
        assert_eq!(notes.contains("stands for"), participants.contains(&"0.0.0.1:5060"), "{name}: {notes}");
        assert_eq!(notes.contains("no times"), !timed, "{name}: {notes}");
        let year = document["messages"][0]["time"].as_str().unwrap()[..4].to_owned();
        let dated = timed && !notes.contains("whole date");
        assert_eq!(year, if dated { "2026" } else { "1970" }, "{name}");
        let lint = room.run(&["lint", &format!("logs/{name}")]);
        let clean = if name == "pasted.txt" { "1 with defects · 1 warning" } else { "no defects" };
        assert!(lint.ends(0, "").ends_with(&format!("{messages} messages · {clean}\n")), "{name}: {lint:?}");
    }
}

#[test]
fn every_log_of_testdata_is_read_here_and_named_in_the_readme() {
    let mut found: Vec<String> = std::fs::read_dir(testdata("logs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, LOGS.map(|log| log.0));
    let readme = std::fs::read_to_string(testdata("README.md")).unwrap();
    for name in found {
        assert!(readme.contains(&format!("| `logs/{name}` | ")), "{name}");
    }
}

#[test]
fn a_log_is_saved_as_packets_that_decode_to_the_same_call() {
    let room = Room::new();
    let saved = room.path("saved.pcapng");
    for name in ["kamailio-sipdump.data", "sipp.log"] {
        let path = format!("logs/{name}");
        let ran = room.decode(&[&path, "--summary", "--write", saved.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let (log, _) = decoded(&room, &path);
        let (again, _) = decoded(&room, saved.to_str().unwrap());
        let key = |m: &Value| {
            [&m["time"], &m["src"], &m["dst"], &m["transport"], &m["method"], &m["status"]].map(Value::to_string)
        };
        let all = |d: &Value| d["messages"].as_array().unwrap().iter().map(key).collect::<Vec<_>>();
        assert_eq!(all(&log), all(&again), "{name}");
        std::fs::remove_file(&saved).unwrap();
    }
}

#[test]
fn a_log_comes_on_standard_input_compressed_and_beside_a_capture() {
    let room = Room::new();
    let bytes = std::fs::read(testdata("logs/sipp.log")).unwrap();
    let ran = room.decode_from(&bytes, &["-", "--summary"]);
    assert!(ran.code == Some(0) && ran.stdout.contains("7 messages"), "{ran:?}");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &bytes).unwrap();
    let ran = room.decode_from(&packed.finish().unwrap(), &["-", "--json"]);
    assert_eq!(ran.json_of()["sources"][0]["format"], "text (gzip)");
    let ran = room.decode(&["busy.pcap", "logs/sipp.log", "--json"]);
    assert_eq!(ran.json_of()["summary"]["calls"], 2);
}

#[test]
fn transports_come_from_the_log_else_from_the_via() {
    let room = Room::new();
    let message = |via: &str| {
        format!(
            "OPTIONS sip:b@example.com SIP/2.0\nVia: SIP/2.0/{via} 192.0.2.1;branch=z9hG4bKx\nMax-Forwards: 70\nFrom: <sip:a@example.com>;tag=1\n\
                 To: <sip:b@example.com>\nCall-ID: {via}\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n"
        )
    };
    let text = format!(
        "{}{}<--- Transmitting SIP request (9 bytes) to WSS:192.0.2.9:443 --->\n{}",
        message("TLS"),
        message("TCP"),
        message("WSS")
    );
    let ran = room.decode_from(text.as_bytes(), &["-", "--json"]);
    let transports: Vec<Value> =
        ran.json_of()["messages"].as_array().unwrap().iter().map(|m| m["transport"].clone()).collect();
    assert_eq!(transports, ["tls", "tcp", "wss"]);
}

#[test]
fn whole_seconds_say_nothing_of_how_long_an_answer_took() {
    let room = Room::new();
    let log = |request: &str, response: &str| {
        let fields = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\nFrom: <sip:a@example.com>;tag=1\nCall-ID: 1\nCSeq: 1 OPTIONS\n";
        format!(
            "2026/11/22 {request} 192.0.2.1:5060 -> 192.0.2.2:5060\nOPTIONS sip:b@example.com SIP/2.0\nMax-Forwards: 70\n{fields}To: <sip:b@example.com>\n\
             Content-Length: 0\n\n\n2026/11/22 {response} 192.0.2.2:5060 -> 192.0.2.1:5060\nSIP/2.0 200 OK\n{fields}To: <sip:b@example.com>;tag=2\n\
             Content-Length: 0\n\n\n"
        )
    };
    let codes = |text: String| {
        let ran = room.decode_from(text.as_bytes(), &["-", "--json"]);
        let document = ran.json_of();
        assert_eq!(document["summary"]["messages"], 2);
        document["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["code"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(log("14:05:11.100000", "14:05:12.200000")), ["slow-response"]);
    assert_eq!(codes(log("14:05:11", "14:05:12")), [""; 0]);
}

trait JsonOf {
    fn json_of(&self) -> Value;
}

impl JsonOf for support::room::Ran {
    /// Its output as JSON, whatever stands on standard error.
    fn json_of(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }
}
