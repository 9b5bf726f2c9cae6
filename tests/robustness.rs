//! Damage: every capture and message at hand, cut at many offsets and flipped in many bits with a fixed seed, decoded to the
//! counts, to JSON and to text. Nothing may panic, hang, grow without bound or reach a terminal unescaped.
//!
//! The project's own captures are always there; those of other people are read where they are, and the test says so where
//! they are not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod made;

use made::{ACK, ALICE, BOB, Capture, FIN, SYN, Seed, call};
use sipctl::analysis::Settings;
use sipctl::capture::{Event, FileSource, Source};
use sipctl::commands::outlet::{Gather, Hold, Ndjson};
use sipctl::net::tls::KeyLog;
use sipctl::render::text::{self, Bodies, Mode, TextOptions};
use sipctl::render::{Terminal, json};
use sipctl::report::collect::Quiet;
use sipctl::report::tally::Tally;
use sipctl::report::{Collector, Detail, Outlet, Selection};
use sipctl::trace::{Batch, Intake, Limits, Tracer, intake};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

/// About how many bytes are decoded for each file, whatever its size: small files are damaged more often.
const WORK: usize = 1_200_000;
/// Most damaged forms of one file.
const MOST_FORMS: usize = 60;
/// Of a large file, only so much from its start is damaged and decoded.
const PREFIX: usize = 1_000_000;
/// Up to this size, every form is also drawn as text and written as JSON.
const DRAWN: usize = 40_000;
/// A single damaged file that takes longer hangs; they take milliseconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// The process may not hold more, in KiB: most of it is the test's own.
#[cfg(target_os = "linux")]
const MEMORY_KIB: u64 = 256 << 10;

/// Where other people's captures are, if anywhere.
fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SIPCTL_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: no {} (set SIPCTL_SHARED to the directory that has it)", path.display());
    None
}

/// Every file below the folder, in a fixed order.
fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

/// Name and contents of a file that is to be damaged.
type Named = (String, Vec<u8>);

fn read(paths: &[PathBuf]) -> Vec<Named> {
    let named = |path: &PathBuf| (path.display().to_string(), std::fs::read(path).unwrap());
    paths.iter().map(named).filter(|(_, bytes)| !bytes.is_empty()).collect()
}

/// Calls over UDP, and over TCP in segments that end anywhere.
fn own() -> Vec<Named> {
    let (mut udp, mut tcp) = (Capture::new(), Capture::new());
    let (mut a, mut b) = (1, 1);
    tcp.tcp(ALICE, BOB, (0, 0), SYN, &[]);
    tcp.tcp(BOB, ALICE, (0, 1), SYN | ACK, &[]);
    for (from_alice, wait, bytes) in (0..4).flat_map(call) {
        let (src, dst) = if from_alice { (ALICE, BOB) } else { (BOB, ALICE) };
        udp.wait_us(wait);
        udp.udp(src, dst, &bytes);
        for part in bytes.chunks(333) {
            let (seq, ack) = if from_alice { (&mut a, b) } else { (&mut b, a) };
            tcp.tcp(src, dst, (*seq, ack), ACK, part);
            *seq += part.len() as u32;
        }
    }
    tcp.tcp(ALICE, BOB, (a, b), ACK | FIN, &[]);
    let long = [b"OPTIONS sip:a SIP/2.0\r\nSubject: ", &[b'x'; 9000][..], b"\r\n\r\n"].concat();
    udp.udp(ALICE, BOB, &long);
    vec![("own calls over UDP".into(), udp.bytes().to_vec()), ("own calls over TCP".into(), tcp.bytes().to_vec())]
}

/// A message as a datagram, and in two segments.
fn wrapped(message: &[u8]) -> Vec<u8> {
    let mut capture = Capture::new();
    for part in message.chunks(60_000) {
        capture.udp(ALICE, BOB, part);
    }
    let mut seq = 1;
    for part in message.chunks((message.len() / 2 + 1).min(1400)) {
        capture.tcp(ALICE, BOB, (seq, 1), ACK, part);
        seq += part.len() as u32;
    }
    capture.bytes().to_vec()
}

/// The secrets of other people's captures, so that damage behind TLS is looked at too.
fn secrets() -> &'static [u8] {
    static SECRETS: OnceLock<Vec<u8>> = OnceLock::new();
    SECRETS.get_or_init(|| {
        let mut paths = Vec::new();
        if let Some(folder) = shared("corpus/keys") {
            files(&folder, &mut paths);
        }
        read(&paths).into_iter().flat_map(|(_, text)| [&text[..], b"\n"].concat()).collect()
    })
}

fn decode(bytes: &[u8], outlet: &mut dyn Outlet, detail: Detail, keep_raw: bool) -> Option<(Tally, u64)> {
    let mut source = FileSource::new(Box::new(Cursor::new(bytes.to_vec())), "damaged", 0).ok()?;
    let (selection, settings) = (Selection::default(), Settings::default());
    let mut collector = Collector::new(outlet, &selection, detail, &settings);
    let mut intake = Intake::new(intake::Options::default(), KeyLog::new());
    intake.add_secrets(secrets());
    let mut tracer = Tracer::new(Limits { keep_raw, ..Limits::default() });
    let mut batch = Batch::default();
    let mut packets = 0;
    while let Ok(Some(event)) = source.next_event() {
        match event {
            Event::Packet(packet) => {
                packets += 1;
                intake.packet(&packet, &mut batch);
            }
            Event::Secrets(secrets) => intake.add_secrets(secrets),
            _ => {}
        }
        if batch.is_full() {
            tracer.take(&batch, &mut collector);
            batch.clear();
        }
    }
    intake.finish(&mut batch);
    tracer.take(&batch, &mut collector);
    tracer.finish(&mut collector);
    assert_eq!(tracer.held(), 0, "what is kept is counted");
    Some((collector.tally, packets))
}

/// Decodes in every way that the size allows.
fn exercise(bytes: &[u8]) {
    let Some((counted, packets)) = decode(bytes, &mut Quiet, Detail::default(), false) else { return };
    // Without compression, no packet is shorter than its record's header: the work is bounded by the input.
    let is_packed = bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    assert!(is_packed || packets <= bytes.len() as u64 / 8, "{packets} packets in {} bytes", bytes.len());
    if bytes.len() > DRAWN {
        return;
    }
    let detail = Detail { headers: true, raw: true, secrets: false };
    let mut gather = Gather::new(Hold::Every);
    let (full, _) = decode(bytes, &mut gather, detail, true).unwrap();
    assert_eq!((full.messages, full.calls), (counted.messages, counted.calls));
    let report = gather.finished();
    assert_eq!(report.messages.len() as u64, counted.messages);
    let mut written = Vec::new();
    json::decode(&report, false, false, &mut written).unwrap();
    serde_json::from_slice::<serde::de::IgnoredAny>(&written).unwrap();
    written.clear();
    let options = TextOptions { mode: Mode::All, bodies: Bodies::Full };
    text::decode(&report, &options, Terminal { width: 100, unicode: true, colour: false }, &mut written).unwrap();
    let text = std::str::from_utf8(&written).unwrap();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "a control character in the text");
    written.clear();
    decode(bytes, &mut Ndjson::new(&mut written, false), Detail::default(), false);
    for line in written.split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
        serde_json::from_slice::<serde::de::IgnoredAny>(line).unwrap();
    }
}

/// The damaged forms of a file: cut, or with bits flipped, or both.
fn forms(bytes: &[u8], seed: &mut Seed, mut take: impl FnMut(usize, &[u8])) {
    let bytes = &bytes[..bytes.len().min(PREFIX)];
    let count = (WORK / bytes.len().max(1)).clamp(2, MOST_FORMS);
    take(0, bytes);
    for form in 1..=count {
        let mut damaged = bytes.to_vec();
        if form % 3 == 0 {
            damaged.truncate(seed.below(bytes.len() + 1));
        }
        if form % 3 != 0 || form % 2 == 0 {
            // From one bit in all to one in five hundred bytes.
            let most = if form % 2 == 0 { 1 } else { damaged.len() / 500 };
            for _ in 0..=seed.below(most + 1) {
                let at = seed.below(damaged.len());
                if let Some(byte) = damaged.get_mut(at) {
                    *byte ^= 1 << seed.below(8);
                }
            }
        }
        take(form, &damaged);
    }
}

/// Damages every file on a thread of its own, and watches that it goes on.
fn survive(inputs: Vec<Named>, seed: u64) {
    assert!(!inputs.is_empty());
    let (tell, told) = mpsc::channel::<(String, usize)>();
    let worker = std::thread::spawn(move || {
        let mut seed = Seed(seed);
        let mut decoded = 0;
        for (name, bytes) in &inputs {
            forms(bytes, &mut seed, |form, damaged| {
                tell.send((name.clone(), form)).unwrap();
                exercise(damaged);
                decoded += 1;
            });
        }
        decoded
    });
    let mut last = (String::new(), 0);
    loop {
        match told.recv_timeout(PATIENCE) {
            Ok(next) => last = next,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("{} in form {} hangs", last.0, last.1),
        }
    }
    let decoded = worker.join().unwrap_or_else(|_| panic!("{} in form {}", last.0, last.1));
    eprintln!("{decoded} damaged files decoded");
    memory_is_bounded();
}

/// The most that the process has held so far.
#[cfg(target_os = "linux")]
fn memory_is_bounded() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    eprintln!("at most {} MiB of memory", kib >> 10);
    assert!(kib < MEMORY_KIB, "{kib} KiB");
}

#[cfg(not(target_os = "linux"))]
fn memory_is_bounded() {}

#[test]
fn damaged_captures_are_survived() {
    let mut paths = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"), &mut paths);
    for folder in ["corpus/captures", "examples"] {
        if let Some(folder) = shared(folder) {
            files(&folder, &mut paths);
        }
    }
    paths
        .retain(|p| p.extension().is_none_or(|e| !["md", "txt", "json", "log", "pem", "toml"].iter().any(|x| e == *x)));
    let mut inputs = own();
    inputs.extend(read(&paths));
    survive(inputs, 0x5EED_0F51_9C71_0002);
}

#[test]
fn damaged_messages_are_survived() {
    let mut inputs: Vec<Named> = call(9).into_iter().map(|(_, _, m)| ("own message".into(), wrapped(&m))).collect();
    if let Some(folder) = shared("corpus/messages") {
        let mut paths = Vec::new();
        files(&folder, &mut paths);
        assert!(paths.len() > 100, "{}", paths.len());
        inputs.extend(read(&paths).into_iter().map(|(name, message)| (name, wrapped(&message))));
    }
    survive(inputs, 0x5EED_0F51_9C71_0003);
}

/// One packet after the other of the same capture in which the clock leaps: nothing may depend on time that goes on.
#[test]
fn leaping_clocks_are_survived() {
    let mut inputs = Vec::new();
    for number in 0..8 {
        let mut capture = Capture::new();
        let mut seed = Seed(0x5EED_0F51_9C71_0004 + number);
        for (from_alice, _, bytes) in (0..6).flat_map(call) {
            capture.now = seed.below(4_000_000_000) as u64 * 1_000_000;
            let (src, dst) = if from_alice { (ALICE, BOB) } else { (BOB, ALICE) };
            capture.udp(src, dst, &bytes);
        }
        exercise(capture.bytes());
        let (tally, _) = decode(capture.bytes(), &mut Quiet, Detail::default(), false).unwrap();
        inputs.push(tally.messages);
    }
    assert_eq!(inputs, [42; 8]);
}

/// Messages that are as long as datagrams can be, each of a call of its own: what open calls keep together is bounded, and
/// every one of them is told.
#[test]
fn long_messages_of_many_calls_are_let_go_in_time() {
    const CALLS: usize = 300;
    const BYTES: usize = 2 << 20;
    let contact = format!("<sip:{}@example.com>", "x".repeat(2_000));
    let mut tracer = Tracer::new(Limits { bytes: BYTES, ..Limits::default() });
    let (selection, settings) = (Selection::default(), Settings::default());
    let mut quiet = Quiet;
    let mut collector = Collector::new(&mut quiet, &selection, Detail::default(), &settings);
    let mut intake = Intake::new(intake::Options::default(), KeyLog::new());
    let mut batch = Batch::default();
    let mut most = 0;
    for number in 0..CALLS {
        let call_id = number.to_string();
        // No two fields alike: equal ones would be kept once.
        let contacts: Vec<String> = (0..25).map(|n| format!("{contact};expires={n}")).collect();
        let mut fields = vec![("Call-ID", call_id.as_str()), ("CSeq", "1 INVITE")];
        fields.extend(contacts.iter().map(|contact| ("Contact", contact.as_str())));
        let mut capture = Capture::new();
        capture.udp(ALICE, BOB, &made::message("INVITE sip:b@example.com SIP/2.0", &fields, ""));
        let mut source = FileSource::new(Box::new(Cursor::new(capture.bytes().to_vec())), "long", 0).unwrap();
        while let Some(Event::Packet(packet)) = source.next_event().unwrap() {
            intake.packet(&packet, &mut batch);
        }
        tracer.take(&batch, &mut collector);
        batch.clear();
        most = most.max(tracer.held());
    }
    assert!(most > BYTES && most < BYTES + 70_000, "{most}");
    assert!(tracer.let_go().conversations > CALLS as u64 / 2, "{:?}", tracer.let_go());
    tracer.finish(&mut collector);
    assert_eq!((tracer.held(), collector.tally.calls), (0, CALLS as u64));
}
