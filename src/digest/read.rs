//! Challenges and credentials from the parameters of a header field, as they are found in the wild. RFC 7616 §3.3, §3.4

use super::{Algorithm, Challenge, Given, Qop};
use std::borrow::Cow;

/// Name and plain value (quotes and backslashes undone) of each parameter of one challenge or of one set of credentials.
pub type Pairs<'a> = [(&'a [u8], Cow<'a, [u8]>)];

/// The first value of that name: of a parameter that is there twice a second may be somebody's addition.
fn first<'p>(pairs: &'p Pairs<'_>, name: &str) -> Option<&'p [u8]> {
    pairs.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| &**value)
}

impl Challenge {
    /// A Digest challenge of these parameters.
    ///
    /// # Errors
    /// Why nobody can answer it, in a few words.
    pub fn read(pairs: &Pairs<'_>) -> Result<Challenge, &'static str> {
        // What is not UTF-8 cannot be given back as it came.
        let text = |name: &str| match first(pairs, name).map(|value| String::from_utf8(value.to_vec())) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err("with bytes that are not UTF-8"),
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
        for (_, value) in pairs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"qop")) {
            for word in value.split(|b| matches!(b, b',' | b' ' | b'\t' | b'"')).filter(|w| !w.is_empty()) {
                challenge.has_qop = true;
                let known = std::str::from_utf8(word).ok().and_then(Qop::of);
                challenge.qop.extend(known.filter(|q| !challenge.qop.contains(q)));
            }
        }
        Ok(challenge)
    }
}

impl Given {
    /// Digest credentials of these parameters. Bytes that are not UTF-8 are replaced: credentials with them are looked at, not given back.
    #[must_use]
    pub fn read(pairs: &Pairs<'_>) -> Given {
        let text = |name: &str| first(pairs, name).map(|value| String::from_utf8_lossy(value).trim().to_owned());
        let or_empty = |name: &str| text(name).unwrap_or_default();
        Given {
            // White space belongs to a user name or realm that has it.
            username: first(pairs, "username").map(|v| String::from_utf8_lossy(v).into_owned()).unwrap_or_default(),
            realm: first(pairs, "realm").map(|v| String::from_utf8_lossy(v).into_owned()).unwrap_or_default(),
            nonce: or_empty("nonce"),
            uri: or_empty("uri"),
            response: or_empty("response").to_ascii_lowercase(),
            algorithm: text("algorithm").filter(|a| !a.is_empty()),
            qop: text("qop").filter(|q| !q.is_empty()),
            nc: or_empty("nc"),
            cnonce: or_empty("cnonce"),
        }
    }
}
