//! Why a message could not be carried.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// The step that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Looking names up.
    Dns,
    /// Opening a socket or a connection.
    Connect,
    /// The TLS handshake, the certificate included.
    Tls,
    /// The WebSocket handshake.
    WebSocket,
    /// Sending.
    Send,
    /// Receiving: the connection was closed or reset.
    Receive,
}

/// Why a message could not be carried: what was tried, on what, what came back, what to do next.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct TransportError {
    /// Where it stopped.
    pub phase: Phase,
    /// A stable word for scripts and tests: `refused`, `reset`, `closed`, `unreachable`, `port-unreachable`, `timeout`, `nxdomain`, `dns-refused`,
    /// `no-records`, `cert-expired`, `cert-not-yet-valid`, `cert-name`, `cert-self-signed`, `cert-untrusted`, `cert-client-wanted`, `tls-alert`, `tls-version`, `not-tls`, `ws-refused`, `too-large`, `io`.
    pub kind: &'static str,
    /// One line: `cannot connect to 192.0.2.1:5061: connection refused`.
    pub message: String,
    /// What to do next; empty where there is nothing to say.
    pub hint: String,
    /// The peer that an ICMP error concerns; `None` where it is the line's own, or no ICMP error.
    pub peer: Option<SocketAddr>,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl TransportError {
    /// An error without a hint.
    #[must_use]
    pub fn new(phase: Phase, kind: &'static str, message: impl Into<String>) -> Self {
        TransportError { phase, kind, message: message.into(), hint: String::new(), peer: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same, about that peer.
    #[must_use]
    pub(super) fn about(mut self, peer: SocketAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    /// What the system said about something tried: `tried` is the beginning of the line (`cannot connect to 192.0.2.1:5061`).
    pub(super) fn of_io(phase: Phase, tried: &str, error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let (kind, words) = match error.kind() {
            Kind::ConnectionRefused => ("refused", "connection refused"),
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => ("reset", "connection reset"),
            Kind::HostUnreachable => ("unreachable", "host unreachable"),
            Kind::NetworkUnreachable => ("unreachable", "network unreachable: no route"),
            Kind::TimedOut => ("timeout", "no answer"),
            Kind::AddrInUse => ("io", "the address is in use"),
            Kind::AddrNotAvailable => ("io", "this host has no such address"),
            Kind::PermissionDenied => ("io", "not permitted"),
            _ => return TransportError::new(phase, "io", format!("{tried}: {error}")),
        };
        TransportError::new(phase, kind, format!("{tried}: {words}"))
    }
}
