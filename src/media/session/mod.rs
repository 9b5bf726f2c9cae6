//! The media of one call: what is sent and when, what comes and what it was. RFC 3550
//!
//! A machine without socket and clock: `handle_*` for what came, [`MediaSession::poll_timeout`] for when to ask again,
//! [`MediaSession::poll_transmit`] for what goes out, [`MediaSession::report`] for what it all came to. Times are those of a
//! clock that never goes back.

mod receiving;
mod report;
mod sending;
mod source;

#[cfg(test)]
mod tests;

pub use report::{MediaReport, Pacing, PeerReport, ReceivedMedia, SentMedia};
pub use source::Source;

use super::dtmf::sender::Timing;
use super::mark::Mark;
use super::negotiator::Agreed;
use super::rtcp::{self, SenderInfo, compose};
use super::srtp::Context;
use crate::base::{Entropy, Timestamp};
use receiving::Receiving;
use sending::Sending;
use std::net::SocketAddr;
use std::time::Duration;

/// Time between two of our reports; the first comes after half of it. RFC 3550 §6.2 takes 5 s for few participants
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// A source silent for so long gives its place to another address.
const RELATCH_NS: i64 = 1_000_000_000;
/// Seconds from 1900 to 1970. RFC 3550 §4
const NTP_OFFSET: u64 = 2_208_988_800;

/// What a session sends, and how it is known.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is sent.
    pub source: Source,
    /// Our own mark: what is known as our tone when it comes back.
    pub mark: Mark,
    /// How digits are sent.
    pub timing: Timing,
    /// Whether what comes is kept for [`MediaSession::take_recording`].
    pub records: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { source: Source::Mark, mark: Mark::Caller, timing: Timing::default(), records: false }
    }
}

/// Which socket something goes out by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// The socket of RTP (and of RTCP, where they share one).
    Rtp,
    /// The socket of RTCP.
    Rtcp,
}

/// A datagram to send; its bytes are in the buffer given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// By which socket.
    pub channel: Channel,
    /// To whom.
    pub to: SocketAddr,
}

/// The media of one call.
#[derive(Debug)]
pub struct MediaSession {
    settings: Settings,
    cname: String,
    agreed: Option<Agreed>,
    sending: Sending,
    receiving: Receiving,
    /// What we protect with, and what opens what comes.
    protect: Option<Context>,
    open: Option<Context>,
    /// Where RTP really comes from: it is answered there. RFC 4961
    latched: Option<(SocketAddr, Timestamp)>,
    latched_rtcp: Option<SocketAddr>,
    next_report: Option<Timestamp>,
    /// Middle of the NTP time of the last sender report of the other side, and when it came.
    last_sender_report: Option<(u32, Timestamp)>,
    peer: Option<PeerReport>,
    leaving: bool,
    scratch: Vec<u8>,
}

impl MediaSession {
    /// A session in which nothing was agreed yet: what comes is counted, nothing is sent.
    pub fn new(settings: Settings, entropy: &mut Entropy) -> Self {
        MediaSession {
            sending: Sending::new(&settings, entropy),
            receiving: Receiving::new(&settings),
            cname: entropy.token(),
            settings,
            agreed: None,
            protect: None,
            open: None,
            latched: None,
            latched_rtcp: None,
            next_report: None,
            last_sender_report: None,
            peer: None,
            leaving: false,
            scratch: Vec::new(),
        }
    }

    /// Offer and answer came to this, for the first time or anew.
    pub fn agree(&mut self, now: Timestamp, agreed: &Agreed) {
        let before = self.agreed.replace(agreed.clone());
        if before.as_ref().is_none_or(|b| b.remote != agreed.remote) {
            (self.latched, self.latched_rtcp) = (None, None);
        }
        if before.as_ref().and_then(|b| b.protection.as_ref()) != agreed.protection.as_ref() {
            self.protect = agreed.protection.as_ref().map(|p| Context::new(p.suite, &p.local));
            self.open = agreed.protection.as_ref().map(|p| Context::new(p.suite, &p.remote));
        }
        self.receiving.describe(agreed);
        self.sending.agree(now, agreed);
        self.next_report.get_or_insert(now.after(REPORT_EVERY / 2));
    }

    /// What was agreed on last.
    #[must_use]
    pub fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }

    /// Queues digits for sending as telephone events; 0 where they were not agreed on. Returns how many were taken.
    pub fn press(&mut self, digits: &str) -> usize {
        let has_events = self.agreed.as_ref().is_some_and(|a| a.event_type.is_some());
        if has_events { self.sending.digits.press(digits) } else { 0 }
    }

    /// A digit came by signalling, in an INFO request. RFC 6086
    pub fn signal(&mut self, digit: char) {
        self.receiving.signal(digit);
    }

    /// Whether every digit was sent.
    #[must_use]
    pub fn has_pressed(&self) -> bool {
        self.sending.digits.is_idle()
    }

    /// The call is over: nothing more is sent but a last report with its leave. RFC 3550 §6.6
    pub fn leave(&mut self, now: Timestamp) {
        if !self.leaving {
            self.leaving = true;
            self.sending.stop();
            // Who never spoke takes no leave. RFC 3550 §6.3.7
            self.next_report = (self.sending.rtp.packets() > 0).then_some(now);
        }
    }

    /// A datagram came to the RTP socket.
    pub fn handle_rtp(&mut self, now: Timestamp, from: SocketAddr, bytes: &[u8]) {
        // RFC 5761 §4: on a shared port the second byte tells which it is.
        if bytes.get(1).is_some_and(|kind| (192..=223).contains(kind)) {
            self.handle_rtcp(now, from, bytes);
            return;
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(bytes);
        if let Some(context) = &mut self.open
            && let Err(refusal) = context.open_rtp(&mut self.scratch)
        {
            self.receiving.refused(refusal);
            return;
        }
        let Some(taken) = self.receiving.packet(now, from, &self.scratch) else { return };
        let newest = match self.latched {
            Some((address, at)) => address == from || now.since(at) > RELATCH_NS,
            None => true,
        };
        if newest {
            self.latched = Some((from, now));
        }
        if matches!(self.settings.source, Source::Echo) {
            self.sending.echo(taken, &self.scratch);
        }
    }

    /// A datagram came to the RTCP socket.
    pub fn handle_rtcp(&mut self, now: Timestamp, from: SocketAddr, bytes: &[u8]) {
        self.scratch.clear();
        self.scratch.extend_from_slice(bytes);
        if let Some(context) = &mut self.open
            && let Err(refusal) = context.open_rtcp(&mut self.scratch)
        {
            self.receiving.refused(refusal);
            return;
        }
        let Some(compound) = rtcp::parse(&self.scratch) else { return };
        self.receiving.reports += 1;
        self.latched_rtcp = Some(from);
        if let Some(SenderInfo { ntp_timestamp, .. }) = compound.sender {
            self.last_sender_report = Some(((ntp_timestamp >> 16) as u32, now));
        }
        let own = self.sending.rtp.ssrc();
        for report in compound.reports.iter().filter(|r| r.ssrc == own) {
            let round_trip_ms = round_trip_ms(now, report.last_sender_report, report.delay_since_last);
            self.peer = Some(PeerReport {
                lost: report.cumulative_lost,
                fraction_lost: report.fraction_lost,
                jitter_ms: f64::from(report.jitter) / 8.0,
                round_trip_ms: round_trip_ms.or(self.peer.and_then(|p| p.round_trip_ms)),
            });
        }
    }

    /// When to ask [`MediaSession::poll_transmit`] again, unless something comes first.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let rtp = self.rtp_target().and_then(|_| self.sending.due());
        [rtp, self.next_report].into_iter().flatten().min()
    }

    /// Composes what is due at `now` into `out` (emptied first). To be asked until it says `None`.
    pub fn poll_transmit(&mut self, now: Timestamp, out: &mut Vec<u8>) -> Option<Transmit> {
        if let Some(to) = self.rtp_target()
            && self.sending.next(now, out)
        {
            if let Some(context) = &mut self.protect
                && !context.protect_rtp(out)
            {
                return None;
            }
            self.sending.sent(now, to);
            return Some(Transmit { channel: Channel::Rtp, to });
        }
        self.next_report.take_if(|at| *at <= now)?;
        if !self.leaving {
            self.next_report = Some(now.after(REPORT_EVERY));
        }
        self.report_to_peer(now, out)
    }

    /// Where RTP goes: to where it comes from, or to where the description says.
    fn rtp_target(&self) -> Option<SocketAddr> {
        let agreed = self.agreed.as_ref()?;
        // A description without address is one that wants nothing, wherever its packets come from.
        agreed.remote.map(|told| self.latched.map_or(told, |(address, _)| address))
    }

    fn report_to_peer(&mut self, now: Timestamp, out: &mut Vec<u8>) -> Option<Transmit> {
        let agreed = self.agreed.as_ref()?;
        let (channel, to) = match agreed.has_mux {
            true => (Channel::Rtp, self.rtp_target()?),
            false => (Channel::Rtcp, self.latched_rtcp.or(agreed.remote_rtcp)?),
        };
        let rtp = &self.sending.rtp;
        let info = (rtp.packets() > 0).then(|| SenderInfo {
            ssrc: rtp.ssrc(),
            ntp_timestamp: ntp(now),
            rtp_timestamp: self.sending.timestamp_at(now),
            packets: rtp.packets() as u32,
            octets: rtp.octets() as u32,
        });
        let block = self.receiving.block(now, self.last_sender_report);
        compose::write(rtp.ssrc(), info.as_ref(), block.as_ref(), &self.cname, self.leaving, out);
        if let Some(context) = &mut self.protect
            && !context.protect_rtcp(out)
        {
            return None;
        }
        (!out.is_empty()).then_some(Transmit { channel, to })
    }

    /// The samples recorded since the last time, at 8000 a second; what was lost is silent.
    pub fn take_recording(&mut self) -> Vec<i16> {
        std::mem::take(&mut self.receiving.recording)
    }

    /// What it came to so far.
    #[must_use]
    pub fn report(&self) -> MediaReport {
        MediaReport {
            sent: self.sending.report(self.peer, self.protect.as_ref().map(Context::suite)),
            received: self.receiving.report(self.sending.tone_began(), self.agreed.as_ref().and_then(|a| a.remote)),
        }
    }
}

/// Wall clock as a 64-bit NTP timestamp. RFC 3550 §4
fn ntp(at: Timestamp) -> u64 {
    let seconds = at.0.div_euclid(1_000_000_000).unsigned_abs().wrapping_add(NTP_OFFSET);
    let fraction = (at.0.rem_euclid(1_000_000_000) as u64) << 32;
    (seconds << 32) | (fraction / 1_000_000_000)
}

/// What a reception report tells of the way there and back, in milliseconds. RFC 3550 §6.4.1
fn round_trip_ms(now: Timestamp, last: u32, delay: u32) -> Option<f64> {
    if last == 0 {
        return None;
    }
    let middle = (ntp(now) >> 16) as u32;
    let units = middle.wrapping_sub(last).wrapping_sub(delay);
    // Clocks of 1/65536 s on both sides: a little below zero is zero, much is nonsense.
    match units as i32 {
        -66..=0 => Some(0.0),
        1..=3_932_160 => Some(f64::from(units) / 65.536),
        _ => None,
    }
}
