//! Captures that prove the findings of the group `identity`, and near misses.

use super::Proof;

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[];
