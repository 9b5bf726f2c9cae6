//! The clock of media: wall-clock time that never goes back.

use crate::base::Timestamp;
use std::time::{Duration, Instant};

/// Wall-clock time as it was at the beginning, carried on by the clock that never goes back. Calls that are to be compared
/// share one.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    wall: Timestamp,
}

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn start() -> Self {
        Clock { began: Instant::now(), wall: Timestamp::now() }
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// What an instant is on this clock.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Timestamp {
        match instant.checked_duration_since(self.began) {
            Some(since) => self.wall.after(since),
            None => self.wall,
        }
    }

    /// The instant of a time on this clock; its beginning for times before.
    #[must_use]
    pub fn instant(&self, at: Timestamp) -> Instant {
        let since = u64::try_from(at.since(self.wall)).unwrap_or(0);
        self.began.checked_add(Duration::from_nanos(since)).unwrap_or(self.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_times_go_both_ways() {
        let clock = Clock::start();
        let later = clock.began + Duration::from_millis(1234);
        assert_eq!(clock.at(later).since(clock.wall), 1_234_000_000);
        assert_eq!(clock.instant(clock.at(later)), later);
        assert_eq!(clock.instant(Timestamp(0)), clock.began);
        assert!(clock.now() >= clock.wall);
    }
}
