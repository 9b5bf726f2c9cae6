//! Reason and Warning values in words. RFC 3326, ITU-T Q.850, RFC 3261 §20.43

use crate::base::Safe;
use crate::sip::{Params, status};

/// Cause numbers of ISUP and Q.850 that gateways report, in words.
const Q850: &[(u64, &str)] = &[
    (1, "the number is not assigned to anybody"),
    (2, "no route to the transit network"),
    (3, "no route to the destination"),
    (6, "the channel is not acceptable"),
    (16, "normal call clearing"),
    (17, "the user is busy"),
    (18, "no answer from the user's equipment"),
    (19, "it rang, and nobody answered"),
    (20, "the subscriber is absent"),
    (21, "the user rejected the call"),
    (22, "the number was changed"),
    (26, "not the user that was selected"),
    (27, "the destination is out of order"),
    (28, "the number is incomplete or malformed"),
    (29, "a facility was refused"),
    (31, "normal, no reason told"),
    (34, "no circuit or channel is free"),
    (38, "the network is out of order"),
    (41, "a temporary failure"),
    (42, "the switching equipment is congested"),
    (44, "the requested channel is not available"),
    (47, "a resource is not available"),
    (50, "the facility is not subscribed to"),
    (55, "incoming calls are barred within the closed user group"),
    (57, "the bearer capability is not allowed"),
    (58, "the bearer capability is not available at present"),
    (63, "a service or option is not available"),
    (65, "the bearer capability is not implemented"),
    (69, "the facility is not implemented"),
    (79, "a service or option is not implemented"),
    (87, "the user is not a member of the closed user group"),
    (88, "an incompatible destination"),
    (95, "an invalid message"),
    (96, "a mandatory information element is missing"),
    (97, "an unknown message type"),
    (99, "an unknown information element"),
    (100, "an information element has invalid contents"),
    (101, "the message does not fit the state of the call"),
    (102, "a timer expired"),
    (111, "a protocol error"),
    (127, "interworking: the other network gave no cause"),
];

/// Codes of the Warning header field. RFC 3261 §20.43
const WARNINGS: &[(u64, &str)] = &[
    (300, "the network protocol of the session description is not supported"),
    (301, "the network address format of the session description is not supported"),
    (302, "the transport protocol of the media is not supported"),
    (303, "the bandwidth units are not understood"),
    (304, "a media type is not available"),
    (305, "a media format (codec) is not available"),
    (306, "an attribute of the session description is not understood"),
    (307, "a parameter of the session description is not understood"),
    (330, "multicast is not available"),
    (331, "unicast is not available"),
    (370, "there is not enough bandwidth"),
    (380, "SIPS was asked for and is not allowed"),
    (381, "SIPS is required"),
    (399, "see the text"),
];

fn words(table: &[(u64, &'static str)], number: u64) -> Option<&'static str> {
    table.iter().find(|(n, _)| *n == number).map(|(_, words)| *words)
}

/// A Reason with its cause in words: `Q.850;cause=17 (the user is busy)`.
#[must_use]
pub fn reason(value: &[u8]) -> String {
    let told = Safe(value.trim_ascii()).to_string();
    let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
    let (protocol, params) = value.split_at(end);
    let cause = Params::new(params).find("cause").and_then(|p| crate::trace::path::number(&p.text()));
    let Some(cause) = cause else { return told };
    let in_words = match protocol.trim_ascii() {
        p if p.eq_ignore_ascii_case(b"Q.850") => words(Q850, cause),
        p if p.eq_ignore_ascii_case(b"SIP") && cause == 200 => Some("answered elsewhere"),
        p if p.eq_ignore_ascii_case(b"SIP") => u16::try_from(cause).ok().map(status::reason),
        _ => None,
    };
    in_words.map_or(told.clone(), |words| format!("{told} ({words})"))
}

/// A Warning with its code in words: `304 example.com "…" (a media type is not available)`.
#[must_use]
pub fn warning(value: &[u8]) -> String {
    let told = Safe(value.trim_ascii()).to_string();
    let in_words = warning_code(value).and_then(|code| words(WARNINGS, code)).filter(|_| told.len() < 400);
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
        assert_eq!(reason(b"Q.850;cause=17"), "Q.850;cause=17 (the user is busy)");
        assert_eq!(
            reason(b" Q.850 ; cause=34;text=\"x\""),
            "Q.850 ; cause=34;text=\"x\" (no circuit or channel is free)"
        );
        assert_eq!(reason(b"SIP;cause=200;text=\"Call completed elsewhere\"").ends_with("(answered elsewhere)"), true);
        assert_eq!(reason(b"SIP;cause=486"), "SIP;cause=486 (Busy Here)");
        assert_eq!(reason(b"Q.850;cause=9999999"), "Q.850;cause=9999999");
        assert_eq!(reason(b"private;reason=x"), "private;reason=x");
        assert_eq!(warning(b"304 a.example \"no\""), "304 a.example \"no\" (a media type is not available)");
        assert_eq!(warning(b"\x1b[2J"), "\\x1b[2J");
    }
}
