//! Several capture files as one timeline.

use super::file::{self, FileSource, Found};
use super::input::WINDOW;
use super::{CaptureError, Event, Source, SourceInfo};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// All windows together take about this much memory, however many files there are.
const ALL_WINDOWS: usize = 64 << 20;

/// Files merged by time. Each file keeps its own order, whatever its clock does; of equal times the file named first
/// comes first.
pub struct Merged {
    files: Vec<Waiting>,
    /// The files that have something, by the time of it.
    order: BinaryHeap<Reverse<(i64, usize)>>,
    /// The file whose event was handed over last: it must advance before anything else happens.
    used: Option<usize>,
    /// Files that have not been asked yet.
    fresh: usize,
}

struct Waiting {
    file: FileSource,
    found: Option<Found>,
}

impl Merged {
    /// Opens every path; a file's place in `paths` is its source number.
    ///
    /// # Errors
    /// The first one that [`open`](super::open) gives.
    pub fn open<P: AsRef<str>>(paths: &[P]) -> Result<Self, CaptureError> {
        let window = (ALL_WINDOWS / paths.len().max(1)).clamp(64 << 10, WINDOW);
        let open = |(n, path): (usize, &P)| {
            file::open_with_window(path.as_ref(), u16::try_from(n).unwrap_or(u16::MAX), window)
        };
        paths.iter().enumerate().map(open).collect::<Result<Vec<_>, _>>().map(Self::new)
    }

    /// Merges sources that are open already.
    #[must_use]
    pub fn new(files: Vec<FileSource>) -> Self {
        let fresh = files.len();
        let files = files.into_iter().map(|file| Waiting { file, found: None }).collect();
        Merged { files, order: BinaryHeap::new(), used: None, fresh }
    }

    /// What is known of each file, in order of source number.
    pub fn infos(&self) -> impl Iterator<Item = &SourceInfo> {
        self.files.iter().map(|waiting| waiting.file.info())
    }

    /// Lets file `n` find its next event and puts it into the order.
    fn advance(&mut self, n: usize) -> Result<(), CaptureError> {
        let Some(waiting) = self.files.get_mut(n) else { return Ok(()) };
        waiting.found = waiting.file.advance()?;
        match waiting.found {
            Some(Found::Packet(record)) => self.order.push(Reverse((record.time.0, n))),
            Some(Found::Logged(logged)) => self.order.push(Reverse((logged.time.0, n))),
            // Secrets open what was captured before they were written down: they cannot come too early.
            Some(Found::Secrets { .. }) => self.order.push(Reverse((i64::MIN, n))),
            None => {}
        }
        Ok(())
    }
}

impl Source for Merged {
    #[inline]
    fn next_event(&mut self) -> Result<Option<Event<'_>>, CaptureError> {
        if self.files.len() == 1 {
            return self.files[0].file.next_event();
        }
        while self.fresh > 0 {
            self.fresh -= 1;
            self.advance(self.fresh)?;
        }
        if let Some(n) = self.used.take() {
            self.advance(n)?;
        }
        let Some(Reverse((_, n))) = self.order.pop() else { return Ok(None) };
        self.used = Some(n);
        let Some(waiting) = self.files.get(n) else { return Ok(None) };
        Ok(waiting.found.map(|found| waiting.file.event(found)))
    }
}

#[cfg(test)]
mod tests;
