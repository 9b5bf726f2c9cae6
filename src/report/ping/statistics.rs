//! Round trips in numbers, in bounded memory.

use crate::base::Entropy;
use schemars::JsonSchema;
use serde::Serialize;

/// Samples that percentiles are computed from exactly; of more, a sample in which each has the same chance to be kept.
const KEPT: usize = 1_000_000;

/// Round trips, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Rtt {
    /// Shortest.
    pub min: f64,
    /// Mean.
    pub avg: f64,
    /// Longest.
    pub max: f64,
    /// Standard deviation of all of them (population).
    pub stddev: f64,
    /// Half of them took at most this long (nearest rank). Beyond a million round trips the three percentiles come from a
    /// million of them, drawn evenly.
    pub p50: f64,
    /// 95 % took at most this long.
    pub p95: f64,
    /// 99 % took at most this long.
    pub p99: f64,
}

/// Collects round trips.
#[derive(Debug)]
pub struct Statistics {
    kept: Vec<f64>,
    most: usize,
    count: u64,
    min: f64,
    max: f64,
    mean: f64,
    /// Sum of squared differences from the mean, kept up to date as Welford does: no large sums, nothing cancels out.
    squares: f64,
    last: Option<f64>,
    /// Sum of the differences of consecutive ones.
    steps: f64,
    draw: Entropy,
}

impl Default for Statistics {
    fn default() -> Self {
        Statistics::keeping(KEPT)
    }
}

impl Statistics {
    fn keeping(most: usize) -> Self {
        Statistics {
            kept: Vec::new(),
            most,
            count: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            mean: 0.0,
            squares: 0.0,
            last: None,
            steps: 0.0,
            // The draw has no secrets: the same run gives the same numbers.
            draw: Entropy::seeded(0),
        }
    }

    /// Takes a round trip in, milliseconds.
    pub fn add(&mut self, ms: f64) {
        self.count += 1;
        self.min = self.min.min(ms);
        self.max = self.max.max(ms);
        let from_mean = ms - self.mean;
        self.mean += from_mean / self.count as f64;
        self.squares += from_mean * (ms - self.mean);
        if let Some(last) = self.last.replace(ms) {
            self.steps += (ms - last).abs();
        }
        if self.kept.len() < self.most {
            self.kept.push(ms);
        } else {
            // Vitter's algorithm R.
            let place = usize::try_from(self.draw.below(self.count)).unwrap_or(usize::MAX);
            if let Some(kept) = self.kept.get_mut(place) {
                *kept = ms;
            }
        }
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The numbers; `None` where there was no round trip.
    #[must_use]
    pub fn rtt(&self) -> Option<Rtt> {
        if self.count == 0 {
            return None;
        }
        let mut sorted = self.kept.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let rank = |percent: usize| {
            let at = (sorted.len() * percent).div_ceil(100).max(1) - 1;
            sorted.get(at).copied().unwrap_or(self.max)
        };
        Some(Rtt {
            min: self.min,
            avg: self.mean,
            max: self.max,
            stddev: (self.squares / self.count as f64).sqrt(),
            p50: rank(50),
            p95: rank(95),
            p99: rank(99),
        })
    }

    /// Mean difference of consecutive round trips; `None` with fewer than two.
    #[must_use]
    pub fn jitter(&self) -> Option<f64> {
        (self.count > 1).then(|| self.steps / (self.count - 1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::Statistics;

    fn of(values: &[f64]) -> Statistics {
        let mut statistics = Statistics::default();
        values.iter().for_each(|&v| statistics.add(v));
        statistics
    }

    /// The example that every text on the population's deviation has: mean 5, deviation 2.
    #[test]
    fn numbers_as_computed_by_hand() {
        let statistics = of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        let rtt = statistics.rtt().unwrap();
        assert_eq!((rtt.min, rtt.max), (2.0, 9.0));
        assert!((rtt.avg - 5.0).abs() < 1e-12 && (rtt.stddev - 2.0).abs() < 1e-12, "{rtt:?}");
        assert_eq!((rtt.p50, rtt.p95, rtt.p99), (4.0, 9.0, 9.0));
        // |4-2| + 0 + 0 + 1 + 0 + 2 + 2 = 7 over 7 steps.
        assert_eq!(statistics.jitter(), Some(1.0));
    }

    /// The worked example of nearest rank: 15, 20, 35, 40, 50.
    #[test]
    fn percentiles_are_values_that_were_there() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let rtt = of(&hundred).rtt().unwrap();
        assert_eq!((rtt.p50, rtt.p95, rtt.p99), (50.0, 95.0, 99.0));
        assert_eq!(of(&[15.0, 20.0, 35.0, 40.0, 50.0]).rtt().unwrap().p50, 35.0);
        let one = of(&[3.0]).rtt().unwrap();
        assert_eq!((one.min, one.avg, one.max, one.stddev, one.p99), (3.0, 3.0, 3.0, 0.0, 3.0));
        assert_eq!((of(&[3.0]).jitter(), of(&[]).rtt(), of(&[]).jitter()), (None, None, None));
    }

    #[test]
    fn memory_is_bounded_and_the_sample_is_fair() {
        let mut statistics = Statistics::keeping(1000);
        (1..=100_000).for_each(|n| statistics.add(f64::from(n)));
        assert_eq!((statistics.kept.len(), statistics.count()), (1000, 100_000));
        let rtt = statistics.rtt().unwrap();
        assert_eq!((rtt.min, rtt.max), (1.0, 100_000.0));
        assert!((rtt.avg - 50_000.5).abs() < 1e-6);
        // The deviation of 1 … n is sqrt((n² - 1) / 12).
        assert!((rtt.stddev - ((1e10 - 1.0) / 12.0f64).sqrt()).abs() < 1e-3, "{}", rtt.stddev);
        // Five deviations of the median of a sample of 1000: 5 · 50,000 / √1000.
        assert!((rtt.p50 - 50_000.0).abs() < 8_000.0, "{}", rtt.p50);
        assert_eq!(statistics.jitter(), Some(1.0));
    }
}
