//! `post-dial-delay`: the caller waited more than five seconds for ringing or an answer.
//!
//! Counts from the first INVITE of the call, challenge and redirection included, since that is what the caller waits through; and says where the
//! time went, by when the INVITE reached the last host that rang.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::base::Timestamp;
use crate::sip::Method;
use crate::trace::call::{self, Outcome};
use crate::trace::{Conversation, Facts, Kind};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "post-dial-delay",
    severity: Severity::Warning,
    meaning: "More than 5 s passed from the INVITE to the first sign that it rings (or to the answer). The caller hears silence for that time.",
    noticed: "People hang up and dial again because they believe that the call failed.",
    causes: &[
        "a route is tried that does not answer, and only its time-out leads to the next one",
        "the called device has to be woken (push notification), or is on a slow network",
        "the far end waits for more digits (overlap dialling) or for a gateway to the telephone network",
        "lookups on the way: ENUM, number portability, DNS that times out",
        "loss of the INVITE: each repeat doubles the wait",
    ],
    confirm: "sipctl decode FILE --call N: the ladder shows on which hop the INVITE waits. A hop that got it at once and rang late is the one that is slow.",
    fix: "Shorten the time-out after which the next route is tried, take dead routes out (OPTIONS pings), and let the far end send 180 or 183 early.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf: type=aor qualify_frequency, type=system timer_b; Dial() with several contacts at once",
        ),
        (Product::FreeSwitch, "originate_timeout, leg_progress_timeout on each leg of the dial string; gateway ping"),
        (
            Product::Kamailio,
            "modparam(\"tm\", \"fr_timer\", 3000) with failure_route and ds_next_dst(); dispatcher ds_ping_interval",
        ),
        (Product::OpenSips, "modparam(\"tm\", \"fr_timeout\", 3) with failure_route; dispatcher or drouting probing"),
    ],
    rule: "RFC 6076 §4.4, RFC 3261 §13.3.1.1",
}];

/// What callers take for a failure.
const LONGEST_NS: i64 = 5_000_000_000;
/// A program answers a challenge at once; a person takes longer.
const PAUSE_NS: i64 = 2_000_000_000;
/// INVITEs that are looked at for where the time went.
const LOOKED_AT: usize = 64;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call {
        return;
    }
    let outcome = case.outcome();
    let Some(sign) = [outcome.ringing, outcome.answered].into_iter().flatten().min() else { return };
    let Some((position, invite)) = dialled(c, outcome) else { return };
    let waited = sign.since(invite.time);
    // What sent it again because it was lost says so itself.
    if waited <= LONGEST_NS || findings.iter().any(|f| matches!(f.code, "retransmission" | "timer-violation" | "loop"))
    {
        return;
    }
    let how = if outcome.ringing == Some(sign) { "rang" } else { "was answered" };
    let caller = invite.flow.src;
    let mut f = ENTRIES[0].finding(format!("{caller} waited {} until the call {how}", words::duration(waited)));
    f.detail.extend(breakdown(c, invite, sign));
    let shown = |m: &Facts| m.time == sign && !m.is_request() && m.method == Method::Invite;
    let proof = c.firsts().find(|(_, m)| shown(m)).map(|(p, _)| p);
    f.quote(position, Part::Name, "asked");
    if let Some(proof) = proof {
        f.quote(proof, Part::Name, format!("{} later", words::duration(waited)));
    }
    f.positions = std::iter::once(position).chain(proof).collect();
    // The same wait, told of the server that gave no sign at all.
    if let Some(at) =
        findings.iter().position(|o| o.code == "slow-response" && o.positions.first().is_some_and(|&p| is_setup(c, p)))
    {
        let slow = findings.remove(at);
        f.detail.push(format!("In numbers: {}.", slow.title));
        f.ruled_out = slow.ruled_out;
        f.positions.extend(slow.positions);
        f.positions.sort_unstable();
        f.positions.dedup();
    }
    findings.push(f);
}

/// The INVITE with which the wait began: the first, unless the caller itself let time pass before it answered a challenge or followed a redirection.
fn dialled<'a>(c: &'a Conversation, outcome: &Outcome) -> Option<(u32, &'a Facts)> {
    let mut begun = outcome.invite.and_then(|p| Some((p, c.at(p)?)))?;
    let mut refused: Option<Timestamp> = None;
    for (_, t) in call::initial_invites(c).filter(|(_, t)| Some(t.flow.src) == outcome.caller).take(LOOKED_AT) {
        let Some((position, request)) = t.request.and_then(|p| Some((p, c.at(p)?))) else { continue };
        if refused.is_some_and(|at| request.time.since(at) > PAUSE_NS) {
            begun = (position, request);
        }
        refused = t.final_response.and_then(|p| c.at(p)).map(|f| f.time);
    }
    Some(begun)
}

/// Whether a message is an INVITE that starts the call.
fn is_setup(c: &Conversation, position: u32) -> bool {
    c.at(position).is_some_and(|f| f.asks(Method::Invite) && f.to_tag.is_empty())
}

/// When the INVITE came to the last host before it rang, and how long that took from there.
fn breakdown(c: &Conversation, first: &Facts, sign: Timestamp) -> Vec<String> {
    let mut told = Vec::new();
    let sent =
        || c.requests(Method::Invite).map(|(_, f)| f).filter(|f| f.to_tag.is_empty() && f.time <= sign).take(LOOKED_AT);
    let Some(last) = sent().max_by_key(|f| f.time) else { return told };
    let (to_last, from_last) = (last.time.since(first.time), sign.since(last.time));
    if last.index == first.index {
        told.push(format!(
            "{} got the INVITE at once and gave the first sign after {}.",
            first.flow.dst,
            words::duration(from_last)
        ));
        return told;
    }
    told.push(format!(
        "The last INVITE, from {} to {}, left {} after the first; the sign came {} after that.",
        last.flow.src,
        last.flow.dst,
        words::duration(to_last),
        words::duration(from_last)
    ));
    told.push(if to_last > from_last {
        format!("Most of the time passed before it was sent there: {} is where it waited.", last.flow.src)
    } else {
        format!("Most of the time passed at {}.", last.flow.dst)
    });
    let tried =
        sent().filter(|f| f.flow.src == last.flow.src && f.index != last.index && f.time.since(first.time) < to_last);
    let tried: Vec<String> = tried.map(|f| f.flow.dst.to_string()).take(4).collect();
    if !tried.is_empty() && to_last > from_last {
        told.push(format!("Before, {} had tried {}.", last.flow.src, words::list(&tried)));
    }
    told
}
