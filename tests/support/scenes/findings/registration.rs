//! Captures that prove the findings of the group `registration`, and near misses.

use super::{Proof, proof};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;
use crate::support::scenes::{alice, proxy};

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[
    proof(
        "register-refused",
        "the registrar answers 404",
        || exchange(|r, p| r.reply(404, "Not Found", p)),
        "the registrar answers 200",
        || exchange(|r, p| r.reply(200, "OK", p).with("Contact", &bound(&alice(), 600))),
        &[],
    ),
    proof(
        "register-too-brief",
        "60 s are too brief; the phone asks again for 300 s",
        || too_brief(Some(300)),
        "300 s are granted at once",
        || too_brief(None),
        &[],
    ),
    proof(
        "register-lapsed",
        "60 s are granted, and the phone renews after 80 s",
        || renewed(80_000, 600),
        "the phone removes its binding, and registers anew after 80 s",
        || renewed(80_000, 0),
        &[],
    ),
    proof(
        "binding-missing",
        "200 to a registration, with the binding of another phone alone",
        || exchange(|r, p| r.reply(200, "OK", p).with("Contact", "<sip:desk@198.51.100.77:5060>;expires=600")),
        "200 with the address that a NAT gave the phone in the place of its own",
        || exchange(|r, p| r.reply(200, "OK", p).with("Contact", "<sip:alice@198.51.100.77:1024>;expires=600")),
        &[],
    ),
];

fn register(a: &Host, cseq: u32, expires: u32) -> Message {
    Message::request("REGISTER", a, a, "registered@192.0.2.10", cseq)
        .at_uri("sip:example.com")
        .with("Expires", &expires.to_string())
}

fn bound(a: &Host, expires: u32) -> String {
    format!("{};expires={expires}", a.contact())
}

fn exchange(answer: impl Fn(&Message, &Host) -> Message) -> Vec<u8> {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let request = register(&a, 1, 600);
    s.at(0).send(&a, &p, &request);
    s.at(5).send(&p, &a, &answer(&request, &p));
    s.pcap()
}

fn too_brief(least: Option<u32>) -> Vec<u8> {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    if let Some(least) = least {
        let first = register(&a, 1, 60);
        s.at(0).send(&a, &p, &first);
        let refused = first.reply(423, "Interval Too Brief", &p).with("Min-Expires", &least.to_string());
        s.at(5).send(&p, &a, &refused);
    }
    let second = register(&a, 2, 300);
    s.at(10).send(&a, &p, &second);
    s.at(15).send(&p, &a, &second.reply(200, "OK", &p).with("Contact", &bound(&a, 300)));
    s.pcap()
}

/// Granted for 60 s; a second REGISTER for `then` seconds after 20 s where that is a removal, and one for 600 s at `ms`.
fn renewed(ms: u64, then: u32) -> Vec<u8> {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let first = register(&a, 1, 600);
    s.at(0).send(&a, &p, &first);
    s.at(5).send(&p, &a, &first.reply(200, "OK", &p).with("Contact", &bound(&a, 60)));
    if then == 0 {
        let removal = register(&a, 2, 0);
        s.at(20_000).send(&a, &p, &removal);
        s.at(20_005).send(&p, &a, &removal.reply(200, "OK", &p));
    }
    let last = register(&a, 3, 600);
    s.at(ms).send(&a, &p, &last);
    s.at(ms + 5).send(&p, &a, &last.reply(200, "OK", &p).with("Contact", &bound(&a, 60)));
    s.pcap()
}
