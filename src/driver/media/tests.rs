//! Two media on loopback: what one sends is what the other reports.

use super::*;
use crate::driver::record::{RecordOptions, Recorder};
use crate::media::hearing::Heard;
use crate::media::mark::Mark;
use crate::media::negotiator::{Negotiator, Wishes};
use crate::media::session::Source;
use std::net::{IpAddr, Ipv4Addr};

struct Pair {
    caller: Media,
    callee: Media,
}

fn pair(wishes: &Wishes, callee: Source, tap: Option<Arc<dyn Tap>>, recording: Option<Recording>) -> Pair {
    let (clock, address) = (Clock::start(), IpAddr::from(Ipv4Addr::LOCALHOST));
    // Tests that run beside each other must not share a source: ports are used again.
    let mut entropy = Entropy::from_system().unwrap();
    let ports = || Ports::bind(address, None).unwrap();
    let caller = Media::start(ports(), Settings::default(), clock, tap, recording, &mut entropy);
    let settings = Settings { source: callee, mark: Mark::Callee, ..Settings::default() };
    let callee = Media::start(ports(), settings, clock, None, None, &mut entropy);
    let mut offerer = Negotiator::new(caller.local(), wishes.clone(), &mut entropy);
    let mut answerer = Negotiator::new(callee.local(), Wishes::default(), &mut entropy);
    let (answer, agreed) = answerer.answer(&offerer.offer()).unwrap();
    callee.agree(&agreed);
    caller.agree(&offerer.conclude(&answer).unwrap());
    Pair { caller, callee }
}

/// Waits until something is so: for as long as a busy machine may take.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(std::time::Instant::now() < end, "{what}: not within a minute");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Packets that may get lost on loopback of a busy machine: none; but the last ones may still be on their way.
fn assert_received(report: &MediaReport, sent: u64) {
    let statistics = report.received.statistics.as_ref().unwrap();
    assert_eq!((statistics.lost, statistics.duplicates), (0, 0), "{report:?}");
    assert!(statistics.packets + 10 >= sent, "{} of {sent}", statistics.packets);
}

#[tokio::test]
async fn each_side_hears_the_mark_of_the_other_also_when_protected() {
    for is_secure in [false, true] {
        let wishes = Wishes { is_secure, ..Wishes::default() };
        let Pair { caller, callee } = pair(&wishes, Source::Mark, None, None);
        assert_eq!(caller.press("42#"), 3);
        until("the digits came, and two seconds of sound each way", || {
            let (here, there) = (caller.report(), callee.report());
            there.received.digits == "42#" && here.sent.packets >= 100 && there.sent.packets >= 100
        })
        .await;
        let (caller, callee) = tokio::join!(caller.end(), callee.end());
        assert_eq!(callee.report.received.digits, "42#");
        assert_eq!((caller.unsent, callee.unsent), (0, 0));
        assert_received(&caller.report, callee.report.sent.packets);
        assert_received(&callee.report, caller.report.sent.packets);
        assert_eq!(caller.report.received.is_as_described(), Some(true));
        assert_eq!(caller.report.sent.suite.is_some(), is_secure);
        // Nothing was lost; what a busy machine adds is jitter.
        assert!(caller.report.received.mos().unwrap() > 3.5);
        assert!(matches!(caller.report.received.heard, Heard::Mark { mark: Mark::Callee, .. }));
        assert!(matches!(callee.report.received.heard, Heard::Mark { mark: Mark::Caller, .. }));
    }
}

#[tokio::test]
async fn an_echo_is_our_own_tone_come_back_and_is_recorded() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("echo.wav");
    let recording = Recording::create(path.to_str().unwrap()).unwrap();
    let recorder = Recorder::new(RecordOptions { decode: true, ..RecordOptions::default() }).unwrap();
    let tap: Arc<dyn Tap> = recorder.clone();
    let Pair { caller, callee } = pair(&Wishes::default(), Source::Echo, Some(tap), Some(recording));
    until("our own tone came back", || matches!(caller.report().received.heard, Heard::Own { delay_ms: Some(_) }))
        .await;
    let ended = caller.end().await;
    callee.end().await;
    let Heard::Own { delay_ms: Some(delay) } = ended.report.received.heard else {
        panic!("{:?}", ended.report.received.heard)
    };
    // The mark comes round after 3.2 s: a delay below zero by a rounding stands at its end.
    assert!(!(1000.0..2200.0).contains(&delay), "{delay}");
    assert!(ended.recording.is_none());
    let packets = ended.report.received.statistics.as_ref().unwrap().packets;
    assert_eq!(read_wav(path.to_str().unwrap()).unwrap().len() as u64, packets * 160);
    // Every packet went the way of a capture, both directions and the reports.
    assert!(recorder.recorded().packets >= packets + ended.report.sent.packets);
}

#[tokio::test]
async fn packets_go_out_evenly() {
    let Pair { caller, callee } = pair(&Wishes::default(), Source::Silence, None, None);
    let begun = std::time::Instant::now();
    until("a second of sound was sent, and heard", || {
        caller.report().sent.packets >= 50 && callee.report().received.heard.name() == "mark"
    })
    .await;
    let ended = caller.end().await;
    let (pacing, took) = (ended.report.sent.pacing, begun.elapsed());
    // How evenly is measured, not tested: other tests want the processor, too. But no delay adds up.
    eprintln!("{} intervals, {:?} ms apart from 20", pacing.intervals(), pacing.deviation_ms());
    let due = took.as_millis() as u64 / 20;
    assert!(ended.report.sent.packets <= due + 3, "{pacing:?} in {took:?}");
    drop(callee);
}
