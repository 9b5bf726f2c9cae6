//! What a trial call is to do.

use crate::agent::{Account, Identity};
use crate::media::negotiator::Wishes;
use crate::transaction::Timers;
use std::time::Duration;

/// How digits are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DtmfMode {
    /// As telephone events in RTP. RFC 4733
    Rtp,
    /// One INFO a digit, with a body of `application/dtmf-relay`.
    Info,
}

/// Digits to send once the call stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dtmf {
    /// `0-9 * # A-D`
    pub digits: String,
    /// How.
    pub mode: DtmfMode,
}

/// What a trial call is to do.
#[derive(Clone, Debug)]
pub struct InviteOptions {
    /// Request-URI of the first INVITE.
    pub uri: String,
    /// To, without tag.
    pub to: String,
    /// Who we are in every request.
    pub identity: Identity,
    /// Who we are to a server that asks.
    pub account: Option<Account>,
    /// T1, T2, T4.
    pub timers: Timers,
    /// How long the first response to a request may take.
    pub timeout: Duration,
    /// How long it may ring, from the first INVITE to the answer: then the call is cancelled.
    pub ring_timeout: Duration,
    /// How long the call stands, from the answer to our BYE.
    pub duration: Duration,
    /// Cancel the call so long after its INVITE.
    pub cancel_after: Option<Duration>,
    /// Send no offer: the other side makes it, and our ACK (or PRACK) answers it. RFC 3261 §13.2.1
    pub is_late_offer: bool,
    /// Codecs, events, SRTP.
    pub wishes: Wishes,
    /// Whether 100rel is named in Supported. RFC 3262
    pub has_reliable: bool,
    /// Put the other side on hold for so long, in the middle of the call, then resume.
    pub hold: Option<Duration>,
    /// Digits to send.
    pub dtmf: Option<Dtmf>,
    /// Session-Expires to ask for, in seconds; `None` names `timer` in Supported and leaves it to the others. RFC 4028
    pub session_expires: Option<u32>,
    /// How many redirections are followed. RFC 3261 §8.1.3.4
    pub max_redirects: u32,
    /// How many candidates the plan has.
    pub candidates: usize,
}
