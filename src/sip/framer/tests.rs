use super::{Frame, Framer, Limits};

fn message(id: u32, body: &str) -> String {
    format!(
        "INVITE sip:{id}@example.com SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK{id}\r\nCall-ID: {id}\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[derive(Default, Debug, PartialEq)]
struct Got {
    messages: Vec<String>,
    keep_alive: usize,
    garbage: usize,
    pending: usize,
}

impl Got {
    fn take(&mut self, frame: Frame<'_>) {
        match frame {
            Frame::Message(m) => self.messages.push(String::from_utf8_lossy(m).into_owned()),
            Frame::KeepAlive(n) => self.keep_alive += n,
            Frame::Garbage(n) => self.garbage += n,
        }
    }
}

/// Pushes the pieces in turn and ends the stream.
fn frames(pieces: &[&[u8]]) -> Got {
    let mut got = Got::default();
    let mut framer = Framer::new(Limits::default());
    for piece in pieces {
        framer.push(piece, &mut |f| got.take(f));
    }
    got.pending = framer.finish(&mut |f| got.take(f));
    let all: usize = pieces.iter().map(|p| p.len()).sum();
    let told = got.messages.iter().map(String::len).sum::<usize>() + got.keep_alive + got.garbage + got.pending;
    assert_eq!(told, all, "every byte is accounted for");
    got
}

#[test]
fn messages_and_keep_alives_cut_anywhere_come_out_the_same() {
    let (one, two) = (message(1, "v=0\r\nx"), message(2, ""));
    let stream = format!("\r\n\r\n{one}{two}\r\nSIP/2.0 200 OK\r\nl: 3\r\n\r\nabc\r\n\r\n");
    let bytes = stream.as_bytes();
    let expected = vec![one, two, "SIP/2.0 200 OK\r\nl: 3\r\n\r\nabc".to_owned()];
    for cut in 0..=bytes.len() {
        let got = frames(&[&bytes[..cut], &bytes[cut..]]);
        assert_eq!(got.messages, expected, "cut at {cut}");
        assert_eq!((got.keep_alive, got.garbage, got.pending), (10, 0, 0), "cut at {cut}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(frames(&single).messages, expected);
}

#[test]
fn a_whole_message_is_not_copied() {
    let one = message(1, "v=0\r\n");
    let mut framer = Framer::new(Limits::default());
    let range = one.as_bytes().as_ptr_range();
    framer.push(one.as_bytes(), &mut |f| match f {
        Frame::Message(m) => assert!(range.contains(&m.as_ptr())),
        other => unreachable!("{other:?}"),
    });
    assert_eq!(framer.pending(), 0);
}

#[test]
fn a_missing_or_unreadable_length_ends_at_the_next_start_line() {
    let good = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    for broken in [
        "INVITE foo@bar SIP/2.0\r\n\r\n",
        "INVITE foo@bar SIP/2.0\r\nContent-Length: a\r\n\r\n",
        "INVITE foo@bar SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n",
        "INVITE foo@bar SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-",
    ] {
        let stream = format!("{broken}{good}");
        assert_eq!(frames(&[stream.as_bytes()]).messages, [broken, good]);
        assert_eq!(frames(&[broken.as_bytes(), good.as_bytes()]).messages, [broken, good]);
        assert_eq!(frames(&[broken.as_bytes()]).messages, [broken]);
    }
}

#[test]
fn a_lying_length_costs_no_other_message() {
    let (before, after) = (message(1, "v=0\r\n"), message(3, "v=0\r\n"));
    for length in ["0", "2", "8", "40", "9999", "99999999999"] {
        let broken = message(2, "v=0\r\n").replace("Length: 5", &format!("Length: {length}"));
        let stream = format!("{before}{broken}{after}");
        let expected = [before.as_str(), &broken, &after];
        assert_eq!(frames(&[stream.as_bytes()]).messages, expected, "length {length}");
        let got = frames(&[before.as_bytes(), broken.as_bytes(), after.as_bytes()]);
        assert_eq!(got.messages, expected, "length {length}, a segment each");
    }
}

#[test]
fn sip_inside_a_body_is_the_bodys() {
    let fragment = "SIP/2.0 100 Trying\r\nVia: x\r\n\r\n";
    let notify = format!(
        "NOTIFY sip:a@b SIP/2.0\r\nContent-Type: message/sipfrag\r\nContent-Length: {}\r\n\r\n{fragment}",
        fragment.len()
    );
    let bytes = notify.as_bytes();
    for cut in 0..bytes.len() {
        assert_eq!(frames(&[&bytes[..cut], &bytes[cut..]]).messages, [notify.as_str()], "cut at {cut}");
    }
}

#[test]
fn a_gap_loses_one_message() {
    let messages: Vec<String> = (1..=4).map(|id| message(id, "v=0\r\nno line end")).collect();
    let all = messages.concat();
    let (one, two) = (messages[0].len(), messages[1].len());
    for lost in one..one + two {
        let mut got = Got::default();
        let mut framer = Framer::new(Limits::default());
        framer.push(&all.as_bytes()[..lost], &mut |f| got.take(f));
        let dropped = framer.gap();
        assert_eq!(dropped, lost - one);
        framer.push(&all.as_bytes()[lost + 1..], &mut |f| got.take(f));
        assert_eq!(framer.finish(&mut |f| got.take(f)), 0);
        let kept: Vec<&String> = got.messages.iter().filter(|m| *m != &messages[1]).collect();
        assert_eq!(kept, [&messages[0], &messages[2], &messages[3]], "a byte lost at {lost}");
    }
}

#[test]
fn what_is_no_sip_is_passed_over() {
    let one = message(1, "");
    let got = frames(&[format!("blah\r\n{one}").as_bytes()]);
    assert_eq!((got.messages, got.garbage), (vec![one.clone()], 6));
    let got = frames(&[b"\x17\x03\x03\x00\x20 binary\n\xff\xfe", b"\x00", one.as_bytes()]);
    assert_eq!(got.messages, std::slice::from_ref(&one));
    for http in ["POST /x HTTP/1.1\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "RTSP/1.0 200 OK\r\n\r\n"] {
        let got = frames(&[http.as_bytes(), one.as_bytes()]);
        assert_eq!((got.messages.len(), got.garbage), (0, http.len() + one.len()), "{http}");
    }
    for line in ["INVITE\r\n", "INVITE foo@bar.com SIP\r\n", "SIP/2.0 OK\r\nContent-Length: 0\r\n\r\n"] {
        assert_eq!(frames(&[line.as_bytes()]).messages, [""; 0], "{line}");
    }
}

#[test]
fn what_never_ends_is_dropped_at_the_limit() {
    let limits = Limits { header: 1000, body: 1000 };
    let mut framer = Framer::new(limits);
    let mut got = Got::default();
    framer.push(b"INVITE sip:a@b SIP/2.0\r\n", &mut |f| got.take(f));
    for _ in 0..100 {
        framer.push(b"X-Pad: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", &mut |f| got.take(f));
        assert!(framer.pending() <= 2100);
    }
    framer.push(&vec![b'a'; 5000], &mut |f| got.take(f));
    assert!(framer.pending() <= 2100);
    assert_eq!(got.messages.len(), 0);
    framer.push(message(1, "").as_bytes(), &mut |f| got.take(f));
    assert_eq!(got.messages, [message(1, "")]);
}

#[test]
fn one_byte_at_a_time_costs_no_more_than_its_length() {
    // A quadratic rescan of a megabyte would take minutes here.
    let body = "a line of text that is no start line\r\n".repeat(20_000);
    let stream = message(1, &body);
    let mut framer = Framer::new(Limits::default());
    let mut got = Got::default();
    for byte in stream.as_bytes().chunks(1) {
        framer.push(byte, &mut |f| got.take(f));
    }
    assert_eq!(got.messages, [stream]);
}
