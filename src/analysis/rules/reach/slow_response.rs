//! `slow-response`: the first answer took longer than a program that is well needs.
//!
//! The final response to a request other than INVITE after 500 ms (T1: over UDP the request is repeated then), or any response to an INVITE after
//! 1 s. Over UDP the repeats that follow are told as `retransmission` with the same verdict; this is what is left where nothing was repeated.
//! Only the hop nearest to the one who was slow is named, and none where that one never answered: then `no-response` says so.

use super::hops::{is_passed_on, silence_behind};
use crate::analysis::rules::{Entry, Product, Rule, is_explained};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::Endpoint;
use crate::sip::Method;
use crate::trace::{Conversation, Facts, Transaction};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "slow-response",
    severity: Severity::Warning,
    meaning: "A server took longer than 500 ms for the final response to a request other than INVITE, or longer than 1 s for the first response of any \
              kind to an INVITE. A server that needs time for an INVITE sends 100 Trying at once.",
    noticed: "Callers wait for the ringing tone; over UDP each second of waiting brings more repeats of the same request.",
    causes: &[
        "the server waits for something before it answers: a database, DNS, an HTTP request, a licence server",
        "it is overloaded, or its worker processes are all busy",
        "a host behind it is slow or dead, and it only answers when that has timed out",
        "the way is long: a satellite link, a mobile phone that has to be woken",
    ],
    confirm: "sipctl ping -c 20 TARGET shows whether OPTIONS is slow as well (then it is the path or the load) or only this method (then it is what \
              the server does for it). Compare the times at the server's own interface: what waits there is not the network.",
    fix: "Find what the server waits for (its log with times, its DNS lookups, its database), and let it send 100 Trying before that.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf: threadpool_max_size of type=system (20.17, 22.7 and later: taskpool_max_size); look for blocking AGI, func_odbc or DNS in the dialplan",
        ),
        (Product::FreeSwitch, "mod_xml_curl and dialplan lookups block the answer: shorten their timeouts"),
        (
            Product::Kamailio,
            "children=; latency_limit_action=500 logs the actions that take longer (ms); modparam(\"tm\", \"auto_inv_100\", 1)",
        ),
        (Product::OpenSips, "udp_workers=; exec_msg_threshold=; modparam(\"tm\", \"auto_100trying\", 1)"),
    ],
    rule: "RFC 3261 §8.2.6.1, §17.2.1",
}];

/// T1. RFC 3261 §17.1.1.1
const LATE_NS: i64 = 500_000_000;
/// For an INVITE.
const INVITE_LATE_NS: i64 = 1_000_000_000;
/// Transactions that are looked at.
const LOOKED_AT: usize = 512;

/// An answer that came late.
struct Slow<'a> {
    request: (u32, &'a Facts),
    response: (u32, &'a Facts),
    took: i64,
    /// How often the request was sent.
    sends: u32,
}

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let slow: Vec<Slow<'_>> = c.transactions.iter().take(LOOKED_AT).filter_map(|t| slow(c, t)).collect();
    if slow.is_empty() {
        return;
    }
    let nearest = |s: &&Slow<'_>| !slow.iter().any(|o| is_behind(c, o, s));
    let mut servers: Vec<Endpoint> = Vec::new();
    for s in slow.iter().filter(nearest) {
        let server = s.request.1.flow.dst;
        let explained = is_explained(findings, &["retransmission", "timer-violation", "loop"], s.request.0);
        if explained || servers.contains(&server) {
            continue;
        }
        servers.push(server);
        if let Some(silence) = silence_behind(c, s.request.1, s.response.1.time, findings) {
            let (name, took) = (words::message(c, s.request.1), words::duration(s.took));
            silence.detail.push(format!("It explains, too, why {server} took {took} to answer the {name}."));
        } else {
            findings.push(finding(c, s, &slow));
        }
    }
}

fn slow<'a>(c: &'a Conversation, t: &Transaction) -> Option<Slow<'a>> {
    let is_invite = t.method == Method::Invite;
    let (from, to) = (t.request?, if is_invite { t.first_response? } else { t.final_response? });
    let (request, response) = (c.at(from)?, c.at(to)?);
    let took = response.time.since(request.time);
    let limit = if is_invite { INVITE_LATE_NS } else { LATE_NS };
    (took > limit).then_some(Slow { request: (from, request), response: (to, response), took, sends: t.sends })
}

/// Whether `o` is the request of `s` on a hop behind, and as slow.
fn is_behind(c: &Conversation, o: &Slow<'_>, s: &Slow<'_>) -> bool {
    is_passed_on(c, o.request.1, s.request.1) && o.took.saturating_mul(2) > s.took
}

fn finding(c: &Conversation, s: &Slow<'_>, all: &[Slow<'_>]) -> Finding {
    let (request, response) = (s.request.1, s.response.1);
    let (server, name, took) = (request.flow.dst, words::message(c, request), words::duration(s.took));
    let mut f = ENTRIES[0].finding(format!("{server} took {took} to answer the {name}"));
    let said = words::message(c, response);
    let limit = if request.method == Method::Invite { "1 s, even where that is 100 Trying" } else { "500 ms" };
    f.detail
        .push(format!("The {said} came {took} after the {name} of {}; it is due within {limit}.", request.flow.src));
    let others: Vec<&Slow<'_>> =
        all.iter().filter(|o| o.request.1.flow.dst == server && o.request.0 != s.request.0).collect();
    if !others.is_empty() {
        f.detail.push(format!("{} more of its answers in this conversation were late.", others.len()));
    }
    f.confidence = Confidence::Likely;
    let quick = c.transactions.iter().filter(|t| t.flow.dst == server).filter_map(|t| {
        let (asked, answered) = (c.at(t.request?)?, c.at(t.first_response?)?);
        let took = answered.time.since(asked.time);
        (0..LATE_NS / 5).contains(&took).then_some(took)
    });
    if let Some(quick) = quick.min() {
        f.confidence = Confidence::Certain;
        f.ruled_out.push(format!("A long way to {server}: it answered another request in {}.", words::duration(quick)));
    }
    match s.sends {
        0 | 1 => f.ruled_out.push("Loss: nothing was sent twice.".to_owned()),
        n => f.detail.push(format!("The {name} was sent {} until then.", words::times(n))),
    }
    f.quote(s.request.0, Part::Name, "asked");
    f.quote(s.response.0, Part::Name, format!("{took} later"));
    f.positions = vec![s.request.0, s.response.0];
    f.positions.extend(others.iter().take(16).flat_map(|o| [o.request.0, o.response.0]));
    f
}
