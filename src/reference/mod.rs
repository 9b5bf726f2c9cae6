//! What a person looks up: status codes, methods, header fields, timers, release causes, alerts, warning codes and the elements of a SIP
//! network, each with what it means and what usually is behind it, in our own words.
//!
//! Names and sections come from the tables of `sip`; here stands what is said of them. Refuses to know a trace, a finding or a form of output.

pub mod alert;
pub mod cause;
pub mod element;
pub mod header;
pub mod method;
pub mod near;
pub mod status;
pub mod timer;
pub mod topic;
pub mod warning;

pub use topic::{Kind, Part, Topic, all, matching};
