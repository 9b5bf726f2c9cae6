//! How a call ended, where that is worth saying.

pub mod ending;

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[ending::RULE];
