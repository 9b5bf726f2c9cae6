//! `dtmf-lost`: telephone events were offered, and the answer does not take them.

use super::{Pair, formats, pairs};
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Severity};
use crate::media::facts::{Format, Kind, MediaFacts};
use crate::sip::Method;
use crate::trace::MediaStream;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "dtmf-lost",
    severity: Severity::Warning,
    meaning: "The offer had telephone-event, the way in which keys pressed travel beside the voice (RFC 4733), and the answer dropped it. Keys \
              can then only travel as sound, which speech codecs and loss spoil, or as INFO requests.",
    noticed: "Menus, conference PINs and voicemail do not react to keys, or see digits twice or not at all.",
    causes: &[
        "The answerer is set to another way of sending digits: in-band sound or INFO.",
        "A B2BUA or a codec filter passes on only the voice codecs.",
        "The gateway has no support for telephone events on this trunk.",
    ],
    confirm: "See whether INFO requests or telephone-event packets follow in the call (`sipctl decode` lists the digits it saw), and look at the \
              a=rtpmap lines of the answer.",
    fix: "Allow telephone-event on the answering side, or set both sides to the same other way.",
    settings: &[
        (Product::Asterisk, "pjsip.conf endpoint: dtmf_mode=rfc4733 (or auto)"),
        (Product::FreeSwitch, "sofia profile: dtmf-type=rfc2833, liberal-dtmf=true; rfc2833-pt=101"),
        (
            Product::Kamailio,
            "where sdpops filters codecs, keep telephone-event: sdp_keep_codecs_by_name(\"PCMA,PCMU,telephone-event\")",
        ),
        (Product::OpenSips, "where codec_delete_except_re() filters codecs, keep telephone-event"),
    ],
    rule: "RFC 4733 §2.5.1.1, RFC 3264 §6.1",
}];

/// Packets by which what a relay swallowed may differ from the events that came in.
const AROUND_EVENTS: u64 = 2;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    // What is broken otherwise is told first: events are the least of it.
    if findings.iter().any(|f| matches!(f.code, "codec-none-common" | "sdp-answer-shape")) {
        return;
    }
    let Some((pair, offered, answered)) = dropped(case) else { return };
    let uses_info = case.conversation.requests(Method::Info).any(|(_, f)| f.digit().is_some());
    // Both may agree otherwise later: the last word counts.
    if uses_info || is_mended(case, pair.at.answer) {
        return;
    }
    let mut f = ENTRIES[0]
        .finding(format!("{} drops telephone-event: keys pressed will not reach it as events", pair.answerer));
    f.confidence = Confidence::Certain;
    f.detail.push(format!("Offered: {}. Answered: {}.", formats(&offered.formats), formats(&answered.formats)));
    f.ruled_out
        .push("No INFO request carries digits in this call, so they have no other way than as sound.".to_owned());
    pair.quote(offered.kind.name(), &mut f);
    f.positions = vec![pair.at.offer, pair.at.answer];
    findings.push(f);
}

fn has_events(media: &MediaFacts) -> bool {
    media.formats.iter().any(Format::is_telephone_event)
}

/// The first answer that leaves the offered events out of audio that it takes.
fn dropped<'a>(case: &'a Case<'_>) -> Option<(Pair<'a>, &'a MediaFacts, &'a MediaFacts)> {
    pairs(case).find_map(|pair| {
        let lost = |(offered, answered): &(&MediaFacts, &MediaFacts)| {
            offered.kind == Kind::Audio
                && has_events(offered)
                && answered.formats_beyond == 0
                && !has_events(answered)
                && answered.formats.iter().any(Format::is_content)
                && answered.direction.receives()
        };
        let (offered, answered) = pair.accepted().find(lost)?;
        Some((pair, offered, answered))
    })
}

/// Events that reached a relay and did not leave it, though their numbers did: `stream` is what leaves it, `before` what came in.
#[must_use]
pub fn taken_out(case: &Case<'_>, stream: &MediaStream, before: &MediaStream) -> Option<Finding> {
    let packets: u64 = before.dtmf.events().iter().map(|e| u64::from(e.packets)).sum();
    let missing = stream.receiver.statistics().lost;
    if packets == 0 || !stream.dtmf.events().is_empty() || missing.abs_diff(packets) > AROUND_EVENTS {
        return None;
    }
    let (relay, digits) = (stream.flow.src, before.dtmf.digits());
    let mut f = ENTRIES[0].finding(format!("{relay} takes the keys {digits} out of the RTP that it sends on"));
    f.confidence = Confidence::Likely;
    f.detail.push(format!(
        "{packets} packets of events reached {}, none left {relay}, and {missing} numbers are missing there.",
        before.flow.dst
    ));
    let is_told = |m| case.conversation.requests(m).next().is_some();
    if is_told(Method::Info) || is_told(Method::Notify) {
        f.severity = Severity::Info;
        f.detail.push(
            "The call has INFO or NOTIFY requests, which may carry the keys instead: then it is meant so.".to_owned(),
        );
    }
    f.ruled_out.push("Loss on the way would hit speech as well as events.".to_owned());
    f.stream = Some(stream.id);
    Some(f)
}

/// Whether a later answer takes them after all.
fn is_mended(case: &Case<'_>, position: u32) -> bool {
    pairs(case)
        .filter(|later| later.at.answer > position)
        .any(|later| later.accepted().any(|(offered, answered)| has_events(offered) && has_events(answered)))
}
