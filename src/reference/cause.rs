//! Release causes of ITU-T Q.850, as Reason header fields and gateways carry them, with the SIP status of RFC 3398 §7.2.4.1, §8.2.6.1.

use super::topic::{Kind, Part, Topic};

/// Cause, name, what is usually behind it, status that it becomes in SIP.
type Row = (u8, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    (
        1,
        "Unallocated (unassigned) number",
        "The number is not assigned: a typing error, a wrong prefix, or a number that was not ported.",
        "404 Not Found",
    ),
    (2, "No route to specified transit network", "The carrier that was asked for is not known.", "404 Not Found"),
    (
        3,
        "No route to destination",
        "The network knows no way to that number: the trunk or its routing table.",
        "404 Not Found",
    ),
    (
        4,
        "Send special information tone",
        "The number cannot be reached for a lasting reason; an announcement is played.",
        "none defined; gateways use 500 or 404",
    ),
    (
        5,
        "Misdialled trunk prefix",
        "A trunk prefix was dialled where none belongs, or is missing.",
        "none defined; gateways use 404 or 500",
    ),
    (8, "Preemption", "A call of higher priority took the circuit.", "none defined; gateways use 500"),
    (
        9,
        "Preemption, circuit reserved for reuse",
        "A call of higher priority will take the circuit.",
        "none defined; gateways use 500",
    ),
    (
        14,
        "QoR: ported number",
        "The number was ported, and the network asks to route it anew.",
        "none defined; gateways use 404",
    ),
    (
        16,
        "Normal call clearing",
        "One side hung up: the proper end of a call.",
        "BYE or CANCEL; 480 where the call was not answered",
    ),
    (17, "User busy", "The callee is in a call.", "486 Busy Here"),
    (
        18,
        "No user responding",
        "The equipment of the callee does not answer at all: switched off, or a dead line.",
        "408 Request Timeout",
    ),
    (19, "No answer from user (user alerted)", "It rang, and nobody answered in time.", "480 Temporarily Unavailable"),
    (
        20,
        "Subscriber absent",
        "A mobile phone that is switched off or out of reach, or a user who is not registered.",
        "480 Temporarily Unavailable",
    ),
    (
        21,
        "Call rejected",
        "The callee refused, or the network did: authorization, credit, barring.",
        "403 Forbidden; 603 Decline from some",
    ),
    (
        22,
        "Number changed",
        "The number has been replaced; a diagnostic may hold the new one.",
        "410 Gone; 301 Moved Permanently with the new number",
    ),
    (23, "Redirection to new destination", "The call goes on to another number.", "410 Gone"),
    (
        24,
        "Call rejected due to feature at the destination",
        "A service of the callee refuses: anonymous or unwanted callers.",
        "none defined; gateways use 403",
    ),
    (25, "Exchange routing error", "A loop or too many hops between exchanges.", "483 Too Many Hops, or 500"),
    (26, "Non-selected user clearing", "Another terminal took the call.", "404 Not Found"),
    (27, "Destination out of order", "The line or trunk of the callee is down.", "502 Bad Gateway"),
    (
        28,
        "Invalid number format (address incomplete)",
        "Digits are missing, or the type of number is wrong (national, international).",
        "484 Address Incomplete",
    ),
    (29, "Facility rejected", "A service that was asked for is not given.", "501 Not Implemented"),
    (30, "Response to STATUS ENQUIRY", "Only in answers to a question about the state.", "none"),
    (31, "Normal, unspecified", "An end without a better reason.", "480 Temporarily Unavailable"),
    (34, "No circuit/channel available", "All channels of the trunk are taken.", "503 Service Unavailable"),
    (38, "Network out of order", "The network is down, and for longer.", "503 Service Unavailable"),
    (
        39,
        "Permanent frame mode connection out of service",
        "A data connection is down.",
        "none defined; gateways use 503",
    ),
    (40, "Permanent frame mode connection operational", "A data connection works again.", "none"),
    (41, "Temporary failure", "The network is down, and not for long: try again.", "503 Service Unavailable"),
    (42, "Switching equipment congestion", "An exchange is overloaded.", "503 Service Unavailable"),
    (
        43,
        "Access information discarded",
        "Something beside the call itself could not be carried.",
        "none defined; gateways use 502",
    ),
    (
        44,
        "Requested circuit/channel not available",
        "Both sides disagree on the channels of the trunk, or it is taken.",
        "503 Service Unavailable",
    ),
    (
        46,
        "Precedence call blocked",
        "No circuit that a call of this priority may take.",
        "none defined; gateways use 503",
    ),
    (
        47,
        "Resource unavailable, unspecified",
        "A resource is missing: often a transcoder, a media port or a licence.",
        "503 Service Unavailable",
    ),
    (
        49,
        "Quality of service unavailable",
        "The quality that was asked for cannot be had.",
        "none defined; gateways use 503",
    ),
    (
        50,
        "Requested facility not subscribed",
        "The service is not part of the contract.",
        "none defined; gateways use 403",
    ),
    (
        53,
        "Outgoing calls barred within CUG",
        "The closed user group lets no calls out.",
        "none defined; gateways use 403",
    ),
    (55, "Incoming calls barred within CUG", "The closed user group lets no calls in.", "403 Forbidden"),
    (
        57,
        "Bearer capability not authorized",
        "This kind of call (data, video) is not allowed on the line.",
        "403 Forbidden",
    ),
    (
        58,
        "Bearer capability not presently available",
        "This kind of call is not possible now; in VoIP often no codec in common.",
        "503 Service Unavailable",
    ),
    (
        62,
        "Inconsistency in access information",
        "What the caller asked for does not fit its subscription.",
        "none defined; gateways use 503",
    ),
    (
        63,
        "Service or option not available, unspecified",
        "A service is not available.",
        "none defined; gateways use 503",
    ),
    (
        65,
        "Bearer capability not implemented",
        "This kind of call is unknown; in VoIP often a codec or SRTP that does not fit.",
        "488 Not Acceptable Here",
    ),
    (66, "Channel type not implemented", "A kind of channel that is unknown.", "none defined; gateways use 488"),
    (69, "Requested facility not implemented", "A service that is unknown.", "none defined; gateways use 501"),
    (
        70,
        "Only restricted digital bearer available",
        "The line carries only restricted digital information.",
        "488 Not Acceptable Here",
    ),
    (
        79,
        "Service or option not implemented, unspecified",
        "A service or option that is unknown.",
        "501 Not Implemented",
    ),
    (81, "Invalid call reference value", "A message for a call that does not exist.", "none defined; gateways use 502"),
    (
        82,
        "Identified channel does not exist",
        "A channel that the other side does not have.",
        "none defined; gateways use 502",
    ),
    (
        83,
        "A suspended call exists, but not this call identity",
        "Taking up a parked call failed.",
        "none defined; gateways use 503",
    ),
    (84, "Call identity in use", "The identity for parking is taken.", "none defined; gateways use 503"),
    (85, "No call suspended", "There is no parked call.", "none defined; gateways use 503"),
    (
        86,
        "Call having the requested call identity has been cleared",
        "The parked call has ended meanwhile.",
        "none defined; gateways use 408",
    ),
    (87, "User not member of CUG", "The caller is not in the closed user group.", "403 Forbidden"),
    (
        88,
        "Incompatible destination",
        "The called equipment cannot take this kind of call: fax to a phone, or no codec in common.",
        "503 Service Unavailable",
    ),
    (90, "Non-existent CUG", "There is no such closed user group.", "none defined; gateways use 403"),
    (91, "Invalid transit network selection", "The carrier code is not valid.", "none defined; gateways use 502"),
    (95, "Invalid message, unspecified", "A message that makes no sense.", "none defined; gateways use 400"),
    (
        96,
        "Mandatory information element is missing",
        "A gateway or exchange left out what has to be there.",
        "none defined; gateways use 409 or 500",
    ),
    (
        97,
        "Message type non-existent or not implemented",
        "A message that is unknown.",
        "none defined; gateways use 480",
    ),
    (
        98,
        "Message not compatible with call state, or not implemented",
        "A message at the wrong time, or one that is unknown.",
        "none defined; gateways use 409",
    ),
    (
        99,
        "Information element non-existent or not implemented",
        "An element that is unknown.",
        "none defined; gateways use 480",
    ),
    (
        100,
        "Invalid information element contents",
        "An element with wrong contents: often the number.",
        "none defined; gateways use 501",
    ),
    (101, "Message not compatible with call state", "A message at the wrong time.", "none defined; gateways use 503"),
    (
        102,
        "Recovery on timer expiry",
        "The other side did not answer in time: in VoIP, no response to the INVITE.",
        "504 Server Time-out",
    ),
    (103, "Parameter non-existent or not implemented, passed on", "A parameter that is unknown.", "none"),
    (
        110,
        "Message with unrecognized parameter discarded",
        "A parameter that is unknown made the message useless.",
        "none",
    ),
    (
        111,
        "Protocol error, unspecified",
        "Two implementations that do not understand each other.",
        "500 Server Internal Error",
    ),
    (127, "Interworking, unspecified", "Behind a gateway the true reason is not known.", "500 Server Internal Error"),
];

/// The name of a cause; `None` for one that Q.850 does not know.
#[must_use]
pub fn name(cause: u64) -> Option<&'static str> {
    ROWS.iter().find(|row| u64::from(row.0) == cause).map(|row| row.1)
}

/// What is said of every cause.
pub fn topics() -> impl Iterator<Item = Topic> {
    ROWS.iter().map(|&(cause, title, behind, status)| Topic {
        kind: Kind::Cause,
        name: format!("Q.850 {cause}"),
        title: title.to_owned(),
        aliases: ["", "cause ", "q850 ", "q.850 ", "q850 cause ", "q.850;cause="]
            .iter()
            .map(|word| format!("{word}{cause}"))
            .chain([title.to_owned()])
            .collect(),
        parts: vec![Part::text("usually", behind), Part::text("in SIP", status)],
        rule: "ITU-T Q.850; RFC 3398 §7.2.4.1; RFC 3326".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{ROWS, topics};

    #[test]
    fn causes_stand_once_and_map_as_the_rfc_says() {
        assert!(ROWS.is_sorted_by(|a, b| a.0 < b.0));
        let of = |cause: u8| ROWS.iter().find(|row| row.0 == cause).unwrap().3;
        // RFC 3398 §7.2.4.1
        for (cause, status) in [
            (1, "404"),
            (17, "486"),
            (18, "408"),
            (21, "403"),
            (27, "502"),
            (28, "484"),
            (34, "503"),
            (88, "503"),
            (102, "504"),
            (127, "500"),
        ] {
            assert!(of(cause).starts_with(status), "{cause}");
        }
        assert!(topics().any(|t| t.aliases.contains(&"q850 16".to_owned())));
    }
}
