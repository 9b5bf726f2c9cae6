//! What the wire breaks, and where.

use crate::base::Span;

/// The kinds of defect; each has the code of the finding that it becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum DefectKind {
    /// To, From, Call-ID, CSeq, Via or Max-Forwards is missing. RFC 3261 §8.1.1
    HeaderMissing,
    /// A header field that may be there once is there more than once. RFC 3261 §7.3.1
    HeaderDuplicate,
    /// A header field value breaks its grammar. RFC 3261 §25.1
    HeaderMalformed,
    /// More or fewer bytes than Content-Length says. RFC 3261 §20.14
    ContentLengthMismatch,
    /// The method in CSeq is not that of the request. RFC 3261 §8.1.1.5
    CseqMethodMismatch,
    /// The first line breaks its grammar. RFC 3261 §7.1
    StartLineMalformed,
    /// A URI breaks its grammar. RFC 3261 §19.1.1
    UriMalformed,
    /// The branch does not start with the magic cookie. RFC 3261 §8.1.1.7
    BranchWithoutCookie,
    /// Lines end with LF alone. RFC 3261 §7
    BareLineFeed,
    /// The version is not `SIP/2.0`. RFC 3261 §7.1
    VersionUnknown,
    /// The message is cut before its end.
    MessageTruncated,
}

impl DefectKind {
    /// The finding's code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            DefectKind::HeaderMissing => "header-missing",
            DefectKind::HeaderDuplicate => "header-duplicate",
            DefectKind::HeaderMalformed => "header-malformed",
            DefectKind::ContentLengthMismatch => "content-length-mismatch",
            DefectKind::CseqMethodMismatch => "cseq-method-mismatch",
            DefectKind::StartLineMalformed => "start-line-malformed",
            DefectKind::UriMalformed => "uri-malformed",
            DefectKind::BranchWithoutCookie => "branch-without-cookie",
            DefectKind::BareLineFeed => "bare-line-feed",
            DefectKind::VersionUnknown => "version-unknown",
            DefectKind::MessageTruncated => "message-truncated",
        }
    }
}

/// One defect: what rule of the wire is broken, and by which bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Defect {
    /// What kind.
    pub kind: DefectKind,
    /// The bytes at fault (empty, at the place where something is missing).
    pub span: Span,
    /// What is wrong with them, in a few words: "a second '>' ends nothing".
    pub what: &'static str,
    /// The rule: `RFC 3261 §20.10`.
    pub rule: &'static str,
}
