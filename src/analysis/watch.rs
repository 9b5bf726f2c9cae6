//! What only many conversations together show, in bounded memory: scans, floods, guessing.

use super::rules::media::one_way::Heard;
use super::rules::media::orphan::Orphans;
use super::{Case, Finding, Settings};
use crate::trace::MediaStream;

/// Sees every conversation, stream and incident of a run once, and says what they amount to.
#[derive(Debug, Default)]
pub struct Watch {
    orphans: Orphans,
    heard: Heard,
}

impl Watch {
    /// A watch that knows what `settings` say.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let _ = settings;
        Watch::default()
    }

    /// Takes a complete conversation in; what it proves by itself goes to `findings`, those of the conversation.
    pub fn conversation(&mut self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        self.heard.judge(case, findings);
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
        self.orphans.rest().into_iter().collect()
    }
}
