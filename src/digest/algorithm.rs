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
        let _ = bytes;
        todo!()
    }
}
