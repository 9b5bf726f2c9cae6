//! Calls across a B2BUA: what is one call under several Call-IDs, and what only looks like one.

use super::{alice, bob, carol};
use crate::support::media::{ANSWER, OFFER, Talk, sdp};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;
use std::net::SocketAddr;

/// The B2BUA, with one address.
fn pbx() -> Host {
    Host::new("pbx", "203.0.113.5:5060", "ExamplePBX 3")
}

/// The inner side of one with two.
fn inside() -> Host {
    Host::new("pbx", "198.51.100.5:5060", "ExamplePBX 3")
}

/// A second caller.
fn dave() -> Host {
    Host::new("dave", "192.0.2.40:5060", "ExamplePhone 2.1")
}

fn rtp(host: &Host, port: u16) -> SocketAddr {
    SocketAddr::new(host.at.ip(), port)
}

fn offer(host: &Host) -> String {
    sdp(rtp(host, 40_000), 1, &OFFER, &["sendrecv"])
}

fn answer(host: &Host) -> String {
    sdp(rtp(host, 50_000), 1, &ANSWER, &["sendrecv"])
}

/// One leg: who calls, who answers, on whose behalf, under which Call-ID.
struct Leg {
    from: Host,
    to: Host,
    caller: &'static str,
    called: &'static str,
    call_id: &'static str,
}

impl Leg {
    fn invite(&self, body: &str) -> Message {
        let uri = format!("sip:{}@example.com", self.called);
        self.named(Message::request("INVITE", &self.from, &self.to, self.call_id, 1), false).at_uri(&uri).sdp(body)
    }

    /// With the names that the leg is for, and the tags of the hosts that it runs between.
    fn named(&self, m: Message, tagged: bool) -> Message {
        let tag = if tagged { format!(";tag={}-1", self.to.user) } else { String::new() };
        let branch = m.value("CSeq").unwrap_or_default().replace(' ', "-").to_lowercase();
        let via =
            format!("SIP/2.0/UDP {};branch=z9hG4bK-{}-{branch};rport", self.from.at, self.call_id.replace('@', "-"));
        m.set("From", &format!("<sip:{}@example.com>;tag={}-1", self.caller, self.from.user))
            .set("To", &format!("<sip:{}@example.com>{tag}", self.called))
            .set("Via", &via)
    }

    fn inside(&self, method: &str, cseq: u32) -> Message {
        self.named(Message::inside(method, &self.from, &self.to, self.call_id, cseq), true)
    }

    fn send(&self, s: &mut Scene, at: u64, m: &Message) {
        s.at(at).send(&self.from, &self.to, m);
    }

    fn reply(&self, s: &mut Scene, at: u64, to: &Message, status: u16, reason: &str) {
        s.at(at).send(&self.to, &self.from, &to.reply(status, reason, &self.to));
    }

    fn answer(&self, s: &mut Scene, at: u64, to: &Message, body: &str) {
        s.at(at).send(&self.to, &self.from, &to.reply(200, "OK", &self.to).sdp(body));
    }

    fn refuse(&self, s: &mut Scene, at: u64, to: &Message, status: u16, reason: &str) {
        let no = to.reply(status, reason, &self.to);
        s.at(at).send(&self.to, &self.from, &no);
        self.send(s, at + 1, &to.ack_to(&no));
    }

    fn hang_up(&self, s: &mut Scene, at: u64) {
        let bye = self.inside("BYE", 2);
        self.send(s, at, &bye);
        self.reply(s, at + 2, &bye, 200, "OK");
    }
}

/// A caller's leg to the B2BUA at `to`.
fn outer(from: Host, caller: &'static str, to: Host, call_id: &'static str) -> Leg {
    Leg { from, to, caller, called: "bob", call_id }
}

/// A leg of the B2BUA on its way to `to`.
fn inner(from: Host, caller: &'static str, to: Host, called: &'static str, call_id: &'static str) -> Leg {
    Leg { from, to, caller, called, call_id }
}

/// A call from one phone to the other through the B2BUA, from `at` on, for two seconds.
fn bridged(s: &mut Scene, at: u64, a: &Leg, b: &Leg, bodies: [&str; 4], dress: impl Fn(Message) -> Message) {
    let first = a.invite(bodies[0]);
    let second = dress(b.invite(bodies[1]));
    a.send(s, at, &dress_first(first.clone(), &second));
    a.reply(s, at + 1, &first, 100, "Trying");
    b.send(s, at + 8, &second);
    b.reply(s, at + 90, &second, 180, "Ringing");
    a.reply(s, at + 92, &first, 180, "Ringing");
    b.answer(s, at + 700, &second, bodies[2]);
    b.send(s, at + 702, &b.inside("ACK", 1));
    a.answer(s, at + 703, &first, bodies[3]);
    a.send(s, at + 705, &a.inside("ACK", 1));
    a.hang_up(s, at + 2800);
    b.hang_up(s, at + 2801);
}

/// What identifies the whole call stands in the first INVITE, too.
fn dress_first(first: Message, second: &Message) -> Message {
    match second.value("Session-ID") {
        Some(id) => first.with("Session-ID", id),
        None => first,
    }
}

/// Another Call-ID and other tags; X-CID says which call it is for, and the description is passed on as it came.
pub fn b2bua() -> Vec<u8> {
    let mut s = Scene::new();
    let a = outer(alice(), "alice", pbx(), "b2bua-a@192.0.2.10");
    let b = inner(pbx(), "alice", bob(), "bob", "5d1f0c@203.0.113.5");
    let (mine, theirs) = (offer(&alice()), answer(&bob()));
    bridged(&mut s, 0, &a, &b, [&mine, &mine, &theirs, &theirs], |m| m.with("X-CID", "b2bua-a@192.0.2.10"));
    Talk::new(rtp(&alice(), 40_000), rtp(&bob(), 50_000), 0xa11c_e021).run(&mut s, 720, 2780);
    Talk::new(rtp(&bob(), 50_000), rtp(&alice(), 40_000), 0xb0b0_0021).run(&mut s, 720, 2780);
    s.pcap()
}

/// An address on each side, another caller's number, media through itself; Session-ID is what stays. RFC 7989
pub fn sbc() -> Vec<u8> {
    let mut s = Scene::new();
    let a = outer(alice(), "alice", pbx(), "sbc-a@192.0.2.10");
    let b = inner(inside(), "trunk", bob(), "4711", "9c22e7@198.51.100.5");
    let relay = |host: &Host| sdp(rtp(host, 30_000), 7, &OFFER, &["sendrecv"]);
    let back = sdp(rtp(&pbx(), 30_002), 7, &ANSWER, &["sendrecv"]);
    let id = "ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000";
    bridged(&mut s, 0, &a, &b, [&offer(&alice()), &relay(&inside()), &answer(&bob()), &back], |m| {
        m.with("Session-ID", id)
    });
    for (ssrc, from, to, on) in [
        (0xa11c_e022, rtp(&alice(), 40_000), rtp(&pbx(), 30_002), (rtp(&inside(), 30_000), rtp(&bob(), 50_000))),
        (0xb0b0_0022, rtp(&bob(), 50_000), rtp(&inside(), 30_000), (rtp(&pbx(), 30_002), rtp(&alice(), 40_000))),
    ] {
        Talk::new(from, to, ssrc).run(&mut s, 720, 2780);
        Talk::new(on.0, on.1, ssrc).run(&mut s, 721, 2780);
    }
    s.pcap()
}

/// Nothing says which call it is for but the numbers, the host and the time; bob is busy, so the B2BUA tries carol.
pub fn hunting() -> Vec<u8> {
    let mut s = Scene::new();
    let a = outer(alice(), "alice", pbx(), "hunting-a@192.0.2.10");
    let b = inner(pbx(), "alice", bob(), "bob", "71a0@203.0.113.5");
    let c = inner(pbx(), "alice", carol(), "carol", "71a1@203.0.113.5");
    let own = sdp(rtp(&pbx(), 30_000), 3, &OFFER, &["sendrecv"]);
    let (first, second, third) = (a.invite(&offer(&alice())), b.invite(&own), c.invite(&own));
    a.send(&mut s, 0, &first);
    a.reply(&mut s, 1, &first, 100, "Trying");
    b.send(&mut s, 5, &second);
    b.refuse(&mut s, 40, &second, 486, "Busy Here");
    c.send(&mut s, 50, &third);
    c.reply(&mut s, 150, &third, 180, "Ringing");
    a.reply(&mut s, 151, &first, 180, "Ringing");
    c.answer(&mut s, 900, &third, &answer(&carol()));
    c.send(&mut s, 901, &c.inside("ACK", 1));
    a.answer(&mut s, 902, &first, &sdp(rtp(&pbx(), 30_002), 3, &ANSWER, &["sendrecv"]));
    a.send(&mut s, 904, &a.inside("ACK", 1));
    a.hang_up(&mut s, 3000);
    c.hang_up(&mut s, 3001);
    s.pcap()
}

/// Two calls to the same number at the same time. What the B2BUA makes of them tells by its From which is whose, or does not.
fn two_calls(callers: [&'static str; 2]) -> Vec<u8> {
    let mut s = Scene::new();
    let a =
        [outer(alice(), "alice", pbx(), "two-alice@192.0.2.10"), outer(dave(), "dave", pbx(), "two-dave@192.0.2.40")];
    let b = [
        inner(pbx(), callers[0], bob(), "bob", "e001@203.0.113.5"),
        inner(pbx(), callers[1], carol(), "bob", "e002@203.0.113.5"),
    ];
    let relay = |n: u16| sdp(rtp(&pbx(), 30_000 + 4 * n), u32::from(n) + 1, &OFFER, &["sendrecv"]);
    let firsts = [a[0].invite(&offer(&alice())), a[1].invite(&offer(&dave()))];
    let seconds = [b[0].invite(&relay(0)), b[1].invite(&relay(1))];
    for n in 0..2 {
        a[n].send(&mut s, n as u64, &firsts[n]);
        a[n].reply(&mut s, 2 + n as u64, &firsts[n], 100, "Trying");
    }
    for n in 0..2 {
        let at = 10 * n as u64;
        b[n].send(&mut s, 6 + at, &seconds[n]);
        b[n].reply(&mut s, 100 + at, &seconds[n], 180, "Ringing");
        a[n].reply(&mut s, 101 + at, &firsts[n], 180, "Ringing");
        b[n].answer(&mut s, 800 + at, &seconds[n], &answer(&b[n].to));
        b[n].send(&mut s, 801 + at, &b[n].inside("ACK", 1));
        a[n].answer(&mut s, 802 + at, &firsts[n], &sdp(rtp(&pbx(), 30_002 + 4 * n as u16), 1, &ANSWER, &["sendrecv"]));
        a[n].send(&mut s, 804 + at, &a[n].inside("ACK", 1));
        a[n].hang_up(&mut s, 3000 + at);
        b[n].hang_up(&mut s, 3001 + at);
    }
    s.pcap()
}

/// The B2BUA keeps the callers.
pub fn two_told_apart() -> Vec<u8> {
    two_calls(["alice", "dave"])
}

/// The B2BUA calls in its own name: no way to tell.
pub fn two_alike() -> Vec<u8> {
    two_calls(["pbx", "pbx"])
}

/// A call that the B2BUA refused, and one of its own to the same number a little later. A caller whose calls all describe themselves alike.
pub fn unrelated() -> Vec<u8> {
    let mut s = Scene::new();
    let a = outer(alice(), "alice", pbx(), "unrelated-a@192.0.2.10");
    let refused = a.invite(&offer(&alice()));
    a.send(&mut s, 0, &refused);
    a.refuse(&mut s, 3, &refused, 486, "Busy Here");
    let own = inner(pbx(), "operator", bob(), "bob", "0001@203.0.113.5");
    answered(&mut s, 300, &own, &offer(&pbx()), 1500);
    for (n, call_id) in [(0, "alike-1@192.0.2.10"), (1, "alike-2@192.0.2.10")] {
        let direct = Leg { from: alice(), to: carol(), caller: "alice", called: "carol", call_id };
        answered(&mut s, 4000 + 700 * n, &direct, &offer(&alice()), 1500);
    }
    s.pcap()
}

fn answered(s: &mut Scene, at: u64, leg: &Leg, body: &str, talk: u64) {
    let invite = leg.invite(body);
    leg.send(s, at, &invite);
    leg.reply(s, at + 60, &invite, 180, "Ringing");
    leg.answer(s, at + 400, &invite, &answer(&leg.to));
    leg.send(s, at + 402, &leg.inside("ACK", 1));
    leg.hang_up(s, at + talk);
}

/// alice talks with bob and sends him on to carol. RFC 3515, RFC 5589 §6
pub fn transfer() -> Vec<u8> {
    let mut s = Scene::new();
    let a = Leg { from: alice(), to: bob(), caller: "alice", called: "bob", call_id: "transfer-a@192.0.2.10" };
    let invite = a.invite(&offer(&alice()));
    a.send(&mut s, 0, &invite);
    a.reply(&mut s, 50, &invite, 180, "Ringing");
    a.answer(&mut s, 500, &invite, &answer(&bob()));
    a.send(&mut s, 502, &a.inside("ACK", 1));
    let refer = a.inside("REFER", 2).with("Refer-To", "<sip:carol@example.com>");
    a.send(&mut s, 2000, &refer);
    a.reply(&mut s, 2003, &refer, 202, "Accepted");
    let back = Leg { from: bob(), to: alice(), caller: "bob", called: "alice", call_id: "transfer-a@192.0.2.10" };
    let notify = |cseq: u32, state: &str, line: &str| {
        let m = back.inside("NOTIFY", cseq).with("Event", "refer").with("Subscription-State", state);
        m.body("message/sipfrag", &format!("{line}\r\n"))
    };
    let trying = notify(1, "active;expires=60", "SIP/2.0 100 Trying");
    back.send(&mut s, 2005, &trying);
    back.reply(&mut s, 2008, &trying, 200, "OK");
    let b = Leg { from: bob(), to: carol(), caller: "bob", called: "carol", call_id: "transfer-b@198.51.100.20" };
    answered(&mut s, 2010, &b, &offer(&bob()), 3000);
    let done = notify(2, "terminated;reason=noresource", "SIP/2.0 200 OK");
    back.send(&mut s, 2420, &done);
    back.reply(&mut s, 2424, &done, 200, "OK");
    let bye = a.inside("BYE", 3);
    a.send(&mut s, 2500, &bye);
    a.reply(&mut s, 2503, &bye, 200, "OK");
    s.pcap()
}

/// An attended transfer: alice calls bob and carol, and asks bob to take her place in the call with carol. RFC 5589 §7.1
pub fn attended() -> Vec<u8> {
    let mut s = Scene::new();
    let first = Leg { from: alice(), to: bob(), caller: "alice", called: "bob", call_id: "attended-a@192.0.2.10" };
    let second = Leg { from: alice(), to: carol(), caller: "alice", called: "carol", call_id: "attended-b@192.0.2.10" };
    let third = Leg { from: bob(), to: carol(), caller: "bob", called: "carol", call_id: "attended-c@198.51.100.20" };
    for (leg, at) in [(&first, 0), (&second, 5000)] {
        let invite = leg.invite(&offer(&alice()));
        leg.send(&mut s, at, &invite);
        leg.reply(&mut s, at + 50, &invite, 180, "Ringing");
        leg.answer(&mut s, at + 500, &invite, &answer(&leg.to));
        leg.send(&mut s, at + 502, &leg.inside("ACK", 1));
    }
    let replaced = "attended-b%40192.0.2.10%3Bto-tag%3Dcarol-1%3Bfrom-tag%3Dalice-1";
    let refer = first.inside("REFER", 2).with("Refer-To", &format!("<sip:carol@example.com?Replaces={replaced}>"));
    first.send(&mut s, 9000, &refer);
    first.reply(&mut s, 9003, &refer, 202, "Accepted");
    let invite = third.invite(&offer(&bob())).with("Replaces", "attended-b@192.0.2.10;to-tag=carol-1;from-tag=alice-1");
    third.send(&mut s, 9010, &invite);
    third.answer(&mut s, 9020, &invite, &answer(&carol()));
    third.send(&mut s, 9022, &third.inside("ACK", 1));
    let back = |of: &Leg, caller, called| Leg {
        from: of.to.clone(),
        to: of.from.clone(),
        caller,
        called,
        call_id: of.call_id,
    };
    let replaced = back(&second, "carol", "alice");
    let bye = replaced.inside("BYE", 1);
    replaced.send(&mut s, 9025, &bye);
    replaced.reply(&mut s, 9028, &bye, 200, "OK");
    let asked = back(&first, "bob", "alice");
    let notify =
        asked.inside("NOTIFY", 1).with("Event", "refer").with("Subscription-State", "terminated;reason=noresource");
    let notify = notify.body("message/sipfrag", "SIP/2.0 200 OK\r\n");
    asked.send(&mut s, 9030, &notify);
    asked.reply(&mut s, 9033, &notify, 200, "OK");
    for (leg, at, cseq) in [(&first, 9100, 3), (&third, 20_000, 2)] {
        let bye = leg.inside("BYE", cseq);
        leg.send(&mut s, at, &bye);
        leg.reply(&mut s, at + 3, &bye, 200, "OK");
    }
    s.pcap()
}
