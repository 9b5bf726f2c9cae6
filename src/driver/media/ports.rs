//! A pair of ports: RTP on an even one, RTCP on the next. RFC 3550 §11

use crate::media::negotiator::Local;
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::UdpSocket;

/// Pairs tried before giving up, where the system chooses.
const TRIES: usize = 100;

/// Ports that media may use, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortRange {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

/// Two bound sockets.
#[derive(Debug)]
pub struct Ports {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    local: Local,
}

impl Ports {
    /// Binds a pair at `address`, which is what the other side is told: no wildcard.
    ///
    /// # Errors
    /// Where no pair is free, or the address is not ours.
    pub fn bind(address: IpAddr, range: Option<PortRange>) -> io::Result<Ports> {
        match range {
            None => Ports::of_the_system(address),
            Some(range) => Ports::of_range(address, range),
        }
    }

    fn of_the_system(address: IpAddr) -> io::Result<Ports> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..TRIES {
            let one = socket(address, 0)?;
            let port = one.local_addr()?.port();
            let (even, odd) = (port & !1, port | 1);
            // The other of the pair; the one that was given stays bound meanwhile, so that the system gives another next time.
            match socket(address, if port == even { odd } else { even }) {
                Ok(other) if port == even => return Ports::of(address, one, other),
                Ok(other) => return Ports::of(address, other, one),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn of_range(address: IpAddr, range: PortRange) -> io::Result<Ports> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        let first = range.first.saturating_add(range.first & 1);
        for even in (first..range.last).step_by(2) {
            match socket(address, even).and_then(|rtp| Ok((rtp, socket(address, even | 1)?))) {
                Ok((rtp, rtcp)) => return Ports::of(address, rtp, rtcp),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn of(address: IpAddr, rtp: std::net::UdpSocket, rtcp: std::net::UdpSocket) -> io::Result<Ports> {
        let local = Local { address, rtp: rtp.local_addr()?.port(), rtcp: rtcp.local_addr()?.port() };
        Ok(Ports { rtp: UdpSocket::from_std(rtp)?, rtcp: UdpSocket::from_std(rtcp)?, local })
    }

    /// Where they are.
    #[must_use]
    pub fn local(&self) -> Local {
        self.local
    }
}

fn socket(address: IpAddr, port: u16) -> io::Result<std::net::UdpSocket> {
    let socket = std::net::UdpSocket::bind(SocketAddr::new(address, port))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn pairs_begin_at_even_ports_and_none_is_given_twice() {
        let address = IpAddr::from(Ipv4Addr::LOCALHOST);
        let pairs: Vec<Ports> = (0..20).map(|_| Ports::bind(address, None).unwrap()).collect();
        for pair in &pairs {
            let Local { rtp, rtcp, .. } = pair.local();
            assert_eq!((rtp % 2, rtcp), (0, rtp + 1));
        }
        // The range of a pair that is taken has no room for another.
        let taken = pairs[0].local();
        let range = PortRange { first: taken.rtp, last: taken.rtcp };
        assert_eq!(Ports::bind(address, Some(range)).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn an_address_of_somebody_else_is_refused() {
        let range = PortRange { first: 40_001, last: 40_999 };
        let error = Ports::bind(IpAddr::from([192, 0, 2, 1]), Some(range)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
