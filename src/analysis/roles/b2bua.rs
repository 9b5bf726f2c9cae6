//! What tells a B2BUA, and when it is an SBC. RFC 3261 §6, RFC 7092

use super::Station;
use crate::base::{Endpoint, Safe};
use crate::sip::{HeaderName, Method};
use crate::trace::{Conversation, Facts};

/// INVITEs of a conversation that are looked at.
const LOOKED_AT: usize = 64;

/// What shows that a station is a B2BUA.
pub(super) struct Found {
    /// Whether it is an SBC.
    pub is_sbc: bool,
    /// How it is known.
    pub evidence: Vec<String>,
}

/// Whether a station answers one dialog and begins another for it.
pub(super) fn found(station: &Station<'_>) -> Option<Found> {
    let (received, sent, mut evidence) = across_call_ids(station).or_else(|| under_one_call_id(station))?;
    let mut is_sbc = false;
    if let (Some(received), Some(sent)) = (received, sent) {
        let changes = [media_change(station.c, received, sent), hidden(station.c, received, sent)];
        for change in changes.into_iter().flatten() {
            is_sbc = true;
            evidence.push(change);
        }
    }
    Some(Found { is_sbc, evidence })
}

type Ends<'a> = (Option<&'a Facts>, Option<&'a Facts>, Vec<String>);

/// INVITEs that begin a dialog.
fn initial(c: &Conversation) -> impl Iterator<Item = (u32, &Facts)> {
    c.requests(Method::Invite).filter(|(_, f)| f.to_tag.is_empty()).take(LOOKED_AT)
}

/// A leg that the station received, or sent, and the other one that follows from it under another Call-ID. Who calls because he was asked to is no
/// B2BUA.
fn across_call_ids<'a>(station: &Station<'a>) -> Option<Ends<'a>> {
    let c = station.c;
    let legs = &c.joined.as_ref()?.legs;
    for (number, leg) in legs.iter().enumerate() {
        let Some(link) = leg.link.as_ref().filter(|l| !l.evidence.iter().any(|e| e.is_transfer())) else { continue };
        let Some((_, sent)) = initial(c).find(|(at, _)| c.leg_of(*at) == number) else { continue };
        let before = || initial(c).filter(|(at, f)| c.leg_of(*at) == link.to && f.index < sent.index).map(|(_, f)| f);
        let ended_at = before().last();
        let sender_was_called =
            before().any(|f| station.path.station(f.flow.dst) == station.path.station(sent.flow.src));
        let is_sender = station.sends(sent);
        // One with an address on each side: the leg before ends at the one, the later begins at the other.
        let is_other_side = !sender_was_called && ended_at.is_some_and(|f| station.receives(f));
        if !is_sender && !is_other_side {
            continue;
        }
        let received = before().filter(|f| station.receives(f)).last().or(ended_at);
        let id = |leg: usize| legs.get(leg).map_or_else(String::new, |leg| Safe(c.text(leg.call_id)).to_string());
        let what = if is_sender { "sent" } else { "got" };
        let why =
            format!("{what} the INVITE that went on from {} as {}, score {}", id(link.to), id(number), link.score);
        return Some((received, Some(sent), vec![why]));
    }
    None
}

/// An INVITE that came in, and one with another From tag that went out under the same Call-ID.
fn under_one_call_id<'a>(station: &Station<'a>) -> Option<Ends<'a>> {
    let c = station.c;
    for (at, received) in initial(c).filter(|(_, f)| station.receives(f)) {
        let is_other = |(other, f): &(u32, &Facts)| {
            station.sends(f)
                && f.index > received.index
                && c.leg_of(*other) == c.leg_of(at)
                && c.text(f.from_tag) != c.text(received.from_tag)
        };
        if let Some((_, sent)) = initial(c).find(is_other) {
            let why =
                "answered an INVITE, and sent one of its own under the same Call-ID with another From tag".to_owned();
            return Some((Some(received), Some(sent), vec![why]));
        }
    }
    None
}

/// What is said where the INVITE that went out wants media elsewhere than the one that came in.
pub(super) fn media_change(c: &Conversation, received: &Facts, sent: &Facts) -> Option<String> {
    let wanted = |f: &Facts| -> Option<Endpoint> {
        c.sdp(f)?.media.iter().filter(|m| m.port != 0 && !m.is_null_address).find_map(|m| m.endpoint)
    };
    let (before, after) = wanted(received).zip(wanted(sent))?;
    (before != after).then(|| format!("rewrote the media address from {before} to {after}"))
}

/// What is said where the INVITE that went out shows nothing of the hops that the one that came in had passed.
fn hidden(c: &Conversation, received: &Facts, sent: &Facts) -> Option<String> {
    let routes = |f: &Facts| c.headers(f, HeaderName::RecordRoute).count();
    let hops = usize::from(received.vias).saturating_sub(1);
    let hides = (hops > 0 || routes(received) > 0) && sent.vias == 1 && routes(sent) == 0;
    hides.then(|| {
        format!("hid the way that the call had come: {hops} Via and {} Record-Route are gone", routes(received))
    })
}
