//! Whether the two sides agreed on media that can work.

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[];
