//! `loop`, `max-forwards-low`, `max-forwards-kept`: requests on their way through proxies, and the count that ends what goes round.
//!
//! A request that comes to the same hop again is a loop only with the same Request-URI (another one makes it a spiral) and where the call came to
//! nothing. RFC 3261 §16.3

use super::no_response::is_answered;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::sip::{HeaderName, Method};
use crate::trace::{Conversation, Facts};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

const LOOP: usize = 0;
const LOW: usize = 1;
const KEPT: usize = 2;

static ENTRIES: [Entry; 3] = [
    Entry {
        code: "loop",
        severity: Severity::Error,
        meaning: "A request goes round: proxies send it to each other until Max-Forwards is used up (483 Too Many Hops), one of them recognises it \
                  (482 Loop Detected), or the same request is seen at the same hop again.",
        noticed: "The call fails after a moment with 482, 483 or a time-out; on the proxies the load jumps, since each loop multiplies the request, \
                  and a fork within a loop does so exponentially.",
        causes: &[
            "two proxies each take the other for responsible for the domain or number: aliases of the own domain are missing",
            "a call forward or a registration points back to where the call came from",
            "DNS or a dispatcher list sends a proxy's own domain to itself",
            "482 Merged Request: the same request reached one phone over two branches of a fork",
        ],
        confirm: "Follow Request-URI and Via of the request from hop to hop (sipctl decode FILE --call N --messages headers): the hop that sends it \
                  back with the same Request-URI is wrong. sipctl trace TARGET shows the way hop by hop.",
        fix: "Tell the proxy that is named which domains and addresses are its own, and take out the route or forward that points back.",
        settings: &[
            (
                Product::Asterisk,
                "extensions.conf: a Dial() to the trunk that the call came from; limit with Set(GROUP()=…)",
            ),
            (Product::FreeSwitch, "profile aliases and domains; the channel variable max_forwards"),
            (
                Product::Kamailio,
                "alias=example.com (or the module domain) so that is_myself() knows it; mf_process_maxfwd_header(\"10\")",
            ),
            (Product::OpenSips, "alias=example.com (or the module domain); mf_process_maxfwd_header(10)"),
        ],
        rule: "RFC 3261 §16.3, §21.4.20, §21.4.21",
    },
    Entry {
        code: "max-forwards-low",
        severity: Severity::Warning,
        meaning: "A request came with a Max-Forwards below 10. Each proxy takes one off and refuses at 0, so that a few more hops on its way end it \
                  with 483. 70 is what a sender should start from.",
        noticed: "Nobody, until a route becomes longer by a hop: then calls to some destinations fail with 483 Too Many Hops.",
        causes: &[
            "the sender starts from a small number",
            "the request has gone round several proxies already: a loop that is about to end",
            "a proxy sets the field instead of taking one off",
        ],
        confirm: "Compare Max-Forwards on each hop: sipctl decode FILE --call N --messages headers. At the first hop it shows what the sender starts from.",
        fix: "Let the sender start from 70; where the count was used up on the way, see why there are so many hops.",
        settings: &[
            (Product::Asterisk, "pjsip.conf: the stack starts from 70; a lower number came in with the incoming leg"),
            (Product::FreeSwitch, "channel variable max_forwards (default 70)"),
            (Product::Kamailio, "modparam(\"maxfwd\", \"max_limit\", 70)"),
            (Product::OpenSips, "modparam(\"maxfwd\", \"max_limit\", 70)"),
        ],
        rule: "RFC 3261 §8.1.1.6, §16.6",
    },
    Entry {
        code: "max-forwards-kept",
        severity: Severity::Warning,
        meaning: "A proxy sent a request on without taking one off Max-Forwards. Nothing ends a loop that goes through it but time-outs.",
        noticed: "Nobody, until there is a loop: then it takes the proxies down.",
        causes: &[
            "the routing script never calls the function that does it",
            "a header manipulation rule puts the old value back",
            "an ALG or a load balancer that speaks only half of SIP",
        ],
        confirm: "Compare the request before and behind the proxy: Via has one value more, Max-Forwards has to have one less.",
        fix: "Let the proxy check and lower Max-Forwards for each request, first thing in its script.",
        settings: &[
            (
                Product::Kamailio,
                "if (!mf_process_maxfwd_header(\"10\")) { sl_send_reply(\"483\", \"Too Many Hops\"); exit; }",
            ),
            (Product::OpenSips, "if (!mf_process_maxfwd_header(10)) { send_reply(483, \"Too Many Hops\"); exit; }"),
        ],
        rule: "RFC 3261 §16.6",
    },
];

/// Requests with their positions: those of most calls need no memory of their own.
type Requests<'a> = smallvec::SmallVec<[(u32, &'a Facts); 24]>;

/// Below this, a longer way than today's ends the request.
const LOW_COUNT: u8 = 10;
/// Messages back in which the same request on an earlier hop is looked for.
const BACK: usize = 64;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let is_end = |f: &Facts| matches!(f.status, 482 | 483);
    let is_low = |f: &Facts| f.max_forwards.is_some_and(|n| n < LOW_COUNT) && counts(f);
    let (mut ended, mut low, mut forwarded, mut far) = (false, false, false, false);
    for f in &c.facts {
        ended |= is_end(f);
        low |= is_low(f);
        forwarded |= f.is_request() && f.vias > 1;
        far |= f.is_request() && f.vias > 2;
    }
    if !(ended || low || forwarded) {
        return;
    }
    let requests: Requests<'_> = c.firsts().filter(|(_, f)| f.is_request() && f.vias > 0).take(4 * BACK).collect();
    // What comes to a hop again has passed another one in between.
    let rounds = if far { rounds(c, &requests) } else { Vec::new() };
    let end = c.firsts().find(|(_, f)| is_end(f));
    if let Some((position, response)) = end {
        findings.extend(refused(c, position, response, &rounds));
    } else if !rounds.is_empty() && !is_answered(c) {
        findings.extend(round(c, &rounds));
    }
    let looped = findings.iter().any(|f| f.code == "loop");
    if forwarded && !looped {
        findings.extend(kept(c, &requests));
    }
    if low && !looped {
        findings.extend(too_low(c, is_low));
    }
}

/// Whether the count of a request matters: ACK and CANCEL follow their INVITE, and an OPTIONS that is not to be forwarded is a usual keep-alive.
fn counts(f: &Facts) -> bool {
    f.is_request() && !matches!(f.method, Method::Ack | Method::Cancel | Method::Options)
}

/// Requests that came to the same hop again with a smaller count, in order: the positions of all sights of the first that did.
fn rounds(c: &Conversation, requests: &[(u32, &Facts)]) -> Vec<u32> {
    let again = |f: &Facts, o: &Facts| {
        o.flow.src.same_ip(&f.flow.src)
            && o.flow.dst == f.flow.dst
            && o.method == f.method
            && o.cseq == f.cseq
            && o.vias > f.vias.saturating_add(1)
            && o.transaction != f.transaction
            && o.max_forwards < f.max_forwards
            && c.text(o.from_tag) == c.text(f.from_tag)
            && c.text(o.uri_or_reason) == c.text(f.uri_or_reason)
    };
    for (at, (position, f)) in requests.iter().enumerate() {
        let later = requests.get(at + 1..).unwrap_or_default().iter().take(BACK);
        let seen: Vec<u32> = later.filter(|(_, o)| again(f, o)).map(|(p, _)| *p).collect();
        if !seen.is_empty() {
            return std::iter::once(*position).chain(seen).collect();
        }
    }
    Vec::new()
}

/// Quotes Max-Forwards where it is in question.
fn quote_counts(f: &mut Finding, positions: &[u32]) {
    for &position in positions.iter().take(QUOTED) {
        f.quote(position, Part::first(HeaderName::MaxForwards), "");
    }
}

/// Places of one finding where it is.
const QUOTED: usize = 4;

/// `70, 68 and 66`
fn counted(c: &Conversation, rounds: &[u32]) -> String {
    let counts: Vec<String> =
        rounds.iter().filter_map(|&p| c.at(p)?.max_forwards).map(|n| n.to_string()).take(8).collect();
    words::list(&counts)
}

fn round(c: &Conversation, rounds: &[u32]) -> Option<Finding> {
    let first = c.at(*rounds.first()?)?;
    let (src, dst) = (first.flow.src, first.flow.dst);
    let times = words::times(rounds.len() as u32);
    let name = words::message(c, first);
    let mut f = ENTRIES[LOOP].finding(format!("the {name} goes round: it passed from {src} to {dst} {times}"));
    f.detail
        .push(format!("Its Max-Forwards was {} there, and its Request-URI the same each time.", counted(c, rounds)));
    f.confidence = Confidence::Likely;
    f.ruled_out.push("A spiral: the Request-URI would have changed between the passes.".to_owned());
    f.ruled_out.push("A retransmission: each has another branch and more Via values.".to_owned());
    quote_counts(&mut f, rounds);
    f.positions = rounds.to_vec();
    Some(f)
}

/// 482 or 483.
fn refused(c: &Conversation, position: u32, response: &Facts, rounds: &[u32]) -> Option<Finding> {
    let sender = response.flow.src;
    let request = c.transaction(response).and_then(|t| t.request).and_then(|p| Some((p, c.at(p)?)));
    let name = words::method(c, response);
    let said = words::message(c, response);
    let mut f = ENTRIES[LOOP].finding(format!("{sender} ended the {name} as one that goes round: {said}"));
    let arrived = request.and_then(|(_, r)| r.max_forwards);
    let start = c.firsts().find(|(_, o)| o.is_request() && o.cseq == response.cseq && o.method == response.method);
    let start = start.and_then(|(p, o)| Some((p, o, o.max_forwards?)));
    if !rounds.is_empty() {
        f.detail.push(format!(
            "It passed the same hop {}, with Max-Forwards {}.",
            words::times(rounds.len() as u32),
            counted(c, rounds)
        ));
    }
    match (response.status, start) {
        (483, Some((_, first, count))) if count < LOW_COUNT => {
            f.title = format!("{sender} refused the {name} with {said}: it began with Max-Forwards {count}");
            f.detail.push(format!(
                "{} sent it with Max-Forwards {count}; 70 is what a request should begin with.",
                first.flow.src
            ));
            f.confidence = if rounds.is_empty() { Confidence::Possible } else { Confidence::Certain };
            // Somebody who asks which hops there are: that is how it is done.
            if first.method == Method::Options && first.vias <= 1 && rounds.is_empty() {
                f.severity = Severity::Info;
            }
        }
        (483, Some((_, first, count))) => {
            let here = arrived.map_or_else(String::new, |n| format!(", and came to {sender} with {n}"));
            f.detail.push(format!("{} sent it with Max-Forwards {count}{here}.", first.flow.src));
            f.confidence = if rounds.is_empty() { Confidence::Likely } else { Confidence::Certain };
        }
        _ => {}
    }
    if response.status == 482 {
        merged(c, response, &mut f);
    }
    if is_answered(c) && f.severity == Severity::Error {
        f.severity = Severity::Warning;
        f.detail.push("The call was answered elsewhere all the same.".to_owned());
    }
    quote_counts(&mut f, rounds);
    if let (true, Some((at, _))) = (rounds.is_empty(), request) {
        quote_counts(&mut f, &[at]);
    }
    f.quote(position, Part::Name, "");
    f.positions = rounds.to_vec();
    f.positions.extend(start.map(|(p, _, _)| p));
    f.positions.extend(request.map(|(p, _)| p));
    f.positions.push(position);
    f.positions.sort_unstable();
    f.positions.dedup();
    Some(f)
}

/// The same request over two branches to one user agent is merged, not looped. RFC 3261 §8.2.2.2
fn merged(c: &Conversation, response: &Facts, f: &mut Finding) {
    let to = response.flow.src;
    let same = |o: &Facts| o.asks(response.method) && o.cseq == response.cseq && o.flow.dst == to;
    let branches = c.firsts().filter(|(_, o)| same(o)).count();
    let is_merged =
        branches > 1 || c.text(response.uri_or_reason).to_ascii_lowercase().windows(5).any(|w| w == b"merge");
    if is_merged {
        f.detail.push(format!("It came to {to} over more than one branch of a fork: the same device is registered twice, or two routes lead to it."));
    }
}

/// The first request that a proxy sent on without lowering its count.
fn kept(c: &Conversation, requests: &[(u32, &Facts)]) -> Option<Finding> {
    let mut all = requests.iter().enumerate().filter(|(_, (_, f))| f.vias > 1 && f.max_forwards.is_some()).filter_map(
        |(at, (p, sent))| {
            let before = requests.get(at.saturating_sub(BACK)..at)?;
            let same = |f: &Facts| {
                f.vias.checked_add(1) == Some(sent.vias)
                    && f.method == sent.method
                    && f.cseq == sent.cseq
                    && f.flow.dst.same_ip(&sent.flow.src)
                    && f.flow.src != sent.flow.dst
                    && c.text(f.from_tag) == c.text(sent.from_tag)
            };
            let (from, received) = before.iter().rev().find(|(_, f)| same(f))?;
            (sent.max_forwards >= received.max_forwards && received.max_forwards.is_some()).then_some((*from, *p))
        },
    );
    let (from, to) = all.next()?;
    let (received, sent) = (c.at(from)?, c.at(to)?);
    let (proxy, name) = (sent.flow.src, words::message(c, sent));
    let counts = (received.max_forwards?, sent.max_forwards?);
    let mut f = ENTRIES[KEPT].finding(format!(
        "{proxy} sent the {name} on without lowering Max-Forwards ({} stayed {})",
        counts.0, counts.1
    ));
    if counts.1 > counts.0 {
        f.title = format!("{proxy} raised Max-Forwards of the {name} from {} to {}", counts.0, counts.1);
    }
    f.detail.push(format!(
        "It came in with {} Via and went out with {}: forwarded by a proxy, which has to take one off.",
        received.vias, sent.vias
    ));
    f.ruled_out.push("A B2BUA, which may begin a count of its own: Call-ID and From tag are the same, and the Via of the sender is still there.".to_owned());
    quote_counts(&mut f, &[from, to]);
    f.positions = vec![from, to];
    f.positions.extend(all.flat_map(|(a, b)| [a, b]).take(14));
    Some(f)
}

fn too_low(c: &Conversation, is_low: impl Fn(&Facts) -> bool) -> Option<Finding> {
    let (position, request) = c.firsts().find(|(_, f)| is_low(f))?;
    let count = request.max_forwards?;
    let (src, dst, name) = (request.flow.src, request.flow.dst, words::message(c, request));
    let mut f = ENTRIES[LOW].finding(format!("the {name} from {src} came to {dst} with Max-Forwards {count}"));
    f.detail.push(match request.vias {
        0 | 1 => format!("{src} made the request, so it began with {count} and not with 70."),
        n => format!(
            "It has {n} Via values: {} hops took one off each, so it began with about {}.",
            n - 1,
            u16::from(count).saturating_add(n - 1)
        ),
    });
    quote_counts(&mut f, &[position]);
    f.positions = c.firsts().filter(|(_, f)| is_low(f)).map(|(p, _)| p).take(16).collect();
    if f.positions.is_empty() {
        f.positions.push(position);
    }
    Some(f)
}
