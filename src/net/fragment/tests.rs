use super::{Fragment, Fragments, Key, MAX_BYTES, MAX_DATAGRAMS, MAX_HEAD, MAX_LOST, PATIENCE, Whole};
use crate::base::{Endpoint, Flow, Timestamp};
use crate::net::ip::Place;
use crate::net::layer::{Bytes, Path};
use crate::net::{Reason, Undecoded};

/// Fragments that arrive one a frame.
#[derive(Default)]
struct Arrivals {
    fragments: Fragments,
    undecoded: Undecoded,
    frame: u64,
    now: i64,
}

fn key(id: u32) -> Key {
    let flow = Flow { src: Endpoint::v4([192, 0, 2, 1], 0), dst: Endpoint::v4([192, 0, 2, 2], 0) };
    Key { flow, id, protocol: 17, source: 0 }
}

impl Arrivals {
    fn cut(&mut self, id: u32, offset: usize, more: bool, data: &[u8], wire: usize) -> Option<Whole> {
        self.frame += 1;
        let fragment = Fragment {
            path: Path { flow: key(id).flow, id, ttl: 64 },
            protocol: 17,
            place: Place { offset, more },
            bytes: Bytes::new(data, wire),
            time: Timestamp(self.now),
            frame: self.frame,
            earlier: &[],
        };
        self.fragments.add(&key(id), &fragment, &mut self.undecoded)
    }

    fn arrive(&mut self, id: u32, offset: usize, more: bool, data: &[u8]) -> Option<Whole> {
        self.cut(id, offset, more, data, data.len())
    }

    fn counted(&self, reason: Reason) -> u64 {
        self.undecoded.of(reason)
    }
}

fn content(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7 + i / 251) as u8).collect()
}

#[test]
fn every_order_of_overlapping_fragments_gives_the_same_datagram() {
    let all = content(61);
    // The middle ones overlap their neighbours, one lies inside another.
    let places = [(0, 24), (16, 40), (24, 32), (32, 56), (48, 61)];
    let mut orders: Vec<Vec<usize>> = vec![vec![]];
    for next in 0..places.len() {
        orders = orders
            .iter()
            .flat_map(|o| {
                (0..=o.len()).map(move |at| {
                    let mut longer = o.clone();
                    longer.insert(at, next);
                    longer
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 120);
    for order in orders {
        let mut arrivals = Arrivals::default();
        let whole = order.iter().find_map(|&i| {
            let (start, end) = places[i];
            arrivals.arrive(9, start, end != all.len(), &all[start..end])
        });
        let whole = whole.unwrap_or_else(|| panic!("{order:?} never completes"));
        assert_eq!((whole.data, whole.wire), (all.clone(), all.len()), "{order:?}");
        assert!(!whole.frames.contains(&arrivals.frame));
        arrivals.fragments.finish(&mut arrivals.undecoded);
        assert!(arrivals.undecoded.is_empty(), "{order:?}");
    }
}

#[test]
fn frames_name_the_earlier_fragments_and_copies_are_no_part() {
    let mut arrivals = Arrivals::default();
    assert!(arrivals.arrive(1, 8, true, b"BBBBBBBB").is_none());
    assert!(arrivals.arrive(1, 8, true, b"BBBBBBBB").is_none());
    assert!(arrivals.arrive(1, 16, false, b"C").is_none());
    let whole = arrivals.arrive(1, 0, true, b"AAAAAAAA").unwrap();
    assert_eq!((&whole.data[..], &whole.frames[..]), (&b"AAAAAAAABBBBBBBBC"[..], &[1, 3][..]));
}

#[test]
fn copies_that_come_after_delivery_are_not_missed() {
    let mut arrivals = Arrivals::default();
    arrivals.arrive(1, 0, true, b"AAAAAAAA");
    arrivals.arrive(1, 0, true, b"AAAAAAAA");
    assert!(arrivals.arrive(1, 8, false, b"B").is_some());
    assert!(arrivals.arrive(1, 8, false, b"B").is_none());
    arrivals.fragments.finish(&mut arrivals.undecoded);
    assert!(arrivals.undecoded.is_empty());
}

#[test]
fn where_bytes_differ_the_first_that_came_are_kept() {
    let mut arrivals = Arrivals::default();
    arrivals.arrive(1, 8, true, b"bbbbbbbb");
    arrivals.arrive(1, 0, true, b"AAAAAAAAAAAAAAAA");
    let whole = arrivals.arrive(1, 8, false, b"CCCCCCCCC").unwrap();
    assert_eq!(whole.data, b"AAAAAAAAbbbbbbbbC");
}

#[test]
fn a_reused_identification_starts_another_datagram() {
    let mut arrivals = Arrivals::default();
    arrivals.arrive(1, 0, true, b"old-old-");
    arrivals.arrive(1, 0, true, b"new-new-");
    assert_eq!(arrivals.arrive(1, 8, false, b"tail").unwrap().data, b"new-new-tail");
    assert_eq!(arrivals.counted(Reason::FragmentMissing), 1);
}

#[test]
fn a_datagram_waits_thirty_seconds_and_is_missed_once() {
    let mut arrivals = Arrivals::default();
    arrivals.arrive(1, 0, true, b"AAAAAAAA");
    arrivals.arrive(1, 16, true, b"AAAAAAAA");
    arrivals.now = PATIENCE.as_nanos() as i64 + 1;
    assert!(arrivals.arrive(1, 8, false, b"B").is_none());
    assert_eq!(arrivals.counted(Reason::FragmentMissing), 1);
    arrivals.fragments.finish(&mut arrivals.undecoded);
    assert_eq!(arrivals.counted(Reason::FragmentMissing), 2);
    assert_eq!(arrivals.fragments.held(), 0);
}

#[test]
fn a_cut_fragment_holds_its_place() {
    let mut arrivals = Arrivals::default();
    arrivals.cut(1, 8, true, b"BBB", 8);
    arrivals.arrive(1, 16, false, b"CC");
    let whole = arrivals.arrive(1, 0, true, b"AAAAAAAA").unwrap();
    assert_eq!((&whole.data[..], whole.wire), (&b"AAAAAAAABBB"[..], 18));
}

#[test]
fn fragments_that_cannot_be_are_counted_as_malformed() {
    let mut arrivals = Arrivals::default();
    arrivals.arrive(1, 0, true, b"not eight");
    arrivals.arrive(1, 65_528, false, &[0; 9]);
    arrivals.arrive(1, 8, false, b"");
    assert_eq!(arrivals.counted(Reason::MalformedPacket), 3);
    arrivals.arrive(1, 8, false, b"end");
    arrivals.arrive(1, 16, true, b"AAAAAAAA");
    arrivals.arrive(1, 16, false, b"end");
    assert_eq!(arrivals.counted(Reason::MalformedPacket), 5);
}

#[test]
fn neither_many_datagrams_nor_many_bytes_nor_many_pieces_fill_memory() {
    let mut arrivals = Arrivals::default();
    let filling = vec![1; 60_000];
    for id in 0..2 * MAX_DATAGRAMS as u32 {
        arrivals.arrive(id, 8, true, &filling);
        assert!(arrivals.fragments.held() <= MAX_BYTES);
    }
    let kept = (MAX_BYTES / filling.len()) as u64;
    assert_eq!(arrivals.counted(Reason::FragmentsEvicted), 2 * MAX_DATAGRAMS as u64 - kept);

    let mut arrivals = Arrivals::default();
    for id in 0..2 * MAX_DATAGRAMS as u32 {
        arrivals.arrive(id, 8, true, b"AAAAAAAA");
    }
    assert_eq!(arrivals.counted(Reason::FragmentsEvicted), MAX_DATAGRAMS as u64);

    let mut arrivals = Arrivals::default();
    for piece in 0..4000 {
        arrivals.arrive(1, piece * 16, true, b"AAAAAAAA");
    }
    assert_eq!(arrivals.counted(Reason::FragmentsEvicted), 3);
    assert!(arrivals.fragments.held() < 9000);
}

/// A datagram of UDP from port 5060 to port 5062 that says `length` bytes.
fn datagram(length: u16, text: &[u8]) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    [&[0x13, 0xc4, 0x13, 0xc6, high, low, 0, 0][..], text].concat()
}

#[test]
fn what_is_missed_is_told_with_its_ports_and_its_beginning() {
    let mut a = Arrivals::default();
    a.arrive(1, 0, true, &datagram(40, b"OPTIONS sip:a@b SIP/2.0\r\n1234567"));
    a.arrive(2, 16, false, b"the end");
    a.now = PATIENCE.as_nanos() as i64 + 5;
    a.arrive(3, 0, true, &datagram(24, b"a start "));
    let (lost, later) = a.fragments.take_lost();
    assert!(later);
    let mut lost: Vec<_> = lost.collect();
    lost.sort_by_key(|l| l.frame);
    assert_eq!(lost.len(), 2);
    assert_eq!((lost[0].flow.src.port, lost[0].flow.dst.port), (5060, 5062));
    assert_eq!((lost[0].came, lost[0].of, lost[0].frame), (40, Some(40), 1));
    assert!(lost[0].head.starts_with(b"OPTIONS sip:a@b"));
    // Without its first fragment it has no ports and no text.
    assert_eq!((lost[1].flow, lost[1].of, lost[1].head.len()), (key(2).flow, Some(23), 0));
    assert!(!a.fragments.has_lost());
}

#[test]
fn what_is_told_of_lost_datagrams_is_bounded() {
    let mut a = Arrivals::default();
    for id in 0..2 * MAX_LOST as u32 {
        a.arrive(id, 0, true, &datagram(9000, &[b'x'; MAX_HEAD + 64]));
    }
    a.fragments.finish(&mut a.undecoded);
    assert_eq!(a.counted(Reason::FragmentMissing), 2 * MAX_LOST as u64);
    let (lost, later) = a.fragments.take_lost();
    assert!(!later, "only first fragments came");
    let lost: Vec<_> = lost.collect();
    assert_eq!(lost.len(), MAX_LOST);
    assert!(lost.iter().all(|l| l.head.len() == MAX_HEAD));
}
