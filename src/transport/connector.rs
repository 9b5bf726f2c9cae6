//! Opens lines.

use super::{Candidate, Line, Tap, TransportError};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How lines are opened.
#[derive(Clone, Default)]
pub struct ConnectOptions {
    /// Address and port to send from; port 0 for any.
    pub bind: Option<(IpAddr, u16)>,
    /// Trust anchors (PEM) instead of the system's.
    pub tls_ca: Option<PathBuf>,
    /// Our certificate chain (PEM).
    pub tls_cert: Option<PathBuf>,
    /// Its key (PEM).
    pub tls_key: Option<PathBuf>,
    /// The name to ask for and to check instead of the domain.
    pub tls_server_name: Option<String>,
    /// Whether a certificate that is wrong is told of and taken.
    pub tls_insecure: bool,
    /// Where TLS secrets are appended (`--keylog`, `SSLKEYLOGFILE`).
    pub keylog: Option<PathBuf>,
    /// Who records.
    pub tap: Option<Arc<dyn Tap>>,
}

/// Opens lines.
pub struct Connector {
    _private: (),
}

impl Connector {
    /// Reads the certificates and keys that the options name.
    ///
    /// # Errors
    /// What cannot be read, or is no certificate or key.
    pub fn new(options: ConnectOptions) -> Result<Self, TransportError> {
        let _ = options;
        todo!()
    }

    /// Opens a line to a candidate: a socket, a connection with its handshakes.
    ///
    /// # Errors
    /// Which step failed and why; `timeout` where it took longer than that.
    pub async fn open(&self, candidate: &Candidate, timeout: Duration) -> Result<Line, TransportError> {
        let _ = (candidate, timeout);
        todo!()
    }

    /// The address that packets to `peer` would leave from.
    ///
    /// # Errors
    /// Where there is no route.
    pub fn local_address(&self, peer: SocketAddr) -> Result<SocketAddr, TransportError> {
        let _ = peer;
        todo!()
    }
}
