//! Challenges answered: the strongest that we support, once a nonce. RFC 3261 §22, RFC 8760 §2.4

mod offer;
#[cfg(test)]
mod tests;

use crate::base::{Entropy, Safe};
use crate::digest::{self, Algorithm, Challenge, Secret};
use crate::sip::{HeaderName, Message, Params};
use offer::Offer;

/// Who we are to a server that asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The user name.
    pub username: String,
    /// Password or HA1; `None` where none was given.
    pub secret: Option<Secret>,
    /// Only this algorithm (`--algorithm`).
    pub algorithm: Option<Algorithm>,
}

/// What became of a challenge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answered {
    /// Send the request again (next CSeq, new branch) with these header fields instead of earlier ones.
    Credentials(Vec<(HeaderName, String)>),
    /// There is no password to answer with.
    NoPassword,
    /// These credentials were refused before: the same realm challenged again with a new nonce that is not stale.
    Refused,
    /// Nothing in it can be answered: says what was offered (`Basic`, `Digest MD6`).
    Unsupported(String),
    /// A 401 or 407 without a challenge.
    NoChallenge,
    /// `stale=true` again and again, or more challenges than any sane path has.
    TooOften,
}

/// Realms that are kept: a path has a proxy or two and a server. What is beyond that is no sane path.
const MAX_REALMS: usize = 8;
/// Challenges that are answered without a success between them.
const MAX_ROUNDS: u32 = 8;
/// How often one realm may call a nonce too old before it is no accident.
const MAX_STALE: u32 = 3;

/// A realm that challenged, and how often its nonce was used.
#[derive(Clone, Debug)]
struct Kept {
    /// Whether a proxy asked: which header field answers.
    by_proxy: bool,
    challenge: Challenge,
    cnonce: String,
    nc: u32,
    stale: u32,
    /// Whether credentials under this realm got a request through before: then a new nonce without `stale=true` is no refusal.
    proven: bool,
}

impl Kept {
    fn name(&self) -> HeaderName {
        if self.by_proxy { HeaderName::ProxyAuthorization } else { HeaderName::Authorization }
    }
}

/// Keeps what the challenges of one exchange need: nonces with their counts, realms that were answered.
#[derive(Clone, Debug)]
pub struct Authenticator {
    account: Option<Account>,
    kept: Vec<Kept>,
    /// Challenges answered since the last success.
    rounds: u32,
    /// Position in `kept` of what was answered last.
    last: Option<usize>,
}

impl Authenticator {
    /// For an account, or for none.
    #[must_use]
    pub fn new(account: Option<Account>) -> Self {
        Authenticator { account, kept: Vec::new(), rounds: 0, last: None }
    }

    /// Answers the challenges of a 401 or 407 to a request with that method, Request-URI and body. A path may hold several:
    /// 407 by a proxy, then 401 by the server behind it; earlier answers are sent along.
    pub fn answer(
        &mut self,
        response: &Message<'_>,
        method: &str,
        uri: &str,
        body: &[u8],
        entropy: &mut Entropy,
    ) -> Answered {
        let offers = offer::offers(response);
        if offers.is_empty() {
            return Answered::NoChallenge;
        }
        let only = self.account.as_ref().and_then(|a| a.algorithm);
        let chosen = choose(&offers, only);
        if chosen.is_empty() {
            return Answered::Unsupported(words(&offers, only));
        }
        if self.account.as_ref().is_none_or(|a| a.secret.is_none()) {
            return Answered::NoPassword;
        }
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            return Answered::TooOften;
        }
        if response.status() == Some(401) {
            // A server behind the proxies asks: theirs was right, and a nonce that serves only once is no refusal.
            self.kept.iter_mut().filter(|k| k.by_proxy).for_each(|k| k.proven = true);
        }
        for (by_proxy, challenge) in chosen {
            if let Err(refusal) = self.keep(by_proxy, challenge, entropy) {
                return refusal;
            }
        }
        Answered::Credentials(self.again(method, uri, body, entropy))
    }

    /// Puts a challenge in the place of an earlier one of its realm.
    fn keep(&mut self, by_proxy: bool, challenge: Challenge, entropy: &mut Entropy) -> Result<(), Answered> {
        let same = |k: &Kept| k.by_proxy == by_proxy && k.challenge.realm == challenge.realm;
        let at = match self.kept.iter().position(same) {
            Some(at) => at,
            None if self.kept.len() >= MAX_REALMS => return Err(Answered::TooOften),
            None => {
                let cnonce = entropy.token();
                self.kept.push(Kept { by_proxy, challenge, cnonce, nc: 0, stale: 0, proven: false });
                self.last = Some(self.kept.len() - 1);
                return Ok(());
            }
        };
        self.last = Some(at);
        let Some(kept) = self.kept.get_mut(at) else { return Ok(()) };
        if challenge.stale {
            kept.stale += 1;
            if kept.stale > MAX_STALE {
                return Err(Answered::TooOften);
            }
        } else if !std::mem::take(&mut kept.proven) && kept.nc > 0 {
            return Err(Answered::Refused);
        }
        // The count starts anew with the nonce. RFC 7616 §3.4
        if kept.challenge.nonce != challenge.nonce {
            kept.nc = 0;
            kept.cnonce = entropy.token();
        }
        kept.challenge = challenge;
        Ok(())
    }

    /// Header fields for a further request to the same place without waiting for a challenge: the last nonce (or nextnonce)
    /// with the next count. Empty where nothing was answered yet.
    pub fn again(&mut self, method: &str, uri: &str, body: &[u8], entropy: &mut Entropy) -> Vec<(HeaderName, String)> {
        let Some(Account { username, secret: Some(secret), .. }) = &self.account else { return Vec::new() };
        let answers = self.kept.iter_mut().filter_map(|kept| {
            kept.nc = kept.nc.saturating_add(1);
            // The key of a -sess algorithm holds the cnonce of the nonce's first use. RFC 7616 §3.4.2
            if kept.nc > 1 && kept.challenge.algorithm.is_some_and(|a| !a.is_session()) {
                kept.cnonce = entropy.token();
            }
            let given = digest::answer(&kept.challenge, username, secret, method, uri, body, &kept.cnonce, kept.nc)?;
            Some((kept.name(), given.field()))
        });
        answers.collect()
    }

    /// A second one, for a request that runs beside others: the next count of each nonce is left to it. RFC 7616 §3.4
    #[must_use]
    pub fn split(&mut self) -> Self {
        let other = self.clone();
        for kept in &mut self.kept {
            kept.nc = kept.nc.saturating_add(1);
        }
        other
    }

    /// Takes the Authentication-Info of a 2xx: nextnonce. RFC 7616 §3.5
    ///
    /// Any response that says the credentials were taken (a 423 among them) may be given.
    pub fn handle_success(&mut self, response: &Message<'_>) {
        self.rounds = 0;
        for kept in &mut self.kept {
            kept.proven = kept.nc > 0;
            kept.stale = 0;
        }
        let by_server = response.header(HeaderName::AuthenticationInfo);
        let by_proxy = response.header_named("Proxy-Authentication-Info");
        for (info, proxy) in [(by_server, false), (by_proxy, true)] {
            let next = info.and_then(|value| Params::by_comma(value).find("nextnonce")).map(|p| p.text());
            let Some(Ok(nonce)) = next.map(|n| String::from_utf8(n.into_owned())) else { continue };
            // It names no realm: it is the nonce of who was answered last. RFC 7616 §3.5
            let kept = self.kept.iter_mut().rev().find(|k| k.by_proxy == proxy);
            if let Some(kept) = kept.filter(|_| !nonce.is_empty()) {
                kept.challenge.nonce = nonce;
                kept.nc = 0;
            }
        }
    }

    /// What was answered last, for people: `MD5, qop=auth, realm "example.com"`; empty before that.
    #[must_use]
    pub fn describe(&self) -> String {
        self.last.and_then(|at| self.kept.get(at)).map(|k| described(&k.challenge)).unwrap_or_default()
    }

    /// The challenges that were answered, each realm's last, with whether a proxy asked.
    pub fn challenges(&self) -> impl Iterator<Item = (&Challenge, bool)> {
        self.kept.iter().map(|k| (&k.challenge, k.by_proxy))
    }
}

/// A challenge for people: `MD5, qop=auth, realm "example.com"`.
#[must_use]
pub fn described(challenge: &Challenge) -> String {
    let mut text = challenge.algorithm.map_or_else(|| challenge.algorithm_text.clone(), |a| a.name().to_owned());
    match challenge.qop.as_slice() {
        [] => text.push_str(", no qop"),
        offered => {
            let used = if offered.contains(&digest::Qop::Auth) { digest::Qop::Auth } else { digest::Qop::AuthInt };
            text.push_str(", qop=");
            text.push_str(used.name());
        }
    }
    text.push_str(&format!(", realm \"{}\"", challenge.realm));
    Safe(text.as_bytes()).to_string()
}

/// The digest algorithms that the challenges of a response name and that can be answered, strongest first.
#[must_use]
pub fn offered(response: &Message<'_>) -> Vec<Algorithm> {
    let offers = offer::offers(response);
    let usable = offers.iter().filter_map(|o| o.challenge.as_ref()).filter(|c| is_supported(c, None));
    let mut algorithms: Vec<Algorithm> = usable.filter_map(|c| c.algorithm).collect();
    algorithms.sort_by(|a, b| b.cmp(a));
    algorithms.dedup();
    algorithms
}

/// Of each realm the strongest challenge that can be answered; of equals the topmost. RFC 8760 §2.4
fn choose(offers: &[Offer], only: Option<Algorithm>) -> Vec<(bool, Challenge)> {
    let mut chosen: Vec<(bool, Challenge)> = Vec::new();
    for offer in offers {
        let Some(challenge) = offer.challenge.as_ref().filter(|c| is_supported(c, only)) else { continue };
        let same = |(by_proxy, c): &&mut (bool, Challenge)| *by_proxy == offer.by_proxy && c.realm == challenge.realm;
        match chosen.iter_mut().find(same) {
            Some((_, best)) if challenge.algorithm > best.algorithm => *best = challenge.clone(),
            Some(_) => {}
            None => chosen.push((offer.by_proxy, challenge.clone())),
        }
    }
    chosen
}

fn is_supported(challenge: &Challenge, only: Option<Algorithm>) -> bool {
    let wanted = challenge.algorithm.is_some_and(|a| only.is_none_or(|o| o == a));
    wanted && !(challenge.has_qop && challenge.qop.is_empty())
}

/// What was offered, for people: `Basic, Digest MD6`.
fn words(offers: &[Offer], only: Option<Algorithm>) -> String {
    let mut said: Vec<String> = Vec::new();
    for offer in offers {
        let word = Safe(offer.words.as_bytes()).to_string();
        if !said.contains(&word) {
            said.push(word);
        }
    }
    let offered = said.join(", ");
    match only {
        Some(only) => format!("{offered} (and --algorithm wants {})", only.name()),
        None => offered,
    }
}
