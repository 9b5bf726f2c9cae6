//! Compressed messages inflated (RFC 7692 §7.2.2).

use super::{MAX_MESSAGE, PEEK};
use flate2::{Decompress, FlushDecompress, Status};
use smallvec::SmallVec;

/// What every compressed message ends with, and the sender leaves away.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// How much the output grows at a time, in bytes.
const STEP: usize = 4096;

/// Inflates the messages of one direction. Made with the first compressed message: it holds a window of 32 KiB.
#[derive(Debug)]
pub(super) struct Inflater {
    stream: Decompress,
    out: Vec<u8>,
    keeps_window: bool,
}

impl Inflater {
    pub(super) fn new(keeps_window: bool) -> Self {
        Inflater { stream: Decompress::new(false), out: Vec::new(), keeps_window }
    }

    /// The message that `compressed` holds, or `None` where it is damaged, too long, or needs bytes that were not seen.
    pub(super) fn message(&mut self, compressed: &[u8]) -> Option<&[u8]> {
        self.out.clear();
        self.out.shrink_to(STEP * 16);
        let whole = self.run(compressed).and_then(|ended| if ended { Some(true) } else { self.run(&TAIL) });
        if !self.keeps_window || whole != Some(false) {
            self.stream.reset(false);
        }
        (whole.is_some() && self.out.len() <= MAX_MESSAGE).then_some(self.out.as_slice())
    }

    /// Inflates `input` to the end of `out`. True where the stream has ended, so that the next message starts a new one.
    fn run(&mut self, mut input: &[u8]) -> Option<bool> {
        loop {
            if self.out.len() > MAX_MESSAGE {
                return None;
            }
            self.out.reserve(STEP);
            let (before, written) = (self.stream.total_in(), self.out.len());
            let status = self.stream.decompress_vec(input, &mut self.out, FlushDecompress::Sync).ok()?;
            let read = usize::try_from(self.stream.total_in().saturating_sub(before)).ok()?;
            input = input.get(read..)?;
            let full = self.out.len() == self.out.capacity();
            match status {
                Status::StreamEnd => return Some(true),
                _ if full => {}
                _ if input.is_empty() => return Some(false),
                _ if read == 0 && self.out.len() == written => return None,
                _ => {}
            }
        }
    }
}

/// The first bytes that `compressed`, the start of a message, inflates to without an earlier window.
pub(super) fn first_bytes(compressed: &[u8]) -> SmallVec<[u8; PEEK]> {
    let mut out = [0; PEEK];
    let mut stream = Decompress::new(false);
    // An error may come after bytes that are good; what was written says how many.
    let _ = stream.decompress(compressed, &mut out, FlushDecompress::Sync);
    let written = usize::try_from(stream.total_out()).unwrap_or(0).min(PEEK);
    SmallVec::from_slice(&out[..written])
}
