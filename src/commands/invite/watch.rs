//! What a call tells, shown as it happens.

use crate::agent::invite::Event;
use crate::commands::verbose::Watching;
use crate::driver::agent::Watch;
use crate::render::{self, Terminal};
use crate::report::invite::happened;
use crate::transport::{LineFacts, TransportError};
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

/// Where a call is told as it happens.
pub(super) enum Live<'a> {
    /// For people.
    Text(&'a mut dyn Write, Terminal),
    /// A line of NDJSON for each event.
    Lines(&'a mut dyn Write),
}

/// Shows what a call tells, and keeps the way that it went first.
pub(super) struct Watcher<'a> {
    /// The first line that was open.
    pub line: Option<LineFacts>,
    /// Whether nobody has answered yet.
    pub is_setting_up: bool,
    /// How long after the first INVITE what is told happened.
    after: Duration,
    live: Option<Live<'a>>,
    verbose: Watching<'a, fn(Event)>,
}

impl<'a> Watcher<'a> {
    pub fn new(verbose: Watching<'a, fn(Event)>, live: Option<Live<'a>>) -> Self {
        Watcher { line: None, is_setting_up: true, after: Duration::ZERO, live, verbose }
    }
}

impl Watcher<'_> {
    /// Both ends are registered, and the call begins.
    pub fn registered(&mut self, aors: &[&str]) {
        if let Some(Live::Text(out, terminal)) = &mut self.live {
            // As above: nobody reads it any more.
            let _ = render::text::invite::registered(aors, *terminal, out);
            let _ = out.flush();
        }
    }
}

/// Watches, and keeps the last INVITE that was sent.
pub(super) struct Dialled<'a> {
    /// Who shows what passes.
    pub inner: Watcher<'a>,
    /// The INVITE as it was sent last.
    pub invite: Vec<u8>,
}

impl<'a> Dialled<'a> {
    pub fn new(inner: Watcher<'a>) -> Self {
        Dialled { inner, invite: Vec::new() }
    }
}

impl Watch<Event> for Dialled<'_> {
    fn event(&mut self, event: Event) {
        self.inner.event(event);
    }

    fn after(&mut self, since: Duration) {
        self.inner.after(since);
    }

    fn connecting(&mut self, candidate: usize) {
        self.inner.connecting(candidate);
    }

    fn reaching(&mut self, uri: &str) {
        self.inner.reaching(uri);
    }

    fn connected(&mut self, line: &LineFacts) {
        self.inner.connected(line);
    }

    fn sent(&mut self, bytes: &[u8]) {
        // What changes inside the call is not what arrived first.
        if bytes.starts_with(b"INVITE ") && self.inner.is_setting_up {
            self.invite = bytes.to_vec();
        }
        self.inner.sent(bytes);
    }

    fn received(&mut self, bytes: &[u8], from: SocketAddr) {
        self.inner.received(bytes, from);
    }

    fn failed(&mut self, error: &TransportError) {
        self.inner.failed(error);
    }
}

impl Watch<Event> for Watcher<'_> {
    fn event(&mut self, event: Event) {
        if matches!(event, Event::Response { status: 200..=299, .. }) {
            self.is_setting_up = false;
        }
        let after = self.after;
        // A pipe that nobody reads any more does not keep the call from being ended.
        match &mut self.live {
            Some(Live::Text(out, terminal)) => {
                let _ = render::text::invite::event(&event, after, *terminal, out);
                let _ = out.flush();
            }
            Some(Live::Lines(out)) => {
                if let Some(happened) = happened(&event, after) {
                    let _ = render::ndjson::Lines::new().line("event", &happened, *out);
                    let _ = out.flush();
                }
            }
            None => {}
        }
    }

    fn after(&mut self, since: Duration) {
        self.after = since;
    }

    fn connecting(&mut self, candidate: usize) {
        self.verbose.connecting(candidate);
    }

    fn reaching(&mut self, uri: &str) {
        self.verbose.reaching(uri);
    }

    fn connected(&mut self, line: &LineFacts) {
        self.line.get_or_insert_with(|| line.clone());
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
