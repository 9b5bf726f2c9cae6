//! TLS of all versions between two sides, opened with a key log or the server's key, cut anywhere and with gaps.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sipctl::net::tls::{self, KeyLog, Session, TlsEvent};
use sipctl_fuzz::Pieces;

/// The key of the server in the recorded sessions that use RSA key exchange.
const SERVER_KEY: &[u8] = include_bytes!("../../src/net/tls/testdata/server_pkcs8.pem");

fuzz_target!(|data: &[u8]| {
    let mut pieces = Pieces(data);
    let mode = pieces.byte();
    let mut keys = KeyLog::new();
    // Reading the key costs more than all else.
    if mode & 1 != 0 {
        keys.add_server_key(SERVER_KEY).unwrap();
    }
    let text = pieces.piece().unwrap_or_default();
    if mode & 2 == 0 {
        keys.add_text(text);
    }
    let mut session = Session::new();
    let mut told = 0;
    let mut pushed = 0;
    let mut take = |event: TlsEvent<'_>| {
        if let TlsEvent::Data { direction, bytes } = event {
            assert!(direction < 2);
            told += bytes.len();
        }
    };
    while !pieces.0.is_empty() {
        let what = pieces.byte();
        if what & 2 != 0 {
            session.gap(usize::from(what & 1), u64::from(pieces.short()));
            continue;
        }
        let Some(piece) = pieces.piece() else { break };
        pushed += piece.len();
        let _ = (tls::looks_like_client_hello(piece), tls::looks_like_record(piece));
        session.push(usize::from(what & 1), piece, &keys, &mut take);
        if mode & 2 != 0 {
            keys.add_text(text);
        }
    }
    session.finish(&mut take);
    assert!(told <= pushed);
    let _ = format!("{:?}", session.info());
});
