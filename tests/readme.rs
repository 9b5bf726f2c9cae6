//! The examples of README.md are real: every `$ sipctl …` in a `console` block is run, and what stands under it is what it
//! prints, whole. `UPDATE_README=1 cargo test --test readme` writes the output.
//!
//! The servers that a block of shell commands starts (`sipctl serve …`) run while the examples do. What differs from run to run (times,
//! ports that the system chose, random identifiers) is left out of the comparison where a command sends anything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A command of the page and what stands under it.
struct Example {
    command: String,
    output: String,
}

/// The page in pieces: prose as it is, and the examples of each block.
enum Piece {
    Prose(String),
    Block(Vec<Example>),
}

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((prose, after)) = rest.split_once("```console\n") {
        let (block, after) = after.split_once("```\n").expect("the block ends");
        pieces.push(Piece::Prose(format!("{prose}```console\n")));
        let mut examples: Vec<Example> = Vec::new();
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => examples.push(Example { command: command.to_owned(), output: String::new() }),
                None => {
                    let output = &mut examples.last_mut().expect("a block begins with a command").output;
                    output.push_str(line);
                    output.push('\n');
                }
            }
        }
        pieces.push(Piece::Block(examples));
        rest = after;
        pieces.push(Piece::Prose("```\n".to_owned()));
    }
    pieces.push(Piece::Prose(rest.to_owned()));
    pieces
}

/// The address that the page's servers listen on. Each run has one of its own, as long as this, so that several can run at once.
const ADDRESS: &str = "127.16.50.60";

fn own_address() -> String {
    let id = std::process::id();
    format!("127.{}.{}.{}", 10 + id % 90, 10 + id / 90 % 90, 10 + id / 8100 % 90)
}

/// A server of the page, until the test ends.
struct Server(std::process::Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Starts what the page's shell blocks serve, and waits until each listens.
fn servers(text: &str, address: &str) -> Vec<Server> {
    let commands = text.lines().filter_map(|l| l.strip_prefix("sipctl serve ")).filter(|l| l.contains(ADDRESS));
    let start = |words: &str| {
        let words = words.replace(ADDRESS, address);
        let mut child = Command::new(env!("CARGO_BIN_EXE_sipctl"))
            .arg("serve")
            .args(words.split_whitespace())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let server = Server(child);
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(out));
        assert!(lines.by_ref().any(|l| l.unwrap().starts_with("listening on ")), "{words}");
        // Nobody may wait for a full pipe.
        std::thread::spawn(move || lines.count());
        server
    };
    commands.map(start).collect()
}

/// Whether a command's output differs from run to run.
fn sends(command: &str) -> bool {
    ["ping", "register", "trace", "resolve", "invite", "demo"]
        .iter()
        .any(|c| words(command).starts_with(&format!("sipctl {c} ")))
}

/// A command without the variables that are set before it.
fn words(command: &str) -> &str {
    let is_variable = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    let mut rest = command;
    while let Some((_, after)) = rest.split_once(' ').filter(|(word, _)| is_variable(word)) {
        rest = after;
    }
    rest
}

/// An output without what differs from run to run: numbers, identifiers, and the white space that depends on their width.
fn steady(output: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let mut words: Vec<String> = Vec::new();
    for line in output.lines() {
        // The user of a Contact that is made up.
        let mut parts = line.split("sipctl-");
        let first = parts.next().unwrap_or_default().to_owned();
        let line =
            parts.fold(first, |line, part| line + "sipctl-" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
        let mut word = String::new();
        for c in line.chars().chain(['\n']) {
            if is_part(c) {
                word.push(c);
                continue;
            }
            // Tags and branches have sixteen digits, the user of our Contact eight.
            let digits = word.strip_prefix("z9hG4bK").unwrap_or(&word);
            let random = matches!(digits.len(), 8 | 16 | 32) && digits.chars().all(|c| c.is_ascii_hexdigit());
            let number =
                word.chars().all(|c| c.is_ascii_digit() || c == '.') && word.contains(|c: char| c.is_ascii_digit());
            words.push(if random || number { "#".to_owned() } else { std::mem::take(&mut word) });
            word.clear();
            let is_space = c.is_whitespace() || matches!(c, '─' | '-' | '│');
            words.push(if is_space { String::new() } else { c.to_string() });
        }
    }
    words.retain(|w| !w.is_empty());
    words.join(" ")
}

/// What a shell at the top of the checkout prints, standard error included.
fn run(command: &str) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_sipctl")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("PATH", path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn examples_print_what_the_page_says() {
    let text = std::fs::read_to_string(readme()).unwrap();
    let mut written = String::new();
    let mut stale = Vec::new();
    let mut count = 0;
    let address = own_address();
    let _servers = servers(&text, &address);
    for piece in pieces(&text) {
        match piece {
            Piece::Prose(prose) => written.push_str(&prose),
            Piece::Block(examples) => {
                for Example { command, output } in examples {
                    assert!(words(&command).starts_with("sipctl "), "{command}");
                    count += 1;
                    let mut found = run(&command.replace(ADDRESS, &address)).replace(&address, ADDRESS);
                    if sends(&command) && steady(&found) == steady(&output) {
                        found.clone_from(&output);
                    }
                    if found != output {
                        stale.push(format!("$ {command}\n{found}--- the page says\n{output}"));
                    }
                    written.push_str(&format!("$ {command}\n{found}"));
                }
            }
        }
    }
    assert!(count >= 10, "{count} examples were found");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(readme(), written).unwrap();
    } else {
        assert!(stale.is_empty(), "{}", stale.join("\n"));
    }
}

/// Every option and every file that the page names exists, and the page names every reason for not decoding.
#[test]
fn the_page_names_what_there_is() {
    let text = std::fs::read_to_string(readme()).unwrap();
    let help = run(
        "for c in demo decode ping invite register resolve trace 'serve uas' 'serve registrar' 'serve redirect' 'serve proxy' 'serve b2bua' explain lint man; do sipctl $c --help; done",
    );
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let others =
        ["--release", "--test", "--path", "--no-default-features", "--version", "--help", "--calls", "--seconds"];
    for option in words.filter(|w| w.starts_with("--") && w.contains(char::is_alphanumeric) && !others.contains(w)) {
        assert!(help.contains(option), "{option} is no option");
    }
    for file in text.split(|c: char| c.is_whitespace() || matches!(c, '`' | '(' | ')' | ',' | ';' | ':')) {
        if file.starts_with("testdata/") || file.starts_with("tests/") {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists(), "{file} is not there");
        }
    }
    let table = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/net/undecoded.rs")).unwrap();
    let keys: Vec<&str> = table
        .lines()
        .filter_map(|l| l.trim().strip_prefix("Reason::")?.split_once(" => \"")?.1.strip_suffix("\","))
        .filter(|key| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        .collect();
    assert!(keys.len() > 15, "{keys:?}");
    for key in keys {
        assert!(text.contains(&format!("`{key}`")), "{key} is not explained");
    }
}
