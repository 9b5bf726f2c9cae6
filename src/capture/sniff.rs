//! What an input is, told by its first bytes; and for what is no capture, what it seems to be.

use super::{netmon_file, pcap_file, pcapng_file};

/// How an input starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Pcap,
    Pcapng,
    Netmon,
    Gzip,
    Zstd,
    /// Not a capture: what it looks like, and what to do.
    Other(&'static str, &'static str),
}

/// Judges the first bytes of an input (64 are plenty).
pub(super) fn kind(bytes: &[u8]) -> Kind {
    match bytes {
        [0x1f, 0x8b, 8, ..] => Kind::Gzip,
        // A frame, or a skippable frame, which parallel compressors write first.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Kind::Zstd,
        _ if pcap_file::is_pcap(bytes) => Kind::Pcap,
        _ if pcapng_file::is_pcapng(bytes) => Kind::Pcapng,
        _ if netmon_file::is_netmon(bytes) => Kind::Netmon,
        _ => other(bytes),
    }
}

const CONVERT: &str = "convert it with: editcap -F pcapng IN OUT";

/// Starts of formats that people hand over by mistake, with a name and a hint.
const KNOWN: &[(&[u8], &str, &str)] = &[
    (b"snoop\0\0\0", "a snoop capture", CONVERT),
    (b"XCP\0", "a Sniffer or NetXray capture", CONVERT),
    (b"TRSNIFF data    \x1a", "a Sniffer capture", CONVERT),
    (b"iptrace ", "an AIX iptrace capture", CONVERT),
    (b"btsnoop\0", "a Bluetooth capture", ""),
    (b"\x7fpkt", "an EtherPeek capture", CONVERT),
    (b"\x7fver", "an OmniPeek capture", CONVERT),
    (b"\x7fELF", "a program (ELF)", ""),
    (b"\xfd7zXZ\0", "xz-compressed data", "unpack it first: xz -d"),
    (b"BZh", "bzip2-compressed data", "unpack it first: bzip2 -d"),
    (b"\x04\x22\x4d\x18", "lz4-compressed data", "unpack it first: lz4 -d"),
    (b"PK\x03\x04", "a zip archive", "unpack it first: unzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-zip archive", "unpack it first: 7z x"),
    (b"RIFF", "a RIFF file (WAV audio?)", ""),
    (b"\x89PNG", "a picture (PNG)", ""),
    (b"\xff\xd8\xff", "a picture (JPEG)", ""),
    (b"%PDF", "a PDF document", ""),
    (b"SQLite format 3\0", "an SQLite database", ""),
    (b"#!", "a script", ""),
];

fn other(bytes: &[u8]) -> Kind {
    if bytes.is_empty() {
        return Kind::Other("it is empty", "");
    }
    if let Some(&(_, name, hint)) = KNOWN.iter().find(|(start, ..)| bytes.starts_with(start)) {
        return Kind::Other(name, hint);
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Kind::Other("a tar archive", "unpack it first: tar -xf");
    }
    if bytes.iter().all(|&b| b == 0) {
        return Kind::Other("zero bytes", "");
    }
    if bytes.iter().any(|&b| b < 0x20 && !matches!(b, b'\t' | b'\r' | b'\n' | 0x1b)) {
        return Kind::Other("unknown binary data", "");
    }
    let line = bytes.trim_ascii_start();
    let first = line.split(|&b| b == b'\n').next().unwrap_or(line);
    if line.starts_with(b"SIP/2.0 ") || first.windows(9).any(|w| w.ends_with(b" SIP/2.0")) || has_sip_uri(first) {
        return Kind::Other("a SIP start line, and no header field behind it", "");
    }
    match line.first() {
        Some(b'{' | b'[') => Kind::Other("JSON", ""),
        Some(b'<') => Kind::Other("XML or HTML", ""),
        _ => Kind::Other("text", ""),
    }
}

/// Whether a line reads `METHOD sip:…`: its version may lie beyond the bytes at hand.
fn has_sip_uri(line: &[u8]) -> bool {
    let target = line.splitn(2, |&b| b == b' ').nth(1).unwrap_or(&[]);
    target.starts_with(b"sip:") || target.starts_with(b"sips:")
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind};

    #[test]
    fn what_is_no_capture_is_named() {
        let name = |bytes: &[u8]| match kind(bytes) {
            Kind::Other(name, _) => name,
            _ => "a capture",
        };
        assert_eq!(name(b""), "it is empty");
        assert_eq!(name(b"\x7fELF\x02\x01\x01\0"), "a program (ELF)");
        assert_eq!(name(b"  {\"a\": 1}"), "JSON");
        assert_eq!(
            name(b"INVITE sip:bob@example.com SIP/2.0\r\nVia:"),
            "a SIP start line, and no header field behind it"
        );
        assert_eq!(
            name(b"OPTIONS sip:a-very-long-user@a-very-long-host.exam"),
            "a SIP start line, and no header field behind it"
        );
        assert_eq!(name(b"hello, world\n"), "text");
        assert_eq!(name(&[0; 64]), "zero bytes");
        assert_eq!(name(&[1, 2, 3]), "unknown binary data");
        assert_eq!(name(b"snoop\0\0\0\0\0\0\x02"), "a snoop capture");
    }

    #[test]
    fn captures_are_told_by_their_first_bytes() {
        assert_eq!(kind(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0]), Kind::Pcap);
        assert_eq!(kind(&[0xa1, 0xb2, 0x3c, 0x4d, 0, 2]), Kind::Pcap);
        assert_eq!(kind(&[0x0a, 0x0d, 0x0d, 0x0a, 0x1c, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a]), Kind::Pcapng);
        // The same first bytes as in a text file full of line ends.
        assert!(matches!(kind(b"\n\r\r\n\n\n\n\n\n\n\n\n\n"), Kind::Other(..)));
        assert_eq!(kind(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0]), Kind::Zstd);
        assert_eq!(kind(b"RTSS\x01\x01"), Kind::Netmon);
    }
}
