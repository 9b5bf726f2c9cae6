use super::*;
use crate::digest::Secret;
use crate::driver::endpoint::registrar::{Access, Algorithms, Lifetimes};
use crate::transport::Host;
use crate::transport::listener::Listen;
use std::net::SocketAddr;
use std::time::Duration;

const OWN: &str = "192.0.2.1:5060";
const ALICE: &str = "192.0.2.10:5060";
const BOB: &str = "192.0.2.20:5060";
const CAROL: &str = "192.0.2.30:5060";

/// A proxy with a clock of its own and a network that only notes.
struct Bench {
    proxy: Proxy,
    now: Instant,
    begun: Instant,
    /// Peers that cannot be reached.
    dead: Vec<SocketAddr>,
}

fn options() -> Options {
    Options {
        record_route: true,
        stateless: false,
        authenticates: false,
        next_hop: None,
        server: "test/1".to_owned(),
        timers: Timers::default(),
    }
}

fn way(peer: &str) -> Way {
    Way { protocol: Protocol::Udp, local: OWN.parse().unwrap(), peer: peer.parse().unwrap(), connection: 0 }
}

impl Bench {
    fn new(options: Options) -> Self {
        Bench::with_users(options, &[])
    }

    fn with_users(options: Options, users: &[(&str, &str)]) -> Self {
        let now = Instant::now();
        let listens = vec![Listen { protocol: Protocol::Udp, address: OWN.parse().unwrap() }];
        let identity = Identity::new(listens, vec!["example.com".to_owned()]);
        let users = users.iter().map(|(n, p)| ((*n).to_owned(), Secret::Password((*p).to_owned()))).collect();
        let mut entropy = Entropy::seeded(7);
        let access = Access::new(users, "example.com".to_owned(), Algorithms::default(), &mut entropy, now);
        let registrar = Registrar::new(access, Lifetimes::default(), Vec::new(), now);
        Bench { proxy: Proxy::new(options, identity, registrar, entropy), now, begun: now, dead: Vec::new() }
    }

    /// Hands a message in; gives what is sent for it: to whom, and the text.
    fn take(&mut self, from: &str, text: &str) -> Vec<(String, String)> {
        self.proxy.handle_message(text.as_bytes(), &way(from), self.now);
        self.sent()
    }

    fn sent(&mut self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        loop {
            while let Some(question) = self.proxy.poll_question() {
                let target = match question.place {
                    Place::Uri(target) | Place::Flow { otherwise: Some(target), .. } => target,
                    Place::Flow { otherwise: None, .. } => {
                        self.proxy.handle_place(question.id, None, self.now);
                        continue;
                    }
                };
                let Host::Ip(ip) = target.host else { panic!("{target:?} is no address") };
                let peer = SocketAddr::new(ip, target.port.unwrap_or(5060));
                let way = (!self.dead.contains(&peer)).then(|| way(&peer.to_string()));
                self.proxy.handle_place(question.id, way, self.now);
            }
            let Some(out) = self.proxy.poll_transmit() else { return all };
            all.push((out.transmit.way.peer.to_string(), String::from_utf8(out.transmit.bytes).unwrap()));
        }
    }

    /// Lets time pass, timer by timer, until so long after the beginning; gives what is sent, with the milliseconds.
    fn until(&mut self, ms: u64) -> Vec<(u128, String, String)> {
        let end = self.begun + Duration::from_millis(ms);
        let mut all = Vec::new();
        while let Some(at) = self.proxy.poll_timeout().filter(|&at| at <= end) {
            self.now = at.max(self.now);
            self.proxy.handle_timer(self.now);
            let at = (self.now - self.begun).as_millis();
            all.extend(self.sent().into_iter().map(|(to, text)| (at, to, text)));
        }
        self.now = end;
        all
    }

    fn register(&mut self, user: &str, contact: &str) {
        let sent = self.take(contact.trim_start_matches("sip:").split(['@', ';']).next_back().unwrap_or(BOB), &format!(
            "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKr{user}{contact};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@example.com>;tag=1\r\nTo: <sip:{user}@example.com>\r\nCall-ID: r{user}{contact}\r\n\
             CSeq: 1 REGISTER\r\nContact: <{contact}>\r\nExpires: 60\r\nContent-Length: 0\r\n\r\n"
        ));
        assert!(sent[0].1.starts_with("SIP/2.0 200 "), "{sent:?}");
    }
}

fn request(method: &str, uri: &str, branch: &str, more: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {ALICE};branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n{more}\
         From: <sip:alice@example.com>;tag=a1\r\nTo: <sip:bob@example.com>\r\nCall-ID: c1\r\nCSeq: 1 {method}\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// A response to a request that the proxy sent.
fn reply(to: &str, status: u16, tag: &str) -> String {
    let mut outline = Outline::new();
    assert!(outline.read(to.as_bytes()));
    let mut out = Vec::new();
    crate::sip::Reply::to(&Message::new(to.as_bytes(), &outline), OWN.parse().unwrap(), status, None, tag, &mut out)
        .finish();
    String::from_utf8(out).unwrap()
}

fn first_lines(sent: &[(String, String)]) -> Vec<String> {
    sent.iter().map(|(to, text)| format!("{} {}", to, text.lines().next().unwrap())).collect()
}

#[test]
fn a_call_passes_and_the_proxy_stays_on_its_way() {
    let mut b = Bench::new(options());
    b.register("bob", "sip:bob@192.0.2.20:5060");
    let sent = b.take(ALICE, &request("INVITE", "sip:bob@example.com", "1", ""));
    assert_eq!(
        first_lines(&sent),
        [format!("{ALICE} SIP/2.0 100 Trying"), format!("{BOB} INVITE sip:bob@192.0.2.20:5060 SIP/2.0")]
    );
    let invite = sent[1].1.clone();
    assert!(invite.contains("\r\nRecord-Route: <sip:192.0.2.1:5060;lr>\r\nMax-Forwards: 69\r\n"), "{invite}");
    // The 100 of the next hop goes no further, the 180 does.
    assert!(b.take(BOB, &reply(&invite, 100, "")).is_empty());
    let ringing = b.take(BOB, &reply(&invite, 180, "b1"));
    assert_eq!(first_lines(&ringing), [format!("{ALICE} SIP/2.0 180 Ringing")]);
    assert_eq!(ringing[0].1.matches("\r\nVia: ").count(), 1, "{}", ringing[0].1);
    let ok = reply(&invite, 200, "b1");
    assert_eq!(first_lines(&b.take(BOB, &ok)), [format!("{ALICE} SIP/2.0 200 OK")]);
    // RFC 6026 §7.1: each repeat of the 2xx goes back, too, and a repeat of the INVITE is absorbed.
    assert_eq!(first_lines(&b.take(BOB, &ok)), [format!("{ALICE} SIP/2.0 200 OK")]);
    assert!(b.take(ALICE, &request("INVITE", "sip:bob@example.com", "1", "")).is_empty());
    // The ACK has a transaction of its own, along the route set.
    let route = "Route: <sip:192.0.2.1:5060;lr>\r\n";
    let ack = b.take(ALICE, &request("ACK", "sip:bob@192.0.2.20:5060", "2", route));
    assert_eq!(first_lines(&ack), [format!("{BOB} ACK sip:bob@192.0.2.20:5060 SIP/2.0")]);
    assert!(!ack[0].1.contains("Route:"), "{}", ack[0].1);
    let bye = b.take(ALICE, &request("BYE", "sip:bob@192.0.2.20:5060", "3", route));
    assert_eq!(first_lines(&bye), [format!("{BOB} BYE sip:bob@192.0.2.20:5060 SIP/2.0")]);
    assert_eq!(first_lines(&b.take(BOB, &reply(&bye[0].1, 200, "b1"))), [format!("{ALICE} SIP/2.0 200 OK")]);
    b.until(200_000);
    assert!(b.proxy.contexts.is_empty() && b.proxy.clients.is_empty() && b.proxy.servers.is_empty());
    assert_eq!(b.proxy.poll_timeout(), None);
}

#[test]
fn silence_ends_with_408_after_timer_b() {
    let mut b = Bench::new(options());
    b.register("bob", "sip:bob@192.0.2.20:5060");
    b.take(ALICE, &request("INVITE", "sip:bob@example.com", "1", ""));
    let sent = b.until(40_000);
    let repeats: Vec<u128> = sent.iter().filter(|(_, to, _)| to == BOB).map(|(at, ..)| *at).collect();
    assert_eq!(repeats, [500, 1500, 3500, 7500, 15500, 31500]);
    let answers: Vec<_> = sent.iter().filter(|(_, to, _)| to == ALICE).map(|(at, _, t)| (*at, &t[..20])).collect();
    assert_eq!(answers[0], (32_000, "SIP/2.0 408 Request "));
    // Timer G repeats it until the ACK.
    assert_eq!(answers[1].0, 32_500);
}

#[test]
fn a_fork_takes_the_first_answer_and_cancels_the_others() {
    let mut b = Bench::new(options());
    b.register("bob", "sip:bob@192.0.2.20:5060");
    b.register("bob", "sip:bob@192.0.2.30:5060");
    let sent = b.take(ALICE, &request("INVITE", "sip:bob@example.com", "1", ""));
    let (to_bob, to_carol) = (sent[1].1.clone(), sent[2].1.clone());
    assert_eq!((&sent[1].0[..], &sent[2].0[..]), (BOB, CAROL));
    b.take(BOB, &reply(&to_bob, 180, "b1"));
    b.take(CAROL, &reply(&to_carol, 180, "b2"));
    let sent = b.take(CAROL, &reply(&to_carol, 200, "b2"));
    assert_eq!(
        first_lines(&sent),
        [format!("{ALICE} SIP/2.0 200 OK"), format!("{BOB} CANCEL sip:bob@192.0.2.20:5060 SIP/2.0")]
    );
    // The 487 of the cancelled branch is acknowledged and goes no further.
    let sent = b.take(BOB, &reply(&to_bob, 487, "b1"));
    assert_eq!(first_lines(&sent), [format!("{BOB} ACK sip:bob@192.0.2.20:5060 SIP/2.0")]);
}

#[test]
fn a_lower_q_is_tried_when_the_higher_has_failed_and_the_best_answer_goes_back() {
    let mut b = Bench::new(options());
    let register = |contact: &str, q: &str| {
        format!(
            "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKr{q}\r\nFrom: <sip:bob@example.com>;tag=1\r\n\
             To: <sip:bob@example.com>\r\nCall-ID: r{q}\r\nCSeq: 1 REGISTER\r\nContact: <{contact}>;q={q}\r\n\
             Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
    };
    b.take(BOB, &register("sip:bob@192.0.2.20:5060", "0.9"));
    b.take(CAROL, &register("sip:bob@192.0.2.30:5060", "0.3"));
    let sent = b.take(ALICE, &request("INVITE", "sip:bob@example.com", "1", ""));
    assert_eq!(sent.len(), 2, "{:?}", first_lines(&sent));
    let sent = b.take(BOB, &reply(&sent[1].1, 486, "b1"));
    assert_eq!(sent[1].0, CAROL, "{:?}", first_lines(&sent));
    let sent = b.take(CAROL, &reply(&sent[1].1, 404, "b2"));
    assert!(sent.iter().any(|(to, t)| to == ALICE && t.starts_with("SIP/2.0 486 ")), "{:?}", first_lines(&sent));
}

#[test]
fn cancel_is_answered_and_reaches_the_branch_when_it_may() {
    let mut b = Bench::new(options());
    b.register("bob", "sip:bob@192.0.2.20:5060");
    let sent = b.take(ALICE, &request("INVITE", "sip:bob@example.com", "1", ""));
    let invite = sent[1].1.clone();
    // Before a provisional response nothing may be cancelled. RFC 3261 §9.1
    let sent = b.take(ALICE, &request("CANCEL", "sip:bob@example.com", "1", ""));
    assert_eq!(first_lines(&sent), [format!("{ALICE} SIP/2.0 200 OK")]);
    let sent = b.take(BOB, &reply(&invite, 180, "b1"));
    assert!(first_lines(&sent).contains(&format!("{BOB} CANCEL sip:bob@192.0.2.20:5060 SIP/2.0")), "{sent:?}");
    let sent = b.take(BOB, &reply(&invite, 487, "b1"));
    assert!(first_lines(&sent).contains(&format!("{ALICE} SIP/2.0 487 Request Terminated")), "{sent:?}");
    let sent = b.take(ALICE, &request("CANCEL", "sip:bob@example.com", "other", ""));
    assert!(sent[0].1.starts_with("SIP/2.0 481 "), "{sent:?}");
}

#[test]
fn loops_and_spent_hops_are_refused_and_spirals_are_not() {
    let mut b = Bench::new(options());
    let spent = request("INVITE", "sip:x@192.0.2.20", "1", "").replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert!(b.take(ALICE, &spent)[0].1.starts_with("SIP/2.0 483 "));
    let sent = b.take(ALICE, &request("INVITE", "sip:x@192.0.2.20", "2", ""));
    let passed = sent[1].1.clone();
    // It comes back as it left: a loop.
    assert!(b.take(BOB, &passed)[0].1.starts_with("SIP/2.0 482 "), "{passed}");
    let spiral = passed.replacen("sip:x@192.0.2.20", "sip:y@192.0.2.30", 1);
    assert_eq!(b.take(BOB, &spiral)[1].0, CAROL);
}

#[test]
fn who_is_not_there_and_what_cannot_be_reached_is_said() {
    let mut b = Bench::with_users(options(), &[("bob", "secret")]);
    let ask = |b: &mut Bench, uri: &str| b.take(ALICE, &request("INVITE", uri, uri, ""))[0].1[8..11].to_owned();
    assert_eq!(ask(&mut b, "sip:bob@example.com"), "480");
    assert_eq!(ask(&mut b, "sip:nobody@example.com"), "404");
    assert_eq!(ask(&mut b, "tel:+12"), "416");
    b.dead.push("192.0.2.99:5060".parse().unwrap());
    let sent = b.take(ALICE, &request("INVITE", "sip:x@192.0.2.99", "9", ""));
    assert!(sent.iter().any(|(_, t)| t.starts_with("SIP/2.0 500 ")), "{:?}", first_lines(&sent));
    let required = request("INVITE", "sip:x@192.0.2.20", "8", "Proxy-Require: foo\r\n");
    let sent = b.take(ALICE, &required);
    assert!(sent[0].1.starts_with("SIP/2.0 420 ") && sent[0].1.contains("Unsupported: foo"), "{sent:?}");
}

#[test]
fn who_calls_is_asked_for_credentials_where_that_is_wanted() {
    let mut b = Bench::with_users(Options { authenticates: true, ..options() }, &[("alice", "secret")]);
    let sent = b.take(ALICE, &request("INVITE", "sip:x@192.0.2.20", "1", ""));
    assert!(sent[0].1.starts_with("SIP/2.0 407 ") && sent[0].1.contains("\r\nProxy-Authenticate: Digest "), "{sent:?}");
    // The ACK of the challenge ends here, whatever it routes to. RFC 3261 §8.2.7
    let mut outline = Outline::new();
    assert!(outline.read(sent[0].1.as_bytes()));
    let tag = String::from_utf8(Message::new(sent[0].1.as_bytes(), &outline).to_tag().to_vec()).unwrap();
    let ack = request("ACK", "sip:x@192.0.2.20", "1", "Route: <sip:192.0.2.1;lr>\r\n");
    let own = ack.replace("bob@example.com>", &format!("bob@example.com>;tag={tag}"));
    assert!(b.take(ALICE, &own).is_empty());
    let other = ack.replace("bob@example.com>", "bob@example.com>;tag=b1");
    assert_eq!(b.take(ALICE, &other)[0].0, BOB);
    // Inside a dialog nobody is asked.
    let bye = request("BYE", "sip:x@192.0.2.20", "2", "").replace("bob@example.com>", "bob@example.com>;tag=b1");
    assert_eq!(b.take(ALICE, &bye)[0].0, BOB);
}

#[test]
fn a_strict_router_and_foreign_routes_are_served() {
    let mut b = Bench::new(options());
    // A strict router before us put our route into the Request-URI. RFC 3261 §16.4
    let strict = request("BYE", "sip:192.0.2.1:5060;lr", "1", "Route: <sip:bob@192.0.2.20>\r\n");
    let sent = b.take(ALICE, &strict);
    assert_eq!(first_lines(&sent), [format!("{BOB} BYE sip:bob@192.0.2.20 SIP/2.0")]);
    let loose = request("BYE", "sip:bob@192.0.2.20", "2", "Route: <sip:192.0.2.1;lr>, <sip:192.0.2.30;lr>\r\n");
    let sent = b.take(ALICE, &loose);
    assert_eq!(first_lines(&sent), [format!("{CAROL} BYE sip:bob@192.0.2.20 SIP/2.0")]);
    assert!(sent[0].1.contains("\r\nRoute: <sip:192.0.2.30;lr>\r\n"));
    // A strict router behind us is named in the Request-URI. RFC 3261 §16.6
    let next = request("BYE", "sip:bob@192.0.2.20", "3", "Route: <sip:192.0.2.30>\r\n");
    let sent = b.take(ALICE, &next);
    assert_eq!(first_lines(&sent), [format!("{CAROL} BYE sip:192.0.2.30 SIP/2.0")]);
    assert!(sent[0].1.contains("\r\nRoute: <sip:bob@192.0.2.20>\r\n"), "{}", sent[0].1);
}

#[test]
fn without_state_each_repeat_is_forwarded_alike_and_responses_find_back() {
    let mut b = Bench::new(Options { stateless: true, record_route: false, ..options() });
    let invite = request("INVITE", "sip:x@192.0.2.20", "1", "");
    let (first, second) = (b.take(ALICE, &invite), b.take(ALICE, &invite));
    assert_eq!(first, second);
    assert_eq!(first_lines(&first), [format!("{BOB} INVITE sip:x@192.0.2.20 SIP/2.0")]);
    assert!(!first[0].1.contains("Record-Route"));
    let back = b.take(BOB, &reply(&first[0].1, 200, "b1"));
    assert_eq!(first_lines(&back), [format!("{ALICE} SIP/2.0 200 OK")]);
    assert!(b.proxy.contexts.is_empty());
    // A response that was never asked for goes nowhere.
    assert!(b.take(BOB, &reply(&first[0].1, 200, "b1").replace(".s", ".x")).is_empty());
}

#[test]
fn timer_c_cancels_what_rings_for_ever() {
    let mut b = Bench::new(options());
    b.register("bob", "sip:bob@192.0.2.20:5060");
    let sent = b.take(ALICE, &request("INVITE", "sip:bob@example.com", "1", ""));
    b.take(BOB, &reply(&sent[1].1, 180, "b1"));
    let sent = b.until(300_000);
    let cancel = sent.iter().find(|(_, _, t)| t.starts_with("CANCEL ")).map(|(at, ..)| *at);
    assert_eq!(cancel, Some(181_000));
    assert!(sent.iter().any(|(at, to, t)| *at == 213_000 && to == ALICE && t.starts_with("SIP/2.0 487 ")), "{sent:?}");
    assert!(b.proxy.contexts.is_empty() && b.proxy.clients.is_empty() && b.proxy.servers.is_empty());
}
