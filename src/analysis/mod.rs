//! Rules over a trace: what went wrong, why, and how it is known. One rule a file, each with its explanation.
//!
//! Takes what `trace` hands over as complete and gives findings. Refuses to know where the messages came from, how a finding
//! will look, and what has not been seen.

pub mod finding;
pub mod fold;
pub mod incidents;
pub mod quote;
pub mod recall;
pub mod roles;
pub mod rules;
pub mod seen;
pub mod settings;
pub mod watch;
pub mod words;

pub use finding::{Confidence, Evidence, Finding, Severity};
pub use quote::{Part, Quote};
pub use recall::Recall;
pub use seen::Seen;
pub use settings::Settings;
pub use watch::Watch;

use crate::base::Timestamp;
use crate::trace::call::Outcome;
use crate::trace::offer::{self, Negotiation};
use crate::trace::{Conversation, MediaStream};
use smallvec::SmallVec;
use std::cell::OnceCell;

/// What a rule judges: one conversation that is complete, with its media.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The messages.
    pub conversation: &'a Conversation,
    /// The streams of a call.
    pub streams: &'a [MediaStream],
    /// Until when the input went on: silence after that proves nothing.
    pub now: Timestamp,
    /// What the user told beside the input.
    pub settings: &'a Settings,
    outcome: OnceCell<Outcome>,
    negotiations: OnceCell<SmallVec<[Negotiation; 4]>>,
    seen: OnceCell<Seen>,
}

impl<'a> Case<'a> {
    /// A conversation to judge.
    #[must_use]
    pub fn new(
        conversation: &'a Conversation,
        streams: &'a [MediaStream],
        now: Timestamp,
        settings: &'a Settings,
    ) -> Self {
        Case {
            conversation,
            streams,
            now,
            settings,
            outcome: OnceCell::new(),
            negotiations: OnceCell::new(),
            seen: OnceCell::new(),
        }
    }

    /// What became of it as a call: worked out once, asked by many.
    pub fn outcome(&self) -> &Outcome {
        self.outcome.get_or_init(|| Outcome::of(self.conversation))
    }

    /// What its messages have at all: worked out once, asked by many.
    pub fn seen(&self) -> &Seen {
        self.seen.get_or_init(|| Seen::of(self.conversation))
    }

    /// Its offers with their answers: worked out once, asked by many.
    pub fn negotiations(&self) -> &[Negotiation] {
        self.negotiations.get_or_init(|| offer::negotiations(self.conversation))
    }
}

/// Codes that judge how long a thing took, or in what rhythm messages came.
const TIMED: [&str; 4] = ["timer-violation", "slow-response", "post-dial-delay", "late-media"];

/// Codes that hold the address which a message came from against one that it names …
const SOURCED: [&str; 3] = ["nat-contact", "nat-sdp", "nat-via"];
/// … and those that ask where it went, or what it was on both sides of a hop.
const ROUTED: [&str; 2] = ["alg-suspected", "route-set-ignored"];

/// Whether a finding compares with an address that is none: a log did not tell it.
fn rests_on_placeholder(case: &Case<'_>, finding: &Finding) -> bool {
    let routed = ROUTED.contains(&finding.code);
    if !routed && !SOURCED.contains(&finding.code) {
        return false;
    }
    let messages = finding.positions.iter().filter_map(|&position| case.conversation.at(position));
    let mut flows = messages.map(|message| message.flow);
    flows.any(|flow| flow.src.is_placeholder() || (routed && flow.dst.is_placeholder()))
}

/// Every finding on a case by itself, and what `watch` sees in it, gravest first. One cause gives one finding: each rule knows which others it
/// covers, and [`fold`] puts what follows under its cause.
#[must_use]
pub fn judge(case: &Case<'_>, watch: &mut Watch) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in rules::ALL.iter().copied().flatten() {
        (rule.judge)(case, &mut findings);
    }
    watch.conversation(case, &mut findings);
    if case.settings.coarse_times {
        findings.retain(|f| !TIMED.contains(&f.code));
    }
    findings.retain(|f| !rests_on_placeholder(case, f));
    fold::fold(&mut findings);
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    findings
}
