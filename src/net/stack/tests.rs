//! Packets made by hand, one for each encapsulation, and what must be found in them.

use super::Stack;
use crate::base::Timestamp;
use crate::net::{LinkType, Packet, Payload, Reason};

const TEXT: &[u8] = b"OPTIONS sip:bob@example.com SIP/2.0\r\n\r\n";

/// What a test looks at of a `Carried`.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Found {
    kind: &'static str,
    src: String,
    dst: String,
    data: Vec<u8>,
    cut: bool,
    fragments: Vec<u64>,
}

fn feed(stack: &mut Stack, frame: u64, link: u16, data: &[u8], original_len: usize) -> Vec<Found> {
    let packet = Packet {
        time: Timestamp(frame as i64 * 1000),
        source: 0,
        frame,
        link: LinkType(link),
        data,
        original_len: original_len as u32,
    };
    let mut found = Vec::new();
    stack.decode(&packet, &mut |carried| {
        assert_eq!(carried.frame, frame);
        let (kind, data) = match carried.payload {
            Payload::Udp(data) => ("udp", data),
            Payload::Tcp(segment) => ("tcp", segment.data),
            Payload::Sctp(data) => ("sctp", data),
            Payload::IcmpError(quoted) => ("icmp", quoted.payload),
        };
        found.push(Found {
            kind,
            src: carried.flow.src.to_string(),
            dst: carried.flow.dst.to_string(),
            data: data.to_vec(),
            cut: carried.cut,
            fragments: carried.fragments.to_vec(),
        });
    });
    found
}

fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16 + 8;
    [&src.to_be_bytes()[..], &dst.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload].concat()
}

fn v4(host: u8, protocol: u8, flags: u16, payload: &[u8]) -> Vec<u8> {
    let total = (payload.len() as u16 + 20).to_be_bytes();
    let [a, b] = flags.to_be_bytes();
    [&[0x45, 0][..], &total, &[0, 7, a, b, 64, protocol, 0, 0, 192, 0, 2, host, 192, 0, 2, host + 1], payload].concat()
}

fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    let mut address = [0; 16];
    address[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    let (mut src, mut dst) = (address, address);
    (src[15], dst[15]) = (1, 2);
    [&[0x60, 0, 0, 0][..], &length, &[next, 64], &src, &dst, payload].concat()
}

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind.to_be_bytes(), payload].concat()
}

/// The datagram that hides in every encapsulation below.
fn inner() -> Vec<u8> {
    v4(1, 17, 0, &udp(5060, 5061, TEXT))
}

fn outer(protocol: u8, payload: &[&[u8]]) -> Vec<u8> {
    ethernet(0x0800, &v4(9, protocol, 0, &payload.concat()))
}

fn over_udp(port: u16, payload: &[&[u8]]) -> Vec<u8> {
    outer(17, &[&udp(40_000, port, &payload.concat())])
}

/// Each link layer and tunnel once: name, link type, packet.
fn encapsulations() -> Vec<(&'static str, u16, Vec<u8>)> {
    let ip = inner();
    let frame = ethernet(0x0800, &ip);
    let nested = [&[0x30, 255][..], &(ip.len() as u16).to_be_bytes(), &[0, 0, 0, 1], &ip].concat();
    let gtp_inside = v4(5, 17, 0, &udp(2152, 2152, &nested));
    let gtp_len = (gtp_inside.len() as u16 + 8).to_be_bytes();
    let (frame_len, ip_len) = ((ip.len() as u16 + 8).to_be_bytes(), (ip.len() as u16 + 2).to_be_bytes());
    let tags = [&[0, 1, 0x88, 0xa8, 0, 2, 0x91, 0, 0, 3, 0x81, 0, 0, 4, 0x81, 0, 0, 5, 0x08, 0][..], &ip].concat();
    vec![
        ("ethernet", 1, frame.clone()),
        ("ethernet with padding", 1, [&frame[..], &[0; 20]].concat()),
        ("five tags", 1, ethernet(0x8100, &tags)),
        ("snap", 1, ethernet(ip.len() as u16 + 8, &[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &ip].concat())),
        ("pppoe", 1, ethernet(0x8864, &[&[0x11, 0, 0, 5][..], &ip_len, &[0, 0x21], &ip, b"pad"].concat())),
        ("mpls", 1, ethernet(0x8847, &[&[0, 1, 0, 64, 0, 2, 1, 64][..], &ip].concat())),
        ("pseudowire", 1, ethernet(0x8847, &[&[0, 1, 1, 64, 0, 0, 0, 0][..], &frame].concat())),
        ("sll", 113, [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0][..], &ip].concat()),
        ("sll vlan", 113, [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0, 0, 9, 8, 0][..], &ip].concat()),
        ("sll2", 276, [&[8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0][..], &ip].concat()),
        (
            "sll2 vlan",
            276,
            [&[0x81, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 9, 8, 0][..], &ip].concat(),
        ),
        ("raw 12", 12, ip.clone()),
        ("raw 14", 14, ip.clone()),
        ("raw 101", 101, ip.clone()),
        ("ipv4", 228, ip.clone()),
        ("null", 0, [&[2, 0, 0, 0][..], &ip].concat()),
        ("loop", 108, [&[0, 0, 0, 2][..], &ip].concat()),
        ("ppp", 9, [&[0xff, 3, 0, 0x21][..], &ip].concat()),
        ("ppp hdlc", 50, [&[0xff, 3, 0, 0x21][..], &ip].concat()),
        ("cisco hdlc", 50, [&[0x0f, 0, 8, 0][..], &ip].concat()),
        ("pppoe link", 51, [&[0x11, 0, 0, 5][..], &ip_len, &[0, 0x21], &ip].concat()),
        ("ppp with direction", 204, [&[1, 0xff, 3, 0, 0x21][..], &ip].concat()),
        ("ip in ip", 1, outer(4, &[&ip])),
        ("4in6", 229, v6(4, &ip)),
        ("extension headers", 229, v6(0, &[&[60, 0, 1, 4, 0, 0, 0, 0, 4, 0, 1, 4, 0, 0, 0, 0][..], &ip].concat())),
        ("authentication header", 1, outer(51, &[&[4, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], &[9; 12], &ip])),
        ("gre", 1, outer(47, &[&[0, 0, 8, 0], &ip])),
        ("gre ethernet", 1, outer(47, &[&[0xb0, 0, 0x65, 0x58], &[0; 12], &frame])),
        ("erspan 1", 1, outer(47, &[&[0, 0, 0x88, 0xbe], &frame])),
        ("erspan 2", 1, outer(47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0], &frame])),
        ("erspan 3", 1, outer(47, &[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1], &[0; 8], &frame])),
        (
            "erspan 3 sub",
            1,
            outer(47, &[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1], &[0; 7], &[1], &[0; 8], &frame]),
        ),
        ("vxlan", 1, over_udp(4789, &[&[8, 0, 0, 0, 0, 0, 7, 0], &frame])),
        ("vxlan linux", 1, over_udp(8472, &[&[8, 0, 0, 0, 0, 0, 7, 0], &frame])),
        ("vxlan gpe", 1, over_udp(4790, &[&[12, 0, 0, 1, 0, 0, 7, 0], &ip])),
        ("geneve", 1, over_udp(6081, &[&[1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 4], &frame])),
        ("gtp", 1, over_udp(2152, &[&[0x30, 255], &(ip.len() as u16).to_be_bytes(), &[0, 0, 0, 1], &ip])),
        (
            "gtp sequence",
            1,
            over_udp(2152, &[&[0x32, 255], &(ip.len() as u16 + 4).to_be_bytes(), &[0, 0, 0, 1, 0, 9, 0, 0], &ip]),
        ),
        (
            "gtp extension",
            1,
            over_udp(2152, &[&[0x34, 255], &frame_len, &[0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0], &ip]),
        ),
        (
            "gtp in gtp",
            1,
            over_udp(2152, &[&[0x30, 255], &gtp_len[..1], &[gtp_len[1] - 8], &[0, 0, 0, 1], &gtp_inside]),
        ),
        ("l2tp", 1, over_udp(1701, &[&[0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x21], &ip])),
        ("esp null", 1, outer(50, &[&[0, 0, 0x30, 0x39, 0, 0, 0, 1], &ip, &trailer(ip.len(), 4)])),
        ("esp null in udp", 1, over_udp(4500, &[&[0, 0, 0x30, 0x39, 0, 0, 0, 1], &ip, &trailer(ip.len(), 4)])),
    ]
}

/// Padding, next header and twelve bytes of check value behind `len` bytes.
fn trailer(len: usize, next: u8) -> Vec<u8> {
    let pad = (4 - (len + 2) % 4) % 4;
    let mut bytes: Vec<u8> = (1..=pad as u8).collect();
    bytes.extend([pad as u8, next]);
    bytes.extend([0xe1; 12]);
    bytes
}

#[test]
fn every_encapsulation_gives_the_datagram_inside() {
    for (name, link, packet) in encapsulations() {
        let mut stack = Stack::new();
        let found = feed(&mut stack, 1, link, &packet, packet.len());
        let expected = Found {
            kind: "udp",
            src: "192.0.2.1:5060".into(),
            dst: "192.0.2.2:5061".into(),
            data: TEXT.to_vec(),
            cut: false,
            fragments: vec![],
        };
        assert_eq!(found, [expected], "{name}");
        assert!(stack.undecoded().is_empty(), "{name}: {:?}", stack.undecoded());
    }
}

#[test]
fn cut_anywhere_a_packet_gives_its_beginning_or_a_reason() {
    for (name, link, packet) in encapsulations() {
        // Padding and check value after the datagram may go without loss.
        let end = packet.windows(TEXT.len()).rposition(|w| w == TEXT).unwrap() + TEXT.len();
        for len in 0..end {
            let mut stack = Stack::new();
            let found = feed(&mut stack, 1, link, &packet[..len], packet.len());
            let counted = stack.undecoded().of(Reason::CutBySnapLength);
            match found.first() {
                Some(f) if f.src == "192.0.2.1:5060" => assert!(f.cut && TEXT.starts_with(&f.data), "{name} {len}"),
                // A tunnel whose header is not whole stays a datagram of the outer addresses.
                Some(f) => assert!(f.cut && f.kind == "udp", "{name} {len}: {f:?}"),
                None => assert_eq!(counted, 1, "{name} {len}: {:?}", stack.undecoded()),
            }
        }
    }
}

#[test]
fn flipped_bits_and_cut_tails_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut stack = Stack::new();
    let mut packets: Vec<_> = encapsulations().into_iter().map(|(_, link, packet)| (link, packet)).collect();
    packets.extend(fragments_v6().into_iter().map(|p| (229, p)));
    packets.push((101, icmp_error()));
    packets.push((101, sctp(3, TEXT)));
    for round in 0..400 {
        for (link, packet) in &packets {
            let mut packet = packet.clone();
            for _ in 0..random() % 4 {
                let at = random() % packet.len();
                packet[at] ^= 1 << (random() % 8);
            }
            let kept = packet.len() - (random() % 3) / 2 * (random() % packet.len());
            for found in feed(&mut stack, round, *link, &packet[..kept], packet.len()) {
                assert!(found.data.len() <= 70_000);
            }
        }
    }
    stack.finish();
}

fn fragments_v6() -> Vec<Vec<u8>> {
    let whole = udp(5060, 5061, TEXT);
    [(0u16, 1u16, &whole[..16]), (8, 1, &whole[8..40]), (40, 0, &whole[40..])]
        .iter()
        .map(|&(offset, more, part)| {
            let [a, b] = (offset | more).to_be_bytes();
            v6(44, &[&[17, 0, a, b, 0, 0, 0, 99][..], part].concat())
        })
        .collect()
}

#[test]
fn fragments_of_both_families_come_together_in_any_order() {
    let whole = udp(5060, 5061, TEXT);
    let parts: Vec<_> = [(0usize, 0x2000, &whole[..24]), (24, 0x2000, &whole[24..32]), (32, 0, &whole[32..])]
        .iter()
        .map(|&(offset, more, part)| v4(1, 17, more | (offset / 8) as u16, part))
        .collect();
    for (family, parts) in [(4, parts), (6, fragments_v6())] {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut stack = Stack::new();
            let found: Vec<_> =
                (1..).zip(order).flat_map(|(n, i)| feed(&mut stack, n, 101, &parts[i], parts[i].len())).collect();
            assert_eq!(found.len(), 1, "{family} {order:?}");
            assert_eq!((&found[0].data[..], &found[0].fragments[..]), (TEXT, &[1, 2][..]), "{family} {order:?}");
            stack.finish();
            assert!(stack.undecoded().is_empty());
        }
    }
}

#[test]
fn fragments_of_a_tunnel_that_carries_fragments() {
    let whole = udp(5060, 5061, TEXT);
    let mut stack = Stack::new();
    let mut found = Vec::new();
    let mut frame = 0;
    for inner in [v4(1, 17, 0x2000, &whole[..24]), v4(1, 17, 3, &whole[24..])] {
        let gre = [&[0, 0, 8, 0][..], &inner].concat();
        for part in [v4(9, 47, 0x2000, &gre[..16]), v4(9, 47, 2, &gre[16..])] {
            frame += 1;
            found.extend(feed(&mut stack, frame, 101, &part, part.len()));
        }
    }
    assert_eq!((&found[0].data[..], &found[0].fragments[..]), (TEXT, &[1, 2, 3][..]));
}

#[test]
fn a_missing_fragment_is_counted_once_a_datagram() {
    let mut stack = Stack::new();
    let part = v4(1, 17, 0x2000, &udp(5060, 5061, &[b'x'; 24]));
    assert!(feed(&mut stack, 1, 101, &part, part.len()).is_empty());
    assert!(stack.undecoded().is_empty());
    stack.finish();
    assert_eq!(stack.undecoded().of(Reason::FragmentMissing), 1);
}

#[test]
fn more_layers_than_are_followed_end_with_a_reason() {
    let mut packet = inner();
    for _ in 0..100 {
        packet = v4(9, 4, 0, &packet);
    }
    let mut stack = Stack::new();
    assert!(feed(&mut stack, 1, 101, &packet, packet.len()).is_empty());
    assert_eq!(stack.undecoded().of(Reason::TooManyLayers), 1);
}

fn icmp_error() -> Vec<u8> {
    v4(50, 1, 0, &[&[3, 3, 0, 0, 0, 0, 0, 0][..], &inner()].concat())
}

#[test]
fn an_icmp_error_names_the_flow_that_it_quotes() {
    let packet = icmp_error();
    let source = Packet {
        time: Timestamp(0),
        source: 0,
        frame: 1,
        link: LinkType::RAW_IP,
        data: &packet,
        original_len: packet.len() as u32,
    };
    let mut quotes = 0;
    Stack::new().decode(&source, &mut |carried| {
        let Payload::IcmpError(quoted) = carried.payload else { panic!("{carried:?}") };
        assert_eq!((quoted.kind, quoted.code, quoted.v6, quoted.protocol, quoted.payload), (3, 3, false, 17, TEXT));
        assert_eq!(quoted.flow.src.to_string(), "192.0.2.1:5060");
        assert_eq!(quoted.destination().to_string(), "192.0.2.2:5061");
        assert_eq!(carried.flow.src.to_string(), "192.0.2.50:0");
        quotes += 1;
    });
    assert_eq!(quotes, 1);
    let echo = v4(50, 1, 0, &[8, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    assert!(feed(&mut Stack::new(), 1, 101, &echo, echo.len()).is_empty());
}

#[test]
fn a_segment_keeps_its_numbers_and_its_length_on_the_wire() {
    let segment =
        [&[0x13, 0xc4, 0x13, 0xc5, 0, 0, 1, 0, 0, 0, 2, 0, 0x60, 0x19, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1][..], TEXT];
    let packet = v4(1, 6, 0, &segment.concat());
    let source = Packet {
        time: Timestamp(0),
        source: 0,
        frame: 1,
        link: LinkType::RAW_IP,
        data: &packet[..packet.len() - 5],
        original_len: packet.len() as u32,
    };
    let mut segments = 0;
    Stack::new().decode(&source, &mut |carried| {
        let Payload::Tcp(s) = carried.payload else { panic!("{carried:?}") };
        assert_eq!((s.seq, s.ack, s.syn, s.fin, s.rst, s.acks), (256, 512, false, true, false, true));
        assert_eq!((s.data, s.wire_len as usize, carried.cut), (&TEXT[..TEXT.len() - 5], TEXT.len(), true));
        segments += 1;
    });
    assert_eq!(segments, 1);
}

fn sctp(flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = (16 + payload.len() as u16).to_be_bytes();
    let common = [0x13, 0xc4, 0x13, 0xc5, 0, 0, 0, 1, 0, 0, 0, 0];
    v4(1, 132, 0, &[&common[..], &[0, flags], &length, &[0, 0, 0, 1, 0, 1, 0, 7, 0, 0, 0, 0], payload].concat())
}

#[test]
fn an_sctp_message_has_the_ports_of_its_association() {
    let packet = sctp(3, TEXT);
    let found = feed(&mut Stack::new(), 1, 101, &packet, packet.len());
    assert_eq!((found[0].kind, &found[0].data[..], &found[0].src[..]), ("sctp", TEXT, "192.0.2.1:5060"));
}

#[test]
fn what_is_not_followed_is_counted_and_what_carries_nothing_is_not() {
    let reasons = [
        (127, inner(), Some(Reason::UnknownLinkType)),
        (1, outer(115, &[&[0; 20]]), Some(Reason::UnknownTunnel)),
        (1, outer(47, &[&[0, 0, 0x12, 0x34, 1, 2, 3, 4]]), Some(Reason::UnknownTunnel)),
        (1, outer(50, &[&[7; 64]]), Some(Reason::EspEncrypted)),
        (1, ethernet(0x0800, &[0x41; 40]), Some(Reason::MalformedPacket)),
        (1, outer(17, &[&[0, 1, 0, 2, 0, 3, 0, 0]]), Some(Reason::MalformedPacket)),
        (1, ethernet(0x0806, &[0; 28]), None),
        (1, outer(89, &[&[0; 28]]), None),
    ];
    for (link, packet, reason) in reasons {
        let mut stack = Stack::new();
        assert!(feed(&mut stack, 1, link, &packet, packet.len()).is_empty());
        assert_eq!(
            stack.undecoded().iter().map(|(r, n)| (r, n == 1)).collect::<Vec<_>>(),
            Vec::from_iter(reason.map(|r| (r, true)))
        );
    }
}

#[test]
fn a_datagram_without_a_length_reaches_to_the_end_of_the_packet() {
    let mut packet = inner();
    packet[24..26].copy_from_slice(&[0, 0]);
    packet[2..4].copy_from_slice(&[0, 0]);
    assert_eq!(feed(&mut Stack::new(), 1, 101, &packet, packet.len())[0].data, TEXT);
}

#[test]
fn the_short_way_and_the_loop_find_the_same() {
    let segment = [&[0x13, 0xc4, 0x13, 0xc5, 0, 0, 1, 0, 0, 0, 2, 0, 0x50, 0x18, 1, 0, 0, 0, 0, 0][..], TEXT].concat();
    let frames = [inner(), v4(3, 6, 0, &segment), v4(1, 17, 0, &udp(9, 10, b"")), v4(1, 6, 0, &segment[..20])];
    for ip in frames {
        let plain = ethernet(0x0800, &[&ip[..], b"padding"].concat());
        let tagged = ethernet(0x8100, &[&[0, 1, 8, 0][..], &ip, b"padding"].concat());
        let short = feed(&mut Stack::new(), 1, 1, &plain, plain.len());
        assert_eq!(short.len(), 1);
        assert_eq!(short, feed(&mut Stack::new(), 1, 1, &tagged, tagged.len()));
    }
}
