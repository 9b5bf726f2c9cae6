//! TLS lines against rustls servers with every kind of certificate.

use super::{SOON, candidate, failure, loopback, next, noted, options};
use crate::transport::{ConnectOptions, Connector, Line, Phase, Protocol, TransportError};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const DAY: Duration = Duration::from_secs(86_400);

/// An authority and the room in which its files lie.
struct Authority {
    room: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate and its key.
struct Made {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

fn named(common: &str, names: &[SanType]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    params.subject_alt_names = names.to_vec();
    params.not_before = (SystemTime::now() - DAY).into();
    params.not_after = (SystemTime::now() + 30 * DAY).into();
    params
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let room = tempfile::tempdir().unwrap();
        std::fs::write(room.path().join("ca.pem"), certificate.pem()).unwrap();
        Authority { room, issuer: Issuer::new(params, key), certificate }
    }

    fn file(&self) -> PathBuf {
        self.room.path().join("ca.pem")
    }

    fn sign(&self, params: &CertificateParams) -> Made {
        let key = KeyPair::generate().unwrap();
        Made { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    /// Options that trust this authority.
    fn trusted(&self) -> ConnectOptions {
        ConnectOptions { tls_ca: Some(self.file()), ..ConnectOptions::default() }
    }

    /// Options that show a certificate of this authority, too.
    fn with_ours(&self, ours: &Made) -> ConnectOptions {
        let at = |name: &str| self.room.path().join(name);
        std::fs::write(at("client.pem"), ours.certificate.pem()).unwrap();
        std::fs::write(at("client.key"), ours.key.serialize_pem()).unwrap();
        ConnectOptions { tls_cert: Some(at("client.pem")), tls_key: Some(at("client.key")), ..self.trusted() }
    }
}

/// A server that echoes what comes, and demands certificates of `clients` where there is such an authority.
async fn serve(made: &Made, clients: Option<&Authority>) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            config.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.key.serialize_der()));
    let config = config.with_single_cert(vec![made.certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let socket = TcpListener::bind(loopback()).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    stream.write_all(&buffer[..length]).await.unwrap();
                    stream.flush().await.unwrap();
                }
            });
        }
    });
    address
}

async fn connect(address: SocketAddr, options: ConnectOptions) -> Result<Line, TransportError> {
    Connector::new(options).unwrap().open(&candidate(Protocol::Tls, address), SOON).await
}

/// What a connection to a server with such a certificate fails of, and what `--tls-insecure` says of the same.
async fn refused(authority: &Authority, made: &Made) -> (SocketAddr, TransportError) {
    let address = serve(made, None).await;
    let error = connect(address, authority.trusted()).await.err().unwrap();
    assert_eq!(error.phase, Phase::Tls);
    let insecure = ConnectOptions { tls_insecure: true, ..authority.trusted() };
    let mut line = connect(address, insecure).await.unwrap();
    assert_eq!(line.facts.tls.as_ref().unwrap().ignored.as_ref(), Some(&error));
    line.send(&options("1", 0)).await.unwrap();
    assert_eq!(next(&mut line).await, options("1", 0));
    (address, error)
}

#[tokio::test]
async fn a_good_certificate_is_taken_and_told() {
    let authority = Authority::new("Lab CA");
    let names = [uri("sip:example.com"), dns("sip1.example.net"), SanType::IpAddress("127.0.0.1".parse().unwrap())];
    let address = serve(&authority.sign(&named("server", &names)), None).await;
    let mut line = connect(address, authority.trusted()).await.unwrap();
    let tls = line.facts.tls.clone().unwrap();
    assert_eq!((&*tls.version, tls.ignored), ("TLS 1.3", None));
    assert!(tls.cipher.starts_with("TLS_"), "{}", tls.cipher);
    assert_eq!((&*tls.chain[0].subject, &*tls.chain[0].issuer), ("CN=server", "CN=Lab CA"));
    assert_eq!(tls.chain[0].names, ["URI:sip:example.com", "DNS:sip1.example.net", "IP:127.0.0.1"]);
    assert_eq!(tls.chain[0].not_after - tls.chain[0].not_before, 31 * 86_400);
    assert!(line.facts.tls_time.is_some());
    // Across records and reads.
    let large = options("1", 50_000);
    line.send(&large).await.unwrap();
    assert_eq!(next(&mut line).await, large);
    line.close().await;

    // The same by another of its names; by address; and not by one that it has not.
    for (name, good) in [("SIP1.example.net", true), ("127.0.0.1", true), ("sip.example.com", false)] {
        let options = ConnectOptions { tls_server_name: Some(name.to_owned()), ..authority.trusted() };
        let opened = connect(address, options).await;
        assert_eq!(opened.as_ref().err().map(|e| e.kind), (!good).then_some("cert-name"), "{name}");
    }
}

#[tokio::test]
async fn dates_are_told_in_numbers() {
    let authority = Authority::new("Lab CA");
    let mut params = named("server", &[dns("example.com")]);
    params.not_before = (SystemTime::now() - 100 * DAY).into();
    params.not_after = (SystemTime::now() - 12 * DAY - Duration::from_secs(60)).into();
    let until = jiff::Timestamp::try_from(SystemTime::now() - 12 * DAY - Duration::from_secs(60)).unwrap();
    let (address, error) = refused(&authority, &authority.sign(&params)).await;
    assert_eq!(error.kind, "cert-expired");
    let day = until.strftime("%Y-%m-%d");
    assert_eq!(error.message, format!("the certificate of {address} expired 12 days ago ({day})"));

    params.not_before = (SystemTime::now() + 3 * DAY + Duration::from_secs(60)).into();
    params.not_after = (SystemTime::now() + 100 * DAY).into();
    let (address, error) = refused(&authority, &authority.sign(&params)).await;
    assert_eq!(error.kind, "cert-not-yet-valid");
    assert!(
        error.message.starts_with(&format!("the certificate of {address} is not valid yet: it will be in 3 days (")),
        "{error}"
    );
}

#[tokio::test]
async fn names_and_issuers_are_told() {
    let authority = Authority::new("Lab CA");
    let made = authority.sign(&named("example.com", &[uri("sip:sip.other.org"), dns("www.other.org")]));
    let (address, error) = refused(&authority, &made).await;
    assert_eq!(error.kind, "cert-name");
    let says = "is for another name: it is for sip:sip.other.org, www.other.org; wanted example.com";
    assert_eq!(error.message, format!("the certificate of {address} {says}"));

    // A common name counts where there are no others. A wildcard does not, and the hint says why.
    let address = serve(&authority.sign(&named("example.com", &[])), None).await;
    connect(address, authority.trusted()).await.unwrap();
    let address = serve(&authority.sign(&named("x", &[dns("*.example.com")])), None).await;
    let options = ConnectOptions { tls_server_name: Some("sip.example.com".to_owned()), ..authority.trusted() };
    let error = connect(address, options).await.err().unwrap();
    assert_eq!(error.kind, "cert-name");
    assert!(error.hint.contains("RFC 5922 §7.2"), "{}", error.hint);

    let other = Authority::new("Other CA");
    let (address, error) = refused(&authority, &other.sign(&named("x", &[dns("example.com")]))).await;
    assert_eq!(error.kind, "cert-untrusted");
    let whose = authority.file();
    let says = format!("is not trusted: CN=Other CA is not among the authorities in {}", whose.display());
    assert_eq!(error.message, format!("the certificate of {address} {says}"));
}

#[tokio::test]
async fn self_signed_is_told_unless_it_is_the_one_trusted() {
    let authority = Authority::new("Lab CA");
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let mut params = named("alone", &[dns("example.org")]);
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        let made = Made { certificate: params.self_signed(&key).unwrap(), key };
        let (address, error) = refused(&authority, &made).await;
        assert_eq!(error.kind, "cert-self-signed");
        // All that is wrong with it is told at once.
        let says = "is self-signed: nobody vouches for it; it also is for another name: it is for example.org; wanted example.com";
        assert_eq!(error.message, format!("the certificate of {address} {says}"));
        let file = authority.room.path().join("alone.pem");
        std::fs::write(&file, made.certificate.pem()).unwrap();
        let options = ConnectOptions {
            tls_ca: Some(file),
            tls_server_name: Some("example.org".to_owned()),
            ..ConnectOptions::default()
        };
        assert_eq!(connect(address, options).await.unwrap().facts.tls.unwrap().ignored, None);
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_or_missed() {
    let (authority, other) = (Authority::new("Lab CA"), Authority::new("Other CA"));
    let address = serve(&authority.sign(&named("server", &[dns("example.com")])), Some(&authority)).await;
    let ours = authority.sign(&named("client", &[dns("client.example.com")]));
    let mut line = connect(address, authority.with_ours(&ours)).await.unwrap();
    line.send(&options("1", 0)).await.unwrap();
    assert_eq!(next(&mut line).await, options("1", 0));

    // TLS 1.3: the server judges after we are through.
    let mut line = connect(address, authority.trusted()).await.unwrap();
    let error = failure(&mut line).await;
    assert_eq!((error.phase, error.kind), (Phase::Tls, "cert-client-wanted"));
    assert_eq!(error.message, format!("{address} wants a client certificate: alert certificate_required"));
    assert!(error.hint.contains("--tls-cert"));

    let theirs = other.sign(&named("client", &[dns("client.example.com")]));
    let mut line = connect(address, authority.with_ours(&theirs)).await.unwrap();
    let error = failure(&mut line).await;
    assert_eq!(error.kind, "tls-alert");
    assert!(error.message.starts_with(&format!("{address} refuses our certificate: alert ")), "{error}");
}

#[tokio::test]
async fn what_is_not_tls_is_told() {
    let server = TcpListener::bind(loopback()).await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(async move {
        for answer in [&b"SIP/2.0 400 Bad Request\r\n\r\n"[..], b"", &[21, 3, 3, 0, 2, 2, 70]] {
            let (mut stream, _) = server.accept().await.unwrap();
            let mut hello = [0; 5];
            stream.read_exact(&mut hello).await.unwrap();
            assert_eq!(hello[..2], [22, 3], "a TLS record");
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
    });
    let authority = Authority::new("Lab CA");
    let mut said = Vec::new();
    for _ in 0..3 {
        let error = connect(address, authority.trusted()).await.err().unwrap();
        assert!(error.phase == Phase::Tls && !error.hint.is_empty());
        said.push((error.kind, error.message));
    }
    assert_eq!(said[0], ("not-tls", format!("{address} does not speak TLS: it answered `SIP/2.0 400 Bad Request`")));
    assert_eq!(said[1], ("closed", format!("{address} closed the connection during the TLS handshake")));
    assert_eq!(said[2], ("tls-version", format!("{address} refuses TLS 1.2 and 1.3: alert protocol_version")));
}

#[tokio::test]
async fn a_handshake_without_end_is_bounded() {
    let server = TcpListener::bind(loopback()).await.unwrap();
    let address = server.local_addr().unwrap();
    for (protocol, phase, step) in [(Protocol::Tls, Phase::Tls, "TLS"), (Protocol::Ws, Phase::WebSocket, "WebSocket")] {
        let connector = Connector::new(ConnectOptions::default()).unwrap();
        let opened = connector.open(&candidate(protocol, address), Duration::from_millis(50)).await;
        let error = opened.err().unwrap();
        assert_eq!((error.phase, error.kind), (phase, "timeout"));
        assert_eq!(error.message, format!("the {step} handshake with {address} did not end within 0.05 s"));
    }
}

#[tokio::test]
async fn secrets_are_appended_in_private_and_given_to_the_tap() {
    use std::os::unix::fs::PermissionsExt;
    let authority = Authority::new("Lab CA");
    let address = serve(&authority.sign(&named("server", &[dns("example.com")])), None).await;
    let file = authority.room.path().join("keys.log");
    std::fs::write(&file, "# of before\n").unwrap();
    let (tapped, notes) = noted();
    let options = ConnectOptions { keylog: Some(file.clone()), tls_ca: Some(authority.file()), ..tapped };
    connect(address, options).await.unwrap().close().await;
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let secrets: Vec<_> = notes.taken().iter().filter_map(|n| n.strip_prefix("secret ").map(str::to_owned)).collect();
    assert_eq!(text, format!("# of before\n{}\n", secrets.join("\n")));
    for label in ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0", "CLIENT_TRAFFIC_SECRET_0"] {
        let line = secrets.iter().find(|line| line.starts_with(&format!("{label} "))).unwrap();
        let lengths: Vec<_> = line.split(' ').skip(1).map(str::len).collect();
        assert!(lengths == [64, 64] || lengths == [64, 96], "{lengths:?}");
    }
    let link = authority.room.path().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let options = ConnectOptions { keylog: Some(link.clone()), ..ConnectOptions::default() };
    let error = Connector::new(options).err().unwrap();
    assert_eq!(error.message, format!("cannot write secrets to {}: it is a symbolic link", link.display()));
}

#[test]
fn files_that_are_no_certificates_are_told() {
    let authority = Authority::new("Lab CA");
    let empty = authority.room.path().join("empty.pem");
    std::fs::write(&empty, "nothing\n").unwrap();
    let error = Connector::new(ConnectOptions { tls_ca: Some(empty.clone()), ..ConnectOptions::default() });
    let expected = format!("cannot read certificates from {}: there is none in PEM form", empty.display());
    assert_eq!(error.err().unwrap().message, expected);
    let (ours, other) = (authority.sign(&named("a", &[])), authority.sign(&named("b", &[])));
    let mixed = Made { certificate: ours.certificate, key: other.key };
    let error = Connector::new(authority.with_ours(&mixed)).err().unwrap();
    assert!(error.message.contains("does not belong to the certificate"), "{error}");
    let options = ConnectOptions { tls_ca: None, tls_key: Some(empty.clone()), ..authority.with_ours(&mixed) };
    let error = Connector::new(options).err().unwrap();
    assert!(error.message.contains("there is no unencrypted one in PEM form"), "{error}");
}
