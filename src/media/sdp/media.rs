//! One `m=` line with the lines that belong to it.

use super::attribute::{
    Attribute, Bandwidth, Connection, Crypto, Direction, RtcpAttribute, RtpMap, Setup, attributes, bandwidths,
};
use super::line::{number, split_once, word, words};
use crate::base::{Endpoint, Span};
use crate::media::codec::StaticType;

/// A media description: a view of its lines, which are read when asked for. RFC 8866 §5.14
#[derive(Clone, Copy, Debug)]
pub struct MediaDescription<'a> {
    /// `audio`, `video`, `image` …
    pub kind: &'a [u8],
    /// Transport port; 0 rejects or ends the stream, and stands where none can be read.
    pub port: u16,
    /// Number of ports; 1 where it is not told.
    pub port_count: u32,
    /// `RTP/AVP`, `RTP/SAVP`, `UDP/TLS/RTP/SAVPF`, `udptl` …
    pub protocol: &'a [u8],
    /// The formats as they stand in the line.
    pub format_list: &'a [u8],
    /// The line in the description.
    pub span: Span,
    /// Its own `c=` value.
    pub(super) connection: Option<&'a [u8]>,
    /// The lines after it, up to the next `m=`.
    pub(super) lines: &'a [u8],
    /// What holds for all media: the session's lines, and its `c=` value.
    pub(super) head: &'a [u8],
    pub(super) session_connection: Option<&'a [u8]>,
}

impl<'a> MediaDescription<'a> {
    /// Reads the value of an `m=` line; the second tells whether it is well formed.
    #[inline]
    pub(super) fn of_line(value: &'a [u8], span: Span) -> (Self, bool) {
        let (kind, rest) = word(value);
        let (ports, rest) = word(rest);
        let (protocol, format_list) = word(rest);
        let (port, count) = split_once(ports, b'/');
        let port = number(port).and_then(|n| u16::try_from(n).ok());
        let port_count = count.map_or(Some(1), number);
        let whole = port.is_some() && port_count.is_some() && !format_list.is_empty();
        let media = MediaDescription {
            kind,
            port: port.unwrap_or(0),
            port_count: port_count.unwrap_or(1),
            protocol,
            format_list,
            span,
            connection: None,
            lines: &[],
            head: &[],
            session_connection: None,
        };
        (media, whole)
    }

    /// The formats: payload types for RTP, names for others.
    pub fn formats(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        words(self.format_list)
    }

    /// The formats that are payload types.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.formats().filter_map(payload_type)
    }

    /// Its own attributes, in order; those of the session are not among them.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        attributes(self.lines)
    }

    /// The value of the first attribute of that name, its own or else the session's.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'a [u8]> {
        let all = self.attributes().chain(attributes(self.head));
        all.filter(|a| a.name == name.as_bytes()).map(|a| a.value).next()
    }

    fn own(&self, name: &str) -> Option<&'a [u8]> {
        self.attributes().find(|a| a.name == name.as_bytes()).map(|a| a.value)
    }

    /// Where it wants to receive: its own `c=`, else the session's.
    #[must_use]
    pub fn connection(&self) -> Option<Connection<'a>> {
        self.connection.or(self.session_connection).and_then(Connection::parse)
    }

    /// Connection address and port, if the address is numeric and the port not 0.
    #[must_use]
    pub fn endpoint(&self) -> Option<Endpoint> {
        let ip = self.connection()?.ip()?;
        (self.port != 0).then(|| Endpoint::new(ip, self.port))
    }

    /// Where it wants RTCP: told by `a=rtcp`, else the same port with `a=rtcp-mux`, else the next one. RFC 3550 §11, RFC 3605,
    /// RFC 5761. With rtcp-mux merely offered, RTCP may still come to the next port.
    #[must_use]
    pub fn rtcp_endpoint(&self) -> Option<Endpoint> {
        let media = self.endpoint();
        if let Some(rtcp) = self.rtcp() {
            return rtcp.endpoint(media);
        }
        media.filter(|_| self.has_rtcp_mux()).or_else(|| media.map(|e| e.with_port(e.port.saturating_add(1))))
    }

    /// The `a=rtcp` attribute.
    #[must_use]
    pub fn rtcp(&self) -> Option<RtcpAttribute<'a>> {
        self.own("rtcp").and_then(RtcpAttribute::parse)
    }

    /// Whether RTCP may share the port. RFC 5761 §5.1.1
    #[must_use]
    pub fn has_rtcp_mux(&self) -> bool {
        self.own("rtcp-mux").is_some()
    }

    /// Its direction, else the session's, else both ways.
    #[must_use]
    pub fn direction(&self) -> Direction {
        let mut all = self.attributes().chain(attributes(self.head));
        all.find_map(|a| Direction::from_name(a.name)).unwrap_or_default()
    }

    /// Whether it asks the other side to be silent: it only sends, or neither way, or its address is `0.0.0.0`.
    /// RFC 3264 §8.4
    #[must_use]
    pub fn is_hold(&self) -> bool {
        self.port != 0 && (!self.direction().receives() || self.connection().is_some_and(|c| c.is_null()))
    }

    /// Every well-formed `rtpmap`.
    pub fn rtpmaps(&self) -> impl Iterator<Item = RtpMap<'a>> + use<'a> {
        self.attributes().filter(|a| a.name == b"rtpmap").filter_map(|a| RtpMap::parse(a.value))
    }

    /// What a payload type means here: by its `rtpmap`, else by the static table. RFC 3551 §6
    #[must_use]
    pub fn rtpmap(&self, payload_type: u8) -> Option<RtpMap<'a>> {
        self.rtpmaps().find(|map| map.payload_type == payload_type).or_else(|| {
            let known = StaticType::of(payload_type)?;
            let (clock_rate, channels) = (known.clock_rate, known.channels);
            Some(RtpMap { payload_type, name: known.codec.name().as_bytes(), clock_rate, channels })
        })
    }

    /// The encoding name of a payload type.
    #[must_use]
    pub fn codec_name(&self, payload_type: u8) -> Option<&'a [u8]> {
        self.rtpmap(payload_type).map(|map| map.name)
    }

    /// The format parameters of a payload type.
    #[must_use]
    pub fn fmtp(&self, payload_type: u8) -> Option<&'a [u8]> {
        let mut all = self.attributes().filter(|a| a.name == b"fmtp").map(|a| word(a.value));
        all.find(|(format, _)| number(format) == Some(u32::from(payload_type))).map(|(_, parameters)| parameters)
    }

    /// Milliseconds of media in a packet, as wanted.
    #[must_use]
    pub fn ptime_ms(&self) -> Option<u32> {
        self.own("ptime").and_then(whole_number)
    }

    /// Milliseconds of media in a packet, at most.
    #[must_use]
    pub fn maxptime_ms(&self) -> Option<u32> {
        self.own("maxptime").and_then(whole_number)
    }

    /// The SDES offers.
    pub fn cryptos(&self) -> impl Iterator<Item = Crypto<'a>> + use<'a> {
        self.attributes().filter(|a| a.name == b"crypto").filter_map(|a| Crypto::parse(a.value))
    }

    /// The certificate's fingerprint: hash name and value. RFC 8122 §5
    #[must_use]
    pub fn fingerprint(&self) -> Option<&'a [u8]> {
        self.attribute("fingerprint")
    }

    /// Who opens the DTLS association.
    #[must_use]
    pub fn setup(&self) -> Option<Setup> {
        self.attribute("setup").and_then(Setup::parse)
    }

    /// Whether it brings ICE candidates or credentials. RFC 8839 §5
    #[must_use]
    pub fn has_ice(&self) -> bool {
        self.attribute("ice-ufrag").is_some() || self.own("candidate").is_some()
    }

    /// Identification for grouping. RFC 5888 §4
    #[must_use]
    pub fn mid(&self) -> Option<&'a [u8]> {
        self.own("mid")
    }

    /// Label. RFC 4574
    #[must_use]
    pub fn label(&self) -> Option<&'a [u8]> {
        self.own("label")
    }

    /// Its own bandwidth lines.
    pub fn bandwidths(&self) -> impl Iterator<Item = Bandwidth<'a>> + use<'a> {
        bandwidths(self.lines)
    }
}

/// A payload type by its digits.
pub(in crate::media) fn payload_type(format: &[u8]) -> Option<u8> {
    number(format).and_then(|n| u8::try_from(n).ok()).filter(|&n| n < 128)
}

/// The whole part of a number of milliseconds, which some write with a fraction.
pub(in crate::media) fn whole_number(value: &[u8]) -> Option<u32> {
    number(split_once(word(value).0, b'.').0)
}
