//! Durations as they are typed: `500ms`, `2s`, `1m`, `1h`; a bare number is seconds.

use std::time::Duration;

/// Reads a duration.
///
/// # Errors
/// A sentence that says what is wrong and what to write.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no duration: write 500ms, 2s, 1m or 1h");
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number: f64 = text[..end].parse().map_err(|_| wrong())?;
    let seconds = match &text[end..] {
        "ms" => number / 1000.0,
        "" | "s" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn reads_what_the_contract_says() {
        let ms = |text: &str| parse(text).map(|d| d.as_millis());
        assert_eq!(ms("500ms"), Ok(500));
        assert_eq!(ms("2s"), Ok(2000));
        assert_eq!(ms("1m"), Ok(60_000));
        assert_eq!(ms("1.5"), Ok(1500));
        assert_eq!(parse("0"), Ok(Duration::ZERO));
        for wrong in ["", "s", "-1", "2x", "1e9h", "99999999999999999999h", "1.2.3"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
