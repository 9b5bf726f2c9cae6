//! Packets from a network device, read by a thread of their own.
//!
//! The thread only copies: packets go in batches through a bounded channel, so that a slow consumer makes the kernel's
//! buffer fill, and what does not fit there is counted by the kernel ([`LiveStats::dropped`]).

use super::filter::{link_type, widen};
use super::{CaptureError, Event, Source, SourceInfo, libpcap};
use crate::base::Timestamp;
use crate::net::{LinkType, Packet};
use pcap::{Active, BreakLoop, Capture};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the kernel may hold packets back, and a consumer waits for some.
const WAIT: Duration = Duration::from_millis(100);
/// So many batches may wait for the consumer, each a block of the kernel's: about a quarter of a MiB.
const QUEUE: usize = 32;

/// A device that packets can be captured from.
#[derive(Clone, Debug)]
pub struct Device {
    /// What `-i` takes.
    pub name: String,
    /// libpcap's words for it.
    pub description: Option<String>,
    /// Its IP addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is up.
    pub up: bool,
    /// Whether it is running: there is a carrier.
    pub running: bool,
    /// Whether it is a loopback device.
    pub loopback: bool,
    /// Whether it is wireless.
    pub wireless: bool,
}

/// The devices of this machine as libpcap lists them, the likeliest first.
///
/// # Errors
/// [`CaptureError::NoLibpcap`], or [`CaptureError::Device`] where libpcap cannot list them.
pub fn devices() -> Result<Vec<Device>, CaptureError> {
    libpcap::load()?;
    let list = pcap::Device::list().map_err(|e| CaptureError::Device {
        operation: "list",
        device: "(all)".to_owned(),
        cause: plain(e),
    })?;
    let device = |d: pcap::Device| Device {
        up: d.flags.is_up(),
        running: d.flags.is_running(),
        loopback: d.flags.is_loopback(),
        wireless: d.flags.is_wireless(),
        name: d.name,
        description: d.desc,
        addresses: d.addresses.into_iter().map(|a| a.addr).collect(),
    };
    Ok(list.into_iter().map(device).collect())
}

/// How to capture.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// The device's name; `any` for all of them.
    pub device: String,
    /// Bytes kept of each packet.
    pub snaplen: u32,
    /// Size of the kernel's buffer in MiB.
    pub buffer_mb: u32,
    /// Whether packets for others are wanted too.
    pub promiscuous: bool,
    /// A BPF expression that the kernel applies.
    pub filter: Option<String>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        LiveOptions { device: "any".to_owned(), snaplen: 262_144, buffer_mb: 64, promiscuous: true, filter: None }
    }
}

/// What the kernel counted since the capture began.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct LiveStats {
    /// Packets that passed the filter.
    pub received: u64,
    /// Packets lost because the buffer was full.
    pub dropped: u64,
    /// Packets lost by the device or its driver.
    pub if_dropped: u64,
}

/// Counters that the reading thread keeps up to date.
#[derive(Default)]
struct Shared {
    received: AtomicU64,
    dropped: AtomicU64,
    if_dropped: AtomicU64,
    stopped: AtomicBool,
}

/// Stops a live capture from any thread, within about 100 ms.
#[derive(Clone)]
pub struct StopHandle {
    shared: Arc<Shared>,
    breakloop: Arc<BreakLoop>,
}

impl StopHandle {
    /// Ends the capture: the source says what it still has, then `None`.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.breakloop.breakloop();
    }
}

/// Packets one behind the other, with where each begins.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    packets: Vec<Header>,
}

#[derive(Clone, Copy)]
struct Header {
    time: Timestamp,
    at: usize,
    len: usize,
    original_len: u32,
}

impl Batch {
    /// Copies a packet. `unit` is what a unit of its sub-second field is in nanoseconds.
    fn push(&mut self, packet: &pcap::Packet<'_>, unit: i64) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(packet.data);
        let (seconds, fraction) = (packet.header.ts.tv_sec, packet.header.ts.tv_usec);
        let time = Timestamp(seconds.saturating_mul(1_000_000_000).saturating_add(fraction.saturating_mul(unit)));
        let original_len = packet.header.len.max(packet.header.caplen);
        self.packets.push(Header { time, at, len: packet.data.len(), original_len });
    }
}

type Filled = Result<Batch, CaptureError>;

/// A device as a source.
pub struct LiveSource {
    filled: Receiver<Filled>,
    empty: SyncSender<Batch>,
    batch: Batch,
    next: usize,
    info: SourceInfo,
    link: LinkType,
    source: u16,
    shared: Arc<Shared>,
    breakloop: Arc<BreakLoop>,
    widened: Option<String>,
    thread: Option<JoinHandle<()>>,
    done: bool,
}

impl LiveSource {
    /// Opens the device as source number `source` and begins to capture.
    ///
    /// # Errors
    /// [`CaptureError::NoLibpcap`], [`CaptureError::NotPermitted`], [`CaptureError::NoSuchDevice`],
    /// [`CaptureError::Filter`], or [`CaptureError::Device`] for anything else.
    pub fn open(options: &LiveOptions, source: u16) -> Result<LiveSource, CaptureError> {
        libpcap::load()?;
        let device = options.device.as_str();
        let failed = |e| open_error(e, device);
        let mut capture = Capture::from_device(device)
            .map_err(failed)?
            .snaplen(i32::try_from(options.snaplen).unwrap_or(i32::MAX))
            .buffer_size(i32::try_from(options.buffer_mb.clamp(1, 1024) << 20).unwrap_or(i32::MAX))
            .promisc(options.promiscuous)
            .timeout(WAIT.as_millis() as i32)
            .immediate_mode(false)
            .precision(pcap::Precision::Nano)
            .open()
            .map_err(failed)?;
        let widened = match &options.filter {
            Some(expression) => apply_filter(&mut capture, expression)?,
            None => None,
        };
        let link = link_type(capture.get_datalink().0);
        let shared = Arc::new(Shared::default());
        let breakloop = Arc::new(capture.breakloop_handle());
        let (send_filled, filled) = sync_channel(QUEUE);
        let (empty, take_empty) = sync_channel(QUEUE);
        let reader = Reader {
            unit: if libpcap::has_nanoseconds(&capture) { 1 } else { 1000 },
            capture,
            device: device.to_owned(),
            shared: Arc::clone(&shared),
            filled: send_filled,
            empty: take_empty,
            counted: [0; 3],
        };
        let thread = std::thread::Builder::new()
            .name("capture".to_owned())
            .spawn(move || reader.run())
            .map_err(|e| CaptureError::io("start a thread for", device, e))?;
        Ok(LiveSource {
            filled,
            empty,
            batch: Batch::default(),
            next: 0,
            info: SourceInfo::new(device, "device"),
            link,
            source,
            shared,
            breakloop,
            widened,
            thread: Some(thread),
            done: false,
        })
    }

    /// What is known of the capture so far.
    #[must_use]
    pub fn info(&self) -> &SourceInfo {
        &self.info
    }

    /// The device's link type.
    #[must_use]
    pub fn link_type(&self) -> LinkType {
        self.link
    }

    /// The filter as it was widened so that IP fragments are not lost; `None` where it was applied as given.
    #[must_use]
    pub fn widened_filter(&self) -> Option<&str> {
        self.widened.as_deref()
    }

    /// What the kernel counted, as of the last packet; exact once the source has ended.
    #[must_use]
    pub fn stats(&self) -> LiveStats {
        LiveStats {
            received: self.shared.received.load(Ordering::Relaxed),
            dropped: self.shared.dropped.load(Ordering::Relaxed),
            if_dropped: self.shared.if_dropped.load(Ordering::Relaxed),
        }
    }

    /// A handle that ends the capture from another thread or a signal's task.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle { shared: Arc::clone(&self.shared), breakloop: Arc::clone(&self.breakloop) }
    }
}

impl Source for LiveSource {
    fn next_event(&mut self) -> Result<Option<Event<'_>>, CaptureError> {
        while self.next >= self.batch.packets.len() {
            if self.done {
                return Ok(None);
            }
            let mut used = std::mem::take(&mut self.batch);
            self.next = 0;
            if used.bytes.capacity() > 0 {
                used.bytes.clear();
                used.packets.clear();
                // No room means that there are spares enough.
                let _ = self.empty.try_send(used);
            }
            match self.filled.recv_timeout(WAIT) {
                Ok(Ok(batch)) => self.batch = batch,
                Ok(Err(e)) => {
                    self.done = true;
                    return Err(e);
                }
                Err(RecvTimeoutError::Timeout) => return Ok(Some(Event::Idle(Timestamp::now()))),
                Err(RecvTimeoutError::Disconnected) => self.done = true,
            }
        }
        let Some(&header) = self.batch.packets.get(self.next) else { return Ok(None) };
        self.next += 1;
        self.info.count(self.link, header.len, Some(header.time));
        Ok(Some(Event::Packet(Packet {
            time: header.time,
            source: self.source,
            frame: self.info.packets,
            link: self.link,
            data: self.batch.bytes.get(header.at..header.at.saturating_add(header.len)).unwrap_or(&[]),
            original_len: header.original_len,
        })))
    }
}

impl Drop for LiveSource {
    fn drop(&mut self) {
        self.stop_handle().stop();
        // The thread may wait for room in the channel: without a receiver it ends at once.
        self.filled = sync_channel(0).1;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The reading thread.
struct Reader {
    capture: Capture<Active>,
    device: String,
    /// What a unit of the sub-second field is in nanoseconds.
    unit: i64,
    shared: Arc<Shared>,
    filled: SyncSender<Filled>,
    empty: Receiver<Batch>,
    /// The kernel's 32-bit counters as last seen, so that their overflow is not a loss.
    counted: [u32; 3],
}

impl Reader {
    fn run(mut self) {
        let mut batch = Batch::default();
        while !self.shared.stopped.load(Ordering::Relaxed) {
            let unit = self.unit;
            // One of the kernel's blocks a call: on a quiet device it waits until the block with the next packet is
            // 100 ms old, so what is read must go at once.
            let read = self.capture.dispatch(None, |packet| batch.push(&packet, unit));
            self.count();
            if !batch.packets.is_empty() && !self.hand_over(&mut batch) {
                return;
            }
            match read {
                Err(e) if !self.shared.stopped.load(Ordering::Relaxed) => {
                    let device = self.device;
                    let error = CaptureError::Device { operation: "read from", device, cause: plain(e) };
                    let _ = self.filled.send(Err(error));
                    return;
                }
                _ => {}
            }
        }
        self.count();
    }

    /// Gives the batch to the consumer and takes an empty one. `false` where there is no consumer any more.
    fn hand_over(&mut self, batch: &mut Batch) -> bool {
        let spare = self.empty.try_recv().unwrap_or_default();
        match self.filled.try_send(Ok(std::mem::replace(batch, spare))) {
            Ok(()) => true,
            Err(TrySendError::Full(filled)) => self.filled.send(filled).is_ok(),
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    /// Adds what the kernel counted since the last time.
    fn count(&mut self) {
        let Ok(now) = self.capture.stats() else { return };
        let targets = [&self.shared.received, &self.shared.dropped, &self.shared.if_dropped];
        for ((target, before), now) in
            targets.into_iter().zip(&mut self.counted).zip([now.received, now.dropped, now.if_dropped])
        {
            target.fetch_add(u64::from(now.wrapping_sub(*before)), Ordering::Relaxed);
            *before = now;
        }
    }
}

/// Sets the filter, widened where that has a meaning for the device; returns the widened text.
fn apply_filter(capture: &mut Capture<Active>, expression: &str) -> Result<Option<String>, CaptureError> {
    if let Some(widened) = widen(expression)
        && capture.filter(&widened, true).is_ok()
    {
        return Ok(Some(widened));
    }
    let failed = |e| CaptureError::Filter { expression: expression.to_owned(), cause: plain(e) };
    capture.filter(expression, true).map_err(failed).map(|()| None)
}

/// Tells the failures that a person can mend from the others. libpcap has numbers for them, the `pcap` crate only words.
fn open_error(error: pcap::Error, device: &str) -> CaptureError {
    let cause = plain(error);
    let lower = cause.to_lowercase();
    let device = device.to_owned();
    if lower.contains("permission") || lower.contains("not permitted") {
        return CaptureError::NotPermitted { device };
    }
    if lower.contains("no such device") || lower.contains("doesn't exist") || lower.contains("no such file") {
        let known: Vec<String> = devices().unwrap_or_default().into_iter().map(|d| d.name).collect();
        return CaptureError::NoSuchDevice { device, known: known.join(", ") };
    }
    CaptureError::Device { operation: "open", device, cause }
}

/// libpcap's words without what the `pcap` crate puts before them, in one line.
pub(super) fn plain(error: pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(words) => words.trim().replace('\n', " "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
