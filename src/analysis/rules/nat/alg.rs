//! `alg-suspected`: a message that says one thing at one point of capture and another behind it, though no proxy stands between.
//!
//! A proxy adds its Via, and a B2BUA makes a message of its own. What changes addresses in a message and leaves everything else as it was is a router
//! with an application level gateway.

use super::contact_ip;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::Endpoint;
use crate::sip::HeaderName;
use crate::trace::{Conversation, Facts};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "alg-suspected",
    severity: Severity::Warning,
    meaning: "An address in a header field or in the session description changed on the way, and no proxy put its Via on the message: a router \
              or firewall with a SIP application level gateway (ALG) rewrites messages as they pass.",
    noticed: "Faults that come and go: one-way audio, calls that drop after a while, registrations that are lost, only behind one kind of router.",
    causes: &[
        "\"SIP ALG\", \"SIP helper\", \"SIP inspection\" or \"SIP fixup\" is switched on in the router.",
        "A session border function in the access network, without signalling of its own.",
    ],
    confirm: "Capture on both sides of the router and compare the message line by line; or send it over TLS, which an ALG cannot read.",
    fix: "Switch the ALG off and let the server handle NAT, or move to TLS or another port.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf transport: protocol=tls; endpoint: rewrite_contact=yes, rtp_symmetric=yes instead of the ALG",
        ),
        (Product::FreeSwitch, "sofia profile: tls=true; apply-nat-acl, aggressive-nat-detection instead of the ALG"),
        (Product::Kamailio, "listen on a port other than 5060, or tls; nathelper instead of the ALG"),
        (Product::OpenSips, "listen on a port other than 5060, or tls; nathelper instead of the ALG"),
    ],
    rule: "RFC 3261 §16.6, RFC 3424 §1",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if !case.seen().copied {
        return;
    }
    let mut sights = c.facts.iter().zip(0u32..).filter(|(f, _)| f.copy && !f.cut);
    let found = sights.find_map(|(later, position)| {
        let at = later.repeats?;
        let earlier = c.at(at).filter(|earlier| !earlier.cut && earlier.vias == later.vias)?;
        // Both ends of the hop are the same in a copy: then nothing could have been changed in between.
        if earlier.flow == later.flow {
            return None;
        }
        Some((at, position, earlier, later, change(c, earlier, later)?))
    });
    let Some((at, position, earlier, later, (place, was, is))) = found else { return };
    let (said, place) = (words::message(c, later), place.to_owned());
    let mut f = ENTRIES[0].finding(format!(
        "the {place} of the {said} was rewritten from {was} to {is} on the way, and no proxy signed for it"
    ));
    f.confidence = Confidence::Certain;
    f.detail.push(format!(
        "It was seen on its way from {} to {} with {was}, and from {} to {} with {is}; branch and number of Vias are the same.",
        earlier.flow.src, earlier.flow.dst, later.flow.src, later.flow.dst
    ));
    f.ruled_out.push("A proxy would have added a Via; a B2BUA would have used another branch and Call-ID.".to_owned());
    for (at, label) in [(at, "before"), (position, "behind")] {
        let part = if place == "Contact" { Part::first(HeaderName::Contact) } else { Part::BodyLine(b"c=".to_vec()) };
        f.quote(at, part, label);
    }
    f.positions = vec![at, position];
    findings.push(f);
}

/// What changed between two sights of one message: where, from what, to what.
fn change(c: &Conversation, earlier: &Facts, later: &Facts) -> Option<(&'static str, String, String)> {
    if let (Some(was), Some(is)) = (contact_ip(c, earlier), contact_ip(c, later))
        && was != is
    {
        return Some(("Contact", was.to_string(), is.to_string()));
    }
    let media = |f: &Facts| -> Option<Endpoint> { c.sdp(f)?.media.iter().find_map(|m| m.endpoint) };
    let (was, is) = (media(earlier)?, media(later)?);
    (was != is).then(|| ("session description", was.to_string(), is.to_string()))
}
