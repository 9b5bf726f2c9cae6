//! What looks like somebody trying doors: judged over many conversations.

pub mod entries;
pub mod numbers;
pub mod source;
pub mod sources;

use super::Rule;
use crate::analysis::{Case, Finding};

/// The rules of this group, causes before what may be their consequence. What they say comes from [`sources::Sources`], which sees every conversation.
pub const RULES: &[Rule] = &[Rule { judge: nothing, entries: &entries::ENTRIES }];

/// A conversation by itself says little of an attack.
fn nothing(_: &Case<'_>, _: &mut Vec<Finding>) {}
