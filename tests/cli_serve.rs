//! `sipctl serve` as its users run it: each role over each transport with sipctl's own commands as clients, its faults, its
//! forms of output, and peers that mean it no good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "cli_serve/of_calls.rs"]
mod of_calls;
mod running;
mod support;

use nix::sys::signal::Signal;
use running::Running;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;
use support::room::{Ran, Room};

const TRANSPORTS: [&str; 5] = ["udp", "tcp", "tls", "ws", "wss"];

/// A server of the real binary on free ports, with the places where it listens as it told them.
struct Server {
    running: Running,
    places: Vec<String>,
}

impl Server {
    /// A role with its options, on UDP and TCP.
    fn start(args: &[&str]) -> Server {
        Server::on(&["udp", "tcp"], args)
    }

    fn on(transports: &[&str], args: &[&str]) -> Server {
        let listens: Vec<String> = transports.iter().map(|t| format!("--listen={t}:127.0.0.1:0")).collect();
        let mut words = vec!["serve"];
        words.extend(args);
        words.extend(listens.iter().map(String::as_str));
        let mut running = Running::start(Room::new().command(&words));
        let place = |line: String| line.rsplit_once("listening on ").unwrap().1.to_owned();
        let is_json = args.contains(&"--json");
        let mut next = || if is_json { running.error_line("listening on ") } else { running.line("listening on ") };
        let places = transports.iter().map(|_| place(next())).collect();
        Server { running, places }
    }

    /// Address and port of its `n`th socket.
    fn at(&self, n: usize) -> &str {
        self.places[n].split_once(':').unwrap().1
    }

    /// Ends it as Ctrl-C does; what it had still to say.
    fn interrupt(self) -> (Vec<String>, Vec<String>) {
        self.running.signal(Signal::SIGINT);
        let (code, out, err) = self.running.end();
        assert_eq!(code, Some(130), "{out:?} {err:?}");
        (out, err)
    }
}

fn sipctl(args: &[&str]) -> Ran {
    Room::new().with("SIPCTL_PASSWORD", "open sesame").run(args)
}

/// One ping that is answered; the first line of its answer.
fn status(args: &[&str]) -> String {
    let ran = sipctl(&[&["ping", "--timeout", "20s"], args].concat());
    let answer = ran.stdout.lines().find(|line| line.contains(" from ")).unwrap_or_else(|| panic!("{ran:?}"));
    answer.split_once(" from ").unwrap().0.to_owned()
}

fn register(at: &str, user: &str, more: &[&str]) -> Ran {
    sipctl(&[&["register", &format!("sip:{user}@{at}"), "--timeout", "20s"], more].concat())
}

#[test]
fn each_role_answers_over_each_transport() {
    for role in [&["uas"][..], &["registrar", "--user", "alice:open sesame"], &["redirect", "--map", "bob=sip:bob@h"]] {
        let server = Server::on(&TRANSPORTS, role);
        for (n, transport) in TRANSPORTS.iter().enumerate() {
            assert!(server.places[n].starts_with(&format!("{transport}:127.0.0.1:")), "{:?}", server.places);
            let way = ["--transport", transport, "--tls-insecure"];
            assert_eq!(status(&[&way[..], &[server.at(n)]].concat()), "200 OK", "{role:?} {transport}");
            match role[0] {
                "redirect" => {
                    let bob = format!("sip:bob@{}", server.at(n));
                    assert_eq!(status(&[&way[..], &[&bob]].concat()), "302 Moved Temporarily", "{transport}");
                }
                _ => {
                    let ran = register(server.at(n), "alice", &way);
                    assert_eq!(ran.code, Some(0), "{role:?} {transport} {ran:?}");
                    assert!(ran.stdout.contains("our binding is gone"), "{ran:?}");
                }
            }
        }
        let trace = ["trace", server.at(0), "--timeout", "20s"];
        let ran = sipctl(&trace);
        assert!(ran.code == Some(0) && ran.stdout.contains("200 OK at hop 1"), "{ran:?}");
        let (out, err) = server.interrupt();
        assert!(err.is_empty(), "{err:?}");
        assert!(out.iter().any(|l| l.contains("wss 127.0.0.1:") && l.contains("OPTIONS sip:")), "{out:?}");
        assert!(out.iter().any(|l| l.contains(" requests in ")), "{out:?}");
    }
}

#[test]
fn listens_on_ipv6_and_on_all_addresses() {
    if UdpSocket::bind("[::1]:0").is_err() {
        eprintln!("skipped: no IPv6 on this machine");
        return;
    }
    let mut running = Running::start(Room::new().command(&[
        "serve",
        "uas",
        "--listen=udp:[::1]:0",
        "--listen=tcp:[::1]:0",
        "--listen=udp:0.0.0.0:0",
    ]));
    let places: Vec<String> =
        (0..3).map(|_| running.line("listening on ").rsplit_once("on ").unwrap().1.to_owned()).collect();
    assert_eq!(status(&[places[0].strip_prefix("udp:").unwrap()]), "200 OK");
    assert_eq!(status(&["--transport", "tcp", places[1].strip_prefix("tcp:").unwrap()]), "200 OK");
    let port = places[2].rsplit_once(':').unwrap().1;
    assert_eq!(status(&[&format!("127.0.0.1:{port}")]), "200 OK");
}

#[test]
fn a_status_that_was_asked_for_after_so_many_right_ones() {
    let args = ["uas", "--status", "503", "--retry-after", "30", "--status-after", "2", "-H", "X-Why: test"];
    let server = Server::start(&args);
    let answers: Vec<String> = (0..3).map(|_| status(&[server.at(0)])).collect();
    assert_eq!(answers, ["200 OK", "200 OK", "503 Service Unavailable"]);
    let ran = sipctl(&["ping", "-v", server.at(1), "--transport", "tcp"]);
    assert!(ran.stderr.contains("< Retry-After: 30\n") && ran.stderr.contains("< X-Why: test\n"), "{ran:?}");
    let server = Server::start(&["uas", "--status", "486", "--reason", "Out to lunch", "--method", "MESSAGE"]);
    assert_eq!(status(&[server.at(0)]), "200 OK");
    assert_eq!(status(&["--method", "MESSAGE", server.at(0)]), "486 Out to lunch");
}

#[test]
fn delay_and_drop_do_what_they_say() {
    let server = Server::start(&["uas", "--delay", "300ms"]);
    let ran = sipctl(&["ping", server.at(0), "--json", "--t1", "5s", "--timeout", "20s"]);
    let rtt = ran.json()["rtt_ms"]["min"].as_f64().unwrap();
    assert!(rtt >= 299.0, "{rtt}");
    let lost = |seed: &str| {
        let server = Server::start(&["uas", "--drop", "50%", "--seed", seed]);
        // T1 beyond the wait: no request is repeated, so that each is one draw.
        let ran = sipctl(&[
            "ping",
            server.at(0),
            "-c",
            "40",
            "-i",
            "0",
            "-W",
            "2s",
            "--t1",
            "9s",
            "--parallel",
            "40",
            "--json",
        ]);
        let value: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e} {ran:?}"));
        let gone = value["attempts"].as_array().unwrap().iter().map(|a| a["status"].is_null());
        gone.collect::<Vec<_>>()
    };
    let first = lost("7");
    assert!(first.iter().any(|l| *l) && first.iter().any(|l| !*l), "{first:?}");
    assert_eq!(first, lost("7"));
}

#[test]
fn a_registrar_with_every_algorithm_and_qop() {
    for algorithm in ["MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess", "SHA-512-256-sess"] {
        for qop in ["auth", "auth-int", "none"] {
            // A session key needs the client's nonce, which only qop brings. RFC 7616 §3.4.2
            if qop == "none" && algorithm.ends_with("-sess") {
                continue;
            }
            let server =
                Server::start(&["registrar", "--user=alice:open sesame", "--algorithm", algorithm, "--qop", qop]);
            let ran = register(server.at(0), "alice", &["--algorithm", algorithm]);
            assert_eq!(ran.code, Some(0), "{algorithm} {qop} {ran:?}");
            assert!(ran.stdout.contains(&format!("challenge  {algorithm}")), "{ran:?}");
        }
    }
}

#[test]
fn a_registrar_refuses_what_it_should() {
    let room = Room::new();
    let users = room.path("users.csv");
    std::fs::write(&users, "user,password\nalice,open sesame\nbob,other\n").unwrap();
    let users = users.to_str().unwrap();
    let server = Server::start(&["registrar", "--users", users, "--stale-after", "2", "--min-expires", "60"]);
    let at = server.at(0);
    assert_eq!(register(at, "alice", &[]).code, Some(0));
    let wrong = register(at, "bob", &[]);
    assert_eq!(wrong.code, Some(5), "{wrong:?}");
    let unknown = register(at, "carol", &[]);
    assert_eq!((unknown.code, unknown.stdout.contains("404 Not Found")), (Some(1), true), "{unknown:?}");
    let brief = register(at, "alice", &["--expires", "5s"]);
    assert_eq!((brief.code, brief.stdout.contains("423 Interval Too Brief")), (Some(0), true), "{brief:?}");
    let (out, _) = server.interrupt();
    // With two uses a nonce the fourth request of a trial meets a stale one, and is accepted with the next.
    let count = |words: &str| out.iter().filter(|l| l.contains(words)).count();
    assert!(count("→ 401 Unauthorized  0") + count("→ 401 Unauthorized  1") >= 4, "{out:?}");
    let nobody = Server::start(&["registrar"]);
    assert_eq!(register(nobody.at(0), "anyone", &[]).code, Some(0));
}

#[test]
fn stale_nonces_are_replaced_without_asking_the_user() {
    let server = Server::start(&["registrar", "--user=alice:open sesame", "--stale-after", "2", "-v"]);
    assert_eq!(register(server.at(0), "alice", &[]).code, Some(0));
    let (_, err) = server.interrupt();
    assert!(err.iter().any(|l| l.starts_with("> WWW-Authenticate:") && l.contains("stale=true")), "{err:?}");
}

#[test]
fn bindings_are_shown_on_a_signal_and_at_the_end() {
    let mut server = Server::start(&["registrar", "--user=alice:open sesame", "-q"]);
    let aor = format!("sip:alice@{}", server.at(0));
    let mut keeping = Room::new().with("SIPCTL_PASSWORD", "open sesame").command(&[
        "register",
        &aor,
        "--keep",
        "60s",
        "--contact",
        "sip:alice@192.0.2.9:5070",
    ]);
    keeping.stdout(std::process::Stdio::piped());
    let mut keeping = Running::start(keeping);
    keeping.line("registered");
    server.running.signal(Signal::SIGUSR1);
    let row = server.running.line("192.0.2.9");
    assert!(row.contains("alice@127.0.0.1") && row.contains("sip:alice@192.0.2.9:5070"), "{row}");
    keeping.signal(Signal::SIGINT);
    assert_eq!(keeping.end().0, Some(130));
    let (out, _) = server.interrupt();
    assert!(out.iter().any(|l| l == "no bindings"), "{out:?}");
}

#[test]
fn a_redirect_server_tells_all_places() {
    let room = Room::new();
    let map = room.path("map");
    std::fs::write(&map, "# places\ncarol=sip:carol@192.0.2.7\n").unwrap();
    let bobs = ["--map=bob=sip:bob@192.0.2.5", "--map=bob=sip:bob@192.0.2.6;q=0.5"];
    let server = Server::start(&["redirect", bobs[0], bobs[1], "--map-file", map.to_str().unwrap()]);
    let ran = sipctl(&["ping", "-v", &format!("sip:bob@{}", server.at(0))]);
    assert!(ran.stderr.contains("< Contact: <sip:bob@192.0.2.5>\n"), "{ran:?}");
    assert!(ran.stderr.contains("< Contact: <sip:bob@192.0.2.6>;q=0.5\n"), "{ran:?}");
    assert_eq!(status(&[&format!("sip:carol@{}", server.at(0))]), "302 Moved Temporarily");
    assert_eq!(status(&[&format!("sip:zoe@{}", server.at(0))]), "404 Not Found");
}

#[test]
fn it_stops_after_a_count_or_a_time_with_exit_0() {
    let server = Server::start(&["uas", "--count", "2", "-q"]);
    for _ in 0..2 {
        assert_eq!(status(&[server.at(0)]), "200 OK");
    }
    let (code, out, err) = server.running.end();
    assert_eq!((code, err.len()), (Some(0), 0), "{out:?} {err:?}");
    assert!(!out.iter().any(|l| l.contains("OPTIONS sip:")), "{out:?}");
    assert!(out.iter().any(|l| l.starts_with("2 requests in ")), "{out:?}");
    let (code, out, _) = Server::start(&["uas", "--duration", "100ms"]).running.end();
    assert!(code == Some(0) && out.iter().any(|l| l.starts_with("0 requests in ")), "{code:?} {out:?}");
}

#[test]
fn its_json_and_ndjson() {
    let server = Server::start(&["uas", "--count", "1", "--json"]);
    assert_eq!(status(&[server.at(0)]), "200 OK");
    let (_, out, _) = server.running.end();
    let document: Value = serde_json::from_str(&out.join("\n")).unwrap_or_else(|e| panic!("{e} {out:?}"));
    assert_eq!((&document["schema"], &document["requests"]), (&"sipctl.serve/1".into(), &1.into()), "{document}");
    assert_eq!(document["answers"][0]["status"], 200, "{document}");
    let words = ["serve", "uas", "--count", "1", "--format", "ndjson", "--listen", "udp:127.0.0.1:0"];
    let mut running = Running::start(Room::new().command(&words));
    let first: Value = serde_json::from_str(&running.line("listening")).unwrap();
    assert_eq!(first["transport"], "udp", "{first}");
    assert_eq!(status(&[first["address"].as_str().unwrap()]), "200 OK");
    let (_, out, _) = running.end();
    let kinds = out.iter().map(|l| serde_json::from_str::<Value>(l).unwrap()["type"].clone());
    assert_eq!(kinds.collect::<Vec<_>>(), ["exchange", "summary"], "{out:?}");
}

#[test]
fn what_it_writes_is_what_decode_reads() {
    let room = Room::new();
    let file = room.path("serve.pcapng");
    let file = file.to_str().unwrap();
    let server = Server::on(&TRANSPORTS, &["uas", "--count", "5", "-w", file]);
    for (n, transport) in TRANSPORTS.iter().enumerate() {
        assert_eq!(status(&[server.at(n), "--transport", transport, "--tls-insecure"]), "200 OK");
    }
    assert_eq!(server.running.end().0, Some(0));
    let report = room.decode(&[file, "--json"]).json();
    assert_eq!(report["summary"]["messages"], 10, "{report}");
    for transport in TRANSPORTS {
        assert_eq!(report["summary"]["transports"][transport], 2, "{transport} {}", report["summary"]);
    }
}

#[test]
fn an_address_in_use_is_told_with_its_exit_code() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let place = format!("udp:{}", taken.local_addr().unwrap());
    let ran = sipctl(&["serve", "uas", "--listen", &place]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""), "{ran:?}");
    assert!(ran.stderr.contains("the address is in use\n  another program holds this port"), "{ran:?}");
}

#[test]
fn options_that_contradict_themselves_are_usage_errors() {
    for wrong in [
        &["serve"][..],
        &["serve", "gateway"],
        &["serve", "uas", "--status", "99"],
        &["serve", "uas", "--reason", "x"],
        &["serve", "uas", "--drop", "101%"],
        &["serve", "uas", "--listen", "sctp:127.0.0.1:1"],
        &["serve", "uas", "--tls-cert", "x"],
        &["serve", "registrar", "--user", "alice"],
        &["serve", "registrar", "--users", "/nonexistent"],
        &["serve", "registrar", "--min-expires", "2h"],
        &["serve", "registrar", "--qop", "none", "--qop", "auth"],
        &["serve", "redirect", "--map", "bob"],
    ] {
        let ran = sipctl(wrong);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{wrong:?} {ran:?}");
    }
}

/// Bytes without meaning, the same in every run.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// One whole request, the broken ones of `testdata/messages`, and some that are built to hurt.
fn torture() -> Vec<Vec<u8>> {
    let mut found = vec![running::message("OPTIONS", "t", 1, "torture")];
    for entry in std::fs::read_dir(support::room::testdata("messages")).unwrap() {
        found.push(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let whole = String::from_utf8(found[0].clone()).unwrap();
    let with = |from: &str, to: &str| whole.replace(from, to).into_bytes();
    found.extend([
        with("192.0.2.1:5060", "192.0.2.1:99999"),
        with("192.0.2.1:5060", "[::1"),
        with("Via:", "V\t :"),
        with("CSeq: 1", "CSeq: 99999999999999999999"),
        with("Max-Forwards: 70", "Max-Forwards: -1"),
        with("Content-Length: 0", "Content-Length: 18446744073709551616"),
        with("Content-Length: 0", "Content-Length: -5"),
        with("Call-ID: torture", &format!("Call-ID: {}", "c".repeat(30_000))),
        with("Max-Forwards: 70\r\n", &"Via: SIP/2.0/UDP a;branch=z9hG4bKq\r\n".repeat(1000)),
        with("tag=a", &";".repeat(5000)),
        with("sip:bob@example.test", "sip:\u{202e}\u{1b}[2J@example.test"),
        with("OPTIONS", "INVITE"),
        with("OPTIONS", "CANCEL"),
        with("OPTIONS", "ACK"),
        b"SIP/2.0 200 OK\r\n\r\n".to_vec(),
        b"\r\n\r\n".to_vec(),
        vec![0; 1000],
    ]);
    found
}

#[test]
fn noise_torture_and_cut_messages_do_not_end_it() {
    let server = Server::start(&["uas", "-q"]);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (at, tcp_at) = (server.at(0), server.at(1));
    let messages = torture();
    assert!(messages.len() > 20, "only {} messages", messages.len());
    let whole = &messages[0];
    let cut = (0..whole.len()).map(|end| whole[..end].to_vec());
    let random = (0..300).map(|seed| noise(seed, 1 + (seed as usize * 37) % 1500));
    for bytes in messages.iter().cloned().chain(cut).chain(random) {
        if bytes.len() <= 60_000 {
            udp.send_to(&bytes, at).unwrap();
        }
        let mut stream = TcpStream::connect(tcp_at).unwrap();
        // It may hang up in the middle of what is no SIP.
        let _ = stream.write_all(&bytes);
    }
    let claims = b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKx\r\nContent-Length: 4294967295\r\n\r\n";
    for _ in 0..20 {
        let _ = TcpStream::connect(tcp_at).unwrap().write_all(claims);
    }
    assert_eq!(status(&[at]), "200 OK");
    assert_eq!(status(&["--transport", "tcp", tcp_at]), "200 OK");
    let memory = std::fs::read_to_string(format!("/proc/{}/status", server.running.pid)).unwrap();
    let peak = memory.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB");
    assert!(peak.parse::<u64>().unwrap() < 200_000, "{peak} kB");
    server.interrupt();
}

#[test]
fn a_peer_that_never_reads_holds_nobody_up() {
    let server = Server::start(&["uas", "-q"]);
    let mut deaf = TcpStream::connect(server.at(1)).unwrap();
    deaf.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    for n in 0..20_000 {
        let request = running::message("OPTIONS", &format!("d{n}"), 1, "deaf");
        let request = String::from_utf8(request).unwrap().replace("SIP/2.0/UDP", "SIP/2.0/TCP");
        // It stops to read, or hangs up: both are right.
        if deaf.write_all(request.as_bytes()).is_err() {
            break;
        }
    }
    assert_eq!(status(&["--transport", "tcp", server.at(1)]), "200 OK");
    assert_eq!(status(&[server.at(0)]), "200 OK");
    server.interrupt();
}

#[test]
fn two_hundred_idle_connections_are_no_burden() {
    let server = Server::on(&["tcp", "tls", "ws"], &["uas", "-q"]);
    let idle: Vec<TcpStream> = (0..200).map(|n| TcpStream::connect(server.at(n % 3)).unwrap()).collect();
    for (n, transport) in ["tcp", "tls", "ws"].iter().enumerate() {
        assert_eq!(status(&[server.at(n), "--transport", transport, "--tls-insecure"]), "200 OK", "{transport}");
    }
    drop(idle);
    server.interrupt();
}

#[test]
fn requests_in_pieces_and_several_at_once_are_answered_on_one_connection() {
    let server = Server::start(&["uas", "-q"]);
    let mut stream = TcpStream::connect(server.at(1)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let all: Vec<u8> =
        (0..3).flat_map(|n| running::message("OPTIONS", &format!("p{n}"), 1, &format!("p{n}"))).collect();
    for piece in all.chunks(7) {
        stream.write_all(piece).unwrap();
    }
    let mut said = String::new();
    let mut buffer = [0; 4096];
    while said.matches("SIP/2.0 200 OK\r\n").count() < 3 || !said.ends_with("\r\n\r\n") {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "{said}");
        said.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
}
