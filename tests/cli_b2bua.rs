//! `sipctl serve b2bua` as its users run it: between sipctl's own caller and callee, over and between all transports, with and without
//! its media relay.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod running;
mod support;

use nix::sys::signal::Signal;
use running::Running;
use serde_json::Value;
use support::room::{Ran, Room};

const TRANSPORTS: [&str; 5] = ["udp", "tcp", "tls", "ws", "wss"];

/// A server of the real binary, with the places where it listens.
struct Server {
    running: Running,
    places: Vec<String>,
    room: Room,
}

impl Server {
    fn start(transports: &[&str], args: &[&str]) -> Server {
        let listens: Vec<String> = transports.iter().map(|t| format!("--listen={t}:127.0.0.1:0")).collect();
        let mut words = vec!["serve"];
        words.extend(args);
        words.extend(listens.iter().map(String::as_str));
        let room = Room::new();
        let mut running = Running::start(room.command(&words));
        let place = |line: String| line.rsplit_once("listening on ").unwrap().1.to_owned();
        let places = transports.iter().map(|_| place(running.line("listening on "))).collect();
        Server { running, places, room }
    }

    /// Address and port of its `n`th socket.
    fn at(&self, n: usize) -> &str {
        self.places[n].split_once(':').unwrap().1
    }

    /// Ends it as Ctrl-C does; what it had still to say, and its room.
    fn interrupt(self) -> (Vec<String>, Room) {
        self.running.signal(Signal::SIGINT);
        let (code, out, err) = self.running.end();
        assert_eq!(code, Some(130), "{out:?} {err:?}");
        (out, self.room)
    }
}

fn sipctl(args: &[&str]) -> Ran {
    Room::new().run(args)
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"))
}

#[test]
fn a_request_passes_from_any_transport_to_any_other() {
    let uas = Server::start(&TRANSPORTS, &["uas"]);
    for (m, outward) in TRANSPORTS.iter().enumerate() {
        let to = format!("sip:{};transport={outward}", uas.at(m));
        let b2bua = Server::start(&TRANSPORTS, &["b2bua", "--tls-insecure", "--to", &to]);
        for (n, inward) in TRANSPORTS.iter().enumerate() {
            let target = format!("sip:bob@{};transport={inward}", b2bua.at(n));
            let ran = sipctl(&["ping", "--json", "--timeout", "20s", "--tls-insecure", &target]);
            assert_eq!(ran.code, Some(0), "{inward} to {outward}: {ran:?}");
            assert_eq!(json(&ran)["received"], 1, "{ran:?}");
        }
        let (said, _) = b2bua.interrupt();
        assert!(said.join("\n").contains("OPTIONS → 200 OK  ×5"), "{said:?}");
    }
}

#[test]
fn a_call_passes_from_udp_to_tls_and_back_and_leaves_no_dialog() {
    for (inward, outward) in [("udp", "tls"), ("tls", "udp"), ("tcp", "ws"), ("wss", "tcp")] {
        let uas = Server::start(&[outward], &["uas", "--echo"]);
        let to = format!("sip:{};transport={outward}", uas.at(0));
        let b2bua = Server::start(&[inward, "udp"], &["b2bua", "--tls-insecure", "--to", &to]);
        let target = format!("sip:bob@{};transport={inward}", b2bua.at(0));
        let ran =
            sipctl(&["invite", &target, "--json", "--tls-insecure", "--duration", "500ms", "--expect-audio", "both"]);
        assert_eq!(ran.code, Some(0), "{inward} to {outward}: {ran:?}");
        let (said, _) = b2bua.interrupt();
        let said = said.join("\n");
        assert!(
            said.contains("INVITE → 200 OK  ×1") && said.contains("BYE → 200 OK  ×1"),
            "{inward} {outward}: {said}"
        );
        let (said, _) = uas.interrupt();
        assert!(said.join("\n").contains("BYE → 200 OK  ×1"), "{said:?}");
    }
}

#[test]
fn audio_is_heard_through_the_relay_and_the_file_tells_an_sbc() {
    for (option, role) in [("--relay-media", "sbc"), ("--hide-topology", "sbc"), ("--follow-redirects", "b2bua")] {
        let uas = Server::start(&["udp"], &["uas", "--echo"]);
        let to = uas.at(0).to_owned();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calls.pcapng");
        let file = file.to_str().unwrap();
        let b2bua = Server::start(&["udp"], &["b2bua", option, "--to", &to, "--write", file]);
        let target = format!("sip:bob@{}", b2bua.at(0));
        let ran = sipctl(&["invite", &target, "--json", "--duration", "1s", "--expect-audio", "both"]);
        assert_eq!(ran.code, Some(0), "{option}: {ran:?}");
        let (said, room) = b2bua.interrupt();
        let media: Vec<&String> = said.iter().filter(|line| line.starts_with("media of call ")).collect();
        if option == "--follow-redirects" {
            assert!(media.is_empty(), "{said:?}");
        } else {
            assert!(media.len() == 1 && !media[0].contains("none"), "{said:?}");
            assert!(
                media[0].contains(" from the caller (127.0.0.1:") && media[0].contains(" from the callee (127.0.0.1:")
            );
        }
        uas.interrupt();
        let report = json(&room.run(&["decode", file, "--json"]));
        assert_eq!(report["calls"].as_array().unwrap().len(), 1, "{report:#}");
        let call = &report["calls"][0];
        assert_eq!((&call["state"], call["call_ids"].as_array().unwrap().len()), (&"completed".into(), 2), "{call:#}");
        let roles: Vec<_> = call["participants"].as_array().unwrap().iter().map(|p| p["role"].clone()).collect();
        assert_eq!(roles, ["uac", role, "uas"], "{option}: {call:#}");
        assert_eq!(report["summary"]["findings"]["error"], 0, "{:#}", report["findings"]);
    }
}

#[test]
fn who_registered_is_called_and_who_is_not_there_is_told() {
    let b2bua = Server::start(&["udp"], &["b2bua", "--domain", "example.com"]);
    let uas = Server::start(&["udp"], &["uas"]);
    let via = format!("sip:{};lr", b2bua.at(0));
    let contact = format!("sip:bob@{}", uas.at(0));
    let words = ["register", "sip:bob@example.com", "--via", &via, "--contact", &contact, "--keep", "60s"];
    let mut kept = Running::start(Room::new().command(&words));
    kept.line("registered");
    let ran = sipctl(&["invite", "sip:bob@example.com", "--via", &via, "--json", "--duration", "200ms"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let missing = sipctl(&["invite", "sip:carol@example.com", "--via", &via, "--json"]);
    assert_eq!((missing.code, json(&missing)["final_status"].as_u64()), (Some(1), Some(404)), "{missing:?}");
    kept.signal(Signal::SIGINT);
    kept.end();
    let (said, _) = b2bua.interrupt();
    assert!(said.iter().any(|line| line == "no bindings"), "{said:?}");
}

#[test]
fn a_program_is_told_each_exchange_what_was_relayed_and_the_sum() {
    let uas = Server::start(&["udp"], &["uas"]);
    let mut running = Running::start(Room::new().command(&[
        "serve",
        "b2bua",
        "--relay-media",
        "--to",
        uas.at(0),
        "--listen",
        "udp:127.0.0.1:0",
        "--format",
        "ndjson",
        "--count",
        "2",
    ]));
    let listening: Value = serde_json::from_str(&running.line("listening")).unwrap();
    let target = format!("sip:bob@{}", listening["address"].as_str().unwrap());
    let ran = sipctl(&["invite", &target, "--json", "--duration", "500ms"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    // An INVITE and a BYE: that is all that it was to serve.
    let (code, out, err) = running.end();
    assert_eq!(code, Some(0), "{err:?}");
    let values: Vec<Value> = out.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
    let types: Vec<&str> = values.iter().map(|v| v["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["exchange", "exchange", "relayed", "exchange", "summary"], "{out:?}");
    let relayed = &values[2];
    assert!(relayed["from_caller"]["packets"].as_u64().unwrap() > 10, "{relayed:#}");
    assert!(relayed["from_callee"]["source"].as_str().unwrap().starts_with("127.0.0.1:"), "{relayed:#}");
    assert_eq!((&values[4]["role"], &values[4]["requests"]), (&"b2bua".into(), &2.into()));
    assert_eq!(values[4]["crowded"], 0);
    uas.interrupt();
}

#[test]
fn an_interrupt_ends_both_legs() {
    let uas = Server::start(&["udp"], &["uas"]);
    let to = uas.at(0).to_owned();
    let mut b2bua = Server::start(&["udp"], &["b2bua", "--to", &to]);
    let target = format!("sip:bob@{}", b2bua.at(0));
    let caller = std::thread::spawn(move || sipctl(&["invite", &target, "--json", "--duration", "30s"]));
    b2bua.running.line("200 OK");
    b2bua.interrupt();
    let ran = caller.join().unwrap();
    assert!(ran.code == Some(0) && json(&ran)["ended_by"] != "us", "{ran:?}");
    let (said, _) = uas.interrupt();
    assert!(said.join("\n").contains("BYE → 200 OK  ×1"), "{said:?}");
}
