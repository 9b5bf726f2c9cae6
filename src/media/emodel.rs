//! The E-model: from codec, loss and delay to the mean opinion score that listeners would have given. ITU-T G.107
//!
//! Of its parameters a capture shows loss and codec. The others keep the recommendation's default values, echo is taken as
//! cancelled, and the one-way delay is assumed ([`ASSUMED_DELAY_MS`]) where nobody measured it.

use super::codec::{Codec, Impairment};

/// `Ro − Is` with every parameter at its default. ITU-T G.107 table 2 gives R = 93.2 for a connection without impairment.
const BASIC: f64 = 93.2;

/// One-way delay in ms where none was measured: packetisation of 20 ms, a short path, a jitter buffer of two packets.
/// Up to 100 ms the E-model sees no impairment, so that a wrong guess in that range costs nothing.
pub const ASSUMED_DELAY_MS: f64 = 80.0;

/// What a listener had to put up with.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Conditions {
    /// Packets lost of those expected, in percent (0 to 100).
    pub loss_percent: f64,
    /// Mean length of the runs of lost packets, over what random loss would give; 1 for random loss, more for bursts.
    /// ITU-T G.107 §7.4
    pub burst_ratio: f64,
    /// Mouth-to-ear delay in ms.
    pub one_way_delay_ms: f64,
}

impl Conditions {
    /// Random loss at the assumed delay.
    #[must_use]
    pub fn loss(loss_percent: f64) -> Self {
        Conditions { loss_percent, burst_ratio: 1.0, one_way_delay_ms: ASSUMED_DELAY_MS }
    }
}

/// The transmission rating factor R, 0 to 93.2.
#[must_use]
pub fn rating(impairment: Impairment, conditions: &Conditions) -> f64 {
    let r = BASIC - delay_impairment(conditions.one_way_delay_ms) - loss_impairment(impairment, conditions);
    r.clamp(0.0, BASIC)
}

/// The mean opinion score, 1 to 4.5; `None` for a codec that is not speech.
#[must_use]
pub fn mos(codec: Codec, conditions: &Conditions) -> Option<f64> {
    codec.impairment().map(|i| mos_of(rating(i, conditions)))
}

/// The mean opinion score of a rating. ITU-T G.107 Annex B
#[must_use]
pub fn mos_of(r: f64) -> f64 {
    if r <= 0.0 {
        return 1.0;
    }
    if r >= 100.0 {
        return 4.5;
    }
    // Below R = 6.5 the polynomial dips under 1, which no listener can vote.
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
}

/// `Ie,eff`: what coding and loss take away. ITU-T G.107 §7.4
fn loss_impairment(impairment: Impairment, conditions: &Conditions) -> f64 {
    let loss = finite(conditions.loss_percent, 0.0).clamp(0.0, 100.0);
    let burst = finite(conditions.burst_ratio, 1.0).max(1.0);
    impairment.ie + (95.0 - impairment.ie) * loss / (loss / burst + impairment.bpl)
}

/// `Idd`: what a long absolute delay takes away, nothing up to 100 ms. ITU-T G.107 §7.3
fn delay_impairment(delay_ms: f64) -> f64 {
    let delay = finite(delay_ms, ASSUMED_DELAY_MS);
    if delay <= 100.0 {
        return 0.0;
    }
    let x = (delay / 100.0).log2();
    25.0 * ((1.0 + x.powi(6)).powf(1.0 / 6.0) - 3.0 * (1.0 + (x / 3.0).powi(6)).powf(1.0 / 6.0) + 2.0)
}

fn finite(value: f64, otherwise: f64) -> f64 {
    if value.is_finite() { value } else { otherwise }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() <= within, "{a} is not {b} ± {within}");
    }

    #[test]
    fn a_clean_g711_call_scores_4_41() {
        // The recommendation's own result for default values: R = 93.2, MOS = 4.41.
        near(mos(Codec::Pcmu, &Conditions::loss(0.0)).unwrap(), 4.41, 0.005);
        near(mos(Codec::Pcma, &Conditions::loss(0.0)).unwrap(), 4.41, 0.005);
        // ITU-T G.107 Annex B, table B.1: R 50 → 2.58, 60 → 3.10, 70 → 3.60, 80 → 4.03, 90 → 4.34.
        for (r, expected) in [(50.0, 2.58), (60.0, 3.10), (70.0, 3.60), (80.0, 4.03), (90.0, 4.34)] {
            near(mos_of(r), expected, 0.01);
        }
    }

    #[test]
    fn loss_is_heard_and_bursts_more_than_random_loss() {
        // By hand: Ie,eff = 95·5/(5 + 4.3) = 51.1; R = 42.1.
        let five = Conditions::loss(5.0);
        near(rating(Codec::Pcmu.impairment().unwrap(), &five), 42.1, 0.05);
        assert!(mos(Codec::Pcmu, &five).unwrap() < 3.6);
        let bursty = Conditions { burst_ratio: 3.0, ..five };
        assert!(mos(Codec::G729, &bursty).unwrap() < mos(Codec::G729, &five).unwrap());
        // G.729A at 2 %: 11 + 84·2/21 = 19.
        near(rating(Codec::G729.impairment().unwrap(), &Conditions::loss(2.0)), 74.2, 0.01);
    }

    #[test]
    fn delay_counts_beyond_100_ms() {
        let at = |ms| delay_impairment(ms);
        near(at(100.0), 0.0, 1e-9);
        // x = 2 at 400 ms: 25·(65^(1/6) − 3·(1 + 64/729)^(1/6) + 2).
        near(at(400.0), 25.0 * (2.005_17 - 3.0 * 1.014_13 + 2.0), 0.05);
        assert!(at(200.0) < at(300.0) && at(150.0) < 1.0);
    }

    #[test]
    fn the_score_stays_on_its_scale_whatever_comes_in() {
        for loss in [f64::NAN, -3.0, 0.0, 50.0, 100.0, 1e9, f64::INFINITY] {
            for burst in [f64::NAN, -1.0, 0.0, 1.0, 1e12] {
                for delay in [f64::NAN, -5.0, 0.0, 1e7] {
                    let c = Conditions { loss_percent: loss, burst_ratio: burst, one_way_delay_ms: delay };
                    let score = mos(Codec::Ilbc, &c).unwrap();
                    assert!((1.0..=4.5).contains(&score), "{c:?} gives {score}");
                }
            }
        }
        assert_eq!(mos(Codec::H264, &Conditions::loss(0.0)), None);
        assert_eq!(mos(Codec::ComfortNoise, &Conditions::loss(0.0)), None);
    }
}
