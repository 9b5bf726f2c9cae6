//! One media description of ours: offered, answered or refused.

use super::agreed::{Agreed, Protection, Unacceptable, Wanted};
use super::{OUR_DIGITS, Wishes, law_of, own_keying};
use crate::media::facts::{Format, Kind, MediaFacts};
use crate::media::sdp::{Direction, MediaDescription};
use crate::media::srtp::sdes::Keying;
use crate::media::srtp::{Master, Suite};

/// Payload type under which we offer telephone events.
pub(super) const OUR_EVENT_TYPE: u8 = 101;
/// The suites that we offer, by tag.
pub(super) const SUITES: [(u32, Suite); 2] = [(1, Suite::Sha80), (2, Suite::Sha32)];
/// Formats of a refused description that are told back.
const MAX_FORMATS: usize = 16;
/// Bytes of a word that is told back.
const MAX_WORD: usize = 32;

/// One `m=` line and its attributes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Slot {
    pub(super) kind: String,
    pub(super) protocol: String,
    pub(super) formats: Vec<String>,
    /// The values of its `a=` lines; none where it is refused.
    pub(super) attributes: Vec<String>,
    pub(super) has_mux: bool,
}

impl Slot {
    /// Whether it has port 0.
    pub(super) fn is_refused(&self) -> bool {
        self.attributes.is_empty()
    }

    /// The audio that we offer. Payload types keep the meaning that they were given before. RFC 3264 §8.3.2
    pub(super) fn offered(wishes: &Wishes, master: &Master, direction: Direction, before: Option<&Agreed>) -> Slot {
        let mut slot = Slot {
            kind: "audio".to_owned(),
            protocol: if wishes.is_secure { "RTP/SAVP" } else { "RTP/AVP" }.to_owned(),
            ..Slot::default()
        };
        for law in wishes.laws() {
            slot.format(law.payload_type(), law.codec().name());
        }
        let event_type = before.and_then(|a| a.event_type_received).unwrap_or(OUR_EVENT_TYPE);
        if wishes.has_events {
            slot.format(event_type, "telephone-event");
            slot.attributes.push(format!("fmtp:{event_type} {OUR_DIGITS}"));
        }
        slot.attributes.push("ptime:20".to_owned());
        if wishes.is_secure {
            let keyed = before.and_then(|a| a.protection.as_ref()).map(|p| p.suite);
            for (tag, suite) in SUITES.into_iter().filter(|(_, suite)| keyed.is_none_or(|kept| kept == *suite)) {
                slot.attributes.push(format!("crypto:{}", own_keying(tag, suite, master).value()));
            }
        }
        slot.attributes.push(direction.name().to_owned());
        slot
    }

    /// The answer to an offered description, or why there is none. RFC 3264 §6
    pub(super) fn answered(
        media: &MediaDescription<'_>,
        facts: &MediaFacts,
        wishes: &Wishes,
        master: &Master,
        direction: Direction,
    ) -> Result<(Slot, Agreed), Unacceptable> {
        if facts.kind != Kind::Audio || facts.port == 0 {
            return Err(Unacceptable::NoAudio);
        }
        let secure = facts.protocol.is_secure();
        if !facts.protocol.is_rtp() || facts.protocol.is_dtls() || (wishes.is_secure && !secure) {
            return Err(if wishes.is_secure { Unacceptable::Keys } else { Unacceptable::Protocol });
        }
        let (laws, mut slot) = (wishes.laws(), Slot::like(media));
        let taken = facts.formats.iter().filter(|f| f.clock_rate == 8000 && f.channels == 1);
        let taken = taken.filter_map(|f| Some((law_of(f.codec()).filter(|law| laws.contains(law))?, f.payload_type?)));
        let taken: Vec<_> = taken.take(2).collect();
        // The first of the offer, which is what the offerer likes best. RFC 3264 §6.1
        let &(law, payload_type) = taken.first().ok_or(Unacceptable::Codec)?;
        for (law, payload_type) in taken {
            slot.format(payload_type, law.codec().name());
        }
        let is_event = |f: &&Format| f.is_telephone_event() && f.clock_rate == 8000;
        let event_type = facts.formats.iter().find(is_event).and_then(|f| f.payload_type);
        let event_type = event_type.filter(|_| wishes.has_events);
        if let Some(number) = event_type {
            slot.format(number, "telephone-event");
            slot.attributes.push(format!("fmtp:{number} {OUR_DIGITS}"));
        }
        slot.attributes.push("ptime:20".to_owned());
        let protection = if secure { Some(slot.key(media, master)?) } else { None };
        slot.has_mux = facts.has_rtcp_mux;
        if slot.has_mux {
            slot.attributes.push("rtcp-mux".to_owned());
        }
        // RFC 3264 §6.1: nothing flows that the offerer does not want.
        let sends = direction.sends() && facts.direction.receives();
        let receives = direction.receives() && facts.direction.sends();
        slot.attributes.push(told(sends, receives).name().to_owned());
        let wanted = Wanted::of(media, facts);
        let agreed = Agreed {
            remote: wanted.remote,
            remote_rtcp: if slot.has_mux { wanted.remote } else { wanted.remote_rtcp },
            law,
            payload_type,
            event_type,
            event_type_received: event_type,
            sends: sends && !facts.is_null_address,
            receives,
            is_held: facts.is_hold(),
            ptime_ms: wanted.ptime_ms,
            has_mux: slot.has_mux,
            protection,
        };
        Ok((slot, agreed))
    }

    /// The refusal of an offered description: the same line with port 0. RFC 3264 §6
    pub(super) fn refused(media: &MediaDescription<'_>) -> Slot {
        let mut slot = Slot::like(media);
        slot.formats = media.formats().take(MAX_FORMATS).map(word).collect();
        if slot.formats.is_empty() {
            slot.formats.push("0".to_owned());
        }
        slot
    }

    fn like(media: &MediaDescription<'_>) -> Slot {
        Slot { kind: word(media.kind), protocol: word(media.protocol), ..Slot::default() }
    }

    fn format(&mut self, payload_type: u8, name: &str) {
        self.formats.push(payload_type.to_string());
        self.attributes.push(format!("rtpmap:{payload_type} {name}/8000"));
    }

    /// Takes the first `crypto` that is understood. RFC 4568 §5.1.2
    fn key(&mut self, media: &MediaDescription<'_>, master: &Master) -> Result<Protection, Unacceptable> {
        let offered = media.attributes().filter(|a| a.name == b"crypto").find_map(|a| Keying::parse(a.value));
        let offered = offered.ok_or(Unacceptable::Keys)?;
        self.attributes.push(format!("crypto:{}", own_keying(offered.tag, offered.suite, master).value()));
        Ok(Protection { suite: offered.suite, local: master.clone(), remote: offered.master })
    }
}

/// The direction of who sends and receives.
fn told(sends: bool, receives: bool) -> Direction {
    match (sends, receives) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}

/// A word of theirs that is told back: visible ASCII, cut to a bound, never empty.
fn word(bytes: &[u8]) -> String {
    let kept: String = bytes.iter().take(MAX_WORD).filter(|b| b.is_ascii_graphic()).map(|&b| char::from(b)).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}
