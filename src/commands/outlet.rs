//! Where the findings of a decode run go: into a report, out as lines, or out as text while they happen.

use crate::render::Terminal;
use crate::render::ndjson::Lines;
use crate::render::text::{self, Bodies, CallParts};
use crate::report::Outlet;
use crate::report::collect::Messages;
use crate::report::decode::{Call, Exchange, Finding, Message, Registration, Report, Severity, Stream};
use crate::trace::Kind;
use std::collections::HashMap;
use std::io::{self, Write};

/// Calls that are drawn in full whatever became of them.
const DRAWN_CALLS: usize = text::MOST_LADDERS;
/// Calls beyond that which are drawn because of a finding.
const DRAWN_FINDINGS: usize = 200;
/// Registrations and exchanges whose row in a list says when they were and between whom.
const MOST_LISTED: u64 = 1000;
/// Registrations and exchanges whose table says when they were and between whom.
const LISTED: u64 = text::SHORT as u64;

/// Which messages a report is to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// All, as they come: for JSON.
    Every,
    /// Those of the conversations that a text draws.
    Drawn,
    /// Those of every conversation.
    Whole,
    /// Those that the tables of registrations and exchanges name: for a list.
    Listed,
}

/// Gathers a whole report.
pub struct Gather {
    /// What was gathered.
    pub report: Report,
    hold: Hold,
    drawn: usize,
    drawn_for_findings: usize,
}

impl Gather {
    /// An empty report that will hold the messages of `hold`.
    #[must_use]
    pub fn new(hold: Hold) -> Self {
        Gather {
            report: Report { schema: "sipctl.decode/1", ..Report::default() },
            hold,
            drawn: 0,
            drawn_for_findings: 0,
        }
    }

    /// The report, everything in its order.
    #[must_use]
    pub fn finished(mut self) -> Report {
        let r = &mut self.report;
        r.calls.sort_by_key(|c| c.id);
        r.registrations.sort_by_key(|x| x.id);
        r.exchanges.sort_by_key(|x| x.id);
        r.streams.sort_by_key(|s| s.id);
        r.messages.sort_by_key(|m| m.index);
        self.report
    }
}

impl Outlet for Gather {
    fn messages(&self) -> Messages {
        if self.hold == Hold::Every { Messages::OneByOne } else { Messages::No }
    }

    fn message(&mut self, message: &Message<'_>) {
        if self.hold == Hold::Every {
            self.report.messages.push(message.clone().into_owned());
        }
    }

    fn finding(&mut self, position: u64, finding: Finding) {
        debug_assert_eq!(position, self.report.findings.len() as u64);
        self.report.findings.push(finding);
    }

    fn call(&mut self, call: Call, messages: Vec<Message<'static>>) {
        if !messages.is_empty() {
            let serious =
                |f: &u64| self.report.findings.get(*f as usize).is_some_and(|f| f.severity >= Severity::Warning);
            if call.findings.iter().any(serious) {
                self.drawn_for_findings += 1;
            }
            self.drawn += 1;
        }
        self.report.messages.extend(messages);
        self.report.calls.push(call);
    }

    fn registration(&mut self, registration: Registration, messages: Vec<Message<'static>>) {
        self.report.messages.extend(messages);
        self.report.registrations.push(registration);
    }

    fn exchange(&mut self, exchange: Exchange, messages: Vec<Message<'static>>) {
        self.report.messages.extend(messages);
        self.report.exchanges.push(exchange);
    }

    fn stream(&mut self, stream: Stream) {
        self.report.streams.push(stream);
    }

    fn wants_messages_of(&self, kind: Kind, id: u64, worst: Option<Severity>) -> bool {
        match self.hold {
            Hold::Every => false,
            Hold::Listed => kind != Kind::Call && id <= MOST_LISTED,
            Hold::Whole => true,
            Hold::Drawn => {
                let serious = worst >= Some(Severity::Warning) && self.drawn_for_findings < DRAWN_FINDINGS;
                serious || if kind == Kind::Call { self.drawn < DRAWN_CALLS } else { id <= LISTED }
            }
        }
    }
}

/// Tells two outlets; what the second needs of messages it takes as they come.
pub struct Both<A, B>(pub A, pub B);

impl<A: Outlet, B: Outlet> Outlet for Both<A, B> {
    fn message(&mut self, message: &Message<'_>) {
        self.0.message(message);
        self.1.message(message);
    }
    fn finding(&mut self, position: u64, finding: Finding) {
        self.0.finding(position, finding.clone());
        self.1.finding(position, finding);
    }
    fn call(&mut self, call: Call, messages: Vec<Message<'static>>) {
        self.0.call(call.clone(), messages);
        self.1.call(call, Vec::new());
    }
    fn registration(&mut self, registration: Registration, messages: Vec<Message<'static>>) {
        self.0.registration(registration.clone(), messages);
        self.1.registration(registration, Vec::new());
    }
    fn exchange(&mut self, exchange: Exchange, messages: Vec<Message<'static>>) {
        self.0.exchange(exchange.clone(), messages);
        self.1.exchange(exchange, Vec::new());
    }
    fn stream(&mut self, stream: Stream) {
        self.0.stream(stream.clone());
        self.1.stream(stream);
    }
    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
    fn wants_messages_of(&self, kind: Kind, id: u64, worst: Option<Severity>) -> bool {
        self.0.wants_messages_of(kind, id, worst)
    }
}

/// Writes one object a line, each as soon as it is complete.
pub struct Ndjson<'a> {
    lines: Lines,
    out: &'a mut (dyn Write + Send),
    flush: bool,
    /// The first failure to write; nothing is written after it.
    pub failure: Option<io::Error>,
}

impl<'a> Ndjson<'a> {
    /// Lines into `out`, flushed one by one where somebody waits for them.
    pub fn new(out: &'a mut (dyn Write + Send), flush: bool) -> Self {
        Ndjson { lines: Lines::new(), out, flush, failure: None }
    }

    fn write(&mut self, write: impl FnOnce(&mut Lines, &mut (dyn Write + Send)) -> io::Result<()>) {
        if self.failure.is_some() {
            return;
        }
        let mut written = write(&mut self.lines, self.out);
        if self.flush && written.is_ok() {
            written = self.out.flush();
        }
        self.failure = written.err();
    }
}

impl Outlet for Ndjson<'_> {
    fn messages(&self) -> Messages {
        let mut lines = Lines::new();
        // What is written into memory does not fail.
        Messages::Written(Box::new(move |message, out| lines.message(message, out).unwrap_or_default()))
    }
    fn written(&mut self, messages: &[u8]) {
        self.write(|_, out| out.write_all(messages));
    }
    fn message(&mut self, message: &Message<'_>) {
        self.write(|lines, out| lines.message(message, out));
    }
    fn finding(&mut self, _: u64, finding: Finding) {
        self.write(|lines, out| lines.finding(&finding, out));
    }
    fn call(&mut self, call: Call, _: Vec<Message<'static>>) {
        self.write(|lines, out| lines.call(&call, out));
    }
    fn registration(&mut self, registration: Registration, _: Vec<Message<'static>>) {
        self.write(|lines, out| lines.registration(&registration, out));
    }
    fn exchange(&mut self, exchange: Exchange, _: Vec<Message<'static>>) {
        self.write(|lines, out| lines.exchange(&exchange, out));
    }
    fn stream(&mut self, stream: Stream) {
        self.write(|lines, out| lines.stream(&stream, out));
    }
    fn is_closed(&self) -> bool {
        self.failure.is_some()
    }
}

/// Writes a line for each message and the ladder of each call that has ended, while a live capture runs.
pub struct LiveText<'a> {
    out: &'a mut (dyn Write + Send),
    terminal: Terminal,
    bodies: Bodies,
    /// Findings and streams of the conversation that is being told.
    findings: HashMap<u64, Finding>,
    streams: Vec<Stream>,
    /// The first failure to write; nothing is written after it.
    pub failure: Option<io::Error>,
}

impl<'a> LiveText<'a> {
    /// Text into `out`.
    pub fn new(out: &'a mut (dyn Write + Send), terminal: Terminal, bodies: Bodies) -> Self {
        LiveText { out, terminal, bodies, findings: HashMap::new(), streams: Vec::new(), failure: None }
    }

    fn write(&mut self, write: impl FnOnce(&mut (dyn Write + Send), Terminal) -> io::Result<()>) {
        if self.failure.is_some() {
            return;
        }
        let written = write(self.out, self.terminal).and_then(|()| self.out.flush());
        self.failure = written.err();
    }
}

impl Outlet for LiveText<'_> {
    fn message(&mut self, message: &Message<'_>) {
        self.write(|out, terminal| text::message_line(message, terminal, out));
    }
    fn finding(&mut self, position: u64, finding: Finding) {
        let of_conversation = finding.call.or(finding.registration).or(finding.exchange);
        if of_conversation.is_some() {
            self.findings.insert(position, finding);
        } else {
            let evidence = text::Evidence::default();
            self.write(|out, terminal| text::finding(&finding, &evidence, terminal, out));
        }
    }
    fn call(&mut self, call: Call, messages: Vec<Message<'static>>) {
        let findings = std::mem::take(&mut self.findings);
        let streams = std::mem::take(&mut self.streams);
        let bodies = self.bodies;
        let mut own: Vec<(&u64, &Finding)> = findings.iter().collect();
        own.sort_by_key(|(position, _)| **position);
        let own: Vec<&Finding> = own.into_iter().map(|(_, f)| f).collect();
        let messages: Vec<&Message<'_>> = messages.iter().collect();
        let streams: Vec<&Stream> = streams.iter().collect();
        let parts = CallParts { call: &call, messages: &messages, streams: &streams, findings: &own };
        self.write(|out, terminal| {
            writeln!(out)?;
            text::call(&parts, bodies, terminal, out)?;
            writeln!(out)
        });
    }
    fn registration(&mut self, _: Registration, _: Vec<Message<'static>>) {
        self.tell_findings();
    }
    fn exchange(&mut self, _: Exchange, _: Vec<Message<'static>>) {
        self.tell_findings();
    }
    fn stream(&mut self, stream: Stream) {
        if stream.call.is_some() {
            self.streams.push(stream);
        }
    }
    fn wants_messages_of(&self, kind: Kind, _: u64, _: Option<Severity>) -> bool {
        kind == Kind::Call
    }
    fn is_closed(&self) -> bool {
        self.failure.is_some()
    }
}

impl LiveText<'_> {
    /// Findings on what is not drawn.
    fn tell_findings(&mut self) {
        let mut findings: Vec<(u64, Finding)> = std::mem::take(&mut self.findings).into_iter().collect();
        findings.sort_by_key(|(position, _)| *position);
        for (_, finding) in findings {
            let evidence = text::Evidence::default();
            self.write(|out, terminal| text::finding(&finding, &evidence, terminal, out));
        }
    }
}
