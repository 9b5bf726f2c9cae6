//! Where a request goes: its own Route, a connection that it names, who registered, or its Request-URI. RFC 3261 §16.4 to §16.6

use super::identity::{Identity, route_uri};
use super::registrar::{Registrar, aor_of};
use crate::sip::{Address, HeaderName, Message, Method, Uri};
use crate::transport::listener::Way;
use crate::transport::{Host, Protocol, Target};
use std::collections::HashMap;
use std::time::Instant;

/// Where a forwarded request is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// To where the URI leads. RFC 3263
    Uri(Target),
    /// By a connection that stands; should it be gone, to where the URI leads.
    Flow {
        /// Its number.
        connection: u64,
        /// Where else.
        otherwise: Option<Target>,
    },
}

/// One way on for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onto {
    /// The Request-URI.
    pub uri: Vec<u8>,
    /// See [`crate::sip::forward::Onward::routes_off`].
    pub routes_off: usize,
    /// See [`crate::sip::forward::Onward::routes_off_end`].
    pub routes_off_end: usize,
    /// Route values that are put in front.
    pub routes_on: Vec<Vec<u8>>,
    /// Route value that is put at the end.
    pub route_last: Option<Vec<u8>>,
    /// Where it is sent.
    pub place: Place,
}

impl Onto {
    /// The request for `uri`, sent to `place`, with no route that anybody named.
    #[must_use]
    pub fn directly(uri: Vec<u8>, place: Target) -> Self {
        let place = Place::Uri(place);
        Onto { uri, routes_off: 0, routes_off_end: 0, routes_on: Vec::new(), route_last: None, place }
    }
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on: to all of a group at once, to the next group when that failed.
    Forward(Vec<Vec<Onto>>),
    /// It is for the proxy itself: REGISTER, OPTIONS without a user.
    Own,
    /// It is refused with that status and reason.
    Refuse(u16, Option<&'static str>),
}

/// Most branches of one request.
const MOST_BRANCHES: usize = 32;
/// Most connections remembered by who registered over them.
const MOST_FLOWS: usize = 65_536;

/// What the way of a request is decided by.
#[derive(Debug)]
pub struct Router {
    pub(super) identity: Identity,
    pub(super) registrar: Registrar,
    /// By which connection a contact registered: address of record and contact.
    flows: HashMap<(Vec<u8>, Vec<u8>), Way>,
    /// Where requests go that are for nobody here.
    next_hop: Option<Target>,
}

impl Router {
    /// One whose users are those of `registrar`; what is for nobody here goes to `next_hop`, or where it leads.
    #[must_use]
    pub fn new(identity: Identity, registrar: Registrar, next_hop: Option<Target>) -> Self {
        Router { identity, registrar, flows: HashMap::new(), next_hop }
    }

    /// Remembers by which connection contacts registered. RFC 5626 §5.1
    pub(super) fn note_flows(&mut self, request: &Message<'_>, way: &Way) {
        let Some(aor) = aor_of(request.to().uri) else { return };
        for value in request.values(HeaderName::Contact).take(32) {
            let contact = Address::parse(value).uri.to_vec();
            let at = (aor.clone(), contact);
            if way.protocol == Protocol::Udp {
                self.flows.remove(&at);
            } else if self.flows.len() < MOST_FLOWS || self.flows.contains_key(&at) {
                self.flows.insert(at, *way);
            }
        }
    }

    /// Decides about a request that came by `way`.
    pub(super) fn decide(&mut self, request: &Message<'_>, way: &Way, now: Instant) -> Decision {
        let routes: Vec<&[u8]> = request.values(HeaderName::Route).collect();
        let mut uri = request.uri().unwrap_or_default();
        let mut end = 0;
        let named = Uri::parse(uri);
        let mut flow = None;
        // RFC 3261 §16.4: a strict router before us has put our Record-Route into the Request-URI, and the Request-URI last.
        let is_ours = named.param("lr").is_some() && self.identity.is_self(&named, way.local);
        if let (true, Some(last)) = (is_ours, routes.last()) {
            (flow, uri, end) = (self.identity.flow_of(&named), route_uri(last), 1);
        }
        let until = routes.len() - end;
        let mut off = 0;
        for route in routes.iter().take(until) {
            let own = Uri::parse(route_uri(route));
            if !self.identity.is_self(&own, way.local) {
                break;
            }
            flow = self.identity.flow_of(&own);
            off += 1;
        }
        let base = Onto {
            uri: uri.to_vec(),
            routes_off: off,
            routes_off_end: end,
            routes_on: Vec::new(),
            route_last: None,
            place: Place::Flow { connection: 0, otherwise: None },
        };
        if let Some(next) = routes.get(off).filter(|_| off < until) {
            return by_route(base, next);
        }
        if let Some(connection) = flow {
            let otherwise = target(uri).ok();
            return one(Onto { place: Place::Flow { connection, otherwise }, ..base });
        }
        self.by_uri(request, way, base, now)
    }

    /// Nothing but the Request-URI says where it goes. RFC 3261 §16.5
    fn by_uri(&mut self, request: &Message<'_>, way: &Way, base: Onto, now: Instant) -> Decision {
        let named = base.uri.clone();
        let uri = Uri::parse(&named);
        let responsible = self.identity.is_responsible(&uri, way.local);
        if request.method() == Method::Register && (responsible || !self.identity.has_domains()) {
            return Decision::Own;
        }
        let bindings = self.registrar.of_uri(&named, now);
        if !bindings.is_empty() {
            let mut ordered: Vec<(u16, Onto)> = Vec::new();
            for binding in bindings.into_iter().take(MOST_BRANCHES) {
                let Some(onto) = self.to_binding(&base, &binding.contact, &binding.path, &binding.aor) else {
                    continue;
                };
                ordered.push((binding.q.unwrap_or(1000), onto));
            }
            return by_preference(ordered);
        }
        if !responsible {
            let next = self.next_hop.clone().map_or_else(|| target(&named), Ok);
            return match next {
                Ok(target) => one(Onto { place: Place::Uri(target), ..base }),
                Err(refusal) => refusal,
            };
        }
        match (uri.user, request.method()) {
            (None, Method::Options) => Decision::Own,
            // RFC 3261 §21.4.18: the user may be known and is not there.
            (Some(user), _) if self.registrar.knows(user) => Decision::Refuse(480, None),
            (Some(_), _) => Decision::Refuse(404, None),
            (None, _) => Decision::Refuse(484, None),
        }
    }

    /// The way to a contact that registered: by Path, by the connection that it registered over, or to where its URI leads.
    fn to_binding(&self, base: &Onto, contact: &[u8], path: &[u8], aor: &[u8]) -> Option<Onto> {
        let routes_on: Vec<Vec<u8>> = Address::split(path).map(<[u8]>::to_vec).collect();
        let place = match routes_on.first() {
            // RFC 3327 §5.4
            Some(first) => Place::Uri(target(route_uri(first)).ok()?),
            None => match self.flows.get(&(aor.to_vec(), contact.to_vec())) {
                Some(way) => Place::Flow { connection: way.connection, otherwise: target(contact).ok() },
                None => Place::Uri(target(contact).ok()?),
            },
        };
        Some(Onto { uri: contact.to_vec(), routes_on, place, ..base.clone() })
    }
}

/// The first Route that is left says where. RFC 3261 §16.6, the sixth and seventh step
fn by_route(base: Onto, next: &[u8]) -> Decision {
    let uri = route_uri(next);
    let place = match target(uri) {
        Ok(target) => Place::Uri(target),
        Err(refusal) => return refusal,
    };
    if Uri::parse(uri).param("lr").is_some() {
        return one(Onto { place, ..base });
    }
    // A strict router wants to be named in the Request-URI.
    let last = [b"<", &base.uri[..], b">"].concat();
    one(Onto { uri: uri.to_vec(), routes_off: base.routes_off + 1, route_last: Some(last), place, ..base })
}

fn one(onto: Onto) -> Decision {
    Decision::Forward(vec![vec![onto]])
}

/// Those of one q at once, the higher q first. RFC 3261 §16.6
fn by_preference(mut ordered: Vec<(u16, Onto)>) -> Decision {
    ordered.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
    let mut groups: Vec<(u16, Vec<Onto>)> = Vec::new();
    for (q, onto) in ordered {
        match groups.last_mut() {
            Some((last, group)) if *last == q => group.push(onto),
            _ => groups.push((q, vec![onto])),
        }
    }
    if groups.is_empty() {
        return Decision::Refuse(480, Some("Temporarily Unavailable (no usable contact)"));
    }
    Decision::Forward(groups.into_iter().map(|(_, group)| group).collect())
}

/// Where a URI of a message leads; what is answered where it leads nowhere.
pub(super) fn target(uri: &[u8]) -> Result<Target, Decision> {
    let refuse = |_| Decision::Refuse(416, None);
    let text = std::str::from_utf8(uri).map_err(|_| Decision::Refuse(400, None))?;
    if !Uri::parse(uri).is_sip() {
        return Err(Decision::Refuse(416, None));
    }
    // Header fields of a Contact have no place in a Request-URI, and none in the way to it.
    let target = Target::parse(text.split('?').next().unwrap_or(text)).map_err(refuse)?;
    // RFC 7118 §5: such a host is no host.
    let is_invalid = matches!(&target.host, Host::Name(name) if name.ends_with(".invalid"));
    if is_invalid { Err(Decision::Refuse(480, None)) } else { Ok(target) }
}
