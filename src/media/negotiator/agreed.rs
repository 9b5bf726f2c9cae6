//! What offer and answer came to.

use super::law_of;
use crate::media::facts::{Format, MediaFacts, Protocol};
use crate::media::g711::Law;
use crate::media::sdp::{Direction, MediaDescription};
use crate::media::srtp::sdes::Keying;
use crate::media::srtp::{Master, Suite};
use std::fmt;
use std::net::SocketAddr;

/// Packets are never longer, in milliseconds, whatever the other side asks for.
const LONGEST_MS: u16 = 60;

/// One audio stream that both sides want.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreed {
    /// Where the other side wants RTP; `None` where it names a host, or nothing.
    pub remote: Option<SocketAddr>,
    /// Where it wants RTCP.
    pub remote_rtcp: Option<SocketAddr>,
    /// What we send.
    pub law: Law,
    /// Payload type with which we send it.
    pub payload_type: u8,
    /// Payload type with which we send telephone events, where they are agreed.
    pub event_type: Option<u8>,
    /// Payload type with which they come.
    pub event_type_received: Option<u8>,
    /// Whether we may send.
    pub sends: bool,
    /// Whether the other side may send.
    pub receives: bool,
    /// Whether the other side put us on hold. RFC 3264 §8.4
    pub is_held: bool,
    /// Milliseconds of audio in the packets that we send.
    pub ptime_ms: u16,
    /// Whether RTP and RTCP share a port. RFC 5761
    pub has_mux: bool,
    /// How it is protected; `None` in the clear.
    pub protection: Option<Protection>,
}

/// The keys of both directions. RFC 4568 §6
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Protection {
    /// The suite.
    pub suite: Suite,
    /// What we protect with.
    pub local: Master,
    /// What the other side protects with.
    pub remote: Master,
}

/// Why there is nothing to agree on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Unacceptable {
    /// An answer that nobody asked for.
    NotAsked,
    /// No media description at all.
    NoMedia,
    /// More of them than are taken.
    TooManyMedia,
    /// No audio, or only such as is refused (port 0).
    NoAudio,
    /// A transport other than RTP, or one whose keys come by DTLS.
    Protocol,
    /// No codec that both have.
    Codec,
    /// Media in the clear where it must be protected, or no usable `crypto`.
    Keys,
}

impl Unacceptable {
    /// Of two reasons the one that says more.
    pub(super) fn or(self, other: Unacceptable) -> Unacceptable {
        self.max(other)
    }

    /// The warn-code that says so. RFC 3261 §20.43
    #[must_use]
    pub fn warning(self) -> u16 {
        match self {
            Unacceptable::NotAsked => 399,
            Unacceptable::NoMedia | Unacceptable::TooManyMedia | Unacceptable::NoAudio => 304,
            Unacceptable::Protocol => 302,
            Unacceptable::Codec => 305,
            Unacceptable::Keys => 306,
        }
    }
}

impl fmt::Display for Unacceptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unacceptable::NotAsked => "an answer to no offer",
            Unacceptable::NoMedia => "no media description",
            Unacceptable::TooManyMedia => "too many media descriptions",
            Unacceptable::NoAudio => "no audio",
            Unacceptable::Protocol => "no transport in common",
            Unacceptable::Codec => "no codec in common: PCMU and PCMA are spoken here",
            Unacceptable::Keys => "no usable crypto attribute",
        })
    }
}

impl std::error::Error for Unacceptable {}

/// Where, and how long, one side wants packets: what is read alike from an offer and an answer.
pub(super) struct Wanted {
    pub(super) remote: Option<SocketAddr>,
    pub(super) remote_rtcp: Option<SocketAddr>,
    pub(super) ptime_ms: u16,
}

impl Wanted {
    pub(super) fn of(media: &MediaDescription<'_>, facts: &MediaFacts) -> Wanted {
        let address = |e: crate::base::Endpoint| {
            let ip = e.ip();
            // The null address asks for silence. RFC 3264 §8.4
            (!ip.is_unspecified() && !ip.is_multicast()).then_some(SocketAddr::new(ip, e.port))
        };
        let asked = if facts.ptime_ms == 0 { 20 } else { facts.ptime_ms };
        let most = media.maxptime_ms().and_then(|ms| u16::try_from(ms).ok()).filter(|ms| *ms > 0).unwrap_or(LONGEST_MS);
        // Whole tens, so that packets stay whole frames.
        let ptime_ms = asked.min(most).clamp(10, LONGEST_MS) / 10 * 10;
        Wanted { remote: facts.endpoint.and_then(address), remote_rtcp: facts.rtcp.and_then(address), ptime_ms }
    }
}

/// What an answer makes of our offer. RFC 3264 §7
pub(super) fn of_answer(
    ours: &MediaFacts,
    media: &MediaDescription<'_>,
    theirs: &MediaFacts,
    master: &Master,
    direction: Direction,
) -> Result<Agreed, Unacceptable> {
    if theirs.port == 0 || theirs.kind != ours.kind {
        return Err(Unacceptable::NoAudio);
    }
    if theirs.protocol.is_secure() != ours.protocol.is_secure() || !theirs.protocol.is_rtp() {
        return Err(Unacceptable::Protocol);
    }
    let offered = |format: &&Format| ours.formats.iter().any(|own| own.is_same(format));
    let format = theirs.formats.iter().find(|f| law_of(f.codec()).is_some() && offered(f));
    let (law, payload_type) = format.and_then(|f| law_of(f.codec()).zip(f.payload_type)).ok_or(Unacceptable::Codec)?;
    let event = |facts: &MediaFacts| {
        facts.formats.iter().find(|f| f.is_telephone_event() && f.clock_rate == 8000).and_then(|f| f.payload_type)
    };
    let events = event(theirs).zip(event(ours));
    let wanted = Wanted::of(media, theirs);
    let protection = if ours.protocol.is_secure() { Some(protection(ours, media, master)?) } else { None };
    Ok(Agreed {
        remote: wanted.remote,
        remote_rtcp: wanted.remote_rtcp,
        law,
        payload_type,
        event_type: events.map(|(theirs, _)| theirs),
        event_type_received: events.map(|(_, ours)| ours),
        sends: direction.sends() && theirs.direction.receives() && !theirs.is_null_address,
        receives: direction.receives() && theirs.direction.sends(),
        is_held: theirs.is_hold() && direction.sends(),
        ptime_ms: wanted.ptime_ms,
        has_mux: theirs.has_rtcp_mux && ours.has_rtcp_mux,
        protection,
    })
}

/// The one `crypto` that the answer took: its tag and suite are those of one offered. RFC 4568 §5.1.3
fn protection(ours: &MediaFacts, media: &MediaDescription<'_>, master: &Master) -> Result<Protection, Unacceptable> {
    let taken = media.attributes().filter(|a| a.name == b"crypto").find_map(|a| Keying::parse(a.value));
    let taken = taken.ok_or(Unacceptable::Keys)?;
    let was_offered = matches!(ours.protocol, Protocol::Savp | Protocol::Savpf)
        && super::slot::SUITES.iter().any(|(tag, suite)| *tag == taken.tag && *suite == taken.suite);
    if !was_offered {
        return Err(Unacceptable::Keys);
    }
    Ok(Protection { suite: taken.suite, local: master.clone(), remote: taken.master })
}
