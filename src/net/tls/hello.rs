//! The handshake messages that are read: hellos, certificates, encrypted extensions, the RSA key exchange.

use super::{CipherSuite, Version};
use crate::base::Cursor;

/// Most certificates kept of a chain.
const MAX_CERTIFICATES: usize = 16;
/// Most bytes of a name that are kept.
const MAX_NAME: usize = 255;

/// The random of a ServerHello that is a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The extensions that are read, by their numbers in the registry of IANA.
mod extension {
    pub const SERVER_NAME: u16 = 0;
    pub const TRUNCATED_HMAC: u16 = 4;
    pub const ALPN: u16 = 16;
    pub const ENCRYPT_THEN_MAC: u16 = 22;
    pub const EXTENDED_MASTER_SECRET: u16 = 23;
    pub const PRE_SHARED_KEY: u16 = 41;
    pub const EARLY_DATA: u16 = 42;
    pub const SUPPORTED_VERSIONS: u16 = 43;
}

/// What is kept of a ClientHello.
#[derive(Clone, Debug)]
pub(super) struct ClientHello {
    pub random: [u8; 32],
    pub session_id: Vec<u8>,
    pub server_name: Option<String>,
    pub early_data: bool,
}

/// What is kept of a ServerHello.
#[derive(Clone, Debug)]
pub(super) struct ServerHello {
    /// As chosen, be it in the old field or in the extension.
    pub version: Option<Version>,
    pub random: [u8; 32],
    pub session_id: Vec<u8>,
    pub suite: CipherSuite,
    pub compression: u8,
    pub alpn: Option<String>,
    pub extended_master_secret: bool,
    pub encrypt_then_mac: bool,
    pub truncated_hmac: bool,
    pub pre_shared_key: bool,
}

impl ServerHello {
    /// Whether the client is asked to begin again.
    pub(super) fn is_retry(&self) -> bool {
        self.random == RETRY
    }
}

fn vector8<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let n = c.u8()?;
    c.take(usize::from(n))
}

fn vector16<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let n = c.u16()?;
    c.take(usize::from(n))
}

fn vector24<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let n = c.u24()?;
    c.take(n as usize)
}

/// Calls `each` with the number and the content of every extension; stops at the first that is not whole.
fn extensions<'a>(block: &'a [u8], mut each: impl FnMut(u16, &'a [u8])) {
    let mut c = Cursor::new(block);
    while let Some(number) = c.u16() {
        let Some(body) = vector16(&mut c) else { return };
        each(number, body);
    }
}

fn name(bytes: &[u8]) -> Option<String> {
    let kept = bytes.get(..bytes.len().min(MAX_NAME)).filter(|b| !b.is_empty())?;
    Some(String::from_utf8_lossy(kept).into_owned())
}

/// The first protocol of an ALPN extension (RFC 7301 §3.1): the only one, when the server sends it.
fn alpn(body: &[u8]) -> Option<String> {
    let mut c = Cursor::new(body);
    name(vector8(&mut Cursor::new(vector16(&mut c)?))?)
}

/// The host name of a server_name extension (RFC 6066 §3).
fn host_name(body: &[u8]) -> Option<String> {
    let mut c = Cursor::new(body);
    let mut list = Cursor::new(vector16(&mut c)?);
    (list.u8()? == 0).then_some(())?;
    name(vector16(&mut list)?)
}

/// Reads a ClientHello (RFC 8446 §4.1.2).
pub(super) fn client_hello(body: &[u8]) -> Option<ClientHello> {
    let mut c = Cursor::new(body);
    c.skip(2)?;
    let random = c.array()?;
    let session_id = vector8(&mut c)?.to_vec();
    vector16(&mut c)?;
    vector8(&mut c)?;
    let mut hello = ClientHello { random, session_id, server_name: None, early_data: false };
    extensions(vector16(&mut c).unwrap_or_default(), |number, body| match number {
        extension::SERVER_NAME => hello.server_name = host_name(body),
        extension::EARLY_DATA => hello.early_data = true,
        _ => {}
    });
    Some(hello)
}

/// Reads a ServerHello or a HelloRetryRequest (RFC 8446 §4.1.3).
pub(super) fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut c = Cursor::new(body);
    let version = Version::from_wire(c.u16()?);
    let random = c.array()?;
    let session_id = vector8(&mut c)?.to_vec();
    let (suite, compression) = (CipherSuite(c.u16()?), c.u8()?);
    let mut hello = ServerHello {
        version,
        random,
        session_id,
        suite,
        compression,
        alpn: None,
        extended_master_secret: false,
        encrypt_then_mac: false,
        truncated_hmac: false,
        pre_shared_key: false,
    };
    extensions(vector16(&mut c).unwrap_or_default(), |number, body| match number {
        extension::SUPPORTED_VERSIONS => hello.version = Cursor::new(body).u16().and_then(Version::from_wire),
        extension::ALPN => hello.alpn = alpn(body),
        extension::EXTENDED_MASTER_SECRET => hello.extended_master_secret = true,
        extension::ENCRYPT_THEN_MAC => hello.encrypt_then_mac = true,
        extension::TRUNCATED_HMAC => hello.truncated_hmac = true,
        extension::PRE_SHARED_KEY => hello.pre_shared_key = true,
        _ => {}
    });
    Some(hello)
}

/// The application protocol in EncryptedExtensions (RFC 8446 §4.3.1).
pub(super) fn encrypted_extensions(body: &[u8]) -> Option<String> {
    let mut found = None;
    extensions(vector16(&mut Cursor::new(body))?, |number, body| {
        if number == extension::ALPN {
            found = alpn(body);
        }
    });
    found
}

/// The certificates of a Certificate message in DER, the sender's own first (RFC 5246 §7.4.2, RFC 8446 §4.4.2).
pub(super) fn certificates(body: &[u8], version: Version) -> Vec<Vec<u8>> {
    let mut c = Cursor::new(body);
    if version == Version::Tls13 {
        let _ = vector8(&mut c);
    }
    let mut list = Cursor::new(vector24(&mut c).unwrap_or_default());
    let mut chain = Vec::new();
    while let Some(der) = vector24(&mut list).filter(|_| chain.len() < MAX_CERTIFICATES) {
        chain.push(der.to_vec());
        if version == Version::Tls13 && vector16(&mut list).is_none() {
            break;
        }
    }
    chain
}

/// The encrypted premaster secret of a ClientKeyExchange (RFC 5246 §7.4.7.1).
pub(super) fn encrypted_premaster(body: &[u8]) -> Option<&[u8]> {
    vector16(&mut Cursor::new(body))
}
