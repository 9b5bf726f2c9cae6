//! Which SDP is an offer and which its answer. RFC 3264, RFC 6337 §2

use super::conversation::Conversation;
use super::facts::Facts;
use crate::media::SdpFacts;
use crate::media::facts::{Format, MediaFacts};
use crate::sip::Method;
use smallvec::SmallVec;

/// An offer and an answer to it: positions of the messages that carry them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Negotiation {
    /// The offer.
    pub offer: u32,
    /// The answer.
    pub answer: u32,
}

/// Negotiations of one call that are looked at.
const NEGOTIATIONS: usize = 32;

/// Every different offer with its answer, in order of the answers. A pair that other hops repeat unchanged stands once; each branch of a fork, and
/// each hop on which a description was rewritten, has its own. RFC 3264 §4, RFC 6337 §2
#[must_use]
pub fn negotiations(c: &Conversation) -> SmallVec<[Negotiation; 4]> {
    let mut all: SmallVec<[Negotiation; 4]> = SmallVec::new();
    let mut seen: SmallVec<[(u8, u8); 4]> = SmallVec::new();
    for (position, f) in c.firsts().filter(|(_, f)| f.sdp.is_some() && !f.is_request() && !f.cut) {
        if all.len() >= NEGOTIATIONS {
            break;
        }
        let Some((offer, answer)) = pair(c, position, f) else { continue };
        let sdp = |p: u32| c.at(p).and_then(|f| f.sdp);
        let Some(bodies) = sdp(offer).zip(sdp(answer)) else { continue };
        if !seen.contains(&bodies) {
            seen.push(bodies);
            all.push(Negotiation { offer, answer });
        }
    }
    all
}

/// Offer and answer of which a response with SDP is one.
fn pair(c: &Conversation, position: u32, f: &Facts) -> Option<(u32, u32)> {
    if !(101..300).contains(&f.status) || !matches!(f.method, Method::Invite | Method::Update | Method::Prack) {
        return None;
    }
    let at = c.transaction(f)?.request?;
    let request = c.at(at).filter(|r| !r.cut)?;
    if request.sdp.is_some() {
        return Some((at, position));
    }
    // A late offer: its answer comes in the ACK, or in the PRACK where the response was reliable.
    let place = if f.is_success() { Method::Ack } else { Method::Prack };
    let follows =
        |r: &Facts| r.sdp.is_some() && !r.cut && r.flow.src == f.flow.dst && (!f.is_success() || r.cseq == f.cseq);
    let answer = c.requests(place).find(|(p, r)| *p > position && follows(r))?;
    (f.method == Method::Invite).then_some((position, answer.0))
}

/// The place of the SDP of the message at `position`: `offer`, `answer`, or nothing where it has none or it cannot be told.
#[must_use]
pub fn role(c: &Conversation, position: u32) -> Option<&'static str> {
    let f = c.at(position)?;
    c.sdp(f)?;
    let t = c.transaction(f)?;
    let request = t.request.and_then(|p| c.at(p));
    let request_offers = request.is_some_and(|r| r.sdp.is_some());
    match (f.is_request(), f.method) {
        (true, Method::Ack) => Some("answer"),
        // A PRACK answers the offer of the reliable response; where the INVITE offered, it makes a new offer.
        (true, Method::Prack) => {
            let invite = c.requests(Method::Invite).map(|(_, r)| r).rfind(|r| r.time <= f.time);
            Some(if invite.is_some_and(|r| r.sdp.is_some()) { "offer" } else { "answer" })
        }
        (true, Method::Invite | Method::Update) => Some("offer"),
        // What a response answers cannot be told from the response.
        (false, _) if request.is_none_or(|r| r.cut) => None,
        (false, Method::Invite | Method::Update | Method::Prack) => {
            Some(if request_offers { "answer" } else { "offer" })
        }
        _ => None,
    }
}

/// Names of the codecs of an SDP's first media, at most `most` of them: `PCMU PCMA telephone-event`.
#[must_use]
pub fn names(sdp: &SdpFacts, most: usize) -> String {
    let Some(media) = sdp.media.iter().find(|m| m.port != 0).or(sdp.media.first()) else { return String::new() };
    let mut names: Vec<&str> = Vec::new();
    for name in media.formats.iter().filter_map(Format::name).take(64) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.len() {
        0 => media.kind.name().to_owned(),
        // One more costs less room than to say that it is there.
        n if n <= most + 1 => names.join(" "),
        n => format!("{} and {} more", names[..most].join(" "), n - most),
    }
}

/// Whether an SDP names any media.
#[must_use]
pub fn has_names(sdp: &SdpFacts) -> bool {
    !sdp.media.is_empty()
}

/// The codec that an answer chose for its first media: the first that is not an event.
#[must_use]
pub fn agreed_name(sdp: &SdpFacts) -> Option<String> {
    let media = sdp.media.iter().find(|m| m.port != 0)?;
    let chosen = media.formats.iter().find(|f| f.is_content()).or(media.formats.first());
    Some(chosen.and_then(Format::name).unwrap_or(media.kind.name()).to_owned())
}

/// Codecs of a call: those of its last answer, one for each media; before an answer, all that were offered.
#[must_use]
pub fn codecs(c: &Conversation) -> Vec<String> {
    let with = |place: &str| {
        // Of a call of several legs the codecs are those that the caller talks with.
        let mut all = c.firsts().rev().filter(|(at, _)| c.leg_of(*at) == 0);
        all.find(|(p, f)| f.sdp.is_some() && role(c, *p) == Some(place)).and_then(|(_, f)| c.sdp(f))
    };
    let mut names = Vec::new();
    if let Some(answer) = with("answer") {
        for media in answer.media.iter().filter(|m| m.port != 0) {
            let chosen = media.formats.iter().find(|f| f.is_content());
            names.extend(chosen.and_then(Format::name).map(str::to_owned));
        }
    } else if let Some(offer) = with("offer") {
        let content = offer.media.iter().flat_map(|m| m.formats.iter()).filter(|f| f.is_content());
        names.extend(content.filter_map(Format::name).map(str::to_owned));
    }
    let mut distinct: Vec<String> = Vec::new();
    for name in names.into_iter().take(64) {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct
}

/// Whether the SDP of a message asks the other side to send nothing: sendonly or inactive, or the address 0.0.0.0 of RFC 2543.
#[must_use]
pub fn is_held(c: &Conversation, f: &Facts) -> bool {
    let Some(sdp) = c.sdp(f) else { return false };
    sdp.media.iter().any(holds)
}

/// Whether a media description puts the other side on hold. RFC 3264 §8.4
fn holds(media: &MediaFacts) -> bool {
    media.port != 0 && (!media.direction.receives() || media.is_null_address)
}

/// Whether the same side had put the call on hold before the message at `position`.
#[must_use]
pub fn was_held_before(c: &Conversation, position: u32) -> bool {
    let Some(f) = c.at(position) else { return false };
    // The same request on the hop before is no earlier one.
    let earlier = |p: u32, o: &Facts| p < position && o.is_request() && o.sdp.is_some() && o.cseq != f.cseq;
    let before = c.firsts().rev().find(|(p, o)| earlier(*p, o) && c.text(o.from_tag) == c.text(f.from_tag));
    before.is_some_and(|(_, o)| is_held(c, o))
}
