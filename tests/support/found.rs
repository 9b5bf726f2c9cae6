//! What `decode` finds in a scene.

use super::message::Message;
use super::scene::Scene;
use super::scenes::findings::dialog::exchange;
use super::scenes::{alice, bob};
use serde_json::Value;
use std::process::Command;

/// What `decode` says of a capture.
pub fn decode(scene: &Scene) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scene.pcap");
    std::fs::write(&path, scene.pcap()).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", "--json"]).arg(&path).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Code, severity, title and detail of each finding.
pub fn findings(scene: &Scene) -> Vec<[String; 4]> {
    let document = decode(scene);
    let all = document["findings"].as_array().unwrap().iter();
    all.map(|f| ["code", "severity", "title", "detail"].map(|key| f[key].as_str().unwrap().to_owned())).collect()
}

/// Those that are errors or warnings.
pub fn grave(scene: &Scene) -> Vec<[String; 4]> {
    findings(scene).into_iter().filter(|f| f[1] != "info").collect()
}

/// The only finding of weight: its code and severity, and what its title or detail says.
#[track_caller]
pub fn only(scene: &Scene, code: &str, severity: &str, says: &str) {
    let found = grave(scene);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0][0].as_str(), found[0][1].as_str()), (code, severity), "{found:#?}");
    assert!(found[0][2].contains(says) || found[0][3].contains(says), "{found:#?}");
}

/// A finding at level info, with none of weight beside it.
#[track_caller]
pub fn info(scene: &Scene, code: &str, says: &str) {
    let found = findings(scene);
    assert!(found.iter().all(|f| f[1] == "info"), "{found:#?}");
    let it = found.iter().find(|f| f[0] == code).unwrap_or_else(|| panic!("no {code} in {found:#?}"));
    assert!(it[2].contains(says) || it[3].contains(says), "{it:#?}");
}

/// No error and no warning.
#[track_caller]
pub fn nothing(scene: &Scene) {
    let found = grave(scene);
    assert!(found.is_empty(), "{found:#?}");
}

/// Something later on, so that the capture goes on after the scene.
pub fn later(s: &mut Scene, at: u64) {
    let (a, b) = (alice(), bob());
    exchange(s, at, &a, &b, &Message::request("OPTIONS", &a, &b, "later@192.0.2.10", 1), (200, "OK"));
}
