//! Findings that are defects of a message: each kind of defect is one code, shown where it stands in the message.

use super::entries::{ENTRIES, KINDS};
use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Evidence, Finding, Severity, words};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

/// Findings of one kind in one conversation; the rest are told as a number.
const MOST: usize = 8;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if !case.seen().malformed {
        return;
    }
    for (position, facts) in c.firsts().filter(|(_, f)| f.malformed) {
        for kept in facts.defects() {
            let Some(at) = KINDS.iter().position(|&k| k == kept.defect.kind) else { continue };
            let entry = &ENTRIES[at];
            let same = findings.iter_mut().filter(|f| f.code == entry.code);
            let mut known = 0;
            let mut told = None;
            for f in same {
                known += 1;
                if f.title == kept.defect.what {
                    told = Some(f);
                }
            }
            match told {
                // The same fault of the same program in message after message is one finding.
                Some(f) if f.positions.len() < 64 => f.positions.push(position),
                Some(_) => {}
                None if known < MOST => findings.push(finding(case, position, entry, kept)),
                None => {}
            }
        }
    }
}

fn finding(case: &Case<'_>, position: u32, entry: &'static Entry, kept: &crate::trace::facts::KeptDefect) -> Finding {
    let mut f = entry.finding(kept.defect.what.to_owned());
    if entry.code == "header-missing" && kept.defect.what.contains("Max-Forwards") {
        f.severity = Severity::Warning;
    }
    f.rule = kept.defect.rule;
    if let Some(facts) = case.conversation.at(position) {
        f.detail.push(format!("In the {} from {}.", words::message(case.conversation, facts), facts.flow.src));
    }
    f.positions = vec![position];
    f.evidence = vec![Evidence {
        position,
        span: kept.defect.span,
        line: kept.line.to_vec(),
        line_number: kept.line_number,
        column: kept.column,
        label: kept.defect.what.to_owned(),
    }];
    f
}
