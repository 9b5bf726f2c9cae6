//! How long a whole capture takes, from the file's bytes to the counts and to NDJSON: `cargo bench --bench whole_file`.
//!
//! In memory and in one thread: what the machine's disk and its second core add is not measured here.

#[path = "../tests/made/mod.rs"]
mod made;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use made::{ALICE, BOB, Capture, call};
use sipctl::analysis::Settings;
use sipctl::capture::{Event, FileSource, Source};
use sipctl::commands::outlet::Ndjson;
use sipctl::net::tls::KeyLog;
use sipctl::report::collect::Quiet;
use sipctl::report::{Collector, Detail, Outlet, Selection};
use sipctl::trace::{Batch, Intake, Limits, Tracer, intake};
use std::io::Cursor;

/// Calls in the capture.
const CALLS: u64 = 2_000;
/// RTP packets of each direction in the capture with media.
const MEDIA: u16 = 500;
/// Calls in the capture with media.
const MEDIA_CALLS: u64 = 50;

fn main() {
    let (messages, calls) = run(signalling(), &mut Quiet);
    assert_eq!((messages, calls), (CALLS * 7, CALLS));
    assert_eq!(run(over_tcp(), &mut Quiet), (CALLS * 7, CALLS));
    divan::main();
}

/// Calls that begin 10 ms after each other, their messages mixed, as on a busy link.
fn plan(calls: u64) -> Vec<(u64, bool, u64, Vec<u8>)> {
    let mut plan = Vec::new();
    for number in 0..calls {
        let mut at = number * 10_000;
        for (from_alice, wait, bytes) in call(number) {
            at += wait;
            plan.push((at, from_alice, number, bytes));
        }
    }
    plan.sort_by_key(|message| message.0);
    plan
}

fn signalling() -> Vec<u8> {
    let mut capture = Capture::new();
    let start = capture.now;
    for (at, from_alice, _, bytes) in plan(CALLS) {
        capture.now = start + at;
        let (src, dst) = if from_alice { (ALICE, BOB) } else { (BOB, ALICE) };
        capture.udp(src, dst, &bytes);
    }
    capture.bytes().to_vec()
}

/// The same calls over ten TCP connections, each message cut in the middle.
fn over_tcp() -> Vec<u8> {
    let mut capture = Capture::new();
    let start = capture.now;
    let mut positions = [[1u32, 1]; 10];
    for (at, from_alice, number, bytes) in plan(CALLS) {
        capture.now = start + at;
        let connection = (number % 10) as usize;
        let alice = (ALICE.0, 20_000 + connection as u16);
        let side = usize::from(!from_alice);
        for part in bytes.chunks(bytes.len() / 2 + 1) {
            let [seq, ack] = [positions[connection][side], positions[connection][1 - side]];
            let (src, dst) = if from_alice { (alice, BOB) } else { (BOB, alice) };
            capture.tcp(src, dst, (seq, ack), made::ACK, part);
            positions[connection][side] = seq.wrapping_add(part.len() as u32);
        }
    }
    capture.bytes().to_vec()
}

/// Calls with RTP in both directions.
fn with_media() -> Vec<u8> {
    let mut capture = Capture::new();
    for number in 0..MEDIA_CALLS {
        for (n, (from_alice, _, bytes)) in call(number).into_iter().enumerate() {
            capture.wait_us(1_000);
            let (src, dst) = if from_alice { (ALICE, BOB) } else { (BOB, ALICE) };
            if n == 5 {
                media(&mut capture, number as u16);
            }
            capture.udp(src, dst, &bytes);
        }
    }
    capture.bytes().to_vec()
}

fn media(capture: &mut Capture, number: u16) {
    let ends = [(ALICE.0, 40_000 + number * 2), (BOB.0, 20_000 + number * 2)];
    let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number as u8];
    packet.resize(172, 0xd5);
    for sequence in 0..MEDIA {
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
        capture.wait_us(20_000);
        for (from, to) in [(ends[0], ends[1]), (ends[1], ends[0])] {
            packet[8] = from.0[0];
            capture.udp(from, to, &packet);
        }
    }
}

/// Decodes the file; gives messages and calls.
fn run(file: Vec<u8>, outlet: &mut dyn Outlet) -> (u64, u64) {
    let (selection, settings) = (Selection::default(), Settings::default());
    let mut collector = Collector::new(outlet, &selection, Detail::default(), &settings);
    let mut intake = Intake::new(intake::Options::default(), KeyLog::new());
    let mut tracer = Tracer::new(Limits::default());
    let mut batch = Batch::default();
    let Ok(mut source) = FileSource::new(Box::new(Cursor::new(file)), "memory", 0) else { return (0, 0) };
    while let Ok(Some(event)) = source.next_event() {
        if let Event::Packet(packet) = event {
            intake.packet(&packet, &mut batch);
        }
        if batch.is_full() {
            tracer.take(&batch, &mut collector);
            batch.clear();
        }
    }
    intake.finish(&mut batch);
    tracer.take(&batch, &mut collector);
    tracer.finish(&mut collector);
    (collector.tally.messages, collector.tally.calls)
}

fn measure(bencher: Bencher<'_, '_>, file: &[u8], packets: u64, decode: impl Fn(Vec<u8>)) {
    bencher
        .counter(BytesCount::new(file.len()))
        .counter(ItemsCount::new(packets))
        .with_inputs(|| file.to_vec())
        .bench_local_values(|file| decode(black_box(file)));
}

fn quiet(file: Vec<u8>) {
    black_box(run(file, &mut Quiet));
}

/// What `--summary` does with calls over UDP.
#[divan::bench(sample_count = 20)]
fn summary(bencher: Bencher) {
    measure(bencher, &signalling(), CALLS * 7, quiet);
}

/// The same over TCP.
#[divan::bench(sample_count = 20)]
fn summary_tcp(bencher: Bencher) {
    measure(bencher, &over_tcp(), CALLS * 14, quiet);
}

/// What `--format ndjson` does.
#[divan::bench(sample_count = 20)]
fn ndjson(bencher: Bencher) {
    measure(bencher, &signalling(), CALLS * 7, |file| {
        let mut out = std::io::sink();
        let mut lines = Ndjson::new(&mut out, false);
        black_box(run(file, &mut lines));
    });
}

/// What `--summary` does with RTP.
#[divan::bench(sample_count = 20)]
fn media_summary(bencher: Bencher) {
    measure(bencher, &with_media(), MEDIA_CALLS * (7 + 2 * u64::from(MEDIA)), quiet);
}
