use super::{Reply, destination};
use crate::sip::{HeaderName, Message, Outline};
use std::net::SocketAddr;

fn answered(request: &str, source: &str, code: u16) -> (String, SocketAddr) {
    let mut outline = Outline::new();
    assert!(outline.read(request.as_bytes()));
    let message = Message::new(request.as_bytes(), &outline);
    let source = source.parse().unwrap();
    let mut out = b"left over".to_vec();
    Reply::to(&message, source, code, None, "our-tag", &mut out).finish();
    (String::from_utf8(out).unwrap(), destination(&message, source))
}

fn request(via: &str, more: &str) -> String {
    format!(
        "OPTIONS sip:bob@example.com SIP/2.0\r\nVia: {via}\r\n{more}From: <sip:a@x>;tag=1\r\nTo: <sip:bob@example.com>\r\n\
         Call-ID: i@x\r\nCSeq: 7 OPTIONS\r\nMax-Forwards: 70\r\n\r\n"
    )
}

fn via_of(via: &str, source: &str) -> (String, String) {
    let (answer, to) = answered(&request(via, ""), source, 200);
    let line = answer.lines().find_map(|l| l.strip_prefix("Via: ")).unwrap();
    (line.to_owned(), to.to_string())
}

#[test]
fn a_response_copies_what_rfc_3261_8_2_6_2_says_and_no_more() {
    let text = "INVITE sip:bob@b SIP/2.0\r\nv: SIP/2.0/UDP p1;branch=z9hG4bK1 ,\r\n SIP/2.0/TCP p2\r\n\
        Via: SIP/2.0/UDP p3;branch=z9hG4bK3\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n\
        f: \"A\" <sip:a@x>;tag=1\r\nt: sip:bob@b\r\ni: id@x\r\nCSeq: 314159  INVITE\r\nTimestamp: 54\r\n\
        Subject: no\r\nMax-Forwards: 7\r\nContent-Length: 0\r\n\r\n";
    let (answer, _) = answered(text, "192.0.2.9:5060", 180);
    let expected = "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP p1;branch=z9hG4bK1;received=192.0.2.9 ,   SIP/2.0/TCP p2\r\n\
        Via: SIP/2.0/UDP p3;branch=z9hG4bK3\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n\
        From: \"A\" <sip:a@x>;tag=1\r\nTo: sip:bob@b;tag=our-tag\r\nCall-ID: id@x\r\nCSeq: 314159  INVITE\r\n\
        Content-Length: 0\r\n\r\n";
    assert_eq!(answer, expected);
    // RFC 3261 §8.2.6.1: no tag in a 100, and the Timestamp comes back.
    let (trying, _) = answered(text, "192.0.2.9:5060", 100);
    assert!(trying.contains("To: sip:bob@b\r\n") && trying.contains("Timestamp: 54\r\n"), "{trying}");
    assert!(!trying.contains("Record-Route"), "{trying}");
    let (refused, _) = answered(text, "192.0.2.9:5060", 486);
    assert!(!refused.contains("Record-Route") && !refused.contains("Timestamp"), "{refused}");
}

#[test]
fn a_to_tag_that_is_there_stays() {
    let text = request("SIP/2.0/UDP h;branch=z9hG4bK1", "").replace("To: <sip:bob@example.com>", "To: <sip:b@b>;tag=x");
    assert!(answered(&text, "192.0.2.1:5060", 200).0.contains("\r\nTo: <sip:b@b>;tag=x\r\n"));
}

/// RFC 3261 §18.2.1, with its own example: sent-by bobspc.biloxi.com:5060 from 192.0.2.4.
#[test]
fn received_is_added_where_sent_by_is_not_the_source() {
    let via = "SIP/2.0/UDP bobspc.biloxi.com:5060;branch=z9hG4bK1";
    assert_eq!(via_of(via, "192.0.2.4:5060").0, format!("{via};received=192.0.2.4"));
    let same = "SIP/2.0/UDP 192.0.2.4:5070;branch=z9hG4bK1";
    assert_eq!(via_of(same, "192.0.2.4:9999"), (same.to_owned(), "192.0.2.4:5070".to_owned()));
    let six = "SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bK1";
    assert_eq!(via_of(six, "[2001:db8::9]:9999").0, six);
    assert_eq!(via_of(six, "[2001:db8::8]:1").0, format!("{six};received=2001:db8::8"));
    // A socket of both families names IPv4 in the form of IPv6.
    assert_eq!(via_of(same, "[::ffff:192.0.2.4]:9999").0, same);
}

/// RFC 3581 §4, and its example in §6.1.
#[test]
fn rport_is_filled_in_where_it_was_asked_for() {
    let (via, to) = via_of("SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff", "192.0.2.1:9988");
    assert_eq!(via, "SIP/2.0/UDP 10.1.1.1:4540;rport=9988;branch=z9hG4bKkjshdyff;received=192.0.2.1");
    assert_eq!(to, "192.0.2.1:9988");
    // received comes with rport even where it says nothing new.
    let (via, _) = via_of("SIP/2.0/UDP 192.0.2.1:4540;rport;branch=z9hG4bK1", "192.0.2.1:9988");
    assert!(via.ends_with(";rport=9988;branch=z9hG4bK1;received=192.0.2.1"), "{via}");
}

#[test]
fn what_a_client_claims_of_its_address_is_not_believed() {
    let claims =
        "SIP/2.0/UDP h:5080;branch=z9hG4bK1;received=198.51.100.1;rport=53;maddr=198.51.100.2;RPORT=54;x=\"a;b\"";
    let (via, to) = via_of(claims, "192.0.2.1:4000");
    assert_eq!(via, "SIP/2.0/UDP h:5080;branch=z9hG4bK1;rport=4000;maddr=198.51.100.2;x=\"a;b\";received=192.0.2.1");
    assert_eq!(to, "192.0.2.1:4000");
    let (_, to) = via_of("SIP/2.0/UDP h;branch=z9hG4bK1;maddr=198.51.100.2", "192.0.2.1:4000");
    assert_eq!(to, "192.0.2.1:5060");
    let (_, to) = via_of("SIP/2.0/UDP h:0;branch=z9hG4bK1", "192.0.2.1:4000");
    assert_eq!(to, "192.0.2.1:4000");
}

#[test]
fn no_value_starts_a_header_field_of_its_own() {
    let text =
        request("SIP/2.0/UDP h;branch=z9hG4bK1", "").replace("<sip:a@x>;tag=1", "<sip:a@x>\r\n ;tag=1\r\n\tEvil: 1");
    let (answer, _) = answered(&text, "192.0.2.1:4000", 200);
    assert!(answer.contains("From: <sip:a@x>   ;tag=1  \tEvil: 1\r\n"), "{answer}");
    let mut outline = Outline::new();
    assert!(outline.read(text.as_bytes()));
    let mut out = Vec::new();
    let message = Message::new(text.as_bytes(), &outline);
    let mut reply = Reply::to(&message, "192.0.2.1:1".parse().unwrap(), 400, Some("a\r\nEvil: 1"), "t", &mut out);
    reply.field(HeaderName::Server, "x\r\nEvil: 2").finish();
    let answer = String::from_utf8(out).unwrap();
    assert!(
        answer.starts_with("SIP/2.0 400 a  Evil: 1\r\nVia") && answer.contains("Server: x  Evil: 2\r\n"),
        "{answer}"
    );
}
