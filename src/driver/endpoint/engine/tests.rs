use super::{Endpoint, Handled, Options};
use crate::base::Entropy;
use crate::driver::endpoint::{Ignored, Role, Uas};
use crate::sip::Method;
use crate::transport::Protocol;
use crate::transport::listener::Way;
use std::time::{Duration, Instant};

/// An endpoint in virtual time.
pub(in crate::driver::endpoint) struct Bench<R> {
    pub endpoint: Endpoint<R>,
    pub now: Instant,
    pub way: Way,
    branch: u64,
}

impl<R: Role> Bench<R> {
    pub fn new(role: R) -> Self {
        Bench::with(role, Options::default())
    }

    pub fn with(role: R, options: Options) -> Self {
        let now = Instant::now();
        let options = Options { server: "test/1".to_owned(), ..options };
        let endpoint = Endpoint::new(role, options, Entropy::seeded(7), now);
        let (local, peer) = ("127.0.0.1:5060".parse().unwrap(), "127.0.0.1:5070".parse().unwrap());
        Bench { endpoint, now, way: Way { protocol: Protocol::Udp, local, peer, connection: 0 }, branch: 0 }
    }

    pub fn put(&mut self, text: &str) -> Handled {
        self.endpoint.handle_message(text.as_bytes(), &self.way, self.now)
    }

    pub fn sent(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.endpoint.poll_transmit()).map(|t| String::from_utf8(t.bytes).unwrap()).collect()
    }

    /// Asks with a branch of its own and gives the one answer.
    pub fn ask(&mut self, text: &str) -> String {
        self.branch += 1;
        assert_eq!(self.put(&text.replace("z9hG4bK1", &format!("z9hG4bKb{}", self.branch))), Handled::Answered);
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1);
        sent.remove(0)
    }

    pub fn pass(&mut self, ms: u64) -> Vec<String> {
        self.now += Duration::from_millis(ms);
        self.endpoint.handle_timer(self.now);
        self.sent()
    }
}

/// A request with the branch z9hG4bK1 and more header fields.
pub(in crate::driver::endpoint) fn request(method: &str, more: &str) -> String {
    format!(
        "{method} sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: i@x\r\n\
         CSeq: 1 {method}\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

fn slow(ms: u64) -> Options {
    Options { delay: Duration::from_millis(ms), ..Options::default() }
}

#[test]
fn a_repeat_gets_the_same_bytes_until_timer_j_has_passed() {
    let mut bench = Bench::new(Uas::default());
    assert_eq!(bench.put(&request("OPTIONS", "")), Handled::Answered);
    let first = bench.sent();
    bench.now += Duration::from_secs(31);
    assert_eq!(bench.put(&request("OPTIONS", "")), Handled::Repeat);
    assert_eq!(bench.sent(), first);
    bench.now += Duration::from_secs(2);
    assert_eq!(bench.put(&request("OPTIONS", "")), Handled::Answered);
    assert_ne!(bench.sent(), first, "a new request has a new tag");
    assert_eq!((bench.endpoint.tally.requests, bench.endpoint.tally.repeats), (2, 1));
    assert_eq!(bench.endpoint.tally.answers.get(&(Method::Options, 200)), Some(&2));
}

#[test]
fn what_is_no_request_is_ignored_and_counted() {
    let mut bench = Bench::new(Uas::default());
    for (text, why) in [
        ("", Ignored::KeepAlive),
        ("\r\n\r\n", Ignored::KeepAlive),
        ("\0\x01\0\0\x21\x12", Ignored::NotSip),
        ("GET / HTTP/1.1\r\n\r\n", Ignored::NotSip),
        ("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n", Ignored::Response),
        ("OPTIONS sip:bob@b SIP/2.0\r\n\r\n", Ignored::Unanswerable),
    ] {
        assert_eq!(bench.put(text), Handled::Ignored(why), "{text:?}");
    }
    let stun = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let handled = bench.endpoint.handle_message(&stun, &bench.way, bench.now);
    assert_eq!(handled, Handled::Ignored(Ignored::Stun));
    assert_eq!(bench.put(&request("ACK", "")), Handled::Ignored(Ignored::Ack));
    assert_eq!((bench.sent().len(), bench.endpoint.tally.ignored(Ignored::KeepAlive)), (0, 2));
}

#[test]
fn a_broken_request_is_refused_and_says_why() {
    let answer = Bench::new(Uas::default()).ask(&request("OPTIONS", "Call-ID: j\r\n"));
    assert!(answer.starts_with("SIP/2.0 400 Bad Request (Call-ID: there may be one only)\r\n"), "{answer}");
}

#[test]
fn an_answer_waits_and_repeats_are_absorbed_meanwhile() {
    let mut bench = Bench::with(Uas::default(), slow(2000));
    assert_eq!(bench.put(&request("OPTIONS", "")), Handled::Waiting);
    assert_eq!(bench.put(&request("OPTIONS", "")), Handled::Repeat);
    assert!(bench.sent().is_empty() && bench.endpoint.is_waiting());
    assert_eq!(bench.endpoint.poll_timeout(), Some(bench.now + Duration::from_secs(2)));
    assert!(bench.pass(1999).is_empty());
    let answer = bench.pass(1);
    assert!(answer.len() == 1 && answer[0].starts_with("SIP/2.0 200 OK\r\n"), "{answer:?}");
    assert_eq!(bench.put(&request("OPTIONS", "")), Handled::Repeat);
    assert_eq!(bench.sent(), answer);
    assert_eq!(bench.endpoint.tally.repeats, 2);
}

/// RFC 3261 §17.2.1: 100 at once where the answer takes longer than 200 ms; Timer G doubles from T1 to T2, Timer H ends it.
#[test]
fn the_final_answer_of_an_invite_is_repeated_until_timer_h() {
    let mut bench = Bench::with(Uas::default(), slow(1000));
    assert_eq!(bench.put(&request("INVITE", "")), Handled::Waiting);
    let trying = bench.sent();
    assert!(trying.len() == 1 && trying[0].starts_with("SIP/2.0 100 Trying\r\n"), "{trying:?}");
    assert_eq!(bench.put(&request("INVITE", "")), Handled::Repeat);
    assert_eq!(bench.sent(), trying);
    assert!(bench.pass(1000)[0].starts_with("SIP/2.0 488 "));
    let mut sent_at = Vec::new();
    for half in 1..=90 {
        for answer in bench.pass(500) {
            assert!(answer.starts_with("SIP/2.0 488 "));
            sent_at.push(half);
        }
    }
    // In halves of a second: 0.5, 1.5, 3.5, 7.5, then every 4 s below 32 s.
    assert_eq!(sent_at, [1, 3, 7, 15, 23, 31, 39, 47, 55, 63]);
}

#[test]
fn an_ack_ends_the_repeats_of_an_answer() {
    let mut bench = Bench::new(Uas::default());
    assert_eq!(bench.put(&request("INVITE", "")), Handled::Answered);
    assert_eq!(bench.sent().len(), 1);
    assert_eq!(bench.pass(500).len(), 1);
    assert_eq!(bench.put(&request("ACK", "")), Handled::Ignored(Ignored::Ack));
    assert_eq!(bench.pass(40_000).len(), 0);
    assert_eq!(bench.endpoint.poll_timeout(), None);
}

#[test]
fn over_a_connection_nothing_is_sent_twice() {
    let mut bench = Bench::new(Uas::default());
    bench.way.protocol = Protocol::Tcp;
    assert_eq!(bench.put(&request("INVITE", "")), Handled::Answered);
    assert_eq!((bench.sent().len(), bench.endpoint.poll_timeout()), (1, None));
}

/// RFC 3261 §9.2
#[test]
fn cancel_ends_an_invite_whose_answer_waits_and_nothing_else() {
    let mut bench = Bench::with(Uas::default(), slow(5000));
    bench.put(&request("INVITE", ""));
    bench.sent();
    bench.put(&request("CANCEL", ""));
    let sent = bench.sent();
    let starts: Vec<&str> = sent.iter().filter_map(|s| s.lines().next()).collect();
    assert_eq!(starts, ["SIP/2.0 487 Request Terminated", "SIP/2.0 200 OK"]);
    assert!(sent[0].contains("\r\nCSeq: 1 INVITE\r\n") && sent[1].contains("\r\nCSeq: 1 CANCEL\r\n"), "{sent:?}");
    assert!(!bench.endpoint.is_waiting());
    let mut other = Bench::with(Uas::default(), slow(5000));
    other.put(&request("CANCEL", ""));
    assert!(other.sent()[0].starts_with("SIP/2.0 481 "));
}

#[test]
fn losses_are_drawn_for_each_arrival_and_repeat_with_the_seed() {
    let run = |seed| {
        let options = Options { drop_per_million: 300_000, seed: Some(seed), ..Options::default() };
        let mut bench = Bench::with(Uas::default(), options);
        let ask = |n| request("OPTIONS", "").replace("z9hG4bK1", &format!("z9hG4bK{n}"));
        let kept: Vec<bool> = (0..1000).map(|n| bench.put(&ask(n)) == Handled::Answered).collect();
        (kept, bench.endpoint.tally.ignored(Ignored::Dropped), bench.endpoint.tally.requests)
    };
    let (kept, dropped, requests) = run(1);
    assert!((240..360).contains(&dropped), "{dropped}");
    assert_eq!((dropped + requests, kept.iter().filter(|k| **k).count() as u64), (1000, requests));
    assert_eq!(run(1).0, kept);
    assert_ne!(run(2).0, kept);
}

#[test]
fn answers_go_to_the_source_and_to_the_port_that_was_asked_for() {
    let mut bench = Bench::new(Uas::default());
    bench.way.peer = "192.0.2.7:40000".parse().unwrap();
    bench.put(&request("OPTIONS", ""));
    assert_eq!(bench.endpoint.poll_transmit().unwrap().way.peer.to_string(), "192.0.2.7:40000");
    bench.put(&request("OPTIONS", "").replace("z9hG4bK1;rport", "z9hG4bK2;maddr=198.51.100.1"));
    assert_eq!(bench.endpoint.poll_transmit().unwrap().way.peer.to_string(), "192.0.2.7:5070");
    // Over a connection the answer goes back on it, whatever Via says.
    bench.way.protocol = Protocol::Tcp;
    bench.put(&request("OPTIONS", "").replace("z9hG4bK1;rport", "z9hG4bK3"));
    assert_eq!(bench.endpoint.poll_transmit().unwrap().way, bench.way);
}

/// Nothing that comes ends it, whatever is cut away or flipped.
#[test]
fn cut_and_flipped_messages_are_survived() {
    let mut bench = Bench::new(Uas::default());
    let mut entropy = Entropy::seeded(11);
    let whole = request("INVITE", "Require: a, b\r\nContact: <sip:x@h>;q=1\r\nPath: <sip:p;lr>\r\n").into_bytes();
    for round in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..entropy.below(6) {
            let at = entropy.below(bytes.len() as u64) as usize;
            bytes[at] = entropy.below(256) as u8;
        }
        bytes.truncate(entropy.below(bytes.len() as u64 + 1) as usize);
        bench.now += Duration::from_millis(entropy.below(100));
        bench.endpoint.handle_message(&bytes, &bench.way, bench.now);
        bench.endpoint.handle_timer(bench.now);
        while let Some(sent) = bench.endpoint.poll_transmit() {
            assert!(sent.bytes.starts_with(b"SIP/2.0 ") && sent.bytes.ends_with(b"\r\n\r\n"), "round {round}");
            assert!((100..700).contains(&sent.status));
            bench.endpoint.recycle(sent);
        }
    }
}
