//! `media-rejected`: an answer that refuses a medium with port 0.
//!
//! A phone without a camera refuses video, and one of two alternatives is refused by whoever takes the other: that is negotiation as it should be,
//! and only told.

use super::{Pair, pairs};
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Severity};
use crate::media::facts::{Kind, MediaFacts};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "media-rejected",
    severity: Severity::Warning,
    meaning: "A medium that was offered is answered with port 0, which means no. For audio the call is up without sound; video, or one of two \
              alternatives, may well be refused by design.",
    noticed: "The call connects, and one medium is missing: no sound, no picture, or a fax that does not start.",
    causes: &[
        "No codec in common for this medium.",
        "The answerer wants the medium encrypted, or must not have it so.",
        "The answerer has no such medium: an audio phone refuses video, a gateway refuses T.38.",
    ],
    confirm: "Compare codecs and transport (RTP/AVP, RTP/SAVP) of the refused m= line with one that the same answerer accepts.",
    fix: "Where the medium is wanted, offer a codec and a transport that the answerer has.",
    settings: &[
        (Product::Asterisk, "pjsip.conf endpoint: allow, max_video_streams, media_encryption, t38_udptl"),
        (Product::FreeSwitch, "sofia profile: inbound-codec-prefs; variables rtp_secure_media, t38_passthru"),
    ],
    rule: "RFC 3264 §6",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let mut told: Option<Finding> = None;
    for pair in pairs(case) {
        for (offered, answered) in pair.media().filter(|(o, a)| o.kind == a.kind && o.port != 0 && a.port == 0) {
            let f = finding(&pair, offered, answered);
            if told.as_ref().is_none_or(|old| old.severity < f.severity) {
                told = Some(f);
            }
        }
    }
    findings.extend(told);
}

fn finding(pair: &Pair<'_>, offered: &MediaFacts, answered: &MediaFacts) -> Finding {
    let kind = offered.kind.name();
    let mut f =
        ENTRIES[0].finding(format!("{} refuses the {kind} that {} offered: port 0", pair.answerer, pair.offerer));
    let accepted = pair.accepted().filter(|(o, _)| matches!(o.kind, Kind::Audio | Kind::Image)).count();
    let is_sole = accepted == 0;
    // Where sound or a fax goes on, the refusal costs nobody the call.
    if !is_sole {
        f.severity = Severity::Info;
        f.detail.push("Another medium of the same offer is accepted: the call has what it needs.".to_owned());
    } else {
        f.detail.push(format!("Nothing else of the offer carries sound: the call is up without {kind}."));
    }
    f.detail.push(format!(
        "Offered: {} over {}; answered: {} over {}.",
        super::formats(&offered.formats),
        offered.protocol.name(),
        super::formats(&answered.formats),
        answered.protocol.name()
    ));
    f.confidence = Confidence::Certain;
    pair.quote(kind, &mut f);
    f.positions = vec![pair.at.offer, pair.at.answer];
    f
}
