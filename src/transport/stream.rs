//! Whole messages over a stream of bytes: TCP, TLS.

use super::tapped::Duplex;
use super::{Phase, Received, TransportError};
use crate::base::Safe;
use crate::sip::framer::{Frame, Framer, Limits};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Bytes read at once.
const READ: usize = 16 << 10;
/// Bytes that may wait for a peer that does not read.
const MAX_WAITING: usize = 1 << 20;
/// Bytes between messages that are no SIP, before the line is given up.
const MAX_GARBAGE: usize = 1 << 20;
/// What is kept of them for people.
const SAMPLE: usize = 60;

/// Says what an error of the connection means; told whether no message came yet.
pub(super) type Explain = Box<dyn Fn(Phase, &io::Error, bool) -> TransportError + Send>;

/// A connection that carries messages.
pub(super) struct Stream {
    io: Box<dyn Duplex>,
    peer: SocketAddr,
    explain: Explain,
    framer: Framer,
    /// Messages that were cut out and not yet taken; bounded, because nothing is read while there is one.
    ready: VecDeque<Vec<u8>>,
    inbox: Box<[u8]>,
    /// What is to be written, and how much of it was: a future that is dropped in between loses nothing.
    outgoing: Vec<u8>,
    written: usize,
    unflushed: bool,
    /// CR and LF that came since the last message or the last pong.
    line_ends: usize,
    garbage: usize,
    sample: Vec<u8>,
    messages: u64,
    ended: Option<TransportError>,
}

impl Stream {
    pub(super) fn new(io: Box<dyn Duplex>, peer: SocketAddr, limits: Limits, explain: Explain) -> Self {
        Stream {
            io,
            peer,
            explain,
            framer: Framer::new(limits),
            ready: VecDeque::new(),
            inbox: vec![0; READ].into(),
            outgoing: Vec::new(),
            written: 0,
            unflushed: false,
            line_ends: 0,
            garbage: 0,
            sample: Vec::new(),
            messages: 0,
            ended: None,
        }
    }

    /// Takes a message to be written, and writes what goes at once. What remains is written while [`Stream::receive`] waits.
    pub(super) async fn send(&mut self, message: &[u8]) -> Result<(), TransportError> {
        if self.waiting() > MAX_WAITING {
            let message = format!("cannot send to {}: it does not read, {} bytes wait", self.peer, self.waiting());
            return Err(TransportError::new(Phase::Send, "timeout", message));
        }
        self.outgoing.drain(..self.written);
        self.written = 0;
        self.outgoing.extend_from_slice(message);
        poll_fn(|cx| {
            let written = self.poll_write_out(cx);
            Poll::Ready(written.map_err(|e| self.reason(cx, &e)))
        })
        .await
    }

    /// Why writing failed: what the peer said before it went away is more than that it went away.
    fn reason(&mut self, cx: &mut Context<'_>, error: &io::Error) -> TransportError {
        let mut unused = Vec::new();
        if let Poll::Ready(Err(said)) = self.poll_receive(cx, &mut unused)
            && !matches!(said.kind, "closed" | "reset")
        {
            return said;
        }
        if !unused.is_empty() {
            self.ready.push_front(unused);
        }
        (self.explain)(Phase::Send, error, self.messages == 0)
    }

    /// Bytes that wait for the peer to read.
    pub(super) fn waiting(&self) -> usize {
        self.outgoing.len() - self.written
    }

    /// Bytes of an incomplete message.
    pub(super) fn pending(&self) -> usize {
        self.framer.pending()
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Result<(), io::Error> {
        while let Some(rest) = self.outgoing.get(self.written..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.io).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    self.written += written;
                    self.unflushed = true;
                }
                Poll::Ready(Err(e)) => return Err(e),
                Poll::Pending => break,
            }
        }
        if self.waiting() == 0 && self.written > 0 {
            self.outgoing.clear();
            self.written = 0;
            // One long message must not hold its memory for the rest of the connection.
            if self.outgoing.capacity() > READ {
                self.outgoing = Vec::new();
            }
        }
        if self.unflushed {
            match Pin::new(&mut self.io).poll_flush(cx) {
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
            if let Some(message) = self.ready.pop_front() {
                into.clear();
                into.extend_from_slice(&message);
                return Poll::Ready(Ok(Received { from: self.peer, at: Instant::now() }));
            }
            if let Some(ended) = &self.ended {
                return Poll::Ready(Err(ended.clone()));
            }
            // A peer that took no more may have sent its reason: an error of writing shows again when reading ends.
            let _ = self.poll_write_out(cx);
            let mut buffer = ReadBuf::new(&mut self.inbox);
            match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(e)) => self.end(Some(&e)),
                Poll::Ready(Ok(())) => match buffer.filled().len() {
                    0 => self.end(None),
                    length => self.cut(length),
                },
            }
        }
    }

    /// Cuts messages from what was read.
    fn cut(&mut self, length: usize) {
        let Stream { framer, ready, inbox, line_ends, garbage, sample, messages, .. } = self;
        let bytes = inbox.get(..length).unwrap_or_default();
        if *messages == 0 && sample.len() < SAMPLE {
            let room = (SAMPLE - sample.len()).min(bytes.len());
            sample.extend_from_slice(&bytes[..room]);
        }
        framer.push(bytes, &mut |frame| match frame {
            Frame::Message(message) => {
                *line_ends = 0;
                *garbage = 0;
                *messages += 1;
                ready.push_back(message.to_vec());
            }
            Frame::KeepAlive(bytes) => *line_ends = line_ends.saturating_add(bytes),
            Frame::Garbage(bytes) => *garbage = garbage.saturating_add(bytes),
        });
        // A ping is a double CRLF and is answered by a single one, which is swallowed where it comes to us. One pong for
        // what was read at once: a flood of pings is not answered by a flood. RFC 5626 §3.5.1
        if self.line_ends >= 4 {
            self.line_ends %= 4;
            if self.waiting() < READ {
                self.outgoing.extend_from_slice(b"\r\n");
            }
        }
        if self.garbage > MAX_GARBAGE {
            let message = format!("{} sends what is not SIP: {}", self.peer, self.shown());
            self.ended = Some(TransportError::new(Phase::Receive, "io", message));
        }
    }

    fn shown(&self) -> String {
        let line = self.sample.split(|&b| b == b'\r' || b == b'\n').next().unwrap_or_default();
        format!("`{}`", Safe(line))
    }

    /// Nothing more will come.
    fn end(&mut self, error: Option<&io::Error>) {
        let Stream { framer, ready, messages, .. } = self;
        let left = framer.finish(&mut |frame| {
            if let Frame::Message(message) = frame {
                *messages += 1;
                ready.push_back(message.to_vec());
            }
        });
        let mut ended = match error {
            None => TransportError::new(Phase::Receive, "closed", format!("{} closed the connection", self.peer)),
            Some(e) => (self.explain)(Phase::Receive, e, self.messages == 0),
        };
        if error.is_none() {
            if self.messages == 0 && self.garbage > 0 {
                ended.message =
                    format!("{} sent what is not SIP, {}, and closed the connection", self.peer, self.shown());
                ended.hint = "is this the port of another service?".to_owned();
            } else if left > 0 {
                ended.message =
                    format!("{} closed the connection in the middle of a message ({left} bytes)", self.peer);
            } else {
                ended = (self.explain)(Phase::Receive, &io::ErrorKind::UnexpectedEof.into(), self.messages == 0);
            }
        }
        self.ended = Some(ended);
    }

    /// Ends the connection in good order.
    pub(super) async fn close(&mut self) {
        poll_fn(|cx| {
            let done = self.poll_write_out(cx).is_err() || (self.waiting() == 0 && !self.unflushed);
            if done { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let _ = self.io.shutdown().await;
        self.ended.get_or_insert_with(|| TransportError::new(Phase::Receive, "closed", "the line is closed"));
    }
}

/// What an error of a connection without TLS means.
pub(super) fn explain_plain(peer: SocketAddr, phase: Phase, error: &io::Error) -> TransportError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => TransportError::new(phase, "closed", format!("{peer} closed the connection")),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            TransportError::new(phase, "reset", format!("{peer} reset the connection"))
        }
        _ => {
            let tried = if phase == Phase::Send { "cannot send to" } else { "cannot receive from" };
            TransportError::of_io(phase, &format!("{tried} {peer}"), error)
        }
    }
}
