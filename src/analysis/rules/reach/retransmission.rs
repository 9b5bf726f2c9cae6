//! `retransmission`: a request or a final response was sent again before its answer came.
//!
//! Which packet was lost, or whether none was and the other side is slow, is read from the timers of both sides: when the answer came after the last
//! repeat, whether it had been captured before that already, how often it was sent itself, and whether the next hop shows that the first one arrived.
//! Repeats that another finding explains (nobody answered, the timer is broken) are not reported here, and those of a 2xx whose ACK is missing are
//! folded under that.

use super::repeats::{self, Repeated};
use crate::analysis::rules::{Entry, Product, Rule, is_explained};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::Endpoint;
use crate::sip::Method;
use crate::trace::{Conversation, Facts};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "retransmission",
    severity: Severity::Warning,
    meaning: "A message was sent again because what it waits for did not come in time: the message was lost, its answer was lost, or the other side \
              is slow. Over UDP nobody but SIP itself repeats what is lost.",
    noticed: "Callers wait half a second to several seconds longer for ringing or for the first word; servers see more traffic than calls explain.",
    causes: &[
        "packet loss between the two hosts that are named: Wi-Fi, a full uplink, a policer",
        "the receiver is overloaded, or waits for a database or for DNS before it sends even 100 Trying",
        "answers are sent to another address or port than the request came from (NAT without rport), and are lost there",
        "a firewall or an ALG lets only one direction pass for the first seconds",
    ],
    confirm: "Capture at both ends of the hop that is named (tcpdump -ni any udp port 5060) and compare: a message that left and did not arrive was \
              lost there; one that arrived long before its answer left shows a slow program. sipctl ping -c 50 TARGET measures loss and reply times.",
    fix: "Where packets are lost: mend the path, or use TCP or TLS for the signalling. Where the receiver is slow: let it send 100 Trying at once, \
          and look at what it waits for.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf, type=endpoint: force_rport=yes sends answers back to where the request came from",
        ),
        (
            Product::FreeSwitch,
            "sofia profile: <param name=\"NDLB-force-rport\" value=\"safe\"/> for phones that do not ask for rport",
        ),
        (
            Product::Kamailio,
            "force_rport() for requests from behind NAT; t_newtran() (or t_relay()) early, so that 100 goes out at once",
        ),
        (Product::OpenSips, "force_rport(); modparam(\"tm\", \"auto_100trying\", 1)"),
    ],
    rule: "RFC 3261 §17.1.1.2, §17.1.2.2, §17.2.1",
}];

/// What follows a message within this time crossed it on the way, or answers it.
const CROSSING_NS: i64 = 100_000_000;
/// A server answers an INVITE at least with 100 within 200 ms. RFC 3261 §17.2.1
const PROMPT_NS: i64 = 200_000_000;
/// T2, less what clocks may be off by: the interval at which a request is repeated that was answered provisionally. RFC 3261 §17.1.2.2
const PROCEEDING_NS: i64 = 3_400_000_000;

/// What the timers say.
struct Verdict {
    /// Behind "was sent 3 times": the cause, with who it is about.
    cause: String,
    confidence: Confidence,
    detail: String,
    ruled_out: Vec<String>,
}

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if !case.seen().sent_again {
        return;
    }
    let all = repeats::of(c);
    for r in &all {
        let Some(first) = c.at(r.original).filter(|f| repeats::tells(f)) else { continue };
        let explained = is_explained(findings, super::SILENCE, r.original)
            || is_explained(findings, &["timer-violation"], r.original);
        if !explained && repeats::passed_on(c, &all, r).is_none() {
            findings.extend(finding(case, first, r, &all));
        }
    }
}

fn finding(case: &Case<'_>, first: &Facts, r: &Repeated, all: &[Repeated]) -> Option<Finding> {
    let c = case.conversation;
    let name = words::message(c, first);
    let times = words::times(r.repeats.len() as u32 + 1);
    let (verdict, until) = if first.is_request() {
        (of_request(c, first, r), "a response came".to_owned())
    } else {
        (of_response(c, first, r, origin(c, first, r, all)), "its ACK came".to_owned())
    };
    // Who misses an ACK to a 2xx altogether says so.
    if verdict.is_none() && first.is_success() {
        return None;
    }
    let what = if first.is_request() { name } else { format!("{name} to the {}", words::method(c, first)) };
    let mut f = ENTRIES[0].finding(match &verdict {
        Some(v) => format!("the {what} was sent {times} before {until}: {}", v.cause),
        None => format!("the {what} was sent {times}, and no answer to it was captured"),
    });
    f.confidence = Confidence::Possible;
    f.detail.push(spacing(c, first, r));
    if let Some(before) = repeats::passed_from(c, all, r) {
        let (from, by) = (before.flow.src, before.flow.dst);
        f.detail.push(format!("It is {from} that repeats it; {by} passed each one on, so none was lost before that."));
    }
    if let Some(missing) = repeats::missing(&repeats::by_timer(c, r).gaps(c)).filter(|&n| n > 0) {
        let were = if missing == 1 { "one more was".to_owned() } else { format!("{missing} more were") };
        f.detail.push(format!(
            "By these intervals {were} sent in between and did not come to the place of this capture: the loss is between {} and there.",
            first.flow.src
        ));
    }
    f.positions = r.positions();
    if let Some(&position) = f.positions.first() {
        f.quote(position, Part::Name, format!("sent {times}"));
    }
    if let Some(v) = verdict {
        f.confidence = v.confidence;
        f.detail.push(v.detail);
        f.ruled_out = v.ruled_out;
    }
    Some(f)
}

fn spacing(c: &Conversation, first: &Facts, r: &Repeated) -> String {
    const MOST: usize = 6;
    let gaps: Vec<String> = r.gaps(c).iter().take(MOST).map(|&gap| words::duration(gap)).collect();
    let apart = if r.repeats.len() > MOST { format!("{}, …", gaps.join(", ")) } else { words::list(&gaps) };
    format!("The repeats from {} to {} came {apart} apart.", first.flow.src, first.flow.dst)
}

/// Why a request was repeated.
fn of_request(c: &Conversation, first: &Facts, r: &Repeated) -> Option<Verdict> {
    let (src, dst) = (first.flow.src, first.flow.dst);
    let t = c.transaction(first)?;
    let response = c.at(t.first_response?)?;
    let answer = words::message(c, response);
    let last = r.all(c).last()?;
    let late = last.time.since(response.time);
    if late > CROSSING_NS {
        return Some(answered_before(c, first, r, response, late));
    }
    // The last one that the response can answer.
    let asked = r.all(c).filter(|f| f.time <= response.time).last()?;
    let after = response.time.since(asked.time);
    let whole = words::duration(response.time.since(first.time));
    if first.method != Method::Invite && t.final_sends > 1 && t.final_sends >= t.sends {
        return Some(Verdict {
            cause: format!("{dst} took {whole} to answer"),
            confidence: Confidence::Certain,
            detail: format!(
                "{dst} answered {}, once for each: all of them had arrived, and waited there.",
                words::times(t.final_sends)
            ),
            ruled_out: vec![format!("Loss on the way to {dst}: it answered every one.")],
        });
    }
    let second = r.repeats.first().and_then(|&p| c.at(p)).map_or(first.time, |f| f.time);
    let forwarded = repeats::next_hop(c, first).filter(|f| f.time >= first.time && f.time < second);
    if let Some(forwarded) = forwarded {
        let in_time = words::duration(forwarded.time.since(first.time));
        return Some(Verdict {
            cause: format!("{dst} had it and gave no answer for {whole}"),
            confidence: Confidence::Likely,
            detail: format!(
                "{dst} sent it on to {} after {in_time}, so the first one arrived. It owes a 100 Trying within 200 ms, or that was lost on the way back.",
                forwarded.flow.dst
            ),
            ruled_out: vec![format!("Loss on the way to {dst}: what it sent on shows that the first one arrived.")],
        });
    }
    let usual = usual_reply(c, first);
    let prompt = usual.map_or(PROMPT_NS, |ns| ns.saturating_mul(3).saturating_add(20_000_000).min(PROMPT_NS));
    let shown = words::duration(after);
    if after <= prompt {
        let lost = r.all(c).filter(|f| f.time < asked.time).count() as u32;
        let mut ruled_out = vec![format!(
            "A slow {dst}: its answer came {shown} after a repeat, and would have come at any other moment if it had been under way before."
        )];
        ruled_out.push(format!(
            "Lost answers fit only if {dst} answered {} before and none of it reached the place of this capture.",
            words::times(lost)
        ));
        return Some(Verdict {
            cause: format!("the first{} lost on the way to {dst}", number(lost)),
            confidence: Confidence::Likely,
            detail: format!(
                "The {answer} came {shown} after the last one: {dst} answers at once what reaches it, so the ones before did not."
            ),
            ruled_out,
        });
    }
    let usually = usual.map(|ns| format!(" (others took {})", words::duration(ns))).unwrap_or_default();
    Some(Verdict {
        cause: format!("{dst} took {whole} to answer"),
        confidence: Confidence::Likely,
        detail: format!(
            "The {answer} came {shown} after the last one, and no answer followed any of the others at once: {dst} is slow{usually}."
        ),
        ruled_out: vec![format!(
            "Loss between {src} and {dst}: the repeat that arrived would have been answered at once, and not after {shown}."
        )],
    })
}

/// The response was captured, and the request came again all the same.
fn answered_before(c: &Conversation, first: &Facts, r: &Repeated, response: &Facts, late: i64) -> Verdict {
    let (src, dst) = (first.flow.src, first.flow.dst);
    let (answer, late) = (words::message(c, response), words::duration(late));
    let gap = r.gaps(c).last().copied().unwrap_or_default();
    if response.is_provisional() && first.method != Method::Invite && gap >= PROCEEDING_NS {
        return Verdict {
            cause: format!("{dst} answered {} and took its time", response.status),
            confidence: Confidence::Certain,
            detail: format!(
                "After a provisional response the request is still repeated every 4 s (Timer E): {src} waits for the final one."
            ),
            ruled_out: vec!["Loss: the repeats follow Timer E in the state Proceeding.".to_owned()],
        };
    }
    let quick = words::duration(response.time.since(first.time));
    if response.flow.src != dst && response.flow.dst == src {
        let from = response.flow.src;
        return Verdict {
            cause: format!("the answer came from {from}, and {src} did not take it"),
            confidence: Confidence::Likely,
            detail: format!(
                "The {answer} had been captured {late} before the last repeat. It left from {from} and not from {dst}: a firewall, a NAT or the client \
                 itself lets only answers of {dst} pass. RFC 3581 §4 wants it sent from the address that the request came to."
            ),
            ruled_out: vec![format!("A lost {}: it was answered.", words::method(c, first))],
        };
    }
    Verdict {
        cause: format!("the answer of {dst} was lost on the way to {src}"),
        confidence: Confidence::Likely,
        detail: format!(
            "The {answer} had been captured {late} before the last repeat: {src} did not get it, or did not take it for an answer."
        ),
        ruled_out: vec![
            format!("A lost {}: {dst} answered it.", words::method(c, first)),
            format!("A slow {dst}: its answer came {quick} after the first one."),
        ],
    }
}

/// Why a final response to an INVITE was repeated. RFC 3261 §13.3.1.4, §17.2.1
fn of_response(c: &Conversation, first: &Facts, r: &Repeated, origin: Endpoint) -> Option<Verdict> {
    let (src, dst) = (first.flow.src, first.flow.dst);
    let last = r.all(c).last()?;
    let is_ack = |f: &&Facts| f.asks(Method::Ack) && f.cseq == first.cseq && !f.copy && f.time >= first.time;
    let to_sender = c.facts.iter().filter(is_ack).find(|f| f.flow.dst.same_ip(&src));
    // Without Record-Route it goes past the proxies.
    let ack = to_sender.or_else(|| c.facts.iter().find(is_ack))?;
    // Proxies pass a 2xx and its ACK on: it is who made it that waits for the ACK.
    let to = if first.is_success() { origin } else { ack.flow.dst };
    let before = last.time.since(ack.time);
    if before > CROSSING_NS {
        let shown = words::duration(before);
        return Some(Verdict {
            cause: format!("the ACK was lost on the way to {to}"),
            confidence: Confidence::Likely,
            detail: format!(
                "The ACK had been captured {shown} before the last repeat: it did not reach {to}, which sends until it does."
            ),
            ruled_out: vec![
                format!("A lost {}: {dst} acknowledged it.", first.status),
                format!(
                    "A slow {dst}: its ACK came {} after the first one.",
                    words::duration(ack.time.since(first.time))
                ),
            ],
        });
    }
    let asked = r.all(c).filter(|f| f.time <= ack.time).last()?;
    let after = ack.time.since(asked.time);
    let (shown, whole) = (words::duration(after), words::duration(ack.time.since(first.time)));
    if after > PROMPT_NS {
        return Some(Verdict {
            cause: format!("{dst} took {whole} to send its ACK"),
            confidence: Confidence::Likely,
            detail: format!(
                "The ACK came {shown} after the last one: no repeat was acknowledged at once, so {dst} is slow."
            ),
            ruled_out: vec![format!(
                "Loss on the way to {dst}: the repeat that arrived would have been acknowledged at once."
            )],
        });
    }
    let lost = r.all(c).filter(|f| f.time < asked.time).count() as u32;
    Some(Verdict {
        cause: format!("the first{} lost on the way to {dst}", number(lost)),
        confidence: Confidence::Likely,
        detail: format!(
            "The ACK came {shown} after the last one: {dst} acknowledges at once what reaches it, so the responses before did not."
        ),
        ruled_out: vec![
            format!(
                "A slow {dst}: its ACK came {shown} after a repeat, and would have come at any other moment if it had been under way before."
            ),
            "A lost ACK: none was captured before the last repeat.".to_owned(),
        ],
    })
}

/// Who began to repeat a message that proxies only passed on.
fn origin(c: &Conversation, first: &Facts, r: &Repeated, all: &[Repeated]) -> Endpoint {
    const HOPS: usize = 8;
    let (mut at, mut sender) = (r, first.flow.src);
    for _ in 0..HOPS {
        let Some(before) = repeats::passed_from(c, all, at) else { break };
        sender = before.flow.src;
        let Some(known) = all.iter().find(|o| c.at(o.original).is_some_and(|f| f.index == before.index)) else { break };
        at = known;
    }
    sender
}

/// ` was` for one, ` 2 were` for more.
fn number(lost: u32) -> String {
    if lost == 1 { " was".to_owned() } else { format!(" {lost} were") }
}

/// How long the same host usually takes to a first response, by the other transactions of the conversation that needed no repeat.
fn usual_reply(c: &Conversation, first: &Facts) -> Option<i64> {
    const LOOKED_AT: usize = 128;
    let own = first.transaction as usize;
    let others = c.transactions.iter().enumerate().take(LOOKED_AT).filter(|(at, t)| *at != own && t.sends == 1);
    let times = others.filter_map(|(_, t)| {
        let (request, response) = (c.at(t.request?)?, c.at(t.first_response?)?);
        request.flow.dst.same_ip(&first.flow.dst).then(|| response.time.since(request.time))
    });
    times.filter(|&ns| ns >= 0).max()
}
