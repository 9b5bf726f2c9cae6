//! Sockets before anything passes them: which address they have, and how a connection is opened.

use super::{Phase, TransportError};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::{TcpStream, UdpSocket};

/// The address that packets to `peer` leave from, with port 0. Nothing is sent: connecting a datagram socket only asks the routes.
pub(super) fn route_address(peer: SocketAddr) -> io::Result<SocketAddr> {
    let any = match peer {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    // Port 0 is no destination for some systems; the route does not depend on it.
    let mut asked = peer;
    if asked.port() == 0 {
        asked.set_port(9);
    }
    socket.connect(asked)?;
    let mut local = socket.local_addr()?;
    local.set_port(0);
    Ok(local)
}

/// Where a socket to `peer` is bound: as `--bind` says, else as the route does.
pub(super) fn local_address(bind: Option<(IpAddr, u16)>, peer: SocketAddr) -> Result<SocketAddr, TransportError> {
    let no_route = |e: io::Error| TransportError::of_io(Phase::Connect, &format!("cannot reach {peer}"), &e);
    let Some((ip, port)) = bind else { return route_address(peer).map_err(no_route) };
    if ip.is_ipv4() != peer.is_ipv4() {
        let message = format!("cannot send from {ip} to {peer}: one is IPv4, the other IPv6");
        return Err(TransportError::new(Phase::Connect, "unreachable", message)
            .with_hint("--bind needs an address of the target's family; -4 and -6 choose it"));
    }
    let mut local = if ip.is_unspecified() { route_address(peer).map_err(no_route)? } else { SocketAddr::new(ip, 0) };
    if let (SocketAddr::V6(ours), SocketAddr::V6(theirs)) = (&mut local, peer)
        && ours.ip().is_unicast_link_local()
        && ours.scope_id() == 0
    {
        // A link-local address says nothing without its link. RFC 4007 §6
        ours.set_scope_id(theirs.scope_id());
    }
    local.set_port(port);
    Ok(local)
}

fn domain(address: SocketAddr) -> Domain {
    if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 }
}

fn cannot_bind(address: SocketAddr, error: &io::Error) -> TransportError {
    let failed = TransportError::of_io(Phase::Connect, &format!("cannot use {address}"), error);
    match error.kind() {
        io::ErrorKind::AddrInUse => failed.with_hint("another program holds this port; port 0 takes any free one"),
        io::ErrorKind::AddrNotAvailable => failed.with_hint("`ip address` lists the addresses of this host"),
        io::ErrorKind::PermissionDenied => failed.with_hint("ports below 1024 need privileges"),
        _ => failed,
    }
}

/// A UDP socket on `address`. `buffer`: bytes that the system keeps for it, as far as it allows.
pub(super) fn udp(address: SocketAddr, buffer: usize) -> Result<UdpSocket, TransportError> {
    let open = || -> io::Result<Socket> {
        let socket = Socket::new(domain(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // Fewer is no failure: bursts are lost sooner.
        let _ = socket.set_recv_buffer_size(buffer);
        let _ = socket.set_send_buffer_size(buffer);
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(socket)
    };
    let socket = open().map_err(|e| cannot_bind(address, &e))?;
    UdpSocket::from_std(socket.into()).map_err(|e| cannot_bind(address, &e))
}

/// A listening TCP socket on `address`.
pub(super) fn listen(address: SocketAddr) -> Result<tokio::net::TcpListener, TransportError> {
    let open = || -> io::Result<Socket> {
        let socket = Socket::new(domain(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // Connections of an earlier run that linger do not keep the port.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(1024)?;
        Ok(socket)
    };
    let socket = open().map_err(|e| cannot_bind(address, &e))?;
    tokio::net::TcpListener::from_std(socket.into()).map_err(|e| cannot_bind(address, &e))
}

/// A TCP connection that is being opened: its own address is known before it stands, or fails.
pub(super) struct Opening {
    stream: TcpStream,
    /// Our address.
    pub local: SocketAddr,
}

impl Opening {
    /// Begins to connect.
    pub(super) fn begin(bind: Option<(IpAddr, u16)>, peer: SocketAddr) -> Result<Self, TransportError> {
        let socket = Socket::new(domain(peer), Type::STREAM, Some(Protocol::TCP))
            .map_err(|e| TransportError::of_io(Phase::Connect, "cannot open a socket", &e))?;
        if bind.is_some() {
            let local = local_address(bind, peer)?;
            let bound = socket.set_reuse_address(true).and_then(|()| socket.bind(&local.into()));
            bound.map_err(|e| cannot_bind(local, &e))?;
        }
        let start = || -> io::Result<TcpStream> {
            socket.set_nonblocking(true)?;
            // Messages are small and written whole: nothing is gained by waiting for more.
            socket.set_tcp_nodelay(true)?;
            match socket.connect(&peer.into()) {
                Err(e) if e.raw_os_error() != Some(nix::errno::Errno::EINPROGRESS as i32) => return Err(e),
                _ => {}
            }
            TcpStream::from_std(socket.into())
        };
        let stream = start().map_err(|e| refused(peer, &e))?;
        let local = stream.local_addr().map_err(|e| refused(peer, &e))?;
        Ok(Opening { stream, local })
    }

    /// Waits until it stands.
    pub(super) async fn finish(self, peer: SocketAddr) -> Result<TcpStream, TransportError> {
        self.stream.writable().await.map_err(|e| refused(peer, &e))?;
        match self.stream.take_error() {
            Ok(None) => Ok(self.stream),
            Ok(Some(e)) | Err(e) => Err(refused(peer, &e)),
        }
    }
}

fn refused(peer: SocketAddr, error: &io::Error) -> TransportError {
    let failed = TransportError::of_io(Phase::Connect, &format!("cannot connect to {peer}"), error);
    match failed.kind {
        "refused" => failed.with_hint("the host is there, but nothing listens on this TCP port"),
        _ => failed,
    }
}
