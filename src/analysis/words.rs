//! How findings name messages, addresses and times.

use crate::base::Safe;
use crate::sip::Method;
use crate::trace::{Conversation, Facts};

/// `INVITE`, `200 OK`, as the message calls itself.
#[must_use]
pub fn message(c: &Conversation, f: &Facts) -> String {
    if f.is_request() {
        return method(c, f);
    }
    let reason = Safe(c.text(f.uri_or_reason)).to_string();
    if reason.is_empty() { f.status.to_string() } else { format!("{} {reason}", f.status) }
}

/// Characters of a method that nobody knows: the longest registered one has nine.
const MOST_OF_METHOD: usize = 32;

/// The method of a request, or of the request that a response answers.
#[must_use]
pub fn method(c: &Conversation, f: &Facts) -> String {
    match f.method {
        Method::Other if f.method_text().is_empty() => "request".to_owned(),
        Method::Other => {
            let name = Safe(c.text(f.method_text())).to_string();
            match name.char_indices().nth(MOST_OF_METHOD) {
                Some((at, _)) => format!("{}…", name.get(..at).unwrap_or_default()),
                None => name,
            }
        }
        known => known.text().to_owned(),
    }
}

/// `0.3 s`, `12.0 s`, `40 ms`: short, for a sentence.
#[must_use]
pub fn duration(nanoseconds: i64) -> String {
    let ms = nanoseconds as f64 / 1e6;
    match ms.abs() {
        m if m < 9.95 => format!("{ms:.1} ms"),
        m if m < 100.0 => format!("{ms:.0} ms"),
        m if m < 60_000.0 => format!("{:.1} s", ms / 1e3),
        m if m < 3_600_000.0 => format!("{:.0} min {:02.0} s", (ms / 60_000.0).floor(), (ms / 1e3) % 60.0),
        _ => format!("{:.0} h {:02.0} min", (ms / 3_600_000.0).floor(), ((ms / 60_000.0) % 60.0).floor()),
    }
}

/// `once`, `twice`, `7 times`
#[must_use]
pub fn times(n: u32) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

/// `a, b and c`
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, list, times};

    #[test]
    fn durations_read_well() {
        let shown: Vec<String> = [400_000, 40_000_000, 2_500_000_000, 75_000_000_000].map(duration).into();
        assert_eq!(shown, ["0.4 ms", "40 ms", "2.5 s", "1 min 15 s"]);
        assert_eq!((times(2).as_str(), times(7).as_str()), ("twice", "7 times"));
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
