//! The codecs that telephony meets: names, clock rates, static payload types, and what the E-model says of them.

/// A codec known by name. The encoding names are those of the media type registry, as an `a=rtpmap` line spells them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// Digits and tones as events. RFC 4733
    TelephoneEvent,
    /// G.729 and its annexes.
    G729,
    /// G.722, 64 kbit/s; its RTP clock is 8000 although it samples at 16000. RFC 3551 §4.5.2
    G722,
    /// Opus. RFC 7587
    Opus,
    /// Speex. RFC 5574
    Speex,
    /// GSM full rate.
    Gsm,
    /// iLBC. RFC 3952
    Ilbc,
    /// Comfort noise. RFC 3389
    ComfortNoise,
    /// G.723.1.
    G723,
    /// G.726 at 32 kbit/s, also known as G721.
    G726_32,
    /// AMR. RFC 4867
    Amr,
    /// AMR wideband. RFC 4867
    AmrWb,
    /// GSM enhanced full rate.
    GsmEfr,
    /// GSM half rate. RFC 5993
    GsmHr,
    /// G.726 at 16 kbit/s.
    G726_16,
    /// G.726 at 24 kbit/s.
    G726_24,
    /// G.726 at 40 kbit/s.
    G726_40,
    /// G.728.
    G728,
    /// G.722.1 (Siren 7).
    G7221,
    /// G.729.1.
    G7291,
    /// EVS.
    Evs,
    /// SILK.
    Silk,
    /// iSAC.
    Isac,
    /// Linear 16-bit samples.
    L16,
    /// IMA ADPCM.
    Dvi4,
    /// An experimental linear predictive codec.
    Lpc,
    /// PureVoice.
    Qcelp,
    /// MPEG audio.
    Mpa,
    /// Redundant audio. RFC 2198
    Red,
    /// Real-time text. RFC 4103
    T140,
    /// Facsimile, over UDPTL or RTP. ITU-T T.38
    T38,
    /// Clear channel: 64 kbit/s data. RFC 4040
    Clearmode,
    /// H.261 video.
    H261,
    /// H.263 video.
    H263,
    /// H.263, 1998 version.
    H263Plus,
    /// H.264 video.
    H264,
    /// H.265 video.
    H265,
    /// VP8 video.
    Vp8,
    /// VP9 video.
    Vp9,
    /// AV1 video.
    Av1,
    /// MPEG-1 and MPEG-2 video.
    Mpv,
    /// MPEG-2 transport stream.
    Mp2t,
    /// Motion JPEG.
    Jpeg,
    /// Retransmissions. RFC 4588
    Rtx,
    /// Forward error correction. RFC 5109
    Ulpfec,
}

/// What a codec is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// Speech or sound that a person listens to, and that the E-model can judge where it has values.
    Audio,
    /// Pictures.
    Video,
    /// Telephone events: they share a stream with audio and do not move its timestamps.
    Event,
    /// Comfort noise: stands for silence.
    Silence,
    /// Fax, text, raw data, redundancy.
    Other,
}

/// What loss and coding do to speech, on the scales of ITU-T G.107.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Impairment {
    /// Equipment impairment factor without loss, `Ie`.
    pub ie: f64,
    /// Packet loss robustness factor, `Bpl`.
    pub bpl: f64,
}

struct Row {
    codec: Codec,
    name: &'static str,
    alias: &'static str,
    content: Content,
    /// Hz; 0 where the description decides.
    clock: u32,
    /// bit/s of the payload; 0 where it varies.
    bitrate: u32,
    impairment: Option<Impairment>,
}

const fn row(codec: Codec, name: &'static str, content: Content, clock: u32, bitrate: u32) -> Row {
    Row { codec, name, alias: "", content, clock, bitrate, impairment: None }
}

/// A codec for speech, with its `Ie` and `Bpl` in tenths.
const fn speech(codec: Codec, name: &'static str, clock: u32, bitrate: u32, ie: u32, bpl: u32) -> Row {
    let impairment = Some(Impairment { ie: ie as f64 / 10.0, bpl: bpl as f64 / 10.0 });
    Row { codec, name, alias: "", content: Content::Audio, clock, bitrate, impairment }
}

const fn alias(row: Row, alias: &'static str) -> Row {
    Row { alias, ..row }
}

/// One row a codec, in the order of the enumeration, the frequent ones first.
///
/// `Ie` and `Bpl` marked (G.113) are from ITU-T G.113 Appendix I, tables I.1 to I.4: G.711 without loss concealment 0/4.3,
/// G.729A with VAD 11/19, G.723.1 at 6.3 kbit/s with VAD 15/16.1, GSM-EFR 5/10; G.726, G.728, GSM-FR and GSM-HR have an `Ie`
/// there and no `Bpl`, and take the 10 of GSM-EFR (4.3 for the sample-based ADPCM codecs). Those marked (approximate) have
/// no value there that fits a narrowband scale: wideband codecs are put level with G.711 (which is where the scale ends),
/// with the robustness of codecs of their build.
const TABLE: [Row; 47] = {
    use Codec::*;
    use Content::{Audio, Event, Other, Silence, Video};
    [
        speech(Pcmu, "PCMU", 8000, 64_000, 0, 43), // (G.113)
        speech(Pcma, "PCMA", 8000, 64_000, 0, 43), // (G.113)
        row(TelephoneEvent, "telephone-event", Event, 8000, 0),
        alias(speech(G729, "G729", 8000, 8_000, 110, 190), "G729A"), // (G.113)
        speech(G722, "G722", 8000, 64_000, 0, 43),                   // (approximate)
        speech(Opus, "opus", 48_000, 0, 0, 200),                     // (approximate)
        speech(Speex, "speex", 0, 0, 110, 190),                      // (approximate)
        speech(Gsm, "GSM", 8000, 13_000, 200, 100),                  // (G.113)
        speech(Ilbc, "iLBC", 8000, 13_330, 110, 320),                // (approximate)
        row(ComfortNoise, "CN", Silence, 8000, 0),
        alias(speech(G723, "G723", 8000, 6_300, 150, 161), "G723.1"), // (G.113)
        alias(speech(G726_32, "G726-32", 8000, 32_000, 70, 43), "G721"), // (G.113)
        speech(Amr, "AMR", 8000, 12_200, 50, 100),                    // (G.113: AMR 12.2 is GSM-EFR)
        speech(AmrWb, "AMR-WB", 16_000, 12_650, 0, 100),              // (approximate)
        speech(GsmEfr, "GSM-EFR", 8000, 12_200, 50, 100),             // (G.113)
        alias(speech(GsmHr, "GSM-HR-08", 8000, 5_600, 230, 100), "GSM-HR"), // (G.113)
        speech(G726_16, "G726-16", 8000, 16_000, 500, 43),            // (G.113)
        speech(G726_24, "G726-24", 8000, 24_000, 250, 43),            // (G.113)
        speech(G726_40, "G726-40", 8000, 40_000, 20, 43),             // (G.113)
        speech(G728, "G728", 8000, 16_000, 70, 100),                  // (G.113)
        speech(G7221, "G7221", 16_000, 32_000, 0, 100),               // (approximate)
        speech(G7291, "G7291", 16_000, 32_000, 0, 190),               // (approximate)
        speech(Evs, "EVS", 16_000, 13_200, 0, 200),                   // (approximate)
        speech(Silk, "SILK", 0, 0, 0, 200),                           // (approximate)
        speech(Isac, "iSAC", 16_000, 0, 0, 190),                      // (approximate)
        row(L16, "L16", Audio, 0, 0),
        row(Dvi4, "DVI4", Audio, 0, 0),
        row(Lpc, "LPC", Audio, 8000, 0),
        row(Qcelp, "QCELP", Audio, 8000, 0),
        row(Mpa, "MPA", Audio, 90_000, 0),
        row(Red, "red", Other, 0, 0),
        row(T140, "t140", Other, 1000, 0),
        row(T38, "t38", Other, 8000, 0),
        row(Clearmode, "CLEARMODE", Other, 8000, 64_000),
        row(H261, "H261", Video, 90_000, 0),
        row(H263, "H263", Video, 90_000, 0),
        alias(row(H263Plus, "H263-1998", Video, 90_000, 0), "H263-2000"),
        row(H264, "H264", Video, 90_000, 0),
        row(H265, "H265", Video, 90_000, 0),
        row(Vp8, "VP8", Video, 90_000, 0),
        row(Vp9, "VP9", Video, 90_000, 0),
        row(Av1, "AV1", Video, 90_000, 0),
        row(Mpv, "MPV", Video, 90_000, 0),
        row(Mp2t, "MP2T", Video, 90_000, 0),
        row(Jpeg, "JPEG", Video, 90_000, 0),
        row(Rtx, "rtx", Other, 0, 0),
        row(Ulpfec, "ulpfec", Other, 0, 0),
    ]
};

impl Codec {
    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The codec of an encoding name, whatever its case (media type names are not case-sensitive).
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Codec> {
        let is = |known: &str| known.len() == name.len() && known.as_bytes().eq_ignore_ascii_case(name);
        TABLE.iter().find(|row| is(row.name) || is(row.alias)).filter(|_| !name.is_empty()).map(|row| row.codec)
    }

    /// The codec of a static payload type. RFC 3551 §6
    ///
    /// Payload type 2 was G721, and 19 comfort noise, before RFC 3551 reserved them; both are still met.
    #[must_use]
    pub fn from_payload_type(payload_type: u8) -> Option<Codec> {
        StaticType::of(payload_type).map(|t| t.codec)
    }

    /// The encoding name in its registered spelling.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What it is for.
    #[must_use]
    pub fn content(self) -> Content {
        self.row().content
    }

    /// Whether it carries speech that the E-model can judge.
    #[must_use]
    pub fn is_speech(self) -> bool {
        self.row().impairment.is_some()
    }

    /// The usual RTP clock rate in Hz; `None` where only a description can tell.
    #[must_use]
    pub fn clock_rate(self) -> Option<u32> {
        Some(self.row().clock).filter(|&c| c != 0)
    }

    /// The usual bit rate of the payload in bit/s; `None` where it varies.
    #[must_use]
    pub fn bitrate(self) -> Option<u32> {
        Some(self.row().bitrate).filter(|&b| b != 0)
    }

    /// The E-model's values; `None` for what is not speech or was never measured.
    #[must_use]
    pub fn impairment(self) -> Option<Impairment> {
        self.row().impairment
    }
}

/// A payload type with a fixed meaning. RFC 3551 §6, tables 4 and 5
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StaticType {
    /// What it means.
    pub codec: Codec,
    /// RTP clock rate in Hz.
    pub clock_rate: u32,
    /// Audio channels.
    pub channels: u8,
}

impl StaticType {
    /// The fixed meaning of `payload_type`, if it has one.
    #[must_use]
    pub fn of(payload_type: u8) -> Option<StaticType> {
        use Codec::*;
        let (codec, clock_rate, channels) = match payload_type {
            0 => (Pcmu, 8000, 1),
            2 => (G726_32, 8000, 1),
            3 => (Gsm, 8000, 1),
            4 => (G723, 8000, 1),
            5 => (Dvi4, 8000, 1),
            6 => (Dvi4, 16_000, 1),
            7 => (Lpc, 8000, 1),
            8 => (Pcma, 8000, 1),
            9 => (G722, 8000, 1),
            10 => (L16, 44_100, 2),
            11 => (L16, 44_100, 1),
            12 => (Qcelp, 8000, 1),
            13 | 19 => (ComfortNoise, 8000, 1),
            14 => (Mpa, 90_000, 1),
            15 => (G728, 8000, 1),
            16 => (Dvi4, 11_025, 1),
            17 => (Dvi4, 22_050, 1),
            18 => (G729, 8000, 1),
            26 => (Jpeg, 90_000, 1),
            31 => (H261, 90_000, 1),
            32 => (Mpv, 90_000, 1),
            33 => (Mp2t, 90_000, 1),
            34 => (H263, 90_000, 1),
            _ => return None,
        };
        Some(StaticType { codec, clock_rate, channels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_where_its_codec_points_and_no_name_means_two() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.codec as usize, at, "{}", row.name);
            assert_eq!(Codec::from_name(row.name.to_lowercase().as_bytes()), Some(row.codec));
            assert_eq!(Codec::from_name(row.name.to_uppercase().as_bytes()), Some(row.codec));
        }
        assert_eq!(Codec::from_name(b""), None);
        assert_eq!(Codec::from_name(b"PCMUX"), None);
        assert_eq!(Codec::from_name(b"g721"), Some(Codec::G726_32));
    }

    #[test]
    fn static_types_are_those_of_rfc_3551() {
        let of = |pt| StaticType::of(pt).map(|t| (t.codec.name(), t.clock_rate, t.channels));
        assert_eq!(of(0), Some(("PCMU", 8000, 1)));
        assert_eq!(of(8), Some(("PCMA", 8000, 1)));
        assert_eq!(of(9), Some(("G722", 8000, 1)));
        assert_eq!(of(10), Some(("L16", 44_100, 2)));
        assert_eq!(of(17), Some(("DVI4", 22_050, 1)));
        assert_eq!(of(34), Some(("H263", 90_000, 1)));
        assert_eq!((35..=255).find_map(of), None);
    }

    #[test]
    fn only_audio_is_judged_as_speech() {
        for row in &TABLE {
            assert!(row.impairment.is_none() || row.content == Content::Audio, "{}", row.name);
        }
        assert!(!Codec::T38.is_speech() && !Codec::TelephoneEvent.is_speech() && Codec::Pcma.is_speech());
        assert_eq!(Codec::Pcmu.bitrate(), Some(64_000));
        assert_eq!(Codec::Opus.clock_rate(), Some(48_000));
    }
}
