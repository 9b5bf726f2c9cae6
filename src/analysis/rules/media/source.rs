//! `media-source-mismatch`: RTP that comes from a host that no description of the call names.
//!
//! Another port of an announced host is usual (RFC 4961 only recommends the same), and with ICE the addresses differ by design.

use super::is_voice;
use crate::analysis::rules::nat::is_private;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity};
use crate::base::Endpoint;
use crate::trace::{Conversation, MediaStream};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "media-source-mismatch",
    severity: Severity::Warning,
    meaning: "RTP arrives from an address that the SDP of its sender does not name. A receiver that checks the source drops it; one that sends \
              back to the SDP's address sends elsewhere than its peer is.",
    noticed: "One-way audio, or none, with some peers and not with others; it works where the receiver learns the address from the packets.",
    causes: &[
        "The sender is behind a NAT, and its SDP has the address of the inside.",
        "The sender has several addresses, and sends by another one than it announces.",
        "A media relay sends from another interface than the one in the SDP.",
        "Somebody else sends to the port: packets of an earlier call, or injected ones.",
    ],
    confirm: "Compare c= and m= of the sender's SDP with the source of its packets; look at the sender's routing table where it has several \
              addresses.",
    fix: "Announce the address that media is sent from, or let the receiver learn it from the packets (symmetric RTP, RFC 4961).",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf endpoint: rtp_symmetric=yes, media_address, bind_rtp_to_media_address=yes; rtp.conf: strictrtp",
        ),
        (Product::FreeSwitch, "sofia profile: rtp-ip, ext-rtp-ip; disable-rtp-auto-adjust=false"),
        (Product::Kamailio, "rtpengine_manage() without the flag asymmetric; nathelper fix_nated_sdp(\"2\")"),
        (
            Product::OpenSips,
            "rtpengine_manage() without the flag asymmetric; nathelper fix_nated_sdp(\"rewrite-media-ip\")",
        ),
    ],
    rule: "RFC 4961 §4, RFC 3264 §5.1",
}];

/// So few packets may be anything.
const PACKETS: u64 = 25;
/// Streams of one call that are told.
const MOST: usize = 2;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    if case.streams.is_empty() {
        return;
    }
    let mut told: Vec<Endpoint> = Vec::new();
    for stream in case.streams {
        if told.len() >= MOST {
            break;
        }
        if told.iter().any(|e| e.same_ip(&stream.flow.src)) || !is_elsewhere(case, stream) {
            continue;
        }
        told.push(stream.flow.src);
        findings.extend(finding(case, stream));
    }
}

/// Whether a stream goes where the call wants it, and comes from where nobody said.
pub fn is_elsewhere(case: &Case<'_>, stream: &MediaStream) -> bool {
    let c = case.conversation;
    let media = || c.sdps.iter().flat_map(|sdp| &sdp.media);
    let is_announced = media().any(|m| m.endpoint == Some(stream.flow.dst));
    // Seen on the inside of its NAT, a host that knows its outer address announces that one.
    let is_inside = || {
        is_private(stream.flow.src.ip())
            && !media().filter_map(|m| m.endpoint).any(|e| is_private(e.ip()) && !e.same_ip(&stream.flow.dst))
    };
    is_announced
        && !stream.flow.dst.ip().is_multicast()
        && !is_inside()
        && stream.receiver.packets() >= PACKETS
        && !case.negotiations().is_empty()
        && !media().any(|m| m.has_ice || m.host.is_some())
        && !media().any(|m| m.endpoint.is_some_and(|e| e.same_ip(&stream.flow.src)))
        && is_voice(stream)
}

/// Where the sender of a stream said that it would be, with the position of that message: in the description that was exchanged for the one that
/// names the receiver.
fn announced_by_sender(c: &Conversation, case: &Case<'_>, stream: &MediaStream) -> Option<(u32, Endpoint)> {
    let names = |position: u32| {
        let media = c.at(position).and_then(|f| c.sdp(f)).map(|sdp| &sdp.media);
        media.is_some_and(|media| media.iter().any(|m| m.endpoint == Some(stream.flow.dst)))
    };
    let first = |position: u32| Some((position, c.sdp(c.at(position)?)?.media.iter().find_map(|m| m.endpoint)?));
    // The last one counts: the sender may have moved.
    case.negotiations().iter().rev().find_map(|pair| match (names(pair.offer), names(pair.answer)) {
        (true, false) => first(pair.answer),
        (false, true) => first(pair.offer),
        _ => None,
    })
}

fn finding(case: &Case<'_>, stream: &MediaStream) -> Option<Finding> {
    let c = case.conversation;
    let (position, announced) = announced_by_sender(c, case, stream)?;
    let (src, dst) = (stream.flow.src, stream.flow.dst);
    let mut f =
        ENTRIES[0].finding(format!("RTP to {dst} comes from {src}, and the SDP of its sender says {announced}"));
    f.confidence = Confidence::Likely;
    f.detail.push(format!(
        "{} packets came from there; no description of the call names {}.",
        stream.receiver.packets(),
        src.ip()
    ));
    let answered = case.streams.iter().find(|s| s.to_caller != stream.to_caller && s.flow.dst.same_ip(&src));
    match answered {
        Some(back) => {
            // It works, and only because one side does more than it has to.
            f.severity = Severity::Info;
            f.detail.push(format!(
                "{} sends to {} all the same: it learned the address from the packets.",
                back.flow.src, back.flow.dst
            ));
        }
        None => {
            f.detail.push(format!("Nothing is sent to {}: whoever holds to the SDP sends to {announced}.", src.ip()))
        }
    }
    f.ruled_out.push("ICE would change the address by design; no description of this call uses it.".to_owned());
    f.quote(position, Part::BodyLine(b"c=".to_vec()), "what the sender said");
    f.positions.push(position);
    f.stream = Some(stream.id);
    Some(f)
}
