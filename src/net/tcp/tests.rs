mod any_order;

use super::{Kind, Limits, Reassembly};
use crate::base::{Endpoint, Flow, Timestamp};
use crate::net::{Reason, Segment};
use proptest::prelude::*;

const MS: i64 = 1_000_000;

/// What came out, as text: `>` from the opener, `<` from the other side, `?` from either.
#[derive(Default)]
struct Log(Vec<String>, Vec<u64>);

struct Bench {
    reassembly: Reassembly,
    log: Log,
    frame: u64,
    now: i64,
}

fn flow(up: bool) -> Flow {
    let flow = Flow { src: Endpoint::v4([192, 0, 2, 9], 40000), dst: Endpoint::v4([192, 0, 2, 1], 5060) };
    if up { flow } else { flow.reversed() }
}

fn segment(seq: u32, data: &[u8]) -> Segment<'_> {
    let wire_len = data.len() as u32;
    Segment { seq, ack: 0, syn: false, fin: false, rst: false, acks: false, data, wire_len }
}

impl Bench {
    fn new() -> Self {
        Bench::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        Bench { reassembly: Reassembly::new(limits), log: Log::default(), frame: 0, now: 1_700_000_000_000 * MS }
    }

    fn push_on(&mut self, flow: Flow, segment: Segment<'_>) {
        self.frame += 1;
        self.now += MS;
        let cut = segment.wire_len as usize > segment.data.len();
        let log = &mut self.log;
        self.reassembly.push(flow, &segment, Timestamp(self.now), self.frame, cut, &mut |event| log.take(&event));
    }

    fn up(&mut self, segment: Segment<'_>) {
        self.push_on(flow(true), segment);
    }

    fn down(&mut self, segment: Segment<'_>) {
        self.push_on(flow(false), segment);
    }

    /// SYN, SYN-ACK; the data of the opener starts at 1001, that of the other side at 5001.
    fn shake(&mut self) {
        self.up(Segment { syn: true, ..segment(1000, b"") });
        self.down(Segment { syn: true, acks: true, ack: 1001, ..segment(5000, b"") });
    }

    fn finish(&mut self) {
        let log = &mut self.log;
        self.reassembly.finish(&mut |event| log.take(&event));
    }

    fn seen(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log.0)
    }
}

impl Log {
    fn take(&mut self, event: &super::StreamEvent<'_>) {
        let from = match event.from_opener {
            Some(true) => '>',
            Some(false) => '<',
            None => '?',
        };
        let what = match event.kind {
            Kind::Opened => "opened".to_owned(),
            Kind::Data(data) => String::from_utf8_lossy(data).into_owned(),
            Kind::Gap { bytes } => format!("gap {bytes}"),
            Kind::Refused => "refused".to_owned(),
            Kind::Unanswered { syns, .. } => format!("unanswered {syns}"),
            Kind::Closed { reset } => if reset { "reset" } else { "closed" }.to_owned(),
            Kind::Evicted => "evicted".to_owned(),
        };
        self.0.push(format!("{}{from}{what}", event.connection));
        self.1.push(event.frame);
    }
}

#[test]
fn hands_on_both_directions_in_order_and_closes_each_at_its_fin() {
    let mut b = Bench::new();
    b.shake();
    b.up(segment(1001, b"ab"));
    b.down(segment(5001, b"xy"));
    b.up(Segment { fin: true, ..segment(1003, b"c") });
    b.down(segment(5003, b"z"));
    b.down(Segment { fin: true, ..segment(5004, b"") });
    b.finish();
    assert_eq!(b.seen(), ["0>opened", "0>ab", "0<xy", "0>c", "0>closed", "0<z", "0<closed"]);
    assert!(b.reassembly.undecoded().is_empty());
}

#[test]
fn in_order_data_is_borrowed_from_the_segment() {
    let mut reassembly = Reassembly::default();
    let data = b"OPTIONS".to_vec();
    let mut same = false;
    reassembly.push(flow(true), &segment(7, &data), Timestamp(1), 1, false, &mut |event| {
        if let Kind::Data(out) = event.kind {
            same = out.as_ptr() == data.as_ptr();
        }
    });
    assert!(same);
}

#[test]
fn disorder_is_mended_and_each_part_keeps_its_own_frame() {
    let mut b = Bench::new();
    b.shake();
    b.up(segment(1005, b"ef"));
    b.up(segment(1003, b"cd"));
    assert_eq!(b.seen(), ["0>opened"]);
    assert_eq!(b.reassembly.waiting(), 4);
    b.up(segment(1001, b"ab"));
    assert_eq!(b.seen(), ["0>ab", "0>cd", "0>ef"]);
    assert_eq!(b.log.1, [1, 5, 4, 3]);
    assert_eq!(b.reassembly.waiting(), 0);
}

#[test]
fn the_first_copy_of_a_byte_wins() {
    let mut b = Bench::new();
    b.shake();
    b.up(segment(1001, b"abc"));
    b.up(segment(1001, b"XXX"));
    b.up(segment(1002, b"YYde"));
    b.seen();
    b.up(segment(1008, b"hi"));
    b.up(segment(1006, b"fgZZZjk"));
    assert_eq!(b.seen(), ["0>fg", "0>hi", "0>Zjk"]);
    b.up(segment(1016, b"p"));
    b.up(segment(1014, b"no?q"));
    assert_eq!(b.reassembly.waiting(), 4);
    b.up(segment(1013, b"m"));
    assert_eq!(b.seen(), ["0>m", "0>no", "0>p", "0>q"]);
}

#[test]
fn sequence_numbers_wrap() {
    let mut b = Bench::new();
    b.up(Segment { syn: true, ..segment(u32::MAX - 2, b"") });
    b.up(segment(u32::MAX - 1, b"ab"));
    b.up(segment(1, b"de"));
    b.up(segment(0, b"c"));
    assert_eq!(b.seen(), ["0>opened", "0>ab", "0>c", "0>de"]);
}

#[test]
fn a_hole_that_the_receiver_has_acknowledged_is_a_gap() {
    let mut b = Bench::new();
    b.shake();
    b.up(segment(1001, b"ab"));
    b.up(segment(1008, b"hi"));
    b.down(Segment { acks: true, ack: 1010, ..segment(5001, b"") });
    assert_eq!(b.seen(), ["0>opened", "0>ab"]);
    b.now += 600 * MS;
    b.down(Segment { acks: true, ack: 1010, ..segment(5001, b"") });
    assert_eq!(b.seen(), ["0>gap 5", "0>hi"]);
    assert_eq!(b.reassembly.undecoded().of(Reason::TcpGap), 1);
}

#[test]
fn an_acknowledgement_that_was_captured_before_its_data_loses_nothing() {
    let mut b = Bench::new();
    b.shake();
    b.down(Segment { acks: true, ack: 1005, ..segment(5001, b"") });
    b.up(segment(1003, b"cd"));
    b.up(segment(1001, b"ab"));
    assert_eq!(b.seen(), ["0>opened", "0>ab", "0>cd"]);
}

#[test]
fn data_after_an_old_acknowledged_loss_does_not_wait() {
    let mut b = Bench::new();
    b.shake();
    b.up(segment(1001, b"ab"));
    b.down(Segment { acks: true, ack: 1013, ..segment(5001, b"") });
    b.now += 1000 * MS;
    b.up(segment(1013, b"next"));
    assert_eq!(b.seen(), ["0>opened", "0>ab", "0>gap 10", "0>next"]);
}

#[test]
fn a_hole_without_acknowledgements_is_given_up_after_a_while_even_from_another_connection() {
    let mut b = Bench::new();
    b.up(segment(100, b"ab"));
    b.up(segment(105, b"fg"));
    b.seen();
    b.now += 6000 * MS;
    let other = Flow { src: Endpoint::v4([192, 0, 2, 7], 1), dst: Endpoint::v4([192, 0, 2, 8], 2) };
    b.push_on(other, segment(1, b"x"));
    assert_eq!(b.seen(), ["0?gap 3", "0?fg", "1?opened", "1?x"]);
}

#[test]
fn a_segment_that_the_receiver_never_acknowledges_does_not_derail_the_stream() {
    let mut b = Bench::new();
    b.shake();
    b.up(segment(1001, b"ab"));
    b.up(segment(900_000, b"damaged"));
    b.down(Segment { acks: true, ack: 1003, ..segment(5001, b"") });
    b.now += 60_000 * MS;
    b.up(segment(1003, b"cd"));
    b.now += 60_000 * MS;
    b.down(Segment { acks: true, ack: 1005, ..segment(5001, b"") });
    b.up(segment(1005, b"ef"));
    assert_eq!(b.seen(), ["0>opened", "0>ab", "0>cd", "0>ef"]);
    b.finish();
    assert_eq!(b.seen(), ["0<evicted", "0>gap 898993", "0>damaged", "0>evicted"]);
}

#[test]
fn what_waits_at_the_end_comes_out_behind_a_gap() {
    let mut b = Bench::new();
    b.shake();
    b.up(segment(1003, b"cd"));
    b.up(segment(1007, b"gh"));
    b.finish();
    assert_eq!(b.seen(), ["0>opened", "0<evicted", "0>gap 2", "0>cd", "0>gap 2", "0>gh", "0>evicted"]);
    assert_eq!((b.reassembly.waiting(), b.reassembly.connections()), (0, 0));
}

#[test]
fn a_lost_end_is_a_gap_but_an_acknowledged_fin_is_none() {
    let mut b = Bench::new();
    b.shake();
    b.up(segment(1001, b"ab"));
    b.down(Segment { acks: true, ack: 1004, ..segment(5001, b"xy") });
    b.up(Segment { acks: true, ack: 5010, ..segment(1003, b"") });
    b.finish();
    assert_eq!(b.seen()[3..], ["0<gap 6", "0<evicted", "0>evicted"]);
}

#[test]
fn a_segment_cut_by_the_snap_length_is_data_and_a_gap() {
    let mut b = Bench::new();
    b.shake();
    b.up(Segment { wire_len: 10, ..segment(1001, b"abc") });
    b.up(segment(1011, b"k"));
    b.up(Segment { wire_len: 5, ..segment(1014, b"no") });
    b.up(segment(1012, b"lm"));
    assert_eq!(b.seen(), ["0>opened", "0>abc", "0>gap 7", "0>k", "0>lm", "0>no", "0>gap 3"]);
    assert_eq!(b.reassembly.undecoded().of(Reason::CutBySnapLength), 2);
}

#[test]
fn keep_alive_probes_and_segments_captured_twice_are_silent() {
    let mut b = Bench::new();
    b.shake();
    b.shake();
    b.up(segment(1001, b"ab"));
    b.up(segment(1001, b"ab"));
    b.up(segment(1002, b"\0"));
    b.up(segment(1002, b""));
    b.up(segment(1003, b"c"));
    assert_eq!(b.seen(), ["0>opened", "0>ab", "0>c"]);

    let mut b = Bench::new();
    b.down(segment(5001, b"xy"));
    b.down(Segment { acks: true, ack: 1003, ..segment(5003, b"z") });
    b.up(segment(1002, b"\0"));
    b.up(segment(1003, b"c"));
    assert_eq!(b.seen(), ["0?opened", "0?xy", "0?z", "0?c"]);
}

#[test]
fn the_handshake_tells_where_the_other_side_starts() {
    let mut b = Bench::new();
    b.down(Segment { syn: true, acks: true, ack: 1001, ..segment(5000, b"") });
    b.up(segment(1003, b"cd"));
    b.up(segment(1001, b"ab"));
    b.up(Segment { syn: true, ..segment(1000, b"") });
    assert_eq!(b.seen(), ["0<opened", "0>ab", "0>cd"]);
}

#[test]
fn a_syn_that_arrives_after_the_first_data_is_of_the_same_connection() {
    let mut b = Bench::new();
    b.up(segment(1001, b"ab"));
    b.up(Segment { syn: true, ..segment(1000, b"") });
    b.up(segment(1003, b"cd"));
    assert_eq!(b.seen(), ["0?opened", "0?ab", "0>cd"]);
}

#[test]
fn a_syn_with_another_number_is_another_connection() {
    let mut b = Bench::new();
    b.shake();
    b.up(segment(1001, b"ab"));
    b.up(segment(1009, b"ij"));
    b.seen();
    b.up(Segment { syn: true, ..segment(77_000, b"") });
    assert_eq!(b.seen(), ["0>gap 6", "0>ij", "0>evicted", "0<evicted", "1>opened"]);
    b.down(Segment { syn: true, acks: true, ack: 77_001, ..segment(99_000, b"") });
    b.down(segment(99_001, b"xy"));
    assert_eq!(b.seen(), ["1<xy"]);
}

#[test]
fn ports_used_again_without_a_captured_syn_are_another_connection() {
    let mut b = Bench::new();
    b.shake();
    b.up(Segment { acks: true, ack: 5001, ..segment(1001, b"ab") });
    b.up(Segment { acks: true, ack: 2_500_000_000, ..segment(3_000_000_000, b"new") });
    assert_eq!(b.seen(), ["0>opened", "0>ab", "0>evicted", "0<evicted", "1?opened", "1?new"]);
}

#[test]
fn a_single_strange_number_is_dropped_but_two_that_follow_are_believed() {
    let mut b = Bench::new();
    b.up(segment(1001, b"ab"));
    b.up(segment(1_000_000_000, b"??"));
    b.up(segment(1003, b"cd"));
    assert_eq!(b.seen(), ["0?opened", "0?ab", "0?cd"]);
    b.up(segment(1_000_000_000, b"gone"));
    b.up(segment(1_000_000_004, b"here"));
    assert_eq!(b.seen(), ["0?gap 999998999", "0?here"]);
    assert_eq!(b.reassembly.undecoded().of(Reason::TcpGap), 3);
}

#[test]
fn a_reset_ends_both_directions_and_what_comes_late_is_no_new_connection() {
    let mut b = Bench::new();
    b.shake();
    b.up(segment(1001, b"ab"));
    b.up(segment(1005, b"ef"));
    b.seen();
    b.down(Segment { rst: true, ..segment(5001, b"") });
    assert_eq!(b.seen(), ["0<reset", "0>gap 2", "0>ef", "0>reset"]);
    b.down(Segment { rst: true, ..segment(5001, b"") });
    b.up(segment(1001, b"ab"));
    b.up(Segment { syn: true, ..segment(1000, b"") });
    assert!(b.seen().is_empty());
    b.up(Segment { syn: true, ..segment(2000, b"") });
    assert_eq!(b.seen(), ["1>opened"]);
    b.down(Segment { rst: true, acks: true, ack: 2001, ..segment(0, b"") });
    assert_eq!(b.seen(), ["1<refused", "1<reset", "1>reset"]);
}

#[test]
fn syns_that_nothing_answers_are_told_once_when_it_is_certain() {
    let syn = |b: &mut Bench, later_ms: i64| {
        b.now += later_ms * MS;
        b.up(Segment { syn: true, ..segment(1000, b"") });
    };
    let mut b = Bench::new();
    for later in [0, 1000, 2000, 4000] {
        syn(&mut b, later);
    }
    b.finish();
    assert_eq!(b.seen(), ["0>opened", "0>unanswered 3", "0<evicted", "0>evicted"]);
    // Two, and then only the end of the capture: how long that was after them decides.
    for (wait, told) in [(500, false), (3000, true)] {
        let mut b = Bench::new();
        syn(&mut b, 0);
        syn(&mut b, 1000);
        b.reassembly.pass_time(Timestamp(b.now + wait * MS));
        b.finish();
        assert_eq!(b.seen().contains(&"0>unanswered 2".to_owned()), told, "{wait}");
    }
    // Copies of one packet, a late answer, a refusal, and a client that goes on although its answer was not captured.
    let answered = |answer: &dyn Fn(&mut Bench)| {
        let mut b = Bench::new();
        syn(&mut b, 0);
        syn(&mut b, 1000);
        answer(&mut b);
        b.now += 9000 * MS;
        b.reassembly.pass_time(Timestamp(b.now));
        b.finish();
        b.seen().iter().all(|event| !event.contains("unanswered"))
    };
    assert!(answered(&|b| b.down(Segment { syn: true, acks: true, ack: 1001, ..segment(5000, b"") })));
    assert!(answered(&|b| b.down(Segment { rst: true, acks: true, ack: 1001, ..segment(0, b"") })));
    assert!(answered(&|b| b.up(Segment { acks: true, ack: 5001, ..segment(1001, b"ab") })));
    let mut b = Bench::new();
    [0, 1, 1].into_iter().for_each(|later| syn(&mut b, later));
    b.reassembly.pass_time(Timestamp(b.now + 9000 * MS));
    b.finish();
    assert_eq!(b.seen(), ["0>opened", "0<evicted", "0>evicted"]);
}

#[test]
fn a_reset_from_elsewhere_in_the_number_space_is_not_believed() {
    let mut b = Bench::new();
    b.shake();
    b.down(Segment { rst: true, ..segment(3_000_000_000, b"") });
    b.up(segment(1001, b"ab"));
    assert_eq!(b.seen(), ["0>opened", "0>ab"]);
}

#[test]
fn a_fin_ahead_of_its_data_waits_and_data_behind_it_is_dropped() {
    let mut b = Bench::new();
    b.shake();
    b.up(Segment { fin: true, ..segment(1003, b"cd") });
    b.up(segment(1005, b"never"));
    b.up(segment(1001, b"ab"));
    assert_eq!(b.seen(), ["0>opened", "0>ab", "0>cd", "0>closed"]);
    assert_eq!(b.reassembly.waiting(), 0);
}

#[test]
fn data_in_the_syn_is_the_start_of_the_stream() {
    let mut b = Bench::new();
    b.up(Segment { syn: true, ..segment(1000, b"fast") });
    b.up(segment(1005, b"er"));
    assert_eq!(b.seen(), ["0>opened", "0>fast", "0>er"]);
}

#[test]
fn no_more_waits_in_a_direction_than_allowed() {
    let mut b = Bench::with(Limits { connections: 4, bytes_per_direction: 4, bytes_total: 100 });
    b.shake();
    b.up(segment(1003, b"cd"));
    b.up(segment(1007, b"gh"));
    b.up(segment(1010, b"j"));
    assert_eq!(b.seen(), ["0>opened", "0>gap 2", "0>cd"]);
    assert_eq!(b.reassembly.waiting(), 3);
    assert_eq!(b.reassembly.undecoded().of(Reason::StreamBufferFull), 1);
    b.up(segment(1005, b"ef"));
    b.up(segment(1009, b"i"));
    assert_eq!(b.seen(), ["0>ef", "0>gh", "0>i", "0>j"]);
    b.up(segment(1020, b"large one"));
    assert_eq!(b.seen(), ["0>gap 9", "0>large one"]);
}

#[test]
fn many_small_segments_behind_a_hole_are_bounded_too() {
    let mut b = Bench::new();
    b.shake();
    for i in 0..2000u32 {
        b.up(segment(1002 + 2 * i, b"x"));
    }
    assert!(b.reassembly.waiting() <= 512);
    let data = b.seen().iter().filter(|line| line.ends_with('x')).count();
    assert_eq!(data + b.reassembly.waiting(), 2000);
}

#[test]
fn the_connection_stalled_longest_gives_way_when_all_hold_too_much() {
    let mut b = Bench::with(Limits { connections: 9, bytes_per_direction: 10, bytes_total: 10 });
    let with_port = |port| Flow { src: Endpoint::v4([10, 0, 0, 1], port), dst: Endpoint::v4([10, 0, 0, 2], 5060) };
    for port in [1, 2, 3] {
        b.push_on(with_port(port), segment(100, b"a"));
        b.push_on(with_port(port), segment(105, b"waits"));
    }
    assert_eq!(b.reassembly.waiting(), 10);
    let seen = b.seen();
    assert_eq!(seen[seen.len() - 2..], ["0?gap 4", "0?waits"]);
}

#[test]
fn too_many_connections_evict_the_one_silent_for_longest() {
    let mut b = Bench::with(Limits { connections: 2, bytes_per_direction: 10, bytes_total: 10 });
    let with_port = |port| Flow { src: Endpoint::v4([10, 0, 0, 1], port), dst: Endpoint::v4([10, 0, 0, 2], 5060) };
    for port in [1, 2, 1, 3] {
        b.push_on(with_port(port), segment(100 * u32::from(port), b"a"));
    }
    assert_eq!(b.seen(), ["0?opened", "0?a", "1?opened", "1?a", "2?opened", "1?evicted", "1?evicted", "2?a"]);
    assert_eq!(b.reassembly.undecoded().of(Reason::ConnectionsEvicted), 1);
    b.now += 3 * 60 * 60 * 1000 * MS;
    b.push_on(with_port(3), segment(301, b"b"));
    assert_eq!(b.seen(), ["0?evicted", "0?evicted", "2?evicted", "2?evicted", "3?opened", "3?b"]);
    assert_eq!(b.reassembly.undecoded().of(Reason::ConnectionsEvicted), 1);
}

/// Cuts `stream` at `cuts`, repeats some of the parts, and moves each at most a few places.
fn shuffled(stream: &[u8], cuts: &[usize], moves: &[u8]) -> Vec<(usize, usize)> {
    let mut borders: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).chain([0, stream.len()]).collect();
    borders.sort_unstable();
    borders.dedup();
    let mut parts: Vec<(usize, (usize, usize))> = Vec::new();
    for (index, pair) in borders.windows(2).enumerate() {
        let movement = usize::from(moves[index % moves.len()]);
        parts.push((index * 4 + movement % 23, (pair[0], pair[1])));
        if movement % 5 == 0 {
            let overlap = (pair[0].saturating_sub(movement % 7), (pair[1] + movement % 3).min(stream.len()));
            parts.push((index * 4 + movement % 17, overlap));
        }
    }
    parts.sort_by_key(|(place, _)| *place);
    parts.into_iter().map(|(_, part)| part).collect()
}
