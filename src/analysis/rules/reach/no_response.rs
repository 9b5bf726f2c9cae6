//! `no-response`: a request never got any response.
//!
//! Decides by the transaction alone: requests other than ACK, not one response of any kind, and enough of the input after
//! the request for one to have come. Retransmissions of the request are part of this finding, not one of their own.

use crate::analysis::rules::{Entry, Product, Rule, is_explained};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::sip::{HeaderName, Method};
use crate::trace::{Conversation, Facts, Transaction, Transport};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "no-response",
    severity: Severity::Error,
    meaning: "A request was sent, and over UDP repeated, and nothing ever came back: not even a provisional response. After 64·T1 (32 s) the sender \
              gives up as if it had been answered 408.",
    noticed: "The caller hears nothing for up to half a minute and then an error tone; a phone that cannot register shows no service.",
    causes: &[
        "a firewall or a cloud security group drops the packets, on the way there or on the way back",
        "the address is wrong or stale: a binding of a phone that has moved, a DNS record of a server that is gone",
        "nothing listens there on that port and transport, and the host sends no ICMP error (or a firewall drops it)",
        "the program there is hung, or ignores what it does not know: a source that is not on its list, a malformed message",
        "its answers go to another address: Via without rport behind NAT, or a second network card",
    ],
    confirm: "Capture at the receiver (tcpdump -ni any host SENDER and port 5060). If the request arrives, look at the program there: ss -lnup, its \
              log; if answers leave, they are lost on the way back. If it does not arrive: sipctl ping TARGET from both ends, and the firewall between.",
    fix: "See whether the request arrives at that address (capture there), whether a program listens on that port and \
          transport (ss -lnp), and whether a firewall drops it on the way there or back.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf: type=transport bind=0.0.0.0:5060; type=aor qualify_frequency=30 finds dead contacts",
        ),
        (
            Product::FreeSwitch,
            "sofia profile: sip-ip, sip-port; gateway: <param name=\"ping\" value=\"30\"/>; sofia status shows what listens",
        ),
        (
            Product::Kamailio,
            "listen=udp:ADDRESS:5060; modparam(\"tm\", \"fr_timer\", 5000) and failure_route to try the next destination; dispatcher ds_ping_interval",
        ),
        (
            Product::OpenSips,
            "socket=udp:ADDRESS:5060; modparam(\"tm\", \"fr_timeout\", 5); dispatcher ds_ping_interval",
        ),
    ],
    rule: "RFC 3261 §17.1.1.2, §17.1.2.2",
}];

/// 64·T1: nobody waits for an answer any longer. RFC 3261 §17.1.1.2, §17.1.2.2
const WAIT_NS: i64 = 32_000_000_000;
/// Without a repeat, silence has to last for so long to mean something.
const SILENCE_NS: i64 = 5_000_000_000;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for t in &case.conversation.transactions {
        let explained = |findings: &[Finding]| t.request.is_some_and(|p| is_explained(findings, EXPLAIN, p));
        if t.method != Method::Ack && t.first_response.is_none() && !explained(findings) {
            findings.extend(finding(case, t));
        }
    }
}

/// Findings that say why nothing came back.
const EXPLAIN: &[&str] = &["icmp-unreachable", "fragment-lost", "loop"];

/// Whether a transaction without a response has waited long enough for that to mean something.
pub(super) fn is_silent(case: &Case<'_>, t: &Transaction) -> bool {
    let begun = t.request.and_then(|p| case.conversation.at(p)).map(|f| f.time);
    t.sends >= 3 || begun.is_some_and(|begun| case.now.since(begun) >= SILENCE_NS)
}

fn finding(case: &Case<'_>, t: &Transaction) -> Option<Finding> {
    let c = case.conversation;
    let position = t.request?;
    let request = c.at(position)?;
    let over = t.last_send.since(request.time);
    if !is_silent(case, t) {
        return None;
    }
    let method = words::method(c, request);
    let mut f = ENTRIES[0].finding(format!("{} did not answer the {method}", t.flow.dst));
    let silence = case.now.since(t.last_send);
    let astray = astray(c, t);
    let until = match silence {
        _ if astray.is_some() => "with its Via".to_owned(),
        // A file may be put together from captures of different days.
        n if n > WAIT_NS => "in the 32 s for which a client waits (64·T1)".to_owned(),
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
    if request.size > super::udp_too_large::MOST_BYTES && request.transport == Transport::Udp {
        f.detail.push(format!(
            "It has {} bytes: try a shorter one, since what is over 1300 bytes may need IP fragments on the way, and firewalls drop those.",
            request.size
        ));
    }
    // Seen from one place, silence can be that of a capture which sees one direction only.
    f.confidence = if hears(c, t) { Confidence::Certain } else { Confidence::Likely };
    let is_answered_there = |o: &&Transaction| o.first_response.is_some() && o.flow.dst == t.flow.dst;
    if let Some(answered) = c.transactions.iter().find(is_answered_there).filter(|_| astray.is_none()) {
        let other = answered.request.and_then(|p| c.at(p)).filter(|o| o.method != t.method);
        let other = other.map_or_else(|| "another request".to_owned(), |o| format!("the {}", words::method(c, o)));
        let sender = match answered.flow.src.same_ip(&t.flow.src) {
            true => "the same sender".to_owned(),
            false => answered.flow.src.to_string(),
        };
        f.ruled_out.push(format!("{} being down: it answered {other} of {sender}.", t.flow.dst));
    }
    f.ruled_out.push("A refusal by the network: no ICMP error came for it.".to_owned());
    let sent = if t.sends > 1 {
        format!("sent {}, never answered", words::times(t.sends))
    } else {
        "never answered".to_owned()
    };
    f.quote(position, Part::Name, sent);
    match astray {
        Some((at, answer)) => {
            f.quote(position, Part::first(HeaderName::Via), "the Via that was sent");
            f.quote(at, Part::first(HeaderName::Via), "the Via that came back");
            let (said, who) = (words::message(c, answer), answer.flow.src);
            f.title.push_str(&format!(": the {said} of {who} has the Via branch of another transaction"));
            f.detail.push(format!("By its CSeq the {said} may be meant for it, but an answer belongs to the request whose Via it brings back."));
            f.severity = if is_answered(c) { Severity::Warning } else { f.severity };
        }
        None => soften(c, t, &mut f),
    }
    let repeats = c.facts.iter().enumerate().filter(|(_, m)| m.repeats == Some(position)).map(|(i, _)| i as u32);
    f.positions = std::iter::once(position).chain(repeats).take(64).collect();
    Some(f)
}

/// A response with the CSeq of a request that came from where it was sent, and answers no request, since its Via is another. RFC 3261 §17.1.3
fn astray<'a>(c: &'a Conversation, t: &Transaction) -> Option<(u32, &'a Facts)> {
    let is_astray = |o: &&Transaction| {
        o.request.is_none()
            && o.method == t.method
            && o.cseq == t.cseq
            && o.flow.dst == t.flow.dst
            && c.text(o.branch) != c.text(t.branch)
    };
    let response = c.transactions.iter().find(is_astray)?.first_response;
    response.and_then(|p| Some((p, c.at(p)?))).filter(|(_, r)| !r.head_cut)
}

/// Whether anything that the silent host sent was captured: then its answer would have been.
fn hears(c: &Conversation, t: &Transaction) -> bool {
    t.sends > 1 || c.facts.iter().any(|f| f.flow.src.same_ip(&t.flow.dst))
}

/// One phone of several that does not answer is no failure of a call that another one took.
pub(super) fn soften(c: &Conversation, t: &Transaction, f: &mut Finding) {
    let is_initial = t.request.and_then(|p| c.at(p)).is_some_and(|r| r.asks(Method::Invite) && r.to_tag.is_empty());
    if is_initial && is_answered(c) {
        f.severity = f.severity.min(Severity::Warning);
        f.detail.push("The call was answered elsewhere all the same.".to_owned());
    }
}

/// Whether an INVITE of the conversation was answered with 2xx.
pub(super) fn is_answered(c: &Conversation) -> bool {
    c.transactions.iter().any(|t| t.method == Method::Invite && t.final_status / 100 == 2)
}
