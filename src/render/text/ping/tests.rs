//! Pings as they are shown.

use super::{Lines, summary, total};
use crate::base::Timestamp;
use crate::render::Terminal;
use crate::render::sample::drawn;
use crate::report::active::{Candidate, Certificate, Lookup, Resolution, Timing, Tls};
use crate::report::ping::{Ignored, Line, LineError, LineLost, LineReply, Moved, Nat, Rtt, Target, verdict};
use crate::report::{Exit, Text};

fn reply(seq: u64, rtt_ms: f64, server: &str) -> LineReply {
    LineReply {
        target: "sip:lab.example.test".into(),
        seq,
        status: 200,
        reason: Text::from("OK"),
        from: "192.0.2.10:5061".into(),
        rtt_ms,
        rtt_first_send_ms: rtt_ms,
        final_ms: rtt_ms,
        first_response_ms: Some(rtt_ms),
        sends_of_request: 1,
        sends: 1,
        requests: 1,
        server: Some(Text::from(server.to_owned())),
        challenge: None,
        unexpected: None,
    }
}

fn lines() -> Vec<Line> {
    let target = || "sip:lab.example.test".to_owned();
    let late = LineReply { sends_of_request: 2, sends: 2, rtt_first_send_ms: 503.1, ..reply(2, 3.1, "Kamailio 5.6.3") };
    let odd = LineReply {
        status: 404,
        reason: Text(b"Not\x1b[31m F\xc3\xb6und".into()),
        unexpected: Some("expected 2xx, got 404".into()),
        requests: 2,
        final_ms: 2.0,
        ..reply(3, 1.0, "a\u{202e}b")
    };
    vec![
        Line::Moved(Moved {
            target: target(),
            from: "192.0.2.9:5061".into(),
            to: "192.0.2.10:5061".into(),
            transport: "tls".into(),
            why: "connection refused".into(),
        }),
        Line::Reply(reply(1, 3.1, "Kamailio 5.6.3")),
        Line::Reply(late),
        Line::Reply(odd),
        Line::Lost(LineLost { target: target(), seq: 4, sends: 10, after_ms: 5000.0, provisional: false }),
        Line::Error(LineError {
            target: target(),
            seq: 5,
            phase: "receive".into(),
            kind: "closed".into(),
            message: "192.0.2.10:5061 closed the connection".into(),
            hint: String::new(),
        }),
        Line::Ignored(Ignored {
            target: target(),
            reason: "source".into(),
            detail: "a response from another address than the request went to".into(),
            from: "127.0.0.2:5060".into(),
            seq: Some(6),
        }),
    ]
}

fn candidate(address: &str, how: &str) -> Candidate {
    Candidate {
        transport: "tls".into(),
        address: address.into(),
        host: None,
        priority: None,
        weight: None,
        how: how.into(),
        outcome: None,
    }
}

fn target() -> Target {
    let lookup = Lookup { kind: "A".into(), name: "x".into(), records: vec![], failure: None, took_ms: 4.2 };
    let leaf = Certificate {
        subject: "CN=x".into(),
        issuer: "CN=ca".into(),
        names: vec![],
        not_before: "2026-01-01T00:00:00Z".into(),
        not_after: "2027-01-22T00:00:10Z".into(),
    };
    Target {
        target: "sip:lab.example.test".into(),
        method: "OPTIONS".into(),
        resolution: Resolution {
            lookups: vec![lookup],
            candidates: vec![candidate("192.0.2.10:5061", "NAPTR SIPS+D2T → SRV sip1.lab.example.test")],
            used: Some(0),
            notes: vec![],
        },
        timing: Timing {
            dns_ms: Some(4.2),
            connect_ms: Some(0.4),
            tls_ms: Some(2.9),
            first_response_ms: Some(1.0),
            final_ms: Some(4.0),
        },
        tls: Some(Tls { version: "TLS 1.3".into(), cipher: "x".into(), chain: vec![leaf], ignored: None }),
        sent: 12_004,
        received: 3,
        abandoned: 1,
        loss_percent: 33.333,
        rtt_ms: Some(Rtt { min: 1.0, avg: 2.05, max: 3.1, stddev: 1.05, p50: 1.0, p95: 3.1, p99: 3.1 }),
        jitter_ms: Some(2.1),
        retransmissions: 11,
        answered_after_retransmission: 1,
        server: Some(Text::from("Kamailio 5.6.3")),
        allow: vec![Text::from("INVITE"), Text::from("ACK")],
        supported: vec![],
        accept: vec![Text::from("*/*")],
        nat: Some(Nat {
            local: "10.0.0.5:5060".into(),
            received: Some(Text::from("203.0.113.9")),
            rport: Some(4711),
            mapped: true,
        }),
        statuses: [("200".to_owned(), 2), ("404".to_owned(), 1)].into(),
        ignored: [("source".to_owned(), 1)].into(),
        ..Target::default()
    }
}

/// 2026-11-22 00:00:00 UTC.
const NOW: Timestamp = Timestamp(1_795_305_600_000_000_000);

fn shown(terminal: Terminal, many: bool) -> String {
    drawn(|out| {
        let mut columns = Lines::new(terminal, many);
        columns.header(&target(), out)?;
        for line in lines() {
            columns.line(&line, out)?;
        }
        summary(&target(), true, NOW, terminal, out)?;
        let targets = [target(), Target { received: 0, ..target() }];
        total(&targets.each_ref(), &verdict(Exit::NoAnswer, "sip:x\x1b: no answer".into()), terminal, out)
    })
}

#[test]
fn pings_are_told_as_ping_tells_them() {
    let plain = Terminal::default();
    let text = shown(plain, false);
    for line in [
        "PING sip:lab.example.test → 192.0.2.10:5061 TLS (NAPTR SIPS+D2T → SRV sip1.lab.example.test)\n",
        "\n200 OK from 192.0.2.10:5061  seq=1  rtt=3.1 ms  Kamailio 5.6.3\n",
        "seq=2  rtt=3.1 ms  Kamailio 5.6.3  (after 2 sends, 503 ms since the first)\n",
        "404 Not\\x1b[31m F\u{f6}und from 192.0.2.10:5061  seq=3",
        "seq=4  after 5.0 s (10 sends)\n",
        "\n--- sip:lab.example.test ---\n12,004 sent, 3 answered, 33.3 % loss · 1 not waited for",
        "rtt min/avg/max/stddev 1.0/",
        "tls 2.9 ms (TLS 1.3, certificate good for 61 days)",
        "\nnat        203.0.113.9:4711 is your address as the server saw it (sent from 10.0.0.5:5060: translated)\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    assert!(shown(Terminal { width: 80, ..plain }, true).contains("sip:lab.example.test  200 OK from"));
    let ascii = shown(Terminal { unicode: false, ..plain }, false);
    assert!(ascii.is_ascii(), "{ascii}");
    assert!(ascii.contains("PING sip:lab.example.test -> 192.0.2.10:5061 TLS (NAPTR SIPS+D2T -> SRV"), "{ascii}");
}

#[test]
fn colour_says_nothing_that_the_words_do_not() {
    let coloured = shown(Terminal { colour: true, ..Terminal::default() }, false);
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, shown(Terminal::default(), false));
}

#[test]
fn a_flood_of_ignored_messages_is_told_ten_times() {
    let ignored = lines().pop().unwrap();
    let text = drawn(|out| {
        let mut columns = Lines::new(Terminal::default(), false);
        (0..50).try_for_each(|_| columns.line(&ignored, out))
    });
    assert_eq!(text.lines().count(), 10);
    assert!(text.lines().last().unwrap().ends_with("; further ones are counted only"));
}

#[test]
fn the_days_of_a_certificate_are_whole_ones_and_told_once() {
    let tls = |not_after: &str, ignored: Option<&str>| Tls {
        version: "TLS 1.3".into(),
        cipher: String::new(),
        chain: vec![Certificate {
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            not_before: "2026-01-01T00:00:00Z".into(),
            not_after: not_after.into(),
        }],
        ignored: ignored.map(str::to_owned),
    };
    // 2026-11-22T12:00:00Z
    let now = Timestamp(1_795_348_800 * 1_000_000_000);
    let words = |not_after, ignored| super::tls_words(&tls(not_after, ignored), now);
    assert_eq!(words("2026-11-24T12:00:00Z", None), "TLS 1.3, certificate good for 2 days");
    assert_eq!(words("2026-11-22T13:00:00Z", None), "TLS 1.3, certificate good for less than a day");
    assert_eq!(words("2026-11-21T11:00:00Z", None), "TLS 1.3, certificate expired 1 day ago");
    let told = "the certificate expired 25 hours ago";
    assert_eq!(words("2026-11-21T11:00:00Z", Some(told)), format!("TLS 1.3, accepted all the same: {told}"));
}
