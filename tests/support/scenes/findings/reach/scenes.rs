//! The situations: a request that is lost, a port that is closed, two proxies that do not know who is responsible.

use crate::support::media::{ANSWER, OFFER, Talk, sdp};
use crate::support::message::{Host, Message};
use crate::support::scene::{Connection, Scene};
use crate::support::scenes::{alice, bob, proxy};
use crate::support::{tls, wire};
use std::net::SocketAddr;

/// Where a host receives RTP.
pub fn rtp(host: &Host, port: u16) -> SocketAddr {
    SocketAddr::new(host.at.ip(), port)
}

/// The passing port of a client.
pub fn client() -> SocketAddr {
    "192.0.2.10:40312".parse().unwrap()
}

/// An INVITE with an offer.
pub fn invite(from: &Host, to: &Host, id: &str) -> Message {
    Message::request("INVITE", from, to, id, 1).sdp(&sdp(rtp(from, 40_000), 1, &OFFER, &["sendrecv"]))
}

/// What the callee answers.
pub fn answer(host: &Host) -> String {
    sdp(rtp(host, 50_000), 1, &ANSWER, &["sendrecv"])
}

/// An OPTIONS.
pub fn ping(from: &Host, to: &Host, id: &str) -> Message {
    Message::request("OPTIONS", from, to, id, 1)
}

/// A request that is answered at once: the capture goes on.
pub fn later(s: &mut Scene, at: u64) {
    let (a, p) = (Host::new("monitor", "192.0.2.77:5060", "ExampleMonitor 1"), proxy());
    let request = ping(&a, &p, &format!("later-{at}@192.0.2.77"));
    s.at(at).send(&a, &p, &request);
    s.at(at + 1).send(&p, &a, &request.reply(200, "OK", &p));
}

/// From the 100 to the end of a call whose INVITE was sent.
pub fn rest(s: &mut Scene, at: u64, a: &Host, b: &Host, request: &Message) {
    s.at(at).send(b, a, &request.reply(100, "Trying", b));
    s.at(at + 100).send(b, a, &request.reply(180, "Ringing", b));
    let ok = request.reply(200, "OK", b).sdp(&sdp(rtp(b, 50_000), 1, &ANSWER, &["sendrecv"]));
    s.at(at + 900).send(b, a, &ok);
    let id = request.value("Call-ID").unwrap().to_owned();
    s.at(at + 903).send(a, b, &Message::inside("ACK", a, b, &id, 1));
    let bye = Message::inside("BYE", a, b, &id, 2);
    s.at(at + 4000).send(a, b, &bye);
    s.at(at + 4004).send(b, a, &bye.reply(200, "OK", b));
}

/// A call whose INVITE is sent at several instants, and answered at `answer`.
pub fn repeated(sends: &[u64], answer: u64) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, "repeated@192.0.2.10");
    let mut s = Scene::new();
    for &at in sends {
        s.at(at).send(&a, &b, &request);
    }
    rest(&mut s, answer, &a, &b, &request);
    s.pcap()
}

/// An OPTIONS over TCP, answered after so long.
pub fn over_tcp(after: u64) -> Vec<u8> {
    let (a, b) = (Host { at: client(), ..alice() }, bob());
    let request = ping(&a, &b, "tcp@192.0.2.10").over("TCP");
    let mut s = Scene::new();
    let mut c = Connection::open(&mut s, a.at, b.at);
    s.at(10);
    c.send(&mut s, 0, &request.bytes());
    s.at(10 + after);
    c.send(&mut s, 1, &request.reply(200, "OK", &b).bytes());
    s.at(3000);
    c.close(&mut s);
    s.pcap()
}

/// A call that rings so many milliseconds after the INVITE.
pub fn ringing_after(wait: u64) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, "late-ringing@192.0.2.10");
    let mut s = Scene::new();
    s.at(0).send(&a, &b, &request);
    s.at(2).send(&b, &a, &request.reply(100, "Trying", &b));
    rest(&mut s, wait - 100, &a, &b, &request);
    s.pcap()
}

/// A call whose INVITE has so many bytes.
pub fn sized(bytes: usize) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let plain = invite(&a, &b, "sized@192.0.2.10");
    let room = bytes - plain.bytes().len() - "X-Padding: \r\n".len();
    let request = plain.with("X-Padding", &"x".repeat(room));
    assert_eq!(request.bytes().len(), bytes);
    let mut s = Scene::new();
    s.at(0).send(&a, &b, &request);
    rest(&mut s, 3, &a, &b, &request);
    s.pcap()
}

/// A long INVITE in fragments, which arrive or do not.
pub fn fragments(arrive: bool) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "fragments@192.0.2.10");
    let mut s = Scene::new();
    let small = ping(&a, &b, "small@192.0.2.10");
    s.at(0).send(&a, &b, &small);
    s.at(2).send(&b, &a, &small.reply(200, "OK", &b));
    let request = invite(&a, &b, id).with("X-Padding", &"x".repeat(1800));
    let sends: &[u64] = if arrive { &[100] } else { &[100, 600, 1600, 3600] };
    for &at in sends {
        s.at(at).fragmented(&a, &b, &request, 1480, &[]);
    }
    if arrive {
        rest(&mut s, 103, &a, &b, &request);
    } else {
        let first =
            &wire::fragments(a.at.ip(), b.at.ip(), wire::UDP, 9, 1480, &wire::udp(a.at, b.at, &request.bytes()))[0];
        s.at(30_100).icmp(b.at.ip(), (11, 1), first);
    }
    s.pcap()
}

/// A client with a passing port, and a server on a port of its own.
pub fn hosts_at(port: u16) -> (Host, Host) {
    let server = SocketAddr::new(bob().at.ip(), port);
    (Host { at: client(), ..alice() }, Host { at: server, ..bob() })
}

/// A handshake on port 5061 up to the certificate, good until some day, and what the client says then.
pub fn secure(then: &[Vec<u8>], not_after: &str) -> Vec<u8> {
    let (a, b) = hosts_at(5061);
    let mut s = Scene::new();
    let mut c = Connection::open(&mut s, a.at, b.at);
    s.at(2);
    c.send(&mut s, 0, &tls::client_hello("sip.example.com"));
    s.at(4);
    c.send(
        &mut s,
        1,
        &tls::server_hello(&tls::certificate("sip.example.com", "Example CA", "240101000000Z", not_after)),
    );
    s.at(6);
    let is_end = then.len() == 1;
    for bytes in then {
        c.send(&mut s, 0, bytes);
    }
    if !is_end {
        c.send(&mut s, 1, &[tls::finished(), tls::data(300)].concat());
    }
    c.close(&mut s);
    s.pcap()
}

/// A ClientHello to a port, and what comes back.
pub fn hello_to(port: u16, answer: &[u8]) -> Vec<u8> {
    let (a, b) = hosts_at(port);
    let mut s = Scene::new();
    let mut c = Connection::open(&mut s, a.at, b.at);
    s.at(2);
    c.send(&mut s, 0, &tls::client_hello("sip.example.com"));
    s.at(4);
    c.send(&mut s, 1, answer);
    c.close(&mut s);
    s.pcap()
}

/// An OPTIONS in plain text to port 5061, what comes back, and six seconds more of the capture.
pub fn plain_to_tls(answer: &[u8]) -> Vec<u8> {
    let (a, b) = hosts_at(5061);
    let mut s = Scene::new();
    let mut c = Connection::open(&mut s, a.at, b.at);
    s.at(2);
    c.send(&mut s, 0, &ping(&a, &b, "plain@192.0.2.10").over("TCP").bytes());
    s.at(4);
    c.send(&mut s, 1, answer);
    c.close(&mut s);
    later(&mut s, 6500);
    s.pcap()
}

/// A call with RTP that the callee refuses by ICMP: from its begin, or only after the BYE.
pub fn media(while_up: bool) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, "refused-rtp@192.0.2.10");
    let mut s = Scene::new();
    s.at(0).send(&a, &b, &request);
    rest(&mut s, 3, &a, &b, &request);
    Talk::new(rtp(&b, 50_000), rtp(&a, 40_000), 0xb0b0_0017).run(&mut s, 930, 4000);
    let talk = Talk::new(rtp(&a, 40_000), rtp(&b, 50_000), 0xa11c_e017);
    talk.run(&mut s, 930, 4060);
    let sent = s.packets.clone();
    let to_bob = |p: &&crate::support::capture::Packet| {
        p.bytes.len() == 14 + 20 + 8 + 172 && p.bytes[30..34] == [198, 51, 100, 20]
    };
    let refused: Vec<_> = sent.iter().filter(to_bob).collect();
    let every = if while_up { 25 } else { 1 };
    for packet in refused.iter().step_by(every) {
        let at = packet.time - crate::support::scene::BEGIN;
        if while_up || at > 4_010_000 {
            s.at_us(at + 80).icmp(b.at.ip(), (3, 3), &packet.bytes[14..]);
        }
    }
    s.pcap()
}

/// A call of which each packet is captured so many times.
pub fn whole(times: usize) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, "whole@192.0.2.10");
    let mut s = Scene::new();
    s.at(0).send(&a, &b, &request);
    rest(&mut s, 3, &a, &b, &request);
    let packets = s.packets.clone();
    for copy in 1..times {
        s.packets.extend(packets.iter().cloned().map(|mut p| {
            p.time += 20 * copy as u64;
            p
        }));
    }
    s.pcap()
}

/// Two proxies that each send to the other what is for example.com; in a spiral the second changes the Request-URI, and the first then knows the way.
pub fn round_trip(is_spiral: bool) -> Vec<u8> {
    let (a, p, b, id) = (alice(), proxy(), bob(), "round@192.0.2.10");
    let q = Host::new("other", "192.0.2.2:5060", "ExampleProxy 5");
    let mut s = Scene::new();
    let request = invite(&a, &b, id).set("Max-Forwards", "15");
    s.at(0).send(&a, &p, &request);
    s.at(1).send(&p, &a, &request.reply(100, "Trying", &p));
    let mut sent = vec![request];
    let rounds = if is_spiral { 2 } else { 15 };
    for n in 1..=rounds {
        let (from, to) = if n % 2 == 1 { (&p, &q) } else { (&q, &p) };
        let left = (15 - n).to_string();
        let mut next =
            sent[n - 1].through(from, &format!("round-{n}")).without("Record-Route").set("Max-Forwards", &left);
        if is_spiral && n == 2 {
            next = next.at_uri("sip:desk-7@example.com");
        }
        s.at(2 * n as u64).send(from, to, &next);
        s.at(2 * n as u64 + 1).send(to, from, &next.reply(100, "Trying", to));
        sent.push(next);
    }
    let last = sent[rounds].clone();
    if is_spiral {
        let to_bob = last.through(&p, "round-3").without("Record-Route").set("Max-Forwards", "12");
        s.at(10).send(&p, &b, &to_bob);
        let mut back = to_bob.reply(200, "OK", &b).sdp(&sdp(rtp(&b, 50_000), 1, &ANSWER, &["sendrecv"]));
        for (n, (from, to)) in [(&b, &p), (&p, &q), (&q, &p), (&p, &a)].into_iter().enumerate() {
            s.at(40 + n as u64).send(from, to, &back);
            back = back.back();
        }
        s.at(50).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
        let bye = Message::inside("BYE", &a, &b, id, 2);
        s.at(3000).send(&a, &b, &bye);
        s.at(3004).send(&b, &a, &bye.reply(200, "OK", &b));
        return s.pcap();
    }
    // The last one had a count of nought, and is refused; each proxy passes that back.
    let mut refusal = last.reply(483, "Too Many Hops", &q);
    for n in (1..=rounds).rev() {
        let (from, to) = if n % 2 == 1 { (&q, &p) } else { (&p, &q) };
        s.at(100 + 2 * (rounds - n) as u64).send(from, to, &refusal);
        s.at(101 + 2 * (rounds - n) as u64).send(to, from, &sent[n].ack_to(&refusal));
        refusal = refusal.back();
    }
    s.at(200).send(&p, &a, &refusal);
    s.at(201).send(&a, &p, &sent[0].ack_to(&refusal));
    s.pcap()
}

/// A call whose INVITE has this Max-Forwards.
pub fn counted(count: u8) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, "count@192.0.2.10").set("Max-Forwards", &count.to_string());
    let mut s = Scene::new();
    s.at(0).send(&a, &b, &request);
    rest(&mut s, 3, &a, &b, &request);
    s.pcap()
}

/// A call over a proxy that sends the INVITE on with this Max-Forwards.
pub fn forwarded(count: &str) -> Vec<u8> {
    let (a, p, b, id) = (alice(), proxy(), bob(), "forwarded@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &p, &request);
    s.at(1).send(&p, &a, &request.reply(100, "Trying", &p));
    let on = request.through(&p, "on").set("Max-Forwards", count);
    s.at(2).send(&p, &b, &on);
    let ringing = on.reply(180, "Ringing", &b);
    s.at(100).send(&b, &p, &ringing);
    s.at(101).send(&p, &a, &ringing.back());
    let ok = on.reply(200, "OK", &b).sdp(&sdp(rtp(&b, 50_000), 1, &ANSWER, &["sendrecv"]));
    s.at(900).send(&b, &p, &ok);
    s.at(901).send(&p, &a, &ok.back());
    let route = format!("<sip:{};lr>", p.at);
    for (at, method, cseq) in [(904, "ACK", 1), (4000, "BYE", 2)] {
        let inside = Message::inside(method, &a, &b, id, cseq).with("Route", &route);
        s.at(at).send(&a, &p, &inside);
        let on = inside.through(&p, &format!("{method}-on"));
        s.at(at + 1).send(&p, &b, &on);
        if method == "BYE" {
            let done = on.reply(200, "OK", &b);
            s.at(at + 5).send(&b, &p, &done);
            s.at(at + 6).send(&p, &a, &done.back());
        }
    }
    s.pcap()
}

/// An INVITE over TCP, so much of an answer, and the server's FIN.
pub fn closed_after(answer: fn(&Message, &Host) -> Vec<u8>) -> Vec<u8> {
    let (a, b) = (Host { at: client(), ..alice() }, bob());
    let mut s = Scene::new();
    let mut c = Connection::open(&mut s, a.at, b.at);
    let invite = invite(&a, &b, "closed@192.0.2.10").over("TCP");
    s.at(10);
    c.send(&mut s, 0, &invite.bytes());
    s.at(400);
    c.send(&mut s, 1, &answer(&invite, &b));
    s.at(410);
    c.close_by(&mut s, 1);
    later(&mut s, 8000);
    s.pcap()
}
