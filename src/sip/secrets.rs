//! Secrets within a message, struck out. Every byte keeps its place, so that spans and lengths stay true.
//!
//! Struck out are credentials that can be used again (Basic, Bearer and every scheme but Digest, whose response proves a
//! password without telling it) and keys of media: SDES (RFC 4568), MIKEY (RFC 4567) and the old `k=` line.

use std::borrow::Cow;

/// The message with its secrets struck out.
#[must_use]
pub fn hide(message: &[u8]) -> Cow<'_, [u8]> {
    let mut shown = Cow::Borrowed(message);
    let (mut at, mut continues) = (0, false);
    while at < message.len() {
        let end = memchr::memchr(b'\n', &message[at..]).map_or(message.len(), |n| at + n);
        let line = &message[at..end];
        let folded = continues && matches!(line.first(), Some(b' ' | b'\t'));
        let from = if folded { Some(0) } else { credentials(line) };
        continues = from.is_some();
        match from {
            Some(from) => strike(&mut shown, at + from, end),
            None => each_key(line, |start, stop| strike(&mut shown, at + start, at + stop)),
        }
        at = end + 1;
    }
    shown
}

/// Where the credentials of an (Proxy-)Authorization line begin, if they can be used again.
fn credentials(line: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', line.get(..40.min(line.len()))?)?;
    let name = line[..colon].trim_ascii();
    let is_one = [&b"authorization"[..], b"proxy-authorization"].iter().any(|n| name.eq_ignore_ascii_case(n));
    if !is_one {
        return None;
    }
    let scheme = colon + 1 + line[colon + 1..].iter().position(|b| !b.is_ascii_whitespace())?;
    let len = line[scheme..].iter().position(u8::is_ascii_whitespace).unwrap_or(line.len() - scheme);
    (!line[scheme..scheme + len].eq_ignore_ascii_case(b"Digest")).then_some(scheme + len)
}

/// The places of media keys in a line of SDP.
fn each_key(line: &[u8], mut key: impl FnMut(usize, usize)) {
    let to_end = |from: usize, stops: &[u8]| {
        line[from..].iter().position(|b| stops.contains(b)).map_or(line.len(), |n| from + n)
    };
    if line.starts_with(b"a=crypto:") {
        for found in memchr::memmem::find_iter(line, b"inline:") {
            key(found + 7, to_end(found + 7, b"|; \r"));
        }
    } else if let Some(found) = memchr::memmem::find(line, b"mikey ").filter(|_| line.starts_with(b"a=key-mgmt:")) {
        key(found + 6, line.len());
    } else if line.starts_with(b"k=")
        && let Some(colon) = memchr::memchr(b':', line)
    {
        key(colon + 1, line.len());
    }
}

/// Puts a star over every visible byte.
fn strike(shown: &mut Cow<'_, [u8]>, start: usize, end: usize) {
    if let Some(bytes) = shown.to_mut().get_mut(start..end) {
        bytes.iter_mut().filter(|b| !b.is_ascii_whitespace()).for_each(|b| *b = b'*');
    }
}

#[cfg(test)]
mod tests {
    use super::hide;
    use std::borrow::Cow;

    fn hidden(message: &str) -> String {
        let shown = hide(message.as_bytes());
        assert_eq!(shown.len(), message.len());
        String::from_utf8(shown.into_owned()).unwrap()
    }

    #[test]
    fn credentials_that_can_be_used_again_are_struck_out() {
        assert_eq!(
            hidden("Authorization: Basic YWxhZGRpbg==\r\nTo: x\r\n"),
            "Authorization: Basic ************\r\nTo: x\r\n"
        );
        assert_eq!(
            hidden("proxy-authorization :Bearer\r\n abc\r\nTo: x"),
            "proxy-authorization :Bearer\r\n ***\r\nTo: x"
        );
        assert_eq!(hidden("Authorization: token"), "Authorization: token", "a scheme alone tells nothing");
    }

    #[test]
    fn keys_of_media_are_struck_out() {
        let line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3|2^20|1:4;inline:ab\r\n";
        assert_eq!(hidden(line), "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:****************|2^20|1:4;inline:**\r\n");
        assert_eq!(hidden("k=clear:secret\nk=prompt\n"), "k=clear:******\nk=prompt\n");
        assert_eq!(hidden("a=key-mgmt:mikey AQAFgM0X\n"), "a=key-mgmt:mikey ********\n");
    }

    #[test]
    fn what_holds_no_secret_is_not_copied() {
        let message = b"INVITE sip:b SIP/2.0\r\nAuthorization: Digest username=\"a\", response=\"00\"\r\n\r\nv=0\r\na=rtpmap:0\r\n";
        assert!(matches!(hide(message), Cow::Borrowed(_)));
        assert!(matches!(hide(b""), Cow::Borrowed(_)));
    }
}
