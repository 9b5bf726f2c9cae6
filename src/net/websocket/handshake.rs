//! The HTTP/1.1 upgrade that opens a WebSocket connection (RFC 6455 §4).

use memchr::{memchr, memmem};

/// The longest HTTP header that is waited for, in bytes.
const MAX_HEADER: usize = 16 * 1024;

/// What the start of a stream is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handshake<'a> {
    /// No WebSocket upgrade.
    Other,
    /// It can become one: the HTTP header is not complete.
    Incomplete,
    /// An upgrade to WebSocket.
    Upgrade(Upgrade<'a>),
}

/// The HTTP message that asks for the upgrade or grants it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Upgrade<'a> {
    /// Bytes of the HTTP header with its empty line: the frames start behind it.
    pub len: usize,
    /// The compression that is offered (request) or agreed (response); only the response decides.
    pub deflate: Option<Deflate>,
    /// The value of `Sec-WebSocket-Protocol`; RFC 7118 §4.1 wants `sip` there.
    pub protocol: Option<&'a [u8]>,
}

/// The permessage-deflate parameters that matter to a reader (RFC 7692 §7.1). The largest window inflates every smaller one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Deflate {
    /// Whether the client starts each message with an empty window.
    pub client_no_context_takeover: bool,
    /// Whether the server starts each message with an empty window.
    pub server_no_context_takeover: bool,
}

/// Looks for a request to upgrade at the start of `bytes`.
#[must_use]
pub fn upgrade_request(bytes: &[u8]) -> Handshake<'_> {
    read(bytes, b"GET ")
}

/// Looks for the response that grants the upgrade at the start of `bytes`.
#[must_use]
pub fn upgrade_response(bytes: &[u8]) -> Handshake<'_> {
    read(bytes, b"HTTP/1.1 101")
}

fn read<'a>(bytes: &'a [u8], start: &[u8]) -> Handshake<'a> {
    let seen = bytes.len().min(start.len());
    if bytes.get(..seen) != start.get(..seen) {
        return Handshake::Other;
    }
    let within = bytes.get(..MAX_HEADER).unwrap_or(bytes);
    let Some(len) = header_len(within) else {
        return if bytes.len() < MAX_HEADER { Handshake::Incomplete } else { Handshake::Other };
    };
    let mut upgrade = Upgrade { len, deflate: None, protocol: None };
    let mut to_websocket = false;
    for line in within.get(..len).unwrap_or(&[]).split(|&byte| byte == b'\n').skip(1) {
        let Some(colon) = memchr(b':', line) else { continue };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"Upgrade") {
            to_websocket |= value.split(|&b| b == b',').any(|v| v.trim_ascii().eq_ignore_ascii_case(b"websocket"));
        } else if name.eq_ignore_ascii_case(b"Sec-WebSocket-Protocol") {
            upgrade.protocol = Some(value);
        } else if name.eq_ignore_ascii_case(b"Sec-WebSocket-Extensions") {
            upgrade.deflate = upgrade.deflate.or_else(|| deflate(value));
        }
    }
    if to_websocket { Handshake::Upgrade(upgrade) } else { Handshake::Other }
}

/// Bytes up to and with the empty line.
fn header_len(bytes: &[u8]) -> Option<usize> {
    let strict = memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4);
    let bare = memmem::find(bytes.get(..strict.unwrap_or(bytes.len()))?, b"\n\n").map(|at| at + 2);
    bare.or(strict)
}

/// The first permessage-deflate among the extensions of a header field value.
fn deflate(value: &[u8]) -> Option<Deflate> {
    value.split(|&b| b == b',').find_map(|extension| {
        let mut parts = extension.split(|&b| b == b';').map(<[u8]>::trim_ascii);
        parts.next().filter(|name| name.eq_ignore_ascii_case(b"permessage-deflate"))?;
        Some(parts.fold(Deflate::default(), |mut agreed, parameter| {
            agreed.client_no_context_takeover |= parameter.eq_ignore_ascii_case(b"client_no_context_takeover");
            agreed.server_no_context_takeover |= parameter.eq_ignore_ascii_case(b"server_no_context_takeover");
            agreed
        }))
    })
}
