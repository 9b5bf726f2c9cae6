//! Whether what was sent arrived, and in time: silence, repeats, refusals of the network, loops.

pub mod no_response;
pub mod retransmission;

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[no_response::RULE, retransmission::RULE];
