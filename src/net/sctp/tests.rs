use super::{Arrival, Associations, MAX_BYTES, MAX_RUNS};
use crate::base::{Endpoint, Flow, Timestamp};
use crate::net::layer::{Bytes, Path, Stop};
use crate::net::{Reason, Undecoded};

const BEGIN: u8 = 2;
const END: u8 = 1;

#[derive(Default)]
struct Arrivals {
    associations: Associations,
    undecoded: Undecoded,
    frame: u64,
}

type Found = (Vec<u8>, bool, Vec<u64>);

impl Arrivals {
    fn cut(&mut self, tag: u32, chunks: &[Vec<u8>], missing: usize) -> (Vec<Found>, Result<(), Stop>) {
        self.frame += 1;
        let flow = Flow { src: Endpoint::v4([192, 0, 2, 1], 0), dst: Endpoint::v4([192, 0, 2, 2], 0) };
        let path = Path { flow, id: 0, ttl: 64 };
        let packet = [&[0x13, 0xc4, 0x13, 0xc5][..], &tag.to_be_bytes(), &[0; 4], &chunks.concat()].concat();
        let arrival = Arrival { path: &path, time: Timestamp(0), source: 0, frame: self.frame, earlier: &[] };
        let mut found = Vec::new();
        let bytes = Bytes::new(&packet[..packet.len() - missing], packet.len());
        let done = self.associations.decode(&arrival, bytes, &mut self.undecoded, &mut |m| {
            assert_eq!((m.flow.src.port, m.flow.dst.port), (5060, 5061));
            found.push((m.data.to_vec(), m.cut, m.frames.to_vec()));
        });
        (found, done)
    }

    fn packet(&mut self, tag: u32, chunks: &[Vec<u8>]) -> Vec<Found> {
        let (found, done) = self.cut(tag, chunks, 0);
        done.unwrap();
        found
    }
}

fn padded(mut chunk: Vec<u8>) -> Vec<u8> {
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

fn data(tsn: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = (16 + payload.len() as u16).to_be_bytes();
    padded([&[0, flags], &length[..], &tsn.to_be_bytes(), &[0, 1, 0, 7, 0, 0, 0, 0], payload].concat())
}

fn i_data(tsn: u32, flags: u8, message: u32, number: u32, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    let (tsn, message, number) = (tsn.to_be_bytes(), message.to_be_bytes(), number.to_be_bytes());
    padded([&[64, flags], &length[..], &tsn, &[0, 1, 0, 0], &message, &number, payload].concat())
}

#[test]
fn a_bundle_gives_each_of_its_messages() {
    let sack = vec![3, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let found = Arrivals::default().packet(1, &[sack, data(1, 3, b"first"), data(2, 3, b"second!")]);
    assert_eq!(found, [(b"first".to_vec(), false, vec![]), (b"second!".to_vec(), false, vec![])]);
}

#[test]
fn fragments_come_together_in_any_order_and_across_the_wrap() {
    let parts: [(u32, u8, &[u8]); 4] =
        [(u32::MAX - 1, BEGIN, b"INV"), (u32::MAX, 0, b"ITE"), (0, 0, b" sip"), (1, END, b":a@b")];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [0, 3, 1, 2], [1, 3, 0, 2]] {
        let mut arrivals = Arrivals::default();
        let mut found = Vec::new();
        for i in order {
            assert!(found.is_empty());
            let (tsn, flags, payload) = parts[i];
            found = arrivals.packet(1, &[data(tsn, flags, payload)]);
        }
        assert_eq!(found, [(b"INVITE sip:a@b".to_vec(), false, vec![1, 2, 3])], "{order:?}");
        assert_eq!(arrivals.associations.held(), 0);
    }
}

#[test]
fn neighbouring_messages_are_not_glued_together() {
    let mut arrivals = Arrivals::default();
    assert!(arrivals.packet(1, &[data(3, BEGIN, b"c"), data(2, END, b"b")]).is_empty());
    assert_eq!(arrivals.packet(1, &[data(1, BEGIN, b"a")])[0].0, b"ab");
    assert_eq!(arrivals.packet(1, &[data(4, END, b"d")])[0].0, b"cd");
}

#[test]
fn interleaved_messages_are_told_apart_by_their_identifier() {
    let mut arrivals = Arrivals::default();
    assert!(arrivals.packet(1, &[i_data(1, BEGIN, 5, 99, b"one-"), i_data(2, BEGIN, 6, 99, b"two-")]).is_empty());
    let found = arrivals.packet(1, &[i_data(3, END, 5, 1, b"end"), i_data(4, END, 6, 1, b"END")]);
    assert_eq!(found.iter().map(|f| &f.0[..]).collect::<Vec<_>>(), [&b"one-end"[..], b"two-END"]);
}

#[test]
fn a_retransmitted_chunk_is_no_second_message_but_another_association_is() {
    let mut arrivals = Arrivals::default();
    assert_eq!(arrivals.packet(1, &[data(10, 3, b"x")]).len(), 1);
    assert_eq!(arrivals.packet(1, &[data(9, 3, b"earlier")]).len(), 1);
    assert_eq!(arrivals.packet(1, &[data(10, 3, b"x"), data(9, 3, b"earlier")]).len(), 0);
    assert_eq!(arrivals.packet(2, &[data(10, 3, b"x")]).len(), 1);
}

#[test]
fn a_cut_packet_gives_what_is_there_and_says_so() {
    let (found, done) = Arrivals::default().cut(1, &[data(1, 3, b"whole"), data(2, 3, b"not whole")], 6);
    assert_eq!((found.len(), &found[1].0[..], found[1].1), (2, &b"not wh"[..], true));
    assert_eq!(done, Ok(()));
    let (found, done) = Arrivals::default().cut(1, &[data(1, 3, b"cut"), data(2, 3, b"gone")], 22);
    assert_eq!((found.len(), done), (1, Err(Stop::Short)));
}

#[test]
fn a_length_that_leaves_the_packet_is_malformed() {
    let (found, done) = Arrivals::default().cut(1, &[vec![0, 3, 0, 99, 1, 2, 3, 4]], 0);
    assert_eq!((found.len(), done), (0, Err(Stop::Malformed)));
    let (_, done) = Arrivals::default().cut(1, &[vec![0, 3, 0, 3]], 0);
    assert_eq!(done, Err(Stop::Malformed));
}

#[test]
fn unfinished_messages_are_bounded_and_counted() {
    let mut arrivals = Arrivals::default();
    for tsn in 0..1000 {
        arrivals.packet(1, &[data(tsn * 2, 0, b"middle")]);
    }
    assert_eq!(arrivals.undecoded.of(Reason::SctpIncomplete), 1000 - MAX_RUNS as u64);
    for tag in 2..1000 {
        for tsn in 0..20 {
            arrivals.packet(tag, &[data(tsn, 0, &[7; 1200])]);
        }
        assert!(arrivals.associations.held() <= MAX_BYTES);
    }
    let mut arrivals = Arrivals::default();
    for tsn in 0..1000 {
        arrivals.packet(1, &[data(tsn, 0, &[7; 1400])]);
    }
    assert_eq!(arrivals.undecoded.of(Reason::SctpIncomplete), 1);
    arrivals.associations.finish(&mut arrivals.undecoded);
    assert_eq!(arrivals.undecoded.of(Reason::SctpIncomplete), 2);
}
