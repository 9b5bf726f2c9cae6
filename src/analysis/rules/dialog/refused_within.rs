//! `dialog-unknown` and `bye-rejected`: a request within a dialog that was refused, as nobody knew the dialog (481) or for another reason.
//!
//! What crosses the end of a dialog is no fault: a BYE of either side, or anything that follows one, may be answered with 481. So may a CANCEL that comes
//! after the answer.

use crate::analysis::rules::reach::silence_behind;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::Timestamp;
use crate::sip::{HeaderName, Method};
use crate::trace::{Conversation, Facts, Kind, Transaction, dialog};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

const UNKNOWN: usize = 0;
const BYE: usize = 1;

static ENTRIES: [Entry; 2] = [
    Entry {
        code: "dialog-unknown",
        severity: Severity::Error,
        meaning: "A request within a call (or subscription) was answered 481: the one who got it knows no such dialog. One side believes that the call is up, \
                  the other does not know it, or knows it under other tags.",
        noticed: "A call goes dead on one side; hold or transfer fails; a phone shows a call that the PBX no longer has.",
        causes: &[
            "The one who answers restarted, or is another node of a cluster that does not share its dialogs.",
            "The request went to another server than the one that has the dialog: a wrong Contact, a load balancer that does not keep calls together.",
            "The tags in the request are not those of the dialog: a B2BUA or a script mixed them up.",
            "The dialog had timed out there before: an ACK that never came, a session timer.",
        ],
        confirm: "Compare From tag, To tag and Call-ID of the request with those of the 200 that set the dialog up; see whether the same address answers both.",
        fix: "Where the tags are right, look at the element that answered 481: its restarts, its timers, and why the request was routed to it.",
        settings: &[
            (
                Product::Kamailio,
                "dispatcher: ds_select_dst() with an algorithm over the Call-ID (alg 0) for new calls only; rr: loose_route() for all within",
            ),
            (
                Product::OpenSips,
                "dispatcher / load_balancer for new calls only; rr: loose_route() or topology_hiding_match() for all within",
            ),
            (Product::FreeSwitch, "sofia recover and track-calls=true in the profile bring calls over a restart"),
        ],
        rule: "RFC 3261 §12.2.2, §21.4.19",
    },
    Entry {
        code: "bye-rejected",
        severity: Severity::Error,
        meaning: "One side hung up and the other refused the BYE. The one who sent it takes the call for ended, the other may take it for up: it goes on \
                  sending media, billing goes on.",
        noticed: "Calls that hang: the other phone stays in the call, records show calls of hours, lines stay busy.",
        causes: &[
            "The BYE could not be routed: a proxy answers 404, 478 or 403, since it treats it as a new call (no loose routing).",
            "The other side is gone, and a proxy answers 408 for it.",
            "The BYE is challenged (401, 407), and its sender does not answer challenges within a dialog.",
            "The CSeq or the tags of the BYE are not those that the other side expects (500, 400).",
        ],
        confirm: "See who answered (source address, Server) and whether the BYE has the Route set and the Request-URI of the dialog.",
        fix: "On a proxy: handle requests within a dialog first, by loose_route(), and do not challenge BYE. On the sender: Route set and remote target.",
        settings: &[
            (
                Product::Kamailio,
                "in request_route: if (has_totag()) { loose_route() …; t_relay() } before any authentication or lookup()",
            ),
            (
                Product::OpenSips,
                "in route: if (has_totag()) { loose_route() …; t_relay() } before any authentication or lookup()",
            ),
        ],
        rule: "RFC 3261 §15.1.1, §15.1.2",
    },
];

/// What comes after a BYE, or this much before it, may cross it.
const CROSSING_NS: i64 = 2_000_000_000;
/// Refusals that are looked at.
const REFUSALS: usize = 64;
/// Findings of one conversation.
const MOST: usize = 4;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let before = findings.len();
    let refusals =
        c.transactions.iter().filter(|t| t.final_status == 481 || (t.method == Method::Bye && t.final_status >= 300));
    for t in refusals.take(REFUSALS) {
        let Some(request) = t.request.and_then(|p| c.at(p)) else { continue };
        let Some(response) = t.final_response.and_then(|p| c.at(p)) else { continue };
        let found = match t.final_status {
            481 => unknown(case, t, request, response),
            _ if t.method == Method::Bye => refused(case, t, request, response, findings),
            _ => None,
        };
        let Some(f) = found else { continue };
        // A proxy says 408 for the one behind it that says nothing.
        let silence = (t.final_status == 408).then(|| silence_behind(c, request, response.time, findings)).flatten();
        if let Some(silence) = silence {
            silence.detail.push(format!("It explains, too: {}.", f.title));
            continue;
        }
        // The same refusal on the hop before is passed on; where it began is farthest from the one who asked, and was seen first.
        let is_told = |o: &Finding| {
            o.code == f.code
                && o.positions
                    .first()
                    .and_then(|&p| c.at(p))
                    .is_some_and(|r| r.cseq == request.cseq && r.method == request.method)
        };
        let told = findings.iter().enumerate().skip(before).find(|(_, o)| is_told(o)).map(|(at, _)| at);
        let Some(at) = told else {
            if findings.len() - before < MOST {
                findings.push(f);
            }
            continue;
        };
        if let Some(told) = findings.get_mut(at) {
            let earlier = told.positions.last().and_then(|&p| c.at(p)).is_none_or(|r| r.time <= response.time);
            if !earlier {
                *told = f;
            }
        }
    }
}

/// Whether the dialog of a request was ended by another one, before it or so closely after it that the two crossed.
fn is_ending(c: &Conversation, request: &Facts, response: &Facts) -> bool {
    // What the other side sends crosses; what the same side sends after it does not.
    let until = |f: &Facts| match dialog::is_same_side(c, f, request) {
        true => request.time,
        false => Timestamp(response.time.0.saturating_add(CROSSING_NS)),
    };
    let ends = |f: &Facts| {
        f.asks(Method::Bye)
            && !(f.cseq == request.cseq && request.method == Method::Bye && dialog::is_same_side(c, f, request))
            && dialog::is_same(c, f, request)
            && f.time <= until(f)
    };
    c.firsts().any(|(_, f)| ends(f))
}

fn unknown(case: &Case<'_>, t: &Transaction, request: &Facts, response: &Facts) -> Option<Finding> {
    let c = case.conversation;
    // A CANCEL that comes after the final response finds nothing to cancel.
    if t.method == Method::Cancel || is_ending(c, request, response) || (request.to_tag.is_empty() && !request.head_cut)
    {
        return None;
    }
    let (method, who, asker) = (words::method(c, request), response.flow.src, request.flow.src);
    let mut f = ENTRIES[UNKNOWN].finding(format!("{who} does not know the dialog of the {method} from {asker}: 481"));
    // A subscriber that forgot its subscription ends it in this way. RFC 6665 §4.1.3
    if matches!(t.method, Method::Notify | Method::Subscribe) {
        f.severity = Severity::Warning;
    }
    f.positions = [t.request, t.final_response].into_iter().flatten().collect();
    if let [asked, answered] = f.positions[..] {
        f.quote(asked, Part::FromTag, "the sender's half of the dialog's name");
        f.quote(asked, Part::ToTag, "the half that the receiver has to know");
        f.quote(answered, Part::Name, "it knows no such dialog");
    }
    if c.kind == Kind::Call {
        why_unknown(c, request, response, &mut f);
    } else {
        f.confidence = Confidence::Likely;
        f.detail.push("How the dialog was set up was not captured.".to_owned());
    }
    Some(f)
}

fn why_unknown(c: &Conversation, request: &Facts, response: &Facts, f: &mut Finding) {
    let formed = |o: &&Facts| {
        !o.is_request() && o.status > 100 && o.status < 300 && o.time <= request.time && dialog::is_same(c, o, request)
    };
    match c.facts.iter().rev().find(formed) {
        Some(set_up) => {
            let other = if set_up.flow.src.same_ip(&response.flow.src) || set_up.flow.dst.same_ip(&response.flow.src) {
                "the same address; it has lost the dialog since, or ended it on its own"
            } else {
                "another address: the request went to a program that never had the dialog"
            };
            f.detail.push(format!(
                "Its tags are those of the {} from {} {} before. The 481 comes from {other}.",
                words::message(c, set_up),
                set_up.flow.src,
                words::duration(request.time.since(set_up.time))
            ));
            f.ruled_out.push("Wrong tags: they are those of the dialog.".to_owned());
            f.confidence = Confidence::Likely;
        }
        None => f.detail.push("Its tags are those of no dialog in the capture.".to_owned()),
    }
}

fn refused(
    case: &Case<'_>,
    t: &Transaction,
    request: &Facts,
    response: &Facts,
    findings: &[Finding],
) -> Option<Finding> {
    let c = case.conversation;
    if is_ending(c, request, response) {
        return None;
    }
    // Sent again with credentials, or refused for want of them: then that is the cause.
    let is_challenge = matches!(response.status, 401 | 407);
    let again = c.requests(Method::Bye).any(|(_, f)| f.time > response.time && dialog::is_same_side(c, f, request));
    let told = findings
        .iter()
        .any(|f| f.code.starts_with("auth-") && t.final_response.is_some_and(|p| f.positions.contains(&p)));
    if is_challenge && (again || told || case.now.since(response.time) < CROSSING_NS) {
        return None;
    }
    let (said, who, asker) = (words::message(c, response), response.flow.src, request.flow.src);
    let mut f = ENTRIES[BYE].finding(format!("{who} refused the BYE from {asker}: {said}"));
    f.detail.push(match response.status {
        401 | 407 => format!("The BYE was challenged, and {asker} did not send it again with credentials."),
        408 => "Nobody answered the BYE in time: the other side is gone, or the BYE does not arrive there.".to_owned(),
        _ => format!("{asker} takes the call for ended; whether the other side does was not seen."),
    });
    f.positions = [t.request, t.final_response].into_iter().flatten().collect();
    if let Some(position) = t.final_response {
        f.quote(position, Part::Name, "the answer to the BYE");
        for name in [HeaderName::Reason, HeaderName::Warning] {
            f.quote(position, Part::first(name), "what it says of it");
        }
    }
    Some(f)
}
