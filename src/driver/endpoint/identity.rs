//! Who an intermediary is: its addresses and domains, and its marks in Via and Record-Route. RFC 3261 §16.6, RFC 5393 §4.2, RFC 5658

use crate::sip::uri::ip_of;
use crate::sip::{Address, HeaderName, MAGIC_COOKIE, Message, Uri, Via};
use crate::transport::Protocol;
use crate::transport::listener::{Listen, Way};
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr};

/// Who the intermediary is.
#[derive(Debug)]
pub struct Identity {
    listens: Vec<Listen>,
    domains: Vec<String>,
    /// Keys the marks: nobody else can make one.
    secret: RandomState,
}

impl Identity {
    /// One that listens there and is responsible for those domains.
    #[must_use]
    pub fn new(listens: Vec<Listen>, domains: Vec<String>) -> Self {
        Identity { listens, domains, secret: RandomState::new() }
    }

    /// Whether a URI names it itself: one of its addresses, or a domain of its own with a port of its own or none.
    #[must_use]
    pub fn is_self(&self, uri: &Uri<'_>, local: SocketAddr) -> bool {
        if !uri.is_sip() {
            return false;
        }
        let port = uri.port_number().unwrap_or_else(|| protocol_of(uri).default_port());
        let listens = |l: &Listen| l.address.port() == port;
        match uri.ip() {
            Some(ip) => {
                let ip = ip.to_canonical();
                let here = |l: &Listen| {
                    l.address.ip() == ip || l.address.ip().is_unspecified() && local.ip().to_canonical() == ip
                };
                self.listens.iter().any(|l| listens(l) && here(l))
            }
            None => self.is_domain(uri.host) && (uri.port.is_none() || self.listens.iter().any(listens)),
        }
    }

    /// Whether it is responsible for users of that host: one of its domains or, where none was named, any of its addresses.
    #[must_use]
    pub fn is_responsible(&self, uri: &Uri<'_>, local: SocketAddr) -> bool {
        // An address of record names no port, wherever its registrar listens.
        let is_here = || uri.ip().is_some_and(|ip| local.ip().to_canonical() == ip.to_canonical());
        self.is_domain(uri.host) || self.is_self(uri, local) || uri.is_sip() && uri.port.is_none() && is_here()
    }

    fn is_domain(&self, host: &[u8]) -> bool {
        self.domains.iter().any(|domain| host.eq_ignore_ascii_case(domain.as_bytes()))
    }

    /// Whether it was given domains.
    #[must_use]
    pub fn has_domains(&self) -> bool {
        !self.domains.is_empty()
    }

    /// The address under which it is found by who is on that way: where it listens for that protocol, else where it sends from.
    #[must_use]
    pub fn sent_by(&self, way: &Way) -> SocketAddr {
        let fits = |l: &&Listen| l.protocol == way.protocol && l.address.is_ipv4() == way.local.is_ipv4();
        let Some(listen) = self.listens.iter().find(fits) else { return way.local };
        match listen.address.ip().is_unspecified() {
            true => SocketAddr::new(way.local.ip(), listen.address.port()),
            false => listen.address,
        }
    }

    /// Whether a Via is one that it wrote.
    fn wrote(&self, via: &Via<'_>) -> bool {
        let text = std::str::from_utf8(via.sent_by).unwrap_or_default();
        text.parse::<SocketAddr>().is_ok_and(|at| {
            self.listens
                .iter()
                .any(|l| l.address == at || l.address.ip().is_unspecified() && l.address.port() == at.port())
        })
    }

    /// The Via of a request that leaves by `way`.
    #[must_use]
    pub fn via(&self, way: &Way, branch: &str) -> Vec<u8> {
        let rport = if way.protocol == Protocol::Udp { ";rport" } else { "" };
        format!("SIP/2.0/{} {};branch={branch}{rport}", way.protocol.via(), self.sent_by(way)).into_bytes()
    }

    /// The Record-Route values for a request that came by `from` and leaves by `to`, topmost first: one where both sides are
    /// the same, else one for each. RFC 3261 §16.6, RFC 5658 §4
    #[must_use]
    pub fn record_routes(&self, from: &Way, to: &Way) -> Vec<Vec<u8>> {
        let (inner, outer) = (self.record_route(to), self.record_route(from));
        if inner == outer { vec![inner] } else { vec![inner, outer] }
    }

    /// A connection is named in the user part, so that what comes back finds it. RFC 5626 §5.2
    fn record_route(&self, way: &Way) -> Vec<u8> {
        let flow = match way.connection {
            0 => String::new(),
            id => format!("f{id}-{:016x}@", self.secret.hash_one(id)),
        };
        let transport = match way.protocol {
            Protocol::Udp => String::new(),
            other => format!(";transport={}", other.name()),
        };
        format!("<sip:{flow}{}{transport};lr>", self.sent_by(way)).into_bytes()
    }

    /// The connection that a Route value of its own names.
    #[must_use]
    pub fn flow_of(&self, uri: &Uri<'_>) -> Option<u64> {
        let (id, mark) = std::str::from_utf8(uri.user?).ok()?.strip_prefix('f')?.split_once('-')?;
        let id = id.parse().ok()?;
        (u64::from_str_radix(mark, 16).ok()? == self.secret.hash_one(id)).then_some(id)
    }

    /// What its routing of a request depends on, as a mark: the same again is a loop, another is a spiral. RFC 5393 §4.2.1
    #[must_use]
    pub fn mark(&self, request: &Message<'_>) -> u64 {
        let routes: Vec<&[u8]> = request.values(HeaderName::Route).collect();
        let extras: Vec<&[u8]> =
            request.headers(HeaderName::ProxyRequire).chain(request.headers(HeaderName::ProxyAuthorization)).collect();
        let number = request.cseq().map_or(0, |c| c.number);
        let ends = (request.from_tag(), request.to_tag(), request.call_id(), number, request.method_text());
        self.secret.hash_one((request.uri(), routes, extras, ends))
    }

    /// A number that only this proxy knows, alike for a request, its repeats, and the ACK of a refusal of it. RFC 3261 §17.1.1.3
    #[must_use]
    pub fn transaction_mark(&self, request: &Message<'_>) -> u64 {
        let number = request.cseq().map_or(0, |c| c.number);
        let (branch, sent_by) = (request.branch(), request.sent_by());
        self.secret.hash_one((branch, sent_by, request.from_tag(), request.call_id(), number))
    }

    /// Whether the request passed here before with the same mark. RFC 3261 §16.3, the fourth step
    #[must_use]
    pub fn is_loop(&self, request: &Message<'_>, mark: u64) -> bool {
        let mark = format!("{mark:016x}");
        request.values(HeaderName::Via).take(MOST_VIAS).map(Via::parse).any(|via| {
            let branch = via.param("branch").and_then(|p| p.value).unwrap_or_default();
            self.wrote(&via) && branch.split(|&b| b == b'.').nth(1).is_some_and(|part| part == mark.as_bytes())
        })
    }

    /// The branch of a request that is forwarded without state: the same for each repeat. The connection that it came by is in it,
    /// so that the response finds its way. RFC 3261 §16.11
    #[must_use]
    pub fn stateless_branch(&self, request: &Message<'_>, way: &Way, mark: u64) -> String {
        let via = request.text(request.outline.via);
        let about = if request.branch().starts_with(MAGIC_COOKIE) { request.branch() } else { via };
        let token = self.secret.hash_one((about, way.connection));
        let cookie = "z9hG4bK";
        match way.connection {
            0 => format!("{cookie}{token:016x}.{mark:016x}.s"),
            id => format!("{cookie}{token:016x}.{mark:016x}.s{id}-{:016x}", self.secret.hash_one(id)),
        }
    }

    /// Of a response to what it forwarded without state: the connection that the request came by, 0 for none. `None` where the
    /// response is none of those. RFC 3261 §16.11
    #[must_use]
    pub fn stateless_flow(&self, response: &Message<'_>) -> Option<u64> {
        let via = response.top_via().filter(|via| self.wrote(via))?;
        let branch = std::str::from_utf8(via.param("branch")?.value?).ok()?;
        let flow = branch.split('.').nth(2)?.strip_prefix('s')?;
        if flow.is_empty() {
            return Some(0);
        }
        let (id, mark) = flow.split_once('-')?;
        let id = id.parse().ok()?;
        (u64::from_str_radix(mark, 16).ok()? == self.secret.hash_one(id)).then_some(id)
    }

    /// The way of a response to where its top Via says; `connection` is that of [`Identity::stateless_flow`]. RFC 3261 §18.2.2
    #[must_use]
    pub fn way_back(&self, response: &Message<'_>, connection: u64) -> Option<Way> {
        let via = response.top_via()?;
        let protocol = Protocol::of(&String::from_utf8_lossy(via.transport))?;
        let received = via.param("received").and_then(|p| ip_of(&p.text()));
        let ip = received.or_else(|| ip_of(via.host()));
        let rport = via.param("rport").and_then(|p| String::from_utf8_lossy(&p.text()).parse().ok());
        let port = rport.or_else(|| via.port()).unwrap_or_else(|| protocol.default_port());
        let peer = SocketAddr::new(ip.or_else(|| (connection > 0).then_some(Ipv4Addr::UNSPECIFIED.into()))?, port);
        let fits = |l: &&Listen| l.protocol == protocol && l.address.is_ipv4() == peer.is_ipv4();
        let listen = self.listens.iter().find(fits).or(self.listens.first())?;
        // A connection that is gone cannot be opened anew from here.
        let is_lost = protocol != Protocol::Udp && connection == 0;
        (!is_lost).then_some(Way { protocol, local: listen.address, peer, connection })
    }
}

/// Via values that are looked through.
const MOST_VIAS: usize = 128;

/// The protocol that a URI asks for, or that its scheme implies. RFC 3263 §4.1
pub(super) fn protocol_of(uri: &Uri<'_>) -> Protocol {
    let named = uri.param("transport").and_then(|p| Protocol::of(&String::from_utf8_lossy(&p.text())));
    match named {
        Some(Protocol::Tcp) if uri.is_sips() => Protocol::Tls,
        Some(protocol) => protocol,
        None if uri.is_sips() => Protocol::Tls,
        None => Protocol::Udp,
    }
}

/// The URI in a Route value.
pub(super) fn route_uri(value: &[u8]) -> &[u8] {
    Address::parse(value).uri
}
