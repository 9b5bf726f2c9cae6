//! The latest messages, whole, so that findings can show the bytes that prove them.
//!
//! What the trace keeps of a message are facts: it would be too much to keep each whole until its call is judged. Here the latest are kept, in so many
//! bytes and no more; a finding whose message has gone is told without quoting it.

use super::quote::{Part, Quote};
use super::{Evidence, Finding};
use crate::base::Span;
use crate::sip::{Outline, StartLine};
use crate::trace::Conversation;
use crate::trace::description::line_at;
use std::collections::VecDeque;

/// Bytes of one block.
const BLOCK: usize = 1 << 20;
/// Blocks, the oldest of which goes for a new one.
const BLOCKS: usize = 32;
/// Bytes of one message: header fields stand at its start.
const MESSAGE: usize = 8 << 10;
/// Quotes of one finding.
const QUOTES: usize = 16;

/// Where a message stands in its block.
#[derive(Clone, Copy)]
struct Place {
    index: u64,
    start: u32,
    end: u32,
    is_cut: bool,
}

#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// The latest messages of a run.
#[derive(Default)]
pub struct Recall {
    blocks: VecDeque<Block>,
    outline: Outline,
}

/// Messages hold secrets: only how many there are is told.
impl std::fmt::Debug for Recall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let messages: usize = self.blocks.iter().map(|block| block.places.len()).sum();
        f.debug_struct("Recall").field("messages", &messages).finish_non_exhaustive()
    }
}

impl Recall {
    /// What is remembered of a message: the beginning of a long one, which then is cut.
    #[must_use]
    pub fn kept(message: &[u8], is_cut: bool) -> (&[u8], bool) {
        let kept = message.get(..MESSAGE).unwrap_or(message);
        (kept, is_cut || kept.len() < message.len())
    }

    /// Remembers the message `index` of the run; indices come in order. `is_cut` where the capture lacks its end.
    pub fn add(&mut self, index: u64, message: &[u8], is_cut: bool) {
        let (kept, is_cut) = Recall::kept(message, is_cut);
        if self.blocks.back().is_none_or(|block| block.bytes.len() + kept.len() > BLOCK) {
            let oldest = if self.blocks.len() < BLOCKS { None } else { self.blocks.pop_front() };
            let mut block = oldest.unwrap_or_default();
            block.bytes.clear();
            block.places.clear();
            self.blocks.push_back(block);
        }
        let Some(block) = self.blocks.back_mut() else { return };
        let start = block.bytes.len() as u32;
        block.bytes.extend_from_slice(kept);
        block.places.push(Place { index, start, end: block.bytes.len() as u32, is_cut });
    }

    /// The message `index`, and whether its end is missing.
    fn message(&self, index: u64) -> Option<(&[u8], bool)> {
        let after = self.blocks.partition_point(|block| block.places.first().is_some_and(|p| p.index <= index));
        let block = self.blocks.get(after.checked_sub(1)?)?;
        let at = block.places.binary_search_by_key(&index, |p| p.index).ok()?;
        let place = block.places.get(at)?;
        Some((block.bytes.get(place.start as usize..place.end as usize)?, place.is_cut))
    }

    /// Finds the bytes that a finding quotes.
    pub fn show(&mut self, c: &Conversation, finding: &mut Finding) {
        for quote in std::mem::take(&mut finding.quotes).into_iter().take(QUOTES) {
            finding.evidence.extend(self.evidence(c, quote));
        }
    }

    fn evidence(&mut self, c: &Conversation, quote: Quote) -> Option<Evidence> {
        let index = c.at(quote.position)?.index;
        let mut outline = std::mem::take(&mut self.outline);
        let found = self.message(index).and_then(|(bytes, is_cut)| {
            let is_sip = if is_cut { outline.read_cut(bytes) } else { outline.read(bytes) };
            let span = is_sip.then(|| find(bytes, &outline, &quote.part)).flatten()?;
            let (line, line_number, column) = line_at(bytes, span.start as usize);
            Some((span, line.into_vec(), line_number, column))
        });
        self.outline = outline;
        let (span, line, line_number, column) = found?;
        Some(Evidence { position: quote.position, span, line, line_number, column, label: quote.label })
    }
}

/// Where a part of a message stands.
fn find(bytes: &[u8], o: &Outline, part: &Part) -> Option<Span> {
    let some = |span: Span| (!span.is_empty()).then_some(span);
    match part {
        Part::Name => some(match o.start {
            StartLine::Request { method_span, .. } => method_span,
            StartLine::Response { status_span, reason, .. } if reason.is_empty() => status_span,
            StartLine::Response { status_span, reason, .. } => Span { start: status_span.start, end: reason.end },
        }),
        Part::RequestUri => match o.start {
            StartLine::Request { uri, .. } => some(uri),
            StartLine::Response { .. } => None,
        },
        Part::FromTag => some(o.from_tag).or_else(|| some(o.from)),
        Part::ToTag => some(o.to_tag).or_else(|| some(o.to)),
        Part::CSeq => field(bytes, o, crate::sip::HeaderName::CSeq, b""),
        Part::Field(name, text) => field(bytes, o, *name, text),
        Part::BodyLine(start) => body_line(bytes, o.body, start),
    }
}

fn field(bytes: &[u8], o: &Outline, name: crate::sip::HeaderName, text: &[u8]) -> Option<Span> {
    let within = |value: Span| match text {
        [] => Some(value).filter(|v| !v.is_empty()),
        _ => {
            let at = memchr::memmem::find(value.of(bytes), text)?;
            let start = value.start as usize + at;
            Some(Span::new(start, start + text.len()))
        }
    };
    o.fields.iter().filter(|f| f.name == name).find_map(|f| within(f.value))
}

fn body_line(bytes: &[u8], body: Span, begins: &[u8]) -> Option<Span> {
    let mut start = body.start as usize;
    for line in body.of(bytes).split_inclusive(|&b| b == b'\n') {
        let shown = line.trim_ascii_end();
        if shown.starts_with(begins) && !shown.is_empty() {
            return Some(Span::new(start, start + shown.len()));
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, BLOCKS, MESSAGE, Part, Recall, find};
    use crate::sip::{HeaderName, Outline};

    const ANSWER: &[u8] = b"SIP/2.0 488 Not Acceptable Here\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nf: <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\n\
        i: id\r\nCSeq: 7 INVITE\r\nWarning: 304 a \"no\"\r\nWarning: 399 a \"other\"\r\nContent-Type: application/sdp\r\nl: 20\r\n\r\n\
        v=0\r\nm=audio 0 RTP/X";

    fn quoted(message: &[u8], part: &Part) -> Option<String> {
        let mut outline = Outline::default();
        assert!(outline.read(message));
        find(message, &outline, part).map(|span| String::from_utf8_lossy(span.of(message)).into_owned())
    }

    #[test]
    fn each_part_is_found_where_it_stands() {
        let of = |part| quoted(ANSWER, &part).unwrap_or_default();
        assert_eq!(of(Part::Name), "488 Not Acceptable Here");
        assert_eq!(of(Part::FromTag), "1");
        assert_eq!(of(Part::ToTag), "<sip:b@y>", "a To without tag is shown whole");
        assert_eq!(of(Part::CSeq), "7 INVITE");
        assert_eq!(of(Part::first(HeaderName::Warning)), "304 a \"no\"");
        assert_eq!(of(Part::text_in(HeaderName::Warning, b" 399 a")), "399 a", "in the second of them");
        assert_eq!(of(Part::BodyLine(b"m=".to_vec())), "m=audio 0 RTP/X");
        assert_eq!(quoted(ANSWER, &Part::RequestUri), None);
        assert_eq!(quoted(ANSWER, &Part::first(HeaderName::Contact)), None);
        let ask = b"BYE sip:b@y SIP/2.0\r\nCall-ID: 1\r\n\r\n";
        assert_eq!(quoted(ask, &Part::Name).as_deref(), Some("BYE"));
        assert_eq!(quoted(ask, &Part::RequestUri).as_deref(), Some("sip:b@y"));
    }

    #[test]
    fn the_latest_messages_are_known_and_no_more_than_fit() {
        let mut recall = Recall::default();
        let message = vec![b'x'; MESSAGE * 2];
        let fit = (BLOCK / MESSAGE * BLOCKS) as u64;
        for index in 0..fit * 3 {
            recall.add(index * 2, &message, false);
        }
        let last = (fit * 3 - 1) * 2;
        assert_eq!(recall.message(last).map(|(bytes, cut)| (bytes.len(), cut)), Some((MESSAGE, true)));
        assert!(recall.message(last - (fit - 200) * 2).is_some());
        assert!(
            recall.message(0).is_none() && recall.message(last + 2).is_none() && recall.message(last - 1).is_none()
        );
        assert!(recall.blocks.len() <= BLOCKS && recall.blocks.iter().all(|block| block.bytes.len() <= BLOCK));
    }
}
