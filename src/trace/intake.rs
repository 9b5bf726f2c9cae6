//! Packets to messages: the half of the trace that opens and cuts.

use super::batch::{Batch, Examiner, IcmpSeen, RtpSeen, Sight};
use super::connection::{Connection, Surroundings};
use super::conversation::Unreachable;
use super::facts::Transport;
use super::incident::{Incident, Incomplete, Opening, What};
use super::ports::Ports;
use crate::base::{Flow, Table, Timestamp};
use crate::media::rtp;
use crate::net::tcp::{self, Reassembly, StreamEvent};
use crate::net::tls::KeyLog;
use crate::net::{Carried, Packet, Payload, Reason, Stack, Undecoded, hep};
use crate::sip::recognise;
use std::collections::HashMap;

/// What the intake is to look at.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only SIP from or to these ports; empty for any.
    pub ports: Vec<u16>,
    /// Whether all of the input is SIP by its origin, whatever its ports: our own trial traffic.
    pub own: bool,
}

/// Takes packets, and puts the messages and media packets that it finds in them into a batch.
#[derive(Debug)]
pub struct Intake {
    stack: Stack,
    streams: Reassembly,
    content: Content,
}

/// All behind the transport header: it is borrowed apart from the layers before it.
#[derive(Debug)]
struct Content {
    options: Options,
    keys: KeyLog,
    connections: HashMap<u64, Connection, foldhash::fast::RandomState>,
    hep_streams: HashMap<u64, hep::Framer, foldhash::fast::RandomState>,
    undecoded: Undecoded,
    ports: Ports,
    /// Hosts between which messages went in IP fragments, with their ports.
    fragmented: Table<Flow, Flow>,
    examiner: Examiner,
    /// Bytes of incomplete messages that all connections hold together.
    pending: usize,
}

/// What HEP that was received amounts to.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Mirrored {
    /// HEP packets.
    pub packets: u64,
    /// Earliest and latest instant that they tell of.
    pub times: Option<(Timestamp, Timestamp)>,
}

impl Mirrored {
    fn count(&mut self, time: Timestamp) {
        self.packets += 1;
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
    }
}

/// Bytes of incomplete messages that all connections may hold together.
const PENDING_CAP: usize = 64 << 20;

/// Pairs of hosts that are remembered for their messages in fragments.
const FRAGMENTED_CAP: usize = 1024;
/// Fragments of one datagram follow each other within this time, or not at all.
const FRAGMENTS_NS: i64 = 1_000_000_000;

/// Senders of HEP over TCP that are listened to at once.
const HEP_STREAMS_CAP: usize = 1024;

impl Intake {
    /// An intake that has seen nothing; `keys` opens TLS.
    #[must_use]
    pub fn new(options: Options, keys: KeyLog) -> Self {
        Intake {
            stack: Stack::new(),
            streams: Reassembly::new(tcp::Limits::default()),
            content: Content {
                ports: Ports::new(&options.ports, options.own),
                fragmented: Table::new(FRAGMENTED_CAP),
                options,
                keys,
                connections: HashMap::default(),
                hep_streams: HashMap::default(),
                undecoded: Undecoded::default(),
                examiner: Examiner::default(),
                pending: 0,
            },
        }
    }

    /// Takes secrets in, as a capture file may carry them between its packets.
    pub fn add_secrets(&mut self, key_log: &[u8]) {
        self.content.keys.add_text(key_log);
    }

    /// Takes one packet in.
    pub fn packet(&mut self, packet: &Packet<'_>, batch: &mut Batch) {
        batch.packets += 1;
        batch.last_time = packet.time;
        let Intake { stack, streams, content } = self;
        stack.decode(packet, &mut |carried| match carried.payload {
            Payload::Udp(data) => content.datagram(&carried, data, batch),
            Payload::Tcp(segment) => {
                let mut sink = |event: StreamEvent<'_>| content.stream(&event, carried.source, batch);
                streams.push(carried.flow, &segment, carried.time, carried.frame, carried.cut, &mut sink);
            }
            Payload::Sctp(data) => {
                if recognise::is_sip(data) {
                    content.message(sight_of(&carried, carried.flow), Transport::Sctp, data, batch);
                }
            }
            Payload::IcmpError(quoted) => {
                if recognise::is_sip(quoted.payload) {
                    content.undecoded.count(Reason::SipInIcmpError);
                }
                let seen = IcmpSeen {
                    sight: sight_of(&carried, carried.flow),
                    quoted: quoted.flow,
                    kind: quoted.kind,
                    code: quoted.code,
                    v6: quoted.v6,
                };
                if quoted.payload.is_empty() && content.ports.is_sip(quoted.flow.dst.port) {
                    // Too little is quoted to say which message it was: who could not be reached is known all the same.
                    let what = What::Unreachable(Unreachable::of(&seen));
                    let Sight { time, frame, .. } = seen.sight;
                    batch.incident(Incident { what, time, frame, flow: quoted.flow }, &[]);
                } else {
                    batch.icmp(seen, quoted.payload);
                }
            }
        });
        if self.stack.has_lost() {
            self.content.fragments(&mut self.stack, batch);
        }
    }

    /// Takes a message in that stood in a log, with what the log says of where, when and over what it went.
    pub fn logged(
        &mut self,
        (time, frame, source): (Timestamp, u64, u16),
        flow: Flow,
        transport: Transport,
        bytes: &[u8],
        batch: &mut Batch,
    ) {
        batch.packets += 1;
        batch.last_time = time;
        self.content.message(Sight { flow, ..received(time, frame, source) }, transport, bytes, batch);
    }

    /// Takes one HEP datagram in that was received, not captured.
    pub fn hep_datagram(&mut self, sight: (Timestamp, u64, u16), bytes: &[u8], batch: &mut Batch) -> Mirrored {
        batch.packets += 1;
        batch.last_time = sight.0;
        let mut mirrored = Mirrored::default();
        mirrored.count(self.content.hep(received(sight.0, sight.1, sight.2), bytes, batch));
        mirrored
    }

    /// Takes the next bytes of a TCP connection in that carries HEP; an empty slice says that it has ended.
    pub fn hep_bytes(
        &mut self,
        connection: u64,
        sight: (Timestamp, u64, u16),
        bytes: &[u8],
        batch: &mut Batch,
    ) -> Mirrored {
        let mut mirrored = Mirrored::default();
        batch.packets += 1;
        batch.last_time = sight.0;
        let content = &mut self.content;
        if bytes.is_empty() {
            content.hep_streams.remove(&connection);
            return mirrored;
        }
        if content.hep_streams.len() >= HEP_STREAMS_CAP && !content.hep_streams.contains_key(&connection) {
            content.undecoded.count(Reason::ConnectionsEvicted);
            return mirrored;
        }
        let mut framer = content.hep_streams.remove(&connection).unwrap_or_default();
        let outer = received(sight.0, sight.1, sight.2);
        framer.push(bytes, &mut |packet| mirrored.count(content.hep(outer, packet, batch)));
        content.hep_streams.insert(connection, framer);
        mirrored
    }

    /// Says that nothing follows: what waits for more is given up and counted.
    pub fn finish(&mut self, batch: &mut Batch) {
        let Intake { stack, streams, content } = self;
        stack.finish();
        content.fragments(stack, batch);
        streams.pass_time(batch.last_time);
        // Every connection that is still open ends here with an event of its own.
        streams.finish(&mut |event| content.stream(&event, 0, batch));
    }

    /// What could not be decoded so far.
    #[must_use]
    pub fn undecoded(&self) -> Undecoded {
        let mut all = self.stack.undecoded().clone();
        all.merge(self.streams.undecoded());
        all.merge(&self.content.undecoded);
        all
    }
}

fn received(time: Timestamp, frame: u64, source: u16) -> Sight {
    Sight {
        time,
        seen: time,
        source,
        frame,
        flow: Flow::default(),
        ip_id: 0,
        cut: false,
        fragmented: false,
        mirrored: true,
    }
}

fn sight_of(carried: &Carried<'_>, flow: Flow) -> Sight {
    Sight {
        time: carried.time,
        seen: carried.time,
        source: carried.source,
        frame: carried.frame,
        flow,
        ip_id: carried.ip_id,
        cut: carried.cut,
        fragmented: !carried.fragments.is_empty(),
        mirrored: false,
    }
}

impl Content {
    /// Tells of SIP messages in datagrams that never became whole. A capture that was made with a port filter has first fragments only: there it is
    /// the capture that lacks the rest, and its reason is counted.
    fn fragments(&mut self, stack: &mut Stack, batch: &mut Batch) {
        let now = batch.last_time;
        let (lost, has_later) = stack.take_lost();
        for lost in lost {
            // What began just before the end may still have been on its way.
            let is_over = now.since(lost.since) >= FRAGMENTS_NS;
            let is_sip = recognise::is_sip(&lost.head);
            // Without the first fragment there are no ports: hosts between which other messages went in fragments are known by those.
            let known = if lost.head.is_empty() { self.fragmented.get(&lost.flow).copied() } else { None };
            let Some(flow) = known.or(is_sip.then_some(lost.flow)) else { continue };
            if has_later && is_over && self.is_asked(flow) {
                let what = What::FragmentLost(Box::new(Incomplete::of(&lost)));
                batch.incident(Incident { what, time: lost.since, frame: lost.frame, flow }, &lost.head);
            }
        }
    }

    fn datagram(&mut self, carried: &Carried<'_>, data: &[u8], batch: &mut Batch) {
        let Some(&first) = data.first() else { return };
        // RTP and RTCP have the version 2 in front (RFC 3550 §5.1), SIP a letter: no byte is looked at twice.
        if (0x80..0xc0).contains(&first) {
            let sight = sight_of(carried, carried.flow);
            if rtp::looks_like_rtcp(data) {
                batch.rtcp(sight, data);
            } else if let Some(seen) = rtp_seen(sight, data) {
                batch.rtp(seen);
            }
        } else if self.is_asked(carried.flow)
            && batch.message(sight_of(carried, carried.flow), Transport::Udp, data, &mut self.examiner)
        {
            self.ports.saw_message(carried.flow.dst.port);
            if !carried.fragments.is_empty() {
                let Flow { src, dst } = carried.flow;
                let hosts = Flow { src: src.with_port(0), dst: dst.with_port(0) };
                *self.fragmented.touch_or_insert(&hosts, carried.time.0, || carried.flow).0 = carried.flow;
            }
        } else if hep::looks_like(data) {
            self.hep(sight_of(carried, carried.flow), data, batch);
        }
    }

    /// Opens a HEP packet; what it mirrors is taken as seen where and when it says. Gives that time.
    fn hep(&mut self, outer: Sight, data: &[u8], batch: &mut Batch) -> Timestamp {
        let Ok(packet) = hep::parse(data) else {
            self.undecoded.count(Reason::HepMalformed);
            return outer.time;
        };
        let time = packet.time.unwrap_or(outer.time);
        let sight = Sight { flow: packet.flow, time, ip_id: 0, mirrored: true, ..outer };
        let transport = match packet.transport {
            6 => Transport::Tcp,
            132 => Transport::Sctp,
            _ => Transport::Udp,
        };
        if recognise::is_sip(&packet.payload) {
            self.message(sight, transport, &packet.payload, batch);
        }
        time
    }

    fn message(&mut self, sight: Sight, transport: Transport, data: &[u8], batch: &mut Batch) {
        if self.is_asked(sight.flow) {
            batch.message(sight, transport, data, &mut self.examiner);
        }
    }

    fn is_asked(&self, flow: Flow) -> bool {
        let ports = &self.options.ports;
        ports.is_empty() || ports.contains(&flow.src.port) || ports.contains(&flow.dst.port)
    }

    fn stream(&mut self, event: &StreamEvent<'_>, source: u16, batch: &mut Batch) {
        use tcp::Kind;
        let asked = self.is_asked(event.flow);
        let Content { connections, keys, undecoded, examiner, pending, ports, .. } = self;
        let sight = Sight {
            time: event.time,
            seen: event.time,
            source,
            frame: event.frame,
            flow: event.flow,
            ip_id: 0,
            cut: false,
            fragmented: false,
            mirrored: false,
        };
        let around = &mut Surroundings { sight, asked, keys, undecoded, examiner, batch, found: false };
        let mut mirrored = Vec::new();
        match event.kind {
            Kind::Opened => {
                connections.insert(event.connection, Connection::default());
            }
            Kind::Data(bytes) => {
                let connection = connections.entry(event.connection).or_default();
                let before = connection.pending();
                mirrored = connection.data(bytes, around);
                if around.found
                    && let Some((first, secure)) = connection.speakers()
                {
                    ports.saw_message(first.dst.port);
                    // What a client sends to a port says nothing about what is spoken there.
                    if event.flow != first {
                        ports.saw_connection(first.dst.port, secure);
                    }
                }
                if let Some((first, shown)) = connection.certificate()
                    && asked
                    && ports.is_sip(first.dst.port)
                {
                    let what = What::Certificate(Box::new(shown));
                    around.batch.incident(Incident { what, time: event.time, frame: event.frame, flow: first }, &[]);
                }
                *pending = (*pending + connection.pending()).saturating_sub(before);
                if *pending > PENDING_CAP {
                    let before = connection.pending();
                    connection.let_go(around);
                    *pending = (*pending + connection.pending()).saturating_sub(before);
                    around.undecoded.count(Reason::StreamBufferFull);
                }
            }
            Kind::Gap { bytes } => {
                if let Some(connection) = connections.get_mut(&event.connection) {
                    let before = connection.pending();
                    connection.gap(bytes, around);
                    *pending = (*pending + connection.pending()).saturating_sub(before);
                }
            }
            Kind::Refused if asked && ports.is_sip(event.flow.src.port) => {
                let flow = event.flow.reversed();
                batch.incident(Incident { what: What::Refused, time: event.time, frame: event.frame, flow }, &[]);
            }
            Kind::Unanswered { syns, since } if asked && ports.is_sip(event.flow.dst.port) => {
                let what = What::Unanswered(Opening { syns, since });
                batch.incident(Incident { what, time: event.time, frame: event.frame, flow: event.flow }, &[]);
            }
            Kind::Refused | Kind::Unanswered { .. } => {}
            // Each direction ends with one of these.
            Kind::Closed { .. } | Kind::Evicted => {
                let known = connections.get_mut(&event.connection);
                let is_over = known.is_some_and(|c| {
                    if let Kind::Closed { reset } = event.kind {
                        c.ended(event.flow, reset, event.time, event.frame);
                    }
                    c.close(event.flow)
                });
                if is_over && let Some(mut connection) = connections.remove(&event.connection) {
                    *pending = pending.saturating_sub(connection.pending());
                    let verdict = if asked { connection.verdict(ports, event.time) } else { None };
                    let closed = connection.finish(around).filter(|_| asked);
                    let flow = connection.speakers().map(|(first, _)| first);
                    let closed = closed.zip(flow).map(|(close, flow)| (flow, What::Closed(close), Some(close.frame)));
                    if let Some((flow, what, frame)) = verdict.or(closed) {
                        let frame = frame.unwrap_or(event.frame);
                        around.batch.incident(Incident { what, time: event.time, frame, flow }, &[]);
                    }
                }
            }
        }
        for packet in mirrored {
            self.hep(sight, &packet, batch);
        }
    }
}

/// Reads the RTP header of a datagram that may be RTP.
fn rtp_seen(sight: Sight, data: &[u8]) -> Option<RtpSeen> {
    let header = rtp::looks_like_rtp(data)?;
    let payload = header.payload(data);
    let mut head = [0; 4];
    for (to, from) in head.iter_mut().zip(payload) {
        *to = *from;
    }
    Some(RtpSeen { sight, header, head })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::LinkType;

    /// An IPv4 packet with a TCP segment from port `port` to 5060.
    fn segment(port: u16, seq: u32, data: &[u8]) -> Vec<u8> {
        let mut p = vec![0x45, 0];
        p.extend(((40 + data.len()) as u16).to_be_bytes());
        p.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        p.extend(port.to_be_bytes());
        p.extend(5060u16.to_be_bytes());
        p.extend(seq.to_be_bytes());
        p.extend([0, 0, 0, 0, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        p.extend(data);
        p
    }

    #[test]
    fn incomplete_messages_of_all_connections_have_a_bound_together() {
        let mut intake = Intake::new(Options::default(), KeyLog::new());
        let mut batch = Batch::default();
        let mut frame = 0;
        let mut put = |intake: &mut Intake, batch: &mut Batch, port: u16, seq: u32, data: &[u8]| {
            frame += 1;
            let bytes = segment(port, seq, data);
            let packet = Packet {
                time: Timestamp(frame as i64),
                source: 0,
                frame,
                link: LinkType::RAW_IP,
                data: &bytes,
                original_len: bytes.len() as u32,
            };
            intake.packet(&packet, batch);
        };
        let head = b"INVITE sip:a@b SIP/2.0\r\nContent-Length: 9000000\r\n\r\n";
        let body = vec![b'x'; 60_000];
        let mut peak = 0;
        for port in 1000..1100 {
            put(&mut intake, &mut batch, port, 1, head);
            let mut seq = 1 + head.len() as u32;
            for _ in 0..20 {
                put(&mut intake, &mut batch, port, seq, &body);
                seq += body.len() as u32;
                peak = peak.max(intake.content.pending);
            }
            batch.clear();
        }
        assert!((PENDING_CAP - body.len()..=PENDING_CAP + body.len()).contains(&peak), "{peak}");
        assert!(intake.undecoded().of(Reason::StreamBufferFull) > 0);
        let held: usize = intake.content.connections.values().map(Connection::pending).sum();
        assert_eq!(intake.content.pending, held);
    }
}
