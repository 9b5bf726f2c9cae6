//! A message on its way through a proxy: everything stays as it came, save what a proxy has to change. RFC 3261 §16.6, §16.7

use super::reply::{put_via, text};
use super::{HeaderName, Message, lex};
use std::io::Write;
use std::net::SocketAddr;

/// What changes in a request that is forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Onward<'a> {
    /// The Request-URI it goes on with.
    pub uri: &'a [u8],
    /// The Via value that is put on top.
    pub via: &'a [u8],
    /// From where it came: what the Via on top is noted with. RFC 3261 §18.2.1
    pub source: SocketAddr,
    /// What Max-Forwards says now.
    pub max_forwards: u32,
    /// Route values that are taken away from the front.
    pub routes_off: usize,
    /// The same from the end.
    pub routes_off_end: usize,
    /// Route values that are put in front.
    pub routes_on: &'a [&'a [u8]],
    /// Route value that is put at the end. RFC 3261 §16.6, the sixth step
    pub route_last: Option<&'a [u8]>,
    /// Record-Route values that are put in front.
    pub record_routes: &'a [Vec<u8>],
}

/// The request as it goes on. RFC 3261 §16.6
#[must_use]
pub fn request(message: &Message<'_>, onward: &Onward<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.bytes.len() + 256);
    text(&mut out, message.method_text());
    out.push(b' ');
    text(&mut out, onward.uri);
    out.extend_from_slice(b" SIP/2.0\r\n");
    line(&mut out, b"Via", onward.via);
    for route in onward.record_routes {
        line(&mut out, b"Record-Route", route);
    }
    routes(&mut out, message, onward);
    // RFC 3261 §16.6, the third step
    line(&mut out, b"Max-Forwards", onward.max_forwards.to_string().as_bytes());
    let top = message.outline.via;
    for field in &message.outline.fields {
        let value = message.text(field.value);
        match field.name {
            HeaderName::Route | HeaderName::MaxForwards => {}
            HeaderName::Via if top.start >= field.value.start && top.end <= field.value.end && !top.is_empty() => {
                out.extend_from_slice(b"Via: ");
                put_via(&mut out, message.text(top), onward.source);
                text(&mut out, message.text(crate::base::Span { start: top.end, end: field.value.end }));
                out.extend_from_slice(b"\r\n");
            }
            _ => line(&mut out, message.text(field.name_span), value),
        }
    }
    end(&mut out, message);
    out
}

fn routes(out: &mut Vec<u8>, message: &Message<'_>, onward: &Onward<'_>) {
    for route in onward.routes_on {
        line(out, b"Route", route);
    }
    let all: Vec<&[u8]> = message.values(HeaderName::Route).collect();
    let until = all.len().saturating_sub(onward.routes_off_end);
    for route in all.get(onward.routes_off..until).unwrap_or_default() {
        line(out, b"Route", route);
    }
    if let Some(route) = onward.route_last {
        line(out, b"Route", route);
    }
}

/// The response as it goes on: without its top Via. `None` where that was the only one, so that it goes nowhere. RFC 3261 §16.7
#[must_use]
pub fn response(message: &Message<'_>) -> Option<Vec<u8>> {
    if message.outline.vias < 2 {
        return None;
    }
    let mut out = Vec::with_capacity(message.bytes.len());
    let status = message.status()?;
    // Writing into memory does not fail.
    let _ = write!(out, "SIP/2.0 {status:03} ");
    text(&mut out, message.reason().unwrap_or_default());
    out.extend_from_slice(b"\r\n");
    let top = message.outline.via;
    for field in &message.outline.fields {
        let holds_top = field.name == HeaderName::Via && top.start >= field.value.start && top.end <= field.value.end;
        if !holds_top {
            line(&mut out, message.text(field.name_span), message.text(field.value));
            continue;
        }
        // Others may stand behind it in the same field.
        let behind = message.text(crate::base::Span { start: top.end, end: field.value.end });
        let behind = behind.iter().position(|&b| b == b',').and_then(|at| behind.get(at + 1..)).unwrap_or_default();
        let behind = lex::trim(behind);
        if !behind.is_empty() {
            line(&mut out, b"Via", behind);
        }
    }
    end(&mut out, message);
    Some(out)
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    text(out, value);
    out.extend_from_slice(b"\r\n");
}

/// The empty line and the body, whose length is said where it was not: over a connection it has to be. RFC 3261 §18.3
fn end(out: &mut Vec<u8>, message: &Message<'_>) {
    if message.outline.content_length.is_none() {
        line(out, b"Content-Length", message.body().len().to_string().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(message.body());
}

#[cfg(test)]
mod tests {
    use super::{Onward, request, response};
    use crate::sip::{Message, Outline};

    const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\nv: SIP/2.0/UDP a:5060;branch=z9hG4bK1;rport, SIP/2.0/TCP z\r\n\
        Route: <sip:p1;lr>, <sip:p2;lr>\r\nMax-Forwards: 70\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:bob@example.com>\r\n\
        Call-ID: i\r\nCSeq: 1 INVITE\r\nX-Odd:  kept\r\nContent-Length: 2\r\n\r\nhi";

    fn onward<'a>() -> Onward<'a> {
        Onward {
            uri: b"sip:bob@192.0.2.7",
            via: b"SIP/2.0/UDP p;branch=z9hG4bK2",
            source: "192.0.2.1:4000".parse().unwrap(),
            max_forwards: 69,
            routes_off: 1,
            routes_off_end: 0,
            routes_on: &[],
            route_last: None,
            record_routes: &[],
        }
    }

    #[test]
    fn a_request_changes_only_where_the_rfc_says() {
        let mut outline = Outline::new();
        assert!(outline.read(INVITE.as_bytes()));
        let message = Message::new(INVITE.as_bytes(), &outline);
        let record = [b"<sip:p;lr>".to_vec()];
        let sent = request(&message, &Onward { record_routes: &record, ..onward() });
        let expected = "INVITE sip:bob@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP p;branch=z9hG4bK2\r\nRecord-Route: <sip:p;lr>\r\n\
            Route: <sip:p2;lr>\r\nMax-Forwards: 69\r\n\
            Via: SIP/2.0/UDP a:5060;branch=z9hG4bK1;rport=4000;received=192.0.2.1, SIP/2.0/TCP z\r\nFrom: <sip:a@x>;tag=1\r\n\
            To: <sip:bob@example.com>\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\nX-Odd: kept\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
        let strict = Onward { routes_off: 0, routes_off_end: 1, route_last: Some(b"<sip:last>"), ..onward() };
        let sent = String::from_utf8(request(&message, &strict)).unwrap();
        assert!(sent.contains("Route: <sip:p1;lr>\r\nRoute: <sip:last>\r\nMax"), "{sent}");
    }

    #[test]
    fn a_response_loses_its_top_via_wherever_it_stands() {
        let told = |text: &str| {
            let mut outline = Outline::new();
            assert!(outline.read(text.as_bytes()));
            response(&Message::new(text.as_bytes(), &outline)).map(|r| String::from_utf8(r).unwrap())
        };
        let rest = "From: <sip:a>;tag=1\r\nTo: <sip:b>;tag=2\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\n";
        let two = format!("SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP p;branch=z9hG4bK2 , SIP/2.0/UDP a\r\n{rest}\r\n");
        let one = format!("SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a\r\n{rest}Content-Length: 0\r\n\r\n");
        assert_eq!(told(&two).as_deref(), Some(&one[..]));
        let fields = two.replace(" , SIP/2.0/UDP a", "\r\nVia: SIP/2.0/UDP a");
        assert_eq!(told(&fields).as_deref(), Some(&one[..]));
        assert_eq!(told(&one), None);
    }
}
