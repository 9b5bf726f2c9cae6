//! The receiving half: which stream it is, what was lost, what was heard, which digits came.

use super::Settings;
use super::report::ReceivedMedia;
use crate::base::Timestamp;
use crate::media::Codec;
use crate::media::dtmf::{Collector, Payload};
use crate::media::g711::{Law, SAMPLES_PER_MS};
use crate::media::hearing::Hearing;
use crate::media::negotiator::Agreed;
use crate::media::rtcp::compose::Block;
use crate::media::rtp::{Arrival, Header, Receiver};
use crate::media::srtp::Refusal;
use std::net::SocketAddr;

/// Sources followed; packets of more are counted.
const SOURCES: usize = 8;
/// A silence in a recording is never longer, in samples: a leap of the timestamp is none. Ten seconds.
const LONGEST_SILENCE: u32 = 80_000;
/// Samples that wait to be taken at most: a minute.
const RECORDED: usize = 480_000;

/// What a packet was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    /// Audio of that law.
    Audio(Law),
    /// A telephone event.
    Event,
    /// Comfort noise, or a payload type that nobody agreed on.
    Other,
}

/// Digits that are kept of those that signalling tells.
const MOST_SIGNALLED: usize = 256;

/// The receiving half.
#[derive(Debug)]
pub(super) struct Receiving {
    agreed: Option<Agreed>,
    sources: Vec<Receiver>,
    /// Packets of sources beyond those followed.
    beyond: u64,
    hearing: Hearing,
    digits: Collector,
    /// Digits that came by signalling.
    signalled: String,
    first: Option<Timestamp>,
    from: Option<SocketAddr>,
    addresses: u32,
    malformed: u64,
    unopened: u64,
    replayed: u64,
    undescribed: u64,
    pub(super) reports: u64,
    records: bool,
    pub(super) recording: Vec<i16>,
    /// RTP timestamp at which the recording goes on, and of which source.
    goes_on: Option<(u32, u32)>,
    /// Lost and expected at the last report.
    reported: (u64, u64),
    decoded: Vec<i16>,
}

impl Receiving {
    pub(super) fn new(settings: &Settings) -> Self {
        Receiving {
            agreed: None,
            sources: Vec::new(),
            beyond: 0,
            hearing: Hearing::new(settings.mark),
            digits: Collector::default(),
            signalled: String::new(),
            first: None,
            from: None,
            addresses: 0,
            malformed: 0,
            unopened: 0,
            replayed: 0,
            undescribed: 0,
            reports: 0,
            records: settings.records,
            recording: Vec::new(),
            goes_on: None,
            reported: (0, 0),
            decoded: Vec::new(),
        }
    }

    pub(super) fn describe(&mut self, agreed: &Agreed) {
        for source in &mut self.sources {
            describe(source, agreed);
        }
        self.agreed = Some(agreed.clone());
    }

    /// A packet could not be opened.
    pub(super) fn refused(&mut self, refusal: Refusal) {
        match refusal {
            Refusal::Malformed => self.malformed += 1,
            Refusal::Authentication | Refusal::Sources => self.unopened += 1,
            Refusal::Replayed => self.replayed += 1,
        }
    }

    /// Takes in a packet in the clear; `None` where it is no RTP.
    pub(super) fn packet(&mut self, now: Timestamp, from: SocketAddr, packet: &[u8]) -> Option<Taken> {
        let Some(header) = Header::parse(packet).filter(|h| h.whole) else {
            self.malformed += 1;
            return None;
        };
        let taken = self.kind_of(header.payload_type);
        self.first.get_or_insert(now);
        if self.from != Some(from) {
            self.addresses = self.addresses.saturating_add(1);
            self.from = Some(from);
        }
        let arrival = self.count(now, &header)?;
        if matches!(arrival, Arrival::Duplicate | Arrival::Stray) {
            return Some(taken);
        }
        let payload = header.payload(packet);
        match taken {
            Taken::Audio(law) => {
                self.decoded.clear();
                self.decoded.extend(payload.iter().map(|&b| law.decode(b)));
                self.hearing.push(now, &self.decoded);
                self.record(&header);
            }
            Taken::Event => {
                if let Some(event) = Payload::parse(payload) {
                    self.digits.push(now, header.timestamp, &event);
                }
            }
            Taken::Other if Codec::from_payload_type(header.payload_type) == Some(Codec::ComfortNoise) => {
                self.hearing.comfort_noise();
            }
            Taken::Other => self.undescribed += 1,
        }
        Some(taken)
    }

    fn kind_of(&self, payload_type: u8) -> Taken {
        let agreed = self.agreed.as_ref();
        if agreed.and_then(|a| a.event_type_received) == Some(payload_type) {
            return Taken::Event;
        }
        // Media may come before the answer that describes it; the types of G.711 need no description. RFC 3264 §5.1
        match payload_type {
            0 => Taken::Audio(Law::Mu),
            8 => Taken::Audio(Law::A),
            other => match agreed.filter(|a| a.payload_type == other) {
                Some(agreed) => Taken::Audio(agreed.law),
                None => Taken::Other,
            },
        }
    }

    fn count(&mut self, now: Timestamp, header: &Header) -> Option<Arrival> {
        if let Some(source) = self.sources.iter_mut().find(|s| s.ssrc() == header.ssrc) {
            return Some(source.push(now, header));
        }
        if self.sources.len() >= SOURCES {
            self.beyond += 1;
            return None;
        }
        let mut source = Receiver::new(header.ssrc);
        if let Some(agreed) = &self.agreed {
            describe(&mut source, agreed);
        }
        let arrival = source.push(now, header);
        self.sources.push(source);
        Some(arrival)
    }

    /// Puts the decoded samples where their timestamp belongs.
    fn record(&mut self, header: &Header) {
        if !self.records || self.recording.len() >= RECORDED {
            return;
        }
        let length = self.decoded.len() as u32;
        let missing = match self.goes_on {
            Some((ssrc, at)) if ssrc == header.ssrc => header.timestamp.wrapping_sub(at) as i32,
            _ => 0,
        };
        if missing < 0 && missing.unsigned_abs() < LONGEST_SILENCE {
            // Too late: its place is past.
            return;
        }
        if (1..LONGEST_SILENCE as i32).contains(&missing) {
            self.recording.extend(std::iter::repeat_n(0, missing.unsigned_abs() as usize));
        }
        self.recording.extend_from_slice(&self.decoded);
        self.goes_on = Some((header.ssrc, header.timestamp.wrapping_add(length)));
    }

    /// The source that matters: the one with most packets.
    fn main(&self) -> Option<&Receiver> {
        self.sources.iter().max_by_key(|s| s.packets())
    }

    /// What our report tells of what comes. RFC 3550 §6.4.1
    pub(super) fn block(&mut self, now: Timestamp, last: Option<(u32, Timestamp)>) -> Option<Block> {
        let source = self.sources.iter().max_by_key(|s| s.last())?;
        let statistics = source.statistics();
        let lost = statistics.lost.saturating_sub(self.reported.0);
        let expected = statistics.expected.saturating_sub(self.reported.1);
        self.reported = (statistics.lost, statistics.expected);
        let (last_sender_report, delay_since_last) = match last {
            Some((middle, at)) => (middle, (now.since(at).max(0) as u64).saturating_mul(65_536) / 1_000_000_000),
            None => (0, 0),
        };
        Some(Block {
            ssrc: source.ssrc(),
            fraction_lost: lost.saturating_mul(256).checked_div(expected).unwrap_or(0).min(255) as u8,
            cumulative_lost: u32::try_from(statistics.lost).unwrap_or(u32::MAX),
            highest_sequence: source.highest_sequence(),
            jitter: (statistics.jitter_ms * f64::from(SAMPLES_PER_MS)) as u32,
            last_sender_report,
            delay_since_last: u32::try_from(delay_since_last).unwrap_or(u32::MAX),
        })
    }

    /// A digit came by signalling; one beyond those of a long dialling is let fall.
    pub(super) fn signal(&mut self, digit: char) {
        if self.signalled.len() < MOST_SIGNALLED {
            self.signalled.push(digit);
        }
    }

    pub(super) fn report(&self, tone_began: Option<Timestamp>, described: Option<SocketAddr>) -> ReceivedMedia {
        ReceivedMedia {
            statistics: self.main().map(Receiver::statistics),
            heard: self.hearing.heard(tone_began),
            first: self.first,
            from: self.from,
            described,
            addresses: self.addresses,
            sources: u32::try_from(self.sources.len()).unwrap_or(u32::MAX),
            digits: self.digits.digits() + &self.signalled,
            reports: self.reports,
            malformed: self.malformed,
            unopened: self.unopened,
            replayed: self.replayed,
            undescribed: self.undescribed + self.beyond,
        }
    }
}

fn describe(source: &mut Receiver, agreed: &Agreed) {
    source.describe(agreed.payload_type, Some(agreed.law.codec()), 8000);
    if let Some(number) = agreed.event_type_received {
        source.describe(number, Some(Codec::TelephoneEvent), 8000);
    }
}
