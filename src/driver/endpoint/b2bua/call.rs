//! A call: the leg that came in, what went out for it, and what passes between the two.

use crate::agent::{Dialog, Draft};
use crate::driver::endpoint::proxy::context::{TIMER_C, cancel_of};
use crate::driver::endpoint::router::Onto;
use crate::driver::media::Side;
use crate::sip::{Message, Method, Outline};
use crate::transaction::{Client, Server, Timers};
use crate::transport::listener::Way;
use std::time::{Duration, Instant};

/// A request that came, and its server transaction.
#[derive(Debug)]
pub(super) struct Inbound {
    pub server: Server,
    pub request: Vec<u8>,
    pub method: Method,
    /// By which way it came, and by which its answer goes.
    pub way: Way,
    pub back: Way,
    /// Method and Request-URI, to be shown.
    pub line: Vec<u8>,
    pub since: Instant,
    /// Its key among the server transactions.
    pub key: Vec<u8>,
    /// Whether it has its final answer.
    pub answered: bool,
}

/// What a request that goes out is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// The call is tried there.
    Branch,
    /// It goes on from the crossing of that number.
    Crossing(usize),
    /// It ends a leg.
    Bye,
}

/// A request that goes out, and its client transaction.
#[derive(Debug)]
pub(super) struct Outbound {
    pub number: usize,
    pub purpose: Purpose,
    pub draft: Draft,
    pub method: Method,
    /// From when it is known where it goes.
    pub sent: Option<(Client, Way)>,
    pub cancel: Option<Client>,
    /// Whether it is to be cancelled as soon as it may be.
    pub cancel_wanted: bool,
    pub is_proceeding: bool,
    /// Timer C; of what was cancelled, when it counts as over.
    pub given_up_at: Option<Instant>,
    pub status: Option<u16>,
}

impl Outbound {
    pub fn new(number: usize, purpose: Purpose, draft: Draft) -> Self {
        let method = Method::of(draft.method.as_bytes());
        Outbound {
            number,
            purpose,
            draft,
            method,
            sent: None,
            cancel: None,
            cancel_wanted: false,
            is_proceeding: false,
            given_up_at: None,
            status: None,
        }
    }

    /// It goes out by `way`.
    pub fn send(&mut self, bytes: Vec<u8>, way: Way, timers: Timers, now: Instant) {
        if self.method == Method::Invite {
            self.given_up_at = Some(now + TIMER_C);
        }
        self.sent = Some((Client::new(bytes, way.protocol.is_reliable(), timers, now), way));
    }

    /// A provisional response came.
    pub fn proceed(&mut self, status: u16, timers: Timers, now: Instant) {
        self.is_proceeding = true;
        if self.given_up_at.is_some() && self.cancel.is_none() && status > 100 {
            self.given_up_at = Some(now + TIMER_C);
        }
        if self.cancel_wanted {
            self.cancel(timers, now);
        }
    }

    /// Cancels it, now or as soon as a provisional response was there. RFC 3261 §9.1
    pub fn cancel(&mut self, timers: Timers, now: Instant) {
        if self.status.is_some() || self.cancel.is_some() || self.method != Method::Invite {
            return;
        }
        self.cancel_wanted = true;
        match &self.sent {
            Some((client, way)) if self.is_proceeding => {
                let bytes = cancel_of(client.request());
                self.cancel = Some(Client::new(bytes, way.protocol.is_reliable(), timers, now));
                self.given_up_at = Some(now + timers.give_up());
            }
            Some(_) => {}
            // What was never sent needs no CANCEL.
            None => self.status = Some(487),
        }
    }

    /// Its transaction waits no longer.
    pub fn give_up(&mut self) {
        if let Some((client, _)) = &mut self.sent {
            client.handle_transport_error();
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let sent = self.sent.as_ref().and_then(|(client, _)| client.poll_timeout());
        let cancel = self.cancel.as_ref().and_then(Client::poll_timeout);
        let give_up = self.given_up_at.filter(|_| self.status.is_none());
        [sent, cancel, give_up].into_iter().flatten().min()
    }

    pub fn is_over(&self) -> bool {
        self.status.is_some()
            && self.sent.as_ref().is_none_or(|(client, _)| client.is_terminated())
            && self.cancel.as_ref().is_none_or(Client::is_terminated)
    }
}

/// A request inside the dialogs, on its way from one leg to the other.
#[derive(Debug)]
pub(super) struct Crossing {
    pub number: usize,
    pub pair: usize,
    pub from: Side,
    pub inbound: Inbound,
    /// When who asks is answered although the other side has not: a call that ends does not wait for it.
    pub patience: Option<Instant>,
}

/// A 2xx to an INVITE, sent until its ACK comes. RFC 3261 §13.3.1.4
#[derive(Debug)]
pub(super) struct Accepted {
    pub pair: usize,
    /// Who owes the ACK.
    pub asker: Side,
    /// The number of the INVITE on the leg that it came by, and on the other.
    pub cseq: (u32, u32),
    pub bytes: Vec<u8>,
    pub back: Way,
    pub line: Vec<u8>,
    pub since: Instant,
    pub next: Instant,
    pub pause: Duration,
    pub end: Instant,
}

/// An ACK that was sent, for repeats of the 2xx.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub cseq: u32,
    pub bytes: Vec<u8>,
    pub way: Way,
}

/// One leg of a pair of dialogs.
#[derive(Debug)]
pub(super) struct Leg {
    pub dialog: Dialog,
    /// By which way it began.
    pub way: Way,
    /// The keys that it is found by.
    pub key: Vec<u8>,
    /// Whether a BYE came from there, or was sent there.
    pub is_over: bool,
    /// The last ACK that was sent there.
    pub acknowledged: Option<Acknowledged>,
    /// The last INVITE that came from there: its number, and that of what went to the other leg.
    pub invite: (u32, u32),
}

/// Two dialogs that are one call: with the caller, and with one of those who answered.
#[derive(Debug)]
pub(super) struct Pair {
    /// Our tag towards the caller.
    pub tag: String,
    /// The outbound request that it came of.
    pub branch: usize,
    pub caller: Leg,
    pub callee: Leg,
    pub is_confirmed: bool,
    /// It ends as soon as the ACK of its 2xx is there. RFC 3261 §15
    pub ends_after_ack: bool,
}

impl Pair {
    pub fn leg(&mut self, side: Side) -> &mut Leg {
        match side {
            Side::Caller => &mut self.caller,
            Side::Callee => &mut self.callee,
        }
    }

    pub fn is_over(&self) -> bool {
        self.caller.is_over && self.callee.is_over
    }
}

/// A call, or a request outside of one that goes on.
#[derive(Debug)]
pub(super) struct Call {
    pub id: u64,
    pub inbound: Inbound,
    /// Our tag towards the caller, for the first dialog and all that has none.
    pub tag: String,
    /// Of the other leg: Call-ID, number of what began it, From with its tag.
    pub call_id: String,
    pub cseq: u32,
    pub from: String,
    pub from_tag: String,
    /// Our Session-ID for a caller without. RFC 7989 §5
    pub session_id: Option<String>,
    pub outs: Vec<Outbound>,
    /// Groups that are tried when those before failed, the next one last.
    pub later: Vec<Vec<Onto>>,
    /// The best refusal so far.
    pub best: Option<(u16, Vec<u8>)>,
    pub pairs: Vec<Pair>,
    pub crossings: Vec<Crossing>,
    pub accepted: Vec<Accepted>,
    /// The pair whose 2xx went to the caller.
    pub winner: Option<usize>,
    pub is_cancelled: bool,
    /// Redirections that were followed.
    pub redirections: usize,
    /// When the session counts as dead: its timer, or the age that no call outlives.
    pub expires: Instant,
    pub has_media: bool,
    pub due: Option<Instant>,
}

impl Call {
    /// Whether branches have not said their last word.
    pub fn is_open(&self) -> bool {
        self.outs.iter().any(|o| matches!(o.purpose, Purpose::Branch) && o.status.is_none())
    }

    /// Whether somebody could still say something in it, or waits for an answer.
    pub fn stands(&self) -> bool {
        !self.inbound.answered
            || self.pairs.iter().any(|p| p.is_confirmed && !p.is_over())
            || self.outs.iter().any(|o| o.status.is_none())
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let outs = self.outs.iter().filter_map(Outbound::poll_timeout);
        let servers = self.crossings.iter().filter_map(|c| c.inbound.server.poll_timeout());
        let patience = self.crossings.iter().filter_map(|c| c.patience);
        let accepted = self.accepted.iter().map(|a| a.next.min(a.end));
        let expires = self.pairs.iter().any(|p| p.is_confirmed && !p.is_over()).then_some(self.expires);
        outs.chain(servers)
            .chain(patience)
            .chain(accepted)
            .chain(expires)
            .chain(self.inbound.server.poll_timeout())
            .min()
    }

    /// Whether nothing of it can be asked for any more.
    pub fn is_over(&self) -> bool {
        !self.stands()
            && self.accepted.is_empty()
            && self.inbound.server.is_terminated()
            && self.crossings.iter().all(|c| c.inbound.server.is_terminated())
            && self.outs.iter().all(Outbound::is_over)
    }

    /// Lets go what is over, so that a long call stays small.
    pub fn tidy(&mut self) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let (mut servers, mut clients) = (Vec::new(), Vec::new());
        self.crossings.retain_mut(|c| {
            let keep = !c.inbound.server.is_terminated();
            if !keep {
                servers.push(std::mem::take(&mut c.inbound.key));
            }
            keep
        });
        self.outs.retain(|o| {
            let keep = matches!(o.purpose, Purpose::Branch) || !o.is_over();
            if let (false, Some((client, _))) = (keep, &o.sent) {
                clients.push(client.branch().to_vec());
            }
            keep
        });
        (servers, clients)
    }
}

/// What a call that was refused leaves for the next try of its caller. RFC 3261 §8.1.3.5
#[derive(Debug)]
pub(super) struct Refused {
    pub call_id: String,
    pub from_tag: String,
    pub session_id: Option<String>,
    pub cseq: u32,
    pub at: Instant,
}

/// Reads a message that was kept.
pub(super) fn with<T>(bytes: &[u8], then: impl FnOnce(&Message<'_>) -> T) -> T {
    let mut outline = Outline::new();
    outline.read(bytes);
    then(&Message::new(bytes, &outline))
}

/// What a dialog is found by: Call-ID, our tag, the peer's.
pub(super) fn dialog_key(call_id: &[u8], local: &[u8], remote: &[u8]) -> Vec<u8> {
    [call_id, local, remote].join(&0)
}

/// The three of [`dialog_key`].
pub(super) fn dialog_parts(key: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut parts = key.splitn(3, |&b| b == 0);
    Some((parts.next()?, parts.next()?, parts.next()?))
}
