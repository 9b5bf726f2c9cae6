//! Joins sources and machines to threads, sockets and the clock.
//!
//! The passive half is [`decode`]: a source, the two halves of the trace, and a sink. Refuses to know what is done with
//! the findings.

pub mod decode;
pub mod input;
pub mod signal;

pub use decode::{Control, Tap, Totals};
pub use input::Input;
