//! `sipctl serve proxy` as its users run it: between sipctl's own clients and servers, over and between all transports, and with SIPp at
//! both ends where the lab is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod lab;
mod running;
mod support;

use nix::sys::signal::Signal;
use running::Running;
use serde_json::Value;
use std::net::UdpSocket;
use support::room::{Ran, Room};

const TRANSPORTS: [&str; 5] = ["udp", "tcp", "tls", "ws", "wss"];

/// A server of the real binary, with the places where it listens.
struct Server {
    running: Running,
    places: Vec<String>,
}

impl Server {
    fn start(transports: &[&str], args: &[&str]) -> Server {
        let listens: Vec<String> = transports.iter().map(|t| format!("--listen={t}:127.0.0.1:0")).collect();
        let mut words = vec!["serve"];
        words.extend(args);
        words.extend(listens.iter().map(String::as_str));
        let mut running = Running::start(Room::new().command(&words));
        let place = |line: String| line.rsplit_once("listening on ").unwrap().1.to_owned();
        let places = transports.iter().map(|_| place(running.line("listening on "))).collect();
        Server { running, places }
    }

    /// Address and port of its `n`th socket.
    fn at(&self, n: usize) -> &str {
        self.places[n].split_once(':').unwrap().1
    }

    fn interrupt(self) -> Vec<String> {
        self.running.signal(Signal::SIGINT);
        let (code, out, err) = self.running.end();
        assert_eq!(code, Some(130), "{out:?} {err:?}");
        out
    }
}

fn sipctl(args: &[&str]) -> Ran {
    Room::new().with("SIPCTL_PASSWORD", "open sesame").run(args)
}

#[test]
fn a_request_passes_from_any_transport_to_any_other() {
    let uas = Server::start(&TRANSPORTS, &["uas"]);
    let proxy = Server::start(&TRANSPORTS, &["proxy", "--tls-insecure"]);
    for (n, inward) in TRANSPORTS.iter().enumerate() {
        for (m, outward) in TRANSPORTS.iter().enumerate() {
            let target = format!("sip:bob@{};transport={outward}", uas.at(m));
            let via = format!("sip:{};transport={inward};lr", proxy.at(n));
            let ran = sipctl(&["ping", "--json", "--timeout", "20s", "--tls-insecure", "--via", &via, &target]);
            assert_eq!(ran.code, Some(0), "{inward} to {outward}: {ran:?}");
            let value: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!((&value["received"], &value["server"]), (&1.into(), &"sipctl/0.1.0".into()), "{value:#}");
        }
    }
    let said = proxy.interrupt().join("\n");
    assert!(said.contains("OPTIONS → 200 OK  ×25"), "{said}");
    assert!(uas.interrupt().join("\n").contains("OPTIONS → 200 OK  ×25"));
}

#[test]
fn a_trace_sees_it_as_a_hop_and_what_is_not_there_is_said() {
    let uas = Server::start(&["udp"], &["uas"]);
    let proxy = Server::start(&["udp"], &["proxy", "--user", "alice:open sesame"]);
    let via = format!("sip:{};lr", proxy.at(0));
    let ran = sipctl(&["trace", "--json", "--via", &via, &format!("sip:bob@{}", uas.at(0))]);
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    let statuses: Vec<_> =
        value["hops"].as_array().unwrap().iter().map(|h| h["probes"][0]["status"].as_u64()).collect();
    assert_eq!(statuses, [Some(483), Some(200)], "{value:#}");
    let ping = |uri: &str| sipctl(&["ping", "--via", &via, uri]).stdout;
    assert!(ping("sip:alice@127.0.0.1").contains("480 Temporarily Unavailable"));
    assert!(ping("sip:nobody@127.0.0.1").contains("404 Not Found"));
    // Nobody listens there for TCP.
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(ping(&format!("sip:bob@{closed};transport=tcp")).contains("500 Server Internal Error"));
}

#[test]
fn who_registered_is_found_and_who_calls_has_to_prove_itself() {
    let uas = Server::start(&["udp"], &["uas"]);
    let proxy = Server::start(&["udp"], &["proxy", "--user", "alice:open sesame", "--auth", "--domain", "example.com"]);
    let via = format!("sip:{};lr", proxy.at(0));
    let contact = format!("sip:alice@{}", uas.at(0));
    let words = ["register", "sip:alice@example.com", "--via", &via, "--contact", &contact, "--keep", "30s"];
    let mut kept = Running::start(Room::new().with("SIPCTL_PASSWORD", "open sesame").command(&words));
    kept.line("registered");
    let words = ["ping", "--json", "--via", &via, "--auth-user", "alice", "sip:alice@example.com"];
    let ran = sipctl(&words);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    let statuses: Vec<_> = value["messages"].as_array().unwrap().iter().filter_map(|m| m["status"].as_u64()).collect();
    assert_eq!(statuses, [407, 200], "{value:#}");
    let wrong = Room::new().with("SIPCTL_PASSWORD", "shut sesame").run(&words);
    assert_eq!(wrong.code, Some(5), "{wrong:?}");
    kept.signal(Signal::SIGINT);
    kept.end();
    let said = proxy.interrupt().join("\n");
    assert!(said.contains("no bindings"), "{said}");
}

#[test]
fn calls_of_sipp_pass_at_a_rate_without_one_that_fails() {
    let Some(mut lab) = lab::lab(&["sipp", "ss"], &[("SIPP_DOMAIN", "127.0.0.1"), ("SIPP_TIMEOUT", "60")]) else {
        return;
    };
    lab.start(&["sipp", "uas", "bob", "uas_answer"], &["sipp", "stop", "bob"], &[]);
    for (stateless, calls) in [(false, "300"), (true, "100")] {
        let mut args = vec!["proxy", "--quiet"];
        args.extend(stateless.then_some("--stateless"));
        let proxy = Server::start(&["udp", "tcp"], &args);
        let contact = format!("sip:bob@127.0.0.1:{}", lab.setting("SIPP_BOB"));
        let aor = format!("sip:bob@{}", proxy.at(0));
        let words = ["register", &aor, "--contact", &contact, "--keep", "60s"];
        let mut kept = Running::start(Room::new().command(&words));
        kept.line("registered");
        for (transport, place) in [("u1", 0), ("t1", 1)] {
            let words = ["sipp", "uac", "uac_call_noauth", proxy.at(place), "-m", calls, "-r", "50", "-d", "100"];
            let done = lab.run(&words, &[("SIPP_T", transport)]);
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        kept.signal(Signal::SIGINT);
        kept.end();
        let said = proxy.interrupt().join("\n");
        let all: u64 = calls.parse::<u64>().unwrap() * 2;
        assert!(said.contains(&format!("BYE → 200 OK  ×{all}")), "{said}");
    }
}
