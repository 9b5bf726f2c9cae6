//! Lines and listeners against each other and against bare sockets on loopback.

mod listening;
mod plain;
mod secure;
mod web;

use super::{Candidate, ConnectOptions, Connector, Line, Protocol, Tap, Wire};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

const SOON: Duration = Duration::from_secs(20);

/// A whole request with so many bytes of body.
fn options(call_id: &str, body: usize) -> Vec<u8> {
    let mut message = format!(
        "OPTIONS sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\nCall-ID: {call_id}\r\n\
         CSeq: 1 OPTIONS\r\nContent-Type: text/plain\r\nContent-Length: {body}\r\n\r\n"
    )
    .into_bytes();
    message.resize(message.len() + body, b'x');
    message
}

fn candidate(protocol: Protocol, address: SocketAddr) -> Candidate {
    let (domain, how) = ("example.com".to_owned(), "as given".to_owned());
    Candidate { protocol, address, domain, host: None, srv: None, how }
}

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Opens a line with nothing special.
async fn open(protocol: Protocol, address: SocketAddr) -> Line {
    Connector::new(ConnectOptions::default()).unwrap().open(&candidate(protocol, address), SOON).await.unwrap()
}

/// The next message of a line.
async fn next(line: &mut Line) -> Vec<u8> {
    let mut message = b"of before".to_vec();
    tokio::time::timeout(SOON, line.receive(&mut message)).await.unwrap().unwrap();
    message
}

/// Why a line gives no message.
async fn failure(line: &mut Line) -> super::TransportError {
    let mut message = Vec::new();
    tokio::time::timeout(SOON, line.receive(&mut message)).await.unwrap().unwrap_err()
}

/// Writes down what passes.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn taken(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Tap for Notes {
    fn wire(&self, _: SystemTime, wire: Wire<'_>) {
        let note = match wire {
            Wire::Datagram { src, dst, bytes } => format!("datagram {src} {dst} {}", String::from_utf8_lossy(bytes)),
            Wire::Opened { client, server } => format!("opened {client} {server}"),
            Wire::Data { src, dst, bytes } => format!("data {src} {dst} {}", String::from_utf8_lossy(bytes)),
            Wire::Closed { src, dst, reset } => format!("closed {src} {dst} {reset}"),
            Wire::Refused { src, dst, tcp } => format!("refused {src} {dst} {tcp}"),
            Wire::Secret(line) => format!("secret {line}"),
        };
        self.0.lock().unwrap().push(note);
    }
}

/// Options that write down what passes.
fn noted() -> (ConnectOptions, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    (ConnectOptions { tap: Some(notes.clone()), ..ConnectOptions::default() }, notes)
}
