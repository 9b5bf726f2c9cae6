//! Both legs end together: BYE, CANCEL, what nobody acknowledges, and what is over. RFC 3261 §9, §15

use super::call::{Outbound, Purpose};
use super::inside::place_of;
use super::{B2bua, Pending};
use crate::driver::endpoint::Handled;
use crate::driver::media::Side;
use crate::sip::Message;
use crate::transport::listener::Way;
use std::time::Instant;

impl B2bua {
    /// A BYE came: that leg is over, and the other is ended.
    pub(super) fn bye(&mut self, id: u64, number: usize, now: Instant) {
        let timers = self.options.timers;
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(crossing) = call.crossings.iter_mut().find(|c| c.number == number) else { return };
        let (at, from) = (crossing.pair, crossing.from);
        // Who ends a call need not wait for the other side to notice.
        crossing.patience = Some(now + timers.t1 * 4);
        let Some(pair) = call.pairs.get_mut(at) else { return };
        pair.leg(from).is_over = true;
        let owes_ack = call.accepted.iter().any(|a| a.pair == at && a.asker == from.other());
        call.accepted.retain(|a| a.pair != at || a.asker != from);
        if owes_ack {
            // RFC 3261 §15: no BYE to who has not confirmed the dialog.
            pair.ends_after_ack = true;
            return self.respond_alone(id, number, 200, &[], now);
        }
        if pair.leg(from.other()).is_over {
            return self.respond_alone(id, number, 200, &[], now);
        }
        let unconfirmed = pair.leg(from).invite;
        let is_unacknowledged = pair.is_confirmed
            && unconfirmed.1 > 0
            && pair.leg(from.other()).acknowledged.as_ref().is_none_or(|a| a.cseq != unconfirmed.1);
        pair.leg(from.other()).is_over = true;
        if is_unacknowledged && from == Side::Caller {
            // Who calls ended the call without an ACK; the other side shall not wait for it.
            self.ask_ack(id, at, Side::Callee, unconfirmed.1, None);
        }
        self.cross(id, number, now);
    }

    /// The other leg has answered a BYE.
    pub(super) fn bye_answered(&mut self, id: u64, number: usize, response: &Message<'_>, status: u16, now: Instant) {
        if matches!(status, 401 | 407) {
            // The other side wants to know who it is that ends the call, and may be told.
            let found = self.calls.get_mut(&id).and_then(|call| {
                let at = call.crossings.iter().find(|c| c.number == number)?.pair;
                call.pairs.get_mut(at)
            });
            if let Some(pair) = found {
                (pair.caller.is_over, pair.callee.is_over) = (false, false);
            }
            return self.answer_crossing(id, number, response, now);
        }
        match status {
            200..300 => self.answer_crossing(id, number, response, now),
            // RFC 3261 §15.1.1: whatever else is said, the session is over.
            _ => self.respond_alone(id, number, 200, &[], now),
        }
    }

    /// A CANCEL: answered here; the INVITE is answered with 487, and what went out for it is cancelled. RFC 3261 §9.2
    pub(super) fn cancelled(&mut self, request: &Message<'_>, way: &Way, key: &[u8], now: Instant) -> Handled {
        let timers = self.options.timers;
        let Some(&(id, number)) = self.servers.get(key) else { return self.refuse(request, way, 481, None, now) };
        let handled = self.refuse(request, way, 200, None, now);
        let Some(call) = self.calls.get_mut(&id) else { return handled };
        if number == 0 && !call.inbound.answered {
            call.is_cancelled = true;
            call.later.clear();
            for out in &mut call.outs {
                out.cancel(timers, now);
            }
            self.respond_alone(id, 0, 487, &[], now);
        } else if let Some(out) =
            call.outs.iter_mut().find(|o| matches!(o.purpose, Purpose::Crossing(n) if n == number))
        {
            out.cancel(timers, now);
        }
        self.after(id, now);
        handled
    }

    /// Ends what of a pair is not over: with a BYE to each side, or, where an ACK is owed, after it.
    pub(super) fn end_pair(&mut self, id: u64, at: usize, now: Instant) {
        for side in [Side::Caller, Side::Callee] {
            self.end_leg(id, at, side, now);
        }
    }

    fn end_leg(&mut self, id: u64, at: usize, side: Side, now: Instant) {
        let number = self.small_number();
        let Some(call) = self.calls.get_mut(&id) else { return };
        // A caller that was never answered with a 2xx has no dialog that a BYE of ours could end. RFC 3261 §15
        let was_answered = side == Side::Callee || call.winner == Some(at);
        let owes_ack = call.accepted.iter().any(|a| a.pair == at && a.asker == side);
        let unacknowledged = call.accepted.iter().find(|a| a.pair == at && a.asker == side.other()).map(|a| a.cseq.1);
        let Some(pair) = call.pairs.get_mut(at) else { return };
        if owes_ack {
            pair.ends_after_ack = true;
            return;
        }
        let leg = pair.leg(side);
        if std::mem::replace(&mut leg.is_over, true) || !was_answered {
            return;
        }
        let draft = leg.dialog.request("BYE");
        let place = place_of(&draft, &leg.way);
        call.outs.push(Outbound::new(number, Purpose::Bye, draft));
        if let Some(cseq) = unacknowledged {
            self.ask_ack(id, at, side, cseq, None);
        }
        if !place.is_some_and(|place| self.ask(Pending::Out(id, number), place)) {
            self.out_failed(id, number, 503, now);
        }
    }

    /// Ends a call as it is right for its state; `status` is what a caller gets who was not answered yet.
    pub(super) fn end_call(&mut self, id: u64, status: u16, now: Instant) {
        let timers = self.options.timers;
        let Some(call) = self.calls.get_mut(&id) else { return };
        if !call.inbound.answered {
            call.is_cancelled = true;
            call.later.clear();
            for out in &mut call.outs {
                out.cancel(timers, now);
            }
            self.respond_alone(id, 0, status, &[], now);
            return;
        }
        let pairs = call.pairs.len();
        for at in 0..pairs {
            let is_up = self.calls.get(&id).and_then(|call| call.pairs.get(at)).is_some_and(|p| p.is_confirmed);
            if is_up {
                self.end_pair(id, at, now);
            }
        }
    }

    /// Answers those who have waited long enough.
    pub(super) fn lose_patience(&mut self, id: u64, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let mut late = Vec::new();
        for crossing in &mut call.crossings {
            if crossing.patience.take_if(|at| *at <= now).is_some() && !crossing.inbound.answered {
                late.push(crossing.number);
            }
        }
        for number in late {
            self.respond_alone(id, number, 200, &[], now);
        }
    }

    /// What was not acknowledged ends. RFC 3261 §13.3.1.4
    pub(super) fn end_unacknowledged(&mut self, id: u64, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let late: Vec<(usize, Side, u32)> =
            call.accepted.iter().filter(|a| a.end <= now).map(|a| (a.pair, a.asker, a.cseq.1)).collect();
        call.accepted.retain(|a| a.end > now);
        for (at, asker, cseq) in late {
            let callee_waits = self
                .calls
                .get_mut(&id)
                .and_then(|call| call.pairs.get_mut(at))
                .is_some_and(|p| !p.leg(asker.other()).is_over);
            if callee_waits {
                self.ask_ack(id, at, asker.other(), cseq, None);
            }
            self.end_pair(id, at, now);
        }
    }

    /// Whether a call has nothing left to be relayed: then its ports are closed.
    pub(super) fn end_media(&mut self, id: u64) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.has_media) else { return };
        let is_up = call.pairs.iter().any(|p| p.is_confirmed && !p.is_over());
        if !call.inbound.answered || is_up {
            return;
        }
        call.has_media = false;
        if let Some(relays) = &mut self.relays {
            self.relayed.extend(relays.end(id));
        }
    }

    /// Whether nothing is left of any call.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.servers.is_empty() && self.clients.is_empty() && self.dialogs.is_empty()
    }
}
