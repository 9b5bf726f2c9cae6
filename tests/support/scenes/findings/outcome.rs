//! Captures that prove the findings of the group `outcome`, and near misses.

use super::dialog::{answer, answered, complete, exchange, hang_up, invite, offer, over_proxy, rtp};
use super::{Proof, proof};
use crate::support::media::{ANSWER, Talk, sdp};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;
use crate::support::scenes::{alice, bob, calls, carol, proxy};

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[
    proof(
        "call-rejected",
        "the proxy answers 404 by itself",
        || refused(404, "Not Found"),
        "one branch of a fork answers 404, the other takes the call",
        || forked(404, "Not Found"),
        &[],
    ),
    proof(
        "call-busy",
        "486 with the cause of the telephone network",
        calls::busy,
        "one branch of a fork is busy, the other takes the call",
        || forked(486, "Busy Here"),
        &[],
    ),
    proof(
        "call-cancelled",
        "the caller gives up while it rings",
        calls::cancelled,
        "the proxy cancels the branch of a fork that did not answer",
        calls::fork,
        &[],
    ),
    proof(
        "call-unanswered",
        "it rings for 30 s, then the proxy gives up with 408",
        || rings_until(30_000, 408, "Request Timeout"),
        "it rings for 3 s, then the called user declines as busy",
        || rings_until(3000, 486, "Busy Here"),
        &[],
    ),
    proof(
        "call-redirected",
        "302 with two Contacts that nobody follows",
        calls::redirected,
        "302, and an INVITE to its Contact that is answered",
        redirect_followed,
        &[],
    ),
    proof(
        "request-refused",
        "a MESSAGE to a user who is not there: 404",
        || message_answered(404, "Not Found"),
        "one that is accepted",
        || message_answered(202, "Accepted"),
        &[],
    ),
    proof(
        "media-not-acceptable",
        "488 with a Warning to an offer of PCMU and PCMA",
        calls::rejected,
        "488 to a re-INVITE of a call that goes on",
        || changed(488, "Not Acceptable Here"),
        &["reinvite-rejected"],
    ),
    proof(
        "cancel-crossed-answer",
        "a 200 OK crosses the CANCEL; the caller neither acknowledges nor ends the call",
        || crossed(false),
        "the caller sends ACK and BYE for it",
        || crossed(true),
        &[],
    ),
    proof(
        "forked-answers",
        "both phones of a fork answer; the caller acknowledges both and ends one",
        two_answers,
        "one phone answers, the other is cancelled",
        calls::fork,
        &[],
    ),
    proof(
        "glare",
        "both sides re-INVITE at once: 491 to each, then one of them tries again",
        || both_change(true),
        "the two re-INVITE one after the other",
        || both_change(false),
        &[],
    ),
    proof(
        "reinvite-rejected",
        "a re-INVITE that puts the call on hold is refused with 488",
        || changed(488, "Not Acceptable Here"),
        "the same re-INVITE is accepted",
        || changed(200, "OK"),
        &[],
    ),
    proof(
        "transfer",
        "a blind transfer: REFER, 202, NOTIFYs up to 200 OK, BYE",
        transferred,
        "a 302 sends the call elsewhere before it is answered",
        redirect_followed,
        &[],
    ),
    proof(
        "call-open",
        "the capture ends while the call is up",
        calls::still_up,
        "the call ends with BYE",
        || complete("ended@192.0.2.10"),
        &[],
    ),
    proof(
        "abrupt-end",
        "the media of both sides stops 17 s before the BYE",
        || silenced(false),
        "the call was put on hold when the media stopped",
        || silenced(true),
        &[],
    ),
];

/// A MESSAGE and its answer. RFC 3428
fn message_answered(status: u16, reason: &str) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    let text = Message::request("MESSAGE", &a, &b, "message@192.0.2.10", 1).body("text/plain", "Good morning");
    exchange(&mut s, 0, &a, &b, &text, (status, reason));
    s.pcap()
}

/// INVITE, 100, a refusal, ACK.
fn refused(status: u16, reason: &str) -> Vec<u8> {
    let (a, p, b) = (alice(), proxy(), bob());
    let mut s = Scene::new();
    let request = invite(&a, &b, "refused@192.0.2.10");
    s.at(0).send(&a, &p, &request);
    s.at(2).send(&p, &a, &request.reply(100, "Trying", &p));
    let no = request.reply(status, reason, &p);
    s.at(30).send(&p, &a, &no);
    s.at(33).send(&a, &p, &request.ack_to(&no));
    s.pcap()
}

/// Two branches: bob's refuses, carol's answers.
fn forked(status: u16, reason: &str) -> Vec<u8> {
    let (a, p, b, c, id) = (alice(), proxy(), bob(), carol(), "half@192.0.2.10");
    let mut s = Scene::new();
    let (to_bob, to_carol) = fork(&mut s, &invite(&a, &b, id));
    let no = to_bob.reply(status, reason, &b);
    s.at(60).send(&b, &p, &no);
    s.at(61).send(&p, &b, &to_bob.ack_to(&no));
    ring(&mut s, &c, &to_carol, 140);
    take(&mut s, &c, &to_carol, 2000);
    end(&mut s, &c, id, 9000, 2);
    s.pcap()
}

/// INVITE to the proxy, 100, and one to each phone.
fn fork(s: &mut Scene, request: &Message) -> (Message, Message) {
    let (a, p, b, c) = (alice(), proxy(), bob(), carol());
    s.at(0).send(&a, &p, request);
    s.at(1).send(&p, &a, &request.reply(100, "Trying", &p));
    let to_bob = request.through(&p, "branch-bob").at_uri("sip:bob@198.51.100.20:5060");
    let to_carol = request.through(&p, "branch-carol").at_uri("sip:bob@198.51.100.30:5060");
    s.at(2).send(&p, &b, &to_bob);
    s.at(3).send(&p, &c, &to_carol);
    (to_bob, to_carol)
}

fn ring(s: &mut Scene, phone: &Host, sent: &Message, at: u64) {
    let ringing = sent.reply(180, "Ringing", phone);
    s.at(at).send(phone, &proxy(), &ringing);
    s.at(at + 1).send(&proxy(), &alice(), &ringing.back());
}

/// 200 OK from a phone, and its ACK.
fn take(s: &mut Scene, phone: &Host, sent: &Message, at: u64) {
    let (a, p) = (alice(), proxy());
    let ok = sent.reply(200, "OK", phone).sdp(&answer(phone));
    s.at(at).send(phone, &p, &ok);
    s.at(at + 1).send(&p, &a, &ok.back());
    let ack = within("ACK", phone, ok.value("Call-ID").unwrap_or_default(), 1);
    s.at(at + 5).send(&a, &p, &ack);
    s.at(at + 6).send(&p, phone, &ack.through(&p, &format!("ack-{}", phone.user)));
}

/// A request of alice's in the dialog with a phone of bob's, over the proxy.
fn within(method: &str, phone: &Host, id: &str, cseq: u32) -> Message {
    let to = format!("<{}>;tag={}-1", bob().aor(), phone.user);
    let branch = format!("SIP/2.0/UDP {};branch=z9hG4bK-a-{method}-{}-{cseq};rport", alice().at, phone.user);
    let route = format!("<sip:{};lr>", proxy().at);
    Message::inside(method, &alice(), phone, id, cseq).set("Via", &branch).set("To", &to).with("Route", &route)
}

/// BYE over the proxy.
fn end(s: &mut Scene, phone: &Host, id: &str, at: u64, cseq: u32) {
    let (a, p) = (alice(), proxy());
    let bye = within("BYE", phone, id, cseq);
    let bye_on = bye.through(&p, &format!("bye-{}", phone.user));
    s.at(at).send(&a, &p, &bye);
    s.at(at + 1).send(&p, phone, &bye_on);
    let done = bye_on.reply(200, "OK", phone);
    s.at(at + 4).send(phone, &p, &done);
    s.at(at + 5).send(&p, &a, &done.back());
}

fn two_answers() -> Vec<u8> {
    let (a, b, c, id) = (alice(), bob(), carol(), "twice@192.0.2.10");
    let mut s = Scene::new();
    let (to_bob, to_carol) = fork(&mut s, &invite(&a, &b, id));
    ring(&mut s, &b, &to_bob, 100);
    ring(&mut s, &c, &to_carol, 140);
    take(&mut s, &b, &to_bob, 2000);
    take(&mut s, &c, &to_carol, 2030);
    end(&mut s, &c, id, 2040, 2);
    end(&mut s, &b, id, 9000, 2);
    s.pcap()
}

fn rings_until(ms: u64, status: u16, reason: &str) -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    let request = invite(&a, &b, "ringing@192.0.2.10");
    s.at(0).send(&a, &b, &request);
    s.at(120).send(&b, &a, &request.reply(180, "Ringing", &b));
    let no = request.reply(status, reason, &b);
    s.at(120 + ms).send(&b, &a, &no);
    s.at(124 + ms).send(&a, &b, &request.ack_to(&no));
    s.pcap()
}

fn redirect_followed() -> Vec<u8> {
    let (a, p, b, id) = (alice(), proxy(), bob(), "followed@192.0.2.10");
    let mut s = Scene::new();
    let first = invite(&a, &b, id);
    let moved = first.reply(302, "Moved Temporarily", &p).with("Contact", "<sip:bob@198.51.100.20:5060>");
    s.at(0).send(&a, &p, &first);
    s.at(5).send(&p, &a, &moved);
    s.at(8).send(&a, &p, &first.ack_to(&moved));
    let second = Message::request("INVITE", &a, &b, id, 2).at_uri("sip:bob@198.51.100.20:5060").sdp(&offer(&a));
    s.at(20).send(&a, &b, &second);
    s.at(120).send(&b, &a, &second.reply(180, "Ringing", &b));
    s.at(900).send(&b, &a, &second.reply(200, "OK", &b).sdp(&answer(&b)));
    s.at(904).send(&a, &b, &Message::inside("ACK", &a, &b, id, 2));
    hang_up(&mut s, 4000, &a, &b, id, 3);
    s.pcap()
}

/// A CANCEL and a 200 OK that cross.
fn crossed(ended: bool) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "crossed@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    s.at(120).send(&b, &a, &request.reply(180, "Ringing", &b));
    let cancel = request.cancel();
    s.at(4000).send(&a, &b, &cancel);
    let ok = request.reply(200, "OK", &b).sdp(&answer(&b));
    s.at(4002).send(&b, &a, &ok);
    s.at(4006).send(&b, &a, &cancel.reply(200, "OK", &b));
    if ended {
        s.at(4008).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
        hang_up(&mut s, 4010, &a, &b, id, 2);
        // The capture goes on.
        exchange(&mut s, 12_000, &a, &b, &Message::request("OPTIONS", &a, &b, "later@192.0.2.10", 1), (200, "OK"));
    } else {
        for at in [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500] {
            s.at(4002 + at).send(&b, &a, &ok);
        }
        hang_up(&mut s, 36_200, &b, &a, id, 1);
    }
    s.pcap()
}

/// A re-INVITE that asks for hold, answered `status`.
fn changed(status: u16, reason: &str) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "changed@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    let change = Message::inside("INVITE", &a, &b, id, 2).sdp(&sdp(rtp(&a, 40_000), 2, &ANSWER, &["sendonly"]));
    s.at(3000).send(&a, &b, &change);
    let response = change.reply(status, reason, &b);
    if status == 200 {
        let held = sdp(rtp(&b, 50_000), 2, &ANSWER, &["recvonly"]);
        s.at(3030).send(&b, &a, &response.sdp(&held));
        s.at(3033).send(&a, &b, &Message::inside("ACK", &a, &b, id, 2));
    } else {
        s.at(3030).send(&b, &a, &response);
        s.at(3033).send(&a, &b, &change.ack_to(&response));
    }
    hang_up(&mut s, 8000, &a, &b, id, 3);
    s.pcap()
}

/// One side's re-INVITE and its 200 OK.
fn change(s: &mut Scene, at: u64, from: &Host, to: &Host, id: &str, cseq: u32) {
    let (mine, theirs) = if from.user == "alice" { (40_000, 50_000) } else { (50_000, 40_000) };
    let request =
        Message::inside("INVITE", from, to, id, cseq).sdp(&sdp(rtp(from, mine), cseq + 1, &ANSWER, &["sendrecv"]));
    s.at(at).send(from, to, &request);
    s.at(at + 30).send(
        to,
        from,
        &request.reply(200, "OK", to).sdp(&sdp(rtp(to, theirs), cseq + 1, &ANSWER, &["sendrecv"])),
    );
    s.at(at + 33).send(from, to, &Message::inside("ACK", from, to, id, cseq));
}

fn both_change(at_once: bool) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "glare@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    let mut cseq = 2;
    if at_once {
        let request = |from: &Host, to: &Host, port, n| {
            Message::inside("INVITE", from, to, id, n).sdp(&sdp(rtp(from, port), 2, &ANSWER, &["sendrecv"]))
        };
        let (of_a, of_b) = (request(&a, &b, 40_000, 2), request(&b, &a, 50_000, 1));
        s.at(3000).send(&a, &b, &of_a);
        s.at(3002).send(&b, &a, &of_b);
        let (to_a, to_b) = (of_a.reply(491, "Request Pending", &b), of_b.reply(491, "Request Pending", &a));
        s.at(3010).send(&b, &a, &to_a);
        s.at(3012).send(&a, &b, &to_b);
        s.at(3014).send(&a, &b, &of_a.ack_to(&to_a));
        s.at(3016).send(&b, &a, &of_b.ack_to(&to_b));
        cseq = 3;
    } else {
        change(&mut s, 3000, &b, &a, id, 1);
    }
    change(&mut s, 6000, &a, &b, id, cseq);
    hang_up(&mut s, 9000, &a, &b, id, cseq + 1);
    s.pcap()
}

fn transferred() -> Vec<u8> {
    let (a, p, b, id) = (alice(), proxy(), bob(), "transfer@192.0.2.10");
    let mut s = Scene::new();
    over_proxy(&mut s, id);
    let route = format!("<sip:{};lr>", p.at);
    let forth = |s: &mut Scene, at: u64, m: &Message, status: (u16, &str), from: &Host, to: &Host| {
        let sent_on = m.through(&p, &format!("t-{at}"));
        s.at(at).send(from, &p, m);
        s.at(at + 1).send(&p, to, &sent_on);
        let response = sent_on.reply(status.0, status.1, to);
        s.at(at + 4).send(to, &p, &response);
        s.at(at + 5).send(&p, from, &response.back());
    };
    let refer =
        Message::inside("REFER", &a, &b, id, 2).with("Route", &route).with("Refer-To", "<sip:carol@example.com>");
    forth(&mut s, 3000, &refer, (202, "Accepted"), &a, &b);
    for (n, at, line, state) in [
        (1, 3020, "SIP/2.0 100 Trying", "active;expires=60"),
        (2, 4500, "SIP/2.0 200 OK", "terminated;reason=noresource"),
    ] {
        let notify = Message::inside("NOTIFY", &b, &a, id, n).with("Route", &route).with("Event", "refer");
        let notify =
            notify.with("Subscription-State", state).body("message/sipfrag;version=2.0", &format!("{line}\r\n"));
        forth(&mut s, at, &notify, (200, "OK"), &b, &a);
    }
    let bye = Message::inside("BYE", &a, &b, id, 3).with("Route", &route);
    forth(&mut s, 4600, &bye, (200, "OK"), &a, &b);
    s.pcap()
}

/// Media both ways for 2.3 s, then none; the BYE comes after 20 s.
fn silenced(held: bool) -> Vec<u8> {
    let (a, b, id) = (alice(), bob(), "silenced@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    Talk::new(rtp(&a, 40_000), rtp(&b, 50_000), 0xa11c_e0a1).run(&mut s, 920, 3100);
    Talk::new(rtp(&b, 50_000), rtp(&a, 40_000), 0xb0b0_00a1).run(&mut s, 930, 3110);
    let mut cseq = 2;
    if held {
        let hold = Message::inside("INVITE", &a, &b, id, 2).sdp(&sdp(rtp(&a, 40_000), 2, &ANSWER, &["inactive"]));
        s.at(3100).send(&a, &b, &hold);
        s.at(3120).send(&b, &a, &hold.reply(200, "OK", &b).sdp(&sdp(rtp(&b, 50_000), 2, &ANSWER, &["inactive"])));
        s.at(3123).send(&a, &b, &Message::inside("ACK", &a, &b, id, 2));
        cseq = 3;
    }
    hang_up(&mut s, 20_000, &a, &b, id, cseq);
    s.pcap()
}
