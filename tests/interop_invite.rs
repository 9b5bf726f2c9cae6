//! Trial calls to real SIP software: SIPp with every scenario of the lab, raw bytes, and Kamailio with users of all kinds behind it. How each has to
//! end stands in the tables of `tests/interop_invite/`: exit code, state, what was heard, what SIPp says of it, what is found.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
mod lab;

use calls::{Calls, Row, invite};
use lab::{Lab, lab};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// SIPps at once: each with a caller of its own, and all of them mostly waiting.
const LANES: usize = 6;

/// What SIPp says of the call: `content`, `upset` where something was not as its scenario has it, `waiting` where it expects more.
fn judgement(lab: &Lab, name: &str) -> &'static str {
    let end = Instant::now() + Duration::from_secs(8);
    while lab.run(&["sipp", "status", name], &[]).status.success() {
        if Instant::now() > end {
            return "waiting";
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = std::fs::read_to_string(lab.folder().join(format!("{name}.err"))).unwrap_or_default();
    if said.trim().is_empty() { "content" } else { "upset" }
}

/// Starts SIPp with a scenario; its name and port. Another may take a port between its choice and its use: then another is chosen.
fn start_sipp(lab: &Lab, scenario: &str, options: &[&str], settings: &[(&str, &str)]) -> (String, String) {
    let mut said = String::new();
    for attempt in 0..5 {
        let name = format!("{scenario}_{attempt}");
        // Of all labs that run at once none may take the port of another for its own.
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let settings = [settings, &[("SIPP_PORT", port.as_str())]].concat();
        let done = lab.run(&[&["sipp", "uas", &name, scenario][..], options].concat(), &settings);
        if done.status.success() {
            return (name, port);
        }
        said = String::from_utf8_lossy(&done.stderr).into_owned();
    }
    panic!("{scenario} does not start: {said}");
}

/// A call to SIPp with a scenario: `STAY=1` leaves it there after the call, and its judgement out; `VIA=1` calls a name and goes there as to a proxy.
fn call_sipp(lab: &Lab, row: &Row, second: &str) -> String {
    let stays = row.setting("STAY").is_some();
    let mut options = if stays { vec![] } else { vec!["-m", "1"] };
    if row.setting("ECHO").is_some() {
        options.push("-rtp_echo");
    }
    let settings: Vec<(String, String)> =
        row.settings.iter().map(|(k, v)| (k.clone(), v.replace("{second}", second).replace('_', " "))).collect();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let (name, port) = start_sipp(lab, &row.whom, &options, &settings);
    let transport = if row.setting("SIPP_T") == Some("t1") { ";transport=tcp" } else { "" };
    let target = format!("sip:bob@127.0.0.1:{port}{transport}");
    // SIPp computes digests over the URI that it was told, whatever the request says.
    let (target, via) = match row.setting("VIA") {
        Some(_) => ("sip:bob@lab.example.test".to_owned(), vec!["--via", target.as_str()]),
        None => (target.clone(), Vec::new()),
    };
    let called = invite(&target, &row.options, &[&["--from", "sip:alice@lab.example.test"][..], &via].concat());
    let peer = if stays { "-" } else { judgement(lab, &name) };
    lab.run(&["sipp", "stop", &name], &[]);
    called.outcome(peer)
}

/// Every row of a table against a SIPp of its own.
fn hold_against_sipp(table: &str) {
    let lanes: Option<Vec<Lab>> = (0..LANES).map(|_| lab(&["sipp", "ss"], &[])).collect();
    let Some(lanes) = lanes else { return };
    let seconds: Vec<_> =
        lanes.iter().map(|lane| start_sipp(lane, "uas_answer", &["-rtp_echo"], &[("SIPP_TO", "second")])).collect();
    // The names of the others are not to be its.
    Calls::read(table).hold(LANES, |lane, row| call_sipp(&lanes[lane], row, &seconds[lane].1));
    for (lane, (name, _)) in lanes.iter().zip(&seconds) {
        lane.run(&["sipp", "stop", name], &[]);
    }
}

#[test]
fn callees_of_every_kind() {
    hold_against_sipp("callees.txt");
}

#[test]
fn answers_that_are_broken() {
    hold_against_sipp("broken.txt");
}

#[test]
fn answers_whose_sdp_is_odd() {
    hold_against_sipp("descriptions.txt");
}

#[test]
fn callees_of_raw_bytes() {
    let Some(lab) = lab(&["python3"], &[]) else { return };
    Calls::read("raw.txt").hold(LANES, |_, row| {
        let tcp = row.setting("SIPP_T") == Some("t1");
        let (mut server, port) = lab.raw_server(&row.whom, tcp);
        let target = format!("sip:bob@127.0.0.1:{port}{}", if tcp { ";transport=tcp" } else { "" });
        let called = invite(&target, &row.options, &[]);
        server.kill().unwrap();
        server.wait().unwrap();
        called.outcome("")
    });
}

/// Through Kamailio, which asks for digest; bob is SIPp with echo, carol is baresip with its tone, both registered.
#[test]
fn users_behind_kamailio() {
    let programs = ["kamailio", "openssl", "ss", "sipp", "baresip", "rtpengine"];
    let Some(mut lab) = lab(&programs, &[("WITH_RTPENGINE", "1")]) else { return };
    lab.start(&["rtpengine", "start"], &["rtpengine", "stop"], &[]);
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    lab.start(&["sipp", "uas", "bob", "uas_answer", "-rtp_echo"], &["sipp", "stop", "bob"], &[]);
    let bob = lab.setting("SIPP_BOB");
    let registration = [("SIPP_USER", "bob"), ("SIPP_CONTACT_PORT", bob.as_str()), ("SIPP_EXPIRES", "3000")];
    let kamailio = format!("127.0.0.1:{}", lab.setting("KAM_PORT"));
    let registered = lab.run(&["sipp", "uac", "uac_register", &kamailio], &registration);
    assert!(registered.status.success(), "{}", String::from_utf8_lossy(&registered.stderr));
    lab.start(&["baresip", "start", "carol"], &["baresip", "stop", "carol"], &[]);
    wait_for_contact(&lab, "carol");
    let settings = lab.settings();
    let authority = lab.folder().join("tls/ca.pem");
    Calls::read("kamailio.txt").hold(LANES, |_, row| {
        let port = |name: &str| settings[name].clone();
        let via = match row.setting("OVER").unwrap_or("udp") {
            "udp" => format!("sip:127.0.0.1:{}", port("KAM_PORT")),
            "udp6" => format!("sip:[::1]:{}", port("KAM_PORT")),
            "tcp" => format!("sip:127.0.0.1:{};transport=tcp", port("KAM_PORT")),
            "tls" => format!("sips:127.0.0.1:{}", port("KAM_TLS")),
            "ws" => format!("sip:127.0.0.1:{};transport=ws", port("KAM_WS")),
            "wss" => format!("sips:127.0.0.1:{};transport=ws", port("KAM_WSS")),
            other => panic!("no way over {other}"),
        };
        let target = format!("sip:{}@lab.example.test", row.whom);
        let authority = authority.to_str().unwrap();
        let more = ["--via", &via, "--from", "sip:alice@lab.example.test", "--tls-ca", authority, "--tls-server-name"];
        let more: Vec<&str> = more.into_iter().chain([row.setting("NAME").unwrap_or("lab.example.test")]).collect();
        invite(&target, &row.options, &more).outcome("")
    });
}

/// Waits until the registrar knows where a user is.
fn wait_for_contact(lab: &Lab, user: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    let known = || {
        String::from_utf8_lossy(&lab.run(&["kamailio", "rpc", "ul.dump"], &[]).stdout).contains(&format!("AoR: {user}"))
    };
    while !known() {
        assert!(Instant::now() < end, "{user} never registered");
        std::thread::sleep(Duration::from_millis(100));
    }
}
