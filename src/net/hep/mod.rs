//! Homer encapsulation (HEP, now EEP), versions 1 to 3: messages that a SIP server or a probe copies to a collector, with
//! the addresses and the time of the original.
//!
//! Versions 1 and 2 are a fixed header as Kamailio's siptrace and OpenSIPS' proto_hep write it, version 3 is a list of
//! chunks as the HEP3 Network Protocol Specification (revision 37) has it.

mod framer;
#[cfg(test)]
mod tests;

pub use framer::Framer;

use crate::base::{Cursor, Endpoint, Flow, Timestamp};
use std::borrow::Cow;
use std::io::Read;

/// How a HEP3 packet starts.
const MAGIC: &[u8; 4] = b"HEP3";

/// The longest payload that is inflated, in bytes.
const MAX_INFLATED: u64 = 1 << 20;

/// IP protocol number that Kamailio gives for TLS, WS and WSS: it has none of its own for them.
pub const SECURE_OR_WEBSOCKET: u8 = 22;

/// What kind of protocol the payload is (chunk 0x000b).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProtocolType {
    /// SIP.
    Sip,
    /// XMPP.
    Xmpp,
    /// SDP.
    Sdp,
    /// RTP.
    Rtp,
    /// RTCP, often as JSON.
    Rtcp,
    /// MGCP.
    Mgcp,
    /// Megaco (H.248).
    Megaco,
    /// A log line.
    Log,
    /// Any other, by its number.
    Other(u8),
}

impl ProtocolType {
    fn of(number: u8) -> Self {
        match number {
            1 => ProtocolType::Sip,
            2 => ProtocolType::Xmpp,
            3 => ProtocolType::Sdp,
            4 => ProtocolType::Rtp,
            5 => ProtocolType::Rtcp,
            6 => ProtocolType::Mgcp,
            7 => ProtocolType::Megaco,
            100 => ProtocolType::Log,
            other => ProtocolType::Other(other),
        }
    }
}

/// Why a HEP packet could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HepError {
    /// It starts like no version of HEP.
    #[error("not HEP")]
    NotHep,
    /// It is shorter than it says.
    #[error("{have} bytes of HEP where {needed} are announced")]
    Short {
        /// Bytes that it should have.
        needed: usize,
        /// Bytes that it has.
        have: usize,
    },
    /// A chunk is shorter than its header, longer than the packet, or not as long as its type must be.
    #[error("chunk of wrong length at byte {offset}")]
    Chunk {
        /// Offset of the chunk.
        offset: usize,
    },
    /// The family of the addresses (versions 1 and 2) is neither IPv4 nor IPv6.
    #[error("address family {family}")]
    Family {
        /// The number that stands for it.
        family: u8,
    },
    /// There is no payload.
    #[error("no payload")]
    NoPayload,
    /// The compressed payload is damaged, or longer than 1 MiB.
    #[error("the compressed payload does not inflate")]
    Inflate,
}

/// One HEP packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hep<'a> {
    /// Version: 1, 2 or 3.
    pub version: u8,
    /// Where the original came from and went; `0.0.0.0` and port 0 where the packet does not say.
    pub flow: Flow,
    /// When the original was captured, if the packet says.
    pub time: Option<Timestamp>,
    /// IP protocol number of the original: 17 UDP, 6 TCP, 132 SCTP, or [`SECURE_OR_WEBSOCKET`].
    pub transport: u8,
    /// What the payload is.
    pub protocol: ProtocolType,
    /// The payload, inflated where it was compressed.
    pub payload: Cow<'a, [u8]>,
    /// What the sender relates the payload to: for RTCP mostly the Call-ID.
    pub correlation_id: Option<&'a [u8]>,
    /// Number of the capturing node.
    pub node: u32,
    /// Name of the capturing node.
    pub node_name: Option<&'a [u8]>,
    /// Whether the packet carries an authentication key (which is never shown).
    pub has_auth_key: bool,
}

/// Whether `bytes` start like a HEP packet of any version.
#[must_use]
pub fn looks_like(bytes: &[u8]) -> bool {
    match bytes {
        [b'H', b'E', b'P', b'3', high, low, ..] => u16::from_be_bytes([*high, *low]) >= 12,
        [version @ (1 | 2), length, family, 6 | 17 | 132 | SECURE_OR_WEBSOCKET, ..] => {
            // sngrep writes the high byte of the whole length where the length of the header should be.
            let careless = *version == 2 && usize::from(*length) == bytes.len() >> 8;
            address_len(*family).is_some_and(|n| usize::from(*length) == 8 + 2 * n || careless)
        }
        _ => false,
    }
}

/// Reads one HEP packet: the payload of a datagram, or what [`Framer`] cuts from a stream.
///
/// # Errors
/// [`HepError`] says what is wrong with it; bytes after its announced end are not looked at.
pub fn parse(bytes: &[u8]) -> Result<Hep<'_>, HepError> {
    match bytes.first() {
        Some(b'H') if bytes.starts_with(MAGIC) => parse_chunks(bytes),
        Some(1 | 2) => parse_fixed(bytes),
        _ => Err(HepError::NotHep),
    }
}

/// Bytes of an address of `family`, by the numbers that the systems have for AF_INET and AF_INET6.
fn address_len(family: u8) -> Option<usize> {
    match family {
        2 => Some(4),
        10 | 23 | 26 | 28 | 30 => Some(16),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<Endpoint> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|ip| Endpoint::v4(ip, 0)),
        16 => <[u8; 16]>::try_from(bytes).ok().map(|ip| Endpoint::v6(ip, 0)),
        _ => None,
    }
}

/// Versions 1 and 2: version, header length, family, protocol, ports, addresses; in version 2 then the time in the
/// sender's byte order, which is little-endian wherever it is in use.
fn parse_fixed(bytes: &[u8]) -> Result<Hep<'_>, HepError> {
    let short = |needed| HepError::Short { needed, have: bytes.len() };
    let mut cursor = Cursor::new(bytes);
    let [version, _length, family, transport] = cursor.array().ok_or(short(4))?;
    let n = address_len(family).ok_or(HepError::Family { family })?;
    let needed = 8 + 2 * n + if version == 2 { 12 } else { 0 };
    let mut header = Cursor::new(bytes.get(4..needed).ok_or(short(needed))?);
    let (Some(src_port), Some(dst_port)) = (header.u16(), header.u16()) else { return Err(short(needed)) };
    let src = header.take(n).and_then(address).ok_or(short(needed))?.with_port(src_port);
    let dst = header.take(n).and_then(address).ok_or(short(needed))?.with_port(dst_port);
    let (mut time, mut node) = (None, 0);
    if version == 2 {
        let seconds = header.array().map(u32::from_le_bytes).ok_or(short(needed))?;
        let micros = header.array().map(u32::from_le_bytes).ok_or(short(needed))?;
        node = u32::from(header.array().map(u16::from_le_bytes).ok_or(short(needed))?);
        time = instant(seconds, micros);
    }
    let payload = bytes.get(needed..).filter(|payload| !payload.is_empty()).ok_or(HepError::NoPayload)?;
    Ok(Hep {
        version,
        flow: Flow { src, dst },
        time,
        transport,
        protocol: ProtocolType::Sip,
        payload: Cow::Borrowed(payload),
        correlation_id: None,
        node,
        node_name: None,
        has_auth_key: false,
    })
}

fn instant(seconds: u32, micros: u32) -> Option<Timestamp> {
    (seconds != 0).then(|| Timestamp(i64::from(seconds) * 1_000_000_000 + i64::from(micros) * 1000))
}

/// What the chunks of a HEP3 packet said so far.
struct Chunks<'a> {
    hep: Hep<'a>,
    ports: (u16, u16),
    seconds: Option<u32>,
    micros: u32,
    plain: Option<&'a [u8]>,
    compressed: Option<&'a [u8]>,
}

fn parse_chunks(bytes: &[u8]) -> Result<Hep<'_>, HepError> {
    let short = |needed| HepError::Short { needed, have: bytes.len() };
    let mut cursor = Cursor::new(bytes);
    cursor.skip(MAGIC.len()).ok_or(short(6))?;
    let total = usize::from(cursor.u16().ok_or(short(6))?);
    let whole = bytes.get(..total).ok_or(short(total))?;
    let mut cursor = Cursor::new(whole.get(6..).ok_or(HepError::Chunk { offset: 4 })?);
    let nowhere = Endpoint::v4([0; 4], 0);
    let mut chunks = Chunks {
        hep: Hep {
            version: 3,
            flow: Flow { src: nowhere, dst: nowhere },
            time: None,
            transport: 17,
            protocol: ProtocolType::Sip,
            payload: Cow::Borrowed(&[]),
            correlation_id: None,
            node: 0,
            node_name: None,
            has_auth_key: false,
        },
        ports: (0, 0),
        seconds: None,
        micros: 0,
        plain: None,
        compressed: None,
    };
    while !cursor.rest().is_empty() {
        let wrong = HepError::Chunk { offset: total - cursor.rest().len() };
        let (Some(vendor), Some(kind), Some(length)) = (cursor.u16(), cursor.u16(), cursor.u16()) else {
            return Err(wrong);
        };
        let body = usize::from(length).checked_sub(6).and_then(|n| cursor.take(n)).ok_or(wrong)?;
        if vendor == 0 {
            chunks.take(kind, body).ok_or(wrong)?;
        }
    }
    chunks.finish()
}

impl<'a> Chunks<'a> {
    /// Takes in a generic chunk; `None` where its length is wrong for its type.
    fn take(&mut self, kind: u16, body: &'a [u8]) -> Option<()> {
        let mut value = Cursor::new(body);
        let hep = &mut self.hep;
        match kind {
            0x02 => hep.transport = value.u8()?,
            0x03 => hep.flow.src = address(body.get(..4)?)?,
            0x04 => hep.flow.dst = address(body.get(..4)?)?,
            0x05 => hep.flow.src = address(body.get(..16)?)?,
            0x06 => hep.flow.dst = address(body.get(..16)?)?,
            0x07 => self.ports.0 = value.u16()?,
            0x08 => self.ports.1 = value.u16()?,
            0x09 => self.seconds = Some(value.u32()?),
            0x0a => self.micros = value.u32()?,
            0x0b => hep.protocol = ProtocolType::of(value.u8()?),
            0x0c => hep.node = value.u32()?,
            0x0e => hep.has_auth_key = true,
            0x0f => self.plain = Some(body),
            0x10 => self.compressed = Some(body),
            0x11 => hep.correlation_id = Some(body),
            0x13 => hep.node_name = Some(body),
            _ => {}
        }
        Some(())
    }

    fn finish(self) -> Result<Hep<'a>, HepError> {
        let mut hep = self.hep;
        hep.flow.src.port = self.ports.0;
        hep.flow.dst.port = self.ports.1;
        hep.time = self.seconds.and_then(|seconds| instant(seconds, self.micros));
        hep.payload = match (self.plain, self.compressed) {
            (Some(plain), _) => Cow::Borrowed(plain),
            (None, Some(compressed)) => Cow::Owned(inflated(compressed).ok_or(HepError::Inflate)?),
            (None, None) => return Err(HepError::NoPayload),
        };
        Ok(hep)
    }
}

/// A compressed payload: zlib (the specification says "gzip or inflate", and senders use zlib's `compress`), gzip, or a
/// bare deflate stream.
fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let limit = MAX_INFLATED + 1;
    let read = match bytes {
        [0x1f, 0x8b, ..] => flate2::read::GzDecoder::new(bytes).take(limit).read_to_end(&mut out),
        [first, second, ..] if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0 => {
            flate2::read::ZlibDecoder::new(bytes).take(limit).read_to_end(&mut out)
        }
        _ => flate2::read::DeflateDecoder::new(bytes).take(limit).read_to_end(&mut out),
    };
    (read.is_ok() && out.len() as u64 <= MAX_INFLATED && !out.is_empty()).then_some(out)
}
