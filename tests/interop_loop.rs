//! `sipctl invite --loop` through Kamailio, which asks both ends for digest: over every transport and both families, and with the media
//! relayed by rtpengine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod lab;

use lab::{Lab, lab};
use serde_json::Value;
use std::process::Command;

/// What a trial came to: its exit code and its document.
fn looped(lab: &Lab, target: &str, via: &str, more: &[&str]) -> (Option<i32>, Value) {
    let authority = lab.folder().join("tls/ca.pem");
    let done = Command::new("timeout")
        .args(["60", env!("CARGO_BIN_EXE_sipctl"), "invite", "--loop", target, "--json", "--duration", "2s"])
        .args([
            "--from",
            "sip:alice@lab.example.test",
            "--via",
            via,
            "--tls-server-name",
            "lab.example.test",
            "--tls-ca",
        ])
        .arg(authority)
        .args(more)
        .env("SIPCTL_PASSWORD", "secret")
        .env_remove("SIPCTL_CALLEE_PASSWORD")
        .env_remove("SSLKEYLOGFILE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    let told = serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{via}: no document: {said}"));
    (done.status.code(), told)
}

/// What is left at the registrar.
fn left(lab: &Lab) -> String {
    String::from_utf8_lossy(&lab.run(&["kamailio", "rpc", "ul.dump"], &[]).stdout).into_owned()
}

fn is_well(told: &Value) -> bool {
    let both = &told["loop"];
    let heard =
        ["to_callee", "to_caller"].iter().all(|way| both[way]["heard"] == "mark" && both[way]["codec"] == "PCMU");
    let registered = both["registrations"].as_array().is_some_and(|all| all.iter().all(|one| one["ok"] == true));
    heard && registered && both["dtmf_arrived"] == "4711#" && both["arrived"] == true
}

/// The names of what was changed in a message on the way.
fn changed<'a>(told: &'a Value, message: &str) -> Vec<&'a str> {
    let changes = told["loop"]["changes"].as_array().unwrap();
    changes.iter().filter(|c| c["message"] == message).map(|c| c["name"].as_str().unwrap()).collect()
}

#[test]
fn both_ends_hear_each_other_over_every_transport() {
    let Some(mut lab) = lab(&["kamailio", "kamcmd", "openssl", "ss"], &[]) else { return };
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    let port = |name: &str| lab.setting(name);
    let mut ways = vec![
        format!("sip:127.0.0.1:{}", port("KAM_PORT")),
        format!("sip:127.0.0.1:{};transport=tcp", port("KAM_PORT")),
        format!("sips:127.0.0.1:{}", port("KAM_TLS")),
        format!("sip:127.0.0.1:{};transport=ws", port("KAM_WS")),
        format!("sips:127.0.0.1:{};transport=ws", port("KAM_WSS")),
    ];
    if !lab.setting("LAB_IP6").is_empty() {
        ways.push(format!("sip:[::1]:{}", port("KAM_PORT")));
    }
    let mut wrong = Vec::new();
    for via in &ways {
        let (code, told) = looped(&lab, "sip:bob@lab.example.test", via, &["--dtmf", "4711#"]);
        if code != Some(0) || !is_well(&told) {
            wrong.push(format!("{via}: {code:?} {} {}", told["result"], told["loop"]));
        }
        if !changed(&told, "INVITE").contains(&"Request-URI") {
            wrong.push(format!("{via}: bob was looked up, and that is not told: {}", told["loop"]["changes"]));
        }
        let left = left(&lab);
        if left.contains("Address:") {
            wrong.push(format!("{via}: a binding is left:\n{left}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n----\n"));
}

#[test]
fn a_relay_is_told_by_what_it_rewrites() {
    let programs = ["kamailio", "kamcmd", "openssl", "ss", "rtpengine"];
    let Some(mut lab) = lab(&programs, &[("WITH_RTPENGINE", "1")]) else { return };
    lab.start(&["rtpengine", "start"], &["rtpengine", "stop"], &[]);
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    let via = format!("sip:127.0.0.1:{}", lab.setting("KAM_PORT"));
    let callee = ["--callee", "sip:bob@lab.example.test", "--dtmf", "4711#"];
    let (code, told) = looped(&lab, "sip:relay-bob@lab.example.test", &via, &callee);
    assert_eq!(code, Some(0), "{} {}", told["result"], told["loop"]);
    assert!(is_well(&told), "{}", told["loop"]);
    for message in ["INVITE", "200"] {
        assert!(changed(&told, message).contains(&"audio m="), "{message}: {}", told["loop"]["changes"]);
    }
    assert_eq!(told["streams"].as_array().unwrap().len(), 4, "each way to the relay and on: {}", told["streams"]);
}
