//! The serving side of TLS: a certificate that is given, or one made at start.

use super::{Secrets, failed, read_key};
use crate::transport::TransportError;
use crate::transport::listener::ListenOptions;
use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::sign::CertifiedKey;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_rustls::TlsAcceptor;

/// A day.
const DAY: Duration = Duration::from_secs(86_400);

/// Shows one certificate to everyone.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl rustls::server::ResolvesServerCert for Always {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// What shakes hands with clients, and the certificate in PEM where it was made now.
pub(in crate::transport) fn acceptor(options: &ListenOptions) -> Result<(TlsAcceptor, Option<String>), TransportError> {
    let provider = Arc::new(ring::default_provider());
    let (key, pem) = match (&options.tls_cert, &options.tls_key) {
        (Some(cert), Some(key)) => (read_key(cert, key, &provider)?, None),
        (None, None) => {
            let (made, pem) = make(&options.names).map_err(|e| failed(format!("cannot make a certificate: {e}")))?;
            let key = CertifiedKey::from_der(made.0, made.1, &provider);
            (key.map_err(|e| failed(format!("cannot use the certificate made: {e}")))?, Some(pem))
        }
        _ => return Err(failed("a certificate needs its key, and a key its certificate".to_owned())),
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(format!("cannot set up TLS: {e}")))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(Arc::new(key))));
    // Nothing is kept for clients that are gone.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    if let Some(secrets) = Secrets::of(None, options.tap.clone())? {
        config.key_log = secrets;
    }
    Ok((TlsAcceptor::from(Arc::new(config)), pem))
}

type Made = (Vec<rustls::pki_types::CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A certificate for `names`, `localhost` and the loopback addresses, good for as long as anybody tries something out. A domain
/// stands there as a SIP URI, too. RFC 5922 §4
fn make(names: &[String]) -> Result<(Made, String), rcgen::Error> {
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    if !all.contains(&"localhost") {
        all.push("localhost");
    }
    let mut params = CertificateParams::default();
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    for name in &all {
        match name.parse::<IpAddr>() {
            Ok(ip) if !addresses.contains(&ip) => addresses.push(ip),
            Ok(_) => {}
            Err(_) => {
                params.subject_alt_names.push(SanType::URI(format!("sip:{name}").as_str().try_into()?));
                params.subject_alt_names.push(SanType::DnsName((*name).try_into()?));
            }
        }
    }
    params.subject_alt_names.extend(addresses.into_iter().map(SanType::IpAddress));
    params.distinguished_name.push(DnType::CommonName, "sipctl serve");
    let now = SystemTime::now();
    // A day of slack for clocks that are behind, and a validity that every verifier takes.
    params.not_before = (now - DAY).into();
    params.not_after = (now + 90 * DAY).into();
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(((vec![certificate.der().clone()], secret), certificate.pem()))
}
