//! Writes seeds for every target into `fuzz/corpus/`: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.
//!
//! They are made here, but for the TLS sessions, which are those that the tests of `net::tls` use.

#[path = "../../tests/made/mod.rs"]
mod made;

use made::{ACK, ALICE, BOB, Capture, FIN, SYN, call, message};
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = Corpus(root.join("corpus"));
    for (target, seeds) in [
        ("packet", packets()),
        ("message", messages()),
        ("stream", streams()),
        ("sdp", descriptions()),
        ("hep", hep()),
        ("websocket", web_sockets()),
        ("tls", tls(&root.join("../src/net/tls/testdata"))?),
        ("rtp", rtp()),
    ] {
        corpus.write(target, &seeds)?;
    }
    Ok(())
}

struct Corpus(PathBuf);

impl Corpus {
    fn write(&self, target: &str, seeds: &[Vec<u8>]) -> std::io::Result<()> {
        let folder = self.0.join(target);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:02}")), seed)?;
        }
        println!("{target}: {} seeds in {}", seeds.len(), folder.display());
        Ok(())
    }
}

/// A piece with its length before it, as `Pieces::piece` reads it.
fn piece(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

fn messages() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = call(7).into_iter().map(|(_, _, bytes)| bytes).collect();
    let common: &[(&str, &str)] = &[
        ("v", "SIP / 2.0 / TLS [2001:db8::1]:5061 ;branch=z9hG4bKx;received=192.0.2.9;rport=1;ttl=1;maddr=224.0.0.1"),
        ("Via", "SIP/2.0/UDP a;branch=z9hG4bKa, SIP/2.0/TCP b:1"),
        ("f", "\"A \\\" B\" <sip:a:b@x;p=%41?h=1&i=2>;tag=1"),
        ("t", "<tel:+1-201-555-0123;phone-context=example.com>"),
        ("i", "a@b"),
        ("CSeq", "4294967295 REGISTER"),
        ("m", "*"),
        ("m", "<sips:a@[::1]:5061;lr>;q=0.5;expires=3600, \"x\" <mailto:a@b>"),
        ("WWW-Authenticate", "Digest realm=\"x\", qop=\"auth,auth-int\", nonce=\"y\", algorithm=SHA-256"),
        ("Authorization", "Digest username=\"a\",realm=\"x\",uri=\"sip:x\",response=\"00\",nc=00000001,cnonce=\"z\""),
        ("Warning", "399 a \"b\""),
        ("Date", "Sat, 13 Nov 2010 23:29:00 GMT"),
        ("Retry-After", "5 (x);duration=1"),
        ("Subject", "folded\r\n over\r\n\tlines"),
        ("k", ""),
    ];
    all.push(message("REGISTER sip:example.com SIP/2.0", common, ""));
    all.push(message("sip/2.0 401 Unauthorized", common, ""));
    all.push(
        b"MESSAGE tel:1 SIP/2.0\nc: multipart/mixed;boundary=\"b\"\nl: 90\n\n--b\nContent-Type: application/sdp\n\nv=0\n--b\n\
          Content-Type: multipart/alternative;boundary=c\n\n--c\n\nx\n--c--\n--b--\n"
            .to_vec(),
    );
    all
}

fn packets() -> Vec<Vec<u8>> {
    let mut over_udp = Capture::new();
    for (from_alice, wait, bytes) in call(1) {
        over_udp.wait_us(wait);
        let (src, dst) = if from_alice { (ALICE, BOB) } else { (BOB, ALICE) };
        over_udp.udp(src, dst, &bytes);
        for sequence in 0..4 {
            over_udp.wait_us(20_000);
            over_udp.udp(([192, 0, 2, 1], 40_002), ([198, 51, 100, 2], 20_002), &media(0, sequence, &[0xff; 20]));
        }
    }
    let mut over_tcp = Capture::new();
    let (mut a, mut b) = (1000, u32::MAX - 500);
    over_tcp.tcp(ALICE, BOB, (a - 1, 0), SYN, &[]);
    over_tcp.tcp(BOB, ALICE, (b - 1, a), SYN | ACK, &[]);
    for (from_alice, wait, bytes) in call(2) {
        over_tcp.wait_us(wait);
        for part in bytes.chunks(300) {
            let (src, dst, seq, ack) = if from_alice { (ALICE, BOB, &mut a, b) } else { (BOB, ALICE, &mut b, a) };
            over_tcp.tcp(src, dst, (*seq, ack), ACK, part);
            *seq = seq.wrapping_add(part.len() as u32);
        }
    }
    over_tcp.tcp(ALICE, BOB, (a, b), ACK | FIN, &[]);
    let mut odd = Capture::new();
    odd.udp(ALICE, BOB, &hep()[0]);
    odd.udp(BOB, ALICE, &[0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    odd.tcp(ALICE, BOB, (1, 1), ACK, UPGRADE);
    odd.tcp(ALICE, BOB, (1 + UPGRADE.len() as u32, 1), ACK, &web_socket_frame(&call(3)[0].2, true));
    odd.udp(ALICE, BOB, &[b"INVITE sip:a SIP/2.0\r\nX: ", &[b'x'; 3000][..], b"\r\n\r\n"].concat());

    // The other form of input: packets of a link type, here raw IP, Linux SLL and Ethernet with tags and tunnels.
    let frames: Vec<Vec<u8>> = ethernet(over_udp.bytes()).into_iter().take(6).collect();
    let with = |link: u16, change: &dyn Fn(&[u8]) -> Vec<u8>| {
        let packets = frames.iter().map(|frame| piece(&change(frame)));
        [link.to_be_bytes().to_vec()].into_iter().chain(packets).collect::<Vec<_>>().concat()
    };
    let ether = |kind: &[u8], inner: &[u8]| [&[0; 12][..], kind, inner].concat();
    let over_ip = |protocol: u8, inner: &[u8]| {
        let length = (inner.len() as u16 + 20).to_be_bytes();
        [&[0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 8, 192, 0, 2, 9], inner].concat()
    };
    let datagram = |port: u16, inner: &[u8]| {
        let (port, length) = (port.to_be_bytes(), (inner.len() as u16 + 8).to_be_bytes());
        over_ip(17, &[&[0x12, 0x34, port[0], port[1], length[0], length[1], 0, 0], inner].concat())
    };
    vec![
        over_udp.bytes().to_vec(),
        over_tcp.bytes().to_vec(),
        odd.bytes().to_vec(),
        with(101, &|frame| frame[14..].to_vec()),
        with(113, &|frame| [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0], &frame[14..]].concat()),
        with(1, &|frame| ether(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0], &frame[14..])),
        with(1, &|frame| ether(&[0x88, 0x47, 0, 1, 1, 64], &frame[14..])),
        with(1, &|frame| ether(&[0x88, 0x64, 0x11, 0, 0, 1, 1, 0, 0, 0x21], &frame[14..])),
        with(101, &|frame| over_ip(4, &frame[14..])),
        with(101, &|frame| over_ip(47, &[&[0, 0, 8, 0], &frame[14..]].concat())),
        with(101, &|frame| datagram(4789, &[&[8, 0, 0, 0, 0, 0, 7, 0], frame].concat())),
        with(101, &|frame| datagram(6081, &[&[0, 0, 0x65, 0x58, 0, 0, 7, 0], frame].concat())),
        with(101, &|frame| datagram(2152, &[&[0x30, 255, 0, 200, 0, 0, 0, 7], &frame[14..]].concat())),
        with(101, &|frame| over_ip(1, &[&[3, 3, 0, 0, 0, 0, 0, 0], &frame[14..]].concat())),
        with(101, &|frame| {
            let data = &frame[42..];
            let length = (data.len() as u16 + 16).to_be_bytes();
            let chunk = [0, 3, length[0], length[1], 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
            over_ip(132, &[&[0x13, 0xc4, 0x13, 0xc4, 0, 0, 0, 1, 0, 0, 0, 0][..], &chunk, data].concat())
        }),
    ]
}

/// The frames of a capture that [`Capture`] made.
fn ethernet(file: &[u8]) -> Vec<Vec<u8>> {
    let (mut frames, mut rest) = (Vec::new(), &file[24..]);
    while rest.len() >= 16 {
        let length = u32::from_le_bytes([rest[8], rest[9], rest[10], rest[11]]) as usize;
        frames.push(rest[16..16 + length].to_vec());
        rest = &rest[16 + length..];
    }
    frames
}

fn streams() -> Vec<Vec<u8>> {
    let whole: Vec<u8> = call(3).into_iter().flat_map(|(_, _, bytes)| [bytes, b"\r\n\r\n".to_vec()].concat()).collect();
    let mut pieces = vec![0];
    for (n, part) in whole.chunks(400).enumerate() {
        pieces.extend([&[100][..], part].concat());
        if n == 3 {
            pieces.push(0);
        }
    }
    let mut segments = vec![1, 1, 0, 0, 0, 0, 0, 0, 0];
    let mut order: Vec<(usize, &[u8])> = whole.chunks(200).enumerate().collect();
    order.swap(1, 3);
    for (n, part) in order {
        let seq = (1 + n as u16 * 200).to_be_bytes();
        segments.extend([8, (n as u8) << 3 & 0x18, seq[0], seq[1], 0, 0]);
        segments.extend(piece(part));
    }
    vec![pieces, segments]
}

fn descriptions() -> Vec<Vec<u8>> {
    let full = "v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP4 224.2.1.1/127/3\r\nb=AS:64\r\nt=0 0\r\na=sendonly\r\n\
                a=group:BUNDLE 0\r\nm=audio 4000/2 RTP/SAVPF 0 8 101 111\r\na=rtpmap:111 opus/48000/2\r\na=rtcp:4001 IN IP4 \
                192.0.2.1\r\na=rtcp-mux\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:150\r\na=crypto:1 \
                AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4\r\na=fingerprint:sha-256 \
                AA:BB\r\na=setup:actpass\r\na=mid:0\r\na=ice-ufrag:x\r\na=candidate:1 1 UDP 1 192.0.2.1 1 typ host\r\nm=image \
                5000 udptl t38\r\na=inactive\r\nm=video 0 RTP/AVP 31\r\n";
    let simple = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 0.0.0.0\nt=0 0\nm=audio 4000 RTP/AVP 8 0\na=recvonly\n";
    let both = |a: &str, b: &str| [a.as_bytes(), &[0], b.as_bytes()].concat();
    vec![full.into(), simple.into(), both(full, simple), both(simple, full)]
}

fn hep() -> Vec<Vec<u8>> {
    let chunk = |kind: u16, body: &[u8]| {
        let length = body.len() as u16 + 6;
        [&[0, 0], &kind.to_be_bytes()[..], &length.to_be_bytes(), body].concat()
    };
    let invite = &call(4)[0].2;
    let body = [
        chunk(1, &[2]),
        chunk(2, &[17]),
        chunk(3, &[192, 0, 2, 1]),
        chunk(4, &[192, 0, 2, 2]),
        chunk(7, &5060u16.to_be_bytes()),
        chunk(8, &5062u16.to_be_bytes()),
        chunk(9, &1_795_000_000u32.to_be_bytes()),
        chunk(10, &5u32.to_be_bytes()),
        chunk(11, &[1]),
        chunk(12, &2001u32.to_be_bytes()),
        chunk(14, b"key"),
        chunk(15, invite),
        chunk(17, b"correlation"),
        chunk(19, b"node"),
    ]
    .concat();
    let third = [b"HEP3", &(body.len() as u16 + 6).to_be_bytes()[..], &body].concat();
    let ends = [0x13, 0xc4, 0x13, 0xc6, 192, 0, 2, 1, 192, 0, 2, 2];
    let first = [&[1, 16, 2, 17][..], &ends, invite].concat();
    let second = [&[2, 16, 2, 17][..], &ends, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2], invite].concat();
    let stream: Vec<u8> = third.chunks(200).flat_map(|part| [&[part.len() as u8][..], part].concat()).collect();
    vec![third, first, second, stream]
}

/// The opening of a WebSocket connection. RFC 7118 §4.1
const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: \
    dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

fn web_socket_frame(payload: &[u8], masked: bool) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    let mut frame = vec![0x81, 126 | u8::from(masked) << 7, length[0], length[1]];
    let mask = if masked { [0x12, 0x34, 0x56, 0x78] } else { [0; 4] };
    if masked {
        frame.extend(mask);
    }
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn web_sockets() -> Vec<Vec<u8>> {
    let invite = &call(5)[0].2;
    let (client, server) = (web_socket_frame(invite, true), web_socket_frame(&call(5)[1].2, false));
    // "Hello", deflated: RFC 7692 §7.2.3.1
    let deflated = [0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let fragments = [&[0x01, 3][..], b"SIP", &[0x89, 1, b'p'], &[0x80, 4], b"/2.0", &[0x88, 2, 3, 0xe8]].concat();
    let in_pieces: Vec<u8> = client.chunks(100).flat_map(|part| [&[part.len() as u8][..], part].concat()).collect();
    vec![
        [&[0][..], UPGRADE, &client].concat(),
        [&[8][..], &server].concat(),
        [&[9][..], &deflated, &deflated].concat(),
        [&[8][..], &fragments].concat(),
        [&[16][..], &in_pieces].concat(),
    ]
}

/// The recorded sessions: `> ` and `< ` are bytes of the two sides, `k ` lines of the key log.
fn tls(folder: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "hex"));
    paths.sort();
    let mut seeds = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path)?;
        let (mut keys, mut talk) = (String::new(), Vec::new());
        for line in text.lines() {
            if let Some(key) = line.strip_prefix("k ") {
                keys += &format!("{key}\n");
            } else if let Some(bytes) = line.get(2..).and_then(unhex) {
                for part in bytes.chunks(usize::from(u16::MAX)) {
                    talk.extend([&[u8::from(line.starts_with('<'))][..], &piece(part)].concat());
                }
            }
        }
        let uses_rsa = path.to_string_lossy().contains("_rsa_");
        seeds.push([&[u8::from(uses_rsa)][..], &piece(keys.as_bytes()), &talk].concat());
    }
    Ok(seeds)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len() / 2).map(|n| u8::from_str_radix(text.get(n * 2..n * 2 + 2)?, 16).ok()).collect()
}

fn media(payload_type: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let timestamp = (u32::from(sequence) * 160).to_be_bytes();
    let sequence = sequence.to_be_bytes();
    [&[0x80, payload_type, sequence[0], sequence[1]], &timestamp[..], &[0, 0, 0, 9], payload].concat()
}

fn rtp() -> Vec<Vec<u8>> {
    let wait = 20_000_000u32.to_be_bytes();
    let stream = |kind: u8, payload: &[u8]| -> Vec<u8> {
        let packets = (0..30u16).filter(|n| n % 7 != 3);
        packets.flat_map(|n| [&piece(&media(kind, n.wrapping_add(65_520), payload))[..], &wait].concat()).collect()
    };
    let report =
        [0x81, 200, 0, 12, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 1, 0, 0, 0, 0, 50, 0, 0, 1, 0, 0, 0, 0, 8];
    let block = [0, 0, 0, 2, 5, 0, 0, 7, 0, 0, 1, 0, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0];
    let name = [0x81, 202, 0, 3, 0, 0, 0, 9, 1, 4, b'a', b'@', b'b', b'c', 0, 0];
    let mut described = vec![1, 96];
    described.extend(*b"opus");
    described.extend(48_000u32.to_be_bytes());
    vec![
        [vec![0], stream(0, &[0xff; 40])].concat(),
        [described, stream(96, &[1; 30])].concat(),
        [vec![0], stream(101, &[5, 0x8a, 3, 0x20])].concat(),
        [&report[..], &block, &name].concat(),
    ]
}
