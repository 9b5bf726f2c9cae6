//! Warning codes: RFC 3261 §20.43 and the IANA registry of warn-codes.

use super::topic::{Kind, Part, Topic};

/// Code, title, meaning, what to do, document.
type Row = (u16, &'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    (
        300,
        "Incompatible network protocol",
        "A network protocol in the session description is not available.",
        "IPv4 offered to IPv6, or the reverse: offer the other family or use a relay.",
        "RFC 3261 §20.43",
    ),
    (
        301,
        "Incompatible network address formats",
        "A form of address in the session description is not available.",
        "Look at the c= lines.",
        "RFC 3261 §20.43",
    ),
    (
        302,
        "Incompatible transport protocol",
        "A transport in the session description is not available.",
        "RTP/AVP, RTP/SAVP and UDP/TLS/RTP/SAVPF have to fit: turn SRTP on or off at one side.",
        "RFC 3261 §20.43",
    ),
    (
        303,
        "Incompatible bandwidth units",
        "A unit of bandwidth is not understood.",
        "Look at the b= lines.",
        "RFC 3261 §20.43",
    ),
    (
        304,
        "Media type not available",
        "A kind of media in the description is not available.",
        "Video, fax (image) or text offered to a side that has audio alone.",
        "RFC 3261 §20.43",
    ),
    (
        305,
        "Incompatible media format",
        "None of the formats is available.",
        "No codec in common: compare the m= lines of both sides.",
        "RFC 3261 §20.43",
    ),
    (
        306,
        "Attribute not understood",
        "An attribute in the description is not supported.",
        "Look at the a= lines; the warning text names one.",
        "RFC 3261 §20.43",
    ),
    (
        307,
        "Session description parameter not understood",
        "Another parameter of the description is not understood.",
        "The warning text tells more.",
        "RFC 3261 §20.43",
    ),
    (330, "Multicast not available", "The site has no multicast.", "Offer unicast.", "RFC 3261 §20.43"),
    (
        331,
        "Unicast not available",
        "The site has no unicast, usually because of a firewall.",
        "Look at the firewall.",
        "RFC 3261 §20.43",
    ),
    (
        370,
        "Insufficient bandwidth",
        "The bandwidth of the description is more than is available.",
        "Fewer or cheaper codecs, or a trunk that is full.",
        "RFC 3261 §20.43",
    ),
    (
        380,
        "SIPS not allowed",
        "The UAS or proxy cannot be reached with sips:, but with sip:.",
        "Use sip: or give the other side TLS.",
        "RFC 5630 §6.3",
    ),
    (381, "SIPS required", "The other side insists on sips:.", "Use sips: and TLS on each hop.", "RFC 5630 §6.4"),
    (
        399,
        "Miscellaneous warning",
        "Free text for a person.",
        "Read it: many stacks put the true cause here.",
        "RFC 3261 §20.43",
    ),
];

/// The title of a warning code; `None` for one that is not registered.
#[must_use]
pub fn title(code: u64) -> Option<&'static str> {
    ROWS.iter().find(|row| u64::from(row.0) == code).map(|row| row.1)
}

/// What is said of every warning code.
pub fn topics() -> impl Iterator<Item = Topic> {
    ROWS.iter().map(|&(code, title, meaning, fix, rule)| Topic {
        kind: Kind::Warning,
        name: format!("Warning {code}"),
        title: title.to_owned(),
        aliases: vec![code.to_string(), format!("warning {code}"), title.to_owned()],
        parts: vec![Part::text("means", meaning), Part::text("to do", fix)],
        rule: rule.to_owned(),
    })
}
