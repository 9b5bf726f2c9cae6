//! What is read of a message is the same whether it is read when it is taken in or later, by whoever has the time.

use super::*;

const INVITE: &str = "INVITE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
    From: <sip:alice@example.test>;tag=a\r\nTo: <sip:bob@example.test>\r\nCall-ID: one@x\r\nCSeq: 1 INVITE\r\n\
    Contact: <sip:alice@192.0.2.1>\r\nUser-Agent: first\r\nContent-Type: application/sdp\r\nContent-Length: 104\r\n\r\n";
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
const RINGING: &str = "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:alice@example.test>;tag=a\r\n\
    To: <sip:bob@example.test>;tag=b\r\nCall-ID: one@x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
/// No To, two Call-IDs, a CSeq of another method, a header field without colon, a port that is none.
const BROKEN: &str = "OPTIONS sip:bob@example.test:99999 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=\r\nFrom: <sip:alice@example.test\r\n\
    Call-ID: two@x\r\nCall-ID: three@x\r\nno colon here\r\nCSeq: x INVITE\r\nDate: yesterday\r\nContent-Length: 7\r\n\r\n";

fn described() -> String {
    format!("{INVITE}{SDP}")
}

/// Where a message stands in the input, and whether it was cut.
fn sight(frame: u64, cut: bool) -> Sight {
    let time = Timestamp(frame as i64 * 1_000_000);
    let flow = Flow { src: Endpoint::v4([192, 0, 2, 1], 5060), dst: Endpoint::v4([192, 0, 2, 9], 5060) };
    Sight { time, seen: time, source: 0, frame, flow, ip_id: 7, cut, fragmented: false, mirrored: false }
}

/// All that a batch has to tell.
fn told(batch: &Batch) -> Vec<String> {
    batch.events().map(|event| format!("{event:?}")).collect()
}

/// Takes messages in: those that `leaves` says unread, to be read at the end.
fn taken(messages: &[(&[u8], bool)], leaves: fn(usize) -> bool) -> (Vec<bool>, Batch) {
    let (mut batch, mut examiner) = (Batch::default(), Examiner::default());
    let take = |(at, (bytes, cut)): (usize, &(&[u8], bool))| {
        batch.leaves_reading = leaves(at);
        batch.message(sight(at as u64, *cut), Transport::Udp, bytes, &mut examiner)
    };
    let is_sip = messages.iter().enumerate().map(take).collect();
    batch.read_rest(&mut examiner);
    (is_sip, batch)
}

/// Whoever reads these messages, and when: the same comes of it. Gives what was told, and which of them are SIP.
#[track_caller]
fn same(messages: &[(&[u8], bool)]) -> (Vec<bool>, Batch) {
    let (is_sip, at_once) = taken(messages, |_| false);
    let expected = told(&at_once);
    for leaves in [|_| true, |at| at % 2 == 0, |at| at % 2 == 1, |at| at % 3 != 1] {
        let (also, later) = taken(messages, leaves);
        assert_eq!(is_sip, also);
        assert_eq!(expected, told(&later));
        assert_eq!(format!("{:?}", Vec::from_iter(at_once.keys())), format!("{:?}", Vec::from_iter(later.keys())));
    }
    (is_sip, at_once)
}

/// The messages of a batch.
fn observed(batch: &Batch) -> Vec<Observed<'_>> {
    batch.events().filter_map(|e| if let Event::Message(observed) = e { Some(observed) } else { None }).collect()
}

#[test]
fn messages_with_and_without_a_description() {
    let invite = described();
    let (is_sip, batch) = same(&[(invite.as_bytes(), false), (RINGING.as_bytes(), false), (invite.as_bytes(), false)]);
    assert_eq!(is_sip, [true; 3]);
    let all = observed(&batch);
    let has_sdp: Vec<bool> = all.iter().map(|observed| observed.sdp.is_some()).collect();
    assert_eq!(has_sdp, [true, false, true]);
    assert!(all[0].kept.iter().any(|field| field.value.of(all[0].bytes) == b"first"), "{:?}", all[0].kept);
}

#[test]
fn messages_that_were_cut_anywhere() {
    let invite = described();
    for end in 0..invite.len() {
        let cut = invite.as_bytes().get(..end).unwrap();
        same(&[(cut, true), (RINGING.as_bytes(), false), (cut, false)]);
    }
    let (_, batch) = same(&[(&invite.as_bytes()[..150], true), (&invite.as_bytes()[..150], false)]);
    let [cut, short] = observed(&batch)[..] else { panic!("both are SIP") };
    assert!(cut.outline.defects.len() < short.outline.defects.len(), "what was cut is not held against its sender");
}

#[test]
fn defects_of_the_reader_and_of_the_whole_grammar() {
    let (is_sip, batch) = same(&[(BROKEN.as_bytes(), false), (RINGING.as_bytes(), false), (BROKEN.as_bytes(), true)]);
    assert_eq!(is_sip, [true; 3]);
    let all = observed(&batch);
    // The reader alone finds fewer: the others are the examiner's.
    let mut outline = Outline::new();
    outline.read(BROKEN.as_bytes());
    assert!(all[0].outline.defects.len() > outline.defects.len(), "{:?}", all[0].outline.defects);
    assert!(all[1].outline.defects.is_empty(), "{:?}", all[1].outline.defects);
}

#[test]
fn what_is_no_sip_is_not_taken() {
    let foreign: [&[u8]; 7] = [
        b"",
        b"\r\n\r\n",
        b"\0\0\0\0",
        b"GET / HTTP/1.1\r\n\r\n",
        b"SIP/2.0",
        b"HTTP/1.1 200 OK\r\n\r\n",
        &[0x80; 172],
    ];
    let mut messages: Vec<(&[u8], bool)> = foreign.iter().flat_map(|bytes| [(*bytes, false), (*bytes, true)]).collect();
    let (is_sip, batch) = same(&messages);
    assert!(is_sip.iter().all(|is_sip| !is_sip) && batch.is_empty(), "{is_sip:?}");
    // Between others it leaves no gap.
    messages.insert(5, (RINGING.as_bytes(), false));
    messages.push((RINGING.as_bytes(), false));
    let (is_sip, batch) = same(&messages);
    assert_eq!((is_sip.iter().filter(|is_sip| **is_sip).count(), observed(&batch).len()), (2, 2));
}

#[test]
fn which_messages_are_examined_does_not_hang_on_who_reads_them() {
    // Behind the first ones only some are.
    let mut told_by = [false, true].map(|leaves| {
        let (mut batch, mut examiner) = (Batch::default(), Examiner { seen: EXAMINED - 3, ..Examiner::default() });
        for frame in 0..70 {
            batch.leaves_reading = leaves;
            assert!(batch.message(sight(frame, false), Transport::Udp, BROKEN.as_bytes(), &mut examiner));
        }
        batch.read_rest(&mut examiner);
        observed(&batch).iter().map(|observed| observed.outline.defects.len()).collect::<Vec<usize>>()
    });
    let [at_once, later] = &mut told_by;
    assert_eq!(at_once, later);
    let most = at_once.iter().copied().max().unwrap();
    let examined = at_once.iter().filter(|defects| **defects == most).count();
    assert!((4..10).contains(&examined), "{at_once:?}");
}

#[test]
fn a_batch_that_was_cleared_remembers_nothing() {
    let invite = described();
    let (mut batch, mut examiner) = (Batch::default(), Examiner::default());
    batch.leaves_reading = true;
    batch.message(sight(1, false), Transport::Udp, invite.as_bytes(), &mut examiner);
    batch.clear();
    assert!(batch.is_empty() && !batch.leaves_reading);
    batch.message(sight(2, false), Transport::Tcp, RINGING.as_bytes(), &mut examiner);
    // Nothing is left to be read of what was cleared.
    batch.read_rest(&mut examiner);
    let all = observed(&batch);
    assert_eq!((all.len(), all[0].bytes, all[0].sdp.is_none()), (1, RINGING.as_bytes(), true));
}
