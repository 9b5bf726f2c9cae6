use super::{Trial, account, judge, report};
use crate::agent::register::{Binding, Event, Mode, Purpose, Step};
use crate::agent::{Answered, Attempt, Outcome};
use crate::digest::{Algorithm, Challenge, Qop};
use crate::report::Exit;
use crate::transport::{Phase, TransportError};
use std::time::{Duration, Instant};

fn challenge() -> Challenge {
    Challenge {
        realm: "r".to_owned(),
        nonce: "n".to_owned(),
        algorithm: Some(Algorithm::Sha256),
        qop: vec![Qop::Auth],
        has_qop: true,
        ..Challenge::default()
    }
}

/// A request that was answered 5 ms after it was sent.
fn step(purpose: Purpose, status: u16, fields: &str) -> Step {
    let begun = Instant::now();
    let response = format!("SIP/2.0 {status} Words\r\nCSeq: 1 REGISTER\r\nServer: Lab/1\r\n{fields}\r\n").into_bytes();
    let attempt = Attempt {
        cseq: 1,
        first_sent: begun,
        last_sent: begun,
        sends: 1,
        first_response: Some(begun),
        final_response: Some((begun + Duration::from_millis(5), status)),
    };
    Step {
        purpose,
        candidate: 0,
        outcome: Outcome::Final { status, response },
        attempts: vec![attempt],
        refused: None,
        challenges: vec![],
        bindings: vec![],
        more_bindings: 0,
        min_expires: None,
        expires_s: 60,
    }
}

fn with_own(mut step: Step) -> Step {
    step.bindings =
        vec![Binding { uri: b"sip:u@192.0.2.1".to_vec(), expires_s: Some(55), own: true, ..Binding::default() }];
    step
}

fn done(steps: &[Step]) -> Vec<Event> {
    steps.iter().map(|s| Event::Done(Box::new(s.clone()))).collect()
}

fn judged(mode: Mode, steps: &[Step]) -> (Exit, String) {
    let judgement = judge(mode, &done(steps), false, false);
    (judgement.exit, judgement.reason)
}

fn whole() -> [Step; 3] {
    [with_own(step(Purpose::Register, 200, "")), step(Purpose::Remove, 200, ""), step(Purpose::Check, 200, "")]
}

#[test]
fn a_trial_that_cleans_up_behind_itself_is_good() {
    assert_eq!(judged(Mode::Trial, &whole()), (Exit::Good, "registered, and the binding removed again".to_owned()));
    let query = [step(Purpose::Query, 200, "")];
    assert_eq!(judged(Mode::Query, &query).0, Exit::Good);
}

#[test]
fn each_refusal_has_its_exit_code_and_words() {
    let refused = |status, why: Option<Answered>| {
        let mut step = step(Purpose::Register, status, "");
        step.refused = why;
        judge(Mode::Trial, &done(&[step]), false, false)
    };
    for (status, why, exit, words) in [
        (401, Some(Answered::Refused), Exit::Refused, "the credentials were refused"),
        (401, Some(Answered::NoPassword), Exit::Refused, "there is no password"),
        (407, Some(Answered::TooOften), Exit::Refused, "again and again"),
        (401, Some(Answered::Unsupported("Digest MD6".to_owned())), Exit::Refused, "offers only Digest MD6"),
        (401, Some(Answered::NoChallenge), Exit::Refused, "without a challenge"),
        (403, None, Exit::Unexpected, "403 Words"),
        (404, None, Exit::Unexpected, "404 Words"),
        (302, None, Exit::Unexpected, "elsewhere"),
        (503, None, Exit::Unexpected, "503 Words"),
        (423, None, Exit::Unexpected, "no Min-Expires"),
    ] {
        let judgement = refused(status, why);
        assert_eq!(judgement.exit, exit, "{status}");
        assert!(judgement.reason.contains(words), "{status} {}", judgement.reason);
    }
    assert!(refused(401, Some(Answered::NoPassword)).hint.contains("--password-file"));
    // The same 403 means another thing once credentials were sent.
    let mut barred = step(Purpose::Register, 403, "");
    barred.challenges = vec![(challenge(), false)];
    assert_eq!(judged(Mode::Trial, &[barred]).0, Exit::Refused);
    let busy = step(Purpose::Register, 503, "Retry-After: 30\r\nWarning: 399 x \"full\"\r\n");
    let (_, words) = judged(Mode::Trial, &[busy]);
    assert_eq!(words, "503 Words (Warning: 399 x \"full\"); Retry-After 30");
}

#[test]
fn silence_and_broken_lines_differ() {
    let mut silent = step(Purpose::Register, 200, "");
    silent.outcome = Outcome::Timeout;
    silent.attempts[0].sends = 4;
    let (exit, words) = judged(Mode::Trial, &[silent]);
    assert_eq!((exit, words.as_str()), (Exit::NoAnswer, "no answer to REGISTER (sent 4 times)"));
    let error = TransportError::new(Phase::Connect, "refused", "cannot connect to 192.0.2.1:5060: connection refused");
    let events = [Event::Failed { candidate: 0, error }];
    let judgement = judge(Mode::Trial, &events, false, false);
    assert_eq!(judgement.exit, Exit::Unreachable);
    assert!(judgement.reason.contains("connection refused"));
    assert_eq!(judge(Mode::Trial, &[], false, false).exit, Exit::Unreachable);
}

#[test]
fn a_binding_that_is_missing_or_stays_is_not_good() {
    let [_, remove, check] = whole();
    let (exit, words) = judged(Mode::Trial, &[step(Purpose::Register, 200, ""), remove.clone(), check.clone()]);
    assert_eq!((exit, words.contains("does not list our binding")), (Exit::Unexpected, true));
    let register = with_own(step(Purpose::Register, 200, ""));
    let (exit, words) = judged(Mode::Trial, &[register.clone(), remove, with_own(check)]);
    assert_eq!((exit, words.contains("still there")), (Exit::Unexpected, true));
    let judgement = judge(Mode::Trial, &done(&[register, step(Purpose::Remove, 500, "")]), false, true);
    assert_eq!(judgement.exit, Exit::Unexpected);
    assert_eq!(judgement.reason, "our binding could not be removed: 500 Words");
    assert!(judgement.hint.contains("--remove"), "{}", judgement.hint);
    // Nothing was bound: that the removal went unanswered, too, is not the point.
    let unlisted = [step(Purpose::Register, 200, ""), step(Purpose::Remove, 500, "")];
    let judgement = judge(Mode::Trial, &done(&unlisted), false, true);
    assert_eq!((judgement.exit, judgement.reason.contains("does not list")), (Exit::Unexpected, true));
    let others = [step(Purpose::RemoveAll, 200, ""), with_own(step(Purpose::Check, 200, ""))];
    assert_eq!(judged(Mode::RemoveAll, &others).0, Exit::Unexpected);
}

#[test]
fn an_interruption_says_what_is_left() {
    let words = |steps: &[Step], bound| judge(Mode::Trial, &done(steps), true, bound);
    assert_eq!(words(&[], false).exit, Exit::Interrupted);
    assert_eq!(words(&[], false).reason, "interrupted; no binding was made");
    assert_eq!(words(&whole(), false).reason, "interrupted; the binding was removed");
    assert!(words(&[], true).reason.contains("may be left"));
}

#[test]
fn the_report_has_what_was_found() {
    let mut steps = whole();
    for step in &mut steps {
        step.challenges = vec![(challenge(), true)];
    }
    let fields = "Path: <sip:p1;lr>, <sip:p2;lr>\r\nService-Route: <sip:s;lr>\r\n";
    steps[0].outcome = step(Purpose::Register, 200, fields).outcome;
    let events = done(&steps);
    let judgement = judge(Mode::Trial, &events, false, false);
    let trial = Trial {
        aor: "sip:alice@example.com".to_owned(),
        mode: Mode::Trial,
        events,
        contact: b"sip:u@192.0.2.1".to_vec(),
        refreshes: 0,
        judgement,
    };
    let told = serde_json::to_value(report(&trial)).unwrap();
    assert_eq!(told["schema"], "sipctl.register/1");
    assert_eq!(told["target"], "sip:alice@example.com");
    assert_eq!(told["result"]["code"], 0);
    assert_eq!(told["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(told["attempts"][1]["purpose"], "remove");
    let expected =
        serde_json::json!([{"by": "proxy", "algorithm": "SHA-256", "realm": "r", "qop": "auth", "stale": false}]);
    assert_eq!(told["challenges"], expected);
    assert_eq!(told["bindings"], serde_json::json!([{"uri": "sip:u@192.0.2.1", "expires_s": 55, "own": true}]));
    assert_eq!(told["bindings_after"], serde_json::json!([]));
    assert_eq!((&told["removed"], &told["expires_s"], &told["server"]), (&true.into(), &55.into(), &"Lab/1".into()));
    assert_eq!(told["path"], serde_json::json!(["<sip:p1;lr>", "<sip:p2;lr>"]));
    assert_eq!(told["service_route"], serde_json::json!(["<sip:s;lr>"]));
    assert!((told["timing"]["final_ms"].as_f64().unwrap() - 5.0).abs() < 0.5);
    let one = account(&trial);
    assert_eq!((one.status, one.removed, one.expires_s), (Some(200), Some(true), Some(55)));
}

#[test]
fn what_the_registrar_says_is_escaped() {
    let mut hostile = step(Purpose::Register, 404, "");
    hostile.outcome = Outcome::Final { status: 404, response: b"SIP/2.0 404 \x1b[2J\r\n\r\n".to_vec() };
    assert_eq!(judged(Mode::Trial, &[hostile]).1, "404 \\x1b[2J");
}
