//! Offer and answer: what the two descriptions together agree on. RFC 3264
//!
//! A media description of the answer belongs to the one of the offer at the same place. RFC 3264 §6

use super::facts::{Format, MediaFacts, SdpFacts};
use super::sdp::Direction;
use smallvec::SmallVec;

/// The outcome for one media description.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreement {
    /// Its place in the descriptions, from 0.
    pub index: usize,
    /// Whether both sides want it.
    pub outcome: Outcome,
    /// The formats that both have, in the answer's order and with the answer's payload types: those that the offerer sends.
    /// The answerer sends with the offer's. RFC 3264 §6.1
    pub formats: SmallVec<[Format; 4]>,
    /// Payload types of telephone events in the offer and in the answer, where both have them.
    pub telephone_event: Option<(u8, u8)>,
    /// Whether the offerer sends.
    pub offerer_sends: bool,
    /// Whether the answerer sends.
    pub answerer_sends: bool,
    /// How the media is protected.
    pub security: Security,
    /// Who was put on hold.
    pub hold: Hold,
}

/// What became of an offered media description.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// Accepted.
    Accepted,
    /// Offered with port 0: ended, or never wanted. RFC 3264 §8.2
    NotOffered,
    /// Answered with port 0. RFC 3264 §6
    Rejected,
    /// Accepted, but with nothing that was offered.
    NothingInCommon,
    /// The answer has another medium at this place.
    OtherKind,
    /// The answer has no media description at this place.
    Unanswered,
}

/// How media is protected.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Security {
    /// In the clear.
    None,
    /// SRTP with keys in the descriptions. RFC 4568
    Sdes,
    /// SRTP with keys by DTLS. RFC 5764
    Dtls,
    /// A secure profile, but no keys in one of the descriptions.
    Unkeyed,
    /// Protected on one side only.
    Mismatch,
}

/// Who was put on hold. RFC 3264 §8.4
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hold {
    /// Nobody.
    None,
    /// The offerer asks the answerer to be silent.
    ByOfferer,
    /// The answerer asks the offerer to be silent.
    ByAnswerer,
    /// Each the other.
    Both,
}

/// What an offer and its answer agree on, one agreement for each media description of the offer.
#[must_use]
pub fn negotiate(offer: &SdpFacts, answer: &SdpFacts) -> SmallVec<[Agreement; 2]> {
    let pairs = offer.media.iter().enumerate();
    pairs.map(|(index, offered)| agree(index, offered, answer.media.get(index))).collect()
}

fn agree(index: usize, offered: &MediaFacts, answered: Option<&MediaFacts>) -> Agreement {
    let mut agreement = Agreement {
        index,
        outcome: Outcome::Unanswered,
        formats: SmallVec::new(),
        telephone_event: None,
        offerer_sends: false,
        answerer_sends: false,
        security: Security::None,
        hold: Hold::None,
    };
    let Some(answered) = answered else { return agreement };
    agreement.outcome = outcome(offered, answered);
    if agreement.outcome != Outcome::Accepted {
        return agreement;
    }
    agreement.formats = common(offered, answered).map(|(_, theirs)| theirs.clone()).collect();
    if !agreement.formats.iter().any(Format::is_content) {
        agreement.outcome = Outcome::NothingInCommon;
    }
    let events = common(offered, answered).find(|(_, theirs)| theirs.is_telephone_event());
    agreement.telephone_event = events.and_then(|(ours, theirs)| ours.payload_type.zip(theirs.payload_type));
    agreement.offerer_sends = flows(offered, answered);
    agreement.answerer_sends = flows(answered, offered);
    agreement.security = security(offered, answered);
    agreement.hold = match (offered.is_hold(), answered.is_hold() && !is_echo(offered, answered)) {
        (false, false) => Hold::None,
        (true, false) => Hold::ByOfferer,
        (false, true) => Hold::ByAnswerer,
        (true, true) => Hold::Both,
    };
    agreement
}

fn outcome(offered: &MediaFacts, answered: &MediaFacts) -> Outcome {
    if offered.kind != answered.kind {
        Outcome::OtherKind
    } else if offered.port == 0 {
        Outcome::NotOffered
    } else if answered.port == 0 {
        Outcome::Rejected
    } else {
        Outcome::Accepted
    }
}

/// The formats of the answer that the offer has as well, each with the offered one. Both lists are bounded.
fn common<'a>(offered: &'a MediaFacts, answered: &'a MediaFacts) -> impl Iterator<Item = (&'a Format, &'a Format)> {
    answered
        .formats
        .iter()
        .filter_map(|theirs| Some((offered.formats.iter().find(|ours| ours.is_same(theirs))?, theirs)))
}

/// Whether media flows from one side to the other: the one is willing to send, the other to receive at a real address.
fn flows(from: &MediaFacts, to: &MediaFacts) -> bool {
    from.direction.sends() && to.direction.receives() && !to.is_null_address
}

/// An answer may not receive what is not sent: to an offer that only receives or is inactive, its own silence is no hold but
/// the only thing it can say. RFC 3264 §6.1
fn is_echo(offered: &MediaFacts, answered: &MediaFacts) -> bool {
    !offered.direction.sends() && !answered.is_null_address && {
        // An inactive answer where it could have sent is a choice.
        answered.direction == Direction::SendOnly || offered.direction == Direction::Inactive
    }
}

fn security(offered: &MediaFacts, answered: &MediaFacts) -> Security {
    let protection = |media: &MediaFacts| {
        let keyed = media.protocol.is_secure() || media.protocol.is_rtp() && !media.suites.is_empty();
        if media.protocol.is_dtls() || media.protocol.is_secure() && media.has_fingerprint && media.suites.is_empty() {
            if media.has_fingerprint { Security::Dtls } else { Security::Unkeyed }
        } else if keyed {
            if media.suites.is_empty() { Security::Unkeyed } else { Security::Sdes }
        } else {
            Security::None
        }
    };
    match (protection(offered), protection(answered)) {
        // Keys offered beside a plain profile are an invitation that may be passed over.
        (Security::Sdes, Security::None) if !offered.protocol.is_secure() => Security::None,
        // A profile may offer both ways of keying.
        (Security::Sdes, Security::Dtls) if offered.has_fingerprint => Security::Dtls,
        (a, b) if a == b => b,
        (Security::Unkeyed, b) | (b, Security::Unkeyed) if b != Security::None => Security::Unkeyed,
        _ => Security::Mismatch,
    }
}

/// Whether two directions cannot work together although each is allowed: both only send, or both only receive.
#[must_use]
pub fn is_conflict(offered: Direction, answered: Direction) -> bool {
    offered == answered && matches!(offered, Direction::SendOnly | Direction::RecvOnly)
}

#[cfg(test)]
mod tests;
