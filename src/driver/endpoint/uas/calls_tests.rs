//! Calls in virtual time: what is said when, to whom, and that none stays.

mod dialog;
mod offers;

use super::{Calls, Plan, Uas};
use crate::base::Entropy;
use crate::driver::endpoint::engine::tests::Bench;
use crate::driver::endpoint::studio::Wish;
use crate::driver::endpoint::{Handled, Role};
use crate::media::negotiator::{Agreed, Local};
use std::time::Duration;

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n\
                     a=rtpmap:101 telephone-event/8000\r\n";

/// A server whose media opens at once, and what it wished.
struct Phone {
    bench: Bench<Uas>,
    agreed: Vec<Agreed>,
    ended: u32,
    digits: String,
}

impl Phone {
    fn new(plan: Plan) -> Phone {
        let uas = Uas { calls: Some(Calls::new(plan, Entropy::seeded(3))), ..Uas::default() };
        Phone { bench: Bench::new(uas), agreed: Vec::new(), ended: 0, digits: String::new() }
    }

    fn media(&mut self) {
        let now = self.bench.now;
        while let Some(wish) = self.bench.endpoint.role().poll_media() {
            match wish {
                Wish::Open { call, address } => {
                    let local = Local { address, rtp: 30_000, rtcp: 30_001 };
                    self.bench.endpoint.role().media_opened(call, Some(local), now);
                }
                Wish::Agree { agreed, .. } => self.agreed.push(*agreed),
                Wish::Digit { digit, .. } => self.digits.push(digit),
                Wish::End { .. } => self.ended += 1,
            }
        }
    }

    fn put(&mut self, text: &str) -> Vec<String> {
        self.bench.put(text);
        self.media();
        self.bench.sent()
    }

    fn pass(&mut self, ms: u64) -> Vec<String> {
        let sent = self.bench.pass(ms);
        self.media();
        sent
    }

    fn is_busy(&mut self) -> bool {
        self.bench.endpoint.role().is_busy()
    }
}

/// A request of the caller: method, CSeq, branch, To tag, more header fields, body.
fn request(method: &str, cseq: u32, branch: &str, tag: &str, more: &str, body: &str) -> String {
    let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    let number = cseq;
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{branch};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@127.0.0.1>;tag=a1\r\nTo: <sip:bob@127.0.0.1>{tag}\r\nCall-ID: c@x\r\n\
         CSeq: {number} {method}\r\nContact: <sip:alice@127.0.0.1:5071>\r\n{more}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn invite(more: &str, body: &str) -> String {
    request("INVITE", 1, "i1", "", more, body)
}

fn tag(response: &str) -> String {
    let to = response.lines().find(|l| l.starts_with("To: ")).unwrap();
    to.split_once(";tag=").unwrap().1.to_owned()
}

fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").unwrap().1
}

fn starts(sent: &[String], expected: &[&str]) {
    let firsts: Vec<&str> = sent.iter().map(|s| s.lines().next().unwrap()).collect();
    assert_eq!(firsts.len(), expected.len(), "{firsts:?}");
    for (first, expected) in firsts.iter().zip(expected) {
        assert!(first.contains(expected), "{firsts:?}, not {expected}");
    }
}

#[test]
fn a_call_is_answered_acknowledged_and_ended() {
    let mut phone = Phone::new(Plan::default());
    let sent = phone.put(&invite("", OFFER));
    starts(&sent, &["200 OK"]);
    assert!(
        sent[0].contains("\r\nContact: <sip:127.0.0.1:5060>\r\n") && sent[0].contains("m=audio 30000 RTP/AVP 0 101")
    );
    let tag = tag(&sent[0]);
    assert_eq!((phone.agreed.len(), phone.agreed[0].remote), (1, Some("127.0.0.1:4000".parse().unwrap())));
    // A repeat of the INVITE brings the answer out again.
    starts(&phone.put(&invite("", OFFER)), &["200 OK"]);
    starts(&phone.put(&request("ACK", 1, "a1", &tag, "", "")), &[]);
    starts(&phone.pass(40_000), &[]);
    starts(&phone.put(&request("BYE", 2, "b1", &tag, "", "")), &["200 OK"]);
    assert!(!phone.is_busy() && phone.ended >= 1);
    // Its repeat is answered alike, and what comes after knows no call.
    starts(&phone.put(&request("BYE", 2, "b1", &tag, "", "")), &["200 OK"]);
    starts(&phone.put(&request("BYE", 3, "b2", &tag, "", "")), &["481"]);
}

#[test]
fn without_an_ack_the_answer_is_repeated_and_then_the_call_is_ended() {
    let mut phone = Phone::new(Plan::default());
    starts(&phone.put(&invite("", OFFER)), &["200 OK"]);
    // T1, 2·T1, 4·T1, T2, T2 …: RFC 3261 §13.3.1.4
    let mut at = Vec::new();
    for n in 1..=330u64 {
        let sent = phone.pass(100);
        for message in sent {
            at.push((n * 100, message.lines().next().unwrap().split(' ').next().unwrap().to_owned()));
        }
    }
    let answers: Vec<u64> = at.iter().filter(|(_, w)| w == "SIP/2.0").map(|(ms, _)| *ms).collect();
    assert_eq!(answers[..5], [500, 1500, 3500, 7500, 11_500]);
    assert!(answers.iter().all(|ms| *ms < 32_000), "{answers:?}");
    assert_eq!(at.iter().find(|(_, w)| w == "BYE").map(|(ms, _)| *ms), Some(32_000));
    // The BYE is repeated for as long, and then given up.
    assert!(phone.is_busy());
    phone.pass(33_000);
    assert!(!phone.is_busy());
}

#[test]
fn it_rings_and_answers_when_it_was_told_to() {
    let plan = Plan { answer_after: Duration::from_secs(1), ring: Duration::from_secs(3), ..Plan::default() };
    let mut phone = Phone::new(plan);
    starts(&phone.put(&invite("", OFFER)), &["100 Trying"]);
    starts(&phone.pass(900), &[]);
    let sent = phone.pass(100);
    starts(&sent, &["180 Ringing"]);
    assert!(sent[0].contains("\r\nContact: ") && !sent[0].contains("application/sdp"));
    starts(&phone.pass(2900), &[]);
    let answer = phone.pass(100);
    starts(&answer, &["200 OK"]);
    assert_eq!(tag(&sent[0]), tag(&answer[0]));
}

#[test]
fn a_cancel_ends_what_rings_and_comes_too_late_for_what_is_answered() {
    let plan = Plan { ring: Duration::from_secs(60), ..Plan::default() };
    let mut phone = Phone::new(plan);
    starts(&phone.put(&invite("", OFFER)), &["180 Ringing"]);
    // Longer than repeats are kept.
    phone.pass(45_000);
    let mut sent = phone.put(&request("CANCEL", 1, "i1", "", "", ""));
    sent.sort();
    starts(&sent, &["200 OK", "487 Request Terminated"]);
    assert!(!phone.is_busy());
    // The refusal is repeated until its ACK comes.
    starts(&phone.put(&request("ACK", 1, "i1", &tag(&sent[1]), "", "")), &[]);

    let mut phone = Phone::new(Plan::default());
    starts(&phone.put(&invite("", OFFER)), &["200 OK"]);
    starts(&phone.put(&request("CANCEL", 1, "i1", "", "", "")), &["200 OK"]);
    assert!(phone.is_busy());
}

#[test]
fn provisional_responses_are_acknowledged_before_the_answer() {
    let plan = Plan { reliable: true, ring: Duration::from_secs(1), ..Plan::default() };
    let mut phone = Phone::new(plan.clone());
    let sent = phone.put(&invite("Supported: 100rel\r\n", OFFER));
    starts(&sent, &["180 Ringing"]);
    assert!(sent[0].contains("\r\nRequire: 100rel\r\n"));
    let number = sent[0].lines().find_map(|l| l.strip_prefix("RSeq: ")).unwrap().to_owned();
    starts(&phone.pass(500), &["180 Ringing"]);
    // Not answered before it is acknowledged.
    starts(&phone.pass(1000), &["180 Ringing"]);
    let tag = tag(&sent[0]);
    let prack =
        |cseq: u32, branch: &str, rack: &str| request("PRACK", cseq, branch, &tag, &format!("RAck: {rack}\r\n"), "");
    starts(&phone.put(&prack(2, "p1", "1 9 INVITE")), &["481"]);
    starts(&phone.put(&prack(3, "p2", &format!("{number} 1 INVITE"))), &["200 OK"]);
    starts(&phone.pass(10), &["200 OK"]);

    // Who never acknowledges is refused.
    let mut phone = Phone::new(plan);
    starts(&phone.put(&invite("Require: 100rel\r\n", OFFER)), &["180 Ringing"]);
    let sent: Vec<String> = (0..330).flat_map(|_| phone.pass(100)).collect();
    assert!(sent.iter().any(|s| s.starts_with("SIP/2.0 504 ")), "{}", sent.len());
    assert!(!phone.is_busy());
}

#[test]
fn early_media_has_the_same_description_as_the_answer() {
    let plan = Plan { early_media: true, ring: Duration::from_secs(1), ..Plan::default() };
    let mut phone = Phone::new(plan);
    let early = phone.put(&invite("", OFFER));
    starts(&early, &["183 Session Progress"]);
    assert_eq!(phone.agreed.len(), 1);
    let answer = phone.pass(1000);
    let body = |message: &str| message.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert!(body(&early[0]).contains("m=audio 30000") && body(&early[0]) == body(&answer[0]));
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    let mut phone = Phone::new(Plan::default());
    let sent = phone.put(&invite("", ""));
    starts(&sent, &["200 OK"]);
    assert!(sent[0].contains("m=audio 30000 RTP/AVP 0 8 101") && phone.agreed.is_empty());
    let ack = request("ACK", 1, "a1", &tag(&sent[0]), "", OFFER);
    starts(&phone.put(&ack), &[]);
    assert_eq!(phone.agreed.len(), 1);
    assert!(phone.is_busy());

    // Without an answer there is no session: it is ended at once.
    let mut phone = Phone::new(Plan::default());
    let sent = phone.put(&invite("", ""));
    let ended = phone.put(&request("ACK", 1, "a1", &tag(&sent[0]), "", ""));
    starts(&ended, &["BYE sip:alice@127.0.0.1:5071"]);
}

#[test]
fn hold_update_and_fax_inside_the_call() {
    let mut phone = Phone::new(Plan::default());
    let sent = phone.put(&invite("", OFFER));
    let tag = tag(&sent[0]);
    // Before the ACK a second INVITE comes too early. RFC 3261 §14.2
    starts(&phone.put(&request("INVITE", 2, "r0", &tag, "", OFFER)), &["491"]);
    phone.put(&request("ACK", 1, "a1", &tag, "", ""));
    let held = OFFER.replace("m=audio", "a=sendonly\r\nm=audio").replace("1 1 IN", "1 2 IN");
    let sent = phone.put(&request("INVITE", 3, "r1", &tag, "", &held));
    starts(&sent, &["200 OK"]);
    assert!(sent[0].contains("\r\na=recvonly\r\n"), "{}", sent[0]);
    let agreed = phone.agreed.last().unwrap();
    assert!(!agreed.sends && agreed.receives && agreed.is_held);
    starts(&phone.put(&request("ACK", 3, "a2", &tag, "", "")), &[]);
    let sent = phone.put(&request("UPDATE", 4, "u1", &tag, "", OFFER));
    starts(&sent, &["200 OK"]);
    assert!(sent[0].contains("\r\na=sendrecv\r\n") && phone.agreed.last().unwrap().sends);
    let fax = "v=0\r\no=- 1 3 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=image 4002 udptl t38\r\n";
    let sent = phone.put(&request("INVITE", 5, "r2", &tag, "", fax));
    starts(&sent, &["488 Not Acceptable Here"]);
    assert!(sent[0].contains("\r\nWarning: 304 sipctl \"no audio\"\r\n"), "{}", sent[0]);
    phone.put(&request("ACK", 5, "r2", &tag, "", ""));
    assert!(phone.is_busy());
    // What is older than what came before is out of order. RFC 3261 §12.2.2
    starts(&phone.put(&request("INFO", 2, "o1", &tag, "", "")), &["500"]);
    starts(&phone.put(&request("INFO", 6, "o2", &tag, "", "")), &["200"]);
    // A digit in it is told to the media of the call; what merely looks like one is not.
    for (n, method, kind, said) in [
        (7, "INFO", "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"),
        (8, "MESSAGE", "application/dtmf-relay", "Signal=6\r\n"),
        (9, "INFO", "text/plain", "7"),
    ] {
        let text = request(method, n, &format!("d{n}"), &tag, "", said).replace("application/sdp", kind);
        starts(&phone.put(&text), &["200"]);
    }
    assert_eq!(phone.digits, "5");
    starts(&phone.put(&request("SUBSCRIBE", 10, "o3", &tag, "Event: presence\r\n", "")), &["405"]);
}

#[test]
fn calls_are_ended_when_told_and_when_nobody_serves_them() {
    let plan = Plan { hangup_after: Some(Duration::from_secs(2)), ..Plan::default() };
    let mut phone = Phone::new(plan);
    let sent = phone.put(&invite("Record-Route: <sip:127.0.0.1:5080;lr>\r\n", OFFER));
    let tag = tag(&sent[0]);
    phone.put(&request("ACK", 1, "a1", &tag, "", ""));
    let bye = phone.pass(2000);
    starts(&bye, &["BYE sip:alice@127.0.0.1:5071 SIP/2.0"]);
    assert!(bye[0].contains("\r\nRoute: <sip:127.0.0.1:5080;lr>\r\n"), "{}", bye[0]);
    assert!(
        bye[0].contains(&format!("\r\nFrom: <sip:bob@127.0.0.1>;tag={tag}\r\nTo: <sip:alice@127.0.0.1>;tag=a1\r\n"))
    );
    let head: Vec<&str> =
        bye[0].lines().filter(|l| ["Via", "From", "To: ", "Call", "CSeq"].iter().any(|h| l.starts_with(h))).collect();
    let answer = format!("SIP/2.0 200 OK\r\n{}\r\nContent-Length: 0\r\n\r\n", head.join("\r\n"));
    starts(&phone.put(&answer), &[]);
    assert!(!phone.is_busy());

    // At the end: what rings is refused, what stands is ended, and what waits for its ACK after that.
    let mut phone = Phone::new(Plan { ring: Duration::from_secs(9), ..Plan::default() });
    phone.put(&invite("", OFFER));
    let now = phone.bench.now;
    phone.bench.endpoint.role().close(now);
    starts(&phone.bench.sent(), &["480"]);
    let mut phone = Phone::new(Plan::default());
    let sent = phone.put(&invite("", OFFER));
    phone.bench.endpoint.role().close(now);
    starts(&phone.bench.sent(), &[]);
    starts(&phone.put(&request("ACK", 1, "a1", &super::calls_tests::tag(&sent[0]), "", "")), &["BYE"]);
}

#[test]
fn what_cannot_be_a_call_is_refused() {
    let offer = |sdp: &str| invite("", sdp);
    let video = OFFER.replace("m=audio", "m=video");
    for (text, expected) in [
        (offer(&video), "488"),
        (offer(&OFFER.replace("0 101", "18")), "488"),
        (invite("", OFFER).replace("application/sdp", "text/plain"), "415"),
        (invite("", OFFER).replace("Contact: <sip:alice@127.0.0.1:5071>\r\n", ""), "400"),
        (invite("Require: replaces\r\n", OFFER), "420"),
        (request("BYE", 2, "b", "nobody", "", ""), "481"),
        (request("PRACK", 2, "p", "nobody", "", ""), "481"),
    ] {
        let mut phone = Phone::new(Plan::default());
        starts(&phone.put(&text), &[expected]);
        assert!(!phone.is_busy(), "{expected}");
    }
    // The same INVITE by another way. RFC 3261 §8.2.2.2
    let mut phone = Phone::new(Plan::default());
    phone.put(&invite("", OFFER));
    starts(&phone.put(&request("INVITE", 1, "i2", "", "", OFFER)), &["482"]);
}

#[test]
fn an_ack_of_no_call_is_ignored() {
    let mut phone = Phone::new(Plan::default());
    assert!(matches!(phone.bench.put(&request("ACK", 1, "a", "x", "", "")), Handled::Ignored(_)));
}

#[test]
fn a_refusal_that_was_asked_for_comes_after_ringing() {
    let plan = Plan { ring: Duration::from_secs(3), ..Plan::default() };
    let mut phone = Phone::new(plan);
    let uas = phone.bench.endpoint.role();
    (uas.status, uas.reason, uas.retry_after) = (Some(486), Some("In a call".to_owned()), Some(9));
    uas.headers = vec![("X-Why".to_owned(), "test".to_owned())];
    starts(&phone.put(&invite("", OFFER)), &["180 Ringing"]);
    starts(&phone.pass(2900), &[]);
    let sent = phone.pass(100);
    starts(&sent, &["486 In a call"]);
    assert!(sent[0].contains("\r\nRetry-After: 9\r\nX-Why: test\r\n"), "{}", sent[0]);
    assert!(!phone.is_busy() && phone.agreed.is_empty());
    // It goes out again until it is acknowledged. RFC 3261 §17.2.1
    starts(&phone.put(&request("ACK", 1, "i1", &tag(&sent[0]), "", "")), &[]);
    // Other requests are refused at once.
    starts(&phone.put(&request("OPTIONS", 2, "o1", "", "", "")), &["486"]);
}

#[test]
fn early_media_and_ringing_are_acknowledged_one_after_the_other() {
    let plan = Plan {
        reliable: true,
        early_media: true,
        ring: Duration::from_secs(1),
        first_rseq: Some(4711),
        ..Plan::default()
    };
    let mut phone = Phone::new(plan);
    let early = phone.put(&invite("Supported: 100rel\r\n", OFFER));
    starts(&early, &["183 Session Progress"]);
    assert!(early[0].contains("\r\nRSeq: 4711\r\n") && early[0].contains("m=audio"));
    let tag = tag(&early[0]);
    let prack = |cseq: u32, branch: &str, rseq: u32| {
        request("PRACK", cseq, branch, &tag, &format!("RAck: {rseq} 1 INVITE\r\n"), "")
    };
    let mut sent = phone.put(&prack(2, "p1", 4711));
    sent.extend(phone.pass(10));
    starts(&sent, &["200 OK", "180 Ringing"]);
    assert!(sent[1].contains("\r\nRSeq: 4712\r\n") && !sent[1].contains("m=audio"), "{}", sent[1]);
    // The first number is over.
    starts(&phone.put(&prack(3, "p2", 4711)), &["481"]);
    starts(&phone.put(&prack(4, "p3", 4712)), &["200 OK"]);
    starts(&phone.pass(1000), &["200 OK"]);
}

#[test]
fn callers_are_asked_as_a_proxy_asks() {
    use crate::digest::Secret;
    use crate::driver::endpoint::registrar::{Access, Algorithms};
    let mut phone = Phone::new(Plan::default());
    let users = [("alice".to_owned(), Secret::Password("x".to_owned()))].into();
    let now = phone.bench.now;
    let access = Access::new(users, "lab".to_owned(), Algorithms::default(), &mut Entropy::seeded(5), now);
    let uas = phone.bench.endpoint.role();
    (uas.access, uas.asks_as_proxy) = (Some(access), true);
    let sent = phone.put(&invite("", OFFER));
    starts(&sent, &["407 Proxy Authentication Required"]);
    assert!(sent[0].contains("\r\nProxy-Authenticate: Digest realm=\"lab\""), "{}", sent[0]);
    phone.bench.endpoint.role().asks_as_proxy = false;
    let sent = phone.put(&request("INVITE", 2, "i2", "", "", OFFER));
    starts(&sent, &["401 Unauthorized"]);
    assert!(sent[0].contains("\r\nWWW-Authenticate: Digest realm=\"lab\""), "{}", sent[0]);
}

#[test]
fn a_fax_is_refused_and_the_call_goes_on() {
    let mut phone = Phone::new(Plan::default());
    let sent = phone.put(&invite("", OFFER));
    let tag = tag(&sent[0]);
    phone.put(&request("ACK", 1, "a1", &tag, "", ""));
    let fax = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=image 4000 udptl t38\r\n";
    let sent = phone.put(&request("INVITE", 2, "i2", &tag, "", fax));
    starts(&sent, &["488 Not Acceptable Here"]);
    starts(&phone.put(&request("ACK", 2, "i2", &tag, "", "")), &[]);
    starts(&phone.put(&request("INFO", 3, "n1", &tag, "", "")), &["200 OK"]);
    starts(&phone.put(&request("REFER", 4, "r1", &tag, "Refer-To: <sip:c@127.0.0.1>\r\n", "")), &["603"]);
    starts(&phone.put(&request("INFO", 2, "n2", &tag, "", "")), &["500"]);
    starts(&phone.put(&request("BYE", 5, "b1", &tag, "", "")), &["200 OK"]);
    assert!(!phone.is_busy());
}

#[test]
fn calls_beyond_those_that_one_call_id_may_have_are_refused_and_counted_apart() {
    let mut phone = Phone::new(Plan::default());
    for n in 0..18 {
        let text = invite("", OFFER).replace("branch=z9hG4bKi1", &format!("branch=z9hG4bKf{n}"));
        let sent = phone.put(&text.replacen(";tag=", &format!(";tag={n}x"), 1));
        let last = sent.last().unwrap();
        assert_eq!(last.starts_with("SIP/2.0 503 "), n >= 16, "{n}: {last}");
    }
    assert_eq!(phone.bench.endpoint.tally.crowded, 2);
}
