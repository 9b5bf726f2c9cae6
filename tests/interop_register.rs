//! `sipctl register` against Kamailio: every special user of the lab, under MD5 and under SHA-256, and no binding left behind.

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

#[test]
fn every_transport_registers() {
    let Some(mut lab) = lab(&["kamailio", "kamcmd", "openssl", "ss"], &[]) else { return };
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    let authority = lab.folder().join("tls/ca.pem");
    for (port, transport) in [("KAM_PORT", "tcp"), ("KAM_TLS", "tls"), ("KAM_WS", "ws"), ("KAM_WSS", "wss")] {
        let via = format!("sip:127.0.0.1:{};transport={transport}", lab.setting(port));
        let done = Command::new(env!("CARGO_BIN_EXE_sipctl"))
            .args([
                "register",
                "sip:alice@lab.example.test",
                "--via",
                &via,
                "--json",
                "--tls-server-name",
                "lab.example.test",
            ])
            .arg("--tls-ca")
            .arg(&authority)
            .env("SIPCTL_PASSWORD", "secret")
            .output()
            .expect("the binary runs");
        let told: serde_json::Value = serde_json::from_slice(&done.stdout)
            .unwrap_or_else(|e| panic!("{transport}: {e}: {}", String::from_utf8_lossy(&done.stderr)));
        assert_eq!((&told["result"]["code"], &told["removed"]), (&0.into(), &true.into()), "{transport}: {told:#}");
        assert_eq!(told["tls"].is_object(), matches!(transport, "tls" | "wss"), "{transport}");
        assert_eq!(told["registrations"], serde_json::Value::Null);
        assert!(told["messages"].as_array().is_some_and(|m| m.len() >= 8), "{transport}");
    }
}
