//! Session timers, as either side of a call keeps them. RFC 4028 §7.2, §9, §10

use crate::sip::{HeaderName, Message};
use std::time::{Duration, Instant};

/// Shortest interval that is taken from others. RFC 4028 §4
pub const LEAST: u32 = 90;
/// Longest interval: a day, as much as a trial call could ever see.
const MOST: u32 = 86_400;

/// Who refreshes, and when. The default keeps no timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionTimer {
    /// The interval in seconds; 0 where there is no timer.
    seconds: u32,
    /// Whether we refresh.
    is_ours: bool,
    /// When the session is over, a little early. RFC 4028 §10
    expires: Option<Instant>,
    /// When we refresh.
    refresh: Option<Instant>,
}

impl SessionTimer {
    /// Takes what a 2xx to a request of ours says: of who asked `uac` is us. RFC 4028 §7.2
    pub fn handle_response(&mut self, response: &Message<'_>, now: Instant) {
        let Some(value) = response.header(HeaderName::SessionExpires) else {
            *self = SessionTimer::default();
            return;
        };
        let by_them = refresher(value).is_some_and(|who| who.eq_ignore_ascii_case(b"uas"));
        self.start(seconds(value).unwrap_or(0), !by_them, now);
    }

    /// Takes what a request of the other side says; of who asked `uac` is them. RFC 4028 §9
    ///
    /// # Errors
    /// The least that is taken: 422 says it.
    pub fn handle_request(&mut self, request: &Message<'_>, now: Instant) -> Result<(), u32> {
        // What is no number says nothing.
        let said = request.header(HeaderName::SessionExpires).and_then(|value| Some((value, seconds(value)?)));
        let Some((value, asked)) = said else {
            *self = SessionTimer::default();
            return Ok(());
        };
        let knows = request.values(HeaderName::Supported).any(|tag| tag.eq_ignore_ascii_case(b"timer"));
        // Who does not know of timers cannot understand 422: a proxy asked. RFC 4028 §9
        if knows && asked < LEAST {
            return Err(LEAST);
        }
        let by_us = match refresher(value) {
            Some(who) => who.eq_ignore_ascii_case(b"uas"),
            // It asked for the timer: it refreshes, if it can.
            None => !knows,
        };
        self.start(asked.max(LEAST), by_us, now);
        Ok(())
    }

    fn start(&mut self, seconds: u32, is_ours: bool, now: Instant) {
        (self.seconds, self.is_ours) = (seconds.min(MOST), is_ours);
        if seconds == 0 {
            *self = SessionTimer::default();
            return;
        }
        let whole = Duration::from_secs(u64::from(self.seconds));
        // RFC 4028 §10: the BYE comes a little before the end, so that both sides agree that it is over.
        let early = Duration::from_secs(32).min(whole / 3);
        self.expires = now.checked_add(whole.saturating_sub(early));
        self.refresh = if is_ours { now.checked_add(whole / 2) } else { None };
    }

    /// Interval in seconds, and whether we refresh.
    #[must_use]
    pub fn agreed(&self) -> Option<(u32, bool)> {
        (self.seconds > 0).then_some((self.seconds, self.is_ours))
    }

    /// Session-Expires of a request of ours inside the dialog: there we are the `uac`.
    #[must_use]
    pub fn of_request(&self) -> Option<String> {
        (self.seconds > 0).then(|| format!("{};refresher={}", self.seconds, if self.is_ours { "uac" } else { "uas" }))
    }

    /// Session-Expires of our 2xx to their request, in which we are the `uas`, and whether it needs Require. RFC 4028 §9
    #[must_use]
    pub fn of_response(&self) -> Option<(String, bool)> {
        let who = if self.is_ours { "uas" } else { "uac" };
        (self.seconds > 0).then(|| (format!("{};refresher={who}", self.seconds), !self.is_ours))
    }

    /// A 422 to our refresh: the interval grows. RFC 4028 §7.3
    pub fn lengthen(&mut self, least: u32, now: Instant) {
        let expires = self.expires;
        self.start(self.seconds.max(least), self.is_ours, now);
        // Nothing was refreshed yet.
        (self.expires, self.refresh) = (expires, None);
    }

    /// Our refresh is out, or can wait no longer for its turn.
    pub fn refreshing(&mut self) {
        self.refresh = None;
    }

    /// Our refresh could not be had now: it goes out once more then, unless the session is over before.
    pub fn again(&mut self, at: Instant) {
        self.refresh = Some(at);
    }

    /// Whether the session is over: nobody refreshed it in time.
    #[must_use]
    pub fn has_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    /// Whether it is time for a refresh of ours.
    #[must_use]
    pub fn wants_refresh(&self, now: Instant) -> bool {
        self.refresh.is_some_and(|at| at <= now)
    }

    /// When it expires.
    #[must_use]
    pub fn expiry(&self) -> Option<Instant> {
        self.expires
    }

    /// When we refresh.
    #[must_use]
    pub fn refresh(&self) -> Option<Instant> {
        self.refresh
    }
}

/// The seconds of Session-Expires or Min-SE; `None` for what is no number. RFC 4028 §4, §5
#[must_use]
pub fn seconds(value: &[u8]) -> Option<u32> {
    let digits = value.split(|&b| b == b';').next()?.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Beyond 32 bits it is as long as can be.
    Some(std::str::from_utf8(digits).ok()?.parse().unwrap_or(u32::MAX))
}

fn refresher(value: &[u8]) -> Option<&[u8]> {
    let mut params = value.split(|&b| b == b';').skip(1).map(<[u8]>::trim_ascii);
    params.find_map(|param| {
        let at = param.iter().position(|&b| b == b'=')?;
        let (name, value) = param.split_at_checked(at)?;
        name.trim_ascii().eq_ignore_ascii_case(b"refresher").then(|| value.get(1..).unwrap_or_default().trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::SessionTimer;
    use crate::sip::{Message, Outline};
    use std::time::{Duration, Instant};

    /// What comes of an INVITE with these header fields: the 422's least, or interval and whether we refresh.
    fn asked(fields: &str) -> Result<Option<(u32, bool)>, u32> {
        let text = format!(
            "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n\
             Call-ID: c\r\nCSeq: 1 INVITE\r\n{fields}Content-Length: 0\r\n\r\n"
        );
        let mut outline = Outline::new();
        assert!(outline.read(text.as_bytes()));
        let mut timer = SessionTimer::default();
        timer.handle_request(&Message::new(text.as_bytes(), &outline), Instant::now()).map(|()| timer.agreed())
    }

    #[test]
    fn what_an_invite_asks_for_is_taken_raised_or_refused() {
        // RFC 4028 §9, Table 2
        for (fields, expected) in [
            ("", Ok(None)),
            ("Supported: timer\r\n", Ok(None)),
            ("Supported: timer\r\nSession-Expires: 1800\r\n", Ok(Some((1800, false)))),
            ("Supported: timer\r\nx: 1800;refresher=uac\r\n", Ok(Some((1800, false)))),
            ("k: 100rel, timer\r\nSession-Expires: 1800 ; Refresher = UAS\r\n", Ok(Some((1800, true)))),
            ("Supported: timer\r\nSession-Expires: 89\r\n", Err(90)),
            // A proxy asked: who does not know of timers would not understand 422.
            ("Session-Expires: 60\r\n", Ok(Some((90, true)))),
            ("Supported: timer\r\nSession-Expires: 99999999999\r\n", Ok(Some((86_400, false)))),
            ("Supported: timer\r\nSession-Expires: soon\r\n", Ok(None)),
        ] {
            assert_eq!(asked(fields), expected, "{fields}");
        }
    }

    #[test]
    fn it_ends_a_little_before_its_time() {
        // RFC 4028 §10: the smaller of 32 s and a third.
        let (mut timer, now) = (SessionTimer::default(), Instant::now());
        for (interval, ends) in [(90, 60), (96, 64), (1800, 1768)] {
            timer.start(interval, true, now);
            assert_eq!(timer.expiry(), Some(now + Duration::from_secs(ends)), "{interval}");
            assert_eq!(timer.refresh(), Some(now + Duration::from_secs(u64::from(interval) / 2)));
        }
    }
}
