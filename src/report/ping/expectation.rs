//! What answers have to be, and how good the numbers: `--expect`, `--expect-header`, `--max-…`.

use super::Target;
use crate::sip::{HeaderName, Message};
use std::str::FromStr;

/// A status code or a class of them: `404`, `2xx`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatusRange {
    first: u16,
    last: u16,
}

impl FromStr for StatusRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no status code: write 200, 2xx or 2xx,404");
        let class = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX"));
        let is_number = |t: &str, digits: usize| t.len() == digits && t.bytes().all(|b| b.is_ascii_digit());
        let (first, last) = match class {
            Some(class) if is_number(class, 1) => {
                let hundreds = class.parse::<u16>().map_err(|_| wrong())? * 100;
                (hundreds, hundreds + 99)
            }
            None if is_number(text, 3) => {
                let code = text.parse().map_err(|_| wrong())?;
                (code, code)
            }
            _ => return Err(wrong()),
        };
        // A provisional response ends no ping.
        if (200..=699).contains(&first) { Ok(StatusRange { first, last }) } else { Err(wrong()) }
    }
}

impl StatusRange {
    /// Whether a status is of it.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl std::fmt::Display for StatusRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}xx", self.first / 100) }
    }
}

/// A header field that every answer must have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeaderWanted {
    name: String,
    values: Vec<String>,
}

impl FromStr for HeaderWanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, values) = text.split_once(':').unwrap_or((text, ""));
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b)) {
            return Err(format!("'{name}' is no name of a header field: write 'Allow: INVITE'"));
        }
        let values = values.split(',').map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned).collect();
        Ok(HeaderWanted { name: name.to_owned(), values })
    }
}

impl HeaderWanted {
    /// What is missing in a message: the field, or a value of it. Of a list a value is an element (its parameters apart); of
    /// any other field, a part of its text. Case does not count.
    fn missing(&self, message: &Message<'_>) -> Option<String> {
        let name = HeaderName::of(self.name.as_bytes());
        let known = name != HeaderName::Other;
        let mut present: Vec<&[u8]> = if known { message.values(name).collect() } else { Vec::new() };
        if present.is_empty() {
            // An empty list (`Supported:`) is a header field, too.
            present.extend(message.header_named(&self.name));
            present.extend(known.then(|| message.header(name)).flatten());
        }
        if present.is_empty() {
            return Some(format!("no {} header field", self.name));
        }
        let has = |wanted: &str| {
            present.iter().any(|value| {
                if known && name.is_list() {
                    let element = value.split(|&b| b == b';').next().unwrap_or_default();
                    element.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes())
                } else {
                    contains(value, wanted.as_bytes())
                }
            })
        };
        let absent: Vec<&str> = self.values.iter().map(String::as_str).filter(|wanted| !has(wanted)).collect();
        (!absent.is_empty()).then(|| format!("{} without {}", self.name, absent.join(", ")))
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || text.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}

/// What every answer must be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expectation {
    /// One of these; any where there are none.
    pub statuses: Vec<StatusRange>,
    /// All of these.
    pub headers: Vec<HeaderWanted>,
}

impl Expectation {
    /// Whether this status is asked for by name.
    #[must_use]
    pub fn names(&self, status: u16) -> bool {
        self.statuses.iter().any(|r| r.contains(status))
    }

    /// What is wrong with an answer.
    #[must_use]
    pub fn unmet(&self, status: u16, message: &Message<'_>) -> Option<String> {
        if !self.statuses.is_empty() && !self.names(status) {
            let wanted: Vec<String> = self.statuses.iter().map(StatusRange::to_string).collect();
            return Some(format!("expected {}, got {status}", wanted.join(" or ")));
        }
        let missing: Vec<String> = self.headers.iter().filter_map(|h| h.missing(message)).collect();
        (!missing.is_empty()).then(|| missing.join("; "))
    }
}

/// How good the numbers must be; milliseconds and percent.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Thresholds {
    /// Most loss.
    pub loss_percent: Option<f64>,
    /// Longest round trip.
    pub rtt_ms: Option<f64>,
    /// Longest 95th percentile.
    pub p95_ms: Option<f64>,
}

impl Thresholds {
    /// What was missed. A limit on round trips that cannot be measured (every answer took a repeat) is missed, too.
    #[must_use]
    pub fn missed(&self, target: &Target) -> Option<String> {
        let mut missed = Vec::new();
        if let Some(most) = self.loss_percent.filter(|&most| target.loss_percent > most) {
            missed.push(format!("loss {:.1} % is above {most} %", target.loss_percent));
        }
        let trips = [("longest round trip", self.rtt_ms, target.rtt_ms.map(|r| r.max))];
        let trips = trips.into_iter().chain([("p95", self.p95_ms, target.rtt_ms.map(|r| r.p95))]);
        for (name, most, got) in trips {
            match (most, got) {
                (Some(most), Some(got)) if got > most => missed.push(format!("{name} {got:.1} ms is above {most} ms")),
                (Some(most), None) => {
                    missed.push(format!("{name} unknown (every answer took a repeat), limit {most} ms"))
                }
                _ => {}
            }
        }
        (!missed.is_empty()).then(|| missed.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::{Expectation, HeaderWanted, StatusRange, Thresholds};
    use crate::report::ping::{Rtt, Target};
    use crate::sip::{Message, Outline};

    const RESPONSE: &[u8] = b"SIP/2.0 200 OK\r\nAllow: INVITE,ACK\r\nAllow: options\r\nk: \r\nX-Site: Berlin 7\r\n\
        Server: Kamailio (5.6.3)\r\nAccept: application/sdp;level=1\r\nContent-Length: 0\r\n\r\n";

    fn unmet(statuses: &[&str], headers: &[&str]) -> Option<String> {
        let statuses = statuses.iter().map(|s| s.parse().unwrap()).collect();
        let headers = headers.iter().map(|h| h.parse().unwrap()).collect();
        let mut outline = Outline::new();
        assert!(outline.read(RESPONSE));
        Expectation { statuses, headers }.unmet(200, &Message::new(RESPONSE, &outline))
    }

    #[test]
    fn statuses_are_codes_and_classes() {
        assert_eq!(unmet(&[], &[]), None);
        assert_eq!(unmet(&["404", "2xx"], &[]), None);
        assert_eq!(unmet(&["404", "5XX"], &[]), Some("expected 404 or 5xx, got 200".to_owned()));
        for wrong in ["", "xx", "7xx", "1xx", "99", "180", "700", "4x", "ok", "+20"] {
            assert!(wrong.parse::<StatusRange>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn header_fields_are_compared_by_element_or_by_text() {
        for good in [
            "Allow: INVITE",
            "allow: ack, OPTIONS",
            "Supported",
            "k",
            "x-site: berlin",
            "Server: kamailio",
            "Accept: application/sdp",
        ] {
            assert_eq!(unmet(&[], &[good]), None, "{good}");
        }
        assert_eq!(unmet(&[], &["Allow: INVITE, BYE, INV"]), Some("Allow without BYE, INV".to_owned()));
        assert_eq!(
            unmet(&[], &["X-Other", "Server: asterisk"]).unwrap(),
            "no X-Other header field; Server without asterisk"
        );
        assert!("a b: c".parse::<HeaderWanted>().is_err());
    }

    #[test]
    fn thresholds_say_by_how_much_they_were_missed() {
        let rtt = Rtt { min: 1.0, avg: 2.0, max: 30.0, stddev: 1.0, p50: 2.0, p95: 9.0, p99: 9.0 };
        let mut target = Target { loss_percent: 10.0, rtt_ms: Some(rtt), ..Target::default() };
        let all = |loss, rtt, p95| Thresholds { loss_percent: Some(loss), rtt_ms: Some(rtt), p95_ms: Some(p95) };
        assert_eq!(all(10.0, 30.0, 9.0).missed(&target), None);
        let missed = all(9.9, 29.0, 8.0).missed(&target).unwrap();
        assert_eq!(
            missed,
            "loss 10.0 % is above 9.9 %; longest round trip 30.0 ms is above 29 ms; p95 9.0 ms is above 8 ms"
        );
        target.rtt_ms = None;
        assert!(all(10.0, 30.0, 9.0).missed(&target).unwrap().contains("unknown"));
        assert_eq!(Thresholds::default().missed(&target), None);
    }
}
