//! Dialogs that a message names, and where it leads: told to the other leg in the terms of that leg. RFC 3891, RFC 4538, RFC 5589
//!
//! Who is asked to take the place of a dialog, or to call somebody who is to do so, knows the dialog by the Call-ID and tags of its own
//! leg. A dialog that is none of ours is passed on as it is named.

use super::call::{Call, Leg, Purpose, dialog_parts, with};
use super::{B2bua, REMEMBERED};
use crate::driver::endpoint::router::{Onto, target};
use crate::driver::media::Side;
use crate::sip::uri::unescaped;
use crate::sip::{Address, HeaderName, Message, Uri};
use crate::transport::listener::Way;
use std::time::Instant;

/// Addresses of one redirection that are passed on when addresses are hidden.
const MOST_OTHERS: usize = 8;

/// Header fields that go on with another value.
pub(super) type Changed = Vec<(HeaderName, Vec<u8>)>;

/// Somebody whose address is hidden: calls for an alias go there.
#[derive(Debug)]
pub(super) struct Alias {
    uri: Vec<u8>,
    until: Instant,
}

impl B2bua {
    /// What an outbound request says otherwise than what it goes on from.
    pub(super) fn changed(&mut self, id: u64, number: usize, way: &Way, now: Instant) -> Changed {
        let Some(call) = self.calls.get(&id) else { return Changed::new() };
        let Some(out) = call.outs.iter().find(|o| o.number == number) else { return Changed::new() };
        let inbound = match out.purpose {
            Purpose::Branch => Some(&call.inbound),
            Purpose::Crossing(number) => call.crossings.iter().find(|c| c.number == number).map(|c| &c.inbound),
            Purpose::Bye => None,
        };
        let Some(inbound) = inbound else { return Changed::new() };
        let from = inbound.way;
        let mut changed = with(&inbound.request, |request| self.named_anew(request));
        if !self.options.hides {
            return changed;
        }
        let places = with(&inbound.request, |request| {
            [HeaderName::ReferTo, HeaderName::ReferredBy].map(|name| {
                let at = changed.iter().position(|(known, _)| *known == name);
                let value = at.map(|at| changed.swap_remove(at).1);
                (name, value.or_else(|| request.header(name).map(<[u8]>::to_vec)))
            })
        });
        for (name, value) in places {
            changed.extend(value.map(|value| (name, self.hidden(&value, &from, way, now))));
        }
        changed
    }

    /// The header fields of a request that name dialogs of ours, as the other leg knows these.
    fn named_anew(&self, request: &Message<'_>) -> Changed {
        let mut changed = Changed::new();
        for name in [HeaderName::Replaces, HeaderName::Join, HeaderName::TargetDialog] {
            let value = request.header(name).and_then(|value| self.named(name.canonical().as_bytes(), value));
            changed.extend(value.map(|value| (name, value)));
        }
        let refer_to = request.header(HeaderName::ReferTo).and_then(|value| self.refer_to(value));
        changed.extend(refer_to.map(|value| (HeaderName::ReferTo, value)));
        changed
    }

    /// Refer-To whose URI has header fields that name dialogs of ours. RFC 5589 §7.3
    fn refer_to(&self, value: &[u8]) -> Option<Vec<u8>> {
        let (before, uri, behind) = around(value)?;
        let at = memchr::memchr(b'?', uri)?;
        let (place, fields) = (uri.get(..at)?, uri.get(at + 1..)?);
        let mut is_changed = false;
        let mut told = |field: &[u8]| {
            let at = memchr::memchr(b'=', field)?;
            let (name, value) = (field.get(..at)?, field.get(at + 1..)?);
            let new = self.named(&unescaped(name), &unescaped(value))?;
            is_changed = true;
            Some([name, b"=", &escaped(&new)].concat())
        };
        let fields: Vec<Vec<u8>> =
            fields.split(|&b| b == b'&').map(|field| told(field).unwrap_or_else(|| field.to_vec())).collect();
        is_changed.then(|| [before, place, b"?", &fields.join(&b'&'), behind].concat())
    }

    /// The value of a header field of that name that names a dialog of ours, in the terms of the leg that it is meant for.
    fn named(&self, name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let is = |known: HeaderName| name.eq_ignore_ascii_case(known.canonical().as_bytes());
        if is(HeaderName::TargetDialog) {
            return self.target_dialog(value);
        }
        if !is(HeaderName::Replaces) && !is(HeaderName::Join) {
            return None;
        }
        let (id, pair, side) = self.meant(value)?;
        let leg = leg(self.calls.get(&id)?, pair, side)?;
        let (call_id, local, remote) = dialog_parts(&leg.key)?;
        written(value, call_id, &[(b"to-tag", remote), (b"from-tag", local)])
    }

    /// The leg whose peer has the dialog that a Replaces or Join names: the to-tag is its own. RFC 3891 §3
    fn meant(&self, value: &[u8]) -> Option<(u64, usize, Side)> {
        let call_id = value.split(|&b| b == b';').next()?.trim_ascii();
        let (to, from) = (param(value, b"to-tag")?, param(value, b"from-tag")?);
        // By who knows us alone: the other side of the dialog is who talks to us on the other leg.
        let by_ours = self.dialog_of(call_id, to, from).map(|(id, pair, side)| (id, pair, side.other()));
        // Translated before, or told by who has the dialog: it is meant as it stands.
        by_ours.or_else(|| self.dialog_of(call_id, from, to))
    }

    /// Target-Dialog names a dialog of who sends it; whose tag stands in which place is kept. RFC 4538 §7
    fn target_dialog(&self, value: &[u8]) -> Option<Vec<u8>> {
        let call_id = value.split(|&b| b == b';').next()?.trim_ascii();
        let (first, second) = (param(value, b"local-tag")?, param(value, b"remote-tag")?);
        let ours_is_first = self.dialog_of(call_id, first, second).map(|at| (at, true));
        let ((id, pair, side), is_ours_first) =
            ours_is_first.or_else(|| self.dialog_of(call_id, second, first).map(|at| (at, false)))?;
        let (call_id, local, remote) = dialog_parts(&leg(self.calls.get(&id)?, pair, side.other())?.key)?;
        // Where the tag of ours stood that the sender knows, the recipient is now, and the other way round.
        let (first, second) = if is_ours_first { (remote, local) } else { (local, remote) };
        written(value, call_id, &[(b"local-tag", first), (b"remote-tag", second)])
    }

    /// The dialog of that Call-ID, our tag and the peer's. A tag of zero stands for none. RFC 3891 §3
    fn dialog_of(&self, call_id: &[u8], local: &[u8], remote: &[u8]) -> Option<(u64, usize, Side)> {
        let find = |remote: &[u8]| self.dialogs.get(&super::call::dialog_key(call_id, local, remote)).copied();
        find(remote).or_else(|| (remote == b"0").then(|| find(b"")).flatten())
    }

    /// Where an INVITE goes whose Request-URI is ours although it is for somebody else: to who has the dialog that it replaces, or to
    /// who was hidden behind an alias.
    pub(super) fn known_place(&mut self, request: &Message<'_>, way: &Way, now: Instant) -> Option<Onto> {
        let uri = Uri::parse(request.uri().unwrap_or_default());
        if !self.router.identity.is_self(&uri, way.local) {
            return None;
        }
        let dialog = [HeaderName::Replaces, HeaderName::Join].into_iter().find_map(|name| request.header(name));
        if let Some((id, pair, side)) = dialog.and_then(|value| self.meant(value)) {
            let leg = leg(self.calls.get(&id)?, pair, side).filter(|leg| !leg.is_over)?;
            let draft = leg.dialog.ack(0);
            let place = super::inside::place_of(&draft, &leg.way)?;
            let routes = draft.fields.into_iter().filter(|(name, _)| *name == HeaderName::Route);
            return Some(Onto {
                uri: draft.uri.into_bytes(),
                routes_off: request.values(HeaderName::Route).count(),
                routes_off_end: 0,
                routes_on: routes.map(|(_, value)| value.into_bytes()).collect(),
                route_last: None,
                place,
            });
        }
        let alias = self.aliases.get(&uri.user?.to_vec()).filter(|alias| now < alias.until)?;
        let uri = alias.uri.clone();
        let place = target(&uri).ok()?;
        Some(Onto::directly(uri, place))
    }

    /// Contacts of a redirection, as who called may see them.
    pub(super) fn others(&mut self, response: &Message<'_>, from: &Way, way: &Way, now: Instant) -> Vec<Vec<u8>> {
        if !self.options.hides {
            return response.headers(HeaderName::Contact).map(<[u8]>::to_vec).collect();
        }
        let values: Vec<Vec<u8>> = response.values(HeaderName::Contact).take(MOST_OTHERS).map(<[u8]>::to_vec).collect();
        values.iter().map(|value| self.hidden(value, from, way, now)).collect()
    }

    /// An address from one side as the other is told it: in place of an IP address stands our own, under the same user where it was
    /// ours, else under an alias, for which calls go where it led. RFC 7092
    ///
    /// What remains: a host that is a name, because it is what people call and may be all that a caller may be routed by; the user part
    /// of what was ours; and what is not SIP.
    fn hidden(&mut self, value: &[u8], from: &Way, way: &Way, now: Instant) -> Vec<u8> {
        let Some((before, text, behind)) = around(value) else { return value.to_vec() };
        let uri = Uri::parse(text);
        if !uri.is_sip() || uri.ip().is_none() {
            return value.to_vec();
        }
        let at = memchr::memchr(b'?', text).unwrap_or(text.len());
        let (place, fields) = text.split_at(at);
        let user = match uri.user.filter(|_| self.router.identity.is_self(&uri, from.local)) {
            Some(user) => user.to_vec(),
            None => self.alias(place, now),
        };
        let own = self.style().address(&user, way, uri.is_sips());
        // Header fields of a URI stand only within brackets. RFC 3261 §20
        match before.ends_with(b"<") {
            true => [before, &own, fields, behind].concat(),
            false => [before, b"<", &own, fields, b">", behind].concat(),
        }
    }

    /// The user under which calls go to a place that is hidden.
    fn alias(&mut self, uri: &[u8], now: Instant) -> Vec<u8> {
        let user = format!("to-{}", self.entropy.token()).into_bytes();
        let order = i64::try_from(self.number()).unwrap_or(i64::MAX);
        let alias = Alias { uri: uri.to_vec(), until: now + REMEMBERED };
        let _ = self.aliases.touch_or_insert(&user, order, || alias);
        user
    }
}

fn leg(call: &Call, pair: usize, side: Side) -> Option<&Leg> {
    let pair = call.pairs.get(pair)?;
    Some(match side {
        Side::Caller => &pair.caller,
        Side::Callee => &pair.callee,
    })
}

/// An address in three: what stands before its URI, the URI, what stands behind.
fn around(value: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let address = Address::parse(value);
    let uri = address.uri;
    if uri.is_empty() {
        return None;
    }
    let at = match address.bracketed {
        true => memchr::memmem::rfind(value, &[b"<", uri].concat())? + 1,
        false => memchr::memmem::find(value, uri)?,
    };
    Some((value.get(..at)?, uri, value.get(at + uri.len()..)?))
}

/// The value of a parameter.
fn param<'a>(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    value.split(|&b| b == b';').skip(1).find_map(|part| {
        let at = memchr::memchr(b'=', part)?;
        let is_it = part.get(..at)?.trim_ascii().eq_ignore_ascii_case(name);
        part.get(at + 1..).filter(|_| is_it).map(<[u8]>::trim_ascii)
    })
}

/// A value with another Call-ID and other tags; all else as it was. `None` where one of them could not be written.
fn written(value: &[u8], call_id: &[u8], tags: &[(&[u8], &[u8])]) -> Option<Vec<u8>> {
    let is_plain = |text: &[u8]| text.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b';' | b','));
    if !is_plain(call_id) || !tags.iter().all(|(_, tag)| is_plain(tag)) {
        return None;
    }
    let mut out = call_id.to_vec();
    for part in value.split(|&b| b == b';').skip(1) {
        let name = part.split(|&b| b == b'=').next().unwrap_or_default().trim_ascii();
        out.push(b';');
        match tags.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(name)) {
            Some((_, tag)) => out.extend([name, b"=", if tag.is_empty() { b"0" } else { tag }].concat()),
            None => out.extend(part.trim_ascii()),
        }
    }
    Some(out)
}

/// The value of a header field in a URI. RFC 3261 §25.1: hnv-unreserved and unreserved stay as they are.
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 3);
    for &byte in text {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-_.!~*'()[]/?:+$".contains(&b) => out.push(b),
            b => out.extend(format!("%{b:02X}").bytes()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{around, escaped, param, written};

    #[test]
    fn what_names_a_dialog_is_rewritten_and_the_rest_is_kept() {
        let value = b"425928@bobster.example.org;to-tag=7743;from-tag=6472;early-only";
        assert_eq!(param(value, b"TO-TAG"), Some(&b"7743"[..]));
        let new = written(value, b"c2", &[(b"to-tag", b"b"), (b"from-tag", b"")]).unwrap();
        assert_eq!(new, b"c2;to-tag=b;from-tag=0;early-only");
        assert_eq!(written(value, b"c\r\nX: y", &[]), None);
        assert_eq!(escaped(b"a@b;to-tag=1"), b"a%40b%3Bto-tag%3D1");
    }

    #[test]
    fn an_address_is_found_in_its_value() {
        assert_eq!(
            around(b"\"<sip:a@b>\" <sip:a@b>;x=1"),
            Some((&b"\"<sip:a@b>\" <"[..], &b"sip:a@b"[..], &b">;x=1"[..]))
        );
        assert_eq!(around(b"sip:a@b;q=1"), Some((&b""[..], &b"sip:a@b"[..], &b";q=1"[..])));
        assert_eq!(around(b""), None);
    }
}
