//! What findings on session descriptions, media and NAT say in cases that one capture a code does not show: where packets were lost, what RTCP says
//! beside what was measured, and what is no finding.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use std::net::SocketAddr;
use std::process::Command;
use support::media::{ANSWER, OFFER, Talk, sdp};
use support::message::Message;
use support::scene::Scene;
use support::scenes::findings::media::{ID, call, call_with, from_alice, from_bob, hang_up, rtp, through_relay};
use support::scenes::{alice, bob};

/// What `decode` finds in a capture.
fn findings(capture: &[u8]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scene.pcap");
    std::fs::write(&path, capture).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", "--json"]).arg(&path).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let json: Value = serde_json::from_slice(&done.stdout).unwrap();
    json["findings"].as_array().unwrap().clone()
}

fn text<'a>(finding: &'a Value, key: &str) -> &'a str {
    finding[key].as_str().unwrap()
}

fn codes(findings: &[Value]) -> Vec<(&str, &str)> {
    findings.iter().map(|f| (text(f, "code"), text(f, "severity"))).collect()
}

/// The one finding of weight.
#[track_caller]
fn only(capture: &[u8], code: &str, severity: &str) -> Value {
    let found = findings(capture);
    let grave: Vec<&Value> = found.iter().filter(|f| f["severity"] != "info" || f["code"] == code).collect();
    assert_eq!(grave.len(), 1, "{:?}", codes(&found));
    assert_eq!((text(grave[0], "code"), text(grave[0], "severity")), (code, severity), "{}", text(grave[0], "title"));
    grave[0].clone()
}

#[track_caller]
fn nothing(capture: &[u8]) {
    let found = findings(capture);
    assert!(found.iter().all(|f| f["severity"] == "info"), "{:?}", codes(&found));
}

#[test]
fn loss_behind_a_relay_is_told_of_the_relay() {
    let f = only(&through_relay(0, Some(20)), "rtp-loss", "warning");
    assert!(text(&f, "title").contains("from 192.0.2.1:30002 to 198.51.100.20:50000"), "{}", text(&f, "title"));
    assert!(text(&f, "detail").contains("the loss is in 192.0.2.1 or right behind it"), "{}", text(&f, "detail"));
    assert_eq!(f["confidence"], "certain");
}

#[test]
fn loss_before_a_relay_is_told_once_where_it_shows_first() {
    let f = only(&through_relay(20, Some(20)), "rtp-loss", "warning");
    assert!(text(&f, "title").contains("from 192.0.2.10:40000 to 192.0.2.1:30000"), "{}", text(&f, "title"));
}

#[test]
fn keys_that_a_relay_takes_out_are_no_loss() {
    let relay: SocketAddr = "192.0.2.77:9000".parse().unwrap();
    let (offer, answer) = (sdp(rtp(&alice(), 40_000), 1, &OFFER, &[]), sdp(rtp(&bob(), 50_000), 1, &ANSWER, &[]));
    let capture = call_with(&offer, &answer, |s| {
        let (before, behind) = (Talk { dst: relay, ..from_alice() }, Talk { src: relay, ..from_alice() });
        for talk in [&before, &behind] {
            for n in (0..60u16).chain(64..120) {
                talk.one(s, 950_000 + u64::from(n) * 20_000, n, u32::from(n) * 160);
            }
        }
        Talk { payload_type: 101, ..before }.digit(s, 950 + 60 * 20, 5, 60);
        from_bob().run(s, 950, 3000);
    });
    let found = findings(&capture);
    assert!(!found.iter().any(|f| matches!(text(f, "code"), "rtp-loss" | "mos-low")), "{:?}", codes(&found));
    let f = found.iter().find(|f| f["code"] == "dtmf-lost").unwrap_or_else(|| panic!("{:?}", codes(&found)));
    assert_eq!(text(f, "title"), "192.0.2.77:9000 takes the keys 5 out of the RTP that it sends on");
}

#[test]
fn a_relay_that_swallows_one_direction_is_named() {
    let (offer, answer) = (sdp(rtp(&alice(), 40_000), 1, &OFFER, &[]), sdp(rtp(&bob(), 50_000), 1, &ANSWER, &[]));
    let relay: SocketAddr = "192.0.2.77:9000".parse().unwrap();
    // Both send to the relay, and only bob hears anything.
    let capture = call_with(&offer, &answer, |s| {
        Talk { dst: relay, ..from_alice() }.run(s, 950, 2300);
        Talk { dst: relay, ..from_bob() }.run(s, 950, 2300);
        Talk { src: relay, ..from_alice() }.run(s, 951, 2300);
    });
    let found = findings(&capture);
    let f = found.iter().find(|f| f["code"] == "one-way-audio").unwrap_or_else(|| panic!("{:?}", codes(&found)));
    assert!(
        text(f, "title").ends_with("ends at the relay 192.0.2.77, so the caller hears nothing"),
        "{}",
        text(f, "title")
    );
}

/// An RTCP receiver report from alice on bob's stream. RFC 3550 §6.4.2
fn report(s: &mut Scene, at: u64, fraction: u8, lost: u32, highest: u32) {
    let mut packet = vec![0x81, 201, 0, 7];
    packet.extend(0xa11c_0001u32.to_be_bytes());
    packet.extend(0xb0b0_0001u32.to_be_bytes());
    packet.extend(((u32::from(fraction) << 24) | lost).to_be_bytes());
    for word in [highest, 16, 0, 0] {
        packet.extend(word.to_be_bytes());
    }
    s.at(at).udp(rtp(&alice(), 40_001), rtp(&bob(), 50_001), &packet);
}

#[test]
fn what_the_receiver_got_was_missed_by_the_capture_alone() {
    let capture = call(|s| {
        from_alice().run(s, 950, 3000);
        Talk { lose_every: 20, ..from_bob() }.run(s, 950, 3000);
        report(s, 3010, 0, 0, 101);
    });
    nothing(&capture);
    let found = findings(&capture);
    let f = found.iter().find(|f| f["code"] == "rtp-loss").unwrap();
    assert!(text(f, "title").starts_with("the capture misses 4"), "{}", text(f, "title"));
}

#[test]
fn loss_that_only_the_receiver_saw_lies_behind_the_point_of_capture() {
    let f = only(
        &call(|s| {
            from_alice().run(s, 950, 3000);
            from_bob().run(s, 950, 3000);
            report(s, 3010, 20, 8, 101);
        }),
        "rtp-loss",
        "error",
    );
    assert!(text(&f, "title").starts_with("192.0.2.10:40000 reports 7.8 %"), "{}", text(&f, "title"));
    assert!(text(&f, "detail").contains("between this point of capture and 192.0.2.10"), "{}", text(&f, "detail"));
}

#[test]
fn a_low_score_in_an_extended_report_is_told() {
    let f = only(
        &call(|s| {
            from_alice().run(s, 950, 3000);
            from_bob().run(s, 950, 3000);
            report(s, 3000, 0, 0, 101);
            // VoIP metrics: loss 0, discarded 10 %, R 50, listening quality 2.9. RFC 3611 §4.7
            let mut packet = vec![0x80, 207, 0, 10];
            packet.extend(0xa11c_0001u32.to_be_bytes());
            packet.extend([7, 0, 0, 8]);
            packet.extend(0xb0b0_0001u32.to_be_bytes());
            packet.extend([0, 26, 0, 0, 0, 0, 0, 0, 0, 20, 0, 40, 127, 127, 127, 16]);
            packet.extend([50, 127, 29, 28, 0, 0, 0, 60, 0, 120, 0, 200]);
            s.at(3011).udp(rtp(&alice(), 40_001), rtp(&bob(), 50_001), &packet);
        }),
        "mos-low",
        "error",
    );
    assert_eq!(text(&f, "title"), "192.0.2.10:40000 rates the RTP from 198.51.100.20:50000 with a MOS of 2.9");
    assert!(text(&f, "detail").contains("10.2 % discarded by its jitter buffer"), "{}", text(&f, "detail"));
}

#[test]
fn a_pause_that_a_hold_explains_is_none() {
    let capture = call(|s| {
        let (a, b) = (alice(), bob());
        from_alice().run(s, 950, 2950);
        for n in (0..50).chain(150..200) {
            from_bob().one(
                s,
                (950 + n * 20) * 1000,
                if n < 50 { n } else { n - 100 } as u16,
                n.min(49 + n / 150) as u32 * 160,
            );
        }
        for (n, at, direction, other) in [(5, 1900, "sendonly", "recvonly"), (6, 3900, "sendrecv", "sendrecv")] {
            let body = |host, port, direction| sdp(rtp(host, port), n, &ANSWER, &[direction]);
            let again = Message::inside("INVITE", &a, &b, ID, n).sdp(&body(&a, 40_000, direction));
            s.at(at).send(&a, &b, &again);
            s.at(at + 20).send(&b, &a, &again.reply(200, "OK", &b).sdp(&body(&b, 50_000, other)));
            s.at(at + 24).send(&a, &b, &Message::inside("ACK", &a, &b, ID, n));
        }
    });
    let found = findings(&capture);
    assert!(!found.iter().any(|f| f["code"] == "rtp-gap"), "{:?}", codes(&found));
    assert!(found.iter().any(|f| f["code"] == "hold"), "{:?}", codes(&found));
}

#[test]
fn silence_between_comfort_noise_is_no_fault() {
    nothing(&call(|s| {
        from_alice().run(s, 950, 5000);
        from_bob().run(s, 950, 1950);
        let noise = Talk { payload_type: 13, ..from_bob() };
        noise.one(s, 1_950_000, 50, 8000);
        noise.one(s, 3_950_000, 51, 24_000);
        for n in 0..40u16 {
            from_bob().one(s, 5_000_000 + u64::from(n) * 20_000, 52 + n, 32_400 + u32::from(n) * 160);
        }
    }));
}

#[test]
fn with_ice_the_source_may_be_any() {
    let with_ice = |sdp: String| format!("{sdp}a=ice-ufrag:8hhY\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\n");
    let offer = with_ice(sdp(rtp(&alice(), 40_000), 1, &OFFER, &[]));
    let answer = with_ice(sdp(rtp(&bob(), 50_000), 1, &ANSWER, &[]));
    nothing(&call_with(&offer, &answer, |s| {
        from_alice().run(s, 950, 3000);
        Talk { src: "203.0.113.77:3478".parse().unwrap(), ..from_bob() }.run(s, 950, 3000);
    }));
}

#[test]
fn a_private_address_that_nobody_holds_to_is_told_and_not_blamed() {
    let private: SocketAddr = "192.168.1.10:40000".parse().unwrap();
    let (offer, answer) = (sdp(private, 1, &OFFER, &[]), sdp(rtp(&bob(), 50_000), 1, &ANSWER, &[]));
    let capture = call_with(&offer, &answer, |s| {
        from_alice().run(s, 950, 3000);
        from_bob().run(s, 950, 3000);
    });
    nothing(&capture);
    assert!(findings(&capture).iter().any(|f| f["code"] == "nat-sdp"));
}

#[test]
fn a_silent_call_between_hosts_that_otherwise_sound_has_no_audio() {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    for (call, at) in [(0u16, 0u64), (1, 8000)] {
        let id = format!("{call}-{ID}");
        let (to_a, to_b) = (rtp(&a, 40_000 + 10 * call), rtp(&b, 50_000 + 10 * call));
        let via = |n| format!("SIP/2.0/UDP {};branch=z9hG4bK-{call}-{n};rport", a.at);
        let invite = Message::request("INVITE", &a, &b, &id, 1).set("Via", &via(1)).sdp(&sdp(to_a, 1, &OFFER, &[]));
        s.at(at).send(&a, &b, &invite);
        s.at(at + 100).send(&b, &a, &invite.reply(180, "Ringing", &b));
        s.at(at + 900).send(&b, &a, &invite.reply(200, "OK", &b).sdp(&sdp(to_b, 1, &ANSWER, &[])));
        s.at(at + 904).send(&a, &b, &Message::inside("ACK", &a, &b, &id, 1).set("Via", &via(2)));
        if call == 0 {
            Talk { dst: to_b, src: to_a, ..from_alice() }.run(&mut s, 950, 5900);
            Talk { dst: to_a, src: to_b, ..from_bob() }.run(&mut s, 950, 5900);
        }
        let bye = Message::inside("BYE", &a, &b, &id, 2).set("Via", &via(3));
        s.at(at + 6000).send(&a, &b, &bye);
        s.at(at + 6004).send(&b, &a, &bye.reply(200, "OK", &b));
    }
    let f = only(&s.pcap(), "no-audio", "error");
    assert_eq!(f["call"], 2);
    assert!(text(&f, "detail").contains("Other calls of the same two hosts have RTP in this capture"));
}

#[test]
fn signalling_alone_says_nothing_of_media() {
    nothing(&call(|_| {}));
}

#[test]
fn an_odd_first_codec_does_no_harm_where_rtp_holds_to_the_offer() {
    let formats = [(18, "G729/8000"), (0, "PCMU/8000"), (101, "telephone-event/8000")];
    let (offer, answer) = (sdp(rtp(&alice(), 40_000), 1, &OFFER, &[]), sdp(rtp(&bob(), 50_000), 1, &formats, &[]));
    nothing(&call_with(&offer, &answer, |s| {
        from_alice().run(s, 950, 3000);
        from_bob().run(s, 950, 3000);
    }));
}

#[test]
fn many_orphans_are_counted_and_not_all_told() {
    let capture = call(|s| {
        for n in 0..60u16 {
            let src: SocketAddr = format!("203.0.113.5:{}", 20_000 + 2 * n).parse().unwrap();
            let dst: SocketAddr = format!("203.0.113.6:{}", 20_000 + 2 * n).parse().unwrap();
            Talk::new(src, dst, 0x1000 + u32::from(n)).run(s, 1000, 1200);
        }
    });
    let found = findings(&capture);
    let orphans: Vec<&Value> = found.iter().filter(|f| f["code"] == "rtp-orphan").collect();
    assert_eq!(orphans.len(), 51);
    assert!(text(orphans[50], "title").starts_with("10 more RTP streams"), "{}", text(orphans[50], "title"));
}

#[test]
fn keys_in_info_requests_are_read() {
    let capture = call(|s| {
        let (a, b) = (alice(), bob());
        for (n, kind, body) in [
            (3, "application/dtmf-relay", "Signal=4\r\nDuration=160\r\n"),
            (4, "application/dtmf", "2"),
            (5, "application/dtmf-relay", "Signal= #\r\nDuration= 160\r\n"),
        ] {
            let info = Message::inside("INFO", &a, &b, ID, n).body(kind, body);
            s.at(1000 + 100 * u64::from(n)).send(&a, &b, &info);
            s.at(1003 + 100 * u64::from(n)).send(&b, &a, &info.reply(200, "OK", &b));
        }
    });
    let found = findings(&capture);
    let f = found.iter().find(|f| f["code"] == "dtmf").unwrap();
    assert_eq!(text(f, "title"), "keys 42# pressed at 192.0.2.10:5060, as INFO requests");
}

#[test]
fn encrypted_media_that_is_refused_is_one_finding() {
    let (a, b) = (alice(), bob());
    let secure = sdp(rtp(&a, 40_000), 1, &OFFER, &[]).replace("RTP/AVP", "RTP/SAVP")
        + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n";
    let mut s = Scene::new();
    let invite = Message::request("INVITE", &a, &b, ID, 1).sdp(&secure);
    s.at(0).send(&a, &b, &invite);
    let no = invite.reply(488, "Not Acceptable Here", &b);
    s.at(40).send(&b, &a, &no);
    s.at(44).send(&a, &b, &invite.ack_to(&no));
    let f = only(&s.pcap(), "srtp-mismatch", "error");
    assert_eq!(f["confidence"], "likely");
}

#[test]
fn a_late_offer_is_held_against_the_answer_in_the_ack() {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    let invite = Message::request("INVITE", &a, &b, ID, 1);
    s.at(0).send(&a, &b, &invite);
    s.at(100).send(&b, &a, &invite.reply(180, "Ringing", &b));
    s.at(800).send(&b, &a, &invite.reply(200, "OK", &b).sdp(&sdp(rtp(&b, 50_000), 1, &[(0, "PCMU/8000")], &[])));
    let answer = sdp(rtp(&a, 40_000), 1, &[(18, "G729/8000")], &[]);
    s.at(805).send(&a, &b, &Message::inside("ACK", &a, &b, ID, 1).sdp(&answer));
    hang_up(&mut s, 4000);
    let f = only(&s.pcap(), "codec-none-common", "error");
    assert!(text(&f, "title").starts_with("192.0.2.10:5060 answers audio"), "{}", text(&f, "title"));
}
