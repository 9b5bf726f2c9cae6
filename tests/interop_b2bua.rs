//! Calls of SIPp through `sipctl serve b2bua` to SIPp and to `sipctl serve uas`, and Sippy's B2BUA between SIPp and ours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod lab;
mod running;

use lab::lab;
use running::Running;
use serde_json::Value;
use std::process::Command;

fn decoded(path: &str) -> Value {
    let done = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", path, "--json"]).output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The sum of all answers to requests of that method that are counted with that status.
fn answers(said: &[String], method: &str, status: u16) -> u64 {
    let start = format!("{method} → {status} ");
    let line = said.iter().map(|l| l.trim()).find(|l| l.starts_with(&start) && l.contains('×'));
    line.map_or(0, |l| l.rsplit_once('×').unwrap().1.replace(',', "").parse().unwrap())
}

#[test]
fn every_caller_of_sipp_reaches_a_uas_behind_it() {
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    let (uas, place) = Running::serve(&["uas"]);
    let file = lab.folder().join("b2bua.pcapng");
    let file = file.to_str().unwrap();
    let (b2bua, at) = Running::serve(&["b2bua", "--hide-topology", "--to", &place, "--write", file]);
    let scenarios = [
        "uac_call_noauth",
        "uac_call_audio_noauth",
        "uac_hold_noauth",
        "uac_late_offer_noauth",
        "uac_dtmf_rfc4733_noauth",
        "uac_dtmf_info_noauth",
        "uac_large_noauth",
        "uac_message_noauth",
        "uac_update_noauth",
    ];
    for scenario in scenarios {
        lab.sipp(scenario, &at, &[]);
    }
    let said = b2bua.interrupted();
    assert_eq!((answers(&said, "INVITE", 200), answers(&said, "BYE", 200)), (10, 8), "{said:?}");
    let said = uas.interrupted();
    assert_eq!((answers(&said, "INVITE", 200), answers(&said, "BYE", 200)), (10, 8), "{said:?}");
    // The file tells eight calls of two legs each, with a border element between them.
    let report = decoded(file);
    let calls = report["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 8, "{calls:#?}");
    for call in calls {
        assert_eq!((&call["state"], call["call_ids"].as_array().unwrap().len()), (&"completed".into(), 2), "{call:#}");
    }
    let is = |call: &Value, role: &str| call["participants"].as_array().unwrap().iter().any(|p| p["role"] == role);
    let count = |role: &str| calls.iter().filter(|call| is(call, role)).count();
    // What is changed in a late offer stands in its answer alone, by which nothing is known of the INVITE.
    assert_eq!((count("sbc"), count("b2bua")), (7, 1), "{calls:#?}");
    // Most of these callers send no sound: that is found, and right.
    let errors: Vec<&Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["severity"] == "error" && f["code"] != "one-way-audio")
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn what_a_callee_of_sipp_does_reaches_its_caller() {
    let pairs = [
        ("uas_prack", "uac_prack_noauth", ""),
        ("uas_early_media", "uac_call_noauth", ""),
        ("uas_late_offer", "uac_late_offer_noauth", ""),
        ("uas_cancel", "uac_cancel_noauth", ""),
        ("uas_cancel_race", "uac_cancel_noauth", ""),
        ("uas_cancel_481", "uac_cancel_noauth", ""),
        ("uas_callee_bye", "uac_wait_bye_noauth", ""),
        ("uas_reinvite_hold", "uac_wait_hold_noauth", ""),
        ("uas_t38", "uac_t38_noauth", ""),
        ("uas_t38_refused", "uac_t38_refuse_noauth", ""),
        ("uas_redirect", "uac_get302_noauth", ""),
        ("uas_reject", "uac_get486_noauth", ""),
        ("uas_bye_481", "uac_call_noauth", ""),
        ("uas_bye_silent", "uac_call_noauth", ""),
        ("uas_auth407", "uac_call", ""),
        ("uas_t38", "uac_t38_noauth", "--relay-media"),
    ];
    for (callee, caller, option) in pairs {
        let Some(mut lab) = lab(&["sipp", "ss"], &[("SIPP_TIMEOUT", "30")]) else { return };
        lab.start(&["sipp", "uas", "bob", callee], &["sipp", "stop", "bob"], &[]);
        let to = format!("127.0.0.1:{}", lab.setting("SIPP_BOB"));
        let mut args = vec!["b2bua", "--to", &to];
        args.extend(Some(option).filter(|o| !o.is_empty()));
        let (b2bua, at) = Running::serve(&args);
        eprintln!("{callee} {caller} {option}");
        lab.sipp(caller, &at, &[]);
        b2bua.interrupted();
    }
}

#[test]
fn a_thousand_calls_at_fifty_a_second_pass_and_none_is_left() {
    let Some(lab) = lab(&["sipp", "ss"], &[("SIPP_TIMEOUT", "120")]) else { return };
    let (uas, place) = Running::serve(&["uas", "--quiet"]);
    let (b2bua, at) = Running::serve(&["b2bua", "--quiet", "--to", &place]);
    lab.sipp("uac_call_noauth", &at, &["-m", "1000", "-r", "50", "-l", "200", "-d", "100"]);
    let said = b2bua.interrupted();
    assert_eq!((answers(&said, "INVITE", 200), answers(&said, "BYE", 200)), (1000, 1000), "{said:?}");
    let said = uas.interrupted();
    assert_eq!((answers(&said, "INVITE", 200), answers(&said, "BYE", 200)), (1000, 1000), "{said:?}");
}

#[test]
fn an_interrupt_ends_the_calls_that_stand() {
    let Some(lab) = lab(&["sipp", "ss"], &[]) else { return };
    let (uas, place) = Running::serve(&["uas"]);
    let (b2bua, at) = Running::serve(&["b2bua", "--to", &place]);
    // The caller waits for the BYE, which comes only because the B2BUA goes.
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| lab.sipp("uac_wait_bye_noauth", &at, &[]));
        let mut b2bua = b2bua;
        b2bua.line("200 OK");
        b2bua.interrupted();
        caller.join().unwrap();
    });
    let said = uas.interrupted();
    assert_eq!(answers(&said, "BYE", 200), 1, "{said:?}");
}

#[test]
fn sippys_b2bua_between_a_caller_and_ours_is_passed_like_any_other() {
    let Some(lab) = lab(&["sipp", "ss", "python3"], &[("SIPP_TIMEOUT", "30")]) else { return };
    let (uas, place) = Running::serve(&["uas"]);
    let file = lab.folder().join("chain.pcapng");
    let file = file.to_str().unwrap();
    let (ours, middle) = Running::serve(&["b2bua", "--to", &place, "--write", file]);
    if !lab.run(&["b2bua", "start", &middle], &[]).status.success() {
        eprintln!("left out: Sippy's B2BUA does not start here");
        return;
    }
    let at = format!("127.0.0.1:{}", lab.setting("B2BUA_PORT"));
    lab.sipp("uac_call_noauth", &at, &["-d", "300"]);
    lab.run(&["b2bua", "stop"], &[]);
    ours.interrupted();
    let said = uas.interrupted();
    assert_eq!((answers(&said, "INVITE", 200), answers(&said, "BYE", 200)), (1, 1), "{said:?}");
    let report = decoded(file);
    assert_eq!(report["calls"].as_array().unwrap().len(), 1, "{report:#}");
    let errors: Vec<&Value> =
        report["findings"].as_array().unwrap().iter().filter(|f| f["severity"] == "error").collect();
    assert!(errors.is_empty(), "{errors:#?}");
}
