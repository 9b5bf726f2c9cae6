//! How our own addresses and those that a person typed are written in header fields.

use crate::sip::Address;
use std::net::{IpAddr, SocketAddr};

/// An IP address as a host: IPv6 in brackets, without the zone that means nothing elsewhere. RFC 3261 §25.1, RFC 5118 §4.2
pub(super) fn host(address: SocketAddr) -> String {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// Host and port.
pub(super) fn host_port(address: SocketAddr) -> String {
    format!("{}:{}", host(address), address.port())
}

/// A typed address as From and To want it: in brackets, so that `;` and `?` stay parts of its URI; with a scheme.
/// RFC 3261 §20.10
pub(super) fn name_addr(text: &str) -> String {
    let address = Address::parse(text.as_bytes());
    if address.bracketed || address.param("tag").is_some() {
        return text.to_owned();
    }
    let scheme = if address.uri().scheme.is_empty() { "sip:" } else { "" };
    format!("<{scheme}{text}>")
}

/// Whether a value of From has a tag.
pub(super) fn has_tag(text: &str) -> bool {
    Address::parse(text.as_bytes()).param("tag").is_some()
}

#[cfg(test)]
mod tests {
    use super::{has_tag, host, host_port, name_addr};

    #[test]
    fn ipv6_stands_in_brackets_without_its_zone() {
        assert_eq!(host_port("192.0.2.1:5080".parse().unwrap()), "192.0.2.1:5080");
        assert_eq!(host_port("[2001:db8::1]:5061".parse().unwrap()), "[2001:db8::1]:5061");
        let link_local = std::net::SocketAddrV6::new("fe80::1".parse().unwrap(), 5060, 0, 3);
        assert_eq!(host(link_local.into()), "[fe80::1]");
        assert_eq!(host("[::ffff:192.0.2.7]:1".parse().unwrap()), "192.0.2.7");
    }

    #[test]
    fn typed_addresses_become_name_addrs() {
        for (typed, written) in [
            ("sip:alice@example.com", "<sip:alice@example.com>"),
            ("alice@example.com", "<sip:alice@example.com>"),
            ("sip:a@b;transport=tcp?x=y", "<sip:a@b;transport=tcp?x=y>"),
            ("\"Alice\" <sip:alice@example.com>", "\"Alice\" <sip:alice@example.com>"),
            ("tel:+15550100", "<tel:+15550100>"),
            ("sip:a@b;tag=7", "sip:a@b;tag=7"),
        ] {
            assert_eq!(name_addr(typed), written);
        }
        assert!(has_tag("<sip:a@b>;tag=7") && !has_tag("<sip:a@b;tag=7>"));
    }
}
