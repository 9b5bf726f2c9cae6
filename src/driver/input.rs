//! Where packets come from.

#[cfg(feature = "live")]
use crate::capture::live::LiveSource;
use crate::capture::{CaptureError, Event, HepListener, Merged, Source, SourceInfo};

/// Any source that a run can read.
pub enum Input {
    /// Capture files, or standard input, as one timeline.
    Files(Box<Merged>),
    /// A network device.
    #[cfg(feature = "live")]
    Device(Box<LiveSource>),
    /// HEP over UDP and TCP.
    Hep(Box<HepListener>),
}

impl Input {
    /// Whether it goes on by itself until it is stopped.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !matches!(self, Input::Files(_))
    }

    /// The next event.
    ///
    /// # Errors
    /// When the source fails.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, CaptureError> {
        match self {
            Input::Files(files) => files.next_event(),
            #[cfg(feature = "live")]
            Input::Device(device) => device.next_event(),
            Input::Hep(listener) => listener.next_event(),
        }
    }

    /// What is known of each source, in order of source number, with what was dropped before it could be read.
    #[must_use]
    pub fn infos(&self) -> Vec<(SourceInfo, Option<u64>)> {
        match self {
            Input::Files(files) => files.infos().map(|info| (info.clone(), None)).collect(),
            #[cfg(feature = "live")]
            Input::Device(device) => {
                let stats = device.stats();
                vec![(device.info().clone(), Some(stats.dropped.saturating_add(stats.if_dropped)))]
            }
            Input::Hep(listener) => vec![(listener.info().clone(), Some(listener.dropped()))],
        }
    }
}
