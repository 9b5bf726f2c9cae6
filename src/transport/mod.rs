//! How messages travel: UDP, TCP, TLS, WebSocket over either, and where they go (RFC 3263).
//!
//! Refuses to know transactions: it carries whole messages, and says when it cannot.

mod accept;
pub mod connector;
pub mod error;
mod icmp;
pub mod line;
pub mod listener;
pub mod protocol;
pub mod resolve;
mod socket;
mod stream;
pub mod tap;
mod tapped;
pub mod target;
mod tls;
mod udp;
mod websocket;

pub use connector::{ConnectOptions, Connector};
pub use error::{Phase, TransportError};
pub use line::{Line, LineFacts, Received};
pub use protocol::Protocol;
pub use resolve::{Candidate, Plan, Resolver};
pub use tap::{Tap, Wire};
pub use target::{Host, Target};

#[cfg(test)]
mod tests;
