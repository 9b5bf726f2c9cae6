//! The answer to a challenge, and whether an answer is right. RFC 7616 §3.4

use super::{Algorithm, Challenge, Qop};

/// What the user knows.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The password.
    Password(String),
    /// H(username:realm:password) under the algorithm of the challenge, in hexadecimal digits.
    Ha1(String),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The values of an Authorization header field (unquoted).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Who.
    pub username: String,
    /// From the challenge.
    pub realm: String,
    /// From the challenge.
    pub nonce: String,
    /// The Request-URI.
    pub uri: String,
    /// The proof, in lower-case hexadecimal digits.
    pub response: String,
    /// As the challenge named it; `None` where it named none.
    pub algorithm: Option<Algorithm>,
    /// From the challenge.
    pub opaque: Option<String>,
    /// What was used.
    pub qop: Option<Qop>,
    /// The client's value; with qop only.
    pub cnonce: String,
    /// How often the nonce was used, from 1; with qop only.
    pub nc: u32,
}

impl Answer {
    /// The value of the header field: `Digest username="…", …` with the quoting of RFC 7616 §3.4.
    #[must_use]
    pub fn field(&self) -> String {
        todo!()
    }
}

/// Answers a challenge. `None` where its algorithm or every qop that it offers is unknown. `auth` is preferred to `auth-int`.
#[must_use]
#[allow(clippy::too_many_arguments)]
pub fn answer(
    challenge: &Challenge,
    username: &str,
    secret: &Secret,
    method: &str,
    uri: &str,
    body: &[u8],
    cnonce: &str,
    nc: u32,
) -> Option<Answer> {
    let _ = (challenge, username, secret, method, uri, body, cnonce, nc);
    todo!()
}

/// Whether an answer proves that who gave it knows the secret.
#[must_use]
pub fn verify(answer: &Answer, secret: &Secret, method: &str, body: &[u8]) -> bool {
    let _ = (answer, secret, method, body);
    todo!()
}
