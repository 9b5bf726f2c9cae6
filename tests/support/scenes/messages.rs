//! The messages of `testdata/messages/`. Each has one thing that a reader has to say something about, or has to be quiet about.

/// A message, what it shows, and the findings that it must give.
pub struct Specimen {
    /// Its file name without `.sip`.
    pub name: &'static str,
    /// What it shows.
    pub shows: &'static str,
    /// Codes of the defects that a reader finds in its form; none for a message without fault.
    pub findings: &'static [&'static str],
    /// Its bytes.
    pub bytes: &'static [u8],
}

macro_rules! specimen {
    ($name:literal, $shows:literal, [$($code:literal),*], $($line:literal),+ $(,)?) => {
        Specimen { name: $name, shows: $shows, findings: &[$($code),*], bytes: concat!($($line),+).as_bytes() }
    };
}

/// All of them.
pub const MESSAGES: &[Specimen] = &[
    specimen!(
        "header-missing",
        "an OPTIONS without Call-ID",
        ["header-missing"],
        "OPTIONS sip:bob@example.com SIP/2.0\r\n",
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-m1\r\n",
        "Max-Forwards: 70\r\n",
        "From: <sip:alice@example.com>;tag=m1\r\n",
        "To: <sip:bob@example.com>\r\n",
        "CSeq: 1 OPTIONS\r\n",
        "Content-Length: 0\r\n\r\n"
    ),
    specimen!(
        "header-duplicate",
        "a second From",
        ["header-duplicate"],
        "OPTIONS sip:bob@example.com SIP/2.0\r\n",
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-m2\r\n",
        "Max-Forwards: 70\r\n",
        "From: <sip:alice@example.com>;tag=m2\r\n",
        "From: <sip:mallory@example.com>;tag=m2\r\n",
        "To: <sip:bob@example.com>\r\n",
        "Call-ID: header-duplicate@192.0.2.10\r\n",
        "CSeq: 2 OPTIONS\r\n",
        "Content-Length: 0\r\n\r\n"
    ),
    specimen!(
        "header-malformed",
        "a Contact with a '>' too many",
        ["header-malformed"],
        "OPTIONS sip:bob@example.com SIP/2.0\r\n",
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-m3\r\n",
        "Max-Forwards: 70\r\n",
        "From: <sip:alice@example.com>;tag=m3\r\n",
        "To: <sip:bob@example.com>\r\n",
        "Contact: \"Alice\" <sip:alice@192.0.2.10>>\r\n",
        "Call-ID: header-malformed@192.0.2.10\r\n",
        "CSeq: 3 OPTIONS\r\n",
        "Content-Length: 0\r\n\r\n"
    ),
    specimen!(
        "content-length-mismatch",
        "Content-Length says more than is there",
        ["content-length-mismatch"],
        "MESSAGE sip:bob@example.com SIP/2.0\r\n",
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-m4\r\n",
        "Max-Forwards: 70\r\n",
        "From: <sip:alice@example.com>;tag=m4\r\n",
        "To: <sip:bob@example.com>\r\n",
        "Call-ID: content-length-mismatch@192.0.2.10\r\n",
        "CSeq: 4 MESSAGE\r\n",
        "Content-Type: text/plain\r\n",
        "Content-Length: 400\r\n\r\n",
        "hello\r\n"
    ),
    specimen!(
        "cseq-method-mismatch",
        "CSeq names another method than the start line",
        ["cseq-method-mismatch"],
        "OPTIONS sip:bob@example.com SIP/2.0\r\n",
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-m5\r\n",
        "Max-Forwards: 70\r\n",
        "From: <sip:alice@example.com>;tag=m5\r\n",
        "To: <sip:bob@example.com>\r\n",
        "Call-ID: cseq-method-mismatch@192.0.2.10\r\n",
        "CSeq: 5 SUBSCRIBE\r\n",
        "Content-Length: 0\r\n\r\n"
    ),
    specimen!(
        "start-line-malformed",
        "two blanks in the start line",
        ["start-line-malformed"],
        "OPTIONS  sip:bob@example.com SIP/2.0\r\n",
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-m6\r\n",
        "Max-Forwards: 70\r\n",
        "From: <sip:alice@example.com>;tag=m6\r\n",
        "To: <sip:bob@example.com>\r\n",
        "Call-ID: start-line-malformed@192.0.2.10\r\n",
        "CSeq: 6 OPTIONS\r\n",
        "Content-Length: 0\r\n\r\n"
    ),
    specimen!(
        "uri-malformed",
        "a Request-URI in angle brackets",
        ["uri-malformed"],
        "OPTIONS <sip:bob@example.com> SIP/2.0\r\n",
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-m7\r\n",
        "Max-Forwards: 70\r\n",
        "From: <sip:alice@example.com>;tag=m7\r\n",
        "To: <sip:bob@example.com>\r\n",
        "Call-ID: uri-malformed@192.0.2.10\r\n",
        "CSeq: 7 OPTIONS\r\n",
        "Content-Length: 0\r\n\r\n"
    ),
    specimen!(
        "branch-without-cookie",
        "a branch as of RFC 2543",
        ["branch-without-cookie"],
        "OPTIONS sip:bob@example.com SIP/2.0\r\n",
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=1.1\r\n",
        "Max-Forwards: 70\r\n",
        "From: <sip:alice@example.com>;tag=m8\r\n",
        "To: <sip:bob@example.com>\r\n",
        "Call-ID: branch-without-cookie@192.0.2.10\r\n",
        "CSeq: 8 OPTIONS\r\n",
        "Content-Length: 0\r\n\r\n"
    ),
    specimen!(
        "bare-line-feed",
        "lines that end with LF alone",
        ["bare-line-feed"],
        "OPTIONS sip:bob@example.com SIP/2.0\n",
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-m9\n",
        "Max-Forwards: 70\n",
        "From: <sip:alice@example.com>;tag=m9\n",
        "To: <sip:bob@example.com>\n",
        "Call-ID: bare-line-feed@192.0.2.10\n",
        "CSeq: 9 OPTIONS\n",
        "Content-Length: 0\n\n"
    ),
    specimen!(
        "version-unknown",
        "a request of SIP/7.0",
        ["version-unknown"],
        "OPTIONS sip:bob@example.com SIP/7.0\r\n",
        "Via: SIP/7.0/UDP 192.0.2.10:5060;branch=z9hG4bK-m10\r\n",
        "Max-Forwards: 70\r\n",
        "From: <sip:alice@example.com>;tag=m10\r\n",
        "To: <sip:bob@example.com>\r\n",
        "Call-ID: version-unknown@192.0.2.10\r\n",
        "CSeq: 10 OPTIONS\r\n",
        "Content-Length: 0\r\n\r\n"
    ),
    specimen!(
        "message-truncated",
        "the datagram ends within the header",
        ["message-truncated"],
        "OPTIONS sip:bob@example.com SIP/2.0\r\n",
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-m11\r\n",
        "Max-Forwards: 70\r\n",
        "From: <sip:alice@example.com>;tag=m11\r\n",
        "To: <sip:bob@example.com>\r\n",
        "Call-ID: message-truncated@192.0.2.10\r\n",
        "CSeq: 11 OPTIONS\r\n",
        "Contact: <sip:alice@192.0.2.10>"
    ),
    specimen!(
        "odd-but-valid",
        "compact forms, folding, odd case, escapes: nothing is wrong with it",
        [],
        "OPTIONS sip:b%6fb@EXAMPLE.com;transport=udp SIP/2.0\r\n",
        "v:  SIP / 2.0 / UDP\r\n 192.0.2.10:5060 ;branch = z9hG4bK-m12\r\n",
        "MAX-FORWARDS : 0070\r\n",
        "f: \"\\\"Alice\\\"\"\r\n\t<sip:alice@example.com> ;tag= m12\r\n",
        "t: sip:bob@example.com\r\n",
        "i: odd-but-valid@192.0.2.10\r\n",
        "cSeQ: 12\r\n OPTIONS\r\n",
        "k: \r\n",
        "l: 0\r\n\r\n"
    ),
];
