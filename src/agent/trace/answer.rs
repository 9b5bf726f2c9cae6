//! Who answered a request of a trace, as far as the response tells.

use crate::sip::{HeaderName, Message, Outline};
use std::net::SocketAddr;

/// Longest text that is kept of a header field, in bytes.
const MOST: usize = 256;

/// The final response to a request of a trace.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// Its status code.
    pub status: u16,
    /// Its reason phrase.
    pub reason: Vec<u8>,
    /// The address that it came from: always the first hop's, for responses go back the way that the request came.
    pub from: Option<SocketAddr>,
    /// Server, or User-Agent.
    pub server: Option<Vec<u8>>,
    /// Our address as the first hop saw it: `received` and `rport` of our Via.
    pub via_received: Option<Vec<u8>>,
    /// The first Warning, whole. RFC 3261 §20.43
    pub warning: Option<Vec<u8>>,
    /// The host that the Warning names.
    pub agent: Option<Vec<u8>>,
    /// What marks the server among others of its kind, where something does.
    pub instance: Option<Vec<u8>>,
}

impl Answer {
    /// Reads the response.
    pub(super) fn of(status: u16, response: &[u8], from: Option<SocketAddr>) -> Self {
        let mut outline = Outline::new();
        if !outline.read(response) {
            return Answer { status, from, ..Answer::default() };
        }
        let message = Message::new(response, &outline);
        let text = |name| message.values(name).next().map(cut);
        let warning = text(HeaderName::Warning);
        Answer {
            status,
            from,
            reason: cut(message.reason().unwrap_or_default()),
            server: text(HeaderName::Server).or_else(|| text(HeaderName::UserAgent)),
            via_received: via_received(&message),
            agent: warning.as_deref().and_then(warn_agent).map(<[u8]>::to_vec),
            warning,
            instance: instance(&message),
        }
    }
}

fn cut(text: &[u8]) -> Vec<u8> {
    text.get(..MOST).unwrap_or(text).to_vec()
}

/// `received:rport`, or the one of them that is there. RFC 3261 §18.2.1, RFC 3581 §4
fn via_received(message: &Message<'_>) -> Option<Vec<u8>> {
    let via = message.top_via()?;
    let port = via.rport().flatten();
    match (via.received(), port) {
        (None, None) => None,
        (host, port) => {
            let mut text = cut(host.unwrap_or(via.host()));
            if let Some(port) = port {
                text.extend_from_slice(format!(":{port}").as_bytes());
            }
            Some(text)
        }
    }
}

/// `399 HOST "text"`: the host. RFC 3261 §20.43
fn warn_agent(warning: &[u8]) -> Option<&[u8]> {
    let mut words = warning.split(|&b| b == b' ').filter(|word| !word.is_empty());
    let code = words.next()?;
    let agent = words.next()?;
    (code.len() == 3 && code.iter().all(u8::is_ascii_digit) && !agent.starts_with(b"\"")).then_some(agent)
}

/// Kamailio, OpenSIPS and their kin write a To tag of 32 hexadecimal digits that are the server's own, a dot or a hyphen, and
/// a checksum of the request: so two of them that call themselves the same can be told apart.
fn instance(message: &Message<'_>) -> Option<Vec<u8>> {
    let (own, rest) = message.to_tag().split_at_checked(32)?;
    let is_marked = rest.len() > 1 && matches!(rest.first(), Some(b'.' | b'-'));
    (is_marked && own.iter().all(u8::is_ascii_hexdigit)).then(|| own.to_vec())
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn a_response_tells_who_answered() {
        let response = b"SIP/2.0 483 Too Many Hops\r\n\
            Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKx;rport=40001;received=198.51.100.7\r\n\
            To: <sip:b@x>;tag=b27e1a1d33761e85846fc98f5f3a7e58.d1a40000\r\nServer: kamailio (5.6.3)\r\n\
            Warning: 399 edge.example.com:5060 \"no more hops, sorry\"\r\n\r\n";
        let answer = Answer::of(483, response, Some("192.0.2.9:5060".parse().unwrap()));
        let text = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|b| String::from_utf8(b.clone()).unwrap());
        assert_eq!(answer.reason, b"Too Many Hops");
        assert_eq!(text(&answer.server).unwrap(), "kamailio (5.6.3)");
        assert_eq!(text(&answer.via_received).unwrap(), "198.51.100.7:40001");
        assert_eq!(text(&answer.warning).unwrap(), "399 edge.example.com:5060 \"no more hops, sorry\"");
        assert_eq!(text(&answer.agent).unwrap(), "edge.example.com:5060");
        assert_eq!(text(&answer.instance).unwrap(), "b27e1a1d33761e85846fc98f5f3a7e58");
    }

    #[test]
    fn what_it_does_not_tell_is_left_out() {
        for response in [&b"SIP/2.0 483 \r\nTo: <sip:b@x>;tag=b27e1a1d33761e85846fc98f5f3a7e58\r\n\r\n"[..], b"junk"] {
            let bare = Answer { status: 483, ..Answer::default() };
            assert_eq!(Answer::of(483, response, None), bare);
        }
        let long = [&b"SIP/2.0 483 x\r\nUser-Agent: "[..], &[b'y'; 5000], b"\r\nWarning: sorry\r\n\r\n"].concat();
        let answer = Answer::of(483, &long, None);
        assert_eq!((answer.server.unwrap().len(), answer.agent), (256, None));
    }
}
