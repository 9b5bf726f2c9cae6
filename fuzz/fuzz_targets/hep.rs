//! HEP 1, 2 and 3 in datagrams and in a stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sipctl::base::Timestamp;
use sipctl::net::hep::{self, Framer};
use sipctl::trace::{Batch, Intake};
use sipctl_fuzz::Pieces;

fuzz_target!(|data: &[u8]| {
    let _ = hep::looks_like(data);
    if let Ok(packet) = hep::parse(data) {
        assert!((1..=3).contains(&packet.version));
    }

    let mut intake = Intake::new(Default::default(), Default::default());
    let mut batch = Batch::default();
    intake.hep_datagram((Timestamp(1), 1, 0), data, &mut batch);

    // The same bytes as a stream that comes in pieces.
    let mut framer = Framer::new();
    let (mut pushed, mut told, mut whole) = (0u64, 0u64, 0);
    let mut pieces = Pieces(data);
    while !pieces.0.is_empty() {
        let size = usize::from(pieces.byte());
        if size == 0 {
            framer.gap();
        }
        let piece = pieces.take(size);
        pushed += piece.len() as u64;
        framer.push(piece, &mut |packet| {
            told += packet.len() as u64;
            whole += 1;
        });
        assert!(framer.waiting() <= 1 << 16);
        assert_eq!(told + framer.skipped() + framer.waiting() as u64, pushed);
        if !piece.is_empty() {
            intake.hep_bytes(7, (Timestamp(2), 2, 0), piece, &mut batch);
        }
    }
    intake.hep_bytes(7, (Timestamp(3), 3, 0), &[], &mut batch);
    intake.finish(&mut batch);
});
