//! `sdp-answer-shape`: an answer whose media descriptions are not those of the offer, in number or in order.

use super::{Pair, pairs};
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Severity};
use crate::base::Safe;
use crate::media::SdpFacts;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "sdp-answer-shape",
    severity: Severity::Error,
    meaning: "An answer has one m= line for each of the offer, in the same order: that is how the two sides know which belongs to which. \
              This one has more, fewer, or other media in their places, so that the offerer cannot pair them.",
    noticed: "The caller's phone ends the call right after it was answered, or video shows up where audio belongs; its log speaks of a bad \
              answer.",
    causes: &[
        "The answerer leaves out a medium that it does not want instead of answering it with port 0.",
        "A B2BUA or SBC puts descriptions of two different offers together, after a re-INVITE or a transfer.",
        "A proxy script removed or added an m= line in only one direction.",
    ],
    confirm: "Compare the m= lines of both messages that are named here; capture on the far side of a B2BUA to see who changed them.",
    fix: "Let the answerer keep the m= lines of the offer, with port 0 for what it does not want.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf endpoint: max_audio_streams, max_video_streams (what is beyond them is declined with port 0)",
        ),
        (
            Product::Kamailio,
            "when sdpops removes a stream with sdp_remove_media(), set port 0 instead, or put the line back in the answer",
        ),
    ],
    rule: "RFC 3264 §6",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    findings.extend(pairs(case).find_map(|pair| finding(&pair)));
}

fn finding(pair: &Pair<'_>) -> Option<Finding> {
    let count = |sdp: &SdpFacts| sdp.media.len() + sdp.media_beyond as usize;
    let (offered, answered) = (count(pair.offer), count(pair.answer));
    let is_swapped = pair.media().any(|(offered, answered)| offered.kind != answered.kind);
    // An offer without any media is legal, and so is its answer. RFC 3264 §5
    if offered == answered && !is_swapped {
        return None;
    }
    let what = match answered.cmp(&offered) {
        std::cmp::Ordering::Less => format!("answers {offered} media with {answered}"),
        std::cmp::Ordering::Greater => format!("answers {offered} media with {answered}"),
        std::cmp::Ordering::Equal => "answers the media in another order".to_owned(),
    };
    let mut f = ENTRIES[0].finding(format!("{} {what}: {} cannot pair them", pair.answerer, pair.offerer));
    f.detail.push(format!("The offer has {}; the answer has {}.", lines(pair.offer), lines(pair.answer)));
    // What was refused already and is left out now costs nobody a medium.
    let is_refused = |sdp: &SdpFacts, from: usize| sdp.media.iter().skip(from).all(|m| m.port == 0);
    if !is_swapped && is_refused(pair.offer, answered) && is_refused(pair.answer, offered) {
        f.severity = Severity::Warning;
        f.detail.push("Only media that were refused already differ: most offerers get over it.".to_owned());
    }
    f.ruled_out.push("Both descriptions are whole in the capture: nothing was cut.".to_owned());
    pair.quote("", &mut f);
    f.positions = vec![pair.at.offer, pair.at.answer];
    Some(f)
}

/// The media of a description in a sentence.
fn lines(sdp: &SdpFacts) -> String {
    const NAMED: usize = 6;
    let mut told = String::new();
    for (n, media) in sdp.media.iter().take(NAMED).enumerate() {
        if n > 0 {
            told.push_str(", ");
        }
        told.push_str(&format!("`m={} {}`", Safe(media.kind.name().as_bytes()), media.port));
    }
    if sdp.media.len() > NAMED {
        told.push_str(" …");
    }
    if told.is_empty() { "no m= line".to_owned() } else { told }
}
