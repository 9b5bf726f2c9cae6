//! One cause gives one finding: what follows from another finding is told under it.

use super::Finding;

/// A cause with what it explains in the same conversation: the consequence is no finding of its own.
const FOLDED: &[(&str, &[&str])] = &[
    ("srtp-mismatch", &["media-not-acceptable", "call-rejected", "media-rejected", "one-way-audio", "no-audio"]),
    ("crypto-missing", &["media-not-acceptable", "call-rejected", "media-rejected", "one-way-audio", "no-audio"]),
    ("dtls-missing", &["media-not-acceptable", "call-rejected", "media-rejected", "one-way-audio", "no-audio"]),
    ("direction-conflict", &["one-way-audio", "no-audio"]),
    ("codec-none-common", &["one-way-audio", "no-audio", "codec-unexpected"]),
    ("codec-not-offered", &["codec-unexpected"]),
    ("payload-type-changed", &["codec-unexpected"]),
    ("nat-sdp", &["one-way-audio", "no-audio", "media-source-mismatch", "late-media"]),
    ("one-way-audio", &["late-media"]),
    ("media-rejected", &["one-way-audio", "no-audio"]),
];

/// Puts consequences under their causes.
pub fn fold(findings: &mut Vec<Finding>) {
    for &(cause, consequences) in FOLDED {
        let Some(at) = findings.iter().position(|f| f.code == cause) else { continue };
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
