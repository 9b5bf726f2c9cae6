//! What part each participant plays, and how that is known.
//!
//! A proxy keeps Call-ID and tags and adds a Via; a redirect server answers 3xx; a registrar answers REGISTER; a B2BUA ends one dialog and begins
//! another, and an SBC is one that also changes where media goes, or hides what is behind it; the rest are user agents, named after the INVITE that
//! started the call. RFC 3261 §6, RFC 7092

mod b2bua;
mod proxy;

use crate::base::Endpoint;
use crate::sip::{HeaderName, Method};
use crate::trace::path::Path;
use crate::trace::{Conversation, Facts, Kind};

/// A part in a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Sent the request that started it.
    Uac,
    /// Answered it.
    Uas,
    /// Answered REGISTER.
    Registrar,
    /// Answered with 3xx.
    Redirect,
    /// Forwarded, or challenged as only a proxy does.
    Proxy,
    /// Ended one dialog and began another.
    B2bua,
    /// A B2BUA that also rewrites media addresses or hides the topology.
    Sbc,
}

impl Role {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Uac => "uac",
            Role::Uas => "uas",
            Role::Registrar => "registrar",
            Role::Redirect => "redirect",
            Role::Proxy => "proxy",
            Role::B2bua => "b2bua",
            Role::Sbc => "sbc",
        }
    }
}

/// One host of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Its address.
    pub address: Endpoint,
    /// Its part, where it can be told.
    pub role: Option<Role>,
    /// Of a proxy that forwarded: whether it put itself into the route of what follows.
    pub record_routes: Option<bool>,
    /// Of a proxy: whether it keeps transactions, where that can be told.
    pub stateful: Option<bool>,
    /// How the part is known.
    pub evidence: Vec<String>,
    /// What it calls itself.
    pub software: Option<Vec<u8>>,
}

/// Which messages one station sent and received.
struct Station<'a> {
    c: &'a Conversation,
    path: &'a Path,
    at: usize,
}

impl Station<'_> {
    fn sends(&self, f: &Facts) -> bool {
        self.path.station(f.flow.src) == Some(self.at)
    }

    fn receives(&self, f: &Facts) -> bool {
        self.path.station(f.flow.dst) == Some(self.at)
    }
}

/// The participants of a conversation, in the order of its path.
#[must_use]
pub fn participants(c: &Conversation, path: &Path) -> Vec<Participant> {
    (0..path.stations().len()).map(|at| participant(&Station { c, path, at })).collect()
}

fn participant(station: &Station<'_>) -> Participant {
    let &Station { c, path, at } = station;
    let mut p = Participant {
        address: path.stations().get(at).copied().unwrap_or_default(),
        role: None,
        record_routes: None,
        stateful: None,
        evidence: Vec::new(),
        software: software(station),
    };
    // What ends a call and begins another is no proxy, even if it looks like one beside.
    if let Some(found) = b2bua::found(station) {
        p.role = Some(if found.is_sbc { Role::Sbc } else { Role::B2bua });
        p.evidence = found.evidence;
        return p;
    }
    if let Some((received, sent)) = proxy::forwarded(station) {
        p.role = Some(Role::Proxy);
        let method = if sent.method == Method::Other { "a request" } else { sent.method.text() };
        p.evidence.push(format!(
            "forwarded {method} under the same Call-ID with {} Via instead of {}",
            sent.vias, received.vias
        ));
        let routes = |f: &Facts| c.headers(f, HeaderName::RecordRoute).count();
        p.record_routes = Some(routes(sent) > routes(received));
        if p.record_routes == Some(true) {
            p.evidence.push("added a Record-Route".to_owned());
        }
        if let Some((stateful, why)) = proxy::state(station) {
            p.stateful = Some(stateful);
            p.evidence.extend(why);
        }
        if let Some(change) = b2bua::media_change(c, received, sent) {
            p.evidence.push(change);
        }
        return p;
    }
    if let Some((role, why)) = user_agent_or_server(station) {
        p.role = Some(role);
        p.evidence.push(why.to_owned());
    }
    p
}

/// The part of a host that forwards nothing.
fn user_agent_or_server(station: &Station<'_>) -> Option<(Role, &'static str)> {
    let c = station.c;
    let (sends, receives) = (|f: &Facts| station.sends(f), |f: &Facts| station.receives(f));
    let first_request = c.firsts().find(|(_, f)| f.is_request()).map(|(_, f)| f);
    let answers = |test: fn(&Facts) -> bool| c.firsts().any(|(_, f)| !f.is_request() && sends(f) && test(f));
    let is_asking = || first_request.is_none() && c.facts.first().is_some_and(receives);
    Some(if first_request.is_some_and(sends) {
        (Role::Uac, "sent the first request")
    } else if is_asking() {
        (Role::Uac, "was sent the responses; no request was captured")
    } else if c.kind == Kind::Registration && answers(|f| f.method == Method::Register && f.status > 100) {
        (Role::Registrar, "answered REGISTER")
    } else if answers(|f| (300..400).contains(&f.status)) {
        (Role::Redirect, "answered with 3xx and did not forward")
    } else if answers(|f| f.status == 407) {
        // RFC 3261 §22.3
        (Role::Proxy, "answered 407, which only a proxy does")
    } else if answers(|f| f.status > 100) {
        (Role::Uas, "answered requests and did not forward them")
    } else if c.firsts().any(|(_, f)| f.is_request() && receives(f)) {
        (Role::Uas, "was sent requests")
    } else {
        return None;
    })
}

/// What a host calls itself: User-Agent of requests that it made, Server (or User-Agent) of responses that it made.
fn software(station: &Station<'_>) -> Option<Vec<u8>> {
    let c = station.c;
    let is_own = |f: &Facts| {
        station.sends(f) && if f.is_request() { f.vias <= 1 } else { f.status > 100 && is_first_hop_of_response(c, f) }
    };
    let mut own = c.firsts().map(|(_, f)| f).filter(|f| is_own(f)).take(64);
    own.find_map(|f| {
        let server = if f.is_request() { None } else { c.header(f, HeaderName::Server) };
        server.or_else(|| c.header(f, HeaderName::UserAgent)).map(<[u8]>::to_vec)
    })
}

/// Whether a response was seen nowhere before: then its sender made it.
fn is_first_hop_of_response(c: &Conversation, f: &Facts) -> bool {
    let same = |o: &Facts| {
        !o.is_request()
            && o.status == f.status
            && o.cseq == f.cseq
            && o.method == f.method
            && c.text(o.to_tag) == c.text(f.to_tag)
    };
    c.firsts().map(|(_, o)| o).find(|o| same(o)).is_none_or(|o| o.index == f.index)
}
