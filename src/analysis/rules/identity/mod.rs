//! STIR/SHAKEN: who vouches for the caller's number.

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[];
