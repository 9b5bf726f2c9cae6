//! What a receiver sees of one source: loss, jitter, gaps, payload types. Constant memory, one pass.

mod jitter;
mod payload_types;

use super::{Arrival, Header, sequence::Sequence};
use crate::base::Timestamp;
use crate::media::codec::{Codec, Content};
use crate::media::emodel::{self, Conditions};
use jitter::Jitter;
pub use payload_types::PayloadType;
use payload_types::PayloadTypes;

/// Lost packets up to which a marked packet may still open a talkspurt rather than end an outage.
const TALKSPURT_SKIP: u16 = 3;

/// The running statistics of one SSRC in one direction.
///
/// Jitter is that of RFC 3550 §A.8 in milliseconds. Telephone events do not move the timestamp and stay out of it; duplicates
/// stay out of it as well. Comfort noise and marked packets move it, but their value is not counted into mean and maximum,
/// since the pause before them is the talker's.
#[derive(Clone, Debug)]
pub struct Receiver {
    ssrc: u32,
    sequence: Sequence,
    jitter: Jitter,
    types: PayloadTypes,
    packets: u64,
    bytes: u64,
    markers: u64,
    strays: u64,
    first: Timestamp,
    last: Timestamp,
    /// When the newest packet in order came: gaps are measured from there.
    previous: Timestamp,
    after_silence: bool,
    after_event: bool,
    max_delta: i64,
    max_gap: i64,
    gap_end: Timestamp,
    gap_lost: u16,
    gap_is_meant: bool,
}

/// What a [`Receiver`] has found so far. Times are milliseconds.
#[derive(Clone, PartialEq, Debug)]
pub struct Statistics {
    /// Synchronisation source.
    pub ssrc: u32,
    /// Packets received, duplicates among them.
    pub packets: u64,
    /// Packets that the sequence numbers ask for.
    pub expected: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Lost of expected, in percent.
    pub loss_percent: f64,
    /// Runs of consecutive lost packets.
    pub loss_runs: u64,
    /// Mean length of those runs over what random loss would give. ITU-T G.107 §7.4; 1 where nothing was lost.
    pub burst_ratio: f64,
    /// Packets that came after a later one.
    pub reordered: u64,
    /// Packets that came again.
    pub duplicates: u64,
    /// Times that the source began a new sequence.
    pub restarts: u32,
    /// Packets whose number fitted nothing before or after.
    pub strays: u64,
    /// Jitter after the last packet. RFC 3550 §6.4.1
    pub jitter_ms: f64,
    /// Mean of the jitter over all packets.
    pub mean_jitter_ms: f64,
    /// Highest jitter.
    pub max_jitter_ms: f64,
    /// RTP clock in Hz of the most used payload type: told, static, or else the one that fits best; `None` if none does.
    pub clock_rate: Option<u32>,
    /// Longest time between two packets, the talker's marked pauses left out.
    pub max_delta_ms: f64,
    /// Longest time between two packets that silence suppression does not explain: a pause counts unless the packet after it
    /// is marked and its timestamp moved along, or comfort noise or telephone events stand beside it.
    pub max_gap_ms: f64,
    /// When that pause ended.
    pub gap_end: Timestamp,
    /// Packets whose numbers are missing across it.
    pub gap_lost: u16,
    /// Whether its sender paused, or stood still: no number is missing, and the timestamp went on with the clock.
    pub gap_is_meant: bool,
    /// From the first to the last packet.
    pub duration_ms: f64,
    /// When the first packet came.
    pub first: Timestamp,
    /// When the last packet came.
    pub last: Timestamp,
    /// Bytes of payload.
    pub bytes: u64,
    /// Packets with the marker bit.
    pub markers: u64,
    /// Leaps of the timestamp that no delay explains.
    pub timestamp_jumps: u32,
    /// The payload type used most, telephone events and comfort noise aside where there is another.
    pub payload_type: u8,
    /// Its codec, if known.
    pub codec: Option<Codec>,
}

impl Receiver {
    /// A receiver of `ssrc` that has seen nothing.
    #[must_use]
    pub fn new(ssrc: u32) -> Self {
        Receiver {
            ssrc,
            sequence: Sequence::default(),
            jitter: Jitter::default(),
            types: PayloadTypes::default(),
            packets: 0,
            bytes: 0,
            markers: 0,
            strays: 0,
            first: Timestamp::default(),
            last: Timestamp::default(),
            previous: Timestamp::default(),
            after_silence: false,
            after_event: false,
            max_delta: 0,
            max_gap: 0,
            gap_end: Timestamp::default(),
            gap_lost: 0,
            gap_is_meant: false,
        }
    }

    /// Tells what a payload type means, from a session description; before or after its packets. `clock_rate` in Hz, 0 for
    /// the codec's usual one. Static types need no telling.
    pub fn describe(&mut self, payload_type: u8, codec: Option<Codec>, clock_rate: u32) {
        self.types.describe(payload_type, codec, clock_rate);
        if let Some(rate) = self.types.rate_of(payload_type) {
            self.jitter.learn(payload_type, rate);
        }
    }

    /// Takes in a packet that arrived at `at`, and says what it was to the count.
    #[inline]
    pub fn push(&mut self, at: Timestamp, header: &Header) -> Arrival {
        self.packets += 1;
        self.bytes += u64::from(header.payload_len());
        self.markers += u64::from(header.marker);
        let arrival = self.sequence.push(header.sequence);
        let used = *self.types.count(header.payload_type);
        match arrival {
            Arrival::Next { skipped } => self.in_order(at, header, used, skipped),
            Arrival::First | Arrival::Restart => {
                if arrival == Arrival::First {
                    self.first = at;
                }
                self.jitter.restart(at, header, used.clock_rate);
                (self.previous, self.after_silence) = (at, used.content == Content::Silence);
                self.after_event = used.content == Content::Event;
            }
            Arrival::Late if used.content != Content::Event => self.jitter.late(at, header, &used),
            Arrival::Late | Arrival::Duplicate => {}
            Arrival::Stray => self.strays += 1,
        }
        if arrival == Arrival::Restart {
            // The stray before it turned out to be the first of the new sequence.
            self.strays = self.strays.saturating_sub(1);
        }
        self.last = self.last.max(at);
        arrival
    }

    #[inline]
    fn in_order(&mut self, at: Timestamp, header: &Header, used: PayloadType, skipped: u16) {
        let delta = at.since(self.previous);
        let silence = used.content == Content::Silence;
        let around_silence = silence || self.after_silence;
        let event = used.content == Content::Event;
        let regular = !header.marker && !around_silence;
        if regular {
            self.max_delta = self.max_delta.max(delta);
        }
        if delta > self.max_gap && !around_silence && !event && !self.after_event {
            let moved = self.jitter.advance_ns(header.timestamp, used.clock_rate).is_some_and(|n| n >= delta / 2);
            if !(header.marker && skipped <= TALKSPURT_SKIP && moved) {
                (self.max_gap, self.gap_end) = (delta, at);
                (self.gap_lost, self.gap_is_meant) = (skipped, moved && skipped == 0);
            }
        }
        if !event {
            self.jitter.next(at, header, &used, regular.then_some(self.packets - 1));
        }
        (self.previous, self.after_silence, self.after_event) = (at, silence, event);
    }

    /// Whether anything has come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets == 0
    }

    /// Packets received so far, duplicates among them.
    #[inline]
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// When the last packet came.
    #[inline]
    #[must_use]
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// The source.
    #[inline]
    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Extended highest sequence number: cycles in the upper half, as a receiver report has it. RFC 3550 §6.4.1
    #[must_use]
    pub fn highest_sequence(&self) -> u32 {
        // Counting starts one cycle up.
        (self.sequence.highest() as u32).wrapping_sub(1 << 16)
    }

    /// What a payload type of this stream is for, as far as is known; audio otherwise.
    #[must_use]
    pub fn content(&self, payload_type: u8) -> Content {
        self.types.content_of(payload_type)
    }

    /// The payload types met, with what is known of them, in order of appearance (at most sixteen); those with no
    /// packets were only described.
    #[must_use]
    pub fn payload_types(&self) -> &[PayloadType] {
        self.types.met()
    }

    /// Packets of payload types beyond those that [`Receiver::payload_types`] has room for.
    #[must_use]
    pub fn other_packets(&self) -> u64 {
        self.types.others()
    }

    /// What has been found so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let (expected, lost, runs) = (self.sequence.expected(), self.sequence.lost(), self.sequence.loss_runs());
        let ratio = if expected == 0 { 0.0 } else { lost as f64 / expected as f64 };
        let burst_ratio = if runs == 0 { 1.0 } else { lost as f64 / runs as f64 * (1.0 - ratio) };
        let main = self.types.main();
        let jitter = self.jitter.summary();
        let ms = |ns: i64| ns as f64 / 1e6;
        Statistics {
            ssrc: self.ssrc,
            packets: self.packets,
            expected,
            lost,
            loss_percent: ratio * 100.0,
            loss_runs: runs,
            burst_ratio,
            reordered: self.sequence.reordered,
            duplicates: self.sequence.duplicates,
            restarts: self.sequence.restarts,
            strays: self.strays,
            jitter_ms: jitter.last,
            mean_jitter_ms: jitter.mean,
            max_jitter_ms: jitter.max,
            clock_rate: Some(main.clock_rate).filter(|&rate| rate != 0).or(jitter.fitted_rate),
            max_delta_ms: ms(self.max_delta),
            max_gap_ms: ms(self.max_gap),
            gap_end: self.gap_end,
            gap_lost: self.gap_lost,
            gap_is_meant: self.gap_is_meant,
            duration_ms: self.last.ms_since(self.first),
            first: self.first,
            last: self.last,
            bytes: self.bytes,
            markers: self.markers,
            timestamp_jumps: self.jitter.jumps(),
            payload_type: main.number,
            codec: main.codec,
        }
    }
}

impl Statistics {
    /// Mean opinion score by the E-model from loss, its burstiness and the codec; `None` where the codec is not known or not
    /// speech. The delay is the assumed one ([`emodel::ASSUMED_DELAY_MS`]).
    #[must_use]
    pub fn mos(&self) -> Option<f64> {
        let conditions = Conditions { burst_ratio: self.burst_ratio, ..Conditions::loss(self.loss_percent) };
        emodel::mos(self.codec?, &conditions)
    }
}
