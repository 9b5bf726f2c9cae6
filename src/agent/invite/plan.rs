//! What happens while the call stands: digits, hold and resume, refreshes of the session, and our BYE in time.

use super::calling::with_message;
use super::leg::Session;
use super::wish::Wish;
use super::{Action, DtmfMode, EndedBy, Invite, InviteOptions, Problem, Stage};
use crate::media::negotiator::Unacceptable;
use crate::media::sdp::Direction;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often a re-INVITE is tried again after a 491.
const MAX_GLARES: u32 = 3;
/// From one digit sent as INFO to the next: its length, and a pause. RFC 4733 §2.5.1.4 has 40 ms for the least; gateways that press the
/// digit for its length need it.
const DIGIT_PAUSE: Duration = Duration::from_millis(260);
/// How long one digit may take to be sent, its pause included; the BYE waits no longer.
const DIGIT_BOUND: Duration = Duration::from_secs(2);

/// How far hold came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Hold {
    At(Instant),
    Asked,
    Until(Instant),
    #[default]
    Done,
}

/// How far the digits came.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
enum Digits {
    ToPress(String),
    /// The driver says when they are sent; that is not waited for without end.
    Pressing(Instant),
    /// From when on the next may go out.
    ToSend(VecDeque<char>, Instant),
    #[default]
    Done,
}

/// What is to happen while the call stands, and when.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Plan {
    hang_up: Option<Instant>,
    digits: Digits,
    hold: Hold,
    hold_for: Duration,
    /// What a 491 put off, and until when. RFC 3261 §14.1
    glare: Option<(Instant, Wish)>,
    glares: u32,
}

impl Plan {
    /// From the answer on.
    pub(super) fn new(options: &InviteOptions, has_events: bool, now: Instant) -> Self {
        let digits = match &options.dtmf {
            Some(dtmf) if dtmf.mode == DtmfMode::Info => Digits::ToSend(dtmf.digits.chars().collect(), now),
            // RFC 4733 §2.4.1: what the other side does not take is not sent.
            Some(dtmf) if has_events => Digits::ToPress(dtmf.digits.clone()),
            _ => Digits::Done,
        };
        let hold_for = options.hold.unwrap_or_default();
        let middle = options.duration.saturating_sub(hold_for) / 2;
        let hold = match options.hold {
            Some(_) => now.checked_add(middle).map_or(Hold::Done, Hold::At),
            None => Hold::Done,
        };
        Plan { hang_up: now.checked_add(options.duration), digits, hold, hold_for, glare: None, glares: 0 }
    }

    /// A digit was sent as INFO, or refused.
    pub(super) fn digit_sent(&mut self) {
        if matches!(&self.digits, Digits::ToSend(left, _) if left.is_empty()) {
            self.digits = Digits::Done;
        }
    }

    /// Every digit was pressed.
    pub(super) fn pressed(&mut self) {
        if matches!(self.digits, Digits::Pressing(_)) {
            self.digits = Digits::Done;
        }
    }

    /// The next instant at which something is to be done. What waits for something else to end is not named.
    fn poll_timeout(&self, is_busy: bool) -> Option<Instant> {
        if is_busy {
            return None;
        }
        if let Some((at, _)) = &self.glare {
            return Some(*at);
        }
        match (&self.digits, self.hold) {
            (Digits::Pressing(by), _) => Some(*by),
            (Digits::ToSend(_, at), _) => Some(*at),
            (Digits::ToPress(_), _) | (_, Hold::Asked) => None,
            (Digits::Done, Hold::At(at) | Hold::Until(at)) => Some(at),
            (Digits::Done, Hold::Done) => self.hang_up,
        }
    }

    /// What is to be done now, if the dialog is free for it.
    fn step(&mut self, now: Instant) -> Step {
        if let Some((_, wish)) = self.glare.take_if(|(at, _)| *at <= now) {
            return Step::Ask(wish);
        }
        if self.glare.is_some() {
            return Step::Wait;
        }
        match &mut self.digits {
            Digits::ToPress(digits) => {
                let count = u32::try_from(digits.chars().count()).unwrap_or(u32::MAX);
                let digits = std::mem::take(digits);
                self.digits = now.checked_add(DIGIT_BOUND.saturating_mul(count)).map_or(Digits::Done, Digits::Pressing);
                return Step::Press(digits);
            }
            Digits::Pressing(by) if *by <= now => self.digits = Digits::Done,
            Digits::Pressing(_) => return Step::Wait,
            Digits::ToSend(_, at) if *at > now => return Step::Wait,
            Digits::ToSend(left, at) => match left.pop_front() {
                Some(digit) => {
                    *at = now.checked_add(DIGIT_PAUSE).unwrap_or(now);
                    return Step::Ask(Wish::Digit(digit));
                }
                None => self.digits = Digits::Done,
            },
            Digits::Done => {}
        }
        match self.hold {
            Hold::At(at) if at <= now => {
                self.hold = Hold::Asked;
                Step::Ask(Wish::Hold)
            }
            Hold::Until(at) if at <= now => {
                self.hold = Hold::Asked;
                Step::Ask(Wish::Resume)
            }
            Hold::Done if self.hang_up.is_some_and(|at| at <= now) => Step::HangUp,
            _ => Step::Wait,
        }
    }

    /// A hold or its end was asked for, and this came of it.
    fn held(&mut self, wish: &Wish, is_taken: bool, now: Instant) {
        match wish {
            Wish::Hold if is_taken => self.hold = now.checked_add(self.hold_for).map_or(Hold::Done, Hold::Until),
            Wish::Hold | Wish::Resume => self.hold = Hold::Done,
            _ => {}
        }
    }
}

/// What is to be done.
enum Step {
    Ask(Wish),
    Press(String),
    HangUp,
    Wait,
}

impl Invite {
    /// Whether something of ours waits for its answer inside the call; the next waits for it.
    fn is_busy(&self) -> bool {
        let pending = |asking: &super::asking::Asking| Some(asking.leg) == self.kept && !asking.is_done;
        let queued = self.kept.and_then(|at| self.legs.get(at)).is_some_and(|leg| !leg.queue.is_empty());
        queued || self.asking.iter().any(pending)
    }

    /// Whether an offer may be made: none of either side waits for its answer. RFC 3261 §14.1
    fn is_free_for_offers(&self) -> bool {
        let open = |leg: &super::leg::Leg| leg.negotiator.as_ref().is_some_and(crate::media::Negotiator::has_offered);
        !self.accepted.iter().any(super::inside::Accepted::is_waiting)
            && self.kept.and_then(|at| self.legs.get(at)).is_none_or(|leg| !open(leg))
    }

    /// Does what is due while the call stands.
    pub(super) fn follow_plan(&mut self, now: Instant) {
        while self.stage == Stage::Up {
            let Some(kept) = self.kept else { return };
            if self.timer.has_expired(now) {
                return self.hang_up(EndedBy::SessionTimer, now);
            }
            if self.is_busy() || !self.is_free_for_offers() {
                return;
            }
            if self.timer.wants_refresh(now) {
                self.timer.refreshing();
                self.ask(kept, Wish::Refresh, now);
                continue;
            }
            match self.plan.step(now) {
                Step::Ask(wish) => self.ask(kept, wish, now),
                Step::Press(digits) => self.actions.push_back(Action::Press(digits)),
                Step::HangUp => return self.hang_up(EndedBy::Us, now),
                Step::Wait => return,
            }
        }
    }

    /// When the plan has to be looked at again.
    pub(super) fn plan_timeout(&self) -> Option<Instant> {
        if self.stage != Stage::Up {
            return None;
        }
        let is_busy = self.is_busy() || !self.is_free_for_offers();
        let refresh = self.timer.refresh().filter(|_| !is_busy);
        refresh.into_iter().chain(self.plan.poll_timeout(is_busy)).chain(self.timer.expiry()).min()
    }

    /// A re-INVITE or UPDATE of ours was answered, or was not.
    pub(super) fn renegotiated(
        &mut self,
        at: usize,
        wish: &Wish,
        method: &str,
        status: Option<u16>,
        response: &[u8],
        now: Instant,
    ) {
        let is_taken = status.is_some_and(|status| (200..300).contains(&status));
        if is_taken {
            let _ = with_message(response, |message| self.refreshed(at, method, message, now));
            self.plan.held(wish, true, now);
            return;
        }
        if method == "INVITE"
            && let Some(negotiator) = self.legs.get_mut(at).and_then(|leg| leg.negotiator.as_mut())
        {
            // RFC 3264 §8: the session stays as it was.
            negotiator.withdraw();
        }
        if status == Some(491) && self.plan.glares < MAX_GLARES {
            self.plan.glares += 1;
            // RFC 3261 §14.1: who owns the Call-ID waits between 2.1 and 4 seconds, in steps of 10 ms.
            let wait = Duration::from_millis(2100 + 10 * self.entropy.below(191));
            self.plan.glare = now.checked_add(wait).map(|at| (at, wish.clone()));
            return;
        }
        match (wish, status) {
            (Wish::Refresh, Some(405 | 501)) if method == "UPDATE" => {
                if let Some(leg) = self.legs.get_mut(at) {
                    leg.takes_update = false;
                }
                self.ask(at, Wish::Refresh, now);
            }
            (Wish::Refresh, Some(422)) => self.refresh_longer(at, response, now),
            (Wish::Refresh, None | Some(408 | 481)) => self.hang_up(EndedBy::SessionTimer, now),
            // RFC 4028 §10: what was agreed runs on.
            (Wish::Refresh, _) => {}
            _ => {
                let negotiator = self.legs.get_mut(at).and_then(|leg| leg.negotiator.as_mut());
                if let Some(negotiator) = negotiator.filter(|_| *wish == Wish::Hold) {
                    negotiator.set_direction(Direction::SendRecv);
                }
                self.plan.held(wish, false, now);
                self.unless_gone(at, method, status, now);
            }
        }
    }

    /// The 2xx to a re-INVITE or UPDATE of ours: session timer, answer.
    fn refreshed(&mut self, at: usize, method: &str, message: &crate::sip::Message<'_>, now: Instant) {
        let Some(leg) = self.legs.get_mut(at) else { return };
        self.timer.handle_response(message, now);
        if self.timer.agreed().is_some() {
            self.record.session_timer = self.timer.agreed();
        }
        let Some(negotiator) = leg.negotiator.as_mut().filter(|_| method == "INVITE") else { return };
        match message.sdp_body() {
            Some(answer) => {
                let result = negotiator.conclude(answer);
                self.record.remote_sdp = answer.to_vec();
                match result {
                    Ok(agreed) => {
                        leg.session = Session::Agreed;
                        self.agree(at, agreed);
                    }
                    Err(why) => self.trouble(Problem::Media(why)),
                }
            }
            None => {
                negotiator.withdraw();
                self.trouble(Problem::Media(Unacceptable::NoMedia));
            }
        }
    }

    /// RFC 4028 §7.3: a refresh that asked for too little, once more with what is the least.
    fn refresh_longer(&mut self, at: usize, response: &[u8], now: Instant) {
        let least = with_message(response, |message| {
            message.header(crate::sip::HeaderName::MinSe).and_then(crate::agent::session_timer::seconds)
        });
        match least.flatten().filter(|least| self.min_se.is_none_or(|so_far| *least > so_far)) {
            Some(least) => {
                self.min_se = Some(least);
                self.timer.lengthen(least, now);
                self.ask(at, Wish::Refresh, now);
            }
            None => self.hang_up(EndedBy::SessionTimer, now),
        }
    }
}
