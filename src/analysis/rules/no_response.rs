//! `no-response`: a request never got any response.
//!
//! Decides by the transaction alone: requests other than ACK, not one response of any kind, and enough of the input after
//! the request for one to have come. Retransmissions of the request are part of this finding, not one of their own.

use super::{Entry, Rule};
use crate::analysis::{Case, Finding, Severity, words};
use crate::sip::Method;
use crate::trace::Transaction;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "no-response",
    severity: Severity::Error,
    meaning: "A request was sent, and repeated, and nothing ever came back: not even a provisional response.",
    rule: "RFC 3261 §17.1.1.2, §17.1.2.2",
    fix: "See whether the request arrives at that address (capture there), whether a program listens on that port and \
          transport (ss -lnp), and whether a firewall drops it on the way there or back.",
}];

/// Without a repeat, silence has to last for so long to mean something.
const SILENCE_NS: i64 = 5_000_000_000;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for t in &case.conversation.transactions {
        if t.method != Method::Ack && t.first_response.is_none() {
            findings.extend(finding(case, t));
        }
    }
}

fn finding(case: &Case<'_>, t: &Transaction) -> Option<Finding> {
    let c = case.conversation;
    let position = t.request?;
    let request = c.at(position)?;
    let over = t.last_send.since(request.time);
    if t.sends < 3 && case.now.since(request.time) < SILENCE_NS {
        return None;
    }
    let method = words::method(c, request);
    let mut f = ENTRIES[0].finding(format!("{} did not answer the {method}", t.flow.dst));
    let sent = match t.sends {
        0 | 1 => format!("The {method} was sent once and nothing came back"),
        n => format!("The {method} was sent {n} times over {} and nothing came back", words::duration(over)),
    };
    f.detail
        .push(format!("{sent} in the {} that were captured after it.", words::duration(case.now.since(request.time))));
    if let Some(u) = c.unreachable.iter().find(|u| u.to == t.flow.dst) {
        f.detail.push(format!(
            "{} said by ICMP that {} cannot be reached (type {}, code {}).",
            u.from.ip(),
            u.to,
            u.kind,
            u.code
        ));
    }
    let repeats = c.facts.iter().enumerate().filter(|(_, m)| m.repeats == Some(position)).map(|(i, _)| i as u32);
    f.positions = std::iter::once(position).chain(repeats).take(64).collect();
    Some(f)
}
