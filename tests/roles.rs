//! What part each host plays, and what shows it: made here in small scenes, read from the JSON and the ladder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::message::{Host, Message};
use support::room::Room;
use support::scene::Scene;
use support::scenes::{alice, bob, proxy};

/// The participant of a scene's only call that has that address.
fn participant(scene: &Scene, host: &Host) -> Value {
    let room = Room::new();
    let path = room.path("scene.pcap");
    std::fs::write(&path, scene.pcap()).unwrap();
    let json = room.decode(&[path.to_str().unwrap(), "--json"]).json();
    let all = json["calls"][0]["participants"].as_array().unwrap().clone();
    all.into_iter().find(|p| p["address"] == host.at.to_string()).unwrap()
}

fn evidence(participant: &Value) -> Vec<&str> {
    participant["evidence"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect()
}

/// An INVITE that alice repeats after half a second; the proxy sends it on each time that `passes` says.
fn repeated(passes: [bool; 2], own_trying: bool, routes: bool) -> Scene {
    let (a, p, b) = (alice(), proxy(), bob());
    let mut s = Scene::new();
    let invite = Message::request("INVITE", &a, &b, "roles@192.0.2.10", 1);
    let on = invite.through(&p, "roles");
    let on = if routes { on } else { on.without("Record-Route") };
    for (n, passes) in passes.into_iter().enumerate() {
        let at = 500 * n as u64;
        s.at(at).send(&a, &p, &invite);
        if own_trying && n == 0 {
            s.at(at + 1).send(&p, &a, &invite.reply(100, "Trying", &p));
        }
        if passes {
            s.at(at + 2).send(&p, &b, &on);
        }
    }
    let no = on.reply(486, "Busy Here", &b);
    s.at(700).send(&b, &p, &no);
    s.at(701).send(&p, &a, &no.back());
    let ack = invite.ack_to(&no.back());
    s.at(703).send(&a, &p, &ack);
    s.at(704).send(&p, &b, &on.ack_to(&no));
    s
}

#[test]
fn a_proxy_that_passes_everything_on_keeps_no_transactions() {
    let p = participant(&repeated([true, true], false, false), &proxy());
    assert_eq!((&p["role"], &p["stateful"], &p["record_routing"]), (&"proxy".into(), &false.into(), &false.into()));
    assert!(evidence(&p).contains(&"passed a repeated INVITE on each time under the same branch"), "{p}");
}

#[test]
fn a_proxy_that_answers_and_repeats_by_itself_keeps_transactions() {
    let p = participant(&repeated([true, false], true, true), &proxy());
    assert_eq!((&p["role"], &p["stateful"], &p["record_routing"]), (&"proxy".into(), &true.into(), &true.into()));
    let told = evidence(&p);
    let expected = [
        "forwarded INVITE under the same Call-ID with 2 Via instead of 1",
        "added a Record-Route",
        "answered 100 Trying itself",
        "kept 1 repeated INVITE back",
    ];
    assert_eq!(told, expected);
}

#[test]
fn one_hop_without_a_repeat_or_a_100_does_not_say_which() {
    let (a, p, b) = (alice(), proxy(), bob());
    let mut s = Scene::new();
    let invite = Message::request("INVITE", &a, &b, "roles@192.0.2.10", 1);
    s.at(0).send(&a, &p, &invite);
    s.at(1).send(&p, &b, &invite.through(&p, "roles"));
    let p = participant(&s, &p);
    assert_eq!((p["role"].as_str(), p.get("stateful")), (Some("proxy"), None));
}

#[test]
fn who_acknowledges_a_refusal_first_keeps_transactions() {
    let (a, p, b) = (alice(), proxy(), bob());
    let mut s = Scene::new();
    let invite = Message::request("INVITE", &a, &b, "roles@192.0.2.10", 1);
    let on = invite.through(&p, "roles");
    s.at(0).send(&a, &p, &invite);
    s.at(1).send(&p, &b, &on);
    let no = on.reply(486, "Busy Here", &b);
    s.at(50).send(&b, &p, &no);
    s.at(51).send(&p, &b, &on.ack_to(&no));
    s.at(52).send(&p, &a, &no.back());
    s.at(54).send(&a, &p, &invite.ack_to(&no.back()));
    let told = participant(&s, &p);
    assert!(evidence(&told).contains(&"sent the ACK to 486 itself"), "{told}");
}

#[test]
fn ladders_name_the_part_under_the_address() {
    let room = Room::new();
    let text = room.decode(&["basic-call.pcap", "--width", "110"]).stdout;
    assert!(text.contains("proxy · record-routing"), "{text}");
    let text = room.decode(&["registration.pcap", "--all", "--width", "110"]).stdout;
    assert!(text.contains("uac · ExamplePhone 2.1") && text.contains("registrar · ExampleProxy 5"), "{text}");
    let text = room.decode(&["options.pcap", "--all", "--width", "110"]).stdout;
    assert!(text.contains("uac") && text.contains("uas"), "{text}");
    let text = room.decode(&["redirected.pcap", "--width", "110"]).stdout;
    assert!(text.contains("redirect"), "{text}");
    let path = room.path("stateless.pcap");
    std::fs::write(&path, repeated([true, true], false, false).pcap()).unwrap();
    let text = room.decode(&[path.to_str().unwrap(), "--width", "110"]).stdout;
    assert!(text.contains("stateless proxy"), "{text}");
}

#[test]
fn parts_in_registrations_and_exchanges_are_for_the_reader_only() {
    let json = Room::new().decode(&["registration.pcap", "--json"]).json();
    assert!(json["registrations"][0].get("participants").is_none());
}
