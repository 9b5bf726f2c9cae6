//! Calls of other programs to `sipctl serve uas`: they are answered, heard and ended.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod lab;
mod running;

use lab::lab;
use running::Running;
use serde_json::Value;
use std::net::UdpSocket;
use std::process::Command;

fn decoded(path: &str, more: &[&str]) -> Value {
    let done = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", path, "--json"]).args(more).output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn every_caller_of_sipp_is_answered_and_leaves_no_call() {
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    let file = lab.folder().join("uas.pcapng");
    let file = file.to_str().unwrap();
    let (running, at) = Running::serve(&["uas", "--write", file]);
    for scenario in [
        "uac_call_noauth",
        "uac_call_audio_noauth",
        "uac_hold_noauth",
        "uac_late_offer_noauth",
        "uac_dtmf_rfc4733_noauth",
        "uac_dtmf_info_noauth",
        "uac_large_noauth",
        "uac_message_noauth",
        "uac_update_noauth",
    ] {
        lab.sipp(scenario, &at, &[]);
    }
    let out = running.interrupted();
    assert!(out.iter().any(|line| line.trim() == "INVITE → 200 OK  ×10"), "{out:?}");
    assert!(!out.iter().any(|line| line.contains("BYE sip:") && line.contains(" 481 ")), "{out:?}");
    // The file tells the same calls, with their media.
    let report = decoded(file, &[]);
    let calls = report["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 8, "{report}");
    assert!(calls.iter().all(|call| call["state"] == "completed"), "{calls:?}");
}

#[test]
fn callers_are_rung_and_let_go() {
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    let (running, at) = Running::serve(&["uas", "--ring", "5s"]);
    lab.sipp("uac_cancel_noauth", &at, &[]);
    let out = running.interrupted();
    assert!(out.iter().any(|line| line.contains("→ 487 Request Terminated")), "{out:?}");
    // The server ends the call by itself.
    let (running, at) = Running::serve(&["uas", "--hangup-after", "500ms"]);
    lab.sipp("uac_wait_bye_noauth", &at, &[]);
    running.interrupted();
}

#[test]
fn many_calls_at_once_leave_none() {
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    let (running, at) = Running::serve(&["uas"]);
    lab.sipp("uac_call_noauth", &at, &["-m", "100", "-r", "20", "-l", "50"]);
    let out = running.interrupted();
    assert!(out.iter().any(|line| line.trim() == "BYE → 200 OK  ×100"), "{out:?}");
}

#[test]
fn an_interrupt_ends_the_calls_that_stand() {
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    let (running, at) = Running::serve(&["uas"]);
    // The caller waits for the BYE, which comes only because the server goes.
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| lab.sipp("uac_wait_bye_noauth", &at, &[]));
        let mut running = running;
        running.line("200 OK");
        running.interrupted();
        caller.join().unwrap();
    });
}

#[test]
fn callers_hear_the_refusal_that_was_asked_for_after_ringing() {
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    for code in ["301", "302", "403", "404", "408", "480", "486", "488", "503", "600", "603"] {
        let moved = if code.starts_with('3') { &["-H", "Contact: <sip:carol@127.0.0.1:9>"][..] } else { &[] };
        let (running, at) = Running::serve(&[&["uas", "--ring", "200ms", "--status", code], moved].concat());
        lab.sipp(&format!("uac_get{code}_noauth"), &at, &[]);
        let out = running.interrupted();
        assert!(out.iter().any(|line| line.contains("→ 180 Ringing")), "{code}: {out:?}");
        assert!(out.iter().any(|line| line.contains(&format!("INVITE → {code} "))), "{code}: {out:?}");
    }
}

#[test]
fn two_provisional_responses_are_acknowledged() {
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    let (running, at) =
        Running::serve(&["uas", "--reliable", "--early-media", "--ring", "300ms", "--first-rseq", "4711"]);
    lab.sipp("uac_prack_noauth", &at, &[]);
    let out = running.interrupted();
    assert!(out.iter().any(|line| line.trim() == "PRACK → 200 OK  ×2"), "{out:?}");
}

#[test]
fn callers_prove_who_they_are_as_to_a_proxy() {
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    let (running, at) =
        Running::serve(&["uas", "--auth", "alice:lab.example.test", "--auth-proxy", "--algorithm", "MD5"]);
    for scenario in
        ["uac_call", "uac_call_audio", "uac_hold", "uac_dtmf_rfc4733", "uac_dtmf_info", "uac_large", "uac_update"]
    {
        lab.sipp(scenario, &at, &[]);
    }
    let out = running.interrupted();
    assert!(out.iter().any(|line| line.trim() == "INVITE → 407 Proxy Authentication Required  ×7"), "{out:?}");
    // Who does not know the password gets no call.
    let (running, at) =
        Running::serve(&["uas", "--auth", "mallory:lab.example.test", "--auth-proxy", "--algorithm", "MD5"]);
    let done = lab.run(&["sipp", "uac", "uac_call", &at], &[]);
    assert!(!done.status.success());
    let out = running.interrupted();
    assert!(!out.iter().any(|line| line.contains("INVITE → 200")), "{out:?}");
}

#[test]
fn what_was_heard_is_told_at_the_end_of_each_call() {
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    let (running, at) = Running::serve(&["uas"]);
    // SIPp plays its file beside the scenario, whose pause lasts as long as `-d` says: without, it hangs up after one packet.
    lab.sipp("uac_call_audio_noauth", &at, &["-d", "3000"]);
    lab.sipp("uac_dtmf_rfc4733_noauth", &at, &[]);
    let out = running.interrupted();
    let media = media_of(&out);
    assert_eq!(media.len(), 2, "{out:?}");
    assert!(media[0].starts_with("media of call 1: heard audio, ") && media[0].contains("; sent "), "{media:?}");
    assert!(media[0].contains(" PCMA, 0.0 % lost,"), "{media:?}");
    // The file has a packet every 30 ms.
    let heard: u32 = media[0].split_whitespace().nth(6).unwrap().parse().unwrap();
    assert!((70..=101).contains(&heard), "{media:?}");
    assert!(media[1].starts_with("media of call 2: ") && media[1].contains(", DTMF 12#*"), "{media:?}");
}

fn media_of(out: &[String]) -> Vec<&String> {
    out.iter().filter(|line| line.starts_with("media of call ")).collect()
}

#[test]
fn callers_over_ipv6_are_answered_heard_and_let_go() {
    let Some(lab) = lab(&["sipp", "ss"], &[("SIPP_IP", "::1")]) else { return };
    if UdpSocket::bind("[::1]:0").is_err() {
        eprintln!("skipped: no IPv6 on this machine");
        return;
    }
    let file = lab.folder().join("uas6.pcapng");
    let file = file.to_str().unwrap();
    let (running, at) = Running::serve_at("[::1]", &["uas", "--write", file]);
    lab.sipp("uac_call_audio_noauth", &at, &["-d", "3000"]);
    for scenario in
        ["uac_call_noauth", "uac_hold_noauth", "uac_late_offer_noauth", "uac_dtmf_rfc4733_noauth", "uac_update_noauth"]
    {
        lab.sipp(scenario, &at, &[]);
    }
    let out = running.interrupted();
    let media = media_of(&out);
    assert!(media[0].starts_with("media of call 1: heard audio, ") && media[0].contains(" 0.0 % lost"), "{media:?}");
    assert!(media.iter().any(|line| line.contains(", DTMF 12#*")), "{media:?}");
    assert!(!out.iter().any(|line| line.contains("BYE sip:") && line.contains(" 481 ")), "{out:?}");
    let report = decoded(file, &["--headers", "--raw"]);
    let calls = report["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 6, "{report}");
    assert!(calls.iter().all(|call| call["state"] == "completed"), "{calls:?}");
    // What we say of ourselves can be called: RFC 3261 §19.1.1 for the Contact, RFC 8866 §5.7 for the description.
    let messages = report["messages"].as_array().unwrap();
    let answers: Vec<&Value> =
        messages.iter().filter(|m| m["status"] == 200 && m["cseq"]["method"] == "INVITE").collect();
    assert!(answers.len() >= 6, "{answers:?}");
    for answer in answers {
        let text = answer["raw"].as_str().unwrap();
        assert!(text.contains(&format!("\r\nContact: <sip:{at}>\r\n")), "{text}");
        assert!(text.contains("\r\nc=IN IP6 ::1\r\n"), "{text}");
    }
    // Our own BYE finds its way, too.
    let (running, at) = Running::serve_at("[::1]", &["uas", "--hangup-after", "300ms"]);
    lab.sipp("uac_wait_bye_noauth", &at, &[]);
    running.interrupted();
}
