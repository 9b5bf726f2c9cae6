//! How long one message takes to read: `cargo bench --bench parser`.

use divan::{Bencher, black_box};
use sipctl::sip::{Message, Outline, check};

/// A usual INVITE: about 1 kB, 17 header fields.
const INVITE: &[u8] = b"INVITE sip:bob@biloxi.example.com;transport=udp SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKPj4f2a1c7d-93e8-4b0a-8d2e-77c1e3a5;rport\r\n\
    Max-Forwards: 70\r\n\
    From: \"Alice Example\" <sip:alice@atlanta.example.com>;tag=9fxced76sl-2a81\r\n\
    To: \"Bob Example\" <sip:bob@biloxi.example.com>\r\n\
    Call-ID: 3848276298220188511-1f3a@atlanta.example.com\r\n\
    CSeq: 21053 INVITE\r\n\
    Contact: <sip:alice@192.0.2.10:5060;transport=udp>\r\n\
    Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, UPDATE, PRACK\r\n\
    Supported: 100rel, timer, replaces\r\n\
    Session-Expires: 1800;refresher=uac\r\n\
    Min-SE: 90\r\n\
    User-Agent: Example Phone 4.2.1\r\n\
    Accept: application/sdp\r\n\
    Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n\
    P-Asserted-Identity: <sip:alice@atlanta.example.com>\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 151\r\n\
    \r\n\
    v=0\r\n\
    o=alice 2890844526 2890844526 IN IP4 192.0.2.10\r\n\
    s=-\r\n\
    c=IN IP4 192.0.2.10\r\n\
    t=0 0\r\n\
    m=audio 49172 RTP/AVP 0 8 101\r\n\
    a=rtpmap:101 telephone-event/8000\r\n";

fn main() {
    let mut outline = Outline::new();
    assert!(outline.read(INVITE) && outline.defects.is_empty(), "{:?}", outline.defects);
    assert_eq!(outline.fields.len(), 17);
    divan::main();
}

/// Every part that the outline names, found.
#[divan::bench]
fn read_invite(bencher: Bencher) {
    let mut outline = Outline::new();
    bencher.counter(divan::counter::BytesCount::of_slice(INVITE)).bench_local(|| outline.read(black_box(INVITE)));
}

/// The grammar of every header field besides.
#[divan::bench]
fn check_invite(bencher: Bencher) {
    let mut outline = Outline::new();
    outline.read(INVITE);
    let mut defects = Vec::new();
    bencher.bench_local(|| {
        defects.clear();
        check::defects(&Message::new(black_box(INVITE), &outline), &mut defects);
    });
}

/// What every RTP packet is asked.
#[divan::bench]
fn refuse_rtp() -> bool {
    sipctl::sip::is_sip(black_box(&[0x80, 0x00, 0x12, 0x34, 0, 0, 0, 0, 1, 2, 3, 4, 0xff, 0xfe]))
}
