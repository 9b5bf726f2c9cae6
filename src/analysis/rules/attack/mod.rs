//! What looks like somebody trying doors: judged over many conversations.

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[];
