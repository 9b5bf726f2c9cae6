//! Instants of a capture.

use std::fmt;
use std::time::Duration;

/// Nanoseconds since 1970-01-01T00:00:00Z, as the capture says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// An instant from whole seconds and nanoseconds; what does not fit saturates.
    #[inline]
    #[must_use]
    pub fn from_parts(seconds: i64, nanoseconds: u32) -> Self {
        Timestamp(seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(nanoseconds)))
    }

    /// The present instant by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Nanoseconds from `earlier` to here; negative where `earlier` is later.
    #[inline]
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Milliseconds from `earlier` to here.
    #[inline]
    #[must_use]
    pub fn ms_since(self, earlier: Timestamp) -> f64 {
        self.since(earlier) as f64 / 1e6
    }

    /// The instant `by` later.
    #[must_use]
    pub fn after(self, by: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Timestamp {
    /// The bytes of its [`Display`](fmt::Display) form. Capture times are written by the million: digits placed one by one
    /// cost a tenth of what formatting does. A 64-bit count of nanoseconds reaches from 1677 to 2262, so that four digits hold every year.
    #[must_use]
    pub fn rfc3339(self) -> [u8; 30] {
        let day = self.0.div_euclid(86_400_000_000_000);
        let in_day = self.0.rem_euclid(86_400_000_000_000);
        let (year, month, date) = civil(day);
        let (seconds, nanos) = (in_day / 1_000_000_000, in_day % 1_000_000_000);
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        let parts = [
            (0, 4, year),
            (5, 2, month),
            (8, 2, date),
            (11, 2, seconds / 3600),
            (14, 2, seconds / 60 % 60),
            (17, 2, seconds % 60),
            (20, 9, nanos),
        ];
        for (start, digits, mut number) in parts {
            for place in text[start..start + digits].iter_mut().rev() {
                *place = b'0' + (number % 10) as u8;
                number /= 10;
            }
        }
        text
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with nine digits of a second: `2026-11-22T14:05:11.000000000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.rfc3339()).map_err(|_| fmt::Error)?)
    }
}

/// Year, month and day of a number of days since 1970-01-01 in the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn shows_rfc_3339_with_nanoseconds() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(Timestamp::from_parts(951_782_400, 1).to_string(), "2000-02-29T00:00:00.000000001Z");
        assert_eq!(Timestamp::from_parts(1_700_000_000, 5_000_000).to_string(), "2023-11-14T22:13:20.005000000Z");
        assert_eq!(Timestamp::from_parts(-1, 0).to_string(), "1969-12-31T23:59:59.000000000Z");
        assert_eq!(Timestamp(i64::MAX).to_string(), "2262-04-11T23:47:16.854775807Z");
        assert_eq!(Timestamp(i64::MIN).to_string(), "1677-09-21T00:12:43.145224192Z");
    }
}
