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

/// A stream: from where, to where, packets, and how many of them are missing.
type Stream = (String, String, u64, u64);

/// The streams by tshark: the packets of telephone events among them.
fn streams_of_tshark(file: &Path) -> Vec<Stream> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-o", "rtp.heuristic_rtp:TRUE", "-q", "-z", "rtp,streams", "-r"]).arg(file);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    // Start, end, source, port, destination, port, SSRC, payload (one word or more), packets, lost, share of it …
    let stream = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| word.starts_with("0x")).filter(|at| *at >= 4)?;
        let share = words.iter().position(|word| word.starts_with('(') && word.ends_with("%)"))?;
        let number = |at: usize| words.get(at)?.parse::<u64>().ok();
        let place = |at: usize| format!("{}:{}", words[at], words[at + 1]);
        Some((place(at - 4), place(at - 2), number(share - 2)?, number(share - 1)?))
    };
    let mut all: Vec<Stream> = text.lines().filter_map(stream).collect();
    all.sort();
    all
}

/// The streams as `sipctl decode` has them.
fn streams(report: &Value) -> Vec<Stream> {
    let stream = |s: &Value| {
        let text = |name: &str| s[name].as_str().unwrap().to_owned();
        (text("src"), text("dst"), s["packets"].as_u64().unwrap(), s["lost"].as_u64().unwrap())
    };
    let mut all: Vec<Stream> = report["streams"].as_array().unwrap().iter().map(stream).collect();
    all.sort();
    all
}

/// The arrows of a ladder that end or begin at `own`: those of messages in their order, those of media sorted and without their counts.
fn arrows(text: &str, own: &str) -> (Vec<String>, Vec<String>) {
    let mut lines = text.lines().skip_while(|line| !line.split_whitespace().any(|word| word == own));
    let place = lines.next().and_then(|head| head.split_whitespace().position(|word| word == own));
    let place = place.unwrap_or_else(|| panic!("no column of {own}: {text}"));
    // The line of bars below the heads says where the columns stand.
    let is_bars = |line: &&str| line.contains('│') && line.chars().all(|c| c == '│' || c == ' ');
    let bars = lines.find(is_bars).unwrap_or_else(|| panic!("no bars: {text}"));
    let at = bars.chars().enumerate().filter(|(_, c)| *c == '│').nth(place).unwrap().0;
    let (mut messages, mut media) = (Vec::new(), Vec::new());
    for line in lines {
        let line: Vec<char> = line.chars().collect();
        let (left, bar, right) = (line.get(at - 1), line.get(at), line.get(at + 1));
        let touches = |c: Option<&char>| c.is_some_and(|c| "─═◀▶".contains(*c));
        if bar != Some(&'│') || touches(left) == touches(right) {
            continue;
        }
        let is_heard = left == Some(&'▶') || right == Some(&'◀');
        let is_arrow = |c: &char| "─═◀▶╪┼".contains(*c);
        let bar_or_end = |part: &[char]| part.iter().take_while(|c| **c != '│').copied().collect::<Vec<char>>();
        let part: Vec<char> = match touches(right) {
            true => bar_or_end(&line[at + 1..]),
            false => bar_or_end(&line[..at].iter().rev().copied().collect::<Vec<_>>()).into_iter().rev().collect(),
        };
        let is_media = part.contains(&'═');
        let label: String = part.into_iter().filter(|c| !is_arrow(c)).collect();
        let words: Vec<&str> = label.split_whitespace().collect();
        let way = if is_heard { '<' } else { '>' };
        if is_media {
            let words: Vec<&str> =
                words.into_iter().filter(|word| !word.starts_with(|c: char| c.is_ascii_digit())).collect();
            media.push(format!("{way} {}", words.join(" ")));
        } else {
            messages.push(format!("{way} {}", words.join(" ")));
        }
    }
    media.sort();
    (messages, media)
}

/// What `sipctl decode` draws of a call.
fn ladder(file: &Path, call_id: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipctl"));
    command.args(["decode", "--width", "400", "--call-id", call_id]).arg(file);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// Makes a call, draws its ladder, and holds it against that of what tcpdump saw.
fn draws_alike(lab: &Lab, user: &str) {
    let Some(captured) = Captured::begin(OWN, &format!("host {OWN}")) else { return };
    let recording = tempfile::Builder::new().suffix(".pcapng").tempfile().unwrap().into_temp_path();
    std::fs::remove_file(&recording).unwrap();
    let via = format!("sip:{OWN}:{}", lab.setting("KAM_PORT"));
    let done = Command::new("timeout")
        .args(["60", env!("CARGO_BIN_EXE_sipctl"), "invite", &format!("sip:{user}@lab.example.test"), "--ladder"])
        .args(["--width", "400", "--duration", "1s", "--via", &via, "--from", "sip:alice@lab.example.test", "--write"])
        .arg(&recording)
        .output()
        .unwrap();
    let file = captured.end();
    let text = String::from_utf8(done.stdout).unwrap();
    let own = decoded(&recording);
    let first = &own["messages"][0];
    let (at, call_id) = (first["src"].as_str().unwrap(), first["call_id"].as_str().unwrap());
    let drawn = arrows(&text, at);
    assert!(drawn.0.iter().any(|arrow| arrow.starts_with("> INVITE")), "{user}: {drawn:?} of {text}");
    assert!(drawn.0.iter().any(|arrow| arrow.starts_with("> ACK")), "{user}: {drawn:?} of {text}");
    let seen = ladder(&file, call_id);
    assert_eq!(drawn, arrows(&seen, at), "{user}: of the trial\n{text}\nof tcpdump\n{seen}");
    assert_eq!(drawn, arrows(&ladder(&recording, call_id), at), "{user}: of its own recording");
}

/// Makes a call that something is wrong with: the trial, its recording and what tcpdump saw have the same findings.
fn finds_alike(lab: &Lab, user: &str, more: &[&str], exit: i32, codes: &[&str]) {
    let Some(captured) = Captured::begin(OWN, &format!("host {OWN}")) else { return };
    let via = format!("sip:{OWN}:{}", lab.setting("KAM_PORT"));
    let options = [&["--via", &via, "--from", "sip:alice@lab.example.test"], more].concat();
    let called = invite(&format!("sip:{user}@lab.example.test"), &[], &options);
    let seen = decoded(&captured.end());
    assert_eq!(called.exit, exit, "{user}: {}{:#}", called.errors, called.document);
    assert_eq!(grave(&called.document), codes, "{user}: by the trial");
    assert_eq!(grave(&called.decoded()), codes, "{user}: by its own recording");
    assert_eq!(grave(&seen), codes, "{user}: by tcpdump");
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
    let directions: Vec<&Value> = own["streams"].as_array().unwrap().iter().map(|s| &s["direction"]).collect();
    assert!(directions.len() == 2 && directions[0] != directions[1], "{user} over {over}: {directions:?}");
    let (own, seen) = (streams(&own), streams(&seen));
    assert!(own.iter().all(|(_, _, packets, lost)| *packets > 80 && *lost == 0), "{user} over {over}: {own:?}");
    // With a relay between, each packet passes the loopback twice.
    assert_eq!(seen, streams_of_tshark(&file), "{user} over {over}: packets of the streams, and those lost, by tshark");
    for (src, dst, packets, _) in own {
        let same = seen.iter().find(|(from, to, ..)| (from, to) == (&src, &dst));
        let near = same.is_some_and(|(_, _, n, lost)| n.abs_diff(packets) <= UNDER_WAY && *lost == 0);
        assert!(near, "{user} over {over}: {packets} packets from {src} to {dst} by our count, {seen:?} by tcpdump");
    }
}

#[test]
fn a_call_is_what_tcpdump_and_tshark_saw_of_it() {
    let programs = ["kamailio", "openssl", "ss", "sipp", "rtpengine", "tcpdump", "tshark"];
    let settings = [("WITH_RTPENGINE", "1"), ("LAB_IP", OWN)];
    let Some(mut lab) = lab(&programs, &settings) else { return };
    lab.start(&["rtpengine", "start"], &["rtpengine", "stop"], &[]);
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    let kamailio = format!("{OWN}:{}", lab.setting("KAM_PORT"));
    // Carol hears, and says nothing.
    for (user, media) in [("bob", &["-rtp_echo"][..]), ("carol", &[])] {
        lab.start(&[&["sipp", "uas", user, "uas_answer"], media].concat(), &["sipp", "stop", user], &[]);
        let port = lab.setting(&format!("SIPP_{}", user.to_uppercase()));
        let registration = [("SIPP_USER", user), ("SIPP_CONTACT_PORT", port.as_str()), ("SIPP_EXPIRES", "3000")];
        let registered = lab.run(&["sipp", "uac", "uac_register", &kamailio], &registration);
        assert!(registered.status.success(), "{user}: {}", String::from_utf8_lossy(&registered.stderr));
    }
    agrees(&lab, "bob", "udp");
    agrees(&lab, "bob", "tcp");
    agrees(&lab, "relay-bob", "udp");
    for user in ["bob", "busy"] {
        draws_alike(&lab, user);
    }
    finds_alike(&lab, "busy", &[], 1, &[]);
    finds_alike(&lab, "nobody", &[], 1, &["call-rejected"]);
    finds_alike(&lab, "wrongcodec", &[], 1, &["media-not-acceptable"]);
    finds_alike(&lab, "carol", &["--duration", "2s"], 0, &["one-way-audio"]);
    finds_alike(&lab, "silent", &["--timeout", "3s"], 3, &["no-response"]);
    if lab.settings().get("LAB_IP6").is_some_and(|address| !address.is_empty()) {
        agrees(&lab, "bob", "udp6");
    }
}
