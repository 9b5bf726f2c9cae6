//! The transaction machines of RFC 3261 §17 and RFC 6026: no socket, no clock. `now` is passed in; what is to be sent, when
//! the next timer fires and what happened are polled.
//!
//! Refuses to compose messages (beyond the ACK of a refused INVITE, which is the transaction's own) and to know dialogs.

mod ack;
pub mod client;
mod key;
pub mod server;
pub mod timers;

pub use client::{Client, Event, Ignored};
pub use server::Server;
pub use timers::Timers;
