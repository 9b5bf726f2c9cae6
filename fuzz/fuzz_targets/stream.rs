//! TCP segments put in order, and messages cut from a stream: no byte is told twice or lost.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sipctl::base::{Endpoint, Flow, Timestamp};
use sipctl::net::Segment;
use sipctl::net::tcp::{Kind, Limits, Reassembly, StreamEvent};
use sipctl::sip::{self, Frame, Framer};
use sipctl_fuzz::Pieces;
use std::collections::HashMap;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, rest)) = data.split_first() else { return };
    if mode & 1 == 0 { frame(mode, rest) } else { reassemble(rest) }
});

/// Pushes pieces and gaps into a framer and holds its account.
fn frame(mode: u8, data: &[u8]) {
    let limits = sip::Limits { header: 2048, body: 4096 };
    let mut framer = Framer::new(if mode & 2 == 0 { sip::Limits::default() } else { limits });
    let (mut pushed, mut told) = (0, 0);
    let mut pieces = Pieces(data);
    while !pieces.0.is_empty() {
        let size = usize::from(pieces.byte());
        let mut sink = |frame: Frame<'_>| match frame {
            Frame::Message(message) => told += message.len(),
            Frame::KeepAlive(n) | Frame::Garbage(n) => told += n,
        };
        if size == 0 {
            let dropped = framer.gap();
            told += dropped;
            continue;
        }
        // A message is longer than what one byte can say.
        let piece = pieces.take(size * 4);
        pushed += piece.len();
        framer.push(piece, &mut sink);
        assert_eq!(told + framer.pending(), pushed);
    }
    let mut sink = |frame: Frame<'_>| match frame {
        Frame::Message(message) => told += message.len(),
        Frame::KeepAlive(n) | Frame::Garbage(n) => told += n,
    };
    let left = framer.finish(&mut sink);
    assert_eq!(told + left, pushed);
}

/// Pushes segments of a few connections into a reassembly, and their bytes into framers.
fn reassemble(data: &[u8]) {
    let limits = Limits { connections: 3, bytes_per_direction: 2048, bytes_total: 4096 };
    let mut reassembly = Reassembly::new(limits);
    let mut framers: HashMap<(u64, Flow), Framer> = HashMap::new();
    let mut ended: HashMap<(u64, Flow), bool> = HashMap::new();
    let mut sink = |event: StreamEvent<'_>| {
        let key = (event.connection, event.flow);
        let over = ended.entry(key).or_default();
        assert!(!*over, "an event after the end of its direction");
        let framer = framers.entry(key).or_insert_with(|| Framer::new(sip::Limits::default()));
        match event.kind {
            Kind::Opened | Kind::Refused | Kind::Unanswered { .. } => {}
            Kind::Data(bytes) => framer.push(bytes, &mut |_| {}),
            Kind::Gap { .. } => {
                framer.gap();
            }
            Kind::Closed { .. } | Kind::Evicted => *over = true,
        }
    };
    let mut pieces = Pieces(data);
    let (mut time, mut frame) = (Timestamp(0), 0);
    while !pieces.0.is_empty() {
        let (flags, ports) = (pieces.byte(), pieces.byte());
        let seq = u32::from(pieces.short()).wrapping_add(if flags & 0x20 == 0 { 0 } else { u32::MAX - 3000 });
        let ack = u32::from(pieces.short());
        let payload = pieces.piece().unwrap_or_default();
        let ends = [Endpoint::v4([192, 0, 2, 1], 5060), Endpoint::v4([192, 0, 2, 2], 1 + u16::from(ports & 7))];
        let flow = Flow { src: ends[0], dst: ends[1] };
        frame += 1;
        time = Timestamp(time.0 + i64::from(ports >> 3) * 500_000_000);
        let segment = Segment {
            seq,
            ack,
            syn: flags & 1 != 0,
            fin: flags & 2 != 0,
            rst: flags & 4 != 0,
            acks: flags & 8 != 0,
            data: payload,
            wire_len: payload.len() as u32 + u32::from(flags >> 7) * 100,
        };
        let flow = if flags & 0x10 == 0 { flow } else { flow.reversed() };
        reassembly.push(flow, &segment, time, frame, flags & 0x80 != 0, &mut sink);
        assert!(reassembly.waiting() <= limits.bytes_total + usize::from(u16::MAX));
        assert!(reassembly.connections() <= limits.connections);
    }
    reassembly.finish(&mut sink);
    assert_eq!(reassembly.waiting(), 0);
}
