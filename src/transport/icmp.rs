//! What ICMP says about datagrams that were sent: read from the socket's error queue.

use super::{Phase, TransportError};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};
use tokio::net::UdpSocket;

/// Origins of an extended error, from Linux's `errqueue.h`.
const ICMP4: u8 = 2;
const ICMP6: u8 = 3;

/// Asks the system to tell of ICMP errors at once, also on a socket that is not connected.
pub(super) fn enable(socket: &UdpSocket, v6: bool) -> io::Result<()> {
    let fd = socket.as_fd();
    if v6 {
        setsockopt(&fd, sockopt::Ipv6RecvErr, &true)?;
    } else {
        setsockopt(&fd, sockopt::Ipv4RecvErr, &true)?;
    }
    Ok(())
}

/// An ICMP error, without what it does not tell a sender of datagrams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Report {
    v6: bool,
    kind: u8,
    code: u8,
}

/// Takes the next error from the queue: what it means for who sent to whom it concerns (`peer`, where the system does not say), or
/// `None` where it means nothing.
///
/// # Errors
/// `WouldBlock` where the queue is empty.
pub(super) fn next(socket: &UdpSocket, peer: SocketAddr) -> io::Result<Option<TransportError>> {
    let mut control = nix::cmsg_space!([u8; 128]);
    // What comes back is the head of our own datagram: nobody needs it.
    let mut head = [0; 64];
    let mut parts = [IoSliceMut::new(&mut head)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let got = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let peer = got.address.as_ref().and_then(told).unwrap_or(peer);
    let Ok(messages) = got.cmsgs() else { return Ok(None) };
    for message in messages {
        let error = match message {
            ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => error,
            _ => continue,
        };
        let v6 = match error.ee_origin {
            ICMP4 => false,
            ICMP6 => true,
            // Ours: a datagram over the path's MTU, which is sent in fragments next time.
            _ => continue,
        };
        let report = Report { v6, kind: error.ee_type, code: error.ee_code };
        return Ok(meaning(report, peer).map(|error| error.about(peer)));
    }
    Ok(None)
}

/// To whom the datagram went that the error answers.
fn told(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = || address.as_sockaddr_in().map(|a| SocketAddr::V4(SocketAddrV4::from(*a)));
    let v6 = || address.as_sockaddr_in6().map(|a| SocketAddr::V6(SocketAddrV6::from(*a)));
    v4().or_else(v6)
}

/// Unreachable hosts, networks, ports and protocols and parameter problems end a transaction; exceeded hop limits, quenched sources
/// and packets that were too big do not. RFC 3261 §18.4
fn meaning(report: Report, peer: SocketAddr) -> Option<TransportError> {
    let words = match (report.v6, report.kind, report.code) {
        (false, 3, 3) | (true, 1, 4) => {
            let message = format!("{peer} is closed: port unreachable (ICMP)");
            return Some(
                TransportError::new(Phase::Receive, "port-unreachable", message)
                    .with_hint("the host is there, but nothing listens on this UDP port; --transport tcp tries TCP"),
            );
        }
        // RFC 792, RFC 1812 §5.2.7.1
        (false, 3, 0 | 6 | 11) => "network unreachable",
        (false, 3, 2) => "protocol unreachable",
        (false, 3, 4) => return None,
        (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5) => "prohibited by a firewall on the way",
        (false, 3, _) => "host unreachable",
        // RFC 4443 §3.1
        (true, 1, 0) => "no route",
        (true, 1, 6) => "the route is rejected",
        (true, 1, _) => "address unreachable",
        (false, 12, _) | (true, 4, _) => "parameter problem",
        _ => return None,
    };
    Some(TransportError::new(Phase::Receive, "unreachable", format!("{peer} cannot be reached: {words} (ICMP)")))
}

#[cfg(test)]
mod tests {
    use super::{Report, meaning};

    #[test]
    fn what_ends_a_transaction_and_what_does_not() {
        let peer = "192.0.2.1:5060".parse().unwrap();
        let told = |v6, kind, code| meaning(Report { v6, kind, code }, peer).map(|e| (e.kind, e.message));
        let (kind, message) = told(false, 3, 3).unwrap();
        assert_eq!((kind, &*message), ("port-unreachable", "192.0.2.1:5060 is closed: port unreachable (ICMP)"));
        assert_eq!(told(true, 1, 4).unwrap().0, "port-unreachable");
        assert_eq!(told(false, 3, 1).unwrap().1, "192.0.2.1:5060 cannot be reached: host unreachable (ICMP)");
        assert_eq!(told(false, 3, 13).unwrap().0, "unreachable");
        assert_eq!(told(true, 1, 0).unwrap().0, "unreachable");
        assert_eq!(told(false, 12, 0).unwrap().0, "unreachable");
        // Fragmentation needed, TTL exceeded, source quench; packet too big and hop limit of ICMPv6.
        for (v6, kind, code) in [(false, 3, 4), (false, 11, 0), (false, 4, 0), (true, 2, 0), (true, 3, 0)] {
            assert_eq!(told(v6, kind, code), None, "{v6} {kind} {code}");
        }
    }
}
