//! What a server asks for. RFC 7616 §3.3

use super::Algorithm;

/// Quality of protection that is offered or used. RFC 7616 §3.3
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Qop {
    /// `auth`
    Auth,
    /// `auth-int`: the body is part of it.
    AuthInt,
}

impl Qop {
    /// As header fields write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Qop::Auth => "auth",
            Qop::AuthInt => "auth-int",
        }
    }

    /// The qop of that name, whatever its case.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Qop::Auth, Qop::AuthInt].into_iter().find(|q| q.name().eq_ignore_ascii_case(name))
    }
}

/// A Digest challenge; quotes and backslashes are undone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Challenge {
    /// Whose passwords are meant.
    pub realm: String,
    /// The server's value.
    pub nonce: String,
    /// What must come back as it is.
    pub opaque: Option<String>,
    /// Whether the credentials were right and only the nonce too old.
    pub stale: bool,
    /// The algorithm; `None` where an unknown one is named.
    pub algorithm: Option<Algorithm>,
    /// Its name as the server wrote it; empty where it named none (MD5 is meant).
    pub algorithm_text: String,
    /// What may be used; empty for the form of RFC 2069, without qop.
    pub qop: Vec<Qop>,
    /// Whether a qop was named at all, known or not.
    pub has_qop: bool,
}
