//! The text form as a whole, looked at and kept.

use super::{Evidence, Mode, TextOptions, calls_table, decode, finding, message_line, overview};
use crate::render::Terminal;
use crate::render::glyph::width;
use crate::render::sample::*;
use crate::report::decode::{Call, CallState, Report, Severity};

fn shown(terminal: Terminal, mode: Mode) -> String {
    let options = TextOptions { mode, ..TextOptions::default() };
    drawn(|out| decode(&report(), &options, terminal, out))
}

#[test]
fn a_report_at_three_widths() {
    for wide in [80, 120, 200] {
        let text = shown(terminal(wide), Mode::Auto);
        assert!(text.lines().all(|line| width(line) <= wide), "a line is longer than {wide}:\n{text}");
        insta::assert_snapshot!(format!("report_{wide}"), text);
    }
}

#[test]
fn a_report_in_ascii_and_in_colour() {
    let ascii = shown(Terminal { unicode: false, ..terminal(120) }, Mode::All);
    assert!(ascii.is_ascii());
    insta::assert_snapshot!("all_ascii_120", ascii);
    let plain = shown(terminal(120), Mode::Auto);
    let colour = shown(Terminal { colour: true, ..terminal(120) }, Mode::Auto);
    let mut stripped = String::new();
    let mut parts = colour.split("\x1b[");
    stripped.push_str(parts.next().unwrap());
    parts.for_each(|part| stripped.push_str(part.split_once('m').unwrap().1));
    assert_eq!(stripped, plain, "colour adds nothing but colour");
    assert!(colour.len() > plain.len() + 500);
}

#[test]
fn summary_list_and_one_call() {
    insta::assert_snapshot!("summary_100", shown(terminal(100), Mode::Summary));
    insta::assert_snapshot!("list_100", shown(terminal(100), Mode::List));
    let one = shown(terminal(120), Mode::Call(1));
    assert!(one.starts_with("Call 1  completed  alice → bob  talk 12.0 s  PCMU  ended by the caller"));
    assert!(one.lines().next().unwrap().ends_with("1-8231@10.20.0.10"));
    assert_eq!(shown(terminal(80), Mode::Call(7)), "no call 7 (there are 1)\n");
    let empty = drawn(|out| decode(&Report::default(), &TextOptions::default(), terminal(80), out));
    assert_eq!(empty, "0 packets · 0 messages\n");
}

/// Twenty-five calls in every state; the third has a warning, the fourth only an info.
fn many() -> Report {
    use CallState::*;
    let states =
        [Completed, Answered, Busy, Cancelled, Rejected, Redirected, Unanswered, Unauthorized, Failed, Trying, Ringing];
    let mut report = report();
    report.calls = (0..25u64)
        .map(|n| {
            let mut one = call(n + 1, states[usize::try_from(n).unwrap() % states.len()]);
            one.start = at(i64::try_from(n).unwrap() * 1500);
            one.messages = vec![0, 1];
            if one.state != Completed {
                (one.answered_ms, one.duration_ms, one.codecs) = (None, None, Vec::new());
                one.final_status = Some(486);
            }
            one
        })
        .collect();
    report.calls[2].findings = vec![0];
    report.calls[3].findings = vec![2];
    report.calls[4].from = party("sip:a-very-long-user-name-of-somebody@example.org", "");
    report.findings.push(found("early-media", Severity::Info, "early media", vec![0]));
    report.summary.calls = 25;
    report
}

#[test]
fn many_calls_are_a_table_with_ladders_for_those_that_need_one() {
    let report = many();
    let text = drawn(|out| decode(&report, &TextOptions::default(), terminal(120), out));
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("Call ")).collect();
    assert_eq!(headings.len(), 1, "{headings:?}");
    assert!(headings[0].starts_with("Call 3  busy  alice → bob  486"), "{headings:?}");
    let calls: Vec<&Call> = report.calls.iter().collect();
    for wide in [60, 80, 120] {
        let findings =
            |call: &Call| call.findings.iter().map(|&at| &report.findings[usize::try_from(at).unwrap()]).collect();
        let table = drawn(|out| calls_table(&calls, &findings, terminal(wide), out));
        assert!(table.lines().all(|line| width(line) <= wide && line == line.trim_end()), "{table}");
        insta::assert_snapshot!(format!("calls_{wide}"), table);
    }
}

#[test]
fn evidence_has_carets_under_the_bytes_as_they_are_shown() {
    let long = format!("Via: SIP/2.0/UDP {}@@host;branch=z{}", "山".repeat(200), "y".repeat(3000));
    let mut one = found("header-malformed", Severity::Error, "several header fields break their grammar", vec![]);
    one.spans = vec![
        span(4, 3, "To: \x1b[2J山田 <sip:b>>;tag=1", ">>", "a second '>' ends nothing"),
        span(4, 12, &long, "@@", "two '@' in a sent-by"),
        span(4, 1, "INVITE sip:b", "INVITE sip:b", &"a label that is far longer than the line has room for ".repeat(2)),
        span(4, 7, "", "", "Max-Forwards is missing"),
        span(4, 8, "x", "x", "not shown"),
    ];
    one.spans[3].end = u32::MAX;
    one.spans[3].column = u32::MAX;
    let text = drawn(|out| finding(&one, &Evidence::default(), terminal(80), out));
    assert!(text.lines().all(|line| width(line) <= 80), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.iter().position(|line| line.contains(">>")).unwrap();
    let before = |line: &str, mark: &str| width(line.split(mark).next().unwrap());
    assert_eq!(before(lines[shown], ">>"), before(lines[shown + 1], "^^"), "{text}");
    insta::assert_snapshot!("evidence_80", text);
}

#[test]
fn several_sources_with_what_limits_them() {
    let mut report = report();
    report
        .sources
        .push(source("/very/long/path/to/a/capture/that/somebody/made/on/a/friday/afternoon/\x1b[2Jsecond.pcapng"));
    report.sources[1].truncated = true;
    report.sources[1].dropped = Some(1200);
    report.summary.transports.insert("tls".into(), 1234);
    report.summary.undecoded.insert("a_reason_without_hint".into(), 1);
    let text = drawn(|out| overview(&report.sources, &report.summary, terminal(100), out));
    assert!(!text.contains('\x1b'));
    insta::assert_snapshot!("sources_100", text);
}

#[test]
fn one_message_in_one_line() {
    let report = report();
    let line = |index: usize| drawn(|out| message_line(&report.messages[index], terminal(120), out));
    assert_eq!(
        line(1),
        "14:05:11.001         10.20.0.1:5060 → 10.20.0.10:5060        UDP  407 Proxy Authentication Required   challenge: lab.ex…\n"
    );
    assert_eq!(
        line(10),
        "14:05:14.011         10.20.0.1:5060 → 10.20.0.10:5060        UDP  200 OK  SDP   retransmission\n"
    );
}
