//! WebSocket: the upgrade, and frames that are masked, fragmented, compressed, cut and lost.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sipctl::net::websocket::{self, Deflate, Event, Frames, Handshake, MAX_MESSAGE, Sender};
use sipctl_fuzz::Pieces;

fuzz_target!(|data: &[u8]| {
    let mut pieces = Pieces(data);
    let mode = pieces.byte();
    let mut deflate = (mode & 1 != 0)
        .then_some(Deflate { client_no_context_takeover: mode & 2 != 0, server_no_context_takeover: mode & 4 != 0 });
    for handshake in [websocket::upgrade_request(pieces.0), websocket::upgrade_response(pieces.0)] {
        if let Handshake::Upgrade(upgrade) = handshake {
            deflate = upgrade.deflate;
            assert!(upgrade.len <= pieces.0.len());
            pieces.take(upgrade.len);
        }
    }
    let _ = (websocket::looks_like_frame(pieces.0), websocket::peek_payload(pieces.0));
    let mut frames = Frames::new(deflate, if mode & 8 == 0 { Sender::Client } else { Sender::Server });
    // In one piece, or in small ones with gaps.
    let mut take = |event: Event<'_>| match event {
        Event::Message(bytes) => assert!(bytes.len() <= MAX_MESSAGE),
        Event::Ping(bytes) | Event::Pong(bytes) => assert!(bytes.len() <= 125),
        Event::Close(_) | Event::Broken => {}
    };
    if mode & 16 == 0 {
        frames.push(pieces.0, &mut take);
        return;
    }
    while !pieces.0.is_empty() {
        let size = usize::from(pieces.byte());
        if size == 0 {
            frames.gap(u64::from(pieces.byte()), &mut take);
        }
        frames.push(pieces.take(size), &mut take);
        assert!(frames.waiting() <= MAX_MESSAGE + 256);
    }
});
