//! Timestamps of a pcapng interface (if_tsresol, if_tsoffset) as nanoseconds.

use crate::base::Timestamp;

/// What one unit of an interface's timestamps is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Resolution {
    /// A unit is this many nanoseconds.
    Multiple(u64),
    /// This many units make a nanosecond; 0 where so many that no time is ever a whole one.
    Fraction(u64),
    /// A unit is 2 to the minus this many seconds (at most 127).
    Binary(u32),
}

impl Default for Resolution {
    /// Microseconds: what holds without if_tsresol.
    fn default() -> Self {
        Resolution::Multiple(1000)
    }
}

impl Resolution {
    /// The meaning of an if_tsresol option: the high bit says whether the rest is a power of 2 or of 10.
    pub(super) fn from_option(value: u8) -> Self {
        let exponent = u32::from(value & 0x7f);
        if value & 0x80 != 0 {
            return Resolution::Binary(exponent);
        }
        match exponent {
            0..=9 => Resolution::Multiple(10u64.pow(9 - exponent)),
            _ => Resolution::Fraction(10u64.checked_pow(exponent - 9).unwrap_or(0)),
        }
    }

    /// `units` since 1970, `offset` seconds later. What no instant can hold saturates.
    #[inline]
    pub(super) fn instant(self, units: u64, offset: i64) -> Timestamp {
        let nanoseconds = match self {
            Resolution::Multiple(n) => i64::try_from(units.saturating_mul(n)).unwrap_or(i64::MAX),
            Resolution::Fraction(n) => units.checked_div(n).map_or(0, |ns| i64::try_from(ns).unwrap_or(i64::MAX)),
            Resolution::Binary(shift) => binary(units, shift),
        };
        Timestamp(nanoseconds.saturating_add(offset.saturating_mul(1_000_000_000)))
    }
}

/// `units` of 2 to the minus `shift` seconds in nanoseconds. Below 2^64 · 10^9 nothing overflows 128 bits.
fn binary(units: u64, shift: u32) -> i64 {
    let scaled = u128::from(units) * 1_000_000_000;
    i64::try_from(scaled.checked_shr(shift).unwrap_or(0)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Resolution;

    #[test]
    fn every_kind_of_resolution_gives_the_same_instant() {
        let at = |option: u8, units: u64| Resolution::from_option(option).instant(units, 0).0;
        assert_eq!(at(0, 5), 5_000_000_000);
        assert_eq!(at(3, 5_250), 5_250_000_000);
        assert_eq!(at(6, 5_250_001), 5_250_001_000);
        assert_eq!(at(9, 5_250_000_001), 5_250_000_001);
        assert_eq!(at(12, 5_250_000_001_999), 5_250_000_001);
        assert_eq!(at(0x80, 5), 5_000_000_000);
        assert_eq!(at(0x80 | 10, 5 * 1024 + 256), 5_250_000_000);
        assert_eq!(at(0x80 | 32, (5 << 32) | 0x4000_0000), 5_250_000_000);
    }

    #[test]
    fn absurd_resolutions_and_offsets_saturate() {
        for option in 0..=255u8 {
            for (units, offset) in [(0, 0), (u64::MAX, 0), (u64::MAX, i64::MAX), (1, i64::MIN)] {
                let _ = Resolution::from_option(option).instant(units, offset);
            }
        }
        assert_eq!(Resolution::from_option(6).instant(u64::MAX, 0).0, i64::MAX);
        assert_eq!(Resolution::from_option(6).instant(7_000_000, -2).0, 5_000_000_000);
    }
}
