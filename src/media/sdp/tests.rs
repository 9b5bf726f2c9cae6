use super::*;
use crate::base::Endpoint;

/// The description of RFC 8866 §5, as it stands there.
const RFC_8866: &[u8] = b"v=0\r\no=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\ns=Call to John Smith\r\n\
i=SDP Offer #1\r\nu=http://www.jdoe.example.com/home.html\r\ne=Jane Doe <jane@jdoe.example.com>\r\n\
p=+1 617 555-6011\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n\
m=audio 49180 RTP/AVP 0\r\nm=video 51372 RTP/AVP 99\r\nc=IN IP6 2001:db8::2\r\na=rtpmap:99 h263-1998/90000\r\n";

fn kinds(text: &[u8]) -> Vec<DefectKind> {
    Session::parse(text).defects.iter().map(|d| d.kind).collect()
}

fn media_of(attributes: &str) -> Vec<u8> {
    format!(
        "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 0 18 96 101\n{attributes}"
    )
    .into_bytes()
}

#[test]
fn reads_the_example_of_rfc_8866() {
    let s = Session::parse(RFC_8866);
    assert!(s.defects.is_empty(), "{:?}", s.defects);
    let o = s.origin().unwrap();
    assert_eq!((o.username, o.session_id, o.session_version), (&b"jdoe"[..], &b"3724394400"[..], &b"3724394405"[..]));
    assert_eq!((o.address_type, o.address, s.name), (&b"IP4"[..], &b"198.51.100.1"[..], &b"Call to John Smith"[..]));
    let endpoints: Vec<_> = s.media.iter().map(|m| m.endpoint().unwrap().to_string()).collect();
    assert_eq!(endpoints, ["198.51.100.1:49170", "198.51.100.1:49180", "[2001:db8::2]:51372"]);
    let video = &s.media[2];
    assert_eq!((video.kind, video.protocol, video.port_count), (&b"video"[..], &b"RTP/AVP"[..], 1));
    assert_eq!(video.codec_name(99), Some(&b"h263-1998"[..]));
    assert_eq!(video.rtpmap(99).unwrap().clock_rate, 90_000);
    assert_eq!(s.media[0].codec_name(0), Some(&b"PCMU"[..]));
    assert_eq!(s.media[0].codec_name(99), None);
    assert_eq!(video.span.of(RFC_8866), b"m=video 51372 RTP/AVP 99");
}

#[test]
fn attributes_are_read_from_their_own_media_and_fall_back_to_the_session() {
    let text = b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nb=CT:512\r\nt=0 0\r\na=sendonly\r\n\
a=fingerprint:sha-256 AB:CD\r\nm=audio 4000/2 RTP/SAVP 96 101 8\r\nb=AS:64\r\na=rtpmap:96 opus/48000/2\r\n\
a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=fmtp:96 useinbandfec=1; stereo=0\r\na=ptime:20\r\na=maxptime:60.5\r\n\
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4\r\n\
a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:x\r\na=rtcp:53020 IN IP4 126.16.64.4\r\na=mid:a1\r\na=label:left\r\n\
m=video 5000 UDP/TLS/RTP/SAVPF 97\r\na=inactive\r\na=setup:actpass\r\na=rtcp-mux\r\na=ice-ufrag:x\r\n";
    let s = Session::parse(text);
    assert!(s.defects.is_empty(), "{:?}", s.defects);
    let [audio, video] = s.media.as_slice() else { panic!() };
    assert_eq!((audio.direction(), video.direction()), (Direction::SendOnly, Direction::Inactive));
    assert_eq!((audio.port_count, audio.payload_types().collect::<Vec<_>>()), (2, vec![96, 101, 8]));
    let opus = audio.rtpmap(96).unwrap();
    assert_eq!((opus.name, opus.clock_rate, opus.channels), (&b"opus"[..], 48_000, 2));
    assert_eq!((audio.codec_name(8), audio.codec_name(97)), (Some(&b"PCMA"[..]), None));
    assert_eq!(audio.fmtp(96), Some(&b"useinbandfec=1; stereo=0"[..]));
    assert_eq!((audio.fmtp(101), audio.fmtp(8)), (Some(&b"0-16"[..]), None));
    assert_eq!((audio.ptime_ms(), audio.maxptime_ms()), (Some(20), Some(60)));
    let suites: Vec<_> = audio.cryptos().map(|c| (c.tag, c.suite)).collect();
    assert_eq!(suites, [(1, &b"AES_CM_128_HMAC_SHA1_80"[..]), (2, &b"AES_CM_128_HMAC_SHA1_32"[..])]);
    assert_eq!(audio.rtcp_endpoint(), Some(Endpoint::v4([126, 16, 64, 4], 53_020)));
    assert_eq!((audio.mid(), audio.label(), video.mid()), (Some(&b"a1"[..]), Some(&b"left"[..]), None));
    assert_eq!(video.rtcp_endpoint(), Some(Endpoint::v4([192, 0, 2, 1], 5000)));
    assert_eq!((video.setup(), audio.setup()), (Some(Setup::ActPass), None));
    assert!(video.has_ice() && !audio.has_ice() && video.has_rtcp_mux() && video.fingerprint().is_some());
    assert_eq!(s.bandwidths().map(|b| b.value).collect::<Vec<_>>(), [512]);
    assert_eq!(audio.bandwidths().map(|b| (b.kind, b.value)).collect::<Vec<_>>(), [(&b"AS"[..], 64)]);
    assert_eq!(s.direction(), Some(Direction::SendOnly));
}

#[test]
fn rtcp_goes_to_the_next_port_unless_told() {
    let text = media_of("");
    assert_eq!(Session::parse(&text).media[0].rtcp_endpoint(), Some(Endpoint::v4([192, 0, 2, 1], 4001)));
    let text = media_of("a=rtcp:4444\n");
    assert_eq!(Session::parse(&text).media[0].rtcp_endpoint(), Some(Endpoint::v4([192, 0, 2, 1], 4444)));
}

#[test]
fn hold_is_seen_in_both_its_forms() {
    let held = |text: &[u8]| Session::parse(text).media[0].is_hold();
    assert!(held(&media_of("a=sendonly\n")) && held(&media_of("a=inactive\n")));
    assert!(!held(&media_of("a=recvonly\n")) && !held(&media_of("")));
    // RFC 2543 style, which RFC 3264 §8.4 still asks to understand.
    assert!(held(&media_of("c=IN IP4 0.0.0.0\n")));
    assert!(!held(&String::from_utf8(media_of("a=sendonly\n")).unwrap().replace("4000", "0").into_bytes()));
}

#[test]
fn multicast_suffixes_and_host_names() {
    let text = media_of("c=IN IP4 233.252.0.1/127/3\n");
    assert_eq!(Session::parse(&text).media[0].endpoint(), Some(Endpoint::v4([233, 252, 0, 1], 4000)));
    let text = media_of("c=IN IP4 media.example.com\n");
    let s = Session::parse(&text);
    assert_eq!((s.media[0].endpoint(), s.media[0].connection().unwrap().address), (None, &b"media.example.com"[..]));
}

#[test]
fn what_is_wrong_is_said_with_its_bytes_and_the_rest_is_read() {
    use DefectKind::*;
    assert_eq!(kinds(b""), [VersionMissing, OriginMissing, NameMissing, TimeMissing]);
    let good = String::from_utf8(media_of("a=rtpmap:96 speex/16000\n")).unwrap();
    assert_eq!(kinds(good.as_bytes()), []);
    assert_eq!(kinds(format!("{good}\r\n\r\n\0").as_bytes()), [], "blank lines at the end");
    assert_eq!(kinds(good.replace("v=0\n", "").as_bytes()), [VersionMissing]);
    assert_eq!(kinds(good.replace("v=0", "v=1").as_bytes()), [VersionUnknown]);
    assert_eq!(kinds(good.replace("- 1 1", "1 1").as_bytes()), [OriginMalformed]);
    assert_eq!(kinds(good.replace("c=IN IP4 192.0.2.1\n", "").as_bytes()), [ConnectionMissing]);
    assert_eq!(
        kinds(good.replace("c=IN IP4 192.0.2.1", "c=IN IP4").as_bytes()),
        [ConnectionMalformed, ConnectionMissing]
    );
    assert_eq!(kinds(good.replace("t=0 0\n", "").as_bytes()), [TimeMissing]);
    assert_eq!(kinds(good.replace("t=0 0", "\nt=0 0").as_bytes()), [EmptyLine]);
    assert_eq!(kinds(good.replace("t=0 0", "t=0 0\nq=1").as_bytes()), [LineUnknown]);
    let text = good.replace("s=-\n", "").replace("t=0 0", "t=0 0\ns=-");
    let s = Session::parse(text.as_bytes());
    assert_eq!(
        s.defects.iter().map(|d| (d.kind, d.span.of(text.as_bytes()))).collect::<Vec<_>>(),
        [(OutOfOrder, &b"s=-"[..])]
    );
    for bad in ["m=audio RTP/AVP 0", "m=audio 70000 RTP/AVP 0", "m=audio 4000 RTP/AVP", "m=", "m=audio x RTP/AVP 0"] {
        let text = good.replace("m=audio 4000 RTP/AVP 0 18 96 101", bad);
        let s = Session::parse(text.as_bytes());
        assert_eq!(
            s.defects.iter().map(|d| (d.kind, d.span.of(text.as_bytes()))).collect::<Vec<_>>(),
            [(MediaMalformed, bad.as_bytes())]
        );
        assert_eq!((s.media.len(), s.media[0].codec_name(96)), (1, Some(&b"speex"[..])));
    }
    let text = good.replace("t=0 0", "t=0 0\nhello there");
    let s = Session::parse(text.as_bytes());
    assert_eq!((s.defects[0].kind, s.defects[0].span.of(text.as_bytes())), (LineMalformed, &b"hello there"[..]));
    assert!(s.media[0].endpoint().is_some());
}

#[test]
fn bounds_hold_and_what_is_beyond_is_counted() {
    let mut text = media_of("");
    for _ in 0..100 {
        text.extend(b"m=audio 1 RTP/AVP 0\na=sendonly\n");
    }
    let s = Session::parse(&text);
    assert_eq!((s.media.len(), s.media_beyond), (64, 37));
    assert_eq!(s.media[63].attributes().count(), 1);
    let many = b"a=x\n".repeat(10_000);
    let s = Session::parse(&many);
    assert_eq!(s.bytes_beyond, (10_000 - 4096) * 4);
    let junk = b"junk\n".repeat(100);
    let s = Session::parse(&junk);
    assert_eq!((s.defects.len(), s.defects_beyond), (32, 72));
}

#[test]
fn cuts_and_flipped_bits_never_panic() {
    let text = media_of(
        "a=rtpmap:96 speex/16000/1\na=crypto:1 X inline:y\na=rtcp:9 IN IP4 1.2.3.4\na=ptime:20\na=fmtp:96 a\n",
    );
    let dig = |bytes: &[u8]| {
        let s = Session::parse(bytes);
        for defect in &s.defects {
            assert!(defect.span.end as usize <= bytes.len());
        }
        for m in &s.media {
            let (_, _, _) = (m.endpoint(), m.rtcp_endpoint(), m.direction());
            let (_, _, _) = (m.rtpmap(96), m.fmtp(96), m.ptime_ms());
            let (_, _) = (m.cryptos().count(), m.is_hold());
        }
        crate::media::SdpFacts::of(&s)
    };
    for cut in 0..text.len() {
        dig(&text[..cut]);
    }
    let mut state = 3u64;
    for _ in 0..20_000 {
        let mut bytes = text.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % bytes.len();
            bytes[at] ^= 1 << (state >> 60 & 7);
        }
        assert!(dig(&bytes).media.len() <= 64);
    }
}
