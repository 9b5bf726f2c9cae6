//! TLS: whom we trust, what we show, and words for what goes wrong.
//!
//! Certificates are judged by the rules of SIP, not of the web: the name that counts is the domain that was asked for. RFC 5922

mod certificate;
mod explain;
mod keylog;
mod serve;
mod verify;

pub(super) use explain::explain;
pub(super) use keylog::Secrets;
pub(super) use serve::acceptor;

use super::line::TlsFacts;
use super::tapped::{First, Tapped};
use super::{Candidate, ConnectOptions, Phase, Protocol, TransportError};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use verify::{Seen, Verifier};

/// Whom we trust.
#[derive(Debug)]
pub(super) struct Anchors {
    roots: RootCertStore,
    /// The same as they stand in the file: a server may show one of them itself.
    certificates: Vec<CertificateDer<'static>>,
    /// `--tls-ca FILE`, or the system's.
    whose: String,
}

/// What every TLS line of a connector has in common.
pub(super) struct Client {
    provider: Arc<CryptoProvider>,
    /// Those of `--tls-ca`; the system's are read when they are first needed.
    anchors: OnceLock<Arc<Anchors>>,
    key: Option<Arc<CertifiedKey>>,
    secrets: Option<Arc<Secrets>>,
    server_name: Option<String>,
    insecure: bool,
}

fn failed(message: String) -> TransportError {
    TransportError::new(Phase::Tls, "io", message)
}

/// The certificates in a PEM file.
fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let cannot = |e: &dyn std::fmt::Display| failed(format!("cannot read certificates from {}: {e}", path.display()));
    let text = std::fs::read(path).map_err(|e| cannot(&e))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|e| cannot(&e))?;
    if found.is_empty() {
        return Err(cannot(&"there is none in PEM form").with_hint("`openssl x509 -inform der` turns DER into PEM"));
    }
    Ok(found)
}

/// The key in a PEM file, with the chain of its certificate.
fn read_key(cert: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TransportError> {
    let chain = read_certificates(cert)?;
    // What is wrong is told, what stands in the file is not.
    let cannot = |e: &dyn std::fmt::Display| failed(format!("cannot read a key from {}: {e}", key.display()));
    let text = std::fs::read(key).map_err(|e| cannot(&e))?;
    let secret = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| cannot(&"there is no unencrypted one in PEM form").with_hint("`openssl pkey` decrypts a key"))?;
    CertifiedKey::from_der(chain, secret, provider).map_err(|e| match e {
        rustls::Error::InconsistentKeys(_) => {
            failed(format!("the key in {} does not belong to the certificate in {}", key.display(), cert.display()))
        }
        e => cannot(&e),
    })
}

impl Client {
    /// Reads what the options name.
    pub(super) fn new(options: &ConnectOptions) -> Result<Self, TransportError> {
        let provider = Arc::new(ring::default_provider());
        let anchors = OnceLock::new();
        if let Some(path) = &options.tls_ca {
            let certificates = read_certificates(path)?;
            let mut roots = RootCertStore::empty();
            // One that cannot be an authority may still be what the server shows.
            roots.add_parsable_certificates(certificates.iter().cloned());
            let whose = format!("the authorities in {}", path.display());
            let _ = anchors.set(Arc::new(Anchors { roots, certificates, whose }));
        }
        let key = match (&options.tls_cert, &options.tls_key) {
            (Some(cert), Some(key)) => Some(Arc::new(read_key(cert, key, &provider)?)),
            (None, None) => None,
            _ => return Err(failed("a client certificate needs its key, and a key its certificate".to_owned())),
        };
        let secrets = Secrets::of(options.keylog.as_deref(), options.tap.clone())?;
        let server_name = options.tls_server_name.clone();
        Ok(Client { provider, anchors, key, secrets, server_name, insecure: options.tls_insecure })
    }

    fn anchors(&self) -> Arc<Anchors> {
        let read = || {
            let certificates = rustls_native_certs::load_native_certs().certs;
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates.iter().cloned());
            Arc::new(Anchors { roots, certificates, whose: "the authorities of this system".to_owned() })
        };
        self.anchors.get_or_init(read).clone()
    }

    /// Shakes hands with a candidate over a connection.
    pub(super) async fn connect(
        &self,
        tapped: Tapped,
        candidate: &Candidate,
    ) -> Result<(TlsStream<Tapped>, TlsFacts, Arc<Handshake>), TransportError> {
        let peer = candidate.address;
        let wanted = self.server_name.as_deref().unwrap_or(&candidate.domain);
        let wanted = wanted.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        let anchors = self.anchors();
        let verifier = Arc::new(Verifier {
            peer,
            wanted: wanted.to_owned(),
            // WSS is HTTP's, whose certificates may have wildcards; SIP's may not. RFC 7118 §9.3, RFC 5922 §7.2
            wildcards: candidate.protocol == Protocol::Wss,
            insecure: self.insecure,
            anchors,
            algorithms: self.provider.signature_verification_algorithms,
            seen: std::sync::Mutex::new(Seen::default()),
        });
        let ours = Arc::new(Ours { key: self.key.clone(), asked: AtomicBool::new(false) });
        let broken = |e: rustls::Error| failed(format!("cannot set up TLS: {e}"));
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(broken)?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_client_cert_resolver(ours.clone());
        // A trial sees the whole handshake, certificates included, each time.
        config.resumption = Resumption::disabled();
        if let Some(secrets) = &self.secrets {
            config.key_log = secrets.clone();
        }
        // An address is never asked for by name (RFC 6066 §3): then the certificate alone is compared.
        let name = ServerName::try_from(wanted.to_owned()).unwrap_or_else(|_| ServerName::from(peer.ip()));
        let handshake = Arc::new(Handshake { peer, verifier, ours, first: tapped.first() });
        match TlsConnector::from(Arc::new(config)).connect(name, tapped).await {
            Ok(stream) => {
                let facts = handshake.facts(&stream);
                Ok((stream, facts, handshake))
            }
            Err(e) => Err(explain(&handshake, Phase::Tls, &e, true)),
        }
    }
}

/// What was seen in one handshake.
pub(super) struct Handshake {
    peer: SocketAddr,
    verifier: Arc<Verifier>,
    ours: Arc<Ours>,
    first: First,
}

impl Handshake {
    fn facts(&self, stream: &TlsStream<Tapped>) -> TlsFacts {
        let (_, session) = stream.get_ref();
        let version = match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
            other => format!("{other:?}"),
        };
        let suite = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let seen = self.verifier.seen();
        TlsFacts {
            version,
            // Only those of TLS 1.3 are named otherwise: TLS13_AES_… for TLS_AES_…. RFC 8446 §B.4
            cipher: suite.unwrap_or_default().replacen("TLS13_", "TLS_", 1),
            chain: seen.chain,
            ignored: seen.problem,
        }
    }
}

/// Our certificate, and whether anybody asked for it.
#[derive(Debug)]
struct Ours {
    key: Option<Arc<CertifiedKey>>,
    asked: AtomicBool,
}

impl ResolvesClientCert for Ours {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        self.key.is_some()
    }
}
