//! `dtmf`: the keys that were pressed, as events in RTP or as INFO requests.

use super::way;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Severity};
use crate::sip::Method;
use crate::trace::call;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "dtmf",
    severity: Severity::Info,
    meaning: "Keys of the telephone were pressed, and seen in the call: as telephone events in RTP (RFC 4733) or in INFO requests.",
    noticed: "Somebody uses a menu, a conference PIN or a calling card. The digits may be confidential.",
    causes: &["A person presses keys.", "A dialler or a door opener sends them."],
    confirm: "Compare the digits with what the menu understood: what is missing here was lost before this point of capture.",
    fix: "Nothing is broken. Where a menu misses digits that are seen here, look at the leg behind it.",
    settings: &[
        (Product::Asterisk, "pjsip.conf endpoint: dtmf_mode"),
        (Product::FreeSwitch, "sofia profile: dtmf-type, rfc2833-pt, liberal-dtmf"),
    ],
    rule: "RFC 4733 §2.3, RFC 6086 §4",
}];

/// Digits told of one stream.
const DIGITS: usize = 64;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    by_events(case, findings);
    by_info(case, findings);
}

/// The same stream on the far side of a relay has the same digits: they are told once.
fn by_events(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for to_caller in [Some(false), Some(true)] {
        let mut all = case.streams.iter().filter(|s| s.to_caller == to_caller && !s.dtmf.events().is_empty());
        let Some(first) = all.next() else { continue };
        let stream = all.fold(first, |best, s| if s.dtmf.events().len() > best.dtmf.events().len() { s } else { best });
        let digits = cut(stream.dtmf.digits());
        if digits.is_empty() {
            continue;
        }
        let mut f = ENTRIES[0].finding(format!("keys {digits} pressed at {}, as telephone events", stream.flow.src));
        let shortest = stream.dtmf.events().iter().map(|e| e.last.since(e.first)).min().unwrap_or_default();
        f.detail.push(format!(
            "{} events {}, seen on the way to {}; the shortest took {}.",
            stream.dtmf.events().len(),
            to_caller.map_or("", way),
            stream.flow.dst,
            crate::analysis::words::duration(shortest)
        ));
        let unended = stream.dtmf.events().iter().filter(|e| !e.ended).count();
        if unended > 0 {
            f.detail.push(format!("{unended} of them have no packet with the end bit."));
        }
        f.stream = Some(stream.id);
        findings.push(f);
    }
}

fn by_info(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if !case.seen().asks(Method::Info) {
        return;
    }
    // One hop is enough: the number of a request is the same on all of them.
    for from_caller in [true, false] {
        let mut pressed: Vec<(u32, u32, char)> = Vec::new();
        for (position, f) in c.requests(Method::Info) {
            let Some(digit) = f.digit() else { continue };
            let is_new = !pressed.iter().any(|&(_, cseq, _)| cseq == f.cseq);
            if call::is_from_caller(c, f) == from_caller && is_new && pressed.len() < DIGITS {
                pressed.push((position, f.cseq, digit));
            }
        }
        let Some(f) = pressed.first().and_then(|&(p, _, _)| c.at(p)) else { continue };
        let digits: String = pressed.iter().map(|&(_, _, digit)| digit).collect();
        let mut finding = ENTRIES[0].finding(format!("keys {digits} pressed at {}, as INFO requests", f.flow.src));
        finding.detail.push(format!("{} INFO requests carry them {}.", pressed.len(), way(!from_caller)));
        finding.positions = pressed.into_iter().map(|(position, _, _)| position).collect();
        findings.push(finding);
    }
}

fn cut(digits: String) -> String {
    if digits.chars().count() <= DIGITS { digits } else { digits.chars().take(DIGITS).chain(['…']).collect() }
}
