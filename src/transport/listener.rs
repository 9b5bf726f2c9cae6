//! The serving side: sockets that take messages from anyone.

use super::{Protocol, Tap, TransportError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Where and how to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// How.
    pub protocol: Protocol,
    /// Where; port 0 for any free one.
    pub address: SocketAddr,
}

/// How a server is set up.
#[derive(Clone, Default)]
pub struct ListenOptions {
    /// Certificate chain (PEM) for TLS and WSS; without it one is made at start (for `names`).
    pub tls_cert: Option<PathBuf>,
    /// Its key (PEM).
    pub tls_key: Option<PathBuf>,
    /// Names in the certificate that is made.
    pub names: Vec<String>,
    /// Who records.
    pub tap: Option<Arc<dyn Tap>>,
}

/// By which way a message came, and by which its answer goes. RFC 3261 §18.2.2
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Way {
    /// How.
    pub protocol: Protocol,
    /// Our address.
    pub local: SocketAddr,
    /// The peer's.
    pub peer: SocketAddr,
    /// Which connection (0 for a datagram).
    pub connection: u64,
}

/// All sockets of a server, connections included: bounded in number and in what each may hold.
pub struct Listener {
    _private: (),
}

impl Listener {
    /// Opens all of them.
    ///
    /// # Errors
    /// Which could not be opened and why.
    pub async fn open(listen: &[Listen], options: ListenOptions) -> Result<Self, TransportError> {
        let _ = (listen, options);
        todo!()
    }

    /// What it listens on, with the real ports, in the order given.
    #[must_use]
    pub fn addresses(&self) -> Vec<Listen> {
        todo!()
    }

    /// The next message, put into `into` (cleared first): whole, SIP or not. Cancel safe.
    pub async fn receive(&mut self, into: &mut Vec<u8>) -> Way {
        let _ = into;
        todo!()
    }

    /// Sends a message back the way that one came: on the same connection where it still stands. A datagram goes to `peer`.
    ///
    /// # Errors
    /// Why it could not.
    pub async fn send(&mut self, way: &Way, message: &[u8]) -> Result<(), TransportError> {
        let _ = (way, message);
        todo!()
    }
}
