//! The rules, one a file, and the table of what they can say.

pub mod ack_missing;
pub mod defects;
pub mod no_response;
pub mod outcome;
pub mod register_refused;
pub mod retransmission;

use super::{Case, Finding, Severity};

/// What is said of a finding's code, whatever the case.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The code.
    pub code: &'static str,
    /// Its usual severity.
    pub severity: Severity,
    /// What it means, in a sentence or two.
    pub meaning: &'static str,
    /// Where the rule comes from.
    pub rule: &'static str,
    /// What to do.
    pub fix: &'static str,
}

/// A rule: a judge, and the codes that it may give.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Adds its findings on a case.
    pub judge: fn(&Case<'_>, &mut Vec<Finding>),
    /// What it can say.
    pub entries: &'static [Entry],
}

/// Every rule, in the order in which they judge: causes before what may be their consequence.
pub const ALL: &[Rule] =
    &[defects::RULE, no_response::RULE, ack_missing::RULE, retransmission::RULE, outcome::RULE, register_refused::RULE];

/// The entry of a code.
#[must_use]
pub fn entry(code: &str) -> Option<&'static Entry> {
    ALL.iter().flat_map(|rule| rule.entries).find(|e| e.code == code)
}

impl Entry {
    /// A finding of this entry, still without detail and evidence.
    #[must_use]
    pub fn finding(&'static self, title: String) -> Finding {
        Finding {
            code: self.code,
            severity: self.severity,
            title,
            detail: Vec::new(),
            fix: self.fix,
            rule: self.rule,
            positions: Vec::new(),
            evidence: Vec::new(),
        }
    }
}

/// Whether an earlier finding of one of `codes` already stands on the message at `position`.
#[must_use]
pub fn is_explained(findings: &[Finding], codes: &[&str], position: u32) -> bool {
    findings.iter().any(|f| codes.contains(&f.code) && f.positions.contains(&position))
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_code_stands_once_and_says_what_it_means() {
        let mut codes: Vec<&str> = ALL.iter().flat_map(|r| r.entries).map(|e| e.code).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for e in ALL.iter().flat_map(|r| r.entries) {
            assert!(e.meaning.len() > 20 && e.fix.len() > 10 && e.rule.contains("RFC "), "{}", e.code);
            assert!(e.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", e.code);
        }
    }
}
