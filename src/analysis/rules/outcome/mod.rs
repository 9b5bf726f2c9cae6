//! How a call ended, or another request, where that is worth saying.

pub mod abrupt_end;
pub mod cancel_crossed;
pub mod cause;
pub mod ending;
mod entries;
pub mod forked_answers;
pub mod media_not_acceptable;
pub mod reinvite;
pub mod request_refused;
pub mod transfer;

use super::Rule;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[
    cancel_crossed::RULE,
    forked_answers::RULE,
    media_not_acceptable::RULE,
    reinvite::RULE,
    transfer::RULE,
    abrupt_end::RULE,
    ending::RULE,
    request_refused::RULE,
];
