//! Captures that prove the findings of the group `outcome`, and near misses.

use super::Proof;

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[];
