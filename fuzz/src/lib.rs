//! What the targets share: input cut into pieces, and a decode run in one thread.

use sipctl::analysis::Settings;
use sipctl::base::Timestamp;
use sipctl::capture::{Event, FileSource, Source};
use sipctl::net::tls::KeyLog;
use sipctl::net::{LinkType, Packet};
use sipctl::report::tally::Tally;
use sipctl::report::{Collector, Detail, Outlet, Selection};
use sipctl::trace::{Batch, Intake, Limits, Tracer, intake};
use std::io::Cursor;

/// Takes fuzzer input apart: numbers and pieces from its front, never more than is there.
pub struct Pieces<'a>(pub &'a [u8]);

impl<'a> Pieces<'a> {
    /// The next byte; 0 at the end.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// The next two bytes as a number.
    pub fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// The next four bytes as a number.
    pub fn word(&mut self) -> u32 {
        u32::from(self.short()) << 16 | u32::from(self.short())
    }

    /// The next `n` bytes, or what is left.
    pub fn take(&mut self, n: usize) -> &'a [u8] {
        let (front, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        front
    }

    /// A piece that says in two bytes how long it is; `None` at the end.
    pub fn piece(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let len = usize::from(self.short());
        Some(self.take(len))
    }
}

/// Feeds a whole decode run with `data`: a capture file, or where it is none, a link type and packets, each with its length.
pub fn decode(data: &[u8], outlet: &mut dyn Outlet, detail: Detail, limits: Limits) -> Tally {
    let (selection, settings) = (Selection::default(), Settings::default());
    let mut collector = Collector::new(outlet, &selection, detail, &settings);
    let mut intake = Intake::new(intake::Options::default(), KeyLog::new());
    let mut tracer = Tracer::new(limits);
    let mut batch = Batch::default();
    let mut take = |event: Event<'_>, intake: &mut Intake, batch: &mut Batch| {
        match event {
            Event::Packet(packet) => intake.packet(&packet, batch),
            Event::Secrets(secrets) => intake.add_secrets(secrets),
            _ => {}
        }
        if batch.is_full() {
            tracer.take(batch, &mut collector);
            batch.clear();
        }
    };
    match FileSource::new(Box::new(Cursor::new(data.to_vec())), "fuzz", 0) {
        Ok(mut source) => {
            while let Ok(Some(event)) = source.next_event() {
                take(event, &mut intake, &mut batch);
            }
        }
        Err(_) => {
            let mut pieces = Pieces(data);
            let link = LinkType(pieces.short());
            let mut frame = 0;
            while let Some(data) = pieces.piece() {
                frame += 1;
                let time = Timestamp(frame as i64 * 300_000_000);
                let packet = Packet { time, source: 0, frame, link, data, original_len: data.len() as u32 };
                take(Event::Packet(packet), &mut intake, &mut batch);
            }
        }
    }
    intake.finish(&mut batch);
    tracer.take(&batch, &mut collector);
    tracer.finish(&mut collector);
    assert_eq!(tracer.held(), 0);
    collector.tally
}
