//! `tls-certificate`: TLS came about under a certificate that a careful client would have refused.
//!
//! Up to TLS 1.2 the certificate is in the clear; in TLS 1.3 it is seen where the handshake was opened. Whom the client trusts is not known: what can be
//! told are dates, the name, and a certificate that nobody but itself vouches for.

use crate::analysis::incidents::Occurrences;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Finding, Severity, words};
use crate::base::{Safe, Timestamp};
use crate::sip::uri::Uri;
use crate::trace::incident::Shown;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The rule: what it says is gathered by [`crate::analysis::incidents`].
pub const RULE: Rule = Rule { judge: super::judged_by_watch, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "tls-certificate",
    severity: Severity::Warning,
    meaning: "A server was talked to over TLS although its certificate has expired, is not valid yet, is signed by itself, or is not for the name that the \
              client asked for. The client does not check it: anybody on the way could take the server's place and listen.",
    noticed: "Nobody notices, until a client that does check (another make, an update) refuses to connect.",
    causes: &[
        "the certificate was not renewed, or the server still runs with the one that it loaded when it started",
        "the server uses the certificate that came with it, or one made for a test",
        "the certificate is for the host name, and clients ask for the SIP domain; or the domain was added later",
        "verification was switched off in the clients, often to get past just this",
    ],
    confirm: "openssl s_client -connect HOST:5061 -servername DOMAIN -showcerts shows dates, names and issuer; sipctl ping --transport tls TARGET says \
              what a client that checks makes of it.",
    fix: "Give the server a certificate for the SIP domain (as subject alternative name) from an authority that the clients know, reload it, and switch \
          verification on in the clients.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf, type=transport protocol=tls: cert_file (with the chain), priv_key_file; as client verify_server=yes, ca_list_file",
        ),
        (
            Product::FreeSwitch,
            "sofia profile: tls-cert-dir (agent.pem, cafile.pem), tls-verify-policy, tls-verify-date",
        ),
        (Product::Kamailio, "tls.cfg: certificate, private_key, ca_list, verify_certificate = yes; kamcmd tls.reload"),
        (
            Product::OpenSips,
            "tls_mgm: certificate, private_key, ca_list, verify_cert; opensips-cli -x mi tls_reload (domains of the database; the script's: a restart)",
        ),
    ],
    rule: "RFC 5922 §7, RFC 5280 §6.1, RFC 3261 §26.3.1",
}];

/// Names of a certificate that are looked at.
const NAMES: usize = 256;
/// Names of a certificate that are told.
const TOLD: usize = 4;

/// A server's certificate that has a problem.
pub(super) fn found(r: &Occurrences, shown: &Shown) -> Finding {
    let (client, server) = (r.first.flow.src, r.first.flow.dst);
    let problems = problems(shown, r.first.time);
    let mut f = ENTRIES[0].finding(format!(
        "{client} talked to {server} over TLS although {}",
        if problems.is_empty() { "its certificate is doubtful".to_owned() } else { words::list(&problems) }
    ));
    if let Some(name) = &shown.server_name {
        f.detail.push(format!("The client asked for the name {} (frame {}).", Safe(name.as_bytes()), r.first.frame));
    }
    if let Ok((_, certificate)) = X509Certificate::from_der(&shown.certificate) {
        f.detail.push(format!("{}.", told(&certificate)));
    }
    f.detail.push("Data went both ways under it: the client did not refuse it.".to_owned());
    f
}

/// Whom a certificate is for, who signed it, and when it is good.
pub(super) fn told(certificate: &X509Certificate<'_>) -> String {
    let validity = certificate.validity();
    format!(
        "The server's certificate is for {}, signed by {}, good from {} to {}",
        Safe(certificate.subject().to_string().as_bytes()),
        Safe(certificate.issuer().to_string().as_bytes()),
        validity.not_before,
        validity.not_after
    )
}

/// The first thing that is wrong with a certificate.
pub(super) fn problem(certificate: &[u8], server_name: Option<&str>, now: Timestamp) -> Option<String> {
    all(certificate, server_name, now).into_iter().next()
}

/// All that is wrong with the certificate that a server showed, as far as can be told without knowing whom the client trusts.
#[must_use]
pub fn problems(shown: &Shown, now: Timestamp) -> Vec<String> {
    all(&shown.certificate, shown.server_name.as_deref(), now)
}

fn all(certificate: &[u8], server_name: Option<&str>, now: Timestamp) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let is_self_signed = certificate.subject().as_raw() == certificate.issuer().as_raw();
    let itself = is_self_signed.then(|| "the server's certificate is signed by itself".to_owned());
    let name = server_name.and_then(|name| mismatch(&certificate, name));
    date(&certificate, now).into_iter().chain(itself).chain(name).collect()
}

fn date(certificate: &X509Certificate<'_>, now: Timestamp) -> Option<String> {
    let at = now.0.div_euclid(1_000_000_000);
    let (begin, end) = (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    if at > end {
        return Some(match (at - end) / 86_400 {
            0 => "the server's certificate expired on that day".to_owned(),
            1 => "the server's certificate had expired the day before".to_owned(),
            n => format!("the server's certificate had expired {n} days before"),
        });
    }
    (at < begin).then(|| "the server's certificate was not valid yet".to_owned())
}

/// What is said of a certificate that is not for `name`. One without subject alternative names is for its common name. RFC 5922 §7.1
fn mismatch(certificate: &X509Certificate<'_>, name: &str) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    if let Ok(Some(alternative)) = certificate.subject_alternative_name() {
        for general in alternative.value.general_names.iter().take(NAMES) {
            match general {
                GeneralName::DNSName(dns) => names.push((*dns).to_owned()),
                GeneralName::URI(uri) => {
                    names.push(String::from_utf8_lossy(Uri::parse(uri.as_bytes()).host).into_owned())
                }
                _ => {}
            }
        }
    }
    if names.is_empty() {
        names.extend(certificate.subject().iter_common_name().filter_map(|cn| cn.as_str().ok()).map(str::to_owned));
    }
    if names.is_empty() || names.iter().any(|known| is_for(known, name)) {
        return None;
    }
    let shown: Vec<String> = names.iter().take(TOLD).map(|known| Safe(known.as_bytes()).to_string()).collect();
    let more = if names.len() > TOLD { " and others" } else { "" };
    Some(format!("the server's certificate is for {}{more}, not for {}", words::list(&shown), Safe(name.as_bytes())))
}

/// Whether a name of a certificate covers a host; `*` stands for one label. RFC 6125 §6.4.3
fn is_for(known: &str, name: &str) -> bool {
    let (known, name) = (known.trim_end_matches('.'), name.trim_end_matches('.'));
    match (known.strip_prefix("*."), name.split_once('.')) {
        (Some(rest), Some((_, domain))) => rest.eq_ignore_ascii_case(domain),
        _ => known.eq_ignore_ascii_case(name),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_for, problems};
    use crate::base::Timestamp;
    use crate::trace::incident::Shown;
    use rcgen::{CertificateParams, KeyPair, SanType};

    #[test]
    fn every_name_of_a_certificate_counts() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["pbx.example.com".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::URI("sip:example.com".try_into().unwrap()));
        let made = params.self_signed(&key).unwrap();
        let problems_for = |name: Option<&str>| {
            let shown = Shown { server_name: name.map(Box::from), certificate: made.der().to_vec().into() };
            problems(&shown, Timestamp(1_772_355_600_000_000_000))
        };
        let itself = "the server's certificate is signed by itself";
        assert_eq!(problems_for(Some("pbx.example.com")), [itself]);
        assert_eq!(problems_for(Some("example.com")), [itself], "a SIP domain stands in a URI");
        assert_eq!(problems_for(None), [itself], "nobody knows which name was meant");
        let other = "the server's certificate is for pbx.example.com and example.com, not for sip.example.com";
        assert_eq!(problems_for(Some("sip.example.com")), [itself, other]);
        let shown = Shown { server_name: None, certificate: made.der().to_vec().into() };
        assert_eq!(problems(&shown, Timestamp(0)), ["the server's certificate was not valid yet", itself]);
        assert!(problems(&Shown { server_name: None, certificate: Box::from(&b"x"[..]) }, Timestamp(0)).is_empty());
    }

    #[test]
    fn a_star_stands_for_one_label() {
        assert!(is_for("sip.example.com", "SIP.example.com."));
        assert!(is_for("*.example.com", "sip.example.com"));
        assert!(!is_for("*.example.com", "a.sip.example.com") && !is_for("*.example.com", "example.com"));
        assert!(!is_for("example.com", "sip.example.com"));
    }
}
