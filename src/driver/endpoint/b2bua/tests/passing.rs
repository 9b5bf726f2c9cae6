//! What passes from one leg to the other.

use super::*;

#[test]
fn a_call_has_two_legs_that_know_nothing_of_each_other() {
    let mut b = Bench::new(options());
    let sent = b.take(ALICE, &invite("1", "v=0"));
    assert_eq!(
        lines(&sent),
        [format!("{ALICE} SIP/2.0 100 Trying"), format!("{BOB} INVITE sip:bob@192.0.2.20 SIP/2.0")]
    );
    let out = &sent[1].1;
    assert_eq!(out.matches("\r\nVia: ").count(), 1, "{out}");
    assert!(field(out, "Call-ID") != "c1" && !out.contains("tag=a1"), "{out}");
    assert!(field(out, "From").starts_with("\"A\" <sip:alice@192.0.2.10>;tag="), "{out}");
    assert_eq!(field(out, "To"), "<sip:bob@192.0.2.1>");
    assert_eq!((field(out, "Max-Forwards"), field(out, "CSeq")), ("69".to_owned(), "1 INVITE".to_owned()));
    assert_eq!(field(out, "Contact"), "<sip:alice@192.0.2.1:5060>");
    assert_eq!((field(out, "X-Odd"), field(out, "User-Agent")), ("kept".to_owned(), "phone/1".to_owned()));
    // What concerns one hop only does not go over. RFC 5626 §4.2
    assert_eq!(field(out, "Supported"), "100rel");
    assert_eq!(field(out, "Session-ID").len(), 32 + ";remote=".len() + 32);
    assert_eq!(body(out), "v=0");
    let ringing = b.take(BOB, &reply_with(out, 180, "b1", &[("Server", "bobs/2")], ""));
    assert_eq!(lines(&ringing), [format!("{ALICE} SIP/2.0 180 Ringing")]);
    let (text, tag) = (&ringing[0].1, field(&ringing[0].1, "To"));
    assert!(!text.contains("tag=b1") && field(text, "Call-ID") == "c1" && field(text, "Server") == "bobs/2", "{text}");
    let ok = b.take(BOB, &reply(out, 200, "b1", "v=0 answer"));
    assert_eq!(lines(&ok), [format!("{ALICE} SIP/2.0 200 OK")]);
    assert_eq!((field(&ok[0].1, "To"), body(&ok[0].1)), (tag, "v=0 answer"));
    // Bob's 2xx comes again before Alice's ACK: nothing to say yet.
    assert!(b.take(BOB, &reply(out, 200, "b1", "v=0 answer")).is_empty());
    let ack = b.take(ALICE, &inside("ACK", 1, &ok[0].1, "k", ""));
    assert_eq!(lines(&ack), [format!("{BOB} ACK sip:bob@192.0.2.20:5060 SIP/2.0")]);
    assert_eq!(field(&ack[0].1, "CSeq"), "1 ACK");
    // After it each repeat gets it again. RFC 3261 §13.2.2.4
    assert_eq!(b.take(BOB, &reply(out, 200, "b1", "v=0 answer")), ack);
    assert!(b.pass(100).is_empty());
    let bye = b.take(ALICE, &inside("BYE", 2, &ok[0].1, "y", "Reason: Q.850;cause=16"));
    assert_eq!(lines(&bye), [format!("{BOB} BYE sip:bob@192.0.2.20:5060 SIP/2.0")]);
    assert_eq!(field(&bye[0].1, "Reason"), "Q.850;cause=16");
    assert_eq!(lines(&b.take(BOB, &reply(&bye[0].1, 200, "b1", ""))), [format!("{ALICE} SIP/2.0 200 OK")]);
    assert_eq!(b.b2bua.standing(), 0);
    b.is_clean();
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    let mut b = Bench::new(options());
    let out = b.take(ALICE, &invite("1", ""))[1].1.clone();
    assert_eq!(body(&out), "");
    let ok = b.take(BOB, &reply(&out, 200, "b1", "v=0 offer"))[0].1.clone();
    let more = "Content-Type: application/sdp\r\n\r\nv=0 answer";
    let ack = b.take(ALICE, &inside("ACK", 1, &ok, "k", more));
    assert_eq!((field(&ack[0].1, "Content-Type"), body(&ack[0].1)), ("application/sdp".to_owned(), "v=0 answer"));
}

#[test]
fn reliable_responses_are_acknowledged_from_end_to_end() {
    let mut b = Bench::new(options());
    let out = b.take(ALICE, &invite("1", "v=0").replace("CSeq: 1 ", "CSeq: 7 "))[1].1.clone();
    let reliable = reply_with(&out, 183, "b1", &[("Require", "100rel"), ("RSeq", "42")], "v=0 early");
    let early = b.take(BOB, &reliable);
    assert_eq!((field(&early[0].1, "RSeq"), body(&early[0].1)), ("42".to_owned(), "v=0 early"));
    // Bob repeats it until the PRACK, and so Alice sees it again.
    assert_eq!(b.take(BOB, &reliable), early);
    let prack = b.take(ALICE, &inside("PRACK", 8, &early[0].1, "p", "RAck: 42 7 INVITE"));
    assert_eq!(lines(&prack), [format!("{BOB} PRACK sip:bob@192.0.2.20:5060 SIP/2.0")]);
    // The number of the INVITE is that of Bob's leg.
    assert_eq!((field(&prack[0].1, "RAck"), field(&prack[0].1, "CSeq")), ("42 1 INVITE".into(), "2 PRACK".into()));
    assert_eq!(lines(&b.take(BOB, &reply(&prack[0].1, 200, "b1", ""))), [format!("{ALICE} SIP/2.0 200 OK")]);
}

#[test]
fn forks_are_early_dialogs_and_the_first_answer_wins() {
    let mut b = Bench::new(options());
    let out = b.take(ALICE, &invite("1", "v=0"))[1].1.clone();
    let one = field(&b.take(BOB, &reply(&out, 180, "b1", ""))[0].1, "To");
    let two = field(&b.take(BOB, &reply(&out, 180, "b2", ""))[0].1, "To");
    assert_ne!(one, two);
    let ok = b.take(BOB, &reply(&out, 200, "b2", "v=0"))[0].1.clone();
    assert_eq!(field(&ok, "To"), two);
    b.take(ALICE, &inside("ACK", 1, &ok, "k", ""));
    // The other answered, too: RFC 3261 §13.2.2.4 asks for an ACK, and for a BYE where the call is not wanted.
    let stray = b.take(BOB, &reply(&out, 200, "b1", "v=0"));
    let told: Vec<_> =
        stray.iter().map(|(_, t)| (t.split(' ').next().unwrap(), field(t, "To").contains("tag=b1"))).collect();
    assert_eq!(told, [("ACK", true), ("BYE", true)]);
    // Its 2xx again: the ACK again.
    assert_eq!(b.take(BOB, &reply(&out, 200, "b1", "v=0")), stray[..1]);
    b.take(BOB, &reply(&stray[1].1, 200, "b1", ""));
    assert_eq!(b.b2bua.standing(), 1);
    let bye = b.take(ALICE, &inside("BYE", 2, &ok, "y", ""));
    b.take(BOB, &reply(&bye[0].1, 200, "b2", ""));
    b.is_clean();
}

#[test]
fn sessions_change_from_either_side_and_not_from_both_at_once() {
    let mut b = Bench::new(options());
    let (invite, ok) = b.up();
    // Bob puts the call on hold.
    let more = "Content-Type: application/sdp\r\n\r\nv=0 hold";
    let hold = b.take(BOB, &inside_of_bob("INVITE", 100, &invite, "b1", "h", more));
    assert_eq!(lines(&hold), [format!("{ALICE} INVITE sip:alice@192.0.2.10:5060 SIP/2.0")]);
    assert_eq!((body(&hold[0].1), field(&hold[0].1, "CSeq")), ("v=0 hold", "1 INVITE".to_owned()));
    assert_eq!(field(&hold[0].1, "Call-ID"), "c1");
    // Meanwhile Alice may not. RFC 3261 §14.2
    let glare = b.take(ALICE, &inside("INVITE", 3, &ok, "g", "Content-Type: application/sdp\r\n\r\nv=0"));
    assert_eq!(lines(&glare), [format!("{ALICE} SIP/2.0 491 Request Pending")]);
    let held = b.take(ALICE, &reply(&hold[0].1, 200, "", "v=0 held"));
    assert_eq!((lines(&held), body(&held[0].1)), (vec![format!("{BOB} SIP/2.0 200 OK")], "v=0 held"));
    let ack = b.take(BOB, &inside_of_bob("ACK", 100, &invite, "b1", "ha", ""));
    assert_eq!(lines(&ack)[0].split(' ').nth(1), Some("ACK"));
    assert_eq!(field(&ack[0].1, "CSeq"), "1 ACK");
    // And now she may; UPDATE, INFO and REFER pass like it.
    for (n, method) in ["UPDATE", "INFO", "REFER"].into_iter().enumerate() {
        let n = 4 + n as u32;
        let more = "Refer-To: <sip:carol@192.0.2.30>\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=5";
        let sent = b.take(ALICE, &inside(method, n, &ok, method, more));
        assert!(sent[0].1.starts_with(&format!("{method} sip:bob@192.0.2.20:5060 ")), "{sent:?}");
        assert_eq!(body(&sent[0].1), "Signal=5");
        let status = if method == "REFER" { 202 } else { 200 };
        let back = b.take(BOB, &reply(&sent[0].1, status, "b1", ""));
        assert_eq!(back[0].0, ALICE);
    }
    // A number that was had before. RFC 3261 §12.2.2
    assert!(lines(&b.take(ALICE, &inside("INFO", 4, &ok, "old", "")))[0].contains(" 500 "));
}

#[test]
fn refusals_and_challenges_pass_as_they_are() {
    let mut b = Bench::new(options());
    let out = b.take(ALICE, &invite("1", "v=0"))[1].1.clone();
    let first = out.clone();
    let fields = [("Proxy-Authenticate", "Digest realm=\"r\", nonce=\"n\"")];
    let refused = b.take(BOB, &reply_with(&out, 407, "b1", &fields, ""));
    assert!(refused[1].0 == BOB && refused[1].1.starts_with("ACK "), "{refused:?}");
    let to_alice = &refused[0].1;
    assert!(to_alice.starts_with("SIP/2.0 407 "), "{to_alice}");
    assert_eq!(field(to_alice, "Proxy-Authenticate"), "Digest realm=\"r\", nonce=\"n\"");
    let ack = inside("ACK", 1, to_alice, "1", "");
    assert!(b.take(ALICE, &ack).is_empty());
    let again = invite("2", "v=0").replace("CSeq: 1 ", "Proxy-Authorization: Digest realm=\"r\"\r\nCSeq: 2 ");
    let out = b.take(ALICE, &again)[1].1.clone();
    assert_eq!(field(&out, "Proxy-Authorization"), "Digest realm=\"r\"");
    // For the other side it is the same call, tried again. RFC 3261 §8.1.3.5
    assert_eq!((field(&out, "Call-ID"), field(&out, "From")), (field(&first, "Call-ID"), field(&first, "From")));
    assert_eq!((field(&first, "CSeq"), field(&out, "CSeq")), ("1 INVITE".into(), "2 INVITE".into()));
    b.take(BOB, &reply(&out, 486, "b1", ""));
    b.is_clean();
}

#[test]
fn redirections_pass_or_are_followed() {
    let moved = [("Contact", "<sip:c@192.0.2.40>;q=0.2, <sip:d@192.0.2.30>")];
    let mut b = Bench::new(options());
    let out = b.take(ALICE, &invite("1", "v=0"))[1].1.clone();
    let sent = b.take(BOB, &reply_with(&out, 302, "b1", &moved, ""));
    assert_eq!(field(&sent[0].1, "Contact"), moved[0].1);
    let mut b = Bench::new(Options { follows: true, ..options() });
    let out = b.take(ALICE, &invite("1", "v=0"))[1].1.clone();
    let onward = |sent: Vec<(String, String)>| sent.into_iter().find(|(_, t)| t.starts_with("INVITE ")).unwrap();
    let (to, next) = onward(b.take(BOB, &reply_with(&out, 302, "b1", &moved, "")));
    assert_eq!((&to[..], next.lines().next().unwrap()), ("192.0.2.30:5060", "INVITE sip:d@192.0.2.30 SIP/2.0"));
    let (to, next) = onward(b.take("192.0.2.30:5060", &reply(&next, 404, "d1", "")));
    assert_eq!((&to[..], next.lines().next().unwrap()), ("192.0.2.40:5060", "INVITE sip:c@192.0.2.40 SIP/2.0"));
    let sent = b.take("192.0.2.40:5060", &reply(&next, 486, "d1", ""));
    assert!(sent.iter().any(|(to, t)| to == ALICE && t.starts_with("SIP/2.0 404 ")), "{sent:?}");
    b.is_clean();
}

#[test]
fn who_registered_is_called_at_all_places() {
    let mut b = Bench::new(Options { to: None, ..options() });
    let register = |n: u32| {
        format!(
            "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKr{n}\r\nFrom: <sip:bob@example.com>;tag=1\r\n\
             To: <sip:bob@example.com>\r\nCall-ID: r{n}\r\nCSeq: 1 REGISTER\r\nContact: <sip:bob@192.0.2.{n}:5060>\r\n\
             Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let to_bob = invite("1", "v=0").replace("sip:bob@192.0.2.1", "sip:bob@example.com");
    assert!(lines(&b.take(ALICE, &to_bob))[0].contains(" 404 "));
    b.take(BOB, &register(20));
    b.take("192.0.2.30:5060", &register(30));
    let sent = b.take(ALICE, &to_bob.replace("bK1", "bK2"));
    let lines = lines(&sent);
    assert_eq!(
        lines[1..],
        [
            "192.0.2.20:5060 INVITE sip:bob@192.0.2.20:5060 SIP/2.0".to_owned(),
            "192.0.2.30:5060 INVITE sip:bob@192.0.2.30:5060 SIP/2.0".to_owned()
        ]
    );
    b.take(BOB, &reply(&sent[1].1, 180, "b1", ""));
    let answered = b.take("192.0.2.30:5060", &reply(&sent[2].1, 200, "b2", "v=0"));
    let starts: Vec<_> = answered.iter().map(|(to, t)| (&to[..], t.split(' ').next().unwrap())).collect();
    assert_eq!(starts, [(ALICE, "SIP/2.0"), (BOB, "CANCEL")]);
}

#[test]
fn what_is_not_a_call_passes_as_well() {
    let mut b = Bench::new(options());
    let message = invite("1", "hello").replace("INVITE", "MESSAGE");
    let sent = b.take(ALICE, &message);
    assert_eq!(lines(&sent), [format!("{BOB} MESSAGE sip:bob@192.0.2.20 SIP/2.0")]);
    assert!(!sent[0].1.contains("Contact:"));
    assert_eq!(lines(&b.take(BOB, &reply(&sent[0].1, 200, "b1", ""))), [format!("{ALICE} SIP/2.0 200 OK")]);
    let options = invite("2", "").replace("INVITE sip:bob@", "OPTIONS sip:").replace("INVITE", "OPTIONS");
    let answer = b.take(ALICE, &options);
    assert!(answer[0].1.starts_with("SIP/2.0 200 ") && answer[0].1.contains("Allow: INVITE"), "{answer:?}");
    let publish = invite("3", "").replace("INVITE", "PUBLISH");
    assert!(lines(&b.take(ALICE, &publish))[0].contains(" 405 "));
    b.is_clean();
}

#[test]
fn what_cannot_be_served_is_refused() {
    let mut b = Bench::new(options());
    let spent = invite("1", "").replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert!(lines(&b.take(ALICE, &spent))[0].contains(" 483 "));
    let nobody = inside("BYE", 2, "To: <sip:bob@192.0.2.1>;tag=none", "2", "");
    assert!(lines(&b.take(ALICE, &nobody))[0].contains(" 481 "));
    let no_contact = invite("3", "").replace("Contact: <sip:alice@192.0.2.10:5060>\r\n", "");
    assert!(lines(&b.take(ALICE, &no_contact))[0].contains(" 400 "));
    b.dead.push(BOB.parse().unwrap());
    assert!(lines(&b.take(ALICE, &invite("4", "")))[1].contains(" 503 "));
    b.is_clean();
}

#[test]
fn a_hidden_leg_cannot_be_known_by_anything() {
    let mut b = Bench::new(Options { hides: true, ..options() });
    let out = b.take(ALICE, &invite("1", ""))[1].1.clone();
    for sign in ["X-Odd", "phone/1", "Session-ID", "192.0.2.10", "c1"] {
        assert!(!out.contains(sign), "{sign}: {out}");
    }
    assert_eq!(
        (field(&out, "User-Agent"), field(&out, "Contact")),
        ("test/1".into(), "<sip:sipctl@192.0.2.1:5060>".into())
    );
    let fields = [("Server", "bobs/2"), ("X-Bob", "1"), ("Warning", "399 192.0.2.20 \"w\""), ("Allow", "INVITE")];
    let ok = b.take(BOB, &reply_with(&out, 200, "b1", &fields, ""))[0].1.clone();
    for sign in ["X-Bob", "bobs/2", "192.0.2.20", "tag=b1"] {
        assert!(!ok.contains(sign), "{sign}: {ok}");
    }
    assert_eq!((field(&ok, "Server"), field(&ok, "Allow")), ("test/1".into(), "INVITE".into()));
}
