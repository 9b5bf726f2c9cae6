//! The text form: an overview, then for each call a heading, its ladder and its findings.
//!
//! [`decode`] writes a whole report; the parts are public for live use, where each is written as soon as it is known.

mod call;
pub mod demo;
pub mod explain;
mod finding;
pub mod invite;
pub mod lint;
mod overview;
pub mod ping;
pub mod register;
pub mod resolve;
pub mod serve;
mod table;
mod tables;
#[cfg(test)]
mod tests;
pub mod trace;

pub use crate::render::ladder::Bodies;
pub use call::{CallParts, call, message_line};
pub use finding::{Evidence, finding};
pub use overview::{overview, totals};
pub use tables::{calls_table, exchanges_table, peers_table, registrations_table, streams_table};

use super::Terminal;
use super::ladder::Ladder;
use super::quantity::{count, counted};
use super::style::Tone;
use crate::report::decode::{Call, Finding, Instant, Message, Participant, Report, Severity, Stream};
use std::collections::HashSet;
use std::io::{self, Write};

/// More calls than this are a table, with ladders for those that have an error or a warning.
pub const MOST_LADDERS: usize = 20;
/// Rows of the short tables, unless all is asked for.
pub const SHORT: usize = 20;

/// What is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// The overview and every call; with more than [`MOST_LADDERS`] the table of calls, and those with an error or a warning.
    #[default]
    Auto,
    /// The tables of calls, registrations and exchanges alone.
    List,
    /// The overview alone, with totals.
    Summary,
    /// The call of this id, in full.
    Call(u64),
    /// Everything, registrations and exchanges as ladders too.
    All,
}

/// How [`decode`] writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TextOptions {
    /// What is drawn.
    pub mode: Mode,
    /// What stands under each arrow.
    pub bodies: Bodies,
}

/// Writes a report as text.
///
/// # Errors
/// Those of `out`.
pub fn decode(report: &Report, options: &TextOptions, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let page = Page { report, options, terminal };
    match options.mode {
        Mode::List => page.list(out),
        Mode::Summary => {
            overview(&report.sources, &report.summary, terminal, out)?;
            totals(&report.summary, terminal, out)?;
            peers_table(&report.peers, terminal, out)
        }
        Mode::Call(id) => match report.calls.iter().find(|call| call.id == id) {
            Some(call) => page.call(call, out),
            None => writeln!(out, "no call {id} (there are {})", count(report.summary.calls)),
        },
        Mode::Auto | Mode::All => page.everything(out),
    }
}

struct Page<'a> {
    report: &'a Report,
    options: &'a TextOptions,
    terminal: Terminal,
}

impl<'a> Page<'a> {
    /// The tables, each under its title where there is more than the calls.
    fn list(&self, out: &mut dyn Write) -> io::Result<()> {
        let Page { report, terminal, .. } = *self;
        let messages = |indices: &[u64]| self.messages_at(indices);
        let findings = |at: &[u64]| self.findings_at(at);
        let others = report.registrations.len() + report.exchanges.len();
        if !report.calls.is_empty() || others == 0 {
            let calls: Vec<&Call> = report.calls.iter().collect();
            calls_table(&calls, &|call| self.findings_at(&call.findings), terminal, out)?;
        }
        if !report.registrations.is_empty() {
            self.title(&counted(report.registrations.len() as u64, "registration"), out)?;
            registrations_table(&report.registrations, &messages, &findings, terminal, out)?;
        }
        if !report.exchanges.is_empty() {
            self.title(&counted(report.exchanges.len() as u64, "exchange"), out)?;
            exchanges_table(&report.exchanges, &messages, &findings, terminal, out)?;
        }
        Ok(())
    }

    fn everything(&self, out: &mut dyn Write) -> io::Result<()> {
        let Page { report, terminal, .. } = *self;
        overview(&report.sources, &report.summary, terminal, out)?;
        let all = self.options.mode == Mode::All;
        if report.calls.len() > MOST_LADDERS {
            totals(&report.summary, terminal, out)?;
            writeln!(out)?;
            let calls: Vec<&Call> = report.calls.iter().collect();
            calls_table(&calls, &|call| self.findings_at(&call.findings), terminal, out)?;
        }
        for call in &report.calls {
            let noticed = || self.findings_at(&call.findings).iter().any(|f| f.severity >= Severity::Warning);
            if all || report.calls.len() <= MOST_LADDERS || noticed() {
                writeln!(out)?;
                self.call(call, out)?;
            }
        }
        self.registrations(all, out)?;
        self.exchanges(all, out)?;
        let orphans: Vec<&Stream> = report.streams.iter().filter(|s| s.call.is_none()).collect();
        if !orphans.is_empty() {
            self.title(&format!("{} without a call", counted(orphans.len() as u64, "stream")), out)?;
            let shown = if all { orphans.len() } else { SHORT.min(orphans.len()) };
            streams_table(orphans.get(..shown).unwrap_or(&orphans), terminal, out)?;
            self.more(orphans.len() - shown, out)?;
        }
        self.other_findings(all, out)
    }

    fn call(&self, call: &'a Call, out: &mut dyn Write) -> io::Result<()> {
        let messages = self.messages_at(&call.messages);
        let streams = self.streams_at(&call.streams);
        let findings = self.findings_at(&call.findings);
        let parts = CallParts { call, messages: &messages, streams: &streams, findings: &findings };
        self::call(&parts, self.options.bodies, self.terminal, out)
    }

    fn registrations(&self, all: bool, out: &mut dyn Write) -> io::Result<()> {
        let Page { report, terminal, .. } = *self;
        let shown = if all { report.registrations.len() } else { SHORT.min(report.registrations.len()) };
        if shown == 0 {
            return Ok(());
        }
        self.title(&counted(report.registrations.len() as u64, "registration"), out)?;
        let rows = report.registrations.get(..shown).unwrap_or_default();
        registrations_table(rows, &|indices| self.messages_at(indices), &|at| self.findings_at(at), terminal, out)?;
        self.more(report.registrations.len() - shown, out)?;
        for registration in report.registrations.iter().filter(|_| all) {
            self.title(&format!("Registration {}", registration.id), out)?;
            self.ladder(&registration.messages, &registration.findings, &registration.participants, out)?;
        }
        Ok(())
    }

    fn exchanges(&self, all: bool, out: &mut dyn Write) -> io::Result<()> {
        let Page { report, terminal, .. } = *self;
        let shown = if all { report.exchanges.len() } else { SHORT.min(report.exchanges.len()) };
        if shown == 0 {
            return Ok(());
        }
        self.title(&counted(report.exchanges.len() as u64, "exchange"), out)?;
        let rows = report.exchanges.get(..shown).unwrap_or_default();
        exchanges_table(rows, &|indices| self.messages_at(indices), &|at| self.findings_at(at), terminal, out)?;
        self.more(report.exchanges.len() - shown, out)?;
        for exchange in report.exchanges.iter().filter(|_| all) {
            let method = terminal.show(exchange.method.bytes());
            self.title(&format!("Exchange {}  {method}", exchange.id), out)?;
            self.ladder(&exchange.messages, &exchange.findings, &exchange.participants, out)?;
        }
        Ok(())
    }

    /// The ladder of a registration or an exchange, whose columns are the addresses that its messages name.
    fn ladder(&self, messages: &[u64], findings: &[u64], known: &[Participant], out: &mut dyn Write) -> io::Result<()> {
        let messages = self.messages_at(messages);
        let findings = self.findings_at(findings);
        let Some(start) = messages.first().map(|m| m.time) else { return Ok(()) };
        let participants = if known.is_empty() { self.participants(&messages) } else { known.to_vec() };
        let ladder = Ladder {
            start,
            participants: &participants,
            messages: &messages,
            streams: &[],
            findings: &findings,
            bodies: self.options.bodies,
        };
        ladder.draw(self.terminal, out)?;
        self.findings(&findings, &messages, Some(start), out)
    }

    /// Hosts in order of appearance, by the address that was seen first: a host may send on one port and listen on another. Where a host speaks to
    /// itself, every address counts.
    fn participants<'m>(&self, messages: &[&'m Message<'_>]) -> Vec<Participant> {
        let host = |address: &'m str| address.rsplit_once(':').map_or(address, |(host, _)| host);
        let ends = |m: &&'m Message<'_>| [m.src.as_str(), m.dst.as_str()];
        let to_itself = messages.iter().map(ends).any(|[src, dst]| host(src) == host(dst));
        let mut seen = HashSet::new();
        let mut participants = Vec::new();
        for address in messages.iter().flat_map(ends) {
            if seen.insert(if to_itself { address } else { host(address) }) {
                participants.push(Participant { address: address.to_owned(), ..Participant::default() });
            }
        }
        participants
    }

    /// Findings that no call shows, and in the short form those of registrations and exchanges, whose ladders are not drawn.
    fn other_findings(&self, all: bool, out: &mut dyn Write) -> io::Result<()> {
        let elsewhere = |f: &&Finding| f.call.is_none() && !(all && (f.registration.is_some() || f.exchange.is_some()));
        let mut findings: Vec<&Finding> = self.report.findings.iter().filter(elsewhere).collect();
        findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
        let shown = if all { findings.len() } else { SHORT.min(findings.len()) };
        let start = self.report.messages.first().map(|message| message.time);
        for finding in findings.iter().take(shown) {
            writeln!(out)?;
            let mut evidence: Vec<&Message<'_>> = self.messages_at(&finding.messages);
            evidence.sort_by_key(|message| message.index);
            let evidence = Evidence { messages: &evidence, start };
            self::finding(finding, &evidence, self.terminal, out)?;
        }
        if findings.len() > shown {
            writeln!(out)?;
        }
        self.more(findings.len() - shown, out)
    }

    fn findings(
        &self,
        findings: &[&Finding],
        messages: &[&Message<'_>],
        start: Option<Instant>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for finding in findings {
            writeln!(out)?;
            self::finding(finding, &Evidence { messages, start }, self.terminal, out)?;
        }
        Ok(())
    }

    fn title(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n{}", self.terminal.paint(Tone::Strong, text))
    }

    fn more(&self, left: usize, out: &mut dyn Write) -> io::Result<()> {
        if left > 0 {
            let text = self.terminal.spell(format!("… {} more: --all shows them", count(left as u64)));
            writeln!(out, "{}", self.terminal.paint(Tone::Faint, &text))?;
        }
        Ok(())
    }

    fn messages_at(&self, indices: &[u64]) -> Vec<&'a Message<'a>> {
        indices.iter().filter_map(|&index| by_index(&self.report.messages, index)).collect()
    }

    fn streams_at(&self, ids: &[u64]) -> Vec<&'a Stream> {
        let streams = &self.report.streams;
        let at = |&id: &u64| streams.binary_search_by_key(&id, |s| s.id).ok().and_then(|at| streams.get(at));
        ids.iter().filter_map(at).collect()
    }

    fn findings_at(&self, positions: &[u64]) -> Vec<&'a Finding> {
        let at = |&position: &u64| usize::try_from(position).ok().and_then(|at| self.report.findings.get(at));
        positions.iter().filter_map(at).collect()
    }
}

/// The message of an index in a list that is ordered by index; after a selection positions and indices differ.
fn by_index<'a>(messages: &'a [Message<'static>], index: u64) -> Option<&'a Message<'a>> {
    let here = usize::try_from(index).ok().and_then(|at| messages.get(at)).filter(|m| m.index == index);
    here.or_else(|| messages.binary_search_by_key(&index, |m| m.index).ok().and_then(|at| messages.get(at)))
}
