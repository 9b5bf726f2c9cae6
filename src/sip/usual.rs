//! Via, From and To as nearly all of them stand, each read in one go. `None` leaves a value to [`Via`](super::Via) or
//! [`Address`](super::Address), which read any shape; where something is found here, it is what they find.

use super::lex;
use crate::base::{Span, scan};

/// Whether there is something, and no white space around it.
#[inline]
pub(super) fn is_tight(text: &[u8]) -> bool {
    matches!(text, [first, .., last] if *first > b' ' && *last > b' ') || matches!(text, [only] if *only > b' ')
}

/// `SIP/2.0/UDP host:port;branch=…`, whatever parameters follow: sent-by and branch, as offsets in the value.
#[inline]
pub(super) fn via(value: &[u8]) -> Option<(Span, Span)> {
    const PROTOCOL: &[u8] = b"SIP/2.0/";
    const BRANCH: &[u8] = b";branch=";
    if !value.starts_with(PROTOCOL) || scan::find([b',', b'"', b'<'], value).is_some() {
        return None;
    }
    let transport_end = PROTOCOL.len() + scan::find([b' '], &value[PROTOCOL.len()..])?;
    let host = transport_end + 1;
    let host_end = host + scan::find([b';'], &value[host..])?;
    let rest = value[host_end..].strip_prefix(BRANCH)?;
    let branch = host_end + BRANCH.len();
    let branch_end = branch + scan::find([b';'], rest).unwrap_or(rest.len());
    let is_usual = lex::all(&value[PROTOCOL.len()..transport_end], lex::TOKEN)
        && is_tight(&value[host..host_end])
        && is_tight(&value[branch..branch_end]);
    is_usual.then(|| (Span::new(host, host_end), Span::new(branch, branch_end)))
}

/// `"Bob" <sip:bob@example.com>;tag=…`, display name and tag there or not, whatever parameters follow the tag: URI and
/// tag, as offsets in the value.
#[inline]
pub(super) fn address(value: &[u8]) -> Option<(Span, Option<Span>)> {
    const TAG: &[u8] = b";tag=";
    let display_end = match value {
        [b'"', rest @ ..] => {
            let quote = scan::find([b'"', b'\\'], rest)?;
            if rest[quote] != b'"' {
                return None;
            }
            quote + 2
        }
        _ => 0,
    };
    let uri = display_end + scan::find([b'<'], &value[display_end..])? + 1;
    let uri_end = uri + scan::find([b'>'], &value[uri..])?;
    if !is_tight(&value[uri..uri_end]) {
        return None;
    }
    let params = &value[uri_end + 1..];
    if params.is_empty() {
        return Some((Span::new(uri, uri_end), None));
    }
    let rest = params.strip_prefix(TAG)?;
    let end = match scan::find([b';', b'"', b'<'], rest) {
        None => rest.len(),
        Some(end) if rest[end] == b';' => end,
        Some(_) => return None,
    };
    let tag = uri_end + 1 + TAG.len();
    is_tight(&rest[..end]).then(|| (Span::new(uri, uri_end), Some(Span::new(tag, tag + end))))
}

#[cfg(test)]
mod tests {
    use super::{address, via};
    use crate::base::Span;
    use crate::sip::{Address, Via};

    /// Every text of up to six of the pieces, so that each meets each.
    fn all_of(pieces: &[&str], each: &mut dyn FnMut(&[u8])) {
        let mut places = [0usize; 6];
        loop {
            let text: String = places.iter().map(|&at| pieces[at]).collect();
            each(text.trim().as_bytes());
            let Some(at) = places.iter().position(|&at| at + 1 < pieces.len()) else { return };
            places[at] += 1;
            places[..at].fill(0);
        }
    }

    #[test]
    fn a_via_is_what_its_view_says() {
        let mut found = 0;
        let pieces = ["", "SIP/2.0/", "SIP/2.0/UDP", " ", "h:1", ";branch=", "z9", ";", "\"", ",", "<"];
        all_of(&pieces, &mut |text| {
            let Some((sent_by, branch)) = via(text) else { return };
            let view = Via::parse(text);
            assert_eq!(view.fault, None, "{text:?}");
            assert_eq!((sent_by.of(text), branch.of(text)), (view.sent_by, view.branch()), "{text:?}");
            assert_eq!(Address::split(text).count(), 1, "{text:?}");
            found += 1;
        });
        assert!(found > 20, "{found}");
    }

    #[test]
    fn an_address_is_what_its_view_says() {
        let mut found = 0;
        let pieces = ["", "\"", "a", "\\", " ", "<", "sip:b", ">", ";tag=", ";"];
        all_of(&pieces, &mut |text| {
            let Some((uri, tag)) = address(text) else { return };
            let view = Address::parse(text);
            assert_eq!(view.fault, None, "{text:?}");
            assert_eq!((uri.of(text), tag.unwrap_or(Span::NONE).of(text)), (view.uri, view.tag()), "{text:?}");
            found += 1;
        });
        assert!(found > 20, "{found}");
    }
}
