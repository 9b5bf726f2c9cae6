//! Calls, as they go and as they fail.

use super::{alice, bob, carol, proxy};
use crate::support::media::{ANSWER, OFFER, Talk, sdp};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;
use std::net::SocketAddr;

/// Where a host receives RTP.
fn rtp(host: &Host, port: u16) -> SocketAddr {
    SocketAddr::new(host.at.ip(), port)
}

fn offer(host: &Host) -> String {
    sdp(rtp(host, 40_000), 1, &OFFER, &["sendrecv"])
}

fn answer(host: &Host) -> String {
    sdp(rtp(host, 50_000), 1, &ANSWER, &["sendrecv"])
}

fn invite(from: &Host, to: &Host, call_id: &str) -> Message {
    Message::request("INVITE", from, to, call_id, 1).sdp(&offer(from))
}

const NONCE: &str = "Digest realm=\"example.com\", nonce=\"5f1b7c\", algorithm=MD5, qop=\"auth\"";
const CREDENTIALS: &str = "Digest username=\"alice\", realm=\"example.com\", nonce=\"5f1b7c\", uri=\"sip:bob@example.com\", \
    response=\"0123456789abcdef0123456789abcdef\", algorithm=MD5, cnonce=\"1\", nc=00000001, qop=auth";

/// The first exchange of an authenticated call: INVITE, 407, ACK.
fn challenge(s: &mut Scene, a: &Host, p: &Host, first: &Message) {
    let refused = first.reply(407, "Proxy Authentication Required", p).with("Proxy-Authenticate", NONCE);
    s.at(0).send(a, p, first);
    s.at(1).send(p, a, &refused);
    s.at(2).send(a, p, &first.ack_to(&refused));
}

/// A call through a proxy, with all that LADDER pictures show.
pub fn basic() -> Vec<u8> {
    let (a, p, b, id) = (alice(), proxy(), bob(), "8231@192.0.2.10");
    let mut s = Scene::new();
    challenge(&mut s, &a, &p, &invite(&a, &b, id));
    let second = Message::request("INVITE", &a, &b, id, 2).with("Proxy-Authorization", CREDENTIALS).sdp(&offer(&a));
    s.at(4).send(&a, &p, &second);
    s.at(5).send(&p, &a, &second.reply(100, "Trying", &p));
    let sent_on = second.through(&p, "p2").at_uri("sip:bob@198.51.100.20:5060");
    s.at(6).send(&p, &b, &sent_on);
    let ringing = sent_on.reply(180, "Ringing", &b);
    s.at(310).send(&b, &p, &ringing);
    s.at(311).send(&p, &a, &ringing.back());
    let ok = sent_on.reply(200, "OK", &b).sdp(&answer(&b));
    for (n, at) in [2510, 3010, 4010].into_iter().enumerate() {
        s.at(at).send(&b, &p, &ok);
        // Twice the way from the proxy to alice loses it behind the place of capture.
        s.at(at + 1).send(&p, &a, &ok.back());
        assert!(n < 3);
    }
    let route = format!("<sip:{};lr>", p.at);
    let ack = Message::inside("ACK", &a, &b, id, 2).with("Route", &route);
    s.at(4020).send(&a, &p, &ack);
    s.at(4021).send(&p, &b, &ack.through(&p, "p3"));
    Talk::new(rtp(&a, 40_000), rtp(&b, 50_000), 0xa11c_e001).run(&mut s, 2530, 5530);
    Talk::new(rtp(&b, 50_000), rtp(&a, 40_000), 0xb0b0_0001).run(&mut s, 2540, 5540);
    let bye = Message::inside("BYE", &a, &b, id, 3).with("Route", &route);
    s.at(5600).send(&a, &p, &bye);
    let bye_on = bye.through(&p, "p4");
    s.at(5601).send(&p, &b, &bye_on);
    let done = bye_on.reply(200, "OK", &b);
    s.at(5610).send(&b, &p, &done);
    s.at(5611).send(&p, &a, &done.back());
    s.pcap()
}

/// INVITE, 100, a refusal, ACK: straight from caller to callee.
fn refused(s: &mut Scene, at: u64, call_id: &str, refusal: impl FnOnce(&Message, &Host) -> Message) {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, call_id);
    s.at(at).send(&a, &b, &request);
    s.at(at + 2).send(&b, &a, &request.reply(100, "Trying", &b));
    let no = refusal(&request, &b);
    s.at(at + 40).send(&b, &a, &no);
    s.at(at + 42).send(&a, &b, &request.ack_to(&no));
}

/// 486.
pub fn busy() -> Vec<u8> {
    let mut s = Scene::new();
    refused(&mut s, 0, "busy@192.0.2.10", |r, b| {
        r.reply(486, "Busy Here", b).with("Reason", "Q.850;cause=17;text=\"User busy\"")
    });
    s.pcap()
}

/// 302.
pub fn redirected() -> Vec<u8> {
    let mut s = Scene::new();
    refused(&mut s, 0, "redirected@192.0.2.10", |r, b| {
        r.reply(302, "Moved Temporarily", b)
            .with("Contact", "<sip:carol@198.51.100.30>;q=0.9, <sip:bob@voicemail.example.com>;q=0.1")
    });
    s.pcap()
}

/// 488.
pub fn rejected() -> Vec<u8> {
    let mut s = Scene::new();
    refused(&mut s, 0, "rejected@192.0.2.10", |r, b| {
        r.reply(488, "Not Acceptable Here", b).with("Warning", "304 example.com \"Media type not available\"")
    });
    s.pcap()
}

/// CANCEL.
pub fn cancelled() -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    let request = invite(&a, &b, "cancelled@192.0.2.10");
    s.at(0).send(&a, &b, &request);
    s.at(2).send(&b, &a, &request.reply(100, "Trying", &b));
    s.at(150).send(&b, &a, &request.reply(180, "Ringing", &b));
    let cancel = request.cancel();
    s.at(6000).send(&a, &b, &cancel);
    s.at(6003).send(&b, &a, &cancel.reply(200, "OK", &b));
    let terminated = request.reply(487, "Request Terminated", &b);
    s.at(6004).send(&b, &a, &terminated);
    s.at(6006).send(&a, &b, &request.ack_to(&terminated));
    s.pcap()
}

/// Timer A doubles from 500 ms until Timer B ends it after 32 s. RFC 3261 §17.1.1.2
pub fn no_response() -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    let request = invite(&a, &b, "silence@192.0.2.10");
    for at in [0, 500, 1500, 3500, 7500, 15_500, 31_500] {
        s.at(at).send(&a, &b, &request);
    }
    s.pcap()
}

/// Timer G repeats the 200 OK until 64*T1 have passed. RFC 3261 §13.3.1.4
pub fn ack_missing() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "no-ack@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b));
    let ok = request.reply(200, "OK", &b).sdp(&answer(&b));
    for at in [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500] {
        s.at(1000 + at).send(&b, &a, &ok);
    }
    let bye = Message::inside("BYE", &b, &a, id, 1);
    s.at(33_000).send(&b, &a, &bye);
    s.at(33_004).send(&a, &b, &bye.reply(200, "OK", &a));
    s.pcap()
}

/// INVITE, 180, 200, ACK between two phones.
fn answered(s: &mut Scene, at: u64, a: &Host, b: &Host, id: &str) {
    let request = invite(a, b, id);
    s.at(at).send(a, b, &request);
    s.at(at + 120).send(b, a, &request.reply(180, "Ringing", b));
    s.at(at + 900).send(b, a, &request.reply(200, "OK", b).sdp(&answer(b)));
    s.at(at + 904).send(a, b, &Message::inside("ACK", a, b, id, 1));
}

/// BYE and 200.
fn hang_up(s: &mut Scene, at: u64, from: &Host, to: &Host, id: &str, cseq: u32) {
    let bye = Message::inside("BYE", from, to, id, cseq);
    s.at(at).send(from, to, &bye);
    s.at(at + 5).send(to, from, &bye.reply(200, "OK", to));
}

/// Hold and retrieve.
pub fn hold() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "hold@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, 0, &a, &b, id);
    for (n, at, mine, theirs) in [(2, 3000, "sendonly", "recvonly"), (3, 8000, "sendrecv", "sendrecv")] {
        let request = Message::inside("INVITE", &a, &b, id, n).sdp(&sdp(rtp(&a, 40_000), n, &ANSWER, &[mine]));
        s.at(at).send(&a, &b, &request);
        let ok = request.reply(200, "OK", &b).sdp(&sdp(rtp(&b, 50_000), n, &ANSWER, &[theirs]));
        s.at(at + 30).send(&b, &a, &ok);
        s.at(at + 33).send(&a, &b, &Message::inside("ACK", &a, &b, id, n));
    }
    hang_up(&mut s, 12_000, &b, &a, id, 1);
    s.pcap()
}

/// Reliable provisional responses. RFC 3262 §3
pub fn prack() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "prack@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id).with("Supported", "100rel");
    s.at(0).send(&a, &b, &request);
    s.at(2).send(&b, &a, &request.reply(100, "Trying", &b));
    for (n, at, status, reason) in [(1u32, 80, 183, "Session Progress"), (2, 400, 180, "Ringing")] {
        let early = request.reply(status, reason, &b).with("Require", "100rel").with("RSeq", &n.to_string());
        let early = if n == 1 { early.sdp(&answer(&b)) } else { early };
        s.at(at).send(&b, &a, &early);
        let prack = Message::inside("PRACK", &a, &b, id, 1 + n).with("RAck", &format!("{n} 1 INVITE"));
        s.at(at + 4).send(&a, &b, &prack);
        s.at(at + 8).send(&b, &a, &prack.reply(200, "OK", &b));
    }
    s.at(2000).send(&b, &a, &request.reply(200, "OK", &b));
    s.at(2004).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
    hang_up(&mut s, 5000, &a, &b, id, 4);
    s.pcap()
}

/// Two branches. RFC 3261 §16.7
pub fn fork() -> Vec<u8> {
    let (a, p, b, c, id) = (alice(), proxy(), bob(), carol(), "fork@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &p, &request);
    s.at(1).send(&p, &a, &request.reply(100, "Trying", &p));
    let to_bob = request.through(&p, "fork-bob").at_uri("sip:bob@198.51.100.20:5060");
    let to_carol = request.through(&p, "fork-carol").at_uri("sip:bob@198.51.100.30:5060");
    s.at(2).send(&p, &b, &to_bob);
    s.at(3).send(&p, &c, &to_carol);
    for (phone, sent, at) in [(&b, &to_bob, 100), (&c, &to_carol, 140)] {
        let ringing = sent.reply(180, "Ringing", phone);
        s.at(at).send(phone, &p, &ringing);
        s.at(at + 1).send(&p, &a, &ringing.back());
    }
    let ok = to_carol.reply(200, "OK", &c).sdp(&answer(&c));
    s.at(2000).send(&c, &p, &ok);
    s.at(2001).send(&p, &a, &ok.back());
    let cancel = to_bob.cancel();
    s.at(2002).send(&p, &b, &cancel);
    s.at(2005).send(&b, &p, &cancel.reply(200, "OK", &b));
    let terminated = to_bob.reply(487, "Request Terminated", &b);
    s.at(2006).send(&b, &p, &terminated);
    s.at(2007).send(&p, &b, &to_bob.ack_to(&terminated));
    let route = format!("<sip:{};lr>", p.at);
    let to = format!("<{}>;tag=carol-1", b.aor());
    let ack = Message::inside("ACK", &a, &c, id, 1).set("To", &to).with("Route", &route);
    s.at(2010).send(&a, &p, &ack);
    s.at(2011).send(&p, &c, &ack.through(&p, "fork-ack"));
    let bye = Message::inside("BYE", &a, &c, id, 2).set("To", &to).with("Route", &route);
    s.at(9000).send(&a, &p, &bye);
    let bye_on = bye.through(&p, "fork-bye");
    s.at(9001).send(&p, &c, &bye_on);
    let done = bye_on.reply(200, "OK", &c);
    s.at(9004).send(&c, &p, &done);
    s.at(9005).send(&p, &a, &done.back());
    s.pcap()
}

/// The offer in the 200 OK. RFC 3261 §13.2.2.4
pub fn late_offer() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "late-offer@192.0.2.10");
    let mut s = Scene::new();
    let request = Message::request("INVITE", &a, &b, id, 1);
    s.at(0).send(&a, &b, &request);
    s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b));
    s.at(800).send(&b, &a, &request.reply(200, "OK", &b).sdp(&sdp(rtp(&b, 50_000), 1, &OFFER, &["sendrecv"])));
    let ack = Message::inside("ACK", &a, &b, id, 1).sdp(&sdp(rtp(&a, 40_000), 1, &ANSWER, &["sendrecv"]));
    s.at(805).send(&a, &b, &ack);
    hang_up(&mut s, 4000, &b, &a, id, 1);
    s.pcap()
}

/// Keys of the telephone.
pub fn dtmf() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "dtmf@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, 0, &a, &b, id);
    Talk::new(rtp(&a, 40_000), rtp(&b, 50_000), 0xa11c_e002).run(&mut s, 1000, 1600);
    Talk::new(rtp(&b, 50_000), rtp(&a, 40_000), 0xb0b0_0002).run(&mut s, 1000, 3000);
    let keys = Talk { payload_type: 101, ..Talk::new(rtp(&a, 40_000), rtp(&b, 50_000), 0xa11c_e002) };
    for (n, event) in [(0u16, 1u8), (1, 9), (2, 11)] {
        keys.digit(&mut s, 1600 + 400 * u64::from(n), event, 30 + 4 * n);
    }
    hang_up(&mut s, 3200, &a, &b, id, 2);
    s.pcap()
}

/// Loss in one direction.
pub fn rtp_loss() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "loss@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, 0, &a, &b, id);
    Talk::new(rtp(&a, 40_000), rtp(&b, 50_000), 0xa11c_e003).run(&mut s, 1000, 4000);
    let lossy = Talk { lose_every: 20, ..Talk::new(rtp(&b, 50_000), rtp(&a, 40_000), 0xb0b0_0003) };
    lossy.run(&mut s, 1000, 4000);
    hang_up(&mut s, 4100, &a, &b, id, 2);
    s.pcap()
}

/// IPv6.
pub fn ipv6() -> Vec<u8> {
    let a = Host::new("alice", "[2001:db8::10]:5060", "ExamplePhone 2.1");
    let b = Host::new("bob", "[2001:db8:0:1::20]:5060", "ExampleDesk 7");
    let mut s = Scene::new();
    answered(&mut s, 0, &a, &b, "ipv6@example.com");
    Talk::new(rtp(&a, 40_000), rtp(&b, 50_000), 0xa11c_e006).run(&mut s, 1000, 1500);
    hang_up(&mut s, 3000, &a, &b, "ipv6@example.com", 2);
    s.pcap()
}

/// No BYE.
pub fn still_up() -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    answered(&mut s, 0, &a, &b, "still-up@192.0.2.10");
    s.pcap()
}

/// Call numbers 1 to 25; 5, 10 … are busy.
pub fn many() -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    for n in 1..=25u64 {
        let id = format!("call-{n:02}@192.0.2.10");
        if n % 5 == 0 {
            refused(&mut s, n * 2000, &id, |r, by| r.reply(486, "Busy Here", by));
        } else {
            answered(&mut s, n * 2000, &a, &b, &id);
            hang_up(&mut s, n * 2000 + 1500, &a, &b, &id, 2);
        }
    }
    s.pcap()
}

/// A complete call between two phones, as messages with their times: for what wraps it otherwise.
pub fn plain_call(id: &str) -> Vec<(u64, Host, Host, Message)> {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, id);
    let bye = Message::inside("BYE", &a, &b, id, 2);
    vec![
        (0, a.clone(), b.clone(), request.clone()),
        (100, b.clone(), a.clone(), request.reply(180, "Ringing", &b)),
        (900, b.clone(), a.clone(), request.reply(200, "OK", &b).sdp(&answer(&b))),
        (904, a.clone(), b.clone(), Message::inside("ACK", &a, &b, id, 1)),
        (4000, a.clone(), b.clone(), bye.clone()),
        (4003, b.clone(), a, bye.reply(200, "OK", &b)),
    ]
}
