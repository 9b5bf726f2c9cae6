//! One object a line, each with its type first, written as soon as it is known.

use super::escape::{self, Escaping};
use crate::report::decode::{Call, Exchange, Finding, Message, Registration, Source, Stream, Summary};
use serde::Serialize;
use std::io::{self, Write};

/// The last line: what was read and the counts over everything.
#[derive(Serialize)]
struct SummaryLine<'a> {
    schema: &'static str,
    sources: &'a [Source],
    #[serde(flatten)]
    summary: &'a Summary,
}

/// Writes lines of NDJSON through one buffer that is used again for each.
#[derive(Default)]
pub struct Lines {
    buffer: Vec<u8>,
    escaped: Vec<u8>,
}

impl Lines {
    /// A writer of lines.
    #[must_use]
    pub fn new() -> Self {
        Lines { buffer: Vec::with_capacity(4096), escaped: Vec::new() }
    }

    /// Writes a message.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn message<W: Write + ?Sized>(&mut self, message: &Message<'_>, out: &mut W) -> io::Result<()> {
        self.line("message", message, out)
    }

    /// Writes a call.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn call<W: Write + ?Sized>(&mut self, call: &Call, out: &mut W) -> io::Result<()> {
        self.line("call", call, out)
    }

    /// Writes a registration.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn registration<W: Write + ?Sized>(&mut self, registration: &Registration, out: &mut W) -> io::Result<()> {
        self.line("registration", registration, out)
    }

    /// Writes an exchange.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn exchange<W: Write + ?Sized>(&mut self, exchange: &Exchange, out: &mut W) -> io::Result<()> {
        self.line("exchange", exchange, out)
    }

    /// Writes a stream.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn stream<W: Write + ?Sized>(&mut self, stream: &Stream, out: &mut W) -> io::Result<()> {
        self.line("stream", stream, out)
    }

    /// Writes a finding.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finding<W: Write + ?Sized>(&mut self, finding: &Finding, out: &mut W) -> io::Result<()> {
        self.line("finding", finding, out)
    }

    /// Writes the summary, which is the last line.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn summary<W: Write + ?Sized>(
        &mut self,
        schema: &'static str,
        sources: &[Source],
        summary: &Summary,
        out: &mut W,
    ) -> io::Result<()> {
        self.line("summary", &SummaryLine { schema, sources, summary }, out)
    }

    /// Writes any object as a line of that type: it must serialize as an object.
    ///
    /// # Errors
    /// Those of `out`.
    // The value's own opening brace becomes the comma behind the type, so that nothing is copied to put the type first.
    pub fn line<T: Serialize, W: Write + ?Sized>(&mut self, name: &str, value: &T, out: &mut W) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.extend_from_slice(b"{\"type\":\"");
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.push(b'"');
        let brace = self.buffer.len();
        serde_json::to_writer(&mut self.buffer, value).map_err(io::Error::from)?;
        if let Some(byte) = self.buffer.get_mut(brace) {
            *byte = b',';
        }
        self.buffer.push(b'\n');
        // One look at the whole line costs less than one at each of the many pieces that it is written in.
        if escape::is_plain(&self.buffer) {
            return out.write_all(&self.buffer);
        }
        self.escaped.clear();
        Escaping(&mut self.escaped).write_all(&self.buffer)?;
        out.write_all(&self.escaped)
    }
}
