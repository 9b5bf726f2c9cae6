//! `sipctl invite` as its users run it, against `sipctl serve` and peers that a script plays: exit codes, words, JSON, what is sent
//! and heard, and that no call is left up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod running;
mod support;

use nix::sys::signal::Signal;
use running::Running;
use serde_json::Value;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::room::{Ran, Room};

/// `sipctl serve` on free ports, with the places where it listens.
struct Server {
    running: Running,
    places: Vec<String>,
}

impl Server {
    fn on(transports: &[&str], args: &[&str]) -> Server {
        Server::at_address("127.0.0.1", transports, args)
    }

    fn at_address(address: &str, transports: &[&str], args: &[&str]) -> Server {
        let listens: Vec<String> = transports.iter().map(|t| format!("--listen={t}:{address}:0")).collect();
        let listens: Vec<&str> = listens.iter().map(String::as_str).collect();
        let mut running = Running::start(Room::new().command(&[&["serve"], args, &listens].concat()));
        let place = |line: String| line.rsplit_once("listening on ").unwrap().1.to_owned();
        let places = transports.iter().map(|_| place(running.line("listening on "))).collect();
        Server { running, places }
    }

    fn uas(args: &[&str]) -> Server {
        Server::on(&["udp"], &[&["uas"], args].concat())
    }

    fn at(&self, n: usize) -> &str {
        self.places[n].split_once(':').unwrap().1
    }

    /// Whom to call.
    fn bob(&self) -> String {
        format!("sip:bob@{}", self.at(0))
    }

    /// Ends it as Ctrl-C does; what it told of its exchanges.
    fn interrupt(self) -> Vec<String> {
        self.running.signal(Signal::SIGINT);
        let (code, out, err) = self.running.end();
        assert_eq!(code, Some(130), "{out:?} {err:?}");
        out
    }
}

fn invite(args: &[&str]) -> Ran {
    Room::new().run(&[&["invite"], args].concat())
}

/// Runs it with `--json`: the exit code and the document.
fn json(args: &[&str]) -> (i32, Value) {
    let ran = invite(&[args, &["--json"]].concat());
    let value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}\n{ran:?}"));
    (ran.code.unwrap(), value)
}

/// A text whose times, ports and counts of packets are masked.
fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut was_number = false;
    for c in text.chars() {
        match c {
            '0'..='9' | '.' if was_number => {}
            '0'..='9' => {
                out.push('#');
                was_number = true;
            }
            _ => {
                out.push(c);
                was_number = false;
            }
        }
    }
    let lines = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n").replace("# ms", "#").replace("# s", "#")
}

/// A WAV file of silence: 8000 samples a second, 16 bits.
fn silence(room: &Room) -> String {
    let data = vec![0u8; 16_000];
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + data.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    for field in [16u32.to_le_bytes(), [1, 0, 1, 0], 8000u32.to_le_bytes(), 16_000u32.to_le_bytes(), [2, 0, 16, 0]] {
        wav.extend(field);
    }
    wav.extend(b"data");
    wav.extend((data.len() as u32).to_le_bytes());
    wav.extend(data);
    let path = room.path("silence.wav");
    std::fs::write(&path, wav).unwrap();
    path.to_string_lossy().into_owned()
}

/// A peer on UDP that answers each request by a rule: status, further fields, body. It ends with the test's process.
fn scripted(rule: impl Fn(&str, SocketAddr) -> Vec<(u16, String, String)> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 65_535];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            for (status, fields, body) in rule(&request, address) {
                let kept = |l: &&str| ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|n| l.starts_with(n));
                let mut response = format!("SIP/2.0 {status} Said\r\n");
                request.lines().filter(kept).for_each(|l| response.push_str(&format!("{l}\r\n")));
                let to = request.lines().find_map(|l| l.strip_prefix("To: ")).unwrap();
                let tag = if to.contains("tag=") { "" } else { ";tag=t" };
                response.push_str(&format!("To: {to}{tag}\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len()));
                if socket.send_to(response.as_bytes(), from).is_err() {
                    return;
                }
            }
        }
    });
    address
}

/// The fields and the body of a 200 that wants media at `port`.
fn answer(at: SocketAddr, port: u16) -> (u16, String, String) {
    let fields = format!("Contact: <sip:{at}>\r\nContent-Type: application/sdp\r\n");
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    );
    (200, fields, body)
}

/// A peer that takes every call and sends no media; where it listens.
fn mute() -> SocketAddr {
    let media = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = media.local_addr().unwrap().port();
    scripted(move |request, at| {
        // Its socket for media lives as long as it does.
        let _ = &media;
        match request.split(' ').next() {
            Some("INVITE") => vec![answer(at, port)],
            Some("BYE") => vec![(200, String::new(), String::new())],
            _ => Vec::new(),
        }
    })
}

#[test]
fn a_call_is_told_line_by_line_and_ends_with_what_was_heard() {
    let server = Server::uas(&["--ring", "200ms"]);
    let ran = invite(&[&server.bob(), "--duration", "4s", "--width", "200"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    insta::assert_snapshot!("call", masked(&ran.stdout));
    let out = server.interrupt();
    for words in ["INVITE sip:bob", "BYE sip:"] {
        assert!(out.iter().any(|line| line.contains(words)), "{words}: {out:?}");
    }
}

#[test]
fn an_echo_proves_both_ways_over_every_transport() {
    let transports = ["udp", "tcp", "tls", "ws", "wss"];
    let server = Server::on(&transports, &["uas", "--echo"]);
    for (n, transport) in transports.iter().enumerate() {
        let target = format!("sip:bob@{};transport={transport}", server.at(n));
        let (code, told) =
            json(&[&target, "--duration", "2s", "--expect-audio", "both", "--min-mos", "3", "--tls-insecure"]);
        assert_eq!(code, 0, "{transport}: {} {:#}", told["result"], told["media"]);
        assert_eq!((&told["state"], &told["ended_by"]), (&"completed".into(), &"us".into()), "{transport}");
        let (sent, received) = (&told["media"]["sent"], &told["media"]["received"]);
        assert_eq!((&received["heard"], &sent["proof"]), (&"own-tone".into(), &"own_tone".into()), "{transport}");
        assert!(received["delay_ms"].as_f64().unwrap() < 1500.0 || received["delay_ms"].as_f64().unwrap() > 3000.0);
        assert_eq!(received["as_described"], true);
        assert_eq!(told["tls"].is_object(), ["tls", "wss"].contains(transport), "{transport}");
        // INVITE, 200, ACK, BYE, 200.
        assert_eq!(told["messages"].as_array().unwrap().len(), 5, "{transport}");
        assert_eq!(told["streams"].as_array().unwrap().len(), 2, "{transport}");
        for key in ["answer_ms", "setup_ms", "media_start_ms", "final_ms", "duration_ms"] {
            assert!(told["timing"][key].as_f64().is_some_and(|ms| ms >= 0.0), "{transport} {key}: {}", told["timing"]);
        }
    }
}

#[test]
fn a_call_over_ipv6_is_heard_both_ways() {
    if UdpSocket::bind("[::1]:0").is_err() {
        eprintln!("skipped: no IPv6 on this machine");
        return;
    }
    let transports = ["udp", "tcp", "tls"];
    let server = Server::at_address("[::1]", &transports, &["uas"]);
    // As long as the first report of RTCP may take: at most 3.1 s. RFC 3550 §6.3.1
    let call = |target: &str| json(&[target, "--duration", "4s", "--expect-audio", "both", "--tls-insecure"]);
    let calls: Vec<(i32, Value)> = std::thread::scope(|scope| {
        let target = |(n, transport)| format!("sip:bob@{};transport={transport}", server.at(n));
        let callers: Vec<_> =
            transports.iter().enumerate().map(target).map(|target| scope.spawn(move || call(&target))).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    for ((code, told), transport) in calls.iter().zip(transports) {
        assert_eq!(*code, 0, "{transport}: {} {:#}", told["result"], told["media"]);
        let (sent, received) = (&told["media"]["sent"], &told["media"]["received"]);
        assert_eq!((&received["heard"], &received["mark"]), (&"mark".into(), &"callee".into()), "{transport}");
        assert_eq!(received["as_described"], true, "{received}");
        for place in [&sent["to"], &received["from"]] {
            assert!(place.as_str().unwrap().starts_with("[::1]:"), "{transport}: {:#}", told["media"]);
        }
        assert_eq!(told["streams"].as_array().unwrap().len(), 2, "{transport}");
    }
    let out = server.interrupt();
    let heard = out.iter().filter(|line| line.contains(": heard mark of caller, ") && line.contains(" 0.0 % lost,"));
    assert_eq!(heard.count(), transports.len(), "{out:?}");
}

#[test]
fn each_end_has_its_exit_code() {
    let busy = Server::uas(&["--status", "486", "--method", "INVITE"]);
    let guarded = Server::uas(&["--user", "alice:secret"]);
    let slow = Server::uas(&["--ring", "60s"]);
    let fine = Server::uas(&[]);
    let moved = Server::on(&["udp"], &["redirect", "--map", &format!("bob={}", fine.bob())]);
    let circle = UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = circle.local_addr().unwrap();
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let [busy, guarded, slow, moved] = [&busy, &guarded, &slow, &moved].map(Server::bob);
    let (silent, closed) = (format!("sip:bob@{silent}"), format!("sip:bob@{closed}"));
    let held = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() & 0xfffe;
    // One of a pair is enough to spoil it.
    let _held = UdpSocket::bind(("127.0.0.1", held)).or_else(|_| UdpSocket::bind(("127.0.0.1", held + 1))).unwrap();
    let taken = format!("{held}-{}", held + 1);
    let taken = ["--media-ports", &taken];
    let short = ["--duration", "200ms"];
    let table: Vec<(&str, &[&str], i32, &str)> = vec![
        (&busy, &[], 1, "486 Busy Here: "),
        (&busy, &["--expect", "486"], 0, "486 Busy Here, as expected"),
        (&busy, &["--expect", "404"], 1, "486 Busy Here, and 404 was expected"),
        (&busy, &["--exit-style", "nagios"], 2, "486 Busy Here"),
        (&guarded, &[], 5, "there is no password"),
        (&silent, &["--timeout", "1s"], 3, "no answer to INVITE (sent 2 times)"),
        (&slow, &["--ring-timeout", "1s"], 3, "it rang, and nobody answered in 1."),
        (&slow, &["--cancel-after", "500ms"], 0, "cancelled as planned"),
        (&closed, &[], 4, "port unreachable"),
        (&moved, &[], 0, "answered after"),
        (&moved, &["--max-redirects", "0"], 1, "redirected more often than is followed"),
        ("sip:bob@nowhere.invalid", &["--timeout", "2s"], 4, ""),
        ("bob smith", &[], 2, ""),
        (&slow, &taken, 2, "no ports could be bound for media"),
        (&slow, &["--play", "/nonexistent.wav"], 2, ""),
        (&slow, &["--record", "/nonexistent/x.wav"], 2, ""),
    ];
    for (target, args, code, words) in table {
        let ran = invite(&[&[target], args, &short].concat());
        assert!(ran.code == Some(code) && ran.stdout.contains(words), "{target} {args:?}: {ran:?}");
        // What a person can do about it stands on standard error; what is good needs nothing to be done.
        assert_eq!(ran.stderr.is_empty(), code == 0 || args.contains(&"404"), "{target} {args:?}: {ran:?}");
    }
    for (password, code) in [("open-sesame", 5), ("secret", 0)] {
        let room = Room::new().with("SIPCTL_PASSWORD", password);
        let ran = room.run(&[&["invite", &guarded, "--auth-user", "alice"], &short[..]].concat());
        assert!(ran.code == Some(code) && !format!("{ran:?}").contains(password), "{ran:?}");
        assert!(ran.stdout.contains("challenge  401"), "{ran:?}");
    }
}

#[test]
fn what_is_heard_is_held_against_what_is_expected() {
    let room = Room::new();
    let quiet = Server::uas(&["--play", &silence(&room)]);
    let quiet = quiet.bob();
    let mute = format!("sip:bob@{}", mute());
    let table: [(&str, &[&str], i32, &str); 8] = [
        (&quiet, &[], 0, "silence was heard"),
        (&quiet, &["--expect-audio", "receive"], 1, "FAILED     silence was heard"),
        (&quiet, &["--expect-audio", "none"], 0, "silence was heard"),
        (&quiet, &["--min-mos", "4.5"], 6, "at least 4.5 was wanted"),
        (&quiet, &["--max-setup", "0"], 6, "was wanted"),
        (&mute, &["--expect-audio", "send"], 1, "nobody says whether our audio arrived"),
        (&mute, &["--expect-audio", "both"], 1, "no audio was received: no RTP packet came; nobody says"),
        (&mute, &["--max-loss", "5"], 6, "no RTP came"),
    ];
    for (target, args, code, words) in table {
        let ran = invite(&[&[target, "--duration", "1s", "--timeout", "1s"], args].concat());
        assert!(ran.code == Some(code) && ran.stdout.contains(words), "{target} {args:?}: {ran:?}");
    }
}

#[test]
fn an_interrupt_cancels_what_rings_and_hangs_up_what_stands() {
    for (options, words, signal, seen, status) in [
        (&["--ring", "60s"][..], "ringing", Signal::SIGINT, "CANCEL sip:bob", "cancelled"),
        (&[][..], "answered", Signal::SIGINT, "BYE sip:", "hung up"),
        (&[][..], "answered", Signal::SIGTERM, "BYE sip:", "hung up"),
    ] {
        let server = Server::uas(options);
        let mut running = Running::start(Room::new().command(&["invite", &server.bob(), "--duration", "1m"]));
        running.line(words);
        running.signal(signal);
        let (code, out, _) = running.end();
        assert_eq!(code, Some(130), "{out:?}");
        assert!(out.last().is_some_and(|l| l.contains("interrupted") && l.ends_with(status)), "{out:?}");
        let told = server.interrupt();
        assert!(told.iter().any(|line| line.contains(seen) && line.contains("200 OK")), "{told:?}");
    }
}

#[test]
fn a_second_interrupt_ends_at_once_and_says_what_is_left() {
    let rings = scripted(|request, _| match request.split(' ').next() {
        Some("INVITE") => vec![(180, String::new(), String::new())],
        _ => Vec::new(),
    });
    let target = format!("sip:bob@{rings}");
    let mut running = Running::start(Room::new().command(&["invite", &target]));
    running.line("ringing");
    running.signal(Signal::SIGINT);
    running.line("CANCEL sent");
    let begun = Instant::now();
    running.signal(Signal::SIGINT);
    let (code, out, _) = running.end();
    assert_eq!(code, Some(130), "{out:?}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{out:?}");
    assert!(out.last().is_some_and(|l| l.contains("a call may be left up")), "{out:?}");
}

#[test]
fn the_options_of_a_call_do_what_they_say() {
    let room = Room::new();
    let recording = room.path("heard.wav");
    let recording = recording.to_str().unwrap();
    let (plain, reliable) = (Server::uas(&[]), Server::uas(&["--reliable", "--early-media", "--ring", "300ms"]));
    let secure = Server::uas(&["--srtp"]);
    let call = |server: &Server, args: &[&str]| {
        let (code, told) = json(&[&[server.bob().as_str(), "--duration", "1s"], args].concat());
        assert_eq!(code, 0, "{args:?}: {}", told["result"]);
        told
    };
    let late = call(&plain, &["--late-offer"]);
    assert_eq!((&late["offer_by"], &late["media"]["received"]["heard"]), (&"them".into(), &"mark".into()));
    let alaw = call(&plain, &["--codec", "pcma"]);
    assert_eq!((&alaw["session"]["codec"], &alaw["media"]["received"]["codec"]), (&"PCMA".into(), &"PCMA".into()));
    let digits = call(&plain, &["--dtmf", "12#"]);
    assert_eq!(digits["media"]["sent"]["dtmf"], "12#");
    assert!(digits["streams"].as_array().unwrap().iter().any(|s| s["dtmf"] == "12#"), "{}", digits["streams"]);
    let info = call(&plain, &["--dtmf", "5", "--dtmf-mode", "info"]);
    assert_eq!((&info["inside"][0]["method"], &info["inside"][0]["purpose"]), (&"INFO".into(), &"DTMF 5".into()));
    let held = call(&plain, &["--hold", "300ms"]);
    let purposes: Vec<&Value> = held["inside"].as_array().unwrap().iter().map(|r| &r["purpose"]).collect();
    assert_eq!(purposes, ["hold", "resume"]);
    let timed = call(&plain, &["--session-expires", "90s"]);
    assert_eq!(timed["session_timer"]["interval_s"], 90, "{}", timed["session_timer"]);
    let protected = call(&secure, &["--srtp"]);
    assert!(protected["session"]["srtp"].is_string() && protected["media"]["received"]["heard"] == "mark");
    // Who takes protected media alone refuses the rest.
    assert_eq!(invite(&[&secure.bob(), "--expect", "488"]).code, Some(0));
    let acknowledged = call(&reliable, &[]);
    // Early media, then ringing: each waits for its PRACK.
    assert_eq!(acknowledged["forks"][0]["pracked"], 2, "{}", acknowledged["forks"]);
    assert!(acknowledged["forks"][0]["early_media_ms"].is_number(), "{}", acknowledged["forks"]);
    assert_eq!(call(&reliable, &["--no-100rel"])["forks"][0]["pracked"], 0);
    call(&plain, &["--record", recording]);
    let played = call(&plain, &["--play", recording]);
    assert!(played["media"]["sent"]["packets"].as_u64().unwrap() > 20);
    let ports = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() & 0xfffe;
    let range = format!("{ports}-{}", u32::from(ports) + 41);
    let ranged = call(&plain, &["--media-ports", &range]);
    let streams = ranged["streams"].as_array().unwrap();
    let port: u16 = streams
        .iter()
        .find(|s| s["direction"] == "caller_to_callee")
        .and_then(|s| s["src"].as_str()?.rsplit_once(':')?.1.parse().ok())
        .unwrap();
    assert!((ports..ports.saturating_add(42)).contains(&port), "{port} {range}");
    let out = plain.interrupt();
    assert!(!out.iter().any(|line| line.contains("BYE sip:") && line.contains(" 481 ")), "{out:?}");
}

#[test]
fn they_may_hang_up_first() {
    let server = Server::uas(&["--hangup-after", "300ms"]);
    let (code, told) = json(&[&server.bob(), "--duration", "20s"]);
    assert_eq!((code, &told["ended_by"]), (0, &"them".into()), "{}", told["result"]);
    assert!(told["result"]["reason"].as_str().unwrap().contains("they hung up"), "{}", told["result"]);
}

#[test]
fn what_is_saved_decodes_to_the_same() {
    let room = Room::new();
    let file = room.path("call.pcapng");
    let file = file.to_str().unwrap();
    let server = Server::on(&["udp", "tls"], &["uas", "--ring", "100ms"]);
    let targets = [server.bob(), format!("sip:bob@{};transport=tls", server.at(1))];
    for target in targets {
        let (code, told) = json(&[&target, "--duration", "500ms", "--dtmf", "1", "-w", file, "--tls-insecure"]);
        assert_eq!(code, 0, "{}", told["result"]);
        let decoded = room.decode(&[file, "--json"]).json();
        for key in ["messages", "streams", "findings"] {
            assert_eq!(told[key], decoded[key], "{target} {key}");
        }
        assert_eq!(decoded["calls"][0]["state"], told["state"]);
        assert_eq!(decoded["streams"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn a_dry_run_shows_the_invite_and_sends_nothing() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let target = format!("sip:bob@{}", socket.local_addr().unwrap());
    let ran = invite(&[&target, "--dry-run"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.starts_with(&format!("INVITE {target} SIP/2.0\r\n")), "{ran:?}");
    assert!(ran.stdout.contains("m=audio ") && ran.stderr.starts_with("sipctl: not sent: "), "{ran:?}");
    assert!(!invite(&[&target, "--dry-run", "--late-offer"]).stdout.contains("m=audio"));
    assert!(socket.recv_from(&mut [0; 10]).is_err());
}

#[test]
fn lines_are_told_as_they_happen_and_the_summary_is_last() {
    let server = Server::uas(&["--ring", "100ms"]);
    let lines = invite(&[&server.bob(), "--duration", "300ms", "--format", "ndjson"]).lines();
    let types: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types.last(), Some(&"summary"));
    for kind in ["event", "message", "stream"] {
        assert!(types.contains(&kind), "{kind}: {types:?}");
    }
    let events: Vec<&Value> = lines.iter().filter(|l| l["type"] == "event").map(|l| &l["event"]).collect();
    assert_eq!(events.first(), Some(&&Value::from("inviting")), "{events:?}");
    let times: Vec<f64> = lines.iter().filter_map(|line| line["at_ms"].as_f64()).collect();
    assert!(times.len() == events.len() && times.is_sorted(), "{times:?}");
    assert_eq!(lines.last().unwrap()["schema"], "sipctl.invite/1");
    // The verdict alone, for who wants no more.
    let ran = invite(&[&server.bob(), "--duration", "300ms", "--quiet"]);
    assert!(ran.stdout.lines().all(|l| !l.contains("ringing")) && ran.stdout.contains("ok "), "{ran:?}");
}

#[test]
fn verbose_and_ladder_show_what_passed() {
    let server = Server::uas(&[]);
    let ran = invite(&[&server.bob(), "--duration", "300ms", "-v", "--ladder"]);
    for words in ["* trying 127.0.0.1:", "> INVITE sip:bob@", "< SIP/2.0 200 OK", "> ACK ", "> BYE "] {
        assert!(ran.stderr.contains(words), "{words}: {ran:?}");
    }
    assert!(ran.stdout.contains("══ RTP PCMU") && ran.stdout.contains("Call 1  completed"), "{ran:?}");
}

#[test]
fn the_user_agent_of_sipp_is_called() {
    let found = Command::new("sh").args(["-c", "command -v sipp"]).stdout(Stdio::null()).status().unwrap();
    if !found.success() {
        eprintln!("skipped: sipp is not installed");
        return;
    }
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let room = tempfile::tempdir().unwrap();
    let mut sipp = Command::new("sipp");
    sipp.args(["-sn", "uas", "-i", "127.0.0.1", "-p", &port.to_string(), "-m", "1", "-timeout", "60s", "-nostdin"]);
    let mut sipp =
        sipp.current_dir(room.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Until it listens the port is closed, which the call is told of by ICMP.
    let target = format!("sip:bob@127.0.0.1:{port}");
    let end = Instant::now() + Duration::from_secs(30);
    let told = loop {
        let (code, told) = json(&[&target, "--duration", "300ms"]);
        if code == 0 || Instant::now() > end {
            break told;
        }
        assert_eq!(code, 4, "{}", told["result"]);
    };
    assert_eq!((&told["state"], &told["final_status"]), (&"completed".into(), &200.into()), "{}", told["result"]);
    // It counts its call as done: the ACK and the BYE were right.
    assert!(sipp.wait().unwrap().success());
}
