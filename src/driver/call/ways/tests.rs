//! Ways on loopback: which of them share a socket or a connection, and whom an error concerns.

use super::*;
use crate::transport::resolve::Wanted;
use crate::transport::{ConnectOptions, Connector, Plan, Resolver};
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};

struct Room {
    plan: Plan,
    connector: Connector,
    resolver: Resolver,
}

impl Room {
    fn new(candidates: &[(Protocol, SocketAddr, &str)]) -> Self {
        let candidates = candidates.iter().map(|(protocol, address, domain)| Candidate {
            protocol: *protocol,
            address: *address,
            domain: (*domain).to_owned(),
            host: None,
            srv: None,
            how: "test".to_owned(),
        });
        Room {
            plan: Plan { candidates: candidates.collect(), ..Plan::default() },
            connector: Connector::new(ConnectOptions::default()).unwrap(),
            resolver: Resolver::new(None, Duration::from_secs(1)).unwrap(),
        }
    }

    fn means(&self) -> Means<'_> {
        Means {
            plan: &self.plan,
            connector: &self.connector,
            resolver: &self.resolver,
            wanted: Wanted::default(),
            timeout: Duration::from_secs(20),
        }
    }
}

async fn reached(ways: &mut Ways<'_>, way: WayId, place: Place) -> Result<LineFacts, TransportError> {
    ways.look(way, &place)?;
    loop {
        let Arrival::Step(found, step) = ways.arrive().await else { panic!("nothing else comes") };
        assert_eq!(found, way);
        if let Some(end) = ways.step(way, step).await {
            return end;
        }
    }
}

fn uri(address: SocketAddr, transport: &str) -> Place {
    Place::Uri(format!("sip:bob@{address};transport={transport}"))
}

#[tokio::test]
async fn one_socket_serves_every_peer_of_datagrams() {
    let (one, other) = (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (first, second) = (one.local_addr().unwrap(), other.local_addr().unwrap());
    let room = Room::new(&[(Protocol::Udp, first, "a.example")]);
    let means = room.means();
    let mut ways = Ways::new(&means, Entropy::seeded(1));
    let facts = reached(&mut ways, 0, Place::Candidate(0)).await.unwrap();
    for (way, peer) in [(1, second), (2, closed)] {
        let next = reached(&mut ways, way, uri(peer, "udp")).await.unwrap();
        assert_eq!((next.local, next.peer), (facts.local, peer));
    }
    let mut buffer = [0; 10];
    // Each way leads to its peer, and an answer can be sent elsewhere.
    assert!(ways.send(0, None, b"one").await.unwrap() && ways.send(1, None, b"other").await.unwrap());
    assert!(ways.send(0, Some(second), b"elsewhere").await.unwrap());
    assert_eq!(one.recv_from(&mut buffer).await.unwrap(), (3, facts.local));
    assert_eq!(other.recv_from(&mut buffer).await.unwrap(), (5, facts.local));
    assert_eq!(other.recv_from(&mut buffer).await.unwrap(), (9, facts.local));
    // What comes is known by who sent it; who has no way of his own comes by the latest.
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for (socket, way) in [(&one, 0), (&other, 1), (&stranger, 2)] {
        socket.send_to(b"hello", facts.local).await.unwrap();
        let Arrival::Message(line, Ok(received)) = ways.arrive().await else { panic!("a message") };
        assert_eq!(ways.message(line, received.from), Some((way, &b"hello"[..])));
    }
    // A closed port concerns its own way, and the socket lives on.
    ways.send(2, None, b"nobody").await.unwrap();
    let Arrival::Message(line, Err(error)) = ways.arrive().await else { panic!("an error") };
    assert_eq!((error.kind, ways.concerned(line, &error)), ("port-unreachable", vec![2]));
    assert!(ways.send(0, None, b"again").await.unwrap());
    assert_eq!(one.recv_from(&mut buffer).await.unwrap().0, 5);
    ways.close().await;
}

#[tokio::test]
async fn connections_are_shared_by_who_leads_to_the_same_place() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = server.local_addr().unwrap();
    let room = Room::new(&[
        (Protocol::Tcp, there, "a.example"),
        (Protocol::Tcp, there, "a.example"),
        (Protocol::Tcp, there, "b.example"),
    ]);
    let means = room.means();
    let mut ways = Ways::new(&means, Entropy::seeded(1));
    let first = reached(&mut ways, 0, Place::Candidate(0)).await.unwrap();
    assert!(first.connect.is_some());
    // The same domain, and a URI that names nothing but the address.
    for (way, place) in [(1, Place::Candidate(1)), (2, uri(there, "tcp"))] {
        let next = reached(&mut ways, way, place).await.unwrap();
        assert_eq!((next.local, next.connect), (first.local, None), "{way}");
    }
    // Another domain is somebody else, wherever it is.
    let other = reached(&mut ways, 3, Place::Candidate(2)).await.unwrap();
    assert_ne!(other.local, first.local);
    let (mut accepted, from) = server.accept().await.unwrap();
    assert_eq!(from, first.local);
    // With the connection go all its ways, and no other.
    tokio::io::AsyncWriteExt::shutdown(&mut accepted).await.unwrap();
    drop(accepted);
    let Arrival::Message(line, Err(error)) = ways.arrive().await else { panic!("an error") };
    assert_eq!(ways.concerned(line, &error), [0, 1, 2]);
    assert!(!ways.send(1, None, b"x").await.unwrap() && ways.send(3, None, b"x").await.unwrap());
    assert_eq!((ways.line_of(1), ways.line_of(3).map(|(_, protocol)| protocol)), (None, Some(Protocol::Tcp)));
    // A way that is lost can be found anew.
    let anew = reached(&mut ways, 4, uri(there, "tcp")).await.unwrap();
    assert_eq!((anew.local, anew.connect), (other.local, None));
}

#[tokio::test]
async fn what_leads_nowhere_is_told_at_once_or_when_it_is_known() {
    let room = Room::new(&[]);
    let means = room.means();
    let mut ways = Ways::new(&means, Entropy::seeded(1));
    assert_eq!(reached(&mut ways, 0, Place::Candidate(0)).await.unwrap_err().phase, Phase::Connect);
    let wrong = reached(&mut ways, 0, Place::Uri("tel:112".to_owned())).await.unwrap_err();
    assert!(wrong.message.starts_with("there is no way to 'tel:112': "), "{wrong}");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(reached(&mut ways, 1, uri(closed, "tcp")).await.unwrap_err().kind, "refused");
    // One socket carries them all: it is the number of ways that is bounded.
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for way in 0..64 {
        reached(&mut ways, way, uri(peer, "udp")).await.unwrap();
    }
    let error = reached(&mut ways, 64, uri(peer, "udp")).await.unwrap_err();
    assert_eq!(error.message, "more than 64 ways in one call");
}
