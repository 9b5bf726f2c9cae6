//! `nat-sdp`: media wanted at an address that the other side cannot reach.
//!
//! From a public source a private address is enough. Between private addresses, as in a laboratory or a company, it takes proof: media that goes there
//! and nothing that comes from there. Where media flows both ways with the source itself, the peer learned the address from the packets.

use super::{is_private, sent_by_ip, source_ip};
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::Endpoint;
use crate::media::facts::MediaFacts;
use crate::trace::{Conversation, Facts, Kind, MediaStream};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "nat-sdp",
    severity: Severity::Warning,
    meaning: "The session description asks for media at a private address, though its sender is reached from outside. Packets to that address \
              are lost on the way, unless the peer ignores it and sends back to where media comes from.",
    noticed: "One-way audio or none, from the first second on, for users behind a router; it works inside the office.",
    causes: &[
        "A phone or PBX behind a NAT without STUN, ICE or a setting for its outer address.",
        "The media relay was not engaged for this call, or for this direction.",
        "A PBX with several networks takes the address of the wrong one.",
    ],
    confirm: "Compare c= with the source of the message; see where RTP goes to, and whether anything comes from that address.",
    fix: "Let the sender announce its outer address, or let the server put a media relay in its place.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf transport: external_media_address, local_net; endpoint: rtp_symmetric=yes, direct_media=no, ice_support",
        ),
        (Product::FreeSwitch, "sofia profile: ext-rtp-ip (auto-nat or the address), apply-nat-acl"),
        (Product::Kamailio, "rtpengine_manage() where nat_uac_test(\"8\") holds; or nathelper fix_nated_sdp(\"2\")"),
        (
            Product::OpenSips,
            "rtpengine_manage() where nat_uac_test(\"private-sdp\") holds; or fix_nated_sdp(\"rewrite-media-ip\")",
        ),
    ],
    rule: "RFC 3264 §5.1, RFC 3235 §3",
}];

/// So few packets prove nothing.
const PACKETS: u64 = 25;

/// Messages among which the host of an address is looked for.
const LOOKED_AT: usize = 256;

/// What became of media for a private address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effect {
    /// It goes there, and nothing comes from there.
    Lost,
    /// It comes from there: no translation is in between.
    Reached,
    /// The peer sends to where media comes from.
    Learned,
    /// Somebody on the way put another address in its place.
    Replaced,
    /// No media was seen.
    Unknown,
}

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call || c.sdps.is_empty() {
        return;
    }
    // Public addresses throughout: nothing to see.
    if !c.sdps.iter().flat_map(|sdp| &sdp.media).any(|m| m.endpoint.is_some_and(|e| is_private(e.ip()))) {
        return;
    }
    let mut told: Vec<Finding> = Vec::new();
    let mut seen: Vec<Endpoint> = Vec::new();
    for (position, f) in c.firsts().filter(|(_, f)| f.sdp.is_some() && !f.cut) {
        let Some(endpoint) = elsewhere(c, f) else { continue };
        if seen.iter().any(|e| e.same_ip(&endpoint)) || seen.len() >= 8 {
            continue;
        }
        seen.push(endpoint);
        told.extend(finding(case, position, f, endpoint));
    }
    // One cause: the side on which it does most harm.
    findings.extend(told.into_iter().max_by_key(|f| f.severity));
}

/// The private address at which a message wants media, where its sender is elsewhere.
fn elsewhere(c: &Conversation, f: &Facts) -> Option<Endpoint> {
    let sdp = c.sdp(f)?;
    let is_wanted = |m: &&MediaFacts| m.port != 0 && !m.has_ice && m.protocol.is_rtp();
    let endpoint = sdp.media.iter().filter(is_wanted).find_map(|m| m.endpoint)?;
    if !is_private(endpoint.ip()) || endpoint.same_ip(&f.flow.src) || sdp.media.iter().any(|m| m.has_ice) {
        return None;
    }
    // A host that signals from that address under the eyes of the capture is there: a proxy only passed its words on.
    let signals = c.facts.iter().take(LOOKED_AT).any(|o| o.flow.src.same_ip(&endpoint));
    (!signals).then_some(endpoint)
}

fn finding(case: &Case<'_>, position: u32, f: &Facts, endpoint: Endpoint) -> Option<Finding> {
    let c = case.conversation;
    let (effect, stream) = effect(case, f, endpoint);
    let is_outside = !is_private(source_ip(f)) && !source_ip(f).is_loopback();
    // A client that names the same private address in its Via, and comes from another one, is behind a NAT as well.
    let is_translated = f.is_request() && f.vias == 1 && sent_by_ip(c, f) == Some(endpoint.ip().to_canonical());
    let is_stray = effect == Effect::Lost && !is_near(source_ip(f), endpoint.ip());
    if effect == Effect::Reached || !(is_outside || is_translated || is_stray) {
        return None;
    }
    let sender = f.flow.src;
    let mut finding = ENTRIES[0].finding(match effect {
        Effect::Lost => format!("{sender} wants media at {endpoint}, which cannot be reached: RTP sent there is lost"),
        _ => format!("{sender} wants media at {endpoint}, a private address"),
    });
    finding.confidence = if is_outside || is_translated { Confidence::Certain } else { Confidence::Likely };
    let family = if endpoint.is_v4() { "IP4" } else { "IP6" };
    finding.detail.push(format!(
        "The SDP of the {} says `c=IN {family} {}`, and the message comes from {sender}.",
        words::message(c, f),
        endpoint.ip()
    ));
    let line = format!("c=IN {family} {}", endpoint.ip());
    finding.quote(position, Part::BodyLine(line.into_bytes()), format!("the message comes from {sender}"));
    finding.positions.push(position);
    finding.stream = stream.map(|s| s.id);
    match (effect, stream) {
        (Effect::Lost, Some(s)) => lost(case, s, endpoint, &mut finding),
        (Effect::Learned, _) => {
            finding.severity = Severity::Info;
            finding.detail.push(
                "Its peer sends to where the media comes from instead (symmetric RTP), and media flows both ways."
                    .to_owned(),
            );
        }
        (Effect::Replaced, _) => {
            finding.severity = Severity::Info;
            finding
                .detail
                .push("On the next hop another address stands in its place: a media relay takes over.".to_owned());
        }
        _ => finding.detail.push("A peer that holds to it sends its media nowhere.".to_owned()),
    }
    Some(finding)
}

/// Whether two private addresses may well be of one network: a gateway often has its media on another address than its signalling.
fn is_near(a: IpAddr, b: IpAddr) -> bool {
    match (a.to_canonical(), b.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..2] == b.octets()[..2],
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..3] == b.segments()[..3],
        _ => false,
    }
}

/// Media goes to the address and is lost: who hears nothing, and what is seen of the other way.
fn lost(case: &Case<'_>, s: &MediaStream, endpoint: Endpoint, finding: &mut Finding) {
    finding.severity = Severity::Error;
    let deaf = if s.to_caller == Some(true) { "caller" } else { "callee" };
    finding.detail.push(format!(
        "{} packets go from {} to {endpoint}, and none come from there: the {deaf} hears nothing.",
        s.receiver.packets(),
        s.flow.src
    ));
    let back = case.streams.iter().find(|o| o.to_caller != s.to_caller && o.receiver.packets() >= PACKETS);
    match back {
        Some(back) => {
            let (src, dst) = (back.flow.src, back.flow.dst);
            finding.detail.push(format!("Its own media reaches {dst} from {src}: that is where it really is."));
        }
        None => finding.detail.push("Nothing comes back either: neither side hears the other.".to_owned()),
    }
    if s.unreachable > 0 {
        finding.detail.push(format!("{} ICMP errors answer packets to it.", s.unreachable));
    }
}

/// What became of the media for `endpoint`, and the stream that tells.
fn effect<'a>(case: &Case<'a>, f: &Facts, endpoint: Endpoint) -> (Effect, Option<&'a MediaStream>) {
    let many = |s: &&MediaStream| s.receiver.packets() >= PACKETS;
    let streams = || case.streams.iter().filter(many);
    let comes_from_there = streams().any(|s| s.flow.src.same_ip(&endpoint));
    let sent_there = streams().find(|s| s.flow.dst.same_ip(&endpoint));
    if comes_from_there {
        // It is reached there: the capture stands inside, or a gateway has its media on another board.
        return (Effect::Reached, None);
    }
    if let Some(stream) = sent_there {
        return (Effect::Lost, Some(stream));
    }
    let source = f.flow.src;
    if streams().any(|s| s.flow.src.same_ip(&source)) && streams().any(|s| s.flow.dst.same_ip(&source)) {
        return (Effect::Learned, None);
    }
    if is_replaced(case.conversation, f, endpoint) { (Effect::Replaced, None) } else { (Effect::Unknown, None) }
}

/// Whether the same offer or answer has another address on another hop.
fn is_replaced(c: &Conversation, f: &Facts, endpoint: Endpoint) -> bool {
    c.firsts().any(|(_, o)| {
        o.cseq == f.cseq
            && o.status == f.status
            && o.method == f.method
            && o.vias != f.vias
            && c.sdp(o).is_some_and(|sdp| sdp.media.iter().any(|m| m.endpoint.is_some_and(|e| !e.same_ip(&endpoint))))
    })
}
