//! The dialogs that one INVITE makes: each To tag is one, with an offer and answer of its own. RFC 3261 §12.1.2, §13.2.2.4

use super::ways::Hop;
use super::wish::Wish;
use super::{Action, Fork, Invite, Problem, WayId};
use crate::agent::Dialog;
use crate::media::Negotiator;
use crate::media::negotiator::Unacceptable;
use crate::sip::{HeaderName, Message};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Early dialogs of one INVITE that are followed.
const MAX_EARLY: usize = 16;
/// Dialogs of the whole call, those with a 2xx that has to be acknowledged and ended included.
const MAX_LEGS: usize = 64;
/// Longest To tag that is kept: one that is longer is no dialog that could be answered by a datagram.
const LONGEST_TAG: usize = 1024;
/// Statuses that are noted of one dialog.
const MAX_RESPONSES: usize = 64;

/// How far offer and answer came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Session {
    /// No answer yet (of a late offer: no offer yet).
    Open,
    /// The answer came in a response that may get lost: it holds, whatever later ones have. RFC 3261 §13.2.1
    Early(Vec<u8>),
    /// Both sides are agreed.
    Agreed,
    /// There is nothing to agree on.
    Failed(Unacceptable),
}

/// How far a dialog came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    /// A provisional response made it.
    Early,
    /// A 2xx came.
    Up,
    /// Our BYE is on its way.
    Leaving,
    /// It is over.
    Gone,
}

/// The ACK of a 2xx, which each repeat of that is answered with.
#[derive(Clone, Debug)]
pub(super) struct Acknowledgement {
    way: WayId,
    bytes: Vec<u8>,
    last: Instant,
}

impl Acknowledgement {
    /// As it was sent first.
    pub(super) fn new(way: WayId, bytes: Vec<u8>, now: Instant) -> Self {
        Acknowledgement { way, bytes, last: now }
    }

    /// For a repeat of the 2xx. Its sender repeats it after T1 at the earliest (RFC 3261 §13.3.1.4): what comes much sooner is the
    /// network's copy, or of a server that takes each ACK for a repeat and repeats its 2xx in turn, without end.
    pub(super) fn again(&mut self, t1: Duration, now: Instant) -> Option<Action> {
        if now.saturating_duration_since(self.last) < t1 / 2 {
            return None;
        }
        self.last = now;
        Some(Action::Send { way: self.way, to: None, bytes: self.bytes.clone() })
    }
}

/// One dialog; its place in the list is that of its [`Fork`] in the record.
#[derive(Debug)]
pub(super) struct Leg {
    /// Place of the INVITE that made it.
    pub(super) calling: usize,
    pub(super) tag: Vec<u8>,
    /// `None` as long as nothing had to be asked inside it and no response had a Contact.
    pub(super) dialog: Option<Dialog>,
    pub(super) negotiator: Option<Negotiator>,
    pub(super) session: Session,
    pub(super) life: Life,
    /// RSeq of the last reliable provisional response. RFC 3262 §4
    pub(super) rseq: Option<u32>,
    /// Status that was told last.
    pub(super) told: Option<u16>,
    pub(super) hop: Hop,
    /// What waits for the way.
    pub(super) queue: VecDeque<Wish>,
    /// The ACK as it was sent, for each repeat of the 2xx. RFC 3261 §13.2.2.4
    pub(super) ack: Option<Acknowledgement>,
    /// What was acknowledged last, should it have to go by another way.
    pub(super) acked: Option<Wish>,
    /// Whether the other side takes UPDATE. RFC 3311 §4
    pub(super) takes_update: bool,
    /// Whether the BYE was tried by a second way.
    pub(super) tried_again: bool,
}

impl Invite {
    /// The dialog of a response with a To tag; it is made where it is new. `None` without a tag (unless it is a 2xx) or where
    /// there are too many.
    pub(super) fn leg_of(&mut self, calling: usize, response: &Message<'_>) -> Option<usize> {
        let (tag, status) = (response.to_tag(), response.status().unwrap_or_default());
        let is_answer = (200..300).contains(&status);
        // RFC 3261 §12.1.2: a 2xx without a tag makes a dialog all the same.
        if tag.len() > LONGEST_TAG || tag.is_empty() && !is_answer {
            return None;
        }
        let same = |leg: &Leg| leg.calling == calling && leg.tag == tag;
        let found = self.legs.iter().position(same);
        let early = self.legs.iter().filter(|leg| leg.calling == calling).count();
        if found.is_none() && (self.legs.len() >= MAX_LEGS || early >= MAX_EARLY && !is_answer) {
            self.trouble(Problem::TooManyForks);
            self.record.may_be_up |= is_answer;
            return None;
        }
        let at = found.unwrap_or_else(|| {
            self.legs.push(Leg {
                calling,
                tag: tag.to_vec(),
                dialog: None,
                negotiator: self.media.as_ref().map(Negotiator::fork),
                session: Session::Open,
                life: Life::Early,
                rseq: None,
                told: None,
                hop: Hop::Unknown,
                queue: VecDeque::new(),
                ack: None,
                acked: None,
                takes_update: false,
                tried_again: false,
            });
            self.record.forks.push(Fork {
                tag: tag.to_vec(),
                contact: Vec::new(),
                software: Vec::new(),
                responses: Vec::new(),
                pracked: 0,
                early_media: None,
                answered: None,
                is_kept: false,
                bye_status: None,
            });
            self.legs.len() - 1
        });
        self.learn(at, response);
        Some(at)
    }

    /// Takes what a response says of the dialog: Contact, route set, who answered, what is allowed there.
    fn learn(&mut self, at: usize, response: &Message<'_>) {
        let is_answer = response.status().is_some_and(|status| (200..300).contains(&status));
        let Some((leg, fork)) = self.legs.get_mut(at).zip(self.record.forks.get_mut(at)) else { return };
        if let Some(contact) = response.contact().filter(|contact| !contact.uri.is_empty()) {
            fork.contact = contact.uri.to_vec();
        }
        if let Some(software) = response.header(HeaderName::Server).or_else(|| response.header(HeaderName::UserAgent)) {
            fork.software = software.to_vec();
        }
        if response.header(HeaderName::Allow).is_some() {
            leg.takes_update = response.values(HeaderName::Allow).any(|method| method == b"UPDATE");
        }
        match &mut leg.dialog {
            None => leg.dialog = Dialog::caller(response).ok(),
            // What cannot be taken leaves the dialog as it was, and the BYE finds its way by that.
            Some(dialog) if is_answer && leg.life == Life::Early => {
                let _ = dialog.confirm(response);
                leg.hop = Hop::Unknown;
            }
            Some(_) => {}
        }
    }

    /// Makes a dialog of a response that lacks what it should have; `false` where none can be made.
    pub(super) fn insist(&mut self, at: usize, response: &Message<'_>) -> bool {
        let uri =
            self.legs.get(at).and_then(|leg| self.callings.get(leg.calling)).map(|calling| calling.uri().to_owned());
        let Some(leg) = self.legs.get_mut(at) else { return false };
        if leg.dialog.is_some() {
            return true;
        }
        let Ok((dialog, is_missing)) = Dialog::caller_otherwise(response, &uri.unwrap_or_default()) else {
            return false;
        };
        leg.dialog = Some(dialog);
        if is_missing {
            self.trouble(Problem::NoContact);
        }
        true
    }

    /// Notes a status in the record of a dialog; `false` where it is a repeat.
    pub(super) fn note_status(&mut self, at: usize, status: u16, is_new: bool, now: Instant) -> bool {
        let Some((leg, fork)) = self.legs.get_mut(at).zip(self.record.forks.get_mut(at)) else { return false };
        if !is_new && leg.told == Some(status) {
            return false;
        }
        leg.told = Some(status);
        if fork.responses.len() < MAX_RESPONSES {
            fork.responses.push((now, status));
        }
        true
    }

    /// The dialog to which a request of the peer belongs.
    pub(super) fn owner(&self, message: &Message<'_>) -> Option<usize> {
        self.legs.iter().position(|leg| leg.dialog.as_ref().is_some_and(|dialog| dialog.owns(message)))
    }
}
