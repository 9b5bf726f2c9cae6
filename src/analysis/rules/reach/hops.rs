//! A request on one hop and on the next, for the rules that ask whose fault a late or bad answer is.

use crate::analysis::Finding;
use crate::base::Timestamp;
use crate::sip::Method;
use crate::trace::{Conversation, Facts};

/// Whether `behind` is what `before` became on the next hop.
pub(super) fn is_passed_on(c: &Conversation, behind: &Facts, before: &Facts) -> bool {
    let is_same = behind.cseq == before.cseq && c.text(behind.from_tag) == c.text(before.from_tag);
    // A B2BUA sends an INVITE of its own.
    let is_own = behind.asks(Method::Invite) && behind.to_tag.is_empty() && before.to_tag.is_empty();
    behind.index > before.index
        && behind.method == before.method
        && (is_same || is_own)
        && behind.transaction != before.transaction
        && behind.flow.src.same_ip(&before.flow.dst)
}

/// The finding of the silence on the next hop for which `request` waited, until it was answered.
pub(in crate::analysis::rules) fn silence_behind<'f>(
    c: &Conversation,
    request: &Facts,
    answered: Timestamp,
    findings: &'f mut [Finding],
) -> Option<&'f mut Finding> {
    let first = |f: &Finding| f.positions.first().and_then(|&p| c.at(p));
    let is_cause = |f: &Finding| first(f).is_some_and(|r| is_passed_on(c, r, request) && r.time < answered);
    findings.iter_mut().find(|f| super::SILENCE.contains(&f.code) && is_cause(f))
}
