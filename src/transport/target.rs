//! What a person names to be reached: a SIP URI, a host, a host and a port, an address.

use super::Protocol;
use crate::sip::Uri;
use crate::sip::uri::{ip_of, unescaped};
use std::net::{IpAddr, Ipv6Addr};

/// Longest target that is taken: a Request-URI beyond it fits no datagram that arrives whole.
const LONGEST: usize = 2048;
/// Longest name that the DNS knows, and its longest label. RFC 1035 §2.3.4
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;
/// Schemes that people have at hand beside those of SIP: `mailto:bob@example.com` is no user `mailto` with a password.
const OTHER_SCHEMES: [&str; 11] =
    ["mailto", "http", "https", "ws", "wss", "im", "pres", "xmpp", "h323", "urn", "callto"];

/// A host as it was named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Host {
    /// A numeric address: nothing is looked up. RFC 3263 §4.1
    Ip(IpAddr),
    /// A domain name in lower case, without a final dot.
    Name(String),
}

/// A target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// As it was typed.
    pub typed: String,
    /// The Request-URI that it stands for: `sip:` added where it had no scheme (and brackets around a bare IPv6 address),
    /// nothing else changed.
    pub uri: String,
    /// Whether the scheme is `sips`.
    pub secure: bool,
    /// The user part, where there is one, its escapes undone (unless they hide control characters or what is not UTF-8).
    pub user: Option<String>,
    /// Where it is: `maddr` if it has one, else the host. RFC 3263 §4
    pub host: Host,
    /// The port, where one is named.
    pub port: Option<u16>,
    /// The `transport` parameter, where there is one.
    pub transport: Option<Protocol>,
}

impl Target {
    /// Takes what was typed: `sip:user@host:port;transport=tcp`, `sips:…`, `host`, `host:port`, `192.0.2.1:5070`, `[2001:db8::1]:5060`.
    ///
    /// # Errors
    /// What is wrong with it, in words for a person. They repeat what was typed: escape them before they reach a terminal.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let text = typed.trim();
        check_characters(text)?;
        let uri = with_scheme(text)?;
        let view = Uri::parse(uri.as_bytes());
        check_escapes(text, &view)?;
        if view.headers.is_some() {
            return Err(format!(
                "'{text}' has header fields behind '?', which no Request-URI may have: give them with -H"
            ));
        }
        let port = port(text, &view)?;
        let mut host = host(text, "host", view.host)?;
        if let Some(maddr) = view.param("maddr") {
            host = self::host(text, "maddr", &maddr.text())?;
        }
        let transport = transport(text, &view)?;
        let (secure, user) = (view.is_sips(), user(&view));
        Ok(Target { typed: typed.to_owned(), secure, user, host, port, transport, uri })
    }

    /// The domain as certificates name it: the host of the URI, not `maddr`; an IPv6 address without brackets. RFC 5922 §7.1
    #[must_use]
    pub fn domain(&self) -> &str {
        let host = Uri::parse(self.uri.as_bytes()).host;
        // Cut out of a string at ASCII characters, so that it is a string.
        let host = std::str::from_utf8(host).unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        host.strip_suffix('.').unwrap_or(host)
    }
}

fn check_characters(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("the target is empty: write sip:user@host, host, host:port or an address".to_owned());
    }
    if text.len() > LONGEST {
        return Err(format!("the target is {} bytes long: {LONGEST} are the most", text.len()));
    }
    let wrong = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '\\');
    if let Some(c) = text.chars().find(|&c| wrong(c)) {
        let what = match c {
            '<' | '>' => "write the URI without '<' and '>', and without a display name",
            ' ' => "a URI has no spaces (one in a user part is written %20)",
            _ => "it cannot stand in a URI",
        };
        return Err(format!("'{text}' has the character {c:?}: {what}"));
    }
    if let Some(c) = text.chars().find(|c| !c.is_ascii()) {
        let mut bytes = [0; 4];
        let escaped: String = c.encode_utf8(&mut bytes).bytes().map(|b| format!("%{b:02X}")).collect();
        return Err(format!(
            "'{text}' has the character '{c}': write {escaped} in a user part, and a domain in its ASCII form (xn--…)"
        ));
    }
    Ok(())
}

/// The URI that `text` stands for. What looks like a scheme may be a host with a port: `localhost:5060`.
fn with_scheme(text: &str) -> Result<String, String> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok(format!("sip:[{text}]"));
    }
    let Some((before, behind)) = text.split_once(':') else { return Ok(format!("sip:{text}")) };
    let is = |scheme: &str| before.eq_ignore_ascii_case(scheme);
    if is("sip") || is("sips") {
        let rest = behind.trim_start_matches('/');
        if rest.len() < behind.len() {
            return Err(format!("'{text}': no '//' stands behind '{before}:', write {before}:{rest}"));
        }
        return Ok(text.to_owned());
    }
    if is("tel") {
        let number = behind.split(';').next().unwrap_or_default();
        return Err(format!("'{text}' names no domain to send to: write sip:{number}@DOMAIN"));
    }
    if behind.starts_with("//") || OTHER_SCHEMES.iter().any(|s| is(s)) && behind.parse::<u32>().is_err() {
        return Err(format!("'{text}' is a {before} URI: only sip and sips can be sent to"));
    }
    Ok(format!("sip:{text}"))
}

/// RFC 3261 §25.1, escaped. A host has none.
fn check_escapes(text: &str, view: &Uri<'_>) -> Result<(), String> {
    let parts = [view.user.unwrap_or_default(), view.password.unwrap_or_default(), view.params];
    for part in parts {
        let mut pieces = part.split(|&b| b == b'%');
        let _ = pieces.next();
        let whole = |piece: &[u8]| piece.get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        if !pieces.all(whole) {
            return Err(format!("'{text}': a '%' is followed by two hexadecimal digits (itself it is written %25)"));
        }
    }
    if view.user.is_some_and(<[u8]>::is_empty) {
        return Err(format!("'{text}' has no user before the '@'"));
    }
    Ok(())
}

fn port(text: &str, view: &Uri<'_>) -> Result<Option<u16>, String> {
    let Some(digits) = view.port else { return Ok(None) };
    if memchr::memchr(b':', digits).is_some() {
        return Err(format!("'{text}': an IPv6 address stands in brackets, as in sip:[2001:db8::1]:5060"));
    }
    let shown = String::from_utf8_lossy(digits);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let port = shown.parse().ok().filter(|&port: &u16| is_number && port > 0);
    port.map(Some).ok_or_else(|| format!("'{text}' has the port '{shown}': a port is a number from 1 to 65535"))
}

/// The host, or the `maddr`, that `bytes` spell.
fn host(text: &str, what: &str, bytes: &[u8]) -> Result<Host, String> {
    if let Some(ip) = ip_of(bytes) {
        return Ok(Host::Ip(ip));
    }
    let name = String::from_utf8_lossy(bytes);
    let wrong = |why: &str| Err(format!("'{text}': '{name}' is no {what}: {why}"));
    if name.is_empty() {
        return Err(format!("'{text}' has no {what}: write sip:user@host, host or host:port"));
    }
    if name.starts_with('[') {
        return match name.contains('%') {
            true => wrong("an address with a zone cannot be sent to by URI"),
            false => wrong("brackets hold an IPv6 address, and only a port follows them"),
        };
    }
    let bare = name.strip_suffix('.').unwrap_or(&name);
    if bare.len() > LONGEST_NAME || bare.split('.').any(|label| label.len() > LONGEST_LABEL) {
        return wrong("a name has 253 characters at most, and 63 between two dots");
    }
    if bare.split('.').any(str::is_empty) {
        return wrong("nothing stands between two of its dots");
    }
    // The underscore is not in RFC 3261's grammar, and in many a private zone.
    if let Some(c) = bare.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))) {
        return wrong(&format!("'{c}' stands in no name"));
    }
    // RFC 3261 §25.1, toplabel: a name whose last label is a number is an address that went wrong.
    if bare.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit())) {
        return wrong("it is neither an IPv4 address nor a name");
    }
    Ok(Host::Name(bare.to_ascii_lowercase()))
}

fn transport(text: &str, view: &Uri<'_>) -> Result<Option<Protocol>, String> {
    let Some(param) = view.param("transport") else { return Ok(None) };
    let value = param.text();
    let name = String::from_utf8_lossy(&value);
    let Some(protocol) = Protocol::of(&name) else {
        return Err(format!("'{text}' asks for the transport '{name}': it is one of udp, tcp, tls, ws and wss"));
    };
    // RFC 3261 §26.2.1: sips demands TLS, which datagrams do not have here.
    if view.is_sips() && protocol == Protocol::Udp {
        return Err(format!("'{text}' asks for TLS (sips) and for UDP: they exclude each other"));
    }
    Ok(Some(protocol))
}

fn user(view: &Uri<'_>) -> Option<String> {
    let raw = view.user?;
    let plain = String::from_utf8(unescaped(raw).into_owned()).ok().filter(|u| !u.chars().any(char::is_control));
    Some(plain.unwrap_or_else(|| String::from_utf8_lossy(raw).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Host, Protocol, Target};

    fn name(text: &str) -> Host {
        Host::Name(text.to_owned())
    }

    fn ip(text: &str) -> Host {
        Host::Ip(text.parse().unwrap())
    }

    #[test]
    fn every_form_of_the_contract_is_taken() {
        let cases = [
            ("sip:alice@example.com:5070;transport=tcp", name("example.com"), Some(5070), Some(Protocol::Tcp)),
            ("sips:example.com", name("example.com"), None, None),
            ("example.com", name("example.com"), None, None),
            ("localhost:5060", name("localhost"), Some(5060), None),
            ("http:5060", name("http"), Some(5060), None),
            ("alice@example.com", name("example.com"), None, None),
            ("192.0.2.1:5070", ip("192.0.2.1"), Some(5070), None),
            ("[2001:db8::1]:5060", ip("2001:db8::1"), Some(5060), None),
            ("2001:db8::1", ip("2001:db8::1"), None, None),
            ("sip:[::1]", ip("::1"), None, None),
            ("  SIP:Alice@EXAMPLE.com.;Transport=WSS ", name("example.com"), None, Some(Protocol::Wss)),
            ("_x.corp_1.example.com", name("_x.corp_1.example.com"), None, None),
            ("sip:example.com:65535", name("example.com"), Some(65535), None),
        ];
        for (typed, host, port, transport) in cases {
            let target = Target::parse(typed).unwrap_or_else(|e| panic!("{typed}: {e}"));
            assert_eq!((&target.host, target.port, target.transport), (&host, port, transport), "{typed}");
            assert_eq!(target.typed, typed);
            assert!(!target.uri.contains(' '), "{typed}");
        }
    }

    #[test]
    fn the_request_uri_is_what_was_typed_with_a_scheme() {
        let uri = |typed: &str| Target::parse(typed).unwrap().uri;
        assert_eq!(uri("example.com"), "sip:example.com");
        assert_eq!(uri("Example.COM.:5060;lr"), "sip:Example.COM.:5060;lr");
        assert_eq!(uri("2001:db8::1"), "sip:[2001:db8::1]");
        assert_eq!(uri("SIPS:Bob@Example.com"), "SIPS:Bob@Example.com");
        assert!(Target::parse("SIPS:Bob@Example.com").unwrap().secure);
        assert!(!Target::parse("example.com").unwrap().secure);
    }

    #[test]
    fn the_domain_is_that_of_the_uri_and_the_way_goes_to_maddr() {
        let target = Target::parse("sip:alice@Example.com.;maddr=192.0.2.9;transport=tls").unwrap();
        assert_eq!((target.domain(), &target.host), ("Example.com", &ip("192.0.2.9")));
        assert_eq!(Target::parse("sip:x@y.example;maddr=[::1]").unwrap().host, ip("::1"));
        assert_eq!(Target::parse("[2001:db8::1]:5061").unwrap().domain(), "2001:db8::1");
        assert_eq!(Target::parse("192.0.2.1:5061").unwrap().domain(), "192.0.2.1");
    }

    #[test]
    fn escapes_of_the_user_are_undone_unless_they_hide_something() {
        let user = |typed: &str| Target::parse(typed).unwrap().user;
        assert_eq!(user("sip:alice%40home@example.com").as_deref(), Some("alice@home"));
        assert_eq!(user("sip:%C3%A9@example.com").as_deref(), Some("é"));
        assert_eq!(user("sip:a%0d%0ab@example.com").as_deref(), Some("a%0d%0ab"));
        assert_eq!(user("sip:%ff@example.com").as_deref(), Some("%ff"));
        assert_eq!(user("sip:*43#;x=1@example.com").as_deref(), Some("*43#;x=1"));
        assert_eq!(user("example.com"), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let long = format!("{}.example", "a".repeat(64));
        let cases = [
            ("", "the target is empty"),
            ("   ", "the target is empty"),
            ("sip:", "has no host"),
            ("sip:alice@", "has no host"),
            ("sip:alice@:5060", "has no host"),
            ("sip:@example.com", "has no user before"),
            ("sip://example.com", "write sip:example.com"),
            ("example.com:", "has the port ''"),
            ("example.com:0", "from 1 to 65535"),
            ("example.com:65536", "from 1 to 65535"),
            ("example.com:+5", "from 1 to 65535"),
            ("example.com:50x0", "has the port '50x0'"),
            ("sip:2001:db8::1", "stands in brackets"),
            ("sip:[2001:db8::1", "brackets hold an IPv6 address"),
            ("sip:[::1]x", "brackets hold an IPv6 address"),
            ("sip:[fe80::1%25eth0]", "with a zone"),
            ("300.1.1.1", "neither an IPv4 address nor a name"),
            ("1.2.3", "neither an IPv4 address nor a name"),
            ("a..example", "between two of its dots"),
            (".", "between two of its dots"),
            ("exa%6dple.com", "'%' stands in no name"),
            (long.as_str(), "63 between two dots"),
            ("sip:example.com;transport=sctp", "the transport 'sctp'"),
            ("sip:example.com;transport", "the transport ''"),
            ("sips:example.com;transport=udp", "exclude each other"),
            ("sip:example.com;maddr=", "has no maddr"),
            ("sip:example.com;maddr=[", "is no maddr"),
            ("sip:example.com?Subject=x", "no Request-URI may have"),
            ("tel:+1-201-555-0123;phone-context=+1", "write sip:+1-201-555-0123@DOMAIN"),
            ("mailto:bob@example.com", "is a mailto URI"),
            ("https://example.com", "is a https URI"),
            ("<sip:bob@example.com>", "without '<' and '>'"),
            ("sip:bob smith@example.com", "%20"),
            ("sip:bob@example.com\r\nEvil: 1", "cannot stand in a URI"),
            ("sip:bücher.example", "xn--"),
            ("sip:a%2@example.com", "two hexadecimal digits"),
            ("sip:a%zz@example.com", "two hexadecimal digits"),
        ];
        for (typed, words) in cases {
            let error = Target::parse(typed).unwrap_err();
            assert!(error.contains(words), "{typed}: {error}");
        }
        assert!(Target::parse(&"a".repeat(3000)).unwrap_err().contains("2048 are the most"));
    }

    #[test]
    fn nothing_that_is_typed_makes_it_fail() {
        let pieces = [
            "sip:",
            "sips:",
            "@",
            ":",
            "[",
            "]",
            "%",
            ";maddr=",
            ";transport=",
            "::1",
            "é",
            "a",
            ".",
            "?",
            "//",
            "\0",
            "5060",
        ];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for d in pieces {
                        if let Ok(target) = Target::parse(&[a, b, c, d].concat()) {
                            assert!(!target.domain().is_empty());
                        }
                    }
                }
            }
        }
    }
}
