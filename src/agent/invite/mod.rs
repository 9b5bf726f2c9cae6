//! A trial call: INVITE to BYE, with offer and answer, forks, redirections, and an end that leaves nothing up. RFC 3261 §13
//!
//! A machine without I/O, as [`super::Machine`] is, but with several ways: a redirection, a Contact or a Route may lead elsewhere
//! than the first INVITE went. What it did and what came of it stands in its [`Record`]; [`Event`]s are for those who watch.

mod answer;
mod asking;
mod calling;
mod cancel;
mod ending;
mod inside;
mod leg;
pub mod options;
mod plan;
pub mod record;
mod redirect;
mod ways;
mod wish;

#[cfg(test)]
mod tests;

pub use options::{Dtmf, DtmfMode, InviteOptions};
pub use record::{Cancelled, EndedBy, Fork, Inside, Offered, Problem, Record, Transfer, Try};

use super::session_timer::SessionTimer;
use super::{Authenticator, Draft, Identity};
use crate::base::Entropy;
use crate::media::Negotiator;
use crate::media::negotiator::{Agreed, Local};
use crate::sip::{Message, Outline};
use crate::transport::{LineFacts, TransportError};
use asking::Asking;
use calling::{Aim, Calling};
use inside::{Accepted, Inbound};
use leg::Leg;
use plan::Plan;
use redirect::Redirects;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;
use ways::Ways;

/// What is answered inside a dialog (REFER by a refusal). RFC 3261 §20.5
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, NOTIFY, REFER";

/// A way to a peer, as the machine numbers it: 0 for the first.
pub type WayId = u32;

/// Where a way is to lead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// To that candidate of the plan.
    Candidate(usize),
    /// To where a URI leads: a redirection, the topmost Route, or the remote target. RFC 3263 §4
    Uri(String),
}

/// What the machine wants done, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Find the way there. Answered by [`Invite::handle_reached`] or [`Invite::handle_unreached`]. Ways stay open until the end.
    Reach {
        /// The number that it gets.
        way: WayId,
        /// Where to.
        place: Place,
    },
    /// Send these bytes.
    Send {
        /// By which way.
        way: WayId,
        /// For datagrams: to there, instead of the way's peer (an answer to who asked from elsewhere).
        to: Option<SocketAddr>,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Bind ports for media at this address of ours; those that were bound before are let go. Answered by [`Invite::handle_media`].
    OpenMedia(IpAddr),
    /// Offer and answer came to this, for the first time or anew: media flows accordingly.
    Agree(Box<Agreed>),
    /// Send these digits as telephone events.
    Press(String),
    /// Tell this to whoever watches.
    Tell(Event),
}

/// What the machine tells, as it happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// An INVITE goes out: the first, one with credentials, one to the next candidate or to where a redirection leads.
    Inviting {
        /// Request-URI.
        uri: String,
        /// By which way.
        way: WayId,
        /// Why again: `None` for the first. `credentials`, `next candidate`, `redirection`,
        /// `session interval`, `extension`
        why: Option<&'static str>,
    },
    /// A response to our INVITE, repeats left out.
    Response {
        /// Status code.
        status: u16,
        /// Reason phrase, as it came.
        reason: Vec<u8>,
        /// Whether it wants a PRACK. RFC 3262
        is_reliable: bool,
        /// Whether it has a body of SDP.
        has_sdp: bool,
        /// Position in [`Record::forks`] of its dialog; `None` without To tag.
        fork: Option<usize>,
    },
    /// A request of ours other than the INVITE goes out: PRACK, ACK, UPDATE, re-INVITE, INFO, CANCEL, BYE.
    Asking {
        /// Method.
        method: String,
        /// What for, in a word or two: `hold`, `resume`, `session refresh`, `DTMF 5`; empty where the method says it.
        purpose: String,
    },
    /// Such a request was answered, or was not.
    Asked {
        /// Method.
        method: String,
        /// Its status; `None` where no answer came.
        status: Option<u16>,
    },
    /// The peer sent a request, and was answered.
    Request {
        /// Method.
        method: String,
        /// Our answer; 0 for an ACK.
        status: u16,
    },
    /// A way could not be found, or broke.
    Failed {
        /// Which.
        way: WayId,
        /// Why.
        error: TransportError,
    },
    /// The call is over; what may follow is cleaning up.
    Ended(EndedBy),
    /// A message came that is not ours.
    Ignored,
}

/// How far the call came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The way is sought.
    Reaching,
    /// Ports for media are being bound.
    Media,
    /// The INVITE is out.
    Inviting,
    /// A 2xx came: the call stands.
    Up,
    /// Our BYE is out.
    Leaving,
    /// Nothing more is wanted.
    Over,
}

/// The caller.
#[derive(Debug)]
pub struct Invite {
    options: InviteOptions,
    /// As the options have it, with our From once a way told our address.
    identity: Identity,
    entropy: Entropy,
    record: Record,
    actions: VecDeque<Action>,
    stage: Stage,
    ways: Ways,
    auth: Authenticator,
    /// The INVITE: what stays the same wherever it goes.
    draft: Draft,
    aim: Aim,
    callings: Vec<Calling>,
    redirects: Redirects,
    /// Whether `100rel` and `timer` are named in Supported.
    has_reliable: bool,
    has_timer: bool,
    session_expires: Option<u32>,
    min_se: Option<u32>,
    /// Our side of offer and answer before anybody answered.
    media: Option<Negotiator>,
    /// The address at which ports are bound.
    media_ip: Option<IpAddr>,
    legs: Vec<Leg>,
    /// Place of the dialog that is the call.
    kept: Option<usize>,
    /// Place of the dialog whose media flows.
    flowing: Option<usize>,
    asking: Vec<Asking>,
    inbound: Vec<Inbound>,
    accepted: Vec<Accepted>,
    plan: Plan,
    timer: SessionTimer,
    /// Why the call is to end before it was answered.
    why: Option<EndedBy>,
    ring_by: Option<Instant>,
    cancel_at: Option<Instant>,
    stop_by: Option<Instant>,
    /// Until when late answers of other branches are waited for.
    linger: Option<Instant>,
}

impl Invite {
    /// Starts with the first candidate.
    #[must_use]
    pub fn new(options: InviteOptions, mut entropy: Entropy) -> Self {
        let draft = Draft::new("INVITE", &options.uri, &options.to, &mut entropy);
        let aim = Aim { uri: options.uri.clone(), way: 0, candidate: Some(0), why: None };
        let mut invite = Invite {
            identity: options.identity.clone(),
            auth: Authenticator::new(options.account.clone()),
            has_reliable: options.has_reliable,
            has_timer: true,
            session_expires: options.session_expires,
            options,
            entropy,
            record: Record { call_id: draft.call_id.clone(), ..Record::default() },
            actions: VecDeque::new(),
            stage: Stage::Reaching,
            ways: Ways::default(),
            draft,
            aim,
            callings: Vec::new(),
            redirects: Redirects::default(),
            min_se: None,
            media: None,
            media_ip: None,
            legs: Vec::new(),
            kept: None,
            flowing: None,
            asking: Vec::new(),
            inbound: Vec::new(),
            accepted: Vec::new(),
            plan: Plan::default(),
            timer: SessionTimer::default(),
            why: None,
            ring_by: None,
            cancel_at: None,
            stop_by: None,
            linger: None,
        };
        invite.aim_at_candidate(0, None);
        invite
    }

    fn tell(&mut self, event: Event) {
        self.actions.push_back(Action::Tell(event));
    }

    fn trouble(&mut self, problem: Problem) {
        self.record.note(problem);
    }

    /// The way is there.
    pub fn handle_reached(&mut self, way: WayId, line: &LineFacts, now: Instant) {
        self.ways.reached(way, line);
        if self.stage == Stage::Reaching && self.aim.way == way {
            self.aim_reached(now);
        } else {
            self.hop_sought(way, None, now);
        }
        self.go_on(now);
    }

    /// The way could not be found, or it broke.
    pub fn handle_unreached(&mut self, way: WayId, error: &TransportError, now: Instant) {
        self.tell(Event::Failed { way, error: error.clone() });
        self.ways.unreached(way);
        if self.stage == Stage::Reaching && self.aim.way == way {
            self.aim_unreached(error, now);
        }
        self.hop_sought(way, Some(error), now);
        for calling in self.callings.iter_mut().filter(|calling| calling.way == way && !calling.is_over) {
            calling.exchange.handle_transport_error(error);
        }
        for asking in self.asking.iter_mut().filter(|asking| asking.way == way && !asking.is_done) {
            asking.exchange.handle_transport_error(error);
        }
        self.hop_broke(way, now);
        self.settle_callings(now);
        self.go_on(now);
    }

    /// Where media is received; `None` where no ports could be bound.
    pub fn handle_media(&mut self, local: Option<Local>, now: Instant) {
        self.media_opened(local, now);
        self.go_on(now);
    }

    /// Every digit that was to be pressed was sent.
    pub fn handle_pressed(&mut self, now: Instant) {
        self.plan.pressed();
        self.go_on(now);
    }

    /// A message (or what came in its place) arrived by that way.
    pub fn handle_message(&mut self, bytes: &[u8], way: WayId, from: SocketAddr, now: Instant) {
        let mut outline = Outline::new();
        let is_ours = outline.read(bytes) && {
            let message = Message::new(bytes, &outline);
            if message.is_request() {
                self.handle_request(&message, way, from, now)
            } else {
                self.handle_cancel_response(&message, now)
                    || self.handle_invite_response(&message, now)
                    || self.handle_inside_response(&message, now)
            }
        };
        if !is_ours {
            self.record.ignored = self.record.ignored.saturating_add(1);
            self.tell(Event::Ignored);
        }
        self.go_on(now);
    }

    /// A timer is due.
    pub fn handle_timer(&mut self, now: Instant) {
        if self.stop_by.is_some_and(|by| by <= now) {
            return self.cut(now);
        }
        self.linger.take_if(|until| *until <= now);
        let is_placing = matches!(self.stage, Stage::Reaching | Stage::Media | Stage::Inviting);
        for (is_due, by) in [
            (self.ring_by.take_if(|at| *at <= now).is_some(), EndedBy::Timeout),
            (self.cancel_at.take_if(|at| *at <= now).is_some(), EndedBy::Cancel),
        ] {
            if is_due && is_placing && self.why.is_none() {
                self.give_up(by, now);
            }
        }
        for calling in &mut self.callings {
            calling.exchange.handle_timer(now);
        }
        self.tend_cancels(now);
        self.settle_callings(now);
        for asking in &mut self.asking {
            asking.exchange.handle_timer(now);
        }
        self.tend_inbound(now);
        self.go_on(now);
    }

    /// Somebody wants to stop (Ctrl-C): the call is cancelled or ended, then all is over, within a few seconds.
    pub fn handle_stop(&mut self, now: Instant) {
        self.stop(now);
        self.go_on(now);
    }

    /// Takes up what has come to its end, and does what is due.
    fn go_on(&mut self, now: Instant) {
        self.settle_asking(now);
        self.follow_plan(now);
    }

    /// The next thing to do.
    pub fn poll_action(&mut self, now: Instant) -> Option<Action> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        let transmit = self.poll_callings(now).or_else(|| self.poll_inbound());
        transmit.or_else(|| self.poll_asking(now))
    }

    /// When [`Invite::handle_timer`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_finished() {
            return None;
        }
        let callings = self.callings.iter().filter(|calling| !calling.is_over).flat_map(|calling| {
            let cancel = calling.cancel.as_ref().and_then(cancel::Cancel::poll_timeout);
            [calling.exchange.poll_timeout(), calling.silent_by, cancel]
        });
        let asking = self.asking.iter().filter(|asking| !asking.is_done);
        let asking = asking.flat_map(|asking| [asking.exchange.poll_timeout(), asking.silent_by]);
        let inbound = self.inbound.iter().map(|inbound| inbound.server.poll_timeout());
        let accepted = self.accepted.iter().map(Accepted::poll_timeout);
        let own = [self.stop_by, self.linger, self.ring_by, self.cancel_at, self.plan_timeout()];
        callings.chain(asking).chain(inbound).chain(accepted).chain(own).flatten().min()
    }

    /// Whether there is nothing more to do, on the network either.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.stage == Stage::Over && self.actions.is_empty() && self.linger.is_none() && self.is_clean()
    }

    /// What was done and what came of it so far.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }
}
