//! Counting: the summary of a run, kept in arrays while it grows.

use super::decode::{FindingCounts, Severity};
use crate::sip::{Method, StartLine};
use crate::trace::{Conversation, Facts, Observed, Transport};
use std::collections::BTreeMap;

/// Method names outside the table that are counted on their own.
const ODD_METHODS_CAP: usize = 256;

/// Room for every method of the table.
const METHODS: usize = 32;

/// Counts over everything.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Messages.
    pub messages: u64,
    methods: [u64; METHODS],
    odd_methods: BTreeMap<String, u64>,
    statuses: Vec<u64>,
    transports: [u64; Transport::ALL.len()],
    /// Messages with a defect.
    pub malformed: u64,
    /// Calls.
    pub calls: u64,
    /// Registrations.
    pub registrations: u64,
    /// Exchanges.
    pub exchanges: u64,
    /// RTP streams.
    pub streams: u64,
    /// RTP packets in them.
    pub rtp_packets: u64,
    /// Calls by state.
    pub calls_by_state: BTreeMap<&'static str, u64>,
    /// Findings by severity.
    pub findings: FindingCounts,
}

impl Default for Tally {
    fn default() -> Self {
        Tally {
            messages: 0,
            methods: [0; METHODS],
            odd_methods: BTreeMap::new(),
            statuses: vec![0; 1000],
            transports: [0; Transport::ALL.len()],
            malformed: 0,
            calls: 0,
            registrations: 0,
            exchanges: 0,
            streams: 0,
            rtp_packets: 0,
            calls_by_state: BTreeMap::new(),
            findings: FindingCounts::default(),
        }
    }
}

impl Tally {
    /// Counts one message that was taken in.
    pub fn message(&mut self, c: &Conversation, f: &Facts) {
        self.count(f.transport, f.malformed);
        match f.method {
            _ if !f.is_request() => self.response(f.status),
            Method::Other => self.odd_request(c.text(f.method_text())),
            known => self.methods[known as usize] += 1,
        }
    }

    /// Counts one message as it is seen, the one at `position` of `c`.
    pub fn observed(&mut self, observed: &Observed<'_>, c: &Conversation, position: u32) {
        self.count(observed.transport, !observed.outline.defects.is_empty());
        match observed.outline.start {
            StartLine::Response { status, .. } => self.response(status.max(1)),
            StartLine::Request { method: Method::Other, .. } => {
                self.odd_request(c.at(position).map_or(&[], |f| c.text(f.method_text())));
            }
            StartLine::Request { method, .. } => self.methods[method as usize] += 1,
        }
    }

    fn count(&mut self, transport: Transport, malformed: bool) {
        self.messages += 1;
        self.malformed += u64::from(malformed);
        self.transports[transport as usize] += 1;
    }

    fn response(&mut self, status: u16) {
        let slot = usize::from(status).min(self.statuses.len() - 1);
        self.statuses[slot] += 1;
    }

    #[cold]
    fn odd_request(&mut self, method: &[u8]) {
        let name = String::from_utf8_lossy(method).into_owned();
        if self.odd_methods.len() < ODD_METHODS_CAP || self.odd_methods.contains_key(&name) {
            *self.odd_methods.entry(name).or_default() += 1;
        } else {
            *self.odd_methods.entry("other".to_owned()).or_default() += 1;
        }
    }

    /// Takes in the counts of messages of another tally.
    pub fn add_messages(&mut self, other: &Tally) {
        self.messages += other.messages;
        self.malformed += other.malformed;
        let add = |own: &mut [u64], others: &[u64]| own.iter_mut().zip(others).for_each(|(a, b)| *a += b);
        add(&mut self.methods, &other.methods);
        add(&mut self.statuses, &other.statuses);
        add(&mut self.transports, &other.transports);
        for (name, n) in &other.odd_methods {
            *self.odd_methods.entry(name.clone()).or_default() += n;
        }
    }

    /// Counts one finding.
    pub fn finding(&mut self, severity: Severity) {
        match severity {
            Severity::Error => self.findings.error += 1,
            Severity::Warning => self.findings.warning += 1,
            Severity::Info => self.findings.info += 1,
        }
    }

    /// Requests by method.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, u64> {
        let known = Method::ALL.iter().map(|m| (m.text().to_owned(), self.methods[*m as usize]));
        let mut all: BTreeMap<String, u64> = known.filter(|(_, n)| *n > 0).collect();
        for (name, n) in &self.odd_methods {
            *all.entry(name.clone()).or_default() += n;
        }
        all
    }

    /// Responses by status code.
    #[must_use]
    pub fn responses(&self) -> BTreeMap<String, u64> {
        let told = self.statuses.iter().enumerate().filter(|(_, n)| **n > 0);
        told.map(|(status, n)| (status.to_string(), *n)).collect()
    }

    /// Messages by transport.
    #[must_use]
    pub fn transports(&self) -> BTreeMap<String, u64> {
        let all = Transport::ALL.iter().map(|t| (t.as_str().to_owned(), self.transports[*t as usize]));
        all.filter(|(_, n)| *n > 0).collect()
    }
}
