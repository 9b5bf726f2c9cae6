//! `sipctl demo`: the first thing that anybody runs has to work, and to be well.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn demo(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sipctl")).arg("demo").args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_call_is_made_and_drawn() {
    let done = demo(&["--width", "120"]);
    let (out, err) = (text(&done.stdout), text(&done.stderr));
    assert_eq!(done.status.code(), Some(0), "{out}{err}");
    assert_eq!(err, "");
    for line in [
        "ping        OPTIONS to the proxy: answered in ",
        "register    alice and bob, each with digest credentials",
        "audio       alice → bob: the tone is heard",
        "audio       bob → alice: the tone is heard",
        "removed     both bindings",
        "challenge: example.com, SHA-256, qop=auth",
        "proxy · record-routing",
        "RTP PCMU",
        "the caller hangs up",
        "\nok          answered after ",
    ] {
        assert!(out.contains(line), "{line} in {out}");
    }
    assert!(!out.contains('▲') && !out.contains('△'), "a healthy demonstration has no findings: {out}");
}

#[test]
fn the_document_has_both_ends_and_the_saved_file_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.pcapng");
    let file = file.to_str().unwrap();
    let done = demo(&["--json", "--write", file, "--duration", "1s"]);
    let told: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(told["schema"], "sipctl.demo/1");
    assert_eq!(told["result"]["ok"], true, "{told}");
    assert_eq!(
        (&told["loop"]["to_callee"]["ok"], &told["loop"]["to_caller"]["ok"]),
        (&Value::Bool(true), &Value::Bool(true))
    );
    // What the proxy did on the way: it looked bob up.
    let changes = told["loop"]["changes"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["name"] == "Request-URI"), "{changes:?}");
    let decoded = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", file, "--json"]).output().unwrap();
    let decoded: Value = serde_json::from_slice(&decoded.stdout).unwrap();
    let counted = |document: &Value, key: &str| document[key].as_array().unwrap().len();
    for key in ["calls", "messages", "streams", "findings"] {
        assert_eq!(counted(&told, key), counted(&decoded, key), "{key}");
    }
    assert_eq!(decoded["calls"][0]["state"], "completed");
    assert_eq!(decoded["summary"]["findings"]["error"], 0, "{}", decoded["findings"]);
    assert_eq!(decoded["summary"]["findings"]["warning"], 0, "{}", decoded["findings"]);
}

#[test]
fn lines_tell_each_step_what_passed_and_what_was_found() {
    let done = demo(&["--format", "ndjson", "--duration", "1s"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let lines: Vec<Value> = text(&done.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    let events: Vec<&str> = of("event").iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["proxy", "ping", "registered", "answered", "ended"]);
    // They come first, as they happen.
    assert!(lines[..5].iter().all(|line| line["type"] == "event"), "{:?}", &lines[..5]);
    let times: Vec<f64> = of("event").iter().map(|line| line["at_ms"].as_f64().unwrap()).collect();
    assert!(times.is_sorted() && times[4] - times[3] > 900.0, "{times:?}");
    assert!(lines[0]["address"].as_str().unwrap().starts_with("127.0.0.1:") && lines[1]["rtt_ms"].is_number());
    assert_eq!((of("call").len(), of("registration").len(), of("exchange").len()), (1, 2, 1));
    assert!(of("message").len() > 20 && !of("stream").is_empty());
    let summary = lines.last().unwrap();
    assert_eq!((&summary["type"], &summary["schema"]), (&"summary".into(), &"sipctl.demo/1".into()));
    assert!(summary["result"]["ok"] == true && summary.get("messages").is_none(), "{summary}");
    assert_eq!(summary["proxy"], lines[0]["address"]);
}

#[test]
fn an_interrupt_hangs_up_and_takes_the_bindings_away() {
    use std::io::{BufRead, BufReader};
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipctl"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.pcapng");
    command.args(["demo", "--duration", "30s", "--write"]).arg(&file);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().starts_with("answered ")));
    let begun = Instant::now();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().cast_signed()), nix::sys::signal::Signal::SIGINT)
        .unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{rest:?}");
    assert!(rest.iter().any(|line| line.starts_with("removed ")), "{rest:?}");
    let decoded = Command::new(env!("CARGO_BIN_EXE_sipctl")).arg("decode").arg(&file).arg("--json").output().unwrap();
    let decoded: Value = serde_json::from_slice(&decoded.stdout).unwrap();
    let registrations = decoded["registrations"].as_array().unwrap();
    assert!(registrations.iter().all(|registration| registration["state"] == "removed"), "{registrations:?}");
    assert_eq!(decoded["calls"][0]["state"], "completed");
}
