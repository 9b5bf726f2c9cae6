//! A way to one peer: a UDP socket, or a connection.

use super::stream::Stream;
use super::udp::Udp;
use super::websocket::WebSocket;
use super::{Protocol, TransportError};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What there is to know of a line.
#[derive(Clone, Debug)]
pub struct LineFacts {
    /// How.
    pub protocol: Protocol,
    /// Our address: the real one, never the wildcard.
    pub local: SocketAddr,
    /// The peer's.
    pub peer: SocketAddr,
    /// How long the TCP connection took; `None` for UDP and for a connection that stood already.
    pub connect: Option<Duration>,
    /// How long the TLS handshake took.
    pub tls_time: Option<Duration>,
    /// What TLS agreed on.
    pub tls: Option<TlsFacts>,
}

/// What a TLS handshake agreed on, and with whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFacts {
    /// `TLS 1.3`.
    pub version: String,
    /// `TLS_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// The peer's chain, its own certificate first.
    pub chain: Vec<Certificate>,
    /// What `--tls-insecure` let pass.
    pub ignored: Option<TransportError>,
}

/// A certificate, as far as people ask for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// `CN=sip.example.com`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// `DNS:sip.example.com`, `URI:sip:example.com`, `IP:192.0.2.1`.
    pub names: Vec<String>,
    /// Valid from: Unix seconds.
    pub not_before: i64,
    /// Valid until: Unix seconds.
    pub not_after: i64,
}

/// A message that came.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Who sent it: differs from the peer where a datagram came from elsewhere.
    pub from: SocketAddr,
    /// When.
    pub at: Instant,
}

/// A way to one peer.
pub struct Line {
    /// What there is to know of it.
    pub facts: LineFacts,
    carrier: Carrier,
}

/// What carries the messages.
pub(super) enum Carrier {
    /// Datagrams.
    Udp(Udp),
    /// A stream of bytes.
    Stream(Stream),
    /// WebSocket messages.
    WebSocket(WebSocket),
}

impl Carrier {
    /// See [`Line::send`].
    pub(super) async fn send(&mut self, message: &[u8]) -> Result<(), TransportError> {
        match self {
            Carrier::Udp(udp) => udp.send(message).await,
            Carrier::Stream(stream) => stream.send(message).await,
            Carrier::WebSocket(socket) => socket.send(message).await,
        }
    }

    /// See [`Line::receive`].
    pub(super) async fn receive(&mut self, into: &mut Vec<u8>) -> Result<Received, TransportError> {
        match self {
            Carrier::Udp(udp) => udp.receive(into).await,
            Carrier::Stream(stream) => stream.receive(into).await,
            Carrier::WebSocket(socket) => socket.receive(into).await,
        }
    }

    /// Bytes that wait for the peer to read.
    pub(super) fn waiting(&self) -> usize {
        match self {
            Carrier::Udp(_) => 0,
            Carrier::Stream(stream) => stream.waiting(),
            Carrier::WebSocket(socket) => socket.waiting(),
        }
    }

    /// Bytes of an incomplete message.
    pub(super) fn pending(&self) -> usize {
        match self {
            // Those of a WebSocket are bounded by the longest message.
            Carrier::Udp(_) | Carrier::WebSocket(_) => 0,
            Carrier::Stream(stream) => stream.pending(),
        }
    }

    /// See [`Line::close`].
    pub(super) async fn close(&mut self) {
        let close = async {
            match self {
                Carrier::Udp(_) => {}
                Carrier::Stream(stream) => stream.close().await,
                Carrier::WebSocket(socket) => socket.close().await,
            }
        };
        // A peer that does not read keeps nobody from leaving.
        let _ = tokio::time::timeout(CLOSE, close).await;
    }
}

/// How long a good end may take.
const CLOSE: Duration = Duration::from_secs(1);

impl Line {
    pub(super) fn new(facts: LineFacts, carrier: Carrier) -> Self {
        Line { facts, carrier }
    }

    /// What there is to know of it, and what carries it.
    pub(super) fn into_parts(self) -> (LineFacts, Carrier) {
        (self.facts, self.carrier)
    }

    /// Sends one whole message. Over a connection what the peer does not take at once waits, up to 1 MiB, and is written while
    /// [`Line::receive`] or [`Line::close`] is waited for.
    ///
    /// # Errors
    /// Why it could not; an ICMP error that answered an earlier datagram included.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), TransportError> {
        self.carrier.send(message).await
    }

    /// Sends a datagram to another than the peer, from the same socket. Over a connection there is no other: it goes to the peer.
    ///
    /// # Errors
    /// Why it could not; an ICMP error that answered an earlier datagram included: it says whom it concerns ([`TransportError::peer`]).
    pub async fn send_to(&mut self, peer: SocketAddr, message: &[u8]) -> Result<(), TransportError> {
        match &mut self.carrier {
            Carrier::Udp(udp) => udp.send_to(peer, message).await,
            carrier => carrier.send(message).await,
        }
    }

    /// The next whole message, put into `into` (cleared first). A datagram or WebSocket message is given as it came, SIP or
    /// not; of a stream, what the framer cuts out; keep-alives are answered or swallowed. Cancel safe: dropping the future loses nothing.
    ///
    /// # Errors
    /// Why nothing more will come: closed, reset, port unreachable.
    pub async fn receive(&mut self, into: &mut Vec<u8>) -> Result<Received, TransportError> {
        self.carrier.receive(into).await
    }

    /// Closes it in good order (TLS close_notify, WebSocket close, FIN); a second at most.
    pub async fn close(&mut self) {
        self.carrier.close().await;
    }
}
