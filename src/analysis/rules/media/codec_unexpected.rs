//! `codec-unexpected`: RTP in a payload type that its receiver did not announce.

use super::is_voice;
use crate::analysis::rules::sdp::formats;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity};
use crate::media::codec::{Codec, Content};
use crate::media::facts::MediaFacts;
use crate::trace::{Conversation, MediaStream};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "codec-unexpected",
    severity: Severity::Warning,
    meaning: "A stream uses a payload type that the SDP of its receiver does not list. The receiver may drop it, or play it as something else.",
    noticed: "Silence or noise in one direction although packets arrive.",
    causes: &[
        "The sender goes on with a codec that the answer left out.",
        "A B2BUA relays RTP between legs that agreed on different codecs, without transcoding.",
        "The sender uses its own number for a dynamic payload type instead of the receiver's.",
    ],
    confirm: "Compare the payload type of the stream with the m= line of the side that receives it.",
    fix: "Let the sender hold to the codecs, and to the numbers, that its peer answered with.",
    settings: &[
        (Product::Asterisk, "pjsip.conf endpoint: allow (the same on both legs), asymmetric_rtp_codec=no"),
        (
            Product::FreeSwitch,
            "variable absolute_codec_string on the outgoing leg; disable bypass_media where codecs differ",
        ),
        (Product::Kamailio, "rtpengine_manage(\"codec-transcode-PCMA\") where legs differ"),
        (Product::OpenSips, "rtpengine_manage(\"transcode-PCMA\") where legs differ"),
    ],
    rule: "RFC 3264 §5.1, §6.1",
}];

/// Packets of the type that are more than what was on its way when the codec changed.
const PACKETS: u64 = 50;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    if case.streams.is_empty() || case.negotiations().is_empty() {
        return;
    }
    let c = case.conversation;
    let found = case.streams.iter().find_map(|stream| Some((stream, unexpected(case, stream)?)));
    let Some((stream, (number, packets, receiver))) = found else { return };
    let name = Codec::from_payload_type(number)
        .map_or_else(|| format!("payload type {number}"), |c| format!("{} ({number})", c.name()));
    let (src, dst) = (stream.flow.src, stream.flow.dst);
    let mut f = ENTRIES[0].finding(format!("{src} sends {name} to {dst}, which did not announce it"));
    f.confidence = Confidence::Likely;
    f.detail.push(format!("{packets} packets of it; {dst} announced {}.", formats(&receiver.formats)));
    f.ruled_out.push("No description of the call, early or late, lists it for that address.".to_owned());
    let position =
        c.firsts().find(|(_, f)| c.sdp(f).is_some_and(|sdp| sdp.media.iter().any(|m| m.endpoint == Some(dst))));
    if let Some((at, _)) = position {
        f.quote(at, Part::BodyLine(b"m=audio".to_vec()), "what its receiver announced");
    }
    f.positions.extend(position.map(|(p, _)| p));
    f.stream = Some(stream.id);
    findings.push(f);
}

/// A payload type of a stream that its receiver never listed, how many packets had it, and what the receiver listed.
fn unexpected<'a>(case: &Case<'a>, stream: &MediaStream) -> Option<(u8, u64, &'a MediaFacts)> {
    let c: &Conversation = case.conversation;
    let listed = || c.sdps.iter().flat_map(|sdp| &sdp.media).filter(|m| m.endpoint == Some(stream.flow.dst));
    let receiver = listed().next()?;
    if !is_voice(stream) || listed().any(|m| m.formats_beyond > 0) {
        return None;
    }
    stream.receiver.payload_types().iter().find_map(|t| {
        // Comfort noise is sent unasked by many, and taken by all; events are told elsewhere.
        let is_content = stream.receiver.content(t.number) == Content::Audio && !matches!(t.number, 13 | 19);
        let is_listed = || listed().any(|m| m.format(t.number).is_some());
        (is_content && t.packets >= PACKETS && !is_listed()).then_some((t.number, t.packets, receiver))
    })
}
