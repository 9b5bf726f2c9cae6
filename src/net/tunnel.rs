//! Tunnels: MPLS, GRE with ERSPAN and PPTP, and over UDP VXLAN, Geneve, GTP-U and L2TP.
//!
//! A tunnel over UDP is opened where the port says so and the header has the tunnel's shape: a SIP message that was sent
//! to the port of a tunnel stays a datagram.

use super::layer::{Bytes, Layer, Step, Stop};
use super::link;

/// Labels of one MPLS stack that are read; more is not a stack.
const MAX_LABELS: usize = 16;
/// Bytes that tell an Ethernet frame, behind a control word, from other contents.
const ENOUGH: usize = 18;
/// Extension headers of one GTP-U packet that are read.
const MAX_GTP_EXTENSIONS: usize = 16;

/// Passes over a label stack and guesses what it carries, as no field says it. RFC 3032 §2.1, RFC 4928 §3.
pub(super) fn mpls(bytes: Bytes<'_>) -> Step<'_> {
    let mut rest = bytes;
    for _ in 0..MAX_LABELS {
        let label = rest.u32(0)?;
        rest = rest.skip(4)?;
        if label & 0x100 != 0 {
            return beneath_labels(rest);
        }
    }
    Err(Stop::Malformed)
}

fn beneath_labels(rest: Bytes<'_>) -> Step<'_> {
    match rest.u8(0)? >> 4 {
        4 | 6 if !link::looks_like_ethernet(rest) || looks_like_ip(rest) => Ok((Layer::Ip, rest)),
        // The control word of a pseudowire, RFC 4385 §3.
        0 if rest.skip(4).is_ok_and(link::looks_like_ethernet) => Ok((Layer::Ethernet, rest.skip(4)?)),
        _ if link::looks_like_ethernet(rest) => Ok((Layer::Ethernet, rest)),
        _ if rest.data.len() < ENOUGH => Err(Stop::Short),
        _ => Err(Stop::UnknownTunnel),
    }
}

/// Whether bytes can be an IP packet that fits into what is left of the packet around it.
fn looks_like_ip(bytes: Bytes<'_>) -> bool {
    match bytes.u8(0).unwrap_or(0) {
        0x45..=0x4f => bytes.u16(2).is_ok_and(|total| (20..=bytes.wire).contains(&usize::from(total))),
        0x60..=0x6f => bytes.u16(4).is_ok_and(|length| usize::from(length) + 40 <= bytes.wire),
        _ => false,
    }
}

/// Generic routing encapsulation, RFC 2784 and RFC 2890; version 1 is PPTP's, RFC 2637 §4.1.
pub(super) fn gre(bytes: Bytes<'_>) -> Step<'_> {
    let flags = bytes.u16(0)?;
    let protocol = bytes.u16(2)?;
    let [checksum, routing, key, sequence] = [0x8000, 0x4000, 0x2000, 0x1000].map(|flag| flags & flag != 0);
    match flags & 7 {
        0 if routing => Err(Stop::UnknownTunnel),
        0 => {
            let options = usize::from(checksum) + usize::from(key) + usize::from(sequence);
            beneath_gre(protocol, sequence, bytes.skip(4 + 4 * options)?)
        }
        1 if key && protocol == 0x880b => {
            let length = usize::from(bytes.u16(4)?);
            let acknowledged = flags & 0x0080 != 0;
            let rest = bytes.skip(8 + 4 * (usize::from(sequence) + usize::from(acknowledged)))?;
            if length == 0 { Err(Stop::Nothing) } else { Ok((Layer::Ppp, rest.limit_within(length))) }
        }
        _ => Err(Stop::UnknownTunnel),
    }
}

fn beneath_gre(protocol: u16, sequence: bool, rest: Bytes<'_>) -> Step<'_> {
    match protocol {
        // ERSPAN type I has neither a sequence number nor a header.
        0x88be if !sequence => Ok((Layer::Ethernet, rest)),
        0x88be | 0x22eb => erspan(rest),
        // WCCP puts four bytes before the packet, in its second version.
        0x883e if rest.u8(0)? >> 4 == 4 => Ok((Layer::Ip, rest)),
        0x883e => Ok((Layer::Ip, rest.skip(4)?)),
        0x0800 | 0x86dd | 0x6558 | 0x8100 | 0x88a8 | 0x8847 | 0x8848 | 0x880b => link::ethertype(protocol, rest),
        // Keep-alives, next-hop resolution, IS-IS.
        0 | 0x2001 | 0x00fe => Err(Stop::Nothing),
        _ => Err(Stop::UnknownTunnel),
    }
}

/// ERSPAN types II and III, told apart by the version in the first four bits.
fn erspan(bytes: Bytes<'_>) -> Step<'_> {
    match bytes.u8(0)? >> 4 {
        1 => Ok((Layer::Ethernet, bytes.skip(8)?)),
        2 => {
            let last = bytes.u16(10)?;
            let rest = bytes.skip(if last & 1 != 0 { 20 } else { 12 })?;
            match last >> 10 & 0x1f {
                0 => Ok((Layer::Ethernet, rest)),
                2 => Ok((Layer::Ip, rest)),
                _ => Err(Stop::UnknownTunnel),
            }
        }
        _ => Err(Stop::UnknownTunnel),
    }
}

/// Ethernet in IP: two bytes whose first four bits are the version 3. RFC 3378 §2.
pub(super) fn ethernet_in_ip(bytes: Bytes<'_>) -> Step<'_> {
    match bytes.u8(0)? >> 4 {
        3 => Ok((Layer::Ethernet, bytes.skip(2)?)),
        _ => Err(Stop::Malformed),
    }
}

/// Whether a port is one that tunnels over UDP use, or ESP.
#[inline]
pub(super) fn is_tunnel_port(port: u16) -> bool {
    matches!(port, 1701 | 2152 | 4500 | 4789 | 4790 | 6081 | 8472)
}

/// What a datagram carries where its port is a tunnel's and its header is one; `None` for a plain datagram.
#[inline]
pub(super) fn over_udp(src: u16, dst: u16, payload: Bytes<'_>) -> Option<Step<'_>> {
    match (src, dst) {
        (4789 | 8472, _) | (_, 4789 | 8472) => vxlan(payload),
        (4790, _) | (_, 4790) => vxlan_gpe(payload),
        (6081, _) | (_, 6081) => geneve(payload),
        (2152, _) | (_, 2152) => gtp(payload),
        (1701, _) | (_, 1701) => l2tp(payload),
        _ => None,
    }
}

/// VXLAN, RFC 7348 §5, and its group policy extension.
fn vxlan(bytes: Bytes<'_>) -> Option<Step<'_>> {
    let [flags, policy, high, low, _, _, _, reserved] = bytes.at::<8>(0).ok()?;
    let inner = bytes.skip(8).ok()?;
    let plain = [flags, policy, high, low, reserved] == [0x08, 0, 0, 0, 0];
    let extended = flags & 0x08 != 0 && flags & 0x77 == 0 && link::looks_like_ethernet(inner);
    (plain || extended).then_some(Ok((Layer::Ethernet, inner)))
}

/// VXLAN with the protocol named in its header (draft-ietf-nvo3-vxlan-gpe).
fn vxlan_gpe(bytes: Bytes<'_>) -> Option<Step<'_>> {
    let [flags, high, low, next, ..] = bytes.at::<8>(0).ok()?;
    if flags & 0xf8 != 0x08 || high != 0 || low != 0 {
        return None;
    }
    let inner = bytes.skip(8).ok()?;
    match next {
        1 | 2 if looks_like_ip(inner) => Some(Ok((Layer::Ip, inner))),
        3 => Some(Ok((Layer::Ethernet, inner))),
        5 => Some(Ok((Layer::Mpls, inner))),
        _ => None,
    }
}

/// Geneve, RFC 8926 §3.4.
fn geneve(bytes: Bytes<'_>) -> Option<Step<'_>> {
    let [first, second, high, low, _, _, _, reserved] = bytes.at::<8>(0).ok()?;
    let inner = bytes.skip(8 + 4 * usize::from(first & 0x3f)).ok()?;
    let protocol = u16::from_be_bytes([high, low]);
    if first & 0xc0 != 0 || second & 0x3f != 0 || reserved != 0 {
        return None;
    }
    matches!(protocol, 0x6558 | 0x0800 | 0x86dd | 0x8847).then(|| link::ethertype(protocol, inner))
}

/// A G-PDU of GTP-U with its extension headers, 3GPP TS 29.281 §5.1 and §5.2. Other messages carry no packet.
fn gtp(bytes: Bytes<'_>) -> Option<Step<'_>> {
    const G_PDU: u8 = 255;
    let [flags, kind, high, low] = bytes.at::<4>(0).ok()?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if flags & 0xf8 != 0x30 || kind != G_PDU || length + 8 > bytes.wire {
        return None;
    }
    let bytes = bytes.limit(length + 8);
    if flags & 0x07 == 0 {
        return beneath_gtp(bytes.skip(8).ok()?);
    }
    let mut rest = bytes.skip(12).ok()?;
    let mut next = if flags & 0x04 != 0 { bytes.u8(11).ok()? } else { 0 };
    for _ in 0..MAX_GTP_EXTENSIONS {
        if next == 0 {
            return beneath_gtp(rest);
        }
        let length = 4 * usize::from(rest.u8(0).ok()?);
        next = rest.u8(length.checked_sub(1)?).ok()?;
        rest = rest.skip(length).ok()?;
    }
    None
}

/// A data message of L2TPv2, RFC 2661 §3.1, that carries PPP.
fn l2tp(bytes: Bytes<'_>) -> Option<Step<'_>> {
    let flags = bytes.u16(0).ok()?;
    let [control, length, sequence, offset] = [0x8000, 0x4000, 0x0800, 0x0200].map(|flag| flags & flag != 0);
    if control || flags & 0x34ff != 2 {
        return None;
    }
    let bytes = if length { bytes.limit_within(usize::from(bytes.u16(2).ok()?)) } else { bytes };
    let fields = 6 + 2 * usize::from(length) + 4 * usize::from(sequence);
    let padding = if offset { 2 + usize::from(bytes.u16(fields).ok()?) } else { 0 };
    let inner = bytes.skip(fields + padding).ok()?;
    let is_ppp = matches!(inner.at::<2>(0).ok()?, [0xff, 0x03] | [0, 0x21 | 0x57] | [0xc0 | 0x80, _]);
    is_ppp.then_some(Ok((Layer::Ppp, inner)))
}

fn beneath_gtp(inner: Bytes<'_>) -> Option<Step<'_>> {
    match inner.u8(0).ok()? >> 4 {
        4 | 6 => Some(Ok((Layer::Ip, inner))),
        _ if link::looks_like_ethernet(inner) => Some(Ok((Layer::Ethernet, inner))),
        _ if inner.data.len() < ENOUGH => Some(Err(Stop::Short)),
        _ => Some(Err(Stop::UnknownTunnel)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Layer, Stop, gre, mpls, over_udp};

    fn whole(data: &[u8]) -> Bytes<'_> {
        Bytes::new(data, data.len())
    }

    #[test]
    fn a_message_on_the_port_of_a_tunnel_stays_a_datagram() {
        for port in [4789, 4790, 8472, 6081, 2152, 1701] {
            for text in [&b"OPTIONS sip:a@b SIP/2.0\r\n\r\n"[..], b"SIP/2.0 200 OK\r\n\r\n", b"Hello", b"\r\n\r\n", b""]
            {
                assert!(over_udp(5060, port, whole(text)).is_none(), "{port}");
            }
        }
        assert!(over_udp(5060, 5060, whole(&[0x08, 0, 0, 0, 0, 0, 1, 0])).is_none());
    }

    #[test]
    fn gtp_extension_headers_are_passed_over() {
        // Flags E; length 12 = 4 optional bytes + extension of 4 + 4 bytes of packet; extension type 0x85 (PDU session).
        let packet = [0x34, 255, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0x10, 9, 0, 0x45, 1, 2, 3, 0xee];
        let (layer, inner) = over_udp(9999, 2152, whole(&packet)).unwrap().unwrap();
        assert_eq!((layer, inner.data), (Layer::Ip, &[0x45, 1, 2, 3][..]));
        let endless = [0x34, 255, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0x85, 0, 0x10, 9, 0, 0x45, 1, 2, 3];
        assert!(over_udp(9999, 2152, whole(&endless)).is_none());
        let echo = [0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0];
        assert!(over_udp(2152, 2152, whole(&echo)).is_none());
    }

    #[test]
    fn gre_options_are_counted_by_their_flags() {
        for (flags, options) in [(0x00, 0), (0x80, 4), (0x20, 4), (0x10, 4), (0xb0, 12)] {
            let packet = [&[flags, 0, 8, 0][..], &vec![7; options], &[0x45, 5]].concat();
            let (layer, inner) = gre(whole(&packet)).unwrap();
            assert_eq!((layer, inner.data), (Layer::Ip, &[0x45, 5][..]), "{flags:x}");
        }
        assert_eq!(gre(whole(&[0x40, 0, 8, 0, 0, 0, 0, 0])).unwrap_err(), Stop::UnknownTunnel);
        // PPTP: key with the payload's length, sequence and acknowledgement; then a PPP frame and padding.
        let pptp = [0x30, 0x81, 0x88, 0x0b, 0, 2, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0x21, 0x45, 0xee];
        let (layer, inner) = gre(whole(&pptp)).unwrap();
        assert_eq!((layer, inner.data), (Layer::Ppp, &[0x21, 0x45][..]));
    }

    #[test]
    fn a_label_stack_ends_at_its_bottom() {
        let stack = [0, 1, 0, 64, 0, 2, 1, 64, 0x45, 0];
        assert_eq!(mpls(whole(&stack)).unwrap().1.data, &[0x45, 0]);
        assert_eq!(mpls(whole(&[0; 80])).unwrap_err(), Stop::Malformed);
        assert_eq!(mpls(whole(&[0, 1, 0, 64])).unwrap_err(), Stop::Short);
    }
}
