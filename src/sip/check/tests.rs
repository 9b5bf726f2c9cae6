use super::defects;
use crate::sip::{DefectKind, Message, Outline};

/// Kinds and bytes of the defects of an OPTIONS with these header fields added.
fn found(fields: &str) -> Vec<(DefectKind, String)> {
    message(&format!(
        "OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n\
         To: <sip:b@example.com>\r\nFrom: <sip:a@example.com>;tag=1\r\nCall-ID: 1@x\r\nCSeq: 1 OPTIONS\r\n{fields}\r\n\r\n"
    ))
}

fn message(text: &str) -> Vec<(DefectKind, String)> {
    let mut outline = Outline::new();
    assert!(outline.read(text.as_bytes()));
    let mut out = Vec::new();
    defects(&Message::new(text.as_bytes(), &outline), &mut out);
    let at = |d: &crate::sip::Defect| String::from_utf8_lossy(d.span.of(text.as_bytes())).into_owned();
    out.iter().map(|d| (d.kind, at(d))).collect()
}

#[test]
fn well_formed_values_are_left_in_peace() {
    for field in [
        "Date: Sat, 13 Nov 2010 23:29:00 GMT",
        "Warning: 307 isi.edu:5060 \"Session parameter 'foo' not understood\", 399 x \"a, b\"",
        "Retry-After: 18000;duration=3600",
        "Retry-After: 120 (I'm in a meeting)",
        "Contact: *",
        "Contact: \"Mr. Watson\" <sip:watson@example.com>;q=0.7;expires=3600, \"W\" <mailto:w@example.com> ;q=0.1",
        "Contact: <sip:a@[2001:db8::1]:5060;transport=tcp?Subject=x%20y>;+sip.instance=\"<urn:uuid:1>\"",
        "Authorization: Digest username=\"bob\", realm=\"a, b\", nonce=\"84a4\", uri=\"sip:x\", qop=auth, nc=00000001",
        "Authorization: Bearer abc.def-ghi_/+==",
        "WWW-Authenticate: NoOneKnows opaque-data=here",
        "WWW-Authenticate: Digest Realm = \"a b\" , NONCE= \"n\\\"ce\", stale = FALSE",
        "Accept: application/sdp;level=1, application/x-private, text/html",
        "Accept:",
        "Supported:",
        "Subject:",
        "Alert-Info: <http://www.example.com/sounds/moo.wav>;x=1",
        "Timestamp: 54.6 0.01",
        "RAck: 776656 1 INVITE",
        "Session-Expires: 4000;refresher=uac",
        "Subscription-State: active;expires=60",
        "Route: <sip:p.example.com;lr>,<sip:q.example.com;lr>",
        "Refer-To: <sip:a@b?Replaces=1%40x%3Bto-tag%3D2>",
        "P-Asserted-Identity: tel:+14085264000",
        "In-Reply-To: 70710@saturn.example.com, 17320@saturn.example.com",
        "X-Unknown: ;;,,;;,; \"",
        "Contact: <sip:a@b>;x=\"\\\u{7}\"",
    ] {
        assert_eq!(found(field), [], "{field}");
    }
}

#[test]
fn each_broken_value_is_found_at_its_bytes() {
    use DefectKind::{HeaderMalformed, UriMalformed};
    for (field, kind, at) in [
        ("Date: Fri, 01 Jan 2010 16:00:00 EST", HeaderMalformed, "EST"),
        ("Date: Fri, 01 Jan 2010 25:00:00 GMT", HeaderMalformed, "25:00:00"),
        ("Date: yesterday", HeaderMalformed, "yesterday"),
        ("Warning: 1812 overture \"In Progress\"", HeaderMalformed, "1812"),
        ("Warning: 301 x bare", HeaderMalformed, "301 x bare"),
        ("Retry-After: soon", HeaderMalformed, "soon"),
        ("Expires: 10000000000000000000000000", HeaderMalformed, "10000000000000000000000000"),
        ("Contact: \"Joe\" <sip:joe@example.org>;;;;", HeaderMalformed, ";;;;"),
        ("Contact: <sip:joe@example.org>;expires=280297596632815", HeaderMalformed, "280297596632815"),
        ("Contact: <sip:joe@example.org>;q=1.5", HeaderMalformed, "1.5"),
        ("Contact: sip:user@example.com?Route=%3Csip:s%3E", HeaderMalformed, "?Route=%3Csip:s%3E"),
        ("Contact: Bell, Alexander <sip:a@b>", UriMalformed, "Bell"),
        ("Contact: Dr. [x] <sip:a@b>", HeaderMalformed, "Dr. [x]"),
        ("Contact: <sip:a@b> x", HeaderMalformed, "x"),
        ("Contact: <sip:a@b:port>", UriMalformed, "b:port"),
        ("Contact: <sip:a@b:65536>", UriMalformed, "b:65536"),
        ("Contact: <sip:a@2001:db8::1>", UriMalformed, "2001:db8::1"),
        ("Contact: <sip:a@[2001:db8::zz]>", UriMalformed, "[2001:db8::zz]"),
        ("Contact: <sip:a%4@b>", UriMalformed, "%4@"),
        ("Contact: <nothing>", UriMalformed, "nothing"),
        ("Route: <sip:p;lr>,,<sip:q;lr>", HeaderMalformed, "<sip:p;lr>,,<sip:q;lr>"),
        ("Via: SIP/2.0/UDP h;ttl=256;branch=z9hG4bKy", HeaderMalformed, "256"),
        ("Via: SIP/2.0/UDP h;branch=z9hG4bK", HeaderMalformed, "z9hG4bK"),
        ("Via: SIP/2.0/UDP h_:x;branch=z9hG4bKy", HeaderMalformed, "h_:x"),
        ("Authorization: Digest username=\"bob", HeaderMalformed, "\"bob"),
        ("Authorization: Digest username", HeaderMalformed, "username"),
        ("Allow: INVITE ACK", HeaderMalformed, "INVITE ACK"),
        ("Accept: sdp", HeaderMalformed, "sdp"),
        ("Alert-Info: http://x", HeaderMalformed, "http://x"),
        ("Subject: a\u{7}b", HeaderMalformed, "\u{7}"),
        ("RAck: 1 INVITE", HeaderMalformed, "1 INVITE"),
    ] {
        assert!(found(field).contains(&(kind, at.to_owned())), "{field} gives {:?}", found(field));
    }
}

#[test]
fn the_request_uri_has_rules_of_its_own() {
    let with = |uri: &str| {
        let rest = "Via: SIP/2.0/UDP h\r\nTo: sip:b\r\nFrom: sip:a\r\nCall-ID: 1\r\nCSeq: 1 ACK\r\n\r\n";
        let found = message(&format!("ACK {uri} SIP/2.0\r\n{rest}"));
        found.into_iter().filter(|(kind, _)| *kind == DefectKind::UriMalformed).map(|(_, at)| at).collect::<Vec<_>>()
    };
    assert_eq!(with("<sip:a@b>"), ["<sip:a@b>"]);
    assert_eq!(with("sip:a@b?Route=%3Cx%3E"), ["?Route=%3Cx%3E"]);
    assert_eq!(with("sip:2001:db8::10"), ["2001:db8::10"]);
    assert_eq!(with("sip:a?b@c"), [""; 0]);
    assert_eq!(with("sip:a@[2001:db8:::192.0.2.1]"), [""; 0]);
    assert_eq!(with("tel:+1-201-555-0123;phone-context=x"), [""; 0]);
}
