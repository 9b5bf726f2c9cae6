//! What findings of the group `dialog` say in cases that one capture a code does not show, and what is no finding at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::found::{findings, grave, info, later, nothing, only};
use support::message::{Host, Message};
use support::scene::Scene;
use support::scenes::findings::dialog::{answer, answered, exchange, hang_up, invite, over_proxy};
use support::scenes::{alice, bob, carol, proxy};

/// When a response is repeated by Timer G, after its first time.
const REPEATS: [u64; 5] = [500, 1500, 3500, 7500, 11_500];

/// INVITE and a 200 OK that is repeated; `ack` follows each.
fn repeated(s: &mut Scene, ack: impl Fn(Message) -> Option<Message>) {
    let (a, b, id) = (alice(), bob(), "repeated@192.0.2.10");
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b));
    let ok = request.reply(200, "OK", &b).sdp(&answer(&b));
    for at in std::iter::once(0).chain(REPEATS) {
        s.at(1000 + at).send(&b, &a, &ok);
        if let Some(ack) = ack(Message::inside("ACK", &a, &b, id, 1)) {
            s.at(1003 + at).send(&a, &b, &ack);
        }
    }
    hang_up(s, 16_000, &b, &a, id, 1);
}

#[test]
fn an_ack_with_a_wrong_number_or_from_tag_is_told_by_that() {
    let mut s = Scene::new();
    repeated(&mut s, |ack| Some(ack.set("CSeq", "7 ACK")));
    only(&s, "ack-mismatch", "error", "the CSeq number of no answer: 7 instead of 1");
    let mut s = Scene::new();
    repeated(&mut s, |ack| Some(ack.set("From", "<sip:alice@example.com>;tag=other")));
    only(&s, "ack-mismatch", "error", "the From tag of no answer: other instead of alice-1");
}

#[test]
fn an_answer_that_differs_from_its_invite_is_the_answerers_fault() {
    let (a, b, id) = (alice(), bob(), "copied@192.0.2.10");
    for (name, value, says) in [
        ("CSeq", "9999 INVITE", "198.51.100.20:5060 answered the INVITE with another CSeq number than it had: 9999"),
        ("From", "<sip:alice@example.com>;tag=zz", "another From tag than it had: zz instead of alice-1"),
    ] {
        let mut s = Scene::new();
        let request = invite(&a, &b, id);
        s.at(0).send(&a, &b, &request);
        s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b));
        s.at(900).send(&b, &a, &request.reply(200, "OK", &b).set(name, value).sdp(&answer(&b)));
        s.at(904).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
        hang_up(&mut s, 9000, &a, &b, id, 2);
        only(&s, "response-mismatch", "error", says);
    }
}

#[test]
fn a_response_with_a_via_too_many_or_too_few_is_told() {
    let (a, p, q) = (alice(), proxy(), Host::new("edge", "192.0.2.2:5060", "ExampleEdge 1"));
    let direct = Message::request("OPTIONS", &a, &p, "vias@192.0.2.10", 1);
    let forwarded = direct.through(&p, "first");
    let own = direct.value("Via").unwrap();
    for (request, (from, to), via, says) in [
        (&direct, (&a, &p), format!("{own}, {own}"), "another number of Via values than it had: 2 instead of 1"),
        (&forwarded, (&p, &q), forwarded.value("Via").unwrap().to_owned(), "than it had: 1 instead of 2"),
    ] {
        let mut s = Scene::new();
        s.at(0).send(from, to, request);
        s.at(3).send(to, from, &request.reply(200, "OK", to).without("Via").with("Via", &via));
        only(&s, "response-mismatch", "error", says);
    }
    // Whoever has no tag gets none back, or one that was made up on the way.
    let mut s = Scene::new();
    let old = direct.clone().set("From", "<sip:alice@example.com>");
    s.at(0).send(&a, &p, &old);
    s.at(3).send(&p, &a, &direct.reply(200, "OK", &p));
    nothing(&s);
}

#[test]
fn acks_that_arrive_in_vain_are_lost_behind_the_place_of_capture() {
    let mut s = Scene::new();
    repeated(&mut s, Some);
    only(&s, "ack-missing", "error", "lost between the place of this capture and the program there");
}

/// A call seen between two proxies without Record-Route: INVITE and its responses pass here, what follows does not.
fn between_proxies(s: &mut Scene, bye_passes: bool) {
    let (p, q, a, b) = (proxy(), Host::new("edge", "192.0.2.2:5060", "ExampleEdge 1"), alice(), bob());
    let id = "passing@192.0.2.10";
    let plain = invite(&a, &b, id).through(&p, "first").without("Record-Route");
    s.at(0).send(&p, &q, &plain);
    s.at(5).send(&q, &p, &plain.reply(100, "Trying", &q));
    let ok = plain.reply(200, "OK", &b).sdp(&answer(&b));
    s.at(900).send(&q, &p, &ok);
    if bye_passes {
        let bye = Message::inside("BYE", &a, &b, id, 2).through(&p, "bye");
        s.at(8000).send(&p, &q, &bye);
        s.at(8004).send(&q, &p, &bye.reply(200, "OK", &b));
    }
    later(s, 20_000);
}

#[test]
fn an_ack_that_need_not_pass_here_is_not_missed() {
    let mut s = Scene::new();
    between_proxies(&mut s, false);
    nothing(&s);
    let mut s = Scene::new();
    between_proxies(&mut s, true);
    only(&s, "ack-missing", "error", "No ACK followed");
}

#[test]
fn a_tag_that_a_proxy_took_away_is_its_fault() {
    let (a, p, b, id) = (alice(), proxy(), bob(), "taken@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &p, &request);
    let sent_on = request.through(&p, "on");
    s.at(1).send(&p, &b, &sent_on);
    let ok = sent_on.reply(200, "OK", &b).sdp(&answer(&b));
    s.at(500).send(&b, &p, &ok);
    s.at(501).send(&p, &a, &ok.back().set("To", &format!("<{}>", b.aor())));
    only(&s, "to-tag-missing", "error", "192.0.2.1:5060 took the To tag out of the 200 OK");
}

#[test]
fn a_missing_tag_weighs_what_it_costs() {
    let (a, b) = (alice(), bob());
    let untagged = |m: Message| m.set("To", &format!("<{}>", bob().aor()));
    let mut s = Scene::new();
    let ping = Message::request("OPTIONS", &a, &b, "ping@192.0.2.10", 1);
    s.at(0).send(&a, &b, &ping);
    s.at(5).send(&b, &a, &untagged(ping.reply(200, "OK", &b)));
    info(&s, "to-tag-missing", "198.51.100.20:5060 answered 200 OK without a To tag");
    // A program of RFC 2543 has a branch without the cookie, and need not have tags.
    let old = ping.set("Via", "SIP/2.0/UDP 192.0.2.10:5060;branch=1");
    let mut s = Scene::new();
    s.at(0).send(&a, &b, &old);
    s.at(5).send(&b, &a, &untagged(old.reply(200, "OK", &b)));
    assert!(findings(&s).iter().all(|f| f[0] != "to-tag-missing"));
}

#[test]
fn a_contact_that_a_proxy_took_away_is_its_fault() {
    let (a, p, b, id) = (alice(), proxy(), bob(), "taken@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &p, &request);
    let sent_on = request.through(&p, "on").without("Contact");
    s.at(1).send(&p, &b, &sent_on);
    let no = sent_on.reply(486, "Busy Here", &b);
    s.at(500).send(&b, &p, &no);
    s.at(501).send(&p, &b, &sent_on.ack_to(&no));
    s.at(502).send(&p, &a, &no.back());
    s.at(504).send(&a, &p, &request.ack_to(&no.back()));
    only(&s, "contact-missing", "error", "192.0.2.1:5060 removed it");
}

#[test]
fn a_lower_cseq_that_is_accepted_is_a_warning() {
    let (a, b, id) = (alice(), bob(), "counting@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    exchange(&mut s, 2000, &a, &b, &Message::inside("INFO", &a, &b, id, 9), (200, "OK"));
    hang_up(&mut s, 6000, &a, &b, id, 2);
    only(&s, "cseq-not-increasing", "warning", "sent a BYE with CSeq 2 after its INFO had 9");
}

#[test]
fn the_same_request_on_the_next_hop_counts_once() {
    let (a, p, b, id) = (alice(), proxy(), bob(), "hops@192.0.2.10");
    let mut s = Scene::new();
    over_proxy(&mut s, id);
    let route = format!("<sip:{};lr>", p.at);
    let info = Message::inside("INFO", &a, &b, id, 2).with("Route", &route);
    let bye = Message::inside("BYE", &a, &b, id, 3).with("Route", &route);
    // The proxy is slow to pass the INFO on, and the BYE has come by then.
    s.at(3000).send(&a, &p, &info);
    s.at(3300).send(&a, &p, &bye);
    let (info_on, bye_on) = (info.through(&p, "info"), bye.through(&p, "bye"));
    s.at(3360).send(&p, &b, &info_on);
    s.at(3364).send(&b, &p, &info_on.reply(200, "OK", &b));
    s.at(3366).send(&p, &a, &info_on.reply(200, "OK", &b).back());
    s.at(3370).send(&p, &b, &bye_on);
    s.at(3374).send(&b, &p, &bye_on.reply(200, "OK", &b));
    s.at(3376).send(&p, &a, &bye_on.reply(200, "OK", &b).back());
    nothing(&s);
}

/// A reliable 183 sent once, then a 200 OK, ACK and BYE.
fn unrepeated(require: &str, prack: Option<&str>) -> Scene {
    let (a, b, id) = (alice(), bob(), "once@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id).with("Supported", "100rel");
    s.at(0).send(&a, &b, &request);
    let early = request.reply(183, "Session Progress", &b).with(require, "100rel").with("RSeq", "71").sdp(&answer(&b));
    s.at(80).send(&b, &a, &early);
    if let Some(rack) = prack {
        exchange(&mut s, 90, &a, &b, &Message::inside("PRACK", &a, &b, id, 2).with("RAck", rack), (200, "OK"));
    }
    s.at(3000).send(&b, &a, &request.reply(200, "OK", &b));
    s.at(3004).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
    hang_up(&mut s, 8000, &a, &b, id, 3);
    s
}

#[test]
fn a_prack_is_missed_without_repeats_where_it_would_have_to_pass() {
    only(&unrepeated("Require", None), "prack-missing", "error", "sent none on this hop");
    only(&unrepeated("Require", Some("72 1 INVITE")), "prack-missing", "error", "RAck 71 1 INVITE confirms this one");
    nothing(&unrepeated("Require", Some("71 1 INVITE")));
    // Only Require makes it reliable.
    nothing(&unrepeated("Supported", None));
}

/// A call with a session timer of 90 s, and a BYE of bob's.
fn timed(bye_at: u64, reason: Option<&str>, refresh: Option<(u16, &str)>) -> Scene {
    const TIMER: &str = "90;refresher=uac";
    let (a, b, id) = (alice(), bob(), "timer@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id).with("Supported", "timer").with("Session-Expires", TIMER);
    s.at(0).send(&a, &b, &request);
    s.at(100).send(&b, &a, &request.reply(180, "Ringing", &b));
    s.at(1000).send(&b, &a, &request.reply(200, "OK", &b).with("Session-Expires", TIMER).sdp(&answer(&b)));
    s.at(1003).send(&a, &b, &Message::inside("ACK", &a, &b, id, 1));
    if let Some((status, words)) = refresh {
        exchange(&mut s, 46_000, &a, &b, &Message::inside("UPDATE", &a, &b, id, 2), (status, words));
    }
    let bye = Message::inside("BYE", &b, &a, id, 1);
    let bye = reason.map_or(bye.clone(), |reason| bye.with("Reason", reason));
    s.at(bye_at).send(&b, &a, &bye);
    s.at(bye_at + 5).send(&a, &b, &bye.reply(200, "OK", &a));
    s
}

#[test]
fn a_session_that_expires_is_known_by_its_bye() {
    let reason = Some("SIP;cause=408;text=\"Session timer expired\"");
    only(&timed(40_000, reason, None), "session-expired", "error", "Session timer expired");
    only(&timed(91_000, None, None), "session-expired", "error", "192.0.2.10:5060 did not refresh it in time");
    let refused = timed(61_000, None, Some((500, "Server Internal Error")));
    only(&refused, "session-expired", "error", "it was refused with 500");
    only(&timed(140_000, None, None), "session-expired", "warning", "went on for 49.0 s after it had expired");
    // Somebody hangs up before any of that.
    nothing(&timed(40_000, None, None));
    nothing(&timed(75_000, None, None));
    nothing(&timed(40_000, Some("Q.850;cause=16;text=\"Terminated\""), None));
}

#[test]
fn a_422_that_nobody_follows_is_what_the_call_failed_of() {
    let (a, b, id) = (alice(), bob(), "interval@192.0.2.10");
    let mut s = Scene::new();
    let first = invite(&a, &b, id).with("Session-Expires", "120");
    let no = first.reply(422, "Session Interval Too Small", &b).with("Min-SE", "1800");
    s.at(0).send(&a, &b, &first);
    s.at(5).send(&b, &a, &no);
    s.at(8).send(&a, &b, &first.ack_to(&no));
    later(&mut s, 20_000);
    only(&s, "session-interval-too-small", "error", "wants a session interval of at least 1800 s");
}

#[test]
fn a_481_says_whether_the_tags_were_right_and_who_answered() {
    let (a, b, id) = (alice(), bob(), "forgotten@192.0.2.10");
    let update = Message::inside("UPDATE", &a, &b, id, 2);
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    exchange(&mut s, 9000, &a, &b, &update, (481, "Call Does Not Exist"));
    only(&s, "dialog-unknown", "error", "it has lost the dialog since");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    exchange(&mut s, 9000, &a, &carol(), &update, (481, "Call Does Not Exist"));
    only(&s, "dialog-unknown", "error", "a program that never had the dialog");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    let wrong = update.set("To", &format!("<{}>;tag=zzz", b.aor()));
    exchange(&mut s, 9000, &a, &b, &wrong, (481, "Call Does Not Exist"));
    only(&s, "dialog-unknown", "error", "Its tags are those of no dialog");
}

#[test]
fn a_bye_that_is_sent_again_is_no_excuse_for_its_481() {
    let (a, b, id) = (alice(), bob(), "twice@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    exchange(&mut s, 5000, &a, &b, &Message::inside("BYE", &a, &b, id, 2), (481, "Call Does Not Exist"));
    hang_up(&mut s, 5100, &a, &b, id, 3);
    only(&s, "dialog-unknown", "error", "does not know the dialog of the BYE from 192.0.2.10:5060");
}

#[test]
fn a_cancelled_call_that_is_ended_without_ack_is_over() {
    let (a, b, id) = (alice(), bob(), "crossed@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    s.at(120).send(&b, &a, &request.reply(180, "Ringing", &b));
    let cancel = request.cancel();
    s.at(3000).send(&a, &b, &cancel);
    s.at(3002).send(&b, &a, &request.reply(200, "OK", &b).sdp(&answer(&b)));
    s.at(3004).send(&b, &a, &cancel.reply(200, "OK", &b));
    hang_up(&mut s, 3010, &a, &b, id, 2);
    later(&mut s, 20_000);
    nothing(&s);
}

#[test]
fn a_cancel_that_comes_too_late_finds_nothing_and_that_is_no_fault() {
    let (a, b, id) = (alice(), bob(), "late-cancel@192.0.2.10");
    let mut s = Scene::new();
    let request = invite(&a, &b, id);
    s.at(0).send(&a, &b, &request);
    let no = request.reply(486, "Busy Here", &b);
    s.at(100).send(&b, &a, &no);
    let cancel = request.cancel();
    s.at(101).send(&a, &b, &cancel);
    s.at(103).send(&a, &b, &request.ack_to(&no));
    s.at(106).send(&b, &a, &cancel.reply(481, "Call/Transaction Does Not Exist", &b));
    nothing(&s);
}

#[test]
fn a_bye_that_was_challenged_in_vain_is_rejected() {
    let (a, b, id) = (alice(), bob(), "challenged@192.0.2.10");
    let mut s = Scene::new();
    answered(&mut s, &a, &b, id);
    let bye = Message::inside("BYE", &a, &b, id, 2);
    let nonce = "Digest realm=\"example.com\", nonce=\"77aa01\", algorithm=SHA-256, qop=\"auth\"";
    s.at(5000).send(&a, &b, &bye);
    s.at(5005).send(&b, &a, &bye.reply(401, "Unauthorized", &b).with("WWW-Authenticate", nonce));
    later(&mut s, 12_000);
    let found = grave(&s);
    assert!(found.len() == 1 && ["bye-rejected", "auth-no-credentials"].contains(&found[0][0].as_str()), "{found:#?}");
}

/// A call over a proxy; the callee hangs up with `bye`.
fn callee_hangs_up(bye: impl Fn(Message) -> (Host, Message)) -> Scene {
    let (a, b, id) = (alice(), bob(), "callee@192.0.2.10");
    let mut s = Scene::new();
    over_proxy(&mut s, id);
    let (to, bye) = bye(Message::inside("BYE", &b, &a, id, 1));
    s.at(6000).send(&b, &to, &bye);
    s.at(6005).send(&to, &b, &bye.reply(200, "OK", &a));
    s
}

#[test]
fn the_callee_has_a_route_set_too() {
    let past = callee_hangs_up(|bye| (alice(), bye));
    only(
        &past,
        "route-set-ignored",
        "warning",
        "198.51.100.20:5060 sent the BYE straight to 192.0.2.10:5060, past 192.0.2.1:5060",
    );
    // Without Route, but to the proxy all the same: on another port of it.
    nothing(&callee_hangs_up(|bye| (Host::new("proxy", "192.0.2.1:5070", "ExampleProxy 5"), bye)));
}
