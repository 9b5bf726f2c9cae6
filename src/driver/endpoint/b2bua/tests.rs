//! Calls through a B2BUA with a clock of its own and a network that only notes.

mod ends;
mod media;
mod naming;
mod passing;

use super::*;
use crate::driver::endpoint::registrar::{Access, Algorithms, Lifetimes};
use crate::sip::HeaderName;
use crate::transport::listener::Listen;
use crate::transport::{Host, Protocol};
use std::net::SocketAddr;

const OWN: &str = "192.0.2.1:5060";
const ALICE: &str = "192.0.2.10:5060";
const BOB: &str = "192.0.2.20:5060";

struct Bench {
    b2bua: B2bua,
    now: Instant,
    begun: Instant,
    /// Peers that cannot be reached.
    dead: Vec<SocketAddr>,
}

fn options() -> Options {
    Options {
        to: Some(Target::parse("sip:192.0.2.20").unwrap()),
        hides: false,
        follows: false,
        server: "test/1".to_owned(),
        timers: Timers::default(),
    }
}

fn way(peer: &str) -> Way {
    Way { protocol: Protocol::Udp, local: OWN.parse().unwrap(), peer: peer.parse().unwrap(), connection: 0 }
}

impl Bench {
    fn new(options: Options) -> Self {
        Bench::with_relays(options, None)
    }

    fn with_relays(options: Options, relays: Option<Box<dyn Relays>>) -> Self {
        let now = Instant::now();
        let listens = vec![Listen { protocol: Protocol::Udp, address: OWN.parse().unwrap() }];
        let identity = Identity::new(listens, vec!["example.com".to_owned()]);
        let mut entropy = Entropy::seeded(7);
        let access = Access::new(HashMap::new(), "x".to_owned(), Algorithms::default(), &mut entropy, now);
        let registrar = Registrar::new(access, Lifetimes::default(), Vec::new(), now);
        let b2bua = B2bua::new(options, identity, registrar, relays, entropy);
        Bench { b2bua, now, begun: now, dead: Vec::new() }
    }

    /// Hands a message in; gives what is sent for it: to whom, and the text.
    fn take(&mut self, from: &str, text: &str) -> Vec<(String, String)> {
        self.b2bua.handle_message(text.as_bytes(), &way(from), self.now);
        self.sent()
    }

    fn sent(&mut self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        loop {
            while let Some(question) = self.b2bua.poll_question() {
                let Place::Uri(target) = question.place else { panic!("no connection stands") };
                let Host::Ip(ip) = target.host else { panic!("{target:?} is no address") };
                let peer = SocketAddr::new(ip, target.port.unwrap_or(5060));
                let way = (!self.dead.contains(&peer)).then(|| way(&peer.to_string()));
                self.b2bua.handle_place(question.id, way, self.now);
            }
            let Some(out) = self.b2bua.poll_transmit() else { return all };
            all.push((out.transmit.way.peer.to_string(), String::from_utf8(out.transmit.bytes).unwrap()));
        }
    }

    /// Lets time pass, timer by timer, for so long; gives what is sent, with the milliseconds since the beginning.
    fn pass(&mut self, ms: u64) -> Vec<(u128, String, String)> {
        let end = self.now + Duration::from_millis(ms);
        let mut all = Vec::new();
        while let Some(at) = self.b2bua.poll_timeout().filter(|&at| at <= end) {
            self.now = at.max(self.now);
            self.b2bua.handle_timer(self.now);
            let at = (self.now - self.begun).as_millis();
            all.extend(self.sent().into_iter().map(|(to, text)| (at, to, text)));
        }
        self.now = end;
        all
    }

    /// A call that stands: the INVITE as Bob got it, the 200 as Alice did.
    fn up(&mut self) -> (String, String) {
        let sent = self.take(ALICE, &invite("1", "v=0"));
        let invite = sent[1].1.clone();
        let ok = self.take(BOB, &reply(&invite, 200, "b1", "v=0 answer"))[0].1.clone();
        let ack = self.take(ALICE, &inside("ACK", 1, &ok, "k1", ""));
        assert_eq!(lines(&ack), [format!("{BOB} ACK sip:bob@192.0.2.20:5060 SIP/2.0")]);
        (invite, ok)
    }

    /// Nothing is left, once every transaction has had its time.
    fn is_clean(&mut self) {
        self.pass(200_000);
        let left = self.b2bua.calls.values().next().map(|call| (&call.outs, &call.crossings, call.stands()));
        assert!(self.b2bua.is_empty(), "{left:?}");
        assert_eq!(self.b2bua.poll_timeout(), None);
    }
}

fn invite(branch: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "INVITE sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {ALICE};branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n\
         From: \"A\" <sip:alice@192.0.2.10>;tag=a1\r\nTo: <sip:bob@192.0.2.1>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:alice@192.0.2.10:5060>\r\nSupported: 100rel, outbound\r\nX-Odd: kept\r\nUser-Agent: phone/1\r\n\
         {kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A request of Alice inside the dialog that a response to her made.
fn inside(method: &str, cseq: u32, response: &str, branch: &str, more: &str) -> String {
    let to = field(response, "To");
    let (fields, body) = more.split_once("\r\n\r\n").unwrap_or((more, ""));
    let fields = if fields.is_empty() { String::new() } else { format!("{fields}\r\n") };
    format!(
        "{method} sip:sipctl@192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {ALICE};branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n\
         From: \"A\" <sip:alice@192.0.2.10>;tag=a1\r\nTo: {to}\r\nCall-ID: c1\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:alice@192.0.2.10:5060>\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A request of Bob inside the dialog of an INVITE that he got, answered under `tag`.
fn inside_of_bob(method: &str, cseq: u32, invite: &str, tag: &str, branch: &str, more: &str) -> String {
    let (from, to, id) = (field(invite, "To"), field(invite, "From"), field(invite, "Call-ID"));
    let (fields, body) = more.split_once("\r\n\r\n").unwrap_or((more, ""));
    let fields = if fields.is_empty() { String::new() } else { format!("{fields}\r\n") };
    format!(
        "{method} sip:alice@192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {BOB};branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n\
         From: {from};tag={tag}\r\nTo: {to}\r\nCall-ID: {id}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:bob@192.0.2.20:5060>\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A response to a request that the B2BUA sent.
fn reply(to: &str, status: u16, tag: &str, body: &str) -> String {
    reply_with(to, status, tag, &[], body)
}

fn reply_with(to: &str, status: u16, tag: &str, fields: &[(&str, &str)], body: &str) -> String {
    let mut outline = Outline::new();
    assert!(outline.read(to.as_bytes()));
    let mut out = Vec::new();
    let message = Message::new(to.as_bytes(), &outline);
    let mut reply = crate::sip::Reply::to(&message, OWN.parse().unwrap(), status, None, tag, &mut out);
    if (101..300).contains(&status) {
        reply.field(HeaderName::Contact, "<sip:bob@192.0.2.20:5060>");
    }
    for (name, value) in fields {
        reply.named(name, value);
    }
    if body.is_empty() {
        reply.finish()
    } else {
        reply.finish_with("application/sdp", body.as_bytes())
    }
    String::from_utf8(out).unwrap()
}

fn lines(sent: &[(String, String)]) -> Vec<String> {
    sent.iter().map(|(to, text)| format!("{} {}", to, text.lines().next().unwrap())).collect()
}

/// The value of a header field.
fn field(text: &str, name: &str) -> String {
    let prefix = format!("{name}: ");
    let line = text.lines().find(|line| line.starts_with(&prefix));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).trim_start_matches(&prefix).to_owned()
}

fn body(text: &str) -> &str {
    text.split_once("\r\n\r\n").unwrap().1
}
