//! What a source hands over, one at a time.

use super::CaptureError;
use crate::base::{Endpoint, Flow, Timestamp};
use crate::net::Packet;

/// One thing that a source has to say, borrowed from the source's buffer until the next is asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A captured packet.
    Packet(Packet<'a>),
    /// A TLS key log that a pcapng file carries in a Decryption Secrets Block.
    Secrets(&'a [u8]),
    /// Bytes that a HEP agent sent to the listener.
    Hep(HepBytes<'a>),
    /// A message that stood in a text.
    Logged(Logged<'a>),
    /// Nothing came for about 100 ms (live sources only): the time for timers, output and signals.
    Idle(Timestamp),
}

impl<'a> Event<'a> {
    /// The packet that it brings, or that would have brought it.
    #[must_use]
    pub fn packet(&self) -> Option<Packet<'a>> {
        match self {
            Event::Packet(packet) => Some(*packet),
            Event::Logged(logged) => Some(logged.packet),
            _ => None,
        }
    }
}

/// A message out of a text: a log, or what somebody pasted.
#[derive(Clone, Copy, Debug)]
pub struct Logged<'a> {
    /// From where to where; placeholders where the text does not say.
    pub flow: Flow,
    /// Over what.
    pub over: Over,
    /// The message.
    pub bytes: &'a [u8],
    /// 1-based number of the line of the text that it starts in.
    pub line: u64,
    /// Whether it was pasted with LF alone at the end of each line; `bytes` has CRLF. (In a log that is the log's doing.)
    pub restored: bool,
    /// Whether the addresses, or one of them, are placeholders.
    pub placeholder: bool,
    /// The packet that it may have been, with its time, source and frame (its number in the text).
    pub packet: Packet<'a>,
}

/// The transports that a log can name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Over {
    /// UDP
    Udp,
    /// TCP
    Tcp,
    /// TLS
    Tls,
    /// WebSocket
    Ws,
    /// WebSocket over TLS
    Wss,
    /// SCTP
    Sctp,
}

/// Bytes received by a HEP listener, not yet taken apart.
#[derive(Clone, Copy, Debug)]
pub struct HepBytes<'a> {
    /// When they arrived.
    pub time: Timestamp,
    /// Source number of the listener in this run.
    pub source: u16,
    /// 1-based number of this arrival at the listener; takes the place of a frame number.
    pub frame: u64,
    /// The agent that sent them.
    pub peer: Endpoint,
    /// How they came, and thereby where HEP packets may begin and end.
    pub over: HepOver,
    /// A whole datagram, or the next bytes of a connection; empty at its end.
    pub bytes: &'a [u8],
}

/// How HEP bytes came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum HepOver {
    /// In a datagram of their own.
    Datagram,
    /// Next on the TCP connection of this number, which no other connection of the run has.
    Stream(u64),
    /// The TCP connection of this number has ended; nothing more comes from it.
    End(u64),
}

/// Anything that yields events in order.
pub trait Source {
    /// The next event; `None` when there is no more. Live sources wait for one, at most about 100 ms ([`Event::Idle`]).
    ///
    /// # Errors
    /// When the source cannot be read any further. A file that only ends too early is no error: see
    /// [`SourceInfo::truncated`](super::SourceInfo::truncated).
    fn next_event(&mut self) -> Result<Option<Event<'_>>, CaptureError>;
}
