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
    // Without the zone of a link-local address, which means nothing elsewhere. RFC 5118 §4.2
    let at = SocketAddr::new(way.local.ip().to_canonical(), way.local.port());
    format!("<{scheme}:{at}{transport}>")
}

/// Where a request inside the dialog goes: over the connection by which the call came; as a datagram to the next hop (the first
/// of the route set, or the remote target) where that is an address, else back. RFC 3261 §12.2.1.1
pub(super) fn out_way(next_hop: &str, back: Way) -> Way {
    if back.protocol != Protocol::Udp {
        return back;
    }
    let uri = Uri::parse(next_hop.as_bytes());
    let is_datagram = uri.param("transport").and_then(|p| p.value).is_none_or(|t| t.eq_ignore_ascii_case(b"udp"));
    let address = uri.ip().filter(|ip| is_datagram && ip.is_ipv4() == back.local.is_ipv4());
    let peer = address.map(|ip| SocketAddr::new(ip, uri.port_number().unwrap_or(5060)));
    Way { peer: peer.filter(|p| p.port() != 0).unwrap_or(back.peer), ..back }
}
