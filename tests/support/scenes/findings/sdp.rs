//! Captures that prove the findings of the group `sdp`, and near misses.

use super::{Proof, near, yields};
use crate::support::media::{ANSWER, OFFER, sdp};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;
use crate::support::scenes::{alice, bob};
use std::net::SocketAddr;

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[
    near(
        yields("sdp-malformed", "an answer with `c=IN 198.51.100.20`, without the address type", || {
            answered_with(&plain_answer().replace("c=IN IP4 ", "c=IN "))
        }),
        "an answer with an empty session name, an attribute that nobody knows, and an empty line behind it",
        || answered_with(&format!("{}a=x-mood:fine\r\n\r\n", plain_answer().replace("s=-", "s= "))),
    ),
    near(
        yields("sdp-answer-missing", "an offer accepted by a 200 without a body", || accepted(false)),
        "the same 200 after a reliable 183 with the answer",
        || accepted(true),
    ),
    near(
        yields("sdp-answer-shape", "an offer of audio and video answered with audio alone", || {
            call(&with_video(&plain_offer(), 40_002), &plain_answer())
        }),
        "the same offer answered with audio and a refused video",
        || call(&with_video(&plain_offer(), 40_002), &with_video(&plain_answer(), 0)),
    ),
    near(
        yields("codec-none-common", "PCMU and PCMA offered, G729 answered", || {
            answered_with(&sdp(rtp(&bob(), 50_000), 1, &[(18, "G729/8000"), EVENTS], &[]))
        }),
        "PCMU and PCMA offered, PCMA answered",
        || answered_with(&sdp(rtp(&bob(), 50_000), 1, &[(8, "PCMA/8000"), EVENTS], &[])),
    ),
    near(
        yields("codec-not-offered", "G729 answered before PCMU, which alone was offered", || {
            answered_with(&sdp(rtp(&bob(), 50_000), 1, &[(18, "G729/8000"), (0, "PCMU/8000"), EVENTS], &[]))
        }),
        "a codec more than was offered, behind the one in common",
        || answered_with(&sdp(rtp(&bob(), 50_000), 1, &[(0, "PCMU/8000"), (18, "G729/8000"), EVENTS], &[])),
    ),
    near(
        yields("payload-type-changed", "telephone-event offered as 101 and answered as 96", || {
            answered_with(&sdp(rtp(&bob(), 50_000), 1, &[(0, "PCMU/8000"), (96, "telephone-event/8000")], &[]))
        }),
        "telephone-event offered as 101 and as 102 for another clock, answered as 101",
        || {
            let wide = [(9, "G722/8000"), (0, "PCMU/8000"), EVENTS, (102, "telephone-event/16000")];
            call(&sdp(rtp(&alice(), 40_000), 1, &wide, &[]), &plain_answer())
        },
    ),
    near(
        yields("dtmf-lost", "telephone-event offered, PCMU alone answered", || {
            answered_with(&sdp(rtp(&bob(), 50_000), 1, &[(0, "PCMU/8000")], &[]))
        }),
        "telephone-event not answered, and keys sent by INFO instead",
        keys_by_info,
    ),
    near(
        yields("direction-conflict", "sendonly offered and sendonly answered", || {
            call(&directed(&plain_offer(), "sendonly"), &directed(&plain_answer(), "sendonly"))
        }),
        "sendonly offered and recvonly answered",
        || call(&directed(&plain_offer(), "sendonly"), &directed(&plain_answer(), "recvonly")),
    ),
    near(
        yields("media-rejected", "the only audio is answered with port 0", || {
            answered_with(&plain_answer().replace("m=audio 50000", "m=audio 0"))
        }),
        "audio taken, in the same codec",
        || answered_with(&plain_answer()),
    ),
    near(
        yields("hold", "sendonly by re-INVITE, and sendrecv five seconds later", || again("sendonly", "recvonly")),
        "a re-INVITE that stays sendrecv",
        || again("sendrecv", "sendrecv"),
    ),
    near(
        yields("srtp-mismatch", "RTP/SAVP with a key offered, RTP/AVP answered", || {
            call(&keyed(&plain_offer()), &plain_answer())
        }),
        "a key beside RTP/AVP offered, and passed over: best effort",
        || call(&keyed(&plain_offer()).replace("RTP/SAVP", "RTP/AVP"), &plain_answer()),
    ),
    near(
        yields("crypto-missing", "RTP/SAVP offered without a key", || {
            call(&plain_offer().replace("RTP/AVP", "RTP/SAVP"), &keyed(&plain_answer()))
        }),
        "RTP/SAVP offered and answered with keys",
        || call(&keyed(&plain_offer()), &keyed(&plain_answer())),
    ),
    near(
        yields("dtls-missing", "UDP/TLS/RTP/SAVPF answered without a fingerprint", || {
            call(&browser(&plain_offer(), true), &browser(&plain_answer(), false))
        }),
        "UDP/TLS/RTP/SAVPF with fingerprints on both sides",
        || call(&browser(&plain_offer(), true), &browser(&plain_answer(), true)),
    ),
];

const EVENTS: (u8, &str) = (101, "telephone-event/8000");

/// Where a host receives RTP.
fn rtp(host: &Host, port: u16) -> SocketAddr {
    SocketAddr::new(host.at.ip(), port)
}

fn plain_offer() -> String {
    sdp(rtp(&alice(), 40_000), 1, &OFFER, &[])
}

fn plain_answer() -> String {
    sdp(rtp(&bob(), 50_000), 1, &ANSWER, &[])
}

fn directed(sdp: &str, direction: &str) -> String {
    format!("{sdp}a={direction}\r\n")
}

/// With a video stream behind the audio; port 0 refuses it.
fn with_video(sdp: &str, port: u16) -> String {
    format!("{sdp}m=video {port} RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n")
}

/// Over SRTP with a key. RFC 4568 §6.1
fn keyed(sdp: &str) -> String {
    let secure = sdp.replace("RTP/AVP", "RTP/SAVP");
    format!("{secure}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n")
}

/// As a browser has it. RFC 5763 §5
fn browser(sdp: &str, with_fingerprint: bool) -> String {
    let secure = sdp.replace("RTP/AVP", "UDP/TLS/RTP/SAVPF");
    let print = "a=fingerprint:sha-256 3A:96:6D:57:B2:C2:C7:61:A0:46:3E:1C:97:39:D3:F7:0A:88:A0:B1:EC:03:FB:10:A5:5D:3A:37:AB:DD:02:AA\r\n";
    format!("{secure}a=setup:active\r\n{}", if with_fingerprint { print } else { "" })
}

/// INVITE, 180, 200, ACK, what happens then, BYE.
fn call_with(offer: &str, answer: &str, then: impl FnOnce(&mut Scene)) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "sdp@192.0.2.10");
    let mut s = Scene::new();
    let invite = Message::request("INVITE", &a, &b, id, 1).sdp(offer);
    s.at(0).send(&a, &b, &invite);
    s.at(120).send(&b, &a, &invite.reply(180, "Ringing", &b));
    s.at(900).send(&b, &a, &invite.reply(200, "OK", &b).sdp(answer));
    s.at(904).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
    then(&mut s);
    let bye = Message::inside("BYE", &a, &b, id, 9);
    s.at(12_000).send(&a, &b, &bye);
    s.at(12_004).send(&b, &a, &bye.reply(200, "OK", &b));
    s.pcap()
}

/// A call whose 200 has no body; the answer came `early`, in a reliable 183, or not at all. RFC 3262 §5
fn accepted(early: bool) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "sdp@192.0.2.10");
    let mut s = Scene::new();
    let invite = Message::request("INVITE", &a, &b, id, 1).with("Supported", "100rel").sdp(&plain_offer());
    s.at(0).send(&a, &b, &invite);
    if early {
        let progress = invite.reply(183, "Session Progress", &b).with("Require", "100rel").with("RSeq", "7");
        s.at(120).send(&b, &a, &progress.sdp(&plain_answer()));
        let prack = Message::inside("PRACK", &a, &b, id, 2).with("RAck", "7 1 INVITE");
        s.at(124).send(&a, &b, &prack);
        s.at(126).send(&b, &a, &prack.reply(200, "OK", &b));
    } else {
        s.at(120).send(&b, &a, &invite.reply(180, "Ringing", &b));
    }
    s.at(900).send(&b, &a, &invite.reply(200, "OK", &b));
    s.at(904).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
    let bye = Message::inside("BYE", &a, &b, id, 9);
    s.at(12_000).send(&a, &b, &bye);
    s.at(12_004).send(&b, &a, &bye.reply(200, "OK", &b));
    s.pcap()
}

fn call(offer: &str, answer: &str) -> Vec<u8> {
    call_with(offer, answer, |_| {})
}

fn answered_with(answer: &str) -> Vec<u8> {
    call(&plain_offer(), answer)
}

/// A re-INVITE with a direction and its answer, and another with sendrecv.
fn again(mine: &'static str, theirs: &'static str) -> Vec<u8> {
    call_with(&plain_offer(), &plain_answer(), |s| {
        let (a, b, id) = (alice(), bob(), "sdp@192.0.2.10");
        for (n, at, mine, theirs) in [(2, 3000, mine, theirs), (3, 8000, "sendrecv", "sendrecv")] {
            let body = |host: &Host, port, direction| sdp(rtp(host, port), n, &ANSWER, &[direction]);
            let request = Message::inside("INVITE", &a, &b, id, n).sdp(&body(&a, 40_000, mine));
            s.at(at).send(&a, &b, &request);
            s.at(at + 30).send(&b, &a, &request.reply(200, "OK", &b).sdp(&body(&b, 50_000, theirs)));
            s.at(at + 33).send(&a, &b, &Message::inside("ACK", &a, &b, id, n));
        }
    })
}

fn keys_by_info() -> Vec<u8> {
    let answer = sdp(rtp(&bob(), 50_000), 1, &[(0, "PCMU/8000")], &[]);
    call_with(&plain_offer(), &answer, |s| {
        let (a, b) = (alice(), bob());
        for (n, key) in [(2, "1"), (3, "9"), (4, "#")] {
            let body = format!("Signal={key}\r\nDuration=160\r\n");
            let info = Message::inside("INFO", &a, &b, "sdp@192.0.2.10", n).body("application/dtmf-relay", &body);
            s.at(1000 + u64::from(n) * 400).send(&a, &b, &info);
            s.at(1004 + u64::from(n) * 400).send(&b, &a, &info.reply(200, "OK", &b));
        }
    })
}
