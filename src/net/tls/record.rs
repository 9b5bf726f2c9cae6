//! The record layer: its header, and how a stream is recognised as TLS.

use crate::base::Cursor;

/// Bytes of a record header (RFC 8446 §5.1).
pub(super) const HEADER: usize = 5;
/// The most bytes that may follow a header: 2^14 and the 2048 that TLS 1.2 allows for protection (RFC 5246 §6.2.3).
pub(super) const MAX_FRAGMENT: usize = 16_384 + 2_048;

/// The content types of RFC 8446 §5.1.
pub(super) mod content {
    pub(in super::super) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(in super::super) const ALERT: u8 = 21;
    pub(in super::super) const HANDSHAKE: u8 = 22;
    pub(in super::super) const APPLICATION_DATA: u8 = 23;
}

/// The header of a record, plausible in each of its fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// Content type, 20 to 24.
    pub kind: u8,
    /// Minor number of the version, 0 to 4.
    pub minor: u8,
    /// Bytes that follow the header.
    pub len: usize,
}

impl Header {
    /// Reads a header; `None` where fewer than five bytes are there or one cannot stand in a header.
    pub(super) fn parse(bytes: &[u8]) -> Option<Header> {
        let mut c = Cursor::new(bytes);
        let (kind, major, minor, len) = (c.u8()?, c.u8()?, c.u8()?, c.u16()?);
        let len = usize::from(len);
        // 24 is a heartbeat (RFC 6520 §3), which is stepped over. No record but one of data may be empty.
        let plausible = (content::CHANGE_CIPHER_SPEC..=24).contains(&kind)
            && major == 3
            && minor <= 4
            && len <= MAX_FRAGMENT
            && (len > 0 || kind == content::APPLICATION_DATA);
        plausible.then_some(Header { kind, minor, len })
    }

    /// The header as it was on the wire.
    pub(super) fn bytes(self) -> [u8; HEADER] {
        // `parse` has bounded the length; the mask keeps the conversion free of a panic.
        let [_, _, high, low] = ((self.len & 0xffff) as u32).to_be_bytes();
        [self.kind, 3, self.minor, high, low]
    }
}

/// Whether a stream begins with a ClientHello; `None` where more bytes are needed to tell (11 always suffice).
#[must_use]
pub fn looks_like_client_hello(bytes: &[u8]) -> Option<bool> {
    let fits = |at: usize, test: &dyn Fn(u8) -> bool| bytes.get(at).is_none_or(|&b| test(b));
    // Record: handshake, version 3.x; message: client_hello, legacy_version 3.x (RFC 8446 §4.1.2).
    let so_far = fits(0, &|b| b == content::HANDSHAKE)
        && fits(1, &|b| b == 3)
        && fits(2, &|b| b <= 4)
        && fits(3, &|b| b <= 0x40)
        && fits(5, &|b| b == 1)
        && fits(6, &|b| b <= 1)
        && fits(9, &|b| b == 3)
        && fits(10, &|b| b <= 4);
    match (so_far, bytes.len() >= 11) {
        (false, _) => Some(false),
        (true, true) => Some(Header::parse(bytes).is_some()),
        (true, false) => None,
    }
}

/// Whether a stream seen from its middle, or from the server's side, stands at the start of a record: a header, and
/// behind its record another where that much is there. `None` where more bytes are needed to tell (five, and the
/// record itself is not waited for).
#[must_use]
pub fn looks_like_record(bytes: &[u8]) -> Option<bool> {
    let fits = |at: usize, test: &dyn Fn(u8) -> bool| bytes.get(at).is_none_or(|&b| test(b));
    if bytes.len() < HEADER {
        let so_far = fits(0, &|b| (20..=23).contains(&b)) && fits(1, &|b| b == 3) && fits(2, &|b| b <= 4);
        return if so_far { None } else { Some(false) };
    }
    let Some(header) = Header::parse(bytes).filter(|h| h.kind != 24 && h.len > 0) else { return Some(false) };
    let body = bytes.get(HEADER..).unwrap_or_default();
    let shape = match header.kind {
        content::CHANGE_CIPHER_SPEC => header.len == 1 || header.len >= 16,
        content::ALERT => header.len == 2 || header.len >= 16,
        _ => true,
    };
    let next = body.get(header.len..).filter(|rest| rest.len() >= HEADER);
    Some(shape && next.is_none_or(|rest| Header::parse(rest).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_hello_is_told_from_sip_and_needs_eleven_bytes() {
        let hello = [0x16, 3, 1, 0x02, 0x00, 1, 0, 0x01, 0xfc, 3, 3, 0xaa];
        for n in 0..11 {
            assert_eq!(looks_like_client_hello(&hello[..n]), None, "{n}");
        }
        assert_eq!(looks_like_client_hello(&hello), Some(true));
        assert_eq!(looks_like_client_hello(b"O"), Some(false));
        assert_eq!(looks_like_client_hello(&[0x16, 3, 1, 2, 0, 2]), Some(false));
        assert_eq!(looks_like_client_hello(b"\r\n\r\n"), Some(false));
    }

    #[test]
    fn a_record_in_the_middle_must_be_followed_by_another() {
        let mut two = vec![23, 3, 3, 0, 2, 9, 9, 21, 3, 3, 0, 26];
        assert_eq!(looks_like_record(&two), Some(true));
        two[8] = 9;
        assert_eq!(looks_like_record(&two), Some(false));
        assert_eq!(looks_like_record(&two[..8]), Some(true));
        assert_eq!(looks_like_record(&[22, 3]), None);
        assert_eq!(looks_like_record(b"SIP/2.0 200 OK"), Some(false));
    }

    #[test]
    fn a_header_reads_back_as_it_was() {
        let bytes = [23, 3, 3, 0x12, 0x34];
        assert_eq!(Header::parse(&bytes).map(Header::bytes), Some(bytes));
        assert_eq!(Header::parse(&[23, 3, 3, 0x48, 0x01]), None);
        assert_eq!(Header::parse(&[22, 3, 3, 0, 0]), None);
    }
}
