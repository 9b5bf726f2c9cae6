//! Bytes from HEP agents (Kamailio's siptrace, heplify …) over UDP and TCP.
//!
//! The listener only receives: taking HEP packets apart is the business of `net`. It runs in a thread of its own, and what
//! waits for the consumer is bounded in bytes: beyond it datagrams are dropped and counted, and connections are not read.

use super::{CaptureError, Event, HepBytes, HepOver, Source, SourceInfo};
use crate::base::{Endpoint, Timestamp};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Notify, Semaphore};

/// Bytes that may wait for the consumer.
const MAX_WAITING: usize = 32 << 20;
/// What an arrival costs beside its bytes, so that empty ones are bounded too.
const OVERHEAD: usize = 256;
/// Connections open at once; more are closed at once and counted.
const MAX_CONNECTIONS: usize = 256;
/// A connection that says nothing for so long is closed: agents send keep-alives or connect again.
const IDLE: Duration = Duration::from_secs(3600);
/// How long the consumer waits before it is told that nothing came.
const WAIT: Duration = Duration::from_millis(100);

/// Something received, on its way to the consumer.
struct Arrival {
    time: Timestamp,
    peer: Endpoint,
    over: HepOver,
    bytes: Vec<u8>,
}

/// What the receiving thread and the consumer share.
struct Shared {
    /// A permit for each byte that may still wait.
    room: Semaphore,
    dropped: AtomicU64,
    refused: AtomicU64,
    stopped: Notify,
}

/// Listens for HEP on a UDP and a TCP port of the same number.
pub struct HepListener {
    arrivals: Receiver<Arrival>,
    current: Option<Arrival>,
    address: SocketAddr,
    info: SourceInfo,
    source: u16,
    frame: u64,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Ends a listener from any thread.
#[derive(Clone)]
pub struct HepStop(Arc<Shared>);

impl HepStop {
    /// Stops listening: the source says what it still has, then `None`.
    pub fn stop(&self) {
        self.0.stopped.notify_one();
    }
}

impl HepListener {
    /// Listens on `address` as source number `source`. Port 0 takes a free one: see [`HepListener::address`].
    ///
    /// # Errors
    /// [`CaptureError::Io`] where either port cannot be had.
    pub fn bind(address: SocketAddr, source: u16) -> Result<HepListener, CaptureError> {
        let failed = |e| CaptureError::io("listen for HEP on", address.to_string(), e);
        let tcp = std::net::TcpListener::bind(address).map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        let udp = std::net::UdpSocket::bind(address).map_err(failed)?;
        tcp.set_nonblocking(true).map_err(failed)?;
        udp.set_nonblocking(true).map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let shared = Arc::new(Shared {
            room: Semaphore::new(MAX_WAITING),
            dropped: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            stopped: Notify::new(),
        });
        let (out, arrivals) = channel();
        let theirs = Arc::clone(&shared);
        let serve = move || {
            runtime.block_on(async {
                // Registering with the runtime fails only where the process has no descriptors left.
                let (Ok(tcp), Ok(udp)) = (TcpListener::from_std(tcp), UdpSocket::from_std(udp)) else { return };
                let datagrams = receive_datagrams(udp, Arc::clone(&theirs), out.clone());
                let connections = accept_connections(tcp, Arc::clone(&theirs), out);
                tokio::select! {
                    () = theirs.stopped.notified() => {}
                    () = datagrams => {}
                    () = connections => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("hep".to_owned()).spawn(serve).map_err(failed)?;
        let info = SourceInfo::new(&address.to_string(), "hep");
        let thread = Some(thread);
        Ok(HepListener { arrivals, current: None, address, info, source, frame: 0, shared, thread })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is known so far. Arrivals are not packets yet: only the caller knows how many HEP packets they hold.
    #[must_use]
    pub fn info(&self) -> &SourceInfo {
        &self.info
    }

    /// Datagrams dropped because too much was waiting.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Connections refused because too many were open.
    #[must_use]
    pub fn refused_connections(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// A handle that ends the listening from another thread.
    #[must_use]
    pub fn stop_handle(&self) -> HepStop {
        HepStop(Arc::clone(&self.shared))
    }
}

impl Source for HepListener {
    fn next_event(&mut self) -> Result<Option<Event<'_>>, CaptureError> {
        let arrival = match self.arrivals.recv_timeout(WAIT) {
            Ok(arrival) => arrival,
            Err(RecvTimeoutError::Timeout) => return Ok(Some(Event::Idle(Timestamp::now()))),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        };
        self.shared.room.add_permits(cost(arrival.bytes.len()) as usize);
        self.frame += 1;
        self.info.bytes += arrival.bytes.len() as u64;
        self.info.first_time.get_or_insert(arrival.time);
        self.info.last_time = Some(arrival.time);
        let arrival = self.current.insert(arrival);
        Ok(Some(Event::Hep(HepBytes {
            time: arrival.time,
            source: self.source,
            frame: self.frame,
            peer: arrival.peer,
            over: arrival.over,
            bytes: &arrival.bytes,
        })))
    }
}

impl Drop for HepListener {
    fn drop(&mut self) {
        self.stop_handle().stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Permits that an arrival of so many bytes takes.
fn cost(bytes: usize) -> u32 {
    u32::try_from(bytes.saturating_add(OVERHEAD)).unwrap_or(u32::MAX)
}

/// Ends when nobody listens to it any more.
async fn receive_datagrams(socket: UdpSocket, shared: Arc<Shared>, out: Sender<Arrival>) {
    let mut buffer = vec![0; 65_536];
    loop {
        // Linux reports an ICMP error of an earlier datagram here; nothing was sent, so nothing is lost.
        let Ok((len, peer)) = socket.recv_from(&mut buffer).await else { continue };
        let Ok(room) = shared.room.try_acquire_many(cost(len)) else {
            shared.dropped.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        room.forget();
        let bytes = buffer.get(..len).unwrap_or(&[]).to_vec();
        let arrival = Arrival { time: Timestamp::now(), peer: peer.into(), over: HepOver::Datagram, bytes };
        if out.send(arrival).is_err() {
            return;
        }
    }
}

async fn accept_connections(listener: TcpListener, shared: Arc<Shared>, out: Sender<Arrival>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut number = 0;
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Without a descriptor left, accepting fails again at once: others must get a turn to close theirs.
            tokio::time::sleep(WAIT).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            shared.refused.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        number += 1;
        let (shared, out) = (Arc::clone(&shared), out.clone());
        tokio::spawn(async move {
            read_connection(stream, peer, number, shared, out).await;
            drop(place);
        });
    }
}

/// Hands over what comes on a connection, reading no faster than the consumer takes it.
async fn read_connection(
    mut stream: TcpStream,
    peer: SocketAddr,
    number: u64,
    shared: Arc<Shared>,
    out: Sender<Arrival>,
) {
    let mut buffer = vec![0; 65_536];
    loop {
        let read = tokio::time::timeout(IDLE, stream.read(&mut buffer)).await;
        let len = match read {
            Ok(Ok(len)) => len,
            _ => 0,
        };
        let Ok(room) = shared.room.acquire_many(cost(len)).await else { return };
        room.forget();
        let over = if len == 0 { HepOver::End(number) } else { HepOver::Stream(number) };
        let bytes = buffer.get(..len).unwrap_or(&[]).to_vec();
        let arrival = Arrival { time: Timestamp::now(), peer: peer.into(), over, bytes };
        if out.send(arrival).is_err() || len == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HepListener, MAX_WAITING};
    use crate::capture::{Event, HepOver, Source};
    use std::io::Write;
    use std::net::{TcpStream, UdpSocket};

    fn listener() -> HepListener {
        HepListener::bind("127.0.0.1:0".parse().unwrap(), 4).unwrap()
    }

    /// The next arrival: how, from which port, and the bytes.
    fn next(listener: &mut HepListener) -> (HepOver, u16, Vec<u8>) {
        for _ in 0..300 {
            match listener.next_event().unwrap().expect("it still listens") {
                Event::Hep(hep) => {
                    assert_eq!(hep.source, 4);
                    return (hep.over, hep.peer.port, hep.bytes.to_vec());
                }
                _ => continue,
            }
        }
        panic!("nothing came in 30 s");
    }

    #[test]
    fn datagrams_and_connections_arrive_with_their_peer() {
        let mut listener = listener();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.send_to(b"HEP3 one", listener.address()).unwrap();
        let from = udp.local_addr().unwrap().port();
        assert_eq!(next(&mut listener), (HepOver::Datagram, from, b"HEP3 one".to_vec()));
        let mut tcp = TcpStream::connect(listener.address()).unwrap();
        let from = tcp.local_addr().unwrap().port();
        tcp.write_all(b"HEP3 two").unwrap();
        assert_eq!(next(&mut listener), (HepOver::Stream(1), from, b"HEP3 two".to_vec()));
        drop(tcp);
        assert_eq!(next(&mut listener), (HepOver::End(1), from, Vec::new()));
        listener.stop_handle().stop();
        while listener.next_event().unwrap().is_some() {}
        assert_eq!((listener.dropped(), listener.info().bytes), (0, 16));
    }

    #[test]
    fn a_connection_faster_than_the_consumer_waits_and_loses_nothing() {
        let mut listener = listener();
        let address = listener.address();
        let total = MAX_WAITING + (8 << 20);
        let sender = std::thread::spawn(move || {
            let mut tcp = TcpStream::connect(address).unwrap();
            for n in 0..(total >> 20) {
                tcp.write_all(&vec![n as u8; 1 << 20]).unwrap();
            }
        });
        let mut received = 0;
        loop {
            let (over, _, bytes) = next(&mut listener);
            for byte in &bytes {
                assert_eq!(*byte, (received >> 20) as u8);
                received += 1;
            }
            if over == HepOver::End(1) {
                break;
            }
        }
        sender.join().unwrap();
        assert_eq!(received, total);
    }

    #[test]
    fn a_port_in_use_is_told() {
        let first = listener();
        let error = HepListener::bind(first.address(), 0).err().unwrap().to_string();
        assert_eq!(error, format!("cannot listen for HEP on {}: Address already in use", first.address()));
    }
}
