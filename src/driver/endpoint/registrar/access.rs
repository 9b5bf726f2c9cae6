//! Who may register: challenges and their answers. RFC 3261 §22, RFC 7616, RFC 8760

use super::nonce::{Nonces, Worth};
use crate::base::Entropy;
use crate::digest::{self, Algorithm, Answer, Qop, Secret};
use crate::driver::endpoint::Arrival;
use crate::sip::{Credentials, HeaderName};
use std::collections::HashMap;
use std::time::Instant;

/// What is offered to who has to prove itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Algorithms {
    /// In this order. RFC 8760 §2.3: the server's most wanted first.
    pub algorithms: Vec<Algorithm>,
    /// Empty for the form of RFC 2069, without qop.
    pub qop: Vec<Qop>,
    /// A nonce is stale after so many uses; `None` for its lifetime alone.
    pub stale_after: Option<u32>,
}

impl Default for Algorithms {
    fn default() -> Self {
        let algorithms = vec![Algorithm::Sha256, Algorithm::Md5];
        Algorithms { algorithms, qop: vec![Qop::Auth], stale_after: None }
    }
}

/// Users with their secrets, and what was challenged.
#[derive(Debug)]
pub struct Access {
    users: HashMap<String, Secret>,
    realm: String,
    offer: Algorithms,
    nonces: Nonces,
    opaque: String,
}

/// What the credentials of a request prove.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::driver::endpoint) enum Verdict {
    /// Nobody has to prove anything.
    Open,
    /// That it is this user.
    Known(String),
    /// Nothing: these challenges go back.
    Challenge(Vec<String>),
    /// Nothing, and nobody knows that user.
    Unknown,
}

impl Access {
    /// Without users everybody may register as anybody.
    #[must_use]
    pub fn new(
        users: HashMap<String, Secret>,
        realm: String,
        offer: Algorithms,
        entropy: &mut Entropy,
        now: Instant,
    ) -> Self {
        let nonces = Nonces::new(offer.stale_after, entropy, now);
        Access { users, realm, offer, nonces, opaque: entropy.token() }
    }

    /// Whether there is a user of that name.
    pub(super) fn knows(&self, user: &[u8]) -> bool {
        std::str::from_utf8(user).is_ok_and(|user| self.users.contains_key(user))
    }

    /// Checks the credentials of a request. Everybody is challenged, known or not; a wrong proof is challenged anew, without
    /// `stale`, as most registrars do (RFC 3261 §22.1 leaves 401 or 403 to the server).
    pub(super) fn check(&mut self, arrival: &Arrival<'_>) -> Verdict {
        self.check_field(arrival, HeaderName::Authorization)
    }

    /// The same by the credentials in that header field: a proxy asks in its own. RFC 3261 §22.3
    pub(in crate::driver::endpoint) fn check_field(&mut self, arrival: &Arrival<'_>, field: HeaderName) -> Verdict {
        if self.users.is_empty() {
            return Verdict::Open;
        }
        let mut stale = false;
        for value in arrival.request.headers(field) {
            let Some(answer) = self.read(value) else { continue };
            let Some(secret) = self.users.get(&answer.username) else { return Verdict::Unknown };
            // The uri is taken as the client wrote it: proxies on the way rewrite the Request-URI. RFC 3261 §22.4
            let method = String::from_utf8_lossy(arrival.request.method_text());
            if !digest::verify(&answer, secret, &method, arrival.request.body()) {
                continue;
            }
            let count = answer.qop.map(|_| answer.nc);
            match self.nonces.judge(&answer.nonce, count, arrival.now) {
                Worth::Good(serial) => {
                    self.nonces.note(serial, count, arrival.now);
                    return Verdict::Known(answer.username);
                }
                // RFC 7616 §3.3: the password was right, only the nonce was not.
                Worth::Stale => stale = true,
                Worth::Foreign => {}
            }
        }
        Verdict::Challenge(self.challenges(stale, arrival.now))
    }

    /// Credentials that answer what was offered: others prove nothing here.
    fn read(&self, value: &[u8]) -> Option<Answer> {
        let credentials = Credentials::parse(value);
        if !credentials.scheme.eq_ignore_ascii_case(b"Digest") || value.len() > 8192 {
            return None;
        }
        let text = |name: &str| String::from_utf8(credentials.param(name)?.text().into_owned()).ok();
        let algorithm = match text("algorithm") {
            Some(name) => Some(Algorithm::of(&name)?),
            None => None,
        };
        let qop = match text("qop").as_deref() {
            None => None,
            Some(name) if name.eq_ignore_ascii_case("auth") => Some(Qop::Auth),
            Some(name) if name.eq_ignore_ascii_case("auth-int") => Some(Qop::AuthInt),
            Some(_) => return None,
        };
        let is_offered = self.offer.algorithms.contains(&algorithm.unwrap_or(Algorithm::Md5))
            // RFC 3261 §22.4: a client of RFC 2069 leaves qop out.
            && qop.is_none_or(|qop| self.offer.qop.contains(&qop));
        let nc = match text("nc") {
            Some(digits) => u32::from_str_radix(&digits, 16).ok()?,
            None => 0,
        };
        let answer = Answer {
            username: text("username")?,
            realm: text("realm")?,
            nonce: text("nonce")?,
            uri: text("uri")?,
            response: text("response")?.to_ascii_lowercase(),
            algorithm,
            opaque: text("opaque"),
            qop,
            cnonce: text("cnonce").unwrap_or_default(),
            nc,
        };
        let is_ours = answer.realm == self.realm && answer.opaque.as_ref().is_none_or(|o| *o == self.opaque);
        (is_offered && is_ours).then_some(answer)
    }

    /// One challenge an algorithm, all with one nonce. RFC 8760 §2.3
    fn challenges(&mut self, stale: bool, now: Instant) -> Vec<String> {
        let nonce = self.nonces.make(now);
        let quoted = self.realm.replace('\\', "\\\\").replace('"', "\\\"");
        let names: Vec<&str> = self.offer.qop.iter().map(|&qop| name_of(qop)).collect();
        let challenge = |algorithm: &Algorithm| {
            let mut text = format!("Digest realm=\"{quoted}\", nonce=\"{nonce}\", opaque=\"{}\"", self.opaque);
            text.push_str(&format!(", algorithm={}", algorithm.name()));
            if !names.is_empty() {
                text.push_str(&format!(", qop=\"{}\"", names.join(",")));
            }
            if stale {
                text.push_str(", stale=true");
            }
            text
        };
        self.offer.algorithms.iter().map(challenge).collect()
    }

    /// Authentication-Info for a request that was accepted: the next nonce, where the one used is about to be stale. RFC 7616 §3.5
    pub(super) fn info(&mut self, arrival: &Arrival<'_>) -> Option<String> {
        let once = self.offer.stale_after == Some(1) && !self.users.is_empty();
        once.then(|| format!("nextnonce=\"{}\"", self.nonces.make(arrival.now)))
    }
}

fn name_of(qop: Qop) -> &'static str {
    match qop {
        Qop::Auth => "auth",
        Qop::AuthInt => "auth-int",
    }
}
