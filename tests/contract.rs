//! What `decode` promises beside its findings: options, errors, exit codes, secrets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::{Command, Output};

fn sipctl(args: &[&str]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("sipctl")).args(args).output().expect("sipctl starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A capture file of raw IPv4 packets (link type 101) with these messages from alice to bob, a second apart.
fn capture(messages: &[String]) -> Vec<u8> {
    let mut file = [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65_535, 101].map(u32::to_le_bytes).concat();
    for (n, sip) in messages.iter().enumerate() {
        let length = sip.len() as u16;
        let mut packet = vec![0x45, 0];
        packet.extend((length + 28).to_be_bytes());
        packet.extend((n as u16 + 1).to_be_bytes());
        packet.extend([0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        packet.extend([5060, 5060, length + 8, 0].map(u16::to_be_bytes).concat());
        packet.extend(sip.as_bytes());
        let len = packet.len() as u32;
        file.extend([1_700_000_000 + n as u32, 0, len, len].map(u32::to_le_bytes).concat());
        file.extend(packet);
    }
    file
}

fn message(start: &str, call_id: &str, more: &str, body: &str) -> String {
    let method = start.split(' ').next().unwrap();
    format!(
        "{start} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{call_id}\r\nMax-Forwards: 70\r\n\
         From: <sip:alice@example.test>;tag=a\r\nTo: <sip:bob@example.test>\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n\
         {more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A room with `x.pcap` in it; gives the room and the path.
fn room(messages: &[String]) -> (tempfile::TempDir, String) {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("x.pcap");
    std::fs::write(&path, capture(messages)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (room, path)
}

#[test]
fn secrets_are_shown_only_when_asked_for() {
    let sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n\
               a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
    let more = "Authorization: Basic YWxpY2U6c2VjcmV0\r\nContent-Type: application/sdp\r\n";
    let (_room, path) = room(&[message("INVITE sip:bob@example.test", "one", more, sdp)]);
    let secrets = ["YWxpY2U6c2VjcmV0", "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"];
    let forms: [&[&str]; 6] = [
        &["--json", "--raw"],
        &["--json", "--headers"],
        &["--format", "ndjson", "--raw", "--headers"],
        &["--messages", "full"],
        &["--messages", "headers"],
        &["--call", "1", "--messages", "full", "--width", "400"],
    ];
    for form in forms {
        let args = [&["decode", &path], form].concat();
        let hidden = text(&sipctl(&args).stdout);
        assert!(secrets.iter().all(|s| !hidden.contains(s)), "{form:?}: {hidden}");
        assert!(hidden.contains("Basic ****************"), "{form:?}: {hidden}");
        let shown = text(&sipctl(&[&args[..], &["--show-secrets"]].concat()).stdout);
        assert!(shown.contains(secrets[0]), "{form:?}: {shown}");
        assert_eq!(hidden.len(), shown.len(), "every byte keeps its place");
    }
    assert!(text(&sipctl(&["decode", "--help"]).stdout).contains("--show-secrets"));
}

#[test]
fn what_cannot_be_read_is_one_line_and_exit_2() {
    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("letter.txt"), "Dear Alice, this is no capture at all.").unwrap();
    for (path, said) in [
        (at(""), format!("cannot open {}: it is a directory", at(""))),
        (at("nosuch"), format!("cannot open {}: No such file or directory", at("nosuch"))),
        (at("letter.txt"), format!("{}: not a packet capture: ", at("letter.txt"))),
    ] {
        let done = sipctl(&["decode", &path]);
        let err = text(&done.stderr);
        assert!(err.starts_with(&format!("sipctl: {said}")) && err.lines().count() == 1, "{err}");
        assert_eq!((done.status.code(), done.stdout.len()), (Some(2), 0), "{path}");
    }
}

#[test]
fn a_call_is_named_by_its_number_or_by_its_call_id_also_one_of_digits() {
    let calls = ["first@host", "4711"].map(|id| message("INVITE sip:bob@example.test", id, "", ""));
    let (_room, path) = room(&calls);
    for (named, found) in [("1", "first@host"), ("2", "4711"), ("4711", "4711"), ("first@host", "first@host")] {
        let done = sipctl(&["decode", &path, "--call", named, "--json"]);
        let document: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        let ids: Vec<&str> =
            document["calls"].as_array().unwrap().iter().map(|c| c["call_ids"][0].as_str().unwrap()).collect();
        assert_eq!((ids, done.status.code()), (vec![found], Some(0)), "{named}");
    }
    for unknown in ["0", "3", "nobody"] {
        let done = sipctl(&["decode", &path, "--call", unknown]);
        let expected =
            format!("sipctl: there is no call '{unknown}' in it\n  sipctl decode FILE --list shows the calls\n");
        assert_eq!((text(&done.stderr), done.status.code()), (expected, Some(2)));
    }
}

#[test]
fn an_option_given_twice_counts_as_given_last_and_lists_grow() {
    let calls = ["one", "two", "three"].map(|id| message("INVITE sip:bob@example.test", id, "", ""));
    let (_room, path) = room(&calls);
    let done = sipctl(&[
        "decode",
        &path,
        "--color",
        "always",
        "--color",
        "never",
        "--json",
        "--json",
        "--call-id",
        "one",
        "--call-id",
        "two",
    ]);
    let document: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((document["calls"].as_array().map(Vec::len), done.status.code()), (Some(2), Some(0)));
}

#[test]
fn what_was_typed_wrongly_is_a_usage_error_that_says_what_to_type() {
    let (_room, path) = room(&[]);
    for (args, hint) in [
        (["--finding", "call-buzy"], "call-busy"),
        (["--state", "dead"], "possible values: trying"),
        (["--status", "9xx"], "write 486 or 4xx"),
        (["--after", "yesterday"], "write 2026-11-22T14:05:11Z"),
        (["--duration", "soon"], "write 500ms, 2s, 1m or 1h"),
        (["--format", "xml"], "possible values: text, json, ndjson"),
        (["--port", "0"], "1..=65535"),
        (["--expect", "summary.calls >="], "--expect"),
    ] {
        let done = sipctl(&[&["decode", &path], &args[..]].concat());
        let err = text(&done.stderr);
        assert!(err.contains(hint), "{args:?}: {err}");
        assert_eq!((done.status.code(), done.stdout.len()), (Some(2), 0), "{args:?}");
    }
}

#[test]
fn gates_set_the_exit_code_and_say_what_was_found() {
    let (_room, path) = room(&[message("INVITE sip:bob@example.test", "one", "", "")]);
    let met = sipctl(&["decode", &path, "--summary", "--expect", "summary.calls == 1"]);
    assert_eq!((met.status.code(), text(&met.stderr)), (Some(0), String::new()));
    let unmet = sipctl(&["decode", &path, "--summary", "--expect", "summary.calls >= 10"]);
    assert_eq!(unmet.status.code(), Some(1));
    assert_eq!(text(&unmet.stderr), "sipctl: expected summary.calls >= 10, found summary.calls = 1\n");
}

#[test]
fn what_it_writes_is_private_and_not_written_through_a_link() {
    use std::os::unix::fs::PermissionsExt;
    let (room, path) = room(&[message("INVITE sip:bob@example.test", "one", "", "")]);
    let at = |name: &str| room.path().join(name).to_str().unwrap().to_owned();
    std::os::unix::fs::symlink(at("elsewhere"), at("link")).unwrap();
    let done = sipctl(&["decode", &path, "-o", &at("link")]);
    assert_eq!((done.status.code(), room.path().join("elsewhere").exists()), (Some(2), false));
    assert_eq!(sipctl(&["decode", &path, "-o", &at("report"), "--write", &at("saved")]).status.code(), Some(0));
    std::fs::create_dir(at("man")).unwrap();
    assert_eq!(sipctl(&["man", "--out", &at("man")]).status.code(), Some(0));
    for name in ["report", "saved", "man/sipctl.1"] {
        assert_eq!(std::fs::metadata(at(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let calls: Vec<String> =
        (0..2000).map(|n| message("INVITE sip:bob@example.test", &format!("call-{n}"), "", "")).collect();
    let (_room, path) = room(&calls);
    for form in ["text", "json", "ndjson"] {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("sipctl"))
            .args(["decode", &path, "--all", "--format", form])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let done = child.wait_with_output().unwrap();
        assert_eq!((done.status.code(), text(&done.stderr)), (Some(0), String::new()), "{form}");
    }
}
