//! One call, as the side that is called sees it. RFC 3261 §13.3, §15.1

mod asking;
mod inside;
mod refusing;
mod repeating;
mod way;

use super::calls::{Out, Plan, Refusal};
use crate::agent::Dialog;
use crate::agent::session_timer::SessionTimer;
use crate::base::Entropy;
use crate::driver::endpoint::studio::Wish;
use crate::driver::endpoint::{Arrival, Outgoing};
use crate::media::Negotiator;
use crate::media::negotiator::{Agreed, Local, Unacceptable};
use crate::sip::{HeaderName, Message, Method, Outline, Reply, Uri};
use crate::transaction::Client;
use crate::transport::listener::Way;
use asking::{Settled, lists_update};
use repeating::{Accepted, Reliable, Repeating};
use std::net::SocketAddr;
use std::time::Instant;
use way::contact;

/// What calls take.
pub(super) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, NOTIFY, REFER, MESSAGE, REGISTER";
/// The extensions that calls know.
pub(super) const SUPPORTED: &str = "100rel, timer";

/// How far a call has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Its ports are being opened.
    Opening,
    /// It is not answered yet.
    Waiting,
    /// It was answered with 2xx.
    Up,
    /// Our BYE is out.
    Leaving,
    /// It is over.
    Over,
}

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: u64,
    pub(super) transaction: u64,
    pub(super) state: State,
    pub(super) dialog: Dialog,
    pub(super) invite_cseq: u32,
    /// When it is to be looked at again, as it was last noted.
    pub(super) noted: Option<Instant>,
    /// What it gets in place of its answer.
    pub(super) refusal: Option<Refusal>,
    invite: Vec<u8>,
    line: Vec<u8>,
    since: Instant,
    server: String,
    source: SocketAddr,
    back: Way,
    negotiator: Option<Negotiator>,
    body: Vec<u8>,
    /// Our description went out in a reliable provisional response. RFC 3262 §5
    is_described: bool,
    /// Both sides agreed before the answer, by a PRACK or an UPDATE: its 2xx has nothing to describe.
    is_settled: bool,
    reliable: Option<Reliable>,
    /// The last RSeq. RFC 3262 §3
    rseq: Option<u32>,
    accepted: Option<Accepted>,
    /// Our request inside the dialog that waits for its answer: the BYE, or a refresh.
    asking: Option<Client>,
    /// Our re-INVITE that was answered last.
    settled: Option<Settled>,
    /// Whether the other side lists UPDATE: else the session is refreshed by re-INVITE. RFC 4028 §7.4
    takes_update: bool,
    timer: SessionTimer,
    /// The least that a 422 demanded of our refreshes. RFC 4028 §7.4
    min_se: Option<u32>,
    ring_at: Option<Instant>,
    /// When the 180 is due that follows a 183.
    rings_again_at: Option<Instant>,
    answer_at: Option<Instant>,
    hangup_at: Option<Instant>,
    /// It ends as soon as the ACK of its 2xx is there: a BYE may not come before. RFC 3261 §15
    ends_after_ack: bool,
}

impl Call {
    /// The call that an INVITE asks for.
    pub(super) fn of(arrival: &Arrival<'_>, dialog: Dialog, id: u64, plan: &Plan) -> Call {
        let request = arrival.request;
        let mut line = Vec::new();
        crate::driver::endpoint::engine::shown(request, &mut line);
        let cseq = request.cseq().map_or(0, |c| c.number);
        let ring_at = plan.rings().then(|| arrival.now + plan.answer_after);
        Call {
            id,
            transaction: arrival.transaction,
            state: State::Opening,
            dialog,
            invite_cseq: cseq,
            noted: None,
            refusal: None,
            invite: request.bytes.to_vec(),
            line,
            since: arrival.now,
            server: arrival.server.to_owned(),
            source: arrival.way.peer,
            back: arrival.back,
            negotiator: None,
            body: Vec::new(),
            is_described: false,
            is_settled: false,
            reliable: None,
            rseq: None,
            accepted: None,
            asking: None,
            settled: None,
            takes_update: lists_update(request),
            timer: SessionTimer::default(),
            min_se: None,
            ring_at,
            rings_again_at: None,
            answer_at: Some(arrival.now + plan.answer_after + plan.ring),
            hangup_at: None,
            ends_after_ack: false,
        }
    }

    /// When something is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let waiting = self.state == State::Waiting;
        let answer = self.answer_at.filter(|_| waiting && self.reliable.is_none());
        [
            self.ring_at.filter(|_| waiting),
            self.rings_again_at.filter(|_| waiting),
            answer,
            self.hangup_at,
            self.timer.expiry(),
            self.timer.refresh().filter(|_| self.is_refreshable()),
            self.reliable.as_ref().map(|r| r.repeating.next()),
            self.accepted.as_ref().map(|a| a.repeating.next()),
            self.asking.as_ref().and_then(Client::poll_timeout),
            self.settled.as_ref().and_then(Settled::poll_timeout),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The ports are there, or not: what was offered is answered, or refused at once.
    pub(super) fn opened(
        &mut self,
        local: Option<Local>,
        plan: &Plan,
        entropy: &mut Entropy,
        now: Instant,
        out: &mut Out,
    ) {
        let Some(local) = local else {
            self.refuse(503, &[(HeaderName::RetryAfter, "5".to_owned())], out);
            return;
        };
        let mut negotiator = Negotiator::new(local, plan.wishes.clone(), entropy);
        let mut outline = Outline::new();
        outline.read(&self.invite);
        let invite = Message::new(&self.invite, &outline);
        if let Some(offer) = invite.sdp_body() {
            match negotiator.answer(offer) {
                Ok((body, agreed)) => {
                    self.body = body;
                    if plan.early_media {
                        self.agree(agreed, out);
                    }
                }
                Err(why) => {
                    self.refuse(488, &[(HeaderName::Warning, warning(why))], out);
                    return;
                }
            }
        }
        self.negotiator = Some(negotiator);
        self.state = State::Waiting;
        self.tick(plan, entropy, now, out);
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, plan: &Plan, entropy: &mut Entropy, now: Instant, out: &mut Out) {
        self.tick_transactions(plan, entropy, now, out);
        let is_due = |at: &mut Option<Instant>| at.take_if(|at| *at <= now).is_some();
        if self.state == State::Waiting && is_due(&mut self.ring_at) {
            self.ring(if plan.early_media { 183 } else { 180 }, plan, entropy, now, out);
        }
        if self.state == State::Waiting && is_due(&mut self.rings_again_at) {
            self.ring(180, plan, entropy, now, out);
        }
        if self.state == State::Waiting && self.reliable.is_none() && is_due(&mut self.answer_at) {
            self.accept(plan, now, out);
        }
        let has_expired = self.timer.has_expired(now);
        if is_due(&mut self.hangup_at) || has_expired {
            self.timer = SessionTimer::default();
            self.hang_up(plan, entropy, now, out);
        }
        if self.timer.wants_refresh(now) && self.is_refreshable() {
            self.refresh(plan, entropy, now, out);
        }
    }

    fn tick_transactions(&mut self, plan: &Plan, entropy: &mut Entropy, now: Instant, out: &mut Out) {
        if let Some(reliable) = &mut self.reliable {
            if reliable.repeating.end <= now {
                // RFC 3262 §3: the request is rejected with a 5xx.
                self.reliable = None;
                self.refuse(504, &[], out);
                return;
            }
            // Pauses double without a bound. RFC 3262 §3
            out.outgoing.extend(reliable.repeating.tick(&self.line, now, None));
        }
        if let Some(accepted) = &mut self.accepted {
            if accepted.repeating.end <= now {
                // RFC 3261 §13.3.1.4: the dialog is confirmed, and the session is to be ended.
                self.accepted = None;
                out.unacknowledged += 1;
                self.bye(plan, entropy, now, out);
            } else {
                out.outgoing.extend(accepted.repeating.tick(&self.line, now, Some(plan.timers.t2)));
            }
        }
        self.tend_asked(plan, entropy, now, out);
    }

    /// A provisional response; reliably where the caller demands it, or can and we want it. RFC 3262 §3
    fn ring(&mut self, status: u16, plan: &Plan, entropy: &mut Entropy, now: Instant, out: &mut Out) {
        let mut outline = Outline::new();
        outline.read(&self.invite);
        let invite = Message::new(&self.invite, &outline);
        let names = |name: HeaderName| invite.values(name).any(|tag| tag.eq_ignore_ascii_case(b"100rel"));
        let reliably = names(HeaderName::Require) || plan.reliable && names(HeaderName::Supported);
        // RFC 3262 §5: the first reliable response has our offer, where the INVITE has none.
        let offer = self.negotiator.as_mut().filter(|_| reliably && self.body.is_empty()).map(Negotiator::offer);
        let has_body = offer.is_some() || status == 183 && !self.body.is_empty() && !self.is_described;
        self.body = offer.unwrap_or_else(|| std::mem::take(&mut self.body));
        // RFC 3262 §3: the first is drawn, and each further one is higher by one.
        let drawn = || plan.first_rseq.unwrap_or_else(|| 1 + entropy.below(1 << 16) as u32);
        let number = self.rseq.map_or_else(drawn, |last| last.saturating_add(1));
        let bytes = self.response(status, |call, reply| {
            reply.field(HeaderName::Contact, call.contact());
            if reliably {
                reply.field(HeaderName::Require, "100rel").field(HeaderName::RSeq, number.to_string());
            }
            match has_body {
                true => reply.finish_with("application/sdp", &call.body),
                false => reply.finish(),
            }
        });
        if reliably {
            let repeating = Repeating::new(bytes.clone(), status, self.back, plan, now);
            self.rseq = Some(number);
            self.is_described |= has_body;
            self.reliable = Some(Reliable { repeating, number, status });
        }
        self.send(bytes, status, out);
    }

    /// Answers with 200.
    fn accept(&mut self, plan: &Plan, now: Instant, out: &mut Out) {
        if let Some(refusal) = self.refusal.take() {
            self.refuse_as(&refusal, out);
            return;
        }
        let Some(negotiator) = &mut self.negotiator else { return };
        let offers = self.body.is_empty();
        if offers {
            self.body = negotiator.offer();
        } else if let Some(agreed) = negotiator.agreed().cloned() {
            self.agree(agreed, out);
        }
        let mut outline = Outline::new();
        outline.read(&self.invite);
        // What it asks for was looked at when it came. RFC 4028 §9
        let _ = self.timer.handle_request(&Message::new(&self.invite, &outline), now);
        let bytes = self.response(200, |call, reply| {
            call.describe(reply);
            match call.is_settled {
                true => reply.finish(),
                false => reply.finish_with("application/sdp", &call.body),
            }
        });
        self.state = State::Up;
        let repeating = Repeating::new(bytes.clone(), 200, self.back, plan, now);
        self.accepted = Some(Accepted { repeating, cseq: self.invite_cseq, offers });
        self.hangup_at = plan.hangup_after.map(|after| now + after);
        out.answered += 1;
        self.send(bytes, 200, out);
    }

    /// Ends the call as it is right for its state.
    pub(super) fn hang_up(&mut self, plan: &Plan, entropy: &mut Entropy, now: Instant, out: &mut Out) {
        match self.state {
            State::Opening | State::Waiting => self.refuse(480, &[], out),
            State::Up if self.accepted.is_some() => self.ends_after_ack = true,
            State::Up => self.bye(plan, entropy, now, out),
            State::Leaving | State::Over => {}
        }
    }

    /// The ACK of our 2xx came. RFC 3261 §13.3.1.4
    pub(super) fn acknowledged(
        &mut self,
        ack: &Message<'_>,
        plan: &Plan,
        entropy: &mut Entropy,
        now: Instant,
        out: &mut Out,
    ) {
        let number = ack.cseq().map(|c| c.number);
        let Some(accepted) = self.accepted.take_if(|a| Some(a.cseq) == number) else { return };
        if accepted.offers {
            let concluded = match (&mut self.negotiator, ack.sdp_body()) {
                (Some(negotiator), Some(answer)) => negotiator.conclude(answer),
                _ => Err(Unacceptable::NoMedia),
            };
            match concluded {
                Ok(agreed) => self.agree(agreed, out),
                // RFC 3261 §14.2, §13.2.2.4: without an answer that can be used the call ends.
                Err(_) => self.ends_after_ack = true,
            }
        }
        if self.ends_after_ack {
            self.bye(plan, entropy, now, out);
        }
    }

    /// A CANCEL came. RFC 3261 §9.2
    pub(super) fn cancelled(&mut self, out: &mut Out) {
        self.refuse(487, &[], out);
    }

    fn agree(&self, agreed: Agreed, out: &mut Out) {
        out.wishes.push_back(Wish::Agree { call: self.id, agreed: Box::new(agreed) });
    }

    /// A response to the INVITE.
    fn response(&self, status: u16, fill: impl FnOnce(&Call, &mut Reply<'_>)) -> Vec<u8> {
        self.response_saying(status, None, fill)
    }

    fn response_saying(&self, status: u16, reason: Option<&str>, fill: impl FnOnce(&Call, &mut Reply<'_>)) -> Vec<u8> {
        let mut outline = Outline::new();
        outline.read(&self.invite);
        let invite = Message::new(&self.invite, &outline);
        let mut bytes = Vec::new();
        let mut reply = Reply::to(&invite, self.source, status, reason, self.dialog.local_tag(), &mut bytes);
        if !self.server.is_empty() {
            reply.field(HeaderName::Server, &self.server);
        }
        fill(self, &mut reply);
        bytes
    }

    fn send(&self, bytes: Vec<u8>, status: u16, out: &mut Out) {
        out.outgoing.push_back(Outgoing {
            way: self.back,
            bytes,
            status,
            method: Method::Invite,
            line: self.line.clone(),
            since: self.since,
            transaction: Some(self.transaction),
        });
    }

    /// Where we are reached inside the dialog. RFC 3261 §12.1.1
    fn contact(&self) -> String {
        contact(&self.back, self.line.split(|&b| b == b' ').nth(1).is_some_and(|uri| Uri::parse(uri).is_sips()))
    }
}

/// Says why with a code and words. RFC 3261 §20.43
pub(super) fn warning(why: Unacceptable) -> String {
    format!("{} sipctl \"{why}\"", why.warning())
}
