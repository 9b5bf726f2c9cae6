//! SIP over WebSocket: one message a WebSocket message. RFC 7118

use super::stream::Explain;
use super::tapped::{Duplex, First};
use super::{Phase, Received, TransportError};
use crate::base::Safe;
use futures_util::{Sink, Stream as _};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{self, HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config, client_async_with_config};

/// The subprotocol. RFC 7118 §4.1
const SIP: &str = "sip";
/// Where both sides name it.
const PROTOCOL: &str = "Sec-WebSocket-Protocol";
/// Bytes that may wait for a peer that does not read.
const MAX_WAITING: usize = 1 << 20;

/// A WebSocket that carries messages.
pub(super) struct WebSocket {
    socket: WebSocketStream<Box<dyn Duplex>>,
    peer: SocketAddr,
    explain: Explain,
    /// Messages that the peer has no room for yet.
    outgoing: VecDeque<Message>,
    waiting: usize,
    unflushed: bool,
    /// Whether nothing came yet.
    fresh: bool,
    ended: Option<TransportError>,
}

fn config(longest: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(longest))
        .max_frame_size(Some(longest))
        .read_buffer_size(8 << 10)
        // Nothing is held back: a message is written when it is sent.
        .write_buffer_size(0)
        .max_write_buffer_size(2 * MAX_WAITING)
}

/// `host:port` as a Host header field names it.
fn authority(domain: &str, port: u16) -> String {
    let bare = domain.trim_start_matches('[').trim_end_matches(']');
    if bare.contains(':') { format!("[{bare}]:{port}") } else { format!("{bare}:{port}") }
}

impl WebSocket {
    /// Asks the peer for SIP over WebSocket. `longest`: the largest message that is taken, in bytes.
    pub(super) async fn connect(
        io: Box<dyn Duplex>,
        peer: SocketAddr,
        domain: &str,
        first: Option<First>,
        longest: usize,
        explain: Explain,
    ) -> Result<Self, TransportError> {
        let host = authority(domain, peer.port());
        let request = http::Request::builder()
            // The scheme says only that TLS is not tungstenite's business.
            .uri(format!("ws://{host}/"))
            .header("Host", &host)
            .header("Upgrade", "websocket")
            .header("Connection", "Upgrade")
            .header("Sec-WebSocket-Key", generate_key())
            .header("Sec-WebSocket-Version", "13")
            .header(PROTOCOL, SIP)
            .body(());
        let request = request.map_err(|e| {
            let message = format!("cannot ask {peer} for WebSocket at {}: {e}", Safe(host.as_bytes()));
            TransportError::new(Phase::WebSocket, "io", message)
        })?;
        match client_async_with_config(request, io, Some(config(longest))).await {
            Ok((socket, _)) => Ok(WebSocket::new(socket, peer, explain)),
            Err(e) => Err(refused(peer, &e, first.map(|f| f.bytes()), &explain)),
        }
    }

    /// Answers a peer that asks for SIP over WebSocket; `None` where it does not.
    pub(super) async fn accept(
        io: Box<dyn Duplex>,
        peer: SocketAddr,
        longest: usize,
        explain: Explain,
    ) -> Option<Self> {
        let socket = accept_hdr_async_with_config(io, choose_sip, Some(config(longest))).await.ok()?;
        Some(WebSocket::new(socket, peer, explain))
    }

    fn new(socket: WebSocketStream<Box<dyn Duplex>>, peer: SocketAddr, explain: Explain) -> Self {
        let outgoing = VecDeque::new();
        WebSocket { socket, peer, explain, outgoing, waiting: 0, unflushed: false, fresh: true, ended: None }
    }

    /// Bytes that wait for the peer to read, at least.
    pub(super) fn waiting(&self) -> usize {
        self.waiting + usize::from(self.unflushed)
    }

    pub(super) async fn send(&mut self, message: &[u8]) -> Result<(), TransportError> {
        if self.waiting > MAX_WAITING {
            let message = format!("cannot send to {}: it does not read, {} bytes wait", self.peer, self.waiting);
            return Err(TransportError::new(Phase::Send, "timeout", message));
        }
        // Text frames where it is text. RFC 7118 §5
        let frame = match std::str::from_utf8(message) {
            Ok(text) => Message::text(text),
            Err(_) => Message::binary(Bytes::copy_from_slice(message)),
        };
        self.waiting += message.len();
        self.outgoing.push_back(frame);
        poll_fn(|cx| Poll::Ready(self.poll_write_out(cx))).await.map_err(|e| self.reason(Phase::Send, e))
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Result<(), WsError> {
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.socket).poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(e)) => return Err(e),
                Poll::Pending => return Ok(()),
            }
            let Some(frame) = self.outgoing.pop_front() else { break };
            self.waiting = self.waiting.saturating_sub(frame.len());
            self.unflushed = true;
            Pin::new(&mut self.socket).start_send(frame)?;
        }
        if self.unflushed {
            match Pin::new(&mut self.socket).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(e)) => return Err(e),
                Poll::Pending => {}
            }
        }
        Ok(())
    }

    pub(super) async fn receive(&mut self, into: &mut Vec<u8>) -> Result<Received, TransportError> {
        poll_fn(|cx| self.poll_receive(cx, into)).await
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Result<Received, TransportError>> {
        loop {
            if let Some(ended) = &self.ended {
                return Poll::Ready(Err(ended.clone()));
            }
            let _ = self.poll_write_out(cx);
            let bytes = match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(Message::Text(text)))) => Bytes::from(text),
                Poll::Ready(Some(Ok(Message::Binary(bytes)))) => bytes,
                Poll::Ready(Some(Ok(Message::Close(frame)))) => {
                    let why = frame.map(|f| format!(" ({} {})", f.code, Safe(f.reason.as_bytes()))).unwrap_or_default();
                    let message = format!("{} closed the WebSocket{}", self.peer, why.replace(" )", ")"));
                    self.ended = Some(TransportError::new(Phase::Receive, "closed", message));
                    // Our half of the farewell. RFC 6455 §5.5.1
                    let _ = Pin::new(&mut self.socket).poll_flush(cx);
                    continue;
                }
                Poll::Ready(Some(Ok(_))) => {
                    // A ping: its answer lies ready and goes out with the next flush. RFC 6455 §5.5.3
                    self.unflushed = true;
                    continue;
                }
                Poll::Ready(Some(Err(e))) => {
                    self.ended = Some(self.reason(Phase::Receive, e));
                    continue;
                }
                Poll::Ready(None) => {
                    self.ended = Some(self.reason(Phase::Receive, WsError::ConnectionClosed));
                    continue;
                }
            };
            // The keep-alives of streams may pass here, too. RFC 7118 §6, RFC 5626 §3.5.1
            if matches!(&*bytes, b"\r\n\r\n" | b"\r\n") {
                if bytes.len() == 4 && self.outgoing.is_empty() {
                    self.outgoing.push_back(Message::text("\r\n"));
                    self.waiting += 2;
                }
                continue;
            }
            self.fresh = false;
            into.clear();
            into.extend_from_slice(&bytes);
            return Poll::Ready(Ok(Received { from: self.peer, at: Instant::now() }));
        }
    }

    /// What an error means.
    fn reason(&self, phase: Phase, error: WsError) -> TransportError {
        let peer = self.peer;
        let failed = |kind, message| TransportError::new(phase, kind, message);
        match error {
            WsError::Io(e) => (self.explain)(phase, &e, self.fresh),
            WsError::ConnectionClosed | WsError::AlreadyClosed => {
                failed("closed", format!("{peer} closed the WebSocket"))
            }
            WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                (self.explain)(phase, &io::ErrorKind::UnexpectedEof.into(), self.fresh)
            }
            WsError::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
                failed("too-large", format!("{peer} sends a message of {size} bytes: {max_size} are taken"))
            }
            other => failed("io", format!("WebSocket with {peer} failed: {other}")),
        }
    }

    /// Says farewell.
    pub(super) async fn close(&mut self) {
        let _ = self.socket.close(None).await;
        // Until the peer has said it, too; what it sends before is passed over.
        while let Some(Ok(_)) = poll_fn(|cx| Pin::new(&mut self.socket).poll_next(cx)).await {}
        self.ended.get_or_insert_with(|| TransportError::new(Phase::Receive, "closed", "the line is closed"));
    }
}

/// Why a handshake failed.
fn refused(peer: SocketAddr, error: &WsError, first: Option<Vec<u8>>, explain: &Explain) -> TransportError {
    let failed = |kind, message| TransportError::new(Phase::WebSocket, kind, message);
    let plain = |first: &[u8]| {
        let line = first.split(|&b| b == b'\r' || b == b'\n').next().unwrap_or_default();
        failed("ws-refused", format!("{peer} does not speak WebSocket: it answered `{}`", Safe(line)))
            .with_hint("is this a port for plain SIP or HTTP?")
    };
    match error {
        WsError::Http(response) => {
            failed("ws-refused", format!("{peer} refuses WebSocket: HTTP {}", response.status()))
                .with_hint("is SIP over WebSocket served there, and under the path `/`?")
        }
        WsError::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => failed(
            "ws-refused",
            format!("{peer} speaks WebSocket, but not SIP over it: its answer lacks `{PROTOCOL}: sip` (RFC 7118 §4.1)"),
        ),
        WsError::Io(e) => {
            let mut gone = explain(Phase::WebSocket, e, true);
            if matches!(gone.kind, "closed" | "reset") {
                gone.message.push_str(" during the WebSocket handshake");
            }
            gone
        }
        WsError::Protocol(ProtocolError::HandshakeIncomplete) => match first {
            Some(first) if !first.is_empty() => plain(&first),
            _ => failed("closed", format!("{peer} closed the connection during the WebSocket handshake")),
        },
        other => match first {
            Some(first) if !first.starts_with(b"HTTP/") => plain(&first),
            _ => failed("ws-refused", format!("{peer} refuses WebSocket: {other}")),
        },
    }
}

/// Takes those who want SIP, and tells the others so. RFC 7118 §4.1
// The size of the error is tungstenite's choice.
#[allow(clippy::result_large_err)]
fn choose_sip(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let offered = request.headers().get_all(PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    if offered.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case(SIP)) {
        response.headers_mut().insert(PROTOCOL, HeaderValue::from_static(SIP));
        return Ok(response);
    }
    let mut refusal = ErrorResponse::new(Some(format!("SIP alone is spoken here: {PROTOCOL}: sip\n")));
    *refusal.status_mut() = StatusCode::BAD_REQUEST;
    Err(refusal)
}
