//! Captures that prove the findings of the group `auth`, and near misses.

use super::{Proof, proof};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;
use crate::support::scenes::{alice, bob, proxy};
use sipctl::digest::Algorithm;

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[
    proof(
        "auth-no-credentials",
        "a 401 that the phone leaves alone for a minute",
        no_credentials,
        "the capture ends a second after the 401",
        no_credentials_yet,
        &[],
    ),
    Proof {
        options: &["--credentials", "{testdata}/findings/credentials.txt"],
        ..proof(
            "auth-wrong-credentials",
            "right nonce, realm and algorithm, another password",
            || register(&[ask(&Answer { password: "secred", ..RIGHT })], 401),
            "the nonce was old: stale=true, then accepted",
            went_stale,
            &[],
        )
    },
    proof(
        "auth-algorithm-mismatch",
        "SHA-256 is offered, and the phone answers with MD5",
        || register(&[Round { challenge: sha256, answer: Answer { names_algorithm: false, ..RIGHT } }], 401),
        "SHA-256 and MD5 are offered, and MD5 is taken",
        || register(&[Round { challenge: both, answer: RIGHT }], 200),
        &[],
    ),
    proof(
        "auth-realm-mismatch",
        "the phone answers for the realm of its account and not for that of the challenge",
        || register(&[ask(&Answer { realm: "old.example.com", ..RIGHT })], 401),
        "the same, and the registrar takes it",
        || register(&[ask(&Answer { realm: "old.example.com", ..RIGHT })], 200),
        &[],
    ),
    proof(
        "auth-uri-mismatch",
        "the uri that was hashed is not the Request-URI",
        || register(&[ask(&Answer { uri: "sip:registrar.example.net", ..RIGHT })], 401),
        "the uri differs by a parameter alone",
        || register(&[ask(&Answer { uri: "sip:example.com;transport=udp", ..RIGHT })], 200),
        &[],
    ),
    proof(
        "auth-nonce-reused",
        "a refresh answers a new challenge with the nonce of the one before",
        || nonces("n1", "00000001", 401),
        "a refresh answers with the new nonce",
        || nonces("n2", "00000001", 200),
        &[],
    ),
    proof(
        "auth-stale",
        "the nonce had grown old: one 401 with stale=true, then accepted",
        went_stale,
        "a first challenge, then accepted",
        || register(&[ask(&RIGHT)], 200),
        &[],
    ),
    proof(
        "auth-weak",
        "the registrar offers MD5 alone",
        || register(&[ask(&RIGHT)], 200),
        "the registrar offers SHA-256 before MD5",
        || register(&[Round { challenge: both, answer: RIGHT }], 200),
        &[],
    ),
    proof(
        "auth-basic",
        "a phone sends its password in Basic credentials",
        basic,
        "a user named Basic in Digest credentials",
        || register(&[ask(&Answer { user: "Basic", ..RIGHT })], 200),
        &[],
    ),
];

/// What a phone answers.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    user: &'a str,
    password: &'a str,
    realm: &'a str,
    uri: &'a str,
    nonce: &'a str,
    nc: &'a str,
    names_algorithm: bool,
}

/// The right answer.
pub(super) const RIGHT: Answer<'static> = Answer {
    user: "alice",
    password: "secret",
    realm: "example.com",
    uri: "sip:example.com",
    nonce: "n1",
    nc: "00000001",
    names_algorithm: true,
};

/// An answer with a password that is tried.
pub(super) fn guess<'a>(nonce: &'a str, password: &'a str) -> Answer<'a> {
    Answer { nonce, password, ..RIGHT }
}

/// The credentials of an answer to a REGISTER. RFC 7616 §3.4.1
pub(super) fn credentials(a: &Answer<'_>) -> String {
    let h = |text: String| Algorithm::Md5.hash(text.as_bytes());
    let ha1 = h(format!("{}:{}:{}", a.user, a.realm, a.password));
    let ha2 = h(format!("REGISTER:{}", a.uri));
    let response = h(format!("{ha1}:{}:{}:c1:auth:{ha2}", a.nonce, a.nc));
    let algorithm = if a.names_algorithm { ", algorithm=MD5" } else { "" };
    format!(
        "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{response}\"{algorithm}, cnonce=\"c1\", nc={}, qop=auth",
        a.user, a.realm, a.nonce, a.uri, a.nc
    )
}

pub(super) fn md5(nonce: &str) -> Vec<String> {
    vec![format!("Digest realm=\"example.com\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"")]
}

fn sha256(nonce: &str) -> Vec<String> {
    vec![format!("Digest realm=\"example.com\", nonce=\"{nonce}\", algorithm=SHA-256, qop=\"auth\"")]
}

fn both(nonce: &str) -> Vec<String> {
    [sha256(nonce), md5(nonce)].concat()
}

/// A challenge and the answer to it.
struct Round {
    challenge: fn(&str) -> Vec<String>,
    answer: Answer<'static>,
}

fn ask(answer: &Answer<'static>) -> Round {
    Round { challenge: md5, answer: *answer }
}

pub(super) fn request(a: &Host, cseq: u32) -> Message {
    Message::request("REGISTER", a, a, "auth@192.0.2.10", cseq).at_uri("sip:example.com").with("Expires", "3600")
}

pub(super) fn challenged(request: &Message, by: &Host, challenges: &[String]) -> Message {
    let m = request.reply(401, "Unauthorized", by);
    challenges.iter().fold(m, |m, c| m.with("WWW-Authenticate", c))
}

pub(super) fn end(request: &Message, a: &Host, by: &Host, status: u16) -> Message {
    match status {
        200 => request.reply(200, "OK", by).with("Contact", &format!("{};expires=3600", a.contact())),
        401 => challenged(request, by, &md5("n9")),
        _ => request.reply(status, "Forbidden", by),
    }
}

/// A probe by somebody else, so that the capture goes on.
fn goes_on(s: &mut Scene, ms: u64) {
    let (b, p) = (bob(), proxy());
    let ping = Message::request("OPTIONS", &b, &p, "later@198.51.100.20", 1);
    s.at(ms).send(&b, &p, &ping);
    s.at(ms + 2).send(&p, &b, &ping.reply(200, "OK", &p));
}

/// REGISTER, and a challenge and an answer for each round; `status` ends the last.
fn register(rounds: &[Round], status: u16) -> Vec<u8> {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let mut last = request(&a, 1);
    s.at(0).send(&a, &p, &last);
    for (n, round) in rounds.iter().enumerate() {
        let ms = 10 * n as u64;
        s.at(ms + 3).send(&p, &a, &challenged(&last, &p, &(round.challenge)(round.answer.nonce)));
        last = request(&a, 2 + n as u32).with("Authorization", &credentials(&round.answer));
        s.at(ms + 6).send(&a, &p, &last);
    }
    s.at(100).send(&p, &a, &end(&last, &a, &p, status));
    goes_on(&mut s, 60_000);
    s.pcap()
}

fn no_credentials() -> Vec<u8> {
    register(&[], 401)
}

fn no_credentials_yet() -> Vec<u8> {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let first = request(&a, 1);
    s.at(0).send(&a, &p, &first);
    s.at(3).send(&p, &a, &challenged(&first, &p, &md5("n1")));
    goes_on(&mut s, 1000);
    s.pcap()
}

fn went_stale() -> Vec<u8> {
    let stale = |nonce: &str| md5(nonce).into_iter().map(|c| format!("{c}, stale=true")).collect();
    register(&[ask(&RIGHT), Round { challenge: stale, answer: Answer { nonce: "n2", ..RIGHT } }], 200)
}

/// Registered with nonce n1; challenged again with n2 half an hour later, and answered with `nonce`.
fn nonces(nonce: &'static str, nc: &'static str, status: u16) -> Vec<u8> {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let first = request(&a, 1);
    s.at(0).send(&a, &p, &first);
    s.at(3).send(&p, &a, &challenged(&first, &p, &md5("n1")));
    let second = request(&a, 2).with("Authorization", &credentials(&RIGHT));
    s.at(6).send(&a, &p, &second);
    s.at(9).send(&p, &a, &end(&second, &a, &p, 200));
    let half = 1_800_000;
    let third = request(&a, 3);
    s.at(half).send(&a, &p, &third);
    s.at(half + 3).send(&p, &a, &challenged(&third, &p, &md5("n2")));
    let fourth = request(&a, 4).with("Authorization", &credentials(&Answer { nonce, nc, ..RIGHT }));
    s.at(half + 6).send(&a, &p, &fourth);
    s.at(half + 9).send(&p, &a, &end(&fourth, &a, &p, status));
    goes_on(&mut s, half + 60_000);
    s.pcap()
}

fn basic() -> Vec<u8> {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let first = request(&a, 1);
    s.at(0).send(&a, &p, &first);
    let asked = first.reply(401, "Unauthorized", &p).with("WWW-Authenticate", "Basic realm=\"example.com\"");
    s.at(3).send(&p, &a, &asked);
    let second = request(&a, 2).with("Authorization", "Basic YWxpY2U6c2VjcmV0");
    s.at(6).send(&a, &p, &second);
    s.at(9).send(&p, &a, &end(&second, &a, &p, 200));
    s.pcap()
}
