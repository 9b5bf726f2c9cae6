//! Whether what was sent arrived, and in time: silence, repeats, refusals of the network, loops.

pub mod capture_duplicate;
pub mod certificate;
pub mod connection;
pub mod forwarding;
pub mod fragment_lost;
mod hops;
pub mod icmp_unreachable;
pub mod no_response;
pub mod post_dial_delay;
mod repeats;
pub mod retransmission;
pub mod slow_response;
pub mod timer_violation;
pub mod tls;
pub mod udp_too_large;

use super::Rule;
use crate::analysis::incidents::Occurrences;
use crate::analysis::{Case, Finding};
use crate::trace::incident::What;
pub(in crate::analysis::rules) use hops::silence_behind;

/// The rules of this group, causes before what may be their consequence.
pub const RULES: &[Rule] = &[
    icmp_unreachable::RULE,
    fragment_lost::RULE,
    forwarding::RULE,
    no_response::RULE,
    timer_violation::RULE,
    retransmission::RULE,
    slow_response::RULE,
    post_dial_delay::RULE,
    udp_too_large::RULE,
    connection::RULE,
    tls::RULE,
    certificate::RULE,
    capture_duplicate::RULE,
];

/// Findings that say why a request has no answer: the silence after it, and what follows from it, are no findings of their own.
pub const SILENCE: &[&str] = &[
    "icmp-unreachable",
    "fragment-lost",
    "no-response",
    "tcp-closed",
    "tcp-reset",
    "tls-failed",
    "tls-on-plain-port",
    "plain-on-tls-port",
];

/// Judges nothing: what such a rule says takes more than one conversation, and is said by [`crate::analysis::Watch`].
fn judged_by_watch(_: &Case<'_>, _: &mut Vec<Finding>) {}

/// What is said of an incident that left no request unanswered.
pub(in crate::analysis) fn of_incident_alone(r: &Occurrences) -> Finding {
    let mut f = of_incident(r);
    if let What::Reset(reset) = &r.first.what
        && !reset.cut_message
    {
        connection::idle(&mut f);
    }
    f
}

/// What is said of an incident.
pub(in crate::analysis) fn of_incident(r: &Occurrences) -> Finding {
    match &r.first.what {
        What::Refused => connection::refused(r),
        What::Unanswered(opening) => connection::unanswered(r, opening),
        What::Certificate(shown) => certificate::found(r, shown),
        What::Reset(reset) => connection::reset(r, reset),
        What::Closed(close) => connection::closed(r, close),
        What::TlsFailed(failure) => tls::failed(r, failure),
        What::TlsOnPlain(answer) => tls::on_plain(r, answer),
        What::PlainOnTls(answer) => tls::on_tls(r, answer),
        What::FragmentLost(lost) => fragment_lost::incomplete(r, lost),
        What::Unreachable(u) => icmp_unreachable::beside(r, u),
    }
}
