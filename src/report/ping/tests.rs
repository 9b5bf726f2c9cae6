//! Verdicts and counts.

use super::{Expectation, Gather, Line, Thresholds, worst};
use crate::agent::Answered;
use crate::agent::ping::{Event, Lost, Reason, Reply};
use crate::report::Exit;
use crate::transport::{LineFacts, Phase, Protocol, TransportError};
use std::time::Duration;

const OK: &str = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;received=203.0.113.9;rport=4711\r\n\
    Server: K\x1b 1\r\nAllow: INVITE, ACK\r\nAllow: BYE\r\nSupported:\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n";

fn reply(seq: u64, status: u16, rtt: u64, sends: u32) -> Reply {
    Reply {
        seq,
        status,
        reason: b"Words".to_vec(),
        from: Some("192.0.2.1:5060".parse().unwrap()),
        candidate: 0,
        rtt: Duration::from_millis(rtt),
        rtt_first: Duration::from_millis(rtt + 500 * u64::from(sends - 1)),
        total: Duration::from_millis(rtt + 500 * u64::from(sends - 1)),
        first_response: Some(Duration::from_millis(rtt)),
        last_sends: sends,
        sends,
        repeats: sends - 1,
        requests: 1,
        challenge: None,
        response: OK.replace("200 OK", &format!("{status} Words")).into_bytes(),
    }
}

fn answered(seq: u64, status: u16, rtt: u64, sends: u32) -> Event {
    Event::Reply(Box::new(reply(seq, status, rtt, sends)))
}

fn lost(seq: u64) -> Event {
    Event::Lost(Lost { seq, sends: 10, after: Duration::from_secs(5), candidate: 0, provisional: false })
}

fn failed(seq: u64) -> Event {
    let error = TransportError::new(Phase::Connect, "refused", "cannot connect").with_hint("is it up?");
    Event::Failed { seq, candidate: 0, error: Box::new(error) }
}

fn gather(expect: &[&str]) -> Gather {
    let statuses = expect.iter().map(|s| s.parse().unwrap()).collect();
    let expectation = Expectation { statuses, headers: Vec::new() };
    Gather::new("sip:x", "OPTIONS", expectation, Thresholds::default())
}

fn code(expect: &[&str], events: Vec<Event>) -> u8 {
    let mut gather = gather(expect);
    for event in events {
        gather.absorb(event);
    }
    gather.finish(false).target.result.code
}

#[test]
fn verdicts_are_those_of_the_contract() {
    assert_eq!(code(&[], vec![answered(1, 200, 1, 1)]), 0);
    assert_eq!(code(&[], vec![answered(1, 503, 1, 1)]), 0, "any final response is an answer");
    assert_eq!(code(&[], vec![answered(1, 401, 1, 1), lost(2)]), 0, "one answer is enough without a threshold");
    assert_eq!(code(&["2xx"], vec![answered(1, 200, 1, 1), answered(2, 503, 1, 1)]), 1);
    assert_eq!(code(&["2xx", "503"], vec![answered(1, 200, 1, 1), answered(2, 503, 1, 1)]), 0);
    assert_eq!(code(&[], vec![lost(1)]), 3);
    assert_eq!(code(&[], vec![failed(1)]), 4);
    assert_eq!(code(&[], vec![lost(1), failed(2)]), 4, "the worse of the two");
    assert_eq!(code(&[], vec![Event::TooSmall { least: 400 }]), 2);
}

#[test]
fn a_challenge_is_an_answer_unless_somebody_gave_credentials() {
    let refused = || {
        let mut reply = reply(1, 401, 1, 1);
        reply.challenge = Some(Answered::Refused);
        Event::Reply(Box::new(reply))
    };
    assert_eq!(code(&[], vec![refused()]), 0);
    let with = |expect: &[&str]| {
        let mut gather = gather(expect).with_credentials(true);
        gather.absorb(refused());
        gather.finish(false).target.result
    };
    assert_eq!((with(&[]).code, with(&[]).reason.as_str()), (5, "401 Words: the credentials were refused"));
    assert_eq!(with(&["200"]).code, 5);
    assert_eq!(with(&["401"]).code, 0, "it was asked for by name");
}

#[test]
fn an_interruption_outranks_the_rest_and_open_pings_are_no_loss() {
    let mut gather = gather(&["200"]);
    gather.absorb(answered(1, 503, 4, 1));
    gather.absorb(Event::Abandoned { seq: 2 });
    let target = gather.finish(true).target;
    assert_eq!(target.result.code, Exit::Interrupted.code());
    assert_eq!((target.sent, target.received, target.abandoned, target.loss_percent), (2, 1, 1, 0.0));
}

#[test]
fn a_repeat_is_counted_and_kept_out_of_the_round_trips() {
    let mut gather = gather(&[]);
    for event in [answered(1, 200, 3, 1), answered(2, 200, 1, 2), answered(3, 200, 5, 1), lost(4)] {
        gather.absorb(event);
    }
    let target = gather.finish(false).target;
    let rtt = target.rtt_ms.unwrap();
    assert_eq!((rtt.min, rtt.avg, rtt.max, rtt.stddev), (3.0, 4.0, 5.0, 1.0));
    assert_eq!((target.sent, target.received, target.loss_percent), (4, 3, 25.0));
    assert_eq!((target.retransmissions, target.answered_after_retransmission), (10, 1));
    assert_eq!((target.jitter_ms, target.statuses["200"], target.attempts.len()), (Some(2.0), 3, 4));
}

#[test]
fn the_first_answer_tells_who_it_is_and_what_it_saw() {
    let mut gather = gather(&[]);
    let (local, peer) = ("10.0.0.5:5060".parse().unwrap(), "192.0.2.1:5060".parse().unwrap());
    let facts = LineFacts { protocol: Protocol::Udp, local, peer, connect: None, tls_time: None, tls: None };
    gather.connected(&facts);
    let Some(Line::Reply(line)) = gather.absorb(answered(1, 200, 3, 1)) else { panic!("a reply") };
    assert_eq!(line.server.unwrap().bytes(), b"K\x1b 1");
    let target = gather.finish(false).target;
    assert_eq!(target.allow.iter().map(|v| v.bytes()).collect::<Vec<_>>(), [&b"INVITE"[..], b"ACK", b"BYE"]);
    assert_eq!((target.supported.len(), target.accept.len()), (0, 1));
    let nat = target.nat.unwrap();
    assert_eq!((nat.received.unwrap().bytes(), nat.rport, nat.mapped), (&b"203.0.113.9"[..], Some(4711), true));
    assert_eq!(target.timing.final_ms, Some(3.0));
}

#[test]
fn what_was_ignored_explains_the_silence() {
    let mut gather = gather(&[]);
    let from = "127.0.0.2:5060".parse().unwrap();
    gather.absorb(Event::Ignored { reason: Reason::Source, from, seq: Some(1) });
    gather.absorb(lost(1));
    let super::Finished { target, hint, .. } = gather.finish(false);
    assert_eq!((target.result.code, target.result.reason.as_str()), (3, "no answer in 5.0 s (10 sends)"));
    assert_eq!(hint, "what came was ignored: a response from another address than the request went to (×1)");
    assert_eq!(target.ignored["source"], 1);
}

#[test]
fn the_worst_of_several_counts_in_the_order_of_the_contract() {
    let of = |events: Vec<Event>, expect: &[&str]| {
        let mut gather = gather(expect);
        for event in events {
            gather.absorb(event);
        }
        gather.finish(false)
    };
    let good = || of(vec![answered(1, 200, 1, 1)], &[]);
    let targets =
        vec![good(), of(vec![lost(1)], &[]), of(vec![failed(1)], &[]), of(vec![answered(1, 200, 1, 1)], &["404"])];
    assert_eq!((worst(&targets).0, worst(&targets).1.code), (Exit::Unreachable, 4));
    assert_eq!(worst(&targets[..2]).1.reason, "sip:x: no answer in 5.0 s (10 sends)");
    assert_eq!(worst(&[good(), good()]).0, Exit::Good);
}
