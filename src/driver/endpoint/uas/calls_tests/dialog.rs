//! What is asked inside the dialog of a call, by either side, and what makes no dialog.

use super::*;
use crate::driver::endpoint::Transfer;

const TAKES: &str = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n";

/// A call that was answered and acknowledged, and our tag.
fn up(more: &str) -> (Phone, String) {
    let mut phone = Phone::new(Plan::default());
    let sent = phone.put(&invite(more, OFFER));
    starts(&sent, &["200 OK"]);
    let tag = tag(&sent[0]);
    phone.put(&request("ACK", 1, "a1", &tag, "", ""));
    (phone, tag)
}

/// The other side's answer to a request of ours.
fn answer(asked: &str, status: &str, more: &str) -> String {
    let is_kept = |l: &&str| ["Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "].iter().any(|name| l.starts_with(name));
    let head: Vec<&str> = asked.lines().filter(is_kept).collect();
    format!("SIP/2.0 {status}\r\n{}\r\n{more}Content-Length: 0\r\n\r\n", head.join("\r\n"))
}

fn value<'a>(message: &'a str, name: &str) -> &'a str {
    message.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

#[test]
fn a_transfer_is_declined_and_told_and_no_notification_is_expected() {
    let mut phone = Phone::new(Plan::default());
    let sent = phone.put(&invite("", OFFER));
    let tag = tag(&sent[0]);
    let allow = |text: &str| text.lines().find_map(|l| l.strip_prefix("Allow: ")).unwrap_or_default().to_owned();
    let listed = allow(&sent[0]);
    phone.put(&request("ACK", 1, "a1", &tag, "", ""));
    let refer = "Refer-To: <sip:carol@127.0.0.1>\r\n";
    let unwanted = "Refer-To: \"Dave\" <sip:dave@127.0.0.1>\r\nRefer-Sub: false\r\nSupported: norefersub\r\n";
    let ended = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n";
    for (cseq, method, more, expected) in [
        (2, "REFER", refer, "603 Decline"),
        (3, "REFER", unwanted, "603 Decline"),
        // RFC 3515 §2.4.2
        (4, "REFER", "", "400 Bad Request"),
        (5, "REFER", &format!("{refer}{refer}"), "400 Bad Request"),
        // RFC 6665 §4.1.3
        (6, "NOTIFY", ended, "481 Call/Transaction Does Not Exist"),
        (7, "OPTIONS", "", "200 OK"),
        (8, "INFO", "", "200 OK"),
        (9, "MESSAGE", "", "200 OK"),
        (10, "UPDATE", "", "200 OK"),
        (11, "PRACK", "RAck: 1 1 INVITE\r\n", "481 Call/Transaction Does Not Exist"),
        (12, "SUBSCRIBE", "Event: refer\r\n", "405 Method Not Allowed"),
        (13, "PUBLISH", "", "405 Method Not Allowed"),
        (14, "DANCE", "", "405 Method Not Allowed"),
    ] {
        let answers = phone.put(&request(method, cseq, &format!("x{cseq}"), &tag, more, ""));
        starts(&answers, &[expected]);
        // What is listed is what gets another answer than 405, and the list is the same everywhere.
        let is_listed = listed.split(", ").any(|known| known == method);
        assert_eq!(is_listed, !expected.starts_with("405"), "{method}: {listed}");
        assert!([listed.as_str(), ""].contains(&allow(&answers[0]).as_str()), "{method}");
    }
    let asked: Vec<Transfer> = std::iter::from_fn(|| phone.bench.endpoint.role().poll_transfer()).collect();
    let told = |to: &str| Transfer { call: 1, to: to.as_bytes().to_vec() };
    assert_eq!(asked, [told("sip:carol@127.0.0.1"), told("sip:dave@127.0.0.1")]);
    // The call goes on, with none of its media changed.
    assert!(phone.is_busy() && phone.agreed.len() == 1 && phone.ended == 0);
    starts(&phone.put(&request("BYE", 15, "b1", &tag, "", "")), &["200 OK"]);
    // Outside of a call there is nothing to hand over or to be told of either.
    starts(&phone.put(&request("REFER", 16, "o1", "", refer, "")), &["603 Decline"]);
    starts(&phone.put(&request("NOTIFY", 17, "o2", "", ended, "")), &["481"]);
    starts(&phone.put(&request("INFO", 18, "o3", "", "", "")), &["481"]);
    assert_eq!(phone.bench.endpoint.role().poll_transfer(), None);
}

#[test]
fn session_timers_are_kept() {
    let mut phone = Phone::new(Plan::default());
    starts(&phone.put(&invite("Supported: timer\r\nSession-Expires: 60\r\n", OFFER)), &["422"]);
    let mut phone = Phone::new(Plan::default());
    let sent = phone.put(&invite("Supported: timer\r\nSession-Expires: 90\r\n", OFFER));
    assert!(
        sent[0].contains("\r\nSession-Expires: 90;refresher=uac\r\n") && sent[0].contains("\r\nRequire: timer\r\n")
    );
    phone.put(&request("ACK", 1, "a1", &tag(&sent[0]), "", ""));
    // 90 s less a third: RFC 4028 §10
    starts(&phone.pass(59_000), &[]);
    starts(&phone.pass(1_000), &["BYE"]);

    let mut phone = Phone::new(Plan::default());
    let sent = phone.put(&invite(&format!("Supported: timer\r\nSession-Expires: 100;refresher=uas\r\n{TAKES}"), OFFER));
    assert!(sent[0].contains("\r\nSession-Expires: 100;refresher=uas\r\n"));
    phone.put(&request("ACK", 1, "a1", &tag(&sent[0]), "", ""));
    let update = phone.pass(50_000);
    starts(&update, &["UPDATE sip:alice@127.0.0.1:5071"]);
    assert!(update[0].contains("\r\nSession-Expires: 100;refresher=uac\r\n"));
}

/// The caller leaves the refreshing to us: after 50 seconds the first UPDATE is out.
fn refreshing() -> (Phone, String) {
    let (mut phone, _) = up(&format!("Supported: timer\r\nSession-Expires: 100;refresher=uas\r\n{TAKES}"));
    let sent = phone.pass(50_000);
    starts(&sent, &["UPDATE sip:alice@127.0.0.1:5071"]);
    (phone, sent[0].clone())
}

#[test]
fn what_answers_a_refresh_says_how_the_session_goes_on() {
    // RFC 4028 §7.2: the answer decides, interval and refresher.
    let (mut phone, update) = refreshing();
    let contact = "Contact: <sip:alice@127.0.0.1:5099>\r\n";
    phone.put(&answer(&update, "200 OK", &format!("Session-Expires: 200;refresher=uac\r\n{contact}")));
    starts(&phone.pass(99_000), &[]);
    // RFC 3261 §12.2.1.2: and where the other side is from now on.
    let again = phone.pass(1_000);
    starts(&again, &["UPDATE sip:alice@127.0.0.1:5099"]);
    assert_eq!(value(&again[0], "Session-Expires"), "200;refresher=uac");
    let number = |text: &str| value(text, "CSeq").split(' ').next().unwrap().parse::<u32>().unwrap();
    assert_eq!(number(&again[0]), number(&update) + 1);

    // It may leave the refreshing to the other side …
    let (mut phone, update) = refreshing();
    phone.put(&answer(&update, "200 OK", "Session-Expires: 90;refresher=uas\r\n"));
    starts(&phone.pass(59_000), &[]);
    starts(&phone.pass(1_000), &["BYE"]);

    // … or end the matter. RFC 4028 §7.2
    let (mut phone, update) = refreshing();
    phone.put(&answer(&update, "200 OK", ""));
    starts(&phone.pass(3_600_000), &[]);
    assert!(phone.is_busy());
}

#[test]
fn a_refresh_that_asks_for_too_little_asks_for_more() {
    let (mut phone, update) = refreshing();
    let sent = phone.put(&answer(&update, "422 Session Interval Too Small", "Min-SE: 300\r\n"));
    starts(&sent, &["UPDATE sip:alice@127.0.0.1:5071"]);
    // RFC 4028 §7.4
    assert_eq!((value(&sent[0], "Session-Expires"), value(&sent[0], "Min-SE")), ("300;refresher=uac", "300"));
    // Whoever demands the same again is never content.
    starts(&phone.put(&answer(&sent[0], "422 Session Interval Too Small", "Min-SE: 300\r\n")), &["BYE"]);
}

#[test]
fn who_takes_no_update_is_refreshed_by_re_invite() {
    // RFC 4028 §7.4
    let asked = "Supported: timer\r\nSession-Expires: 100;refresher=uas\r\n";
    let (mut phone, tag) = up(asked);
    let sent = phone.pass(50_000);
    starts(&sent, &["INVITE sip:alice@127.0.0.1:5071"]);
    assert_eq!(value(&sent[0], "Session-Expires"), "100;refresher=uac");
    assert!(sent[0].contains("\r\n\r\nv=0\r\n") && sent[0].contains("m=audio 30000 "), "{}", sent[0]);
    // RFC 3261 §14.2: theirs crosses ours.
    starts(&phone.put(&request("INVITE", 2, "r0", &tag, "", OFFER)), &["491"]);
    phone.put(&request("ACK", 2, "r0", &tag, "", ""));
    let head =
        answer(&sent[0], "200 OK", "Session-Expires: 100;refresher=uac\r\nContact: <sip:alice@127.0.0.1:5099>\r\n");
    let moved = OFFER.replace("audio 4000", "audio 4400").replace("1 1 IN", "1 2 IN");
    let length = format!("Content-Type: application/sdp\r\nContent-Length: {}", moved.len());
    let ok = format!("{}{moved}", head.replace("Content-Length: 0", &length));
    // Each repeat of the 2xx brings the ACK out again, to where the other side is by now. RFC 3261 §13.2.2.4
    let acks: Vec<String> = (0..2).flat_map(|_| phone.put(&ok)).collect();
    starts(&acks, &["ACK sip:alice@127.0.0.1:5099", "ACK sip:alice@127.0.0.1:5099"]);
    assert_eq!(acks[0], acks[1]);
    assert_eq!(value(&acks[0], "CSeq"), value(&sent[0], "CSeq").replace("INVITE", "ACK"));
    assert_eq!(phone.agreed.last().unwrap().remote.unwrap().port(), 4400);
    // The next one offers the same again, under the same version.
    let again = phone.pass(50_000);
    starts(&again, &["INVITE sip:alice@127.0.0.1:5099"]);
    let origin = |text: &str| text.lines().find(|l| l.starts_with("o=")).unwrap().to_owned();
    assert_eq!(origin(&again[0]), origin(&sent[0]));

    // Refused, it is acknowledged, too, and the session runs on as it was.
    let (mut phone, tag) = up(asked);
    let sent = phone.pass(50_000);
    let refused = answer(&sent[0], "488 Not Acceptable Here", "");
    let acks: Vec<String> = (0..2).flat_map(|_| phone.put(&refused)).collect();
    starts(&acks, &["ACK sip:alice@127.0.0.1:5071", "ACK sip:alice@127.0.0.1:5071"]);
    starts(&phone.put(&request("INVITE", 2, "r1", &tag, "", OFFER)), &["200 OK"]);
}

#[test]
fn a_refresh_that_is_not_known_or_crosses_theirs_is_tried_again() {
    // RFC 3311 §5.1: an Allow may be wrong.
    let (mut phone, update) = refreshing();
    phone.put(&answer(&update, "405 Method Not Allowed", ""));
    let sent = phone.pass(0);
    starts(&sent, &["INVITE"]);
    // RFC 3261 §14.1: theirs goes first, within 2 seconds.
    starts(&phone.put(&answer(&sent[0], "491 Request Pending", "")), &["ACK"]);
    let sent: Vec<String> = (0..20).flat_map(|_| phone.pass(100)).collect();
    assert!(sent.first().is_some_and(|first| first.starts_with("INVITE ")), "{sent:?}");
}

#[test]
fn a_refresh_that_fails_ends_the_call_at_once_or_when_its_time_is_over() {
    // RFC 4028 §10
    for status in ["481 Call/Transaction Does Not Exist", "408 Request Timeout"] {
        let (mut phone, update) = refreshing();
        starts(&phone.put(&answer(&update, status, "")), &["BYE"]);
    }
    // Never answered: with Timer F.
    let (mut phone, _) = up(&format!("Supported: timer\r\nSession-Expires: 1800;refresher=uas\r\n{TAKES}"));
    starts(&phone.pass(900_000), &["UPDATE"]);
    let sent: Vec<String> = (0..31).flat_map(|_| phone.pass(1_000)).collect();
    assert!(sent.len() > 5 && sent.iter().all(|s| s.starts_with("UPDATE")), "{sent:?}");
    starts(&phone.pass(1_000), &["BYE"]);
    // Refused otherwise, what was agreed runs on: 100 s less 32.
    let (mut phone, update) = refreshing();
    phone.put(&answer(&update, "500 Server Internal Error", ""));
    starts(&phone.pass(17_000), &[]);
    starts(&phone.pass(1_000), &["BYE"]);
}

#[test]
fn an_update_before_the_answer_leaves_the_time_of_the_session_to_the_invite() {
    let plan = Plan { early_media: true, ring: Duration::from_secs(2), ..Plan::default() };
    let mut phone = Phone::new(plan);
    let sent = phone.put(&invite("Supported: timer\r\nSession-Expires: 90\r\n", OFFER));
    starts(&sent, &["183"]);
    let tag = tag(&sent[0]);
    let sent = phone.put(&request("UPDATE", 2, "u1", &tag, "", ""));
    starts(&sent, &["200 OK"]);
    assert_eq!(value(&sent[0], "Session-Expires"), "");
    let sent = phone.pass(2_000);
    starts(&sent, &["200 OK"]);
    assert_eq!(value(&sent[0], "Session-Expires"), "90;refresher=uac");
}

#[test]
fn an_expired_session_whose_answer_was_never_acknowledged_is_ended_once() {
    let mut phone =
        Phone::new(Plan { timers: crate::transaction::Timers::with_t1(Duration::from_secs(9)), ..Plan::default() });
    starts(&phone.put(&invite("Supported: timer\r\nSession-Expires: 90\r\n", OFFER)), &["200 OK"]);
    // 64·T1 is 576 s: the session is over before, and its BYE waits for the ACK. RFC 3261 §15
    let sent: Vec<String> = (0..100).flat_map(|_| phone.pass(1_000)).collect();
    assert!(sent.iter().all(|s| s.starts_with("SIP/2.0 200 ")), "{sent:?}");
    let tag = tag(&sent[0]);
    starts(&phone.put(&request("ACK", 1, "a1", &tag, "", "")), &["BYE"]);
}

#[test]
fn our_requests_go_by_the_route_set() {
    // RFC 3261 §12.2.1.1: a strict router stands in the Request-URI, and the remote target at the end.
    for (routes, start, route) in [
        ("<sip:127.0.0.1:5080>, <sip:127.0.0.1:5081;lr>", "BYE sip:127.0.0.1:5080 SIP/2.0", "<sip:127.0.0.1:5081;lr>"),
        ("<sip:127.0.0.1:5080;lr>", "BYE sip:alice@127.0.0.1:5071 SIP/2.0", "<sip:127.0.0.1:5080;lr>"),
    ] {
        let plan = Plan { hangup_after: Some(Duration::from_secs(1)), ..Plan::default() };
        let mut phone = Phone::new(plan);
        let sent = phone.put(&invite(&format!("Record-Route: {routes}\r\n"), OFFER));
        phone.put(&request("ACK", 1, "a1", &tag(&sent[0]), "", ""));
        let now = phone.bench.now;
        phone.bench.now = now + Duration::from_secs(1);
        phone.bench.endpoint.handle_timer(phone.bench.now);
        let bye = phone.bench.endpoint.poll_transmit().unwrap();
        assert_eq!(bye.way.peer.port(), 5080, "{routes}");
        let text = String::from_utf8(bye.bytes).unwrap();
        starts(std::slice::from_ref(&text), &[start]);
        assert_eq!(value(&text, "Route"), route);
        let last = text.lines().rfind(|l| l.starts_with("Route: ")).unwrap();
        assert_eq!(last.contains("sip:alice@127.0.0.1:5071"), start.contains(":5080 "), "{text}");
    }
}

#[test]
fn a_caller_without_a_tag_is_served() {
    // RFC 2543 had none. RFC 3261 §12.1.1
    let untagged = |text: String| text.replacen(";tag=a1", "", 1);
    let mut phone = Phone::new(Plan::default());
    let sent = phone.put(&untagged(invite("", OFFER)));
    starts(&sent, &["200 OK"]);
    let tag = tag(&sent[0]);
    starts(&phone.put(&untagged(request("ACK", 1, "a1", &tag, "", ""))), &[]);
    // One with a tag is of another dialog.
    starts(&phone.put(&request("BYE", 2, "b1", &tag, "", "")), &["481"]);
    starts(&phone.put(&untagged(request("BYE", 3, "b2", &tag, "", ""))), &["200 OK"]);
    assert!(!phone.is_busy());
}

#[test]
fn what_makes_no_dialog_is_refused_with_its_reason() {
    let many = format!("Record-Route: {}<sip:p;lr>\r\n", "<sip:p;lr>, ".repeat(32));
    let contact = "Contact: <sip:alice@127.0.0.1:5071>\r\n";
    for (text, expected) in [
        (invite("", OFFER).replace(contact, ""), "400 Missing Contact"),
        (invite(&many, OFFER), "400 Bad Request (more than 32 in Record-Route)"),
        (invite("Record-Route: <>\r\n", OFFER), "400 Bad Request"),
    ] {
        let mut phone = Phone::new(Plan::default());
        starts(&phone.put(&text), &[expected]);
        assert!(!phone.is_busy() && phone.bench.endpoint.role().poll_media().is_none(), "{expected}");
    }
}
