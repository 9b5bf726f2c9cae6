//! `register-too-brief`: the registrar wants longer registrations than were asked for, and what followed.

use crate::analysis::rules::Product::{Asterisk, FreeSwitch, Kamailio, OpenSips};
use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Finding, Part, Severity};
use crate::sip::HeaderName;
use crate::trace::path::number;
use crate::trace::registration::asked_expires;
use crate::trace::{Conversation, Kind, Transaction};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "register-too-brief",
    severity: Severity::Info,
    meaning: "The client asked for a shorter registration than the registrar grants; the 423 says in Min-Expires how long it has to be. A client asks again with that at once.",
    noticed: "Nobody, when the client asks again. One that does not stays unregistered, and says so on its display.",
    causes: &[
        "A phone is set to register every minute or less to keep a NAT binding open, and the registrar does not want that",
        "The registrar's minimum was raised",
    ],
    confirm: "Compare Expires of the REGISTER with Min-Expires of the 423 (sipctl decode FILE --all --messages headers).",
    fix: "Set the phone's registration time to Min-Expires or more; keep NAT bindings open with keep-alives instead (CRLF or OPTIONS).",
    settings: &[
        (
            Asterisk,
            "pjsip.conf: minimum_expiration= in type=aor as registrar, expiration= in type=registration as client",
        ),
        (FreeSwitch, "profile param sip-force-expires and sip-expires-max-deviation; gateway param expire-seconds"),
        (Kamailio, "registrar module: min_expires"),
        (OpenSips, "registrar module: min_expires raises what is lower and sends no 423 itself"),
    ],
    rule: "RFC 3261 §10.2.8, §10.3",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Registration {
        return;
    }
    let Some((at, t)) = c.transactions.iter().enumerate().find(|(_, t)| t.final_status == 423) else { return };
    let (Some(request), Some(response)) = (t.request, t.final_response) else { return };
    let (Some(asked), Some(refused)) = (c.at(request), c.at(response)) else { return };
    let least = c.header(refused, HeaderName::MinExpires).and_then(number);
    let (who, registrar) = (asked.flow.src, refused.flow.src);
    let wanted = asked_expires(c, asked).map_or("a time that it does not name".to_owned(), |s| format!("{s} s"));
    let least_words = least.map_or("longer registrations".to_owned(), |s| format!("at least {s} s"));
    let mut f =
        ENTRIES[0].finding(format!("{who} asked {registrar} to be registered for {wanted}, which takes {least_words}"));
    let next = next(c, at, t);
    f.detail.push(match next.and_then(|n| n.request).and_then(|p| c.at(p)) {
        Some(again) => {
            let wanted = asked_expires(c, again).map_or("no time".to_owned(), |s| format!("{s} s"));
            let status = next.map_or(0, |n| n.final_status);
            let end = match status {
                0 => "nothing answered that".to_owned(),
                200..=299 => "that was granted".to_owned(),
                status => format!("that was answered with {status}"),
            };
            format!("It asked again for {wanted}; {end}.")
        }
        None => format!("It did not ask again: it is not registered at {registrar}."),
    });
    if least.is_none() {
        f.detail.push(
            "The 423 has no Min-Expires, which it must have: the client cannot know what would be long enough."
                .to_owned(),
        );
    }
    f.quote(request, Part::first(HeaderName::Expires), "what was asked for");
    f.quote(response, Part::first(HeaderName::MinExpires), "the least that is taken");
    f.positions = [request, response].into_iter().chain(next.and_then(|n| n.request)).collect();
    findings.push(f);
}

/// The request that the same client sent next.
fn next<'a>(c: &'a Conversation, at: usize, t: &Transaction) -> Option<&'a Transaction> {
    c.transactions.iter().skip(at + 1).find(|n| n.flow.src.same_ip(&t.flow.src) && n.cseq > t.cseq)
}
