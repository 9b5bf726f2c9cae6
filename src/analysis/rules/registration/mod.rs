//! Whether a registration came to stand, and stood.

pub mod register_refused;

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[register_refused::RULE];
