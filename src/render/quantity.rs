//! Times, lengths of time and counts, as a person reads them.

use crate::base::Timestamp;
use crate::report::decode::Instant;

/// A length of time: `0.3 ms`, `120 ms`, `2.5 s`, `2 min 05 s`, `1 h 02 min`; `?` for what is no number.
pub(super) fn duration(ms: f64) -> String {
    if !ms.is_finite() {
        return "?".into();
    }
    let seconds = (ms.abs() / 1e3).round() as u64;
    match ms.abs() {
        v if v < 99.95 => format!("{ms:.1} ms"),
        v if v < 999.5 => format!("{ms:.0} ms"),
        v if v < 59_950.0 => format!("{:.1} s", ms / 1e3),
        v if v < 3_599_500.0 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Time since the start of a ladder: `+0.000`, `+14.530`, `+2:05.000`, `+1:02:03.456`; `-0.003` before it.
pub(super) fn offset(at: Instant, start: Instant) -> String {
    let nanoseconds = at.0.since(start.0);
    let sign = if nanoseconds < 0 { '-' } else { '+' };
    let ms = nanoseconds.unsigned_abs() / 1_000_000;
    let (seconds, ms) = (ms / 1000, ms % 1000);
    match seconds {
        0..=59 => format!("{sign}{seconds}.{ms:03}"),
        60..=3599 => format!("{sign}{}:{:02}.{ms:03}", seconds / 60, seconds % 60),
        _ => format!("{sign}{}:{:02}:{:02}.{ms:03}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

/// A count with its thousands apart: `740,000`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of things: `1 call`, `2 calls`.
pub(super) fn counted(n: u64, thing: &str) -> String {
    let plural = match thing {
        _ if n == 1 => "",
        "info" => "",
        _ => "s",
    };
    format!("{} {thing}{plural}", count(n))
}

/// Date and time of day of an instant, the fraction left out: `("2026-11-22", "14:05:11")`.
fn parts(at: Timestamp) -> (String, String) {
    let text = at.to_string();
    let (date, time) = text.split_once('T').unwrap_or((&text, ""));
    (date.to_owned(), time.split('.').next().unwrap_or("").to_owned())
}

/// `2026-11-22 14:05:11 UTC → 14:05:26`, the second date only where it is another day.
pub(super) fn range(first: Instant, last: Instant) -> String {
    let ((first_date, first_time), (last_date, last_time)) = (parts(first.0), parts(last.0));
    if first_date == last_date {
        format!("{first_date} {first_time} UTC → {last_time}")
    } else {
        format!("{first_date} {first_time} UTC → {last_date} {last_time}")
    }
}

/// Time of day with milliseconds: `14:05:11.123`.
pub(super) fn clock(at: Instant) -> String {
    let text = at.0.to_string();
    let time = text.split_once('T').map_or("", |(_, time)| time);
    time.get(..12).unwrap_or(time).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{clock, count, counted, duration, offset, range};
    use crate::base::Timestamp;
    use crate::report::decode::Instant;

    fn at(seconds: i64, nanos: u32) -> Instant {
        Instant(Timestamp::from_parts(seconds, nanos))
    }

    #[test]
    fn lengths_of_time_change_unit_where_a_person_would() {
        let shown = [0.0, 0.31, 99.94, 120.4, 999.6, 12_000.0, 59_960.0, 125_000.0, 3_725_000.0].map(duration);
        assert_eq!(
            shown,
            ["0.0 ms", "0.3 ms", "99.9 ms", "120 ms", "1.0 s", "12.0 s", "1 min 00 s", "2 min 05 s", "1 h 02 min"]
        );
        assert_eq!(duration(f64::NAN), "?");
        assert_eq!(duration(-1500.0), "-1.5 s");
    }

    #[test]
    fn offsets_grow_fields_as_they_need_them() {
        let start = at(100, 0);
        assert_eq!(offset(at(100, 999_999), start), "+0.000");
        assert_eq!(offset(at(114, 530_000_000), start), "+14.530");
        assert_eq!(offset(at(225, 0), start), "+2:05.000");
        assert_eq!(offset(at(100 + 3723, 456_000_000), start), "+1:02:03.456");
        assert_eq!(offset(at(99, 997_000_000), start), "-0.003");
        assert_eq!(offset(Instant(Timestamp(i64::MAX)), Instant(Timestamp(i64::MIN))), "+2562047:47:16.854");
    }

    #[test]
    fn counts_and_dates() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([counted(1, "call"), counted(0, "call"), counted(3, "info")], ["1 call", "0 calls", "3 info"]);
        assert_eq!(range(at(0, 0), at(61, 0)), "1970-01-01 00:00:00 UTC → 00:01:01");
        assert_eq!(range(at(0, 0), at(86_400, 0)), "1970-01-01 00:00:00 UTC → 1970-01-02 00:00:00");
        assert_eq!(clock(at(1, 2_000_000)), "00:00:01.002");
    }
}
