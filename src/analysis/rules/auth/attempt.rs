//! Who asked for credentials, and what was answered: the requests of one sender and method in order, each on its first hop.

use crate::digest::{Challenge, Given};
use crate::sip::{Credentials, HeaderName, Method, challenges};
use crate::trace::{Conversation, Facts, Transaction};
use std::borrow::Cow;

/// Transactions of one conversation that are looked at.
const MOST: usize = 128;
/// Challenges of one response, and credentials of one request, that are looked at.
const MOST_VALUES: usize = 16;

/// What one response asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whether Proxy-Authenticate carried it.
    pub by_proxy: bool,
    /// What it asks for, where it is a Digest challenge that is whole.
    pub challenge: Option<Challenge>,
    /// What it is, for people: `Digest MD6`, `Basic`.
    pub words: String,
}

impl Asked {
    /// Whether both ask for a proof to the same realm in the same header field.
    pub fn is_like(&self, other: &Asked) -> bool {
        let realm = |a: &Asked| a.challenge.as_ref().map(|c| c.realm.clone());
        self.by_proxy == other.by_proxy && realm(self) == realm(other)
    }
}

/// Whether a request or response has a header field of these names at all.
fn has_any(c: &Conversation, f: &Facts, names: [HeaderName; 2]) -> bool {
    names.into_iter().any(|name| c.header(f, name).is_some())
}

/// Whether a request carries credentials of any scheme.
pub fn has_credentials(c: &Conversation, f: &Facts) -> bool {
    has_any(c, f, [HeaderName::Authorization, HeaderName::ProxyAuthorization])
}

/// The request and the final response of a transaction, where both were seen whole.
pub fn ends<'a>(c: &'a Conversation, t: &Transaction) -> Option<(u32, &'a Facts, u32, &'a Facts)> {
    let (request, response) = (t.request?, t.final_response?);
    let (q, r) = (c.at(request)?, c.at(response)?);
    (!q.head_cut && !r.head_cut).then_some((request, q, response, r))
}

/// What a response asks for, in order.
pub fn asked(c: &Conversation, response: &Facts) -> Vec<Asked> {
    let mut all = Vec::new();
    for (name, by_proxy) in [(HeaderName::WwwAuthenticate, false), (HeaderName::ProxyAuthenticate, true)] {
        for value in c.headers(response, name).take(MOST_VALUES) {
            for (scheme, params) in challenges(value).into_iter().take(MOST_VALUES) {
                if !scheme.eq_ignore_ascii_case(b"Digest") {
                    let words = String::from_utf8_lossy(scheme).into_owned();
                    all.push(Asked { by_proxy, challenge: None, words });
                    continue;
                }
                let pairs: Vec<(&[u8], Cow<'_, [u8]>)> = params.iter().map(|p| (p.name, p.text())).collect();
                all.push(match Challenge::read(&pairs) {
                    Ok(challenge) => Asked { by_proxy, words: words(&challenge), challenge: Some(challenge) },
                    Err(why) => Asked { by_proxy, challenge: None, words: format!("Digest {why}") },
                });
            }
        }
    }
    all.truncate(MOST_VALUES);
    all
}

fn words(challenge: &Challenge) -> String {
    format!("Digest {}", if challenge.algorithm_text.is_empty() { "MD5" } else { &challenge.algorithm_text })
}

/// The Digest credentials of a request, each with whether it is for a proxy.
pub fn given(c: &Conversation, request: &Facts) -> Vec<(bool, Given)> {
    let mut all = Vec::new();
    for (name, for_proxy) in [(HeaderName::Authorization, false), (HeaderName::ProxyAuthorization, true)] {
        for value in c.headers(request, name).take(MOST_VALUES) {
            let credentials = Credentials::parse(value);
            if credentials.scheme.eq_ignore_ascii_case(b"Digest") {
                let pairs: Vec<(&[u8], Cow<'_, [u8]>)> = credentials.params().map(|p| (p.name, p.text())).collect();
                all.push((for_proxy, Given::read(&pairs)));
            }
        }
    }
    all
}

/// Whether a transaction ended in a challenge.
pub fn is_challenged(t: &Transaction) -> bool {
    matches!(t.final_status, 401 | 407)
}

/// The transactions of each sender and method in order, where at least one was challenged, or refused although it carried credentials.
pub fn chains(c: &Conversation) -> Vec<Vec<&Transaction>> {
    let mut chains: Vec<Vec<&Transaction>> = Vec::new();
    let all = || c.transactions.iter().take(MOST);
    if !all().any(is_challenged) {
        return chains;
    }
    for (at, t) in all().enumerate() {
        if matches!(t.method, Method::Ack | Method::Cancel) || t.request.is_none() || is_forwarded(c, at, t) {
            continue;
        }
        let is_own = |chain: &&mut Vec<&Transaction>| {
            chain.first().is_some_and(|f| f.method == t.method && f.flow.src.same_ip(&t.flow.src))
        };
        match chains.iter_mut().find(is_own) {
            Some(chain) => chain.push(t),
            None => chains.push(vec![t]),
        }
    }
    chains.retain(|chain| chain.iter().any(|t| is_challenged(t)));
    chains
}

/// Whether the request of a transaction is that of an earlier one, sent on.
fn is_forwarded(c: &Conversation, at: usize, t: &Transaction) -> bool {
    let Some(f) = t.request.and_then(|p| c.at(p)) else { return false };
    let same = |o: &Transaction| {
        o.method == t.method
            && o.cseq == t.cseq
            && o.request.and_then(|p| c.at(p)).is_some_and(|e| c.text(e.from_tag) == c.text(f.from_tag))
    };
    c.transactions.iter().take(at).any(same)
}
