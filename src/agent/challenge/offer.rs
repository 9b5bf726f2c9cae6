//! What a response asks for, one offer a challenge, those among them that nobody can answer. RFC 3261 §20.44, RFC 7616 §3.3

use crate::digest::Challenge;
use crate::sip::{HeaderName, Message, Param, challenges};
use std::borrow::Cow;

/// Challenges of one response that are looked at.
const MAX_OFFERS: usize = 16;

/// One challenge.
#[derive(Debug)]
pub(super) struct Offer {
    /// Whether Proxy-Authenticate carried it.
    pub by_proxy: bool,
    /// What it asks for, where it is a Digest challenge that is whole.
    pub challenge: Option<Challenge>,
    /// What it is, for people: `Digest MD6`, `Basic`.
    pub words: String,
}

/// The challenges of a response in order, those of the server before those of proxies.
pub(super) fn offers(response: &Message<'_>) -> Vec<Offer> {
    let mut offers = Vec::new();
    for (name, by_proxy) in [(HeaderName::WwwAuthenticate, false), (HeaderName::ProxyAuthenticate, true)] {
        for value in response.headers(name) {
            for (scheme, params) in challenges(value) {
                if offers.len() < MAX_OFFERS {
                    offers.push(offer(by_proxy, scheme, &params));
                }
            }
        }
    }
    offers
}

fn offer(by_proxy: bool, scheme: &[u8], params: &[Param<'_>]) -> Offer {
    let shown = match scheme {
        [] => "a challenge without a scheme".to_owned(),
        _ => String::from_utf8_lossy(scheme).into_owned(),
    };
    if !scheme.eq_ignore_ascii_case(b"Digest") {
        return Offer { by_proxy, challenge: None, words: shown };
    }
    let pairs: Vec<(&[u8], Cow<'_, [u8]>)> = params.iter().map(|p| (p.name, p.text())).collect();
    match Challenge::read(&pairs) {
        Ok(challenge) => {
            let algorithm = if challenge.algorithm_text.is_empty() { "MD5" } else { &challenge.algorithm_text };
            let unknown_qop = challenge.has_qop && challenge.qop.is_empty();
            let words = format!("Digest {algorithm}{}", if unknown_qop { " with an unknown qop" } else { "" });
            Offer { by_proxy, challenge: Some(challenge), words }
        }
        Err(why) => Offer { by_proxy, challenge: None, words: format!("Digest {why}") },
    }
}
