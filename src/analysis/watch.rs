//! What only many conversations together show, in bounded memory: scans, floods, guessing.

use super::incidents::Incidents;
use super::rules::attack::sources::Sources;
use super::rules::auth::servers::Servers;
use super::rules::identity::unsigned::Signers;
use super::rules::media::one_way::Heard;
use super::rules::media::orphan::Orphans;
use super::rules::reach::capture_duplicate::Copies;
use super::{Case, Finding, Settings};
use crate::base::Timestamp;
use crate::sip::Method;
use crate::trace::{Conversation, Incident, MediaStream};
use std::net::IpAddr;

/// Sees every conversation, stream and incident of a run once, and says what they amount to.
#[derive(Debug, Default)]
pub struct Watch {
    copies: Copies,
    incidents: Incidents,
    orphans: Orphans,
    heard: Heard,
    servers: Servers,
    signers: Signers,
    sources: Sources,
}

impl Watch {
    /// A watch that knows what `settings` say.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let mut sources = Sources::new(settings.home_country.as_deref());
        sources.read_along = settings.read_along;
        Watch { sources, ..Watch::default() }
    }

    /// Takes a complete conversation in; what it proves by itself goes to `findings`, those of the conversation.
    pub fn conversation(&mut self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        if case.seen().copied {
            self.copies.add(case.conversation);
        }
        self.incidents.conversation(case, findings);
        self.heard.judge(case, findings);
        self.servers.conversation(case.conversation, findings);
        self.signers.conversation(case, findings);
        self.sources.conversation(case, findings);
    }

    /// What a message of a conversation that is not complete yet promises, where somebody reads along: who called, and when it rang or was answered.
    #[must_use]
    pub fn promise(settings: &Settings, c: &Conversation, position: u32) -> Option<(IpAddr, Timestamp)> {
        let f = c.at(position).filter(|_| settings.read_along)?;
        let promises = f.method == Method::Invite && (180..300).contains(&f.status) && !f.is_repeat();
        c.facts.first().filter(|_| promises).map(|first| (first.flow.src.ip(), f.time))
    }

    /// Notes what [`Watch::promise`] says.
    pub fn promising(&mut self, (from, time): (IpAddr, Timestamp)) {
        self.sources.promising(from, time);
    }

    /// Takes an incident in; what had to go for it is told.
    #[must_use]
    pub fn incident(&mut self, incident: &Incident) -> Vec<Finding> {
        self.incidents.take(incident).into_iter().collect()
    }

    /// Incidents that no conversation has explained by `now`.
    #[must_use]
    pub fn due(&mut self, now: Timestamp) -> Vec<Finding> {
        self.incidents.due(now)
    }

    /// What the conversations taken in until now establish, where somebody reads along.
    #[must_use]
    pub fn established(&mut self) -> Vec<Finding> {
        self.sources.established()
    }

    /// Judges a stream that belongs to no call.
    #[must_use]
    pub fn orphan(&mut self, stream: &MediaStream) -> Vec<Finding> {
        self.heard.stream(stream);
        self.orphans.judge(stream).into_iter().collect()
    }

    /// What all of them amount to, at the end of the input.
    #[must_use]
    pub fn finish(&mut self) -> Vec<Finding> {
        let mut findings = self.incidents.finish();
        findings.extend(self.copies.finding());
        findings.extend(self.orphans.rest());
        findings.extend(self.signers.finish());
        findings.extend(self.sources.finish());
        findings
    }
}
