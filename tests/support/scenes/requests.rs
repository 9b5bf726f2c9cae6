//! What happens outside calls.

use super::{alice, bob, proxy};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;

const CHALLENGE: &str = "Digest realm=\"example.com\", nonce=\"77aa01\", algorithm=MD5, qop=\"auth\"";
const CREDENTIALS: &str = "Digest username=\"alice\", realm=\"example.com\", nonce=\"77aa01\", uri=\"sip:example.com\", \
    response=\"fedcba9876543210fedcba9876543210\", algorithm=MD5, cnonce=\"2\", nc=00000001, qop=auth";

/// A REGISTER is to its own address of record, at the domain. RFC 3261 §10.2
fn register(a: &Host, cseq: u32, expires: u32) -> Message {
    Message::request("REGISTER", a, a, "registration@192.0.2.10", cseq)
        .at_uri("sip:example.com")
        .with("Expires", &expires.to_string())
}

/// Challenge, success, and much later the removal.
pub fn registration() -> Vec<u8> {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let first = register(&a, 1, 3600);
    s.at(0).send(&a, &p, &first);
    s.at(3).send(&p, &a, &first.reply(401, "Unauthorized", &p).with("WWW-Authenticate", CHALLENGE));
    let second = register(&a, 2, 3600).with("Authorization", CREDENTIALS);
    s.at(6).send(&a, &p, &second);
    let bound = format!("{};expires=3600", a.contact());
    s.at(10).send(&p, &a, &second.reply(200, "OK", &p).with("Contact", &bound));
    let third = register(&a, 3, 0).with("Authorization", CREDENTIALS);
    s.at(20_000).send(&a, &p, &third);
    s.at(20_004).send(&p, &a, &third.reply(200, "OK", &p));
    s.pcap()
}

/// The second 401 is final.
pub fn refused() -> Vec<u8> {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let first = register(&a, 1, 3600);
    s.at(0).send(&a, &p, &first);
    s.at(3).send(&p, &a, &first.reply(401, "Unauthorized", &p).with("WWW-Authenticate", CHALLENGE));
    let second = register(&a, 2, 3600).with("Authorization", CREDENTIALS);
    s.at(6).send(&a, &p, &second);
    s.at(10).send(&p, &a, &second.reply(403, "Forbidden", &p));
    s.pcap()
}

/// One that is answered at once; one repeated by Timer E in vain. RFC 3261 §17.1.2.2
pub fn options() -> Vec<u8> {
    let (a, p, b) = (alice(), proxy(), bob());
    let mut s = Scene::new();
    let ping = Message::request("OPTIONS", &a, &p, "ping@192.0.2.10", 1);
    s.at(0).send(&a, &p, &ping);
    let allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER";
    s.at(2).send(&p, &a, &ping.reply(200, "OK", &p).with("Allow", allow).with("Accept", "application/sdp"));
    let lost = Message::request("OPTIONS", &a, &b, "lost@192.0.2.10", 1);
    for at in [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500] {
        s.at(100 + at).send(&a, &b, &lost);
    }
    s.pcap()
}
