//! WebSocket, plain and over TLS; and TLS of the listener.

use super::{SOON, candidate, failure, loopback, next, noted, options};
use crate::transport::listener::{Listen, ListenOptions, Listener};
use crate::transport::{ConnectOptions, Connector, Phase, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn our_listener_and_our_lines_understand_each_other() {
    let protocols = [Protocol::Tls, Protocol::Ws, Protocol::Wss];
    let wanted: Vec<_> = protocols.iter().map(|&protocol| Listen { protocol, address: loopback() }).collect();
    let names = vec!["example.com".to_owned()];
    let mut listener = Listener::open(&wanted, ListenOptions { names, ..ListenOptions::default() }).await.unwrap();
    let room = tempfile::tempdir().unwrap();
    let ca = room.path().join("made.pem");
    std::fs::write(&ca, listener.certificate().unwrap()).unwrap();
    let addresses = listener.addresses();
    for listen in addresses {
        let (tapped, notes) = noted();
        let connector = Connector::new(ConnectOptions { tls_ca: Some(ca.clone()), ..tapped }).unwrap();
        let request = options("1", 30_000);
        let talk = async {
            let mut line = connector.open(&candidate(listen.protocol, listen.address), SOON).await.unwrap();
            line.send(&request).await.unwrap();
            let answer = next(&mut line).await;
            line.close().await;
            (line.facts.clone(), answer)
        };
        tokio::pin!(talk);
        let mut message = Vec::new();
        let way = tokio::select! {
            way = listener.receive(&mut message) => way,
            _ = &mut talk => panic!("nothing was answered yet"),
        };
        assert_eq!((way.protocol, way.local, &message), (listen.protocol, listen.address, &request));
        // Latin-1 goes in a binary message.
        let answer = b"SIP/2.0 200 Gr\xfc\xdfe\r\nContent-Length: 0\r\n\r\n";
        listener.send(&way, answer).await.unwrap();
        let (facts, came) = tokio::select! {
            done = &mut talk => done,
            _ = listener.receive(&mut message) => panic!("nothing more was sent"),
        };
        assert_eq!(came, answer);
        assert_eq!((facts.peer, facts.local), (way.local, way.peer));
        assert_eq!(facts.tls.is_some(), listen.protocol.is_secure());
        let sips = notes.taken().iter().any(|n| n.starts_with("data") && n.contains("OPTIONS sip:"));
        assert!(!sips, "{}: masked or encrypted on the wire", listen.protocol);
        let asks = notes.taken().iter().any(|n| n.contains("Sec-WebSocket-Protocol: sip"));
        assert_eq!(asks, listen.protocol == Protocol::Ws, "tapped below TLS, above it nothing is hidden");
    }
}

/// Answers the first request with these bytes, then ends.
async fn answering(answer: &'static [u8]) -> std::net::SocketAddr {
    let server = TcpListener::bind(loopback()).await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = server.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        assert!(request.starts_with("GET / HTTP/1.1\r\n"), "{request}");
        assert!(request.to_lowercase().contains("\r\nsec-websocket-protocol: sip\r\n"), "{request}");
        assert!(request.contains(&format!("example.com:{}\r\n", address.port())), "{request}");
        stream.write_all(answer).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    });
    address
}

#[tokio::test]
async fn refusals_have_words() {
    let cases: [(&[u8], &str, &str); 3] = [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "ws-refused", "refuses WebSocket: HTTP 404 Not Found"),
        (
            b"SIP/2.0 400 Bad Request\r\n\r\n",
            "ws-refused",
            "does not speak WebSocket: it answered `SIP/2.0 400 Bad Request`",
        ),
        (b"", "closed", "closed the connection during the WebSocket handshake"),
    ];
    for (answer, kind, words) in cases {
        let address = answering(answer).await;
        let connector = Connector::new(ConnectOptions::default()).unwrap();
        let error = connector.open(&candidate(Protocol::Ws, address), SOON).await.err().unwrap();
        assert_eq!((error.phase, error.kind, error.message), (Phase::WebSocket, kind, format!("{address} {words}")));
    }
}

#[tokio::test]
async fn a_server_without_the_subprotocol_is_no_sip_server() {
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
    let server = TcpListener::bind(loopback()).await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = server.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..length]).to_string();
        let key =
            request.lines().find_map(|l| l.to_lowercase().starts_with("sec-websocket-key:").then(|| &l[18..])).unwrap();
        let accept = derive_accept_key(key.trim().as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    });
    let connector = Connector::new(ConnectOptions::default()).unwrap();
    let error = connector.open(&candidate(Protocol::Ws, address), SOON).await.err().unwrap();
    assert_eq!(error.kind, "ws-refused");
    assert!(error.message.contains("speaks WebSocket, but not SIP over it"), "{error}");
}

#[tokio::test]
async fn the_listener_takes_only_sip_and_says_so() {
    let wanted = [Listen { protocol: Protocol::Ws, address: loopback() }];
    let mut listener = Listener::open(&wanted, ListenOptions::default()).await.unwrap();
    let address = listener.addresses()[0].address;
    let client = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let mut message = Vec::new();
    let answer = tokio::select! {
        answer = client => answer,
        _ = listener.receive(&mut message) => panic!("no message was sent"),
    };
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(listener.turned().handshakes, 1);
}

#[tokio::test]
async fn pings_are_answered_and_a_close_is_told() {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
    let server = TcpListener::bind(loopback()).await.unwrap();
    let address = server.local_addr().unwrap();
    let serve = tokio::spawn(async move {
        use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
        let (stream, _) = server.accept().await.unwrap();
        #[allow(clippy::result_large_err)]
        let choose = |_: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            response.headers_mut().insert("Sec-WebSocket-Protocol", "sip".parse().unwrap());
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, choose).await.unwrap();
        socket.send(Message::Ping("are you there".into())).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong("are you there".into()));
        // A keep-alive as streams have it: RFC 5626 §3.5.1
        socket.send(Message::text("\r\n\r\n")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("\r\n"));
        socket.send(Message::binary("SIP/2.0 200 OK\r\n\r\n")).await.unwrap();
        let farewell = CloseFrame { code: CloseCode::Away, reason: "lunch".into() };
        socket.close(Some(farewell)).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    });
    let connector = Connector::new(ConnectOptions::default()).unwrap();
    let mut line = connector.open(&candidate(Protocol::Ws, address), SOON).await.unwrap();
    assert_eq!(next(&mut line).await, b"SIP/2.0 200 OK\r\n\r\n");
    let error = failure(&mut line).await;
    assert_eq!((error.kind, error.message), ("closed", format!("{address} closed the WebSocket (1001 lunch)")));
    drop(line);
    serve.await.unwrap();
}
