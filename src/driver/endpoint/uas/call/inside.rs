//! What comes inside the dialog of a call. RFC 3261 §12.2.2

use super::asking::lists_update;
use super::repeating::{Accepted, Repeating};
use super::{ALLOW, Call, SUPPORTED, State, warning};
use crate::driver::endpoint::Arrival;
use crate::driver::endpoint::uas::Plan;
use crate::driver::endpoint::uas::calls::Out;
use crate::media::Negotiator;
use crate::media::negotiator::Unacceptable;
use crate::sip::{HeaderName, Message, Method, Reply};
use std::time::Instant;

impl Call {
    /// Whether the request is no older than those before. RFC 3261 §12.2.2
    pub(in crate::driver::endpoint::uas) fn is_in_order(&mut self, request: &Message<'_>) -> bool {
        self.dialog.handle_request(request.cseq().map_or(0, |c| c.number))
    }

    /// A BYE came. RFC 3261 §15.1.2
    pub(in crate::driver::endpoint::uas) fn left(&mut self, out: &mut Out) {
        self.refuse(487, &[], out);
        self.state = State::Over;
    }

    /// A PRACK came: whether it acknowledges what we sent. RFC 3262 §3
    ///
    /// Where early media was described and it is to ring, too, the 180 follows as soon as the 183 is known to be there: no
    /// second reliable response goes out before the first is acknowledged.
    pub(in crate::driver::endpoint::uas) fn prack(&mut self, request: &Message<'_>, plan: &Plan, now: Instant) -> bool {
        let mut words = request.header(HeaderName::RAck).unwrap_or_default().split(u8::is_ascii_whitespace);
        let mut number = || std::str::from_utf8(words.next()?).ok()?.parse::<u32>().ok();
        let (rseq, cseq) = (number(), number());
        let cseq_fits = cseq == Some(self.invite_cseq);
        let Some(done) = self.reliable.take_if(|r| Some(r.number) == rseq && cseq_fits) else { return false };
        if done.status == 183 && !plan.ring.is_zero() {
            self.rings_again_at = Some(now);
        }
        true
    }

    /// Takes the description of a PRACK: the answer to our offer, or a further offer, whose answer is the body of the 2xx.
    /// RFC 3262 §5
    pub(in crate::driver::endpoint::uas) fn take_description(
        &mut self,
        prack: &Message<'_>,
        plan: &Plan,
        out: &mut Out,
    ) -> Option<Vec<u8>> {
        let negotiator = self.negotiator.as_mut().filter(|_| self.is_described)?;
        let (body, agreed) = if negotiator.has_offered() {
            match prack.sdp_body().map_or(Err(Unacceptable::NoMedia), |answer| negotiator.conclude(answer)) {
                Ok(agreed) => (None, Some(agreed)),
                Err(why) => {
                    self.refuse(488, &[(HeaderName::Warning, warning(why))], out);
                    return None;
                }
            }
        } else {
            let offer = prack.sdp_body()?;
            match negotiator.answer(offer) {
                Ok((body, agreed)) => (Some(body), Some(agreed)),
                // RFC 3262 §3: a PRACK that fits is answered with 2xx. What it offers is refused in the description.
                Err(_) => (Some(negotiator.refuse(offer)), None),
            }
        };
        self.is_settled = true;
        if let Some(agreed) = agreed.filter(|_| plan.early_media) {
            self.agree(agreed, out);
        }
        body
    }

    /// Whether the offer of a re-INVITE or an UPDATE can be taken now; else what is answered. RFC 3261 §14.2, RFC 3311 §5.2
    pub(in crate::driver::endpoint::uas) fn is_open_to(&self, request: &Message<'_>) -> Result<(), u16> {
        let method = request.method();
        let offering = self.negotiator.as_ref().is_none_or(Negotiator::has_offered);
        match self.state {
            State::Leaving | State::Over => Err(481),
            // It refreshes the target, and offers nothing that could meet another offer.
            _ if method == Method::Update && request.sdp_body().is_none() => Ok(()),
            State::Up if offering => Err(491),
            State::Up if method == Method::Invite && self.accepted.is_some() => Err(491),
            // What the INVITE offered is answered once the answer cannot get lost.
            State::Waiting if method == Method::Update && !offering && self.is_described => Ok(()),
            State::Up => Ok(()),
            State::Opening | State::Waiting => Err(500),
        }
    }

    /// Takes an offer inside the dialog, and gives the body of the answer; ours where there is none in an INVITE.
    pub(in crate::driver::endpoint::uas) fn renegotiate(
        &mut self,
        request: &Message<'_>,
        out: &mut Out,
    ) -> Result<Option<Vec<u8>>, Unacceptable> {
        let Some(negotiator) = &mut self.negotiator else { return Ok(None) };
        match request.sdp_body() {
            Some(offer) => {
                let (body, agreed) = negotiator.answer(offer)?;
                self.is_settled = true;
                self.agree(agreed, out);
                Ok(Some(body))
            }
            None if request.method() == Method::Invite => Ok(Some(negotiator.offer())),
            None => Ok(None),
        }
    }

    /// A target refresh was answered with this. RFC 3261 §12.2.2
    pub(in crate::driver::endpoint::uas) fn refreshed(&mut self, arrival: &Arrival<'_>, plan: &Plan, response: &[u8]) {
        let request = arrival.request;
        // A Contact that cannot be taken leaves the target as it was.
        let _ = self.dialog.refresh_target(request);
        if request.header(HeaderName::Allow).is_some() {
            self.takes_update = lists_update(request);
        }
        if request.method() == Method::Invite {
            let repeating = Repeating::new(response.to_vec(), 200, arrival.back, plan, arrival.now);
            let offers = request.sdp_body().is_none();
            self.accepted = Some(Accepted { repeating, cseq: request.cseq().map_or(0, |c| c.number), offers });
        }
    }

    /// Takes what a re-INVITE or UPDATE says of the session's time; before the answer there is no session yet, and the INVITE
    /// says it. RFC 4028 §9
    pub(in crate::driver::endpoint::uas) fn keep_time(&mut self, request: &Message<'_>, now: Instant) {
        if self.state == State::Up {
            // What asks for too little was refused.
            let _ = self.timer.handle_request(request, now);
        }
    }

    /// The header fields of a 2xx to an INVITE or UPDATE.
    pub(in crate::driver::endpoint::uas) fn describe(&self, reply: &mut Reply<'_>) {
        reply.field(HeaderName::Contact, self.contact());
        reply.field(HeaderName::Allow, ALLOW).field(HeaderName::Supported, SUPPORTED);
        if let Some((value, is_required)) = self.timer.of_response() {
            reply.field(HeaderName::SessionExpires, value);
            if is_required {
                reply.field(HeaderName::Require, "timer");
            }
        }
    }
}
