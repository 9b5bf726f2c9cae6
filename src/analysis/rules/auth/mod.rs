//! Why credentials were refused.

pub mod attempt;
pub mod credentials;
pub mod entries;
pub mod forensics;
pub mod servers;
pub mod weak;

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[weak::RULE, credentials::RULE];
