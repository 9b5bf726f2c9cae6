//! What is asked inside a dialog on one leg is asked on the other, and its answer goes back. RFC 3261 §12.2

use super::call::{Acknowledged, Crossing, Outbound, Purpose, dialog_key, with};
use super::compose::{self, Onward};
use super::outward::accepted;
use super::{B2bua, Ignored, MOST_CROSSINGS, Pending, own, request_out};
use crate::agent::Draft;
use crate::driver::endpoint::Handled;
use crate::driver::endpoint::router::{Place, target};
use crate::driver::media::Side;
use crate::sip::{Address, HeaderName, Message, Method};
use crate::transport::listener::Way;
use std::time::Instant;

impl B2bua {
    /// A request inside a dialog that was not seen before.
    pub(super) fn inside(&mut self, request: &Message<'_>, way: &Way, key: Vec<u8>, now: Instant) -> Handled {
        let dialog = dialog_key(request.call_id(), request.to_tag(), request.from_tag());
        let Some(&(id, at, side)) = self.dialogs.get(&dialog) else {
            return self.refuse(request, way, 481, None, now);
        };
        let method = request.method();
        let number = request.cseq().map_or(0, |c| c.number);
        let Some(pair) = self.calls.get_mut(&id).and_then(|call| call.pairs.get_mut(at)) else {
            return self.refuse(request, way, 481, None, now);
        };
        if pair.leg(side).is_over {
            // A BYE of ours has crossed this one: both are right. RFC 3261 §15.1.2
            let status = if method == Method::Bye { 200 } else { 481 };
            return self.refuse(request, way, status, None, now);
        }
        if !pair.leg(side).dialog.handle_request(number) {
            return self.refuse(request, way, 500, Some("Server Internal Error (CSeq is not above the last one)"), now);
        }
        if let Some(status) = self.glare(id, at, side, method) {
            return self.refuse(request, way, status, None, now);
        }
        let inbound = self.take(request, way, key.clone(), now);
        let number = self.small_number();
        self.servers.insert(key, (id, number));
        let crossing = Crossing { number, pair: at, from: side, inbound, patience: None };
        let Some(call) = self.calls.get_mut(&id) else { return Handled::Waiting };
        call.crossings.push(crossing);
        if let (Method::Invite | Method::Update, Some(pair)) = (method, call.pairs.get_mut(at)) {
            // A Contact that cannot be taken leaves the target as it was.
            let _ = pair.leg(side).dialog.refresh_target(request);
        }
        match method {
            Method::Bye => self.bye(id, number, now),
            _ => self.cross(id, number, now),
        }
        self.after(id, now);
        Handled::Waiting
    }

    /// What forbids a request now. RFC 3261 §14.2
    fn glare(&self, id: u64, at: usize, side: Side, method: Method) -> Option<u16> {
        let call = self.calls.get(&id)?;
        if call.crossings.iter().filter(|c| !c.inbound.answered).count() >= MOST_CROSSINGS {
            return Some(503);
        }
        if method != Method::Invite {
            return None;
        }
        if call.pairs.get(at).is_some_and(|p| !p.is_confirmed) {
            return Some(491);
        }
        let of_pair = |c: &&Crossing| c.pair == at && c.inbound.method == Method::Invite && !c.inbound.answered;
        let unanswered = call.crossings.iter().find(of_pair).map(|c| c.from);
        let unacknowledged = call.accepted.iter().find(|a| a.pair == at).map(|a| a.asker);
        match unanswered.or(unacknowledged) {
            Some(from) if from == side && unanswered.is_some() => Some(500),
            Some(from) if from != side => Some(491),
            _ => None,
        }
    }

    /// Sends a crossing on to the other leg.
    pub(super) fn cross(&mut self, id: u64, number: usize, now: Instant) {
        let out = self.small_number();
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(crossing) = call.crossings.iter().find(|c| c.number == number) else { return };
        let Some(pair) = call.pairs.get_mut(crossing.pair) else { return };
        let (from, method) = (crossing.from, crossing.inbound.method);
        let onto = pair.leg(from.other());
        let draft = with(&crossing.inbound.request, |request| compose::inside(&mut onto.dialog, request));
        let place = place_of(&draft, &onto.way);
        let asked = with(&crossing.inbound.request, |request| request.cseq().map_or(0, |c| c.number));
        if method == Method::Invite {
            pair.leg(from).invite = (asked, draft.cseq);
        }
        call.outs.push(Outbound::new(out, Purpose::Crossing(number), draft));
        if !place.is_some_and(|place| self.ask(Pending::Out(id, out), place)) {
            self.out_failed(id, out, 503, now);
        }
    }

    /// The other leg has answered.
    pub(super) fn crossing_answered(
        &mut self,
        id: u64,
        number: usize,
        response: &Message<'_>,
        is_first: bool,
        now: Instant,
    ) {
        let status = response.status().unwrap_or_default();
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(crossing) = call.crossings.iter().find(|c| c.number == number) else { return };
        let (at, from, method) = (crossing.pair, crossing.from, crossing.inbound.method);
        if crossing.inbound.answered || !is_first {
            if method == Method::Invite && (200..300).contains(&status) {
                self.repeat_ack(id, at, from.other(), response, now);
            }
            return;
        }
        if status == 100 {
            return;
        }
        if method == Method::Bye && status >= 200 {
            return self.bye_answered(id, number, response, status, now);
        }
        let is_offer = matches!(method, Method::Invite | Method::Update);
        if is_offer
            && (200..300).contains(&status)
            && let Some(pair) = call.pairs.get_mut(at)
        {
            // As above.
            let _ = pair.leg(from.other()).dialog.refresh_target(response);
        }
        self.answer_crossing(id, number, response, now);
        if is_offer && (200..300).contains(&status) {
            self.note_expiry(id, response, now);
        }
        // RFC 3261 §12.2.1.2: the dialog is over, and so is the call.
        if is_offer && matches!(status, 408 | 481) {
            self.end_pair(id, at, now);
        }
    }

    /// Gives who asked the answer of the other leg.
    pub(super) fn answer_crossing(&mut self, id: u64, number: usize, response: &Message<'_>, now: Instant) {
        let Some(mut call) = self.calls.remove(&id) else { return };
        let status = response.status().unwrap_or_default();
        if let Some(at) = call.crossings.iter().position(|c| c.number == number) {
            let out = call.outs.iter().find(|o| matches!(o.purpose, Purpose::Crossing(n) if n == number));
            let other = out.and_then(|o| o.sent.as_ref()).map(|(_, way)| *way);
            let (from, way) =
                call.crossings.get(at).map_or((Side::Caller, call.inbound.way), |c| (c.from, c.inbound.way));
            let other = other.unwrap_or(way);
            let ways = if from == Side::Caller { (way, other) } else { (other, way) };
            let body = self.body(&mut call, from.other(), response, ways);
            let others = self.others(response, &other, &way, now);
            let style = self.style();
            if let Some(crossing) = call.crossings.get_mut(at) {
                let bytes = with(&crossing.inbound.request, |m| style.response(m, &way, response, "", &body, &others));
                if crossing.inbound.method == Method::Invite && (200..300).contains(&status) {
                    let cseq = call.pairs.get_mut(crossing.pair).map_or((0, 0), |p| p.leg(from).invite);
                    let t1 = self.options.timers.t1;
                    call.accepted.push(accepted(&crossing.inbound, crossing.pair, from, cseq, &bytes, t1, now));
                }
                if own::answer(&mut crossing.inbound, bytes, status, now) {
                    self.tally.answer(crossing.inbound.method, status);
                }
            }
        }
        self.calls.insert(id, call);
    }

    /// The other leg could not be asked, or did not answer.
    pub(super) fn crossing_failed(&mut self, id: u64, number: usize, status: u16, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(crossing) = call.crossings.iter_mut().find(|c| c.number == number) else { return };
        let (at, method) = (crossing.pair, crossing.inbound.method);
        // A call that ends has ended, whatever the other side makes of it.
        let status = if method == Method::Bye { 200 } else { status };
        self.respond_alone(id, number, status, &[], now);
        if let Some(crossing) =
            self.calls.get_mut(&id).and_then(|call| call.crossings.iter_mut().find(|c| c.number == number))
        {
            // RFC 4320 §4.1: a 408 that was not sent is no answer, but none will follow.
            crossing.inbound.answered = true;
        }
        // RFC 3261 §12.2.1.2
        if status == 408 && matches!(method, Method::Invite | Method::Update) {
            self.end_pair(id, at, now);
        }
    }

    /// An ACK. Of a 2xx it goes on to the other leg; of a refusal it ends here.
    pub(super) fn ack(&mut self, ack: &Message<'_>, key: &[u8], now: Instant) -> Handled {
        let dialog = dialog_key(ack.call_id(), ack.to_tag(), ack.from_tag());
        let number = ack.cseq().map_or(0, |c| c.number);
        if let Some(&(id, at, side)) = self.dialogs.get(&dialog)
            && let Some(call) = self.calls.get_mut(&id)
            && let Some(n) = call.accepted.iter().position(|a| a.pair == at && a.asker == side && a.cseq.0 == number)
        {
            let accepted = call.accepted.remove(n);
            let other_is_over = call.pairs.get_mut(at).is_none_or(|p| p.leg(side.other()).is_over);
            if !other_is_over {
                self.ask_ack(id, at, side.other(), accepted.cseq.1, Some(ack.bytes.to_vec()));
            }
            let ends = self.calls.get_mut(&id).and_then(|call| call.pairs.get(at)).is_some_and(|p| p.ends_after_ack);
            if ends {
                self.end_pair(id, at, now);
            }
            self.after(id, now);
            return Handled::Waiting;
        }
        if let Some(&(id, number)) = self.servers.get(key) {
            if let Some(inbound) = self.calls.get_mut(&id).and_then(|call| super::inbound(call, number)) {
                inbound.server.handle_message(ack, now);
            }
            self.after(id, now);
            return Handled::Waiting;
        }
        self.ignore(Ignored::Ack)
    }

    /// Asks where the ACK of a 2xx goes.
    pub(super) fn ask_ack(&mut self, id: u64, at: usize, side: Side, cseq: u32, source: Option<Vec<u8>>) {
        let Some(pair) = self.calls.get_mut(&id).and_then(|call| call.pairs.get_mut(at)) else { return };
        let leg = pair.leg(side);
        if let Some(place) = place_of(&leg.dialog.ack(cseq), &leg.way) {
            // Where too much is asked, the 2xx comes again.
            let _ = self.ask(Pending::Ack { call: id, pair: at, side, cseq, source }, place);
        }
    }

    /// The ACK goes out. RFC 3261 §13.2.2.4
    #[allow(clippy::too_many_arguments)]
    pub(super) fn send_ack(
        &mut self,
        id: u64,
        at: usize,
        side: Side,
        cseq: u32,
        source: Option<&[u8]>,
        way: Way,
        now: Instant,
    ) {
        let Some(mut call) = self.calls.remove(&id) else { return };
        let name = format!("z9hG4bK{}", self.entropy.token());
        let other_way = call.pairs.get_mut(at).map(|p| p.leg(side.other()).way);
        let ways = match (side, other_way.unwrap_or(way)) {
            (Side::Callee, other) => (other, way),
            (Side::Caller, other) => (way, other),
        };
        let body = source.map(|bytes| with(bytes, |m| self.body(&mut call, side.other(), m, ways))).unwrap_or_default();
        let style = self.style();
        if let Some(pair) = call.pairs.get_mut(at) {
            let leg = pair.leg(side);
            let draft = leg.dialog.ack(cseq);
            let from = leg.dialog.local().to_owned();
            let composed = |source: Option<&Message<'_>>| {
                let max_forwards = source.map_or(70, compose::max_forwards);
                let draft = Draft { max_forwards, ..draft.clone() };
                let onward = Onward {
                    draft: &draft,
                    from: &from,
                    source,
                    body: &body,
                    rack: None,
                    session_id: None,
                    changed: &[],
                };
                style.request(&onward, &way, &name)
            };
            let bytes = match source {
                Some(bytes) => with(bytes, |m| composed(Some(m))),
                None => composed(None),
            };
            leg.acknowledged = Some(Acknowledged { cseq, bytes: bytes.clone(), way });
            self.outbox.push_back(request_out(bytes, way, Method::Ack, None, now));
        }
        self.calls.insert(id, call);
        self.after(id, now);
    }

    /// A 2xx came again: so does its ACK, where it was sent.
    pub(super) fn repeat_ack(&mut self, id: u64, at: usize, side: Side, response: &Message<'_>, now: Instant) {
        let cseq = response.cseq().map_or(0, |c| c.number);
        let Some(pair) = self.calls.get_mut(&id).and_then(|call| call.pairs.get_mut(at)) else { return };
        if let Some(sent) = pair.leg(side).acknowledged.as_ref().filter(|a| a.cseq == cseq) {
            self.outbox.push_back(request_out(sent.bytes.clone(), sent.way, Method::Ack, None, now));
        }
    }
}

/// Where a request inside a dialog goes: by the connection that the dialog began on, or where its route set or target leads.
pub(super) fn place_of(draft: &Draft, way: &Way) -> Option<Place> {
    let route = draft.fields.iter().find(|(name, _)| *name == HeaderName::Route);
    let uri = route.map_or(draft.uri.as_bytes(), |(_, value)| Address::parse(value.as_bytes()).uri);
    let otherwise = target(uri).ok();
    match (way.connection, otherwise) {
        (0, otherwise) => otherwise.map(Place::Uri),
        (connection, otherwise) => Some(Place::Flow { connection, otherwise }),
    }
}
