//! What speaks for two calls being legs of one, and how much.

use smallvec::SmallVec;

/// One thing that two calls have in common, or that ties one to the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Evidence {
    /// The same UUID in Session-ID. RFC 7989 §4
    SessionId,
    /// A header field of the INVITE gives the Call-ID of the other call.
    NamesCallId(&'static str),
    /// The same value in a header field that is made for correlation.
    SharesValue(&'static str),
    /// The Call-ID is that of the other call with something added or with another host.
    CallIdDerived,
    /// The same icid-value in P-Charging-Vector. RFC 7315 §4.6
    ChargingVector,
    /// Replaces gives the Call-ID of the other call. RFC 3891
    Replaces,
    /// Replaces gives the Call-ID that a REFER in the other call said should be replaced. RFC 5589 §7
    ReplacesAsAsked,
    /// Join gives the Call-ID of the other call. RFC 3911
    Join,
    /// A REFER in the other call asked for it. RFC 3515
    Refer,
    /// The same origin line in both descriptions of the session. RFC 8866 §5.2
    Origin,
    /// Both descriptions want media at the same address and port.
    Media,
    /// Sent from the address and port that had received the other INVITE.
    SameSocket,
    /// Sent from the host that had received the other INVITE.
    SameHost,
    /// Sent within half a second after the other INVITE.
    AtOnce,
    /// Sent within a few seconds after the other INVITE.
    SoonAfter,
    /// The same number, or user, was called.
    Called,
    /// The same number, or user, calls.
    Caller,
    /// Diversion or History-Info names whom the other call was for. RFC 5806, RFC 7044
    Diverted,
    /// The other call was waiting for its answer.
    Waiting,
    /// Both were answered, the later leg first, within a second of each other. Shown, but seen too late to decide.
    AnsweredTogether,
    /// Both ended within a second of each other. Shown, but seen too late to decide.
    EndedTogether,
}

impl Evidence {
    /// Points that it counts for.
    #[must_use]
    pub fn weight(self) -> u16 {
        match self {
            Evidence::SessionId
            | Evidence::NamesCallId(_)
            | Evidence::Replaces
            | Evidence::ReplacesAsAsked
            | Evidence::Join => 100,
            Evidence::SharesValue(_) | Evidence::CallIdDerived | Evidence::ChargingVector => 90,
            Evidence::Refer => 60,
            Evidence::Origin => 45,
            Evidence::Media | Evidence::SameSocket => 30,
            Evidence::SameHost | Evidence::Called | Evidence::Caller | Evidence::Diverted => 25,
            Evidence::AtOnce => 20,
            Evidence::Waiting => 15,
            Evidence::SoonAfter => 10,
            Evidence::AnsweredTogether | Evidence::EndedTogether => 0,
        }
    }

    /// The strongest form of what can be said in two strengths.
    fn stronger(self) -> Option<Evidence> {
        match self {
            Evidence::SameSocket | Evidence::SameHost => Some(Evidence::SameSocket),
            Evidence::AtOnce | Evidence::SoonAfter => Some(Evidence::AtOnce),
            _ => None,
        }
    }

    /// Whether it names the other call, so that nothing else is needed.
    #[must_use]
    pub fn names_call(self) -> bool {
        self.weight() >= 90
    }

    /// Whether one call asked for the other: then the same user agent may have begun both, and the first may be over.
    #[must_use]
    pub fn is_transfer(self) -> bool {
        matches!(self, Evidence::Replaces | Evidence::ReplacesAsAsked | Evidence::Join | Evidence::Refer)
    }
}

/// Everything that ties one call to another, each thing once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Weighed {
    /// The evidence, gravest first once it has been [`sorted`](Weighed::sorted).
    pub evidence: SmallVec<[Evidence; 8]>,
}

impl Weighed {
    /// Adds a thing, once; of two that say the same, the one that says more.
    pub fn add(&mut self, evidence: Evidence) {
        let same = |e: &Evidence| *e == evidence || (e.stronger().is_some() && e.stronger() == evidence.stronger());
        match self.evidence.iter_mut().find(|e| same(e)) {
            Some(known) if known.weight() < evidence.weight() => *known = evidence,
            Some(_) => {}
            None => self.evidence.push(evidence),
        }
    }

    /// Sum of the weights.
    #[must_use]
    pub fn score(&self) -> u16 {
        self.evidence.iter().map(|e| e.weight()).fold(0, u16::saturating_add)
    }

    /// Whether a thing is among it.
    #[must_use]
    pub fn has(&self, test: impl Fn(Evidence) -> bool) -> bool {
        self.evidence.iter().copied().any(test)
    }

    /// Gravest first.
    #[must_use]
    pub fn sorted(mut self) -> Weighed {
        self.evidence.sort_by_key(|e| (std::cmp::Reverse(e.weight()), *e));
        self
    }
}
