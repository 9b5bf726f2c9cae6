//! What a rule says.

use super::quote::{Part, Quote};
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

/// How sure a finding is of its cause.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Confidence {
    /// It fits, and so may something else that cannot be told apart here.
    Possible,
    /// What else would fit is much rarer.
    Likely,
    /// The evidence allows nothing else.
    Certain,
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
    /// How sure.
    pub confidence: Confidence,
    /// One line.
    pub title: String,
    /// The evidence in sentences.
    pub detail: Vec<String>,
    /// Other causes that would fit, each with what speaks against it, in a sentence.
    pub ruled_out: Vec<String>,
    /// What to do.
    pub fix: &'static str,
    /// `RFC 3261 §17.2.1`
    pub rule: &'static str,
    /// Positions, in the conversation, of the messages that prove it.
    pub positions: Vec<u32>,
    /// The same as indices over the whole run, where it concerns no single conversation.
    pub indices: Vec<u64>,
    /// The media stream it concerns.
    pub stream: Option<u64>,
    /// The bytes that prove it.
    pub evidence: Vec<Evidence>,
    /// Whether it says more of a finding that was told before, and is not counted again.
    pub is_update: bool,
    /// What is to be shown of the messages, until [`super::Recall`] has found it.
    pub quotes: Vec<Quote>,
}

impl Finding {
    /// Quotes a part of the message at `position`, with `label` under it.
    pub fn quote(&mut self, position: u32, part: Part, label: impl Into<String>) {
        self.quotes.push(Quote { position, part, label: label.into() });
    }
}
