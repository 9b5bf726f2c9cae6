//! Records under AES-CBC with an HMAC, or under an HMAC alone.

use cbc::cipher::{BlockModeDecrypt, KeyIvInit};

use super::opener::Opened;
use super::record::Header;
use super::schedule::MacKey;

/// Bytes of an AES block.
const BLOCK: usize = 16;

/// The key of AES-CBC; the IV comes with each record or with the one before.
pub(super) enum BlockKey {
    Aes128([u8; 16]),
    Aes256([u8; 32]),
}

impl BlockKey {
    /// Takes in a key of 16 or 32 bytes.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => key.try_into().ok().map(BlockKey::Aes128),
            _ => key.try_into().ok().map(BlockKey::Aes256),
        }
    }

    /// Decrypts whole blocks in place; `None` if they are not whole.
    fn decrypt(&self, iv: &[u8; BLOCK], blocks: &mut [u8]) -> Option<()> {
        let (blocks, rest) = aes::cipher::Array::slice_as_chunks_mut(blocks);
        if !rest.is_empty() {
            return None;
        }
        match self {
            BlockKey::Aes128(k) => cbc::Decryptor::<aes::Aes128>::new(k.into(), iv.into()).decrypt_blocks(blocks),
            BlockKey::Aes256(k) => cbc::Decryptor::<aes::Aes256>::new(k.into(), iv.into()).decrypt_blocks(blocks),
        }
        Some(())
    }
}

/// Where the initialisation vector of a record is.
pub(super) enum Iv {
    /// In front of each record, since TLS 1.1 (RFC 4346 §6.2.3.2).
    Explicit,
    /// The last block of the record before (RFC 2246 §6.2.3.2); `None` when that one is missing.
    Chained(Option<[u8; BLOCK]>),
}

/// Opens the records of one direction.
pub(super) struct BlockOpener {
    /// `None` for the suites without encryption.
    pub key: Option<BlockKey>,
    pub iv: Iv,
    pub mac: MacKey,
    /// The MAC is over the ciphertext (RFC 7366).
    pub encrypt_then_mac: bool,
}

impl BlockOpener {
    /// Opens a record in place, trying sequence numbers from `first` to `last`.
    pub(super) fn open(&mut self, header: Header, fragment: &mut [u8], first: u64, last: u64) -> Opened {
        let end = fragment.len();
        let Some(key) = &self.key else {
            return self.find(header, fragment, 0, end.checked_sub(self.mac.len()), first, last);
        };
        let cipher_end = if self.encrypt_then_mac { end.saturating_sub(self.mac.len()) } else { end };
        let iv = match &mut self.iv {
            Iv::Explicit => fragment.first_chunk::<BLOCK>().copied(),
            Iv::Chained(last) => {
                let next = fragment.get(..cipher_end).and_then(<[u8]>::last_chunk::<BLOCK>).copied();
                std::mem::replace(last, next)
            }
        };
        let start = if matches!(self.iv, Iv::Explicit) { BLOCK } else { 0 };
        if start >= cipher_end || !(cipher_end - start).is_multiple_of(BLOCK) {
            self.lost();
            return Opened::Failed;
        }
        if self.encrypt_then_mac {
            // RFC 7366 §3: IV and ciphertext are under the MAC, which is checked before anything is decrypted.
            let Opened::Record { seq, .. } = self.find(header, fragment, 0, Some(cipher_end), first, last) else {
                // The MAC does not cover a chained IV: the last block of a damaged record must not become one.
                self.lost();
                return Opened::Failed;
            };
            let Some(iv) = iv else { return Opened::IvMissing };
            return match self.decrypt(key, &iv, fragment, start, cipher_end) {
                Some(content_end) => Opened::Record { seq, kind: header.kind, start, end: content_end },
                None => Opened::Failed,
            };
        }
        let Some(iv) = iv else { return Opened::IvMissing };
        let padded = self.decrypt(key, &iv, fragment, start, cipher_end);
        let content_end = padded.and_then(|end| end.checked_sub(self.mac.len())).filter(|&end| end >= start);
        self.find(header, fragment, start, content_end, first, last)
    }

    /// Says that the record before the next one is missing.
    pub(super) fn lost(&mut self) {
        if let Iv::Chained(last) = &mut self.iv {
            *last = None;
        }
    }

    /// Decrypts from `start` to `end` in place and gives the end of what is in front of the padding.
    fn decrypt(
        &self,
        key: &BlockKey,
        iv: &[u8; BLOCK],
        fragment: &mut [u8],
        start: usize,
        end: usize,
    ) -> Option<usize> {
        let blocks = fragment.get_mut(start..end)?;
        key.decrypt(iv, blocks)?;
        // RFC 5246 §6.2.3.2: every byte of the padding, and the length behind it, holds the length.
        let length = *blocks.last()?;
        let content = blocks.len().checked_sub(usize::from(length) + 1)?;
        let whole = blocks.get(content..)?.iter().all(|&b| b == length);
        whole.then_some(start + content)
    }

    /// The first sequence number for which the MAC behind `end` is that of the bytes from `start` to `end`.
    fn find(&self, header: Header, fragment: &[u8], start: usize, end: Option<usize>, first: u64, last: u64) -> Opened {
        let Some(end) = end else { return Opened::Failed };
        let Some(content) = fragment.get(start..end) else { return Opened::Failed };
        let Some(mac) = fragment.get(end..end + self.mac.len()) else { return Opened::Failed };
        let pseudo = Header { len: content.len(), ..header }.bytes();
        for seq in first..=last {
            if self.mac.mac(&[&seq.to_be_bytes(), &pseudo, content]).as_slice() == mac {
                return Opened::Record { seq, kind: header.kind, start, end };
            }
        }
        Opened::Failed
    }
}
