//! What is found in captures that other people's software made: errors and warnings, by code and number, for each capture. The table is in
//! `tests/corpus_findings.txt`; each line of it was read beside the capture. The captures are not ours: where they are not, the test says so and passes.
//! `UPDATE_FINDINGS=1 cargo test --test corpus_findings` writes the table.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "others ask it for more")]
mod shared;

use shared::{decode, folder, list};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn captures(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { captures(&path, all) } else { all.push(path) }
    }
}

/// `name: error ack-missing 1, warning retransmission 3`
fn line(root: &Path, capture: &Path) -> String {
    let found = decode(capture, None);
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for finding in list(&found, "findings") {
        let word = |key: &str| finding[key].as_str().unwrap().to_owned();
        if word("severity") != "info" {
            *counts.entry((word("severity"), word("code"))).or_default() += 1;
        }
    }
    let mut line = format!("{}:", capture.strip_prefix(root).unwrap().display());
    for (n, ((severity, code), count)) in counts.iter().enumerate() {
        write!(line, "{} {severity} {code} {count}", if n > 0 { "," } else { "" }).unwrap();
    }
    line
}

#[test]
fn what_is_found_in_each_capture_is_what_was_read_in_it() {
    let Some(root) = folder("corpus/captures") else { return };
    let mut all = Vec::new();
    captures(&root, &mut all);
    all.sort();
    assert!(all.len() > 60, "{} captures", all.len());
    let lines: Vec<String> = all.iter().map(|capture| line(&root, capture)).collect();
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus_findings.txt");
    if std::env::var_os("UPDATE_FINDINGS").is_some() {
        std::fs::write(&table, lines.join("\n") + "\n").unwrap();
    }
    let kept = std::fs::read_to_string(&table).unwrap();
    let kept: Vec<&str> = kept.lines().collect();
    let differing: Vec<String> = lines
        .iter()
        .filter(|line| !kept.contains(&line.as_str()))
        .map(|line| {
            let name = line.split(':').next().unwrap_or_default();
            let before = kept.iter().find(|k| k.split(':').next() == Some(name)).unwrap_or(&"(not in the table)");
            format!("found {line}\n  table {before}")
        })
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert_eq!(lines.len(), kept.len(), "the table names captures that are not there");
}
