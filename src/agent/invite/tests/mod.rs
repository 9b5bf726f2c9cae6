//! A trial call in virtual time. What the other side says is written out here by hand, as a peer would: nothing of it is made
//! by what it tests.

mod broken;
mod call;
mod cancel;
mod forks;
mod inside;
mod plan;
mod redirect;
mod reliable;

use super::{Action, EndedBy, Event, Invite, InviteOptions, Place, Record};
use crate::agent::{Account, Identity};
use crate::base::Entropy;
use crate::digest::Secret;
use crate::media::negotiator::{Agreed, Local, Wishes};
use crate::sip::{HeaderName, Message, Outline};
use crate::transaction::Timers;
use crate::transport::{Host, LineFacts, Phase, Protocol, Target, TransportError};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// An answer with PCMU and telephone events, from 192.0.2.9:4000.
const ANSWER: &str = "v=0\r\no=bob 2890844527 2890844527 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n";
const CONTACT: &str = "Contact: <sip:bob@192.0.2.9:5060>\r\n";
const CHALLENGE: &str = "Proxy-Authenticate: Digest realm=\"atlanta.example.com\", qop=\"auth\", \
    nonce=\"f84f1cec41e6cbe5aea9c8e88d359\", opaque=\"\", stale=FALSE, algorithm=MD5\r\n";

/// A message of ours.
#[derive(Clone, Debug)]
struct Sent {
    at: u64,
    way: u32,
    to: Option<SocketAddr>,
    text: String,
}

struct Bench {
    invite: Invite,
    start: Instant,
    now: u64,
    sent: Vec<Sent>,
    events: Vec<Event>,
    agreed: Vec<Agreed>,
    pressed: Vec<String>,
    places: Vec<Place>,
    media: usize,
    /// Ways that are told to be unreachable: those to a place whose text has one of these.
    closed: Vec<&'static str>,
    /// Ways that nobody answers for.
    pending: Vec<u32>,
    is_pending: bool,
    protocol: Protocol,
    peers: Vec<SocketAddr>,
}

fn options() -> InviteOptions {
    InviteOptions {
        uri: "sip:bob@biloxi.example.com".to_owned(),
        to: "<sip:bob@biloxi.example.com>".to_owned(),
        identity: Identity::default(),
        account: None,
        timers: Timers::default(),
        timeout: Duration::from_secs(5),
        ring_timeout: Duration::from_secs(60),
        duration: Duration::from_secs(10),
        cancel_after: None,
        is_late_offer: false,
        wishes: Wishes::default(),
        has_reliable: true,
        hold: None,
        dtmf: None,
        session_expires: None,
        max_redirects: 5,
        candidates: 1,
    }
}

fn account() -> Option<Account> {
    let secret = Some(Secret::Password("secret".to_owned()));
    Some(Account { username: "alice".to_owned(), secret, algorithm: None })
}

impl Bench {
    fn new(change: impl FnOnce(&mut InviteOptions)) -> Self {
        Bench::over(Protocol::Udp, change)
    }

    fn over(protocol: Protocol, change: impl FnOnce(&mut InviteOptions)) -> Self {
        let mut bench = Bench::idle(protocol, change);
        bench.drain();
        bench
    }

    /// Before anything was done.
    fn idle(protocol: Protocol, change: impl FnOnce(&mut InviteOptions)) -> Self {
        let mut options = options();
        change(&mut options);
        Bench {
            invite: Invite::new(options, Entropy::seeded(7)),
            start: Instant::now(),
            now: 0,
            sent: Vec::new(),
            events: Vec::new(),
            agreed: Vec::new(),
            pressed: Vec::new(),
            places: Vec::new(),
            media: 0,
            closed: Vec::new(),
            pending: Vec::new(),
            is_pending: false,
            protocol,
            peers: Vec::new(),
        }
    }

    fn instant(&self) -> Instant {
        self.start + Duration::from_millis(self.now)
    }

    fn drain(&mut self) {
        while let Some(action) = self.invite.poll_action(self.instant()) {
            match action {
                Action::Reach { way, place } => self.reach(way, place),
                Action::Send { way, to, bytes } => {
                    let text = String::from_utf8(bytes).unwrap();
                    self.sent.push(Sent { at: self.now, way, to, text });
                }
                Action::OpenMedia(address) => {
                    self.media += 1;
                    let local = Local { address, rtp: 40_000, rtcp: 40_001 };
                    self.invite.handle_media(Some(local), self.instant());
                }
                Action::Agree(agreed) => self.agreed.push(*agreed),
                Action::Press(digits) => self.pressed.push(digits),
                Action::Tell(event) => self.events.push(event),
            }
        }
    }

    fn reach(&mut self, way: u32, place: Place) {
        let peer = match &place {
            Place::Candidate(n) => format!("192.0.2.{}:5060", 9 + n).parse().unwrap(),
            Place::Uri(uri) => peer_of(uri),
        };
        let name = format!("{place:?}");
        self.places.push(place);
        self.peers.resize(way as usize + 1, peer);
        if self.is_pending {
            self.pending.push(way);
        } else if self.closed.iter().any(|closed| name.contains(closed)) {
            self.invite.handle_unreached(way, &refused(), self.instant());
        } else {
            self.open(way);
        }
    }

    fn open(&mut self, way: u32) {
        let peer = self.peers[way as usize];
        let line = LineFacts {
            protocol: self.protocol,
            local: "192.0.2.1:5070".parse().unwrap(),
            peer,
            connect: None,
            tls_time: None,
            tls: None,
        };
        self.invite.handle_reached(way, &line, self.instant());
    }

    /// Lets time pass up to that millisecond, with every timer on its way.
    fn run(&mut self, until: u64) {
        for _ in 0..100_000 {
            let Some(due) = self.invite.poll_timeout() else { break };
            let due = u64::try_from(due.saturating_duration_since(self.start).as_micros().div_ceil(1000)).unwrap();
            if due > until {
                break;
            }
            self.now = self.now.max(due);
            self.invite.handle_timer(self.instant());
            self.drain();
            assert!(self.sent.len() < 10_000, "it sends without end");
        }
        self.now = self.now.max(until);
        let next = self.invite.poll_timeout();
        assert!(
            next.is_none_or(|at| at > self.start + Duration::from_millis(until) - Duration::from_millis(1)),
            "a timer that never fires"
        );
    }

    /// Hands a message in, as it comes by that way.
    fn hand_by(&mut self, way: u32, text: &str) {
        let from = self.peers[way as usize];
        self.invite.handle_message(text.as_bytes(), way, from, self.instant());
        self.drain();
    }

    fn hand(&mut self, text: &str) {
        self.hand_by(0, text);
    }

    /// The messages of that method so far.
    fn all(&self, method: &str) -> Vec<Sent> {
        let start = format!("{method} ");
        self.sent.iter().filter(|sent| sent.text.starts_with(&start)).cloned().collect()
    }

    fn last(&self, method: &str) -> Sent {
        self.all(method).pop().unwrap_or_else(|| panic!("no {method} was sent: {:?}", self.lines()))
    }

    /// First lines of what was sent.
    fn lines(&self) -> Vec<&str> {
        self.sent.iter().map(|sent| sent.text.lines().next().unwrap()).collect()
    }

    /// First words of what was sent: methods, and `SIP/2.0`.
    fn words(&self) -> String {
        let words: Vec<&str> = self.sent.iter().map(|sent| sent.text.split(' ').next().unwrap()).collect();
        words.join(" ")
    }

    /// Answers the last INVITE.
    fn answer(&mut self, status: &str, tag: &str, fields: &str, body: &str) {
        let invite = self.last("INVITE");
        self.hand_by(invite.way, &response(&invite.text, status, tag, fields, body));
    }

    /// Answers the last request of that method.
    fn answer_to(&mut self, method: &str, status: &str, fields: &str) {
        let sent = self.last(method);
        self.hand_by(sent.way, &response(&sent.text, status, "", fields, ""));
    }

    /// A call that stands.
    fn up(change: impl FnOnce(&mut InviteOptions)) -> Self {
        let mut bench = Bench::new(change);
        bench.answer("200 OK", "b1", CONTACT, ANSWER);
        bench
    }

    /// A request of the other side inside the dialog that `b1` tags.
    fn request(&self, method: &str, cseq: u32, fields: &str, body: &str) -> String {
        let invite = self.all("INVITE").remove(0).text;
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} sip:sipctl@192.0.2.1:5070 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKpeer{cseq}{method}\r\n\
             Max-Forwards: 70\r\nFrom: {};tag=b1\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n{fields}{kind}\
             Content-Length: {}\r\n\r\n{body}",
            value(&invite, "To"),
            value(&invite, "From"),
            value(&invite, "Call-ID"),
            body.len(),
        )
    }

    /// Hands such a request in, and gives the status line of our answer.
    fn requested(&mut self, method: &str, cseq: u32, fields: &str, body: &str) -> String {
        let request = self.request(method, cseq, fields, body);
        let before = self.sent.len();
        self.hand(&request);
        let answers = self.sent[before..].iter().find(|sent| sent.text.starts_with("SIP/2.0 "));
        answers.map(|sent| sent.text.lines().next().unwrap().to_owned()).unwrap_or_default()
    }

    fn record(&self) -> &Record {
        self.invite.record()
    }

    fn ended(&self) -> Option<EndedBy> {
        self.record().ended_by
    }

    /// Milliseconds of an instant.
    fn ms(&self, at: Option<Instant>) -> Option<u64> {
        at.map(|at| u64::try_from((at - self.start).as_millis()).unwrap())
    }

    /// The call is over, and nothing more is to come: neither a message nor a timer.
    #[track_caller]
    fn is_over(&self, by: EndedBy) {
        assert_eq!(self.ended(), Some(by), "{:?}", self.lines());
        assert!(self.invite.is_finished(), "not finished: {:?}", self.lines());
        assert_eq!(self.invite.poll_timeout(), None);
    }
}

fn refused() -> TransportError {
    TransportError::new(Phase::Connect, "refused", "cannot connect: connection refused")
}

fn peer_of(uri: &str) -> SocketAddr {
    let Ok(target) = Target::parse(uri) else { return "198.51.100.8:5060".parse().unwrap() };
    let port = target.port.unwrap_or(5060);
    match target.host {
        Host::Ip(ip) => SocketAddr::new(ip, port),
        Host::Name(_) => SocketAddr::new("198.51.100.7".parse().unwrap(), port),
    }
}

/// The value of the first header field of that name, by its text.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|n| n.eq_ignore_ascii_case(name)));
    line.and_then(|line| line.split_once(": ")).map(|(_, value)| value).unwrap_or_else(|| panic!("no {name} in {text}"))
}

fn has(text: &str, name: &str) -> bool {
    text.lines().any(|line| line.split(':').next().is_some_and(|n| n.eq_ignore_ascii_case(name)))
}

fn body(text: &str) -> &str {
    text.split_once("\r\n\r\n").unwrap().1
}

/// A response to a request of ours, as a user agent writes it.
fn response(request: &str, status: &str, tag: &str, fields: &str, body: &str) -> String {
    let to = value(request, "To");
    let to = if tag.is_empty() || to.contains("tag=") { to.to_owned() } else { format!("{to};tag={tag}") };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let mut text = format!("SIP/2.0 {status}\r\n");
    for line in request.lines().filter(|line| line.starts_with("Via: ")) {
        text.push_str(&format!("{line}\r\n"));
    }
    text.push_str(&format!(
        "From: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n{fields}{kind}Content-Length: {}\r\n\r\n{body}",
        value(request, "From"),
        value(request, "Call-ID"),
        value(request, "CSeq"),
        body.len()
    ));
    text
}

/// Reads a message of ours with the parser: it must be whole and without a defect.
#[track_caller]
fn check(text: &str) {
    let mut outline = Outline::new();
    assert!(outline.read(text.as_bytes()), "{text}");
    let message = Message::new(text.as_bytes(), &outline);
    assert!(outline.defects.is_empty(), "{:?} in {text}", outline.defects);
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        assert_eq!(message.headers(name).count(), 1, "{name:?} in {text}");
    }
}
