//! Session timers, as the caller keeps them. RFC 4028 §7.2, §10

use crate::sip::{HeaderName, Message};
use std::time::{Duration, Instant};

/// Shortest interval that is taken from others. RFC 4028 §4
pub(super) const LEAST: u32 = 90;
/// Longest interval: a day, as much as a trial call could ever see.
const MOST: u32 = 86_400;

/// Who refreshes, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SessionTimer {
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
    pub(super) fn handle_response(&mut self, response: &Message<'_>, now: Instant) {
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
    pub(super) fn handle_request(&mut self, request: &Message<'_>, now: Instant) -> Result<(), u32> {
        let Some(value) = request.header(HeaderName::SessionExpires) else {
            *self = SessionTimer::default();
            return Ok(());
        };
        let knows = request.values(HeaderName::Supported).any(|tag| tag.eq_ignore_ascii_case(b"timer"));
        let asked = seconds(value).unwrap_or(0);
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
    pub(super) fn agreed(&self) -> Option<(u32, bool)> {
        (self.seconds > 0).then_some((self.seconds, self.is_ours))
    }

    /// Session-Expires of a request of ours inside the dialog: there we are the `uac`.
    pub(super) fn of_request(&self) -> Option<String> {
        (self.seconds > 0).then(|| format!("{};refresher={}", self.seconds, if self.is_ours { "uac" } else { "uas" }))
    }

    /// Session-Expires of our 2xx to their request, in which we are the `uas`, and whether it needs Require. RFC 4028 §9
    pub(super) fn of_response(&self) -> Option<(String, bool)> {
        let who = if self.is_ours { "uas" } else { "uac" };
        (self.seconds > 0).then(|| (format!("{};refresher={who}", self.seconds), !self.is_ours))
    }

    /// A 422 to our refresh: the interval grows. RFC 4028 §7.3
    pub(super) fn lengthen(&mut self, least: u32, now: Instant) {
        let expires = self.expires;
        self.start(self.seconds.max(least), self.is_ours, now);
        // Nothing was refreshed yet.
        (self.expires, self.refresh) = (expires, None);
    }

    /// Our refresh is out, or can wait no longer for its turn.
    pub(super) fn refreshing(&mut self) {
        self.refresh = None;
    }

    pub(super) fn has_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    pub(super) fn wants_refresh(&self, now: Instant) -> bool {
        self.refresh.is_some_and(|at| at <= now)
    }

    /// When it expires.
    pub(super) fn expiry(&self) -> Option<Instant> {
        self.expires
    }

    /// When we refresh.
    pub(super) fn refresh(&self) -> Option<Instant> {
        self.refresh
    }
}

/// The seconds of Session-Expires or Min-SE. RFC 4028 §4, §5
pub(super) fn seconds(value: &[u8]) -> Option<u32> {
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
