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
        // RFC 3261 §25.1, dig-resp: algorithm, qop and nc are tokens, all else stands in quotes.
        let mut text = String::from("Digest username=");
        let mut quoted = |before: &str, value: &str| {
            text.push_str(before);
            text.push('"');
            for c in value.chars() {
                if matches!(c, '"' | '\\') {
                    text.push('\\');
                }
                text.push(c);
            }
            text.push('"');
        };
        quoted("", &self.username);
        quoted(", realm=", &self.realm);
        quoted(", nonce=", &self.nonce);
        quoted(", uri=", &self.uri);
        quoted(", response=", &self.response);
        if let Some(opaque) = &self.opaque {
            quoted(", opaque=", opaque);
        }
        // A -sess key cannot be checked without the cnonce, though RFC 7616 §3.4 ties it to qop.
        if self.qop.is_some() || self.kind().is_session() {
            quoted(", cnonce=", &self.cnonce);
        }
        if let Some(algorithm) = self.algorithm {
            text.push_str(", algorithm=");
            text.push_str(algorithm.name());
        }
        if let Some(qop) = self.qop {
            text.push_str(", qop=");
            text.push_str(qop.name());
            text.push_str(&format!(", nc={:08x}", self.nc));
        }
        text
    }

    fn kind(&self) -> Algorithm {
        self.algorithm.unwrap_or(Algorithm::Md5)
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
    let algorithm = challenge.algorithm?;
    let qop = match challenge.qop.as_slice() {
        [] if challenge.has_qop => return None,
        [] => None,
        offered if offered.contains(&Qop::Auth) => Some(Qop::Auth),
        _ => Some(Qop::AuthInt),
    };
    let mut answer = Answer {
        username: username.to_owned(),
        realm: challenge.realm.clone(),
        nonce: challenge.nonce.clone(),
        uri: uri.to_owned(),
        response: String::new(),
        algorithm: (!challenge.algorithm_text.is_empty()).then_some(algorithm),
        opaque: challenge.opaque.clone(),
        qop,
        cnonce: cnonce.to_owned(),
        nc,
    };
    answer.response = response(&answer, algorithm, secret, method, body);
    Some(answer)
}

/// Whether an answer proves that who gave it knows the secret.
#[must_use]
pub fn verify(answer: &Answer, secret: &Secret, method: &str, body: &[u8]) -> bool {
    let right = response(answer, answer.kind(), secret, method, body);
    // Every byte is looked at, so that the time taken tells nothing of where the first wrong one stands.
    let given = answer.response.as_bytes();
    let differences = right.bytes().zip(given).fold(0, |sum, (a, b)| sum | (a ^ b.to_ascii_lowercase()));
    right.len() == given.len() && differences == 0
}

/// The response value. RFC 7616 §3.4.1
fn response(answer: &Answer, algorithm: Algorithm, secret: &Secret, method: &str, body: &[u8]) -> String {
    let Answer { username, realm, nonce, uri, cnonce, .. } = answer;
    let mut ha1 = match secret {
        Secret::Password(password) => algorithm.hash(format!("{username}:{realm}:{password}").as_bytes()),
        Secret::Ha1(ha1) => ha1.to_ascii_lowercase(),
    };
    // RFC 7616 §3.4.2
    if algorithm.is_session() {
        ha1 = algorithm.hash(format!("{ha1}:{nonce}:{cnonce}").as_bytes());
    }
    // RFC 7616 §3.4.3
    let ha2 = match answer.qop {
        Some(Qop::AuthInt) => algorithm.hash(format!("{method}:{uri}:{}", algorithm.hash(body)).as_bytes()),
        _ => algorithm.hash(format!("{method}:{uri}").as_bytes()),
    };
    let proof = match answer.qop {
        Some(qop) => format!("{ha1}:{nonce}:{:08x}:{cnonce}:{}:{ha2}", answer.nc, qop.name()),
        // The form of RFC 2069, which RFC 3261 §22.4 keeps.
        None => format!("{ha1}:{nonce}:{ha2}"),
    };
    algorithm.hash(proof.as_bytes())
}

#[cfg(test)]
mod tests;
