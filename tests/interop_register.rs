//! `sipctl register` against Kamailio: every special user of the lab, under MD5 and under SHA-256, and no binding left behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "lab/mod.rs"]
mod lab;

use lab::{Lab, lab};
use std::process::{Command, Output};

/// What the run of a user has to end in.
struct Row {
    user: &'static str,
    password: &'static str,
    flags: &'static [&'static str],
    code: i32,
    /// What the output or the hint has to say.
    words: &'static [&'static str],
}

const fn row(user: &'static str, code: i32, words: &'static [&'static str]) -> Row {
    Row { user, password: "secret", flags: &[], code, words }
}

const ROWS: &[Row] = &[
    row("alice", 0, &["challenge", "qop=auth", "registered", "200 OK", "removed", "our binding is gone", "ok"]),
    Row { password: "wrong", ..row("alice", 5, &["credentials were refused", "realm \"lab.example.test\""]) },
    Row { password: "", ..row("alice", 5, &["there is no password", "--password-file"]) },
    row("nobody", 1, &["404 Not Found"]),
    row("stale", 0, &["registered", "our binding is gone"]),
    Row { flags: &["--expires", "60"], ..row("brief", 0, &["120 s is the least", "registered", "for 120 s"]) },
    row("barred", 5, &["403 Barred after the credentials were sent"]),
    row("loop", 5, &["credentials were refused"]),
    row("noqop", 0, &["no qop", "registered"]),
    // Kamailio offers auth-int and compares with a hash of the body that it never computes: nobody can answer it.
    row("authint", 5, &["qop=auth-int", "credentials were refused", "cannot check it"]),
    // The strongest is answered, and this registrar cannot check it: the hint names the way out.
    row("multi", 5, &["credentials were refused", "--algorithm"]),
    row("oddalg", 5, &["it offers only Digest MD6"]),
    row("basic", 5, &["it offers only Basic"]),
    row("nochallenge", 5, &["without a challenge"]),
    row("elsewhere", 1, &["302 Moved Temporarily", "Contact: <sip:elsewhere@"]),
    Row { flags: &["--timeout", "700ms"], ..row("silent", 3, &["no answer to REGISTER"]) },
    row("down", 1, &["503 Service Unavailable", "Retry-After 30"]),
    row("486", 1, &["Asked For"]),
    Row { flags: &["--query"], ..row("bob", 0, &["no bindings"]) },
    Row { flags: &["--remove-all"], ..row("bob", 0, &["every binding is gone"]) },
    Row { flags: &["--keep", "1s", "--expires", "5"], ..row("carol", 0, &["registered", "our binding is gone"]) },
    Row { flags: &["--reg-id", "1"], ..row("dave", 0, &["instance <urn:uuid:", "reg-id 1", "our binding is gone"]) },
];

fn register(lab: &Lab, row: &Row, more: &[&str]) -> Output {
    let via = format!("sip:127.0.0.1:{}", lab.setting("KAM_PORT"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipctl"));
    command.arg("register").arg(format!("sip:{}@lab.example.test", row.user)).args(["--via", &via]);
    command.args(row.flags).args(more).env_remove("SSLKEYLOGFILE").env_remove("SIPCTL_PASSWORD");
    if !row.password.is_empty() {
        command.env("SIPCTL_PASSWORD", row.password);
    }
    command.output().expect("the binary runs")
}

fn every_user(algorithm: &str) {
    let settings = [("KAM_ALGORITHM", algorithm)];
    let Some(mut lab) = lab(&["kamailio", "kamcmd", "openssl", "ss"], &settings) else { return };
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    let mut wrong = Vec::new();
    for row in ROWS {
        let done = register(&lab, row, &[]);
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        let missing: Vec<_> = row.words.iter().filter(|w| !said.contains(**w)).collect();
        if done.status.code() != Some(row.code) || !missing.is_empty() {
            wrong.push(format!("{} {:?}: {:?}, missing {missing:?} in:\n{said}", row.user, row.flags, done.status));
        }
        assert!(!said.contains("secret") && !said.contains("wrong\n"), "a password is shown: {said}");
        let left = lab.run(&["kamailio", "rpc", "ul.dump"], &[]);
        let left = String::from_utf8_lossy(&left.stdout).into_owned();
        if left.contains("Address:") {
            wrong.push(format!("{} left a binding behind:\n{left}", row.user));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n----\n"));
}

#[test]
fn every_user_of_the_lab_under_md5() {
    every_user("MD5");
}

#[test]
fn every_user_of_the_lab_under_sha_256() {
    every_user("SHA-256");
}

#[test]
fn the_weaker_algorithm_works_where_it_is_asked_for() {
    let Some(mut lab) = lab(&["kamailio", "kamcmd", "openssl", "ss"], &[]) else { return };
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    let done = register(&lab, &row("multi", 0, &[]), &["--algorithm", "MD5"]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stdout));
    let done = register(&lab, &row("multi", 5, &[]), &["--algorithm", "SHA-256"]);
    assert_eq!(done.status.code(), Some(5), "{}", String::from_utf8_lossy(&done.stdout));
}

/// `alice` through a proxy URI: what the JSON says.
fn through(lab: &Lab, via: &str) -> serde_json::Value {
    let name = ["--tls-server-name", "lab.example.test", "--tls-ca"];
    let done = Command::new(env!("CARGO_BIN_EXE_sipctl"))
        .args(["register", "sip:alice@lab.example.test", "--via", via, "--json"])
        .args(name)
        .arg(lab.folder().join("tls/ca.pem"))
        .env("SIPCTL_PASSWORD", "secret")
        .env_remove("SSLKEYLOGFILE")
        .output()
        .expect("the binary runs");
    serde_json::from_slice(&done.stdout)
        .unwrap_or_else(|e| panic!("{via}: {e}: {}", String::from_utf8_lossy(&done.stderr)))
}

#[test]
fn every_transport_registers_over_both_families() {
    let Some(mut lab) = lab(&["kamailio", "kamcmd", "openssl", "ss"], &[]) else { return };
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    let settings = lab.settings();
    let mut hosts = vec!["127.0.0.1"];
    match settings.get("LAB_IP6").map(String::as_str) {
        Some("") => eprintln!("left out: the lab has no IPv6"),
        _ => hosts.push("[::1]"),
    }
    let lines = [("KAM_PORT", "udp"), ("KAM_PORT", "tcp"), ("KAM_TLS", "tls"), ("KAM_WS", "ws"), ("KAM_WSS", "wss")];
    for (port, transport) in lines {
        // WebSockets have no IPv6 there.
        for host in hosts.iter().filter(|h| !transport.starts_with("ws") || !h.starts_with('[')) {
            let via = format!("sip:{host}:{};transport={transport}", lab.setting(port));
            let told = through(&lab, &via);
            assert_eq!((&told["result"]["code"], &told["removed"]), (&0.into(), &true.into()), "{via}: {told:#}");
            assert_eq!(told["tls"].is_object(), matches!(transport, "tls" | "wss"), "{via}");
            assert!(told["messages"].as_array().is_some_and(|m| m.len() >= 8), "{via}");
            let left = lab.run(&["kamailio", "rpc", "ul.dump"], &[]);
            assert!(!String::from_utf8_lossy(&left.stdout).contains("Address:"), "{via} left a binding behind");
        }
    }
}

/// Registrars that SIPp plays. They answer one REGISTER with its challenge and are silent then: where something was bound, its
/// removal goes unanswered.
#[test]
fn every_registrar_that_sipp_plays() {
    let unremoved = "our binding could not be removed: no answer";
    let unlisted = "does not list our binding";
    let table: [(&str, i32, &[&str]); 13] = [
        ("registrar_ok", 3, &["registered 200 OK", "for 60 s", unremoved, "--remove"]),
        ("registrar_expires_zero", 1, &["expires 0 s", unlisted]),
        (
            "registrar_many_contacts",
            3,
            &["<sip:b@198.51.100.8:5070;transport=tcp>  expires 20 s  q=0.5", "(ours)", unremoved],
        ),
        ("registrar_no_contact", 1, &["no bindings", unlisted]),
        ("registrar_other_contact", 1, &["<sip:other@198.51.100.7:5060>  expires 900 s", unlisted]),
        ("registrar_redirect", 1, &["301 Moved Permanently", "Contact: <sip:carol@lab.example.test>"]),
        ("registrar_service_route", 3, &["Path: <sip:edge1.", "Service-Route: <sip:edge2.", unremoved]),
        ("registrar_silent", 3, &["no answer to REGISTER"]),
        ("registrar_slow", 3, &["no answer to REGISTER"]),
        ("registrar_stale", 3, &["registered 200 OK", unremoved]),
        ("registrar_too_brief", 3, &["423 Interval Too Brief", "7200 s is the least", "for 7200 s", unremoved]),
        ("registrar_unavailable", 1, &["503 Service Unavailable; Retry-After 30"]),
        ("registrar_wrong_password", 5, &["the credentials were refused (realm \"lab.example.test\")"]),
    ];
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    let listed = lab.run(&["sipp", "list", "registrar_"], &[]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut names: Vec<&str> = listed.lines().filter_map(|l| l.split_whitespace().next()).collect();
    let mut rows: Vec<&str> = table.iter().map(|row| row.0).collect();
    names.sort_unstable();
    rows.sort_unstable();
    assert_eq!(names, rows);
    drop(lab);
    for (scenario, code, words) in table {
        sipp(scenario, code, words);
    }
}

fn sipp(scenario: &str, code: i32, words: &[&str]) {
    let Some(mut lab) = lab(&["sipp", "ss"], &[]) else { return };
    lab.start(&["sipp", "uas", "r", scenario], &["sipp", "stop", "r"], &[]);
    let via = format!("sip:127.0.0.1:{}", lab.setting("SIPP_R"));
    let done = Command::new(env!("CARGO_BIN_EXE_sipctl"))
        .args(["register", "sip:alice@lab.example.test", "--via", &via, "--timeout", "900ms"])
        .env("SIPCTL_PASSWORD", "secret")
        .output()
        .expect("the binary runs");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    let missing: Vec<_> = words.iter().filter(|w| !said.contains(**w)).collect();
    assert!(
        missing.is_empty() && done.status.code() == Some(code),
        "{scenario}: {}, missing {missing:?}:\n{said}",
        done.status
    );
    assert!(!said.contains("secret"), "a password is shown: {said}");
}
