//! Interarrival jitter. RFC 3550 §A.8
//!
//! It needs the RTP clock, which the session description may tell late or never. Until then the usual clocks are all tried
//! side by side: when the right one is learned nothing is lost, and when it is not, the one with the least jitter is it.

use super::{Header, PayloadType};
use crate::base::Timestamp;

/// Variation in ms beyond which the timestamp was set anew: no network delays one packet ten seconds more than the last.
const JUMP_MS: f64 = 10_000.0;
/// The clocks tried while the right one is not known, in Hz.
const CANDIDATES: [u32; 7] = [8000, 16_000, 48_000, 90_000, 24_000, 32_000, 44_100];
/// Packets before a fitted clock is trusted.
const ENOUGH: u64 = 8;

/// Where the last packet in order stood: the variation of the next is measured against it.
#[derive(Clone, Copy, Debug, Default)]
struct Reference {
    at: Timestamp,
    timestamp: u32,
}

/// The jitter estimate under one clock.
#[derive(Clone, Copy, Debug, Default)]
struct Estimate {
    value: f64,
    mean: f64,
    max: f64,
    count: u64,
}

impl Estimate {
    /// The mean is a running one over all packets, `number` of them before this one: those that do not count leave it where
    /// it is, which is also how Wireshark has it.
    #[inline]
    fn add(&mut self, variation: f64, counts: Option<u64>) {
        self.value += (variation - self.value) / 16.0;
        if let Some(number) = counts {
            self.mean += (self.value - self.mean) / number.max(1) as f64;
            self.max = self.max.max(self.value);
            self.count += 1;
        }
    }
}

/// The trial of all candidates for the one payload type whose clock is not known.
#[derive(Clone, Debug)]
struct Trial {
    payload_type: u8,
    estimates: [Estimate; CANDIDATES.len()],
}

impl Trial {
    fn best(&self) -> Option<(u32, &Estimate)> {
        let all = CANDIDATES.iter().copied().zip(&self.estimates);
        all.filter(|(_, e)| e.count >= ENOUGH).min_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean))
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Jitter {
    reference: Reference,
    /// Clock of the reference packet in Hz, and the milliseconds of one of its units.
    clock_rate: u32,
    unit_ms: f64,
    estimate: Estimate,
    /// Boxed, since few streams need it and those that do not should stay small.
    trial: Option<Box<Trial>>,
    jumps: u32,
}

/// The result in milliseconds.
pub(super) struct Summary {
    pub(super) last: f64,
    pub(super) mean: f64,
    pub(super) max: f64,
    /// The clock found by trial, where none was known.
    pub(super) fitted_rate: Option<u32>,
}

impl Jitter {
    /// Measures from this packet on.
    #[inline]
    pub(super) fn restart(&mut self, at: Timestamp, header: &Header, clock_rate: u32) {
        self.reference = Reference { at, timestamp: header.timestamp };
        if self.clock_rate != clock_rate {
            self.clock_rate = clock_rate;
            self.unit_ms = if clock_rate == 0 { 0.0 } else { 1e3 / f64::from(clock_rate) };
        }
    }

    /// A packet further on than all before; `counts` is the number of packets before it, where it counts into the mean.
    #[inline]
    pub(super) fn next(&mut self, at: Timestamp, header: &Header, used: &PayloadType, counts: Option<u64>) {
        if used.clock_rate == 0 {
            self.next_by_trial(at, header, used, counts);
            return;
        }
        // Units of two clocks cannot be compared.
        if used.clock_rate != self.clock_rate {
            self.restart(at, header, used.clock_rate);
            return;
        }
        let moved = self.moved(header.timestamp);
        let variation = (at.ms_since(self.reference.at) - f64::from(moved) * self.unit_ms).abs();
        if variation > JUMP_MS {
            self.jumps = self.jumps.saturating_add(1);
            self.restart(at, header, used.clock_rate);
            return;
        }
        self.estimate.add(variation, counts.filter(|_| moved >= 0));
        // Video sends pictures out of their order in time; the reference stays the latest one.
        if moved >= 0 {
            self.reference = Reference { at, timestamp: header.timestamp };
        }
    }

    /// A reordered packet: it adds to the estimate, but nothing is measured against it.
    pub(super) fn late(&mut self, at: Timestamp, header: &Header, used: &PayloadType) {
        if used.clock_rate == 0 || used.clock_rate != self.clock_rate {
            return;
        }
        let variation = at.ms_since(self.reference.at) - f64::from(self.moved(header.timestamp)) * self.unit_ms;
        if variation.abs() <= JUMP_MS {
            self.estimate.add(variation.abs(), None);
        }
    }

    fn moved(&self, timestamp: u32) -> i32 {
        timestamp.wrapping_sub(self.reference.timestamp) as i32
    }

    fn next_by_trial(&mut self, at: Timestamp, header: &Header, used: &PayloadType, counts: Option<u64>) {
        let trial = self.trial.get_or_insert_with(|| {
            Box::new(Trial { payload_type: used.number, estimates: [Estimate::default(); CANDIDATES.len()] })
        });
        // A second unknown type on the same source is nearly always telephone events, which have no jitter.
        if trial.payload_type != used.number {
            return;
        }
        let moved = header.timestamp.wrapping_sub(self.reference.timestamp) as i32;
        let passed = at.ms_since(self.reference.at);
        let (mut jumped, comparable) = (true, self.clock_rate == 0 && moved >= 0);
        for (estimate, rate) in trial.estimates.iter_mut().zip(CANDIDATES).filter(|_| comparable) {
            let variation = (passed - f64::from(moved) * 1e3 / f64::from(rate)).abs();
            if variation <= JUMP_MS {
                estimate.add(variation, counts);
                jumped = false;
            }
        }
        self.jumps = self.jumps.saturating_add(u32::from(jumped && comparable));
        self.restart(at, header, 0);
    }

    /// The clock of a payload type has become known: what its trial has gathered becomes the estimate.
    pub(super) fn learn(&mut self, payload_type: u8, rate: u32) {
        let Some(trial) = self.trial.take_if(|t| t.payload_type == payload_type) else { return };
        if let Some((_, estimate)) = CANDIDATES.iter().zip(&trial.estimates).find(|(c, _)| **c == rate) {
            self.estimate = *estimate;
        }
        if self.clock_rate == 0 {
            (self.clock_rate, self.unit_ms) = (rate, 1e3 / f64::from(rate));
        }
    }

    /// How far the timestamp has moved since the last packet, in nanoseconds of a clock; `None` while the clock is unknown.
    pub(super) fn advance_ns(&self, timestamp: u32, clock_rate: u32) -> Option<i64> {
        let rate = if clock_rate != 0 { clock_rate } else { self.trial.as_ref()?.best()?.0 };
        Some(i64::from(self.moved(timestamp)) * 1_000_000_000 / i64::from(rate))
    }

    pub(super) fn jumps(&self) -> u32 {
        self.jumps
    }

    pub(super) fn summary(&self) -> Summary {
        let best = self.trial.as_ref().and_then(|t| t.best()).filter(|_| self.estimate.count == 0);
        let estimate = best.map_or(&self.estimate, |(_, e)| e);
        let fitted_rate = best.map(|(rate, _)| rate);
        Summary { last: estimate.value, mean: estimate.mean, max: estimate.max, fitted_rate }
    }
}
