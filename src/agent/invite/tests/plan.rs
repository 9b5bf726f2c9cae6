//! Hold and resume, digits, session timers, glare. RFC 3261 §14.1, RFC 3264 §8.4, RFC 4028

use super::*;
use crate::agent::invite::{Dtmf, DtmfMode, Problem};

fn digits(mode: DtmfMode) -> Option<Dtmf> {
    Some(Dtmf { digits: "12#".to_owned(), mode })
}

/// Answers the last re-INVITE.
fn take(bench: &mut Bench, direction: &str) {
    bench.answer("200 OK", "b1", CONTACT, &format!("{ANSWER}a={direction}\r\n"));
}

#[test]
fn the_other_side_is_put_on_hold_in_the_middle_and_taken_back() {
    let mut bench = Bench::up(|o| o.hold = Some(Duration::from_secs(4)));
    bench.run(3000);
    let hold = bench.last("INVITE");
    check(&hold.text);
    assert_eq!((hold.at, value(&hold.text, "CSeq")), (3000, "2 INVITE"));
    assert!(body(&hold.text).contains("a=sendonly\r\n"));
    assert!(hold.text.starts_with("INVITE sip:bob@192.0.2.9:5060 "));
    take(&mut bench, "recvonly");
    assert_eq!(value(&bench.last("ACK").text, "CSeq"), "2 ACK");
    assert!(!bench.agreed.last().unwrap().receives);
    // A repeat of its 2xx is acknowledged again.
    bench.run(3500);
    take(&mut bench, "recvonly");
    assert_eq!(bench.all("ACK").len(), 3);
    bench.run(7000);
    let resume = bench.last("INVITE");
    assert!(resume.at == 7000 && !body(&resume.text).contains("a=sendonly"), "{}", resume.text);
    take(&mut bench, "sendrecv");
    assert!(bench.agreed.last().unwrap().receives && bench.agreed.last().unwrap().sends);
    bench.run(10_000);
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
    let inside: Vec<_> = bench.record().inside.iter().map(|i| (i.purpose.as_str(), i.is_ours, i.status)).collect();
    assert_eq!(inside, [("hold", true, Some(200)), ("resume", true, Some(200))]);
}

#[test]
fn the_bye_waits_for_the_hold_where_the_call_is_too_short() {
    let mut bench = Bench::up(|o| (o.hold, o.duration) = (Some(Duration::from_secs(5)), Duration::from_secs(1)));
    assert_eq!(bench.all("INVITE").len(), 2);
    take(&mut bench, "recvonly");
    bench.run(4999);
    assert_eq!(bench.all("BYE").len(), 0);
    bench.run(5000);
    take(&mut bench, "sendrecv");
    assert_eq!(bench.all("BYE").len(), 1);
}

#[test]
fn a_hold_that_is_refused_leaves_the_call_as_it_was() {
    let mut bench = Bench::up(|o| o.hold = Some(Duration::from_secs(4)));
    bench.run(3000);
    bench.answer("488 Not Acceptable Here", "b1", "", "");
    assert_eq!((bench.ended(), bench.agreed.len()), (None, 1));
    bench.run(10_000);
    assert_eq!(bench.words(), "INVITE ACK INVITE ACK BYE");
    assert_eq!(bench.record().inside[0].status, Some(488));
}

#[test]
fn a_hold_that_nobody_knows_of_says_that_the_call_is_gone() {
    // RFC 3261 §12.2.1.2
    let mut bench = Bench::up(|o| o.hold = Some(Duration::from_secs(4)));
    bench.run(3000);
    bench.answer("481 Call/Transaction Does Not Exist", "b1", "", "");
    bench.answer_to("BYE", "481 Call/Transaction Does Not Exist", "");
    bench.is_over(EndedBy::Unusable);
    assert_eq!(bench.record().problems, [Problem::Gone("INVITE".to_owned(), Some(481))]);
}

#[test]
fn a_hold_that_nobody_answers_ends_the_call_when_its_time_is_up() {
    let mut bench = Bench::up(|o| o.hold = Some(Duration::from_secs(4)));
    bench.run(7999);
    assert_eq!(bench.all("BYE").len(), 0);
    bench.run(8000);
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Unusable);
    assert_eq!(bench.record().problems, [Problem::Gone("INVITE".to_owned(), None)]);
}

#[test]
fn a_hold_without_any_way_left_ends_the_call() {
    let mut bench = Bench::over(Protocol::Tcp, |o| o.hold = Some(Duration::from_secs(4)));
    bench.answer("200 OK", "b1", "Contact: <sip:bob@192.0.2.9:5060;transport=tcp>\r\n", ANSWER);
    bench.run(1000);
    bench.closed = vec!["Uri"];
    bench.invite.handle_unreached(0, &refused(), bench.instant());
    bench.drain();
    bench.run(4000);
    bench.is_over(EndedBy::Unusable);
    assert!(bench.record().may_be_up);
}

#[test]
fn glare_is_tried_again_after_2_1_to_4_seconds() {
    let mut bench = Bench::up(|o| o.hold = Some(Duration::from_secs(4)));
    bench.run(3000);
    // While ours waits, theirs is refused. RFC 3261 §14.2
    assert_eq!(bench.requested("INVITE", 1, CONTACT, ANSWER), "SIP/2.0 491 Request Pending");
    bench.answer("491 Request Pending", "b1", "", "");
    bench.run(5000);
    assert_eq!(bench.all("INVITE").len(), 2);
    bench.run(7000);
    let again = bench.all("INVITE").into_iter().find(|sent| value(&sent.text, "CSeq") == "3 INVITE").unwrap();
    assert!((5100..=7000).contains(&again.at), "{}", again.at);
    assert!(body(&again.text).contains("a=sendonly"));
}

#[test]
fn digits_are_pressed_as_events_and_waited_for() {
    let mut bench = Bench::up(|o| (o.dtmf, o.duration) = (digits(DtmfMode::Rtp), Duration::ZERO));
    assert_eq!((bench.pressed.as_slice(), bench.all("BYE").len()), (&["12#".to_owned()][..], 0));
    bench.run(900);
    bench.invite.handle_pressed(bench.instant());
    bench.drain();
    assert_eq!(bench.last("BYE").at, 900);
}

#[test]
fn digits_that_never_get_sent_do_not_keep_the_call_up() {
    let mut bench = Bench::up(|o| (o.dtmf, o.duration) = (digits(DtmfMode::Rtp), Duration::ZERO));
    bench.run(6000);
    assert_eq!(bench.last("BYE").at, 6000);
}

#[test]
fn digits_are_not_pressed_where_events_were_not_agreed_on() {
    let mut bench = Bench::new(|o| o.dtmf = digits(DtmfMode::Rtp));
    bench.answer(
        "200 OK",
        "b1",
        CONTACT,
        &ANSWER.replace(" 101", "").replace("a=rtpmap:101 telephone-event/8000\r\n", ""),
    );
    assert_eq!(bench.pressed.len(), 0);
}

#[test]
fn digits_go_one_by_one_as_info() {
    let mut bench = Bench::up(|o| (o.dtmf, o.duration) = (digits(DtmfMode::Info), Duration::ZERO));
    for (digit, cseq) in [("1", "2 INFO"), ("2", "3 INFO"), ("#", "4 INFO")] {
        let info = bench.last("INFO").text;
        check(&info);
        assert_eq!((value(&info, "CSeq"), value(&info, "Content-Type")), (cseq, "application/dtmf-relay"));
        assert_eq!(body(&info), format!("Signal={digit}\r\nDuration=160\r\n"));
        assert_eq!(bench.all("BYE").len(), 0);
        bench.answer_to("INFO", "200 OK", "");
        bench.run(bench.now + 260);
    }
    let times: Vec<u64> = bench.all("INFO").iter().map(|sent| sent.at).collect();
    assert_eq!(times, [0, 260, 520]);
    assert_eq!((bench.all("INFO").len(), bench.all("BYE").len()), (3, 1));
    assert_eq!(bench.record().inside[2].purpose, "DTMF #");
}

#[test]
fn the_session_is_refreshed_by_update_at_half_its_interval() {
    let mut bench = Bench::new(|o| (o.duration, o.session_expires) = (Duration::from_secs(200), Some(90)));
    let fields = format!("Session-Expires: 90;refresher=uac\r\nRequire: timer\r\nAllow: INVITE, UPDATE\r\n{CONTACT}");
    bench.answer("200 OK", "b1", &fields, ANSWER);
    assert_eq!(bench.record().session_timer, Some((90, true)));
    bench.run(45_000);
    let update = bench.last("UPDATE");
    check(&update.text);
    assert_eq!((update.at, value(&update.text, "Session-Expires")), (45_000, "90;refresher=uac"));
    assert_eq!((value(&update.text, "Supported"), body(&update.text)), ("100rel, timer", ""));
    bench.answer_to("UPDATE", "200 OK", "Session-Expires: 90;refresher=uac\r\n");
    bench.run(90_000);
    assert_eq!(bench.all("UPDATE").len(), 2);
    // Who knows no UPDATE is asked by re-INVITE. RFC 4028 §7.4
    bench.answer_to("UPDATE", "405 Method Not Allowed", "");
    let again = bench.last("INVITE").text;
    assert_eq!(value(&again, "Session-Expires"), "90;refresher=uac");
    assert_eq!(body(&again), body(&bench.all("INVITE")[0].text), "the same description, and the same version");
}

#[test]
fn without_update_the_session_is_refreshed_by_re_invite() {
    let mut bench = Bench::new(|o| o.duration = Duration::from_secs(200));
    bench.answer(
        "200 OK",
        "b1",
        &format!("Session-Expires: 120;refresher=uac\r\nAllow: INVITE, BYE\r\n{CONTACT}"),
        ANSWER,
    );
    bench.run(60_000);
    assert_eq!((bench.all("INVITE").len(), bench.all("UPDATE").len()), (2, 0));
    assert_eq!(bench.record().inside[0].purpose, "session refresh");
}

#[test]
fn a_session_that_they_do_not_refresh_is_ended() {
    // RFC 4028 §10: a third of the interval or 32 seconds before its end.
    let mut bench = Bench::new(|o| o.duration = Duration::from_secs(500));
    bench.answer("200 OK", "b1", &format!("Session-Expires: 90;refresher=uas\r\n{CONTACT}"), ANSWER);
    assert_eq!(bench.record().session_timer, Some((90, false)));
    bench.run(50_000);
    let update = "Session-Expires: 90;refresher=uac\r\nSupported: timer\r\n";
    assert_eq!(bench.requested("UPDATE", 1, update, ""), "SIP/2.0 200 OK");
    let answer = bench.sent.last().unwrap().text.clone();
    assert_eq!((value(&answer, "Session-Expires"), value(&answer, "Require")), ("90;refresher=uac", "timer"));
    bench.run(109_999);
    assert_eq!(bench.all("BYE").len(), 0);
    bench.run(110_000);
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::SessionTimer);
}

#[test]
fn a_refresh_that_is_unanswered_ends_the_call() {
    let mut bench = Bench::new(|o| o.duration = Duration::from_secs(500));
    bench.answer("200 OK", "b1", &format!("Session-Expires: 90;refresher=uac\r\nAllow: UPDATE\r\n{CONTACT}"), ANSWER);
    bench.run(50_000);
    assert_eq!((bench.all("BYE").len(), bench.ended()), (1, Some(EndedBy::SessionTimer)));
}

#[test]
fn an_interval_of_theirs_that_is_too_small_is_refused() {
    let mut bench = Bench::up(|_| {});
    let fields = "Session-Expires: 10\r\nSupported: timer\r\n";
    assert_eq!(bench.requested("UPDATE", 1, fields, ""), "SIP/2.0 422 Session Interval Too Small");
    assert_eq!(value(&bench.sent.last().unwrap().text, "Min-SE"), "90");
    assert_eq!(bench.record().session_timer, None);
}
