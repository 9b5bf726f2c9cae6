use super::{End, Event, Options, Probe, Trace};
use crate::agent::{Action, Identity, Machine};
use crate::base::Entropy;
use crate::sip::{HeaderName, Message, Outline};
use crate::transaction::Timers;
use crate::transport::{LineFacts, Phase, Protocol, TransportError};
use std::time::{Duration, Instant};

const MARK: &str = "b27e1a1d33761e85846fc98f5f3a7e58";

/// What the network does with a request.
enum Does {
    /// Answers it after so many milliseconds, with this status line and these header fields.
    Answers(u64, String),
    Nothing,
    Breaks,
}

fn options() -> Options {
    Options {
        method: "OPTIONS".to_owned(),
        uri: "sip:bob@example.com".to_owned(),
        max_hops: 30,
        probes: 3,
        timeout: Duration::from_secs(5),
        timers: Timers::default(),
        candidates: 1,
    }
}

fn error() -> TransportError {
    TransportError::new(Phase::Receive, "closed", "the connection was closed")
}

fn line(candidate: usize) -> LineFacts {
    let peer = format!("192.0.2.{}:5060", 10 + candidate).parse().unwrap();
    let local = "192.0.2.1:5070".parse().unwrap();
    LineFacts { protocol: Protocol::Udp, local, peer, connect: None, tls_time: None, tls: None }
}

struct Ran {
    probes: Vec<Probe>,
    moved: Vec<usize>,
    connects: Vec<usize>,
    end: Option<End>,
    /// Max-Forwards of each first sending.
    sent: Vec<u8>,
    took: Duration,
}

impl Ran {
    fn statuses(&self) -> Vec<(u8, Option<u16>)> {
        self.probes.iter().map(|p| (p.hop, p.answer.as_ref().map(|a| a.status))).collect()
    }
}

fn max_forwards(bytes: &[u8]) -> u8 {
    let mut outline = Outline::new();
    assert!(outline.read(bytes));
    u8::try_from(outline.max_forwards.unwrap()).unwrap()
}

/// A response to the request, made of its header fields (and another To where one is given).
fn response(request: &[u8], first: &str, fields: &str) -> Vec<u8> {
    let mut outline = Outline::new();
    assert!(outline.read(request));
    let message = Message::new(request, &outline);
    let mut text = format!("SIP/2.0 {first}\r\n");
    let names = [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
    for name in names.into_iter().filter(|&name| name != HeaderName::To || !fields.starts_with("To: ")) {
        let value = String::from_utf8_lossy(message.header(name).unwrap()).into_owned();
        text.push_str(&format!("{}: {value}\r\n", name.canonical()));
    }
    (text + fields + "\r\n").into_bytes()
}

/// Runs a trace through a network in virtual time: `network` is asked for each request (candidate, Max-Forwards, how many
/// requests there were).
fn run(options: Options, mut network: impl FnMut(usize, u8, usize) -> Does) -> Ran {
    let mut trace = Trace::new(options, Identity::default(), None, Entropy::seeded(1));
    let start = Instant::now();
    let mut now = start;
    let mut ran =
        Ran { probes: vec![], moved: vec![], connects: vec![], end: None, sent: vec![], took: Duration::ZERO };
    let mut answer: Option<(Instant, Vec<u8>)> = None;
    let mut last_request: Vec<u8> = Vec::new();
    for _ in 0..10_000 {
        while let Some(action) = trace.poll_action(now) {
            match action {
                Action::Connect(number) => {
                    ran.connects.push(number);
                    trace.handle_connected(&line(number), now);
                }
                Action::Tell(Event::Probe(probe)) => ran.probes.push(*probe),
                Action::Tell(Event::Moved { from, .. }) => ran.moved.push(from),
                Action::Tell(Event::Ended(end)) => ran.end = Some(end),
                Action::Tell(Event::Ignored(_)) => {}
                Action::Send(bytes) if bytes == last_request => {}
                Action::Send(bytes) => {
                    last_request.clone_from(&bytes);
                    ran.sent.push(max_forwards(&bytes));
                    match network(*ran.connects.last().unwrap(), max_forwards(&bytes), ran.sent.len()) {
                        Does::Nothing => {}
                        Does::Breaks => trace.handle_transport_error(&error(), now),
                        Does::Answers(after, text) => {
                            let (first, fields) = text.split_once("\r\n").unwrap_or((&text, ""));
                            answer = Some((now + Duration::from_millis(after), response(&bytes, first, fields)));
                        }
                    }
                }
            }
        }
        if trace.is_finished() {
            ran.took = now - start;
            return ran;
        }
        let due = trace.poll_timeout();
        match answer.take_if(|(at, _)| due.is_none_or(|due| *at <= due)) {
            Some((at, bytes)) => {
                now = at;
                let candidate = *ran.connects.last().unwrap();
                trace.handle_message(&bytes, line(candidate).peer, now);
            }
            None => {
                now = due.unwrap();
                trace.handle_timer(now);
            }
        }
    }
    panic!("it never ends");
}

fn says(text: &str) -> Does {
    Does::Answers(2, text.to_owned())
}

#[test]
fn each_hop_is_asked_three_times_until_the_target_answers() {
    let ran = run(options(), |_, hops, _| match hops {
        0 | 1 => Does::Answers(u64::from(hops) + 1, format!("483 Too Many Hops\r\nServer: p{hops}\r\n")),
        _ => says("200 OK\r\nServer: target\r\n"),
    });
    assert_eq!(ran.sent, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    let expected = [1, 1, 1, 2, 2, 2, 3, 3, 3].map(|hop| (hop, Some(if hop < 3 { 483 } else { 200 })));
    assert_eq!(ran.statuses(), expected);
    assert_eq!(ran.end, Some(End::Reached));
    let third = &ran.probes[3];
    assert_eq!((third.rtt, third.sends), (Some(Duration::from_millis(2)), 1));
    assert_eq!(third.answer.as_ref().unwrap().server.as_deref(), Some(&b"p1"[..]));
    assert_eq!(third.answer.as_ref().unwrap().from, Some("192.0.2.10:5060".parse().unwrap()));
}

#[test]
fn any_final_response_but_483_and_482_is_the_target() {
    for status in ["404 Not Found", "302 Moved", "503 Busy", "603 Decline", "401 Unauthorized"] {
        let ran = run(Options { probes: 1, ..options() }, |_, hops, _| says(if hops == 0 { "483 x" } else { status }));
        assert_eq!((ran.end, ran.sent), (Some(End::Reached), vec![0, 1]), "{status}");
    }
}

#[test]
fn a_482_is_a_loop() {
    let ran = run(options(), |_, hops, _| says(if hops < 2 { "483 x" } else { "482 Loop Detected" }));
    assert_eq!(ran.end, Some(End::LoopDetected));
    assert_eq!(ran.statuses().last(), Some(&(3, Some(482))));
}

#[test]
fn the_same_server_at_four_hops_in_a_row_is_a_loop() {
    let marked = |hop: u8| format!("483 x\r\nTo: <sip:bob@example.com>;tag={MARK}.{hop:04x}\r\n");
    let one = || Options { probes: 1, ..options() };
    let ran = run(one(), |_, hops, _| says(&if hops == 0 { "483 x".to_owned() } else { marked(hops) }));
    assert_eq!((ran.end, ran.sent.len()), (Some(End::SameSince(2)), 5));
    // A spiral through one server and its neighbour is none, and a lost answer does not hide one.
    let ran = run(one(), |_, hops, _| match hops {
        9 => says("200 OK"),
        n if n % 2 == 0 => says(&marked(n)),
        _ => says("483 x"),
    });
    assert_eq!(ran.end, Some(End::Reached));
    let ran = run(one(), |_, hops, _| if hops == 2 { Does::Nothing } else { says(&marked(hops)) });
    assert_eq!((ran.end, ran.sent.len()), (Some(End::SameSince(1)), 5));
}

#[test]
fn it_ends_at_the_last_hop_that_is_to_be_asked() {
    let ran = run(Options { max_hops: 4, ..options() }, |_, _, _| says("483 x"));
    assert_eq!((ran.end, ran.sent.len()), (Some(End::TooFar), 12));
    let ran = run(Options { max_hops: 255, probes: 1, ..options() }, |_, _, _| says("483 x"));
    assert_eq!((ran.end, ran.sent.last().copied()), (Some(End::TooFar), Some(254)));
}

#[test]
fn silent_hops_are_passed_and_three_in_a_row_end_it() {
    let ran = run(options(), |_, hops, _| match hops {
        1 => Does::Nothing,
        2 => says("200 OK"),
        _ => says("483 x"),
    });
    assert_eq!(ran.end, Some(End::Reached));
    assert_eq!(ran.statuses()[3..6], [(2, None); 3]);
    assert_eq!(ran.probes[3].sends, 4, "0, 0.5, 1.5 and 3.5 s");
    let ran = run(options(), |_, hops, _| if hops == 0 { says("483 x") } else { Does::Nothing });
    assert_eq!(ran.end, Some(End::SilentAfter(1)));
    assert_eq!((ran.sent.len(), ran.took.as_secs()), (12, 45));
    let ran = run(options(), |_, _, _| Does::Nothing);
    assert_eq!(ran.end, Some(End::SilentAfter(0)));
    let ran = run(Options { max_hops: 1, ..options() }, |_, _, _| Does::Nothing);
    assert_eq!(ran.end, Some(End::SilentAfter(0)));
}

#[test]
fn one_lost_request_does_not_make_a_hop_silent() {
    let ran = run(options(), |_, hops, n| match (hops, n) {
        (0, 2) | (1, 4) => Does::Nothing,
        (0, _) => says("483 x"),
        _ => says("200 OK"),
    });
    let answers: Vec<bool> = ran.probes.iter().map(|p| p.answer.is_some()).collect();
    assert_eq!(answers, [true, false, true, false, true, true]);
    assert_eq!(ran.end, Some(End::Reached));
}

#[test]
fn other_candidates_are_tried_for_the_first_request_only() {
    let three = || Options { candidates: 3, ..options() };
    let ran = run(three(), |candidate, _, _| match candidate {
        0 => Does::Nothing,
        1 => says("503 Service Unavailable"),
        _ => says("200 OK"),
    });
    assert_eq!((ran.moved, ran.connects), (vec![0, 1], vec![0, 1, 2]));
    assert_eq!(ran.probes.iter().map(|p| p.candidate).collect::<Vec<_>>(), [2, 2, 2]);
    assert_eq!(ran.end, Some(End::Reached));
    let ran = run(three(), |_, _, n| if n == 1 { says("483 x") } else { Does::Nothing });
    assert_eq!((ran.moved, ran.connects), (vec![], vec![0]), "the first one answers: it is kept");
    let ran = run(three(), |_, _, _| Does::Breaks);
    assert_eq!((ran.moved, ran.end), (vec![0, 1], Some(End::Failed(error()))));
}

#[test]
fn a_line_that_was_good_is_opened_once_more() {
    let ran = run(Options { probes: 1, ..options() }, |_, hops, n| match (hops, n) {
        (0, _) => says("483 x"),
        (_, 2) => Does::Breaks,
        _ => says("200 OK"),
    });
    assert_eq!((ran.sent, ran.connects), (vec![0, 1, 1], vec![0, 0]));
    assert_eq!(ran.end, Some(End::Reached));
    let ran = run(options(), |_, hops, _| if hops == 0 { says("483 x") } else { Does::Breaks });
    assert_eq!((ran.end, ran.connects), (Some(End::Failed(error())), vec![0, 0]));
}

#[test]
fn the_wish_to_stop_ends_it_at_once() {
    let mut trace = Trace::new(options(), Identity::default(), None, Entropy::seeded(1));
    let now = Instant::now();
    assert!(matches!(trace.poll_action(now), Some(Action::Connect(0))));
    trace.handle_connected(&line(0), now);
    assert!(matches!(trace.poll_action(now), Some(Action::Send(_))));
    trace.handle_stop(now);
    assert!(matches!(trace.poll_action(now), Some(Action::Tell(Event::Ended(End::Stopped)))));
    assert!(trace.is_finished() && trace.poll_timeout().is_none() && trace.poll_action(now).is_none());
    trace.handle_stop(now);
    assert!(trace.poll_action(now).is_none());
}

#[test]
fn a_register_asks_for_bindings_and_makes_none() {
    let mut trace = Trace::new(
        Options { method: "REGISTER".to_owned(), ..options() },
        Identity::default(),
        None,
        Entropy::seeded(1),
    );
    let now = Instant::now();
    let _ = trace.poll_action(now);
    trace.handle_connected(&line(0), now);
    let Some(Action::Send(bytes)) = trace.poll_action(now) else { panic!() };
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("REGISTER ") && !text.contains("\r\nContact:"), "{text}");
    assert!(text.contains("\r\nMax-Forwards: 0\r\n"), "{text}");
}
