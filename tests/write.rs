//! `--write`: what is saved of a selection decodes to the same calls and streams again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn sipctl(args: &[&str]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("sipctl")).arg("decode").args(args).output().expect("sipctl starts")
}

fn shared(folder: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("SIPCTL_SHARED").map_or_else(beside, PathBuf::from).join(folder);
    if !path.is_dir() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn captures(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            captures(&path, found);
        } else if std::fs::metadata(&path).unwrap().len() < 4 << 20 {
            found.push(path);
        }
    }
}

/// Takes from a value what depends on where in a file something stands.
fn bare(mut value: Value) -> Value {
    for key in ["id", "index", "frame", "source", "offset_ms", "call", "messages", "streams", "findings", "notes"] {
        value.as_object_mut().unwrap().remove(key);
    }
    if let Some(original) = value.get_mut("retransmission_of") {
        *original = Value::Bool(!original.is_null());
    }
    value
}

/// Findings of silence: how long it was depends on where the file ends, and what was saved of it may end earlier.
const SILENCES: [&str; 7] = [
    "no-response",
    "ack-missing",
    "prack-missing",
    "call-open",
    "abrupt-end",
    "auth-no-credentials",
    "session-expired",
];

/// Every conversation with its messages, streams and the codes of its findings, in an order that does not depend on others.
fn told(document: &Value) -> Vec<String> {
    let list = |of: &Value, key: &str| of[key].as_array().cloned().unwrap_or_default();
    let by = |key: &str, id: &str| {
        let all = list(document, key).into_iter();
        all.map(|x| (x[id].as_u64().unwrap(), x)).collect::<std::collections::HashMap<_, _>>()
    };
    let (messages, streams) = (by("messages", "index"), by("streams", "id"));
    let findings = list(document, "findings");
    let mut all = Vec::new();
    for kind in ["calls", "registrations", "exchanges"] {
        for one in list(document, kind) {
            let number = |v: &Value| v.as_u64().unwrap();
            let parts = [
                list(&one, "messages")
                    .iter()
                    .map(|n| bare(messages[&number(n)].clone()).to_string())
                    .collect::<Vec<_>>(),
                list(&one, "streams").iter().map(|n| bare(streams[&number(n)].clone()).to_string()).collect(),
                list(&one, "findings")
                    .iter()
                    .map(|n| findings[number(n) as usize]["code"].as_str().unwrap().to_owned())
                    .filter(|code| !SILENCES.contains(&code.as_str()))
                    .collect(),
            ];
            all.push(format!("{kind} {} {parts:?}", bare(one)));
        }
    }
    all.extend(streams.values().filter(|s| s["call"].is_null()).map(|s| bare(s.clone()).to_string()));
    all.sort();
    all
}

/// Decodes `file`, saves the selection, decodes that, and compares.
fn compare(file: &Path, selection: &[&str], room: &Path) -> usize {
    let saved = room.join("saved.pcapng");
    let (file, saved) = (file.to_str().unwrap(), saved.to_str().unwrap());
    let first = sipctl(&[&[file, "--json", "--write", saved], selection].concat());
    if first.status.code() != Some(0) {
        return 0;
    }
    let again = sipctl(&[&[saved, "--json"], selection].concat());
    assert_eq!(again.status.code(), Some(0), "{file}: {}", String::from_utf8_lossy(&again.stderr));
    let [first, again] = [first, again].map(|o| told(&serde_json::from_slice(&o.stdout).unwrap()));
    assert_eq!(first, again, "{file} {selection:?}");
    1
}

#[test]
fn everything_that_is_decoded_is_saved() {
    let room = tempfile::tempdir().unwrap();
    for folder in ["examples", "corpus/captures"] {
        let Some(folder) = shared(folder) else { continue };
        let mut files = Vec::new();
        captures(&folder, &mut files);
        let compared: usize = files.iter().map(|file| compare(file, &[], room.path())).sum();
        assert!(compared > 20, "only {compared} captures in {}", folder.display());
    }
}

#[test]
fn a_selection_is_saved_with_its_media_and_nothing_else() {
    let Some(examples) = shared("examples") else { return };
    let room = tempfile::tempdir().unwrap();
    for name in ["many_calls.pcap", "transfer_refer.pcap", "early_media.pcap", "b2bua_two_legs.pcap"] {
        assert_eq!(compare(&examples.join(name), &["--method", "INVITE"], room.path()), 1);
        let saved = room.path().join("saved.pcapng");
        let whole = sipctl(&[saved.to_str().unwrap(), "--json"]);
        let whole: Value = serde_json::from_slice(&whole.stdout).unwrap();
        assert_eq!(
            (&whole["registrations"], &whole["exchanges"]),
            (&Value::Array(vec![]), &Value::Array(vec![])),
            "{name}"
        );
    }
}

#[test]
fn standard_input_and_pipes_are_saved_as_a_file_is() {
    let Some(examples) = shared("examples") else { return };
    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name).to_str().unwrap().to_owned();
    let (one, two) = (examples.join("call_basic_proxy.pcap"), examples.join("busy_486.pcap"));
    let select = ["--method", "INVITE", "--summary"];
    let plain = sipctl(&[&[two.to_str().unwrap(), one.to_str().unwrap(), "-w", &at("files")], &select[..]].concat());
    assert_eq!(plain.status.code(), Some(0));
    // Both the second of two inputs and a filter shift the numbers of what is kept aside.
    let piped = Command::new(assert_cmd::cargo::cargo_bin!("sipctl"))
        .args(["decode", two.to_str().unwrap(), "-", "-w", &at("piped")])
        .args(select)
        .env("TMPDIR", room.path())
        .stdin(std::fs::File::open(&one).unwrap())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(piped.status.code(), Some(0), "{}", String::from_utf8_lossy(&piped.stderr));
    assert!(std::fs::read(at("files")).unwrap() == std::fs::read(at("piped")).unwrap(), "the same packets");
    let left: Vec<_> = room.path().read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing is left behind: {left:?}");
}

#[test]
fn what_cannot_be_written_is_one_line_and_no_input_is_overwritten() {
    let room = tempfile::tempdir().unwrap();
    let input = room.path().join("input.pcap");
    let header = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    std::fs::write(&input, header).unwrap();
    let link = room.path().join("link");
    std::os::unix::fs::symlink("elsewhere", &link).unwrap();
    let hard = room.path().join("hard");
    std::fs::hard_link(&input, &hard).unwrap();
    let (input, link, hard) = (input.to_str().unwrap(), link.to_str().unwrap(), hard.to_str().unwrap());
    for (args, said) in [
        (vec!["-w", "/dev/full"], "cannot write /dev/full: No space left on device".to_owned()),
        (vec!["-w", "/nosuch/x"], "cannot create /nosuch/x: No such file or directory".to_owned()),
        (vec!["-w", link], format!("{link} is a symbolic link: captures are not written through one")),
        (vec!["-w", input], format!("{input} is read: it cannot be written at the same time")),
        (vec!["-o", hard], format!("{input} is read: it cannot be written at the same time")),
        (vec!["-w", "x", "-o", "x"], "--write and --output both name x".to_owned()),
        (
            vec!["-w", "-"],
            "--write - and the report cannot both go to standard output: give the report a file with -o".to_owned(),
        ),
    ] {
        let done = sipctl(&[&[input], &args[..]].concat());
        assert_eq!(String::from_utf8_lossy(&done.stderr), format!("sipctl: {said}\n"), "{args:?}");
        assert_eq!(done.status.code(), Some(2), "{args:?}");
    }
    assert_eq!(std::fs::read(input).unwrap(), header);
}
