//! Where packets come from.

use crate::capture::{CaptureError, Event, Merged, Source, SourceInfo};

/// Any source that a run can read.
pub enum Input {
    /// Capture files, or standard input, as one timeline.
    Files(Merged),
}

impl Input {
    /// Whether it goes on by itself until it is stopped.
    #[must_use]
    pub fn is_live(&self) -> bool {
        match self {
            Input::Files(_) => false,
        }
    }

    /// The next event.
    ///
    /// # Errors
    /// When the source fails.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, CaptureError> {
        match self {
            Input::Files(files) => files.next_event(),
        }
    }

    /// What is known of each source, in order of source number.
    #[must_use]
    pub fn infos(&self) -> Vec<SourceInfo> {
        match self {
            Input::Files(files) => files.infos().cloned().collect(),
        }
    }
}
