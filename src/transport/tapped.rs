//! A TCP connection whose bytes are recorded as they pass: below TLS and WebSocket.

use super::{Tap, Wire};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How many bytes of what the peer sent first are remembered, to tell what it speaks.
const FIRST: usize = 96;

/// The first bytes that came; shared, because a failed handshake keeps the connection to itself.
#[derive(Clone, Default)]
pub(super) struct First(Arc<Mutex<Vec<u8>>>);

impl First {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, bytes: &[u8]) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = FIRST.saturating_sub(first.len()).min(bytes.len());
        first.extend_from_slice(&bytes[..room]);
    }
}

/// Anything that carries bytes both ways.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A TCP connection that tells a [`Tap`] what passes.
pub(super) struct Tapped {
    inner: TcpStream,
    /// Our address.
    pub(super) local: SocketAddr,
    peer: SocketAddr,
    tap: Option<Arc<dyn Tap>>,
    first: First,
    /// Whether `first` holds all that it may.
    first_full: bool,
    /// Whether the end of our direction was told.
    we_ended: bool,
    /// Whether the end of the peer's was.
    peer_ended: bool,
}

impl Tapped {
    /// A connection that stands. `opened_by_us`: which side is the client.
    pub(super) fn new(
        inner: TcpStream,
        local: SocketAddr,
        peer: SocketAddr,
        tap: Option<Arc<dyn Tap>>,
        opened_by_us: bool,
    ) -> Self {
        let (client, server) = if opened_by_us { (local, peer) } else { (peer, local) };
        if let Some(tap) = &tap {
            tap.wire(SystemTime::now(), Wire::Opened { client, server });
        }
        let first = First::default();
        Tapped { inner, local, peer, tap, first, first_full: false, we_ended: false, peer_ended: false }
    }

    /// What the peer sent first.
    pub(super) fn first(&self) -> First {
        self.first.clone()
    }

    fn tell(&self, wire: Wire<'_>) {
        if let Some(tap) = &self.tap {
            tap.wire(SystemTime::now(), wire);
        }
    }

    fn we_end(&mut self) {
        if !std::mem::replace(&mut self.we_ended, true) {
            self.tell(Wire::Closed { src: self.local, dst: self.peer, reset: false });
        }
    }

    fn peer_ends(&mut self, reset: bool) {
        if !std::mem::replace(&mut self.peer_ended, true) {
            self.tell(Wire::Closed { src: self.peer, dst: self.local, reset });
            // After a reset there is nothing left for us to end.
            self.we_ended |= reset;
        }
    }

    fn failed(&mut self, error: &io::Error) {
        if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) {
            self.peer_ends(true);
        }
    }
}

impl AsyncRead for Tapped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.inner).poll_read(cx, buffer));
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        match &result {
            Err(e) => self.failed(e),
            Ok(()) if bytes.is_empty() => {
                if buffer.remaining() > 0 {
                    self.peer_ends(false);
                }
            }
            Ok(()) => {
                self.tell(Wire::Data { src: self.peer, dst: self.local, bytes });
                if !self.first_full {
                    self.first.add(bytes);
                    self.first_full = self.first.bytes().len() >= FIRST;
                }
            }
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes));
        match &result {
            Err(e) => self.failed(e),
            Ok(written) => {
                let bytes = bytes.get(..*written).unwrap_or_default();
                if !bytes.is_empty() {
                    self.tell(Wire::Data { src: self.local, dst: self.peer, bytes });
                }
            }
        }
        Poll::Ready(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = ready!(Pin::new(&mut self.inner).poll_shutdown(cx));
        self.we_end();
        Poll::Ready(result)
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        self.we_end();
    }
}
