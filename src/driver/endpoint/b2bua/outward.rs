//! The leg that is made for a call: where it goes, and what comes back. RFC 3261 §13.2, §13.3

use super::call::{Accepted, Call, Inbound, Leg, Outbound, Pair, Purpose, Refused, dialog_key, with};
use super::compose::{self, bare};
use super::naming::Changed;
use super::{B2bua, Ignored, OLDEST, Pending, REMEMBERED, own};
use crate::agent::{Dialog, Draft};
use crate::driver::endpoint::Handled;
use crate::driver::endpoint::proxy::context::rank;
use crate::driver::endpoint::router::{Onto, target};
use crate::driver::media::Side;
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::client;
use crate::transport::listener::Way;
use std::time::{Duration, Instant};

/// Dialogs that forks of one call may make.
const MOST_PAIRS: usize = 16;
/// Redirections that are followed for one call, and addresses of one that are tried.
const MOST_REDIRECTIONS: usize = 5;
const MOST_CONTACTS: usize = 8;

impl B2bua {
    /// Begins a call, and tries the first group.
    pub(super) fn open(
        &mut self,
        request: &Message<'_>,
        way: &Way,
        key: Vec<u8>,
        mut groups: Vec<Vec<Onto>>,
        now: Instant,
    ) -> Handled {
        let tag = self.entropy.token();
        let (Some(from), Some(_)) = (bare(request.text(request.outline.from)), request.cseq()) else {
            return self.refuse(request, way, 400, Some("Bad Request (From or CSeq cannot be read)"), now);
        };
        let is_invite = request.method() == Method::Invite;
        if is_invite && Dialog::callee(request, &tag).is_err() {
            return self.refuse(request, way, 400, Some("Bad Request (no Contact that could be reached)"), now);
        }
        let id = self.number();
        let begun = self.begun(request, now);
        groups.reverse();
        let mut inbound = self.take(request, way, key.clone(), now);
        if is_invite {
            // RFC 3261 §17.2.1
            inbound.server.respond(self.style().own_response(request, way, 100, "", &[]), 100, now);
        }
        let call = Call {
            id,
            inbound,
            tag,
            call_id: begun.call_id,
            cseq: begun.cseq,
            from: format!("{from};tag={}", begun.from_tag),
            from_tag: begun.from_tag,
            session_id: begun.session_id,
            outs: Vec::new(),
            later: groups,
            best: None,
            pairs: Vec::new(),
            crossings: Vec::new(),
            accepted: Vec::new(),
            winner: None,
            is_cancelled: false,
            redirections: 0,
            expires: now + OLDEST,
            has_media: false,
            due: None,
        };
        self.calls.insert(id, call);
        self.servers.insert(key, (id, 0));
        self.next_group(id, now);
        self.after(id, now);
        Handled::Waiting
    }

    /// Call-ID, tag and number of a leg: those of the try before where this is the next one, as the same call with a higher number
    /// tells. RFC 3261 §8.1.3.5
    fn begun(&mut self, request: &Message<'_>, now: Instant) -> Refused {
        let earlier = self.refused.remove(&caller_key(request)).filter(|r| now < r.at + REMEMBERED);
        if let Some(earlier) = earlier {
            return Refused { cseq: earlier.cseq.saturating_add(1), ..earlier };
        }
        let has_own = request.header(HeaderName::SessionId).is_some();
        let mut two = || [self.entropy.token(), self.entropy.token()].concat();
        Refused {
            call_id: two(),
            session_id: (!has_own).then(|| format!("{};remote={}", two(), "0".repeat(32))),
            from_tag: self.entropy.token(),
            cseq: 1,
            at: now,
        }
    }

    /// Tries all of the group that is next.
    pub(super) fn next_group(&mut self, id: u64, now: Instant) {
        let Some(group) = self.calls.get_mut(&id).and_then(|call| call.later.pop()) else { return };
        for onto in group {
            let number = self.small_number();
            let Some(call) = self.calls.get_mut(&id) else { return };
            let place = onto.place.clone();
            let draft = with(&call.inbound.request, |request| beginning(request, call, &onto));
            call.outs.push(Outbound::new(number, Purpose::Branch, draft));
            if !self.ask(Pending::Out(id, number), place) {
                self.out_failed(id, number, 503, now);
            }
        }
    }

    /// It is known where an outbound request goes.
    pub(super) fn send_out(&mut self, id: u64, number: usize, way: Way, now: Instant) {
        let changed = self.changed(id, number, &way, now);
        let Some(mut call) = self.calls.remove(&id) else { return };
        if let Some(at) = call.outs.iter().position(|o| o.number == number && o.status.is_none()) {
            let name = format!("z9hG4bK{}", self.entropy.token());
            let bytes = self.composed(&mut call, at, &way, &name, &changed);
            let timers = self.options.timers;
            if let Some(out) = call.outs.get_mut(at) {
                out.send(bytes, way, timers, now);
            }
            self.clients.insert(name.into_bytes(), (id, number));
        }
        self.calls.insert(id, call);
        self.after(id, now);
    }

    /// An outbound request ended without a response.
    pub(super) fn out_failed(&mut self, id: u64, number: usize, status: u16, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(out) = call.outs.iter_mut().find(|o| o.number == number && o.status.is_none()) else { return };
        out.status = Some(status);
        match out.purpose {
            Purpose::Branch => {
                if call.best.as_ref().is_none_or(|(best, _)| rank(status) < rank(*best)) {
                    call.best = Some((status, Vec::new()));
                }
                self.settle(id, now);
            }
            Purpose::Crossing(crossing) => self.crossing_failed(id, crossing, status, now),
            Purpose::Bye => {}
        }
        self.after(id, now);
    }

    /// A response. RFC 3261 §17.1.3
    pub(super) fn response(&mut self, response: &Message<'_>, now: Instant) -> Handled {
        let Some(&(id, number)) = self.clients.get(response.branch()) else { return self.ignore(Ignored::Response) };
        let timers = self.options.timers;
        let out = self.calls.get_mut(&id).and_then(|call| call.outs.iter_mut().find(|o| o.number == number));
        let Some(out) = out else { return self.ignore(Ignored::Response) };
        if response.method() == Method::Cancel && out.method != Method::Cancel {
            if let Some(cancel) = &mut out.cancel {
                // What it says changes nothing: the INVITE has its own answer.
                let _ = cancel.handle_message(response, now);
            }
            self.after(id, now);
            return Handled::Waiting;
        }
        let Some((client, _)) = &mut out.sent else { return self.ignore(Ignored::Response) };
        let Ok(event) = client.handle_message(response, now) else {
            self.after(id, now);
            return Handled::Waiting;
        };
        let status = response.status().unwrap_or_default();
        let is_first = out.status.is_none();
        if event == client::Event::Provisional {
            out.proceed(status, timers, now);
        } else {
            out.status.get_or_insert(status);
        }
        match (out.purpose, event) {
            (_, client::Event::Timeout) | (Purpose::Bye, _) => {}
            (Purpose::Branch, client::Event::Provisional) => self.early(id, number, response, status, now),
            (Purpose::Branch, client::Event::Final) => self.branch_ended(id, number, response, status, now),
            (Purpose::Crossing(crossing), _) => self.crossing_answered(id, crossing, response, is_first, now),
        }
        self.after(id, now);
        Handled::Waiting
    }

    /// A provisional response goes to the caller, in an early dialog of its own where it makes one. RFC 3261 §13.2.2.1
    fn early(&mut self, id: u64, number: usize, response: &Message<'_>, status: u16, now: Instant) {
        let is_awaited = self.calls.get(&id).is_some_and(|call| !call.inbound.answered && !call.is_cancelled);
        if status > 100 && is_awaited {
            let pair = self.pair_of(id, number, response);
            self.back_to_caller(id, pair, number, response, status, now);
        }
    }

    /// A branch has a final response.
    fn branch_ended(&mut self, id: u64, number: usize, response: &Message<'_>, status: u16, now: Instant) {
        let timers = self.options.timers;
        let Some(call) = self.calls.get_mut(&id) else { return };
        if !(200..300).contains(&status) {
            let moves = (300..400).contains(&status) && self.options.follows && !call.is_cancelled;
            if moves && call.redirections < MOST_REDIRECTIONS {
                call.redirections += 1;
                let group: Vec<Onto> = contacts(response);
                if !group.is_empty() {
                    call.later.extend(group.into_iter().rev().map(|onto| vec![onto]));
                    return self.settle(id, now);
                }
            }
            if call.best.as_ref().is_none_or(|(best, _)| rank(status) < rank(*best)) {
                call.best = Some((status, response.bytes.to_vec()));
            }
            return self.settle(id, now);
        }
        if call.inbound.method != Method::Invite {
            return self.back_to_caller(id, None, number, response, status, now);
        }
        let pair = self.pair_of(id, number, response);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let is_winner = pair.is_some() && call.winner == pair;
        if is_winner {
            // Its ACK was lost, or is still on its way from the caller.
            return self.repeat_ack(id, pair.unwrap_or_default(), Side::Callee, response, now);
        }
        let Some(pair) = pair else {
            // A 2xx without Contact: there is nobody to send an ACK to.
            return self.respond_alone(id, 0, 502, &[], now);
        };
        if let Some(callee) = call.pairs.get_mut(pair) {
            // The route set is that of this response; one that cannot be taken leaves the early one.
            let _ = callee.callee.dialog.confirm(response);
            callee.is_confirmed = true;
        }
        if call.inbound.answered || call.is_cancelled {
            return self.stray(id, pair, response, now);
        }
        call.winner = Some(pair);
        call.later.clear();
        for out in call.outs.iter_mut().filter(|o| o.number != number) {
            out.cancel(timers, now);
        }
        self.back_to_caller(id, Some(pair), number, response, status, now);
        self.note_expiry(id, response, now);
    }

    /// A 2xx that nobody waits for any more: acknowledged and ended here. RFC 3261 §13.2.2.4
    fn stray(&mut self, id: u64, pair: usize, response: &Message<'_>, now: Instant) {
        let cseq = response.cseq().map_or(0, |c| c.number);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(leg) = call.pairs.get_mut(pair).map(|p| &mut p.callee) else { return };
        if leg.is_over {
            return self.repeat_ack(id, pair, Side::Callee, response, now);
        }
        self.ask_ack(id, pair, Side::Callee, cseq, None);
        self.end_pair(id, pair, now);
    }

    /// The pair of dialogs that a response belongs to, made where it makes one.
    fn pair_of(&mut self, id: u64, number: usize, response: &Message<'_>) -> Option<usize> {
        let call = self.calls.get_mut(&id)?;
        let known = call.pairs.iter().position(|p| p.branch == number && p.callee.dialog.owns(response));
        if known.is_some() || response.to_tag().is_empty() || call.inbound.method != Method::Invite {
            return known;
        }
        let room = call.pairs.len() < MOST_PAIRS;
        let callee = Dialog::caller(response).ok().filter(|_| room)?;
        let tag = if call.pairs.is_empty() { call.tag.clone() } else { self.entropy.token() };
        let (caller, caller_key, cseq) = with(&call.inbound.request, |invite| {
            let key = dialog_key(invite.call_id(), tag.as_bytes(), invite.from_tag());
            (Dialog::callee(invite, &tag).ok(), key, invite.cseq().map_or(0, |c| c.number))
        });
        let way = call.outs.iter().find(|o| o.number == number)?.sent.as_ref()?.1;
        let callee_key = dialog_key(call.call_id.as_bytes(), call.from_tag.as_bytes(), response.to_tag());
        let pair = call.pairs.len();
        let leg = |dialog: Dialog, way: Way, key: Vec<u8>, invite: (u32, u32)| Leg {
            dialog,
            way,
            key,
            is_over: false,
            acknowledged: None,
            invite,
        };
        self.dialogs.insert(caller_key.clone(), (id, pair, Side::Caller));
        self.dialogs.insert(callee_key.clone(), (id, pair, Side::Callee));
        call.pairs.push(Pair {
            tag,
            branch: number,
            caller: leg(caller?, call.inbound.way, caller_key, (cseq, call.cseq)),
            callee: leg(callee, way, callee_key, (0, 0)),
            is_confirmed: false,
            ends_after_ack: false,
        });
        Some(pair)
    }

    /// A response of a branch goes to the caller.
    fn back_to_caller(
        &mut self,
        id: u64,
        pair: Option<usize>,
        number: usize,
        response: &Message<'_>,
        status: u16,
        now: Instant,
    ) {
        let Some(mut call) = self.calls.remove(&id) else { return };
        let way = call.outs.iter().find(|o| o.number == number).and_then(|o| o.sent.as_ref()).map(|(_, way)| *way);
        let inward = call.inbound.way;
        let body = match way {
            Some(way) => self.body(&mut call, Side::Callee, response, (inward, way)),
            None => response.body().to_vec(),
        };
        let others = self.others(response, &way.unwrap_or(inward), &inward, now);
        let tag = pair.and_then(|at| call.pairs.get(at)).map_or(&call.tag, |p| &p.tag);
        let style = self.style();
        let bytes =
            with(&call.inbound.request, |request| style.response(request, &inward, response, tag, &body, &others));
        if let (200..300, Some(pair), Method::Invite) = (status, pair, call.inbound.method) {
            let cseq = call.pairs.get(pair).map_or((0, 1), |p| p.caller.invite);
            call.accepted.push(accepted(&call.inbound, pair, Side::Caller, cseq, &bytes, self.options.timers.t1, now));
        }
        if own::answer(&mut call.inbound, bytes, status, now) {
            self.tally.answer(call.inbound.method, status);
        }
        self.calls.insert(id, call);
    }

    /// When all branches have ended: the next group, or the best refusal goes to the caller.
    pub(super) fn settle(&mut self, id: u64, now: Instant) {
        let Some(call) = self.calls.get_mut(&id).filter(|c| !c.inbound.answered && !c.is_open()) else { return };
        let is_decided = call.best.as_ref().is_some_and(|(best, _)| *best >= 600);
        if !call.later.is_empty() && !is_decided {
            return self.next_group(id, now);
        }
        let (status, response) = call.best.take().unwrap_or((480, Vec::new()));
        let refused = Refused {
            call_id: call.call_id.clone(),
            from_tag: call.from_tag.clone(),
            session_id: call.session_id.clone(),
            cseq: call.cseq,
            at: now,
        };
        let key = with(&call.inbound.request, caller_key);
        // In the order in which they came; that of a try before is gone already.
        let order = i64::try_from(self.next).unwrap_or(i64::MAX);
        let _ = self.refused.touch_or_insert(&key, order, || refused);
        if response.is_empty() {
            self.respond_alone(id, 0, status, &[], now);
            // RFC 4320 §4.1: a request other than INVITE gets no 408; its client has given up.
            if let Some(call) = self.calls.get_mut(&id) {
                call.inbound.answered = true;
            }
            return;
        }
        let number = call.outs.last().map_or(0, |o| o.number);
        with(&response, |response| self.back_to_caller(id, None, number, response, status, now));
    }

    /// The bytes of an outbound request.
    fn composed(&mut self, call: &mut Call, at: usize, way: &Way, branch: &str, changed: &Changed) -> Vec<u8> {
        let Some(Outbound { purpose, .. }) = call.outs.get(at) else { return Vec::new() };
        let (source, from_side, source_way) = match purpose {
            Purpose::Branch => (Some(call.inbound.request.clone()), Side::Caller, call.inbound.way),
            Purpose::Crossing(number) => match call.crossings.iter().find(|c| c.number == *number) {
                Some(c) => (Some(c.inbound.request.clone()), c.from, c.inbound.way),
                None => (None, Side::Caller, *way),
            },
            Purpose::Bye => (None, Side::Caller, *way),
        };
        let Some(source) = source else { return self.composed_of(call, at, None, (&[], changed), way, branch) };
        let ways = if from_side == Side::Caller { (source_way, *way) } else { (*way, source_way) };
        let body = with(&source, |m| self.body(call, from_side, m, ways));
        with(&source, |m| self.composed_of(call, at, Some(m), (&body, changed), way, branch))
    }

    fn composed_of(
        &self,
        call: &Call,
        at: usize,
        source: Option<&Message<'_>>,
        (body, changed): (&[u8], &Changed),
        way: &Way,
        branch: &str,
    ) -> Vec<u8> {
        let Some(out) = call.outs.get(at) else { return Vec::new() };
        let crossing = match out.purpose {
            Purpose::Crossing(number) => call.crossings.iter().find(|c| c.number == number),
            _ => None,
        };
        let pair = crossing.and_then(|c| Some((call.pairs.get(c.pair)?, c.from)));
        let (from, goes_out, onto) = match (&out.purpose, pair) {
            (Purpose::Branch, _) => (self.begun_by(call, way), true, 0),
            (_, Some((pair, Side::Caller))) => (pair.callee.dialog.local().to_owned(), true, pair.caller.invite.1),
            (_, Some((pair, Side::Callee))) => (pair.caller.dialog.local().to_owned(), false, pair.callee.invite.1),
            (_, None) => (self.own_from(call, out), false, 0),
        };
        let rack = source.and_then(|m| m.header(HeaderName::RAck)).and_then(|value| compose::rack(value, onto));
        let lacks = source.is_some_and(|m| m.header(HeaderName::SessionId).is_none());
        let session_id = call.session_id.clone().filter(|_| goes_out && lacks);
        let onward = compose::Onward { draft: &out.draft, from: &from, source, body, rack, session_id, changed };
        self.style().request(&onward, way, branch)
    }

    /// From of a leg that begins: an address that tells where the caller is stays hidden where that is wanted.
    fn begun_by(&self, call: &Call, way: &Way) -> String {
        let host = crate::sip::Address::parse(call.from.as_bytes()).uri().host;
        let is_address = crate::sip::uri::ip_of(host).is_some();
        let Some(host) = std::str::from_utf8(host).ok().filter(|_| self.options.hides && is_address) else {
            return call.from.clone();
        };
        let own = match self.router.identity.sent_by(way).ip() {
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        call.from
            .rsplit_once(host)
            .map_or_else(|| call.from.clone(), |(before, behind)| [before, &own, behind].concat())
    }

    /// From of a BYE of our own.
    fn own_from(&self, call: &Call, out: &Outbound) -> String {
        let legs = call.pairs.iter().flat_map(|p| [&p.caller.dialog, &p.callee.dialog]);
        let of = |d: &&Dialog| d.call_id() == out.draft.call_id && d.local_tag() == out.draft.from_tag;
        legs.into_iter().find(of).map_or_else(|| call.from.clone(), |d| d.local().to_owned())
    }
}

/// What the tries of one call have in common.
fn caller_key(request: &Message<'_>) -> Vec<u8> {
    [request.call_id(), request.from_tag()].join(&0)
}

/// What begins a leg: RFC 3261 §8.1.1, with the Request-URI and the routes of its way.
fn beginning(request: &Message<'_>, call: &Call, onto: &Onto) -> Draft {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all: Vec<&[u8]> = request.values(HeaderName::Route).collect();
    let left = all.get(onto.routes_off..all.len().saturating_sub(onto.routes_off_end)).unwrap_or_default();
    let routes = onto.routes_on.iter().map(Vec::as_slice).chain(left.iter().copied()).chain(onto.route_last.as_deref());
    let to = bare(request.text(request.outline.to));
    Draft {
        method: text(request.method_text()),
        uri: text(&onto.uri),
        to: to.unwrap_or_else(|| format!("<{}>", text(&onto.uri))),
        from_tag: call.from_tag.clone(),
        call_id: call.call_id.clone(),
        cseq: call.cseq,
        max_forwards: compose::max_forwards(request),
        contact_user: None,
        contact_params: String::new(),
        fields: routes.map(|route| (HeaderName::Route, text(route))).collect(),
        content_type: String::new(),
        body: Vec::new(),
    }
}

/// Where a redirection leads, in order of preference. RFC 3261 §8.1.3.4
fn contacts(response: &Message<'_>) -> Vec<Onto> {
    let mut all: Vec<(u32, Onto)> = Vec::new();
    for value in response.values(HeaderName::Contact).take(MOST_CONTACTS) {
        let contact = crate::sip::Address::parse(value);
        let Ok(place) = target(contact.uri) else { continue };
        let q = contact.param("q").and_then(|q| std::str::from_utf8(q.value?).ok()?.parse::<f32>().ok());
        let uri = contact.uri.split(|&b| b == b'?').next().unwrap_or_default().to_vec();
        let preference = (q.unwrap_or(1.0).clamp(0.0, 1.0) * 1000.0) as u32;
        all.push((preference, Onto::directly(uri, place)));
    }
    all.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
    all.into_iter().map(|(_, onto)| onto).collect()
}

/// A 2xx to an INVITE that has just been given to its transaction.
pub(super) fn accepted(
    inbound: &Inbound,
    pair: usize,
    asker: Side,
    cseq: (u32, u32),
    bytes: &[u8],
    t1: Duration,
    now: Instant,
) -> Accepted {
    Accepted {
        pair,
        asker,
        cseq,
        bytes: bytes.to_vec(),
        back: inbound.back,
        line: inbound.line.clone(),
        since: inbound.since,
        next: now + t1,
        pause: t1,
        end: now + t1 * 64,
    }
}
