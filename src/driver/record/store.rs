//! Where recorded packets go: into the file, and into memory until they are decoded.

use crate::base::Timestamp;
use crate::capture::{CaptureError, Writer, WriterOptions};
use crate::net::{LinkType, Packet};

/// Bytes that may wait to be decoded.
pub const MEMORY: usize = 64 << 20;

/// What was recorded, in order.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A packet.
    Packet(Packet<'a>),
    /// Lines of a TLS key log.
    Secrets(&'a [u8]),
}

/// A place in the bytes that wait.
#[derive(Clone, Copy)]
struct Kept {
    /// `None` for secrets.
    time: Option<Timestamp>,
    end: usize,
}

/// The file and the memory.
pub struct Store {
    writer: Option<Writer>,
    /// Why the file is not complete.
    failed: Option<CaptureError>,
    keeps: bool,
    bytes: Vec<u8>,
    kept: Vec<Kept>,
    packets: u64,
    let_go: u64,
    holds_keys: bool,
}

impl Store {
    /// A store that writes to `path`, keeps packets for decoding, or both.
    ///
    /// # Errors
    /// Where the file cannot be created.
    pub fn new(path: Option<&str>, keeps: bool) -> Result<Self, CaptureError> {
        let writer = path.map(|path| Writer::create(path, WriterOptions::default())).transpose()?;
        Ok(Store {
            writer,
            failed: None,
            keeps,
            bytes: Vec::new(),
            kept: Vec::new(),
            packets: 0,
            let_go: 0,
            holds_keys: false,
        })
    }

    /// Takes a packet.
    pub fn packet(&mut self, time: Timestamp, packet: &[u8]) {
        self.packets += 1;
        if self.keeps && !self.keep(Some(time), packet) {
            self.let_go += 1;
        }
        let packet = packet_of(time, self.packets, packet);
        self.write(|writer| writer.write_packet(&packet));
    }

    /// Takes lines of a key log, which open what follows.
    pub fn secrets(&mut self, lines: &[u8]) {
        self.holds_keys = true;
        if self.keeps {
            self.keep(None, lines);
        }
        self.write(|writer| writer.write_secrets(lines));
    }

    fn keep(&mut self, time: Option<Timestamp>, bytes: &[u8]) -> bool {
        let weight = (self.kept.len() + 1) * size_of::<Kept>() + self.bytes.len() + bytes.len();
        // What follows a gap would be decoded wrongly: once one had to go, all go.
        if weight > MEMORY || self.let_go > 0 {
            return false;
        }
        self.bytes.extend_from_slice(bytes);
        self.kept.push(Kept { time, end: self.bytes.len() });
        true
    }

    fn write(&mut self, write: impl FnOnce(&mut Writer) -> Result<(), CaptureError>) {
        if let Some(writer) = &mut self.writer
            && let Err(error) = write(writer)
        {
            self.failed = Some(error);
            self.writer = None;
        }
    }

    /// Everything that is kept.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        let (mut start, mut frame) = (0, 0);
        self.kept.iter().filter_map(move |kept| {
            let bytes = self.bytes.get(start..kept.end)?;
            start = kept.end;
            Some(match kept.time {
                None => Item::Secrets(bytes),
                Some(time) => {
                    frame += 1;
                    Item::Packet(packet_of(time, frame, bytes))
                }
            })
        })
    }

    /// Gives the memory back.
    pub fn forget(&mut self) {
        self.bytes = Vec::new();
        self.kept = Vec::new();
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The first that went wrong with it.
    pub fn close(&mut self) -> Result<(), CaptureError> {
        let closed = self.writer.take().map_or(Ok(()), Writer::close);
        self.failed.take().map_or(closed, Err)
    }

    /// Packets taken.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Packets that could not be kept for decoding.
    pub fn let_go(&self) -> u64 {
        self.let_go
    }

    /// Whether secrets were taken.
    pub fn holds_keys(&self) -> bool {
        self.holds_keys
    }
}

fn packet_of(time: Timestamp, frame: u64, data: &[u8]) -> Packet<'_> {
    let original_len = u32::try_from(data.len()).unwrap_or(u32::MAX);
    Packet { time, source: 0, frame, link: LinkType::RAW_IP, data, original_len }
}
