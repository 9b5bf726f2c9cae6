//! One cause gives one finding: what follows from another finding is told under it.

use super::{Finding, Severity};

/// A cause with what it explains in the same conversation: the consequence is no finding of its own.
/// What follows from a consequence stands before it.
const FOLDED: &[(&str, &[&str])] = &[
    // A message whose end is elsewhere than it says is read as another one.
    (
        "content-length-mismatch",
        &["sdp-malformed", "sdp-answer-missing", "sdp-answer-shape", "media-rejected", "codec-none-common"],
    ),
    // Without an answer nobody knows where to send.
    ("sdp-answer-missing", &["no-audio", "one-way-audio", "early-media", "abrupt-end", "late-media"]),
    ("sdp-malformed", &["sdp-answer-missing", "sdp-answer-shape", "media-rejected", "codec-none-common"]),
    // An answer that cannot be told to belong to its request is none.
    (
        "header-missing",
        &["ack-mismatch", "ack-missing", "no-response", "retransmission", "slow-response", "call-open", "abrupt-end"],
    ),
    (
        "response-mismatch",
        &["ack-mismatch", "ack-missing", "no-response", "retransmission", "slow-response", "call-open", "abrupt-end"],
    ),
    ("start-line-malformed", &["no-response", "retransmission", "slow-response"]),
    ("cseq-method-mismatch", &["no-response", "ack-missing", "call-cancelled", "call-open"]),
    // Without an ACK the 2xx is repeated on every hop that it passes.
    ("ack-missing", &["retransmission"]),
    // An answer that names no dialog, or no place to go, is not acknowledged, and what follows it is not understood.
    (
        "to-tag-missing",
        &["ack-missing", "ack-mismatch", "dialog-unknown", "bye-rejected", "no-response", "route-set-ignored"],
    ),
    (
        "contact-missing",
        &["ack-missing", "ack-mismatch", "prack-missing", "dialog-unknown", "bye-rejected", "abrupt-end"],
    ),
    ("cancel-crossed-answer", &["ack-missing", "call-open", "abrupt-end", "one-way-audio", "no-audio"]),
    ("forked-answers", &["ack-missing", "dialog-unknown"]),
    // Without its ACK the callee gives the call up, and knows it no more.
    ("ack-mismatch", &["ack-missing", "abrupt-end", "dialog-unknown", "bye-rejected", "no-response"]),
    ("ack-missing", &["abrupt-end", "dialog-unknown", "bye-rejected"]),
    ("session-expired", &["reinvite-rejected", "abrupt-end", "dialog-unknown"]),
    ("cseq-not-increasing", &["reinvite-rejected", "bye-rejected"]),
    ("route-set-ignored", &["bye-rejected", "dialog-unknown"]),
    ("abrupt-end", &["call-open"]),
    // What goes round is refused, repeated, long and late because it goes round.
    ("loop", &["call-rejected", "no-response", "retransmission", "slow-response", "udp-too-large", "max-forwards-low"]),
    // A proxy gives up with 408 because what it asked did not answer.
    ("no-response", &["call-unanswered"]),
    ("icmp-unreachable", &["call-unanswered"]),
    ("fragment-lost", &["call-unanswered"]),
    ("tcp-closed", &["call-unanswered"]),
    ("tcp-reset", &["call-unanswered"]),
    ("plain-on-tls-port", &["call-unanswered"]),
    ("retransmission", &["post-dial-delay", "slow-response"]),
    ("srtp-mismatch", &["media-not-acceptable", "call-rejected", "media-rejected", "one-way-audio", "no-audio"]),
    ("crypto-missing", &["media-not-acceptable", "call-rejected", "media-rejected", "one-way-audio", "no-audio"]),
    ("dtls-missing", &["media-not-acceptable", "call-rejected", "media-rejected", "one-way-audio", "no-audio"]),
    ("direction-conflict", &["one-way-audio", "no-audio"]),
    ("codec-none-common", &["one-way-audio", "no-audio", "codec-unexpected"]),
    ("codec-not-offered", &["codec-unexpected"]),
    ("payload-type-changed", &["codec-unexpected"]),
    ("nat-sdp", &["one-way-audio", "no-audio", "media-source-mismatch", "late-media"]),
    ("one-way-audio", &["late-media"]),
    ("no-audio", &["abrupt-end", "late-media"]),
    ("media-rejected", &["one-way-audio", "no-audio"]),
    // A refusal for want of the right credentials is told with what is wrong with them.
    ("auth-basic", &["auth-no-credentials", "register-refused", "call-rejected"]),
    ("auth-algorithm-mismatch", &["register-refused", "call-rejected"]),
    ("auth-realm-mismatch", &["register-refused", "call-rejected"]),
    ("auth-uri-mismatch", &["register-refused", "call-rejected"]),
    ("auth-nonce-reused", &["register-refused", "call-rejected"]),
    ("auth-stale", &["register-refused", "call-rejected"]),
    ("auth-wrong-credentials", &["register-refused", "call-rejected"]),
    ("auth-no-credentials", &["register-refused", "call-rejected"]),
    ("register-refused", &["register-too-brief"]),
    ("identity-malformed", &["call-rejected"]),
    ("identity-stale", &["call-rejected"]),
    ("identity-number-mismatch", &["call-rejected"]),
    ("identity-unverified", &["call-rejected"]),
];

/// Puts consequences under their causes.
pub fn fold(findings: &mut Vec<Finding>) {
    if findings.len() < 2 {
        return;
    }
    for &(cause, consequences) in FOLDED {
        // What is only worth knowing explains no failure: a nonce that was stale once, and a call that was refused later. Nor does a header field
        // that nobody misses.
        let least = if cause == "header-missing" { Severity::Error } else { Severity::Warning };
        let is_cause = |f: &Finding| f.code == cause && f.severity >= least;
        let Some(at) = findings.iter().position(is_cause) else { continue };
        let is_folded = |f: &Finding| f.code != cause && consequences.contains(&f.code);
        let titles: Vec<String> = findings.iter().filter(|f| is_folded(f)).map(|f| f.title.clone()).collect();
        if let Some(cause) = findings.get_mut(at) {
            cause.detail.extend(titles.into_iter().take(MOST).map(|title| format!("It explains, too: {title}.")));
        }
        findings.retain(|f| !is_folded(f));
    }
}

/// Consequences that are told; more say nothing new.
const MOST: usize = 4;
