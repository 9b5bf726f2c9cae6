//! What findings of the group `reach` say in cases that one capture a code does not show: which direction lost a packet, and what is no finding.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use std::process::Command;
use support::message::{Host, Message};
use support::scene::{Connection, Scene};
use support::scenes::findings::reach::scenes::{invite, later, media, ping, rest};
use support::scenes::{alice, bob, proxy};
use support::tls;

/// What `decode` says of a capture.
fn decode(name: &str, capture: &[u8]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{name}.pcap"));
    std::fs::write(&path, capture).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", "--json"]).arg(&path).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Code, severity and title of each finding that is an error or a warning.
fn grave(document: &Value) -> Vec<(String, String)> {
    let all = document["findings"].as_array().unwrap().iter().filter(|f| f["severity"] != "info");
    all.map(|f| (f["code"].as_str().unwrap().to_owned(), f["title"].as_str().unwrap().to_owned())).collect()
}

/// The only finding of weight: its code, and what its title ends with.
#[track_caller]
fn only(name: &str, scene: &Scene, code: &str, end: &str) {
    let found = grave(&decode(name, &scene.pcap()));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, code);
    assert!(found[0].1.ends_with(end), "{}", found[0].1);
}

#[track_caller]
fn nothing(name: &str, scene: &Scene) {
    let found = grave(&decode(name, &scene.pcap()));
    assert!(found.is_empty(), "{found:?}");
}

/// A final response to the same BYE, each time that it comes.
fn bye_of_a_call(s: &mut Scene, sends: &[u64], answers: &[u64]) {
    let (a, b, id) = (alice(), bob(), "bye@192.0.2.10");
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    s.at(2).send(&b, &a, &request.reply(100, "Trying", &b));
    s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b));
    s.at(800).send(&b, &a, &request.reply(200, "OK", &b).sdp(&support::scenes::findings::reach::scenes::answer(&b)));
    s.at(803).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
    let bye = Message::inside("BYE", &a, &b, id, 2);
    for &at in sends {
        s.at(at).send(&a, &b, &bye);
    }
    for &at in answers {
        s.at(at).send(&b, &a, &bye.reply(200, "OK", &b));
    }
}

#[test]
fn a_request_that_is_answered_right_after_a_repeat_was_lost_before() {
    let mut s = Scene::new();
    bye_of_a_call(&mut s, &[4000, 4500, 5500], &[5503]);
    only("request-lost", &s, "retransmission", "the first 2 were lost on the way to 198.51.100.20:5060");
}

#[test]
fn a_request_that_comes_again_behind_its_answer_did_not_get_it() {
    let mut s = Scene::new();
    bye_of_a_call(&mut s, &[4000, 4500, 5500], &[4003, 4503, 5503]);
    only(
        "response-lost",
        &s,
        "retransmission",
        "the answer of 198.51.100.20:5060 was lost on the way to 192.0.2.10:5060",
    );
}

#[test]
fn answers_to_every_repeat_at_once_come_from_a_slow_host() {
    let mut s = Scene::new();
    bye_of_a_call(&mut s, &[4000, 4500, 5500], &[6300, 6310, 6320]);
    only("slow", &s, "retransmission", "198.51.100.20:5060 took 2.3 s to answer");
}

#[test]
fn an_answer_between_two_repeats_comes_from_a_slow_host() {
    let mut s = Scene::new();
    bye_of_a_call(&mut s, &[4000, 4500, 5500], &[6300]);
    only("slow-once", &s, "retransmission", "198.51.100.20:5060 took 2.3 s to answer");
}

/// A call whose 200 is sent at several instants, and acknowledged at others.
fn two_hundred(sends: &[u64], acks: &[u64]) -> Scene {
    let (a, b, id) = (alice(), bob(), "ok@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    s.at(2).send(&b, &a, &request.reply(180, "Ringing", &b));
    let ok = request.reply(200, "OK", &b).sdp(&support::scenes::findings::reach::scenes::answer(&b));
    for &at in sends {
        s.at(at).send(&b, &a, &ok);
    }
    for &at in acks {
        s.at(at).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
    }
    let bye = Message::inside("BYE", &a, &b, id, 2);
    s.at(9000).send(&a, &b, &bye);
    s.at(9003).send(&b, &a, &bye.reply(200, "OK", &b));
    s
}

#[test]
fn a_lost_200_is_told_from_a_lost_ack_and_from_a_slow_caller() {
    only(
        "ok-lost",
        &two_hundred(&[800, 1300], &[1303]),
        "retransmission",
        "the first was lost on the way to 192.0.2.10:5060",
    );
    only(
        "ack-lost",
        &two_hundred(&[800, 1300], &[803, 1303]),
        "retransmission",
        "the ACK was lost on the way to 198.51.100.20:5060",
    );
    only(
        "slow-ack",
        &two_hundred(&[800, 1300], &[1700]),
        "retransmission",
        "192.0.2.10:5060 took 0.9 s to send its ACK",
    );
}

#[test]
fn a_proxy_that_passed_the_first_one_on_had_it() {
    let (a, p, b) = (alice(), proxy(), bob());
    let mut s = Scene::new();
    let request = Message::request("MESSAGE", &a, &b, "page@192.0.2.10", 1).body("text/plain", "hello");
    let on = request.through(&p, "page");
    s.at(0).send(&a, &p, &request);
    s.at(2).send(&p, &b, &on);
    s.at(500).send(&a, &p, &request);
    s.at(700).send(&b, &p, &on.reply(200, "OK", &b));
    s.at(701).send(&p, &a, &on.reply(200, "OK", &b).back());
    later(&mut s, 6000);
    let found = grave(&decode("passed-on", &s.pcap()));
    assert!(
        found.iter().any(|(c, t)| c == "retransmission" && t.contains("had it and gave no answer for 0.7 s")),
        "{found:?}"
    );
}

#[test]
fn silence_after_a_long_request_names_its_length_and_is_one_finding() {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, "long@192.0.2.10").with("X-Padding", &"x".repeat(900));
    let mut s = Scene::new();
    for at in [0, 500, 1500, 3500] {
        s.at(at).send(&a, &b, &request);
    }
    only("long-silence", &s, "no-response", "did not answer the INVITE");
    let d = decode("long-silence", &s.pcap());
    assert!(d["findings"][0]["detail"].as_str().unwrap().contains(&format!("It has {} bytes", request.bytes().len())));
}

#[test]
fn a_fixed_interval_is_a_broken_timer_and_a_lower_t2_is_none() {
    let times = |sends: &[u64], answer: u64| {
        let (a, p) = (alice(), proxy());
        let request = Message::request("REGISTER", &a, &p, "often@192.0.2.10", 1);
        let mut s = Scene::new();
        sends.iter().for_each(|&at| {
            s.at(at).send(&a, &p, &request);
        });
        s.at(answer).send(
            &p,
            &a,
            &request.reply(200, "OK", &p).with("Contact", "<sip:alice@192.0.2.10:5060>;expires=60"),
        );
        s
    };
    only("fixed", &times(&[0, 1000, 2000, 3000, 4000], 4003), "timer-violation", "every 1.0 s: Timer E doubles");
    let low = grave(&decode("low-t2", &times(&[0, 500, 1500, 3500, 5500, 7500], 7503).pcap()));
    assert!(low.iter().all(|(code, _)| code == "retransmission"), "{low:?}");
}

#[test]
fn rtp_that_is_refused_while_the_call_is_up_is_told_with_its_stream() {
    let d = decode("refused-rtp", &media(true));
    let told = d["findings"].as_array().unwrap().iter().find(|f| f["code"] == "icmp-unreachable").unwrap();
    assert_eq!((told["severity"].as_str(), told["confidence"].as_str()), (Some("error"), Some("certain")));
    let stream = d["streams"].as_array().unwrap().iter().find(|s| s["id"] == told["stream"]).unwrap();
    assert_eq!(stream["dst"], "198.51.100.20:50000");
}

#[test]
fn a_connection_that_is_reset_while_idle_is_only_worth_knowing() {
    let (a, b) = (Host { at: "192.0.2.10:40312".parse().unwrap(), ..alice() }, bob());
    let request = ping(&a, &b, "idle@192.0.2.10").over("TCP");
    let mut s = Scene::new();
    let mut c = Connection::open(&mut s, a.at, b.at);
    c.send(&mut s, 0, &request.bytes());
    c.send(&mut s, 1, &request.reply(200, "OK", &b).bytes());
    s.at(3000);
    c.reset(&mut s, 1);
    let d = decode("idle-reset", &s.pcap());
    assert!(grave(&d).is_empty());
    assert_eq!(d["findings"][0]["code"], "tcp-reset");
}

#[test]
fn a_connection_that_the_server_closes_is_told_where_it_owes_an_answer() {
    let (a, b) = (Host { at: "192.0.2.10:40312".parse().unwrap(), ..alice() }, bob());
    let (first, second) = (ping(&a, &b, "first@192.0.2.10").over("TCP"), ping(&a, &b, "second@192.0.2.10").over("TCP"));
    let closed = |by: usize, also: bool| {
        let mut s = Scene::new();
        let mut c = Connection::open(&mut s, a.at, b.at);
        c.send(&mut s, 0, &first.bytes());
        c.send(&mut s, 1, &first.reply(200, "OK", &b).bytes());
        if also {
            s.at(1000);
            c.send(&mut s, 0, &second.bytes());
        }
        s.at(3000);
        c.close_by(&mut s, by);
        later(&mut s, 40_000);
        s
    };
    let end = "closed the TCP connection from 192.0.2.10:40312 without an answer";
    only("closed-owing", &closed(1, true), "tcp-closed", end);
    let d = decode("closed-owing-again", &closed(1, true).pcap());
    assert!(d["findings"][0]["detail"].to_string().contains("2.0 s after the request"), "{}", d["findings"][0]);
    // Who asked and left waits for nothing.
    only("closed-by-client", &closed(0, true), "no-response", "did not answer the OPTIONS");
    nothing("closed-idle", &closed(1, false));
    // That some connection ends says nothing of a datagram.
    let mut s = closed(1, true);
    let lost = ping(&a, &b, "lost@192.0.2.10");
    for at in [500, 1000, 2000, 4000, 8000, 12_000, 16_000, 20_000] {
        s.at(at).send(&a, &b, &lost);
    }
    let mut found: Vec<String> = grave(&decode("closed-beside", &s.pcap())).into_iter().map(|(code, _)| code).collect();
    found.sort();
    assert_eq!(found, ["no-response", "tcp-closed"]);
    // A Content-Length beyond the end: the client waits for the rest of the answer, and gives up.
    let mut s = Scene::new();
    let mut c = Connection::open(&mut s, a.at, b.at);
    c.send(&mut s, 0, &first.bytes());
    c.send(&mut s, 1, &first.reply(200, "OK", &b).with("Content-Length", "400").bytes());
    s.at(5000);
    c.close_by(&mut s, 0);
    later(&mut s, 40_000);
    only("too-long", &s, "no-response", "did not answer the OPTIONS");
    let d = decode("too-long-again", &s.pcap());
    assert!(d["findings"][0]["detail"].to_string().contains("An answer had begun"), "{}", d["findings"][0]);
}

#[test]
fn a_reset_in_the_middle_of_a_message_is_an_error() {
    let (a, b) = (Host { at: "192.0.2.10:40312".parse().unwrap(), ..alice() }, bob());
    let first = ping(&a, &b, "first@192.0.2.10").over("TCP");
    let second = invite(&a, &b, "second@192.0.2.10").over("TCP").bytes();
    let mut s = Scene::new();
    let mut c = Connection::open(&mut s, a.at, b.at);
    c.send(&mut s, 0, &first.bytes());
    c.send(&mut s, 1, &first.reply(200, "OK", &b).bytes());
    c.send(&mut s, 0, &second[..200]);
    s.at(3000);
    c.reset(&mut s, 1);
    only("cut-reset", &s, "tcp-reset", "reset the TCP connection between 192.0.2.10:40312 and 198.51.100.20:5060");
}

#[test]
fn a_refused_connection_is_told_once_and_not_at_all_as_a_fault_where_udp_served() {
    let (a, b) = (alice(), bob());
    let refused = |s: &mut Scene, port: u16, server: &str| {
        Connection::refused(s, format!("192.0.2.10:{port}").parse().unwrap(), server.parse().unwrap());
    };
    let mut s = Scene::new();
    for (n, port) in [40_001, 40_002, 40_003].into_iter().enumerate() {
        s.at(1000 * n as u64);
        refused(&mut s, port, "198.51.100.20:5060");
    }
    let d = decode("refused-thrice", &s.pcap());
    assert_eq!(grave(&d).len(), 1);
    assert!(d["findings"][0]["detail"].as_str().unwrap().contains("tried 3 times"), "{d}");
    let request = invite(&a, &b, "fallback@192.0.2.10");
    s.at(4000).send(&a, &b, &request);
    rest(&mut s, 4003, &a, &b, &request);
    nothing("fallback", &s);
    let mut other = Scene::new();
    refused(&mut other, 40_001, "198.51.100.20:8080");
    nothing("other-port", &other);
}

/// A TLS handshake up to what the client says, on a port.
fn handshake(port: u16, hello: &[u8], then: &[u8]) -> Scene {
    let (client, server) = ("192.0.2.10:40312".parse().unwrap(), format!("198.51.100.20:{port}").parse().unwrap());
    let mut s = Scene::new();
    let mut c = Connection::open(&mut s, client, server);
    c.send(&mut s, 0, hello);
    c.send(&mut s, 1, &tls::server_hello(&tls::certificate("a", "b", "240101000000Z", "270101000000Z")));
    c.send(&mut s, 0, then);
    c.close(&mut s);
    s
}

#[test]
fn tls_that_fails_is_told_on_ports_that_may_be_those_of_sip() {
    let hello = tls::client_hello("sip.example.com");
    let end = "192.0.2.10:40312 sent the alert unknown_ca (48)";
    only("unknown-ca", &handshake(5061, &hello, &tls::alert(48)), "tls-failed", end);
    only("odd-port", &handshake(20_061, &hello, &tls::alert(48)), "tls-failed", end);
    let d = decode("alert-frame", &handshake(5061, &hello, &tls::alert(48)).pcap());
    assert!(
        d["findings"][0]["detail"].as_str().unwrap().contains("in frame 6, says that it does not know the authority"),
        "{d}"
    );
    nothing("web", &handshake(443, &hello, &tls::alert(48)));
    nothing("goodbye", &handshake(5061, &hello, &[tls::finished(), tls::data(100), tls::alert(0)].concat()));
}

#[test]
fn a_client_hello_that_nothing_answers_depends_on_the_port() {
    let silent = |port: u16| {
        let (client, server) = ("192.0.2.10:40312".parse().unwrap(), format!("198.51.100.20:{port}").parse().unwrap());
        let mut s = Scene::new();
        let mut c = Connection::open(&mut s, client, server);
        c.send(&mut s, 0, &tls::client_hello("sip.example.com"));
        s.at(5000);
        c.close(&mut s);
        s
    };
    only("plain-silent", &silent(5060), "tls-on-plain-port", "which speaks plain SIP");
    only("tls-silent", &silent(5061), "tls-failed", "198.51.100.20:5061 did not answer the ClientHello");
    nothing("elsewhere", &silent(8080));
}

/// A MESSAGE in four fragments of which some are missing, after one that arrived whole or, as with a port filter, in its first fragment alone.
fn in_part(lost: &[usize], answered: bool) -> Scene {
    let (a, b) = (alice(), bob());
    let long = |id: &str| Message::request("MESSAGE", &a, &b, id, 1).body("text/plain", &"x".repeat(900));
    let part = long("part@192.0.2.10");
    let mut s = Scene::new();
    s.at(0).fragmented(&a, &b, &part, 400, lost);
    if answered {
        s.at(5).send(&b, &a, &part.reply(200, "OK", &b));
    }
    later(&mut s, 3000);
    s
}

#[test]
fn an_incomplete_message_is_told_unless_the_capture_lacks_the_rest() {
    let end = "is incomplete: IP fragments of it are missing";
    only("last-missing", &in_part(&[3], false), "fragment-lost", end);
    only("middle-missing", &in_part(&[1], false), "fragment-lost", end);
    nothing("port-filter", &in_part(&[1, 2, 3], false));
    nothing("answered", &in_part(&[3], true));
}

#[test]
fn without_its_first_fragment_a_message_is_known_by_others_between_the_same_hosts() {
    let mut s = in_part(&[], true);
    let (a, b) = (alice(), bob());
    let again = Message::request("MESSAGE", &a, &b, "again@192.0.2.10", 1).body("text/plain", &"y".repeat(900));
    s.at(200).fragmented(&a, &b, &again, 400, &[0]);
    only("first-missing", &s, "fragment-lost", "is incomplete: IP fragments of it are missing");
    nothing("no-others", &in_part(&[0], false));
}

/// What a router quotes of a datagram at least: the IP header and eight bytes. RFC 792
fn quoted_short(packet: &[u8]) -> Vec<u8> {
    packet[..28].to_vec()
}

#[test]
fn an_icmp_error_that_quotes_no_message_explains_the_silence_on_its_flow() {
    let (a, p) = (alice(), proxy());
    let request = Message::request("REGISTER", &a, &p, "short@192.0.2.10", 1);
    let mut s = Scene::new();
    for at in [0, 500, 1500, 3500] {
        let packet = s.udp_packet(a.at, p.at, &request.bytes());
        s.at(at).frame(support::wire::ethernet(&packet));
        s.at(at + 1).icmp("192.0.2.254".parse().unwrap(), (3, 1), &quoted_short(&packet));
    }
    only("short-quote", &s, "icmp-unreachable", "was refused by the network: host unreachable");
}

#[test]
fn a_tls_port_may_close_without_a_word_on_plain_sip() {
    let (a, b) = (
        Host { at: "192.0.2.10:40312".parse().unwrap(), ..alice() },
        Host { at: "198.51.100.20:5061".parse().unwrap(), ..bob() },
    );
    for by_reset in [true, false] {
        let mut s = Scene::new();
        let mut c = Connection::open(&mut s, a.at, b.at);
        c.send(&mut s, 0, &ping(&a, &b, "closed@192.0.2.10").over("TCP").bytes());
        s.at(500);
        if by_reset {
            c.reset(&mut s, 1);
        } else {
            c.close_by(&mut s, 1);
        }
        later(&mut s, 7000);
        only("plain-closed", &s, "plain-on-tls-port", "which speaks TLS");
    }
}

#[test]
fn an_options_with_a_small_count_is_how_hops_are_asked_for() {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let request = ping(&a, &p, "hop@192.0.2.10").set("Max-Forwards", "0");
    s.at(0).send(&a, &p, &request);
    s.at(1).send(&p, &a, &request.reply(483, "Too Many Hops", &p));
    nothing("traceroute", &s);
}

#[test]
fn a_connection_that_nobody_answers_is_told_once_and_by_what_it_is() {
    let (a, b) = (alice(), bob());
    let client = |port: u16| std::net::SocketAddr::new(a.at.ip(), port);
    let syns = |s: &mut Scene, at: &[u64]| {
        Connection::unanswered(s, client(40_312), b.at, at);
    };
    // Copies of one SYN, as a capture on all devices has them, are no repeats; nor does a second say much.
    for sends in [&[0, 1, 2, 3][..], &[0, 1000], &[0]] {
        let mut s = Scene::new();
        syns(&mut s, sends);
        nothing("too-few", &s);
    }
    let mut s = Scene::new();
    syns(&mut s, &[0, 1000]);
    later(&mut s, 6000);
    only("two", &s, "tcp-unanswered", "198.51.100.20:5060 did not answer the TCP connection from 192.0.2.10");
    // One client that tries again from other ports is one finding.
    let mut s = Scene::new();
    for (port, at) in [(40_312, 0), (40_313, 10_000), (40_314, 20_000)] {
        Connection::unanswered(&mut s, client(port), b.at, &[at, at + 1000, at + 3000]);
    }
    only("tries", &s, "tcp-unanswered", "from 192.0.2.10");
    let d = decode("tries", &s.pcap());
    let detail = d["findings"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("sent 3 times over 3.0 s") && detail.contains("It was tried 3 times"), "{detail}");
    // A port that has nothing to do with SIP.
    let mut s = Scene::new();
    Connection::unanswered(&mut s, client(40_312), std::net::SocketAddr::new(b.at.ip(), 443), &[0, 1000, 3000]);
    nothing("web", &s);
    // What UDP got no answer from either is one story.
    let mut s = Scene::new();
    let request = ping(&a, &b, "silent@192.0.2.10");
    for at in [0, 500, 1500, 3500, 7500] {
        s.at(at).send(&a, &b, &request);
    }
    syns(&mut s, &[8000, 9000, 11_000]);
    later(&mut s, 60_000);
    let d = decode("both", &s.pcap());
    assert_eq!(grave(&d).iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), ["no-response"], "{:#?}", d["findings"]);
    assert!(d["findings"][0]["detail"].as_str().unwrap().contains("TCP connections to it got no answer either"));
}

#[test]
fn a_certificate_that_should_have_been_refused_is_told_once_for_each_server() {
    let hello = tls::client_hello("sip.example.com");
    let talk = |s: &mut Scene, port: u16, certificate: &[u8]| {
        let (a, b) = (std::net::SocketAddr::new(alice().at.ip(), port), std::net::SocketAddr::new(bob().at.ip(), 5061));
        let mut c = Connection::open(s, a, b);
        c.send(s, 0, &hello);
        c.send(s, 1, &tls::server_hello(certificate));
        c.send(s, 0, &[tls::finished(), tls::data(400)].concat());
        c.send(s, 1, &[tls::finished(), tls::data(300)].concat());
        c.close(s);
    };
    let (from, to) = ("240101000000Z", "270101000000Z");
    let own = tls::certificate("sip.example.com", "sip.example.com", from, to);
    let mut s = Scene::new();
    for port in 40_000..40_004 {
        talk(&mut s, port, &own);
    }
    only("self-signed", &s, "tls-certificate", "over TLS although the server's certificate is signed by itself");
    let mut s = Scene::new();
    talk(&mut s, 40_000, &tls::certificate("pbx.example.com", "Example CA", from, to));
    only("name", &s, "tls-certificate", "the server's certificate is for pbx.example.com, not for sip.example.com");
    let mut s = Scene::new();
    talk(&mut s, 40_000, &tls::certificate("*.example.com", "Example CA", from, to));
    nothing("star", &s);
}
