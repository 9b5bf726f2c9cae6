//! A trial call says of itself what tcpdump saw of it, as `sipctl decode` reads that and as tshark counts it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
#[path = "interop_findings/capture.rs"]
mod capture;
mod lab;

use calls::{Called, invite};
use capture::Captured;
use lab::{Lab, lab};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// An address that this test has to itself.
const OWN: &str = "127.88.4.1";
/// Packets of media that one side may have in its count and the other not: those on their way when the capture began to look at a port, and when the
/// call ended.
const UNDER_WAY: u64 = 5;

fn decoded(file: &Path) -> Value {
    let done = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", "--json"]).arg(file).output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The messages that `own` sent (`>`) and received (`<`), by what they call themselves, repeats left out.
fn leg(report: &Value, own: &str) -> Vec<String> {
    let all = report["messages"].as_array().unwrap().iter();
    let mine = all.filter(|m| (m["src"] == own || m["dst"] == own) && m["retransmission_of"].is_null());
    let name = |m: &Value| match m["kind"].as_str() {
        Some("request") => m["method"].as_str().unwrap().to_owned(),
        _ => m["status"].to_string(),
    };
    let cseq = |m: &Value| m["cseq"]["method"].as_str().unwrap_or_default().to_owned();
    mine.map(|m| format!("{} {} {}", if m["src"] == own { '>' } else { '<' }, name(m), cseq(m))).collect()
}

/// What tshark says of the same messages.
fn leg_of_tshark(file: &Path, own: &str, v6: bool) -> Vec<String> {
    let (address, port) = own.rsplit_once(':').unwrap();
    let address = address.trim_matches(['[', ']']);
    let ip = if v6 { "ipv6" } else { "ip" };
    let filter =
        format!("sip && sip.resend == 0 && {ip}.addr == {address} && (udp.port == {port} || tcp.port == {port})");
    let (udp, tcp) = ("udp.srcport", "tcp.srcport");
    let fields = ["sip.Method", "sip.Status-Code", "sip.CSeq.method", udp, tcp];
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(file).args(["-Y", &filter, "-T", "fields", "-E", "separator=,"]);
    // Ports of this run: it knows only those that are registered for SIP.
    command.args(["-d", &format!("tcp.port=={port},sip"), "-d", &format!("udp.port=={port},sip")]);
    for field in fields {
        command.args(["-e", field]);
    }
    let done = command.output().unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let line = |line: &str| {
        let mut words = line.split(',');
        let mut next = || words.next().unwrap_or_default().to_owned();
        let (method, status, cseq, udp, tcp) = (next(), next(), next(), next(), next());
        let sent = udp == port || tcp == port;
        let name = if status.is_empty() { method } else { status };
        format!("{} {name} {cseq}", if sent { '>' } else { '<' })
    };
    text.lines().map(line).collect()
}

/// Packets of each stream by tshark: those of the telephone events among them.
fn streams_of_tshark(file: &Path) -> Vec<u64> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-o", "rtp.heuristic_rtp:TRUE", "-q", "-z", "rtp,streams", "-r"]).arg(file);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    // Start, end, source, port, destination, port, SSRC, payload, packets, …
    let packets = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| word.starts_with("0x"))?;
        words.iter().skip(at + 2).find_map(|word| word.parse().ok())
    };
    let mut all: Vec<u64> = text.lines().filter_map(packets).collect();
    all.sort_unstable();
    all
}

fn grave(report: &Value) -> Vec<&str> {
    let all = report["findings"].as_array().unwrap().iter().filter(|f| f["severity"] != "info");
    all.map(|f| f["code"].as_str().unwrap()).collect()
}

/// Makes a call to `user` over a way while tcpdump looks on, and holds its word against what was seen.
fn agrees(lab: &Lab, user: &str, over: &str) {
    let v6 = over == "udp6";
    let via = match over {
        "udp6" => format!("sip:[::1]:{}", lab.setting("KAM_PORT")),
        "tcp" => format!("sip:{OWN}:{};transport=tcp", lab.setting("KAM_PORT")),
        _ => format!("sip:{OWN}:{}", lab.setting("KAM_PORT")),
    };
    let filter = if v6 { format!("ip6 or host {OWN}") } else { format!("host {OWN}") };
    let Some(captured) = Captured::begin(OWN, &filter) else { return };
    let options = ["--duration", "2s", "--via", &via, "--from", "sip:alice@lab.example.test"];
    let called: Called = invite(&format!("sip:{user}@lab.example.test"), &[], &options);
    let file = captured.end();
    assert_eq!(called.exit, 0, "{user} over {over}: {}{:#}", called.errors, called.document);
    let (own, seen) = (called.decoded(), decoded(&file));
    let at = own["messages"][0]["src"].as_str().unwrap();
    let call_id = &own["messages"][0]["call_id"];
    let ours = leg(&own, at);
    assert!(ours.len() >= 7 && ours[0] == "> INVITE INVITE", "{user} over {over}: {ours:?}");
    assert_eq!(ours, leg(&seen, at), "{user} over {over}: tcpdump");
    assert_eq!(ours, leg_of_tshark(&file, at, v6), "{user} over {over}: tshark");
    // The call of the capture has the legs behind Kamailio, too.
    let calls = seen["calls"].as_array().unwrap();
    let call = calls.iter().find(|call| call["call_ids"].as_array().unwrap().contains(call_id)).unwrap();
    assert_eq!(call["state"], called.document["state"], "{user} over {over}");
    assert_eq!(grave(&own), grave(&called.document), "{user} over {over}: its own recording");
    assert!(
        grave(&seen).is_empty() && grave(&own).is_empty(),
        "{user} over {over}: {:?} {:?}",
        grave(&seen),
        grave(&own)
    );
    // Bob speaks IPv4 alone, and Kamailio leaves media to the ends.
    if v6 {
        return;
    }
    // Media of our side: what we sent, and what came to us.
    let media = |report: &Value| -> Vec<u64> {
        let mut all: Vec<u64> =
            report["streams"].as_array().unwrap().iter().filter_map(|s| s["packets"].as_u64()).collect();
        all.sort_unstable();
        all
    };
    let (own, seen, tshark) = (media(&own), media(&seen), streams_of_tshark(&file));
    assert!(own.len() == 2 && own.iter().all(|n| *n > 80), "{user} over {over}: {own:?}");
    // With a relay between, each packet passes the loopback twice.
    assert_eq!(seen, tshark, "{user} over {over}: packets of the streams by tshark");
    for packets in own {
        let near = seen.iter().any(|n| n.abs_diff(packets) <= UNDER_WAY);
        assert!(near, "{user} over {over}: {packets} packets by our count, {seen:?} by tcpdump");
    }
}

#[test]
fn a_call_is_what_tcpdump_and_tshark_saw_of_it() {
    let programs = ["kamailio", "openssl", "ss", "sipp", "rtpengine", "tcpdump", "tshark"];
    let settings = [("WITH_RTPENGINE", "1"), ("LAB_IP", OWN)];
    let Some(mut lab) = lab(&programs, &settings) else { return };
    lab.start(&["rtpengine", "start"], &["rtpengine", "stop"], &[]);
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    lab.start(&["sipp", "uas", "bob", "uas_answer", "-rtp_echo"], &["sipp", "stop", "bob"], &[]);
    let bob = lab.setting("SIPP_BOB");
    let registration = [("SIPP_USER", "bob"), ("SIPP_CONTACT_PORT", bob.as_str()), ("SIPP_EXPIRES", "3000")];
    let kamailio = format!("{OWN}:{}", lab.setting("KAM_PORT"));
    let registered = lab.run(&["sipp", "uac", "uac_register", &kamailio], &registration);
    assert!(registered.status.success(), "{}", String::from_utf8_lossy(&registered.stderr));
    agrees(&lab, "bob", "udp");
    agrees(&lab, "bob", "tcp");
    agrees(&lab, "relay-bob", "udp");
    if lab.settings().get("LAB_IP6").is_some_and(|address| !address.is_empty()) {
        agrees(&lab, "bob", "udp6");
    }
}
