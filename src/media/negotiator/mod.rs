//! Our side of offer and answer: the descriptions that we make, and what they come to. RFC 3264
//!
//! One [`Negotiator`] stands for one dialog, early dialogs included. It composes [`Negotiator::offer`] and
//! [`Negotiator::answer`], reads the answer to ours with [`Negotiator::conclude`], and gives what was [`Agreed`]: where to
//! send what, with which keys. A description that cannot be agreed on leaves everything as it was. RFC 3264 §8

mod agreed;
mod compose;
mod slot;

#[cfg(test)]
mod tests;

pub use agreed::{Agreed, Protection, Unacceptable};

use super::Codec;
use super::facts::SdpFacts;
use super::g711::Law;
use super::sdp::{Direction, Session};
use super::srtp::sdes::Keying;
use super::srtp::{Master, Suite};
use crate::base::Entropy;
use slot::Slot;
use std::net::IpAddr;

/// The events that are taken: the digits. RFC 4733 §2.4.1
const OUR_DIGITS: &str = "0-15";
/// Media descriptions that an offer may have: more are not answered.
const MAX_SLOTS: usize = 16;

/// What we want of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wishes {
    /// The laws, in order of preference; both where it is empty.
    pub laws: Vec<Law>,
    /// Whether digits are taken and sent as telephone events.
    pub has_events: bool,
    /// Offer SRTP with SDES, and take nothing else. RFC 4568
    pub is_secure: bool,
}

impl Default for Wishes {
    /// µ-law before A-law, telephone events, in the clear.
    fn default() -> Self {
        Wishes { laws: vec![Law::Mu, Law::A], has_events: true, is_secure: false }
    }
}

impl Wishes {
    /// The laws in order, each once and never none.
    fn laws(&self) -> Vec<Law> {
        let mut laws: Vec<Law> = Vec::new();
        for &law in if self.laws.is_empty() { &[Law::Mu, Law::A][..] } else { &self.laws } {
            if !laws.contains(&law) {
                laws.push(law);
            }
        }
        laws
    }
}

/// Where our media is received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Local {
    /// The address, as the other side is to know it.
    pub address: IpAddr,
    /// Port of RTP.
    pub rtp: u16,
    /// Port of RTCP.
    pub rtcp: u16,
}

/// Our side of offer and answer in one dialog.
#[derive(Clone, Debug)]
pub struct Negotiator {
    local: Local,
    wishes: Wishes,
    /// `sess-id`, and how often the description changed. RFC 8866 §5.2
    session: u64,
    version: u64,
    /// The body sent last, its version left out.
    last: Option<String>,
    /// The media descriptions so far, in order: their number never shrinks. RFC 3264 §8
    slots: Vec<Slot>,
    /// Our key: one for all suites, and for the whole dialog.
    master: Master,
    /// Which way we want media to flow.
    direction: Direction,
    /// Our offer that no answer came to yet.
    offered: Option<SdpFacts>,
    agreed: Option<Agreed>,
}

impl Negotiator {
    /// A dialog that has not begun.
    pub fn new(local: Local, wishes: Wishes, entropy: &mut Entropy) -> Self {
        Negotiator {
            local,
            wishes,
            // RFC 3264 §5 has it fit into 63 bits; some read it into 32.
            session: entropy.below(u64::from(u32::MAX >> 1)),
            version: 0,
            last: None,
            slots: Vec::new(),
            master: Master::random(entropy),
            direction: Direction::SendRecv,
            offered: None,
            agreed: None,
        }
    }

    /// The same wishes for another early dialog of the same offer: each fork answers for itself. RFC 3261 §13.2.2.4
    #[must_use]
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// Which way we want media to flow; counts from the next offer or answer on.
    pub fn set_direction(&mut self, direction: Direction) {
        self.direction = direction;
    }

    /// Which way we want media to flow.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// What was agreed on last.
    #[must_use]
    pub fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }

    /// Whether our offer waits for an answer.
    #[must_use]
    pub fn has_offered(&self) -> bool {
        self.offered.is_some()
    }

    /// Takes our offer back: it was refused. What was agreed before holds on. RFC 3264 §8
    pub fn withdraw(&mut self) {
        self.offered = None;
    }

    /// Composes an offer: the first, or one that changes what was agreed.
    pub fn offer(&mut self) -> Vec<u8> {
        let ours = self.own_slot();
        if ours == self.slots.len() {
            self.slots.push(Slot::default());
        }
        let slot = Slot::offered(&self.wishes, &self.master, self.direction, self.agreed.as_ref());
        if let Some(place) = self.slots.get_mut(ours) {
            *place = slot;
        }
        let body = self.compose();
        self.offered = Some(SdpFacts::of(&Session::parse(&body)));
        body
    }

    /// Reads an offer, and composes the answer to it.
    ///
    /// # Errors
    /// Where nothing in it can be agreed on: the session stays as it was, and 488 is to be answered.
    pub fn answer(&mut self, offer: &[u8]) -> Result<(Vec<u8>, Agreed), Unacceptable> {
        let session = Session::parse(offer);
        if session.media.is_empty() {
            return Err(Unacceptable::NoMedia);
        }
        if session.media.len() > MAX_SLOTS || session.media_beyond > 0 {
            return Err(Unacceptable::TooManyMedia);
        }
        let facts = SdpFacts::of(&session);
        let (mut slots, mut agreed, mut why) = (Vec::new(), None, Unacceptable::NoAudio);
        for (media, facts) in session.media.iter().zip(&facts.media) {
            let (slot, found) = match agreed {
                None => match Slot::answered(media, facts, &self.wishes, &self.master, self.direction) {
                    Ok((slot, found)) => (slot, Some(found)),
                    Err(reason) => {
                        why = why.or(reason);
                        (Slot::refused(media), None)
                    }
                },
                Some(_) => (Slot::refused(media), None),
            };
            slots.push(slot);
            agreed = agreed.or(found);
        }
        let agreed: Agreed = agreed.ok_or(why)?;
        self.slots = slots;
        self.offered = None;
        self.agreed = Some(agreed.clone());
        Ok((self.compose(), agreed))
    }

    /// The answer that refuses every media description of an offer, where one has to be given: to a 2xx that has the offer, an ACK
    /// without an answer is none. RFC 3261 §13.2.2.4, RFC 3264 §6
    #[must_use]
    pub fn refuse(&self, offer: &[u8]) -> Vec<u8> {
        let session = Session::parse(offer);
        let mut refusing = self.clone();
        refusing.slots = session.media.iter().take(MAX_SLOTS).map(Slot::refused).collect();
        refusing.compose()
    }

    /// Reads the answer to our offer.
    ///
    /// # Errors
    /// Where it refuses our audio or answers what was not offered; the offer is then withdrawn.
    pub fn conclude(&mut self, answer: &[u8]) -> Result<Agreed, Unacceptable> {
        let Some(offered) = self.offered.take() else { return Err(Unacceptable::NotAsked) };
        let session = Session::parse(answer);
        if session.media.is_empty() {
            return Err(Unacceptable::NoMedia);
        }
        let facts = SdpFacts::of(&session);
        let at = self.own_slot();
        let (media, theirs) = session.media.get(at).zip(facts.media.get(at)).ok_or(Unacceptable::NoAudio)?;
        let ours = offered.media.get(at).ok_or(Unacceptable::NotAsked)?;
        let agreed = agreed::of_answer(ours, media, theirs, &self.master, self.direction)?;
        self.agreed = Some(agreed.clone());
        Ok(agreed)
    }

    /// The place of our audio; one beyond the last where there is none yet.
    fn own_slot(&self) -> usize {
        self.slots.iter().position(|slot| !slot.is_refused()).unwrap_or(self.slots.len())
    }

    fn compose(&mut self) -> Vec<u8> {
        let body = compose::body(&self.local, &self.slots);
        // The version grows with every change, and with nothing else. RFC 3264 §8
        if self.last.as_ref().is_some_and(|last| *last != body) {
            self.version += 1;
        }
        let whole = compose::whole(&self.local, self.session, self.version, &body);
        self.last = Some(body);
        whole.into_bytes()
    }
}

/// The suite and key that we offer under a tag.
fn own_keying(tag: u32, suite: Suite, master: &Master) -> Keying {
    Keying { tag, suite, master: master.clone() }
}

/// The law of a payload type that a media description has.
fn law_of(codec: Option<Codec>) -> Option<Law> {
    codec.and_then(Law::of)
}
