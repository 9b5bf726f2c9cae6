//! What `sipctl explain` tells: the catalogue of findings joined with the reference.

use super::decode::Severity;
use crate::analysis::rules::{self, Entry};
use crate::reference::{self, near, topic};
use schemars::JsonSchema;
use serde::Serialize;

/// The name of this form of output.
pub const SCHEMA: &str = "sipctl.explain/1";

/// Words suggested for one that is not known.
const SUGGESTED: usize = 5;

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// `sipctl.explain/1`
    pub schema: &'static str,
    /// What was asked for; absent where everything was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Every meaning of it.
    pub topics: Vec<Topic>,
}

/// What is said of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Topic {
    /// `finding`, `status`, `method`, `header`, `timer`, `cause`, `alert`, `warning` or `element`.
    pub kind: &'static str,
    /// What it is called.
    pub name: String,
    /// A name or a few words beside that.
    pub title: String,
    /// How grave, for a finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// What is said of it, under headings.
    pub parts: Vec<Part>,
    /// Where it is defined.
    pub rule: String,
}

/// Paragraphs under a heading.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Part {
    /// The heading.
    pub name: &'static str,
    /// The paragraphs.
    pub lines: Vec<String>,
}

/// Everything that can be explained: findings in the order of their codes, then the reference by kind.
#[must_use]
pub fn everything() -> Report {
    let mut topics: Vec<Topic> = rules::entries().map(of_entry).collect();
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    topics.extend(reference::all().map(of_topic));
    Report { schema: SCHEMA, topic: None, topics }
}

/// Every meaning of what was typed, findings first; empty where there is none.
#[must_use]
pub fn of(typed: &str) -> Report {
    let (kind, word) = topic::split_kind(typed);
    let wanted = topic::plain(word);
    let is_asked = |e: &&Entry| kind.is_none_or(|k| k == "finding") && topic::plain(e.code) == wanted;
    let mut topics: Vec<Topic> = rules::entries().filter(is_asked).map(of_entry).collect();
    topics.extend(reference::matching(typed).into_iter().map(of_topic));
    Report { schema: SCHEMA, topic: Some(typed.trim().to_owned()), topics }
}

/// Names that are near to one that is not known, the nearest first.
#[must_use]
pub fn suggestions(typed: &str) -> Vec<String> {
    let (kind, word) = topic::split_kind(typed);
    let is_asked = |word: &str| kind.is_none_or(|k| k == word);
    let mut known: Vec<String> = Vec::new();
    if is_asked("finding") {
        known.extend(rules::entries().map(|e| e.code.to_owned()));
    }
    for topic in reference::all().filter(|t| is_asked(t.kind.word())) {
        known.extend(topic.aliases);
    }
    near::near(word, known.iter().map(String::as_str), SUGGESTED).into_iter().map(str::to_owned).collect()
}

fn of_topic(topic: reference::Topic) -> Topic {
    Topic {
        kind: topic.kind.word(),
        name: topic.name,
        title: topic.title,
        severity: None,
        parts: topic.parts.into_iter().map(|part| Part { name: part.name, lines: part.lines }).collect(),
        rule: topic.rule,
    }
}

/// A finding's entry; headings with nothing under them are left out.
fn of_entry(entry: &Entry) -> Topic {
    let text = |name, text: &str| (name, vec![text.to_owned()]);
    let settings = entry.settings.iter().map(|(product, setting)| format!("{}: {setting}", product.name()));
    let parts = [
        text("means", entry.meaning),
        text("noticed", entry.noticed),
        ("causes", entry.causes.iter().map(|&cause| cause.to_owned()).collect()),
        text("confirm", entry.confirm),
        text("fix", entry.fix),
        ("settings", settings.collect()),
    ];
    let said = |(name, lines): (&'static str, Vec<String>)| {
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.trim().is_empty()).collect();
        (!lines.is_empty()).then_some(Part { name, lines })
    };
    Topic {
        kind: "finding",
        name: entry.code.to_owned(),
        title: "finding".to_owned(),
        severity: Some(entry.severity.into()),
        parts: parts.into_iter().filter_map(said).collect(),
        rule: entry.rule.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{everything, of, suggestions};

    #[test]
    fn findings_are_joined_with_the_reference() {
        let one = of("finding:ack-missing");
        assert_eq!((one.topics.len(), one.topics[0].kind, one.topics[0].name.as_str()), (1, "finding", "ack-missing"));
        assert!(one.topics[0].parts.iter().all(|p| p.lines.iter().all(|l| !l.is_empty())));
        assert_eq!(of("Ack Missing").topics, one.topics);
        assert_eq!(of("header:ack-missing").topics, []);
        let all = everything();
        for kind in ["finding", "status", "method", "header", "timer", "cause", "alert", "warning", "element"] {
            assert!(all.topics.iter().any(|t| t.kind == kind), "{kind}");
        }
    }

    #[test]
    fn an_unknown_word_suggests_near_ones() {
        assert!(suggestions("ack-mising").contains(&"ack-missing".to_owned()));
        assert!(suggestions("INVTE").contains(&"INVITE".to_owned()));
        assert!(suggestions("header:Contcat").contains(&"Contact".to_owned()));
        assert_eq!(suggestions("xyzzyxyzzy"), [""; 0]);
    }
}
