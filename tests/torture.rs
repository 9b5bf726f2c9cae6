//! The torture messages of RFC 4475 and RFC 5118, each by name with what is to be said of it, and every message of the corpus
//! cut and flipped with a fixed seed. The messages are other people's: they are read where they are, and the tests say so
//! and pass where they are not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sipctl::base::Span;
use sipctl::sip::DefectKind::{self, *};
use sipctl::sip::{Defect, Frame, Framer, HeaderName, Limits, Message, Outline, Uri, check};
use std::path::{Path, PathBuf};

/// What a message is to give.
enum Expect {
    /// Nothing but what is no error: kinds that a reader is told of all the same.
    Valid(&'static [DefectKind]),
    /// Each of these defects, at these bytes.
    Invalid(&'static [(DefectKind, &'static str)]),
}
use Expect::{Invalid, Valid};

/// The 49 messages of RFC 4475 §3, by its file names.
const RFC_4475: &[(&str, Expect)] = &[
    // §3.1.1: valid. Of wsinv the top branch is of RFC 2543; longreq has none.
    ("wsinv", Valid(&[BranchWithoutCookie])),
    ("intmeth", Valid(&[])),
    ("esc01", Valid(&[])),
    ("escnull", Valid(&[])),
    ("esc02", Valid(&[])),
    ("lwsdisp", Valid(&[])),
    ("longreq", Valid(&[BranchWithoutCookie])),
    // The second request of the datagram is surplus, and told of as that.
    ("dblreq", Valid(&[ContentLengthMismatch])),
    ("semiuri", Valid(&[])),
    ("transports", Valid(&[])),
    ("mpart01", Valid(&[])),
    ("unreason", Valid(&[])),
    ("noreason", Valid(&[])),
    // §3.1.2: invalid.
    ("badinv01", Invalid(&[(HeaderMalformed, ";;,;,,"), (HeaderMalformed, ";;;;")])),
    ("clerr", Invalid(&[(ContentLengthMismatch, "9999")])),
    ("ncl", Invalid(&[(HeaderMalformed, "-999")])),
    (
        "scalar02",
        Invalid(&[
            (HeaderMalformed, "36893488147419103232 REGISTER"),
            (HeaderMalformed, "300"),
            (HeaderMalformed, "1000000000"),
            (HeaderMalformed, "280297596632815"),
        ]),
    ),
    (
        "scalarlg",
        Invalid(&[
            (HeaderMalformed, "9292394834772304023312 OPTIONS"),
            (HeaderMalformed, "949302838503028349304023988"),
            (HeaderMalformed, "1812"),
        ]),
    ),
    ("quotbal", Invalid(&[(HeaderMalformed, "\"Mr. J. User <sip:j.user@example.com>")])),
    ("ltgtruri", Invalid(&[(UriMalformed, "<sip:user@example.com>")])),
    ("lwsruri", Invalid(&[(StartLineMalformed, " lr")])),
    ("lwsstart", Invalid(&[(StartLineMalformed, "  ")])),
    ("trws", Invalid(&[(StartLineMalformed, "  ")])),
    ("escruri", Invalid(&[(UriMalformed, "?Route=%3Csip:example.com%3E")])),
    ("baddate", Invalid(&[(HeaderMalformed, "EST")])),
    ("regbadct", Invalid(&[(HeaderMalformed, "?Route=%3Csip:sip.example.com%3E")])),
    ("badaspec", Invalid(&[(UriMalformed, " sip:t.watson@example.org ")])),
    ("baddn", Invalid(&[(HeaderMalformed, "Bell, Alexander"), (HeaderMalformed, "Watson, Thomas")])),
    ("badvers", Invalid(&[(VersionUnknown, "SIP/7.0")])),
    ("mismatch01", Invalid(&[(CseqMethodMismatch, "INVITE")])),
    ("mismatch02", Invalid(&[(CseqMethodMismatch, "INVITE")])),
    ("bigcode", Invalid(&[(StartLineMalformed, "4294967301")])),
    // §3.2: the transaction layer's.
    ("badbranch", Invalid(&[(HeaderMalformed, "z9hG4bK")])),
    // §3.3: the application's. What only an application may mind is no defect of the message.
    ("insuf", Invalid(&[(HeaderMissing, ""), (HeaderMissing, ""), (HeaderMissing, ""), (HeaderMissing, "")])),
    ("unkscm", Valid(&[])),
    ("novelsc", Valid(&[])),
    ("unksm2", Valid(&[])),
    ("bext01", Valid(&[])),
    ("invut", Valid(&[])),
    ("regaut01", Valid(&[])),
    (
        "multi01",
        Invalid(&[
            (HeaderDuplicate, "59 INVITE"),
            (HeaderDuplicate, "multi01.98asdh@192.0.2.2"),
            (HeaderDuplicate, "sip:other@example.net"),
            (HeaderDuplicate, "sip:caller@example.net;tag=2923420123"),
            (HeaderDuplicate, "5"),
        ]),
    ),
    ("mcl01", Invalid(&[(HeaderDuplicate, "5"), (ContentLengthMismatch, "y to know how many")])),
    ("bcast", Valid(&[])),
    ("zeromf", Valid(&[])),
    ("cparam01", Valid(&[])),
    ("cparam02", Valid(&[])),
    ("regescrt", Valid(&[])),
    ("sdp01", Valid(&[])),
    // §3.4: RFC 2543 knew neither branch cookie nor Max-Forwards.
    ("inv2543", Valid(&[BranchWithoutCookie])),
];

/// The messages of RFC 5118 §4, by its file names; the archive has them with LF, and two without their empty line.
const RFC_5118: &[(&str, Expect)] = &[
    ("ipv6-good", Valid(&[])),
    ("ipv6-bad", Invalid(&[(UriMalformed, "2001:db8::10")])),
    ("port-ambiguous", Valid(&[])),
    ("port-unambiguous", Valid(&[])),
    ("via-received-param-with-delim", Valid(&[])),
    ("via-received-param-no-delim", Valid(&[])),
    // Of the three with bodies the Content-Length fits the body with CRLF nowhere, and with LF once.
    ("ipv6-in-sdp", Valid(&[ContentLengthMismatch])),
    ("mult-ip-in-header", Valid(&[])),
    ("mult-ip-in-sdp", Valid(&[ContentLengthMismatch])),
    ("ipv4-mapped-ipv6", Valid(&[ContentLengthMismatch])),
    ("ipv6-bug-abnf-3-colons", Valid(&[])),
    ("ipv6-correct-abnf-2-colons", Valid(&[])),
];

fn corpus() -> Option<PathBuf> {
    let shared = std::env::var_os("SIPCTL_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let messages = shared.join("corpus/messages");
    if messages.is_dir() {
        return Some(messages);
    }
    eprintln!("SKIPPED: no {} (set SIPCTL_SHARED to the directory that has it)", messages.display());
    None
}

fn defects(bytes: &[u8]) -> Option<Vec<Defect>> {
    let mut outline = Outline::new();
    if !outline.read(bytes) {
        return None;
    }
    let mut out = Vec::new();
    check::defects(&Message::new(bytes, &outline), &mut out);
    Some(out)
}

/// What the message shows against the expectation, each with the message's name.
fn compare(name: &str, bytes: &[u8], expect: &Expect) -> Vec<String> {
    let Some(found) = defects(bytes) else { return vec![format!("{name}: not taken for SIP")] };
    let text = |span: Span| String::from_utf8_lossy(span.of(bytes)).into_owned();
    let shown: Vec<String> = found.iter().map(|d| format!("{:?} {:?} ({})", d.kind, text(d.span), d.what)).collect();
    match expect {
        Valid(told) => {
            let wrong = found.iter().zip(&shown).filter(|(d, _)| !told.contains(&d.kind));
            let missed = told.iter().filter(|&&kind| !found.iter().any(|d| d.kind == kind));
            let wrong = wrong.map(|(_, s)| format!("{name}: is valid, but {s}"));
            wrong.chain(missed.map(|kind| format!("{name}: {kind:?} is not told"))).collect()
        }
        Invalid(wanted) => {
            let mut left = found;
            let mut wrong = Vec::new();
            for (kind, at) in *wanted {
                match left.iter().position(|d| d.kind == *kind && text(d.span).contains(at)) {
                    Some(place) => drop(left.remove(place)),
                    None => wrong.push(format!("{name}: no {kind:?} at {at:?} among {shown:?}")),
                }
            }
            wrong
        }
    }
}

/// Reads each message of the manifest, and holds the manifest against what the folder has.
fn run(folder: &Path, extension: &str, manifest: &[(&str, Expect)], wire: impl Fn(Vec<u8>) -> Vec<u8>) {
    let mut wrong = Vec::new();
    for (name, expect) in manifest {
        let bytes = std::fs::read(folder.join(format!("{name}{extension}"))).unwrap();
        wrong.extend(compare(name, &wire(bytes), expect));
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(extension).unwrap_or(&file);
        // `test.dat` is in the archive of RFC 4475 and in none of its sections.
        if !matches!(name, "README.md" | "test") && !manifest.iter().any(|(n, _)| *n == name) {
            wrong.push(format!("{name}: in the folder, not in the manifest"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rfc_4475_each_message_is_read_and_the_invalid_ones_told_at_the_right_bytes() {
    assert_eq!(RFC_4475.len(), 49);
    let Some(corpus) = corpus() else { return };
    run(&corpus.join("rfc4475/sipx"), ".dat", RFC_4475, |bytes| bytes);
}

#[test]
fn rfc_5118_each_message_is_read_with_crlf_and_as_it_is() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("rfc5118/sipx");
    let wire = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        let whole = if text.contains("\n\n") { text } else { format!("{}\n\n", text.trim_end()) };
        whole.replace('\n', "\r\n").into_bytes()
    };
    run(&folder, "", RFC_5118, wire);
    for (name, _) in RFC_5118 {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let found = defects(&bytes).unwrap();
        assert!(found.iter().any(|d| d.kind == BareLineFeed), "{name}");
    }
}

#[test]
fn rfc_4475_parts_that_mislead_are_read_as_meant() {
    let Some(corpus) = corpus() else { return };
    let read = |name: &str| std::fs::read(corpus.join(format!("rfc4475/sipx/{name}.dat"))).unwrap();
    let mut outline = Outline::new();

    let wsinv = read("wsinv");
    assert!(outline.read(&wsinv));
    let message = Message::new(&wsinv, &outline);
    assert_eq!((message.to_tag(), message.from_tag()), (&b"1918181833n"[..], &b"98asjd8"[..]));
    assert_eq!((message.branch(), message.sent_by()), (&b"390skdjuw"[..], &b"192.0.2.2"[..]));
    assert_eq!((outline.vias, message.values(HeaderName::Via).count()), (3, 3));
    assert_eq!(message.cseq().map(|c| c.number), Some(9));

    let intmeth = read("intmeth");
    assert!(outline.read(&intmeth));
    let message = Message::new(&intmeth, &outline);
    assert_eq!(message.method_text(), b"!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(message.from_tag(), b"_token~1'+`*%!-.");
    assert_eq!(&*message.to().display_name(), b"BEL:\x07 NUL:\0 DEL:\x7f");

    let semiuri = read("semiuri");
    assert!(outline.read(&semiuri));
    let uri = Uri::parse(Message::new(&semiuri, &outline).uri().unwrap());
    assert_eq!((uri.user, uri.host), (Some(&b"user;par=u%40example.net"[..]), &b"example.com"[..]));

    let mpart = read("mpart01");
    assert!(outline.read(&mpart));
    let parts: Vec<_> = Message::new(&mpart, &outline).bodies().map(|p| p.content_type).collect();
    assert_eq!(parts, [&b"text/plain"[..], b"application/octet-stream"]);

    let longreq = read("longreq");
    assert!(outline.read(&longreq));
    assert_eq!(outline.vias, 34);
}

#[test]
fn the_streams_of_sipsplitter_are_cut_as_it_cuts_them() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("nextcaller-sip-capture/sipsplitter/testdata");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "expected") {
            continue;
        }
        seen += 1;
        let expected: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut messages: Vec<&str> =
            expected["Messages"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
        // Sipsplitter throws a message without Content-Length away. It is against RFC 3261 §18.3, but a person who looks
        // for it wants to see it: we end it where the next one starts.
        if path.file_stem().is_some_and(|s| s == "clen_missing_then_good") {
            messages.insert(0, "INVITE foo@bar SIP/2.0\r\n\r\n");
        }
        let mut got = Vec::new();
        let mut framer = Framer::new(Limits::default());
        let mut take = |frame: Frame<'_>| {
            if let Frame::Message(m) = frame {
                got.push(String::from_utf8_lossy(m).into_owned());
            }
        };
        framer.push(expected["Original"].as_str().unwrap().as_bytes(), &mut take);
        framer.finish(&mut take);
        assert_eq!(got, messages, "{}", path.display());
    }
    assert!(seen >= 6, "{seen}");
}

/// Every file below the folder, in a fixed order.
fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

/// A small generator with a fixed seed (xorshift), so that a failure comes again.
struct Seed(u64);

impl Seed {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Reads and checks bytes in every way, and holds every span against their length.
fn exercise(bytes: &[u8]) {
    let mut outline = Outline::new();
    for cut in [false, true] {
        let read = if cut { outline.read_cut(bytes) } else { outline.read(bytes) };
        if !read {
            continue;
        }
        let message = Message::new(bytes, &outline);
        let mut found = Vec::new();
        check::defects(&message, &mut found);
        let o = &outline;
        let mut spans =
            vec![o.head, o.body, o.via, o.sent_by, o.branch, o.from, o.from_uri, o.from_tag, o.to, o.to_uri];
        spans.extend([o.to_tag, o.call_id, o.contact, o.content_type]);
        spans.extend(found.iter().map(|d| d.span));
        spans.extend(o.fields.iter().flat_map(|f| [f.name_span, f.value]));
        for span in spans {
            assert!(span.start <= span.end && span.end as usize <= bytes.len(), "{span:?} of {}", bytes.len());
        }
        let parts: usize = message.bodies().map(|p| p.bytes.len()).sum();
        assert!(parts <= bytes.len());
        for &name in HeaderName::ALL {
            for value in message.values(name).filter(|v| !v.is_empty()) {
                assert_eq!(message.text(message.span_of(value)), value);
            }
        }
        let _ = (message.method_text(), message.sdp_body(), message.from(), message.to(), message.top_via());
    }
    let mut framer = Framer::new(Limits::default());
    let mut told = 0;
    let mut count = |frame: Frame<'_>| match frame {
        Frame::Message(m) => told += m.len(),
        Frame::KeepAlive(n) | Frame::Garbage(n) => told += n,
    };
    for piece in bytes.chunks(97) {
        framer.push(piece, &mut count);
    }
    let pending = framer.finish(&mut count);
    assert_eq!(told + pending, bytes.len(), "the framer loses no byte");
}

const OWN: &[&str] = &[
    "INVITE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h:5060;branch=z9hG4bKx;rport,SIP/2.0/TCP [::1]\r\nFrom: \"A \\\" B\" \
     <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:a@x?y=z>;q=0.5, \
     *\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\nContent-Type: multipart/mixed;boundary=\"b\"\r\n\
     Content-Length: 52\r\n\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b--\r\n",
    "SIP/2.0 401 Unauthorized\nv: SIP/2.0/UDP h\nf:x\nt:y\ni:1\nCSeq: 1 REGISTER\nWarning: 399 a \"b\"\nDate: Sat, 13 Nov \
     2010 23:29:00 GMT\nRetry-After: 5 (x);duration=1\nl:0\n\n",
];

#[test]
fn cut_and_flipped_messages_never_panic_and_spans_stay_inside() {
    let mut inputs: Vec<Vec<u8>> = OWN.iter().map(|m| m.as_bytes().to_vec()).collect();
    if let Some(corpus) = corpus() {
        let mut paths = Vec::new();
        files(&corpus, &mut paths);
        assert!(paths.len() > 100, "{}", paths.len());
        inputs.extend(paths.iter().map(|p| std::fs::read(p).unwrap()).filter(|b| b.len() < 20_000));
    }
    let mut seed = Seed(0x5EED_0F51_9C71_0001);
    for input in inputs.iter().filter(|i| !i.is_empty()) {
        exercise(input);
        for _ in 0..40 {
            exercise(&input[..seed.below(input.len() + 1)]);
            let mut bytes = input.clone();
            for _ in 0..=seed.below(8) {
                let at = seed.below(bytes.len());
                bytes[at] ^= 1 << seed.below(8);
            }
            exercise(&bytes);
        }
    }
}

/// The binary over every message of a folder: the exit code, and the bytes that the text points at.
fn lint(folder: &Path, extension: &str, manifest: &[(&str, Expect)]) {
    let mut wrong = Vec::new();
    for (name, expect) in manifest {
        let path = folder.join(format!("{name}{extension}"));
        let ran =
            assert_cmd::Command::cargo_bin("sipctl").unwrap().arg("lint").arg(&path).arg("--json").output().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        let defects = document["defects"].as_array().unwrap();
        let shown = |kind: DefectKind, at: &str| {
            defects.iter().any(|d| {
                let text = d["text"].as_str().unwrap_or_default();
                let column = d["column"].as_u64().unwrap() as usize - 1;
                let length = (d["end"].as_u64().unwrap() - d["start"].as_u64().unwrap()) as usize;
                // Evidence of several lines is shown in its first.
                let marked = text.get(column..(column + length).min(text.len())).unwrap_or_default();
                d["code"] == kind.code()
                    && (marked.contains(at) || (!marked.is_empty() && at.starts_with(marked)) || at.is_empty())
            })
        };
        let is_error = |kind: &DefectKind| !matches!(kind, BranchWithoutCookie | BareLineFeed | MessageTruncated);
        let code = match expect {
            // What is valid and all the same told as an error lies about its length.
            Valid(told) => i32::from(told.iter().any(is_error)),
            Invalid(wanted) => {
                let missed = wanted.iter().filter(|(kind, at)| !shown(*kind, at));
                wrong.extend(missed.map(|(kind, at)| format!("{name}: no {kind:?} at {at:?} in {defects:?}")));
                1
            }
        };
        if ran.status.code() != Some(code) {
            wrong.push(format!("{name}: exit {:?}, not {code}: {defects:?}", ran.status.code()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lint_says_the_same_of_each_file() {
    let Some(corpus) = corpus() else { return };
    lint(&corpus.join("rfc4475/sipx"), ".dat", RFC_4475);
    lint(&corpus.join("rfc5118/sipx"), "", RFC_5118);
}
