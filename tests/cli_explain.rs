//! `sipctl explain`: what is typed, what is told, and what becomes of what nobody knows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::room::Room;

#[test]
fn a_topic_is_explained_in_words_of_several_forms() {
    let room = Room::new();
    for (words, start) in [
        (&["487"][..], "487  Request Terminated · status code\n"),
        (&["INVITE"], "INVITE  method\n"),
        (&["v"], "Via  header field, compact form v\n"),
        (&["timer", "B"], "Timer B  INVITE client: give up · timer\n"),
        (&["q850", "16"], "Q.850 16  Normal call clearing · release cause\n"),
        (&["unknown_ca"], "TLS 48  unknown_ca · TLS alert\n"),
        (&["proxy"], "proxy  passes requests on, and their responses back · element of a SIP network\n"),
        (&["finding:ack-missing"], "ack-missing  finding (usually error)\n"),
    ] {
        let ran = room.run(&[&["explain"], words].concat());
        assert!(ran.ends(0, "").starts_with(start), "{words:?}: {ran:?}");
    }
}

#[test]
fn an_unknown_topic_is_exit_2_with_near_ones() {
    let room = Room::new();
    let ran = room.run(&["explain", "ack-mising"]);
    assert!(
        ran.code == Some(2) && ran.stderr.starts_with("sipctl: nothing is known of 'ack-mising'\n  near: ack-missing"),
        "{ran:?}"
    );
    room.run(&["explain", "xyzzyxyzzy"])
        .ends(2, "sipctl: nothing is known of 'xyzzyxyzzy'\n  sipctl explain --list shows all topics\n");
    // What was typed comes back escaped.
    let ran = room.run(&["explain", "\u{1b}[2J"]);
    assert!(ran.code == Some(2) && !ran.stderr.contains('\u{1b}'), "{ran:?}");
    assert_eq!(room.run(&["explain"]).code, Some(2));
}

#[test]
fn json_and_lines_hold_every_meaning() {
    let room = Room::new();
    let document = room.run(&["explain", "305", "--json"]).json();
    assert_eq!(document["schema"], "sipctl.explain/1");
    let kinds: Vec<&str> = document["topics"].as_array().unwrap().iter().map(|t| t["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["status", "warning"]);
    let lines = room.run(&["explain", "305", "-f", "ndjson"]).lines();
    assert!(lines.len() == 2 && lines.iter().all(|line| line["type"] == "topic"));
}

#[test]
fn every_finding_that_is_made_can_be_explained() {
    let room = Room::new();
    let listed = room.run(&["explain", "--list", "--json"]).json();
    let codes: Vec<&str> = listed["topics"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|t| t["kind"] == "finding")
        .map(|t| t["name"].as_str().unwrap())
        .collect();
    assert!(codes.len() > 10);
    let ran = room.decode(&["malformed.pcap"]);
    for line in ran.stdout.lines().filter_map(|line| line.split_once("more  sipctl explain ")) {
        assert!(codes.contains(&line.1), "{}", line.1);
    }
    assert!(ran.stdout.contains("rule  RFC 3261 §20.10     more  sipctl explain header-malformed\n"), "{}", ran.stdout);
}
