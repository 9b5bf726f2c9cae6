//! The table of status codes: the IANA registry "Session Initiation Protocol (SIP) Parameters", response codes.

struct Row {
    code: u16,
    reason: &'static str,
    rule: &'static str,
}

const fn row(code: u16, reason: &'static str, rule: &'static str) -> Row {
    Row { code, reason, rule }
}

/// In order of code, so that one is found by halving.
const ROWS: &[Row] = &[
    row(100, "Trying", "RFC 3261 §21.1.1"),
    row(180, "Ringing", "RFC 3261 §21.1.2"),
    row(181, "Call Is Being Forwarded", "RFC 3261 §21.1.3"),
    row(182, "Queued", "RFC 3261 §21.1.4"),
    row(183, "Session Progress", "RFC 3261 §21.1.5"),
    row(199, "Early Dialog Terminated", "RFC 6228"),
    row(200, "OK", "RFC 3261 §21.2.1"),
    row(202, "Accepted", "RFC 6665"),
    row(204, "No Notification", "RFC 5839"),
    row(300, "Multiple Choices", "RFC 3261 §21.3.1"),
    row(301, "Moved Permanently", "RFC 3261 §21.3.2"),
    row(302, "Moved Temporarily", "RFC 3261 §21.3.3"),
    row(305, "Use Proxy", "RFC 3261 §21.3.4"),
    row(380, "Alternative Service", "RFC 3261 §21.3.5"),
    row(400, "Bad Request", "RFC 3261 §21.4.1"),
    row(401, "Unauthorized", "RFC 3261 §21.4.2"),
    row(402, "Payment Required", "RFC 3261 §21.4.3"),
    row(403, "Forbidden", "RFC 3261 §21.4.4"),
    row(404, "Not Found", "RFC 3261 §21.4.5"),
    row(405, "Method Not Allowed", "RFC 3261 §21.4.6"),
    row(406, "Not Acceptable", "RFC 3261 §21.4.7"),
    row(407, "Proxy Authentication Required", "RFC 3261 §21.4.8"),
    row(408, "Request Timeout", "RFC 3261 §21.4.9"),
    row(410, "Gone", "RFC 3261 §21.4.10"),
    row(412, "Conditional Request Failed", "RFC 3903"),
    row(413, "Request Entity Too Large", "RFC 3261 §21.4.11"),
    row(414, "Request-URI Too Long", "RFC 3261 §21.4.12"),
    row(415, "Unsupported Media Type", "RFC 3261 §21.4.13"),
    row(416, "Unsupported URI Scheme", "RFC 3261 §21.4.14"),
    row(417, "Unknown Resource-Priority", "RFC 4412"),
    row(420, "Bad Extension", "RFC 3261 §21.4.15"),
    row(421, "Extension Required", "RFC 3261 §21.4.16"),
    row(422, "Session Interval Too Small", "RFC 4028"),
    row(423, "Interval Too Brief", "RFC 3261 §21.4.17"),
    row(424, "Bad Location Information", "RFC 6442"),
    row(425, "Bad Alert Message", "RFC 8876"),
    row(428, "Use Identity Header", "RFC 8224"),
    row(429, "Provide Referrer Identity", "RFC 3892"),
    row(430, "Flow Failed", "RFC 5626"),
    row(433, "Anonymity Disallowed", "RFC 5079"),
    row(436, "Bad Identity Info", "RFC 8224"),
    row(437, "Unsupported Credential", "RFC 8224"),
    row(438, "Invalid Identity Header", "RFC 8224"),
    row(439, "First Hop Lacks Outbound Support", "RFC 5626"),
    row(440, "Max-Breadth Exceeded", "RFC 5393"),
    row(469, "Bad Info Package", "RFC 6086"),
    row(470, "Consent Needed", "RFC 5360"),
    row(480, "Temporarily Unavailable", "RFC 3261 §21.4.18"),
    row(481, "Call/Transaction Does Not Exist", "RFC 3261 §21.4.19"),
    row(482, "Loop Detected", "RFC 3261 §21.4.20"),
    row(483, "Too Many Hops", "RFC 3261 §21.4.21"),
    row(484, "Address Incomplete", "RFC 3261 §21.4.22"),
    row(485, "Ambiguous", "RFC 3261 §21.4.23"),
    row(486, "Busy Here", "RFC 3261 §21.4.24"),
    row(487, "Request Terminated", "RFC 3261 §21.4.25"),
    row(488, "Not Acceptable Here", "RFC 3261 §21.4.26"),
    row(489, "Bad Event", "RFC 6665"),
    row(491, "Request Pending", "RFC 3261 §21.4.27"),
    row(493, "Undecipherable", "RFC 3261 §21.4.28"),
    row(494, "Security Agreement Required", "RFC 3329"),
    row(500, "Server Internal Error", "RFC 3261 §21.5.1"),
    row(501, "Not Implemented", "RFC 3261 §21.5.2"),
    row(502, "Bad Gateway", "RFC 3261 §21.5.3"),
    row(503, "Service Unavailable", "RFC 3261 §21.5.4"),
    row(504, "Server Time-out", "RFC 3261 §21.5.5"),
    row(505, "Version Not Supported", "RFC 3261 §21.5.6"),
    row(513, "Message Too Large", "RFC 3261 §21.5.7"),
    row(555, "Push Notification Service Not Supported", "RFC 8599"),
    row(580, "Precondition Failure", "RFC 3312"),
    row(600, "Busy Everywhere", "RFC 3261 §21.6.1"),
    row(603, "Decline", "RFC 3261 §21.6.2"),
    row(604, "Does Not Exist Anywhere", "RFC 3261 §21.6.3"),
    row(606, "Not Acceptable", "RFC 3261 §21.6.4"),
    row(607, "Unwanted", "RFC 8197"),
    row(608, "Rejected", "RFC 8688"),
];

fn find(code: u16) -> Option<&'static Row> {
    ROWS.binary_search_by_key(&code, |row| row.code).ok().and_then(|at| ROWS.get(at))
}

/// Every registered code, in order.
pub fn all() -> impl Iterator<Item = u16> {
    ROWS.iter().map(|row| row.code)
}

/// The registered reason phrase; for any other code the words of its class. RFC 3261 §21
#[must_use]
pub fn reason(code: u16) -> &'static str {
    match (find(code), code) {
        (Some(row), _) => row.reason,
        (None, 100..=199) => "Provisional",
        (None, 200..=299) => "Success",
        (None, 300..=399) => "Redirection",
        (None, 400..=499) => "Client Error",
        (None, 500..=599) => "Server Error",
        (None, 600..=699) => "Global Failure",
        (None, _) => "Unknown",
    }
}

/// The document that defines the code; empty for one that is not registered.
#[must_use]
pub fn rule(code: u16) -> &'static str {
    find(code).map_or("", |row| row.rule)
}

#[cfg(test)]
mod tests {
    use super::{ROWS, all, reason, rule};

    #[test]
    fn the_table_is_that_of_the_registry() {
        assert!(ROWS.is_sorted_by(|a, b| a.code < b.code), "in order, each once");
        let of_class = |class: u16| all().filter(|code| code / 100 == class).count();
        assert_eq!([1, 2, 3, 4, 5, 6].map(of_class), [6, 3, 5, 46, 9, 6]);
        assert!(ROWS.iter().all(|row| row.rule.starts_with("RFC ") && !row.reason.is_empty()));
    }

    #[test]
    fn phrases_as_the_rfcs_write_them() {
        for (code, words) in [
            (181, "Call Is Being Forwarded"),
            (401, "Unauthorized"),
            (423, "Interval Too Brief"),
            (481, "Call/Transaction Does Not Exist"),
            (488, "Not Acceptable Here"),
            (504, "Server Time-out"),
            (608, "Rejected"),
        ] {
            assert_eq!(reason(code), words);
        }
        assert_eq!((rule(481), rule(430)), ("RFC 3261 §21.4.19", "RFC 5626"));
    }

    #[test]
    fn a_code_that_nobody_registered_has_the_words_of_its_class() {
        assert_eq!((reason(299), rule(299)), ("Success", ""));
        assert_eq!((reason(499), reason(699), reason(700)), ("Client Error", "Global Failure", "Unknown"));
    }
}
