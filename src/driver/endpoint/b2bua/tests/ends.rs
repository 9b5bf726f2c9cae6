//! How calls end: both legs together, whatever crosses.

use super::*;

/// To whom which requests and answers went, without repeats.
fn told(sent: &[(u128, String, String)]) -> Vec<(u128, &str, &str)> {
    sent.iter().map(|(at, to, text)| (*at, &to[..], text.split("\r\n").next().unwrap())).collect()
}

#[test]
fn an_answer_that_is_not_acknowledged_is_repeated_and_then_the_call_ends() {
    let mut b = Bench::new(options());
    let out = b.take(ALICE, &invite("1", "v=0"))[1].1.clone();
    b.take(BOB, &reply(&out, 200, "b1", "v=0"));
    let sent = b.pass(33_000);
    let repeats: Vec<u128> =
        sent.iter().filter(|(_, to, t)| to == ALICE && t.contains(" 200 OK")).map(|(at, ..)| *at).collect();
    // RFC 3261 §13.3.1.4: T1, doubled up to T2, for 64·T1.
    assert_eq!(repeats, [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    let rest: Vec<_> =
        told(&sent).into_iter().filter(|(at, ..)| *at == 32_000).map(|(_, to, line)| format!("{to} {line}")).collect();
    assert_eq!(
        rest,
        [
            format!("{BOB} ACK sip:bob@192.0.2.20:5060 SIP/2.0"),
            format!("{ALICE} BYE sip:alice@192.0.2.10:5060 SIP/2.0"),
            format!("{BOB} BYE sip:bob@192.0.2.20:5060 SIP/2.0"),
        ]
    );
    b.is_clean();
}

#[test]
fn a_cancelled_call_is_over_at_once_and_cancelled_further_on() {
    let mut b = Bench::new(options());
    let first = invite("1", "v=0");
    let out = b.take(ALICE, &first)[1].1.clone();
    let cancel = format!("{}CSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n", first.split("CSeq: ").next().unwrap())
        .replace("INVITE sip", "CANCEL sip");
    let sent = b.take(ALICE, &cancel);
    assert_eq!(lines(&sent), [format!("{ALICE} SIP/2.0 200 OK"), format!("{ALICE} SIP/2.0 487 Request Terminated")]);
    // Bob has not said anything yet: RFC 3261 §9.1.
    let sent = b.take(BOB, &reply(&out, 180, "b1", ""));
    assert_eq!(lines(&sent), [format!("{BOB} CANCEL sip:bob@192.0.2.20 SIP/2.0")]);
    assert_eq!(field(&sent[0].1, "Via"), field(&out, "Via"));
    b.take(BOB, &reply(&sent[0].1, 200, "b1", ""));
    assert_eq!(lines(&b.take(BOB, &reply(&out, 487, "b1", ""))), [format!("{BOB} ACK sip:bob@192.0.2.20 SIP/2.0")]);
    // There is nothing left to be cancelled.
    let late = cancel.replace("bK1", "bK9");
    assert!(lines(&b.take(ALICE, &late))[0].contains(" 481 "));
    b.is_clean();
}

#[test]
fn an_answer_that_crosses_the_cancel_is_ended() {
    let mut b = Bench::new(options());
    let first = invite("1", "v=0");
    let out = b.take(ALICE, &first)[1].1.clone();
    b.take(BOB, &reply(&out, 180, "b1", ""));
    let cancel = format!("{}CSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n", first.split("CSeq: ").next().unwrap())
        .replace("INVITE sip", "CANCEL sip");
    b.take(ALICE, &cancel);
    let sent = b.take(BOB, &reply(&out, 200, "b1", "v=0"));
    assert_eq!(
        lines(&sent),
        [format!("{BOB} ACK sip:bob@192.0.2.20:5060 SIP/2.0"), format!("{BOB} BYE sip:bob@192.0.2.20:5060 SIP/2.0")]
    );
    b.take(BOB, &reply(&sent[1].1, 200, "b1", ""));
    b.is_clean();
}

#[test]
fn a_bye_that_nobody_answers_does_not_keep_who_hangs_up() {
    let mut b = Bench::new(options());
    let (_, ok) = b.up();
    let bye = inside("BYE", 2, &ok, "y", "");
    assert_eq!(lines(&b.take(ALICE, &bye)), [format!("{BOB} BYE sip:bob@192.0.2.20:5060 SIP/2.0")]);
    let sent = b.pass(40_000);
    let to_alice: Vec<_> = told(&sent).into_iter().filter(|(_, to, _)| *to == ALICE).collect();
    assert_eq!(to_alice, [(2000, ALICE, "SIP/2.0 200 OK")]);
    assert_eq!(sent.iter().filter(|(_, to, t)| to == BOB && t.starts_with("BYE ")).count(), 10);
    assert_eq!(b.b2bua.standing(), 0);
    b.is_clean();
}

#[test]
fn byes_that_cross_are_both_answered() {
    let mut b = Bench::new(options());
    let (invite, ok) = b.up();
    let to_bob = b.take(ALICE, &inside("BYE", 2, &ok, "y", ""));
    let answer = b.take(BOB, &inside_of_bob("BYE", 1, &invite, "b1", "z", ""));
    assert_eq!(lines(&answer), [format!("{BOB} SIP/2.0 200 OK")]);
    assert_eq!(lines(&b.take(BOB, &reply(&to_bob[0].1, 481, "b1", ""))), [format!("{ALICE} SIP/2.0 200 OK")]);
    // What comes later belongs to no dialog.
    assert!(lines(&b.take(ALICE, &inside("INFO", 3, &ok, "i", "")))[0].contains(" 481 "));
    b.is_clean();
}

#[test]
fn who_answers_and_hangs_up_before_the_ack_ends_both_legs() {
    let mut b = Bench::new(options());
    let out = b.take(ALICE, &invite("1", "v=0"))[1].1.clone();
    let ok = b.take(BOB, &reply(&out, 200, "b1", "v=0"))[0].1.clone();
    // RFC 3261 §15: Alice gets no BYE before she has confirmed the dialog.
    assert_eq!(lines(&b.take(BOB, &inside_of_bob("BYE", 1, &out, "b1", "z", ""))), [format!("{BOB} SIP/2.0 200 OK")]);
    let sent = b.take(ALICE, &inside("ACK", 1, &ok, "k", ""));
    assert_eq!(lines(&sent), [format!("{ALICE} BYE sip:alice@192.0.2.10:5060 SIP/2.0")]);
    b.take(ALICE, &reply(&sent[0].1, 200, "", ""));
    b.is_clean();
}

#[test]
fn who_hangs_up_without_an_ack_ends_both_legs() {
    let mut b = Bench::new(options());
    let out = b.take(ALICE, &invite("1", "v=0"))[1].1.clone();
    let ok = b.take(BOB, &reply(&out, 200, "b1", "v=0"))[0].1.clone();
    let sent = b.take(ALICE, &inside("BYE", 2, &ok, "y", ""));
    let starts: Vec<_> = sent.iter().map(|(to, t)| (&to[..], t.split(' ').next().unwrap())).collect();
    assert_eq!(starts, [(BOB, "ACK"), (BOB, "BYE")]);
    b.take(BOB, &reply(&sent[1].1, 200, "b1", ""));
    b.is_clean();
}

#[test]
fn a_dialog_that_the_other_side_has_lost_is_over_on_both() {
    let mut b = Bench::new(options());
    let (_, ok) = b.up();
    let sent = b.take(ALICE, &inside("INVITE", 2, &ok, "r", "Content-Type: application/sdp\r\n\r\nv=0"));
    let sent = b.take(BOB, &reply(&sent[0].1, 481, "b1", ""));
    let starts: Vec<_> = sent.iter().map(|(to, t)| (&to[..], t.split(' ').take(2).last().unwrap())).collect();
    assert!(starts.contains(&(ALICE, "481")), "{starts:?}");
    assert!(sent.iter().any(|(to, t)| to == ALICE && t.starts_with("BYE ")), "{starts:?}");
    b.is_clean();
}

#[test]
fn an_end_for_which_credentials_are_wanted_can_be_asked_for_again() {
    let mut b = Bench::new(options());
    let (_, ok) = b.up();
    let sent = b.take(ALICE, &inside("BYE", 2, &ok, "y", ""));
    let fields = [("Proxy-Authenticate", "Digest realm=\"r\"")];
    let sent = b.take(BOB, &reply_with(&sent[0].1, 407, "b1", &fields, ""));
    assert!(sent[0].1.contains(" 407 ") && sent[0].1.contains("Proxy-Authenticate: "), "{sent:?}");
    let sent = b.take(ALICE, &inside("BYE", 3, &ok, "z", "Proxy-Authorization: Digest realm=\"r\""));
    assert!(sent[0].1.starts_with("BYE ") && sent[0].1.contains("Proxy-Authorization: "), "{sent:?}");
    b.take(BOB, &reply(&sent[0].1, 200, "b1", ""));
    b.is_clean();
}

#[test]
fn a_session_that_is_not_refreshed_ends() {
    let mut b = Bench::new(options());
    let out = b.take(ALICE, &invite("1", "v=0"))[1].1.clone();
    let ok = b.take(BOB, &reply_with(&out, 200, "b1", &[("Session-Expires", "120;refresher=uac")], "v=0"))[0].1.clone();
    assert_eq!(field(&ok, "Session-Expires"), "120;refresher=uac");
    b.take(ALICE, &inside("ACK", 1, &ok, "k", ""));
    b.pass(60_000);
    let update = b.take(ALICE, &inside("UPDATE", 2, &ok, "u", "Session-Expires: 120;refresher=uac"));
    b.take(BOB, &reply_with(&update[0].1, 200, "b1", &[("Session-Expires", "120;refresher=uac")], ""));
    assert!(!b.pass(119_000).iter().any(|(_, _, t)| t.starts_with("BYE ")));
    let sent = b.pass(1_000);
    assert_eq!(
        told(&sent).iter().map(|(at, to, _)| (*at, *to)).collect::<Vec<_>>(),
        [(180_000, ALICE), (180_000, BOB)]
    );
    b.is_clean();
}

#[test]
fn silence_ends_with_408_and_ringing_with_timer_c() {
    let mut b = Bench::new(options());
    b.take(ALICE, &invite("1", "v=0"));
    let sent = b.pass(33_000);
    assert!(told(&sent).contains(&(32_000, ALICE, "SIP/2.0 408 Request Timeout")), "{:?}", told(&sent));
    b.is_clean();
    let mut b = Bench::new(options());
    let out = b.take(ALICE, &invite("1", "v=0"))[1].1.clone();
    b.take(BOB, &reply(&out, 180, "b1", ""));
    let sent = b.pass(300_000);
    assert!(
        sent.iter().any(|(at, to, t)| *at == 181_000 && to == BOB && t.starts_with("CANCEL ")),
        "{:?}",
        told(&sent)
    );
    assert!(sent.iter().any(|(at, to, t)| *at == 213_000 && to == ALICE && t.contains(" 487 ")), "{:?}", told(&sent));
    b.is_clean();
}

#[test]
fn who_goes_ends_all_calls() {
    let mut b = Bench::new(options());
    let (_, _) = b.up();
    let second = invite("5", "v=0").replace("Call-ID: c1", "Call-ID: c2");
    let out = b.take(ALICE, &second)[1].1.clone();
    b.take(BOB, &reply(&out, 180, "b9", ""));
    assert!(b.b2bua.is_busy());
    b.b2bua.close(b.now);
    let mut starts: Vec<String> = b
        .sent()
        .iter()
        .map(|(to, t)| format!("{to} {}", t.split(" sip").next().unwrap().split("\r\n").next().unwrap()))
        .collect();
    starts.sort();
    assert_eq!(
        starts,
        [
            format!("{ALICE} BYE"),
            format!("{ALICE} SIP/2.0 503 Service Unavailable"),
            format!("{BOB} BYE"),
            format!("{BOB} CANCEL"),
        ]
    );
    b.is_clean();
}

#[test]
fn repeats_are_absorbed_or_answered_alike() {
    let mut b = Bench::new(options());
    let first = invite("1", "v=0");
    let out = b.take(ALICE, &first)[1].1.clone();
    assert_eq!(lines(&b.take(ALICE, &first)), [format!("{ALICE} SIP/2.0 100 Trying")]);
    let ok = b.take(BOB, &reply(&out, 200, "b1", "v=0"))[0].1.clone();
    assert!(b.take(ALICE, &first).is_empty());
    b.take(ALICE, &inside("ACK", 1, &ok, "k", ""));
    let bye = inside("BYE", 2, &ok, "y", "");
    let sent = b.take(ALICE, &bye);
    assert!(b.take(ALICE, &bye).is_empty());
    let done = b.take(BOB, &reply(&sent[0].1, 200, "b1", ""));
    assert_eq!(b.take(ALICE, &bye), done);
    assert_eq!((b.b2bua.tally.requests, b.b2bua.tally.repeats), (2, 4));
}

#[test]
fn a_call_for_which_there_is_no_room_is_refused_and_counted_apart() {
    let mut b = Bench::new(options());
    b.up();
    b.b2bua.room = 1;
    for n in 1..=2 {
        let other = invite(&format!("full{n}"), "v=0").replace("Call-ID: c1", "Call-ID: c2");
        let sent = b.take(ALICE, &other);
        assert_eq!(lines(&sent), [format!("{ALICE} SIP/2.0 503 Service Unavailable")]);
        assert_eq!(field(&sent[0].1, "Retry-After"), "5");
        assert_eq!((b.b2bua.tally.crowded, b.b2bua.tally.answers[&(Method::Invite, 503)]), (n, n));
    }
}
