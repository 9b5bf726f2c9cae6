//! Answers that no peer should give: nothing hangs, nothing panics, no call stays up.

use super::*;
use crate::agent::invite::Problem;

#[test]
fn a_2xx_without_contact_is_acknowledged_at_the_request_uri() {
    let mut bench = Bench::new(|o| o.duration = Duration::ZERO);
    bench.answer("200 OK", "b1", "", ANSWER);
    assert_eq!(bench.words(), "INVITE ACK BYE");
    assert!(bench.last("ACK").text.starts_with("ACK sip:bob@biloxi.example.com SIP/2.0\r\n"));
    assert_eq!((bench.last("ACK").way, &bench.record().problems[..]), (0, &[Problem::NoContact][..]));
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
}

#[test]
fn a_2xx_without_tag_makes_a_dialog() {
    // RFC 3261 §12.1.2
    let mut bench = Bench::new(|o| o.duration = Duration::ZERO);
    bench.answer("200 OK", "", CONTACT, ANSWER);
    assert_eq!(bench.words(), "INVITE ACK BYE");
    assert_eq!(value(&bench.last("BYE").text, "To"), "<sip:bob@biloxi.example.com>");
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
}

#[test]
fn responses_that_are_not_ours_are_counted_and_move_nothing() {
    let mut bench = Bench::new(|_| {});
    let invite = bench.last("INVITE").text;
    let good = response(&invite, "200 OK", "b1", CONTACT, ANSWER);
    let call_id = value(&invite, "Call-ID").to_owned();
    let others = [
        good.replace("z9hG4bK", "z9hG4bKother"),
        good.replace("CSeq: 1 INVITE", "CSeq: 9 INVITE"),
        good.replace("CSeq: 1 INVITE", "CSeq: 1 OPTIONS"),
        good.replace(&call_id, "other"),
        good.replace("SIP/2.0 200 OK", "SIP/2.0 099 Odd"),
        "\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        String::new(),
    ];
    for other in &others {
        bench.hand(other);
    }
    assert_eq!((bench.words().as_str(), bench.record().ignored), ("INVITE", others.len() as u64));
}

#[test]
fn a_giant_tag_makes_no_dialog() {
    let mut bench = Bench::new(|_| {});
    bench.answer("180 Ringing", &"t".repeat(60_000), CONTACT, "");
    assert_eq!(bench.record().forks.len(), 0);
    bench.answer("200 OK", "b1", CONTACT, ANSWER);
    assert_eq!(bench.record().forks.len(), 1);
}

#[test]
fn a_contact_that_is_none_does_not_keep_the_call_up() {
    for contact in
        ["*", "<>", "<tel:+1555>", "<sip:@@@:99999>", "<sip:bob@\u{e9}>", "<mailto:bob@x>", "<sip:bob@[::g]>"]
    {
        let mut bench = Bench::new(|o| o.duration = Duration::ZERO);
        bench.closed = vec!["Uri"];
        bench.answer("200 OK", "b1", &format!("Contact: {contact}\r\n"), ANSWER);
        assert_eq!(bench.words(), "INVITE ACK BYE", "{contact}");
        assert_eq!(bench.last("BYE").way, 0, "{contact}");
        bench.answer_to("BYE", "200 OK", "");
        bench.is_over(EndedBy::Us);
    }
}

#[test]
fn a_header_field_cannot_be_smuggled_in() {
    let mut bench = Bench::new(|o| o.duration = Duration::ZERO);
    bench.answer("200 OK", "b1", "Contact: <sip:bob@192.0.2.9\r\n ;x=\r\n y>\r\n", ANSWER);
    for sent in &bench.sent {
        check(&sent.text);
    }
}

#[test]
fn more_routes_than_any_path_has_cannot_be_followed() {
    let mut bench = Bench::new(|o| o.duration = Duration::ZERO);
    let routes = "Record-Route: <sip:192.0.2.9;lr>\r\n".repeat(40);
    bench.answer("200 OK", "b1", &format!("{routes}{CONTACT}"), ANSWER);
    bench.run(40_000);
    bench.is_over(EndedBy::Unusable);
    assert!(bench.record().may_be_up);
}

#[test]
fn a_fork_that_cannot_be_ended_leaves_the_call_alone() {
    let mut bench = Bench::up(|_| {});
    let routes = "Record-Route: <sip:192.0.2.9;lr>\r\n".repeat(40);
    bench.answer("200 OK", "z", &format!("{routes}{CONTACT}"), ANSWER);
    assert_eq!((bench.ended(), bench.record().may_be_up), (None, true));
    bench.run(10_000);
    bench.answer_to("BYE", "200 OK", "");
    bench.run(12_000);
    bench.is_over(EndedBy::Us);
}

/// Whatever comes, cut or flipped, it ends, and sends no more than a call does.
#[test]
fn cut_and_flipped_messages_neither_panic_nor_hang() {
    let mut entropy = Entropy::seeded(11);
    for round in 0..200 {
        let mut bench = Bench::new(|o| (o.duration, o.account) = (Duration::from_secs(1), account()));
        let invite = bench.last("INVITE").text;
        let reliable = format!("Require: 100rel\r\nRSeq: 1\r\n{CONTACT}");
        let messages = [
            response(&invite, "183 Session Progress", "b1", &reliable, ANSWER),
            response(&invite, "407 Proxy Authentication Required", "b1", CHALLENGE, ""),
            response(&invite, "200 OK", "b1", CONTACT, ANSWER),
            bench.request("INVITE", 3, CONTACT, ANSWER),
            bench.request("BYE", 4, "", ""),
        ];
        for message in messages {
            let mut bytes = message.into_bytes();
            for _ in 0..=entropy.below(4) {
                let at = entropy.below(bytes.len() as u64) as usize;
                bytes[at] = entropy.below(256) as u8;
            }
            if round % 3 == 0 {
                bytes.truncate(entropy.below(bytes.len() as u64) as usize);
            }
            let now = bench.instant();
            bench.invite.handle_message(&bytes, 0, "192.0.2.9:5060".parse().unwrap(), now);
            while let Some(action) = bench.invite.poll_action(now) {
                if let Action::Reach { way, .. } = action {
                    bench.invite.handle_unreached(way, &refused(), now);
                }
            }
        }
        bench.invite.handle_stop(bench.instant());
        for _ in 0..10_000 {
            while bench.invite.poll_action(bench.instant()).is_some() {}
            let Some(due) = bench.invite.poll_timeout() else { break };
            bench.now = bench.now.max((due - bench.start).as_millis() as u64 + 1);
            bench.invite.handle_timer(bench.instant());
        }
        assert!(bench.invite.is_finished() && bench.now < 10_000, "round {round}");
    }
}

#[test]
fn a_response_for_ever_does_not_grow_anything() {
    let mut bench = Bench::new(|_| {});
    for n in 0..5000 {
        let status = format!("{} Odd", 180 + n % 10);
        bench.answer(&status, "b1", CONTACT, ANSWER);
    }
    assert_eq!(bench.record().forks[0].responses.len(), 64);
    assert_eq!(bench.agreed.len(), 1);
}
