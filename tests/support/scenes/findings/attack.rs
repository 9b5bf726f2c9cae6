//! Captures that prove the findings of the group `attack`, and near misses.

use super::Proof;
use super::auth::{challenged, credentials, end, guess, md5, request};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;
use crate::support::scenes::{alice, bob, proxy};

const fn proof(
    code: &'static str,
    shows: &'static str,
    make: fn() -> Vec<u8>,
    near_shows: &'static str,
    near: fn() -> Vec<u8>,
    options: &'static [&'static str],
) -> Proof {
    Proof { code, shows, make, near_shows, near, near_yields: &[], options }
}

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[
    proof(
        "scanner",
        "OPTIONS of friendly-scanner",
        || probe("friendly-scanner"),
        "OPTIONS of a phone that is only friendly",
        || probe("FriendlyPhone 1.0"),
        &[],
    ),
    proof(
        "flood",
        "130 OPTIONS within a second, refused with 503",
        || many(130, 7, 503),
        "the same, accepted",
        || many(130, 7, 200),
        &[],
    ),
    proof(
        "extension-scan",
        "OPTIONS for the users 100 to 114, most of them unknown",
        || extensions(15),
        "OPTIONS for eight users who are not there",
        || extensions(8),
        &[],
    ),
    Proof {
        near_yields: &["auth-wrong-credentials", "auth-no-credentials", "register-refused"],
        ..proof(
            "password-guessing",
            "twelve passwords within six seconds",
            || guesses(12, 500, false),
            "a phone that asks again with its wrong password once a minute",
            || guesses(12, 60_000, false),
            &[],
        )
    },
    proof(
        "account-compromised",
        "twelve passwords within six seconds, the last of them accepted",
        || guesses(12, 500, true),
        "three passwords, the last of them accepted",
        || guesses(3, 5000, true),
        &[],
    ),
    proof(
        "toll-fraud",
        "twelve calls to different numbers abroad within half a minute",
        || calls("00882134"),
        "twelve calls to different numbers at home within half a minute",
        || calls("0049301"),
        &["--home-country", "49"],
    ),
];

fn stranger(agent: &'static str) -> Host {
    Host::new("100", "203.0.113.66:5060", agent)
}

fn probe(agent: &'static str) -> Vec<u8> {
    let (x, p) = (stranger(agent), proxy());
    let mut s = Scene::new();
    let ping = Message::request("OPTIONS", &x, &p, "probe@203.0.113.66", 1);
    s.at(0).send(&x, &p, &ping);
    s.at(2).send(&p, &x, &ping.reply(200, "OK", &p));
    s.pcap()
}

/// OPTIONS every so many milliseconds, each answered alike.
fn many(count: u64, every_ms: u64, status: u16) -> Vec<u8> {
    let (x, p) = (stranger("x"), proxy());
    let mut s = Scene::new();
    for n in 0..count {
        let ping = Message::request("OPTIONS", &x, &p, &format!("f{n}"), 1).without("Contact").without("User-Agent");
        let ping = ping.set("Via", &format!("SIP/2.0/UDP {};branch=z9hG4bK{n}", x.at));
        s.at(n * every_ms).send(&x, &p, &ping);
        let reason = if status == 200 { "OK" } else { "Service Unavailable" };
        s.at(n * every_ms + 1).send(&p, &x, &ping.reply(status, reason, &p).without("Server"));
    }
    s.pcap()
}

fn extensions(count: u64) -> Vec<u8> {
    let (x, p) = (stranger("Phone 1.0"), proxy());
    let mut s = Scene::new();
    for n in 0..count {
        let uri = format!("sip:{}@example.com", 100 + n);
        let ping = Message::request("OPTIONS", &x, &p, &format!("e{n}@203.0.113.66"), 1)
            .at_uri(&uri)
            .set("To", &format!("<{uri}>"))
            .set("Via", &format!("SIP/2.0/UDP {};branch=z9hG4bK-e{n};rport", x.at));
        s.at(n * 50).send(&x, &p, &ping);
        let answer = if n == 7 { ping.reply(200, "OK", &p) } else { ping.reply(404, "Not Found", &p) };
        s.at(n * 50 + 2).send(&p, &x, &answer);
    }
    s.pcap()
}

/// REGISTER in one Call-ID, each challenged and answered with another password; the last is accepted where `opened`.
fn guesses(count: u32, every_ms: u64, opened: bool) -> Vec<u8> {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let first = request(&a, 1);
    s.at(0).send(&a, &p, &first);
    s.at(2).send(&p, &a, &challenged(&first, &p, &md5("g0")));
    for n in 0..count {
        let ms = 10 + u64::from(n) * every_ms;
        let (nonce, password) = (format!("g{n}"), format!("guess{n}"));
        let next = request(&a, 2 + n).with("Authorization", &credentials(&guess(&nonce, &password)));
        s.at(ms).send(&a, &p, &next);
        let answer = match opened && n + 1 == count {
            true => end(&next, &a, &p, 200),
            false => challenged(&next, &p, &md5(&format!("g{}", n + 1))),
        };
        s.at(ms + 3).send(&p, &a, &answer);
    }
    s.pcap()
}

/// Calls to numbers that begin with `prefix`, three seconds apart, each given up while it rings.
fn calls(prefix: &str) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    for n in 0..12 {
        let uri = format!("sip:{prefix}{:05}@example.com", n * 7919);
        let ms = n * 2500;
        let invite = Message::request("INVITE", &a, &b, &format!("t{n}@192.0.2.10"), 1)
            .at_uri(&uri)
            .set("To", &format!("<{uri}>"))
            .set("Via", &format!("SIP/2.0/UDP {};branch=z9hG4bK-t{n};rport", a.at));
        s.at(ms).send(&a, &b, &invite);
        s.at(ms + 2).send(&b, &a, &invite.reply(100, "Trying", &b));
        s.at(ms + 300).send(&b, &a, &invite.reply(180, "Ringing", &b));
        let cancel = invite.cancel();
        s.at(ms + 1500).send(&a, &b, &cancel);
        s.at(ms + 1502).send(&b, &a, &cancel.reply(200, "OK", &b));
        let gone = invite.reply(487, "Request Terminated", &b);
        s.at(ms + 1504).send(&b, &a, &gone);
        s.at(ms + 1506).send(&a, &b, &invite.ack_to(&gone));
    }
    s.pcap()
}
