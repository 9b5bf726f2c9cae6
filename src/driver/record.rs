//! Our own traffic, recorded: what passes the sockets becomes packets, and those go the way of every capture.
//!
//! So a trial has the same messages, calls, findings and ladder as a capture of it, because it is one: the packets that
//! `--write` saves are those that are decoded here.

use crate::capture::CaptureError;
use crate::trace::{Limits, Sink};
use crate::transport::{Tap, Wire};
use std::sync::Arc;
use std::time::SystemTime;

/// What a recorder does with what it sees.
#[derive(Clone, Debug, Default)]
pub struct RecordOptions {
    /// Save the packets to this pcapng file.
    pub write: Option<String>,
    /// Decode them, for messages, ladders and findings.
    pub decode: bool,
    /// Keep passwords' proofs (Authorization and their kin) in the file. CONTRACT §2: `--show-secrets`
    pub show_secrets: bool,
}

/// Records. Bounded: beyond 64 MiB the packets that wait are counted and let go.
pub struct Recorder {
    _private: (),
}

impl Recorder {
    /// Opens the file, where one is wanted.
    ///
    /// # Errors
    /// Where the file cannot be created.
    pub fn new(options: RecordOptions) -> Result<Arc<Self>, CaptureError> {
        let _ = options;
        todo!()
    }

    /// Ends the file, and gives everything recorded to `sink`, as `decode` would.
    ///
    /// # Errors
    /// Where the file could not be written to its end.
    pub fn finish(&self, limits: Limits, sink: &mut impl Sink) -> Result<super::Totals, CaptureError> {
        let _ = (limits, sink);
        todo!()
    }
}

impl Tap for Recorder {
    fn wire(&self, time: SystemTime, wire: Wire<'_>) {
        let _ = (time, wire);
        todo!()
    }
}
