//! What is said of the findings on the grammar of messages, whatever the case.

use crate::analysis::Severity;
use crate::analysis::rules::Entry;
use crate::analysis::rules::Product::{Asterisk, FreeSwitch, Kamailio, OpenSips};
use crate::sip::DefectKind;

/// The kinds of defect, in the order of [`ENTRIES`].
pub(super) static KINDS: [DefectKind; 11] = [
    DefectKind::HeaderMissing,
    DefectKind::HeaderDuplicate,
    DefectKind::HeaderMalformed,
    DefectKind::ContentLengthMismatch,
    DefectKind::CseqMethodMismatch,
    DefectKind::StartLineMalformed,
    DefectKind::UriMalformed,
    DefectKind::BranchWithoutCookie,
    DefectKind::BareLineFeed,
    DefectKind::VersionUnknown,
    DefectKind::MessageTruncated,
];

/// The findings that they become.
pub(super) static ENTRIES: [Entry; 11] = [
    Entry {
        code: "header-missing",
        severity: Severity::Error,
        meaning: "A header field that every message must have is not there: To, From, Call-ID, CSeq, Via (or, as a warning, Max-Forwards).",
        noticed: "The call or registration fails with 400, or the message is ignored without a word.",
        causes: &[
            "A script or a test tool that builds messages by hand",
            "A proxy or an ALG that drops what it does not know",
            "Bytes that were lost on a stream, so that the message begins in the middle",
        ],
        confirm: "Run sipctl lint on the message as it was sent; compare it with the same message one hop later.",
        fix: "Look at the program that made the message; a receiver has to refuse it with 400.",
        settings: &[
            (Kamailio, "sanity module: sanity_check() refuses such requests with a reason before anything else"),
            (OpenSips, "sipmsgops module: sipmsg_validate() says what is wrong"),
        ],
        rule: "RFC 3261 §8.1.1",
    },
    Entry {
        code: "header-duplicate",
        severity: Severity::Error,
        meaning: "A header field that may be there only once is there more than once: receivers differ in which one they believe.",
        noticed: "It works with one peer and fails with the next, or a firewall and the server behind it see two different requests.",
        causes: &[
            "A proxy or script adds a header field that was there already",
            "A B2BUA copies the fields of the other leg onto its own",
            "An attempt to get past a filter that reads only the first",
        ],
        confirm: "See which hop adds the second one: compare the message before and behind each proxy (sipctl decode FILE --messages headers).",
        fix: "Look at the program that made the message, or at a proxy that adds header fields.",
        settings: &[
            (Kamailio, "remove_hf(\"NAME\") before append_hf()"),
            (OpenSips, "remove_hf(\"NAME\") before append_hf()"),
            (Asterisk, "PJSIP_HEADER(update,NAME) instead of PJSIP_HEADER(add,NAME)"),
            (FreeSwitch, "sip_h_NAME and sip_copy_custom_headers: one of them adds what the other copies"),
        ],
        rule: "RFC 3261 §7.3.1",
    },
    Entry {
        code: "header-malformed",
        severity: Severity::Error,
        meaning: "A header field value breaks its grammar: receivers may ignore the field, or refuse the message.",
        noticed: "A 400 from some peers, silence from others, or a feature that does not work because its header field is ignored.",
        causes: &[
            "A display name with a comma or other special characters that is not quoted",
            "A value put together from parts, one of which was empty",
            "A character set other than UTF-8, or bytes that are no text",
        ],
        confirm: "sipctl lint marks the bytes; the carets in the finding show where the grammar stops.",
        fix: "Look at the program that made the value; quote what is not a token.",
        settings: &[
            (Asterisk, "callerid= with the name in quotes: callerid=\"Doe, John\" <100>"),
            (FreeSwitch, "effective_caller_id_name without special characters"),
            (Kamailio, "sanity module: sanity_check(); uac_replace_from() with the display name in quotes"),
            (OpenSips, "sipmsgops module: sipmsg_validate(); uac_replace_from() with the display name in quotes"),
        ],
        rule: "RFC 3261 §25.1",
    },
    Entry {
        code: "content-length-mismatch",
        severity: Severity::Error,
        meaning: "The body has more or fewer bytes than Content-Length says: over a stream, the next message is cut at the wrong place.",
        noticed: "Over TCP or TLS the connection is reset or everything behind this message goes unanswered; over UDP the session description is cut, and audio is missing.",
        causes: &[
            "An ALG or a script rewrote an address in the SDP and left the length",
            "Line ends were converted between LF and CRLF",
            "The body was counted in characters instead of bytes",
        ],
        confirm: "Compare the length of the body at the sender with the one here; where only the address in c= differs, an ALG was there.",
        fix: "Look for what changed the body without the length: an ALG that rewrites SDP, a script, line ends that were converted.",
        settings: &[
            (
                Kamailio,
                "change bodies with set_body() or replace_body_all(), which count anew; sanity_check() has a test of Content-Length",
            ),
            (OpenSips, "sipmsg_validate() tests Content-Length"),
        ],
        rule: "RFC 3261 §18.3, §20.14",
    },
    Entry {
        code: "cseq-method-mismatch",
        severity: Severity::Error,
        meaning: "The method in CSeq is not the method of the request: the transaction cannot be matched.",
        noticed: "A 400, or responses that nobody takes in: the sender repeats its request as if it had got no answer.",
        causes: &[
            "A message template whose first line was changed and its CSeq was not",
            "An ACK or CANCEL made by copying the INVITE",
        ],
        confirm: "Compare the first line with CSeq; in a SIPp scenario look at the [cseq] line of that message.",
        fix: "Look at the program that made the request.",
        settings: &[(Kamailio, "sanity module: sanity_check() tests the method of CSeq")],
        rule: "RFC 3261 §8.1.1.5",
    },
    Entry {
        code: "start-line-malformed",
        severity: Severity::Error,
        meaning: "The first line is neither a proper request line nor a proper status line.",
        noticed: "A 400 or silence; often the request goes to nobody.",
        causes: &[
            "White space or a line break inside the URI or around it",
            "A status code or a version that is none",
            "Something other than SIP that begins almost like it",
        ],
        confirm: "sipctl lint marks the bytes of the first line.",
        fix: "Look at the program that made the message.",
        settings: &[(
            Kamailio,
            "what cannot be parsed is dropped with a line in the log; event_route[core:receive-parse-error] sees it",
        )],
        rule: "RFC 3261 §7.1, §7.2",
    },
    Entry {
        code: "uri-malformed",
        severity: Severity::Error,
        meaning: "A URI breaks its grammar: it cannot be routed to.",
        noticed: "Calls to or from that address fail with 400, 416 or 484, or they go to the wrong place.",
        causes: &[
            "A dialled number with spaces, # or % that was not escaped",
            "Parameters of a URI without < and > around it, which then belong to the header field",
            "A host name with characters that no host name has",
        ],
        confirm: "sipctl lint marks the bytes. Dial the same number without special characters.",
        fix: "Escape what a URI may not hold, and put a URI with parameters between angle brackets.",
        settings: &[
            (Asterisk, "${URIENCODE(number)} in the dial plan"),
            (FreeSwitch, "${url_encode(number)} in the dial plan"),
            (Kamailio, "sanity module: sanity_check() tests the Request-URI; transformation {s.escape.user}"),
            (OpenSips, "sipmsg_validate(\"rft\") tests the URIs; transformation {s.escape.user}"),
        ],
        rule: "RFC 3261 §19.1.1",
    },
    Entry {
        code: "branch-without-cookie",
        severity: Severity::Info,
        meaning: "The branch does not start with z9hG4bK: the sender follows RFC 2543, the specification before RFC 3261.",
        noticed: "Nobody, mostly. Servers match its transactions by older rules, which confuse requests that differ little.",
        causes: &[
            "A very old phone or gateway",
            "A script whose author did not know the cookie",
            "A scanner that builds messages by hand",
        ],
        confirm: "See User-Agent of the message (sipctl decode FILE --messages headers).",
        fix: "Nothing is broken, but an element that old deserves an update.",
        settings: &[],
        rule: "RFC 3261 §8.1.1.7",
    },
    Entry {
        code: "bare-line-feed",
        severity: Severity::Warning,
        meaning: "Lines end with LF alone instead of CRLF: some receivers do not see any message in it.",
        noticed: "It works with tolerant servers and is met with silence by strict ones.",
        causes: &[
            "A message that was typed or stored in a text file and sent as it is",
            "A script that writes \\n",
            "A conversion of line ends on the way, as by a text editor or a version control system",
        ],
        confirm: "sipctl decode FILE --messages full, or xxd on the message: 0d 0a has to end each line.",
        fix: "Look at the script or template that made the message: it needs \\r\\n.",
        settings: &[],
        rule: "RFC 3261 §7",
    },
    Entry {
        code: "version-unknown",
        severity: Severity::Error,
        meaning: "The version is not SIP/2.0: a receiver answers 505, or nothing.",
        noticed: "Every request of this sender is refused with 505 or ignored.",
        causes: &["A typing error in a script or template", "A test or an attack that looks how a server takes it"],
        confirm: "Look at the end of the first line.",
        fix: "Look at the program that made the message.",
        settings: &[(Kamailio, "sanity module: sanity_check() answers 505")],
        rule: "RFC 3261 §7.1, §21.5.6",
    },
    Entry {
        code: "message-truncated",
        severity: Severity::Warning,
        meaning: "The message is cut before its end: by the snap length of the capture, or by the sender.",
        noticed: "Whoever reads the capture: header fields and the session description are not all there, and what is missing cannot be judged. If the sender cut it, the receiver answers 400.",
        causes: &[
            "A capture with a snap length (tcpdump -s 96, a capture appliance)",
            "A datagram that was cut by a buffer of the sender or of a proxy",
            "A connection that ended in the middle of a message",
        ],
        confirm: "Compare the length of the packet on the wire with the captured one (capinfos, tshark -T fields -e frame.len -e frame.cap_len).",
        fix: "Capture again with a larger snap length (tcpdump -s 0).",
        settings: &[],
        rule: "RFC 3261 §18.3",
    },
];

#[cfg(test)]
mod tests {
    use super::{ENTRIES, KINDS};

    #[test]
    fn each_kind_of_defect_has_the_entry_of_its_code() {
        assert!(KINDS.iter().zip(&ENTRIES).all(|(kind, entry)| kind.code() == entry.code));
    }
}
