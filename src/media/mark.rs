//! The tone that a side sends to be known by: its own frequencies, and a rhythm that tells how late it arrives.
//!
//! A mark is a steady tone, and above it a second one that comes and goes with the chips of a maximal-length sequence. The
//! two frequencies tell whose mark it is, the rhythm which moment of it is heard: it repeats after 3.1 seconds only.

use std::f64::consts::TAU;

/// Samples of a chip: 100 ms.
const CHIP: u64 = 800;
/// Chips until the rhythm repeats.
const CHIPS: u64 = 31;
/// Milliseconds until the rhythm repeats.
pub const PERIOD_MS: u64 = CHIPS * CHIP / 8;
/// Amplitude of each tone: both together stay 9 dB below full scale.
const AMPLITUDE: f64 = 5800.0;

/// Whose mark.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mark {
    /// Of the side that calls.
    Caller,
    /// Of the side that is called.
    Callee,
}

impl Mark {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Mark {
        match self {
            Mark::Caller => Mark::Callee,
            Mark::Callee => Mark::Caller,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mark::Caller => "caller",
            Mark::Callee => "callee",
        }
    }

    /// The steady frequency in Hz. All are multiples of 50, so that none leaks into another's within 20 ms, and none is a
    /// tone of a telephone network or of DTMF.
    pub(in crate::media) fn steady(self) -> f64 {
        match self {
            Mark::Caller => 650.0,
            Mark::Callee => 1050.0,
        }
    }

    /// The frequency in Hz that comes and goes.
    pub(in crate::media) fn rhythmic(self) -> f64 {
        match self {
            Mark::Caller => 1550.0,
            Mark::Callee => 2150.0,
        }
    }

    /// The chips, the first in the lowest bit: the sequences of x⁵+x²+1 and of its reciprocal.
    fn chips(self) -> u32 {
        const CALLER: u32 = sequence(2);
        const CALLEE: u32 = sequence(3);
        match self {
            Mark::Caller => CALLER,
            Mark::Callee => CALLEE,
        }
    }

    /// Whether the second tone sounds at a sample.
    fn sounds(self, sample: u64) -> bool {
        self.chips() >> (sample / CHIP % CHIPS) & 1 == 1
    }

    /// How much of the 20 ms that begin `ms` milliseconds after the beginning the second tone sounds, 0 to 1.
    pub(in crate::media) fn envelope(self, ms: f64) -> f64 {
        let chip_ms = (CHIP / 8) as f64;
        let ms = ms.rem_euclid(PERIOD_MS as f64);
        let chip = (ms / chip_ms) as u64;
        // 20 ms reach into the next chip at most.
        let first = ((chip + 1) as f64 * chip_ms - ms).clamp(0.0, 20.0);
        let level = |chip: u64| f64::from(u8::from(self.sounds(chip * CHIP)));
        (level(chip) * first + level(chip + 1) * (20.0 - first)) / 20.0
    }

    /// Samples of the mark from the sample `at` on.
    pub fn fill(self, at: u64, samples: &mut [i16]) {
        // Both frequencies repeat within a second: the phase stays exact for ever.
        for (n, sample) in (at..).zip(samples) {
            let t = (n % 8000) as f64 / 8000.0;
            let steady = (TAU * self.steady() * t).sin();
            let rhythmic = if self.sounds(n) { (TAU * self.rhythmic() * t).sin() } else { 0.0 };
            *sample = (AMPLITUDE * (steady + rhythmic)) as i16;
        }
    }
}

/// What a shift register of five bits gives whose fresh bit comes from the last one and the one at `tap`.
const fn sequence(tap: u32) -> u32 {
    let (mut register, mut chips, mut at) = (1u32, 0u32, 0);
    while at < CHIPS {
        chips |= (register & 1) << at;
        let fresh = (register ^ register >> tap) & 1;
        register = register >> 1 | fresh << 4;
        at += 1;
    }
    chips
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rhythm_is_a_maximal_sequence() {
        for mark in [Mark::Caller, Mark::Callee] {
            let chips = mark.chips();
            assert_eq!(chips.count_ones(), 16, "{mark:?}");
            // Its correlation with itself shifted is −1 of 31 everywhere.
            for shift in 1..31 {
                let shifted = (chips >> shift | chips << (31 - shift)) & 0x7fff_ffff;
                assert_eq!((chips ^ shifted).count_ones(), 16, "{mark:?} {shift}");
            }
        }
        assert_ne!(Mark::Caller.chips(), Mark::Callee.chips());
    }

    #[test]
    fn the_tone_goes_on_where_it_was_cut() {
        let mut whole = [0; 1000];
        Mark::Callee.fill(5000, &mut whole);
        let mut part = [0; 300];
        Mark::Callee.fill(5600, &mut part);
        assert_eq!(whole[600..900], part);
        assert!(whole.iter().all(|s| s.unsigned_abs() < 11_601));
    }

    #[test]
    fn the_envelope_is_the_share_of_the_window_that_sounds() {
        let mark = Mark::Caller;
        for ms in (0..3100).step_by(7) {
            let sounding = (0..160).filter(|n| mark.sounds(ms * 8 + n)).count() as f64 / 160.0;
            assert!((mark.envelope(ms as f64) - sounding).abs() < 1e-9, "{ms}");
        }
    }
}
