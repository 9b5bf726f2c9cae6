//! `fragment-lost`: an IP fragment of a SIP message is missing.
//!
//! Of a message that was captured whole, three things show that it did not arrive so: the receiver itself says that it waited in vain (ICMP), or only
//! what needs fragments stays unanswered while smaller requests to the same host pass. What is incomplete in the capture itself is judged by
//! [`crate::analysis::Watch`]: it says so only where the capture has later fragments at all, since one that was made with a port filter has none.

use super::connection::again;
use super::icmp_unreachable::in_words;
use super::no_response::{is_silent, soften};
use crate::analysis::incidents::Occurrences;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::Safe;
use crate::sip::Method;
use crate::trace::conversation::Unreachable;
use crate::trace::incident::Incomplete;
use crate::trace::{Conversation, Transaction, Transport};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

/// The only entry, for what is told of an incomplete datagram.
pub(super) static ENTRIES: [Entry; 1] = [Entry {
    code: "fragment-lost",
    severity: Severity::Error,
    meaning: "A SIP message was too long for one packet and was cut into IP fragments, and not all of them arrived: the receiver throws away the rest, \
              so that for SIP the message never existed.",
    noticed: "Small messages (OPTIONS, REGISTER) work, and the long ones do not: calls with many codecs, video, SRTP or credentials in the INVITE fail \
              while keep-alives say that all is well.",
    causes: &[
        "a firewall or router drops fragments, or all but the first (later ones have no ports, so that rules for ports do not match)",
        "a NAT or a cloud load balancer does not put fragments together",
        "a tunnel (VPN, GRE, PPPoE) on the way has a smaller MTU, and its fragments are lost",
    ],
    confirm: "Send a request of controlled size: sipctl ping --size 1200 TARGET is answered, --size 2000 is not. At the receiver capture without a port \
              filter: tcpdump -ni any 'udp port 5060 or (ip[6:2] & 0x1fff != 0)' shows which fragments arrive; netstat -s counts reassembly failures.",
    fix: "Use TCP or TLS for this peer. If it has to be UDP: let fragments pass on every firewall on the way, or make the messages smaller (fewer \
          codecs, compact header names).",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf: type=endpoint transport=TRANSPORT-TCP, allow=!all,alaw; type=system compact_headers=yes",
        ),
        (
            Product::FreeSwitch,
            "gateway: <param name=\"register-transport\" value=\"tcp\"/>, ;transport=tcp in the dial string; profile: enable-compact-headers",
        ),
        (Product::Kamailio, "udp_mtu=1300, udp_mtu_try_proto=TCP"),
        (
            Product::OpenSips,
            "$socket_out = \"tcp:ADDRESS:5060\" ($fs in older versions); mc_compact() of the module compression",
        ),
    ],
    rule: "RFC 3261 §18.1.1, RFC 791 §3.2, RFC 8900 §3",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let is_silent = |t: &&Transaction| t.first_response.is_none() && is_silent(case, t);
    if c.transactions.iter().all(|t| t.first_response.is_some()) {
        return;
    }
    findings.extend(c.transactions.iter().filter(is_silent).filter_map(|t| finding(c, t)).take(16));
}

/// Fragment reassembly time exceeded. RFC 792, RFC 4443 §3.3
fn is_reassembly(u: &Unreachable) -> bool {
    (u.v6, u.kind, u.code) == (false, 11, 1) || (u.v6, u.kind, u.code) == (true, 3, 1)
}

fn finding(c: &Conversation, t: &Transaction) -> Option<Finding> {
    let position = t.request?;
    let request = c.at(position).filter(|f| f.transport == Transport::Udp)?;
    let (dst, method) = (t.flow.dst, words::method(c, request));
    let told = c.unreachable.iter().find(|u| is_reassembly(u) && u.to == dst);
    let smaller = c.transactions.iter().find_map(|o| {
        let other = c.at(o.request?)?;
        (o.first_response.is_some() && o.flow.dst == dst && !other.fragmented).then_some(other)
    });
    if told.is_none() && (!request.fragmented || smaller.is_none()) {
        return None;
    }
    let mut f = ENTRIES[0].finding(format!(
        "the {method} of {} bytes did not reach {dst} whole: IP fragments of it were lost",
        request.size
    ));
    f.detail.push(format!("It was sent {} in fragments, and never answered.", words::times(t.sends.max(1))));
    if let Some(u) = told {
        f.detail.push(format!("{}.", in_words(u)));
        f.ruled_out.push(format!("{dst} being down or slow: it is its own system that reports the missing fragments."));
    }
    if let Some(other) = smaller {
        f.detail.push(format!(
            "The {} of {} bytes to the same host was answered.",
            words::method(c, other),
            other.size
        ));
        f.ruled_out.push(format!("A firewall that drops all SIP to {dst}: what needs no fragments passes."));
    }
    f.confidence = if told.is_some() { Confidence::Certain } else { Confidence::Likely };
    soften(c, t, &mut f);
    let again = c.facts.iter().zip(0u32..).filter(|(m, _)| m.repeats == Some(position)).map(|(_, p)| p);
    f.quote(position, Part::Name, format!("{} bytes, in fragments", request.size));
    f.positions = std::iter::once(position).chain(again).take(64).collect();
    Some(f)
}

/// A message that is in the capture only in part, and to which nothing answered.
pub(super) fn incomplete(r: &Occurrences, lost: &Incomplete) -> Finding {
    let (src, dst) = (r.first.flow.src, r.first.flow.dst);
    let name = match (lost.status, lost.method) {
        _ if !lost.has_head => "message".to_owned(),
        (0, Method::Other) => "request".to_owned(),
        (0, method) => method.text().to_owned(),
        (status, Method::Other) => status.to_string(),
        (status, method) => format!("{status} to the {}", method.text()),
    };
    let mut f =
        ENTRIES[0].finding(format!("the {name} from {src} to {dst} is incomplete: IP fragments of it are missing"));
    let whole = lost.of.map_or_else(String::new, |of| format!(" of {of}"));
    f.detail.push(format!(
        "{}{whole} bytes of the datagram that begins in frame {} were captured, and the rest never came.",
        lost.came, r.first.frame
    ));
    if !lost.call_id.is_empty() {
        f.detail.push(format!("Its Call-ID is {}.", Safe(&lost.call_id)));
    }
    again(r, "That happened", &mut f);
    f.confidence = Confidence::Likely;
    f.ruled_out.push(
        "A capture filter that keeps first fragments only: later fragments of other datagrams were captured."
            .to_owned(),
    );
    if lost.has_head {
        f.ruled_out
            .push("A capture that dropped the fragment, while the message arrived: nothing answered it.".to_owned());
    } else {
        // What it said, and whether it was answered, cannot be told.
        (f.severity, f.confidence) = (Severity::Warning, Confidence::Possible);
        f.detail.push("Its first fragment is the one that is missing; other messages between the two went in fragments, so that this was one.".to_owned());
    }
    f
}
