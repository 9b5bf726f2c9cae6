//! Session timers, as the side that is called keeps them. RFC 4028 §9

use crate::sip::{HeaderName, Message, Reply};
use std::time::{Duration, Instant};

/// Shortest interval that is taken. RFC 4028 §4
const LEAST: u32 = 90;
/// Longest: what is longer is cut.
const MOST: u32 = 86_400;

/// Who refreshes, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionTimer {
    /// The interval in seconds; 0 where there is no timer.
    seconds: u32,
    /// Whether it is us who refresh.
    is_ours: bool,
    /// Whether the other side knows of timers.
    is_supported: bool,
    expires: Option<Instant>,
    refresh: Option<Instant>,
}

impl SessionTimer {
    /// What an INVITE asks for.
    ///
    /// # Errors
    /// The least that is taken, where it asks for less: 422 tells it. RFC 4028 §9
    pub(super) fn of(request: &Message<'_>) -> Result<SessionTimer, u32> {
        let mut timer = SessionTimer::default();
        timer.heard(request);
        if timer.seconds != 0 && timer.seconds < LEAST {
            // Who does not know of timers cannot understand 422: a proxy asked, and may raise it only. RFC 4028 §9
            if timer.is_supported {
                return Err(LEAST);
            }
            timer.seconds = LEAST;
        }
        Ok(timer)
    }

    /// What a request that refreshes the session says.
    pub(super) fn heard(&mut self, request: &Message<'_>) {
        self.is_supported = request.values(HeaderName::Supported).any(|tag| tag.eq_ignore_ascii_case(b"timer"));
        let Some(value) = request.header(HeaderName::SessionExpires) else {
            self.seconds = 0;
            return;
        };
        let mut parts = value.split(|&b| b == b';').map(<[u8]>::trim_ascii);
        let seconds = parts.next().and_then(|n| std::str::from_utf8(n).ok()?.parse::<u32>().ok()).unwrap_or(0);
        self.seconds = seconds.min(MOST);
        // Where it leaves the choice the other side refreshes, if it can: it asked for the timer.
        let refresher = parts.find_map(|part| part.strip_prefix(b"refresher="));
        self.is_ours = match refresher {
            Some(b"uas") => true,
            Some(_) => false,
            None => !self.is_supported,
        };
    }

    /// The Session-Expires of a request of ours, in which we are the client.
    pub(super) fn value(&self) -> Option<String> {
        (self.seconds > 0).then(|| format!("{};refresher={}", self.seconds, if self.is_ours { "uac" } else { "uas" }))
    }

    /// Writes what a 2xx says of it. RFC 4028 §9
    pub(super) fn tell(&self, reply: &mut Reply<'_>) {
        if self.seconds == 0 {
            return;
        }
        let who = if self.is_ours { "uas" } else { "uac" };
        reply.field(HeaderName::SessionExpires, format!("{};refresher={who}", self.seconds));
        if !self.is_ours {
            reply.field(HeaderName::Require, "timer");
        }
    }

    /// The session was refreshed, or began.
    pub(super) fn refreshed(&mut self, now: Instant) {
        if self.seconds == 0 {
            self.stop();
            return;
        }
        let whole = Duration::from_secs(u64::from(self.seconds));
        // RFC 4028 §10: the BYE comes a little before the end, so that both sides agree that it is over.
        let early = Duration::from_secs(32).min(whole / 3);
        self.expires = Some(now + whole - early);
        self.refresh = self.is_ours.then(|| now + whole / 2);
    }

    /// Our refresh is out.
    pub(super) fn asked(&mut self, _now: Instant) {
        self.refresh = None;
    }

    /// There is nothing to keep any more.
    pub(super) fn stop(&mut self) {
        (self.expires, self.refresh) = (None, None);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        [self.expires, self.refresh].into_iter().flatten().min()
    }

    pub(super) fn has_expired(&mut self, now: Instant) -> bool {
        self.expires.take_if(|at| *at <= now).is_some()
    }

    pub(super) fn wants_refresh(&self, now: Instant) -> bool {
        self.refresh.is_some_and(|at| at <= now)
    }
}
