//! What findings of the groups `dialog` and `outcome` say in cases that one capture a code does not show, and what is no finding at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use std::process::Command;
use support::media::{ANSWER, Talk, sdp};
use support::message::{Host, Message};
use support::scene::Scene;
use support::scenes::findings::dialog::{answer, answered, exchange, hang_up, invite, offer, over_proxy, rtp};
use support::scenes::{alice, bob, carol, proxy};

/// What `decode` says of a capture.
fn decode(scene: &Scene) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scene.pcap");
    std::fs::write(&path, scene.pcap()).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", "--json"]).arg(&path).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Code, severity, title and detail of each finding.
fn findings(scene: &Scene) -> Vec<[String; 4]> {
    let document = decode(scene);
    let all = document["findings"].as_array().unwrap().iter();
    all.map(|f| ["code", "severity", "title", "detail"].map(|key| f[key].as_str().unwrap().to_owned())).collect()
}

fn grave(scene: &Scene) -> Vec<[String; 4]> {
    findings(scene).into_iter().filter(|f| f[1] != "info").collect()
}

/// The only finding of weight: its code and severity, and what its title or detail says.
#[track_caller]
fn only(scene: &Scene, code: &str, severity: &str, says: &str) {
    let found = grave(scene);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0][0].as_str(), found[0][1].as_str()), (code, severity), "{found:#?}");
    assert!(found[0][2].contains(says) || found[0][3].contains(says), "{found:#?}");
}

/// A finding at level info, with none of weight beside it.
#[track_caller]
fn info(scene: &Scene, code: &str, says: &str) {
    let found = findings(scene);
    assert!(found.iter().all(|f| f[1] == "info"), "{found:#?}");
    let it = found.iter().find(|f| f[0] == code).unwrap_or_else(|| panic!("no {code} in {found:#?}"));
    assert!(it[2].contains(says) || it[3].contains(says), "{it:#?}");
}

#[track_caller]
fn nothing(scene: &Scene) {
    let found = grave(scene);
    assert!(found.is_empty(), "{found:#?}");
}

/// Something later on, so that the capture goes on after the scene.
fn later(s: &mut Scene, at: u64) {
    let (a, b) = (alice(), bob());
    exchange(s, at, &a, &b, &Message::request("OPTIONS", &a, &b, "later@192.0.2.10", 1), (200, "OK"));
}

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
        only(&s, "ack-mismatch", "error", says);
    }
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
