//! The timer values. RFC 3261 §17.1.1.1

use std::time::Duration;

/// T1, T2 and T4: every timer of a transaction derives from them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timers {
    /// Estimate of the round trip.
    pub t1: Duration,
    /// Longest pause between repeats of a non-INVITE request or an INVITE response.
    pub t2: Duration,
    /// How long a message can stay in the network.
    pub t4: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Timers { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl Timers {
    /// The default with another T1.
    #[must_use]
    pub fn with_t1(t1: Duration) -> Self {
        Timers { t1, ..Timers::default() }
    }

    /// Timers B, F, H, J, L and M: 64 times T1.
    #[must_use]
    pub fn give_up(&self) -> Duration {
        self.t1.saturating_mul(64)
    }
}
