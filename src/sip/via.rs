//! The Via header field. RFC 3261 §20.42, §25.1

use super::address::Fault;
use super::lex;
use super::param::{Param, Params, first_param};
use super::uri::host_port;
use crate::base::scan;

/// What every branch of RFC 3261 starts with. RFC 3261 §8.1.1.7
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// One Via value, as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Via<'a> {
    /// Protocol name: `SIP`.
    pub protocol: &'a [u8],
    /// Protocol version: `2.0`.
    pub version: &'a [u8],
    /// `UDP`, `TCP`, `TLS`, `WS`, …; spelling kept.
    pub transport: &'a [u8],
    /// Host and port that the sender names.
    pub sent_by: &'a [u8],
    /// The parameters with their first `;`.
    pub params: &'a [u8],
    /// Why it could not be taken apart as the grammar says.
    pub fault: Option<Fault<'a>>,
}

impl<'a> Via<'a> {
    /// The view of one value (not of a comma list).
    #[inline]
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Self {
        let value = lex::trim(value);
        let mut via = Via::default();
        let mut rest;
        if let Some(tail) = value.strip_prefix(b"SIP/2.0/") {
            (via.protocol, via.version, rest) = (&value[..3], &value[4..7], tail);
        } else {
            let Some((protocol, version, tail)) = sent_protocol(value) else {
                return Via { fault: Some(Fault { at: value, what: "no protocol name and version" }), ..via };
            };
            (via.protocol, via.version, rest) = (protocol, version, tail);
        }
        (via.transport, rest) = lex::take(lex::trim_start(rest), lex::TOKEN);
        let (sent_by, params) = rest.split_at(scan::find([b';'], rest).unwrap_or(rest.len()));
        via.sent_by = lex::trim(sent_by);
        via.params = params;
        if via.transport.is_empty() {
            via.fault = Some(Fault { at: value, what: "no transport" });
        } else if via.sent_by.is_empty() {
            via.fault = Some(Fault { at: value, what: "no sent-by" });
        }
        via
    }

    /// Host of sent-by, an IPv6 reference with its brackets.
    #[must_use]
    pub fn host(&self) -> &'a [u8] {
        host_port(self.sent_by).0
    }

    /// Port of sent-by, where it is there and a number.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        host_port(self.sent_by).1.and_then(lex::number).and_then(|n| u16::try_from(n).ok())
    }

    /// The parameters.
    #[inline]
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        Params::new(self.params)
    }

    /// The first parameter of that name.
    #[inline]
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Param<'a>> {
        self.params().find(name)
    }

    /// The branch; empty where there is none.
    #[inline]
    #[must_use]
    pub fn branch(&self) -> &'a [u8] {
        if self.params.is_empty() {
            return b"";
        }
        first_param(self.params, b";branch=")
            .unwrap_or_else(|| self.param("branch").and_then(|p| p.value).unwrap_or_default())
    }

    /// Where the request really came from, as the next hop saw it. RFC 3261 §18.2.1
    #[must_use]
    pub fn received(&self) -> Option<&'a [u8]> {
        self.param("received")?.value
    }

    /// `Some(None)` where the client asks for the port, `Some(Some(n))` where the server says it. RFC 3581 §3, §4
    #[must_use]
    pub fn rport(&self) -> Option<Option<u16>> {
        let value = self.param("rport")?.value;
        Some(value.and_then(lex::number).and_then(|n| u16::try_from(n).ok()))
    }

    /// The multicast time to live.
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        self.param("ttl")?.value.and_then(lex::number).and_then(|n| u8::try_from(n).ok())
    }

    /// Where the response is to go instead of sent-by.
    #[must_use]
    pub fn maddr(&self) -> Option<&'a [u8]> {
        self.param("maddr")?.value
    }
}

/// Protocol name, version, and what follows the second slash, white space allowed all around. RFC 3261 §25.1, SLASH
fn sent_protocol(value: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (protocol, rest) = lex::take(value, lex::TOKEN);
    let rest = lex::trim_start(rest).strip_prefix(b"/")?;
    let (version, rest) = lex::take(lex::trim_start(rest), lex::TOKEN);
    Some((protocol, version, lex::trim_start(rest).strip_prefix(b"/")?))
}

#[cfg(test)]
mod tests {
    use super::Via;

    #[test]
    fn the_usual_via() {
        let via = Via::parse(b"SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK1;rport=40001;received=198.51.100.9;ttl=1");
        assert_eq!((via.transport, via.sent_by), (&b"UDP"[..], &b"192.0.2.1:5062"[..]));
        assert_eq!((via.host(), via.port()), (&b"192.0.2.1"[..], Some(5062)));
        assert_eq!(via.branch(), b"z9hG4bK1");
        assert_eq!((via.received(), via.rport()), (Some(&b"198.51.100.9"[..]), Some(Some(40001))));
        assert_eq!((via.ttl(), via.maddr(), via.fault), (Some(1), None, None));
    }

    #[test]
    fn white_space_and_folds_wherever_the_grammar_has_them() {
        let via = Via::parse(b"SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 : 99 ;branch=390skdjuw;rport");
        assert_eq!((via.protocol, via.version, via.transport), (&b"SIP"[..], &b"2.0"[..], &b"UDP"[..]));
        assert_eq!((via.host(), via.port()), (&b"192.0.2.2"[..], Some(99)));
        assert_eq!((via.branch(), via.rport()), (&b"390skdjuw"[..], Some(None)));
        let six = Via::parse(b"SIP/2.0/TLS [2001:db8::9:1]:6050;branch=z");
        assert_eq!((six.host(), six.port()), (&b"[2001:db8::9:1]"[..], Some(6050)));
    }

    #[test]
    fn a_broken_via_says_why() {
        assert_eq!(Via::parse(b"UDP host").fault.unwrap().what, "no protocol name and version");
        assert_eq!(Via::parse(b"SIP/2.0/UDP ;branch=1").fault.unwrap().what, "no sent-by");
        assert_eq!(Via::parse(b"SIP/2.0/ ").fault.unwrap().what, "no transport");
    }
}
