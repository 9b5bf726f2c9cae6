//! `sipctl lint`: every message of texts and captures against the grammar.

use super::output::{self, Output};
use super::{Failure, decode};
use crate::capture::{self, Event, FileSource, Logged, Source};
use crate::cli::decode::FailOn;
use crate::cli::lint::LintArgs;
use crate::cli::output::Format;
use crate::driver::decode::transport;
use crate::render::{json, ndjson, text};
use crate::report::Exit;
use crate::report::decode::{FindingCounts, Instant};
use crate::report::lint::{Fault, Linter, Place, Report};
use crate::trace::{Batch, Intake, Observed, batch, intake};
use anyhow::anyhow;
use std::io::Write;

/// Runs the command.
///
/// # Errors
/// Input that cannot be read or holds no message, and whatever keeps the output from being written.
pub fn run(args: &LintArgs) -> Result<Exit, Failure> {
    let mut run =
        Run { linter: Linter::default(), kept: Vec::new(), out: output::open(&args.output)?, form: args.output.form() };
    for (number, path) in args.files.iter().enumerate() {
        let source = capture::open(path, u16::try_from(number).unwrap_or(u16::MAX));
        let mut source = source.map_err(|e| Failure::new(Exit::Usage, e))?;
        run.linter.summary.sources.push(path.clone());
        let before = run.linter.summary.messages;
        run.file(&mut source, Intake::new(intake::Options::default(), decode::keys(&args.keylog, &[])?))?;
        if run.linter.summary.messages == before {
            run.out.writer.flush()?;
            return Err(Failure::new(Exit::Usage, anyhow!("{path}: there is no SIP message in it"))
                .with_hint("lint reads messages in text, logs and captures"));
        }
    }
    run.finish(args.fail_on)
}

struct Run {
    linter: Linter,
    kept: Vec<Fault>,
    out: Output,
    form: Format,
}

impl Run {
    fn file(&mut self, source: &mut FileSource, mut intake: Intake) -> Result<(), Failure> {
        let path = source.info().path.clone();
        let mut batch = Batch::default();
        let mut number = 0;
        loop {
            let event = source.next_event().map_err(|e| Failure::new(Exit::Usage, e))?;
            match event {
                Some(Event::Logged(logged)) => {
                    number += 1;
                    let place = Place { message: number, ..of_text(&path, &logged) };
                    // Told once of a text, not of each message in it.
                    let line_feeds = logged.restored && number == 1;
                    let faults = self.linter.message(place, logged.bytes, false, line_feeds);
                    self.tell(faults)?;
                    continue;
                }
                Some(Event::Packet(packet)) => intake.packet(&packet, &mut batch),
                Some(Event::Secrets(secrets)) => intake.add_secrets(secrets),
                Some(_) => {}
                None => {
                    intake.finish(&mut batch);
                    return self.batch(&path, &batch, &mut number);
                }
            }
            if batch.is_full() {
                self.batch(&path, &batch, &mut number)?;
                batch.clear();
            }
        }
    }

    fn batch(&mut self, path: &str, batch: &Batch, number: &mut u64) -> Result<(), Failure> {
        for event in batch.events() {
            if let batch::Event::Message(seen) = event {
                *number += 1;
                let place = Place { message: *number, ..of_capture(path, &seen) };
                let faults = self.linter.message(place, seen.bytes, seen.sight.cut, false);
                self.tell(faults)?;
            }
        }
        Ok(())
    }

    fn tell(&mut self, faults: Vec<Fault>) -> Result<(), Failure> {
        match self.form {
            Format::Json => Report::keep(&mut self.kept, faults),
            Format::Ndjson => {
                let mut lines = ndjson::Lines::new();
                for fault in &faults {
                    lines.line("defect", fault, &mut self.out.writer)?;
                }
            }
            Format::Text => {
                for fault in &faults {
                    text::lint::fault(fault, self.out.terminal, &mut self.out.writer)?;
                }
            }
        }
        Ok(())
    }

    fn finish(mut self, fail_on: FailOn) -> Result<Exit, Failure> {
        let summary = self.linter.summary;
        let FindingCounts { error, warning, info } = summary.defects;
        match self.form {
            Format::Text => text::lint::summary(&summary, self.out.terminal, &mut self.out.writer)?,
            Format::Ndjson => ndjson::Lines::new().line("summary", &summary, &mut self.out.writer)?,
            Format::Json => {
                json::document(&Report::new(summary, self.kept), self.out.is_terminal, &mut self.out.writer)?;
            }
        }
        self.out.writer.flush()?;
        let counted = match fail_on {
            FailOn::Error => error,
            FailOn::Warning => error + warning,
            FailOn::Info => error + warning + info,
        };
        Ok(if counted == 0 { Exit::Good } else { Exit::Unexpected })
    }
}

/// Where a message stood in a text. Addresses are told where the text has them.
fn of_text(path: &str, logged: &Logged<'_>) -> Place {
    let mut place = Place { source: path.to_owned(), text_line: Some(logged.line), ..Place::default() };
    if !logged.placeholder {
        place.time = Some(Instant(logged.packet.time));
        place.src = Some(logged.flow.src.to_string());
        place.dst = Some(logged.flow.dst.to_string());
        place.transport = Some(transport(logged.over).as_str());
    }
    place
}

fn of_capture(path: &str, seen: &Observed<'_>) -> Place {
    Place {
        source: path.to_owned(),
        frame: Some(seen.sight.frame),
        time: Some(Instant(seen.sight.time)),
        src: Some(seen.sight.flow.src.to_string()),
        dst: Some(seen.sight.flow.dst.to_string()),
        transport: Some(seen.transport.as_str()),
        ..Place::default()
    }
}
