//! `sipctl decode -i lo`: traffic that the test itself sends. Runs only as root and with libpcap; else it says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;

use nix::sys::signal::Signal;
use running::{Running, call, message};
use std::net::UdpSocket;

/// Whether a device can be captured on here.
fn may_capture() -> bool {
    let may = nix::unistd::geteuid().is_root()
        && Running::decode(&["-i", "lo", "--duration", "10ms", "--summary"]).end().0 == Some(0);
    if !may {
        eprintln!("skipped: no right to capture, or no libpcap");
    }
    may
}

/// Two sockets on loopback with ports that nobody else has.
fn sockets() -> (UdpSocket, UdpSocket) {
    (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap())
}

fn port(socket: &UdpSocket) -> String {
    socket.local_addr().unwrap().port().to_string()
}

/// Starts a capture of what passes the port of `socket` and waits until it runs.
fn capture(socket: &UdpSocket, args: &[&str]) -> Running {
    let filter = format!("udp port {}", port(socket));
    let mut sipctl = Running::decode(&[&["-i", "lo", "--filter", &filter, "--port", &port(socket)], args].concat());
    sipctl.error_line("the filter was widened so that IP fragments arrive");
    sipctl.error_line("capturing on lo");
    sipctl
}

fn play(caller: &UdpSocket, callee: &UdpSocket, messages: &[(bool, Vec<u8>)]) {
    for (forth, sip) in messages {
        let (from, to) = if *forth { (caller, callee) } else { (callee, caller) };
        from.send_to(sip, to.local_addr().unwrap()).unwrap();
    }
}

fn json(line: &str) -> serde_json::Value {
    serde_json::from_str(line).expect("one object a line")
}

#[test]
fn messages_and_ended_calls_appear_while_it_runs() {
    if !may_capture() {
        return;
    }
    let (caller, callee) = sockets();
    let mut sipctl = capture(&caller, &["--format", "ndjson"]);
    play(&caller, &callee, &call("live"));
    let first = json(&sipctl.line("\"type\":\"message\""));
    assert_eq!((&first["method"], &first["src"]), (&"INVITE".into(), &caller.local_addr().unwrap().to_string().into()));
    // Nothing more is sent: the call is told because it is over.
    let told = json(&sipctl.line("\"type\":\"call\""));
    assert_eq!((&told["state"], told["messages"].as_array().map(Vec::len)), (&"completed".into(), Some(6)));
    sipctl.signal(Signal::SIGINT);
    let (code, out, _) = sipctl.end();
    let summary = json(out.last().expect("a summary"));
    assert_eq!((code, &summary["type"], &summary["calls"]), (Some(130), &"summary".into(), &1.into()));
    assert_eq!(summary["sources"][0]["dropped"], 0);
}

#[test]
fn text_draws_a_call_when_it_has_ended() {
    if !may_capture() {
        return;
    }
    let (caller, callee) = sockets();
    let mut sipctl = capture(&caller, &["--ascii"]);
    let messages = call("drawn");
    play(&caller, &callee, &messages);
    sipctl.line("INVITE bob");
    sipctl.line("Call 1  completed");
    sipctl.line("-- BYE ");
    sipctl.signal(Signal::SIGTERM);
    let (code, out, _) = sipctl.end();
    assert_eq!(code, Some(130));
    assert!(out.iter().any(|l| l.contains("1 call: 1 completed")), "{out:?}");
}

#[test]
fn an_attack_is_told_while_it_goes_on() {
    if !may_capture() {
        return;
    }
    let (scanner, server) = sockets();
    let ask = |user: &str| {
        let fields = format!(
            "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{user}\r\nFrom: <sip:{user}@example.com>;tag=1\r\n\
             To: <sip:{user}@example.com>\r\nCall-ID: {user}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        let request = format!("OPTIONS sip:{user}@example.com SIP/2.0\r\n{fields}").into_bytes();
        let to_tag = fields.replacen(">\r\nCall-ID", ">;tag=2\r\nCall-ID", 1);
        [(true, request), (false, format!("SIP/2.0 404 Not Found\r\n{to_tag}").into_bytes())]
    };
    for args in [&["--format", "ndjson"][..], &["--ascii"]] {
        let mut sipctl = capture(&scanner, args);
        for user in 100..112 {
            play(&scanner, &server, &ask(&user.to_string()));
        }
        // Nobody stops it: the finding comes by itself.
        sipctl.line("127.0.0.1 asked for 1");
        sipctl.signal(Signal::SIGINT);
        assert_eq!(sipctl.end().0, Some(130));
    }
}

#[test]
fn root_is_given_up_unless_something_is_written() {
    if !may_capture() {
        return;
    }
    let uid = |sipctl: &Running| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", sipctl.pid)).unwrap();
        let line = status.lines().find(|l| l.starts_with("Uid:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u32>().unwrap()
    };
    let nobody = nix::unistd::User::from_name("nobody").unwrap().expect("there is one").uid.as_raw();
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("saved.pcapng");
    let file = file.to_str().unwrap();
    for (args, expected) in [
        (vec!["--format", "ndjson"], nobody),
        (vec!["--format", "ndjson", "--user-id", "daemon"], 1),
        (vec!["--format", "ndjson", "--write", file], 0),
    ] {
        let (caller, callee) = sockets();
        let mut sipctl = capture(&caller, &args);
        play(&caller, &callee, &[(true, message("OPTIONS", "o", 1, "who"))]);
        sipctl.line("\"type\":\"message\"");
        assert_eq!(uid(&sipctl), expected, "{args:?}");
        sipctl.signal(Signal::SIGINT);
        assert_eq!(sipctl.end().0, Some(130));
    }
    let (code, _, err) = Running::decode(&["-i", "lo", "--user-id", "no-such-user-here"]).end();
    assert_eq!(
        (code, err.last().map(String::as_str)),
        (Some(2), Some("sipctl: cannot become user no-such-user-here: there is no such user"))
    );
}

#[test]
fn what_was_saved_decodes_to_the_same() {
    if !may_capture() {
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("saved.pcapng");
    let file = file.to_str().unwrap();
    let (caller, callee) = sockets();
    let mut sipctl = capture(&caller, &["--format", "ndjson", "--write", file]);
    play(&caller, &callee, &call("saved"));
    let live = json(&sipctl.line("\"type\":\"call\""));
    sipctl.signal(Signal::SIGINT);
    assert_eq!(sipctl.end().0, Some(130));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let (code, out, _) = Running::decode(&[file, "--port", &port(&caller), "--format", "ndjson"]).end();
    let again = out.iter().map(|l| json(l)).find(|o| o["type"] == "call").expect("the call");
    assert_eq!((code, again), (Some(0), live));
}

#[test]
fn a_rotation_keeps_the_last_files_and_count_ends_it() {
    if !may_capture() {
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("calls.pcapng");
    let (caller, callee) = sockets();
    let args =
        ["--write", file.to_str().unwrap(), "--rotate-mb", "1", "--rotate-files", "2", "--count", "80", "--json"];
    let sipctl = capture(&caller, &args);
    let long = vec![b'x'; 50_000];
    for _ in 0..90 {
        caller.send_to(&long, callee.local_addr().unwrap()).unwrap();
    }
    let (code, out, _) = sipctl.end();
    assert_eq!((code, &json(&out.concat())["summary"]["packets"]), (Some(0), &80.into()));
    let mut names: Vec<String> =
        room.path().read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let numbers: Vec<&str> = names.iter().map(|n| &n[..11]).collect();
    assert_eq!(numbers, ["calls_00003", "calls_00004"], "{names:?}");
}

#[test]
fn what_keeps_it_from_capturing_is_one_line() {
    if !may_capture() {
        return;
    }
    let (code, _, err) = Running::decode(&["-i", "nosuch0"]).end();
    assert_eq!(code, Some(4));
    assert!(err[0].starts_with("sipctl: no device named nosuch0; devices here: "), "{err:?}");
    assert_eq!(err[1..], ["  sipctl decode --list-devices lists them"]);

    let (code, _, err) = Running::decode(&["-i", "lo", "--filter", "port sixty"]).end();
    assert_eq!((code, err.len()), (Some(2), 1), "{err:?}");
    assert!(err[0].starts_with("sipctl: filter 'port sixty': "), "{err:?}");

    let mut as_nobody = std::process::Command::new("setpriv");
    as_nobody.args(["--reuid", "nobody", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]);
    // A copy where everybody may reach it: the build's own folder may be root's alone.
    let room = tempfile::tempdir().unwrap();
    let copy = room.path().join("sipctl");
    std::fs::copy(assert_cmd::cargo::cargo_bin!("sipctl"), &copy).unwrap();
    let open = |path: &std::path::Path| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    open(room.path());
    open(&copy);
    as_nobody.arg(&copy).args(["decode", "-i", "lo"]);
    let (code, _, err) = Running::start(as_nobody).end();
    assert_eq!((code, err.len()), (Some(4), 1), "{err:?}");
    assert!(
        err[0].starts_with("sipctl: no permission to capture on lo: ") && err[0].contains("sudo setcap"),
        "{err:?}"
    );
}
