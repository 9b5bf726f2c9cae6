//! `sipctl trace` against Kamailio, where the lab is there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod lab;

use serde_json::Value;
use std::process::{Command, Stdio};

fn trace(words: &[&str]) -> (i32, Value) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sipctl"));
    command.arg("trace").arg("--json").args(words).env_remove("SSLKEYLOGFILE").env_remove("SIPCTL_PASSWORD");
    let ran = command.stdin(Stdio::null()).output().unwrap();
    let value = serde_json::from_slice(&ran.stdout);
    let value = value.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&ran.stderr)));
    (ran.status.code().unwrap(), value)
}

fn statuses(value: &Value) -> Vec<Option<u64>> {
    value["hops"].as_array().unwrap().iter().map(|h| h["probes"][0]["status"].as_u64()).collect()
}

#[test]
fn kamailio_is_the_first_hop_and_its_loop_is_told() {
    let Some(mut lab) = lab::lab(&["kamailio", "openssl"], &[]) else { return };
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    let (ip, port) = (lab.setting("LAB_IP"), lab.setting("KAM_PORT"));
    let via = format!("sip:{ip}:{port}");
    for transport in ["udp", "tcp"] {
        let words = |user: &str| {
            let uri = format!("sip:{user}@lab.example.test");
            ["--via", &via, "--transport", transport, &uri].map(ToOwned::to_owned)
        };
        let run = |user: &str| trace(&words(user).each_ref().map(String::as_str));
        let (code, value) = run("ping");
        assert_eq!((code, statuses(&value)), (0, vec![Some(483), Some(200)]), "{value:#}");
        let server = value["hops"][0]["probes"][0]["server"].as_str().unwrap();
        assert!(server.to_lowercase().contains("kamailio"), "{server}");
        let (code, value) = run("loop");
        assert_eq!((code, value["hops"].as_array().unwrap().len()), (1, 4), "{value:#}");
        assert!(value["result"]["reason"].as_str().unwrap().starts_with("loop: "), "{value:#}");
        assert_eq!(value["hops"][3]["same_as"], 1);
        let (code, value) = run("nobody");
        assert_eq!((code, statuses(&value)), (0, vec![Some(483), Some(404)]), "{value:#}");
    }
}
