//! What a certificate says, and which names it is good for.

use crate::transport::line::Certificate;
use std::net::IpAddr;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate, read.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// What people ask for.
    pub facts: Certificate,
    /// Whether who signed it is itself.
    pub self_issued: bool,
    /// Names that it is good for.
    names: Vec<Name>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Name {
    /// The host of a `sip` URI without a user.
    Sip(String),
    Dns(String),
    Ip(IpAddr),
    /// The common name, where there are no alternative names at all.
    Common(String),
}

impl Shown {
    /// Reads DER; `None` where it is no certificate.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let mut facts = Certificate {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names: Vec::new(),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
        };
        let mut names = Vec::new();
        match certificate.subject_alternative_name() {
            Ok(Some(alternative)) => {
                for name in &alternative.value.general_names {
                    let (text, good_for) = read_name(name);
                    facts.names.extend(text);
                    names.extend(good_for);
                }
            }
            // RFC 5922 §7.1: the common name counts only where there are no alternative names.
            _ => {
                let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
                names.extend(common.map(|name| Name::Common(name.to_owned())));
            }
        }
        let self_issued = certificate.subject().as_raw() == certificate.issuer().as_raw();
        Some(Shown { facts, self_issued, names })
    }

    /// Whether it is good for a domain or an address: the host of a `sip` URI, a DNS name, an address; the common name where
    /// there are no alternative names. RFC 5922 §7.1
    pub(super) fn is_for(&self, wanted: &str, wildcards: bool) -> bool {
        let address = wanted.split('%').next().and_then(|ip| ip.parse::<IpAddr>().ok());
        self.names.iter().any(|name| match name {
            Name::Ip(ip) => address == Some(*ip),
            Name::Sip(host) => host.eq_ignore_ascii_case(wanted) || (address.is_some() && host.parse().ok() == address),
            Name::Dns(name) | Name::Common(name) => {
                name.trim_end_matches('.').eq_ignore_ascii_case(wanted)
                    || (wildcards && address.is_none() && wildcard_covers(name, wanted))
            }
        })
    }

    /// Whether only a wildcard keeps it from being good for `wanted`.
    pub(super) fn is_for_by_wildcard(&self, wanted: &str) -> bool {
        self.is_for(wanted, true) && !self.is_for(wanted, false)
    }

    /// The names, for people: `sip.example.com, www.example.com`.
    pub(super) fn listed(&self) -> String {
        const MOST: usize = 6;
        let words = |name: &Name| match name {
            Name::Sip(host) => format!("sip:{host}"),
            Name::Dns(name) | Name::Common(name) => name.clone(),
            Name::Ip(ip) => ip.to_string(),
        };
        let mut listed: Vec<_> = self.names.iter().take(MOST).map(words).collect();
        if self.names.len() > MOST {
            listed.push(format!("{} more", self.names.len() - MOST));
        }
        if listed.is_empty() { "nobody".to_owned() } else { listed.join(", ") }
    }
}

fn read_name(name: &GeneralName<'_>) -> (Option<String>, Option<Name>) {
    match name {
        GeneralName::DNSName(name) => (Some(format!("DNS:{name}")), Some(Name::Dns((*name).to_owned()))),
        GeneralName::URI(uri) => (Some(format!("URI:{uri}")), sip_host(uri).map(Name::Sip)),
        GeneralName::IPAddress(bytes) => {
            let ip = match bytes.len() {
                4 => <[u8; 4]>::try_from(*bytes).ok().map(IpAddr::from),
                _ => <[u8; 16]>::try_from(*bytes).ok().map(IpAddr::from),
            };
            (ip.map(|ip| format!("IP:{ip}")), ip.map(Name::Ip))
        }
        GeneralName::RFC822Name(name) => (Some(format!("email:{name}")), None),
        _ => (None, None),
    }
}

/// The host of a `sip` URI that names a domain: no other scheme, and no user. RFC 5922 §7.1
fn sip_host(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("sip") || rest.contains('@') {
        return None;
    }
    let host = match rest.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => rest.split([':', ';', '?']).next()?,
    };
    (!host.is_empty()).then(|| host.to_owned())
}

/// Whether `*.example.com` covers `wanted`: one whole label, the first. RFC 6125 §6.4.3
fn wildcard_covers(pattern: &str, wanted: &str) -> bool {
    let (Some(domain), Some((label, rest))) = (pattern.strip_prefix("*."), wanted.split_once('.')) else {
        return false;
    };
    !label.is_empty() && rest.contains('.') && domain.eq_ignore_ascii_case(rest)
}

#[cfg(test)]
mod tests {
    use super::{sip_host, wildcard_covers};

    #[test]
    fn only_sip_uris_without_a_user_name_a_domain() {
        assert_eq!(sip_host("sip:example.com").as_deref(), Some("example.com"));
        assert_eq!(sip_host("SIP:example.com:5061;transport=tls").as_deref(), Some("example.com"));
        assert_eq!(sip_host("sip:[2001:db8::1]:5061").as_deref(), Some("2001:db8::1"));
        for other in ["sips:example.com", "https://example.com", "sip:alice@example.com", "sip:", "example.com"] {
            assert_eq!(sip_host(other), None, "{other}");
        }
    }

    #[test]
    fn a_wildcard_is_one_label() {
        assert!(wildcard_covers("*.example.com", "sip.EXAMPLE.com"));
        for wanted in ["example.com", "a.b.example.com", ".example.com", "sip.other.org"] {
            assert!(!wildcard_covers("*.example.com", wanted), "{wanted}");
        }
        assert!(!wildcard_covers("*.com", "example.com"));
    }
}
