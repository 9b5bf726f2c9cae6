//! Ladders of every shape, looked at and kept; and of none, which must not panic.

use super::{Bodies, Ladder};
use crate::render::Terminal;
use crate::render::glyph::width;
use crate::render::sample::*;
use crate::report::Text;
use crate::report::decode::{Finding, Header, Message, Participant, Severity, Stream};

const INVITE: (u32, &str) = (1, "INVITE");

fn ladder(
    participants: &[Participant],
    messages: &[Message<'static>],
    streams: &[Stream],
    findings: &[Finding],
    terminal: Terminal,
) -> String {
    with_bodies(participants, messages, streams, findings, Bodies::None, terminal)
}

fn with_bodies(
    participants: &[Participant],
    messages: &[Message<'static>],
    streams: &[Stream],
    findings: &[Finding],
    bodies: Bodies,
    terminal: Terminal,
) -> String {
    let messages: Vec<&Message<'_>> = messages.iter().collect();
    let streams: Vec<&Stream> = streams.iter().collect();
    let findings: Vec<&Finding> = findings.iter().collect();
    let (messages, streams, findings) = (&messages[..], &streams[..], &findings[..]);
    let ladder = Ladder { start: at(0), participants, messages, streams, findings, bodies };
    let text = drawn(|out| ladder.draw(terminal, out));
    if bodies == Bodies::None {
        for line in text.lines() {
            assert!(width(line) <= terminal.columns(), "longer than {}: {line}", terminal.columns());
            assert_eq!(line, line.trim_end(), "spaces at the end");
        }
    }
    text
}

fn phones(n: u32) -> Vec<Participant> {
    (1..=n).map(|id| participant(id, &format!("10.20.0.{id}:5060"), if id == 1 { "uac" } else { "uas" }, "")).collect()
}

fn address(n: u64) -> String {
    format!("10.20.0.{n}:5060")
}

/// Two phones behind a proxy; one answers, the other is cancelled.
fn fork() -> Vec<Message<'static>> {
    let (a, p, b, c) = (&address(1), &address(2), &address(3), &address(4));
    vec![
        message(0, 0, a, p, "INVITE sip:sales@lab.example.test", INVITE).sdp().note("offers PCMU"),
        message(1, 2, p, b, "INVITE sip:bob@10.20.0.3", INVITE).sdp().note("forked to 2 targets"),
        message(2, 2, p, c, "INVITE sip:carol@10.20.0.4", INVITE).sdp(),
        message(3, 120, b, p, "180 Ringing", INVITE).note("ringing after 0.1 s"),
        message(4, 121, p, a, "180 Ringing", INVITE),
        message(5, 1020, c, p, "200 OK", INVITE).sdp().note("answered after 1.0 s · PCMU"),
        message(6, 1021, p, a, "200 OK", INVITE).sdp(),
        message(7, 1022, p, b, "CANCEL sip:bob@10.20.0.3", (1, "CANCEL")).note("the other branch is given up"),
        message(8, 1023, b, p, "487 Request Terminated", INVITE),
        message(9, 1030, a, c, "ACK sip:carol@10.20.0.4", (1, "ACK")),
    ]
}

#[test]
fn a_fork_over_two_hops_and_past_a_column() {
    for wide in [80, 120] {
        insta::assert_snapshot!(format!("fork_{wide}"), ladder(&phones(4), &fork(), &[], &[], terminal(wide)));
    }
    let ascii = Terminal { unicode: false, ..terminal(100) };
    let text = ladder(&phones(4), &fork(), &[stream(1, 1031, &address(1), &address(4))], &[], ascii);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("fork_ascii_100", text);
}

#[test]
fn hold_is_a_re_invite_and_marks_stand_beside_what_proves_them() {
    let mut held = message(2, 5_400_000, ALICE, BOB, "INVITE sip:bob@10.20.0.20:5060", (2, "INVITE")).sdp();
    held.to_tag = text("b1");
    let messages = [
        message(0, 0, ALICE, BOB, "INVITE sip:bob@10.20.0.20", INVITE).sdp(),
        message(1, 65_001, BOB, ALICE, "200 OK", INVITE).sdp().note("answered after 1 min 05 s"),
        held.note("hold: alice stops receiving"),
        message(3, 5_400_003, BOB, ALICE, "200 OK", (2, "INVITE")).sdp(),
    ];
    let mut gap = found("rtp-gap", Severity::Info, "bob's stream pauses", vec![2, 3]);
    gap.stream = Some(2);
    let media = [stream(1, 65_100, ALICE, BOB), stream(2, 65_101, BOB, ALICE)];
    let participants = [participant(1, ALICE, "uac", "PJSUA"), participant(2, BOB, "uas", "")];
    let text = ladder(&participants, &messages, &media, &[gap], terminal(120));
    assert_eq!(text.matches("△ rtp-gap").count(), 3, "two messages and the stream:\n{text}");
    insta::assert_snapshot!("hold_120", text);
}

#[test]
fn many_columns_become_letters_and_a_crowd_a_list() {
    let hops = |n: u64| -> Vec<Message<'static>> {
        let hop = |i: u64| {
            let line = "INVITE sip:bob@lab.example.test";
            message(i, i64::try_from(i).unwrap() * 3, &address(i + 1), &address(i + 2), line, INVITE).sdp()
        };
        let mut all: Vec<_> = (0..n - 1).map(hop).collect();
        all.push(
            message(n, 100, &address(n), &address(1), "486 Busy Here", INVITE).note("busy, straight to the caller"),
        );
        all
    };
    insta::assert_snapshot!("six_columns_80", ladder(&phones(6), &hops(6), &[], &[], terminal(80)));
    insta::assert_snapshot!("six_columns_200", ladder(&phones(6), &hops(6), &[], &[], terminal(200)));
    insta::assert_snapshot!("nine_columns_80", ladder(&phones(9), &hops(9), &[], &[], terminal(80)));
    let crowd = ladder(&phones(40), &hops(40), &[], &[], terminal(80));
    assert!(crowd.contains("AN  10.20.0.40:5060"), "{crowd}");
    assert!(crowd.contains("AN → A   486 Busy Here"), "{crowd}");
}

#[test]
fn a_participant_can_send_to_itself() {
    let spiral = [
        message(0, 0, ALICE, PROXY, "INVITE sip:bob@lab.example.test", INVITE).sdp(),
        message(1, 1, PROXY, PROXY, "INVITE sip:bob@lab.example.test", INVITE).sdp().note("spiral"),
        message(2, 2, BOB, BOB, "INVITE sip:bob@10.20.0.20", INVITE).note("last column turns to the left"),
    ];
    insta::assert_snapshot!(
        "itself_100",
        ladder(&call(1, crate::report::decode::CallState::Ringing).participants, &spiral, &[], &[], terminal(100))
    );
    let alone = [message(0, 0, ALICE, ALICE, "OPTIONS sip:alice@10.20.0.10", (1, "OPTIONS")).note("to itself")];
    insta::assert_snapshot!("alone_80", ladder(&[participant(1, ALICE, "", "")], &alone, &[], &[], terminal(80)));
}

#[test]
fn names_are_measured_as_they_are_shown_and_hostile_ones_escaped() {
    let participants = [
        participant(1, "[2001:db8:1111:2222:3333:4444:5555:6666]:5060", "uac", "電話アプリ 三"),
        participant(2, "[2001:db8::2]:5060", "uas", "\x1b]0;owned\x07 \u{202e}evil"),
    ];
    let (a, b) = (&participants[0].address, &participants[1].address);
    let mut latin = message(1, 20, b, a, "486 x", INVITE);
    latin.reason = Some(Text(std::borrow::Cow::Owned(b"Besetzt \xfc\x1b[2J".to_vec())));
    let messages = [message(0, 0, a, b, "INVITE sip:山田太郎@例え.jp", INVITE).sdp().note("von \x1b[31mrot"), latin];
    for wide in [80, 160] {
        let text = ladder(&participants, &messages, &[], &[], terminal(wide));
        assert!(!text.contains(['\x1b', '\x07', '\u{202e}']), "{text:?}");
        insta::assert_snapshot!(format!("names_{wide}"), text);
    }
}

#[test]
fn strangers_get_columns_and_relays_are_named_by_host() {
    let participants = [participant(1, ALICE, "uac", ""), participant(2, "10.20.0.20:5060,5070", "uas", "")];
    let messages = [
        message(0, 0, ALICE, "10.20.0.20:5070", "INVITE sip:bob@x", INVITE).sdp(),
        message(1, 9, "10.9.9.9:5060", ALICE, "480 Temporarily Unavailable", INVITE)
            .note("from an address that is not in the call"),
    ];
    let media = [stream(1, 12, "10.20.0.10:4000", "192.168.77.5:4002")];
    insta::assert_snapshot!("strangers_140", ladder(&participants, &messages, &media, &[], terminal(140)));
    // More strangers than get a column share the last one.
    let many: Vec<_> =
        (0..100).map(|i| message(i, 0, &address(i + 1), &address(i + 2), "BYE sip:x", (1, "BYE"))).collect();
    assert!(ladder(&[], &many, &[], &[], terminal(120)).contains("others"));
}

#[test]
fn long_ladders_say_how_much_is_left_out_and_repeats_of_it_are_counted_too() {
    let mut messages: Vec<_> =
        (0..5000).map(|i| message(i, i64::try_from(i).unwrap(), ALICE, BOB, "INFO sip:b", (1, "INFO"))).collect();
    messages[4999].retransmission_of = Some(4000);
    let text = ladder(&phones(2), &messages, &[], &[], terminal(80));
    assert_eq!(text.matches("INFO").count(), 200);
    assert!(text.ends_with("… 4,800 more messages, until +4.999\n"), "{text}");
}

#[test]
fn a_repeat_the_other_way_or_of_nothing_is_an_arrow_of_its_own() {
    let messages = [
        message(0, 0, ALICE, BOB, "INVITE sip:b", INVITE),
        message(1, 500, ALICE, BOB, "INVITE sip:b", INVITE).repeats(0),
        message(2, 1500, ALICE, BOB, "INVITE sip:b", INVITE).repeats(1),
        message(3, 1600, BOB, ALICE, "INVITE sip:b", INVITE).repeats(0),
        message(4, 1700, ALICE, BOB, "INVITE sip:b", INVITE).repeats(77),
    ];
    let text = ladder(&phones(0), &messages, &[], &[], terminal(80));
    assert_eq!(text.matches("INVITE b").count(), 3, "{text}");
    assert!(text.contains("×3 over 1.5 s"), "{text}");
    assert!(text.lines().last().unwrap().ends_with("retransmission"), "{text}");
}

#[test]
fn a_message_that_was_captured_twice_is_drawn_once_and_behind_a_nat_again() {
    let copy = |mut m: Message<'static>| {
        m.copy_of = Some(0);
        m
    };
    let messages = [
        message(0, 0, ALICE, BOB, "INVITE sip:b", INVITE),
        copy(message(1, 1, ALICE, BOB, "INVITE sip:b", INVITE)),
        copy(message(2, 1, "192.0.2.1:5060", BOB, "INVITE sip:b", INVITE)),
        copy(message(3, 2, "192.0.2.1:5060", BOB, "INVITE sip:b", INVITE)),
    ];
    let text = ladder(&phones(0), &messages, &[], &[], terminal(100));
    assert_eq!(text.matches("INVITE b").count(), 2, "{text}");
    assert!(text.ends_with("2 more sights of these messages, captured again or mirrored\n"), "{text}");
}

#[test]
fn a_defect_is_told_once_with_its_sign() {
    let told = "header-missing: To is missing";
    let messages = [message(0, 0, ALICE, BOB, "INVITE sip:b", INVITE).note(told)];
    let findings = [
        found("header-missing", Severity::Error, "To is missing", vec![0]),
        found("no-response", Severity::Error, "nobody answers", vec![0]),
    ];
    let text = ladder(&phones(0), &messages, &[], &findings, terminal(140));
    assert!(text.ends_with("▲ header-missing: To is missing  ▲ no-response\n"), "{text}");
}

#[test]
fn bodies_stand_under_their_arrows() {
    let mut one = message(0, 0, ALICE, BOB, "INVITE sip:bob@x", INVITE).sdp();
    one.headers = Some(vec![
        Header { name: Text::from("v"), value: Text::from("SIP/2.0/UDP 10.20.0.10;branch=z9hG4bK-1") },
        Header { name: Text::from("Subject"), value: Text::from("\x1b[1mloud") },
    ]);
    one.raw = text("INVITE sip:bob@x SIP/2.0\r\nl: 3\r\n\r\nv=0\r\n");
    let headers = with_bodies(&phones(2), &[one.clone()], &[], &[], Bodies::Headers, terminal(80));
    assert!(headers.contains("┆ INVITE sip:bob@x SIP/2.0\n"), "{headers}");
    assert!(headers.contains("┆ v: SIP/2.0/UDP 10.20.0.10;branch=z9hG4bK-1\n"), "{headers}");
    assert!(headers.contains("┆ Subject: \\x1b[1mloud\n"), "{headers}");
    let full = with_bodies(&phones(2), &[one], &[], &[], Bodies::Full, terminal(80));
    let lines: Vec<&str> = full.lines().filter_map(|line| line.trim().strip_prefix('┆')).collect();
    assert_eq!(lines, [" INVITE sip:bob@x SIP/2.0", " l: 3", "", " v=0"], "{full}");
}

#[test]
fn nothing_and_empty_texts_are_drawn_at_every_width() {
    assert_eq!(ladder(&phones(3), &[], &[], &[], terminal(80)), "");
    let mut empty = message(0, 0, "", "", "", (0, ""));
    empty.method = None;
    empty.uri = None;
    let mut nameless = message(1, 0, "a", "", "", (0, ""));
    nameless.kind = crate::report::decode::Kind::Response;
    nameless.notes = vec![String::new(), "x".repeat(3000)];
    let people = [Participant::default(), participant(2, ",,:", "uas", "")];
    for wide in [0, 1, 40, 41, 53, 80, 1000, usize::MAX] {
        for unicode in [true, false] {
            let terminal = Terminal { width: wide, unicode, colour: false };
            for participants in [&people[..], &[], &people[..1]] {
                let text =
                    ladder(participants, &[empty.clone(), nameless.clone()], &[stream(1, -5, "", "b")], &[], terminal);
                assert!(wide < 80 || text.contains("request") && text.contains("response"), "{text}");
                assert!(text.lines().count() > 3, "{text}");
            }
        }
    }
}
