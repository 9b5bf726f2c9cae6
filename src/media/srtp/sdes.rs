//! Keys in session descriptions: the `crypto` attribute. RFC 4568 §9.1

use super::{Master, Suite};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// What the value of a `crypto` attribute offers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keying {
    /// Its number, which the answer repeats.
    pub tag: u32,
    /// The suite.
    pub suite: Suite,
    /// The key, and the salt.
    pub master: Master,
}

impl Keying {
    /// Reads an attribute's value. `None` for suites other than the two here, several keys, a master key identifier, and
    /// session parameters that change what is protected (`UNENCRYPTED_SRTP`, `KDR` …): those are to be ignored rather than
    /// misunderstood. RFC 4568 §5.1.2, §6.3
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Keying> {
        let text = std::str::from_utf8(value).ok()?;
        let mut words = text.split_ascii_whitespace();
        let tag = words.next()?.parse().ok()?;
        let suite = Suite::from_name(words.next()?)?;
        let inline = words.next()?;
        let (method, key) = inline.split_at_checked(7)?;
        if !method.eq_ignore_ascii_case("inline:") || key.contains(';') {
            return None;
        }
        let mut parts = key.split('|');
        let secret = parts.next()?.trim_end_matches('=');
        // What follows is a lifetime, or an identifier and its length, told by the colon between them.
        if parts.any(|part| part.contains(':')) {
            return None;
        }
        // A hint on the size of the replay window changes nothing on the wire. RFC 4568 §6.3.7
        if words.any(|parameter| !parameter.starts_with("WSH=")) {
            return None;
        }
        let bytes = STANDARD_NO_PAD.decode(secret).ok()?;
        let bytes: [u8; 30] = bytes.try_into().ok()?;
        Some(Keying { tag, suite, master: Master::from_bytes(&bytes) })
    }

    /// The attribute's value.
    #[must_use]
    pub fn value(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.suite.name(), STANDARD.encode(self.master.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_of_the_rfc_is_read() {
        // RFC 4568 §4.1 has a lifetime; §9.1 allows it to be left out.
        let line = b"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20";
        let keying = Keying::parse(line).unwrap();
        assert_eq!((keying.tag, keying.suite), (1, Suite::Sha80));
        assert_eq!(keying.master.to_bytes(), *b"wDfvg&T+)xG7@fb5jU,RaA}\\|p0%*#");
        assert_eq!(keying.value(), "1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj");
        assert_eq!(Keying::parse(keying.value().as_bytes()), Some(keying));
    }

    #[test]
    fn what_would_be_misunderstood_is_not_taken() {
        let with = |rest: &str| {
            let value = format!("1 AES_CM_128_HMAC_SHA1_32 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj{rest}");
            Keying::parse(value.as_bytes())
        };
        assert!(with("").is_some() && with(" WSH=64").is_some() && with("|1048576").is_some());
        for rest in ["|2^20|1:4", "|1:32", " UNENCRYPTED_SRTP", " KDR=1", ";inline:AAAA", "AA"] {
            assert_eq!(with(rest), None, "{rest}");
        }
        for value in ["", "1", "x AES_CM_128_HMAC_SHA1_80 inline:AA", "1 F8_128_HMAC_SHA1_80 inline:AA", "1 a b"] {
            assert_eq!(Keying::parse(value.as_bytes()), None, "{value}");
        }
        assert_eq!(Keying::parse("1 AES_CM_128_HMAC_SHA1_80 inlineé:x".as_bytes()), None);
    }
}
