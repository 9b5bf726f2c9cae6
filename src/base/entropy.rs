//! Randomness: tags, branches, Call-IDs, nonces, and the draws of SRV weights.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A cryptographically strong generator, seeded once by the system; seeded by hand in tests, so that they repeat.
#[derive(Debug)]
pub struct Entropy {
    source: StdRng,
}

impl Entropy {
    /// Seeded by the operating system.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn from_system() -> std::io::Result<Self> {
        let mut seed = [0; 32];
        let mut system = rand::rngs::SysRng;
        rand::TryRng::try_fill_bytes(&mut system, &mut seed).map_err(std::io::Error::other)?;
        Ok(Entropy { source: StdRng::from_seed(seed) })
    }

    /// Seeded by hand: the same seed gives the same values.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Entropy { source: StdRng::seed_from_u64(seed) }
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.source.fill_bytes(bytes);
    }

    /// Sixteen hexadecimal digits: 64 bits, where RFC 3261 §19.3 asks for 32 at least.
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.source.next_u64())
    }

    /// A number below `bound`, each as likely as the other; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Values beyond the last whole multiple would favour small numbers: drawn again.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let drawn = self.source.next_u64();
            if drawn < limit {
                return drawn % bound;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Entropy;

    #[test]
    fn the_same_seed_repeats_and_another_does_not() {
        let tokens = |seed| {
            let mut entropy = Entropy::seeded(seed);
            [entropy.token(), entropy.token()]
        };
        assert_eq!(tokens(1), tokens(1));
        assert_ne!(tokens(1), tokens(2));
        assert_ne!(tokens(1)[0], tokens(1)[1]);
    }

    #[test]
    fn draws_stay_below_the_bound_and_reach_every_value() {
        let mut entropy = Entropy::seeded(3);
        let mut seen = [0; 5];
        for _ in 0..1000 {
            seen[entropy.below(5) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| n > 150), "{seen:?}");
        assert_eq!(entropy.below(0), 0);
    }

    #[test]
    fn the_system_gives_different_tokens() {
        let (mut a, mut b) = (Entropy::from_system().unwrap(), Entropy::from_system().unwrap());
        assert_ne!(a.token(), b.token());
    }
}
