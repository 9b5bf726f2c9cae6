//! Secrets made from secrets: HMAC, the PRFs of TLS 1.0 to 1.2 and HKDF-Expand-Label of TLS 1.3.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384};

use super::Version;

/// A hash function of the suites that are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

/// The most bytes that any of the hashes gives.
pub(super) const MAX_HASH: usize = 48;

/// What a hash or HMAC gives, without an allocation.
#[derive(Clone, Copy)]
pub(super) struct Output {
    bytes: [u8; MAX_HASH],
    len: usize,
}

impl Output {
    fn new(from: &[u8]) -> Self {
        let mut bytes = [0; MAX_HASH];
        let len = from.len().min(MAX_HASH);
        bytes[..len].copy_from_slice(&from[..len]);
        Output { bytes, len }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Hash {
    /// Bytes of output.
    pub(super) const fn len(self) -> usize {
        match self {
            Hash::Md5 => 16,
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
        }
    }

    /// The hash of the concatenation of `parts`.
    pub(super) fn digest(self, parts: &[&[u8]]) -> Output {
        fn run<D: md5::Digest>(parts: &[&[u8]]) -> Output {
            let mut d = D::new();
            for part in parts {
                d.update(part);
            }
            Output::new(&d.finalize())
        }
        match self {
            Hash::Md5 => run::<Md5>(parts),
            Hash::Sha1 => run::<Sha1>(parts),
            Hash::Sha256 => run::<Sha256>(parts),
            Hash::Sha384 => run::<Sha384>(parts),
        }
    }
}

/// An HMAC whose key has been taken in once and is used for many messages.
#[derive(Clone)]
pub(super) enum MacKey {
    Md5(Hmac<Md5>),
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
}

impl MacKey {
    /// The HMAC of `hash` under `key`, of any length; `None` never happens with HMAC and is passed on all the same.
    pub(super) fn new(hash: Hash, key: &[u8]) -> Option<Self> {
        Some(match hash {
            Hash::Md5 => MacKey::Md5(Hmac::new_from_slice(key).ok()?),
            Hash::Sha1 => MacKey::Sha1(Hmac::new_from_slice(key).ok()?),
            Hash::Sha256 => MacKey::Sha256(Hmac::new_from_slice(key).ok()?),
            Hash::Sha384 => MacKey::Sha384(Hmac::new_from_slice(key).ok()?),
        })
    }

    /// Bytes of output.
    pub(super) fn len(&self) -> usize {
        match self {
            MacKey::Md5(_) => 16,
            MacKey::Sha1(_) => 20,
            MacKey::Sha256(_) => 32,
            MacKey::Sha384(_) => 48,
        }
    }

    /// The MAC of the concatenation of `parts`.
    pub(super) fn mac(&self, parts: &[&[u8]]) -> Output {
        fn run<M: Mac>(mut mac: M, parts: &[&[u8]]) -> Output {
            for part in parts {
                mac.update(part);
            }
            Output::new(&mac.finalize().into_bytes())
        }
        match self {
            MacKey::Md5(m) => run(m.clone(), parts),
            MacKey::Sha1(m) => run(m.clone(), parts),
            MacKey::Sha256(m) => run(m.clone(), parts),
            MacKey::Sha384(m) => run(m.clone(), parts),
        }
    }
}

/// P_hash of RFC 5246 §5, mixed into `out` by exclusive or, so that TLS 1.0 can run it twice.
fn p_hash(hash: Hash, secret: &[u8], seed: &[&[u8]], out: &mut [u8]) -> Option<()> {
    let key = MacKey::new(hash, secret)?;
    let mut a = key.mac(seed);
    for chunk in out.chunks_mut(hash.len()) {
        let mut parts = Vec::with_capacity(seed.len() + 1);
        parts.push(a.as_slice());
        parts.extend_from_slice(seed);
        for (o, b) in chunk.iter_mut().zip(key.mac(&parts).as_slice()) {
            *o ^= b;
        }
        a = key.mac(&[a.as_slice()]);
    }
    Some(())
}

/// Fills `out` from the PRF of `version`: MD5 and SHA-1 side by side up to TLS 1.1 (RFC 2246 §5), one hash in TLS 1.2.
pub(super) fn prf(version: Version, hash: Hash, secret: &[u8], seed: &[&[u8]], out: &mut [u8]) -> Option<()> {
    out.fill(0);
    if version >= Version::Tls12 {
        return p_hash(hash, secret, seed, out);
    }
    // The halves share the middle byte of a secret of odd length.
    let half = secret.len().div_ceil(2);
    p_hash(Hash::Md5, secret.get(..half)?, seed, out)?;
    p_hash(Hash::Sha1, secret.get(secret.len() - half..)?, seed, out)
}

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
pub(super) fn expand_label(hash: Hash, secret: &[u8], label: &str, out: &mut [u8]) -> Option<()> {
    let key = MacKey::new(hash, secret)?;
    let length = u16::try_from(out.len()).ok()?.to_be_bytes();
    let label_length = [u8::try_from(label.len() + 6).ok()?];
    let mut previous = Output::new(&[]);
    for (chunk, counter) in out.chunks_mut(hash.len()).zip(1u8..) {
        let info: [&[u8]; 7] =
            [previous.as_slice(), &length, &label_length, b"tls13 ", label.as_bytes(), &[0], &[counter]];
        let block = key.mac(&info);
        chunk.copy_from_slice(block.as_slice().get(..chunk.len())?);
        previous = block;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tls::tests::hex;

    #[test]
    fn expand_label_gives_the_keys_of_the_published_trace() {
        // RFC 8448 §3, {server} derive write traffic keys for handshake data.
        let secret = hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        expand_label(Hash::Sha256, &secret, "key", &mut key).unwrap();
        expand_label(Hash::Sha256, &secret, "iv", &mut iv).unwrap();
        assert_eq!(key.as_slice(), hex("3fce516009c21727d0f2e4e86ee403bc"));
        assert_eq!(iv.as_slice(), hex("5d313eb2671276ee13000b30"));
    }

    #[test]
    fn hmac_gives_the_published_values() {
        // RFC 2202 §2 and §3, RFC 4231 §4.3: test case 2.
        let of = |hash| MacKey::new(hash, b"Jefe").unwrap().mac(&[b"what do ya ", b"want for nothing?"]);
        assert_eq!(of(Hash::Md5).as_slice(), hex("750c783e6ab0b503eaa86e310a5db738"));
        assert_eq!(of(Hash::Sha1).as_slice(), hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
        assert_eq!(
            of(Hash::Sha256).as_slice(),
            hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        );
    }
}
