//! The bytes that findings quote: what a span of the JSON covers, and what stands above the carets of the text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::room::Room;

/// For the capture of each code: the message and the bytes that its finding quotes, in order.
const QUOTED: &[(&str, &[(u64, &str)])] = &[
    ("alg-suspected", &[(0, "c=IN IP4 192.0.2.10"), (1, "c=IN IP4 203.0.113.1")]),
    ("auth-basic", &[(2, "Basic")]),
    ("auth-no-credentials", &[(1, "Digest realm=\"example.com\", nonce=\"n9\", algorithm=MD5, qop=\"auth\"")]),
    ("auth-nonce-reused", &[(5, "n2"), (6, "n1")]),
    ("auth-realm-mismatch", &[(1, "example.com"), (2, "old.example.com")]),
    ("auth-uri-mismatch", &[(2, "sip:registrar.example.net"), (2, "sip:example.com")]),
    ("auth-weak", &[(1, "MD5")]),
    ("auth-wrong-credentials", &[(2, "alice"), (3, "401 Unauthorized")]),
    ("binding-missing", &[(0, "sip:alice@192.0.2.10:5060"), (1, "<sip:desk@198.51.100.77:5060>;expires=600")]),
    ("codec-none-common", &[(0, "m=audio 40000 RTP/AVP 0 8 101"), (2, "m=audio 50000 RTP/AVP 18 101")]),
    ("codec-not-offered", &[(0, "m=audio 40000 RTP/AVP 0 8 101"), (2, "m=audio 50000 RTP/AVP 18 0 101")]),
    ("crypto-missing", &[(0, "m=audio 40000 RTP/SAVP 0 8 101")]),
    ("direction-conflict", &[(0, "a=sendonly"), (2, "a=sendonly")]),
    ("dtls-missing", &[(2, "m=audio 50000 UDP/TLS/RTP/SAVPF 0 101")]),
    ("dtmf-lost", &[(0, "m=audio 40000 RTP/AVP 0 8 101"), (2, "m=audio 50000 RTP/AVP 0")]),
    ("hold", &[(4, "a=sendonly")]),
    ("loop", &[(2, "14"), (6, "12"), (10, "10"), (14, "8"), (32, "483 Too Many Hops")]),
    ("max-forwards-kept", &[(0, "70"), (2, "70")]),
    ("max-forwards-low", &[(0, "9")]),
    ("media-rejected", &[(0, "m=audio 40000 RTP/AVP 0 8 101"), (2, "m=audio 0 RTP/AVP 0 101")]),
    ("media-source-mismatch", &[(2, "c=IN IP4 198.51.100.20")]),
    ("nat-contact", &[(0, "<sip:alice@192.168.1.10:5060>")]),
    ("nat-sdp", &[(0, "c=IN IP4 192.168.1.10")]),
    ("nat-via", &[(0, "192.168.1.10:5060")]),
    ("payload-type-changed", &[(0, "a=rtpmap:101 telephone-event/8000"), (2, "a=rtpmap:96 telephone-event/8000")]),
    ("account-compromised", &[(24, "REGISTER"), (25, "200 OK")]),
    ("early-media", &[(1, "183 Session Progress")]),
    ("fragment-lost", &[(2, "INVITE")]),
    ("icmp-unreachable", &[(0, "REGISTER")]),
    ("late-media", &[(0, "m=audio 40000 RTP/AVP 0 8 101"), (2, "m=audio 50000 RTP/AVP 0 101")]),
    ("no-audio", &[(2, "m=audio 30002 RTP/AVP 0 8 101"), (5, "m=audio 50000 RTP/AVP 0 101")]),
    ("no-response", &[(0, "INVITE")]),
    ("one-way-audio", &[(0, "m=audio 40000 RTP/AVP 0 8 101"), (2, "m=audio 50000 RTP/AVP 0 101")]),
    ("plain-on-tls-port", &[(0, "OPTIONS")]),
    ("post-dial-delay", &[(0, "INVITE"), (3, "180 Ringing")]),
    ("retransmission", &[(0, "INVITE")]),
    ("slow-response", &[(0, "OPTIONS"), (1, "200 OK")]),
    ("tcp-closed", &[(0, "INVITE")]),
    ("tcp-reset", &[(0, "INVITE")]),
    ("timer-violation", &[(0, "INVITE")]),
    ("response-mismatch", &[(0, "1 OPTIONS"), (1, "2 OPTIONS")]),
    ("register-lapsed", &[(1, "expires=60"), (2, "3 REGISTER")]),
    ("register-refused", &[(1, "404 Not Found")]),
    ("register-too-brief", &[(0, "60"), (1, "300")]),
    ("sdp-answer-missing", &[(0, "m=audio 40000 RTP/AVP 0 8 101"), (2, "200 OK")]),
    ("sdp-answer-shape", &[(0, "m=audio 40000 RTP/AVP 0 8 101"), (2, "m=audio 50000 RTP/AVP 0 101")]),
    ("srtp-mismatch", &[(0, "m=audio 40000 RTP/SAVP 0 8 101"), (2, "m=audio 50000 RTP/AVP 0 101")]),
    ("abrupt-end", &[(5, "BYE")]),
    ("ack-mismatch", &[(2, "bob-1"), (3, "bob-9")]),
    ("ack-missing", &[(2, "200 OK"), (2, "<sip:bob@198.51.100.20:5060>")]),
    ("bye-rejected", &[(6, "403 Forbidden")]),
    ("call-busy", &[(2, "486 Busy Here"), (2, "Q.850;cause=17;text=\"User busy\"")]),
    ("call-cancelled", &[(3, "CANCEL")]),
    ("call-open", &[(2, "200 OK")]),
    ("call-redirected", &[(2, "<sip:carol@198.51.100.30>;q=0.9, <sip:bob@voicemail.example.com>;q=0.1")]),
    ("call-rejected", &[(2, "404 Not Found")]),
    ("call-unanswered", &[(2, "408 Request Timeout")]),
    ("cancel-crossed-answer", &[(2, "CANCEL"), (3, "200 OK")]),
    ("contact-missing", &[(2, "200 OK")]),
    ("cseq-not-increasing", &[(5, "7 INFO"), (7, "2 BYE")]),
    ("dialog-unknown", &[(5, "alice-1"), (5, "bob-1"), (6, "481 Call/Transaction Does Not Exist")]),
    ("forked-answers", &[(8, "bob-1"), (12, "carol-1")]),
    ("glare", &[(6, "1 INVITE"), (5, "2 INVITE"), (7, "491 Request Pending")]),
    (
        "media-not-acceptable",
        &[
            (0, "m=audio 40000 RTP/AVP 0 8 101"),
            (2, "488 Not Acceptable Here"),
            (2, "304 example.com \"Media type not available\""),
        ],
    ),
    ("prack-missing", &[(2, "71")]),
    ("reinvite-rejected", &[(5, "m=audio 40000 RTP/AVP 0 101"), (6, "488 Not Acceptable Here")]),
    ("request-refused", &[(1, "404 Not Found")]),
    ("route-set-ignored", &[(6, "<sip:192.0.2.1:5060;lr>"), (9, "sip:bob@198.51.100.20:5060")]),
    ("session-expired", &[(2, "90;refresher=uac")]),
    ("session-interval-too-small", &[(0, "120"), (1, "1800")]),
    ("to-tag-missing", &[(1, "<sip:bob@example.com>")]),
    ("transfer", &[(9, "<sip:carol@example.com>"), (17, "SIP/2.0 200 OK")]),
];

/// The first finding of a code in its capture, and the messages.
fn found(code: &str, options: &[&str]) -> (Value, Value) {
    let path = format!("findings/{code}.pcap");
    let ran = Room::new().decode(&[&["--json", "--raw", &path], options].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let finding = document["findings"].as_array().unwrap().iter().find(|f| f["code"] == code);
    (finding.unwrap_or_else(|| panic!("no {code}")).clone(), document["messages"].clone())
}

fn quoted(code: &str, options: &[&str]) -> Vec<(u64, String)> {
    let (finding, messages) = found(code, options);
    let number = |value: &Value| value.as_u64().unwrap();
    let span = |span: &Value| {
        let message = number(&span["message"]);
        let raw = messages[message as usize]["raw"].as_str().unwrap();
        assert_eq!(messages[message as usize]["index"], span["message"]);
        (message, raw[number(&span["start"]) as usize..number(&span["end"]) as usize].to_owned())
    };
    finding["spans"].as_array().unwrap().iter().map(span).collect()
}

#[test]
fn each_finding_quotes_the_bytes_that_prove_it() {
    let mut wrong = Vec::new();
    for (code, expected) in QUOTED {
        let found = quoted(code, &[]);
        let expected: Vec<(u64, String)> = expected.iter().map(|(at, text)| (*at, (*text).to_owned())).collect();
        if found != expected {
            wrong.push(format!("{code}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_text_shows_the_lines_with_carets_under_those_bytes() {
    let ran = Room::new().decode(&["findings/ack-mismatch.pcap", "--ascii", "--width", "120"]);
    let shown = |line: &str, carets: &str| {
        let lines: Vec<&str> = ran.stdout.lines().collect();
        let at = lines.iter().position(|l| l.ends_with(line)).unwrap_or_else(|| panic!("no {line} in {}", ran.stdout));
        assert!(lines[at + 1].ends_with(carets), "{:#?}", &lines[at..at + 2]);
        assert_eq!(lines[at].find("bob-"), lines[at + 1].find('^'), "{:#?}", &lines[at..at + 2]);
    };
    shown("To: <sip:bob@example.com>;tag=bob-1", "^^^^^ the To tag of the answer");
    shown("To: <sip:bob@example.com>;tag=bob-9", "^^^^^ the To tag of the ACK");
}

#[test]
fn without_details_nothing_is_remembered_and_a_selection_quotes_the_same() {
    let room = Room::new();
    let whole = found("ack-mismatch", &[]).0;
    assert_eq!(found("ack-mismatch", &["--finding", "ack-mismatch"]).0, whole);
    room.decode(&["findings/ack-mismatch.pcap", "--summary"]).ends(0, "");
    let lines = room.decode(&["findings/ack-mismatch.pcap", "-f", "ndjson"]).lines();
    let finding = lines.iter().find(|line| line["type"] == "finding" && line["code"] == "ack-mismatch").unwrap();
    assert_eq!(finding["spans"], whole["spans"]);
}
