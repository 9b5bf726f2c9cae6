//! TLS 1.0 to 1.3 opened by a reader who was not part of it, with a key log or with the RSA key of the server.
//!
//! Takes the in-order bytes of both directions of a connection and gives the data inside. Verifies every record (AEAD
//! tag or HMAC) and trusts nothing that did not verify. Refuses to judge certificates, to open what it has no secret
//! for, and to show a secret.

mod block;
mod event;
mod handshake;
mod hello;
mod keylog;
mod messages;
mod negotiation;
mod open;
mod opener;
mod record;
mod schedule;
mod server_key;
mod session;
mod side;
mod suite;
#[cfg(test)]
mod tests;

use std::fmt;

pub use event::{Alert, Info, TlsEvent};
pub use keylog::KeyLog;
pub use record::{looks_like_client_hello, looks_like_record};
pub use server_key::TlsKeyError;
pub use session::Session;
pub use suite::CipherSuite;

/// A version of TLS that can be opened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Version {
    /// RFC 2246.
    Tls10,
    /// RFC 4346.
    Tls11,
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl Version {
    /// The version with this number on the wire; `None` for SSL 3.0 and what is not known.
    #[must_use]
    pub fn from_wire(number: u16) -> Option<Version> {
        match number {
            0x0301 => Some(Version::Tls10),
            0x0302 => Some(Version::Tls11),
            0x0303 => Some(Version::Tls12),
            0x0304 => Some(Version::Tls13),
            _ => None,
        }
    }

    /// Its name as it is written: `TLS 1.3`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Version::Tls10 => "TLS 1.0",
            Version::Tls11 => "TLS 1.1",
            Version::Tls12 => "TLS 1.2",
            Version::Tls13 => "TLS 1.3",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
