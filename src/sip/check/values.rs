//! Values that are no addresses: numbers, tokens, dates, media types, challenges. RFC 3261 §25.1

use super::{Verdict, fault, host_port_fault, param_fault, params_fault};
use crate::sip::lex::{self, LWS, Parts, TOKEN, WORD};
use crate::sip::{Credentials, HeaderName};

/// What is wrong with one value of that header field.
pub(super) fn fault_of(name: HeaderName, value: &[u8]) -> Verdict<'_> {
    use HeaderName::*;
    match name {
        CallId => call_id(value),
        CSeq => cseq(value),
        MaxForwards | MaxBreadth => number_below(value, 256, "a number from 0 to 255"),
        // RFC 3262 §7.1, §7.2
        RSeq => number_below(value, 1 << 32, "a number below 2^32"),
        RAck => rack(value),
        ContentLength => number_below(value, 1 << 32, "a number of bytes"),
        Expires | MinExpires | FlowTimer => number_below(value, 1 << 32, "a number of seconds below 2^32"),
        // RFC 4028 §4, §5
        SessionExpires | MinSe => seconds_with_params(value),
        RetryAfter => retry_after(value),
        Timestamp => timestamp(value),
        Date => date(value),
        Warning => warning(value),
        Accept | ContentType => media_type(value),
        // RFC 3261 §20.2, §20.3, §20.5 and the option tags of §27.1
        Allow | AllowEvents | Supported | Require | ProxyRequire | Unsupported | ContentEncoding => token(value),
        AcceptEncoding | AcceptLanguage | ContentDisposition | Event | SubscriptionState | Reason | RecvInfo
        | InfoPackage | SipETag | SipIfMatch => token_with_params(value),
        WwwAuthenticate | ProxyAuthenticate | Authorization | ProxyAuthorization => credentials(value),
        AuthenticationInfo => Parts::new(value, b',').find_map(param_fault),
        InReplyTo => call_id(value),
        AlertInfo | CallInfo | ErrorInfo => bracketed_uri(value),
        _ => None,
    }
}

fn number_below<'a>(value: &'a [u8], limit: u64, what: &'static str) -> Verdict<'a> {
    if lex::number(value).is_some_and(|n| n < limit) { None } else { fault(value, what) }
}

fn call_id(value: &[u8]) -> Verdict<'_> {
    let mut words = value.splitn(2, |&b| b == b'@');
    if words.all(|w| lex::all(w, WORD)) { None } else { fault(value, "no word, or word@word") }
}

/// RFC 3261 §8.1.1.5: below 2^31 (that it is a number and a method, reading has seen).
fn cseq(value: &[u8]) -> Verdict<'_> {
    let (digits, _) = value.split_at(value.iter().position(|b| !b.is_ascii_digit()).unwrap_or(value.len()));
    number_below(digits, 1 << 31, "a sequence number of 2^31 or more")
}

/// Number, number and method. RFC 3262 §7.2
fn rack(value: &[u8]) -> Verdict<'_> {
    let mut words = value.split(|&b| lex::is(b, LWS)).filter(|w| !w.is_empty());
    let mut number = || words.next().and_then(lex::number).is_some_and(|n| n < 1 << 32);
    let good = number() && number() && words.next().is_some_and(|m| lex::all(m, TOKEN)) && words.next().is_none();
    if good { None } else { fault(value, "no response number, sequence number and method") }
}

fn seconds_with_params(value: &[u8]) -> Verdict<'_> {
    let (digits, params) = split_params(value);
    number_below(digits, 1 << 32, "a number of seconds below 2^32").or_else(|| params_fault(params))
}

/// Seconds, perhaps a comment, perhaps parameters. RFC 3261 §20.33
fn retry_after(value: &[u8]) -> Verdict<'_> {
    let digits = value.iter().position(|b| !b.is_ascii_digit()).unwrap_or(value.len());
    let (digits, rest) = value.split_at(digits);
    let wrong = number_below(digits, 1 << 32, "a number of seconds below 2^32");
    let rest = lex::trim_start(rest);
    match (wrong, rest.first()) {
        (Some(_), _) => number_below(value, 0, "a number of seconds below 2^32"),
        (None, None | Some(b'(')) => None,
        (None, Some(_)) => params_fault(rest),
    }
}

/// `1.5 0.2`: two decimal numbers. RFC 3261 §20.38
fn timestamp(value: &[u8]) -> Verdict<'_> {
    let decimal =
        |w: &[u8]| w.iter().all(|&b| b.is_ascii_digit() || b == b'.') && w.iter().filter(|&&b| b == b'.').count() < 2;
    let good = !value.is_empty() && value.split(|&b| lex::is(b, LWS)).filter(|w| !w.is_empty()).take(3).all(decimal);
    if good { None } else { fault(value, "no number of seconds") }
}

/// `Sat, 13 Nov 2010 23:29:00 GMT`, and no other zone. RFC 3261 §20.17
fn date(value: &[u8]) -> Verdict<'_> {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let shape = value.len() == 29
        && value.iter().zip(b"Aaa, 00 Aaa 0000 00:00:00 ").all(|(&b, &s)| match s {
            b'0' => b.is_ascii_digit(),
            b'A' | b'a' => b.is_ascii_alphabetic(),
            _ => b == s,
        });
    let named = |list: &[&[u8]], at: std::ops::Range<usize>| {
        value.get(at).is_some_and(|v| list.iter().any(|n| n.eq_ignore_ascii_case(v)))
    };
    let below = |at: usize, limit: u64| value.get(at..at + 2).and_then(lex::number).is_some_and(|n| n < limit);
    if !shape || !named(&DAYS, 0..3) || !named(&MONTHS, 8..11) || !below(5, 32) {
        return fault(value, "no date as in Sat, 13 Nov 2010 23:29:00 GMT");
    }
    if !below(17, 24) || !below(20, 60) || !below(23, 61) {
        return fault(&value[17..25], "no time of day");
    }
    if value[26..].eq_ignore_ascii_case(b"GMT") { None } else { fault(&value[26..], "the zone is GMT and no other") }
}

/// `307 isi.edu "Session parameter"`. RFC 3261 §20.43
fn warning(value: &[u8]) -> Verdict<'_> {
    let mut words = value.splitn(2, |&b| b == b' ');
    let code = words.next().unwrap_or_default();
    if code.len() != 3 || lex::number(code).is_none() {
        return fault(code, "a warning code is three digits");
    }
    let rest = words.next().unwrap_or_default();
    let agent_end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    let (agent, text) = (&rest[..agent_end], lex::trim_start(&rest[agent_end..]));
    if !lex::all(agent, TOKEN) && host_port_fault(agent).is_some() {
        return fault(value, "a warning agent is a host or a token");
    }
    match text.first() {
        Some(b'"') if lex::quoted_end(text) == Some(text.len()) => None,
        _ => fault(value, "a warning text stands in quotes"),
    }
}

/// `type/subtype;parameters`. RFC 3261 §20.1, §20.15
fn media_type(value: &[u8]) -> Verdict<'_> {
    let (kind, params) = split_params(value);
    let mut halves = kind.splitn(2, |&b| b == b'/').map(lex::trim);
    let good = halves.by_ref().take(2).filter(|h| lex::all(h, TOKEN)).count() == 2;
    if good { params_fault(params) } else { fault(value, "no type/subtype") }
}

fn token(value: &[u8]) -> Verdict<'_> {
    if lex::all(value, TOKEN) { None } else { fault(value, "no token") }
}

fn token_with_params(value: &[u8]) -> Verdict<'_> {
    let (name, params) = split_params(value);
    if lex::all(name, TOKEN) { params_fault(params) } else { fault(value, "no token") }
}

/// Scheme, then parameters parted by commas (or, for Basic and Bearer, one token68). RFC 3261 §20.44
fn credentials(value: &[u8]) -> Verdict<'_> {
    let credentials = Credentials::parse(value);
    let rest = value.get(credentials.scheme.len()..).unwrap_or_default();
    if credentials.scheme.is_empty() || rest.first().is_some_and(|&b| !lex::is(b, LWS)) {
        return fault(value, "no authentication scheme");
    }
    let rest = lex::trim(rest);
    if rest.is_empty() {
        return fault(value, "no parameters after the scheme");
    }
    let token68 = |b: &u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(b);
    if !credentials.scheme.eq_ignore_ascii_case(b"Digest") && rest.iter().all(token68) {
        return None;
    }
    Parts::new(rest, b',').find_map(|part| {
        let Some(at) = memchr::memchr(b'=', part) else {
            return fault(if part.is_empty() { value } else { part }, "no name=value between commas");
        };
        // There may be white space on either side of the sign. RFC 3261 §25.1
        let given = lex::trim(part.get(at + 1..).unwrap_or_default());
        if given.first() == Some(&b'"') {
            return param_fault(part);
        }
        // Unquoted values are tokens; URIs stand bare in what some software sends as `uri=`.
        let is_odd = given.iter().any(|&b| lex::is(b, LWS) || b == b'"');
        if is_odd { fault(part, "a value with white space or quotes inside") } else { None }
    })
}

fn bracketed_uri(value: &[u8]) -> Verdict<'_> {
    let inside = value.strip_prefix(b"<").and_then(|v| Some((v, memchr::memchr(b'>', v)?)));
    match inside {
        Some((rest, close)) if close > 0 => params_fault(&rest[close + 1..]),
        _ => fault(value, "a URI stands between '<' and '>'"),
    }
}

/// A number from 0 to 1 with at most three decimals. RFC 3261 §25.1
pub(super) fn is_qvalue(value: &[u8]) -> bool {
    let (whole, decimals) = value.split_at(value.len().min(1));
    let decimals = match decimals {
        [] => &[][..],
        [b'.', rest @ ..] => rest,
        _ => return false,
    };
    let digits =
        if whole == b"1" { decimals.iter().all(|&d| d == b'0') } else { decimals.iter().all(u8::is_ascii_digit) };
    matches!(whole, b"0" | b"1") && decimals.len() <= 3 && digits
}

/// What stands before the first `;`, and the parameters with it.
fn split_params(value: &[u8]) -> (&[u8], &[u8]) {
    let (first, params) = value.split_at(memchr::memchr(b';', value).unwrap_or(value.len()));
    (lex::trim(first), params)
}
