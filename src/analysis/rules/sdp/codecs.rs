//! `codec-none-common`, `codec-not-offered`: an answer with codecs that the offer does not have.
//!
//! An answer may name further formats behind those in common (RFC 3264 §6.1); its first one is what the offerer will send, and has to be one that
//! was offered.

use super::{Pair, format_name, formats, pairs};
use crate::analysis::rules::media::is_voice;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Severity};
use crate::media::facts::MediaFacts;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

const NONE_COMMON: usize = 0;
const NOT_OFFERED: usize = 1;

static ENTRIES: [Entry; 2] = [
    Entry {
        code: "codec-none-common",
        severity: Severity::Error,
        meaning: "The answer accepts the medium, but none of its codecs was offered: neither side can play what the other sends. An answerer \
                  without a codec in common has to refuse with 488 or port 0.",
        noticed: "The call connects and both sides hear silence or noise, or the caller ends it at once.",
        causes: &[
            "A B2BUA answers with the codec of its other leg and does not transcode.",
            "The codec lists of the trunk and of the phone have nothing in common, and the answerer does not check.",
            "A proxy script removed codecs from the offer in one direction only.",
        ],
        confirm: "Compare the m= and a=rtpmap lines of both messages; on a B2BUA look at the same exchange on the other leg.",
        fix: "Give both sides one codec in common (PCMA or PCMU at the least), or let the element between them transcode.",
        settings: &[
            (Product::Asterisk, "pjsip.conf endpoint: disallow=all, allow=alaw,ulaw on both endpoints"),
            (
                Product::FreeSwitch,
                "sofia profile: inbound-codec-prefs, outbound-codec-prefs; keep inbound-late-negotiation and do not set bypass_media",
            ),
            (
                Product::Kamailio,
                "rtpengine_manage(\"codec-transcode-PCMA\") where transcoding is wanted; sdpops sdp_remove_codecs_by_name()",
            ),
            (Product::OpenSips, "rtpengine_manage(\"transcode-PCMA\"); codec_delete() of sipmsgops"),
        ],
        rule: "RFC 3264 §6.1",
    },
    Entry {
        code: "codec-not-offered",
        severity: Severity::Error,
        meaning: "The answer puts a codec first that was not in the offer. The offerer sends in the first codec of the answer, or cannot; the \
                  answerer expects something that the offerer never said it can do.",
        noticed: "One side hears nothing or noise; which one depends on who holds to the offer.",
        causes: &[
            "The answerer lists its own codecs in its own order instead of choosing among those offered.",
            "A B2BUA copies the answer of its other leg, whose offer was another one.",
            "The payload type was mapped to another clock rate or channel count than in the offer.",
        ],
        confirm: "Compare the m= and a=rtpmap lines of both messages; then see with `sipctl decode --json` which payload type each stream uses.",
        fix: "Let the answerer put a codec of the offer first.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf endpoint: incoming_call_offer_pref=remote_first (one codec, in the order of the offer) or preferred_codec_only=yes",
            ),
            (Product::FreeSwitch, "sofia profile: inbound-codec-negotiation=generous"),
        ],
        rule: "RFC 3264 §6.1",
    },
];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let mut told: Option<Finding> = None;
    for pair in pairs(case) {
        for (offered, answered) in pair.accepted().filter(|(o, a)| is_listed(o) && is_listed(a)) {
            let Some(f) = finding(&pair, offered, answered) else { continue };
            // Where RTP shows that both hold to what is in common, the odd first codec does no harm.
            if f.code == ENTRIES[NOT_OFFERED].code && is_passed_over(case, offered) {
                continue;
            }
            // Where nothing at all is in common, that is the graver one.
            if told.as_ref().is_none_or(|old| old.code != f.code && f.code == ENTRIES[NONE_COMMON].code) {
                told = Some(f);
            }
        }
    }
    findings.extend(told);
}

/// Whether there is RTP in the call, and all of it in codecs that were offered.
fn is_passed_over(case: &Case<'_>, offered: &MediaFacts) -> bool {
    let mut voices = case.streams.iter().filter(|s| is_voice(s)).peekable();
    voices.peek().is_some() && voices.all(|s| offered.format(s.receiver.statistics().payload_type).is_some())
}

/// Whether its formats are codecs by payload type, all of them kept.
fn is_listed(media: &MediaFacts) -> bool {
    media.protocol.is_rtp() && media.formats_beyond == 0 && !media.formats.is_empty()
}

fn finding(pair: &Pair<'_>, offered: &MediaFacts, answered: &MediaFacts) -> Option<Finding> {
    let first = answered.formats.iter().find(|f| f.is_content())?;
    let is_offered = |f: &crate::media::facts::Format| offered.formats.iter().any(|o| o.is_same(f));
    if is_offered(first) {
        return None;
    }
    let kind = answered.kind.name();
    let in_common = answered.formats.iter().any(|f| f.is_content() && is_offered(f));
    let mut f = if in_common {
        let name = format_name(first);
        let title = format!("{} answers {kind} with {name} first, which {} did not offer", pair.answerer, pair.offerer);
        ENTRIES[NOT_OFFERED].finding(title)
    } else {
        let title = format!("{} answers {kind} with no codec that {} offered", pair.answerer, pair.offerer);
        ENTRIES[NONE_COMMON].finding(title)
    };
    f.detail.push(format!("Offered: {}.", formats(&offered.formats)));
    f.detail.push(format!("Answered: {}.", formats(&answered.formats)));
    f.ruled_out.push("A refused medium would have port 0; this answer accepts it.".to_owned());
    // A codec without name is told apart by its number alone.
    if first.name().is_none() {
        f.confidence = Confidence::Likely;
    }
    pair.quote(kind, &mut f);
    f.positions = vec![pair.at.offer, pair.at.answer];
    Some(f)
}
