use super::super::file::FileSource;
use super::super::{Event, Over, Source};
use std::io::Cursor;

/// Flow, transport, line and bytes of each message; then the notes.
type Found = (Vec<(String, Over, u64, String)>, Vec<String>);

fn read(text: &[u8]) -> Option<Found> {
    let mut source = FileSource::new(Box::new(Cursor::new(text.to_vec())), "x", 0).ok()?;
    let mut messages = Vec::new();
    while let Some(event) = source.next_event().unwrap() {
        let Event::Logged(m) = event else { panic!("{event:?}") };
        assert_eq!(m.packet.frame as usize, messages.len() + 1);
        let flow = format!("{} > {}", m.flow.src, m.flow.dst);
        messages.push((flow, m.over, m.line, String::from_utf8_lossy(m.bytes).into_owned()));
    }
    Some((messages, source.info().notes.clone()))
}

fn options(lines: &str) -> String {
    let text = "OPTIONS sip:b@example.com SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\nFrom: <sip:a@example.com>;tag=1\nCall-ID: 1\n";
    format!("{text}{lines}\n")
}

#[test]
fn what_holds_no_message_is_no_text() {
    for text in [
        "",
        "hello, world\n",
        "INVITE the whole team\n",
        "{\"message\": \"INVITE sip:a@b SIP/2.0\"}\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "the server answered SIP/2.0 200 and that was it\nnothing more\n",
    ] {
        assert!(read(text.as_bytes()).is_none(), "{text}");
    }
    let hidden = [&[0u8; 16][..], options("").as_bytes()].concat();
    assert!(read(&hidden).is_none(), "binary data before it");
}

#[test]
fn a_pasted_message_is_kept_byte_by_byte_where_it_has_crlf() {
    let text = options("Content-Length: 3\n\nabc").replace('\n', "\r\n");
    let (messages, notes) = read(text.trim_end().as_bytes()).unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].3, text.trim_end());
    assert_eq!(messages[0].0, "0.0.0.1:5060 > 0.0.0.2:5060");
    assert!(notes.iter().any(|n| n.contains("0.0.0.1 stands for")) && notes.iter().any(|n| n.contains("no times")));
    // What an editor adds at the end is not the message's; what lies beyond the length is.
    assert_eq!(read(text.as_bytes()).unwrap().0[0].3, text.trim_end());
    assert!(read(format!("{text}surplus").as_bytes()).unwrap().0[0].3.ends_with("abc\r\nsurplus"));
}

#[test]
fn lost_carriage_returns_are_put_back_and_lengths_count_them() {
    let body = "v=0\nm=audio 4000 RTP/AVP 0\n";
    let length = body.replace('\n', "\r\n").len();
    let one = options(&format!("Content-Type: application/sdp\nContent-Length: {length}\n\n{body}"));
    let text = format!("{one}{}", options("Content-Length: 0\n"));
    let (messages, _) = read(text.as_bytes()).unwrap();
    assert_eq!(messages.len(), 2);
    assert!(messages[0].3.ends_with("\r\n\r\nv=0\r\nm=audio 4000 RTP/AVP 0\r\n"), "{:?}", messages[0].3);
    assert!(messages[1].3.ends_with("Content-Length: 0\r\n\r\n"), "{:?}", messages[1].3);
    assert_eq!(messages[1].2, 11);
}

#[test]
fn the_lines_of_a_log_are_not_those_of_a_message() {
    let text = format!(
        "[Nov 22 14:05:11] NOTICE[1]: starting\n<--- Received SIP request (9 bytes) from TLS:192.0.2.10:5061 --->\n{}\n\
         -- Executing [1@a:1] Dial(\"x\") in new stack\n<--- Transmitting SIP response (9 bytes) to TLS:192.0.2.10:5061 --->\n\
         SIP/2.0 200 OK\nCall-ID: 1\nContent-Length: 0\n\n    -- Called x\n",
        options("Content-Length: 0\n")
    );
    let (messages, notes) = read(text.as_bytes()).unwrap();
    let flows: Vec<_> = messages.iter().map(|m| (m.0.as_str(), m.1)).collect();
    assert_eq!(flows, [("192.0.2.10:5061 > 0.0.0.1:5060", Over::Tls), ("0.0.0.1:5060 > 192.0.2.10:5061", Over::Tls)]);
    assert!(messages.iter().all(|m| m.3.ends_with("Content-Length: 0\r\n\r\n")), "{messages:?}");
    assert!(notes.iter().any(|n| n.starts_with("the log names the other side only")));
}

#[test]
fn responses_of_a_paste_go_the_other_way() {
    let text = format!(
        "{}SIP/2.0 200 OK\nFrom: <sip:a@example.com>;tag=1\nCall-ID: 1\nContent-Length: 0\n\n\
         BYE sip:a@example.com SIP/2.0\nFrom: <sip:b@example.com>;tag=2\nCall-ID: 1\nContent-Length: 0\n\n",
        options("Content-Length: 0\n")
    );
    let flows: Vec<String> = read(text.as_bytes()).unwrap().0.into_iter().map(|m| m.0).collect();
    assert_eq!(flows, ["0.0.0.1:5060 > 0.0.0.2:5060", "0.0.0.2:5060 > 0.0.0.1:5060", "0.0.0.2:5060 > 0.0.0.1:5060"]);
}

#[test]
fn sip_in_a_body_is_part_of_the_body() {
    let fragment = "SIP/2.0 180 Ringing\n";
    let length = fragment.len() + 1;
    let text = options(&format!("Content-Type: message/sipfrag\nContent-Length: {length}\n\n{fragment}"));
    let (messages, _) = read(text.as_bytes()).unwrap();
    assert_eq!(messages.len(), 1, "{messages:?}");
}

#[test]
fn what_a_header_field_says_is_no_heading() {
    let text = options(
        "X-Trace: 192.0.2.1:5060 -> 192.0.2.2:5060\nX-Log: <--- SIP read from UDP:192.0.2.3:5060 --->\nContent-Length: 0\n",
    );
    let text = format!("2026/11/22 14:05:11.5 192.0.2.8:5060 -> 192.0.2.9:5060\n{text}");
    let (messages, _) = read(text.as_bytes()).unwrap();
    assert_eq!((messages.len(), messages[0].0.as_str()), (1, "192.0.2.8:5060 > 192.0.2.9:5060"));
    assert!(messages[0].3.ends_with("Content-Length: 0\r\n\r\n"));
}

#[test]
fn a_message_that_syslog_put_into_one_line() {
    let one = options("Content-Length: 0\n").replace('\n', "#015#012");
    let text =
        format!("2026-11-22T14:05:11.5+00:00 h opensips[1]: in udp:192.0.2.1:5060 -> udp:192.0.2.2:5060 {one}\n");
    let (messages, notes) = read(text.as_bytes()).unwrap();
    assert_eq!((messages.len(), messages[0].0.as_str(), notes.len()), (1, "192.0.2.1:5060 > 192.0.2.2:5060", 0));
    assert!(messages[0].3.starts_with("OPTIONS sip:b@example.com SIP/2.0\r\nVia:"));
}

#[test]
fn lines_and_messages_without_end_stay_bounded() {
    let text = format!("{}{}", options("X: y"), "a".repeat(3 << 20));
    let (messages, notes) = read(text.as_bytes()).unwrap();
    assert!(messages.iter().all(|m| m.3.len() <= 65_535), "{}", messages.len());
    assert!(notes.iter().any(|n| n.contains("longer than 65000 bytes")), "{notes:?}");
}

#[test]
fn cut_and_flipped_logs_never_panic() {
    let base = format!(
        "====================\ntag: rcv\ntime: 1795400146.774944\nproto: udp ipv4\nsrcip: 192.0.2.1\nsrcport: 5060\ndstip: 192.0.2.2\n\
         dstport: 5060\n~~~~~~~~~~~~~~~~~~~~\n{}||||||||||||||||||||\nrecv 9 bytes from udp/[192.0.2.1]:5060 at 14:05:11.1:\n   {}\n{}",
        options("Content-Length: 0\n"),
        "-".repeat(72),
        options("l: 99999999999999999999\nc: multipart/mixed\n\nx")
    )
    .into_bytes();
    let mut seed = 0x5EED_u64;
    let mut below = |limit: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % limit
    };
    for _ in 0..300 {
        let mut bytes = base[..below(base.len() + 1)].to_vec();
        for _ in 0..below(6) {
            if !bytes.is_empty() {
                let at = below(bytes.len());
                bytes[at] ^= 1 << below(8);
            }
        }
        let _ = read(&bytes);
    }
}
