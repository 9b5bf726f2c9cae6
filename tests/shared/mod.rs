//! Where captures that are not ours lie, and the binary run over them.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folder of captures and truths beside the project; `None`, said aloud, where there is none.
pub fn folder(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let root = std::env::var_os("SIPCTL_SHARED").map_or_else(beside, PathBuf::from);
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not there (SIPCTL_SHARED names its parent)", folder.display());
    None
}

/// The JSON that `sipctl decode` gives for a capture.
pub fn decode(capture: &Path, keylog: Option<&Path>) -> Value {
    let mut command = assert_cmd::Command::cargo_bin("sipctl").expect("the binary is built");
    command.arg("decode").arg(capture).arg("--json");
    if let Some(keylog) = keylog {
        command.arg("--keylog").arg(keylog);
    }
    let done = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{}: {said}", capture.display());
    serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{}: {e}", capture.display()))
}

/// Whether a message says of itself that it is a second sight of an earlier one, and was not sent again.
pub fn is_copy(message: &Value) -> bool {
    let says = |n: &Value| {
        n.as_str().is_some_and(|n| n.starts_with("the same as message ") || n.starts_with("the same message "))
    };
    list(message, "notes").iter().any(says)
}

/// The objects of one list of a document.
pub fn list<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    document[name].as_array().unwrap_or_else(|| panic!("no list {name}"))
}
