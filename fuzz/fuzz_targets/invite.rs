//! A trial call against a peer that says anything in any order, in virtual time: it comes to its end, and to one alone; what it sends is
//! bounded; it hangs up nothing that it did not acknowledge, and acknowledges and answers everything once.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sipctl::agent::invite::{Action, Dtmf, DtmfMode, EndedBy, Event, Invite, InviteOptions, Place};
use sipctl::agent::{Account, Identity};
use sipctl::base::Entropy;
use sipctl::digest::Secret;
use sipctl::media::negotiator::{Local, Wishes};
use sipctl::sip::Outline;
use sipctl::transaction::Timers;
use sipctl::transport::{LineFacts, Phase, Protocol, TransportError};
use sipctl_fuzz::Pieces;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const ANSWER: &str = "v=0\r\no=bob 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n\
    a=rtpmap:101 telephone-event/8000\r\n";
const STATUSES: [&str; 20] = [
    "100 Trying",
    "180 Ringing",
    "183 Progress",
    "199 Gone",
    "200 OK",
    "202 Accepted",
    "302 Moved",
    "305 Proxy",
    "401 Who",
    "407 Who",
    "408 Late",
    "415 What",
    "420 Bad",
    "422 Brief",
    "481 Unknown",
    "486 Busy",
    "487 Ended",
    "491 Pending",
    "503 Down",
    "600 Busy",
];
const METHODS: [&str; 10] = ["ACK", "BYE", "CANCEL", "INFO", "INVITE", "NOTIFY", "OPTIONS", "PRACK", "REFER", "UPDATE"];
const FIELDS: [&str; 16] = [
    "Contact: <sip:bob@192.0.2.9:5060>\r\n",
    "Contact: <sip:carol@192.0.2.8:5060;transport=tcp>;q=0.3, <sip:dave@example.com>, <tel:+1>\r\n",
    "Record-Route: <sip:192.0.2.7;lr>, <sip:192.0.2.6>\r\n",
    "Require: 100rel\r\nRSeq: 1\r\n",
    "Require: 100rel\r\nRSeq: 2\r\n",
    "RSeq: 4294967295\r\nRequire: 100rel\r\n",
    "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\n",
    "Session-Expires: 90;refresher=uas\r\n",
    "Min-SE: 1800\r\n",
    "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\", qop=\"auth\"\r\n",
    "Proxy-Authenticate: Digest realm=\"a\", nonce=\"c\", stale=true\r\n",
    "Retry-After: 1\r\n",
    "Unsupported: timer, 100rel\r\n",
    "Refer-To: <sip:x@y>\r\n",
    "RAck: 1 1 INVITE\r\n",
    "Allow: INVITE, UPDATE\r\n",
];
/// Events of the other side that one input has at most.
const STEPS: usize = 200;
/// What a call may send for each event and each timer of its own: repeats of its requests and of its answers among them.
const SENT_EACH: usize = 64;
/// Every timer of a call has fired by then. RFC 3261 §17, RFC 4028
const LONGEST: Duration = Duration::from_secs(4 * 3600);

struct Peer {
    invite: Invite,
    now: Instant,
    /// Requests of the call, and with which way each went.
    requests: Vec<(u32, String)>,
    ways: u32,
    sent: usize,
    answers: bool,
    is_late_offer: bool,
    /// Digits are being pressed.
    presses: bool,
    told: Told,
}

/// What was said so far that must not be said otherwise later.
#[derive(Default)]
struct Told {
    /// How the call ended.
    ended: Option<EndedBy>,
    endings: usize,
    /// Branches of the INVITEs: an ACK that has one of them belongs to a refusal. RFC 3261 §17.1.1.3
    invites: HashSet<String>,
    /// Dialogs whose 2xx was acknowledged.
    acknowledged: HashSet<String>,
    /// Reliable responses that were acknowledged, with the branch that did it.
    pracked: HashMap<(String, String), String>,
    /// Dialogs in which a late offer was answered, with the request that did it.
    answered: HashMap<String, String>,
}

/// The value of a header field of ours.
fn value(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_default().to_owned()
}

/// What stands after the header fields.
fn body(text: &str) -> &str {
    text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

impl Told {
    fn request(&mut self, text: &str, is_late_offer: bool) {
        let (via, cseq) = (value(text, "Via"), value(text, "CSeq"));
        let branch = via.rsplit_once("branch=").map_or(via.clone(), |(_, branch)| branch.to_owned());
        let dialog = format!("{} {}", value(text, "Call-ID"), value(text, "To"));
        let method = text.split(' ').next().unwrap_or_default();
        let is_retried = text.contains("\r\nAuthorization: ") || text.contains("\r\nProxy-Authorization: ");
        match method {
            "INVITE" => {
                // A dialog may be without a tag. RFC 3261 §12.1.2
                let is_first = !self.acknowledged.contains(&dialog) && !value(text, "To").contains(";tag=");
                assert!(!(is_first && is_late_offer) || body(text).is_empty(), "an offer, where it was to be late");
                self.invites.insert(branch.clone());
            }
            // RFC 3261 §13.2.2.4, §15: what was not answered is cancelled, and what was answered is acknowledged first.
            "ACK" if !self.invites.contains(&branch) => {
                self.acknowledged.insert(dialog.clone());
            }
            "BYE" => assert!(self.acknowledged.contains(&dialog), "a BYE without an ACK before it: {text}"),
            // RFC 3262 §4: one for each response, again only for who asks for credentials.
            "PRACK" => {
                let rack = value(text, "RAck");
                let before = self.pracked.insert((dialog.clone(), rack), branch.clone());
                assert!(before.is_none_or(|before| before == branch || is_retried), "acknowledged twice: {text}");
            }
            _ => {}
        }
        // RFC 3262 §5: the offer of a reliable response is answered in its PRACK, that of the 2xx in the ACK; it is answered once.
        let answers = is_late_offer && matches!(method, "ACK" | "PRACK") && !body(text).is_empty();
        if answers && !(method == "PRACK" && is_retried) {
            // Another INVITE makes another dialog, be it that its tags are the same.
            let rack = value(text, "RAck");
            let invite = if method == "PRACK" { rack.split(' ').nth(1) } else { cseq.split(' ').next() };
            let by = format!("{branch} {cseq}");
            let before = self.answered.insert(format!("{dialog} {}", invite.unwrap_or_default()), by.clone());
            assert!(before.is_none_or(|before| before == by), "an offer is answered twice: {text}");
        }
    }
}

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 9], 5060))
}

impl Peer {
    fn drain(&mut self) {
        let mut actions = 0;
        while let Some(action) = self.invite.poll_action(self.now) {
            actions += 1;
            assert!(actions < 10_000, "actions without end");
            match action {
                Action::Reach { way, place } => self.reach(way, &place),
                Action::Send { way, bytes, .. } => {
                    self.sent += 1;
                    let mut outline = Outline::new();
                    assert!(outline.read(&bytes), "no SIP is sent: {}", bytes.escape_ascii());
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if !text.starts_with("SIP/2.0") {
                        self.told.request(&text, self.is_late_offer);
                        self.requests.push((way, text));
                    }
                }
                Action::OpenMedia(address) => {
                    let local = Local { address, rtp: 40_000, rtcp: 40_001 };
                    self.invite.handle_media(self.answers.then_some(local), self.now);
                }
                Action::Press(digits) => {
                    assert!(!digits.is_empty(), "nothing is to be pressed");
                    self.presses = true;
                }
                Action::Tell(Event::Ended(by)) => {
                    self.told.endings += 1;
                    assert_eq!((self.told.endings, self.invite.record().ended_by), (1, Some(by)), "ended again");
                }
                Action::Agree(_) | Action::Tell(_) => {}
            }
        }
        // How a call ended is not judged again.
        let ended = self.invite.record().ended_by;
        assert!(self.told.ended.is_none() || self.told.ended == ended, "{:?}, then {ended:?}", self.told.ended);
        self.told.ended = ended;
    }

    /// The digits are out.
    fn pressed(&mut self) {
        if std::mem::take(&mut self.presses) {
            self.invite.handle_pressed(self.now);
            self.drain();
        }
    }

    fn reach(&mut self, way: u32, _: &Place) {
        self.ways = self.ways.max(way + 1);
        assert!(self.ways < 1000, "ways without end");
        if !self.answers {
            let error = TransportError::new(Phase::Connect, "refused", "cannot connect: connection refused");
            return self.invite.handle_unreached(way, &error, self.now);
        }
        let line = LineFacts {
            protocol: Protocol::Udp,
            local: SocketAddr::from(([192, 0, 2, 1], 5070)),
            peer: peer(),
            connect: None,
            tls_time: None,
            tls: None,
        };
        self.invite.handle_reached(way, &line, self.now);
    }

    /// Lets the next timer fire, where there is one within so long.
    fn pass(&mut self, most: Duration) -> bool {
        let Some(due) = self.invite.poll_timeout() else { return false };
        let end = self.now + most;
        self.now = self.now.max(due.min(end));
        if due <= end {
            self.invite.handle_timer(self.now);
            self.drain();
        }
        due <= end
    }

    fn say(&mut self, way: u32, text: &str, pieces: &mut Pieces<'_>) {
        let mut bytes = text.as_bytes().to_vec();
        // Some of it is damaged.
        for _ in 0..pieces.byte() / 64 {
            let (at, with) = (usize::from(pieces.short()), pieces.byte());
            let len = bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(at % len) {
                *byte = with;
            }
        }
        self.invite.handle_message(&bytes, way, peer(), self.now);
        self.drain();
    }

    /// Answers one of the last requests.
    fn answer(&mut self, pieces: &mut Pieces<'_>) {
        let back = usize::from(pieces.byte() % 8);
        let Some((way, request)) = self.requests.iter().rev().nth(back).cloned() else { return };
        let status = STATUSES[usize::from(pieces.byte()) % STATUSES.len()];
        let mut text = format!("SIP/2.0 {status}\r\n");
        for line in request.lines().take_while(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or_default();
            if matches!(name, "Via" | "From" | "Call-ID" | "CSeq") {
                text.push_str(&format!("{line}\r\n"));
            } else if name == "To" {
                // Whoever is reached by another way draws a tag of its own.
                let tag = match line.contains("tag=") {
                    true => String::new(),
                    false => format!(";tag=b{}w{way}", pieces.byte() % 4),
                };
                text.push_str(&format!("{line}{tag}\r\n"));
            }
        }
        let text = with_rest(text, pieces);
        self.say(way, &text, pieces);
    }

    /// Asks for something inside the call.
    fn ask(&mut self, pieces: &mut Pieces<'_>) {
        let Some((way, invite)) = self.requests.first().cloned() else { return };
        let value = |name: &str| value(&invite, name);
        let method = METHODS[usize::from(pieces.byte()) % METHODS.len()];
        let (number, branch) = (pieces.byte(), pieces.byte());
        let text = format!(
            "{method} sip:sipctl@192.0.2.1:5070 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKp{branch}\r\nMax-Forwards: 70\r\n\
             From: {};tag=b{}w{}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {number} {method}\r\n",
            value("To"),
            pieces.byte() % 4,
            u32::from(pieces.byte()) % self.ways.max(1),
            value("From"),
            value("Call-ID"),
        );
        let text = with_rest(text, pieces);
        self.say(way, &text, pieces);
    }
}

/// Some more header fields, and a body or none.
fn with_rest(mut text: String, pieces: &mut Pieces<'_>) -> String {
    for _ in 0..pieces.byte() % 4 {
        text.push_str(FIELDS[usize::from(pieces.byte()) % FIELDS.len()]);
    }
    let body = if pieces.byte() % 2 == 0 { ANSWER } else { "" };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!("{text}{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}

fuzz_target!(|data: &[u8]| {
    let mut pieces = Pieces(data);
    let (kinds, more) = (pieces.byte(), pieces.byte());
    let digits = |mode| Dtmf { digits: "12#".to_owned(), mode };
    let secret = Some(Secret::Password("secret".to_owned()));
    let options = InviteOptions {
        uri: "sip:bob@biloxi.example.com".to_owned(),
        to: "<sip:bob@biloxi.example.com>".to_owned(),
        identity: Identity::default(),
        account: (more & 4 != 0).then(|| Account { username: "alice".to_owned(), secret, algorithm: None }),
        timers: Timers::default(),
        timeout: Duration::from_secs(5),
        ring_timeout: Duration::from_secs(60),
        duration: Duration::from_secs(10),
        cancel_after: (kinds & 1 != 0).then_some(Duration::from_secs(3)),
        is_late_offer: kinds & 2 != 0,
        wishes: Wishes::default(),
        has_reliable: kinds & 4 != 0,
        hold: (kinds & 8 != 0).then_some(Duration::from_secs(2)),
        dtmf: match more % 4 {
            0 | 1 => None,
            2 => Some(digits(DtmfMode::Rtp)),
            _ => Some(digits(DtmfMode::Info)),
        },
        session_expires: (kinds & 16 != 0).then_some(90),
        max_redirects: 5,
        candidates: 1 + usize::from(kinds & 32 != 0),
    };
    let now = Instant::now();
    let invite = Invite::new(options, Entropy::seeded(7));
    let mut peer = Peer {
        invite,
        now,
        requests: Vec::new(),
        ways: 0,
        sent: 0,
        answers: true,
        is_late_offer: kinds & 2 != 0,
        presses: false,
        told: Told::default(),
    };
    peer.drain();
    let (mut steps, mut fired) = (0, 0);
    while !pieces.0.is_empty() && steps < STEPS {
        steps += 1;
        match pieces.byte() % 9 {
            0..=2 => peer.answer(&mut pieces),
            3 | 4 => peer.ask(&mut pieces),
            5 => fired += usize::from(peer.pass(Duration::from_millis(u64::from(pieces.short())))),
            6 => peer.answers = pieces.byte() % 4 != 0,
            7 => peer.pressed(),
            _ => {
                peer.invite.handle_stop(peer.now);
                peer.drain();
            }
        }
        // The first, which names the call, and the last ones.
        if peer.requests.len() > 64 {
            peer.requests.drain(1..32);
        }
    }
    // Whatever was said: left alone it comes to its end.
    let end = peer.now + LONGEST;
    while peer.now < end && peer.pass(LONGEST) {
        fired += 1;
        assert!(fired < 100_000, "timers without end");
    }
    assert!(peer.invite.is_finished(), "it does not end");
    assert!(peer.told.ended.is_some(), "nobody knows how it ended");
    assert!(
        peer.sent <= (steps + fired + 1) * SENT_EACH,
        "{} messages after {steps} events and {fired} timers",
        peer.sent
    );
});
