//! The grammar of all that [`Outline::read`](super::Outline::read) does not look into. RFC 3261 §25.1

mod values;

use super::address::Fault;
use super::header::HeaderName;
use super::lex::{self, LWS, Parts, TOKEN};
use super::read::MAX_DEFECTS;
use super::uri::{escape, host_port, ip_of, split_scheme};
use super::{Address, Defect, DefectKind, Field, MAGIC_COOKIE, Message, Param, StartLine, Uri, Via};
use crate::base::{Span, scan};

/// Appends every defect of the message, in order of place: those that the outline has, and those that the grammar of the
/// start line and of each header field shows. At most [`MAX_DEFECTS`] of either. For lint and for notes: it looks at
/// every byte, where reading looks at those that decoding needs.
pub fn defects(message: &Message<'_>, out: &mut Vec<Defect>) {
    defects_beside(&mut Known::none(), message, out);
}

/// Values that were found well-formed, so that what stands in message after message is looked at once.
///
/// A table of fingerprints, each in the one place that it may have: a newer one drives an older one out.
#[derive(Debug)]
pub struct Known {
    slots: Vec<u64>,
    hasher: foldhash::fast::RandomState,
}

/// Fingerprints that are kept: a power of two.
const KNOWN: usize = 1 << 13;

impl Default for Known {
    fn default() -> Self {
        Known { slots: vec![0; KNOWN], hasher: foldhash::fast::RandomState::default() }
    }
}

impl Known {
    /// Knows nothing and learns nothing.
    fn none() -> Self {
        Known { slots: Vec::new(), hasher: foldhash::fast::RandomState::default() }
    }

    /// Fingerprint of a value of a header field, 0 where nothing is learnt.
    fn fingerprint(&self, name: HeaderName, value: &[u8]) -> u64 {
        use std::hash::BuildHasher;
        if self.slots.is_empty() { 0 } else { self.hasher.hash_one((name as u8, value)).max(1) }
    }

    fn has(&self, fingerprint: u64) -> bool {
        fingerprint != 0 && self.slots.get(fingerprint as usize % KNOWN) == Some(&fingerprint)
    }

    fn learn(&mut self, fingerprint: u64) {
        if let Some(slot) = self.slots.get_mut(fingerprint as usize % KNOWN) {
            *slot = fingerprint;
        }
    }
}

/// [`defects`], with what is known from earlier messages.
pub fn defects_beside(known: &mut Known, message: &Message<'_>, out: &mut Vec<Defect>) {
    let before = out.len();
    out.extend_from_slice(&message.outline.defects);
    let mut checker = Checker { message, out, left: MAX_DEFECTS };
    checker.start_line();
    for field in &message.outline.fields {
        // A value that is known to be broken is broken once.
        let told = |d: &Defect| {
            d.kind == DefectKind::HeaderMalformed && d.span.start >= field.value.start && d.span.end <= field.value.end
        };
        let fingerprint = known.fingerprint(field.name, message.text(field.value));
        if checker.left > 0 && !known.has(fingerprint) && !message.outline.defects.iter().any(told) {
            let found = checker.out.len();
            checker.field(field);
            if checker.out.len() == found {
                known.learn(fingerprint);
            }
        }
    }
    out[before..].sort_by_key(|d| d.span.start);
}

struct Checker<'m, 'a, 'o> {
    message: &'m Message<'a>,
    out: &'o mut Vec<Defect>,
    left: usize,
}

/// What a value breaks: `None` for a well-formed one.
type Verdict<'a> = Option<Fault<'a>>;

fn fault<'a>(at: &'a [u8], what: &'static str) -> Verdict<'a> {
    Some(Fault { at, what })
}

impl<'a> Checker<'_, 'a, '_> {
    fn tell(&mut self, kind: DefectKind, verdict: Verdict<'a>, rule: &'static str) {
        let Some(fault) = verdict else { return };
        if self.left > 0 {
            self.left -= 1;
            self.out.push(Defect { kind, span: self.message.span_of(fault.at), what: fault.what, rule });
        }
    }

    fn start_line(&mut self) {
        let StartLine::Request { uri, .. } = self.message.outline.start else { return };
        let text = self.message.text(uri);
        // White space in the Request-URI is told as a defect of the start line.
        if scan::find([b' ', b'\t', b'\r', b'\n'], text).is_some() {
            return;
        }
        if text.starts_with(b"<") {
            let verdict = fault(text, "a Request-URI stands without '<' and '>'");
            return self.tell(DefectKind::UriMalformed, verdict, "RFC 3261 §25.1");
        }
        let verdict = match scan::find([b'?'], text) {
            Some(at) if Uri::parse(text).headers.is_some() => fault(&text[at..], "header fields in a Request-URI"),
            _ => uri_fault(text),
        };
        self.tell(DefectKind::UriMalformed, verdict, "RFC 3261 §19.1.1");
    }

    fn field(&mut self, field: &Field) {
        let value = self.message.text(field.value);
        let rule = match field.name.rule() {
            "" => "RFC 3261 §7.3.1",
            rule => rule,
        };
        let control = control_character(value);
        if control.is_some() {
            return self.tell(DefectKind::HeaderMalformed, control, rule);
        }
        if field.name.is_list() {
            if value.is_empty() && !may_be_empty(field.name) {
                let at = self.message.text(field.name_span);
                return self.tell(DefectKind::HeaderMalformed, fault(at, "no value"), rule);
            }
            for part in Parts::new(value, b',').filter(|_| !value.is_empty()) {
                if part.is_empty() {
                    let verdict = fault(value, "an empty value in the list");
                    return self.tell(DefectKind::HeaderMalformed, verdict, rule);
                }
                self.value(field.name, part, rule);
            }
        } else {
            self.value(field.name, value, rule);
        }
    }

    fn value(&mut self, name: HeaderName, value: &'a [u8], rule: &'static str) {
        if is_address(name) {
            return self.address(name, value, rule);
        }
        let verdict = match name {
            HeaderName::Via => via_fault(value),
            _ => values::fault_of(name, value),
        };
        self.tell(DefectKind::HeaderMalformed, verdict, rule);
    }

    fn address(&mut self, name: HeaderName, value: &'a [u8], rule: &'static str) {
        // RFC 3261 §10.2.2: one star removes all bindings.
        if name == HeaderName::Contact && value == b"*" {
            return;
        }
        let address = Address::parse(value);
        let verdict = address.fault.or_else(|| address_fault(name, &address));
        if verdict.is_some() {
            return self.tell(DefectKind::HeaderMalformed, verdict, rule);
        }
        let verdict = space_in_brackets(value, &address).or_else(|| uri_fault(address.uri));
        self.tell(DefectKind::UriMalformed, verdict, "RFC 3261 §19.1.1");
    }
}

/// Header fields whose values are name-addr or addr-spec with parameters.
fn is_address(name: HeaderName) -> bool {
    use HeaderName::*;
    matches!(
        name,
        From | To
            | Contact
            | Route
            | RecordRoute
            | Path
            | ServiceRoute
            | ReferTo
            | ReferredBy
            | ReplyTo
            | PAssertedIdentity
            | PPreferredIdentity
            | PAssociatedUri
            | PCalledPartyId
            | Diversion
            | HistoryInfo
    )
}

/// RFC 3261 §20.1, §20.2, §20.3, §20.5, §20.37: an empty list says "none".
fn may_be_empty(name: HeaderName) -> bool {
    use HeaderName::*;
    matches!(name, Accept | AcceptEncoding | AcceptLanguage | Allow | Supported | RecvInfo)
}

/// A control character outside quoted pairs. RFC 3261 §25.1, TEXT-UTF8-TRIM
fn control_character(value: &[u8]) -> Verdict<'_> {
    // Without a way out in the middle this looks at many bytes at once.
    if !value.iter().fold(false, |any, &b| any | (b < b' ') | (b == 0x7f)) {
        return None;
    }
    // In a quoted string a backslash lets any character below 0x80 be, save CR and LF.
    let quote = scan::find([b'"'], value).unwrap_or(value.len());
    let is_control = |at: usize| (value[at] < b' ' && !lex::is(value[at], LWS)) || value[at] == 0x7f;
    let at = (0..value.len()).find(|&at| is_control(at) && (at <= quote || value[at - 1] != b'\\'))?;
    fault(&value[at..=at], "a control character")
}

fn address_fault<'a>(name: HeaderName, address: &Address<'a>) -> Verdict<'a> {
    let display = address.display;
    let plain = !display.starts_with(b"\"");
    if plain && !display.is_empty() && !display.split(|&b| lex::is(b, LWS)).all(|w| w.is_empty() || lex::all(w, TOKEN))
    {
        return fault(display, "a display name that needs quotes");
    }
    if !plain && lex::quoted_end(display) != Some(display.len()) {
        return fault(display, "more than one quoted string before '<'");
    }
    if !address.bracketed {
        let needs = scan::find([b'?', b','], address.uri).filter(|_| !address.uri.starts_with(b"tel:"));
        if let Some(at) = needs {
            return fault(&address.uri[at..], "a URI with ',' or '?' needs '<' and '>'");
        }
    }
    let behind = lex::trim(address.params);
    if address.bracketed && behind.starts_with(b">") {
        return fault(&behind[..1], "a second '>' ends nothing");
    }
    params_fault(address.params).or_else(|| known_param_fault(name, address))
}

/// Parameters that carry numbers.
fn known_param_fault<'a>(name: HeaderName, address: &Address<'a>) -> Verdict<'a> {
    if name != HeaderName::Contact {
        return None;
    }
    if let Some(value) = address.param("expires").and_then(|p| p.value)
        && lex::number(value).is_none_or(|n| u32::try_from(n).is_err())
    {
        return fault(value, "expires is a number of seconds below 2^32");
    }
    let q = address.param("q").and_then(|p| p.value)?;
    if values::is_qvalue(q) { None } else { fault(q, "q is a number from 0 to 1") }
}

/// `;name=value` again and again. RFC 3261 §25.1, generic-param
fn params_fault(params: &[u8]) -> Verdict<'_> {
    let text = lex::trim(params);
    if text.is_empty() {
        return None;
    }
    let Some(list) = text.strip_prefix(b";") else {
        return fault(text, "something between the value and its parameters");
    };
    Parts::new(list, b';').find_map(|part| match part.is_empty() {
        true => fault(text, "an empty parameter"),
        false => param_fault(part),
    })
}

fn param_fault(part: &[u8]) -> Verdict<'_> {
    let param = Param::of(part);
    if !lex::all(param.name, TOKEN) {
        return fault(part, "a parameter name that is no token");
    }
    match param.value {
        None => None,
        Some([]) => fault(part, "no value after '='"),
        Some(value) if value.starts_with(b"\"") => match lex::quoted_end(value) {
            Some(end) if end == value.len() => None,
            _ => fault(value, "a quoted string that does not end where the parameter does"),
        },
        // A host is allowed, and RFC 5118 §4.5 wants a bare IPv6 address accepted too.
        Some(value) if lex::all(value, TOKEN) || ip_of(value).is_some() => None,
        Some(value) => fault(value, "a parameter value that is neither token, host nor quoted string"),
    }
}

fn via_fault(value: &[u8]) -> Verdict<'_> {
    let via = Via::parse(value);
    if via.fault.is_some() {
        return via.fault;
    }
    // What another version's Via says is its own matter: the start line tells of the version.
    if let Some(wrong) = host_port_fault(via.sent_by).or_else(|| params_fault(via.params)) {
        return Some(wrong);
    }
    if via.branch() == MAGIC_COOKIE {
        return fault(via.branch(), "nothing follows the magic cookie");
    }
    let text = |name| via.param(name).and_then(|p: Param<'_>| p.value);
    match text("ttl") {
        Some(ttl) if via.ttl().is_none() => return fault(ttl, "ttl is a number from 0 to 255"),
        _ => {}
    }
    match text("rport") {
        Some(port) if via.rport() == Some(None) => fault(port, "rport is a port number"),
        _ => None,
    }
}

/// White space between `<` and the URI or behind it, which the view of an address leaves out.
fn space_in_brackets<'a>(value: &'a [u8], address: &Address<'a>) -> Verdict<'a> {
    let uri = lex::span_of(address.uri, value);
    let (before, after) = (value.get(..uri.start as usize)?, value.get(uri.end as usize..)?);
    if !address.bracketed || (before.ends_with(b"<") && after.starts_with(b">")) {
        return None;
    }
    let open = memchr::memrchr(b'<', before)? + 1;
    let close = uri.end as usize + memchr::memchr(b'>', after)?;
    fault(value.get(open..close)?, "white space between '<' and '>'")
}

/// What is wrong with a URI. RFC 3261 §25.1
pub(super) fn uri_fault(text: &[u8]) -> Verdict<'_> {
    if let Some(at) = scan::find([b' ', b'\t', b'\r', b'\n'], text) {
        return fault(&text[at..=at], "white space in a URI");
    }
    let Some((_, rest)) = split_scheme(text) else { return fault(text, "no scheme") };
    let uri = Uri::parse(text);
    if let Some(at) = broken_escape(rest) {
        return fault(at, "'%' without two hexadecimal digits");
    }
    if uri.is_tel() {
        let number = uri.user.unwrap_or_default();
        return if number.is_empty() { fault(text, "no number") } else { params_chars(&uri) };
    }
    if !uri.is_sip() {
        return match lex::all(rest, lex::URIC) {
            true => None,
            false => fault(rest, "characters that no URI has"),
        };
    }
    match uri.user {
        Some([]) => return fault(text, "no user before '@'"),
        Some(user) if !lex::all(user, lex::USER) => return fault(user, "characters that no user part has"),
        _ => {}
    }
    host_port_fault(whole_host(&uri, text)).or_else(|| params_chars(&uri)).or_else(|| {
        let headers = uri.headers?;
        let good = uri.headers().all(|h| lex::all(h.name, lex::HEADER) && h.value.is_some());
        if good { None } else { fault(headers, "header fields are name=value, parted by '&'") }
    })
}

/// Host and port as they stand together in the URI.
fn whole_host<'a>(uri: &Uri<'a>, text: &'a [u8]) -> &'a [u8] {
    let host = lex::span_of(uri.host, text);
    let end = uri.port.map_or(host.end, |p| lex::span_of(p, text).end.max(host.end));
    Span { start: host.start, end }.of(text)
}

fn params_chars<'a>(uri: &Uri<'a>) -> Verdict<'a> {
    uri.params().find_map(|p| {
        let good = lex::all(p.name, lex::PARAM) && p.value.is_none_or(|v| lex::all(v, lex::PARAM));
        if good { None } else { fault(uri.params, "characters that no URI parameter has") }
    })
}

fn broken_escape(text: &[u8]) -> Option<&[u8]> {
    memchr::memchr_iter(b'%', text)
        .find(|&at| escape(&text[at..]).is_none())
        .map(|at| &text[at..text.len().min(at + 3)])
}

/// `host[:port]`. RFC 3261 §25.1
fn host_port_fault(text: &[u8]) -> Verdict<'_> {
    let (host, port) = host_port(text);
    if host.is_empty() {
        return fault(text, "no host");
    }
    let valid = match host.first() {
        Some(b'[') => ip_of(host).is_some() || is_three_colon_form(host),
        _ => lex::all(host, lex::HOST),
    };
    if !valid {
        return fault(text, "a host is a name, an IPv4 address, or an IPv6 address in brackets");
    }
    match port {
        Some(digits) if lex::number(digits).is_none_or(|n| n > 65_535) => fault(text, "a port is a number up to 65535"),
        _ => None,
    }
}

/// `[2001:db8:::192.0.2.1]`: what the grammar of RFC 3261 gave by mistake; accepted, as RFC 5118 §4.10 asks.
fn is_three_colon_form(host: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(host, b":::") else { return false };
    let mut mended = [0; 64];
    let Some(room) = mended.get_mut(..host.len() - 1) else { return false };
    room[..at].copy_from_slice(&host[..at]);
    room[at..].copy_from_slice(&host[at + 1..]);
    ip_of(room).is_some()
}

#[cfg(test)]
mod tests;
