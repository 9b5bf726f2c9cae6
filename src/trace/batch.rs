//! What passes from the intake to the tracer: messages with their outlines, media packets, errors, in order of time.

use super::description::Descriptions;
use super::facts::{KeptField, Transport};
use super::incident::Incident;
use super::keys::{Keys, is_kept};
use crate::base::{Endpoint, Flow, Timestamp};
use crate::media::{SdpFacts, rtp};
use crate::sip::check::{Known, defects_beside};
use crate::sip::{Defect, Message, Outline, recognise};

/// A batch is handed over when it holds this many bytes …
const FULL_BYTES: usize = 96 * 1024;
/// … or this many items.
const FULL_ITEMS: usize = 1024;

/// Where and when something was seen.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// When.
    pub time: Timestamp,
    /// When it reached us: what the trace ages by. Differs where a mirroring protocol (HEP) says when it was.
    pub seen: Timestamp,
    /// Number of the source.
    pub source: u16,
    /// Frame in which it ended.
    pub frame: u64,
    /// From where to where.
    pub flow: Flow,
    /// IP identification; 0 where unknown.
    pub ip_id: u32,
    /// Whether the snap length cut it.
    pub cut: bool,
    /// Whether it came in IP fragments.
    pub fragmented: bool,
    /// Whether a mirroring protocol (HEP) brought it.
    pub mirrored: bool,
}

/// A SIP message as the tracer takes it in.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// Where and when.
    pub sight: Sight,
    /// How it travelled.
    pub transport: Transport,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Where its parts stand.
    pub outline: &'a Outline,
    /// What it is found by.
    pub keys: Keys,
    /// The header fields that are kept of it; values are spans of the message.
    pub kept: &'a [KeptField],
    /// Its session description.
    pub sdp: Option<&'a SdpFacts>,
}

/// One RTP packet.
#[derive(Clone, Copy, Debug)]
pub struct RtpSeen {
    /// Where and when.
    pub sight: Sight,
    /// Its header.
    pub header: rtp::Header,
    /// First four bytes of the payload: a telephone-event where it is one. RFC 4733 §2.3
    pub head: [u8; 4],
}

/// An ICMP error that quotes a datagram.
#[derive(Clone, Copy, Debug)]
pub struct IcmpSeen {
    /// Where and when; `flow.src` sent the error.
    pub sight: Sight,
    /// Addresses and ports of the datagram that is quoted.
    pub quoted: Flow,
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// Whether it is ICMPv6.
    pub v6: bool,
}

/// Where in a batch stands what was read of a message.
#[derive(Clone, Copy, Default, Debug)]
struct Read {
    outline: u32,
    keys: Keys,
    kept: (u32, u32),
    sdp: Option<u32>,
}

/// What was read of messages. Its memory serves the next ones.
#[derive(Debug, Default)]
struct Readings {
    outlines: Vec<Outline>,
    outlines_used: usize,
    kept: Vec<KeptField>,
    sdps: Descriptions,
}

impl Readings {
    /// Reads a message, lets `examine` look at it, and notes what its conversation wants to know; `None` where the bytes are not SIP.
    fn read(&mut self, message: &[u8], cut: bool, examine: impl FnOnce(&mut Outline)) -> Option<Read> {
        if self.outlines_used == self.outlines.len() {
            self.outlines.push(Outline::default());
        }
        let outline = self.outlines.get_mut(self.outlines_used)?;
        let is_sip = if cut { outline.read_cut(message) } else { outline.read(message) };
        if !is_sip {
            return None;
        }
        examine(outline);
        let from = self.kept.len() as u32;
        let fields = outline.fields.iter().filter(|f| is_kept(f.name));
        self.kept.extend(fields.map(|f| KeptField { name: f.name, value: f.value }));
        let keys = Keys::of(message, outline);
        self.outlines_used += 1;
        let kept = (from, self.kept.len() as u32);
        Some(Read { outline: self.outlines_used as u32 - 1, keys, kept, sdp: self.sdps.read(message, &keys) })
    }

    fn clear(&mut self) {
        self.outlines_used = 0;
        self.kept.clear();
        self.sdps.clear();
    }
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Message { sight: Sight, transport: Transport, start: u32, end: u32, read: Read },
    Rtp(RtpSeen),
    Rtcp { sight: Sight, start: u32, end: u32 },
    Icmp { seen: IcmpSeen, start: u32, end: u32 },
    Incident { at: u32, start: u32, end: u32 },
}

/// What the tracer takes from a batch, one by one.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A SIP message.
    Message(Observed<'a>),
    /// An RTP packet.
    Rtp(RtpSeen),
    /// An RTCP packet, whole.
    Rtcp(Sight, &'a [u8]),
    /// An ICMP error, with what it quotes of the payload.
    Icmp(IcmpSeen, &'a [u8]),
    /// Something beside messages, with what there is of the message that it concerns.
    Incident(&'a Incident, &'a [u8]),
}

/// Messages from the start of an input whose whole grammar is looked at …
const EXAMINED: u64 = 20_000;
/// … and then every so many, so that a long capture costs little more than its reading.
const EXAMINED_THEN: u64 = 32;

/// Looks at the whole grammar of messages, where reading looks only at what decoding needs.
#[derive(Debug, Default)]
pub struct Examiner {
    known: Known,
    found: Vec<Defect>,
    seen: u64,
}

impl Examiner {
    /// Whether the next message is one to look at.
    fn wants_next(&mut self) -> bool {
        self.seen += 1;
        self.seen <= EXAMINED || self.seen.is_multiple_of(EXAMINED_THEN)
    }

    fn examine(&mut self, message: &[u8], outline: &mut Outline) {
        self.found.clear();
        defects_beside(&mut self.known, &Message::new(message, outline), &mut self.found);
        if self.found.len() > outline.defects.len() {
            outline.defects.clear();
            outline.defects.extend_from_slice(&self.found);
        }
    }
}

/// An ordered run of events with the bytes they need. Cleared and filled again without allocating.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    items: Vec<Item>,
    readings: Readings,
    incidents: Vec<Incident>,
    /// Messages that were taken in unread, each with its item and whether it is to be examined.
    unread: Vec<(u32, bool)>,
    /// Whether the next messages are only recognised and copied when they are taken in, and read by [`Batch::read_rest`].
    pub leaves_reading: bool,
    /// Packets that were read to fill it.
    pub packets: u64,
    /// Time of the last packet that was read.
    pub last_time: Timestamp,
    /// The clock of a live source from which nothing came for a while.
    pub quiet_at: Option<Timestamp>,
}

impl Batch {
    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
        self.readings.clear();
        self.incidents.clear();
        self.unread.clear();
        self.leaves_reading = false;
        self.packets = 0;
        self.quiet_at = None;
    }

    /// Whether it should be handed over.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BYTES || self.items.len() >= FULL_ITEMS
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Takes a message in; `false` (and nothing taken) where the bytes are not SIP.
    pub fn message(&mut self, sight: Sight, transport: Transport, message: &[u8], examiner: &mut Examiner) -> bool {
        let read = if self.leaves_reading {
            if !recognise::is_sip(message) {
                return false;
            }
            self.unread.push((self.items.len() as u32, examiner.wants_next()));
            Read::default()
        } else {
            let examine = |outline: &mut Outline| {
                if examiner.wants_next() {
                    examiner.examine(message, outline);
                }
            };
            let Some(read) = self.readings.read(message, sight.cut, examine) else { return false };
            read
        };
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(message);
        self.items.push(Item::Message { sight, transport, start, end: self.bytes.len() as u32, read });
        true
    }

    /// Reads the messages that were only taken in: see [`Batch::leaves_reading`]. What comes of them is the same, whoever reads them.
    pub fn read_rest(&mut self, examiner: &mut Examiner) {
        for &(at, examines) in &self.unread {
            let Some(Item::Message { sight, start, end, read, .. }) = self.items.get_mut(at as usize) else { continue };
            let Some(message) = self.bytes.get(*start as usize..*end as usize) else { continue };
            let examine = |outline: &mut Outline| {
                if examines {
                    examiner.examine(message, outline);
                }
            };
            // It was recognised when it was taken in.
            *read = self.readings.read(message, sight.cut, examine).unwrap_or_default();
        }
        self.unread.clear();
    }

    /// Takes an RTP packet in.
    pub fn rtp(&mut self, seen: RtpSeen) {
        self.items.push(Item::Rtp(seen));
    }

    /// Takes an RTCP packet in.
    pub fn rtcp(&mut self, sight: Sight, packet: &[u8]) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(packet);
        self.items.push(Item::Rtcp { sight, start, end: self.bytes.len() as u32 });
    }

    /// Takes an ICMP error in.
    pub fn icmp(&mut self, seen: IcmpSeen, quoted: &[u8]) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(quoted);
        self.items.push(Item::Icmp { seen, start, end: self.bytes.len() as u32 });
    }

    /// Takes an incident in, with what there is of the message that it concerns.
    pub fn incident(&mut self, incident: Incident, head: &[u8]) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(head);
        self.items.push(Item::Incident { at: self.incidents.len() as u32, start, end: self.bytes.len() as u32 });
        self.incidents.push(incident);
    }

    /// The keys of its messages, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Keys> {
        self.items.iter().filter_map(|item| if let Item::Message { read, .. } = item { Some(&read.keys) } else { None })
    }

    /// Everything in it, in order.
    pub fn events(&self) -> impl Iterator<Item = Event<'_>> {
        self.items.iter().filter_map(|item| {
            let cut = |start: u32, end: u32| self.bytes.get(start as usize..end as usize);
            Some(match *item {
                Item::Message { sight, transport, start, end, read } => Event::Message(Observed {
                    sight,
                    transport,
                    bytes: cut(start, end)?,
                    outline: self.readings.outlines.get(read.outline as usize)?,
                    keys: read.keys,
                    kept: self.readings.kept.get(read.kept.0 as usize..read.kept.1 as usize)?,
                    sdp: self.readings.sdps.at(read.sdp),
                }),
                Item::Rtp(seen) => Event::Rtp(seen),
                Item::Rtcp { sight, start, end } => Event::Rtcp(sight, cut(start, end)?),
                Item::Icmp { seen, start, end } => Event::Icmp(seen, cut(start, end)?),
                Item::Incident { at, start, end } => {
                    Event::Incident(self.incidents.get(at as usize)?, cut(start, end)?)
                }
            })
        })
    }
}

impl IcmpSeen {
    /// Who could not be reached.
    #[must_use]
    pub fn unreachable(&self) -> Endpoint {
        self.quoted.dst
    }
}

#[cfg(test)]
mod tests;
