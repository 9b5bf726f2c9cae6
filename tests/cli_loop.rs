//! `sipctl invite --loop` through `sipctl serve proxy`: both ends are ours, and what is heard at each is told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;

use nix::sys::signal::Signal;
use running::Running;
use serde_json::Value;
use std::process::{Command, Output};

/// A proxy that asks for credentials, and where it listens over each transport.
fn proxy(transports: &[&str]) -> (Running, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipctl"));
    command.args(["serve", "proxy", "--domain", "example.com", "--realm", "example.com", "--auth"]);
    command.args(["--user", "alice:one", "--user", "bob:two"]);
    for transport in transports {
        command.args(["--listen", &format!("{transport}:127.0.0.1:0")]);
    }
    let mut running = Running::start(command);
    let places =
        transports.iter().map(|t| running.line("listening on ").rsplit_once(&format!("{t}:")).unwrap().1.to_owned());
    let places = places.collect();
    (running, places)
}

fn looped(via: &str, more: &[&str], callee_password: &str) -> Output {
    let mut command = Command::new("timeout");
    command.args(["60", env!("CARGO_BIN_EXE_sipctl"), "invite", "--loop", "sip:bob@example.com"]);
    command.args(["--from", "sip:alice@example.com", "--via", via, "--duration", "2s"]).args(more);
    command.env("SIPCTL_PASSWORD", "one").env("SIPCTL_CALLEE_PASSWORD", callee_password);
    command.env_remove("SSLKEYLOGFILE").output().unwrap()
}

fn document(done: &Output) -> Value {
    let said = String::from_utf8_lossy(&done.stderr);
    serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("no document: {said}"))
}

/// How many bindings stand: told at the end.
fn bindings(running: Running) -> usize {
    running.signal(Signal::SIGINT);
    let (_, out, _) = running.end();
    out.iter().filter(|line| line.contains("sip:alice@") && line.contains("expires")).count()
}

#[test]
fn both_ends_hear_each_other_over_every_transport() {
    let transports = ["udp", "tcp", "tls", "ws", "wss"];
    let (running, places) = proxy(&transports);
    for (transport, place) in transports.iter().zip(&places) {
        let via = format!("sip:{place};transport={transport}");
        let done = looped(&via, &["--json", "--dtmf", "12#", "--tls-insecure"], "two");
        let told = document(&done);
        assert_eq!(done.status.code(), Some(0), "{transport}: {}", told["result"]);
        assert_eq!(told["schema"], "sipctl.invite/1");
        let both = &told["loop"];
        assert_eq!(
            (&both["caller"], &both["callee"]),
            (&"sip:alice@example.com".into(), &"sip:bob@example.com".into())
        );
        for way in ["to_callee", "to_caller"] {
            assert_eq!(both[way]["heard"], "mark", "{transport}: {both}");
            assert_eq!(both[way]["codec"], "PCMU");
            let delay = both[way]["delay_ms"].as_f64().unwrap();
            assert!((0.0..500.0).contains(&delay), "{transport}: {delay} ms on the loopback");
        }
        assert_eq!((&both["dtmf_sent"], &both["dtmf_arrived"]), (&"12#".into(), &"12#".into()));
        assert!(both["registrations"].as_array().unwrap().iter().all(|r| r["ok"] == true), "{both}");
        let changed: Vec<&str> =
            both["changes"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(changed, ["Request-URI"], "the proxy looks bob up and changes nothing else");
        // The certificate that the proxy made for itself at its start is told of.
        let expected: &[&str] = if ["tls", "wss"].contains(transport) { &["tls-certificate"] } else { &[] };
        let findings = told["findings"].as_array().unwrap().iter().filter(|f| f["severity"] != "info");
        let found: Vec<&str> = findings.map(|f| f["code"].as_str().unwrap()).collect();
        assert_eq!(found, expected, "{transport}: {}", told["findings"]);
        // What went straight from one end to the other is recorded once.
        assert_eq!(told["streams"].as_array().unwrap().len(), 2, "{}", told["streams"]);
    }
    assert_eq!(bindings(running), 0);
}

#[test]
fn a_refused_registration_is_the_verdict() {
    let (running, places) = proxy(&["udp"]);
    let done = looped(&format!("sip:{}", places[0]), &[], "wrong");
    let out = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(5), "{out}");
    assert!(out.contains("FAILED     the callee, sip:bob@example.com, is not registered: "), "{out}");
    assert_eq!(bindings(running), 0, "the caller's binding is taken away all the same");
}

#[test]
fn an_answer_that_is_not_ours_is_told() {
    // Whoever listens here answers all calls, whoever registered.
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipctl"));
    command.args(["serve", "uas", "--listen", "udp:127.0.0.1:0"]);
    let mut running = Running::start(command);
    let place = running.line("listening on ").rsplit_once("udp:").unwrap().1.to_owned();
    let done = looped(&format!("sip:{place}"), &[], "two");
    let out = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(1), "{out}");
    assert!(out.contains("the call was answered, and not by our callee"), "{out}");
    running.signal(Signal::SIGINT);
    running.end();
}

#[test]
fn who_calls_has_to_be_named() {
    let done =
        Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["invite", "--loop", "sip:bob@127.0.0.1"]).output().unwrap();
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("--from"), "{done:?}");
}

#[test]
fn digits_sent_by_info_arrive_like_those_that_are_heard() {
    let (running, places) = proxy(&["udp"]);
    let via = format!("sip:{}", places[0]);
    let done = looped(&via, &["--json", "--dtmf", "12#", "--dtmf-mode", "info"], "two");
    let told = document(&done);
    assert_eq!(done.status.code(), Some(0), "{}", told["result"]);
    let both = &told["loop"];
    assert_eq!((&both["dtmf_sent"], &both["dtmf_arrived"]), (&"12#".into(), &"12#".into()));
    assert_eq!(both["media"]["received"]["dtmf"], "12#");
    assert_eq!(bindings(running), 0);
}
