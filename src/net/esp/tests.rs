use super::{Associations, is_in_udp, ones_complement};
use crate::base::{Endpoint, Flow};
use crate::net::ip;
use crate::net::layer::{Bytes, Layer, Path, Stop};

fn path() -> Path {
    let flow = Flow { src: Endpoint::v4([10, 0, 0, 1], 0), dst: Endpoint::v4([10, 0, 0, 2], 0) };
    Path { flow, id: 1, ttl: 64 }
}

fn whole(data: &[u8]) -> Bytes<'_> {
    Bytes::new(data, data.len())
}

/// A UDP datagram with this payload.
fn datagram(payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16 + 8).to_be_bytes();
    [&[0x13, 0xc4, 0x13, 0xc4], &length[..], &[0, 0], payload].concat()
}

/// ESP around `inner` with a check value of `check` bytes that are no trailer by themselves.
fn esp(spi: u32, vector: usize, inner: &[u8], next: u8, check: usize) -> Vec<u8> {
    let pad = (4 - (inner.len() + 2) % 4) % 4;
    let mut bytes = [&spi.to_be_bytes()[..], &[0, 0, 0, 1], &vec![0x5a; vector], inner].concat();
    bytes.extend((1..=pad as u8).collect::<Vec<_>>());
    bytes.extend([pad as u8, next]);
    bytes.extend((0..check).map(|i| 0xd3u8.wrapping_mul(i as u8 + 3)));
    bytes
}

#[test]
fn every_usual_check_value_is_found_by_the_datagram_inside() {
    for (check, vector) in [(12, 0), (16, 0), (16, 8), (0, 0), (24, 0), (32, 0), (20, 0)] {
        for text in ["SIP/2.0 200 OK", "SIP/2.0 200 OK\r", "a", ""] {
            let inner = datagram(text.as_bytes());
            let packet = esp(0x1234_5678, vector, &inner, ip::UDP, check);
            let (layer, found) = Associations::default().open(&path(), whole(&packet), 0).unwrap();
            assert_eq!((layer, found.data), (Layer::Protocol(ip::UDP), &inner[..]), "{check} {vector} {text:?}");
        }
    }
}

#[test]
fn tcp_inside_is_proved_by_its_checksum() {
    let mut segment = vec![0x13, 0xc4, 0x13, 0xc4, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0];
    segment.extend(b"BYE sip:a@b SIP/2.0");
    let pseudo = [&[10, 0, 0, 1, 10, 0, 0, 2, 0, 6, 0, segment.len() as u8][..], &segment].concat();
    let checksum = !ones_complement(0, &pseudo);
    segment[16..18].copy_from_slice(&checksum.to_be_bytes());
    let packet = esp(7000, 0, &segment, ip::TCP, 16);
    assert_eq!(Associations::default().open(&path(), whole(&packet), 0).unwrap().1.data, &segment[..]);
}

#[test]
fn ciphertext_is_said_to_be_encrypted() {
    let mut associations = Associations::default();
    let mut state = 0x2545_f491_u32;
    for n in 0..400 {
        let packet: Vec<u8> = (0..72 + n % 7 * 4)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let packet = [&[0, 0, 0x30, 0x39][..], &packet].concat();
        assert_eq!(associations.open(&path(), whole(&packet), 0).unwrap_err(), Stop::Encrypted);
    }
}

#[test]
fn a_cut_packet_is_opened_by_what_others_of_its_association_told() {
    let mut associations = Associations::default();
    let packet = esp(4711, 0, &datagram(b"a long enough message"), ip::UDP, 12);
    let cut = Bytes::new(&packet[..30], packet.len());
    assert_eq!(associations.open(&path(), cut, 0).unwrap_err(), Stop::Short);
    associations.open(&path(), whole(&packet), 0).unwrap();
    let (layer, inner) = associations.open(&path(), cut, 0).unwrap();
    assert_eq!((layer, inner.data), (Layer::Protocol(ip::UDP), &packet[8..30]));
}

#[test]
fn port_4500_holds_more_than_esp() {
    assert!(is_in_udp(whole(&[0xc0, 1, 2, 3, 0, 0, 0, 1, 9, 9, 9, 9])));
    for other in [&b"OPTIONS sip:a SIP/2.0"[..], &[0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], &[0xff], b"\r\n\r\n\r\n\r\n"] {
        assert!(!is_in_udp(whole(other)), "{other:?}");
    }
}
