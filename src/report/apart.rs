//! Judging in a thread of its own: what the trace has completed is judged and told while the trace goes on.
//!
//! The trace tells a [`Front`], which counts messages, writes them where they are wanted, and hands on the rest in parcels, in order. Behind it a
//! [`Collector`] takes each piece with the times that held when it was handed over: what comes out does not depend on how the threads run.

use super::collect::{Collector, Detail, Outlet, Scribe, Times, tell};
use super::select::{Chosen, Selection};
use super::tally::Tally;
use crate::analysis::{Recall, Settings, Watch};
use crate::base::Timestamp;
use crate::trace::conversation::Spare;
use crate::trace::{Conversation, Incident, MediaStream, Observed, Sink};
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Parcels under way at once.
const PARCELS: usize = 12;
/// A parcel is handed on when it holds so many conversations, …
const FULL_CONVERSATIONS: usize = 24;
/// … or so many pieces, …
const FULL_PIECES: usize = 512;
/// … or so many bytes of messages.
const FULL_BYTES: usize = 192 << 10;

/// What the collector is to take next.
enum Piece {
    /// The next of the parcel's conversations.
    Conversation,
    /// A call rings, or is answered.
    Promise((IpAddr, Timestamp)),
    /// The run's clock was told.
    Clock(Timestamp),
    Incident(Box<Incident>),
    Orphan(Option<Box<MediaStream>>),
    Finish,
}

/// A piece with what held when it was handed over.
struct Told {
    piece: Piece,
    times: Times,
    /// Bytes of written messages that come before it, from the beginning of the parcel.
    written: usize,
    /// Messages to be recalled that come before it.
    recalled: usize,
}

/// A message that findings may quote: its index in the run, where its bytes end in the parcel, and whether it is cut.
struct Recalled {
    index: u64,
    end: usize,
    is_cut: bool,
}

/// Pieces in order. Its memory, and that of its conversations, goes back to be used again.
#[derive(Default)]
struct Parcel {
    told: Vec<Told>,
    conversations: Vec<(Box<Conversation>, Vec<MediaStream>)>,
    written: Vec<u8>,
    recalled: Vec<Recalled>,
    recalled_bytes: Vec<u8>,
}

/// The side of the trace.
pub struct Front<'a> {
    parcel: Parcel,
    full: SyncSender<Parcel>,
    empty: Receiver<Parcel>,
    /// Conversations that were judged: their memory serves the next ones.
    judged: Spare,
    scribe: Option<Scribe>,
    detail: Detail,
    settings: &'a Settings,
    selects_all: bool,
    /// Whether findings are shown, with what they quote.
    recalls: bool,
    tally: Tally,
    times: Times,
    closed: &'a AtomicBool,
}

/// What a run amounts to beside what its outlet was told.
pub struct Collected {
    /// The counts.
    pub tally: Tally,
    /// How each address answered.
    pub peers: super::peers::Peers,
    /// What of the input belongs to the selection.
    pub chosen: Chosen,
}

/// Lets `run` trace into a front, and tells `outlet` what comes of it from another thread. Messages are written by `scribe`, where there is one.
///
/// # Errors
/// Where the system gives no thread.
pub fn judge<T>(
    outlet: &mut (dyn Outlet + Send),
    scribe: Option<Scribe>,
    (selection, detail, settings): (&Selection, Detail, &Settings),
    chosen: Chosen,
    run: impl FnOnce(&mut Front<'_>) -> T,
) -> io::Result<(T, Collected)> {
    let (full, parcels) = sync_channel::<Parcel>(PARCELS);
    let (give_back, empty) = sync_channel::<Parcel>(PARCELS);
    for _ in 0..PARCELS {
        // The channel has room for exactly these.
        let _ = give_back.send(Parcel::default());
    }
    let closed = AtomicBool::new(false);
    let recalls = outlet.wants_details();
    std::thread::scope(|scope| {
        let behind = || {
            let mut collector = Collector::new(outlet, selection, detail, settings);
            collector.chosen = chosen;
            for mut parcel in parcels {
                take(&mut collector, &mut parcel);
                if collector.is_closed() {
                    closed.store(true, Ordering::Relaxed);
                }
                // At the end nobody wants it back.
                let _ = give_back.send(parcel);
            }
            let Collector { tally, peers, chosen, .. } = collector;
            Collected { tally, peers, chosen }
        };
        let judge = std::thread::Builder::new().name("judge".to_owned()).spawn_scoped(scope, behind)?;
        let mut front = Front {
            parcel: Parcel::default(),
            full,
            empty,
            judged: Vec::new(),
            scribe,
            detail,
            settings,
            selects_all: selection.is_everything(),
            recalls,
            tally: Tally::default(),
            times: Times::default(),
            closed: &closed,
        };
        let result = run(&mut front);
        // Without a sender the judge comes to its end.
        let Front { tally, full, .. } = front;
        drop(full);
        match judge.join() {
            Ok(mut collected) => {
                collected.tally.add_messages(&tally);
                Ok((result, collected))
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Gives the pieces of a parcel to the collector, with the messages between them.
fn take(collector: &mut Collector<'_>, parcel: &mut Parcel) {
    let Parcel { told, conversations, written, recalled, recalled_bytes } = parcel;
    let mut conversations = conversations.iter();
    let (mut recalled, mut recalled_to) = (recalled.iter(), 0);
    let mut recall = |collector: &mut Collector<'_>, most: usize| {
        for message in recalled.by_ref().take(most) {
            let bytes = recalled_bytes.get(recalled_to..message.end).unwrap_or_default();
            collector.recall(message.index, bytes, message.is_cut);
            recalled_to = message.end;
        }
    };
    let (mut shown, mut known) = (0, 0);
    for told in told {
        collector.written(written.get(shown..told.written).unwrap_or_default());
        recall(collector, told.recalled.saturating_sub(known));
        (shown, known) = (told.written, told.recalled);
        collector.times = told.times;
        match &mut told.piece {
            Piece::Conversation => {
                if let Some((conversation, streams)) = conversations.next() {
                    collector.conversation(conversation, streams);
                }
            }
            Piece::Promise(promise) => collector.promising(*promise),
            Piece::Clock(now) => collector.clock(*now),
            Piece::Incident(incident) => collector.incident(incident),
            Piece::Orphan(stream) => stream.take().into_iter().for_each(|stream| collector.orphan(*stream)),
            Piece::Finish => collector.finish(),
        }
    }
    collector.written(written.get(shown..).unwrap_or_default());
    recall(collector, usize::MAX);
}

impl Front<'_> {
    fn tell(&mut self, piece: Piece) {
        let Parcel { told, written, recalled, .. } = &mut self.parcel;
        told.push(Told { piece, times: self.times, written: written.len(), recalled: recalled.len() });
        if self.parcel.conversations.len() >= FULL_CONVERSATIONS || self.parcel.told.len() >= FULL_PIECES {
            self.hand_on();
        }
    }

    /// Keeps what findings may quote of a message.
    fn recall(&mut self, c: &Conversation, position: u32, observed: &Observed<'_>) {
        let Some(index) = c.at(position).map(|f| f.index) else { return };
        let Parcel { recalled, recalled_bytes, .. } = &mut self.parcel;
        let (bytes, is_cut) = Recall::kept(observed.bytes, observed.sight.cut);
        recalled_bytes.extend_from_slice(bytes);
        recalled.push(Recalled { index, end: recalled_bytes.len(), is_cut });
    }

    /// Gives the parcel to the judge and takes one back.
    fn hand_on(&mut self) {
        let Ok(mut empty) = self.empty.recv() else {
            // The judge is gone, by a panic that is told when it is joined.
            self.parcel = Parcel::default();
            self.closed.store(true, Ordering::Relaxed);
            return;
        };
        empty.told.clear();
        empty.written.clear();
        empty.recalled.clear();
        empty.recalled_bytes.clear();
        self.judged.extend(empty.conversations.drain(..).map(|(conversation, _)| conversation));
        let full = std::mem::replace(&mut self.parcel, empty);
        // Where nobody takes it, the next attempt to get one back says so.
        let _ = self.full.send(full);
    }
}

impl Sink for Front<'_> {
    fn message(&mut self, c: &Conversation, position: u32, observed: &Observed<'_>) {
        self.times.message(observed.sight.time);
        if let Some(promise) = Watch::promise(self.settings, c, position) {
            self.tell(Piece::Promise(promise));
        }
        if self.recalls {
            self.recall(c, position, observed);
        }
        if self.selects_all {
            self.tally.observed(observed, c, position);
            let written = &mut self.parcel.written;
            if let Some(scribe) = self.scribe.as_mut() {
                tell(c, position, self.times, self.detail, observed, |message| scribe(message, written));
            }
        }
        if self.parcel.written.len() + self.parcel.recalled_bytes.len() >= FULL_BYTES {
            self.hand_on();
        }
    }

    fn clock(&mut self, now: Timestamp) {
        self.times.clock(now);
        if self.settings.read_along {
            self.tell(Piece::Clock(now));
        }
    }

    fn conversation(&mut self, conversation: &Conversation, streams: &[MediaStream]) {
        self.parcel.conversations.push((Box::new(conversation.clone()), streams.to_vec()));
        self.tell(Piece::Conversation);
    }

    fn take(&mut self, conversation: Box<Conversation>, streams: Vec<MediaStream>) -> Option<Box<Conversation>> {
        self.parcel.conversations.push((conversation, streams));
        self.tell(Piece::Conversation);
        self.judged.pop()
    }

    fn incident(&mut self, incident: &Incident) {
        self.times.incident(incident.time);
        self.tell(Piece::Incident(Box::new(incident.clone())));
    }

    fn orphan(&mut self, stream: MediaStream) {
        self.tell(Piece::Orphan(Some(Box::new(stream))));
    }

    fn finish(&mut self) {
        self.tell(Piece::Finish);
        self.hand_on();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}
