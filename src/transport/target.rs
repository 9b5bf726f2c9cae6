//! What a person names to be reached: a SIP URI, a host, a host and a port, an address.

use super::Protocol;
use std::net::IpAddr;

/// A host as it was named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Host {
    /// A numeric address: nothing is looked up. RFC 3263 §4.1
    Ip(IpAddr),
    /// A domain name, without a final dot.
    Name(String),
}

/// A target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// As it was typed.
    pub typed: String,
    /// The Request-URI that it stands for: `sip:` added where it had no scheme, nothing else changed.
    pub uri: String,
    /// Whether the scheme is `sips`.
    pub secure: bool,
    /// The user part, where there is one.
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
    /// What is wrong with it, in words for a person.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let _ = typed;
        todo!()
    }

    /// The domain as certificates name it: the host of the URI, not `maddr`. RFC 5922 §7.1
    #[must_use]
    pub fn domain(&self) -> &str {
        todo!()
    }
}
