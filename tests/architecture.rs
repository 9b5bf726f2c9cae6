//! The shape of `src/`: which folder may name which, how long a file may be, where `unsafe` stands, how an RFC is cited.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

/// The floors, lowest first. A folder names only folders on lower floors; two on one floor never name each other.
const FLOORS: &[&[&str]] = &[
    &["base"],
    &["sip", "media", "digest", "net"],
    &["capture", "reference", "trace", "transaction", "transport"],
    &["agent", "analysis"],
    &["driver"],
    &["report"],
    &["render"],
    &["cli"],
    &["commands"],
];

/// Lines of a file in `src/`, tests apart.
const MOST_LINES: usize = 500;

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every Rust file of `src/`: its path below it, and its text.
fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![src()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(src()).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.len() > 100, "only {} files were found", found.len());
    found
}

fn floor_of(folder: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&folder))
}

/// The code of a file: without comments, in which any folder may be spoken of.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The folders that a piece of code names by `crate::folder`, also inside `crate::{a, b::c}`.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let is_path = code[..at].chars().next_back().is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        let rest = &code[at + "crate::".len()..];
        let word = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        if !is_path {
        } else if let Some(group) = rest.strip_prefix('{') {
            names.extend(members(group).iter().map(|member| word(member.trim())));
        } else {
            names.push(word(rest));
        }
    }
    names
}

/// What stands in a group up to its closing brace, split at the commas of its own level.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut from, mut members) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push(&group[from..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&group[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    members
}

#[test]
fn the_names_in_code_are_found() {
    let text =
        "use crate::{sip::Via, base::{Span, Time}, net};\nlet x = crate::trace::x(); // crate::cli\nmacrocrate::y";
    assert_eq!(named(&code(text)), ["sip", "base", "net", "trace"]);
}

#[test]
fn folders_name_only_lower_floors() {
    let mut wrong = Vec::new();
    for (name, text) in files() {
        let Some((folder, _)) = name.split_once('/') else { continue };
        let Some(own) = floor_of(folder) else {
            wrong.push(format!("{name}: the folder {folder} stands on no floor"));
            continue;
        };
        for other in named(&code(&text)).iter().filter(|other| *other != folder) {
            match floor_of(other) {
                Some(floor) if floor < own => {}
                Some(_) => wrong.push(format!("{name} (floor {own}) names {other}")),
                // A macro or an item of the crate's root.
                None if !src().join(other).exists() => wrong.push(format!("{name} names crate::{other}")),
                None => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_command_line_names_clap() {
    let allowed = |name: &str| name.starts_with("cli/") || name.starts_with("commands/");
    let wrong: Vec<String> =
        files().into_iter().filter(|(n, t)| !allowed(n) && code(t).contains("clap::")).map(|(n, _)| n).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let is_test = |name: &str| name.ends_with("tests.rs") || name.contains("/tests/");
    let lines = |text: &str| text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
    let long: Vec<String> = files()
        .iter()
        .filter(|(name, text)| !is_test(name) && lines(text) > MOST_LINES)
        .map(|(name, text)| format!("{name}: {}", lines(text)))
        .collect();
    assert!(long.is_empty(), "more than {MOST_LINES} lines: {long:?}");
}

#[test]
fn folders_say_why_they_exist() {
    let silent: Vec<String> = files()
        .into_iter()
        .filter(|(name, text)| !text.starts_with("//! ") && !name.ends_with("tests.rs"))
        .map(|(name, _)| name)
        .collect();
    assert!(silent.is_empty(), "no module comment: {silent:?}");
}

#[test]
fn unsafe_code_stands_in_one_file() {
    for (name, text) in files() {
        let has = code(&text).contains("allow(unsafe_code)");
        assert_eq!(has, name == "capture/libpcap.rs", "{name}");
    }
}

#[test]
fn nothing_is_left_undone() {
    for (name, text) in files() {
        for word in ["TODO", "FIXME", "XXX:", "todo!(", "unimplemented!(", "dbg!("] {
            assert!(!text.contains(word), "{name} has {word}");
        }
    }
}

/// An RFC is cited as `RFC 3261 §17.1.2.2`: never joined by a hyphen, never with another word for the section.
#[test]
fn rfcs_are_cited_in_one_form() {
    let mut wrong = Vec::new();
    for (name, text) in files() {
        for (n, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| line.contains("RFC") && !line.contains("GeneralName::RFC822Name"))
        {
            for (at, _) in line.match_indices("RFC") {
                let alone = line[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
                let rest = &line[at + 3..];
                // `RFC_4475` and the like are names in code.
                if !alone
                    || rest.starts_with('_')
                    || rest.starts_with(' ') && !rest[1..].starts_with(|c: char| c.is_ascii_digit())
                {
                    continue;
                }
                if !is_citation(rest) {
                    wrong.push(format!("{name}:{}: {}", n + 1, line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What follows `RFC`: a blank, the number, and either no section or ` §` with its number.
fn is_citation(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix(' ') else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = rest[digits..].trim_start_matches([',', ' ']).to_ascii_lowercase();
    (3..=5).contains(&digits)
        && !after.starts_with("section")
        && !after.starts_with("sec.")
        && !rest[digits..].starts_with('§')
        && after.strip_prefix('§').is_none_or(|s| s.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[test]
fn citations_are_told_from_other_forms() {
    for good in [" 3261 §17.1.2.2", " 3261 §20.10, §25.1", " 4475", " 3550 §A.8", " 3339, with any offset"] {
        assert!(is_citation(good), "{good}");
    }
    for bad in ["3261", " 3261 section 17", " 3261, Section 17", " 3261§17", " 3261 § 17", "-3261"] {
        assert!(!is_citation(bad), "{bad}");
    }
}
