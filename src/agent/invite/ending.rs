//! How a call ends: our BYE, a wish to stop, and when nothing is left to do. RFC 3261 §15

use super::leg::Life;
use super::wish::Wish;
use super::{EndedBy, Event, Invite, Problem, Stage};
use std::time::{Duration, Instant};

/// How long cleaning up may take once somebody wishes to stop.
const STOP_BOUND: Duration = Duration::from_secs(4);

impl Invite {
    /// Ends the call that stands with our BYE.
    pub(super) fn hang_up(&mut self, by: EndedBy, now: Instant) {
        let Some(kept) = self.kept.filter(|_| self.stage == Stage::Up) else { return };
        self.leaving(by, now);
        // What was asked before is not waited for any more; a re-INVITE that is answered yet is acknowledged.
        for asking in self.asking.iter_mut().filter(|asking| asking.leg == kept) {
            asking.is_done |= asking.exchange.draft().method != "INVITE";
        }
        self.ask(kept, Wish::Bye, now);
    }

    /// The call is over; what follows is cleaning up.
    pub(super) fn leaving(&mut self, by: EndedBy, now: Instant) {
        self.stage = Stage::Leaving;
        self.note_end(by, now);
    }

    fn note_end(&mut self, by: EndedBy, now: Instant) {
        if self.record.ended_by.is_none() {
            (self.record.ended_by, self.record.ended) = (Some(by), Some(now));
            self.tell(Event::Ended(by));
        }
    }

    /// Nothing more is wanted: what is under way is finished, and that is all.
    pub(super) fn finish(&mut self, by: EndedBy, now: Instant) {
        self.note_end(by, now);
        self.stage = Stage::Over;
        (self.ring_by, self.cancel_at) = (None, None);
        for at in 0..self.callings.len() {
            if let Some(calling) = self.callings.get_mut(at).filter(|calling| calling.cancel.is_none()) {
                calling.is_left |= !calling.is_over;
            }
            self.sync(at);
        }
        // A 2xx of another branch that crossed on its way is still heard. RFC 3261 §13.2.2.4
        let forks = self.legs.iter().filter(|leg| leg.life != Life::Gone).count();
        if forks > 0 && self.legs.len() > 1 {
            let answered = self.record.answered.unwrap_or(now);
            self.linger = answered.checked_add(self.options.timers.t1.saturating_mul(2)).filter(|until| *until > now);
        }
    }

    /// Our BYE was answered, or was not: the dialog is over either way. RFC 3261 §15.1.1
    pub(super) fn bye_ended(&mut self, at: usize, status: Option<u16>, now: Instant) {
        if let Some(leg) = self.legs.get_mut(at) {
            leg.life = Life::Gone;
            leg.queue.clear();
        }
        if let Some(fork) = self.record.forks.get_mut(at) {
            fork.bye_status = status;
        }
        // 481 and 408 say that there is no such call any more. RFC 3261 §15.1.1
        if !status.is_some_and(|status| (200..300).contains(&status) || matches!(status, 408 | 481)) {
            self.trouble(Problem::Bye(status));
        }
        self.record.may_be_up |= status.is_none();
        self.all_left(now);
    }

    /// Where every dialog that was to end has ended, all is over.
    pub(super) fn all_left(&mut self, now: Instant) {
        if self.stage == Stage::Leaving && !self.has_dialogs() {
            self.finish(EndedBy::Us, now);
        }
    }

    /// Whether a dialog waits for its end.
    fn has_dialogs(&self) -> bool {
        self.legs.iter().any(|leg| leg.life == Life::Leaving)
    }

    /// Whether the call is over, be it that something is cleaned up yet.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Leaving | Stage::Over)
    }

    /// Somebody wishes to stop.
    pub(super) fn stop(&mut self, now: Instant) {
        if self.stop_by.is_some() || self.stage == Stage::Over && self.is_clean() {
            return;
        }
        self.stop_by = now.checked_add(self.options.timeout.min(STOP_BOUND));
        match self.stage {
            Stage::Reaching | Stage::Media if !self.is_ringing() => self.finish(EndedBy::Stop, now),
            Stage::Reaching | Stage::Media => {
                self.stage = Stage::Inviting;
                self.cancel(EndedBy::Stop, now);
            }
            Stage::Inviting => self.cancel(EndedBy::Stop, now),
            Stage::Up => self.hang_up(EndedBy::Stop, now),
            Stage::Leaving | Stage::Over => {}
        }
    }

    /// The call is not wanted any more: what rings is cancelled. Where nothing was ever answered nothing can be. RFC 3261 §9.1
    pub(super) fn give_up(&mut self, by: EndedBy, now: Instant) {
        let may_be_answered = self.stage == Stage::Inviting && by == EndedBy::Cancel;
        if self.is_ringing() || may_be_answered {
            self.stage = Stage::Inviting;
            self.cancel(by, now);
        } else {
            self.finish(by, now);
        }
    }

    /// Whether an INVITE that was answered provisionally waits for its end.
    fn is_ringing(&self) -> bool {
        self.callings.iter().any(super::calling::Calling::is_proceeding)
    }

    /// The time to clean up is over: what is not done by now is left.
    pub(super) fn cut(&mut self, now: Instant) {
        let by = self.why.unwrap_or(EndedBy::Stop);
        if !self.is_clean() {
            self.record.may_be_up = true;
        }
        self.finish(by, now);
        self.linger = None;
        for at in 0..self.callings.len() {
            if let Some(calling) = self.callings.get_mut(at) {
                (calling.is_over, calling.is_left) = (true, true);
            }
        }
        self.asking.iter_mut().for_each(|asking| asking.is_done = true);
        for leg in &mut self.legs {
            leg.life = Life::Gone;
            leg.queue.clear();
        }
    }

    /// Whether nothing is left on the network that should be ended.
    pub(super) fn is_clean(&self) -> bool {
        let cancels = self.callings.iter().any(|calling| calling.cancel.is_some() && !calling.is_over);
        let waits = self.stage == Stage::Inviting && self.callings.iter().any(|calling| !calling.is_over);
        !cancels && !waits && self.asking.iter().all(|asking| asking.is_done) && !self.has_dialogs()
    }
}
