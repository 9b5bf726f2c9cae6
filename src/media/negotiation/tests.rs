use super::*;
use crate::media::Session;
use crate::media::facts::{FormatName, Protocol, Suite};

fn facts(media: &str) -> SdpFacts {
    let text = format!("v=0\r\no=a 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{media}");
    SdpFacts::of(&Session::parse(text.as_bytes()))
}

fn first(offer: &str, answer: &str) -> Agreement {
    negotiate(&facts(offer), &facts(answer))[0].clone()
}

fn names(agreement: &Agreement) -> Vec<&str> {
    agreement.formats.iter().filter_map(Format::name).collect()
}

#[test]
fn facts_keep_what_a_call_needs() {
    let f = facts(
        "a=sendonly\r\nm=audio 4000 RTP/SAVP 0 96 97 101\r\na=rtpmap:96 Foo-Codec/32000/2\r\na=rtpmap:101 TELEPHONE-EVENT/8000\r\n\
         a=ptime:30\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\nm=image 4002 UDPTL t38\r\na=sendrecv\r\n",
    );
    assert_eq!((f.origin().unwrap().session_version, f.origin_line()), (&b"2"[..], &b"a 1 2 IN IP4 192.0.2.1"[..]));
    let (audio, image) = (&f.media[0], &f.media[1]);
    assert_eq!(audio.endpoint.unwrap().to_string(), "192.0.2.1:4000");
    assert_eq!(audio.rtcp.unwrap().to_string(), "192.0.2.1:4001");
    assert_eq!(
        (audio.ptime_ms, audio.direction, audio.suites.as_slice()),
        (30, Direction::SendOnly, &[Suite::AesCm128Sha80][..])
    );
    let described: Vec<_> =
        audio.formats.iter().map(|f| (f.payload_type, f.name(), f.clock_rate, f.channels)).collect();
    assert_eq!(
        described,
        [
            (Some(0), Some("PCMU"), 8000, 1),
            (Some(96), Some("Foo-Codec"), 32_000, 2),
            (Some(97), None, 0, 1),
            (Some(101), Some("telephone-event"), 8000, 1)
        ]
    );
    assert_eq!(audio.format(97).unwrap().name, FormatName::Unexplained);
    assert_eq!((&image.protocol, image.kind.name(), image.direction), (&Protocol::Udptl, "image", Direction::SendRecv));
    assert_eq!((image.formats[0].name(), image.formats[0].payload_type, image.rtcp), (Some("t38"), None, None));
    assert_eq!(f.media_at(&audio.rtcp.unwrap()).unwrap().port, 4000);
    assert_eq!(f.media_at(&image.endpoint.unwrap()).unwrap().port, 4002);
    let named = SdpFacts::of(&Session::parse(b"c=IN IP4 host.example\nm=audio 9 RTP/AVP 0\n"));
    assert_eq!((named.media[0].host.as_deref(), named.media[0].endpoint), (Some("host.example"), None));
}

#[test]
fn the_answer_gives_the_order_and_names_decide_not_numbers() {
    let a = first(
        "m=audio 4000 RTP/AVP 0 8 97 101\r\na=rtpmap:97 iLBC/8000\r\na=rtpmap:101 telephone-event/8000\r\n",
        "m=audio 5000 RTP/AVP 98 8 100 97\r\na=rtpmap:98 ILBC/8000\r\na=rtpmap:100 telephone-event/8000\r\na=rtpmap:97 speex/8000\r\n",
    );
    assert_eq!((a.outcome, a.telephone_event), (Outcome::Accepted, Some((101, 100))));
    assert_eq!(names(&a), ["iLBC", "PCMA", "telephone-event"]);
    assert_eq!(a.formats[0].payload_type, Some(98));
    assert!(a.offerer_sends && a.answerer_sends && a.hold == Hold::None && a.security == Security::None);
    // The same name at another clock is another codec. RFC 4733 §2.1 has events follow the clock of the audio.
    let a = first(
        "m=audio 1 RTP/AVP 96\r\na=rtpmap:96 speex/16000\r\n",
        "m=audio 1 RTP/AVP 96\r\na=rtpmap:96 speex/8000\r\n",
    );
    assert_eq!(a.outcome, Outcome::NothingInCommon);
    // Events alone carry no speech.
    let both = "a=rtpmap:101 telephone-event/8000\r\n";
    let a = first(&format!("m=audio 1 RTP/AVP 0 101\r\n{both}"), &format!("m=audio 1 RTP/AVP 8 101\r\n{both}"));
    assert_eq!(a.outcome, Outcome::NothingInCommon);
}

#[test]
fn every_offered_line_gets_its_outcome() {
    // RFC 3264 §10.1: audio accepted, the first video refused with port 0.
    let offer = facts(
        "m=audio 49170 RTP/AVP 0\r\nm=video 51372 RTP/AVP 31\r\nm=video 53000 RTP/AVP 32\r\nm=audio 0 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\n",
    );
    let answer =
        facts("m=audio 49920 RTP/AVP 0\r\nm=video 0 RTP/AVP 31\r\nm=audio 53000 RTP/AVP 32\r\nm=audio 0 RTP/AVP 0\r\n");
    let outcomes: Vec<_> = negotiate(&offer, &answer).iter().map(|a| a.outcome).collect();
    use Outcome::*;
    assert_eq!(outcomes, [Accepted, Rejected, OtherKind, NotOffered, Unanswered]);
}

#[test]
fn directions_and_hold_as_each_side_sees_them() {
    let with = |offered: &str, answered: &str| {
        let m = |d: &str| format!("m=audio 4000 RTP/AVP 0\r\n{d}\r\n");
        let a = first(&m(offered), &m(answered));
        (a.offerer_sends, a.answerer_sends, a.hold)
    };
    assert_eq!(with("a=sendrecv", "a=sendrecv"), (true, true, Hold::None));
    assert_eq!(with("a=sendonly", "a=recvonly"), (true, false, Hold::ByOfferer));
    assert_eq!(with("a=recvonly", "a=sendonly"), (false, true, Hold::None));
    assert_eq!(with("a=sendrecv", "a=sendonly"), (false, true, Hold::ByAnswerer));
    assert_eq!(with("a=inactive", "a=inactive"), (false, false, Hold::ByOfferer));
    assert_eq!(with("a=sendonly", "a=inactive"), (false, false, Hold::Both));
    assert_eq!(with("c=IN IP4 0.0.0.0", "a=sendrecv"), (true, false, Hold::ByOfferer));
    assert!(
        is_conflict(Direction::SendOnly, Direction::SendOnly) && is_conflict(Direction::RecvOnly, Direction::RecvOnly)
    );
    assert!(
        !is_conflict(Direction::SendOnly, Direction::RecvOnly)
            && !is_conflict(Direction::SendRecv, Direction::SendRecv)
    );
}

#[test]
fn protection_needs_keys_from_both() {
    let (avp, savp, dtls) =
        ("m=audio 1 RTP/AVP 0\r\n", "m=audio 1 RTP/SAVP 0\r\n", "m=audio 1 UDP/TLS/RTP/SAVPF 0\r\n");
    let key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n";
    let print = "a=fingerprint:sha-256 AB\r\n";
    let of = |offer: String, answer: String| first(&offer, &answer).security;
    assert_eq!(of(avp.into(), avp.into()), Security::None);
    assert_eq!(of(format!("{savp}{key}"), format!("{savp}{key}")), Security::Sdes);
    assert_eq!(of(format!("{savp}{key}"), savp.into()), Security::Unkeyed);
    assert_eq!(of(format!("{savp}{key}"), avp.into()), Security::Mismatch);
    assert_eq!(of(format!("{avp}{key}"), avp.into()), Security::None);
    assert_eq!(of(format!("{dtls}{print}"), format!("{dtls}{print}")), Security::Dtls);
    assert_eq!(of(format!("{dtls}{print}"), dtls.into()), Security::Unkeyed);
}
