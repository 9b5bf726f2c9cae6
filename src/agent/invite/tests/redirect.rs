//! 3xx, and the INVITE again with less or more. RFC 3261 §8.1.3.4, §8.1.3.5, RFC 4028 §7.3, RFC 3665 §3.6

use super::*;
use crate::agent::invite::Problem;

fn contacts(list: &str) -> String {
    format!("Contact: {list}\r\n")
}

#[test]
fn a_redirection_is_followed_as_in_rfc_3665_3_6() {
    let mut bench = Bench::new(|_| {});
    let first = bench.last("INVITE").text;
    bench.answer("302 Moved Temporarily", "53fHlqlQ2", &contacts("<sip:bob@chicago.example.com;transport=tcp>"), "");
    assert_eq!(bench.words(), "INVITE ACK INVITE");
    let again = bench.last("INVITE");
    assert!(again.text.starts_with("INVITE sip:bob@chicago.example.com;transport=tcp SIP/2.0\r\n"));
    for name in ["To", "From", "Call-ID"] {
        assert_eq!(value(&again.text, name), value(&first, name));
    }
    assert_eq!((value(&again.text, "CSeq"), body(&again.text), again.way), ("2 INVITE", body(&first), 1));
    assert_eq!(bench.places[1], Place::Uri("sip:bob@chicago.example.com;transport=tcp".to_owned()));
    bench.answer("200 OK", "b1", "Contact: <sip:bob@198.51.100.7>\r\n", ANSWER);
    assert_eq!(bench.record().redirects, ["sip:bob@chicago.example.com;transport=tcp"]);
    let tries: Vec<_> = bench.record().tries.iter().map(|t| (t.candidate, t.status)).collect();
    assert_eq!(tries, [(Some(0), Some(302)), (None, Some(200))]);
    let why: Vec<_> = bench
        .events
        .iter()
        .filter_map(|e| if let Event::Inviting { why, .. } = e { Some(*why) } else { None })
        .collect();
    assert_eq!(why, [None, Some("redirection")]);
}

#[test]
fn contacts_are_tried_by_q_and_only_what_is_sip() {
    let mut bench = Bench::new(|_| {});
    let list = "<sip:third@c.example.com>;q=0.1, <mailto:bob@example.com>;q=1.0, <sip:first@a.example.com>;q=0.9, \
        \"B, b\" <sips:second@b.example.com?Subject=x>;q=0.5, <tel:+15550100>";
    bench.answer("300 Multiple Choices", "r", &contacts(list), "");
    bench.answer("486 Busy Here", "x", "", "");
    bench.answer("404 Not Found", "x", "", "");
    bench.answer("480 Temporarily Unavailable", "x", "", "");
    let uris: Vec<String> = bench.all("INVITE").iter().map(|s| s.text.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(uris[1..], ["sip:first@a.example.com", "sips:second@b.example.com", "sip:third@c.example.com"]);
    bench.is_over(EndedBy::Refusal);
    assert_eq!(bench.record().last_response.as_ref().unwrap().0, 480);
}

#[test]
fn a_6xx_ends_the_search() {
    let mut bench = Bench::new(|_| {});
    bench.answer("300 Multiple Choices", "r", &contacts("<sip:a@a.example.com>, <sip:b@b.example.com>"), "");
    bench.answer("603 Decline", "x", "", "");
    bench.is_over(EndedBy::Refusal);
    assert_eq!(bench.all("INVITE").len(), 2);
}

#[test]
fn a_loop_is_refused() {
    let mut bench = Bench::new(|_| {});
    bench.answer("302 Moved Temporarily", "r", &contacts("<sip:bob@two.example.com>"), "");
    bench.answer("302 Moved Temporarily", "r", &contacts("<SIP:bob@BILOXI.example.com>"), "");
    bench.is_over(EndedBy::Refusal);
    assert_eq!(bench.record().problems, [Problem::RedirectLoop(b"SIP:bob@BILOXI.example.com".to_vec())]);
    assert_eq!(bench.all("INVITE").len(), 2);
}

#[test]
fn no_more_redirections_than_are_allowed() {
    let mut bench = Bench::new(|o| o.max_redirects = 2);
    for n in 0..9 {
        if bench.ended().is_none() {
            bench.answer("302 Moved Temporarily", "r", &contacts(&format!("<sip:bob@h{n}.example.com>")), "");
        }
    }
    bench.is_over(EndedBy::Refusal);
    assert_eq!((bench.all("INVITE").len(), &bench.record().problems[..]), (3, &[Problem::TooManyRedirects][..]));
}

#[test]
fn a_redirection_to_nobody_is_told() {
    for fields in ["", "Contact: <mailto:bob@example.com>\r\n", "Contact: *\r\n", "Contact: <sip:>\r\n"] {
        let mut bench = Bench::new(|_| {});
        bench.answer("301 Moved Permanently", "r", fields, "");
        bench.is_over(EndedBy::Refusal);
        assert_eq!(bench.record().problems, [Problem::NoRedirectTarget], "{fields}");
    }
}

#[test]
fn with_an_outbound_proxy_the_redirected_call_goes_through_it() {
    let mut bench = Bench::new(|o| o.identity.route = Some("sip:192.0.2.9".to_owned()));
    bench.answer("302 Moved Temporarily", "r", &contacts("<sip:bob@two.example.com>"), "");
    let again = bench.last("INVITE");
    assert_eq!((again.way, value(&again.text, "Route")), (0, "<sip:192.0.2.9;lr>"));
    assert!(again.text.starts_with("INVITE sip:bob@two.example.com "));
    assert_eq!(bench.places.len(), 1);
}

#[test]
fn a_contact_that_cannot_be_reached_is_passed_over() {
    let mut bench = Bench::new(|_| {});
    bench.closed = vec!["down"];
    bench.answer("302 Moved", "r", &contacts("<sip:a@down.example.com>;q=1, <sip:b@up.example.com>;q=0.5"), "");
    assert!(bench.last("INVITE").text.starts_with("INVITE sip:b@up.example.com "));
    assert_eq!(bench.record().tries.iter().filter(|t| t.error.is_some()).count(), 1);
}

#[test]
fn a_422_makes_the_interval_longer() {
    let mut bench = Bench::new(|o| o.session_expires = Some(90));
    assert_eq!(value(&bench.last("INVITE").text, "Session-Expires"), "90");
    bench.answer("422 Session Interval Too Small", "x", "Min-SE: 1800\r\n", "");
    let again = bench.last("INVITE").text;
    assert_eq!(
        (value(&again, "Session-Expires"), value(&again, "Min-SE"), value(&again, "CSeq")),
        ("1800", "1800", "2 INVITE")
    );
    // Twice it may grow, no more; and it never shrinks.
    bench.answer("422 Session Interval Too Small", "x", "Min-SE: 3600\r\n", "");
    bench.answer("422 Session Interval Too Small", "x", "Min-SE: 7200\r\n", "");
    bench.is_over(EndedBy::Refusal);
    assert_eq!(bench.all("INVITE").len(), 3);
    let mut bench = Bench::new(|o| o.session_expires = Some(90));
    bench.answer("422 Session Interval Too Small", "x", "", "");
    bench.is_over(EndedBy::Refusal);
}

#[test]
fn a_420_is_answered_by_an_invite_without_the_extension() {
    let mut bench = Bench::new(|_| {});
    bench.answer("420 Bad Extension", "x", "Unsupported: 100rel\r\n", "");
    assert_eq!(value(&bench.last("INVITE").text, "Supported"), "timer");
    bench.answer("420 Bad Extension", "x", "Unsupported: 100rel\r\n", "");
    bench.is_over(EndedBy::Refusal);
    assert_eq!(bench.all("INVITE").len(), 2);
}

#[test]
fn a_421_is_answered_by_an_invite_with_the_extension_if_we_have_it() {
    let mut bench = Bench::new(|_| {});
    bench.answer("420 Bad Extension", "x", "Unsupported: 100rel\r\n", "");
    bench.answer("421 Extension Required", "x", "Require: 100rel\r\n", "");
    assert_eq!(value(&bench.last("INVITE").text, "Supported"), "100rel, timer");
    // Who cannot make up its mind is not followed for ever.
    bench.answer("420 Bad Extension", "x", "Unsupported: 100rel\r\n", "");
    bench.is_over(EndedBy::Refusal);
    assert_eq!(bench.all("INVITE").len(), 3);
    // Who does without it keeps to that.
    let mut bench = Bench::new(|o| o.has_reliable = false);
    bench.answer("421 Extension Required", "x", "Require: 100rel\r\n", "");
    bench.is_over(EndedBy::Refusal);
    let mut bench = Bench::new(|_| {});
    bench.answer("421 Extension Required", "x", "Require: outbound\r\n", "");
    bench.is_over(EndedBy::Refusal);
    assert_eq!(bench.record().problems, [Problem::BadExtension(b"outbound".to_vec())]);
}
