//! The media of a call, joined to its sockets and the clock.
//!
//! A [`Media`] is a task of its own: it sends at absolute instants whatever else happens on the thread, and takes what comes.
//! Whoever leads the call tells it what was agreed, and asks for its report at any time.

pub mod clock;
pub mod ports;
pub mod relay;
pub mod wav;

#[cfg(test)]
mod tests;

pub use clock::Clock;
pub use ports::{PortRange, Ports};
pub use relay::{Passed, Relay, Relayed, Relays, Side};
pub use wav::{Recording, WavError, read_wav};

use crate::base::{Entropy, Timestamp};
use crate::media::negotiator::{Agreed, Local};
use crate::media::session::{Channel, MediaReport, MediaSession, Settings, Transmit};
use crate::transport::{Tap, Wire};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Longest datagram that is taken: media is far shorter.
const INBOX: usize = 2048;
/// Receive errors in a row after which a socket is given up.
const ERRORS: u32 = 1000;

/// What the task and its owner share.
struct Shared {
    clock: Clock,
    session: Mutex<MediaSession>,
    changed: Notify,
    over: AtomicBool,
    unsent: AtomicU64,
}

impl Shared {
    /// A panic elsewhere while the lock was held leaves counts that may be off by one, and nothing worse.
    fn session(&self) -> MutexGuard<'_, MediaSession> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a call's media ended.
#[derive(Debug)]
pub struct Ended {
    /// What it came to.
    pub report: MediaReport,
    /// Packets that the system would not send.
    pub unsent: u64,
    /// Why the recording is not whole, if it is not.
    pub recording: Option<WavError>,
}

/// The media of one call, as it runs. Dropped, it stops at once, without a leave.
pub struct Media {
    shared: Arc<Shared>,
    task: JoinHandle<Option<WavError>>,
    local: Local,
}

impl Media {
    /// Starts: what comes is taken from now on, and sent is what [`Media::agree`] allows. Needs a runtime.
    pub fn start(
        ports: Ports,
        settings: Settings,
        clock: Clock,
        tap: Option<Arc<dyn Tap>>,
        recording: Option<Recording>,
        entropy: &mut Entropy,
    ) -> Media {
        let settings = Settings { records: recording.is_some(), ..settings };
        let shared = Arc::new(Shared {
            clock,
            session: Mutex::new(MediaSession::new(settings, entropy)),
            changed: Notify::new(),
            over: AtomicBool::new(false),
            unsent: AtomicU64::new(0),
        });
        let local = ports.local();
        let worker = Worker { shared: Arc::clone(&shared), ports, tap, recording, failed: None, out: Vec::new() };
        Media { shared, task: tokio::spawn(worker.run()), local }
    }

    /// Where media is received, for the description.
    #[must_use]
    pub fn local(&self) -> Local {
        self.local
    }

    /// Offer and answer came to this, for the first time or anew.
    pub fn agree(&self, agreed: &Agreed) {
        let now = self.shared.clock.now();
        self.shared.session().agree(now, agreed);
        self.shared.changed.notify_one();
    }

    /// Queues digits; returns how many were taken. See [`MediaSession::press`].
    pub fn press(&self, digits: &str) -> usize {
        self.shared.session().press(digits)
    }

    /// A digit came by signalling. See [`MediaSession::signal`].
    pub fn signal(&self, digit: char) {
        self.shared.session().signal(digit);
    }

    /// Whether every digit was sent.
    #[must_use]
    pub fn has_pressed(&self) -> bool {
        self.shared.session().has_pressed()
    }

    /// What it came to so far.
    #[must_use]
    pub fn report(&self) -> MediaReport {
        self.shared.session().report()
    }

    /// The call is over: the leave goes out and nothing more is sent; what still comes is taken until [`Media::end`].
    pub fn leave(&self) {
        let now = self.shared.clock.now();
        self.shared.session().leave(now);
        self.shared.changed.notify_one();
    }

    /// Ends it: the leave goes out, the recording is closed.
    pub async fn end(mut self) -> Ended {
        self.leave();
        self.shared.over.store(true, Ordering::Relaxed);
        self.shared.changed.notify_one();
        let recording = (&mut self.task).await.ok().flatten();
        let report = self.shared.session().report();
        Ended { report, unsent: self.shared.unsent.load(Ordering::Relaxed), recording }
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the task has for itself.
struct Worker {
    shared: Arc<Shared>,
    ports: Ports,
    tap: Option<Arc<dyn Tap>>,
    recording: Option<Recording>,
    failed: Option<WavError>,
    out: Vec<u8>,
}

/// What woke the task.
enum Event {
    Time,
    Came(Channel, std::io::Result<(usize, SocketAddr)>),
}

impl Worker {
    async fn run(mut self) -> Option<WavError> {
        let (mut rtp_inbox, mut rtcp_inbox) = ([0; INBOX], [0; INBOX]);
        let mut errors = 0;
        loop {
            self.send().await;
            if self.shared.over.load(Ordering::Relaxed) || errors > ERRORS {
                break;
            }
            let wake = self.shared.session().poll_timeout().map(|at| self.shared.clock.instant(at));
            let sleep = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                biased;
                () = sleep => Event::Time,
                () = self.shared.changed.notified() => Event::Time,
                came = self.ports.rtp.recv_from(&mut rtp_inbox) => Event::Came(Channel::Rtp, came),
                came = self.ports.rtcp.recv_from(&mut rtcp_inbox) => Event::Came(Channel::Rtcp, came),
            };
            match event {
                Event::Time => {}
                Event::Came(_, Err(_)) => errors += 1,
                Event::Came(channel, Ok((length, from))) => {
                    errors = 0;
                    let inbox = if channel == Channel::Rtp { &rtp_inbox } else { &rtcp_inbox };
                    self.take(channel, from, inbox.get(..length).unwrap_or_default());
                }
            }
        }
        self.close()
    }

    fn take(&mut self, channel: Channel, from: SocketAddr, bytes: &[u8]) {
        self.tell(from, self.address(channel), bytes);
        let now = self.shared.clock.now();
        let mut session = self.shared.session();
        match channel {
            Channel::Rtp => session.handle_rtp(now, from, bytes),
            Channel::Rtcp => session.handle_rtcp(now, from, bytes),
        }
        if let Some(recording) = &mut self.recording {
            let samples = session.take_recording();
            drop(session);
            if let Err(error) = recording.write(&samples) {
                (self.recording, self.failed) = (None, Some(error));
            }
        }
    }

    /// Sends all that is due.
    async fn send(&mut self) {
        let mut out = std::mem::take(&mut self.out);
        loop {
            let now = self.shared.clock.now();
            let Some(Transmit { channel, to }) = self.shared.session().poll_transmit(now, &mut out) else { break };
            match self.socket(channel).send_to(&out, to).await {
                Ok(_) => self.tell(self.address(channel), to, &out),
                Err(_) => {
                    self.shared.unsent.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        self.out = out;
    }

    fn tell(&self, src: SocketAddr, dst: SocketAddr, bytes: &[u8]) {
        if let Some(tap) = &self.tap {
            tap.wire(SystemTime::now(), Wire::Datagram { src, dst, bytes });
        }
    }

    fn socket(&self, channel: Channel) -> &UdpSocket {
        if channel == Channel::Rtp { &self.ports.rtp } else { &self.ports.rtcp }
    }

    fn address(&self, channel: Channel) -> SocketAddr {
        let local = self.ports.local();
        SocketAddr::new(local.address, if channel == Channel::Rtp { local.rtp } else { local.rtcp })
    }

    fn close(mut self) -> Option<WavError> {
        let ended = self.recording.take().and_then(|recording| recording.close().err());
        self.failed.or(ended)
    }
}

/// How long after `earlier` something was; `None` where one of them is not known or they are the wrong way round.
#[must_use]
pub fn took(earlier: Option<Timestamp>, later: Option<Timestamp>) -> Option<Duration> {
    let ns = later?.since(earlier?);
    u64::try_from(ns).ok().map(Duration::from_nanos)
}
