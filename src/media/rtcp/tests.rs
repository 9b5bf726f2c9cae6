use super::*;

/// SR of source 1 with one report block, SDES with a CNAME, XR with VoIP metrics, BYE: bytes by hand.
fn compound() -> Vec<u8> {
    let mut b = vec![0x81, 200, 0, 12];
    b.extend([0, 0, 0, 1]);
    b.extend([0xe0, 0, 0, 1, 0x80, 0, 0, 0]);
    b.extend([0, 0, 3, 0x20]);
    b.extend([0, 0, 0, 50]);
    b.extend([0, 0, 0x1f, 0x40]);
    b.extend([0, 0, 0, 2]);
    b.extend([13, 0xff, 0xff, 0xfe]);
    b.extend([0, 1, 0, 5]);
    b.extend([0, 0, 0, 80]);
    b.extend([0x12, 0x34, 0x56, 0x78]);
    b.extend([0, 1, 0, 0]);
    b.extend([0x81, 202, 0, 5, 0, 0, 0, 1, 1, 11]);
    b.extend(b"bob@a.local");
    b.extend([0, 0, 0]);
    b.extend([0x80, 207, 0, 10, 0, 0, 0, 1]);
    b.extend([7, 0, 0, 8, 0, 0, 0, 2, 12, 3, 0, 0, 0, 0, 0, 0]);
    b.extend([0, 90, 0, 60, 0, 0, 0, 16, 82, 127, 41, 39, 0, 0, 0, 40, 0, 80, 0, 120]);
    b.extend([0x81, 203, 0, 1, 0, 0, 0, 1]);
    b
}

#[test]
fn reads_every_part_of_a_compound_packet() {
    let bytes = compound();
    let c = parse(&bytes).unwrap();
    assert_eq!((c.ssrc, c.packets, c.extent), (1, 4, Extent::Whole));
    let sender = c.sender.unwrap();
    assert_eq!((sender.packets, sender.octets, sender.rtp_timestamp), (50, 8000, 800));
    assert_eq!(sender.ntp_timestamp, 0xe000_0001_8000_0000);
    let r = c.reports[0];
    assert_eq!((r.reporter, r.ssrc, r.fraction_lost, r.cumulative_lost), (1, 2, 13, -2));
    assert_eq!(
        (r.highest_sequence, r.jitter, r.last_sender_report, r.delay_since_last),
        (0x1_0005, 80, 0x1234_5678, 65_536)
    );
    assert_eq!(c.cname, Some(&b"bob@a.local"[..]));
    assert_eq!(c.leaving.as_slice(), [1]);
    let v = c.voip_metrics.unwrap();
    assert_eq!((v.ssrc, v.loss_rate, v.discard_rate, v.round_trip_ms, v.end_system_delay_ms), (2, 12, 3, 90, 60));
    assert_eq!((v.r_factor, v.mos_lq_tenths, v.mos_cq_tenths), (Some(82), Some(41), Some(39)));
}

#[test]
fn the_name_is_found_behind_other_items_and_chunks() {
    let mut b = vec![0x82, 202, 0, 6];
    b.extend([0, 0, 0, 9, 2, 2, b'N', b'N', 0, 0, 0, 0]);
    b.extend([0, 0, 0, 1, 1, 3, b'a', b'@', b'b', 0, 0, 0]);
    assert_eq!(parse(&b).unwrap().cname, Some(&b"a@b"[..]));
}

#[test]
fn a_cut_packet_gives_what_came_before() {
    let bytes = compound();
    let c = parse(&bytes[..bytes.len() - 3]).unwrap();
    assert_eq!((c.extent, c.packets, c.reports.len(), c.leaving.len()), (Extent::Cut, 3, 1, 0));
    assert!(c.voip_metrics.is_some());
}

#[test]
fn srtcp_gives_its_source_and_no_invented_reports() {
    // The first eight bytes are in the clear, then ciphertext, the index with its E bit and an 80-bit tag. RFC 3711 §3.4
    let mut bytes = vec![0x81, 201, 0, 7, 0, 0, 0, 9];
    bytes.extend([0x5a; 24]);
    bytes.extend([0x80, 0, 0, 1]);
    bytes.extend([0x33; 10]);
    let c = parse(&bytes).unwrap();
    assert_eq!((c.ssrc, c.extent), (9, Extent::Protected));
    assert!(c.reports.is_empty() && c.sender.is_none());
}

#[test]
fn what_is_no_rtcp_is_refused() {
    assert!(parse(&[]).is_none());
    assert!(parse(&[0x80, 201, 0, 0]).is_none());
    assert!(parse(&[0x80, 0, 0, 1, 0, 0, 0, 1]).is_none());
    assert!(parse(&[0x40, 201, 0, 1, 0, 0, 0, 1]).is_none());
}

#[test]
fn cuts_and_flipped_bits_never_panic_and_never_exceed_the_bounds() {
    let bytes = compound();
    for cut in 0..bytes.len() {
        for bit in 0..bytes.len() * 8 {
            let mut b = bytes[..bytes.len() - cut].to_vec();
            if let Some(byte) = b.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            if let Some(c) = parse(&b) {
                assert!(c.reports.len() <= MAX_REPORTS && c.leaving.len() <= MAX_REPORTS);
            }
        }
    }
    // Thousands of tiny packets in one datagram.
    let mut many = vec![0x81, 203, 0, 1, 0, 0, 0, 7];
    many.extend([0x80, 203, 0, 0].repeat(10_000));
    let c = parse(&many).unwrap();
    assert_eq!((c.packets, c.leaving.len()), (10_001, 1));
}
