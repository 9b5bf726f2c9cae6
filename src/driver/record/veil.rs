//! Secrets in the bytes of a connection, struck out before they are saved. Every byte keeps its place, and TLS records stay
//! as they are: struck out, they could not be opened any more.

use crate::sip::secrets;
use std::borrow::Cow;

/// The longest line that is remembered from one piece of a stream to the next.
const LINE: usize = 65_536;

/// Whether a connection's bytes are looked at, and what is known of them.
#[derive(Debug, Default)]
pub struct Veil {
    shows_all: bool,
    kind: Kind,
    directions: [Direction; 2],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Kind {
    /// Nothing came yet.
    #[default]
    Unknown,
    Plain,
    Tls,
    WebSocket,
}

#[derive(Debug, Default)]
struct Direction {
    /// The line that is not complete yet, with those that it continues.
    line: Vec<u8>,
    frame: Frame,
    /// Whether the HTTP header is over.
    upgraded: bool,
    /// The last bytes of the HTTP header, in which its end is looked for.
    tail: [u8; 4],
}

/// Where in a WebSocket frame a direction stands. RFC 6455 §5.2
#[derive(Debug, Default)]
struct Frame {
    header: Vec<u8>,
    /// Bytes of payload that are missing.
    left: u64,
    key: [u8; 4],
    /// Position in the payload, for the key.
    at: usize,
}

impl Veil {
    /// A veil over a new connection, or (`shows_all`) none.
    #[must_use]
    pub fn new(shows_all: bool) -> Self {
        Veil { shows_all, ..Veil::default() }
    }

    /// The bytes that `from` (0 the client, 1 the server) sent, as they may be saved.
    pub fn hide<'a>(&mut self, from: usize, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.shows_all || bytes.is_empty() {
            return Cow::Borrowed(bytes);
        }
        if self.kind == Kind::Unknown {
            self.kind = match bytes {
                [0x16, 3, ..] => Kind::Tls,
                [b'G', b'E', b'T', b' ', ..] => Kind::WebSocket,
                _ => Kind::Plain,
            };
        }
        let Some(direction) = self.directions.get_mut(from) else { return Cow::Borrowed(bytes) };
        match self.kind {
            Kind::Unknown | Kind::Tls => Cow::Borrowed(bytes),
            Kind::Plain => direction.text(bytes),
            Kind::WebSocket => direction.frames(bytes),
        }
    }
}

impl Direction {
    /// Text, whose last line may go on in the next piece.
    fn text<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let hidden = if self.line.is_empty() {
            secrets::hide(bytes)
        } else {
            let before = self.line.len();
            self.line.extend_from_slice(bytes);
            let whole = secrets::hide(&self.line);
            Cow::Owned(whole.get(before..).unwrap_or_default().to_vec())
        };
        let start = unfinished(if self.line.is_empty() { bytes } else { &self.line });
        if self.line.is_empty() {
            self.line.extend_from_slice(bytes.get(start..).unwrap_or_default());
        } else {
            self.line.drain(..start);
        }
        if self.line.len() > LINE {
            self.line.clear();
        }
        hidden
    }

    /// An HTTP header, then frames.
    fn frames<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut shown = bytes.to_vec();
        let mut at = 0;
        while !self.upgraded && at < bytes.len() {
            self.tail.rotate_left(1);
            self.tail[3] = bytes[at];
            at += 1;
            self.upgraded = self.tail == *b"\r\n\r\n";
        }
        while at < shown.len() {
            if self.frame.left == 0 {
                self.frame.header.push(shown[at]);
                at += 1;
                if self.frame.read_header() {
                    self.line.clear();
                }
                continue;
            }
            let length = usize::try_from(self.frame.left).unwrap_or(usize::MAX).min(shown.len() - at);
            let Some(payload) = shown.get_mut(at..at + length) else { break };
            self.frame.cover(payload);
            if let Cow::Owned(hidden) = self.text(payload) {
                payload.copy_from_slice(&hidden);
            }
            self.frame.cover(payload);
            self.frame.pass(length);
            at += length;
        }
        Cow::Owned(shown)
    }
}

impl Frame {
    /// Reads the header as far as it is there; `true` where a frame with a payload begins.
    fn read_header(&mut self) -> bool {
        let (Some(&first), Some(&second)) = (self.header.first(), self.header.get(1)) else { return false };
        let (extended, masked) = (
            match second & 0x7f {
                126 => 2,
                127 => 8,
                _ => 0,
            },
            second & 0x80 != 0,
        );
        let needed = 2 + extended + if masked { 4 } else { 0 };
        if self.header.len() < needed {
            return false;
        }
        let digits = self.header.get(2..2 + extended).unwrap_or_default();
        self.left = match extended {
            0 => u64::from(second & 0x7f),
            _ => digits.iter().fold(0, |n, &digit| n << 8 | u64::from(digit)),
        };
        self.key = match self.header.last_chunk::<4>() {
            Some(key) if masked => *key,
            _ => [0; 4],
        };
        self.at = 0;
        self.header.clear();
        // A continuation goes on with the line of the frame before it.
        self.left > 0 && first & 0x0f != 0
    }

    /// Takes the mask off a piece of payload, or puts it on. RFC 6455 §5.3
    fn cover(&self, payload: &mut [u8]) {
        for (n, byte) in payload.iter_mut().enumerate() {
            *byte ^= self.key[(self.at + n) % 4];
        }
    }

    fn pass(&mut self, length: usize) {
        self.at = (self.at + length) % 4;
        self.left = self.left.saturating_sub(length as u64);
    }
}

/// Where the last line begins that is not complete, or that the next line may continue.
fn unfinished(bytes: &[u8]) -> usize {
    let mut end = bytes.len();
    loop {
        let Some(text) = bytes.get(..end.saturating_sub(1)) else { return 0 };
        let start = memchr::memrchr(b'\n', text).map_or(0, |at| at + 1);
        let folded = matches!(bytes.get(start), Some(b' ' | b'\t'));
        if start == 0 || !folded {
            return start;
        }
        end = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"REGISTER sip:a SIP/2.0\r\nAuthorization: Basic YWxh\r\n ZGRpbg==\r\nTo: x\r\n\r\n";
    const HIDDEN: &[u8] = b"REGISTER sip:a SIP/2.0\r\nAuthorization: Basic ****\r\n ********\r\nTo: x\r\n\r\n";

    /// Puts `bytes` through in pieces of every size and gives what comes out.
    fn cut(bytes: &[u8], size: usize, before: &[u8]) -> Vec<u8> {
        let mut veil = Veil::default();
        veil.hide(0, before);
        bytes.chunks(size).flat_map(|piece| veil.hide(0, piece).into_owned()).collect()
    }

    #[test]
    fn secrets_are_struck_out_however_a_stream_is_cut() {
        for size in 1..=REQUEST.len() {
            let twice = [REQUEST, REQUEST].concat();
            assert_eq!(
                String::from_utf8(cut(&twice, size, b"")).unwrap(),
                String::from_utf8([HIDDEN, HIDDEN].concat()).unwrap(),
                "{size}"
            );
        }
    }

    fn masked(payload: &[u8]) -> Vec<u8> {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let mut frame = vec![0x81, 0x80 | payload.len() as u8];
        frame.extend(key);
        frame.extend(payload.iter().enumerate().map(|(n, b)| b ^ key[n % 4]));
        frame
    }

    #[test]
    fn masked_frames_keep_their_mask() {
        let http = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
        for size in 1..200 {
            let frames = [masked(REQUEST), masked(b"pong"), masked(REQUEST)].concat();
            let expected = [masked(HIDDEN), masked(b"pong"), masked(HIDDEN)].concat();
            assert_eq!(cut(&frames, size, http), expected, "{size}");
        }
    }

    #[test]
    fn long_frames_of_a_server_are_read_by_their_length() {
        let mut veil = Veil::default();
        veil.hide(0, b"GET / HTTP/1.1\r\n\r\n");
        let body = [REQUEST, &[b'x'; 70_000]].concat();
        let mut frame = vec![0x81, 127];
        frame.extend((body.len() as u64).to_be_bytes());
        frame.extend(&body);
        let shown = veil.hide(1, b"HTTP/1.1 101 Switching Protocols\r\n\r\n").into_owned();
        assert!(shown.starts_with(b"HTTP/1.1 101"));
        let shown = veil.hide(1, &frame);
        assert_eq!(&shown[10..10 + HIDDEN.len()], HIDDEN);
    }

    #[test]
    fn tls_records_and_what_is_to_be_shown_stay_as_they_are() {
        let record = [&[0x16, 3, 1, 0, 40][..], b"\nk=clear:secret\nAuthorization: Basic x\n"].concat();
        assert_eq!(*Veil::default().hide(0, &record), *record);
        let mut open = Veil::new(true);
        assert_eq!(*open.hide(0, REQUEST), *REQUEST);
    }
}
