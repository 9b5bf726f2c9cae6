#![allow(clippy::unwrap_used)]

use super::*;
use crate::driver::Stop;
use crate::transport::Protocol;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use tokio::sync::{mpsc, watch};

type Replies = VecDeque<Result<Vec<u8>, TransportError>>;

/// What happened, in order, in words.
type Log = Rc<RefCell<Vec<String>>>;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Ways that answer each message with the next reply of a list.
struct FakeWays {
    log: Log,
    replies: RefCell<Replies>,
    opens: bool,
    takes: bool,
}

struct FakeWay {
    facts: LineFacts,
    log: Log,
    replies: Replies,
    in_there: mpsc::UnboundedReceiver<Result<Vec<u8>, TransportError>>,
    out_there: mpsc::UnboundedSender<Result<Vec<u8>, TransportError>>,
    takes: bool,
}

fn ways(log: &Log, replies: &[&str]) -> FakeWays {
    let replies = replies.iter().map(|r| match *r {
        "!" => Err(TransportError::new(Phase::Receive, "closed", "closed")),
        text => Ok(text.as_bytes().to_vec()),
    });
    FakeWays { log: Rc::clone(log), replies: RefCell::new(replies.collect()), opens: true, takes: true }
}

impl Open for FakeWays {
    type Way = FakeWay;
    async fn open(&self, candidate: &Candidate, _: Duration) -> Result<FakeWay, TransportError> {
        if !self.opens {
            std::future::pending::<()>().await;
        }
        let (out_there, in_there) = mpsc::unbounded_channel();
        let local = "127.0.0.1:1".parse().unwrap();
        let facts = LineFacts {
            protocol: candidate.protocol,
            local,
            peer: candidate.address,
            connect: None,
            tls_time: None,
            tls: None,
        };
        let replies = std::mem::take(&mut *self.replies.borrow_mut());
        Ok(FakeWay { facts, log: Rc::clone(&self.log), replies, in_there, out_there, takes: self.takes })
    }
}

impl Carry for FakeWay {
    fn facts(&self) -> &LineFacts {
        &self.facts
    }
    async fn send(&mut self, message: &[u8]) -> Result<(), TransportError> {
        if !self.takes {
            std::future::pending::<()>().await;
        }
        self.log.borrow_mut().push(format!("> {}", text(message)));
        if let Some(reply) = self.replies.pop_front() {
            self.out_there.send(reply).unwrap();
        }
        Ok(())
    }
    async fn receive(&mut self, into: &mut Vec<u8>) -> Result<Received, TransportError> {
        let message = self.in_there.recv().await.unwrap()?;
        *into = message;
        Ok(Received { from: self.facts.peer, at: Instant::now() })
    }
    async fn close(&mut self) {
        self.log.borrow_mut().push("closed".to_owned());
    }
}

/// Sends `sends` messages, one after each answer; tells each answer; ends with the last, an error, or its time-out.
struct Fake {
    actions: VecDeque<Action<String>>,
    sends: u32,
    sent: u32,
    due: Option<Instant>,
    finished: bool,
    stubborn: bool,
    connect_timeout: Duration,
}

fn fake(sends: u32) -> Fake {
    Fake {
        actions: VecDeque::from([Action::Connect(0)]),
        sends,
        sent: 0,
        due: None,
        finished: false,
        stubborn: false,
        connect_timeout: Duration::from_secs(5),
    }
}

impl Fake {
    fn send(&mut self) {
        if self.sent == self.sends {
            self.finished = true;
            return;
        }
        self.sent += 1;
        self.actions.push_back(Action::Send(format!("request {}", self.sent).into_bytes()));
    }
    fn tell(&mut self, what: impl Into<String>) {
        self.actions.push_back(Action::Tell(what.into()));
    }
}

impl Machine for Fake {
    type Event = String;
    fn handle_connected(&mut self, line: &LineFacts, _: Instant) {
        self.tell(format!("connected to {}", line.peer));
        self.send();
    }
    fn handle_message(&mut self, bytes: &[u8], from: SocketAddr, _: Instant) {
        self.tell(format!("{} of {from}", text(bytes)));
        self.send();
    }
    fn handle_timer(&mut self, now: Instant) {
        assert!(self.due.take().unwrap() <= now);
        self.tell("timer");
        self.finished = true;
    }
    fn handle_transport_error(&mut self, error: &TransportError, _: Instant) {
        self.tell(format!("failed: {}", error.kind));
        self.finished = true;
    }
    fn handle_stop(&mut self, _: Instant) {
        self.tell("stop");
        self.finished = !self.stubborn;
    }
    fn poll_action(&mut self, _: Instant) -> Option<Action<String>> {
        self.actions.pop_front()
    }
    fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }
    fn is_finished(&self) -> bool {
        self.finished
    }
    fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }
}

struct Watcher(Log);

impl Watch<String> for Watcher {
    fn event(&mut self, event: String) {
        self.0.borrow_mut().push(format!("* {event}"));
    }
    fn connecting(&mut self, candidate: usize) {
        self.0.borrow_mut().push(format!("connecting {candidate}"));
    }
    fn received(&mut self, bytes: &[u8], _: SocketAddr) {
        self.0.borrow_mut().push(format!("< {}", text(bytes)));
    }
    fn failed(&mut self, error: &TransportError) {
        self.0.borrow_mut().push(format!("failed {}", error.phase as u8));
    }
}

fn plan() -> Plan {
    let candidate = Candidate {
        protocol: Protocol::Tcp,
        address: "127.0.0.1:2".parse().unwrap(),
        domain: String::new(),
        host: None,
        srv: None,
        how: "as given".to_owned(),
    };
    Plan { candidates: vec![candidate], ..Plan::default() }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Runs `machine` with `wishes` to stop before it begins, and more of them at each message that is told in `later`.
fn run_with(machine: &mut Fake, ways: &FakeWays, wishes: u32) -> Vec<String> {
    let (teller, wishes) = watch::channel(wishes);
    let mut watcher = Watcher(Rc::clone(&ways.log));
    block_on(run(machine, &plan(), ways, Stop::by(wishes), &mut watcher));
    drop(teller);
    ways.log.take()
}

#[test]
fn an_agent_is_carried_from_its_first_message_to_its_last() {
    let log = Log::default();
    let told = run_with(&mut fake(2), &ways(&log, &["one", "two"]), 0);
    let expected = [
        "connecting 0",
        "* connected to 127.0.0.1:2",
        "> request 1",
        "< one",
        "* one of 127.0.0.1:2",
        "> request 2",
        "< two",
        "* two of 127.0.0.1:2",
        "closed",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_line_that_breaks_is_told_to_both() {
    let log = Log::default();
    let told = run_with(&mut fake(2), &ways(&log, &["!"]), 0);
    assert_eq!(told[2..], ["> request 1", "failed 5", "* failed: closed"]);
}

#[test]
fn a_candidate_that_does_not_exist_is_an_error_and_no_panic() {
    let log = Log::default();
    let mut machine = fake(1);
    machine.actions = VecDeque::from([Action::Connect(7)]);
    assert_eq!(run_with(&mut machine, &ways(&log, &[]), 0), ["failed 1", "* failed: io"]);
}

#[test]
fn a_timer_rings_while_a_line_is_silent_and_while_one_is_opened() {
    for opens in [true, false] {
        let log = Log::default();
        let mut machine = fake(1);
        machine.due = Some(Instant::now() + Duration::from_millis(20));
        let told = run_with(&mut machine, &FakeWays { opens, ..ways(&log, &[]) }, 0);
        assert_eq!(told.iter().filter(|line| *line == "* timer").count(), 1, "{told:?}");
    }
}

#[test]
fn the_first_wish_to_stop_is_told_and_the_second_ends_at_once() {
    for opens in [true, false] {
        let log = Log::default();
        let told = run_with(&mut fake(9), &FakeWays { opens, ..ways(&log, &[]) }, 1);
        assert!(told.contains(&"* stop".to_owned()), "{told:?}");

        let mut stubborn = fake(9);
        stubborn.stubborn = true;
        let told = run_with(&mut stubborn, &FakeWays { opens, ..ways(&log, &[]) }, 2);
        assert!(!told.contains(&"closed".to_owned()), "{told:?}");
    }
}

#[test]
fn a_wish_that_comes_later_wakes_the_loop() {
    let log = Log::default();
    let ways = ways(&log, &[]);
    let (teller, wishes) = watch::channel(0);
    let mut machine = fake(1);
    machine.stubborn = true;
    let mut watcher = Watcher(Rc::clone(&log));
    block_on(async {
        let plan = plan();
        let wish = async {
            while !log.borrow().contains(&"> request 1".to_owned()) {
                tokio::task::yield_now().await;
            }
            teller.send_modify(|n| *n += 1);
            while !log.borrow().contains(&"* stop".to_owned()) {
                tokio::task::yield_now().await;
            }
            teller.send_modify(|n| *n += 1);
        };
        tokio::join!(run(&mut machine, &plan, &ways, Stop::by(wishes), &mut watcher), wish);
    });
    assert_eq!(log.borrow().last().unwrap(), "* stop");
}

#[test]
fn a_peer_that_takes_nothing_holds_nobody_up() {
    let log = Log::default();
    let mut machine = fake(1);
    machine.connect_timeout = Duration::from_millis(20);
    let told = run_with(&mut machine, &FakeWays { takes: false, ..ways(&log, &[]) }, 0);
    assert_eq!(told[2..], ["failed 4", "* failed: timeout"]);
}

#[test]
fn many_messages_are_taken_in_one_go_and_all_of_them() {
    let log = Log::default();
    let replies: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let replies: Vec<&str> = replies.iter().map(String::as_str).collect();
    let told = run_with(&mut fake(1000), &ways(&log, &replies), 0);
    assert_eq!(told.iter().filter(|line| line.starts_with("< ")).count(), 1000);
}
