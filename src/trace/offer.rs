//! Which SDP is an offer and which its answer. RFC 3264, RFC 6337 §2

use super::conversation::Conversation;
use super::facts::Facts;
use crate::media::SdpFacts;
use crate::media::codec::Codec;
use crate::sip::Method;

/// The place of the SDP of the message at `position`: `offer`, `answer`, or nothing where it has none or it cannot be told.
#[must_use]
pub fn role(c: &Conversation, position: u32) -> Option<&'static str> {
    let f = c.at(position)?;
    c.sdp(f)?;
    let t = c.transaction(f)?;
    let request_offers = t.request.and_then(|p| c.at(p)).is_some_and(|r| r.sdp.is_some());
    match (f.is_request(), f.method) {
        (true, Method::Ack) => Some("answer"),
        // A PRACK answers the offer of the reliable response; where the INVITE offered, it makes a new offer.
        (true, Method::Prack) => {
            let invite = c.requests(Method::Invite).map(|(_, r)| r).rfind(|r| r.time <= f.time);
            Some(if invite.is_some_and(|r| r.sdp.is_some()) { "offer" } else { "answer" })
        }
        (true, Method::Invite | Method::Update) => Some("offer"),
        (false, Method::Invite | Method::Update | Method::Prack) => Some(if request_offers { "answer" } else { "offer" }),
        _ => None,
    }
}

/// Names of the codecs of an SDP's first media: `PCMU PCMA telephone-event`.
#[must_use]
pub fn names(sdp: &SdpFacts) -> String {
    let Some(media) = sdp.media.iter().find(|m| m.port != 0).or(sdp.media.first()) else { return String::new() };
    let mut names: Vec<&str> = Vec::new();
    for payload in media.payloads.iter().take(12) {
        if !names.contains(&payload.name()) {
            names.push(payload.name());
        }
    }
    if names.is_empty() { media.kind.as_str().to_owned() } else { names.join(" ") }
}

/// Whether a payload carries speech or pictures itself, not events or comfort noise beside them.
fn is_main(codec: Option<Codec>) -> bool {
    !matches!(codec, Some(Codec::TelephoneEvent | Codec::ComfortNoise))
}

/// The codec that an answer chose for its first media: the first that is not an event.
#[must_use]
pub fn agreed_name(sdp: &SdpFacts) -> Option<String> {
    let media = sdp.media.iter().find(|m| m.port != 0)?;
    let chosen = media.payloads.iter().find(|p| is_main(p.codec)).or(media.payloads.first());
    Some(chosen.map_or_else(|| media.kind.as_str().to_owned(), |p| p.name().to_owned()))
}

/// Codecs of a call: those of its last answer, one for each media; before an answer, all that were offered.
#[must_use]
pub fn codecs(c: &Conversation) -> Vec<String> {
    let with = |place: &'static str| {
        let mut all = c.firsts().rev().filter(move |(p, f)| f.sdp.is_some() && role(c, *p) == Some(place));
        all.next().and_then(|(_, f)| c.sdp(f))
    };
    let mut names = Vec::new();
    if let Some(answer) = with("answer") {
        for media in answer.media.iter().filter(|m| m.port != 0) {
            let chosen = media.payloads.iter().find(|p| is_main(p.codec));
            names.extend(chosen.map(|p| p.name().to_owned()));
        }
    } else if let Some(offer) = with("offer") {
        names.extend(offer.media.iter().flat_map(|m| m.payloads.iter()).filter(|p| is_main(p.codec)).map(|p| p.name().to_owned()));
    }
    let mut seen = Vec::new();
    names.retain(|n| !seen.contains(n) && { seen.push(n.clone()); true });
    names.truncate(16);
    names
}

/// Whether the SDP of a message asks the other side to send nothing: sendonly or inactive, or the address 0.0.0.0 of RFC 2543.
#[must_use]
pub fn is_held(c: &Conversation, f: &Facts) -> bool {
    let Some(sdp) = c.sdp(f) else { return false };
    sdp.media.iter().any(|m| m.port != 0 && m.is_held())
}

/// Whether the same side had put the call on hold before the message at `position`.
#[must_use]
pub fn was_held_before(c: &Conversation, position: u32) -> bool {
    let Some(f) = c.at(position) else { return false };
    let before = c.firsts().rev().find(|(p, o)| {
        *p < position && o.sdp.is_some() && o.is_request() && c.text(o.from_tag) == c.text(f.from_tag)
    });
    before.is_some_and(|(_, o)| is_held(c, o))
}
