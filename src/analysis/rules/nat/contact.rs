//! `nat-contact`: a Contact with an address that its sender does not have to those it talks to.
//!
//! Only the sender's own hop shows it: a request with a single Via. Where requests reach the sender all the same, the other side made up for it.

use super::{contact_ip, is_private, sent_by_ip, source_ip};
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::{Endpoint, Safe};
use crate::sip::{HeaderName, Method};
use crate::trace::{Conversation, Facts, Kind};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "nat-contact",
    severity: Severity::Warning,
    meaning: "The Contact says where its sender wants further requests, and names an address that others cannot reach: the sender is behind a \
              NAT and does not know its outer address. Calls to it, and the BYE or re-INVITE of its peer, go nowhere.",
    noticed: "A phone can call and cannot be called; calls break off or cannot be ended from the far side after some time.",
    causes: &[
        "A phone behind a home or office router, without STUN, an outbound proxy or a setting for its outer address.",
        "A PBX in a cloud or behind a firewall whose outer address is not configured, or is outdated.",
        "A host with several addresses names the wrong one.",
    ],
    confirm: "Compare the address in Contact with the source of the packet, and with `received` and `rport` in the Via of the response.",
    fix: "Let the server use the source address instead of the Contact, or tell the sender its outer address.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf endpoint: rewrite_contact=yes, force_rport=yes, rtp_symmetric=yes; transport: external_signaling_address, local_net",
        ),
        (
            Product::FreeSwitch,
            "sofia profile: apply-nat-acl, aggressive-nat-detection, NDLB-received-in-nat-reg-contact; ext-sip-ip for its own",
        ),
        (
            Product::Kamailio,
            "nathelper: nat_uac_test(\"19\"), fix_nated_contact() or add_contact_alias() with handle_ruri_alias(), fix_nated_register()",
        ),
        (
            Product::OpenSips,
            "nathelper: nat_uac_test(\"private-contact,diff-ip-src-via\"), fix_nated_contact(), fix_nated_register()",
        ),
    ],
    rule: "RFC 3261 §8.1.1.8, RFC 5626 §1",
}];

/// Messages that are looked at: a sender says its Contact early.
const LOOKED_AT: usize = 24;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind == Kind::Exchange {
        return;
    }
    let mut at_home = None;
    let found = c.firsts().take(LOOKED_AT).find_map(|(position, f)| Some((position, f, mismatch(c, f, &mut at_home)?)));
    if let Some((position, f, named)) = found {
        findings.push(finding(case, position, f, named));
    }
}

/// The address that a request of a first hop names, where its sender is elsewhere. `at_home` is a Contact that names the address it came from.
fn mismatch<'a>(c: &'a Conversation, f: &Facts, at_home: &mut Option<(&'a [u8], IpAddr)>) -> Option<IpAddr> {
    let names_itself = matches!(f.method, Method::Invite | Method::Register | Method::Subscribe);
    if !f.is_request() || f.vias != 1 || f.head_cut || !names_itself {
        return None;
    }
    let source = source_ip(f);
    let contact = c.header(f, HeaderName::Contact)?;
    if *at_home == Some((contact, source)) {
        return None;
    }
    let named = contact_ip(c, f)?;
    if named == source {
        *at_home = Some((contact, source));
    }
    if named == source || named.is_unspecified() || named.is_ipv4() != source.is_ipv4() || source.is_loopback() {
        return None;
    }
    // Its Via tells that the sender believes in that address: then it is no forwarder's Contact of somebody else.
    let is_own = sent_by_ip(c, f) == Some(named);
    // A capture on the inside of the NAT sees the private source, and what the sender learned of the outside.
    let is_inside = is_private(source) && !is_private(named);
    // Between two public IPv6 addresses there is no translation: a host may have many.
    let is_foreign = is_own && !is_inside && (is_private(named) || named.is_ipv4());
    ((is_private(named) && !is_private(source)) || is_foreign).then_some(named)
}

fn finding(case: &Case<'_>, position: u32, f: &Facts, named: IpAddr) -> Finding {
    let c = case.conversation;
    let source = f.flow.src;
    let what = if is_private(named) { "a private address" } else { "another address" };
    let mut finding =
        ENTRIES[0].finding(format!("{source} names {named} in its Contact, {what} that is not where it is"));
    finding.confidence = if is_private(named) { Confidence::Certain } else { Confidence::Likely };
    let contact = c.header(f, HeaderName::Contact).unwrap_or_default();
    let shown = contact.get(..120).unwrap_or(contact);
    finding.detail.push(format!(
        "The {} says `Contact: {}` and comes from {source}.",
        words::message(c, f),
        Safe(shown)
    ));
    if sent_by_ip(c, f) == Some(named) {
        finding.detail.push(format!("Its Via says {named}, too: the sender does not know its outer address."));
    }
    finding.quote(position, Part::text_in(HeaderName::Contact, shown), format!("comes from {source}"));
    finding.positions.push(position);
    match made_up_for(c, source, position) {
        Some((_, MadeUp::Learned)) => {
            finding.detail.push("It learned its outer address from the response, and names that one later.".to_owned());
        }
        Some((later, _)) => {
            finding.severity = Severity::Info;
            finding.detail.push(format!(
                "Requests of the other side reached {source} all the same: it goes by the source, not by the Contact."
            ));
            finding.positions.push(later);
        }
        None if f.method == Method::Register => {
            let registrar = f.flow.dst;
            finding
                .detail
                .push(format!("Calls to it arrive only if {registrar} keeps the source address beside the Contact."));
        }
        None => finding.detail.push("Requests inside the dialog that go by this Contact will not arrive.".to_owned()),
    }
    finding
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MadeUp {
    /// The sender says its outer address in a later request.
    Learned,
    /// A request came to where it really is.
    Reached,
}

/// What made the wrong Contact harmless, if anything did.
fn made_up_for(c: &Conversation, source: Endpoint, position: u32) -> Option<(u32, MadeUp)> {
    let later = || c.firsts().filter(|(p, f)| *p > position && f.is_request());
    let learned = |f: &Facts| f.flow.src == source && contact_ip(c, f) == Some(source_ip(f));
    let reached = |f: &Facts| f.flow.dst == source && !matches!(f.method, Method::Ack) && !f.to_tag.is_empty();
    let answered = |f: &Facts| c.transaction(f).is_some_and(|t| t.final_status != 0);
    let reached = later().find(|(_, f)| reached(f) && answered(f)).map(|(p, _)| (p, MadeUp::Reached));
    reached.or_else(|| later().find(|(_, f)| learned(f)).map(|(p, _)| (p, MadeUp::Learned)))
}
