//! `sipctl decode --hep-listen`: HEP 2 and 3 over UDP and TCP become calls with the inner addresses and times.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;

use nix::sys::signal::Signal;
use running::{Running, call};
use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};

const ALICE: [u8; 4] = [192, 0, 2, 1];
const BOB: [u8; 4] = [192, 0, 2, 2];
/// Time of the first message by the agent's clock: long ago.
const BEGUN: u32 = 1_700_000_000;

fn chunk(kind: u16, body: &[u8]) -> Vec<u8> {
    [&[0, 0][..], &kind.to_be_bytes(), &(body.len() as u16 + 6).to_be_bytes(), body].concat()
}

/// `forth`: from alice to bob.
fn hep3(forth: bool, at: u32, sip: &[u8]) -> Vec<u8> {
    let (src, dst) = if forth { (ALICE, BOB) } else { (BOB, ALICE) };
    let chunks = [
        chunk(1, &[2]),
        chunk(2, &[17]),
        chunk(3, &src),
        chunk(4, &dst),
        chunk(7, &5060u16.to_be_bytes()),
        chunk(8, &5060u16.to_be_bytes()),
        chunk(9, &at.to_be_bytes()),
        chunk(10, &250_000u32.to_be_bytes()),
        chunk(11, &[1]),
        chunk(12, &7u32.to_be_bytes()),
        chunk(15, sip),
    ]
    .concat();
    [b"HEP3", &(chunks.len() as u16 + 6).to_be_bytes()[..], &chunks].concat()
}

fn hep2(forth: bool, at: u32, sip: &[u8]) -> Vec<u8> {
    let (src, dst) = if forth { (ALICE, BOB) } else { (BOB, ALICE) };
    let ports = [5060u16.to_be_bytes(), 5060u16.to_be_bytes()].concat();
    let time = [&at.to_le_bytes()[..], &250_000u32.to_le_bytes(), &7u16.to_le_bytes(), &[0; 2]].concat();
    [&[2, 16 + 12, 2, 17][..], &ports, &src, &dst, &time, sip].concat()
}

/// Starts a listener on a free port and says where it listens.
fn listen(args: &[&str]) -> (Running, SocketAddr) {
    let mut sipctl = Running::decode(&[&["--hep-listen", "127.0.0.1:0"], args].concat());
    let told = sipctl.error_line("waiting for HEP on ");
    let address = told.split_whitespace().find_map(|word| word.parse().ok()).expect("it says where");
    (sipctl, address)
}

fn json(line: &str) -> serde_json::Value {
    serde_json::from_str(line).expect("one object a line")
}

#[test]
fn a_mirrored_call_is_told_when_it_has_ended_and_ctrl_c_gives_the_summary() {
    let (mut sipctl, address) = listen(&["--format", "ndjson"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (n, (forth, sip)) in call("udp-3").into_iter().enumerate() {
        socket.send_to(&hep3(forth, BEGUN + n as u32, &sip), address).unwrap();
    }
    let first = json(&sipctl.line("\"type\":\"message\""));
    assert_eq!((&first["src"], &first["dst"]), (&"192.0.2.1:5060".into(), &"192.0.2.2:5060".into()));
    assert_eq!(first["time"], "2023-11-14T22:13:20.250000000Z");
    // Nothing more is sent: the call is told because it is over.
    let told = json(&sipctl.line("\"type\":\"call\""));
    assert_eq!((&told["state"], &told["duration_ms"]), (&"completed".into(), &2000.0.into()));
    sipctl.signal(Signal::SIGINT);
    let (code, out, _) = sipctl.end();
    let summary = json(out.last().expect("a summary"));
    assert_eq!(code, Some(130));
    assert_eq!((&summary["type"], &summary["packets"]), (&"summary".into(), &6.into()), "{summary}");
    assert_eq!(summary["sources"][0]["packets"], 6);
}

#[test]
fn version_2_and_connections_bring_the_same() {
    let (mut sipctl, address) = listen(&["--format", "ndjson"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (n, (forth, sip)) in call("udp-2").into_iter().enumerate() {
        socket.send_to(&hep2(forth, BEGUN + n as u32, &sip), address).unwrap();
    }
    let mut stream = TcpStream::connect(address).unwrap();
    let all: Vec<u8> = call("tcp-3")
        .into_iter()
        .enumerate()
        .flat_map(|(n, (forth, sip))| hep3(forth, BEGUN + n as u32, &sip))
        .collect();
    let (half, rest) = all.split_at(all.len() / 2);
    stream.write_all(half).unwrap();
    stream.flush().unwrap();
    stream.write_all(rest).unwrap();
    let mut told: Vec<String> = (0..2)
        .map(|_| {
            let call = json(&sipctl.line("\"type\":\"call\""));
            assert_eq!(call["participants"][0]["address"], "192.0.2.1:5060");
            format!("{} {}", call["call_ids"][0].as_str().unwrap(), call["state"].as_str().unwrap())
        })
        .collect();
    told.sort();
    assert_eq!(told, ["tcp-3 completed", "udp-2 completed"]);
    drop(stream);
    sipctl.signal(Signal::SIGTERM);
    let (code, out, _) = sipctl.end();
    assert_eq!(code, Some(130));
    let summary = json(out.last().expect("a summary"));
    assert_eq!((&summary["packets"], &summary["messages"]), (&12.into(), &12.into()));
}

#[test]
fn a_late_repeat_opens_nothing() {
    let (mut sipctl, address) = listen(&["--format", "ndjson"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let all = call("late");
    for (n, (forth, sip)) in all.iter().enumerate() {
        socket.send_to(&hep3(*forth, BEGUN + n as u32, sip), address).unwrap();
    }
    sipctl.line("\"type\":\"call\"");
    let (forth, bye) = &all[4];
    socket.send_to(&hep3(*forth, BEGUN + 8, bye), address).unwrap();
    let repeat = json(&sipctl.line("\"type\":\"message\""));
    assert_eq!(repeat["retransmission_of"], 4);
    sipctl.signal(Signal::SIGINT);
    let (_, out, err) = sipctl.end();
    assert_eq!(out.len(), 1, "only the summary: {out:?}");
    let summary = json(&out[0]);
    assert_eq!((&summary["calls"], &summary["exchanges"]), (&1.into(), &0.into()));
    assert!(err.iter().any(|l| l.contains("1 message came after")), "{err:?}");
}

#[test]
fn duration_and_count_end_it_with_exit_0() {
    let (sipctl, _) = listen(&["--duration", "200ms", "--json"]);
    let (code, out, _) = sipctl.end();
    assert_eq!(code, Some(0));
    assert_eq!(json(&out.concat())["summary"]["packets"], 0);

    let (sipctl, address) = listen(&["--count", "2", "--json"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (forth, sip) in call("counted").into_iter().take(2) {
        socket.send_to(&hep3(forth, BEGUN, &sip), address).unwrap();
    }
    let (code, out, _) = sipctl.end();
    assert_eq!(code, Some(0));
    assert_eq!(json(&out.concat())["summary"]["packets"], 2);
}

#[test]
fn what_is_no_hep_is_counted_and_a_port_in_use_is_told() {
    let (sipctl, address) = listen(&["--count", "1", "--json"]);
    let mut second = Running::decode(&["--hep-listen", &address.to_string()]);
    second.error_line(&format!("cannot listen for HEP on {address}: Address already in use"));
    assert_eq!(second.end().0, Some(4));
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"this is no HEP", address).unwrap();
    let (code, out, _) = sipctl.end();
    assert_eq!((code, &json(&out.concat())["summary"]["undecoded"]["hep_malformed"]), (Some(0), &1.into()));
}
