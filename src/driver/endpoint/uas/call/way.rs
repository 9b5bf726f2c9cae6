//! Where we are reached inside a dialog, and where its other side is. RFC 3261 §12

use crate::sip::Uri;
use crate::transport::Protocol;
use crate::transport::listener::Way;
use std::net::SocketAddr;

/// Our URI at a way.
pub(super) fn contact(way: &Way, is_sips: bool) -> String {
    let transport = match (way.protocol, is_sips) {
        (Protocol::Udp, _) | (Protocol::Tls, true) => "",
        (Protocol::Tcp, _) => ";transport=tcp",
        (Protocol::Tls, false) => ";transport=tls",
        // RFC 7118 §5.2.2
        (Protocol::Ws | Protocol::Wss, _) => ";transport=ws",
    };
    let scheme = if is_sips { "sips" } else { "sip" };
    format!("<{scheme}:{}{transport}>", way.local)
}

/// Where a request inside the dialog goes: over the connection by which the call came; as a datagram to the first hop of the
/// route set, or to the remote target, where that is an address, else back. RFC 3261 §12.2.1.1
pub(super) fn out_way(target: &[u8], routes: &[Vec<u8>], back: Way) -> Way {
    if back.protocol != Protocol::Udp {
        return back;
    }
    let first = routes.first().map_or(target, |route| crate::sip::Address::parse(route).uri);
    let uri = Uri::parse(first);
    let is_datagram = uri.param("transport").and_then(|p| p.value).is_none_or(|t| t.eq_ignore_ascii_case(b"udp"));
    let address = uri.ip().filter(|ip| is_datagram && ip.is_ipv4() == back.local.is_ipv4());
    let peer = address.map(|ip| SocketAddr::new(ip, uri.port_number().unwrap_or(5060)));
    Way { peer: peer.filter(|p| p.port() != 0).unwrap_or(back.peer), ..back }
}
