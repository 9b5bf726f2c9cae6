//! What is said of one thing, and how a word that was typed finds it.

use super::{alert, cause, element, header, method, status, timer, warning};

/// The kinds of things that are explained, in the order in which they are shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A status code.
    Status,
    /// A method.
    Method,
    /// A header field.
    Header,
    /// A timer.
    Timer,
    /// A release cause of Q.850.
    Cause,
    /// A TLS alert.
    Alert,
    /// A warning code.
    Warning,
    /// An element of a SIP network.
    Element,
}

impl Kind {
    /// The word for it in output; also what may stand before a topic: `header:v`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Status => "status",
            Kind::Method => "method",
            Kind::Header => "header",
            Kind::Timer => "timer",
            Kind::Cause => "cause",
            Kind::Alert => "alert",
            Kind::Warning => "warning",
            Kind::Element => "element",
        }
    }
}

/// Lines under a heading.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// The heading: a word or two.
    pub name: &'static str,
    /// What is said, a paragraph each.
    pub lines: Vec<String>,
}

impl Part {
    /// One paragraph.
    #[must_use]
    pub fn text(name: &'static str, text: &str) -> Part {
        Part { name, lines: vec![text.to_owned()] }
    }
}

/// What is said of one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Topic {
    /// What it is.
    pub kind: Kind,
    /// What it is called: `487`, `INVITE`, `Via`, `Timer B`, `Q.850 16`, `TLS 48`, `proxy`.
    pub name: String,
    /// A name or a few words beside that.
    pub title: String,
    /// What may be typed for it; case, blanks, hyphens and the like do not count.
    pub aliases: Vec<String>,
    /// What is said of it.
    pub parts: Vec<Part>,
    /// Where it is defined.
    pub rule: String,
}

/// Everything that is explained here, by kind.
pub fn all() -> impl Iterator<Item = Topic> {
    status::topics()
        .chain(method::topics())
        .chain(header::topics())
        .chain(timer::topics())
        .chain(cause::topics())
        .chain(alert::topics())
        .chain(warning::topics())
        .chain(element::topics())
}

/// Longest text that is looked up.
const MOST: usize = 100;

/// Every topic that `typed` means. `kind:` before it (`header:date`, `cause:16`) narrows.
#[must_use]
pub fn matching(typed: &str) -> Vec<Topic> {
    let (kind, word) = split_kind(typed);
    let wanted = plain(word);
    if wanted.is_empty() || word.len() > MOST {
        return Vec::new();
    }
    let mut found: Vec<Topic> = all()
        .filter(|t| kind.is_none_or(|k| k == t.kind.word()))
        .filter(|t| t.aliases.iter().any(|alias| plain(alias) == wanted))
        .collect();
    // A bare number is a status code before it is anything else; a bare letter is a header field before a timer.
    found.sort_by_key(|t| t.kind);
    found
}

/// `header:via` is `via` among the header fields. A colon behind any other word is part of what was typed.
#[must_use]
pub fn split_kind(typed: &str) -> (Option<&'static str>, &str) {
    const WORDS: [(&str, &str); 13] = [
        ("finding", "finding"),
        ("status", "status"),
        ("code", "status"),
        ("method", "method"),
        ("header", "header"),
        ("field", "header"),
        ("timer", "timer"),
        ("cause", "cause"),
        ("q850", "cause"),
        ("alert", "alert"),
        ("tls", "alert"),
        ("warning", "warning"),
        ("element", "element"),
    ];
    let Some((before, after)) = typed.split_once(':') else { return (None, typed.trim()) };
    let word = plain(before);
    match WORDS.iter().find(|(name, _)| *name == word) {
        Some((_, kind)) => (Some(kind), after.trim()),
        None => (None, typed.trim()),
    }
}

/// A text without what does not count: case, blanks, and the marks between words.
#[must_use]
pub fn plain(text: &str) -> String {
    let text = text.trim().trim_end_matches(':');
    text.chars()
        .filter(|c| !matches!(c, ' ' | '-' | '_' | '.' | '/' | '\'' | ';' | '=' | ','))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{all, matching, plain};
    use std::collections::HashSet;

    fn names(typed: &str) -> Vec<String> {
        matching(typed).into_iter().map(|t| t.name).collect()
    }

    #[test]
    fn what_is_typed_is_recognised_in_many_forms() {
        assert_eq!(names("487"), ["487"]);
        assert_eq!(names("request terminated"), ["487"]);
        assert_eq!(names("invite"), ["INVITE"]);
        assert_eq!(names("via:"), ["Via"]);
        assert_eq!(names("v"), ["Via"]);
        assert_eq!(names("www authenticate"), ["WWW-Authenticate"]);
        assert_eq!(names("timer b"), ["Timer B"]);
        assert_eq!(names("TimerB"), ["Timer B"]);
        assert_eq!(names("q850 16"), ["Q.850 16"]);
        assert_eq!(names("Q.850;cause=16"), ["Q.850 16"]);
        assert_eq!(names("cause 16"), ["Q.850 16"]);
        assert_eq!(names("tls 48"), ["TLS 48"]);
        assert_eq!(names("Unknown CA"), ["TLS 48"]);
        assert_eq!(names("warning 305"), ["Warning 305"]);
        assert_eq!(names("session border controller"), ["SBC"]);
    }

    #[test]
    fn several_meanings_are_all_shown_and_a_kind_narrows() {
        assert_eq!(names("b"), ["Referred-By", "Timer B"]);
        assert_eq!(names("timer:b"), ["Timer B"]);
        assert_eq!(names("305"), ["305", "Warning 305"]);
        assert_eq!(names("42"), ["Q.850 42", "TLS 42"]);
        assert_eq!(names("cause:42"), ["Q.850 42"]);
        assert_eq!(names("method:42"), Vec::<String>::new());
    }

    #[test]
    fn nothing_and_nonsense_mean_nothing() {
        assert!(names("").is_empty() && names("  :").is_empty() && names("frobnicate").is_empty());
        assert!(names(&"a".repeat(5000)).is_empty());
    }

    #[test]
    fn every_topic_is_found_by_its_own_name_and_says_something() {
        let mut seen = HashSet::new();
        for topic in all() {
            assert!(matching(&topic.name).contains(&topic), "{}", topic.name);
            assert!(seen.insert((topic.kind.word(), plain(&topic.name))), "{} is there twice", topic.name);
            assert!(
                !topic.parts.is_empty() && topic.parts.iter().all(|p| p.lines.iter().all(|l| !l.is_empty())),
                "{}",
                topic.name
            );
            assert!(!topic.rule.is_empty() && !topic.title.is_empty(), "{}", topic.name);
        }
    }
}
