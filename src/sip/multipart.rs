//! MIME multipart bodies. RFC 2046 §5.1, RFC 5621

use super::lex;
use super::param::Params;
use super::{HeaderName, Param};
use crate::base::scan;
use memchr::memmem;

/// How deep multiparts are looked into.
const MAX_DEPTH: usize = 4;
/// Most parts that one body gives.
const MAX_PARTS: usize = 64;

/// One body: the whole one, or a part of a multipart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part<'a> {
    /// Its Content-Type; empty where it has none.
    pub content_type: &'a [u8],
    /// Its bytes.
    pub bytes: &'a [u8],
}

impl Part<'_> {
    /// Whether it is a session description: by its type, or by its first line where it has none.
    #[must_use]
    pub fn is_sdp(&self) -> bool {
        match media_type(self.content_type) {
            b"" => self.bytes.starts_with(b"v=0"),
            kind => kind.eq_ignore_ascii_case(b"application/sdp"),
        }
    }
}

/// `type/subtype` of a Content-Type, without parameters.
#[must_use]
pub fn media_type(content_type: &[u8]) -> &[u8] {
    let end = scan::find([b';'], content_type).unwrap_or(content_type.len());
    lex::trim(&content_type[..end])
}

/// The bodies of a message: depth first, multiparts themselves left out.
#[derive(Clone, Debug)]
pub struct Bodies<'a> {
    /// A body that is no multipart, and was not given yet.
    single: Option<Part<'a>>,
    /// The multiparts that are open: what is left of each, and its boundary.
    open: [Option<Open<'a>>; MAX_DEPTH],
    depth: usize,
    left: usize,
}

#[derive(Clone, Copy, Debug)]
struct Open<'a> {
    rest: &'a [u8],
    boundary: &'a [u8],
}

impl<'a> Bodies<'a> {
    /// The bodies in `bytes`, which are of that Content-Type.
    #[must_use]
    pub fn new(content_type: &'a [u8], bytes: &'a [u8]) -> Self {
        let mut bodies = Bodies { single: None, open: [None; MAX_DEPTH], depth: 0, left: MAX_PARTS };
        let whole = Part { content_type, bytes };
        if !bytes.is_empty() && !bodies.enter(whole) {
            bodies.single = Some(whole);
        }
        bodies
    }

    /// Opens the part if it is a multipart with a boundary.
    fn enter(&mut self, part: Part<'a>) -> bool {
        let kind = media_type(part.content_type);
        let multipart = kind.get(..10).is_some_and(|k| k.eq_ignore_ascii_case(b"multipart/"));
        if !multipart || self.depth >= MAX_DEPTH {
            return false;
        }
        let Some(boundary) = boundary(part.content_type) else { return false };
        let Some(first) = delimiter(part.bytes, boundary) else { return false };
        self.open[self.depth] = Some(Open { rest: &part.bytes[first..], boundary });
        self.depth += 1;
        true
    }
}

/// The boundary parameter, quotes taken off (a backslash in one is nothing that anybody sends).
fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    let params = &content_type[memchr::memchr(b';', content_type)?..];
    let Param { value, .. } = Params::new(params).find("boundary")?;
    let value = value?;
    let plain = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
    (!plain.is_empty()).then_some(plain)
}

/// Offset of the next `--boundary` that starts a line.
fn delimiter(bytes: &[u8], boundary: &[u8]) -> Option<usize> {
    memmem::find_iter(bytes, boundary).filter_map(|at| at.checked_sub(2)).find(|&at| {
        let after = &bytes[at + 2 + boundary.len()..];
        // Another boundary may start with this one.
        let whole = after.first().is_none_or(|&b| lex::is(b, lex::LWS)) || after.starts_with(b"--");
        whole && &bytes[at..at + 2] == b"--" && (at == 0 || bytes[at - 1] == b'\n')
    })
}

impl<'a> Iterator for Bodies<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if let Some(single) = self.single.take() {
            return Some(single);
        }
        while let Some(top) = self.depth.checked_sub(1) {
            let Some(open) = &mut self.open[top] else { return None };
            let after = &open.rest[(2 + open.boundary.len()).min(open.rest.len())..];
            let line_end = memchr::memchr(b'\n', after).filter(|_| !after.starts_with(b"--") && self.left > 0);
            let Some(line_end) = line_end else {
                self.depth = top;
                continue;
            };
            let content = &after[line_end + 1..];
            let end = delimiter(content, open.boundary).unwrap_or(content.len());
            open.rest = &content[end..];
            self.left -= 1;
            let part = part(&content[..end]);
            if !self.enter(part) {
                return Some(part);
            }
        }
        None
    }
}

/// Header fields and bytes of what stands between two delimiters. The line end before a delimiter belongs to it.
fn part(text: &[u8]) -> Part<'_> {
    let mut content_type: &[u8] = b"";
    let mut rest = text;
    while !rest.is_empty() {
        let end = line_end(rest);
        let (line, tail) = rest.split_at(end);
        rest = tail;
        let line = lex::trim_end(line);
        if line.is_empty() {
            break;
        }
        if let Some(colon) = memchr::memchr(b':', line)
            && HeaderName::of(lex::trim_end(&line[..colon])) == HeaderName::ContentType
        {
            content_type = lex::trim(&line[colon + 1..]);
        }
    }
    let bytes = rest.strip_suffix(b"\n").unwrap_or(rest);
    Part { content_type, bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes) }
}

/// Offset after the line end, folds passed over.
fn line_end(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|t| memchr::memchr(b'\n', t)) {
        at += found + 1;
        let folded = matches!(text.get(at), Some(b' ' | b'\t')) && !lex::trim(&text[..at]).is_empty();
        if !folded {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Bodies, MAX_PARTS};

    fn bodies<'a>(kind: &'a str, body: &'a [u8]) -> Vec<(&'a str, &'a [u8])> {
        Bodies::new(kind.as_bytes(), body).map(|p| (std::str::from_utf8(p.content_type).unwrap(), p.bytes)).collect()
    }

    #[test]
    fn parts_nested_parts_and_what_stands_around_them() {
        let body = b"preamble --b\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\n\
            c: multipart/alternative;\r\n boundary=\"in\"\r\n\r\n--in\r\n\r\ntwo\r\nlines\r\n--in\r\n\
            Content-Type: application/sdp\r\n\r\nv=0\r\n\r\n--in--\r\n\r\n--b--\r\nepilogue";
        let found = bodies("multipart/mixed;boundary=b", body);
        assert_eq!(found, [("text/plain", &b"one"[..]), ("", b"two\r\nlines"), ("application/sdp", b"v=0\r\n")]);
        let sdp = Bodies::new(b"multipart/mixed; boundary=b", body).find(super::Part::is_sdp).unwrap();
        assert_eq!(sdp.bytes, b"v=0\r\n");
    }

    #[test]
    fn what_is_no_multipart_is_one_body() {
        assert_eq!(bodies("application/sdp", b"v=0\r\n"), [("application/sdp", &b"v=0\r\n"[..])]);
        assert_eq!(bodies("multipart/mixed", b"--b\r\n"), [("multipart/mixed", &b"--b\r\n"[..])]);
        assert_eq!(bodies("multipart/mixed;boundary=x", b"none"), [("multipart/mixed;boundary=x", &b"none"[..])]);
        assert_eq!(bodies("", b""), []);
    }

    #[test]
    fn a_body_cut_anywhere_and_one_of_too_many_parts() {
        let body = b"--b\r\nContent-Type: a/b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--";
        for end in 0..body.len() {
            assert!(Bodies::new(b"multipart/mixed;boundary=b", &body[..end]).count() <= 2);
        }
        let many = b"--b\n\nx\n".repeat(1000);
        assert_eq!(Bodies::new(b"multipart/mixed;boundary=b", &many).count(), MAX_PARTS);
    }
}
