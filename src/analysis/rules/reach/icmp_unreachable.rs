//! `icmp-unreachable`: the network, or the host itself, says that a packet could not be delivered.
//!
//! Judges what answered SIP messages, and the RTP of an answered call. RTCP alone is no finding: healthy endpoints do not all listen for it. RTP that
//! comes in when a phone has hung up already is refused by every host, and so is what comes before it is ready: only what is refused while the
//! call is up counts.

use super::connection::again;
use super::no_response::soften;
use crate::analysis::incidents::Occurrences;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::Timestamp;
use crate::sip::Method;
use crate::trace::conversation::Unreachable;
use crate::trace::{Conversation, Facts, Kind, MediaStream, Transaction};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "icmp-unreachable",
    severity: Severity::Error,
    meaning: "An ICMP error came back for a packet: the port is closed, the host or network cannot be reached, or a firewall forbids it. Unlike silence \
              this is a definite answer, and its sender and code say where the packet ended.",
    noticed: "Calls or registrations fail at once where the sender listens to ICMP (as it should), and after 32 s where it does not. For RTP, one \
              side hears nothing.",
    causes: &[
        "port unreachable: the host is up and no program listens on that port: it was stopped, crashed, or listens on another address",
        "host or network unreachable: a stale address, a missing route, a machine that is switched off",
        "administratively prohibited: a firewall with a rule that rejects",
        "for RTP: the address or port in the SDP is not where the program listens, or it has closed its socket already",
    ],
    confirm: "On the host that the packet was for: ss -lnup | grep :PORT shows whether anything listens. For host or network unreachable: ip route \
              get ADDRESS on the router that sent the error. sipctl ping TARGET repeats the test.",
    fix: "Start the program that should listen there, or correct the address that sends traffic to it: DNS record, binding, gateway setting, SDP.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf: type=transport bind=; rtp.conf: rtpstart, rtpend; type=aor qualify_frequency removes dead contacts from use",
        ),
        (Product::FreeSwitch, "sofia profile: sip-ip, sip-port, rtp-ip, ext-rtp-ip; gateway: ping"),
        (Product::Kamailio, "listen=; dispatcher: ds_ping_interval and ds_probing_mode take dead destinations out"),
        (Product::OpenSips, "socket=; dispatcher: ds_ping_interval, ds_probing_mode"),
    ],
    rule: "RFC 3261 §18.4, RFC 792",
}];

/// What is refused so close to the begin or the end of a call is refused in every call.
const EDGE_NS: i64 = 1_000_000_000;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if !c.unreachable.is_empty() {
        signalling(c, findings);
    }
    if c.kind == Kind::Call && case.streams.iter().any(|s| s.unreachable > 1) {
        findings.extend(case.streams.iter().filter_map(|s| media(case, s)).take(4));
    }
}

/// Whether an error says that the packet was not delivered, and nothing about its size or its fragments.
pub(in crate::analysis) fn is_refusal(u: &Unreachable) -> bool {
    match u.v6 {
        false => matches!((u.kind, u.code), (3, code) if code != 4) || (u.kind, u.code) == (11, 0),
        true => u.kind == 1 || (u.kind, u.code) == (3, 0),
    }
}

fn signalling(c: &Conversation, findings: &mut Vec<Finding>) {
    for (at, u) in c.unreachable.iter().enumerate().filter(|(_, u)| is_refusal(u)) {
        let before = c.unreachable.get(..at).unwrap_or_default();
        if !before.iter().any(|o| is_refusal(o) && o.to == u.to && o.transaction == u.transaction) {
            findings.push(of_message(c, u));
        }
    }
}

fn of_message(c: &Conversation, u: &Unreachable) -> Finding {
    let t = u.transaction.and_then(|at| c.transactions.get(at as usize));
    let request = t.and_then(|t| t.request).and_then(|p| c.at(p));
    let refused = t.and_then(|t| response_before(c, t, u));
    let answer = refused.and_then(|p| c.at(p));
    let message = if u.of_response { answer } else { request };
    let name = message.map_or_else(|| "message".to_owned(), |m| words::message(c, m));
    let mut f = ENTRIES[0].finding(format!("the {name} to {} was refused by the network: {}", u.to, reason(u)));
    let told = c.unreachable.iter().filter(|o| o.to == u.to && o.transaction == u.transaction).count() as u32;
    let more = if told > 1 { format!(" It was said {}.", words::times(told)) } else { String::new() };
    f.detail.push(format!("{}.{more}", in_words(u)));
    let positions = match (u.of_response, t) {
        (false, Some(t)) => {
            weigh_request(c, t, &mut f);
            t.request.into_iter().flat_map(|p| repeats_from(c, p)).take(64).collect()
        }
        (true, Some(t)) => {
            weigh_response(t, refused, &mut f);
            refused.into_iter().collect()
        }
        (of_response, None) => {
            // Whoever asked did so elsewhere; what is looked at here is no worse for it.
            f.severity = if of_response { Severity::Info } else { f.severity };
            Vec::new()
        }
    };
    f.positions = positions;
    if let Some(&position) = f.positions.first() {
        f.quote(position, Part::Name, format!("did not reach {}", u.to));
    }
    f
}

/// The response that an error quotes: the latest of its transaction before it.
fn response_before(c: &Conversation, t: &Transaction, u: &Unreachable) -> Option<u32> {
    let first = t.final_response.or(t.first_response);
    let own = first.and_then(|p| c.at(p))?.transaction;
    let is_quoted = |f: &Facts| !f.is_request() && f.transaction == own && f.flow.dst == u.to && f.time <= u.time;
    let latest = c.firsts().rfind(|(_, f)| is_quoted(f));
    latest.map(|(p, _)| p).or(first)
}

/// A message and its repeats.
fn repeats_from(c: &Conversation, position: u32) -> impl Iterator<Item = u32> + '_ {
    let again = move |f: &Facts| f.repeats == Some(position);
    std::iter::once(position).chain(c.facts.iter().zip(0u32..).filter(move |(f, _)| again(f)).map(|(_, p)| p))
}

fn weigh_request(c: &Conversation, t: &Transaction, f: &mut Finding) {
    if t.first_response.is_some() {
        f.severity = Severity::Warning;
        f.detail.push("The request was answered all the same: the fault came and went.".to_owned());
    } else {
        f.ruled_out.push("A slow or silent program: the packet did not get to one.".to_owned());
        soften(c, t, f);
    }
}

/// Who has gone does not miss the answer to the request that ended it all.
fn weigh_response(t: &Transaction, refused: Option<u32>, f: &mut Finding) {
    // What comes beside the first final response is not waited for.
    let is_first = t.final_response.is_none() || refused == t.final_response;
    let is_missed = is_first && !matches!(t.method, Method::Bye | Method::Cancel);
    f.severity = if is_missed { Severity::Warning } else { Severity::Info };
    f.detail.push("It is a response that could not be delivered: who asked has closed its port, or sent from an address that is not its own.".to_owned());
}

fn media(case: &Case<'_>, s: &MediaStream) -> Option<Finding> {
    let c = case.conversation;
    let u = s.refused.as_ref()?;
    let answered = case.outcome().answered?;
    let last_packet = s.receiver.last();
    let end = case.outcome().bye.and_then(|p| c.at(p)).map_or(last_packet, |bye| bye.time.min(last_packet));
    let (first, last) = (u.time, s.refused_last);
    let later = |at: Timestamp, by: i64| Timestamp(at.0.saturating_add(by));
    let while_up = last > later(answered, EDGE_NS) && first < later(end, -EDGE_NS) && last.since(first) >= EDGE_NS / 2;
    if !while_up || s.unreachable < 2 {
        return None;
    }
    let mut f = ENTRIES[0].finding(format!("the RTP to {} was refused by the network: {}", s.flow.dst, reason(u)));
    f.detail.push(format!("{}.", in_words(u)));
    f.detail.push(format!(
        "{} sent {} packets there in {}; {} of them were answered so while the call was up.",
        s.flow.src,
        s.receiver.packets(),
        words::duration(last_packet.since(s.start)),
        s.unreachable
    ));
    f.confidence = Confidence::Certain;
    f.ruled_out.push("A phone that has hung up already: the first error came before the BYE.".to_owned());
    f.stream = Some(s.id);
    f.positions = case.outcome().answer.into_iter().collect();
    Some(f)
}

/// The code of an error in two or three words. RFC 792, RFC 1812 §5.2.7.1, RFC 4443 §3
fn reason(u: &Unreachable) -> &'static str {
    match (u.v6, u.kind, u.code) {
        (false, 3, 3) | (true, 1, 4) => "port unreachable",
        (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5) => "prohibited by a firewall",
        (false, 3, 0 | 6 | 11) | (true, 1, 0 | 6) => "network unreachable",
        (false, 3, 2) => "protocol unreachable",
        (false, 11, 0) | (true, 3, 0) => "hop limit exceeded",
        _ => "host unreachable",
    }
}

/// What an ICMP error says, in words. RFC 792, RFC 4443 §3
pub(super) fn in_words(u: &Unreachable) -> String {
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
        (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5) => {
            format!("ICMP from {from} says administratively prohibited: a firewall there refuses packets to {to}")
        }
        (false, 3, 0) | (true, 1, 0) => format!("ICMP from {from} says network unreachable: it has no route to {to}"),
        (false, 3, 1) | (true, 1, 3) => format!("ICMP from {from} says host unreachable: nobody answers under {to}"),
        _ => format!("ICMP from {from} says that {to} cannot be reached (type {}, code {})", u.kind, u.code),
    }
}

/// An error that quotes no message.
pub(super) fn beside(r: &Occurrences, u: &Unreachable) -> Finding {
    let (from, to) = (r.first.flow.src, r.first.flow.dst);
    let mut f = ENTRIES[0].finding(format!("what {from} sent to {to} was refused by the network: {}", reason(u)));
    f.detail.push(format!("{} (frame {}).", in_words(u), r.first.frame));
    again(r, "It was said", &mut f);
    f.confidence = Confidence::Likely;
    f
}
