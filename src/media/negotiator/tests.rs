//! Offers and answers against the rules of RFC 3264 and RFC 4568, and against our own reader of other people's.

use super::*;
use crate::media::negotiation::{Outcome, negotiate};

fn local(port: u16) -> Local {
    Local { address: "192.0.2.1".parse().unwrap(), rtp: port, rtcp: port + 1 }
}

fn side(port: u16, wishes: Wishes) -> Negotiator {
    Negotiator::new(local(port), wishes, &mut Entropy::seeded(u64::from(port)))
}

fn secure() -> Wishes {
    Wishes { is_secure: true, ..Wishes::default() }
}

/// An offer of somebody else, from its media lines.
fn offer(media: &str) -> Vec<u8> {
    let text = format!("v=0\r\no=x 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n{media}");
    text.into_bytes()
}

fn text(body: &[u8]) -> &str {
    std::str::from_utf8(body).unwrap()
}

#[test]
fn an_offer_is_what_the_rules_ask_for() {
    let body = side(4000, Wishes::default()).offer();
    let session = Session::parse(&body);
    assert!(session.defects.is_empty(), "{:?}", session.defects);
    let lines: Vec<&str> = text(&body).lines().collect();
    assert!(lines[1].starts_with("o=- ") && lines[1].ends_with(" 0 IN IP4 192.0.2.1"));
    assert_eq!(
        lines[5..],
        [
            "m=audio 4000 RTP/AVP 0 8 101",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=ptime:20",
            "a=sendrecv"
        ]
    );
    let body = Negotiator::new(Local { rtcp: 5000, ..local(4000) }, secure(), &mut Entropy::seeded(1)).offer();
    assert!(text(&body).contains("m=audio 4000 RTP/SAVP ") && text(&body).contains("\r\na=rtcp:5000\r\n"));
    assert_eq!(Session::parse(&body).media[0].cryptos().count(), 2);
}

#[test]
fn two_of_us_agree_in_the_clear_and_protected() {
    for wishes in [Wishes::default(), secure()] {
        let (mut a, mut b) = (side(4000, wishes.clone()), side(5000, Wishes::default()));
        let offer = a.offer();
        let (answer, theirs) = b.answer(&offer).unwrap();
        let ours = a.conclude(&answer).unwrap();
        assert_eq!((ours.remote.unwrap().port(), theirs.remote.unwrap().port()), (5000, 4000));
        assert_eq!(
            (ours.law, theirs.law, ours.event_type, theirs.event_type),
            (Law::Mu, Law::Mu, Some(101), Some(101))
        );
        assert!(ours.sends && ours.receives && theirs.sends && theirs.receives);
        let keys = ours.protection.as_ref().zip(theirs.protection.as_ref());
        assert_eq!(keys.is_some(), wishes.is_secure);
        if let Some((ours, theirs)) = keys {
            assert!(ours.local == theirs.remote && ours.remote == theirs.local && ours.local != ours.remote);
            assert_eq!(ours.suite, Suite::Sha80);
        }
        // The judge of other people's calls agrees.
        let facts = |body: &[u8]| SdpFacts::of(&Session::parse(body));
        let judged = negotiate(&facts(&offer), &facts(&answer));
        assert!(judged[0].outcome == Outcome::Accepted && judged[0].telephone_event == Some((101, 101)));
        assert!(!a.has_offered() && a.conclude(&answer) == Err(Unacceptable::NotAsked));
    }
}

#[test]
fn an_answer_has_every_line_of_the_offer_in_its_place() {
    let body = offer(
        "m=image 6000 udptl t38\r\nm=audio 0 RTP/AVP 0\r\nm=audio 6002 RTP/AVP 9 8 96 0\r\n\
         a=rtpmap:96 telephone-event/8000\r\nm=video 6004 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n",
    );
    let (answer, agreed) = side(4000, Wishes::default()).answer(&body).unwrap();
    let lines: Vec<&str> = text(&answer).lines().filter(|l| l.starts_with("m=")).collect();
    let expected =
        ["m=image 0 udptl t38", "m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/AVP 8 0 96", "m=video 0 RTP/AVP 97"];
    assert_eq!(lines, expected);
    assert!(Session::parse(&answer).defects.is_empty());
    // The offerer's preference, and its payload type for events.
    assert_eq!((agreed.law, agreed.payload_type, agreed.event_type), (Law::A, 8, Some(96)));
    assert_eq!(agreed.remote, Some("198.51.100.7:6002".parse().unwrap()));
    assert_eq!(agreed.remote_rtcp, Some("198.51.100.7:6003".parse().unwrap()));
}

#[test]
fn what_cannot_be_agreed_on_is_refused_and_changes_nothing() {
    let mut ours = side(4000, Wishes::default());
    let good = offer("m=audio 6000 RTP/AVP 0\r\n");
    let before = ours.answer(&good).unwrap();
    for (media, why) in [
        ("", Unacceptable::NoMedia),
        ("m=image 6000 udptl t38\r\n", Unacceptable::NoAudio),
        ("m=audio 0 RTP/AVP 0\r\n", Unacceptable::NoAudio),
        ("m=audio 6000 RTP/AVP 18 9\r\n", Unacceptable::Codec),
        ("m=audio 6000 UDP/TLS/RTP/SAVPF 0\r\n", Unacceptable::Protocol),
        ("m=audio 6000 RTP/SAVP 0\r\n", Unacceptable::Keys),
        ("m=audio 6000 RTP/SAVP 0\r\na=crypto:1 AEAD_AES_256_GCM inline:AAAA\r\n", Unacceptable::Keys),
    ] {
        assert_eq!(ours.answer(&offer(media)), Err(why), "{media}");
        assert_eq!(ours.agreed(), Some(&before.1));
    }
    let many = "m=audio 6000 RTP/AVP 0\r\n".repeat(100);
    assert_eq!(ours.answer(&offer(&many)), Err(Unacceptable::TooManyMedia));
    assert_eq!(side(1000, secure()).answer(&good), Err(Unacceptable::Keys));
}

#[test]
fn hold_is_answered_as_rfc_3264_has_it() {
    // RFC 3264 §6.1, table; §8.4
    for (offered, answered, sends, receives, held) in [
        ("a=sendrecv\r\n", "sendrecv", true, true, false),
        ("a=sendonly\r\n", "recvonly", false, true, true),
        ("a=recvonly\r\n", "sendonly", true, false, false),
        ("a=inactive\r\n", "inactive", false, false, true),
    ] {
        let body = offer(&format!("m=audio 6000 RTP/AVP 0\r\n{offered}"));
        let (answer, agreed) = side(4000, Wishes::default()).answer(&body).unwrap();
        assert!(text(&answer).contains(&format!("\r\na={answered}\r\n")), "{offered}");
        assert_eq!((agreed.sends, agreed.receives, agreed.is_held), (sends, receives, held), "{offered}");
    }
    let null = offer("m=audio 6000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n");
    let (_, agreed) = side(4000, Wishes::default()).answer(&null).unwrap();
    assert_eq!((agreed.sends, agreed.is_held, agreed.remote), (false, true, None));
}

#[test]
fn the_version_grows_with_every_change_and_nothing_else() {
    let version = |body: &[u8]| text(body).lines().nth(1).unwrap().split(' ').nth(2).unwrap().to_owned();
    let mut ours = side(4000, Wishes::default());
    let mut peer = side(5000, Wishes::default());
    let first = ours.offer();
    let (answer, _) = peer.answer(&first).unwrap();
    ours.conclude(&answer).unwrap();
    assert_eq!((version(&first), version(&ours.offer())), ("0".to_owned(), "0".to_owned()));
    ours.withdraw();
    ours.set_direction(Direction::SendOnly);
    let hold = ours.offer();
    assert_eq!(version(&hold), "1");
    assert!(text(&hold).contains("\r\na=sendonly\r\n"));
    let (answer, theirs) = peer.answer(&hold).unwrap();
    assert!(!theirs.sends && theirs.is_held);
    let agreed = ours.conclude(&answer).unwrap();
    assert!(agreed.sends && !agreed.receives);
}

#[test]
fn what_was_refused_stays_in_later_offers() {
    let mut ours = side(4000, Wishes::default());
    ours.answer(&offer("m=video 6000 RTP/AVP 97\r\nm=audio 6002 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n"))
        .unwrap();
    let later = ours.offer();
    let lines: Vec<&str> = text(&later).lines().filter(|l| l.starts_with("m=")).collect();
    // Payload types keep their meaning. RFC 3264 §8.3.2
    assert_eq!(lines, ["m=video 0 RTP/AVP 97", "m=audio 4000 RTP/AVP 0 8 96"]);
    let answer = offer("m=video 0 RTP/AVP 97\r\nm=audio 7000 RTP/AVP 8\r\na=ptime:30\r\n");
    let agreed = ours.conclude(&answer).unwrap();
    assert_eq!((agreed.law, agreed.remote.unwrap().port(), agreed.ptime_ms), (Law::A, 7000, 30));
}

#[test]
fn an_answer_must_fit_the_offer() {
    let refused = |wishes: &Wishes, media: &str| {
        let mut ours = side(4000, wishes.clone());
        ours.offer();
        ours.conclude(&offer(media))
    };
    let plain = Wishes::default();
    assert_eq!(refused(&plain, "m=audio 0 RTP/AVP 0\r\n"), Err(Unacceptable::NoAudio));
    assert_eq!(refused(&plain, "m=video 6000 RTP/AVP 0\r\n"), Err(Unacceptable::NoAudio));
    assert_eq!(refused(&plain, "m=audio 6000 RTP/AVP 18\r\n"), Err(Unacceptable::Codec));
    assert_eq!(refused(&plain, "m=audio 6000 RTP/SAVP 0\r\n"), Err(Unacceptable::Protocol));
    assert_eq!(refused(&secure(), "m=audio 6000 RTP/AVP 0\r\n"), Err(Unacceptable::Protocol));
    assert_eq!(refused(&secure(), "m=audio 6000 RTP/SAVP 0\r\n"), Err(Unacceptable::Keys));
    let key = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
    let with = |tag: u32, suite: &str| format!("m=audio 6000 RTP/SAVP 0\r\na=crypto:{tag} {suite} inline:{key}\r\n");
    // RFC 4568 §5.1.3: tag and suite are those of one that was offered.
    assert_eq!(refused(&secure(), &with(1, "AES_CM_128_HMAC_SHA1_32")), Err(Unacceptable::Keys));
    assert!(refused(&secure(), &with(2, "AES_CM_128_HMAC_SHA1_32")).is_ok());
}

#[test]
fn words_of_theirs_cannot_start_lines_of_ours() {
    let body = offer("m=audio 6000 RTP/AVP 0\r\nm=vi\x01deo\x7f 6002 RTP/\x1bAVP 9\x02\r\n");
    let (answer, _) = side(4000, Wishes::default()).answer(&body).unwrap();
    assert!(answer.iter().all(|b| b.is_ascii_graphic() || matches!(b, b' ' | b'\r' | b'\n')));
    assert_eq!(text(&answer).lines().filter(|l| l.starts_with("m=")).count(), 2);
}
