//! How a run is shared out to threads changes nothing: what the trace takes in, and what is told of it, is the same when one thread does all.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use sipctl::analysis::Settings;
use sipctl::capture::{Event, Merged};
use sipctl::commands::outlet::{Gather, Hold, Ndjson};
use sipctl::driver::{self, Control, Input};
use sipctl::net::tls::KeyLog;
use sipctl::render::text::{self, Mode, TextOptions};
use sipctl::render::{Terminal, json};
use sipctl::report::apart;
use sipctl::report::collect::Messages;
use sipctl::report::peers::Peers;
use sipctl::report::select::Chosen;
use sipctl::report::tally::Tally;
use sipctl::report::{Collector, Detail, Outlet, Selection};
use sipctl::trace::batch::Examiner;
use sipctl::trace::{Batch, Conversation, Incident, Intake, Limits, MediaStream, Observed, Sink, Tracer, intake};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Writes down all that it is told.
#[derive(Default, PartialEq, Debug)]
struct Heard(Vec<String>);

impl Sink for Heard {
    fn message(&mut self, c: &Conversation, position: u32, observed: &Observed<'_>) {
        let Observed { sight, transport, bytes, outline, keys, kept, sdp } = observed;
        self.0.push(format!("{:?} {position} {sight:?} {transport:?} {outline:?} {keys:?} {kept:?} {sdp:?}", c.id));
        self.0.push(String::from_utf8_lossy(bytes).into_owned());
    }
    fn conversation(&mut self, c: &Conversation, streams: &[MediaStream]) {
        self.0.push(format!("{c:?} {streams:?}"));
    }
    fn incident(&mut self, incident: &Incident) {
        self.0.push(format!("{incident:?}"));
    }
    fn orphan(&mut self, stream: MediaStream) {
        self.0.push(format!("{stream:?}"));
    }
}

fn captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut found = Vec::new();
    for folder in [root.clone(), root.join("findings"), root.join("logs")] {
        found.extend(std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    }
    found.retain(|path| path.is_file() && Merged::open(&[path.to_str().unwrap()]).is_ok());
    found.sort();
    assert!(found.len() > 200, "{} captures", found.len());
    found
}

fn own() -> (Intake, Tracer) {
    (Intake::new(intake::Options::default(), KeyLog::new()), Tracer::new(Limits::default()))
}

/// Whether the packet of a number is taken in unread.
type Leaves = fn(u64) -> bool;

/// Decodes on this thread; `leaves` says which messages are taken in unread.
fn plainly(path: &Path, leaves: Leaves, sink: &mut impl Sink) {
    let mut source = Merged::open(&[path.to_str().unwrap()]).unwrap();
    let (mut intake, mut tracer) = own();
    let (mut batch, mut examiner, mut packets) = (Batch::default(), Examiner::default(), 0);
    let mut take = |batch: &mut Batch| {
        batch.read_rest(&mut examiner);
        tracer.take(batch, sink);
        batch.clear();
    };
    while let Ok(Some(event)) = sipctl::capture::Source::next_event(&mut source) {
        match event {
            Event::Packet(packet) => {
                packets += 1;
                batch.leaves_reading = leaves(packets);
                intake.packet(&packet, &mut batch);
            }
            Event::Secrets(secrets) => intake.add_secrets(secrets),
            Event::Logged(logged) => {
                let sight = (logged.packet.time, logged.packet.frame, logged.packet.source);
                intake.logged(sight, logged.flow, driver::decode::transport(logged.over), logged.bytes, &mut batch);
            }
            // Files have nothing else.
            _ => {}
        }
        if batch.is_full() {
            take(&mut batch);
        }
    }
    intake.finish(&mut batch);
    take(&mut batch);
    tracer.finish(sink);
}

/// Decodes as a run does: one thread reads, another remembers.
fn in_threads(path: &Path, sink: &mut impl Sink) {
    let mut input = Input::Files(Box::new(Merged::open(&[path.to_str().unwrap()]).unwrap()));
    let (intake, tracer) = own();
    let stop = AtomicBool::new(false);
    driver::decode::run(
        &mut input,
        intake,
        tracer,
        sink,
        Control { stop: &stop, duration: None, count: None, tap: None },
    );
}

#[test]
fn it_does_not_matter_who_reads_a_message() {
    for path in captures() {
        let mut once = Heard::default();
        plainly(&path, |_| false, &mut once);
        let forms: [(&str, Leaves); 3] =
            [("left", |_| true), ("every second left", |n| n % 2 == 0), ("left by sevens", |n| n / 7 % 2 == 1)];
        for (form, leaves) in forms {
            let mut heard = Heard::default();
            plainly(&path, leaves, &mut heard);
            assert_eq!(once.0.len(), heard.0.len(), "{form}: {}", path.display());
            assert!(once == heard, "{form}: {}", path.display());
        }
        let mut heard = Heard::default();
        in_threads(&path, &mut heard);
        assert!(once == heard, "threads: {}", path.display());
    }
}

/// All that a run tells, as text, as JSON and as lines, and what it counts.
#[derive(Default, PartialEq, Debug)]
struct Run {
    text: Vec<u8>,
    json: Vec<u8>,
    lines: Vec<u8>,
    counts: Vec<String>,
}

impl Run {
    /// Lets `judge` tell one outlet, then the other.
    fn of(judge: impl Fn(&mut (dyn Outlet + Send)) -> String) -> Self {
        let mut run = Run::default();
        let mut gather = Gather::new(Hold::Listed);
        run.counts.push(judge(&mut gather));
        json::document(&gather.finished(), true, &mut run.json).unwrap();
        // Each form with the messages that the command keeps for it.
        for (hold, mode) in [(Hold::Listed, Mode::List), (Hold::Drawn, Mode::Auto), (Hold::Whole, Mode::All)] {
            let mut gather = Gather::new(hold);
            run.counts.push(judge(&mut gather));
            let options = TextOptions { mode, ..TextOptions::default() };
            text::decode(&gather.finished(), &options, Terminal::default(), &mut run.text).unwrap();
        }
        run.counts.push(judge(&mut Ndjson::new(&mut run.lines, false)));
        run
    }
}

fn counts(tally: &Tally, peers: Peers) -> String {
    format!("{tally:?} {:?}", peers.told())
}

fn judged_here(path: &Path) -> Run {
    let (selection, settings) = (Selection::default(), Settings::default());
    Run::of(|outlet| {
        let mut collector = Collector::new(outlet, &selection, Detail::default(), &settings);
        plainly(path, |_| false, &mut collector);
        let Collector { tally, peers, .. } = collector;
        counts(&tally, peers)
    })
}

fn judged_apart(path: &Path) -> Run {
    let (selection, settings) = (Selection::default(), Settings::default());
    Run::of(|outlet| {
        let scribe = if let Messages::Written(scribe) = outlet.messages() { Some(scribe) } else { None };
        let by = (&selection, Detail::default(), &settings);
        let (_, collected) =
            apart::judge(outlet, scribe, by, Chosen::wanted(false), |front| in_threads(path, front)).unwrap();
        counts(&collected.tally, collected.peers)
    })
}

#[test]
fn it_does_not_matter_who_judges() {
    let mut drawn = 0;
    for path in captures() {
        let (here, apart) = (judged_here(&path), judged_apart(&path));
        assert_eq!(here.counts, apart.counts, "{}", path.display());
        assert!(here.json == apart.json && here.lines == apart.lines, "{}", path.display());
        assert!(here.text == apart.text, "{}", path.display());
        drawn += here.text.len();
    }
    assert!(drawn > 200_000, "{drawn} bytes of text");
}
