//! Dialogs that are named across the legs: attended transfer, and what is hidden of where it leads.

use super::*;

/// A second call of Alice, which stands: the INVITE as Bob got it, the 200 as Alice did.
fn second(b: &mut Bench) -> (String, String) {
    let anew = |text: String| text.replace("Call-ID: c1", "Call-ID: c2").replace("tag=a1", "tag=a2");
    let out = b.take(ALICE, &anew(invite("second", "v=0")))[1].1.clone();
    let ok = b.take(BOB, &reply(&out, 200, "y1", "v=0"))[0].1.clone();
    assert_eq!(b.take(ALICE, &anew(inside("ACK", 1, &ok, "second-ack", ""))).len(), 1);
    (out, ok)
}

fn tag(value: &str) -> &str {
    value.split_once(";tag=").unwrap().1
}

/// Call-ID, From tag of an INVITE as Bob got it.
fn of(invite: &str) -> (String, String) {
    (field(invite, "Call-ID"), tag(&field(invite, "From")).to_owned())
}

fn hidden() -> Options {
    Options { hides: true, ..options() }
}

fn onward(sent: Vec<(String, String)>) -> (String, String) {
    sent.into_iter().find(|(_, text)| text.starts_with("INVITE ")).unwrap()
}

// RFC 5589 §7.3: the transferor names the dialog with the target as it knows it itself.
#[test]
fn a_transferred_party_is_told_the_dialog_of_the_other_leg() {
    let mut b = Bench::new(options());
    let (_, ok) = b.up();
    let (out, second_ok) = second(&mut b);
    let (call_id, our_tag) = of(&out);
    let ours = field(&second_ok, "To");
    let replaces = format!("c2%3Bto-tag%3D{}%3Bfrom-tag%3Da2%3Bearly-only", tag(&ours));
    let more = format!("Refer-To: \"Bob\" <sip:bob@192.0.2.20?Subject=x&replaces={replaces}>;x=1");
    let sent = b.take(ALICE, &inside("REFER", 2, &ok, "r", &more));
    // The to-tag is that of who gets the INVITE: Bob's. RFC 3891 §3
    let told = format!("{call_id}%3Bto-tag%3Dy1%3Bfrom-tag%3D{our_tag}%3Bearly-only");
    assert_eq!(field(&sent[0].1, "Refer-To"), format!("\"Bob\" <sip:bob@192.0.2.20?Subject=x&replaces={told}>;x=1"));
}

#[test]
fn who_was_called_transfers_as_well_as_who_called() {
    let mut b = Bench::new(options());
    let (invite, _) = b.up();
    let (out, second_ok) = second(&mut b);
    let (call_id, our_tag) = of(&out);
    let ours = field(&second_ok, "To");
    let more = format!("Refer-To: <sip:alice@192.0.2.10?Replaces={call_id}%3Bto-tag%3D{our_tag}%3Bfrom-tag%3Dy1>");
    let sent = b.take(BOB, &inside_of_bob("REFER", 100, &invite, "b1", "r", &more));
    assert_eq!(sent[0].0, ALICE);
    let told = format!("c2%3Bto-tag%3Da2%3Bfrom-tag%3D{}", tag(&ours));
    assert_eq!(field(&sent[0].1, "Refer-To"), format!("<sip:alice@192.0.2.10?Replaces={told}>"));
}

#[test]
fn an_invite_that_replaces_names_the_dialog_of_who_gets_it() {
    let mut b = Bench::new(options());
    let (out, ok) = b.up();
    let (call_id, our_tag) = of(&out);
    let ours = field(&ok, "To");
    let wanted = format!("{call_id};to-tag=b1;from-tag={our_tag}");
    // As Alice knows it; as it was translated before, or as Bob told it himself.
    for (n, named) in [format!("c1;to-tag={};from-tag=a1", tag(&ours)), wanted.clone()].iter().enumerate() {
        for name in ["Replaces", "Join"] {
            let third = invite(&format!("{name}{n}"), "v=0").replace("Call-ID: c1", "Call-ID: third");
            let third = third.replace("X-Odd: kept", &format!("{name}: {named}"));
            // Whatever user it is called by: only he has the dialog.
            let third = third.replacen("sip:bob@192.0.2.1", "sip:sipctl@192.0.2.1:5060", 1);
            let (to, text) = onward(b.take("192.0.2.30:5060", &third));
            assert_eq!((&to[..], field(&text, name)), (BOB, wanted.clone()), "{text}");
            assert!(text.starts_with("INVITE sip:bob@192.0.2.20:5060 "), "{text}");
        }
    }
}

#[test]
fn a_target_dialog_is_that_of_the_other_leg_whoever_s_tag_stands_first() {
    let mut b = Bench::new(options());
    let (out, ok) = b.up();
    let (call_id, our_tag) = of(&out);
    let ours = field(&ok, "To");
    let told = [
        (format!("c1;local-tag=a1;remote-tag={}", tag(&ours)), format!("{call_id};local-tag={our_tag};remote-tag=b1")),
        (format!("c1;remote-tag=a1;local-tag={}", tag(&ours)), format!("{call_id};remote-tag={our_tag};local-tag=b1")),
    ];
    for (n, (named, wanted)) in told.iter().enumerate() {
        let other = invite(&format!("t{n}"), "").replace("Call-ID: c1", "Call-ID: third");
        let (_, text) = onward(b.take(ALICE, &other.replace("X-Odd: kept", &format!("Target-Dialog: {named}"))));
        assert_eq!(&field(&text, "Target-Dialog"), wanted);
    }
}

#[test]
fn a_dialog_of_others_is_passed_as_it_is_named() {
    let mut b = Bench::new(options());
    let (_, ok) = b.up();
    let refer_to = "<sip:carol@example.com?Replaces=425928%40bobster.example.org%3Bto-tag%3D7743%3Bfrom-tag%3D6472>";
    let sent = b.take(ALICE, &inside("REFER", 2, &ok, "r", &format!("Refer-To: {refer_to}")));
    assert_eq!(field(&sent[0].1, "Refer-To"), refer_to);
    for (n, named) in ["c1;to-tag=x;from-tag=a1", "c1", ";to-tag=;from-tag=", "c1;to-tag;from-tag"].iter().enumerate() {
        let other = invite(&format!("o{n}"), "").replace("Call-ID: c1", "Call-ID: third");
        let (_, text) = onward(b.take(ALICE, &other.replace("X-Odd: kept", &format!("Replaces: {named}"))));
        assert_eq!(&field(&text, "Replaces"), named);
    }
}

#[test]
fn a_hidden_place_is_called_under_an_alias() {
    const MORE: &str = "Refer-To: <sip:carol@192.0.2.30:5070?Subject=x>\r\nReferred-By: <sip:alice@192.0.2.10>";
    let mut b = Bench::new(hidden());
    let (_, ok) = b.up();
    // A name is what people call: it stays.
    let sent = b.take(ALICE, &inside("REFER", 2, &ok, "r1", "Refer-To: <sip:carol@example.com>"));
    assert_eq!(field(&sent[0].1, "Refer-To"), "<sip:carol@example.com>");
    let sent = b.take(ALICE, &inside("REFER", 3, &ok, "r2", MORE));
    assert!(!sent[0].1.contains("192.0.2.30") && !sent[0].1.contains("192.0.2.10"), "{}", sent[0].1);
    let told = field(&sent[0].1, "Refer-To");
    assert!(told.starts_with("<sip:to-") && told.ends_with("@192.0.2.1:5060?Subject=x>"), "{told}");
    let uri = told.trim_start_matches('<').split('?').next().unwrap();
    let called = invite("alias", "v=0").replace("sip:bob@192.0.2.1", uri).replace("Call-ID: c1", "Call-ID: third");
    let (to, text) = onward(b.take(BOB, &called));
    assert_eq!(&to[..], "192.0.2.30:5070");
    assert!(text.starts_with("INVITE sip:carol@192.0.2.30:5070 "), "{text}");
    // Later it leads nowhere but where all calls do.
    b.pass(130_000);
    let late = called.replace("z9hG4bKalias", "z9hG4bKlate").replace("Call-ID: third", "Call-ID: fourth");
    assert_eq!(onward(b.take(BOB, &late)).0, BOB);
}

#[test]
fn redirections_do_not_tell_addresses_that_are_hidden() {
    let moved = [("Contact", "<sip:c@192.0.2.40>;q=0.2, sip:d@192.0.2.30;q=0.1, <sip:e@example.com>, <tel:+1>")];
    let mut b = Bench::new(hidden());
    let out = b.take(ALICE, &invite("1", "v=0"))[1].1.clone();
    let sent = b.take(BOB, &reply_with(&out, 302, "b1", &moved, ""));
    let told: Vec<&str> = sent[0].1.lines().filter_map(|line| line.strip_prefix("Contact: ")).collect();
    assert!(!sent[0].1.contains("192.0.2.40") && !sent[0].1.contains("192.0.2.30"), "{told:?}");
    assert_eq!((told.len(), &told[2..]), (4, &["<sip:e@example.com>", "<tel:+1>"][..]), "{told:?}");
    assert!(told[0].ends_with("@192.0.2.1:5060>;q=0.2") && told[1].ends_with("@192.0.2.1:5060>;q=0.1"), "{told:?}");
    let uri = told[1].trim_start_matches('<').split('>').next().unwrap();
    let next = invite("2", "v=0").replace("sip:bob@192.0.2.1", uri).replace("CSeq: 1 ", "CSeq: 2 ");
    let (to, text) = onward(b.take(ALICE, &next));
    assert_eq!((&to[..], text.lines().next().unwrap()), ("192.0.2.30:5060", "INVITE sip:d@192.0.2.30 SIP/2.0"));
}

// RFC 5589 §7.3 with nothing shown: the target is called under our own address, and the call that replaces finds it.
#[test]
fn an_attended_transfer_comes_to_its_target_although_all_is_hidden() {
    let mut b = Bench::new(hidden());
    let (_, ok) = b.up();
    let (out, second_ok) = second(&mut b);
    let (call_id, our_tag) = of(&out);
    let target = field(&second_ok, "Contact");
    let target = target.trim_matches(['<', '>']);
    assert_eq!(target, "sip:sipctl@192.0.2.1:5060");
    let ours = field(&second_ok, "To");
    let replaces = format!("c2%3Bto-tag%3D{}%3Bfrom-tag%3Da2", tag(&ours));
    let refer = inside("REFER", 2, &ok, "r", &format!("Refer-To: <{target}?Replaces={replaces}>"));
    let told = field(&b.take(ALICE, &refer)[0].1, "Refer-To");
    let (uri, fields) = told.trim_matches(['<', '>']).split_once("?Replaces=").unwrap();
    assert_eq!((uri, fields), (target, &format!("{call_id}%3Bto-tag%3Dy1%3Bfrom-tag%3D{our_tag}")[..]));
    // The transferee calls as it was told.
    let named = fields.replace("%3B", ";").replace("%3D", "=");
    let call = invite("transfer", "v=0").replacen("sip:bob@192.0.2.1", uri, 1).replace("Call-ID: c1", "Call-ID: third");
    let call = call.replace("X-Odd: kept", &format!("Require: replaces\r\nReplaces: {named}"));
    let (to, text) = onward(b.take(BOB, &call));
    assert_eq!((&to[..], field(&text, "Replaces"), field(&text, "Require")), (BOB, named, "replaces".to_owned()));
    // The target takes the call and ends the one that was replaced: the transferor hears of it. RFC 3891 §3
    b.take(BOB, &reply(&text, 200, "z1", "v=0"));
    let bye = b.take(BOB, &inside_of_bob("BYE", 100, &out, "y1", "bye", ""));
    assert!(bye.iter().any(|(to, text)| to == ALICE && text.starts_with("BYE ")), "{bye:?}");
}

#[test]
fn whatever_stands_where_a_dialog_is_named_is_borne() {
    let (mut draw, mut passed) = (Entropy::seeded(11), 0);
    for _ in 0..20 {
        let mut b = Bench::new(hidden());
        let (_, ok) = b.up();
        let ours = field(&ok, "To");
        let whole = format!("\"x\" <sip:c@192.0.2.30?Replaces=c1%3Bto-tag%3D{}%3Bfrom-tag%3Da1&a=b>;q", tag(&ours));
        for n in 0..50 {
            let mut value = whole.clone().into_bytes();
            value.truncate(1 + draw.below(value.len() as u64) as usize);
            for _ in 0..draw.below(3) {
                let at = draw.below(value.len() as u64) as usize;
                value[at] = b" <>?&=%;\"@:\xff\0,"[draw.below(14) as usize];
            }
            let more = "Refer-To: VALUE\r\nReplaces: VALUE\r\nTarget-Dialog: VALUE";
            let text = inside("REFER", 2 + n, &ok, &format!("h{n}"), more);
            let parts: Vec<&[u8]> = text.split("VALUE").map(str::as_bytes).collect();
            b.b2bua.handle_message(&parts.join(&value[..]), &way(ALICE), b.now);
            while let Some(question) = b.b2bua.poll_question() {
                b.b2bua.handle_place(question.id, Some(way(BOB)), b.now);
            }
            while let Some(out) = b.b2bua.poll_transmit() {
                passed += u32::from(out.transmit.bytes.starts_with(b"REFER "));
            }
        }
    }
    // Most are not so broken that they are refused.
    assert!(passed > 100, "{passed}");
}
