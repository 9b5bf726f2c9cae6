//! Captures that prove the findings of the group `grammar`, and near misses.

use super::{Proof, proof};
use crate::support::message::Message;
use crate::support::scene::Scene;
use crate::support::scenes::{alice, proxy};

const MAX_FORWARDS: &str = "Max-Forwards: 70\r\n";
const CONTACT: &str = "Contact: <sip:alice@192.0.2.10:5060>\r\n";
const FIRST: &str = "OPTIONS sip:proxy@example.com SIP/2.0\r\n";
const FROM: &str = "From: <sip:alice@example.com>;tag=alice-1\r\n";

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[
    proof(
        "header-missing",
        "a request without From",
        || changed(FROM, ""),
        "a request without Contact, which OPTIONS need not have",
        || changed(CONTACT, ""),
        &[],
    ),
    proof(
        "header-duplicate",
        "a request with two different Max-Forwards",
        || changed(MAX_FORWARDS, "Max-Forwards: 70\r\nMax-Forwards: 10\r\n"),
        "a request with two Supported, which is a list",
        || changed(MAX_FORWARDS, "Max-Forwards: 70\r\nSupported: timer\r\nSupported: path\r\n"),
        &[],
    ),
    proof(
        "header-malformed",
        "Max-Forwards is no number",
        || changed(MAX_FORWARDS, "Max-Forwards: many\r\n"),
        "white space around the value and a folded line, which the grammar allows",
        || changed(MAX_FORWARDS, "Max-Forwards \t:\r\n  70\r\n"),
        &[],
    ),
    proof(
        "content-length-mismatch",
        "a body of 4 bytes, and a length of 40",
        || changed("Content-Length: 0\r\n\r\n", "Content-Type: text/plain\r\nContent-Length: 40\r\n\r\nabcd"),
        "a body of 4 bytes, and no length, as UDP allows",
        || changed("Content-Length: 0\r\n\r\n", "Content-Type: text/plain\r\n\r\nabcd"),
        &[],
    ),
    proof(
        "cseq-method-mismatch",
        "OPTIONS with the CSeq of an INFO",
        || changed("CSeq: 1 OPTIONS", "CSeq: 1 INFO"),
        "white space between number and method",
        || changed("CSeq: 1 OPTIONS", "CSeq: 1   OPTIONS"),
        &[],
    ),
    proof(
        "response-mismatch",
        "an answer with a number that was not asked under",
        || answered("CSeq", "2 OPTIONS"),
        "an answer with the address from which the request came in its Via",
        || answered("Via", "SIP/2.0/UDP 192.0.2.10:5060;received=192.0.2.10;branch=z9hG4bK-alice-options-1"),
        &[],
    ),
    proof(
        "start-line-malformed",
        "two spaces between method and Request-URI",
        || changed(FIRST, "OPTIONS  sip:proxy@example.com SIP/2.0\r\n"),
        "a method that nobody knows",
        || changed("OPTIONS", "FETCH"),
        &[],
    ),
    proof(
        "uri-malformed",
        "a port that is no number in the Request-URI",
        || changed(FIRST, "OPTIONS sip:proxy@example.com:port SIP/2.0\r\n"),
        "escaped characters in the user part",
        || changed(FIRST, "OPTIONS sip:pro%20xy%23@example.com SIP/2.0\r\n"),
        &[],
    ),
    proof(
        "branch-without-cookie",
        "a branch as before RFC 3261",
        || changed("branch=z9hG4bK-alice-options-1", "branch=1"),
        "a branch with the cookie and characters that few use",
        || changed("branch=z9hG4bK-alice", "branch=z9hG4bK%2b'!~alice"),
        &[],
    ),
    proof(
        "bare-line-feed",
        "lines that end with LF alone",
        || changed("\r\n", "\n"),
        "a text body with LF alone",
        || changed("Content-Length: 0\r\n\r\n", "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\na\nb\n"),
        &[],
    ),
    proof(
        "version-unknown",
        "a request of SIP/7.0",
        || changed(FIRST, "OPTIONS sip:proxy@example.com SIP/7.0\r\n"),
        "a method that has a version for its name",
        || changed("OPTIONS", "SIP7.0"),
        &[],
    ),
    proof(
        "message-truncated",
        "a snap length of 200 bytes",
        || scene(|bytes| bytes).pcap_cut(200),
        "a snap length that is just long enough",
        || scene(|bytes| bytes).pcap_cut(1000),
        &[],
    ),
];

/// OPTIONS and its answer; the request is changed on its way to the wire.
fn scene(change: impl Fn(Vec<u8>) -> Vec<u8>) -> Scene {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let ping = Message::request("OPTIONS", &a, &p, "grammar@192.0.2.10", 1);
    let sent = change(ping.bytes());
    let answered = |name: &str| Message::request(name, &a, &p, "grammar@192.0.2.10", 1).reply(200, "OK", &p);
    let text = String::from_utf8_lossy(&sent).into_owned();
    s.at(0).udp(a.at, p.at, &sent);
    // The answer takes Via and CSeq over as they came.
    let line = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).map(|l| l.trim().to_owned());
    let mut answer = answered("OPTIONS");
    for name in ["Via", "CSeq"] {
        if let Some(value) = line(&format!("{name}: ")) {
            answer = answer.set(name, &value);
        }
    }
    s.at(3).send(&p, &a, &answer);
    s
}

/// OPTIONS, and an answer that has another value than it copies.
fn answered(name: &str, value: &str) -> Vec<u8> {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let ping = Message::request("OPTIONS", &a, &p, "grammar@192.0.2.10", 1);
    s.at(0).send(&a, &p, &ping);
    s.at(3).send(&p, &a, &ping.reply(200, "OK", &p).set(name, value));
    s.pcap()
}

fn changed(from: &'static str, to: &'static str) -> Vec<u8> {
    let change = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{text}");
        text.replace(from, to).into_bytes()
    };
    scene(change).pcap()
}
