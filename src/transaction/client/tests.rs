use super::{Client, Event, Ignored};
use crate::sip::{Message, Outline};
use crate::transaction::Timers;
use std::time::{Duration, Instant};

fn request(method: &str) -> Vec<u8> {
    format!(
        "{method} sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1;rport\r\n\
         Route: <sip:proxy.example.com;lr>\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=f1\r\n\
         To: <sip:bob@example.com>\r\nCall-ID: c1@x\r\nCSeq: 7 {method}\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn response(status: &str, method: &str) -> String {
    format!(
        "SIP/2.0 {status} Words\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1;rport=5060\r\n\
         From: <sip:alice@example.com>;tag=f1\r\nTo: <sip:bob@example.com>;tag=t1\r\nCall-ID: c1@x\r\n\
         CSeq: 7 {method}\r\nContent-Length: 0\r\n\r\n"
    )
}

/// A transaction in virtual time.
struct Bench {
    client: Client,
    start: Instant,
    sent: Vec<(u128, Vec<u8>)>,
}

impl Bench {
    fn new(method: &str, reliable: bool) -> Self {
        Bench::with(method, reliable, Timers::default())
    }

    fn with(method: &str, reliable: bool, timers: Timers) -> Self {
        let start = Instant::now();
        let mut bench =
            Bench { client: Client::new(request(method), reliable, timers, start), start, sent: Vec::new() };
        bench.drain(0);
        bench
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn drain(&mut self, ms: u128) {
        while let Some(bytes) = self.client.poll_transmit() {
            self.sent.push((ms, bytes));
        }
    }

    /// Lets every timer fire in its instant, up to and with `ms`; what was told, and when.
    fn run(&mut self, ms: u64) -> Vec<(u128, Event)> {
        let mut told = Vec::new();
        while let Some(due) = self.client.poll_timeout().filter(|&due| due <= self.at(ms)) {
            let now = (due - self.start).as_millis();
            told.extend(self.client.handle_timer(due).map(|event| (now, event)));
            self.drain(now);
        }
        told
    }

    fn hand(&mut self, text: &str, ms: u64) -> Result<Event, Ignored> {
        let mut outline = Outline::new();
        assert!(outline.read(text.as_bytes()), "{text}");
        let result = self.client.handle_message(&Message::new(text.as_bytes(), &outline), self.at(ms));
        self.drain(u128::from(ms));
        result
    }

    fn times(&self) -> Vec<u128> {
        self.sent.iter().map(|(at, _)| *at).collect()
    }
}

#[test]
fn timers_e_and_f_send_eleven_times_and_give_up_after_32_seconds() {
    let mut bench = Bench::new("OPTIONS", false);
    assert_eq!(bench.run(31_999), []);
    let expected = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert_eq!(bench.times(), expected);
    assert_eq!(bench.client.sends(), 11);
    assert!(!bench.client.is_terminated());
    assert_eq!(bench.run(40_000), [(32_000, Event::Timeout)]);
    assert_eq!((bench.times().len(), bench.client.poll_timeout()), (11, None));
    assert!(bench.client.is_terminated());
    assert!(bench.sent.iter().all(|(_, bytes)| bytes == &request("OPTIONS")));
}

#[test]
fn timers_a_and_b_send_seven_times_and_give_up_after_32_seconds() {
    let mut bench = Bench::new("INVITE", false);
    assert_eq!(bench.run(60_000), [(32_000, Event::Timeout)]);
    assert_eq!(bench.times(), [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    assert!(bench.client.is_terminated() && bench.client.is_invite());
}

#[test]
fn timers_follow_another_t1() {
    let mut bench = Bench::with("OPTIONS", false, Timers::with_t1(Duration::from_millis(100)));
    assert_eq!(bench.run(60_000), [(6_400, Event::Timeout)]);
    assert_eq!(bench.times(), [0, 100, 300, 700, 1500, 3100, 6300]);
    let mut bench = Bench::with("OPTIONS", false, Timers::with_t1(Duration::ZERO));
    assert_eq!((bench.run(0), bench.times()), (vec![(0, Event::Timeout)], vec![0]));
    let mut bench = Bench::with("OPTIONS", false, Timers::with_t1(Duration::MAX));
    assert_eq!((bench.run(99), bench.client.poll_timeout()), (vec![], None));
}

#[test]
fn over_a_reliable_transport_nothing_is_sent_twice() {
    for method in ["INVITE", "OPTIONS"] {
        let mut bench = Bench::new(method, true);
        assert_eq!(bench.run(60_000), [(32_000, Event::Timeout)], "{method}");
        assert_eq!(bench.times(), [0], "{method}");
    }
}

#[test]
fn after_a_provisional_response_timer_e_is_t2_and_timer_f_goes_on() {
    let mut bench = Bench::new("OPTIONS", false);
    bench.run(600);
    assert_eq!(bench.hand(&response("100", "OPTIONS"), 600), Ok(Event::Provisional));
    assert_eq!(bench.hand(&response("100", "OPTIONS"), 700), Ok(Event::Provisional));
    assert_eq!(bench.run(60_000), [(32_000, Event::Timeout)]);
    // The 1500 ms were set before the response came.
    assert_eq!(bench.times(), [0, 500, 1500, 5500, 9500, 13_500, 17_500, 21_500, 25_500, 29_500]);
}

#[test]
fn after_a_provisional_response_an_invite_waits_as_long_as_it_rings() {
    let mut bench = Bench::new("INVITE", false);
    assert_eq!(bench.hand(&response("180", "INVITE"), 100), Ok(Event::Provisional));
    assert_eq!((bench.run(1_000_000), bench.client.poll_timeout()), (vec![], None));
    assert_eq!(bench.times(), [0]);
    assert_eq!(bench.hand(&response("183", "INVITE"), 200_000), Ok(Event::Provisional));
    assert_eq!(bench.hand(&response("486", "INVITE"), 200_001), Ok(Event::Final));
    assert_eq!(bench.times(), [0, 200_001]);
}

#[test]
fn a_final_response_ends_the_repeats_and_its_own_are_absorbed_for_timer_k() {
    let mut bench = Bench::new("OPTIONS", false);
    bench.run(500);
    assert_eq!(bench.hand(&response("200", "OPTIONS"), 600), Ok(Event::Final));
    for again in ["200", "404", "100"] {
        assert_eq!(bench.hand(&response(again, "OPTIONS"), 700), Err(Ignored::Repeat));
    }
    assert_eq!(bench.client.poll_timeout(), Some(bench.at(5600)));
    assert_eq!(bench.run(5599), []);
    assert!(!bench.client.is_terminated());
    assert_eq!(bench.run(5600), []);
    assert!(bench.client.is_terminated());
    assert_eq!(bench.hand(&response("200", "OPTIONS"), 5700), Err(Ignored::Repeat));
    assert_eq!(bench.times(), [0, 500]);
}

#[test]
fn a_refused_invite_is_acknowledged_and_again_for_each_repeat_until_timer_d() {
    let mut bench = Bench::new("INVITE", false);
    assert_eq!(bench.hand(&response("486", "INVITE"), 100), Ok(Event::Final));
    assert_eq!(bench.hand(&response("486", "INVITE"), 600), Err(Ignored::Repeat));
    // Neither a late 1xx nor a 2xx is a repeat of the refusal.
    assert_eq!(bench.hand(&response("180", "INVITE"), 700), Err(Ignored::Repeat));
    assert_eq!(bench.hand(&response("200", "INVITE"), 700), Err(Ignored::Repeat));
    assert_eq!(bench.times(), [0, 100, 600]);
    let ack = String::from_utf8(bench.sent[1].1.clone()).unwrap();
    assert!(ack.starts_with("ACK sip:bob@example.com SIP/2.0\r\n"), "{ack}");
    assert!(ack.contains("branch=z9hG4bKa1") && ack.contains("CSeq: 7 ACK\r\n") && ack.contains("tag=t1"), "{ack}");
    assert!(ack.contains("Route: <sip:proxy.example.com;lr>\r\n"), "{ack}");
    assert_eq!(bench.sent[1].1, bench.sent[2].1);
    assert_eq!((bench.client.sends(), bench.client.poll_timeout()), (1, Some(bench.at(32_100))));
    assert_eq!(bench.run(32_100), []);
    assert!(bench.client.is_terminated());
}

#[test]
fn timer_d_is_32_seconds_at_least_whatever_t1_is() {
    for (t1, end) in [(10, 32_000), (1000, 64_000)] {
        let mut bench = Bench::with("INVITE", false, Timers::with_t1(Duration::from_millis(t1)));
        bench.hand(&response("404", "INVITE"), 0).unwrap();
        assert_eq!(bench.client.poll_timeout(), Some(bench.at(end)));
    }
}

#[test]
fn timers_d_and_k_are_zero_over_a_reliable_transport() {
    for (method, sends) in [("INVITE", vec![0, 40]), ("OPTIONS", vec![0])] {
        let mut bench = Bench::new(method, true);
        assert_eq!(bench.hand(&response("503", method), 40), Ok(Event::Final));
        assert_eq!((bench.run(40), bench.client.is_terminated()), (vec![], true), "{method}");
        assert_eq!(bench.times(), sends, "{method}");
    }
}

#[test]
fn an_accepted_invite_passes_each_2xx_on_until_timer_m() {
    for reliable in [false, true] {
        let mut bench = Bench::new("INVITE", reliable);
        assert_eq!(bench.hand(&response("200", "INVITE"), 100), Ok(Event::Final));
        let other_branch = response("200", "INVITE").replace("tag=t1", "tag=t2");
        assert_eq!(bench.hand(&other_branch, 5000), Ok(Event::Final));
        assert_eq!(bench.hand(&response("180", "INVITE"), 5000), Err(Ignored::Repeat));
        assert_eq!(bench.hand(&response("486", "INVITE"), 5000), Err(Ignored::Repeat));
        assert_eq!(bench.client.poll_timeout(), Some(bench.at(32_100)));
        assert_eq!((bench.run(32_100), bench.client.is_terminated()), (vec![], true));
        // The ACK of a 2xx is no matter of the transaction. RFC 3261 §13.2.2.4
        assert_eq!(bench.times(), [0]);
    }
}

#[test]
fn what_is_of_another_transaction_changes_nothing() {
    let good = response("200", "OPTIONS");
    let wrong = [
        (good.replace("z9hG4bKa1", "z9hG4bKa2"), Ignored::Branch),
        (good.replace(";branch=z9hG4bKa1", ""), Ignored::Branch),
        (good.replace("z9hG4bKa1", "z9hG4bKa1x"), Ignored::Branch),
        (good.replace("Via", "X-Via"), Ignored::Branch),
        (good.replace("7 OPTIONS", "7 INVITE"), Ignored::CseqMethod),
        (good.replace("7 OPTIONS", "7 options"), Ignored::CseqMethod),
        (good.replace("CSeq", "X-CSeq"), Ignored::CseqMethod),
        (good.replace("7 OPTIONS", "8 OPTIONS"), Ignored::Dialog),
        (good.replace("7 OPTIONS", "99999999999 OPTIONS"), Ignored::Dialog),
        (good.replace("c1@x", "c2@x"), Ignored::Dialog),
        (good.replace("Call-ID: c1@x\r\n", ""), Ignored::Dialog),
        (good.replace("tag=f1", "tag=f2"), Ignored::Dialog),
        (good.replace(";tag=f1", ""), Ignored::Dialog),
        (good.replace("SIP/2.0 200", "SIP/2.0 20"), Ignored::Malformed),
        (good.replace("SIP/2.0 200", "SIP/2.0 700"), Ignored::Malformed),
        (good.replace("SIP/2.0 200", "SIP/2.0 099"), Ignored::Malformed),
        (String::from_utf8(request("OPTIONS")).unwrap(), Ignored::Request),
    ];
    let mut bench = Bench::new("OPTIONS", false);
    for (text, reason) in wrong {
        assert_eq!(bench.hand(&text, 10), Err(reason), "{text}");
    }
    bench.run(500);
    assert_eq!((bench.times(), bench.client.sends()), (vec![0, 500], 2), "the timers go on as if nothing had come");
    assert_eq!(bench.hand(&good, 700), Ok(Event::Final));
}

#[test]
fn an_extension_method_is_compared_as_spelled() {
    let mut bench = Bench::new("PING", false);
    assert_eq!(bench.hand(&response("200", "PONG"), 1), Err(Ignored::CseqMethod));
    assert_eq!(bench.hand(&response("501", "PING"), 1), Ok(Event::Final));
}

#[test]
fn a_transport_error_ends_it_at_once() {
    let mut bench = Bench::new("INVITE", false);
    bench.client.handle_transport_error();
    assert!(bench.client.is_terminated());
    assert_eq!((bench.client.poll_timeout(), bench.client.handle_timer(bench.at(99_000))), (None, None));
    assert_eq!(bench.hand(&response("486", "INVITE"), 1), Err(Ignored::Repeat));
    assert_eq!(bench.times(), [0], "no ACK goes out on a broken line");
}

#[test]
fn a_late_timer_sends_once_and_not_for_every_pause_it_missed() {
    let mut bench = Bench::new("OPTIONS", false);
    assert_eq!(bench.client.handle_timer(bench.at(20_000)), None);
    bench.drain(20_000);
    assert_eq!(bench.times(), [0, 20_000]);
    assert_eq!(bench.client.poll_timeout(), Some(bench.at(21_000)));
    // A little late is no reason to be late ever after.
    assert_eq!(bench.client.handle_timer(bench.at(21_030)), None);
    assert_eq!(bench.client.poll_timeout(), Some(bench.at(23_000)));
}
