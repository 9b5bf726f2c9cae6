use super::{
    Deflate, Event, Frames, Handshake, MAX_MESSAGE, Sender, looks_like_frame, peek_payload, upgrade_request,
    upgrade_response,
};
use proptest::prelude::*;

/// What came out, as text.
fn text(event: Event<'_>) -> String {
    match event {
        Event::Message(bytes) => format!("message {}", String::from_utf8_lossy(bytes)),
        Event::Ping(bytes) => format!("ping {}", String::from_utf8_lossy(bytes)),
        Event::Pong(bytes) => format!("pong {}", String::from_utf8_lossy(bytes)),
        Event::Close(code) => format!("close {code:?}"),
        Event::Broken => "broken".to_owned(),
    }
}

fn read(frames: &mut Frames, parts: &[&[u8]]) -> Vec<String> {
    let mut seen = Vec::new();
    for part in parts {
        frames.push(part, &mut |event| seen.push(text(event)));
    }
    seen
}

fn server() -> Frames {
    Frames::new(None, Sender::Server)
}

/// A frame with `first` as its first byte, masked with `mask` if it has one.
fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let bit = if mask.is_some() { 0x80 } else { 0 };
    let mut out = vec![first];
    match payload.len() {
        short @ 0..=125 => out.push(bit | short as u8),
        middle @ 126..=0xffff => {
            out.push(bit | 126);
            out.extend((middle as u16).to_be_bytes());
        }
        long => {
            out.push(bit | 127);
            out.extend((long as u64).to_be_bytes());
        }
    }
    let mask = mask.inspect(|mask| out.extend(mask)).unwrap_or_default();
    out.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]));
    out
}

const HELLO_MASKED: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

#[test]
fn the_examples_of_rfc_6455_section_5_7() {
    assert_eq!(read(&mut server(), &[b"\x81\x05Hello"]), ["message Hello"]);
    assert_eq!(read(&mut Frames::new(None, Sender::Client), &[HELLO_MASKED]), ["message Hello"]);
    assert_eq!(read(&mut server(), &[b"\x01\x03Hel\x80\x02lo"]), ["message Hello"]);
    assert_eq!(read(&mut server(), &[b"\x89\x05Hello"]), ["ping Hello"]);
    let pong = b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(read(&mut Frames::new(None, Sender::Client), &[pong]), ["pong Hello"]);
    for length in [256usize, 65536] {
        let payload = vec![b'x'; length];
        let message = frame(0x82, None, &payload);
        assert_eq!(message.len(), length + if length == 256 { 4 } else { 10 });
        assert_eq!(read(&mut server(), &[&message]), [format!("message {}", "x".repeat(length))]);
    }
}

#[test]
fn control_frames_come_between_the_fragments_of_a_message() {
    let stream = b"\x01\x03Hel\x89\x02hi\x00\x00\x88\x02\x03\xe8\x80\x02lo";
    assert_eq!(read(&mut server(), &[stream]), ["ping hi", "close Some(1000)", "message Hello"]);
    assert_eq!(read(&mut server(), &[b"\x88\x00\x8a\x00\x81\x00"]), ["close None", "pong ", "message "]);
}

#[test]
fn the_examples_of_rfc_7692_section_7_2_3() {
    let whole: &[u8] = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    let agreed = Some(Deflate::default());
    assert_eq!(read(&mut Frames::new(agreed, Sender::Server), &[whole]), ["message Hello"]);
    let fragments: &[u8] = b"\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00";
    assert_eq!(read(&mut Frames::new(agreed, Sender::Server), &[fragments]), ["message Hello"]);
    // The second message refers to the window that the first one left.
    let second: &[u8] = b"\xc1\x05\xf2\x00\x11\x00\x00";
    assert_eq!(read(&mut Frames::new(agreed, Sender::Server), &[whole, second]), ["message Hello", "message Hello"]);
    let forgetful = Some(Deflate { server_no_context_takeover: true, ..Deflate::default() });
    assert_eq!(
        read(&mut Frames::new(forgetful, Sender::Server), &[whole, second, whole]),
        ["message Hello", "broken", "message Hello"]
    );
    assert_eq!(read(&mut Frames::new(forgetful, Sender::Client), &[whole, second]), ["message Hello", "message Hello"]);
    let stored: &[u8] = b"\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
    let last_block: &[u8] = b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    let two_blocks: &[u8] = b"\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
    let seen = read(&mut Frames::new(agreed, Sender::Server), &[stored, last_block, two_blocks, b"\x81\x02hi"]);
    assert_eq!(seen, ["message Hello", "message Hello", "message Hello", "message hi"]);
}

#[test]
fn a_message_that_inflates_without_end_is_broken_and_the_next_is_read() {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b'a'; MAX_MESSAGE + 1]).unwrap();
    let bomb = frame(0xc1, None, &encoder.finish().unwrap());
    assert!(bomb.len() < 4096);
    let seen = read(&mut server(), &[&bomb, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"]);
    assert!(seen == ["broken", "message Hello"]);
}

#[test]
fn a_message_that_is_too_long_is_passed_over_without_being_kept() {
    let mut frames = server();
    let part = vec![b'x'; 0x8000];
    let mut seen = Vec::new();
    frames.push(b"\x01\x7f\x00\x00\x00\x00\x00\x20\x00\x00", &mut |event| seen.push(text(event)));
    for _ in 0..64 {
        frames.push(&part, &mut |event| seen.push(text(event)));
        assert!(frames.waiting() <= MAX_MESSAGE);
    }
    seen.extend(read(&mut frames, &[b"\x80\x01x\x81\x02ok"]));
    assert_eq!(seen, ["broken", "message ok"]);
}

#[test]
fn an_impossible_header_loses_only_what_is_before_the_next_message() {
    for bad in [&b"\x83\x01x"[..], b"\xb1\x01x", b"\x09\x01x", b"\x89\x7e\x00\x7ex", b"\x81\x7f\x80\0\0\0\0\0\0\x01"] {
        let seen = read(&mut server(), &[bad, b"junk", b"\x81\x0bHello World\x81\x02hi"]);
        assert_eq!(seen, ["broken", "message Hello World", "message hi"], "{bad:02x?}");
    }
}

#[test]
fn a_gap_inside_a_frame_loses_one_message() {
    let mut frames = server();
    let mut seen = read(&mut frames, &[b"\x82\x0aabc"]);
    frames.gap(5, &mut |event| seen.push(text(event)));
    seen.extend(read(&mut frames, &[b"ij\x81\x02hi"]));
    assert_eq!(seen, ["broken", "message hi"]);
    frames.push(b"\x82\x0aabc", &mut |_| ());
    seen.clear();
    frames.gap(7, &mut |event| seen.push(text(event)));
    seen.extend(read(&mut frames, &[b"\x81\x08ho ho ho"]));
    assert_eq!(seen, ["broken", "message ho ho ho"]);
}

#[test]
fn after_a_larger_gap_the_next_readable_message_is_found() {
    let mut frames = Frames::new(None, Sender::Client);
    let mut seen = read(&mut frames, &[&HELLO_MASKED[..8]]);
    frames.gap(1000, &mut |event| seen.push(text(event)));
    let next = frame(0x82, Some([0x9a, 0x81, 0x05, 0xc1]), b"REGISTER sip:example.com SIP/2.0\r\n");
    let tail = [b"\x81\x05server\x82\x81", &next[..]].concat();
    seen.extend(read(&mut frames, &[b"\xff\xfe", &tail, HELLO_MASKED]));
    assert_eq!(seen, ["broken", "message REGISTER sip:example.com SIP/2.0\r\n", "message Hello"]);
}

#[test]
fn a_continuation_of_nothing_is_broken_and_a_new_message_ends_an_open_one() {
    assert_eq!(read(&mut server(), &[b"\x80\x02lo\x81\x02hi"]), ["broken", "message hi"]);
    assert_eq!(read(&mut server(), &[b"\x01\x02ab\x81\x02hi"]), ["broken", "message hi"]);
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: sip-ws.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\
Sec-WebSocket-Extensions: x-other, permessage-deflate; client_max_window_bits\r\nSec-WebSocket-Version: 13\r\n\r\n";

#[test]
fn the_upgrade_is_recognised_with_what_it_agrees() {
    let with_frame = [REQUEST, HELLO_MASKED].concat();
    let Handshake::Upgrade(upgrade) = upgrade_request(&with_frame) else { panic!("no upgrade") };
    assert_eq!((upgrade.len, upgrade.protocol), (REQUEST.len(), Some(&b"sip"[..])));
    assert_eq!(upgrade.deflate, Some(Deflate::default()));
    let response = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: Upgrade\r\n\
sec-websocket-extensions: permessage-deflate; server_no_context_takeover;server_max_window_bits=12\r\n\r\n";
    let Handshake::Upgrade(upgrade) = upgrade_response(response) else { panic!("no upgrade") };
    assert_eq!((upgrade.len, upgrade.protocol), (response.len(), None));
    let agreed = upgrade.deflate.unwrap();
    assert!(agreed.server_no_context_takeover && !agreed.client_no_context_takeover);
    for cut in 0..REQUEST.len() {
        assert_eq!(upgrade_request(&REQUEST[..cut]), Handshake::Incomplete, "{cut}");
    }
}

#[test]
fn other_http_is_no_upgrade() {
    assert_eq!(upgrade_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Handshake::Other);
    assert_eq!(upgrade_request(b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"), Handshake::Other);
    assert_eq!(upgrade_request(b"POST / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"), Handshake::Other);
    assert_eq!(upgrade_response(b"HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n\r\n"), Handshake::Other);
    assert_eq!(upgrade_response(b"SIP/2.0 101 x\r\n\r\n"), Handshake::Other);
    let endless = [b"GET / HTTP/1.1\r\n", &b"A: b\r\n".repeat(4000)[..]].concat();
    assert_eq!(upgrade_request(&endless), Handshake::Other);
    assert!(
        matches!(upgrade_request(b"GET / HTTP/1.1\nUpgrade: websocket\n\nx"), Handshake::Upgrade(u) if u.len == 35)
    );
}

#[test]
fn frames_without_a_captured_upgrade_show_their_first_bytes() {
    assert!(looks_like_frame(HELLO_MASKED));
    assert_eq!(peek_payload(HELLO_MASKED).unwrap()[..], *b"Hello");
    assert_eq!(peek_payload(&HELLO_MASKED[..8]).unwrap()[..], *b"He");
    assert_eq!(peek_payload(b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00").unwrap()[..], *b"Hello");
    let long = frame(0x82, None, &[b'x'; 500]);
    assert_eq!(peek_payload(&long).unwrap()[..], [b'x'; 32]);
    assert!(!looks_like_frame(b"SIP/2.0 200 OK\r\n"));
    assert!(!looks_like_frame(b"\x16\x03\x01\x02\x00\x01"));
    assert!(!looks_like_frame(b"\x81\x7e\x00\x05Hello"));
    assert!(!looks_like_frame(b"\x81\x00"));
    assert!(!looks_like_frame(b"\x80\x05Hello"));
    assert!(!looks_like_frame(b"\x81\x7f\x00\x00\x00\x00\x7f\xff\xff\xff"));
    assert_eq!(peek_payload(&HELLO_MASKED[..6]), None);
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_messages(
        messages in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..300), any::<[u8; 4]>(), 1usize..4), 1..8),
        step in 1usize..50,
    ) {
        let mut stream = Vec::new();
        for (payload, mask, parts) in &messages {
            let size = payload.len().div_ceil(*parts).max(1);
            let chunks: Vec<&[u8]> = if payload.is_empty() { vec![&[]] } else { payload.chunks(size).collect() };
            for (index, chunk) in chunks.iter().enumerate() {
                let first = if index == 0 { 2 } else { 0 } | if index + 1 == chunks.len() { 0x80 } else { 0 };
                stream.extend(frame(first, Some(*mask), chunk));
            }
        }
        let mut frames = Frames::new(None, Sender::Client);
        let mut got = Vec::new();
        for part in stream.chunks(step) {
            frames.push(part, &mut |event| if let Event::Message(bytes) = event { got.push(bytes.to_vec()) });
        }
        let sent: Vec<Vec<u8>> = messages.into_iter().map(|(payload, ..)| payload).collect();
        prop_assert_eq!(got, sent);
    }

    #[test]
    fn damaged_streams_never_panic_and_keep_their_bound(
        flips in prop::collection::vec((any::<usize>(), any::<u8>()), 1..20), step in 1usize..60, gap in any::<u16>(),
    ) {
        let compressed: &[u8] = b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00";
        let mut stream = [HELLO_MASKED, compressed, &frame(0x82, Some([1, 2, 3, 4]), &[b'y'; 400]), HELLO_MASKED].concat().repeat(3);
        for (at, value) in flips {
            let len = stream.len();
            stream[at % len] ^= value;
        }
        let mut frames = Frames::new(None, Sender::Client);
        for (index, part) in stream.chunks(step).enumerate() {
            let mut sink = |event: Event<'_>| if let Event::Message(bytes) = event { assert!(bytes.len() <= MAX_MESSAGE) };
            frames.push(part, &mut sink);
            if index % 9 == 8 {
                frames.gap(u64::from(gap) % 300, &mut sink);
            }
            prop_assert!(frames.waiting() <= stream.len());
        }
        let _ = (upgrade_request(&stream), upgrade_response(&stream), peek_payload(&stream));
    }
}
