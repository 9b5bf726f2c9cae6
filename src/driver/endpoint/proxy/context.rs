//! One request under way: what came in, the branches that went out, and which answer goes back. RFC 3261 §16.7

use crate::driver::endpoint::router::Onto;
use crate::sip::{Composer, HeaderName, Message, Method, Outline};
use crate::transaction::{Client, Server, Timers, client};
use crate::transport::listener::Way;
use std::time::{Duration, Instant};

/// How long an INVITE may ring on one branch: Timer C, more than three minutes. RFC 3261 §16.6, the eleventh step
pub(in crate::driver::endpoint) const TIMER_C: Duration = Duration::from_secs(181);

/// One way on for the request.
#[derive(Debug)]
pub(super) struct Branch {
    /// Where to.
    pub onto: Onto,
    /// Its transaction, from when it is known where that is.
    pub sent: Option<Sent>,
    /// The CANCEL for it.
    pub cancel: Option<Client>,
    /// Whether it is to be cancelled as soon as it may be.
    pub cancel_wanted: bool,
    /// Whether a provisional response came: before that it may not be cancelled. RFC 3261 §9.1
    pub is_proceeding: bool,
    /// Its final status.
    pub status: Option<u16>,
    /// Timer C.
    pub give_up: Option<Instant>,
}

/// A branch that was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub client: Client,
    pub way: Way,
}

impl Branch {
    pub fn new(onto: Onto) -> Self {
        Branch {
            onto,
            sent: None,
            cancel: None,
            cancel_wanted: false,
            is_proceeding: false,
            status: None,
            give_up: None,
        }
    }

    /// Cancels it, now or as soon as a provisional response was there. RFC 3261 §9.1
    pub fn cancel(&mut self, timers: Timers, now: Instant) {
        if self.status.is_some() || self.cancel.is_some() {
            return;
        }
        self.cancel_wanted = true;
        if let (true, Some(sent)) = (self.is_proceeding, &self.sent) {
            let bytes = cancel_of(sent.client.request());
            self.cancel = Some(Client::new(bytes, sent.way.protocol.is_reliable(), timers, now));
            // RFC 3261 §9.1: without a final response after 64·T1 it counts as cancelled.
            self.give_up = Some(now + timers.give_up());
        }
    }

    /// Its transaction waits no longer.
    pub fn give_up_now(&mut self) {
        if let Some(sent) = &mut self.sent {
            sent.client.handle_transport_error();
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let sent = self.sent.as_ref().and_then(|sent| sent.client.poll_timeout());
        let cancel = self.cancel.as_ref().and_then(Client::poll_timeout);
        let give_up = self.give_up.filter(|_| self.status.is_none());
        [sent, cancel, give_up].into_iter().flatten().min()
    }

    fn is_over(&self) -> bool {
        let ended = |client: &Client| client.is_terminated();
        self.status.is_some()
            && self.sent.as_ref().is_none_or(|sent| ended(&sent.client))
            && self.cancel.as_ref().is_none_or(ended)
    }
}

/// The CANCEL of a request that was sent. RFC 3261 §9.1
pub(in crate::driver::endpoint) fn cancel_of(request: &[u8]) -> Vec<u8> {
    let mut outline = Outline::new();
    outline.read(request);
    let invite = Message::new(request, &outline);
    let mut cancel = Composer::request("CANCEL", &String::from_utf8_lossy(invite.uri().unwrap_or_default()));
    cancel.field(HeaderName::Via, invite.text(outline.via));
    for route in invite.headers(HeaderName::Route) {
        cancel.field(HeaderName::Route, route);
    }
    cancel.field(HeaderName::MaxForwards, "70");
    cancel.field(HeaderName::From, invite.text(outline.from));
    cancel.field(HeaderName::To, invite.text(outline.to));
    cancel.field(HeaderName::CallId, invite.call_id());
    cancel.field(HeaderName::CSeq, format!("{} CANCEL", invite.cseq().map_or(0, |c| c.number)));
    cancel.finish("", b"")
}

/// The answer that is best so far.
#[derive(Debug)]
pub(super) struct Best {
    pub status: u16,
    pub response: Vec<u8>,
}

/// One request under way.
#[derive(Debug)]
pub(super) struct Context {
    /// Its server transaction.
    pub server: Server,
    /// By which way the answer goes back.
    pub back: Way,
    /// By which way it came.
    pub from: Way,
    /// The request as it came.
    pub request: Vec<u8>,
    pub method: Method,
    /// Method and Request-URI, to be shown.
    pub line: Vec<u8>,
    pub since: Instant,
    /// Its mark: see [`Identity::mark`](crate::driver::endpoint::Identity::mark).
    pub mark: u64,
    pub branches: Vec<Branch>,
    /// Groups that are tried when those before failed, the next one last.
    pub later: Vec<Vec<Onto>>,
    pub best: Option<Best>,
    /// WWW-Authenticate and Proxy-Authenticate of all branches. RFC 3261 §16.7, the seventh step
    pub challenges: Vec<(HeaderName, Vec<u8>)>,
    /// Whether a final response went back.
    pub answered: bool,
    /// When a 100 goes back, where nothing else did. RFC 3261 §17.2.1
    pub trying: Option<Instant>,
    /// When it is due, as the proxy noted it.
    pub due: Option<Instant>,
}

impl Context {
    pub fn poll_timeout(&self) -> Option<Instant> {
        let branches = self.branches.iter().filter_map(Branch::poll_timeout);
        branches.chain(self.server.poll_timeout()).chain(self.trying).min()
    }

    /// Whether nothing of it can be asked for any more.
    pub fn is_over(&self) -> bool {
        self.answered && self.server.is_terminated() && self.branches.iter().all(Branch::is_over)
    }

    /// Whether branches have not said their last word.
    pub fn is_open(&self) -> bool {
        self.branches.iter().any(|b| b.status.is_none())
    }

    /// Notes a final answer of a branch, if it is better than those before. RFC 3261 §16.7, the sixth step
    pub fn note(&mut self, status: u16, response: Vec<u8>) {
        if self.best.as_ref().is_none_or(|best| rank(status) < rank(best.status)) {
            self.best = Some(Best { status, response });
        }
    }

    /// Cancels every branch that is still open. RFC 3261 §16.7, the tenth step
    pub fn cancel_all(&mut self, timers: Timers, now: Instant) {
        self.later.clear();
        for branch in &mut self.branches {
            branch.cancel(timers, now);
            // What was never sent needs no CANCEL.
            if branch.sent.is_none() {
                branch.status = Some(487);
            }
        }
    }

    /// Keeps the challenges of a refusal.
    pub fn keep_challenges(&mut self, response: &Message<'_>) {
        if !matches!(response.status(), Some(401 | 407)) {
            return;
        }
        for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
            let room = MOST_CHALLENGES.saturating_sub(self.challenges.len());
            self.challenges.extend(response.headers(name).take(room).map(|value| (name, value.to_vec())));
        }
    }
}

/// Challenges of all branches together.
const MOST_CHALLENGES: usize = 16;

/// What comes before what: 6xx, then the lowest class, and within 4xx what says how to try again. RFC 3261 §16.7, the sixth
/// step
pub(in crate::driver::endpoint) fn rank(status: u16) -> (u16, u16) {
    match status {
        600..=699 => (0, 0),
        401 | 407 | 415 | 420 | 484 => (4, 0),
        408 => (4, 2),
        other => (other / 100, 1),
    }
}

/// What a message that came means to a client transaction of a branch.
pub(super) fn event_of(client: &mut Client, message: &Message<'_>, now: Instant) -> Option<client::Event> {
    client.handle_message(message, now).ok()
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn the_best_answer_is_that_of_the_rfc() {
        let best = |of: &[u16]| of.iter().copied().min_by_key(|&s| rank(s)).unwrap();
        assert_eq!(best(&[404, 603, 302]), 603);
        assert_eq!(best(&[404, 302, 500]), 302);
        assert_eq!(best(&[404, 407, 486]), 407);
        assert_eq!(best(&[408, 486]), 486);
        assert_eq!(best(&[503, 480]), 480);
    }
}
