//! `session-interval-too-small`: 422, and what followed. RFC 4028

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::base::Safe;
use crate::sip::{HeaderName, Method};
use crate::trace::{Conversation, Facts, dialog};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "session-interval-too-small",
    severity: Severity::Info,
    meaning: "The session interval that was asked for is shorter than somebody on the way accepts. The 422 says how long it has to be (Min-SE); the caller \
              is expected to try again with that.",
    noticed: "Usually nobody: the call is set up one round trip later. If the caller does not try again, the call fails at once.",
    causes: &[
        "The caller asks for a short Session-Expires, such as 90 s, and a proxy or PBX wants longer ones to save load.",
        "Several elements on the way have different minimums, and each adds a round.",
    ],
    confirm: "Compare Session-Expires of the INVITE with Min-SE of the 422, and see whether the next INVITE has at least that.",
    fix: "Nothing is broken if the call goes on. To save the round, ask for at least the Min-SE of the other side, usually 1800 s.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf, endpoint: timers_sess_expires=1800 (what is asked for), timers_min_se=90 (what is accepted)",
        ),
        (
            Product::FreeSwitch,
            "sofia profile: session-timeout (what is asked for), minimum-session-expires (what is accepted)",
        ),
        (Product::Kamailio, "sst: min_se, reject_to_small"),
        (Product::OpenSips, "sst: min_se, sst_interval, reject_to_small"),
    ],
    rule: "RFC 4028 §6, §7.3, §9",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if !case.seen().answers(422) {
        return;
    }
    let mut refusals =
        c.firsts().filter(|(_, f)| f.status == 422 && matches!(f.method, Method::Invite | Method::Update));
    let Some((first, response)) = refusals.next() else { return };
    let minimum = c.header(response, HeaderName::MinSe).map(|v| Safe(v.trim_ascii()).to_string());
    let request = c.transaction(response).and_then(|t| t.request).and_then(|p| c.at(p));
    let asked = request.and_then(|r| c.header(r, HeaderName::SessionExpires)).map(|v| Safe(v.trim_ascii()).to_string());
    let who = response.flow.src;
    let mut f = ENTRIES[0].finding(match &minimum {
        Some(minimum) => format!("{who} wants a session interval of at least {minimum} s"),
        None => format!("{who} refused the session interval, and did not say which one it takes"),
    });
    f.detail
        .extend(asked.map(|asked| format!("The {} asked for Session-Expires: {asked}.", words::method(c, response))));
    f.positions = std::iter::once(first).chain(refusals.map(|(p, _)| p)).take(16).collect();
    if let Some(position) = c.transaction(response).and_then(|t| t.request) {
        f.quote(position, Part::first(HeaderName::SessionExpires), "what was asked for");
    }
    f.quote(first, Part::first(HeaderName::MinSe), "the least that is taken");
    match followed_by(c, response) {
        Some((position, again)) => {
            f.detail.push(format!(
                "{} tried again {} later.",
                again.flow.src,
                words::duration(again.time.since(response.time))
            ));
            f.positions.push(position);
        }
        // Then it is what the call failed of.
        None => {
            f.severity = Severity::Error;
            f.detail.push("The caller did not try again with a longer one: the call failed of this.".to_owned());
        }
    }
    findings.push(f);
}

/// The next request of the same side.
fn followed_by<'a>(c: &'a Conversation, response: &Facts) -> Option<(u32, &'a Facts)> {
    let again = |f: &Facts| {
        f.asks(response.method)
            && f.time >= response.time
            && f.cseq > response.cseq
            && dialog::is_same_side(c, f, response)
    };
    c.firsts().find(|(_, f)| again(f))
}
