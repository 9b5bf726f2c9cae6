//! Redirections: their Contacts one after the other, none twice; and the INVITE again with less, where too much was asked.
//! RFC 3261 §8.1.3.4, §8.1.3.5

use super::calling::Aim;
use super::{Invite, Place, Problem, Stage};
use crate::sip::{Address, HeaderName, Message};
use crate::transport::Target;
use std::collections::VecDeque;
use std::time::Instant;

/// Contacts that wait to be tried.
const MAX_CONTACTS: usize = 32;
/// How often extensions are left out or added: a peer may want it one way, then the other.
const MAX_EXTENSIONS: u32 = 2;
/// How often an interval may be too small. RFC 4028 §7.3
const MAX_TOO_SMALL: u32 = 2;

/// Where redirections lead.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    /// What is tried next.
    waiting: VecDeque<String>,
    /// Every Request-URI so far, as it is compared.
    seen: Vec<String>,
    /// Redirections that were followed.
    count: u32,
    /// How often an interval was too small.
    too_small: u32,
    /// How often extensions were left out or added.
    extensions: u32,
}

impl Invite {
    /// A 3xx: `true` where it is followed.
    pub(super) fn redirected(&mut self, response: &Message<'_>, now: Instant) -> bool {
        if self.redirects.seen.is_empty() {
            self.redirects.seen.push(compared(&self.options.uri));
        }
        let (mut targets, mut was_loop) = (Vec::new(), false);
        for contact in contacts(response) {
            let key = compared(&contact);
            if self.redirects.seen.contains(&key) {
                was_loop = true;
                self.trouble(Problem::RedirectLoop(contact.into_bytes()));
            } else if targets.len() + self.redirects.waiting.len() < MAX_CONTACTS {
                self.redirects.seen.push(key);
                targets.push(contact);
            }
        }
        if targets.is_empty() {
            if !was_loop {
                self.trouble(Problem::NoRedirectTarget);
            }
            return self.go_to_redirect(now);
        }
        if self.redirects.count >= self.options.max_redirects {
            self.trouble(Problem::TooManyRedirects);
            return false;
        }
        self.redirects.count += 1;
        self.record.redirects.extend(targets.iter().cloned());
        // What this one names comes before what earlier ones left.
        for target in targets.into_iter().rev() {
            self.redirects.waiting.push_front(target);
        }
        self.go_to_redirect(now)
    }

    /// Calls the next Contact of a redirection; `false` where there is none.
    pub(super) fn go_to_redirect(&mut self, now: Instant) -> bool {
        let Some(uri) = self.redirects.waiting.pop_front() else { return false };
        self.next_cseq();
        let why = Some("redirection");
        if self.options.identity.route.is_some() {
            // RFC 3261 §8.1.2: with a route of its own every request goes to the outbound proxy.
            self.aim = Aim { uri, candidate: None, why, ..self.aim.clone() };
            self.stage = Stage::Reaching;
            if self.ways.line(self.aim.way).is_some() {
                self.aim_reached(now);
                return true;
            }
            return false;
        }
        let Some(way) = self.ways.add(&uri) else { return false };
        self.aim = Aim { uri: uri.clone(), way, candidate: None, why };
        self.stage = Stage::Reaching;
        self.actions.push_back(super::Action::Reach { way, place: Place::Uri(uri) });
        true
    }

    /// A 420, 421 or 422: the INVITE again without (or with) the extension, once each, or with a longer interval.
    pub(super) fn ask_less(&mut self, response: &Message<'_>, now: Instant) -> bool {
        let changed = match response.status() {
            Some(420) => self.leave_out(response),
            Some(421) => self.add_demanded(response),
            _ => self.lengthen(response),
        };
        let is_extension = response.status() != Some(422);
        self.redirects.extensions += u32::from(changed && is_extension);
        if !changed || is_extension && self.redirects.extensions > MAX_EXTENSIONS {
            return false;
        }
        self.next_cseq();
        self.aim.why = Some(if is_extension { "extension" } else { "session interval" });
        self.call(now);
        true
    }

    /// RFC 3261 §8.1.3.5, 420
    fn leave_out(&mut self, response: &Message<'_>) -> bool {
        let before = (self.has_reliable, self.has_timer);
        for tag in response.values(HeaderName::Unsupported) {
            self.has_reliable &= !tag.eq_ignore_ascii_case(b"100rel");
            self.has_timer &= !tag.eq_ignore_ascii_case(b"timer");
        }
        before != (self.has_reliable, self.has_timer)
    }

    /// RFC 3261 §21.4.16: 421 names in Require what it wants to see in Supported.
    fn add_demanded(&mut self, response: &Message<'_>) -> bool {
        let mut changed = false;
        for tag in response.values(HeaderName::Require) {
            let known: Option<&mut bool> = match tag.to_ascii_lowercase().as_slice() {
                // Who does without it keeps to that.
                b"100rel" if self.options.has_reliable => Some(&mut self.has_reliable),
                b"timer" => Some(&mut self.has_timer),
                _ => None,
            };
            match known {
                Some(has) => changed |= !std::mem::replace(has, true),
                None => {
                    let tag = tag.to_vec();
                    self.trouble(Problem::BadExtension(tag));
                    return false;
                }
            }
        }
        changed
    }

    /// RFC 4028 §7.3: 422 names the least interval.
    fn lengthen(&mut self, response: &Message<'_>) -> bool {
        let least = response.header(HeaderName::MinSe).and_then(crate::agent::session_timer::seconds);
        let Some(least) = least.filter(|least| self.min_se.is_none_or(|so_far| *least > so_far)) else { return false };
        if self.redirects.too_small >= MAX_TOO_SMALL || !self.has_timer {
            return false;
        }
        self.redirects.too_small += 1;
        self.min_se = Some(least);
        self.session_expires = Some(self.session_expires.unwrap_or(least).max(least));
        true
    }

    /// The INVITE goes out again in a transaction of its own. RFC 3261 §8.1.3.4, §8.1.3.5
    fn next_cseq(&mut self) {
        self.draft.cseq = self.draft.cseq.saturating_add(1);
    }
}

/// The Contacts of a 3xx that can be called, those of the highest q first, equals in their order. RFC 3261 §8.1.3.4
fn contacts(response: &Message<'_>) -> Vec<String> {
    let mut found: Vec<(u32, String)> = Vec::new();
    for value in response.values(HeaderName::Contact).take(MAX_CONTACTS) {
        let address = Address::parse(value);
        let Ok(uri) = std::str::from_utf8(address.uri) else { continue };
        // RFC 3261 §19.1.5: header fields of a URI would have to become ours; it is called without them.
        let uri = uri.split_once('?').map_or(uri, |(before, _)| before);
        let schemes = ["sip:", "sips:"];
        let is_sip = schemes.iter().any(|s| uri.get(..s.len()).is_some_and(|start| start.eq_ignore_ascii_case(s)));
        if is_sip && Target::parse(uri).is_ok() {
            let q = address.param("q").map_or(1000, |q| thousandths(&q.text()));
            found.push((q, uri.to_owned()));
        }
    }
    found.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
    found.into_iter().map(|(_, uri)| uri).collect()
}

/// A qvalue in thousandths; one that is none counts as 0. RFC 3261 §25.1
fn thousandths(q: &[u8]) -> u32 {
    let value = std::str::from_utf8(q).ok().and_then(|q| q.trim().parse::<f32>().ok()).unwrap_or(0.0);
    // Between 0 and 1, so that it fits.
    if value.is_finite() { (value.clamp(0.0, 1.0) * 1000.0) as u32 } else { 0 }
}

/// A URI as it is compared: what differs only in the case of scheme and host is the same. RFC 3261 §19.1.4
fn compared(uri: &str) -> String {
    match Target::parse(uri) {
        Ok(target) => format!(
            "{}|{:?}|{:?}|{:?}|{:?}",
            target.secure,
            target.user.as_deref().unwrap_or_default(),
            target.host,
            target.port,
            target.transport
        ),
        Err(_) => uri.to_owned(),
    }
}
