//! Challenges as servers really send them: several in one field or in several fields, quotes where none belong and none
//! where they do, schemes that nobody can answer among them. RFC 3261 §20.44, RFC 7616 §3.3

use crate::digest::{Algorithm, Challenge, Qop};
use crate::sip::{HeaderName, Message, Param, Params};

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
            for (scheme, params) in parted(value) {
                if offers.len() < MAX_OFFERS {
                    offers.push(offer(by_proxy, scheme, &params));
                }
            }
        }
    }
    offers
}

/// The challenges in one field value: scheme and parameters of each.
///
/// A comma parts parameters and challenges alike (RFC 9110 §11.6.1 names the trap). What tells them apart is the space
/// between a scheme and the name of its first parameter.
fn parted(value: &[u8]) -> Vec<(&[u8], Vec<Param<'_>>)> {
    let mut challenges: Vec<(&[u8], Vec<Param<'_>>)> = Vec::new();
    for param in Params::by_comma(value) {
        let name = param.name;
        let space = name.iter().position(u8::is_ascii_whitespace);
        match (space, challenges.last_mut()) {
            (Some(at), _) => {
                let (scheme, rest) = name.split_at(at);
                challenges.push((scheme, vec![Param { name: rest.trim_ascii_start(), value: param.value }]));
            }
            (None, _) if param.value.is_none() && is_scheme(name) => challenges.push((name, Vec::new())),
            (None, Some((_, params))) => params.push(param),
            // Parameters before any scheme belong to nothing.
            (None, None) => challenges.push((b"", vec![param])),
        }
    }
    challenges
}

/// Schemes that stand without parameters, or with a comma behind them.
fn is_scheme(name: &[u8]) -> bool {
    ["Digest", "Basic", "Bearer", "Negotiate", "NTLM", "Kerberos"]
        .iter()
        .any(|s| name.eq_ignore_ascii_case(s.as_bytes()))
}

fn offer(by_proxy: bool, scheme: &[u8], params: &[Param<'_>]) -> Offer {
    let shown = match scheme {
        [] => "a challenge without a scheme".to_owned(),
        _ => String::from_utf8_lossy(scheme).into_owned(),
    };
    if !scheme.eq_ignore_ascii_case(b"Digest") {
        return Offer { by_proxy, challenge: None, words: shown };
    }
    match challenge(params) {
        Ok(challenge) => {
            let algorithm = if challenge.algorithm_text.is_empty() { "MD5" } else { &challenge.algorithm_text };
            let unknown_qop = challenge.has_qop && challenge.qop.is_empty();
            let words = format!("Digest {algorithm}{}", if unknown_qop { " with an unknown qop" } else { "" });
            Offer { by_proxy, challenge: Some(challenge), words }
        }
        Err(why) => Offer { by_proxy, challenge: None, words: format!("Digest {why}") },
    }
}

/// A Digest challenge. Of a parameter that is there twice the first counts, as a second may be somebody's addition.
fn challenge(params: &[Param<'_>]) -> Result<Challenge, &'static str> {
    // What is not UTF-8 cannot be given back as it came.
    let text = |name: &str| match params.iter().find(|p| p.is(name)) {
        None => Ok(None),
        Some(param) => match String::from_utf8(param.text().into_owned()) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err("with bytes that are not UTF-8"),
        },
    };
    let nonce = text("nonce")?.filter(|n| !n.is_empty()).ok_or("without a nonce")?;
    let algorithm_text = text("algorithm")?.map(|t| t.trim().to_owned()).unwrap_or_default();
    let algorithm = if algorithm_text.is_empty() { Some(Algorithm::Md5) } else { Algorithm::of(&algorithm_text) };
    let mut challenge = Challenge {
        // RFC 7616 §3.3 wants a realm; an empty one is hashed like any other.
        realm: text("realm")?.unwrap_or_default(),
        nonce,
        opaque: text("opaque")?,
        stale: text("stale")?.is_some_and(|s| s.trim().eq_ignore_ascii_case("true")),
        algorithm,
        algorithm_text,
        ..Challenge::default()
    };
    for param in params.iter().filter(|p| p.is("qop")) {
        let value = param.text();
        for word in value.split(|b| matches!(b, b',' | b' ' | b'\t' | b'"')).filter(|w| !w.is_empty()) {
            challenge.has_qop = true;
            let known = std::str::from_utf8(word).ok().and_then(Qop::of);
            challenge.qop.extend(known.filter(|q| !challenge.qop.contains(q)));
        }
    }
    Ok(challenge)
}
