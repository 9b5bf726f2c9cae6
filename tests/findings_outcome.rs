//! What findings of the group `outcome` say in cases that one capture a code does not show, and what is no finding at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::found::{findings, info, later, nothing, only};
use support::media::{ANSWER, Talk, sdp};
use support::message::Message;
use support::scene::Scene;
use support::scenes::findings::dialog::{answer, answered, exchange, hang_up, invite, offer, rtp};
use support::scenes::{alice, bob, carol, proxy};

#[test]
fn who_decided_is_the_farthest_who_said_so() {
    let (a, p, b, id) = (alice(), proxy(), bob(), "decided@192.0.2.10");
    let call = |far: Option<(u16, &str)>, near: (u16, &str)| {
        let mut s = Scene::new();
        let request = invite(&a, &b, id);
        s.at(0).send(&a, &p, &request);
        s.at(1).send(&p, &a, &request.reply(100, "Trying", &p));
        if let Some((status, reason)) = far {
            let sent_on = request.through(&p, "on");
            s.at(2).send(&p, &b, &sent_on);
            let no = sent_on.reply(status, reason, &b).with("Reason", "Q.850;cause=34");
            s.at(30).send(&b, &p, &no);
            s.at(31).send(&p, &b, &sent_on.ack_to(&no));
        }
        let no = request.reply(near.0, near.1, &p);
        s.at(40).send(&p, &a, &no);
        s.at(43).send(&a, &p, &request.ack_to(&no));
        s
    };
    let unavailable = (503, "Service Unavailable");
    only(&call(Some(unavailable), unavailable), "call-rejected", "error", "198.51.100.20:5060 refused the call: 503");
    only(&call(Some(unavailable), unavailable), "call-rejected", "error", "(No circuit/channel available)");
    only(
        &call(Some(unavailable), (500, "Server Error")),
        "call-rejected",
        "error",
        "192.0.2.1:5060 refused the call: 500",
    );
    only(
        &call(Some(unavailable), (500, "Server Error")),
        "call-rejected",
        "error",
        "which answered 503; 500 is its own word",
    );
    only(&call(None, (404, "Not Found")), "call-rejected", "error", "192.0.2.1:5060 decided itself");
    only(&call(None, (404, "Not Found")), "call-rejected", "error", "A 404 says: There is no such user");
}

#[test]
fn what_was_offered_is_told_with_what_would_fit() {
    let (a, b, id) = (alice(), bob(), "media@192.0.2.10");
    let call = |formats: &[(u8, &str)], capabilities: Option<String>| {
        let mut s = Scene::new();
        let request = Message::request("INVITE", &a, &b, id, 1).sdp(&sdp(rtp(&a, 40_000), 1, formats, &["sendrecv"]));
        s.at(0).send(&a, &b, &request);
        let no = request.reply(488, "Not Acceptable Here", &b);
        let no = capabilities.map_or(no.clone(), |text| no.sdp(&text));
        s.at(40).send(&b, &a, &no);
        s.at(43).send(&a, &b, &request.ack_to(&no));
        s
    };
    let odd = [(97, "iLBC/8000"), (101, "telephone-event/8000")];
    only(&call(&odd, None), "media-not-acceptable", "error", "offered were iLBC telephone-event");
    only(
        &call(&odd, None),
        "media-not-acceptable",
        "error",
        "PCMU and PCMA, which all phones have, were not among them",
    );
    let wanted = sdp(rtp(&b, 50_000), 1, &[(18, "G729/8000")], &["sendrecv"]);
    only(
        &call(&ANSWER, Some(wanted)),
        "media-not-acceptable",
        "error",
        "198.51.100.20:5060 takes: audio over RTP/AVP with G729",
    );
}

#[test]
fn a_call_that_rang_to_the_end_of_patience_is_told_apart_from_one_that_never_rang() {
    let (a, b) = (alice(), bob());
    let call = |ringing: Option<u64>, end: u64, status: u16| {
        let mut s = Scene::new();
        let request = invite(&a, &b, "ringing@192.0.2.10");
        s.at(0).send(&a, &b, &request);
        s.at(2).send(&b, &a, &request.reply(100, "Trying", &b));
        if let Some(at) = ringing {
            s.at(at).send(&b, &a, &request.reply(180, "Ringing", &b));
        }
        let no = request.reply(status, "Over", &b);
        s.at(end).send(&b, &a, &no);
        s.at(end + 3).send(&a, &b, &request.ack_to(&no));
        s
    };
    only(&call(Some(100), 30_100, 408), "call-unanswered", "warning", "It rang for 30.0 s");
    only(
        &call(Some(100), 30_100, 480),
        "call-unanswered",
        "warning",
        "nobody answered: 198.51.100.20:5060 gave up with 480",
    );
    only(&call(Some(100), 900, 480), "call-unanswered", "warning", "turned the call away while it rang");
    only(&call(None, 5000, 408), "call-unanswered", "warning", "the call never rang");
}

#[test]
fn an_answer_that_is_left_standing_is_an_error() {
    let (a, p, b, c, id) = (alice(), proxy(), bob(), carol(), "standing@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &p, &request);
    s.at(1).send(&p, &a, &request.reply(100, "Trying", &p));
    for (phone, at) in [(&b, 2), (&c, 3)] {
        let sent_on = request.through(&p, phone.user);
        s.at(at).send(&p, phone, &sent_on);
        let ok = sent_on.reply(200, "OK", phone).sdp(&answer(phone));
        s.at(800 + at).send(phone, &p, &ok);
        s.at(805 + at).send(&p, &a, &ok.back());
        let to = format!("<{}>;tag={}-1", b.aor(), phone.user);
        let via = format!("SIP/2.0/UDP {};branch=z9hG4bK-ack-{};rport", a.at, phone.user);
        let ack = Message::inside("ACK", &a, phone, id, 1).set("To", &to).set("Via", &via);
        let ack = ack.with("Route", &format!("<sip:{};lr>", p.at));
        s.at(810 + at).send(&a, &p, &ack);
        s.at(811 + at).send(&p, phone, &ack.through(&p, &format!("ack-{}", phone.user)));
    }
    later(&mut s, 20_000);
    only(&s, "forked-answers", "error", "2 of them were never ended");
}

#[test]
fn a_transfer_that_fails_is_a_warning() {
    let (a, b, id) = (alice(), bob(), "transfer@192.0.2.10");
    let refer = |s: &mut Scene, status| {
        answered(s, &a, &b, id);
        let refer = Message::inside("REFER", &a, &b, id, 2).with("Refer-To", "<sip:carol@example.com>");
        exchange(s, 3000, &a, &b, &refer, status);
    };
    let mut s = Scene::new();
    refer(&mut s, (603, "Decline"));
    hang_up(&mut s, 6000, &a, &b, id, 3);
    only(&s, "transfer", "warning", "refused with 603 Decline");
    let mut s = Scene::new();
    refer(&mut s, (202, "Accepted"));
    let notify = Message::inside("NOTIFY", &b, &a, id, 1).with("Event", "refer");
    let notify = notify.with("Subscription-State", "terminated").body("message/sipfrag", "SIP/2.0 486 Busy Here\r\n");
    exchange(&mut s, 3500, &b, &a, &notify, (200, "OK"));
    hang_up(&mut s, 6000, &a, &b, id, 3);
    only(&s, "transfer", "warning", "it failed with 486");
    let mut s = Scene::new();
    refer(&mut s, (202, "Accepted"));
    hang_up(&mut s, 6000, &a, &b, id, 3);
    info(&s, "transfer", "its result was not reported");
}

#[test]
fn refusals_of_the_same_change_are_one_finding() {
    let (a, b, id) = (alice(), bob(), "again@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    for (cseq, at) in [(2, 3000), (3, 5000)] {
        let change = Message::inside("INVITE", &a, &b, id, cseq).sdp(&offer(&a));
        let no = change.reply(488, "Not Acceptable Here", &b);
        s.at(at).send(&a, &b, &change);
        s.at(at + 5).send(&b, &a, &no);
        s.at(at + 8).send(&a, &b, &change.ack_to(&no));
    }
    hang_up(&mut s, 9000, &a, &b, id, 4);
    only(&s, "reinvite-rejected", "warning", "It was tried and refused again 2.0 s later");
}

/// Media both ways until 3.1 s.
fn with_media(s: &mut Scene, id: &str) {
    let (a, b) = (alice(), bob());
    answered(s, &a, &b, id);
    Talk::new(rtp(&a, 40_000), rtp(&b, 50_000), 0xa11c_e0a2).run(s, 920, 3100);
    Talk::new(rtp(&b, 50_000), rtp(&a, 40_000), 0xb0b0_00a2).run(s, 930, 3110);
}

#[test]
fn a_call_that_is_left_behind_ends_abruptly_and_one_at_the_end_of_the_capture_does_not() {
    let id = "left@192.0.2.10";
    let mut s = Scene::new();
    with_media(&mut s, id);
    later(&mut s, 90_000);
    only(&s, "abrupt-end", "warning", "no BYE followed in the");
    let mut s = Scene::new();
    with_media(&mut s, id);
    later(&mut s, 20_000);
    info(&s, "call-open", "the capture ends while the call is up");
    let mut s = Scene::new();
    with_media(&mut s, id);
    hang_up(&mut s, 8000, &alice(), &bob(), id, 2);
    nothing(&s);
}

#[test]
fn a_subscription_that_is_refused_is_worth_knowing_and_a_probe_has_its_answer() {
    let (a, b) = (alice(), bob());
    let subscribe = |cseq| {
        Message::request("SUBSCRIBE", &a, &b, "lamp@192.0.2.10", cseq)
            .with("Event", "dialog;id=7")
            .with("Expires", "600")
    };
    let mut s = Scene::new();
    exchange(&mut s, 0, &a, &b, &subscribe(1), (489, "Bad Event"));
    info(
        &s,
        "request-refused",
        "198.51.100.20:5060 refused the SUBSCRIBE for dialog from 192.0.2.10:5060: 489 Bad Event",
    );
    // A probe has its answer.
    let mut s = Scene::new();
    exchange(&mut s, 0, &a, &b, &Message::request("OPTIONS", &a, &b, "probe@192.0.2.10", 1), (404, "Not Found"));
    assert!(findings(&s).iter().all(|f| f[0] != "request-refused"));
}
