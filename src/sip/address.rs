//! name-addr and addr-spec: what From, To, Contact, Route and their kin hold. RFC 3261 §25.1

use super::lex;
use super::param::{Param, Params, first_param, unquoted};
use super::uri::Uri;
use crate::base::scan;
use std::borrow::Cow;

/// What breaks a value's grammar, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault<'a> {
    /// The bytes at fault.
    pub at: &'a [u8],
    /// What is wrong with them.
    pub what: &'static str,
}

/// One address, as it stands: `"Bob" <sip:bob@example.com>;tag=1` or `sip:bob@example.com;tag=1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Address<'a> {
    /// The display name, quotes included; empty where there is none.
    pub display: &'a [u8],
    /// The URI, without `<` and `>`.
    pub uri: &'a [u8],
    /// All that follows the URI: the parameters with their first `;`.
    pub params: &'a [u8],
    /// Whether the URI stands between `<` and `>`.
    pub bracketed: bool,
    /// Why it could not be taken apart as the grammar says.
    pub fault: Option<Fault<'a>>,
}

impl<'a> Address<'a> {
    /// The view of one value (not of a comma list).
    #[inline]
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Self {
        let value = lex::trim(value);
        let mut fault = None;
        let mut display_end = 0;
        if value.first() == Some(&b'"') {
            match lex::quoted_end(value) {
                Some(end) => display_end = end,
                None => fault = Some(Fault { at: value, what: "the quote of the display name is never closed" }),
            }
        }
        let rest = &value[display_end..];
        let Some(open) = scan::find([b'<'], rest) else {
            return Self::addr_spec(value, display_end, fault);
        };
        let inside = &rest[open + 1..];
        let (uri, params) = match scan::find([b'>'], inside) {
            Some(close) => (&inside[..close], &inside[close + 1..]),
            None => {
                fault = fault.or(Some(Fault { at: &rest[open..], what: "'<' is never closed" }));
                let end = inside.iter().position(|&b| lex::is(b, lex::LWS)).unwrap_or(inside.len());
                inside.split_at(end)
            }
        };
        let display = lex::trim(&value[..display_end + open]);
        Address { display, uri: lex::trim(uri), params, bracketed: true, fault }
    }

    /// Without brackets every `;` starts a header field parameter. RFC 3261 §20.10
    fn addr_spec(value: &'a [u8], display_end: usize, mut fault: Option<Fault<'a>>) -> Self {
        if display_end > 0 {
            fault = Some(Fault { at: value, what: "a display name without '<' and '>' after it" });
        }
        let (display, rest) = value.split_at(display_end);
        let end = scan::find([b';'], rest).unwrap_or(rest.len());
        let (uri, params) = rest.split_at(end);
        let uri = lex::trim(uri);
        if uri.is_empty() && fault.is_none() {
            fault = Some(Fault { at: value, what: "no URI" });
        }
        Address { display, uri, params, bracketed: false, fault }
    }

    /// The values of a comma list, as Contact and Route are. RFC 3261 §7.3.1
    pub fn split(list: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        lex::Parts::new(list, b',').filter(|part| !part.is_empty())
    }

    /// The display name without quotes and backslashes.
    #[must_use]
    pub fn display_name(&self) -> Cow<'a, [u8]> {
        unquoted(self.display)
    }

    /// The URI taken apart.
    #[must_use]
    pub fn uri(&self) -> Uri<'a> {
        Uri::parse(self.uri)
    }

    /// The header field parameters.
    #[inline]
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        Params::new(self.params)
    }

    /// The first parameter of that name.
    #[inline]
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Param<'a>> {
        self.params().find(name)
    }

    /// The tag; empty where there is none. RFC 3261 §19.3
    #[inline]
    #[must_use]
    pub fn tag(&self) -> &'a [u8] {
        if self.params.is_empty() {
            return b"";
        }
        first_param(self.params, b";tag=")
            .unwrap_or_else(|| self.param("tag").and_then(|p| p.value).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn name_addr_with_what_may_mislead() {
        let a = Address::parse(b" \"A, <B> \\\"C\\\"\" <sip:a,b@example.com;x=1>;tag=t;q=\"<1>\"");
        assert_eq!(&*a.display_name(), b"A, <B> \"C\"");
        assert_eq!(a.uri, b"sip:a,b@example.com;x=1");
        assert_eq!(a.tag(), b"t");
        assert_eq!(a.fault, None);
        let a = Address::parse(b"caller<sip:caller@example.com>;tag=323");
        assert_eq!((a.display, a.uri, a.tag()), (&b"caller"[..], &b"sip:caller@example.com"[..], &b"323"[..]));
    }

    #[test]
    fn a_list_is_parted_outside_brackets_and_quotes() {
        let parts: Vec<&[u8]> = Address::split(b"<sip:a,b@c>;x=\"1,2\", <sip:d@e> ,").collect();
        assert_eq!(parts, [&b"<sip:a,b@c>;x=\"1,2\""[..], b"<sip:d@e>"]);
    }

    #[test]
    fn addr_spec_gives_its_parameters_to_the_header_field() {
        let a = Address::parse(b"sip:bob@example.com;tag = x ");
        assert_eq!((a.uri, a.tag(), a.bracketed), (&b"sip:bob@example.com"[..], &b"x"[..], false));
    }

    #[test]
    fn what_is_broken_is_named_and_the_uri_still_found() {
        let a = Address::parse(b"\"Mr. J. User <sip:j.user@example.com>");
        assert_eq!(a.uri, b"sip:j.user@example.com");
        assert!(a.fault.is_some());
        let a = Address::parse(b"<sip:bob@example.com");
        assert_eq!(a.uri, b"sip:bob@example.com");
        assert_eq!(a.fault.unwrap().at, b"<sip:bob@example.com");
        assert!(Address::parse(b"").fault.is_some());
        assert!(Address::parse(b"\"only a name\"").fault.is_some());
    }
}
