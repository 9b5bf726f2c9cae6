//! Captures that prove the findings of the group `nat`, and near misses.

use super::{Proof, near, yields};
use crate::support::media::{ANSWER, OFFER, Talk, sdp};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;
use crate::support::scenes::{alice, bob};
use std::net::SocketAddr;

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[
    near(
        yields("nat-contact", "a private Contact and Via from a public source", || {
            call(Said { contact: "<sip:alice@192.168.1.10:5060>", via: "192.168.1.10:5060", ..Said::default() })
        }),
        "Contact and Via with a host name",
        || call(Said { contact: "<sip:alice@phone.example.com>", via: "phone.example.com", ..Said::default() }),
    ),
    near(
        yields("nat-sdp", "media wanted at 192.168.1.10, and RTP lost on its way there", || {
            call(Said { media: "192.168.1.10:40000", sound: true, ..Said::default() })
        }),
        "media wanted at another public address than the signalling comes from",
        || call(Said { media: "192.0.2.11:40000", sound: true, ..Said::default() }),
    ),
    near(
        yields("nat-via", "a private Via without rport from a public source", || {
            call(Said { via: "192.168.1.10:5060", asks_rport: false, ..Said::default() })
        }),
        "a private Via with rport",
        || call(Said { via: "192.168.1.10:5060", ..Said::default() }),
    ),
    near(
        yields(
            "alg-suspected",
            "one INVITE on both sides of a router, with another address in its SDP behind it",
            || through(true),
        ),
        "one INVITE on both sides of a router that leaves it as it is",
        || through(false),
    ),
];

const ID: &str = "nat@192.0.2.10";

/// What the caller says of itself.
struct Said {
    contact: &'static str,
    via: &'static str,
    asks_rport: bool,
    media: &'static str,
    sound: bool,
}

impl Default for Said {
    fn default() -> Self {
        Said {
            contact: "<sip:alice@192.0.2.10:5060>",
            via: "192.0.2.10:5060",
            asks_rport: true,
            media: "192.0.2.10:40000",
            sound: false,
        }
    }
}

/// A call from 192.0.2.10, which says of itself what it says.
fn call(said: Said) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let rport = if said.asks_rport { ";rport" } else { "" };
    let via = |branch: &str| format!("SIP/2.0/UDP {};branch=z9hG4bK-{branch}{rport}", said.via);
    let media: SocketAddr = said.media.parse().unwrap();
    let theirs = SocketAddr::new(b.at.ip(), 50_000);
    let mut s = Scene::new();
    let invite = Message::request("INVITE", &a, &b, ID, 1).set("Via", &via("n1")).set("Contact", said.contact);
    let invite = invite.sdp(&sdp(media, 1, &OFFER, &[]));
    s.at(0).send(&a, &b, &invite);
    s.at(120).send(&b, &a, &invite.reply(180, "Ringing", &b));
    s.at(900).send(&b, &a, &invite.reply(200, "OK", &b).sdp(&sdp(theirs, 1, &ANSWER, &[])));
    s.at(904).send(&a, &b, &Message::inside("ACK", &a, &b, ID, 1).set("Via", &via("n2")));
    if said.sound {
        Talk::new(theirs, media, 0xb0b0_0001).run(&mut s, 950, 3000);
        // Its own media leaves from the outer address, or from the one it names where that is a public one.
        let outer = if said.media.starts_with("192.168.") { SocketAddr::new(a.at.ip(), 40_000) } else { media };
        Talk::new(outer, theirs, 0xa11c_0001).run(&mut s, 950, 3000);
    }
    let bye = Message::inside("BYE", &a, &b, ID, 2).set("Via", &via("n3"));
    s.at(4000).send(&a, &b, &bye);
    s.at(4004).send(&b, &a, &bye.reply(200, "OK", &b));
    s.pcap()
}

/// A call seen on both sides of a router at 203.0.113.1, which may rewrite the SDP of the INVITE.
fn through(rewrites: bool) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let outer = Host { at: "203.0.113.1:5060".parse().unwrap(), ..a.clone() };
    let media = |ip: &str| sdp(format!("{ip}:40000").parse().unwrap(), 1, &OFFER, &[]);
    let mut s = Scene::new();
    let plain = Message::request("INVITE", &a, &b, ID, 1).set("Contact", "<sip:alice@phone.example.com>");
    let invite = plain.clone().sdp(&media("192.0.2.10"));
    s.at(0).send(&a, &b, &invite);
    let sent_on = if rewrites { plain.sdp(&media("203.0.113.1")) } else { invite.clone() };
    s.at_us(400).send(&outer, &b, &sent_on);
    let mut back = |at: u64, message: &Message| {
        s.at(at).send(&b, &outer, message);
        s.at_us(at * 1000 + 400).send(&b, &a, message);
    };
    back(120, &invite.reply(180, "Ringing", &b));
    back(900, &invite.reply(200, "OK", &b).sdp(&sdp(SocketAddr::new(b.at.ip(), 50_000), 1, &ANSWER, &[])));
    let mut forth = |at: u64, message: &Message| {
        s.at(at).send(&a, &b, message);
        s.at_us(at * 1000 + 400).send(&outer, &b, message);
    };
    forth(904, &Message::inside("ACK", &a, &b, ID, 1));
    let bye = Message::inside("BYE", &a, &b, ID, 2);
    forth(4000, &bye);
    let done = bye.reply(200, "OK", &b);
    s.at(4004).send(&b, &outer, &done);
    s.at_us(4_004_400).send(&b, &a, &done);
    s.pcap()
}
