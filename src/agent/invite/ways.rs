//! The ways of a call: where the INVITE went, and where requests inside its dialogs go. RFC 3261 §12.2.1.1, RFC 3263 §4

use super::WayId;
use crate::transport::{Host, LineFacts, Protocol, Target};

/// Ways of one call: more than any sane path has.
const MAX_WAYS: usize = 32;

/// One way.
#[derive(Debug)]
struct Way {
    /// The URI that it was sought for.
    uri: String,
    /// What it came to; `None` while it is sought, and when it is gone.
    line: Option<LineFacts>,
    /// Whether it could not be found, or broke.
    is_gone: bool,
}

/// How a request gets to its next hop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hop {
    /// Nobody asked yet.
    Unknown,
    /// When that way is there.
    Sought(WayId),
    /// By that way.
    Open(WayId),
}

/// All of them, by number.
#[derive(Debug, Default)]
pub(super) struct Ways {
    list: Vec<Way>,
}

impl Ways {
    /// A way that is to be sought for `uri`; `None` where there are too many.
    pub(super) fn add(&mut self, uri: &str) -> Option<WayId> {
        if self.list.len() >= MAX_WAYS {
            return None;
        }
        self.list.push(Way { uri: uri.to_owned(), line: None, is_gone: false });
        WayId::try_from(self.list.len() - 1).ok()
    }

    fn way(&self, way: WayId) -> Option<&Way> {
        self.list.get(usize::try_from(way).ok()?)
    }

    /// The way is there.
    pub(super) fn reached(&mut self, way: WayId, line: &LineFacts) {
        if let Some(way) = usize::try_from(way).ok().and_then(|at| self.list.get_mut(at)) {
            (way.line, way.is_gone) = (Some(line.clone()), false);
        }
    }

    /// The way could not be found or broke. A socket for datagrams outlives what it hears of a peer.
    pub(super) fn unreached(&mut self, way: WayId) {
        if let Some(way) = usize::try_from(way).ok().and_then(|at| self.list.get_mut(at))
            && way.line.as_ref().is_none_or(|line| line.protocol.is_reliable())
        {
            (way.line, way.is_gone) = (None, true);
        }
    }

    /// What the way came to.
    pub(super) fn line(&self, way: WayId) -> Option<&LineFacts> {
        self.way(way)?.line.as_ref()
    }

    /// A way that leads where the URI does: `home` where that is by WebSocket (nobody else can be reached so, RFC 7118 §5.2) or
    /// was sought for the same host; else any whose peer has that address, or that was sought for the same host.
    pub(super) fn leading_to(&self, uri: &str, home: WayId) -> Option<Hop> {
        if self.line(home).is_some_and(|line| matches!(line.protocol, Protocol::Ws | Protocol::Wss)) {
            return Some(Hop::Open(home));
        }
        let target = Target::parse(uri).ok()?;
        let others = 0..WayId::try_from(self.list.len()).unwrap_or(0);
        let leads = |way: &WayId| self.way(*way).is_some_and(|way| !way.is_gone && leads_to(way, &target));
        let found = std::iter::once(home).chain(others).find(leads)?;
        Some(if self.line(found).is_some() { Hop::Open(found) } else { Hop::Sought(found) })
    }
}

fn leads_to(way: &Way, target: &Target) -> bool {
    if let (Host::Ip(ip), Some(line)) = (&target.host, &way.line)
        && line.peer.ip().to_canonical() == ip.to_canonical()
        && line.peer.port() == port(target)
        && line.protocol == protocol(target)
    {
        return true;
    }
    Target::parse(&way.uri).is_ok_and(|sought| {
        (&sought.host, sought.port, sought.transport, sought.secure)
            == (&target.host, target.port, target.transport, target.secure)
    })
}

/// RFC 3263 §4.1: what an address means without more.
fn protocol(target: &Target) -> Protocol {
    match target.transport {
        Some(Protocol::Tcp) | None if target.secure => Protocol::Tls,
        Some(Protocol::Ws) if target.secure => Protocol::Wss,
        Some(transport) => transport,
        None => Protocol::Udp,
    }
}

fn port(target: &Target) -> u16 {
    target.port.unwrap_or_else(|| protocol(target).default_port())
}

#[cfg(test)]
mod tests {
    use super::{Hop, Ways};
    use crate::transport::{LineFacts, Protocol};

    fn line(protocol: Protocol, peer: &str) -> LineFacts {
        let local = "192.0.2.1:5070".parse().unwrap();
        LineFacts { protocol, local, peer: peer.parse().unwrap(), connect: None, tls_time: None, tls: None }
    }

    #[test]
    fn a_uri_leads_to_the_peer_that_it_names() {
        let mut ways = Ways::default();
        let (first, second) = (ways.add("sip:bob@example.com").unwrap(), ways.add("sip:p@192.0.2.8:5080").unwrap());
        ways.reached(first, &line(Protocol::Udp, "192.0.2.9:5060"));
        for (uri, expected) in [
            ("sip:bob@192.0.2.9", Some(Hop::Open(first))),
            ("sip:192.0.2.9:5060;transport=udp;lr", Some(Hop::Open(first))),
            ("sip:other@example.com", Some(Hop::Open(first))),
            ("sip:bob@192.0.2.9:5061", None),
            ("sip:bob@192.0.2.9;transport=tcp", None),
            ("sips:bob@192.0.2.9:5060", None),
            ("sip:bob@192.0.2.8:5080", Some(Hop::Sought(second))),
            ("tel:+15550100", None),
        ] {
            assert_eq!(ways.leading_to(uri, first), expected, "{uri}");
        }
    }

    #[test]
    fn a_connection_that_broke_leads_nowhere_and_a_datagram_socket_does_not_break() {
        let mut ways = Ways::default();
        let way = ways.add("sip:bob@192.0.2.9;transport=tcp").unwrap();
        ways.reached(way, &line(Protocol::Tcp, "192.0.2.9:5060"));
        ways.unreached(way);
        assert!(ways.line(way).is_none());
        assert_eq!(ways.leading_to("sip:bob@192.0.2.9;transport=tcp", way), None);
        let way = ways.add("sip:bob@192.0.2.9").unwrap();
        ways.reached(way, &line(Protocol::Udp, "192.0.2.9:5060"));
        ways.unreached(way);
        assert!(ways.line(way).is_some());
    }

    #[test]
    fn by_websocket_everything_goes_back_where_it_came_from() {
        let mut ways = Ways::default();
        let way = ways.add("sip:bob@192.0.2.9;transport=ws").unwrap();
        ways.reached(way, &line(Protocol::Ws, "192.0.2.9:80"));
        assert_eq!(ways.leading_to("sip:q1w2@df7jal23ls0d.invalid;transport=ws", way), Some(Hop::Open(way)));
    }

    #[test]
    fn ways_are_bounded() {
        let mut ways = Ways::default();
        assert_eq!((0..100).filter_map(|_| ways.add("sip:a")).count(), super::MAX_WAYS);
    }
}
