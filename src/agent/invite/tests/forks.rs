//! Several dialogs of one INVITE. RFC 3261 §13.2.2.4, RFC 3665 has none: these are of a proxy that forks in parallel.

use super::*;
use crate::agent::invite::Problem;

fn contact(host: u8) -> String {
    format!("Contact: <sip:bob@192.0.2.{host}:5060>\r\nServer: phone {host}\r\n")
}

#[test]
fn each_tag_is_a_dialog_and_the_first_2xx_is_the_call() {
    let mut bench = Bench::new(|_| {});
    bench.answer("180 Ringing", "a", &contact(21), "");
    bench.answer("183 Session Progress", "b", &contact(22), ANSWER);
    bench.answer("180 Ringing", "c", &contact(23), "");
    assert_eq!(bench.agreed.len(), 1, "early media of b");
    let other = ANSWER.replace("4000", "5000");
    bench.answer("200 OK", "a", &contact(21), &other);
    assert_eq!(bench.agreed.last().unwrap().remote.unwrap().port(), 5000);
    // b answers as well: its call is ended at once.
    bench.answer("200 OK", "b", &contact(22), ANSWER);
    let (ack, bye) = (bench.last("ACK").text, bench.last("BYE").text);
    assert!(ack.starts_with("ACK sip:bob@192.0.2.22:5060 ") && value(&ack, "To").ends_with("tag=b"), "{ack}");
    assert!(bye.starts_with("BYE sip:bob@192.0.2.22:5060 ") && value(&bye, "To").ends_with("tag=b"), "{bye}");
    assert_eq!(bench.agreed.len(), 2, "media stays with the call");
    bench.answer_to("BYE", "200 OK", "");
    assert_eq!(bench.ended(), None);
    bench.run(10_000);
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
    let forks: Vec<_> = bench.record().forks.iter().map(|f| (f.is_kept, f.answered.is_some(), f.bye_status)).collect();
    assert_eq!(forks, [(true, true, Some(200)), (false, true, Some(200)), (false, false, None)]);
    assert_eq!(bench.record().forks[2].software, b"phone 23");
    assert_eq!(bench.record().forks[1].contact, b"sip:bob@192.0.2.22:5060");
    assert!(bench.record().forks[1].early_media.is_some());
}

#[test]
fn a_challenge_to_the_bye_of_a_fork_is_met_too() {
    let mut bench = Bench::up(|o| o.account = account());
    bench.answer("200 OK", "z", CONTACT, ANSWER);
    bench.answer_to("BYE", "407 Proxy Authentication Required", CHALLENGE);
    assert_eq!(bench.all("BYE").len(), 2);
    bench.answer_to("BYE", "200 OK", "");
    assert_eq!((bench.record().forks[1].bye_status, bench.ended()), (Some(200), None));
}

#[test]
fn a_repeated_2xx_of_a_fork_that_was_ended_is_acknowledged_again() {
    let mut bench = Bench::up(|_| {});
    bench.answer("200 OK", "z", CONTACT, ANSWER);
    bench.run(400);
    bench.answer("200 OK", "z", CONTACT, ANSWER);
    assert_eq!((bench.all("ACK").len(), bench.last("ACK").at, bench.all("BYE").len()), (3, 400, 1));
}

#[test]
fn with_several_dialogs_a_crossing_answer_is_waited_for() {
    let mut bench = Bench::new(|o| o.duration = Duration::ZERO);
    bench.answer("180 Ringing", "a", &contact(21), "");
    bench.answer("180 Ringing", "b", &contact(22), "");
    bench.answer("200 OK", "a", &contact(21), ANSWER);
    bench.answer_to("BYE", "200 OK", "");
    assert!(!bench.invite.is_finished());
    bench.run(40);
    bench.answer("200 OK", "b", &contact(22), ANSWER);
    assert!(value(&bench.last("BYE").text, "To").ends_with("tag=b"));
    bench.answer_to("BYE", "200 OK", "");
    bench.run(1000);
    bench.is_over(EndedBy::Us);
}

#[test]
fn forks_are_bounded() {
    let mut bench = Bench::new(|_| {});
    for n in 0..200 {
        bench.answer("180 Ringing", &format!("t{n}"), &contact(21), "");
    }
    assert_eq!(bench.record().forks.len(), 16);
    assert_eq!(bench.record().problems, [Problem::TooManyForks]);
    // An answer is more than an early dialog: it is taken.
    bench.answer("200 OK", "t150", &contact(21), ANSWER);
    assert!(value(&bench.last("ACK").text, "To").ends_with("tag=t150"));
    for n in 0..200 {
        bench.answer("200 OK", &format!("u{n}"), &contact(21), ANSWER);
    }
    assert_eq!(bench.record().forks.len(), 64);
    assert!(bench.record().may_be_up, "some were not even acknowledged");
}
