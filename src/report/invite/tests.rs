//! Calls as the machine records them, and what is said of them.

use super::*;
use crate::agent::invite::{self, Cancelled, EndedBy, Inside, Offered, Problem as Wrong, Record, Transfer, Try};
use crate::agent::{Answered, Attempt as Sent};
use crate::base::{Entropy, Timestamp};
use crate::digest::{Algorithm, Challenge as Asked, Qop};
use crate::driver::media::{Clock, Ended};
use crate::media::hearing::Heard;
use crate::media::mark::Mark;
use crate::media::negotiator::Unacceptable;
use crate::media::rtp::{Header, Receiver};
use crate::media::session::{MediaReport, MediaSession, PeerReport, Settings};
use crate::report::Exit;
use crate::report::active::Judgement;
use crate::transport::{Phase, Plan, TransportError};
use std::time::{Duration, Instant};

fn ms(record: &Record, ms: u64) -> Option<Instant> {
    record.began.map(|began| began + Duration::from_millis(ms))
}

/// An INVITE that was sent `sends` times.
fn tried(sends: u32) -> Record {
    let began = Instant::now();
    let attempt =
        Sent { cseq: 1, first_sent: began, last_sent: began, sends, first_response: None, final_response: None };
    let tried = Try {
        uri: "sip:bob@192.0.2.1".to_owned(),
        way: 0,
        candidate: Some(0),
        attempts: vec![attempt],
        status: None,
        error: None,
    };
    Record { began: Some(began), tries: vec![tried], call_id: "c1".to_owned(), ..Record::default() }
}

/// A call that ended without an answer after half a minute.
fn ended(by: EndedBy) -> Record {
    let record = tried(1);
    Record { ended: ms(&record, 30_000), ended_by: Some(by), ..record }
}

pub(super) fn refused(status: u16, reason: &str, fields: &str) -> Record {
    let response = format!("SIP/2.0 {status} {reason}\r\n{fields}\r\n").into_bytes();
    let mut record = Record { last_response: Some((status, reason.into(), response)), ..ended(EndedBy::Refusal) };
    let at = ms(&record, 5).unwrap();
    record.tries[0].status = Some(status);
    record.tries[0].attempts[0].first_response = Some(at);
    record.tries[0].attempts[0].final_response = Some((at, status));
    record
}

/// Answered after 12 ms, hung up by us three seconds later.
pub(super) fn answered() -> Record {
    let record = refused(200, "OK", "Server: Lab/1\r\n");
    Record {
        answered: ms(&record, 12),
        acknowledged: ms(&record, 13),
        ended: ms(&record, 3012),
        ended_by: Some(EndedBy::Us),
        ..record
    }
}

/// Media of which so many packets came, `lost` of them not.
pub(super) fn media(packets: u16, lost: u16, heard: Heard) -> MediaReport {
    let mut report = MediaSession::new(Settings::default(), &mut Entropy::seeded(1)).report();
    report.sent.packets = 150;
    let mut receiver = Receiver::new(1);
    for n in (0..packets).filter(|n| *n >= lost || n % 2 == 0) {
        let packet =
            [&[0x80, 0, (n >> 8) as u8, n as u8][..], &(u32::from(n) * 160).to_be_bytes(), &[0, 0, 0, 1]].concat();
        let packet = [&packet[..], &[0; 160]].concat();
        receiver.push(Timestamp(i64::from(n) * 20_000_000), &Header::parse(&packet).unwrap());
    }
    report.received.statistics = (packets > 0).then(|| receiver.statistics());
    report.received.heard = heard;
    report
}

fn reported(report: MediaReport, lost: i32) -> MediaReport {
    let peer = PeerReport { lost, fraction_lost: 0, jitter_ms: 0.5, round_trip_ms: None };
    let sent = crate::media::session::SentMedia { peer: Some(peer), ..report.sent };
    MediaReport { sent, ..report }
}

fn judged(record: &Record, gates: &Gates) -> (Exit, String) {
    let Judgement { exit, reason, .. } = judge(record, None, gates, false);
    (exit, reason)
}

#[test]
fn each_way_to_end_has_its_exit_code_and_its_words() {
    let none = Gates::default();
    let closed = TransportError::new(Phase::Receive, "port-unreachable", "192.0.2.1:5060 is closed").with_hint("look");
    let with = |record: Record, change: &dyn Fn(&mut Record)| {
        let mut record = record;
        change(&mut record);
        record
    };
    let problem = |record: Record, problem: Wrong| with(record, &|r| r.problems.push(problem.clone()));
    let asked = || (Asked { realm: "here".to_owned(), ..Asked::default() }, false);
    let table: Vec<(Record, Exit, &str)> = vec![
        (answered(), Exit::Good, "answered after 12.0 ms"),
        (with(answered(), &|r| r.ended_by = Some(EndedBy::Them)), Exit::Good, "answered after 12.0 ms; they hung up"),
        (
            with(answered(), &|r| {
                r.ended_by = Some(EndedBy::Them);
                r.reason = Some(b"Q.850;cause=16".to_vec());
            }),
            Exit::Good,
            "answered after 12.0 ms; they hung up (Reason: Q.850;cause=16 (Normal call clearing))",
        ),
        (
            with(answered(), &|r| {
                r.ended_by = Some(EndedBy::Them);
                r.reason = Some(b"Q.850;cause=41".to_vec());
            }),
            Exit::Unexpected,
            "they hung up (Reason: Q.850;cause=41 (Temporary failure))",
        ),
        (
            with(problem(answered(), Wrong::Bye(None)), &|r| r.may_be_up = true),
            Exit::Unexpected,
            "answered, but our BYE was not answered: the call may be left up",
        ),
        (problem(answered(), Wrong::Bye(Some(481))), Exit::Unexpected, "answered, but our BYE was refused with 481"),
        (
            problem(with(answered(), &|r| r.ended_by = Some(EndedBy::Unusable)), Wrong::Media(Unacceptable::Codec)),
            Exit::Unexpected,
            "answered with what cannot be used: offer and answer came to nothing: no codec in common: PCMU and PCMA are spoken here",
        ),
        (
            with(answered(), &|r| r.ended_by = Some(EndedBy::SessionTimer)),
            Exit::Unexpected,
            "the call was ended: nobody refreshed its session in time",
        ),
        (
            with(answered(), &|r| {
                r.ended_by = Some(EndedBy::Transport);
                r.tries[0].error = Some(closed.clone());
            }),
            Exit::Unexpected,
            "the call stood, then 192.0.2.1:5060 is closed",
        ),
        (
            refused(486, "Busy Here", "Reason: Q.850;cause=17\r\nWarning: 399 a \"no\"\r\n"),
            Exit::Unexpected,
            "486 Busy Here (Reason: Q.850;cause=17 (User busy); Warning: 399 a \"no\"",
        ),
        (refused(404, "\u{1b}[2J", ""), Exit::Unexpected, "404 \\x1b[2J: "),
        (refused(503, "Down", "Retry-After: 30\r\n"), Exit::Unexpected, "503 Down (Retry-After: 30): "),
        (
            problem(refused(302, "Moved", ""), Wrong::RedirectLoop(b"sip:bob@192.0.2.1".to_vec())),
            Exit::Unexpected,
            "302 Moved: redirected to where we were already: sip:bob@192.0.2.1",
        ),
        (
            problem(refused(302, "Moved", ""), Wrong::TooManyRedirects),
            Exit::Unexpected,
            "302 Moved: redirected more often than is followed",
        ),
        (
            with(refused(407, "Who", ""), &|r| r.refused = Some(Answered::NoPassword)),
            Exit::Refused,
            "407 Who: it asks for credentials, and there is no password",
        ),
        (
            with(refused(401, "Who", ""), &|r| {
                r.refused = Some(Answered::Refused);
                r.challenges.push(asked());
            }),
            Exit::Refused,
            "401 Who: the credentials were refused (realm \"here\")",
        ),
        (
            with(refused(403, "No", ""), &|r| r.challenges.push(asked())),
            Exit::Refused,
            "403 No after the credentials were sent",
        ),
        (refused(403, "No", ""), Exit::Unexpected, "403 No: "),
        (refused(483, "Hops", ""), Exit::Unexpected, "483 Hops: Max-Forwards reached 0"),
        (refused(599, "Odd", ""), Exit::Unexpected, "599 Odd"),
        (ended(EndedBy::Timeout), Exit::NoAnswer, "no answer to INVITE (sent once)"),
        (
            with(ended(EndedBy::Timeout), &|r| r.trying = ms(r, 1)),
            Exit::NoAnswer,
            "no answer in 30.0 s: the call was taken (100) and never rang",
        ),
        (
            with(ended(EndedBy::Timeout), &|r| r.ringing = ms(r, 1)),
            Exit::NoAnswer,
            "it rang, and nobody answered in 30.0 s",
        ),
        (
            with(ended(EndedBy::Timeout), &|r| {
                r.ringing = ms(r, 1);
                let at = ms(r, 4000).unwrap();
                r.cancelled = Some(Cancelled { at, status: Some(200), invite_status: Some(487) });
            }),
            Exit::NoAnswer,
            "it rang, and nobody answered in 4.0 s; the call was cancelled",
        ),
        (
            with(ended(EndedBy::Timeout), &|r| {
                r.ringing = ms(r, 1);
                r.cancelled = Some(Cancelled { at: ms(r, 4000).unwrap(), status: Some(481), invite_status: None });
            }),
            Exit::NoAnswer,
            "it rang, and nobody answered in 4.0 s; the call was cancelled, and no final response came",
        ),
        (
            with(ended(EndedBy::Timeout), &|r| r.ignored = 2),
            Exit::NoAnswer,
            "no answer to INVITE (sent once); 2 messages came that do not answer it",
        ),
        (
            with(problem(answered(), Wrong::Bye(None)), &|r| {
                r.ended_by = Some(EndedBy::Unusable);
                r.may_be_up = true;
            }),
            Exit::Unexpected,
            "answered with what cannot be used: it lacks what a dialog needs (From, To and its tag, Call-ID, CSeq); our BYE was not answered: the call may be left up",
        ),
        (
            with(ended(EndedBy::Transport), &|r| r.tries[0].error = Some(closed.clone())),
            Exit::Unreachable,
            "192.0.2.1:5060 is closed",
        ),
        (Record::default(), Exit::Unreachable, "there was nobody to call"),
        (problem(Record::default(), Wrong::NoPorts), Exit::Usage, "no ports could be bound for media"),
    ];
    for (record, exit, words) in table {
        let (told, reason) = judged(&record, &none);
        assert!(told == exit && reason.starts_with(words), "{told:?} {reason}\n{words}");
    }
    let hint = judge(&ended(EndedBy::Timeout), None, &none, false).hint;
    assert!(hint.contains("--timeout"), "{hint}");
}

#[test]
fn a_cancel_is_as_planned_or_not() {
    let cancelled = |invite_status: Option<u16>, by| {
        let record = ended(by);
        let at = record.began.unwrap();
        let last_response = invite_status.map(|status| (status, b"Terminated".to_vec(), Vec::new()));
        Record { cancelled: Some(Cancelled { at, status: Some(200), invite_status }), last_response, ..record }
    };
    let planned = Gates { cancels: true, ..Gates::default() };
    let table = [
        (cancelled(Some(487), EndedBy::Cancel), Exit::Good, "cancelled as planned"),
        (cancelled(Some(486), EndedBy::Refusal), Exit::Unexpected, "486 Terminated"),
        (cancelled(None, EndedBy::Cancel), Exit::NoAnswer, "cancelled, and no final response came"),
        // It rang for too long before that: nobody asked for this CANCEL.
        (cancelled(Some(487), EndedBy::Timeout), Exit::NoAnswer, "no answer"),
    ];
    for (record, exit, words) in table {
        let (told, reason) = judged(&record, &planned);
        assert!(told == exit && reason.starts_with(words), "{told:?} {reason}");
        assert_eq!(build_state(&record), "cancelled");
    }
    let crossed = Record { cancelled: cancelled(Some(200), EndedBy::Cancel).cancelled, ..answered() };
    assert_eq!(
        judged(&crossed, &planned),
        (Exit::Good, "answered after 12.0 ms; the answer crossed our CANCEL and was hung up".to_owned())
    );
}

fn build_state(record: &Record) -> &'static str {
    super::build::state(record).as_str()
}

#[test]
fn an_interruption_says_what_is_left() {
    let told = |record: &Record| {
        let judgement = judge(record, None, &Gates::default(), true);
        assert_eq!(judgement.exit, Exit::Interrupted);
        judgement.reason
    };
    assert_eq!(told(&Record::default()), "interrupted before anything was sent");
    assert_eq!(told(&answered()), "interrupted; the call was hung up");
    let at = Instant::now();
    let cancelled = Some(Cancelled { at, status: Some(200), invite_status: Some(487) });
    assert_eq!(told(&Record { cancelled, ..ended(EndedBy::Stop) }), "interrupted; the call was cancelled");
    assert_eq!(told(&ended(EndedBy::Stop)), "interrupted; no call was set up");
    assert_eq!(told(&tried(1)), "interrupted; a call may be left up");
    assert_eq!(told(&Record { may_be_up: true, ..answered() }), "interrupted; a call may be left up");
}

#[test]
fn an_expected_status_is_good_and_another_is_not() {
    let gates = |text: &str| Gates { statuses: vec![text.parse().unwrap()], ..Gates::default() };
    let busy = refused(486, "Busy Here", "");
    assert_eq!(judged(&busy, &gates("486")), (Exit::Good, "486 Busy Here, as expected".to_owned()));
    assert_eq!(judged(&busy, &gates("4xx")).0, Exit::Good);
    assert_eq!(judged(&busy, &gates("404")), (Exit::Unexpected, "486 Busy Here, and 404 was expected".to_owned()));
    assert_eq!(judged(&answered(), &gates("486")), (Exit::Unexpected, "200 OK, and 486 was expected".to_owned()));
    assert_eq!(judged(&answered(), &gates("2xx")).0, Exit::Good);
    // Silence is no status.
    assert_eq!(judged(&ended(EndedBy::Timeout), &gates("486")).0, Exit::NoAnswer);
}

#[test]
fn audio_counts_where_it_is_expected() {
    let own = Heard::Own { delay_ms: Some(40.0) };
    let mark = Heard::Mark { mark: Mark::Callee, began: None };
    let mut locked = media(0, 0, Heard::Nothing);
    locked.received.unopened = 7;
    let mut foreign = media(0, 0, Heard::Nothing);
    foreign.received.undescribed = 9;
    let mut mute = media(150, 0, Heard::Audio);
    mute.sent.packets = 0;
    let table: Vec<(MediaReport, Direction, Option<&str>)> = vec![
        (media(150, 0, own), Direction::Both, None),
        (media(150, 0, Heard::Audio), Direction::Receive, None),
        (media(150, 0, mark), Direction::Receive, None),
        (media(150, 0, mark), Direction::Both, Some("nobody says whether our audio arrived")),
        (reported(media(150, 0, mark), 0), Direction::Both, None),
        (reported(media(0, 0, Heard::Nothing), 0), Direction::Send, None),
        (
            reported(media(0, 0, Heard::Nothing), 150),
            Direction::Send,
            Some("the other side reports that all we sent was lost"),
        ),
        (reported(media(0, 0, Heard::Nothing), 0), Direction::Both, Some("no audio was received: no RTP packet came")),
        (
            media(0, 0, Heard::Nothing),
            Direction::Both,
            Some("no audio was received: no RTP packet came; nobody says whether our audio arrived"),
        ),
        (media(150, 0, Heard::Silence), Direction::Receive, Some("silence was heard")),
        (media(150, 0, Heard::ComfortNoise), Direction::Receive, Some("comfort noise was heard, no audio")),
        (locked, Direction::Receive, Some("7 packets came that our key does not open")),
        (foreign, Direction::Receive, Some("no audio was heard: 9 packets came that nobody agreed on")),
        (mute, Direction::Send, Some("nothing was sent: the other side wants no audio")),
        (media(150, 0, Heard::Silence), Direction::None, None),
        (media(150, 0, Heard::Audio), Direction::None, Some("audio was heard, and nothing was expected")),
    ];
    for (media, wanted, why) in table {
        let gates = Gates { audio: Some(wanted), ..Gates::default() };
        let told = judge(&answered(), Some(&media), &gates, false);
        match why {
            None => assert_eq!(told.exit, Exit::Good, "{wanted:?} {told:?}"),
            Some(why) => assert!(told.exit == Exit::Unexpected && told.reason.starts_with(why), "{wanted:?} {told:?}"),
        }
    }
    let gates = |audio| Gates { audio: Some(audio), ..Gates::default() };
    assert_eq!(judged(&answered(), &gates(Direction::Both)), (Exit::Unexpected, "no media was ever opened".to_owned()));
    assert_eq!(judged(&answered(), &gates(Direction::None)).0, Exit::Good);
    // Who rejects the call is told of that, not of its silence.
    assert_eq!(
        judged(&refused(486, "Busy Here", ""), &gates(Direction::Both)).1.split(':').next(),
        Some("486 Busy Here")
    );
}

#[test]
fn thresholds_that_are_missed_are_six() {
    let judged = |gates: Gates, media: &MediaReport| {
        let told = judge(&answered(), Some(media), &gates, false);
        (told.exit, told.reason)
    };
    let good = media(150, 0, Heard::Audio);
    let lossy = media(150, 40, Heard::Audio);
    let mos = |least| Gates { min_mos: Some(least), ..Gates::default() };
    assert_eq!(judged(mos(4.0), &good).0, Exit::Good);
    assert_eq!(judged(mos(4.45), &good), (Exit::Missed, "MOS 4.41, and at least 4.45 was wanted".to_owned()));
    assert_eq!(judged(mos(4.0), &lossy).0, Exit::Missed);
    assert_eq!(judged(mos(4.0), &media(0, 0, Heard::Nothing)).0, Exit::Missed);
    let loss = |most| Gates { max_loss: Some(most), ..Gates::default() };
    assert_eq!(judged(loss(0.0), &good).0, Exit::Good);
    assert_eq!(
        judged(loss(10.0), &lossy),
        (Exit::Missed, "13.3 % of the packets were lost, and at most 10 % was wanted".to_owned())
    );
    let setup = |ms| Gates { max_setup: Some(Duration::from_millis(ms)), ..Gates::default() };
    assert_eq!(judged(setup(12), &good).0, Exit::Good);
    assert_eq!(judged(setup(11), &good), (Exit::Missed, "answered after 12.0 ms, and 11.0 ms was wanted".to_owned()));
    // What is wrong with the call counts for more than a threshold.
    let both = Gates { audio: Some(Direction::Receive), min_mos: Some(4.4), ..Gates::default() };
    assert_eq!(judged(both, &media(150, 40, Heard::Silence)).0, Exit::Unexpected);
}

#[test]
fn the_report_has_what_was_recorded() {
    let mut record = answered();
    let at = |n| ms(&record, n).unwrap();
    let (one, two, three) = (at(1), at(5), at(1000));
    record.trying = Some(one);
    record.ringing = Some(two);
    record.offered = Some(Offered::Them);
    record.session_timer = Some((1800, true));
    record.challenges.push((
        Asked { realm: "r".to_owned(), algorithm: Some(Algorithm::Sha256), qop: vec![Qop::Auth], ..Asked::default() },
        true,
    ));
    record.forks.push(invite::Fork {
        tag: b"t1".to_vec(),
        contact: b"sip:b@192.0.2.1".to_vec(),
        software: b"Phone/1".to_vec(),
        responses: vec![(two, 180)],
        pracked: 1,
        early_media: Some(two),
        answered: record.answered,
        is_kept: true,
        bye_status: Some(200),
    });
    record.inside.push(Inside {
        method: "INVITE".to_owned(),
        purpose: "hold".to_owned(),
        is_ours: true,
        at: three,
        status: Some(200),
    });
    record.transfers.push(Transfer { to: b"sip:\xffcarol@x".to_vec() });
    record.redirects.push("sip:bob@192.0.2.2".to_owned());
    record.problems.push(Wrong::NoContact);
    let media =
        Ended { report: reported(media(150, 0, Heard::Own { delay_ms: Some(40.0) }), 1), unsent: 2, recording: None };
    let judgement = judge(&record, Some(&media.report), &Gates::default(), false);
    let trial = Trial {
        target: "bob@192.0.2.1",
        plan: &Plan::default(),
        line: None,
        record: &record,
        media: Some(&media),
        clock: Clock::start(),
        judgement: &judgement,
    };
    let told = serde_json::to_value(report(&trial)).unwrap();
    assert_eq!((&told["schema"], &told["target"]), (&"sipctl.invite/1".into(), &"bob@192.0.2.1".into()));
    let reason = "answered after 12.0 ms; our own tone came back after 40 ms (MOS 4.4)";
    assert_eq!(told["result"], serde_json::json!({"ok": true, "code": 0, "reason": reason}));
    assert_eq!((&told["state"], &told["final_status"]), (&"completed".into(), &200.into()));
    assert_eq!(
        (&told["ended_by"], &told["offer_by"], &told["server"]),
        (&"us".into(), &"them".into(), &"Phone/1".into())
    );
    let expected = [
        ("trying_ms", 1.0),
        ("ringing_ms", 5.0),
        ("answer_ms", 12.0),
        ("setup_ms", 13.0),
        ("final_ms", 12.0),
        ("duration_ms", 3000.0),
        ("first_response_ms", 5.0),
    ];
    for (key, ms) in expected {
        assert_eq!(told["timing"][key], ms, "{key}");
    }
    assert_eq!(told["attempts"][0]["reply_ms"], 5.0);
    let fork = serde_json::json!({
        "tag": "t1", "contact": "sip:b@192.0.2.1", "software": "Phone/1",
        "responses": [{"status": 180, "at_ms": 5.0}], "pracked": 1, "early_media_ms": 5.0, "answered_ms": 12.0,
        "kept": true, "bye_status": 200
    });
    assert_eq!(told["forks"], serde_json::json!([fork]));
    assert_eq!(told["session_timer"], serde_json::json!({"interval_s": 1800, "refresher": "us"}));
    let hold = serde_json::json!([{"method": "INVITE", "purpose": "hold", "by": "us", "at_ms": 1000.0, "status": 200}]);
    assert_eq!(told["inside"], hold);
    assert_eq!(told["challenges"][0]["by"], "proxy");
    assert_eq!(told["transfers"][0]["base64"], "c2lwOv9jYXJvbEB4");
    assert_eq!(told["problems"][0]["code"], "no_contact");
    let (sent, received) = (&told["media"]["sent"], &told["media"]["received"]);
    assert_eq!((&sent["proof"], &sent["unsent"], &sent["peer"]["lost"]), (&"own_tone".into(), &2.into(), &1.into()));
    assert_eq!((&received["heard"], &received["delay_ms"]), (&"own-tone".into(), &40.0.into()));
    assert_eq!((&received["packets"], &received["lost"], &received["codec"]), (&150.into(), &0.into(), &"PCMU".into()));
}

#[test]
fn events_are_told_as_they_happen() {
    use crate::agent::invite::Event;
    let told = |event: &Event| serde_json::to_value(happened(event, Duration::from_millis(5))).unwrap();
    let ringing =
        Event::Response { status: 180, reason: b"Ringing".to_vec(), is_reliable: false, has_sdp: false, fork: None };
    let expected = serde_json::json!({"event": "response", "at_ms": 5.0, "status": 180, "detail": "Ringing"});
    assert_eq!(told(&ringing), expected);
    let ack = Event::Request { method: "ACK".to_owned(), status: 0 };
    assert_eq!(told(&ack), serde_json::json!({"event": "request", "at_ms": 5.0, "method": "ACK"}));
    assert_eq!(told(&Event::Ended(EndedBy::Them))["detail"], "them");
    assert!(happened(&Event::Ignored, Duration::ZERO).is_none());
}
