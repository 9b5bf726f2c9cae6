//! A registrar: who is where, and the proof that it is them. RFC 3261 §10.3, §22, RFC 3327, RFC 3608, RFC 5626

mod access;
mod bindings;
mod nonce;

pub(super) use access::Verdict;
pub use access::{Access, Algorithms};
use bindings::{Bindings, Change, Refusal};

use super::redirect::qvalue;
use super::{Answer, Arrival, BindingFacts, Role};
use crate::sip::uri::unescaped;
use crate::sip::{Address, HeaderName, Method, Uri};
use std::time::{Duration, Instant};

/// What it takes.
const ALLOW: &str = "REGISTER, OPTIONS, ACK, CANCEL";
/// Option tags that it understands.
const KNOWN: [&str; 2] = ["path", "outbound"];
/// Contacts in one request beyond this are refused before they are looked at.
const MOST_CONTACTS: usize = 32;
/// Bytes of an address of record.
const LONGEST_AOR: usize = 512;
/// Bytes of a contact with its instance, or of Path.
const LONGEST_CONTACT: usize = 2048;

/// How long bindings stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    /// Shorter wishes are refused with 423.
    pub min: Duration,
    /// Longer ones are cut to this.
    pub max: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Lifetimes { min: Duration::ZERO, max: Duration::from_secs(3600) }
    }
}

/// A registrar.
#[derive(Debug)]
pub struct Registrar {
    access: Access,
    bindings: Bindings,
    lifetimes: Lifetimes,
    service_route: Vec<String>,
}

impl Registrar {
    /// One without bindings. `service_route` is told to whom registers. RFC 3608 §6.1
    #[must_use]
    pub fn new(access: Access, lifetimes: Lifetimes, service_route: Vec<String>, now: Instant) -> Self {
        Registrar { access, bindings: Bindings::new(now), lifetimes, service_route }
    }

    /// The bindings of the address of record that a URI names: who looks a user up asks here. RFC 3261 §16.5
    pub(super) fn of_uri(&mut self, uri: &[u8], now: Instant) -> Vec<BindingFacts> {
        address_of_record(uri).map(|(_, aor)| self.bindings.of(&aor, now)).unwrap_or_default()
    }

    /// Whether there is an account of that user name.
    pub(super) fn knows(&self, user: &[u8]) -> bool {
        self.access.knows(&unescaped(user))
    }

    /// Who may do what: a proxy asks by the same accounts.
    pub(super) fn access(&mut self) -> &mut Access {
        &mut self.access
    }

    /// RFC 3261 §10.3, in its order.
    fn register(&mut self, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Answer {
        let username = match self.access.check(arrival) {
            Verdict::Open => None,
            Verdict::Known(username) => Some(username),
            Verdict::Challenge(challenges) => {
                let mut reply = arrival.reply(401, out);
                for challenge in &challenges {
                    reply.field(HeaderName::WwwAuthenticate, challenge);
                }
                reply.finish();
                return Answer::Now;
            }
            Verdict::Unknown => return arrival.just(404, out),
        };
        let Some((user, aor)) = address_of_record(arrival.request.to().uri) else {
            return arrival.just_saying(400, "Bad Request (To names no address of record)", out);
        };
        // RFC 3261 §10.3: the fourth step. A user registers for itself.
        let is_own = |name: &String| name.as_bytes() == user || name.to_ascii_lowercase().as_bytes() == aor;
        if username.as_ref().is_some_and(|name| !is_own(name)) {
            return if self.access.knows(&user) { arrival.just(403, out) } else { arrival.just(404, out) };
        }
        match self.update(arrival, &aor) {
            Ok(outbound) => self.accept(arrival, &aor, outbound, out),
            Err(Refusal::Brief) => {
                let min = self.lifetimes.min.as_secs().to_string();
                arrival.reply(423, out).field(HeaderName::MinExpires, min).finish();
                Answer::Now
            }
            Err(Refusal::Bad(what)) => arrival.just_saying(400, &format!("Bad Request ({what})"), out),
            Err(Refusal::Order) => {
                arrival.just_saying(500, "Server Internal Error (CSeq is not above the last one)", out)
            }
            Err(Refusal::Full) => {
                let mut reply = arrival.reply_saying(503, Some("Service Unavailable (too many bindings)"), out);
                reply.field(HeaderName::RetryAfter, "60").finish();
                Answer::Now
            }
        }
    }

    /// Makes the changes that the request asks for, all or none; whether RFC 5626 was used.
    fn update(&mut self, arrival: &Arrival<'_>, aor: &[u8]) -> Result<bool, Refusal> {
        let request = arrival.request;
        let Some(cseq) = request.cseq() else { return Err(Refusal::Bad("no CSeq")) };
        let order = (request.call_id(), cseq.number);
        let expires = request.header(HeaderName::Expires);
        let contacts: Vec<&[u8]> = request.values(HeaderName::Contact).take(MOST_CONTACTS + 1).collect();
        if contacts.len() > MOST_CONTACTS {
            return Err(Refusal::Bad("too many Contacts"));
        }
        if contacts.contains(&&b"*"[..]) {
            // RFC 3261 §10.2.2: alone, and with an Expires of 0.
            if contacts.len() != 1 || expires != Some(b"0") {
                return Err(Refusal::Bad("Contact: * stands alone and with Expires: 0"));
            }
            self.bindings.clear(aor, order, arrival.now)?;
            return Ok(false);
        }
        let path = request.values(HeaderName::Path).collect::<Vec<_>>().join(&b", "[..]);
        if path.len() > LONGEST_CONTACT {
            return Err(Refusal::Bad("Path is too long"));
        }
        let supports = request.values(HeaderName::Supported).any(|tag| tag.eq_ignore_ascii_case(b"outbound"));
        let mut changes = Vec::with_capacity(contacts.len());
        for contact in contacts {
            changes.push(self.change(contact, expires, supports, &path, arrival.now)?);
        }
        let outbound = changes.iter().filter(|change| change.reg_id.is_some()).count();
        // RFC 5626 §6
        if outbound > 0 && changes.len() > 1 {
            return Err(Refusal::Bad("reg-id beside another Contact"));
        }
        self.bindings.apply(aor, order, changes, arrival.now)?;
        Ok(outbound > 0)
    }

    /// What one Contact asks for.
    fn change(
        &self,
        contact: &[u8],
        expires: Option<&[u8]>,
        outbound: bool,
        path: &[u8],
        now: Instant,
    ) -> Result<Change, Refusal> {
        let address = Address::parse(contact);
        if address.fault.is_some() || address.uri().scheme.is_empty() || contact.len() > LONGEST_CONTACT {
            return Err(Refusal::Bad("Contact is no address"));
        }
        let own = address.param("expires").and_then(|p| p.value);
        let asked = own.or(expires).map_or(self.lifetimes.max, |text| seconds(text).unwrap_or(self.lifetimes.max));
        if !asked.is_zero() && asked < self.lifetimes.min {
            return Err(Refusal::Brief);
        }
        let q = match address.param("q") {
            Some(q) => {
                Some(qvalue(q.value.unwrap_or_default()).ok_or(Refusal::Bad("Contact: q is no number from 0 to 1"))?)
            }
            None => None,
        };
        let instance = address.param("+sip.instance").and_then(|p| p.value).map(<[u8]>::to_vec);
        // RFC 5626 §6: without an instance, or where the client does not support it, reg-id says nothing.
        let reg_id = address.param("reg-id").filter(|_| outbound && instance.is_some()).and_then(|p| p.value);
        let reg_id = reg_id.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        let lasts = asked.min(self.lifetimes.max);
        let until = (!lasts.is_zero()).then(|| now + lasts);
        Ok(Change { uri: address.uri.to_vec(), until, q, instance, reg_id, path: path.to_vec() })
    }

    /// 200 with all bindings. RFC 3261 §10.3, the eighth step
    fn accept(&mut self, arrival: &Arrival<'_>, aor: &[u8], outbound: bool, out: &mut Vec<u8>) -> Answer {
        let info = self.access.info(arrival);
        let mut reply = arrival.reply(200, out);
        for binding in self.bindings.of(aor, arrival.now) {
            let mut value = [b"<", &binding.contact[..], b">"].concat();
            if let Some(q) = binding.q {
                value.extend_from_slice(format!(";q={}.{:03}", q / 1000, q % 1000).as_bytes());
            }
            value.extend_from_slice(format!(";expires={}", binding.expires).as_bytes());
            if let Some(instance) = &binding.instance {
                value.extend_from_slice(&[b";+sip.instance=", &instance[..]].concat());
            }
            if let Some(id) = binding.reg_id {
                value.extend_from_slice(format!(";reg-id={id}").as_bytes());
            }
            reply.field(HeaderName::Contact, value);
        }
        // RFC 3327 §5.3
        arrival.request.headers(HeaderName::Path).for_each(|value| {
            reply.field(HeaderName::Path, value);
        });
        for route in &self.service_route {
            reply.field(HeaderName::ServiceRoute, route);
        }
        // RFC 5626 §6
        if outbound {
            reply.field(HeaderName::Require, "outbound");
        }
        if let Some(info) = info {
            reply.field(HeaderName::AuthenticationInfo, info);
        }
        reply.finish();
        Answer::Now
    }
}

impl Role for Registrar {
    fn name(&self) -> &'static str {
        "registrar"
    }

    fn answer(&mut self, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Answer {
        if let Some(refused) = arrival.refuse_unknown(&KNOWN, out) {
            return refused;
        }
        match arrival.request.method() {
            Method::Register => self.register(arrival, out),
            Method::Options => {
                let mut reply = arrival.reply(200, out);
                reply.field(HeaderName::Allow, ALLOW).field(HeaderName::Accept, "*/*");
                reply.field(HeaderName::Supported, KNOWN.join(", ")).finish();
                Answer::Now
            }
            _ => arrival.method_not_allowed(ALLOW, out),
        }
    }

    fn bindings(&mut self, now: Instant) -> Vec<BindingFacts> {
        self.bindings.all(now)
    }
}

/// The address of record that a URI names, as the key of its bindings.
pub(super) fn aor_of(uri: &[u8]) -> Option<Vec<u8>> {
    address_of_record(uri).map(|(_, aor)| aor)
}

/// User, and `user@host` as the key of its bindings: unescaped, the host in lower case, no parameters. RFC 3261 §10.3, the
/// fifth step
fn address_of_record(uri: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let uri = Uri::parse(uri);
    if !uri.is_sip() || uri.host.is_empty() {
        return None;
    }
    let user = unescaped(uri.user.unwrap_or_default()).into_owned();
    let mut aor = user.clone();
    if !aor.is_empty() {
        aor.push(b'@');
    }
    aor.extend(uri.host.iter().map(u8::to_ascii_lowercase));
    (aor.len() <= LONGEST_AOR).then_some((user, aor))
}

/// Delta-seconds; beyond 32 bits as much as fits. `None` for what is no number. RFC 3261 §20.19
fn seconds(text: &[u8]) -> Option<Duration> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = text.iter().fold(0u64, |n, d| n.saturating_mul(10).saturating_add(u64::from(d - b'0')));
    Some(Duration::from_secs(number.min(u64::from(u32::MAX))))
}

#[cfg(test)]
mod tests;
