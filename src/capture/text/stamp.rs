//! Times as logs write them, and the instants that they mean.

use crate::base::Timestamp;

/// A day in nanoseconds.
const DAY_NS: i64 = 86_400_000_000_000;
/// Between two messages that carry no time.
const STEP_NS: i64 = 1_000_000;

/// A time as it stands in a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stamp {
    /// Date and time, or seconds since 1970.
    Instant(i64),
    /// Date without the year, as the nanosecond of 1970.
    OfYear(i64),
    /// Time of day in nanoseconds.
    OfDay(i64),
}

impl Stamp {
    /// Whether it says more than whole seconds.
    pub fn is_fine(self) -> bool {
        let (Stamp::Instant(ns) | Stamp::OfYear(ns) | Stamp::OfDay(ns)) = self;
        ns % 1_000_000_000 != 0
    }
}

/// A reader of digits and marks.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// A number of exactly `digits` digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !number.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(number.iter().fold(0, |n, d| n * 10 + i64::from(d - b'0')))
    }

    /// One of these characters.
    fn one(&mut self, of: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        of.contains(&first).then(|| {
            self.0 = rest;
            first
        })
    }

    /// `.123456`, in nanoseconds; 0 where there is none.
    fn fraction(&mut self) -> i64 {
        let digits = match self.0 {
            [b'.' | b',', rest @ ..] => rest.iter().take_while(|b| b.is_ascii_digit()).take(9).count(),
            _ => 0,
        };
        if digits == 0 {
            return 0;
        }
        self.0 = &self.0[1..];
        let number = self.number(digits).unwrap_or_default();
        number * 10_i64.pow(9 - digits as u32)
    }

    /// `14:05:11.123456`, in nanoseconds of the day.
    fn of_day(&mut self) -> Option<i64> {
        let hour = self.number(2).filter(|&n| n < 24)?;
        self.one(b":")?;
        let minute = self.number(2).filter(|&n| n < 60)?;
        self.one(b":")?;
        let second = self.number(2).filter(|&n| n < 61)?;
        Some((hour * 3600 + minute * 60 + second) * 1_000_000_000 + self.fraction())
    }

    /// `Z`, `+01:00`, `-0500`, in nanoseconds east of Greenwich; 0 where there is none.
    fn zone(&mut self) -> i64 {
        let Some(sign) = self.one(b"+-") else { return 0 };
        let Some(hours) = self.number(2) else { return 0 };
        let _ = self.one(b":");
        let minutes = self.number(2).unwrap_or_default();
        let east = (hours * 60 + minutes) * 60_000_000_000;
        if sign == b'-' { -east } else { east }
    }
}

/// Nanoseconds from 1970 to the start of a day; `None` for a day that does not exist.
fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    let date = jiff::civil::Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    let epoch = jiff::civil::Date::new(1970, 1, 1).ok()?;
    let days = epoch.until(date).ok()?.get_days();
    i64::from(days).checked_mul(DAY_NS)
}

/// The time that a line starts with, perhaps in brackets.
pub(super) fn leading(line: &[u8]) -> Option<Stamp> {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"[").unwrap_or(line);
    date_and_time(line).or_else(|| month_name(line)).or_else(|| Reader(line).of_day().map(Stamp::OfDay))
}

/// `2026-11-22 14:05:11.123456`, `2026-11-22T14:05:11Z`, `2026/11/22 14:05:11`.
pub(super) fn date_and_time(line: &[u8]) -> Option<Stamp> {
    let mut r = Reader(line);
    let year = r.number(4)?;
    let mark = r.one(b"-/")?;
    let month = r.number(2)?;
    r.one(&[mark])?;
    let date = day(year, month, r.number(2)?)?;
    r.one(b" T\t")?;
    let time = r.of_day()?;
    Some(Stamp::Instant(date.checked_add(time)?.checked_sub(r.zone())?))
}

/// `Nov 22 14:05:11`, `Nov 22 14:05:11.123`, as syslog and Asterisk write it.
fn month_name(line: &[u8]) -> Option<Stamp> {
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let (name, rest) = line.split_at_checked(3)?;
    let month = MONTHS.iter().position(|m| m.eq_ignore_ascii_case(name))? as i64 + 1;
    let mut r = Reader(rest);
    r.one(b" ")?;
    let date = if r.one(b" ").is_some() { r.number(1)? } else { r.number(2).or_else(|| r.number(1))? };
    r.one(b" ")?;
    let date = day(1970, month, date)?;
    Some(Stamp::OfYear(date + r.of_day()?))
}

/// `1795400146.774944`: seconds since 1970.
pub(super) fn epoch(text: &[u8]) -> Option<Stamp> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut r = Reader(text);
    let seconds = r.number(digits).filter(|_| (1..=10).contains(&digits))?;
    Some(Stamp::Instant(seconds.checked_mul(1_000_000_000)?.checked_add(r.fraction())?))
}

/// Makes instants of times, one message after the other.
#[derive(Debug, Default)]
pub(super) struct Clock {
    last: Option<i64>,
    /// Start of the day that a time of day belongs to.
    today: i64,
    /// Whether a message had no time, a time without a date, or a date without a year.
    pub without_time: bool,
    pub without_date: bool,
}

impl Clock {
    /// The instant of the next message.
    pub fn instant(&mut self, stamp: Option<Stamp>) -> Timestamp {
        let time = match stamp {
            Some(Stamp::Instant(ns)) => {
                self.today = ns - ns.rem_euclid(DAY_NS);
                ns
            }
            Some(Stamp::OfYear(ns)) => {
                self.without_date = true;
                self.today = ns - ns.rem_euclid(DAY_NS);
                ns
            }
            Some(Stamp::OfDay(ns)) => {
                self.without_date |= self.today == 0;
                // Much earlier than the message before: midnight lies between them.
                if self.last.is_some_and(|last| last - (self.today + ns) > DAY_NS / 2) {
                    self.today = self.today.saturating_add(DAY_NS);
                }
                self.today.saturating_add(ns)
            }
            None => {
                self.without_time = true;
                self.last.map_or(0, |last| last.saturating_add(STEP_NS))
            }
        };
        self.last = Some(time);
        Timestamp(time)
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Stamp, epoch, leading};

    #[test]
    fn times_are_read_as_logs_write_them() {
        let at = |text: &str| leading(text.as_bytes());
        // date -d '2026-11-22 14:05:11 UTC' +%s
        const NOON: i64 = 1_795_356_311_000_000_000;
        assert_eq!(at("2026-11-22 14:05:11.5 x"), Some(Stamp::Instant(NOON + 500_000_000)));
        assert_eq!(at("2026/11/22 14:05:11 x"), Some(Stamp::Instant(NOON)));
        assert_eq!(at("[2026-11-22T15:05:11+01:00] x"), Some(Stamp::Instant(NOON)));
        assert_eq!(at("14:05:11.000001"), Some(Stamp::OfDay(50_711_000_001_000)));
        assert_eq!(at("[Jan  2 00:00:01] x"), Some(Stamp::OfYear(86_401_000_000_000)));
        assert_eq!(at("Jan 12 00:00:00 host"), Some(Stamp::OfYear(11 * 86_400_000_000_000)));
        assert_eq!(epoch(b"1795356311.25"), Some(Stamp::Instant(NOON + 250_000_000)));
        for other in ["", "Via: x", "2026-13-22 14:05:11", "2026-11-22", "99:00:00", "Nov x", "12345678901"] {
            assert_eq!(at(other), None, "{other}");
        }
    }

    #[test]
    fn midnight_and_missing_times_go_on() {
        let mut clock = Clock::default();
        let before = clock.instant(Some(Stamp::OfDay(86_399_000_000_000)));
        let after = clock.instant(Some(Stamp::OfDay(1_000_000_000)));
        assert_eq!(after.since(before), 2_000_000_000);
        assert_eq!(clock.instant(None).since(after), 1_000_000);
        assert!(clock.without_time && clock.without_date);
    }
}
