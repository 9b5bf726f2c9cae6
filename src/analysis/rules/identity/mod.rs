//! STIR/SHAKEN: who vouches for the caller's number.

pub mod claims;
pub mod entries;
pub mod passport;
pub mod signature;
pub mod unsigned;

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[claims::RULE];
