//! Every finding has a capture that yields it and nothing else of weight, and a near miss that does not yield it.
//! `UPDATE_TESTDATA=1 cargo test --test findings` writes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use sipctl::analysis::rules;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use support::room::testdata;
use support::scenes::findings::{GROUPS, Proof};

/// Every code that was promised: none may go, and none may change its name.
const PROMISED: &[&str] = &[
    "abrupt-end",
    "account-compromised",
    "ack-mismatch",
    "ack-missing",
    "alg-suspected",
    "auth-algorithm-mismatch",
    "auth-basic",
    "auth-no-credentials",
    "auth-nonce-reused",
    "auth-realm-mismatch",
    "auth-stale",
    "auth-uri-mismatch",
    "auth-weak",
    "auth-wrong-credentials",
    "bare-line-feed",
    "binding-missing",
    "branch-without-cookie",
    "bye-rejected",
    "call-busy",
    "call-cancelled",
    "call-open",
    "call-redirected",
    "call-rejected",
    "call-unanswered",
    "cancel-crossed-answer",
    "capture-duplicate",
    "codec-none-common",
    "codec-not-offered",
    "codec-unexpected",
    "contact-missing",
    "content-length-mismatch",
    "crypto-missing",
    "cseq-method-mismatch",
    "cseq-not-increasing",
    "dialog-unknown",
    "direction-conflict",
    "dtls-missing",
    "dtmf",
    "dtmf-lost",
    "early-media",
    "extension-scan",
    "flood",
    "forked-answers",
    "fragment-lost",
    "glare",
    "header-duplicate",
    "header-malformed",
    "header-missing",
    "hold",
    "icmp-unreachable",
    "identity-malformed",
    "identity-missing",
    "identity-number-mismatch",
    "identity-stale",
    "identity-unverified",
    "late-media",
    "loop",
    "max-forwards-kept",
    "max-forwards-low",
    "media-not-acceptable",
    "media-rejected",
    "media-source-mismatch",
    "message-truncated",
    "mos-low",
    "nat-contact",
    "nat-sdp",
    "nat-via",
    "no-audio",
    "no-response",
    "one-way-audio",
    "password-guessing",
    "payload-type-changed",
    "plain-on-tls-port",
    "post-dial-delay",
    "prack-missing",
    "register-lapsed",
    "register-refused",
    "register-too-brief",
    "request-refused",
    "reinvite-rejected",
    "response-mismatch",
    "retransmission",
    "route-set-ignored",
    "rtp-gap",
    "rtp-jitter",
    "rtp-loss",
    "rtp-orphan",
    "scanner",
    "sdp-answer-missing",
    "sdp-answer-shape",
    "sdp-malformed",
    "session-expired",
    "session-interval-too-small",
    "slow-response",
    "srtp-mismatch",
    "start-line-malformed",
    "tcp-refused",
    "tcp-closed",
    "tcp-reset",
    "tcp-unanswered",
    "timer-violation",
    "tls-certificate",
    "tls-failed",
    "tls-on-plain-port",
    "to-tag-missing",
    "toll-fraud",
    "transfer",
    "udp-too-large",
    "uri-malformed",
    "version-unknown",
];

fn proofs() -> impl Iterator<Item = &'static Proof> {
    GROUPS.iter().copied().flatten()
}

/// The file of a proof, after it was compared with (or, on demand, written from) what its scene makes.
fn file(proof: &Proof, near: bool) -> PathBuf {
    let path = testdata(&format!("findings/{}{}.pcap", proof.code, if near { ".near" } else { "" }));
    let made = if near { (proof.near)() } else { (proof.make)() };
    assert!(made.len() < 100_000, "{} has {} bytes", path.display(), made.len());
    if std::env::var_os("UPDATE_TESTDATA").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if !std::fs::read(&path).is_ok_and(|found| found == made) {
            std::fs::write(&path, &made).unwrap();
        }
    }
    let found = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(found == made, "{} is not what its scene makes", path.display());
    path
}

/// What `decode` finds in a capture: code and severity of each finding.
fn findings(proof: &Proof, near: bool) -> Vec<(String, String)> {
    let path = file(proof, near);
    let folder = testdata("").to_str().unwrap().trim_end_matches('/').to_owned();
    let options = proof.options.iter().map(|o| o.replace("{testdata}", &folder));
    let done = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", "--json"]).args(options).arg(&path).output();
    let done = done.unwrap();
    assert_eq!(done.status.code(), Some(0), "{}: {}", path.display(), String::from_utf8_lossy(&done.stderr));
    let json: Value = serde_json::from_slice(&done.stdout).unwrap();
    let word = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    json["findings"].as_array().unwrap().iter().map(|f| (word(f, "code"), word(f, "severity"))).collect()
}

#[test]
fn each_capture_yields_its_finding_and_nothing_else_of_weight() {
    let mut wrong = Vec::new();
    for proof in proofs() {
        let found = findings(proof, false);
        let has_it = found.iter().any(|(code, _)| code == proof.code);
        let others: BTreeSet<_> = found.iter().filter(|(code, s)| s != "info" && code != proof.code).collect();
        if !has_it || !others.is_empty() {
            wrong.push(format!("{}: found {found:?}", proof.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_near_miss_yields_the_finding() {
    let mut wrong = Vec::new();
    for proof in proofs() {
        let found = findings(proof, true);
        let has_it = found.iter().any(|(code, _)| code == proof.code);
        let is_foreign = |(code, s): &&(String, String)| s != "info" && !proof.near_yields.contains(&code.as_str());
        let others: BTreeSet<_> = found.iter().filter(is_foreign).collect();
        if has_it || !others.is_empty() {
            wrong.push(format!("{}: found {found:?}", proof.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_finding_has_its_proof_and_every_proof_its_finding() {
    let proven: BTreeSet<&str> = proofs().map(|p| p.code).collect();
    let known: BTreeSet<&str> = rules::entries().map(|e| e.code).collect();
    assert_eq!(proven, known);
    let lost: Vec<_> = PROMISED.iter().filter(|code| !known.contains(**code)).collect();
    assert!(lost.is_empty(), "{lost:?} are not there any more");
    let without_explanation =
        rules::entries().filter(|e| e.noticed.is_empty() || e.causes.is_empty() || e.confirm.is_empty());
    assert_eq!(without_explanation.map(|e| e.code).collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(proofs().all(|p| p.shows.len() > 10 && p.near_shows.len() > 10));
}
