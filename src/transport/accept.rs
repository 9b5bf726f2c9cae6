//! Connections that others open to us: taken, bounded, each in a task of its own.

use super::line::{Carrier, LineFacts};
use super::listener::{Turned, Way};
use super::stream::{Explain, Stream, explain_plain};
use super::tapped::{Duplex, Tapped};
use super::websocket::WebSocket;
use super::{Phase, Protocol, Tap, TransportError};
use crate::sip::framer::Limits;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Most connections at a time.
const MAX_CONNECTIONS: usize = 4096;
/// How long a connection may stay without a message either way.
const IDLE: Duration = Duration::from_secs(900);
/// How long a peer may leave what we sent unread.
const STALL: Duration = Duration::from_secs(10);
/// How long handshakes (TLS, WebSocket) may take together.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Messages that may wait for a connection's task: more than there may be requests waiting (see the listener).
const ANSWERS: usize = 1024;
/// Bytes that may wait there, and on all connections together.
const ANSWER_BYTES: usize = 1 << 20;
const ALL_ANSWER_BYTES: usize = 256 << 20;
/// Longest header and body that one connection may hold back.
const LIMITS: Limits = Limits { header: 64 << 10, body: 1 << 20 };
/// Longest WebSocket message that is taken.
const LONGEST: usize = 128 << 10;
/// Bytes of incomplete messages on all connections together, beyond which those that hold much are closed.
const MAX_HELD: usize = 64 << 20;
/// What one connection may hold even then.
const MODEST: usize = 16 << 10;

/// A message that came over a connection.
pub(super) struct Arrived {
    pub way: Way,
    pub message: Vec<u8>,
}

/// A socket that takes connections.
pub(super) struct Door {
    pub protocol: Protocol,
    pub socket: TcpListener,
}

/// How to reach the task of a connection.
struct Entry {
    way: Way,
    answers: mpsc::Sender<Vec<u8>>,
    /// Bytes in `answers`.
    queued: Arc<AtomicUsize>,
    used: Instant,
    task: Option<JoinHandle<()>>,
}

/// What the doors, the connections and the listener have in common.
pub(super) struct Shared {
    pub tap: Option<Arc<dyn Tap>>,
    /// Shakes hands over TLS, where that is listened for.
    acceptor: Option<TlsAcceptor>,
    deliver: mpsc::Sender<Arrived>,
    connections: Mutex<HashMap<u64, Entry>>,
    turned: Mutex<Turned>,
    next: AtomicU64,
    /// Bytes of incomplete messages on all connections.
    held: AtomicUsize,
    /// Bytes that wait for the tasks of all connections.
    queued: AtomicUsize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(
        tap: Option<Arc<dyn Tap>>,
        acceptor: Option<TlsAcceptor>,
        deliver: mpsc::Sender<Arrived>,
    ) -> Self {
        Shared {
            tap,
            acceptor,
            deliver,
            connections: Mutex::default(),
            turned: Mutex::default(),
            next: AtomicU64::new(1),
            held: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
        }
    }

    pub(super) fn turned(&self) -> Turned {
        *lock(&self.turned)
    }

    fn count(&self, add: impl FnOnce(&mut Turned)) {
        add(&mut lock(&self.turned));
    }

    /// Hands a message to the task of a connection.
    pub(super) fn send(&self, way: &Way, message: &[u8]) -> Result<(), TransportError> {
        let mut connections = lock(&self.connections);
        let gone = || {
            let message = format!("cannot send to {}: the connection is closed", way.peer);
            TransportError::new(Phase::Send, "closed", message)
        };
        let Some(entry) = connections.get_mut(&way.connection) else { return Err(gone()) };
        entry.used = Instant::now();
        let queued = entry.queued.load(Ordering::Relaxed);
        let full = queued > 0
            && (queued.saturating_add(message.len()) > ANSWER_BYTES
                || self.queued.load(Ordering::Relaxed) > ALL_ANSWER_BYTES);
        if !full {
            match entry.answers.try_send(message.to_vec()) {
                Ok(()) => {
                    entry.queued.fetch_add(message.len(), Ordering::Relaxed);
                    self.queued.fetch_add(message.len(), Ordering::Relaxed);
                    return Ok(());
                }
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    connections.remove(&way.connection);
                    return Err(gone());
                }
                Err(mpsc::error::TrySendError::Full(_)) => {}
            }
        }
        self.drop_entry(connections.remove(&way.connection));
        self.count(|t| t.stalled += 1);
        let message = format!("cannot send to {}: it does not read what was sent before", way.peer);
        Err(TransportError::new(Phase::Send, "timeout", message))
    }

    fn drop_entry(&self, entry: Option<Entry>) {
        if let Some(task) = entry.and_then(|e| e.task) {
            task.abort();
        }
    }

    /// Lets every connection send what waits for it and end in good order, and waits for that until `limit` is over.
    pub(super) async fn finish(&self, limit: Duration) {
        // With its sender gone a task takes what is queued, and then ends.
        let tasks: Vec<JoinHandle<()>> = lock(&self.connections).drain().filter_map(|(_, entry)| entry.task).collect();
        let end = tokio::time::Instant::now() + limit;
        for mut task in tasks {
            if tokio::time::timeout_at(end, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    pub(super) fn close_all(&self) {
        for (_, entry) in lock(&self.connections).drain() {
            self.drop_entry(Some(entry));
        }
    }

    /// Makes room for one more: the connection that was idle longest goes.
    fn make_room(&self) {
        let mut connections = lock(&self.connections);
        while connections.len() >= MAX_CONNECTIONS {
            let Some(oldest) = connections.iter().min_by_key(|(_, entry)| entry.used).map(|(id, _)| *id) else {
                return;
            };
            self.drop_entry(connections.remove(&oldest));
            self.count(|t| t.evicted += 1);
        }
    }

    /// The way of a connection that still stands.
    pub(super) fn way_of(&self, id: u64) -> Option<Way> {
        lock(&self.connections).get(&id).map(|entry| entry.way)
    }

    fn touch(&self, id: u64) {
        if let Some(entry) = lock(&self.connections).get_mut(&id) {
            entry.used = Instant::now();
        }
    }
}

/// Takes connections until it is aborted.
pub(super) async fn run(door: Door, shared: Arc<Shared>) {
    loop {
        let (stream, peer) = match door.socket.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                // No descriptors are left, or the peer is gone already: others may still be served.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let Ok(local) = stream.local_addr() else { continue };
        let _ = stream.set_nodelay(true);
        shared.count(|t| t.accepted += 1);
        let connection = enter(&shared, door.protocol, local, peer);
        let id = connection.way.connection;
        let task = tokio::spawn(connection.run(stream));
        if let Some(entry) = lock(&shared.connections).get_mut(&id) {
            entry.task = Some(task);
        }
    }
}

/// Takes in a connection that we opened: it is served like one that was opened to us.
pub(super) fn adopt(shared: &Arc<Shared>, facts: &LineFacts, carrier: Carrier) -> Way {
    let mut connection = enter(shared, facts.protocol, facts.local, facts.peer);
    let way = connection.way;
    let task = tokio::spawn(async move { connection.serve(carrier).await });
    if let Some(entry) = lock(&shared.connections).get_mut(&way.connection) {
        entry.task = Some(task);
    }
    way
}

/// Makes room for a connection and gives it its number.
fn enter(shared: &Arc<Shared>, protocol: Protocol, local: SocketAddr, peer: SocketAddr) -> Connection {
    shared.make_room();
    let id = shared.next.fetch_add(1, Ordering::Relaxed);
    let way = Way { protocol, local, peer, connection: id };
    let (answers, outgoing) = mpsc::channel(ANSWERS);
    let queued = Arc::new(AtomicUsize::new(0));
    let entry = Entry { way, answers, queued: queued.clone(), used: Instant::now(), task: None };
    lock(&shared.connections).insert(id, entry);
    Connection { way, outgoing, queued, shared: shared.clone(), held: 0 }
}

/// One connection.
struct Connection {
    way: Way,
    outgoing: mpsc::Receiver<Vec<u8>>,
    queued: Arc<AtomicUsize>,
    shared: Arc<Shared>,
    /// Its part of [`Shared::held`].
    held: usize,
}

impl Connection {
    async fn run(mut self, stream: TcpStream) {
        let carrier = match tokio::time::timeout(HANDSHAKE, self.shake_hands(stream)).await {
            Ok(Some(carrier)) => carrier,
            _ => {
                self.shared.count(|t| t.handshakes += 1);
                return;
            }
        };
        self.serve(carrier).await;
    }

    async fn shake_hands(&self, stream: TcpStream) -> Option<Carrier> {
        let Way { local, peer, .. } = self.way;
        let tapped = Tapped::new(stream, local, peer, self.shared.tap.clone(), false);
        let explain: Explain = Box::new(move |phase, error, _| explain_plain(peer, phase, error));
        let io: Box<dyn Duplex> = match &self.shared.acceptor {
            Some(acceptor) if self.way.protocol.is_secure() => Box::new(acceptor.accept(tapped).await.ok()?),
            None if self.way.protocol.is_secure() => return None,
            _ => Box::new(tapped),
        };
        match self.way.protocol {
            Protocol::Ws | Protocol::Wss => WebSocket::accept(io, peer, LONGEST, explain).await.map(Carrier::WebSocket),
            _ => Some(Carrier::Stream(Stream::new(io, peer, LIMITS, explain))),
        }
    }

    async fn serve(&mut self, mut carrier: Carrier) {
        let mut message = Vec::new();
        // A message that is not delivered yet: until it is, nothing more is read.
        let mut arrived = None;
        let deliver = self.shared.deliver.clone();
        let mut progress = Instant::now();
        let mut waited = 0;
        loop {
            let waiting = carrier.waiting();
            if waiting == 0 || waiting < waited {
                progress = Instant::now();
            }
            waited = waiting;
            let patience = if waiting > 0 { STALL } else { IDLE };
            let deadline = tokio::time::Instant::from_std(progress + patience);
            tokio::select! {
                biased;
                answer = self.outgoing.recv() => {
                    let Some(answer) = answer else { break };
                    self.queued.fetch_sub(answer.len(), Ordering::Relaxed);
                    self.shared.queued.fetch_sub(answer.len(), Ordering::Relaxed);
                    if carrier.send(&answer).await.is_err() {
                        break;
                    }
                }
                permit = deliver.reserve(), if arrived.is_some() => {
                    let (Ok(permit), Some(message)) = (permit, arrived.take()) else { break };
                    permit.send(Arrived { way: self.way, message });
                }
                came = carrier.receive(&mut message), if arrived.is_none() => {
                    if came.is_err() {
                        break;
                    }
                    self.shared.touch(self.way.connection);
                    arrived = Some(std::mem::take(&mut message));
                }
                () = tokio::time::sleep_until(deadline) => {
                    self.shared.count(|t| if waiting > 0 { t.stalled += 1 } else { t.idle += 1 });
                    break;
                }
            }
            if self.is_greedy(carrier.pending()) {
                self.shared.count(|t| t.greedy += 1);
                break;
            }
        }
        carrier.close().await;
    }

    /// Whether this connection holds much, when all together hold too much.
    fn is_greedy(&mut self, pending: usize) -> bool {
        let held = &self.shared.held;
        held.fetch_add(pending, Ordering::Relaxed);
        let all = held.fetch_sub(self.held, Ordering::Relaxed).saturating_sub(self.held);
        self.held = pending;
        all > MAX_HELD && pending > MODEST
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.held.fetch_sub(self.held, Ordering::Relaxed);
        self.shared.queued.fetch_sub(self.queued.load(Ordering::Relaxed), Ordering::Relaxed);
        lock(&self.shared.connections).remove(&self.way.connection);
    }
}
