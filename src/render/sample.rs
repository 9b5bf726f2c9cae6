//! Reports made by hand for the tests of this folder: a call through a proxy with all that can be beside it, and hostile ones.

use super::Terminal;
use crate::base::Timestamp;
use crate::report::Text;
use crate::report::decode::*;

/// 2026-11-22 14:05:11 UTC.
pub(super) const START: i64 = 1_795_356_311;

pub(super) const ALICE: &str = "10.20.0.10:5060";
pub(super) const PROXY: &str = "10.20.0.1:5060";
pub(super) const BOB: &str = "10.20.0.20:5060";

pub(super) fn terminal(width: usize) -> Terminal {
    Terminal { width, unicode: true, colour: false }
}

pub(super) fn at(ms: i64) -> Instant {
    Instant(Timestamp(START * 1_000_000_000 + ms * 1_000_000))
}

pub(super) fn text(s: &str) -> Option<Text<'static>> {
    Some(Text::from(s.to_owned()))
}

/// A message of nothing but its place; the start line decides the rest: `INVITE sip:bob@x`, `200 OK`.
pub(super) fn message(
    index: u64,
    ms: i64,
    src: &str,
    dst: &str,
    start_line: &str,
    cseq: (u32, &'static str),
) -> Message<'static> {
    let (first, rest) = start_line.split_once(' ').unwrap_or((start_line, ""));
    let status = first.parse::<u16>().ok();
    Message {
        index,
        frame: index + 3,
        source: 0,
        time: at(ms),
        offset_ms: ms as f64,
        src: src.into(),
        dst: dst.into(),
        transport: "udp",
        kind: if status.is_some() { Kind::Response } else { Kind::Request },
        method: Some(Text::from(cseq.1)),
        uri: if status.is_none() { text(rest) } else { None },
        status,
        reason: if status.is_some() { text(rest) } else { None },
        call_id: text("1-8231@10.20.0.10"),
        cseq: Some(Cseq { number: cseq.0, method: Text::from(cseq.1) }),
        from_tag: text("a1"),
        to_tag: None,
        branch: text("z9hG4bK-1"),
        retransmission_of: None,
        copy_of: None,
        size: 500,
        body: None,
        notes: Vec::new(),
        headers: None,
        raw: None,
    }
}

pub(super) trait With: Sized {
    fn sdp(self) -> Self;
    fn note(self, note: &str) -> Self;
    fn repeats(self, index: u64) -> Self;
}

impl With for Message<'static> {
    fn sdp(mut self) -> Self {
        let media = SdpMedia {
            kind: Text::from("audio"),
            address: Some("10.20.0.10:4000".into()),
            port: 4000,
            protocol: Text::from("RTP/AVP"),
            codecs: vec!["PCMU".into(), "telephone-event".into()],
            direction: "sendrecv",
        };
        let sdp = Sdp { role: Some("offer"), origin: text("alice 1 1 IN IP4 10.20.0.10"), media: vec![media] };
        self.body = Some(Body { content_type: text("application/sdp"), length: 140, sdp: Some(sdp) });
        self
    }

    fn note(mut self, note: &str) -> Self {
        self.notes.push(note.into());
        self
    }

    fn repeats(mut self, index: u64) -> Self {
        self.retransmission_of = Some(index);
        self
    }
}

pub(super) fn participant(id: u32, address: &str, role: &str, software: &str) -> Participant {
    Participant {
        id,
        address: address.into(),
        role: Some(role.to_owned()).filter(|r| !r.is_empty()),
        record_routing: None,
        stateful: None,
        evidence: vec!["sends the first INVITE".into()],
        software: text(software).filter(|s| !s.bytes().is_empty()),
    }
}

pub(super) fn party(uri: &str, display: &str) -> Party {
    Party { uri: text(uri), display: text(display).filter(|d| !d.bytes().is_empty()), tag: text("a1") }
}

pub(super) fn stream(id: u64, ms: i64, src: &str, dst: &str) -> Stream {
    Stream {
        id,
        call: Some(1),
        ssrc: "0x1a2b3c4d".into(),
        src: src.into(),
        dst: dst.into(),
        codec: Some("PCMU".into()),
        payload_type: 0,
        packets: 600,
        lost: 0,
        loss_percent: 0.0,
        jitter_ms: 0.3,
        max_gap_ms: 20.0,
        mos: Some(4.4),
        duration_ms: 12_000.0,
        dtmf: String::new(),
        direction: Some("caller_to_callee"),
        start: at(ms),
    }
}

pub(super) fn found(code: &'static str, severity: Severity, title: &str, messages: Vec<u64>) -> Finding {
    Finding {
        code,
        severity,
        confidence: "certain",
        ruled_out: Vec::new(),
        update: false,
        title: title.into(),
        detail: String::new(),
        fix: String::new(),
        rule: "RFC 3261 §17.2.1".into(),
        call: Some(1),
        registration: None,
        exchange: None,
        stream: None,
        messages,
        spans: Vec::new(),
    }
}

pub(super) fn call(id: u64, state: CallState) -> Call {
    Call {
        id,
        call_ids: vec![Text::from("1-8231@10.20.0.10")],
        from: party("sip:alice@lab.example.test", ""),
        to: party("sip:bob@lab.example.test", "bob"),
        state,
        final_status: Some(200),
        start: at(0),
        trying_ms: Some(5.0),
        ringing_ms: Some(311.0),
        answered_ms: Some(2511.0),
        duration_ms: Some(12_000.0),
        ended_by: Some("caller"),
        participants: vec![
            participant(1, ALICE, "uac", "SIPp 3.6"),
            participant(2, PROXY, "proxy", "record-routing"),
            participant(3, BOB, "uas", "baresip 1.0"),
        ],
        legs: vec![Leg {
            call_id: Text::from("1-8231@10.20.0.10"),
            from_tag: text("a1"),
            to_tag: text("b1"),
            state: "terminated",
            joined: None,
        }],
        codecs: vec!["PCMU".into()],
        messages: Vec::new(),
        streams: Vec::new(),
        findings: Vec::new(),
    }
}

/// The call through a proxy: challenge, ringing, a 200 sent three times, media, BYE by the caller.
fn proxied_messages() -> Vec<Message<'static>> {
    const I: &str = "INVITE";
    const B: &str = "BYE";
    let bob = "INVITE sip:bob@lab.example.test";
    vec![
        message(0, 0, ALICE, PROXY, bob, (1, I)).sdp().note("offers PCMU PCMA telephone-event"),
        message(1, 1, PROXY, ALICE, "407 Proxy Authentication Required", (1, I))
            .note("challenge: lab.example.test, MD5, qop=auth"),
        message(2, 2, ALICE, PROXY, "ACK sip:bob@lab.example.test", (1, "ACK")),
        message(3, 4, ALICE, PROXY, bob, (2, I)).sdp().note("credentials of alice"),
        message(4, 5, PROXY, ALICE, "100 Trying", (2, I)),
        message(5, 6, PROXY, BOB, bob, (2, I)).sdp(),
        message(6, 310, BOB, PROXY, "180 Ringing", (2, I)).note("ringing after 0.3 s"),
        message(7, 311, PROXY, ALICE, "180 Ringing", (2, I)),
        message(8, 2510, BOB, PROXY, "200 OK", (2, I)).sdp().note("answered after 2.5 s · PCMU"),
        message(9, 2511, PROXY, ALICE, "200 OK", (2, I)).sdp(),
        message(10, 3011, PROXY, ALICE, "200 OK", (2, I)).sdp().repeats(9),
        message(11, 4011, PROXY, ALICE, "200 OK", (2, I)).sdp().repeats(10),
        message(12, 4020, ALICE, PROXY, "ACK sip:bob@10.20.0.20", (2, "ACK")),
        message(13, 4021, PROXY, BOB, "ACK sip:bob@10.20.0.20", (2, "ACK")),
        message(14, 14_530, ALICE, PROXY, "BYE sip:bob@10.20.0.20", (3, B)),
        message(15, 14_531, PROXY, BOB, "BYE sip:bob@10.20.0.20", (3, B)),
        message(16, 14_540, BOB, PROXY, "200 OK", (3, B)),
        message(17, 14_541, PROXY, ALICE, "200 OK", (3, B)),
    ]
}

fn retransmission() -> Finding {
    let mut finding = found(
        "retransmission",
        Severity::Warning,
        "the 200 OK to the INVITE was sent 3 times before its ACK came",
        vec![9, 10, 11],
    );
    finding.detail =
        "The repeats are 0.5 s and 1.0 s apart, as Timer G asks: the sender is healthy and the loss is between \
        10.20.0.1 and 10.20.0.10.\nThe ACK came 9 ms after the third: the first two responses were lost, not the ACK."
            .into();
    finding.fix = "Look for loss on the path from 10.20.0.1 to 10.20.0.10.".into();
    finding
}

/// A span over `marked` in `line`, which must hold it.
pub(super) fn span(message: u64, line_number: u32, line: &str, marked: &str, label: &str) -> EvidenceSpan {
    let column = u32::try_from(line.find(marked).unwrap()).unwrap();
    EvidenceSpan {
        message,
        start: 100 + column,
        end: 100 + column + u32::try_from(marked.len()).unwrap(),
        line: line.as_bytes().to_vec(),
        line_number,
        column,
        label: label.into(),
    }
}

pub(super) fn defect() -> Finding {
    let mut finding = found("header-malformed", Severity::Error, "a Contact breaks its grammar", vec![19]);
    finding.rule = "RFC 3261 §20.10, §25.1".into();
    finding.call = None;
    finding.exchange = Some(1);
    finding.spans = vec![span(19, 3, "Contact: \"Joe\" <sip:joe@example.org>>\r\n", ">>", "a second '>' ends nothing")];
    finding.spans[0].column += 1;
    finding.spans[0].start += 1;
    finding
}

/// The call through a proxy, a registration, an exchange with a defect and an orphan stream.
pub(super) fn report() -> Report {
    let mut messages = proxied_messages();
    messages.push(message(18, 15_000, ALICE, PROXY, "REGISTER sip:lab.example.test", (1, "REGISTER")));
    messages.push(message(19, 15_100, PROXY, BOB, "OPTIONS sip:bob@10.20.0.20", (1, "OPTIONS")));
    messages.push(message(20, 15_102, BOB, PROXY, "200 OK", (1, "OPTIONS")));
    let mut first = call(1, CallState::Completed);
    first.messages = (0..18).collect();
    first.streams = vec![1, 2];
    first.findings = vec![0];
    let mut orphan = stream(3, 200, "10.20.0.77:7000", "10.20.0.78:7002");
    orphan.call = None;
    orphan.codec = None;
    orphan.payload_type = 97;
    orphan.mos = None;
    orphan.direction = None;
    orphan.loss_percent = 3.25;
    let mut back = stream(2, 2531, "10.20.0.20:5000", "10.20.0.10:4000");
    back.jitter_ms = 0.4;
    Report {
        schema: "sipctl.decode/1",
        sources: vec![source("capture.pcap")],
        summary: summary(),
        calls: vec![first],
        registrations: vec![Registration {
            id: 1,
            aor: text("sip:alice@lab.example.test"),
            call_id: text("r1"),
            state: RegistrationState::Unanswered,
            contacts: vec![Text::from("sip:alice@10.20.0.10")],
            expires_s: None,
            participants: Vec::new(),
            messages: vec![18],
            findings: vec![],
        }],
        exchanges: vec![Exchange {
            id: 1,
            method: Text::from("OPTIONS"),
            call_id: text("o1"),
            state: ExchangeState::Answered,
            status: Some(200),
            reply_ms: Some(2.0),
            participants: Vec::new(),
            messages: vec![19, 20],
            findings: vec![1],
        }],
        messages,
        streams: vec![stream(1, 2530, "10.20.0.10:4000", "10.20.0.20:5000"), back, orphan],
        findings: vec![retransmission(), defect()],
        peers: vec![Peer {
            address: PROXY.into(),
            attempts: 4,
            answered: 3,
            no_reply: 1,
            median_reply_ms: Some(1.25),
            codes: [("200".to_owned(), 2), ("407".to_owned(), 1)].into(),
        }],
    }
}

pub(super) fn source(path: &str) -> Source {
    Source {
        path: path.into(),
        format: "pcap".into(),
        link_types: vec!["ethernet".into()],
        packets: 42,
        bytes: 21_000,
        first_time: Some(at(0)),
        last_time: Some(at(15_102)),
        truncated: false,
        dropped: None,
    }
}

fn summary() -> Summary {
    let counts = |pairs: &[(&str, u64)]| pairs.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    Summary {
        packets: 42,
        messages: 21,
        requests: counts(&[("INVITE", 3), ("ACK", 3), ("BYE", 2), ("REGISTER", 1), ("OPTIONS", 1)]),
        responses: counts(&[("100", 1), ("180", 2), ("200", 7), ("407", 1)]),
        transports: counts(&[("udp", 21)]),
        calls: 1,
        registrations: 1,
        exchanges: 1,
        streams: 3,
        rtp_packets: 1800,
        calls_by_state: counts(&[("completed", 1)]),
        findings: FindingCounts { error: 1, warning: 1, info: 0 },
        malformed: 1,
        undecoded: counts(&[("cut_by_snap_length", 12)]),
        hints: [("cut_by_snap_length".to_owned(), "capture again with a larger snap length (tcpdump -s 0)".to_owned())]
            .into(),
        first_time: Some(at(0)),
        last_time: Some(at(15_102)),
    }
}

/// What `draw` writes, as text.
pub(super) fn drawn(draw: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    draw(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}
