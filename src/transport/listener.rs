//! The serving side: sockets that take messages from anyone.

use super::accept::{self, Arrived, Door, Shared};
use super::udp::{MAX_DATAGRAM, too_large};
use super::{Line, Phase, Protocol, Tap, TransportError, Wire, socket, tls};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Where and how to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// How.
    pub protocol: Protocol,
    /// Where; port 0 for any free one.
    pub address: SocketAddr,
}

/// How a server is set up.
#[derive(Clone, Default)]
pub struct ListenOptions {
    /// Certificate chain (PEM) for TLS and WSS; without it one is made at start (for `names`).
    pub tls_cert: Option<PathBuf>,
    /// Its key (PEM).
    pub tls_key: Option<PathBuf>,
    /// Names in the certificate that is made.
    pub names: Vec<String>,
    /// Who records.
    pub tap: Option<Arc<dyn Tap>>,
}

/// By which way a message came, and by which its answer goes. RFC 3261 §18.2.2
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Way {
    /// How.
    pub protocol: Protocol,
    /// Our address.
    pub local: SocketAddr,
    /// The peer's.
    pub peer: SocketAddr,
    /// Which connection (0 for a datagram).
    pub connection: u64,
}

/// What became of connections that did not end by themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Turned {
    /// Connections that were taken.
    pub accepted: u64,
    /// Closed because there were too many: the one that was idle longest.
    pub evicted: u64,
    /// Closed because nothing passed for too long.
    pub idle: u64,
    /// Closed because the peer does not read what we send.
    pub stalled: u64,
    /// Handshakes (TLS, WebSocket) that failed or took too long.
    pub handshakes: u64,
    /// Closed because incomplete messages held too much memory.
    pub greedy: u64,
}

/// Messages from connections that wait to be taken. What connections may answer with before they are looked at again is more
/// (see [`accept`]), so that a burst of requests on one connection does not fill its own way back.
const WAITING: usize = 256;
/// Bytes that the system is asked to keep of a burst of datagrams.
const BUFFER: usize = 4 << 20;
/// How long a datagram may wait for the system to take it.
const SEND: Duration = Duration::from_millis(100);
/// How long connections may take to send what waits for them when all ends.
const FINISH: Duration = Duration::from_millis(500);
/// Peers whose route is remembered.
const ROUTES: usize = 1024;

/// A UDP socket and where it is bound.
struct Datagrams {
    socket: UdpSocket,
    bound: SocketAddr,
}

/// All sockets of a server, connections included: bounded in number and in what each may hold.
pub struct Listener {
    listens: Vec<Listen>,
    datagrams: Vec<Datagrams>,
    /// Whose turn it is, so that a busy socket does not starve the others.
    turn: usize,
    inbox: Box<[u8]>,
    arrivals: mpsc::Receiver<Arrived>,
    shared: Arc<Shared>,
    certificate: Option<String>,
    doors: Vec<JoinHandle<()>>,
    /// From which of our addresses a peer is reached, where a socket is bound to all of them.
    routes: HashMap<IpAddr, IpAddr>,
}

impl Listener {
    /// Opens all of them.
    ///
    /// # Errors
    /// Which could not be opened and why.
    pub async fn open(listen: &[Listen], options: ListenOptions) -> Result<Self, TransportError> {
        let (deliver, arrivals) = mpsc::channel(WAITING);
        let (acceptor, certificate) = if listen.iter().any(|l| l.protocol.is_secure()) {
            let (acceptor, certificate) = tls::acceptor(&options)?;
            (Some(acceptor), certificate)
        } else {
            (None, None)
        };
        let shared = Arc::new(Shared::new(options.tap, acceptor, deliver));
        let mut listener = Listener {
            listens: Vec::new(),
            datagrams: Vec::new(),
            turn: 0,
            inbox: vec![0; 65_536].into(),
            arrivals,
            shared,
            certificate,
            doors: Vec::new(),
            routes: HashMap::new(),
        };
        for Listen { protocol, address } in listen {
            let bound = if *protocol == Protocol::Udp {
                let socket = socket::udp(*address, BUFFER)?;
                let bound = socket.local_addr().map_err(|e| cannot_listen(*address, &e))?;
                listener.datagrams.push(Datagrams { socket, bound });
                bound
            } else {
                let socket = socket::listen(*address)?;
                let bound = socket.local_addr().map_err(|e| cannot_listen(*address, &e))?;
                let door = Door { protocol: *protocol, socket };
                listener.doors.push(tokio::spawn(accept::run(door, listener.shared.clone())));
                bound
            };
            listener.listens.push(Listen { protocol: *protocol, address: bound });
        }
        Ok(listener)
    }

    /// What it listens on, with the real ports, in the order given.
    #[must_use]
    pub fn addresses(&self) -> Vec<Listen> {
        self.listens.clone()
    }

    /// The certificate that was made at start (PEM): who trusts it needs no `--tls-insecure`.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Who records what passes, if somebody does.
    #[must_use]
    pub fn tap(&self) -> Option<Arc<dyn Tap>> {
        self.shared.tap.clone()
    }

    /// What became of connections so far.
    #[must_use]
    pub fn turned(&self) -> Turned {
        self.shared.turned()
    }

    /// The next message, put into `into` (cleared first): whole, SIP or not. Cancel safe.
    pub async fn receive(&mut self, into: &mut Vec<u8>) -> Way {
        std::future::poll_fn(|cx| self.poll_receive(cx, into)).await
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Way> {
        let sources = self.datagrams.len() + 1;
        for _ in 0..sources {
            let turn = self.turn % sources;
            self.turn = turn + 1;
            let found = match self.datagrams.get(turn) {
                Some(_) => self.poll_datagram(turn, cx, into),
                None => self.poll_arrival(cx, into),
            };
            if found.is_ready() {
                return found;
            }
        }
        Poll::Pending
    }

    fn poll_arrival(&mut self, cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Way> {
        match self.arrivals.poll_recv(cx) {
            Poll::Ready(Some(arrived)) => {
                // The buffer of the message takes the place of the caller's: nothing is copied.
                *into = arrived.message;
                Poll::Ready(arrived.way)
            }
            _ => Poll::Pending,
        }
    }

    fn poll_datagram(&mut self, turn: usize, cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Way> {
        let Some(Datagrams { socket, bound }) = self.datagrams.get(turn) else { return Poll::Pending };
        let bound = *bound;
        // An error belongs to a datagram that we sent earlier, and to nobody here: the next one may be good.
        for _ in 0..16 {
            let mut buffer = ReadBuf::new(&mut self.inbox);
            let peer = match socket.poll_recv_from(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => continue,
                Poll::Ready(Ok(peer)) => peer,
            };
            into.clear();
            into.extend_from_slice(buffer.filled());
            let local = match bound.ip().is_unspecified() {
                true => SocketAddr::new(route(&mut self.routes, peer).unwrap_or(bound.ip()), bound.port()),
                false => bound,
            };
            if let Some(tap) = &self.shared.tap {
                tap.wire(SystemTime::now(), Wire::Datagram { src: peer, dst: local, bytes: into });
            }
            return Poll::Ready(Way { protocol: Protocol::Udp, local, peer, connection: 0 });
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sends a message back the way that one came: on the same connection where it still stands. A datagram goes to `peer`.
    ///
    /// # Errors
    /// Why it could not.
    pub async fn send(&mut self, way: &Way, message: &[u8]) -> Result<(), TransportError> {
        if way.protocol != Protocol::Udp {
            return self.shared.send(way, message);
        }
        let Way { local, peer, .. } = *way;
        if message.len() > MAX_DATAGRAM {
            return Err(too_large(message.len(), peer));
        }
        let fits = |d: &&Datagrams| {
            d.bound == local
                || (d.bound.ip().is_unspecified()
                    && d.bound.port() == local.port()
                    && d.bound.is_ipv4() == local.is_ipv4())
        };
        let Some(Datagrams { socket, .. }) = self.datagrams.iter().find(fits) else {
            let message = format!("cannot send to {peer}: there is no UDP socket on {local}");
            return Err(TransportError::new(Phase::Send, "io", message));
        };
        let sent = match socket.try_send_to(message, peer) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                match tokio::time::timeout(SEND, socket.send_to(message, peer)).await {
                    Ok(sent) => sent,
                    Err(_) => Err(io::ErrorKind::TimedOut.into()),
                }
            }
            sent => sent,
        };
        match sent {
            Ok(_) => {}
            Err(e) if e.raw_os_error() == Some(nix::errno::Errno::EMSGSIZE as i32) => {
                return Err(too_large(message.len(), peer));
            }
            Err(e) => return Err(TransportError::of_io(Phase::Send, &format!("cannot send to {peer}"), &e)),
        }
        if let Some(tap) = &self.shared.tap {
            tap.wire(SystemTime::now(), Wire::Datagram { src: local, dst: peer, bytes: message });
        }
        Ok(())
    }

    /// Takes in a connection that we opened: what comes over it comes to [`Listener::receive`], and the way that is given leads to
    /// its peer for as long as it stands. A UDP line is refused: datagrams leave by the sockets that are here.
    ///
    /// # Errors
    /// Gives the line back where it is no connection.
    pub fn adopt(&mut self, line: Line) -> Result<Way, Box<Line>> {
        if line.facts.protocol == Protocol::Udp {
            return Err(Box::new(line));
        }
        let (facts, carrier) = line.into_parts();
        Ok(accept::adopt(&self.shared, &facts, carrier))
    }

    /// The way of the connection of that number, while it stands.
    #[must_use]
    pub fn way_of(&self, connection: u64) -> Option<Way> {
        self.shared.way_of(connection)
    }

    /// The way by which a datagram to `peer` leaves: from the first UDP socket of its family. `None` where there is none.
    #[must_use]
    pub fn datagram_way(&mut self, peer: SocketAddr) -> Option<Way> {
        let bound = self.datagrams.iter().map(|d| d.bound).find(|bound| bound.is_ipv4() == peer.is_ipv4())?;
        let local = match bound.ip().is_unspecified() {
            true => SocketAddr::new(route(&mut self.routes, peer).unwrap_or(bound.ip()), bound.port()),
            false => bound,
        };
        Some(Way { protocol: Protocol::Udp, local, peer, connection: 0 })
    }

    /// Takes no more connections, and lets those that there are send what waits for them: an answer that was given to
    /// [`Listener::send`] is out when this returns, unless its peer does not read.
    pub async fn finish(&mut self) {
        for door in &self.doors {
            door.abort();
        }
        self.shared.finish(FINISH).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for door in &self.doors {
            door.abort();
        }
        self.shared.close_all();
    }
}

/// From which of our addresses `peer` is reached. The table is emptied when it is full: it only saves questions.
fn route(routes: &mut HashMap<IpAddr, IpAddr>, peer: SocketAddr) -> Option<IpAddr> {
    if let Some(local) = routes.get(&peer.ip()) {
        return Some(*local);
    }
    let local = socket::route_address(peer).ok()?.ip();
    if routes.len() >= ROUTES {
        routes.clear();
    }
    routes.insert(peer.ip(), local);
    Some(local)
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> TransportError {
    TransportError::of_io(Phase::Connect, &format!("cannot listen on {address}"), error)
}
