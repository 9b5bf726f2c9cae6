use super::super::tests::{answered, media, refused};
use super::*;
use crate::agent::Outcome;
use crate::agent::register::{Binding, Event, Purpose, Step};
use crate::report::invite::judge;

const AORS: [&str; 2] = ["sip:a@example.com", "sip:b@example.com"];

fn step(purpose: Purpose, status: u16) -> Event {
    let response = format!("SIP/2.0 {status} Words\r\nCSeq: 1 REGISTER\r\n\r\n").into_bytes();
    let own = Binding { uri: b"sip:a@192.0.2.1".to_vec(), expires_s: Some(55), own: true, ..Binding::default() };
    Event::Done(Box::new(Step {
        purpose,
        candidate: 0,
        outcome: Outcome::Final { status, response },
        attempts: vec![],
        refused: None,
        challenges: vec![],
        bindings: if purpose == Purpose::Register && status == 200 { vec![own] } else { vec![] },
        more_bindings: 0,
        min_expires: None,
        expires_s: 300,
    }))
}

/// An end that was registered, and whose binding is gone.
fn end(media: Option<MediaReport>) -> Taken {
    let ended = |report| Ended { report, unsent: 0, recording: None };
    Taken {
        events: vec![step(Purpose::Register, 200), step(Purpose::Remove, 200), step(Purpose::Check, 200)],
        invite: Some(b"INVITE sip:b@example.com SIP/2.0\r\nCall-ID: 1\r\n\r\n".to_vec()),
        media: media.map(ended).into_iter().collect(),
        ..Taken::default()
    }
}

fn marked(mark: Mark) -> Heard {
    Heard::Mark { mark, began: None }
}

/// Both ends of a call, to be changed.
struct Both {
    caller: Taken,
    callee: Taken,
    record: Record,
    media: Ended,
    has_called: bool,
    stopped: bool,
    gates: Gates,
}

fn both() -> Both {
    Both {
        caller: end(None),
        callee: end(Some(media(150, 0, marked(Mark::Caller)))),
        record: answered(),
        media: Ended { report: media(150, 0, marked(Mark::Callee)), unsent: 0, recording: None },
        has_called: true,
        stopped: false,
        gates: Gates::default(),
    }
}

impl Both {
    fn told(&self) -> (Exit, String) {
        let ends = Looped {
            aors: AORS,
            caller: &self.caller,
            callee: &self.callee,
            record: &self.record,
            sent: b"INVITE sip:b@example.com SIP/2.0\r\nCall-ID: 1\r\n\r\n",
            media: Some(&self.media),
            clock: Clock::start(),
            has_called: self.has_called,
            stopped: self.stopped,
        };
        let alone = judge(&self.record, Some(&self.media.report), &self.gates, self.stopped);
        let judgement = judge_loop(&looped(&ends), &ends, alone, &self.gates);
        (judgement.exit, judgement.reason)
    }

    fn hears(mut self, callee: Heard, caller: Heard) -> Both {
        self.callee.media[0].report.received.heard = callee;
        self.media.report.received.heard = caller;
        self
    }
}

#[test]
fn sound_has_to_pass_both_ways() {
    assert_eq!(both().told(), (Exit::Good, "answered after 12 ms; both ends hear each other".to_owned()));
    let table = [
        (Heard::Nothing, marked(Mark::Callee), "one-way audio: the callee does not hear the caller (nothing)"),
        (marked(Mark::Caller), Heard::Silence, "one-way audio: the caller does not hear the callee (silence)"),
        (
            marked(Mark::Caller),
            Heard::Own { delay_ms: Some(40.0) },
            "one-way audio: the caller does not hear the callee (only its own tone come back)",
        ),
        (Heard::Audio, Heard::ComfortNoise, "no audio either way: the callee heard audio, the caller comfort noise"),
    ];
    for (callee, caller, words) in table {
        let told = both().hears(callee, caller).told();
        assert_eq!(told, (Exit::Unexpected, words.to_owned()));
    }
}

#[test]
fn digits_have_to_arrive_as_they_were_sent() {
    let digits = |sent: &str, arrived: &str| {
        let mut both = both();
        both.media.report.sent.digits = sent.to_owned();
        both.callee.media[0].report.received.digits = arrived.to_owned();
        both.told()
    };
    assert_eq!(digits("12#", "12#").0, Exit::Good);
    assert_eq!(digits("12#", "1#"), (Exit::Unexpected, "the digits 12# were sent, and 1# arrived".to_owned()));
    assert_eq!(digits("12#", ""), (Exit::Unexpected, "the digits 12# were sent, and none arrived".to_owned()));
}

#[test]
fn thresholds_hold_at_both_ends_and_silence_is_worse() {
    let gates = || Gates { max_loss: Some(1.0), min_mos: Some(4.0), ..Gates::default() };
    let with = |callee: MediaReport, caller: MediaReport| {
        let mut both = both();
        both.callee.media[0].report = callee;
        both.media.report = caller;
        Both { gates: gates(), ..both }.told()
    };
    let (to_callee, to_caller) =
        (|lost| media(150, lost, marked(Mark::Caller)), |lost| media(150, lost, marked(Mark::Callee)));
    assert_eq!(with(to_callee(0), to_caller(0)).0, Exit::Good);
    let (exit, reason) = with(to_callee(40), to_caller(0));
    assert!(exit == Exit::Missed && reason.starts_with("at the callee: MOS "), "{reason}");
    let (exit, reason) = with(to_callee(0), to_caller(40));
    assert!(exit == Exit::Missed && reason.starts_with("MOS "), "{reason}");
    let (exit, reason) = with(to_callee(0), media(0, 0, Heard::Nothing));
    assert!(exit == Exit::Unexpected && reason.starts_with("one-way audio: the caller"), "{reason}");
}

#[test]
fn registrations_count() {
    let refusal = || vec![step(Purpose::Register, 404)];
    let mut refused_caller = Both { has_called: false, record: Record::default(), ..both() };
    refused_caller.caller.events = refusal();
    let (exit, reason) = refused_caller.told();
    assert!(exit == Exit::Unexpected, "{reason}");
    assert!(reason.starts_with("the caller, sip:a@example.com, is not registered: 404 "), "{reason}");
    // A binding that cannot be taken away is told, the call being good.
    let mut left = both();
    left.callee.events = vec![step(Purpose::Register, 200), step(Purpose::Remove, 500)];
    left.callee.may_be_bound = true;
    let (exit, reason) = left.told();
    assert_ne!(exit, Exit::Good);
    assert!(reason.starts_with("the call was good; the callee: our binding could not be removed"), "{reason}");
}

#[test]
fn calls_that_do_not_get_there() {
    let mut elsewhere = both();
    elsewhere.callee.invite = None;
    let words = "the call was answered, and not by our callee";
    assert_eq!(elsewhere.told(), (Exit::Unexpected, words.to_owned()));
    let busy = || {
        let mut busy = Both { record: refused(486, "Busy Here", ""), ..both() };
        busy.callee.invite = None;
        busy
    };
    let (exit, reason) = busy().told();
    assert!(exit == Exit::Unexpected && reason.starts_with("486 Busy Here"), "{reason}");
    // Refused, as it was to be.
    let gates = Gates { statuses: vec!["486".parse().unwrap()], ..Gates::default() };
    assert_eq!(Both { gates, ..busy() }.told(), (Exit::Good, "486 Busy Here, as expected".to_owned()));
    let mut stopped = Both { stopped: true, ..both() };
    assert_eq!(stopped.told(), (Exit::Interrupted, "interrupted; the call was hung up".to_owned()));
    stopped.caller.may_be_bound = true;
    assert_eq!(stopped.told().1, "interrupted; the call was hung up; a binding may be left");
}

#[test]
fn the_way_of_a_sound_is_told_up_to_the_rhythm_of_its_mark() {
    let at = |ms: i64| Timestamp(ms * 1_000_000);
    let period = PERIOD_MS as i64;
    for (sent, heard, delay) in [(1000, 1030, 30.0), (1000, 1000 + 3 * period + 45, 45.0), (period, 60, 60.0)] {
        let mut from = media(150, 0, Heard::Nothing);
        from.sent.tone_began = Some(at(sent));
        let to = media(150, 0, Heard::Mark { mark: Mark::Caller, began: Some(at(heard)) });
        let passed = direction(Some(&from), Some(&to), Mark::Caller);
        assert_eq!((passed.ok, passed.heard, passed.delay_ms, passed.codec), (true, "mark", Some(delay), Some("PCMU")));
        // The mark of the wrong end proves nothing.
        let passed = direction(Some(&from), Some(&to), Mark::Callee);
        assert_eq!((passed.ok, passed.delay_ms), (false, None));
    }
    assert_eq!(direction(None, None, Mark::Caller), Passed { heard: "nothing", ..Passed::default() });
}
