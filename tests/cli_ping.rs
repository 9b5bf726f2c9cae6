//! `sipctl ping` as its users run it, against peers that a test scripts: every exit code, every form, every option of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod running;
mod support;

use running::Running;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use support::room::{Ran, Room};

/// A UDP peer that answers each request as `script` says; gives its address and what it received.
fn peer(script: impl Fn(usize, &str) -> Option<String> + Send + 'static) -> (SocketAddr, Receiver<Vec<u8>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        for n in 0.. {
            let Ok((length, from)) = socket.recv_from(&mut buffer) else { return };
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if let Some(answer) = script(n, &request) {
                socket.send_to(answer.as_bytes(), from).unwrap();
            }
            // Nobody asks any more where the test is over.
            let _ = send.send(buffer[..length].to_vec());
        }
    });
    (address, receive)
}

/// The answer to a request, with header fields of its own.
fn answer(status: &str, more: &str, request: &str) -> String {
    let copied = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
    let kept: Vec<&str> = request.lines().filter(|l| copied.iter().any(|c| l.starts_with(c))).collect();
    let fields = kept.join("\r\n").replace(";rport", ";received=203.0.113.9;rport=4711");
    format!("SIP/2.0 {status}\r\n{fields}\r\n{more}Content-Length: 0\r\n\r\n")
}

const WHO: &str =
    "Server: Tester\x1b 1.0\r\nAllow: INVITE, ACK, OPTIONS\r\nSupported: path\r\nAccept: application/sdp\r\n";

fn always(status: &'static str) -> SocketAddr {
    peer(move |_, request| Some(answer(status, WHO, request))).0
}

fn ping(args: &[&str]) -> Ran {
    Room::new().run(&[&["ping"], args].concat())
}

/// A port that nothing listens on.
fn closed() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn silent() -> (SocketAddr, Receiver<Vec<u8>>) {
    peer(|_, _| None)
}

#[test]
fn one_answer_is_told_in_full() {
    let at = always("200 OK").to_string();
    let ran = ping(&[&at]);
    let out = ran.ends(0, "");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], format!("PING {at} → {at} UDP"));
    assert!(lines[1].starts_with(&format!("200 OK from {at}  seq=1  rtt=")), "{out}");
    assert!(lines[1].ends_with("  Tester\\x1b 1.0"), "{out}");
    assert!(out.contains(&format!("\n--- {at} ---\n1 sent, 1 answered, 0.0 % loss · rtt ")), "{out}");
    for row in [
        "\nserver     Tester\\x1b 1.0\n",
        "\nallow      INVITE, ACK, OPTIONS\n",
        "\nsupported  path\n",
        "\naccept     application/sdp\n",
    ] {
        assert!(out.contains(row), "{row:?} in {out}");
    }
    assert!(
        out.contains("\nnat        203.0.113.9:4711 is your address as the server saw it (sent from 127.0.0.1:"),
        "{out}"
    );
    assert!(ping(&[&at, "--ascii"]).stdout.is_ascii());
}

#[test]
fn every_exit_code_is_reached() {
    let (ok, gone) = (always("200 OK").to_string(), always("503 Gone").to_string());
    let (mute, _kept) = silent();
    let (mute, shut) = (mute.to_string(), closed().to_string());
    let cases: &[(&[&str], i32, &str)] = &[
        (&[&ok], 0, ""),
        (&[&gone], 0, ""),
        (&[&gone, "--expect", "200"], 1, "expected 200, got 503"),
        (&[&gone, "--expect", "2xx,503"], 0, ""),
        (&[&ok, "--expect-header", "Allow: invite,OPTIONS"], 0, ""),
        (
            &[&ok, "--expect-header", "Allow: BYE", "--expect-header", "X-No"],
            1,
            "Allow without BYE; no X-No header field",
        ),
        (&["sip:"], 2, "'sip:' has no host"),
        (&[], 2, "TARGET"),
        (&[&ok, "--expect", "ok"], 2, "'ok' is no status code"),
        (&[&ok, "--method", "INVITE"], 2, "an INVITE starts a call"),
        (&[&ok, "--size", "100"], 2, "the request takes"),
        (&[&ok, "--targets", "/nonexistent"], 2, "cannot read /nonexistent: No such file or directory"),
        (&[&mute, "--timeout", "300ms"], 3, "no answer in 0.3 s (1 send)"),
        (&[&mute, "-W", "700ms", "--t1", "100ms"], 3, "no answer in 0.7 s (3 sends)"),
        (&[&shut], 4, "port unreachable"),
        (&[&shut, "--transport", "tcp"], 4, "refused"),
        (&[&ok, "--max-rtt", "0.000000001"], 6, "longest round trip"),
        (&[&ok, "--max-p95", "0.000000001"], 6, "p95"),
        (&[&ok, "--max-loss", "0"], 0, ""),
        (&[&ok, &mute, &shut, "--timeout", "300ms"], 4, "port unreachable"),
        (&[&ok, &mute, "--timeout", "300ms"], 3, "no answer"),
    ];
    for (args, code, words) in cases {
        let ran = ping(args);
        assert_eq!(ran.code, Some(*code), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains(words) && ran.stderr.is_empty() == words.is_empty(), "{args:?}: {ran:?}");
    }
}

#[test]
fn loss_is_measured_and_judged() {
    let (at, _received) = peer(|n, request| (n != 1).then(|| answer("200 OK", "", request)));
    let ran = ping(&[&at.to_string(), "-c", "4", "-i", "10ms", "-W", "300ms", "--max-loss", "20%"]);
    assert_eq!(ran.code, Some(6), "{ran:?}");
    assert!(ran.stderr.contains("loss 25.0 % is above 20 %"), "{ran:?}");
    assert!(ran.stdout.contains("4 sent, 3 answered, 25.0 % loss · rtt min/avg/max/stddev "), "{ran:?}");
    assert!(ran.stdout.contains("no answer                    seq=2  after 3"), "{ran:?}");
    assert!(ran.stdout.contains(" ms (1 send)"), "{ran:?}");
}

#[test]
fn an_answer_to_a_repeat_is_no_round_trip() {
    let (at, _received) = peer(|n, request| (n > 0).then(|| answer("200 OK", "", request)));
    let ran = ping(&[&at.to_string(), "--t1", "50ms"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("after 2 sends, ") && ran.stdout.contains(" since the first)"), "{ran:?}");
    assert!(
        ran.stdout.contains("1 retransmission · 1 answered only after a repeat, not in the round trips"),
        "{ran:?}"
    );
}

#[test]
fn challenges_are_answers_without_credentials_and_refusals_with_them() {
    let realm = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n";
    let (at, received) = peer(move |_, request| {
        let right = request.contains("Authorization: Digest username=\"bob\"");
        Some(if right { answer("200 OK", "", request) } else { answer("401 Unauthorized", realm, request) })
    });
    let at = at.to_string();
    assert_eq!(ping(&[&at]).code, Some(0));
    let with = |user: &str| {
        Room::new().with("SIPCTL_PASSWORD", "s3cret").run(&["ping", &at, "--auth-user", user, "-v", "--json"])
    };
    let (good, bad) = (with("bob"), with("eve"));
    assert_eq!((good.code, bad.code), (Some(0), Some(5)), "{good:?}{bad:?}");
    assert!(bad.stderr.contains("401 Unauthorized: the credentials were refused"), "{bad:?}");
    assert_eq!(good.json()["attempts"][0]["requests"], 2);
    assert!(![&good.stdout, &good.stderr, &bad.stdout, &bad.stderr].iter().any(|t| t.contains("s3cret")));
    assert!(received.try_iter().all(|bytes| !String::from_utf8_lossy(&bytes).contains("s3cret")));
    let nameless = Room::new().run(&["ping", &at, "--auth-user", "bob"]);
    assert_eq!(nameless.code, Some(5), "a password is missing: {nameless:?}");
}

#[test]
fn an_interruption_gives_the_summary_and_130() {
    let at = always("200 OK").to_string();
    let mut command = Room::new().command(&["ping", "-c", "0", "-i", "50ms", &at]);
    command.env_clear();
    let mut running = Running::start(command);
    running.line("seq=3");
    running.signal(nix::sys::signal::Signal::SIGINT);
    running.line("--- ");
    running.line(" answered, 0.0 % loss");
    assert_eq!(running.end().0, Some(130));
}

#[test]
fn targets_come_from_arguments_files_and_standard_input() {
    let (a, b) = (always("200 OK").to_string(), always("404 Not Here").to_string());
    let room = Room::new();
    let list = format!("# list\n\n{b}   # the other\n");
    std::fs::write(room.path("list"), &list).unwrap();
    let ran = room.run(&["ping", &a, "--targets", room.path("list").to_str().unwrap()]);
    let out = ran.ends(0, "");
    assert!(out.contains(&format!("--- {a} ---")) && out.contains(&format!("--- {b} ---")), "{out}");
    assert!(out.ends_with("\n2 targets, 2 answered: all as wanted\n"), "{out}");
    let mut command = assert_cmd::Command::from_std(room.command(&["ping", "--targets", "-", "--json", &a]));
    let value: Value = serde_json::from_slice(&command.write_stdin(list).output().unwrap().stdout).unwrap();
    let targets: Vec<&str> =
        value["targets"].as_array().unwrap().iter().map(|t| t["target"].as_str().unwrap()).collect();
    assert_eq!(targets, [&a, &b]);
    let mut command = assert_cmd::Command::from_std(room.command(&["ping", "--targets", "-"]));
    let ran = Ran::of(command.write_stdin("# nothing\nsip:\n").output().unwrap());
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.starts_with("sipctl: line 2 of -: 'sip:' has no host"), "{ran:?}");
}

#[test]
fn requests_have_the_size_method_and_hops_that_were_asked_for() {
    let (at, received) = peer(|_, request| Some(answer("200 OK", "", request)));
    for size in ["700", "1400", "9000"] {
        let ran =
            ping(&[&at.to_string(), "--size", size, "--method", "MESSAGE", "--max-forwards", "3", "-H", "X-A: b"]);
        ran.ends(0, "");
        let request = received.recv().unwrap();
        assert_eq!(request.len().to_string(), size);
        let text = String::from_utf8(request).unwrap();
        assert!(text.starts_with("MESSAGE sip:127.0.0.1:"), "{text}");
        assert!(text.contains("\r\nMax-Forwards: 3\r\n") && text.contains("\r\nX-A: b\r\n"), "{text}");
    }
}

#[test]
fn quiet_is_the_summary_alone_and_a_dry_run_sends_nothing() {
    let (at, received) = peer(|_, request| Some(answer("200 OK", "", request)));
    let ran = ping(&["-q", "-c", "3", "-i", "1ms", &at.to_string()]);
    assert!(ran.ends(0, "").starts_with(&format!("\n--- {at} ---\n3 sent, 3 answered")), "{ran:?}");
    assert_eq!(received.iter().take(3).count(), 3);
    let ran = ping(&["--dry-run", &at.to_string()]);
    assert!(ran.code == Some(0) && ran.stdout.starts_with("OPTIONS sip:"), "{ran:?}");
    assert!(received.try_recv().is_err());
}

#[test]
fn tcp_is_opened_once_and_again_where_it_was_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let served = std::thread::spawn(move || {
        // Two pings on the first connection, which is then closed; one on the second.
        let mut connections = 0;
        for pings in [2, 1] {
            let (mut stream, _) = listener.accept().unwrap();
            connections += 1;
            for _ in 0..pings {
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") {
                    stream.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                stream.write_all(answer("200 OK", "", &String::from_utf8(request).unwrap()).as_bytes()).unwrap();
            }
        }
        connections
    });
    let ran = ping(&["-c", "3", "-i", "200ms", "--transport", "tcp", &at, "--json"]);
    assert_eq!((served.join().unwrap(), ran.json()["received"].as_u64()), (2, Some(3)), "{ran:?}");
    assert!(ran.json()["timing"]["connect_ms"].as_f64().unwrap() >= 0.0);
}

fn validator() -> jsonschema::Validator {
    let schema = schemars::schema_for!(sipctl::report::ping::Report);
    jsonschema::validator_for(schema.as_value()).unwrap()
}

#[test]
fn json_fulfils_its_schema_in_every_case() {
    let (ok, shut) = (always("200 OK").to_string(), closed().to_string());
    let (mute, _kept) = silent();
    let (mute, validator) = (mute.to_string(), validator());
    let cases: [&[&str]; 5] = [
        &[&ok, "-c", "3", "-i", "10ms"],
        &[&mute, "--timeout", "200ms"],
        &[&shut],
        &[&ok, &mute, &shut, "--timeout", "200ms"],
        &[&ok, "--expect", "404"],
    ];
    for args in cases {
        let ran = ping(&[args, &["--json"]].concat());
        let value: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
        let faults: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{e} at {}", e.instance_path())).collect();
        assert!(faults.is_empty(), "{args:?}: {faults:#?}\n{}", ran.stdout);
        assert!(ran.stdout.starts_with("{\"schema\":\"sipctl.ping/1\","), "{}", ran.stdout);
        let result = if value["result"].is_object() { &value["result"] } else { panic!("{value}") };
        assert_eq!(result["code"].as_i64(), ran.code.map(i64::from), "{args:?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({"schema": "sipctl.ping/1"})));
    let value = ping(&[&ok, "-c", "2", "-i", "10ms", "--json"]).json();
    assert_eq!(
        (value["sent"].as_u64(), value["received"].as_u64(), value["loss_percent"].as_f64()),
        (Some(2), Some(2), Some(0.0))
    );
    assert_eq!((value["messages"].as_array().unwrap().len(), value["statuses"]["200"].as_u64()), (4, Some(2)));
    assert_eq!((value["server"].as_str(), value["allow"][1].as_str()), (Some("Tester\x1b 1.0"), Some("ACK")));
    assert_eq!((value["nat"]["rport"].as_u64(), value["nat"]["mapped"].as_bool()), (Some(4711), Some(true)));
}

#[test]
fn ndjson_tells_as_it_happens_and_the_summary_last() {
    let (at, _received) = peer(|n, request| (n != 1).then(|| answer("200 OK", "", request)));
    let ran = ping(&[&at.to_string(), "-c", "3", "-i", "10ms", "-W", "200ms", "--format", "ndjson"]);
    let lines = ran.lines();
    let kinds: Vec<&str> = lines.iter().map(|l| l["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..3], ["reply", "reply", "lost"], "{ran:?}");
    assert_eq!(kinds.last(), Some(&"summary"));
    assert_eq!(lines.last().unwrap()["received"], 2);
    assert!(ran.stdout.lines().all(|l| l.starts_with("{\"type\":\"")), "{ran:?}");
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let at = always("200 OK").to_string();
    for form in ["text", "json", "ndjson"] {
        let mut command = Room::new().command(&["ping", "-c", "20", "-i", "10ms", &at, "--format", form]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let done = child.wait_with_output().unwrap();
        assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap()), (Some(0), String::new()), "{form}");
    }
}

#[test]
fn exit_codes_can_be_those_of_monitoring_plugins() {
    let (ok, shut) = (always("200 OK").to_string(), closed().to_string());
    assert_eq!(ping(&[&ok, "--exit-style", "nagios"]).code, Some(0));
    assert_eq!(ping(&[&shut, "--exit-style", "nagios"]).code, Some(2));
    assert_eq!(ping(&[&ok, "--max-rtt", "0.000000001", "--exit-style", "nagios"]).code, Some(1));
}
