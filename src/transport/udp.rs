//! A UDP socket that talks to one peer and hears everyone.

use super::{Phase, Received, Tap, TransportError, Wire, icmp, socket};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Longest payload of a datagram over IPv4: 65,535 less the headers of IP and UDP. RFC 3261 §18.1.1
pub(super) const MAX_DATAGRAM: usize = 65_507;

/// What the system is asked to keep of a burst.
const BUFFER: usize = 256 << 10;

/// A message that no datagram can carry.
pub(super) fn too_large(length: usize, peer: SocketAddr) -> TransportError {
    let message = format!("cannot send {length} bytes to {peer}: a datagram carries {MAX_DATAGRAM} at most");
    TransportError::new(Phase::Send, "too-large", message).with_hint("--transport tcp has no such limit")
}

/// A UDP socket for one peer. It is not connected: an answer from another address than the one asked is to be seen.
pub(super) struct Udp {
    socket: UdpSocket,
    pub(super) local: SocketAddr,
    peer: SocketAddr,
    tap: Option<Arc<dyn Tap>>,
    inbox: Box<[u8]>,
    /// What ICMP said, one error a peer, until everything that was received before is handed on.
    icmp: VecDeque<TransportError>,
}

impl Udp {
    pub(super) fn open(
        bind: Option<(IpAddr, u16)>,
        peer: SocketAddr,
        tap: Option<Arc<dyn Tap>>,
    ) -> Result<Self, TransportError> {
        let socket = socket::udp(socket::local_address(bind, peer)?, BUFFER)?;
        let failed = |e: io::Error| TransportError::of_io(Phase::Connect, &format!("cannot reach {peer}"), &e);
        icmp::enable(&socket, peer.is_ipv6()).map_err(failed)?;
        let local = socket.local_addr().map_err(failed)?;
        Ok(Udp { socket, local, peer, tap, inbox: vec![0; 65_536].into(), icmp: VecDeque::new() })
    }

    pub(super) async fn send(&mut self, message: &[u8]) -> Result<(), TransportError> {
        self.send_to(self.peer, message).await
    }

    /// Sends to another than the peer.
    pub(super) async fn send_to(&mut self, peer: SocketAddr, message: &[u8]) -> Result<(), TransportError> {
        if message.len() > MAX_DATAGRAM {
            return Err(too_large(message.len(), peer));
        }
        let mut tries = 0;
        loop {
            let failed = match self.socket.send_to(message, peer).await {
                Ok(_) => break,
                Err(e) => e,
            };
            // The system hands an earlier datagram's ICMP error to whoever calls next, and then sends nothing.
            self.take_icmp();
            // What it says of another peer is told when something is received.
            if let Some(at) = self.icmp.iter().position(|e| e.peer.is_none_or(|p| p == peer)) {
                return Err(self.icmp.remove(at).unwrap_or_else(|| cannot_send(peer, message.len(), &failed)));
            }
            tries += 1;
            if tries > 2 || failed.raw_os_error() == Some(nix::errno::Errno::EMSGSIZE as i32) && tries > 1 {
                return Err(cannot_send(peer, message.len(), &failed));
            }
        }
        if let Some(tap) = &self.tap {
            tap.wire(SystemTime::now(), Wire::Datagram { src: self.local, dst: peer, bytes: message });
        }
        Ok(())
    }

    pub(super) async fn receive(&mut self, into: &mut Vec<u8>) -> Result<Received, TransportError> {
        loop {
            match self.socket.try_recv_from(&mut self.inbox) {
                Ok((length, from)) => {
                    let at = Instant::now();
                    let bytes = self.inbox.get(..length).unwrap_or_default();
                    into.clear();
                    into.extend_from_slice(bytes);
                    if let Some(tap) = &self.tap {
                        tap.wire(SystemTime::now(), Wire::Datagram { src: from, dst: self.local, bytes });
                    }
                    return Ok(Received { from, at });
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.take_icmp();
                    if let Some(error) = self.icmp.pop_front() {
                        return Err(error);
                    }
                    let interest = Interest::READABLE.add(Interest::ERROR);
                    self.socket.ready(interest).await.map_err(|e| self.cannot_receive(&e))?;
                }
                Err(e) => {
                    let told = self.take_icmp();
                    let from_icmp = [
                        io::ErrorKind::ConnectionRefused,
                        io::ErrorKind::HostUnreachable,
                        io::ErrorKind::NetworkUnreachable,
                        io::ErrorKind::PermissionDenied,
                    ];
                    let emsgsize = e.raw_os_error() == Some(nix::errno::Errno::EMSGSIZE as i32);
                    // Such an error came from the queue, where it stood with its reason or was one that means nothing.
                    if told == 0 && !emsgsize && !from_icmp.contains(&e.kind()) {
                        return Err(self.cannot_receive(&e));
                    }
                }
            }
        }
    }

    fn cannot_receive(&self, error: &io::Error) -> TransportError {
        TransportError::of_io(Phase::Receive, &format!("cannot receive on {}", self.local), error)
    }

    /// Empties the error queue, and says how many errors stood in it; what counts is kept in `icmp`.
    fn take_icmp(&mut self) -> usize {
        let mut taken = 0;
        // As long as there is one, the system marks the socket; a peer that floods us with them gains nothing beyond this.
        while taken < 64 {
            let Ok(next) = self.socket.try_io(Interest::ERROR, || icmp::next(&self.socket, self.peer)) else { break };
            taken += 1;
            let Some(error) = next else { continue };
            if self.icmp.iter().any(|told| told.peer == error.peer) {
                continue;
            }
            if let Some(tap) = &self.tap {
                let src = error.peer.unwrap_or(self.peer);
                tap.wire(SystemTime::now(), Wire::Refused { src, dst: self.local, tcp: false });
            }
            self.icmp.push_back(error);
        }
        taken
    }
}

fn cannot_send(peer: SocketAddr, length: usize, error: &io::Error) -> TransportError {
    if error.raw_os_error() == Some(nix::errno::Errno::EMSGSIZE as i32) {
        return too_large(length, peer);
    }
    TransportError::of_io(Phase::Send, &format!("cannot send to {peer}"), error)
}
