use super::{Event, Server};
use crate::sip::{Message, Outline};
use crate::transaction::Timers;
use std::time::{Duration, Instant};

fn request(method: &str) -> String {
    format!(
        "{method} sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=f1\r\nTo: <sip:bob@example.com>\r\n\
         Call-ID: c1@x\r\nCSeq: 7 {method}\r\nContent-Length: 0\r\n\r\n"
    )
}

fn with<T>(text: &str, work: impl FnOnce(&Message<'_>) -> T) -> T {
    let mut outline = Outline::new();
    assert!(outline.read(text.as_bytes()), "{text}");
    work(&Message::new(text.as_bytes(), &outline))
}

fn response(status: u16) -> Vec<u8> {
    format!("SIP/2.0 {status} Words\r\nTo: <sip:bob@example.com>;tag=t1\r\n\r\n").into_bytes()
}

struct Bench {
    server: Server,
    method: &'static str,
    start: Instant,
    /// When each response was sent, and its status.
    sent: Vec<(u128, u16)>,
}

impl Bench {
    fn new(method: &'static str, reliable: bool) -> Self {
        let start = Instant::now();
        let server = with(&request(method), |m| Server::new(m, reliable, Timers::default(), start));
        Bench { server, method, start, sent: Vec::new() }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn drain(&mut self, ms: u64) {
        while let Some(bytes) = self.server.poll_transmit() {
            let status = std::str::from_utf8(&bytes[8..11]).unwrap().parse().unwrap();
            self.sent.push((u128::from(ms), status));
        }
    }

    fn run(&mut self, ms: u64) -> Vec<(u64, Event)> {
        let mut told = Vec::new();
        while let Some(due) = self.server.poll_timeout().filter(|&due| due <= self.at(ms)) {
            let now = (due - self.start).as_millis() as u64;
            told.extend(self.server.handle_timer(due).map(|event| (now, event)));
            self.drain(now);
        }
        told
    }

    fn hand(&mut self, method: &str, ms: u64) -> Option<Event> {
        let text = request(method);
        assert!(with(&text, |m| self.server.matches(m)));
        let at = self.at(ms);
        let told = with(&text, |m| self.server.handle_message(m, at));
        self.drain(ms);
        told
    }

    fn repeat(&mut self, ms: u64) -> Option<Event> {
        self.hand(self.method, ms)
    }

    fn respond(&mut self, status: u16, ms: u64) -> bool {
        let sent = self.server.respond(response(status), status, self.at(ms));
        self.drain(ms);
        sent
    }

    fn times(&self) -> Vec<u128> {
        self.sent.iter().map(|(at, _)| *at).collect()
    }
}

#[test]
fn timers_g_and_h_repeat_a_refusal_until_its_ack_is_given_up() {
    let mut bench = Bench::new("INVITE", false);
    assert!(bench.respond(486, 0));
    assert_eq!(bench.run(100_000), [(32_000, Event::Timeout)]);
    let expected = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert_eq!(bench.times(), expected);
    assert!(bench.server.is_terminated());
}

#[test]
fn over_a_reliable_transport_timer_h_alone_waits_for_the_ack() {
    let mut bench = Bench::new("INVITE", true);
    assert!(bench.respond(486, 0));
    assert_eq!(bench.run(31_999), []);
    assert_eq!(bench.run(32_000), [(32_000, Event::Timeout)]);
    assert_eq!(bench.times(), [0]);
}

#[test]
fn the_ack_ends_the_repeats_and_timer_i_absorbs_its_own() {
    for (reliable, end) in [(false, 5700), (true, 700)] {
        let mut bench = Bench::new("INVITE", reliable);
        bench.respond(404, 0);
        bench.run(600);
        assert_eq!(bench.hand("ACK", 700), Some(Event::Acknowledged));
        assert_eq!(bench.server.poll_timeout(), Some(bench.at(end)));
        assert_eq!((bench.hand("ACK", 700), bench.repeat(700)), (None, None));
        let before = bench.times();
        assert_eq!((bench.run(100_000), bench.times()), (vec![], before));
        assert!(bench.server.is_terminated());
    }
}

#[test]
fn a_repeat_of_an_invite_brings_the_last_response_again() {
    let mut bench = Bench::new("INVITE", false);
    assert_eq!(bench.repeat(100), Some(Event::Repeat));
    assert_eq!(bench.sent, []);
    assert!(bench.respond(100, 150) && bench.respond(180, 200));
    assert_eq!(bench.repeat(500), Some(Event::Repeat));
    assert_eq!(bench.hand("ACK", 550), None, "nothing was refused yet");
    assert_eq!((bench.run(200_000), bench.server.poll_timeout()), (vec![], None), "it rings as long as it rings");
    assert!(bench.respond(603, 600));
    assert_eq!(bench.repeat(700), Some(Event::Repeat));
    assert_eq!(bench.sent, [(150, 100), (200, 180), (500, 180), (600, 603), (700, 603)]);
    assert!(!bench.respond(200, 800) && !bench.respond(180, 800), "one final response");
}

#[test]
fn an_accepted_invite_absorbs_its_repeats_for_timer_l_and_lets_the_2xx_be_repeated() {
    for reliable in [false, true] {
        let mut bench = Bench::new("INVITE", reliable);
        assert!(bench.respond(200, 0));
        assert_eq!(bench.repeat(500), Some(Event::Repeat));
        assert_eq!(bench.times(), [0], "who accepted repeats the 2xx, the transaction does not");
        assert!(bench.respond(200, 600) && !bench.respond(486, 700) && !bench.respond(180, 700));
        assert_eq!(bench.hand("ACK", 800), Some(Event::Acknowledged));
        assert_eq!(bench.server.poll_timeout(), Some(bench.at(32_000)));
        assert_eq!((bench.run(32_000), bench.server.is_terminated()), (vec![], true));
        assert_eq!(bench.times(), [0, 600]);
    }
}

#[test]
fn a_repeat_of_another_request_is_absorbed_for_timer_j() {
    let mut bench = Bench::new("OPTIONS", false);
    assert_eq!(bench.repeat(500), Some(Event::Repeat));
    assert_eq!(bench.sent, [], "in Trying there is nothing to say");
    assert!(bench.respond(200, 600));
    assert_eq!(bench.repeat(1500), Some(Event::Repeat));
    assert_eq!(bench.sent, [(600, 200), (1500, 200)]);
    assert!(!bench.respond(404, 1600));
    assert_eq!(bench.server.poll_timeout(), Some(bench.at(32_600)));
    assert_eq!((bench.run(32_600), bench.server.is_terminated()), (vec![], true));
    assert_eq!(bench.repeat(32_700), None);
    let mut bench = Bench::new("OPTIONS", true);
    assert!(bench.respond(200, 10));
    assert_eq!((bench.run(10), bench.server.is_terminated()), (vec![], true));
    assert_eq!(bench.sent, [(10, 200)]);
}

#[test]
fn to_other_requests_only_what_rfc_4320_allows_is_sent() {
    let mut bench = Bench::new("OPTIONS", false);
    // Timer E of the client is set to T2 with its fourth sending.
    assert!(!bench.respond(100, 3499) && !bench.respond(180, 3500) && !bench.respond(408, 3500));
    assert_eq!(bench.sent, []);
    assert!(bench.respond(100, 3500));
    assert_eq!(bench.repeat(7500), Some(Event::Repeat));
    assert_eq!(bench.sent, [(3500, 100), (7500, 100)]);
    assert!(bench.respond(404, 31_999));
    let mut late = Bench::new("OPTIONS", false);
    assert!(!late.respond(200, 32_000), "its client has given up");
    assert_eq!((late.run(32_000), late.server.is_terminated()), (vec![], true));
    let mut reliable = Bench::new("OPTIONS", true);
    assert!(reliable.respond(100, 0), "over TCP a 100 costs nothing");
    assert!(!reliable.respond(408, 1));
    let mut invite = Bench::new("INVITE", false);
    assert!(invite.respond(180, 0) && invite.respond(408, 50_000), "an INVITE may time out");
}

#[test]
fn who_breaks_the_rules_on_purpose_can() {
    let mut bench = Bench::new("OPTIONS", false);
    for status in [180, 408] {
        assert!(bench.server.force(response(status), status, bench.at(1)));
        bench.drain(1);
    }
    assert!(!bench.server.force(response(200), 200, bench.at(2)), "but not with two final responses");
    assert_eq!(bench.sent, [(1, 180), (1, 408)]);
}

#[test]
fn requests_are_matched_by_branch_sent_by_and_method() {
    let bench = Bench::new("INVITE", false);
    let good = request("INVITE");
    let matches = |text: &str| with(text, |m| bench.server.matches(m));
    assert!(matches(&good) && matches(&request("ACK")));
    assert!(matches(&good.replace("c1@x", "c2@x").replace("tag=f1", "tag=f9")), "the branch says it all");
    for other in [
        good.replace("z9hG4bKa1", "z9hG4bKa2"),
        good.replace("192.0.2.1:5060", "192.0.2.2:5060"),
        good.replace("192.0.2.1:5060", "192.0.2.1:5062"),
        request("CANCEL"),
        request("OPTIONS"),
        good.replace("INVITE sip:bob@example.com SIP/2.0", "SIP/2.0 200 OK"),
    ] {
        assert!(!matches(&other), "{other}");
    }
    assert!(!with(&request("ACK"), |m| Bench::new("OPTIONS", false).server.matches(m)));
}

#[test]
fn a_client_of_rfc_2543_is_matched_by_all_that_it_repeats() {
    for branch in ["", ";branch=1", ";branch=z9hG4bK"] {
        let old = |text: String| text.replace(";branch=z9hG4bKa1", branch);
        let good = old(request("INVITE"));
        let start = Instant::now();
        let mut server = with(&good, |m| Server::new(m, false, Timers::default(), start));
        let ack = old(request("ACK")).replace("bob@example.com>\r\n", "bob@example.com>;tag=t1\r\n");
        assert!(with(&good, |m| server.matches(m)));
        assert!(!with(&ack, |m| server.matches(m)), "nothing was answered yet");
        assert!(server.respond(response(486), 486, start));
        assert!(with(&ack, |m| server.matches(m)) && with(&good, |m| server.matches(m)));
        assert_eq!(with(&ack, |m| server.handle_message(m, start)), Some(Event::Acknowledged));
        for other in [
            good.replace("INVITE sip:bob", "INVITE sip:carol"),
            good.replace("192.0.2.1:5060", "192.0.2.1:5062"),
            good.replace("tag=f1", "tag=f2"),
            good.replace("bob@example.com>\r\n", "bob@example.com>;tag=t9\r\n"),
            good.replace("c1@x", "c2@x"),
            good.replace("CSeq: 7", "CSeq: 8"),
            ack.replace("tag=t1", "tag=t2"),
            ack.replace("CSeq: 7", "CSeq: 8"),
        ] {
            assert!(!with(&other, |m| server.matches(m)), "{other}");
        }
    }
}
