//! Options that every command that sends has in common, as a user meets them: passwords, dry runs, exit styles, key logs, identity.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod running;
mod support;

use running::Running;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use support::room::{Ran, Room};

/// `sipctl serve` with these words; the ports in the order of its `--listen`.
fn serve(words: &[&str], listens: usize) -> (Running, Vec<u16>) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sipctl"));
    command.arg("serve").args(words);
    let mut running = Running::start(command);
    let ports = (0..listens).map(|_| running.line("listening on").rsplit(':').next().unwrap().parse().unwrap());
    let ports = ports.collect();
    (running, ports)
}

fn registrar() -> (Running, String) {
    let (running, ports) = serve(&["registrar", "--user", "alice:open-sesame", "--listen", "udp:127.0.0.1:0"], 1);
    (running, format!("sip:alice@127.0.0.1:{}", ports[0]))
}

/// A socket that hands on what it gets, and answers 200 to it.
fn listener() -> (String, Receiver<String>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap().to_string();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 65_535];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let mut response = "SIP/2.0 200 OK\r\n".to_owned();
            let kept = |l: &&str| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|n| l.starts_with(n));
            request.lines().filter(kept).for_each(|l| response.push_str(&format!("{l}\r\n")));
            let _ = socket.send_to(format!("{response}Content-Length: 0\r\n\r\n").as_bytes(), from);
            if tell.send(request).is_err() {
                return;
            }
        }
    });
    (at, told)
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn an_option_names_the_password_before_the_environment_does() {
    let (_registrar, aor) = registrar();
    let room = Room::new().with("SIPCTL_PASSWORD", "wrong");
    let (good, bad) = (room.path("good"), room.path("bad"));
    write(&good, "open-sesame\nmore\n", 0o600);
    write(&bad, "wrong\n", 0o644);
    let register = |room: &Room, words: &[&str], stdin: &str| {
        let mut command = assert_cmd::Command::from_std(room.command(&[&["register", &aor], words].concat()));
        let ran = Ran::of(command.write_stdin(stdin).output().unwrap());
        assert!(!ran.stdout.contains("sesame") && !ran.stderr.contains("sesame"), "{ran:?}");
        (ran.code.unwrap(), ran.stderr)
    };
    let file = good.to_str().unwrap();
    assert_eq!(register(&room, &["--password-file", file], ""), (0, String::new()));
    assert_eq!(register(&room, &["--password-stdin"], "open-sesame\n"), (0, String::new()));
    assert_eq!(register(&room, &[], "open-sesame\n").0, 5);
    let right = Room::new().with("SIPCTL_PASSWORD", "open-sesame");
    assert_eq!(register(&right, &[], "").0, 0);
    let (code, said) = register(&right, &["--password-file", bad.to_str().unwrap()], "");
    assert_eq!((code, said.contains("others than its owner may read")), (5, true), "{said}");
    assert_eq!(register(&right, &["--password-stdin"], "").0, 2);
    assert_eq!(register(&right, &["--password-stdin", "--password-file", file], "").0, 2);
    assert_eq!(register(&right, &["--password-file", "/nonexistent/pw"], "").0, 2);
    assert_eq!(register(&Room::new().with("SIPCTL_PASSWORD", ""), &[], "").0, 5);
}

#[test]
fn a_password_is_in_no_output_and_no_file() {
    let (_registrar, aor) = registrar();
    let room = Room::new().with("SIPCTL_PASSWORD", "open-sesame");
    let saved = room.path("own.pcapng");
    for form in ["text", "json", "ndjson"] {
        let ran = room.run(&["register", &aor, "-v", "--ladder", "--format", form, "-w", saved.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stderr.contains("> Authorization: Digest username=\"alice\""), "{ran:?}");
        let file = std::fs::read(&saved).unwrap();
        for told in [ran.stdout.as_bytes(), ran.stderr.as_bytes(), &file] {
            assert!(!told.windows(6).any(|w| w == b"sesame"), "{form}");
        }
        std::fs::remove_file(&saved).unwrap();
    }
}

#[test]
fn a_saved_registration_decodes_to_the_messages_of_its_json() {
    let (_registrar, aor) = registrar();
    let room = Room::new().with("SIPCTL_PASSWORD", "open-sesame");
    let saved = room.path("own.pcapng");
    let told = room.run(&["register", &aor, "--json", "-w", saved.to_str().unwrap()]).json();
    let decoded = room.decode(&[saved.to_str().unwrap(), "--json"]).json();
    let seen = |report: &serde_json::Value| {
        let keys = ["kind", "method", "status", "src", "dst", "transport", "branch", "cseq", "size"];
        let messages = report["messages"].as_array().unwrap().clone();
        messages.iter().map(|m| keys.map(|k| m[k].clone())).collect::<Vec<_>>()
    };
    assert_eq!(seen(&told).len(), 8);
    assert_eq!(seen(&told), seen(&decoded));
    let codes = |report: &serde_json::Value| {
        let findings = report["findings"].as_array().unwrap().clone();
        findings.iter().map(|f| f["code"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&told), codes(&decoded));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&saved).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_dry_run_sends_nothing() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap().to_string();
    let room = Room::new().with("SIPCTL_PASSWORD", "open-sesame");
    let accounts = room.path("accounts.csv");
    write(&accounts, "alice,one\nbob,two\n", 0o600);
    let (aor, place) = (format!("sip:alice@{at}"), format!("sip:{at}"));
    let users = accounts.to_str().unwrap();
    let saved = room.path("own.pcapng");
    for (words, method, requests) in [
        (&["ping", "-c", "3", &at][..], "OPTIONS", 1),
        (&["register", &aor, "-w", saved.to_str().unwrap()], "REGISTER", 1),
        (&["register", &place, "--users", users], "REGISTER", 2),
        (&["trace", &at], "OPTIONS", 1),
    ] {
        let ran = room.run(&[words, &["--dry-run"]].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let begun = ran.stdout.lines().filter(|l| l.starts_with(method)).count();
        assert!(begun >= requests && ran.stderr.contains("not sent: "), "{ran:?}");
        assert!(!ran.stdout.contains("sesame") && !ran.stdout.contains("Authorization"), "{ran:?}");
    }
    assert!(!saved.exists());
    // What was sent over loopback is there by the time the sender has ended.
    socket.set_nonblocking(true).unwrap();
    assert_eq!(socket.recv(&mut [0; 9]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn the_exit_style_of_monitoring_plugins_has_four_codes() {
    let (at, _told) = listener();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mute = silent.local_addr().unwrap().to_string();
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (_registrar, aor) = registrar();
    for (words, own, nagios) in [
        (&["ping", &at][..], 0, 0),
        (&["ping", &at, "--max-rtt", "0.000000001"], 6, 1),
        (&["ping", &at, "--expect", "404"], 1, 2),
        (&["ping", &mute, "--timeout", "50ms"], 3, 2),
        (&["ping", &closed], 4, 2),
        (&["register", &aor], 5, 2),
        (&["register", "sip:127.0.0.1"], 2, 3),
        (&["ping", &at, "--frobnicate"], 2, 3),
        (&["ping", &at, "--timeout", "soon"], 2, 3),
    ] {
        let room = Room::new();
        assert_eq!(room.run(words).code, Some(own), "{words:?}");
        let split = room.run(&[words, &["--exit-style", "nagios"]].concat());
        assert_eq!(split.code, Some(nagios), "{split:?}");
        let joined = room.run(&[&words[..1], &["--exit-style=nagios"], &words[1..]].concat());
        assert_eq!(joined.code, Some(nagios), "{joined:?}");
    }
    assert_eq!(Room::new().run(&["ping", "--exit-style", "nagios", "--help"]).code, Some(0));
}

#[test]
fn tls_secrets_are_kept_and_what_is_wrong_with_a_certificate_is_told() {
    let (_uas, ports) = serve(&["uas", "--listen", "tls:127.0.0.1:0"], 1);
    let target = format!("sip:127.0.0.1:{};transport=tls", ports[0]);
    let room = Room::new();
    let (named, ours) = (room.path("named.keys"), room.path("ours.keys"));
    let ran = room.run(&["ping", &target]);
    assert_eq!((ran.code, ran.stderr.contains("self-signed")), (Some(4), true), "{ran:?}");
    let room = room.with("SSLKEYLOGFILE", named.to_str().unwrap());
    let ran = room.run(&["ping", &target, "--tls-insecure"]);
    assert_eq!((ran.code, ran.stdout.contains("self-signed")), (Some(0), true), "{ran:?}");
    let first = std::fs::read_to_string(&named).unwrap();
    assert!(first.contains("CLIENT_TRAFFIC_SECRET_0 ") && first.contains("SERVER_TRAFFIC_SECRET_0 "), "{first}");
    // The option goes before the variable, and adds to a file.
    let keylog = ["ping", &target, "--tls-insecure", "--keylog", ours.to_str().unwrap()];
    for runs in 1..=2 {
        assert_eq!(room.run(&keylog).code, Some(0));
        let kept = std::fs::read_to_string(&ours).unwrap();
        assert_eq!(kept.lines().filter(|l| l.starts_with("CLIENT_TRAFFIC_SECRET_0 ")).count(), runs, "{kept}");
    }
    assert_eq!(std::fs::read_to_string(&named).unwrap(), first);
}

#[test]
fn a_certificate_of_an_authority_that_is_named_is_good() {
    let room = Room::new();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| room.path(name));
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "sip.example.test".to_owned()]).unwrap();
    write(&cert, &made.cert.pem(), 0o600);
    write(&key, &made.signing_key.serialize_pem(), 0o600);
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let (_uas, ports) = serve(&["uas", "--listen", "tls:127.0.0.1:0", "--tls-cert", cert, "--tls-key", key], 1);
    let target = format!("sip:127.0.0.1:{};transport=tls", ports[0]);
    let ran = room.run(&["ping", &target, "--tls-ca", cert, "--json"]);
    assert_eq!(ran.json()["tls"]["version"], "TLS 1.3", "{ran:?}");
    let named = ["--tls-server-name", "sip.example.test"];
    assert_eq!(room.run(&[&["ping", &target, "--tls-ca", cert], &named[..]].concat()).code, Some(0));
    let ran = room.run(&["ping", &target, "--tls-ca", cert, "--tls-server-name", "other.example.test"]);
    assert_eq!((ran.code, ran.stderr.contains("sip.example.test")), (Some(4), true), "{ran:?}");
    assert_eq!(room.run(&["ping", &target, "--tls-ca", "/nonexistent"]).code, Some(2));
}

#[test]
fn header_fields_identity_and_proxy_go_into_the_request() {
    let (at, told) = listener();
    let via = format!("sip:{at}");
    let mut words = vec!["ping", "sip:bob@example.test", "--via", &via, "--from", "\"Al\" <sip:al@example.com>"];
    words.extend(["-H", "X-Test: 1", "--header", "Subject: a : b", "--user-agent", "Me/1", "--bind", "127.0.0.1"]);
    let ran = Room::new().run(&words);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let request = told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(request.starts_with("OPTIONS sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:"), "{request}");
    for line in [
        format!("Route: <sip:{at};lr>"),
        "X-Test: 1".to_owned(),
        "Subject: a : b".to_owned(),
        "User-Agent: Me/1".to_owned(),
        "To: <sip:bob@example.test>".to_owned(),
    ] {
        assert_eq!(request.lines().filter(|l| **l == *line).count(), 1, "{line} in {request}");
    }
    assert!(request.contains("\r\nFrom: \"Al\" <sip:al@example.com>;tag="), "{request}");
    for words in [["-H", "no colon"], ["--from", "<sip:"], ["--via", "sip:a b"], ["--bind", "example.com"]] {
        let ran = Room::new().run(&[&["ping", &at][..], &words].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    }
}

#[test]
fn the_sending_address_and_the_family_can_be_chosen() {
    let (at, told) = listener();
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = Room::new().run(&["ping", &at, "--bind", &free.to_string(), "-4"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let request = told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(request.contains(&format!("Via: SIP/2.0/UDP {free};")), "{request}");
    let ran = Room::new().run(&["ping", &at, "-6"]);
    assert_eq!((ran.code, ran.stderr.contains("only IPv6 is allowed")), (Some(4), true), "{ran:?}");
    assert_eq!(Room::new().run(&["ping", &at, "-4", "-6"]).code, Some(2));
}

#[test]
fn an_interrupted_keeper_leaves_no_binding_at_a_real_registrar() {
    let (_registrar, aor) = registrar();
    let room = Room::new().with("SIPCTL_PASSWORD", "open-sesame");
    let mut keeper = Running::start(room.command(&["register", &aor, "--keep", "10m"]));
    keeper.line("waiting");
    let query = || room.run(&["register", &aor, "--query", "--json"]).json()["bindings"].as_array().unwrap().len();
    assert_eq!(query(), 1);
    keeper.signal(nix::sys::signal::Signal::SIGINT);
    let (code, said, _) = keeper.end();
    assert_eq!(code, Some(130), "{said:?}");
    assert!(said.iter().any(|l| l.contains("our binding is gone")), "{said:?}");
    assert_eq!(query(), 0);
}
