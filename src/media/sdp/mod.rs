//! Session descriptions. RFC 8866
//!
//! A view over the bytes, in one pass over the lines: what a call needs of every description (origin, connection, media lines)
//! is placed, the attributes are read when somebody asks. Nothing is refused: what is wrong becomes a [`Defect`], and the rest
//! is read all the same.

mod attribute;
mod defect;
mod line;
mod media;
mod moved;

#[cfg(test)]
mod tests;

pub use attribute::{Attribute, Bandwidth, Connection, Crypto, Direction, Origin, RtcpAttribute, RtpMap, Setup};
pub use defect::{Defect, DefectKind};
pub use media::MediaDescription;
pub(in crate::media) use media::{payload_type, whole_number};
pub use moved::{Move, Place, moved};

use crate::base::Span;
use line::{Line, Lines};
use smallvec::SmallVec;

/// Media descriptions kept; more are counted.
const MAX_MEDIA: usize = 64;
/// Lines read; more are counted.
const MAX_LINES: usize = 4096;
/// Defects kept; more are counted.
const MAX_DEFECTS: usize = 32;

/// A session description.
#[derive(Clone, Debug)]
pub struct Session<'a> {
    /// The value of `o=`; empty where there is none.
    pub origin_line: &'a [u8],
    /// The session's name, `s=`; empty where there is none.
    pub name: &'a [u8],
    /// The media descriptions, in order; one for each `m=` line, however broken.
    pub media: SmallVec<[MediaDescription<'a>; 2]>,
    /// What is wrong, as far as lines go.
    pub defects: SmallVec<[Defect; 2]>,
    /// Media descriptions beyond those kept.
    pub media_beyond: u32,
    /// Bytes in lines beyond those read.
    pub bytes_beyond: usize,
    /// Defects beyond those kept.
    pub defects_beyond: u32,
    /// The lines before the first `m=`.
    head: &'a [u8],
    connection: Option<&'a [u8]>,
}

/// What the pass over the lines has to remember.
#[derive(Default)]
struct Pass {
    /// Place in the prescribed order that the lines of this part have reached.
    rank: u8,
    /// Session-level letters met: `v`, `o`, `s`, `t`.
    met: u8,
    /// Where the lines of the current media description begin.
    lines_start: usize,
    empty_line: Option<Span>,
}

const VERSION: u8 = 1;
const ORIGIN: u8 = 2;
const NAME: u8 = 4;
const TIME: u8 = 8;

impl<'a> Session<'a> {
    /// Reads a description; never fails, whatever the bytes are.
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Session<'a> {
        let mut session = Session {
            origin_line: &[],
            name: &[],
            media: SmallVec::new(),
            defects: SmallVec::new(),
            media_beyond: 0,
            bytes_beyond: 0,
            defects_beyond: 0,
            head: text,
            connection: None,
        };
        let mut pass = Pass::default();
        let mut lines = Lines::new(text);
        for line in lines.by_ref().take(MAX_LINES) {
            if line.kind == b'm' {
                session.close_part(text, &pass, line.start);
                session.open_media(line);
                pass.lines_start = lines_after(text, line.end);
                pass.rank = 0;
            } else if line.kind == 0 {
                session.odd_line(line, &mut pass);
            } else {
                session.line(line, &mut pass);
            }
        }
        session.bytes_beyond = text.len().saturating_sub(lines.at());
        session.close_part(text, &pass, lines.at());
        session.check_whole(&pass);
        session
    }

    /// Who made it; `None` where `o=` is missing or malformed.
    #[must_use]
    pub fn origin(&self) -> Option<Origin<'a>> {
        Origin::parse(self.origin_line)
    }

    /// The connection that holds for media without their own.
    #[must_use]
    pub fn connection(&self) -> Option<Connection<'a>> {
        self.connection.and_then(Connection::parse)
    }

    /// The direction that holds for media without their own, if any is told.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        self.attributes().find_map(|a| Direction::from_name(a.name))
    }

    /// The session's attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        attribute::attributes(self.head)
    }

    /// The session's bandwidth lines.
    pub fn bandwidths(&self) -> impl Iterator<Item = Bandwidth<'a>> + use<'a> {
        attribute::bandwidths(self.head)
    }

    /// The lines from the beginning or the last `m=` up to `end` are complete.
    fn close_part(&mut self, text: &'a [u8], pass: &Pass, end: usize) {
        let part = text.get(pass.lines_start..end).unwrap_or_default();
        if self.media_beyond > 0 {
            return;
        }
        match self.media.last_mut() {
            Some(media) => media.lines = part,
            None => self.head = part,
        }
    }

    fn open_media(&mut self, line: Line<'a>) {
        let span = Span::new(line.start, line.end);
        if self.media.len() >= MAX_MEDIA {
            self.media_beyond = self.media_beyond.saturating_add(1);
            return;
        }
        let (mut media, whole) = MediaDescription::of_line(line.value, span);
        (media.head, media.session_connection) = (self.head, self.connection);
        self.media.push(media);
        if !whole {
            self.defect(DefectKind::MediaMalformed, span);
        }
    }

    #[inline]
    fn line(&mut self, line: Line<'a>, pass: &mut Pass) {
        let in_media = !self.media.is_empty();
        let Some(rank) = rank(line.kind, in_media) else {
            self.defect(DefectKind::LineUnknown, Span::new(line.start, line.end));
            return;
        };
        if rank < pass.rank {
            self.defect(DefectKind::OutOfOrder, Span::new(line.start, line.end));
        }
        pass.rank = pass.rank.max(rank);
        match line.kind {
            b'a' => {}
            b'c' => self.connection_line(line, in_media),
            b'v' => {
                pass.met |= VERSION;
                if line.value.trim_ascii() != b"0" {
                    self.defect(DefectKind::VersionUnknown, Span::new(line.start, line.end));
                }
            }
            b'o' => {
                pass.met |= ORIGIN;
                self.origin_line = line.value;
                if line::count_words(line.value) != 6 {
                    self.defect(DefectKind::OriginMalformed, Span::new(line.start, line.end));
                }
            }
            b's' => {
                pass.met |= NAME;
                self.name = line.value;
            }
            b't' => pass.met |= TIME,
            _ => {}
        }
        self.note_empty_line(pass);
    }

    fn connection_line(&mut self, line: Line<'a>, in_media: bool) {
        if Connection::parse(line.value).is_none() {
            self.defect(DefectKind::ConnectionMalformed, Span::new(line.start, line.end));
            return;
        }
        if in_media {
            // A layered multicast session may have several: the first is the base layer. RFC 8866 §5.7
            if let Some(media) = self.media.last_mut().filter(|_| self.media_beyond == 0) {
                media.connection.get_or_insert(line.value);
            }
        } else {
            self.connection = Some(line.value);
        }
    }

    /// A line without letter and `=`. Empty lines at the end are common and harmless.
    fn odd_line(&mut self, line: Line<'a>, pass: &mut Pass) {
        let span = Span::new(line.start, line.end);
        if line.value.iter().all(|&b| b == 0 || b.is_ascii_whitespace()) {
            pass.empty_line.get_or_insert(span);
            return;
        }
        self.note_empty_line(pass);
        self.defect(DefectKind::LineMalformed, span);
    }

    /// An empty line is wrong once another line follows it.
    #[inline]
    fn note_empty_line(&mut self, pass: &mut Pass) {
        if let Some(span) = pass.empty_line.take() {
            self.defect(DefectKind::EmptyLine, span);
        }
    }

    fn check_whole(&mut self, pass: &Pass) {
        let required = [
            (VERSION, DefectKind::VersionMissing),
            (ORIGIN, DefectKind::OriginMissing),
            (NAME, DefectKind::NameMissing),
            (TIME, DefectKind::TimeMissing),
        ];
        for (flag, kind) in required {
            if pass.met & flag == 0 {
                self.defect(kind, Span::NONE);
            }
        }
        if self.connection.is_none() {
            for at in 0..self.media.len() {
                if let Some(span) = self.media.get(at).filter(|m| m.connection.is_none()).map(|m| m.span) {
                    self.defect(DefectKind::ConnectionMissing, span);
                }
            }
        }
    }

    #[cold]
    fn defect(&mut self, kind: DefectKind, span: Span) {
        if self.defects.len() < MAX_DEFECTS {
            self.defects.push(Defect { kind, span });
        } else {
            self.defects_beyond = self.defects_beyond.saturating_add(1);
        }
    }
}

/// Where the line after the one that ends at `end` begins.
#[inline]
fn lines_after(text: &[u8], end: usize) -> usize {
    match text.get(end..) {
        Some([b'\r', b'\n', ..]) => end + 2,
        Some([b'\n' | b'\r', ..]) => end + 1,
        _ => end,
    }
}

/// The place of each letter from `a` to `z` in the prescribed order, of the session or of a media description; 255 where it
/// has none. RFC 8866 §5
const fn places(order: &[u8]) -> [u8; 26] {
    let mut places = [u8::MAX; 26];
    let mut at = 0;
    while at < order.len() {
        places[(order[at] - b'a') as usize] = at as u8;
        at += 1;
    }
    places
}

const SESSION_PLACES: [u8; 26] = {
    let mut places = places(b"vosiuepcbtrzka");
    // Several `t=` may each have their `r=`.
    places[(b'r' - b'a') as usize] = places[(b't' - b'a') as usize];
    places
};
const MEDIA_PLACES: [u8; 26] = places(b"icbka");

/// The place of a letter; `None` where it has none.
#[inline]
fn rank(kind: u8, in_media: bool) -> Option<u8> {
    let places = if in_media { &MEDIA_PLACES } else { &SESSION_PLACES };
    places.get(usize::from(kind.wrapping_sub(b'a'))).copied().filter(|&place| place != u8::MAX)
}
