//! SRTP and SRTCP with AES in counter mode and HMAC-SHA1. RFC 3711
//!
//! One [`Context`] protects or opens what one side sends. Keys never show in debug output.

pub mod sdes;

#[cfg(test)]
mod tests;

use super::rtp::Header;
use crate::base::Entropy;
use aes::Aes128;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::fmt;

/// Sources that are followed at once in one direction: a peer may change its own now and then.
const SOURCES: usize = 8;
/// Packets behind the newest that are still told from repeats. RFC 3711 §3.3.2 asks for 64 at least
const WINDOW: u64 = 128;
/// Authentication tag of SRTCP in bytes, in both suites. RFC 4568 §6.2
const RTCP_TAG: usize = 10;

/// A crypto suite. RFC 4568 §6.2
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80`
    Sha80,
    /// `AES_CM_128_HMAC_SHA1_32`
    Sha32,
}

impl Suite {
    /// The suite of a name; suite names are not case-sensitive in ABNF.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Suite> {
        [Suite::Sha80, Suite::Sha32].into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }

    /// Its registered name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Suite::Sha80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::Sha32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// Bytes of an RTP packet's tag.
    fn tag(self) -> usize {
        match self {
            Suite::Sha80 => 10,
            Suite::Sha32 => 4,
        }
    }
}

/// A master key and its salt. RFC 3711 §3.2.1
#[derive(Clone, PartialEq, Eq)]
pub struct Master {
    key: [u8; 16],
    salt: [u8; 14],
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Master(hidden)")
    }
}

impl Master {
    /// A random one.
    pub fn random(entropy: &mut Entropy) -> Self {
        let mut bytes = [0; 30];
        entropy.fill(&mut bytes);
        Master::from_bytes(&bytes)
    }

    /// Key, then salt. RFC 4568 §6.1
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 30]) -> Self {
        let (mut key, mut salt) = ([0; 16], [0; 14]);
        key.copy_from_slice(&bytes[..16]);
        salt.copy_from_slice(&bytes[16..]);
        Master { key, salt }
    }

    /// Key, then salt.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 30] {
        let mut bytes = [0; 30];
        bytes[..16].copy_from_slice(&self.key);
        bytes[16..].copy_from_slice(&self.salt);
        bytes
    }

    /// The first bytes of the key stream that a label gives; no key derivation rate. RFC 3711 §4.3.1, §4.3.3
    fn derive<const N: usize>(&self, label: u8) -> [u8; N] {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        iv[7] ^= label;
        let mut out = [0; N];
        Ctr128BE::<Aes128>::new(&self.key.into(), &iv.into()).apply_keystream(&mut out);
        out
    }
}

/// Why a packet was not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It is no RTP or RTCP packet, or too short.
    Malformed,
    /// The tag is not the one that the key gives.
    Authentication,
    /// It came before, or is too old to tell.
    Replayed,
    /// More sources than are followed.
    Sources,
}

/// The keys of one session, for RTP or RTCP.
#[derive(Clone)]
struct Keys {
    cipher: [u8; 16],
    authentication: [u8; 20],
    salt: [u8; 14],
}

impl Keys {
    fn derive(master: &Master, first_label: u8) -> Self {
        Keys {
            cipher: master.derive(first_label),
            authentication: master.derive(first_label + 1),
            salt: master.derive(first_label + 2),
        }
    }

    /// RFC 3711 §4.1.1
    fn crypt(&self, ssrc: u32, index: u64, bytes: &mut [u8]) {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        for (place, byte) in iv[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *place ^= byte;
        }
        // The index has 48 bits.
        for (place, byte) in iv[8..14].iter_mut().zip(index.to_be_bytes()[2..].iter()) {
            *place ^= byte;
        }
        Ctr128BE::<Aes128>::new(&self.cipher.into(), &iv.into()).apply_keystream(bytes);
    }

    /// RFC 3711 §4.2.1
    fn mac(&self, message: &[u8], more: &[u8]) -> Hmac<Sha1> {
        // HMAC fills a key up to the block of its hash with zeros. RFC 2104 §2
        let mut block = [0; 64];
        block[..20].copy_from_slice(&self.authentication);
        let mut mac = <Hmac<Sha1> as KeyInit>::new(&block.into());
        mac.update(message);
        mac.update(more);
        mac
    }
}

/// What is known of one source.
#[derive(Clone, Debug)]
struct Source {
    ssrc: u32,
    rtp: Replay,
    rtcp: Replay,
}

/// Indices that came. RFC 3711 §3.3.2
#[derive(Clone, Debug, Default)]
struct Replay {
    highest: Option<u64>,
    window: u128,
}

impl Replay {
    fn is_fresh(&self, index: u64) -> bool {
        match self.highest {
            None => true,
            Some(highest) if index > highest => true,
            Some(highest) => highest - index < WINDOW && self.window >> (highest - index) & 1 == 0,
        }
    }

    fn take(&mut self, index: u64) {
        match self.highest {
            Some(highest) if index <= highest => self.window |= 1 << (highest - index).min(WINDOW - 1),
            Some(highest) => {
                let ahead = index - highest;
                self.window = if ahead < WINDOW { self.window << ahead | 1 } else { 1 };
                self.highest = Some(index);
            }
            None => (self.highest, self.window) = (Some(index), 1),
        }
    }

    /// The index that a sequence number most likely has. RFC 3711 §3.3.1, Appendix A
    fn guess(&self, sequence: u16) -> u64 {
        let Some(highest) = self.highest else { return u64::from(sequence) };
        let (rollover, newest) = (highest >> 16, highest as u16);
        let rollover = match (newest < 0x8000, i32::from(sequence) - i32::from(newest)) {
            (true, ahead) if ahead > 0x8000 => rollover.saturating_sub(1),
            (false, ahead) if ahead < -0x8000 => rollover + 1,
            _ => rollover,
        };
        rollover << 16 | u64::from(sequence)
    }
}

/// What protects, or opens, the packets of one side.
#[derive(Clone)]
pub struct Context {
    suite: Suite,
    rtp: Keys,
    rtcp: Keys,
    sources: Vec<Source>,
    /// Index of the next SRTCP packet that is protected.
    rtcp_index: u32,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("suite", &self.suite).field("sources", &self.sources).finish_non_exhaustive()
    }
}

impl Context {
    /// The context of a master key.
    #[must_use]
    pub fn new(suite: Suite, master: &Master) -> Self {
        Context {
            suite,
            rtp: Keys::derive(master, 0),
            rtcp: Keys::derive(master, 3),
            sources: Vec::new(),
            rtcp_index: 0,
        }
    }

    /// The suite.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Protects an RTP packet in place; `false` where it is none. RFC 3711 §3.3
    pub fn protect_rtp(&mut self, packet: &mut Vec<u8>) -> bool {
        let Some(header) = Header::parse(packet).filter(|h| h.whole) else { return false };
        let mut replay = self.source(header.ssrc).map_or_else(Replay::default, |s| s.rtp.clone());
        let index = replay.guess(header.sequence);
        replay.take(index);
        self.keep(header.ssrc, |source| source.rtp = replay);
        let Some(payload) = packet.get_mut(usize::from(header.payload_start)..) else { return false };
        self.rtp.crypt(header.ssrc, index, payload);
        let rollover = ((index >> 16) as u32).to_be_bytes();
        let tag = self.rtp.mac(packet, &rollover).finalize().into_bytes();
        packet.extend_from_slice(tag.get(..self.suite.tag()).unwrap_or_default());
        true
    }

    /// Opens an SRTP packet in place. RFC 3711 §3.3
    ///
    /// # Errors
    /// Why it was not opened; `packet` is then as it came.
    pub fn open_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), Refusal> {
        let end = packet.len().checked_sub(self.suite.tag()).ok_or(Refusal::Malformed)?;
        let (message, tag) = packet.split_at_checked(end).ok_or(Refusal::Malformed)?;
        // Padding is encrypted: only what stands before the payload may be believed.
        let header = Header::parse(message).ok_or(Refusal::Malformed)?;
        let known = self.source(header.ssrc).map(|s| s.rtp.clone());
        let mut replay = known.unwrap_or_default();
        let index = replay.guess(header.sequence);
        if !replay.is_fresh(index) {
            return Err(Refusal::Replayed);
        }
        let rollover = ((index >> 16) as u32).to_be_bytes();
        let mac = self.rtp.mac(message, &rollover);
        mac.verify_truncated_left(tag).map_err(|_| Refusal::Authentication)?;
        replay.take(index);
        if !self.keep(header.ssrc, |source| source.rtp = replay) {
            return Err(Refusal::Sources);
        }
        packet.truncate(end);
        let start = usize::from(header.payload_start);
        self.rtp.crypt(header.ssrc, index, packet.get_mut(start..).unwrap_or_default());
        Ok(())
    }

    /// Protects an RTCP packet in place; `false` where it is none, or where the index is used up. RFC 3711 §3.4
    pub fn protect_rtcp(&mut self, packet: &mut Vec<u8>) -> bool {
        let Some(ssrc) = ssrc_of_rtcp(packet) else { return false };
        let index = self.rtcp_index;
        if index > 0x7fff_ffff {
            return false;
        }
        self.rtcp_index += 1;
        self.rtcp.crypt(ssrc, u64::from(index), packet.get_mut(8..).unwrap_or_default());
        packet.extend((index | 0x8000_0000).to_be_bytes());
        let tag = self.rtcp.mac(packet, &[]).finalize().into_bytes();
        packet.extend_from_slice(tag.get(..RTCP_TAG).unwrap_or_default());
        true
    }

    /// Opens an SRTCP packet in place. RFC 3711 §3.4
    ///
    /// # Errors
    /// Why it was not opened; `packet` is then as it came.
    pub fn open_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), Refusal> {
        let ssrc = ssrc_of_rtcp(packet).ok_or(Refusal::Malformed)?;
        let end = packet.len().checked_sub(RTCP_TAG).ok_or(Refusal::Malformed)?;
        let (message, tag) = packet.split_at_checked(end).ok_or(Refusal::Malformed)?;
        let (rest, index) = message.split_last_chunk::<4>().ok_or(Refusal::Malformed)?;
        let contents = rest.len();
        if contents < 8 {
            return Err(Refusal::Malformed);
        }
        let word = u32::from_be_bytes(*index);
        let (is_encrypted, index) = (word & 0x8000_0000 != 0, u64::from(word & 0x7fff_ffff));
        let mut replay = self.source(ssrc).map_or_else(Replay::default, |s| s.rtcp.clone());
        if !replay.is_fresh(index) {
            return Err(Refusal::Replayed);
        }
        let mac = self.rtcp.mac(message, &[]);
        mac.verify_truncated_left(tag).map_err(|_| Refusal::Authentication)?;
        replay.take(index);
        if !self.keep(ssrc, |source| source.rtcp = replay) {
            return Err(Refusal::Sources);
        }
        packet.truncate(contents);
        if is_encrypted {
            self.rtcp.crypt(ssrc, index, packet.get_mut(8..).unwrap_or_default());
        }
        Ok(())
    }

    fn source(&self, ssrc: u32) -> Option<&Source> {
        self.sources.iter().find(|s| s.ssrc == ssrc)
    }

    /// Changes what is known of a source; `false` where there are too many. None is let go for another: its packets could be
    /// replayed then.
    fn keep(&mut self, ssrc: u32, change: impl FnOnce(&mut Source)) -> bool {
        let has_room = self.sources.len() < SOURCES;
        match self.sources.iter_mut().find(|s| s.ssrc == ssrc) {
            Some(source) => change(source),
            None if has_room => {
                let mut source = Source { ssrc, rtp: Replay::default(), rtcp: Replay::default() };
                change(&mut source);
                self.sources.push(source);
            }
            None => return false,
        }
        true
    }
}

/// The source in the clear part of an RTCP packet.
fn ssrc_of_rtcp(packet: &[u8]) -> Option<u32> {
    let &[first, kind, _, _, a, b, c, d] = packet.first_chunk::<8>()?;
    (first >> 6 == 2 && (192..=223).contains(&kind)).then_some(u32::from_be_bytes([a, b, c, d]))
}
