//! What is sent.

use crate::media::mark::Mark;
use std::sync::Arc;

/// What a session sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// Our mark.
    Mark,
    /// Samples at 8000 a second, from the beginning again when they end.
    Samples(Arc<[i16]>),
    /// Silence, as audio.
    Silence,
    /// What comes, at once.
    Echo,
    /// Nothing at all.
    Nothing,
}

impl Source {
    /// Whether it has its own pace.
    pub(super) fn is_paced(&self) -> bool {
        matches!(self, Source::Mark | Source::Samples(_) | Source::Silence)
    }

    /// The samples from `at` on.
    pub(super) fn fill(&self, mark: Mark, at: u64, samples: &mut [i16]) {
        match self {
            Source::Mark => mark.fill(at, samples),
            Source::Samples(all) if !all.is_empty() => {
                let length = all.len() as u64;
                for (n, sample) in (at..).zip(samples) {
                    *sample = all.get((n % length) as usize).copied().unwrap_or(0);
                }
            }
            _ => samples.fill(0),
        }
    }
}
