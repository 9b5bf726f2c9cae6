use super::{Draft, Identity};
use crate::base::Entropy;
use crate::sip::{HeaderName, Message, Outline, check};
use crate::transport::{LineFacts, Protocol};

fn line(protocol: Protocol, local: &str) -> LineFacts {
    let (local, peer) = (local.parse().unwrap(), "192.0.2.9:5060".parse().unwrap());
    LineFacts { protocol, local, peer, connect: None, tls_time: None, tls: None }
}

fn udp() -> LineFacts {
    line(Protocol::Udp, "192.0.2.1:5070")
}

fn draft() -> Draft {
    Draft::new("OPTIONS", "sip:bob@example.com", "<sip:bob@example.com>", &mut Entropy::seeded(1))
}

fn identity(headers: &[(&str, &str)]) -> Identity {
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Identity { headers, user_agent: "sipctl/test".to_owned(), ..Identity::default() }
}

/// The message, which has no defect.
fn sound(draft: &Draft, identity: &Identity, line: &LineFacts) -> String {
    let bytes = draft.compose(identity, line, "z9hG4bKb1", &[]);
    let mut outline = Outline::new();
    assert!(outline.read(&bytes));
    let mut defects = Vec::new();
    check::defects(&Message::new(&bytes, &outline), &mut defects);
    let text = String::from_utf8(bytes).unwrap();
    assert!(defects.is_empty(), "{defects:?} in {text}");
    text
}

/// The values of a header field, as they stand.
fn values(text: &str, name: HeaderName) -> Vec<String> {
    let mut outline = Outline::new();
    assert!(outline.read(text.as_bytes()));
    let message = Message::new(text.as_bytes(), &outline);
    message.headers(name).map(|v| String::from_utf8(v.to_vec()).unwrap()).collect()
}

#[test]
fn a_request_has_all_that_rfc_3261_8_1_1_wants() {
    let draft = draft();
    let text = sound(&draft, &identity(&[]), &udp());
    let (tag, call_id) = (&draft.from_tag, &draft.call_id);
    let expected = format!(
        "OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKb1;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:sipctl@192.0.2.1>;tag={tag}\r\nTo: <sip:bob@example.com>\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\nContact: <sip:sipctl@192.0.2.1:5070>\r\n\
         User-Agent: sipctl/test\r\nContent-Length: 0\r\n\r\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn via_and_contact_name_transport_and_address() {
    let sips = Draft { uri: "sips:bob@example.com".to_owned(), ..draft() };
    for (draft, protocol, via, contact) in [
        (draft(), Protocol::Udp, "UDP", "<sip:sipctl@[2001:db8::1]:5070>"),
        (draft(), Protocol::Tcp, "TCP", "<sip:sipctl@[2001:db8::1]:5070;transport=tcp>"),
        (draft(), Protocol::Tls, "TLS", "<sip:sipctl@[2001:db8::1]:5070;transport=tls>"),
        (draft(), Protocol::Ws, "WS", "<sip:sipctl@[2001:db8::1]:5070;transport=ws>"),
        (draft(), Protocol::Wss, "WSS", "<sip:sipctl@[2001:db8::1]:5070;transport=ws>"),
        (sips.clone(), Protocol::Tls, "TLS", "<sips:sipctl@[2001:db8::1]:5070>"),
        (sips, Protocol::Wss, "WSS", "<sips:sipctl@[2001:db8::1]:5070;transport=ws>"),
    ] {
        let text = sound(&draft, &identity(&[]), &line(protocol, "[2001:db8::1]:5070"));
        let expected = format!("SIP/2.0/{via} [2001:db8::1]:5070;branch=z9hG4bKb1;rport");
        assert_eq!(values(&text, HeaderName::Via), [expected]);
        assert_eq!(values(&text, HeaderName::Contact), [contact]);
        let from = format!("<sip:sipctl@[2001:db8::1]>;tag={}", draft.from_tag);
        assert_eq!(values(&text, HeaderName::From), [from]);
    }
}

#[test]
fn a_contact_is_ours_with_parameters_or_as_given_or_left_out() {
    let contact = |user: Option<&str>, params: &str| {
        let draft = Draft { contact_user: user.map(str::to_owned), contact_params: params.to_owned(), ..draft() };
        values(&sound(&draft, &identity(&[]), &udp()), HeaderName::Contact)
    };
    assert_eq!(contact(Some("a"), ";expires=60"), ["<sip:a@192.0.2.1:5070>;expires=60"]);
    assert_eq!(contact(Some("a"), "*"), ["*"]);
    assert_eq!(contact(None, "<sip:x@y>;q=0.5"), ["<sip:x@y>;q=0.5"]);
    assert_eq!(contact(None, ""), [] as [&str; 0]);
}

#[test]
fn who_we_are_stands_in_from_with_our_tag() {
    for (typed, written) in [
        ("sip:alice@example.com;user=phone", "<sip:alice@example.com;user=phone>;tag="),
        ("\"Alice\" <sip:alice@example.com>", "\"Alice\" <sip:alice@example.com>;tag="),
        ("alice@example.com", "<sip:alice@example.com>;tag="),
    ] {
        let identity = Identity { from: Some(typed.to_owned()), ..identity(&[]) };
        let draft = draft();
        let text = sound(&draft, &identity, &udp());
        assert_eq!(values(&text, HeaderName::From), [format!("{written}{}", draft.from_tag)]);
    }
    let tagged = Identity { from: Some("<sip:a@b>;tag=mine".to_owned()), ..identity(&[]) };
    assert_eq!(values(&sound(&draft(), &tagged, &udp()), HeaderName::From), ["<sip:a@b>;tag=mine"]);
}

#[test]
fn the_outbound_proxy_is_a_loose_route() {
    for (typed, written) in [
        ("sip:proxy.example.com:5080;transport=tcp", "<sip:proxy.example.com:5080;transport=tcp;lr>"),
        ("sip:proxy.example.com;lr", "<sip:proxy.example.com;lr>"),
        ("proxy.example.com", "<sip:proxy.example.com;lr>"),
        ("<sip:strict.example.com>", "<sip:strict.example.com>"),
    ] {
        let identity = Identity { route: Some(typed.to_owned()), ..identity(&[]) };
        assert_eq!(values(&sound(&draft(), &identity, &udp()), HeaderName::Route), [written]);
    }
}

#[test]
fn credentials_fields_and_a_body_follow() {
    let draft = Draft {
        fields: vec![(HeaderName::Accept, "application/sdp".to_owned()), (HeaderName::Expires, "60".to_owned())],
        content_type: "text/plain".to_owned(),
        body: b"hello".to_vec(),
        ..draft()
    };
    let answer = "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"sip:x\", response=\"0123456789abcdef\"";
    let credentials = [(HeaderName::ProxyAuthorization, answer.to_owned())];
    let bytes = draft.compose(&identity(&[]), &udp(), "z9hG4bKb1", &credentials);
    let text = String::from_utf8(bytes).unwrap();
    let expected = format!(
        "Proxy-Authorization: {answer}\r\nAccept: application/sdp\r\nExpires: 60\r\nUser-Agent: sipctl/test\r\n\
         Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
    );
    assert!(text.ends_with(&expected), "{text}");
}

#[test]
fn header_fields_given_by_hand_replace_ours_in_their_place() {
    let headers = [
        ("f", "nonsense"),
        ("Max-Forwards", "300"),
        ("X-One", "1"),
        ("call-id", "mine"),
        ("User-Agent", "other/1"),
        ("Contact", "<sip:a@b>"),
        ("Contact", "<sip:c@d>"),
        ("To", "<sip:elsewhere@example.com>"),
    ];
    let text = String::from_utf8(draft().compose(&identity(&headers), &udp(), "z9hG4bKb1", &[])).unwrap();
    let expected = "OPTIONS sip:bob@example.com SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKb1;rport\r\nMax-Forwards: 300\r\nf: nonsense\r\n\
        To: <sip:elsewhere@example.com>\r\ncall-id: mine\r\nCSeq: 1 OPTIONS\r\nContact: <sip:a@b>\r\n\
        Contact: <sip:c@d>\r\nUser-Agent: other/1\r\nX-One: 1\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(text, expected);
}

#[test]
fn via_cseq_and_content_length_are_not_given_by_hand() {
    let headers = [("v", "SIP/2.0/UDP evil"), ("CSeq", "9 BYE"), ("l", "99"), ("Content-Type", "text/plain")];
    let text = String::from_utf8(draft().compose(&identity(&headers), &udp(), "z9hG4bKb1", &[])).unwrap();
    assert_eq!(values(&text, HeaderName::Via), ["SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKb1;rport"]);
    assert_eq!(values(&text, HeaderName::CSeq), ["1 OPTIONS"]);
    assert_eq!(values(&text, HeaderName::ContentLength), ["0"]);
    assert_eq!(values(&text, HeaderName::ContentType), ["text/plain"]);
}

#[test]
fn no_value_starts_a_header_field_of_its_own() {
    let draft = Draft { to: "<sip:a@b>\r\nEvil: 1".to_owned(), ..draft() };
    let text = String::from_utf8(draft.compose(&identity(&[("X", "1\r\nEvil: 2")]), &udp(), "b", &[])).unwrap();
    assert!(!text.contains("\nEvil"), "{text}");
}
