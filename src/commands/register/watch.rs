//! What a run tells, collected, and shown as it happens.

use crate::agent::Outcome;
use crate::agent::register::{Event, Purpose};
use crate::commands::verbose::Watching;
use crate::driver::agent::Watch;
use crate::render::{self, Terminal};
use crate::report::register::attempts;
use crate::transport::{LineFacts, TransportError};
use std::io::Write;
use std::net::SocketAddr;

/// Events that are kept: a binding that is kept for days tells more.
const MAX_EVENTS: usize = 400;

/// Where a run is told as it happens.
pub(super) enum Live<'a> {
    /// For people.
    Text(&'a mut dyn Write, Terminal),
    /// A line of NDJSON for each transaction.
    Lines(&'a mut dyn Write),
}

/// Collects what a run tells.
pub(super) struct Watcher<'a> {
    /// What was told, the middle of a long run left out.
    pub events: Vec<Event>,
    /// How often the binding was refreshed.
    pub refreshes: u64,
    /// The line that was open last.
    pub line: Option<LineFacts>,
    /// The candidate that was tried last.
    pub used: Option<usize>,
    places: Vec<String>,
    live: Option<Live<'a>>,
    verbose: Watching<'a, fn(Event)>,
}

impl<'a> Watcher<'a> {
    pub fn new(verbose: Watching<'a, fn(Event)>, places: Vec<String>, live: Option<Live<'a>>) -> Self {
        Watcher { events: Vec::new(), refreshes: 0, line: None, used: None, places, live, verbose }
    }
}

impl Watch<Event> for Watcher<'_> {
    fn event(&mut self, event: Event) {
        // A pipe that nobody reads any more does not keep the binding from being removed.
        match (&mut self.live, &event) {
            (Some(Live::Text(out, terminal)), _) => {
                let _ = render::text::register::event(&event, &self.places, *terminal, out);
                let _ = out.flush();
            }
            (Some(Live::Lines(out)), Event::Done(step)) => {
                let mut lines = render::ndjson::Lines::new();
                for attempt in attempts(step) {
                    let _ = lines.line("attempt", &attempt, *out);
                }
                let _ = out.flush();
            }
            _ => {}
        }
        match &event {
            Event::Ignored | Event::Asking { .. } | Event::Waiting(_) => return,
            Event::Done(step) if step.purpose == Purpose::Refresh => self.refreshes += u64::from(step.is_success()),
            Event::Done(_) | Event::Failed { .. } => {}
        }
        if self.events.len() >= MAX_EVENTS {
            self.events.remove(MAX_EVENTS / 2);
        }
        self.events.push(event);
    }

    fn connecting(&mut self, candidate: usize) {
        self.used = Some(candidate);
        self.verbose.connecting(candidate);
    }

    fn connected(&mut self, line: &LineFacts) {
        self.line = Some(line.clone());
        self.verbose.connected(line);
    }

    fn sent(&mut self, bytes: &[u8]) {
        self.verbose.sent(bytes);
    }

    fn received(&mut self, bytes: &[u8], from: SocketAddr) {
        self.verbose.received(bytes, from);
    }

    fn failed(&mut self, error: &TransportError) {
        self.verbose.failed(error);
    }
}

/// What became of a candidate, for the plan.
pub(super) fn outcome(events: &[Event], candidate: usize) -> Option<String> {
    events.iter().rev().find_map(|event| match event {
        Event::Failed { candidate: at, error } if *at == candidate => Some(error.message.clone()),
        Event::Done(step) if step.candidate == candidate => Some(match &step.outcome {
            Outcome::Final { status, .. } => format!("answered {status}"),
            Outcome::Timeout => "no answer".to_owned(),
            Outcome::Failed(error) => error.message.clone(),
        }),
        _ => None,
    })
}
