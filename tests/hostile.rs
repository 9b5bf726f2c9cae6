//! Names that try to steer the terminal: a capture whose messages hold escape sequences, control and bidirectional characters
//! wherever a sender can put them, shown by the real binary in every form. Nothing of it may arrive as itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod made;

use made::{ALICE, BOB, Capture, message};
use std::path::PathBuf;
use std::process::{Command, Output};

/// What a terminal would obey: title, colours, cursor, DCS, APC, string end, shifts, C1, backspace, bell, bidirectional marks,
/// line separators, zero width, a tag character, a byte order mark.
const EVIL: &[&str] = &[
    "\x1b]0;owned\x07",
    "\x1b]8;;http://example.invalid/\x1b\\link",
    "\x1b[2J\x1b[H\x1b[31m",
    "\x1b[?1049h\x1b[6n",
    "\x1bP+q544e\x1b\\",
    "\x1b_Gf=100\x1b\\",
    "\x1bc\x0e\x0f",
    "\u{9b}31mred\u{9d}0;title\u{9c}",
    "gone\x08\x08\x08\x08\x7f",
    "\u{202e}desrever\u{202c}\u{2066}x\u{2069}\u{200f}\u{061c}",
    "two\u{2028}lines\u{2029}here\u{0085}",
    "zero\u{200b}width\u{feff}\u{e0041}\u{fff9}",
    "over\x0bthe\x0cpage\x09tab",
    "null\x00byte",
];

/// Bytes that are no UTF-8, among them C1 controls as a Latin-1 terminal would read them.
const RAW: &[u8] = b"\x9b31mraw\x9d0;t\x9c\xff\xfe\xc0\x9b\xed\xa0\x80";

/// Puts hostile text where `@` stands, and raw bytes where `%` stands: neither is otherwise in a template.
fn spoil(template: &[u8], evil: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in template {
        match byte {
            b'@' => out.extend(evil.as_bytes()),
            b'%' => out.extend(RAW),
            other => out.push(other),
        }
    }
    out
}

/// A call, a registration and an exchange around one piece of hostile text.
fn conversation(capture: &mut Capture, number: usize, evil: &str) {
    let call_id = format!("@{number}");
    let via = format!("SIP/2.0/UDP h;branch=z9hG4bK@{number}");
    let from = format!("\"Al@ice%\" <sip:al@ice:pw@192.0.2.1>;tag=t@{number}");
    let fields = |cseq: &'static str| {
        [
            ("Via", via.clone()),
            ("From", from.clone()),
            ("To", "Bo@b% <sip:b@ob@example.net;x=@>".to_owned()),
            ("Call-ID", call_id.clone()),
            ("CSeq", cseq.to_owned()),
            ("User-Agent", "Phone @ folded\r\n\t@ and % again".to_owned()),
            ("Server", "Box @\r\n @".to_owned()),
            ("Contact", "\"C@\" <sip:c@x>;+sip.instance=\"@\"".to_owned()),
            ("Reason", "Q.850;cause=16;text=\"@\"".to_owned()),
            ("Warning", "399 w@ \"@ %\"".to_owned()),
            ("X-@-Odd", "@".to_owned()),
            ("Content-Disposition", "@".to_owned()),
            ("WWW-Authenticate", "Digest realm=\"@\", nonce=\"@%\"".to_owned()),
            ("Refer-To", "<sip:@>".to_owned()),
            ("Require", "@".to_owned()),
        ]
    };
    let sdp = "v=0\r\no=@ 1 1 IN IP4 192.0.2.1\r\ns=@ %\r\ni=@\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 96\r\n\
               a=rtpmap:96 @/8000\r\na=label:@\r\nm=@ 4002 RTP/@ 97\r\na=rtpmap:97 %/8000\r\n@=@\r\n";
    let mut send = |from_alice: bool, start: &str, cseq: &'static str, body: &str| {
        let fields = fields(cseq);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let (src, dst) = if from_alice { (ALICE, BOB) } else { (BOB, ALICE) };
        capture.udp(src, dst, &spoil(&message(start, &fields, body), evil));
        capture.wait_us(1000);
    };
    send(true, "INVITE sip:b@ob@example.net;p=@ SIP/2.0", "1 INVITE", sdp);
    send(false, "SIP/2.0 486 Busy @ here %", "1 INVITE", sdp);
    send(true, "ACK sip:@ SIP/2.0", "1 ACK", "");
    send(true, "BYE sip:@ SIP/2.0", "x@ BYE", "");
    send(true, "REGISTER sip:@ SIP/2.0", "2 REGISTER", "");
    send(false, "SIP/2.0 403 @ %", "2 REGISTER", "");
    send(true, "MESSAGE sip:@ SIP/2.0", "3 MESSAGE", "text @ %");
    send(true, "@ODD@ sip:@ SIP/2.0", "4 @ODD@", "@");
    send(true, "OPTIONS sip:@ @ SIP/2.0", "@", "@");
}

/// The capture: one conversation for each kind of hostility, and names of great length.
fn capture() -> Vec<u8> {
    let mut capture = Capture::new();
    for (number, evil) in EVIL.iter().enumerate() {
        conversation(&mut capture, number, evil);
    }
    conversation(&mut capture, 100, &"\u{202e}\x1b[5m long".repeat(60));
    conversation(&mut capture, 101, &"wide\u{4e2d}\u{6587}e\u{301}".repeat(60));
    conversation(&mut capture, 102, &"x".repeat(1200));
    capture.bytes().to_vec()
}

/// A directory with the capture, which has a hostile name itself.
fn room() -> (tempfile::TempDir, PathBuf) {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("cap\x1b]0;owned\x07\u{202e}ture.pcap");
    std::fs::write(&path, capture()).unwrap();
    (room, path)
}

fn sipctl(path: &PathBuf, options: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sipctl"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").arg("decode").arg(path).args(options);
    command.output().unwrap()
}

/// The text without our own colours: `ESC [ digits and semicolons m`, and only those.
fn without_colour(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        plain.push_str(&rest[..at]);
        let code = &rest[at + 2..];
        let end = code.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(code.len());
        if code[end..].starts_with('m') {
            rest = &code[end + 1..];
        } else {
            plain.push('\x1b');
            rest = code;
        }
    }
    plain + rest
}

/// What must not reach a terminal.
fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn hold(output: &[u8], colour: bool, what: &str) {
    let text = std::str::from_utf8(output).unwrap_or_else(|e| panic!("{what}: not UTF-8: {e}"));
    let plain = if colour { without_colour(text) } else { text.to_owned() };
    if let Some((at, c)) = plain.char_indices().find(|&(_, c)| is_harmful(c)) {
        let line = plain[..at].rsplit('\n').next().unwrap_or_default();
        panic!("{what}: {:?} after {line:?}", c);
    }
}

#[test]
fn no_text_form_lets_anything_through() {
    let (_room, path) = room();
    let forms: &[&[&str]] = &[
        &[],
        &["--list"],
        &["--summary"],
        &["--all"],
        &["--messages", "headers"],
        &["--all", "--messages", "full"],
        &["--all", "--messages", "full", "--ascii"],
        &["--call", "1", "--messages", "full"],
        &["--call", "nobody\x1b[2J"],
        &["--all", "--width", "40"],
        &["--all", "--width", "300"],
        &["--expect", "calls[0].from.display == 'x'"],
        &["--expect", "messages[*].reason == 'x'"],
        &["--user", "al", "--all"],
    ];
    for form in forms {
        for colour in [false, true] {
            let color = if colour { "always" } else { "never" };
            let options: Vec<&str> = form.iter().copied().chain(["--color", color]).collect();
            let output = sipctl(&path, &options);
            assert!(matches!(output.status.code(), Some(0..=2)), "{options:?}: {:?}", output.status);
            hold(&output.stdout, colour, &format!("stdout of {options:?}"));
            hold(&output.stderr, colour, &format!("stderr of {options:?}"));
        }
    }
}

#[test]
fn ascii_means_ascii() {
    let (_room, path) = room();
    let output = sipctl(&path, &["--all", "--messages", "full", "--ascii", "--color", "never"]);
    let text = String::from_utf8(output.stdout).unwrap();
    // What came from the network is shown as it is written; what we draw ourselves is ASCII.
    let drawn: String = text.chars().filter(|c| !c.is_ascii() && !"中文\u{301}".contains(*c)).collect();
    assert_eq!(drawn, "");
}

#[test]
fn what_is_wrong_with_a_file_is_told_without_harm() {
    let (room, path) = room();
    std::fs::write(&path, b"\x1b[2Jno capture").unwrap();
    let missing = room.path().join("\x1b]0;owned\x07");
    let cut = room.path().join("cut\x1b[31m.pcap");
    let whole = capture();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    for (path, exit) in [(&path, 2), (&missing, 2), (&cut, 0)] {
        let output = sipctl(path, &[]);
        assert_eq!(output.status.code(), Some(exit), "{path:?}");
        assert!(!output.stderr.is_empty());
        hold(&output.stdout, false, "stdout");
        hold(&output.stderr, false, "stderr");
    }
}

#[test]
fn json_keeps_every_byte() {
    let (_room, path) = room();
    let output = sipctl(&path, &["--json", "--headers", "--raw"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    // A document in a pipe has its control characters escaped by JSON itself.
    assert!(!output.stdout.iter().any(|&b| b < 0x20 && b != b'\n'));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let messages = document["messages"].as_array().unwrap();
    let text = |value: &serde_json::Value| -> Vec<u8> {
        match value.as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => decoded(value["base64"].as_str().unwrap()),
        }
    };
    let displays: Vec<Vec<u8>> =
        document["calls"].as_array().unwrap().iter().map(|c| text(&c["from"]["display"])).collect();
    for evil in EVIL.iter().filter(|e| !e.contains('\\')) {
        let display = [b"Al", evil.as_bytes(), b"ice", RAW].concat();
        assert!(displays.contains(&display), "{evil:?} is not in {displays:?}");
        let reason = [b"Busy ", evil.as_bytes(), b" here ", RAW].concat();
        assert!(messages.iter().any(|m| !m["reason"].is_null() && text(&m["reason"]) == reason), "{evil:?}");
        let agent = [b"Phone ", evil.as_bytes(), b" folded\r\n\t", evil.as_bytes(), b" and ", RAW, b" again"].concat();
        let has_agent =
            |m: &serde_json::Value| m["headers"].as_array().unwrap().iter().any(|h| text(&h["value"]) == agent);
        assert!(messages.iter().any(has_agent), "{evil:?}");
    }
    // The whole of each message, as it came.
    let whole = capture();
    for message in messages {
        let raw = text(&message["raw"]);
        let head = &raw[..raw.len().min(200)];
        assert!(whole.windows(head.len()).any(|w| w == head));
        assert_eq!(message["size"].as_u64(), Some(raw.len() as u64));
    }
}

#[test]
fn ndjson_stays_one_object_a_line() {
    let (_room, path) = room();
    let output = sipctl(&path, &["--format", "ndjson", "--headers", "--raw"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let mut kinds = Vec::new();
    for line in text.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        kinds.push(object["type"].as_str().unwrap().to_owned());
    }
    let count = |kind: &str| kinds.iter().filter(|k| *k == kind).count();
    assert_eq!((count("call"), count("summary")), (EVIL.len() + 3, 1));
    assert!(count("message") >= (EVIL.len() + 3) * 7);
}

/// RFC 4648 §4, for what the JSON gives so.
fn decoded(text: &str) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for byte in text.bytes().filter(|&b| b != b'=') {
        let value = LETTERS.iter().position(|&l| l == byte).unwrap() as u32;
        (bits, held) = (bits << 6 | value, held + 6);
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}
