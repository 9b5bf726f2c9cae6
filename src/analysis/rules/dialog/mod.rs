//! Whether a dialog was set up, kept and ended by the rules.

pub mod ack_mismatch;
pub mod ack_missing;
pub mod contact_missing;
pub mod cseq_not_increasing;
pub mod prack_missing;
pub mod refused_within;
pub mod route_set_ignored;
pub mod session_expired;
pub mod session_interval;
pub mod to_tag_missing;

use super::Rule;
use crate::trace::keys::MAGIC_COOKIE;
use crate::trace::{Conversation, Facts};

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[
    to_tag_missing::RULE,
    contact_missing::RULE,
    ack_mismatch::RULE,
    ack_missing::RULE,
    cseq_not_increasing::RULE,
    prack_missing::RULE,
    route_set_ignored::RULE,
    session_expired::RULE,
    session_interval::RULE,
    refused_within::RULE,
];

/// Whether the sender of a request shows by the branch of its Via that it follows RFC 3261: older programs need neither tags nor a Contact, and nothing
/// can be asked of a responder that they asked. RFC 3261 §8.1.1.7
fn knows_rfc3261(c: &Conversation, f: &Facts) -> bool {
    let branch = c.transaction(f).map_or(&b""[..], |t| c.text(t.branch));
    branch.get(..MAGIC_COOKIE.len()).is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
}
