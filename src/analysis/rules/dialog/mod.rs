//! Whether a dialog was set up, kept and ended by the rules.

pub mod ack_missing;

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[ack_missing::RULE];
