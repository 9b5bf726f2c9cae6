//! Whether the two sides agreed on media that can work.

pub mod answer_missing;
pub mod answer_shape;
pub mod codecs;
pub mod direction;
pub mod dtmf_lost;
pub mod hold;
pub mod malformed;
pub mod payload_types;
pub mod rejected;
pub mod security;

use super::Rule;
use crate::analysis::{Case, Finding, Part};
use crate::base::{Endpoint, Safe};
use crate::media::SdpFacts;
use crate::media::facts::{Format, FormatName, MediaFacts};
use crate::trace::offer::Negotiation;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[
    malformed::RULE,
    answer_missing::RULE,
    answer_shape::RULE,
    security::RULE,
    codecs::RULE,
    payload_types::RULE,
    dtmf_lost::RULE,
    direction::RULE,
    rejected::RULE,
    hold::RULE,
];

/// An offer with its answer, and who made them.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// Where they stand.
    pub at: Negotiation,
    /// The offer.
    pub offer: &'a SdpFacts,
    /// The answer.
    pub answer: &'a SdpFacts,
    /// Who offered, as the capture saw it.
    pub offerer: Endpoint,
    /// Who answered, as the capture saw it.
    pub answerer: Endpoint,
}

/// The offers of a call with their answers.
pub fn pairs<'a>(case: &'a Case<'_>) -> impl Iterator<Item = Pair<'a>> {
    let c = case.conversation;
    let seen = if c.sdps.is_empty() { &[] } else { case.negotiations() };
    seen.iter().filter_map(move |&at| {
        let (offer, answer) = (c.at(at.offer)?, c.at(at.answer)?);
        let (offerer, answerer) = (offer.flow.src, answer.flow.src);
        Some(Pair { at, offer: c.sdp(offer)?, answer: c.sdp(answer)?, offerer, answerer })
    })
}

impl<'a> Pair<'a> {
    /// Quotes the media lines of both sides for a kind of media; every kind where it is empty.
    pub fn quote(&self, kind: &str, f: &mut Finding) {
        let line = Part::BodyLine(format!("m={kind}").into_bytes());
        f.quote(self.at.offer, line.clone(), "the offer");
        f.quote(self.at.answer, line, "the answer");
    }

    /// Media descriptions of the offer, each with the one that answers it.
    pub fn media(&self) -> impl Iterator<Item = (&'a MediaFacts, &'a MediaFacts)> + use<'a> {
        self.offer.media.iter().zip(&self.answer.media)
    }

    /// Those of them that both sides want.
    pub fn accepted(&self) -> impl Iterator<Item = (&'a MediaFacts, &'a MediaFacts)> + use<'a> {
        self.media()
            .filter(|(offered, answered)| offered.kind == answered.kind && offered.port != 0 && answered.port != 0)
    }
}

/// Formats named in a sentence; more say nothing new.
const NAMED: usize = 12;

/// The formats of a media description in a sentence: `PCMU (0), telephone-event (101)`.
#[must_use]
pub fn formats<'a>(all: impl IntoIterator<Item = &'a Format>) -> String {
    let mut told = String::new();
    for (n, format) in all.into_iter().enumerate() {
        if n == NAMED {
            told.push_str(" …");
            break;
        }
        if n > 0 {
            told.push_str(", ");
        }
        told.push_str(&format_name(format));
    }
    if told.is_empty() { "nothing".to_owned() } else { told }
}

/// `PCMU (0)`, `payload type 97` where nothing explains it.
#[must_use]
pub fn format_name(format: &Format) -> String {
    match (&format.name, format.payload_type) {
        (FormatName::Unexplained, Some(number)) => format!("payload type {number}"),
        (FormatName::Unexplained, None) => "an unnamed format".to_owned(),
        (_, number) => {
            let name = Safe(format.name().unwrap_or_default().as_bytes()).to_string();
            number.map_or(name.clone(), |number| format!("{name} ({number})"))
        }
    }
}
