//! What is wrong with a message by itself.

pub mod defects;
pub mod entries;

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[defects::RULE];
