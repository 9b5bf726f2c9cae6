//! The values of lines, read when asked for.

use super::line::{Line, Lines, number, split_once, word, words};
use crate::base::Endpoint;
use std::net::IpAddr;

/// Who made the description. RFC 8866 §5.2
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin<'a> {
    /// User name, or `-`.
    pub username: &'a [u8],
    /// Session identifier: the same for all versions of one session.
    pub session_id: &'a [u8],
    /// Version, which grows by one with each change. RFC 3264 §8
    pub session_version: &'a [u8],
    /// `IP4` or `IP6`.
    pub address_type: &'a [u8],
    /// The maker's address or host name.
    pub address: &'a [u8],
}

impl<'a> Origin<'a> {
    /// Reads the value of an `o=` line; `None` where it has not six fields.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let mut fields = words(value);
        let (username, session_id, session_version) = (fields.next()?, fields.next()?, fields.next()?);
        let _network_type = fields.next()?;
        let (address_type, address) = (fields.next()?, fields.next()?);
        fields.next().is_none().then_some(Origin { username, session_id, session_version, address_type, address })
    }
}

/// Where media goes. RFC 8866 §5.7
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connection<'a> {
    /// `IP4` or `IP6`.
    pub address_type: &'a [u8],
    /// Address or host name, without the time to live and the count of a multicast address.
    pub address: &'a [u8],
}

impl<'a> Connection<'a> {
    /// Reads the value of a `c=` line; `None` where a field is missing.
    #[inline]
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (_network_type, rest) = word(value);
        let (address_type, rest) = word(rest);
        let (address, _) = split_once(word(rest).0, b'/');
        (!address.is_empty()).then_some(Connection { address_type, address })
    }

    /// The address, if it is one and not a host name.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        std::str::from_utf8(self.address).ok()?.parse().ok()
    }

    /// Whether it is `0.0.0.0` or `::`: put on hold as RFC 2543 had it. RFC 3264 §8.4
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.ip().is_some_and(|ip| ip.is_unspecified())
    }
}

/// Which way media flows, as seen by the one whose description it is. RFC 8866 §6.7
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Direction {
    /// Both ways; what is meant where nothing is said.
    #[default]
    SendRecv,
    /// It only sends.
    SendOnly,
    /// It only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// The direction that an attribute name is, if it is one.
    #[inline]
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Direction> {
        match name {
            b"sendrecv" => Some(Direction::SendRecv),
            b"sendonly" => Some(Direction::SendOnly),
            b"recvonly" => Some(Direction::RecvOnly),
            b"inactive" => Some(Direction::Inactive),
            _ => None,
        }
    }

    /// The name of the attribute.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// Whether its owner is willing to send.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether its owner is willing to receive.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }
}

/// An `a=` line. RFC 8866 §5.13
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attribute<'a> {
    /// What stands before the colon.
    pub name: &'a [u8],
    /// What stands after it, blanks around it taken away; empty for a property attribute.
    pub value: &'a [u8],
}

impl<'a> Attribute<'a> {
    #[inline]
    fn of(line: Line<'a>) -> Option<Self> {
        if line.kind != b'a' {
            return None;
        }
        let (name, value) = split_once(line.value, b':');
        Some(Attribute { name: name.trim_ascii(), value: value.unwrap_or_default().trim_ascii() })
    }
}

/// The attributes among some lines.
pub(super) fn attributes(lines: &[u8]) -> impl Iterator<Item = Attribute<'_>> {
    Lines::new(lines).filter_map(Attribute::of)
}

/// A payload type's meaning. RFC 8866 §6.6
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtpMap<'a> {
    /// 0 to 127.
    pub payload_type: u8,
    /// Encoding name.
    pub name: &'a [u8],
    /// RTP clock in Hz; 0 where it is not told.
    pub clock_rate: u32,
    /// Audio channels; 1 where it is not told.
    pub channels: u8,
}

impl<'a> RtpMap<'a> {
    /// Reads the value of an `rtpmap` attribute.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (payload_type, encoding) = word(value);
        let payload_type = number(payload_type).and_then(|n| u8::try_from(n).ok()).filter(|&n| n < 128)?;
        let (name, rest) = split_once(word(encoding).0, b'/');
        let (clock, channels) = split_once(rest.unwrap_or_default(), b'/');
        let channels = channels.and_then(number).and_then(|n| u8::try_from(n).ok()).unwrap_or(1);
        let clock_rate = number(clock).unwrap_or(0);
        (!name.is_empty()).then_some(RtpMap { payload_type, name, clock_rate, channels })
    }
}

/// An offer to protect media by SDES. RFC 4568 §4
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crypto<'a> {
    /// Its number, which the answer repeats.
    pub tag: u32,
    /// The suite: `AES_CM_128_HMAC_SHA1_80`.
    pub suite: &'a [u8],
}

impl<'a> Crypto<'a> {
    /// Reads the value of a `crypto` attribute; the key stays where it is.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (tag, rest) = word(value);
        let suite = word(rest).0;
        Some(Crypto { tag: number(tag)?, suite }).filter(|_| !suite.is_empty())
    }
}

/// Who opens the DTLS association. RFC 4145 §4
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Setup {
    /// This side opens.
    Active,
    /// The other side opens.
    Passive,
    /// Either.
    ActPass,
    /// Nobody yet.
    HoldConn,
}

impl Setup {
    /// Reads the value of a `setup` attribute.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Setup> {
        match value {
            b"active" => Some(Setup::Active),
            b"passive" => Some(Setup::Passive),
            b"actpass" => Some(Setup::ActPass),
            b"holdconn" => Some(Setup::HoldConn),
            _ => None,
        }
    }
}

/// Where RTCP goes, if not to the next port. RFC 3605 §2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtcpAttribute<'a> {
    /// The port.
    pub port: u16,
    /// The address, where it is another than that of the media.
    pub connection: Option<Connection<'a>>,
}

impl<'a> RtcpAttribute<'a> {
    /// Reads the value of an `rtcp` attribute.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (port, rest) = word(value);
        let port = number(port).and_then(|n| u16::try_from(n).ok())?;
        Some(RtcpAttribute { port, connection: Connection::parse(rest) })
    }

    /// The endpoint, with the media's address where no other is told.
    #[must_use]
    pub fn endpoint(&self, media: Option<Endpoint>) -> Option<Endpoint> {
        match self.connection {
            Some(connection) => connection.ip().map(|ip| Endpoint::new(ip, self.port)),
            None => media.map(|endpoint| endpoint.with_port(self.port)),
        }
    }
}

/// A `b=` line. RFC 8866 §5.8
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bandwidth<'a> {
    /// `AS`, `CT`, `TIAS`, `RS`, `RR`.
    pub kind: &'a [u8],
    /// kbit/s, for `TIAS`, `RS` and `RR` bit/s.
    pub value: u32,
}

/// The bandwidths among some lines.
pub(super) fn bandwidths(lines: &[u8]) -> impl Iterator<Item = Bandwidth<'_>> {
    Lines::new(lines).filter(|line| line.kind == b'b').filter_map(|line| {
        let (kind, value) = split_once(line.value, b':');
        Some(Bandwidth { kind, value: number(value?.trim_ascii())? })
    })
}
