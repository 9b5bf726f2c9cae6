//! Our own traffic, recorded: what passes the sockets becomes packets, and those go the way of every capture.
//!
//! So a trial has the same messages, calls, findings and ladder as a capture of it, because it is one: the packets that
//! `--write` saves are those that are decoded here.

pub mod both_ends;
pub mod connection;
pub mod store;
pub mod veil;
mod waiting;

use crate::base::{Endpoint, Table, Timestamp};
use crate::capture::CaptureError;
use crate::net::assemble;
use crate::net::tls::KeyLog;
use crate::sip::{is_sip, secrets};
use crate::trace::{Batch, Intake, Limits, Sink, Tracer, intake};
use crate::transport::{Tap, Wire};
use connection::Connection;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use store::{Item, Store};
use veil::Veil;
use waiting::Waiting;

/// TCP connections that are followed at once.
const CONNECTIONS: usize = 4096;
/// Datagrams that an ICMP error can quote.
const DATAGRAMS: usize = 256;

/// What a recorder does with what it sees.
#[derive(Clone, Debug, Default)]
pub struct RecordOptions {
    /// Save the packets to this pcapng file.
    pub write: Option<String>,
    /// Decode them, for messages, ladders and findings.
    pub decode: bool,
    /// Keep credentials that can be used again, and keys of media, in the file: see [`crate::sip::secrets`]. CONTRACT §2: `--show-secrets`
    pub show_secrets: bool,
}

/// What a recording came to, beside what its sink was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recorded {
    /// Packets that were made.
    pub packets: u64,
    /// Packets that were not decoded because too many waited.
    pub let_go: u64,
    /// Datagrams that no packet can hold.
    pub unrecordable: u64,
    /// Whether TLS secrets were recorded: who has the file reads what TLS protected.
    pub holds_keys: bool,
}

/// Records. Bounded: beyond 64 MiB the packets that wait are counted and let go.
pub struct Recorder {
    state: Mutex<State>,
}

struct State {
    shows_secrets: bool,
    store: Store,
    connections: Table<(Endpoint, Endpoint), Connection>,
    /// The packet of the last datagram from one address to another, cut to what is quoted.
    datagrams: Table<(Endpoint, Endpoint), Vec<u8>>,
    waiting: Waiting,
    /// Time of the last event: none goes back behind it.
    now: Timestamp,
    /// Connections so far: their numbers start apart.
    opened: u32,
    unrecordable: u64,
    packet: Vec<u8>,
    is_over: bool,
}

impl Recorder {
    /// Opens the file, where one is wanted.
    ///
    /// # Errors
    /// Where the file cannot be created.
    pub fn new(options: RecordOptions) -> Result<Arc<Self>, CaptureError> {
        let store = Store::new(options.write.as_deref(), options.decode)?;
        let state = State {
            shows_secrets: options.show_secrets,
            store,
            connections: Table::new(CONNECTIONS),
            datagrams: Table::new(DATAGRAMS),
            waiting: Waiting::default(),
            now: Timestamp(0),
            opened: 0,
            unrecordable: 0,
            packet: Vec::new(),
            is_over: false,
        };
        Ok(Arc::new(Recorder { state: Mutex::new(state) }))
    }

    /// Ends the file, and gives everything recorded to `sink`, as `decode` would. What passes later is not recorded.
    ///
    /// # Errors
    /// Where the file could not be written to its end.
    pub fn finish(&self, limits: Limits, sink: &mut impl Sink) -> Result<super::Totals, CaptureError> {
        let mut state = self.state();
        state.is_over = true;
        let State { store, waiting, .. } = &mut *state;
        waiting.release(store);
        let written = store.close();
        let totals = decode(store, limits, sink);
        written.map(|()| totals)
    }

    /// What the recording came to so far.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        let state = self.state();
        Recorded {
            packets: state.store.packets(),
            let_go: state.store.let_go(),
            unrecordable: state.unrecordable,
            holds_keys: state.store.holds_keys(),
        }
    }

    /// A panic elsewhere while the lock was held leaves packets that are whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap for Recorder {
    fn wire(&self, time: SystemTime, wire: Wire<'_>) {
        let mut state = self.state();
        if !state.is_over {
            state.take(time, wire);
        }
    }
}

/// Decodes what is kept, on this thread: what is small enough to be kept is decoded in no time.
fn decode(store: &mut Store, limits: Limits, sink: &mut impl Sink) -> super::Totals {
    let options = intake::Options { own: true, ..intake::Options::default() };
    let (mut intake, mut tracer) = (Intake::new(options, KeyLog::new()), Tracer::new(limits));
    let (mut batch, mut totals) = (Batch::default(), super::Totals::default());
    // All secrets first: some open what passed before they were told.
    for item in store.items() {
        if let Item::Secrets(lines) = item {
            intake.add_secrets(lines);
        }
    }
    for item in store.items() {
        let Item::Packet(packet) = item else { continue };
        totals.packets += 1;
        totals.first_time.get_or_insert(packet.time);
        totals.last_time = Some(packet.time);
        intake.packet(&packet, &mut batch);
        if batch.is_full() {
            tracer.take(&batch, sink);
            batch.clear();
        }
    }
    intake.finish(&mut batch);
    tracer.take(&batch, sink);
    tracer.finish(sink);
    totals.undecoded = intake.undecoded();
    totals.let_go = tracer.let_go();
    store.forget();
    totals
}

/// Both ends of a connection in the same order, whoever speaks.
fn key(a: SocketAddr, b: SocketAddr) -> (Endpoint, Endpoint) {
    let (a, b) = (Endpoint::from(a), Endpoint::from(b));
    if a <= b { (a, b) } else { (b, a) }
}

impl State {
    fn take(&mut self, time: SystemTime, wire: Wire<'_>) {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        // The system's clock may be set back; a capture in which time runs backwards confuses everybody.
        self.now = self.now.max(Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)));
        match wire {
            Wire::Datagram { src, dst, bytes } => self.datagram(src, dst, bytes),
            Wire::Opened { client, server } => {
                let connection = self.connection(client, server);
                self.speak(client, server, Some(connection), |connection, out| {
                    connection.open(out);
                    false
                });
            }
            Wire::Data { src, dst, bytes } => self.data(src, dst, bytes),
            Wire::Closed { src, dst, reset } => {
                self.waiting.closed(key(src, dst));
                self.speak(src, dst, None, |connection, out| {
                    connection.side_of(src).is_some_and(|side| connection.close(side, reset, out))
                });
            }
            Wire::Refused { src, dst, tcp: true } => {
                let connection = self.connection(dst, src);
                self.speak(dst, src, Some(connection), |connection, out| {
                    connection.refuse(out);
                    true
                });
            }
            Wire::Refused { src, dst, tcp: false } => self.unreachable(src, dst),
            Wire::Secret(line) => self.waiting.secret(line, self.now, &mut self.store),
        }
    }

    /// A new connection; its numbers start where those of none before it have been.
    fn connection(&mut self, client: SocketAddr, server: SocketAddr) -> Connection {
        self.opened = self.opened.wrapping_add(1);
        let first = self.opened.wrapping_mul(0x9e37_79b1);
        let veil = Veil::new(self.shows_secrets);
        Connection::new(client, server, first, veil)
    }

    /// Lets a connection make packets; `fresh` takes the place of one between the same ends. Where `act` says so it is over.
    fn speak(
        &mut self,
        src: SocketAddr,
        dst: SocketAddr,
        fresh: Option<Connection>,
        act: impl FnOnce(&mut Connection, connection::Out<'_>) -> bool,
    ) {
        let key = key(src, dst);
        if let Some(fresh) = fresh {
            self.connections.remove(&key);
            self.connections.touch_or_insert(&key, self.now.0, || fresh);
        }
        let State { connections, waiting, store, now, .. } = self;
        let Some(connection) = connections.touch(&key, now.0) else { return };
        if act(connection, &mut |packet| waiting.packet(*now, packet, store)) {
            connections.remove(&key);
        }
    }

    fn data(&mut self, src: SocketAddr, dst: SocketAddr, bytes: &[u8]) {
        let key = key(src, dst);
        // One that stood before the recording began, or that had to go, is taken up where it is.
        let fresh = self.connections.get(&key).is_none().then(|| self.connection(src, dst));
        if let Some(hello) = waiting::client_random(bytes) {
            self.waiting.handshake(key, hello, self.now);
        }
        self.speak(src, dst, fresh, |connection, out| {
            if let Some(side) = connection.side_of(src) {
                let mut veil = std::mem::take(&mut connection.veil);
                connection.data(side, &veil.hide(side, bytes), out);
                connection.veil = veil;
            }
            false
        });
    }

    fn datagram(&mut self, src: SocketAddr, dst: SocketAddr, bytes: &[u8]) {
        let bytes = match bytes.first().is_some_and(|b| b.is_ascii_alphabetic()) && !self.shows_secrets && is_sip(bytes)
        {
            true => secrets::hide(bytes),
            false => Cow::Borrowed(bytes),
        };
        self.packet.clear();
        if !assemble::udp(src, dst, &bytes, &mut self.packet) {
            self.unrecordable += 1;
            return;
        }
        let (quoted, _) =
            self.datagrams.touch_or_insert(&(Endpoint::from(src), Endpoint::from(dst)), self.now.0, Vec::new);
        quoted.clear();
        quoted.extend_from_slice(self.packet.get(..assemble::QUOTED).unwrap_or(&self.packet));
        self.waiting.packet(self.now, &self.packet, &mut self.store);
    }

    /// `src` could not be reached from `dst`, which is ours.
    fn unreachable(&mut self, src: SocketAddr, dst: SocketAddr) {
        let mut made = Vec::new();
        let quoted = match self.datagrams.get(&(Endpoint::from(dst), Endpoint::from(src))) {
            Some(quoted) => quoted,
            None => {
                assemble::udp(dst, src, b"", &mut made);
                &made
            }
        };
        self.packet.clear();
        if assemble::port_unreachable(src, dst, quoted, &mut self.packet) {
            self.waiting.packet(self.now, &self.packet, &mut self.store);
        }
    }
}

#[cfg(test)]
mod tests;
