//! The plain call: RFC 3665 §3.1 and §3.2, refusals of §3.9 and on, credentials, next candidates.

use super::*;
use crate::agent::invite::{Offered, Problem};

#[test]
fn a_call_as_in_rfc_3665_3_1() {
    let mut bench = Bench::new(|_| {});
    let f1 = bench.last("INVITE");
    check(&f1.text);
    assert!(f1.text.starts_with("INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"));
    assert_eq!(value(&f1.text, "To"), "<sip:bob@biloxi.example.com>");
    assert!(value(&f1.text, "From").starts_with("<sip:sipctl@192.0.2.1>;tag="));
    assert_eq!(value(&f1.text, "Contact"), "<sip:sipctl@192.0.2.1:5070>");
    assert_eq!((value(&f1.text, "CSeq"), value(&f1.text, "Supported")), ("1 INVITE", "100rel, timer"));
    assert_eq!(value(&f1.text, "Content-Type"), "application/sdp");
    assert!(body(&f1.text).contains("c=IN IP4 192.0.2.1\r\n") && body(&f1.text).contains("m=audio 40000 RTP/AVP "));
    bench.run(20);
    bench.answer("180 Ringing", "8321234356", "Contact: <sip:bob@192.0.2.9:5060>\r\n", "");
    bench.run(3000);
    bench.answer("200 OK", "8321234356", CONTACT, ANSWER);
    let ack = bench.last("ACK");
    check(&ack.text);
    assert!(ack.text.starts_with("ACK sip:bob@192.0.2.9:5060 SIP/2.0\r\n"));
    assert_eq!((value(&ack.text, "CSeq"), ack.way, ack.to), ("1 ACK", 0, None));
    assert_eq!(value(&ack.text, "To"), "<sip:bob@biloxi.example.com>;tag=8321234356");
    assert_ne!(value(&ack.text, "Via"), value(&f1.text, "Via"), "the ACK of a 2xx has a branch of its own");
    assert!(!has(&ack.text, "Contact"));
    bench.run(12_999);
    assert_eq!(bench.words(), "INVITE ACK");
    bench.run(13_000);
    let bye = bench.last("BYE");
    check(&bye.text);
    assert_eq!((value(&bye.text, "CSeq"), bye.at), ("2 BYE", 13_000));
    assert_eq!(value(&bye.text, "From"), value(&f1.text, "From"));
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
    let record = bench.record();
    assert_eq!(bench.ms(record.began), Some(0));
    assert_eq!((bench.ms(record.trying), bench.ms(record.ringing)), (Some(20), Some(20)));
    assert_eq!((bench.ms(record.answered), bench.ms(record.acknowledged)), (Some(3000), Some(3000)));
    assert_eq!(bench.ms(record.ended), Some(13_000));
    assert_eq!((record.offered, record.may_be_up, record.problems.len()), (Some(Offered::Us), false, 0));
    assert_eq!(record.local_sdp, body(&f1.text).as_bytes());
    assert_eq!(record.remote_sdp, ANSWER.as_bytes());
    let [fork] = record.forks.as_slice() else { panic!() };
    assert_eq!((fork.is_kept, fork.bye_status, fork.tag.as_slice()), (true, Some(200), &b"8321234356"[..]));
    assert_eq!(fork.responses.iter().map(|(_, status)| *status).collect::<Vec<_>>(), [180, 200]);
    assert_eq!(bench.agreed.len(), 1);
    assert_eq!(bench.agreed[0].remote, Some("192.0.2.9:4000".parse().unwrap()));
}

#[test]
fn through_proxies_the_route_set_is_followed_as_in_rfc_3665_3_2() {
    let mut bench = Bench::new(|o| o.account = account());
    bench.answer("407 Proxy Authorization Required", "3flal12sf", CHALLENGE, "");
    // F2 and F3: the ACK of the challenge goes first, and is the transaction's.
    assert_eq!(bench.words(), "INVITE ACK INVITE");
    let (f1, f4) = (bench.all("INVITE")[0].text.clone(), bench.last("INVITE").text);
    assert_eq!(value(&bench.all("ACK")[0].text, "Via"), value(&f1, "Via"));
    assert_eq!((value(&f4, "CSeq"), value(&f4, "Call-ID")), ("2 INVITE", value(&f1, "Call-ID")));
    assert!(value(&f4, "Proxy-Authorization").starts_with("Digest username=\"alice\", realm=\"atlanta.example.com\""));
    assert_eq!(body(&f4), body(&f1));
    let routes = "Record-Route: <sip:ss2.biloxi.example.com;lr>,\r\n <sip:ss1.atlanta.example.com;lr>\r\n";
    bench.answer("100 Trying", "", "", "");
    bench.answer("180 Ringing", "314159", &format!("{routes}{CONTACT}"), "");
    bench.answer("200 OK", "314159", &format!("{routes}{CONTACT}"), ANSWER);
    // F18: Request-URI is the Contact; the routes are in reverse order; it goes to the first.
    let ack = bench.last("ACK");
    check(&ack.text);
    assert!(ack.text.starts_with("ACK sip:bob@192.0.2.9:5060 SIP/2.0\r\n"));
    let routes: Vec<&str> = ack.text.lines().filter_map(|line| line.strip_prefix("Route: ")).collect();
    assert_eq!(routes, ["<sip:ss1.atlanta.example.com;lr>", "<sip:ss2.biloxi.example.com;lr>"]);
    assert_eq!(bench.places, [Place::Candidate(0), Place::Uri("sip:ss1.atlanta.example.com;lr".to_owned())]);
    assert_eq!(ack.way, 1);
    // RFC 3261 §13.2.2.4: the credentials of the INVITE, in the ACK.
    assert_eq!(value(&ack.text, "Proxy-Authorization"), value(&f4, "Proxy-Authorization"));
    bench.run(10_000);
    // The nonce serves again, with the next count.
    let bye = bench.last("BYE");
    assert!(value(&bye.text, "Proxy-Authorization").contains("nc=00000002"), "{}", bye.text);
    assert_eq!(value(&bye.text, "CSeq"), "3 BYE");
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
    assert_eq!(bench.record().challenges.len(), 1);
    assert_eq!(bench.record().tries[0].attempts.len(), 2);
    assert_eq!(bench.record().tries[0].status, Some(200));
}

#[test]
fn each_repeat_of_the_2xx_is_acknowledged_again() {
    let mut bench = Bench::up(|_| {});
    let ack = bench.last("ACK").text;
    // RFC 3261 §13.3.1.4: T1, 2*T1 …
    for ms in [500, 1500, 3500] {
        bench.run(ms);
        bench.answer("200 OK", "b1", CONTACT, ANSWER);
    }
    let acks = bench.all("ACK");
    assert_eq!(acks.iter().map(|sent| sent.at).collect::<Vec<_>>(), [0, 500, 1500, 3500]);
    assert!(acks.iter().all(|sent| sent.text == ack));
    let told = bench.events.iter().filter(|event| matches!(event, Event::Response { status: 200, .. })).count();
    assert_eq!((told, bench.record().forks.len(), bench.record().ignored), (1, 1, 0));
}

#[test]
fn a_peer_that_answers_each_ack_with_the_2xx_is_not_fed_for_ever() {
    let mut bench = Bench::up(|_| {});
    for ms in 0..1000 {
        bench.run(ms);
        bench.answer("200 OK", "b1", CONTACT, ANSWER);
    }
    assert_eq!(bench.all("ACK").len(), 4, "one in T1/2, and the first");
}

#[test]
fn a_strict_router_is_the_request_uri() {
    let mut bench = Bench::new(|_| {});
    bench.answer("200 OK", "b1", &format!("Record-Route: <sip:192.0.2.9>\r\n{CONTACT}"), ANSWER);
    let ack = bench.last("ACK");
    assert!(ack.text.starts_with("ACK sip:192.0.2.9 SIP/2.0\r\n"), "{}", ack.text);
    assert_eq!((value(&ack.text, "Route"), ack.way), ("<sip:bob@192.0.2.9:5060>", 0));
}

#[test]
fn their_bye_ends_it() {
    let mut bench = Bench::up(|_| {});
    bench.run(2000);
    let reason = "Reason: Q.850;cause=16;text=\"Normal call clearing\"\r\n";
    assert_eq!(bench.requested("BYE", 1, reason, ""), "SIP/2.0 200 OK");
    bench.is_over(EndedBy::Them);
    assert_eq!(bench.record().reason.as_deref(), Some(&b"Q.850;cause=16;text=\"Normal call clearing\""[..]));
    assert_eq!((bench.ms(bench.record().ended), bench.all("BYE").len()), (Some(2000), 0));
    let told = Event::Request { method: "BYE".to_owned(), status: 200 };
    assert!(bench.events.contains(&told));
}

#[test]
fn byes_that_cross_are_both_answered() {
    let mut bench = Bench::up(|o| o.duration = Duration::ZERO);
    assert_eq!(bench.words(), "INVITE ACK BYE");
    assert_eq!(bench.requested("BYE", 1, "", ""), "SIP/2.0 200 OK");
    bench.is_over(EndedBy::Us);
}

#[test]
fn a_refusal_is_acknowledged_and_ends_it() {
    for (status, code) in
        [("404 Not Found", 404), ("486 Busy Here", 486), ("606 Not Acceptable", 606), ("699 Odd", 699)]
    {
        let mut bench = Bench::new(|_| {});
        bench.answer("100 Trying", "", "", "");
        bench.answer(status, "b1", "", "");
        assert_eq!(bench.words(), "INVITE ACK");
        let (invite, ack) = (bench.last("INVITE").text, bench.last("ACK").text);
        assert_eq!((value(&ack, "Via"), value(&ack, "CSeq")), (value(&invite, "Via"), "1 ACK"));
        assert!(value(&ack, "To").ends_with(";tag=b1"));
        bench.is_over(EndedBy::Refusal);
        let (last, reason, _) = bench.record().last_response.clone().unwrap();
        assert_eq!((last, String::from_utf8(reason).unwrap()), (code, status[4..].to_owned()));
        assert_eq!((bench.record().tries[0].status, bench.record().may_be_up), (Some(code), false));
    }
}

#[test]
fn a_challenge_without_a_password_is_a_refusal() {
    let mut bench = Bench::new(|_| {});
    bench.answer("407 Proxy Authentication Required", "p", CHALLENGE, "");
    bench.is_over(EndedBy::Refusal);
    assert_eq!(bench.record().refused, Some(crate::agent::Answered::NoPassword));
}

#[test]
fn wrong_credentials_are_not_sent_for_ever() {
    let mut bench = Bench::new(|o| o.account = account());
    for nonce in ["n1", "n2", "n3"] {
        let challenge = format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\"\r\n");
        bench.answer("401 Unauthorized", "p", &challenge, "");
    }
    assert_eq!(bench.all("INVITE").len(), 2);
    bench.is_over(EndedBy::Refusal);
    assert_eq!(bench.record().refused, Some(crate::agent::Answered::Refused));
}

#[test]
fn a_challenge_to_the_bye_is_met() {
    let mut bench = Bench::up(|o| (o.account, o.duration) = (account(), Duration::ZERO));
    bench.answer_to("BYE", "407 Proxy Authentication Required", CHALLENGE);
    let byes = bench.all("BYE");
    assert_eq!((byes.len(), value(&byes[1].text, "CSeq")), (2, "3 BYE"));
    assert!(has(&byes[1].text, "Proxy-Authorization"));
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
}

#[test]
fn silence_is_a_timeout_and_repeats_follow_timer_a() {
    let mut bench = Bench::new(|_| {});
    bench.run(4999);
    let times: Vec<u64> = bench.sent.iter().map(|sent| sent.at).collect();
    assert_eq!(times, [0, 500, 1500, 3500]);
    bench.run(5000);
    bench.is_over(EndedBy::Timeout);
    assert_eq!(bench.record().tries[0].attempts[0].sends, 4);
}

#[test]
fn a_trying_is_enough_for_the_timeout() {
    let mut bench = Bench::new(|_| {});
    bench.answer("100 Trying", "", "", "");
    bench.run(59_999);
    assert_eq!((bench.ended(), bench.words().as_str()), (None, "INVITE"));
}

#[test]
fn silence_a_503_and_a_way_that_is_none_lead_to_the_next_candidate() {
    // RFC 3263 §4.3
    let mut bench = Bench::new(|o| o.candidates = 4);
    bench.run(5000);
    assert_eq!(bench.places, [Place::Candidate(0), Place::Candidate(1)]);
    bench.answer("503 Service Unavailable", "x", "", "");
    assert_eq!(bench.places.last(), Some(&Place::Candidate(2)));
    bench.invite.handle_unreached(2, &refused(), bench.instant());
    bench.drain();
    assert_eq!(bench.places.last(), Some(&Place::Candidate(3)));
    let invites = bench.all("INVITE");
    assert_eq!(bench.media, 1, "the address is the same, and so are the ports");
    assert!(invites.iter().all(|sent| value(&sent.text, "Call-ID") == value(&invites[0].text, "Call-ID")));
    bench.answer("200 OK", "b1", "Contact: <sip:bob@192.0.2.12>\r\n", ANSWER);
    assert_eq!((bench.last("ACK").way, bench.record().tries.len()), (3, 4));
    let tries: Vec<_> = bench.record().tries.iter().map(|t| (t.candidate, t.status, t.error.is_some())).collect();
    assert_eq!(
        tries,
        [(Some(0), None, false), (Some(1), Some(503), false), (Some(2), None, true), (Some(3), Some(200), false)]
    );
}

#[test]
fn no_way_at_all_is_told() {
    let mut bench = Bench::idle(Protocol::Tcp, |o| o.candidates = 2);
    bench.closed = vec!["Candidate"];
    bench.drain();
    bench.is_over(EndedBy::Transport);
    assert_eq!(bench.sent.len(), 0);
    assert!(bench.record().tries.iter().all(|t| t.error == Some(refused())));
    assert_eq!(bench.record().tries.len(), 2);
}

#[test]
fn a_late_ringing_of_a_candidate_that_was_left_is_cancelled_and_a_late_answer_ended() {
    let mut bench = Bench::new(|o| o.candidates = 2);
    bench.run(5000);
    let first = bench.all("INVITE")[0].clone();
    bench.hand_by(0, &response(&first.text, "180 Ringing", "late", CONTACT, ""));
    let cancel = bench.last("CANCEL");
    assert_eq!((value(&cancel.text, "Via"), cancel.way), (value(&first.text, "Via"), 0));
    bench.answer("200 OK", "b1", "Contact: <sip:bob@192.0.2.10>\r\n", ANSWER);
    bench.hand_by(0, &response(&first.text, "200 OK", "late", CONTACT, ANSWER));
    assert_eq!(bench.words().split(' ').rev().take(2).collect::<Vec<_>>(), ["BYE", "ACK"]);
    assert!(value(&bench.last("BYE").text, "To").ends_with("tag=late"));
    bench.answer_to("BYE", "200 OK", "");
    assert_eq!(bench.ended(), None, "the call of the second candidate stands");
    bench.run(15_000);
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
    let kept: Vec<bool> = bench.record().forks.iter().map(|fork| fork.is_kept).collect();
    assert_eq!(kept, [true, false]);
}

#[test]
fn a_bye_that_is_refused_or_unanswered_is_told() {
    let mut bench = Bench::up(|o| o.duration = Duration::ZERO);
    bench.answer_to("BYE", "500 Server Internal Error", "");
    bench.is_over(EndedBy::Us);
    assert_eq!((&bench.record().problems[..], bench.record().may_be_up), (&[Problem::Bye(Some(500))][..], false));
    let mut bench = Bench::up(|o| o.duration = Duration::ZERO);
    bench.run(5000);
    bench.is_over(EndedBy::Us);
    assert_eq!((&bench.record().problems[..], bench.record().may_be_up), (&[Problem::Bye(None)][..], true));
    // RFC 3261 §15.1.1: they know of no such call, so that there is none.
    let mut bench = Bench::up(|o| o.duration = Duration::ZERO);
    bench.answer_to("BYE", "481 Call/Transaction Does Not Exist", "");
    bench.is_over(EndedBy::Us);
    assert_eq!((bench.record().problems.len(), bench.record().forks[0].bye_status), (0, Some(481)));
}

#[test]
fn a_connection_that_broke_is_replaced_for_the_bye() {
    let mut bench = Bench::over(Protocol::Tcp, |_| {});
    bench.answer("200 OK", "b1", "Contact: <sip:bob@192.0.2.9:5060;transport=tcp>\r\n", ANSWER);
    bench.run(1000);
    let closed = TransportError::new(Phase::Receive, "closed", "192.0.2.9:5060 closed the connection");
    bench.invite.handle_unreached(0, &closed, bench.instant());
    bench.drain();
    assert_eq!(bench.ended(), None);
    bench.run(10_000);
    let bye = bench.last("BYE");
    assert_eq!(bye.way, 1);
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
}

#[test]
fn a_connection_that_breaks_under_the_bye_is_replaced_once() {
    let mut bench = Bench::over(Protocol::Tcp, |o| o.duration = Duration::ZERO);
    bench.answer("200 OK", "b1", "Contact: <sip:bob@192.0.2.9:5060;transport=tcp>\r\n", ANSWER);
    bench.invite.handle_unreached(0, &refused(), bench.instant());
    bench.drain();
    assert_eq!(bench.all("BYE").iter().map(|sent| sent.way).collect::<Vec<_>>(), [0, 1]);
    bench.invite.handle_unreached(1, &refused(), bench.instant());
    bench.drain();
    bench.is_over(EndedBy::Us);
    assert!(bench.record().may_be_up);
}

#[test]
fn a_target_that_cannot_be_reached_is_asked_by_the_way_of_the_invite() {
    let mut bench = Bench::new(|o| o.duration = Duration::ZERO);
    bench.closed = vec!["elsewhere"];
    bench.answer("200 OK", "b1", "Contact: <sip:bob@elsewhere.example.com>\r\n", ANSWER);
    assert_eq!(bench.words(), "INVITE ACK BYE");
    assert_eq!((bench.all("ACK")[0].way, bench.all("BYE")[0].way), (0, 0));
    assert_eq!(bench.record().problems, [Problem::NoWay("sip:bob@elsewhere.example.com".to_owned())]);
}

/// The Contact of a callee over TCP that says nothing of it: RFC 3263 §4.1 makes it UDP, and nobody is there.
#[test]
fn a_target_where_nobody_listens_is_asked_by_the_way_of_the_invite() {
    let mut bench = Bench::over(Protocol::Tcp, |_| {});
    bench.answer("200 OK", "b1", CONTACT, ANSWER);
    assert_eq!(bench.last("ACK").way, 1);
    bench.run(100);
    bench.invite.handle_unreached(1, &refused(), bench.instant());
    bench.drain();
    assert_eq!(bench.all("ACK").iter().map(|sent| sent.way).collect::<Vec<_>>(), [1, 0]);
    bench.run(10_000);
    assert_eq!(bench.last("BYE").way, 0);
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
    assert_eq!(bench.record().problems, [Problem::NoWay("sip:bob@192.0.2.9:5060".to_owned())]);
}

#[test]
fn a_bye_that_is_not_answered_at_the_target_is_tried_by_the_way_of_the_invite() {
    let mut bench = Bench::new(|o| o.duration = Duration::ZERO);
    bench.answer("200 OK", "b1", "Contact: <sip:bob@10.0.0.1>\r\n", ANSWER);
    bench.run(5000);
    let ways: Vec<u32> = bench.all("BYE").iter().map(|sent| sent.way).collect();
    assert_eq!((ways.first(), ways.last()), (Some(&1), Some(&0)));
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
    assert!(!bench.record().may_be_up);
}

#[test]
fn what_waits_for_its_way_goes_in_order() {
    let mut bench = Bench::new(|o| o.duration = Duration::ZERO);
    bench.is_pending = true;
    bench.answer("200 OK", "b1", "Contact: <sip:bob@192.0.2.77>\r\n", ANSWER);
    bench.answer("200 OK", "b1", "Contact: <sip:bob@192.0.2.77>\r\n", ANSWER);
    assert_eq!((bench.words().as_str(), bench.pending.as_slice()), ("INVITE", &[1][..]));
    bench.open(1);
    bench.drain();
    assert_eq!(bench.words(), "INVITE ACK BYE");
    assert_eq!((bench.last("ACK").way, bench.last("BYE").way), (1, 1));
}

#[test]
fn a_header_field_of_ours_stands_in_every_request_but_breaks_no_dialog() {
    let headers = [("X-Trial", "7"), ("To", "<sip:carol@example.com>"), ("Call-ID", "mine")];
    let headers: Vec<_> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let mut bench = Bench::up(|o| (o.identity.headers, o.duration) = (headers, Duration::ZERO));
    let (invite, bye) = (bench.last("INVITE").text, bench.last("BYE").text);
    assert_eq!((value(&invite, "To"), value(&invite, "Call-ID")), ("<sip:carol@example.com>", "mine"));
    assert_eq!((value(&bye, "To"), value(&bye, "Call-ID")), ("<sip:carol@example.com>;tag=b1", "mine"));
    assert_eq!((value(&invite, "X-Trial"), value(&bye, "X-Trial")), ("7", "7"));
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Us);
}

#[test]
fn without_ports_nothing_is_sent() {
    let mut bench = Bench::idle(Protocol::Udp, |_| {});
    while let Some(action) = bench.invite.poll_action(bench.instant()) {
        match action {
            Action::Reach { way, place } => bench.reach(way, place),
            Action::OpenMedia(_) => bench.invite.handle_media(None, bench.instant()),
            Action::Send { .. } => panic!("an INVITE without ports"),
            _ => {}
        }
    }
    bench.is_over(EndedBy::Transport);
    assert_eq!(bench.record().problems, [Problem::NoPorts]);
}

#[test]
fn from_stays_the_same_at_the_next_candidate_with_another_address_of_ours() {
    let mut bench = Bench::new(|o| o.candidates = 2);
    bench.is_pending = true;
    bench.answer("503 Service Unavailable", "x", "", "");
    let line = LineFacts {
        protocol: Protocol::Udp,
        local: "198.51.100.1:5070".parse().unwrap(),
        peer: bench.peers[1],
        connect: None,
        tls_time: None,
        tls: None,
    };
    bench.invite.handle_reached(1, &line, bench.instant());
    bench.drain();
    let invites = bench.all("INVITE");
    assert_eq!(value(&invites[1].text, "From"), value(&invites[0].text, "From"));
    assert_eq!(bench.media, 2);
    assert!(body(&invites[1].text).contains("c=IN IP4 198.51.100.1\r\n"));
}
