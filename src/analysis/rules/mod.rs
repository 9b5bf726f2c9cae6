//! The rules, one a file, in groups, and the table of what they can say.

pub mod attack;
pub mod auth;
pub mod dialog;
pub mod grammar;
pub mod identity;
pub mod media;
pub mod nat;
pub mod outcome;
pub mod reach;
pub mod registration;
pub mod sdp;

use super::finding::Confidence;
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
    /// Who notices, and how.
    pub noticed: &'static str,
    /// Likely causes, the likeliest first.
    pub causes: &'static [&'static str],
    /// How to confirm it.
    pub confirm: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// The settings that mend it, where a product has one.
    pub settings: &'static [(Product, &'static str)],
    /// Where the rule comes from.
    pub rule: &'static str,
}

/// Software whose settings are named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Product {
    /// Asterisk, with chan_pjsip.
    Asterisk,
    /// FreeSWITCH, with mod_sofia.
    FreeSwitch,
    /// Kamailio
    Kamailio,
    /// OpenSIPS
    OpenSips,
}

impl Product {
    /// As its makers spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Product::Asterisk => "Asterisk",
            Product::FreeSwitch => "FreeSWITCH",
            Product::Kamailio => "Kamailio",
            Product::OpenSips => "OpenSIPS",
        }
    }
}

/// A rule: a judge, and the codes that it may give.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Adds its findings on a case.
    pub judge: fn(&Case<'_>, &mut Vec<Finding>),
    /// What it can say.
    pub entries: &'static [Entry],
}

/// Every rule by group, in the order in which they judge: causes before what may be their consequence.
pub const ALL: &[&[Rule]] = &[
    grammar::RULES,
    reach::RULES,
    auth::RULES,
    dialog::RULES,
    sdp::RULES,
    media::RULES,
    nat::RULES,
    registration::RULES,
    identity::RULES,
    outcome::RULES,
    attack::RULES,
];

/// Every entry of every rule.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    ALL.iter().copied().flatten().flat_map(|rule| rule.entries)
}

/// The entry of a code.
#[must_use]
pub fn entry(code: &str) -> Option<&'static Entry> {
    entries().find(|e| e.code == code)
}

impl Entry {
    /// What an entry starts from: `Entry { code, …, ..Entry::BLANK }`.
    pub const BLANK: Entry = Entry {
        code: "",
        severity: Severity::Info,
        meaning: "",
        noticed: "",
        causes: &[],
        confirm: "",
        fix: "",
        settings: &[],
        rule: "",
    };

    /// A finding of this entry, still without detail and evidence.
    #[must_use]
    pub fn finding(&'static self, title: String) -> Finding {
        Finding {
            code: self.code,
            severity: self.severity,
            confidence: Confidence::Certain,
            title,
            detail: Vec::new(),
            ruled_out: Vec::new(),
            fix: self.fix,
            rule: self.rule,
            positions: Vec::new(),
            indices: Vec::new(),
            stream: None,
            evidence: Vec::new(),
            is_update: false,
            quotes: Vec::new(),
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
    use super::entries;

    #[test]
    fn every_code_stands_once_and_says_what_it_means() {
        let mut codes: Vec<&str> = entries().map(|e| e.code).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for e in entries() {
            assert!(e.meaning.len() > 20 && e.fix.len() > 10 && e.rule.contains("RFC "), "{}", e.code);
            assert!(e.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", e.code);
        }
    }
}
