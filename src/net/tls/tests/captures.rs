//! Captures of other software, against what tshark reads in them. Skipped where they are not at hand.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::{KeyLog, Session, Told};

fn shared(file: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("SIPCTL_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let bytes = std::fs::read(root.join(file)).ok();
    if bytes.is_none() {
        eprintln!("skipped: {file} is not in {}", root.display());
    }
    bytes
}

fn le32(b: &[u8], at: usize) -> usize {
    u32::from_le_bytes(b[at..at + 4].try_into().unwrap()) as usize
}

/// Ethernet frames of a little-endian pcap or pcapng, and the secrets in it.
fn frames(file: &[u8]) -> (Vec<&[u8]>, Vec<&[u8]>) {
    let (mut frames, mut secrets) = (Vec::new(), Vec::new());
    if le32(file, 0) == 0xa1b2_c3d4 {
        let mut at = 24;
        while at + 16 <= file.len() {
            let len = le32(file, at + 8);
            frames.push(&file[at + 16..at + 16 + len]);
            at += 16 + len;
        }
        return (frames, secrets);
    }
    let mut at = 0;
    while at + 12 <= file.len() {
        let (kind, len) = (le32(file, at), le32(file, at + 4));
        match kind {
            6 => frames.push(&file[at + 28..at + 28 + le32(file, at + 20)]),
            10 => secrets.push(&file[at + 16..at + 16 + le32(file, at + 12)]),
            _ => {}
        }
        at += len;
    }
    (frames, secrets)
}

type Flow = (u32, u16, u32, u16);

/// TCP segments with data over IPv4: flow, sequence number, payload.
fn segments<'a>(frames: &[&'a [u8]]) -> Vec<(Flow, u32, &'a [u8])> {
    let mut found = Vec::new();
    for f in frames.iter().filter(|f| f.len() > 54 && f[12..14] == [8, 0] && f[23] == 6) {
        let be16 = |at: usize| u16::from_be_bytes([f[at], f[at + 1]]);
        let be32 = |at: usize| u32::from_be_bytes(f[at..at + 4].try_into().unwrap());
        let tcp = 14 + usize::from(f[14] & 15) * 4;
        let (data, end) = (tcp + usize::from(f[tcp + 12] >> 4) * 4, 14 + usize::from(be16(16)));
        if end > data {
            found.push(((be32(26), be16(tcp), be32(30), be16(tcp + 2)), be32(tcp + 4), &f[data..end]));
        }
    }
    found
}

/// Feeds every TCP connection, in order and without repeats, to a session of its own; those that carry data.
fn opened(file: &[u8], key_text: &[u8]) -> Vec<Told> {
    let (frames, secrets) = frames(file);
    let mut keys = KeyLog::new();
    keys.add_text(key_text);
    for s in secrets {
        keys.add_text(s);
    }
    let mut connections: BTreeMap<Flow, (Session, Told)> = BTreeMap::new();
    let mut next: HashMap<Flow, u32> = HashMap::new();
    for (flow, seq, payload) in segments(&frames) {
        let due = next.entry(flow).or_insert(seq);
        let known = due.wrapping_sub(seq) as usize;
        if known >= payload.len() {
            continue;
        }
        *due = seq.wrapping_add(payload.len() as u32);
        let back = (flow.2, flow.3, flow.0, flow.1);
        let (key, direction) = if flow < back { (flow, 0) } else { (back, 1) };
        let (session, told) = connections.entry(key).or_insert_with(|| (Session::new(), Told::default()));
        session.push(direction, &payload[known..], &keys, &mut |e| told.take(e));
    }
    connections.into_values().map(|(_, told)| told).filter(|t| !t.data.concat().is_empty()).collect()
}

/// Bytes of data each way, smaller number first, connections in ascending order.
fn sizes(told: &[Told]) -> Vec<(usize, usize)> {
    let size = |t: &Told| (t.data[0].len().min(t.data[1].len()), t.data[0].len().max(t.data[1].len()));
    let mut sizes: Vec<_> = told.iter().map(size).collect();
    sizes.sort_unstable();
    sizes
}

#[test]
fn secrets_inside_a_capture_open_tls_1_3_and_wss() {
    // tshark -q -z follow,tls,raw,N: bytes of each side of streams 0 and 1.
    for (file, expected, begin) in [
        ("examples/tls13_call_dsb.pcapng", [(3930, 4036), (4075, 6222)], "REGISTER sip:"),
        ("examples/wss_call_dsb.pcapng", [(4845, 5823), (5261, 7370)], "GET / HTTP/1.1"),
    ] {
        let Some(capture) = shared(file) else { continue };
        let told = opened(&capture, b"");
        assert_eq!(sizes(&told), expected, "{file}");
        for t in &told {
            assert!(t.text(0).starts_with(begin) || t.text(1).starts_with(begin), "{file}");
            assert_eq!((t.lost.len(), t.done.len()), (0, 1), "{file}");
        }
    }
}

#[test]
fn a_call_over_tls_of_other_software_opens_with_its_key_log() {
    let name = "SIP-over-TLS-RTP-Normal_Call_two_parties";
    let Some(capture) = shared(&format!("corpus/captures/voipshark/{name}.pcap")) else { return };
    let Some(keys) = shared(&format!("corpus/keys/voipshark-{name}.keylog")) else { return };
    let told = opened(&capture, &keys);
    // tshark -q -z follow,tls,raw,N agrees on all but 4808 bytes of the second, which it does not open; their HMACs fit.
    assert_eq!(sizes(&told), [(5907, 6936), (8619, 9140)]);
    for t in &told {
        assert_eq!((t.done.len(), t.lost.len()), (1, 0));
        assert!(t.text(0).contains("SIP/2.0") && t.text(1).contains("SIP/2.0"));
    }
}
