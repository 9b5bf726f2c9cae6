//! `register-lapsed`: a refresh that came after the binding had expired. In between the user could not be reached.

use crate::analysis::rules::Product::{Asterisk, FreeSwitch, Kamailio, OpenSips};
use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::base::Timestamp;
use crate::sip::HeaderName;
use crate::trace::Kind;
use crate::trace::path::granted_by;
use crate::trace::registration::asked_expires;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "register-lapsed",
    severity: Severity::Warning,
    meaning: "The registration was renewed only after it had run out: for that time the registrar knew no address for the user, and calls to it failed.",
    noticed: "Callers hear that the user is not available (404, 480), now and then, for some seconds or minutes; calls from the phone work.",
    causes: &[
        "The phone renews by the time that it asked for, and the registrar granted less",
        "The phone renews in the last moment, and the exchange with its challenge takes too long",
        "The phone or its network was away (sleep, Wi-Fi, a changed address)",
        "The refresh was lost, and the phone waits long before it tries again",
    ],
    confirm: "Compare the expires of the Contact in the 200 with the time until the next REGISTER (sipctl decode FILE --all --messages headers).",
    fix: "Let the phone renew well before the end, at about half of what was granted: the value of the 200 counts, not the one that was asked for.",
    settings: &[
        (
            Asterisk,
            "pjsip.conf: maximum_expiration= and default_expiration= in type=aor; as client expiration= and retry_interval= in type=registration",
        ),
        (FreeSwitch, "profile param sip-force-expires; gateway params expire-seconds and retry-seconds"),
        (
            Kamailio,
            "registrar module: max_expires, default_expires, expires_range (chosen at random below what was asked: phones that ignore it lapse)",
        ),
        (OpenSips, "registrar module: max_expires, default_expires"),
    ],
    rule: "RFC 3261 §10.2.4",
}];

/// Clocks and round trips differ by so much.
const GRACE_NS: i64 = 1_000_000_000;
/// Refreshes that are told one by one.
const MOST: usize = 16;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Registration || c.transactions.len() < 2 {
        return;
    }
    let Some(sender) = c.transactions.first().map(|t| t.flow.src) else { return };
    // Until when the binding stands, and the 200 that says so.
    let mut stands: Option<(Timestamp, u32, u64)> = None;
    let mut lapses: Vec<(u32, u32, i64, u64)> = Vec::new();
    for t in c.transactions.iter().filter(|t| t.flow.src.same_ip(&sender)) {
        let Some((position, request)) = t.request.and_then(|p| Some((p, c.at(p)?))) else { continue };
        if request.head_cut || c.header(request, HeaderName::Contact).is_none() {
            continue;
        }
        let removes = asked_expires(c, request) == Some(0);
        if let Some((until, granted_at, granted)) = stands.take() {
            let late = request.time.since(until);
            if late > GRACE_NS && !removes && lapses.len() < MOST {
                lapses.push((granted_at, position, late, granted));
            } else if late <= GRACE_NS {
                stands = Some((until, granted_at, granted));
            }
        }
        if let Some((at, response)) = t.final_response.and_then(|p| Some((p, c.at(p)?)))
            && response.is_success()
        {
            let granted = granted_by(c, response).filter(|_| !removes && !response.head_cut);
            stands = granted.filter(|&s| s > 0).map(|s| {
                (
                    Timestamp(response.time.0.saturating_add((s.min(1 << 31) as i64).saturating_mul(1_000_000_000))),
                    at,
                    s,
                )
            });
        }
    }
    let Some(&(_, _, late, granted)) = lapses.iter().max_by_key(|l| l.2) else { return };
    let title = format!("{sender} renewed its registration {} after it had expired", words::duration(late));
    let mut f = ENTRIES[0].finding(title);
    f.detail.push(format!(
        "{granted} s were granted, and the next REGISTER came {} after that time. No call reached it in between.",
        words::duration(late)
    ));
    if lapses.len() > 1 {
        f.detail.push(format!("That happened {}; this is the longest gap.", words::times(lapses.len() as u32)));
    }
    if let Some(&(granted_at, again, ..)) = lapses.iter().max_by_key(|l| l.2) {
        f.quote(
            granted_at,
            Part::text_in(HeaderName::Contact, format!("expires={granted}").as_bytes()),
            "how long it stood",
        );
        f.quote(granted_at, Part::text_in(HeaderName::Expires, granted.to_string().as_bytes()), "how long it stood");
        f.quote(again, Part::CSeq, "came after that");
    }
    f.positions = lapses.iter().flat_map(|l| [l.0, l.1]).collect();
    findings.push(f);
}
