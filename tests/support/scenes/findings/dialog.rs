//! Captures that prove the findings of the group `dialog`, and near misses.

use super::{Proof, proof};
use crate::support::media::{ANSWER, OFFER, sdp};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;
use crate::support::scenes::{alice, bob, calls, proxy};
use std::net::SocketAddr;

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[
    proof(
        "ack-missing",
        "the 200 OK is repeated for 32 s and no ACK comes; the callee hangs up",
        calls::ack_missing,
        "the ACK comes after the second repeat",
        late_ack,
        &["retransmission"],
    ),
    proof(
        "ack-mismatch",
        "an ACK whose To tag is that of no answer; the callee goes on repeating its 200 OK",
        || mismatched("bob-9"),
        "the 180 came from another phone under another tag, the ACK has that of the 200 OK",
        other_phone_rang,
        &[],
    ),
    proof(
        "to-tag-missing",
        "a 200 OK to the INVITE without a To tag",
        untagged,
        "only the 100 Trying has no To tag, as it need not",
        || complete("tagged@192.0.2.10"),
        &[],
    ),
    proof(
        "contact-missing",
        "a 200 OK without Contact: nobody knows where to send the ACK",
        no_contact,
        "the 180 Ringing has no Contact, which it need not have",
        ringing_without_contact,
        &[],
    ),
    proof(
        "cseq-not-increasing",
        "a BYE with CSeq 2 after an INFO with 7, refused with 500",
        || counted(7, 2, 3000, 500),
        "an INFO with CSeq 2 that an UPDATE with 3 overtook by 20 ms",
        || counted(3, 2, 20, 200),
        &[],
    ),
    proof(
        "prack-missing",
        "a reliable 183 that is repeated for 32 s and never acknowledged; then 504",
        || reliable(false),
        "the PRACK comes after the first repeat",
        || reliable(true),
        &[],
    ),
    proof(
        "route-set-ignored",
        "a BYE straight to the callee, past the proxy that put itself into the route",
        || by_proxy(false),
        "the BYE takes the route over the proxy",
        || by_proxy(true),
        &[],
    ),
    proof(
        "session-expired",
        "90 s agreed on, no refresh, and a BYE after 60 s from the side that waited for it",
        || timed(false),
        "an UPDATE refreshes the session in time",
        || timed(true),
        &[],
    ),
    proof(
        "session-interval-too-small",
        "422 with Min-SE 1800; the caller tries again with that",
        || interval(422),
        "the callee grants a longer interval by itself",
        || interval(200),
        &[],
    ),
    proof(
        "dialog-unknown",
        "an UPDATE in a call that is up is answered 481",
        unknown,
        "both sides hang up at the same moment, and one gets 481",
        crossing_byes,
        &[],
    ),
    proof(
        "bye-rejected",
        "the callee refuses the BYE with 403",
        || bye_refused(403, "Forbidden"),
        "the BYE is challenged, and accepted with credentials",
        bye_challenged,
        &[],
    ),
];

/// Where a host receives RTP.
pub fn rtp(host: &Host, port: u16) -> SocketAddr {
    SocketAddr::new(host.at.ip(), port)
}

/// The offer of the caller.
pub fn offer(host: &Host) -> String {
    sdp(rtp(host, 40_000), 1, &OFFER, &["sendrecv"])
}

/// The answer of the callee.
pub fn answer(host: &Host) -> String {
    sdp(rtp(host, 50_000), 1, &ANSWER, &["sendrecv"])
}

/// The INVITE with an offer.
pub fn invite(from: &Host, to: &Host, id: &str) -> Message {
    Message::request("INVITE", from, to, id, 1).sdp(&offer(from))
}

/// INVITE, 100, 180, 200 OK at 900 ms, ACK.
pub fn answered(s: &mut Scene, a: &Host, b: &Host, id: &str) {
    let request = invite(a, b, id);
    s.at(0).send(a, b, &request);
    s.at(2).send(b, a, &request.reply(100, "Trying", b));
    s.at(120).send(b, a, &request.reply(180, "Ringing", b));
    s.at(900).send(b, a, &request.reply(200, "OK", b).sdp(&answer(b)));
    s.at(904).send(a, b, &Message::inside("ACK", a, b, id, 1));
}

/// BYE and 200.
pub fn hang_up(s: &mut Scene, at: u64, from: &Host, to: &Host, id: &str, cseq: u32) {
    let bye = Message::inside("BYE", from, to, id, cseq);
    s.at(at).send(from, to, &bye);
    s.at(at + 5).send(to, from, &bye.reply(200, "OK", to));
}

/// A request within the dialog and its response.
pub fn exchange(s: &mut Scene, at: u64, from: &Host, to: &Host, request: &Message, status: (u16, &str)) {
    s.at(at).send(from, to, request);
    s.at(at + 5).send(to, from, &request.reply(status.0, status.1, to));
}

/// A whole call.
pub fn complete(id: &str) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    hang_up(&mut s, 4000, &a, &b, id, 2);
    s.pcap()
}

fn late_ack() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "late-ack@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b));
    let ok = request.reply(200, "OK", &b).sdp(&answer(&b));
    for at in [1000, 1500, 2500] {
        s.at(at).send(&b, &a, &ok);
    }
    s.at(2510).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
    hang_up(&mut s, 9000, &a, &b, id, 2);
    s.pcap()
}

/// When the 200 OK is repeated by Timer G until 64*T1 have passed, after its first time. RFC 3261 §13.3.1.4
const REPEATS: [u64; 10] = [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];

fn mismatched(tag: &str) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "wrong-tag@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b));
    let ok = request.reply(200, "OK", &b).sdp(&answer(&b));
    let to = format!("<{}>;tag={tag}", b.aor());
    let ack = Message::inside("ACK", &a, &b, id, 1).set("To", &to);
    for at in std::iter::once(0).chain(REPEATS) {
        s.at(1000 + at).send(&b, &a, &ok);
        s.at(1003 + at).send(&a, &b, &ack);
    }
    hang_up(&mut s, 33_000, &b, &a, id, 1);
    s.pcap()
}

fn other_phone_rang() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "two-tags@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    let ringing = request.reply(180, "Ringing", &b).set("To", &format!("<{}>;tag=desk-7", b.aor()));
    s.at(100).send(&b, &a, &ringing);
    s.at(1000).send(&b, &a, &request.reply(200, "OK", &b).sdp(&answer(&b)));
    s.at(1003).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
    hang_up(&mut s, 8000, &b, &a, id, 1);
    s.pcap()
}

fn untagged() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "no-tag@192.0.2.10");
    let mut s = Scene::new();
    let to = format!("<{}>", b.aor());
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b).set("To", &to));
    s.at(1000).send(&b, &a, &request.reply(200, "OK", &b).sdp(&answer(&b)).set("To", &to));
    s.at(1003).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1).set("To", &to));
    let bye = Message::inside("BYE", &a, &b, id, 2).set("To", &to);
    s.at(5000).send(&a, &b, &bye);
    s.at(5004).send(&b, &a, &bye.reply(481, "Call/Transaction Does Not Exist", &b));
    s.pcap()
}

fn no_contact() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "no-contact@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b));
    let ok = request.reply(200, "OK", &b).sdp(&answer(&b)).without("Contact");
    for at in std::iter::once(0).chain(REPEATS) {
        s.at(1000 + at).send(&b, &a, &ok);
    }
    hang_up(&mut s, 33_000, &b, &a, id, 1);
    s.pcap()
}

fn ringing_without_contact() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "bare-ringing@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b).without("Contact"));
    s.at(1000).send(&b, &a, &request.reply(200, "OK", &b).sdp(&answer(&b)));
    s.at(1003).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
    hang_up(&mut s, 5000, &b, &a, id, 1);
    s.pcap()
}

/// A request of alice's with CSeq `high`, and `apart` milliseconds later one with `low` that is answered `status`.
fn counted(high: u32, low: u32, apart: u64, status: u16) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "counting@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    let (first, second, reason) = match status {
        200 => ("UPDATE", "INFO", "OK"),
        _ => ("INFO", "BYE", "Server Internal Error"),
    };
    exchange(&mut s, 2000, &a, &b, &Message::inside(first, &a, &b, id, high), (200, "OK"));
    exchange(&mut s, 2000 + apart, &a, &b, &Message::inside(second, &a, &b, id, low), (status, reason));
    hang_up(&mut s, 9000, &b, &a, id, 1);
    s.pcap()
}

fn reliable(acknowledged: bool) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "reliable@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id).with("Supported", "100rel");
    s.at(0).send(&a, &b, &request);
    s.at(2).send(&b, &a, &request.reply(100, "Trying", &b));
    let early = request.reply(183, "Session Progress", &b).with("Require", "100rel").with("RSeq", "71");
    let early = early.sdp(&answer(&b));
    if acknowledged {
        for at in [80, 580] {
            s.at(at).send(&b, &a, &early);
        }
        let prack = Message::inside("PRACK", &a, &b, id, 2).with("RAck", "71 1 INVITE");
        exchange(&mut s, 600, &a, &b, &prack, (200, "OK"));
        s.at(2000).send(&b, &a, &request.reply(200, "OK", &b));
        s.at(2004).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
        hang_up(&mut s, 7000, &a, &b, id, 3);
    } else {
        for at in [0, 500, 1500, 3500, 7500, 15_500, 31_500] {
            s.at(80 + at).send(&b, &a, &early);
        }
        let no = request.reply(504, "Server Time-out", &b);
        s.at(32_100).send(&b, &a, &no);
        s.at(32_104).send(&a, &b, &request.ack_to(&no));
    }
    s.pcap()
}

/// A call over a record-routing proxy; its BYE takes the route, or goes straight to the callee.
fn by_proxy(routed: bool) -> Vec<u8> {
    let (a, p, b, id) = (alice(), proxy(), bob(), "routed@192.0.2.10");
    let mut s = Scene::new();
    over_proxy(&mut s, id);
    let route = format!("<sip:{};lr>", p.at);
    let bye = Message::inside("BYE", &a, &b, id, 2);
    if routed {
        let bye = bye.with("Route", &route);
        let bye_on = bye.through(&p, "bye");
        s.at(5000).send(&a, &p, &bye);
        s.at(5001).send(&p, &b, &bye_on);
        let done = bye_on.reply(200, "OK", &b);
        s.at(5004).send(&b, &p, &done);
        s.at(5005).send(&p, &a, &done.back());
    } else {
        s.at(5000).send(&a, &b, &bye);
        s.at(5004).send(&b, &a, &bye.reply(200, "OK", &b));
    }
    s.pcap()
}

/// INVITE to ACK over the proxy.
pub fn over_proxy(s: &mut Scene, id: &str) {
    let (a, p, b) = (alice(), proxy(), bob());
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &p, &request);
    s.at(1).send(&p, &a, &request.reply(100, "Trying", &p));
    let sent_on = request.through(&p, "invite").at_uri("sip:bob@198.51.100.20:5060");
    s.at(2).send(&p, &b, &sent_on);
    let ringing = sent_on.reply(180, "Ringing", &b);
    s.at(110).send(&b, &p, &ringing);
    s.at(111).send(&p, &a, &ringing.back());
    let ok = sent_on.reply(200, "OK", &b).sdp(&answer(&b));
    s.at(1500).send(&b, &p, &ok);
    s.at(1501).send(&p, &a, &ok.back());
    let ack = Message::inside("ACK", &a, &b, id, 1).with("Route", &format!("<sip:{};lr>", p.at));
    s.at(1505).send(&a, &p, &ack);
    s.at(1506).send(&p, &b, &ack.through(&p, "ack"));
}

fn timed(refreshed: bool) -> Vec<u8> {
    const TIMER: &str = "90;refresher=uac";
    let (a, b, id) = (alice(), bob(), "timer@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id).with("Supported", "timer").with("Session-Expires", TIMER);
    s.at(0).send(&a, &b, &request);
    s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b));
    let ok = request.reply(200, "OK", &b).with("Require", "timer").with("Session-Expires", TIMER).sdp(&answer(&b));
    s.at(1000).send(&b, &a, &ok);
    s.at(1003).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
    if refreshed {
        let update = Message::inside("UPDATE", &a, &b, id, 2).with("Session-Expires", TIMER);
        s.at(46_000).send(&a, &b, &update);
        s.at(46_010).send(
            &b,
            &a,
            &update.reply(200, "OK", &b).with("Session-Expires", TIMER).with("Contact", &b.contact()),
        );
        hang_up(&mut s, 61_000, &b, &a, id, 1);
    } else {
        // Who waits for the refresh gives up a third of the interval before its end. RFC 4028 §10
        hang_up(&mut s, 61_000, &b, &a, id, 1);
    }
    s.pcap()
}

fn interval(status: u16) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "interval@192.0.2.10");
    let mut s = Scene::new();
    let mut cseq = 1;
    if status == 422 {
        let first = invite(&a, &b, id).with("Supported", "timer").with("Session-Expires", "120");
        let no = first.reply(422, "Session Interval Too Small", &b).with("Min-SE", "1800");
        s.at(0).send(&a, &b, &first);
        s.at(5).send(&b, &a, &no);
        s.at(8).send(&a, &b, &first.ack_to(&no));
        cseq = 2;
    }
    let seconds = if status == 422 { "1800" } else { "120" };
    let again =
        Message::request("INVITE", &a, &b, id, cseq).with("Supported", "timer").with("Session-Expires", seconds);
    let again = again.sdp(&offer(&a));
    s.at(20).send(&a, &b, &again);
    s.at(120).send(&b, &a, &again.reply(180, "Ringing", &b));
    let ok = again.reply(200, "OK", &b).with("Session-Expires", "1800;refresher=uac").sdp(&answer(&b));
    s.at(900).send(&b, &a, &ok);
    s.at(904).send(&a, &b, &Message::inside("ACK", &a, &b, id, cseq));
    hang_up(&mut s, 4000, &a, &b, id, cseq + 1);
    s.pcap()
}

const UNKNOWN: (u16, &str) = (481, "Call/Transaction Does Not Exist");

fn unknown() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "forgotten@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    exchange(&mut s, 30_000, &a, &b, &Message::inside("UPDATE", &a, &b, id, 2), UNKNOWN);
    s.pcap()
}

fn crossing_byes() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "both@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    exchange(&mut s, 5000, &a, &b, &Message::inside("BYE", &a, &b, id, 2), (200, "OK"));
    exchange(&mut s, 5002, &b, &a, &Message::inside("BYE", &b, &a, id, 1), UNKNOWN);
    s.pcap()
}

fn bye_refused(status: u16, reason: &str) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "no-bye@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    exchange(&mut s, 5000, &a, &b, &Message::inside("BYE", &a, &b, id, 2), (status, reason));
    s.pcap()
}

fn bye_challenged() -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "challenged-bye@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    let bye = Message::inside("BYE", &a, &b, id, 2);
    let nonce = "Digest realm=\"example.com\", nonce=\"77aa01\", algorithm=SHA-256, qop=\"auth\"";
    s.at(5000).send(&a, &b, &bye);
    s.at(5005).send(&b, &a, &bye.reply(401, "Unauthorized", &b).with("WWW-Authenticate", nonce));
    let credentials = "Digest username=\"alice\", realm=\"example.com\", nonce=\"77aa01\", \
        uri=\"sip:bob@198.51.100.20:5060\", response=\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", \
        algorithm=SHA-256, cnonce=\"1\", nc=00000001, qop=auth";
    let again = Message::inside("BYE", &a, &b, id, 3).with("Authorization", credentials);
    exchange(&mut s, 5010, &a, &b, &again, (200, "OK"));
    s.pcap()
}
