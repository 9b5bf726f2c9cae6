//! How long it takes to put TCP segments in order: `cargo bench --bench reassembly`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use sipctl::base::{Endpoint, Flow, Timestamp};
use sipctl::net::Segment;
use sipctl::net::tcp::{Kind, Limits, Reassembly};

/// Connections at once.
const CONNECTIONS: usize = 64;
/// Bytes of each.
const STREAM: usize = 256 << 10;
/// Bytes of a segment.
const SEGMENT: usize = 1400;

fn main() {
    // What the benches measure is what arrives: nothing lost, or what the pattern loses.
    assert_eq!(run(&in_order(), &text()), CONNECTIONS * STREAM);
    assert_eq!(run(&overlapping(), &text()), CONNECTIONS * STREAM);
    assert_eq!(run(&swapped(), &text()), CONNECTIONS * STREAM);
    let lossy = run(&lossy(), &text());
    assert!(lossy < CONNECTIONS * STREAM && lossy > CONNECTIONS * STREAM * 9 / 10, "{lossy}");
    divan::main();
}

/// One segment to come: connection, offset in the stream, length.
type Plan = Vec<(usize, usize, usize)>;

fn text() -> Vec<u8> {
    (0..STREAM).map(|n| (n * 31 % 251) as u8).collect()
}

/// The segments of all connections by turns.
fn in_order() -> Plan {
    let offsets = (0..STREAM).step_by(SEGMENT);
    offsets.flat_map(|at| (0..CONNECTIONS).map(move |c| (c, at, SEGMENT.min(STREAM - at)))).collect()
}

/// Every third segment comes after the one that follows it.
fn swapped() -> Plan {
    let mut plan = in_order();
    for at in (0..plan.len().saturating_sub(CONNECTIONS)).step_by(3) {
        plan.swap(at, at + CONNECTIONS);
    }
    plan
}

/// One segment in fifty is missing.
fn lossy() -> Plan {
    in_order().into_iter().enumerate().filter(|(n, (_, at, _))| *at == 0 || n % 50 != 7).map(|(_, s)| s).collect()
}

/// Every segment repeats half of the one before, and one in ten comes twice.
fn overlapping() -> Plan {
    let mut plan = Plan::new();
    for (n, (connection, at, length)) in in_order().into_iter().enumerate() {
        let back = if at == 0 { 0 } else { SEGMENT / 2 };
        let segment = (connection, at - back, length + back);
        plan.push(segment);
        if n % 10 == 0 {
            plan.push(segment);
        }
    }
    plan
}

/// Runs a plan through a reassembly; gives how many bytes came out.
fn run(plan: &Plan, text: &[u8]) -> usize {
    let mut reassembly = Reassembly::new(Limits::default());
    let mut told = 0;
    let mut sink = |event: sipctl::net::tcp::StreamEvent<'_>| {
        if let Kind::Data(bytes) = event.kind {
            told += black_box(bytes).len();
        }
    };
    for (n, &(connection, at, length)) in plan.iter().enumerate() {
        let flow = Flow {
            src: Endpoint::v4([192, 0, 2, 1], 10_000 + connection as u16),
            dst: Endpoint::v4([192, 0, 2, 2], 5060),
        };
        // The first sequence number is chosen so that the streams wrap.
        let data = &text[at..at + length];
        let segment = Segment {
            seq: (u32::MAX - 100_000).wrapping_add(at as u32),
            ack: 1,
            syn: false,
            fin: false,
            rst: false,
            acks: true,
            data,
            wire_len: length as u32,
        };
        reassembly.push(flow, &segment, Timestamp(n as i64 * 10_000), n as u64, false, &mut sink);
    }
    reassembly.finish(&mut sink);
    told
}

fn measure(bencher: Bencher<'_, '_>, plan: &Plan) {
    let text = text();
    let bytes: usize = plan.iter().map(|s| s.2).sum();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| run(black_box(plan), &text));
}

/// As nearly all traffic comes.
#[divan::bench(name = "in_order")]
fn bench_in_order(bencher: Bencher) {
    measure(bencher, &in_order());
}

/// Segments that overtake each other.
#[divan::bench(name = "disorder")]
fn bench_swapped(bencher: Bencher) {
    measure(bencher, &swapped());
}

/// Holes that have to be given up.
#[divan::bench(name = "loss")]
fn bench_lossy(bencher: Bencher) {
    measure(bencher, &lossy());
}

/// Retransmissions that do not keep to the old boundaries.
#[divan::bench(name = "overlap")]
fn bench_overlapping(bencher: Bencher) {
    measure(bencher, &overlapping());
}
