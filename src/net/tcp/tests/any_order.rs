//! Whatever comes, in whatever order: the bytes come out as they went in, and nothing grows.

use super::*;

proptest! {
    #[test]
    fn any_segmentation_disorder_and_duplication_gives_the_same_bytes(
        stream in prop::collection::vec(any::<u8>(), 1..600),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
        moves in prop::collection::vec(any::<u8>(), 1..40),
        isn in any::<u32>(),
    ) {
        let mut reassembly = Reassembly::default();
        let mut got = Vec::new();
        let mut ends = 0;
        let mut gaps = 0;
        let mut sink = |event: crate::net::tcp::StreamEvent<'_>| match event.kind {
            Kind::Data(data) if event.flow == flow(true) => got.extend_from_slice(data),
            Kind::Gap { .. } => gaps += 1,
            Kind::Closed { .. } | Kind::Evicted => ends += 1,
            _ => {}
        };
        reassembly.push(flow(true), &Segment { syn: true, ..segment(isn, b"") }, Timestamp(0), 0, false, &mut sink);
        for (frame, (start, end)) in shuffled(&stream, &cuts, &moves).into_iter().enumerate() {
            let part = Segment { fin: end == stream.len(), ..segment(isn.wrapping_add(1 + start as u32), &stream[start..end]) };
            reassembly.push(flow(true), &part, Timestamp(frame as i64), frame as u64, false, &mut sink);
        }
        reassembly.finish(&mut sink);
        prop_assert_eq!(got, stream);
        prop_assert_eq!((gaps, ends), (0, 2));
        prop_assert_eq!(reassembly.waiting(), 0);
    }

    #[test]
    fn whatever_comes_each_direction_ends_once_and_nothing_grows(
        packets in prop::collection::vec((any::<bool>(), 0u32..6, any::<u32>(), any::<u8>(), 0usize..40, any::<bool>()), 1..300),
    ) {
        let limits = Limits { connections: 3, bytes_per_direction: 60, bytes_total: 100 };
        let mut reassembly = Reassembly::new(limits);
        let mut open = std::collections::HashMap::new();
        let mut wrong = None;
        let mut sink = |event: crate::net::tcp::StreamEvent<'_>| {
            let ends: &mut std::collections::HashSet<Flow> = match event.kind {
                Kind::Opened => { open.insert(event.connection, Default::default()); return }
                _ => open.get_mut(&event.connection).unwrap(),
            };
            if ends.contains(&event.flow) { wrong = Some(event.connection) }
            if matches!(event.kind, Kind::Closed { .. } | Kind::Evicted) { ends.insert(event.flow); }
        };
        for (frame, (up, port, number, flags, length, near)) in packets.into_iter().enumerate() {
            let low = Endpoint::v4([10, 0, 0, 1], port as u16);
            let pair = Flow { src: low, dst: Endpoint::v4([10, 0, 0, 2], 5060) };
            let seq = if near { number % 200 } else { number };
            let data = [b'x'; 40];
            let part = Segment {
                seq, ack: number % 300, acks: flags & 1 > 0, syn: flags & 14 == 14, fin: flags & 112 == 112,
                rst: flags & 240 == 240, data: &data[..length], wire_len: number % 100,
            };
            let way = if up { pair } else { pair.reversed() };
            reassembly.push(way, &part, Timestamp(i64::from(number) * MS), frame as u64, flags & 2 > 0, &mut sink);
            prop_assert!(reassembly.waiting() <= 100 && reassembly.connections() <= 3);
        }
        reassembly.finish(&mut sink);
        prop_assert_eq!(reassembly.waiting(), 0);
        prop_assert_eq!(wrong, None);
        prop_assert!(open.values().all(|ends| ends.len() == 2));
    }
}
