//! Reason and Warning values in words. RFC 3326, ITU-T Q.850, RFC 3261 §20.43

use crate::base::Safe;
use crate::reference;
use crate::sip::{Params, status};

/// A Reason with its cause in words: `Q.850;cause=17 (User busy)`.
#[must_use]
pub fn reason(value: &[u8]) -> String {
    let told = Safe(value.trim_ascii()).to_string();
    let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
    let (protocol, params) = value.split_at(end);
    let cause = Params::new(params).find("cause").and_then(|p| crate::trace::path::number(&p.text()));
    let Some(cause) = cause else { return told };
    let in_words = match protocol.trim_ascii() {
        p if p.eq_ignore_ascii_case(b"Q.850") => reference::cause::name(cause),
        p if p.eq_ignore_ascii_case(b"SIP") && cause == 200 => Some("answered elsewhere"),
        p if p.eq_ignore_ascii_case(b"SIP") => u16::try_from(cause).ok().map(status::reason),
        _ => None,
    };
    in_words.map_or(told.clone(), |words| format!("{told} ({words})"))
}

/// A Warning with its code in words: `304 example.com "…" (Media type not available)`.
#[must_use]
pub fn warning(value: &[u8]) -> String {
    let told = Safe(value.trim_ascii()).to_string();
    let in_words = warning_code(value).and_then(reference::warning::title).filter(|_| told.len() < 400);
    in_words.map_or(told.clone(), |words| format!("{told} ({words})"))
}

/// The code of a Warning value.
#[must_use]
pub fn warning_code(value: &[u8]) -> Option<u64> {
    crate::trace::path::number(value)
}

#[cfg(test)]
mod tests {
    use super::{reason, warning};

    #[test]
    fn causes_and_warnings_are_told_in_words() {
        assert_eq!(reason(b"Q.850;cause=17"), "Q.850;cause=17 (User busy)");
        assert_eq!(
            reason(b" Q.850 ; cause=34;text=\"x\""),
            "Q.850 ; cause=34;text=\"x\" (No circuit/channel available)"
        );
        assert!(reason(b"SIP;cause=200;text=\"Call completed elsewhere\"").ends_with("(answered elsewhere)"));
        assert_eq!(reason(b"SIP;cause=486"), "SIP;cause=486 (Busy Here)");
        assert_eq!(reason(b"Q.850;cause=9999999"), "Q.850;cause=9999999");
        assert_eq!(reason(b"private;reason=x"), "private;reason=x");
        assert_eq!(warning(b"304 a.example \"no\""), "304 a.example \"no\" (Media type not available)");
        assert_eq!(warning(b"\x1b[2J"), "\\x1b[2J");
    }
}
