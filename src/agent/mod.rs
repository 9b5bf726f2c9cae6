//! What we do on the wire, as machines without I/O: they are told what came and what time it is, and are asked what to do.
//!
//! Refuses sockets and clocks (`driver` has them) and output (`report` words what was found).

mod address;
pub mod challenge;
pub mod dialog;
pub mod draft;
pub mod exchange;
pub mod invite;
pub mod machine;
pub mod ping;
pub mod register;
pub mod session_timer;
pub mod trace;
pub mod transfer;

pub use challenge::{Account, Answered, Authenticator};
pub use dialog::Dialog;
pub use draft::{Draft, Identity};
pub use exchange::{Attempt, Exchange, Outcome};
pub use machine::{Action, Machine};
