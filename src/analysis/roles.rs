//! What part each participant plays, and how that is known.
//!
//! A proxy keeps Call-ID and tags and adds a Via; a redirect server answers 3xx; a registrar answers REGISTER; the rest are user agents, named after
//! the INVITE that started the call. RFC 3261 §6

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
    /// Ended one dialog and began another under the same Call-ID.
    B2bua,
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
    /// Whether it put itself into the route of what follows.
    pub record_routes: bool,
    /// How the part is known.
    pub evidence: Vec<String>,
    /// What it calls itself.
    pub software: Option<Vec<u8>>,
}

/// The participants of a conversation, in the order of its path.
#[must_use]
pub fn participants(c: &Conversation, path: &Path) -> Vec<Participant> {
    (0..path.stations().len()).map(|at| participant(c, path, at)).collect()
}

fn participant(c: &Conversation, path: &Path, at: usize) -> Participant {
    let address = path.stations().get(at).copied().unwrap_or_default();
    let mut p = Participant {
        address,
        role: None,
        record_routes: false,
        evidence: Vec::new(),
        software: software(c, path, at),
    };
    let sends = |f: &Facts| path.station(f.flow.src) == Some(at);
    let receives = |f: &Facts| path.station(f.flow.dst) == Some(at);
    if let Some((received, sent)) = forwarded(c, &sends, &receives) {
        p.role = Some(Role::Proxy);
        let method = if sent.method == Method::Other { "a request" } else { sent.method.text() };
        p.evidence.push(format!(
            "forwarded {method} under the same Call-ID with {} Via instead of {}",
            sent.vias, received.vias
        ));
        let routes = |f: &Facts| c.headers(f, HeaderName::RecordRoute).count();
        p.record_routes = routes(sent) > routes(received);
        if p.record_routes {
            p.evidence.push("added a Record-Route".to_owned());
        }
        return p;
    }
    let first_request = c.firsts().find(|(_, f)| f.is_request()).map(|(_, f)| f);
    let answers = |test: fn(&Facts) -> bool| c.firsts().any(|(_, f)| !f.is_request() && sends(f) && test(f));
    let is_asking = || first_request.is_none() && c.facts.first().is_some_and(receives);
    let (role, why) = if first_request.is_some_and(sends) {
        (Role::Uac, "sent the first request")
    } else if is_asking() {
        (Role::Uac, "was sent the responses; no request was captured")
    } else if began_another_dialog(c, &sends, &receives) {
        (Role::B2bua, "answered an INVITE, and sent one of its own under the same Call-ID with another From tag")
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
        return p;
    };
    p.role = Some(role);
    p.evidence.push(why.to_owned());
    p
}

/// A request that came in and the same one going out again with more Via values.
fn forwarded<'a>(
    c: &'a Conversation,
    sends: &impl Fn(&Facts) -> bool,
    receives: &impl Fn(&Facts) -> bool,
) -> Option<(&'a Facts, &'a Facts)> {
    let requests = || c.firsts().filter(|(_, f)| f.is_request()).map(|(_, f)| f).take(256);
    for received in requests().filter(|f| receives(f)) {
        // RFC 3261 §16.6: a proxy adds a Via and leaves the tags alone.
        let same = |f: &&Facts| {
            sends(f)
                && f.method == received.method
                && f.cseq == received.cseq
                && f.vias > received.vias
                && c.text(f.from_tag) == c.text(received.from_tag)
        };
        if let Some(sent) = requests().find(same) {
            return Some((received, sent));
        }
    }
    None
}

/// An INVITE that came in, and one of another dialog that went out.
fn began_another_dialog(c: &Conversation, sends: &impl Fn(&Facts) -> bool, receives: &impl Fn(&Facts) -> bool) -> bool {
    let initial = || c.requests(Method::Invite).map(|(_, f)| f).filter(|f| f.to_tag.is_empty()).take(64);
    initial()
        .filter(|f| receives(f))
        .any(|received| initial().any(|sent| sends(sent) && c.text(sent.from_tag) != c.text(received.from_tag)))
}

/// What a host calls itself: User-Agent of requests that it made, Server (or User-Agent) of responses that it made.
fn software(c: &Conversation, path: &Path, at: usize) -> Option<Vec<u8>> {
    let is_own = |f: &Facts| {
        path.station(f.flow.src) == Some(at)
            && if f.is_request() { f.vias <= 1 } else { f.status > 100 && is_first_hop_of_response(c, f) }
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
