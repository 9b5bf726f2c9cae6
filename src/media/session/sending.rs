//! The sending half: frames at absolute instants, digits in their place, echoes at once.

use super::receiving::Taken;
use super::report::{Pacing, PeerReport, SentMedia};
use super::{Settings, Source};
use crate::base::{Entropy, Timestamp};
use crate::media::dtmf::sender::Sender as Digits;
use crate::media::g711::SAMPLES_PER_MS;
use crate::media::mark::Mark;
use crate::media::negotiator::Agreed;
use crate::media::rtp::{Header, Sender};
use crate::media::srtp::Suite;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Packets that wait to be sent back at most.
const ECHOES: usize = 50;
/// Bytes of one that is sent back at most: 60 ms.
const ECHO_BYTES: usize = 480;
/// A deadline missed by more is not made up for: the machine slept.
const HOPELESS: i64 = 200_000_000;

/// A packet on its way back.
#[derive(Debug)]
struct Echo {
    payload_type: u8,
    marker: bool,
    timestamp: u32,
    payload: Vec<u8>,
}

/// The sending half.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) rtp: Sender,
    pub(super) digits: Digits,
    source: Source,
    mark: Mark,
    agreed: Option<Agreed>,
    /// When the next frame is due.
    due: Option<Timestamp>,
    /// When the last frame was due, and its RTP timestamp.
    last_due: Option<(Timestamp, u32)>,
    /// Samples made so far.
    position: u64,
    /// When the first sample of the tone was sent.
    began: Option<Timestamp>,
    /// A talkspurt begins with the next packet. RFC 3551 §4.1
    opens: bool,
    echoes: VecDeque<Echo>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    to: Option<SocketAddr>,
    pacing: Pacing,
    is_stopped: bool,
}

impl Sending {
    pub(super) fn new(settings: &Settings, entropy: &mut Entropy) -> Self {
        Sending {
            rtp: Sender::new(entropy),
            digits: Digits::new(settings.timing),
            source: settings.source.clone(),
            mark: settings.mark,
            agreed: None,
            due: None,
            last_due: None,
            position: 0,
            began: None,
            opens: true,
            echoes: VecDeque::new(),
            first: None,
            last: None,
            to: None,
            pacing: Pacing::default(),
            is_stopped: false,
        }
    }

    pub(super) fn agree(&mut self, now: Timestamp, agreed: &Agreed) {
        let could = self.due.is_some();
        self.agreed = Some(agreed.clone());
        if !agreed.sends || self.is_stopped {
            self.pause();
        } else if !could && self.source.is_paced() {
            // The RTP clock ran on while nothing was sent, RFC 3550 §5.1, and the rhythm of the mark with it: what is heard is timed by it.
            if let Some((then, timestamp)) = self.last_due {
                let paused = now.since(then).max(0) / 1000 * i64::from(SAMPLES_PER_MS) / 1000;
                let skipped = timestamp.wrapping_add(paused as u32).wrapping_sub(self.rtp.timestamp());
                self.rtp.advance(skipped);
                self.position = self.position.saturating_add_signed(i64::from(skipped as i32));
            }
            (self.due, self.opens) = (Some(now), true);
        }
    }

    fn pause(&mut self) {
        self.due = None;
        self.echoes.clear();
        self.last = None;
    }

    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
        self.pause();
    }

    /// When there is something to send.
    pub(super) fn due(&self) -> Option<Timestamp> {
        if self.echoes.is_empty() { self.due } else { Some(Timestamp(0)) }
    }

    /// When the tone's first sample went out; what comes back is timed from there.
    pub(super) fn tone_began(&self) -> Option<Timestamp> {
        self.began.filter(|_| self.source == Source::Mark)
    }

    /// The RTP timestamp that `now` has, for a sender report. RFC 3550 §6.4.1
    pub(super) fn timestamp_at(&self, now: Timestamp) -> u32 {
        let Some((then, timestamp)) = self.last_due else { return self.rtp.timestamp() };
        let since = now.since(then).max(0) / 1000 * i64::from(SAMPLES_PER_MS) / 1000;
        timestamp.wrapping_add(since as u32)
    }

    /// Sends a packet back: with our own source and numbers, and the other side's payload types.
    pub(super) fn echo(&mut self, taken: Taken, packet: &[u8]) {
        let Some(agreed) = self.agreed.as_ref().filter(|a| a.sends && !self.is_stopped) else { return };
        let Some(header) = Header::parse(packet) else { return };
        let payload = header.payload(packet);
        let payload_type = match taken {
            Taken::Audio(law) if law == agreed.law => agreed.payload_type,
            Taken::Event => match agreed.event_type {
                Some(number) => number,
                None => return,
            },
            Taken::Audio(_) | Taken::Other => return,
        };
        if payload.len() <= ECHO_BYTES && self.echoes.len() < ECHOES {
            let (marker, timestamp) = (header.marker, header.timestamp);
            self.echoes.push_back(Echo { payload_type, marker, timestamp, payload: payload.to_vec() });
        }
    }

    /// Composes the packet that is due, if one is.
    pub(super) fn next(&mut self, now: Timestamp, out: &mut Vec<u8>) -> bool {
        if let Some(echo) = self.echoes.pop_front() {
            self.rtp.write(echo.payload_type, echo.marker, echo.timestamp, &echo.payload, out);
            self.last_due = Some((now, echo.timestamp));
            return true;
        }
        let Some(agreed) = self.agreed.clone() else { return false };
        let step_ms = u32::from(agreed.ptime_ms);
        let frame = Duration::from_millis(u64::from(step_ms));
        loop {
            let Some(due) = self.due.filter(|due| *due <= now) else { return false };
            let due = if now.since(due) > HOPELESS { now } else { due };
            let step = step_ms * SAMPLES_PER_MS;
            let timestamp = self.rtp.timestamp();
            let is_first = self.began.is_none();
            if is_first {
                self.began = Some(due);
            }
            // Each deadline follows from the one before, not from when this packet was made: no delay adds up.
            self.due = Some(due.after(frame));
            self.last_due = Some((due, timestamp));
            let at = self.position;
            self.position += u64::from(step);
            let written = self.compose(&agreed, at, timestamp, step, out);
            self.rtp.advance(step);
            if written {
                return true;
            }
        }
    }

    fn compose(&mut self, agreed: &Agreed, at: u64, timestamp: u32, step: u32, out: &mut Vec<u8>) -> bool {
        if let Some(number) = agreed.event_type
            && let Some(packet) = self.digits.next(timestamp, step)
        {
            self.rtp.write(number, packet.marker, packet.timestamp, &packet.payload, out);
            // Audio goes on with a new talkspurt after the digit.
            self.opens = true;
            return true;
        }
        let mut samples = vec![0; step as usize];
        self.source.fill(self.mark, at, &mut samples);
        let payload: Vec<u8> = samples.iter().map(|&s| agreed.law.encode(s)).collect();
        let marker = std::mem::take(&mut self.opens);
        self.rtp.write(agreed.payload_type, marker, timestamp, &payload, out);
        true
    }

    /// A packet went out.
    pub(super) fn sent(&mut self, now: Timestamp, to: SocketAddr) {
        self.first.get_or_insert(now);
        self.to = Some(to);
        if let Some(before) = self.last.replace(now)
            && let Some(agreed) = self.agreed.as_ref().filter(|_| self.source.is_paced())
        {
            self.pacing.push(now.ms_since(before) - f64::from(agreed.ptime_ms));
        }
    }

    pub(super) fn report(&self, peer: Option<PeerReport>, suite: Option<Suite>) -> SentMedia {
        SentMedia {
            ssrc: self.rtp.ssrc(),
            packets: self.rtp.packets(),
            octets: self.rtp.octets(),
            codec: self.agreed.as_ref().map(|a| a.law.codec()),
            suite,
            to: self.to,
            first: self.first,
            digits: self.digits.sent().to_owned(),
            pacing: self.pacing,
            peer,
            tone_began: self.tone_began(),
        }
    }
}
