//! What one TCP connection carries: SIP, WebSocket, HEP, any of them inside TLS, or nothing of interest.

use super::batch::{Batch, Sight};
use super::facts::Transport;
use crate::base::Flow;
use crate::net::tls::{self, KeyLog, TlsEvent};
use crate::net::{Reason, Undecoded, hep, websocket};
use crate::sip::framer::{Frame, Framer};
use crate::sip::recognise;

/// A connection's state: which protocol each layer turned out to be.
#[derive(Debug, Default)]
pub struct Connection {
    /// The direction that spoke first is 0.
    first: Option<Flow>,
    tls: Option<Box<tls::Session>>,
    content: Content,
    closed: [bool; 2],
}

/// What a direction of a connection needs to take bytes in.
pub struct Surroundings<'a> {
    /// Where and when the bytes were seen.
    pub sight: Sight,
    /// Whether SIP on these ports is asked for.
    pub asked: bool,
    /// Secrets.
    pub keys: &'a KeyLog,
    /// Where failures are counted.
    pub undecoded: &'a mut Undecoded,
    /// Where messages go.
    pub batch: &'a mut Batch,
}

/// The protocol inside TCP, or inside TLS.
#[derive(Debug, Default)]
enum Content {
    /// Too few bytes to tell; what was seen in each direction.
    #[default]
    Unknown,
    /// Waiting for more of a first line.
    Waiting(Box<[Vec<u8>; 2]>),
    Sip(Box<[Framer; 2]>),
    WebSocket(Box<WebSocket>),
    Hep(Box<[hep::Framer; 2]>),
    /// Another protocol.
    Other,
}

#[derive(Debug)]
struct WebSocket {
    /// HTTP header bytes of each direction, until its end is found.
    opening: [Option<Vec<u8>>; 2],
    frames: [websocket::Frames; 2],
}

/// A first line is waited for within this many bytes.
const FIRST_LINE_CAP: usize = 512;
/// An HTTP header section is waited for within this many bytes.
const HTTP_CAP: usize = 16 * 1024;

impl Connection {
    fn direction(&mut self, flow: Flow) -> usize {
        let first = *self.first.get_or_insert(flow);
        usize::from(first != flow)
    }

    /// Notes that a direction ended; `true` when both have.
    pub fn close(&mut self, flow: Flow) -> bool {
        let direction = self.direction(flow);
        self.closed[direction] = true;
        self.closed == [true, true]
    }

    /// Notes that bytes of a direction are missing.
    pub fn gap(&mut self, flow: Flow) {
        let direction = self.direction(flow);
        match &mut self.tls {
            Some(session) => session.gap(direction == 0),
            None => self.content.gap(direction),
        }
    }

    /// Takes the next bytes of a direction in. What it returns are whole HEP packets.
    pub fn data(&mut self, bytes: &[u8], around: &mut Surroundings<'_>) -> Vec<Vec<u8>> {
        let direction = self.direction(around.sight.flow);
        if self.tls.is_none() && matches!(self.content, Content::Unknown) && is_tls(bytes) {
            self.tls = Some(Box::default());
        }
        let mut hep_packets = Vec::new();
        let Connection { tls, content, .. } = self;
        match tls {
            None => content.data(direction, bytes, false, around, &mut hep_packets),
            Some(session) => {
                let keys = around.keys;
                session.push(direction == 0, bytes, keys, &mut |event| match event {
                    TlsEvent::Data { from_first, bytes } => {
                        let inner = usize::from(!from_first);
                        let sight = around.sight;
                        if inner != direction {
                            around.sight.flow = sight.flow.reversed();
                        }
                        content.data(inner, bytes, true, around, &mut hep_packets);
                        around.sight = sight;
                    }
                    TlsEvent::Undecryptable(reason) => around.undecoded.count(reason),
                    _ => {}
                });
            }
        }
        hep_packets
    }

    /// Counts what is still waiting for more.
    pub fn finish(&mut self, undecoded: &mut Undecoded) {
        if let Content::Sip(framers) = &mut self.content {
            for framer in framers.iter_mut() {
                if framer.finish() > 0 {
                    undecoded.count(Reason::MessageIncomplete);
                }
            }
        }
    }
}

/// Whether a connection starts (or is joined) in TLS.
fn is_tls(bytes: &[u8]) -> bool {
    tls::looks_like_client_hello(bytes).unwrap_or(false) || tls::looks_like_record(bytes)
}

impl Content {
    fn gap(&mut self, direction: usize) {
        match self {
            Content::Sip(framers) => framers[direction].gap(),
            Content::WebSocket(ws) => ws.frames[direction].gap(),
            Content::Hep(framers) => framers[direction].gap(),
            Content::Waiting(waiting) => waiting[direction].clear(),
            Content::Unknown | Content::Other => {}
        }
    }

    fn data(
        &mut self,
        direction: usize,
        bytes: &[u8],
        secure: bool,
        around: &mut Surroundings<'_>,
        hep_packets: &mut Vec<Vec<u8>>,
    ) {
        if matches!(self, Content::Unknown) {
            match Self::first_sight(bytes) {
                Some(content) => *self = content,
                None => *self = Content::Waiting(Box::default()),
            }
        }
        if let Content::Waiting(waiting) = self {
            let buffer = &mut waiting[direction];
            buffer.extend_from_slice(bytes);
            let enough = buffer.len() >= FIRST_LINE_CAP;
            let Some(mut decided) = Self::first_sight(buffer).or_else(|| enough.then(Self::sip)) else { return };
            let [first, second] = std::mem::take(&mut **waiting);
            for (d, held) in [first, second].into_iter().enumerate() {
                decided.run(d, &held, secure, around, hep_packets, direction);
            }
            *self = decided;
            return;
        }
        self.run(direction, bytes, secure, around, hep_packets, direction);
    }

    fn sip() -> Content {
        Content::Sip(Box::default())
    }

    /// What a connection carries, by its first bytes; `None` while they are too few.
    fn first_sight(bytes: &[u8]) -> Option<Content> {
        if hep::looks_like(bytes) {
            return Some(Content::Hep(Box::default()));
        }
        let text = bytes.trim_ascii_start();
        let printable = text.iter().take(16).all(|b| (0x20..0x7f).contains(b) || matches!(b, b'\r' | b'\n' | b'\t'));
        if !printable {
            let inside = websocket::peek_payload(bytes);
            let is_ws = websocket::looks_like_frame(bytes) && inside.is_some_and(|p| recognise::could_start(&p));
            return Some(if is_ws { Content::WebSocket(Box::new(WebSocket::joined())) } else { Content::sip() });
        }
        let line_end = memchr::memchr(b'\n', text);
        let line = &text[..line_end.unwrap_or(text.len())];
        let has = |what: &[u8]| memchr::memmem::find(line, what).is_some();
        if has(b"SIP/") || has(b"sip/") {
            return Some(Content::sip());
        }
        if line_end.is_none() {
            return None;
        }
        Some(match () {
            () if has(b" HTTP/1.") => Content::WebSocket(Box::new(WebSocket::opening())),
            () if has(b"HTTP/1.1 101") => Content::WebSocket(Box::new(WebSocket::opening())),
            () if has(b"HTTP/") || has(b"RTSP/") => Content::Other,
            () => Content::sip(),
        })
    }

    fn run(
        &mut self,
        direction: usize,
        bytes: &[u8],
        secure: bool,
        around: &mut Surroundings<'_>,
        hep_packets: &mut Vec<Vec<u8>>,
        of_sight: usize,
    ) {
        if bytes.is_empty() {
            return;
        }
        let seen = around.sight;
        if direction != of_sight {
            around.sight.flow = seen.flow.reversed();
        }
        let transport = match (&self, secure) {
            (Content::WebSocket(_), false) => Transport::Ws,
            (Content::WebSocket(_), true) => Transport::Wss,
            (_, true) => Transport::Tls,
            (_, false) => Transport::Tcp,
        };
        let mut is_other = false;
        match self {
            Content::Sip(framers) => framers[direction].push(bytes, &mut |frame| match frame {
                Frame::Message(message) => around.message(transport, message),
                Frame::KeepAlive(_) | Frame::Garbage(_) => {}
            }),
            Content::Hep(framers) => framers[direction].push(bytes, &mut |packet| hep_packets.push(packet.to_vec())),
            Content::WebSocket(ws) => is_other = !ws.data(direction, bytes, transport, around),
            Content::Unknown | Content::Waiting(_) | Content::Other => {}
        }
        if is_other {
            *self = Content::Other;
        }
        around.sight = seen;
    }
}

impl Surroundings<'_> {
    fn message(&mut self, transport: Transport, message: &[u8]) {
        if self.asked {
            self.batch.message(self.sight, transport, message);
        }
    }
}

impl WebSocket {
    /// A connection that starts with HTTP.
    fn opening() -> Self {
        WebSocket { opening: [Some(Vec::new()), Some(Vec::new())], frames: Default::default() }
    }

    /// A connection that was joined in the middle of its frames.
    fn joined() -> Self {
        WebSocket { opening: [None, None], frames: Default::default() }
    }

    /// Takes bytes in; `false` where the connection turns out to be plain HTTP.
    fn data(&mut self, direction: usize, bytes: &[u8], transport: Transport, around: &mut Surroundings<'_>) -> bool {
        let Some(mut header) = self.opening[direction].take() else {
            self.frames(direction, bytes, transport, around);
            return true;
        };
        header.extend_from_slice(bytes);
        let Some(end) = memchr::memmem::find(&header, b"\r\n\r\n").map(|at| at + 4) else {
            let goes_on = header.len() <= HTTP_CAP;
            self.opening[direction] = Some(header);
            return goes_on;
        };
        let (head, rest) = header.split_at(end);
        if let Some(upgrade) = websocket::upgrade_response(head) {
            let [to_server, to_client] = upgrade.decoders();
            self.frames = if direction == 0 { [to_client, to_server] } else { [to_server, to_client] };
        } else if !websocket::is_upgrade_request(head) {
            return false;
        }
        self.frames(direction, rest, transport, around);
        true
    }

    fn frames(&mut self, direction: usize, bytes: &[u8], transport: Transport, around: &mut Surroundings<'_>) {
        self.frames[direction].push(bytes, &mut |event| match event {
            websocket::Event::Message(message) if recognise::is_sip(message) => around.message(transport, message),
            websocket::Event::Broken => around.undecoded.count(Reason::WebSocketBroken),
            _ => {}
        });
    }
}
