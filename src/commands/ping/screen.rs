//! Where pings are told: text and NDJSON as they happen, JSON at the end.

use crate::base::Timestamp;
use crate::cli::output::Format;
use crate::cli::ping::PingArgs;
use crate::commands::Failure;
use crate::commands::active::Recorded;
use crate::commands::output::Output;
use crate::render::text::ping::{self as text, Lines};
use crate::render::{json, ndjson};
use crate::report::active::Verdict;
use crate::report::ping::{Finished, Line, Report, SCHEMA, Several, Single, Target};
use serde::Serialize;
use std::io::{self, Write};
use tokio::sync::watch;

/// The output of a run.
pub struct Screen {
    output: Output,
    form: Format,
    lines: Lines,
    many: bool,
    quiet: bool,
    details: bool,
    /// Whether each line is written at once: somebody may wait for it.
    flush: bool,
    stop: watch::Sender<u32>,
    /// The first failure to write; nothing is written after it.
    failure: Option<io::Error>,
}

/// The last line of NDJSON.
#[derive(Serialize)]
struct SummaryLine {
    r#type: &'static str,
    #[serde(flatten)]
    report: Report,
}

impl Screen {
    /// An output for one target or `many`. Where it can no longer be written, `stop` is told.
    pub fn new(output: Output, args: &PingArgs, many: bool, stop: watch::Sender<u32>) -> Self {
        let form = args.output.form();
        Screen {
            lines: Lines::new(output.terminal, many),
            form,
            many,
            quiet: args.quiet,
            details: !many && (args.count == 1 || args.active.verbose),
            flush: output.is_terminal || form == Format::Ndjson || !args.interval.is_zero(),
            output,
            stop,
            failure: None,
        }
    }

    fn write(&mut self, write: impl FnOnce(&mut Lines, &mut dyn Write) -> io::Result<()>) {
        if self.failure.is_some() {
            return;
        }
        let mut written = write(&mut self.lines, &mut *self.output.writer);
        if self.flush && written.is_ok() {
            written = self.output.writer.flush();
        }
        if let Err(error) = written {
            self.failure = Some(error);
            // Twice: at once, there is nobody to tell the rest to.
            self.stop.send_modify(|n| *n += 2);
        }
    }

    /// A target was found.
    pub fn header(&mut self, target: &Target) {
        if self.form == Format::Text && !self.quiet {
            self.write(|lines, out| lines.header(target, out));
        }
    }

    /// Something happened.
    pub fn line(&mut self, line: &Line) {
        match self.form {
            Format::Text if !self.quiet => self.write(|lines, out| lines.line(line, out)),
            Format::Ndjson => self.write(|_, out| json::document(line, false, out)),
            Format::Text | Format::Json => {}
        }
    }

    /// A target is done.
    pub fn summary(&mut self, target: &Target) {
        if self.form == Format::Text {
            let (details, terminal) = (self.details, self.output.terminal);
            self.write(|_, out| text::summary(target, details, Timestamp::now(), terminal, out));
        }
    }

    /// All are done.
    ///
    /// # Errors
    /// Where the output cannot be written; a closed pipe is one, too.
    pub fn end(&mut self, finished: Vec<Finished>, result: Verdict, recorded: Recorded) -> Result<(), Failure> {
        let (form, many, terminal, pretty) = (self.form, self.many, self.output.terminal, self.output.is_terminal);
        match form {
            Format::Text => self.write(|_, out| {
                if many {
                    let targets: Vec<&Target> = finished.iter().map(|f| &f.target).collect();
                    text::total(&targets, &result, terminal, out)?;
                }
                if recorded.ladder.is_empty() { Ok(()) } else { write!(out, "\n{}", recorded.ladder) }
            }),
            Format::Json => {
                let report = report(finished, result, recorded, many);
                self.write(|_, out| json::document(&report, pretty, out));
            }
            Format::Ndjson => self.write(|_, out| {
                let mut lines = ndjson::Lines::new();
                recorded.messages.iter().try_for_each(|message| lines.message(message, out))?;
                recorded.findings.iter().try_for_each(|finding| lines.finding(finding, out))?;
                let report = report(finished, result, Recorded::default(), many);
                json::document(&SummaryLine { r#type: "summary", report }, false, out)
            }),
        }
        match self.failure.take() {
            Some(error) => Err(error.into()),
            None => Ok(self.output.writer.flush()?),
        }
    }
}

fn report(finished: Vec<Finished>, result: Verdict, recorded: Recorded, many: bool) -> Report {
    let Recorded { messages, streams, findings, .. } = recorded;
    let schema = SCHEMA;
    let mut targets: Vec<Target> = finished.into_iter().map(|f| f.target).collect();
    match targets.pop() {
        Some(target) if !many => Report::One(Box::new(Single { schema, target, messages, streams, findings })),
        last => {
            targets.extend(last);
            Report::Several(Box::new(Several { schema, result, targets, messages, streams, findings }))
        }
    }
}
