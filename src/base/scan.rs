//! Finding bytes in short texts. The values of a message are mostly shorter than what pays for a call, so that this is
//! inlined where it is used and looks at sixteen bytes at a time.

use wide::u8x16;

/// Bytes that are looked at together.
const STEP: usize = 16;

/// Offset of the first byte of `bytes` that is one of `wanted`.
#[inline(always)]
#[must_use]
pub fn find<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> Option<usize> {
    let (steps, rest) = bytes.as_chunks::<STEP>();
    for (n, step) in steps.iter().enumerate() {
        if let Some(at) = first_of(wanted, step) {
            return Some(n * STEP + at);
        }
    }
    if rest.is_empty() {
        return None;
    }
    match bytes.last_chunk::<STEP>() {
        // Looks once more at bytes that are none of the wanted: cheaper than one by one.
        Some(last) => first_of(wanted, last).map(|at| bytes.len() - STEP + at),
        None => first_of_few(wanted, rest),
    }
}

/// [`find`] in less than a step.
#[inline(always)]
fn first_of_few<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> Option<usize> {
    let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) else {
        return bytes.iter().position(|b| wanted.contains(b));
    };
    let at = first_in_word(wanted, u64::from_le_bytes(*first));
    at.or_else(|| first_in_word(wanted, u64::from_le_bytes(*last)).map(|at| bytes.len() - 8 + at))
}

/// Offset of the first wanted byte in a word, counted from its lowest byte.
#[inline(always)]
fn first_in_word<const N: usize>(wanted: [u8; N], word: u64) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut found = 0;
    for byte in wanted {
        // A wanted byte becomes zero; the lowest bit that the subtraction borrows marks the first of them.
        let word = word ^ (ONES * u64::from(byte));
        found |= word.wrapping_sub(ONES) & !word & (ONES << 7);
    }
    (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
}

/// Offset of the first wanted byte in a step.
#[inline(always)]
fn first_of<const N: usize>(wanted: [u8; N], step: &[u8; STEP]) -> Option<usize> {
    let text = u8x16::from(*step);
    let same = wanted.into_iter().fold(u8x16::ZERO, |same, byte| same | text.simd_eq(u8x16::splat(byte)));
    let bits = same.to_bitmask();
    (bits != 0).then(|| bits.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::{find, first_in_word};

    #[test]
    fn the_first_is_found_wherever_it_is() {
        for before in 0..70 {
            for after in 0..40 {
                let text = format!("{};{}", "-\u{ba}:".repeat(before).get(..before).unwrap_or("-"), ":".repeat(after));
                let text = text.as_bytes();
                let place = text.iter().position(|&b| b == b';');
                assert_eq!(find([b';'], text), place);
                assert_eq!(find([b'"', b'<', b';'], text), place);
                assert_eq!(find([b'"', b'<'], text), None);
                assert_eq!(find([b';', b':'], text), text.iter().position(|b| b";:".contains(b)));
            }
        }
        assert_eq!(find([0], b""), None);
    }

    #[test]
    fn neighbours_of_a_wanted_byte_are_not_taken_for_it() {
        for (text, place) in
            [(b"\x01\x00\x01\x00\x01\x01\x00\x01", 1), (b";:;:<;;;", 4), (b"\x80\xbb;<<\xff\xff\xff", 3)]
        {
            let wanted = text[place];
            assert_eq!(first_in_word([wanted], u64::from_le_bytes(*text)), Some(place));
            assert_eq!(find([wanted], text), Some(place));
        }
    }
}
