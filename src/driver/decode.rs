//! A source through the trace: one thread reads and cuts, the other remembers.
//!
//! The batches pass in order through a bounded channel and are given back to be filled again, so that neither thread
//! allocates while it runs and neither can run away from the other.

use super::Input;
use crate::base::Timestamp;
use crate::capture::{CaptureError, Event, HepOver, Over};
use crate::net::{Packet, Reason, Undecoded};
use crate::trace::batch::Examiner;
use crate::trace::facts::Transport;
use crate::trace::tracer::LetGo;
use crate::trace::{Batch, Intake, Sink, Tracer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Batches under way at once.
const BATCHES: usize = 8;
/// A live source hands a batch on after this long, full or not.
const LIVE_FLUSH: Duration = Duration::from_millis(100);

/// Sees every packet before it is decoded: filters, savers.
pub trait Tap: Send {
    /// Whether the packet is to be decoded.
    ///
    /// # Errors
    /// When it cannot be saved.
    fn packet(&mut self, packet: &Packet<'_>) -> Result<bool, CaptureError>;
    /// Secrets that stand between the packets.
    ///
    /// # Errors
    /// When they cannot be saved.
    fn secrets(&mut self, secrets: &[u8]) -> Result<(), CaptureError>;
    /// Nothing follows.
    ///
    /// # Errors
    /// When what was saved cannot be brought to its end.
    fn finish(&mut self) -> Result<(), CaptureError>;
}

/// When a run stops by itself, and what sees its packets on the way.
pub struct Control<'a> {
    /// Set from outside to stop the run.
    pub stop: &'a AtomicBool,
    /// Stop after so long.
    pub duration: Option<Duration>,
    /// Stop after so many packets.
    pub count: Option<u64>,
    /// What decides which packets are taken, and saves them.
    pub tap: Option<Box<dyn Tap + 'a>>,
}

/// What a run amounts to beside what its sink was told.
#[derive(Debug, Default)]
pub struct Totals {
    /// What could not be decoded, by reason.
    pub undecoded: Undecoded,
    /// What had to go because a table was full.
    pub let_go: LetGo,
    /// Packets that were taken.
    pub packets: u64,
    /// Time of the first packet that was taken.
    pub first_time: Option<Timestamp>,
    /// Time of the last one.
    pub last_time: Option<Timestamp>,
    /// Whether it was stopped from outside.
    pub interrupted: bool,
    /// Why it ended before the end of its source; what came before was taken in.
    pub failed: Option<CaptureError>,
}

/// Runs a source to its end, or to where it fails.
pub fn run(
    input: &mut Input,
    mut intake: Intake,
    mut tracer: Tracer,
    sink: &mut impl Sink,
    control: Control<'_>,
) -> Totals {
    let (full_in, full_out) = sync_channel::<Batch>(BATCHES);
    let (empty_in, empty_out) = sync_channel::<Batch>(BATCHES);
    for _ in 0..BATCHES {
        // The channel has room for exactly these.
        let _ = empty_in.send(Batch::default());
    }
    let stop = control.stop;
    // Set while the tracer waits: then it reads messages too, so that neither side waits for the other for long.
    let waits = &AtomicBool::new(false);
    let result: std::io::Result<_> = std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().name("reader".to_owned()).spawn_scoped(scope, move || {
            let mut feed = Feed {
                full: full_in,
                empty: empty_out,
                batch: Batch::default(),
                waits,
                control,
                totals: Totals::default(),
            };
            let ended = feed.read(input, &mut intake);
            intake.finish(&mut feed.batch);
            feed.hand_on();
            feed.totals.undecoded = intake.undecoded();
            let saved = feed.control.tap.as_mut().map_or(Ok(()), |tap| tap.finish());
            feed.totals.failed = ended.and(saved).err();
            feed.totals
        })?;
        let mut examiner = Examiner::default();
        while let Some(mut batch) = next(&full_out, waits) {
            batch.read_rest(&mut examiner);
            tracer.take(&batch, sink);
            if sink.is_closed() {
                stop.store(true, Ordering::Relaxed);
            }
            batch.clear();
            // The reader may have gone already: then nobody wants the batch back.
            let _ = empty_in.send(batch);
        }
        Ok(reader.join())
    });
    tracer.finish(sink);
    match result {
        Err(cause) => {
            let failed = CaptureError::Io { operation: "start", object: "a thread".to_owned(), cause };
            Totals { failed: Some(failed), ..Totals::default() }
        }
        Ok(Ok(mut totals)) => {
            totals.let_go = tracer.let_go();
            totals.undecoded.add(Reason::ConversationsEvicted, totals.let_go.conversations);
            totals.undecoded.add(Reason::StreamsEvicted, totals.let_go.streams + totals.let_go.endpoints);
            totals
        }
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
    }
}

/// The next batch; `None` after the last.
fn next(full: &Receiver<Batch>, waits: &AtomicBool) -> Option<Batch> {
    if let Ok(batch) = full.try_recv() {
        return Some(batch);
    }
    waits.store(true, Ordering::Relaxed);
    let batch = full.recv().ok();
    waits.store(false, Ordering::Relaxed);
    batch
}

/// The trace's word for what a log names.
pub fn transport(over: Over) -> Transport {
    match over {
        Over::Udp => Transport::Udp,
        Over::Tcp => Transport::Tcp,
        Over::Tls => Transport::Tls,
        Over::Ws => Transport::Ws,
        Over::Wss => Transport::Wss,
        Over::Sctp => Transport::Sctp,
    }
}

/// The reading side.
struct Feed<'a> {
    full: SyncSender<Batch>,
    empty: Receiver<Batch>,
    batch: Batch,
    /// Whether the tracer waits.
    waits: &'a AtomicBool,
    control: Control<'a>,
    totals: Totals,
}

impl Feed<'_> {
    fn read(&mut self, input: &mut Input, intake: &mut Intake) -> Result<(), CaptureError> {
        let live = input.is_live();
        let begun = Instant::now();
        let mut flushed = begun;
        while !self.is_over(begun) {
            let Some(event) = input.next_event()? else { break };
            let is_idle = matches!(event, Event::Idle(_));
            self.event(&event, intake)?;
            if self.batch.is_full() || (live && (is_idle || flushed.elapsed() >= LIVE_FLUSH)) {
                flushed = Instant::now();
                if !self.hand_on() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn is_over(&mut self, begun: Instant) -> bool {
        if self.control.stop.load(Ordering::Relaxed) {
            self.totals.interrupted = true;
            return true;
        }
        self.control.duration.is_some_and(|limit| begun.elapsed() >= limit)
            || self.control.count.is_some_and(|limit| self.totals.packets >= limit)
    }

    fn event(&mut self, event: &Event<'_>, intake: &mut Intake) -> Result<(), CaptureError> {
        match event {
            Event::Packet(packet) => {
                if let Some(tap) = self.control.tap.as_mut()
                    && !tap.packet(packet)?
                {
                    return Ok(());
                }
                self.note(1, packet.time, packet.time);
                self.batch.leaves_reading = self.waits.load(Ordering::Relaxed);
                intake.packet(packet, &mut self.batch);
            }
            Event::Secrets(secrets) => {
                intake.add_secrets(secrets);
                if let Some(tap) = self.control.tap.as_mut() {
                    tap.secrets(secrets)?;
                }
            }
            Event::Hep(hep) => {
                let sight = (hep.time, hep.frame, hep.source);
                let mirrored = match hep.over {
                    HepOver::Datagram => intake.hep_datagram(sight, hep.bytes, &mut self.batch),
                    HepOver::Stream(id) => intake.hep_bytes(id, sight, hep.bytes, &mut self.batch),
                    HepOver::End(id) => intake.hep_bytes(id, sight, &[], &mut self.batch),
                };
                if let Some((first, last)) = mirrored.times {
                    self.note(mirrored.packets, first, last);
                }
            }
            Event::Logged(logged) => {
                if let Some(tap) = self.control.tap.as_mut()
                    && !tap.packet(&logged.packet)?
                {
                    return Ok(());
                }
                let sight = (logged.packet.time, logged.packet.frame, logged.packet.source);
                self.note(1, sight.0, sight.0);
                intake.logged(sight, logged.flow, transport(logged.over), logged.bytes, &mut self.batch);
            }
            Event::Idle(now) => self.batch.quiet_at = Some(*now),
        }
        Ok(())
    }

    fn note(&mut self, packets: u64, first: Timestamp, last: Timestamp) {
        self.totals.packets += packets;
        self.totals.first_time = Some(self.totals.first_time.map_or(first, |t| t.min(first)));
        self.totals.last_time = Some(self.totals.last_time.map_or(last, |t| t.max(last)));
    }

    /// Gives the batch to the other side and takes an empty one; `false` where nobody listens any more.
    fn hand_on(&mut self) -> bool {
        let Ok(empty) = self.empty.recv() else { return false };
        let last_time = self.batch.last_time;
        let full = std::mem::replace(&mut self.batch, empty);
        self.batch.last_time = last_time;
        self.full.send(full).is_ok()
    }
}
