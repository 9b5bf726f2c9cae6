//! Captures that prove the findings of the group `media`, and near misses.

use super::{Proof, near, yields};
use crate::support::media::{ANSWER, OFFER, Talk, sdp};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;
use crate::support::scenes::{alice, bob, proxy};
use std::net::SocketAddr;

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[
    near(
        yields("one-way-audio", "RTP from the caller for three seconds, and none from the callee", || {
            call(|s| from_alice().run(s, 1000, 4000))
        }),
        "RTP in one direction only, and half a second of it: too little to tell",
        || call(|s| from_alice().run(s, 1000, 1500)),
    ),
    near(
        yields("no-audio", "both phones send to a media relay, and nothing comes out of it", || relayed(false)),
        "the same, and the relay sends on",
        || relayed(true),
    ),
    near(
        yields("media-source-mismatch", "RTP from 203.0.113.77, which no description names", || {
            call(|s| {
                from_alice().run(s, 1000, 4000);
                Talk { src: "203.0.113.77:50000".parse().unwrap(), ..from_bob() }.run(s, 1000, 4000);
            })
        }),
        "RTP from another port of the host that the description names",
        || {
            call(|s| {
                from_alice().run(s, 1000, 4000);
                Talk { src: rtp(&bob(), 50_100), ..from_bob() }.run(s, 1000, 4000);
            })
        },
    ),
    near(
        yields("late-media", "the callee's RTP begins three seconds after its answer", || {
            call(|s| {
                from_alice().run(s, 950, 5000);
                from_bob().run(s, 3900, 5500);
            })
        }),
        "it begins a second after the answer",
        || {
            call(|s| {
                from_alice().run(s, 950, 4000);
                from_bob().run(s, 1900, 4000);
            })
        },
    ),
    near(
        yields("early-media", "183 with SDP, and RTP to the caller before the 200", || ringing(true)),
        "183 with SDP, and RTP only after the 200",
        || ringing(false),
    ),
    near(
        yields("rtp-loss", "one packet of forty is missing", || {
            call(|s| {
                from_alice().run(s, 1000, 4000);
                Talk { lose_every: 40, ..from_bob() }.run(s, 1000, 4000);
            })
        }),
        "one packet of 150 is missing",
        || {
            call(|s| {
                from_alice().run(s, 1000, 4000);
                Talk { lose_every: 150, ..from_bob() }.run(s, 1000, 4000);
            })
        },
    ),
    near(
        yields("rtp-jitter", "every second packet comes 100 ms late", || jittery(100)),
        "every second packet comes 15 ms late",
        || jittery(15),
    ),
    near(
        yields("rtp-gap", "the sender stands still for 0.9 s and goes on where it stopped", || pausing(false)),
        "the sender is silent for 0.9 s and marks the first packet after it",
        || pausing(true),
    ),
    near(
        yields("mos-low", "GSM with one packet of 110 missing: the codec leaves nothing to spare", || {
            scored(3, "GSM/8000")
        }),
        "PCMU with the same loss",
        || scored(0, "PCMU/8000"),
    ),
    near(
        yields("codec-unexpected", "the callee sends G722, which the caller did not announce", || {
            call(|s| {
                from_alice().run(s, 1000, 4000);
                Talk { payload_type: 9, ..from_bob() }.run(s, 1000, 4000);
            })
        }),
        "the callee sends PCMA, which the caller announced and its own answer did not",
        || {
            call(|s| {
                from_alice().run(s, 1000, 4000);
                Talk { payload_type: 8, ..from_bob() }.run(s, 1000, 4000);
            })
        },
    ),
    near(
        yields("dtmf", "the keys 1 9 # as telephone events", || {
            call(|s| {
                both(s);
                let keys = Talk { payload_type: 101, ..from_alice() };
                for (n, event) in [(0u16, 1u8), (1, 9), (2, 11)] {
                    keys.digit(s, 3900 + 400 * u64::from(n), event, 147 + 4 * n);
                }
            })
        }),
        "a call in which no key is pressed",
        || call(both),
    ),
    near(
        yields("rtp-orphan", "RTP between two hosts that no call names", || {
            call(|s| {
                both(s);
                let stray =
                    Talk::new("203.0.113.5:4000".parse().unwrap(), "203.0.113.6:4000".parse().unwrap(), 0x5742_0001);
                stray.run(s, 1000, 2000);
            })
        }),
        "four packets that look like RTP: too few to be a stream",
        || {
            call(|s| {
                both(s);
                let stray =
                    Talk::new("203.0.113.5:4000".parse().unwrap(), "203.0.113.6:4000".parse().unwrap(), 0x5742_0001);
                stray.run(s, 1000, 1080);
            })
        },
    ),
];

/// Where a host receives RTP.
pub fn rtp(host: &Host, port: u16) -> SocketAddr {
    SocketAddr::new(host.at.ip(), port)
}

/// Sound from alice.
pub fn from_alice() -> Talk {
    Talk::new(rtp(&alice(), 40_000), rtp(&bob(), 50_000), 0xa11c_0001)
}

/// Sound from bob.
pub fn from_bob() -> Talk {
    Talk::new(rtp(&bob(), 50_000), rtp(&alice(), 40_000), 0xb0b0_0001)
}

fn both(s: &mut Scene) {
    from_alice().run(s, 950, 3900);
    from_bob().run(s, 950, 3900);
}

/// The Call-ID of its calls.
pub const ID: &str = "media@192.0.2.10";

/// INVITE, 180, 200, ACK, media, BYE.
pub fn call_with(offer: &str, answer: &str, media: impl FnOnce(&mut Scene)) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    let invite = Message::request("INVITE", &a, &b, ID, 1).sdp(offer);
    s.at(0).send(&a, &b, &invite);
    s.at(120).send(&b, &a, &invite.reply(180, "Ringing", &b));
    s.at(900).send(&b, &a, &invite.reply(200, "OK", &b).sdp(answer));
    s.at(904).send(&a, &b, &Message::inside("ACK", &a, &b, ID, 1));
    media(&mut s);
    hang_up(&mut s, 7000);
    s.pcap()
}

/// BYE and 200.
pub fn hang_up(s: &mut Scene, at: u64) {
    let (a, b) = (alice(), bob());
    let bye = Message::inside("BYE", &a, &b, ID, 2);
    s.at(at).send(&a, &b, &bye);
    s.at(at + 4).send(&b, &a, &bye.reply(200, "OK", &b));
}

/// The same with what most scenes offer and answer.
pub fn call(media: impl FnOnce(&mut Scene)) -> Vec<u8> {
    let (offer, answer) = (sdp(rtp(&alice(), 40_000), 1, &OFFER, &[]), sdp(rtp(&bob(), 50_000), 1, &ANSWER, &[]));
    call_with(&offer, &answer, media)
}

/// 183 with the answer, ringing for two seconds, with or without sound.
fn ringing(with_sound: bool) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    let invite = Message::request("INVITE", &a, &b, ID, 1).sdp(&sdp(rtp(&a, 40_000), 1, &OFFER, &[]));
    s.at(0).send(&a, &b, &invite);
    let answer = sdp(rtp(&b, 50_000), 1, &ANSWER, &[]);
    s.at(120).send(&b, &a, &invite.reply(183, "Session Progress", &b).sdp(&answer));
    s.at(2400).send(&b, &a, &invite.reply(200, "OK", &b).sdp(&answer));
    s.at(2404).send(&a, &b, &Message::inside("ACK", &a, &b, ID, 1));
    from_bob().run(&mut s, if with_sound { 300 } else { 2420 }, 5000);
    from_alice().run(&mut s, 2420, 5000);
    hang_up(&mut s, 5100);
    s.pcap()
}

/// A call whose media both sides send to a relay beside the proxy.
fn relayed(sends_on: bool) -> Vec<u8> {
    through_relay(0, sends_on.then_some(0))
}

/// A call whose media both sides send to a relay: of so many packets from alice one is lost on its way there, and of so many one behind it (0 for
/// none); without a number the relay sends nothing on.
pub fn through_relay(lost_before: u16, lost_behind: Option<u16>) -> Vec<u8> {
    let (a, p, b) = (alice(), proxy(), bob());
    let mut s = Scene::new();
    let (to_alice, to_bob) = (rtp(&p, 30_000), rtp(&p, 30_002));
    let invite = Message::request("INVITE", &a, &b, ID, 1).sdp(&sdp(rtp(&a, 40_000), 1, &OFFER, &[]));
    s.at(0).send(&a, &p, &invite);
    s.at(1).send(&p, &a, &invite.reply(100, "Trying", &p));
    let plain = Message::request("INVITE", &a, &b, ID, 1).through(&p, "m2").at_uri("sip:bob@198.51.100.20:5060");
    let on = plain.clone().sdp(&sdp(to_bob, 1, &OFFER, &[]));
    s.at(2).send(&p, &b, &on);
    let ringing = plain.reply(180, "Ringing", &b);
    s.at(120).send(&b, &p, &ringing);
    s.at(121).send(&p, &a, &ringing.back());
    let ok = plain.reply(200, "OK", &b);
    s.at(900).send(&b, &p, &ok.clone().sdp(&sdp(rtp(&b, 50_000), 1, &ANSWER, &[])));
    s.at(901).send(&p, &a, &ok.back().sdp(&sdp(to_alice, 1, &ANSWER, &[])));
    let route = format!("<sip:{};lr>", p.at);
    let ack = Message::inside("ACK", &a, &b, ID, 1).with("Route", &route);
    s.at(905).send(&a, &p, &ack);
    s.at(906).send(&p, &b, &ack.through(&p, "m3"));
    let one = Talk { dst: to_alice, lose_every: lost_before, ..from_alice() };
    let other = Talk { dst: to_bob, ..from_bob() };
    one.run(&mut s, 950, 2300);
    other.run(&mut s, 950, 2300);
    if let Some(lose_every) = lost_behind {
        Talk { src: to_bob, dst: rtp(&b, 50_000), lose_every, ..one }.run(&mut s, 951, 2300);
        Talk { src: to_alice, dst: rtp(&a, 40_000), ..other }.run(&mut s, 951, 2300);
    }
    let bye = Message::inside("BYE", &a, &b, ID, 2).with("Route", &route);
    s.at(4300).send(&a, &p, &bye);
    let bye_on = bye.through(&p, "m4");
    s.at(4301).send(&p, &b, &bye_on);
    let done = bye_on.reply(200, "OK", &b);
    s.at(4305).send(&b, &p, &done);
    s.at(4306).send(&p, &a, &done.back());
    s.pcap()
}

/// Every second packet from bob comes late.
fn jittery(late_ms: u64) -> Vec<u8> {
    call(|s| {
        from_alice().run(s, 950, 3900);
        for n in 0..200u64 {
            let late = if n % 2 == 1 { late_ms * 1000 } else { 0 };
            from_bob().one(s, (950 + n * 20) * 1000 + late, n as u16, n as u32 * 160);
        }
    })
}

/// Bob's stream pauses after the hundredth packet: by talk that ends, or in the middle of it.
fn pausing(is_silence: bool) -> Vec<u8> {
    call(|s| {
        from_alice().run(s, 950, 3950);
        from_bob().run(s, 950, 2950);
        for n in 100..200u64 {
            let at = (950 + 900 + n * 20) * 1000;
            let (talk, timestamp) = (from_bob(), n as u32 * 160 + if is_silence { 7200 } else { 0 });
            if is_silence && n == 100 {
                talk.marked(s, at, n as u16, timestamp);
            } else {
                talk.one(s, at, n as u16, timestamp);
            }
        }
    })
}

/// A call in one codec, of which one direction misses one packet of 110.
fn scored(payload_type: u8, mapping: &'static str) -> Vec<u8> {
    let formats = [(payload_type, mapping), (101, "telephone-event/8000")];
    let (offer, answer) = (sdp(rtp(&alice(), 40_000), 1, &formats, &[]), sdp(rtp(&bob(), 50_000), 1, &formats, &[]));
    call_with(&offer, &answer, |s| {
        Talk { payload_type, ..from_alice() }.run(s, 950, 3250);
        Talk { payload_type, lose_every: 110, ..from_bob() }.run(s, 950, 3250);
    })
}
