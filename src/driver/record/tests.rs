#![allow(clippy::unwrap_used)]

use super::*;
use crate::trace::{Conversation, MediaStream, Observed};
use std::process::Command;
use std::time::Duration;

const REQUEST: &[u8] = b"OPTIONS sip:b@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: c1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nAuthorization: Basic c2VjcmV0\r\nContent-Length: 0\r\n\r\n";
const RESPONSE: &[u8] = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\nCall-ID: c1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

/// The messages that a sink was told of, and how many conversations.
#[derive(Default)]
struct Seen {
    messages: Vec<(String, Vec<u8>)>,
    conversations: usize,
    unreachable: usize,
}

impl Sink for Seen {
    fn message(&mut self, _: &Conversation, _: u32, observed: &Observed<'_>) {
        let at = format!("{}→{} {:?}", observed.sight.flow.src, observed.sight.flow.dst, observed.transport);
        self.messages.push((at, observed.bytes.to_vec()));
    }
    fn conversation(&mut self, c: &Conversation, _: &[MediaStream]) {
        self.conversations += 1;
        self.unreachable += c.unreachable.len();
    }
    fn orphan(&mut self, _: MediaStream) {}
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn tell(recorder: &Recorder, ms: u64, wire: Wire<'_>) {
    recorder.wire(UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + ms), wire);
}

fn recorder(write: Option<&std::path::Path>, show_secrets: bool) -> Arc<Recorder> {
    let write = write.map(|path| path.to_str().unwrap().to_owned());
    Recorder::new(RecordOptions { write, decode: true, show_secrets }).unwrap()
}

/// One exchange over a TCP connection, with a first message that needs several segments and acknowledgements.
fn over_tcp(recorder: &Recorder, client: &str, server: &str) -> Vec<u8> {
    let (client, server) = (at(client), at(server));
    let body = vec![b'x'; 100_000];
    let mut large = REQUEST.to_vec();
    large.truncate(large.len() - b"Content-Length: 0\r\n\r\n".len());
    large.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
    large.extend(body);
    tell(recorder, 10, Wire::Opened { client, server });
    tell(recorder, 11, Wire::Data { src: client, dst: server, bytes: &large });
    let (first, second) = RESPONSE.split_at(100);
    tell(recorder, 12, Wire::Data { src: server, dst: client, bytes: first });
    tell(recorder, 13, Wire::Data { src: server, dst: client, bytes: second });
    tell(recorder, 14, Wire::Closed { src: client, dst: server, reset: false });
    tell(recorder, 15, Wire::Closed { src: server, dst: client, reset: false });
    large
}

#[test]
fn what_passes_is_decoded_as_a_capture_of_it_would_be() {
    for (client, server) in [("192.0.2.1:5060", "192.0.2.2:5060"), ("[2001:db8::1]:5060", "[2001:db8::2]:5060")] {
        let recorder = recorder(None, true);
        tell(&recorder, 0, Wire::Datagram { src: at(client), dst: at(server), bytes: REQUEST });
        tell(&recorder, 1, Wire::Datagram { src: at(server), dst: at(client), bytes: RESPONSE });
        let large = over_tcp(&recorder, client, server);
        let mut seen = Seen::default();
        let totals = recorder.finish(Limits::default(), &mut seen).unwrap();
        let expected = [
            (format!("{client}→{server} Udp"), REQUEST.to_vec()),
            (format!("{server}→{client} Udp"), RESPONSE.to_vec()),
            (format!("{client}→{server} Tcp"), large),
            (format!("{server}→{client} Tcp"), RESPONSE.to_vec()),
        ];
        assert!(seen.messages == expected, "{:?}", seen.messages.iter().map(|m| (&m.0, m.1.len())).collect::<Vec<_>>());
        assert_eq!(totals.undecoded.iter().count(), 0);
        assert_eq!(totals.packets, recorder.recorded().packets);
        assert_eq!(totals.first_time.unwrap(), Timestamp(1_700_000_000_000_000_000));
    }
}

#[test]
fn a_refusal_is_an_icmp_error_about_the_datagram_or_a_reset() {
    for (ours, theirs) in [("192.0.2.1:5060", "192.0.2.2:9"), ("[2001:db8::1]:5060", "[2001:db8::2]:9")] {
        let recorder = recorder(None, true);
        tell(&recorder, 0, Wire::Datagram { src: at(ours), dst: at(theirs), bytes: REQUEST });
        tell(&recorder, 1, Wire::Refused { src: at(theirs), dst: at(ours), tcp: false });
        tell(&recorder, 2, Wire::Refused { src: at(theirs), dst: at(ours), tcp: true });
        let mut seen = Seen::default();
        let totals = recorder.finish(Limits::default(), &mut seen).unwrap();
        assert_eq!((seen.messages.len(), seen.conversations, seen.unreachable), (1, 1, 1));
        assert_eq!(totals.packets, 4);
    }
}

#[test]
fn time_never_runs_backwards_and_nothing_is_recorded_after_the_end() {
    let recorder = recorder(None, true);
    tell(&recorder, 500, Wire::Datagram { src: at("192.0.2.1:1"), dst: at("192.0.2.2:2"), bytes: REQUEST });
    tell(&recorder, 0, Wire::Datagram { src: at("192.0.2.2:2"), dst: at("192.0.2.1:1"), bytes: RESPONSE });
    let mut seen = Seen::default();
    let totals = recorder.finish(Limits::default(), &mut seen).unwrap();
    assert_eq!(totals.first_time, totals.last_time);
    tell(&recorder, 900, Wire::Datagram { src: at("192.0.2.1:1"), dst: at("192.0.2.2:2"), bytes: REQUEST });
    assert_eq!(recorder.recorded().packets, 2);
}

#[test]
fn memory_has_a_bound_and_what_is_beyond_is_counted() {
    let recorder = recorder(None, true);
    let big = vec![b'x'; 60_000];
    for n in 0..1200 {
        tell(&recorder, n, Wire::Datagram { src: at("192.0.2.1:1"), dst: at("192.0.2.2:2"), bytes: &big });
    }
    let recorded = recorder.recorded();
    assert!(recorded.let_go > 60 && recorded.let_go < 120, "{recorded:?}");
    assert_eq!(recorded.packets, 1200);
    tell(&recorder, 1300, Wire::Datagram { src: at("192.0.2.1:1"), dst: at("192.0.2.2:2"), bytes: &[0; 65_508] });
    assert_eq!(recorder.recorded().unrecordable, 1);
}

#[test]
fn packets_wait_for_the_secrets_that_open_them_but_not_for_ever() {
    let mut hello = vec![0x16, 3, 1, 0, 100, 1, 0, 0, 96, 3, 3];
    hello.extend([7; 32]);
    let secret = format!("SERVER_TRAFFIC_SECRET_0 {} 00", "07".repeat(32));
    let (client, server) = (at("192.0.2.1:1"), at("192.0.2.2:2"));
    for way in 0..3 {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("x.pcapng");
        let recorder = recorder(Some(&path), false);
        tell(&recorder, 0, Wire::Opened { client, server });
        assert_eq!(recorder.recorded().packets, 3);
        tell(&recorder, 1, Wire::Data { src: client, dst: server, bytes: &hello });
        assert_eq!(recorder.recorded().packets, 3, "it waits");
        match way {
            0 => tell(&recorder, 2, Wire::Secret(&secret)),
            1 => tell(&recorder, 2, Wire::Closed { src: server, dst: client, reset: true }),
            _ => tell(&recorder, 6000, Wire::Data { src: server, dst: client, bytes: b"\x16" }),
        }
        assert!(recorder.recorded().packets >= 4, "{way}");
        recorder.finish(Limits::default(), &mut Seen::default()).unwrap();
        let file = std::fs::read(&path).unwrap();
        let place = |what: &[u8]| memchr::memmem::find(&file, what);
        if way == 0 {
            assert!(place(secret.as_bytes()).unwrap() < place(&hello).unwrap());
        }
    }
}

#[test]
fn credentials_are_struck_out_of_the_file_unless_they_are_asked_for() {
    for shows in [false, true] {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("x.pcapng");
        let recorder = recorder(Some(&path), shows);
        let (client, server) = (at("192.0.2.1:1"), at("192.0.2.2:2"));
        tell(&recorder, 0, Wire::Datagram { src: client, dst: server, bytes: REQUEST });
        over_tcp(&recorder, "192.0.2.1:1", "192.0.2.2:2");
        recorder.finish(Limits::default(), &mut Seen::default()).unwrap();
        let file = std::fs::read(&path).unwrap();
        assert_eq!(memchr::memmem::find_iter(&file, b"c2VjcmV0").count(), if shows { 2 } else { 0 });
    }
}

#[test]
fn tshark_finds_nothing_wrong_with_the_packets() {
    if Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("left out: there is no tshark");
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("x.pcapng");
    let recorder = recorder(Some(&path), true);
    // The refused attempts come from ports of their own: a second one from the same port would be a note of tshark's.
    for (ours, theirs, refused) in [
        ("192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.1:5061"),
        ("[2001:db8::1]:5060", "[2001:db8::2]:5060", "192.0.2.1:5062"),
    ] {
        tell(&recorder, 0, Wire::Datagram { src: at(ours), dst: at(theirs), bytes: REQUEST });
        tell(&recorder, 1, Wire::Refused { src: at(theirs), dst: at(ours), tcp: false });
        over_tcp(&recorder, ours, theirs);
        tell(&recorder, 20, Wire::Refused { src: at("192.0.2.9:5060"), dst: at(refused), tcp: true });
    }
    recorder.finish(Limits::default(), &mut Seen::default()).unwrap();
    let checks = ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"];
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(&path).args(checks.iter().flat_map(|check| ["-o", check]));
    // A warning or an error of the layers below SIP (a body of nothing but x is none of ours).
    let wrong = "ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 \
                 || icmpv6.checksum.status == 0 || (tcp.analysis.flags && !tcp.analysis.window_full) || _ws.malformed";
    let said = tshark.args(["-Y", wrong]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "", "{}", String::from_utf8_lossy(&said.stderr));
    let sip = Command::new("tshark").arg("-r").arg(&path).args(["-Y", "sip"]).output().unwrap();
    assert!(String::from_utf8_lossy(&sip.stdout).lines().count() >= 6);
}
