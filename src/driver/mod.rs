//! Joins sources and machines to threads, sockets and the clock.
//!
//! The passive half is [`decode`]: a source, the two halves of the trace, and a sink. Refuses to know what is done with
//! the findings.

pub mod agent;
pub mod call;
pub mod decode;
pub mod dial;
pub mod endpoint;
pub mod input;
pub mod media;
pub mod pair;
pub mod record;
pub mod signal;
pub mod stop;

pub use decode::{Control, Tap, Totals};
pub use input::Input;
pub use record::{RecordOptions, Recorder};
pub use stop::Stop;
