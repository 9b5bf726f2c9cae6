//! What parties, messages and streams are called in a line of text.

use super::Terminal;
use super::glyph::{fit, width};
use super::style::Tone;
use crate::report::Text;
use crate::report::decode::{Call, Kind, Message, Party, Stream};

/// Bytes of one name that are looked at: more than any line shows.
const LONGEST: usize = 400;

/// The user part of a SIP or tel URI, or its host where it has none, as bytes of the URI.
pub(super) fn user(uri: &[u8]) -> &[u8] {
    let uri = uri.get(..LONGEST).unwrap_or(uri);
    let rest = match memchr::memchr(b':', uri) {
        Some(colon) if is_scheme(&uri[..colon]) => &uri[colon + 1..],
        _ => uri,
    };
    let end = |bytes: &[u8], stops: &[u8]| bytes.iter().position(|b| stops.contains(b)).unwrap_or(bytes.len());
    match memchr::memchr(b'@', rest) {
        Some(at) if at > 0 => &rest[..end(&rest[..at], b":;")],
        Some(_) => &rest[1..][..end(&rest[1..], b";?>")],
        None => &rest[..end(rest, b";?>")],
    }
}

fn is_scheme(bytes: &[u8]) -> bool {
    [&b"sip"[..], b"sips", b"tel", b"urn"].iter().any(|scheme| bytes.eq_ignore_ascii_case(scheme))
}

/// A caller or a called in one word: the user part, else the display name, else `?`.
pub(super) fn party(party: &Party, terminal: Terminal) -> String {
    let uri = party.uri.as_ref().map(|uri| user(uri.bytes())).filter(|name| !name.is_empty());
    match uri.or_else(|| display(party)) {
        Some(name) => terminal.show(name),
        None => "?".into(),
    }
}

/// A caller or a called with the display name where that says more: `1001 "山田"`.
pub(super) fn party_in_full(who: &Party, terminal: Terminal) -> String {
    let short = party(who, terminal);
    match display(who).map(|name| terminal.show(name)) {
        Some(name) if !name.eq_ignore_ascii_case(&short) => format!("{short} \"{}\"", fit(&name, 24, terminal)),
        _ => short,
    }
}

fn display(party: &Party) -> Option<&[u8]> {
    let name = party.display.as_ref()?.bytes();
    Some(name.get(..LONGEST).unwrap_or(name)).filter(|name| !name.is_empty())
}

/// What stands on an arrow: a word that is always there, words that may be shortened, and what the body is.
pub(super) struct Label {
    head: String,
    tail: String,
    body: &'static str,
    pub tone: Tone,
}

impl Label {
    /// The label of a message: `INVITE bob  SDP`, `407 Proxy Authentication Required`.
    pub(super) fn of_message(message: &Message<'_>, terminal: Terminal) -> Label {
        let body = if carries_sdp(message) { "SDP" } else { "" };
        let text = |text: &Option<Text<'_>>| text.as_ref().map(|t| clipped(t.bytes(), terminal)).unwrap_or_default();
        if message.kind == Kind::Response || message.status.is_some() {
            let status = message.status.unwrap_or(0);
            let head = message.status.map_or_else(|| "response".to_owned(), |s| format!("{s:03}"));
            return Label { head, tail: text(&message.reason), body, tone: Tone::of_status(status) };
        }
        let method = message.method.as_ref().map_or(&b"request"[..], Text::bytes);
        let (head, target) = match method {
            b"INVITE" if message.to_tag.is_some() => ("re-INVITE".to_owned(), false),
            b"ACK" | b"BYE" | b"CANCEL" | b"PRACK" | b"UPDATE" | b"INFO" | b"NOTIFY" => (terminal.show(method), false),
            other => (clipped(other, terminal), true),
        };
        let tail = match &message.uri {
            Some(uri) if target => terminal.show(user(uri.bytes())),
            _ => String::new(),
        };
        Label { head, tail, body, tone: Tone::Request }
    }

    /// The label of a stream: `RTP PCMU  600 packets`.
    pub(super) fn of_stream(stream: &Stream, terminal: Terminal) -> Label {
        let codec = match &stream.codec {
            Some(codec) => clipped(codec.as_bytes(), terminal),
            None => format!("type {}", stream.payload_type),
        };
        Label {
            head: format!("RTP {codec}"),
            tail: super::quantity::count(stream.packets),
            body: "",
            tone: Tone::Media,
        }
    }

    /// Columns of the whole label.
    pub(super) fn width(&self) -> usize {
        let part = |text: &str, gap: usize| if text.is_empty() { 0 } else { width(text) + gap };
        width(&self.head) + part(&self.tail, 1) + part(self.body, 2)
    }

    /// The label in at most `columns`: the words in the middle are shortened first, then the body is left out.
    pub(super) fn fit(&self, columns: usize, terminal: Terminal) -> String {
        let mut out = fit(&self.head, columns, terminal);
        let mut room = columns.saturating_sub(width(&out));
        let body = if self.body.is_empty() { 0 } else { self.body.len() + 2 };
        let with_body = body > 0 && room >= body;
        if with_body {
            room -= body;
        }
        let least = width(terminal.glyphs().ellipsis) + 3;
        if !self.tail.is_empty() && room > width(&self.tail).min(least) {
            out.push(' ');
            out.push_str(&fit(&self.tail, room - 1, terminal));
        }
        if with_body {
            out.push_str("  ");
            out.push_str(self.body);
        }
        out
    }
}

fn clipped(bytes: &[u8], terminal: Terminal) -> String {
    terminal.show(bytes.get(..LONGEST).unwrap_or(bytes))
}

/// Whether the body is, or holds, SDP.
fn carries_sdp(message: &Message<'_>) -> bool {
    message.body.as_ref().is_some_and(|body| {
        let is_sdp = |text: &Text<'_>| {
            text.bytes().get(..15).is_some_and(|start| start.eq_ignore_ascii_case(b"application/sdp"))
        };
        body.sdp.is_some() || body.content_type.as_ref().is_some_and(is_sdp)
    })
}

/// `404 Not Found`: the final status of a call, with the reason phrase that a response gave.
pub(super) fn final_status(call: &Call, messages: &[&Message<'_>], terminal: Terminal) -> Option<String> {
    let status = call.final_status?;
    let reason = messages.iter().rev().find_map(|m| m.reason.as_ref().filter(|_| m.status == Some(status)));
    Some(match reason {
        Some(reason) => format!("{status} {}", fit(&clipped(reason.bytes(), terminal), 40, terminal)),
        None => status.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Label, user};
    use crate::render::{Terminal, style::Tone};

    #[test]
    fn the_user_part_names_a_party() {
        let shown = |uri: &str| String::from_utf8_lossy(user(uri.as_bytes())).into_owned();
        assert_eq!(shown("sip:alice@example.org;transport=tcp"), "alice");
        assert_eq!(shown("SIPS:+1-212;ext=5:secret@gw.example"), "+1-212");
        assert_eq!(shown("sip:example.org:5061;lr"), "example.org:5061");
        assert_eq!(shown("tel:+12125551212;phone-context=x"), "+12125551212");
        assert_eq!(shown("sip:@host;x"), "host");
        assert_eq!(shown("bob@host"), "bob");
        assert_eq!(shown(""), "");
        assert_eq!(shown("sip:"), "");
    }

    #[test]
    fn labels_are_shortened_in_the_middle_first() {
        let terminal = Terminal::default();
        let label =
            |head: &str, tail: &str, body| Label { head: head.into(), tail: tail.into(), body, tone: Tone::Plain };
        let invite = label("INVITE", "bob", "SDP");
        assert_eq!(invite.width(), 15);
        assert_eq!(invite.fit(15, terminal), "INVITE bob  SDP");
        assert_eq!(invite.fit(13, terminal), "INVITE  SDP");
        assert_eq!(invite.fit(10, terminal), "INVITE bob");
        assert_eq!(invite.fit(4, terminal), "INV…");
        let challenge = label("407", "Proxy Authentication Required", "");
        assert_eq!(challenge.fit(15, terminal), "407 Proxy Auth…");
        assert_eq!(label("200", "OK", "SDP").fit(11, terminal), "200 OK  SDP");
    }
}
