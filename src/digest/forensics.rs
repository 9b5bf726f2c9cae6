//! Why a response does not fit: it is computed again from what is known, with one input changed at a time, until it does.
//! RFC 7616 §3.4.1

use super::Algorithm;

/// Digest credentials as somebody sent them, right or wrong: plain texts, so that what is odd about them stays visible.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Given {
    /// Who.
    pub username: String,
    /// For which realm.
    pub realm: String,
    /// The nonce that is answered.
    pub nonce: String,
    /// The Request-URI as the client had it.
    pub uri: String,
    /// The proof, in lower-case hexadecimal digits.
    pub response: String,
    /// As written; `None` where it is not (MD5 is meant).
    pub algorithm: Option<String>,
    /// As written; `None` for the form of RFC 2069.
    pub qop: Option<String>,
    /// As written.
    pub nc: String,
    /// The client's value.
    pub cnonce: String,
}

impl Given {
    /// The algorithm; `None` where an unknown one is named.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm.as_deref().map_or(Some(Algorithm::Md5), Algorithm::of)
    }
}

/// A user whose secret is known: a line of a credentials file.
#[derive(Clone, PartialEq, Eq)]
pub struct Known {
    /// User name, as in credentials.
    pub user: String,
    /// Realm; empty for any.
    pub realm: String,
    /// The password, or H(user:realm:password) in hexadecimal digits: what looks like the latter is tried as both.
    pub secret: String,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Known({:?}, {:?}, …)", self.user, self.realm)
    }
}

impl Known {
    fn is_of(&self, realm: &str) -> bool {
        self.realm.is_empty() || self.realm == realm
    }
}

/// What else is known of the request that carried the credentials.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its Request-URI.
    pub request_uri: &'a str,
    /// Hash of its body under the algorithm of the credentials, where it is known.
    pub body_hash: Option<&'a str>,
    /// Realms that were asked for.
    pub realms: &'a [&'a str],
    /// Nonces that were given out, the latest first.
    pub nonces: &'a [&'a str],
}

/// Which input makes the difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// The password.
    Password,
    /// `username`
    Username,
    /// `realm`
    Realm,
    /// `nonce`
    Nonce,
    /// `uri`
    Uri,
    /// The method of the request.
    Method,
    /// `qop`
    Qop,
    /// `nc`
    Count,
    /// `cnonce`
    Cnonce,
    /// `algorithm`
    Algorithm,
    /// The body, under `auth-int`.
    Body,
}

/// What the computation says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It fits: whoever refused it knows another password, or refused it for another reason.
    Fits,
    /// It fits once this input is this value (never a secret).
    Differs(Input, String),
    /// Nothing known makes it fit: it was made with another password.
    OtherPassword,
    /// Nothing is known of this user in this realm.
    UnknownUser,
}

/// The inputs of one computation.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    algorithm: Algorithm,
    username: &'a str,
    realm: &'a str,
    secret: &'a str,
    is_ha1: bool,
    nonce: &'a str,
    nc: &'a str,
    cnonce: &'a str,
    qop: Option<&'a str>,
    method: &'a str,
    uri: &'a str,
    body_hash: Option<&'a str>,
}

impl Inputs<'_> {
    /// RFC 7616 §3.4.1
    fn response(&self) -> String {
        let h = |text: String| self.algorithm.hash(text.as_bytes());
        let Inputs { username, realm, secret, nonce, nc, cnonce, method, uri, .. } = *self;
        let mut ha1 = if self.is_ha1 { secret.to_ascii_lowercase() } else { h(format!("{username}:{realm}:{secret}")) };
        if self.algorithm.is_session() {
            ha1 = h(format!("{ha1}:{nonce}:{cnonce}"));
        }
        let ha2 = match self.qop {
            Some(qop) if qop.eq_ignore_ascii_case("auth-int") => {
                let empty = self.algorithm.hash(b"");
                h(format!("{method}:{uri}:{}", self.body_hash.unwrap_or(&empty)))
            }
            _ => h(format!("{method}:{uri}")),
        };
        match self.qop {
            Some(qop) => h(format!("{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}")),
            None => h(format!("{ha1}:{nonce}:{ha2}")),
        }
    }
}

/// Methods that a client may have hashed in place of the one it sent.
const METHODS: [&str; 8] = ["REGISTER", "INVITE", "ACK", "BYE", "OPTIONS", "SUBSCRIBE", "register", "invite"];
/// Users that are tried in place of the one that is named.
const OTHERS: usize = 256;

/// Says why `given` was refused, by what is known. `None` where its algorithm is unknown.
#[must_use]
pub fn explain(given: &Given, context: &Context<'_>, known: &[Known]) -> Option<Verdict> {
    let algorithm = given.algorithm()?;
    let base = Inputs {
        algorithm,
        username: &given.username,
        realm: &given.realm,
        secret: "",
        is_ha1: false,
        nonce: &given.nonce,
        nc: &given.nc,
        cnonce: &given.cnonce,
        qop: given.qop.as_deref(),
        method: context.method,
        uri: &given.uri,
        body_hash: context.body_hash,
    };
    let fits = |inputs: &Inputs<'_>| inputs.response() == given.response;
    let mut of_user = known.iter().filter(|k| k.user == given.username && k.is_of(&given.realm)).peekable();
    let is_known = of_user.peek().is_some();
    for account in of_user {
        for is_ha1 in ways(&account.secret, algorithm) {
            let inputs = Inputs { secret: &account.secret, is_ha1, ..base };
            if fits(&inputs) {
                return Some(Verdict::Fits);
            }
            if let Some((input, value)) = vary(&inputs, given, context, &fits) {
                return Some(Verdict::Differs(input, value));
            }
        }
    }
    if let Some((input, value)) = by_others(&base, given, known, &fits) {
        return Some(Verdict::Differs(input, value));
    }
    Some(if is_known { Verdict::OtherPassword } else { Verdict::UnknownUser })
}

/// How a secret may be meant: as a password, and as a hash where it has the length of one.
fn ways(secret: &str, algorithm: Algorithm) -> impl Iterator<Item = bool> {
    let digits = if algorithm <= Algorithm::Md5Sess { 32 } else { 64 };
    let is_hash = secret.len() == digits && secret.bytes().all(|b| b.is_ascii_hexdigit());
    std::iter::once(false).chain(is_hash.then_some(true))
}

/// One input after the other, with the secret of the user that is named.
fn vary<'a>(
    base: &Inputs<'a>,
    given: &'a Given,
    context: &Context<'a>,
    fits: &impl Fn(&Inputs<'_>) -> bool,
) -> Option<(Input, String)> {
    let found = |input: Input, changed: Inputs<'_>, value: &str| fits(&changed).then(|| (input, value.to_owned()));
    for algorithm in Algorithm::ALL {
        let name = algorithm.name();
        if let Some(it) = found(Input::Algorithm, Inputs { algorithm, ..*base }, name) {
            return Some(it);
        }
    }
    if let Some(it) = found(Input::Uri, Inputs { uri: context.request_uri, ..*base }, context.request_uri) {
        return Some(it);
    }
    for method in METHODS {
        if let Some(it) = found(Input::Method, Inputs { method, ..*base }, method) {
            return Some(it);
        }
    }
    for (qop, name) in [(None, "none"), (Some("auth"), "auth"), (Some("auth-int"), "auth-int")] {
        if let Some(it) = found(Input::Qop, Inputs { qop, ..*base }, name) {
            return Some(it);
        }
    }
    if base.qop.is_some() {
        // The digits may have been hashed as a number is written, or of another use of the nonce.
        let number = u32::from_str_radix(&given.nc, 16).unwrap_or(0);
        let near = (0..=number.min(16) + 2).flat_map(|n| [format!("{n:08x}"), format!("{n}"), format!("{n:x}")]);
        for nc in near {
            if let Some(it) = found(Input::Count, Inputs { nc: &nc, ..*base }, &nc) {
                return Some(it);
            }
        }
        let empty = found(Input::Cnonce, Inputs { cnonce: "", ..*base }, "");
        let quoted = format!("\"{}\"", given.cnonce);
        if let Some(it) = empty.or_else(|| found(Input::Cnonce, Inputs { cnonce: &quoted, ..*base }, &quoted)) {
            return Some(it);
        }
        if let Some(it) = found(Input::Body, Inputs { body_hash: None, ..*base }, "empty") {
            return Some(it);
        }
    }
    for nonce in context.nonces {
        if let Some(it) = found(Input::Nonce, Inputs { nonce, ..*base }, nonce) {
            return Some(it);
        }
    }
    vary_who(base, given, context, fits)
}

/// User name, realm and the way the password was typed: only where the password itself is known.
fn vary_who(
    base: &Inputs<'_>,
    given: &Given,
    context: &Context<'_>,
    fits: &impl Fn(&Inputs<'_>) -> bool,
) -> Option<(Input, String)> {
    if base.is_ha1 {
        return None;
    }
    let found = |input: Input, changed: Inputs<'_>, value: &str| fits(&changed).then(|| (input, value.to_owned()));
    let host = given.uri.split_once(':').map_or("", |(_, rest)| rest.rsplit('@').next().unwrap_or(rest));
    let quoted = format!("\"{}\"", given.realm);
    for realm in context.realms.iter().copied().chain([host, "", &quoted]) {
        if let Some(it) = found(Input::Realm, Inputs { realm, ..*base }, realm) {
            return Some(it);
        }
    }
    let bare = given.username.split('@').next().unwrap_or_default().to_owned();
    let cases = [given.username.to_ascii_lowercase(), given.username.to_ascii_uppercase()];
    let long = [format!("{}@{}", given.username, given.realm), format!("{}@{host}", given.username)];
    for username in cases.iter().chain(&long).chain([&bare]) {
        if let Some(it) = found(Input::Username, Inputs { username, ..*base }, username) {
            return Some(it);
        }
    }
    let secret = base.secret;
    let typed = [
        (format!("{secret} "), "with a space behind it"),
        (format!(" {secret}"), "with a space before it"),
        (format!("{secret}\n"), "with a line end behind it"),
        (format!("{secret}\r\n"), "with a line end behind it"),
        (format!("\"{secret}\""), "with quotes around it"),
        (secret.trim().to_owned(), "without the white space around it"),
        (secret.to_lowercase(), "in lower case"),
        (secret.to_uppercase(), "in upper case"),
        (String::new(), "empty"),
        (given.username.clone(), "the same as the user name"),
    ];
    typed.iter().find_map(|(secret, how)| found(Input::Password, Inputs { secret, ..*base }, how))
}

/// The secrets of others, and of the same user in another realm.
fn by_others(
    base: &Inputs<'_>,
    given: &Given,
    known: &[Known],
    fits: &impl Fn(&Inputs<'_>) -> bool,
) -> Option<(Input, String)> {
    let others = known.iter().filter(|k| k.user != given.username || !k.is_of(&given.realm));
    for account in others.take(OTHERS) {
        for is_ha1 in ways(&account.secret, base.algorithm) {
            // The account's own name and realm, hashed though others are named.
            let own = if account.realm.is_empty() { &given.realm } else { &account.realm };
            let with = Inputs { secret: &account.secret, is_ha1, ..*base };
            let is_same_user = account.user == given.username;
            if is_same_user && (fits(&with) || fits(&Inputs { realm: own, ..with })) {
                return Some((Input::Realm, own.clone()));
            }
            let hashed_own = Inputs { username: &account.user, realm: own, ..with };
            let same_realm = Inputs { username: &account.user, ..with };
            if !is_same_user && (fits(&with) || fits(&same_realm) || fits(&hashed_own)) {
                return Some((Input::Username, account.user.clone()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
