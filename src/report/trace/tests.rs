use super::{Gather, Hop};
use crate::agent::trace::{Answer, End, Event, Probe};
use crate::report::active::{Candidate, Resolution, Timing};
use crate::transport::{Phase, TransportError};
use serde_json::json;
use std::time::Duration;

fn probe(hop: u8, status: u16, server: &str) -> Event {
    let answer = Answer {
        status,
        reason: if status == 200 { b"OK".to_vec() } else { b"Too Many Hops".to_vec() },
        from: Some("192.0.2.9:5060".parse().unwrap()),
        server: Some(server.as_bytes().to_vec()),
        ..Answer::default()
    };
    let rtt = Some(Duration::from_micros(1500));
    let answer = Some(answer);
    Event::Probe(Box::new(Probe { hop, candidate: 0, sends: 1, rtt, first_response: rtt, answer, refused: false }))
}

fn silent(hop: u8) -> Event {
    let bare = Probe { hop, candidate: 0, sends: 4, rtt: None, first_response: None, answer: None, refused: false };
    Event::Probe(Box::new(bare))
}

fn gathered(events: &[Event]) -> (Gather, Vec<u8>) {
    let mut gather = Gather::default();
    let complete = events.iter().filter_map(|event| gather.note(event).map(|hop| hop.hop)).collect();
    (gather, complete)
}

fn verdict(events: &[Event]) -> (u8, String) {
    let verdict = gathered(events).0.verdict();
    assert_eq!(verdict.ok, verdict.code == 0);
    (verdict.code, verdict.reason)
}

#[test]
fn the_document_has_what_the_contract_says() {
    let events = [probe(1, 483, "p1"), silent(1), probe(2, 200, "target"), Event::Ended(End::Reached)];
    let (gather, _) = gathered(&events);
    let candidate = Candidate {
        transport: "udp".to_owned(),
        address: "192.0.2.9:5060".to_owned(),
        host: None,
        priority: None,
        weight: None,
        how: "as given".to_owned(),
        outcome: None,
    };
    let resolution = Resolution { candidates: vec![candidate], ..Resolution::default() };
    let line = Timing { dns_ms: Some(4.0), ..Timing::default() };
    let report = gather.report("192.0.2.9", "OPTIONS", resolution, line, None);
    let value = serde_json::to_value(&report).unwrap();
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.starts_with("{\"schema\":\"sipctl.trace/1\",\"target\":\"192.0.2.9\""), "{text}");
    assert_eq!(value["result"], json!({"ok": true, "code": 0, "reason": "200 OK at hop 2"}));
    assert_eq!(value["timing"], json!({"dns_ms": 4.0, "first_response_ms": 1.5, "final_ms": 1.5}));
    assert_eq!(
        (&value["resolution"]["used"], &value["resolution"]["candidates"][0]["outcome"]),
        (&json!(0), &json!("answered"))
    );
    let hop = json!({"hop": 1, "who": "192.0.2.9:5060", "probes": [
        {"rtt_ms": 1.5, "status": 483, "reason": "Too Many Hops", "from": "192.0.2.9:5060", "server": "p1",
         "via_received": null, "warning": null, "sends": 1},
        {"rtt_ms": null, "status": null, "reason": null, "from": null, "server": null,
         "via_received": null, "warning": null, "sends": 4}]});
    assert_eq!(value["hops"][0], hop);
    assert_eq!(value["hops"][1]["who"], "target", "the address is the first hop's");
    let summary = serde_json::to_value(report.summary()).unwrap();
    assert_eq!((&summary["hops"], &summary["result"]["code"]), (&json!(2), &json!(0)));
}

#[test]
fn a_hop_is_told_once_and_when_it_is_complete() {
    let events = [probe(1, 483, "a"), silent(1), silent(2), silent(2), probe(3, 200, "b"), Event::Ended(End::Reached)];
    assert_eq!(gathered(&events).1, [1, 2, 3]);
    assert_eq!(gathered(&[Event::Ended(End::Stopped)]).1, [] as [u8; 0]);
    let (gather, told) = gathered(&[probe(1, 483, "a"), Event::Ended(End::Stopped)]);
    assert_eq!((told, gather.hops().len()), (vec![1], 1));
}

#[test]
fn every_end_has_its_exit_code_and_words() {
    let hop = |status| probe(1, status, "a");
    let failed = TransportError::new(Phase::Receive, "port-unreachable", "no one listens at 192.0.2.9:5060");
    assert_eq!(verdict(&[hop(200), Event::Ended(End::Reached)]), (0, "200 OK at hop 1".to_owned()));
    assert_eq!(verdict(&[hop(483), Event::Ended(End::TooFar)]).0, 1);
    assert_eq!(verdict(&[hop(482), Event::Ended(End::LoopDetected)]).0, 1);
    let same = verdict(&[hop(483), probe(2, 483, "a"), Event::Ended(End::SameSince(1))]);
    assert_eq!(same, (1, "loop: hops 1 to 2 are the same server again and again".to_owned()));
    assert_eq!(verdict(&[silent(1), Event::Ended(End::SilentAfter(0))]), (3, "no answer".to_owned()));
    let behind = verdict(&[hop(483), silent(2), Event::Ended(End::SilentAfter(1))]);
    assert_eq!(behind, (3, "nothing answers behind hop 1".to_owned()));
    let unreachable = verdict(&[Event::Ended(End::Failed(failed))]);
    assert_eq!(unreachable, (4, "no one listens at 192.0.2.9:5060".to_owned()));
    assert_eq!(verdict(&[hop(483), Event::Ended(End::Stopped)]).0, 130);
    let Event::Probe(mut refused) = hop(200) else { panic!() };
    refused.refused = true;
    assert_eq!(verdict(&[Event::Probe(refused), Event::Ended(End::Reached)]).0, 5);
}

#[test]
fn candidates_that_failed_say_why() {
    let events = [Event::Moved { from: 0, why: "no answer in 5 s".to_owned() }, Event::Ignored(None)];
    let (gather, _) = gathered(&events);
    assert_eq!((gather.used, gather.ignored), (1, 1));
    assert_eq!(gather.failed, [(0, "no answer in 5 s".to_owned())]);
}

#[test]
fn the_same_mark_names_the_earlier_hop() {
    let marked = |hop, mark: &str| {
        let Event::Probe(mut probe) = probe(hop, 483, "kamailio") else { panic!() };
        probe.answer.as_mut().unwrap().instance = Some(mark.as_bytes().to_vec());
        Event::Probe(probe)
    };
    let (gather, _) = gathered(&[marked(1, "x"), marked(1, "x"), marked(2, "y"), marked(3, "x")]);
    assert_eq!(gather.hops().iter().map(|hop: &Hop| hop.same_as).collect::<Vec<_>>(), [None, None, Some(1)]);
}
