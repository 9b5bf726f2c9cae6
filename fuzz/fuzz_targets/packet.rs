//! The whole way: a capture file, or packets of any link layer, to the counts, and to the report as text and JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sipctl::commands::outlet::{Gather, Hold, Ndjson};
use sipctl::render::text::{self, Bodies, Mode, TextOptions};
use sipctl::render::{Terminal, json};
use sipctl::report::Detail;
use sipctl::report::collect::Quiet;
use sipctl::trace::{Limits, Linger};
use sipctl_fuzz::decode;

fuzz_target!(|data: &[u8]| {
    let small = Limits {
        conversations: 8,
        messages: 32,
        streams: 8,
        endpoints: 16,
        idle_registrations: 4,
        ..Limits::default()
    };
    let detail = Detail { headers: true, raw: true, secrets: false };
    // Every input is decoded twice; a third time would halve the speed again.
    if data.len() % 2 == 1 {
        let mut lines = Vec::new();
        decode(
            data,
            &mut Ndjson::new(&mut lines, false),
            detail,
            Limits { linger: Linger::Prompt, bytes: 4 << 10, ..small },
        );
        for line in lines.split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
            assert!(serde_json::from_slice::<serde_json::Value>(line).is_ok());
        }
        return;
    }
    let counted = decode(data, &mut Quiet, Detail::default(), small);
    let mut gather = Gather::new(Hold::Every);
    let full = decode(data, &mut gather, detail, Limits { keep_raw: true, ..small });
    assert_eq!(counted.messages, full.messages);
    assert_eq!(counted.calls, full.calls);
    let report = gather.finished();
    assert_eq!(report.messages.len() as u64, full.messages);

    let mut written = Vec::new();
    json::decode(&report, false, false, &mut written).unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&written).is_ok());
    for (width, unicode, bodies) in [(40, false, Bodies::None), (120, true, Bodies::Full)] {
        written.clear();
        let terminal = Terminal { width, unicode, colour: false };
        text::decode(&report, &TextOptions { mode: Mode::All, bodies }, terminal, &mut written).unwrap();
        let text = std::str::from_utf8(&written).unwrap();
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "a control character in the text");
    }
});
