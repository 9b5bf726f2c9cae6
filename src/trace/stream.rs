//! Media streams: RTP packets put together by flow and SSRC, and joined to the calls whose SDP announced where they go.

use super::batch::{IcmpSeen, RtpSeen, Sight};
use super::call;
use super::conversation::{Conversation, Unreachable};
use super::shelf::{Place, Shelf};
use crate::base::{Endpoint, Flow, Table, Timestamp};
use crate::media::codec::Codec;
use crate::media::facts::MediaFacts;
use crate::media::{dtmf, rtcp, rtp};
use std::collections::HashMap;

/// One RTP stream in one direction.
#[derive(Clone, Debug)]
pub struct MediaStream {
    /// 1, 2, … in the order in which streams were recognised; 0 before.
    pub id: u64,
    /// Number of its call; `None` for an orphan.
    pub call: Option<u64>,
    /// From where to where.
    pub flow: Flow,
    /// Time of its first packet.
    pub start: Timestamp,
    /// Loss, jitter, gaps.
    pub receiver: rtp::Receiver,
    /// Digits.
    pub dtmf: dtmf::Collector,
    /// What the payload types mean, as SDP says.
    pub payloads: Payloads,
    /// Whether the caller receives it; `None` for an orphan.
    pub to_caller: Option<bool>,
    /// RTCP packets that spoke of it.
    pub rtcp_packets: u64,
    /// Last fraction lost that its receiver reported, of 256. RFC 3550 §6.4.1
    pub reported_loss: Option<u8>,
    /// The last report of its receiver. RFC 3550 §6.4.1
    pub report: Option<rtcp::Report>,
    /// The last quality report of its receiver. RFC 3611 §4.7
    pub voip_metrics: Option<rtcp::VoipMetrics>,
    /// ICMP errors that answered its packets.
    pub unreachable: u64,
    /// The first of them.
    pub refused: Option<Unreachable>,
    /// When the last of them came.
    pub refused_last: Timestamp,
}

/// Payload type numbers with their codecs and clock rates.
pub type Payloads = smallvec::SmallVec<[Payload; 4]>;

/// What one payload type number means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The number in the RTP header.
    pub number: u8,
    /// The codec, where it is a known one.
    pub codec: Option<Codec>,
    /// Its name as SDP spells it.
    pub name: Box<str>,
    /// RTP clock rate in Hz.
    pub clock_rate: u32,
}

impl MediaStream {
    /// Name of its codec, as SDP spells it or as the table of RFC 3551 does.
    #[must_use]
    pub fn codec_name(&self) -> Option<String> {
        let number = self.receiver.statistics().payload_type;
        let announced = self.payloads.iter().find(|p| p.number == number).map(|p| p.name.to_string());
        announced.or_else(|| Codec::from_payload_type(number).map(|c| c.name().to_owned()))
    }

    fn begin(seen: &RtpSeen) -> Self {
        MediaStream {
            id: 0,
            call: None,
            flow: seen.sight.flow,
            start: seen.sight.time,
            receiver: rtp::Receiver::new(seen.header.ssrc),
            dtmf: dtmf::Collector::default(),
            payloads: Payloads::new(),
            to_caller: None,
            rtcp_packets: 0,
            reported_loss: None,
            report: None,
            voip_metrics: None,
            unreachable: 0,
            refused: None,
            refused_last: Timestamp::default(),
        }
    }

    fn take(&mut self, seen: &RtpSeen) {
        let number = seen.header.payload_type;
        let announced = self.payloads.iter().find(|p| p.number == number);
        let is_event = match announced {
            Some(payload) => payload.codec == Some(Codec::TelephoneEvent),
            // Nobody announced it: an event is known by its four bytes under a dynamic number.
            None => number >= 96 && seen.header.payload_len() == 4 && dtmf::Payload::looks_like(&seen.head),
        };
        if is_event {
            if announced.is_none() {
                self.receiver.describe(number, Some(Codec::TelephoneEvent), 0);
            }
            if let Some(event) = dtmf::Payload::parse(&seen.head) {
                self.dtmf.push(seen.sight.time, seen.header.timestamp, &event);
            }
        }
        self.receiver.push(seen.sight.time, &seen.header);
    }

    fn belong(&mut self, announced: &Announced, receives: bool, c: Option<&Conversation>) {
        self.call = Some(announced.call);
        self.to_caller = Some(announced.by_caller == receives);
        let sdp = c.filter(|c| c.id == announced.call).and_then(|c| c.sdps.get(announced.sdp as usize));
        self.payloads = sdp.and_then(|s| s.media.get(announced.media as usize)).map(payloads_of).unwrap_or_default();
        for payload in &self.payloads {
            self.receiver.describe(payload.number, payload.codec, payload.clock_rate);
        }
    }

    /// Whether the packets followed each other as those of a stream do.
    fn is_plausible(&self) -> bool {
        let s = self.receiver.statistics();
        s.packets >= PROBATION && s.lost <= s.packets && u64::from(s.restarts) * 4 <= s.packets
    }
}

/// Who announced a media endpoint, and where: what the payload types mean is looked up when a stream comes.
#[derive(Clone, Copy, Debug)]
struct Announced {
    call: u64,
    place: Place,
    by_caller: bool,
    sdp: u32,
    media: u32,
}

type Key = (Flow, u32);

/// All media streams that are open, under a cap.
#[derive(Debug)]
pub struct Streams {
    announced: Table<Endpoint, Announced>,
    /// Streams that belong to a call stay until the call goes.
    claimed: Table<Key, MediaStream>,
    /// Streams that belong to none so far.
    orphans: Table<Key, MediaStream>,
    of_calls: HashMap<u64, Vec<Key>, foldhash::fast::RandomState>,
    next_id: u64,
    last: i64,
}

/// An orphan that pauses for so long has ended.
const ORPHAN_IDLE_NS: i64 = 90_000_000_000;
/// An unannounced flow is a stream when this many packets in a row look like one.
const PROBATION: u64 = 6;
/// Streams of one call.
const STREAMS_OF_CALL: usize = 256;

impl Streams {
    /// Room for `streams` streams and `endpoints` announced endpoints.
    #[must_use]
    pub fn new(streams: usize, endpoints: usize) -> Self {
        Streams {
            announced: Table::new(endpoints),
            claimed: Table::new(streams),
            orphans: Table::new(streams),
            of_calls: HashMap::default(),
            next_id: 0,
            last: 0,
        }
    }

    /// Streams that had to go because there were too many.
    #[must_use]
    pub fn let_go(&self) -> u64 {
        self.claimed.evicted() + self.orphans.evicted()
    }

    /// Announced endpoints that had to go.
    #[must_use]
    pub fn endpoints_let_go(&self) -> u64 {
        self.announced.evicted()
    }

    /// Notes where the SDP at `position` of the call at `place` wants its media.
    pub fn announce(&mut self, c: &Conversation, place: Place, position: u32) {
        let Some(facts) = c.at(position) else { return };
        let Some(sdp) = c.sdp(facts) else { return };
        let from_caller = call::is_from_caller(c, facts);
        // A response is sent by the side that its request was sent to.
        let by_caller = if facts.is_request() { from_caller } else { !from_caller };
        self.last = self.last.max(facts.time.0);
        for (media, at) in sdp.media.iter().zip(0..) {
            let Some(endpoint) = media.endpoint.filter(|e| e.port != 0) else { continue };
            let entry =
                Announced { call: c.id, place, by_caller, sdp: u32::from(facts.sdp.unwrap_or_default()), media: at };
            *self.announced.touch_or_insert(&endpoint, self.last, || entry).0 = entry;
            if !self.orphans.is_empty() {
                self.claim_orphans(endpoint, &entry, c);
            }
        }
    }

    /// Gives streams that came before their SDP to the call. Few are open at a time in which that can be.
    fn claim_orphans(&mut self, endpoint: Endpoint, entry: &Announced, c: &Conversation) {
        const LOOKED_AT: usize = 64;
        let touches = |flow: &Flow| flow.dst == endpoint || flow.src == endpoint;
        let keys: Vec<Key> = self.orphans.iter().map(|(k, _)| *k).take(LOOKED_AT).filter(|(f, _)| touches(f)).collect();
        for key in keys {
            let Some(mut stream) = self.orphans.remove(&key) else { continue };
            stream.belong(entry, key.0.dst == endpoint, Some(c));
            self.claim(key, stream);
        }
    }

    /// An orphan counts only when it went on long enough, in order, to be RTP beyond doubt.
    fn hand_out(&mut self, mut stream: MediaStream, orphan: &mut dyn FnMut(MediaStream)) {
        if stream.is_plausible() {
            self.next_id += 1;
            stream.id = self.next_id;
            orphan(stream);
        }
    }

    fn claim(&mut self, key: Key, mut stream: MediaStream) {
        let Some(call) = stream.call else { return };
        self.next_id += 1;
        stream.id = self.next_id;
        let keys = self.of_calls.entry(call).or_default();
        if keys.len() < STREAMS_OF_CALL {
            keys.push(key);
            self.claimed.touch_or_insert(&key, self.last, || stream);
        }
    }

    /// Takes an RTP packet in; `shelf` has the calls. A stream that had to go for it is handed to `orphan`.
    pub fn rtp(&mut self, seen: &RtpSeen, shelf: &Shelf, orphan: &mut dyn FnMut(MediaStream)) {
        let key = (seen.sight.flow, seen.header.ssrc);
        self.last = self.last.max(seen.sight.time.0);
        if let Some(stream) = self.claimed.touch(&key, self.last) {
            stream.take(seen);
            return;
        }
        if let Some(stream) = self.orphans.touch(&key, self.last) {
            stream.take(seen);
            return;
        }
        let mut stream = MediaStream::begin(seen);
        let by_dst = self.announced.get(&key.0.dst).map(|a| (a, true));
        let owner = by_dst.or_else(|| self.announced.get(&key.0.src).map(|a| (a, false)));
        match owner {
            Some((announced, receives)) => {
                stream.belong(announced, receives, shelf.peek(announced.place));
                stream.take(seen);
                self.claim(key, stream);
            }
            None => {
                stream.take(seen);
                if let (_, Some((_, gone))) = self.orphans.touch_or_insert(&key, self.last, || stream) {
                    self.hand_out(gone, orphan);
                }
            }
        }
    }

    /// Takes an RTCP packet in: what it reports is noted with the stream it speaks of.
    pub fn rtcp(&mut self, sight: &Sight, bytes: &[u8]) {
        let back = sight.flow.reversed();
        let Some(compound) = rtcp::parse(bytes) else { return };
        for report in &compound.reports {
            if let Some(stream) = self.spoken_of(&back, report.ssrc) {
                stream.rtcp_packets += 1;
                stream.reported_loss = Some(report.fraction_lost);
                stream.report = Some(*report);
            }
        }
        if let Some(metrics) = compound.voip_metrics
            && let Some(stream) = self.spoken_of(&back, metrics.ssrc)
        {
            stream.voip_metrics = Some(metrics);
        }
    }

    /// The stream that a report speaks of, where `back` is the way of the report reversed: it travels against the stream, on the same ports or on
    /// those above.
    fn spoken_of(&mut self, back: &Flow, ssrc: u32) -> Option<&mut MediaStream> {
        let media_port = |e: Endpoint| e.with_port(e.port.saturating_sub(1));
        let beside = Flow { src: media_port(back.src), dst: media_port(back.dst) };
        let key = [(beside, ssrc), (*back, ssrc)].into_iter().find(|key| self.claimed.get(key).is_some())?;
        self.claimed.touch(&key, self.last)
    }

    /// Notes that a packet of a stream could not be delivered.
    pub fn unreachable(&mut self, seen: &IcmpSeen, quoted: &[u8]) {
        let Some(header) = rtp::Header::parse(quoted) else { return };
        if let Some(stream) = self.claimed.touch(&(seen.quoted, header.ssrc), self.last) {
            stream.unreachable += 1;
            stream.refused.get_or_insert_with(|| Unreachable::of(seen));
            stream.refused_last = seen.sight.time;
        }
    }

    /// When the last packet of any stream of a call came.
    #[must_use]
    pub fn last_of(&self, call: u64) -> Option<Timestamp> {
        let keys = self.of_calls.get(&call)?;
        keys.iter().filter_map(|key| self.claimed.get(key)).map(|s| s.receiver.last()).max()
    }

    /// Takes out the streams of a call, in order.
    pub fn of_call(&mut self, c: &Conversation) -> Vec<MediaStream> {
        let mut before = None;
        for endpoint in c.sdps.iter().flat_map(|sdp| &sdp.media).filter_map(|m| m.endpoint) {
            // The bodies of one side mostly name the same place.
            if before.replace(endpoint) != Some(endpoint)
                && self.announced.get(&endpoint).is_some_and(|a| a.call == c.id)
            {
                self.announced.remove(&endpoint);
            }
        }
        let keys = self.of_calls.remove(&c.id).unwrap_or_default();
        let mut streams: Vec<MediaStream> = keys.iter().filter_map(|k| self.claimed.remove(k)).collect();
        streams.sort_unstable_by_key(|s| s.id);
        streams
    }

    /// Hands out the orphans that have been silent for long.
    pub fn age(&mut self, now: Timestamp, orphan: &mut dyn FnMut(MediaStream)) {
        while let Some((_, stream)) = self.orphans.pop_before(now.0.saturating_sub(ORPHAN_IDLE_NS)) {
            self.hand_out(stream, orphan);
        }
    }

    /// Hands out every orphan: nothing follows.
    pub fn finish(&mut self, orphan: &mut dyn FnMut(MediaStream)) {
        let mut rest: Vec<MediaStream> = std::iter::from_fn(|| self.orphans.pop_oldest()).map(|(_, s)| s).collect();
        rest.sort_by_key(|s| s.start);
        for stream in rest {
            self.hand_out(stream, orphan);
        }
    }
}

fn payloads_of(media: &MediaFacts) -> Payloads {
    let told = media.formats.iter().filter_map(|f| {
        Some(Payload { number: f.payload_type?, codec: f.codec(), name: f.name()?.into(), clock_rate: f.clock_rate })
    });
    told.collect()
}
