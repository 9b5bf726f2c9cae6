//! UDP and TCP lines.

use super::{SOON, candidate, failure, loopback, next, noted, open, options};
use crate::transport::{ConnectOptions, Connector, Phase, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// Loopback of each family that this host has.
fn families() -> Vec<&'static str> {
    let mut families = vec!["127.0.0.1:0"];
    match std::net::UdpSocket::bind("[::1]:0") {
        Ok(_) => families.push("[::1]:0"),
        Err(_) => eprintln!("left out: this host has no IPv6"),
    }
    families
}

#[tokio::test]
async fn datagrams_pass_both_ways_and_are_noted_with_real_addresses() {
    for address in families() {
        let peer = UdpSocket::bind(address).await.unwrap();
        let there = peer.local_addr().unwrap();
        let (options, notes) = noted();
        let connector = Connector::new(options).unwrap();
        let mut line = connector.open(&candidate(Protocol::Udp, there), SOON).await.unwrap();
        let here = line.facts.local;
        assert_eq!((here.ip(), here.port() == 0, line.facts.peer), (there.ip(), false, there));
        line.send(b"ping").await.unwrap();
        let mut buffer = [0; 100];
        assert_eq!(peer.recv_from(&mut buffer).await.unwrap(), (4, here));
        peer.send_to(b"pong", here).await.unwrap();
        assert_eq!(next(&mut line).await, b"pong");
        assert_eq!(notes.taken(), [format!("datagram {here} {there} ping"), format!("datagram {there} {here} pong")]);
        assert_eq!(connector.local_address(there).unwrap().ip(), there.ip());
    }
}

#[tokio::test]
async fn a_datagram_from_elsewhere_is_seen_and_told_apart() {
    let (peer, other) = (UdpSocket::bind(loopback()).await.unwrap(), UdpSocket::bind(loopback()).await.unwrap());
    let mut line = open(Protocol::Udp, peer.local_addr().unwrap()).await;
    other.send_to(b"it is me", line.facts.local).await.unwrap();
    let mut message = Vec::new();
    let received = line.receive(&mut message).await.unwrap();
    assert_eq!((&*message, received.from), (&b"it is me"[..], other.local_addr().unwrap()));
}

#[tokio::test]
async fn a_closed_udp_port_is_told_at_once() {
    for address in families() {
        let closed = UdpSocket::bind(address).await.unwrap().local_addr().unwrap();
        let (options, notes) = noted();
        let mut line = Connector::new(options).unwrap().open(&candidate(Protocol::Udp, closed), SOON).await.unwrap();
        line.send(b"ping").await.unwrap();
        let error = failure(&mut line).await;
        assert_eq!((error.phase, error.kind), (Phase::Receive, "port-unreachable"));
        assert_eq!(error.message, format!("{closed} is closed: port unreachable (ICMP)"));
        let here = line.facts.local;
        assert_eq!(notes.taken(), [format!("datagram {here} {closed} ping"), format!("refused {closed} {here} false")]);
        // The next message meets the error of the one before, or its own; none is lost silently.
        line.send(b"again").await.unwrap();
        tokio::task::yield_now().await;
        assert_eq!(line.send(b"and again").await.unwrap_err().kind, "port-unreachable");
        // The port is opened: the line works again.
        let peer = UdpSocket::bind(closed).await.unwrap();
        line.send(b"now").await.unwrap();
        let mut buffer = [0; 10];
        assert_eq!(peer.recv_from(&mut buffer).await.unwrap().0, 3);
    }
}

#[tokio::test]
async fn one_socket_reaches_several_peers_and_says_which_is_closed() {
    let (one, other) = (UdpSocket::bind(loopback()).await.unwrap(), UdpSocket::bind(loopback()).await.unwrap());
    let closed = UdpSocket::bind(loopback()).await.unwrap().local_addr().unwrap();
    let mut line = open(Protocol::Udp, one.local_addr().unwrap()).await;
    line.send_to(closed, b"nobody").await.unwrap();
    // The error concerns another: it is no reason not to send to this one.
    line.send_to(other.local_addr().unwrap(), b"other").await.unwrap();
    line.send(b"one").await.unwrap();
    let mut buffer = [0; 10];
    for (socket, length) in [(&one, 3), (&other, 5)] {
        assert_eq!(socket.recv_from(&mut buffer).await.unwrap(), (length, line.facts.local));
    }
    let error = line.receive(&mut Vec::new()).await.unwrap_err();
    assert_eq!((error.kind, error.peer), ("port-unreachable", Some(closed)));
    other.send_to(b"hello", line.facts.local).await.unwrap();
    assert_eq!(line.receive(&mut Vec::new()).await.unwrap().from, other.local_addr().unwrap());
}

#[tokio::test]
async fn what_no_datagram_carries_is_refused() {
    let peer = UdpSocket::bind(loopback()).await.unwrap();
    let mut line = open(Protocol::Udp, peer.local_addr().unwrap()).await;
    assert_eq!(line.send(&vec![0; 65_508]).await.unwrap_err().kind, "too-large");
    line.send(&vec![0; 65_507]).await.unwrap();
    let mut buffer = vec![0; 66_000];
    assert_eq!(peer.recv_from(&mut buffer).await.unwrap().0, 65_507);
}

#[tokio::test]
async fn bind_chooses_the_address_and_must_fit_the_family() {
    let peer = UdpSocket::bind(loopback()).await.unwrap();
    let there = peer.local_addr().unwrap();
    let bound = |ip: &str| {
        Connector::new(ConnectOptions { bind: Some((ip.parse().unwrap(), 0)), ..ConnectOptions::default() }).unwrap()
    };
    for protocol in [Protocol::Udp, Protocol::Tcp] {
        let error = bound("::1").open(&candidate(protocol, there), SOON).await.err().unwrap();
        assert_eq!(error.message, format!("cannot send from ::1 to {there}: one is IPv4, the other IPv6"));
        let error = bound("192.0.2.77").open(&candidate(protocol, there), SOON).await.err().unwrap();
        assert_eq!(error.message, "cannot use 192.0.2.77:0: this host has no such address");
    }
    let line = bound("127.0.0.9").open(&candidate(Protocol::Udp, there), SOON).await.unwrap();
    assert_eq!(line.facts.local.ip().to_string(), "127.0.0.9");
    // The wildcard is nobody's address: the real one stands for it.
    let line = bound("0.0.0.0").open(&candidate(Protocol::Udp, there), SOON).await.unwrap();
    assert_eq!(line.facts.local.ip().to_string(), "127.0.0.1");
}

#[tokio::test]
async fn messages_are_cut_across_segments_and_keep_alives_answered() {
    let server = TcpListener::bind(loopback()).await.unwrap();
    let there = server.local_addr().unwrap();
    let (tapped, notes) = noted();
    let connector = Connector::new(tapped).unwrap();
    let mut line = connector.open(&candidate(Protocol::Tcp, there), SOON).await.unwrap();
    assert!(line.facts.connect.is_some() && line.facts.tls.is_none());
    let (mut peer, here) = server.accept().await.unwrap();
    peer.set_nodelay(true).unwrap();
    let (first, second) = (options("1", 300), options("2", 0));
    let sender = tokio::spawn({
        let all = [&first[..], b"\r\n", &second, b"\r\n\r\n"].concat();
        async move {
            for part in all.chunks(7) {
                peer.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            peer
        }
    });
    assert_eq!(next(&mut line).await, first);
    assert_eq!(next(&mut line).await, second);
    let mut peer = sender.await.unwrap();
    // The double CRLF is answered by a single one; our next message comes behind it.
    let mut pong = [0; 2];
    tokio::select! {
        read = peer.read_exact(&mut pong) => assert_eq!(read.unwrap(), 2),
        came = failure(&mut line) => panic!("{came}"),
    }
    assert_eq!(&pong, b"\r\n");
    line.send(b"hello").await.unwrap();
    line.close().await;
    let mut rest = String::new();
    peer.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "hello");
    let taken = notes.taken();
    assert_eq!(taken[0], format!("opened {here} {there}"));
    assert_eq!(taken[taken.len() - 1], format!("closed {here} {there} false"));
    let came: String = taken.iter().filter_map(|n| n.strip_prefix(&format!("data {there} {here} "))).collect();
    assert_eq!(came.as_bytes(), [&first[..], b"\r\n", &second, b"\r\n\r\n"].concat());
}

#[tokio::test]
async fn a_message_without_length_is_given_when_the_peer_closes() {
    let server = TcpListener::bind(loopback()).await.unwrap();
    let there = server.local_addr().unwrap();
    let mut line = open(Protocol::Tcp, there).await;
    let (mut peer, _) = server.accept().await.unwrap();
    let message = b"SIP/2.0 200 OK\r\nCSeq: 1 OPTIONS\r\nContent-Type: text/plain\r\n\r\nbody";
    peer.write_all(message).await.unwrap();
    drop(peer);
    assert_eq!(next(&mut line).await, message);
    let error = failure(&mut line).await;
    assert_eq!((error.kind, error.message), ("closed", format!("{there} closed the connection")));
}

#[tokio::test]
async fn half_a_message_and_what_is_not_sip_are_told() {
    let server = TcpListener::bind(loopback()).await.unwrap();
    let there = server.local_addr().unwrap();
    for (bytes, message) in [
        (&options("1", 100)[..150], format!("{there} closed the connection in the middle of a message (150 bytes)")),
        (
            b"HTTP/1.1 400 Bad \x1b[31mRequest\r\nConnection: close\r\n\r\n",
            format!("{there} sent what is not SIP, `HTTP/1.1 400 Bad \\x1b[31mRequest`, and closed the connection"),
        ),
    ] {
        let mut line = open(Protocol::Tcp, there).await;
        let (mut peer, _) = server.accept().await.unwrap();
        peer.write_all(bytes).await.unwrap();
        drop(peer);
        let error = failure(&mut line).await;
        assert_eq!((error.kind, error.message), ("closed", message));
        assert_eq!(failure(&mut line).await.kind, "closed");
    }
}

#[tokio::test]
async fn a_reset_and_a_closed_tcp_port_are_told() {
    let server = TcpListener::bind(loopback()).await.unwrap();
    let there = server.local_addr().unwrap();
    let (tapped, notes) = noted();
    let connector = Connector::new(tapped).unwrap();
    let mut line = connector.open(&candidate(Protocol::Tcp, there), SOON).await.unwrap();
    let (peer, here) = server.accept().await.unwrap();
    socket2::SockRef::from(&peer).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(peer);
    let error = failure(&mut line).await;
    assert_eq!((error.kind, error.message), ("reset", format!("{there} reset the connection")));
    drop((line, server));
    assert_eq!(notes.taken(), [format!("opened {here} {there}"), format!("closed {there} {here} true")]);

    let error = connector.open(&candidate(Protocol::Tcp, there), SOON).await.err().unwrap();
    assert_eq!((error.phase, error.kind), (Phase::Connect, "refused"));
    assert_eq!(error.message, format!("cannot connect to {there}: connection refused"));
    let last = notes.taken().pop().unwrap();
    assert!(last.starts_with(&format!("refused {there} 127.0.0.1:")) && last.ends_with(" true"), "{last}");
}

#[tokio::test]
async fn a_peer_that_does_not_read_stops_nobody() {
    let server = TcpListener::bind(loopback()).await.unwrap();
    let mut line = open(Protocol::Tcp, server.local_addr().unwrap()).await;
    let (_silent, _) = server.accept().await.unwrap();
    let large = vec![b'x'; 512 << 10];
    let error = loop {
        if let Err(error) = line.send(&large).await {
            break error;
        }
    };
    assert_eq!(error.kind, "timeout");
    assert!(error.message.contains("it does not read"), "{error}");
    let begun = std::time::Instant::now();
    line.close().await;
    assert!(begun.elapsed().as_secs() < 10);
}
