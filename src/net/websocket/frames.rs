//! Frames put together to messages, in one direction of a connection.

use super::header::{Header, MAX_HEADER, Opcode, Unsound};
use super::inflate::Inflater;
use super::{Deflate, MAX_MESSAGE, peek_payload};
use memchr::memchr2_iter;
use smallvec::SmallVec;

/// The longest frame that is passed over when it is too long for a message; beyond it the header is taken for damaged.
const MAX_SKIPPED: u64 = 16 << 20;

/// How much room a finished message may leave behind for the next, in bytes.
const KEPT_ROOM: usize = 64 * 1024;

/// How many readable bytes behind what could be a header show that it is one. Nobody sends a shorter SIP message.
const EVIDENCE: usize = 8;

/// Who sends in this direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// Who asked for the upgrade; it masks its frames.
    Client,
    /// Who granted it.
    Server,
}

/// What the frames hold, in the order in which it is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// A whole text or binary message.
    Message(&'a [u8]),
    /// A Ping with its application data.
    Ping(&'a [u8]),
    /// A Pong with its application data.
    Pong(&'a [u8]),
    /// A Close, with its status code if it has one.
    Close(Option<u16>),
    /// A message that could not be put together or inflated, or bytes that are no frame.
    Broken,
}

#[derive(Debug)]
enum Place {
    /// In a frame header, of which these bytes have come.
    Header(SmallVec<[u8; MAX_HEADER]>),
    /// In the payload of a frame, `done` bytes into it.
    Payload { header: Header, done: u64 },
    /// Somewhere: looking for the next frame.
    Lost,
}

/// The message whose frames are coming.
#[derive(Debug, Default)]
struct Message {
    open: bool,
    compressed: bool,
    /// Part of it is missing or it is too long: it is passed over.
    broken: bool,
    bytes: Vec<u8>,
}

/// One direction of a WebSocket connection, fed with the bytes behind the HTTP header.
#[derive(Debug)]
pub struct Frames {
    sender: Sender,
    keeps_window: bool,
    place: Place,
    message: Message,
    control: SmallVec<[u8; 125]>,
    inflater: Option<Box<Inflater>>,
}

impl Frames {
    /// The frames of `sender`. Messages marked as compressed are inflated even where nothing was agreed, as the
    /// agreement may not have been captured.
    #[must_use]
    pub fn new(deflate: Option<Deflate>, sender: Sender) -> Self {
        let agreed = deflate.unwrap_or_default();
        let forgets = match sender {
            Sender::Client => agreed.client_no_context_takeover,
            Sender::Server => agreed.server_no_context_takeover,
        };
        Frames {
            sender,
            keeps_window: !forgets,
            place: Place::Header(SmallVec::new()),
            message: Message::default(),
            control: SmallVec::new(),
            inflater: None,
        }
    }

    /// Takes in the next bytes of the stream, cut anywhere.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Event<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.place {
                Place::Header(_) => self.read_header(rest, sink),
                Place::Payload { header, done } => self.read_payload(header, done, rest, sink),
                Place::Lost => self.search(rest),
            };
        }
    }

    /// Says that `missing` bytes of the stream are missing here (0 where their number is not known). Where they end
    /// within the frame at hand only its message is lost; otherwise the next frame is searched for.
    pub fn gap(&mut self, missing: u64, sink: &mut dyn FnMut(Event<'_>)) {
        if let Place::Payload { header, done } = &mut self.place {
            let left = header.length.saturating_sub(*done);
            if missing > 0 && missing <= left && !header.is_control() {
                *done = done.saturating_add(missing);
                self.message.broken = true;
                self.end_of_payload(sink);
                return;
            }
        }
        if !matches!(self.place, Place::Lost) {
            self.lose(sink);
        }
    }

    /// How many bytes of an incomplete message or frame wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let header = if let Place::Header(seen) = &self.place { seen.len() } else { 0 };
        header + self.message.bytes.len() + self.control.len()
    }

    /// Gives up where it is.
    fn lose(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        self.place = Place::Lost;
        self.message = Message::default();
        self.control.clear();
        self.inflater = None;
        sink(Event::Broken);
    }

    fn read_header<'a>(&mut self, bytes: &'a [u8], sink: &mut dyn FnMut(Event<'_>)) -> &'a [u8] {
        let Place::Header(seen) = &mut self.place else { return bytes };
        let known = seen.len();
        let more = bytes.len().min(MAX_HEADER.saturating_sub(known));
        seen.extend_from_slice(&bytes[..more]);
        match Header::parse(seen) {
            Ok(None) => &bytes[more..],
            Ok(Some((header, len))) if self.begin_frame(header, sink) => &bytes[len.saturating_sub(known).min(more)..],
            Ok(Some(_)) | Err(Unsound) => {
                self.lose(sink);
                // The frame that is searched for does not start before the byte after this one.
                &bytes[1..]
            }
        }
    }

    /// Takes in a frame header. False where the frame cannot be real.
    fn begin_frame(&mut self, header: Header, sink: &mut dyn FnMut(Event<'_>)) -> bool {
        if header.length > MAX_SKIPPED {
            return false;
        }
        match header.opcode {
            Opcode::Text | Opcode::Binary => {
                if self.message.open {
                    sink(Event::Broken);
                }
                let bytes = std::mem::take(&mut self.message.bytes);
                self.message = Message { open: true, compressed: header.rsv1, broken: false, bytes };
                self.message.bytes.clear();
            }
            Opcode::Continuation if !self.message.open => {
                self.message = Message { open: true, broken: true, ..Message::default() };
            }
            _ => {}
        }
        self.place = Place::Payload { header, done: 0 };
        if header.length == 0 {
            self.end_of_payload(sink);
        }
        true
    }

    fn read_payload<'a>(
        &mut self,
        header: Header,
        done: u64,
        bytes: &'a [u8],
        sink: &mut dyn FnMut(Event<'_>),
    ) -> &'a [u8] {
        let left = header.length.saturating_sub(done);
        let (part, rest) = bytes.split_at(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
        let message = &mut self.message;
        if header.is_control() {
            let from = self.control.len();
            self.control.extend_from_slice(part);
            header.unmask(self.control.get_mut(from..).unwrap_or(&mut []), done);
        } else if message.broken || message.bytes.len().saturating_add(part.len()) > MAX_MESSAGE {
            message.broken = true;
            message.bytes = Vec::new();
        } else {
            let from = message.bytes.len();
            message.bytes.extend_from_slice(part);
            header.unmask(message.bytes.get_mut(from..).unwrap_or(&mut []), done);
        }
        self.place = Place::Payload { header, done: done.saturating_add(part.len() as u64) };
        self.end_of_payload(sink);
        rest
    }

    /// Ends the frame at hand where its payload is complete.
    fn end_of_payload(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        let Place::Payload { header, done } = self.place else { return };
        if done < header.length {
            return;
        }
        self.place = Place::Header(SmallVec::new());
        match header.opcode {
            Opcode::Ping => sink(Event::Ping(&self.control)),
            Opcode::Pong => sink(Event::Pong(&self.control)),
            Opcode::Close => {
                let code = self.control.first_chunk().map(|code| u16::from_be_bytes(*code));
                sink(Event::Close(code));
            }
            _ if header.fin => self.end_message(sink),
            _ => {}
        }
        self.control.clear();
    }

    fn end_message(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        let message = &mut self.message;
        message.open = false;
        if message.broken {
            if message.compressed {
                self.inflater = None;
            }
            sink(Event::Broken);
        } else if message.compressed {
            let inflater = self.inflater.get_or_insert_with(|| Box::new(Inflater::new(self.keeps_window)));
            sink(inflater.message(&message.bytes).map_or(Event::Broken, Event::Message));
        } else {
            sink(Event::Message(&message.bytes));
        }
        message.bytes.clear();
        message.bytes.shrink_to(KEPT_ROOM);
    }

    /// Passes over bytes to the next place where a frame seems to start.
    fn search<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let first = std::iter::once(0);
        let found = first.chain(memchr2_iter(0x81, 0x82, bytes)).find(|&at| self.could_start(bytes, at));
        match found {
            Some(at) => {
                self.place = Place::Header(SmallVec::new());
                &bytes[at..]
            }
            None => &[],
        }
    }

    /// Whether a whole message in readable characters seems to start at `at`: header bytes alone are too common.
    fn could_start(&self, bytes: &[u8], at: usize) -> bool {
        let here = bytes.get(at..).unwrap_or(&[]);
        let whole = here.first().is_some_and(|first| first & 0x80 != 0);
        let masked = here.get(1).is_some_and(|second| second & 0x80 != 0);
        let readable = |byte: &u8| matches!(byte, b'\r' | b'\n' | b'\t' | 0x20..=0x7e);
        whole
            && masked == (self.sender == Sender::Client)
            && peek_payload(here).is_some_and(|payload| payload.len() >= EVIDENCE && payload.iter().all(readable))
    }
}
