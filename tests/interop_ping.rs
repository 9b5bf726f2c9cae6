//! `sipctl ping` against real servers: what each answers, which exit code that is, and in which words.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod lab;

use lab::{Lab, lab};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// The programs that the lab's Kamailio needs.
const KAMAILIO: &[&str] = &["kamailio", "openssl", "ss"];

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn sipctl(args: &[&str]) -> Ran {
    let done = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: done.status.code().unwrap(), out: text(done.stdout), err: text(done.stderr) }
}

/// A ping of the lab's domain at a port, with the lab's authority.
fn ping(lab: &Lab, protocol: &str, address: &str, more: &[&str]) -> Ran {
    let ca = lab.folder().join("tls/ca.pem");
    let mut args = vec!["ping", "--transport", protocol, address, "--timeout", "2s"];
    args.extend(["--tls-ca", ca.to_str().unwrap(), "--tls-server-name", "lab.example.test"]);
    args.extend(more);
    sipctl(&args)
}

fn kamailio() -> Option<Lab> {
    let mut lab = lab(KAMAILIO, &[])?;
    lab.start(&["blackhole", "start"], &["blackhole", "stop"], &[]);
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    Some(lab)
}

#[test]
fn kamailio_answers_over_every_transport_and_by_every_name() {
    let Some(lab) = kamailio() else { return };
    let port = |name: &str| lab.setting(name);
    for host in ["127.0.0.1", "[::1]"] {
        for (protocol, name) in
            [("udp", "KAM_PORT"), ("tcp", "KAM_PORT"), ("tls", "KAM_TLS"), ("ws", "KAM_WS"), ("wss", "KAM_WSS")]
        {
            // The lab's WebSocket ports are open on IPv4 alone.
            if host == "[::1]" && (protocol.starts_with("ws") || lab.setting("LAB_IP6").is_empty()) {
                continue;
            }
            let ran = ping(&lab, protocol, &format!("{host}:{}", port(name)), &[]);
            assert_eq!(ran.code, 0, "{protocol} {host}: {}{}", ran.out, ran.err);
            assert!(ran.out.contains("200 OK from") && ran.out.contains("SIP lab kamailio"), "{}", ran.out);
            assert!(ran.out.contains("allow      INVITE, ACK, CANCEL, OPTIONS, BYE"), "{}", ran.out);
        }
    }
    names(&lab);
    certificates(&lab);
    let reset = ping(&lab, "tcp", &format!("127.0.0.1:{}", port("RESET_PORT")), &[]);
    assert!(reset.code == 4 && reset.err.contains("reset"), "{}", reset.err);
    let silent = ping(&lab, "udp", &format!("127.0.0.1:{}", port("SILENT_PORT")), &[]);
    assert!(silent.code == 3 && silent.err.contains("no answer in 2.0 s (3 sends)"), "{}", silent.err);
}

/// By name, as the lab's README has it. Its users by number answer 500: this Kamailio does not expand a variable in a status code.
fn names(lab: &Lab) {
    let proxy = format!("sip:127.0.0.1:{}", lab.setting("KAM_PORT"));
    for (user, code, status) in [
        ("ping", 0, "200"),
        ("nobody", 0, "404"),
        ("barred", 0, "403"),
        ("busy", 0, "486"),
        ("offline", 0, "480"),
        ("decline", 0, "603"),
        ("down", 0, "503"),
        ("wrongcodec", 0, "488"),
        ("badext", 0, "420"),
        ("moved", 0, "302"),
        ("movedloop", 0, "302"),
        ("choices", 0, "300"),
        ("loop", 0, "483"),
        ("silent", 3, "no answer"),
        ("trying", 3, "no final answer"),
    ] {
        let target = format!("sip:{user}@lab.example.test");
        let ran = sipctl(&["ping", &target, "--via", &proxy, "--timeout", "2s"]);
        assert_eq!(ran.code, code, "{user}: {}{}", ran.out, ran.err);
        let line = ran.out.lines().nth(1).unwrap();
        assert!(line.starts_with(status), "{user}: {line}");
        // An answer that was not wanted is exit 1.
        if code == 0 && status != "200" {
            let ran = sipctl(&["ping", &target, "--via", &proxy, "--timeout", "2s", "--expect", "2xx"]);
            assert_eq!(ran.code, 1, "{user}: {}{}", ran.out, ran.err);
        }
    }
}

fn certificates(lab: &Lab) {
    for (port, words) in [
        ("KAM_TLS_EXPIRED", "expired"),
        ("KAM_TLS_WRONGNAME", "is for another name: it is for other.example.net; wanted lab.example.test"),
        ("KAM_TLS_SELFSIGNED", "is self-signed: nobody vouches for it"),
        ("KAM_TLS_UNTRUSTED", "is not trusted: O=Nobody, CN=Untrusted CA is not among the authorities"),
        ("KAM_TLS_MUTUAL", "wants a client certificate"),
    ] {
        let address = format!("127.0.0.1:{}", lab.setting(port));
        let ran = ping(lab, "tls", &address, &[]);
        assert!(ran.code == 4 && ran.err.contains(words), "{port}: {}{}", ran.code, ran.err);
        let insecure = ping(lab, "tls", &address, &["--tls-insecure"]);
        if port != "KAM_TLS_MUTUAL" {
            assert!(insecure.code == 0 && insecure.out.contains(words), "{port}: {}{}", insecure.out, insecure.err);
        }
    }
    let file = |name: &str| lab.folder().join("tls").join(name).to_str().unwrap().to_owned();
    let address = format!("127.0.0.1:{}", lab.setting("KAM_TLS_MUTUAL"));
    let ran = ping(lab, "tls", &address, &["--tls-cert", &file("client.pem"), "--tls-key", &file("client.key")]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

/// What is saved is what was reported, to us and to an independent reader.
#[test]
fn what_is_saved_decodes_to_what_was_told() {
    let Some(lab) = kamailio() else { return };
    for (protocol, name) in
        [("udp", "KAM_PORT"), ("tcp", "KAM_PORT"), ("tls", "KAM_TLS"), ("ws", "KAM_WS"), ("wss", "KAM_WSS")]
    {
        let saved = lab.folder().join(format!("{protocol}.pcapng"));
        let port = lab.setting(name);
        let file = saved.to_str().unwrap();
        let ran =
            ping(&lab, protocol, &format!("127.0.0.1:{port}"), &["-c", "2", "-i", "0", "--json", "--write", file]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let told: Value = serde_json::from_str(&ran.out).unwrap();
        let read: Value = serde_json::from_str(&sipctl(&["decode", file, "--json"]).out).unwrap();
        assert_eq!(told["messages"].as_array().unwrap().len(), 4, "{protocol}");
        assert_eq!(told["messages"], read["messages"], "{protocol}");
        assert_eq!(told["findings"], read["findings"], "{protocol}");
        let Some(seen) = tshark(&saved, protocol, &port) else { continue };
        assert_eq!(seen.matches("OPTIONS").count(), 2, "{protocol}: {seen}");
        assert_eq!(seen.matches("200").count(), 2, "{protocol}: {seen}");
    }
}

/// Methods and statuses as tshark reads them.
fn tshark(file: &Path, protocol: &str, port: &str) -> Option<String> {
    let mut command = Command::new("tshark");
    command.args([
        "-r",
        file.to_str().unwrap(),
        "-Y",
        "sip",
        "-T",
        "fields",
        "-e",
        "sip.Method",
        "-e",
        "sip.Status-Code",
    ]);
    match protocol {
        "tls" => drop(command.args(["-d", &format!("tcp.port=={port},tls"), "-d", &format!("tls.port=={port},sip")])),
        "wss" => drop(command.args(["-d", &format!("tcp.port=={port},tls")])),
        _ => {}
    }
    match command.stderr(Stdio::null()).output() {
        Ok(done) => Some(String::from_utf8_lossy(&done.stdout).into_owned()),
        Err(_) => {
            eprintln!("skipped: tshark is not installed");
            None
        }
    }
}

/// Answers that no well-meaning server gives: mode, over TCP, exit code, what is said.
const RAW: &[(&str, bool, i32, &str)] = &[
    ("plain", false, 0, "1 answered"),
    ("plain", true, 0, "1 answered"),
    ("garbage", false, 0, "ignored"),
    ("garbage", true, 0, "1 answered"),
    ("keepalives", false, 0, "1 answered"),
    ("keepalives", true, 0, "1 answered"),
    ("status_four_digits", false, 3, "a response without a usable status code"),
    ("status_zero", false, 3, "a response without a usable status code"),
    ("status_799", true, 3, "a response without a usable status code"),
    ("status_text", false, 3, "no SIP message"),
    ("lf_only", false, 0, "1 answered"),
    ("lf_only", true, 0, "1 answered"),
    ("nul", false, 0, "1 answered"),
    ("escapes", false, 0, "1 answered"),
    ("escapes", true, 0, "1 answered"),
    ("truncated", false, 3, "what came was ignored"),
    ("giant", false, 0, "1 answered"),
    ("giant", true, 0, "1 answered"),
    ("many_headers", true, 0, "1 answered"),
    ("duplicates", false, 0, "1 answered"),
    ("duplicates", true, 0, "1 answered"),
    ("out_of_order", false, 0, "1 answered"),
    ("forked", true, 0, "1 answered"),
    ("two_finals", false, 0, "1 answered"),
    ("other_port", false, 3, "a response from another address than the request went to"),
    ("other_ip", false, 3, "a response from another address than the request went to"),
    ("drip", true, 3, "no answer"),
    ("pipelined", true, 0, "1 answered"),
    ("half_close", true, 4, "closed the connection in the middle of a message"),
    ("no_length_close", true, 0, "1 answered"),
    ("length_too_long", true, 3, "no answer"),
    ("slam", true, 4, "closed the connection"),
];

#[test]
fn raw_answers_are_taken_as_what_they_are() {
    let Some(lab) = lab(&["python3"], &[]) else { return };
    for &(mode, tcp, code, words) in RAW {
        let (mut server, port) = lab.raw_server(mode, tcp);
        let protocol = if tcp { "tcp" } else { "udp" };
        let address = format!("127.0.0.1:{port}");
        let ran = sipctl(&["ping", &address, "--transport", protocol, "--timeout", "1500ms", "--t1", "200ms"]);
        server.kill().unwrap();
        server.wait().unwrap();
        assert_eq!(ran.code, code, "{mode} over {protocol}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains(words) || ran.err.contains(words), "{mode} over {protocol}: {}{}", ran.out, ran.err);
        let steers = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
        assert!(!steers(&ran.out) && !steers(&ran.err), "{mode}: {:?}", ran.out);
    }
}

/// Scenarios whose answer is no answer to the request, and what it is called; all others are answers.
const NO_ANSWER: &[(&str, &str)] = &[
    ("badopt_http", "no SIP message"),
    ("badopt_no_callid", "Call-ID or From tag is not that of the request"),
    ("badopt_no_cseq", "CSeq has no method or another one"),
    ("badopt_no_from", "Call-ID or From tag is not that of the request"),
    ("badopt_no_via", "without a usable status code or Via branch"),
    ("badopt_request_instead", "a request instead of a response"),
    ("badopt_wrong_branch", "Via branch is none of ours"),
    ("badopt_wrong_callid", "Call-ID or From tag is not that of the request"),
    ("badopt_wrong_cseq", "CSeq"),
    ("badopt_wrong_fromtag", "Call-ID or From tag is not that of the request"),
    ("badopt_wrong_method", "CSeq has no method or another one"),
];

#[test]
fn broken_answers_of_sipp_are_answers_or_named() {
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    let listed = String::from_utf8(lab.run(&["sipp", "list", "badopt"], &[]).stdout).unwrap();
    let scenarios: Vec<&str> = listed.lines().filter_map(|l| l.split_whitespace().next()).collect();
    assert!(scenarios.len() > 30, "{listed}");
    for scenario in scenarios {
        let started = lab.run(&["sipp", "uas", "broken", scenario], &[]);
        assert!(started.status.success(), "{scenario}: {}", String::from_utf8_lossy(&started.stderr));
        let address = format!("127.0.0.1:{}", lab.setting("SIPP_BROKEN"));
        let ran = sipctl(&["ping", &address, "--timeout", "1500ms"]);
        lab.run(&["sipp", "stop", "broken"], &[]);
        match NO_ANSWER.iter().find(|(name, _)| *name == scenario) {
            Some((_, words)) => {
                assert_eq!(ran.code, 3, "{scenario}: {}{}", ran.out, ran.err);
                assert!(
                    ran.err.contains("what came was ignored") && ran.err.contains(words),
                    "{scenario}: {}",
                    ran.err
                );
            }
            None => assert_eq!(ran.code, 0, "{scenario}: {}{}", ran.out, ran.err),
        }
    }
}
