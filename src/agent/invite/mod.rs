//! A trial call: INVITE to BYE, with offer and answer, forks, redirections, and an end that leaves nothing up. RFC 3261 §13
//!
//! A machine without I/O, as [`super::Machine`] is, but with several ways: a redirection, a Contact or a Route may lead elsewhere
//! than the first INVITE went. What it did and what came of it stands in its [`Record`]; [`Event`]s are for those who watch.

pub mod options;
pub mod record;

pub use options::{Dtmf, DtmfMode, InviteOptions};
pub use record::{Cancelled, EndedBy, Fork, Inside, Offered, Problem, Record, Transfer, Try};

use crate::base::Entropy;
use crate::media::negotiator::{Agreed, Local};
use crate::transport::{LineFacts, TransportError};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

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
        /// Why again: `None` for the first. `credentials`, `next candidate`, `redirection`, `session interval`, `glare`
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

/// The caller.
#[derive(Debug)]
pub struct Invite {
    record: Record,
}

impl Invite {
    /// Starts with the first candidate.
    #[must_use]
    pub fn new(options: InviteOptions, entropy: Entropy) -> Self {
        let _ = (options, entropy);
        Invite { record: Record::default() }
    }

    /// The way is there.
    pub fn handle_reached(&mut self, way: WayId, line: &LineFacts, now: Instant) {
        let _ = (way, line, now);
    }

    /// The way could not be found, or it broke.
    pub fn handle_unreached(&mut self, way: WayId, error: &TransportError, now: Instant) {
        let _ = (way, error, now);
    }

    /// Where media is received; `None` where no ports could be bound.
    pub fn handle_media(&mut self, local: Option<Local>, now: Instant) {
        let _ = (local, now);
    }

    /// Every digit that was to be pressed was sent.
    pub fn handle_pressed(&mut self, now: Instant) {
        let _ = now;
    }

    /// A message (or what came in its place) arrived by that way.
    pub fn handle_message(&mut self, bytes: &[u8], way: WayId, from: SocketAddr, now: Instant) {
        let _ = (bytes, way, from, now);
    }

    /// A timer is due.
    pub fn handle_timer(&mut self, now: Instant) {
        let _ = now;
    }

    /// Somebody wants to stop (Ctrl-C): the call is cancelled or ended, then all is over, within a few seconds.
    pub fn handle_stop(&mut self, now: Instant) {
        let _ = now;
    }

    /// The next thing to do.
    pub fn poll_action(&mut self, now: Instant) -> Option<Action> {
        let _ = now;
        None
    }

    /// When [`Invite::handle_timer`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Whether there is nothing more to do, on the network either.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        true
    }

    /// What was done and what came of it so far.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }
}
