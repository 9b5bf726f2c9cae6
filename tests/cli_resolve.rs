//! `sipctl resolve` as it is called: exit codes, forms of the output, probes. No name server is needed for any of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use std::net::{TcpListener, UdpSocket};
use support::room::Room;

/// Answers every OPTIONS with 200 until the test ends.
fn answering() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((len, peer)) = socket.recv_from(&mut buffer) {
            let request = String::from_utf8_lossy(&buffer[..len]).into_owned();
            assert!(request.starts_with("OPTIONS sip:"), "{request}");
            let copied = request.lines().filter(|line| {
                ["via:", "from:", "to:", "call-id:", "cseq:"].iter().any(|name| line.to_lowercase().starts_with(name))
            });
            let fields: String = copied.map(|line| format!("{line}\r\n")).collect();
            let response = format!("SIP/2.0 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
            socket.send_to(response.as_bytes(), peer).unwrap();
        }
    });
    address
}

/// A port on which nobody listens, over TCP.
fn closed() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_numeric_target_needs_no_name_server() {
    let ran = Room::new().run(&["resolve", "sips:alice@192.0.2.1"]);
    let text = ran.ends(0, "");
    assert!(text.starts_with("sips:alice@192.0.2.1  nothing to look up · 1 candidate\n"), "{text}");
    assert!(text.contains("1  TLS  192.0.2.1:5061  as given"), "{text}");
    let ran = Room::new().run(&["resolve", "--transport", "tcp", "[2001:db8::1]:5070", "192.0.2.1", "--ascii"]);
    let text = ran.ends(0, "");
    assert!(
        text.is_ascii() && text.contains("TCP  [2001:db8::1]:5070") && text.contains("TCP  192.0.2.1:5060"),
        "{text}"
    );
}

#[test]
fn what_is_no_target_is_a_usage_error() {
    let ran = Room::new().run(&["resolve", "example.com:99999"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(
        ran.stderr
            .starts_with("sipctl: 'example.com:99999' has the port '99999': a port is a number from 1 to 65535\n")
    );
    for wrong in [&["resolve"][..], &["resolve", "x", "-4", "-6"], &["resolve", "x", "--dns", "example.com"]] {
        assert_eq!(Room::new().run(wrong).code, Some(2), "{wrong:?}");
    }
}

#[test]
fn a_name_server_that_is_not_there_is_exit_4_with_what_was_asked() {
    let dead = UdpSocket::bind("127.0.0.1:0").unwrap();
    let dns = dead.local_addr().unwrap().to_string();
    // It takes questions and never answers.
    let ran = Room::new().run(&["resolve", "sip:example.com", "--dns", &dns, "--timeout", "200ms"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let start = format!("sipctl: cannot resolve example.com: asked {dns} for ");
    assert!(
        ran.stderr.starts_with(&start) && ran.stderr.contains("timed out\n  is the name server reachable?"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("NAPTR  example.com"), "{ran:?}");
}

#[test]
fn probes_tell_the_living_from_the_dead() {
    let (alive, closed) = (answering(), closed());
    let ran = Room::new().run(&["resolve", "--probe", &alive]);
    let text = ran.ends(0, "");
    assert!(text.contains("200 OK ") && text.ends_with("\nall 1 answered\n"), "{text}");
    let ran = Room::new().run(&["resolve", "--probe", "--transport", "tcp", &closed]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.stdout.contains("dead: ") && ran.stdout.ends_with("\nnone of 1 could be reached\n"), "{ran:?}");
}

#[test]
fn silence_is_exit_3() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let ran = Room::new().run(&["resolve", "--probe", "--timeout", "300ms", &silent.local_addr().unwrap().to_string()]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stdout.contains("no answer in 0.3 s"), "{ran:?}");
}

#[test]
fn it_takes_what_every_active_command_takes() {
    let (alive, room) = (answering(), Room::new());
    let file = room.path("probe.pcapng");
    let file = file.to_str().unwrap();
    let identity = ["--from", "sip:me@example.com", "--user-agent", "mine", "-H", "X-Why: test"];
    let args = [&["resolve", "--probe", &alive, "-v", "--ladder", "-w", file][..], &identity].concat();
    let ran = room.run(&args);
    assert!(ran.code == Some(0) && ran.stdout.contains("Exchange 1  OPTIONS"), "{ran:?}");
    for line in [
        "* trying 127.0.0.1",
        "> From: <sip:me@example.com>;tag=",
        "> User-Agent: mine",
        "> X-Why: test",
        "< SIP/2.0 200",
    ] {
        assert!(ran.stderr.contains(line), "{line} {ran:?}");
    }
    assert_eq!(room.decode(&[file, "--json"]).json()["summary"]["messages"], 2);
    let ran = room.run(&["resolve", "--probe", &alive, "--dry-run"]);
    assert!(ran.code == Some(0) && ran.stdout.starts_with(&format!("OPTIONS sip:{alive} SIP/2.0\r\n")), "{ran:?}");
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = silent.local_addr().unwrap().to_string();
    let ran = room.run(&["resolve", "--probe", &target, "--timeout", "100ms", "--exit-style", "nagios"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    // Through a proxy it is the proxy that is looked up and asked, for the target.
    let ran = room.run(&["resolve", "--probe", "-v", "sip:bob@example.com", "--via", &format!("sip:{alive}")]);
    assert!(ran.code == Some(0) && ran.stderr.contains("> OPTIONS sip:bob@example.com SIP/2.0"), "{ran:?}");
    assert!(ran.stderr.contains(&format!("> Route: <sip:{alive};lr>")), "{ran:?}");
}

#[test]
fn json_and_ndjson_fulfil_the_schema() {
    let room = Room::new();
    let schema = room.run(&["schema", "resolve"]).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let line = json!({"$ref": "#/$defs/Line", "$defs": schema["$defs"]});
    let line = jsonschema::validator_for(&line).unwrap();
    let (alive, closed) = (answering(), closed());
    for args in [
        &["resolve", "--json", "192.0.2.1"][..],
        &["resolve", "--json", "--probe", &alive],
        &["resolve", "--json", "192.0.2.1", "sips:[2001:db8::1]"],
        &["resolve", "--json", "--probe", "--transport", "tcp", &closed],
        &["resolve", "--json", "example.com", "--dns", &closed, "--timeout", "200ms"],
    ] {
        let ran = room.run(args);
        let value: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{args:?}: {e} {ran:?}"));
        let faults: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{e} at {}", e.instance_path())).collect();
        assert!(faults.is_empty(), "{args:?}: {faults:#?}");
        assert!(ran.stdout.starts_with("{\"schema\":\"sipctl.resolve/1\",\"target"), "{ran:?}");
        assert_eq!(value["result"]["code"], ran.code.unwrap(), "{ran:?}");
    }
    let ran = room.run(&["resolve", "--format", "ndjson", "--probe", &alive, &alive]);
    let kinds: Vec<Value> = ran.lines().iter().map(|l| l["type"].clone()).collect();
    assert_eq!(kinds, ["candidate", "summary", "candidate", "summary"]);
    for value in ran.lines() {
        assert!(line.is_valid(&value), "{value}");
    }
    assert!(!line.is_valid(&json!({"type": "candidate", "target": "x"})));
    assert!(!validator.is_valid(&json!({"schema": "sipctl.resolve/2"})));
}
