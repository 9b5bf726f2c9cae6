//! Media passed on between the two legs of a call, packet for packet as it came: RTP, RTCP, T.38, whatever is in it.
//!
//! Each `m=` line has a pair of ports on each side. A packet is taken from whoever sent the first one there (RFC 4961: who is
//! behind a NAT is reached where it sends from), and goes to where the other side was heard, or else wants it.

use super::Ports;
use crate::media::sdp::Place;
use crate::transport::{Tap, Wire};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Longest datagram that is passed on: T.38 and video stay below.
const INBOX: usize = 4096;
/// Receive errors in a row after which a socket pair is given up.
const ERRORS: u32 = 1000;
/// `m=` lines of one call.
pub const MOST_LINES: usize = 8;
/// Calls that have ports.
const MOST_CALLS: usize = 8192;

/// A leg of a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// That of who calls.
    Caller,
    /// That of who is called.
    Callee,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Caller => Side::Callee,
            Side::Callee => Side::Caller,
        }
    }
}

/// What came from one side, and was passed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Passed {
    /// Packets on the first port: RTP, with RTCP where both share it.
    pub rtp: u64,
    /// Packets on the second: RTCP.
    pub rtcp: u64,
    /// Packets of others than who was heard first.
    pub refused: u64,
    /// Who was heard.
    pub source: Option<SocketAddr>,
}

/// What the media of one `m=` line of a call came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relayed {
    /// The call, by number.
    pub call: u64,
    /// The line, from 0.
    pub line: usize,
    /// What came from the caller.
    pub from_caller: Passed,
    /// What came from the callee.
    pub from_callee: Passed,
}

/// Who opens ports and passes media on.
pub trait Relays {
    /// The ports of a line of a call, facing the caller and the callee, opened at these addresses where they are not open yet.
    /// `None` where no port is to be had.
    fn open(&mut self, call: u64, line: usize, caller: IpAddr, callee: IpAddr) -> Option<(Place, Place)>;
    /// Where a side wants its media, by what its description says.
    fn aim(&mut self, call: u64, line: usize, side: Side, rtp: Option<SocketAddr>, rtcp: Option<SocketAddr>);
    /// Closes the ports of a call; what each line came to.
    fn end(&mut self, call: u64) -> Vec<Relayed>;
}

/// Where one channel of one side is.
#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    aimed: Option<SocketAddr>,
    heard: Option<SocketAddr>,
}

/// Of each side RTP and RTCP.
#[derive(Debug, Default)]
struct State {
    peers: [[Peer; 2]; 2],
    passed: [Passed; 2],
}

impl State {
    /// A packet came there from `source`: where it goes, or `None` where it is not taken or nobody wants it.
    fn take(&mut self, side: Side, channel: usize, source: SocketAddr) -> Option<SocketAddr> {
        let passed = self.passed.get_mut(side as usize)?;
        let peer = self.peers.get_mut(side as usize)?.get_mut(channel)?;
        if *peer.heard.get_or_insert(source) != source {
            passed.refused += 1;
            return None;
        }
        if channel == 0 {
            passed.rtp += 1;
            passed.source.get_or_insert(source);
        } else {
            passed.rtcp += 1;
        }
        let onto = self.peers.get(side.other() as usize)?.get(channel)?;
        onto.heard.or(onto.aimed)
    }

    /// A description that names another place than the last: whoever is heard next is taken.
    fn aim(&mut self, side: Side, at: [Option<SocketAddr>; 2]) {
        let Some(peers) = self.peers.get_mut(side as usize) else { return };
        for (peer, at) in peers.iter_mut().zip(at) {
            if peer.aimed != at {
                *peer = Peer { aimed: at, heard: None };
            }
        }
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A panic elsewhere while the lock was held leaves counts that may be off by one, and nothing worse.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Open {
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
    places: (Place, Place),
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The relay. Needs a runtime.
#[derive(Default)]
pub struct Relay {
    tap: Option<Arc<dyn Tap>>,
    calls: HashMap<u64, Vec<Option<Open>>>,
}

impl Relay {
    /// One whose packets are recorded by `tap`.
    #[must_use]
    pub fn new(tap: Option<Arc<dyn Tap>>) -> Self {
        Relay { tap, calls: HashMap::new() }
    }
}

impl Relays for Relay {
    fn open(&mut self, call: u64, line: usize, caller: IpAddr, callee: IpAddr) -> Option<(Place, Place)> {
        if line >= MOST_LINES || self.calls.len() >= MOST_CALLS && !self.calls.contains_key(&call) {
            return None;
        }
        let lines = self.calls.entry(call).or_default();
        if lines.len() <= line {
            lines.resize_with(line + 1, || None);
        }
        let slot = lines.get_mut(line)?;
        if let Some(open) = slot {
            return Some(open.places);
        }
        let pair = [Ports::bind(caller, None).ok()?, Ports::bind(callee, None).ok()?];
        let places = (place(&pair[0]), place(&pair[1]));
        let state = Arc::new(Mutex::new(State::default()));
        let worker = Worker { state: Arc::clone(&state), pair, tap: self.tap.clone() };
        *slot = Some(Open { state, task: tokio::spawn(worker.run()), places });
        Some(places)
    }

    fn aim(&mut self, call: u64, line: usize, side: Side, rtp: Option<SocketAddr>, rtcp: Option<SocketAddr>) {
        if let Some(open) = self.calls.get(&call).and_then(|lines| lines.get(line)?.as_ref()) {
            locked(&open.state).aim(side, [rtp, rtcp]);
        }
    }

    fn end(&mut self, call: u64) -> Vec<Relayed> {
        let lines = self.calls.remove(&call).unwrap_or_default();
        let told = |(line, open): (usize, Option<Open>)| {
            let [from_caller, from_callee] = locked(&open?.state).passed;
            Some(Relayed { call, line, from_caller, from_callee })
        };
        lines.into_iter().enumerate().filter_map(told).collect()
    }
}

fn place(ports: &Ports) -> Place {
    let local = ports.local();
    Place { address: local.address, rtp: local.rtp, rtcp: local.rtcp }
}

/// What the task of one line has.
struct Worker {
    state: Arc<Mutex<State>>,
    /// Facing the caller, facing the callee.
    pair: [Ports; 2],
    tap: Option<Arc<dyn Tap>>,
}

type Came = std::io::Result<(usize, SocketAddr)>;

impl Worker {
    async fn run(self) {
        let [caller, callee] = &self.pair;
        let mut inboxes = [[0; INBOX]; 4];
        let mut errors = 0;
        while errors < ERRORS {
            let [a, b, c, d] = &mut inboxes;
            let (side, channel, came): (Side, usize, Came) = tokio::select! {
                came = caller.rtp.recv_from(a) => (Side::Caller, 0, came),
                came = callee.rtp.recv_from(b) => (Side::Callee, 0, came),
                came = caller.rtcp.recv_from(c) => (Side::Caller, 1, came),
                came = callee.rtcp.recv_from(d) => (Side::Callee, 1, came),
            };
            let Ok((length, source)) = came else {
                errors += 1;
                continue;
            };
            errors = 0;
            let inbox = inboxes.get(channel * 2 + side as usize);
            let bytes = inbox.and_then(|inbox| inbox.get(..length)).unwrap_or_default();
            self.pass(side, channel, source, bytes).await;
        }
    }

    async fn pass(&self, side: Side, channel: usize, source: SocketAddr, bytes: &[u8]) {
        self.tell(source, self.address(side, channel), bytes);
        let to = locked(&self.state).take(side, channel, source);
        let (Some(to), Some(socket)) = (to, self.socket(side.other(), channel)) else { return };
        // What the system does not send is lost like any datagram.
        if socket.send_to(bytes, to).await.is_ok() {
            self.tell(self.address(side.other(), channel), Some(to), bytes);
        }
    }

    fn socket(&self, side: Side, channel: usize) -> Option<&UdpSocket> {
        let ports = self.pair.get(side as usize)?;
        Some(if channel == 0 { &ports.rtp } else { &ports.rtcp })
    }

    fn address(&self, side: Side, channel: usize) -> Option<SocketAddr> {
        let local = self.pair.get(side as usize)?.local();
        Some(SocketAddr::new(local.address, if channel == 0 { local.rtp } else { local.rtcp }))
    }

    fn tell(&self, src: impl Into<Option<SocketAddr>>, dst: Option<SocketAddr>, bytes: &[u8]) {
        if let (Some(tap), Some(src), Some(dst)) = (&self.tap, src.into(), dst) {
            tap.wire(SystemTime::now(), Wire::Datagram { src, dst, bytes });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Relay, Relays, Side};
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;
    use tokio::net::UdpSocket;

    async fn socket() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        (socket, at)
    }

    async fn got(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
        let mut inbox = [0; 100];
        let wait = tokio::time::timeout(Duration::from_secs(20), socket.recv_from(&mut inbox));
        let (n, from) = wait.await.unwrap().unwrap();
        (inbox[..n].to_vec(), from)
    }

    #[tokio::test]
    async fn media_passes_both_ways_and_who_was_heard_first_is_kept() {
        let local = Ipv4Addr::LOCALHOST.into();
        let mut relay = Relay::default();
        let (to_caller, to_callee) = relay.open(1, 0, local, local).unwrap();
        assert_eq!(relay.open(1, 0, local, local), Some((to_caller, to_callee)), "opened once");
        let ((alice, at_alice), (bob, at_bob), (eve, _)) = (socket().await, socket().await, socket().await);
        relay.aim(1, 0, Side::Callee, Some(at_bob), None);
        // Where the caller is is not known until it is heard.
        let caller_port = SocketAddr::new(to_caller.address, to_caller.rtp);
        let callee_port = SocketAddr::new(to_callee.address, to_callee.rtp);
        alice.send_to(b"one", caller_port).await.unwrap();
        assert_eq!(got(&bob).await, (b"one".to_vec(), callee_port));
        bob.send_to(b"two", callee_port).await.unwrap();
        assert_eq!(got(&alice).await, (b"two".to_vec(), caller_port));
        eve.send_to(b"no", caller_port).await.unwrap();
        alice.send_to(b"three", caller_port).await.unwrap();
        assert_eq!(got(&bob).await.0, b"three");
        // Another place in its description: it moved.
        let (moved, at_moved) = socket().await;
        relay.aim(1, 0, Side::Caller, Some(at_moved), None);
        bob.send_to(b"four", callee_port).await.unwrap();
        assert_eq!(got(&moved).await.0, b"four");
        let told = relay.end(1);
        let [line] = &told[..] else { panic!("{told:?}") };
        assert_eq!((line.from_caller.rtp, line.from_caller.refused, line.from_caller.source), (2, 1, Some(at_alice)));
        assert_eq!((line.from_callee.rtp, line.from_callee.rtcp), (2, 0));
        assert!(relay.end(1).is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_opened_is_said() {
        let mut relay = Relay::default();
        let (local, foreign) = (Ipv4Addr::LOCALHOST.into(), [192, 0, 2, 1].into());
        assert_eq!(relay.open(1, 0, local, foreign), None);
        assert_eq!(relay.open(1, super::MOST_LINES, local, local), None);
        assert!(relay.end(1).is_empty());
    }
}
