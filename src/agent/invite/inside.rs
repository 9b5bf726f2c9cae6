//! What the other side asks: inside a dialog and outside. RFC 3261 §8.2, §12.2.2, §14.2, RFC 3311 §5.2

use super::leg::Life;
use super::{Action, EndedBy, Event, Invite, Problem, Stage, Transfer, WayId};
use crate::agent::transfer;
use crate::media::negotiator::Unacceptable;
use crate::sip::reply::destination;
use crate::sip::{HeaderName, Message, Method, Reply};
use crate::transaction::Server;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Server transactions at a time: the oldest makes room.
const MAX_INBOUND: usize = 64;
/// REFERs that are noted.
const MAX_TRANSFERS: usize = 16;

/// A request of the other side, and our answer to its repeats.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) server: Server,
    way: WayId,
    to: Option<SocketAddr>,
    /// By which a CANCEL finds it. RFC 3261 §9.2
    branch: Vec<u8>,
    is_invite: bool,
}

/// Our 2xx to a re-INVITE, repeated until its ACK comes. RFC 3261 §13.3.1.4
#[derive(Debug)]
pub(super) struct Accepted {
    leg: usize,
    cseq: u32,
    way: WayId,
    to: Option<SocketAddr>,
    bytes: Vec<u8>,
    /// Whether it had our offer, which the ACK answers.
    offers: bool,
    resend: Option<Instant>,
    pause: Duration,
    give_up: Option<Instant>,
    is_acknowledged: bool,
}

impl Accepted {
    /// Whether its ACK has not come.
    pub(super) fn is_waiting(&self) -> bool {
        !self.is_acknowledged
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.is_acknowledged { None } else { self.resend.into_iter().chain(self.give_up).min() }
    }
}

/// Where a request came from.
#[derive(Clone, Copy)]
struct Source {
    way: WayId,
    from: SocketAddr,
    now: Instant,
}

/// An answer in the making.
struct Answer {
    status: u16,
    fields: Vec<(HeaderName, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn plain(status: u16) -> Self {
        Answer { status, fields: Vec::new(), body: Vec::new() }
    }

    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}

impl Invite {
    /// A request came; `false` where nothing can be made of it.
    pub(super) fn handle_request(&mut self, request: &Message<'_>, way: WayId, from: SocketAddr, now: Instant) -> bool {
        if let Some(known) = self.inbound.iter_mut().find(|known| known.server.matches(request)) {
            known.server.handle_message(request, now);
            return true;
        }
        let source = Source { way, from, now };
        if request.method() == Method::Ack {
            return self.handle_ack(request);
        }
        if request.cseq().is_none() || request.branch().is_empty() && request.top_via().is_none() {
            return false;
        }
        let leg = self.owner(request);
        let answer = self.judge(request, leg, source);
        let status = answer.status;
        self.respond(request, leg, answer, source);
        self.tell(Event::Request { method: method_name(request), status });
        if request.method() == Method::Bye
            && status == 200
            && let Some(leg) = leg
        {
            self.left(leg, request, now);
        }
        true
    }

    /// What a request is answered with.
    fn judge(&mut self, request: &Message<'_>, leg: Option<usize>, source: Source) -> Answer {
        if request.method() == Method::Cancel {
            // RFC 3261 §9.2: ours are answered at once, so that there is nothing left to cancel.
            let known = self.inbound.iter().any(|known| known.is_invite && known.branch == request.branch());
            return Answer::plain(if known { 200 } else { 481 });
        }
        if let Some(unsupported) = self.unsupported(request) {
            return Answer::plain(420).with(HeaderName::Unsupported, unsupported);
        }
        let answer = match leg {
            Some(leg) => self.judge_inside(request, leg, source),
            // RFC 3261 §12.2.2: a tag of a dialog that is not ours.
            None if !request.to_tag().is_empty() => Answer::plain(481),
            None => self.judge_outside(request),
        };
        if answer.status == 405 { answer.with(HeaderName::Allow, super::ALLOW) } else { answer }
    }

    /// The extensions that a request demands and that we have not. RFC 3261 §8.2.2.3
    fn unsupported(&self, request: &Message<'_>) -> Option<String> {
        let known = ["100rel", "timer"];
        let unknown = request
            .values(HeaderName::Require)
            .filter(|tag| !known.iter().any(|known| tag.eq_ignore_ascii_case(known.as_bytes())));
        let named: Vec<String> = unknown.take(8).map(|tag| String::from_utf8_lossy(tag).into_owned()).collect();
        (!named.is_empty()).then(|| named.join(", "))
    }

    fn judge_outside(&self, request: &Message<'_>) -> Answer {
        match request.method() {
            Method::Options => Answer::plain(200)
                .with(HeaderName::Allow, super::ALLOW)
                .with(HeaderName::Accept, "application/sdp")
                .with(HeaderName::Supported, "100rel, timer"),
            // RFC 3261 §8.2.2.2: our own INVITE, that came round.
            Method::Invite if request.call_id() == self.draft.call_id.as_bytes() => Answer::plain(482),
            Method::Invite => Answer::plain(486),
            Method::Bye | Method::Prack | Method::Update | Method::Info | Method::Notify => Answer::plain(481),
            // RFC 3515 §2.4.4: one outside of the call asks for nothing that is part of it.
            Method::Refer => {
                Answer::plain(transfer::asked(request).map_or_else(|status| status, |_| transfer::DECLINED))
            }
            Method::Other => Answer::plain(501),
            _ => Answer::plain(405),
        }
    }

    fn judge_inside(&mut self, request: &Message<'_>, at: usize, source: Source) -> Answer {
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let Some(leg) = self.legs.get_mut(at) else { return Answer::plain(481) };
        // RFC 3261 §12.2.2
        if leg.dialog.as_mut().is_some_and(|dialog| !dialog.handle_request(number)) {
            return Answer::plain(500);
        }
        if request.method() == Method::Bye {
            return Answer::plain(200);
        }
        let is_gone = matches!(leg.life, Life::Leaving | Life::Gone);
        let entry = self.note_inside(&method_name(request), "", false, source.now);
        let answer = match request.method() {
            _ if is_gone => Answer::plain(481),
            Method::Invite | Method::Update => self.judge_offer(request, at, source),
            Method::Info => Answer::plain(200),
            Method::Options => Answer::plain(200)
                .with(HeaderName::Allow, super::ALLOW)
                .with(HeaderName::Accept, "application/sdp")
                .with(HeaderName::Supported, "100rel, timer"),
            Method::Refer => self.judge_transfer(request),
            // RFC 6665 §4.1.3: we subscribed to nothing. RFC 3262 §3: we sent nothing that wants a PRACK.
            Method::Notify | Method::Prack => Answer::plain(481),
            Method::Other => Answer::plain(501),
            _ => Answer::plain(405),
        };
        if let Some(inside) = entry.and_then(|entry| self.record.inside.get_mut(entry)) {
            inside.status = Some(answer.status);
        }
        answer
    }

    fn judge_transfer(&mut self, request: &Message<'_>) -> Answer {
        match transfer::asked(request) {
            Err(status) => Answer::plain(status),
            Ok(to) => {
                if self.record.transfers.len() < MAX_TRANSFERS {
                    self.record.transfers.push(Transfer { to: to.to_vec() });
                }
                Answer::plain(transfer::DECLINED)
            }
        }
    }

    /// A re-INVITE or UPDATE: with an offer, without one, or a mere refresh.
    fn judge_offer(&mut self, request: &Message<'_>, at: usize, source: Source) -> Answer {
        let is_invite = request.method() == Method::Invite;
        let is_open = |accepted: &Accepted| accepted.leg == at && accepted.is_waiting() && accepted.offers;
        let theirs_waits = self.accepted.iter().any(is_open);
        let asks = |asking: &super::asking::Asking| {
            asking.leg == at && !asking.is_done && asking.exchange.draft().method == "INVITE"
        };
        let ours_waits = self.asking.iter().any(asks);
        let Some(leg) = self.legs.get_mut(at) else { return Answer::plain(481) };
        let has_offered = leg.negotiator.as_ref().is_some_and(crate::media::Negotiator::has_offered);
        let offers = is_invite || request.sdp_body().is_some();
        // RFC 3261 §14.2, RFC 3311 §5.2: an offer of ours waits for its answer; the two cross.
        if offers && (has_offered || ours_waits || theirs_waits) || is_invite && leg.life == Life::Early {
            return Answer::plain(491);
        }
        // RFC 3311 §5.2: the first offer is still to come, in a response to our INVITE.
        if offers && leg.session == super::leg::Session::Open {
            let after = self.entropy.below(11).to_string();
            return Answer::plain(500).with(HeaderName::RetryAfter, after);
        }
        if let Err(least) = self.timer.clone().handle_request(request, source.now) {
            // RFC 4028 §9
            return Answer::plain(422).with(HeaderName::MinSe, least.to_string());
        }
        let body = match self.renegotiate(request, at) {
            Ok(body) => body,
            Err(why) => {
                let text = format!("{} sipctl \"{why}\"", why.warning());
                // RFC 3261 §14.2: the session goes on as it was.
                return Answer::plain(488).with(HeaderName::Warning, text);
            }
        };
        if self.kept == Some(at) && self.timer.handle_request(request, source.now).is_ok() {
            self.record.session_timer = self.timer.agreed().or(self.record.session_timer);
        }
        self.move_target(request, at);
        let mut answer = Answer { body, ..Answer::plain(200) };
        answer = answer.with(HeaderName::Allow, super::ALLOW).with(HeaderName::Supported, "timer");
        if let Some((value, is_required)) = self.timer.of_response() {
            answer = answer.with(HeaderName::SessionExpires, value);
            if is_required {
                answer = answer.with(HeaderName::Require, "timer");
            }
        }
        answer
    }

    /// The answer to an offer, our offer where a re-INVITE has none, nothing where an UPDATE has none.
    fn renegotiate(&mut self, request: &Message<'_>, at: usize) -> Result<Vec<u8>, Unacceptable> {
        let negotiator = self.legs.get_mut(at).and_then(|leg| leg.negotiator.as_mut());
        let Some(negotiator) = negotiator else { return Err(Unacceptable::NoMedia) };
        let body = match request.sdp_body() {
            Some(offer) => {
                let (body, agreed) = negotiator.answer(offer)?;
                self.record.remote_sdp = offer.to_vec();
                self.agree(at, agreed);
                body
            }
            None if request.method() == Method::Invite => negotiator.offer(),
            None => return Ok(Vec::new()),
        };
        self.record.local_sdp.clone_from(&body);
        Ok(body)
    }

    /// RFC 3261 §12.2.2
    fn move_target(&mut self, request: &Message<'_>, at: usize) {
        let Some(leg) = self.legs.get_mut(at) else { return };
        if request.header(HeaderName::Allow).is_some() {
            leg.takes_update = request.values(HeaderName::Allow).any(|method| method == b"UPDATE");
        }
        let Some(dialog) = &mut leg.dialog else { return };
        let before = dialog.target().to_owned();
        // What cannot be taken leaves the target as it was.
        let _ = dialog.refresh_target(request);
        if dialog.target() != before {
            leg.hop = super::ways::Hop::Unknown;
        }
    }

    /// Composes the answer, and starts the transaction that repeats it.
    fn respond(&mut self, request: &Message<'_>, leg: Option<usize>, answer: Answer, source: Source) {
        let Source { way, from, now } = source;
        let Some(line) = self.ways.line(way) else { return };
        let (is_reliable, timers) = (line.protocol.is_reliable(), self.options.timers);
        let to = destination(request, from);
        let to = (!is_reliable && to != line.peer).then_some(to);
        let is_invite = request.method() == Method::Invite;
        let mut bytes = Vec::new();
        let mut reply = Reply::to(request, from, answer.status, None, &self.draft.from_tag, &mut bytes);
        if (200..300).contains(&answer.status)
            && matches!(request.method(), Method::Invite | Method::Update)
            && let Some(contact) = self.draft.contact(line)
        {
            reply.field(HeaderName::Contact, contact);
        }
        for (name, value) in &answer.fields {
            reply.field(*name, value);
        }
        if !self.identity.user_agent.is_empty() {
            reply.field(HeaderName::Server, &self.identity.user_agent);
        }
        match answer.body.as_slice() {
            [] => reply.finish(),
            body => reply.finish_with("application/sdp", body),
        }
        let mut server = Server::new(request, is_reliable, timers, now);
        server.respond(bytes.clone(), answer.status, now);
        if self.inbound.len() >= MAX_INBOUND {
            self.inbound.remove(0);
        }
        self.inbound.push(Inbound { server, way, to, branch: request.branch().to_vec(), is_invite });
        if let Some(leg) = leg.filter(|_| is_invite && answer.status == 200) {
            self.accepted.retain(|accepted| accepted.leg != leg);
            self.accepted.push(Accepted {
                leg,
                cseq: request.cseq().map_or(0, |cseq| cseq.number),
                way,
                to,
                bytes,
                offers: request.sdp_body().is_none(),
                resend: now.checked_add(timers.t1),
                pause: timers.t1,
                give_up: now.checked_add(timers.give_up()),
                is_acknowledged: false,
            });
        }
    }

    /// The ACK of our 2xx to a re-INVITE: with the answer, where the 2xx had the offer.
    fn handle_ack(&mut self, request: &Message<'_>) -> bool {
        let Some(leg) = self.owner(request) else { return false };
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let Some(accepted) = self.accepted.iter_mut().find(|a| a.leg == leg && a.cseq == number) else { return false };
        if std::mem::replace(&mut accepted.is_acknowledged, true) {
            return true;
        }
        let offers = accepted.offers;
        self.tell(Event::Request { method: "ACK".to_owned(), status: 0 });
        let negotiator = self.legs.get_mut(leg).and_then(|leg| leg.negotiator.as_mut());
        let Some(negotiator) = negotiator.filter(|_| offers) else { return true };
        match request.sdp_body() {
            Some(answer) => {
                let result = negotiator.conclude(answer);
                self.record.remote_sdp = answer.to_vec();
                match result {
                    Ok(agreed) => self.agree(leg, agreed),
                    Err(why) => self.trouble(Problem::Media(why)),
                }
            }
            None => {
                negotiator.withdraw();
                self.trouble(Problem::Media(Unacceptable::NoMedia));
            }
        }
        true
    }

    /// They hung up. RFC 3261 §15.1.2
    fn left(&mut self, at: usize, request: &Message<'_>, now: Instant) {
        let Some(leg) = self.legs.get_mut(at) else { return };
        let before = std::mem::replace(&mut leg.life, Life::Gone);
        leg.queue.clear();
        for asking in self.asking.iter_mut().filter(|asking| asking.leg == at) {
            // Our BYE that crossed theirs is answered, or is not: the call is over either way.
            asking.is_done = true;
        }
        self.accepted.retain(|accepted| accepted.leg != at);
        if self.record.reason.is_none() {
            self.record.reason = request.header(HeaderName::Reason).map(<[u8]>::to_vec);
        }
        match before {
            Life::Up if self.kept == Some(at) => self.finish(EndedBy::Them, now),
            // RFC 3261 §15: an early dialog that its callee ends. The INVITE is not wanted any more either.
            Life::Early if self.stage == Stage::Inviting => self.cancel(EndedBy::Them, now),
            // Theirs crossed ours.
            Life::Leaving if self.stage == Stage::Leaving => self.all_left(now),
            _ => {}
        }
    }

    /// Lets the timers of what came fire.
    pub(super) fn tend_inbound(&mut self, now: Instant) {
        for inbound in &mut self.inbound {
            inbound.server.handle_timer(now);
        }
        self.inbound.retain(|inbound| !inbound.server.is_terminated());
        let (mut lost, t2) = (None, self.options.timers.t2);
        for accepted in self.accepted.iter_mut().filter(|accepted| accepted.is_waiting()) {
            if accepted.give_up.is_some_and(|by| by <= now) {
                accepted.is_acknowledged = true;
                lost = Some(accepted.leg);
            } else if accepted.resend.is_some_and(|at| at <= now) {
                // RFC 3261 §13.3.1.4: whatever the transport, until the ACK comes.
                accepted.pause = accepted.pause.saturating_mul(2).min(t2);
                accepted.resend = now.checked_add(accepted.pause);
                let Accepted { way, to, ref bytes, .. } = *accepted;
                self.actions.push_back(Action::Send { way, to, bytes: bytes.clone() });
            }
        }
        if lost.is_some() && lost == self.kept {
            // RFC 3261 §13.3.1.4: the dialog is confirmed, but the session is to be ended.
            self.hang_up(EndedBy::Timeout, now);
        }
    }

    /// What the answers have to send.
    pub(super) fn poll_inbound(&mut self) -> Option<Action> {
        self.inbound.iter_mut().find_map(|inbound| {
            let bytes = inbound.server.poll_transmit()?;
            Some(Action::Send { way: inbound.way, to: inbound.to, bytes })
        })
    }
}

/// The method as it is told: escaped where it is none that is known.
fn method_name(request: &Message<'_>) -> String {
    match request.method() {
        Method::Other => {
            let text = request.method_text();
            crate::base::Safe(text.get(..32).unwrap_or(text)).to_string()
        }
        known => known.text().to_owned(),
    }
}
