//! Parameters: `;name=value` after a value, and `name=value` lists of challenges and credentials.

use super::lex::{self, Parts};
use crate::base::scan;
use std::borrow::Cow;

/// One parameter, as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Param<'a> {
    /// Its name, spelling kept; names compare without case (RFC 3261 §7.3.1).
    pub name: &'a [u8],
    /// What follows `=`, quotes included; `None` where there is no `=`.
    pub value: Option<&'a [u8]>,
}

impl<'a> Param<'a> {
    /// The parameter that `text` is.
    #[inline]
    pub(super) fn of(text: &'a [u8]) -> Self {
        match scan::find([b'='], text) {
            Some(at) => Param { name: lex::trim_end(&text[..at]), value: Some(lex::trim_start(&text[at + 1..])) },
            None => Param { name: text, value: None },
        }
    }

    /// Whether the name is this one, in whatever case.
    #[inline]
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value without quotes and backslashes; empty where there is none.
    #[must_use]
    pub fn text(&self) -> Cow<'a, [u8]> {
        unquoted(self.value.unwrap_or_default())
    }
}

/// A quoted string without its quotes and backslashes; anything else as it is. Allocates only for backslashes.
#[must_use]
pub fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = value.strip_prefix(b"\"") else { return Cow::Borrowed(value) };
    let inner = match lex::quoted_end(value) {
        Some(end) => &value[1..end - 1],
        None => inner,
    };
    if scan::find([b'\\'], inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        // RFC 3261 §25.1, quoted-pair: the backslash goes, what it guards stays.
        plain.extend(if byte == b'\\' { bytes.next().copied() } else { Some(byte) });
    }
    Cow::Owned(plain)
}

/// The parameters of a value, in order. Empty ones (`;;`) are passed over.
#[derive(Clone, Debug)]
pub struct Params<'a>(Parts<'a>);

impl<'a> Params<'a> {
    /// Parameters parted by `;`. A `;` at the start is no matter.
    #[inline]
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        Params(Parts::new(text, b';'))
    }

    /// Parameters parted by commas, as in credentials.
    #[must_use]
    pub fn by_comma(text: &'a [u8]) -> Self {
        Params(Parts::new(text, b','))
    }

    /// The first of that name.
    #[inline]
    #[must_use]
    pub fn find(mut self, name: &str) -> Option<Param<'a>> {
        Iterator::find(&mut self, |p| p.is(name))
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;

    #[inline]
    fn next(&mut self) -> Option<Param<'a>> {
        self.0.by_ref().find(|text| !text.is_empty()).map(Param::of)
    }
}

/// The value of the parameter that `params` start with, where that is spelled like `start` and nothing about it is unusual:
/// `;tag=` and `;branch=` mostly stand in front. What this gives is what [`Params::find`] would.
#[inline]
pub(super) fn first_param<'a>(params: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    let value = params.strip_prefix(start)?;
    let end = match scan::find([b';', b'"', b'<'], value) {
        Some(end) if value[end] == b';' => end,
        None => value.len(),
        Some(_) => return None,
    };
    Some(lex::trim(&value[..end]))
}

/// A challenge or credentials: `Digest realm="a", nonce="b"`. RFC 3261 §20.44, §20.7
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credentials<'a> {
    /// `Digest`, `Bearer`, …
    pub scheme: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Credentials<'a> {
    /// The view of a value of WWW-Authenticate, Authorization, Proxy-Authenticate or Proxy-Authorization.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Self {
        let (scheme, rest) = lex::take(lex::trim(value), lex::TOKEN);
        Credentials { scheme, rest: lex::trim_start(rest) }
    }

    /// The parameters, in order.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        Params::by_comma(self.rest)
    }

    /// The first parameter of that name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Param<'a>> {
        self.params().find(name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Credentials, Params, unquoted};

    #[test]
    fn parameters_come_with_and_without_values_quotes_and_space() {
        let found: Vec<_> = Params::new(b" ; lr;a = b ;;c=\"x;y\\\"\" ").map(|p| (p.name, p.value)).collect();
        assert_eq!(found, [(&b"lr"[..], None), (b"a", Some(&b"b"[..])), (b"c", Some(b"\"x;y\\\"\""))]);
        assert_eq!(Params::new(b";TAG=1").find("tag").and_then(|p| p.value), Some(&b"1"[..]));
    }

    #[test]
    fn quotes_and_backslashes_go() {
        assert_eq!(&*unquoted(br#""a\"b\\""#), br#"a"b\"#);
        assert_eq!(&*unquoted(b"plain"), b"plain");
        assert_eq!(&*unquoted(b"\"open"), b"open");
        assert_eq!(&*unquoted(b"\"\\"), b"");
    }

    #[test]
    fn a_challenge_is_a_scheme_and_a_comma_list() {
        let challenge = Credentials::parse(b"Digest realm=\"a, b\",nonce=\"n==\" , qop=\"auth,auth-int\", stale=FALSE");
        assert_eq!(challenge.scheme, b"Digest");
        assert_eq!(&*challenge.param("Realm").unwrap().text(), b"a, b");
        assert_eq!(&*challenge.param("nonce").unwrap().text(), b"n==");
        assert_eq!(challenge.param("stale").unwrap().value, Some(&b"FALSE"[..]));
        assert_eq!(challenge.params().count(), 4);
    }
}
