//! A session description, everything in it, and what an offer and an answer agree on.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sipctl::base::Endpoint;
use sipctl::media::negotiation::negotiate;
use sipctl::media::{SdpFacts, Session};

fuzz_target!(|data: &[u8]| {
    // Two descriptions, parted by a zero byte: an offer and its answer.
    let mut both = data.splitn(2, |&b| b == 0);
    let offer = both.next().map(facts);
    let answer = both.next().map(facts);
    if let (Some(offer), Some(answer)) = (&offer, &answer) {
        let agreed = negotiate(offer, answer);
        assert_eq!(agreed.len(), offer.media.len());
    }
});

fn facts(text: &[u8]) -> SdpFacts {
    let session = Session::parse(text);
    let _ = (session.origin(), session.connection(), session.direction());
    let _ = (session.attributes().count(), session.bandwidths().count());
    for defect in &session.defects {
        assert!(defect.span.start <= defect.span.end && defect.span.end as usize <= text.len(), "{defect:?}");
    }
    for media in &session.media {
        let _ = (media.connection(), media.endpoint(), media.rtcp_endpoint(), media.rtcp(), media.direction());
        let _ = (media.is_hold(), media.ptime_ms(), media.maxptime_ms(), media.fingerprint(), media.setup());
        let _ = (media.has_ice(), media.has_rtcp_mux(), media.mid(), media.label(), media.formats().count());
        let _ = (media.cryptos().count(), media.bandwidths().count(), media.rtpmaps().count());
        for payload_type in media.payload_types() {
            let _ = (media.rtpmap(payload_type), media.codec_name(payload_type), media.fmtp(payload_type));
        }
    }
    let facts = SdpFacts::of(&session);
    let _ = (facts.origin(), facts.origin_line(), facts.media_at(&Endpoint::v4([192, 0, 2, 1], 4000)));
    facts
}
