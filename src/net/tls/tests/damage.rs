//! The recordings with bytes missing, cut off or changed.

use super::{KeyLog, Recording, SESSIONS, Session, Told, key_log, recording};
use crate::net::Reason;
use crate::net::tls::Version;

/// The records of a stream: where each starts and ends.
fn records(stream: &[u8]) -> Vec<(usize, usize)> {
    let (mut at, mut found) = (0, Vec::new());
    while at + 5 <= stream.len() {
        let end = at + 5 + usize::from(u16::from_be_bytes([stream[at + 3], stream[at + 4]]));
        found.push((at, end));
        at = end;
    }
    assert_eq!(at, stream.len());
    found
}

/// All that the client sent and all that the server sent.
fn streams(r: &Recording) -> [Vec<u8>; 2] {
    [0, 1].map(|d| r.pieces.iter().filter(|(of, _)| *of == d).flat_map(|(_, b)| b.clone()).collect())
}

/// Runs the recording with the bytes from `from` to `to` of what the client sent missing.
fn with_gap(r: &Recording, keys: &KeyLog, from: usize, to: usize) -> Told {
    let (mut session, mut told) = (Session::new(), Told::default());
    let mut at = 0;
    for (direction, bytes) in &r.pieces {
        let mut tell = |e: super::TlsEvent<'_>| told.take(e);
        if *direction == 1 {
            session.push(1, bytes, keys, &mut tell);
            continue;
        }
        let place = |n: usize| n.clamp(at, at + bytes.len()) - at;
        let (start, end) = (place(from), place(to));
        session.push(0, &bytes[..start], keys, &mut tell);
        if end > start {
            session.gap(0, (end - start) as u64);
        }
        session.push(0, &bytes[end..], keys, &mut tell);
        at += bytes.len();
    }
    session.finish(&mut |e| told.take(e));
    told
}

#[test]
fn a_gap_costs_the_records_it_touches_and_no_more() {
    for &(name, version, _) in SESSIONS {
        // Between the two lines of these there are records of a handshake.
        if name.contains("renegotiation") {
            continue;
        }
        let r = recording(name);
        let keys = key_log(&r.keys);
        let [client, _] = streams(&r);
        let records = records(&client);
        // The last records are the two lines and the alert; TLS 1.0 splits a line in two (1/n-1) or not at all.
        let lines: Vec<_> = records.iter().filter(|(at, _)| client[*at] == 23).copied().collect();
        let alerts = usize::from(version == Version::Tls13);
        let first_of_two = lines.len() - alerts - 2;
        let (one, two) = (lines[first_of_two], lines[first_of_two + 1]);
        let chained = version == Version::Tls10;
        for (from, to, left) in [
            (one.0, one.1, "pingping two\n"),
            (one.0 + 3, one.0 + 4, "pingping two\n"),
            (one.0 + 9, one.1 - 2, "pingping two\n"),
            (one.0 + 9, one.1, "pingping two\n"),
            (one.0 + 9, two.0 + 9, ""),
            (two.0, two.1, "pingping one\n"),
        ] {
            let told = with_gap(&r, &keys, from, to);
            // RFC 2246 §6.2.3.2: the IV of the next record is lost with a record.
            if !chained {
                assert_eq!(told.text(0), left, "{name} {from}..{to}");
                assert_eq!(told.alerts.len(), 2, "{name} {from}..{to}");
            }
            assert_eq!(told.text(1), super::ANSWERS, "{name} {from}..{to}");
            assert_eq!(told.lost, [], "{name} {from}..{to}");
        }
    }
}

#[test]
fn behind_a_gap_the_first_record_gives_the_iv_and_the_second_opens() {
    let r = recording("tls10_rsa_cbc");
    let keys = key_log(&r.keys);
    let [client, _] = streams(&r);
    let records: Vec<_> = records(&client).into_iter().filter(|(at, _)| client[*at] == 23).collect();
    // OpenSSL puts an empty record in front of each line: it, the line, it, the line.
    assert_eq!(records.len(), 4);
    for (lost, left) in [(0, "pingping two\n"), (1, "pingping two\n"), (2, "pingping one\n"), (3, "pingping one\n")] {
        let told = with_gap(&r, &keys, records[lost].0, records[lost].1);
        assert_eq!((told.text(0).as_str(), told.lost.len()), (left, 0), "{lost}");
    }
}

#[test]
fn a_lost_finished_message_of_tls_1_3_does_not_cost_the_data() {
    let r = recording("tls13_aes128gcm");
    let [client, _] = streams(&r);
    let (from, to) = *records(&client).iter().find(|(at, _)| client[*at] == 23).unwrap();
    let told = with_gap(&r, &key_log(&r.keys), from, to);
    assert_eq!((told.text(0).as_str(), told.text(1).as_str()), (super::ONE_TWO, super::ANSWERS));
    assert_eq!(told.done.len(), 1);
}

#[test]
fn a_gap_of_unknown_size_is_bridged() {
    for name in ["tls13_chacha", "tls12_cbc_sha256", "tls12_ecdhe_aes256gcm"] {
        let r = recording(name);
        let keys = key_log(&r.keys);
        let (mut session, mut told) = (Session::new(), Told::default());
        let line = r.pieces.len() - 6;
        for (at, (direction, bytes)) in r.pieces.iter().enumerate() {
            match at == line {
                true => session.gap(*direction, 0),
                false => session.push(*direction, bytes, &keys, &mut |e| told.take(e)),
            }
        }
        assert_eq!((told.text(0).as_str(), told.lost.len()), ("pingping two\n", 0), "{name}");
    }
}

#[test]
fn hellos_without_end_do_not_keep_a_session_busy() {
    let r = recording("tls12_ecdhe_aes128gcm");
    let (mut session, mut told) = (Session::new(), Told::default());
    let keys = key_log(&recording("tls13_chacha").keys);
    for (direction, bytes) in r.pieces.iter().filter(|(d, _)| *d == 0) {
        session.push(*direction, bytes, &keys, &mut |e| told.take(e));
    }
    session.push(0, &[&[23, 3, 3, 0x3f, 0][..], &[7; 0x3f00]].concat(), &keys, &mut |e| told.take(e));
    assert!(!session.is_given_up());
    let hello = &r.pieces[0].1;
    let pushed = (0..100_000).take_while(|_| {
        session.push(1, hello, &keys, &mut |e| told.take(e));
        !session.is_given_up()
    });
    assert!(pushed.count() < 10_000);
    assert_eq!(told.lost.len(), 1);
}

#[test]
fn a_stream_without_its_hellos_is_told_as_not_opened() {
    let r = recording("tls12_ecdhe_aes128gcm");
    let (mut session, mut told) = (Session::new(), Told::default());
    for (direction, bytes) in r.pieces.iter().skip(4) {
        session.push(*direction, bytes, &key_log(&r.keys), &mut |e| told.take(e));
    }
    session.finish(&mut |e| told.take(e));
    assert_eq!((told.lost.len(), told.data.concat().len()), (1, 0));
}

#[test]
fn a_changed_record_costs_itself() {
    for &(name, version, _) in SESSIONS {
        if name.contains("renegotiation") || version == Version::Tls10 {
            continue;
        }
        let mut r = recording(name);
        let pieces = r.pieces.len();
        // The last but five is the first line, behind it come its answer, the second line, its answer, two alerts.
        let line = r.pieces.get_mut(pieces - 6).filter(|(d, b)| *d == 0 && b[0] == 23).unwrap();
        let last = line.1.len() - 1;
        line.1[last] ^= 1;
        let mut told = Told::default();
        let mut session = Session::new();
        for (direction, bytes) in &r.pieces {
            session.push(*direction, bytes, &key_log(&r.keys), &mut |e| told.take(e));
        }
        assert_eq!(
            (told.text(0).as_str(), told.lost.as_slice()),
            ("pingping two\n", [Reason::TlsNotOpened].as_slice())
        );
    }
}

/// A seeded generator (xorshift), so that a failure can be run again.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

#[test]
fn damaged_in_any_way_nothing_false_comes_out() {
    let mut seeded = Seeded(0x5eed_0001);
    for &(name, ..) in SESSIONS {
        let original = recording(name);
        let keys = key_log(&original.keys);
        // Without encryption a changed byte fails its HMAC all the same, so what comes out is always part of the truth.
        let truth = [super::ONE_TWO, super::ANSWERS];
        for _ in 0..150 {
            let (mut session, mut told) = (Session::new(), Told::default());
            for (direction, bytes) in &original.pieces {
                let mut bytes = bytes.clone();
                if seeded.below(4) == 0 {
                    let at = seeded.below(bytes.len());
                    bytes[at] ^= 1 << seeded.below(8);
                }
                let mut tell = |e: super::TlsEvent<'_>| {
                    if let super::TlsEvent::Data { direction, bytes } = e {
                        let part = String::from_utf8_lossy(bytes).into_owned();
                        assert!(
                            truth[direction & 1].contains(&part) || truth[1 - direction].contains(&part),
                            "{name} {part:?}"
                        );
                    }
                    told.take(e);
                };
                let cut = seeded.below(bytes.len() + 1);
                session.push(*direction, &bytes[..cut], &keys, &mut tell);
                let lost = if seeded.below(6) == 0 { seeded.below(bytes.len() - cut + 1) } else { 0 };
                if lost > 0 {
                    session.gap(*direction, lost as u64);
                }
                session.push(*direction, &bytes[cut + lost..], &keys, &mut tell);
            }
            session.finish(&mut |e| told.take(e));
        }
    }
}

#[test]
fn any_bytes_at_all_are_survived() {
    let mut seeded = Seeded(0x5eed_0002);
    let keys = key_log(&recording("tls13_chacha").keys);
    for _ in 0..300 {
        let (mut session, mut told) = (Session::new(), Told::default());
        for _ in 0..20 {
            let mut bytes: Vec<u8> = (0..seeded.below(400)).map(|_| seeded.below(256) as u8).collect();
            if seeded.below(2) == 0 && bytes.len() > 5 {
                let kind = 20 + seeded.below(5) as u8;
                bytes[..5].copy_from_slice(&[kind, 3, 3, 0, (seeded.below(120)) as u8]);
            }
            if seeded.below(9) == 0 {
                session.gap(seeded.below(2), seeded.0 >> seeded.below(64));
            }
            session.push(seeded.below(2), &bytes, &keys, &mut |e| told.take(e));
        }
        session.finish(&mut |e| told.take(e));
        assert_eq!(told.data.concat(), b"");
    }
}
