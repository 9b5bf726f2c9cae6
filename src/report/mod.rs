//! What a command found, as plain data, and its verdict. No colour, no layout: `render` decides how it looks, nothing else.

pub mod active;
pub mod apart;
pub mod build;
pub mod collect;
pub mod decode;
pub mod demo;
pub mod expect;
pub mod explain;
pub mod invite;
pub mod legs;
pub mod lint;
pub mod notes;
pub mod peers;
pub mod ping;
pub mod register;
pub mod resolve;
pub mod select;
pub mod serve;
pub mod tally;
pub mod text;
pub mod trace;
pub mod verdict;

pub use collect::{Collector, Detail, Outlet};
pub use select::Selection;
pub use text::Text;
pub use verdict::Exit;

use crate::trace::{Conversation, Kind, call, exchange, registration};

/// The state of a conversation, in the word of the contract.
#[must_use]
pub fn state_word(c: &Conversation) -> &'static str {
    match c.kind {
        Kind::Call => decode::CallState::from(call::Outcome::of(c).state).as_str(),
        Kind::Registration => match registration::Outcome::of(c).state {
            registration::State::Registered => "registered",
            registration::State::Removed => "removed",
            registration::State::Queried => "queried",
            registration::State::Refused => "refused",
            registration::State::Challenged => "challenged",
            registration::State::Unanswered => "unanswered",
        },
        Kind::Exchange => match exchange::Outcome::of(c).state {
            exchange::State::Answered => "answered",
            exchange::State::Rejected => "rejected",
            exchange::State::Unanswered => "unanswered",
        },
    }
}
