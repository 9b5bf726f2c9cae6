//! Captures of real calls and faults, each with what a right reading says: the text beside each capture, and for packets and streams what another
//! dissector counts. The captures are not ours: where they are not, the tests say so and pass.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "examples/rows.rs"]
mod rows;
mod shared;

use rows::{BOB, PROXY, ROWS, Row};
use serde_json::Value;
use shared::{decode, folder, list};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn host(address: &Value) -> &str {
    let address = address.as_str().unwrap();
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

fn counted<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<(K, u64)> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_insert(0) += 1);
    counts.into_iter().collect()
}

fn check(row: &Row, document: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: String, expected: String| {
        if found != expected {
            wrong.push(format!("{}: {what}: found {found}, expected {expected}", row.name));
        }
    };
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or("").to_owned();
    let told = &document["summary"]["messages"];
    same("messages", told.to_string(), row.messages.to_string());
    same("messages listed", list(document, "messages").len().to_string(), row.messages.to_string());
    let calls = counted(list(document, "calls").iter().map(|c| text(c, "state")));
    same("calls", format!("{calls:?}"), format!("{:?}", row.calls));
    let registrations: Vec<String> = list(document, "registrations").iter().map(|r| text(r, "state")).collect();
    same("registrations", format!("{registrations:?}"), format!("{:?}", row.registrations));
    let exchanges = counted(list(document, "exchanges").iter().map(|e| (text(e, "method"), text(e, "state"))));
    let exchanges: Vec<_> = exchanges.iter().map(|((m, s), n)| (m.as_str(), s.as_str(), *n)).collect();
    same("exchanges", format!("{exchanges:?}"), format!("{:?}", row.exchanges));
    let streams = list(document, "streams").iter().map(|s| {
        let number = |key: &str| s[key].as_u64().unwrap_or(u64::MAX);
        let ends = (host(&s["src"]), host(&s["dst"]), s["codec"].as_str().unwrap_or("?"));
        (ends.0, ends.1, ends.2, number("packets"), number("lost"), number("call"))
    });
    let mut streams: Vec<_> = streams.collect();
    streams.sort_unstable_by_key(|s| (s.0, s.1));
    let mut expected = row.streams.to_vec();
    expected.sort_unstable_by_key(|s| (s.0, s.1));
    same("streams", format!("{streams:?}"), format!("{expected:?}"));
    let grave = list(document, "findings").iter().filter(|f| f["severity"] != "info");
    same("findings", format!("{:?}", counted(grave.map(|f| text(f, "code")))), format!("{:?}", row.grave));
    if !row.path.is_empty() {
        let participants = list(&document["calls"][0], "participants");
        let path: Vec<_> =
            participants.iter().map(|p| (host(&p["address"]), p["role"].as_str().unwrap_or(""))).collect();
        same("path", format!("{path:?}"), format!("{:?}", row.path));
    }
    wrong
}

#[test]
fn every_example_is_read_as_its_text_says() {
    let Some(folder) = folder("examples") else { return };
    let mut wrong = Vec::new();
    for row in ROWS {
        wrong.extend(check(row, &decode(&folder.join(row.name), None)));
    }
    let there = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let untold = there.filter(|n| n.contains(".pcap") && ROWS.iter().all(|row| row.name != n.as_str()));
    wrong.extend(untold.map(|name| format!("{name}: has no row")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One example, or `None` where there are none.
fn example(name: &str) -> Option<Value> {
    let path: PathBuf = folder("examples")?.join(name);
    Some(decode(&path, None))
}

fn notes(document: &Value) -> Vec<&str> {
    let all = list(document, "messages").iter().flat_map(|m| list(m, "notes"));
    all.map(|note| note.as_str().unwrap()).collect()
}

fn finding<'a>(document: &'a Value, code: &str) -> &'a Value {
    list(document, "findings").iter().find(|f| f["code"] == code).unwrap_or_else(|| panic!("no {code}"))
}

#[test]
fn the_200_that_nobody_acknowledges_is_one_message_sent_eleven_times() {
    let Some(d) = example("ack_never_arrives.pcap") else { return };
    let sent = list(&d, "messages").iter().filter(|m| m["method"] == "INVITE" && m["status"] == 200);
    let from_bob: Vec<&Value> = sent.filter(|m| host(&m["src"]) == BOB).collect();
    assert_eq!(from_bob.len(), 11);
    let first = &from_bob[0]["index"];
    assert!(from_bob[1..].iter().all(|m| &m["retransmission_of"] == first));
    let finding = finding(&d, "ack-missing");
    assert_eq!(list(finding, "messages").len(), 11);
    assert!(finding["title"].as_str().unwrap().ends_with("reached 10.20.0.20:5060"));
    assert_eq!(d["calls"][0]["ended_by"], "callee");
    assert_eq!(d["calls"][0]["duration_ms"].as_f64().unwrap().round(), 32000.0);
}

#[test]
fn hep_copies_are_neither_a_second_call_nor_retransmissions() {
    let Some(d) = example("hep3.pcap") else { return };
    let messages = list(&d, "messages");
    assert_eq!(messages.iter().filter(|m| shared::is_copy(m)).count(), 18);
    assert!(messages.iter().all(|m| m["retransmission_of"].is_null()));
    assert_eq!(list(&d["calls"][0], "messages").len(), 35);
}

#[test]
fn a_lost_invite_says_where_it_was_lost() {
    let Some(d) = example("loss_invite.pcap") else { return };
    let finding = finding(&d, "retransmission");
    let shown: Vec<&Value> =
        list(finding, "messages").iter().map(|i| &d["messages"][i.as_u64().unwrap() as usize]).collect();
    assert_eq!(shown.len(), 3);
    assert!(shown.iter().all(|m| host(&m["src"]) == PROXY && host(&m["dst"]) == BOB && m["method"] == "INVITE"));
    assert!(finding["title"].as_str().unwrap().ends_with("the first 2 were lost on the way to 10.20.0.20:5060"));
}

#[test]
fn the_one_who_decided_is_named() {
    for (name, code, who) in [
        ("busy_486.pcap", "call-busy", "10.20.0.20:5060"),
        ("codec_mismatch_488.pcap", "media-not-acceptable", "10.20.0.20:5060"),
        ("srtp_mismatch.pcap", "media-not-acceptable", "10.20.0.20:5060"),
        ("not_found_404.pcap", "call-rejected", "10.20.0.1:5060"),
        ("dead_next_hop.pcap", "call-unanswered", "10.20.0.1:5060"),
    ] {
        let Some(d) = example(name) else { return };
        let title = finding(&d, code)["title"].as_str().unwrap();
        assert!(title.contains(who), "{name}: {title}");
    }
}

#[test]
fn icmp_says_why_nobody_answered() {
    for (name, quotes, code, words) in [
        ("register_no_answer.pcap", 4, "icmp-unreachable", "port unreachable"),
        ("udp_fragments_lost.pcap", 5, "fragment-lost", "fragment reassembly time exceeded"),
    ] {
        let Some(d) = example(name) else { return };
        assert_eq!(d["summary"]["undecoded"]["sip_in_icmp_error"], quotes, "{name}");
        assert!(finding(&d, code)["detail"].as_str().unwrap().contains(words), "{name}");
    }
}

#[test]
fn tls_that_fails_is_told_with_the_certificate_that_made_it_fail() {
    let Some(d) = example("tls_expired_cert.pcap") else { return };
    let told = finding(&d, "tls-failed");
    assert!(told["title"].as_str().unwrap().contains("certificate had expired the day before"), "{told}");
    assert!(told["detail"].as_str().unwrap().contains("CN=lab.example.test"), "{told}");
}

#[test]
fn what_was_not_decoded_is_counted() {
    for (name, reason) in
        [("tcp_pipelined_split.pcap", "message_incomplete"), ("tls_expired_cert.pcap", "tls_without_keys")]
    {
        let Some(d) = example(name) else { return };
        assert_eq!(d["summary"]["undecoded"].to_string(), format!("{{\"{reason}\":1}}"), "{name}");
    }
}

#[test]
fn hold_is_a_gap_and_not_loss() {
    let Some(d) = example("reinvite_hold_rtp.pcap") else { return };
    let told: Vec<&str> = notes(&d).into_iter().filter(|note| note.contains("hold")).collect();
    assert_eq!(told, ["puts the call on hold", "takes the call off hold"]);
    assert!(list(&d, "streams").iter().all(|s| s["lost"] == 0 && s["loss_percent"] == 0.0));
}

#[test]
fn digits_transfers_and_reliable_responses_are_told() {
    let Some(d) = example("dtmf_rfc4733.pcap") else { return };
    assert_eq!(d["streams"][0]["dtmf"], "12#*");
    let Some(d) = example("transfer_refer.pcap") else { return };
    let told = notes(&d);
    for note in
        ["asks to call sip:carol@lab.example.test", "reports 100 Trying", "reports 180 Ringing", "reports 200 OK"]
    {
        assert_eq!(told.iter().filter(|n| **n == note).count(), 1, "{note}");
    }
    assert_eq!(list(&d["calls"][0], "call_ids").len(), 2);
    assert_eq!(d["calls"][0]["legs"][1]["joined"]["evidence"][0]["kind"], "refer");
    let Some(d) = example("prack_100rel.pcap") else { return };
    for rseq in ["4711", "4712"] {
        let confirms = format!("confirms the provisional response with RSeq {rseq}");
        assert_eq!(notes(&d).iter().filter(|n| **n == confirms).count(), 1);
    }
}

#[test]
fn offers_and_answers_are_told_apart() {
    let Some(d) = example("late_offer.pcap") else { return };
    let sdp: Vec<(&str, &str)> = list(&d, "messages")
        .iter()
        .filter(|m| !m["body"]["sdp"].is_null())
        .map(|m| (m["method"].as_str().unwrap(), m["body"]["sdp"]["role"].as_str().unwrap()))
        .collect();
    assert_eq!(sdp, [("INVITE", "offer"), ("ACK", "answer")]);
    let Some(d) = example("t38_reinvite.pcap") else { return };
    assert_eq!(d["calls"][0]["codecs"].to_string(), "[\"t38\"]");
}

#[test]
fn a_fork_cancels_the_branch_that_lost() {
    let Some(d) = example("fork_parallel.pcap") else { return };
    let cancel = list(&d, "messages").iter().find(|m| m["method"] == "CANCEL").unwrap();
    assert_eq!(cancel["notes"][0], "answered elsewhere: stop ringing");
    assert_eq!(d["calls"][0]["ended_by"], "caller");
    let Some(d) = example("b2bua_two_legs.pcap") else { return };
    assert_eq!(list(&d["calls"][0], "legs").len(), 2);
}

#[test]
fn bindings_last_as_long_as_the_registrar_says() {
    let Some(d) = example("register_ok.pcap") else { return };
    assert_eq!(d["registrations"][0]["expires_s"], 300);
    assert_eq!(d["registrations"][0]["contacts"][0], "<sip:alice@10.20.0.10:5060>;expires=300");
    // The Contact goes on after its expires with an instance in brackets.
    let Some(d) = example("tls13_call_dsb.pcapng") else { return };
    assert_eq!(d["registrations"][1]["expires_s"], 60);
}
