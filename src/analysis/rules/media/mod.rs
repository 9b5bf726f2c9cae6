//! Whether the media came, and how well.

pub mod codec_unexpected;
pub mod dtmf;
pub mod early_media;
pub mod late_media;
pub mod one_way;
pub mod orphan;
pub mod quality;
pub mod source;

use super::Rule;
use crate::analysis::{Case, Finding, Part};
use crate::base::Timestamp;
use crate::media::codec::Content;
use crate::media::facts::{Kind, MediaFacts};
use crate::trace::{Conversation, Facts, MediaStream, call};

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[
    source::RULE,
    one_way::RULE,
    late_media::RULE,
    early_media::RULE,
    quality::RULE,
    codec_unexpected::RULE,
    dtmf::RULE,
    orphan::RULE,
];

/// Whether a stream is mostly something that a person listens to: not telephone events alone, not pictures.
#[must_use]
pub fn is_voice(stream: &MediaStream) -> bool {
    let receiver = &stream.receiver;
    receiver.content(receiver.statistics().payload_type) == Content::Audio
}

/// Which way of a call, in words: what the one hears that the other says.
#[must_use]
pub fn way(to_caller: bool) -> &'static str {
    if to_caller { "from the callee to the caller" } else { "from the caller to the callee" }
}

/// What the descriptions of a call say of one way of its sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Agreed {
    /// Position of the first offer and of its answer that take sound.
    pub first: (u32, u32),
    /// Whether every agreement, from the first to the last, lets sound pass from the callee to the caller …
    pub to_caller: bool,
    /// … and from the caller to the callee.
    pub to_callee: bool,
    /// Whether the sides look for their addresses by themselves: what they announce says little. RFC 8445
    pub has_ice: bool,
}

impl Agreed {
    /// Names the messages in a finding, and quotes what they say of sound.
    pub fn show(&self, f: &mut Finding) {
        f.positions = vec![self.first.0, self.first.1];
        f.quote(self.first.0, Part::BodyLine(b"m=audio".to_vec()), "sound is offered");
        f.quote(self.first.1, Part::BodyLine(b"m=audio".to_vec()), "and accepted");
    }
}

/// What offers and answers agree on for sound; `None` where they agree on none.
#[must_use]
pub fn agreed(case: &Case<'_>) -> Option<Agreed> {
    let c = case.conversation;
    let mut agreed: Option<Agreed> = None;
    for pair in super::sdp::pairs(case) {
        let is_sound =
            |(o, a): &(&MediaFacts, &MediaFacts)| o.kind == Kind::Audio && o.protocol.is_rtp() && a.protocol.is_rtp();
        let Some((offered, answered)) = pair.accepted().find(is_sound) else { continue };
        let flows = |from: &MediaFacts, to: &MediaFacts| {
            from.direction.sends() && to.direction.receives() && !to.is_null_address && to.endpoint.is_some()
        };
        let by_caller = c.at(pair.at.offer).is_some_and(|f| is_by_caller(c, f));
        let (to_answerer, to_offerer) = (flows(offered, answered), flows(answered, offered));
        let (to_caller, to_callee) = if by_caller { (to_offerer, to_answerer) } else { (to_answerer, to_offerer) };
        let entry = agreed.get_or_insert(Agreed {
            first: (pair.at.offer, pair.at.answer),
            to_caller: true,
            to_callee: true,
            has_ice: false,
        });
        entry.to_caller &= to_caller;
        entry.to_callee &= to_callee;
        entry.has_ice |= offered.has_ice || answered.has_ice;
    }
    agreed
}

/// Whether the description in a message is that of the caller's side.
#[must_use]
pub fn is_by_caller(c: &Conversation, f: &Facts) -> bool {
    // A response is sent by the side that its request was sent to.
    call::is_from_caller(c, f) == f.is_request()
}

/// From when to when a call was up, as far as the capture shows.
#[must_use]
pub fn talk(case: &Case<'_>) -> Option<(Timestamp, Timestamp)> {
    let c = case.conversation;
    let outcome = case.outcome();
    let begun = outcome.answered?;
    let end = outcome.bye.and_then(|p| c.at(p)).map_or(case.now, |f| f.time);
    Some((begun, end.max(begun)))
}
