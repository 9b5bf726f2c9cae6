//! What was heard: audio, silence, comfort noise, our own tone come back, or the mark of the other side.

use super::mark::{Mark, PERIOD_MS};
use crate::base::Timestamp;
use std::collections::VecDeque;
use std::f64::consts::TAU;

/// Samples judged at once: 20 ms.
const FRAME: usize = 160;
/// Frames whose rhythm is kept: ten seconds.
const KEPT: usize = 500;
/// Frames of a mark needed to tell its delay: most of a second.
const ENOUGH: usize = 40;
/// Mean square below which nothing is heard: what A-law makes of zero is 8.
const SILENT: f64 = 18.0 * 18.0;
/// Mean square below which sound is noise rather than speech: 50 dB below full scale.
const QUIET: f64 = 104.0 * 104.0;
/// Part of the power that a mark's frequencies must have.
const MARKED: f64 = 0.5;
/// Correlation from which a rhythm is believed.
const CORRELATED: f64 = 0.6;

/// What was heard of one direction.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Heard {
    /// No audio came at all.
    Nothing,
    /// Audio came, and all of it was silent.
    Silence,
    /// Comfort noise, or sound as faint as it.
    ComfortNoise,
    /// Our own tone, `delay_ms` after we sent it (modulo 3100 ms; `None` where it was too short to tell).
    Own {
        /// Milliseconds from sending to hearing.
        delay_ms: Option<f64>,
    },
    /// The mark of the other side.
    Mark {
        /// Whose.
        mark: Mark,
        /// An instant at which the beginning of its rhythm was heard, and every 3100 ms before and after; `None` where it
        /// was too short to tell.
        began: Option<Timestamp>,
    },
    /// Any other sound.
    Audio,
}

impl Heard {
    /// The word for it, as output has it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Heard::Nothing => "nothing",
            Heard::Silence => "silence",
            Heard::ComfortNoise => "comfort-noise",
            Heard::Own { .. } => "own-tone",
            Heard::Mark { .. } => "mark",
            Heard::Audio => "audio",
        }
    }

    /// Whether it proves that sound passes.
    #[must_use]
    pub fn is_audio(&self) -> bool {
        matches!(self, Heard::Audio | Heard::Mark { .. } | Heard::Own { .. })
    }
}

/// A frame in which a mark sounded.
#[derive(Clone, Copy, Debug)]
struct Beat {
    at: Timestamp,
    /// Amplitude of the second tone.
    rhythmic: f64,
}

/// Listens to one direction, in bounded memory.
#[derive(Clone, Debug)]
pub struct Hearing {
    own: Mark,
    frame: Vec<i16>,
    frames: u64,
    noise: u64,
    loud: u64,
    marked: [u64; 2],
    beats: [VecDeque<Beat>; 2],
    comfort: u64,
}

impl Hearing {
    /// Listens as the side that sends `own`.
    #[must_use]
    pub fn new(own: Mark) -> Self {
        Hearing {
            own,
            frame: Vec::with_capacity(FRAME),
            frames: 0,
            noise: 0,
            loud: 0,
            marked: [0; 2],
            beats: [VecDeque::new(), VecDeque::new()],
            comfort: 0,
        }
    }

    /// Takes in decoded samples that arrived at `at`.
    pub fn push(&mut self, at: Timestamp, samples: &[i16]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let room = FRAME - self.frame.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.frame.extend_from_slice(now);
            rest = later;
            if self.frame.len() == FRAME {
                self.judge(at);
                self.frame.clear();
            }
        }
    }

    /// A comfort noise packet came. RFC 3389
    pub fn comfort_noise(&mut self) {
        self.comfort += 1;
    }

    fn judge(&mut self, at: Timestamp) {
        self.frames += 1;
        let power = self.frame.iter().map(|&s| f64::from(s) * f64::from(s)).sum::<f64>() / FRAME as f64;
        if power < SILENT {
            return;
        }
        if power < QUIET {
            self.noise += 1;
            return;
        }
        self.loud += 1;
        for (place, mark) in [Mark::Caller, Mark::Callee].into_iter().enumerate() {
            let (steady, rhythmic) = (amplitude(&self.frame, mark.steady()), amplitude(&self.frame, mark.rhythmic()));
            // A tone of amplitude a has the power a²/2.
            let part = (steady * steady + rhythmic * rhythmic) / 2.0 / power;
            if part < MARKED || steady * steady / 2.0 / power < MARKED / 2.0 {
                continue;
            }
            self.marked[place] += 1;
            let beats = &mut self.beats[place];
            if beats.len() >= KEPT {
                beats.pop_front();
            }
            beats.push_back(Beat { at, rhythmic: rhythmic / steady });
        }
    }

    /// What was heard so far; `began` is when our own tone began.
    #[must_use]
    pub fn heard(&self, began: Option<Timestamp>) -> Heard {
        if self.frames == 0 && self.comfort == 0 {
            return Heard::Nothing;
        }
        let share = |n: u64, of: u64| n as f64 / of.max(1) as f64;
        let (own, other) = (self.own, self.own.other());
        // A fifth of a second of it, and not only in passing.
        let has = |mark: Mark| self.marked[mark as usize] >= 10 && share(self.marked[mark as usize], self.loud) > 0.3;
        if has(other) && self.marked[other as usize] >= self.marked[own as usize] {
            return Heard::Mark { mark: other, began: self.phase(other, Timestamp(0)).map(Timestamp) };
        }
        if has(own) {
            let delay_ms = began.and_then(|began| self.phase(own, began)).map(|ns| ns as f64 / 1e6);
            return Heard::Own { delay_ms };
        }
        if self.loud >= 5 && share(self.loud, self.frames) > 0.02 {
            return Heard::Audio;
        }
        if self.comfort > 0 || share(self.noise, self.frames) > 0.1 {
            return Heard::ComfortNoise;
        }
        Heard::Silence
    }

    /// Loud frames of 20 ms, and all of them.
    #[must_use]
    pub fn frames(&self) -> (u64, u64) {
        (self.loud, self.frames)
    }

    /// How many nanoseconds after `began` the rhythm of `mark` begins, as it was heard; below its period.
    fn phase(&self, mark: Mark, began: Timestamp) -> Option<i64> {
        let beats = &self.beats[mark as usize];
        if beats.len() < ENOUGH {
            return None;
        }
        let period = PERIOD_MS as i64 * 1_000_000;
        let into: Vec<(f64, f64)> =
            beats.iter().map(|b| (b.at.since(began).rem_euclid(period) as f64 / 1e6, b.rhythmic)).collect();
        let mean = into.iter().map(|(_, level)| level).sum::<f64>() / into.len() as f64;
        let (mut best, mut best_lag) = (CORRELATED, None);
        for lag in 0..PERIOD_MS {
            let found = correlation(mark, &into, mean, lag as f64);
            if found > best {
                (best, best_lag) = (found, Some(lag));
            }
        }
        best_lag.map(|lag| lag as i64 * 1_000_000)
    }
}

/// How well levels at times fit the mark's rhythm that began `lag` ms after the beginning of those times: −1 to 1.
fn correlation(mark: Mark, into: &[(f64, f64)], mean: f64, lag: f64) -> f64 {
    let expected_mean = into.iter().map(|(at, _)| mark.envelope(at - lag)).sum::<f64>() / into.len().max(1) as f64;
    let (mut product, mut heard, mut expected) = (0.0, 0.0, 0.0);
    for (at, level) in into {
        let (a, b) = (level - mean, mark.envelope(at - lag) - expected_mean);
        product += a * b;
        heard += a * a;
        expected += b * b;
    }
    let norm = (heard * expected).sqrt();
    if norm > 0.0 { product / norm } else { 0.0 }
}

/// The amplitude of one frequency among samples, by Goertzel's algorithm.
fn amplitude(samples: &[i16], hertz: f64) -> f64 {
    let factor = 2.0 * (TAU * hertz / 8000.0).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for &sample in samples {
        (one, two) = (f64::from(sample) + factor * one - two, one);
    }
    let power = one * one + two * two - factor * one * two;
    power.max(0.0).sqrt() * 2.0 / samples.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::g711::Law;

    fn ms(n: u64) -> Timestamp {
        Timestamp(1_700_000_000_000_000_000 + n as i64 * 1_000_000)
    }

    /// What is heard of 3 seconds that a function makes, coded and decoded, in packets of 20 ms that arrive `delay` ms late.
    fn hear(own: Mark, delay: u64, law: Law, make: impl Fn(u64, &mut [i16])) -> Hearing {
        let mut hearing = Hearing::new(own);
        for n in 0..150u64 {
            let mut samples = [0i16; 160];
            make(n * 160, &mut samples);
            let coded = samples.map(|s| law.decode(law.encode(s)));
            hearing.push(ms(n * 20 + delay), &coded);
        }
        hearing
    }

    #[test]
    fn our_own_tone_is_known_and_how_late_it_came() {
        for law in [Law::Mu, Law::A] {
            for (own, delay) in [(Mark::Caller, 0), (Mark::Caller, 47), (Mark::Callee, 803), (Mark::Callee, 2900)] {
                let hearing = hear(own, delay, law, |at, out| own.fill(at, out));
                let Heard::Own { delay_ms: Some(found) } = hearing.heard(Some(ms(0))) else {
                    panic!("{:?}", hearing.heard(Some(ms(0))))
                };
                assert!((found - delay as f64).abs() <= 2.0, "{own:?} {delay} {found}");
            }
        }
    }

    #[test]
    fn the_mark_of_the_other_side_is_told_from_ours_and_dated() {
        let hearing = hear(Mark::Caller, 130, Law::Mu, |at, out| Mark::Callee.fill(at, out));
        let Heard::Mark { mark: Mark::Callee, began: Some(began) } = hearing.heard(Some(ms(0))) else {
            panic!("{:?}", hearing.heard(None))
        };
        let late = ms(0).since(began).rem_euclid(3_100_000_000);
        assert!((3_100_000_000 - late - 130_000_000).abs() <= 2_000_000, "{late}");
    }

    #[test]
    fn half_as_loud_and_with_an_echo_of_ours_it_is_still_the_other_side() {
        let hearing = hear(Mark::Caller, 20, Law::A, |at, out| {
            let mut own = [0; 160];
            Mark::Caller.fill(at + 400, &mut own);
            Mark::Callee.fill(at, out);
            out.iter_mut().zip(own).for_each(|(s, o)| *s = *s / 2 + o / 12);
        });
        assert!(matches!(hearing.heard(None), Heard::Mark { mark: Mark::Callee, .. }));
    }

    #[test]
    fn sound_silence_and_noise() {
        let tone = |at: u64, out: &mut [i16]| {
            for (n, s) in (at..).zip(out) {
                *s = (9000.0 * (TAU * 440.0 * n as f64 / 8000.0).sin()) as i16;
            }
        };
        assert_eq!(hear(Mark::Caller, 0, Law::Mu, tone).heard(None), Heard::Audio);
        assert_eq!(hear(Mark::Caller, 0, Law::A, |_, _| ()).heard(None), Heard::Silence);
        assert_eq!(hear(Mark::Caller, 0, Law::Mu, |_, _| ()).heard(None), Heard::Silence);
        let noise = |at: u64, out: &mut [i16]| {
            for (n, s) in (at..).zip(out) {
                *s = (n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 57) as i16
                    - 64;
            }
        };
        assert_eq!(hear(Mark::Caller, 0, Law::A, noise).heard(None), Heard::ComfortNoise);
        assert_eq!(Hearing::new(Mark::Caller).heard(None), Heard::Nothing);
        let mut packets = Hearing::new(Mark::Caller);
        packets.comfort_noise();
        assert_eq!(packets.heard(None), Heard::ComfortNoise);
    }

    #[test]
    fn packets_of_other_lengths_are_heard_alike() {
        let mut hearing = Hearing::new(Mark::Caller);
        for n in 0..200u64 {
            let mut samples = [0; 240];
            Mark::Caller.fill(n * 240, &mut samples);
            hearing.push(ms(n * 30 + 60), &samples);
        }
        assert_eq!(hearing.frames(), (300, 300));
        let Heard::Own { delay_ms: Some(found) } = hearing.heard(Some(ms(0))) else { panic!() };
        // The frame that a packet completes began up to 20 ms before the packet.
        assert!((found - 60.0).abs() <= 20.0, "{found}");
    }
}
