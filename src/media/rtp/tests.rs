//! RTP against packets built by an independent library, hand-written streams, and what tshark says of captures.

use super::*;
use crate::base::Timestamp;
use crate::media::codec::Codec;
use rtp_types::RtpPacketBuilder;

fn header(sequence: u16, timestamp: u32) -> Header {
    let mut bytes = vec![0x80, 0];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend([0, 0, 0, 7]);
    bytes.extend([0x55; 160]);
    Header::parse(&bytes).unwrap()
}

fn ms(n: f64) -> Timestamp {
    Timestamp((n * 1e6) as i64)
}

#[test]
fn reads_what_an_independent_builder_wrote() {
    let payload = [9u8, 8, 7, 6, 5];
    let builder = RtpPacketBuilder::new()
        .payload_type(101)
        .marker_bit(true)
        .sequence_number(0xfffe)
        .timestamp(0xdead_beef)
        .ssrc(0x0102_0304)
        .add_csrc(1)
        .add_csrc(2)
        .extension(0xbede, &[1u8, 2, 3, 4, 5, 6, 7, 8][..])
        .padding(4)
        .payload(&payload[..]);
    let bytes = builder.write_vec().unwrap();
    let h = Header::parse(&bytes).unwrap();
    assert_eq!(
        (h.payload_type, h.marker, h.sequence, h.timestamp, h.ssrc),
        (101, true, 0xfffe, 0xdead_beef, 0x0102_0304)
    );
    assert_eq!((h.csrc_count, h.padding, h.whole, h.payload_len()), (2, 4, true, 5));
    assert_eq!(h.payload(&bytes), payload);
}

#[test]
fn a_cut_packet_keeps_its_header_and_says_that_it_is_not_whole() {
    let bytes = [0x9f, 0x00, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 1, 1, 1];
    for cut in 0..=bytes.len() {
        match Header::parse(&bytes[..cut]) {
            None => assert!(cut < FIXED_HEADER),
            Some(h) => assert!(!h.whole && h.sequence == 1 && h.ssrc == 3 && h.payload(&bytes[..cut]).is_empty()),
        }
    }
    // Padding longer than the packet.
    let h = Header::parse(&[0xa0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 77, 200]).unwrap();
    assert!(!h.whole && h.payload_len() == 2);
    assert_eq!(Header::parse(&[0x40; 40]), None);
}

#[test]
fn neighbours_of_rtp_are_not_taken_for_it() {
    let mut rtp = vec![0x80, 0x00, 0x12, 0x34, 0, 0, 0, 160, 1, 2, 3, 4];
    rtp.extend([0xd5; 160]);
    assert!(looks_like_rtp(&rtp).is_some());
    let first = |b: u8| {
        let mut other = rtp.clone();
        other[0] = b;
        looks_like_rtp(&other).is_some()
    };
    // STUN, ZRTP, DTLS, TURN channel data, QUIC short and long headers, SIP text. RFC 7983 §7
    for b in [0x00, 0x01, 0x10, 0x16, 0x17, 0x40, 0x4f, 0x50, 0xc0, 0xff, b'I'] {
        assert!(!first(b), "{b:#x}");
    }
    let second = |b: u8| {
        let mut other = rtp.clone();
        other[1] = b;
        looks_like_rtp(&other).is_some()
    };
    // SR, RR, SDES, BYE, APP; reserved and unassigned types.
    assert!(![200u8, 201, 202, 203, 204, 72, 76, 1, 20, 35, 95].iter().any(|&b| second(b)));
    assert!([0x80 | 8, 8, 18, 96, 101, 127, 0x80 | 111].iter().all(|&b| second(b)));
    // A DNS query for example.com with identifier 0x8000.
    let mut dns = vec![0x80, 0x00, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 7];
    dns.extend(b"example\x03com\0\0\x01\0\x01");
    assert!(looks_like_rtp(&dns).is_none());
    dns[10..12].copy_from_slice(&[0, 1]);
    assert!(looks_like_rtp(&dns).is_none());
    assert!(looks_like_rtp(&rtp[..12]).is_none());
    assert!(looks_like_rtp(&rtp[..11]).is_none());
}

#[test]
fn rtcp_is_known_by_type_and_length() {
    let mut rr = vec![0x81, 201, 0, 7];
    rr.extend([0; 28]);
    assert!(looks_like_rtcp(&rr));
    // SRTCP: index and tag behind.
    rr.extend([0x80, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert!(looks_like_rtcp(&rr));
    assert!(!looks_like_rtcp(&rr[..20]));
    rr[0] = 0x82;
    assert!(!looks_like_rtcp(&rr));
    assert!(!looks_like_rtcp(&[0x80, 0, 0, 0]) && !looks_like_rtcp(&[0x81, 201]));
}

#[test]
fn two_packets_in_a_row_confirm_each_other() {
    let (a, b) = (header(65_535, 0), header(0, 160));
    assert!(b.continues(&a) && !a.continues(&b) && !a.continues(&a));
}

#[test]
fn jitter_is_that_of_rfc_3550() {
    // By hand: transit differences 5, 5 and 10 ms. J = 5/16; then +(5 − J)/16; then +(10 − J)/16.
    let mut r = Receiver::new(7);
    for (n, at) in [0.0, 25.0, 40.0, 70.0].into_iter().enumerate() {
        r.push(ms(at), &header(n as u16, n as u32 * 160));
    }
    let s = r.statistics();
    let j1 = 5.0 / 16.0;
    let j2 = j1 + (5.0 - j1) / 16.0;
    let j3 = j2 + (10.0 - j2) / 16.0;
    assert!((s.jitter_ms - j3).abs() < 1e-9 && (s.max_jitter_ms - j3).abs() < 1e-9);
    assert!((s.mean_jitter_ms - (j1 + j2 + j3) / 3.0).abs() < 1e-9);
    assert_eq!((s.max_delta_ms, s.max_gap_ms, s.duration_ms), (30.0, 30.0, 70.0));
    assert_eq!((s.packets, s.lost, s.bytes, s.clock_rate, s.codec), (4, 0, 640, Some(8000), Some(Codec::Pcmu)));
}

#[test]
fn a_marked_pause_is_the_talkers_an_unmarked_one_is_a_gap() {
    let play = |marker: bool, moved: u32, skipped: u16| {
        let mut r = Receiver::new(7);
        for n in 0..10u16 {
            r.push(ms(f64::from(n) * 20.0), &header(n, u32::from(n) * 160));
        }
        let after = Header { marker, ..header(10 + skipped, 9 * 160 + moved) };
        r.push(ms(180.0 + 2000.0), &after);
        let s = r.statistics();
        (s.max_gap_ms, s.max_delta_ms)
    };
    // Two seconds of silence: the timestamp moved along.
    assert_eq!(play(true, 16_000, 0), (20.0, 20.0));
    // The same without a marker, and with one but a timestamp that stood still: nobody paused.
    assert_eq!(play(false, 16_000, 0), (2000.0, 2000.0));
    assert_eq!(play(true, 160, 0).0, 2000.0);
    // A hundred packets are missing: an outage, whatever the marker says.
    assert_eq!(play(true, 16_000, 99).0, 2000.0);
}

#[test]
fn events_leave_the_jitter_alone() {
    let mut r = Receiver::new(7);
    r.describe(101, Some(Codec::TelephoneEvent), 8000);
    for n in 0..100u16 {
        let mut h = header(n, u32::from(n) * 160);
        if (40..60).contains(&n) {
            (h.payload_type, h.timestamp) = (101, 40 * 160);
        }
        r.push(ms(f64::from(n) * 20.0), &h);
    }
    let s = r.statistics();
    assert!(s.max_jitter_ms < 1e-6, "{}", s.max_jitter_ms);
    assert_eq!((s.payload_type, s.lost, s.max_gap_ms), (0, 0, 20.0));
    let used: Vec<_> = r.payload_types().iter().map(|t| (t.number, t.packets)).collect();
    assert_eq!(used, [(101, 20), (0, 80)]);
}

#[test]
fn a_long_description_leaves_room_for_what_comes() {
    let mut r = Receiver::new(7);
    for pt in 96..=127 {
        r.describe(pt, None, 16_000);
    }
    for n in 0..10u16 {
        r.push(ms(f64::from(n) * 20.0), &header(n, u32::from(n) * 160));
    }
    let s = r.statistics();
    assert_eq!((s.payload_type, s.codec, r.other_packets()), (0, Some(Codec::Pcmu), 0));
    assert_eq!(r.payload_types().iter().filter(|t| t.packets > 0).count(), 1);
}

#[test]
fn a_clock_learned_late_or_never_gives_the_same_jitter() {
    let feed = |r: &mut Receiver, range: std::ops::Range<u16>, pt: u8| {
        for n in range {
            let h = Header { payload_type: pt, ..header(n, u32::from(n) * 320) };
            let wobble = f64::from(n * 7 % 5);
            r.push(ms(f64::from(n) * 20.0 + wobble), &h);
        }
    };
    let (mut told, mut late, mut never) = (Receiver::new(1), Receiver::new(1), Receiver::new(1));
    told.describe(97, Some(Codec::Speex), 16_000);
    feed(&mut told, 0..200, 97);
    feed(&mut late, 0..90, 97);
    late.describe(97, Some(Codec::Speex), 16_000);
    feed(&mut late, 90..200, 97);
    feed(&mut never, 0..200, 97);
    let (told, late, never) = (told.statistics(), late.statistics(), never.statistics());
    assert!(told.mean_jitter_ms > 0.5 && told.mean_jitter_ms < 4.0);
    for other in [&late, &never] {
        assert!((told.mean_jitter_ms - other.mean_jitter_ms).abs() < 1e-9);
        assert_eq!(other.clock_rate, Some(16_000));
    }
    assert_eq!((never.codec, never.mos(), late.codec), (None, None, Some(Codec::Speex)));
}

#[test]
fn burst_ratio_tells_bursts_from_random_loss() {
    let play = |lost: fn(u16) -> bool| {
        let mut r = Receiver::new(7);
        for n in (0..1000u16).filter(|&n| n == 0 || n == 999 || !lost(n)) {
            r.push(ms(f64::from(n) * 20.0), &header(n, u32::from(n) * 160));
        }
        r.statistics()
    };
    let single = play(|n| n % 20 == 10);
    let bursts = play(|n| n % 200 < 10 && n > 100);
    assert_eq!((single.lost, single.loss_runs, single.loss_percent), (50, 50, 5.0));
    assert!((single.burst_ratio - 0.95).abs() < 1e-9);
    assert_eq!((bursts.lost, bursts.loss_runs), (40, 4));
    assert!((bursts.burst_ratio - 9.6).abs() < 1e-9);
    // By hand: 95·5/9.3 = 51.08, R = 42.1, MOS = 2.17.
    assert!((single.mos().unwrap() - 2.17).abs() < 0.01);
}

#[test]
fn a_source_that_starts_over_is_no_loss_and_no_jitter() {
    let mut r = Receiver::new(7);
    for n in 0..50u16 {
        r.push(ms(f64::from(n) * 20.0), &header(n, u32::from(n) * 160));
    }
    for n in 0..50u16 {
        let h = header(30_000 + n, 0x9000_0000 + u32::from(n) * 160);
        r.push(ms(1000.0 + f64::from(n) * 20.0), &h);
    }
    let s = r.statistics();
    assert_eq!((s.packets, s.expected, s.lost, s.restarts, s.strays), (100, 100, 0, 1, 0));
    assert!(s.max_jitter_ms < 1e-6);
    // Only the timestamp leaps.
    let mut r = Receiver::new(7);
    for n in 0..50u16 {
        let base = if n < 25 { 0 } else { 0x4000_0000 };
        r.push(ms(f64::from(n) * 20.0), &header(n, base + u32::from(n) * 160));
    }
    let s = r.statistics();
    assert_eq!(s.timestamp_jumps, 1);
    assert!(s.max_jitter_ms < 1e-6);
}

#[test]
fn hostile_headers_neither_panic_nor_grow() {
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 24
    };
    let mut r = Receiver::new(0);
    let mut bytes = [0u8; 40];
    for _ in 0..200_000 {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&(random() as u32).to_be_bytes());
        }
        bytes[0] = bytes[0] & 0x3f | 0x80;
        let cut = random() as usize % (bytes.len() + 1);
        if let Some(h) = Header::parse(&bytes[..cut]) {
            assert!(h.payload(&bytes[..cut]).len() <= cut);
            let sign = if random() % 2 == 0 { 1 } else { -1 };
            r.push(Timestamp((random() as i64 * sign) << (random() % 30)), &h);
        }
        let (_, _) = (looks_like_rtp(&bytes[..cut]), looks_like_rtcp(&bytes[..cut]));
    }
    let s = r.statistics();
    assert!(r.payload_types().len() <= 16 && r.other_packets() > 0);
    assert!(s.loss_percent <= 100.0 && s.mean_jitter_ms.is_finite() && s.max_gap_ms.is_finite());
}
