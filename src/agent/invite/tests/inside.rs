//! What the other side asks inside the call and outside. RFC 3261 §12.2.2, §14.2, RFC 3311, RFC 3515, RFC 6665

use super::*;
use crate::agent::invite::Transfer;

const OFFER: &str =
    "v=0\r\no=bob 2 2 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n";
const FAX: &str =
    "v=0\r\no=bob 2 2 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=image 6000 udptl t38\r\n";

#[test]
fn a_re_invite_is_answered_and_its_2xx_repeated_until_the_ack() {
    let mut bench = Bench::up(|_| {});
    assert_eq!(bench.requested("INVITE", 1, CONTACT, OFFER), "SIP/2.0 200 OK");
    let answer = bench.sent.last().unwrap().text.clone();
    check(&answer);
    assert!(body(&answer).contains("m=audio 40000 RTP/AVP 0"), "{answer}");
    assert_eq!(value(&answer, "Contact"), "<sip:sipctl@192.0.2.1:5070>");
    assert_eq!(bench.agreed.last().unwrap().remote.unwrap().port(), 6000);
    // RFC 3261 §13.3.1.4: T1, 2*T1 …
    bench.run(3600);
    let times: Vec<u64> = bench.all("SIP/2.0").iter().map(|sent| sent.at).collect();
    assert_eq!(times, [0, 500, 1500, 3500]);
    let repeated = bench.request("INVITE", 1, CONTACT, OFFER);
    bench.hand(&repeated);
    assert_eq!(bench.all("SIP/2.0").len(), 4, "its repeats are absorbed");
    let ack = bench.request("ACK", 1, "", "");
    bench.hand(&ack);
    bench.run(9000);
    assert_eq!(bench.all("SIP/2.0").len(), 4);
    assert_eq!(
        bench.record().inside.iter().map(|i| (i.method.as_str(), i.is_ours, i.status)).collect::<Vec<_>>(),
        [("INVITE", false, Some(200))]
    );
    assert!(bench.events.contains(&Event::Request { method: "ACK".to_owned(), status: 0 }));
}

#[test]
fn a_re_invite_whose_ack_never_comes_ends_the_call() {
    let mut bench = Bench::up(|o| o.duration = Duration::from_secs(300));
    assert_eq!(bench.requested("INVITE", 1, CONTACT, OFFER), "SIP/2.0 200 OK");
    bench.run(32_000);
    assert_eq!(bench.all("BYE").len(), 1);
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Timeout);
}

#[test]
fn a_re_invite_without_offer_is_offered_to_and_the_ack_answers() {
    let mut bench = Bench::up(|_| {});
    assert_eq!(bench.requested("INVITE", 1, CONTACT, ""), "SIP/2.0 200 OK");
    assert!(body(&bench.sent.last().unwrap().text).contains("m=audio 40000 "));
    // RFC 3261 §14.2: our offer waits for its answer.
    assert_eq!(bench.requested("UPDATE", 2, CONTACT, OFFER), "SIP/2.0 491 Request Pending");
    let ack = bench.request("ACK", 1, "", OFFER);
    bench.hand(&ack);
    assert_eq!(bench.agreed.last().unwrap().remote.unwrap().port(), 6000);
    assert_eq!(bench.requested("UPDATE", 3, CONTACT, &OFFER.replace("6000", "7000")), "SIP/2.0 200 OK");
    assert_eq!(bench.agreed.last().unwrap().remote.unwrap().port(), 7000);
}

#[test]
fn what_cannot_be_agreed_on_is_refused_and_the_call_goes_on() {
    let mut bench = Bench::up(|_| {});
    assert_eq!(bench.requested("INVITE", 1, CONTACT, FAX), "SIP/2.0 488 Not Acceptable Here");
    let answer = bench.sent.last().unwrap().text.clone();
    assert_eq!(value(&answer, "Warning"), "304 sipctl \"no audio\"");
    assert_eq!((bench.ended(), bench.agreed.len()), (None, 1));
    let ack = bench.request("ACK", 1, "", "").replace("z9hG4bKpeer1ACK", "z9hG4bKpeer1INVITE");
    bench.hand(&ack);
    bench.run(9000);
    assert_eq!(bench.all("SIP/2.0").len(), 1, "acknowledged: no repeats");
    bench.run(10_000);
    assert_eq!(bench.all("BYE").len(), 1);
}

#[test]
fn their_hold_is_answered() {
    let mut bench = Bench::up(|_| {});
    bench.requested("INVITE", 1, CONTACT, &format!("{OFFER}a=sendonly\r\n"));
    assert!(body(&bench.sent.last().unwrap().text).contains("a=recvonly\r\n"));
    let held = bench.agreed.last().unwrap();
    assert!(held.is_held && !held.sends && held.receives);
}

#[test]
fn the_target_moves_with_the_contact_of_a_re_invite() {
    let mut bench = Bench::up(|_| {});
    bench.requested("UPDATE", 1, "Contact: <sip:bob@192.0.2.66:5066>\r\n", "");
    bench.run(10_000);
    let bye = bench.last("BYE");
    assert!(bye.text.starts_with("BYE sip:bob@192.0.2.66:5066 "));
    assert_eq!((bye.way, bench.places.last()), (1, Some(&Place::Uri("sip:bob@192.0.2.66:5066".to_owned()))));
}

#[test]
fn each_request_has_its_answer() {
    let mut bench = Bench::up(|_| {});
    for (cseq, method, expected) in [
        (1, "OPTIONS", "200 OK"),
        (2, "INFO", "200 OK"),
        (3, "UPDATE", "200 OK"),
        (4, "NOTIFY", "481 Call/Transaction Does Not Exist"),
        (5, "REFER", "603 Decline"),
        (6, "MESSAGE", "405 Method Not Allowed"),
        (7, "SUBSCRIBE", "405 Method Not Allowed"),
        (8, "PRACK", "481 Call/Transaction Does Not Exist"),
        (9, "DANCE", "501 Not Implemented"),
    ] {
        // RFC 4488 §4: whether a subscription is wanted makes no difference to who declines.
        let fields = if method == "REFER" { "Refer-To: <sip:carol@example.com>\r\nRefer-Sub: false\r\n" } else { "" };
        assert_eq!(bench.requested(method, cseq, fields, ""), format!("SIP/2.0 {expected}"), "{method}");
        check(&bench.sent.last().unwrap().text);
    }
    assert_eq!(bench.record().transfers, [Transfer { to: b"sip:carol@example.com".to_vec() }]);
    assert!(
        bench
            .all("SIP/2.0")
            .iter()
            .filter(|s| s.text.contains(" 405 "))
            .all(|s| value(&s.text, "Allow").contains("REFER"))
    );
    assert_eq!((bench.ended(), bench.record().inside.len()), (None, 9));
    // RFC 3515 §2.4.2
    assert_eq!(bench.requested("REFER", 10, "", ""), "SIP/2.0 400 Bad Request");
    assert_eq!(bench.record().transfers.len(), 1);
}

#[test]
fn a_repeat_is_answered_again_and_counts_once() {
    let mut bench = Bench::up(|_| {});
    let info = bench.request("INFO", 1, "", "");
    for _ in 0..3 {
        bench.hand(&info);
    }
    let answers = bench.all("SIP/2.0");
    assert_eq!((answers.len(), bench.record().inside.len()), (3, 1));
    assert!(answers.iter().all(|sent| sent.text == answers[0].text));
}

#[test]
fn a_number_that_is_too_low_is_refused() {
    // RFC 3261 §12.2.2
    let mut bench = Bench::up(|_| {});
    assert_eq!(bench.requested("INFO", 9, "", ""), "SIP/2.0 200 OK");
    assert_eq!(bench.requested("INFO", 8, "", ""), "SIP/2.0 500 Server Internal Error");
}

#[test]
fn an_extension_that_we_have_not_is_refused() {
    let mut bench = Bench::up(|_| {});
    assert_eq!(bench.requested("INFO", 1, "Require: timer, blue\r\n", ""), "SIP/2.0 420 Bad Extension");
    assert_eq!(value(&bench.sent.last().unwrap().text, "Unsupported"), "blue");
}

#[test]
fn a_dialog_that_is_not_ours_is_unknown() {
    let mut bench = Bench::up(|_| {});
    for method in ["BYE", "INFO", "INVITE", "NOTIFY"] {
        let request = bench.request(method, 4, "", "").replace(";tag=b1", ";tag=other");
        bench.hand(&request);
        assert!(bench.sent.last().unwrap().text.starts_with("SIP/2.0 481 "), "{method}");
    }
    assert_eq!(bench.ended(), None);
    let cancel = bench.request("CANCEL", 5, "", "");
    bench.hand(&cancel);
    assert!(bench.sent.last().unwrap().text.starts_with("SIP/2.0 481 "));
}

#[test]
fn outside_of_dialogs_options_are_answered_and_calls_refused() {
    let mut bench = Bench::up(|_| {});
    let to = value(&bench.last("INVITE").text, "From").to_owned();
    let untagged = to.split(";tag=").next().unwrap().to_owned();
    for (cseq, method, call_id, expected) in [
        (1, "OPTIONS", "other", "200 OK"),
        (2, "INVITE", "other", "486 Busy Here"),
        (3, "REGISTER", "other", "405 Method Not Allowed"),
        (3, "REFER", "other", "400 Bad Request"),
        (4, "BYE", "other", "481 Call/Transaction Does Not Exist"),
        (5, "INVITE", "", "482 Loop Detected"),
    ] {
        let own = value(&bench.last("INVITE").text, "Call-ID").to_owned();
        let request = bench.request(method, cseq, "", "").replace(&to, &untagged);
        let request = if call_id.is_empty() { request } else { request.replace(&own, call_id) };
        bench.hand(&request);
        assert_eq!(bench.sent.last().unwrap().text.lines().next().unwrap(), format!("SIP/2.0 {expected}"), "{method}");
    }
}

#[test]
fn an_answer_goes_where_the_request_came_from() {
    // RFC 3261 §18.2.2, RFC 3581
    let mut bench = Bench::up(|_| {});
    let request = bench.request("OPTIONS", 1, "", "");
    bench.invite.handle_message(request.as_bytes(), 0, "203.0.113.5:7000".parse().unwrap(), bench.instant());
    bench.drain();
    let answer = bench.sent.last().unwrap();
    assert_eq!(answer.to, Some("203.0.113.5:5060".parse().unwrap()));
    assert!(value(&answer.text, "Via").contains("received=203.0.113.5"));
}

#[test]
fn an_update_before_the_answer_finds_our_offer_pending() {
    // RFC 3311 §5.2
    let mut bench = Bench::new(|_| {});
    bench.answer("180 Ringing", "b1", CONTACT, "");
    assert_eq!(bench.requested("UPDATE", 1, CONTACT, OFFER), "SIP/2.0 491 Request Pending");
    assert_eq!(bench.requested("INVITE", 2, CONTACT, OFFER), "SIP/2.0 491 Request Pending");
    bench.answer("183 Session Progress", "b1", &format!("Require: 100rel\r\nRSeq: 1\r\n{CONTACT}"), ANSWER);
    assert_eq!(bench.requested("UPDATE", 3, CONTACT, OFFER), "SIP/2.0 200 OK");
    assert_eq!(bench.agreed.last().unwrap().remote.unwrap().port(), 6000);
    let mut bench = Bench::new(|o| o.is_late_offer = true);
    bench.answer("180 Ringing", "b1", CONTACT, "");
    assert_eq!(bench.requested("UPDATE", 1, CONTACT, OFFER), "SIP/2.0 500 Server Internal Error");
    assert!(has(&bench.sent.last().unwrap().text, "Retry-After"));
}

#[test]
fn what_is_noted_and_kept_is_bounded() {
    let mut bench = Bench::up(|o| o.duration = Duration::from_secs(1000));
    for cseq in 1..1000 {
        bench.requested("REFER", cseq, "Refer-To: <sip:carol@example.com>\r\n", "");
    }
    assert_eq!((bench.record().inside.len(), bench.record().transfers.len()), (256, 16));
    assert!(bench.invite.inbound.len() <= 64);
}
