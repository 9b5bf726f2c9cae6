//! A table of trial calls: whom, with which options, and how each has to end. Kept as text, so that it reads like one.
//!
//! `WHOM [SETTING=value …] [options] => EXIT STATE [peer] findings…`, a row a line; a line that begins with `#` is a comment. With UPDATE_CALLS=1
//! what stands behind `=>` is written anew, to be read before it is kept.

// Each test program takes the part that it needs.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A call of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whom it is for: a scenario, a user, a mode.
    pub whom: String,
    /// Settings of the peer.
    pub settings: Vec<(String, String)>,
    /// Options of `sipctl invite`.
    pub options: Vec<String>,
    /// What it has to come to.
    pub outcome: String,
    /// Its place in the file.
    line: usize,
}

/// A table of calls.
pub struct Calls {
    path: PathBuf,
    lines: Vec<String>,
    /// Its rows.
    pub rows: Vec<Row>,
}

impl Calls {
    /// The table of that name.
    pub fn read(name: &str) -> Calls {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop_invite").join(name);
        let text = std::fs::read_to_string(&path).expect("the table is there");
        let lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        let rows = lines.iter().enumerate().filter_map(|(line, text)| Row::parse(line, text)).collect();
        Calls { path, lines, rows }
    }

    /// Makes every call, `parallel` at a time, and holds the outcomes against the table. `call` is told which of the parallel lanes
    /// it runs in.
    pub fn hold(mut self, parallel: usize, call: impl Fn(usize, &Row) -> String + Sync) {
        let next = AtomicUsize::new(0);
        let outcomes: Mutex<Vec<(usize, String)>> = Mutex::default();
        let rows = &self.rows;
        std::thread::scope(|scope| {
            for lane in 0..parallel {
                let (next, outcomes, call) = (&next, &outcomes, &call);
                scope.spawn(move || {
                    while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let outcome = call(lane, row);
                        outcomes.lock().unwrap().push((row.line, outcome));
                    }
                });
            }
        });
        let outcomes = outcomes.into_inner().unwrap();
        assert_eq!(outcomes.len(), self.rows.len(), "a row was not run");
        if std::env::var_os("UPDATE_CALLS").is_some() {
            return self.rewrite(&outcomes);
        }
        let mut wrong: Vec<String> = Vec::new();
        for row in &self.rows {
            let (_, found) = outcomes.iter().find(|(line, _)| *line == row.line).unwrap();
            if is_as(found, &row.outcome) {
                continue;
            }
            // Once more, alone: beside many others a peer may be late by more than its scenario forgives.
            let found = call(0, row);
            if !is_as(&found, &row.outcome) {
                wrong.push(format!("{} {:?}\n  expected {}\n  found    {found}", row.whom, row.options, row.outcome));
            }
        }
        assert!(wrong.is_empty(), "{} of {} calls:\n{}", wrong.len(), self.rows.len(), wrong.join("\n"));
    }

    fn rewrite(&mut self, outcomes: &[(usize, String)]) {
        for (line, outcome) in outcomes {
            let text = &mut self.lines[*line];
            let left = text.split("=>").next().unwrap().trim_end().to_owned();
            *text = format!("{left} => {outcome}");
        }
        std::fs::write(&self.path, self.lines.join("\n") + "\n").expect("the table can be written");
    }
}

impl Row {
    fn parse(line: usize, text: &str) -> Option<Row> {
        // A `#` elsewhere is a digit to send.
        let text = Some(text.trim()).filter(|text| !text.starts_with('#'))?;
        let (left, right) = text.split_once("=>")?;
        let mut words = left.split_whitespace().map(ToOwned::to_owned);
        let whom = words.next()?;
        let is_setting = |word: &String| {
            word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        };
        let (settings, options): (Vec<_>, Vec<_>) = words.partition(is_setting);
        let pair = |s: String| s.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        let settings = settings.into_iter().filter_map(pair).collect();
        Some(Row { whom, settings, options, outcome: right.trim().to_owned(), line })
    }

    /// One of its settings.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What a trial call came to.
pub struct Called {
    /// Its document.
    pub document: Value,
    /// What it said beside.
    pub errors: String,
    /// Its exit code.
    pub exit: i32,
    /// Its own recording.
    pub file: tempfile::TempPath,
}

/// Runs `sipctl invite`, which nothing may hold up.
pub fn invite(target: &str, options: &[String], more: &[&str]) -> Called {
    let file = tempfile::Builder::new().suffix(".pcapng").tempfile().unwrap().into_temp_path();
    // It writes a file of its own, and through no link.
    std::fs::remove_file(&file).unwrap();
    let mut command = Command::new("timeout");
    command.args(["90", env!("CARGO_BIN_EXE_sipctl"), "invite", target, "--json", "--write"]).arg(&file);
    command.args(options).args(more).env_remove("SSLKEYLOGFILE").env("SIPCTL_PASSWORD", "secret");
    let done = command.output().expect("timeout and the binary run");
    let document = serde_json::from_slice(&done.stdout).unwrap_or(Value::Null);
    let errors = String::from_utf8_lossy(&done.stderr).into_owned();
    Called { document, errors, exit: done.status.code().unwrap_or(-1), file }
}

impl Called {
    /// Exit code, state, and what was found that is no mere information: as a row of the table has it.
    pub fn outcome(&self, peer: &str) -> String {
        let state = self.document["state"].as_str().unwrap_or("unknown").to_owned();
        let heard = self.document["media"]["received"]["heard"].as_str().unwrap_or("-").to_owned();
        let mut words = vec![self.exit.to_string(), state.clone(), heard];
        words.extend((!peer.is_empty()).then(|| peer.to_owned()));
        words.extend(self.up());
        words.extend(grave(&self.document));
        let decoded = self.decoded();
        let state_decoded = decoded["calls"][0]["state"].as_str().unwrap_or("unknown");
        // A call that nobody answered goes on, as far as a capture can tell.
        if state_decoded != state && state_decoded != "trying" {
            words.push(format!("BUT-DECODED-STATE {state_decoded}"));
        }
        if grave(&decoded) != grave(&self.document) {
            words.push(format!("BUT-DECODED {}", grave(&decoded).join(" ")));
        }
        if steers(&self.errors) {
            words.push("STEERS-THE-TERMINAL".to_owned());
        }
        words.join(" ")
    }

    /// What its recording decodes to.
    pub fn decoded(&self) -> Value {
        let done =
            Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", "--json"]).arg(&self.file).output().unwrap();
        serde_json::from_slice(&done.stdout).unwrap_or(Value::Null)
    }

    /// Whether a call was left up, by the messages alone: answered with a To tag that no BYE followed, of either side.
    fn up(&self) -> Option<String> {
        let empty = Vec::new();
        let messages = self.document["messages"].as_array().unwrap_or(&empty);
        let text = |message: &Value, key: &str| message[key].as_str().unwrap_or_default().to_owned();
        let answered = messages.iter().filter(|m| {
            m["cseq"]["method"] == "INVITE" && m["status"].as_u64().is_some_and(|status| (200..300).contains(&status))
        });
        let ended = |tag: &str| {
            messages.iter().any(|m| {
                m["method"] == "BYE"
                    && m["kind"] == "request"
                    && [text(m, "to_tag"), text(m, "from_tag")].iter().any(|t| t == tag)
            })
        };
        let up = answered.filter(|m| !ended(&text(m, "to_tag"))).count();
        (up > 0).then(|| "LEFT-UP".to_owned())
    }
}

/// Errors and warnings of a document, each code once, in order.
fn grave(document: &Value) -> Vec<String> {
    let empty = Vec::new();
    let findings = document["findings"].as_array().unwrap_or(&empty);
    let graves = findings.iter().filter(|f| f["severity"] != "info");
    let mut codes: Vec<String> = graves.filter_map(|f| f["code"].as_str().map(ToOwned::to_owned)).collect();
    codes.sort();
    codes.dedup();
    codes
}

/// Whether an outcome is as expected. A word of the table that ends in `?` may be there or not: what depends on the timing of others.
fn is_as(found: &str, expected: &str) -> bool {
    let mut found = found.split_whitespace().peekable();
    for word in expected.split_whitespace() {
        match (word.strip_suffix('?'), found.peek()) {
            (Some(word), Some(next)) if *next == word => drop(found.next()),
            (Some(_), _) => {}
            (None, Some(next)) if *next == word => drop(found.next()),
            (None, _) => return false,
        }
    }
    found.next().is_none()
}

fn steers(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\n')
}
