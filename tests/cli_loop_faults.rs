//! `sipctl invite --loop` where something between the two ends is broken: a session border controller of our own loses what it is told to lose.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;

use nix::sys::signal::Signal;
use running::Running;
use serde_json::Value;
use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

/// Which sound gets through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passes {
    ToCallee,
    ToCaller,
    Nothing,
}

/// The media of one call: the port that each end is told of, and where each end is.
struct Relayed {
    /// Told to the callee: it stands for the caller.
    for_caller: UdpSocket,
    /// Told to the caller: it stands for the callee.
    for_callee: UdpSocket,
    caller: Mutex<Option<SocketAddr>>,
    callee: Mutex<Option<SocketAddr>>,
}

fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

/// The port of the audio in a description.
fn audio_port(text: &str) -> Option<u16> {
    text.split_once("m=audio ")?.1.split_once(' ')?.0.parse().ok()
}

/// The message with another port for its audio, and its length put right.
fn with_port(text: &str, port: u16) -> String {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let (before, after) = body.split_once("m=audio ").unwrap();
    let body = format!("{before}m=audio {port} {}", after.split_once(' ').unwrap().1);
    let lines: Vec<String> = head
        .split("\r\n")
        .map(|line| match line.to_ascii_lowercase().starts_with("content-length:") {
            true => format!("Content-Length: {}", body.len()),
            false => line.to_owned(),
        })
        .collect();
    format!("{}\r\n\r\n{body}", lines.join("\r\n"))
}

/// What the relay makes of a message of its own client, or of one for it.
fn rewritten(bytes: &[u8], relayed: &Relayed) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(bytes) else { return bytes.to_vec() };
    let Some(port) = audio_port(text) else { return bytes.to_vec() };
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let ours = if text.starts_with("INVITE ") {
        *relayed.caller.lock().unwrap() = Some(address);
        &relayed.for_caller
    } else {
        *relayed.callee.lock().unwrap() = Some(address);
        &relayed.for_callee
    };
    with_port(text, ours.local_addr().unwrap().port()).into_bytes()
}

/// The message without the Route that led to the relay. RFC 3261 §16.4
fn without_route(bytes: &[u8], own: SocketAddr) -> Vec<u8> {
    let (text, own) = (String::from_utf8_lossy(bytes), own.to_string());
    let is_own = |line: &&str| line.to_ascii_lowercase().starts_with("route:") && line.contains(&own);
    text.split("\r\n").filter(|line| !is_own(line)).collect::<Vec<_>>().join("\r\n").into_bytes()
}

/// Passes sound on from one end, or loses it.
fn carry(relayed: &Arc<Relayed>, passes: bool, to_callee: bool) {
    let relayed = Arc::clone(relayed);
    std::thread::spawn(move || {
        let (hears, speaks, to) = match to_callee {
            true => (&relayed.for_callee, &relayed.for_caller, &relayed.callee),
            false => (&relayed.for_caller, &relayed.for_callee, &relayed.caller),
        };
        let mut buffer = [0; 2048];
        while let Ok((length, _)) = hears.recv_from(&mut buffer) {
            let to = *to.lock().unwrap();
            if let Some(to) = to.filter(|_| passes) {
                let _ = speaks.send_to(&buffer[..length], to);
            }
        }
    });
}

/// A session border controller before a proxy: where to reach it. It rewrites descriptions, and each client has a port of its own behind it.
fn border(proxy: SocketAddr, passes: Passes) -> SocketAddr {
    let relayed =
        Relayed { for_caller: socket(), for_callee: socket(), caller: Mutex::default(), callee: Mutex::default() };
    let relayed = Arc::new(relayed);
    carry(&relayed, passes == Passes::ToCallee, true);
    carry(&relayed, passes == Passes::ToCaller, false);
    let front = Arc::new(socket());
    let address = front.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut behind: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let mut buffer = [0; 65_536];
        while let Ok((length, from)) = front.recv_from(&mut buffer) {
            let back = behind.entry(from).or_insert_with(|| answers(&front, from, &relayed));
            let message = without_route(&rewritten(&buffer[..length], &relayed), address);
            let _ = back.send_to(&message, proxy);
        }
    });
    address
}

/// A port towards the proxy, whose datagrams go back to one client.
fn answers(front: &Arc<UdpSocket>, client: SocketAddr, relayed: &Arc<Relayed>) -> Arc<UdpSocket> {
    let back = Arc::new(socket());
    let (reader, front, relayed) = (Arc::clone(&back), Arc::clone(front), Arc::clone(relayed));
    std::thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok((length, _)) = reader.recv_from(&mut buffer) {
            let _ = front.send_to(&rewritten(&buffer[..length], &relayed), client);
        }
    });
    back
}

/// A proxy that asks for credentials, and where it listens.
fn proxy() -> (Running, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipctl"));
    command.args(["serve", "proxy", "--domain", "example.com", "--realm", "example.com", "--auth"]);
    command.args(["--user", "alice:one", "--user", "bob:one", "--listen", "udp:127.0.0.1:0"]);
    let mut running = Running::start(command);
    let place = running.line("listening on ").rsplit_once("udp:").unwrap().1.parse().unwrap();
    (running, place)
}

fn command(via: SocketAddr, more: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--foreground", "60", env!("CARGO_BIN_EXE_sipctl"), "invite", "--loop", "sip:bob@example.com"]);
    command.args(["--from", "sip:alice@example.com", "--via", &format!("sip:{via}")]).args(more);
    command.env("SIPCTL_PASSWORD", "one").env_remove("SIPCTL_CALLEE_PASSWORD").env_remove("SSLKEYLOGFILE");
    command
}

fn document(done: &Output) -> Value {
    let said = String::from_utf8_lossy(&done.stderr);
    serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("no document: {said}"))
}

fn through(passes: Passes, to_callee: &str, to_caller: &str, reason: &str) {
    let (running, place) = proxy();
    let done = command(border(place, passes), &["--duration", "2s", "--json"]).output().unwrap();
    let told = document(&done);
    assert_eq!(done.status.code(), Some(1), "{} {}", told["result"], told["loop"]);
    let both = &told["loop"];
    assert_eq!(
        (&both["to_callee"]["heard"], &both["to_caller"]["heard"]),
        (&to_callee.into(), &to_caller.into()),
        "{both}"
    );
    assert_eq!(told["result"]["reason"], reason);
    for message in ["INVITE", "200"] {
        let is_told = |c: &&Value| c["message"] == message && c["part"] == "sdp" && c["name"] == "audio m=";
        let change =
            both["changes"].as_array().unwrap().iter().find(is_told).unwrap_or_else(|| panic!("{message}: {both}"));
        assert_ne!(change["sent"], change["received"], "{change}");
    }
    assert!(both["registrations"].as_array().unwrap().iter().all(|one| one["ok"] == true), "{both}");
    running.signal(Signal::SIGINT);
    running.end();
}

#[test]
fn a_caller_who_is_not_heard() {
    let reason = "one-way audio: the callee does not hear the caller (nothing)";
    through(Passes::ToCaller, "nothing", "mark", reason);
}

#[test]
fn a_callee_who_is_not_heard() {
    let reason = "one-way audio: the caller does not hear the callee (nothing)";
    through(Passes::ToCallee, "mark", "nothing", reason);
}

#[test]
fn silence_both_ways() {
    let reason = "no audio either way: the callee heard nothing, the caller nothing";
    through(Passes::Nothing, "nothing", "nothing", reason);
}

#[test]
fn people_read_both_ways_and_what_was_rewritten() {
    let (_running, place) = proxy();
    let done =
        command(border(place, Passes::ToCaller), &["--duration", "2s", "--ladder", "--width", "140"]).output().unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(1), "{out}");
    for words in ["one-way audio: the callee does not hear the caller", "audio m=", "REGISTER", "INVITE", "BYE"] {
        assert!(out.contains(words), "{words} in {out}");
    }
}

#[test]
fn an_interrupt_ends_the_call_and_both_bindings() {
    let (server, place) = proxy();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.pcapng");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipctl"));
    command.args(["invite", "--loop", "sip:bob@example.com", "--from", "sip:alice@example.com"]);
    command.args(["--via", &format!("sip:{place}"), "--duration", "50s", "--format", "ndjson", "--write"]).arg(&file);
    command.env("SIPCTL_PASSWORD", "one").env_remove("SIPCTL_CALLEE_PASSWORD").env_remove("SSLKEYLOGFILE");
    let mut running = Running::start(command);
    running.line("\"status\":200");
    running.signal(Signal::SIGINT);
    let (code, lines, _) = running.end();
    assert_eq!(code, Some(130), "{lines:?}");
    let types: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(types.iter().all(|object: &Value| object["type"].is_string()), "{lines:?}");
    let decoded = Command::new(env!("CARGO_BIN_EXE_sipctl")).arg("decode").arg(&file).arg("--json").output().unwrap();
    let decoded = document(&decoded);
    assert_eq!(decoded["calls"][0]["state"], "completed", "{}", decoded["calls"]);
    let registrations = decoded["registrations"].as_array().unwrap();
    assert_eq!(registrations.len(), 2);
    assert!(registrations.iter().all(|one| one["state"] == "removed"), "{registrations:?}");
    server.signal(Signal::SIGINT);
    let (_, out, _) = server.end();
    assert!(!out.iter().any(|line| line.contains("expires") && line.contains("sip:alice@")), "{out:?}");
}
