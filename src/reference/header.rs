//! Header fields: what each one is for. Names, compact forms and documents stand in [`HeaderName`].

mod words;

use super::topic::{Kind, Part, Topic};
use crate::sip::{HeaderName, Occurrence};

/// What is said of every registered header field.
pub fn topics() -> impl Iterator<Item = Topic> {
    HeaderName::ALL.iter().map(|&name| {
        let canonical = name.canonical();
        let mut parts = vec![Part::text("means", words::meaning(name))];
        let trouble = words::trouble(name);
        if !trouble.is_empty() {
            parts.push(Part::text("trouble", trouble));
        }
        parts.push(Part::text("occurs", occurrence(name.occurrence())));
        let mut aliases = vec![canonical.to_owned(), format!("header {canonical}")];
        if let Some(letter) = name.compact() {
            parts.push(Part { name: "compact", lines: vec![format!("{letter} (as in {letter}: …)")] });
            aliases.push(letter.to_string());
        }
        Topic {
            kind: Kind::Header,
            name: canonical.to_owned(),
            title: match name.compact() {
                Some(letter) => format!("header field, compact form {letter}"),
                None => "header field".to_owned(),
            },
            aliases,
            parts,
            rule: name.rule().to_owned(),
        }
    })
}

/// RFC 3261 §7.3.1
fn occurrence(occurrence: Occurrence) -> &'static str {
    match occurrence {
        Occurrence::Once => "once in a message, with one value",
        Occurrence::List => "any number of times; commas part several values in one field",
        Occurrence::Repeated => "any number of times, one value each: a comma is part of the value",
    }
}

#[cfg(test)]
mod tests {
    use super::topics;
    use crate::sip::HeaderName;

    #[test]
    fn every_registered_header_field_is_explained() {
        assert_eq!(topics().count(), HeaderName::ALL.len());
        for topic in topics() {
            assert!(topic.parts[0].lines[0].len() >= 17, "{}", topic.name);
        }
    }

    #[test]
    fn compact_forms_are_named() {
        let via = topics().find(|t| t.name == "Via").unwrap();
        assert!(via.aliases.contains(&"v".to_owned()) && via.title.ends_with("compact form v"));
    }
}
