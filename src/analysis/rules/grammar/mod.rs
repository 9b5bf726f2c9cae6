//! What is wrong with a message by itself, or with an answer beside what was asked.

pub mod answer;
pub mod defects;
pub mod entries;
pub mod mismatch;

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[defects::RULE, answer::RULE, mismatch::RULE];
