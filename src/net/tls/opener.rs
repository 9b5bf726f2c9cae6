//! What opens the protected records of one direction: a cipher, its keys, and how sequence numbers enter it.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;

use super::Version;
use super::block::{BlockKey, BlockOpener, Iv};
use super::record::{Header, content};
use super::schedule::{Hash, MacKey, expand_label};
use super::suite::Protection;

/// Bytes of an AEAD tag.
const TAG: usize = 16;

/// How opening a record ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opened {
    /// It verified.
    Record {
        /// The sequence number that fitted.
        seq: u64,
        /// The content type inside.
        kind: u8,
        /// Where the content starts in the fragment.
        start: usize,
        /// Where it ends.
        end: usize,
    },
    /// It did not verify.
    Failed,
    /// The record before is needed to open it (TLS 1.0); the next one can be opened again.
    IvMissing,
}

/// The suites' AEADs with their keys.
enum Aead {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
    ChaCha(Box<ChaCha20Poly1305>),
}

impl Aead {
    fn new(protection: Protection, key: &[u8]) -> Option<Self> {
        Some(match protection {
            Protection::Gcm { key: 16 } => Aead::Aes128(Box::new(Aes128Gcm::new_from_slice(key).ok()?)),
            Protection::Gcm { .. } => Aead::Aes256(Box::new(Aes256Gcm::new_from_slice(key).ok()?)),
            Protection::ChaCha20Poly1305 => Aead::ChaCha(Box::new(ChaCha20Poly1305::new_from_slice(key).ok()?)),
            Protection::Cbc { .. } | Protection::Null { .. } => return None,
        })
    }

    /// Decrypts `text` in place if `tag` fits; leaves it as it was if not.
    fn decrypt(&self, nonce: &[u8; 12], aad: &[u8], text: &mut [u8], tag: &[u8; TAG]) -> bool {
        let (nonce, tag) = (nonce.into(), tag.into());
        let text = InOutBuf::from(text);
        match self {
            Aead::Aes128(a) => a.decrypt_inout_detached(nonce, aad, text, tag),
            Aead::Aes256(a) => a.decrypt_inout_detached(nonce, aad, text, tag),
            Aead::ChaCha(a) => a.decrypt_inout_detached(nonce, aad, text, tag),
        }
        .is_ok()
    }
}

/// How the nonce and the additional data of an AEAD are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// Four bytes of key block and eight from the record (RFC 5288 §3).
    Explicit,
    /// The sequence number mixed into twelve bytes (RFC 7905 §2).
    Mixed,
    /// The same, the record header alone as additional data, and the content type inside (RFC 8446 §5.2).
    Tls13,
}

enum Kind {
    Aead { aead: Aead, iv: [u8; 12], scheme: Scheme },
    Block(Box<BlockOpener>),
}

/// Opens records of one direction under one set of keys.
pub(super) struct Opener(Kind);

/// The part of a key block that one direction uses (RFC 5246 §6.3).
pub(super) struct Keys<'a> {
    pub mac: &'a [u8],
    pub cipher: &'a [u8],
    pub iv: &'a [u8],
}

impl Opener {
    /// An opener for TLS up to 1.2. `None` where the suite does not fit the lengths.
    pub(super) fn from_key_block(
        version: Version,
        protection: Protection,
        keys: &Keys<'_>,
        encrypt_then_mac: bool,
    ) -> Option<Opener> {
        let mut iv = [0; 12];
        let block = |mac, key| -> Option<Opener> {
            let iv = match version {
                Version::Tls10 => Iv::Chained(Some(keys.iv.try_into().ok().unwrap_or_default())),
                _ => Iv::Explicit,
            };
            let mac = MacKey::new(mac, keys.mac)?;
            // RFC 7366 §3: only for block ciphers.
            let encrypt_then_mac = encrypt_then_mac && key;
            let key = if key { Some(BlockKey::new(keys.cipher)?) } else { None };
            Some(Opener(Kind::Block(Box::new(BlockOpener { key, iv, mac, encrypt_then_mac }))))
        };
        let scheme = match protection {
            Protection::Cbc { mac, .. } => return block(mac, true),
            Protection::Null { mac } => return block(mac, false),
            Protection::Gcm { .. } => Scheme::Explicit,
            Protection::ChaCha20Poly1305 => Scheme::Mixed,
        };
        iv.get_mut(..keys.iv.len())?.copy_from_slice(keys.iv);
        Some(Opener(Kind::Aead { aead: Aead::new(protection, keys.cipher)?, iv, scheme }))
    }

    /// An opener for TLS 1.3 from a traffic secret (RFC 8446 §7.3).
    pub(super) fn from_traffic_secret(protection: Protection, hash: Hash, secret: &[u8]) -> Option<Opener> {
        let (_, key_len, _) = protection.key_lengths(false);
        let (mut key, mut iv) = ([0; 32], [0; 12]);
        let key = key.get_mut(..key_len)?;
        expand_label(hash, secret, "key", key)?;
        expand_label(hash, secret, "iv", &mut iv)?;
        Some(Opener(Kind::Aead { aead: Aead::new(protection, key)?, iv, scheme: Scheme::Tls13 }))
    }

    /// Opens a record in place, trying sequence numbers from `first` to `last`. What does not verify is left in no
    /// particular state.
    pub(super) fn open(&mut self, header: Header, fragment: &mut [u8], first: u64, last: u64) -> Opened {
        match &mut self.0 {
            Kind::Block(block) => block.open(header, fragment, first, last),
            Kind::Aead { aead, iv, scheme } => (first..=last)
                .find_map(|seq| open_aead(aead, iv, *scheme, header, fragment, seq))
                .unwrap_or(Opened::Failed),
        }
    }

    /// Says that records are missing before the next one.
    pub(super) fn records_lost(&mut self) {
        if let Kind::Block(block) = &mut self.0 {
            block.lost();
        }
    }
}

fn open_aead(
    aead: &Aead,
    iv: &[u8; 12],
    scheme: Scheme,
    header: Header,
    fragment: &mut [u8],
    seq: u64,
) -> Option<Opened> {
    let mut nonce = *iv;
    let start = if scheme == Scheme::Explicit { 8 } else { 0 };
    if scheme == Scheme::Explicit {
        nonce[4..].copy_from_slice(fragment.get(..8)?);
    } else {
        for (n, s) in nonce[4..].iter_mut().zip(seq.to_be_bytes()) {
            *n ^= s;
        }
    }
    let end = fragment.len().checked_sub(TAG).filter(|&end| end >= start)?;
    let (text, tag) = fragment.get_mut(start..)?.split_last_chunk_mut::<TAG>()?;
    if scheme == Scheme::Tls13 {
        if !aead.decrypt(&nonce, &header.bytes(), text, tag) {
            return None;
        }
        // RFC 8446 §5.4: zeros behind the content type are padding.
        let kind_at = text.iter().rposition(|&b| b != 0);
        let kind = kind_at.and_then(|at| text.get(at)).copied().unwrap_or(content::APPLICATION_DATA);
        return Some(Opened::Record { seq, kind, start: 0, end: kind_at.unwrap_or(0) });
    }
    let mut aad = [0; 13];
    aad[..8].copy_from_slice(&seq.to_be_bytes());
    aad[8..].copy_from_slice(&Header { len: end - start, ..header }.bytes());
    aead.decrypt(&nonce, &aad, text, tag).then_some(Opened::Record { seq, kind: header.kind, start, end })
}
