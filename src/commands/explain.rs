//! `sipctl explain`: what a code, a name or a number means.

use super::{Failure, output};
use crate::cli::explain::ExplainArgs;
use crate::cli::output::Format;
use crate::render::{json, ndjson, text};
use crate::report::Exit;
use crate::report::explain;
use anyhow::anyhow;
use std::io::Write;

/// Runs the command.
///
/// # Errors
/// An unknown topic, and whatever keeps the output from being written.
pub fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let report = if args.list { explain::everything() } else { explain::of(&args.topic.join(" ")) };
    if report.topics.is_empty() {
        return Err(unknown(&args.topic.join(" ")));
    }
    let mut out = output::open(&args.output)?;
    match args.output.form() {
        Format::Json => json::document(&report, out.is_terminal, &mut out.writer)?,
        Format::Ndjson => {
            let mut lines = ndjson::Lines::new();
            for topic in &report.topics {
                lines.line("topic", topic, &mut out.writer)?;
            }
        }
        Format::Text if args.list => text::explain::list(&report, out.terminal, &mut out.writer)?,
        Format::Text => text::explain::explain(&report, out.terminal, &mut out.writer)?,
    }
    out.writer.flush()?;
    Ok(Exit::Good)
}

fn unknown(typed: &str) -> Failure {
    let near = explain::suggestions(typed);
    let failure = Failure::new(Exit::Usage, anyhow!("nothing is known of '{typed}'"));
    if near.is_empty() {
        failure.with_hint("sipctl explain --list shows all topics")
    } else {
        failure.with_hint(format!("near: {}", near.join(", ")))
    }
}
