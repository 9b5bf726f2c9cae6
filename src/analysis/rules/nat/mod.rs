//! What address translation did to a call.

pub mod alg;
pub mod contact;
pub mod session;
pub mod via;

use super::Rule;
use crate::sip::{Address, HeaderName, uri};
use crate::trace::{Conversation, Facts};
use std::net::IpAddr;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[alg::RULE, session::RULE, contact::RULE, via::RULE];

/// Whether an address means nothing outside its own network: RFC 1918, RFC 3927, RFC 4193, RFC 4291 §2.5.6, RFC 6598.
#[must_use]
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
        }
    }
}

/// The address in the first Contact of a message; `None` where it is a name.
fn contact_ip(c: &Conversation, f: &Facts) -> Option<IpAddr> {
    let value = c.header(f, HeaderName::Contact)?;
    let first = Address::split(value).next()?;
    Address::parse(first).uri().ip().map(|ip| ip.to_canonical())
}

/// The address that the sender of a request names in its own Via; `None` where it is a name.
fn sent_by_ip(c: &Conversation, f: &Facts) -> Option<IpAddr> {
    let (host, _) = uri::host_port(c.text(c.transaction(f)?.sent_by));
    uri::ip_of(host).map(|ip| ip.to_canonical())
}

/// Where a message was seen to come from.
fn source_ip(f: &Facts) -> IpAddr {
    f.flow.src.ip().to_canonical()
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn private_is_what_no_other_network_can_reach() {
        let private = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1", "fd00::1", "fe80::1"];
        let public = ["172.32.0.1", "100.128.0.1", "192.0.2.1", "2001:db8::1", "127.0.0.1", "11.0.0.1"];
        assert!(private.iter().all(|ip| is_private(ip.parse().unwrap())));
        assert!(!public.iter().any(|ip| is_private(ip.parse().unwrap())));
        assert!(is_private("::ffff:10.0.0.1".parse().unwrap()));
    }
}
