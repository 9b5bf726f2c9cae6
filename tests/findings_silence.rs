//! What is said of silence: for how long it lasted, what speaks against that the host is down, and who only waited for it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::found::{decode, nothing, only};
use support::message::{Host, Message};
use support::scene::{Connection, Scene};
use support::scenes::findings::reach::scenes::{invite, later, ping};
use support::scenes::{alice, bob, proxy};

/// The detail, and what is ruled out, of the first finding of a code.
fn told(document: &Value, code: &str) -> String {
    let all = document["findings"].as_array().unwrap();
    let f = all.iter().find(|f| f["code"] == code).unwrap_or_else(|| panic!("no {code}: {document}"));
    format!("{} {}", f["detail"], f["ruled_out"])
}

#[test]
fn nobody_waits_longer_than_64_t1_however_long_the_capture_goes_on() {
    let (a, b) = (alice(), bob());
    let silence = |until: u64| {
        let mut s = Scene::new();
        for at in [0, 500, 1500] {
            s.at(at).send(&a, &b, &ping(&a, &b, "spliced@192.0.2.10"));
        }
        later(&mut s, until);
        told(&decode(&s), "no-response")
    };
    // A file put together from captures of two days.
    let spliced = silence(86_400_000);
    assert!(spliced.contains("nothing came back in the 32 s for which a client waits (64·T1)."), "{spliced}");
    let short = silence(9_500);
    assert!(short.contains("nothing came back in the 8.0 s that were captured after it."), "{short}");
}

#[test]
fn what_a_silent_host_answered_is_named_with_its_sender() {
    let (a, p, b, id) = (alice(), proxy(), bob(), "once@192.0.2.10");
    let silence = |from: &Host, request: Message| {
        let first = invite(&a, &p, id);
        let mut s = Scene::new();
        s.at(0).send(&a, &p, &first).at(2).send(&p, &a, &first.reply(200, "OK", &p));
        s.at(5).send(&a, &p, &Message::inside("ACK", &a, &p, id, 1));
        for at in [3000, 3500, 4500] {
            s.at(at).send(from, &p, &request);
        }
        later(&mut s, 12_000);
        told(&decode(&s), "no-response")
    };
    let same = silence(&a, Message::inside("INFO", &a, &p, id, 2));
    assert!(same.contains("being down: it answered the INVITE of the same sender."), "{same}");
    let again = silence(&a, Message::inside("INVITE", &a, &p, id, 2));
    assert!(again.contains("being down: it answered another request of the same sender."), "{again}");
    let other = silence(&b, Message::inside("INFO", &b, &p, id, 7));
    assert!(other.contains("being down: it answered the INVITE of 192.0.2.10:5060."), "{other}");
}

#[test]
fn a_proxy_that_waited_for_a_silent_host_is_not_slow_itself() {
    let (a, p, b) = (Host { at: "192.0.2.10:40312".parse().unwrap(), ..alice() }, proxy(), bob());
    let request = ping(&a, &b, "hops@192.0.2.10").over("TCP");
    let forwarded = request.through(&p, "hops").over("UDP");
    let mut s = Scene::new();
    let mut c = Connection::open(&mut s, a.at, p.at);
    s.at(10);
    c.send(&mut s, 0, &request.bytes());
    for at in [20, 520, 1520, 3520] {
        s.at(at).send(&p, &b, &forwarded);
    }
    s.at(5020);
    c.send(&mut s, 1, &request.reply(408, "Request Timeout", &p).bytes());
    later(&mut s, 20_000);
    let document = decode(&s);
    only(&s, "no-response", "error", "did not answer the OPTIONS");
    let silence = told(&document, "no-response");
    assert!(silence.contains("It explains, too, why 192.0.2.1:5060 took 5.0 s to answer the OPTIONS"), "{silence}");
}

#[test]
fn what_a_client_sent_again_meanwhile_is_not_said_to_have_been_sent_once() {
    let (a, p, b) = (alice(), proxy(), bob());
    let request = ping(&a, &b, "again@192.0.2.10");
    let on = request.through(&p, "again");
    let mut s = Scene::new();
    for at in [0, 500, 1500, 3500] {
        s.at(at).send(&a, &p, &request).at(at + 1).send(&p, &b, &on);
    }
    s.at(5020).send(&p, &a, &request.reply(408, "Request Timeout", &p));
    later(&mut s, 20_000);
    only(&s, "no-response", "error", "It explains, too, why 192.0.2.1:5060 took 5.0 s to answer the OPTIONS");
    let document = decode(&s).to_string();
    assert!(!document.contains("nothing was sent twice"), "{document}");
}

#[test]
fn an_answer_that_the_network_refused_is_missed_only_where_it_is_the_answer() {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, "gone@192.0.2.10");
    let begun = || {
        let mut s = Scene::new();
        s.at(0).send(&a, &b, &request);
        s
    };
    let busy = request.reply(486, "Busy Here", &b);
    let mut s = begun();
    s.at(5).undeliverable(&b, &a, &busy, (3, 3));
    later(&mut s, 20_000);
    only(&s, "icmp-unreachable", "warning", "the 486 Busy Here to 192.0.2.10:5060 was refused by the network");
    // The caller has its answer, and has gone when the next one comes.
    let mut s = begun();
    s.at(5).send(&b, &a, &busy).at(8).send(&a, &b, &request.ack_to(&busy));
    s.at(20).undeliverable(&b, &a, &request.reply(180, "Ringing", &b), (3, 3));
    later(&mut s, 20_000);
    nothing(&s);
}
