//! The JSON document.

use crate::report::decode::{Report, Source, Summary};
use serde::Serialize;
use std::io::{self, Write};

/// The document that `--summary` asks for.
#[derive(Serialize)]
struct SummaryDocument<'a> {
    schema: &'static str,
    sources: &'a [Source],
    summary: &'a Summary,
}

/// Writes the whole report, or with `summary_only` its schema, sources and summary: indented by two spaces where `pretty`
/// (for a terminal), else in one line. Keys stand in the order of the report's fields; a line feed ends the document.
///
/// # Errors
/// Those of `out`.
pub fn decode(report: &Report, summary_only: bool, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
    if summary_only {
        let (schema, sources, summary) = (report.schema, &report.sources[..], &report.summary);
        document(&SummaryDocument { schema, sources, summary }, pretty, out)
    } else {
        document(report, pretty, out)
    }
}

/// Writes any document the same way.
///
/// # Errors
/// Those of `out`.
pub fn document<T: Serialize + ?Sized>(value: &T, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
    let written = if pretty { serde_json::to_writer_pretty(&mut *out, value) } else { serde_json::to_writer(&mut *out, value) };
    written.map_err(io::Error::from)?;
    out.write_all(b"\n")
}
