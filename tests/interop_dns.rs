//! `sipctl resolve` against dnsmasq: every name of the lab's zone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "lab/mod.rs"]
mod lab;

use lab::lab;
use serde_json::Value;
use std::process::Command;

/// A name of the zone, the exit code, the candidates (`udp KAM_PORT`) in order, and what the notes or the errors say.
struct Row {
    target: &'static str,
    flags: &'static [&'static str],
    code: i32,
    candidates: &'static [&'static str],
    words: &'static str,
}

const fn row(target: &'static str, candidates: &'static [&'static str]) -> Row {
    Row { target, flags: &["-4"], code: 0, candidates, words: "" }
}

const ROWS: &[Row] = &[
    row("sip:lab.example.test", &["tls KAM_TLS", "tcp KAM_PORT", "udp KAM_PORT", "ws KAM_WS"]),
    row("sips:lab.example.test", &["tls KAM_TLS"]),
    row("sip:lab.example.test;transport=tcp", &["tcp KAM_PORT"]),
    row("lab.example.test:5060", &["udp 5060"]),
    row("sip:lab.example.test;transport=ws", &["ws KAM_WS"]),
    row("sip4.lab.example.test", &["udp 5060"]),
    row("udp.lab.example.test", &["udp KAM_PORT"]),
    row("tcp.lab.example.test", &["tcp KAM_PORT"]),
    row("tls.lab.example.test", &["tls KAM_TLS"]),
    row(
        "failover.lab.example.test",
        &["udp DEAD_PORT", "udp KAM_PORT", "tcp DEAD_PORT", "tcp KAM_PORT", "tls DEAD_PORT", "tls KAM_TLS"],
    ),
    row("silent.lab.example.test", &["udp SILENT_PORT", "udp KAM_PORT"]),
    row("alldead.lab.example.test", &["udp DEAD_PORT"; 2]),
    row("weights.lab.example.test", &["udp KAM_PORT"; 4]),
    Row {
        words: "SCTP is not spoken here",
        ..row("naptrorder.lab.example.test", &["tcp KAM_PORT", "udp KAM_PORT", "tls KAM_TLS"])
    },
    Row { words: "which has no SRV record", ..row("naptrdangling.lab.example.test", &["udp 5060"]) },
    Row { code: 4, words: "gone.lab.example.test", ..row("srvdangling.lab.example.test", &[]) },
    Row { code: 4, words: "target \".\"", ..row("refused.lab.example.test", &[]) },
    row("aonly.lab.example.test", &["udp 5060"]),
    Row { words: "is an alias (CNAME) of sip4", ..row("alias.lab.example.test", &["udp 5060"]) },
    Row { words: "RFC 2782 forbids", ..row("viacname.lab.example.test", &["udp KAM_PORT"]) },
    row("big.lab.example.test", &["udp KAM_PORT"; 24]),
    Row { code: 4, words: "NXDOMAIN", ..row("nowhere.example.test", &[]) },
    Row { code: 4, words: "REFUSED", ..row("elsewhere.example.com", &[]) },
];

#[test]
fn every_name_of_the_zone_leads_where_it_should() {
    let Some(mut lab) = lab(&["dnsmasq", "ss"], &[]) else { return };
    lab.start(&["dns", "start"], &["dns", "stop"], &[]);
    let settings = lab.settings();
    let dns = format!("{}:{}", lab.setting("LAB_IP"), lab.setting("DNS_PORT"));
    for Row { target, flags, code, candidates, words } in ROWS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sipctl"));
        let done = command.args(["resolve", "--json", "--dns", &dns, target]).args(*flags).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(*code), "{target}: {said}");
        let document: Value = serde_json::from_slice(&done.stdout).unwrap();
        let place = |c: &Value| {
            let port = c["address"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
            format!("{} {port}", c["transport"].as_str().unwrap())
        };
        let found: Vec<String> = document["resolution"]["candidates"].as_array().unwrap().iter().map(place).collect();
        let expected: Vec<String> = candidates
            .iter()
            .map(|c| {
                let (transport, port) = c.split_once(' ').unwrap();
                format!("{transport} {}", settings.get(port).map_or(port, String::as_str))
            })
            .collect();
        assert_eq!(found, expected, "{target}: {document:#}");
        let told = format!("{} {said}", document["resolution"]["notes"]);
        assert!(told.contains(&words.replace('"', "\\\"")) || told.contains(words), "{target}: {told}");
    }
}
