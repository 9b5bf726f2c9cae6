//! URIs: `sip:`, `sips:` and `tel:` taken apart, any other named by its scheme. RFC 3261 §19.1.1, RFC 3966

use super::lex::{self, Parts};
use super::param::{Param, Params};
use crate::base::scan;
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A URI, as it stands: nothing is unescaped, and a part that is not there is empty or `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Uri<'a> {
    /// `sip`, `sips`, `tel`, …; spelling kept. Empty where there is no scheme.
    pub scheme: &'a [u8],
    /// Before the `@`, without password. Of a `tel:` URI the number.
    pub user: Option<&'a [u8]>,
    /// After the first colon of the user information.
    pub password: Option<&'a [u8]>,
    /// Host name, IPv4 address, or IPv6 reference with its brackets. Empty for a URI that has none.
    pub host: &'a [u8],
    /// What follows the host's colon; digits, if it is well-formed.
    pub port: Option<&'a [u8]>,
    /// URI parameters, without the first `;`.
    pub params: &'a [u8],
    /// Header fields, after the `?`.
    pub headers: Option<&'a [u8]>,
    /// Of a scheme that is none of sip, sips and tel: all that follows the colon.
    pub opaque: &'a [u8],
}

impl<'a> Uri<'a> {
    /// The view of a URI (without `<` and `>`).
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Self {
        let text = lex::trim(text);
        let Some((scheme, rest)) = split_scheme(text) else {
            return Uri { scheme: b"", ..sip_parts(text) };
        };
        if scheme.eq_ignore_ascii_case(b"tel") {
            let (number, params) = split_at_byte(rest, b';');
            return Uri { scheme, user: Some(number), params: params.unwrap_or_default(), ..Uri::default() };
        }
        if scheme.eq_ignore_ascii_case(b"sip") || scheme.eq_ignore_ascii_case(b"sips") {
            return Uri { scheme, ..sip_parts(rest) };
        }
        Uri { scheme, opaque: rest, ..Uri::default() }
    }

    /// Whether the scheme is `sip` or `sips`.
    #[must_use]
    pub fn is_sip(&self) -> bool {
        self.scheme.eq_ignore_ascii_case(b"sip") || self.is_sips()
    }

    /// Whether the scheme is `sips`.
    #[must_use]
    pub fn is_sips(&self) -> bool {
        self.scheme.eq_ignore_ascii_case(b"sips")
    }

    /// Whether the scheme is `tel`.
    #[must_use]
    pub fn is_tel(&self) -> bool {
        self.scheme.eq_ignore_ascii_case(b"tel")
    }

    /// The port as a number, where it is one.
    #[must_use]
    pub fn port_number(&self) -> Option<u16> {
        self.port.and_then(lex::number).and_then(|n| u16::try_from(n).ok())
    }

    /// The host as an address, where it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        ip_of(self.host)
    }

    /// The URI parameters.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        Params::new(self.params)
    }

    /// The first URI parameter of that name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Param<'a>> {
        self.params().find(name)
    }

    /// The header fields in the URI: `?Subject=x&Priority=y`.
    pub fn headers(&self) -> impl Iterator<Item = Param<'a>> {
        let text = self.headers.unwrap_or_default();
        Parts::new(text, b'&').filter(|part| !part.is_empty()).map(Param::of)
    }
}

/// The address that a host spells: IPv4, or IPv6 with or without brackets.
#[must_use]
pub fn ip_of(host: &[u8]) -> Option<IpAddr> {
    let inner = host.strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]"));
    let text = std::str::from_utf8(inner.unwrap_or(host)).ok()?;
    match (inner, text.parse::<Ipv4Addr>()) {
        (None, Ok(v4)) => Some(IpAddr::V4(v4)),
        _ => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
    }
}

/// `host:port` in its parts; the host keeps its brackets. White space around the colon is allowed (RFC 3261 §25.1, COLON).
#[must_use]
pub fn host_port(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let host_end = match text.first() {
        Some(b'[') => scan::find([b']'], text).map_or(text.len(), |at| at + 1),
        _ => scan::find([b':'], text).unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(host_end);
    let rest = lex::trim_start(rest);
    match rest.strip_prefix(b":") {
        Some(port) => (lex::trim_end(host), Some(lex::trim_start(port))),
        // What follows the bracket without a colon belongs to nobody: it is left with the host, where a check finds it.
        None => (lex::trim_end(text), None),
    }
}

/// The bytes that `%`-escapes stand for; a `%` without two hexadecimal digits stays. Allocates only where there is a `%`.
#[must_use]
pub fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if scan::find([b'%'], text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        match (first, escape(rest)) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                rest = &rest[3..];
            }
            _ => {
                plain.push(*first);
                rest = tail;
            }
        }
    }
    Cow::Owned(plain)
}

/// The byte of the escape that `text` starts with.
pub(super) fn escape(text: &[u8]) -> Option<u8> {
    let &[b'%', high, low, ..] = text else { return None };
    let digit = |c: u8| char::from(c).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// Scheme and what follows its colon. RFC 3261 §25.1
pub(super) fn split_scheme(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_scheme = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let end = text.iter().position(|&b| !is_scheme(b))?;
    (end > 0 && text[end] == b':' && text[0].is_ascii_alphabetic()).then(|| (&text[..end], &text[end + 1..]))
}

fn split_at_byte(text: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    match scan::find([byte], text) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// What follows `sip:`.
fn sip_parts(text: &[u8]) -> Uri<'_> {
    let (userinfo, rest) = match at_sign(text) {
        Some(at) => (Some(&text[..at]), &text[at + 1..]),
        None => (None, text),
    };
    let (user, password) = match userinfo.map(|u| split_at_byte(u, b':')) {
        Some((user, password)) => (Some(user), password),
        None => (None, None),
    };
    let (before, headers) = split_at_byte(rest, b'?');
    let (hostport, params) = split_at_byte(before, b';');
    let (host, port) = host_port(hostport);
    Uri { user, password, host, port, params: params.unwrap_or_default(), headers, ..Uri::default() }
}

/// The `@` that ends the user part. A user may hold `;` and `?` (RFC 3261 §25.1, user-unreserved), and software that does
/// not escape writes an address into it (`alice@example.com@proxy`): so the last `@` before parameters or header fields.
fn at_sign(text: &[u8]) -> Option<usize> {
    let first = scan::find([b'@'], text)?;
    let end = scan::find([b';', b'?'], &text[first..]).map_or(text.len(), |at| first + at);
    memchr::memrchr(b'@', &text[..end])
}

#[cfg(test)]
mod tests {
    use super::{Uri, host_port, ip_of, unescaped};

    #[test]
    fn a_sip_uri_with_everything() {
        let uri = Uri::parse(b"sips:alice:pw@[2001:db8::9]:5061;transport=tcp;lr?Subject=a%20b&Priority=urgent");
        assert!(uri.is_sips() && uri.is_sip());
        assert_eq!((uri.user, uri.password), (Some(&b"alice"[..]), Some(&b"pw"[..])));
        assert_eq!((uri.host, uri.port_number()), (&b"[2001:db8::9]"[..], Some(5061)));
        assert_eq!(uri.ip(), Some("2001:db8::9".parse().unwrap()));
        assert_eq!(uri.param("transport").unwrap().value, Some(&b"tcp"[..]));
        assert!(uri.param("LR").is_some());
        let headers: Vec<_> = uri.headers().map(|h| h.name).collect();
        assert_eq!(headers, [&b"Subject"[..], b"Priority"]);
    }

    #[test]
    fn the_user_may_hold_what_looks_like_parameters() {
        let uri = Uri::parse(b"sip:user;par=u%40example.net@example.com");
        assert_eq!((uri.user, uri.host), (Some(&b"user;par=u%40example.net"[..]), &b"example.com"[..]));
        assert_eq!(uri.params, b"");
        let uri = Uri::parse(b"sip:a@b@host;x=c@d");
        assert_eq!((uri.user, uri.host, uri.params), (Some(&b"a@b"[..]), &b"host"[..], &b"x=c@d"[..]));
    }

    #[test]
    fn other_schemes_and_none() {
        let tel = Uri::parse(b"tel:+1-201-555-0123;phone-context=example.com");
        assert!(tel.is_tel());
        assert_eq!(tel.user, Some(&b"+1-201-555-0123"[..]));
        assert!(tel.param("phone-context").is_some());
        assert_eq!(Uri::parse(b"soap.beep://192.0.2.103:3002").opaque, b"//192.0.2.103:3002");
        let bare = Uri::parse(b"foo@bar");
        assert_eq!((bare.scheme, bare.user, bare.host), (&b""[..], Some(&b"foo"[..]), &b"bar"[..]));
        assert_eq!(Uri::parse(b"").host, b"");
    }

    #[test]
    fn hosts_and_ports_part_at_the_right_colon() {
        assert_eq!(host_port(b"host : 5060"), (&b"host"[..], Some(&b"5060"[..])));
        assert_eq!(host_port(b"[::1]"), (&b"[::1]"[..], None));
        assert_eq!(host_port(b"[::1]x"), (&b"[::1]x"[..], None));
        assert_eq!(host_port(b"[::1"), (&b"[::1"[..], None));
        assert_eq!(ip_of(b"192.0.2.1"), Some("192.0.2.1".parse().unwrap()));
        assert_eq!(ip_of(b"[192.0.2.1]"), None);
        assert_eq!(ip_of(b"example.com"), None);
    }

    #[test]
    fn escapes_are_undone_and_broken_ones_left() {
        assert_eq!(&*unescaped(b"%75se%72"), b"user");
        assert_eq!(&*unescaped(b"%00%zz%4"), b"\0%zz%4");
    }
}
