//! Whether a registration came to stand, and stood.

pub mod binding_missing;
pub mod register_lapsed;
pub mod register_refused;
pub mod register_too_brief;

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] =
    &[register_too_brief::RULE, register_refused::RULE, binding_missing::RULE, register_lapsed::RULE];
