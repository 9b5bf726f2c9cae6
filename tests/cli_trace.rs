//! `sipctl trace` as a user runs it, through a path of hops that a script plays: lines, JSON, exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use serde_json::Value;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Output, Stdio};

/// What a path does with a request of that Max-Forwards: status line and further header fields; `None` for silence.
type Does = Option<String>;

/// A path on loopback that answers by a rule. Ends with the test's process.
fn path(rule: impl Fn(u32) -> Does + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 65_535];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let hops = field(&request, "Max-Forwards").unwrap().parse().unwrap();
            let Some(said) = rule(hops) else { continue };
            let (first, fields) = said.split_once('\n').unwrap_or((&said, ""));
            let mut response = format!("SIP/2.0 {first}\r\n");
            let via = field(&request, "Via")
                .unwrap()
                .replace(";rport", &format!(";received=127.0.0.1;rport={}", from.port()));
            response.push_str(&format!("Via: {via}\r\n"));
            for name in ["From", "To", "Call-ID", "CSeq"] {
                response.push_str(&format!("{name}: {}\r\n", field(&request, name).unwrap()));
            }
            fields.lines().for_each(|line| response.push_str(&format!("{line}\r\n")));
            socket.send_to(format!("{response}Content-Length: 0\r\n\r\n").as_bytes(), from).unwrap();
        }
    });
    address
}

fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Two proxies and the target behind them.
fn three_hops() -> SocketAddr {
    path(|hops| {
        Some(match hops {
            0 => "483 Too Many Hops\nServer: Edge 1.0".to_owned(),
            1 => "483 Too Many Hops\nServer: Core 2.0\nWarning: 399 core.example.com \"no hops left\"".to_owned(),
            _ => "200 OK\nServer: Target 3.0".to_owned(),
        })
    })
}

fn trace(words: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sipctl"));
    command.arg("trace").args(words).env_remove("SSLKEYLOGFILE").env_remove("SIPCTL_PASSWORD").env("NO_COLOR", "1");
    command.stdin(Stdio::null()).output().unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

/// The text with its times left out.
fn timeless(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    let all: Vec<&str> = text.split(' ').collect();
    for (at, word) in all.iter().enumerate() {
        let is_time = word.parse::<f64>().is_ok() && all.get(at + 1).is_some_and(|next| next.starts_with("ms"));
        words.push(if is_time { "T" } else { word });
    }
    words.join(" ")
}

#[test]
fn a_path_is_one_line_a_hop_and_the_verdict() {
    let address = three_hops();
    let ran = trace(&[&format!("sip:bob@{address}")]);
    let expected = format!(
        "TRACE sip:bob@{address} → {address} UDP (as given), 30 hops at most\n\
         \x20{}\n    Warning: 399 core.example.com \"no hops left\"\n\
         \x20{}\n\
         200 OK at hop 3\n",
        [
            format!("1  {address:21}  483 Too Many Hops  Edge 1.0  T ms  T ms  T ms"),
            "\u{20}2  core.example.com       483 Too Many Hops  Core 2.0  T ms  T ms  T ms".to_owned()
        ]
        .join("\n"),
        format_args!("3  behind {address}  200 OK  Target 3.0  T ms  T ms  T ms"),
    );
    assert_eq!(timeless(&text(&ran.stdout)), expected, "{}", text(&ran.stderr));
    assert_eq!((ran.status.code(), text(&ran.stderr).as_str()), (Some(0), ""));
}

#[test]
fn the_json_has_hops_messages_and_result() {
    let address = three_hops();
    let ran = trace(&["--json", "--probes", "1", &format!("sip:bob@{address}")]);
    let value: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((ran.status.code(), value["schema"].as_str()), (Some(0), Some("sipctl.trace/1")));
    let statuses: Vec<_> =
        value["hops"].as_array().unwrap().iter().map(|h| h["probes"][0]["status"].as_u64()).collect();
    assert_eq!(statuses, [Some(483), Some(483), Some(200)]);
    assert_eq!(value["hops"][1]["who"], "core.example.com");
    let seen = value["hops"][0]["probes"][0]["via_received"].as_str().unwrap();
    assert!(seen.starts_with("127.0.0.1:"), "{seen}");
    assert_eq!(value["messages"].as_array().unwrap().len(), 6);
    assert_eq!((&value["result"]["ok"], &value["result"]["code"]), (&Value::from(true), &Value::from(0)));
    assert_eq!(value["resolution"]["candidates"][0]["outcome"], "answered");
    assert!(value["timing"]["final_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn ndjson_has_a_line_a_hop_and_the_summary_last() {
    let address = three_hops();
    let ran = trace(&["--format", "ndjson", "--probes", "2", &address.to_string()]);
    let values: Vec<Value> = text(&ran.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = values.iter().map(|v| v["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|k| **k == "hop").count(), 3);
    assert_eq!(kinds[..3], ["hop"; 3]);
    assert_eq!(kinds.iter().filter(|k| **k == "message").count(), 12);
    let last = values.last().unwrap();
    assert_eq!((last["type"].as_str(), last["hops"].as_u64()), (Some("summary"), Some(3)));
}

#[test]
fn each_end_has_its_exit_code() {
    let code = |address: SocketAddr, words: &[&str]| {
        let target = address.to_string();
        let ran = trace(&[words, &["--probes", "1", "--timeout", "200ms", &target]].concat());
        (ran.status.code().unwrap(), text(&ran.stdout).lines().last().unwrap_or_default().to_owned())
    };
    let endless = path(|_| Some("483 Too Many Hops".to_owned()));
    assert_eq!(
        code(endless, &["--max-hops", "5"]),
        (1, "not reached in 5 hops: the last one still says 483".to_owned())
    );
    let looped = path(|hops| Some(if hops < 2 { "483 x".to_owned() } else { "482 Loop Detected".to_owned() }));
    assert_eq!(code(looped, &[]), (1, "loop: hop 3 saw the request before (482)".to_owned()));
    let silent = path(|_| None);
    assert_eq!(code(silent, &[]), (3, "no answer".to_owned()));
    let half = path(|hops| (hops == 0).then(|| "483 x".to_owned()));
    assert_eq!(code(half, &[]), (3, "nothing answers behind hop 1".to_owned()));
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(code(closed, &[]).0, 4);
    assert_eq!(trace(&["sip:"]).status.code(), Some(2));
    assert_eq!(trace(&["--method", "INVITE", "127.0.0.1:9"]).status.code(), Some(2));
}

#[test]
fn a_dry_run_shows_the_first_request_and_sends_nothing() {
    let address = path(|_| panic!("nothing is sent"));
    let ran = trace(&["--dry-run", "--method", "MESSAGE", &address.to_string()]);
    let shown = text(&ran.stdout);
    assert!(shown.starts_with(&format!("MESSAGE sip:{address} SIP/2.0\r\n")), "{shown}");
    assert!(shown.contains("\r\nMax-Forwards: 0\r\n") && shown.matches("CSeq").count() == 1, "{shown}");
    assert_eq!(ran.status.code(), Some(0));
}
