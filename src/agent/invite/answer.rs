//! What comes back for the INVITE: provisional responses with PRACK and early media, and the 2xx with its ACK.
//! RFC 3261 §13.2.2, RFC 3262 §4, RFC 3264

use super::calling::with_message;
use super::leg::{Leg, Life, Session};
use super::wish::Wish;
use super::{Action, EndedBy, Invite, Problem, Stage};
use crate::media::negotiator::Unacceptable;
use crate::sip::{HeaderName, Message};
use std::time::Instant;

impl Leg {
    /// The INVITE came to nothing, and so did its early dialogs.
    pub(super) fn die(&mut self) {
        if self.life == Life::Early {
            self.life = Life::Gone;
        }
    }
}

/// Whether a response is a reliable provisional one: whether it wants a PRACK. RFC 3262 §4
pub(super) fn is_reliable(response: &Message<'_>) -> bool {
    let wants = response.values(HeaderName::Require).any(|tag| tag.eq_ignore_ascii_case(b"100rel"));
    response.status().is_some_and(|status| (101..200).contains(&status)) && wants && rseq(response).is_some()
}

/// RFC 3262 §7.1
fn rseq(response: &Message<'_>) -> Option<u32> {
    let value = response.header(HeaderName::RSeq)?.trim_ascii();
    std::str::from_utf8(value).ok()?.parse().ok().filter(|number| *number > 0)
}

/// The credentials of a request of ours, which the ACK of its 2xx repeats. RFC 3261 §13.2.2.4
pub(super) fn credentials(request: &[u8]) -> Vec<(HeaderName, String)> {
    let names = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    let found = with_message(request, |message| {
        let of = |name| message.headers(name).map(move |value| (name, String::from_utf8_lossy(value).into_owned()));
        names.into_iter().flat_map(of).collect()
    });
    found.unwrap_or_default()
}

/// The extensions that a response demands and that we have not. RFC 3261 §8.1.3.6, §20.32
fn unknown_demands<'a>(response: &Message<'a>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let known = ["100rel", "timer"];
    let is_known = move |tag: &&[u8]| known.iter().any(|known| tag.eq_ignore_ascii_case(known.as_bytes()));
    response.values(HeaderName::Require).filter(move |tag| !is_known(tag)).take(8)
}

impl Invite {
    /// A 1xx came.
    pub(super) fn handle_provisional(&mut self, at: usize, message: &Message<'_>, now: Instant) {
        let status = message.status().unwrap_or_default();
        let Some(calling) = self.callings.get(at) else { return };
        if calling.is_left || self.why.is_some() {
            // RFC 3261 §9.1: now it may be cancelled.
            self.send_cancel(at, now);
        }
        if self.callings.get(at).is_some_and(|calling| calling.is_left) {
            return;
        }
        self.note_trying(status, now);
        let leg = if status == 100 { None } else { self.leg_of(at, message) };
        let Some(leg) = leg else { return self.tell_response(at, message, None) };
        let number = if is_reliable(message) { rseq(message) } else { None };
        if let Some(number) = number
            && !self.is_next_reliable(leg, number)
        {
            return;
        }
        for tag in unknown_demands(message) {
            self.trouble(Problem::BadExtension(tag.to_vec()));
        }
        let has_news = number.is_some() || self.has_first_description(leg, message);
        if self.note_status(leg, status, has_news, now) {
            self.tell_response(at, message, Some(leg));
        }
        let body = self.take_description(leg, message.sdp_body(), number.is_some(), now);
        if let Some(number) = number
            && self.insist(leg, message)
        {
            let cseq = message.cseq().map_or(0, |cseq| cseq.number);
            let rack = format!("{number} {cseq} INVITE");
            self.ask(leg, Wish::Prack { rack, body: body.unwrap_or_default() }, now);
        }
    }

    fn note_trying(&mut self, status: u16, now: Instant) {
        self.record.trying.get_or_insert(now);
        if (180..190).contains(&status) {
            self.record.ringing.get_or_insert(now);
        }
    }

    /// Whether a reliable response is the next of its dialog: one that came before is a repeat, one that comes too early is
    /// not acknowledged, so that it comes again. RFC 3262 §4
    fn is_next_reliable(&mut self, at: usize, number: u32) -> bool {
        let Some(leg) = self.legs.get_mut(at) else { return false };
        if leg.rseq.is_some_and(|last| last.checked_add(1) != Some(number)) {
            return false;
        }
        leg.rseq = Some(number);
        true
    }

    fn has_first_description(&self, at: usize, message: &Message<'_>) -> bool {
        message.sdp_body().is_some() && self.legs.get(at).is_some_and(|leg| leg.session == Session::Open)
    }

    /// Takes a description that came in a response: the answer to our offer, or an offer. `is_firm` where it cannot get lost: in a
    /// 2xx or a reliable response. Gives the body of our answer. RFC 3261 §13.2.1
    fn take_description(&mut self, at: usize, sdp: Option<&[u8]>, is_firm: bool, now: Instant) -> Option<Vec<u8>> {
        let is_late = self.options.is_late_offer;
        let leg = self.legs.get_mut(at)?;
        let negotiator = leg.negotiator.as_mut()?;
        let early = if let Session::Early(body) = &leg.session { Some(body.clone()) } else { None };
        // RFC 3261 §13.2.1: the first description is the answer; those of later responses are ignored.
        let sdp = early.as_deref().or(sdp)?.to_vec();
        let (result, body) = match leg.session {
            Session::Agreed | Session::Failed(_) => return None,
            Session::Early(_) if !is_firm => return None,
            // An offer comes only where it cannot get lost. RFC 3261 §13.2.1
            Session::Open if is_late && !is_firm => return None,
            Session::Open if is_late => match negotiator.answer(&sdp) {
                Ok((body, agreed)) => (Ok(agreed), Some(body)),
                Err(why) => (Err(why), Some(negotiator.refuse(&sdp))),
            },
            // What may get lost leaves the offer open: nothing further may be offered until the answer is sure.
            Session::Open if !is_firm => (negotiator.clone().conclude(&sdp), None),
            Session::Open | Session::Early(_) => (negotiator.conclude(&sdp), None),
        };
        leg.session = match (&result, is_firm) {
            (Ok(_), true) => Session::Agreed,
            (_, false) => Session::Early(sdp.clone()),
            (Err(why), true) => Session::Failed(*why),
        };
        let is_early = leg.life == Life::Early;
        if let Some(body) = &body {
            self.record.local_sdp.clone_from(body);
        }
        if early.is_none() {
            self.record.remote_sdp = sdp;
        }
        match result {
            Ok(agreed) => {
                if let Some(fork) = self.record.forks.get_mut(at).filter(|_| is_early) {
                    fork.early_media.get_or_insert(now);
                }
                if early.is_none() {
                    self.agree(at, agreed);
                }
            }
            Err(why) => self.trouble(Problem::Media(why)),
        }
        body
    }

    /// Media of that dialog flows as agreed, unless another dialog is the call.
    pub(super) fn agree(&mut self, at: usize, agreed: crate::media::negotiator::Agreed) {
        if self.kept.is_none_or(|kept| kept == at) {
            self.flowing = Some(at);
            self.record.agreed = Some(agreed.clone());
            self.actions.push_back(Action::Agree(Box::new(agreed)));
        }
    }

    /// A 2xx came: the first is the call; one of another dialog is acknowledged and ended; a repeat is acknowledged again.
    /// RFC 3261 §13.2.2.4
    pub(super) fn handle_success(&mut self, at: usize, message: &Message<'_>, now: Instant) {
        let status = message.status().unwrap_or_default();
        let Some(leg) = self.leg_of(at, message) else { return };
        let t1 = self.options.timers.t1;
        if let Some(known) = self.legs.get_mut(leg).filter(|leg| leg.life != Life::Early) {
            // Where the ACK still waits for its way this repeat is answered by the first one.
            let again = known.ack.as_mut().and_then(|ack| ack.again(t1, now));
            return self.actions.extend(again);
        }
        if !self.is_over() {
            self.keep_credentials(at);
        }
        if self.note_status(leg, status, true, now) {
            self.tell_response(at, message, Some(leg));
        }
        if self.kept.is_none() {
            self.note_final(at, message);
        }
        let is_wanted = self.stage == Stage::Inviting && self.why.is_none() && self.kept.is_none();
        let is_wanted = is_wanted && self.callings.get(at).is_some_and(|calling| !calling.is_left);
        if let Some(fork) = self.record.forks.get_mut(leg) {
            fork.answered = Some(now);
            fork.is_kept = is_wanted;
        }
        self.note_answer(at, status);
        if is_wanted {
            self.kept = Some(leg);
            self.stage = Stage::Up;
            self.record.answered = Some(now);
            (self.ring_by, self.cancel_at) = (None, None);
        }
        let body = self.take_description(leg, message.sdp_body(), true, now).unwrap_or_default();
        let has_dialog = self.insist(leg, message);
        if let Some(leg) = self.legs.get_mut(leg) {
            leg.life = Life::Up;
        }
        let cseq = message.cseq().map_or(0, |cseq| cseq.number);
        let credentials =
            self.callings.get(at).map(|calling| credentials(calling.exchange.request())).unwrap_or_default();
        self.ask(leg, Wish::Ack { cseq, credentials, body }, now);
        if !has_dialog {
            // Nobody can be told that it is over.
            self.record.may_be_up = true;
            if is_wanted || self.why.is_some() {
                self.finish(self.why.unwrap_or(EndedBy::Unusable), now);
            }
            return;
        }
        if is_wanted {
            self.up(leg, message, now);
        } else {
            let is_left = self.callings.get(at).is_none_or(|calling| calling.is_left);
            if self.kept.is_none() && !is_left && !self.is_over() {
                // The answer crossed our CANCEL.
                self.leaving(self.why.unwrap_or(EndedBy::Cancel), now);
            }
            self.ask(leg, Wish::Bye, now);
        }
    }

    fn note_answer(&mut self, at: usize, status: u16) {
        self.sync(at);
        if let Some(calling) = self.callings.get_mut(at) {
            calling.is_over = true;
            if !calling.is_left
                && calling.cancel.is_some()
                && let Some(cancelled) = &mut self.record.cancelled
            {
                cancelled.invite_status = Some(status);
            }
        }
        if let Some(entry) = self.entry_of(at) {
            entry.status = Some(status);
        }
    }

    /// The call stands.
    fn up(&mut self, at: usize, message: &Message<'_>, now: Instant) {
        for tag in unknown_demands(message) {
            self.trouble(Problem::BadExtension(tag.to_vec()));
        }
        let Some(leg) = self.legs.get_mut(at) else { return };
        if leg.session != Session::Agreed {
            if leg.session == Session::Open {
                self.trouble(Problem::Media(Unacceptable::NoMedia));
            }
            return self.hang_up(EndedBy::Unusable, now);
        }
        // The other early dialogs are of who did not answer, or not first: their media is not ours.
        if self.flowing != Some(at)
            && let Some(agreed) = leg.negotiator.as_ref().and_then(|negotiator| negotiator.agreed().cloned())
        {
            self.agree(at, agreed);
        }
        self.timer.handle_response(message, now);
        self.record.session_timer = self.timer.agreed();
        let events = self.record.agreed.as_ref().is_some_and(|agreed| agreed.event_type.is_some());
        self.plan = super::plan::Plan::new(&self.options, events, now);
    }
}
