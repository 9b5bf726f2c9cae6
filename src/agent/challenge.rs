//! Challenges answered: the strongest that we support, once a nonce. RFC 3261 §22, RFC 8760 §2.4

use crate::base::Entropy;
use crate::digest::{Algorithm, Secret};
use crate::sip::{HeaderName, Message};

/// Who we are to a server that asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The user name.
    pub username: String,
    /// Password or HA1; `None` where none was given.
    pub secret: Option<Secret>,
    /// Only this algorithm (`--algorithm`).
    pub algorithm: Option<Algorithm>,
}

/// What became of a challenge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answered {
    /// Send the request again (next CSeq, new branch) with these header fields instead of earlier ones.
    Credentials(Vec<(HeaderName, String)>),
    /// There is no password to answer with.
    NoPassword,
    /// These credentials were refused before: the same realm challenged again with a new nonce that is not stale.
    Refused,
    /// Nothing in it can be answered: says what was offered (`Basic`, `Digest MD6`).
    Unsupported(String),
    /// A 401 or 407 without a challenge.
    NoChallenge,
    /// `stale=true` again and again, or more challenges than any sane path has.
    TooOften,
}

/// Keeps what the challenges of one exchange need: nonces with their counts, realms that were answered.
#[derive(Debug)]
pub struct Authenticator {
    account: Option<Account>,
}

impl Authenticator {
    /// For an account, or for none.
    #[must_use]
    pub fn new(account: Option<Account>) -> Self {
        Authenticator { account }
    }

    /// Answers the challenges of a 401 or 407 to a request with that method, Request-URI and body. A path may hold several:
    /// 407 by a proxy, then 401 by the server behind it; earlier answers are sent along.
    pub fn answer(
        &mut self,
        response: &Message<'_>,
        method: &str,
        uri: &str,
        body: &[u8],
        entropy: &mut Entropy,
    ) -> Answered {
        let _ = (&self.account, response, method, uri, body, entropy);
        todo!()
    }

    /// Header fields for a further request to the same place without waiting for a challenge: the last nonce (or nextnonce)
    /// with the next count. Empty where nothing was answered yet.
    pub fn again(&mut self, method: &str, uri: &str, body: &[u8], entropy: &mut Entropy) -> Vec<(HeaderName, String)> {
        let _ = (method, uri, body, entropy);
        todo!()
    }

    /// Takes the Authentication-Info of a 2xx: nextnonce. RFC 7616 §3.5
    pub fn handle_success(&mut self, response: &Message<'_>) {
        let _ = response;
        todo!()
    }

    /// What was answered last, for people: `MD5, qop=auth, realm "example.com"`; empty before that.
    #[must_use]
    pub fn describe(&self) -> String {
        todo!()
    }
}
