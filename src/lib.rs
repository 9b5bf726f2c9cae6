//! `sipctl` pings, registers, calls, decodes and explains SIP. The library under the binary, so that tests and benches
//! reach every layer; it makes no promise to other crates.
//!
//! The folders are floors: each names only folders below it (`tests/architecture.rs` holds the table).

pub mod agent;
pub mod analysis;
pub mod base;
pub mod capture;
pub mod cli;
pub mod commands;
pub mod digest;
pub mod driver;
pub mod media;
pub mod net;
pub mod reference;
pub mod render;
pub mod report;
pub mod sip;
pub mod trace;
pub mod transaction;
pub mod transport;
