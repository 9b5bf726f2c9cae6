use crate::base::Span;
use crate::sip::{DefectKind, HeaderName, Method, Outline, StartLine};

const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776;rport\r\n\
    Max-Forwards: 70\r\nTo: Bob <sip:bob@example.com>\r\nFrom: \"Alice\" <sip:alice@example.com>;tag=1928\r\n\
    Call-ID: a84b4c76e66710\r\nCSeq: 314159 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\n\
    Content-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n";

fn read(text: &[u8]) -> Outline {
    let mut outline = Outline::new();
    assert!(outline.read(text), "{:?}", String::from_utf8_lossy(text));
    outline
}

fn kinds(text: &str) -> Vec<(DefectKind, &str)> {
    let outline = read(text.as_bytes());
    outline.defects.iter().map(|d| (d.kind, std::str::from_utf8(d.span.of(text.as_bytes())).unwrap())).collect()
}

#[test]
fn every_named_part_is_found() {
    let bytes = INVITE.as_bytes();
    let o = read(bytes);
    let at = |span: Span| std::str::from_utf8(span.of(bytes)).unwrap();
    let StartLine::Request { method, uri, version, .. } = o.start else { unreachable!() };
    assert_eq!((method, at(uri), at(version)), (Method::Invite, "sip:bob@example.com", "SIP/2.0"));
    assert_eq!((at(o.sent_by), at(o.branch), o.vias), ("192.0.2.1:5060", "z9hG4bK776", 1));
    assert_eq!(at(o.via), "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776;rport");
    assert_eq!((at(o.from_uri), at(o.from_tag)), ("sip:alice@example.com", "1928"));
    assert_eq!((at(o.to_uri), o.to_tag), ("sip:bob@example.com", Span::NONE));
    assert_eq!((at(o.to), at(o.call_id)), ("Bob <sip:bob@example.com>", "a84b4c76e66710"));
    let cseq = o.cseq.unwrap();
    assert_eq!((cseq.number, cseq.method, at(cseq.method_span)), (314_159, Method::Invite, "INVITE"));
    assert_eq!((at(o.contact), at(o.content_type)), ("<sip:alice@192.0.2.1>", "application/sdp"));
    assert_eq!((o.content_length, o.max_forwards, at(o.body)), (Some(4), Some(70), "v=0\n"));
    assert!(at(o.head).starts_with("Via:") && at(o.head).ends_with("Length: 4\r\n"));
    assert_eq!((o.fields.len(), o.fields[2].name, at(o.fields[2].name_span)), (9, HeaderName::To, "To"));
    assert_eq!(o.defects, []);
}

#[test]
fn an_outline_is_used_again_and_forgets_the_message_before() {
    let mut o = read(INVITE.as_bytes());
    assert!(o.read(b"SIP/2.0 200 OK\r\n\r\n"));
    assert_eq!((o.vias, o.cseq, o.call_id, o.fields.len()), (0, None, Span::NONE, 0));
    assert!(!o.read(b"GET / HTTP/1.1\r\n\r\n"));
}

#[test]
fn folds_compact_forms_and_spaced_colons() {
    let text = "ACK sip:b SIP/2.0\r\nv :\r\n SIP/2.0/UDP h\r\n\t;branch=z9hG4bKa,SIP/2.0/UDP i\r\nF:<sip:a>\r\n ;tag=\r\n x\r\n\
        t\t: sip:b;tag=y\r\ni:1\r\ncseq: 9 \r\n ACK\r\nMAX-FORWARDS: 0070\r\n\r\n";
    let o = read(text.as_bytes());
    let at = |span: Span| std::str::from_utf8(span.of(text.as_bytes())).unwrap();
    assert_eq!((at(o.branch), at(o.sent_by), o.vias), ("z9hG4bKa", "h", 2));
    assert_eq!((at(o.from_tag), at(o.to_tag), o.max_forwards), ("x", "y", Some(70)));
    assert_eq!(o.cseq.map(|c| c.number), Some(9));
    assert_eq!(o.defects, []);
}

#[test]
fn each_defect_names_its_bytes() {
    use DefectKind::*;
    let with = |from: &str, to: &str| INVITE.replacen(from, to, 1);
    for (text, kind, at) in [
        (with("Content-Length: 4", "Content-Length: 9"), ContentLengthMismatch, "9"),
        (with("Content-Length: 4", "Content-Length: 3"), ContentLengthMismatch, ""),
        (with("Content-Length: 4", "Content-Length: -4"), HeaderMalformed, "-4"),
        (with("Content-Length: 4", "Content-Length: 4294967296"), HeaderMalformed, "4294967296"),
        (with("314159 INVITE", "314159 BYE"), CseqMethodMismatch, "BYE"),
        (with("314159 INVITE", "4294967296 INVITE"), HeaderMalformed, "4294967296 INVITE"),
        (with("314159 INVITE", "314159"), HeaderMalformed, "314159"),
        (with("Max-Forwards: 70\r\n", ""), HeaderMissing, ""),
        (with("Max-Forwards: 70", "Max-Forwards: many"), HeaderMalformed, "many"),
        (with("Max-Forwards: 70", "Max-Forwards 70"), HeaderMalformed, "Max-Forwards 70"),
        (with("Max-Forwards: 70", "Max-Forwards: 70\r\nmax-forwards: 9"), HeaderDuplicate, "9"),
        (with("Max-Forwards: 70\r\n", "Max-Forwards: 70\n"), BareLineFeed, "\n"),
        (with("z9hG4bK776", "776"), BranchWithoutCookie, "776"),
        (with("Bob <sip:bob@example.com>", "<sip:bob@example.com"), HeaderMalformed, "<sip:bob@example.com"),
        (with("SIP/2.0/UDP 192", "UDP 192"), HeaderMalformed, "UDP 192.0.2.1:5060;branch=z9hG4bK776;rport"),
        (with(" SIP/2.0\r", " SIP/3.0\r"), VersionUnknown, "SIP/3.0"),
        (with(" SIP/2.0\r", "  SIP/2.0\r"), StartLineMalformed, "  "),
        (with("\r\n\r\nv=0\n", "\r\n"), MessageTruncated, ""),
    ] {
        let found = kinds(&text);
        let expected_at = if kind == ContentLengthMismatch && at.is_empty() { "\n" } else { at };
        match (kind, expected_at) {
            // A surplus of line ends alone is none.
            (ContentLengthMismatch, "\n") => assert_eq!(found, []),
            (BranchWithoutCookie, _) => assert_eq!(found, [(kind, at)]),
            (MessageTruncated, _) => assert_eq!(found.last(), Some(&(kind, at))),
            _ => assert!(found.contains(&(kind, at)), "{text} gives {found:?}"),
        }
    }
    assert_eq!(kinds(&(INVITE.to_owned() + "rest")), [(ContentLengthMismatch, "rest")]);
}

#[test]
fn what_a_snap_length_cut_is_no_fault_of_the_sender() {
    let mut o = Outline::new();
    for end in 40..INVITE.len() {
        assert!(o.read_cut(&INVITE.as_bytes()[..end]));
        let found: Vec<_> = o.defects.iter().map(|d| d.kind).collect();
        assert_eq!(found, [DefectKind::MessageTruncated], "cut at {end}");
    }
    assert!(o.read_cut(&INVITE.as_bytes()[..INVITE.find("66710").unwrap()]));
    assert_eq!(o.call_id, Span::NONE, "half a Call-ID is none");
}

#[test]
fn too_many_fields_and_defects_are_counted_not_kept() {
    let many = format!("BYE sip:a SIP/2.0\r\n{}\r\n", "a: b\r\nno colon\r\n".repeat(5000));
    let o = read(many.as_bytes());
    assert_eq!((o.fields.len(), o.fields_lost), (super::MAX_FIELDS, 5000 - super::MAX_FIELDS as u32));
    assert_eq!(o.defects.len(), super::MAX_DEFECTS);
}
