//! Digest authentication: challenges, answers, and their verification. RFC 3261 §22, RFC 7616, RFC 8760
//!
//! Works on values, not on messages: who parses and sends header fields is somebody else. Refuses to keep passwords.

pub mod algorithm;
pub mod answer;
pub mod challenge;
pub mod forensics;
pub mod read;

pub use algorithm::Algorithm;
pub use answer::{Answer, Secret, answer, verify};
pub use challenge::{Challenge, Qop};
pub use forensics::{Given, Known};
pub use read::Pairs;
