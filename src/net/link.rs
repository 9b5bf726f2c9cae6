//! Link layers down to the network layer.

use super::LinkType;
use super::layer::{Bytes, Layer, Step, Stop};

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const TRANSPARENT_ETHERNET: u16 = 0x6558;
const IPV6: u16 = 0x86dd;
const PPP: u16 = 0x880b;
const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const PPPOE_DISCOVERY: u16 = 0x8863;
const PPPOE_SESSION: u16 = 0x8864;
const MACSEC: u16 = 0x88e5;
const PROVIDER_BACKBONE: u16 = 0x88e7;
const VN_TAG: u16 = 0x8926;
/// Below this an Ethernet type is the length of an IEEE 802.3 frame.
const FIRST_ETHERTYPE: u16 = 0x0600;

impl LinkType {
    /// Ethernet.
    pub const ETHERNET: LinkType = LinkType(1);
    /// Linux "cooked" capture, version 1.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: LinkType = LinkType(276);
    /// Raw IPv4 or IPv6.
    pub const RAW_IP: LinkType = LinkType(101);
}

/// The name by which reports show a link type; `unknown` for one that is not decoded.
#[must_use]
pub fn name(link: LinkType) -> &'static str {
    match link.0 {
        0 => "null",
        1 => "ethernet",
        9 => "ppp",
        12 | 14 | 101 => "raw_ip",
        50 => "ppp_hdlc",
        51 => "pppoe",
        104 => "cisco_hdlc",
        108 => "loop",
        113 => "linux_sll",
        204 => "ppp_with_direction",
        228 => "ipv4",
        229 => "ipv6",
        276 => "linux_sll2",
        _ => "unknown",
    }
}

/// What a packet of this link type starts with; `None` for a link type that is not known.
#[inline]
pub(super) fn open(link: LinkType, bytes: Bytes<'_>) -> Option<Step<'_>> {
    Some(match link.0 {
        1 => Ok((Layer::Ethernet, bytes)),
        12 | 14 | 101 | 228 | 229 => Ok((Layer::Ip, bytes)),
        113 => linux_sll(bytes),
        276 => linux_sll2(bytes),
        0 | 108 => loopback(bytes),
        9 => Ok((Layer::Ppp, bytes)),
        50 | 104 => hdlc(bytes),
        51 => pppoe(bytes),
        204 => bytes.skip(1).map(|rest| (Layer::Ppp, rest)),
        _ => return None,
    })
}

/// Destination, source, type or length.
#[inline]
pub(super) fn ethernet(bytes: Bytes<'_>) -> Step<'_> {
    Ok((Layer::Ethertype(bytes.u16(12)?), bytes.skip(14)?))
}

/// Whether bytes can be an Ethernet frame that carries something known.
pub(super) fn looks_like_ethernet(bytes: Bytes<'_>) -> bool {
    bytes.u16(12).is_ok_and(|kind| {
        matches!(
            kind,
            IPV4 | ARP
                | IPV6
                | MPLS
                | MPLS_MULTICAST
                | PPPOE_DISCOVERY
                | PPPOE_SESSION
                | PROVIDER_BACKBONE
                | 0x8100
                | 0x88a8
                | 0x9100
                | 0x88cc
        ) || (kind > 2 && usize::from(kind) + 14 <= bytes.wire && kind < FIRST_ETHERTYPE)
    })
}

/// What follows an Ethernet type.
#[inline]
pub(super) fn ethertype(kind: u16, bytes: Bytes<'_>) -> Step<'_> {
    match kind {
        IPV4 | IPV6 => Ok((Layer::Ip, bytes)),
        // IEEE 802.1Q and 802.1ad, and the numbers used before 802.1ad: tag control information, then a type.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => Ok((Layer::Ethertype(bytes.u16(2)?), bytes.skip(4)?)),
        MPLS | MPLS_MULTICAST => Ok((Layer::Mpls, bytes)),
        PPPOE_SESSION => pppoe(bytes),
        PPP => Ok((Layer::Ppp, bytes)),
        TRANSPARENT_ETHERNET => Ok((Layer::Ethernet, bytes)),
        // IEEE 802.1ah: four bytes of service tag, then the customer's frame.
        PROVIDER_BACKBONE => Ok((Layer::Ethernet, bytes.skip(4)?)),
        VN_TAG => Ok((Layer::Ethertype(bytes.u16(4)?), bytes.skip(6)?)),
        MACSEC => Err(Stop::UnknownTunnel),
        0..FIRST_ETHERTYPE => llc(bytes.limit_within(usize::from(kind))),
        _ => Err(Stop::Nothing),
    }
}

/// IEEE 802.2 logical link control; RFC 1042 puts IP behind the SNAP header.
fn llc(bytes: Bytes<'_>) -> Step<'_> {
    match bytes.at::<3>(0)? {
        [0xaa, 0xaa, 0x03] => match bytes.at::<3>(3)? {
            [0, 0, 0] | [0, 0, 0xf8] => match bytes.u16(6)? {
                // A length where a type must stand: a frame in a frame that nobody sends.
                0..FIRST_ETHERTYPE => Err(Stop::Nothing),
                kind => Ok((Layer::Ethertype(kind), bytes.skip(8)?)),
            },
            _ => Err(Stop::Nothing),
        },
        [0x06, 0x06, 0x03] => Ok((Layer::Ip, bytes.skip(3)?)),
        _ => Err(Stop::Nothing),
    }
}

/// Linux cooked capture: sixteen bytes, the type last.
fn linux_sll(bytes: Bytes<'_>) -> Step<'_> {
    cooked(bytes.u16(14)?, bytes.skip(16)?)
}

/// Linux cooked capture version 2: twenty bytes, the type first.
fn linux_sll2(bytes: Bytes<'_>) -> Step<'_> {
    cooked(bytes.u16(0)?, bytes.skip(20)?)
}

/// What the protocol field of a cooked capture says: an Ethernet type, or 4 for a frame that starts with its LLC header.
fn cooked(kind: u16, rest: Bytes<'_>) -> Step<'_> {
    match kind {
        4 => llc(rest),
        0..FIRST_ETHERTYPE => Err(Stop::Nothing),
        _ => Ok((Layer::Ethertype(kind), rest)),
    }
}

/// NULL and LOOP: an address family of the host that captured, in its byte order or the network's.
fn loopback(bytes: Bytes<'_>) -> Step<'_> {
    let family = bytes.u32(0)?;
    let family = if family > 0xffff { family.swap_bytes() } else { family };
    match family {
        // AF_INET everywhere; AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, Darwin.
        2 | 10 | 23 | 24 | 28 | 30 => Ok((Layer::Ip, bytes.skip(4)?)),
        _ => Err(Stop::Nothing),
    }
}

/// PPP in HDLC-like framing, or Cisco HDLC, whose address is 0x0f or 0x8f and whose protocol is an Ethernet type.
fn hdlc(bytes: Bytes<'_>) -> Step<'_> {
    match bytes.at::<2>(0)? {
        [0x0f | 0x8f, 0] => match bytes.u16(2)? {
            0..FIRST_ETHERTYPE => Err(Stop::Nothing),
            kind => Ok((Layer::Ethertype(kind), bytes.skip(4)?)),
        },
        _ => Ok((Layer::Ppp, bytes)),
    }
}

/// A PPPoE session packet: version and type 1, code 0, session, length. RFC 2516 §4.
fn pppoe(bytes: Bytes<'_>) -> Step<'_> {
    match bytes.at::<2>(0)? {
        [0x11, 0] => Ok((Layer::Ppp, bytes.skip(6)?.limit_within(usize::from(bytes.u16(4)?)))),
        [0x11, _] => Err(Stop::Nothing),
        _ => Err(Stop::Malformed),
    }
}

/// A PPP frame: address and control may be left out, and the protocol may be one byte. RFC 1661 §6.5, §6.6.
pub(super) fn ppp(bytes: Bytes<'_>) -> Step<'_> {
    let framed = bytes.at::<2>(0)? == [0xff, 0x03];
    let bytes = if framed { bytes.skip(2)? } else { bytes };
    let first = bytes.u8(0)?;
    let (protocol, rest) = match first & 1 {
        1 => (u16::from(first), bytes.skip(1)?),
        _ => (bytes.u16(0)?, bytes.skip(2)?),
    };
    match protocol {
        0x0021 | 0x0057 => Ok((Layer::Ip, rest)),
        0x0281 | 0x0283 => Ok((Layer::Mpls, rest)),
        0x0031 => Err(Stop::UnknownTunnel),
        // Multilink, compressed or encrypted datagrams, header compression.
        0x003d | 0x00fb | 0x00fd | 0x0053 | 0x002d | 0x002f | 0x0061 | 0x0069 => Err(Stop::UnknownTunnel),
        _ => Err(Stop::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Layer, LinkType, Stop, ethertype, name, open, ppp};

    fn whole(data: &[u8]) -> Bytes<'_> {
        Bytes::new(data, data.len())
    }

    #[test]
    fn loopback_is_read_in_either_byte_order() {
        for family in [[0, 0, 0, 2], [2, 0, 0, 0], [0, 0, 0, 30], [24, 0, 0, 0]] {
            let bytes = [&family[..], &[0x45]].concat();
            let (layer, rest) = open(LinkType(0), whole(&bytes)).unwrap().unwrap();
            assert_eq!((layer, rest.data), (Layer::Ip, &[0x45][..]));
        }
        assert_eq!(open(LinkType(108), whole(&[0, 0, 0, 7, 0])).unwrap().unwrap_err(), Stop::Nothing);
    }

    #[test]
    fn ppp_protocol_may_be_compressed() {
        for start in [&[0xff, 0x03, 0x00, 0x21][..], &[0xff, 0x03, 0x21], &[0x00, 0x21], &[0x21]] {
            let bytes = [start, &[0x45, 9]].concat();
            let (layer, rest) = ppp(whole(&bytes)).unwrap();
            assert_eq!((layer, rest.data), (Layer::Ip, &[0x45, 9][..]), "{start:x?}");
        }
        assert_eq!(ppp(whole(&[0xc0, 0x21, 1])).unwrap_err(), Stop::Nothing);
        assert_eq!(ppp(whole(&[0x00, 0xfd, 1])).unwrap_err(), Stop::UnknownTunnel);
    }

    #[test]
    fn snap_names_a_type_and_the_length_drops_the_padding() {
        let frame = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0x45, 0xee, 0xee];
        let (layer, rest) = ethertype(9, whole(&frame)).unwrap();
        assert_eq!((layer, rest.data, rest.wire), (Layer::Ethertype(0x0800), &[0x45][..], 1));
        assert_eq!(ethertype(38, whole(&[0x42, 0x42, 3, 0])).unwrap_err(), Stop::Nothing);
    }

    #[test]
    fn unknown_link_types_are_told_apart_from_known_ones() {
        assert!(open(LinkType(127), whole(&[0; 40])).is_none());
        assert_eq!((name(LinkType(276)), name(LinkType(127))), ("linux_sll2", "unknown"));
    }
}
