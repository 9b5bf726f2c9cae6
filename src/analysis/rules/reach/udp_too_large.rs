//! `udp-too-large`: a request of more than 1300 bytes was sent over UDP.
//!
//! The bound is the standard's for a path whose MTU nobody knows: what is longer has to go over TCP. One finding a conversation, at the hop where the
//! request first grew past it; only worth knowing where all of them arrived at the first try.

use super::icmp_unreachable::in_words;
use crate::analysis::rules::{Entry, Product, Rule, is_explained};
use crate::analysis::{Case, Finding, Severity, words};
use crate::sip::Method;
use crate::trace::conversation::Unreachable;
use crate::trace::{Conversation, Facts, Transport};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "udp-too-large",
    severity: Severity::Warning,
    meaning: "A request over 1300 bytes went over UDP. It may need IP fragments on the way, and one lost or filtered fragment loses all of it. The \
              standard asks for TCP in this case.",
    noticed: "Nobody, as long as every router and firewall on the way lets fragments pass. Then, behind another network, calls fail and registrations work.",
    causes: &[
        "many codecs, ICE candidates, SRTP keys or video in the SDP",
        "credentials were added to an INVITE that was just short enough without them",
        "each proxy adds a Via and a Record-Route: the request grows on the way",
    ],
    confirm: "sipctl decode FILE --call N --messages headers shows what takes the room; sipctl ping --size 1500 TARGET shows whether long requests pass.",
    fix: "Let the sender use TCP (or TLS) for requests over 1300 bytes, or make them shorter: offer fewer codecs, use compact header names.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf, type=system: disable_tcp_switch=no lets it change to TCP; compact_headers=yes; type=endpoint allow=!all,ulaw,alaw",
        ),
        (
            Product::FreeSwitch,
            "profile: <param name=\"enable-compact-headers\" value=\"true\"/>; ;transport=tcp in the dial string or gateway proxy",
        ),
        (Product::Kamailio, "udp_mtu=1300, udp_mtu_try_proto=TCP"),
        (Product::OpenSips, "mc_compact() of the module compression; route over a tcp socket"),
    ],
    rule: "RFC 3261 §18.1.1",
}];

/// RFC 3261 §18.1.1
pub(super) const MOST_BYTES: u32 = 1300;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if case.seen().longest_udp_request <= MOST_BYTES {
        return;
    }
    let is_large = |f: &Facts| f.size > MOST_BYTES && f.is_request() && f.transport == Transport::Udp;
    let Some((position, first)) = c.firsts().find(|(_, f)| is_large(f)) else { return };
    if is_explained(findings, &["fragment-lost", "loop"], position) {
        return;
    }
    let name = words::message(c, first);
    let mut f = ENTRIES[0].finding(format!(
        "the {name} from {} to {} has {} bytes over UDP: more than {MOST_BYTES} belong on TCP",
        first.flow.src, first.flow.dst, first.size
    ));
    if first.fragmented {
        f.detail.push("It went in IP fragments: if one of them is lost, all of it is.".to_owned());
    }
    let all: Vec<(u32, &Facts)> = c.firsts().filter(|(_, f)| is_large(f)).take(16).collect();
    let largest = all.iter().map(|(_, f)| f.size).max().unwrap_or(first.size);
    if all.len() > 1 {
        f.detail.push(format!("{} requests of it are as long, the longest of {largest} bytes.", all.len()));
    }
    if let Some(before) = shorter_before(c, first) {
        f.detail.push(format!("It came to {} with {} bytes, and grew there.", before.flow.dst, before.size));
    }
    // A risk elsewhere, and shown to be none on this path.
    let is_told = |position| is_explained(findings, super::SILENCE, position);
    if all.iter().all(|(_, m)| arrived(c, m)) {
        f.severity = Severity::Info;
        f.detail.push("It was answered at once, so that it passes here; behind another network it may not.".to_owned());
    } else if all.iter().all(|(p, m)| arrived(c, m) || is_told(*p)) {
        f.severity = Severity::Info;
    }
    if let Some(u) = c.unreachable.iter().find(|u| is_too_big(u)) {
        f.severity = Severity::Error;
        f.detail.push(format!("{}.", in_words(u)));
    }
    f.positions = all.into_iter().map(|(p, _)| p).collect();
    findings.push(f);
}

/// Whether a request got through at the first try. Nothing answers an ACK to a 2xx.
fn arrived(c: &Conversation, f: &Facts) -> bool {
    c.transaction(f).is_some_and(|t| t.sends <= 1 && (t.first_response.is_some() || t.method == Method::Ack))
}

/// Packet too big, or fragmentation needed and forbidden. RFC 1191 §4, RFC 4443 §3.2
fn is_too_big(u: &Unreachable) -> bool {
    (u.v6, u.kind, u.code) == (false, 3, 4) || (u.v6, u.kind) == (true, 2)
}

/// The same request on the hop before, where it was short enough.
fn shorter_before<'a>(c: &'a Conversation, sent: &Facts) -> Option<&'a Facts> {
    const BACK: usize = 64;
    let same = |f: &&Facts| {
        f.asks(sent.method)
            && f.cseq == sent.cseq
            && f.flow.dst.same_ip(&sent.flow.src)
            && f.vias < sent.vias
            && f.size <= MOST_BYTES
            && c.text(f.from_tag) == c.text(sent.from_tag)
    };
    let before = c.firsts().map(|(_, f)| f).take_while(|f| f.index < sent.index);
    before.take(BACK).find(same)
}
