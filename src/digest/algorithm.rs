//! The digest algorithms. RFC 7616 §3.2, RFC 8760 §2

/// An algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// `MD5`, the default where none is named.
    Md5,
    /// `MD5-sess`
    Md5Sess,
    /// `SHA-256`
    Sha256,
    /// `SHA-256-sess`
    Sha256Sess,
    /// `SHA-512-256`
    Sha512t256,
    /// `SHA-512-256-sess`
    Sha512t256Sess,
}

impl Algorithm {
    /// All, weakest first.
    pub const ALL: [Algorithm; 6] = [
        Algorithm::Md5,
        Algorithm::Md5Sess,
        Algorithm::Sha256,
        Algorithm::Sha256Sess,
        Algorithm::Sha512t256,
        Algorithm::Sha512t256Sess,
    ];

    /// As header fields write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Md5Sess => "MD5-sess",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha256Sess => "SHA-256-sess",
            Algorithm::Sha512t256 => "SHA-512-256",
            Algorithm::Sha512t256Sess => "SHA-512-256-sess",
        }
    }

    /// The algorithm of that name, whatever its case.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Algorithm::ALL.into_iter().find(|a| a.name().eq_ignore_ascii_case(name))
    }

    /// Whether the key holds nonce and cnonce. RFC 7616 §3.4.2
    #[must_use]
    pub fn is_session(self) -> bool {
        matches!(self, Algorithm::Md5Sess | Algorithm::Sha256Sess | Algorithm::Sha512t256Sess)
    }

    /// Hash of the bytes, in lower-case hexadecimal digits.
    #[must_use]
    pub fn hash(self, bytes: &[u8]) -> String {
        use sha2::Digest;
        match self {
            Algorithm::Md5 | Algorithm::Md5Sess => hex(&md5::Md5::digest(bytes)),
            Algorithm::Sha256 | Algorithm::Sha256Sess => hex(&sha2::Sha256::digest(bytes)),
            // SHA-512/256 has initial values of its own (FIPS 180-4): it is not SHA-512 cut short.
            Algorithm::Sha512t256 | Algorithm::Sha512t256Sess => hex(&sha2::Sha512_256::digest(bytes)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into memory does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    /// Expectations of `printf abc | openssl dgst -md5`, `-sha256` and `-sha512-256`.
    #[test]
    fn hashes_are_those_of_openssl() {
        assert_eq!(Algorithm::Md5.hash(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Algorithm::Sha256.hash(b"abc"), sha256);
        let sha512_256 = "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23";
        assert_eq!(Algorithm::Sha512t256.hash(b"abc"), sha512_256);
        for (plain, session) in
            [(Algorithm::Md5, Algorithm::Md5Sess), (Algorithm::Sha512t256, Algorithm::Sha512t256Sess)]
        {
            assert_eq!(plain.hash(b"x"), session.hash(b"x"));
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_strength_is_their_order() {
        assert_eq!(Algorithm::of("md5-SESS"), Some(Algorithm::Md5Sess));
        assert_eq!(Algorithm::of("SHA-512-256"), Some(Algorithm::Sha512t256));
        assert_eq!(Algorithm::of("MD6"), None);
        assert_eq!(Algorithm::of(""), None);
        assert!(Algorithm::Md5Sess < Algorithm::Sha256 && Algorithm::Sha256Sess < Algorithm::Sha512t256);
        assert!(Algorithm::ALL.iter().all(|&a| Algorithm::of(a.name()) == Some(a)));
    }
}
