//! Session descriptions read where their messages are taken in, so that the side that remembers only has to keep them.

use super::keys::Keys;
use crate::base::Span;
use crate::media::SdpFacts;
use crate::media::facts::Flaw;
use crate::media::sdp::Session;

/// Kept defects of one description.
const FLAWS_CAP: usize = 8;
/// Kept bytes of a line with a defect.
const LINE_CAP: usize = 240;
/// How far back the same description is looked for: the hops of a call see it within moments.
const LOOK_BACK: usize = 128;

/// The descriptions of a batch of messages.
#[derive(Debug, Default)]
pub(super) struct Descriptions {
    all: Vec<SdpFacts>,
    /// Their keys, side by side so that looking for one touches little memory; 0 for one that is not shared.
    keys: Vec<u64>,
}

impl Descriptions {
    /// Reads the description of a message, if it has one, and says where its facts stand.
    pub(super) fn read(&mut self, message: &[u8], keys: &Keys) -> Option<u32> {
        if keys.sdp.is_empty() {
            return None;
        }
        let from = self.keys.len().saturating_sub(LOOK_BACK);
        let known = self.keys.get(from..)?.iter().rposition(|&key| key == keys.sdp_key);
        let at = match known {
            Some(at) => from + at,
            None => {
                let (facts, is_whole) = facts_of(message, keys.sdp);
                self.all.push(facts);
                // Where a flaw stands is known for the message in which it was found.
                self.keys.push(if is_whole { keys.sdp_key | u64::from(keys.sdp_key == 0) } else { 0 });
                self.all.len() - 1
            }
        };
        u32::try_from(at).ok()
    }

    /// The facts that [`Descriptions::read`] names.
    pub(super) fn at(&self, at: Option<u32>) -> Option<&SdpFacts> {
        self.all.get(at? as usize)
    }

    /// Forgets everything but the memory.
    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.keys.clear();
    }
}

/// The facts of the description at `body` of a message, and whether nothing is wrong with it.
fn facts_of(message: &[u8], body: Span) -> (SdpFacts, bool) {
    let session = Session::parse(body.of(message));
    let mut facts = SdpFacts::of(&session);
    if !session.defects.is_empty() {
        facts.flaws = flaws(&session, message, body);
    }
    (facts, session.defects.is_empty())
}

/// What is wrong with a description, each with its line in the message that brought it first.
fn flaws(session: &Session<'_>, message: &[u8], body: Span) -> Box<[Flaw]> {
    let kept = session.defects.iter().take(FLAWS_CAP).map(|defect| {
        // What is missing is missed where the description begins.
        let span = if defect.span.is_empty() {
            Span { start: body.start, end: body.start }
        } else {
            defect.span.shifted(body.start)
        };
        let (line, line_number, column) = line_at(message, span.start as usize);
        Flaw { kind: defect.kind, span, line, line_number, column }
    });
    kept.collect()
}

/// The line of a message that holds the byte at `at` (a window around it, where the line is long), its 1-based number, and where in it the byte stands.
pub fn line_at(bytes: &[u8], at: usize) -> (Box<[u8]>, u32, u32) {
    let at = at.min(bytes.len());
    let line_start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |n| n + 1);
    let line_end = memchr::memchr(b'\n', &bytes[line_start..]).map_or(bytes.len(), |n| line_start + n);
    let line = bytes[line_start..line_end].strip_suffix(b"\r").unwrap_or(&bytes[line_start..line_end]);
    let column = at - line_start;
    let skip = if line.len() > LINE_CAP { column.saturating_sub(LINE_CAP / 2).min(line.len() - LINE_CAP) } else { 0 };
    let number = memchr::memchr_iter(b'\n', &bytes[..line_start]).count() as u32 + 1;
    (line[skip..].iter().copied().take(LINE_CAP).collect(), number, (column - skip) as u32)
}

#[cfg(test)]
mod tests {
    use super::Descriptions;
    use crate::base::Span;
    use crate::trace::keys::Keys;

    fn read(all: &mut Descriptions, before: &str, body: &str, sdp_key: u64) -> Option<u32> {
        let message = format!("{before}{body}");
        let sdp = Span::new(before.len(), message.len());
        all.read(message.as_bytes(), &Keys { sdp, sdp_key, ..Keys::default() })
    }

    #[test]
    fn a_description_that_comes_again_is_read_once_and_one_with_a_flaw_each_time() {
        let whole =
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
        let flawed = whole.replace("t=0 0\r\n", "");
        let mut all = Descriptions::default();
        assert_eq!(read(&mut all, "", "", 0), None);
        assert_eq!(read(&mut all, "a\r\n", whole, 7), Some(0));
        assert_eq!(read(&mut all, "b\r\nb\r\n", whole, 7), Some(0));
        assert_eq!(read(&mut all, "a\r\n", &flawed, 8), Some(1));
        assert_eq!(read(&mut all, "b\r\nb\r\n", &flawed, 8), Some(2));
        let line = |at| all.at(Some(at)).map(|facts| facts.flaws.iter().map(|f| f.line_number).collect::<Vec<_>>());
        assert_eq!((line(0), line(1), line(2)), (Some(vec![]), Some(vec![2]), Some(vec![3])));
        assert!(all.at(None).is_none());
        all.clear();
        assert_eq!(read(&mut all, "a\r\n", whole, 7), Some(0));
    }
}
