//! SRTP against the vectors of RFC 3711 appendix B, those of the libsrtp test suite, and what must not be opened.

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn master() -> Master {
    // RFC 3711 Appendix B.3
    Master::from_bytes(&hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6").try_into().unwrap())
}

#[test]
fn keys_are_derived_as_in_appendix_b_3() {
    let keys = Keys::derive(&master(), 0);
    assert_eq!(keys.cipher.to_vec(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(keys.salt.to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(keys.authentication.to_vec(), hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

#[test]
fn the_key_stream_is_that_of_appendix_b_2() {
    let keys = Keys {
        cipher: hex("2B7E151628AED2A6ABF7158809CF4F3C").try_into().unwrap(),
        salt: hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap(),
        authentication: [0; 20],
    };
    let mut stream = [0; 48];
    keys.crypt(0, 0, &mut stream);
    let expected = "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(stream.to_vec(), hex(expected));
}

/// The packet, plain and protected, that libsrtp checks itself with (`srtp_validate`), for the key above.
#[test]
fn a_packet_of_an_independent_implementation_is_made_and_opened() {
    let plain = hex("800f1234decafbadcafebabe abababababababababababababababab");
    let expected = hex("800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb");
    let mut packet = plain.clone();
    assert!(Context::new(Suite::Sha80, &master()).protect_rtp(&mut packet));
    assert_eq!(packet, expected);
    Context::new(Suite::Sha80, &master()).open_rtp(&mut packet).unwrap();
    assert_eq!(packet, plain);
}

/// The same for SRTCP.
#[test]
fn a_report_of_an_independent_implementation_is_made_and_opened() {
    let plain = hex("81c8000bcafebabe abababababababababababababababab");
    let expected = hex("81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798");
    let mut context = Context::new(Suite::Sha80, &master());
    // libsrtp counts from 1.
    context.rtcp_index = 1;
    let mut packet = plain.clone();
    assert!(context.protect_rtcp(&mut packet));
    assert_eq!(packet, expected);
    Context::new(Suite::Sha80, &master()).open_rtcp(&mut packet).unwrap();
    assert_eq!(packet, plain);
}

fn rtp(sequence: u16) -> Vec<u8> {
    let mut packet = hex("8000 0000 00000000 00000007");
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet.extend([0x55; 20]);
    packet
}

#[test]
fn the_rollover_counter_is_followed_over_the_wrap_in_any_order() {
    for suite in [Suite::Sha80, Suite::Sha32] {
        let (mut sender, mut receiver) = (Context::new(suite, &master()), Context::new(suite, &master()));
        let mut sent = Vec::new();
        for n in 65_000..66_200u32 {
            let mut packet = rtp(n as u16);
            assert!(sender.protect_rtp(&mut packet));
            sent.push((n as u16, packet));
        }
        // Neighbours change places, also across the wrap.
        for pair in sent.chunks_mut(2) {
            pair.reverse();
        }
        for (sequence, mut packet) in sent {
            assert_eq!(receiver.open_rtp(&mut packet), Ok(()), "{suite:?} {sequence}");
            assert_eq!(packet, rtp(sequence));
        }
    }
}

#[test]
fn what_was_changed_repeated_or_cut_is_not_opened() {
    let mut sender = Context::new(Suite::Sha80, &master());
    let mut receiver = Context::new(Suite::Sha80, &master());
    let mut packet = rtp(100);
    sender.protect_rtp(&mut packet);
    for at in [0, 1, 3, 8, 15, packet.len() - 1] {
        let mut changed = packet.clone();
        changed[at] ^= 1;
        assert!(receiver.open_rtp(&mut changed).is_err(), "{at}");
    }
    for cut in 0..packet.len() {
        assert!(receiver.open_rtp(&mut packet[..cut].to_vec()).is_err(), "{cut}");
    }
    assert_eq!(receiver.open_rtp(&mut packet.clone()), Ok(()));
    assert_eq!(receiver.open_rtp(&mut packet.clone()), Err(Refusal::Replayed));
    let mut far = rtp(400);
    sender.protect_rtp(&mut far);
    assert_eq!(receiver.open_rtp(&mut far), Ok(()));
    let mut other = Context::new(Suite::Sha80, &Master::random(&mut Entropy::seeded(1)));
    assert_eq!(other.open_rtp(&mut packet), Err(Refusal::Authentication));
}

#[test]
fn reports_are_guarded_alike() {
    let mut sender = Context::new(Suite::Sha32, &master());
    let mut receiver = Context::new(Suite::Sha32, &master());
    let plain = hex("80c90001 00000007");
    let mut packet = plain.clone();
    sender.protect_rtcp(&mut packet);
    // SRTCP has the long tag in both suites.
    assert_eq!(packet.len(), 8 + 4 + 10);
    let mut changed = packet.clone();
    changed[9] ^= 1;
    assert_eq!(receiver.open_rtcp(&mut changed), Err(Refusal::Authentication));
    assert_eq!(receiver.open_rtcp(&mut packet.clone()), Ok(()));
    assert_eq!(receiver.open_rtcp(&mut packet.clone()), Err(Refusal::Replayed));
    for cut in 0..packet.len() {
        assert!(receiver.open_rtcp(&mut packet[..cut].to_vec()).is_err());
    }
}

#[test]
fn sources_are_bounded_and_none_is_let_go_for_another() {
    let mut receiver = Context::new(Suite::Sha80, &master());
    for ssrc in 0..20u8 {
        let mut packet = rtp(1);
        packet[11] = ssrc;
        Context::new(Suite::Sha80, &master()).protect_rtp(&mut packet);
        assert_eq!(receiver.open_rtp(&mut packet), if ssrc < 8 { Ok(()) } else { Err(Refusal::Sources) });
    }
}

#[test]
fn no_key_shows_in_debug_output() {
    let context = Context::new(Suite::Sha80, &master());
    let shown = format!("{:?} {:?}", master(), context);
    assert!(!shown.contains("225") && !shown.contains("E1") && shown.contains("hidden"), "{shown}");
}
