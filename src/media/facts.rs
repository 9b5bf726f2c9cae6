//! What a call keeps of a session description: small, owned, without the text.

use super::codec::{Codec, Content, StaticType};
use super::sdp::{
    Attribute, Crypto, DefectKind, Direction, MediaDescription, Origin, RtcpAttribute, RtpMap, Session, Setup,
    payload_type, whole_number,
};
use crate::base::{Endpoint, Span};
use smallvec::SmallVec;

/// Formats kept of one media description; more are counted.
const MAX_FORMATS: usize = 64;
/// SDES suites kept of one media description.
const MAX_SUITES: usize = 16;
/// Bytes kept of a word that is in no table.
const MAX_WORD: usize = 64;
/// Bytes kept of the origin line.
const MAX_ORIGIN: usize = 256;

/// The facts of one description.
#[derive(PartialEq, Eq, Debug, Default)]
pub struct SdpFacts {
    origin: SmallVec<[u8; 48]>,
    /// The media descriptions, in order.
    pub media: SmallVec<[MediaFacts; 1]>,
    /// Media descriptions that were not kept.
    pub media_beyond: u32,
    /// What is wrong with it, as far as who keeps it wants to know.
    pub flaws: Box<[Flaw]>,
}

/// A defect of a description with the line it stands in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flaw {
    /// What is wrong.
    pub kind: DefectKind,
    /// The bytes, in the message that carried the description; empty where something is missing.
    pub span: Span,
    /// The line that holds the first of them, without line end.
    pub line: Box<[u8]>,
    /// 1-based number of that line in the message.
    pub line_number: u32,
    /// Offset of the first byte in `line`.
    pub column: u32,
}

/// The facts of one media description.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaFacts {
    /// `audio`, `video` …
    pub kind: Kind,
    /// The transport protocol.
    pub protocol: Protocol,
    /// Direction as its owner sees it.
    pub direction: Direction,
    /// Port; 0 rejects or ends the stream.
    pub port: u16,
    /// Milliseconds of media in a packet; 0 where it is not told.
    pub ptime_ms: u16,
    /// Where media is wanted; `None` with port 0 or a host name.
    pub endpoint: Option<Endpoint>,
    /// Where RTCP is wanted. See [`MediaDescription::rtcp_endpoint`].
    pub rtcp: Option<Endpoint>,
    /// The host name of the connection, where it is no address.
    pub host: Option<Box<str>>,
    /// The formats in order of preference.
    pub formats: SmallVec<[Format; 4]>,
    /// Formats that were not kept.
    pub formats_beyond: u32,
    /// SDES suites offered, or the one taken.
    pub suites: SmallVec<[Suite; 1]>,
    /// DTLS role, where it is told.
    pub setup: Option<Setup>,
    /// Whether a certificate's fingerprint is given.
    pub has_fingerprint: bool,
    /// Whether keys come by MIKEY. RFC 4567
    pub has_key_management: bool,
    /// Whether RTCP may share the port.
    pub has_rtcp_mux: bool,
    /// Whether ICE is used.
    pub has_ice: bool,
    /// Whether the connection address is `0.0.0.0` or `::`. RFC 3264 §8.4
    pub is_null_address: bool,
}

/// The media of an `m=` line. RFC 8866 §8.2.2
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `audio`
    Audio,
    /// `video`
    Video,
    /// `image`: fax.
    Image,
    /// `application`
    Application,
    /// `text`
    Text,
    /// `message`
    Message,
    /// Any other.
    Other(Box<str>),
}

impl Kind {
    fn of(name: &[u8]) -> Kind {
        match name {
            b"audio" => Kind::Audio,
            b"video" => Kind::Video,
            b"image" => Kind::Image,
            b"application" => Kind::Application,
            b"text" => Kind::Text,
            b"message" => Kind::Message,
            other => Kind::Other(kept(other)),
        }
    }

    /// As the line spells it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Kind::Audio => "audio",
            Kind::Video => "video",
            Kind::Image => "image",
            Kind::Application => "application",
            Kind::Text => "text",
            Kind::Message => "message",
            Kind::Other(name) => name,
        }
    }
}

/// The transport protocol of an `m=` line. RFC 8866 §8.2.3
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// `RTP/AVP`
    Avp,
    /// `RTP/AVPF`
    Avpf,
    /// `RTP/SAVP`
    Savp,
    /// `RTP/SAVPF`
    Savpf,
    /// `UDP/TLS/RTP/SAVP`
    DtlsSavp,
    /// `UDP/TLS/RTP/SAVPF`
    DtlsSavpf,
    /// `udptl`: fax.
    Udptl,
    /// Any other.
    Other(Box<str>),
}

impl Protocol {
    fn of(name: &[u8]) -> Protocol {
        let is = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
        match () {
            () if is("RTP/AVP") => Protocol::Avp,
            () if is("RTP/SAVP") => Protocol::Savp,
            () if is("UDP/TLS/RTP/SAVPF") => Protocol::DtlsSavpf,
            () if is("RTP/AVPF") => Protocol::Avpf,
            () if is("RTP/SAVPF") => Protocol::Savpf,
            () if is("udptl") => Protocol::Udptl,
            () if is("UDP/TLS/RTP/SAVP") => Protocol::DtlsSavp,
            () => Protocol::Other(kept(name)),
        }
    }

    /// As the registry spells it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Protocol::Avp => "RTP/AVP",
            Protocol::Avpf => "RTP/AVPF",
            Protocol::Savp => "RTP/SAVP",
            Protocol::Savpf => "RTP/SAVPF",
            Protocol::DtlsSavp => "UDP/TLS/RTP/SAVP",
            Protocol::DtlsSavpf => "UDP/TLS/RTP/SAVPF",
            Protocol::Udptl => "udptl",
            Protocol::Other(name) => name,
        }
    }

    /// Whether it carries RTP, in the clear or not.
    #[must_use]
    pub fn is_rtp(&self) -> bool {
        match self {
            Protocol::Udptl => false,
            Protocol::Other(name) => name.contains("RTP/"),
            _ => true,
        }
    }

    /// Whether it is a secure profile.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        match self {
            Protocol::Savp | Protocol::Savpf | Protocol::DtlsSavp | Protocol::DtlsSavpf => true,
            Protocol::Other(name) => name.contains("RTP/SAVP"),
            Protocol::Avp | Protocol::Avpf | Protocol::Udptl => false,
        }
    }

    /// Whether its keys come by DTLS. RFC 5764
    #[must_use]
    pub fn is_dtls(&self) -> bool {
        matches!(self, Protocol::DtlsSavp | Protocol::DtlsSavpf)
    }
}

/// The name of a format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FormatName {
    /// One of the table.
    Known(Codec),
    /// Any other, as spelled.
    Other(Box<str>),
    /// A dynamic payload type that no `rtpmap` explains.
    Unexplained,
}

/// One format of a media description.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Format {
    /// What it is.
    pub name: FormatName,
    /// RTP clock in Hz; 0 where it is not told or there is none.
    pub clock_rate: u32,
    /// Its payload type; `None` for formats of protocols without such.
    pub payload_type: Option<u8>,
    /// Audio channels.
    pub channels: u8,
}

impl Format {
    fn of(format: &[u8], is_rtp: bool) -> Format {
        let named = |name| Format { name, clock_rate: 0, payload_type: None, channels: 1 };
        let Some(number) = payload_type(format).filter(|_| is_rtp) else { return named(name_of(format)) };
        match StaticType::of(number) {
            Some(StaticType { codec, clock_rate, channels }) => {
                Format { name: FormatName::Known(codec), clock_rate, payload_type: Some(number), channels }
            }
            None => Format { payload_type: Some(number), ..named(FormatName::Unexplained) },
        }
    }

    /// The codec, if it is one of the table.
    #[must_use]
    pub fn codec(&self) -> Option<Codec> {
        if let FormatName::Known(codec) = self.name { Some(codec) } else { None }
    }

    /// Its name; `None` for a payload type that nothing explains.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.name {
            FormatName::Known(codec) => Some(codec.name()),
            FormatName::Other(name) => Some(name),
            FormatName::Unexplained => None,
        }
    }

    /// Whether it is telephone events.
    #[must_use]
    pub fn is_telephone_event(&self) -> bool {
        self.codec() == Some(Codec::TelephoneEvent)
    }

    /// Whether it carries the media itself, not events, comfort noise or protection of others.
    #[must_use]
    pub fn is_content(&self) -> bool {
        let beside = |c: Codec| matches!(c.content(), Content::Event | Content::Silence);
        !self.codec().is_some_and(|c| beside(c) || matches!(c, Codec::Red | Codec::Rtx | Codec::Ulpfec))
    }

    /// Whether both name the same encoding, whatever their payload types. RFC 3264 §6.1
    #[must_use]
    pub fn is_same(&self, other: &Format) -> bool {
        let same_name = match (&self.name, &other.name) {
            (FormatName::Known(a), FormatName::Known(b)) => a == b,
            (FormatName::Unexplained, _) | (_, FormatName::Unexplained) => {
                self.payload_type.is_some() && self.payload_type == other.payload_type
            }
            // Two that are not both in the table may still be spelled the same way.
            _ => self.name().zip(other.name()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b)),
        };
        let rates = self.clock_rate == other.clock_rate || self.clock_rate == 0 || other.clock_rate == 0;
        same_name && rates && self.channels == other.channels
    }
}

/// A suite of SDES. RFC 4568 §6.2
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80`
    AesCm128Sha80,
    /// `AES_CM_128_HMAC_SHA1_32`
    AesCm128Sha32,
    /// Any other.
    Other(Box<str>),
}

impl Suite {
    fn of(name: &[u8]) -> Suite {
        match name {
            b"AES_CM_128_HMAC_SHA1_80" => Suite::AesCm128Sha80,
            b"AES_CM_128_HMAC_SHA1_32" => Suite::AesCm128Sha32,
            other => Suite::Other(kept(other)),
        }
    }

    /// As the line spells it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Suite::AesCm128Sha80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128Sha32 => "AES_CM_128_HMAC_SHA1_32",
            Suite::Other(name) => name,
        }
    }
}

/// What the session's attributes say for all media.
#[derive(Clone, Copy, Default)]
struct Defaults {
    direction: Option<Direction>,
    setup: Option<Setup>,
    has_fingerprint: bool,
    has_key_management: bool,
    has_ice: bool,
}

impl Clone for SdpFacts {
    fn clone(&self) -> Self {
        SdpFacts {
            // As a whole: what is derived would copy byte by byte.
            origin: SmallVec::from_slice(&self.origin),
            media: self.media.clone(),
            media_beyond: self.media_beyond,
            flaws: self.flaws.clone(),
        }
    }
}

impl SdpFacts {
    /// The facts of a description.
    #[must_use]
    pub fn of(session: &Session<'_>) -> SdpFacts {
        let mut defaults = Defaults::default();
        for attribute in session.attributes() {
            match attribute.name {
                b"setup" => defaults.setup = Setup::parse(attribute.value),
                b"fingerprint" => defaults.has_fingerprint = true,
                b"key-mgmt" => defaults.has_key_management = true,
                b"ice-ufrag" => defaults.has_ice = true,
                name => defaults.direction = defaults.direction.or(Direction::from_name(name)),
            }
        }
        let origin = session.origin_line;
        SdpFacts {
            origin: SmallVec::from_slice(origin.get(..MAX_ORIGIN).unwrap_or(origin)),
            media: session.media.iter().map(|media| MediaFacts::of(media, defaults)).collect(),
            media_beyond: session.media_beyond,
            flaws: Box::default(),
        }
    }

    /// Who made it.
    #[must_use]
    pub fn origin(&self) -> Option<Origin<'_>> {
        Origin::parse(&self.origin)
    }

    /// The `o=` value as it came (at most 256 bytes).
    #[must_use]
    pub fn origin_line(&self) -> &[u8] {
        &self.origin
    }

    /// The media description that asks for packets at `endpoint`, the one for RTP before the one for RTCP.
    #[must_use]
    pub fn media_at(&self, endpoint: &Endpoint) -> Option<&MediaFacts> {
        let at = |place: fn(&MediaFacts) -> Option<Endpoint>| self.media.iter().find(|m| place(m) == Some(*endpoint));
        at(|m| m.endpoint).or_else(|| at(|m| m.rtcp))
    }
}

impl MediaFacts {
    fn of(media: &MediaDescription<'_>, defaults: Defaults) -> MediaFacts {
        let connection = media.connection();
        let ip = connection.and_then(|c| c.ip());
        let protocol = Protocol::of(media.protocol);
        let mut formats = media.formats();
        let is_rtp = protocol.is_rtp();
        let mut facts = MediaFacts {
            kind: Kind::of(media.kind),
            direction: Direction::SendRecv,
            port: media.port,
            ptime_ms: 0,
            endpoint: ip.filter(|_| media.port != 0).map(|ip| Endpoint::new(ip, media.port)),
            rtcp: None,
            host: connection.filter(|_| ip.is_none()).map(|c| kept(c.address)),
            formats: formats.by_ref().take(MAX_FORMATS).map(|format| Format::of(format, is_rtp)).collect(),
            formats_beyond: u32::try_from(formats.count()).unwrap_or(u32::MAX),
            suites: SmallVec::new(),
            setup: defaults.setup,
            has_fingerprint: defaults.has_fingerprint,
            has_key_management: defaults.has_key_management,
            has_rtcp_mux: false,
            has_ice: defaults.has_ice,
            is_null_address: ip.is_some_and(|ip| ip.is_unspecified()),
            protocol,
        };
        let (mut direction, mut rtcp) = (None, None);
        for attribute in media.attributes() {
            match attribute.name {
                b"rtcp" => rtcp = RtcpAttribute::parse(attribute.value),
                name => match Direction::from_name(name) {
                    Some(own) => direction = direction.or(Some(own)),
                    None => facts.take_in(attribute),
                },
            }
        }
        facts.direction = direction.or(defaults.direction).unwrap_or_default();
        let port = |e: Endpoint| if facts.has_rtcp_mux { e.port } else { e.port.saturating_add(1) };
        facts.rtcp = match rtcp {
            Some(rtcp) => rtcp.endpoint(facts.endpoint),
            None => facts.endpoint.filter(|_| is_rtp).map(|e| e.with_port(port(e))),
        };
        facts
    }

    fn take_in(&mut self, attribute: Attribute<'_>) {
        match attribute.name {
            b"rtpmap" => self.explain(attribute.value),
            b"ptime" => {
                let ms = whole_number(attribute.value).and_then(|ms| u16::try_from(ms).ok());
                self.ptime_ms = ms.unwrap_or(self.ptime_ms);
            }
            b"crypto" if self.suites.len() < MAX_SUITES => {
                self.suites.extend(Crypto::parse(attribute.value).map(|crypto| Suite::of(crypto.suite)));
            }
            b"fingerprint" => self.has_fingerprint = true,
            b"key-mgmt" => self.has_key_management = true,
            b"setup" => self.setup = Setup::parse(attribute.value).or(self.setup),
            b"rtcp-mux" => self.has_rtcp_mux = true,
            b"ice-ufrag" | b"candidate" => self.has_ice = true,
            _ => {}
        }
    }

    /// Gives the payload type of an `rtpmap` its name.
    fn explain(&mut self, value: &[u8]) {
        let Some(map) = RtpMap::parse(value) else { return };
        let formats = self.formats.iter_mut().filter(|f| f.payload_type == Some(map.payload_type));
        for format in formats {
            // Mostly it repeats what the table of static types says.
            if format.codec().is_none_or(|codec| codec.name().as_bytes() != map.name) {
                format.name = name_of(map.name);
            }
            format.clock_rate = match map.clock_rate {
                0 => format.codec().and_then(Codec::clock_rate).unwrap_or(0),
                told => told,
            };
            format.channels = map.channels;
        }
    }

    /// The format of a payload type.
    #[must_use]
    pub fn format(&self, payload_type: u8) -> Option<&Format> {
        self.formats.iter().find(|f| f.payload_type == Some(payload_type))
    }

    /// Whether it asks the other side to be silent. RFC 3264 §8.4
    #[must_use]
    pub fn is_hold(&self) -> bool {
        self.port != 0 && (!self.direction.receives() || self.is_null_address)
    }
}

fn name_of(name: &[u8]) -> FormatName {
    Codec::from_name(name).map_or_else(|| FormatName::Other(kept(name)), FormatName::Known)
}

/// A word as text, cut to a bounded length.
fn kept(word: &[u8]) -> Box<str> {
    String::from_utf8_lossy(word.get(..MAX_WORD).unwrap_or(word)).into()
}
