//! RTP, RTCP and telephone events: whatever packets say, a receiver counts soberly.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sipctl::base::Timestamp;
use sipctl::media::rtp::{self, Header, Receiver};
use sipctl::media::{Codec, dtmf, rtcp};
use sipctl_fuzz::Pieces;

fuzz_target!(|data: &[u8]| {
    if let Some(compound) = rtcp::parse(data) {
        assert!(compound.packets > 0 || compound.extent != rtcp::Extent::Whole);
    }
    let _ = dtmf::from_info(b"application/dtmf-relay", data);
    let mut pieces = Pieces(data);
    let mut receiver = Receiver::new(1);
    if pieces.byte() & 1 != 0 {
        receiver.describe(pieces.byte(), Codec::from_name(pieces.take(4)), pieces.word());
    }
    let mut digits = dtmf::Collector::default();
    let (mut time, mut count) = (Timestamp(0), 0);
    while let Some(packet) = pieces.piece() {
        time = Timestamp(time.0.saturating_add(i64::from(pieces.word() as i32)));
        let _ = rtp::looks_like_rtcp(packet);
        let Some(header) = Header::parse(packet) else { continue };
        assert!(header.payload_start <= header.payload_end);
        assert!(header.payload(packet).len() <= packet.len());
        let _ = rtp::looks_like_rtp(packet);
        count += 1;
        receiver.push(time, &header);
        if let Some(payload) = dtmf::Payload::parse(header.payload(packet)) {
            digits.push(time, header.timestamp, &payload);
        }
    }
    assert_eq!(receiver.packets(), count);
    let statistics = receiver.statistics();
    let _ = format!("{statistics:?} {}", digits.digits());
    if let Some(mos) = statistics.mos() {
        assert!((1.0..=5.0).contains(&mos), "{mos}");
    }
});
