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

mod captures;
mod damage;

const ONE_TWO: &str = "pingping one\npingping two\n";
const ANSWERS: &str = "eno gnipgnip\nowt gnipgnip\n";
const CLOSE: Option<Alert> = Some(Alert { level: 1, description: 0 });

/// Name, version, suite: every recording of a whole session.
pub(super) const SESSIONS: &[(&str, Version, &str)] = &[
    ("tls13_aes128gcm", Version::Tls13, "TLS_AES_128_GCM_SHA256"),
    ("tls13_aes256gcm", Version::Tls13, "TLS_AES_256_GCM_SHA384"),
    ("tls13_chacha", Version::Tls13, "TLS_CHACHA20_POLY1305_SHA256"),
    ("tls13_padding_clientcert", Version::Tls13, "TLS_AES_256_GCM_SHA384"),
    ("tls12_ecdhe_aes128gcm", Version::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ("tls12_ecdhe_aes256gcm", Version::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ("tls12_ecdhe_chacha", Version::Tls12, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("tls12_cbc_sha1_etm", Version::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    ("tls12_cbc_sha256", Version::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    ("tls12_cbc_sha384", Version::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    ("tls12_null", Version::Tls12, "TLS_ECDHE_ECDSA_WITH_NULL_SHA"),
    ("tls12_resumed", Version::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ("tls12_renegotiation", Version::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ("tls12_rsa_gcm_ems", Version::Tls12, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    ("tls12_rsa_cbc_noems", Version::Tls12, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    ("tls12_rsa_renegotiation_cbc", Version::Tls12, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    ("tls11_rsa_cbc", Version::Tls11, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    ("tls10_rsa_cbc", Version::Tls10, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    ("tls10_ecdhe_etm", Version::Tls10, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
];

/// What a whole session is to tell.
fn whole(version: Version, suite: &str) -> Told {
    Told {
        data: [ONE_TWO.into(), ANSWERS.into()],
        alerts: vec![(0, CLOSE, true), (1, CLOSE, true)],
        done: vec![(version, suite.to_owned(), Some("sip.example.org".to_owned()))],
        lost: vec![],
    }
}

#[test]
fn every_version_and_suite_opens_with_a_key_log() {
    for &(name, version, suite) in SESSIONS {
        let r = recording(name);
        let (session, told) = run(&r, &key_log(&r.keys));
        assert_eq!(told, whole(version, suite), "{name}");
        let info = session.info();
        assert_eq!(info.resumed, name == "tls12_resumed", "{name}");
        assert_eq!(info.client_certificates.len(), usize::from(name.ends_with("clientcert")), "{name}");
        assert_eq!(info.server_certificates.len(), usize::from(name != "tls12_resumed"), "{name}");
        // A certificate is a DER sequence with a two-byte length that covers all of it.
        for der in &info.server_certificates {
            assert_eq!(der[..2], [0x30, 0x82], "{name}");
            assert_eq!(usize::from(u16::from_be_bytes([der[2], der[3]])) + 4, der.len(), "{name}");
        }
        let alpn = matches!(name, "tls13_aes128gcm" | "tls12_ecdhe_aes256gcm").then_some("sip");
        assert_eq!(info.alpn.as_deref(), alpn, "{name}");
        assert_eq!((info.client, info.handshake_done), (Some(0), true), "{name}");
    }
}

#[test]
fn the_cut_into_pieces_makes_no_difference() {
    for &(name, version, suite) in SESSIONS {
        let r = recording(name);
        let bytewise = r.pieces.iter().flat_map(|(d, b)| b.iter().map(|&b| (*d, vec![b]))).collect();
        let (_, told) = run(&Recording { pieces: bytewise, keys: String::new() }, &key_log(&r.keys));
        assert_eq!(told, whole(version, suite), "{name}");
    }
}

#[test]
fn a_direction_may_come_wholly_before_the_other() {
    for &(name, version, suite) in SESSIONS {
        // A renegotiation cannot be read out of turn: its messages are under keys that the other side's agree on.
        if name.contains("renegotiation") {
            continue;
        }
        for first in 0..2 {
            let mut r = recording(name);
            r.pieces.sort_by_key(|(d, _)| *d != first);
            let (_, mut told) = run(&r, &key_log(&r.keys));
            told.alerts.sort_by_key(|(d, ..)| *d);
            assert_eq!(told, whole(version, suite), "{name}, {first} first");
        }
    }
}

#[test]
fn a_retry_and_key_updates_of_both_sides_are_followed() {
    let r = recording("tls13_hrr_keyupdate");
    let (_, told) = run(&r, &key_log(&r.keys));
    assert_eq!(told.text(0), "pingping one\npingping two\npingping three\n");
    assert_eq!((told.text(1).as_str(), told.lost.as_slice()), (ANSWERS, [].as_slice()));
}

#[test]
fn early_data_is_passed_over() {
    let r = recording("tls13_resumed_early");
    let (session, told) = run(&r, &key_log(&r.keys));
    assert_eq!((told.text(0).as_str(), told.text(1).as_str()), ("pingping one\n", ""));
    assert_eq!((told.lost.len(), told.done.len(), session.info().resumed), (0, 1, true));
}

#[test]
fn the_servers_rsa_key_opens_rsa_key_exchange_only() {
    for file in ["server_pkcs8.pem", "server_pkcs1.pem"] {
        let mut keys = KeyLog::new();
        keys.add_server_key(&testdata(file)).unwrap();
        for &(name, version, suite) in SESSIONS {
            let (_, told) = run(&recording(name), &keys);
            if suite.starts_with("TLS_RSA_") {
                assert_eq!(told, whole(version, suite), "{name} {file}");
            } else {
                assert_eq!(told.lost, [Reason::TlsWithoutKeys], "{name} {file}");
            }
        }
    }
}

#[test]
fn what_is_no_rsa_key_is_said_to_be_so() {
    use super::TlsKeyError as E;
    let add = |pem: &[u8]| KeyLog::new().add_server_key(pem);
    assert_eq!(add(&testdata("server_ec.pem")), Err(E::NotRsa));
    assert_eq!(add(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), Err(E::NoKey));
    let encrypted = b"x\n-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert_eq!(add(encrypted), Err(E::Encrypted));
    assert_eq!(
        add(b"ab\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        Err(E::Malformed { offset: 3 })
    );
    assert_eq!(add(b"-----BEGIN RSA PRIVATE KEY-----\nAAAA"), Err(E::Malformed { offset: 0 }));
    let both = [testdata("server_ec.pem"), testdata("server_pkcs1.pem")].concat();
    assert_eq!(add(&both), Ok(()));
}

fn testdata(file: &str) -> Vec<u8> {
    std::fs::read(format!("{}/src/net/tls/testdata/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn secrets_that_come_late_open_what_waited_in_its_order() {
    for name in ["tls13_aes128gcm", "tls12_ecdhe_aes128gcm", "tls10_rsa_cbc"] {
        let r = recording(name);
        let (mut session, mut keys, mut order) = (Session::new(), KeyLog::new(), Vec::new());
        let mut tell = |e: TlsEvent<'_>| match e {
            TlsEvent::Data { bytes, .. } => order.push(String::from_utf8_lossy(bytes).into_owned()),
            TlsEvent::Undecryptable { reason, .. } => order.push(format!("{reason:?}")),
            _ => {}
        };
        for (direction, bytes) in &r.pieces {
            session.push(*direction, bytes, &keys, &mut tell);
        }
        keys.add_text(r.keys.as_bytes());
        session.push(0, &[], &keys, &mut tell);
        session.finish(&mut tell);
        let got: String = order.concat();
        assert_eq!(got, "pingping one\neno gnipgnip\npingping two\nowt gnipgnip\n", "{name}");
    }
}

#[test]
fn without_secrets_the_loss_is_told_once() {
    for &(name, version, suite) in SESSIONS {
        let (session, told) = run(&recording(name), &KeyLog::new());
        assert_eq!(told.lost, [Reason::TlsWithoutKeys], "{name}");
        assert_eq!(told.data.concat(), b"", "{name}");
        assert_eq!(session.info().version, Some(version), "{name}");
        assert_eq!(session.info().server_name.as_deref(), Some("sip.example.org"), "{name}");
        if version < Version::Tls13 {
            assert_eq!(told.done[0].1, suite, "{name}");
            assert_eq!(told.alerts, [(0, None, true), (1, None, true)], "{name}");
        }
    }
}

#[test]
fn a_wrong_secret_opens_nothing_and_says_so() {
    for &(name, ..) in SESSIONS {
        let r = recording(name);
        // The last digit of each secret is another one.
        let wrong: String = r
            .keys
            .lines()
            .map(|l| format!("{}{}\n", &l[..l.len() - 1], if l.ends_with('0') { '1' } else { '0' }))
            .collect();
        let (_, told) = run(&r, &key_log(&wrong));
        assert_eq!(told.data.concat(), b"", "{name}");
        assert!(told.lost.contains(&Reason::TlsNotOpened), "{name}: {:?}", told.lost);
    }
}

#[test]
fn the_data_of_tls_1_3_can_be_read_without_its_handshake() {
    for name in ["tls13_aes128gcm", "tls13_chacha", "tls13_padding_clientcert"] {
        let r = recording(name);
        let keys: String =
            r.keys.lines().filter(|l| l.contains("_TRAFFIC_SECRET_0 ")).map(|l| format!("{l}\n")).collect();
        let (session, told) = run(&r, &key_log(&keys));
        assert_eq!((told.text(0).as_str(), told.text(1).as_str()), (ONE_TWO, ANSWERS), "{name}");
        assert_eq!((told.lost.len(), told.done.len()), (0, 1), "{name}");
        assert!(session.info().server_certificates.is_empty());
    }
}

#[test]
fn a_suite_that_cannot_be_opened_is_named_and_told() {
    let r = recording("tls12_ccm");
    let (session, told) = run(&r, &key_log(&r.keys));
    assert_eq!(told.lost, [Reason::TlsUnsupported]);
    assert!(session.is_given_up());
    let suite = session.info().cipher_suite.map(|s| s.to_string());
    assert_eq!(suite.as_deref(), Some("TLS_ECDHE_ECDSA_WITH_AES_128_CCM"));
}

#[test]
fn alerts_in_the_clear_are_read_without_secrets() {
    let (session, told) = run(&recording("tls12_alert"), &KeyLog::new());
    let alert = Alert { level: 2, description: 48 };
    assert_eq!((told.alerts, told.lost), (vec![(0, Some(alert), false)], vec![]));
    assert_eq!((alert.name(), alert.is_fatal()), (Some("unknown_ca"), true));
    assert_eq!(session.info().server_certificates.len(), 1);
}

#[test]
fn records_of_the_published_trace_open() {
    use super::opener::{Opened, Opener};
    use super::record::Header;
    use super::schedule::Hash;
    use super::suite::Protection;
    // RFC 8448 §3: the alerts that close the connection, the client's behind one record, the server's behind two.
    for (secret, seq, record) in [
        (
            "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
            1,
            "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3",
        ),
        (
            "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
            2,
            "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9",
        ),
    ] {
        let mut record = hex(record);
        let header = Header::parse(&record).unwrap();
        let protection = Protection::Gcm { key: 16 };
        let mut opener = Opener::from_traffic_secret(protection, Hash::Sha256, &hex(secret)).unwrap();
        let opened = opener.open(header, &mut record[5..], 0, 9);
        assert_eq!(opened, Opened::Record { seq, kind: 21, start: 0, end: 2 });
        assert_eq!(record[5..7], [1, 0]);
    }
}

#[test]
fn waiting_is_bounded_in_bytes_and_in_records() {
    let r = recording("tls12_ecdhe_aes128gcm");
    for (record, most) in [(vec![23, 3, 3, 0, 1, 9], 300), (vec![23, 3, 3, 0x40, 0], 2)] {
        let mut record = record;
        let claimed = usize::from(u16::from_be_bytes([record[3], record[4]]));
        record.resize(5 + claimed, 9);
        let (mut session, mut told, keys) = (Session::new(), Told::default(), KeyLog::new());
        for (direction, bytes) in r.pieces.iter().take(4) {
            session.push(*direction, bytes, &keys, &mut |e| told.take(e));
        }
        let pushed = (0..10_000).take_while(|_| {
            session.push(0, &record, &keys, &mut |e| told.take(e));
            !session.is_given_up()
        });
        assert!(pushed.count() <= most);
        session.finish(&mut |e| told.take(e));
        assert_eq!(told.lost, [Reason::TlsWithoutKeys]);
    }
}
