//! Pings in virtual time, against a server that is a function.

use super::{Event, Options, Ping, Reason};
use crate::agent::{Action, Identity, Machine};
use crate::base::Entropy;
use crate::sip::{Message, Outline};
use crate::transaction::Timers;
use crate::transport::{LineFacts, Phase, Protocol, TransportError};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const PEER: &str = "192.0.2.1:5060";

fn options(count: u64, interval: u64) -> Options {
    Options {
        method: "OPTIONS".to_owned(),
        uri: "sip:bob@example.com".to_owned(),
        count,
        interval: Duration::from_millis(interval),
        wait: Duration::from_secs(5),
        parallel: 16,
        max_forwards: 70,
        size: None,
        timers: Timers::default(),
        candidates: 1,
    }
}

/// A run in virtual time: when what was sent and told, milliseconds since the start.
struct Run {
    ping: Ping,
    start: Instant,
    at: u64,
    protocol: Protocol,
    sent: Vec<(u64, Vec<u8>)>,
    told: Vec<(u64, Event)>,
    connects: Vec<(u64, usize)>,
    /// Candidates to which no line opens.
    dead: Vec<usize>,
    /// What is on its way to us.
    coming: Vec<(u64, Vec<u8>, SocketAddr)>,
}

impl Run {
    fn new(options: Options, protocol: Protocol) -> Run {
        let ping = Ping::new(options, Identity::default(), None, Entropy::seeded(1));
        let (sent, told, connects, dead, coming) = (vec![], vec![], vec![], vec![], vec![]);
        Run { ping, start: Instant::now(), at: 0, protocol, sent, told, connects, dead, coming }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.at)
    }

    /// Does all that is to be done now; `serve` answers each request: after how long, with what, from where.
    fn act(&mut self, serve: &mut impl FnMut(usize, &[u8]) -> Vec<(u64, Vec<u8>, SocketAddr)>) {
        while let Some(action) = self.ping.poll_action(self.now()) {
            match action {
                Action::Tell(event) => self.told.push((self.at, event)),
                Action::Connect(candidate) => {
                    self.connects.push((self.at, candidate));
                    let now = self.now();
                    if self.dead.contains(&candidate) {
                        let error = TransportError::new(Phase::Connect, "refused", "connection refused");
                        self.ping.handle_transport_error(&error, now);
                    } else {
                        let (local, peer) = ("10.0.0.5:5060".parse().unwrap(), PEER.parse().unwrap());
                        let (connect, tls_time, tls) = (None, None, None);
                        let facts = LineFacts { protocol: self.protocol, local, peer, connect, tls_time, tls };
                        self.ping.handle_connected(&facts, now);
                    }
                }
                Action::Send(bytes) => {
                    let answers = serve(self.sent.len(), &bytes);
                    self.coming.extend(answers.into_iter().map(|(after, b, from)| (self.at + after, b, from)));
                    self.sent.push((self.at, bytes));
                }
            }
        }
    }

    /// Runs until it has finished or `until`.
    fn run(&mut self, until: u64, mut serve: impl FnMut(usize, &[u8]) -> Vec<(u64, Vec<u8>, SocketAddr)>) {
        loop {
            self.act(&mut serve);
            if self.ping.is_finished() {
                return;
            }
            let timer = self.ping.poll_timeout();
            let timer = timer.map(|t| t.saturating_duration_since(self.start).as_nanos().div_ceil(1_000_000) as u64);
            let message = self.coming.iter().map(|(at, _, _)| *at).min();
            let Some(next) = [timer, message].into_iter().flatten().min().filter(|&n| n <= until) else {
                self.at = until;
                return;
            };
            self.at = self.at.max(next);
            if let Some(first) = self.coming.iter().position(|(at, _, _)| *at <= self.at) {
                let (_, bytes, from) = self.coming.remove(first);
                let now = self.now();
                self.ping.handle_message(&bytes, from, now);
            } else {
                let now = self.now();
                self.ping.handle_timer(now);
            }
        }
    }

    fn sent_at(&self) -> Vec<u64> {
        self.sent.iter().map(|(at, _)| *at).collect()
    }

    fn replies(&self) -> Vec<(u64, u16, u64, u32)> {
        let told = self.told.iter().filter_map(|(_, event)| match event {
            Event::Reply(r) => Some((r.seq, r.status, r.rtt.as_millis() as u64, r.last_sends)),
            _ => None,
        });
        told.collect()
    }
}

/// The answer to a request: its header fields as RFC 3261 §8.2.6 wants them copied.
fn answer(status: u16, request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(request.to_vec()).unwrap();
    let copied = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
    let kept: Vec<&str> = text.lines().filter(|l| copied.iter().any(|c| l.starts_with(c))).collect();
    let fields = kept.join("\r\n").replace("\r\nCall-ID", ";tag=s\r\nCall-ID");
    format!("SIP/2.0 {status} Words\r\n{fields}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

fn after(ms: u64, status: u16, request: &[u8]) -> Vec<(u64, Vec<u8>, SocketAddr)> {
    vec![(ms, answer(status, request), PEER.parse().unwrap())]
}

#[test]
fn pings_keep_their_pace_without_drift() {
    let mut run = Run::new(options(5, 1000), Protocol::Udp);
    run.run(60_000, |_, request| after(30, 200, request));
    assert_eq!(run.sent_at(), [0, 1000, 2000, 3000, 4000]);
    assert_eq!(run.replies(), (1..=5).map(|seq| (seq, 200, 30, 1)).collect::<Vec<_>>());
    assert!(run.ping.is_finished());
    let mut ids: Vec<Vec<u8>> = Vec::new();
    for (_, bytes) in &run.sent {
        let mut outline = Outline::new();
        assert!(outline.read(bytes));
        let message = Message::new(bytes, &outline);
        let mut defects = Vec::new();
        crate::sip::check::defects(&message, &mut defects);
        assert!(defects.is_empty() && outline.max_forwards == Some(70), "{defects:?}");
        ids.push([message.call_id(), message.branch()].concat());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5, "each ping is a transaction and a Call-ID of its own");
}

/// RFC 3261 §17.1.2.2: 500 ms, then doubled up to T2.
#[test]
fn a_silent_server_is_asked_again_and_given_up() {
    let mut run = Run::new(options(1, 1000), Protocol::Udp);
    run.run(60_000, |_, _| vec![]);
    assert_eq!(run.sent_at(), [0, 500, 1500, 3500]);
    let [(5000, Event::Lost(lost))] = &run.told[..] else { panic!("{:?}", run.told) };
    assert_eq!((lost.seq, lost.sends, lost.after, lost.provisional), (1, 4, Duration::from_secs(5), false));
    let mut run = Run::new(options(1, 1000), Protocol::Tcp);
    run.run(60_000, |_, request| after(10, 100, request));
    assert_eq!(run.sent_at(), [0], "nothing is repeated over a reliable transport");
    let [(_, Event::Lost(lost))] = &run.told[..] else { panic!("{:?}", run.told) };
    assert!(lost.provisional);
}

#[test]
fn all_of_timer_f_takes_eleven_sends() {
    let mut run = Run::new(Options { wait: Duration::from_secs(60), ..options(1, 0) }, Protocol::Udp);
    run.run(100_000, |_, _| vec![]);
    assert_eq!(run.sent_at(), [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    assert_eq!(run.told[0].0, 32_000);
}

#[test]
fn an_answer_to_a_repeat_is_told_as_such_with_both_times() {
    let mut run = Run::new(options(1, 1000), Protocol::Udp);
    run.run(60_000, |n, request| if n == 1 { after(20, 200, request) } else { vec![] });
    let [(520, Event::Reply(reply))] = &run.told[..] else { panic!("{:?}", run.told) };
    assert_eq!((reply.rtt.as_millis(), reply.rtt_first.as_millis()), (20, 520));
    assert_eq!((reply.last_sends, reply.sends, reply.repeats, reply.requests), (2, 2, 1, 1));
}

#[test]
fn no_more_are_under_way_than_allowed() {
    let mut run = Run::new(Options { parallel: 4, ..options(12, 0) }, Protocol::Udp);
    run.run(60_000, |_, request| after(100, 200, request));
    assert_eq!(run.sent_at(), [0, 0, 0, 0, 100, 100, 100, 100, 200, 200, 200, 200]);
    let mut run = Run::new(Options { parallel: 1, ..options(3, 100) }, Protocol::Udp);
    run.run(60_000, |_, request| after(350, 200, request));
    assert_eq!(run.sent_at(), [0, 350, 700], "late ones move those behind them instead of bursting");
}

#[test]
fn the_next_candidate_is_tried_until_one_answers() {
    for (status, dead) in [(Some(503), vec![]), (None, vec![]), (None, vec![0])] {
        let mut run = Run::new(Options { candidates: 3, ..options(2, 10_000) }, Protocol::Tcp);
        run.dead = dead.clone();
        run.run(60_000, |n, request| match (n, status, dead.is_empty()) {
            (0, Some(status), _) => after(10, status, request),
            (0, None, true) => vec![],
            _ => after(10, 200, request),
        });
        assert_eq!(run.connects.iter().map(|(_, c)| *c).collect::<Vec<_>>(), [0, 1], "{status:?}");
        assert!(matches!(&run.told[0].1, Event::Moved { from: 0, to: 1, .. }), "{:?}", run.told);
        assert_eq!(run.replies().len(), 2);
        let all = run.told.iter().filter_map(|(_, e)| if let Event::Reply(r) = e { Some(r.candidate) } else { None });
        assert_eq!(all.collect::<Vec<_>>(), [1, 1]);
    }
}

#[test]
fn a_503_is_the_answer_where_nobody_has_another() {
    let mut run = Run::new(Options { candidates: 2, ..options(1, 1000) }, Protocol::Tcp);
    run.dead = vec![1];
    run.run(60_000, |_, request| after(10, 503, request));
    assert_eq!(run.replies(), [(1, 503, 10, 1)]);
}

#[test]
fn a_line_that_was_closed_between_pings_is_opened_again() {
    let mut run = Run::new(options(2, 1000), Protocol::Tcp);
    run.run(500, |_, request| after(10, 200, request));
    let now = run.now();
    run.ping.handle_transport_error(&TransportError::new(Phase::Receive, "closed", "closed"), now);
    run.run(60_000, |_, request| after(10, 200, request));
    assert_eq!(run.connects, [(0, 0), (1000, 0)]);
    assert_eq!((run.replies().len(), run.told.len()), (2, 2));
}

#[test]
fn without_a_way_each_ping_fails_at_its_time() {
    let mut run = Run::new(options(3, 1000), Protocol::Tcp);
    run.dead = vec![0];
    run.run(60_000, |_, _| vec![]);
    let failed: Vec<(u64, u64)> = run
        .told
        .iter()
        .filter_map(|(at, e)| if let Event::Failed { seq, .. } = e { Some((*at, *seq)) } else { None })
        .collect();
    assert_eq!(failed, [(0, 1), (1000, 2), (2000, 3)]);
}

#[test]
fn what_is_no_answer_is_told_by_reason_and_changes_nothing() {
    let mut run = Run::new(options(2, 3000), Protocol::Udp);
    let other: SocketAddr = "192.0.2.9:5060".parse().unwrap();
    let peer: SocketAddr = PEER.parse().unwrap();
    run.run(60_000, |n, request| {
        if n > 0 {
            return after(10, 200, request);
        }
        let good = answer(200, request);
        let change = |from: &str, to: &str| String::from_utf8(good.clone()).unwrap().replace(from, to).into_bytes();
        vec![
            (1, b"\0\x01garbage".to_vec(), peer),
            (2, request.to_vec(), peer),
            (3, change("branch=z9hG4bK", "branch=z9hG4bKx"), peer),
            (4, change("CSeq: 1 OPTIONS", "CSeq: 1 BYE"), peer),
            (5, change("CSeq: 1 OPTIONS", "CSeq: 9 OPTIONS"), peer),
            (6, good.clone(), other),
            (7, good.clone(), peer),
            (8, good, peer),
        ]
    });
    let reasons: Vec<Reason> = run
        .told
        .iter()
        .filter_map(|(_, e)| if let Event::Ignored { reason, .. } = e { Some(*reason) } else { None })
        .collect();
    use Reason::{Branch, CseqMethod, Dialog, NotSip, Repeat, Request, Source};
    assert_eq!(reasons, [NotSip, Request, Branch, CseqMethod, Dialog, Source, Repeat]);
    assert_eq!(run.replies(), [(1, 200, 7, 1), (2, 200, 10, 1)]);
}

#[test]
fn a_late_answer_is_known_as_one() {
    let mut run = Run::new(options(2, 7000), Protocol::Tcp);
    run.run(60_000, |n, request| after(if n == 0 { 6000 } else { 1 }, 200, request));
    let late = run
        .told
        .iter()
        .any(|(at, e)| *at == 6000 && matches!(e, Event::Ignored { reason: Reason::Late, seq: Some(1), .. }));
    assert!(late, "{:?}", run.told);
}

#[test]
fn a_wish_to_stop_ends_it_at_once() {
    let mut run = Run::new(options(0, 1000), Protocol::Udp);
    run.run(2500, |n, request| if n == 2 { vec![] } else { after(10, 200, request) });
    assert!(!run.ping.is_finished());
    let now = run.now();
    run.ping.handle_stop(now);
    run.run(9000, |_, _| vec![]);
    assert!(run.ping.is_finished() && run.at == 2500);
    assert!(matches!(run.told.last(), Some((2500, Event::Abandoned { seq: 3 }))));
}

#[test]
fn requests_are_as_large_as_wanted() {
    let size = |size| {
        let mut run = Run::new(Options { size: Some(size), ..options(2, 10) }, Protocol::Udp);
        run.run(60_000, |_, request| after(1, 200, request));
        (run.sent.iter().map(|(_, b)| b.len()).collect::<Vec<_>>(), run.told.first().map(|(_, e)| e.clone()))
    };
    let (_, told) = size(10);
    let Some(Event::TooSmall { least }) = told else { panic!("{told:?}") };
    for wanted in (least..least + 40).chain([1400, 2500, 65_000]) {
        assert_eq!(size(wanted).0, [wanted, wanted]);
    }
}
