//! What passes a socket, byte for byte, for who wants to record it.

use std::net::SocketAddr;
use std::time::SystemTime;

/// Something that passed a socket. `src` and `dst` are real addresses: ours is the bound one, not the wildcard.
#[derive(Clone, Copy, Debug)]
pub enum Wire<'a> {
    /// A UDP datagram.
    Datagram {
        /// Who sent it.
        src: SocketAddr,
        /// To whom.
        dst: SocketAddr,
        /// All of it.
        bytes: &'a [u8],
    },
    /// A TCP connection stands (`client` opened it).
    Opened {
        /// Who opened it.
        client: SocketAddr,
        /// Who accepted it.
        server: SocketAddr,
    },
    /// Bytes of a TCP connection as they went over the wire: TLS records, WebSocket frames, or plain SIP.
    Data {
        /// Who sent them.
        src: SocketAddr,
        /// To whom.
        dst: SocketAddr,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// One side ended a TCP connection.
    Closed {
        /// Who ended it.
        src: SocketAddr,
        /// The other.
        dst: SocketAddr,
        /// Whether by a reset.
        reset: bool,
    },
    /// A connection was refused by a reset, or an ICMP error answered: `src` is who could not be reached.
    Refused {
        /// The address that was tried.
        src: SocketAddr,
        /// Ours.
        dst: SocketAddr,
        /// Whether it was TCP (a reset answered the SYN), or UDP (an ICMP error: port unreachable).
        tcp: bool,
    },
    /// A line of a TLS key log (without line end), which opens what follows.
    Secret(&'a str),
}

/// Who records. Called on the thread of the sockets: it must be quick and must not block.
pub trait Tap: Send + Sync {
    /// Something passed.
    fn wire(&self, time: SystemTime, wire: Wire<'_>);
}
