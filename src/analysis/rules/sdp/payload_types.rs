//! `payload-type-changed`: one payload type number with two meanings, or one codec with two numbers.
//!
//! Within one negotiation either is allowed, and breaks equipment that sends by its own table; between two descriptions of one side a number may never
//! change its meaning (RFC 3264 §8.3.2).

use super::{format_name, pairs};
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity};
use crate::media::facts::{Format, MediaFacts};
use crate::trace::{Conversation, Facts};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "payload-type-changed",
    severity: Severity::Warning,
    meaning: "A dynamic payload type number means one codec to one side, or at one time, and another to the other. RTP packets carry only the \
              number, so a sender that uses the wrong table sends what the receiver takes for something else.",
    noticed: "Noise or silence in one direction, or keys pressed that do nothing, often only after a hold, a transfer or a codec change.",
    causes: &[
        "A B2BUA relays RTP between two legs whose negotiated numbers differ, and does not rewrite them.",
        "The answerer uses its own fixed numbers (101 for telephone-event, 96 for the first dynamic codec) whatever was offered.",
        "A re-INVITE offers the codecs in another order, and numbers them anew from 96.",
    ],
    confirm: "See which payload type each stream carries (`sipctl decode --json`, streams) and compare it with the a=rtpmap lines of the side \
              that receives it.",
    fix: "Let the answerer keep the numbers of the offer, and each side its own numbers for the whole session.",
    settings: &[
        (Product::Asterisk, "pjsip.conf endpoint: asymmetric_rtp_codec=no; asterisk.conf: rtp_pt_dynamic"),
        (Product::FreeSwitch, "sofia profile: rfc2833-pt (the number of telephone-event)"),
    ],
    rule: "RFC 3264 §6.1, §8.3.2",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    if case.conversation.sdps.is_empty() {
        return;
    }
    let covered = findings.iter().any(|f| matches!(f.code, "codec-none-common" | "codec-not-offered"));
    let told = between_sides(case).filter(|_| !covered).or_else(|| over_time(case));
    findings.extend(told);
}

/// Whether a number means what SDP says, and not what a table of the standard says.
fn dynamic(format: &Format) -> Option<u8> {
    format.payload_type.filter(|&n| n >= 96 && format.name().is_some())
}

fn between_sides(case: &Case<'_>) -> Option<Finding> {
    pairs(case).find_map(|pair| {
        pair.accepted().find_map(|(offered, answered)| {
            let clash = two_meanings(offered, answered);
            let is_clash = clash.is_some();
            let (first, second) = clash.or_else(|| two_numbers(offered, answered))?;
            let (ours, theirs) = (format_name(first), format_name(second));
            let (offerer, answerer) = (pair.offerer, pair.answerer);
            let mut f = ENTRIES[0].finding(format!("{offerer} offers {ours}, {answerer} answers {theirs}"));
            f.confidence = Confidence::Likely;
            if !is_clash {
                // The numbers are only recommended to be the same, and each is told to the other side. RFC 3264 §6.1
                f.severity = Severity::Info;
            }
            f.detail.push(format!(
                "Each has to send with the number that the other named: {offerer} as {theirs}, {answerer} as {ours}. That is allowed, and many do not."
            ));
            let (kind, line) = (offered.kind.name(), |f: &Format| f.payload_type.map(|n| format!("a=rtpmap:{n} ")));
            match (line(first), line(second)) {
                (Some(ours), Some(theirs)) => {
                    f.quote(pair.at.offer, Part::BodyLine(ours.into_bytes()), "the offer");
                    f.quote(pair.at.answer, Part::BodyLine(theirs.into_bytes()), "the answer");
                }
                _ => pair.quote(kind, &mut f),
            }
            f.positions = vec![pair.at.offer, pair.at.answer];
            Some(f)
        })
    })
}

/// One number for two codecs.
fn two_meanings<'a>(offered: &'a MediaFacts, answered: &'a MediaFacts) -> Option<(&'a Format, &'a Format)> {
    answered.formats.iter().find_map(|theirs| {
        let number = dynamic(theirs)?;
        let ours = offered.format(number).filter(|ours| ours.name().is_some() && !ours.is_same(theirs))?;
        Some((ours, theirs))
    })
}

/// One codec under two numbers. A codec may be offered several times with different parameters: any of its numbers will do.
fn two_numbers<'a>(offered: &'a MediaFacts, answered: &'a MediaFacts) -> Option<(&'a Format, &'a Format)> {
    answered.formats.iter().find_map(|theirs| {
        let number = dynamic(theirs)?;
        let same = |ours: &&Format| ours.is_same(theirs) && dynamic(ours).is_some();
        let ours = offered.formats.iter().find(same)?;
        let kept = offered.formats.iter().filter(same).any(|ours| ours.payload_type == Some(number));
        (!kept).then_some((ours, theirs))
    })
}

/// Descriptions of one side that are compared.
const COMPARED: usize = 16;

/// A number that one side gives another meaning than before.
fn over_time(case: &Case<'_>) -> Option<Finding> {
    let c = case.conversation;
    if c.sdps.len() < 3 {
        return None;
    }
    let with_sdp = || c.firsts().filter(|(_, f)| f.sdp.is_some() && !f.cut).take(COMPARED);
    for (later_at, later) in with_sdp() {
        for (earlier_at, earlier) in with_sdp().take_while(|(at, _)| *at < later_at) {
            if earlier.sdp == later.sdp || !is_one_side(c, earlier, later) {
                continue;
            }
            let (Some(before), Some(after)) = (c.sdp(earlier), c.sdp(later)) else { continue };
            let mut same_place = before.media.iter().zip(&after.media).filter(|(b, a)| b.kind == a.kind);
            let Some((was, is)) = same_place.find_map(|(b, a)| two_meanings(b, a)) else { continue };
            let who = later.flow.src;
            let mut f = ENTRIES[0].finding(format!(
                "{who} changes {} to {} within the session",
                format_name(was),
                format_name(is)
            ));
            f.detail.push("Packets that are on their way, and equipment that read only the first description, take the one for the other.".to_owned());
            if let Some(line) = is.payload_type.map(|n| Part::BodyLine(format!("a=rtpmap:{n} ").into_bytes())) {
                f.quote(earlier_at, line.clone(), "what it meant first");
                f.quote(later_at, line, "what it means later");
            }
            f.positions = vec![earlier_at, later_at];
            return Some(f);
        }
    }
    None
}

/// Whether both were sent by the same end of the same dialog: same address, and the same tag as its own.
fn is_one_side(c: &Conversation, a: &Facts, b: &Facts) -> bool {
    let own = |f: &Facts| if f.is_request() { f.from_tag } else { f.to_tag };
    let peer = |f: &Facts| if f.is_request() { f.to_tag } else { f.from_tag };
    a.flow.src == b.flow.src
        && c.text(own(a)) == c.text(own(b))
        && (peer(a).is_empty() || c.text(peer(a)) == c.text(peer(b)))
}
