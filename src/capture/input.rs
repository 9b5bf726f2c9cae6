//! The bytes of a capture file as a sliding window, unpacked on the way.

use std::io::{self, Read};

/// The window's usual size. Larger ones are no faster; a record beyond it makes the window grow as its bytes arrive.
pub(super) const WINDOW: usize = 256 << 10;

/// A reader with a window on what comes next. What the window shows stays in place until it is consumed and more is needed.
pub(super) struct Input {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// How many bytes of the input lie before `buffer[0]`.
    before: u64,
    ended: bool,
    /// Why a compressed input could not be unpacked to its end.
    broken: Option<String>,
    /// Whether the reader unpacks: then a bad checksum or an early end is damage to the file, not a failure of ours.
    packed: bool,
}

impl Input {
    /// A window of `size` bytes on `reader`.
    pub(super) fn new(reader: Box<dyn Read + Send>, size: usize, packed: bool) -> Self {
        let buffer = vec![0; size.max(64)];
        Input { reader, buffer, start: 0, end: 0, before: 0, ended: false, broken: None, packed }
    }

    /// What lies in the window.
    #[inline]
    pub(super) fn window(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or(&[])
    }

    /// Where the window starts in the (unpacked) input.
    pub(super) fn offset(&self) -> u64 {
        self.before + self.start as u64
    }

    /// Where in the buffer the window starts: what [`Input::slice`] counts from.
    #[inline]
    pub(super) fn place(&self) -> usize {
        self.start
    }

    /// `len` bytes of the buffer at `at`; empty where they are not there.
    #[inline]
    pub(super) fn slice(&self, at: usize, len: usize) -> &[u8] {
        self.buffer.get(at..at.saturating_add(len)).unwrap_or(&[])
    }

    /// Moves the window's start forward by `n`, at most to its end. Places stay valid until [`Input::need`] reads.
    #[inline]
    pub(super) fn consume(&mut self, n: usize) {
        self.start = self.start.saturating_add(n).min(self.end);
    }

    /// Whether at least `n` bytes lie in the window, after reading as much as that takes.
    #[inline]
    pub(super) fn need(&mut self, n: usize) -> io::Result<bool> {
        if self.end - self.start >= n {
            return Ok(true);
        }
        self.fill(n)
    }

    /// Reads until `n` bytes lie in the window or the input ends. The buffer only grows when it is full of real bytes.
    #[cold]
    fn fill(&mut self, n: usize) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.before += self.start as u64;
            self.end -= self.start;
            self.start = 0;
        }
        while self.end < n && !self.ended {
            if self.end == self.buffer.len() {
                self.buffer.resize(self.buffer.len().saturating_mul(2), 0);
            }
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end = self.end.saturating_add(read).min(self.buffer.len()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if self.packed && e.raw_os_error().is_none() => {
                    self.ended = true;
                    self.broken = Some(e.to_string());
                }
                Err(e) => return Err(e),
            }
        }
        Ok(self.end >= n)
    }

    /// Passes over `n` bytes without keeping them; `false` where the input ends before.
    pub(super) fn skip(&mut self, mut n: u64) -> io::Result<bool> {
        loop {
            let here = (self.end - self.start) as u64;
            if n <= here {
                self.consume(n as usize);
                return Ok(true);
            }
            self.consume(here as usize);
            n -= here;
            if !self.need(1)? {
                return Ok(false);
            }
        }
    }

    /// What is left of the input, from the window's start on.
    pub(super) fn into_reader(self) -> impl Read + Send {
        io::Cursor::new(self.window().to_vec()).chain(self.reader)
    }

    /// Why unpacking stopped, where it did not end well.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::Input;
    use std::io::Read;

    #[test]
    fn the_window_slides_grows_and_ends() {
        let all: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let mut input = Input::new(Box::new(std::io::Cursor::new(all.clone())), 64, false);
        assert!(input.need(10).unwrap());
        input.consume(7);
        assert!(input.need(300).unwrap());
        assert_eq!(&input.window()[..300], &all[7..307]);
        assert_eq!(input.offset(), 7);
        assert!(input.skip(900).unwrap());
        assert_eq!(input.offset(), 907);
        assert!(!input.need(94).unwrap());
        assert_eq!(input.window(), &all[907..]);
        assert!(!input.skip(94).unwrap());
    }

    /// Fails as a device does, with a number of the system.
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from_raw_os_error(5))
        }
    }

    #[test]
    fn a_failing_device_is_an_error_even_under_compression() {
        assert!(Input::new(Box::new(Failing), 64, true).need(1).is_err());
    }
}
