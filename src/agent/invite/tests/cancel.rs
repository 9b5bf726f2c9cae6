//! CANCEL and what crosses it; the wish to stop. RFC 3261 §9.1, RFC 3665 §3.8

use super::*;

#[test]
fn a_call_that_rings_is_cancelled_as_in_rfc_3665_3_8() {
    let mut bench = Bench::new(|o| o.cancel_after = Some(Duration::from_secs(3)));
    bench.answer("180 Ringing", "314159", CONTACT, "");
    bench.run(3000);
    let (invite, cancel) = (bench.last("INVITE").text, bench.last("CANCEL"));
    check(&cancel.text);
    assert_eq!((cancel.at, value(&cancel.text, "Via")), (3000, value(&invite, "Via")));
    assert_eq!((value(&cancel.text, "CSeq"), value(&cancel.text, "To")), ("1 CANCEL", "<sip:bob@biloxi.example.com>"));
    bench.answer_to("CANCEL", "200 OK", "");
    assert_eq!(bench.ended(), None, "the INVITE waits for its end");
    bench.answer("487 Request Terminated", "314159", "", "");
    assert_eq!(bench.words(), "INVITE CANCEL ACK");
    bench.is_over(EndedBy::Cancel);
    let cancelled = bench.record().cancelled.unwrap();
    assert_eq!(
        (bench.ms(Some(cancelled.at)), cancelled.status, cancelled.invite_status),
        (Some(3000), Some(200), Some(487))
    );
    assert!(!bench.record().may_be_up);
}

#[test]
fn no_cancel_before_a_provisional_response() {
    let mut bench = Bench::new(|o| o.cancel_after = Some(Duration::from_secs(1)));
    bench.run(2000);
    assert_eq!(bench.all("CANCEL").len(), 0);
    bench.answer("100 Trying", "", "", "");
    assert_eq!(bench.all("CANCEL").len(), 1);
    bench.answer("487 Request Terminated", "x", "", "");
    bench.answer_to("CANCEL", "200 OK", "");
    bench.is_over(EndedBy::Cancel);
}

#[test]
fn silence_ends_the_wait_for_a_provisional_response() {
    let mut bench = Bench::new(|o| o.cancel_after = Some(Duration::from_secs(1)));
    bench.run(5000);
    bench.is_over(EndedBy::Cancel);
    assert_eq!(bench.all("CANCEL").len(), 0);
}

#[test]
fn a_challenge_that_was_met_is_not_the_response_that_counts() {
    let mut bench = Bench::new(|o| (o.cancel_after, o.account) = (Some(Duration::from_secs(1)), account()));
    bench.answer("407 Proxy Authentication Required", "p", CHALLENGE, "");
    bench.run(5000);
    bench.is_over(EndedBy::Cancel);
    assert_eq!(bench.record().last_response, None);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut bench = Bench::new(|o| o.cancel_after = Some(Duration::from_secs(1)));
    bench.answer("180 Ringing", "b1", CONTACT, "");
    bench.run(1000);
    bench.answer("200 OK", "b1", CONTACT, ANSWER);
    bench.answer_to("CANCEL", "200 OK", "");
    assert_eq!(bench.words(), "INVITE CANCEL ACK BYE");
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Cancel);
    let record = bench.record();
    assert_eq!((record.cancelled.unwrap().invite_status, record.forks[0].is_kept), (Some(200), false));
    assert_eq!((record.answered, record.may_be_up), (None, false));
}

#[test]
fn a_cancel_that_is_never_followed_by_487_is_given_up() {
    let mut bench = Bench::new(|o| o.cancel_after = Some(Duration::from_secs(1)));
    bench.answer("180 Ringing", "b1", CONTACT, "");
    bench.run(1000);
    bench.answer_to("CANCEL", "200 OK", "");
    bench.run(32_999);
    assert_eq!(bench.ended(), None);
    bench.run(33_000);
    bench.is_over(EndedBy::Cancel);
    assert!(bench.record().may_be_up);
}

#[test]
fn it_rings_no_longer_than_it_may() {
    let mut bench = Bench::new(|o| o.ring_timeout = Duration::from_secs(20));
    bench.answer("180 Ringing", "b1", CONTACT, "");
    for second in 1..20 {
        // A peer that rings for ever, a minute's repeats in each second.
        bench.run(second * 1000);
        bench.answer("180 Ringing", "b1", CONTACT, "");
    }
    bench.run(20_000);
    bench.answer_to("CANCEL", "200 OK", "");
    bench.answer("487 Request Terminated", "b1", "", "");
    bench.is_over(EndedBy::Timeout);
    assert_eq!(bench.record().forks[0].responses.len(), 1, "repeats are left out");
    let told = bench.events.iter().filter(|event| matches!(event, Event::Response { status: 180, .. })).count();
    assert_eq!(told, 1);
}

#[test]
fn a_challenge_that_crosses_the_cancel_is_not_answered() {
    let mut bench = Bench::new(|o| (o.cancel_after, o.account) = (Some(Duration::from_secs(1)), account()));
    bench.answer("100 Trying", "", "", "");
    bench.run(1000);
    bench.answer("407 Proxy Authentication Required", "p", CHALLENGE, "");
    assert_eq!(bench.words(), "INVITE CANCEL ACK");
    bench.is_over(EndedBy::Cancel);
}

#[test]
fn a_stop_while_it_rings_cancels() {
    let mut bench = Bench::new(|_| {});
    bench.answer("180 Ringing", "b1", CONTACT, "");
    bench.run(700);
    bench.invite.handle_stop(bench.instant());
    bench.drain();
    assert_eq!(bench.words(), "INVITE CANCEL");
    bench.answer("487 Request Terminated", "b1", "", "");
    bench.is_over(EndedBy::Stop);
    assert!(!bench.record().may_be_up);
}

#[test]
fn a_stop_in_the_call_hangs_up() {
    let mut bench = Bench::up(|_| {});
    bench.run(700);
    bench.invite.handle_stop(bench.instant());
    bench.invite.handle_stop(bench.instant());
    bench.drain();
    assert_eq!(bench.words(), "INVITE ACK BYE");
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Stop);
}

#[test]
fn a_stop_is_bounded_and_says_what_may_be_left() {
    let mut bench = Bench::up(|_| {});
    bench.invite.handle_stop(bench.instant());
    bench.drain();
    bench.run(4000);
    bench.is_over(EndedBy::Stop);
    assert!(bench.record().may_be_up);
    let mut bench = Bench::new(|_| {});
    bench.answer("180 Ringing", "b1", CONTACT, "");
    bench.invite.handle_stop(bench.instant());
    bench.drain();
    bench.run(3999);
    assert!(!bench.invite.is_finished());
    bench.run(4000);
    bench.is_over(EndedBy::Stop);
    assert!(bench.record().may_be_up);
}

#[test]
fn a_stop_before_anything_was_sent_is_the_end() {
    let mut bench = Bench::idle(Protocol::Udp, |_| {});
    bench.is_pending = true;
    bench.drain();
    bench.invite.handle_stop(bench.instant());
    bench.drain();
    bench.is_over(EndedBy::Stop);
    bench.open(0);
    bench.drain();
    assert_eq!((bench.sent.len(), bench.record().may_be_up), (0, false));
}

#[test]
fn an_early_dialog_that_its_callee_ends_is_over() {
    let mut bench = Bench::new(|_| {});
    bench.answer("180 Ringing", "b1", CONTACT, "");
    assert_eq!(bench.requested("BYE", 1, "", ""), "SIP/2.0 200 OK");
    bench.answer("487 Request Terminated", "b1", "", "");
    bench.is_over(EndedBy::Them);
}
