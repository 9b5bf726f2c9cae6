//! `no-response`: a request never got any response.
//!
//! Decides by the transaction alone: requests other than ACK, not one response of any kind, and enough of the input after
//! the request for one to have come. Retransmissions of the request are part of this finding, not one of their own.

use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Finding, Severity, words};
use crate::sip::Method;
use crate::trace::conversation::Unreachable;
use crate::trace::{Conversation, Transaction};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "no-response",
    severity: Severity::Error,
    meaning: "A request was sent, and repeated, and nothing ever came back: not even a provisional response.",
    rule: "RFC 3261 §17.1.1.2, §17.1.2.2",
    fix: "See whether the request arrives at that address (capture there), whether a program listens on that port and \
          transport (ss -lnp), and whether a firewall drops it on the way there or back.",
    ..Entry::BLANK
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
    let end = c.unreachable.iter().map(|u| u.time).max().map_or(case.now, |at| at.max(case.now));
    let silence = end.since(t.last_send);
    let until = match silence {
        n if n >= SILENCE_NS => format!("in the {} that were captured after it", words::duration(n)),
        _ => "before the capture ends".to_owned(),
    };
    f.detail.push(match t.sends {
        0 | 1 => format!("The {method} was sent once and nothing came back {until}."),
        n => format!(
            "The {method} was sent {} over {} and nothing came back {until}.",
            words::times(n),
            words::duration(over)
        ),
    });
    // One phone of several that does not answer is no failure of a call that another one took.
    if request.asks(Method::Invite) && request.to_tag.is_empty() && is_answered(c) {
        f.severity = Severity::Warning;
        f.detail.push("The call was answered elsewhere all the same.".to_owned());
    }
    if let Some(u) = c.unreachable.iter().find(|u| u.to == t.flow.dst) {
        f.detail.push(format!("{}.", unreachable(u)));
    }
    let repeats = c.facts.iter().enumerate().filter(|(_, m)| m.repeats == Some(position)).map(|(i, _)| i as u32);
    f.positions = std::iter::once(position).chain(repeats).take(64).collect();
    Some(f)
}

fn is_answered(c: &Conversation) -> bool {
    c.transactions.iter().any(|t| t.method == Method::Invite && t.final_status / 100 == 2)
}

/// What an ICMP error says, in words. RFC 792, RFC 4443 §3
fn unreachable(u: &Unreachable) -> String {
    let (from, to) = (u.from.ip(), u.to);
    match (u.v6, u.kind, u.code) {
        (false, 3, 3) | (true, 1, 4) => {
            format!("ICMP from {from} says port unreachable: the host is there, and nothing listens on {to}")
        }
        (false, 3, 4) | (true, 2, _) => {
            format!("ICMP from {from} says packet too big: the request has to be fragmented and may not be")
        }
        (false, 11, 1) | (true, 3, 1) => format!(
            "ICMP from {from} says fragment reassembly time exceeded: it got some IP fragments of the request and waited for the rest in vain; \
             something on the way drops fragments"
        ),
        (false, 11, _) | (true, 3, _) => {
            format!("ICMP from {from} says time to live exceeded: a routing loop on the way to {to}")
        }
        (false, 3, 9 | 10 | 13) | (true, 1, 1) => {
            format!("ICMP from {from} says administratively prohibited: a firewall there refuses packets to {to}")
        }
        (false, 3, 0) | (true, 1, 0) => format!("ICMP from {from} says network unreachable: it has no route to {to}"),
        (false, 3, 1) | (true, 1, 3) => format!("ICMP from {from} says host unreachable: nobody answers under {to}"),
        _ => format!("ICMP from {from} says that {to} cannot be reached (type {}, code {})", u.kind, u.code),
    }
}
