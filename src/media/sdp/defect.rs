//! What can be wrong with a session description.

use crate::base::Span;

/// A rule that a description breaks, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Defect {
    /// The rule.
    pub kind: DefectKind,
    /// The bytes of the description that break it; empty where something is missing.
    pub span: Span,
}

/// The rules that are watched.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DefectKind {
    /// It does not begin with `v=`.
    VersionMissing,
    /// The version is not 0.
    VersionUnknown,
    /// There is no `o=`.
    OriginMissing,
    /// An `o=` that has not six fields.
    OriginMalformed,
    /// There is no `s=`.
    NameMissing,
    /// There is no `t=`.
    TimeMissing,
    /// A media description has no `c=`, and neither has the session.
    ConnectionMissing,
    /// A `c=` without network type, address type and address.
    ConnectionMalformed,
    /// An `m=` without media, port, protocol and format, or with a port that is none.
    MediaMalformed,
    /// A line that does not begin with a letter and `=`.
    LineMalformed,
    /// A letter that means nothing at this place.
    LineUnknown,
    /// A line that must stand before others that came first.
    OutOfOrder,
    /// An empty line with others after it.
    EmptyLine,
}

impl DefectKind {
    /// A stable name: `sdp-version-missing`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DefectKind::VersionMissing => "sdp-version-missing",
            DefectKind::VersionUnknown => "sdp-version-unknown",
            DefectKind::OriginMissing => "sdp-origin-missing",
            DefectKind::OriginMalformed => "sdp-origin-malformed",
            DefectKind::NameMissing => "sdp-name-missing",
            DefectKind::TimeMissing => "sdp-time-missing",
            DefectKind::ConnectionMissing => "sdp-connection-missing",
            DefectKind::ConnectionMalformed => "sdp-connection-malformed",
            DefectKind::MediaMalformed => "sdp-media-malformed",
            DefectKind::LineMalformed => "sdp-line-malformed",
            DefectKind::LineUnknown => "sdp-line-unknown",
            DefectKind::OutOfOrder => "sdp-out-of-order",
            DefectKind::EmptyLine => "sdp-empty-line",
        }
    }

    /// The section that states the rule: `RFC 8866 §5.1`.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            DefectKind::VersionMissing | DefectKind::VersionUnknown => "RFC 8866 §5.1",
            DefectKind::OriginMissing | DefectKind::OriginMalformed => "RFC 8866 §5.2",
            DefectKind::NameMissing => "RFC 8866 §5.3",
            DefectKind::TimeMissing => "RFC 8866 §5.9",
            DefectKind::ConnectionMissing | DefectKind::ConnectionMalformed => "RFC 8866 §5.7",
            DefectKind::MediaMalformed => "RFC 8866 §5.14",
            DefectKind::LineMalformed | DefectKind::LineUnknown | DefectKind::OutOfOrder | DefectKind::EmptyLine => {
                "RFC 8866 §5"
            }
        }
    }
}
