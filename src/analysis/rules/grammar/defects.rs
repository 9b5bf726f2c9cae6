//! Findings that are defects of a message: each kind of defect is one code, shown where it stands in the message.

use super::entries::{ENTRIES, KINDS};
use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Evidence, Finding, Severity, words};
use crate::sip::{Defect, DefectKind};
use crate::trace::Facts;
use crate::trace::facts::KeptDefect;

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
        for kept in facts.defects().iter().filter(|kept| !is_behind_the_cut(facts, kept)) {
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

/// Whether a fault follows from that the message breaks off: what is missing may have stood behind that place, and the last line may have been longer.
fn is_behind_the_cut(facts: &Facts, kept: &KeptDefect) -> bool {
    let Some(cut) = facts.defects().iter().find(|d| d.defect.kind == DefectKind::MessageTruncated) else {
        return false;
    };
    match kept.defect.kind {
        DefectKind::HeaderMissing => true,
        DefectKind::MessageTruncated => false,
        _ => kept.line_number == cut.line_number,
    }
}

/// How grave a defect is: what receivers have to put up with is less than its kind.
#[must_use]
pub fn severity(defect: &Defect) -> Severity {
    let usual = KINDS.iter().position(|&kind| kind == defect.kind).and_then(|at| ENTRIES.get(at));
    match defect.kind {
        DefectKind::HeaderMissing if defect.what.contains("Max-Forwards") => Severity::Warning,
        // The version is compared without regard to case, and sent in upper case. RFC 3261 §7.1
        DefectKind::VersionUnknown if defect.what.contains("upper case") => Severity::Warning,
        _ => usual.map_or(Severity::Error, |entry| entry.severity),
    }
}

fn finding(case: &Case<'_>, position: u32, entry: &'static Entry, kept: &KeptDefect) -> Finding {
    let mut f = entry.finding(kept.defect.what.to_owned());
    f.severity = severity(&kept.defect);
    if kept.defect.kind == DefectKind::MessageTruncated && kept.defect.what.contains("empty line") {
        f.fix = "Look at the program that made the message: an empty line ends its header. Where the message comes from a log, the log left that out.";
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
