//! The walk from a packet to its transport payload.
//!
//! Each layer reads its header and says what comes next; the loop here goes on until a transport payload is found, or a
//! reason for stopping. A datagram put together from fragments, or a packet taken out of a tunnel, goes through the same
//! loop, with one budget for all of it.

use super::fragment::{Fragment, Fragments, Key, Lost, Whole};
use super::ip::{self, Place};
use super::layer::{Bytes, Layer, Path, Step, Stop};
use super::sctp::{self, Arrival};
use super::{Carried, LinkType, Packet, Payload, Reason, Segment, Undecoded};
use super::{esp, icmp, link, tunnel};
use crate::base::{Endpoint, Flow};

/// Headers of one packet that are followed, tunnels and tags included.
const MAX_LAYERS: u32 = 32;

/// The network layers: link, tunnels, IP with its fragments, and the transport header.
#[derive(Debug, Default)]
pub struct Stack {
    undecoded: Undecoded,
    fragments: Fragments,
    security: esp::Associations,
    sctp: sctp::Associations,
}

/// Where the walk stands.
struct Walk<'p> {
    packet: &'p Packet<'p>,
    /// Headers that may still follow.
    budget: u32,
    /// What the innermost IP header said.
    path: Path,
    /// Frames of the fragments that it came in.
    frames: &'p [u64],
}

/// How a walk ended, other than in a payload or a reason.
enum End {
    Done,
    /// A fragment completed a datagram: the walk goes on in there.
    Reassembled(Box<Whole>),
}

impl Stack {
    /// Network layers that have seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens one packet and hands every transport payload in it to `sink`.
    ///
    /// Packets of one source are expected in order of time; a fragment waits 30 s of capture time for the rest.
    /// A packet that gives nothing is counted in [`Stack::undecoded`] if it could have carried something.
    #[inline]
    pub fn decode(&mut self, packet: &Packet<'_>, sink: &mut dyn FnMut(Carried<'_>)) {
        if let Some(carried) = plain(packet) {
            return sink(carried);
        }
        self.decode_any(packet, sink);
    }

    fn decode_any(&mut self, packet: &Packet<'_>, sink: &mut dyn FnMut(Carried<'_>)) {
        let bytes = Bytes::new(packet.data, packet.original_len as usize);
        let Some(step) = link::open(packet.link, bytes) else {
            self.undecoded.count(Reason::UnknownLinkType);
            return;
        };
        let mut walk = Walk { packet, budget: MAX_LAYERS, path: Path::default(), frames: &[] };
        let Some(whole) = self.follow(&mut walk, bytes, step, sink) else { return };
        self.reenter(walk.budget, packet, whole, sink);
    }

    /// What could not be decoded so far, waiting fragments not counted.
    #[must_use]
    pub fn undecoded(&self) -> &Undecoded {
        &self.undecoded
    }

    /// Whether fragments were given up since [`Stack::take_lost`] was asked.
    #[inline]
    #[must_use]
    pub fn has_lost(&self) -> bool {
        self.fragments.has_lost()
    }

    /// Datagrams that were given up because fragments of them never came, and whether the input holds other fragments than first ones at all.
    pub fn take_lost(&mut self) -> (std::vec::Drain<'_, Lost>, bool) {
        self.fragments.take_lost()
    }

    /// Says that no packet follows: fragments that still wait are counted as missing theirs.
    pub fn finish(&mut self) {
        self.fragments.finish(&mut self.undecoded);
        self.sctp.finish(&mut self.undecoded);
    }

    /// Goes on with a datagram put together from fragments, which may carry fragments itself.
    #[cold]
    fn reenter(&mut self, budget: u32, packet: &Packet<'_>, whole: Box<Whole>, sink: &mut dyn FnMut(Carried<'_>)) {
        let (mut budget, mut next) = (budget, Some(whole));
        while let Some(whole) = next {
            let bytes = Bytes::new(&whole.data, whole.wire);
            let mut walk = Walk { packet, budget, path: whole.path, frames: &whole.frames };
            next = self.follow(&mut walk, bytes, Ok((Layer::Protocol(whole.protocol), bytes)), sink);
            budget = walk.budget;
        }
    }

    /// Walks on from `step`; `bytes` are those that it was read from.
    #[inline]
    fn follow<'a>(
        &mut self,
        walk: &mut Walk<'_>,
        mut bytes: Bytes<'a>,
        mut step: Step<'a>,
        sink: &mut dyn FnMut(Carried<'_>),
    ) -> Option<Box<Whole>> {
        loop {
            let layer;
            (layer, bytes) = match step {
                Ok(next) => next,
                Err(stop) => {
                    self.stopped(stop, bytes);
                    return None;
                }
            };
            if walk.budget == 0 {
                self.undecoded.count(Reason::TooManyLayers);
                return None;
            }
            walk.budget -= 1;
            step = match layer {
                Layer::Ethernet => link::ethernet(bytes),
                Layer::Ethertype(kind) => link::ethertype(kind, bytes),
                Layer::Ppp => link::ppp(bytes),
                Layer::Mpls => tunnel::mpls(bytes),
                Layer::Ip => match ip::header(bytes) {
                    Ok(header) => {
                        walk.path = header.path;
                        if let Some(place) = header.place {
                            return self.fragment(walk, header.protocol, header.protocol, place, header.payload);
                        }
                        Ok((Layer::Protocol(header.protocol), header.payload))
                    }
                    Err(stop) => Err(stop),
                },
                Layer::Protocol(protocol) => match self.transport(walk, protocol, bytes, sink) {
                    Ok(Next::Step(layer, inner)) => Ok((layer, inner)),
                    Ok(Next::End(End::Done)) => return None,
                    Ok(Next::End(End::Reassembled(whole))) => return Some(whole),
                    Err(stop) => Err(stop),
                },
            };
        }
    }

    /// Reads what an IP protocol number names.
    #[inline]
    fn transport<'a>(
        &mut self,
        walk: &mut Walk<'_>,
        protocol: u8,
        bytes: Bytes<'a>,
        sink: &mut dyn FnMut(Carried<'_>),
    ) -> Result<Next<'a>, Stop> {
        match protocol {
            ip::UDP => return self.udp(walk, bytes, sink),
            ip::TCP => {
                let [src_high, src_low, dst_high, dst_low] = bytes.at::<4>(0)?;
                let (src, dst) = (u16::from_be_bytes([src_high, src_low]), u16::from_be_bytes([dst_high, dst_low]));
                let segment = segment(bytes)?;
                let cut = segment.data.len() < segment.wire_len as usize;
                sink(walk.carried(src, dst, cut, Payload::Tcp(segment)));
                return Ok(Next::End(End::Done));
            }
            ip::SCTP => return self.sctp(walk, bytes, sink),
            ip::ICMP | ip::ICMPV6 => {
                let error = icmp::quoted(bytes, protocol == ip::ICMPV6)?;
                let cut = bytes.is_cut();
                sink(walk.carried(0, 0, cut, Payload::IcmpError(error)));
                return Ok(Next::End(End::Done));
            }
            ip::FRAGMENT => {
                let (next, id, place, rest) = ip::fragment(bytes)?;
                walk.path.id = id;
                return match place {
                    Some(place) => Ok(self.fragment(walk, ip::FRAGMENT, next, place, rest).into()),
                    None => Ok(Next::Step(Layer::Protocol(next), rest)),
                };
            }
            _ => {}
        }
        let (layer, inner) = match protocol {
            ip::IPV4 | ip::IPV6 => (Layer::Ip, bytes),
            ip::GRE => tunnel::gre(bytes)?,
            ip::ESP => self.security.open(&walk.path, bytes, walk.packet.time.0)?,
            ip::AUTHENTICATION => ip::authentication(bytes)?,
            ip::ETHERNET => tunnel::ethernet_in_ip(bytes)?,
            ip::MPLS => (Layer::Mpls, bytes),
            // IP payload compression and L2TPv3.
            108 | 115 => return Err(Stop::UnknownTunnel),
            _ if ip::is_extension(protocol) && !walk.path.flow.src.is_v4() => ip::extension(bytes)?,
            _ => return Err(Stop::Nothing),
        };
        Ok(Next::Step(layer, inner))
    }

    /// A UDP datagram, or the tunnel that it is.
    #[inline]
    fn udp<'a>(
        &mut self,
        walk: &Walk<'_>,
        bytes: Bytes<'a>,
        sink: &mut dyn FnMut(Carried<'_>),
    ) -> Result<Next<'a>, Stop> {
        let [a, b, c, d, e, f, _, _] = bytes.at::<8>(0)?;
        let [src, dst, length] = [[a, b], [c, d], [e, f]].map(u16::from_be_bytes);
        let payload = match length {
            // A jumbogram (RFC 2675 §4) or segmentation offload: to the end of the packet.
            0 => bytes.skip(8)?,
            1..8 => return Err(Stop::Malformed),
            _ => bytes.limit_within(usize::from(length)).skip(8)?,
        };
        if let Some(step) = tunnel::over_udp(src, dst, payload) {
            return step.map(|(layer, inner)| Next::Step(layer, inner));
        }
        if (src == 4500 || dst == 4500) && esp::is_in_udp(payload) {
            match self.security.open(&walk.path, payload, walk.packet.time.0) {
                Ok((layer, inner)) => return Ok(Next::Step(layer, inner)),
                Err(stop) => self.stopped(stop, payload),
            }
        }
        sink(walk.carried(src, dst, payload.is_cut(), Payload::Udp(payload.data)));
        Ok(Next::End(End::Done))
    }

    fn sctp<'a>(
        &mut self,
        walk: &Walk<'_>,
        bytes: Bytes<'a>,
        sink: &mut dyn FnMut(Carried<'_>),
    ) -> Result<Next<'a>, Stop> {
        let Packet { time, source, frame, .. } = *walk.packet;
        let arrival = Arrival { path: &walk.path, time, source, frame, earlier: walk.frames };
        self.sctp.decode(&arrival, bytes, &mut self.undecoded, &mut |message| {
            sink(Carried {
                flow: message.flow,
                fragments: message.frames,
                ..walk.carried(0, 0, message.cut, Payload::Sctp(message.data))
            });
        })?;
        Ok(Next::End(End::Done))
    }

    /// Keeps a fragment, and gives the datagram that it completes.
    fn fragment(
        &mut self,
        walk: &Walk<'_>,
        key_protocol: u8,
        protocol: u8,
        place: Place,
        bytes: Bytes<'_>,
    ) -> Option<Box<Whole>> {
        if !ip::is_carrier(protocol) {
            return None;
        }
        let Packet { time, source, frame, .. } = *walk.packet;
        let key = Key { flow: walk.path.flow, id: walk.path.id, protocol: key_protocol, source };
        let fragment = Fragment { path: walk.path, protocol, place, bytes, time, frame, earlier: walk.frames };
        self.fragments.add(&key, &fragment, &mut self.undecoded).map(Box::new)
    }

    /// Counts why a walk stopped; `bytes` are those of the layer that could not be read.
    #[cold]
    fn stopped(&mut self, stop: Stop, bytes: Bytes<'_>) {
        let reason = match stop {
            Stop::Short if bytes.is_cut() => Reason::CutBySnapLength,
            Stop::Short | Stop::Malformed => Reason::MalformedPacket,
            Stop::UnknownTunnel => Reason::UnknownTunnel,
            Stop::Encrypted => Reason::EspEncrypted,
            Stop::Nothing => return,
        };
        self.undecoded.count(reason);
    }
}

/// What the commonest packets carry, whole UDP and TCP over IPv4 without options over untagged Ethernet: they need not go
/// through the loop. `None` for every other packet.
#[inline]
fn plain<'a>(packet: &Packet<'a>) -> Option<Carried<'a>> {
    let head = packet.data.first_chunk::<42>()?;
    let [.., kind_high, kind_low, version, _, total_high, total_low, id_high, id_low] = *head.first_chunk::<20>()?;
    let [flags, offset, ttl, protocol, _, _, a, b, c, d, e, f, g, h, s, t, u, v, length_high, length_low, _, _] =
        *head.last_chunk::<22>()?;
    let is_plain = packet.link == LinkType::ETHERNET
        && (kind_high, kind_low, version) == (8, 0, 0x45)
        && flags & 0x3f | offset == 0;
    if !is_plain {
        return None;
    }
    let total = usize::from(u16::from_be_bytes([total_high, total_low]));
    let transport = packet.data.get(34..14 + total)?;
    let (src, dst) = (u16::from_be_bytes([s, t]), u16::from_be_bytes([u, v]));
    let payload = match protocol {
        ip::UDP => {
            let is_whole = usize::from(u16::from_be_bytes([length_high, length_low])) == transport.len();
            if !is_whole || tunnel::is_tunnel_port(src) || tunnel::is_tunnel_port(dst) {
                return None;
            }
            Payload::Udp(transport.get(8..)?)
        }
        ip::TCP => Payload::Tcp(segment(Bytes::new(transport, transport.len())).ok()?),
        _ => return None,
    };
    Some(Carried {
        time: packet.time,
        source: packet.source,
        frame: packet.frame,
        flow: Flow { src: Endpoint::v4([a, b, c, d], src), dst: Endpoint::v4([e, f, g, h], dst) },
        ip_id: u32::from(u16::from_be_bytes([id_high, id_low])),
        ttl,
        cut: false,
        fragments: &[],
        payload,
    })
}

/// What follows a transport header.
enum Next<'a> {
    Step(Layer, Bytes<'a>),
    End(End),
}

impl From<Option<Box<Whole>>> for Next<'_> {
    fn from(whole: Option<Box<Whole>>) -> Self {
        Next::End(whole.map_or(End::Done, End::Reassembled))
    }
}

impl<'p> Walk<'p> {
    #[inline]
    fn carried<'a>(&self, src: u16, dst: u16, cut: bool, payload: Payload<'a>) -> Carried<'a>
    where
        'p: 'a,
    {
        Carried {
            time: self.packet.time,
            source: self.packet.source,
            frame: self.packet.frame,
            flow: self.path.with_ports(src, dst),
            ip_id: self.path.id,
            ttl: self.path.ttl,
            cut,
            fragments: self.frames,
            payload,
        }
    }
}

/// A TCP header and its data. RFC 9293 §3.1.
#[inline]
fn segment(bytes: Bytes<'_>) -> Result<Segment<'_>, Stop> {
    let fixed = bytes.at::<20>(0)?;
    let header = usize::from(fixed[12] >> 4) * 4;
    if header < 20 || header > bytes.wire {
        return Err(Stop::Malformed);
    }
    let body = bytes.skip(header)?;
    let flags = fixed[13];
    Ok(Segment {
        seq: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ack: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        syn: flags & 0x02 != 0,
        fin: flags & 0x01 != 0,
        rst: flags & 0x04 != 0,
        acks: flags & 0x10 != 0,
        data: body.data,
        wire_len: u32::try_from(body.wire).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests;
