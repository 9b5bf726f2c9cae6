//! The INVITE itself: where it goes, what came back, where it goes next. RFC 3261 §13.2.1, §8.1.3, RFC 3263 §4.3

use super::cancel::Cancel;
use super::{Action, EndedBy, Event, Invite, Offered, Place, Problem, Record, Stage, Try, WayId};
use crate::agent::{Draft, Exchange, Outcome};
use crate::media::Negotiator;
use crate::media::negotiator::Local;
use crate::sip::{HeaderName, Message, Outline};
use crate::transaction::Ignored;
use crate::transport::TransportError;
use std::time::{Duration, Instant};

/// INVITEs of one call, redirections and next candidates included.
const MAX_CALLINGS: usize = 64;

/// An INVITE to one place.
#[derive(Debug)]
pub(super) struct Calling {
    pub(super) exchange: Exchange,
    pub(super) way: WayId,
    /// Its place in [`Record::tries`].
    entry: usize,
    /// When the lack of any response counts as none; `None` once one came. RFC 3263 §4.3
    pub(super) silent_by: Option<Instant>,
    pub(super) cancel: Option<Cancel>,
    /// Whether another place is tried already: a late provisional response is answered with CANCEL, a late 2xx with ACK and BYE.
    pub(super) is_left: bool,
    /// Whether a final response came, or none will.
    pub(super) is_over: bool,
    /// Status that was told last and made no dialog.
    told: Option<u16>,
}

/// Where the present INVITE goes.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    pub(super) uri: String,
    pub(super) way: WayId,
    pub(super) candidate: Option<usize>,
    pub(super) why: Option<&'static str>,
}

impl Calling {
    /// Request-URI.
    pub(super) fn uri(&self) -> &str {
        &self.exchange.draft().uri
    }

    /// Whether the transaction waits for a final response and has had a provisional one: then it may be cancelled.
    /// RFC 3261 §9.1
    pub(super) fn is_proceeding(&self) -> bool {
        !self.is_over && self.exchange.attempts().last().is_some_and(|attempt| attempt.first_response.is_some())
    }
}

impl Invite {
    /// Seeks the way to a candidate of the plan; `false` where there were too many.
    pub(super) fn aim_at_candidate(&mut self, candidate: usize, why: Option<&'static str>) -> bool {
        let uri = self.options.uri.clone();
        let led_by = self.options.identity.route.clone().unwrap_or_else(|| uri.clone());
        let Some(way) = self.ways.add(&led_by) else { return false };
        self.aim = Aim { uri, way, candidate: Some(candidate), why };
        self.stage = Stage::Reaching;
        self.actions.push_back(Action::Reach { way, place: Place::Candidate(candidate) });
        true
    }

    /// The way of the present aim is there: ports are bound at its address of ours, unless they are already.
    pub(super) fn aim_reached(&mut self, now: Instant) {
        let Some(line) = self.ways.line(self.aim.way) else { return };
        let ip = line.local.ip();
        if self.identity.from.is_none() {
            // RFC 3261 §8.1.3.4: From stays the same wherever the request goes next.
            self.identity.from = Some(format!("<sip:sipctl@{}>", crate::agent::address::host(line.local)));
        }
        if self.media_ip == Some(ip) {
            return self.call(now);
        }
        self.media_ip = Some(ip);
        self.stage = Stage::Media;
        self.actions.push_back(Action::OpenMedia(ip));
    }

    /// Ports are bound, or none could be.
    pub(super) fn media_opened(&mut self, local: Option<Local>, now: Instant) {
        if self.stage != Stage::Media {
            return;
        }
        let Some(local) = local else {
            self.trouble(Problem::NoPorts);
            return self.finish(EndedBy::Transport, now);
        };
        let mut negotiator = Negotiator::new(local, self.options.wishes.clone(), &mut self.entropy);
        (self.draft.content_type, self.draft.body) = (String::new(), Vec::new());
        if !self.options.is_late_offer {
            self.draft.content_type = "application/sdp".to_owned();
            self.draft.body = negotiator.offer();
            self.record.local_sdp.clone_from(&self.draft.body);
        }
        self.record.offered = Some(if self.options.is_late_offer { Offered::Them } else { Offered::Us });
        self.media = Some(negotiator);
        self.call(now);
    }

    /// Sends the INVITE where it is to go now.
    pub(super) fn call(&mut self, now: Instant) {
        let Some(line) = self.ways.line(self.aim.way).cloned() else { return };
        if self.callings.len() >= MAX_CALLINGS {
            return self.finish(EndedBy::Transport, now);
        }
        let draft = Draft { uri: self.aim.uri.clone(), fields: self.invite_fields(), ..self.draft.clone() };
        let exchange = Exchange::new(
            draft,
            &self.identity,
            &line,
            self.auth.split(),
            self.options.timers,
            // RFC 3261 §13.2.1: how long it may ring is not the transaction's to say.
            Duration::MAX,
            &mut self.entropy,
            now,
        );
        self.record.call_id.clone_from(&self.draft.call_id);
        self.record.tries.push(self.fresh_try(None));
        if self.record.began.is_none() {
            self.record.began = Some(now);
            self.ring_by = now.checked_add(self.options.ring_timeout);
            self.cancel_at = self.options.cancel_after.and_then(|after| now.checked_add(after));
        }
        let silent_by = now.checked_add(self.options.timeout);
        let (way, entry) = (self.aim.way, self.record.tries.len() - 1);
        let (is_left, is_over, cancel, told) = (false, false, None, None);
        self.callings.push(Calling { exchange, way, entry, silent_by, cancel, is_left, is_over, told });
        self.stage = Stage::Inviting;
        self.tell(Event::Inviting { uri: self.aim.uri.clone(), way, why: self.aim.why });
    }

    fn fresh_try(&self, error: Option<TransportError>) -> Try {
        let Aim { uri, way, candidate, .. } = self.aim.clone();
        Try { uri, way, candidate, attempts: Vec::new(), status: None, error }
    }

    /// What an INVITE says of us, beside what every request says.
    fn invite_fields(&self) -> Vec<(HeaderName, String)> {
        let mut fields = vec![(HeaderName::Allow, super::ALLOW.to_owned())];
        if let Some(supported) = self.supported() {
            fields.push((HeaderName::Supported, supported));
        }
        if self.has_timer {
            if let Some(seconds) = self.session_expires {
                fields.push((HeaderName::SessionExpires, seconds.to_string()));
            }
            if let Some(least) = self.min_se {
                fields.push((HeaderName::MinSe, least.to_string()));
            }
        }
        fields
    }

    /// The extensions that are named in Supported; `None` where there are none.
    pub(super) fn supported(&self) -> Option<String> {
        let named = [(self.has_reliable, "100rel"), (self.has_timer, "timer")];
        let named: Vec<&str> = named.iter().filter(|(has, _)| *has).map(|(_, tag)| *tag).collect();
        (!named.is_empty()).then(|| named.join(", "))
    }

    /// The way of the present aim is no good.
    pub(super) fn aim_unreached(&mut self, error: &TransportError, now: Instant) {
        let failed = self.fresh_try(Some(error.clone()));
        self.record.tries.push(failed);
        if !self.go_elsewhere(now) {
            self.finish(EndedBy::Transport, now);
        }
    }

    /// A response to an INVITE of ours; `false` where it is none.
    pub(super) fn handle_invite_response(&mut self, message: &Message<'_>, now: Instant) -> bool {
        for at in 0..self.callings.len() {
            let Some(calling) = self.callings.get_mut(at) else { return false };
            let before = calling.exchange.attempts().len();
            match calling.exchange.handle_message(message.bytes, &mut self.entropy, now) {
                Ok(()) => {
                    calling.silent_by = None;
                    self.answered(at, message, before, now);
                    self.sync(at);
                    return true;
                }
                Err(Some(Ignored::Repeat)) => return true,
                Err(_) => {}
            }
        }
        false
    }

    fn answered(&mut self, at: usize, message: &Message<'_>, before: usize, now: Instant) {
        let status = message.status().unwrap_or_default();
        match status {
            100..=199 => self.handle_provisional(at, message, now),
            200..=299 => self.handle_success(at, message, now),
            _ => {
                self.tell_response(at, message, None);
                let is_challenged = self.callings.get(at).is_some_and(|c| c.exchange.attempts().len() > before);
                if !is_challenged || self.why.is_some() {
                    self.note_final(at, message);
                }
                if is_challenged {
                    return self.challenged(at, now);
                }
                let Some(calling) = self.callings.get_mut(at) else { return };
                calling.is_over = true;
                self.handle_refusal(at, message, now);
            }
        }
    }

    /// The INVITE goes out again with credentials, unless it is not wanted any more.
    fn challenged(&mut self, at: usize, now: Instant) {
        let Some(calling) = self.callings.get_mut(at) else { return };
        if calling.is_left || self.why.is_some() {
            // The ACK of the challenge goes out; the INVITE that answers it does not.
            let way = calling.way;
            if let Some(bytes) = calling.exchange.poll_transmit(now) {
                self.actions.push_back(Action::Send { way, to: None, bytes });
            }
            if let Some(calling) = self.callings.get_mut(at) {
                calling.is_over = true;
                calling.is_left = true;
            }
            return self.nothing_came_of_it(at, None, now);
        }
        calling.silent_by = now.checked_add(self.options.timeout);
        self.draft.cseq = calling.exchange.draft().cseq;
        let (uri, way) = (calling.uri().to_owned(), calling.way);
        self.note_challenges(at);
        self.tell(Event::Inviting { uri, way, why: Some("credentials") });
    }

    /// Puts what its exchange knows of challenges into the record.
    fn note_challenges(&mut self, at: usize) {
        let Some(calling) = self.callings.get(at) else { return };
        let authenticator = calling.exchange.authenticator();
        self.record.challenges = authenticator.challenges().map(|(c, by_proxy)| (c.clone(), by_proxy)).collect();
        if let Some(refused) = calling.exchange.challenge() {
            self.record.refused = Some(refused.clone());
        }
    }

    /// Takes over what the exchange has learnt of credentials.
    pub(super) fn keep_credentials(&mut self, at: usize) {
        self.note_challenges(at);
        let Some(calling) = self.callings.get(at) else { return };
        self.auth = calling.exchange.authenticator().clone();
        self.draft.cseq = calling.exchange.draft().cseq;
    }

    /// Notes a final response as the one that counts.
    pub(super) fn note_final(&mut self, at: usize, message: &Message<'_>) {
        if self.callings.get(at).is_some_and(|calling| !calling.is_left) {
            let (status, reason) = (message.status().unwrap_or_default(), message.reason().unwrap_or_default());
            self.record.last_response = Some((status, reason.to_vec(), message.bytes.to_vec()));
        }
    }

    /// Tells a response, repeats left out.
    pub(super) fn tell_response(&mut self, at: usize, message: &Message<'_>, fork: Option<usize>) {
        let (status, reason) = (message.status().unwrap_or_default(), message.reason().unwrap_or_default().to_vec());
        let Some(calling) = self.callings.get_mut(at) else { return };
        if fork.is_none() && calling.told.replace(status) == Some(status) {
            return;
        }
        let (is_reliable, has_sdp) = (super::answer::is_reliable(message), message.sdp_body().is_some());
        self.tell(Event::Response { status, reason, is_reliable, has_sdp, fork });
    }

    /// A final response that is no 2xx, and no challenge that could be met.
    fn handle_refusal(&mut self, at: usize, message: &Message<'_>, now: Instant) {
        let status = message.status().unwrap_or_default();
        self.keep_credentials(at);
        self.nothing_came_of_it(at, Some(status), now);
        if self.callings.get(at).is_none_or(|calling| calling.is_left) {
            return;
        }
        if let Some(by) = self.why {
            return self.finish(by, now);
        }
        let goes_on = match status {
            300..=399 => self.redirected(message, now),
            420..=422 => self.ask_less(message, now) || self.go_to_redirect(now),
            503 => self.go_elsewhere(now),
            400..=599 => self.go_to_redirect(now),
            // RFC 3261 §21.6: nobody else would answer otherwise.
            _ => false,
        };
        if !goes_on {
            self.finish(EndedBy::Refusal, now);
        }
    }

    /// Notes how an INVITE ended: of its own, or cancelled.
    fn nothing_came_of_it(&mut self, at: usize, status: Option<u16>, now: Instant) {
        self.sync(at);
        if let Some(entry) = self.entry_of(at) {
            entry.status = status;
        }
        let Some(calling) = self.callings.get(at) else { return };
        if !calling.is_left
            && calling.cancel.is_some()
            && let Some(cancelled) = &mut self.record.cancelled
        {
            cancelled.invite_status = status;
        }
        self.legs.iter_mut().filter(|leg| leg.calling == at).for_each(super::leg::Leg::die);
        if status.is_none() && self.why.is_some() && !self.callings.iter().any(|calling| !calling.is_over) {
            let by = self.why.unwrap_or(EndedBy::Cancel);
            self.finish(by, now);
        }
    }

    /// Takes apart the INVITEs whose time is over or whose way broke.
    pub(super) fn settle_callings(&mut self, now: Instant) {
        for at in 0..self.callings.len() {
            let Some(calling) = self.callings.get_mut(at).filter(|calling| !calling.is_over) else { continue };
            let is_silent = calling.silent_by.is_some_and(|by| by <= now);
            match calling.exchange.outcome() {
                Some(Outcome::Final { .. }) => {}
                Some(Outcome::Failed(error)) => {
                    let error = error.clone();
                    calling.is_over = true;
                    self.broke(at, &error, now);
                }
                Some(Outcome::Timeout) => {
                    calling.is_over = true;
                    self.unanswered(at, now);
                }
                None if is_silent => {
                    calling.silent_by = None;
                    self.unanswered(at, now);
                }
                None => {}
            }
        }
    }

    /// No response at all: the next place is tried, and this one kept in mind. RFC 3263 §4.3
    fn unanswered(&mut self, at: usize, now: Instant) {
        self.sync(at);
        let Some(calling) = self.callings.get_mut(at) else { return };
        if std::mem::replace(&mut calling.is_left, true) {
            return;
        }
        if let Some(by) = self.why {
            return self.finish(by, now);
        }
        if !self.go_elsewhere(now) {
            self.finish(EndedBy::Timeout, now);
        }
    }

    /// The way broke before a final response came.
    fn broke(&mut self, at: usize, error: &TransportError, now: Instant) {
        self.sync(at);
        let had_answer = self.callings.get(at).is_some_and(|calling| {
            calling.exchange.attempts().last().is_some_and(|attempt| attempt.first_response.is_some())
        });
        // It may ring on, and nobody can be told to stop.
        self.record.may_be_up |= had_answer;
        if let Some(entry) = self.entry_of(at) {
            entry.error = Some(error.clone());
        }
        self.legs.iter_mut().filter(|leg| leg.calling == at).for_each(super::leg::Leg::die);
        let Some(calling) = self.callings.get_mut(at) else { return };
        if std::mem::replace(&mut calling.is_left, true) {
            return;
        }
        if let Some(by) = self.why {
            return self.finish(by, now);
        }
        if !self.go_elsewhere(now) {
            self.finish(EndedBy::Transport, now);
        }
    }

    /// The next Contact of a redirection, else the next candidate; `false` where there is none.
    fn go_elsewhere(&mut self, now: Instant) -> bool {
        if self.go_to_redirect(now) {
            return true;
        }
        let Some(next) = self.aim.candidate.map(|at| at + 1).filter(|at| *at < self.options.candidates) else {
            return false;
        };
        // Another server may not know the nonces of this one, and its first challenge is no refusal.
        self.auth = crate::agent::Authenticator::new(self.options.account.clone());
        self.aim_at_candidate(next, Some("next candidate"))
    }

    /// What the record says of an INVITE.
    pub(super) fn entry_of(&mut self, at: usize) -> Option<&mut Try> {
        self.record.tries.get_mut(self.callings.get(at)?.entry)
    }

    /// Copies what the exchange noted of its transactions into the record.
    pub(super) fn sync(&mut self, at: usize) {
        let Some(calling) = self.callings.get(at) else { return };
        let Some(entry) = self.record.tries.get_mut(calling.entry) else { return };
        if entry.attempts != calling.exchange.attempts() {
            entry.attempts = calling.exchange.attempts().to_vec();
        }
    }

    /// What the INVITEs have to send.
    pub(super) fn poll_callings(&mut self, now: Instant) -> Option<Action> {
        for at in 0..self.callings.len() {
            while let Some(calling) = self.callings.get_mut(at) {
                let way = calling.way;
                if let Some(bytes) = calling.exchange.poll_transmit(now) {
                    // Somebody else is called already: no repeats there.
                    if calling.is_left && bytes.starts_with(b"INVITE ") {
                        continue;
                    }
                    self.sync(at);
                    return Some(Action::Send { way, to: None, bytes });
                }
                if let Some(bytes) = calling.cancel.as_mut().and_then(Cancel::poll_transmit) {
                    return Some(Action::Send { way, to: None, bytes });
                }
                break;
            }
        }
        None
    }
}

/// Reads bytes that were a response once.
pub(super) fn with_message<T>(bytes: &[u8], what: impl FnOnce(&Message<'_>) -> T) -> Option<T> {
    let mut outline = Outline::new();
    outline.read(bytes).then(|| what(&Message::new(bytes, &outline)))
}

impl Record {
    /// Notes a problem, once each, and no more than anybody would read.
    pub(super) fn note(&mut self, problem: Problem) {
        const MAX_PROBLEMS: usize = 64;
        if self.problems.len() < MAX_PROBLEMS && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}
