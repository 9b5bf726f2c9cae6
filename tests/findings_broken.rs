//! Answers that break a rule: one finding names the fault, and what follows from it is told under that. All of them were seen in the lab.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::found::{decode, findings, later, nothing, only};
use support::message::{Host, Message};
use support::scene::{Connection, Scene};
use support::scenes::findings::dialog::{answer, hang_up, invite, over_proxy};
use support::scenes::{alice, bob, proxy};

const ID: &str = "broken@192.0.2.10";

/// A call whose 200 OK is what `broken` makes of a good one; the caller sends an ACK and hangs up.
fn call(broken: impl Fn(Message) -> Message) -> Scene {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, ID);
    let mut s = Scene::new();
    s.at(0).send(&a, &b, &request).at(100).send(&b, &a, &request.reply(180, "Ringing", &b));
    s.at(900).send(&b, &a, &broken(request.reply(200, "OK", &b).sdp(&answer(&b))));
    s.at(904).send(&a, &b, &Message::inside("ACK", &a, &b, ID, 1));
    hang_up(&mut s, 9000, &a, &b, ID, 2);
    later(&mut s, 20_000);
    s
}

/// An OPTIONS sent at several times, answered each time with these bytes.
fn ping(sends: &[u64], answer: impl Fn(&Message) -> Vec<u8>) -> Scene {
    let (a, b) = (alice(), bob());
    let request = Message::request("OPTIONS", &a, &b, ID, 1);
    let mut s = Scene::new();
    for &at in sends {
        s.at(at).send(&a, &b, &request).at(at + 2).udp(b.at, a.at, &answer(&request));
    }
    later(&mut s, 20_000);
    s
}

fn good(request: &Message) -> String {
    String::from_utf8(request.reply(200, "OK", &bob()).bytes()).unwrap()
}

#[test]
fn a_length_that_lies_explains_what_becomes_of_the_description() {
    let s = call(|ok| ok.set("Content-Length", "24"));
    only(&s, "content-length-mismatch", "error", "It explains, too: the session description of");
}

#[test]
fn a_description_that_is_none_explains_that_no_media_is_left() {
    let (from, to) = ("m=audio 50000 RTP/AVP", "m=audio");
    let s = call(|ok| {
        let body = answer(&bob()).replace(from, to);
        ok.without("Content-Type").sdp(&body)
    });
    only(&s, "sdp-malformed", "error", "is malformed");
}

#[test]
fn an_answer_without_from_is_not_also_a_wrong_ack() {
    only(&call(|ok| ok.without("From")), "header-missing", "error", "From is missing");
}

#[test]
fn an_answer_without_via_is_not_also_silence() {
    only(&call(|ok| ok.without("Via")), "header-missing", "error", "Via is missing");
}

#[test]
fn a_field_that_nobody_misses_explains_nothing() {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, ID).without("Max-Forwards");
    let mut s = Scene::new();
    s.at(0).send(&a, &b, &request);
    for at in [900, 1400, 2400, 4400, 8400, 12_400, 16_400, 20_400, 24_400, 28_400, 32_400] {
        s.at(at).send(&b, &a, &request.reply(200, "OK", &b).sdp(&answer(&b)));
    }
    hang_up(&mut s, 33_000, &b, &a, ID, 1);
    let found = findings(&s);
    let has = |code: &str, severity: &str| found.iter().any(|f| f[0] == code && f[1] == severity);
    assert!(has("header-missing", "warning") && has("ack-missing", "error"), "{found:#?}");
}

#[test]
fn an_answer_under_another_method_is_told_by_that() {
    let s = {
        let (a, b) = (alice(), bob());
        let request = invite(&a, &b, ID);
        let mut s = Scene::new();
        for at in [0, 500, 1500, 3500] {
            s.at(at).send(&a, &b, &request);
            s.at(at + 1).send(&b, &a, &request.reply(200, "OK", &b).set("CSeq", "1 SUBSCRIBE"));
        }
        later(&mut s, 20_000);
        s
    };
    only(&s, "cseq-method-mismatch", "error", "198.51.100.20:5060 answered the INVITE with the CSeq of SUBSCRIBE");
}

#[test]
fn the_answer_to_a_cancel_has_the_branch_of_the_invite_and_is_well() {
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, ID);
    let mut s = Scene::new();
    s.at(0).send(&a, &b, &request).at(5).send(&b, &a, &request.reply(180, "Ringing", &b));
    // The CANCEL passed elsewhere: its answer stands alone.
    s.at(2000).send(&b, &a, &request.cancel().reply(200, "OK", &b));
    let gone = request.reply(487, "Request Terminated", &b);
    s.at(2003).send(&b, &a, &gone).at(2005).send(&a, &b, &request.ack_to(&gone));
    later(&mut s, 20_000);
    nothing(&s);
}

#[test]
fn an_answer_with_another_branch_is_named() {
    let s = call(|ok| ok.set("Via", "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-another"));
    // The 180 was right: the request is not unanswered.
    nothing(&s);
    let (a, b) = (alice(), bob());
    let request = invite(&a, &b, ID);
    let mut s = Scene::new();
    s.at(0).send(&a, &b, &request);
    let via = "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-another";
    s.at(300).send(&b, &a, &request.reply(486, "Busy Here", &b).set("Via", via));
    for at in [500, 1500, 3500] {
        s.at(at).send(&a, &b, &request);
    }
    later(&mut s, 40_000);
    let found = findings(&s);
    let silence = found.iter().find(|f| f[0] == "no-response").unwrap_or_else(|| panic!("{found:#?}"));
    assert!(silence[2].ends_with("the 486 Busy Here of 198.51.100.20:5060 has the Via branch of another transaction"));
    assert!(silence[1] == "error" && silence[3].contains("nothing came back with its Via"), "{silence:#?}");
}

#[test]
fn a_status_that_is_none_explains_why_the_request_comes_again() {
    let s = ping(&[0, 500, 1500], |r| good(r).replace("200 OK", "799 Beyond").into_bytes());
    only(&s, "start-line-malformed", "error", "three digits from 100 to 699");
}

#[test]
fn a_version_in_lower_case_is_a_warning_and_another_one_an_error() {
    let lower = ping(&[0], |r| good(r).replacen("SIP/2.0", "sip/2.0", 1).into_bytes());
    only(&lower, "version-unknown", "warning", "not in upper case");
    let other = ping(&[0], |r| good(r).replacen("SIP/2.0", "SIP/3.0", 1).into_bytes());
    only(&other, "version-unknown", "error", "not SIP/2.0");
}

#[test]
fn a_message_that_breaks_off_is_not_told_for_each_field_behind_that() {
    let s = ping(&[0], |r| {
        let whole = good(r);
        let end = whole.find("To:").unwrap() + 4;
        whole.as_bytes()[..end].to_vec()
    });
    let grave: Vec<_> = findings(&s).into_iter().filter(|f| f[1] != "info" && f[0] != "no-response").collect();
    assert!(grave.len() == 1 && grave[0][0] == "message-truncated", "{grave:#?}");
}

#[test]
fn an_answer_from_elsewhere_that_is_not_taken_is_no_lost_answer() {
    let (a, b) = (alice(), bob());
    let other = Host::new("bob", "198.51.100.21:5060", "ExamplePhone 2");
    let request = Message::request("OPTIONS", &a, &b, ID, 1);
    let mut s = Scene::new();
    for at in [0, 500, 1500] {
        s.at(at).send(&a, &b, &request).at(at + 2).send(&other, &a, &request.reply(200, "OK", &other));
    }
    let title = "the answer came from 198.51.100.21:5060, and 192.0.2.10:5060 did not take it";
    only(&s, "retransmission", "warning", title);
}

/// A REGISTER for 600 s, and its answer.
fn registered(answer: impl Fn(&Message, &Host) -> Message) -> Scene {
    let (a, p) = (alice(), proxy());
    let request = Message::request("REGISTER", &a, &a, ID, 1).at_uri("sip:example.com").with("Expires", "600");
    let mut s = Scene::new();
    s.at(0).send(&a, &p, &request).at(5).send(&p, &a, &answer(&request, &p));
    later(&mut s, 20_000);
    s
}

#[test]
fn a_binding_of_no_time_is_none() {
    let granted = |expires: &'static str| {
        registered(move |r, p| {
            r.reply(200, "OK", p).with("Contact", &format!("{};expires={expires}", alice().contact()))
        })
    };
    only(&granted("0"), "binding-missing", "error", "for 0 s");
    nothing(&granted("600"));
    // What was there before is listed as gone, beside what was asked for.
    nothing(&registered(|r, p| {
        let own = alice().contact();
        r.reply(200, "OK", p).with("Contact", &format!("<sip:old@192.0.2.10:5070>;expires=0, {own};expires=600"))
    }));
}

#[test]
fn a_408_of_a_proxy_is_the_silence_behind_it() {
    let (a, p, b) = (alice(), proxy(), bob());
    let mut s = Scene::new();
    over_proxy(&mut s, ID);
    let bye = Message::inside("BYE", &a, &b, ID, 2).with("Route", "<sip:192.0.2.1:5060;lr>");
    let on = bye.through(&p, "bye");
    s.at(8000).send(&a, &p, &bye);
    for at in [8001, 8501, 9501, 11_501] {
        s.at(at).send(&p, &b, &on);
    }
    s.at(13_000).send(&p, &a, &bye.reply(408, "Request Timeout", &p));
    later(&mut s, 20_000);
    only(&s, "no-response", "error", "It explains, too: 192.0.2.1:5060 refused the BYE from 192.0.2.10:5060: 408");
}

#[test]
fn half_an_answer_before_the_connection_closes_is_counted() {
    let (a, b) = (Host { at: "192.0.2.10:40312".parse().unwrap(), ..alice() }, bob());
    let request = Message::request("OPTIONS", &a, &b, ID, 1).over("TCP");
    let whole = request.reply(200, "OK", &b).bytes();
    let mut s = Scene::new();
    let mut c = Connection::open(&mut s, a.at, b.at);
    c.send(&mut s, 0, &request.bytes());
    c.send(&mut s, 1, &whole[..whole.len() / 2]);
    c.close_by(&mut s, 1);
    later(&mut s, 20_000);
    only(&s, "tcp-closed", "error", "did not answer the OPTIONS");
    let undecoded = &decode(&s)["summary"]["undecoded"];
    assert_eq!(undecoded["message_incomplete"], 1, "{undecoded}");
}
