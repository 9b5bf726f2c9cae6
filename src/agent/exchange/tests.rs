use super::{Exchange, MAX_ATTEMPTS, Outcome};
use crate::agent::{Account, Answered, Authenticator, Draft, Identity};
use crate::base::Entropy;
use crate::digest::Secret;
use crate::sip::{HeaderName, Message, Outline};
use crate::transaction::{Ignored, Timers};
use crate::transport::{LineFacts, Phase, Protocol, TransportError};
use std::time::{Duration, Instant};

const DIGEST: &str = "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"n1\", qop=\"auth\"";

struct Bench {
    exchange: Exchange,
    entropy: Entropy,
    start: Instant,
    sent: Vec<(u64, String)>,
}

impl Bench {
    fn new(method: &str, protocol: Protocol, timeout: u64, account: Option<Account>) -> Self {
        let (mut entropy, start) = (Entropy::seeded(7), Instant::now());
        let (local, peer) = ("192.0.2.1:5070".parse().unwrap(), "192.0.2.9:5060".parse().unwrap());
        let line = LineFacts { protocol, local, peer, connect: None, tls_time: None, tls: None };
        let draft = Draft::new(method, "sip:bob@example.com", "<sip:bob@example.com>", &mut entropy);
        let exchange = Exchange::new(
            draft,
            &Identity::default(),
            &line,
            Authenticator::new(account),
            Timers::default(),
            Duration::from_millis(timeout),
            &mut entropy,
            start,
        );
        let mut bench = Bench { exchange, entropy, start, sent: Vec::new() };
        bench.drain(0);
        bench
    }

    fn udp(timeout: u64) -> Self {
        Bench::new("OPTIONS", Protocol::Udp, timeout, None)
    }

    fn with_password(method: &str) -> Self {
        let secret = Some(Secret::Password("secret".to_owned()));
        let account = Account { username: "alice".to_owned(), secret, algorithm: None };
        Bench::new(method, Protocol::Udp, 60_000, Some(account))
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn drain(&mut self, ms: u64) {
        while let Some(bytes) = self.exchange.poll_transmit(self.at(ms)) {
            self.sent.push((ms, String::from_utf8(bytes).unwrap()));
        }
    }

    fn run(&mut self, ms: u64) {
        while let Some(due) = self.exchange.poll_timeout().filter(|&due| due <= self.at(ms)) {
            self.exchange.handle_timer(due);
            self.drain((due - self.start).as_millis() as u64);
        }
    }

    fn hand(&mut self, text: &str, ms: u64) -> Result<(), Option<Ignored>> {
        let now = self.at(ms);
        let result = self.exchange.handle_message(text.as_bytes(), &mut self.entropy, now);
        self.drain(ms);
        result
    }

    /// A response to the request that was sent last, with these further header fields.
    fn answer(&self, status: &str, fields: &str) -> String {
        let request = self.sent.iter().rev().map(|(_, text)| text).find(|text| !text.starts_with("ACK ")).unwrap();
        response(request, status, fields)
    }

    fn times(&self) -> Vec<u64> {
        self.sent.iter().map(|(at, _)| *at).collect()
    }
}

/// A response to `request`, made of its header fields.
fn response(request: &str, status: &str, fields: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        let tag = if name == HeaderName::To { ";tag=srv" } else { "" };
        text.push_str(&format!("{}: {}{tag}\r\n", name.canonical(), value(request, name)));
    }
    if !fields.is_empty() {
        text.push_str(&format!("{fields}\r\n"));
    }
    text + "Content-Length: 0\r\n\r\n"
}

fn value(text: &str, name: HeaderName) -> String {
    let mut outline = Outline::new();
    assert!(outline.read(text.as_bytes()));
    let message = Message::new(text.as_bytes(), &outline);
    String::from_utf8(message.header(name).unwrap_or_default().to_vec()).unwrap()
}

fn broken() -> TransportError {
    TransportError::new(Phase::Receive, "port-unreachable", "no one listens at 192.0.2.9:5060")
}

#[test]
fn a_final_response_ends_it_and_the_times_are_told() {
    let mut bench = Bench::udp(5000);
    bench.run(500);
    bench.hand(&bench.answer("100 Trying", ""), 600).unwrap();
    assert_eq!(bench.exchange.outcome(), None);
    let answer = bench.answer("404 Not Found", "");
    bench.hand(&answer, 700).unwrap();
    let Some(Outcome::Final { status: 404, response }) = bench.exchange.outcome() else { panic!() };
    assert_eq!(response, answer.as_bytes());
    assert_eq!(bench.hand(&answer, 800), Err(Some(Ignored::Repeat)));
    let [attempt] = bench.exchange.attempts() else { panic!() };
    assert_eq!((attempt.cseq, attempt.sends), (1, 2));
    assert_eq!((attempt.first_sent, attempt.last_sent), (bench.at(0), bench.at(500)));
    assert_eq!(attempt.first_response, Some(bench.at(600)));
    assert_eq!(attempt.final_response, Some((bench.at(700), 404)));
    assert_eq!(bench.exchange.poll_timeout(), Some(bench.at(5700)), "Timer K is left, the timeout is not");
    bench.run(60_000);
    assert_eq!((bench.exchange.poll_timeout(), bench.times()), (None, vec![0, 500]));
}

#[test]
fn it_ends_without_an_answer_at_the_earlier_of_timeout_and_timer_f() {
    for (timeout, end, sends) in [(5000, 5000, 4), (90_000, 32_000, 11)] {
        let mut bench = Bench::udp(timeout);
        bench.run(end - 1);
        assert_eq!(bench.exchange.outcome(), None);
        bench.run(end);
        assert_eq!(bench.exchange.outcome(), Some(&Outcome::Timeout));
        assert_eq!((bench.times().len(), bench.exchange.attempts()[0].sends), (sends, sends as u32));
        // A late answer is known as ours and changes nothing.
        assert_eq!(bench.hand(&bench.answer("200 OK", ""), end + 1), Err(Some(Ignored::Repeat)));
        assert_eq!(bench.exchange.outcome(), Some(&Outcome::Timeout));
        assert_eq!(bench.exchange.poll_timeout(), None);
    }
}

#[test]
fn a_timeout_beyond_all_clocks_is_none() {
    let mut bench = Bench::udp(u64::MAX);
    assert_eq!(bench.exchange.poll_timeout(), Some(bench.at(500)));
    bench.run(32_000);
    assert_eq!(bench.exchange.outcome(), Some(&Outcome::Timeout));
}

#[test]
fn a_broken_line_ends_it() {
    let mut bench = Bench::udp(5000);
    bench.exchange.handle_transport_error(&broken());
    assert_eq!(bench.exchange.outcome(), Some(&Outcome::Failed(broken())));
    bench.run(60_000);
    assert_eq!(bench.times(), [0]);
    let mut answered = Bench::udp(5000);
    answered.hand(&answered.answer("200 OK", ""), 1).unwrap();
    answered.exchange.handle_transport_error(&broken());
    assert!(matches!(answered.exchange.outcome(), Some(Outcome::Final { status: 200, .. })), "it came before");
}

#[test]
fn what_is_not_ours_is_ignored_with_its_reason() {
    let mut bench = Bench::udp(5000);
    let good = bench.answer("200 OK", "");
    assert_eq!(bench.hand("\u{1}\u{2}hello", 1), Err(None));
    assert_eq!(bench.hand("", 1), Err(None));
    assert_eq!(bench.hand(&bench.sent[0].1.clone(), 1), Err(Some(Ignored::Request)));
    assert_eq!(bench.hand(&good.replace("branch=z9hG4bK", "branch=z9hG4bKx"), 1), Err(Some(Ignored::Branch)));
    assert_eq!(bench.hand(&good.replace("1 OPTIONS", "1 BYE"), 1), Err(Some(Ignored::CseqMethod)));
    assert_eq!(bench.hand(&good.replace("1 OPTIONS", "2 OPTIONS"), 1), Err(Some(Ignored::Dialog)));
    assert_eq!(bench.exchange.outcome(), None);
    assert_eq!(bench.exchange.attempts()[0].first_response, None);
}

#[test]
fn a_challenge_without_a_password_is_the_final_response_and_says_why() {
    let mut bench = Bench::udp(5000);
    bench.hand(&bench.answer("401 Unauthorized", DIGEST), 9).unwrap();
    assert!(matches!(bench.exchange.outcome(), Some(Outcome::Final { status: 401, .. })));
    assert_eq!(bench.exchange.challenge(), Some(&Answered::NoPassword));
    assert_eq!(bench.times(), [0]);
}

#[test]
fn a_challenge_is_answered_in_a_transaction_of_its_own() {
    let mut bench = Bench::with_password("OPTIONS");
    let challenge = bench.answer("401 Unauthorized", DIGEST);
    bench.hand(&challenge, 30).unwrap();
    assert_eq!((bench.exchange.outcome(), bench.times()), (None, vec![0, 30]));
    let (first, second) = (bench.sent[0].1.clone(), bench.sent[1].1.clone());
    for name in [HeaderName::CallId, HeaderName::From, HeaderName::To] {
        assert_eq!(value(&first, name), value(&second, name));
    }
    assert_ne!(value(&first, HeaderName::Via), value(&second, HeaderName::Via));
    assert_eq!(value(&second, HeaderName::CSeq), "2 OPTIONS");
    assert!(value(&second, HeaderName::Authorization).contains("username=\"alice\""), "{second}");
    // A repeat of the challenge is not a challenge to the second request.
    assert_eq!(bench.hand(&challenge, 40), Err(Some(Ignored::Repeat)));
    bench.run(530);
    assert_eq!(bench.times(), [0, 30, 530], "the second request has timers of its own");
    bench.hand(&bench.answer("200 OK", ""), 600).unwrap();
    assert!(matches!(bench.exchange.outcome(), Some(Outcome::Final { status: 200, .. })));
    let found: Vec<_> = bench.exchange.attempts().iter().map(|a| (a.cseq, a.sends, a.final_response)).collect();
    assert_eq!(found, [(1, 1, Some((bench.at(30), 401))), (2, 2, Some((bench.at(600), 200)))]);
    assert_eq!((bench.exchange.draft().cseq, bench.exchange.challenge()), (2, None));
}

#[test]
fn a_wrong_password_is_tried_once() {
    let mut bench = Bench::with_password("OPTIONS");
    bench.hand(&bench.answer("401 Unauthorized", DIGEST), 1).unwrap();
    bench.hand(&bench.answer("401 Unauthorized", &DIGEST.replace("n1", "n2")), 2).unwrap();
    assert!(matches!(bench.exchange.outcome(), Some(Outcome::Final { status: 401, .. })));
    assert_eq!(bench.exchange.challenge(), Some(&Answered::Refused));
    assert_eq!(bench.times(), [0, 1]);
}

#[test]
fn challenges_without_end_come_to_an_end() {
    let mut bench = Bench::with_password("OPTIONS");
    for n in 0..2 * MAX_ATTEMPTS as u64 {
        let stale = DIGEST.replace("n1", &format!("n{n}")) + ", stale=true";
        if bench.hand(&bench.answer("401 Unauthorized", &stale), n).is_err() {
            break;
        }
    }
    assert!(matches!(bench.exchange.outcome(), Some(Outcome::Final { status: 401, .. })));
    assert_eq!(bench.exchange.challenge(), Some(&Answered::TooOften));
    assert!(bench.sent.len() <= MAX_ATTEMPTS);
}

#[test]
fn a_challenged_invite_is_acknowledged_before_it_is_sent_again() {
    let mut bench = Bench::with_password("INVITE");
    let proxy = DIGEST.replace("WWW-Authenticate", "Proxy-Authenticate");
    let challenge = bench.answer("407 Proxy Authentication Required", &proxy);
    bench.hand(&challenge, 5).unwrap();
    let methods: Vec<_> = bench.sent.iter().map(|(_, text)| text.split(' ').next().unwrap()).collect();
    assert_eq!(methods, ["INVITE", "ACK", "INVITE"]);
    assert_eq!(value(&bench.sent[1].1, HeaderName::Via), value(&bench.sent[0].1, HeaderName::Via));
    assert!(value(&bench.sent[2].1, HeaderName::ProxyAuthorization).starts_with("Digest "));
    // The ACK was lost.
    assert_eq!(bench.hand(&challenge, 500), Err(Some(Ignored::Repeat)));
    assert_eq!(bench.sent[3].1, bench.sent[1].1);
    assert_eq!(bench.exchange.attempts().iter().map(|a| a.sends).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn over_tcp_nothing_is_sent_twice() {
    let mut bench = Bench::new("OPTIONS", Protocol::Tcp, 5000, None);
    bench.run(5000);
    assert_eq!((bench.times(), bench.exchange.outcome()), (vec![0], Some(&Outcome::Timeout)));
}
