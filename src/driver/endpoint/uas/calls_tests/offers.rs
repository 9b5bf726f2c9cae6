//! Offers and answers beside INVITE and its 2xx: in reliable responses, in PRACK, in UPDATE before the answer.

use super::*;

/// A server that acknowledges what it says before the answer, and the number of its first reliable response.
fn reliably(early_media: bool) -> Phone {
    let ring = Duration::from_secs(1);
    Phone::new(Plan { reliable: true, early_media, ring, first_rseq: Some(7), ..Plan::default() })
}

fn prack(cseq: u32, tag: &str, rseq: u32, body: &str) -> String {
    request("PRACK", cseq, &format!("p{cseq}"), tag, &format!("RAck: {rseq} 1 INVITE\r\n"), body)
}

#[test]
fn an_offer_in_a_prack_is_answered_in_its_2xx() {
    // RFC 3262 §5
    let mut phone = reliably(true);
    let early = phone.put(&invite("Supported: 100rel\r\n", OFFER));
    starts(&early, &["183 Session Progress"]);
    let tag = tag(&early[0]);
    let further = OFFER.replace("m=audio 4000", "m=audio 6000").replace("1 1 IN", "1 2 IN");
    let sent = phone.put(&prack(2, &tag, 7, &further));
    assert!(sent[0].starts_with("SIP/2.0 200 ") && sent[0].contains("CSeq: 2 PRACK\r\n"), "{}", sent[0]);
    assert!(sent[0].contains("\r\nContent-Type: application/sdp\r\n"), "{}", sent[0]);
    assert!(body(&sent[0]).contains("m=audio 30000 RTP/AVP 0 101"), "{}", sent[0]);
    assert_eq!(phone.agreed.last().unwrap().remote.unwrap().port(), 6000);
    phone.pass(10);
    phone.put(&prack(3, &tag, 8, ""));
    // What the INVITE offered is over: its 2xx does not answer it again.
    let answer = phone.pass(1000);
    starts(&answer, &["200 OK"]);
    assert_eq!((body(&answer[0]), phone.agreed.last().unwrap().remote.unwrap().port()), ("", 6000));
}

#[test]
fn an_offer_in_a_prack_that_cannot_be_taken_is_refused_in_the_description() {
    // RFC 3262 §3: a PRACK that fits gets a 2xx.
    let mut phone = reliably(true);
    let early = phone.put(&invite("Supported: 100rel\r\n", OFFER));
    let tag = tag(&early[0]);
    let strange = OFFER.replace("RTP/AVP 0 101", "RTP/AVP 18").replace("1 1 IN", "1 2 IN");
    let sent = phone.put(&prack(2, &tag, 7, &strange));
    assert!(sent[0].starts_with("SIP/2.0 200 ") && body(&sent[0]).contains("m=audio 0 RTP/AVP 18"), "{}", sent[0]);
}

#[test]
fn a_late_offer_goes_out_in_the_first_reliable_response_and_is_answered_in_the_prack() {
    // RFC 3262 §5, RFC 3261 §13.2.1
    for early_media in [false, true] {
        let mut phone = reliably(early_media);
        let early = phone.put(&invite("Supported: 100rel\r\n", ""));
        starts(&early, &[if early_media { "183" } else { "180" }]);
        assert!(body(&early[0]).contains("m=audio 30000 RTP/AVP 0 8 101"), "{}", early[0]);
        let tag = tag(&early[0]);
        // Our offer is open.
        let update = phone.put(&request("UPDATE", 2, "u1", &tag, "", OFFER));
        starts(&update, &["500 "]);
        assert!(update[0].contains("\r\nRetry-After: "), "{}", update[0]);
        let sent = phone.put(&prack(3, &tag, 7, OFFER));
        assert!(sent[0].starts_with("SIP/2.0 200 ") && body(&sent[0]).is_empty(), "{}", sent[0]);
        assert_eq!(phone.agreed.len(), usize::from(early_media));
        if early_media {
            let ringing = phone.pass(10);
            assert!(ringing.iter().all(|sent| body(sent).is_empty()), "{ringing:?}");
            phone.put(&prack(4, &tag, 8, ""));
        }
        let answer = phone.pass(1000);
        starts(&answer, &["200 OK"]);
        assert_eq!(body(&answer[0]), "", "a description here were an offer");
        assert_eq!(phone.agreed.last().unwrap().remote.unwrap().port(), 4000);
        starts(&phone.put(&request("ACK", 1, "a1", &tag, "", "")), &[]);
        starts(&phone.pass(40_000), &[]);
        assert!(phone.is_busy(), "an ACK without a description is right here");
    }
}

#[test]
fn a_late_offer_without_an_answer_in_the_prack_comes_to_nothing() {
    let mut phone = reliably(false);
    let early = phone.put(&invite("Supported: 100rel\r\n", ""));
    let mut sent = phone.put(&prack(2, &tag(&early[0]), 7, ""));
    sent.sort();
    starts(&sent, &["200 OK", "488 Not Acceptable Here"]);
    assert!(!phone.is_busy());
}

#[test]
fn an_update_before_the_answer_is_put_off() {
    // RFC 3311 §5.2: what the INVITE offered is not answered yet, or in a response that may get lost.
    for early_media in [false, true] {
        let plan = Plan { early_media, ring: Duration::from_secs(1), ..Plan::default() };
        let mut phone = Phone::new(plan);
        let early = phone.put(&invite("", OFFER));
        let sent = phone.put(&request("UPDATE", 2, "u1", &tag(&early[0]), "", OFFER));
        starts(&sent, &["500 "]);
        assert!(sent[0].contains("\r\nRetry-After: "), "{}", sent[0]);
    }
    let mut phone = reliably(true);
    let early = phone.put(&invite("Supported: 100rel\r\n", OFFER));
    let tag = tag(&early[0]);
    phone.put(&prack(2, &tag, 7, ""));
    let sent = phone.put(&request("UPDATE", 3, "u1", &tag, "", &OFFER.replace("4000", "6000")));
    assert!(sent.iter().any(|s| s.starts_with("SIP/2.0 200 ") && body(s).contains("m=audio 30000")), "{sent:?}");
    phone.put(&prack(4, &tag, 8, ""));
    let answer = phone.pass(1000);
    assert_eq!((body(answer.last().unwrap()), phone.agreed.last().unwrap().remote.unwrap().port()), ("", 6000));
}
