//! The RSA keys of servers: read from PEM, used to open the premaster secret of an RSA key exchange.

use std::fmt;

use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey};

/// Larger files are not read as keys.
const MAX_PEM: usize = 1 << 20;
/// Most keys that are read from one file.
const MAX_KEYS: usize = 16;

/// Why a file gave no server key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TlsKeyError {
    /// No `PRIVATE KEY` block is in the text.
    #[error("no PEM private key in it (BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY)")]
    NoKey,
    /// The key is protected by a passphrase.
    #[error("the private key is encrypted: decrypt it first (openssl pkey -in FILE -out PLAIN)")]
    Encrypted,
    /// The key is of another algorithm, with which no recorded session can be opened.
    #[error("the private key is not RSA: only RSA key exchange can be opened with a server key, use a key log")]
    NotRsa,
    /// The block is damaged.
    #[error("the PEM private key at byte {offset} cannot be read")]
    Malformed {
        /// Where its `BEGIN` line stands, in bytes from the start of the text.
        offset: usize,
    },
    /// More keys than are accepted.
    #[error("more than {most} server keys")]
    TooMany {
        /// How many are accepted.
        most: usize,
    },
    /// The text is too large to be a key.
    #[error("{len} bytes are too many for a private key")]
    TooLarge {
        /// Bytes of it.
        len: usize,
    },
}

/// An RSA private key, never shown.
pub(super) struct ServerKey(RsaPrivateKey);

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKey({} bits)", self.0.size() * 8)
    }
}

impl ServerKey {
    /// Opens an encrypted premaster secret; `None` if it was not made for this key.
    pub(super) fn open(&self, encrypted: &[u8]) -> Option<Vec<u8>> {
        if encrypted.len() != self.0.size() {
            return None;
        }
        // RFC 5246 §7.4.7.1: 48 bytes, the first of which is the major version.
        self.0.decrypt(Pkcs1v15Encrypt, encrypted).ok().filter(|s| s.len() == 48 && s.first() == Some(&3))
    }
}

/// The RSA keys in a PEM text, which may hold certificates and parameters between them.
pub(super) fn read_pem(pem: &[u8]) -> Result<Vec<ServerKey>, TlsKeyError> {
    if pem.len() > MAX_PEM {
        return Err(TlsKeyError::TooLarge { len: pem.len() });
    }
    let text = String::from_utf8_lossy(pem);
    let mut keys = Vec::new();
    let mut not_rsa = false;
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|t| t.find("-----BEGIN ")) {
        let offset = at + found;
        let rest = text.get(offset..).unwrap_or_default();
        let label = rest.get(11..).and_then(|t| t.split_once("-----")).map_or("", |(label, _)| label);
        let end = format!("-----END {label}-----");
        let Some(len) = rest.find(&end).map(|n| n + end.len()) else {
            return Err(TlsKeyError::Malformed { offset });
        };
        let block = rest.get(..len).unwrap_or_default();
        at = offset + len;
        match label {
            "ENCRYPTED PRIVATE KEY" => return Err(TlsKeyError::Encrypted),
            "RSA PRIVATE KEY" | "PRIVATE KEY" => {}
            "EC PRIVATE KEY" | "DSA PRIVATE KEY" => {
                not_rsa = true;
                continue;
            }
            _ => continue,
        }
        match read_key(block, label).map_err(|e| e.at(offset))? {
            Some(key) => keys.push(key),
            None => not_rsa = true,
        }
        if keys.len() > MAX_KEYS {
            return Err(TlsKeyError::TooMany { most: MAX_KEYS });
        }
    }
    match (keys.is_empty(), not_rsa) {
        (false, _) => Ok(keys),
        (true, true) => Err(TlsKeyError::NotRsa),
        (true, false) => Err(TlsKeyError::NoKey),
    }
}

enum Unreadable {
    Encrypted,
    Malformed,
}

impl Unreadable {
    fn at(self, offset: usize) -> TlsKeyError {
        match self {
            Unreadable::Encrypted => TlsKeyError::Encrypted,
            Unreadable::Malformed => TlsKeyError::Malformed { offset },
        }
    }
}

/// Reads one PEM block; `Ok(None)` is a PKCS#8 key of another algorithm.
fn read_key(block: &str, label: &str) -> Result<Option<ServerKey>, Unreadable> {
    if label == "RSA PRIVATE KEY" {
        // The old form of encryption keeps the label and adds headers (RFC 1421 §4.6.1.1).
        if block.contains("Proc-Type:") {
            return Err(Unreadable::Encrypted);
        }
        let key = RsaPrivateKey::from_pkcs1_pem(block).map_err(|_| Unreadable::Malformed)?;
        return Ok(Some(ServerKey(key)));
    }
    match RsaPrivateKey::from_pkcs8_pem(block) {
        Ok(key) => Ok(Some(ServerKey(key))),
        Err(rsa::pkcs8::Error::PublicKey(_)) => Ok(None),
        Err(_) => Err(Unreadable::Malformed),
    }
}
