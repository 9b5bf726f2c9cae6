//! By what an INVITE can be recognised on the other side of a B2BUA.

use crate::base::Endpoint;
use crate::sip::uri::unescaped;
use crate::sip::{Address, HeaderName, Outline, Uri};
use crate::trace::keys;
use crate::trace::{Conversation, Facts};
use smallvec::SmallVec;

/// Header fields, none of them registered, in which a B2BUA gives the Call-ID of the leg before.
const CALL_ID_FIELDS: [&str; 10] = [
    "X-Call-ID",
    "X-CID",
    "X-CallID",
    "X-Original-Call-ID",
    "X-Orig-Call-ID",
    "X-Inbound-Call-ID",
    "X-Parent-Call-ID",
    "X-A-Leg-Call-ID",
    "X-Aleg-Call-ID",
    "X-FS-Call-ID",
];
/// Header fields, none of them registered, whose value is the same on all legs.
const SHARED_FIELDS: [&str; 7] = [
    "Cisco-Guid",
    "X-BroadWorks-Correlation-Info",
    "X-Genesys-CallUUID",
    "X-Correlation-ID",
    "X-Global-Call-ID",
    "X-Inin-Crn",
    "X-UUID",
];
/// Users that many callers have in common.
const NOBODY: [&[u8]; 5] = [b"anonymous", b"unknown", b"restricted", b"unavailable", b"asterisk"];
/// A shared value, or the local part of a Call-ID, that is shorter could be the same by chance.
const LEAST_VALUE: usize = 8;
const LEAST_LOCAL_PART: usize = 16;
/// Digits of a number that are compared: what is before them differs with the dial plan.
const DIGITS: usize = 9;

/// Names and diversions that are looked at.
const NAMES: usize = 8;
const DIVERTED: usize = 4;

/// What the texts are hashed for.
const USER: u8 = 1;
const SESSION: u8 = 2;
const CHARGING: u8 = 3;
const SHARED: u8 = 4;
const STEM: u8 = 5;
const ORIGIN: u8 = 6;

/// What an INVITE says of itself, hashed; 0 stands for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// User of the Request-URI.
    pub called: u64,
    /// User of To.
    pub to: u64,
    /// User of From.
    pub caller: u64,
    /// Origin line of the description.
    pub origin: u64,
    /// Where media is wanted.
    pub media: Option<Endpoint>,
}

impl Traits {
    /// Those of an INVITE that was taken in.
    #[must_use]
    pub fn of(c: &Conversation, invite: &Facts) -> Traits {
        let sdp = c.sdp(invite);
        let media =
            sdp.and_then(|s| s.media.iter().find(|m| m.port != 0 && !m.is_null_address)).and_then(|m| m.endpoint);
        Traits {
            called: user(c.text(invite.uri_or_reason)),
            to: user(c.text(c.to)),
            caller: user(c.text(c.from)),
            origin: origin(c, invite),
            media,
        }
    }

    /// Those of the INVITE at `position`.
    #[must_use]
    pub fn at(c: &Conversation, position: u32) -> Traits {
        c.at(position).map(|invite| Traits::of(c, invite)).unwrap_or_default()
    }

    /// Whether both call the same user.
    #[must_use]
    pub fn calls_same(&self, other: &Traits) -> bool {
        let is = |user: u64| user != 0 && (user == other.called || user == other.to);
        is(self.called) || is(self.to)
    }

    /// Whether the same user calls.
    #[must_use]
    pub fn is_from_same(&self, other: &Traits) -> bool {
        self.caller != 0 && self.caller == other.caller
    }
}

/// Key of the origin line of an INVITE's description; 0 without one.
#[must_use]
pub fn origin(c: &Conversation, invite: &Facts) -> u64 {
    let line = c.sdp(invite).map_or(&[][..], |s| s.origin_line());
    if line.is_empty() { 0 } else { keys::of_text(ORIGIN, line) }
}

/// Key of the user of a URI: of a number its last digits, whatever stands between them.
#[must_use]
pub fn user(uri: &[u8]) -> u64 {
    let user = Uri::parse(uri).user.unwrap_or_default();
    let user = user.split(|&b| b == b';').next().unwrap_or_default();
    if user.is_empty() || NOBODY.iter().any(|nobody| nobody.eq_ignore_ascii_case(user)) {
        return 0;
    }
    let is_number = user.iter().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'(' | b')'));
    let mut text: SmallVec<[u8; 32]> =
        user.iter().filter(|b| !is_number || b.is_ascii_digit()).map(u8::to_ascii_lowercase).take(256).collect();
    if is_number && text.len() > DIGITS {
        text.drain(..text.len() - DIGITS);
    }
    keys::of_text(USER, &text)
}

/// Key of the call that a URI with a Replaces header field names, as Refer-To has it in an attended transfer; 0 where it names none. RFC 3891 §6.1
#[must_use]
pub fn replaced_by(uri: &[u8]) -> u64 {
    let uri = Uri::parse(uri);
    let named = uri.headers().find(|header| header.is("Replaces")).and_then(|header| header.value);
    named.map_or(0, |value| keys::call(before(&unescaped(value), b';')))
}

/// Which kind of name a key stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Naming {
    /// Session-ID
    Session,
    /// icid-value
    Charging,
    /// The value of one of the fields that all legs have.
    Shared(&'static str),
    /// The Call-ID without what a B2BUA adds to it, or without its host.
    Stem {
        /// Whether the own Call-ID can be made from another's.
        looks_derived: bool,
    },
    /// The origin line of the description.
    Origin,
}

/// The names under which a call may be known, with the Call-IDs that its INVITE gives.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Keys, with what each stands for.
    pub keys: SmallVec<[(u64, Naming); 4]>,
    /// Keys of calls that a header field names, with the name of that field.
    pub calls: SmallVec<[(u64, &'static str); 2]>,
    /// Key of the call that Replaces names.
    pub replaces: u64,
    /// Key of the call that Join names.
    pub joins: u64,
    /// Users that the call was diverted from.
    pub diverted: SmallVec<[u64; 2]>,
}

impl Names {
    /// Those of an INVITE; `origin` is the key of its description's origin.
    #[must_use]
    pub fn of(bytes: &[u8], outline: &Outline, origin: u64) -> Names {
        let mut names = Names::default();
        let (stem, looks_derived) = stem(outline.call_id.of(bytes));
        if !stem.is_empty() {
            names.keys.push((keys::of_text(STEM, stem), Naming::Stem { looks_derived }));
        }
        if origin != 0 {
            names.keys.push((origin, Naming::Origin));
        }
        for field in &outline.fields {
            let value = field.value.of(bytes);
            match field.name {
                HeaderName::SessionId => names.session(value),
                HeaderName::PChargingVector => names.charging(value),
                HeaderName::Replaces => names.replaces = keys::call(before(value, b';')),
                HeaderName::Join => names.joins = keys::call(before(value, b';')),
                HeaderName::Diversion | HeaderName::HistoryInfo if names.diverted.len() < DIVERTED => {
                    let users = Address::split(value).take(DIVERTED).map(|one| user(Address::parse(one).uri));
                    names.diverted.extend(users.filter(|&user| user != 0));
                }
                HeaderName::Other if names.keys.len() < NAMES => names.unregistered(field.name_span.of(bytes), value),
                _ => {}
            }
        }
        names
    }

    fn unregistered(&mut self, name: &[u8], value: &[u8]) {
        let known = |list: &'static [&'static str]| list.iter().find(|n| n.as_bytes().eq_ignore_ascii_case(name));
        if let Some(name) = known(&CALL_ID_FIELDS) {
            self.calls.push((keys::call(value), name));
            self.shared(name, value);
        } else if let Some(name) = known(&SHARED_FIELDS) {
            self.shared(name, value);
        }
    }

    fn shared(&mut self, name: &'static str, value: &[u8]) {
        if value.len() >= LEAST_VALUE {
            self.keys.push((keys::of_text(SHARED, value), Naming::Shared(name)));
        }
    }

    /// RFC 7989 §5: the caller's UUID comes first; that of nobody has only zeros.
    fn session(&mut self, value: &[u8]) {
        let uuid = before(value, b';').to_ascii_lowercase();
        if uuid.len() >= LEAST_VALUE && uuid.iter().any(|&b| b != b'0' && b != b'-') {
            self.keys.push((keys::of_text(SESSION, &uuid), Naming::Session));
        }
    }

    fn charging(&mut self, value: &[u8]) {
        const NAME: &[u8] = b"icid-value=";
        let named = |p: &&[u8]| p.get(..NAME.len()).is_some_and(|n| n.eq_ignore_ascii_case(NAME));
        let Some(param) = value.split(|&b| b == b';').map(<[u8]>::trim_ascii).find(named) else { return };
        let icid = param.get(NAME.len()..).unwrap_or_default();
        let icid = icid.strip_prefix(b"\"").and_then(|i| i.strip_suffix(b"\"")).unwrap_or(icid);
        if icid.len() >= LEAST_VALUE {
            self.keys.push((keys::of_text(CHARGING, icid), Naming::Charging));
        }
    }
}

fn before(value: &[u8], end: u8) -> &[u8] {
    value.split(|&b| b == end).next().unwrap_or_default().trim_ascii()
}

/// What of a Call-ID stays the same when a B2BUA makes another one from it: all before its addition, or before its host; and whether this one may
/// be made from another.
fn stem(call_id: &[u8]) -> (&[u8], bool) {
    const ADDITIONS: [&[u8]; 4] = [b"-b2b_", b"_b2b-", b"_b2b_", b"-b2b-"];
    let is_addition =
        |rest: &[u8]| ADDITIONS.iter().any(|a| rest.get(..a.len()).is_some_and(|r| r.eq_ignore_ascii_case(a)));
    let added = (0..call_id.len().min(256)).find(|&at| call_id.get(at..).is_some_and(is_addition));
    let whole = added.and_then(|at| call_id.get(..at)).unwrap_or(call_id);
    let local = whole.split(|&b| b == b'@').next().unwrap_or_default();
    (local, added.is_some() || local.len() >= LEAST_LOCAL_PART)
}

#[cfg(test)]
mod tests {
    use super::{replaced_by, stem, user};
    use crate::trace::keys;

    #[test]
    fn an_attended_transfer_names_the_call_that_is_replaced() {
        let uri = b"sip:carol@192.0.2.3?Subject=x&replaces=425928%40192.0.2.1%3Bto-tag%3D7743%3Bfrom-tag%3D6472";
        assert_eq!(replaced_by(uri), keys::call(b"425928@192.0.2.1"));
        assert_eq!(replaced_by(b"sip:carol@192.0.2.3?Subject=Replaces"), 0);
    }

    #[test]
    fn a_number_is_the_same_in_every_spelling() {
        let plain = user(b"sip:+4930123456789@a.example");
        assert_eq!(user(b"sip:0049-30-123-456789@b.example;user=phone"), plain);
        assert_eq!(user(b"tel:030123456789"), plain);
        assert_ne!(user(b"sip:030123456788@a.example"), plain);
        assert_eq!(user(b"sip:Bob@a.example"), user(b"sips:bob@b.example"));
        assert_eq!(user(b"sip:anonymous@anonymous.invalid"), 0);
        assert_eq!(user(b"sip:a.example"), 0);
    }

    #[test]
    fn a_call_id_is_known_without_what_was_added() {
        assert_eq!(stem(b"8231@192.0.2.1-b2b_1"), (&b"8231"[..], true));
        assert_eq!(stem(b"8231@192.0.2.1"), (&b"8231"[..], false));
        assert_eq!(stem(b"0123456789abcdef0@192.0.2.1"), (&b"0123456789abcdef0"[..], true));
        assert_eq!(stem(b""), (&b""[..], false));
    }
}
