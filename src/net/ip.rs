//! IPv4 and IPv6 headers.

use super::layer::{Bytes, Layer, Path, Step, Stop};
use crate::base::{Endpoint, Flow};

/// ICMP.
pub(super) const ICMP: u8 = 1;
/// IPv4 in IP.
pub(super) const IPV4: u8 = 4;
/// TCP.
pub(super) const TCP: u8 = 6;
/// UDP.
pub(super) const UDP: u8 = 17;
/// IPv6 in IP.
pub(super) const IPV6: u8 = 41;
/// The IPv6 fragment header.
pub(super) const FRAGMENT: u8 = 44;
/// Generic routing encapsulation.
pub(super) const GRE: u8 = 47;
/// Encapsulating security payload.
pub(super) const ESP: u8 = 50;
/// Authentication header.
pub(super) const AUTHENTICATION: u8 = 51;
/// ICMPv6.
pub(super) const ICMPV6: u8 = 58;
/// Ethernet in IP, RFC 3378.
pub(super) const ETHERNET: u8 = 97;
/// SCTP.
pub(super) const SCTP: u8 = 132;
/// MPLS in IP, RFC 4023.
pub(super) const MPLS: u8 = 137;

/// Where the bytes of a fragment belong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// Offset in the datagram, in bytes.
    pub offset: usize,
    /// Whether another fragment follows this one in the datagram.
    pub more: bool,
}

impl Place {
    /// From a number whose upper bits are the offset in units of eight bytes.
    fn new(units: usize, more: bool) -> Option<Place> {
        (units > 0 || more).then_some(Place { offset: units * 8, more })
    }
}

/// An IP header and what follows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a> {
    /// Addresses, identification and time to live.
    pub path: Path,
    /// Protocol number, or the IPv6 next header.
    pub protocol: u8,
    /// For an IPv4 fragment, its place (IPv6 says this in an extension header).
    pub place: Option<Place>,
    /// What follows.
    pub payload: Bytes<'a>,
}

/// Reads an IP header of either version.
#[inline]
pub(super) fn header(bytes: Bytes<'_>) -> Result<Header<'_>, Stop> {
    match bytes.u8(0)? >> 4 {
        4 => v4(bytes),
        6 => v6(bytes),
        _ => Err(Stop::Malformed),
    }
}

/// RFC 791 §3.1.
#[inline]
fn v4(bytes: Bytes<'_>) -> Result<Header<'_>, Stop> {
    let fixed = bytes.at::<20>(0)?;
    let header_len = usize::from(fixed[0] & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
    if header_len < 20 || (total != 0 && total < header_len) {
        return Err(Stop::Malformed);
    }
    // Segmentation offload leaves the length 0: then the packet ends where the link layer says.
    let bytes = if total == 0 { bytes } else { bytes.limit(total) };
    let flags = u16::from_be_bytes([fixed[6], fixed[7]]);
    let [_, _, _, _, id_high, id_low, _, _, ttl, protocol, _, _, a, b, c, d, e, f, g, h] = fixed;
    let flow = Flow { src: Endpoint::v4([a, b, c, d], 0), dst: Endpoint::v4([e, f, g, h], 0) };
    Ok(Header {
        path: Path { flow, id: u32::from(u16::from_be_bytes([id_high, id_low])), ttl },
        protocol,
        place: Place::new(usize::from(flags & 0x1fff), flags & 0x2000 != 0),
        payload: bytes.skip(header_len)?,
    })
}

/// RFC 8200 §3.
fn v6(bytes: Bytes<'_>) -> Result<Header<'_>, Stop> {
    let fixed = bytes.at::<8>(0)?;
    let flow = Flow { src: Endpoint::v6(bytes.at::<16>(8)?, 0), dst: Endpoint::v6(bytes.at::<16>(24)?, 0) };
    let payload = bytes.skip(40)?;
    let length = usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
    Ok(Header {
        path: Path { flow, id: 0, ttl: fixed[7] },
        protocol: fixed[6],
        place: None,
        // 0 is a jumbogram (RFC 2675 §3) or segmentation offload.
        payload: if length == 0 { payload } else { payload.limit(length) },
    })
}

/// Whether a next header is an IPv6 extension that is passed over: hop-by-hop, routing, destination options, mobility, HIP, Shim6.
pub(super) fn is_extension(protocol: u8) -> bool {
    matches!(protocol, 0 | 43 | 60 | 135 | 139 | 140)
}

/// Passes over an extension header. RFC 8200 §4.
pub(super) fn extension(bytes: Bytes<'_>) -> Step<'_> {
    let [next, length] = bytes.at::<2>(0)?;
    Ok((Layer::Protocol(next), bytes.skip((usize::from(length) + 1) * 8)?))
}

/// Passes over an authentication header, whose length is in units of four bytes, less two. RFC 4302 §2.2.
pub(super) fn authentication(bytes: Bytes<'_>) -> Step<'_> {
    let [next, length] = bytes.at::<2>(0)?;
    Ok((Layer::Protocol(next), bytes.skip((usize::from(length) + 2) * 4)?))
}

/// The fragment header of IPv6: next header, identification and place (`None` for an atomic fragment). RFC 8200 §4.5.
pub(super) fn fragment(bytes: Bytes<'_>) -> Result<(u8, u32, Option<Place>, Bytes<'_>), Stop> {
    let [next, _, high, low, a, b, c, d] = bytes.at::<8>(0)?;
    let field = u16::from_be_bytes([high, low]);
    let place = Place::new(usize::from(field >> 3), field & 1 != 0);
    Ok((next, u32::from_be_bytes([a, b, c, d]), place, bytes.skip(8)?))
}

/// Whether the fragments of this protocol are worth keeping: those that can carry a SIP message.
pub(super) fn is_carrier(protocol: u8) -> bool {
    matches!(protocol, IPV4 | TCP | UDP | IPV6 | GRE | ESP | AUTHENTICATION | ETHERNET | SCTP | MPLS)
        || is_extension(protocol)
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Place, Stop, header};

    fn v4(total: u16, flags: u16) -> Vec<u8> {
        let mut bytes = vec![0x46, 0, 0, 0, 0x12, 0x34, 0, 0, 63, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 1, 1, 1, 0];
        bytes[2..4].copy_from_slice(&total.to_be_bytes());
        bytes[6..8].copy_from_slice(&flags.to_be_bytes());
        bytes.extend_from_slice(b"payloadPADDING");
        bytes
    }

    #[test]
    fn options_are_passed_over_and_padding_is_dropped() {
        let bytes = v4(31, 0x4000);
        let read = header(Bytes::new(&bytes, bytes.len())).unwrap();
        assert_eq!((read.payload.data, read.payload.wire, read.place), (&b"payload"[..], 7, None));
        assert_eq!((read.path.id, read.path.ttl, read.protocol), (0x1234, 63, 17));
        assert_eq!(read.path.flow.src.to_string(), "192.0.2.1:0");
    }

    #[test]
    fn a_length_of_nothing_means_to_the_end_and_a_long_one_means_cut() {
        let (open, long, short) = (v4(0, 0), v4(1000, 0), v4(23, 0));
        assert_eq!(header(Bytes::new(&open, 0)).unwrap().payload.data, b"payloadPADDING");
        let cut = header(Bytes::new(&long, 0)).unwrap().payload;
        assert_eq!((cut.data.len(), cut.wire, cut.is_cut()), (14, 976, true));
        assert_eq!(header(Bytes::new(&short, 0)).unwrap_err(), Stop::Malformed);
    }

    #[test]
    fn a_fragment_says_its_place_in_bytes() {
        let bytes = v4(31, 0x2003);
        assert_eq!(header(Bytes::new(&bytes, 0)).unwrap().place, Some(Place { offset: 24, more: true }));
    }
}
