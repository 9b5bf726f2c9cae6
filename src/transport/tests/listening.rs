//! The serving side.

use super::{SOON, loopback, next, open, options};
use crate::transport::Protocol;
use crate::transport::listener::{Listen, ListenOptions, Listener, Way};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

async fn listen(protocols: &[Protocol]) -> (Listener, Vec<SocketAddr>) {
    let wanted: Vec<_> = protocols.iter().map(|&protocol| Listen { protocol, address: loopback() }).collect();
    let listener = Listener::open(&wanted, ListenOptions::default()).await.unwrap();
    let addresses = listener.addresses();
    assert!(addresses.iter().zip(protocols).all(|(a, p)| a.protocol == *p && a.address.port() != 0));
    (listener, addresses.into_iter().map(|a| a.address).collect())
}

async fn arrives(listener: &mut Listener) -> (Way, Vec<u8>) {
    let mut message = b"of before".to_vec();
    let way = tokio::time::timeout(SOON, listener.receive(&mut message)).await.unwrap();
    (way, message)
}

#[tokio::test]
async fn each_message_is_answered_the_way_it_came() {
    let (mut listener, there) = listen(&[Protocol::Udp, Protocol::Tcp, Protocol::Udp]).await;
    for (protocol, address) in [(Protocol::Udp, there[0]), (Protocol::Tcp, there[1]), (Protocol::Udp, there[2])] {
        let mut line = open(protocol, address).await;
        let request = options("1", 10);
        line.send(&request).await.unwrap();
        let (way, message) = arrives(&mut listener).await;
        assert_eq!(message, request);
        assert_eq!((way.protocol, way.local, way.peer), (protocol, address, line.facts.local));
        assert_eq!(way.connection == 0, protocol == Protocol::Udp);
        listener.send(&way, &options("2", 0)).await.unwrap();
        let (answer, ()) = tokio::join!(next(&mut line), async {
            // The task of the connection runs while the listener waits.
            let _ = tokio::time::timeout(std::time::Duration::from_millis(1), arrives(&mut listener)).await;
        });
        assert_eq!(answer, options("2", 0));
    }
}

#[tokio::test]
async fn a_wildcard_socket_tells_the_address_that_was_reached() {
    let wanted = [Listen { protocol: Protocol::Udp, address: "0.0.0.0:0".parse().unwrap() }];
    let mut listener = Listener::open(&wanted, ListenOptions::default()).await.unwrap();
    let port = listener.addresses()[0].address.port();
    let mut line = open(Protocol::Udp, SocketAddr::new("127.0.0.1".parse().unwrap(), port)).await;
    line.send(b"x").await.unwrap();
    let (way, _) = arrives(&mut listener).await;
    assert_eq!(way.local, line.facts.peer);
    listener.send(&way, b"y").await.unwrap();
    assert_eq!(next(&mut line).await, b"y");
}

#[tokio::test]
async fn a_used_port_and_a_gone_connection_are_told() {
    let taken = UdpSocket::bind(loopback()).await.unwrap().into_std().unwrap();
    let address = taken.local_addr().unwrap();
    let error = Listener::open(&[Listen { protocol: Protocol::Udp, address }], ListenOptions::default()).await;
    assert_eq!(error.err().unwrap().message, format!("cannot use {address}: the address is in use"));

    let (mut listener, there) = listen(&[Protocol::Tcp]).await;
    let mut line = open(Protocol::Tcp, there[0]).await;
    line.send(&options("1", 0)).await.unwrap();
    let (way, _) = arrives(&mut listener).await;
    line.close().await;
    drop(line);
    let error = loop {
        match listener.send(&way, &options("2", 0)).await {
            Err(error) => break error,
            Ok(()) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(
        (error.kind, error.message),
        ("closed", format!("cannot send to {}: the connection is closed", way.peer))
    );
}

#[tokio::test]
async fn a_burst_on_one_connection_is_answered_whole() {
    let (mut listener, there) = listen(&[Protocol::Tcp]).await;
    let mut peer = TcpStream::connect(there[0]).await.unwrap();
    let request = options("1", 0);
    let all = request.repeat(5000);
    let client = tokio::spawn(async move {
        let (mut read, mut write) = peer.split();
        let mut answers = vec![0; all.len()];
        let (wrote, came) = tokio::join!(write.write_all(&all), read.read_exact(&mut answers));
        wrote.unwrap();
        came.unwrap();
        answers == all
    });
    let mut message = Vec::new();
    for _ in 0..5000 {
        let way = listener.receive(&mut message).await;
        assert_eq!(message, request);
        listener.send(&way, &message).await.unwrap();
    }
    tokio::select! {
        same = client => assert!(same.unwrap()),
        _ = arrives(&mut listener) => panic!("nothing more was sent"),
    }
    assert_eq!(listener.turned().stalled, 0);
}

#[tokio::test]
async fn a_peer_that_never_reads_is_dropped_and_the_others_served() {
    let (mut listener, there) = listen(&[Protocol::Tcp, Protocol::Udp]).await;
    let mut silent = TcpStream::connect(there[0]).await.unwrap();
    silent.write_all(&options("1", 0)).await.unwrap();
    let (way, _) = arrives(&mut listener).await;
    let answer = options("2", 60_000);
    let error = loop {
        match listener.send(&way, &answer).await {
            Err(error) => break error,
            Ok(()) => tokio::task::yield_now().await,
        }
    };
    assert!(matches!(error.kind, "timeout" | "closed"), "{error}");
    let mut line = open(Protocol::Udp, there[1]).await;
    line.send(b"x").await.unwrap();
    assert_eq!(arrives(&mut listener).await.1, b"x");
}

#[tokio::test]
async fn garbage_leaves_the_listener_alive() {
    let (mut listener, there) = listen(&[Protocol::Tcp, Protocol::Udp]).await;
    let mut peer = TcpStream::connect(there[0]).await.unwrap();
    peer.write_all(&[0xff; 4000]).await.unwrap();
    peer.write_all(b"\r\nGET / HTTP/1.1\r\n\r\n").await.unwrap();
    let noise = UdpSocket::bind(loopback()).await.unwrap();
    noise.send_to(&[0; 0], there[1]).await.unwrap();
    assert_eq!(arrives(&mut listener).await.1, b"");
    let mut line = open(Protocol::Tcp, there[0]).await;
    line.send(&options("1", 0)).await.unwrap();
    assert_eq!(arrives(&mut listener).await.1, options("1", 0));
}
