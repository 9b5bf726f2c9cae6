//! Calls as they are shown.

use super::{event, heading, verdict};
use crate::agent::invite::{EndedBy, Event, Record};
use crate::base::Entropy;
use crate::driver::media::{Clock, Ended};
use crate::media::Codec;
use crate::media::hearing::Heard;
use crate::media::session::{MediaSession, PeerReport, Settings};
use crate::render::Terminal;
use crate::render::sample::drawn;
use crate::report::Exit;
use crate::report::active::Judgement;
use crate::report::invite::{Report, Trial, report};
use crate::transport::{Phase, Plan, TransportError};
use std::time::Duration;

fn response(status: u16, reason: &str, is_reliable: bool, has_sdp: bool, fork: Option<usize>) -> Event {
    Event::Response { status, reason: reason.into(), is_reliable, has_sdp, fork }
}

fn asking(method: &str, purpose: &str) -> Event {
    Event::Asking { method: method.to_owned(), purpose: purpose.to_owned() }
}

fn asked(method: &str, status: Option<u16>) -> Event {
    Event::Asked { method: method.to_owned(), status }
}

fn request(method: &str, status: u16) -> Event {
    Event::Request { method: method.to_owned(), status }
}

#[test]
fn events_are_lines() {
    let again = Event::Inviting { uri: "sip:bob@b".to_owned(), way: 1, why: Some("redirection") };
    let error = TransportError::new(Phase::Receive, "closed", "closed\u{1b}");
    let table = [
        (Event::Inviting { uri: "sip:bob@a".to_owned(), way: 0, why: None }, ""),
        (again, "again      INVITE sip:bob@b (redirection)\n"),
        (response(100, "Trying", false, false, None), "trying     100 Trying after 12.0 ms\n"),
        (response(180, "Ringing", true, false, Some(0)), "ringing    180 Ringing after 12.0 ms, reliable\n"),
        (
            response(183, "\u{1b}[2J", false, true, Some(1)),
            "progress   183 \\x1b[2J after 12.0 ms, early media, branch 2\n",
        ),
        (response(200, "OK", false, true, Some(0)), "answered   200 OK after 12.0 ms\n"),
        (response(302, "", false, false, None), "redirected 302 after 12.0 ms\n"),
        (response(407, "Who", false, false, None), "challenge  407 Who after 12.0 ms\n"),
        (response(486, "Busy Here", false, false, None), "busy       486 Busy Here after 12.0 ms\n"),
        (response(604, "Nowhere", false, false, None), "rejected   604 Nowhere after 12.0 ms\n"),
        (asking("ACK", ""), ""),
        (asking("CANCEL", ""), "cancel     CANCEL sent after 12.0 ms\n"),
        (asking("INVITE", "hold"), "asking     INVITE (hold) after 12.0 ms\n"),
        (asked("INVITE", Some(200)), "           INVITE answered 200\n"),
        (asked("INFO", Some(415)), "refused    INFO answered 415\n"),
        (asked("BYE", Some(200)), "hung up    BYE answered 200\n"),
        (asked("BYE", None), "refused    BYE was not answered\n"),
        (asked("PRACK", Some(200)), ""),
        (request("ACK", 0), ""),
        (request("BYE", 200), "hung up    by them after 12.0 ms: BYE, answered 200\n"),
        (request("INVITE", 488), "request    INVITE from them, answered 488\n"),
        (Event::Failed { way: 0, error }, "failed     closed\\x1b\n"),
        (Event::Ended(EndedBy::Us), ""),
        (Event::Ignored, ""),
    ];
    for (told, expected) in table {
        let text = drawn(|out| event(&told, Duration::from_millis(12), Terminal::default(), out));
        assert_eq!(text, expected, "{told:?}");
    }
    let ascii = Terminal { unicode: false, ..Terminal::default() };
    assert_eq!(drawn(|out| heading("sip:b\u{202e}", "a UDP", ascii, out)), "INVITE sip:b\\u{202e} -> a UDP\n");
}

/// The report of a call of which this was sent and heard.
fn told(change: impl FnOnce(&mut Ended)) -> Report {
    let media = MediaSession::new(Settings::default(), &mut Entropy::seeded(1)).report();
    let mut ended = Ended { report: media, unsent: 0, recording: None };
    change(&mut ended);
    let judgement = Judgement { exit: Exit::Good, reason: "answered".to_owned(), hint: String::new() };
    report(&Trial {
        target: "bob@a",
        plan: &Plan::default(),
        line: None,
        record: &Record::default(),
        media: Some(&ended),
        clock: Clock::start(),
        judgement: &judgement,
    })
}

fn shown(report: &Report, width: usize) -> String {
    let judgement = Judgement { exit: Exit::Good, reason: report.result.reason.clone(), hint: String::new() };
    drawn(|out| verdict(report, &judgement, Terminal { width, ..Terminal::default() }, out))
}

#[test]
fn both_directions_are_a_table() {
    let mut report = told(|ended| {
        let sent = &mut ended.report.sent;
        (sent.packets, sent.codec, sent.digits) = (1500, Some(Codec::Pcmu), "12#".to_owned());
        sent.to = Some("192.0.2.1:4000".parse().unwrap());
        sent.peer = Some(PeerReport { lost: 3, fraction_lost: 0, jitter_ms: 0.25, round_trip_ms: None });
        ended.report.received.heard = Heard::Own { delay_ms: Some(41.2) };
    });
    let received = &mut report.media.as_mut().unwrap().received;
    (received.packets, received.lost, received.codec) = (1499, 1, Some("PCMU"));
    (received.jitter_ms, received.max_gap_ms, received.mos) = (Some(0.5), Some(40.0), Some(4.4));
    received.from = Some("192.0.2.9:4000".to_owned());
    (received.as_described, received.described) = (Some(false), Some("192.0.2.1:4000".to_owned()));
    insta::assert_snapshot!("table_160", shown(&report, 160));
    insta::assert_snapshot!("table_80", shown(&report, 80));
}

#[test]
fn what_is_odd_is_told_before_the_verdict() {
    let mut report = told(|_| {});
    assert_eq!(shown(&report, 120), "ok         answered\n");
    report.result.ok = false;
    report.problems.push(crate::report::invite::Problem { code: "no_contact", detail: "odd\u{1b}".to_owned() });
    report.transfers.push("sip:c@d".into());
    assert_eq!(
        shown(&report, 120),
        "transfer   asked to call sip:c@d: declined\nnote       odd\\x1b\nFAILED     answered\n"
    );
}
