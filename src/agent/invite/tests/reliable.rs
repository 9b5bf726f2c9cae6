//! Reliable provisional responses, early media, late offers. RFC 3262, RFC 3261 §13.2.1, RFC 6337

use super::*;
use crate::agent::invite::{Offered, Problem};
use crate::media::negotiator::Unacceptable;

const OFFER: &str =
    "v=0\r\no=bob 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0\r\n";

fn reliable(number: u32) -> String {
    format!("Require: 100rel\r\nRSeq: {number}\r\n{CONTACT}")
}

#[test]
fn a_reliable_response_is_acknowledged_by_prack() {
    let mut bench = Bench::new(|_| {});
    bench.answer("183 Session Progress", "b1", &reliable(988), ANSWER);
    let prack = bench.last("PRACK");
    check(&prack.text);
    assert!(prack.text.starts_with("PRACK sip:bob@192.0.2.9:5060 SIP/2.0\r\n"));
    // RFC 3262 §7.2: RSeq, then CSeq of the INVITE.
    assert_eq!((value(&prack.text, "RAck"), value(&prack.text, "CSeq")), ("988 1 INVITE", "2 PRACK"));
    bench.answer_to("PRACK", "200 OK", "");
    assert_eq!(bench.agreed.len(), 1, "the answer is firm");
    bench.answer("180 Ringing", "b1", &reliable(989), "");
    assert_eq!(
        (value(&bench.last("PRACK").text, "RAck"), value(&bench.last("PRACK").text, "CSeq")),
        ("989 1 INVITE", "3 PRACK")
    );
    bench.answer_to("PRACK", "200 OK", "");
    // The 2xx needs no description any more.
    bench.answer("200 OK", "b1", CONTACT, "");
    assert_eq!(bench.ended(), None);
    assert_eq!((bench.record().forks[0].pracked, value(&bench.last("ACK").text, "CSeq")), (2, "1 ACK"));
    bench.run(10_000);
    assert_eq!(value(&bench.last("BYE").text, "CSeq"), "4 BYE");
    assert_eq!(
        bench.record().inside.iter().map(|i| (i.method.as_str(), i.status)).collect::<Vec<_>>(),
        [("PRACK", Some(200)); 2]
    );
}

#[test]
fn repeats_are_absorbed_and_what_comes_too_early_is_left_for_later() {
    // RFC 3262 §4
    let mut bench = Bench::new(|_| {});
    bench.answer("180 Ringing", "b1", &reliable(5), "");
    bench.answer("180 Ringing", "b1", &reliable(5), "");
    bench.answer("183 Session Progress", "b1", &reliable(7), ANSWER);
    bench.answer("180 Ringing", "b1", &reliable(4), "");
    assert_eq!(bench.all("PRACK").len(), 1);
    assert_eq!(bench.agreed.len(), 0, "what came too early is not taken");
    bench.answer("183 Session Progress", "b1", &reliable(6), ANSWER);
    bench.answer("183 Session Progress", "b1", &reliable(7), ANSWER);
    assert_eq!(bench.all("PRACK").len(), 3);
    // Another dialog counts for itself.
    bench.answer("180 Ringing", "b2", &reliable(70), "");
    assert_eq!((bench.all("PRACK").len(), value(&bench.last("PRACK").text, "RAck")), (4, "70 1 INVITE"));
}

#[test]
fn a_flood_of_reliable_responses_is_not_followed_without_end() {
    let mut bench = Bench::new(|_| {});
    for number in 1..=1000 {
        bench.answer("180 Ringing", "b1", &reliable(number), "");
    }
    assert_eq!(bench.all("PRACK").len(), 64);
}

#[test]
fn a_challenge_to_the_prack_is_met() {
    let mut bench = Bench::new(|o| o.account = account());
    bench.answer("180 Ringing", "b1", &reliable(1), "");
    bench.answer_to("PRACK", "407 Proxy Authentication Required", CHALLENGE);
    let pracks = bench.all("PRACK");
    assert_eq!(
        (pracks.len(), value(&pracks[1].text, "CSeq"), value(&pracks[1].text, "RAck")),
        (2, "3 PRACK", "1 1 INVITE")
    );
    bench.answer("200 OK", "b1", CONTACT, ANSWER);
    bench.run(10_000);
    assert_eq!(value(&bench.last("BYE").text, "CSeq"), "4 BYE", "the challenged PRACK took a number");
}

#[test]
fn a_reliable_response_without_contact_is_acknowledged_by_the_way_of_the_invite() {
    let mut bench = Bench::new(|_| {});
    bench.answer("180 Ringing", "b1", "Require: 100rel\r\nRSeq: 1\r\n", "");
    assert!(bench.last("PRACK").text.starts_with("PRACK sip:bob@biloxi.example.com SIP/2.0\r\n"));
    assert_eq!(bench.record().problems, [Problem::NoContact]);
}

#[test]
fn an_unreliable_description_makes_early_media_and_stays_the_answer() {
    let mut bench = Bench::new(|_| {});
    bench.run(50);
    bench.answer("183 Session Progress", "b1", CONTACT, ANSWER);
    assert_eq!(bench.all("PRACK").len(), 0);
    assert_eq!((bench.agreed.len(), bench.ms(bench.record().forks[0].early_media)), (1, Some(50)));
    // RFC 3261 §13.2.1: the first is the answer; others are ignored.
    bench.answer("200 OK", "b1", CONTACT, &ANSWER.replace("4000", "6000"));
    assert_eq!(bench.agreed.len(), 1);
    assert_eq!(bench.record().agreed.as_ref().unwrap().remote.unwrap().port(), 4000);
    assert_eq!((bench.ended(), bench.record().remote_sdp.as_slice()), (None, ANSWER.as_bytes()));
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    let mut bench = Bench::new(|o| (o.is_late_offer, o.duration) = (true, Duration::ZERO));
    let invite = bench.last("INVITE").text;
    assert_eq!((body(&invite), has(&invite, "Content-Type")), ("", false));
    bench.answer("180 Ringing", "b1", CONTACT, OFFER);
    assert_eq!(bench.agreed.len(), 0, "an offer comes only where it cannot get lost");
    bench.answer("200 OK", "b1", CONTACT, OFFER);
    let ack = bench.last("ACK").text;
    check(&ack);
    assert_eq!(value(&ack, "Content-Type"), "application/sdp");
    assert!(body(&ack).contains("m=audio 40000 RTP/AVP "));
    assert_eq!(
        (bench.record().offered, bench.record().local_sdp.as_slice()),
        (Some(Offered::Them), body(&ack).as_bytes())
    );
    assert_eq!(bench.agreed.len(), 1);
}

#[test]
fn a_late_offer_in_a_reliable_response_is_answered_in_the_prack() {
    let mut bench = Bench::new(|o| o.is_late_offer = true);
    bench.answer("183 Session Progress", "b1", &reliable(1), OFFER);
    assert!(body(&bench.last("PRACK").text).contains("m=audio 40000 RTP/AVP "));
    bench.answer_to("PRACK", "200 OK", "");
    bench.answer("200 OK", "b1", CONTACT, "");
    assert_eq!((body(&bench.last("ACK").text), bench.ended(), bench.agreed.len()), ("", None, 1));
}

#[test]
fn a_further_offer_is_taken_once_the_late_one_was_answered() {
    // RFC 3311 §5.2: nobody's offer is open any more, though the PRACK that answered it is.
    let mut bench = Bench::new(|o| o.is_late_offer = true);
    bench.answer("180 Ringing", "b1", &reliable(1), "");
    assert_eq!(body(&bench.last("PRACK").text), "", "nothing was offered yet");
    // RFC 3311 §5.2: the offer of the INVITE is still to come.
    assert_eq!(bench.requested("UPDATE", 1, CONTACT, OFFER), "SIP/2.0 500 Server Internal Error");
    let after: u32 = value(&bench.sent.last().unwrap().text, "Retry-After").parse().unwrap();
    assert!(after <= 10, "{after}");
    // RFC 3261 §14.2: an INVITE of ours is under way.
    assert_eq!(bench.requested("INVITE", 2, CONTACT, OFFER), "SIP/2.0 491 Request Pending");
    bench.answer("183 Session Progress", "b1", &reliable(2), OFFER);
    assert!(body(&bench.last("PRACK").text).contains("m=audio 40000 RTP/AVP "));
    let further = OFFER.replace("4000", "6000").replace("1 1 IN", "1 2 IN");
    assert_eq!(bench.requested("UPDATE", 3, CONTACT, &further), "SIP/2.0 200 OK");
    assert!(body(&bench.sent.last().unwrap().text).contains("m=audio 40000 RTP/AVP "));
    assert_eq!(bench.agreed.last().unwrap().remote.unwrap().port(), 6000);
    // What the 2xx has beside is no offer any more.
    bench.answer("200 OK", "b1", CONTACT, "");
    assert_eq!((body(&bench.last("ACK").text), bench.ended()), ("", None));
    assert_eq!(bench.record().agreed.as_ref().unwrap().remote.unwrap().port(), 6000);
}

#[test]
fn offers_of_the_callee_wait_while_ours_is_open_in_the_call() {
    // RFC 3261 §14.2, RFC 3311 §5.2
    let mut bench = Bench::up(|o| o.hold = Some(Duration::from_secs(2)));
    bench.run(5000);
    assert!(bench.all("INVITE").len() > 1, "the hold is asked for: {:?}", bench.lines());
    assert_eq!(bench.requested("UPDATE", 1, CONTACT, OFFER), "SIP/2.0 491 Request Pending");
    assert_eq!(bench.requested("INVITE", 2, CONTACT, OFFER), "SIP/2.0 491 Request Pending");
    // Without an offer it is a refresh of the target.
    assert_eq!(bench.requested("UPDATE", 3, CONTACT, ""), "SIP/2.0 200 OK");
}

#[test]
fn a_late_offer_that_cannot_be_taken_is_refused_in_the_ack() {
    // RFC 3261 §13.2.2.4: a valid answer, then BYE.
    let mut bench = Bench::new(|o| o.is_late_offer = true);
    bench.answer("200 OK", "b1", CONTACT, &OFFER.replace("RTP/AVP 8 0", "RTP/AVP 96"));
    assert_eq!(bench.words(), "INVITE ACK BYE");
    assert!(body(&bench.last("ACK").text).contains("m=audio 0 RTP/AVP 96\r\n"), "{}", bench.last("ACK").text);
    bench.answer_to("BYE", "200 OK", "");
    bench.is_over(EndedBy::Unusable);
    assert_eq!(bench.record().problems, [Problem::Media(Unacceptable::Codec)]);
}

#[test]
fn an_answer_that_cannot_be_used_is_acknowledged_and_ended() {
    for (sdp, why) in [
        (String::new(), Unacceptable::NoMedia),
        (ANSWER.replace("audio 4000", "audio 0"), Unacceptable::NoAudio),
        (
            ANSWER.replace("RTP/AVP 0 101", "RTP/AVP 18").replace("a=rtpmap:0 PCMU", "a=rtpmap:18 G729"),
            Unacceptable::Codec,
        ),
        ("this is no SDP".to_owned(), Unacceptable::NoMedia),
        (ANSWER.replace("RTP/AVP", "RTP/SAVP"), Unacceptable::Protocol),
    ] {
        let mut bench = Bench::new(|_| {});
        bench.answer("200 OK", "b1", CONTACT, &sdp);
        assert_eq!(bench.words(), "INVITE ACK BYE", "{sdp}");
        bench.answer_to("BYE", "200 OK", "");
        bench.is_over(EndedBy::Unusable);
        assert_eq!(bench.record().problems, [Problem::Media(why)], "{sdp}");
        assert_eq!(bench.agreed.len(), 0);
    }
}
