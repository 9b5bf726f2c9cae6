//! Captures that prove the findings of the group `identity`, and near misses.

mod passports;

use super::Proof;
use crate::support::message::Message;
use crate::support::scene::Scene;
use crate::support::scenes::{alice, bob};
use passports::{GOOD, NO_ATTEST, OTHER_KEY, OTHER_NUMBER, STALE};

const fn proof(
    code: &'static str,
    shows: &'static str,
    make: fn() -> Vec<u8>,
    near_shows: &'static str,
    near: fn() -> Vec<u8>,
) -> Proof {
    Proof { code, shows, make, near_shows, near, near_yields: &[], options: &[] }
}

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[
    proof(
        "identity-missing",
        "a caller signs one call and not the next",
        || calls(&[Some(GOOD), None]),
        "a caller signs no call at all",
        || calls(&[None, None]),
    ),
    proof(
        "identity-malformed",
        "a PASSporT without attestation",
        || calls(&[Some(NO_ATTEST)]),
        "one as it should be",
        || calls(&[Some(GOOD)]),
    ),
    proof(
        "identity-stale",
        "signed an hour before the call",
        || calls(&[Some(STALE)]),
        "signed in the second of the call",
        || calls(&[Some(GOOD)]),
    ),
    proof(
        "identity-number-mismatch",
        "signed for another number than the one in From",
        || calls(&[Some(OTHER_NUMBER)]),
        "From has the national form of the number that was signed",
        || national(GOOD),
    ),
    Proof {
        options: &["--stir-certs", "{testdata}/findings/stir", "--stir-ca", "{testdata}/findings/stir-ca.pem"],
        ..proof(
            "identity-unverified",
            "signed with another key than that of the certificate",
            || calls(&[Some(OTHER_KEY)]),
            "signed with the key of the certificate",
            || calls(&[Some(GOOD)]),
        )
    },
];

/// A call to a telephone number that is busy.
fn call(s: &mut Scene, n: u64, caller: &str, passport: Option<&str>) {
    let (a, b) = (alice(), bob());
    let from = format!("<sip:{caller}@example.com;user=phone>;tag=alice-1");
    let uri = "sip:+17035550199@example.com;user=phone";
    let mut invite = Message::request("INVITE", &a, &b, &format!("signed-{n}@192.0.2.10"), 1)
        .at_uri(uri)
        .set("From", &from)
        .set("To", &format!("<{uri}>"))
        .set("Via", &format!("SIP/2.0/UDP {};branch=z9hG4bK-s{n};rport", a.at));
    if let Some(passport) = passport {
        let info = "https://cr.example.com/shaken-1234.pem";
        invite = invite.with("Identity", &format!("{passport};info=<{info}>;alg=ES256;ppt=\"shaken\""));
    }
    s.at(n * 1000).send(&a, &b, &invite);
    s.at(n * 1000 + 2).send(&b, &a, &invite.reply(100, "Trying", &b));
    let busy = invite.reply(486, "Busy Here", &b);
    s.at(n * 1000 + 40).send(&b, &a, &busy);
    s.at(n * 1000 + 42).send(&a, &b, &invite.ack_to(&busy));
}

fn calls(passports: &[Option<&str>]) -> Vec<u8> {
    let mut s = Scene::new();
    for (n, passport) in passports.iter().enumerate() {
        call(&mut s, n as u64, "+12025550123", *passport);
    }
    s.pcap()
}

fn national(passport: &str) -> Vec<u8> {
    let mut s = Scene::new();
    call(&mut s, 0, "2025550123", Some(passport));
    s.pcap()
}
