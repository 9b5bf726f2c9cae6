//! User agents of other makers call `sipctl serve uas`, over every transport that they have, and hear it by their own account.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod lab;
mod running;

use lab::{Lab, lab};
use running::Running;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Whom they call: by name, through `serve uas` as if it were their proxy.
const BOB: &str = "sip:bob@lab.example.test";

/// `serve uas` on all transports, writing down what it sees.
struct Server {
    running: Running,
    file: String,
    places: Vec<String>,
}

impl Server {
    fn start(lab: &Lab, listens: &[&str], more: &[&str]) -> Server {
        let file = lab.folder().join("agents.pcapng").to_str().unwrap().to_owned();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sipctl"));
        command.args(["serve", "uas", "--write", &file]).args(more);
        for listen in listens {
            command.args(["--listen", listen]);
        }
        let mut running = Running::start(command);
        let places = listens.iter().map(|_| running.line("listening on ")).collect();
        Server { running, file, places }
    }

    /// Host and port of a transport.
    fn at(&self, transport: &str) -> &str {
        let find = |place: &String| place.split_once(&format!(" {transport}:")).is_some();
        let place = self.places.iter().find(|place| find(place)).unwrap();
        place.rsplit_once(&format!("{transport}:")).unwrap().1
    }

    fn port(&self, transport: &str) -> &str {
        self.at(transport).rsplit_once(':').unwrap().1
    }

    /// Ends it; every call was completed with media both ways, none was left, and nothing is wrong with any.
    fn ends_with(self, calls: usize) -> Value {
        let out = self.running.interrupted();
        assert!(!out.iter().any(|line| line.contains("left")), "{out:?}");
        let done = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", &self.file, "--json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        let completed: Vec<&Value> =
            report["calls"].as_array().unwrap().iter().filter(|call| call["state"] == "completed").collect();
        assert_eq!(completed.len(), calls, "{:#}", report["calls"]);
        for call in completed {
            assert_eq!(call["streams"].as_array().unwrap().len(), 2, "{call:#}");
        }
        let grave = |f: &&Value| f["severity"] == "error";
        let errors: Vec<&Value> = report["findings"].as_array().unwrap().iter().filter(grave).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        report
    }
}

/// A folder that the test programs of a build share, for what has to be fetched.
fn fetched(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// How many packets an agent counted before the word that follows their number.
fn counted(line: &str, unit: &str) -> u32 {
    line.split_whitespace().find_map(|word| word.strip_suffix(unit)?.parse().ok()).unwrap_or(0)
}

#[test]
fn pjsip_calls_and_hears_it() {
    let Some(lab) = lab(&["python3"], &[]) else { return };
    let venv = fetched("agents-venv");
    let made = lab.run(&["venv"], &[("LAB_VENV", venv.to_str().unwrap())]);
    if !made.status.success() {
        eprintln!("skipped: PJSIP cannot be fetched: {}", String::from_utf8_lossy(&made.stderr));
        return;
    }
    let mut server = Server::start(&lab, &["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "tls:127.0.0.1:0"], &[]);
    let carol = "sip:carol@lab.example.test";
    let calls: [(&str, &[&str]); 6] = [
        ("udp", &[]),
        ("tcp", &[]),
        ("tls", &[]),
        ("udp", &["--srtp", "mandatory"]),
        ("tcp", &["--hold", "--dtmf", "42"]),
        // Declined: the call goes on until the agent hangs up.
        ("udp", &["--transfer", carol]),
    ];
    for (transport, more) in calls {
        let done = Command::new(venv.join("bin/python"))
            .arg(lab.scripts().join("ua.py"))
            .args(["--user", "alice", "--seconds", "2", "--log", "4", "--transport", transport])
            .args(["--proxy", server.at(transport), "--call", &format!("{BOB};transport={transport}")])
            .args(more)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{transport} {more:?}: {said}{}", String::from_utf8_lossy(&done.stderr));
        // What it received: the line after `RX`, then that of the losses.
        let mut lines = said.lines().skip_while(|line| !line.contains("RX pt=0")).skip(1);
        let heard = counted(lines.next().unwrap_or_default(), "pkt");
        assert!(heard >= 30, "{transport} {more:?}: {heard} packets heard: {said}");
        assert!(lines.next().unwrap_or_default().contains("pkt loss=0 "), "{transport} {more:?}: {said}");
    }
    server.running.line("REFER sip:");
    server.running.line(&format!("call 6: asked to call {carol}: declined"));
    let report = server.ends_with(calls.len());
    let digits = report["findings"].as_array().unwrap().iter().find(|f| f["code"] == "dtmf");
    assert!(digits.is_some_and(|f| f["title"].as_str().unwrap().contains("42")), "{digits:?}");
}

/// What baresip counted of its last call, where it met no error: packets sent, packets received.
fn counts_of_baresip(log: &str) -> Option<(u32, u32)> {
    let row = |name: &str| -> Option<(u32, u32)> {
        let line = log.lines().rfind(|line| line.starts_with(name))?;
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    };
    row("packets:").filter(|_| row("errors:") == Some((0, 0)))
}

#[test]
fn baresip_calls_hears_it_and_is_heard() {
    let Some(mut lab) = lab(&["baresip", "python3", "ss", "openssl"], &[("BARESIP_REG", "0")]) else { return };
    let listens = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "tls:127.0.0.1:0"];
    let mut server = Server::start(&lab, &listens, &["--hangup-after", "1500ms"]);
    let calls =
        [("alice", "udp", ""), ("bob", "tcp", ""), ("carol", "tls", ""), ("dave", "udp", ";mediaenc=srtp-mand")];
    for (user, transport, account) in calls {
        let plain = if transport == "tls" { "udp" } else { transport };
        let settings = [
            ("KAM_IP", "127.0.0.1"),
            ("KAM_PORT", server.port(plain)),
            ("KAM_TLS", server.port("tls")),
            ("BARESIP_TRANSPORT", transport),
            ("BARESIP_ARGS", account),
        ];
        let settings: Vec<(String, String)> = settings.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        lab.start(&["baresip", "start", user], &["baresip", "stop", user], &settings);
        lab.run(&["baresip", "dial", user, BOB], &[]);
        let media = server.running.line("media of call");
        assert!(media.contains("heard audio") && media.contains("0.0 % lost"), "{user}: {media}");
        let log = lab.folder().join(format!("baresip-{user}.log"));
        let end = Instant::now() + Duration::from_secs(10);
        let (sent, heard) = loop {
            let text = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
            match counts_of_baresip(&text) {
                Some(counts) => break counts,
                None => assert!(Instant::now() < end, "{user}: no counts: {text}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        // The last packets may cross the BYE.
        let ours = media.rsplit_once("sent ").and_then(|(_, of)| of.split(' ').next()?.parse::<u32>().ok()).unwrap();
        assert!(sent >= 60 && heard >= 60 && ours - heard <= 3, "{user}: sent {sent}, heard {heard} of {ours}");
    }
    server.ends_with(calls.len());
}

/// The folder of JsSIP and of what it needs without a browser; `None`, said aloud, where it cannot be fetched.
fn modules_of_jssip() -> Option<PathBuf> {
    static MODULES: OnceLock<Option<PathBuf>> = OnceLock::new();
    let fetch = || {
        let folder = fetched("agents-js");
        std::fs::create_dir_all(&folder).unwrap();
        let done = Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "jssip", "jssip-node-websocket"])
            .current_dir(&folder)
            .output()
            .unwrap();
        if !done.status.success() {
            eprintln!("skipped: JsSIP cannot be fetched: {}", String::from_utf8_lossy(&done.stderr));
            return None;
        }
        Some(folder.join("node_modules"))
    };
    MODULES.get_or_init(fetch).clone()
}

/// Its signalling is JsSIP's, its media is plain RTP: what it heard, and that its call went from INVITE to BYE.
fn heard_by_jssip(modules: &Path, url: &str, payload: &str) -> Value {
    let done = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/plain-media.js"))
        .args(["--url", url, "--call", BOB, "--payload", payload, "--seconds", "2"])
        .env("NODE_PATH", modules)
        // The server's certificate is made for the run.
        .env("NODE_TLS_REJECT_UNAUTHORIZED", "0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let report: Value = said.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(report["steps"], serde_json::json!(["accepted", "confirmed", "ended"]), "{url}: {said}{errors}");
    assert_eq!(report["why"], "local Terminated", "{url}: {said}");
    let count = |name: &str| report[name].as_u64().unwrap();
    let (sent, received) = (count("sent"), count("received"));
    assert!(sent >= 90 && received >= 90, "{url}: {report}");
    assert_eq!((count("lost"), count("foreign")), (0, 0), "{url}: {report}");
    report
}

#[test]
fn jssip_calls_hears_it_and_is_heard() {
    let Some(lab) = lab(&["node", "npm"], &[]) else { return };
    let Some(modules) = modules_of_jssip() else { return };
    // By echo its own tone comes back; else one that is not its own, with pauses.
    for (more, is_echo) in [(&["--echo"][..], true), (&[][..], false)] {
        let mut server = Server::start(&lab, &["ws:127.0.0.1:0", "wss:127.0.0.1:0"], more);
        let calls = [(format!("ws://{}", server.at("ws")), "0"), (format!("wss://{}", server.at("wss")), "8")];
        for (url, payload) in &calls {
            let report = heard_by_jssip(&modules, url, payload);
            let (received, loud) = (report["received"].as_u64().unwrap(), report["loud"].as_u64().unwrap());
            let tone = report["tone"].as_f64().unwrap();
            assert!(loud * 2 > received && loud >= 30, "{url}, echo {is_echo}: silence: {report}");
            assert_eq!(tone > 0.9, is_echo, "{url}, echo {is_echo}: {report}");
            let media = server.running.line("media of call");
            let codec = if *payload == "0" { "PCMU" } else { "PCMA" };
            assert!(media.contains("heard audio") && media.contains("0.0 % lost"), "{url}: {media}");
            assert!(media.contains(codec), "{url}: {media}");
        }
        server.ends_with(calls.len());
    }
}

/// JsSIP offers media for browsers alone, protected by DTLS: such an offer is refused politely, and everything else is taken.
#[test]
fn jssip_registers_sends_a_message_and_is_told_why_its_call_is_refused() {
    let Some(lab) = lab(&["node", "npm"], &[]) else { return };
    let Some(modules) = modules_of_jssip() else { return };
    let mut server = Server::start(&lab, &["ws:127.0.0.1:0", "wss:127.0.0.1:0"], &[]);
    let urls = [format!("ws://{}", server.at("ws")), format!("wss://{}", server.at("wss"))];
    for url in &urls {
        for (more, word) in
            [(&["--message", "hello"][..], "message taken"), (&["--seconds", "1"][..], "Incompatible SDP")]
        {
            let done = Command::new("node")
                .arg(lab.scripts().join("ws-ua.js"))
                .args(["--url", url, "--user", "alice", "--call", BOB])
                .args(more)
                .env("NODE_PATH", &modules)
                // The server's certificate is made for the run.
                .env("NODE_TLS_REJECT_UNAUTHORIZED", "0")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            assert!(said.contains("registered") && said.contains(word), "{url} {more:?}: {said}");
        }
        server.running.line("→ 488 Not Acceptable Here");
    }
    let out = server.running.interrupted();
    assert!(out.iter().any(|line| line.contains("MESSAGE → 200 OK  ×2")), "{out:?}");
}
