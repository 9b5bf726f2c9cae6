//! G.711: eight bits a sample, 8000 samples a second. ITU-T G.711; RFC 3551 §4.5.14

use super::Codec;
use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};

/// Samples in a millisecond.
pub const SAMPLES_PER_MS: u32 = 8;

/// The two companding laws.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Law {
    /// µ-law: PCMU, payload type 0.
    Mu,
    /// A-law: PCMA, payload type 8.
    A,
}

impl Law {
    /// The law of a codec, if it is G.711.
    #[must_use]
    pub fn of(codec: Codec) -> Option<Law> {
        match codec {
            Codec::Pcmu => Some(Law::Mu),
            Codec::Pcma => Some(Law::A),
            _ => None,
        }
    }

    /// Its codec.
    #[must_use]
    pub fn codec(self) -> Codec {
        match self {
            Law::Mu => Codec::Pcmu,
            Law::A => Codec::Pcma,
        }
    }

    /// Its static payload type. RFC 3551 §6
    #[must_use]
    pub fn payload_type(self) -> u8 {
        match self {
            Law::Mu => 0,
            Law::A => 8,
        }
    }

    /// One linear sample, coded.
    #[inline]
    #[must_use]
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => encode_ulaw(sample),
            Law::A => encode_alaw(sample),
        }
    }

    /// One coded sample, linear.
    #[inline]
    #[must_use]
    pub fn decode(self, byte: u8) -> i16 {
        match self {
            Law::Mu => decode_ulaw(byte),
            Law::A => decode_alaw(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_silent_and_the_loudest_bytes_are_those_of_the_standard() {
        // ITU-T G.711 tables 1a and 2a: decision values of a 13- and a 14-bit quantiser, here in 16 bits.
        assert_eq!((Law::Mu.encode(0), Law::Mu.decode(0xff)), (0xff, 0));
        assert_eq!((Law::Mu.decode(0x80), Law::Mu.decode(0x00)), (32_124, -32_124));
        assert_eq!((Law::A.encode(0), Law::A.decode(0xd5)), (0xd5, 8));
        assert_eq!((Law::A.decode(0xaa), Law::A.decode(0x2a)), (32_256, -32_256));
    }

    #[test]
    fn what_is_coded_comes_back_within_a_step() {
        for law in [Law::Mu, Law::A] {
            for sample in (-32_000..=32_000).step_by(37) {
                let back = i32::from(law.decode(law.encode(sample)));
                let step = (i32::from(sample).abs() / 16).max(24);
                assert!((back - i32::from(sample)).abs() <= step, "{law:?} {sample} {back}");
            }
            assert_eq!(Law::of(law.codec()), Some(law));
            assert_eq!(Codec::from_payload_type(law.payload_type()), Some(law.codec()));
        }
        assert_eq!(Law::of(Codec::G729), None);
    }
}
