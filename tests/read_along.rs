//! Lines of a run are told as things happen: attacks when they are established, once, and again with all that came after.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::room::Room;

/// The lines on a finding with their places among all, and the number of all.
fn lines(capture: &str, code: &str) -> (Vec<(usize, Value)>, Vec<Value>) {
    let lines = Room::new().decode(&[capture, "--format", "ndjson"]).lines();
    let told = lines.iter().cloned().enumerate();
    (told.filter(|(_, line)| line["type"] == "finding" && line["code"] == code).collect(), lines)
}

#[test]
fn an_attack_comes_before_the_end_and_once_more_with_its_final_numbers() {
    let (told, all) = lines("findings/extension-scan.pcap", "extension-scan");
    let [(first_at, first), (last_at, last)] = &told[..] else { panic!("{told:#?}") };
    let of_run = |line: &Value| line["type"] == "exchange";
    assert!(all[*first_at..].iter().filter(|l| of_run(l)).count() >= 4, "it came only at the end");
    assert!(all[*last_at..].iter().all(|l| !of_run(l)));
    assert_eq!((first.get("update"), &last["update"]), (None, &true.into()));
    assert!(first["title"].as_str().unwrap().contains("asked for 10 different users"), "{first}");
    assert!(last["title"].as_str().unwrap().contains("asked for 14 different users"), "{last}");
    assert_eq!(all.last().unwrap()["findings"]["warning"], 1, "it is counted once");
}

#[test]
fn a_document_has_each_attack_once_with_all_of_it() {
    for code in ["extension-scan", "scanner", "flood", "password-guessing"] {
        let path = format!("findings/{code}.pcap");
        let document = Room::new().decode(&[&path, "--json"]).json();
        let of_code: Vec<&Value> =
            document["findings"].as_array().unwrap().iter().filter(|f| f["code"] == code).collect();
        assert_eq!(of_code.len(), 1, "{code}");
        assert_eq!(of_code[0].get("update"), None);
        let (told, _) = lines(&path, code);
        let last = &told.last().unwrap().1;
        assert_eq!(last["title"], of_code[0]["title"], "{code}");
    }
}
