//! Our requests inside a dialog: ACK, PRACK, re-INVITE, UPDATE, INFO, BYE. RFC 3261 §12.2.1

use super::leg::{Acknowledgement, Life};
use super::ways::Hop;
use super::wish::Wish;
use super::{Action, EndedBy, Event, Inside, Invite, Place, Problem, Stage, WayId};
use crate::agent::exchange::branch;
use crate::agent::{Draft, Exchange, Identity, Outcome};
use crate::sip::{HeaderName, Message};
use crate::transaction::Ignored;
use crate::transport::TransportError;
use std::time::Instant;

/// Requests of ours that wait for their answers at a time: more come only of a peer that wants a PRACK for each of a flood.
const MAX_UNDER_WAY: usize = 64;
/// Requests that are kept once they are answered, so that repeats of the answer are known.
const MAX_ANSWERED: usize = 16;
/// Requests inside dialogs that are noted.
pub(super) const MAX_INSIDE: usize = 256;

/// A request of ours inside a dialog, to its final response.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) exchange: Exchange,
    pub(super) leg: usize,
    pub(super) way: WayId,
    pub(super) wish: Wish,
    /// Its place in [`super::Record::inside`].
    entry: Option<usize>,
    pub(super) is_done: bool,
    /// The ACK of the 2xx to a re-INVITE, for each repeat of that.
    ack: Option<Acknowledgement>,
    /// When the lack of any response counts as none, as long as it may ring.
    pub(super) silent_by: Option<Instant>,
}

impl Invite {
    /// Wants a request sent inside a dialog; it goes as soon as the way is there.
    pub(super) fn ask(&mut self, at: usize, wish: Wish, now: Instant) {
        if let Some(leg) = self.legs.get_mut(at).filter(|leg| leg.life != Life::Gone) {
            let under_way = self.asking.iter().filter(|asking| !asking.is_done).count() + leg.queue.len();
            if under_way >= MAX_UNDER_WAY && !matches!(wish, Wish::Ack { .. } | Wish::Bye) {
                return;
            }
            if wish == Wish::Bye {
                leg.life = Life::Leaving;
                leg.queue.retain(|waiting| matches!(waiting, Wish::Ack { .. }));
            }
            leg.queue.push_back(wish);
            self.flush(at, now);
        }
    }

    /// Sends what waits in a dialog, or seeks the way.
    pub(super) fn flush(&mut self, at: usize, now: Instant) {
        self.seek(at);
        while let Some(leg) = self.legs.get_mut(at) {
            let Hop::Open(way) = leg.hop else { return };
            let Some(wish) = leg.queue.pop_front() else { return };
            if let Wish::Ack { cseq, credentials, body } = wish.clone() {
                leg.acked = Some(wish);
                self.acknowledge(at, way, cseq, &credentials, body, now);
            } else {
                self.send_request(at, way, wish, now);
            }
        }
    }

    /// Finds the way of a dialog's next hop: one that is there already, or a new one. RFC 3261 §12.2.1.1
    fn seek(&mut self, at: usize) {
        let Some(leg) = self.legs.get_mut(at).filter(|leg| leg.hop == Hop::Unknown && !leg.queue.is_empty()) else {
            return;
        };
        let home = self.callings.get(leg.calling).map_or(0, |calling| calling.way);
        let Some(dialog) = &leg.dialog else { return };
        let uri = dialog.next_hop();
        leg.hop = match self.ways.leading_to(uri, home) {
            Some(hop) => hop,
            None => match self.ways.add(uri) {
                Some(way) => {
                    self.actions.push_back(Action::Reach { way, place: Place::Uri(uri.to_owned()) });
                    Hop::Sought(way)
                }
                None => Hop::Open(home),
            },
        };
    }

    /// A way is there, or is not: what waited for it goes out, by the way of the INVITE where there is no other.
    pub(super) fn hop_sought(&mut self, way: WayId, error: Option<&TransportError>, now: Instant) {
        for at in 0..self.legs.len() {
            let home = self.home_of(at);
            let Some(leg) = self.legs.get_mut(at).filter(|leg| leg.hop == Hop::Sought(way)) else { continue };
            leg.hop = Hop::Open(way);
            if error.is_some() {
                leg.hop = Hop::Open(home);
                let uri = leg.dialog.as_ref().map(|dialog| dialog.next_hop().to_owned()).unwrap_or_default();
                self.trouble(Problem::NoWay(uri));
            }
            self.flush(at, now);
        }
    }

    /// Who we are inside a dialog. What `-H` replaces of what makes the dialog is left alone there, or the call could not be ended.
    fn identity_inside(&self, local: &str) -> Identity {
        const OURS: [HeaderName; 14] = [
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::Contact,
            HeaderName::Route,
            HeaderName::Require,
            HeaderName::ProxyRequire,
            HeaderName::MaxForwards,
            HeaderName::ContentType,
            HeaderName::SessionExpires,
            HeaderName::MinSe,
            HeaderName::RAck,
            HeaderName::Replaces,
            HeaderName::Join,
        ];
        let mut identity = self.identity.clone();
        identity.headers.retain(|(name, _)| !OURS.contains(&HeaderName::of(name.as_bytes())));
        Identity { from: Some(local.to_owned()), route: None, ..identity }
    }

    /// Sends the ACK of a 2xx. RFC 3261 §13.2.2.4
    fn acknowledge(
        &mut self,
        at: usize,
        way: WayId,
        cseq: u32,
        credentials: &[(HeaderName, String)],
        body: Vec<u8>,
        now: Instant,
    ) {
        let Some((leg, line)) = self.legs.get(at).zip(self.ways.line(way)) else { return };
        let Some(dialog) = &leg.dialog else { return };
        let content_type = if body.is_empty() { String::new() } else { "application/sdp".to_owned() };
        let draft = Draft { body, content_type, ..dialog.ack(cseq) };
        let bytes = draft.compose(&self.identity_inside(dialog.local()), line, &branch(&mut self.entropy), credentials);
        self.tell(Event::Asking { method: "ACK".to_owned(), purpose: String::new() });
        self.actions.push_back(Action::Send { way, to: None, bytes: bytes.clone() });
        let again = self.asking.iter_mut().find(|asking| asking.leg == at && asking.exchange.draft().cseq == cseq);
        let ack = Acknowledgement::new(way, bytes, now);
        match again.filter(|asking| asking.exchange.draft().method == "INVITE") {
            Some(asking) => asking.ack = Some(ack),
            None => {
                if let Some(leg) = self.legs.get_mut(at) {
                    leg.ack = Some(ack);
                }
                if self.kept == Some(at) {
                    self.record.acknowledged.get_or_insert(now);
                }
            }
        }
    }

    fn send_request(&mut self, at: usize, way: WayId, wish: Wish, now: Instant) {
        let supported = self.supported();
        let Some(line) = self.ways.line(way).cloned() else { return self.lost(at, &wish, now) };
        let Some(leg) = self.legs.get_mut(at) else { return };
        let Some(dialog) = &mut leg.dialog else { return };
        for asking in self.asking.iter().filter(|asking| asking.leg == at) {
            dialog.count_from(asking.exchange.draft().cseq);
        }
        let method = wish.method(leg.takes_update);
        let mut draft = dialog.request(method);
        let local = dialog.local().to_owned();
        if !wish.fill(&mut draft, leg.negotiator.as_mut()) {
            return;
        }
        if method == "INVITE" {
            self.record.local_sdp.clone_from(&draft.body);
        }
        if matches!(method, "INVITE" | "UPDATE") {
            draft.fields.push((HeaderName::Allow, super::ALLOW.to_owned()));
            draft.fields.extend(supported.map(|value| (HeaderName::Supported, value)));
            // RFC 4028 §7.4: every refresh says the interval again.
            draft.fields.extend(self.timer.of_request().map(|value| (HeaderName::SessionExpires, value)));
            draft.fields.extend(self.min_se.map(|least| (HeaderName::MinSe, least.to_string())));
        }
        let is_invite = method == "INVITE";
        let patience = if is_invite { self.options.timers.give_up() } else { self.options.timeout };
        let patience = self.stop_by.map_or(patience, |by| by.saturating_duration_since(now).min(patience));
        let identity = self.identity_inside(&local);
        let auth = self.auth.split();
        let timers = self.options.timers;
        let exchange = Exchange::new(draft, &identity, &line, auth, timers, patience, &mut self.entropy, now);
        let silent_by = now.checked_add(self.options.timeout);
        let purpose = wish.purpose();
        let entry = if wish == Wish::Bye { None } else { self.note_inside(method, &purpose, true, now) };
        self.tell(Event::Asking { method: method.to_owned(), purpose });
        self.asking.push(Asking { exchange, leg: at, way, wish, entry, is_done: false, ack: None, silent_by });
        self.forget_answered();
    }

    /// Notes a request inside the dialog; gives its place.
    pub(super) fn note_inside(&mut self, method: &str, purpose: &str, is_ours: bool, at: Instant) -> Option<usize> {
        if self.record.inside.len() >= MAX_INSIDE {
            return None;
        }
        let (method, purpose) = (method.to_owned(), purpose.to_owned());
        self.record.inside.push(Inside { method, purpose, is_ours, at, status: None });
        Some(self.record.inside.len() - 1)
    }

    fn forget_answered(&mut self) {
        while self.asking.iter().filter(|asking| asking.is_done).count() > MAX_ANSWERED {
            let Some(oldest) = self.asking.iter().position(|asking| asking.is_done) else { return };
            self.asking.remove(oldest);
        }
    }

    /// There is no way at all, not even that of the INVITE.
    fn lost(&mut self, at: usize, wish: &Wish, now: Instant) {
        let takes_update = self.legs.get(at).is_some_and(|leg| leg.takes_update);
        self.asked(at, wish, wish.method(takes_update), None, &[], now);
    }

    /// A response to a request of ours inside a dialog; `false` where it is none.
    pub(super) fn handle_inside_response(&mut self, message: &Message<'_>, now: Instant) -> bool {
        for asking in &mut self.asking {
            let known = match asking.exchange.handle_message(message.bytes, &mut self.entropy, now) {
                Ok(()) => true,
                Err(Some(Ignored::Repeat)) => return true,
                Err(_) => false,
            };
            if known {
                asking.silent_by = None;
                let is_answer = message.status().is_some_and(|status| (200..300).contains(&status));
                // RFC 3261 §13.2.2.4: a repeat says that the ACK was lost.
                let ack = asking.ack.as_mut().filter(|_| is_answer);
                self.actions.extend(ack.and_then(|ack| ack.again(self.options.timers.t1, now)));
                return true;
            }
        }
        false
    }

    /// Takes apart the requests that came to their end.
    pub(super) fn settle_asking(&mut self, now: Instant) {
        while let Some((at, outcome)) = self.next_ended(now) {
            let Some(asking) = self.asking.get_mut(at) else { return };
            asking.is_done = true;
            let (leg, by, wish, entry) = (asking.leg, asking.way, asking.wish.clone(), asking.entry);
            let method = asking.exchange.draft().method.clone();
            self.learn_credentials(at);
            let (status, response) = match &outcome {
                Outcome::Final { status, response } => (Some(*status), response.as_slice()),
                Outcome::Timeout | Outcome::Failed(_) => (None, &[][..]),
            };
            if let Some(inside) = entry.and_then(|entry| self.record.inside.get_mut(entry)) {
                inside.status = status;
            }
            self.tell(Event::Asked { method: method.clone(), status });
            if status.is_some_and(|status| (200..300).contains(&status)) {
                self.taken(at, leg, &method, response, now);
            }
            let broke = matches!(outcome, Outcome::Failed(_));
            let goes_on = wish == Wish::Bye && status.is_none() && self.leave_by_another_way(leg, by, broke, now);
            if !goes_on {
                self.asked(leg, &wish, &method, status, response, now);
            }
        }
    }

    /// The first request that came to its end and was not taken apart yet, and how it ended.
    fn next_ended(&self, now: Instant) -> Option<(usize, Outcome)> {
        let open = self.asking.iter().enumerate().filter(|(_, asking)| !asking.is_done);
        open.into_iter().find_map(|(at, asking)| {
            let is_silent = asking.silent_by.is_some_and(|by| by <= now);
            let outcome = asking.exchange.outcome().cloned().or(is_silent.then_some(Outcome::Timeout))?;
            Some((at, outcome))
        })
    }

    /// Takes over what a request has learnt of credentials.
    fn learn_credentials(&mut self, at: usize) {
        let Some(asking) = self.asking.get(at) else { return };
        if asking.exchange.attempts().len() > 1 {
            self.auth = asking.exchange.authenticator().clone();
            let challenges = self.auth.challenges();
            self.record.challenges = challenges.map(|(c, by_proxy)| (c.clone(), by_proxy)).collect();
        }
        if let Some(refused) = asking.exchange.challenge() {
            self.record.refused = Some(refused.clone());
        }
    }

    /// A 2xx: the target moves, and that to a re-INVITE is acknowledged.
    fn taken(&mut self, at: usize, leg: usize, method: &str, response: &[u8], now: Instant) {
        if matches!(method, "INVITE" | "UPDATE") {
            self.refresh_target(leg, response);
        }
        let Some(asking) = self.asking.get(at).filter(|_| method == "INVITE") else { return };
        let credentials = super::answer::credentials(asking.exchange.request());
        let cseq = asking.exchange.draft().cseq;
        self.ask(leg, Wish::Ack { cseq, credentials, body: Vec::new() }, now);
    }

    /// The other side said where it is reached from now on. RFC 3261 §12.2.1.2
    fn refresh_target(&mut self, at: usize, response: &[u8]) {
        let Some(leg) = self.legs.get_mut(at) else { return };
        let Some(dialog) = &mut leg.dialog else { return };
        let before = dialog.target().to_owned();
        // What cannot be taken leaves the target as it was.
        let _ = super::calling::with_message(response, |message| dialog.refresh_target(message));
        if dialog.target() != before {
            leg.hop = Hop::Unknown;
        }
    }

    /// Our BYE got no answer: once it is tried by the way of the INVITE, or where that is how it went and broke by a new one.
    fn leave_by_another_way(&mut self, at: usize, by: WayId, broke: bool, now: Instant) -> bool {
        let home = self.home_of(at);
        let Some(leg) = self.legs.get_mut(at).filter(|leg| !leg.tried_again) else { return false };
        if self.ways.line(home).is_some() && by != home {
            leg.hop = Hop::Open(home);
            let uri = leg.dialog.as_ref().map(|dialog| dialog.next_hop().to_owned()).unwrap_or_default();
            self.trouble(Problem::NoWay(uri));
        } else if broke && self.ways.line(by).is_none() {
            leg.hop = Hop::Unknown;
        } else {
            return false;
        }
        if let Some(leg) = self.legs.get_mut(at) {
            leg.tried_again = true;
        }
        self.ask(at, Wish::Bye, now);
        true
    }

    /// The way of the INVITE that made a dialog.
    fn home_of(&self, at: usize) -> WayId {
        self.legs.get(at).and_then(|leg| self.callings.get(leg.calling)).map_or(0, |calling| calling.way)
    }

    /// A way broke, or nobody is at its end: the dialogs that used it go on by the way of their INVITE, and what they acknowledged is
    /// acknowledged again, for the first ACK did not arrive.
    pub(super) fn hop_broke(&mut self, way: WayId, now: Instant) {
        for at in 0..self.legs.len() {
            let home = self.home_of(at);
            let is_gone = self.ways.line(way).is_none();
            let Some(leg) = self.legs.get_mut(at).filter(|leg| leg.hop == Hop::Open(way)) else { continue };
            if way == home || self.ways.line(home).is_none() {
                if is_gone {
                    leg.hop = Hop::Unknown;
                }
                continue;
            }
            leg.hop = Hop::Open(home);
            let again = leg.acked.clone().filter(|_| leg.life != Life::Gone);
            let uri = leg.dialog.as_ref().map(|dialog| dialog.next_hop().to_owned()).unwrap_or_default();
            self.trouble(Problem::NoWay(uri));
            if let Some(Wish::Ack { cseq, credentials, body }) = again {
                self.acknowledge(at, home, cseq, &credentials, body, now);
            }
        }
    }

    /// A request inside the dialog was answered, or was not.
    fn asked(&mut self, leg: usize, wish: &Wish, method: &str, status: Option<u16>, response: &[u8], now: Instant) {
        match wish {
            Wish::Ack { .. } => {}
            Wish::Bye => self.bye_ended(leg, status, now),
            Wish::Prack { .. } => {
                if status.is_some_and(|status| (200..300).contains(&status))
                    && let Some(fork) = self.record.forks.get_mut(leg)
                {
                    fork.pracked += 1;
                }
            }
            Wish::Hold | Wish::Resume | Wish::Refresh => self.renegotiated(leg, wish, method, status, response, now),
            Wish::Digit(_) => {
                self.plan.digit_sent();
                self.unless_gone(leg, method, status, now);
            }
        }
    }

    /// RFC 3261 §12.2.1.2, RFC 5057 §5.1: 481 says that the dialog is no more, and so does silence.
    pub(super) fn unless_gone(&mut self, leg: usize, method: &str, status: Option<u16>, now: Instant) {
        if matches!(status, None | Some(408 | 481)) && self.kept == Some(leg) && self.stage == Stage::Up {
            self.trouble(Problem::Gone(method.to_owned(), status));
            self.hang_up(EndedBy::Unusable, now);
        }
    }

    /// What the requests inside dialogs have to send.
    pub(super) fn poll_asking(&mut self, now: Instant) -> Option<Action> {
        self.asking.iter_mut().find_map(|asking| {
            loop {
                let bytes = asking.exchange.poll_transmit(now)?;
                // What nobody waits for any more is not repeated.
                if !asking.is_done || asking.exchange.outcome().is_some() {
                    return Some(Action::Send { way: asking.way, to: None, bytes });
                }
            }
        })
    }
}
