//! What a rule says.

use crate::base::Span;

/// How grave a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Works, but wrong or risky.
    Warning,
    /// Something failed or will.
    Error,
}

/// Bytes of a message that prove a finding, with the line they stand in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Position of the message in the conversation.
    pub position: u32,
    /// The bytes.
    pub span: Span,
    /// The line that holds the first of them.
    pub line: Vec<u8>,
    /// 1-based number of that line.
    pub line_number: u32,
    /// Offset of the first byte in `line`.
    pub column: u32,
    /// What is said under the bytes.
    pub label: String,
}

/// A judgement with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Kebab-case name that never changes.
    pub code: &'static str,
    /// How grave.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// The evidence in sentences.
    pub detail: Vec<String>,
    /// What to do.
    pub fix: &'static str,
    /// `RFC 3261 §17.2.1`
    pub rule: &'static str,
    /// Positions, in the conversation, of the messages that prove it.
    pub positions: Vec<u32>,
    /// The bytes that prove it.
    pub evidence: Vec<Evidence>,
}
