//! `nat-via`: a Via that names another address than the packet came from, and does not ask for the answer there.

use super::{sent_by_ip, source_ip};
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::Safe;
use crate::sip::HeaderName;
use crate::trace::{Conversation, Facts, Transport};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "nat-via",
    severity: Severity::Info,
    meaning: "The Via of a request names another address than the one it came from, and has no `rport`. The response then goes to the address \
              that it came from, but to the port that the Via names: through a NAT, that port is mostly not open.",
    noticed: "Requests time out although the server answers each of them; it works on networks whose NAT keeps the port.",
    causes: &["An old or simple client behind a NAT, without RFC 3581.", "rport is switched off on the client."],
    confirm: "See on the server to which port the response goes, and from which port the request came.",
    fix: "Switch rport on at the client, or let the server answer to the source port without being asked.",
    settings: &[
        (Product::Asterisk, "pjsip.conf endpoint: force_rport=yes"),
        (Product::FreeSwitch, "sofia profile: NDLB-force-rport=true"),
        (Product::Kamailio, "force_rport() for requests that nat_uac_test(\"2\") recognises"),
        (Product::OpenSips, "force_rport() for requests that nat_uac_test(\"diff-ip-src-via\") recognises"),
    ],
    rule: "RFC 3581 §3, §4; RFC 3261 §18.2.2",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let candidates = c.transactions.iter().filter(|t| !t.asks_rport).filter_map(|t| t.request);
    let found = candidates.filter_map(|position| Some((position, c.at(position)?))).find(|(_, f)| is_elsewhere(c, f));
    let Some((position, f)) = found else { return };
    let via = c.transaction(f).map_or(&[] as &[u8], |t| c.text(t.sent_by));
    let mut finding =
        ENTRIES[0].finding(format!("{} names {} in its Via and does not ask for rport", f.flow.src, Safe(via)));
    finding.confidence = Confidence::Certain;
    finding.detail.push(format!(
        "The answer to the {} goes to {}, at the port of the Via; the request came from port {}.",
        words::message(c, f),
        f.flow.src.ip(),
        f.flow.src.port
    ));
    finding.quote(position, Part::text_in(HeaderName::Via, via), format!("comes from {}", f.flow.src));
    finding.positions.push(position);
    findings.push(finding);
}

fn is_elsewhere(c: &Conversation, f: &Facts) -> bool {
    let is_first_hop = f.vias == 1 && f.is_request() && f.transport == Transport::Udp && !f.head_cut;
    is_first_hop
        && sent_by_ip(c, f).is_some_and(|named| named != source_ip(f) && named.is_ipv4() == source_ip(f).is_ipv4())
}
