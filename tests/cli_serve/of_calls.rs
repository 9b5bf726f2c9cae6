//! What `serve uas` tells of its calls: their media, and what was asked inside them.

use super::*;

/// A request of a caller that a test plays, to the UAS at the other end of `udp`; its answer.
fn ask(udp: &UdpSocket, method: &str, cseq: u32, to_tag: &str, more: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let here = udp.local_addr().unwrap();
    let text = format!(
        "{method} sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{method}{cseq}\r\nMax-Forwards: 70\r\n\
         From: <sip:alice@example.test>;tag=a\r\nTo: <sip:bob@example.test>{to_tag}\r\nCall-ID: played\r\n\
         CSeq: {cseq} {method}\r\nContact: <sip:alice@{here}>\r\n{more}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    udp.send(text.as_bytes()).unwrap();
    if method == "ACK" {
        return String::new();
    }
    let mut buffer = [0; 4096];
    loop {
        let got = udp.recv(&mut buffer).unwrap();
        let answer = std::str::from_utf8(&buffer[..got]).unwrap();
        if answer.contains(&format!("\r\nCSeq: {cseq} {method}\r\n")) {
            return answer.to_owned();
        }
    }
}

#[test]
fn a_transfer_that_is_declined_is_told_to_people_and_to_programs() {
    for form in ["text", "ndjson"] {
        let words = ["serve", "uas", "--format", form, "--listen", "udp:127.0.0.1:0"];
        let mut running = Running::start(Room::new().command(&words));
        let first = running.line("listening");
        let at = first.split(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).find(|w| w.contains("127.0.0.1:"));
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.connect(at.unwrap().trim_start_matches(':')).unwrap();
        udp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
        let answer = ask(&udp, "INVITE", 1, "", "", offer);
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
        let (_, tag) = answer.lines().find(|l| l.starts_with("To: ")).unwrap().split_once(";tag=").unwrap();
        let tag = format!(";tag={tag}");
        ask(&udp, "ACK", 1, &tag, "", "");
        let refer = "Refer-To: <sip:car\u{202e}ol@example.test>\r\nRefer-Sub: false\r\n";
        let answer = ask(&udp, "REFER", 2, &tag, refer, "");
        assert!(answer.starts_with("SIP/2.0 603 Decline\r\n"), "{answer}");
        let told = running.line("sip:car");
        match form {
            "text" => assert_eq!(told, "call 1: asked to call sip:car\\u{202e}ol@example.test: declined"),
            _ => {
                let told: Value = serde_json::from_str(&told).unwrap();
                let expected =
                    serde_json::json!({"type": "transfer", "call": 1, "to": "sip:car\u{202e}ol@example.test"});
                assert_eq!(told, expected);
            }
        }
        assert!(ask(&udp, "BYE", 3, &tag, "", "").starts_with("SIP/2.0 200 "));
        running.signal(Signal::SIGINT);
        assert_eq!(running.end().0, Some(130));
    }
}

#[test]
fn its_ndjson_tells_what_the_media_of_each_call_came_to() {
    let words = ["serve", "uas", "--format", "ndjson", "--listen", "udp:127.0.0.1:0"];
    let mut running = Running::start(Room::new().command(&words));
    let first: Value = serde_json::from_str(&running.line("listening")).unwrap();
    let bob = format!("sip:bob@{}", first["address"].as_str().unwrap());
    let ran = sipctl(&["invite", &bob, "--duration", "2s", "--dtmf", "12", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let theirs = ran.json()["media"].clone();
    let told: Value = serde_json::from_str(&running.line("\"type\":\"media\"")).unwrap();
    assert_eq!(told["call"], 1, "{told:#}");
    // What one side sent is what the other received, but for what crossed the BYE.
    let count = |side: &Value| side["packets"].as_u64().unwrap();
    for (sent, received) in [(&theirs["sent"], &told["received"]), (&told["sent"], &theirs["received"])] {
        assert!(count(received) > 20 && count(sent) - count(received) <= 3, "{told:#} {theirs:#}");
        assert_eq!((&sent["codec"], &received["codec"]), (&"PCMU".into(), &"PCMU".into()), "{told:#}");
        assert_eq!((&received["lost"], &received["loss_percent"]), (&0.into(), &0.0.into()), "{told:#}");
    }
    let (sent, received) = (&told["sent"], &told["received"]);
    assert_eq!((&received["heard"], &received["mark"]), (&"mark".into(), &"caller".into()), "{told:#}");
    assert_eq!((&received["dtmf"], &sent["dtmf"]), (&"12".into(), &"".into()), "{told:#}");
    // RFC 3605, RFC 4961: each sends from where the other was told to send.
    assert_eq!((&received["from"], &received["as_described"]), (&sent["to"], &true.into()), "{told:#}");
    assert_eq!(theirs["received"]["from"], theirs["sent"]["to"], "{theirs:#}");
    for key in ["jitter_ms", "max_gap_ms", "duration_ms", "mos"] {
        assert!(received[key].as_f64().is_some_and(|n| n > 0.0), "{key}: {told:#}");
    }
    running.signal(Signal::SIGINT);
    let (_, out, _) = running.end();
    let last: Value = serde_json::from_str(out.last().unwrap()).unwrap();
    assert_eq!((&last["type"], &last["answers"][0]["method"]), (&"summary".into(), &"INVITE".into()), "{last:#}");
    // A call without media has no line of its own.
    assert!(!out.iter().any(|line| line.contains("\"type\":\"media\"")), "{out:?}");
}
