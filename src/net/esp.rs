//! ESP with NULL encryption, RFC 2410, as IMS core networks use it.
//!
//! No field says that nothing is encrypted, nor how long the integrity check value is. Both are guessed from the trailer
//! (padding of 1, 2, 3 …, a next header that is known) and verified with the header inside; what fits is remembered for
//! the security association.

use super::ip;
use super::layer::{Bytes, Layer, Path, Step, Stop};
use crate::base::{Endpoint, Table};

/// Security associations that are remembered, at most.
const MAX_ASSOCIATIONS: usize = 4096;
/// Packets of one association that may fail before it is taken for encrypted.
const MAX_FAILURES: u32 = 64;
/// Security parameters index and sequence number.
const HEADER: usize = 8;
/// Pad length and next header.
const TRAILER: usize = 2;

/// Lengths that the integrity check value and the initialization vector before the payload may have, the usual ones
/// first: HMAC-SHA1-96 and HMAC-MD5-96, AES-GMAC (RFC 4543), HMAC-SHA2-256-128, none, HMAC-SHA2-384-192 and -512-256,
/// the untruncated HMAC-SHA1-160.
const SHAPES: [Shape; 7] = [
    Shape { check: 12, vector: 0 },
    Shape { check: 16, vector: 0 },
    Shape { check: 16, vector: 8 },
    Shape { check: 0, vector: 0 },
    Shape { check: 24, vector: 0 },
    Shape { check: 32, vector: 0 },
    Shape { check: 20, vector: 0 },
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Shape {
    check: usize,
    vector: usize,
}

/// A security association as its packets show it.
#[derive(Clone, Copy, Default, Debug)]
struct Association {
    /// How its packets are laid out, and the next header of the last that was opened.
    known: Option<(Shape, u8)>,
    failures: u32,
}

/// How sure a header inside must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// A length or checksum agrees.
    Strict,
    /// Nothing contradicts, as where a checksum is left to the network card.
    Plausible,
}

/// The security associations seen so far.
#[derive(Debug)]
pub(super) struct Associations {
    table: Table<(Endpoint, u32), Association>,
}

impl Default for Associations {
    fn default() -> Self {
        Associations { table: Table::new(MAX_ASSOCIATIONS) }
    }
}

impl Associations {
    /// What an ESP packet carries, if it is not encrypted. `now` only orders the associations by age.
    pub(super) fn open<'a>(&mut self, path: &Path, bytes: Bytes<'a>, now: i64) -> Step<'a> {
        let spi = bytes.u32(0)?;
        let body = bytes.skip(HEADER)?;
        let (association, _) = self.table.touch_or_insert(&(path.flow.dst, spi), now, Association::default);
        if body.is_cut() {
            // The trailer is not here; another packet of the association may have told what it says.
            let (shape, next) = association.known.ok_or(Stop::Short)?;
            return Ok((Layer::Protocol(next), body.skip(shape.vector)?));
        }
        if association.known.is_none() && association.failures >= MAX_FAILURES {
            return Err(Stop::Encrypted);
        }
        let found = association
            .known
            .and_then(|(shape, _)| read(path, body, shape, Proof::Plausible).map(|(next, inner)| (shape, next, inner)))
            .or_else(|| guess(path, body, Proof::Strict))
            .or_else(|| guess(path, body, Proof::Plausible));
        let Some((shape, next, inner)) = found else {
            association.failures = association.failures.saturating_add(1);
            return Err(Stop::Encrypted);
        };
        association.known = Some((shape, next));
        if next == NO_NEXT_HEADER { Err(Stop::Nothing) } else { Ok((Layer::Protocol(next), inner)) }
    }
}

/// A dummy packet, RFC 4303 §2.6.
const NO_NEXT_HEADER: u8 = 59;

fn guess<'a>(path: &Path, body: Bytes<'a>, proof: Proof) -> Option<(Shape, u8, Bytes<'a>)> {
    SHAPES.iter().find_map(|&shape| read(path, body, shape, proof).map(|(next, inner)| (shape, next, inner)))
}

/// Reads `body` as laid out by `shape`; `None` where the trailer or the header inside contradicts. RFC 4303 §2.4, §2.5.
fn read<'a>(path: &Path, body: Bytes<'a>, shape: Shape, proof: Proof) -> Option<(u8, Bytes<'a>)> {
    let end = body.data.len().checked_sub(shape.check)?;
    let protected = body.data.get(shape.vector..end)?;
    if !protected.len().is_multiple_of(4) {
        return None;
    }
    let (rest, trailer) = protected.split_at_checked(protected.len().checked_sub(TRAILER)?)?;
    let &[pad_len, next] = trailer else { return None };
    let (payload, padding) = rest.split_at_checked(rest.len().checked_sub(usize::from(pad_len))?)?;
    if !padding.iter().zip(1u8..).all(|(&byte, expected)| byte == expected) {
        return None;
    }
    let inner = Bytes::new(payload, payload.len());
    verify(path, next, inner, proof).then_some((next, inner))
}

/// Whether `inner` is what the next header says.
fn verify(path: &Path, next: u8, inner: Bytes<'_>, proof: Proof) -> bool {
    let strict = proof == Proof::Strict;
    match next {
        ip::UDP => inner.data.len() >= 8 && inner.u16(4).is_ok_and(|n| usize::from(n) == inner.wire),
        ip::TCP => looks_like_tcp(inner) && (!strict || sum(path, next, inner.data) == 0xffff),
        ip::IPV4 => inner.u8(0).is_ok_and(|b| b >> 4 == 4) && inner.u16(2).is_ok_and(|n| usize::from(n) == inner.wire),
        ip::IPV6 => {
            inner.u8(0).is_ok_and(|b| b >> 4 == 6) && inner.u16(4).is_ok_and(|n| usize::from(n) + 40 == inner.wire)
        }
        ip::SCTP => {
            let chunk = inner.at::<4>(12).unwrap_or_default();
            let length = usize::from(u16::from_be_bytes([chunk[2], chunk[3]]));
            length >= 4
                && length + 12 <= inner.wire
                && inner.wire.is_multiple_of(4)
                && inner.u32(0).is_ok_and(|ports| ports != 0)
        }
        ip::ICMP => inner.wire >= 8 && ones_complement(0, inner.data) == 0xffff,
        ip::ICMPV6 => inner.wire >= 4 && sum(path, next, inner.data) == 0xffff,
        NO_NEXT_HEADER => !strict,
        _ => false,
    }
}

fn looks_like_tcp(inner: Bytes<'_>) -> bool {
    let Ok([offset, flags]) = inner.at::<2>(12) else { return false };
    let header = usize::from(offset >> 4) * 4;
    let [fin, syn, rst, ack] = [0x01, 0x02, 0x04, 0x10].map(|flag| flags & flag != 0);
    header >= 20 && header <= inner.wire && offset & 0x0e == 0 && (ack || syn || rst) && !(syn && (fin || rst))
}

/// The ones' complement sum with the pseudo header; 0xffff where the checksum is right. RFC 9293 §3.1, RFC 8200 §8.1.
fn sum(path: &Path, protocol: u8, data: &[u8]) -> u16 {
    let mut start = u32::from(protocol) + u32::try_from(data.len()).unwrap_or(0);
    for address in [path.flow.src.ip(), path.flow.dst.ip()] {
        start += match address {
            std::net::IpAddr::V4(v4) => u32::from(ones_complement(0, &v4.octets())),
            std::net::IpAddr::V6(v6) => u32::from(ones_complement(0, &v6.octets())),
        };
    }
    ones_complement(start, data)
}

fn ones_complement(start: u32, data: &[u8]) -> u16 {
    let (pairs, odd) = data.as_chunks::<2>();
    let mut sum = u64::from(start);
    for &pair in pairs {
        sum += u64::from(u16::from_be_bytes(pair));
    }
    sum += odd.first().map_or(0, |&byte| u64::from(byte) << 8);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// Whether a datagram on port 4500 is ESP rather than IKE (four zero bytes), a keep-alive (0xff) or text. RFC 3948 §2.
#[inline]
pub(super) fn is_in_udp(payload: Bytes<'_>) -> bool {
    payload.at::<4>(0).is_ok_and(|spi| {
        // Indices up to 255 are reserved, RFC 4303 §2.1.
        u32::from_be_bytes(spi) > 255 && !spi.iter().all(|b| matches!(b, b' '..=b'~' | b'\r' | b'\n'))
    }) && payload.wire >= HEADER + TRAILER
}

#[cfg(test)]
mod tests;
