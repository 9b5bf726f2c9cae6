//! Sessions recorded from OpenSSL, whole and damaged. `testdata/README.md` says how each was made.

use super::{Alert, KeyLog, Session, TlsEvent, Version};
use crate::net::Reason;

/// Bytes of a hexadecimal text.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|d| (d[0] << 4 | d[1]) as u8).collect()
}

/// A recorded connection: pieces with their direction (0 is the client), and the key log.
pub(super) struct Recording {
    pub pieces: Vec<(usize, Vec<u8>)>,
    pub keys: String,
}

pub(super) fn recording(name: &str) -> Recording {
    let path = format!("{}/src/net/tls/testdata/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut r = Recording { pieces: Vec::new(), keys: String::new() };
    for line in text.lines() {
        match line.split_at(2) {
            ("> ", rest) => r.pieces.push((0, hex(rest))),
            ("< ", rest) => r.pieces.push((1, hex(rest))),
            ("k ", rest) => r.keys.push_str(&format!("{rest}\n")),
            _ => {}
        }
    }
    assert!(!r.pieces.is_empty(), "{path}");
    r
}

/// What a session told, in owned form.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub data: [Vec<u8>; 2],
    pub alerts: Vec<(usize, Option<Alert>, bool)>,
    pub done: Vec<(Version, String, Option<String>)>,
    pub lost: Vec<Reason>,
}

impl Told {
    pub fn take(&mut self, event: TlsEvent<'_>) {
        match event {
            TlsEvent::Data { direction, bytes } => self.data[direction].extend_from_slice(bytes),
            TlsEvent::Alert { direction, alert, encrypted } => self.alerts.push((direction, alert, encrypted)),
            TlsEvent::HandshakeDone { version, cipher_suite, server_name } => {
                self.done.push((version, cipher_suite.to_string(), server_name.map(str::to_owned)));
            }
            TlsEvent::Undecryptable { reason, .. } => self.lost.push(reason),
        }
    }

    pub fn text(&self, direction: usize) -> String {
        String::from_utf8_lossy(&self.data[direction]).into_owned()
    }
}

pub(super) fn key_log(text: &str) -> KeyLog {
    let mut keys = KeyLog::new();
    keys.add_text(text.as_bytes());
    keys
}

fn run(r: &Recording, keys: &KeyLog) -> (Session, Told) {
    let (mut session, mut told) = (Session::new(), Told::default());
    for (direction, bytes) in &r.pieces {
        session.push(*direction, bytes, keys, &mut |e| told.take(e));
    }
    session.finish(&mut |e| told.take(e));
    (session, told)
}

#[test]
fn probe() {
    for f in std::fs::read_dir("/tmp/tlsgen").unwrap().flatten() {
        let name = f.file_name().into_string().unwrap();
        let Some(n) = name.strip_suffix(".hex") else { continue };
        let r = recording(n);
        let (s, told) = run(&r, &key_log(&r.keys));
        println!(
            "{n}: {:?} | {:?} | {:?} {:?} {:?} certs {} {} resumed {} alpn {:?}",
            told.text(0),
            told.text(1),
            told.done,
            told.alerts,
            told.lost,
            s.info().server_certificates.len(),
            s.info().client_certificates.len(),
            s.info().resumed,
            s.info().alpn
        );
    }
}
