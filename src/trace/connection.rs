//! What one TCP connection carries: SIP, WebSocket, HEP, any of them inside TLS, or nothing of interest.

use super::batch::{Batch, Examiner, Sight};
use super::facts::Transport;
use super::incident::{Close, Shown, What};
use super::ports::Ports;
use super::witness::Witness;
use crate::base::{Flow, Timestamp};
use crate::net::tls::{self, KeyLog, TlsEvent};
use crate::net::websocket::{Handshake, Sender};
use crate::net::{Reason, Undecoded, hep, websocket};
use crate::sip::framer::{self, Frame, Framer};
use crate::sip::recognise;

/// A connection's state: which protocol each layer turned out to be.
#[derive(Debug, Default)]
pub struct Connection {
    /// The direction that spoke first is 0.
    first: Option<Flow>,
    tls: Option<Box<tls::Session>>,
    content: Content,
    closed: [bool; 2],
    /// Which direction the last message had.
    last: usize,
    witness: Witness,
    /// Whether the server's certificate was handed on.
    certificate_told: bool,
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
    /// Who looks at the grammar of messages.
    pub examiner: &'a mut Examiner,
    /// Where messages go.
    pub batch: &'a mut Batch,
    /// Whether a message was found.
    pub found: bool,
}

/// The protocol inside TCP, or inside TLS.
#[derive(Debug, Default)]
enum Content {
    /// Too few bytes to tell; what was seen in each direction.
    #[default]
    Unknown,
    /// Waiting for more of a first line.
    Waiting(Box<[Vec<u8>; 2]>),
    Sip(Box<[Stream; 2]>),
    WebSocket(Box<WebSocket>),
    Hep(Box<[hep::Framer; 2]>),
    /// Another protocol.
    Other,
}

/// One direction of a connection that carries SIP as it is.
#[derive(Debug)]
struct Stream {
    framer: Framer,
    /// Whether a message was found: then what is left at the end, in either direction, is the beginning of another.
    found: bool,
}

impl Stream {
    fn new() -> Self {
        Stream { framer: Framer::new(framer::Limits::default()), found: false }
    }

    fn push(&mut self, bytes: &[u8], transport: Transport, around: &mut Surroundings<'_>) {
        let found = &mut self.found;
        self.framer.push(bytes, &mut |frame| *found |= around.frame(transport, frame));
    }

    /// The end of the direction, or of what is whole of it; gives how many bytes are left over.
    fn finish(&mut self, transport: Transport, around: &mut Surroundings<'_>) -> usize {
        let found = &mut self.found;
        self.framer.finish(&mut |frame| *found |= around.frame(transport, frame))
    }
}

#[derive(Debug)]
struct WebSocket {
    /// HTTP header bytes of each direction, until its end is found.
    opening: [Option<Vec<u8>>; 2],
    frames: [websocket::Frames; 2],
}

/// Bytes of a certificate that is looked at.
const MOST_OF_CERTIFICATE: usize = 16 * 1024;
/// A first line is waited for within this many bytes.
const FIRST_LINE_CAP: usize = 512;

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
    pub fn gap(&mut self, bytes: u64, around: &mut Surroundings<'_>) {
        let direction = self.direction(around.sight.flow);
        match &mut self.tls {
            Some(session) => session.gap(direction, bytes),
            None => self.content.gap(direction, bytes, around),
        }
    }

    /// Takes the next bytes of a direction in. What it returns are whole HEP packets.
    pub fn data(&mut self, bytes: &[u8], around: &mut Surroundings<'_>) -> Vec<Vec<u8>> {
        let direction = self.direction(around.sight.flow);
        if self.tls.is_none() && matches!(self.content, Content::Unknown) && is_tls(bytes) {
            self.tls = Some(Box::default());
        }
        self.witness.data(direction, bytes, around.sight.time, around.sight.frame);
        let mut hep_packets = Vec::new();
        let Connection { tls, content, witness, .. } = self;
        match tls {
            None => content.data(direction, bytes, false, around, &mut hep_packets),
            Some(session) => {
                let keys = around.keys;
                session.push(direction, bytes, keys, &mut |event| match event {
                    TlsEvent::Data { direction: inner, bytes } => {
                        let sight = around.sight;
                        if inner != direction {
                            around.sight.flow = sight.flow.reversed();
                        }
                        content.data(inner, bytes, true, around, &mut hep_packets);
                        around.sight = sight;
                    }
                    TlsEvent::Undecryptable { reason, .. } => around.undecoded.count(reason),
                    TlsEvent::Alert { direction, alert: Some(alert), .. } => witness.alert(direction, alert),
                    _ => {}
                });
            }
        }
        self.witness.carried_sip |= around.found;
        if around.found {
            self.last = direction;
        }
        hep_packets
    }

    /// The side that spoke first, the other one, and whether they speak inside TLS.
    #[must_use]
    pub fn speakers(&self) -> Option<(Flow, bool)> {
        Some((self.first?, self.tls.is_some()))
    }

    /// The server's certificate, once, when both sides have gone on to talk under it; with the direction that spoke first.
    pub fn certificate(&mut self) -> Option<(Flow, Shown)> {
        if self.certificate_told || !self.witness.has_exchanged_data() {
            return None;
        }
        let info = self.tls.as_ref()?.info();
        // Up to TLS 1.2 data means that the handshake is over; in TLS 1.3 the handshake looks like it.
        if info.version == Some(tls::Version::Tls13) && !self.witness.carried_sip {
            return None;
        }
        let certificate = info.server_certificates.first()?;
        self.certificate_told = true;
        let server_name = info.server_name.as_deref().map(Box::from);
        let shown = Shown { server_name, certificate: certificate.as_slice().into() };
        self.first.filter(|_| certificate.len() <= MOST_OF_CERTIFICATE).map(|first| (first, shown))
    }

    /// Notes that a side ended, or reset the connection.
    pub fn ended(&mut self, flow: Flow, reset: bool, time: Timestamp, frame: u64) {
        self.witness.end(flow.src, reset, time, frame);
    }

    /// What the connection shows beside its messages, now that it is over, with the direction that spoke first and the frame that shows it.
    #[must_use]
    pub fn verdict(&self, ports: &Ports, now: Timestamp) -> Option<(Flow, What, Option<u64>)> {
        let first = self.first?;
        let held = |direction: usize| match &self.content {
            Content::Sip(streams) => streams.get(direction).is_some_and(|s| s.found && s.framer.pending() > 0),
            _ => false,
        };
        let info = self.tls.as_ref().map(|session| session.info());
        let what = self.witness.verdict(first, info, [held(0), held(1)], ports, now)?;
        Some((first, what, self.witness.frame()))
    }

    /// Bytes of incomplete messages that it holds.
    #[must_use]
    pub fn pending(&self) -> usize {
        match &self.content {
            Content::Sip(streams) => streams.iter().map(|s| s.framer.pending()).sum(),
            Content::WebSocket(ws) => {
                let opening: usize = ws.opening.iter().flatten().map(Vec::len).sum();
                opening + ws.frames.iter().map(websocket::Frames::waiting).sum::<usize>()
            }
            Content::Hep(framers) => framers.iter().map(hep::Framer::waiting).sum(),
            Content::Waiting(waiting) => waiting.iter().map(Vec::len).sum(),
            Content::Unknown | Content::Other => 0,
        }
    }

    /// Lets go of the incomplete message of the direction that spoke, and looks for the next one.
    pub fn let_go(&mut self, around: &mut Surroundings<'_>) {
        let direction = self.direction(around.sight.flow);
        self.content.gap(direction, 0, around);
    }

    /// Nothing follows: hands on what only waited for its end, and counts what is incomplete. Says whether the side that was spoken to closed the
    /// connection before it had answered, or within an answer.
    pub fn finish(&mut self, around: &mut Surroundings<'_>) -> Option<Close> {
        let Connection { tls, content, first, .. } = self;
        let first = first.unwrap_or(around.sight.flow);
        let mut hep_packets = Vec::new();
        if let Some(session) = tls {
            session.finish(&mut |event| match event {
                TlsEvent::Data { direction, bytes } => {
                    around.sight.flow = if direction == 0 { first } else { first.reversed() };
                    content.data(direction, bytes, true, around, &mut hep_packets);
                }
                TlsEvent::Undecryptable { reason, .. } => around.undecoded.count(reason),
                _ => {}
            });
        }
        let transport = if tls.is_some() { Transport::Tls } else { Transport::Tcp };
        let mut left = 0;
        for direction in [0, 1] {
            around.sight.flow = if direction == 0 { first } else { first.reversed() };
            left = self.content.end(direction, transport, around);
        }
        // Whoever spoke last may wait for an answer.
        self.witness.closed(first, left).filter(|_| left > 0 || self.last == 0)
    }
}

/// Whether the first bytes of a WebSocket message may be those of a SIP message: `SIP/2.0`, or a method.
fn could_start(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SIP/2") || (bytes.len() >= 4 && bytes[..4].iter().all(|b| b.is_ascii_uppercase() || *b == b' '))
}

/// Whether a connection starts (or is joined) in TLS.
fn is_tls(bytes: &[u8]) -> bool {
    tls::looks_like_client_hello(bytes) == Some(true) || tls::looks_like_record(bytes) == Some(true)
}

impl Content {
    fn gap(&mut self, direction: usize, bytes: u64, around: &mut Surroundings<'_>) {
        match self {
            Content::Sip(streams) => {
                // What only waited for its end, for want of a Content-Length, ends here.
                streams[direction].finish(Transport::Tcp, around);
                streams[direction].framer.gap();
            }
            Content::WebSocket(ws) => {
                ws.frames[direction].gap(bytes, &mut |event| around.web_socket(Transport::Ws, event));
            }
            Content::Hep(framers) => framers[direction].gap(),
            Content::Waiting(waiting) => waiting[direction].clear(),
            Content::Unknown | Content::Other => {}
        }
    }

    /// The end of a direction; gives how many bytes of a SIP message are left over.
    fn end(&mut self, direction: usize, transport: Transport, around: &mut Surroundings<'_>) -> usize {
        let (mut is_incomplete, mut left) = (false, 0);
        match self {
            Content::Sip(streams) => {
                left = streams[direction].finish(transport, around);
                // Who never got beyond the beginning of an answer spoke SIP, too.
                is_incomplete = left > 0 && streams.iter().any(|stream| stream.found);
            }
            Content::WebSocket(ws) => {
                is_incomplete = ws.frames[direction].waiting() > 0 && ws.opening[direction].is_none()
            }
            Content::Waiting(waiting) => is_incomplete = recognise::is_sip(&waiting[direction]),
            Content::Unknown | Content::Hep(_) | Content::Other => {}
        }
        if is_incomplete && around.asked {
            around.undecoded.count(Reason::MessageIncomplete);
        }
        left
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
        Content::Sip(Box::new([Stream::new(), Stream::new()]))
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
            let is_ws = websocket::looks_like_frame(bytes) && inside.is_some_and(|p| could_start(&p));
            return Some(if is_ws { Content::WebSocket(Box::new(WebSocket::joined())) } else { Content::sip() });
        }
        let line_end = memchr::memchr(b'\n', text);
        let line = &text[..line_end.unwrap_or(text.len())];
        let has = |what: &[u8]| memchr::memmem::find(line, what).is_some();
        if has(b"SIP/") || has(b"sip/") {
            return Some(Content::sip());
        }
        line_end?;
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
            Content::Sip(streams) => streams[direction].push(bytes, transport, around),
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
            self.batch.message(self.sight, transport, message, self.examiner);
        }
    }

    /// Takes what a framer cut; `true` for a message.
    fn frame(&mut self, transport: Transport, frame: Frame<'_>) -> bool {
        let Frame::Message(message) = frame else { return false };
        self.message(transport, message);
        self.found = true;
        true
    }

    fn web_socket(&mut self, transport: Transport, event: websocket::Event<'_>) {
        match event {
            websocket::Event::Message(message) if recognise::is_sip(message) => {
                self.message(transport, message);
                self.found = true;
            }
            websocket::Event::Broken => self.undecoded.count(Reason::WebSocketBroken),
            _ => {}
        }
    }
}

impl WebSocket {
    /// A connection that starts with HTTP.
    fn opening() -> Self {
        WebSocket { opening: [Some(Vec::new()), Some(Vec::new())], frames: decoders(None, true) }
    }

    /// A connection that was joined in the middle of its frames; who masks them is seen at each frame.
    fn joined() -> Self {
        WebSocket { opening: [None, None], frames: decoders(None, true) }
    }

    /// Takes bytes in; `false` where the connection turns out to be plain HTTP.
    fn data(&mut self, direction: usize, bytes: &[u8], transport: Transport, around: &mut Surroundings<'_>) -> bool {
        let Some(mut header) = self.opening[direction].take() else {
            self.frames[direction].push(bytes, &mut |event| around.web_socket(transport, event));
            return true;
        };
        header.extend_from_slice(bytes);
        let len = match (websocket::upgrade_request(&header), websocket::upgrade_response(&header)) {
            (Handshake::Upgrade(request), _) => request.len,
            (_, Handshake::Upgrade(response)) => {
                // Only the response decides what is agreed, and only now is it certain who the client is.
                self.frames = decoders(response.deflate, direction == 1);
                response.len
            }
            (Handshake::Incomplete, _) | (_, Handshake::Incomplete) => {
                self.opening[direction] = Some(header);
                return true;
            }
            _ => return false,
        };
        let rest = header.get(len..).unwrap_or(&[]);
        self.frames[direction].push(rest, &mut |event| around.web_socket(transport, event));
        true
    }
}

/// Frame decoders of both directions.
fn decoders(deflate: Option<websocket::Deflate>, first_is_client: bool) -> [websocket::Frames; 2] {
    let (first, second) =
        if first_is_client { (Sender::Client, Sender::Server) } else { (Sender::Server, Sender::Client) };
    [websocket::Frames::new(deflate, first), websocket::Frames::new(deflate, second)]
}
