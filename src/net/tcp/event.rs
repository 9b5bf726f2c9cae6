//! What the reassembly of TCP streams gives out, and the bounds it keeps.

use crate::base::{Flow, Timestamp};

/// Bounds of a [`super::Reassembly`]. What does not fit is given up, and counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Connections that are followed at once.
    pub connections: usize,
    /// Bytes that may wait behind a hole in one direction of a connection.
    pub bytes_per_direction: usize,
    /// Bytes that may wait behind holes altogether.
    pub bytes_total: usize,
}

impl Default for Limits {
    /// 20,000 connections, 1 MiB waiting a direction, 32 MiB waiting altogether.
    fn default() -> Self {
        Limits { connections: 20_000, bytes_per_direction: 1 << 20, bytes_total: 32 << 20 }
    }
}

/// Something that happened in one direction of a TCP connection, in the order of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamEvent<'a> {
    /// Number of the connection, never given to another one.
    pub connection: u64,
    /// This direction: `src` is who sent the bytes.
    pub flow: Flow,
    /// Whether the sender opened the connection; `None` where the handshake was not captured.
    pub from_opener: Option<bool>,
    /// Capture time of the packet that holds the bytes (or showed the event).
    pub time: Timestamp,
    /// Frame number of that packet.
    pub frame: u64,
    /// What happened.
    pub kind: Kind<'a>,
}

/// What happened in one direction of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind<'a> {
    /// The connection was met; once a connection, before anything else.
    Opened,
    /// The next bytes of the stream.
    Data(&'a [u8]),
    /// The next bytes of the stream are not in the capture.
    Gap {
        /// How many are missing; 0 where that cannot be told.
        bytes: u64,
    },
    /// The sender answered the opening of the connection with RST: nobody listens there. Comes before the last events.
    Refused,
    /// The sender asked for the connection again and again, and nothing came back. Once a connection.
    Unanswered {
        /// How often it asked so far.
        syns: u32,
        /// When it asked first.
        since: Timestamp,
    },
    /// The sender ended its direction: FIN after its last byte, or RST by either side. The last event of a direction.
    Closed {
        /// Whether it was by RST.
        reset: bool,
    },
    /// The direction is followed no longer, though it was not closed: too many connections, silent for too long, its
    /// ports taken by another connection, or the end of the input. The last event of a direction.
    Evicted,
}

/// Where events of one direction go: the sink, with what all of them have in common.
pub(super) struct Out<'s> {
    pub(super) sink: &'s mut dyn FnMut(StreamEvent<'_>),
    pub(super) connection: u64,
    pub(super) flow: Flow,
    pub(super) from_opener: Option<bool>,
    pub(super) time: Timestamp,
    pub(super) frame: u64,
}

impl Out<'_> {
    /// Gives out `kind` as seen in the packet at hand.
    #[inline]
    pub(super) fn emit(&mut self, kind: Kind<'_>) {
        self.emit_at(self.time, self.frame, kind);
    }

    /// Gives out `kind` as seen in an earlier packet.
    #[inline]
    pub(super) fn emit_at(&mut self, time: Timestamp, frame: u64, kind: Kind<'_>) {
        let (connection, flow, from_opener) = (self.connection, self.flow, self.from_opener);
        (self.sink)(StreamEvent { connection, flow, from_opener, time, frame, kind });
    }
}
