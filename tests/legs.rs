//! Calls across a B2BUA: which are joined, by what, what the ladder shows of them, and what is kept apart.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::room::Room;

fn calls(capture: &str, options: &[&str]) -> Vec<Value> {
    let mut args = vec![capture, "--json"];
    args.extend(options);
    let json = Room::new().decode(&args).json();
    let weighty: Vec<&Value> =
        json["findings"].as_array().unwrap().iter().filter(|f| f["severity"] != "info").map(|f| &f["code"]).collect();
    assert!(weighty.is_empty(), "{capture}: {weighty:?}");
    json["calls"].as_array().unwrap().clone()
}

fn texts(values: &Value) -> Vec<&str> {
    values.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
}

/// Address and role of each participant.
fn path(call: &Value) -> Vec<(&str, &str)> {
    let participants = call["participants"].as_array().unwrap().iter();
    participants.map(|p| (p["address"].as_str().unwrap(), p["role"].as_str().unwrap_or("?"))).collect()
}

/// Kinds of evidence of the leg that was joined with that Call-ID, and its score.
fn join<'a>(call: &'a Value, call_id: &str) -> (Vec<&'a str>, u64) {
    let leg = call["legs"].as_array().unwrap().iter().find(|l| l["call_id"] == call_id).unwrap();
    let evidence = leg["joined"]["evidence"].as_array().unwrap();
    (evidence.iter().map(|e| e["kind"].as_str().unwrap()).collect(), leg["joined"]["score"].as_u64().unwrap())
}

#[test]
fn a_header_field_that_names_the_other_call_joins_the_legs() {
    let calls = calls("legs-b2bua.pcap", &[]);
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!(texts(&call["call_ids"]), ["b2bua-a@192.0.2.10", "5d1f0c@203.0.113.5"]);
    assert_eq!(path(call), [("192.0.2.10:5060", "uac"), ("203.0.113.5:5060", "b2bua"), ("198.51.100.20:5060", "uas")]);
    let (evidence, score) = join(call, "5d1f0c@203.0.113.5");
    let decided =
        ["call_id_named", "sdp_origin", "media_address", "same_socket", "called", "caller", "at_once", "waiting"];
    assert_eq!(evidence[..decided.len()], decided);
    assert_eq!(evidence[decided.len()..], ["answered_together", "ended_together"]);
    assert_eq!(
        (score, call["messages"].as_array().unwrap().len(), call["streams"].as_array().unwrap().len()),
        (290, 13, 2)
    );
    assert_eq!((&call["state"], &call["ended_by"]), (&Value::from("completed"), &Value::from("caller")));
    assert_eq!(call["legs"][0].get("joined"), None);
}

#[test]
fn an_sbc_is_known_on_both_of_its_sides_by_the_session_id_and_the_media() {
    let calls = calls("legs-sbc.pcap", &[]);
    assert_eq!(calls.len(), 1);
    let told = path(&calls[0]);
    assert_eq!(
        told,
        [
            ("192.0.2.10:5060", "uac"),
            ("203.0.113.5:5060", "sbc"),
            ("198.51.100.5:5060", "sbc"),
            ("198.51.100.20:5060", "uas")
        ]
    );
    assert_eq!(join(&calls[0], "9c22e7@198.51.100.5").0[0], "session_id");
    let evidence = texts(&calls[0]["participants"][1]["evidence"]);
    assert!(
        evidence.contains(&"rewrote the media address from 192.0.2.10:40000 to 198.51.100.5:30000"),
        "{evidence:?}"
    );
    assert_eq!(calls[0]["streams"].as_array().unwrap().len(), 4);
}

#[test]
fn a_b2bua_that_hunts_has_as_many_legs_as_it_tries() {
    let calls = calls("legs-hunting.pcap", &[]);
    assert_eq!(calls.len(), 1);
    assert_eq!(texts(&calls[0]["call_ids"]), ["hunting-a@192.0.2.10", "71a0@203.0.113.5", "71a1@203.0.113.5"]);
    let states: Vec<&Value> = calls[0]["legs"].as_array().unwrap().iter().map(|l| &l["state"]).collect();
    assert_eq!(states, ["terminated", "terminated", "terminated"]);
    assert_eq!(
        join(&calls[0], "71a0@203.0.113.5"),
        (vec!["same_socket", "called", "caller", "at_once", "waiting"], 115)
    );
    assert_eq!((&calls[0]["final_status"], &calls[0]["state"]), (&Value::from(200), &Value::from("completed")));
}

#[test]
fn two_calls_at_once_to_one_number_are_never_joined_crosswise() {
    let pairs: Vec<Vec<String>> = calls("legs-two-calls.pcap", &[])
        .iter()
        .map(|c| texts(&c["call_ids"]).into_iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(pairs, [["two-alice@192.0.2.10", "e001@203.0.113.5"], ["two-dave@192.0.2.40", "e002@203.0.113.5"]]);
    // Where nothing tells whose is whose, none is joined.
    let apart = calls("legs-ambiguous.pcap", &[]);
    assert!(apart.len() == 4 && apart.iter().all(|c| texts(&c["call_ids"]).len() == 1));
}

#[test]
fn calls_that_only_follow_each_other_stay_apart() {
    let apart = calls("legs-unrelated.pcap", &[]);
    assert!(apart.len() == 4 && apart.iter().all(|c| texts(&c["call_ids"]).len() == 1));
    assert_eq!(apart.iter().map(|c| c["id"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn a_transfer_belongs_to_the_call_that_asked_for_it_and_makes_nobody_a_b2bua() {
    let calls = calls("legs-transfer.pcap", &[]);
    assert_eq!(calls.len(), 1);
    assert_eq!(join(&calls[0], "transfer-b@198.51.100.20"), (vec!["refer", "same_socket", "at_once"], 110));
    assert_eq!(
        path(&calls[0]),
        [("192.0.2.10:5060", "uac"), ("198.51.100.20:5060", "uas"), ("198.51.100.30:5060", "uas")]
    );
}

#[test]
fn an_attended_transfer_is_told_with_the_call_that_asked_for_it() {
    let calls = calls("legs-attended.pcap", &[]);
    let ids: Vec<Vec<&str>> = calls.iter().map(|c| texts(&c["call_ids"])).collect();
    // The call that is replaced is a call of its own: it was there before anybody asked.
    assert_eq!(ids, [vec!["attended-a@192.0.2.10", "attended-c@198.51.100.20"], vec!["attended-b@192.0.2.10"]]);
    let (evidence, score) = join(&calls[0], "attended-c@198.51.100.20");
    assert_eq!((&evidence[..4], score), (&["replaces_as_asked", "refer", "same_socket", "at_once"][..], 210));
    assert!(calls.iter().all(|c| c["state"] == "completed"));
    let json = Room::new().decode(&["legs-attended.pcap", "--json"]).json();
    let transfer = json["findings"].as_array().unwrap().iter().find(|f| f["code"] == "transfer").unwrap();
    assert_eq!(transfer["call"], 1);
    let (title, detail) = (transfer["title"].as_str().unwrap(), transfer["detail"].as_str().unwrap());
    assert!(title.contains("(attended): it succeeded"), "{title}");
    assert!(detail.contains("takes the place of the one with the Call-ID attended-b@192.0.2.10."), "{detail}");
}

#[test]
fn no_join_keeps_every_call_id_by_itself() {
    for (capture, count) in
        [("legs-b2bua.pcap", 2), ("legs-sbc.pcap", 2), ("legs-hunting.pcap", 3), ("legs-transfer.pcap", 2)]
    {
        let json = Room::new().decode(&[capture, "--json", "--no-join"]).json();
        let ids: Vec<u64> = json["calls"].as_array().unwrap().iter().map(|c| c["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, (1..=count).collect::<Vec<u64>>(), "{capture}");
        assert!(json["calls"].as_array().unwrap().iter().all(|c| texts(&c["call_ids"]).len() == 1));
    }
}

#[test]
fn each_message_keeps_its_own_call_id_and_each_leg_selects_the_whole_call() {
    let room = Room::new();
    let all = room.decode(&["legs-b2bua.pcap", "--json"]).json();
    // What is noted of a message may differ: the one that is told at once does not know its call yet.
    let told = |json: &Value| -> Vec<[Value; 5]> {
        let keys = ["index", "call_id", "from_tag", "to_tag", "branch"];
        json["messages"].as_array().unwrap().iter().map(|m| keys.map(|key| m[key].clone())).collect()
    };
    for call_id in ["b2bua-a@192.0.2.10", "5d1f0c@203.0.113.5"] {
        let one = room.decode(&["legs-b2bua.pcap", "--json", "--call-id", call_id]).json();
        assert_eq!(one["calls"], all["calls"], "{call_id}");
        assert_eq!(told(&one), told(&all), "{call_id}");
        assert!(one["messages"].as_array().unwrap().iter().any(|m| m["call_id"] == call_id));
    }
}

#[test]
fn the_ladder_shows_all_legs_in_one_and_says_what_ties_them() {
    let text = Room::new().decode(&["legs-b2bua.pcap", "--width", "120"]).stdout;
    assert!(text.contains("Call 1  completed  alice → bob"), "{text}");
    assert!(text.contains("joined to b2bua-a@192.0.2.10 by X-CID gives the Call-ID · same SDP origin"), "{text}");
    assert!(text.contains("(score 290)") && text.contains("b2bua · ExamplePBX 3"), "{text}");
    let order =
        ["+0.000", "+0.008", "+0.700", "+0.703"].map(|at| text.find(at).unwrap_or_else(|| panic!("{at}: {text}")));
    assert!(order.is_sorted());
}

#[test]
fn lines_come_once_for_a_call_of_several_legs() {
    let done = Room::new().decode(&["legs-hunting.pcap", "--format", "ndjson"]);
    let lines: Vec<Value> = done.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.iter().filter(|l| l["type"] == "call").count(), 1);
    let first = lines.iter().find(|l| {
        l["type"] == "message" && l["src"] == "203.0.113.5:5060" && l["method"] == "INVITE" && l["kind"] == "request"
    });
    assert_eq!(first.unwrap()["call_id"], "71a0@203.0.113.5");
}
